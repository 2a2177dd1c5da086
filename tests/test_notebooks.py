"""The notebook rules: kept by the course's notebooks, and broken by ones made for it.

pytest tests/test_notebooks.py -k 04        # the rules on chapter 4 alone
"""

from __future__ import annotations

import ast
import copy
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from tools import notebook_rules, repository
from tools.notebook_rules import (
    ANSWER,
    BACK_DOORS,
    PREDICT,
    RULES,
    Notebook,
    anchors,
    harsh_words,
    headings,
    questions,
    read,
    typed_results,
)
from tools.notebooks import ROOT, slug


@pytest.mark.parametrize(
    "path", repository.notebooks(), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_notebook_keeps_every_rule(path: Path) -> None:
    found = notebook_rules.problems(read(path))
    assert not found, "\n".join(found)


def assigned(cell: nbformat.NotebookNode) -> set[str]:
    """Return the names to which a cell assigns, loops and the bodies of functions apart."""
    return {
        node.id
        for part in notebook_rules.outside_functions(ast.parse(cell.source))
        if isinstance(part, ast.Assign)
        for target in part.targets
        for node in ast.walk(target)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


@pytest.mark.parametrize("name", ["02_convolutions", "03_building_the_model"])
def test_a_name_means_one_thing_in_the_whole_chapter(name: str) -> None:
    cells = notebook_rules.code(read(ROOT / "chapters" / f"{name}.ipynb"))
    seen: set[str] = set()
    for cell in cells:
        assert not seen & assigned(cell), f"cell {cell.id} gives a name another meaning"
        seen |= assigned(cell)


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
        problems += [f"{name}: {trace!r}" for trace in notebook_rules.traces(text)]
    assert not problems, "\n".join(problems)


# --- The rules on notebooks made to break them ------------------------------------------------

Change = Callable[[list[nbformat.NotebookNode]], None]
BARE = "<summary>Answer to question 1</summary>\n\n"
WORDY = " ".join(
    ["A kernel slides over the image and answers where its own pattern is found."] * 60
)


def good_cells(number: int, place: str) -> list[nbformat.NotebookNode]:
    """Return a small chapter that every rule accepts."""
    url, branch = repository.address()
    badge = repository.badge(url, branch, f"{place}/{number:02d}_topic.ipynb")
    question = (
        "**Question {}.** Which is more?\n\n- a) 99.1 %\n- b) 99.2 %\n- c) Neither.\n\n"
        "<details><summary>Answer to question {}</summary>\n\n**b.** 99.2 % is more. Not a: it is "
        "less. Not c: they differ.\n\n</details>\n"
    )
    cells = {
        "title": f"# {number} Slide a kernel\n\nThe last chapter left a question: about 98.5 %?",
        "badge": badge,
        "setup": repository.setup(url, branch),
        "goals": "**You will build** a filter.\n\n**You will learn** to\n\n- do one thing,\n"
        "- do another,\n- do a third.\n\n**You need** nothing.\n\n**Time** · 15 min reading"
        " · running: 20 s on the sample, 90 s on the full data",
        "imports": "import matplotlib.pyplot as plt\n\nfrom mnist_lib import plots\n"
        "from mnist_lib.data import load_mnist\n\nmnist = load_mnist()",
        "section": f"## A window of nine pixels\n\n{WORDY}\n\nThe rate 0.001 is a setting. See "
        "[above](#a-window-of-nine-pixels), "
        f"[this](../{place}/{number:02d}_topic.ipynb#check-yourself)"
        " and [the paper](https://doi.org/10.1109/5.726791).",
        "predict": f"> {PREDICT} Which digit is the first?",
        "figure": "rate = 0.001\nplots.plot_digits(mnist.x_train[:10]);",
        "caption": f"{ANSWER} a five. Ten digits; $x_{{0.123}}$ and `0.123` are not results, "
        "Python 3.11 is a version.",
        "exercise": "### Exercise 4.1: Try it\n\n★ · 5 minutes\n\n"
        "A network reads 98.7 % of 1,000 digits.\n\n[Solution](https://example.org)",
        "done": "## What you can now do\n\n- one thing,\n- another,\n- a third.",
        "questions": "## Check yourself\n\n" + "\n".join(question.format(i, i) for i in (1, 2, 3)),
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
    figure = cell_of(made, "figure")
    figure.metadata["mystnb"] = {
        "image": {"alt": "Ten handwritten digits in one row, the first of them a five."}
    }
    figure.metadata["nbmake"] = {
        "post_cell_execute": ["assert len(mnist.x_train) > 3000, len(mnist.x_train)"]
    }
    if place == "chapters" and number == 5:
        opening = new_code_cell(
            "x = mnist.x_test", id="opening", metadata={"tags": ["opens-test-set"]}
        )
        made[9:9] = [opening, new_code_cell("y = mnist.y_test", id="after")]
    if place == "chapters" and number == 0:
        made[9:9] = [
            new_code_cell("model.fit(mnist.x_train, mnist.y_train)", id="fit"),
            new_code_cell("model.evaluate(mnist.x_test, mnist.y_test)", id="evaluate"),
        ]
    return made


def make(
    folder: Path, cells: list[nbformat.NotebookNode], number: int, place: str = "chapters"
) -> Notebook:
    path = folder / place / f"{number:02d}_topic.ipynb"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}),
        encoding="utf-8",
    )
    return read(path)


