// Chapter 7: one digit in other sizes, places and pens; what two networks answer, prepared or not.
const figure = (t, data) => {
  const CELL = 10;
  const { sizes, pens, shifts, names } = data;
  const images = framed(t.numbers(data.images)); // (sizes, pens, 28, 28), each in the middle
  const answers = t.numbers(data.answers); // (networks, sizes, pens, rows, columns)
  const sure = t.numbers(data.certainty); // the same, in percent
  // After the preparation the place is the same, wherever the digit stood.
  const prepared = t.numbers(data.prepared); // (sizes, pens, 28, 28)
  const preparedAnswers = t.numbers(data.preparedAnswers); // (networks, sizes, pens)
  const preparedSure = t.numbers(data.preparedCertainty);
  let [size, pen, row, column] = data.start;
  let prepare = false;

  /** Put each drawing, of as many pixels as its size says, into the middle of 28 × 28. */
  function framed(drawings) {
    const all = new Uint8Array(784 * sizes.length * pens.length);
    let next = 0;
    sizes.forEach((side, i) => {
      const edge = (28 - side) / 2;
      for (let j = 0; j < pens.length * side * side; j++) {
        const [y, x] = [edge + (Math.floor(j / side) % side), edge + (j % side)];
        all[784 * (i * pens.length + Math.floor(j / side ** 2)) + 28 * y + x] = drawings[next++];
      }
    });
    return all;
  }

  const one = (all) => all.subarray(784 * (size * pens.length + pen), 784 * (size * pens.length + pen + 1));

  /** The digit moved by whole pixels; what leaves the image is lost. */
  function moved() {
    const from = one(images);
    const [down, across] = [shifts[row], shifts[column]];
    return Array.from({ length: 784 }, (_, i) => {
      const [y, x] = [Math.floor(i / 28) - down, (i % 28) - across];
      return y >= 0 && x >= 0 && y < 28 && x < 28 ? from[28 * y + x] : 0;
    });
  }

  /** What a network reads with the digit at a place, and how sure it is in percent. */
  function read(network, down = row, across = column) {
    const n = shifts.length;
    const drawn = (network * sizes.length + size) * pens.length + pen;
    if (prepare) return [preparedAnswers[drawn], preparedSure[drawn]];
    const i = (drawn * n + down) * n + across;
    return [answers[i], sure[i]];
  }

  const view = t.view({
    width: 280, height: 280, least: 200,
    label: "The image that the network gets. Arrow keys move the digit.",
    paint(context) {
      const values = prepare ? [...one(prepared)] : moved();
      t.grid(context, values, { x: 0, y: 0, cell: CELL, columns: 28, colour: (v) => t.grey(v / 255) });
    },
    at(x, y, event) {
      if (!(event.buttons & 1)) return;
      const nearest = (position) => {
        const wanted = position / CELL - 14;
        return shifts.reduce((best, shift, i) => (Math.abs(shift - wanted) < Math.abs(shifts[best] - wanted) ? i : best), 0);
      };
      [row, column] = [nearest(y), nearest(x)];
      show();
    },
    key(name) {
      const way = t.arrow(name);
      if (!way) return false;
      const inside = (i) => Math.min(Math.max(i, 0), shifts.length - 1);
      [row, column] = [inside(row + way[0]), inside(column + way[1])];
      show();
      return true;
    },
  });

  const maps = names.map((name, network) =>
    t.view({
      width: 140, height: 165, least: 120, label: `What the ${name} network reads at each place`,
      paint(context, colours) {
        const n = shifts.length;
        const cell = 140 / n;
        const every = [...Array(n * n).keys()];
        const digit = (i) => read(network, Math.floor(i / n), i % n)[0];
        t.grid(context, every, {
          x: 0, y: 0, cell, columns: n, line: colours.page,
          colour: (i) => (digit(i) === data.label ? colours.first : colours.second),
        });
        context.font = `${Math.min(14, cell * 0.8)}px sans-serif`;
        context.fillStyle = colours.dark ? "#111111" : "#ffffff";
        for (const i of every) context.fillText(String(digit(i)), ((i % n) + 0.5) * cell, (Math.floor(i / n) + 0.5) * cell + 1);
        t.frame(context, colours.ink, column * cell, row * cell, cell, cell);
        context.fillStyle = colours.ink;
        context.font = "14px sans-serif";
        context.fillText(name, 70, 154);
      },
    }),
  );

  /** Where the digit stands, in words. */
  function where() {
    const part = (shift, before, after) => (shift ? [`${Math.abs(shift)} pixels ${shift < 0 ? before : after}`] : []);
    const parts = [...part(shifts[row], "up", "down"), ...part(shifts[column], "to the left", "to the right")];
    return parts.join(" and ") || "in the middle";
  }

  function show() {
    view.draw();
    for (const map of maps) map.draw();
    const said = names.map((name, network) => {
      const [digit, percent] = read(network);
      return `${name}: ${digit} with ${percent} %`;
    });
    const right = names.map((_, network) => {
      let hits = 0;
      shifts.forEach((_, down) =>
        shifts.forEach((_, across) => (hits += read(network, down, across)[0] === data.label)),
      );
      return `${hits} of ${shifts.length ** 2}`;
    });
    t.say(
      `Size ${sizes[size]} pixels, ${pens[pen]} pen, ${where()}` +
        `${prepare ? ", prepared" : ""}. The networks read: ${said.join("; ")}. Places where they are right: ${right.join("; ")}.`,
    );
  }

  t.slider({
    label: "size in pixels", min: 0, max: sizes.length - 1, step: 1, value: size, write: (i) => String(sizes[i]),
    change: (value) => ((size = value), show()),
  });
  t.slider({
    label: "pen", min: 0, max: pens.length - 1, step: 1, value: pen, write: (i) => pens[i],
    change: (value) => ((pen = value), show()),
  });
  t.toggle({ label: "prepare it as MNIST was prepared", value: false, change: (value) => ((prepare = value), show()) });
  show();
  return () => ({
    image: prepare ? [...one(prepared)] : moved(),
    answers: names.map((_, network) => read(network)[0]),
    at: { size, pen, row, column, prepare },
  });
};
