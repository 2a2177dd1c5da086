"""Exercises: every check is proven against right and wrong answers, and none can be broken.

    pytest tests/test_exercises.py -k 02        # the exercises of chapter 2 alone

The answers are in ``tests/answers/``. That each starter is *not attempted* and each solution
*correct* when the notebooks run is asserted in ``conftest.py``.
"""

from __future__ import annotations

import ast
import html
import importlib
import inspect
import io
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import numpy as np
import pytest
from answers import Wrong
from hypothesis import given
from hypothesis import strategies as st

from mnist_lib import exercises as course
from mnist_lib.exercises import engine
from mnist_lib.exercises.engine import Case, Exercise, Reference, Verdict, judge
from tools import exercises as tool
from tools import notebooks

ROOT = Path(__file__).resolve().parent.parent
EXERCISES = course.all_exercises()
CHAPTERS = sorted({id[:2] for id in EXERCISES})
LONGEST_CHECK = 0.5  # seconds of CPU time


def zoo(chapter: str) -> ModuleType:
    return importlib.import_module(f"answers.chapter_{chapter}")


def right_answers() -> Iterator[Any]:
    for chapter in CHAPTERS:
        for id, styles in zoo(chapter).RIGHT.items():
            for style, answer in styles.items():
                yield pytest.param(id, answer, id=f"{id}: {style}")


def wrong_answers() -> Iterator[Any]:
    for chapter in CHAPTERS:
        for id, wrongs in zoo(chapter).WRONG.items():
            for wrong in wrongs:
                yield pytest.param(id, wrong, id=f"{id}: {wrong.slip}")


# --- The registry -----------------------------------------------------------------------------


@pytest.mark.parametrize("id", EXERCISES)
def test_exercise_is_well_formed(id: str) -> None:
    exercise = EXERCISES[id]
    assert re.fullmatch(r"\d\d\.[a-z][a-z0-9_]*", id)
    assert exercise.stars in (1, 2, 3)
    assert 1 <= exercise.minutes <= 45
    assert exercise.form in engine.FORMS
    assert exercise.kind in engine.KINDS
    assert len(set(exercise.hints)) == len(exercise.hints) >= 2
    names = [case.name for case in exercise.cases]
    assert len(set(names)) == len(names) >= 1
    assert len({case.inputs is None for case in exercise.cases}) == 1, "function or value, not both"
    for text in (exercise.title, exercise.shows, *exercise.hints):
        assert text.strip() == text
    for sentence in (exercise.shows, *exercise.hints, *(case.mistake for case in exercise.cases)):
        assert sentence.endswith((".", "?")), sentence
        assert "!" not in sentence.replace("!=", ""), sentence


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter_has_exercises_of_every_form_and_level(chapter: str) -> None:
    own = [exercise for id, exercise in EXERCISES.items() if id[:2] == chapter]
    assert list(EXERCISES) == sorted(EXERCISES, key=lambda id: id[:2])
    if chapter == "00":  # a first look: two light ones
        return
    assert len(own) >= 4
    assert {"find the fault", "predict", "experiment"} <= {exercise.form for exercise in own}
    assert {exercise.stars for exercise in own} == {1, 2, 3}


def test_there_are_enough_exercises_and_wrong_answers() -> None:
    core = [id for id in EXERCISES if "01" <= id[:2] <= "06"]
    wrongs = [wrong for c in CHAPTERS for ws in zoo(c).WRONG.values() for wrong in ws]
    assert len(core) >= 30
    assert len(wrongs) >= 120


# --- Right and wrong answers ------------------------------------------------------------------


def copy_of(answer: Any) -> Any:
    return answer.copy() if isinstance(answer, np.ndarray) else answer


@pytest.mark.parametrize(("id", "answer"), list(right_answers()))
def test_right_answer_is_accepted(id: str, answer: Any) -> None:
    found = judge(EXERCISES[id], copy_of(answer))
    assert found.outcome == "correct", found
    assert found.sentence == EXERCISES[id].shows


