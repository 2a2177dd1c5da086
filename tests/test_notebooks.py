"""Rules on the notebooks as files: shape, wording, honesty, accessibility.

A rule is a function from a notebook to a list of problems, so that each can be tried on notebooks
made to break it (second half of this file). Nothing is executed here; ``conftest.py`` runs them.

    pytest tests/test_notebooks.py -k 04        # the rules on chapter 4 alone
"""

from __future__ import annotations

import ast
import copy
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import nbformat
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat.v4 import new_code_cell, new_markdown_cell

from tools import exercises, notebooks, repository
from tools.notebooks import LIMITS, alt_text, stated_times

ROOT = Path(__file__).resolve().parent.parent


class Notebook(NamedTuple):
    """A notebook and where it lies; ``root`` is the repository (or a test's small copy of one)."""

    path: Path
    root: Path
    cells: list[nbformat.NotebookNode]

    @property
    def name(self) -> str:
        return self.path.relative_to(self.root).as_posix()

    @property
    def number(self) -> int:
        return int(self.path.stem[:2])

    @property
    def is_chapter(self) -> bool:
        return self.path.parent.name == "chapters"


def read(path: Path, root: Path = ROOT) -> Notebook:
    return Notebook(path, root, notebooks.read(path).cells)


Rule = Callable[[Notebook], list[str]]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    RULES[function.__name__] = function
    return function


# --- Reading Markdown and code ---------------------------------------------------------------

PARSER = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin)


@cache
def parse(source: str) -> list[Token]:
    return PARSER.parse(source)


def markdown(notebook: Notebook) -> Iterator[tuple[str, str]]:
    """Yield the id and the source of each Markdown cell that readers of the book see."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and "remove-cell" not in cell.metadata.get("tags", []):
            yield cell.id, cell.source


def exercise_texts(notebook: Notebook) -> dict[str, str]:
    """Return the statement of each exercise, by cell id, without its head and its link."""
    return {
        cell.id: exercises.statement(cell.source)
        for cell in notebook.cells
        if cell.cell_type == "markdown" and exercises.exercise_id(cell)
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


def slug(heading: str) -> str:
    """Return the anchor that GitHub, and MyST after it, give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@cache
def anchors(path: Path) -> frozenset[str]:
    """Return the anchors of a file's headings; one that is used again gets -1, -2 …"""
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


MAGIC = re.compile(r"^(\s*)[%!].*$", re.MULTILINE)


def tree(cell: nbformat.NotebookNode) -> ast.Module:
    """Return the syntax tree of a code cell; IPython's magics and shell lines count as ``pass``."""
    return ast.parse(MAGIC.sub(r"\1pass", cell.source))


# --- The file --------------------------------------------------------------------------------


@rule
def is_valid(notebook: Notebook) -> list[str]:
    errors = nbformat.validator.iter_validate(notebooks.read(notebook.path))
    return [f"not a valid notebook: {error.message}" for error in errors]


@rule
def has_no_outputs(notebook: Notebook) -> list[str]:
    return [
        f"cell {cell.id}: stored with output or execution count; run `nbstripout {notebook.name}`"
        for cell in notebook.cells
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count is not None)
    ]


@rule
def has_unique_cell_ids(notebook: Notebook) -> list[str]:
    ids = [cell.get("id", "") for cell in notebook.cells]
    return [
        f"cell id {i!r} is missing or used twice"
        for i in sorted({i for i in ids if not i or ids.count(i) > 1})
    ]


@rule
def compiles(notebook: Notebook) -> list[str]:
    problems = []
    for cell in code(notebook):
        try:
            tree(cell)
        except SyntaxError as error:
            problems.append(f"cell {cell.id}: {error}")
    return problems


