"""Rules on the notebooks as files: shape, wording, honesty, accessibility.

    python -m tools.notebook_rules                              # every notebook
    python -m tools.notebook_rules chapters/04_training.ipynb   # this one
    python -m tools.notebook_rules --times                      # words, lines, minutes of reading

A rule is a function from a notebook to a list of problems. Nothing is executed here;
``conftest.py`` runs the notebooks and judges their output.
"""

from __future__ import annotations

import ast
import math
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import nbformat
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

from tools import magics, notebooks, repository
from tools.notebooks import alt_text, exercise_id, limits_of, slug, stated_times, statement


class Notebook(NamedTuple):
    """A notebook, where it lies, and its cells."""

    path: Path
    cells: list[nbformat.NotebookNode]

    @property
    def root(self) -> Path:
        """The repository, in whose folder ``chapters`` or ``solutions`` it lies."""
        return self.path.parent.parent

    @property
    def name(self) -> str:
        """The path in the repository."""
        return self.path.relative_to(self.root).as_posix()

    @property
    def number(self) -> int:
        """The number of the chapter."""
        return int(self.path.stem[:2])

    @property
    def is_chapter(self) -> bool:
        """Whether it is a chapter; otherwise it is a chapter's solutions."""
        return self.path.parent.name == "chapters"


def read(path: Path) -> Notebook:
    """Return the notebook at ``path``."""
    return Notebook(path, notebooks.read(path).cells)


Rule = Callable[[Notebook], list[str]]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    """Add a function to the rules."""
    RULES[function.__name__] = function
    return function


def problems(notebook: Notebook) -> list[str]:
    """Return what any rule has against a notebook, each with the notebook and the rule."""
    return [
        f"{notebook.name}, {name}: {problem}"
        for name, function in RULES.items()
        for problem in function(notebook)
    ]


# --- Reading Markdown and code ---------------------------------------------------------------

PARSER = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin)


@cache
def parse(source: str) -> list[Token]:
    """Return the Markdown tokens of a cell."""
    return PARSER.parse(source)


def markdown(notebook: Notebook) -> Iterator[tuple[str, str]]:
    """Yield the id and the source of each Markdown cell that readers of the book see."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and "remove-cell" not in cell.metadata.get("tags", []):
            yield cell.id, cell.source


def exercise_texts(notebook: Notebook) -> dict[str, str]:
    """Return the statement of each exercise, by cell id, without its head and its link."""
    return {
        cell.id: statement(cell.source)
        for cell in notebook.cells
        if cell.cell_type == "markdown" and exercise_id(cell)
    }


def code(notebook: Notebook) -> list[nbformat.NotebookNode]:
    """Return the code cells without the set-up cell, whose text ``tools.repository`` writes."""
    return [cell for i, cell in enumerate(notebook.cells) if cell.cell_type == "code" and i != 2]


def text_of(inline: Token) -> str:
    """Return what a paragraph or heading says, with a dot in place of code and mathematics."""
    shown = {"softbreak": " ", "hardbreak": " ", "code_inline": "·", "math_inline": "·"}
    return "".join(
        child.content if child.type == "text" else shown.get(child.type, "")
        for child in inline.children or []
    )


def prose(source: str) -> str:
    """Return the prose of a Markdown cell, one line per block, summaries of questions included."""
    lines = []
    for token in parse(source):
        if token.type == "inline":
            lines.append(text_of(token))
        elif token.type == "html_block":
            lines.append(re.sub(r"<[^>]+>", " ", token.content))
    return "\n".join(lines)


def headings(source: str) -> list[tuple[int, str]]:
    """Return (level, text) of each heading; inline code in a heading keeps its text."""
    tokens = parse(source)
    return [
        (int(token.tag[1]), "".join(t.content for t in tokens[i + 1].children or []))
        for i, token in enumerate(tokens)
        if token.type == "heading_open"
    ]


def sections(notebook: Notebook) -> list[tuple[str, str, str]]:
    """Return (section's title, cell id, source) of each Markdown cell, split at H2 headings."""
    parts, title = [], ""
    for cell_id, source in markdown(notebook):
        for piece in re.split(r"(?m)^(?=## )", source):
            if piece.startswith("## "):
                title = piece.splitlines()[0][3:].strip()
            if piece.strip():
                parts.append((title, cell_id, piece))
    return parts


@cache
def anchors(path: Path) -> frozenset[str]:
    """Return the anchors of a file's headings; one that is used again gets -1, -2, and so on."""
    if path.suffix == ".ipynb":
        sources = [
            cell.source for cell in notebooks.read(path).cells if cell.cell_type == "markdown"
        ]
    else:
        sources = [path.read_text(encoding="utf-8")]
    found: list[str] = []
    for source in sources:
        for _, heading in headings(source):
            name, count = slug(heading), 0
            while (name if count == 0 else f"{name}-{count}") in found:
                count += 1
            found.append(name if count == 0 else f"{name}-{count}")
    return frozenset(found)


# --- The file --------------------------------------------------------------------------------


@rule
def is_valid(notebook: Notebook) -> list[str]:
    """Require a valid notebook."""
    errors = nbformat.validator.iter_validate(notebooks.read(notebook.path))
    return [f"not a valid notebook: {error.message}" for error in errors]


@rule
def has_no_outputs(notebook: Notebook) -> list[str]:
    """Require it stored without outputs and execution counts."""
    return [
        f"cell {cell.id}: stored with output or execution count; run `nbstripout {notebook.name}`"
        for cell in notebook.cells
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count is not None)
    ]