@pytest.mark.parametrize("place", ["chapters", "solutions"])
@pytest.mark.parametrize("number", [0, 4, 5])
def test_a_good_notebook_passes_every_rule(tmp_path: Path, number: int, place: str) -> None:
    notebook = make(tmp_path, good_cells(number, place), number, place)
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
    cells[9:9] = [twin, new_markdown_cell("Again.", id="again")]


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

HARSH = [
    "They are drawn by lot.",
    "The network is trained anew.",
    "It is read rightly.",
    "Whoever reads this may stop.",
    "A share of the digits is lost.",
    "Which share is that?",
    "It is a kind of edge.",
    "How many rows has the feature map?",
    "55,000 is no multiple of 128.",
    "Has it a minimum?",
    "Does it fall the further, the longer the step?",
]
PLAIN = [
    "The maps share one colour scale, and shared weights are few.",
    "How many rows does the map have? There is no formula, and it is no longer needed.",
    "What has it learned? It is no better than before.",
]

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
    (
        "says_what_to_expect",
        "below a section",
        replace("goals", "**You will", "## A\n\n**You will"),
    ),
    ("says_what_to_expect", "two goals", replace("goals", "- do another,\n", "")),
    ("says_what_to_expect", "six goals", replace("goals", "- do a", "- do\n" * 4 + "- do a")),
    ("ends_as_a_chapter_does", "no ending", drop("further")),
    ("ends_as_a_chapter_does", "a goal forgotten", replace("done", "- another,\n", "")),
    ("asks_in_one_form", "two questions", replace("questions", "**Question 3", "**Puzzle 3")),
    ("asks_in_one_form", "a number twice", replace("questions", "Question 2", "Question 1")),
    ("asks_in_one_form", "no fold", replace("questions", "<details>", "")),
    ("asks_in_one_form", "folded options", replace("questions", "\n- c) Neither.\n", "\n")),
    ("asks_in_one_form", "two options", replace("questions", "- c) Neither.\n", "")),
    ("asks_in_one_form", "options out of order", replace("questions", "- c)", "- d)")),
    ("asks_in_one_form", "an answer that is no option", replace("questions", "**b.**", "**d.**")),
    ("asks_in_one_form", "an option without reason", replace("questions", " Not c:", " No:")),
    ("asks_in_one_form", "an answer at once", replace("questions", "**b.** 99", "99")),
    ("answers_its_predictions", "no answer", replace("caption", f"{ANSWER} a five. ", "")),
    ("answers_its_predictions", "other words", replace("predict", PREDICT, "**Predict.**")),
    ("answers_its_predictions", "no prediction", replace("predict", f"> {PREDICT}", "So:")),
    ("answers_its_predictions", "no code", drop("figure")),
    ("answers_its_predictions", "a second prediction", replace("caption", ANSWER, f"> {PREDICT}")),
    ("shows_a_picture_in_every_section", "none", say("## Another one\n\nText.")),
    ("states_its_reading_time", "too short", replace("goals", "15 min reading", "10 min reading")),
    ("states_its_reading_time", "too long", replace("goals", "15 min reading", "20 min reading")),
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
    ("describes_its_figures", "a diagram", run("diagrams.network_blocks(layers);")),
    ("describes_its_figures", "pyplot", run("plt.imshow(mnist.x_train[0])")),
    ("describes_its_figures", "drawn by a function", run("def show():\n    plt.show()\nshow()")),
    ("captions_its_figures", "no caption", drop("caption")),
    ("captions_its_figures", "a heading for a caption", replace("caption", ANSWER, f"## {ANSWER}")),
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
    ("has_open_details", "no summary", replace("questions", BARE.strip(), "")),
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
    ("reads_plainly", "filler", say("This is simply how it goes.")),
    ("reads_plainly", "American spelling", say("This is the color of it.")),
    ("reads_plainly", "filler across lines", say("as you\ncan see")),
    ("reads_plainly", "an exclamation mark", say("It works!")),
    ("reads_plainly", "a network with wishes", say("What the network wants is light.")),
    ("reads_plainly", "networks with wishes", say("What networks want is light.")),
    ("reads_plainly", "in a question", replace("questions", "Which is", "Just which is")),
    *[("reads_plainly", text, say(text)) for text in HARSH],
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


