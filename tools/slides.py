"""Make slides of every chapter, from its notebook: ``_build/slides/NN_topic.html``.

python -m tools.slides            # or: make slides

A section begins a slide, and so does each prediction, each figure with its caption, each exercise
and each question; what a prediction asks stands before what answers it. Of the prose, a slide
shows the first paragraph of a section, definitions (with bold words), lists, and formulas with the
paragraph that leads to them. The rest is in the speaker's notes (press S), and so is the answer to
each prediction. A cell's metadata may say otherwise:

* ``"slide": "skip"`` leaves a cell out;
* ``"slide": "code"`` shows its code, which a cell with a figure, or with many lines, does not;
* ``"slide": "text"`` shows all paragraphs of a Markdown cell.

A prediction on a slide of its own begins with what ``teaching/NN_topic.toml`` gives for it.
"""

from __future__ import annotations

import base64
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import Template
from jupyter_cache import get_cache
from nbconvert.filters import Highlight2HTML, markdown2html

from mnist_lib.data import load_mnist
from tools import build_book
from tools.book_figures import FORM
from tools.handouts import before, given
from tools.notebooks import ROOT, alt_text, cache_folder, copy_mathjax, exercise_id, folder_of

LINES = 15  # of 24 pixels with their leading, below a heading, on a slide of 1280 × 720 pixels
CHARACTERS = 92  # of text on such a line
CODE_CHARACTERS = 82  # of code
WORDS_ABOVE, WORDS_BELOW = 3.5, 5.0  # lines of text that a figure leaves, caption included
WORDS_BELOW_MOVING = 1.5  # a figure to move has words of its own
LEFT_OUT = ("Going further",)
FOLD = re.compile(r"<details><summary>(.*?)</summary>\s*(.*?)\s*</details>", re.S)
# Lines that no class reads.
PROGRESS = re.compile(r"Epoch \d+/\d+|epoch \d+ of \d+$|\s*\d+/\d+ |.*\d+%\||.* · \d\d:\d\d$| *$")
LINK = re.compile(r"\[([^\]]*)\]\((?!https?:)[^)]*\)")
CHECKS = re.compile(r"^(check|hint|solution)\(.*$|\s*# your code here$", re.M)
LINE_OF_SOLUTION = re.compile(r"^\[(Solution|Back to the chapter)\]\(.*\)$", re.M)


@dataclass
class Slide:
    """One slide: a heading, pieces of HTML, and what the speaker reads beside it."""

    heading: str
    form: str = ""  # predict, exercise, question …: its colour
    pieces: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lines: float = 0  # taken of LINES

    @property
    def only_words(self) -> bool:
        """Whether it is a slide of prose so far."""
        return not self.form and not self.has_code

    @property
    def size(self) -> str:
        """The class for its letters: larger where there are few."""
        few = self.lines <= 8 and self.form in ("", "exercise") and not self.has_code
        return "words" if few else ""

    @property
    def has_code(self) -> bool:
        """Whether it shows code, or what code printed."""
        return any(piece.startswith(('<div class="code"', "<pre")) for piece in self.pieces)

    @property
    def said(self) -> str:
        """The notes as HTML."""
        return text("\n\n".join(self.notes))


def text(markdown: str) -> str:
    """Return Markdown as HTML; links to other pages of the book, which slides lack, as words."""
    html: str = markdown2html(LINK.sub(r"\1", markdown))
    return html


