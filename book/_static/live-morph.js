"use strict";

// From one digit to another: the ink moves, and the network reads every picture on the way.
const Morph = (() => {
  const SIDE = 28;
  const GRAINS = 256; // of ink, in each of the two pictures
  const STEPS = 50; // of the curve
  const HALVINGS = 12; // to find where the answer flips
  const SLICE = 8; // milliseconds of slow work at a time, so that drawing stays smooth
  const DURATION = 5000; // milliseconds from one end to the other
  const JUMPS = 10; // steps of the way for those who want no motion
  const PAD = "pad"; // stands for what lies on the pad

  const element = (id) => document.getElementById(id);

  let network = null;
  let onPad = null; // 784 numbers from 0 to 1, or null while there is no digit on the pad
  let shapes = []; // of the examples: { name, image() }
  let way = null; // from one picture to another: { from, to, grains, at(t) }; null if one is missing
  let curve = []; // of [t, ten probabilities], in order
  let flips = []; // of { t, before, after }
  let job = 0; // the number of the latest way; older work that finds another stops
  let idle = true;

  // --- the ink as grains, and where each one goes -----------------------------------------------

  /** Places of equally heavy grains, [x, y] each: dark pixels hold many, light ones few. */
  function grainsOf(image) {
    const total = image.reduce((sum, ink) => sum + ink, 0);
    const grains = [];
    let ink = 0;
    // To and fro along the rows, so that grains that follow each other are neighbours.
    for (let n = 0; n < SIDE * SIDE; n++) {
      const y = Math.floor(n / SIDE);
      const x = y % 2 ? SIDE - 1 - (n % SIDE) : n % SIDE;
      ink += image[SIDE * y + x];
      while (grains.length < GRAINS && ink >= ((grains.length + 0.5) / GRAINS) * total) {
        grains.push([x, y]);
      }
    }
    while (grains.length < GRAINS) grains.push(grains[grains.length - 1]); // lost to rounding
    return grains;
  }

  /**
   * To which place each grain goes, so that the sum of the squared ways is as small as it can be.
   *
   * The Hungarian method with potentials, row by row (Kuhn 1955; Jonker and Volgenant 1987).
   */
  function transport(from, to) {
    const count = from.length;
    const cost = (i, j) => (from[i][0] - to[j][0]) ** 2 + (from[i][1] - to[j][1]) ** 2;
    const [u, v] = [new Float64Array(count + 1), new Float64Array(count + 1)];
    const owner = new Int32Array(count + 1); // of each place, counted from 1; 0 is nobody
    const previous = new Int32Array(count + 1);
    for (let i = 1; i <= count; i++) {
      const least = new Float64Array(count + 1).fill(Infinity);
      const used = new Uint8Array(count + 1);
      owner[0] = i;
      let place = 0;
      do {
        used[place] = 1;
        let [delta, next] = [Infinity, 0];
        for (let j = 1; j <= count; j++) {
          if (used[j]) continue;
          const reduced = cost(owner[place] - 1, j - 1) - u[owner[place]] - v[j];
          if (reduced < least[j]) [least[j], previous[j]] = [reduced, place];
          if (least[j] < delta) [delta, next] = [least[j], j];
        }
        for (let j = 0; j <= count; j++) {
          if (used[j]) {
            u[owner[j]] += delta;
            v[j] -= delta;
          } else least[j] -= delta;
        }
        place = next;
      } while (owner[place]);
      while (place) {
        owner[place] = owner[previous[place]];
        place = previous[place];
      }
    }
    const goal = new Array(count);
    for (let j = 1; j <= count; j++) goal[owner[j] - 1] = to[j - 1];
    return goal;
  }

  /** How a grain divides its ink among three pixels in a row: a quadratic B-spline. */
  function weights(offset) {
    return [(0.5 - offset) ** 2 / 2, 0.75 - offset ** 2, (0.5 + offset) ** 2 / 2];
  }

  /** Grains at any places as a picture: each gives its ink to the 3 × 3 pixels around it. */
  function scatter(places, ink) {
    const image = new Float32Array(SIDE * SIDE);
    for (const [x, y] of places) {
      const [column, row] = [Math.round(x), Math.round(y)];
      const [across, down] = [weights(x - column), weights(y - row)];
      for (let j = -1; j <= 1; j++) {
        for (let i = -1; i <= 1; i++) {
          const [left, top] = [Pad.clamp(column + i, 0, SIDE - 1), Pad.clamp(row + j, 0, SIDE - 1)];
          image[SIDE * top + left] += ink * across[i + 1] * down[j + 1];
        }
      }
    }
    return image;
  }

  /** The way from one picture to another; `at(0)` and `at(1)` are exactly the two. */
  function wayBetween(from, to) {
    const start = grainsOf(from);
    const goal = transport(start, grainsOf(to));
    const ink = [from, to].map((image) => image.reduce((sum, pixel) => sum + pixel, 0) / GRAINS);
    // What the grains cannot tell of the two pictures, mostly soft edges, fades out and in.
    const rest = [
      [from, scatter(start, ink[0])],
      [to, scatter(goal, ink[1])],
    ].map(([image, grains]) => image.map((pixel, n) => pixel - grains[n]));
    function at(t) {
      const places = start.map(([x, y], n) => [
        x + t * (goal[n][0] - x),
        y + t * (goal[n][1] - y),
      ]);
      const image = scatter(places, (1 - t) * ink[0] + t * ink[1]);
      return image.map((pixel, n) =>
        Pad.clamp(pixel + (1 - t) * rest[0][n] + t * rest[1][n], 0, 1),
      );
    }
    return { from, to, grains: start.map((place, n) => [place, goal[n]]), at };
  }

  // --- what the network reads on the way --------------------------------------------------------

  function ask(t) {
    return Pad.probabilitiesOf(Network.run(network, way.at(t)), network);
  }

  const winner = (probabilities) => Pad.ranked(probabilities)[0];

  /** The curve, and by halving where the answer flips; in slices, so that the page answers. */
  async function read(number) {
    let resume = 0; // a first pause: the way was found in the same task
    async function isStillWanted() {
      if (performance.now() < resume) return true;
      await new Promise((done) => setTimeout(done));
      resume = performance.now() + SLICE;
      return number === job;
    }
    const points = [];
    const found = [];
    for (let n = 0; n <= STEPS; n++) {
      if (!(await isStillWanted())) return;
      const point = [n / STEPS, ask(n / STEPS)];
      if (!point[1].every(Number.isFinite)) return finish("The answers are not numbers.");
      points.push(point);
      const [before, after] = [points[n - 1] ?? point, point].map(([, all]) => winner(all));
      if (before === after) continue;
      let [low, high] = [(n - 1) / STEPS, n / STEPS];
      for (let halving = 0; halving < HALVINGS; halving++) {
        if (!(await isStillWanted())) return;
        const middle = (low + high) / 2;
        if (winner(ask(middle)) === before) low = middle;
        else high = middle;
      }
      found.push({ t: (low + high) / 2, before, after });
    }
    [curve, flips] = [points, found];
    finish(story());
    paintCurve();
    paintPlace();
  }

  function finish(words) {
    element("live-morph-words").textContent = words;
    idle = true;
  }

  const part = (t) => `${(100 * t).toFixed(1)}\u00a0%`;

  function story() {
    const first = Pad.named(winner(curve[0][1]));
    if (!flips.length) return `The network reads ${first} all the way.`;
    const stations = flips.map(({ t, after }, n) => {
      const until = flips[n + 1] ? ` up to ${part(flips[n + 1].t)}` : "";
      return `then ${Pad.named(after)}${until}`;
    });
    return `The network reads ${first} up to ${part(flips[0].t)} of the way, ${stations.join(", ")}.`;
  }

  // --- pictures ---------------------------------------------------------------------------------

  const SVG = "http://www.w3.org/2000/svg";

  function draw(tag, className, settings) {
    const shape = document.createElementNS(SVG, tag);
    shape.setAttribute("class", className);
    for (const [name, value] of Object.entries(settings)) shape.setAttribute(name, value);
    return shape;
  }

  /** The probabilities of the two digits at the ends, and of every other that wins on the way. */
  function paintCurve() {
    const ends = [curve[0][1], curve[curve.length - 1][1]].map(winner);
    const digits = [...new Set([...ends, ...flips.map(({ after }) => after)])];
    const chart = element("live-curve");
    const labels = element("live-curve-labels");
    const lines = digits.map((digit, n) => {
      const points = curve.map(([t, answers]) => `${100 * t},${100 - 100 * answers[digit]}`);
      return draw("polyline", `live-chance live-chance-${Math.min(n, 2)}`, { points: points.join(" ") });
    });
    const marks = flips.map(({ t }) =>
      draw("line", "live-flip", { x1: 100 * t, x2: 100 * t, y1: 0, y2: 100 }),
    );
    const now = draw("line", "live-now", { x1: 0, x2: 0, y1: 0, y2: 100 });
    chart.replaceChildren(...marks, ...lines, now);
    const label = (text, x, y, className) => {
      const span = document.createElement("span");
      Object.assign(span, { textContent: text, className });
      Object.assign(span.style, { left: `${x}%`, top: `${y}%` });
      return span;
    };
    const peaks = digits.map((digit, n) => {
      const [t, answers] = curve.reduce((a, b) => (b[1][digit] > a[1][digit] ? b : a));
      const x = Pad.clamp(100 * t, 3, 97);
      return label(digit, x, 100 - 100 * answers[digit], `live-peak live-chance-${Math.min(n, 2)}`);
    });
    const places = flips.map(({ t }) => label(part(t), 100 * t, 100, "live-flip-place"));
    labels.replaceChildren(...peaks, ...places);
    const named = digits.map((digit) => Pad.named(digit)).join(", ");
    chart.setAttribute("aria-label", `Probabilities of ${named} on the way. ${story()}`);
  }

  const slider = element("live-way");
  const place = () => Number(slider.value) / 100;

  function paintPlace() {
    if (!way) return;
    const t = place();
    const image = way.at(t);
    const canvas = element("live-between");
    Pad.paintGrey(canvas, image, SIDE, (pixel) => Math.round(255 * pixel));
    const answers = ask(t);
    const digit = winner(answers);
    const words = `${Math.round(100 * t)}\u00a0% of the way: ${Pad.named(digit)} (${Pad.percent(answers[digit])})`;
    slider.setAttribute("aria-valuetext", words);
    canvas.setAttribute("aria-label", words);
    element("live-between-words").textContent = words;
    for (const end of ["x1", "x2"]) {
      element("live-curve").querySelector(".live-now")?.setAttribute(end, 100 * t);
    }
  }

  // --- the two ends, the slider and the button --------------------------------------------------

  const ends = [element("live-from"), element("live-to")];

  function imageOf(choice) {
    return choice.value === PAD ? onPad : shapes[Number(choice.value)].image();
  }

  function begin() {
    if (!network) return; // it begins as soon as there is one
    const images = ends.map(imageOf);
    const missing = images.some((image) => image === null);
    job++;
    const number = job;
    element("live-morph").classList.toggle("live-no-way", missing);
    if (missing) {
      way = null;
      stop();
      return finish("There is no digit on the pad. Draw one, or choose an example at both ends.");
    }
    const same = way && images.every((image, n) => image.join() === [way.from, way.to][n].join());
    if (!same) way = wayBetween(...images);
    idle = false;
    paintPlace();
    read(number);
  }

  let frame = 0;
  const button = element("live-go");

  function stop() {
    cancelAnimationFrame(frame);
    frame = 0;
    button.textContent = "Play";
  }

  function play() {
    if (frame) return stop();
    if (!way) return;
    button.textContent = "Stop";
    const first = place() >= 1 ? 0 : place();
    const jumps = matchMedia("(prefers-reduced-motion: reduce)").matches ? JUMPS : 100;
    const begun = performance.now();
    function move(now) {
      const t = Math.min(first + Math.max(now - begun, 0) / DURATION, 1);
      const shown = Math.floor(t * jumps) / jumps;
      if (shown !== place()) {
        slider.value = 100 * shown;
        paintPlace();
      }
      if (t < 1) frame = requestAnimationFrame(move);
      else stop();
    }
    frame = requestAnimationFrame(move);
  }

  slider.addEventListener("input", () => {
    stop();
    paintPlace();
  });
  button.addEventListener("click", play);
  element("live-put").addEventListener("click", () => {
    if (!way) return;
    const canvas = document.createElement("canvas");
    Pad.paintGrey(canvas, way.at(place()), SIDE, (pixel) => 255 - Math.round(255 * pixel));
    ends.forEach((choice) => {
      // The way stays what it was, although its middle now lies on the pad.
      if (choice.value === PAD) onPad = way[choice === ends[0] ? "from" : "to"];
    });
    Pad.change({ background: canvas, strokes: [] });
    element("live-pad").scrollIntoView({ block: "center" });
  });

  // --- what live.js calls -----------------------------------------------------------------------

  /** Examples to choose from, each { name, image() }; the two that are chosen at first. */
  function offer(next, from, to) {
    shapes = next;
    ends.forEach((choice, n) => {
      choice.add(new Option("what lies on the pad", PAD));
      shapes.forEach(({ name }, index) => choice.add(new Option(name, index)));
      choice.value = [from, to][n];
      choice.addEventListener("change", () => {
        stop();
        begin();
      });
    });
  }

  function use(next) {
    network = next;
    job++;
  }

  /** What lies on the pad, as the network sees it, or null. */
  function show(image) {
    onPad = image;
    begin();
  }

  return {
    offer,
    use,
    show,
    get idle() {
      return idle;
    },
    /** For tests and for the curious at the console. */
    get state() {
      return { way, curve, flips };
    },
  };
})();
