"use strict";

// The evidence for two digits, by occlusion: what a score loses when a square covers the ink.
const Evidence = (() => {
  const { COLOURS, colour, size, written } = Colours;

  const REST = 250; // milliseconds without change before slow work begins
  const PATCH = 5; // side of the square that covers, as in chapter 6
  const STRIDE = 2;
  const SLICE = 8; // milliseconds of slow work at a time, so that drawing stays smooth

  const element = (id) => document.getElementById(id);

  let network = null;
  let image = null; // what the network got: 784 numbers, or null while there is no digit
  let outputs = null; // what its layers made of it

  /** The numbers before the last softmax, or the last ones if there is none. */
  function scoresOf(results) {
    const { layers } = network;
    const hasSoftmax = layers[layers.length - 1].activation === "softmax";
    return results[layers.length - (hasSoftmax && layers.length > 1 ? 2 : 1)];
  }

  function positions() {
    const all = [];
    for (let start = 0; start <= 28 - PATCH; start += STRIDE) all.push(start);
    if (all[all.length - 1] !== 28 - PATCH) all.push(28 - PATCH);
    return all;
  }

  let job = 0; // the number of the latest run; an older one that finds another stops
  let finished = 0; // the number of the latest run that came to its end

  /** Each pixel's mean fall of every score over the squares that covered it: [784][10]. */
  async function occlude(number) {
    const whole = Float64Array.from(scoresOf(outputs));
    const [falls, visits] = [new Float64Array(7840), new Float64Array(784)];
    let resume = performance.now() + SLICE;
    for (const top of positions()) {
      for (const left of positions()) {
        const copy = image.slice();
        let inked = false;
        const square = [];
        for (let y = top; y < top + PATCH; y++) {
          for (let x = left; x < left + PATCH; x++) {
            square.push(28 * y + x);
            inked ||= copy[28 * y + x] !== 0;
            copy[28 * y + x] = 0;
          }
        }
        // Background over background changes nothing, and need not be computed.
        const scores = inked ? scoresOf(Network.run(network, copy)) : whole;
        for (const pixel of square) {
          visits[pixel]++;
          for (let k = 0; k < 10; k++) falls[10 * pixel + k] += whole[k] - scores[k];
        }
        if (performance.now() > resume) {
          await new Promise((done) => setTimeout(done));
          if (number !== job) return null;
          resume = performance.now() + SLICE;
        }
      }
    }
    return falls.map((fall, n) => fall / visits[Math.floor(n / 10)]);
  }

  async function showEvidence(number) {
    const falls = await occlude(number);
    if (!falls) return;
    const scores = Array.from(scoresOf(outputs));
    const order = [...scores.keys()].sort((a, b) => scores[b] - scores[a]).slice(0, 2);
    const maps = order.map((k) => Float64Array.from({ length: 784 }, (_, n) => falls[10 * n + k]));
    const most = Math.max(...maps.map(size));
    maps.forEach((map, n) => {
      const id = n === 0 ? "live-first" : "live-second";
      paintEvidence(element(id), map, most);
      const strongest = map.indexOf(Math.max(...map));
      const words =
        `for a ${order[n]} (score ${written(scores[order[n]])}): covering row ` +
        `${Math.floor(strongest / 28) + 1}, column ${(strongest % 28) + 1} ` +
        `lowers it most, by ${written(map[strongest])}`;
      element(`${id}-words`).textContent = words;
      element(id).setAttribute("aria-label", `Evidence ${words}`);
    });
    element("live-against").textContent = written(-most);
    element("live-for").textContent = written(most, "+");
    finished = number;
  }

  /** The digit in light grey under the colours, which are the fainter the nearer to zero. */
  function paintEvidence(canvas, map, most) {
    const picture = new ImageData(28, 28);
    for (let n = 0; n < 784; n++) {
      const start = colour(map[n], most);
      const strength = 0.85 * Math.min(1, (1.5 * Math.abs(map[n])) / most);
      const paper = 255 - 110 * image[n];
      for (let part = 0; part < 3; part++) {
        picture.data[4 * n + part] = (1 - strength) * paper + strength * COLOURS[start + part];
      }
      picture.data[4 * n + 3] = 255;
    }
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  // --- what live.js calls -----------------------------------------------------------------------

  function use(next) {
    network = next;
    image = outputs = null;
    job++; // what is under way was about the other network
    clearTimeout(waiting);
  }

  let waiting = 0;

  /** Find the evidence in an image once the hand rests; null and null: there is none. */
  function show(nextImage, nextOutputs) {
    [image, outputs] = [nextImage, nextOutputs];
    job++;
    clearTimeout(waiting);
    element("live-evidence").classList.toggle("live-empty", !image);
    if (!image || !outputs[outputs.length - 1].every(Number.isFinite)) {
      finished = job;
      return;
    }
    waiting = setTimeout(() => showEvidence(job), REST);
  }

  return {
    use,
    show,
    occlude: () => occlude(job),
    get idle() {
      return finished === job;
    },
  };
})();
