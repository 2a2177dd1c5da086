"use strict";

// The evidence for one digit and not another, by occlusion: what a score loses when a square covers
// the ink, and what the lead of one score over the other loses.
const Evidence = (() => {
  const { COLOURS, colour, size, written } = Colours;

  const PATCH = 5; // side of the square that covers, as in chapter 6
  const STRIDE = 2;
  const SLICE = 8; // milliseconds of slow work at a time, so that drawing stays smooth

  const element = (id) => document.getElementById(id);

  let network = null;
  let image = null; // what the network got: 784 numbers, or null while there is no digit
  let outputs = null; // what its layers made of it
  let falls = null; // of every score: [784][10]; null until they are found
  let rivals = []; // the two digits that are compared
  let lead = null; // what the lead of the first over the second loses, for each pixel

  /** The ten scores, before they become probabilities. */
  const scoresOf = (results) => results[Parts.ending(network).scores];

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
    const [sums, visits] = [new Float64Array(7840), new Float64Array(784)];
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
          for (let k = 0; k < 10; k++) sums[10 * pixel + k] += whole[k] - scores[k];
        }
        if (performance.now() > resume) {
          await new Promise((done) => setTimeout(done));
          if (number !== job) return null;
          resume = performance.now() + SLICE;
        }
      }
    }
    return sums.map((sum, n) => sum / visits[Math.floor(n / 10)]);
  }

  async function findEvidence(number) {
    const found = await occlude(number);
    if (!found) return;
    falls = found;
    showEvidence();
    finished = number;
  }

  // --- the two digits ---------------------------------------------------------------------------

  const choices = [element("live-this"), element("live-that")];
  choices.forEach((choice, n) => {
    for (const digit of ["", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) choice.add(new Option(digit, digit));
    choice.addEventListener("change", () => falls && showEvidence());
    // Spoken while somebody chooses, and silent while somebody draws.
    choice.addEventListener("focus", () => speak("polite"));
    choice.addEventListener("blur", () => speak("off"));
    choice.options[0].text = ["what it reads", "the runner-up"][n];
  });

  function speak(how) {
    element("live-lead-words").setAttribute("aria-live", how);
  }

  /** The chosen digits; where nobody chose, the highest score that is not the other choice. */
  function chosen(scores) {
    const order = Pad.ranked(scores);
    const wanted = choices.map(({ value }) => (value === "" ? null : Number(value)));
    const first = wanted[0] ?? order.find((digit) => digit !== wanted[1]);
    return [first, wanted[1] ?? order.find((digit) => digit !== first)];
  }

  function place(pixel) {
    return `row ${Math.floor(pixel / 28) + 1}, column ${(pixel % 28) + 1}`;
  }

  function showEvidence() {
    const scores = Array.from(scoresOf(outputs));
    rivals = chosen(scores);
    const [one, other] = rivals.map(Pad.named);
    choices.forEach((choice, n) => {
      const automatic = ["what it reads", "the runner-up"][n];
      const shown = choice.value === "" ? `: ${rivals[n]}` : "";
      choice.options[0].text = automatic + shown;
      for (const option of choice.options) option.disabled = option.value === choices[1 - n].value;
      choice.options[0].disabled = false;
    });
    const maps = rivals.map((k) => Float64Array.from({ length: 784 }, (_, n) => falls[10 * n + k]));
    lead = maps[0].map((fall, n) => fall - maps[1][n]);
    const most = Math.max(...[...maps, lead].map(size));
    ["live-first", "live-second"].forEach((id, n) => {
      paintEvidence(element(id), maps[n], most);
      const strongest = maps[n].indexOf(Math.max(...maps[n]));
      const words =
        `for ${[one, other][n]} (score ${written(scores[rivals[n]])}): covering ` +
        `${place(strongest)} lowers it most, by ${written(maps[n][strongest])}`;
      element(`${id}-words`).textContent = words;
      element(id).setAttribute("aria-label", `Evidence ${words}`);
    });
    paintEvidence(element("live-lead"), lead, most);
    element("live-lead-name").textContent = `${rivals[0]} minus ${rivals[1]}`;
    const ahead = scores[rivals[0]] - scores[rivals[1]];
    const [mostFor, mostAgainst] = [Math.max(...lead), Math.min(...lead)];
    const against =
      mostAgainst < 0
        ? `The ink around ${place(lead.indexOf(mostAgainst))} speaks most for ${other}: covering ` +
          `it adds ${written(-mostAgainst)}.`
        : `No ink speaks for ${other}.`;
    const words =
      `${one} ${ahead < 0 ? "is behind" : "leads"} ${other} by ${written(Math.abs(ahead))}. ` +
      `The ink around ${place(lead.indexOf(mostFor))} speaks most for ${one}: covering it takes ` +
      `${written(mostFor)} from the lead. ${against}`;
    element("live-lead-words").textContent = words[0].toUpperCase() + words.slice(1);
    element("live-lead").setAttribute("aria-label", `Evidence for ${one} and not ${other}`);
    element("live-against").textContent = `${other}: ${written(-most)}`;
    element("live-for").textContent = `${written(most, "+")}: ${one}`;
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
    image = outputs = falls = null;
    job++; // what is under way was about the other network
    waiting.stop();
  }

  const waiting = Parts.whenResting(() => findEvidence(job));

  /** Find the evidence in an image once the hand rests; null and null: there is none. */
  function show(nextImage, nextOutputs) {
    [image, outputs] = [nextImage, nextOutputs];
    job++;
    falls = null;
    waiting.stop();
    element("live-evidence").classList.toggle("live-empty", !image);
    if (!image || !outputs[outputs.length - 1].every(Number.isFinite)) {
      finished = job;
      return;
    }
    waiting.start();
  }

  return {
    use,
    show,
    occlude: () => occlude(job),
    /** For tests and for the curious at the console. */
    get state() {
      return { rivals, lead };
    },
    get idle() {
      return finished === job;
    },
  };
})();
