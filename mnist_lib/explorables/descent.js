// Chapter 4: gradient descent on a valley of one or two weights.
const figure = (t, data) => {
  const [WIDTH, HEIGHT] = [460, 260];
  const STEPS = 60;
  let weights = 2;
  let start = [...data.start];
  let [rate, keep, noise] = [data.rate, 0, 0];
  let shown = STEPS;
  let seed = 1;
  const [A, B] = data.curvatures;
  const X = 1.25 * Math.abs(data.start[0]);
  const Y = X * (HEIGHT / WIDTH);
  const stretch = (2.2 * Math.abs(data.start[1])) / Y; // the second weight's axis is drawn larger

  // Numbers that look random and are the same each time (Park and Miller 1988), as a bell curve.
  function bell() {
    let state = 48271 * seed;
    const next = () => (state = (state * 48271) % 2147483647) / 2147483647;
    for (let i = 0; i < 5; i++) next();
    return () => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
  }

  // With one weight, the valley is as steep as the narrow side of the other.
  const loss = ([x, y]) => (weights === 2 ? A * x * x + B * y * y : B * x * x) / 2;

  function path() {
    const random = bell();
    const points = [[start[0], weights === 2 ? start[1] : 0]];
    let pace = [0, 0];
    for (let step = 0; step < STEPS; step++) {
      const [x, y] = points[points.length - 1];
      const slope = [(weights === 2 ? A : B) * x + noise * random(), weights === 2 ? B * y + noise * random() : 0];
      pace = pace.map((value, i) => keep * value + slope[i]);
      points.push([x - rate * pace[0], y - rate * pace[1]]);
    }
    return points;
  }

  const place = ([x, y]) => [WIDTH / 2 + (x / X) * (WIDTH / 2), HEIGHT / 2 - (y / (Y * stretch)) * (HEIGHT / 2)];
  const height = (value) => HEIGHT - 30 - (value / loss([X, 0])) * (HEIGHT - 50);

  const view = t.view({
    width: WIDTH, height: HEIGHT, least: 280,
    label: "The valley from above, and the path. Arrow keys move the start.",
    paint(context, colours) {
      context.save();
      context.beginPath();
      context.rect(0, 0, WIDTH, HEIGHT);
      context.clip();
      context.strokeStyle = colours.soft;
      context.lineWidth = 1.5;
      const points = path().slice(0, shown + 1);
      let at = place;
      if (weights === 2) {
        for (const level of [0.02, 0.1, 0.3, 0.7, 1.3, 2.2]) {
          const value = level * loss(data.start);
          context.beginPath();
          const [cx, cy] = place([0, 0]);
          const [rx] = place([Math.sqrt((2 * value) / A), 0]);
          const [, ry] = place([0, Math.sqrt((2 * value) / B)]);
          context.ellipse(cx, cy, rx - cx, cy - ry, 0, 0, 7);
          context.stroke();
        }
      } else {
        at = ([x]) => [place([x, 0])[0], height(loss([x, 0]))];
        context.beginPath();
        for (let i = -60; i <= 60; i++) context.lineTo(...at([(X * i) / 60]));
        context.stroke();
      }
      context.strokeStyle = context.fillStyle = colours.first;
      context.beginPath();
      for (const point of points) context.lineTo(...at(point));
      context.stroke();
      for (const point of points) {
        context.beginPath();
        context.arc(...at(point), 2.5, 0, 7);
        context.fill();
      }
      context.fillStyle = colours.second;
      context.beginPath();
      context.arc(...at(points[0]), 6, 0, 7);
      context.fill();
      context.restore();
      context.strokeStyle = colours.line;
      context.strokeRect(0.5, 0.5, WIDTH - 1, HEIGHT - 1);
      context.fillStyle = colours.ink;
      context.fillText(weights === 2 ? "weight 1" : "weight", WIDTH - 40, HEIGHT - 12);
      context.textAlign = "left";
      context.fillText(weights === 2 ? "weight 2" : "loss", 8, 14);
    },
    at(x, y, event) {
      if (!(event.buttons & 1)) return;
      start = [((x - WIDTH / 2) / (WIDTH / 2)) * X, ((HEIGHT / 2 - y) / (HEIGHT / 2)) * Y * stretch];
      show();
    },
    key(name) {
      const way = t.arrow(name);
      if (!way) return false;
      const inside = (value, most) => Math.min(Math.max(value, -most), most);
      start = [inside(start[0] + 0.05 * way[1] * X, X), inside(start[1] - 0.05 * way[0] * Y * stretch, Y * stretch)];
      show();
      return true;
    },
  });

  const curve = t.view({
    width: 220, height: HEIGHT, least: 180, label: "The loss, step by step",
    paint(context, colours) {
      const losses = path().slice(0, shown + 1).map(loss);
      const [low, high] = [-6, 3]; // powers of ten
      const y = (value) => 20 + (HEIGHT - 60) * (1 - (Math.log10(Math.max(value, 1e-9)) - low) / (high - low));
      context.save();
      context.beginPath();
      context.rect(56, 10, 164, HEIGHT - 40);
      context.clip();
      context.strokeStyle = colours.first;
      context.lineWidth = 2;
      context.beginPath();
      losses.forEach((value, i) => context.lineTo(58 + (160 * i) / STEPS, y(value)));
      context.stroke();
      context.restore();
      context.strokeStyle = colours.line;
      context.strokeRect(56, 10, 163, HEIGHT - 40);
      context.fillStyle = colours.ink;
      context.fillText(`step (${STEPS} in all)`, 138, HEIGHT - 14);
      context.textAlign = "right";
      context.fillText("loss", 53, 16);
      for (const power of [2, 0, -2, -4]) context.fillText(t.number(10 ** power, 4), 53, y(10 ** power));
    },
  });

  /** In words, what the last steps did. */
  function verdict(points) {
    const losses = points.map(loss);
    const last = losses[losses.length - 1];
    if (last > 1e6 * losses[0] || !Number.isFinite(last)) return "It leaves the valley: each step leaps further than the one before";
    const turns = points.slice(1).filter((point, i) => point[weights - 1] * points[i][weights - 1] < 0).length;
    if (last > losses[0] && !noise) return "It leaves the valley: each step leaps a little further than the one before";
    if (noise && last > 1e-3 * losses[0]) return "It reaches the floor and wanders about there, because each slope is noisy";
    if (last > 1e-2 * losses[0]) {
      return turns > STEPS / 4 ? "It leaps from side to side, and has not settled yet" : "It creeps: after all steps it is still on its way";
    }
    return turns > STEPS / 4 ? "It leaps from side to side, and settles" : "It settles at the lowest point";
  }

  /** In words, from which step on the loss stays within 1 % of where it began. */
  function settled(points) {
    const losses = points.map(loss);
    const late = losses.findLastIndex((value) => !(value < 0.01 * losses[0]));
    return late === STEPS ? "" : ` From step ${late + 1} on it stays below a hundredth of that.`;
  }

  function show() {
    view.draw();
    curve.draw();
    const points = path();
    const last = loss(points[shown]);
    t.say(
      `${verdict(points)}. Loss after ${shown} steps: ${last < 0.001 || last > 1e5 ? last.toExponential(1).replace("-", "−") : t.number(last, 3)}, ` +
        `from ${t.number(loss(points[0]), 2)}.${settled(points)}`,
    );
    another.disabled = !noise;
  }

  t.choice({
    label: "valley", options: [["1", "one weight"], ["2", "two weights"]], value: "2",
    change: (value) => ((weights = Number(value)), show()),
  });
  t.slider({
    label: "learning rate", min: 0.002, max: 0.2, step: 0.002, value: data.rate, write: (v) => t.number(v, 3),
    change: (value) => ((rate = value), show()),
  });
  t.slider({
    label: "momentum", min: 0, max: 0.98, step: 0.02, value: 0, change: (value) => ((keep = value), show()),
  });
  t.slider({
    label: "noise of the batch", min: 0, max: 6, step: 0.5, value: 0, write: (v) => t.number(v, 1),
    change: (value) => ((noise = value), show()),
  });
  const play = t.player({
    label: "Play", rate: 12,
    begin() {
      if (shown === STEPS) shown = 0;
    },
    step() {
      shown += 1;
      show();
      return shown < STEPS;
    },
  });
  const another = t.button({ label: "Another batch", press: () => ((seed += 1), (shown = STEPS), play.stop(), show()) });
  show();
  return () => ({ path: path(), losses: path().map(loss) });
};
