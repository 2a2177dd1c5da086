"use strict";

// While one reads on, the pad's answer stays in sight at the edge of the window, with the ways back
// to the pad and to the strip. Where the margin is wide enough, the pad itself comes along.
const Dock = (() => {
  const element = (id) => document.getElementById(id);
  const wide = window.matchMedia("(min-width: 1200px) and (min-height: 600px)");
  const home = element("live-pad").closest(".live-columns");
  const pad = element("live-pad").closest(".live-frame");

  const dock = document.createElement("div");
  dock.className = "live-dock";
  dock.hidden = true;
  dock.setAttribute("role", "group");
  dock.setAttribute("aria-label", "Your digit");
  const picture = dock.appendChild(document.createElement("canvas"));
  picture.setAttribute("aria-hidden", "true");
  const answer = dock.appendChild(document.createElement("b"));
  const share = dock.appendChild(document.createElement("span"));
  for (const [words, id, target, stop] of [
    ["Draw", "live-to-pad", home, () => element("live-pad")],
    ["Network", "live-to-strip", element("live-strip"), strip],
  ]) {
    const button = dock.appendChild(document.createElement("button"));
    Object.assign(button, { type: "button", id, textContent: words });
    button.addEventListener("click", () => lead(target, stop()));
  }
  element("live").append(dock);

  function strip() {
    return element("live-strip").querySelector("[tabindex='0']");
  }

  /** Scroll there, and take the keyboard along. */
  function lead(target, stop) {
    const reduced = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    target.scrollIntoView({ behavior: reduced ? "auto" : "smooth" });
    stop?.focus({ preventScroll: true });
  }

  let image = null;
  function show() {
    if (dock.hidden) return;
    Pad.paintGrey(picture, image ?? new Float32Array(784), 28, (ink) => (255 * ink + 0.5) | 0);
    answer.textContent = element("live-digit").textContent.replace("\n", " ");
    share.textContent = document.querySelector("#live-bars .live-winner .live-share")?.textContent ?? "";
  }

  let isAway = false; // whether the pad's own place is out of sight
  function place() {
    const floats = isAway && wide.matches;
    // Its place is kept, so that nothing below it moves.
    pad.parentElement.style.minHeight = floats ? `${pad.parentElement.offsetHeight}px` : "";
    pad.classList.toggle("live-afloat", floats);
    dock.hidden = !isAway;
    document.documentElement.classList.toggle("live-docked", isAway);
    show();
  }

  new IntersectionObserver((entries) => {
    const isSeen = entries.at(-1).isIntersecting;
    if (isAway === !isSeen) return;
    isAway = !isSeen;
    place();
  }).observe(home);
  wide.addEventListener("change", place);

  Inside.follow({
    show(nextImage) {
      image = nextImage;
      show();
    },
  });
})();
