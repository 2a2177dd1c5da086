// What all explorables share. `tools(root)` builds the parts of one inside `root`; nothing has an
// id, nothing is global, and every style is inline, so that several live on one page.
const tools = (root) => {
  const REST = 600; // milliseconds without change before a sentence is announced

  /** Make an element with some properties, a style and children. */
  function make(tag, { style, attributes, ...properties } = {}, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    Object.assign(element.style, style);
    for (const [name, value] of Object.entries(attributes ?? {})) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  // In a notebook, keys are commands of the notebook unless this says otherwise.
  const focusable = { "data-lm-suppress-shortcuts": "true" };
  root.addEventListener("keydown", (event) => event.stopPropagation());

  root.querySelector("img").remove();
  const row = { display: "flex", flexWrap: "wrap", gap: "0.75rem 1.25rem", alignItems: "flex-end" };
  const stage = make("div", { style: { ...row, alignItems: "flex-start" } });
  const controls = make("div", { style: { ...row, margin: "0.75rem 0" } });
  const sentence = make("p", { style: { margin: "0.5rem 0", minHeight: "3em" } });
  const spoken = make("span", {
    style: { position: "absolute", width: "1px", height: "1px", overflow: "hidden", clipPath: "inset(50%)" },
    attributes: { role: "status" },
  });
  root.querySelector("[data-place]").replaceWith(stage, controls, sentence, spoken);

  // --- words ------------------------------------------------------------------------------------

  let rest = 0;
  /** Say the state in a sentence: at once to the eye, and after a rest to a screen reader. */
  function say(text) {
    if (sentence.textContent === text) return;
    const first = !sentence.textContent;
    sentence.textContent = text;
    clearTimeout(rest);
    if (!first) rest = setTimeout(() => (spoken.textContent = text), REST);
  }

  /** Write a number with at most so many decimals, and with a real minus sign. */
  function number(value, decimals = 2) {
    const rounded = Number(value.toFixed(decimals)) || 0; // not "-0"
    return String(rounded).replace("-", "\u2212");
  }

  /** A digit with its article, as one says it. */
  const named = (digit) => `${Number(digit) === 8 ? "an" : "a"} ${digit}`;

  /** Where an arrow key leads, as rows down and columns to the right; undefined for other keys. */
  const arrow = (key) =>
    ({ ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] })[key];

  const percent = (part, decimals = 1) => `${(100 * part).toFixed(decimals)}\u00a0%`;

  // --- colours ----------------------------------------------------------------------------------

  /** The page's colours: those of the course's figures, light or dark as the page's text is. */
  function colours() {
    const ink = getComputedStyle(root).color;
    const [red, green, blue] = ink.match(/[\d.]+/g).map(Number);
    const dark = red + green + blue > 380;
    return {
      dark,
      ink,
      page: dark ? "#121212" : "#fcfcfa",
      line: dark ? "#8a9299" : "#666666",
      soft: dark ? "#5b6167" : "#c9c9c2",
      first: dark ? "#4da6e0" : "#0072b2", // C0 of the course's style
      second: dark ? "#f08a3c" : "#d55e00", // C1
      third: dark ? "#46c2b3" : "#2a9d8f",
    };
  }

  /** The colour of a value from -1 (blue) over 0 (the page's) to 1 (red), as in RdBu. */
  function signed(value, { dark }) {
    const page = dark ? [24, 24, 24] : [250, 250, 248];
    const end = value < 0 ? [33, 102, 172] : [178, 24, 43];
    const part = Math.min(Math.abs(value), 1) ** 0.8;
    return `rgb(${page.map((level, i) => Math.round(level + part * (end[i] - level)))})`;
  }

  /** The grey of a value from 0 (black) to 1 (white), as MNIST's images are shown. */
  function grey(value) {
    const level = Math.round(255 * Math.min(Math.max(value, 0), 1));
    return `rgb(${level},${level},${level})`;
  }

  // --- parts ------------------------------------------------------------------------------------

  const views = [];
  function redraw() {
    root.style.colorScheme = colours().dark ? "dark" : "light"; // of buttons and fields
    for (const view of views) view.draw();
  }

  /**
   * A drawing of `width` × `height` units, as wide as there is space for. `paint(context, colours)`
   * draws it; `at(x, y, event)` hears where the pointer is, `key(name, event)` returns true for the
   * keys that it used. One with neither is a picture. It is `shown` pixels wide, and never narrower
   * than `least`; a `wide` one has a line to itself.
   */
  function view({ width, height, shown = width, least = shown, wide = false, label, paint, at, key, leave, parent = stage }) {
    const moves = Boolean(at || key);
    const canvas = make("canvas", {
      style: {
        width: `${shown}px`, maxWidth: `min(100%, ${shown}px)`, aspectRatio: `${width} / ${height}`,
        flex: wide ? "1 0 100%" : `1 1 ${least}px`,
        minWidth: `min(100%, ${least}px)`, touchAction: at ? "none" : "auto", cursor: at ? "crosshair" : "default",
      },
      attributes: { role: moves ? "application" : "img", "aria-label": label, ...(moves && focusable) },
    });
    if (moves) canvas.tabIndex = 0;
    const draw = () => {
      const density = Math.max(1, ((canvas.clientWidth || shown) / width) * (window.devicePixelRatio || 1));
      canvas.width = Math.round(width * density);
      canvas.height = Math.round(height * density);
      const context = canvas.getContext("2d");
      context.scale(density, density);
      context.font = "14px sans-serif";
      context.textAlign = "center";
      context.textBaseline = "middle";
      paint(context, colours());
    };
    if (at) {
      const tell = (event) => {
        const box = canvas.getBoundingClientRect();
        const [x, y] = [event.clientX - box.left, event.clientY - box.top];
        at((x * width) / box.width, (y * height) / box.height, event);
      };
      canvas.addEventListener("pointerdown", (event) => {
        canvas.focus({ preventScroll: true });
        canvas.setPointerCapture(event.pointerId);
        tell(event);
      });
      canvas.addEventListener("pointermove", tell);
    }
    if (leave) canvas.addEventListener("pointerleave", leave);
    if (key) {
      canvas.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (key(event.key, event)) event.preventDefault();
      });
    }
    parent.append(canvas);
    new ResizeObserver(draw).observe(canvas);
    const made = { canvas, draw };
    views.push(made);
    return made;
  }

  const field = (label, ...parts) =>
    make("label", { style: { display: "inline-flex", flexDirection: "column", gap: "0.15rem" } }, label, ...parts);

  /** A slider with its value beside its name; `change(value)` hears of it. */
  function slider({ label, min, max, step, value, write = number, change, parent = controls }) {
    const shown = make("span", { textContent: `${label}: ${write(value)}` });
    const input = make("input", {
      type: "range", min, max, step, value,
      style: { width: "11rem", maxWidth: "100%" },
      attributes: { ...focusable, "aria-valuetext": write(value) },
    });
    const set = () => {
      const now = Number(input.value);
      shown.textContent = `${label}: ${write(now)}`;
      input.setAttribute("aria-valuetext", write(now));
      change(now);
    };
    input.addEventListener("input", set);
    parent.append(field(shown, input));
    return {
      input,
      set: (now) => {
        input.value = now;
        set();
      },
    };
  }

  /** A list to choose from: pairs of a value and its name. */
  function choice({ label, options, value, change, parent = controls }) {
    const select = make("select", { style: { font: "inherit" }, attributes: focusable });
    for (const [key, name] of options) select.append(new Option(name, key, false, key === value));
    select.addEventListener("change", () => change(select.value));
    parent.append(field(label, select));
    return select;
  }

  function toggle({ label, value, change, parent = controls }) {
    const input = make("input", { type: "checkbox", checked: value, attributes: focusable });
    input.addEventListener("change", () => change(input.checked));
    parent.append(make("label", {}, input, ` ${label}`));
    return input;
  }

  function button({ label, press, parent = controls }) {
    const made = make("button", { type: "button", textContent: label, style: { font: "inherit" }, attributes: focusable });
    made.addEventListener("click", press);
    parent.append(made);
    return made;
  }

  /** A button that plays: after `begin()`, `step()` runs so many times a second until it returns false. */
  function player({ label = "Play", rate, begin = () => {}, step, parent = controls }) {
    let timer = 0;
    const stop = () => {
      clearInterval(timer);
      timer = 0;
      made.textContent = label;
    };
    const made = button({
      label,
      parent,
      press: () => {
        if (timer) return stop();
        made.textContent = "Pause";
        begin();
        timer = setInterval(() => {
          if (!root.isConnected || !step()) stop();
        }, 1000 / rate);
      },
    });
    return { stop };
  }

  /**
   * Draw an array as squares of `cell` units with its upper left corner at (x, y); `colour(value)`
   * fills a square, and `text(value)`, if given, stands in it. A value of null leaves a hole.
   */
  function grid(context, values, { x, y, cell, columns, colour, text, line }) {
    const { a: density, e: across, f: down } = context.getTransform();
    const snap = (place, shift) => (Math.round(place * density + shift) - shift) / density; // no seams
    values.forEach((value, i) => {
      if (value === null) return;
      const [left, top] = [x + (i % columns) * cell, y + Math.floor(i / columns) * cell];
      const [west, north] = [snap(left, across), snap(top, down)];
      context.fillStyle = colour(value);
      context.fillRect(west, north, snap(left + cell, across) - west, snap(top + cell, down) - north);
      if (line) {
        context.lineWidth = 1;
        context.strokeStyle = line;
        context.strokeRect(left, top, cell, cell);
      }
      if (text) {
        const [red, green, blue] = context.fillStyle.match(/[0-9a-f]{2}/g).map((two) => parseInt(two, 16));
        context.fillStyle = 0.3 * red + 0.59 * green + 0.11 * blue > 140 ? "#111111" : "#ffffff";
        context.fillText(text(value), left + cell / 2, top + cell / 2 + 1);
      }
    });
  }

  function frame(context, colour, ...box) {
    context.lineWidth = 2.5;
    context.strokeStyle = colour;
    context.strokeRect(...box);
  }

  /** The bytes of a base64 text, as the array type that is asked for. */
  function numbers(text, Type = Uint8Array) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return new Type(bytes.buffer);
  }

  // A page that turns dark, or is drawn again at another size, shows the drawings in new colours.
  const watch = new MutationObserver(() => (root.isConnected ? redraw() : watch.disconnect()));
  for (const element of [document.documentElement, document.body]) {
    watch.observe(element, { attributes: true, attributeFilter: ["class", "data-theme", "data-jp-theme-light"] });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

  redraw();

  return {
    stage, controls, make, focusable, say, number, named, arrow, percent, signed, grey, view, redraw, slider, choice,
    toggle, button, player, grid, frame, numbers,
  };
};
