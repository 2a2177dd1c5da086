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
import tracemalloc
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import numpy as np
import pytest
import tensorflow as tf
from answers import Wrong
from hypothesis import given
from hypothesis import strategies as st

from mnist_lib import exercises as course
from mnist_lib.exercises import engine
from mnist_lib.exercises.engine import (
    Case,
    Earlier,
    Exercise,
    OneOf,
    Reference,
    Verdict,
    judge,
)
from tools import exercises as tool
from tools import notebooks

ROOT = Path(__file__).resolve().parent.parent
EXERCISES = course.all_exercises()
CHAPTERS = sorted({id[:2] for id in EXERCISES})
LONGEST_CHECK = 0.5  # seconds of CPU time


def answers(chapter: str) -> ModuleType:
    return importlib.import_module(f"answers.chapter_{chapter}")


RIGHT = {id: styles for chapter in CHAPTERS for id, styles in answers(chapter).RIGHT.items()}
WRONG = {id: wrongs for chapter in CHAPTERS for id, wrongs in answers(chapter).WRONG.items()}


def right_answers() -> Iterator[Any]:
    for id, styles in RIGHT.items():
        for style, answer in styles.items():
            yield pytest.param(id, answer, id=f"{id}: {style}")


def wrong_answers() -> Iterator[Any]:
    for id, wrongs in WRONG.items():
        for wrong in wrongs:
            yield pytest.param(id, wrong, id=f"{id}: {wrong.slip}")


def slips() -> Iterator[Any]:
    """Yield the wrong answers that the cases themselves hold."""
    for id, exercise in EXERCISES.items():
        for case in exercise.cases:
            for number, (slip, place) in enumerate(case.slips, 1):
                yield pytest.param(id, case, slip, place, id=f"{id}: {case.name} {number}")


def answer_with(slip: Any, place: int | str | None, id: str) -> Any:
    """Return the answer of a reader who makes a slip: all of it, or one entry of a right one."""
    right = next(iter(RIGHT[id].values()))

    def whole(entry: Any, right: Any) -> Any:
        if place is None:
            return entry
        changed = dict(right) if isinstance(right, dict) else list(right)
        changed[place] = entry
        return changed

    def function(*inputs: Any) -> Any:
        made = slip(*inputs) if callable(slip) else slip
        return whole(made, None if place is None else right(*inputs))

    return function if EXERCISES[id].is_function else whole(slip, right)


# --- The registry -----------------------------------------------------------------------------


@pytest.mark.parametrize("id", EXERCISES)
def test_exercise_is_well_formed(id: str) -> None:
    exercise = EXERCISES[id]
    assert re.fullmatch(r"\d\d\.[a-z][a-z0-9_]*", id)
    assert exercise.stars in (1, 2, 3)
    assert 1 <= exercise.minutes <= 45
    assert exercise.form in engine.FORMS
    assert exercise.type in engine.TYPES
    assert len(set(exercise.hints)) == len(exercise.hints) >= 2
    names = [case.name for case in exercise.cases]
    assert len(set(names)) == len(names) >= 1
    assert len({case.inputs is None for case in exercise.cases}) == 1, "function or value, not both"
    for number, case in enumerate(exercise.cases):
        assert not isinstance(case.expect, Earlier) or case.expect.case in names[:number]
    for text in (exercise.title, exercise.shows, *exercise.hints):
        assert text.strip() == text
    for sentence in (exercise.shows, *exercise.hints, *(case.mistake for case in exercise.cases)):
        assert sentence.endswith((".", "?")), sentence
        assert "!" not in sentence.replace("!=", ""), sentence


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter_has_exercises_of_every_form_and_level(chapter: str) -> None:
    own = [exercise for id, exercise in EXERCISES.items() if id[:2] == chapter]
    assert list(EXERCISES) == sorted(EXERCISES, key=lambda id: id[:2])
    if chapter == "00":  # a first look: three light ones
        return
    assert len(own) >= 4
    assert {"find the fault", "predict", "experiment"} <= {exercise.form for exercise in own}
    assert {exercise.stars for exercise in own} == {1, 2, 3}


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
    mistakes = {case.name: case.mistake for case in EXERCISES[id].cases}
    if wrong.says:
        assert wrong.says in found.sentence, found
        assert found.sentence != mistakes[wrong.case], "nothing need be said"
    else:
        assert found.sentence == mistakes[wrong.case], found


