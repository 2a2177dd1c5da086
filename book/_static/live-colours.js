"use strict";

// Numbers as colours and as words: the live page's maps, sums and evidence look alike.
const Colours = (() => {
  // ColorBrewer's red-blue scale, as the course's figures have it: safe for the colour-blind.
  const STOPS = [
    [5, 48, 97],
    [33, 102, 172],
    [67, 147, 195],
    [146, 197, 222],
    [209, 229, 240],
    [247, 247, 247],
    [253, 219, 199],
    [244, 165, 130],
    [214, 96, 77],
    [178, 24, 43],
    [103, 0, 31],
  ];
  const COLOURS = new Uint8ClampedArray(3 * 256);
  for (let n = 0; n < 256; n++) {
    const at = (n / 255) * (STOPS.length - 1);
    const before = Math.min(Math.floor(at), STOPS.length - 2);
    for (let part = 0; part < 3; part++) {
      const [from, to] = [STOPS[before][part], STOPS[before + 1][part]];
      COLOURS[3 * n + part] = from + (to - from) * (at - before);
    }
  }

  /** Where the colour of a number begins in COLOURS, on a scale from -most to most. */
  function colour(number, most) {
    return 3 * Math.min(Math.max(Math.round(127.5 + (127.5 * number) / most), 0), 255);
  }

  /** Black or white, whichever can be read on a colour (the contrast of WCAG 2). */
  function textOn(colours) {
    const [red, green, blue] = colours.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
  }

  function cellStyle(colours) {
    return { background: `rgb(${colours.join(" ")})`, color: textOn(colours) };
  }

  function background(number, most) {
    const start = colour(number, most);
    return cellStyle(Array.from(COLOURS.subarray(start, start + 3)));
  }

  function size(numbers) {
    let most = 1e-6; // all zero: white, not a division by zero
    for (const number of numbers) if (Math.abs(number) > most) most = Math.abs(number);
    return most;
  }

  /** A number with a real minus sign and two decimals, or fewer where it is large. */
  function written(number, sign = "") {
    const digits = Math.abs(number) >= 100 ? 0 : Math.abs(number) >= 10 ? 1 : 2;
    const text = Math.abs(number).toFixed(digits);
    return (number < 0 && Number(text) !== 0 ? "−" : sign) + text;
  }

  return { COLOURS, colour, cellStyle, background, size, written };
})();
