"""What an exercise is, and how an answer is judged: data in, one verdict out.

An exercise is data (`Exercise`, `Case`). Judging has three steps, so that a class can be graded
without ever comparing anything in the process that ran a student's code:

1. `perform` calls the answer with a case's inputs and reports what it returned, in plain types;
2. `plain` turns any value into numbers, strings, arrays and lists of them, within bounds;
3. `verdict` compares plain results with what the cases expect.

`judge` does all three at once, for the reader's own notebook.
"""

from __future__ import annotations

import copy
import dis
import html
import math
import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

from mnist_lib.exercises.plain import MOST_VALUES, TOO_MUCH, RefusedError, of_type, plain

Inputs = tuple[Any, ...]

TYPES = {
    "number": "a number",
    "letter": "a letter",
    "array": "an array of numbers",
    "numbers": "a list of numbers",
    "texts": "a list of strings",
    "letters": "a list of letters",
    "arrays": "a list of lists or arrays",
    "table": "a dictionary of numbers",
}
"""What an answer can be, and how a sentence names it."""

FORMS = ("write", "calculate", "predict", "find the fault", "experiment")
"""What an exercise asks for."""


@dataclass(frozen=True)
class Reference:
    """The right result as a function of the inputs: computed when it is needed, not before."""

    compute: Callable[..., Any]


@dataclass(frozen=True)
class Earlier:
    """The result of an earlier case: what comes must equal it or, without `same`, must not."""

    case: str
    same: bool = True


class OneOf(tuple[Any, ...]):
    """Several wrong answers that one sentence fits, for the `slip` of a `Case`."""

    def __new__(cls, *slips: Any) -> OneOf:
        """Hold the wrong answers, each as `Case` takes a single one."""
        return super().__new__(cls, slips)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One question put to an answer, and the sentence for those who fail it.

    Cases are tried in order and the first that fails speaks, so each may rely on those before it:
    a case for a particular slip stands before the case that compares everything. A case has either
    `expect` or `slip`.

    Parameters
    ----------
    name : str
        Short and unique in the exercise; tests and private gradings refer to it.
    mistake : str
        One sentence that names the likely mistake and does not give the answer away.
    expect : object, optional
        The right result, compared within `tolerance`; a `Reference` that computes it; an `Earlier`
        result that it must equal or not; or a test ``(result, *inputs) -> bool``, given the result
        in the form of the exercise's type.
    slip : object, optional
        The wrong answer that the sentence is about: a value, or a function of the inputs. Whatever
        equals its result is rejected. Several go into `OneOf`. The tests answer the exercise with
        each of them, and must arrive at this case.
    place : int or str, or tuple of them, optional
        Compare one entry of a list or table alone; `expect` or `slip` is then that entry. A tuple
        has the places of the slips in `OneOf`, one for each.
    inputs : tuple, optional
        What the answer is called with, if not with the exercise's `inputs`.
    tolerance : float, optional
        Largest difference allowed, relative to the largest expected value (or to 1, if larger).
    explains_all : bool, optional
        Whether `mistake` is the thing to say whatever fails here. Otherwise an error, or a result
        of another type or shape than `expect`, is told as what it is; so is, always, another type
        that a function returns.

    Raises
    ------
    ValueError
        If there is neither `expect` nor `slip`, or both.
    """

    name: str
    mistake: str
    expect: Any = None
    slip: Any = None
    place: int | str | tuple[int | str, ...] | None = None
    inputs: Inputs | None = None
    tolerance: float = 1e-5
    explains_all: bool = False

    def __post_init__(self) -> None:
        if (self.expect is None) == (self.slip is None):
            raise ValueError(
                f'Case "{self.name}" has {"neither" if self.slip is None else "both"} expect and '
                "slip; give one of them."
            )

    @property
    def slips(self) -> list[tuple[Any, int | str | None]]:
        """The wrong answers that the case rejects, each with the place where it stands."""
        if self.slip is None:
            return []
        slips = self.slip if isinstance(self.slip, OneOf) else (self.slip,)
        places = self.place if isinstance(self.place, tuple) else (self.place,) * len(slips)
        return list(zip(slips, places, strict=True))

    def arguments(self) -> Inputs:
        """Return a copy of the inputs, for a call."""
        return copy.deepcopy(self.inputs or ())


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """An exercise as its author writes it.

    Parameters
    ----------
    id : str
        Chapter and name, as ``"02.conv2d"``. The name is also the name of the function or variable
        that holds the answer in a notebook.
    title : str
        What the heading says after the number.
    stars : int
        1, 2 or 3.
    minutes : int
        What it takes a reader who has followed the chapter.
    form : str
        One of `FORMS`.
    type : str
        What the answer is, or what the function returns: one of `TYPES`.
    hints : tuple of str
        At least two, each stronger than the one before.
    shows : str
        One sentence on what a right answer shows.
    cases : tuple of Case
        In the order in which they are tried.
    inputs : tuple, optional
        The inputs of all cases that have none of their own. Without any, the answer is a value.
    """

    id: str
    title: str
    stars: int
    minutes: int
    form: str
    type: str
    hints: tuple[str, ...]
    shows: str
    cases: tuple[Case, ...]
    inputs: Inputs | None = None

    def __post_init__(self) -> None:
        own = (replace(c, inputs=self.inputs) if c.inputs is None else c for c in self.cases)
        object.__setattr__(self, "cases", tuple(own))

    @property
    def name(self) -> str:
        """The name of the answer in a notebook."""
        return self.id.partition(".")[2]

    @property
    def is_function(self) -> bool:
        """Whether the answer is a function, to be called with each case's inputs."""
        return self.cases[0].inputs is not None