@rule
def has_unique_cell_ids(notebook: Notebook) -> list[str]:
    """Require an id of its own for each cell."""
    ids = [cell.get("id", "") for cell in notebook.cells]
    return [
        f"cell id {i!r} is missing or used twice"
        for i in sorted({i for i in ids if not i or ids.count(i) > 1})
    ]


@rule
def compiles(notebook: Notebook) -> list[str]:
    """Require Python in each code cell."""
    problems = []
    for cell in code(notebook):
        try:
            magics.parse(cell.source)
        except SyntaxError as error:
            problems.append(f"cell {cell.id}: {error}")
    return problems


@rule
def starts_with_title_badge_and_setup(notebook: Notebook) -> list[str]:
    """Require a title with the chapter's number, then the badge, then the set-up cell."""
    if len(notebook.cells) < 3:
        return ["fewer than three cells; needed: title, badge, set-up"]
    title, badge, setup = notebook.cells[:3]
    url, branch = repository.address()
    problems = []
    if title.cell_type != "markdown" or not re.match(rf"# {notebook.number} \S", title.source):
        problems.append(f"the title must be of the form '# {notebook.number} A verb or a question'")
    if badge.cell_type != "markdown" or badge.source != repository.badge(
        url, branch, notebook.name
    ):
        problems.append(
            "the second cell is not the badge of this repository; run `python -m tools.repository`"
        )
    if setup.cell_type != "code" or setup.source != repository.setup(
        url, branch, notebook.cells[3:]
    ):
        problems.append("the third cell is not the set-up cell; run `python -m tools.repository`")
    problems += [
        f"the {name} cell lacks the tag remove-cell"
        for name, cell in (("badge", badge), ("set-up", setup))
        if "remove-cell" not in cell.metadata.get("tags", [])
    ]
    return problems


@rule
def has_one_title(notebook: Notebook) -> list[str]:
    """Require one first-level heading."""
    titles = [
        text for _, source in markdown(notebook) for level, text in headings(source) if level == 1
    ]
    return [] if len(titles) == 1 else [f"found the first-level headings {titles}; expected one"]


# --- The shape of a chapter ------------------------------------------------------------------


@rule
def states_its_time(notebook: Notebook) -> list[str]:
    """Require a Time line in a chapter, and times below the limits."""
    if not notebook.is_chapter:
        return []
    times = stated_times(nbformat.from_dict({"cells": notebook.cells}))
    if not times:
        return [
            "no Time line of the form '**Time** · 35 min reading"
            " · running: 20 s on the sample, 90 s on the full data'"
        ]
    return [
        f"the Time line says {times[source]} s on the {source} data, the limit is {limit} s"
        for source, limit in limits_of(notebook.name).items()
        if times[source] > limit
    ]


PROMISES = ("**You will build**", "**You will learn**", "**You need**", "**Time**")
BULLET = re.compile(r"(?m)^[-*] ")


def promises(notebook: Notebook) -> str:
    """Return the cell of a chapter that says what to expect, which stands above all sections."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and PROMISES[0] in cell.source:
            return str(cell.source).partition("\n## ")[0]
        if cell.cell_type == "markdown" and re.search(r"(?m)^## ", cell.source):
            break
    return ""


@rule
def says_what_to_expect(notebook: Notebook) -> list[str]:
    """Require a chapter's promises above its first section: build, learn, need, time."""
    if not notebook.is_chapter:
        return []
    block = promises(notebook)
    places = [block.find(promise) for promise in PROMISES]
    if -1 in places or places != sorted(places):
        found = ", ".join(PROMISES)
        return [f"above the first section one cell must hold, in this order: {found}"]
    goals = len(BULLET.findall(block[places[1] : places[2]]))
    return [] if 3 <= goals <= 5 else [f"{goals} bullets under You will learn; expected 3 to 5"]


