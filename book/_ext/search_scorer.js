// How search results are ranked: what teaches comes before what solves, lists and refers.
var Scorer = {
  score([docname, title, , , score, , kind]) {
    const page = { "book/live": 9, "book/setup": 6, "book/glossary": 4, "book/api": -12, "book/bibliography": -12 };
    const place = { chapters: 10, solutions: -8 }[docname.split("/")[0]] ?? page[docname] ?? 0;
    const words = title.toLowerCase().split(/[^a-z]+/);
    const asked = (new URLSearchParams(location.search).get("q") ?? "").toLowerCase().split(/[^a-z]+/);
    const inTitle = asked.filter((word) => word.length > 2 && words.includes(word)).length;
    return score + place + 4 * inTitle + (kind === "title" ? 3 : 0);
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};

// Files on a disk may not read each other, so there the results have no excerpts.
DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY &&= location.protocol !== "file:";

// An excerpt is of the page's own text: without its buttons, menus and contents.
document.addEventListener("DOMContentLoaded", () => {
  const whole = Search.htmlToText;
  Search.htmlToText = (text, anchor) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    const article = page.querySelector("article.bd-article");
    for (const part of page.querySelectorAll(".cell_input, mjx-container, .links, summary")) part.remove();
    if (!article) return whole(text, anchor);
    return whole(`<div role="main">${article.outerHTML}</div>`, anchor);
  };
});