@pytest.mark.parametrize(("id", "wrong"), list(wrong_answers()))
def test_wrong_answer_is_rejected_at_its_case_with_its_sentence(id: str, wrong: Wrong) -> None:
    found = judge(EXERCISES[id], copy_of(wrong.answer))
    assert found.outcome == "not yet", found
    assert found.case == wrong.case, found
    assert wrong.says in found.sentence, found
    assert len(wrong.says.split()) >= 2, "too short a piece to tell sentences apart"


@pytest.mark.parametrize("id", EXERCISES)
def test_every_case_is_reached_by_a_wrong_answer(id: str) -> None:
    answers = zoo(id[:2])
    assert len(answers.RIGHT[id]) >= (3 if EXERCISES[id].is_function else 1)
    assert {wrong.case for wrong in answers.WRONG[id]} == {c.name for c in EXERCISES[id].cases}
    slips = [wrong.slip for wrong in answers.WRONG[id]]
    assert len(set(slips)) == len(slips) >= 4


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_zoo_holds_answers_to_exercises_that_exist(chapter: str) -> None:
    own = {id for id in EXERCISES if id[:2] == chapter}
    assert set(zoo(chapter).RIGHT) == set(zoo(chapter).WRONG) == own


@pytest.mark.parametrize("id", EXERCISES)
def test_a_check_is_quick(id: str) -> None:
    """The answers' own time included; the first call, which may start TensorFlow, is not timed."""
    answers = zoo(id[:2])
    for answer in [*answers.RIGHT[id].values(), *(wrong.answer for wrong in answers.WRONG[id])]:
        judge(EXERCISES[id], answer)
        seconds = []
        for _ in range(2):
            start = time.process_time()
            judge(EXERCISES[id], answer)
            seconds.append(time.process_time() - start)
        assert min(seconds) < LONGEST_CHECK


# --- Nothing breaks a check -------------------------------------------------------------------


class Agreeable:
    """An object that claims to equal everything."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = object.__hash__


class AgreeableFloat(float):
    def __eq__(self, other: object) -> bool:
        return True

    def __sub__(self, other: object) -> float:
        return 0.0

    __hash__ = float.__hash__


class AgreeableArray(np.ndarray):
    def __sub__(self, other: object) -> Any:
        return np.zeros(self.shape)


class Broken:
    """An object that fails at every touch."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


def endless() -> Iterator[int]:
    while True:
        yield 1


def nested(depth: int = 2000) -> list[Any]:
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


ODD_VALUES: dict[str, Any] = {
    "None": None,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "complex": 1j,
    "bytes": b"abc",
    "empty list": [],
    "empty array": np.zeros((0, 3)),
    "ragged": [[1], [1, 2]],
    "texts": ["a", 1],
    "object array": np.array([object()]),
    "NaN array": np.full((2, 2), np.nan),
    "huge number": 10**400,
    "dictionary": {(1, 2): "x"},
    "set": {1, 2},
    "a class": int,
    "generator": endless(),
    "deep list": nested(),
    "equals everything": Agreeable(),
    "float that equals everything": AgreeableFloat(0.123456),
    "array that equals everything": np.full((2, 2), 0.123).view(AgreeableArray),
    "fails at every touch": Broken(),
}


class SurprisingError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def raises(error: BaseException) -> Any:
    def answer(*inputs: Any) -> None:
        raise error

    return answer


ODD_FUNCTIONS: dict[str, Any] = {
    "no parameter": lambda: 3,
    "too many parameters": lambda a, b, c, d, e, f, g, h, i, j: 3,
    "raises": raises(ValueError("no\nluck <b>")),
    "exits": raises(SystemExit(3)),
    "is interrupted": raises(KeyboardInterrupt()),
    "raises an error without a text": raises(SurprisingError()),
    "recurses for ever": lambda *inputs: ODD_FUNCTIONS["recurses for ever"](*inputs),
    **{
        f"returns {name}": (lambda value: lambda *inputs: value)(v)
        for name, v in ODD_VALUES.items()
    },
}


