"""How the package refuses an argument: one style for every message.

``NAME is WHAT; expected WHAT. What to do.`` A wrong type raises TypeError, a wrong value or shape
ValueError. Every function returns what it has checked, as a plain number or a NumPy array.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Sequence, Sized
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

# What an array may hold: NumPy's letters for the types.
_LETTERS = {"numbers": "buif", "floats": "f", "whole numbers": "ui", "booleans": "b"}


# --- numbers and choices --------------------------------------------------------------------------


def whole(
    name: str, value: Any, *, least: int | None = None, most: int | None = None, advice: str = ""
) -> int:
    """Return a whole number, Python's or NumPy's, between two limits that it may reach."""
    expected = "a whole number" + _limits(least=least, most=most)
    try:
        result = operator.index(value)
    except TypeError:
        raise TypeError(message(name, describe(value), expected, advice)) from None
    if (least is not None and result < least) or (most is not None and result > most):
        raise ValueError(message(name, result, expected, advice))
    return result


def number(
    name: str,
    value: Any,
    *,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
    advice: str = "",
) -> float:
    """Return a finite number: `least` and `most` may be reached, `above` and `below` may not."""
    expected = "a number" + _limits(above=above, least=least, below=below, most=most)
    if not isinstance(value, numbers.Real):
        raise TypeError(message(name, describe(value), expected, advice))
    result = float(value)
    if (
        not math.isfinite(result)
        or (least is not None and result < least)
        or (most is not None and result > most)
        or (above is not None and result <= above)
        or (below is not None and result >= below)
    ):
        raise ValueError(message(name, value, expected, advice))
    return result


def choice(name: str, value: Any, choices: Sequence[str], advice: str = "") -> str:
    """Return one of several words."""
    if not isinstance(value, str) or value not in choices:
        *others, last = (f'"{each}"' for each in choices)
        expected = f"{', '.join(others)} or {last}" if others else last
        error = ValueError if isinstance(value, str) else TypeError
        raise error(message(name, describe(value), expected, advice))
    return str(value)


# --- arrays ---------------------------------------------------------------------------------------


def array(
    name: str,
    values: ArrayLike,
    *shapes: str | tuple[int, ...],
    holds: str = "numbers",
    finite: bool = False,
    empty: bool = False,
    advice: str = "",
) -> NDArray[Any]:
    """Return an array of one of several shapes, or of any shape if none is named.

    Parameters
    ----------
    name : str
        What the caller's documentation calls the argument.
    values : array_like
    *shapes : str or tuple of int
        Either exact lengths or words such as ``"N H W 1"``: a number in it must match, and a word
        that stands twice stands for the same length.
    holds : {"numbers", "floats", "whole numbers", "booleans"} or the name of a dtype
        What it must hold.
    finite : bool
        Whether NaN and infinity are refused.
    empty : bool
        Whether the first axis may be empty: no images at all.
    advice : str
        What to do, one sentence; used where no better advice follows from the shape.
    """
    wanted = [tuple(shape.split()) if isinstance(shape, str) else shape for shape in shapes]
    expected = f"{holds} {' or '.join(map(_written, wanted))}".strip()
    try:
        result = np.asarray(values)
    except ValueError:
        what = f"a {type(values).__name__} of rows that differ in length"
        raise ValueError(message(name, what, expected, advice)) from None
    what = describe(result if result.dtype.kind in "buifc" else values)
    letters = _LETTERS.get(holds)
    if result.dtype.kind not in letters if letters else result.dtype != holds:
        raise TypeError(message(name, what, expected, _converted(name, result, holds) or advice))
    if wanted and not any(_fits(result.shape, shape) for shape in wanted):
        raise ValueError(message(name, what, expected, _reshaped(name, result, wanted) or advice))
    if wanted and 0 in result.shape[1 if empty else 0 :]:
        raise ValueError(message(name, f"empty, {what}", expected, advice))
    if finite and not (usable := np.isfinite(result)).all():
        count = result.size - np.count_nonzero(usable)
        what += f", and {count} of its {result.size} values {'is' if count == 1 else 'are'} NaN"
        find = f"Find them with np.argwhere(~np.isfinite({name}))."
        raise ValueError(message(name, f"{what} or infinite", "finite numbers", find))
    return result


def labels(
    name: str, values: ArrayLike, *, count: int | None = None, classes: int | None = None
) -> NDArray[np.int64]:
    """Return labels (N,), the numbers of the classes: `count` of them, each below `classes`."""
    shape = "N" if count is None else (count,)
    result = array(name, values, shape, holds="whole numbers", advice="Give one label per image.")
    low, high = result.min(), result.max()
    if low < 0 or (classes is not None and high >= classes):
        expected = "class numbers from 0 " + ("up" if classes is None else f"to {classes - 1}")
        raise ValueError(message(name, f"from {low} to {high}", expected))
    return result.astype(np.int64)


def same_length(**values: Sized) -> None:
    """Refuse arrays, or lists, that do not belong together item by item."""
    lengths = {name: len(value) for name, value in values.items()}
    if len(set(lengths.values())) > 1:
        listed = " and ".join(f"{name} is {length} long" for name, length in lengths.items())
        advice = "Pass the same items, in the same order."
        raise ValueError(f"{listed}; expected equal lengths. {advice}")


# --- words ----------------------------------------------------------------------------------------


def describe(value: Any) -> str:
    """Say in a few words what an argument is, for a message."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "buifc":
        return f"{value.dtype} {value.shape}"
    if isinstance(value, str):
        return f'"{value}"'
    if value is None or isinstance(value, int | float | complex | np.generic):
        return str(value)
    if isinstance(value, tuple | list) and len(repr(value)) <= 40:
        return repr(value)
    article = "an" if type(value).__name__[0].lower() in "aeiou" else "a"
    return f"{article} {type(value).__name__}"