class Result(NamedTuple):
    """What a call of an answer gave, in plain types."""

    value: Any = None
    error: str | None = None  # "Your function raised IndexError: …, in line 3"
    changed: bool = False  # whether the function changed an array that it was given
    refused: str | None = None  # what the value is, if it cannot be put into plain types


class Verdict(NamedTuple):
    """What a check says about an answer.

    Attributes
    ----------
    outcome : str
        ``"not attempted"``, ``"correct"`` or ``"not yet"``.
    sentence : str
        What it shows, or the likely mistake.
    detail : str
        What the result was and what was expected, where that helps; may be empty.
    case : str or None
        The name of the case that spoke.
    label : str
        What is judged, as ``"Exercise 2.1"``.
    """

    outcome: str
    sentence: str
    detail: str = ""
    case: str | None = None
    label: str = ""

    def __repr__(self) -> str:
        """Return the verdict in one or two lines of plain text."""
        return self.text()

    def text(self) -> str:
        """Return the verdict in one or two lines of plain text."""
        mark, words, _ = LOOK[self.outcome]
        head = f"{mark} {self.label}: {words}" if self.label else f"{mark} {words.capitalize()}"
        lines = [f"{head}. {self.sentence}".rstrip()]
        if self.detail:
            lines.append(f"  {self.detail}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        # No background and no colour of the text: both stay those of the page, light or dark. The
        # mark and the word say by themselves what the coloured line says.
        mark, words, colour = LOOK[self.outcome]
        label = f"{html.escape(self.label)}: " if self.label else ""
        detail = f"<br><small>{html.escape(self.detail)}</small>" if self.detail else ""
        return (
            f'<div role="status" style="border-left: 0.3em solid {colour}; '
            'padding: 0.3em 0 0.3em 0.8em; margin: 0.3em 0">'
            f'<span aria-hidden="true">{mark}</span> <strong>{label}{words}.</strong> '
            f"{html.escape(self.sentence)}{detail}</div>"
        )


LOOK = {
    "correct": ("✓", "correct", "#2a8a4a"),
    "not yet": ("✗", "not yet", "#c8641e"),
    "not attempted": ("○", "not attempted yet", "#3b7dbd"),
}


# --- Is there an answer at all? -----------------------------------------------------------------


def is_untouched(answer: object) -> bool:
    """Return whether the starter still stands where the answer should be.

    A starter is a value of ``...``, or of a list or dictionary that holds one; or a function that
    does nothing, raises NotImplementedError, or assigns or returns ``...``. Asked only of an answer
    that fails: a right one may well contain ``x[..., 0]``.

    Parameters
    ----------
    answer : object
        A value, a function, or a function's code object.
    """
    if answer is ...:
        return True
    if isinstance(answer, list | tuple | dict):
        parts = dict.values(answer) if isinstance(answer, dict) else answer
        return len(parts) <= MOST_VALUES and any(part is ... for part in parts)
    code = answer if isinstance(answer, CodeType) else getattr(answer, "__code__", None)
    return isinstance(code, CodeType) and (_does_nothing(code) or _keeps_ellipsis(code))


def _does_nothing(code: CodeType) -> bool:
    """Return whether a function is blank: a bare ``...`` is compiled away altogether."""
    steps = [step for step in dis.get_instructions(code) if step.opname not in _NO_STEPS]
    if steps[-1].opname == "RAISE_VARARGS":
        return "NotImplementedError" in steps[0].argrepr and all(
            step.opname.startswith(("LOAD_", "PUSH_", "PRECALL", "CALL")) for step in steps[:-1]
        )
    returns = [["LOAD_CONST", "RETURN_VALUE"], ["RETURN_CONST"]]
    return [step.opname for step in steps] in returns and steps[0].argval in (None, ...)


def _keeps_ellipsis(code: CodeType) -> bool:
    """Return whether ``name = ...`` or ``return ...`` is left; ``x[..., 0]`` is no starter."""
    steps = [step for step in dis.get_instructions(code) if step.opname not in _NO_STEPS]
    for step, after in zip(steps, [*steps[1:], None], strict=True):
        if step.argval is not ...:
            continue
        if step.opname == "RETURN_CONST":
            return True
        if after is not None and after.opname.startswith(("STORE_", "RETURN_")):
            return "SUBSCR" not in after.opname and "SLICE" not in after.opname
    return any(_keeps_ellipsis(part) for part in code.co_consts if isinstance(part, CodeType))


_NO_STEPS = ("RESUME", "NOP", "CACHE", "COPY_FREE_VARS", "MAKE_CELL")


# --- Calling an answer --------------------------------------------------------------------------


def perform(function: Callable[..., Any], inputs: Inputs) -> Result:
    """Call an answer with copies of the inputs; report what it did, never raise.

    Parameters
    ----------
    function : callable
        The reader's function.
    inputs : tuple
        Its arguments.

    Returns
    -------
    Result
        With the value in plain types, or what went wrong.
    """
    given = copy.deepcopy(inputs)
    try:
        value = function(*given)
    except KeyboardInterrupt:
        return Result(error="It was interrupted. If it ran for long, one of its loops never ends")
    except BaseException as error:  # whatever an answer does, a check goes on
        return Result(error=_describe(error, function))
    changed = not all(_same(before, after) for before, after in zip(inputs, given, strict=True))
    return result_of(value)._replace(changed=changed)


def result_of(value: object) -> Result:
    """Return a value as a `Result`, in plain types if it can be put into them."""
    try:
        return Result(plain(value))
    except RefusedError as refused:
        return Result(refused=str(refused))
    except Exception:  # an object may fail in its own conversion
        return Result(refused=of_type(value))


def _same(before: Any, after: Any) -> bool:
    if isinstance(before, np.ndarray):
        return isinstance(after, np.ndarray) and np.array_equal(
            before, after, equal_nan=before.dtype.kind in "fc"
        )
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(_same, before, after))
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(_same(before[k], after[k]) for k in before)
    return True


