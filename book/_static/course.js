// What scrolls sideways inside itself can be reached, and so scrolled, with the keyboard.
(() => {
  const scrollable = ["mjx-container[display='true']", "table", ".figure-pair", ".cell_output pre"]
    .map((part) => `.bd-article ${part}`)
    .join();

  function addTabStops() {
    for (const element of document.querySelectorAll(scrollable)) {
      if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
      else element.removeAttribute("tabindex");
    }
  }

  window.addEventListener("load", async () => {
    await window.MathJax?.startup?.promise;
    const article = document.querySelector(".bd-article");
    if (article) new ResizeObserver(addTabStops).observe(article);
  });
})();

// The theme takes the focus from a button that opens a side bar. When the bar closes, it goes back there.
addEventListener("DOMContentLoaded", () => {
  for (const side of ["primary", "secondary"]) {
    const button = document.querySelector(`.${side}-toggle`);
    const bar = document.getElementById(`pst-${side}-sidebar-modal`);
    bar?.addEventListener("close", () => button?.focus());
  }
});

// On paper nothing is folded; where the style sheet alone opens it, this changes nothing.
(() => {
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll(".bd-article details:not([open])")];
    for (const details of opened) details.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
})();

// A thin mark at the top: how far a chapter has been read.
(() => {
  if (!/\/(chapters|solutions)\//.test(location.pathname)) return;
  const mark = document.createElement("div");
  mark.className = "reading-progress";
  mark.setAttribute("aria-hidden", "true");
  let waiting = false;
  function show() {
    waiting = false;
    const { scrollHeight, clientHeight, scrollTop } = document.documentElement;
    const all = scrollHeight - clientHeight;
    mark.style.transform = `scaleX(${all > 0 ? scrollTop / all : 0})`;
  }
  addEventListener("DOMContentLoaded", () => {
    document.body.append(mark);
    show();
  });
  addEventListener(
    "scroll",
    () => {
      if (!waiting) requestAnimationFrame(show);
      waiting = true;
    },
    { passive: true },
  );
})();