@pytest.mark.parametrize("id", EXERCISES)
def test_a_check_never_raises_and_odd_answers_are_not_correct(
    id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, answer in [*ODD_VALUES.items(), *ODD_FUNCTIONS.items()]:
        found = judge(EXERCISES[id], answer)
        assert found.outcome != "correct", name
        assert found.sentence, name
        assert repr(found), name
        course.check(id, answer)
        assert "Exercise" in capsys.readouterr().out


@pytest.mark.parametrize("id", EXERCISES)
def test_starters_are_not_attempted(id: str) -> None:
    def blank(*inputs: Any) -> None:
        """Return what was asked for."""
        ...

    def assigned(*inputs: Any) -> Any:
        result = ...
        return result

    def returned(*inputs: Any) -> Any:
        return ...

    answers = (
        [blank, assigned, returned] if EXERCISES[id].is_function else [..., (..., 3), {1: ...}]
    )
    for answer in answers:
        assert judge(EXERCISES[id], answer).outcome == "not attempted"


# --- The engine --------------------------------------------------------------------------------

DOUBLE = Exercise(
    id="02.double",
    title="Double it",
    stars=1,
    minutes=1,
    form="write",
    kind="array",
    hints=("Twice.", "Multiply."),
    shows="Twice each.",
    cases=(
        Case(
            name="shape",
            inputs=(np.arange(3.0),),
            expect=lambda result, x: result.shape == x.shape,
            mistake="One result for each element is wanted.",
        ),
        Case(
            name="squared",
            inputs=(np.array([2.0, 3.0]),),
            expect=Reference(lambda x: 2 * x),
            mistake="Twice, not squared.",
        ),
        Case(
            name="table",
            inputs=lambda: (np.ones((2, 3)),),
            expect=np.full((2, 3), 2.0),
            mistake="It must work for tables, too.",
            explains_all=True,
        ),
    ),
)


def said(answer: Any, exercise: Exercise = DOUBLE) -> str:
    return judge(exercise, answer).text()


def test_the_first_case_that_fails_speaks() -> None:
    assert judge(DOUBLE, lambda x: 2 * x).outcome == "correct"
    assert judge(DOUBLE, lambda x: x**2).case == "squared"
    assert judge(DOUBLE, lambda x: x.sum(keepdims=True)).case == "shape"
    detail = judge(DOUBLE, lambda x: x**2).detail
    assert "position 1" in detail
    assert "9" in detail
    assert "6" in detail


def test_errors_and_shapes_are_told_as_what_they_are_unless_the_case_explains_them() -> None:
    assert "Your function raised IndexError: index 7" in said(lambda x: x[7])
    assert "in the line" in said(lambda x: x[7])
    assert "It was called with arrays of shape (3,)" in said(lambda x: x[7])

    def one_row(x: Any) -> Any:
        return [2 * x[i] for i in range(len(x))] if x.ndim == 1 else x[99]

    found = judge(DOUBLE, one_row)
    assert found.sentence == "It must work for tables, too."
    assert "IndexError" in found.detail
    found = judge(DOUBLE, lambda x: 2 * x if x.ndim == 1 else 2 * x[0])
    assert found.sentence == "It must work for tables, too."
    assert "shape (3,); shape (2, 3) was expected" in found.detail


def test_wrong_types_are_named() -> None:
    assert "None: does every path end in a return? An array of numbers was expected" in said(
        lambda x: x.sort()
    )
    assert "a number; an array of numbers was expected" in said(lambda x: 3)
    assert "a list whose rows differ in length" in said(lambda x: [[1], [1, 2]])
    assert "an object of type Agreeable" in said(lambda x: Agreeable())
    assert "Pass the function itself" in said(np.arange(3))
    value = Exercise(
        **{**vars(DOUBLE), "kind": "number", "cases": (Case(name="a", expect=3, mistake="No."),)}
    )
    assert "Pass the value" in said(lambda: 3, value)
    for three in (np.float32(3), np.array([3]), Fraction(3), Decimal("3.0")):
        assert judge(value, three).outcome == "correct"
    assert judge(value, True).outcome == "not yet"


def test_an_input_changed_in_place_is_told_only_when_the_result_is_right() -> None:
    def in_place(x: Any) -> Any:
        x *= 2
        return x

    def wrong_in_place(x: Any) -> Any:
        x *= x
        return x

    assert "changed the array that it was given" in said(in_place)
    assert judge(DOUBLE, wrong_in_place).sentence == "Twice, not squared."
    assert DOUBLE.cases[0].make_inputs()[0].tolist() == [0, 1, 2]


def test_a_check_tells_a_starter_from_an_ellipsis_that_indexes() -> None:
    def indexes(x: Any) -> Any:
        return x[..., 0]

    def half(x: Any) -> Any:
        rows = ...
        return rows * 2

    assert judge(DOUBLE, indexes).outcome == "not yet"
    assert judge(DOUBLE, half).outcome == "not attempted"
    assert judge(DOUBLE, lambda x: 2 * x[...]).outcome == "correct"


@pytest.mark.parametrize(
    ("result", "expected", "tolerance", "agree"),
    [
        (1.000001, 1.0, 1e-5, True),
        (1.0001, 1.0, 1e-5, False),
        (1000.001, 1000.0, 1e-5, True),
        (1, 1.0, 1e-5, True),
        (" Yes ", "yes", 1e-5, True),
        ("no", "yes", 1e-5, False),
        ((1, 2), [1, 2], 1e-5, True),
        ([1, 2, 3], [1, 2], 1e-5, False),
        ({"a": 1}, {"a": 1.0}, 1e-5, True),
        ({"a": 1, "b": 2}, {"a": 1}, 1e-5, False),
        (True, True, 1e-5, True),
        (1, True, 1e-5, False),
        (float("nan"), 1.0, 1e-5, False),
        (np.nan, np.nan, 1e-5, False),
        (np.ones((2, 1)), np.ones((1, 2)), 1e-5, False),
        (np.zeros((0, 2)), np.zeros((0, 2)), 1e-5, True),
        ("1", 1, 1e-5, False),
        (None, None, 1e-5, True),
        (10**400, 1, 1e-5, False),
    ],
)
def test_agreement(result: Any, expected: Any, tolerance: float, agree: bool) -> None:
    assert engine.agrees(result, expected, tolerance) is agree


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_plain_values_stay_what_they_are(value: Any) -> None:
    assert repr(engine.plain(value)) == repr(value)


def test_subclasses_lose_what_they_override() -> None:
    assert type(engine.plain(AgreeableFloat(2))) is float
    assert type(engine.plain(np.ones(2).view(AgreeableArray))) is np.ndarray
    assert engine.plain(np.float32(2)) == 2
    with pytest.raises(TypeError, match="Agreeable"):
        engine.plain([Agreeable()])


# --- What the reader sees ---------------------------------------------------------------------


def test_html_is_escaped_and_leaves_colours_to_the_page() -> None:
    verdict = Verdict("not yet", "a <script>", "it's <b>", "case", "Exercise 2.1")
    shown = verdict._repr_html_()
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert html.escape("a <script>") in shown
    assert 'role="status"' in shown
    assert "background" not in shown
    assert not re.search(r"(?<!-)\bcolor:", shown)


NOTEBOOK = """
import IPython
from IPython.testing.globalipapp import start_ipython
from IPython.utils.capture import capture_output

from mnist_lib import exercises

# As a notebook's kernel does, and unlike a terminal, ask for every form of an object.
start_ipython()
formatter = IPython.get_ipython().display_formatter
formatter.active_types = formatter.format_types
id = next(iter(exercises.all_exercises()))
with capture_output() as captured:
    exercises.check(id, ...)
    exercises.hint(id)
    exercises.solution(id)
for output in captured.outputs:
    print(sorted(output.data), repr(output.data["text/html"]))
"""


def test_a_notebook_gets_html() -> None:
    run = subprocess.run(
        [sys.executable, "-c", NOTEBOOK], check=True, capture_output=True, encoding="utf-8"
    )
    verdict, hint, solution = run.stdout.splitlines()[-3:]
    for line in (verdict, hint, solution):
        assert line.startswith("['text/html', 'text/plain']")
        assert 'role="status"' in line
    assert "not attempted yet.</strong>" in verdict
    assert "Hint 1 of" in hint
    assert 'href="../solutions/' in solution


def test_a_terminal_without_unicode_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    course.check(next(iter(EXERCISES)), ...)
    stream.flush()
    assert b"not attempted yet" in stream.buffer.getvalue()


def test_hints_grow_stronger_and_end_with_the_solution(capsys: pytest.CaptureFixture[str]) -> None:
    id = next(iter(EXERCISES))
    course._hints_given.pop(id, None)
    for number, text in enumerate(EXERCISES[id].hints, 1):
        course.hint(id)
        out = capsys.readouterr().out
        assert f"Hint {number} of {len(EXERCISES[id].hints)}: {text}" in out
    assert f'solution("{id}")' in out
    course.hint(id)
    assert EXERCISES[id].hints[-1] in capsys.readouterr().out


def test_unknown_ids_and_missing_answers_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    id = next(iter(EXERCISES))
    for call in (course.check, course.hint, course.solution):
        call(id[:-1])
        assert f'Did you mean "{id}"?' in capsys.readouterr().out
        call(EXERCISES)  # anything at all
        assert "must be the id of an exercise" in capsys.readouterr().out
        call(course.label(EXERCISES[id]).removeprefix("Exercise "))  # the number in the heading
        assert f'Did you mean "{id}"?' in capsys.readouterr().out
    course.check(id, 1, 2)
    assert "Pass one answer" in capsys.readouterr().out
    course.check(id)
    assert f'check("{id}", {EXERCISES[id].name})' in capsys.readouterr().out


def test_solution_knows_the_repository_that_pip_installed_from(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    id = next(iter(EXERCISES))
    path = f"solutions/{course.NOTEBOOKS[id[:2]]}.ipynb"

    def installed_from(text: str | None) -> None:
        class Distribution:
            def read_text(self, name: str) -> str | None:
                assert name == "direct_url.json"
                return text

        monkeypatch.setattr(course.metadata, "distribution", lambda name: Distribution())

    def shown() -> str:
        course.solution(id)
        return capsys.readouterr().out

    installed_from(None)
    assert path in shown()
    installed_from('{"url": "file:///somewhere", "dir_info": {"editable": true}}')
    assert "somewhere" not in shown()
    installed_from(
        '{"url": "https://github.com/o/n.git", "vcs_info": {"requested_revision": "main"}}'
    )
    assert f"https://github.com/o/n/blob/main/{path}" in shown()
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    assert f"https://colab.research.google.com/github/o/n/blob/main/{path}" in shown()

    def missing(name: str) -> None:
        raise course.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(course.metadata, "distribution", missing)
    assert path in shown()


def test_every_chapter_with_exercises_has_a_notebook_of_this_name() -> None:
    for chapter in CHAPTERS:
        assert (ROOT / "chapters" / f"{course.NOTEBOOKS[chapter]}.ipynb").is_file()


# --- Chapters and solutions -------------------------------------------------------------------


def cells_of(folder: str, chapter: str, kind: str) -> dict[str, nbformat.NotebookNode]:
    path = ROOT / folder / f"{course.NOTEBOOKS[chapter]}.ipynb"
    cells = [c for c in notebooks.read(path).cells if c.cell_type == kind and tool.exercise_id(c)]
    found = {tool.exercise_id(cell): cell for cell in cells}
    assert len(found) == len(cells), "an exercise has one cell of each type"
    return found


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter_solutions_and_registry_have_the_same_exercises(chapter: str) -> None:
    own = [id for id in EXERCISES if id[:2] == chapter]
    for folder in ("chapters", "solutions"):
        for kind in ("markdown", "code"):
            assert list(cells_of(folder, chapter, kind)) == own, (folder, kind)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_statements_heads_and_minutes_are_as_the_script_writes_them(chapter: str) -> None:
    name = f"{course.NOTEBOOKS[chapter]}.ipynb"
    pair = [notebooks.read(ROOT / folder / name) for folder in ("chapters", "solutions")]
    before = [nbformat.writes(notebook) for notebook in pair]
    tool.update(*pair, name)
    assert [nbformat.writes(notebook) for notebook in pair] == before, (
        "run `python tools/exercises.py`"
    )
    inside = cells_of("chapters", chapter, "markdown")
    solved = cells_of("solutions", chapter, "markdown")
    for id, cell in inside.items():
        assert tool.statement(cell.source) == tool.statement(solved[id].source)
        assert tool.statement(cell.source)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_starters_define_the_answer_and_check_it(chapter: str) -> None:
    path = ROOT / "chapters" / f"{course.NOTEBOOKS[chapter]}.ipynb"
    imports = next(cell for cell in notebooks.read(path).cells if cell.id == "imports")
    assert "from mnist_lib.exercises import check, hint, solution\n" in imports.source
    for folder in ("chapters", "solutions"):
        for id, cell in cells_of(folder, chapter, "code").items():
            module = ast.parse(cell.source)
            name = EXERCISES[id].name
            defined = {
                target.id
                for node in ast.walk(module)
                if isinstance(node, ast.Assign)
                for target in node.targets
                if isinstance(target, ast.Name)
            } | {node.name for node in ast.walk(module) if isinstance(node, ast.FunctionDef)}
            assert name in defined, id
            assert ast.unparse(module.body[-1]) == f"check('{id}', {name})", id
            if folder == "chapters":
                assert "..." in cell.source, id
                function = EXERCISES[id].is_function
                assert any(isinstance(n, ast.FunctionDef) for n in module.body) or not function


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_later_cell_uses_an_answer(chapter: str) -> None:
    path = ROOT / "chapters" / f"{course.NOTEBOOKS[chapter]}.ipynb"
    names = {EXERCISES[id].name for id in EXERCISES if id[:2] == chapter}
    for cell in notebooks.read(path).cells:
        if cell.cell_type == "code" and not tool.exercise_id(cell):
            source = re.sub(r"(?m)^(\s*)[%!].*$", r"\1pass", cell.source)
            used = {n.id for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name)}
            assert not used & names, cell.id


def test_the_script_writes_heads_links_and_minutes() -> None:
    id = next(iter(EXERCISES))
    exercise = EXERCISES[id]
    cell = nbformat.v4.new_markdown_cell("Do it.\n\nWell.", metadata={"exercise": id})
    time_line = nbformat.v4.new_markdown_cell(
        "**Time** · 3 min reading · running: 1 s on the sample, 2 s on the full data\n\nMore."
    )
    empty = nbformat.v4.new_markdown_cell("", metadata={"exercise": id})
    chapter = nbformat.v4.new_notebook(cells=[time_line, cell])
    solutions = nbformat.v4.new_notebook(cells=[empty])
    for _ in range(2):  # a second run changes nothing
        tool.update(chapter, solutions, "x.ipynb")
        lines = cell.source.splitlines()
        assert lines[0] == f"### {tool.heading(exercise)}"
        assert lines[2].startswith("★" * exercise.stars + f" · {exercise.minutes} minute")
        assert lines[4:7] == ["Do it.", "", "Well."]
        assert lines[8].startswith("[Solution](../solutions/x.ipynb#exercise-")
        assert tool.statement(empty.source) == "Do it.\n\nWell."
        assert "[Back to the chapter](../chapters/x.ipynb#exercise-" in empty.source
        assert f"full data · exercises: {exercise.minutes} min\n\nMore." in time_line.source


def test_importing_the_exercises_starts_no_tensorflow() -> None:
    source = inspect.getsource(engine) + inspect.getsource(course)
    assert "import keras" not in source
    code = (
        "import sys; from mnist_lib.exercises import all_exercises; all_exercises();"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