def _describe(error: BaseException, function: object) -> str:
    try:
        said = str(error)[:1000].strip().splitlines()
    except Exception:  # an exception class of the reader's own may fail here too
        said = []
    name = type(error).__name__[:80]
    text = f"{name}: {said[0][:200].rstrip('.')}" if said else name
    code = getattr(function, "__code__", None)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if isinstance(code, CodeType) and frame.filename == code.co_filename and frame.lineno:
            line = f" in line {frame.lineno}"
            if frame.line and len(frame.line) <= 200:
                line = f" in the line `{frame.line}`"
            return f"Your function raised {text},{line}"
    return f"Your function raised {text}"


# --- An exercise's types -------------------------------------------------------------------------


class WrongTypeError(Exception):
    """A result of another type than the exercise's; the message says what it is."""


def as_type(value: Any, type: str) -> Any:
    """Return a plain value as an exercise's type.

    Parameters
    ----------
    value : object
        In plain types (see `plain`).
    type : str
        A key of `TYPES`. ``number`` gives an int or float, ``letter`` an upper-case str without
        brackets, ``array`` an ndarray, ``numbers`` and ``texts`` a list, ``letters`` a set,
        ``arrays`` a list of ndarrays and ``table`` a dict. Also ``text``: a str without surrounding
        blanks, and a single letter without brackets. Letters may also be one str, such as "BC".

    Raises
    ------
    WrongTypeError
        If it is something else.
    """
    if type in ("text", "letter") and isinstance(value, str):
        letter = value.strip(" .()")
        if type == "letter":
            return letter.upper()
        return letter if len(letter) == 1 else value.strip()
    if type == "number":
        if isinstance(value, np.ndarray) and value.size == 1:
            value = value.item()  # such as what predict gives for one image
        if isinstance(value, int | float) and not isinstance(value, bool):
            if math.isnan(value):  # a case for one mistake would blame that mistake
                raise WrongTypeError("NaN, which is not a number")
            return value
    if type == "array":
        return _as_array(value)
    if type == "table" and isinstance(value, dict):
        try:
            return {key: as_type(part, "number") for key, part in value.items()}
        except WrongTypeError as error:
            raise WrongTypeError(f"a dictionary that holds {error}") from None
    if type == "letters" and isinstance(value, set | frozenset):
        value = list(value)
    if isinstance(value, str) and (spelled := LETTERS.get(type)) and spelled.fullmatch(value):
        value = [each for each in value if each.isalpha()]  # "BC", or "B, C"
    if type not in PARTS or not isinstance(value, list | tuple | np.ndarray):
        raise WrongTypeError(_name(value))
    parts = value.tolist() if isinstance(value, np.ndarray) and type != "arrays" else value
    try:
        entries = [as_type(part, PARTS[type]) for part in parts]
    except WrongTypeError as error:
        raise WrongTypeError(f"{_name(value)} that holds {error}") from None
    return set(entries) if type == "letters" else entries


