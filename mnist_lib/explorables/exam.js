// Chapter 8: a gain against its scatter, and how many digits it takes to see it.
const figure = (t, data) => {
  const [WIDTH, HEIGHT, LEFT, FLOOR] = [460, 230, 20, 185];
  const [LEVEL, POWER] = [1.959964, 0.841621]; // of the normal distribution: 0.975 and 0.8
  let { digits, gain, disagreement } = data;

  // Position on the slider to a number of digits with two figures, and back.
  const toDigits = (position) => Number((10 ** (position / 100)).toPrecision(2));
  const toPosition = (value) => Math.round(100 * Math.log10(value));

  /** How much of a normal distribution lies below z (Abramowitz & Stegun, 7.1.26). */
  function below(z) {
    const u = 1 / (1 + (0.3275911 * Math.abs(z)) / Math.SQRT2);
    const tail = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429]
      .reduceRight((sum, factor) => (sum + factor) * u, 0) * Math.exp((-z * z) / 2) / 2;
    return z < 0 ? tail : 1 - tail;
  }

  /** The scatter without and with the gain, the edge of what luck explains, and what follows. */
  function exam() {
    const [equal, better] = [Math.sqrt(disagreement / digits), Math.sqrt((disagreement - gain ** 2) / digits)];
    const edge = LEVEL * equal;
    const found = better ? below((gain - edge) / better) : Number(gain > edge);
    const reach = LEVEL * Math.sqrt(disagreement) + POWER * Math.sqrt(disagreement - gain ** 2);
    return { equal, better, edge, found, needed: Math.ceil((reach / gain) ** 2) };
  }

  const points = (value) => t.number(100 * value, 2);
  const view = t.view({
    width: WIDTH, height: HEIGHT, least: 280,
    label: "How the measured gain scatters without a gain and with it, and the edge of what luck explains",
    paint(context, colours) {
      const { equal, better, edge } = exam();
      const [low, high] = [(1 - data.reach) * gain, data.reach * gain];
      const x = (value) => LEFT + ((value - low) / (high - low)) * (WIDTH - 2 * LEFT);
      const y = (part) => FLOOR - part * (FLOOR - 40);
      const bell = (middle, scatter) => (value) => Math.exp(-(((value - middle) / (scatter || 1e-9)) ** 2) / 2);
      const path = (curve, from) => {
        context.beginPath();
        for (let i = 0; i <= 300; i++) {
          const value = from + ((high - from) * i) / 300;
          context.lineTo(x(value), y(curve(value)));
        }
      };
      context.fillStyle = colours.second;
      context.globalAlpha = 0.35;
      if (edge < high) {
        path(bell(gain, better), edge);
        context.lineTo(x(high), FLOOR);
        context.lineTo(x(edge), FLOOR);
        context.fill();
      }
      context.globalAlpha = 1;
      context.lineWidth = 2.5;
      context.strokeStyle = colours.first;
      context.setLineDash([6, 4]);
      path(bell(0, equal), low);
      context.stroke();
      context.setLineDash([]);
      context.strokeStyle = colours.second;
      path(bell(gain, better), low);
      context.stroke();
      context.lineWidth = 1;
      context.strokeStyle = colours.line;
      context.beginPath();
      context.moveTo(LEFT, FLOOR);
      context.lineTo(WIDTH - LEFT, FLOOR);
      if (edge < high) {
        context.moveTo(x(edge), FLOOR);
        context.lineTo(x(edge), 40);
      }
      context.stroke();
      context.fillStyle = colours.ink;
      const mark = data.reach > 4.5 ? 4 : 3; // its place is as far from that of the gain on any axis
      for (const value of [(1 - mark) * gain, 0, gain, mark * gain]) context.fillText(points(value), x(value), FLOOR + 14);
      if (edge < high) {
        const name = "shown if beyond here";
        const half = context.measureText(name).width / 2;
        context.fillText(name, Math.min(x(edge), WIDTH - half - 2), 30);
      }
      context.fillText("measured gain / percentage points", WIDTH / 2, HEIGHT - 10);
      context.fillStyle = colours.first;
      context.textAlign = "left";
      context.fillText("- - no gain", LEFT, 12);
      context.fillStyle = colours.second;
      context.textAlign = "right";
      context.fillText("— the gain, shaded where it is found", WIDTH - LEFT, 12);
    },
  });

  function show() {
    view.draw();
    const { found, needed, edge } = exam();
    t.say(
      `On ${digits.toLocaleString("en")} digits, luck explains up to ${points(edge)} points. ` +
        `A gain of ${points(gain)} points is found in ${t.number(100 * found, 0)} of 100 exams. ` +
        `For 80 of 100 it takes ${needed.toLocaleString("en")} digits.`,
    );
  }

  t.slider({
    label: "digits", min: 250, max: 600, step: 1, value: toPosition(digits), write: (v) => toDigits(v).toLocaleString("en"),
    change: (value) => ((digits = toDigits(value)), show()),
  });
  t.slider({
    label: "gain in points", min: 0.01, max: 0.3, step: 0.01, value: 100 * gain,
    change: (value) => ((gain = value / 100), show()),
  });
  t.slider({
    label: "disagreements in 1,000 digits", min: 3, max: 50, step: 0.5, value: 1000 * disagreement, write: (v) => t.number(v, 1),
    change: (value) => ((disagreement = value / 1000), show()),
  });
  show();
  return () => ({ digits, gain, disagreement, ...exam() });
};
