"use strict";

// Two networks, the same digit: their probabilities and their strongest maps, side by side.
const Compare = (() => {
  const { COLOURS, colour, size, written } = Colours;

  const STRONGEST = 6; // maps of a convolution that are shown
  const SEED = 7; // of the untrained network: the same at every visit
  const CHOICES = [
    ["robust", "robust"],
    ["classic", "classic"],
    ["untrained", "untrained"],
    ["own", "your own"],
  ];

  const element = (id) => document.getElementById(id);
  const section = element("live-compare");

  const networks = { robust: null, classic: null, own: null };
  let image = null; // 784 numbers, or null while there is no digit
  let reading = null; // the network that reads the pad: the untrained one has its layers
  let spot = [0.5, 0.5]; // x and y of the place that is marked in every map, from 0 to 1
  let idle = true;

  // --- a network that has learned nothing -------------------------------------------------------

  /** Random numbers from 0 to 1: Tommy Ettinger's mulberry32. */
  function generator(seed) {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  /**
   * The same layers with random kernels, as before the first step of a training.
   *
   * Uniform from -limit to limit: before a ReLU √(6 / inputs) (He), elsewhere
   * √(6 / (inputs + outputs)) (Glorot, Keras' standard); the biases are 0.
   */
  function untrained({ name, layers }) {
    const rng = generator(SEED);
    const fresh = layers.map((layer, n) => {
      if (layer.type === "scale_shift") {
        return { ...layer, scale: layer.scale.map(() => 1), shift: layer.shift.map(() => 0) };
      }
      if (!layer.kernel) return layer;
      const filters = layer.bias.length;
      const inputs = layer.kernel.length / filters;
      const area = layer.window ? layer.window[0] * layer.window[1] : 1;
      const he = layers[n + 1]?.activation === "relu";
      const limit = Math.sqrt(6 / (he ? inputs : inputs + area * filters));
      const kernel = new Float32Array(layer.kernel.length);
      for (let w = 0; w < kernel.length; w++) kernel[w] = limit * (2 * rng() - 1);
      return { ...layer, kernel, bias: layer.bias.map(() => 0) };
    });
    return { name: `untrained ${name}`, note: "", accuracy: null, layers: fresh };
  }

  const beginners = new WeakMap();
  function beginner(network) {
    if (!beginners.has(network)) beginners.set(network, untrained(network));
    return beginners.get(network);
  }

  // --- which two --------------------------------------------------------------------------------

  const sides = ["left", "right"].map((name, n) => {
    const select = element(`live-${name}`);
    for (const [value, words] of CHOICES) select.add(new Option(words, value));
    select.querySelector("[value=own]").disabled = true;
    select.value = CHOICES[n][0];
    select.addEventListener("change", paint);
    return { name, select, words: element(`live-${name}-words`) };
  });

  let fetching = null;
  /** Chapter 0's network is fetched when somebody looks; a script, since files may not fetch. */
  function fetchClassic() {
    fetching ??= new Promise((done) => {
      const script = document.createElement("script");
      script.src = section.dataset.classic;
      script.onload = () => {
        networks.classic = NetworkFile.fromDescription(LIVE_CLASSIC);
        done();
      };
      script.onerror = () => {
        fetching = null; // the next choice tries again
        done();
      };
      document.head.append(script);
    });
    return fetching;
  }

  function chosen({ select }) {
    if (select.value === "untrained") return reading && beginner(reading);
    return networks[select.value];
  }

  // --- what is shown ----------------------------------------------------------------------------

  const bars = Array.from({ length: 10 }, (_, digit) => {
    const item = element("live-versus").appendChild(document.createElement("li"));
    const part = (name, parent = item) => {
      const span = parent.appendChild(document.createElement("span"));
      span.className = name;
      return span;
    };
    const [leftShare, leftTrack] = [part("live-share"), part("live-track live-leftwards")];
    part("live-label").textContent = digit;
    const [rightTrack, rightShare] = [part("live-track"), part("live-share")];
    const fills = [part("", leftTrack), part("", rightTrack)];
    return { item, fills, shares: [leftShare, rightShare] };
  });

  /** What a network says of the digit: probabilities, and its first and its last convolution. */
  function ask(network) {
    const outputs = Network.run(network, image);
    const probabilities = Pad.probabilitiesOf(outputs, network);
    if (!probabilities.every(Number.isFinite)) return null;
    const all = [...network.layers.keys()].filter((n) => network.layers[n].type === "conv2d");
    const convolutions = [all[0], all[all.length - 1]].map((n, place) =>
      n === undefined || (place === 1 && all.length === 1)
        ? null
        : strongest(outputs[n], network.layers[n]),
    );
    const [first, second] = Pad.ranked(probabilities);
    return { probabilities, convolutions, first, second };
  }

  /** A convolution's maps, after the ReLU's manner: the one with the largest number comes first. */
  function strongest(numbers, { name, shape }) {
    const [height, width, filters] = shape;
    const peaks = new Float64Array(filters).fill(-Infinity);
    for (let n = 0; n < numbers.length; n++) {
      if (numbers[n] > peaks[n % filters]) peaks[n % filters] = numbers[n];
    }
    const order = [...peaks.keys()].sort((a, b) => peaks[b] - peaks[a]).slice(0, STRONGEST);
    return { name, numbers, height, width, filters, order, most: size(numbers) };
  }

  function paintMap(canvas, { numbers, height, width, filters, most }, map) {
    Object.assign(canvas, { width, height });
    const picture = new ImageData(width, height);
    for (let n = 0; n < width * height; n++) {
      const start = colour(numbers[n * filters + map], most);
      picture.data.set(COLOURS.subarray(start, start + 3), 4 * n);
      picture.data[4 * n + 3] = 255;
    }
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  const places = ["first", "last"];
  let answers = [null, null]; // of the two networks

  function paintMaps(name, answer) {
    places.forEach((place, n) => {
      const row = element(`live-${name}-${place}`);
      const layer = answer?.convolutions[n] ?? null;
      const [caption, tiles] = row.children;
      const count = layer ? layer.order.length : 0;
      while (tiles.children.length > count) tiles.lastChild.remove();
      while (tiles.children.length < count) {
        const tile = tiles.appendChild(document.createElement("span"));
        tile.className = "live-tile";
        tile.append(document.createElement("canvas"));
      }
      layer?.order.forEach((map, t) => {
        tiles.children[t].title = `map ${map + 1}`;
        paintMap(tiles.children[t].firstChild, layer, map);
      });
      const none = n === 0 ? "no convolution" : "no second convolution";
      caption.textContent = layer
        ? `${place} convolution: the strongest ${layer.order.length} of ${layer.filters} maps, ` +
          `${layer.height}\u00a0×\u00a0${layer.width}`
        : answer
          ? none
          : "";
    });
  }

  function paint() {
    idle = true;
    section.classList.toggle("live-empty-digit", image === null);
    const used = sides.map(chosen);
    if (sides.some(({ select }) => select.value === "classic") && !networks.classic) {
      idle = false;
      fetchClassic().then(() => {
        if (networks.classic) return paint();
        idle = true;
        const side = sides.find(({ select }) => select.value === "classic");
        side.words.textContent = "The classic network could not be fetched. Choose it again.";
      });
    }
    answers = used.map((network) => (network && image ? ask(network) : null));
    sides.forEach(({ name, words }, n) => {
      const [network, answer] = [used[n], answers[n]];
      words.textContent = network ? sentence(network, answer) : "Fetching it (0.4 MB) …";
      paintMaps(name, answer);
    });
    bars.forEach(({ item, fills, shares }, digit) => {
      fills.forEach((fill, n) => {
        const share = answers[n]?.probabilities[digit];
        fill.style.transform = `scaleX(${Pad.clamp(share ?? 0, 0, 1)})`;
        shares[n].textContent = share === undefined ? "" : Pad.percent(share);
        fill.parentElement.classList.toggle("live-ahead", answers[n]?.first === digit);
      });
      item.classList.toggle("live-winner", answers.some((answer) => answer?.first === digit));
    });
    element("live-versus-words").textContent = verdict();
    explainSpot();
  }

  function sentence({ accuracy }, answer) {
    const known = accuracy === null ? "" : ` Right on ${Pad.percent(accuracy)} of its test digits.`;
    if (!image) return `Draw a digit.${known}`;
    if (!answer) return "Its answer is not a number: some of its weights are too large.";
    const { probabilities, first } = answer;
    return `Reads ${Pad.named(first)} (${Pad.percent(probabilities[first])}).${known}`;
  }

  function verdict() {
    if (!answers[0] || !answers[1]) return "";
    const [left, right] = answers.map(({ first }) => Pad.named(first));
    if (left === right) return `Both read ${left}.`;
    return `They disagree: ${left} on the left, ${right} on the right.`;
  }

  // --- the same place in all maps ---------------------------------------------------------------

  const maps = element("live-compare-maps");

  function mark(x, y) {
    spot = [Pad.clamp(x, 0, 1), Pad.clamp(y, 0, 1)];
    maps.style.setProperty("--x", spot[0]);
    maps.style.setProperty("--y", spot[1]);
    explainSpot();
  }

  function valueAt({ numbers, height, width, filters, order }) {
    const y = Math.min(Math.floor(spot[1] * height), height - 1);
    const x = Math.min(Math.floor(spot[0] * width), width - 1);
    return numbers[(y * width + x) * filters + order[0]];
  }

  function explainSpot() {
    const found = answers.map((answer) => answer?.convolutions[0]);
    const [x, y] = spot.map((part) => Math.min(Math.floor(28 * part), 27) + 1);
    element("live-spot-words").textContent =
      found[0] && found[1]
        ? `Marked: the surroundings of row ${y}, column ${x}. There the first convolution’s ` +
          `strongest map is ${written(valueAt(found[0]))} on the left and ` +
          `${written(valueAt(found[1]))} on the right.`
        : "";
  }

  for (const name of ["pointerdown", "pointermove"]) {
    maps.addEventListener(name, (event) => {
      const tile = event.target.closest(".live-tile");
      if (!tile) return;
      const box = tile.getBoundingClientRect();
      mark((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    });
  }
  maps.addEventListener("keydown", (event) => {
    const move = Pad.ARROWS[event.key];
    if (!move) return;
    event.preventDefault();
    mark(spot[0] + move[0] / 28, spot[1] + move[1] / 28);
  });
  // Spoken while somebody reads the maps with the keyboard, and silent while somebody draws.
  for (const [event, how] of [
    ["focus", "polite"],
    ["blur", "off"],
  ]) {
    maps.addEventListener(event, () => {
      element("live-spot-words").setAttribute("aria-live", how);
    });
  }
  for (const [event, how] of [
    ["focusin", "polite"],
    ["focusout", "off"],
  ]) {
    element("live-heads").addEventListener(event, () => {
      element("live-versus-words").setAttribute("aria-live", how);
    });
  }

  // --- what live.js calls -----------------------------------------------------------------------

  /** A network that the page has: first the course's own, later the reader's. */
  function use(next) {
    reading = next;
    if (!networks.robust) networks.robust = next;
    if (next === networks.robust) return;
    networks.own = next;
    for (const { select } of sides) {
      const option = select.querySelector("[value=own]");
      Object.assign(option, { disabled: false, text: `your own: ${next.name}` });
    }
    sides[1].select.value = "own";
  }

  /** The digit that both look at, or null. */
  function show(nextImage) {
    image = nextImage;
    paint();
  }

  return {
    use,
    show,
    untrained,
    get idle() {
      return idle;
    },
    get answers() {
      return answers;
    },
  };
})();
