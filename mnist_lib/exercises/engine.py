"""What an exercise is, and how an answer is judged: data in, one verdict out.

An exercise is data (`Exercise`, `Case`). Judging has three steps, so that a class can be graded
without ever comparing anything in the process that ran a student's code:

1. `perform` calls the answer with a case's inputs and reports what came back, in plain types;
2. `plain` turns whatever came back into numbers, text, arrays and lists of them;
3. `verdict` compares plain results with what the cases expect.

`judge` does all three at once, for the reader's own notebook.
"""

from __future__ import annotations

import copy
import dis
import html
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

Inputs = tuple[Any, ...]

KINDS = {
    "number": "a number",
    "truth": "True or False",
    "text": "a text",
    "array": "an array of numbers",
    "numbers": "a list of numbers",
    "texts": 'a list of texts such as ["A", "B"]',
    "arrays": "several lists or arrays",
    "table": "a dictionary of numbers",
    "model": "a Keras model",
}
"""What an answer can be, and how a sentence names it."""

FORMS = ("write", "calculate", "predict", "find the fault", "experiment")
"""What an exercise asks for."""


@dataclass(frozen=True)
class Reference:
    """The right result as a function of the inputs: computed when it is needed, not before."""

    compute: Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One question put to an answer, and the sentence for those whom it catches.

    Cases are tried in order and the first that fails speaks, so each may rely on those before it:
    a case for a particular slip stands before the case that compares everything.

    Parameters
    ----------
    name : str
        Short and unique in the exercise; tests and private gradings refer to it.
    mistake : str
        One sentence that names the likely mistake and does not give the answer away.
    expect : object
        The right result, compared within `tolerance`; a `Reference` that computes it; or a test
        ``(result, *inputs) -> bool``, given the result in the plain form of the exercise's kind.
    inputs : tuple, or function that makes one, optional
        What the answer is called with. None: the answer is a value, not a function. A function is
        called whenever the inputs are needed; put `functools.cache` on one that takes long.
    tolerance : float, optional
        Largest difference allowed, relative to the largest expected value (or to 1, if larger).
    explains_all : bool, optional
        Whether `mistake` is the thing to say whatever fails here. Otherwise an error, or a result
        of another type or shape than `expect`, is told as what it is.
    """

    name: str
    mistake: str
    expect: Any
    inputs: Inputs | Callable[[], Inputs] | None = None
    tolerance: float = 1e-5
    explains_all: bool = False

    def make_inputs(self) -> Inputs:
        """Return the arguments of the call, made anew if a function makes them."""
        made = self.inputs() if callable(self.inputs) else self.inputs
        return () if made is None else made


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
    kind : str
        What the answer is, or what the function returns: one of `KINDS`.
    hints : tuple of str
        At least two, each stronger than the one before.
    shows : str
        One sentence on what a right answer shows.
    cases : tuple of Case
        In the order in which they are tried.
    """

    id: str
    title: str
    stars: int
    minutes: int
    form: str
    kind: str
    hints: tuple[str, ...]
    shows: str
    cases: tuple[Case, ...]

    @property
    def name(self) -> str:
        """The name of the answer in a notebook."""
        return self.id.partition(".")[2]

    @property
    def is_function(self) -> bool:
        """Whether the answer is a function, to be called with each case's inputs."""
        return self.cases[0].inputs is not None


class Result(NamedTuple):
    """What came of calling an answer, in plain types."""

    value: Any = None
    error: str | None = None  # "IndexError: … (line 3 of your function)"
    changed: bool = False  # whether the function changed an array that it was given
    foreign: str | None = None  # the type, if the value cannot be put into plain types


