// Chapter 5: below a threshold a person reads; how sure one may be of what is left.
const figure = (t, data) => {
  const [WIDTH, HEIGHT] = [460, 240];
  // Confidence in steps of 1 / 65,535, and whether the answer was right: in the order of the digits.
  const steps = t.numbers(data.confidence, Uint16Array);
  const bits = t.numbers(data.right);
  const total = steps.length;
  const right = Uint8Array.from({ length: total }, (_, i) => (bits[i >> 3] >> (i & 7)) & 1);
  let threshold = data.threshold;
  let digits = total;
  const Z = 1.959964;

  // Position on the slider to a threshold and back: most digits have a confidence near 1.
  const toThreshold = (position) => (position >= 1000 ? 1 : 1 - 10 ** (-position / 250));
  const toPosition = (value) => Math.min(1000, Math.round(-250 * Math.log10(1 - value)));

  function count() {
    let [kept, wrong, handedWrong] = [0, 0, 0];
    for (let i = 0; i < digits; i++) {
      const isKept = steps[i] / 65535 >= threshold;
      kept += isKept;
      if (!right[i]) isKept ? wrong++ : handedWrong++;
    }
    return { kept, wrong, handedWrong };
  }

  /** Wilson's interval of a fraction (Wilson 1927). */
  function wilson(hits, n) {
    if (!n) return [0, 1];
    const p = hits / n;
    const middle = (p + (Z * Z) / (2 * n)) / (1 + (Z * Z) / n);
    const reach = (Z / (1 + (Z * Z) / n)) * Math.sqrt((p * (1 - p)) / n + (Z * Z) / (4 * n * n));
    return [Math.max(0, middle - reach), Math.min(1, middle + reach)];
  }

  function curve() {
    const order = [...Array(digits).keys()].sort((a, b) => steps[b] - steps[a]);
    const points = [];
    let wrong = 0;
    order.forEach((digit, i) => {
      wrong += 1 - right[digit];
      if (i + 1 === digits || steps[order[i + 1]] !== steps[digit]) points.push([(i + 1) / digits, wrong / (i + 1)]);
    });
    return points;
  }

  let known = { digits: 0 };
  const view = t.view({
    width: WIDTH, height: HEIGHT, least: 280,
    label: "Errors among the answered digits, over the fraction answered",
    paint(context, colours) {
      if (known.digits !== digits) known = { digits, points: curve() };
      const { points } = known;
      const all = points[points.length - 1][1];
      const tick = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2].find((each) => each >= 0.5 * all) ?? 0.5;
      const most = Math.max(2.2 * tick, 1.4 * all);
      const low = 0.5; // of the digits answered, at the left
      const x = (part) => 60 + ((part - low) / (1 - low)) * (WIDTH - 90);
      const y = (error) => HEIGHT - 45 - (error / most) * (HEIGHT - 70);
      const { kept, wrong } = count();
      const [least, greatest] = wilson(wrong, kept);
      context.strokeStyle = colours.line;
      context.beginPath();
      context.moveTo(60, 15);
      context.lineTo(60, HEIGHT - 45);
      context.lineTo(WIDTH - 15, HEIGHT - 45);
      context.stroke();
      context.save();
      context.beginPath();
      context.rect(60, 10, WIDTH - 60, HEIGHT - 54);
      context.clip();
      context.strokeStyle = colours.first;
      context.lineWidth = 2;
      context.beginPath();
      for (const [part, error] of points) context.lineTo(x(part), y(error));
      context.stroke();
      context.setLineDash([4, 4]);
      context.strokeStyle = colours.line;
      context.beginPath();
      context.moveTo(60, y(all));
      context.lineTo(WIDTH, y(all));
      context.stroke();
      context.setLineDash([]);
      if (kept) {
        context.strokeStyle = context.fillStyle = colours.second;
        context.lineWidth = 3;
        context.beginPath();
        context.moveTo(x(kept / digits), y(least));
        context.lineTo(x(kept / digits), y(greatest));
        context.stroke();
        context.beginPath();
        context.arc(x(kept / digits), y(wrong / kept), 6, 0, 7);
        context.fill();
      }
      context.restore();
      context.fillStyle = colours.ink;
      for (const part of [0.5, 0.75, 1]) context.fillText(t.percent(part, 0), x(part), HEIGHT - 30);
      context.fillText("digits answered", (60 + WIDTH) / 2, HEIGHT - 10);
      context.textAlign = "right";
      for (const error of [0, tick, 2 * tick]) context.fillText(t.percent(error, tick < 0.01 ? 1 : 0), 56, y(error));
      context.textAlign = "left";
      context.fillText("errors among them, with their 95 % interval", 66, 12);
      context.fillText("all digits", 66, y(all) - 9);
    },
  });

  function show() {
    view.draw();
    const { kept, wrong, handedWrong } = count();
    const [least, greatest] = wilson(wrong, kept);
    t.say(
      kept
        ? `Answered: ${kept.toLocaleString("en")} of ${digits.toLocaleString("en")} digits, ${wrong} of them wrong: ` +
            `${t.percent(wrong / kept, 2)}, 95 % interval ${t.percent(least, 2)} to ${t.percent(greatest, 2)}. ` +
            `A person reads the other ${t.percent(1 - kept / digits)}, with ${handedWrong} of the ${wrong + handedWrong} errors.`
        : "No digit is answered: a person reads them all.",
    );
  }

  t.slider({
    label: "threshold", min: 0, max: 1000, step: 1, value: toPosition(threshold), write: (v) => t.number(toThreshold(v), 4),
    change: (value) => ((threshold = toThreshold(value)), show()),
  });
  t.slider({
    label: "digits", min: Math.min(50, total), max: total, step: 50, value: total, write: (v) => v.toLocaleString("en"),
    change: (value) => ((digits = Math.min(value, total)), show()),
  });
  show();
  return () => {
    const { kept, wrong, handedWrong } = count();
    return { threshold, digits, kept, wrong, handedWrong, interval: wilson(wrong, kept) };
  };
};
