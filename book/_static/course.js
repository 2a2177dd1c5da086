// What scrolls sideways inside itself can be reached, and so scrolled, with the keyboard.
(() => {
  const scrollable = ".bd-article mjx-container[display='true'], .bd-article table";

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