@pytest.mark.parametrize("text", PLAIN)
def test_plain_english_passes(text: str) -> None:
    assert notebook_rules.harsh_words(text) == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "mnist_lib" / "exercises").glob("chapter_*.py")), ids=lambda p: p.stem
)
def test_hints_and_messages_read_plainly(path: Path) -> None:
    said = list(notebook_rules.spoken_by(path))
    assert len(said) > 20
    found = [f"line {line}: {words}" for line, text in said for words in harsh_words(text)]
    assert not found, "\n".join(found)


def test_letters_of_right_answers_are_spread() -> None:
    chapters = [read(path) for path in sorted((ROOT / "chapters").glob("*.ipynb"))]
    letters = [question["letter"] for each in chapters for question in questions(each)]
    assert len(letters) >= 3 * len(chapters)
    counts = {letter: letters.count(letter) for letter in "abcd"}
    assert max(counts.values()) <= 0.4 * len(letters), counts


def test_reading_time_counts_words_and_lines_apart_from_exercises(tmp_path: Path) -> None:
    cells = good_cells(4, "chapters")
    before = make(tmp_path, cells, 4)
    words, lines = notebook_rules.words_to_read(before), notebook_rules.lines_to_read(before)
    run("x = 1\n\ny = 2")(cells)
    say("Five words are added here.")(cells)
    replace("exercise", "A network", "In this exercise a network")(cells)
    after = make(tmp_path, cells, 4)
    assert notebook_rules.words_to_read(after) == words + 5
    assert notebook_rules.lines_to_read(after) == lines + 2
    exact = words / 110 + lines / 6
    assert exact <= notebook_rules.reading_minutes(before) < exact + 5
    assert notebook_rules.reading_minutes(before) % 5 == 0


def test_a_command_prints_the_times(capsys: pytest.CaptureFixture[str]) -> None:
    assert notebook_rules.main(["--times"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(list((ROOT / "chapters").glob("*.ipynb")))
    for line in lines[1:]:
        *_, computed, stated = line.split()
        assert computed == stated


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


def test_the_command_names_notebook_rule_and_cell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = make(tmp_path, good_cells(4, "chapters"), 4)
    assert notebook_rules.main([str(good.path)]) == 0
    assert capsys.readouterr().err == ""
    cells = good_cells(4, "chapters")
    keep_output(cells)
    assert notebook_rules.main([str(make(tmp_path, cells, 4).path)]) == 1
    assert "chapters/04_topic.ipynb, has_no_outputs: cell figure" in capsys.readouterr().err


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