def message(name: str, what: object, expected: str, advice: str = "") -> str:
    """Write a message in the style of this package."""
    return f"{name} is {what}; expected {expected}. {advice}".rstrip()


def _limits(**limits: float | None) -> str:
    words = {"above": "above", "least": "at least", "below": "below", "most": "at most"}
    parts = [f"{words[name]} {limit}" for name, limit in limits.items() if limit is not None]
    return f" that is {' and '.join(parts)}" if parts else ""


def _written(shape: Sequence[str | int]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _fits(shape: tuple[int, ...], wanted: Sequence[str | int]) -> bool:
    if len(shape) != len(wanted):
        return False
    lengths: dict[str, int] = {}
    return all(
        length == (int(axis) if str(axis).isdigit() else lengths.setdefault(str(axis), length))
        for length, axis in zip(shape, wanted, strict=True)
    )


def _converted(name: str, found: NDArray[Any], holds: str) -> str:
    """Say how an array of the wrong type is converted, or nothing."""
    if holds == "floats" and found.dtype.kind in "bui":
        if found.dtype == np.uint8:
            return f"Prepare images first: mnist_lib.data.prepare({name})."
        return f"Convert it with {name}.astype(np.float32)."
    if found.ndim == 2 and found.shape[1] > 1 and holds == "whole numbers":
        return f"If its rows are one-hot labels or probabilities, pass {name}.argmax(axis=1)."
    return ""


def _reshaped(name: str, found: NDArray[Any], wanted: Sequence[Sequence[str | int]]) -> str:
    """Say how an array of the wrong shape is brought into one that fits, or nothing."""

    def fits(*shape: int) -> bool:
        return any(_fits(shape, each) for each in wanted)

    shape = found.shape
    channels = [each for each in wanted if str(each[-1])[0] in "1C"]
    if any(_fits((*shape, 1), each) for each in channels) and shape[-2:-1] == shape[-1:]:
        return f"Add the axis of the channel with {name}[..., np.newaxis]."
    if fits(1, *shape):
        return f"For a single one, pass {name}[np.newaxis]."
    if shape and shape[-1] == 1 and fits(*shape[:-1]):
        return f"Drop the last axis with {name}[..., 0]."
    if shape and shape[0] == 1 and fits(*shape[1:]):
        return f"Pass its only row, {name}[0]."
    if len(shape) == 2 and fits(shape[0]):
        return f"If its rows are one-hot labels or probabilities, pass {name}.argmax(axis=1)."
    return ""
