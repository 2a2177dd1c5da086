"use strict";

// From a drawing or a photograph of one digit, or a drawing of several, to 28 × 28 pixels as MNIST
// has them: the steps of mnist_lib/handwriting/ in JavaScript. tests/test_live.py compares every step
// on hard pictures of every type. Chapter 7 derives the steps.
//
// A picture is { width, height, data }: data is a Float32Array, rows first, here from 0 to 1.
const Handwriting = (() => {
  const SIDE = 28; // pixels of an MNIST image
  const BOX = 20; // of the box its digit fills
  const MIDDLE = 14; // pixel index of MNIST's centres of mass
  const FINE = 8; // a digit is re-inked on a grid this many times finer than MNIST's
  const WINDOWS = [0.03, 0.06, 0.1, 0.18, 0.3]; // of a photograph's shorter side
  const SMALL = 64; // pixels; up to this side, faint pixels beside a stroke count as ink
  const FAINT = 0.1; // of the darkest ink
  // A pen's pressure changes along a stroke: of the darkest ink, how much is left at the palest
  // place, and how far it is, in longer sides of the piece, until the pressure falls to 1 / e.
  const [PALEST, FADING] = [0.3, 0.4];
  const BLOBS = 1.5; // times as dark as usual; what is darker still is a place where the pen rested
  const EDGE = 1.5; // pixels; a picture with wider edges holds no detail as small as its pixels
  const EDGES = [48, 24, 12, 6]; // pixels; how far from its middle an edge is looked for
  const MIN_SIDE = 8; // pixels
  const MOST_OTHERS = 4; // marks about as large as the digit itself; with more it is a page
  const MOST_PARTS = 16; // fragments that a broken stroke may have, and areas it may enclose
  const BLOT = 9; // strokes wider than this leave no digit
  const TIE = 1e-4; // symmetrical digits lie on a limit, and fall to one side
  const WIDEST = 6; // of MNIST's strokes; wider ones are a digit's if they leave some paper
  const [THIN, THICK] = [1.5, 4.3]; // stroke width in MNIST pixels; between them it is left alone

  /** There is nothing on the picture that could be a digit; `fault` says in a word what there is. */
  class NoDigitError extends Error {
    constructor(message, fault) {
      super(message);
      this.fault = fault;
    }
  }

  function make(width, height) {
    return { width, height, data: new Float32Array(width * height) };
  }

  function map(picture, change) {
    return { ...picture, data: picture.data.map(change) };
  }

  function copy(picture) {
    return { ...picture, data: picture.data.slice() };
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
    for (let n = 0; n < numbers.length; n++) if (numbers[n] > most) most = numbers[n];
    return most;
  }

  function range(numbers) {
    let least = Infinity;
    for (let n = 0; n < numbers.length; n++) if (numbers[n] < least) least = numbers[n];
    return largest(numbers) - least;
  }

  function count(numbers, condition) {
    let found = 0;
    for (let n = 0; n < numbers.length; n++) if (condition(numbers[n])) found++;
    return found;
  }

  /**
   * For each share, the lowest first, the number below which that share of all lies; between two,
   * in proportion.
   */
  function quantiles(numbers, shares) {
    const some = new Float32Array(numbers);
    let last = some.length - 1;
    const found = [...shares].reverse().map((share) => {
      const place = share * (some.length - 1);
      const above = nth(some, Math.ceil(place), last);
      last = Math.floor(place);
      const below = nth(some, last, Math.ceil(place));
      return below + (place % 1) * (above - below);
    });
    return found.reverse();
  }

  /**
   * The number that is at a place when those up to `last` are sorted (Hoare 1961). It moves there,
   * what is less before it: a small part of the time that sorting a photograph takes.
   */
  function nth(numbers, place, last) {
    let first = 0;
    while (first < last) {
      const pivot = numbers[place];
      let [low, high] = [first, last];
      while (low <= high) {
        while (numbers[low] < pivot) low++;
        while (numbers[high] > pivot) high--;
        if (low > high) break;
        const one = numbers[low];
        numbers[low++] = numbers[high];
        numbers[high--] = one;
      }
      if (high < place) first = low;
      if (place < low) last = high;
    }
    return numbers[place];
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
    const corners = [0, width - 1, (height - 1) * width, width * height - 1].map((n) => data[n]);
    const most = largest(data);
    const middle = most - range(data) / 2;
    // Paper is what there is more of: in all, along the border, and in the corners, which a digit
    // that fills its picture leaves free.
    const isLight = (grey) => grey > middle;
    const shareOf = (numbers) => count(numbers, isLight) / numbers.length;
    const light = shareOf(data) + shareOf(border) + shareOf(corners) > 1.5;
    const paper = border.filter((grey) => isLight(grey) === light);
    if (!paper.length) return null;
    const [level] = quantiles(paper, [0.5]);
    const same = Math.min(0.005, 0.02 * range(data));
    const isPaper = (grey) => Math.abs(grey - level) <= same;
    if (count(paper, isPaper) <= 0.5 * paper.length) return null;
    if (count(data, isPaper) <= 0.15 * data.length) return null;
    // Half of a large picture's side is too much for strokes: a shadow or a table lies along it.
    const other = (grey) => Math.abs(grey - level) > same;
    const sides = [[], [], [], []];
    for (let x = 0; x < width; x++) {
      sides[0].push(data[x]);
      sides[1].push(data[(height - 1) * width + x]);
    }
    for (let y = 1; y < height - 1; y++) {
      sides[2].push(data[y * width]);
      sides[3].push(data[(y + 1) * width - 1]);
    }
    const shaded = sides.some((side) => count(side, other) > 0.5 * side.length);
    return shaded && Math.max(width, height) > 4 * SMALL ? null : level;
  }

  /**
   * Turn light ink on dark ground into dark ink on light paper, and even out light and paper; pause
   * between the two ways to see a photograph.
   */
  function* findDarkness(grey) {
    const invert = () => map(grey, (shade) => 1 - shade);
    const level = plainPaper(grey);
    if (level !== null) {
      let sum = 0;
      for (const shade of grey.data) sum += shade;
      const inkIsLight = sum / grey.data.length > level;
      return inkIsLight ? againstPlain(invert(), 1 - level) : againstPlain(grey, level);
    }
    const sharpness = (found) => found.reduce((sum, { score }) => sum + score, 0);
    const inverted = invert();
    const dark = outlines(grey);
    yield;
    const light = outlines(inverted);
    yield;
    return sharpness(light) > sharpness(dark)
      ? againstWindow(inverted, chooseWindow(light))
      : againstWindow(grey, chooseWindow(dark));
  }

  /** The smallest window in which strokes are still seen as strokes. */
  function chooseWindow(found) {
    const enough = 0.7 * Math.max(...found.map(({ score }) => score));
    const good = found.find(({ window, score, stroke }) => score >= enough && stroke < window / 3);
    return good ? good.window : WINDOWS[WINDOWS.length - 1];
  }

  /** For each window, how sharp the outlines of dark ink are, and the best piece's stroke width. */
  function outlines(picture) {
    const grey = shrink(picture, Math.ceil(Math.max(picture.width, picture.height) / 400));
    const shorter = Math.min(grey.width, grey.height);
    // A table or a hand that the camera caught lies along the border: it counts for less.
    const inset = (n, side) => Math.min(n, side - 1 - n) / side;
    const slope = steepness(grey, 1).data;
    for (let y = 0, n = 0; y < grey.height; y++) {
      for (let x = 0; x < grey.width; x++, n++) {
        const within = Math.min(inset(y, grey.height), inset(x, grey.width));
        slope[n] *= slope[n] * Math.min(5 * within, 1);
      }
    }
    const smooth = smoothed(grey);
    return WINDOWS.map((window) => {
      const darkness = againstWindow(grey, window, smooth);
      const pieces = findPieces(darkness, noiseFloor(darkness.data));
      let [score, best, main] = [0, 0, null];
      for (const piece of pieces) {
        if (spansBorder(piece, grey.width, grey.height)) continue;
        const sharp = sumOf(piece.pixels, slope);
        score += sharp;
        if (sharp > best) [best, main] = [sharp, piece];
      }
      const stroke = main ? (4 * meanDepth(main, grey.width)) / shorter : 0;
      return { window, score, stroke };
    });
  }

  /** How far a piece's pixels lie from its edge, on average. */
  function meanDepth({ pixels, left, top, right, bottom }, pictureWidth) {
    const [width, height] = [right - left + 2, bottom - top + 2];
    const mask = new Uint8Array(width * height);
    for (const n of pixels) {
      mask[(Math.floor(n / pictureWidth) - top + 1) * width + (n % pictureWidth) - left + 1] = 1;
    }
    const toPaper = distanceTo(0, mask, width, height);
    let sum = 0;
    for (let n = 0; n < mask.length; n++) if (mask[n]) sum += toPaper[n] - 0.5;
    return sum / pixels.length;
  }

  /** The darkness that the paper's noise does not reach, from the lightest half or quarter. */
  function noiseFloor(darkness) {
    const [lowest, low, quarter, half] = quantiles(darkness, [0.05, 0.1, 0.25, 0.5]);
    const [wide, close] = [4 * (half - low), 6 * (quarter - lowest)];
    return Math.min(half + Math.max(wide, 0.03), quarter + Math.max(close, 0.03));
  }

  /** A picture with more pixels on each side, each like the nearest one of the border. */
  function extended({ width, height, data }, by) {
    const larger = make(width + 2 * by, height + 2 * by);
    for (let y = 0, n = 0; y < larger.height; y++) {
      const row = clamp(y - by, 0, height - 1) * width;
      for (let x = 0; x < larger.width; x++, n++) {
        larger.data[n] = data[row + clamp(x - by, 0, width - 1)];
      }
    }
    return larger;
  }

  /** Without that many pixels on each side. */
  function cut({ width, height, data }, by) {
    const smaller = make(width - 2 * by, height - 2 * by);
    for (let y = 0; y < smaller.height; y++) {
      const start = (y + by) * width + by;
      smaller.data.set(data.subarray(start, start + smaller.width), y * smaller.width);
    }
    return smaller;
  }

  /** How dark each pixel is against paper of one grey. */
  function againstPlain(grey, level) {
    const paper = Math.max(level, 1e-6);
    const same = Math.min(0.02, 0.05 * range(grey.data));
    return map(grey, (shade) => (Math.abs(shade - level) <= same ? 0 : 1 - shade / paper));
  }

  function smoothed(grey) {
    return blur(grey, Math.max(grey.width, grey.height) > 200 ? 0.8 : 0.4);
  }

  /** The same, where light and paper have shades: paper is the lightest in a window around. */
  function againstWindow(grey, window, smooth = smoothed(grey)) {
    const shorter = Math.min(grey.width, grey.height);
    const size = 2 * Math.max(2, round((window / 2) * shorter)) + 1;
    // What lies along the border, such as a table or a shadow, goes on beyond it: it is no stroke.
    const padded = extended(smooth, size);
    let paper = extreme(extreme(padded, size, 1), size, -1);
    for (let turn = 0; turn < 2; turn++) paper = average(paper, Math.floor(size / 4));
    paper = cut(paper, size);
    // In deep shade the ratio would magnify the noise. An exact 0 stands for plain paper; what
    // compression has flattened is still a photograph.
    return map(smooth, (shade, n) => (paper.data[n] - shade) / Math.max(paper.data[n], 0.3) || 1e-6);
  }

  /** Separate ink from paper, piece by piece: 1 is ink, 0 paper. */
  function findInk(darkness) {
    const { width, height, data } = darkness;
    let zeros = 0;
    for (const value of data) if (value === 0) zeros++;
    const clean = zeros > 0.1 * data.length;
    const floor = clean ? FAINT * largest(data) : noiseFloor(data);
    const pieces = clean ? findStrokes(darkness, floor) : findPieces(darkness, floor);
    if (!pieces.length) throw new NoDigitError("There is no ink.", "blank");
    for (const piece of pieces) piece.peak = largestOf(piece.pixels, data);
    const ink = make(width, height);
    if (clean) {
      // In few pixels, pale ones are those that a stroke covers in part.
      const small = Math.max(width, height) <= SMALL;
      for (const piece of pieces) {
        const pressure = small ? null : pressures(piece, darkness);
        piece.pixels.forEach((n, k) => {
          ink.data[n] = Math.min(data[n] / (small ? piece.peak : pressure[k]), 1);
        });
      }
      return ink;
    }
    // Handwriting has long and sharp outlines. What is much paler than it or has softer outlines is
    // print, dirt, or a shadow.
    const slope = steepness(darkness, 0.7).data;
    const squares = slope.map((value) => value * value);
    for (const piece of pieces) {
      const sharp = sumOf(piece.pixels, squares);
      piece.softness = (piece.peak * sumOf(piece.pixels, slope)) / Math.max(sharp, 1e-9);
      piece.spans = spansBorder(piece, width, height);
      piece.sharp = piece.spans ? 0 : sharp;
    }
    const best = heaviest(pieces, "sharp");
    // Ink has sharper edges than the paper's grain.
    const isInk = new Uint8Array(data.length);
    for (const { pixels } of pieces) for (const n of pixels) isInk[n] = 1;
    const [grain] = quantiles(
      slope.filter((_, n) => !isInk[n]),
      [0.5],
    );
    if (!(best.sharp > 0) || best.sharp < 4 * grain * sumOf(best.pixels, slope)) {
      throw new NoDigitError("There is no ink.", "blank");
    }
    for (const piece of pieces) {
      const { pixels, peak, softness, spans } = piece;
      if (spans || peak < 0.25 * best.peak || softness > 4 * best.softness) continue;
      const pressure = pressures(piece, darkness);
      pixels.forEach((n, k) => {
        const [low, high] = [Math.max(floor, 0.35 * pressure[k]), 0.7 * pressure[k]];
        ink.data[n] = clamp((data[n] - low) / Math.max(high - low, 1e-3), 0, 1);
      });
    }
    return ink;
  }

  /**
   * How dark the pen writes at each pixel of a piece: the darkness of the darkest pixel, where the
   * darkness falls off exponentially with the distance along rows and columns.
   */
  function pressures({ pixels, peak, left, top, right, bottom }, { width, height, data }) {
    const [wide, high] = [right - left, bottom - top];
    // From border to border runs a line or a shadow's edge; pale, it is not the pen's.
    if (wide >= width - 2 || high >= height - 2) return new Float32Array(pixels.length).fill(peak);
    let [sum, squares, most] = [0, 0, 0];
    for (const n of pixels) {
      sum += data[n];
      squares += data[n] ** 2;
      if (data[n] > most) most = data[n];
    }
    most = Math.min(most, (BLOBS * squares) / sum);
    const near = new Float32Array(wide * high).fill(PALEST * most);
    const place = (n) => (Math.floor(n / width) - top) * wide + (n % width) - left;
    for (const n of pixels) near[place(n)] = clamp(data[n], PALEST * most, most);
    const fall = Math.exp(-1 / (FADING * Math.max(wide, high)));
    const raise = (n, from) => {
      if (near[from] * fall > near[n]) near[n] = near[from] * fall;
    };
    const last = near.length - 1;
    for (let n = wide; n <= last; n++) raise(n, n - wide);
    for (let n = last - wide; n >= 0; n--) raise(n, n + wide);
    for (let n = 1; n <= last; n++) if (n % wide) raise(n, n - 1);
    for (let n = last - 1; n >= 0; n--) if ((n + 1) % wide) raise(n, n + 1);
    return Float32Array.from(pixels, (n) => near[place(n)]);
  }

  /**
   * The connected pieces above a level: the pixels of each, and its box. Pixels that meet at a
   * corner are connected, unless `corners` is false.
   */
  function findPieces({ width, height, data }, level, corners = true) {
    const seen = new Uint8Array(data.length);
    const found = new Int32Array(data.length); // pixels, those of one piece after each other
    let end = 0;
    const pieces = [];
    for (let start = 0; start < data.length; start++) {
      if (seen[start] || !(data[start] > level)) continue;
      const piece = { pixels: null, left: width, top: height, right: 0, bottom: 0 };
      pieces.push(piece);
      const begin = end;
      found[end++] = start;
      seen[start] = 1;
      // The list grows while it is read: each pixel adds its neighbours.
      for (let n = begin; n < end; n++) {
        const y = (found[n] / width) | 0;
        const x = found[n] - y * width;
        if (x < piece.left) piece.left = x;
        if (y < piece.top) piece.top = y;
        if (x >= piece.right) piece.right = x + 1;
        if (y >= piece.bottom) piece.bottom = y + 1;
        const toRow = Math.min(y + 1, height - 1);
        const fromColumn = Math.max(x - 1, 0);
        const toColumn = Math.min(x + 1, width - 1);
        for (let row = Math.max(y - 1, 0); row <= toRow; row++) {
          for (let near = row * width + fromColumn; near <= row * width + toColumn; near++) {
            if (seen[near] || !(data[near] > level)) continue;
            if (!corners && row !== y && near !== row * width + x) continue;
            seen[near] = 1;
            found[end++] = near;
          }
        }
      }
      piece.pixels = found.subarray(begin, end);
    }
    return pieces;
  }

  /**
   * Pieces of ink darker than a level. In a small picture, the faint pixels beside a piece are part
   * of its strokes.
   */
  function findStrokes(ink, level) {
    const { width, height, data } = ink;
    const pieces = findPieces(ink, level);
    if (Math.max(width, height) > SMALL) return pieces;
    const owner = new Int32Array(data.length);
    pieces.forEach((piece, i) => {
      piece.pixels = [...piece.pixels];
      for (const n of piece.pixels) owner[n] = i + 1;
    });
    for (let n = 0; n < data.length; n++) {
      if (owner[n] || !(data[n] > 0)) continue;
      const [x, y] = [n % width, Math.floor(n / width)];
      let beside = 0;
      for (let row = Math.max(y - 1, 0); row <= Math.min(y + 1, height - 1); row++) {
        for (let at = Math.max(x - 1, 0); at <= Math.min(x + 1, width - 1); at++) {
          beside = Math.max(beside, owner[row * width + at]);
        }
      }
      if (!beside) continue;
      const piece = pieces[beside - 1];
      piece.pixels.push(n);
      piece.left = Math.min(piece.left, x);
      piece.top = Math.min(piece.top, y);
      piece.right = Math.max(piece.right, x + 1);
      piece.bottom = Math.max(piece.bottom, y + 1);
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

  function heaviest(pieces, by) {
    return pieces.reduce((a, b) => (b[by] > a[by] ? b : a));
  }

  /**
   * Whether a piece lies along a side of the picture, as a table, a sleeve or a fold does: it fills
   * half of the side, or touches it and stretches over a third of it without reaching deep.
   */
  function spansBorder({ pixels, left, top, right, bottom }, width, height) {
    if (left > 2 && top > 2 && right < width - 2 && bottom < height - 2) return false;
    const deep = Math.max(2, round(0.02 * Math.min(width, height))); // no printed line is as thick
    const [columns, rows] = [new Int32Array(width), new Int32Array(height)]; // pixels in each
    for (const n of pixels) {
      const y = (n / width) | 0;
      rows[y]++;
      columns[n - y * width]++;
    }
    const covers = (counts, place, along) => counts[place] > 0.5 * along;
    const [wide, tall] = [right - left > 0.33 * width, bottom - top > 0.33 * height];
    return (
      (top <= 2 && bottom < 0.2 * height && wide) ||
      (height - bottom <= 2 && height - top < 0.2 * height && wide) ||
      (left <= 2 && right < 0.2 * width && tall) ||
      (width - right <= 2 && width - left < 0.2 * width && tall) ||
      (covers(rows, 0, width) && covers(rows, deep, width)) ||
      (covers(rows, height - 1, width) && covers(rows, height - 1 - deep, width)) ||
      (covers(columns, 0, height) && covers(columns, deep, height)) ||
      (covers(columns, width - 1, height) && covers(columns, width - 1 - deep, height))
    );
  }

  // --- ruled lines ------------------------------------------------------------------------------

  function transpose({ width, height, data }) {
    const turned = make(height, width);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) turned.data[x * height + y] = data[y * width + x];
    }
    return turned;
  }

  /** Take away ruled lines, squares and the frame of a form's box, and leave strokes whole. */
  function removeLines(ink) {
    const inkOf = ({ data }) => data.reduce((sum, value) => sum + value, 0);
    const withoutLines = (picture) => erase(picture, findLines(picture, 0.6, true));
    const rest = transpose(withoutLines(transpose(withoutLines(ink))));
    // A digit 1 that fills the picture is a line, too.
    const result = inkOf(rest) > 0.03 * inkOf(ink) ? rest : copy(ink);
    for (const piece of findPieces(result, 0.3)) {
      const { left, top, right, bottom, pixels } = piece;
      const alone = make(right - left, bottom - top);
      if (Math.min(alone.width, alone.height) < 24) continue;
      const place = (n) => (Math.floor(n / ink.width) - top) * alone.width + (n % ink.width) - left;
      for (const n of pixels) alone.data[place(n)] = result.data[n];
      const across = findLines(alone, 0.7, false);
      const down = findLines(transpose(alone), 0.7, false);
      const sides = [across, down].flatMap((found, axis) => {
        const shares = found.map(({ row }) => row / (axis ? alone.width : alone.height));
        return [shares.some((share) => share < 0.25), shares.some((share) => share > 0.75)];
      });
      if (sides.filter(Boolean).length < 3 || !isClosed(alone)) continue;
      const unframed = transpose(erase(transpose(erase(alone, across)), down));
      for (const n of pixels) result.data[n] = unframed.data[place(n)];
    }
    return result;
  }

  /**
   * Whether an outline lets nothing in, apart from gaps of up to four pixels. A box does not; digits
   * that touch are open between each other.
   */
  function isClosed(piece) {
    const mask = make(piece.width + 6, piece.height + 6);
    for (let y = 0, n = 0; y < piece.height; y++) {
      const start = (y + 3) * mask.width + 3;
      for (let x = 0; x < piece.width; x++, n++) mask.data[start + x] = piece.data[n] > 0.3 ? 1 : 0;
    }
    const closed = extreme(extreme(mask, 5, 1), 5, -1);
    const outside = findPieces(map(closed, (value) => 1 - value), 0.5, false).find(
      ({ left, top }) => left === 0 && top === 0,
    );
    const isOutside = new Uint8Array(closed.data.length);
    for (const n of outside.pixels) isOutside[n] = 1;
    let [filled, between] = [0, 0];
    for (let x = 0; x < closed.width; x++) {
      let [first, last] = [-1, -1];
      for (let y = 0; y < closed.height; y++) {
        if (isOutside[y * closed.width + x]) continue;
        if (first < 0) first = y;
        last = y;
        filled++;
      }
      if (first >= 0) between += last + 1 - first;
    }
    return filled >= 0.98 * between;
  }

  /**
   * Nearly horizontal lines that cover a share of the columns: Hough's vote with slopes up to 0.12.
   * A line is { slope, row }, the row at the middle column. What is printed runs on beyond the
   * picture (`across`); a table may hide one end of it.
   */
  function findLines(ink, share, across) {
    const [longer, shorter] = [Math.max(ink.width, ink.height), Math.min(ink.width, ink.height)];
    const factor = Math.max(1, Math.min(Math.ceil(longer / 300), Math.floor(shorter / 8)));
    const [width, height] = [Math.floor(ink.width / factor), Math.floor(ink.height / factor)];
    const isInk = new Uint8Array(width * height);
    for (let y = 0; y < height * factor; y++) {
      const start = Math.floor(y / factor) * width;
      for (let x = 0; x < width * factor; x++) {
        if (ink.data[y * ink.width + x] > 0.3) isInk[start + Math.floor(x / factor)] = 1;
      }
    }
    const [xs, ys] = [[], []];
    for (let n = 0; n < isInk.length; n++) {
      if (!isInk[n]) continue;
      xs.push(n % width);
      ys.push(Math.floor(n / width));
    }
    if (new Set(xs).size < share * width) return [];
    const pad = Math.floor(0.12 * width) + 2;
    const rows = height + 2 * pad;
    const slopes = Array.from({ length: 49 }, (_, n) => -0.12 + 0.005 * n);
    const votes = new Int32Array(slopes.length * rows);
    // Where a line of each slope runs in each column, found once: most of the time goes by here.
    const falls = Array.from({ length: width }, (_, x) => x - width / 2);
    slopes.forEach((slope, n) => {
      const starts = Int32Array.from(falls, (fall) => n * rows - round(slope * fall) + pad);
      for (let k = 0; k < xs.length; k++) votes[starts[xs[k]] + ys[k]]++;
    });
    const lines = [];
    let certain = !across;
    for (;;) {
      const best = votes.indexOf(largest(votes));
      // One line alone may be a long stroke, unless it runs from border to border.
      if (votes[best] < share * width) return certain || lines.length > 1 ? lines : [];
      const [slope, row] = [slopes[Math.floor(best / rows)], best % rows];
      const onLine = xs.filter(
        (x, k) => Math.abs(ys[k] - (row - pad) - slope * (x - width / 2)) < 1.5,
      );
      const ends = [Math.min(...onLine) / width, 1 - (Math.max(...onLine) + 1) / width];
      if (!across || (Math.max(...ends) < 0.2 && Math.min(...ends) < 0.03)) {
        lines.push({ slope, row: (row - pad + 0.5) * factor });
        certain ||= Math.max(...ends) < 0.03;
      }
      slopes.forEach((_, n) => {
        votes.fill(0, n * rows + Math.max(row - 3, 0), n * rows + Math.min(row + 4, rows));
      });
    }
  }

  /** Take nearly horizontal lines away where nothing taller than they are crosses them. */
  function erase(ink, lines) {
    const { width, height } = ink;
    const isInk = (y, x) => y >= 0 && y < height && ink.data[y * width + x] > 0.3;
    const reach = Math.max(2, round(0.008 * Math.max(width, height)));
    const longest = Math.max(width, height);
    const rest = copy(ink);
    for (const { slope, row } of lines) {
      const runs = []; // of ink, down each column, at the line
      for (let x = 0; x < width; x++) {
        const at = round(row + slope * (x - width / 2));
        let y = null;
        for (let away = 0; y === null && away <= reach; away++) {
          if (isInk(at + away, x)) y = at + away;
          else if (isInk(at - away, x)) y = at - away;
        }
        if (y === null) continue;
        let [start, stop] = [y, y + 1];
        while (isInk(start - 1, x)) start--;
        while (isInk(stop, x)) stop++;
        runs.push({ x, start, stop });
      }
      if (!runs.length) continue;
      const [thickness] = quantiles(
        runs.map(({ start, stop }) => stop - start),
        [0.5],
      );
      if (thickness > 0.04 * longest) continue;
      for (const { x, start, stop } of runs) {
        if (stop - start > 1.5 * thickness + 1) continue;
        for (let y = Math.max(start - 1, 0); y < Math.min(stop + 1, height); y++) {
          rest.data[y * width + x] = 0;
        }
      }
    }
    return rest;
  }

  /** Keep the strokes of one digit: the heaviest piece and what lies close to it. */
  function selectDigit(ink) {
    const { width, height, data } = ink;
    const pieces = findStrokes(ink, Math.max(width, height) <= SMALL ? FAINT : 0.3);
    for (const piece of pieces) piece.mass = sumOf(piece.pixels, data);
    if (!pieces.length) throw new NoDigitError("There are no strokes.", "blank");
    // A digit is what the camera is aimed at: what lies along the border counts for less.
    for (const piece of pieces) {
      const [y, x] = [(piece.top + piece.bottom) / 2, (piece.left + piece.right) / 2];
      const inset = Math.min(Math.min(y, height - y) / height, Math.min(x, width - x) / width);
      piece.aimed = piece.mass * Math.min(5 * inset, 1) ** 2;
    }
    const main = heaviest(pieces, "aimed");
    const around = { ...main };
    const keep = new Set([main]);
    for (let grown = true; grown;) {
      grown = false;
      const side = Math.max(around.bottom - around.top, around.right - around.left);
      let longest = 0;
      for (const piece of keep) {
        longest = Math.max(longest, piece.bottom - piece.top, piece.right - piece.left);
      }
      const near = 0.2 * Math.min(side, 1.25 * longest);
      for (const piece of pieces) {
        if (keep.has(piece) || piece.mass < 0.015 * main.mass) continue;
        const above = Math.max(piece.top - around.bottom, around.top - piece.bottom);
        const beside = Math.max(piece.left - around.right, around.left - piece.right);
        const away = Math.max(above, beside);
        if (away >= near) continue;
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
    const massOf = (some) => some.reduce((sum, { mass }) => sum + mass, 0);
    const others = pieces.filter((piece) => !keep.has(piece) && piece.mass > 0.3 * main.mass);
    if (others.length > MOST_OTHERS || massOf([...keep]) < 0.3 * massOf(pieces)) {
      throw new NoDigitError("There are many marks.", "marks");
    }
    const digit = only([...keep], ink);
    const fault = faultOf(digit);
    if (fault) throw new NoDigitError("There are no strokes of a pen.", fault);
    return digit;
  }

  /** The ink of some pieces; 0 elsewhere. */
  function only(pieces, { width, height, data }) {
    const ink = make(width, height);
    for (const { pixels } of pieces) for (const n of pixels) ink.data[n] = data[n];
    return ink;
  }

  /**
   * Tell a digit (null) from a dot, a blot, and a scribble with as many parts as a sponge: what
   * noise becomes, too.
   */
  function faultOf(ink) {
    const cut = crop(ink);
    const [longer, shorter] = [Math.max(cut.width, cut.height), Math.min(cut.width, cut.height)];
    if (10 * longer < Math.min(160, ink.width, ink.height)) return "dot";
    const blot = 5 * longer < Math.min(ink.width, ink.height) ? "dot" : "blot";
    const wide = 2 * shorter > longer;
    if (longer <= BOX) {
      const sum = cut.data.reduce((total, value) => total + value, 0);
      return !wide || sum < 0.75 * cut.data.length ? null : blot;
    }
    const { mask, stroke, filled } = fineMask(cut);
    if (stroke > BLOT || (wide && stroke > WIDEST && filled > 0.75)) return blot;
    const paper = map(mask, (value) => 1 - value);
    const loops = findPieces(paper, 0.5, false).filter(({ pixels }) => pixels.length >= FINE ** 2 / 4);
    const fragments = findPieces(mask, 0.5);
    return Math.max(loops.length, fragments.length) <= MOST_PARTS ? null : "scribble";
  }

  // --- several digits ---------------------------------------------------------------------------

  const heightOf = ({ top, bottom }) => bottom - top;
  const widthOf = ({ left, right }) => right - left;
  const middleOf = ({ top, bottom, left, right }) => [(top + bottom) / 2, (left + right) / 2];

  function median(numbers) {
    const sorted = Float64Array.from(numbers).sort();
    const half = sorted.length >> 1;
    return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }

  /**
   * Part the ink of a drawing into digits: lists of pieces, in rows from top to bottom, each from
   * left to right.
   */
  function groupDigits(ink) {
    const { width, height, data } = ink;
    const leastSide = Math.min(160, width, height) / 10;
    const side = (box) => Math.max(heightOf(box), widthOf(box));
    const pieces = findStrokes(ink, Math.max(width, height) <= SMALL ? FAINT : 0.3);
    for (const piece of pieces) piece.mass = sumOf(piece.pixels, data);
    // The rest is dust, too small for a fragment of a digit.
    const some = pieces.filter((piece) => piece.mass > 0 && side(piece) >= 0.3 * leastSide);
    return some.length ? lineUp(cluster(some).filter((digit) => side(digit) >= leastSide)) : [];
  }

  /** The height of most of the ink, as long as that is not a line, an edge or a shadow. */
  function usualHeight(pieces) {
    const massOf = (some) => some.reduce((sum, { mass }) => sum + mass, 0);
    const middle = (some) => {
      const half = massOf(some) / 2;
      let sum = 0;
      return heightOf(some.find(({ mass }) => (sum += mass) >= half) ?? some[some.length - 1]);
    };
    let kept = [...pieces].sort((a, b) => heightOf(a) - heightOf(b));
    for (;;) {
      const usual = middle(kept);
      const main = heaviest(kept, "mass");
      const others = kept.filter((piece) => piece !== main);
      let outweighs = false; // one piece that outweighs the digits, and is much higher than they are
      if (others.length) {
        const lower = middle(others);
        const alike = others.filter((piece) => Math.abs(heightOf(piece) - lower) <= 0.4 * lower);
        const enough = massOf(others) > 0.15 * main.mass;
        outweighs = heightOf(main) >= 2.5 * lower && alike.length > 2 && enough;
      }
      const rest = kept.filter(
        (piece) => widthOf(piece) < 3 * usual && !(outweighs && piece === main),
      );
      if (!rest.length || rest.length === kept.length) return usual;
      kept = rest;
    }
  }

  /** Put pieces together that are one digit. */
  function cluster(pieces) {
    const usual = usualHeight(pieces);
    const fitting = pieces.filter(
      (piece) => heightOf(piece) < 3 * usual && widthOf(piece) < 3 * usual,
    );
    const isLarge = (piece) => heightOf(piece) >= 0.5 * usual;
    const large = fitting.filter(isLarge);
    const typical = large.length
      ? median(large.map(({ mass }) => mass))
      : Math.max(...pieces.map(({ mass }) => mass));
    const groups = fitting
      .filter((piece) => {
        return isLarge(piece) || (piece.mass > 0.02 * typical && widthOf(piece) < usual);
      })
      .map((piece) => {
        const { left, top, right, bottom } = piece;
        return { left, top, right, bottom, whole: isLarge(piece), members: [piece] };
      });
    const pairs = [];
    groups.forEach((one, i) => {
      for (const two of groups.slice(i + 1)) {
        const [a, b] = [middleOf(one), middleOf(two)];
        if (Math.hypot(a[0] - b[0], a[1] - b[1]) > 2.5 * usual) continue;
        // How far two boxes are apart; negative where they share rows or columns.
        const above = Math.max(one.top - two.bottom, two.top - one.bottom);
        const beside = Math.max(one.left - two.right, two.left - one.right);
        // What stands beside a digit is more likely a neighbour's than what is above it.
        const away = Math.hypot(Math.max(above, 0), 2 * Math.max(beside, 0));
        pairs.push({ one, two, above, beside, away });
      }
    });
    const around = (one, two) => ({
      left: Math.min(one.left, two.left),
      top: Math.min(one.top, two.top),
      right: Math.max(one.right, two.right),
      bottom: Math.max(one.bottom, two.bottom),
    });
    const groupOf = (group) => (group.into ? groupOf(group.into) : group);
    const join = (one, two) => {
      Object.assign(one, around(one, two));
      one.whole ||= two.whole || heightOf(one) >= 0.6 * usual;
      one.members.push(...two.members);
      two.into = one;
    };
    // The nearest first, so that a fragment goes to its own digit before it goes to a neighbour.
    const near = pairs.filter(({ away }) => away < 0.3 * usual).sort((a, b) => a.away - b.away);
    for (const pair of near) {
      const [one, two] = [groupOf(pair.one), groupOf(pair.two)];
      if (one === two || (one.whole && two.whole)) continue;
      const both = around(one, two);
      const size = Math.max(heightOf(both) / 1.3, widthOf(both));
      if (one.whole || two.whole || size <= usual) join(one, two);
    }
    // Two whole pieces are one digit if they stand above or inside each other.
    for (const pair of pairs) {
      if (pair.above >= 0.3 * usual || pair.beside >= 0.3 * usual) continue;
      const [one, two] = [groupOf(pair.one), groupOf(pair.two)];
      if (one === two || !one.whole || !two.whole) continue;
      const overlap = Math.min(one.right, two.right) - Math.max(one.left, two.left);
      const gap = Math.max(one.top, two.top) - Math.min(one.bottom, two.bottom);
      const narrower = Math.min(widthOf(one), widthOf(two));
      const low = heightOf(around(one, two)) < 1.5 * usual;
      if (gap < 0.2 * usual && low && overlap > 0.4 * narrower) join(one, two);
    }
    return groups.filter((group) => {
      if (group.into) return false;
      const mass = group.members.reduce((sum, piece) => sum + piece.mass, 0);
      return group.whole || (heightOf(group) >= 0.3 * usual && mass >= 0.22 * typical);
    });
  }

  /** Part digits into lines of writing; a digit joins the line whose latest one it overlaps most. */
  function lineUp(digits) {
    const rows = [];
    for (const digit of [...digits].sort((a, b) => a.left - b.left)) {
      let [best, most] = [null, 0.4];
      for (const row of rows) {
        const last = row[row.length - 1];
        const shared = Math.min(digit.bottom, last.bottom) - Math.max(digit.top, last.top);
        const overlap = shared / Math.min(heightOf(digit), heightOf(last));
        if (overlap > most) [best, most] = [row, overlap];
      }
      if (best) best.push(digit);
      else rows.push([digit]);
    }
    // Sloping lines of different lengths are compared at the same place across.
    const means = rows.map((row) =>
      [0, 1].map((axis) => row.reduce((sum, box) => sum + middleOf(box)[axis], 0) / row.length),
    );
    const slopes = rows.flatMap((row, n) => {
      if (row.length < 3) return [];
      let [down, along] = [0, 0];
      for (const [y, x] of row.map(middleOf)) {
        down += (y - means[n][0]) * (x - means[n][1]);
        along += (x - means[n][1]) ** 2;
      }
      return [down / along];
    });
    const slope = slopes.length ? median(slopes) : 0;
    const place = (n) => means[n][0] - slope * means[n][1];
    return [...rows.keys()].sort((a, b) => place(a) - place(b)).map((n) => rows[n]);
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
    if (right <= left) throw new NoDigitError("There is no ink.", "blank");
    const cut = make(right - left, bottom - top);
    for (let y = top; y < bottom; y++) {
      cut.data.set(data.subarray(y * width + left, y * width + right), (y - top) * cut.width);
    }
    return cut;
  }

  /**
   * For each of the larger pixels, each `pixel` old ones wide, that `before` are averaged into: the
   * first that it is made of, and weights. The last one averages what there is of it.
   */
  function areaWeights(before, pixel) {
    return Array.from({ length: Math.ceil(before / pixel - 1e-6) }, (_, n) => {
      const [start, end] = [n * pixel, Math.min((n + 1) * pixel, before)];
      const first = Math.floor(start);
      const length = Math.min(Math.ceil(end), before) - first;
      const part = (at) => (Math.min(at + 1, end) - Math.max(at, start)) / (end - start);
      return { first, weights: Float64Array.from({ length }, (_, k) => part(first + k)) };
    });
  }

  /** The same for `after` pixels, averaged or interpolated. */
  function weightsOf(before, after) {
    if (after <= before) return areaWeights(before, before / after);
    return Array.from({ length: after }, (_, n) => {
      // A straight line between the two pixels around; none lie beyond the border.
      const middle = ((n + 0.5) * before) / after - 0.5;
      const first = Math.max(Math.floor(middle), 0);
      const length = Math.min(Math.floor(middle) + 2, before) - first;
      const weight = (_, k) => 1 - Math.abs(middle - first - k);
      return { first, weights: Float64Array.from({ length }, weight) };
    });
  }

  /** Average down or interpolate up, each axis by itself. */
  function resize(picture, width, height) {
    return weigh(picture, weightsOf(picture.width, width), weightsOf(picture.height, height));
  }

  /** Lay a picture in the middle of a square, and scale the square to `side` pixels. */
  function resizeSquare(picture, side) {
    const longest = Math.max(picture.width, picture.height);
    const square = make(longest, longest);
    const top = (longest - picture.height) >> 1;
    const left = (longest - picture.width) >> 1;
    for (let y = 0; y < picture.height; y++) {
      const row = picture.data.subarray(y * picture.width, (y + 1) * picture.width);
      square.data.set(row, (top + y) * longest + left);
    }
    return resize(square, side, side);
  }

  /** Average with one list of weights for the columns and one for the rows. */
  function weigh(picture, columns, rows) {
    const half = make(picture.width, rows.length);
    rows.forEach(({ first, weights }, y) => {
      const line = half.data.subarray(y * half.width, (y + 1) * half.width);
      weights.forEach((weight, k) => {
        const from = (first + k) * picture.width;
        for (let x = 0; x < line.length; x++) line[x] += weight * picture.data[from + x];
      });
    });
    const result = make(columns.length, rows.length);
    columns.forEach(({ first, weights }, x) => {
      for (let y = 0; y < rows.length; y++) {
        let sum = 0;
        const from = y * half.width + first;
        for (let k = 0; k < weights.length; k++) sum += weights[k] * half.data[from + k];
        result.data[y * columns.length + x] = sum;
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

  /**
   * Scale a cut-out digit to the fine grid. Returns its ink as a mask of 0 and 1 with paper around
   * it, the distance from there to the paper, the stroke's width, and how much of the box is ink.
   */
  function fineMask(ink) {
    const longest = Math.max(ink.width, ink.height);
    const fine = FINE * BOX;
    const large = resizeSquare(ink, fine);
    // Averaging makes a line thinner than a pixel faint; interpolation blurs edges.
    const peak = largest(large.data);
    const size = 2 * round((1.5 * fine) / longest) + 1;
    const around = longest > fine ? null : extreme(copy(large), size, 1).data;
    const level = (n) => (around ? Math.max((0.5 - TIE) * around[n], 0.2 * peak) : (0.25 - TIE) * peak);
    const box = crop(map(large, (value, n) => (value > level(n) ? 1 : 0)));
    const mask = surrounded(box, 2 * FINE);
    const inside = surrounded(box, 2 * FINE + 1);
    const toPaper = cut(
      { ...inside, data: distanceTo(0, inside.data, inside.width, inside.height) },
      1,
    ).data;
    let [sum, pixels] = [0, 0];
    for (let n = 0; n < mask.data.length; n++) {
      if (!mask.data[n]) continue;
      sum += toPaper[n] - 0.5;
      pixels++;
    }
    return { mask, toPaper, stroke: (4 * sum) / pixels / FINE, filled: pixels / box.data.length };
  }

  /** With that many empty pixels on each side. */
  function surrounded({ width, height, data }, by) {
    const larger = make(width + 2 * by, height + 2 * by);
    for (let y = 0; y < height; y++) {
      larger.data.set(data.subarray(y * width, (y + 1) * width), (y + by) * larger.width + by);
    }
    return larger;
  }

  /** Draw a digit again on a fine grid, with a stroke width that MNIST has. */
  function adjustStroke(ink) {
    if (Math.max(ink.width, ink.height) <= BOX) return ink;
    const { mask, toPaper, stroke } = fineMask(ink);
    const change = clamp(stroke, THIN, THICK) - stroke;
    // A stroke that stays or becomes thinner needs no ink where there was none.
    const toInk = change > 0 ? distanceTo(1, mask.data, mask.width, mask.height) : null;
    return crop(
      map(mask, (isInk, n) => {
        if (!isInk && !toInk) return 0;
        const distance = isInk ? toPaper[n] - 0.5 : 0.5 - toInk[n];
        return clamp(distance + (FINE * change) / 2 + 0.5, 0, 1);
      }),
    );
  }

  /** Scale a digit into the box of 20 × 20 pixels, its aspect kept. */
  function fitBox(ink) {
    return resizeSquare(ink, BOX);
  }

  /** Place a digit in 28 × 28 pixels with its centre of mass in the middle. */
  function centre(boxed) {
    const darkest = Math.min(1, largest(boxed.data));
    const ink = map(crop(boxed), (value) => value / darkest);
    let [total, down, right] = [0, 0, 0];
    ink.data.forEach((value, n) => {
      total += value;
      down += value * Math.floor(n / ink.width);
      right += value * (n % ink.width);
    });
    const start = (mean, length) => clamp(Math.floor(MIDDLE - mean + 0.5 + TIE), 0, SIDE - length);
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

  // --- sharpness --------------------------------------------------------------------------------

  /** Average a picture that was enlarged or blurred down to the sharpness that it has. */
  function focus(grey) {
    const { width, height } = grey;
    const factor = Math.min(edgeWidth(grey) / EDGE, Math.max(width, height) / MIN_SIDE);
    if (factor <= 1) return grey;
    return weigh(grey, areaWeights(width, factor), areaWeights(height, factor));
  }

  /** Over how many pixels the sharpest edge runs: its contrast over its slope. */
  function edgeWidth(grey) {
    const { width, height, data } = grey;
    const slope = new Float32Array(data.length);
    const compare = (n, other) => {
      const step = Math.abs(data[n] - data[other]);
      if (step > slope[n]) slope[n] = step;
      if (step > slope[other]) slope[other] = step;
    };
    for (let y = 0, n = 0; y < height; y++) {
      for (let x = 0; x < width; x++, n++) {
        if (x + 1 < width) compare(n, n + 1);
        if (y + 1 < height) compare(n, n + width);
      }
    }
    const steepest = largest(slope);
    if (range(data) <= EDGE * steepest) return 1;
    // A pale stroke's edge may be less steep than a shadow's, but it is narrower.
    let edge = 0;
    for (const reach of EDGES) {
      if (reach < 1.5 * edge) continue;
      const [most, least] = [1, -1].map((sign) => extreme(copy(grey), 2 * reach + 1, sign).data);
      edge = Infinity;
      for (let n = 0; n < data.length; n++) {
        if (slope[n] > 0.5 * steepest) edge = Math.min(edge, (most[n] - least[n]) / slope[n]);
      }
    }
    return edge;
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

  /**
   * Do the same to every row of a picture, then to every column, and return it. `filter` gets a line
   * with `before` and `after` more pixels at its ends, which mirror the picture, and fills the line
   * of the result.
   */
  function separably(picture, before, after, filter) {
    const { width, height, data } = picture;
    function run(line, padded) {
      padded.set(line, before);
      for (let n = 0; n < before; n++) padded[n] = line[mirrored(n - before, line.length)];
      for (let n = 0; n < after; n++) {
        padded[before + line.length + n] = line[mirrored(line.length + n, line.length)];
      }
      filter(padded, line);
    }
    let padded = new Float32Array(before + width + after);
    for (let y = 0; y < height; y++) run(data.subarray(y * width, (y + 1) * width), padded);
    padded = new Float32Array(before + height + after);
    const column = new Float32Array(height);
    for (let x = 0; x < width; x++) {
      for (let y = 0; y < height; y++) column[y] = data[y * width + x];
      run(column, padded);
      for (let y = 0; y < height; y++) data[y * width + x] = column[y];
    }
    return picture;
  }

  /** The pixel that a place beyond the border takes its value from: the picture, mirrored. */
  function mirrored(at, length) {
    const turned = ((at % (2 * length)) + 2 * length) % (2 * length);
    return turned < length ? turned : 2 * length - 1 - turned;
  }

  /** Gaussian blur; sigma in pixels. */
  function blur(picture, sigma) {
    const reach = Math.floor(4 * sigma + 0.5);
    const weights = Float64Array.from({ length: 2 * reach + 1 }, (_, n) =>
      Math.exp(-0.5 * ((n - reach) / sigma) ** 2),
    );
    const total = weights.reduce((a, b) => a + b);
    return separably(copy(picture), reach, reach, (padded, line) => {
      for (let n = 0; n < line.length; n++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k] * padded[n + k];
        line[n] = sum / total;
      }
    });
  }

  /** The mean of the square around each pixel, in its place. */
  function average(picture, size) {
    const before = size >> 1;
    return separably(picture, before, size - before, (padded, line) => {
      let sum = 0;
      for (let n = 0; n < size; n++) sum += padded[n];
      for (let n = 0; n < line.length; n++) {
        line[n] = sum / size;
        sum += padded[n + size] - padded[n];
      }
    });
  }

  /** The largest (sign 1) or smallest (sign -1) pixel of the square around each, in its place. */
  function extreme(picture, size, sign) {
    const reach = size >> 1;
    const longest = Math.max(picture.width, picture.height) + 2 * reach;
    const [left, right] = [new Float32Array(longest), new Float32Array(longest)];
    return separably(picture, reach, reach, (padded, line) => {
      // Van Herk: the best so far from the left and from the right of blocks as long as the square.
      const last = padded.length - 1;
      for (let start = 0; start <= last; start += size) {
        const end = Math.min(start + size - 1, last);
        for (let n = start, most = -Infinity; n <= end; n++) {
          const value = sign * padded[n];
          left[n] = most = most > value ? most : value;
        }
        for (let n = end, most = -Infinity; n >= start; n--) {
          const value = sign * padded[n];
          right[n] = most = most > value ? most : value;
        }
      }
      for (let n = 0; n < line.length; n++) {
        line[n] = sign * Math.max(right[n], left[n + size - 1]);
      }
    });
  }

  /** How steeply the shade changes: the length of its gradient, after a blur. */
  function steepness(picture, sigma) {
    const { width, height, data } = blur(picture, sigma);
    const result = make(width, height);
    for (let y = 0; y < height; y++) {
      const [above, below] = [mirrored(y - 1, height), mirrored(y + 1, height)];
      for (let x = 0; x < width; x++) {
        const [before, after] = [mirrored(x - 1, width), mirrored(x + 1, width)];
        const down = data[below * width + x] - data[above * width + x];
        const right = data[y * width + after] - data[y * width + before];
        result.data[y * width + x] = Math.sqrt(down * down + right * right) / 2;
      }
    }
    return result;
  }

  // --- the whole way ----------------------------------------------------------------------------

  function inkOf(darkness) {
    return removeLines(findInk(darkness));
  }

  /** Do what pauses in one go. */
  function finish(work) {
    for (;;) {
      const { done, value } = work.next();
      if (done) return value;
    }
  }

  function darknessOf(grey) {
    return finish(findDarkness(grey));
  }

  /** Prepare a picture of one digit, with pauses in which a page can answer its reader. */
  function* prepare(picture) {
    const darkness = yield* findDarkness(focus(picture));
    return asMnist(selectDigit(inkOf(darkness)));
  }

  /** Prepare a picture of one digit. */
  function toMnist(picture) {
    return finish(prepare(picture));
  }

  /**
   * Prepare every digit of a drawing: rows from top to bottom, each from left to right. A digit has
   * its `box` in the picture's pixels. A single one is prepared as `toMnist` does it.
   */
  function findDigits(picture) {
    const ink = inkOf(darknessOf(focus(picture)));
    const scale = picture.width / ink.width;
    const groups = groupDigits(ink);
    if (groups.flat().length < 2) return [[asMnist(selectDigit(ink))]];
    const rows = groups.map((row) => {
      const digits = row.map(({ left, top, right, bottom, members }) => {
        const box = { left, top, right, bottom };
        for (const edge in box) box[edge] *= scale;
        return { box, ink: only(members, ink) };
      });
      return digits.filter((digit) => !faultOf(digit.ink));
    });
    if (rows.flat().length < 2) return [[asMnist(selectDigit(ink))]];
    return rows
      .filter((row) => row.length)
      .map((row) => row.map((digit) => ({ ...asMnist(digit.ink), box: digit.box })));
  }

  /** Take MNIST's own steps; they are there to be shown. */
  function asMnist(ink) {
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

  return {
    NoDigitError,
    findDigits,
    prepare,
    resizeOnly,
    toGrey,
    toMnist,
    ...{ asMnist, darknessOf, findInk, focus, removeLines, selectDigit }, // steps, for tests
  };
})();