ENDING = ["What you can now do", "Check yourself", "Going further"]


@rule
def ends_as_a_chapter_does(notebook: Notebook) -> list[str]:
    """Require a chapter to end with what one can do now, questions with answers, and sources."""
    if not notebook.is_chapter:
        return []
    titles = [
        text for _, source in markdown(notebook) for level, text in headings(source) if level == 2
    ]
    if titles[-3:] != ENDING:
        return [f"the last three sections must be {ENDING}, found {titles[-3:]}"]
    text = {title: "" for title in ENDING}
    for title, _, source in sections(notebook):
        if title in text:
            text[title] += source + "\n"
    problems = []
    goals = promises(notebook).partition(PROMISES[1])[2].partition(PROMISES[2])[0]
    promised, kept = len(BULLET.findall(goals)), len(BULLET.findall(text[ENDING[0]]))
    if promised != kept:
        problems.append(
            f"You will learn has {promised} bullets, What you can now do {kept}; they mirror"
        )
    if "](http" not in text[ENDING[2]]:
        problems.append("Going further links to no source")
    return problems


QUESTION = re.compile(
    r"(?ms)^\*\*Question (?P<number>\d)\.\*\* (?P<text>.+?)\n\n"
    r"(?P<options>(?:- [a-d]\) [^\n]+\n)+)\n"
    r"<details><summary>Answer to question (?P=number)</summary>\n\n"
    r"\*\*(?P<letter>[a-d])\.\*\* (?P<reasons>.+?)\n\n</details>"
)


def questions(notebook: Notebook) -> list[re.Match[str]]:
    """Return the questions under Check yourself that have the course's form."""
    text = "\n".join(source for title, _, source in sections(notebook) if title == ENDING[1])
    return list(QUESTION.finditer(text))


@rule
def asks_in_one_form(notebook: Notebook) -> list[str]:
    """Require 3 to 5 questions: options that are seen, and a folded answer with all reasons."""
    if not notebook.is_chapter:
        return []
    text = "\n".join(source for title, _, source in sections(notebook) if title == ENDING[1])
    found = questions(notebook)
    numbers = [int(question["number"]) for question in found]
    problems = []
    if numbers != list(range(1, len(found) + 1)) or not 3 <= len(found) <= 5:
        problems.append(f"questions {numbers} are of the right form; expected 1 to 3, 4 or 5")
    if text.count("<details>") != len(found) or len(re.findall(r"\*\*Question", text)) != len(
        found
    ):
        problems.append(
            "a question or an answer is not of the form '**Question 1.** …?', '- a) …', "
            "'<details><summary>Answer to question 1</summary>', '**b.** …', '</details>'"
        )
    for question in found:
        letters = re.findall(r"(?m)^- ([a-d])\)", question["options"])
        name = f"question {question['number']}"
        if letters != list("abcd"[: len(letters)]) or not 3 <= len(letters) <= 4:
            problems.append(f"{name} has the options {letters}; expected a to c, or a to d")
        if question["letter"] not in letters:
            problems.append(f"{name}: the answer {question['letter']!r} is none of its options")
        problems += [
            f"{name}: the answer says nothing of {letter}; say 'Not {letter}: …'"
            for letter in letters
            if letter != question["letter"]
            and not re.search(rf"(?<!\w){letter}(?=[:,).*]| and\b| or\b)", question["reasons"])
        ]
    return problems


PREDICT, ANSWER = "**Predict before you run.**", "The answer:"


@rule
def answers_its_predictions(notebook: Notebook) -> list[str]:
    """Require after each prediction code that shows it, then a sentence with the answer.

    The book folds what lies between, and the answer's own paragraph; it finds them by these words.
    """
    problems, asked, shown = [], "", False
    for cell in notebook.cells:
        if cell.cell_type == "code":
            shown = True
            continue
        for paragraph in cell.source.split("\n\n"):
            if re.search(rf"(^|[.?)*] ){ANSWER} ", paragraph):
                if not asked or not shown:
                    problems.append(f"cell {cell.id}: an answer without a prediction and its code")
                asked = ""
            elif paragraph.startswith(">") and "predict" in paragraph.lower():
                if not paragraph.startswith(f"> {PREDICT} "):
                    problems.append(f"cell {cell.id}: a prediction begins with '> {PREDICT} …'")
                if asked:
                    problems.append(f"cell {asked}: no sentence below begins with '{ANSWER} …'")
                asked, shown = cell.id, False
            elif paragraph.startswith("## ") and asked:
                problems.append(f"cell {asked}: no sentence below begins with '{ANSWER} …'")
                asked = ""
    return problems