class Verdict(NamedTuple):
    """The answer to an answer.

    Attributes
    ----------
    outcome : str
        ``"not attempted"``, ``"correct"`` or ``"not yet"``.
    sentence : str
        What it shows, or the likely mistake.
    detail : str
        What came and what was expected, where that helps; may be empty.
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
    """Return whether the starter's ``...`` still stands where the answer should be.

    Asked only of an answer that fails: a right one may well contain ``x[..., 0]``.
    """
    if answer is ...:
        return True
    if isinstance(answer, list | tuple):
        return any(part is ... for part in answer)
    if isinstance(answer, dict):
        return any(part is ... for part in answer.values())
    code = getattr(answer, "__code__", None)
    return isinstance(code, CodeType) and (_is_blank(code) or _keeps_ellipsis(code))


def _is_blank(code: CodeType) -> bool:
    """Return whether a function does nothing: a bare ``...`` is compiled away altogether."""
    return [step.opname for step in _steps(code)] in (
        ["LOAD_CONST", "RETURN_VALUE"],
        ["RETURN_CONST"],
    ) and next(_steps(code)).argval in (None, ...)


def _keeps_ellipsis(code: CodeType) -> bool:
    """Return whether ``name = ...`` or ``return ...`` is left; ``x[..., 0]`` is no starter."""
    steps = list(_steps(code))
    for step, after in zip(steps, [*steps[1:], None], strict=True):
        if step.argval is not ...:
            continue
        if step.opname == "RETURN_CONST":
            return True
        if after is not None and after.opname.startswith(("STORE_", "RETURN_")):
            return "SUBSCR" not in after.opname and "SLICE" not in after.opname
    return any(_keeps_ellipsis(part) for part in code.co_consts if isinstance(part, CodeType))


def _steps(code: CodeType) -> Iterator[dis.Instruction]:
    noise = ("RESUME", "NOP", "CACHE", "COPY_FREE_VARS", "MAKE_CELL")
    return (step for step in dis.get_instructions(code) if step.opname not in noise)


# --- Calling an answer --------------------------------------------------------------------------


def perform(function: Callable[..., Any], inputs: Inputs) -> Result:
    """Call an answer with copies of the inputs; report what came, never raise.

    Parameters
    ----------
    function : callable
        The reader's function.
    inputs : tuple
        Its arguments. Models are passed as they are, everything else as a copy.

    Returns
    -------
    Result
        With the value in plain types, or what went wrong.
    """
    given = tuple(_copy(value) for value in inputs)
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
    except Exception as error:  # an object may fail in its own conversion
        name = str(error) if isinstance(error, TypeError) else type(value).__name__
        return Result(foreign=name)


def _copy(value: Any) -> Any:
    return value if _is_model(value) or callable(value) else copy.deepcopy(value)


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
        said = str(error).strip().splitlines()
    except Exception:  # an exception class of the reader's own may fail here too
        said = []
    text = f"{type(error).__name__}: {said[0][:200].rstrip('.')}" if said else type(error).__name__
    code = getattr(function, "__code__", None)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if isinstance(code, CodeType) and frame.filename == code.co_filename and frame.lineno:
            line = f" in the line `{frame.line}`" if frame.line else f" in line {frame.lineno}"
            return f"Your function raised {text},{line}"
    return f"Your function raised {text}"


# --- Plain types --------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """Return a value in plain types: None, bool, int, float, str, ndarray, list, tuple, dict.

    Subclasses lose what they override, so that nothing can decide its own comparison. A Keras model
    stays what it is.

    Raises
    ------
    TypeError
        If the value, or a part of it, is something else; the message is the type's name.
    """
    for kind, conversion in EXACT.items():
        if isinstance(value, kind):
            return conversion(value)
    if value is None:
        return None
    if isinstance(value, Fraction | Decimal):
        return float(value)
    if isinstance(value, np.generic | np.ndarray):
        return _plain_array(np.asarray(value))
    if isinstance(value, list):
        return [plain(part) for part in list.__iter__(value)]
    if isinstance(value, tuple):
        return tuple(plain(part) for part in tuple.__iter__(value))
    if isinstance(value, dict):
        return {plain(key): plain(part) for key, part in dict.items(value)}
    if _is_model(value):
        return value
    # Tensors and variables, and whatever else says that it is an array (pandas, torch).
    if hasattr(value, "__array__"):
        return _plain_array(np.asarray(value))
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        parts = list(islice(value, LONGEST + 1))  # a generator may never end
        if len(parts) <= LONGEST:
            return [plain(part) for part in parts]
    raise TypeError(type(value).__name__)


# What a subclass overrides is left behind.
EXACT: dict[type, Callable[[Any], Any]] = {
    bool: bool,
    int: int.__int__,
    float: float.__float__,
    str: str.__str__,
}
LONGEST = 100_000


def _plain_array(array: np.ndarray[Any, Any]) -> Any:
    if array.dtype.kind not in "biufcU":
        try:
            array = array.astype(np.float64)  # bfloat16, and objects that are numbers
        except (TypeError, ValueError):
            raise TypeError(f"array of {array.dtype}") from None
    return array[()].item() if array.ndim == 0 else np.array(array)


def _is_model(value: object) -> bool:
    # Nothing can be a Keras model where Keras was never imported.
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(value, keras.Model)


class WrongKindError(Exception):
    """The result is not of the exercise's kind; the message says what it is."""


