"use strict";

// The pad: what a hand draws, the digits that are found in it, and what a network reads. The front
// page and the live page share it. network.js computes, handwriting.js prepares.
const Pad = (() => {
  const PAD = 280; // the pad's own units, whatever its size on the screen
  const SCAN = 200; // pixels to a side of the drawing as the preparation gets it
  const REST = 600; // milliseconds without change before a sentence is announced
  const FRAMES_KEPT = 500;
  const BUDGET = 50; // milliseconds of a frame for reading several digits
  const SCRIBBLE = 6.5; // sides of its box; a digit's strokes are at most 3.5 long
  const LABEL = [62, 18]; // width and height of a box's label in the pad's units
  const KEPT = "reading-handwritten-digits.drawing"; // where the next page finds the drawing
  const MOST_KEPT = 100000; // characters of it
  const FAULTS = {
    blank: "There is nothing here that is large enough to read. Draw a digit at least a fifth of the pad high.",
    dot: "This is a dot. Draw a digit at least a fifth of the pad high.",
    blot: "This is a blot. Draw a digit in lines, with white between them.",
    scribble: "This is a scribble. Draw one digit, or a few side by side.",
    marks: "There are many marks here, and no digit stands out. Draw one larger than the rest.",
  };
  const PICTURE_FAULTS = {
    blank: "No ink can be found in this picture. Take one of a dark digit on light paper.",
    marks: "This picture shows several marks, and none stands out. Cut it so that one digit fills it.",
    other: "What stands out in this picture is no line of a pen. Cut it so that one digit fills it.",
  };

  const element = (id) => document.getElementById(id);
  const write = (id, text) => {
    if (element(id)) element(id).textContent = text; // not every page has every part
  };
  const pad = element("live-pad");
  const scan = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

  // A drawing is a background (null or a canvas) and strokes, each a list of points with a width.
  // States are never changed once they are in the history, so undo steps back to the one before.
  let drawing = { background: null, strokes: [] };
  let history = [];
  let network = null; // what reads; null until it is there
  let own = null; // the course's own network
  const covered = new Uint8Array(784); // pixels of the input that the reader has covered
  let rows = []; // of digits, each { image, steps, box }; one digit alone has no box
  let picked = null; // the digit that the reader chose from the list; null before
  let fault = "blank"; // why there is no digit
  let prepared = null; // the digit that the bars and the maps show, or null
  let probabilities = null; // the latest answer: ten numbers, or null
  const frames = []; // milliseconds that the latest answers took

  let isDemo = false; // whether the page put the drawing there: the first stroke takes its place
  // What a page adds: `answered(image, outputs)` after each answer, `touched()` when a hand begins.
  let page = { answered() {}, touched() {} };

  // --- numbers as words -------------------------------------------------------------------------

  function percent(share) {
    if (share > 0 && share < 0.0005) return "< 0.1\u00a0%"; // a space that does not break
    return `${(100 * share).toFixed(share > 0.9995 ? 0 : 1)}\u00a0%`;
  }

  /** A digit with its article, as one says it. */
  function named(digit) {
    return digit === 8 ? "an 8" : `a ${digit}`;
  }

  /** Ten probabilities. A network that ends in scores gets the softmax that it lacks. */
  function probabilitiesOf(outputs, { layers } = network) {
    const last = layers[layers.length - 1];
    const ends = last.type === "activation" ? last.activation : "linear";
    const result = outputs[outputs.length - 1];
    return ends === "softmax" || ends === "sigmoid" ? result : Network.softmax(result);
  }

  function ranked(probabilities) {
    return [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  }

  // --- the pad ----------------------------------------------------------------------------------

  function change(next) {
    if (!isDemo) history.push(drawing);
    isDemo = false;
    drawing = next;
    covered.fill(0);
    schedule();
  }

  function addStroke(point) {
    page.touched();
    if (isDemo) drawing = { background: null, strokes: [] };
    isDemo = false;
    const stroke = { width: Number(element("live-width")?.value ?? 18), points: [point] };
    change({ ...drawing, strokes: [...drawing.strokes, stroke] });
    return stroke;
  }

  /** Go on with a stroke, and give it back; a new one begins here if it was taken away meanwhile. */
  function extend(stroke, point) {
    if (!drawing.strokes.includes(stroke)) return addStroke(point);
    stroke.points.push(point);
    schedule();
    return stroke;
  }

  function undo() {
    page.touched();
    drawing = history.pop() ?? drawing;
    covered.fill(0);
    schedule();
  }

  function clear() {
    page.touched();
    change({ background: null, strokes: [] });
  }

  // --- from page to page ------------------------------------------------------------------------

  /** Keep the reader's strokes for the next page of this visit; a picture is not kept. */
  function keep() {
    try {
      const text = JSON.stringify(drawing.strokes);
      const isOwn = !isDemo && drawing.background === null && drawing.strokes.length > 0;
      if (isOwn && text.length <= MOST_KEPT) sessionStorage.setItem(KEPT, text);
      else sessionStorage.removeItem(KEPT);
    } catch {
      // A browser that keeps nothing.
    }
  }

  /** The drawing that the last page kept, or null. */
  function kept() {
    const isNumber = (value) => Number.isFinite(value) && Math.abs(value) <= 10 * PAD;
    const isPoint = (point) => Array.isArray(point) && point.length === 2 && point.every(isNumber);
    const isStroke = (stroke) =>
      isNumber(stroke?.width) && Array.isArray(stroke.points) && stroke.points.length > 0 && stroke.points.every(isPoint);
    try {
      const strokes = JSON.parse(sessionStorage.getItem(KEPT));
      const isWhole = Array.isArray(strokes) && strokes.length > 0 && strokes.every(isStroke);
      return isWhole ? { background: null, strokes } : null;
    } catch {
      return null;
    }
  }

  /** Paint a drawing, black on white; what is not as square as the pad shows its middle. */
  function paint(context, width, height = width, { background, strokes } = drawing) {
    const { canvas } = context;
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const scale = Math.max(width, height) / PAD;
    const [left, top] = [(width - scale * PAD) / 2, (height - scale * PAD) / 2];
    context.setTransform(scale, 0, 0, scale, left, top);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, PAD, PAD);
    if (background) {
      const fit = PAD / Math.max(background.width, background.height);
      const size = [background.width * fit, background.height * fit];
      context.imageSmoothingQuality = "high";
      context.drawImage(background, (PAD - size[0]) / 2, (PAD - size[1]) / 2, ...size);
    }
    context.strokeStyle = "#000";
    context.lineCap = context.lineJoin = "round";
    for (const { width, points } of strokes) {
      context.lineWidth = width;
      context.beginPath();
      const [[x, y]] = points;
      context.moveTo(x, y);
      for (const point of points) context.lineTo(...point);
      // A line without a length paints nothing, and a tap should leave a dot.
      if (points.every((point) => point[0] === x && point[1] === y)) context.lineTo(x + 0.01, y);
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
      for (const each of passed.length ? passed : [event]) stroke = extend(stroke, padPoint(each));
    });
    pad.addEventListener("pointerup", (event) => {
      if (event.isPrimary) stroke = null;
    });
    // A second finger zooms: what the first one began is no stroke.
    pad.addEventListener("pointercancel", (event) => {
      if (!stroke || !event.isPrimary) return;
      if (drawing.strokes.at(-1) === stroke) undo();
      stroke = null;
    });
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
      const isCommand = event.ctrlKey || event.metaKey;
      if (event.key === "Backspace" || (isCommand && event.key === "z")) undo();
      else if (isCommand || event.altKey) return;
      else if (event.key === "Delete") clear();
      else if (event.key === " ") {
        if (event.repeat) return event.preventDefault();
        stroke = stroke ? null : addStroke(place);
        element("live-pen-words").textContent = stroke ? "The pen is down." : "The pen is up.";
      } else if (ARROWS[event.key]) {
        held.add(event.key);
        const step = event.shiftKey ? 2 : 7;
        for (const key of held) {
          place = place.map((at, axis) => clamp(at + step * ARROWS[key][axis], 0, PAD));
        }
        if (stroke) stroke = extend(stroke, place);
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
    element("live-undo").addEventListener("click", undo);
    element("live-clear").addEventListener("click", clear);
    element("live-prepare")?.addEventListener("change", () => {
      covered.fill(0);
      schedule();
    });
  }

  // --- from the pad to the answer ---------------------------------------------------------------

  let scheduled = false;
  let stale = true; // whether the drawing has changed since it was prepared
  let work = null; // what is left of the preparation
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
        work = prepare();
        stale = false;
      }
      if (work?.next().done === false) {
        schedule(false); // a photograph takes several frames
      } else {
        work = null;
        answer();
      }
      frames.push(performance.now() - start);
      if (frames.length > FRAMES_KEPT) frames.shift();
    });
  }

  /** Find the digits; a photograph is read as one. */
  function* prepare() {
    [rows, picked, fault] = [[], null, "blank"];
    if (isBlank()) return;
    const { background } = drawing;
    // A picture is scanned without the strips beside it, an example or strokes as the pad.
    const isPicture = hasPicture();
    const width = isPicture ? background.width : SCAN;
    const height = isPicture ? background.height : SCAN;
    paint(scan, width, height);
    const grey = Handwriting.toGrey(scan.getImageData(0, 0, width, height).data, width, height);
    try {
      // Without the preparation the whole pad is one image, if there is a digit on it at all.
      const unprepared = element("live-prepare")?.checked === false;
      const found = isPicture ? null : withoutScribbles(Handwriting.findDigits(grey));
      if (unprepared) rows = [[Handwriting.resizeOnly(grey)]];
      else rows = found ?? [[yield* Handwriting.prepare(grey)]];
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
    if (!known.has(key)) {
      const pixels = Float32Array.from(image, (pixel) => pixel / 255);
      known.set(key, probabilitiesOf(Network.run(network, pixels)));
    }
    return known.get(key);
  }

  /** Read several digits, as many as a frame has time for; says whether all are read. */
  function readAll() {
    const digits = rows.flat();
    if (known.size > 50 + digits.length) known.clear();
    const end = performance.now() + BUDGET;
    return digits.length < 2 || digits.every((digit) => performance.now() < end && read(digit));
  }

  function answer() {
    prepared = shown();
    probabilities = null;
    if (network === null) return; // it reads what lies on the pad as soon as it is there
    if (!readAll()) return schedule(false); // a large network needs several frames
    showFound();
    if (!prepared) {
      showAnswer(null);
      page.answered(null, null);
      return;
    }
    const image = input();
    const outputs = Network.run(network, image);
    probabilities = probabilitiesOf(outputs);
    showAnswer(covered.some(Boolean) ? read(prepared) : null);
    page.answered(image, outputs);
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
    write("live-words", words);
    clearTimeout(announcement);
    announcement = setTimeout(() => {
      write("live-spoken", words);
      const median = [...frames].sort((a, b) => a - b)[Math.floor(frames.length / 2)];
      write("live-time", frames.length > 1 ? `Your browser takes ${median.toFixed(1)} ms for it all.` : "");
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

  /** Ten bars, none if there is no answer; marks stand where the bars were without the cover. */
  function showProbabilities(answers, before = null) {
    const winner = answers ? ranked(answers)[0] : null;
    bars.forEach(({ item, fill, mark, share }, digit) => {
      const value = answers ? clamp(answers[digit], 0, 1) : 0;
      item.classList.toggle("live-winner", digit === winner);
      fill.style.transform = `scaleX(${value})`;
      share.textContent = answers ? percent(value) : "";
      mark.hidden = !before;
      if (before) mark.style.left = `${100 * clamp(before[digit], 0, 1)}%`;
    });
  }

  /** The digit, the bars and the sentence; marks on the bars where they stood uncovered. */
  function showAnswer(before) {
    const valid = probabilities !== null && probabilities.every(Number.isFinite);
    const order = valid ? ranked(probabilities) : [];
    showProbabilities(valid ? probabilities : null, before);
    const all = rows.flat().length > 1 && valid ? textOfAll() : null;
    const single = valid ? labelOf(probabilities) : "–";
    element("live-digit").textContent = all ? all.lines.join("\n") : single;
    element("live-digit").classList.toggle("live-text", all !== null);
    if (probabilities === null) {
      announce(
        isBlank()
          ? `The pad is empty. Draw a digit${element("live-examples") ? ", or take an example" : ""}.`
          : hasPicture()
            ? (PICTURE_FAULTS[fault] ?? PICTURE_FAULTS.other)
            : FAULTS[fault],
      );
    } else if (!valid) {
      announce("This network’s answer is not a number: some of its weights are too large.");
    } else if (all) {
      announce(all.sentence);
    } else if (isOdd(probabilities)) {
      announce(
        `That does not look like a digit: the best guess, ${named(order[0])}, ` +
          `gets only ${percent(probabilities[order[0]])}.`,
      );
    } else {
      const [first, second] = order;
      const reads = probabilities[first] >= 0.6 ? "The network reads" : "The network guesses";
      announce(
        `${reads} ${named(first)} (${percent(probabilities[first])}). ` +
          `Next comes ${named(second)} (${percent(probabilities[second])}).`,
      );
    }
  }

  function isBlank() {
    return drawing.background === null && drawing.strokes.length === 0;
  }

  /** Whether a picture lies on the pad that is larger than a digit of MNIST. */
  function hasPicture() {
    const { background } = drawing;
    return background !== null && Math.max(background.width, background.height) > 28;
  }

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

  /** Show a drawing that gives way to the reader's first stroke. */
  function demonstrate(next) {
    isDemo = true;
    drawing = next;
    schedule();
  }

  /** Let another network read; the first one is the course's own. */
  function use(next) {
    own ??= next;
    network = next;
    frames.length = 0;
    known.clear();
    schedule(false);
  }

  /** Begin: `parts` are what the page adds to the pad. */
  function start(parts) {
    page = { ...page, ...parts };
    drawWithPointer();
    drawWithKeys();
    buttons();
    window.addEventListener("pagehide", keep);
  }

  return {
    SCAN, ARROWS, frames, covered, start, use, change, demonstrate, kept, schedule,
    paint, paintGrey, percent, clamp, named, ranked, probabilitiesOf, showProbabilities,
    get isOwn() {
      return network === own;
    },
    get network() {
      return network;
    },
    get prepared() {
      return prepared;
    },
    /** What the pad holds now, for the page, for tests and for the curious at the console. */
    get state() {
      return { settled: !scheduled, drawing, network, rows, prepared, covered, probabilities };
    },
  };
})();
