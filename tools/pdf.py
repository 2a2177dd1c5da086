"""Print the whole book as one PDF, ``_build/book.pdf``, from its built site.

python -m tools.pdf                 # or: make pdf
python -m tools.pdf --solutions     # with the solutions behind the chapters

A page of contents, an outline, page numbers, and links that lead to other places in the book.
Figures are those of the light theme; a figure to move is shown as it stands at first. What the
results of predictions show stands in its place; hints, and answers to questions, stand at the end.
"""

from __future__ import annotations

import argparse
import sys
from html import escape
from importlib.metadata import version
from pathlib import Path, PurePosixPath

import pikepdf
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser, sync_playwright
from pypdf import PdfReader

from tools import build_book
from tools.chromium import FLAGS, MISSING, find_chromium
from tools.notebooks import ROOT

BEFORE, AFTER = ["book/intro"], ["book/glossary", "book/bibliography"]
SCREEN_ONLY = "script, link, style, noscript, button, a.headerlink, .only-dark, p.links, .live"
TYPESET = (
    "[...document.querySelectorAll('.math')].every(each => each.querySelector('mjx-container'))"
)
ANSWERS = "Hints and answers"

STYLE = """
@page {
  size: A4; margin: 19mm 17mm 21mm;
  @bottom-center { content: counter(page); font: 9pt sans-serif; }
}
@page :first { @bottom-center { content: none; } }
html { font-size: 10.4pt; }
body { margin: 0; background: #fff; }
.bd-article { padding: 0; max-width: none; }
.bd-article h1 { break-before: page; margin-top: 0; }
.bd-article :is(h2, h3, h4) { break-after: avoid; }
/* Else the outline lacks the space at which a heading's line ends. */
.bd-article :is(h1, h2, h3, h4) { white-space: break-spaces; }
.bd-article :is(.figure-pair, .explorable, pre, tr, blockquote, li, dt) { break-inside: avoid; }
.bd-article .cell_input pre { white-space: pre-wrap; }
.bd-article :is(table, img) { max-width: 100%; }
.bd-article img { height: auto; }
.bd-article .cell_output { overflow: visible; }
.title-page { height: 245mm; display: flex; flex-direction: column; justify-content: center; }
.title-page img { width: 30mm; }
.title-page h1 { break-before: auto; font-size: 38pt; }
.book-contents a { display: flex; gap: 2mm; color: inherit; text-decoration: none; }
.book-contents a::after { content: attr(data-page); order: 2; }
.book-contents a span { order: 0; }
.book-contents a i { order: 1; flex: 1; border-bottom: 1px dotted #999; }
.book-contents .first { margin-top: 2.2mm; font-weight: 700; }
.book-contents .second { padding-left: 6mm; }
"""


def pages(site: Path, solutions: bool) -> list[str]:
    """Return the names of the pages to print, in their order, as ``folder/stem``."""
    folders = ["chapters", "solutions"] if solutions else ["chapters"]
    found = [
        [f"{folder}/{path.stem}" for path in sorted((site / folder).glob("[0-9]*.html"))]
        for folder in folders
    ]
    return [*BEFORE, *found[0], *AFTER[:1], *(found[1] if solutions else []), *AFTER[1:]]


def anchor(page: str, fragment: str = "") -> str:
    """Return an id that only this place in the whole book has."""
    return f"{page.replace('/', '--')}--{fragment}" if fragment else page.replace("/", "--")


def rewrite_links(article: Tag, page: str, included: set[str]) -> None:
    """Let links lead within the book; what it leaves out becomes plain words."""
    for target in article.select("[id]"):
        target["id"] = anchor(page, str(target["id"]))
    article["id"] = anchor(page)
    for link in article.select("a[href]"):
        address, _, fragment = str(link["href"]).partition("#")
        if "://" in address or address.startswith("mailto:"):
            continue
        other = page
        if address:
            parts: list[str] = []
            for part in (PurePosixPath(page).parent / address).with_suffix("").parts:
                parts = parts[:-1] if part == ".." else [*parts, part]
            other = "/".join(parts)
        if other in included:
            link["href"] = "#" + anchor(other, fragment)
        else:
            link.unwrap()


def unfold(article: Tag, answers: Tag, soup: BeautifulSoup) -> None:
    """Open what is folded; move hints, and answers to questions, to the end of the book."""
    for fold in article.select("details"):
        assert fold.summary is not None
        summary = fold.summary.get_text()
        if "result" in fold.get_attribute_list("class") or summary == "Imports":
            fold.summary.decompose()
            fold.name = "div"
            continue
        heading = fold.find_previous(["h3", "h2"])
        if summary.startswith("Hint") and heading is not None:
            summary = f"{heading.get_text().split(':')[0]}, {summary[0].lower()}{summary[1:]}"
        name = soup.new_tag("strong")
        name.string = summary
        fold.summary.replace_with(name)
        fold.name = "div"
        answers.append(fold.extract())