PARTS = {"numbers": "number", "texts": "text", "letters": "letter", "arrays": "array"}
"""What an answer of several parts consists of."""

LETTERS = {
    "letters": re.compile(r"[\s,;.()A-Za-z]+"),
    "texts": re.compile(r"([A-Fa-f][\s,;]*){2,}"),
}
"""What may stand for a list of letters as one text; a list of texts might hold words as well."""


def _as_array(value: Any) -> np.ndarray[Any, Any]:
    if not isinstance(value, list | tuple | np.ndarray):
        raise WrongTypeError(_name(value))
    try:
        array = np.asarray(value)
    except ValueError:
        rows = "a list whose rows differ in length"
        what = _count(value, "a tuple of {} value") if isinstance(value, tuple) else rows
        raise WrongTypeError(what) from None
    if array.dtype.kind not in "biufc":
        odd = next(part for part in _leaves(value) if not isinstance(part, int | float | complex))
        raise WrongTypeError(f"{_name(value)} that holds {_name(odd)}")
    return array


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        for part in value:
            yield from _leaves(part)
    else:
        yield value


def _name(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    names = {
        int: "a number",
        float: "a number",
        complex: "a complex number",
        str: "a string",
        list: "a list",
        tuple: "a tuple",
        set: "a set, which keeps no order",
        frozenset: "a set, which keeps no order",
        dict: "a dictionary",
    }
    return names.get(type(value)) or of_type(value)


def agrees(result: Any, expected: Any, tolerance: float = 1e-5) -> bool:
    """Return whether a result equals what is expected, numbers within a tolerance.

    Parameters
    ----------
    result, expected : object
        In the form of an exercise's type. Upper and lower case are alike, and so are lists, tuples
        and arrays of one axis.
    tolerance : float, optional
        Largest difference, relative to the largest expected value, or to 1 if that is larger.
    """
    if isinstance(expected, str):
        return isinstance(result, str) and result.strip().casefold() == expected.casefold()
    if isinstance(expected, set):
        return isinstance(result, set) and result == expected
    if isinstance(expected, dict):
        return (
            isinstance(result, dict)
            and result.keys() == expected.keys()
            and all(agrees(result[key], expected[key], tolerance) for key in expected)
        )
    if isinstance(expected, list | tuple):
        return (
            isinstance(result, list | tuple | np.ndarray)
            and len(result) == len(expected)
            and all(agrees(a, b, tolerance) for a, b in zip(result, expected, strict=True))
        )
    try:
        ours, theirs = np.asarray(result), np.asarray(expected)
        if ours.shape != theirs.shape or ours.dtype.kind not in "biufc":
            return False
        if theirs.size == 0:
            return True
        ours, theirs = ours.astype(np.complex128), theirs.astype(np.complex128)
    except (TypeError, ValueError):
        return False
    # Written so that a NaN, which compares false with everything, does not agree.
    largest = max(1.0, float(np.abs(theirs).max()))
    return bool((np.abs(ours - theirs) <= tolerance * largest).all())


# --- The verdict --------------------------------------------------------------------------------


def judge(exercise: Exercise, answer: object) -> Verdict:
    """Judge an answer in this process; never raises, whatever the answer does.

    Parameters
    ----------
    exercise : Exercise
    answer : object
        The reader's function or value.

    Returns
    -------
    Verdict
    """
    try:
        return _judge(exercise, answer)
    except Exception as error:  # an object can fail at every touch
        name = type(error).__name__
        return Verdict("not yet", f"Your answer could not be looked at: {name}.")


def _judge(exercise: Exercise, answer: object) -> Verdict:
    if callable(answer) and not exercise.is_function:
        return Verdict("not yet", "Pass the value, not the function that computes it.")
    if is_untouched(answer) and not callable(answer):
        return untouched()
    if not exercise.is_function:
        result = result_of(answer)
        return verdict(exercise, (result for _ in exercise.cases))
    if not callable(answer):
        call = f'check("{exercise.id}", {exercise.name})'
        return Verdict("not yet", f"Pass the function itself, without calling it: {call}.")
    found = verdict(exercise, (perform(answer, c.inputs or ()) for c in exercise.cases))
    return untouched() if found.outcome == "not yet" and is_untouched(answer) else found


def untouched() -> Verdict:
    """Return the verdict on a starter."""
    return Verdict("not attempted", "Put your answer in place of the ... and run the cell again.")


def verdict(exercise: Exercise, results: Iterable[Result]) -> Verdict:
    """Compare the results of an answer with what the cases expect.

    Parameters
    ----------
    exercise : Exercise
    results : iterable of Result
        One for each case, in order; taken one by one, and no more of them than needed.

    Returns
    -------
    Verdict
        ``"correct"`` or ``"not yet"``.
    """
    changed = None
    earlier: dict[str, Any] = {}
    for case, result in zip(exercise.cases, results, strict=True):
        problem = _problem(exercise, case, result, earlier)
        if problem is not None:
            sentence, detail = problem
            return Verdict("not yet", sentence, detail, case.name)
        earlier[case.name] = result.value
        if result.changed:
            changed = changed or case.name
    if changed is not None:
        sentence = (
            "The result is right, but your function changed the array that it was given. "
            "Work on a copy, because the caller may still need the original."
        )
        return Verdict("not yet", sentence, "", changed)
    return Verdict("correct", exercise.shows)


def _problem(
    exercise: Exercise, case: Case, result: Result, earlier: dict[str, Any]
) -> tuple[str, str] | None:
    """Return the sentence and the detail of what is wrong at one case, given earlier results."""
    begin = "Your function returned" if exercise.is_function else "Your answer is"
    wanted = TYPES[exercise.type]
    if result.error is not None:
        if case.explains_all:
            return case.mistake, f"{result.error}."
        return f"{result.error}.", _called_with(case)
    if result.refused is not None:
        if exercise.is_function and result.refused.endswith(TOO_MUCH):
            return f"{begin} {result.refused}.", "Take every size from the function's arguments."
        return f"{begin} {result.refused}.", f"{wanted.capitalize()} was expected."
    if result.value is None and exercise.is_function:
        return f"{begin} None; {wanted} was expected.", NO_RETURN
    try:
        value = as_type(result.value, exercise.type)
    except WrongTypeError as error:
        told = f"{begin} {error}; {wanted} was expected."
        explains = case.explains_all and not exercise.is_function
        return (case.mistake, told) if explains else (told, "")
    if case.slip is not None:
        for slip, place in case.slips:
            compared, is_there = _entry(value, place)
            if is_there and agrees(compared, _compute(slip, case, exercise), case.tolerance):
                # An array that equals the slip has the shape it should have: say nothing of it.
                told = "" if isinstance(value, np.ndarray) else _facts(value)
                return case.mistake, told
        return None
    if isinstance(case.expect, Earlier):
        before = as_type(earlier[case.expect.case], exercise.type)
        return None if agrees(value, before) is case.expect.same else (case.mistake, "")
    if callable(case.expect):
        try:
            right = bool(case.expect(value, *case.arguments()))
        except Exception:  # a test may meet a shape or a key that its author did not think of
            right = False
        return None if right else (case.mistake, _facts(value, case.inputs or ()))
    compute = case.expect.compute if isinstance(case.expect, Reference) else case.expect
    expected = _compute(compute, case, exercise)
    compared, is_there = _entry(value, case.place)
    if is_there and agrees(compared, expected, case.tolerance):
        return None
    if is_there and _has_other_form(compared, expected):
        verb = "was" if isinstance(expected, np.ndarray) or len(expected) == 1 else "were"
        has = begin if exercise.is_function else "Your answer has"
        detail = f"{has} {_form(compared)}; {_form(expected)} {verb} expected."
        return (case.mistake, detail) if case.explains_all else (detail, _called_with(case))
    return case.mistake, _difference(compared, expected)


NO_RETURN = (
    "A function returns None if no return statement is reached; methods that work in place, "
    "such as list.sort, return None as well."
)


def _compute(source: Any, case: Case, exercise: Exercise) -> Any:
    """Return a right or wrong answer, or an entry of one, in the form of the exercise's type."""
    value = plain(source(*case.arguments()) if callable(source) else source)
    part = {"table": "number", **PARTS}
    return as_type(value, exercise.type if case.place is None else part[exercise.type])


def _entry(value: Any, place: Any) -> tuple[Any, bool]:
    """Return the entry of a list or table at a place, and whether there is one."""
    if place is None:
        return value, True
    is_there = place in (value if isinstance(value, dict) else range(len(value)))
    return (value[place], True) if is_there else (None, False)


def _has_other_form(value: Any, expected: Any) -> bool:
    """Return whether shapes or lengths differ, which says more than any difference of numbers."""
    if isinstance(expected, np.ndarray):
        return bool(value.shape != expected.shape)
    if isinstance(expected, list):
        return len(value) != len(expected) or any(map(_has_other_form, value, expected))
    return False


def _form(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if any(isinstance(part, np.ndarray) for part in value):
        shapes = ", ".join(str(part.shape) for part in value)
        return f"{_count(value, '{} array')} of shape {shapes}"
    return _count(value, "{} value")


def _count(values: Any, what: str) -> str:
    return what.format(len(values)) + ("" if len(values) == 1 else "s")


def _called_with(case: Case) -> str:
    shapes = [str(v.shape) for v in case.inputs or () if isinstance(v, np.ndarray)]
    arrays = "an array" if len(shapes) == 1 else "arrays"
    return f"It was called with {arrays} of shape {', '.join(shapes)}." if shapes else ""


def _facts(value: Any, inputs: Inputs = ()) -> str:
    """Return what the result is, if that is short enough to be said and says something."""
    if isinstance(value, np.ndarray):
        if not np.isfinite(value).all():
            return "Your result contains values that are not finite numbers (NaN or infinity)."
        if any(np.shape(part) == value.shape for part in inputs if isinstance(part, np.ndarray)):
            return ""
        return f"Your result has shape {value.shape}."
    if isinstance(value, int | float | str):
        return f"Your answer: {_short(value)}."
    return ""


def _difference(value: Any, expected: Any) -> str:
    """Return where an array differs; of a single value, what it is (never the right answer)."""
    if not isinstance(value, np.ndarray):
        return _facts(value)
    if value.shape != expected.shape:
        return ""
    if not np.isfinite(value).all():
        return _facts(value)
    gaps = np.abs(value.astype(np.complex128) - expected)
    worst = tuple(int(i) for i in np.unravel_index(int(np.argmax(gaps)), gaps.shape))
    place = worst[0] if len(worst) == 1 else worst
    return (
        f"At position {place} your result is {_short(value[worst].item())}; "
        f"{_short(expected[worst].item())} was expected."
    )


def _short(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    text = text if len(text) <= 40 else f"{text[:40]}…"
    return repr(text) if isinstance(value, str) else text
