"use strict";

// The forward pass of a convolutional network: chapters 2 and 3 in JavaScript.
//
// An array of shape [rows, columns, channels] is one flat Float32Array; the number at [y, x, c]
// lies at (y * columns + x) * channels + c. A layer is an object as network-file.js makes it.
const Network = (() => {
  /** Chapter 2's shape formula along one direction: how many windows, and zeros before the first. */
  function places(size, window, stride, padding) {
    if (padding === "valid") return { count: Math.floor((size - window) / stride) + 1, before: 0 };
    const count = Math.ceil(size / stride);
    const zeros = Math.max((count - 1) * stride + window - size, 0);
    return { count, before: Math.floor(zeros / 2) }; // an odd zero goes below or to the right
  }

  /** Visit every window: its place among the outputs, and its pixels that lie inside the image. */
  function forEachWindow(layer, visit) {
    const [height, width] = layer.inputShape;
    const [down, right] = layer.strides;
    const rows = places(height, layer.window[0], down, layer.padding);
    const columns = places(width, layer.window[1], right, layer.padding);
    for (let y = 0; y < rows.count; y++) {
      const top = y * down - rows.before;
      for (let x = 0; x < columns.count; x++) {
        const left = x * right - columns.before;
        visit(y * columns.count + x, top, left, {
          fromRow: Math.max(top, 0),
          toRow: Math.min(top + layer.window[0], height),
          fromColumn: Math.max(left, 0),
          toColumn: Math.min(left + layer.window[1], width),
        });
      }
    }
  }

  /** A row of pixels times a matrix of weights; `starts` says where each pixel's weights begin. */
  function addProducts(sums, pixels, starts, count, weights) {
    // Four pixels at a time: each sum is then read and written a quarter as often.
    while (count % 4) pixels[count++] = 0;
    for (let n = 0; n < count; n += 4) {
      const [a, b, c, d] = [pixels[n], pixels[n + 1], pixels[n + 2], pixels[n + 3]];
      const [i, j, k, l] = [starts[n], starts[n + 1], starts[n + 2], starts[n + 3]];
      for (let o = 0; o < sums.length; o++) {
        sums[o] +=
          a * weights[i + o] + b * weights[j + o] + c * weights[k + o] + d * weights[l + o];
      }
    }
  }

  /** output[y, x, o] = bias[o] + the sum over i, j, c of image[y + i, x + j, c] kernel[i, j, c, o] */
  function conv2d(image, layer) {
    const [, width, channels] = layer.inputShape;
    const filters = layer.shape[2];
    const room = layer.window[0] * layer.window[1] * channels + 3;
    const pixels = new Float64Array(room);
    const starts = new Int32Array(room);
    const sums = new Float64Array(filters);
    const output = new Float32Array(layer.shape[0] * layer.shape[1] * filters);
    forEachWindow(layer, (place, top, left, inside) => {
      let count = 0;
      for (let row = inside.fromRow; row < inside.toRow; row++) {
        for (let column = inside.fromColumn; column < inside.toColumn; column++) {
          const pixel = (row * width + column) * channels;
          const weight = ((row - top) * layer.window[1] + column - left) * channels;
          for (let c = 0; c < channels; c++) {
            // Background, and half of what a ReLU lets through, is 0: it adds nothing to any sum.
            if (image[pixel + c] === 0) continue;
            pixels[count] = image[pixel + c];
            starts[count++] = (weight + c) * filters;
          }
        }
      }
      sums.set(layer.bias);
      addProducts(sums, pixels, starts, count, layer.kernel);
      output.set(sums, place * filters);
    });
    return output;
  }

  /** A dense layer is a convolution whose one window holds all numbers. */
  function dense(numbers, layer) {
    const whole = { inputShape: [1, 1, numbers.length], window: [1, 1], strides: [1, 1] };
    return conv2d(numbers, { ...layer, ...whole, padding: "valid", shape: [1, 1, layer.shape[0]] });
  }

  /** The largest number of each window, or their mean; padding takes no part in either. */
  function pool(image, layer) {
    const [, width, channels] = layer.inputShape;
    const largest = layer.type === "max_pool2d";
    const output = new Float32Array(layer.shape[0] * layer.shape[1] * channels);
    const results = new Float64Array(channels);
    forEachWindow(layer, (place, top, left, inside) => {
      const pixels = (inside.toRow - inside.fromRow) * (inside.toColumn - inside.fromColumn);
      results.fill(largest ? -Infinity : 0);
      for (let row = inside.fromRow; row < inside.toRow; row++) {
        for (let column = inside.fromColumn; column < inside.toColumn; column++) {
          const start = (row * width + column) * channels; // channels last: they lie side by side
          for (let c = 0; c < channels; c++) {
            const number = image[start + c];
            if (!largest) results[c] += number / pixels;
            else if (number > results[c]) results[c] = number;
          }
        }
      }
      output.set(results, place * channels);
    });
    return output;
  }

  function globalAverage(image, layer) {
    const window = layer.inputShape.slice(0, 2);
    return pool(image, { ...layer, window, strides: [1, 1], padding: "valid", shape: [1, 1] });
  }

  function scaleShift(numbers, layer) {
    const channels = layer.scale.length;
    return numbers.map(
      (number, n) => number * layer.scale[n % channels] + layer.shift[n % channels],
    );
  }

  /** exp(z) / sum of exp(z) along the last axis; the largest is taken off so that none overflows. */
  function softmax(numbers, channels = numbers.length) {
    const output = new Float32Array(numbers.length);
    const powers = new Float64Array(channels);
    for (let start = 0; start < numbers.length; start += channels) {
      let [largest, total] = [-Infinity, 0];
      for (let c = 0; c < channels; c++) largest = Math.max(largest, numbers[start + c]);
      for (let c = 0; c < channels; c++) total += powers[c] = Math.exp(numbers[start + c] - largest);
      for (let c = 0; c < channels; c++) output[start + c] = powers[c] / total;
    }
    return output;
  }

  function activate(numbers, layer) {
    switch (layer.activation) {
      case "relu":
        return numbers.map((x) => (x > 0 ? x : 0));
      case "sigmoid":
        return numbers.map((x) => 1 / (1 + Math.exp(-x)));
      case "tanh":
        return numbers.map(Math.tanh);
      case "softmax":
        return softmax(numbers, layer.shape[layer.shape.length - 1]);
    }
  }

  const COMPUTE = {
    conv2d,
    dense,
    max_pool2d: pool,
    average_pool2d: pool,
    global_average_pool2d: globalAverage,
    flatten: (image) => image, // rows first, as the numbers lie already
    scale_shift: scaleShift,
    activation: activate,
  };

  /** Every layer's output for one image of 784 numbers from 0 to 1, first layer first. */
  function run(network, image) {
    const outputs = [];
    for (const layer of network.layers) {
      outputs.push(COMPUTE[layer.type](outputs[outputs.length - 1] ?? image, layer));
    }
    return outputs;
  }

  return { places, softmax, run };
})();
