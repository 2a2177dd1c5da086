"use strict";

// Reads a network that mnist_lib.export.to_web wrote. A file may come from anywhere, so it is
// parsed as data and never executed, and every number is checked before anything is computed.
const NetworkFile = (() => {
  // The same as in mnist_lib/export.py; a test compares them.
  const MAX_BYTES = 16777216;
  const MAX_LAYERS = 100;
  const MAX_WINDOW = 28;
  const MAX_WORK = 100000000;
  const FETCH = 8;
  const MAX_OUTPUTS = 1000000;
  const MAX_TEXT = 200;

  const FORMAT = "mnist_lib network";
  const VERSION = 1;
  const MAX_SIDE = 100000; // no stride and no number of filters of a real network is larger
  // Base64 has none of these characters, so that a real file has few of them; a million objects,
  // keys or escapes would take long to read. Names may have some.
  const MAX_BRACKETS = 20 * MAX_LAYERS;
  const MAX_MARKS = 1000 * MAX_LAYERS;
  const HOW = "Write it with mnist_lib.export.to_web.";

  /** What is wrong with a file, in words for the reader. */
  class NetworkFileError extends Error {}

  function demand(condition, message) {
    if (!condition) throw new NetworkFileError(message);
  }

  /** A name or a note as one short line: no control characters, none that turns the writing round. */
  function line(value, otherwise) {
    if (typeof value !== "string") return otherwise;
    return (
      value
        .slice(0, MAX_TEXT)
        .replace(/\p{C}+/gu, " ")
        .trim() || otherwise
    );
  }

  function whole(value, smallest, largest, what) {
    demand(
      Number.isInteger(value) && value >= smallest && value <= largest,
      `${what} must be a whole number from ${smallest} to ${largest}.`,
    );
    return value;
  }

  function pair(value, largest, what) {
    demand(Array.isArray(value) && value.length === 2, `${what} must be two numbers.`);
    return value.map((number) => whole(number, 1, largest, what));
  }

  function sameShape(value, shape) {
    const fits = Array.isArray(value) && value.length === shape.length;
    return fits && value.every((side, axis) => side === shape[axis]);
  }

  function product(numbers) {
    return numbers.reduce((a, b) => a * b, 1);
  }

  function bytes(text, expected, what) {
    demand(typeof text === "string", `${what} has no data.`);
    // Four characters of base64 are three bytes: the length is known before anything is unpacked.
    demand(
      Math.abs((text.length * 3) / 4 - expected) <= 4,
      `${what} should have ${expected} bytes of data, but has about ` +
        `${Math.floor((text.length * 3) / 4)}.`,
    );
    let binary;
    try {
      binary = atob(text);
    } catch {
      demand(false, `${what} is not base64.`);
    }
    const found = binary.length;
    demand(found === expected, `${what} should have ${expected} bytes of data, but has ${found}.`);
    const result = new Uint8Array(found);
    for (let n = 0; n < found; n++) result[n] = binary.charCodeAt(n);
    return new DataView(result.buffer);
  }

  /** IEEE 754 half precision: 1 bit of sign, 5 of exponent, 10 of fraction. */
  function half(bits) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }

  const HALVES = Float32Array.from({ length: 65536 }, (_, bits) => half(bits));
  const BYTES = new Map([
    ["float32", 4],
    ["float16", 2],
    ["int8", 1],
  ]);

  function numbers(text, dtype, count, what) {
    const view = bytes(text, count * BYTES.get(dtype), what);
    const result = new Float32Array(count);
    // A loop for each type: a large network has millions of numbers.
    if (dtype === "float32") {
      for (let n = 0; n < count; n++) result[n] = view.getFloat32(4 * n, true);
    } else if (dtype === "float16") {
      for (let n = 0; n < count; n++) result[n] = HALVES[view.getUint16(2 * n, true)];
    } else {
      for (let n = 0; n < count; n++) result[n] = view.getInt8(n);
    }
    demandFinite(result, what);
    return result;
  }

  function demandFinite(result, what) {
    let sum = 0;
    for (let n = 0; n < result.length; n++) sum += 0 * result[n]; // 0 × ∞ and 0 × NaN are NaN
    demand(sum === 0, `${what} holds a number that is not finite.`);
  }

  /** An array of exactly the expected shape; `scales`, if there are any, are multiplied in. */
  function array(value, shape, what) {
    demand(value !== null && typeof value === "object", `${what} is missing.`);
    demand(
      sameShape(value.shape, shape),
      `${what} should have the shape [${shape}].`,
    );
    demand(BYTES.has(value.dtype), `${what} must be of float32, float16 or int8.`);
    const count = product(shape);
    const result = numbers(value.data, value.dtype, count, what);
    if (value.scales !== undefined) {
      const channels = shape[shape.length - 1];
      const scales = numbers(value.scales, "float32", channels, `${what}: its list of scales`);
      for (let start = 0; start < count; start += channels) {
        for (let c = 0; c < channels; c++) result[start + c] *= scales[c];
      }
      demandFinite(result, what);
    }
    return result;
  }

  /**
   * Complete one layer: its shapes and arrays. Returns its multiply-adds beside it, and the work.
   *
   * Work counts what a layer costs before anything is computed, in multiplications; to fetch a
   * number and to find its place takes about as long as FETCH of them.
   */
  function complete(given, number, inputShape) {
    demand(given !== null && typeof given === "object", `Layer ${number} is not a description.`);
    const name = line(given.name, `layer ${number}`);
    const what = `Layer ${number} (${name})`;
    const layer = { type: given.type, name, inputShape, shape: inputShape };
    const channels = inputShape[inputShape.length - 1];
    const needsImage = () =>
      demand(inputShape.length === 3, `${what} needs images, but gets a list of numbers.`);
    let [multiplyAdds, work] = [0, 0];

    /** Each number of `fetched` takes part in `used` sums. */
    function addWork(fetched, used) {
      work = fetched * (used + FETCH);
      demand(
        work <= MAX_WORK,
        `${what} takes as long as ${work} multiplications: too many. Use fewer or narrower layers.`,
      );
    }

    function addWindow(filters) {
      needsImage();
      layer.window = pair(given.window, MAX_WINDOW, `${what}: the window`);
      layer.strides = pair(given.strides, MAX_SIDE, `${what}: the strides`);
      layer.padding = given.padding;
      demand(
        layer.padding === "valid" || layer.padding === "same",
        `${what}: the padding must be "valid" or "same".`,
      );
      const [rows, columns] = [0, 1].map((axis) => {
        const [size, window] = [inputShape[axis], layer.window[axis]];
        demand(
          layer.padding === "same" || window <= size,
          `${what}: its window of ${window} does not fit into ${size} pixels.`,
        );
        return Network.places(size, window, layer.strides[axis], layer.padding).count;
      });
      layer.shape = [rows, columns, filters];
    }

    switch (given.type) {
      case "conv2d": {
        const filters = whole(given.kernel?.shape?.[3], 1, MAX_SIDE, `${what}: its filters`);
        addWindow(filters);
        const shape = [...layer.window, channels, filters];
        multiplyAdds = layer.shape[0] * layer.shape[1] * product(shape);
        addWork(multiplyAdds / filters, filters);
        layer.kernel = array(given.kernel, shape, `${what}: its kernel`);
        layer.bias = array(given.bias, [filters], `${what}: its bias`);
        break;
      }
      case "dense": {
        demand(inputShape.length === 1, `${what} needs a list of numbers, but gets images.`);
        const units = whole(given.kernel?.shape?.[1], 1, MAX_SIDE, `${what}: its units`);
        multiplyAdds = channels * units;
        addWork(channels, units);
        layer.kernel = array(given.kernel, [channels, units], `${what}: its kernel`);
        layer.bias = array(given.bias, [units], `${what}: its bias`);
        layer.shape = [units];
        break;
      }
      case "max_pool2d":
      case "average_pool2d":
        addWindow(channels);
        addWork(layer.shape[0] * layer.shape[1] * product(layer.window), channels);
        break;
      case "global_average_pool2d":
        needsImage();
        layer.shape = [channels];
        addWork(inputShape[0] * inputShape[1], channels);
        break;
      case "flatten":
        layer.shape = [product(inputShape)];
        break;
      case "scale_shift":
        layer.scale = array(given.scale, [channels], `${what}: its scale`);
        layer.shift = array(given.shift, [channels], `${what}: its shift`);
        break;
      case "activation":
        demand(
          ["relu", "sigmoid", "softmax", "tanh"].includes(given.activation),
          `${what} has an activation that this page does not know.`,
        );
        layer.activation = given.activation;
        break;
      default:
        demand(false, `${what} is of a type that this page does not know.`);
    }
    return { layer, multiplyAdds, work };
  }

  /** A network from its description: checked, with shapes and arrays in place. */
  function fromDescription(given) {
    demand(
      given !== null && typeof given === "object" && given.format === FORMAT,
      `This file does not describe a network for this page. ${HOW}`,
    );
    demand(
      given.version === VERSION,
      `This file is of another version of the format; this page reads version ${VERSION}. ${HOW}`,
    );
    demand(sameShape(given.input, [28, 28, 1]), "The network must take images of 28 × 28 × 1.");
    demand(Array.isArray(given.layers), "The file has no list of layers.");
    whole(given.layers.length, 1, MAX_LAYERS, "The number of layers");
    const layers = [];
    let shape = [28, 28, 1];
    const total = { multiplyAdds: 0, work: 0, outputs: 0 };
    given.layers.forEach((description, n) => {
      const { layer, multiplyAdds, work } = complete(description, n + 1, shape);
      layers.push(layer);
      shape = layer.shape;
      total.multiplyAdds += multiplyAdds;
      total.work += work;
      total.outputs += product(shape);
      demand(
        total.work <= MAX_WORK,
        `The network takes as long as ${total.work} multiplications an image; this page accepts ` +
          `at most ${MAX_WORK}. Use fewer or narrower layers.`,
      );
      demand(
        total.outputs <= MAX_OUTPUTS,
        `The layers of the network have more than ${MAX_OUTPUTS} outputs an image: too many. ` +
          "Use fewer channels.",
      );
    });
    demand(sameShape(shape, [10]), "The network must end in ten numbers, one for each digit.");
    const share = given.accuracy;
    return {
      name: line(given.name, "network without a name"),
      note: line(given.note, ""),
      accuracy: typeof share === "number" && share >= 0 && share <= 1 ? share : null,
      multiplyAdds: total.multiplyAdds,
      layers,
    };
  }

  /** How often characters occur in a text; counts no further than `most`. */
  function occurrences(text, characters, most) {
    let count = 0;
    for (const character of characters) {
      let at = text.indexOf(character);
      for (; at >= 0 && count <= most; at = text.indexOf(character, at + 1)) count++;
    }
    return count;
  }

  /** What a file's text describes; nothing in it is checked yet. */
  function parse(text) {
    demand(
      text.length <= MAX_BYTES,
      `The file is larger than ${MAX_BYTES / 2 ** 20} MB, more than this page reads. ` +
        'Write the network with dtype="float16" or "int8", or use a smaller one.',
    );
    demand(
      occurrences(text, "[{", MAX_BRACKETS) <= MAX_BRACKETS &&
        occurrences(text, ",:\\", MAX_MARKS) <= MAX_MARKS,
      `This file has more parts than any network of this course. ${HOW}`,
    );
    try {
      return JSON.parse(text);
    } catch {
      demand(false, `This file is damaged or not JSON. ${HOW}`);
    }
  }

  function fromText(text) {
    return fromDescription(parse(text));
  }

  return { MAX_BYTES, NetworkFileError, parse, fromDescription, fromText };
})();
