"use strict";

// From a drawing or a photograph to 28 × 28 pixels as MNIST has them: mnist_lib/handwriting.py in
// JavaScript, function by function. Chapter 7 derives the steps.
//
// A picture is { width, height, data }: data is a Float32Array, rows first, here from 0 to 1.
const Handwriting = (() => {
  const SIDE = 28; // pixels of an MNIST image
  const BOX = 20; // of the box its digit fills
  const MIDDLE = 14; // pixel index of MNIST's centres of mass
  const FINE = 8; // a digit is re-inked on a grid this many times finer than MNIST's
  const [THIN, THICK] = [1.5, 4.3]; // stroke width in MNIST pixels; between them it is left alone

  /** There is nothing on the picture that could be a digit. */
  class NoDigitError extends Error {}

  function make(width, height) {
    return { width, height, data: new Float32Array(width * height) };
  }

  function map(picture, change) {
    return { ...picture, data: picture.data.map(change) };
  }

  /** As Python rounds: halves go to the even neighbour. */
  function round(number) {
    const whole = Math.floor(number);
    return number - whole === 0.5 ? whole + (whole % 2 ? 1 : 0) : Math.round(number);
  }

  function clamp(number, least, most) {
    return Math.min(Math.max(number, least), most);
  }

  function largest(numbers) {
    let most = -Infinity;
    for (const number of numbers) if (number > most) most = number;
    return most;
  }

  function count(numbers, condition) {
    let found = 0;
    for (let n = 0; n < numbers.length; n++) if (condition(numbers[n])) found++;
    return found;
  }

  function median(numbers) {
    const sorted = Float32Array.from(numbers).sort();
    const middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** The luminance of a canvas's pixels (red, green, blue, alpha from 0 to 255). */
  function toGrey(pixels, width, height) {
    const grey = make(width, height);
    for (let n = 0, at = 0; n < grey.data.length; n++, at += 4) {
      const [red, green, blue] = [pixels[at], pixels[at + 1], pixels[at + 2]];
      grey.data[n] = (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
    }
    return grey;
  }

  // --- paper and ink ----------------------------------------------------------------------------

  /** The one grey of the paper, or null where the paper has shades, as photographs do. */
  function plainPaper({ width, height, data }) {
    const border = [];
    for (let x = 0; x < width; x++) border.push(data[x], data[(height - 1) * width + x]);
    for (let y = 1; y < height - 1; y++) border.push(data[y * width], data[(y + 1) * width - 1]);
    const counts = new Array(65).fill(0);
    for (const grey of border) counts[round(64 * grey)]++;
    const most = counts.indexOf(Math.max(...counts));
    const level = median(border.filter((grey) => Math.abs(64 * grey - most) <= 1));
    const isPaper = (grey) => Math.abs(grey - level) < 0.02;
    if (border.filter(isPaper).length <= 0.5 * border.length) return null;
    return count(data, isPaper) > 0.15 * data.length ? level : null;
  }

  function inkIsLight(picture, level) {
    if (level !== null) {
      let sum = 0;
      for (const grey of picture.data) sum += grey;
      return sum / picture.data.length > level;
    }
    const factor = Math.ceil(Math.max(picture.width, picture.height) / 256);
    const small = shrink(picture, factor);
    const sigma = Math.max(small.width, small.height) / 8;
    let weights = map(small, () => 1);
    let rest = small;
    for (let turn = 0; turn < 4; turn++) { // towards the shade of the majority around each pixel
      const weighted = blur(map(small, (grey, n) => grey * weights.data[n]), sigma);
      const total = blur(weights, sigma);
      rest = map(small, (grey, n) => grey - weighted.data[n] / Math.max(total.data[n], 1e-6));
      let [spread, sum] = [0, 0];
      rest.data.forEach((value, n) => {
        spread += weights.data[n] * value * value;
        sum += weights.data[n];
      });
      const scale = 2 * Math.sqrt(spread / sum) + 1e-3;
      weights = map(rest, (value) => Math.exp(-((value / scale) ** 2)));
    }
    return blur(rest, 0.7).data.reduce((sum, value) => sum + value ** 3, 0) > 0;
  }

  /** How dark each pixel is against the paper around it. */
  function evenOut(grey, level) {
    if (level !== null) {
      const paper = Math.max(level, 1e-6);
      return map(grey, (shade) => (Math.abs(shade - level) < 0.02 ? 0 : 1 - shade / paper));
    }
    const size = 2 * round(0.15 * Math.min(grey.width, grey.height)) + 1;
    const smooth = blur(grey, Math.max(grey.width, grey.height) > 200 ? 0.8 : 0.4);
    const closed = extreme(extreme(smooth, size, Math.max), size, Math.min);
    const paper = blur(closed, size / 8);
    return map(smooth, (shade, n) => 1 - shade / Math.max(paper.data[n], 1e-3));
  }

  /** Separate ink from paper, piece by piece: 1 is ink, 0 paper. */
  function findInk(darkness) {
    const { width, height, data } = darkness;
    const clean = count(data, (value) => value === 0) > 0.1 * data.length;
    let floor = Math.max(width, height) > 64 ? 0.1 * largest(data) : 0;
    if (!clean) {
      const middle = median(data);
      floor = middle + 5 * 1.4826 * median(data.map((value) => Math.abs(value - middle)));
    }
    const pieces = findPieces(darkness, floor);
    if (!pieces.length) throw new NoDigitError("There is no ink.");
    for (const piece of pieces) piece.peak = largestOf(piece.pixels, data);
    const ink = make(width, height);
    if (clean) {
      for (const { pixels, peak } of pieces) for (const n of pixels) ink.data[n] = data[n] / peak;
      return ink;
    }
    // Pieces much paler than the handwriting are print, dirt or the edge of a shadow. What counts
    // as handwriting has most edge: a long outline, and a sharp one.
    const slope = steepness(darkness).data;
    const edge = (piece) => (spansBorder(piece, width, height) ? 0 : sumOf(piece.pixels, slope));
    const handwriting = pieces.reduce(best(edge));
    for (const { pixels, peak } of pieces) {
      if (peak < 0.4 * handwriting.peak) continue;
      const [low, high] = [Math.max(floor, 0.3 * peak), 0.65 * peak];
      for (const n of pixels) {
        ink.data[n] = clamp((data[n] - low) / Math.max(high - low, 1e-3), 0, 1);
      }
    }
    return ink;
  }

  /** The connected pieces above a level: the pixels of each, and its box. */
  function findPieces({ width, height, data }, level) {
    const seen = new Uint8Array(data.length);
    const pieces = [];
    for (let start = 0; start < data.length; start++) {
      if (seen[start] || !(data[start] > level)) continue;
      const piece = { pixels: [start], left: width, top: height, right: 0, bottom: 0 };
      pieces.push(piece);
      seen[start] = 1;
      // The list grows while it is read: each pixel adds its neighbours.
      for (let n = 0; n < piece.pixels.length; n++) {
        const y = (piece.pixels[n] / width) | 0;
        const x = piece.pixels[n] - y * width;
        if (x < piece.left) piece.left = x;
        if (y < piece.top) piece.top = y;
        if (x >= piece.right) piece.right = x + 1;
        if (y >= piece.bottom) piece.bottom = y + 1;
        const [fromRow, toRow] = [Math.max(y - 1, 0), Math.min(y + 1, height - 1)];
        const [fromColumn, toColumn] = [Math.max(x - 1, 0), Math.min(x + 1, width - 1)];
        for (let row = fromRow; row <= toRow; row++) {
          for (let near = row * width + fromColumn; near <= row * width + toColumn; near++) {
            if (seen[near] || !(data[near] > level)) continue;
            seen[near] = 1;
            piece.pixels.push(near);
          }
        }
      }
    }
    return pieces;
  }

  function sumOf(pixels, data) {
    let sum = 0;
    for (const n of pixels) sum += data[n];
    return sum;
  }

  function largestOf(pixels, data) {
    let most = -Infinity;
    for (const n of pixels) if (data[n] > most) most = data[n];
    return most;
  }

  /** For reduce: the element with the largest value, the first one if there are several. */
  function best(value) {
    return (a, b) => (value(b) > value(a) ? b : a);
  }

  /** Whether a piece takes up more than half of a side of the picture. */
  function spansBorder({ pixels, left, top, right, bottom }, width, height) {
    if (left > 0 && top > 0 && right < width && bottom < height) return false;
    const x = (n) => n % width;
    const y = (n) => Math.floor(n / width);
    return (
      count(pixels, (n) => y(n) === 0) > 0.5 * width ||
      count(pixels, (n) => y(n) === height - 1) > 0.5 * width ||
      count(pixels, (n) => x(n) === 0) > 0.5 * height ||
      count(pixels, (n) => x(n) === width - 1) > 0.5 * height
    );
  }

  /** Keep the strokes of one digit: the heaviest piece and what lies close to it. */
  function selectDigit(ink) {
    const { width, height, data } = ink;
    const clean = Math.max(width, height) <= 64;
    const pieces = findPieces(ink, clean ? 0 : 0.3);
    if (!pieces.length) throw new NoDigitError("There is no ink.");
    for (const piece of pieces) {
      piece.mass = sumOf(piece.pixels, data);
      piece.spans = spansBorder(piece, width, height);
    }
    if (!clean && !pieces.every(({ spans }) => spans)) {
      for (const piece of pieces) if (piece.spans) piece.mass = 0;
    }
    const main = pieces.reduce(best(({ mass }) => mass));
    const around = { ...main };
    const keep = new Set([main]);
    for (let grown = true; grown; ) {
      grown = false;
      const gap = 0.3 * Math.max(around.bottom - around.top, around.right - around.left);
      for (const piece of pieces) {
        if (keep.has(piece) || piece.mass < 0.015 * main.mass) continue;
        const away = Math.max(
          ...[piece.top - around.bottom, around.top - piece.bottom],
          ...[piece.left - around.right, around.left - piece.right],
        );
        if (away >= gap) continue;
        keep.add(piece);
        grown = true;
      }
      for (const { top, left, bottom, right } of keep) {
        around.top = Math.min(around.top, top);
        around.left = Math.min(around.left, left);
        around.bottom = Math.max(around.bottom, bottom);
        around.right = Math.max(around.right, right);
      }
    }
    const digit = make(width, height);
    for (const { pixels } of keep) for (const n of pixels) digit.data[n] = data[n];
    return digit;
  }

  // --- MNIST's own steps ------------------------------------------------------------------------

  /** Cut a picture to the box of its ink. */
  function crop({ width, height, data }) {
    let [left, top, right, bottom] = [width, height, 0, 0];
    for (let y = 0, n = 0; y < height; y++) {
      for (let x = 0; x < width; x++, n++) {
        if (!(data[n] > 0)) continue;
        if (x < left) left = x;
        if (x >= right) right = x + 1;
        if (y < top) top = y;
        if (y >= bottom) bottom = y + 1;
      }
    }
    if (right <= left) throw new NoDigitError("There is no ink.");
    const cut = make(right - left, bottom - top);
    for (let y = top; y < bottom; y++) {
      cut.data.set(data.subarray(y * width + left, y * width + right), (y - top) * cut.width);
    }
    return cut;
  }

  /** For each of `after` pixels: the first of the `before` pixels it is made of, and weights. */
  function weightsOf(before, after) {
    return Array.from({ length: after }, (_, n) => {
      if (after <= before) {
        // The mean over the stretch that it covers.
        const [start, end] = [(n * before) / after, ((n + 1) * before) / after];
        const first = Math.floor(start);
        const length = Math.min(Math.ceil(end), before) - first;
        const share = (at) => (Math.min(at + 1, end) - Math.max(at, start)) * (after / before);
        return { first, weights: Float64Array.from({ length }, (_, k) => share(first + k)) };
      }
      // A smooth curve through the four pixels around (cubic convolution); none lie beyond.
      const middle = ((n + 0.5) * before) / after - 0.5;
      const first = Math.max(Math.floor(middle) - 1, 0);
      const length = Math.min(Math.floor(middle) + 3, before) - first;
      const share = (at) => {
        const away = Math.abs(middle - at);
        if (away < 1) return 1 - 2.5 * away ** 2 + 1.5 * away ** 3;
        return away < 2 ? 2 - 4 * away + 2.5 * away ** 2 - 0.5 * away ** 3 : 0;
      };
      return { first, weights: Float64Array.from({ length }, (_, k) => share(first + k)) };
    });
  }

  /** Average down or interpolate up, each axis by itself. */
  function resize(picture, width, height) {
    const half = make(picture.width, height);
    weightsOf(picture.height, height).forEach(({ first, weights }, y) => {
      const line = half.data.subarray(y * half.width, (y + 1) * half.width);
      weights.forEach((weight, k) => {
        const from = (first + k) * picture.width;
        for (let x = 0; x < line.length; x++) line[x] += weight * picture.data[from + x];
      });
    });
    const result = make(width, height);
    weightsOf(picture.width, width).forEach(({ first, weights }, x) => {
      for (let y = 0; y < height; y++) {
        let sum = 0;
        const from = y * half.width + first;
        for (let k = 0; k < weights.length; k++) sum += weights[k] * half.data[from + k];
        result.data[y * width + x] = sum;
      }
    });
    return result;
  }

  /** Distance from each pixel to the nearest one where `mask` is `value`, in pixels. */
  function distanceTo(value, mask, width, height) {
    const far = width + height;
    const squares = new Float64Array(mask.length);
    // Along each column: steps since the last such pixel, from above and from below.
    for (let x = 0; x < width; x++) {
      let steps = far;
      for (let n = x; n < mask.length; n += width) {
        steps = mask[n] === value ? 0 : steps + 1;
        squares[n] = steps * steps;
      }
      steps = far;
      for (let n = mask.length - width + x; n >= 0; n -= width) {
        steps = mask[n] === value ? 0 : steps + 1;
        if (steps * steps < squares[n]) squares[n] = steps * steps;
      }
    }
    // Along each row: the lowest of the parabolas that stand on its pixels (Felzenszwalb and
    // Huttenlocher 2012). `from` holds the pixels they stand on, `ends` where each one takes over.
    const result = new Float32Array(mask.length);
    const [from, ends] = [new Int32Array(width), new Float64Array(width)];
    for (let start = 0; start < mask.length; start += width) {
      let last = 0;
      from[0] = 0;
      ends[0] = -Infinity;
      for (let x = 1; x < width; x++) {
        const height = squares[start + x] + x * x;
        let meet;
        for (;;) {
          const before = from[last];
          meet = (height - squares[start + before] - before * before) / (2 * (x - before));
          if (meet > ends[last]) break;
          last--;
        }
        from[++last] = x;
        ends[last] = meet;
      }
      for (let x = 0, part = 0; x < width; x++) {
        while (part < last && ends[part + 1] < x) part++;
        const away = x - from[part];
        result[start + x] = Math.sqrt(away * away + squares[start + from[part]]);
      }
    }
    return result;
  }

  /** Ink a digit anew on a fine grid, with a stroke width that MNIST has. */
  function adjustStroke(ink) {
    const longest = Math.max(ink.width, ink.height);
    const fine = FINE * BOX;
    const [width, height] = [ink.width, ink.height].map((side) =>
      Math.max(1, round((side * fine) / longest)),
    );
    const large = resize(ink, width, height);
    // Averaging makes a line thinner than a pixel faint; interpolation only blurs edges.
    const level = (longest > fine ? 0.25 : 0.5) * largest(large.data);
    const pad = 2 * FINE + 1;
    const inked = make(width + 2 * pad, height + 2 * pad);
    const mask = new Uint8Array(inked.data.length);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        mask[(y + pad) * inked.width + x + pad] = large.data[y * width + x] > level ? 1 : 0;
      }
    }
    const toPaper = distanceTo(0, mask, inked.width, inked.height);
    let [sum, pixels] = [0, 0];
    for (let n = 0; n < mask.length; n++) {
      if (mask[n] === 0) continue;
      sum += toPaper[n] - 0.5;
      pixels++;
    }
    const stroke = (4 * sum) / pixels / FINE;
    if (longest === BOX && stroke >= THIN && stroke <= THICK) return ink;
    const change = clamp(stroke, THIN, THICK) - stroke;
    // A stroke that stays or becomes thinner needs no ink where there was none.
    const toInk = change > 0 ? distanceTo(1, mask, inked.width, inked.height) : null;
    for (let n = 0; n < mask.length; n++) {
      if (!mask[n] && !toInk) continue;
      const distance = mask[n] ? toPaper[n] - 0.5 : 0.5 - toInk[n];
      inked.data[n] = clamp(distance + (FINE * change) / 2 + 0.5, 0, 1);
    }
    return crop(inked);
  }

  /** Scale a digit into the 20 × 20 box, its aspect kept, by averaging. */
  function fitBox(ink) {
    const scale = BOX / Math.max(ink.width, ink.height);
    const [width, height] = [ink.width, ink.height].map((side) => Math.max(1, round(side * scale)));
    return resize(ink, width, height);
  }

  /** Place a digit in 28 × 28 pixels with its centre of mass in the middle. */
  function centre(ink) {
    let [total, down, right] = [0, 0, 0];
    ink.data.forEach((value, n) => {
      total += value;
      down += value * Math.floor(n / ink.width);
      right += value * (n % ink.width);
    });
    const start = (mean, length) =>
      clamp(Math.floor(MIDDLE - mean + 0.5), 0, SIDE - length);
    const [top, left] = [start(down / total, ink.height), start(right / total, ink.width)];
    const image = make(SIDE, SIDE);
    for (let y = 0; y < ink.height; y++) {
      const row = ink.data.subarray(y * ink.width, (y + 1) * ink.width);
      image.data.set(row, (top + y) * SIDE + left);
    }
    return toBytes(image);
  }

  function toBytes({ data }) {
    return Uint8Array.from(data, (value) => Math.floor(255 * clamp(value, 0, 1) + 0.5));
  }

  // --- filters that photographs need ------------------------------------------------------------

  /** Average blocks of pixels. */
  function shrink(picture, factor) {
    if (factor === 1) return picture;
    const small = make(Math.floor(picture.width / factor), Math.floor(picture.height / factor));
    for (let y = 0; y < small.height * factor; y++) {
      for (let x = 0; x < small.width * factor; x++) {
        const block = Math.floor(y / factor) * small.width + Math.floor(x / factor);
        small.data[block] += picture.data[y * picture.width + x] / factor ** 2;
      }
    }
    return small;
  }

  /** Do the same to every row, then to every column: `filter` gets a line and changes it. */
  function separably(picture, filter) {
    const result = { ...picture, data: picture.data.slice() };
    const { width, height, data } = result;
    for (let y = 0; y < height; y++) filter(data.subarray(y * width, (y + 1) * width));
    const column = new Float32Array(height);
    for (let x = 0; x < width; x++) {
      for (let y = 0; y < height; y++) column[y] = data[y * width + x];
      filter(column);
      for (let y = 0; y < height; y++) data[y * width + x] = column[y];
    }
    return result;
  }

  /** The pixel that a place beyond the border takes its value from: the picture, mirrored. */
  function mirrored(at, length) {
    const turned = ((at % (2 * length)) + 2 * length) % (2 * length);
    return turned < length ? turned : 2 * length - 1 - turned;
  }

  /** Gaussian blur; sigma in pixels. */
  function blur(picture, sigma) {
    const reach = Math.floor(4 * sigma + 0.5);
    const weights = Array.from({ length: 2 * reach + 1 }, (_, n) =>
      Math.exp(-0.5 * ((n - reach) / sigma) ** 2),
    );
    const total = weights.reduce((a, b) => a + b);
    return separably(picture, (line) => {
      const padded = Float32Array.from(
        { length: line.length + 2 * reach },
        (_, n) => line[mirrored(n - reach, line.length)],
      );
      for (let n = 0; n < line.length; n++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k] * padded[n + k];
        line[n] = sum / total;
      }
    });
  }

  /** The largest (or smallest) pixel of the square around each one. */
  function extreme(picture, size, better) {
    const reach = size >> 1;
    return separably(picture, (line) => {
      // Van Herk: the best so far from the left and from the right of blocks as long as the square.
      const room = Math.ceil((line.length + 2 * reach) / size) * size;
      const padded = Float32Array.from(
        { length: room },
        (_, n) => line[mirrored(n - reach, line.length)],
      );
      const [left, right] = [padded.slice(), padded.slice()];
      for (let n = 0; n < room; n++) {
        if (n % size) left[n] = better(left[n], left[n - 1]);
        const m = room - 1 - n;
        if ((m + 1) % size) right[m] = better(right[m], right[m + 1] ?? right[m]);
      }
      for (let n = 0; n < line.length; n++) line[n] = better(right[n], left[n + size - 1]);
    });
  }

  /** How steeply the shade changes: the length of the gradient. */
  function steepness(picture) {
    const { width, height, data } = blur(picture, 0.7);
    const result = make(width, height);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [above, below] = [mirrored(y - 1, height), mirrored(y + 1, height)];
        const [before, after] = [mirrored(x - 1, width), mirrored(x + 1, width)];
        const down = data[below * width + x] - data[above * width + x];
        const right = data[y * width + after] - data[y * width + before];
        result.data[y * width + x] = Math.hypot(down, right) / 2;
      }
    }
    return result;
  }

  // --- the whole way ----------------------------------------------------------------------------

  /** Prepare a picture of one digit. The steps are there to be shown. */
  function toMnist(grey) {
    let level = plainPaper(grey);
    if (inkIsLight(grey, level)) {
      grey = map(grey, (shade) => 1 - shade);
      level = level === null ? null : 1 - level;
    }
    const ink = selectDigit(findInk(evenOut(grey, level)));
    const cropped = crop(ink);
    const inked = adjustStroke(cropped);
    const boxed = fitBox(inked);
    return {
      image: centre(boxed),
      steps: [
        { name: "the ink", ...ink },
        { name: "cut out", ...cropped },
        { name: "stroke width", ...inked },
        { name: "20 × 20 box", ...boxed },
      ],
    };
  }

  /** What most programs do instead: scale the whole picture to 28 × 28 and invert it. */
  function resizeOnly(grey) {
    const light = map(grey, (shade) => 1 - shade);
    return { image: toBytes(resize(light, SIDE, SIDE)), steps: [{ name: "inverted", ...light }] };
  }

  return { NoDigitError, resizeOnly, toGrey, toMnist };
})();
