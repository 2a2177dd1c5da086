"use strict";

// The live page: the pad, the network's answer, the occlusion brush, and files that readers bring.
// network.js computes, handwriting.js prepares, live-inside.js shows the maps and the evidence.
const Live = (() => {
  const PAD = 280; // the pad's own units, whatever its size on the screen
  const SCAN = 200; // pixels to a side of the drawing as the preparation gets it
  const PHOTO_SCAN = 560; // of a photograph's longer side: a digit in it may be small
  const REST = 600; // milliseconds without change before a sentence is announced
  const MAX_PICTURE = 40000000; // bytes
  const MAX_PIXELS = 100000000; // a small file can claim enough of them to fill the memory
  const FRAMES_KEPT = 500;
  const SCRIBBLE = 6.5; // sides of its box; a digit's strokes are at most 3.5 long
  const LABEL = [62, 18]; // width and height of a box's label in the pad's units
  const FAULTS = {
    blank: "There is no digit to be found here.",
    dot: "This is a dot. Draw a digit at least a fifth of the pad high.",
    blot: "This is a blot. Draw a digit in lines, with white between them.",
    scribble: "This is a scribble. Draw one digit, or a few side by side.",
    marks: "There are many marks here, and no digit stands out. Draw one larger than the rest.",
  };

  const element = (id) => document.getElementById(id);
  const pad = element("live-pad");
  const scan = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

  // A drawing is a background (null or a canvas) and strokes, each a list of points with a width.
  // States are never changed once they are in the history, so undo steps back to the one before.
  let drawing = { background: null, strokes: [] };
  let history = [];
  let network = NetworkFile.fromDescription(LIVE_NETWORK);
  let covered = new Uint8Array(784);
  let rows = []; // of digits, each { image, steps, box }; one digit alone has no box
  let picked = null; // the digit that the reader chose from the list; null before
  let fault = "blank"; // why there is no digit
  let prepared = null; // the digit that the bars and the maps show, or null
  let probabilities = null; // the latest answer: ten numbers, or null
  const frames = []; // milliseconds that the latest answers took

  // --- numbers as words -------------------------------------------------------------------------

  function percent(share) {
    if (share > 0 && share < 0.0005) return "< 0.1\u00a0%"; // a space that does not break
    return `${(100 * share).toFixed(share > 0.9995 ? 0 : 1)}\u00a0%`;
  }

  /** Ten probabilities. A network that ends in scores gets the softmax that it lacks. */
  function probabilitiesOf(outputs) {
    const last = network.layers[network.layers.length - 1];
    const ends = last.type === "activation" ? last.activation : "linear";
    const result = outputs[outputs.length - 1];
    return ends === "softmax" || ends === "sigmoid" ? result : Network.softmax(result);
  }

  function ranked(probabilities) {
    return [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  }

  // --- the pad ----------------------------------------------------------------------------------

  function change(next) {
    history.push(drawing);
    drawing = next;
    covered.fill(0);
    schedule();
  }

  function addStroke(point) {
    const stroke = { width: Number(element("live-width").value), points: [point] };
    change({ ...drawing, strokes: [...drawing.strokes, stroke] });
    return stroke;
  }

  function extend(stroke, point) {
    stroke.points.push(point);
    schedule();
  }

  /** Paint the drawing, black on white; what is not as square as the pad shows its middle. */
  function paint(context, width, height = width) {
    const { canvas } = context;
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const scale = Math.max(width, height) / PAD;
    const [left, top] = [(width - scale * PAD) / 2, (height - scale * PAD) / 2];
    context.setTransform(scale, 0, 0, scale, left, top);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, PAD, PAD);
    const picture = drawing.background;
    if (picture) {
      const fit = PAD / Math.max(picture.width, picture.height);
      const size = [picture.width * fit, picture.height * fit];
      context.imageSmoothingQuality = "high";
      context.drawImage(picture, (PAD - size[0]) / 2, (PAD - size[1]) / 2, ...size);
    }
    context.strokeStyle = "#000";
    context.lineCap = context.lineJoin = "round";
    for (const { width, points } of drawing.strokes) {
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(...points[0]);
      // A line to its own start paints a dot.
      for (const point of points) context.lineTo(...point);
      context.stroke();
    }
  }

  function padPoint(event) {
    const box = pad.getBoundingClientRect();
    return [
      ((event.clientX - box.left) * PAD) / box.width,
      ((event.clientY - box.top) * PAD) / box.height,
    ];
  }

  function drawWithPointer() {
    let stroke = null;
    pad.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !event.isPrimary) return;
      pad.setPointerCapture(event.pointerId);
      stroke = addStroke(padPoint(event));
    });
    pad.addEventListener("pointermove", (event) => {
      if (!stroke || !event.isPrimary) return;
      const passed = event.getCoalescedEvents?.() ?? [];
      for (const each of passed.length ? passed : [event]) extend(stroke, padPoint(each));
    });
    for (const end of ["pointerup", "pointercancel"]) {
      pad.addEventListener(end, (event) => {
        if (event.isPrimary) stroke = null;
      });
    }
  }

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  function drawWithKeys() {
    const pen = element("live-pen");
    const held = new Set(); // two arrows at once move diagonally
    let place = [PAD / 2, PAD / 4];
    let stroke = null;

    function showPen() {
      pen.style.left = `${(100 * place[0]) / PAD}%`;
      pen.style.top = `${(100 * place[1]) / PAD}%`;
      pen.classList.toggle("live-pen-down", stroke !== null);
    }
    pad.addEventListener("focus", () => {
      pen.hidden = !pad.matches(":focus-visible");
      showPen();
    });
    pad.addEventListener("blur", () => {
      pen.hidden = true;
      stroke = null;
      held.clear();
    });
    pad.addEventListener("keyup", (event) => held.delete(event.key));
    pad.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === " ") {
        if (event.repeat) return event.preventDefault();
        stroke = stroke ? null : addStroke(place);
        element("live-pen-words").textContent = stroke ? "The pen is down." : "The pen is up.";
      } else if (ARROWS[event.key]) {
        held.add(event.key);
        const step = event.shiftKey ? 2 : 7;
        for (const key of held) {
          place = place.map((at, axis) => clamp(at + step * ARROWS[key][axis], 0, PAD));
        }
        if (stroke) extend(stroke, place);
      } else return;
      event.preventDefault();
      pen.hidden = false;
      showPen();
    });
  }

  function clamp(number, least, most) {
    return Math.min(Math.max(number, least), most);
  }

  function buttons() {
    element("live-undo").addEventListener("click", () => {
      drawing = history.pop() ?? drawing;
      covered.fill(0);
      schedule();
    });
    element("live-clear").addEventListener("click", () => {
      change({ background: null, strokes: [] });
    });
    element("live-prepare").addEventListener("change", () => {
      covered.fill(0);
      schedule();
    });
  }

  // --- examples and pictures --------------------------------------------------------------------

  const arc = (x, y, radius, from, to) =>
    Array.from({ length: 25 }, (_, n) => {
      const angle = (Math.PI / 180) * (from + ((to - from) * n) / 24);
      return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
    });

  // Beside digits of MNIST: what MNIST hardly has, and what is no digit at all.
  const SCRIPTED = [
    {
      name: "a small 4 in a corner",
      lines: [
        [
          [40, 30],
          [28, 70],
          [70, 70],
        ],
        [
          [60, 42],
          [58, 100],
        ],
      ],
    },
    {
      name: "a 7 with a bar",
      lines: [
        [
          [75, 65],
          [205, 60],
          [130, 225],
        ],
        [
          [105, 145],
          [195, 140],
        ],
      ],
    },
    {
      name: "a 1 with a flag and a foot",
      lines: [
        [
          [95, 95],
          [150, 45],
          [150, 230],
        ],
        [
          [90, 230],
          [210, 230],
        ],
      ],
    },
    {
      name: "a letter A",
      lines: [
        [
          [75, 230],
          [140, 45],
          [205, 230],
        ],
        [
          [97, 165],
          [183, 165],
        ],
      ],
    },
    {
      name: "a face",
      lines: [
        arc(140, 140, 95, 0, 360),
        [
          [110, 115],
          [110, 118],
        ],
        [
          [170, 115],
          [170, 118],
        ],
        arc(140, 140, 50, 25, 155),
      ],
    },
  ];

  /** 28 × 28 pixels as MNIST has them, dark on light. */
  function canvasOfDigit(base64) {
    const pixels = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const canvas = Object.assign(document.createElement("canvas"), { width: 28, height: 28 });
    paintGrey(canvas, pixels, 28, (pixel) => 255 - pixel);
    return canvas;
  }

  function examples() {
    const digits = LIVE_DIGITS.map(({ name, pixels }) => {
      return { name, drawing: { background: canvasOfDigit(pixels), strokes: [] } };
    });
    const scripted = SCRIPTED.map(({ name, lines }) => {
      const strokes = lines.map((points) => ({ width: 16, points }));
      return { name, drawing: { background: null, strokes } };
    });
    for (const example of [...digits, ...scripted]) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", title: example.name });
      const thumbnail = document.createElement("canvas");
      thumbnail.setAttribute("role", "img");
      thumbnail.setAttribute("aria-label", example.name);
      button.append(thumbnail);
      drawing = example.drawing;
      paint(thumbnail.getContext("2d"), 88);
      button.addEventListener("click", () => change(example.drawing));
      element("live-examples").append(button);
    }
    drawing = { background: null, strokes: [] };
  }

  /** An image element that knows its size; the pixels are not unpacked yet. */
  function load(file) {
    const image = new Image();
    const url = URL.createObjectURL(file);
    return new Promise((done, failed) => {
      image.onload = () => done(image);
      image.onerror = failed;
      image.src = url;
    }).finally(() => URL.revokeObjectURL(url));
  }

  async function openPicture(file) {
    if (file.size > MAX_PICTURE) throw new Error("The picture is larger than 40 MB.");
    let picture;
    try {
      const { naturalWidth, naturalHeight } = await load(file);
      if (naturalWidth * naturalHeight > MAX_PIXELS) throw new RangeError();
      picture = await createImageBitmap(file); // turned upright, as its EXIF record says
    } catch (error) {
      throw new Error(
        error instanceof RangeError
          ? "The picture has more than 100 million pixels."
          : "This file is not a picture that your browser can read.",
      );
    }
    const longest = Math.max(picture.width, picture.height);
    const scale = clamp(longest, SCAN, PHOTO_SCAN) / longest;
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff"; // transparent pictures lie on paper
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    change({ background: canvas, strokes: [] });
  }

  async function openNetwork(file) {
    if (file.size > NetworkFile.MAX_BYTES) {
      throw new Error("The file is larger than 32 MB, more than this page reads.");
    }
    use(NetworkFile.fromText(await file.text()));
  }

  function use(next) {
    network = next;
    frames.length = 0;
    known.clear();
    element("live-reset").disabled = next === own;
    Inside.use(network);
    describeNetwork();
    schedule(false);
  }

  function describeNetwork() {
    const accuracy = network.accuracy === null ? "" : `, ${percent(network.accuracy)} right`;
    const millions = (network.multiplyAdds / 1e6).toFixed(1);
    element("live-network").textContent =
      `Network “${network.name}”${accuracy}: ${millions} million multiplications an image.` +
      (network.note ? ` ${network.note}` : "");
  }

  const own = network;

  function files() {
    const message = element("live-message");
    async function open(file) {
      if (!file) return;
      const isPicture = file.type.startsWith("image/");
      try {
        await (isPicture ? openPicture(file) : openNetwork(file));
        message.textContent = isPicture
          ? `The picture “${file.name}” lies on the pad.`
          : `The network “${network.name}” now reads what you draw.`;
        message.classList.remove("live-error");
      } catch (error) {
        message.textContent = `${error.message} Nothing was changed.`;
        message.classList.add("live-error");
      }
    }
    for (const id of ["live-picture", "live-load"]) {
      element(id).addEventListener("change", async (event) => {
        await open(event.target.files[0]);
        event.target.value = ""; // so that the same file can be chosen again
      });
    }
    element("live-reset").addEventListener("click", () => {
      use(own);
      message.textContent = "The course’s own network reads again.";
    });
    window.addEventListener("dragover", (event) => event.preventDefault());
    window.addEventListener("drop", (event) => {
      event.preventDefault();
      open(event.dataTransfer.files[0]);
    });
  }

  // --- from the pad to the answer ---------------------------------------------------------------

  let scheduled = false;
  let stale = true; // whether the drawing has changed since it was prepared
  function schedule(drawingChanged = true) {
    stale ||= drawingChanged;
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      const start = performance.now();
      if (stale) {
        paint(pad.getContext("2d"), pad.width);
        element("live-hint").hidden = !isBlank();
        prepare();
        stale = false;
      }
      answer();
      frames.push(performance.now() - start);
      if (frames.length > FRAMES_KEPT) frames.shift();
    });
  }

  /** Find the digits; a photograph is read as one. */
  function prepare() {
    [rows, picked, fault] = [[], null, "blank"];
    if (isBlank()) return;
    const { background } = drawing;
    // A picture is scanned without the strips beside it, an example or strokes as the pad.
    const isPicture = background !== null && Math.max(background.width, background.height) > 28;
    const width = isPicture ? background.width : SCAN;
    const height = isPicture ? background.height : SCAN;
    paint(scan, width, height);
    const grey = Handwriting.toGrey(scan.getImageData(0, 0, width, height).data, width, height);
    try {
      // Without the preparation the whole pad is one image, if there is a digit on it at all.
      const unprepared = !element("live-prepare").checked;
      const found = isPicture ? null : withoutScribbles(Handwriting.findDigits(grey));
      if (unprepared) rows = [[Handwriting.resizeOnly(grey)]];
      else rows = found ?? [[Handwriting.toMnist(grey)]];
    } catch (error) {
      if (!(error instanceof Handwriting.NoDigitError)) throw error;
      fault = error.fault;
    }
  }

  /** How far a stroke runs from point to point within a box (by default anywhere). */
  function lengthOf({ points }, box) {
    const inside = ([x, y]) =>
      !box || (x >= box.left && x <= box.right && y >= box.top && y <= box.bottom);
    let length = 0;
    for (let n = 1; n < points.length; n++) {
      const [from, to] = [points[n - 1], points[n]];
      if (inside(from) && inside(to)) length += Math.hypot(to[0] - from[0], to[1] - from[1]);
    }
    return length;
  }

  /** Put boxes in the pad's units, and leave out what the pen went over and over. */
  function withoutScribbles(found) {
    const kept = found
      .map((row) =>
        row.filter((digit) => {
          if (digit.box) for (const edge in digit.box) digit.box[edge] *= PAD / SCAN;
          if (!drawing.strokes.length) return true;
          const box = digit.box ?? around(drawing.strokes.flatMap(({ points }) => points));
          const side = Math.max(box.right - box.left, box.bottom - box.top);
          const length = drawing.strokes.reduce((sum, line) => sum + lengthOf(line, digit.box), 0);
          return length <= SCRIBBLE * side;
        }),
      )
      .filter((row) => row.length);
    if (!kept.length) throw new Handwriting.NoDigitError("A scribble.", "scribble");
    return kept;
  }

  function around(points) {
    const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
    const ends = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
    return { left: ends[0], top: ends[1], right: ends[2], bottom: ends[3] };
  }

  /** The digit that the reader chose, or else the one that holds most of the latest stroke. */
  function shown() {
    const digits = rows.flat();
    if (digits.length < 2 || picked) return picked ?? digits[0] ?? null;
    const stroke = drawing.strokes[drawing.strokes.length - 1];
    const share = (digit) => (stroke ? lengthOf(stroke, digit.box) : 0);
    return digits.reduce((best, digit) => (share(digit) >= share(best) ? digit : best));
  }

  /** The network's input: the prepared image without what the brush has covered. */
  function input() {
    return Float32Array.from(prepared.image, (pixel, n) => (covered[n] ? 0 : pixel / 255));
  }

  const known = new Map(); // the latest answers: of many digits on the pad, one changes at a time
  function read({ image }) {
    const key = image.join();
    if (known.size > 50) known.clear();
    if (!known.has(key)) {
      const pixels = Float32Array.from(image, (pixel) => pixel / 255);
      known.set(key, probabilitiesOf(Network.run(network, pixels)));
    }
    return known.get(key);
  }

  function answer() {
    prepared = shown();
    showSteps();
    showFound();
    probabilities = null;
    if (!prepared) {
      showAnswer(null);
      Inside.show(null, null);
      return;
    }
    const image = input();
    const outputs = Network.run(network, image);
    probabilities = probabilitiesOf(outputs);
    showAnswer(covered.some(Boolean) ? read(prepared) : null);
    Inside.show(image, outputs);
  }

  const bars = Array.from({ length: 10 }, (_, digit) => {
    const item = document.createElement("li");
    const parts = ["live-label", "live-track", "live-share"].map((name) => {
      const part = document.createElement("span");
      part.className = name;
      item.append(part);
      return part;
    });
    parts[0].textContent = digit;
    const fill = parts[1].appendChild(document.createElement("span"));
    const mark = parts[1].appendChild(document.createElement("i"));
    element("live-bars").append(item);
    return { item, fill, mark, share: parts[2] };
  });

  let announcement = 0;
  function announce(words) {
    clearTimeout(announcement);
    announcement = setTimeout(() => {
      element("live-words").textContent = words;
      const median = [...frames].sort((a, b) => a - b)[Math.floor(frames.length / 2)];
      element("live-time").textContent =
        frames.length > 1 ? `Your browser takes ${median.toFixed(1)} ms for it all.` : "";
    }, REST);
  }

  /** Of several digits: a box around each on the pad, and a button that chooses it. */
  function showFound() {
    const digits = rows.flat();
    const several = digits.length > 1 ? digits : [];
    const [boxes, list] = [element("live-boxes"), element("live-found")];
    element("live-several").hidden = !several.length;
    for (const [parent, name] of [
      [boxes, "span"],
      [list, "button"],
    ]) {
      while (parent.children.length > several.length) parent.lastChild.remove();
      while (parent.children.length < several.length) {
        parent.append(document.createElement(name));
      }
    }
    const labels = [];
    const part = (units) => `${(100 * units) / PAD}%`;
    several.forEach((digit, n) => {
      const { left, top, right, bottom } = digit.box;
      const [box, button] = [boxes.children[n], list.children[n]];
      Object.assign(box.style, { left: part(left), top: part(top) });
      Object.assign(box.style, { width: part(right - left), height: part(bottom - top) });
      // The label stands above its box, or below where it would cover another one.
      const atRight = left + LABEL[0] > PAD;
      const x = atRight ? right - LABEL[0] : left;
      const covers = (y) => ([otherX, otherY]) =>
        Math.abs(otherX - x) < LABEL[0] && Math.abs(otherY - y) < LABEL[1];
      const free = (y) => y >= 0 && y <= PAD - LABEL[1] && !labels.some(covers(y));
      const below = !free(top - LABEL[1]) && free(bottom);
      labels.push([x, below ? bottom : top - LABEL[1]]);
      box.className = "live-box";
      box.classList.toggle("live-below", below);
      box.classList.toggle("live-right", atRight);
      box.classList.toggle("live-chosen", digit === prepared);
      box.dataset.label = button.textContent = wordsOf(digit);
      button.type = "button";
      button.setAttribute("aria-pressed", digit === prepared);
      button.onclick = () => {
        picked = digit;
        covered.fill(0);
        schedule(false);
      };
    });
  }

  /** Whether no digit gets enough. The limit was measured for the course's own network alone. */
  function isOdd(answers) {
    return network === own && Math.max(...answers) < LIVE_NO_DIGIT;
  }

  /** What a digit is read as; a question mark if it does not look like one. */
  function labelOf(answers) {
    return isOdd(answers) ? "?" : String(ranked(answers)[0]);
  }

  function wordsOf(digit) {
    const answers = read(digit);
    if (!answers.every(Number.isFinite)) return "–";
    return `${labelOf(answers)}\u00a0(${percent(Math.max(...answers))})`;
  }

  /** The text of several digits, row by row, and the sentence about them. */
  function textOfAll() {
    const lines = rows.map((row) => row.map((digit) => labelOf(read(digit))).join(""));
    const surest = (digit) => Math.max(...read(digit));
    const doubtful = rows.flat().reduce((a, b) => (surest(b) < surest(a) ? b : a));
    const text = lines.join(", and below it ");
    const doubt = isOdd(read(doubtful))
      ? "A question mark stands for what does not look like a digit."
      : `It is least sure of the ${wordsOf(doubtful)}.`;
    return { lines, sentence: `The network reads ${text}. ${doubt}` };
  }

  /** The digit, the bars and the sentence; marks on the bars where they stood uncovered. */
  function showAnswer(before) {
    const valid = probabilities !== null && probabilities.every(Number.isFinite);
    const order = valid ? ranked(probabilities) : [];
    const all = rows.flat().length > 1 && valid ? textOfAll() : null;
    const single = valid ? labelOf(probabilities) : "–";
    element("live-digit").textContent = all ? all.lines.join("\n") : single;
    element("live-digit").classList.toggle("live-text", all !== null);
    bars.forEach(({ item, fill, mark, share }, digit) => {
      const value = valid ? clamp(probabilities[digit], 0, 1) : 0;
      item.classList.toggle("live-winner", digit === order[0]);
      fill.style.transform = `scaleX(${value})`;
      share.textContent = valid ? percent(value) : "";
      mark.hidden = !before;
      if (before) mark.style.left = `${100 * clamp(before[digit], 0, 1)}%`;
    });
    if (probabilities === null) {
      announce(
        isBlank() ? "The pad is empty. Draw a digit, or take an example." : FAULTS[fault],
      );
    } else if (!valid) {
      announce("This network’s answer is not a number: some of its weights are too large.");
    } else if (all) {
      announce(all.sentence);
    } else if (isOdd(probabilities)) {
      announce(
        `That does not look like a digit: the best guess, a ${order[0]}, ` +
          `gets only ${percent(probabilities[order[0]])}.`,
      );
    } else {
      const [first, second] = order;
      const reads = probabilities[first] >= 0.6 ? "The network reads a" : "The network guesses a";
      announce(
        `${reads} ${first} (${percent(probabilities[first])}). ` +
          `Next comes a ${second} (${percent(probabilities[second])}).`,
      );
    }
  }

  function isBlank() {
    return drawing.background === null && drawing.strokes.length === 0;
  }

  // --- what the network sees --------------------------------------------------------------------

  /** Paint numbers as shades of grey, one canvas pixel each. */
  function paintGrey(canvas, numbers, width, shade) {
    const height = numbers.length / width;
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const context = canvas.getContext("2d");
    const picture = context.createImageData(width, height);
    const words = new Uint32Array(picture.data.buffer);
    for (let n = 0; n < numbers.length; n++) {
      words[n] = 0xff000000 | (0x010101 * shade(numbers[n], n));
    }
    context.putImageData(picture, 0, 0);
  }

  function showSteps() {
    const list = element("live-steps");
    const steps = prepared ? prepared.steps : [];
    while (list.children.length > steps.length) list.lastChild.remove();
    steps.forEach((step, n) => {
      let item = list.children[n];
      if (!item) {
        item = document.createElement("li");
        const canvas = item.appendChild(document.createElement("canvas"));
        canvas.setAttribute("role", "img");
        item.append(document.createElement("span"));
        list.append(item);
      }
      const [canvas, words] = item.children;
      if (words.textContent !== step.name) {
        words.textContent = step.name;
        canvas.setAttribute("aria-label", `Step ${n + 1}: ${step.name}`);
      }
      paintGrey(canvas, step.data, step.width, (number) => (255 * clamp(number, 0, 1) + 0.5) | 0);
    });
    const seen = prepared ? prepared.image : new Uint8Array(784);
    const canvas = element("live-seen");
    paintGrey(canvas, seen, 28, (pixel, n) => (covered[n] ? 0 : pixel));
    const context = canvas.getContext("2d");
    context.fillStyle = "rgba(213, 94, 0, 0.75)";
    for (let n = 0; n < 784; n++) if (covered[n]) context.fillRect(n % 28, (n / 28) | 0, 1, 1);
    element("live-uncover").disabled = !covered.some(Boolean);
  }

  /** A square of 3 × 3 pixels that covers what it passes. */
  function coverWithBrush() {
    const canvas = element("live-seen");
    const brush = element("live-brush");
    let place = [14, 14];

    function showBrush() {
      brush.style.left = `${(100 * (place[0] - 1)) / 28}%`;
      brush.style.top = `${(100 * (place[1] - 1)) / 28}%`;
    }
    function cover() {
      if (!prepared) return;
      for (let y = place[1] - 1; y <= place[1] + 1; y++) {
        for (let x = place[0] - 1; x <= place[0] + 1; x++) {
          if (x >= 0 && x < 28 && y >= 0 && y < 28) covered[28 * y + x] = 1;
        }
      }
      schedule(false);
    }
    function follow(event) {
      const box = canvas.getBoundingClientRect();
      place = [
        clamp(Math.floor(((event.clientX - box.left) * 28) / box.width), 0, 27),
        clamp(Math.floor(((event.clientY - box.top) * 28) / box.height), 0, 27),
      ];
      brush.hidden = false;
      showBrush();
      if (event.buttons & 1) cover();
    }
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      follow(event);
    });
    canvas.addEventListener("pointermove", follow);
    canvas.addEventListener("pointerleave", () => (brush.hidden = true));
    canvas.addEventListener("blur", () => (brush.hidden = true));
    canvas.addEventListener("keydown", (event) => {
      if (ARROWS[event.key]) {
        place = place.map((at, axis) => clamp(at + ARROWS[event.key][axis], 0, 27));
      } else if (event.key === " ") cover();
      else return;
      event.preventDefault();
      brush.hidden = false;
      showBrush();
    });
    element("live-uncover").addEventListener("click", () => {
      covered.fill(0);
      schedule(false);
      canvas.focus(); // the button is about to be switched off, and would lose the focus
    });
  }

  for (const part of ["live", "live-inside", "live-evidence", "live-drop"]) {
    element(part).hidden = false;
  }
  drawWithPointer();
  drawWithKeys();
  buttons();
  examples();
  files();
  coverWithBrush();
  Inside.use(network);
  describeNetwork();
  schedule();

  return {
    frames,
    /** What the page holds now, for tests and for the curious at the console. */
    get state() {
      const settled = !scheduled && Inside.idle;
      return { settled, drawing, network, rows, prepared, covered, probabilities };
    },
  };
})();