@rule
def shows_a_picture_in_every_section(notebook: Notebook) -> list[str]:
    """Require a figure between two second-level headings of a chapter, but for the last three."""
    if not notebook.is_chapter:
        return []
    drawing, title, shown = set(plotting_cells(notebook)), "", {}
    for i, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            for level, text in headings(cell.source):
                if level == 2:
                    title = text
                    shown[title] = False
        elif i in drawing:
            shown[title] = True
    return [
        f"the section {title!r} has no picture"
        for title, has_one in shown.items()
        if not has_one and title not in ENDING
    ]


def is_range(test: ast.expr) -> bool:
    """Return whether an assertion compares sizes."""
    return isinstance(test, ast.Compare) and any(
        isinstance(operator, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for operator in test.ops
    )


@rule
def asserts_its_bands(notebook: Notebook) -> list[str]:
    """Require a ``post_cell_execute`` assertion or more in a chapter, each on something computed.

    A range carries its value as message, since that is the first thing one asks when it fails.
    """
    problems, found = [], 0
    for cell in code(notebook):
        for band in cell.metadata.get("nbmake", {}).get("post_cell_execute", []):
            try:
                asserts = [
                    node for node in ast.walk(ast.parse(band)) if isinstance(node, ast.Assert)
                ]
            except SyntaxError as error:
                problems.append(f"cell {cell.id}: band {band!r}: {error}")
                continue
            found += len(asserts)
            for node in asserts:
                if not any(isinstance(part, ast.Name) for part in ast.walk(node.test)):
                    problems.append(
                        f"cell {cell.id}: band {band!r} names no variable, so it cannot fail"
                    )
                if node.msg is None and is_range(node.test):
                    problems.append(f"cell {cell.id}: add the value to {band!r}: `…, value`")
    if notebook.is_chapter and not found:
        problems.append("no band is asserted (metadata nbmake: post_cell_execute)")
    return problems


# --- Cells -----------------------------------------------------------------------------------

LONGEST_LINE = 79  # longer lines are cut in the PDF
MOST_LINES = 25


@rule
def has_short_code(notebook: Notebook) -> list[str]:
    """Require code cells that are short, and narrow enough for the PDF."""
    problems = []
    for cell in code(notebook):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        if len(lines) > MOST_LINES:
            problems.append(f"cell {cell.id}: {len(lines)} lines of code, at most {MOST_LINES}")
        problems += [
            f"cell {cell.id}: {len(line)} characters, at most {LONGEST_LINE}: {line.strip()[:40]} …"
            for line in lines
            if len(line) > LONGEST_LINE
        ]
    return problems


def is_plot_call(node: ast.AST, helpers: set[str]) -> bool:
    """Return whether a node draws: by pyplot, ``plots``, ``diagrams`` or a named function."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="diagrams"))):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="plots"), attr=attr)):
            return attr.startswith("plot_")
        case ast.Call(func=ast.Attribute(value=ast.Name(id="plt"), attr=attr)):
            return attr not in {"rcParams", "close", "get_cmap"} and not attr.startswith("rc")
        case ast.Call(func=ast.Name(id=name)):
            return name in helpers
    return False


def outside_functions(module: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes that run with the cell: all but the bodies of functions it defines."""
    waiting: list[ast.AST] = list(module.body)
    while waiting:
        node = waiting.pop()
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            waiting += ast.iter_child_nodes(node)


def plotting_cells(notebook: Notebook) -> list[int]:
    """Return the positions of cells that draw, themselves or by a function of the notebook."""
    helpers: set[str] = set()
    positions = []
    for i, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        module = magics.parse(cell.source)
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef) and any(
                is_plot_call(part, helpers) for part in ast.walk(node)
            ):
                helpers.add(node.name)
        if any(is_plot_call(node, helpers) for node in outside_functions(module)):
            positions.append(i)
    return positions


@rule
def describes_its_figures(notebook: Notebook) -> list[str]:
    """Require an alt text of at least eight words, a different one for each figure."""
    problems, seen = [], set()
    for i in plotting_cells(notebook):
        cell = notebook.cells[i]
        alt = alt_text(cell)
        if len(alt.split()) < 8:
            problems.append(f"cell {cell.id} draws; its alt text {alt!r} says too little")
        elif re.match(r"(?i)(an? |the )?(image|picture|figure|plot) (of|showing)\b", alt):
            problems.append(
                f"cell {cell.id}: the alt text begins {alt[:20]!r}; say what is to be seen"
            )
        elif alt in seen:
            problems.append(f"cell {cell.id}: the alt text is that of another figure")
        seen.add(alt)
    return problems