@pytest.mark.parametrize(("id", "case", "slip", "place"), list(slips()))
def test_slip_is_rejected_at_its_case_with_its_sentence(
    id: str, case: Case, slip: Any, place: int | str | None
) -> None:
    found = judge(EXERCISES[id], answer_with(slip, place, id))
    assert (found.outcome, found.case, found.sentence) == ("not yet", case.name, case.mistake)


@pytest.mark.parametrize("id", EXERCISES)
def test_every_case_is_reached_by_a_wrong_answer(id: str) -> None:
    cases = EXERCISES[id].cases
    with_slips = [case.name for case in cases if case.slips]
    assert {*with_slips, *(wrong.case for wrong in WRONG[id])} == {case.name for case in cases}
    assert len(RIGHT[id]) >= (3 if EXERCISES[id].is_function else 1)
    listed = [wrong.slip for wrong in WRONG[id]]
    assert len(set(listed)) == len(listed)


def test_there_are_answers_to_every_exercise_and_to_no_other() -> None:
    assert list(RIGHT) == list(WRONG) == list(EXERCISES)


@pytest.mark.parametrize("id", EXERCISES)
def test_a_check_is_quick(id: str) -> None:
    """The answers' own time included; the first call may start TensorFlow, so there are three."""

    def seconds(answer: Any) -> float:
        start = time.process_time()
        judge(EXERCISES[id], answer)
        return time.process_time() - start

    for answer in [*RIGHT[id].values(), *(wrong.answer for wrong in WRONG[id])]:
        assert any(seconds(answer) < LONGEST_CHECK for _ in range(3))


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


def endless(part: Any = 1) -> Iterator[Any]:
    while True:
        yield part


def nested(depth: int) -> list[Any]:
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
    "generator": (x for x in ("a", 1)),
    "deep list": nested(2000),
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

    values = [..., (..., 3), {1: ...}]
    for answer in [blank, assigned, returned] if EXERCISES[id].is_function else values:
        assert judge(EXERCISES[id], answer).outcome == "not attempted"


# --- The engine --------------------------------------------------------------------------------