@rule
def starts_with_title_badge_and_setup(notebook: Notebook) -> list[str]:
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
            "the second cell is not the badge of this repository; run `python tools/repository.py`"
        )
    if setup.cell_type != "code" or setup.source != repository.setup(url, branch):
        problems.append("the third cell is not the set-up cell; run `python tools/repository.py`")
    problems += [
        f"the {name} cell lacks the tag remove-cell"
        for name, cell in (("badge", badge), ("set-up", setup))
        if "remove-cell" not in cell.metadata.get("tags", [])
    ]
    return problems


@rule
def has_one_title(notebook: Notebook) -> list[str]:
    titles = [
        text for _, source in markdown(notebook) for level, text in headings(source) if level == 1
    ]
    return [] if len(titles) == 1 else [f"one first-level heading is wanted, found {titles}"]


# --- The shape of a chapter ------------------------------------------------------------------


@rule
def states_its_time(notebook: Notebook) -> list[str]:
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
        for source, limit in LIMITS.items()
        if times[source] > limit
    ]


PROMISES = ("**You will build**", "**You will learn**", "**You need**", "**Time**")
BULLET = re.compile(r"(?m)^[-*] ")


@rule
def says_what_to_expect(notebook: Notebook) -> list[str]:
    if not notebook.is_chapter:
        return []
    block = notebook.cells[3].source if len(notebook.cells) > 3 else ""
    places = [block.find(promise) for promise in PROMISES]
    if -1 in places or places != sorted(places):
        return [f"the fourth cell must hold, in this order: {', '.join(PROMISES)}"]
    goals = len(BULLET.findall(block[places[1] : places[2]]))
    return [] if 3 <= goals <= 5 else [f"{goals} bullets under You will learn; 3 to 5 are wanted"]


ENDING = ["What you can now do", "Check yourself", "Going further"]


@rule
def ends_as_a_chapter_does(notebook: Notebook) -> list[str]:
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
    goals = notebook.cells[3].source.partition(PROMISES[1])[2].partition(PROMISES[2])[0]
    promised, kept = len(BULLET.findall(goals)), len(BULLET.findall(text[ENDING[0]]))
    if promised != kept:
        problems.append(
            f"You will learn has {promised} bullets, What you can now do {kept}; they mirror"
        )
    # Each question is one <details>, or a bold number whose options are <details> of their own.
    numbered = len(re.findall(r"(?m)^\*\*\d+\.", text[ENDING[1]]))
    folds = text[ENDING[1]].count("<details>")
    if not 3 <= (numbered or folds) <= 5 or folds < numbered:
        problems.append(
            f"{numbered or folds} questions with {folds} <details> under Check yourself;"
            " 3 to 5 questions are wanted, each with its <details>"
        )
    if "](http" not in text[ENDING[2]]:
        problems.append("Going further links to no source")
    return problems


