// Chapter 10: where the time of a step goes with more workers, and how much faster they are.
const figure = (t, data) => {
  const [WIDTH, HEIGHT, LEFT, TOP, FLOOR] = [360, 284, 48, 34, 210];
  const COUNTS = [...Array(10).keys()].map((power) => 2 ** power); // of workers
  const { fixed, work, parameters, cards } = data;
  let [workers, digits, card, divided] = [8, data.digits, 0, true];

  /** Seconds of a step with n workers: for the digits, for the rest, and for the messages. */
  function step(n) {
    const { bits, delay } = cards[card];
    return {
      digits: work * (divided ? digits / n : digits),
      rest: fixed,
      messages: ((2 * (n - 1)) / n) * ((32 * parameters) / bits) + 2 * (n - 1) * delay,
    };
  }
  const seconds = (n) => Object.values(step(n)).reduce((sum, part) => sum + part);

  /** How many digits n workers read in the time in which one reads one. */
  const faster = (n) => ((divided ? 1 : n) * seconds(1)) / seconds(n);

  const across = (i) => LEFT + ((i + 0.5) / COUNTS.length) * (WIDTH - LEFT - 8);

  function axes(context, colours, title) {
    context.lineWidth = 1;
    context.strokeStyle = colours.line;
    context.beginPath();
    context.moveTo(LEFT, TOP);
    context.lineTo(LEFT, FLOOR);
    context.lineTo(WIDTH - 8, FLOOR);
    context.stroke();
    context.fillStyle = colours.ink;
    COUNTS.forEach((n, i) => i % 3 || context.fillText(n, across(i), FLOOR + 14));
    context.fillText("workers (calculated)", (LEFT + WIDTH) / 2, FLOOR + 36);
    context.textAlign = "left";
    context.fillText(title, 4, 10);
    context.textAlign = "right";
  }

  const bars = t.view({
    width: WIDTH, height: HEIGHT, least: 280,
    label: "For 1 to 512 workers, the fractions of a step that go into the digits, the rest and the messages",
    paint(context, colours) {
      axes(context, colours, "where the time of a step goes");
      for (const part of [0, 0.5, 1]) context.fillText(t.percent(part, 0), LEFT - 5, FLOOR - part * (FLOOR - TOP));
      const wide = (WIDTH - LEFT - 8) / COUNTS.length - 6;
      const inks = { digits: colours.first, rest: colours.soft, messages: colours.second };
      COUNTS.forEach((n, i) => {
        let low = FLOOR;
        for (const [name, part] of Object.entries(step(n))) {
          const high = (part / seconds(n)) * (FLOOR - TOP);
          context.fillStyle = inks[name];
          context.fillRect(across(i) - wide / 2, low - high, wide, high);
          low -= high;
        }
        if (n === workers) t.frame(context, colours.ink, across(i) - wide / 2 - 2, TOP - 2, wide + 4, FLOOR - TOP + 3);
      });
      context.textAlign = "left";
      let place = 4;
      for (const [name, ink] of Object.entries(inks)) {
        if (name === "rest" && !fixed) continue;
        context.fillStyle = ink;
        context.fillRect(place, HEIGHT - 15, 12, 12);
        context.fillStyle = colours.ink;
        context.fillText({ digits: "digits", rest: "the rest", messages: "messages" }[name], place + 17, HEIGHT - 8);
        place += 100;
      }
    },
  });

  const curve = t.view({
    width: WIDTH, height: HEIGHT, least: 280,
    label: "How much faster 1 to 512 workers are than one, beside the ideal line",
    paint(context, colours) {
      axes(context, colours, "times as fast (dashed: ideal)");
      const y = (value) => FLOOR - ((Math.log10(value) + 1) / (Math.log10(512) + 1)) * (FLOOR - TOP);
      for (const value of [0.1, 1, 10, 100]) context.fillText(value, LEFT - 5, y(value));
      context.save();
      context.beginPath();
      context.rect(LEFT, TOP - 8, WIDTH, FLOOR - TOP + 8);
      context.clip();
      context.strokeStyle = colours.line;
      context.setLineDash([6, 4]);
      context.beginPath();
      COUNTS.forEach((n, i) => context.lineTo(across(i), y(n)));
      context.stroke();
      context.setLineDash([]);
      context.strokeStyle = context.fillStyle = colours.first;
      context.lineWidth = 2.5;
      context.beginPath();
      COUNTS.forEach((n, i) => context.lineTo(across(i), y(faster(n))));
      context.stroke();
      context.fillStyle = colours.second;
      context.beginPath();
      context.arc(across(COUNTS.indexOf(workers)), y(faster(workers)), 6, 0, 7);
      context.fill();
      context.restore();
    },
  });

  const time = (value) => (value < 1 ? `${Number((1000 * value).toPrecision(3))} ms` : `${Number(value.toPrecision(3))} s`);
  const whole = (value) => value.toLocaleString("en");
  const mine = (value) => (value < 1 ? "less than one digit" : value === 1 ? "one digit" : `${whole(value)} digits`);

  function show() {
    bars.draw();
    curve.draw();
    const all = seconds(workers);
    const { messages, digits: reading } = step(workers);
    const ratio = faster(workers);
    const who = workers === 1 ? "1 worker takes" : `${workers} workers ${divided ? "divide" : "take"}`;
    t.say(
      `${who} ${whole(digits * (divided ? 1 : workers))} digits${workers > 1 ? `, ${mine(divided ? digits / workers : digits)} each` : ""}. ` +
        `A step takes ${time(all)}: ${t.percent(reading / all, 0)} for the digits, ${t.percent(messages / all, 0)} for messages. ` +
        (workers > 1
          ? `They are ${t.number(ratio, 2)} times as fast as one worker: ${t.percent(ratio / workers, 0)} of the ideal.`
          : "More workers would divide the digits, and send messages."),
    );
  }

  t.slider({
    label: "workers", min: 0, max: 9, step: 1, value: 3, write: (power) => String(2 ** power),
    change: (power) => ((workers = 2 ** power), show()),
  });
  t.slider({
    label: "digits in a batch", min: 6, max: 18, step: 1, value: Math.log2(digits), write: (power) => whole(2 ** power),
    change: (power) => ((digits = 2 ** power), show()),
  });
  t.choice({
    label: "the batch is", options: [["divided", "divided (strong scaling)"], ["own", "each worker's own (weak)"]], value: "divided",
    change: (value) => ((divided = value === "divided"), show()),
  });
  t.choice({
    label: "network card", options: cards.map(({ name }, i) => [String(i), name]), value: "0",
    change: (value) => ((card = Number(value)), show()),
  });
  show();
  return () => ({ workers, digits, divided, card, step: step(workers), seconds: seconds(workers), faster: faster(workers) });
};