def height(markdown: str) -> float:
    """Return about how many lines a paragraph, a list or a formula takes."""
    if "$$" in markdown:
        return 3.0
    rows = [max(1, -(-len(LINK.sub(r"\1", row)) // CHARACTERS)) for row in markdown.split("\n")]
    return sum(rows) + 0.7


def paragraphs(source: str) -> list[str]:
    """Return the paragraphs, lists, formulas and folded answers of a Markdown cell."""
    found: list[str] = []
    rest = 0
    for fold in FOLD.finditer(source):
        found += re.split(r"\n\s*\n", source[rest : fold.start()].strip())
        found.append(fold[0])
        rest = fold.end()
    found += re.split(r"\n\s*\n", source[rest:].strip())
    return [each for each in found if each]


def picture(data: dict[str, Any], alt: str) -> str:
    """Return an image element for the light picture of a figure, or "" if there is none."""
    data = data.get(FORM, {}).get("light", data)
    for mime in ("image/svg+xml", "image/png", "image/jpeg"):
        if mime in data:
            coded = data[mime]
            if mime == "image/svg+xml":
                coded = base64.b64encode("".join(coded).encode()).decode()
            source = f"data:{mime};base64,{''.join(coded.split())}"
            return (
                f'<div class="picture"><img src="{source}" alt="{escape(alt, quote=True)}"></div>'
            )
    return ""


def code(source: str) -> str:
    """Return highlighted Python."""
    html: str = Highlight2HTML()(source)
    return f'<div class="code">{html}</div>'


def printed(outputs: list[Any]) -> str:
    """Return what a cell printed, or gave as its last value, as plain text."""
    parts = []
    for output in outputs:
        if output.get("name") == "stdout":
            parts.append(output["text"])
        elif "text/markdown" not in (data := output.get("data", {})) and "text/plain" in data:
            parts.append(data["text/plain"])
    shown = re.sub(r"\x1b\[[\d;]*m|\x08|[^\n]*\r(?!\n)", "", "\n".join(parts))
    rows = [row for row in map(str.rstrip, shown.splitlines()) if not PROGRESS.match(row)]
    rows = [part for row in rows for part in wrapped(row)]
    return "\n".join(rows).strip("\n")


def wrapped(row: str) -> list[str]:
    """Return a line that was printed in parts that fit the width of a slide."""
    most = CODE_CHARACTERS - 2  # beside it stands a bar
    return [row] if len(row) <= most else textwrap.wrap(row, most, subsequent_indent="    ")


class Deck:
    """The slides of one chapter, in their order."""

    def __init__(
        self, notebook: nbformat.NotebookNode, known: dict[str, str] | None = None
    ) -> None:
        self.known = known or {}  # what predictions need before them
        self.slides: list[Slide] = []
        self.section = ""  # the heading above
        self.fresh = True  # no paragraph of the section was shown yet
        self.figure: Slide | None = None  # it waits for its caption
        left_out = False
        for cell in notebook.cells:
            if "remove-cell" in cell.metadata.get("tags", []):
                continue
            if cell.cell_type == "markdown" and (head := re.match(r"#+ ([^\n]*)", cell.source)):
                left_out = head[1].startswith(LEFT_OUT)
            if left_out or cell.metadata.get("slide") == "skip":
                continue
            if cell.cell_type == "code":
                self.run(cell)
            elif exercise_id(cell):
                self.exercise(cell.source)
            else:
                self.prose(cell)
        # A heading with no word of its own on a slide was shown with what follows.
        self.slides = [each for each in self.slides if each.pieces or each.form == "title"]

    @property
    def last(self) -> Slide:
        """The slide that is being filled."""
        return self.slides[-1]

    def new(self, heading: str, form: str = "") -> Slide:
        """Begin a slide."""
        self.slides.append(Slide(heading, form))
        return self.last

    def put(self, html: str, lines: float) -> None:
        """Put a piece on the slide, or on one more with its heading if that is full."""
        if self.last.lines and self.last.lines + lines > LINES:
            self.new(self.last.heading, self.last.form)
        self.last.pieces.append(html)
        self.last.lines += lines

    def prose(self, cell: nbformat.NotebookNode) -> None:
        """Show or note the paragraphs of a Markdown cell."""
        everything = cell.metadata.get("slide") == "text"
        parts = paragraphs(cell.source)
        for part, following in zip(parts, [*parts[1:], ""], strict=True):
            if part.startswith("**Time**"):
                self.last.notes.append(part)
            elif head := re.fullmatch(r"(#+) (.*)", part):
                self.section, self.fresh = head[2], True
                self.new(head[2], "title" if head[1] == "#" else "")
                self.figure = None
            elif re.fullmatch(r"\*[^*].*[^*]\*", part, re.S):  # a caption
                if self.figure is not None:
                    self.put(f'<div class="caption">{text(part)}</div>', height(part))
            elif part.startswith(">"):
                asked = re.sub(r"^> ?", "", part, flags=re.M)
                if not self.last.only_words or self.last.lines > WORDS_ABOVE:
                    self.new(self.section)
                self.last.form = "predict"
                first = before(asked.removeprefix("**Predict before you run.** "), self.known)
                if first and not self.last.pieces:
                    self.put(f'<div class="given">{text(first)}</div>', height(first))
                self.put(text(asked), height(asked))
            elif fold := FOLD.fullmatch(part):
                if self.last.form == "question":
                    answer = re.match(r"\*\*(\w)\.\*\*", fold[2])
                    shown = text(answer[0] if answer else fold[2])
                    self.last.pieces.append(f'<div class="fragment answer">{shown}</div>')
                self.last.notes.append(fold[2])
            elif part.startswith("**Question"):
                self.new(self.section, "question")
                self.put(text(part), height(part))
            elif part.startswith("The answer:"):
                if asking := [each for each in self.slides if each.form == "predict"]:
                    asking[-1].notes.append(part)  # the speaker knows it before the class
                if self.last.form == "predict" or self.last.lines + height(part) > LINES:
                    self.new(self.section)
                self.put(f'<div class="answer">{text(part)}</div>', height(part))
                self.figure = None
            elif (
                self.fresh
                or everything
                or self.last.form in ("question", "title")
                or "$$" in part
                or following.startswith("$$")
                or "**" in part
                or re.match(r"(-|\d\.) ", part)
            ):
                if self.last.form == "predict" or self.figure is not None:
                    self.figure = None
                    self.new(self.section)
                self.put(text(part), height(part))
                self.fresh = False
            else:
                self.last.notes.append(part)

    def exercise(self, source: str) -> None:
        """Show an exercise: its name, its minutes, and as much of its text as a slide takes."""
        head, *parts = paragraphs(LINE_OF_SOLUTION.sub("", source))
        self.new(head.lstrip("# "), "exercise")
        for place, part in enumerate(parts):
            if self.last.lines + height(part) > LINES - 1.7:
                self.put(text("*The notebook goes on.*"), 1.7)
                self.last.notes += parts[place:]
                break
            self.put(text(part), height(part))
        self.figure = None

    def task(self, source: str) -> None:
        """Show the code that an exercise begins with, if it is short and says something."""
        rows = CHECKS.sub("", source).strip("\n").split("\n")
        begun = any(row.strip() and not re.match(r"\s*(\w+ = )?\.\.\.", row) for row in rows)
        if not begun or len(rows) + 0.5 > LINES or max(map(len, rows)) > CODE_CHARACTERS:
            return
        self.put(code("\n".join(rows)), len(rows) + 0.5)
        self.figure = None

    def run(self, cell: nbformat.NotebookNode) -> None:
        """Show what a cell shows, and its code where that is short or asked for."""
        if exercise_id(cell):
            self.task(cell.source)
            return
        if re.match(r"(import|from) ", cell.source):
            return
        self.fresh = False
        asked = cell.metadata.get("slide") == "code"
        figures = [data for output in cell.outputs if (data := output.get("data"))]
        moving = [d["text/html"] for d in figures if "data-explorable" in d.get("text/html", "")]
        still = [] if moving else figures
        pictures = [html for data in still if (html := picture(data, alt_text(cell)))]
        tables = [d["text/html"] for d in figures if "<table" in d.get("text/html", "")]
        lines = cell.source.rstrip("\n").split("\n")
        output = "" if pictures or moving or tables else printed(cell.outputs)
        rows = output.split("\n") if output else []
        wide = max((len(row) for row in lines), default=0) > CODE_CHARACTERS
        if asked or (rows and len(lines) + len(rows) + 1.5 <= LINES and not wide):
            self.show(lines, code)
        if rows:
            self.show(rows, lambda text: f'<pre class="printed">{escape(text)}</pre>')
        for each in figures:
            self.card(each.get("text/markdown", ""))
        for html in (*pictures, *moving, *tables):
            form = "moving" if html in moving else "table" if html in tables else "figure"
            if not self.last.only_words or self.last.lines > WORDS_ABOVE:
                self.new(self.section)
            self.last.form = form
            self.last.pieces.append(html)
            below = WORDS_BELOW_MOVING if form == "moving" else WORDS_BELOW
            self.last.lines += LINES - WORDS_ABOVE - below
            self.figure = self.last

    def card(self, markdown: str) -> None:
        """Show what a cell gives as Markdown; a long list goes on, item by item, on a new slide."""
        if markdown and self.last.form:
            self.new(self.section)
        for part in paragraphs(markdown):
            first, *others = re.split(r"\n(?=- )", part)
            for item in others:
                if height(f"{first}\n{item}") > LINES:
                    self.put(text(first), height(first))
                    first = item
                else:
                    first += f"\n{item}"
            self.put(text(first), height(first))
            self.figure = None

    def show(self, rows: list[str], written: Callable[[str], str]) -> None:
        """Show lines of code or output, on a slide of their own where the last one is taken."""
        if self.last.form or self.last.lines + min(len(rows), LINES) + 0.5 > LINES:
            self.new(self.section)
        self.figure = None
        for begin in range(0, len(rows), LINES):
            part = rows[begin : begin + LINES]
            self.put(written("\n".join(part)), len(part) + 0.5)


def executed(path: Path, source: str) -> nbformat.NotebookNode:
    """Return a chapter with its outputs, as the book has kept them."""
    notebook = nbformat.read(path, as_version=4)
    _, merged = get_cache(cache_folder(ROOT, source)).merge_match_into_notebook(notebook)
    return merged


def copy_reveal(target: Path) -> None:
    """Copy reveal.js and its licence."""
    reveal = folder_of("sphinx-revealjs", "reveal.js") / "_static" / "revealjs"
    target.mkdir(parents=True, exist_ok=True)
    names = "dist/reset.css", "dist/reveal.css", "dist/reveal.js", "plugin/notes/notes.js"
    for name in (*names, "LICENSE"):
        shutil.copy2(reveal / name, target)


def write(chapters: list[Path], folder: Path, source: str) -> Iterator[Path]:
    """Write the deck of each chapter, and what decks share, into a folder; yield their paths."""
    copy_reveal(folder / "reveal")
    copy_mathjax(folder / "mathjax")
    template = Template(
        Path(__file__).with_suffix(".html").read_text(encoding="utf-8"), autoescape=False
    )
    for path in chapters:
        deck = Deck(executed(path, source), given(path.stem))
        target = folder / f"{path.stem}.html"
        title = escape(deck.slides[0].heading)
        target.write_text(template.render(slides=deck.slides, title=title), encoding="utf-8")
        yield target


def main() -> int:
    """Write all decks; return the exit code."""
    source = load_mnist().source
    chapters = sorted((ROOT / "chapters").glob("*.ipynb"))
    try:
        for path in chapters:
            executed(path, source)
    except KeyError:  # a chapter has changed since the book was built, or the book never was
        if code := build_book.build():
            return code
    folder = ROOT / "_build" / "slides"
    shutil.rmtree(folder, ignore_errors=True)
    for target in write(chapters, folder, source):
        print(target.as_uri())
    return 0


if __name__ == "__main__":
    sys.exit(main())
