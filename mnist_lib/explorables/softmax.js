// Chapter 3: scores become probabilities and a loss; the plain formula overflows.
const figure = (t, data) => {
  const { names } = data;
  let scores = [...data.scores];
  let truth = data.truth;
  let factor = 1;
  let added = 0; // to every score
  let chosen = 0;
  let plain = false;
  const [LEFT, WIDTH] = [0, 460];
  const column = WIDTH / names.length;
  const SPAN = 6; // a score at the end of its scale, before the factor

  /** The softmax in float32, each step rounded as NumPy rounds it. */
  function softmax() {
    const scaled = scores.map((score) => Math.fround(score * factor + added));
    const most = plain ? 0 : Math.max(...scaled);
    const positive = scaled.map((score) => Math.fround(Math.exp(Math.fround(score - most))));
    const sum = positive.reduce((s, value) => Math.fround(s + value), 0);
    return { scaled, positive, probabilities: positive.map((value) => Math.fround(value / sum)) };
  }

  function loss() {
    const p = softmax().probabilities[truth];
    return -Math.log(p);
  }

  const view = t.view({
    width: WIDTH, height: 330, least: 280,
    label: "Scores above, probabilities below. Left and right choose a class, up and down change its score.",
    paint(context, colours) {
      const { probabilities } = softmax();
      const zero = 100;
      context.strokeStyle = colours.line;
      for (const y of [zero, 290]) {
        context.beginPath();
        context.moveTo(LEFT, y);
        context.lineTo(WIDTH, y);
        context.stroke();
      }
      context.fillStyle = colours.ink;
      context.textAlign = "left";
      context.fillText(factor === 1 && !added ? "scores" : `scores${factor === 1 ? "" : ` × ${t.number(factor)}`}${added ? ` ${added < 0 ? "−" : "+"} ${Math.abs(added)}` : ""}`, LEFT, 10);
      context.fillText("probabilities", LEFT, 190);
      context.textAlign = "center";
      const bar = Math.min(36, column - 8);
      names.forEach((name, i) => {
        const middle = column * (i + 0.5);
        const height = (scores[i] / SPAN) * 76;
        context.fillStyle = i === chosen ? colours.second : colours.first;
        context.fillRect(middle - bar / 2, Math.min(zero, zero - height), bar, Math.abs(height));
        const p = probabilities[i];
        if (!Number.isNaN(p)) context.fillRect(middle - bar / 2, 290 - 80 * p, bar, 80 * p);
        context.fillStyle = colours.ink;
        context.fillText(t.number(scores[i] * factor + added, 1), middle, height > 0 ? zero - height - 10 : zero - height + 12);
        context.fillText(Number.isNaN(p) ? "nan" : p < 0.0005 && p > 0 ? "0.000" : p.toFixed(names.length > 5 ? 2 : 3), middle, Number.isNaN(p) ? 280 : 280 - 80 * p);
        context.font = i === truth ? "bold 14px sans-serif" : "14px sans-serif";
        context.fillText(name, middle, 306);
        context.font = "14px sans-serif";
      });
    },
    at(x, y, event) {
      if (!(event.buttons & 1)) return;
      if (event.type === "pointerdown") chosen = Math.min(Math.floor(x / column), names.length - 1);
      change(chosen, ((100 - y) / 76) * SPAN);
    },
    key(name) {
      if (name === "ArrowLeft" || name === "ArrowRight") {
        chosen = (chosen + (name === "ArrowLeft" ? -1 : 1) + names.length) % names.length;
        show();
      } else if (name === "ArrowUp" || name === "ArrowDown") {
        change(chosen, scores[chosen] + (name === "ArrowUp" ? 0.1 : -0.1));
      } else return false;
      return true;
    },
  });

  const curve = t.view({
    width: 200, height: 220, least: 160, label: "The loss over the probability of the true class",
    paint(context, colours) {
      const p = softmax().probabilities[truth];
      const [x, y] = [(value) => 24 + 170 * value, (value) => 190 - 30 * Math.min(value, 6)];
      context.strokeStyle = colours.line;
      context.beginPath();
      context.moveTo(24, 8);
      context.lineTo(24, 190);
      context.lineTo(196, 190);
      context.stroke();
      context.strokeStyle = colours.first;
      context.lineWidth = 2;
      context.beginPath();
      for (let i = 1; i <= 400; i++) context.lineTo(x(i / 400), y(-Math.log(i / 400)));
      context.stroke();
      context.fillStyle = colours.ink;
      context.fillText("probability of the truth", 112, 208);
      context.textAlign = "left";
      context.fillText("loss, −ln p", 30, 12);
      if (Number.isNaN(p)) return;
      context.fillStyle = colours.second;
      context.beginPath();
      context.arc(x(p), y(-Math.log(p)), 6, 0, 7);
      context.fill();
    },
  });

  function change(i, score) {
    scores[i] = Math.round(10 * Math.min(Math.max(score, -SPAN), SPAN)) / 10;
    show();
  }

  /** A probability in four decimals; what they would round to 0 or 1 is said to be near it. */
  function near(p) {
    if (p < 1 && p > 0.99995) return "above 0.9999";
    return p > 0 && p < 0.00005 ? "below 0.0001" : t.number(p, 4);
  }

  function show() {
    view.draw();
    curve.draw();
    const { scaled, positive, probabilities } = softmax();
    if (probabilities.some(Number.isNaN)) {
      const large = scaled.indexOf(Math.max(...scaled));
      t.say(
        positive.some((value) => value === Infinity)
          ? `e to the power of ${t.number(scaled[large], 1)} is too large for float32: it becomes infinity, and ` +
              "infinity divided by infinity is not a number. Subtract the largest score first."
          : "All exponentials are too small for float32 and become 0, and 0 divided by 0 is not a number. " +
              "Subtract the largest score first.",
      );
      return;
    }
    const value = loss();
    t.say(
      `The true class, ${names[truth]}, has probability ${near(probabilities[truth])}, so the loss is ` +
        `${value === Infinity ? "infinite" : value < 0.0005 && value > 0 ? "below 0.001" : t.number(value, 3)}. The score of ${names[chosen]} is ${t.number(scaled[chosen], 1)}.`,
    );
  }

  t.choice({
    label: "true class", options: names.map((name, i) => [String(i), name]), value: String(truth),
    change: (value) => ((truth = Number(value)), show()),
  });
  t.slider({
    label: "all scores times", min: 0, max: 300, step: 1, value: 93, write: (v) => t.number(scale(v)),
    change: (value) => ((factor = scale(value)), show()),
  });
  t.slider({
    label: "plus", min: -20, max: 20, step: 1, value: 0, change: (value) => ((added = value), show()),
  });
  t.toggle({
    label: "without subtracting the largest score", value: false, change: (value) => ((plain = value), show()),
  });

  /** The slider's factor, from 0.1 to 300 in equal ratios; it is 1 at the start. */
  function scale(position) {
    const value = 10 ** ((position - 93) / 86.4);
    return value < 10 ? Math.round(100 * value) / 100 : Math.round(10 * value) / 10;
  }

  show();
  return () => ({ ...softmax(), loss: loss() });
};