@rule
def captions_its_figures(notebook: Notebook) -> list[str]:
    """Require below each figure a Markdown cell that begins with a paragraph."""
    problems = []
    for i in plotting_cells(notebook):
        after = notebook.cells[i + 1] if i + 1 < len(notebook.cells) else None
        if (
            after is None
            or after.cell_type != "markdown"
            or [t.type for t in parse(after.source)][:1] != ["paragraph_open"]
        ):
            problems.append(
                f"cell {notebook.cells[i].id} draws; no caption sentence stands below it"
            )
    return problems


# --- Markdown that MyST, JupyterLab and Colab all render ---------------------------------------

MYST = {
    "a directive": r"^\s*(`{3,}|~{3,}|:{3,})\s*\{",
    "a colon fence": r"^\s*:{3,}",
    "a role": r"\{[a-zA-Z][\w:.-]*\}`",
    "a target": r"^\([\w:.-]+\)=\s*$",
    "a substitution": r"\{\{.*?\}\}",
    "a block break": r"^\+\+\+",
    "a comment": r"^%\s",
    "a footnote": r"\[\^[\w-]+\]",
    "an attribute list": r"[\])]\{[.#\w]",
    "an image": r"!\[[^\]]*\]\(|<img\b",
}


def without_code_and_math(source: str) -> str:
    """Return the source with the contents of code and mathematics blanked, lines kept."""
    source = re.sub(r"(?ms)^(`{3,})(?! *\{)[^\n]*\n.*?^\1", "", source)
    source = re.sub(r"(?s)\$\$.*?\$\$|(?<!\\)\$[^$\n]+\$", "$ $", source)
    return re.sub(r"(?<!\})(`+)(?!`)(.+?)(?<!`)\1(?!`)", "` `", source)


@rule
def uses_plain_markdown(notebook: Notebook) -> list[str]:
    """Require only Markdown that the book, JupyterLab and Colab all show."""
    return [
        f"cell {cell_id}: {name}, which JupyterLab or Colab shows raw: {match.group().strip()!r}"
        for cell_id, source in markdown(notebook)
        for name, pattern in MYST.items()
        if (match := re.search(pattern, without_code_and_math(source), re.MULTILINE))
    ]


DETAILS = re.compile(r"(?s)<details>.*?</details>")
GOOD_DETAILS = re.compile(r"(?s)<details>\s*<summary>[^\n]+?</summary>\n\s*\n.+?\n\s*\n</details>")


@rule
def has_open_details(notebook: Notebook) -> list[str]:
    """Require in ``<details>`` the blank lines without which its Markdown is not read."""
    problems = []
    for cell_id, source in markdown(notebook):
        blocks = DETAILS.findall(source)
        if len(blocks) != source.count("<details") or len(blocks) != source.count("</details>"):
            problems.append(f"cell {cell_id}: a <details> is not closed, or carries attributes")
        problems += [
            f"cell {cell_id}: expected summary, blank line, answer, blank line: {block[:60]!r}"
            for block in blocks
            if not GOOD_DETAILS.fullmatch(block)
        ]
        if re.search(r"</details>\n(?!\s*\n)(?!\s*$)", source):
            problems.append(f"cell {cell_id}: no blank line after </details>")
    return problems


def links(source: str) -> list[str]:
    """Return the targets of a cell's links."""
    return [
        str(child.attrs["href"])
        for token in parse(source)
        for child in token.children or []
        if child.type == "link_open"
    ]


@rule
def links_to_what_exists(notebook: Notebook) -> list[str]:
    """Require links to lead to an https address or to a file and heading of the repository."""
    problems = []
    for cell_id, source in markdown(notebook):
        for target in links(source):
            if re.match(r"https://|mailto:", target):
                continue
            file, _, anchor = unquote(target).partition("#")
            path = (notebook.path.parent / file).resolve() if file else notebook.path
            if target.startswith(("http:", "/")) or not path.is_relative_to(
                notebook.root.resolve()
            ):
                problems.append(
                    f"cell {cell_id}: {target!r} is neither https nor a path inside the repository"
                )
            elif not path.is_file():
                problems.append(f"cell {cell_id}: {target!r} does not exist")
            elif anchor and anchor not in anchors(path):
                problems.append(f"cell {cell_id}: {target!r}: no heading has this anchor")
    return problems


# --- Prose -----------------------------------------------------------------------------------

WORDS = (700, 2200)
WORDS_OF_AN_EXERCISE = 170


def count_words(source: str) -> int:
    """Return how many words of prose a Markdown cell holds."""
    return len(re.findall(r"[^\W\d_][\w'’-]*", prose(source)))


@rule
def is_neither_thin_nor_bloated(notebook: Notebook) -> list[str]:
    """Require neither too few nor too many words in a chapter."""
    if not notebook.is_chapter:
        return []
    words = words_to_read(notebook)
    return (
        []
        if WORDS[0] <= words <= WORDS[1]
        else [f"{words} words of prose; expected {WORDS[0]} to {WORDS[1]}"]
    )