DOUBLE = Exercise(
    id="02.double",
    title="Double it",
    stars=1,
    minutes=1,
    form="write",
    type="array",
    hints=("Twice.", "Multiply."),
    shows="Twice each.",
    cases=(
        Case(
            name="shape",
            inputs=(np.arange(3.0),),
            expect=lambda result, x: result.shape == x.shape,
            mistake="Give one result for each element.",
        ),
        Case(
            name="squared",
            inputs=(np.array([2.0, 3.0]),),
            slip=OneOf(np.square, lambda x: x + x[0]),
            mistake="Twice, not squared.",
        ),
        Case(
            name="twice",
            inputs=(np.array([2.0, 3.0]),),
            expect=Reference(lambda x: 2 * x),
            mistake="Each should be twice as large.",
        ),
        Case(
            name="table",
            inputs=(np.ones((2, 3)),),
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
    assert judge(DOUBLE, lambda x: x + x[0] if x[0] else 2 * x).case == "squared"
    found = judge(DOUBLE, lambda x: 2 * x + (x == 3))
    assert found.case == "twice"
    assert found.detail == "At position 1 your result is 7; 6 was expected."


def test_a_case_has_an_expectation_or_a_slip() -> None:
    for more in ({}, {"expect": 3, "slip": 2}):
        with pytest.raises(ValueError, match=r'Case "a" has (neither|both) expect and slip'):
            Case(name="a", mistake="No.", **more)


def test_a_case_may_ask_for_the_result_of_an_earlier_one_or_for_another() -> None:
    cases = (
        Case(name="first", expect=lambda result, x: result.shape == x.shape, mistake="Shape."),
        Case(name="again", expect=Earlier("first"), mistake="Another result."),
        Case(
            name="other", inputs=(np.ones(3),), expect=Earlier("first", same=False), mistake="Eh."
        ),
    )
    asked = Exercise(**{**vars(DOUBLE), "inputs": (np.arange(3.0),), "cases": cases})
    calls: list[int] = []

    def drifts(x: Any) -> Any:
        calls.append(1)
        return x + len(calls)

    assert judge(asked, lambda x: 2 * x).outcome == "correct"
    assert judge(asked, drifts).case == "again"
    assert judge(asked, np.zeros_like).case == "other"
    assert judge(asked, np.zeros_like).detail == ""


def test_a_case_may_be_about_one_entry() -> None:
    def asks(type: str, **about: Any) -> Exercise:
        case = Case(name="a", mistake="No.", **about)
        return Exercise(**{**vars(DOUBLE), "type": type, "cases": (case,)})

    right = asks("numbers", expect=2, place=1)
    slip = asks("numbers", slip=OneOf(5, 6), place=1, tolerance=0.1)
    assert judge(right, [7, 2]).outcome == "correct"
    assert judge(right, [2, 7]).outcome == judge(right, [2]).outcome == "not yet"
    assert judge(slip, [5, 7]).outcome == judge(slip, [5]).outcome == "correct"
    assert judge(slip, [7, 6.5]).outcome == "not yet"
    either = asks("numbers", slip=OneOf(5, 6), place=(0, 1))
    assert judge(either, [5, 1]).outcome == judge(either, [1, 6]).outcome == "not yet"
    assert judge(either, [6, 5]).outcome == "correct"
    assert judge(asks("table", slip=5, place="b"), {"a": 5, "b": 5}).outcome == "not yet"
    assert judge(asks("table", slip=5, place="b"), {"a": 5, "c": 5}).outcome == "correct"
    assert judge(asks("texts", expect="yes", place=0), [" Yes", "no"]).outcome == "correct"
    assert judge(asks("arrays", slip=[1, 2], place=0), [[1, 2], [3]]).outcome == "not yet"


def test_errors_and_shapes_are_told_as_what_they_are_unless_the_case_explains_them() -> None:
    assert "Your function raised IndexError: index 7" in said(lambda x: x[7])
    assert "in the line" in said(lambda x: x[7])
    assert "It was called with an array of shape (3,)." in said(lambda x: x[7])

    def one_row(x: Any) -> Any:
        return [2 * x[i] for i in range(len(x))] if x.ndim == 1 else x[99]

    found = judge(DOUBLE, one_row)
    assert found.sentence == "It must work for tables, too."
    assert "IndexError" in found.detail
    found = judge(DOUBLE, lambda x: 2 * x if x.ndim == 1 else 2 * x[0])
    assert found.sentence == "It must work for tables, too."
    assert "an array of shape (3,); an array of shape (2, 3) was expected" in found.detail


def a_value(type: str, expect: Any) -> Exercise:
    case = Case(name="a", expect=expect, mistake="No.")
    return Exercise(**{**vars(DOUBLE), "type": type, "cases": (case,)})


def test_wrong_types_are_named() -> None:
    assert "returned None; an array of numbers was expected" in said(lambda x: x.sort())
    assert "such as list.sort" in said(lambda x: x.sort())
    assert "a number; an array of numbers was expected" in said(lambda x: 3)
    assert "a list whose rows differ in length" in said(lambda x: [[1], [1, 2]])
    assert "a tuple of 2 values; an array" in said(lambda x: (x, x[:2]))
    assert "a list that holds None; an array of numbers was expected" in said(lambda x: [1, None])
    assert "a list that holds a string; an array" in said(lambda x: [[1, 2], [1, "a"]])
    assert "an object of type Agreeable.\n  An array of numbers was" in said(lambda x: Agreeable())
    assert "Pass the function itself" in said(np.arange(3))
    assert "Pass the value" in said(lambda: 3, a_value("number", 3))
    for three in (np.float32(3), np.array([3]), Fraction(3), Decimal("3.0"), np.longdouble(3)):
        assert judge(a_value("number", 3), three).outcome == "correct"
    for answer, message in (
        (True, "Your answer is True; a number was expected."),
        (np.nan, "Your answer is NaN, which is not a number; a number was expected."),
        (1j, "Your answer is a complex number; a number was expected."),
        ({3}, "Your answer is a set, which keeps no order; a number was expected."),
    ):
        assert judge(a_value("number", 3), answer).sentence == message
    for answer, message in (
        ([2], "Your answer has 1 value; 2 values were expected."),
        ([2, False], "Your answer is a list that holds False; a list of numbers was expected."),
        ({2, 3}, "Your answer is a set, which keeps no order; a list of numbers was expected."),
    ):
        assert judge(a_value("numbers", [2, 3]), answer).sentence == message


def test_letters_are_alike_in_any_order_and_dress() -> None:
    letters = a_value("letters", {"A", "C"})
    for right in (["c", " A "], ("(A)", "(c)."), {"A", "C"}, np.array(["C", "A"]), list("ACA")):
        assert judge(letters, right).outcome == "correct"
    for one_text in ("AC", "c, a", "(a) (c)", "A; C."):
        assert judge(letters, one_text).outcome == "correct"
    for one_text in ("AC", "A, C", "A; C"):
        assert judge(a_value("texts", ["A", "C"]), one_text).outcome == "correct"
    for wrong in (["AC"], ["A"], "AB", "ACD", "1, 3", [1, 3], {"A", "C", "D"}):
        assert judge(letters, wrong).outcome == "not yet"
    assert "a string; a list of letters was expected" in said("1, 3", letters)
    assert "a string; a list of strings was expected" in said("yes no", a_value("texts", ["yes"]))
    assert judge(a_value("letter", "B"), "(b)").outcome == "correct"


def test_an_input_changed_in_place_is_told_only_when_the_result_is_right() -> None:
    def in_place(x: Any) -> Any:
        x *= 2
        return x

    def wrong_in_place(x: Any) -> Any:
        x *= x
        return x

    assert "changed the array that it was given" in said(in_place)
    assert judge(DOUBLE, wrong_in_place).sentence == "Twice, not squared."
    assert DOUBLE.cases[0].inputs[0].tolist() == [0, 1, 2]


STARTERS = {
    "docstring and ...": 'def f(x):\n    """Do it."""\n    ...',
    "docstring alone": 'def f(x):\n    """Do it."""',
    "pass": "def f(x):\n    pass",
    "a result": "def f(x):\n    result = ...\n    return result",
    "an annotated result": "def f(x):\n    result: int = ...\n    return result",
    "used at once": "def f(x):\n    rows = ...\n    return rows * 2",
    "after given lines": "def f(x):\n    y = x + 1\n    for i in y:\n        y[i] = i\n    z = ...",
    "returned": "def f(x):\n    return ...",
    "returned after a line": "def f(x):\n    y = x + 1\n    return ...",
    "inside another": "def f(x):\n    def g(y):\n        return ...\n    return g(x)",
    "not implemented": "def f(x):\n    raise NotImplementedError",
    "not implemented, with words": 'def f(x):\n    raise NotImplementedError("your turn")',
    "a value": "f = ...",
    "two values": "f = (..., ...)",
    "a list": "f = [3, ...]",
    "a table": 'f = {"a": ..., "b": 2}',
}
NO_STARTERS = {
    "indexed": "def f(x):\n    return x[..., 0]",
    "an ellipsis in a slice": "def f(x):\n    y = x[..., 1:2]\n    return y",
    "stored at an ellipsis": "def f(x):\n    x[..., 0] = 1\n    x[...] = 2\n    return x",
    "raises something": 'def f(x):\n    raise ValueError("no")',
    "raises later": "def f(x):\n    if x:\n        raise NotImplementedError\n    return 1",
    "a number": "f = 3",
    "a list of numbers": "f = [3, 4]",
}


def test_a_starter_is_told_from_an_answer() -> None:
    for sources, expected in ((STARTERS, True), (NO_STARTERS, False)):
        for name, source in sources.items():
            names: dict[str, Any] = {}
            exec(source, names)
            assert engine.is_untouched(names["f"]) is expected, name
            assert engine.is_untouched(getattr(names["f"], "__code__", names["f"])) is expected
    assert judge(DOUBLE, lambda x: x[..., 0]).outcome == "not yet"
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
        (float("nan"), 1.0, 1e-5, False),
        (np.nan, np.nan, 1e-5, False),
        (np.ones((2, 1)), np.ones((1, 2)), 1e-5, False),
        (np.zeros((0, 2)), np.zeros((0, 2)), 1e-5, True),
        ("1", 1, 1e-5, False),
        ({"A", "B"}, {"B", "A"}, 1e-5, True),
        (["A", "B"], {"B", "A"}, 1e-5, False),
        (10**400, 1, 1e-5, False),
    ],
)
def test_agreement(result: Any, expected: Any, tolerance: float, agree: bool) -> None:
    assert engine.agrees(result, expected, tolerance) is agree


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text()


@given(st.recursive(SCALARS, st.lists))
def test_plain_values_stay_what_they_are(value: Any) -> None:
    assert repr(engine.plain(value)) == repr(value)


def test_subclasses_lose_what_they_override() -> None:
    assert type(engine.plain(AgreeableFloat(2))) is float
    assert type(engine.plain(np.ones(2).view(AgreeableArray))) is np.ndarray
    assert engine.plain(np.float32(2)) == 2
    with pytest.raises(engine.RefusedError, match="an object of type Agreeable"):
        engine.plain([Agreeable()])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: np.zeros((10**12, 0)), "an array of shape (1000000000000, 0);"),
        (lambda: np.zeros((0, 10**12)), "an array of shape (0, 1000000000000);"),
        (lambda: np.zeros((10**6, 10**6, 0)), "an array of shape (1000000, 1000000, 0);"),
        (
            lambda: np.broadcast_to(np.float64(1), (2**14, 2**14)),
            "an array of shape (16384, 16384);",
        ),
        (lambda: np.zeros(3, "U10000000"), "an array of shape (3,);"),
        (lambda: tf.zeros((10**12, 0)), "an array of shape (1000000000000, 0);"),
        (
            lambda: [np.ones(60_000), np.ones(60_000)],
            "parts that hold more than 100,000 values, or 4 MB, in all;",
        ),
        (lambda: nested(100_000), "something nested more than 20 levels deep;"),
        (lambda: endless(), "a sequence of more than 100,000 values;"),
        (
            lambda: endless(np.ones(10_000)),
            "parts that hold more than 100,000 values, or 4 MB, in all;",
        ),
        (lambda: (endless() for _ in range(9)), "a sequence of more than 100,000 values;"),
        (lambda: [[0] * 1000] * 1000, "parts that hold more than 100,000 values, or 4 MB, in all;"),
        (lambda: dict.fromkeys(range(10**6)), "a dictionary of 1,000,000 entries;"),
        (lambda: set(range(10**6)), "a set of 1,000,000 values;"),
        (lambda: [0] * 10**7, "a list of 10,000,000 values;"),
        (lambda: "x" * 10**8, "a string of 100,000,000 characters;"),
        (lambda: 1 << 33_219_281, "a number of about 10,000,000 digits;"),
        (lambda: Fraction(1, 1 << 33_219_281), "a number of about 10,000,000 digits;"),
        (lambda: range(10**12), "a sequence of more than 100,000 values;"),
    ],
)
def test_what_is_too_large_is_refused_at_once(make: Callable[[], Any], message: str) -> None:
    tracemalloc.start()
    try:
        value = make()
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        start = time.process_time()
        found = judge(DOUBLE, lambda x: value)
        seconds = time.process_time() - start
        used = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert found.sentence == (
        f"Your function returned {message} that is far more than this exercise needs."
    )
    assert found.detail == "Take every size from the function's arguments."
    assert seconds < 1
    assert used < 16 << 20