def as_kind(value: Any, kind: str) -> Any:
    """Return a plain value in the form in which the cases of an exercise get it.

    Parameters
    ----------
    value : object
        In plain types (see `plain`).
    kind : str
        A key of `KINDS`. ``number`` gives an int or float, ``truth`` a bool, ``text`` a str without
        surrounding blanks, ``array`` an ndarray, ``numbers`` and ``texts`` a list, ``arrays`` a
        list of ndarrays, ``table`` a dict and ``model`` the model.

    Raises
    ------
    WrongKindError
        If it is something else.
    """
    if kind == "model":
        if _is_model(value):
            return value
        raise WrongKindError(_name(value))
    if kind == "truth":
        if isinstance(value, bool):
            return value
        raise WrongKindError(_name(value))
    if kind == "text":
        if isinstance(value, str):
            return value.strip()
        raise WrongKindError(_name(value))
    if kind == "number":
        if isinstance(value, np.ndarray) and value.size == 1:
            value = value.item()  # such as what predict gives for one image
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        raise WrongKindError(_name(value))
    if kind == "table":
        if not isinstance(value, dict):
            raise WrongKindError(_name(value))
        try:
            return {key: as_kind(part, "number") for key, part in value.items()}
        except WrongKindError as error:
            raise WrongKindError(f"a dictionary that holds {error}") from None
    if kind == "array":
        try:
            array = np.asarray(value)
        except ValueError:
            rows = "a list whose rows differ in length"
            what = f"a tuple of {len(value)}" if isinstance(value, tuple) else rows
            raise WrongKindError(what) from None
        if array.dtype.kind not in "biufc" or value is None or array.ndim == 0:
            raise WrongKindError(_name(value))
        return array
    if not isinstance(value, list | tuple | np.ndarray):
        raise WrongKindError(_name(value))
    part = {"numbers": "number", "texts": "text", "arrays": "array"}[kind]
    parts = value.tolist() if isinstance(value, np.ndarray) and part != "array" else value
    try:
        return [as_kind(item, part) for item in parts]
    except WrongKindError as error:
        raise WrongKindError(f"{_name(value)} that holds {error}") from None


