// Chapter 9: weights snap to a few levels; how small the file gets, and what that costs.
const figure = (t, data) => {
  const [WIDTH, HEIGHT, SIDE] = [400, 270, 20];
  const WAYS = { tensor: "one for the whole kernel", channel: "one for each channel" };
  const layers = data.layers.map((layer) => ({ ...layer, rows: layer.rows.map((row) => t.numbers(row, Float32Array)) }));
  let [bits, way, chosen] = [4, "tensor", data.start];

  /** The largest weights: of the whole kernel, and of the two channels that are drawn. */
  const largest = (row) => row.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);

  /** Each drawn channel's step, and its weights before and after rounding. */
  function channels() {
    const { rows, most } = layers[chosen];
    return rows.map((row) => {
      const step = (way === "tensor" ? most : largest(row)) / (2 ** (bits - 1) - 1);
      return { step, before: [...row], after: [...row].map((weight) => (step ? Math.round(weight / step) * step : 0)) };
    });
  }

  /** Bytes of all weights in so many bits, of all biases, and of the scales. */
  const bytes = (n, name) =>
    Math.ceil((data.weights * n) / 8) + 4 * data.channels + 4 * (name === "tensor" ? layers.length : data.channels);
  const kib = (count) => `${t.number(count / 1024, 0)} KiB`;

  const strips = t.view({
    width: WIDTH, height: HEIGHT, least: 280,
    label: "Weights of two channels, above as they are and below on the levels that they are rounded to",
    paint(context, colours) {
      const { most } = layers[chosen];
      const x = (weight) => WIDTH / 2 + (weight / most) * (WIDTH / 2 - SIDE);
      const lines = (pairs, top, bottom) => {
        context.beginPath();
        for (const [from, to] of pairs) {
          context.moveTo(x(from), top);
          context.lineTo(x(to), bottom);
        }
        context.stroke();
      };
      channels().forEach(({ step, before, after }, i) => {
        const top = 32 + 118 * i;
        const edge = 2 ** (bits - 1) - 1;
        const levels = step ? [...Array(2 * edge + 1).keys()].map((k) => (k - edge) * step) : [0];
        context.fillStyle = colours.ink;
        context.textAlign = "left";
        context.fillText(i ? "the channel with the largest weights" : "the channel with the smallest weights", 4, top - 18);
        context.lineWidth = 1;
        context.strokeStyle = colours.line;
        lines(levels.map((level) => [level, level]), top + 66, top + 78);
        context.strokeStyle = i ? colours.second : colours.first;
        lines(before.map((weight) => [weight, weight]), top - 4, top + 6);
        context.globalAlpha = 0.55;
        lines(before.map((weight, k) => [weight, after[k]]), top + 6, top + 58);
        context.globalAlpha = 1;
        context.fillStyle = context.strokeStyle;
        for (const level of new Set(after)) {
          context.beginPath();
          context.arc(x(level), top + 62, 3.5, 0, 7);
          context.fill();
        }
      });
      context.fillStyle = colours.ink;
      context.textAlign = "center";
      for (const part of [-1, 0, 1]) context.fillText(t.number(part * most, 2), x(part * most * 0.96), HEIGHT - 28);
      context.fillText("weight (grey strokes: the levels)", WIDTH / 2, HEIGHT - 9);
    },
  });

  const plot = t.view({
    width: WIDTH, height: HEIGHT, least: 280,
    label: "Digits read right over the size of the numbers, from 2 to 8 bits, for both ways to scale",
    paint(context, colours) {
      const all = [...data.right.tensor, ...data.right.channel, data.exact];
      const low = Math.floor(10 * Math.min(...all)) / 10;
      const [left, right, top, floor] = [52, WIDTH - 14, 34, HEIGHT - 46];
      const end = 1.05 * bytes(8, "channel");
      const x = (count) => left + (count / end) * (right - left);
      const y = (part) => floor - ((part - low) / (1 - low)) * (floor - top);
      context.lineWidth = 1;
      context.strokeStyle = colours.line;
      context.beginPath();
      context.moveTo(left, top);
      context.lineTo(left, floor);
      context.lineTo(right, floor);
      context.stroke();
      context.setLineDash([2, 4]);
      context.beginPath();
      context.moveTo(left, y(data.exact));
      context.lineTo(right, y(data.exact));
      context.stroke();
      for (const [name, colour, dash] of [["tensor", colours.first, [6, 4]], ["channel", colours.second, []]]) {
        context.strokeStyle = context.fillStyle = colour;
        context.lineWidth = 2.5;
        context.setLineDash(dash);
        context.beginPath();
        data.right[name].forEach((part, i) => context.lineTo(x(bytes(i + 2, name)), y(part)));
        context.stroke();
        context.setLineDash([]);
        data.right[name].forEach((part, i) => {
          const [across, up] = [x(bytes(i + 2, name)), y(part)];
          if (name === "tensor") {
            context.beginPath();
            context.arc(across, up, 4, 0, 7);
            context.fill();
          } else context.fillRect(across - 4, up - 4, 8, 8);
          if (name === way && i + 2 === bits) {
            context.beginPath();
            context.arc(across, up, 10, 0, 7);
            context.stroke();
          }
        });
        context.textAlign = "right";
        context.fillText(name === "tensor" ? "● one scale for a kernel" : "■ one for each channel", right, floor - (name === "tensor" ? 34 : 14));
      }
      context.fillStyle = colours.ink;
      for (const part of [low, (low + 1) / 2, 1]) context.fillText(t.percent(part, 0), left - 5, y(part));
      context.textAlign = "left";
      context.fillText("digits read right (dots: float32)", 4, 8);
      context.textAlign = "center";
      for (const count of [0, 100, 200]) context.fillText(count, x(1024 * count), floor + 15);
      context.fillText("KiB of all numbers together", (left + right) / 2, HEIGHT - 10);
    },
  });

  const zeros = () => channels().map(({ after }) => after.filter((weight) => !weight).length);
  const part = () => data.right[way][bits - 2];

  function show() {
    strips.draw();
    plot.draw();
    const [small, large] = zeros();
    const [inSmall, inLarge] = layers[chosen].rows.map((row) => row.length);
    t.say(
      `${bits} bits give ${2 ** bits - 1} levels; scale: ${WAYS[way]}. ` +
        `In the channel with the smallest weights, ${small} of the ${inSmall} drawn weights ${small === 1 ? "becomes" : "become"} 0; ` +
        `in the other channel ${large} of ${inLarge}. With all kernels rounded, the numbers take ${kib(bytes(bits, way))} in place of ` +
        `${kib(4 * (data.weights + data.channels))}, and ${t.percent(part())} of the digits are read right (float32: ${t.percent(data.exact)}).`,
    );
  }

  t.slider({ label: "bits", min: 2, max: 8, step: 1, value: bits, change: (value) => ((bits = value), show()) });
  t.choice({ label: "scale", options: Object.entries(WAYS), value: way, change: (value) => ((way = value), show()) });
  t.choice({
    label: "layer shown", options: layers.map(({ name }, i) => [String(i), name]), value: String(chosen),
    change: (value) => ((chosen = Number(value)), show()),
  });
  show();
  return () => ({ bits, way, layer: chosen, bytes: bytes(bits, way), right: part(), zeros: zeros(), channels: channels() });
};