def article_of(site: Path, page: str) -> Tag:
    """Return what a page of the site says, without what only a screen can do."""
    soup = BeautifulSoup((site / f"{page}.html").read_text(encoding="utf-8"), "html.parser")
    article = soup.select_one("article.bd-article")
    assert article is not None, page
    unwanted = (
        "script, link, style, a.headerlink, .only-dark, p.links, noscript, .live, .front, button"
    )
    for part in article.select(unwanted):
        part.decompose()
    for image in article.select("img[loading]"):
        del image["loading"]
    return article


def heads(site: Path, names: list[str]) -> tuple[str, str]:
    """Return what pages load to look as they do, and to set formulas: of the first that has any."""
    sheets = scripts = ""
    for name in names:
        soup = BeautifulSoup((site / f"{name}.html").read_text(encoding="utf-8"), "html.parser")
        assert soup.head is not None
        sheets = "".join(map(str, soup.head.select("link[rel=stylesheet]")))
        found = [str(script) for script in soup.head.select("script")]
        scripts = "".join(script for script in found if "mathjax" in script.lower())
        if scripts:
            break
    return sheets, scripts


def whole_book(site: Path, solutions: bool, numbers: dict[str, int]) -> str:
    """Return one page of HTML with the whole book; ``numbers`` are the pages of its anchors."""
    names = pages(site, solutions)
    soup = BeautifulSoup("", "html.parser")
    appendix = soup.new_tag("article", attrs={"class": "bd-article", "id": "answers"})
    head = soup.new_tag("h1")
    head.string = ANSWERS
    appendix.append(head)
    bodies, contents = [], []

    def listed(level: str, words: str, target: str) -> None:
        contents.append(
            f'<a class="{level}" href="#{target}" data-page="{numbers.get(target, "")}">'
            f"<span>{escape(words)}</span><i></i></a>"
        )

    for page in names:
        article = article_of(site, page)
        rewrite_links(article, page, set(names))
        title = article.h1
        assert title is not None, page
        listed("first", title.get_text(), anchor(page))
        if page.startswith("chapters/"):
            for second in article.select("section > h2"):
                assert second.parent is not None
                listed("second", second.get_text(), str(second.parent["id"]))
        answers = soup.new_tag("section")
        unfold(article, answers, soup)
        if answers.contents:
            head = soup.new_tag("h2")
            head.string = title.get_text()
            answers.insert(0, head)
            appendix.append(answers)
        bodies.append(str(article))
    listed("first", ANSWERS, "answers")
    sheets, scripts = heads(site, names)
    title_page = (
        '<div class="title-page"><img src="../_static/logo.svg" alt="">'
        "<h1>Reading Handwritten Digits</h1><p>A course on convolutional networks, "
        f"edition {version('mnist_lib')}</p></div>"
    )
    return (
        '<!doctype html><html lang="en" data-theme="light" data-mode="light"><head>'
        f'<meta charset="utf-8"><title>Reading Handwritten Digits</title>{sheets}{scripts}'
        f"<style>{STYLE}</style></head><body>"
        f'<article class="bd-article">{title_page}<h1>Contents</h1>'
        f'<nav class="book-contents">{"".join(contents)}</nav></article>'
        f"{''.join(bodies)}{appendix}</body></html>"
    )


def page_numbers(pdf: Path) -> dict[str, int]:
    """Return on which page of a PDF each of its named places lies, from 1."""
    reader = PdfReader(pdf)
    return {
        name.lstrip("/"): (reader.get_destination_page_number(place) or 0) + 1
        for name, place in reader.named_destinations.items()
    }


def pack(pdf: Path) -> None:
    """Write a PDF again with its small objects packed; nearly half of a tagged book is such."""
    with pikepdf.open(pdf, allow_overwriting_input=True) as book:
        book.save(pdf, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def print_book(browser: Browser, site: Path, target: Path, solutions: bool = False) -> None:
    """Print the site's book to ``target``: once to learn its page numbers, once with them."""
    whole = site / "chapters" / "_whole_book.html"  # its pictures are where a chapter's are
    numbers: dict[str, int] = {}
    page = browser.new_page()
    page.set_default_timeout(600_000)  # milliseconds: formulas of a whole book, on a slow computer
    try:
        for _ in range(2):
            whole.write_text(whole_book(site, solutions, numbers), encoding="utf-8")
            page.goto(whole.as_uri())
            page.wait_for_function(TYPESET)
            page.pdf(path=target, outline=True, tagged=True, print_background=True)
            numbers = page_numbers(target)
        pack(target)
    finally:
        whole.unlink(missing_ok=True)
        page.close()


def main() -> int:
    """Print the book; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tools.pdf")
    parser.add_argument("--solutions", action="store_true", help="print the solutions, too")
    arguments = parser.parse_args()
    path = find_chromium()
    if path is None:
        print(MISSING, file=sys.stderr)
        return 1
    if code := build_book.build():
        return code
    target = ROOT / "_build" / "book.pdf"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        print_book(browser, ROOT / "_build" / "html", target, arguments.solutions)
    size, count = target.stat().st_size / 1e6, len(PdfReader(target).pages)
    print(f"\n{target.as_uri()}: {count} pages, {size:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