def _name(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if _is_model(value):
        return "a Keras model"
    names = {
        "bool": "True or False",
        "int": "a number",
        "float": "a number",
        "complex": "a complex number",
        "str": "a text",
        "list": "a list",
        "tuple": "a tuple",
        "dict": "a dictionary",
    }
    return names[type(value).__name__]


def agrees(result: Any, expected: Any, tolerance: float = 1e-5) -> bool:
    """Return whether a result equals what is expected, numbers within a tolerance.

    Parameters
    ----------
    result, expected : object
        In plain types. Texts agree whatever their case; lists and tuples are alike.
    tolerance : float, optional
        Largest difference, relative to the largest expected value, or to 1 if that is larger.
    """
    if isinstance(expected, str):
        return isinstance(result, str) and result.strip().casefold() == expected.casefold()
    if expected is None or isinstance(expected, bool):
        return result is expected
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


def unlike(*slips: Callable[..., Any]) -> Callable[..., bool]:
    """Return a test for a `Case`: it fails for a result that one of the slips would give.

    Parameters
    ----------
    *slips : functions of the inputs
        Each computes what one mistake comes to.
    """

    def test(result: Any, *inputs: Any) -> bool:
        return not any(agrees(result, slip(*inputs)) for slip in slips)

    return test


def unlike_value(
    slip: Any, place: int | None = None, tolerance: float = 1e-5
) -> Callable[[Any], bool]:
    """Return a test for a `Case` without inputs: it fails for the value that one slip gives.

    Parameters
    ----------
    slip : object
        What the mistake comes to.
    place : int, optional
        Where it stands, if the answer is a list. A list that is too short passes: it is for the
        case that compares everything.
    tolerance : float, optional
        As in `agrees`.
    """

    def test(value: Any) -> bool:
        if place is None:
            return not agrees(value, slip, tolerance)
        return len(value) <= place or not agrees(value[place], slip, tolerance)

    return test


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
    if exercise.is_function:
        if not callable(answer):
            if is_untouched(answer):
                return untouched()
            return Verdict(
                "not yet",
                f"Pass the function itself, without calling it: "
                f'check("{exercise.id}", {exercise.name}).',
            )
        found = verdict(exercise, (perform(answer, c.make_inputs()) for c in exercise.cases))
    else:
        if callable(answer) and not _is_model(answer):
            return Verdict("not yet", "Pass the value, not the function that computes it.")
        if is_untouched(answer):
            return untouched()
        result = result_of(answer)
        found = verdict(exercise, (result for _ in exercise.cases))
    if found.outcome == "not yet" and is_untouched(answer):
        return untouched()
    return found


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
    for case, result in zip(exercise.cases, results, strict=True):
        problem = _problem(exercise, case, result)
        if problem is not None:
            sentence, detail = problem
            return Verdict("not yet", sentence, detail, case.name)
        if result.changed:
            changed = changed or case.name
    if changed is not None:
        sentence = (
            "The result is right, but your function changed the array that it was given. "
            "Work on a copy: whoever called it still needs theirs."
        )
        return Verdict("not yet", sentence, "", changed)
    return Verdict("correct", exercise.shows)


def _problem(exercise: Exercise, case: Case, result: Result) -> tuple[str, str] | None:
    """Return the sentence and the detail of what is wrong at one case."""
    came = "Your function returned" if exercise.is_function else "Your answer is"
    wanted = KINDS[exercise.kind]
    if result.error is not None:
        if case.explains_all:
            return case.mistake, f"{result.error}."
        return f"{result.error}.", _called_with(case)
    if result.foreign is not None:
        return f"{came} an object of type {result.foreign}; {wanted} was expected.", ""
    if result.value is None and exercise.is_function:
        return (
            f"{came} None: does every path end in a return? {wanted.capitalize()} was expected.",
            "",
        )
    try:
        value = as_kind(result.value, exercise.kind)
    except WrongKindError as error:
        return f"{came} {error}; {wanted} was expected.", ""
    inputs = case.make_inputs()
    expected = case.expect
    if isinstance(expected, Reference):
        expected = expected.compute(*inputs)
    if callable(expected) and not _is_model(expected):
        try:
            right = bool(expected(value, *inputs))
        except Exception:  # a test may meet a shape or a key that its author did not think of
            right = False
        detail = "" if right else _facts(value, inputs)
    else:
        expected = as_kind(plain(expected), exercise.kind)
        right = agrees(value, expected, case.tolerance)
        detail = "" if right else _difference(value, expected)
        if not right and _has_other_form(value, expected):
            verb = "was" if isinstance(expected, np.ndarray) or len(expected) == 1 else "were"
            detail = f"{came} {_form(value)}; {_form(expected)} {verb} expected."
            if not case.explains_all:
                return detail, _called_with(case)
    return None if right else (case.mistake, detail)


def _has_other_form(value: Any, expected: Any) -> bool:
    """Return whether shapes or lengths differ, which says more than any difference of numbers."""
    if isinstance(expected, np.ndarray):
        return bool(value.shape != expected.shape)
    if isinstance(expected, list):
        return len(value) != len(expected) or any(map(_has_other_form, value, expected))
    return False


def _form(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"shape {value.shape}"
    if any(isinstance(part, np.ndarray) for part in value):
        shapes = ", ".join(str(part.shape) for part in value)
        return f"{_count(value, 'array')} of shape {shapes}"
    return _count(value, "value")


def _count(values: list[Any], what: str) -> str:
    return f"{len(values)} {what}" if len(values) == 1 else f"{len(values)} {what}s"


def _called_with(case: Case) -> str:
    shapes = [str(v.shape) for v in case.make_inputs() if isinstance(v, np.ndarray)]
    return f"It was called with arrays of shape {', '.join(shapes)}." if shapes else ""


def _facts(value: Any, inputs: Inputs = ()) -> str:
    """Return what came, if it is short enough to be said and says something."""
    if isinstance(value, np.ndarray):
        if not np.isfinite(value).all():
            return "Your result contains values that are not finite numbers (NaN or infinity)."
        if any(np.shape(part) == value.shape for part in inputs if isinstance(part, np.ndarray)):
            return ""
        return f"Your result has shape {value.shape}."
    if isinstance(value, int | float | str | bool):
        return f"Your answer: {_short(value)}."
    return ""


def _difference(value: Any, expected: Any) -> str:
    """Return where an array differs; of a single value, what came (never the right answer)."""
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
    if isinstance(value, str):
        return repr(value[:40])
    return f"{value:.6g}" if isinstance(value, float) else str(value)
