"use strict";

// From scores to probabilities: ten scores, their powers of e, their proportions of the sum, at any
// temperature; and the products that make one digit's score.
const Scores = (() => {
  const { background, size, written } = Colours;

  const NAMED = 8; // products that a sum names; it adds up the others

  const element = (id) => document.getElementById(id);

  let network = null;
  let columns = [];
  let image = null;
  let outputs = null;
  let digit = null; // whose score is taken apart; null: the network's answer
  let seen = false;

  function make(tag, className = "", text = "") {
    return Object.assign(document.createElement(tag), { className, textContent: text });
  }

  // --- ten rows ---------------------------------------------------------------------------------

  const rows = Array.from({ length: 10 }, (_, k) => {
    const row = make("tr");
    const head = Object.assign(make("th"), { scope: "row" });
    const label = head.appendChild(make("label"));
    const radio = label.appendChild(make("input"));
    Object.assign(radio, { type: "radio", name: "live-digit-of", value: k });
    radio.addEventListener("change", () => {
      digit = k;
      if (image) showAddends();
    });
    label.append(document.createTextNode(k));
    row.append(head);
    const cells = ["score", "power", "share"].map((name) => {
      const cell = row.appendChild(make("td", `live-${name}-cell`));
      const bar = cell.appendChild(make("i", "live-bar"));
      bar.setAttribute("aria-hidden", "true");
      return { bar, text: cell.appendChild(make("span")) };
    });
    element("live-score-rows").append(row);
    return { row, radio, cells };
  });

  const temperature = () => 2 ** Number(element("live-temperature").value);

  function scoresAndWay() {
    const { scores, how } = Parts.ending(network);
    return { scores: outputs[scores], how };
  }

  function showRows() {
    const { scores, how } = scoresAndWay();
    const { powers, total, shares } = Parts.probabilities(scores, how, temperature());
    const most = size(scores);
    const largest = Math.max(...powers);
    const winner = Pad.ranked(shares)[0];
    rows.forEach(({ row, radio, cells }, k) => {
      row.classList.toggle("live-winner", k === winner);
      radio.checked = k === (digit ?? winner);
      const [score, power, share] = cells;
      score.text.textContent = written(scores[k], "+");
      score.bar.style.setProperty("--share", Math.abs(scores[k]) / most);
      score.bar.classList.toggle("live-minus", scores[k] < 0);
      power.text.textContent = inFigures(powers[k]);
      power.bar.style.setProperty("--share", powers[k] / largest);
      share.text.textContent = Pad.percent(shares[k]);
      share.bar.style.setProperty("--share", shares[k]);
    });
    const isSoftmax = how === "softmax";
    element("live-power-name").textContent = isSoftmax ? "power of e" : "e to the minus";
    element("live-total").textContent = isSoftmax ? inFigures(total) : "";
    element("live-total-share").textContent = isSoftmax ? Pad.percent(1) : "";
    showWords(scores, shares, winner, how);
  }

  /** A power of e: three decimals, or as a power of ten where they would all be 0. */
  function inFigures(number) {
    if (number >= 0.0005 && number < 10000) return number.toFixed(3);
    if (number === 0) return "0";
    const exponent = Math.floor(Math.log10(number));
    if (!Number.isFinite(exponent)) return "∞";
    const digits = String(Math.abs(exponent)).replace(/\d/g, (n) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[n]);
    return `10${exponent < 0 ? "⁻" : ""}${digits}`;
  }

  function showWords(scores, shares, winner, how) {
    const now = temperature();
    const share = Pad.percent(shares[winner]);
    const own = Pad.percent(Math.max(...Parts.probabilities(scores, how).shares));
    const start = `At temperature ${now.toFixed(2)} `;
    let words;
    if (Math.abs(now - 1) < 1e-9) {
      words =
        `${start}these are the network’s own probabilities: ${share} for ${Pad.named(winner)}. ` +
        "Move the slider to see how much of that is the scale of the scores.";
    } else if (now > 1) {
      words =
        `${start}every score is divided by ${now.toFixed(2)} first. The gaps shrink, so the ` +
        `probabilities move together: the ${winner} gets ${share} instead of ${own}. ` +
        "The order of the digits stays the same.";
    } else {
      words =
        `${start}every score is multiplied by ${(1 / now).toFixed(2)} first. The gaps grow, so the ` +
        `largest score takes nearly all: the ${winner} gets ${share} instead of ${own}. ` +
        "The order of the digits stays the same.";
    }
    element("live-temperature-words").textContent = words;
    element("live-temperature-number").textContent = now.toFixed(2);
    element("live-temperature").setAttribute(
      "aria-valuetext",
      `${now.toFixed(2)}: ${share} for ${Pad.named(winner)}`,
    );
    element("live-cool").disabled = now === 1;
  }

  // --- the sum behind one score -----------------------------------------------------------------

  /** The sum of all numbers but those that are named. */
  function without(numbers, named) {
    const all = numbers.reduce((a, b) => a + b, 0);
    return named.reduce((sum, n) => sum - numbers[n], all);
  }

  /** Number × weight for every number that a dense unit gets. */
  function productsOf(column, unit) {
    const layer = network.layers[column.layer];
    const into = column.layer === 0 ? image : outputs[column.layer - 1];
    const units = layer.shape[0];
    const products = Array.from(into, (number, n) => number * layer.kernel[n * units + unit]);
    return { layer, into, products, units };
  }

  /** A table: where a number stands, the number, its weight, their product. */
  function addends(column, unit) {
    const { layer, into, products, units } = productsOf(column, unit);
    const named = Parts.largest(products, NAMED).filter((n) => products[n] !== 0);
    const most = size(named.map((n) => products[n]));
    const table = make("table", "live-table live-addends");
    const head = table.createTHead().insertRow();
    for (const text of ["number from", "number", "× weight", "= product"]) {
      head.append(Object.assign(make("th", "", text), { scope: "col" }));
    }
    const body = table.createTBody();
    for (const n of named) {
      const row = body.insertRow();
      row.append(Object.assign(make("th", "", Parts.placeOf(columns, column.index, n)), { scope: "row" }));
      row.append(make("td", "", written(into[n])));
      row.append(make("td", "", written(layer.kernel[n * units + unit], "+")));
      const cell = row.appendChild(make("td", "", written(products[n], "+")));
      Object.assign(cell.style, background(products[n], most));
    }
    const rest = without(products, named);
    const bias = layer.bias[unit];
    const sum = outputs[column.layer][unit];
    for (const [name, number] of [
      [`the other ${products.length - named.length} products`, rest],
      ["bias", bias],
      ["sum", sum],
    ]) {
      const row = body.insertRow();
      row.append(Object.assign(make("th", "", name), { scope: "row", colSpan: 3 }));
      row.append(make("td", "", written(number, "+")));
    }
    return { parts: [...byMap(column, unit), table], sum, bias, count: products.length };
  }

  /** What each map adds over all its places, if the numbers come from maps. */
  function byMap(column, unit) {
    const source = columns[column.source];
    if (!source.isImage || source.count === 1) return [];
    const { net } = Parts.partsOf(network, columns, column.index, unit, image, outputs);
    const named = Parts.largest(net, NAMED);
    const entries = named.map((n) => [`map ${n + 1}`, net[n]]);
    const others = net.length - named.length;
    if (others) entries.push([`${others} more`, without(net, named)]);
    return [Inside.list(`what each map of ${source.name} adds, over all its places`, entries)];
  }

  /** What the strip writes below a unit, a mean or a score. */
  function terms(column, item) {
    if (column.kind === "flatten") {
      const from = Parts.placeOf(columns, column.index, item);
      return { parts: [], sentence: `The score of ${Pad.named(item)} is one number: ${from}.` };
    }
    const { parts, sum, bias, count } = addends(column, item);
    const name = column.isScores ? `The score of ${Pad.named(item)}` : `Unit ${item + 1}`;
    const after = outputs[column.ends][item];
    const then = column.then.length
      ? `Then comes ${column.then.map((each) => (each === "relu" ? "the ReLU" : each)).join(", ")}: ${written(after)}.`
      : "";
    return {
      parts,
      sentence:
        `${name} is a sum of ${count} products, number × weight, and the bias ${written(bias)}: ` +
        `${written(sum)}. The largest products stand above.`,
      then,
    };
  }

  function showAddends() {
    const { scores, how } = scoresAndWay();
    const unit = digit ?? Pad.ranked(Parts.probabilities(scores, how).shares)[0];
    const column = columns.find((each) => each.isScores);
    element("live-addends-name").textContent = `Where the score of ${Pad.named(unit)} comes from`;
    if (column.kind === "dense") {
      element("live-addends").replaceChildren(...addends(column, unit).parts);
      return;
    }
    const from =
      column.kind === "mean"
        ? `The score of ${Pad.named(unit)} is the mean of map ${unit + 1}: this network has no dense layer at its end.`
        : `The score of ${Pad.named(unit)} is one number: ${Parts.placeOf(columns, column.index, unit)}.`;
    element("live-addends").replaceChildren(make("p", "", from));
  }

  // --- following --------------------------------------------------------------------------------

  const waiting = Parts.whenResting(showAddends);

  function show() {
    element("live-scores").classList.toggle("live-empty", !image);
    waiting.stop();
    if (!image || !seen) return;
    showRows();
    waiting.start();
  }

  element("live-temperature").addEventListener("input", () => image && showRows());
  element("live-cool").addEventListener("click", () => {
    element("live-temperature").value = 0;
    if (image) showRows();
    element("live-temperature").focus(); // the button is switched off now, and would lose the focus
  });
  new IntersectionObserver(
    (entries) => {
      seen = entries.at(-1).isIntersecting;
      show();
    },
    { rootMargin: "100px" },
  ).observe(element("live-scores"));

  Inside.follow({
    use(next) {
      network = next;
      columns = Parts.columnsOf(network);
      [image, outputs, digit] = [null, null, null];
      waiting.stop(); // it would take apart a score of the network before
    },
    show(nextImage, nextOutputs) {
      [image, outputs] = [nextImage, nextOutputs];
      show();
    },
    get idle() {
      return !waiting.isWaiting;
    },
  });

  return { terms };
})();