@rule
def has_short_exercises(notebook: Notebook) -> list[str]:
    """Require short statements of exercises."""
    return [
        f"cell {cell_id}: an exercise of {words} words; expected at most {WORDS_OF_AN_EXERCISE}"
        for cell_id, text in exercise_texts(notebook).items()
        if (words := count_words(text)) > WORDS_OF_AN_EXERCISE
    ]


WORDS_A_MINUTE, LINES_A_MINUTE = 110, 6  # of a reader who thinks about both


def words_to_read(notebook: Notebook) -> int:
    """Return how many words a notebook has, exercises apart: these state their own minutes."""
    apart = exercise_texts(notebook)
    return sum(count_words(source) for id, source in markdown(notebook) if id not in apart)


def lines_to_read(notebook: Notebook) -> int:
    """Return how many lines of code a notebook has, exercises apart."""
    return sum(
        len([line for line in cell.source.splitlines() if line.strip()])
        for cell in code(notebook)
        if not exercise_id(cell)
    )


def reading_minutes(notebook: Notebook) -> int:
    """Return how long a notebook takes to read, in minutes, rounded up to five."""
    minutes = words_to_read(notebook) / WORDS_A_MINUTE + lines_to_read(notebook) / LINES_A_MINUTE
    return 5 * math.ceil(minutes / 5)


@rule
def states_its_reading_time(notebook: Notebook) -> list[str]:
    """Require in a chapter's Time line the minutes that its words and lines of code take."""
    stated = stated_times(nbformat.from_dict({"cells": notebook.cells})).get("reading")
    needed = reading_minutes(notebook)
    if not notebook.is_chapter or stated in (None, needed):
        return []
    return [f"the Time line says {stated} min reading; its words and lines take {needed}"]


FILLER = [
    *("simply", "just", "basically", "obviously", "trivially", "of course", "let's", "let’s"),
    *("note that", "needless to say", "as you can see", "it is worth noting"),
    *("it should be noted", "in this section we will", "in this chapter we will"),
]
AMERICAN = [
    *("color", "colors", "gray", "behavior", "center", "centers", "centered", "neighbor"),
    *("neighbors", "favorite", "labeled", "modeling", "analyze", "artifact", "artifacts"),
]
FILLER_PATTERN = re.compile(rf"(?i)\b({'|'.join(map(re.escape, FILLER))})\b")
AMERICAN_PATTERN = re.compile(rf"(?i)\b({'|'.join(AMERICAN)})\b")
PERSON_PATTERN = re.compile(
    r"(?i)\b(network|model|kernel|layer|neuron)"
    r"( (wants|likes|thinks|believes|feels|hopes|understands)"
    r"|s (want|think|believe|feel|hope|understand))\b"
)
HOUSE_PATTERN = re.compile(  # words that a native teacher would not use here
    r"(?i)\b(by lot|anew|afresh|rightly|whoever|rooms?|zoo|foreign|kinds?|came"
    r"|shares? of|(?:the|a|what|which|its|whose|this|that|as an?|of) shares?"
    r"|the further, the longer)\b"
)
INVERTED_PATTERN = re.compile(
    r"(?i)(?<!there )\b(?:is|are|was|were) no (?!longer\b|more\b|less\b|worse\b|\w+er\b|one\b)\w+"
    r"|\bhow (?:many|much) [\w ]{1,30} (?:has|have) (?:the|a|an|it|they|this|each)\b"
    r"|\b(?:has|have) (?:it|they) (?:a|an|no|any|\d+)\b"
)
PLAIN = {
    "a house word (say fraction, type, at random, again, correctly, if you)": HOUSE_PATTERN,
    "inverted (say 'is not', 'does it have')": INVERTED_PATTERN,
    "filler": FILLER_PATTERN,
    "not British spelling": AMERICAN_PATTERN,
    "a network is no person": PERSON_PATTERN,
}


def harsh_words(text: str) -> list[str]:
    """Return the words of a text that a friendly native teacher would not use, each with why."""
    return [
        f"{name}: {match.group()!r}"
        for name, pattern in PLAIN.items()
        for match in pattern.finditer(text)
    ]


