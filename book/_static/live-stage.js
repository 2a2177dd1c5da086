"use strict";

// The map that is chosen in the strip, enlarged: the window moves over what comes in, and fills what
// goes out, number by number. live-inside.js writes the sum of each number.
const Stage = (() => {
  const { COLOURS, colour, size, written } = Colours;

  const element = (id) => document.getElementById(id);
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");

  let network = null;
  let columns = [];
  let image = null;
  let outputs = null;
  // The pixel that is looked at: { index, side, map, y, x } of a layer, with the maps on either side
  // that are shown, `channel` and `shown`.
  let at = null;
  let filled = null; // how many numbers of the map have been made; null: all of them
  let isOwn = false; // whether the stage itself moves to a pixel
  let seen = false;

  const layerAt = () => Inside.asWindow(network.layers[at.index]);
  const inputOf = (index) => (index === 0 ? image : outputs[index - 1]);

  // --- four pictures ----------------------------------------------------------------------------

  const scenes = Object.fromEntries(
    ["in", "out", "after", "pooled"].map((name) => {
      const canvas = element(`live-stage-${name}`);
      const frame = document.createElement("span");
      frame.className = "live-window";
      canvas.parentElement.append(frame);
      return [name, { canvas, frame, words: element(`live-stage-${name}-words`) }];
    }),
  );

  /** Which layers follow the one that is shown: the last of its activation, and a pooling. */
  function following() {
    let after = at.index;
    while (["activation", "scale_shift"].includes(network.layers[after + 1]?.type)) after++;
    const next = network.layers[after + 1];
    const isPooled = next?.type === "max_pool2d" || next?.type === "average_pool2d";
    const own = network.layers[at.index].type === "conv2d";
    return { after: after > at.index ? after : null, pooled: own && isPooled ? after + 1 : null };
  }

  /** Paint one map; numbers that have not been made yet stay empty. */
  function paint({ canvas }, numbers, [height, width, channels], map, made = height * width) {
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const most = size(numbers);
    const isSigned = numbers.some((number) => number < 0) || canvas === scenes.out.canvas;
    const picture = new ImageData(width, height);
    const bytes = picture.data;
    for (let n = 0; n < made; n++) {
      const number = numbers[n * channels + map];
      const start = isSigned ? colour(number, most) : 0;
      for (let part = 0; part < 3; part++) {
        bytes[4 * n + part] = isSigned ? COLOURS[start + part] : (255 * number) / most;
      }
      bytes[4 * n + 3] = 255;
    }
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  /** Frame a rectangle of pixels; what lies outside the picture is cut off. */
  function put({ canvas, frame }, y, x, rows, columnsWide) {
    const [top, left] = [Math.max(y, 0), Math.max(x, 0)];
    const bottom = Math.min(y + rows, canvas.height);
    const right = Math.min(x + columnsWide, canvas.width);
    frame.hidden = bottom <= top || right <= left;
    frame.style.top = `${(100 * top) / canvas.height}%`;
    frame.style.left = `${(100 * left) / canvas.width}%`;
    frame.style.height = `${(100 * (bottom - top)) / canvas.height}%`;
    frame.style.width = `${(100 * (right - left)) / canvas.width}%`;
  }

  function show() {
    element("live-stage").classList.toggle("live-empty", !image);
    if (!image || !at || !seen) return;
    const layer = layerAt();
    const { window, shape, inputShape } = layer;
    const into = inputOf(at.index);
    const channel = Math.min(at.channel, inputShape[2] - 1);
    const map = at.shown;
    paint(scenes.in, into, inputShape, channel);
    paint(scenes.out, outputs[at.index], shape, map, filled ?? shape[0] * shape[1]);
    const reach = Parts.windowOf(layer);
    if (at.side === "output") {
      put(scenes.in, ...reach.start(at.y, at.x), ...window);
      put(scenes.out, at.y, at.x, 1, 1);
    } else {
      put(scenes.in, at.y, at.x, 1, 1);
      const { rows, columns: wide } = reach.fedBy(at.y, at.x);
      put(scenes.out, rows[0] ?? 0, wide[0] ?? 0, rows.length, wide.length);
    }
    const { after, pooled } = following();
    scenes.after.canvas.closest("figure").hidden = after === null;
    scenes.pooled.canvas.closest("figure").hidden = pooled === null;
    if (after !== null) {
      paint(scenes.after, outputs[after], shape, map, filled ?? shape[0] * shape[1]);
      put(scenes.after, at.y, at.x, at.side === "output" ? 1 : 0, 1);
    }
    if (pooled !== null) showPooled(network.layers[pooled], outputs[pooled], map);
    name(layer, channel, map, after);
  }

  function showPooled(layer, numbers, map) {
    const { shape, inputShape, window } = layer;
    const reach = Parts.windowOf(layer);
    let made = shape[0] * shape[1];
    if (filled !== null) {
      // A number of the pooling can be made when the last of its window is there.
      const last = (place) => {
        const [top, left] = reach.start(Math.floor(place / shape[1]), place % shape[1]);
        const y = Math.min(top + window[0], inputShape[0]) - 1;
        return y * inputShape[1] + Math.min(left + window[1], inputShape[1]) - 1;
      };
      made = 0;
      while (made < shape[0] * shape[1] && last(made) < filled) made++;
    }
    paint(scenes.pooled, numbers, shape, map, made);
    const { rows, columns: wide } = reach.fedBy(at.y, at.x);
    put(scenes.pooled, rows[0] ?? 0, wide[0] ?? 0, at.side === "output" ? rows.length : 0, wide.length);
  }

  function name(layer, channel, map, after) {
    const words = {
      in: layer.inputShape[2] === 1 ? "what comes in" : `in: map ${channel + 1} of ${layer.inputShape[2]}`,
      out: `out: map ${map + 1} of ${layer.shape[2]}`,
      after: after === null ? "" : `after the ${afterName(after)}`,
      pooled: "after the pooling",
    };
    for (const [scene, text] of Object.entries(words)) {
      if (scenes[scene].words.textContent !== text) scenes[scene].words.textContent = text;
    }
    title(`${layer.name}, map ${map + 1}`);
    scenes.in.canvas.setAttribute("aria-label", `${layer.name}, ${words.in}`);
    scenes.out.canvas.setAttribute("aria-label", `${layer.name}, ${words.out}`);
  }

  const afterName = (index) => {
    const { activation } = network.layers[index];
    return activation === "relu" ? "ReLU" : (activation ?? "scaling");
  };

  function title(text) {
    if (element("live-stage-name").textContent !== text) {
      element("live-stage-name").textContent = text;
    }
  }

  // --- moving -----------------------------------------------------------------------------------

  /** The input map that moves the chosen map most: it stays while the window moves. */
  function strongestInput() {
    const column = columns.find((each) => each.layer === at.index && each.kind !== "input");
    if (column.kind !== "convolution") return at.shown;
    const sizes = Parts.partsOf(network, columns, column.index, at.shown, image, outputs).size;
    return sizes.indexOf(Math.max(...sizes));
  }

  function moveTo(y, x, channel = at.channel) {
    isOwn = true;
    Inside.look({ side: "output", map: at.shown, y, x, channel });
    isOwn = false;
  }

  /** Make the next numbers of the map; from its beginning if it is full. */
  function step(count = 1) {
    if (!at || !image) return;
    const { shape } = layerAt();
    const all = shape[0] * shape[1];
    if (at.side === "input") moveTo(0, 0);
    const channel = filled === null ? strongestInput() : at.channel;
    filled = Math.min((filled ?? 0) + count, all);
    moveTo(Math.floor((filled - 1) / shape[1]), (filled - 1) % shape[1], channel);
    element("live-whole").disabled = false;
    if (filled < all) return;
    showWhole();
    pause();
    say("The map is full.");
  }

  function showWhole() {
    filled = null;
    element("live-whole").disabled = true;
    show();
  }

  let frame = 0; // the next frame of the sweep; 0 while nothing moves
  function play() {
    if (frame || still.matches || !image || !at || !seen || document.hidden) return;
    let before = performance.now();
    let due = 1; // the first number at once
    const move = (now) => {
      frame = requestAnimationFrame(move);
      due += ((now - before) / 1000) * Number(element("live-speed").value);
      before = now;
      if (due < 1) return;
      const count = Math.floor(due);
      due -= count;
      step(count);
    };
    frame = requestAnimationFrame(move);
    showPlaying();
  }

  function pause() {
    cancelAnimationFrame(frame);
    frame = 0;
    showPlaying();
  }

  function showPlaying() {
    element("live-play").textContent = frame ? "Pause" : "Play";
    element("live-play").classList.toggle("live-playing", frame !== 0);
  }

  function say(words) {
    element("live-strip-spoken").textContent = words;
  }

  function byHand() {
    if (frame) {
      pause();
      say(`Paused at row ${at.y + 1}, column ${at.x + 1}.`);
    } else {
      play();
      if (frame) say("The window moves.");
    }
  }

  function lessMotion() {
    if (still.matches) pause();
    element("live-stage").classList.toggle("live-steps-only", still.matches);
  }

  element("live-play").addEventListener("click", byHand);
  element("live-step").addEventListener("click", () => {
    pause();
    step();
  });
  element("live-whole").addEventListener("click", () => {
    pause();
    showWhole();
    element("live-step").focus(); // the button is switched off now, and would lose the focus
  });
  still.addEventListener("change", lessMotion);
  document.addEventListener("visibilitychange", () => document.hidden && pause());

  // --- pointing and keys ------------------------------------------------------------------------

  function pixelAt({ canvas }, event) {
    const area = canvas.getBoundingClientRect();
    const y = Math.floor(((event.clientY - area.top) / area.height) * canvas.height);
    const x = Math.floor(((event.clientX - area.left) / area.width) * canvas.width);
    return { y: Pad.clamp(y, 0, canvas.height - 1), x: Pad.clamp(x, 0, canvas.width - 1) };
  }

  /** Look at a pixel of one side: the output's sum, or all that an input feeds. */
  function lookAt(side, { y, x }) {
    pause();
    if (side === "output") moveTo(y, x);
    else {
      isOwn = true;
      Inside.look({ side: "input", map: at.channel, y, x });
      isOwn = false;
    }
  }

  for (const [scene, side] of [
    ["in", "input"],
    ["out", "output"],
  ]) {
    const { canvas } = scenes[scene];
    for (const type of ["pointerdown", "pointermove"]) {
      canvas.addEventListener(type, (event) => {
        if (frame && type === "pointermove") return; // a pointer that passes stops no sweep
        if (image && at) lookAt(side, pixelAt(scenes[scene], event));
      });
    }
    canvas.addEventListener("keydown", (event) => {
      if (!image || !at || event.ctrlKey || event.metaKey || event.altKey) return;
      const arrow = Pad.ARROWS[event.key];
      if (arrow) {
        const [height, width] = side === "input" ? layerAt().inputShape : layerAt().shape;
        const from = at.side === side ? at : { y: height >> 1, x: width >> 1 };
        const y = Pad.clamp(from.y + arrow[1], 0, height - 1);
        lookAt(side, { y, x: Pad.clamp(from.x + arrow[0], 0, width - 1) });
      } else if (event.key === " ") byHand();
      else if (event.key === "Enter" || event.key === ".") {
        pause();
        step();
      } else return;
      event.preventDefault();
    });
    Inside.speakWhileRead(canvas);
  }

  // --- layers without a window ------------------------------------------------------------------

  function flattenTerms(column) {
    const source = columns[column.source];
    const [height, width, channels] = source.shape;
    const maps = channels === 1 ? "The map" : `The ${channels} maps`;
    const laid = channels === 1 ? "is laid" : "are laid";
    return {
      parts: [],
      sentence: source.isImage
        ? `${maps} of ${height} × ${width} ${laid} into one row of ${column.shape[0]} numbers. ` +
          `Nothing is computed: each place keeps its number, and from here on each has a weight of its own.`
        : "The numbers stay as they are.",
    };
  }

  function probabilityTerms(digit) {
    const { scores, how } = Parts.ending(network);
    const { powers, total, shares } = Parts.probabilities(outputs[scores], how);
    const score = outputs[scores][digit];
    const share = Pad.percent(shares[digit]);
    if (how === "sigmoid") {
      return {
        parts: [Inside.operator(`1 / (1 + e^${written(-score)}) = ${share}`)],
        sentence: `This network asks about each digit alone: the score ${written(score)} becomes ${share}.`,
      };
    }
    const above = score - Math.max(...outputs[scores]);
    return {
      parts: [
        Inside.operator(`e^${written(above)} / ${total.toFixed(3)} = ${powers[digit].toFixed(3)} / ${total.toFixed(3)} = ${share}`),
      ],
      sentence:
        `The score of ${Pad.named(digit)} is ${written(score)}, ` +
        `${above === 0 ? "the largest of the ten" : `which is ${written(-above)} below the largest`}. ` +
        `Its power of e, divided by the sum of all ten, is its probability: ${share}.`,
    };
  }

  /** Show an item of a column, and write out its sum. */
  function turnTo(column, item) {
    if (!image) return;
    const isWindow = column.isImage || column.kind === "mean";
    const first = columns.find((each) => each.isImage && each.kind !== "input");
    const hasScenes = isWindow && (column.kind !== "input" || first !== undefined);
    element("live-stage").classList.toggle("live-nothing", !hasScenes);
    if (column.kind === "input" && first) {
      Inside.turnTo(first.layer, 0);
      const brightest = image.indexOf(Math.max(...image));
      lookAt("input", { y: Math.floor(brightest / 28), x: brightest % 28 });
    } else if (column.kind === "input") {
      Inside.sayElse({ parts: [], sentence: "784 numbers from 0 to 1: the ink of each pixel." });
    } else if (isWindow) Inside.turnTo(column.layer, item);
    else if (column.kind === "flatten" && !column.isScores) Inside.sayElse(flattenTerms(column));
    else if (column.kind === "probabilities") Inside.sayElse(probabilityTerms(item));
    else Inside.sayElse(Scores.terms(column, item));
  }

  Inside.follow({
    use(next) {
      network = next;
      columns = Parts.columnsOf(network);
      [image, outputs, at] = [null, null, null];
      pause();
      filled = null;
      const hasWindows = columns.some(({ isImage, kind }) => isImage && kind !== "input");
      element("live-stage").classList.toggle("live-nothing", !hasWindows);
    },
    show(nextImage, nextOutputs) {
      [image, outputs] = [nextImage, nextOutputs];
      if (!image) pause();
      show();
    },
    looked(index, focus, channel) {
      const isHere = at !== null && at.index === index;
      const shown = focus.side === "output" ? focus.map : isHere ? at.shown : 0;
      if (!isOwn || !isHere || shown !== at.shown) {
        pause();
        filled = null;
        element("live-whole").disabled = true;
      }
      const source = focus.side === "input" ? focus.map : channel;
      at = { ...focus, index, channel: source, shown };
      element("live-stage").classList.remove("live-nothing");
      show();
    },
  });

  // Several changes may arrive at once, where the page opens at a heading: the last one holds.
  new IntersectionObserver((entries) => {
    seen = entries.at(-1).isIntersecting;
    if (seen) show();
    else pause();
  }).observe(element("live-stage"));
  lessMotion();

  return {
    turnTo,
    play,
    get state() {
      return { at, filled, playing: frame !== 0 };
    },
  };
})();
