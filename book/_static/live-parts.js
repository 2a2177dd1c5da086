"use strict";

// What adds up to a number: the columns of a network, what each of them gets from the one before,
// and the step from ten scores to ten probabilities. No page is needed for any of it. And when slow
// work begins: once the hand rests.
const Parts = (() => {
  const MOST_PRODUCTS = 1000000; // of one map's sums; a larger map is looked at in every nth place

  /** A timer for work that waits until nothing has changed for so many milliseconds. */
  function whenResting(work, rest = 250) {
    let timer = 0; // 0: none runs
    function stop() {
      clearTimeout(timer);
      timer = 0;
    }
    function start() {
      stop();
      timer = setTimeout(() => {
        timer = 0;
        work();
      }, rest);
    }
    return {
      start,
      stop,
      get isWaiting() {
        return timer !== 0;
      },
    };
  }

  /** Between the two sides of a window: an output's window, and the outputs of an input. */
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

  /** Which layer gives the ten scores, and how they become probabilities. */
  function ending({ layers }) {
    const last = layers.length - 1;
    const how = layers[last].activation;
    const apart = last > 0 && (how === "softmax" || how === "sigmoid");
    return { scores: apart ? last - 1 : last, how: how === "sigmoid" ? "sigmoid" : "softmax" };
  }

  /** Ten scores, divided by a temperature, as probabilities; beside them the powers of e. */
  function probabilities(scores, how, temperature = 1) {
    const warmed = Array.from(scores, (score) => score / temperature);
    const largest = Math.max(...warmed);
    if (how === "sigmoid") {
      const powers = warmed.map((score) => Math.exp(-score));
      return { powers, total: NaN, shares: powers.map((power) => 1 / (1 + power)) };
    }
    const powers = warmed.map((score) => Math.exp(score - largest));
    const total = powers.reduce((a, b) => a + b);
    return { powers, total, shares: powers.map((power) => power / total) };
  }

  /** Where the numbers with the largest amounts stand, the largest first. */
  function largest(numbers, count) {
    const found = [];
    for (let n = 0; n < numbers.length; n++) {
      const amount = Math.abs(numbers[n]);
      if (found.length === count && amount <= Math.abs(numbers[found[count - 1]])) continue;
      let place = found.length;
      while (place > 0 && Math.abs(numbers[found[place - 1]]) < amount) place--;
      found.splice(place, 0, n);
      if (found.length > count) found.pop();
    }
    return found;
  }

  // --- columns ----------------------------------------------------------------------------------

  const KINDS = {
    conv2d: "convolution",
    max_pool2d: "pooling",
    average_pool2d: "pooling",
    global_average_pool2d: "mean",
    flatten: "flatten",
    dense: "dense",
  };

  /**
   * The network as columns. An activation, or a scale and shift, belongs to the column before it.
   * `layer` is the index of a column's own layer and `ends` that of the last that belongs to it.
   */
  function columnsOf(network) {
    const { scores } = ending(network);
    const input = { kind: "input", name: "input", layer: -1, ends: -1, shape: [28, 28, 1], then: [] };
    const columns = [input];
    network.layers.slice(0, scores + 1).forEach((layer, n) => {
      if (!KINDS[layer.type]) {
        const before = columns[columns.length - 1];
        before.ends = n;
        before.then.push(layer.activation ?? "scale");
        return;
      }
      const { name, shape } = layer;
      columns.push({ kind: KINDS[layer.type], name, layer: n, ends: n, shape, then: [] });
    });
    const last = columns[columns.length - 1];
    Object.assign(last, { isScores: true, name: "scores" });
    columns.push({ kind: "probabilities", name: "probabilities", shape: [10], then: [] });
    columns.forEach((column, n) => {
      column.index = n;
      column.isImage = column.shape.length === 3;
      // The numbers of a flatten are those of the maps before it: one picture shows them all.
      const single = column.kind === "flatten" && !column.isScores;
      column.count = single ? 1 : column.shape[column.shape.length - 1];
      column.source = n - 1 - (columns[n - 1]?.count === 1 && columns[n - 1].kind === "flatten");
    });
    return columns;
  }

  /** The numbers that a column shows: maps before their activation, units and scores after it. */
  function numbersOf(column, image, outputs) {
    const index = column.isImage ? column.layer : column.ends;
    return index < 0 ? image : outputs[index];
  }

  /**
   * What each item of the column before adds to one item: `net` is the sum over all places, `size`
   * the sum of its amounts, which says how much it moves the item either way.
   */
  function partsOf(network, columns, index, item, image, outputs) {
    const column = columns[index];
    const source = columns[column.source];
    const net = new Float64Array(source.count);
    const size = new Float64Array(source.count);
    const add = (n, part) => {
      net[n] += part;
      size[n] += Math.abs(part);
    };
    if (column.kind === "probabilities") {
      const { scores, how } = ending(network);
      const { shares } = probabilities(outputs[scores], how);
      // A score raises its own probability and lowers the others, unless each stands alone.
      shares.forEach((share, k) => {
        if (k === item || how === "softmax") add(k, k === item ? share : -share);
      });
      return { net, size };
    }
    const layer = network.layers[column.layer];
    const into = column.layer === 0 ? image : outputs[column.layer - 1];
    const channels = layer.inputShape[layer.inputShape.length - 1];
    switch (column.kind) {
      case "convolution":
        addConvolution(add, layer, into, item);
        break;
      case "dense":
        for (let n = 0; n < into.length; n++) {
          add(source.isImage ? n % source.count : n, into[n] * layer.kernel[n * layer.shape[0] + item]);
        }
        break;
      case "flatten":
        if (column.isScores) add(item % source.count, into[item]);
        else for (let n = 0; n < into.length; n++) add(n % channels, into[n]);
        break;
      default: // pooling leaves every map to itself
        add(item, 1);
    }
    return { net, size };
  }

  function addConvolution(add, layer, into, map) {
    const [height, width, channels] = layer.inputShape;
    const [rows, columns, filters] = layer.shape;
    const { kernel, window } = layer;
    const { start } = windowOf(layer);
    const products = rows * columns * window[0] * window[1] * channels;
    const step = Math.ceil(Math.sqrt(Math.max(1, products / MOST_PRODUCTS)));
    const sums = new Float64Array(channels);
    for (let y = 0; y < rows; y += step) {
      for (let x = 0; x < columns; x += step) {
        sums.fill(0);
        const [top, left] = start(y, x);
        for (let i = Math.max(-top, 0); i < Math.min(window[0], height - top); i++) {
          for (let j = Math.max(-left, 0); j < Math.min(window[1], width - left); j++) {
            const pixel = ((top + i) * width + left + j) * channels;
            const weight = (i * window[1] + j) * channels;
            for (let c = 0; c < channels; c++) {
              sums[c] += into[pixel + c] * kernel[(weight + c) * filters + map];
            }
          }
        }
        for (let c = 0; c < channels; c++) add(c, sums[c]);
      }
    }
  }

  /** Where the nth number of a dense layer's input lies, in words. */
  function placeOf(columns, index, n) {
    const source = columns[columns[index].source];
    if (!source.isImage) return source.kind === "mean" ? `mean of map ${n + 1}` : `unit ${n + 1}`;
    const [, width, channels] = source.shape;
    const place = Math.floor(n / channels);
    const where = `row ${Math.floor(place / width) + 1}, column ${(place % width) + 1}`;
    return channels === 1 ? where : `map ${(n % channels) + 1}, ${where}`;
  }

  return {
    whenResting, windowOf, ending, largest, probabilities, columnsOf, numbersOf, partsOf, placeOf,
  };
})();
