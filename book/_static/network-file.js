"use strict";

// Reads a network that mnist_lib.export.to_web wrote. A file may come from anywhere, so it is
// parsed as data and never executed, and every number is checked before anything is computed.
const NetworkFile = (() => {
  // The same as in mnist_lib/export.py; a test compares them.
  const MAX_BYTES = 33554432;
  const MAX_LAYERS = 100;
  const MAX_MULTIPLY_ADDS = 100000000;
  const MAX_OUTPUTS = 500000;
  const MAX_TEXT = 200;

  const FORMAT = "mnist_lib network";
  const VERSION = 1;
  const MAX_SIDE = 100000; // no length, window or stride of a real network is larger
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

  function pair(value, what) {
    demand(Array.isArray(value) && value.length === 2, `${what} must be two numbers.`);
    return value.map((number) => whole(number, 1, MAX_SIDE, what));
  }

  function bytes(text, what) {
    demand(typeof text === "string", `${what} has no data.`);
    let binary;
    try {
      binary = atob(text);
    } catch {
      demand(false, `${what} is not base64.`);
    }
    const result = new Uint8Array(binary.length);
    for (let n = 0; n < binary.length; n++) result[n] = binary.charCodeAt(n);
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

  const READERS = new Map([
    ["float32", [4, (view, at) => view.getFloat32(at, true)]],
    ["float16", [2, (view, at) => half(view.getUint16(at, true))]],
    ["int8", [1, (view, at) => view.getInt8(at)]],
  ]);

  function numbers(text, dtype, count, what) {
    const [size, read] = READERS.get(dtype);
    const view = bytes(text, what);
    demand(
      view.byteLength === count * size,
      `${what} should hold ${count} numbers of ${size} bytes, but has ${view.byteLength} bytes.`,
    );
    const result = Float32Array.from({ length: count }, (_, n) => read(view, n * size));
    demand(result.every(Number.isFinite), `${what} holds a number that is not finite.`);
    return result;
  }

  /** An array of exactly the expected shape; `scales`, if there are any, are multiplied in. */
  function array(value, shape, what) {
    demand(value !== null && typeof value === "object", `${what} is missing.`);
    demand(
      Array.isArray(value.shape) && String(value.shape) === String(shape),
      `${what} should have the shape [${shape}].`,
    );
    demand(READERS.has(value.dtype), `${what} must be of float32, float16 or int8.`);
    const count = shape.reduce((a, b) => a * b);
    const result = numbers(value.data, value.dtype, count, what);
    if (value.scales !== undefined) {
      const channels = shape[shape.length - 1];
      const scales = numbers(value.scales, "float32", channels, `${what}: its list of scales`);
      for (let n = 0; n < count; n++) result[n] *= scales[n % channels];
      demand(result.every(Number.isFinite), `${what} holds a number that is not finite.`);
    }
    return result;
  }

  /** Complete one layer: its shapes and arrays. Returns its multiply-adds beside it. */
  function complete(given, number, inputShape) {
    demand(given !== null && typeof given === "object", `Layer ${number} is not a description.`);
    const name = line(given.name, `layer ${number}`);
    const what = `Layer ${number} (${name})`;
    const layer = { type: given.type, name, inputShape, shape: inputShape };
    const channels = inputShape[inputShape.length - 1];
    const needsImage = () =>
      demand(inputShape.length === 3, `${what} needs images, but gets a list of numbers.`);
    let work = 0;

    function addWindow(filters) {
      needsImage();
      layer.window = pair(given.window, `${what}: the window`);
      layer.strides = pair(given.strides, `${what}: the strides`);
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
        work = layer.shape[0] * layer.shape[1] * shape.reduce((a, b) => a * b);
        demand(work <= MAX_MULTIPLY_ADDS, `${what} takes ${work} multiplications: too many.`);
        layer.kernel = array(given.kernel, shape, `${what}: its kernel`);
        layer.bias = array(given.bias, [filters], `${what}: its bias`);
        break;
      }
      case "dense": {
        demand(inputShape.length === 1, `${what} needs a list of numbers, but gets images.`);
        const units = whole(given.kernel?.shape?.[1], 1, MAX_SIDE, `${what}: its units`);
        work = channels * units;
        demand(work <= MAX_MULTIPLY_ADDS, `${what} takes ${work} multiplications: too many.`);
        layer.kernel = array(given.kernel, [channels, units], `${what}: its kernel`);
        layer.bias = array(given.bias, [units], `${what}: its bias`);
        layer.shape = [units];
        break;
      }
      case "max_pool2d":
      case "average_pool2d":
        addWindow(channels);
        work = layer.shape.reduce((a, b) => a * b) * layer.window[0] * layer.window[1];
        break;
      case "global_average_pool2d":
        needsImage();
        layer.shape = [channels];
        break;
      case "flatten":
        layer.shape = [inputShape.reduce((a, b) => a * b)];
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
    demand(layer.shape.reduce((a, b) => a * b) <= MAX_OUTPUTS, `${what} has too many outputs.`);
    return { layer, work };
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
    demand(String(given.input) === "28,28,1", "The network must take images of 28 × 28 × 1.");
    demand(Array.isArray(given.layers), "The file has no list of layers.");
    whole(given.layers.length, 1, MAX_LAYERS, "The number of layers");
    const layers = [];
    let shape = [28, 28, 1];
    let total = 0;
    given.layers.forEach((description, n) => {
      const { layer, work } = complete(description, n + 1, shape);
      layers.push(layer);
      shape = layer.shape;
      total += work;
      demand(
        total <= MAX_MULTIPLY_ADDS,
        `The network takes more than ${MAX_MULTIPLY_ADDS} multiplications an image: too many.`,
      );
    });
    demand(String(shape) === "10", "The network must end in ten numbers, one for each digit.");
    const share = given.accuracy;
    return {
      name: line(given.name, "network without a name"),
      note: line(given.note, ""),
      accuracy: typeof share === "number" && share >= 0 && share <= 1 ? share : null,
      multiplyAdds: total,
      layers,
    };
  }

  function fromText(text) {
    demand(text.length <= MAX_BYTES, "The file is larger than 32 MB, more than this page reads.");
    // Base64 has no brackets, so a real file has few; a million of them could exhaust the memory.
    const brackets = text.split(/[[{]/, 20 * MAX_LAYERS + 1).length - 1;
    demand(
      brackets < 20 * MAX_LAYERS,
      `This file has more parts than any network of this course. ${HOW}`,
    );
    let given;
    try {
      given = JSON.parse(text);
    } catch {
      demand(false, `This file is damaged or not JSON. ${HOW}`);
    }
    return fromDescription(given);
  }

  return { MAX_BYTES, NetworkFileError, fromDescription, fromText };
})();