def test_an_error_with_a_long_text_is_told_in_short() -> None:
    assert len(said(raises(ValueError("\n".join("a" * 10**6))))) < 500


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


def cells_of(folder: str, chapter: str, type: str) -> dict[str, nbformat.NotebookNode]:
    path = ROOT / folder / f"{course.NOTEBOOKS[chapter]}.ipynb"
    cells = [c for c in notebooks.read(path).cells if c.cell_type == type and tool.exercise_id(c)]
    found = {tool.exercise_id(cell): cell for cell in cells}
    assert len(found) == len(cells), "an exercise has one cell of each type"
    return found


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter_solutions_and_registry_have_the_same_exercises(chapter: str) -> None:
    own = [id for id in EXERCISES if id[:2] == chapter]
    for folder in ("chapters", "solutions"):
        for type in ("markdown", "code"):
            assert list(cells_of(folder, chapter, type)) == own, (folder, type)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_statements_heads_and_minutes_are_as_the_script_writes_them(chapter: str) -> None:
    name = f"{course.NOTEBOOKS[chapter]}.ipynb"
    pair = [notebooks.read(ROOT / folder / name) for folder in ("chapters", "solutions")]
    before = [nbformat.writes(notebook) for notebook in pair]
    tool.update(*pair, name)
    assert [nbformat.writes(notebook) for notebook in pair] == before, (
        "run `python -m tools.exercises`"
    )
    inside = cells_of("chapters", chapter, "markdown")
    solved = cells_of("solutions", chapter, "markdown")
    for id, cell in inside.items():
        assert tool.statement(cell.source) == tool.statement(solved[id].source)
        assert tool.statement(cell.source)


def test_no_case_tells_where_the_weight_of_exercise_3_3_belongs() -> None:
    statement = cells_of("chapters", "03", "markdown")["03.flat_index"].source
    asked = re.search(r"weight number (\d+) belong", statement)
    assert asked
    exercise = EXERCISES["03.flat_index"]
    place = np.unravel_index(int(asked[1]), exercise.inputs[-1])
    assert all(case.inputs[:3] != place for case in exercise.cases)


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
