"use strict";

// Inside the network: feature maps, and the sum behind one pixel.
const Inside = (() => {
  const { COLOURS, colour, cellStyle, background, size, written } = Colours;
  const SHOWN = 128; // maps of one layer at most
  const GAP = 1; // between maps, in their own pixels
  const REST = 250; // milliseconds without change before the sum is written

  const element = (id) => document.getElementById(id);

  let network = null;
  let convolutions = []; // indices of the layers that are convolutions
  let chosen = 0; // which of them is shown
  let image = null; // what the network got: 784 numbers, or null while there is no digit
  let outputs = null; // what its layers made of it
  // The pixel whose sum is shown: on which side of the convolution, in which map, where.
  let focus = null;
  let pointed = false; // whether the reader chose it

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
    // Spoken while somebody reads the maps with the keyboard, and silent while somebody draws.
    canvas.addEventListener("focus", () => speak("polite"));
    canvas.addEventListener("blur", () => speak("off"));
    return { resize, paint, frame };
  }

  function speak(how) {
    element("live-sentence").setAttribute("aria-live", how);
  }

  const grids = {
    input: makeGrid(element("live-input"), "input"),
    output: makeGrid(element("live-output"), "output"),
  };

  const layer = () => network.layers[convolutions[chosen]];
  const inputOf = (index) => (index === 0 ? image : outputs[index - 1]);

  function look(place) {
    const same = focus && Object.keys(place).every((part) => place[part] === focus[part]);
    if (same) return;
    focus = place;
    pointed = true;
    paintMaps();
    explain();
  }

  function paintMaps() {
    const numbers = outputs[convolutions[chosen]];
    const most = size(numbers);
    const into = inputOf(convolutions[chosen]);
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
    element("live-least").textContent = written(-most);
    element("live-most").textContent = written(most, "+");
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

  /** Between the two sides of a convolution: an output's window, and the outputs of an input. */
  function windowOf({ inputShape, window, strides, padding }) {
    const axes = [0, 1].map((axis) => {
      const places = Network.places(inputShape[axis], window[axis], strides[axis], padding);
      return { ...places, stride: strides[axis], window: window[axis] };
    });
    const start = ({ before, stride }, place) => place * stride - before;
    function fed(axis, pixel) {
      const all = Array.from({ length: axis.count }, (_, place) => place);
      return all.filter((place) => {
        const offset = pixel - start(axis, place);
        return offset >= 0 && offset < axis.window;
      });
    }
    return {
      start: (y, x) => [start(axes[0], y), start(axes[1], x)],
      fedBy: (y, x) => ({ rows: fed(axes[0], y), columns: fed(axes[1], x) }),
    };
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
    const index = convolutions[chosen];
    const terms = focus.side === "output" ? termsOfOutput(index) : termsOfInput(index);
    const row = element("live-terms");
    row.replaceChildren(...terms.parts);
    // Kernels wider than a phone scroll sideways, and so must be within reach of the keyboard.
    if (row.scrollWidth > row.clientWidth) row.tabIndex = 0;
    else row.removeAttribute("tabindex");
    element("live-sentence").textContent = terms.sentence;
  }

  /** patch × kernel + bias = number, for the channel that adds most; the others as one sum. */
  function termsOfOutput(index) {
    const { inputShape, shape, window, kernel, bias } = network.layers[index];
    const into = inputOf(index);
    const [height, width, channels] = inputShape;
    const filters = shape[2];
    const [top, left] = windowOf(network.layers[index]).start(focus.y, focus.x);
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
    const c = order[0];
    const patch = grid((i, j) => pixel(i, j, c));
    const weights = grid((i, j) => weight(i, j, c));
    const total = outputs[index][(focus.y * shape[1] + focus.x) * filters + focus.map];
    const rest = sums.reduce((a, b) => a + b) - sums[c];
    const number = (value) => written(value);
    const others = channels > 1 ? ` The other ${channels - 1} channels add ${number(rest)}.` : "";
    const added = channels > 1 ? [rest, bias[focus.map]] : [bias[focus.map]];
    const chain = added
      .map((value) => ` ${value < 0 ? "−" : "+"} ${number(Math.abs(value))}`)
      .join("");
    return {
      parts: [
        table(
          channels > 1 ? `pixels, channel ${c + 1}` : "pixels",
          patch,
          asInk(size(patch.flat())),
        ),
        operator("×"),
        table("kernel", weights, asSigned(size(weights.flat()))),
        operator(`→ ${number(sums[c])}${chain} = ${number(total)}`),
      ],
      sentence:
        `Map ${focus.map + 1}, row ${focus.y + 1}, column ${focus.x + 1}: ` +
        `pixel by pixel, multiplied and added up, ` +
        `${channels > 1 ? `channel ${c + 1} (the strongest) gives` : "this gives"} ` +
        `${number(sums[c])}.${others} ` +
        `With the bias ${number(bias[focus.map])} the sum is ${number(total)}.`,
    };
  }

  /** Which outputs one pixel takes part in: pixel × kernel, turned by 180°. */
  function termsOfInput(index) {
    const { inputShape, shape, window, kernel } = network.layers[index];
    const [, width, channels] = inputShape;
    const filters = shape[2];
    const value = inputOf(index)[(focus.y * width + focus.x) * channels + focus.map];
    const reach = windowOf(network.layers[index]);
    const { rows, columns } = reach.fedBy(focus.y, focus.x);
    const place = `Row ${focus.y + 1}, column ${focus.x + 1} of channel ${focus.map + 1}`;
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

  function choose(number) {
    chosen = number;
    focus = null;
    pointed = false;
    const { inputShape, shape, window, strides, name } = layer();
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
      `kernel ${window.join(" × ")}${stride}${limit(shape[2])}`;
    into.setAttribute("aria-label", element("live-input-name").textContent);
    out.setAttribute("aria-label", element("live-output-name").textContent);
    if (image) show(image, outputs);
  }

  /** Fit as many maps into a row as the page has room for. */
  function layOut() {
    if (!convolutions.length) return;
    grids.input.resize(layer().inputShape);
    grids.output.resize(layer().shape);
    if (focus && image) paintMaps();
  }

  /** Begin with a network: one radio button for each of its convolutions. */
  function use(next) {
    network = next;
    image = outputs = null;
    convolutions = [...network.layers.keys()].filter((n) => network.layers[n].type === "conv2d");
    const buttons = convolutions.map((index, number) => {
      const label = document.createElement("label");
      const input = document.createElement("input");
      Object.assign(input, { type: "radio", name: "live-layer", checked: number === 0 });
      input.addEventListener("change", () => choose(number));
      label.append(input, document.createTextNode(number + 1));
      label.title = network.layers[index].name;
      return label;
    });
    element("live-layers").replaceChildren(element("live-layers").firstElementChild, ...buttons);
    element("live-inside").classList.toggle("live-nothing", convolutions.length === 0);
    if (convolutions.length) choose(0);
  }

  let waiting = 0;

  /** Show what the layers make of an image; null and null: there is none. */
  function show(nextImage, nextOutputs) {
    [image, outputs] = [nextImage, nextOutputs];
    clearTimeout(waiting);
    element("live-inside").classList.toggle("live-empty", !image);
    if (!image || !outputs[outputs.length - 1].every(Number.isFinite)) return;
    if (!convolutions.length) return;
    if (!pointed) focus = strongest();
    paintMaps();
    waiting = setTimeout(explain, REST);
  }

  /** The output of the largest number among the maps that are shown: a place worth a look. */
  function strongest() {
    const { shape } = layer();
    const numbers = outputs[convolutions[chosen]];
    let best = 0;
    for (let n = 0; n < numbers.length; n++) {
      if (n % shape[2] < SHOWN && numbers[n] > numbers[best]) best = n;
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

  return { use, show };
})();
