"use strict";

// Inside the network: the maps of one layer, and the sum behind one pixel.
const Inside = (() => {
  const { windowOf } = Parts;
  const { COLOURS, colour, cellStyle, background, size, written } = Colours;
  const SHOWN = 128; // maps of one layer at most
  const GAP = 1; // between maps, in their own pixels
  const WIDEST = 8; // a window to each side whose numbers can still be read
  const NAMED = 6; // input maps that a sum names; it adds up the others
  const NAMES = { relu: "ReLU" };

  const element = (id) => document.getElementById(id);

  let network = null;
  let windows = []; // indices of the layers that look through a window: convolutions and pooling
  let chosen = 0; // which of them is shown
  let image = null; // what the network got: 784 numbers, or null while there is no digit
  let outputs = null; // what its layers made of it
  // The pixel whose sum is shown: on which side of the layer, in which map, where; and the channel of
  // the input that is written out, if it is not to be the strongest.
  let focus = null;
  let choice = "none"; // what the reader chose of it: "none", the "map", or the "place" as well
  let channel = 0; // the channel of the input that the sum writes out
  let isAway = false; // whether the sum is of another layer, which has no window
  const followers = []; // other parts of the page that show the same
  let seen = false; // whether any of the maps is in sight

  // --- maps, side by side -----------------------------------------------------------------------

  /** A canvas full of maps; it knows which pixel of which map lies where. */
  function makeGrid(canvas, side) {
    const small = document.createElement("canvas"); // one pixel a number
    let [height, width, maps, columns, zoom] = [1, 1, 1, 1, 1];

    function resize(shape) {
      [height, width] = shape;
      maps = Math.min(shape[2], SHOWN);
      const room = canvas.parentElement.clientWidth || 300;
      const wanted = maps === 1 ? 196 : maps <= 16 ? 68 : maps <= 48 ? 54 : 40;
      zoom = Math.max(1, Math.round(Math.min(wanted, room) / Math.max(width, height)));
      columns = Math.min(maps, Math.max(1, Math.floor((room / zoom + GAP) / (width + GAP))));
      small.width = columns * (width + GAP) - GAP;
      small.height = Math.ceil(maps / columns) * (height + GAP) - GAP;
      canvas.width = small.width * zoom;
      canvas.height = small.height * zoom;
    }

    function corner(map) {
      return [(map % columns) * (width + GAP), Math.floor(map / columns) * (height + GAP)];
    }

    function paint(numbers, channels, shade) {
      const picture = new ImageData(small.width, small.height);
      const bytes = picture.data;
      for (let map = 0; map < maps; map++) {
        const [left, top] = corner(map);
        for (let y = 0; y < height; y++) {
          let at = 4 * ((top + y) * small.width + left);
          let from = y * width * channels + map;
          for (let x = 0; x < width; x++, at += 4, from += channels) {
            shade(bytes, at, numbers[from]);
            bytes[at + 3] = 255;
          }
        }
      }
      small.getContext("2d").putImageData(picture, 0, 0);
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.imageSmoothingEnabled = false;
      context.drawImage(small, 0, 0, canvas.width, canvas.height);
    }

    /** Frame a rectangle of pixels in one map: dark and bright, so that it shows on any colour. */
    function frame(map, y, x, rows, columnsWide) {
      const [left, top] = corner(map);
      const context = canvas.getContext("2d");
      const box = [(left + x) * zoom, (top + y) * zoom, columnsWide * zoom, rows * zoom];
      const thick = zoom > 4 ? 2 : 1;
      for (const [style, times] of [
        ["#000", 2],
        ["#ffd400", 1],
      ]) {
        context.strokeStyle = style;
        context.lineWidth = times * thick;
        context.strokeRect(...box);
      }
    }

    function pixelAt(event) {
      const box = canvas.getBoundingClientRect();
      const x = Math.floor(((event.clientX - box.left) / box.width) * small.width);
      const y = Math.floor(((event.clientY - box.top) / box.height) * small.height);
      const [column, row] = [Math.floor(x / (width + GAP)), Math.floor(y / (height + GAP))];
      const place = {
        side,
        map: row * columns + column,
        y: y % (height + GAP),
        x: x % (width + GAP),
      };
      const inside = place.map < maps && place.y < height && place.x < width && column < columns;
      return inside && x >= 0 && y >= 0 ? place : null;
    }

    for (const name of ["pointerdown", "pointermove"]) {
      canvas.addEventListener(name, (event) => {
        const place = pixelAt(event);
        if (place && image) look(place);
      });
    }
    canvas.addEventListener("keydown", (event) => {
      const moves = {
        ArrowLeft: { x: -1 },
        ArrowRight: { x: 1 },
        ArrowUp: { y: -1 },
        ArrowDown: { y: 1 },
        PageUp: { map: -1 },
        PageDown: { map: 1 },
      };
      const move = moves[event.key];
      if (!move || !image) return;
      event.preventDefault();
      const from = focus.side === side ? focus : { map: 0, y: height >> 1, x: width >> 1 };
      const step = (part, count) =>
        Math.min(Math.max(from[part] + (move[part] ?? 0), 0), count - 1);
      look({ side, map: step("map", maps), y: step("y", height), x: step("x", width) });
    });
    speakWhileRead(canvas);
    return { resize, paint, frame };
  }

  /** The sum is spoken while somebody reads maps with the keyboard, and silent while they draw. */
  function speakWhileRead(canvas) {
    canvas.addEventListener("focus", () => speak("polite"));
    canvas.addEventListener("blur", () => speak("off"));
  }

  function speak(how) {
    element("live-said").setAttribute("aria-live", how);
  }

  const grids = {
    input: makeGrid(element("live-input"), "input"),
    output: makeGrid(element("live-output"), "output"),
  };

  const layer = () => asWindow(network.layers[windows[chosen]]);
  const inputOf = (index) => (index === 0 ? image : outputs[index - 1]);

  function look(place) {
    const same = focus && Object.keys(place).every((part) => place[part] === focus[part]);
    if (same) return;
    focus = place;
    choice = "place";
    paintMaps();
    explain();
  }

  function paintMaps() {
    const numbers = outputs[windows[chosen]];
    const most = size(numbers);
    element("live-least").textContent = written(-most);
    element("live-most").textContent = written(most, "+");
    if (!seen) return; // maps out of sight are painted when they come into view
    const into = inputOf(windows[chosen]);
    const brightest = size(into);
    const channels = layer().inputShape[2];
    const filters = layer().shape[2];
    const signed = (bytes, at, number) => {
      const start = colour(number, most);
      bytes[at] = COLOURS[start];
      bytes[at + 1] = COLOURS[start + 1];
      bytes[at + 2] = COLOURS[start + 2];
    };
    // What comes in is ink or the output of a ReLU, so grey will do, unless a tanh stands before.
    const negative = into.some((number) => number < 0);
    const grey = (bytes, at, number) => {
      bytes[at] = bytes[at + 1] = bytes[at + 2] = (255 * number) / brightest;
    };
    const signedInput = (bytes, at, number) => signed(bytes, at, (number * most) / brightest);
    grids.input.paint(into, channels, negative ? signedInput : grey);
    grids.output.paint(numbers, filters, signed);
    if (!focus) return;
    const window = windowOf(layer());
    if (focus.side === "output") {
      grids.output.frame(focus.map, focus.y, focus.x, 1, 1);
      const [top, left] = window.start(focus.y, focus.x);
      const [height, width] = layer().inputShape;
      const [y, x] = [Math.max(top, 0), Math.max(left, 0)];
      const rows = Math.min(top + layer().window[0], height) - y;
      const columns = Math.min(left + layer().window[1], width) - x;
      for (let c = 0; c < Math.min(channels, SHOWN); c++) grids.input.frame(c, y, x, rows, columns);
    } else {
      grids.input.frame(focus.map, focus.y, focus.x, 1, 1);
      const fed = window.fedBy(focus.y, focus.x);
      if (!fed.rows.length || !fed.columns.length) return;
      for (let o = 0; o < Math.min(filters, SHOWN); o++) {
        grids.output.frame(o, fed.rows[0], fed.columns[0], fed.rows.length, fed.columns.length);
      }
    }
  }

  // --- the sum behind one pixel -----------------------------------------------------------------

  /** A small table of numbers as one picture with its numbers in words. */
  function table(title, rows, shade) {
    const figure = document.createElement("div");
    const caption = figure.appendChild(document.createElement("p"));
    Object.assign(caption, { className: "live-caption", textContent: title });
    const cells = figure.appendChild(document.createElement("div"));
    cells.className = "live-cells";
    cells.style.setProperty("--columns", rows[0].length);
    cells.setAttribute("role", "img");
    const spoken = rows.map((row) => row.map((number) => written(number)).join(" ")).join("; ");
    cells.setAttribute("aria-label", `${title}: ${spoken}`);
    for (const number of rows.flat()) {
      const cell = cells.appendChild(document.createElement("span"));
      cell.textContent = written(number);
      Object.assign(cell.style, shade(number));
    }
    return figure;
  }

  /** Numbers with their names, the strongest first: what adds up to a sum. */
  function list(title, entries) {
    const figure = document.createElement("div");
    const caption = figure.appendChild(document.createElement("p"));
    Object.assign(caption, { className: "live-caption", textContent: title });
    const cells = figure.appendChild(document.createElement("ul"));
    cells.className = "live-parts";
    const most = size(entries.map(([, number]) => number));
    for (const [name, number] of entries) {
      const item = cells.appendChild(document.createElement("li"));
      item.append(document.createTextNode(`${name} `));
      const cell = item.appendChild(document.createElement("span"));
      cell.textContent = written(number, "+");
      Object.assign(cell.style, background(number, most));
    }
    return figure;
  }

  function operator(sign) {
    const span = document.createElement("span");
    span.className = "live-operator";
    span.textContent = sign;
    return span;
  }

  const asInk = (most) => (number) =>
    number < 0
      ? background(number, most)
      : cellStyle(Array(3).fill(Math.round((255 * number) / most)));
  const asSigned = (most) => (number) => background(number, most);

  function explain() {
    waiting.stop(); // for what is written now; later it would stop the window that moves
    isAway = false;
    const index = windows[chosen];
    const isPooling = network.layers[index].type !== "conv2d";
    const { side } = focus;
    if (side === "input") say(isPooling ? termsOfPooled(index) : termsOfInput(index));
    else say(isPooling ? termsOfPooling(index) : termsOfOutput(index));
    for (const { looked } of followers) looked?.(windows[chosen], focus, channel);
  }

  /** Write a sum: its parts in a row, a sentence, and what happens to the number afterwards. */
  function say({ parts, sentence, then = "" }) {
    const row = element("live-terms");
    row.replaceChildren(...parts);
    // Kernels wider than a phone scroll sideways, and so must be within reach of the keyboard.
    if (row.scrollWidth > row.clientWidth) row.tabIndex = 0;
    else row.removeAttribute("tabindex");
    element("live-sentence").textContent = sentence;
    element("live-then").textContent = then;
  }

  /** patch × kernel + bias = number, for the channel that adds most; the others as one sum. */
  function termsOfOutput(index) {
    const { inputShape, shape, window, kernel, bias } = network.layers[index];
    const into = inputOf(index);
    const [height, width, channels] = inputShape;
    const filters = shape[2];
    const [top, left] = windowOf(layer()).start(focus.y, focus.x);
    const pixel = (i, j, c) => {
      const [y, x] = [top + i, left + j];
      const inside = y >= 0 && y < height && x >= 0 && x < width;
      return inside ? into[(y * width + x) * channels + c] : 0;
    };
    const weight = (i, j, c) => kernel[((i * window[1] + j) * channels + c) * filters + focus.map];
    const grid = (number) =>
      Array.from({ length: window[0] }, (_, i) =>
        Array.from({ length: window[1] }, (_, j) => number(i, j)),
      );
    const sums = Array.from({ length: channels }, (_, c) =>
      grid((i, j) => pixel(i, j, c) * weight(i, j, c))
        .flat()
        .reduce((a, b) => a + b),
    );
    const order = [...sums.keys()].sort((a, b) => Math.abs(sums[b]) - Math.abs(sums[a]));
    const c = focus.channel ?? order[0];
    channel = c;
    const patch = grid((i, j) => pixel(i, j, c));
    const weights = grid((i, j) => weight(i, j, c));
    const total = outputs[index][(focus.y * shape[1] + focus.x) * filters + focus.map];
    const rest = sums.reduce((a, b) => a + b) - sums[c];
    const number = (value) => written(value);
    const named = order.slice(0, NAMED).map((n) => [`map ${n + 1}`, sums[n]]);
    const unnamed = order.slice(NAMED).reduce((sum, n) => sum + sums[n], 0);
    if (channels > NAMED) named.push([`${channels - NAMED} more`, unnamed]);
    named.push(["bias", bias[focus.map]]);
    const after = afterwards(index);
    const others = channels > 1 ? ` The other ${channels - 1} input maps add ${number(rest)}.` : "";
    const added = channels > 1 ? [rest, bias[focus.map]] : [bias[focus.map]];
    const chain = added
      .map((value) => ` ${value < 0 ? "−" : "+"} ${number(Math.abs(value))}`)
      .join("");
    return {
      parts: [
        table(
          channels > 1 ? `input map ${c + 1}` : "pixels",
          patch,
          asInk(size(patch.flat())),
        ),
        operator("×"),
        table("kernel", weights, asSigned(size(weights.flat()))),
        operator(`→ ${number(sums[c])}${chain} = ${number(total)}`),
        ...(channels > 1 ? [list("what each input map adds", named)] : []),
        ...after.parts,
      ],
      sentence:
        `Map ${focus.map + 1}, row ${focus.y + 1}, column ${focus.x + 1}: ` +
        `pixel by pixel, multiplied and added up, ` +
        `${channels === 1 ? "this gives" : `input map ${c + 1}${c === order[0] ? " (the strongest)" : ""} gives`} ` +
        `${number(sums[c])}.${others} ` +
        `With the bias ${number(bias[focus.map])} the sum is ${number(total)}.`,
      then: after.sentence,
    };
  }

  /** The numbers of a window that lie inside the map. */
  function inWindow({ inputShape, window, strides, padding }, numbers, map, y, x) {
    const [height, width, channels] = inputShape;
    const [top, left] = windowOf({ inputShape, window, strides, padding }).start(y, x);
    const rows = [];
    for (let row = Math.max(top, 0); row < Math.min(top + window[0], height); row++) {
      rows.push([]);
      for (let column = Math.max(left, 0); column < Math.min(left + window[1], width); column++) {
        rows[rows.length - 1].push(numbers[(row * width + column) * channels + map]);
      }
    }
    return rows;
  }

  const COUNTS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
  const count = (number) => COUNTS[number] ?? String(number);

  /** What becomes of a convolution's number: its activation, and the pooling that follows. */
  function afterwards(index) {
    const { layers } = network;
    const place = (shape, at) => (at.y * shape[1] + at.x) * shape[2] + focus.map;
    const [parts, sentences] = [[], []];
    let at = index + 1;
    for (; at < layers.length; at++) {
      const { type, activation, shape } = layers[at];
      if (type !== "activation" && type !== "scale_shift") break;
      const [before, after] = [at - 1, at].map((n) => outputs[n][place(shape, focus)]);
      const name = NAMES[activation] ?? activation ?? "scale and shift";
      parts.push(operator(`→ ${name} → ${written(after)}`));
      if (activation !== "relu") sentences.push(`The ${name} makes it ${written(after)}.`);
      else if (before > 0) sentences.push("The ReLU lets it through as it is.");
      else sentences.push("The ReLU sets it to 0, because it is not positive.");
    }
    const next = layers[at];
    if (next?.type !== "max_pool2d" && next?.type !== "average_pool2d") {
      return { parts, sentence: sentences.join(" ") };
    }
    const { rows, columns } = windowOf(next).fedBy(focus.y, focus.x);
    if (!rows.length || !columns.length) sentences.push("No window of the pooling reaches it.");
    else {
      const [y, x] = [rows[0], columns[0]];
      const numbers = inWindow(next, outputs[at - 1], focus.map, y, x);
      const result = outputs[at][place(next.shape, { y, x })];
      const flat = numbers.flat();
      const largest = next.type === "max_pool2d";
      if (readable(numbers)) parts.push(table("pooling window", numbers, asInk(size(flat))));
      parts.push(operator(`→ ${largest ? "largest" : "mean"} ${written(result)}`));
      sentences.push(
        `The pooling puts the ${largest ? "largest" : "mean"} of these ${count(flat.length)} ` +
          `numbers into row ${y + 1}, column ${x + 1} of its map: ${written(result)}.`,
      );
    }
    return { parts, sentence: sentences.join(" ") };
  }

  const readable = (rows) => rows.length <= WIDEST && rows[0].length <= WIDEST;

  /** The numbers in a pooling window, and what it makes of them. */
  function termsOfPooling(index) {
    const { type, shape } = layer();
    const numbers = inWindow(layer(), inputOf(index), focus.map, focus.y, focus.x);
    const flat = numbers.flat();
    channel = focus.map;
    const result = outputs[index][(focus.y * shape[1] + focus.x) * shape[2] + focus.map];
    const what = type === "max_pool2d" ? "largest" : "mean";
    const parts = [operator(`→ ${what} ${written(result)}`)];
    if (readable(numbers)) parts.unshift(table("window", numbers, asInk(size(flat))));
    return {
      parts,
      sentence:
        `Map ${focus.map + 1}, row ${focus.y + 1}, column ${focus.x + 1}: the ${what} of the ` +
        `${count(flat.length)} numbers in the window is ${written(result)}.`,
    };
  }

  /** Which outputs of a pooling one pixel takes part in. */
  function termsOfPooled(index) {
    const { type, shape, inputShape } = layer();
    const value = inputOf(index)[(focus.y * inputShape[1] + focus.x) * inputShape[2] + focus.map];
    const { rows, columns } = windowOf(layer()).fedBy(focus.y, focus.x);
    const place = `Row ${focus.y + 1}, column ${focus.x + 1} of map ${focus.map + 1}`;
    if (!rows.length || !columns.length) {
      return { parts: [], sentence: `${place}: no window reaches this pixel. It has no say.` };
    }
    const fed = rows.map((y) =>
      columns.map((x) => outputs[index][(y * shape[1] + x) * shape[2] + focus.map]),
    );
    const through = fed.flat().filter((number) => number === value).length;
    const how =
      type !== "max_pool2d"
        ? "It is a part of the mean there."
        : through
          ? "It is the largest there, so it passes."
          : "A larger number stands beside it, so it is dropped.";
    const parts = [table("number", [[value]], asInk(size(inputOf(index)))), operator("→")];
    if (readable(fed)) parts.push(table("what it goes into", fed, asInk(size(fed.flat()))));
    return { parts, sentence: `${place} is ${written(value)}. ${how}` };
  }

  /** Which outputs one pixel takes part in: pixel × kernel, turned by 180°. */
  function termsOfInput(index) {
    const { inputShape, shape, window, kernel } = network.layers[index];
    const [, width, channels] = inputShape;
    const filters = shape[2];
    const value = inputOf(index)[(focus.y * width + focus.x) * channels + focus.map];
    const reach = windowOf(network.layers[index]);
    const { rows, columns } = reach.fedBy(focus.y, focus.x);
    const place = `Row ${focus.y + 1}, column ${focus.x + 1} of input map ${focus.map + 1}`;
    if (!rows.length || !columns.length) {
      return { parts: [], sentence: `${place}: no window reaches this pixel. It has no say.` };
    }
    const weights = (o) =>
      rows.map((y) =>
        columns.map((x) => {
          const [top, left] = reach.start(y, x);
          const at = ((focus.y - top) * window[1] + focus.x - left) * channels + focus.map;
          return kernel[at * filters + o];
        }),
      );
    const strength = Array.from({ length: filters }, (_, o) => size(weights(o).flat()));
    const o = strength.indexOf(Math.max(...strength));
    const fed = weights(o).map((row) => row.map((weight) => weight * value));
    return {
      parts: [
        table("pixel", [[value]], asInk(size(inputOf(index)))),
        operator("×"),
        table("kernel, turned by 180°", weights(o), asSigned(strength[o])),
        operator("→"),
        table(`its part in map ${o + 1}`, fed, asSigned(size(fed.flat()))),
      ],
      sentence:
        `${place} is ${written(value)}. It takes part in ${rows.length * columns.length} ` +
        `numbers of each of the ${filters} maps; shown is map ${o + 1}, on which it acts most.`,
    };
  }

  // --- what live.js calls -----------------------------------------------------------------------

  /** Turn to a layer by its place among those with a window, to its strongest map and place. */
  function choose(number) {
    chosen = number;
    [focus, choice] = [null, "none"];
    const { inputShape, shape, window, strides, name, type } = layer();
    layOut();
    const maps = (count) => (count === 1 ? "1 map" : `${count} maps`);
    const limit = (count) => (count > SHOWN ? ` (the first ${SHOWN} are shown)` : "");
    const stride = strides[0] > 1 || strides[1] > 1 ? `, stride ${strides.join(" × ")}` : "";
    const [into, out] = [element("live-input"), element("live-output")];
    element("live-input-name").textContent =
      `What comes in: ${maps(inputShape[2])} of ${inputShape[0]} × ${inputShape[1]}` +
      limit(inputShape[2]);
    element("live-output-name").textContent =
      `What ${name} answers: ${maps(shape[2])} of ${shape[0]} × ${shape[1]}, ` +
      `${type === "conv2d" ? "kernel" : "window"} ${window.join(" × ")}${stride}${limit(shape[2])}`;
    into.setAttribute("aria-label", element("live-input-name").textContent);
    out.setAttribute("aria-label", element("live-output-name").textContent);
    element("live-layers").querySelectorAll("input")[number].checked = true;
    if (!image) return;
    focus = strongest();
    paintMaps();
    explain();
  }

  /** Turn to a map of a layer, at its strongest place unless another is given. */
  function turnTo(index, map, place = {}) {
    if (windows[chosen] !== index) choose(windows.indexOf(index));
    focus = { ...strongest(map), ...place };
    choice = Object.keys(place).length ? "place" : "map";
    paintMaps();
    explain();
  }

  /** Fit as many maps into a row as the page has room for. */
  function layOut() {
    if (!windows.length) return;
    grids.input.resize(layer().inputShape);
    grids.output.resize(layer().shape);
    if (focus && image) paintMaps();
  }

  /** A mean over a whole map is a window as large as the map. */
  function asWindow(given) {
    if (given.type !== "global_average_pool2d") return given;
    const [height, width, channels] = given.inputShape;
    const shape = [1, 1, channels];
    return { ...given, window: [height, width], strides: [1, 1], padding: "valid", shape };
  }

  /** Begin with a network: one radio button for each of its layers that has a window. */
  function use(next) {
    network = next;
    image = outputs = null;
    waiting.stop(); // it would write a sum of the network before
    isAway = false;
    windows = [...network.layers.keys()].filter((n) => /conv|pool/.test(network.layers[n].type));
    let convolutions = 0;
    const buttons = windows.map((index, number) => {
      const label = document.createElement("label");
      const input = document.createElement("input");
      const { type, name } = network.layers[index];
      Object.assign(input, { type: "radio", name: "live-layer", checked: number === 0 });
      input.addEventListener("change", () => choose(number));
      label.append(input, document.createTextNode(type === "conv2d" ? ++convolutions : "pool"));
      label.title = name;
      return label;
    });
    element("live-layers").replaceChildren(element("live-layers").firstElementChild, ...buttons);
    element("live-inside").classList.toggle("live-nothing", windows.length === 0);
    element("live-terms").replaceChildren();
    for (const id of ["live-sentence", "live-then"]) element(id).textContent = "";
    if (windows.length) choose(0);
    for (const follower of followers) follower.use?.(next);
  }

  const waiting = Parts.whenResting(rest);

  /** Show what the layers make of an image; null and null: there is none. */
  function show(nextImage, nextOutputs) {
    [image, outputs] = [nextImage, nextOutputs];
    waiting.stop();
    if (outputs && !outputs[outputs.length - 1].every(Number.isFinite)) image = outputs = null;
    for (const name of ["live-inside", "live-sum"]) {
      element(name).classList.toggle("live-empty", !image);
    }
    if (image && windows.length) {
      focus ??= strongest();
      paintMaps();
      waiting.start();
    }
    for (const follower of followers) follower.show?.(image, outputs);
  }

  /** Turn to the strongest place when the hand rests: nothing jumps about while it draws. */
  function rest() {
    if (choice !== "place") focus = strongest(choice === "map" ? focus.map : null);
    paintMaps();
    if (!isAway) explain();
  }

  new IntersectionObserver((entries) => {
    seen = entries.at(-1).isIntersecting;
    if (image && focus) paintMaps();
  }).observe(element("live-inside"));

  /** The output of the largest number among the maps that are shown, or in one: worth a look. */
  function strongest(map = null) {
    const { shape } = layer();
    const numbers = outputs[windows[chosen]];
    let best = -1;
    for (let n = map ?? 0; n < numbers.length; n += map === null ? 1 : shape[2]) {
      if (map === null && n % shape[2] >= SHOWN) continue;
      if (best < 0 || numbers[n] > numbers[best]) best = n;
    }
    const place = Math.floor(best / shape[2]);
    return {
      side: "output",
      map: best % shape[2],
      y: Math.floor(place / shape[1]),
      x: place % shape[1],
    };
  }

  window.addEventListener("resize", layOut);

  return {
    use, show, look, turnTo, speakWhileRead, asWindow, list, operator,
    /** Write another layer's sum, until the reader turns to one with a window again. */
    sayElse(terms) {
      isAway = true;
      say(terms);
    },
    /** Let another part of the page follow: `use`, `show`, and `looked` when the sum is written. */
    follow: (follower) => followers.push(follower),
    /** Whether nothing waits for the hand to rest, here or in a part that follows. */
    get idle() {
      return !waiting.isWaiting && followers.every(({ idle }) => idle ?? true);
    },
  };
})();
