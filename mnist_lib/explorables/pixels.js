// Chapter 1: the numbers of a digit; painting on it changes which digits it is near to.
const figure = (t, data) => {
  const [SIDE, CELL] = [28, 10];
  const all = t.numbers(data.images);
  const image = (i) => all.subarray(784 * i, 784 * (i + 1));
  // The first image is the reader's; then come the ten means, then the neighbours.
  let mine = Uint8Array.from(image(0));
  const means = data.classes.map((_, i) => image(1 + i));
  const others = data.labels.map((_, i) => image(1 + means.length + i));
  let at = data.start;
  let brush = "look";
  let start = Uint8Array.from(image(0)); // what the changes are counted from

  /** The squared distance, with pixels from 0 to 1. */
  function distance(one, two) {
    let sum = 0;
    for (let i = 0; i < 784; i++) sum += ((one[i] - two[i]) / 255) ** 2;
    return sum;
  }

  function nearest(images) {
    const away = images.map((other) => distance(mine, other));
    return { best: away.indexOf(Math.min(...away)), away };
  }

  let [nearMeans, nearDigits] = [nearest(means), nearest(others)]; // found again after each change

  const draw = (context, values) =>
    t.grid(context, [...values], { x: 0, y: 0, cell: CELL, columns: SIDE, colour: (v) => t.grey(v / 255) });

  const pad = t.view({
    width: 280, height: 280, least: 240,
    label: "Your copy of the digit. Arrow keys move the pointer; space paints with the chosen brush.",
    paint(context, colours) {
      draw(context, mine);
      t.frame(context, colours.second, at[1] * CELL, at[0] * CELL, CELL, CELL);
    },
    at(x, y, event) {
      const inside = (position) => Math.min(Math.max(Math.floor(position / CELL), 0), SIDE - 1);
      at = [inside(y), inside(x)];
      if (event.buttons & 1) paint();
      show();
    },
    key(name) {
      const way = t.arrow(name);
      if (way) at = at.map((place, axis) => (place + way[axis] + SIDE) % SIDE);
      else if (name === " ") paint();
      else return false;
      show();
      return true;
    },
  });
  // What the digit is near to, beside it where there is space: two pictures, and the bars below.
  const near = t.make("div", {
    style: { display: "flex", flexWrap: "wrap", gap: "8px", flex: "1 1 240px", maxWidth: "320px", alignContent: "start" },
  });
  t.stage.append(near);
  const small = { width: 150, height: 160, least: 96, parent: near };
  function beside(title, values) {
    return t.view({
      ...small, label: title,
      paint(context, colours) {
        context.save();
        context.translate(5, 0);
        context.scale(0.5, 0.5);
        draw(context, values());
        context.restore();
        context.fillStyle = colours.ink;
        context.fillText(title, 75, 150);
      },
    });
  }
  const mean = beside("nearest mean", () => means[nearMeans.best]);
  const neighbour = beside(`nearest of ${others.length} digits`, () => others[nearDigits.best]);
  const bars = t.view({
    width: 280, height: 136, label: "Squared distance to each of the ten means", least: 200, parent: near,
    paint(context, colours) {
      const { best, away } = nearMeans;
      const most = Math.max(...away);
      away.forEach((value, i) => {
        const height = (90 * value) / most;
        context.fillStyle = i === best ? colours.second : colours.first;
        context.fillRect(28 * i + 4, 100 - height, 20, height);
        context.fillStyle = colours.ink;
        context.fillText(data.classes[i], 28 * i + 14, 110);
      });
      context.fillText("squared distance to each mean", 140, 125);
    },
  });

  function paint() {
    if (brush === "look") return;
    for (const row of [at[0] - 1, at[0], at[0] + 1]) {
      for (const column of [at[1] - 1, at[1], at[1] + 1]) {
        const inside = row >= 0 && column >= 0 && row < SIDE && column < SIDE;
        const isFar = row !== at[0] || column !== at[1];
        if (inside && (!isFar || brush === "wide" || brush === "wipe")) {
          mine[row * SIDE + column] = brush === "paper" || brush === "wipe" ? 0 : 255;
        }
      }
    }
  }

  function shift(by) {
    const moved = new Uint8Array(784);
    for (let row = 0; row < SIDE; row++) {
      for (let column = 0; column < SIDE; column++) {
        const from = column - by;
        if (from >= 0 && from < SIDE) moved[row * SIDE + column] = mine[row * SIDE + from];
      }
    }
    mine = moved;
    start = Uint8Array.from(moved);
    show();
  }

  function show() {
    [nearMeans, nearDigits] = [nearest(means), nearest(others)];
    for (const each of [pad, mean, neighbour, bars]) each.draw();
    t.say(
      `Row ${at[0]}, column ${at[1]}: ${mine[at[0] * SIDE + at[1]]} of 255. The nearest mean is that of ` +
        `the ${data.classes[nearMeans.best]}, at a squared distance of ${t.number(nearMeans.away[nearMeans.best], 1)}; the nearest ` +
        `of only ${others.length} digits is ${t.named(data.labels[nearDigits.best])}, at ${t.number(nearDigits.away[nearDigits.best], 1)}. ` +
        `Pixels changed: ${mine.reduce((count, value, i) => count + (value !== start[i]), 0)}.`,
    );
  }

  t.choice({
    label: "brush", value: brush, options: [["look", "look only"], ["ink", "paint one pixel"], ["wide", "paint 3 × 3"], ["paper", "erase one pixel"], ["wipe", "erase 3 × 3"]],
    change(value) {
      brush = value;
      pad.canvas.style.touchAction = value === "look" ? "pan-y" : "none"; // a finger may scroll
    },
  });
  t.button({ label: "← Shift", press: () => shift(-1) });
  t.button({ label: "Shift →", press: () => shift(1) });
  t.button({ label: "Start again", press: () => ((mine = Uint8Array.from(image(0))), (start = Uint8Array.from(mine)), show()) });
  show();
  return () => ({ at, pixels: [...mine], means: nearMeans.away, digits: nearDigits.away });
};
