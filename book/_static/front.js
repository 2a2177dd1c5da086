"use strict";

// The front page: a digit draws itself and is read, then it is the reader's turn. pad.js does the
// reading; here are the first digit, the links that lead on, and the game.
const Front = (() => {
  const SECOND = 1000; // milliseconds in which the first digit draws itself
  const KEPT = 12; // finds that are kept on this computer
  const STORE = "reading-handwritten-digits.finds";
  const element = (id) => document.getElementById(id);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

  // --- the first digit --------------------------------------------------------------------------

  /** The part of the strokes that a pen has drawn after a fraction of their whole length. */
  function begun(fraction) {
    const { strokes } = FRONT_DIGIT;
    const points = strokes.reduce((sum, stroke) => sum + stroke.points.length, 0);
    let left = Math.ceil(fraction * points);
    const drawn = strokes.map((stroke) => {
      const part = { ...stroke, points: stroke.points.slice(0, Math.max(left, 0)) };
      left -= stroke.points.length;
      return part;
    });
    return { background: null, strokes: drawn.filter(({ points }) => points.length) };
  }

  let touched = false; // whether a hand has begun
  function drawItself() {
    const start = performance.now();
    function frame(now) {
      if (touched) return;
      const fraction = still ? 1 : Math.min((now - start) / SECOND, 1);
      Pad.demonstrate(begun(fraction));
      if (fraction < 1) requestAnimationFrame(frame);
      else answerFirst();
    }
    requestAnimationFrame(frame);
  }

  /** The answer to the first digit is the network's own, from when the site was built. */
  function answerFirst() {
    const { probabilities } = FRONT_DIGIT;
    const [first] = Pad.ranked(probabilities);
    Pad.showProbabilities(probabilities);
    element("live-digit").textContent = first;
    element("live-words").textContent =
      `The network reads ${Pad.named(first)} (${Pad.percent(probabilities[first])}). Your turn: draw a digit.`;
  }

  // --- the network ------------------------------------------------------------------------------

  let fetching = false; // or fetched
  /** Fetch the network when a hand begins. A script, since a file may fetch nothing else. */
  function fetchNetwork() {
    touched = true;
    if (fetching) return;
    fetching = true;
    Pad.showProbabilities(null);
    element("live-digit").textContent = "–";
    element("live-words").textContent = "One moment: the network is on its way to your browser.";
    const script = document.createElement("script");
    script.src = element("front").dataset.network;
    script.onload = () => Pad.use(NetworkFile.fromDescription(LIVE_NETWORK));
    script.onerror = () => {
      fetching = false; // the next stroke tries again
      element("live-words").textContent =
        "The network could not be loaded. Check your connection, then draw on.";
    };
    document.head.append(script);
  }

  // --- the game ---------------------------------------------------------------------------------

  let finds = [];
  try {
    const kept = JSON.parse(localStorage.getItem(STORE) ?? "[]");
    if (Array.isArray(kept)) finds = kept.filter(isFind).slice(0, KEPT);
  } catch {
    // A browser that keeps nothing: the finds last as long as the page.
  }

  function isFind(find) {
    const isDigit = (value) => Number.isInteger(value) && value >= 0 && value <= 9;
    return isDigit(find?.drawn) && isDigit(find.read) && /^data:image\/png;base64,/.test(find.picture);
  }

  function keep() {
    try {
      localStorage.setItem(STORE, JSON.stringify(finds));
    } catch {
      // As above, or its store is full.
    }
  }

  function claim(drawn) {
    const { probabilities, rows } = Pad.state;
    const message = element("front-verdict");
    if (!probabilities || rows.flat().length !== 1) {
      message.textContent = "Draw one digit first.";
      return;
    }
    const [read] = Pad.ranked(probabilities);
    if (read === drawn) {
      message.textContent = `It reads ${Pad.named(read)}, as you do. Try an open 4, a 7 with a bar, a tiny loop.`;
      return;
    }
    const canvas = document.createElement("canvas");
    Pad.paint(canvas.getContext("2d"), 200);
    finds = [{ drawn, read, picture: canvas.toDataURL("image/png") }, ...finds].slice(0, KEPT);
    keep();
    showFinds();
    message.textContent = `Found: your ${drawn} is read as ${Pad.named(read)} (${Pad.percent(probabilities[read])}). Would a friend read it as ${Pad.named(drawn)}?`;
  }

  function showFinds() {
    const list = element("front-finds");
    const counts = {};
    list.replaceChildren(
      ...finds.map(({ drawn, read, picture }) => {
        counts[drawn] = (counts[drawn] ?? 0) + 1;
        const item = document.createElement("li");
        const image = Object.assign(new Image(64, 64), { src: picture, alt: `your ${drawn}, read as ${Pad.named(read)}` });
        const link = Object.assign(document.createElement("a"), {
          href: picture,
          download: `my_digit_${drawn}_${counts[drawn]}.png`, // as chapter 7 finds them
          textContent: "Save",
          title: `Save your ${drawn} as a PNG`,
        });
        item.append(image, `${drawn} → ${read} `, link);
        return item;
      }),
    );
    element("front-kept").hidden = !finds.length;
  }

  const digits = element("front-claims");
  for (let digit = 0; digit < 10; digit++) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: digit });
    button.addEventListener("click", () => claim(digit));
    digits.append(button);
  }
  element("front-forget").addEventListener("click", () => {
    finds = [];
    keep();
    showFinds();
    element("front-verdict").textContent = "All finds are forgotten.";
  });

  Pad.start({
    touched: fetchNetwork,
    answered(image) {
      element("front-on").hidden = image === null;
      element("front-verdict").textContent = "";
    },
  });
  element("live-pad").addEventListener("focus", fetchNetwork);
  element("front-again").addEventListener("click", () => {
    fetchNetwork();
    Pad.change({ background: null, strokes: FRONT_DIGIT.strokes });
  });
  showFinds();
  // Who comes back from another page finds the drawing that was there.
  const [visit] = performance.getEntriesByType("navigation");
  const kept = visit?.type === "back_forward" ? Pad.kept() : null;
  if (kept) {
    fetchNetwork();
    Pad.change(kept);
  } else drawItself();

  return {
    get state() {
      return { touched, finds, ...Pad.state };
    },
  };
})();