def is_range(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and any(
        isinstance(operator, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for operator in test.ops
    )


@rule
def asserts_its_bands(notebook: Notebook) -> list[str]:
    """A chapter has one ``post_cell_execute`` assertion or more; each is about something computed.

    A range carries its value as message, since that is the first thing one asks when it fails.
    """
    problems, found = [], 0
    for cell in code(notebook):
        for statement in cell.metadata.get("nbmake", {}).get("post_cell_execute", []):
            try:
                asserts = [
                    node for node in ast.walk(ast.parse(statement)) if isinstance(node, ast.Assert)
                ]
            except SyntaxError as error:
                problems.append(f"cell {cell.id}: band {statement!r}: {error}")
                continue
            found += len(asserts)
            for node in asserts:
                if not any(isinstance(part, ast.Name) for part in ast.walk(node.test)):
                    problems.append(
                        f"cell {cell.id}: band {statement!r} names no variable, so it cannot fail"
                    )
                if node.msg is None and is_range(node.test):
                    problems.append(f"cell {cell.id}: add the value to {statement!r}: `…, value`")
    if notebook.is_chapter and not found:
        problems.append("no band is asserted (metadata nbmake: post_cell_execute)")
    return problems


# --- Cells -----------------------------------------------------------------------------------

LONGEST_LINE = 79  # longer lines are cut in the PDF
MOST_LINES = 25


@rule
def has_short_code(notebook: Notebook) -> list[str]:
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
    match node:
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
        module = tree(cell)
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
    """Alt text of at least eight words, a different one for each figure."""
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
    """Below each figure a Markdown cell whose first block is a paragraph."""
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
    problems = []
    for cell_id, source in markdown(notebook):
        blocks = DETAILS.findall(source)
        if len(blocks) != source.count("<details") or len(blocks) != source.count("</details>"):
            problems.append(f"cell {cell_id}: a <details> is not closed, or carries attributes")
        problems += [
            f"cell {cell_id}: summary, blank line, answer, blank line are wanted: {block[:60]!r}"
            for block in blocks
            if not GOOD_DETAILS.fullmatch(block)
        ]
        if re.search(r"</details>\n(?!\s*\n)(?!\s*$)", source):
            problems.append(f"cell {cell_id}: no blank line after </details>")
    return problems


def links(source: str) -> list[str]:
    return [
        str(child.attrs["href"])
        for token in parse(source)
        for child in token.children or []
        if child.type == "link_open"
    ]


@rule
def links_to_what_exists(notebook: Notebook) -> list[str]:
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
    return len(re.findall(r"[^\W\d_][\w'’-]*", prose(source)))


@rule
def is_neither_thin_nor_bloated(notebook: Notebook) -> list[str]:
    if not notebook.is_chapter:
        return []
    apart = exercise_texts(notebook)
    words = sum(count_words(source) for id, source in markdown(notebook) if id not in apart)
    return (
        []
        if WORDS[0] <= words <= WORDS[1]
        else [f"{words} words of prose; {WORDS[0]} to {WORDS[1]} are wanted"]
    )


@rule
def has_short_exercises(notebook: Notebook) -> list[str]:
    return [
        f"cell {cell_id}: an exercise of {words} words; at most {WORDS_OF_AN_EXERCISE} are wanted"
        for cell_id, text in exercise_texts(notebook).items()
        if (words := count_words(text)) > WORDS_OF_AN_EXERCISE
    ]


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
PLAIN = {
    "filler": FILLER_PATTERN,
    "not British spelling": AMERICAN_PATTERN,
    "a network is no person": PERSON_PATTERN,
}


@rule
def reads_plainly(notebook: Notebook) -> list[str]:
    """No filler, no exclamation mark, no network that wants something, British spelling."""
    problems = []
    for title, cell_id, source in sections(notebook):
        text = prose(source)
        if title == "Going further":  # titles of papers keep their own spelling
            continue
        for name, pattern in PLAIN.items():
            problems += [
                f"cell {cell_id}: {name}: {match.group()!r}" for match in pattern.finditer(text)
            ]
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
    return {
        float(node.value)
        for cell in code(notebook)
        for node in ast.walk(tree(cell))
        if isinstance(node, ast.Constant) and type(node.value) in (int, float)
    }


def typed_results(text: str, settings: set[float]) -> list[str]:
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
    nodes = list(ast.walk(ast.parse(MAGIC.sub(r"\1pass", source))))
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
    return sum(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == method
        for node in ast.walk(tree(cell))
    )


@rule
def opens_the_test_set_once(notebook: Notebook) -> list[str]:
    """Chapter 5 opens it in one tagged cell, chapter 0 evaluates on it once, no other touches it.

    Before those cells not even chapters 0 and 5 may name its arrays. Solutions never do.
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
            return [f"chapter 0 calls evaluate in {len(evaluations)} cells; once is wanted"]
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
    return [match.group() for match in MACHINE.finditer(text)]


@rule
def names_no_machine(notebook: Notebook) -> list[str]:
    return [
        f"cell {cell.id}: names a machine or a package index: {trace!r}"
        for cell in notebook.cells
        for trace in traces(cell.source)
    ]


# --- The rules on the course's notebooks -----------------------------------------------------

NOTEBOOKS = repository.notebooks()


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_notebook(path: Path, name: str) -> None:
    notebook = read(path)
    problems = RULES[name](notebook)
    assert not problems, f"{notebook.name}, {name}:\n  " + "\n  ".join(problems)


def test_tracked_files_name_no_machine() -> None:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode != 0:
        pytest.skip("not a git checkout, so nothing says which files belong to the project")
    problems = []
    for name in filter(None, listing.stdout.split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:  # a picture
            continue
        problems += [f"{name}: {trace!r}" for trace in traces(text)]
    assert not problems, "\n".join(problems)


# --- The rules on notebooks made to break them ------------------------------------------------

Change = Callable[[list[nbformat.NotebookNode]], None]
BARE = "<details><summary>Which one?</summary>\n\n"
WORDY = " ".join(
    ["A kernel slides over the image and answers where its own pattern is found."] * 60
)


def good_cells(number: int, room: str) -> list[nbformat.NotebookNode]:
    """Return a small chapter that every rule accepts."""
    url, branch = repository.address()
    badge = repository.badge(url, branch, f"{room}/{number:02d}_topic.ipynb")
    question = f"{BARE}The second, since 99.2 % is more.\n\n</details>\n"
    cells = {
        "title": f"# {number} Slide a kernel\n\nThe last chapter left a question: about 98.5 %?",
        "badge": badge,
        "setup": repository.setup(url, branch),
        "goals": "**You will build** a filter.\n\n**You will learn** to\n\n- do one thing,\n"
        "- do another,\n- do a third.\n\n**You need** nothing.\n\n**Time** · 20 min reading"
        " · running: 20 s on the sample, 90 s on the full data",
        "imports": "import matplotlib.pyplot as plt\n\nfrom mnist_lib import plots\n"
        "from mnist_lib.data import load_mnist\n\nmnist = load_mnist()",
        "section": f"## A window of nine pixels\n\n{WORDY}\n\nThe rate 0.001 is a setting. See "
        "[above](#a-window-of-nine-pixels), "
        f"[this](../{room}/{number:02d}_topic.ipynb#check-yourself)"
        " and [the paper](https://doi.org/10.1109/5.726791).",
        "figure": "rate = 0.001\nplots.plot_digits(mnist.x_train[:10]);",
        "caption": "Ten digits; $x_{0.123}$ and `0.123` are no results, Python 3.11 is a version.",
        "exercise": "### Exercise 4.1: Try it\n\n★ · 5 minutes\n\n"
        "A network reads 98.7 % of 1,000 digits.\n\n[Solution](https://example.org)",
        "done": "## What you can now do\n\n- one thing,\n- another,\n- a third.",
        "questions": "## Check yourself\n\n" + "\n".join([question] * 3),
        "further": "## Going further\n\n- [LeCun](https://doi.org/10.1109/5.726791), 0.1109 of it.",
    }
    made = []
    for name, source in cells.items():
        cell = (
            new_code_cell(source)
            if name in {"setup", "imports", "figure"}
            else new_markdown_cell(source)
        )
        cell["id"] = name
        made.append(cell)
    cell_of(made, "exercise").metadata["exercise"] = "04.try_it"
    made[1].metadata["tags"] = made[2].metadata["tags"] = ["remove-cell"]
    made[6].metadata["mystnb"] = {
        "image": {"alt": "Ten handwritten digits in one row, the first of them a five."}
    }
    made[6].metadata["nbmake"] = {
        "post_cell_execute": ["assert len(mnist.x_train) > 3000, len(mnist.x_train)"]
    }
    if room == "chapters" and number == 5:
        opening = new_code_cell(
            "x = mnist.x_test", id="opening", metadata={"tags": ["opens-test-set"]}
        )
        made[8:8] = [opening, new_code_cell("y = mnist.y_test", id="after")]
    if room == "chapters" and number == 0:
        made[8:8] = [
            new_code_cell("model.fit(mnist.x_train, mnist.y_train)", id="fit"),
            new_code_cell("model.evaluate(mnist.x_test, mnist.y_test)", id="evaluate"),
        ]
    return made


def make(
    folder: Path, cells: list[nbformat.NotebookNode], number: int, room: str = "chapters"
) -> Notebook:
    path = folder / room / f"{number:02d}_topic.ipynb"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}),
        encoding="utf-8",
    )
    return read(path, folder)


@pytest.mark.parametrize("room", ["chapters", "solutions"])
@pytest.mark.parametrize("number", [0, 4, 5])
def test_a_good_notebook_passes_every_rule(tmp_path: Path, number: int, room: str) -> None:
    notebook = make(tmp_path, good_cells(number, room), number, room)
    assert {name: problems for name in RULES if (problems := RULES[name](notebook))} == {}


def cell_of(cells: list[nbformat.NotebookNode], name: str) -> nbformat.NotebookNode:
    return next(cell for cell in cells if cell.id == name)


def replace(name: str, old: str, new: str) -> Change:
    def change(cells: list[nbformat.NotebookNode]) -> None:
        cell = cell_of(cells, name)
        assert old in cell.source
        cell.source = cell.source.replace(old, new)

    return change


def say(text: str) -> Change:
    """Add a paragraph to the section."""
    return replace("section", "\n\nThe rate", f"\n\n{text}\n\nThe rate")


def run(text: str) -> Change:
    """Add lines to the cell of the imports."""
    return replace("imports", "mnist = load_mnist()", f"mnist = load_mnist()\n{text}")


def meta(name: str, **fields: object) -> Change:
    def change(cells: list[nbformat.NotebookNode]) -> None:
        cell_of(cells, name).metadata.update(copy.deepcopy(fields))

    return change


def drop(name: str) -> Change:
    return lambda cells: cells.remove(cell_of(cells, name))


def keep_output(cells: list[nbformat.NotebookNode]) -> None:
    cell_of(cells, "figure").outputs = [nbformat.v4.new_output("stream", text="hello")]


def keep_count(cells: list[nbformat.NotebookNode]) -> None:
    cell_of(cells, "figure").execution_count = 3


def repeat_id(cells: list[nbformat.NotebookNode]) -> None:
    cell_of(cells, "caption")["id"] = "figure"


def bad_id(cells: list[nbformat.NotebookNode]) -> None:
    cell_of(cells, "caption")["id"] = "two words"


def same_alt(cells: list[nbformat.NotebookNode]) -> None:
    twin = copy.deepcopy(cell_of(cells, "figure"))
    twin["id"] = "twin"
    cells[8:8] = [twin, new_markdown_cell("Again.", id="again")]


def alt(text: str) -> Change:
    return meta("figure", mystnb={"image": {"alt": text}})


def band(statement: str) -> Change:
    return meta("figure", nbmake={"post_cell_execute": [statement]})


# Written in two halves, so that this file does not name them either.
MACHINES = ["".join(halves) for halves in [
    ("/wo", "rk/main"), ("/ho", "me/me"), ("/ro", "ot/x"), ("/Us", "ers/me"), ("/tm", "p/x"),
    ("C:\\Us", "ers\\me"), ("--index", "-url"), ("--extra-index", "-url"), ("pypi", ".org"),
    ("files.python", "hosted.org"), ("10.0", ".0.1"), ("192.168", ".1.1"), ("172.16", ".0.1"),
]]  # fmt: skip

WRONG: list[tuple[str, str, Change]] = [
    ("is_valid", "an id with a space", bad_id),
    ("has_no_outputs", "output", keep_output),
    ("has_no_outputs", "execution count", keep_count),
    ("has_unique_cell_ids", "an id twice", repeat_id),
    ("compiles", "a syntax error", run("def broken(:")),
    ("starts_with_title_badge_and_setup", "no number", replace("title", "# 4 ", "# ")),
    ("starts_with_title_badge_and_setup", "another number", replace("title", "# 4 ", "# 3 ")),
    ("starts_with_title_badge_and_setup", "a strange badge", replace("badge", "github", "gitlab")),
    ("starts_with_title_badge_and_setup", "a strange set-up", replace("setup", "sys", "os")),
    ("starts_with_title_badge_and_setup", "a badge without its tag", meta("badge", tags=[])),
    ("starts_with_title_badge_and_setup", "no badge", drop("badge")),
    ("has_one_title", "two titles", say("# Another title")),
    ("states_its_time", "no Time line", replace("goals", "running: ", "")),
    ("states_its_time", "too long on the sample", replace("goals", "20 s on", "61 s on")),
    ("states_its_time", "too long on the full data", replace("goals", "90 s on", "181 s on")),
    ("says_what_to_expect", "no promise", replace("goals", "**You will build**", "You build")),
    ("says_what_to_expect", "two goals", replace("goals", "- do another,\n", "")),
    ("says_what_to_expect", "six goals", replace("goals", "- do a", "- do\n" * 4 + "- do a")),
    ("ends_as_a_chapter_does", "no ending", drop("further")),
    ("ends_as_a_chapter_does", "a goal forgotten", replace("done", "- another,\n", "")),
    ("ends_as_a_chapter_does", "no question", replace("questions", "<details>", "")),
    ("ends_as_a_chapter_does", "no source", replace("further", "](https", "] (https")),
    ("asserts_its_bands", "no band", meta("figure", nbmake={})),
    ("asserts_its_bands", "no assertion", band("len(mnist.x_train) > 3000")),
    ("asserts_its_bands", "a band that cannot fail", band("assert 1 < 2, 'fine'")),
    ("asserts_its_bands", "a band without message", band("assert rate < 1")),
    ("asserts_its_bands", "a band that is no Python", band("assert rate <")),
    ("has_short_code", "a long line", run("x = '" + "x" * 75 + "'")),
    ("has_short_code", "a long cell", run("x = 1\n" * 22)),
    ("describes_its_figures", "no alt text", meta("figure", mystnb={})),
    ("describes_its_figures", "a thin alt text", alt("Ten digits")),
    ("describes_its_figures", "an empty phrase", alt("A picture of ten digits that people wrote")),
    ("describes_its_figures", "the same alt text twice", same_alt),
    ("describes_its_figures", "pyplot", run("plt.imshow(mnist.x_train[0])")),
    ("describes_its_figures", "drawn by a function", run("def show():\n    plt.show()\nshow()")),
    ("captions_its_figures", "no caption", drop("caption")),
    ("captions_its_figures", "a heading for a caption", replace("caption", "Ten", "## Ten")),
    ("uses_plain_markdown", "directive", say("```{note}\nHello\n```")),
    ("uses_plain_markdown", "tilde directive", say("~~~{note}\nHello\n~~~")),
    ("uses_plain_markdown", "colon fence", say(":::{note}\nHello\n:::")),
    ("uses_plain_markdown", "role", say("as {cite}`lecun1998` show")),
    ("uses_plain_markdown", "target", say("(here)=\nHello")),
    ("uses_plain_markdown", "substitution", say("Hello {{ name }}")),
    ("uses_plain_markdown", "block break", say("+++")),
    ("uses_plain_markdown", "comment", say("% hidden")),
    ("uses_plain_markdown", "footnote", say("As they say[^1]")),
    ("uses_plain_markdown", "attributes", say("[text](https://example.org){.big}")),
    ("uses_plain_markdown", "image", say("![text](https://example.org/a.png)")),
    ("has_open_details", "no blank line before the answer", replace("questions", BARE, BARE[:-1])),
    ("has_open_details", "none after it", replace("questions", "\n\n</details>", "\n</details>")),
    ("has_open_details", "no summary", replace("questions", "<summary>Which one?</summary>", "")),
    ("has_open_details", "open attribute", replace("questions", "<details>", "<details open>")),
    ("has_open_details", "not closed", replace("questions", "</details>", "")),
    ("has_open_details", "text at once", replace("questions", "</details>\n", "</details>\nX\n")),
    ("links_to_what_exists", "no such file", say("[Chapter 9](09_nowhere.ipynb)")),
    ("links_to_what_exists", "no such heading", say("[there](#nowhere)")),
    ("links_to_what_exists", "none there", say("[there](../chapters/04_topic.ipynb#nowhere)")),
    ("links_to_what_exists", "unsafe", say("[there](http://example.org)")),
    ("links_to_what_exists", "outside", say("[there](../../elsewhere.md)")),
    ("links_to_what_exists", "absolute", say("[there](/chapters/04_topic.ipynb)")),
    ("is_neither_thin_nor_bloated", "thin", replace("section", WORDY, "")),
    ("is_neither_thin_nor_bloated", "bloated", say(f"{WORDY} {WORDY}")),
    ("has_short_exercises", "a long one", replace("exercise", "A network", f"{WORDY} A network")),
    ("types_no_results", "in no exercise", meta("exercise", exercise=None)),
    *[("reads_plainly", word, say(f"This is {word} how it goes.")) for word in FILLER + AMERICAN],
    ("reads_plainly", "filler across lines", say("as you\ncan see")),
    ("reads_plainly", "an exclamation mark", say("It works!")),
    ("reads_plainly", "a network with wishes", say("What the network wants is light.")),
    ("reads_plainly", "networks with wishes", say("What networks want is light.")),
    ("reads_plainly", "in a question", replace("questions", "Which one?", "Just which?")),
    ("types_no_results", "percentage", say("The network reaches 98.7 % on validation.")),
    ("types_no_results", "points", say("It gains 0.4 percentage points here.")),
    ("types_no_results", "percentage without space", say("It reaches 98.7% now.")),
    ("types_no_results", "vague but exact", say("It reaches about 98.73 % now.")),
    ("types_no_results", "loss", say("The loss is 0.0312 after that.")),
    ("types_no_results", "short loss", say("The loss is 0.31 after that.")),
    ("types_no_results", "duration", say("The cell takes 12.3 s here.")),
    ("types_no_results", "ratio", say("It is 3.4 times faster.")),
    ("types_no_results", "errors", say("There are 87 errors left.")),
    ("types_no_results", "in a table", say("| model | accuracy |\n|---|---|\n| small | 0.981 |")),
    ("types_no_results", "a setting used as a result", say("The gain is 0.001 % here.")),
    ("opens_the_test_set_once", "attribute", run("x = mnist.x_test")),
    ("opens_the_test_set_once", "labels", run("y = mnist.y_test")),
    ("opens_the_test_set_once", "name", run("x_test = 3")),
    ("opens_the_test_set_once", "string", run("x = getattr(mnist, 'x_test')")),
    ("opens_the_test_set_once", "subscript", run("x = mnist[4]")),
    ("opens_the_test_set_once", "unpacked", run("a, b, c, d, e, f, g = mnist")),
    ("opens_the_test_set_once", "unpacked at once", run("a, b, *rest = load_mnist()")),
    ("opens_the_test_set_once", "subscript at once", run("a = load_mnist()[4]")),
    ("opens_the_test_set_once", "handed on", run("print(sorted(mnist))")),
    ("opens_the_test_set_once", "its fields", run("for name in mnist._fields:\n    print(name)")),
    ("opens_the_test_set_once", "another name", run("digits = load_mnist()\nx = digits[4]")),
    ("opens_the_test_set_once", "a parameter", run("def f(x_test):\n    return 1")),
    *[("opens_the_test_set_once", door, run(f"x = {door}()")) for door in BACK_DOORS],
    ("opens_the_test_set_once", "Keras' copy", run("x = keras.datasets.mnist.load_data()")),
    ("opens_the_test_set_once", "in a band", band("assert len(mnist.x_test) > 1, 'few'")),
    ("opens_the_test_set_once", "a tag elsewhere", meta("figure", tags=["opens-test-set"])),
    *[("names_no_machine", path, say(f"Look at {path}.")) for path in MACHINES],
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "why", "change"),
    WRONG,
    ids=lambda part: part.replace(" ", "-") if isinstance(part, str) else "",
)
def test_a_wrong_notebook_is_refused(tmp_path: Path, name: str, why: str, change: Change) -> None:
    cells = good_cells(4, "chapters")
    change(cells)
    assert RULES[name](make(tmp_path, cells, 4)), f"{name} accepts: {why}"


WRONG_OPENINGS: list[tuple[int, str, Change]] = [
    (5, "before the marked cell", run("x = mnist.x_test")),
    (5, "two marked cells", meta("figure", tags=["opens-test-set"])),
    (5, "no marked cell", meta("opening", tags=[])),
    (5, "a marked cell that opens nothing", replace("opening", "mnist.x_test", "mnist.x_val")),
    (0, "before the evaluation", run("x = mnist.x_test")),
    (0, "a second evaluation", run("model.evaluate(1, 2)")),
    (0, "two evaluations in a cell", replace("evaluate", "model.", "model.evaluate(1, 2)\nmodel.")),
    (0, "evaluated on validation", replace("evaluate", "test", "val")),
    (
        0,
        "validated on the test set",
        replace("fit", "y_train)", "y_train, validation_data=mnist.x_test)"),
    ),
    (0, "no training before", drop("fit")),
]


@pytest.mark.parametrize(
    ("number", "why", "change"),
    WRONG_OPENINGS,
    ids=lambda part: str(part).replace(" ", "-") if isinstance(part, int | str) else "",
)
def test_a_test_set_opened_wrongly_is_refused(
    tmp_path: Path, number: int, why: str, change: Change
) -> None:
    cells = good_cells(number, "chapters")
    change(cells)
    assert RULES["opens_the_test_set_once"](make(tmp_path, cells, number)), (
        f"chapter {number} may: {why}"
    )


def test_every_rule_is_tried_on_a_wrong_notebook() -> None:
    assert {name for name, _, _ in WRONG} == set(RULES)


def test_every_pattern_of_foreign_markdown_is_tried(tmp_path: Path) -> None:
    found = set()
    for name, _, change in WRONG:
        if name == "uses_plain_markdown":
            cells = good_cells(4, "chapters")
            change(cells)
            found |= {
                kind
                for kind in MYST
                if f": {kind}," in " ".join(RULES[name](make(tmp_path, cells, 4)))
            }
    assert found == set(MYST)


@pytest.mark.parametrize(
    "text",
    [
        "a little over 97 %",
        "between 98.5 and 99.5 %",
        "about 0.5 percentage points",
        "a rate of 0.001",
        "1.5 columns",
        "Python 3.11 and TensorFlow 2.18",
        "28 × 28 pixels, 55,000 digits, 225,034 parameters",
        "CC BY 4.0",
        "nearly 2.3",
    ],
)
def test_bands_settings_and_constants_are_no_results(text: str) -> None:
    assert typed_results(text, {0.001}) == []


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Exercise 3.1: another filter", "exercise-31-another-filter"),
        ("What can a 3 × 3 window see?", "what-can-a-3--3-window-see"),
        ("Train `model.fit`", "train-modelfit"),
        ("Look-alikes_and more", "look-alikes_and-more"),
    ],
)
def test_slugs_are_githubs(heading: str, anchor: str) -> None:
    [(_, text)] = headings(f"## {heading}")
    assert slug(text) == anchor


def test_a_heading_used_twice_gets_a_number(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("# One\n\n## Two\n\n## Two\n\n```\n# no heading\n```\n", encoding="utf-8")
    assert anchors(path) == {"one", "two", "two-1"}
