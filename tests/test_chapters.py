"""The running of chapters: that ``conftest.py`` fails a chapter for each reason it names.

The chapters themselves are run by nbmake (``pytest --nbmake chapters``); here small notebooks are,
in a folder of their own, each wrong in one way.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from docutils import nodes
from docutils.utils import new_document
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parent.parent


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{path.stem}_under_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


running = load(ROOT / "conftest.py")

pytestmark = pytest.mark.slow


# --- One notebook for each fault, run for real ------------------------------------------------

DRAW = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
ALT = {"mystnb": {"image": {"alt": "A line that rises from one to two."}}}
BAND = {"nbmake": {"post_cell_execute": ["low = 1", "assert low < value < 2, value"]}}
NOTE = "import os, time\nos.write(2, b'a note\\n')\ntime.sleep(1)  # a library goes on for long"
BAR = "from tqdm import tqdm\nfor _ in tqdm([1]):\n    pass"
BACK = "count = globals().get('count', 0) + 1\nprint(count)"
SETTINGS = """
import os
from pathlib import Path
import matplotlib
assert os.environ["MNIST_LIB_SOURCE"] == "sample"
assert matplotlib.rcParams["image.origin"] == "upper"
assert os.environ["KERAS_BACKEND"] == "tensorflow"
assert not (Path(os.environ["KERAS_HOME"]) / "keras.json").exists()
"""

# file name, seconds that its Time line states, code, metadata, what the report must say of it
NOTEBOOKS = {
    "00_good": (3, f"{SETTINGS}{DRAW}", ALT, "passed"),
    "01_band": (3, "value = 2.5", BAND, "cell work: a band does not hold\n    low = 1\n"),
    "02_time": (59, "pass", {}, "its Time line says 59"),
    "03_alt": (3, DRAW, {}, "cell work draws a figure and has no alternative text"),
    "04_noise": (3, "import warnings\nwarnings.warn('old')", {}, "cell work writes to stderr"),
    "04_note": (3, NOTE, {}, "cell work writes to stderr: a note"),
    "04_pink": (3, BAR, {}, "04_pink.ipynb: cell work writes to stderr"),
    "05_error": (3, "1 / 0", {}, "ZeroDivisionError"),
    "06_blank": (3, "pass", ALT, "cell work has an alternative text and shows no picture"),
    "07_back": (3, BACK, {}, "cell work, run again after the end: '2' in place of '1'"),
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, run_chapters: Callable[[Path], str]) -> str:
    """Return what a run of all prints, under settings of a user that would spoil the first."""
    folder = tmp_path_factory.mktemp("course")
    (folder / "chapters").mkdir()
    for name, (seconds, source, metadata, _) in NOTEBOOKS.items():
        time = (
            f"**Time** · 1 min reading · running: {seconds} s on the sample, 9 s on the full data"
        )
        cell = new_code_cell(source.strip(), id="work", metadata=metadata)
        notebook = new_notebook(cells=[new_markdown_cell(time, id="time"), cell])
        nbformat.write(notebook, folder / "chapters" / f"{name}.ipynb")
    before = {path: path.read_bytes() for path in (folder / "chapters").rglob("*")}
    said = run_chapters(folder)
    assert before == {path: path.read_bytes() for path in (folder / "chapters").rglob("*")}
    return said


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_report_names_what_is_wrong(report: str, name: str) -> None:
    says = NOTEBOOKS[name][3]
    if says == "passed":
        assert f"PASSED chapters/{name}.ipynb" in report
    else:
        assert f"FAILED chapters/{name}.ipynb" in report
        assert says in report, report


def test_a_broken_band_is_told_with_notebook_cell_and_value(report: str) -> None:
    told = report[report.index("chapters/01_band.ipynb: cell work") :]
    assert "> assert low < value < 2, value\n  AssertionError: 2.5" in told[:300]


def test_the_table_has_a_row_for_each_notebook_that_ran(report: str) -> None:
    table = report[report.index("running times of the notebooks") :]
    for name in ("00_good", "02_time", "03_alt", "04_noise"):
        assert re.search(
            rf"chapters/{name}.ipynb +sample +\d+\.\d +\d+\.\d +\d+!? +60  work", table
        )


# --- The parts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "seconds", "stated", "slow", "problems"),
    [
        ("sample", 20, 20, 1.0, 0),
        ("sample", 29, 20, 1.0, 0),
        ("sample", 51, 20, 1.0, 1),  # more than 2.5 × the Time line
        ("sample", 7.9, 20, 1.0, 1),  # less than it by more than 2.5 ×
        ("sample", 60, 20, 3.0, 0),  # the machine is slow, the chapter is not
        ("sample", 20, 20, 3.0, 1),
        ("sample", 61, 55, 1.0, 1),  # over the limit, though near the Time line
        ("full", 61, 55, 1.0, 0),
        ("full", 181, 170, 1.0, 1),
        ("sample", 95, 20, 1.0, 2),
        ("sample", 95, None, 1.0, 0),  # a notebook without a Time line: a solution
        ("sample", 0, 20, 1.0, 0),  # Windows
    ],
)
def test_time_is_held_against_the_time_line_and_the_limit(
    source: str, seconds: float, stated: int | None, slow: float, problems: int
) -> None:
    run = running.Run("chapters/x.ipynb", source, seconds, slow, stated, "")
    assert len(running.problems_of_time(run)) == problems


def test_a_chapter_may_have_a_limit_of_its_own() -> None:
    problems = [
        len(running.problems_of_time(running.Run(name, source, seconds, 1.0, 80, "")))
        for name in ("chapters/10_scaling.ipynb", "chapters/01_data.ipynb")
        for source, seconds in (("sample", 89), ("sample", 91), ("full", 91), ("full", 181))
    ]
    assert problems == [0, 1, 0, 1, 1, 1, 0, 1]


def test_a_time_line_that_is_off_by_more_than_promised_is_marked() -> None:
    runs = [running.Run("x", "sample", s, 2.0, 20, "") for s in (26, 28, 40, 58, 62)]
    assert [running.off(run) for run in runs] == ["!", " ", " ", " ", "!"]


def test_a_figure_to_move_has_its_alternative_text_in_its_html() -> None:
    picture = {"image/png": "", "text/html": '<img alt="A valley and a path" src="">'}
    for data, problems in [(picture, 0), (picture | {"text/html": '<img src="">'}, 1)]:
        cell = new_code_cell("pass", outputs=[new_output("display_data", data=data)])
        assert len(running.problems_of(new_notebook(cells=[cell]), "chapters")) == problems


def cell_with(*outputs: tuple[str, str]) -> nbformat.NotebookNode:
    made = [new_output("stream", name=name, text=text) for name, text in outputs]
    return new_code_cell("pass", outputs=made)


def test_a_cell_may_not_be_silent_for_long() -> None:
    cell = cell_with(("stdout", "epoch 1\nepoch 2\n"))
    assert running.silence_of(cell) == 0.0
    start, end = "2026-01-01T10:00:00+00:00", "2026-01-01T10:00:40.500000+00:00"
    cell.metadata["messages"] = [start, "2026-01-01T10:00:25+00:00", end]
    assert running.silence_of(cell) == 25.0
    assert running.problems_of(new_notebook(cells=[cell]), "chapters") == []
    cell.metadata["messages"] = [start, end]
    assert running.problems_of(new_notebook(cells=[cell]), "chapters") == [
        f"cell {cell.id} shows nothing new for 40 s"
    ]
    # Of 40.5 seconds it worked for 27: the machine did other things.
    busy = new_notebook(cells=[cell])
    assert running.pace_of(busy, 27.0) == pytest.approx(2 / 3)
    assert running.problems_of(busy, "chapters", 2 / 3) == []
    assert running.pace_of(busy, 60.0) == 1.0  # two cores
    assert running.pace_of(busy, 0.0) == 1.0  # Windows does not tell


@pytest.mark.parametrize(
    ("folder", "said", "right"),
    [
        ("chapters", ["○ Exercise 2.1: not attempted yet."], True),
        ("chapters", ["✓ Exercise 2.1: correct."], False),
        ("chapters", [], False),
        ("solutions", ["✓ Exercise 2.1: correct."], True),
        ("solutions", ["✗ Exercise 2.1: not yet."], False),
        ("solutions", ["✓ Exercise 2.1: correct."] * 2, False),
    ],
)
def test_exercises_are_unanswered_in_chapters_and_right_in_solutions(
    folder: str, said: list[str], right: bool
) -> None:
    outputs = [new_output("display_data", data={"text/plain": text}) for text in said]
    cell = new_code_cell("check(…)", outputs=outputs, metadata={"exercise": "02.conv2d"})
    assert (not running.problems_of(new_notebook(cells=[cell]), folder)) is right


def test_other_errors_are_left_to_nbmake(tmp_path: Path) -> None:
    assert running.broken_band(tmp_path / "x.ipynb", "Kernel died") is None


# --- Progress bars on the site ------------------------------------------------------------------


def test_the_site_shows_the_last_state_of_a_progress_bar() -> None:
    site = load(ROOT / "book" / "_ext" / "course_site.py")
    first, last = " 1/55 ━━━ loss: 2.3000", "55/55 ━━━ loss: 0.1117\n"
    pieces = ["Epoch 1/1\n", f"\r{first}", "\b" * len(first), f"\r{last}"]
    outputs = [new_output("stream", name="stdout", text=text) for text in pieces]
    picture = new_output("display_data", data={"text/plain": "a picture"})
    [stdout, shown] = site.fold_progress_bars([*outputs, picture])
    assert stdout["text"] == f"Epoch 1/1\n{last}"
    assert shown == picture


def test_lines_that_end_as_on_windows_are_kept() -> None:
    site = load(ROOT / "book" / "_ext" / "course_site.py")
    [stdout] = site.fold_progress_bars([new_output("stream", name="stdout", text="one\r\ntwo\r\n")])
    assert stdout["text"].split() == ["one", "two"]


def test_the_site_shows_the_summary_of_a_model_as_plain_text() -> None:
    site = load(ROOT / "book" / "_ext" / "course_site.py")
    code = "import keras\nkeras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).summary()"
    ran = nbformat.from_dict(NotebookClient(new_notebook(cells=[new_code_cell(code)])).execute())
    outputs = [each for each in ran.cells[0].outputs if each.get("name") != "stderr"]
    assert any("text/html" in each.get("data", {}) for each in outputs), "in a notebook it is HTML"
    [shown] = site.fold_progress_bars(site.uncolour(outputs))
    assert "dense (Dense)" in shown["text"]
    assert "Total params: 8" in shown["text"]
    assert "\x1b" not in shown["text"]
    table = new_output("display_data", data={"text/html": "<table></table>", "text/plain": "t"})
    assert site.uncolour([table]) == [table]


# --- Predicted results on the site --------------------------------------------------------------


def cell(output: bool) -> nodes.container:
    made = nodes.container("", nodes.literal_block(text="code"), nb_element="cell_code")
    if output:
        made.append(nodes.container("", nb_element="cell_code_output"))
    return made


def quote(text: str) -> nodes.block_quote:
    return nodes.block_quote("", nodes.paragraph(text=text))


def test_what_would_spoil_a_prediction_is_folded_and_nothing_else() -> None:
    blocks = load(ROOT / "book" / "_ext" / "page_blocks.py")
    caption = nodes.paragraph("", "", nodes.emphasis(text="A caption."))
    section = nodes.section("", cell(True), quote("Predict before you run. What comes?"))
    section += [nodes.paragraph(text="words"), cell(False), cell(True), caption]
    section += [nodes.paragraph(text="Now the second:"), cell(True)]
    section += [
        nodes.paragraph(text="As you see. The answer: that."),
        nodes.paragraph(text="More."),
    ]
    section += [cell(True), quote("Somebody said this."), cell(True)]
    section += [quote("Predict before you run. And now?"), cell(True), cell(True)]
    section += [quote("Predict before you run. And now?"), nodes.section("", cell(True))]
    document = new_document("test")
    document += section
    blocks.fold_predicted_results(None, document)
    folds = [list(each.findall(blocks.disclosure)) for each in section]
    assert [i for i, found in enumerate(folds) if found] == [4, 6, 12], (
        "the last one has no answer, and folds the next output alone"
    )
    texts = [found[0].astext().strip() for found in folds if found]
    assert texts == ["A caption.", "As you see. The answer: that.", ""]
    in_sight = [each.astext() for each in section if isinstance(each, nodes.paragraph)]
    assert in_sight == ["words", "Now the second:", "More."]
    assert folds[4][0].children[0]["nb_element"] == "cell_code_output"