def spoken_by(module: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each sentence in a module's strings, docstrings included."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        match node:
            case ast.Constant(value=str(text)) if len(text.split()) > 2:
                yield node.lineno, text


@rule
def reads_plainly(notebook: Notebook) -> list[str]:
    """Require plain British English: no filler, no exclamation mark, no network with wishes."""
    problems = []
    for title, cell_id, source in sections(notebook):
        text = prose(source)
        if title == "Going further":  # titles of papers keep their own spelling
            continue
        problems += [f"cell {cell_id}: {words}" for words in harsh_words(text)]
        if "!" in text:
            problems.append(
                f"cell {cell_id}: an exclamation mark after {text.partition('!')[0][-30:]!r}"
            )
    return problems


# A number that a run produces is printed by a cell, never typed. In prose these look like results:
#   98.7 % · 0.4 percentage points     a percentage with decimals
#   0.0312 · 2.31                      two decimals or more
#   12.3 s · 4.5 ms · 1.5 times faster a measured duration or ratio
#   87 errors                          a count of mistakes
# and are allowed only
#   * in code, mathematics and links, under Check yourself (invented cases) or Going further, and in
#     the statements of exercises (invented cases as well);
#   * as a setting: the same number stands in a code cell of the notebook;
#   * as a band: one decimal at most, after a word of vagueness ("a little over 98.5 %");
#   * as a name: a version, a chapter, a figure ("Python 3.11").
# Whole percentages ("about 99 %") pass: they are bands by their coarseness.
RESULT = re.compile(
    r"(?<![\w.,])(?P<number>\d[\d,]*\.\d+)"
    r"(?:(?P<percent>\s*(?:%|per cent|percentage points?|points?))"
    r"|(?P<unit>\s*(?:s|ms|seconds?|minutes?|times|×)\b(?!\s*\d)))?(?!\w)"
    r"|(?<![\w.,])(?P<count>\d[\d,]*)\s+(?:errors|mistakes|misread|misclassified|wrong)\b"
)
VAGUE = re.compile(
    r"(?i)\b(about|around|roughly|nearly|almost|over|under|above|below|beyond|between|from|to|and|or"
    r"|least|most|than|near|close to|some|up to)\s*$"
)
NAMED = re.compile(
    r"(?i)\b(python|tensorflow|keras|numpy|version|chapter|figure|table|section|cc by)\s*$"
)


def numbers_in_code(notebook: Notebook) -> set[float]:
    """Return every number that a code cell names."""
    return {
        float(node.value)
        for cell in code(notebook)
        for node in ast.walk(magics.parse(cell.source))
        if isinstance(node, ast.Constant) and type(node.value) in (int, float)
    }


def typed_results(text: str, settings: set[float]) -> list[str]:
    """Return the numbers in a text that look like results and are not among the settings."""
    found = []
    for match in RESULT.finditer(text):
        before = text[: match.start()]
        if match["count"]:
            if not VAGUE.search(before):
                found.append(match.group())
            continue
        decimals = len(match["number"].partition(".")[2])
        is_setting = float(match["number"].replace(",", "")) in settings and not match["percent"]
        is_band = decimals == 1 and VAGUE.search(before)
        looks_measured = decimals >= 2 or match["percent"] or match["unit"]
        if looks_measured and not (is_setting or is_band or NAMED.search(before)):
            found.append(match.group())
    return found


@rule
def types_no_results(notebook: Notebook) -> list[str]:
    """Require no number in the text that looks like the result of a run."""
    settings = numbers_in_code(notebook)
    invented = exercise_texts(notebook)
    return [
        f"cell {cell_id}: {number!r} looks like a result; a cell prints it, the text gives a band"
        " (if it is none, but a definition or a published figure, set it as mathematics: $0.5$)"
        for title, cell_id, source in sections(notebook)
        if title not in {"Check yourself", "Going further"} and cell_id not in invented
        for number in typed_results(prose(source), settings)
    ]


# --- The test set is opened once -----------------------------------------------------------------

TEST_ARRAYS = re.compile("x_test|y_test")
BACK_DOORS = ("load_data", "fetch_openml", "mnist_data", "np.load")  # the same digits, elsewhere


def touches_test_set(source: str) -> list[str]:
    """Return how a piece of code reaches the test digits, or might.

    By the arrays' names, as an attribute, a variable or a string; by another way to the same
    digits; or with the data set as a whole: ``mnist`` may only be made by ``mnist = load_mnist()``
    and only be used as ``mnist.x_train`` and its like.
    """
    nodes = list(ast.walk(magics.parse(source)))
    of_attributes = {
        id(n.value) for n in nodes if isinstance(n, ast.Attribute) and n.attr[0] != "_"
    }
    to_mnist = {
        id(n.value)
        for n in nodes
        if isinstance(n, ast.Assign) and [ast.unparse(target) for target in n.targets] == ["mnist"]
    }
    found = []
    for node in nodes:
        match node:
            case ast.Constant(value=str(text)) | ast.arg(arg=text):
                found += TEST_ARRAYS.findall(text)
            case ast.Name() | ast.Attribute():
                name = ast.unparse(node)
                found += TEST_ARRAYS.findall(name)
                found += [door for door in BACK_DOORS if name.endswith(door)]
                is_read = isinstance(node.ctx, ast.Load)
                if name == "mnist" and is_read and id(node) not in of_attributes:
                    found.append("mnist, taken whole")
            case ast.Call(func=function) if ast.unparse(function).endswith("load_mnist"):
                if id(node) not in to_mnist | of_attributes:
                    found.append("load_mnist() under another name")
    return found


def calls(cell: nbformat.NotebookNode, method: str) -> int:
    """Return how often a cell calls a method of this name."""
    return sum(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == method
        for node in ast.walk(magics.parse(cell.source))
    )


@rule
def opens_the_test_set_once(notebook: Notebook) -> list[str]:
    """Require chapter 5 to open the test set in one tagged cell, and chapter 0 to evaluate once.

    No other notebook touches it. Before those cells not even chapters 0 and 5 name its arrays.
    """
    cells = code(notebook)
    touched = [
        [
            use
            for part in [cell.source, *cell.metadata.get("nbmake", {}).get("post_cell_execute", [])]
            for use in touches_test_set(part)
        ]
        for cell in cells
    ]
    tagged = [
        i for i, cell in enumerate(cells) if "opens-test-set" in cell.metadata.get("tags", [])
    ]
    problems = []
    if notebook.is_chapter and notebook.number == 0:
        evaluations = [i for i, cell in enumerate(cells) if calls(cell, "evaluate")]
        fits = [i for i, cell in enumerate(cells) if calls(cell, "fit")]
        if len(evaluations) != 1 or calls(cells[evaluations[0]], "evaluate") != 1:
            return [f"chapter 0 calls evaluate in {len(evaluations)} cells; expected one"]
        opening = evaluations[0]
        if not fits or max(fits) > opening:
            problems.append("chapter 0 evaluates before it has finished training")
        if not touched[opening]:
            problems.append("chapter 0 does not evaluate on the test set")
    elif notebook.is_chapter and notebook.number == 5:
        if len(tagged) != 1:
            return [f"{len(tagged)} cells are tagged opens-test-set; chapter 5 has exactly one"]
        opening = tagged[0]
        if not touched[opening]:
            problems.append(
                f"cell {cells[opening].id} is tagged opens-test-set and does not open it"
            )
    else:
        opening = len(cells)
        problems += [
            f"cell {cells[i].id}: the tag opens-test-set belongs to chapter 5" for i in tagged
        ]
    return problems + [
        f"cell {cells[i].id} touches the test set: {', '.join(sorted(set(uses)))}"
        for i, uses in enumerate(touched[:opening])
        if uses
    ]


# --- No trace of a machine -------------------------------------------------------------------

MACHINE = re.compile(
    r"(?<![\w.~-])/(?:work|home|root|Users|tmp)/(?!\.\.\.)[\w.-]"  # a path of somebody's computer
    r"|\b[A-Z]:\\+Users\\"
    r"|--(?:extra-)?index-url"  # where somebody's packages come from
    r"|\b(?:pypi|files)\.(?:org|pythonhosted\.org)\b"
    r"|\b(?:10\.\d+|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d+\.\d+\b"
)


def traces(text: str) -> list[str]:
    """Return what in a text names somebody's computer or a package index."""
    return [match.group() for match in MACHINE.finditer(text)]


@rule
def names_no_machine(notebook: Notebook) -> list[str]:
    """Require no path of somebody's computer and no package index."""
    return [
        f"cell {cell.id}: names a machine or a package index: {trace!r}"
        for cell in notebook.cells
        for trace in traces(cell.source)
    ]


def table_of_times() -> str:
    """Return what each chapter asks of its reader: words, lines of code, minutes of reading."""
    lines = [f"{'chapter':30}{'words':>7}{'lines':>7}{'minutes':>9}{'stated':>8}"]
    for notebook in map(read, repository.notebooks()):
        if notebook.is_chapter:
            stated = stated_times(nbformat.from_dict({"cells": notebook.cells})).get("reading", "–")
            numbers = words_to_read(notebook), lines_to_read(notebook), reading_minutes(notebook)
            lines.append("{:30}{:7}{:7}{:9}{:>8}".format(notebook.path.stem, *numbers, stated))
    return "\n".join(lines)


def main(names: list[str]) -> int:
    """Check the named notebooks, or all; print what is wrong and return the exit code."""
    if names == ["--times"]:
        print(table_of_times())
        return 0
    paths = [Path(name).resolve() for name in names] or repository.notebooks()
    found = [problem for path in paths for problem in problems(read(path))]
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
