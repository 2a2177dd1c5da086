// Chapter 6: a cover over the digit, and the scores that fall.
const figure = (t, data) => {
  const [SIDE, CELL] = [28, 10];
  const pixels = t.numbers(data.image);
  const scores = t.numbers(data.scores, Float32Array); // (places, places, 10), row by row
  const { places, cover, before } = data;
  let asked = data.label;
  let at = [...data.start];
  let covered = true;

  const score = (row, column, digit) => scores[(row * places + column) * 10 + digit];
  const now = () => before.map((value, digit) => (covered ? score(...at, digit) : value));

  function map() {
    return Array.from({ length: places * places }, (_, i) =>
      before[asked] - score(Math.floor(i / places), i % places, asked),
    );
  }

  const view = t.view({
    width: 280, height: 280, least: 140, label: "The digit with its cover. Arrow keys move the cover.",
    paint(context, colours) {
      t.grid(context, [...pixels], { x: 0, y: 0, cell: CELL, columns: SIDE, colour: (v) => t.grey(v / 255) });
      if (!covered) return;
      context.fillStyle = "#000000";
      context.fillRect(at[1] * CELL, at[0] * CELL, cover * CELL, cover * CELL);
      t.frame(context, colours.second, at[1] * CELL, at[0] * CELL, cover * CELL, cover * CELL);
    },
    at(x, y) {
      move(Math.round(y / CELL - cover / 2), Math.round(x / CELL - cover / 2));
    },
    key: steer,
  });

  const picture = t.view({
    width: 280, height: 280, least: 140,
    label: "How far the score falls, for every place of the cover. Arrow keys move the cover.",
    paint(context, colours) {
      const values = map();
      const most = Math.max(...values.map(Math.abs), 1e-9);
      const edge = (cover / 2 - 0.5) * CELL; // a place is drawn at the middle of its cover
      context.strokeStyle = colours.line;
      context.strokeRect(0.5, 0.5, 279, 279);
      t.grid(context, values, { x: edge, y: edge, cell: CELL, columns: places, colour: (v) => t.signed(v / most, colours) });
      t.frame(context, colours.ink, edge + at[1] * CELL, edge + at[0] * CELL, CELL, CELL);
    },
    at(x, y) {
      move(Math.floor(y / CELL - (cover - 1) / 2), Math.floor(x / CELL - (cover - 1) / 2));
    },
    key: steer,
  });

  const low = Math.min(...before, ...scores);
  const high = Math.max(...before, ...scores);
  const bars = t.view({
    width: 580, height: 200, least: 280, wide: true, label: "The ten scores, with the cover and without",
    paint(context, colours) {
      const y = (value) => 20 + 145 * ((high - value) / (high - low));
      context.strokeStyle = colours.line;
      context.beginPath();
      context.moveTo(0, y(0));
      context.lineTo(580, y(0));
      context.stroke();
      now().forEach((value, digit) => {
        const left = 58 * digit + 10;
        context.fillStyle = digit === asked ? colours.second : colours.first;
        context.fillRect(left, Math.min(y(0), y(value)), 38, Math.abs(y(0) - y(value)));
        context.strokeStyle = context.fillStyle = colours.ink;
        context.lineWidth = 2;
        context.beginPath(); // a mark at the score without the cover
        context.moveTo(left - 4, y(before[digit]));
        context.lineTo(left + 42, y(before[digit]));
        context.stroke();
        context.fillText(String(digit), left + 19, 185);
      });
      context.textAlign = "left";
      context.fillText("scores; a line marks each one without the cover", 0, 8);
    },
  });

  function steer(key) {
    const way = t.arrow(key);
    if (way) move(at[0] + way[0], at[1] + way[1]);
    return Boolean(way);
  }

  function move(row, column) {
    const inside = (place) => Math.min(Math.max(place, 0), places - 1);
    at = [inside(row), inside(column)];
    covered = true;
    show();
  }

  function show() {
    for (const each of [view, picture, bars]) each.draw();
    const values = now();
    const read = values.indexOf(Math.max(...values));
    const fall = before[asked] - values[asked];
    t.say(
      covered
        ? `The cover begins at row ${at[0]}, column ${at[1]}. The score of the ${asked} ` +
            (Math.abs(fall) < 0.005 ? "does not change: it is " : `${fall < 0 ? "rises" : "falls"} by ${t.number(Math.abs(fall))}, from ${t.number(before[asked])} to `) +
            `${t.number(values[asked])}. The network reads ${t.named(read)}.`
        : `Nothing is covered. The score of the ${asked} is ${t.number(before[asked])}. The network reads ${t.named(read)}.`,
    );
  }

  t.choice({
    label: "ask about the", value: String(asked), options: [...Array(10).keys()].map((digit) => [String(digit), String(digit)]),
    change: (value) => ((asked = Number(value)), show()),
  });
  t.button({ label: "Take the cover away", press: () => ((covered = false), show()) });
  t.button({
    label: "Go to the greatest fall",
    press() {
      const values = map();
      const best = values.indexOf(Math.max(...values));
      move(Math.floor(best / places), best % places);
    },
  });
  show();
  return () => ({ at, asked, scores: now(), map: map() });
};
