// Chapter 2: a window slides over a digit, multiplies, adds, and fills the feature map.
const figure = (t, data) => {
  const SIDE = 280; // units of a picture's side
  const pixels = [...t.numbers(data.image)];
  let [side, size, stride, padding] = [data.side, data.kernel.length, 1, 0];
  let weights = data.kernel.flat();
  let at = { row: data.start[0], column: data.start[1] }; // place of the window: row and column of the map
  let seen = new Set(); // places of the map that the window has visited

  // The map's side, by the shape formula; 0 and less where no window fits.
  const places = () => Math.floor((side + 2 * padding - size) / stride) + 1;
  const padded = () => side + 2 * padding;
  const offset = () => Math.floor((data.side - side) / 2); // a smaller image is the digit's middle

  function pixel(row, column) {
    const [y, x] = [row - padding, column - padding];
    if (y < 0 || x < 0 || y >= side || x >= side) return 0;
    return pixels[(y + offset()) * data.side + x + offset()];
  }

  function patch(row, column) {
    return weights.map((_, i) =>
      pixel(row * stride + Math.floor(i / size), column * stride + (i % size)),
    );
  }

  const sum = (row, column) => patch(row, column).reduce((s, value, i) => s + value * weights[i], 0);

  function map() {
    const n = Math.max(0, places());
    return Array.from({ length: n * n }, (_, i) => sum(Math.floor(i / n), i % n));
  }

  const cell = () => SIDE / padded();

  const input = t.view({
    width: SIDE, height: SIDE, least: 140,
    label: "The digit with the window. Arrow keys move the window.",
    paint(context, colours) {
      const n = padded();
      const values = Array.from({ length: n * n }, (_, i) => pixel(Math.floor(i / n), i % n) / 255);
      t.grid(context, values, { x: 0, y: 0, cell: cell(), columns: n, colour: t.grey });
      if (padding) {
        context.setLineDash([4, 3]);
        t.frame(context, colours.first, padding * cell(), padding * cell(), side * cell(), side * cell());
        context.setLineDash([]);
      }
      if (places() < 1) return;
      t.frame(context, colours.second, at.column * stride * cell(), at.row * stride * cell(), size * cell(), size * cell());
    },
    at(x, y) {
      const to = (position) => Math.round((position / cell() - size / 2) / stride);
      move(to(y), to(x));
    },
    key: steer,
  });

  const output = t.view({
    width: SIDE, height: SIDE, least: 140,
    label: "The feature map. Arrow keys move the window.",
    paint(context, colours) {
      const n = places();
      context.strokeStyle = colours.line;
      context.strokeRect(0.5, 0.5, SIDE - 1, SIDE - 1);
      if (n < 1) return;
      const values = map();
      const most = Math.max(...values.map(Math.abs), 1e-9);
      t.grid(context, values.map((value, i) => (seen.has(i) ? value / most : null)), {
        x: 0, y: 0, cell: SIDE / n, columns: n, colour: (value) => t.signed(value, colours),
      });
      t.frame(context, colours.second, (at.column * SIDE) / n, (at.row * SIDE) / n, SIDE / n, SIDE / n);
    },
    at(x, y) {
      const to = (position) => Math.floor((position * places()) / SIDE);
      move(to(y), to(x));
    },
    key: steer,
  });

  const products = t.view({
    width: 460, height: 142, shown: 620, least: 280, wide: true, label: "Pixels, weights and products of the window",
    paint(context, colours) {
      if (places() < 1) return;
      const under = patch(at.row, at.column);
      const each = under.map((value, i) => value * weights[i]);
      const width = 120 / size;
      const most = Math.max(...weights.map(Math.abs), 1e-9);
      const style = { y: 18, cell: width, columns: size, line: colours.line };
      context.font = `${Math.min(14, width / 2.7)}px sans-serif`;
      t.grid(context, under, { ...style, x: 0, colour: (v) => t.grey(v / 255), text: t.number });
      t.grid(context, weights, { ...style, x: 170, colour: (v) => t.signed(v / most, colours), text: t.number });
      t.grid(context, each, {
        ...style, x: 340, colour: (v) => t.signed(v / (255 * most), colours), text: (v) => t.number(v, 1),
      });
      context.fillStyle = colours.ink;
      context.font = "14px sans-serif";
      ["pixels", "weights", "products"].forEach((name, i) => context.fillText(name, 60 + 170 * i, 8));
      context.font = "22px sans-serif";
      context.fillText("×", 145, 78);
      context.fillText("=", 315, 78);
    },
  });

  function steer(key) {
    const way = t.arrow(key);
    if (way) move(at.row + way[0], at.column + way[1]);
    return Boolean(way);
  }

  function move(row, column) {
    const last = places() - 1;
    if (last < 0) return;
    const inside = (place) => Math.min(Math.max(place, 0), last);
    at = { row: inside(row), column: inside(column) };
    seen.add(at.row * (last + 1) + at.column);
    show();
  }

  /** Begin again, after a choice that changes the map. */
  function reset() {
    sweep.stop();
    const n = places();
    seen = new Set(n > 0 ? Array.from({ length: n * n }, (_, i) => i) : []);
    if (n > 0) at = { row: Math.min(at.row, n - 1), column: Math.min(at.column, n - 1) };
    show();
  }

  function show() {
    const n = places();
    for (const each of [input, output, products]) each.draw();
    if (weights.some(Number.isNaN)) {
      t.say("One weight is not a number. Write a number such as 0.5 or −1 in its field.");
    } else if (n < 1) {
      t.say(
        `A window of ${size} × ${size} does not fit into ${padded()} × ${padded()} pixels, so there ` +
          "is no map. Choose a larger image, a smaller window, or more padding.",
      );
    } else {
      const rest = padded() - size - (n - 1) * stride;
      const formula = `(${side} + ${2 * padding} − ${size}) / ${stride} + 1`;
      t.say(
        `Row ${at.row}, column ${at.column} of the map: the products add up to ` +
          `${t.number(sum(at.row, at.column))}. The map has ${n} × ${n} numbers: ${formula} = ` +
          `${t.number((padded() - size) / stride + 1)}${rest ? `, rounded down to ${n}. The last ` +
          `${rest > 1 ? `${rest} rows and columns` : "row and column"} lie in no window` : ""}.`,
      );
    }
  }

  // --- what the reader sets ---------------------------------------------------------------------

  const squares = t.make("div", { style: { display: "grid", gap: "2px" } });

  function writeWeights() {
    squares.style.gridTemplateColumns = `repeat(${size}, 3.4rem)`;
    squares.replaceChildren(
      ...weights.map((weight, i) => {
        const box = t.make("input", {
          type: "text", inputMode: "decimal", value: t.number(weight, 3),
          style: { width: "100%", boxSizing: "border-box", font: "inherit", textAlign: "center" },
          attributes: { ...t.focusable, "aria-label": `weight in row ${Math.floor(i / size)}, column ${i % size}` },
        });
        box.addEventListener("input", () => {
          const text = box.value.trim().replace("−", "-").replace(",", ".");
          const [over, under = "1"] = text.split("/"); // "1/9" is a number, too
          weights[i] = text === "" ? NaN : Number(over) / Number(under);
          preset.value = "own";
          show();
        });
        return box;
      }),
    );
  }

  const flat = (value) => Array(size * size).fill(value);
  const centre = () => (size * size - 1) / 2;
  const presets = {
    start: () => (size === data.kernel.length ? data.kernel.flat() : flat(0).map((_, i) => ((i % size) === 0 ? -1 : (i % size) === size - 1 ? 1 : 0))),
    top: () => flat(0).map((_, i) => (i < size ? -1 : i >= size * (size - 1) ? 1 : 0)),
    blur: () => flat(1 / (size * size)),
    sharpen: () => flat(0).map((_, i) => {
      const away = Math.abs((i % size) - (size - 1) / 2) + Math.abs(Math.floor(i / size) - (size - 1) / 2);
      return away === 0 ? 5 : away === 1 ? -1 : 0;
    }),
    same: () => flat(0).map((_, i) => (i === centre() ? 1 : 0)),
  };
  const names = [["start", "left edges"], ["top", "top edges"], ["blur", "blur"], ["sharpen", "sharpen"], ["same", "leave as it is"], ["own", "your own"]];
  const preset = t.choice({
    label: "weights", options: names, value: "start",
    change(name) {
      if (name in presets) weights = presets[name]();
      writeWeights();
      reset();
    },
  });
  t.controls.append(squares);
  t.choice({
    label: "window", options: [1, 3, 5].map((n) => [String(n), `${n} × ${n}`]), value: String(size),
    change(value) {
      size = Number(value);
      if (!(preset.value in presets)) preset.value = "blur";
      weights = presets[preset.value]();
      writeWeights();
      reset();
    },
  });
  t.slider({ label: "stride", min: 1, max: 4, step: 1, value: 1, change: (value) => ((stride = value), reset()) });
  t.slider({ label: "zeros on each side", min: 0, max: 2, step: 1, value: 0, change: (value) => ((padding = value), reset()) });
  t.choice({
    label: "image", options: [[String(data.side), "all of it"], ["12", "its middle, 12 × 12"], ["3", "its middle, 3 × 3"]],
    value: String(data.side), change: (value) => ((side = Number(value)), reset()),
  });
  const sweep = t.player({
    label: "Slide the window", rate: 60,
    begin() {
      if (seen.size < places() ** 2) return; // it goes on where it paused
      seen = new Set();
      move(0, 0);
    },
    step() {
      const n = places();
      const next = at.row * n + at.column + 1;
      if (next >= n * n || n < 1) return false;
      move(Math.floor(next / n), next % n);
      return true;
    },
  });
  writeWeights();
  reset();
  return () => ({ map: map(), side: places(), patch: patch(at.row, at.column), sum: sum(at.row, at.column), at });
};
