"use strict";

// A strip of the whole network: a column for each layer, the strongest maps first, lines for what
// feeds them. The map that is chosen is written out below by live-inside.js and live-stage.js.
const Strip = (() => {
  const { colour, COLOURS, background, size, written } = Colours;

  const FEW = 6; // maps of a column, until the reader asks for all
  const MOST = 128; // maps of a column at most
  const LINES = 6; // lines into one map
  const LONGEST = 4096; // numbers of a flatten layer that are painted
  const BESIDE = 8; // of them side by side

  const element = (id) => document.getElementById(id);
  const box = element("live-strip");
  const row = element("live-columns-row");

  let network = null;
  let columns = [];
  let image = null;
  let outputs = null;
  let chosen = { column: 0, item: 0 }; // written out below; one tab stop leads to it
  let byReader = false; // whether the reader chose it
  let isOwn = false; // whether the strip itself turns the maps below
  let lit = null; // under the pointer or the focus, or null
  let seen = false;
  let width = 0; // of what is seen of the strip
  let scrolled = 0; // what is left of it
  let stale = false; // whether the strip missed something while out of sight

  // --- columns of buttons -----------------------------------------------------------------------

  const NAMES = { relu: "ReLU", scale: "scaling" };

  function shapeInWords({ shape, isImage, kind, isScores }) {
    if (isImage) return `${shape[0]} × ${shape[1]}`;
    if (isScores || kind === "probabilities") return "10";
    return `${shape[0]}`;
  }

  function spokenShape({ shape, isImage }) {
    if (!isImage) return shape[0] === 1 ? "1 number" : `${shape[0]} numbers`;
    return `${shape[2] === 1 ? "1 map" : `${shape[2]} maps`} of ${shape[0]} × ${shape[1]}`;
  }

  const titleOf = ({ kind, name }) => (kind === "flatten" && name !== "scores" ? "flatten" : name);

  function build() {
    row.replaceChildren(...columns.map(buildColumn));
    const lines = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    lines.setAttribute("aria-hidden", "true");
    lines.classList.add("live-lines");
    row.prepend(lines);
    box.scrollLeft = scrolled = 0;
  }

  function buildColumn(column) {
    const part = document.createElement("div");
    part.className = `live-column${isTen(column) ? " live-ten" : ""}`;
    part.classList.toggle("live-sure", column.kind === "probabilities");
    part.setAttribute("role", "group");
    const then = column.then.map((name) => NAMES[name] ?? name).join(", ");
    part.setAttribute(
      "aria-label",
      `${titleOf(column)}, ${spokenShape(column)}${then ? `, then ${then}` : ""}`,
    );
    const heading = part.appendChild(document.createElement("p"));
    heading.className = "live-column-name";
    heading.title = titleOf(column);
    for (const [tag, text] of [
      ["b", titleOf(column)],
      ["span", shapeInWords(column)],
      ["span", then ? `+ ${then}` : "\u00a0"],
    ]) {
      heading.appendChild(document.createElement(tag)).textContent = text;
    }
    const items = part.appendChild(document.createElement("div"));
    items.className = "live-items";
    column.items = items;
    column.buttons = new Map();
    column.isAll = false;
    column.all = null;
    if (column.count > FEW && !isTen(column)) {
      const button = part.appendChild(document.createElement("button"));
      Object.assign(button, { type: "button", className: "live-all", tabIndex: -1 });
      button.addEventListener("click", () => {
        column.isAll = !column.isAll;
        part.classList.toggle("live-wide", column.isAll);
        nameAll(column);
        arrange(column);
        layOut();
        paintColumn(column);
        setStop(button);
      });
      column.all = button;
      nameAll(column);
    }
    return part;
  }

  function nameAll(column) {
    const { all, isAll, count } = column;
    const what = column.isImage ? "maps" : "numbers";
    const limit = count > MOST ? `the first ${MOST} of ${count}` : `all ${count}`;
    all.textContent = isAll ? "fewer" : `all ${count}`;
    all.setAttribute("aria-expanded", isAll);
    all.setAttribute(
      "aria-label",
      `${titleOf(column)}: show ${isAll ? "the strongest" : limit} ${what}`,
    );
  }

  const isTen = (column) => column.isScores || column.kind === "probabilities";

  function nameOf(column, item) {
    if (column.kind === "input") return "the input";
    if (column.kind === "probabilities") return `probability of ${Pad.named(item)}`;
    if (column.isScores) return `score of ${Pad.named(item)}`;
    if (column.kind === "flatten") return "all numbers in one row";
    return `${titleOf(column)}, ${column.isImage || column.kind === "mean" ? "map" : "unit"} ${item + 1}`;
  }

  function buttonOf(column, item) {
    if (column.buttons.has(item)) return column.buttons.get(item);
    const button = document.createElement("button");
    Object.assign(button, { type: "button", tabIndex: -1 });
    button.dataset.item = item;
    button.place = { column: column.index, item };
    button.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-label", nameOf(column, item));
    if (column.isImage || column.count === 1) {
      button.className = column.isImage ? "live-map" : "live-map live-flat";
      button.append(document.createElement("canvas"));
    } else {
      button.className = "live-number";
      for (const tag of ["b", "span"]) button.append(document.createElement(tag));
      button.firstChild.textContent = isTen(column) ? item : item + 1;
    }
    column.buttons.set(item, button);
    return button;
  }

  /** How strongly each item of a column answers: the sum of the amounts that it hands on. */
  function strengths(column) {
    const numbers = column.ends < 0 ? image : outputs[column.ends];
    const sums = new Float64Array(column.count);
    for (let n = 0; n < numbers.length; n++) sums[n % column.count] += Math.abs(numbers[n]);
    return sums;
  }

  function parts(place) {
    return Parts.partsOf(network, columns, place.column, place.item, image, outputs);
  }

  /** Put the strongest items first; before the chosen map, those that feed it most. */
  function arrange(column) {
    const all = Array.from({ length: column.count }, (_, n) => n);
    let shown = all;
    if (!isTen(column) && column.count > 1) {
      const target = columns[chosen.column];
      const feeds = image && target.kind !== "input" && target.source === column.index;
      const many = column.isAll ? MOST : FEW;
      if (!image) shown = all.slice(0, many);
      else shown = Parts.largest(feeds ? parts(chosen).size : strengths(column), many);
      if (chosen.column === column.index && !shown.includes(chosen.item)) {
        shown[shown.length - 1] = chosen.item;
      }
    }
    const buttons = shown.map((item) => buttonOf(column, item));
    const before = [...column.items.children];
    if (buttons.some((button, n) => button !== before[n]) || buttons.length !== before.length) {
      const focused = document.activeElement;
      column.items.replaceChildren(...buttons);
      if (buttons.includes(focused)) focused.focus({ preventScroll: true });
      else if (before.includes(focused)) buttons[0].focus({ preventScroll: true });
    }
  }

  function arrangeAll() {
    for (const column of columns) arrange(column);
    mark();
  }

  // --- pictures ---------------------------------------------------------------------------------

  function paintColumn(column) {
    if (!image) return;
    if (column.kind === "probabilities") {
      const { scores, how } = Parts.ending(network);
      const { shares } = Parts.probabilities(outputs[scores], how);
      for (const [item, button] of column.buttons) {
        button.style.setProperty("--share", shares[item]);
        write(button, Pad.percent(shares[item]));
      }
      return;
    }
    const numbers = Parts.numbersOf(column, image, outputs);
    const most = size(numbers);
    if (column.isImage) {
      for (const button of column.items.children) {
        paintMap(button.firstChild, numbers, column, button.place.item, most);
      }
    } else if (column.count === 1) {
      paintFlat(column.items.firstChild.firstChild, numbers, most);
    } else {
      for (const button of column.items.children) {
        const number = numbers[button.place.item];
        const text = written(number, "+");
        if (button.lastChild.textContent === text && button.most === most) continue;
        button.most = most;
        button.lastChild.textContent = text;
        Object.assign(button.lastChild.style, background(number, most));
      }
    }
  }

  function write(button, text) {
    if (button.lastChild.textContent !== text) button.lastChild.textContent = text;
  }

  // A colour in one number, as it lies in a picture's memory (of a machine that begins at the end,
  // as all that run a browser do).
  const WORDS = Uint32Array.from({ length: 256 }, (_, n) => {
    const [red, green, blue] = COLOURS.subarray(3 * n, 3 * n + 3);
    return (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
  });

  // Every canvas keeps its picture: some sixty a frame would be much to throw away.
  const pictures = new WeakMap();
  function pictureOf(canvas, width, height) {
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    let kept = pictures.get(canvas);
    if (kept?.picture.width !== width || kept.picture.height !== height) {
      const picture = new ImageData(width, height);
      kept = { picture, words: new Uint32Array(picture.data.buffer) };
      pictures.set(canvas, kept);
    }
    return kept;
  }

  function paintMap(canvas, numbers, { shape, kind }, map, most) {
    const [height, width, channels] = shape;
    const { picture, words } = pictureOf(canvas, width, height);
    const isInk = kind === "input";
    for (let n = 0, from = map; n < words.length; n++, from += channels) {
      words[n] = isInk
        ? 0xff000000 | (0x010101 * ((255 * numbers[from]) | 0))
        : WORDS[colour(numbers[from], most) / 3];
    }
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  /** The numbers of a flatten layer from top to bottom, some side by side so that they fit. */
  function paintFlat(canvas, numbers, most) {
    const count = Math.min(numbers.length, LONGEST);
    const { picture, words } = pictureOf(canvas, BESIDE, Math.ceil(count / BESIDE));
    for (let n = 0; n < count; n++) words[n] = WORDS[colour(numbers[n], most) / 3];
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  /** Paint what is in sight; columns that are scrolled out of the strip wait. */
  function paint() {
    stale = !seen;
    if (!seen || !image) return;
    const [from, to] = [scrolled, scrolled + width];
    for (const column of columns) {
      if (column.right >= from && column.left <= to) paintColumn(column);
    }
  }

  // --- lines ------------------------------------------------------------------------------------

  /** The middle of a button's left or right edge, in the row's own pixels. */
  function end(button, side) {
    const outer = row.getBoundingClientRect();
    const inner = button.getBoundingClientRect();
    return [inner[side] - outer.left, inner.top - outer.top + inner.height / 2];
  }

  function curve(from, to) {
    const middle = (from[0] + to[0]) / 2;
    return `M${from.join(" ")}C${middle} ${from[1]} ${middle} ${to[1]} ${to.join(" ")}`;
  }

  /** A faint web between neighbours: everything feeds everything, but pooling keeps maps apart. */
  function web() {
    return columns
      .slice(1)
      .map((column) => {
        const before = columns[column.index - 1];
        const [sources, targets] = [before, column].map(({ items }) => [...items.children]);
        const lefts = targets.slice(0, 10).map((button) => [button, end(button, "left")]);
        return sources
          .slice(0, 10)
          .map((source) => {
            const from = end(source, "right");
            return lefts
              .filter(
                ([target]) =>
                  !["pooling", "mean"].includes(column.kind) ||
                  target.place.item === source.place.item,
              )
              .map(([, to]) => curve(from, to))
              .join("");
          })
          .join("");
      })
      .join("");
  }

  /** The strongest parts of what feeds an item, strongest first. */
  function strongest(place) {
    const { net, size: sizes } = parts(place);
    return Parts.largest(sizes, LINES)
      .filter((n) => sizes[n] > 0)
      .map((item) => ({ item, net: net[item], size: sizes[item] }));
  }

  function drawLines() {
    const svg = row.firstElementChild;
    const paths = [["live-web", web(), 1]];
    for (const button of row.querySelectorAll(".live-feeds")) button.classList.remove("live-feeds");
    const place = lit ?? chosen;
    const column = columns[place.column];
    const target = column?.buttons.get(place.item);
    if (image && target?.isConnected && column.kind !== "input") {
      const source = columns[column.source];
      const feeding = strongest(place);
      for (const { item, net, size: strength } of feeding) {
        const button = source.buttons.get(item);
        if (!button?.isConnected) continue;
        button.classList.add("live-feeds");
        const width = 1 + (3 * strength) / feeding[0].size;
        const way = curve(end(button, "right"), end(target, "left"));
        paths.push([net < 0 ? "live-line live-minus" : "live-line", way, width]);
      }
    }
    svg.setAttribute("width", row.offsetWidth);
    svg.setAttribute("height", row.offsetHeight);
    svg.replaceChildren(
      ...paths.map(([name, way, width]) => {
        const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
        path.setAttribute("class", name);
        path.setAttribute("d", way);
        path.setAttribute("stroke-width", width.toFixed(1));
        return path;
      }),
    );
  }

  let waitingForLines = false;
  function lines() {
    if (waitingForLines) return;
    waitingForLines = true;
    requestAnimationFrame(() => {
      waitingForLines = false;
      if (seen && network) drawLines();
      else stale = true;
    });
  }

  // --- words ------------------------------------------------------------------------------------

  /** One item in a sentence or two, for the line below the strip and for its button's label. */
  function inWords(place) {
    const column = columns[place.column];
    const name = nameOf(column, place.item);
    if (!image) return name;
    const numbers = Parts.numbersOf(column, image, outputs);
    if (column.kind === "probabilities") {
      return `${name}: ${column.buttons.get(place.item).lastChild.textContent}`;
    }
    if (!column.isImage && column.count > 1) return `${name}: ${written(numbers[place.item])}`;
    let [least, most] = [Infinity, -Infinity];
    const step = column.isImage ? column.count : 1;
    for (let n = place.item; n < numbers.length; n += step) {
      least = Math.min(least, numbers[n]);
      most = Math.max(most, numbers[n]);
    }
    if (numbers.length === step) return `${name}: ${written(most)}`;
    return `${name}: ${numbers.length / step} numbers from ${written(least)} to ${written(most)}`;
  }

  function fedBy(place) {
    const column = columns[place.column];
    if (!image || column.kind === "input") return "";
    const source = columns[column.source];
    if (column.kind === "probabilities") return " All ten scores have a part in it.";
    if (source.count === 1) return ` It is computed from ${nameOf(source, 0)}.`;
    if (["pooling", "mean"].includes(column.kind)) return ` It is made of one map of ${source.name}.`;
    const names = strongest(place).map(({ item, net }) => `${item + 1}${net < 0 ? " (−)" : ""}`);
    if (!names.length) return " Nothing feeds it for this digit.";
    const what = source.isImage || source.kind === "mean" ? "map" : "unit";
    const them = names.length === 1 ? `${what} ${names[0]}` : `the ${what}s ${names.join(", ")}`;
    const missing = strongest(place).some(({ item }) => !source.buttons.get(item)?.isConnected);
    const where = missing && source.all ? ` Those without a line are under “all ${source.count}”.` : "";
    return ` ${source.name} feeds it most with ${them}.${where}`;
  }

  function describe() {
    const place = lit ?? chosen;
    element("live-strip-words").textContent = `${inWords(place)}.${fedBy(place)}`;
  }

  function label(button) {
    button.setAttribute("aria-label", inWords(button.place));
  }

  // --- choosing ---------------------------------------------------------------------------------

  const buttonsOf = (column) => [...column.items.children, ...(column.all ? [column.all] : [])];

  /** Of all the strip's buttons, the Tab key stops at one; the arrow keys lead to the others. */
  function setStop(button) {
    for (const other of row.querySelectorAll("button")) other.tabIndex = other === button ? 0 : -1;
  }

  function mark() {
    for (const column of columns) {
      for (const button of column.items.children) {
        const isChosen = column.index === chosen.column && button.place.item === chosen.item;
        button.setAttribute("aria-pressed", isChosen);
      }
    }
    if (!row.contains(document.activeElement)) {
      setStop(columns[chosen.column].buttons.get(chosen.item));
    }
  }

  /** Choose an item: it stays marked, its sources come first, and its sum is written below. */
  function choose(place, moves = false) {
    chosen = { ...place };
    byReader = true;
    turn();
    const column = columns[place.column];
    reveal(column);
    element("live-strip-spoken").textContent =
      `Chosen: ${inWords(place)}.${fedBy(place)} The sum stands below.`;
    isOwn = true;
    Stage.turnTo(column, place.item);
    isOwn = false;
    bringStage(column.buttons.get(place.item));
    if (moves && column.isImage && column.kind !== "input") Stage.play();
  }

  /** Scroll the page until the enlarged map is in sight, but keep what was chosen in sight, too. */
  function bringStage(button) {
    const stage = ["live-stage", "live-sum"].map(element).find((part) => part.offsetHeight > 0);
    const { scrollPaddingTop, scrollPaddingBottom } = getComputedStyle(document.documentElement);
    const [above, below] = [scrollPaddingTop, scrollPaddingBottom].map((length) => parseFloat(length) || 0);
    const missing = stage.getBoundingClientRect().bottom - (innerHeight - below);
    const free = button.getBoundingClientRect().top - above - 12; // a little air
    const top = Math.min(missing, free);
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (top > 0) scrollBy({ top, behavior: isStill ? "auto" : "smooth" });
  }

  /** Scroll the strip so far that a column and what feeds it are in sight. */
  function reveal(column) {
    const first = column.source >= 0 ? columns[column.source] : column;
    const margin = 12; // so that one sees that the strip goes on
    scrolled = box.scrollLeft; // the focus may have scrolled it, and the event comes later
    const left = Math.min(
      Math.max(scrolled, column.right + margin - width),
      Math.max(first.left - margin, 0),
    );
    if (left !== scrolled) box.scrollTo({ left });
  }

  /** Follow what the maps below turned to. */
  function follow(layer, item) {
    const column = columns.find((each) => each.layer === layer && each.kind !== "input");
    if (!column || (chosen.column === column.index && chosen.item === item)) return;
    chosen = { column: column.index, item };
    if (!seen) {
      stale = true;
      return;
    }
    turn();
  }

  /** Mark what is chosen, and put its strongest sources first; the other columns stay as they are. */
  function turn() {
    const own = columns[chosen.column];
    if (!own.buttons.get(chosen.item)?.isConnected) arrange(own);
    if (own.kind !== "input") arrange(columns[own.source]);
    mark();
    paint();
    lines();
    describe();
  }

  function light(place) {
    if (lit?.column === place?.column && lit?.item === place?.item) return;
    lit = place;
    lines();
    describe();
  }

  const placeAt = (target) => target.closest?.("button")?.place ?? null;
  row.addEventListener("pointerover", (event) => {
    if (event.pointerType === "mouse") light(placeAt(event.target));
  });
  row.addEventListener("pointerleave", () => light(null));
  row.addEventListener("focusin", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    setStop(button);
    if (button.place) label(button);
    light(placeAt(button));
  });
  row.addEventListener("focusout", () => light(null));
  row.addEventListener("click", (event) => {
    const place = placeAt(event.target);
    // A click sets the window going; a key does not, so that the sum can be read out.
    if (place && image) choose(place, event.detail > 0);
  });
  row.addEventListener("keydown", (event) => {
    const button = event.target.closest("button");
    if (!button || event.ctrlKey || event.metaKey || event.altKey) return;
    const index = columns.findIndex((column) => buttonsOf(column).includes(button));
    const beside = buttonsOf(columns[index]);
    const at = beside.indexOf(button);
    const enter = (column, rank) => {
      const others = buttonsOf(columns[Pad.clamp(column, 0, columns.length - 1)]);
      return others[Pad.clamp(rank, 0, others.length - 1)];
    };
    // A column that shows all its maps has several stacks of them, side by side.
    const stack = (step) => columns[index].isAll && columns[index].items.contains(beside[at + step]);
    const next = {
      ArrowUp: () => enter(index, at - 1),
      ArrowDown: () => enter(index, at + 1),
      ArrowLeft: () => (stack(-FEW) ? beside[at - FEW] : enter(index - 1, at % FEW)),
      ArrowRight: () => (stack(FEW) ? beside[at + FEW] : enter(index + 1, at % FEW)),
      Home: () => enter(0, 0),
      End: () => enter(columns.length - 1, 0),
    }[event.key]?.();
    if (!next) return;
    event.preventDefault();
    next.focus();
  });

  // --- what Inside calls ------------------------------------------------------------------------

  function use(next) {
    network = next;
    columns = Parts.columnsOf(network);
    image = outputs = null;
    waiting.stop(); // it would look for the strongest maps of the network before
    lit = null;
    byReader = false;
    chosen = { column: 0, item: 0 };
    build();
    for (const column of columns) arrange(column);
    mark();
    layOut();
  }

  const waiting = Parts.whenResting(rest);

  function show(nextImage, nextOutputs) {
    const first = image === null;
    [image, outputs] = [nextImage, nextOutputs];
    box.classList.toggle("live-empty", !image);
    waiting.stop();
    if (!image) {
      lines();
      return;
    }
    if (first) rest();
    else paint();
    waiting.start();
  }

  /** When the hand rests, the strongest maps come first again. */
  function rest() {
    const last = columns[columns.length - 1];
    // A network without windows has no map to begin with: its strongest score, then.
    if (!byReader && !columns.some(({ isImage, kind }) => isImage && kind !== "input")) {
      const { scores } = Parts.ending(network);
      chosen = { column: last.source, item: outputs[scores].indexOf(Math.max(...outputs[scores])) };
    }
    if (!seen) {
      stale = true;
    } else {
      arrangeAll();
      paint();
      lines();
    }
    describe();
    const column = columns[chosen.column];
    if (!column.isImage) Stage.turnTo(column, chosen.item);
  }

  /** Where the columns lie: found once, because asking the page for it is slow. */
  function layOut() {
    width = box.clientWidth;
    for (const column of columns) {
      const { offsetLeft, offsetWidth } = column.items.parentElement;
      [column.left, column.right] = [offsetLeft, offsetLeft + offsetWidth];
    }
    lines();
    if (seen) paint();
  }

  new IntersectionObserver(
    (entries) => {
      seen = entries.at(-1).isIntersecting;
      if (!seen || !stale || !image) return;
      arrangeAll();
      paint();
      lines();
    },
    { rootMargin: "200px" },
  ).observe(box);
  const sizes = new ResizeObserver(layOut);
  for (const part of [row, box]) sizes.observe(part);
  box.addEventListener(
    "scroll",
    () => {
      scrolled = box.scrollLeft;
      paint();
    },
    { passive: true },
  );

  Inside.follow({
    use,
    show,
    looked(layer, focus) {
      if (!isOwn && focus.side === "output") follow(layer, focus.map);
    },
    get idle() {
      return !waiting.isWaiting && !waitingForLines;
    },
  });

  return {
    choose,
    get state() {
      return { columns, chosen, lit };
    },
  };
})();
