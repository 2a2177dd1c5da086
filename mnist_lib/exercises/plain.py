"""Any value as plain data within bounds: numbers, strings, arrays, and lists of them.

A check must not be kept busy, deceived or broken by what an answer returns, so it looks at nothing
else. The bounds are here for the graders of a class as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np

# What an answer may hold. The largest right answer has about 1,200 values, so these are generous;
# they keep a check quick whatever it is given.
MOST_VALUES = 100_000  # numbers, strings and other items, in all parts of an answer together
MOST_BYTES = 4 << 20  # of its arrays and strings together
MOST_BITS = 4_096  # of a whole number
DEEPEST = 20  # lists inside lists


class RefusedError(TypeError):
    """A value that cannot be put into plain types; the message says what it is."""


def plain(value: Any) -> Any:
    """Return a value in plain types: None, bool, numbers, str, ndarray, list, tuple, set, dict.

    Subclasses lose what they override, so that nothing can decide its own comparison. Sizes are
    looked at before anything is copied or iterated over.

    Raises
    ------
    RefusedError
        If the value, or a part of it, is something else, or if it is larger than an exercise can
        need (see `MOST_VALUES`, `MOST_BYTES`, `MOST_BITS` and `DEEPEST`).
    """
    return _Conversion().plain(value)


class _Conversion:
    """One call of `plain`, which adds up how large all parts are together."""

    def __init__(self) -> None:
        self.values = self.bytes = 0

    def take(self, what: str, values: int, size: int = 0) -> None:
        """Count a part; refuse it, by what it is, if it is too much."""
        self.values += values
        self.bytes += size
        if values > MOST_VALUES or size > MOST_BYTES:
            raise _too_much(what)
        if self.values > MOST_VALUES or self.bytes > MOST_BYTES:
            most = f"{MOST_VALUES:,} values, or {MOST_BYTES >> 20} MB"
            raise _too_much(f"parts that hold more than {most}, in all")

    def plain(self, value: Any, depth: int = 0) -> Any:
        if depth > DEEPEST:
            raise _too_much(f"something nested more than {DEEPEST} levels deep")
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | Fraction):
            parts = (value,) if isinstance(value, int) else (value.numerator, value.denominator)
            bits = max(map(int.bit_length, parts))
            if bits > MOST_BITS:
                raise _too_much(f"a number of about {bits * math.log10(2):,.0f} digits")
        for known, convert in NUMBERS.items():
            if isinstance(value, known):
                return convert(value)
        if isinstance(value, str):
            length = str.__len__(value)
            self.take(f"a string of {length:,} characters", 1, length)
            return str.__str__(value)
        if isinstance(value, dict):
            length = dict.__len__(value)
            self.take(f"a dictionary of {length:,} entries", length)
            pairs = dict.items(value)
            return {self.plain(k, depth + 1): self.plain(part, depth + 1) for k, part in pairs}
        for group, called in GROUPS.items():
            if isinstance(value, group):
                length = group.__len__(value)
                self.take(f"a {called} of {length:,} values", length)
                return group(self.plain(part, depth + 1) for part in group.__iter__(value))
        if isinstance(value, np.generic | np.ndarray) or hasattr(value, "__array__"):
            return self.array(value)
        if isinstance(value, Iterable) and not isinstance(value, bytes):  # it may never end
            items = [self.plain(part, depth + 1) for part in islice(value, MOST_VALUES + 1)]
            self.take(f"a sequence of more than {MOST_VALUES:,} values", len(items))
            return items
        raise RefusedError(of_type(value))

    def array(self, value: Any) -> Any:
        """Return an array, or what says that it is one (a tensor, a pandas series), as an array."""
        _measure(getattr(value, "shape", ()), 1)
        array = np.asarray(value)
        self.take("an array", _measure(array.shape, array.itemsize), array.nbytes)
        if array.dtype.kind in "OV" or array.dtype.char == "g":
            with suppress(TypeError, ValueError, OverflowError):
                array = array.astype(np.float64)  # bfloat16, and objects that are numbers
        if array.dtype.kind not in "biufcU":
            raise RefusedError(f"an array of dtype {array.dtype}")
        return array[()].item() if array.ndim == 0 else np.array(array)


def _measure(shape: Iterable[int], itemsize: int) -> int:
    """Return how many elements an array has; refuse if they are too many."""
    shape = tuple(map(int, shape))
    # An axis of length 0 does not end what is done along the others.
    count = math.prod(max(1, length) for length in shape)
    if count > MOST_VALUES or count * itemsize > MOST_BYTES:
        raise _too_much(f"an array of shape {shape}")
    return count


NUMBERS: dict[Any, Callable[[Any], Any]] = {
    int: int.__int__,
    float: float.__float__,
    complex: complex.__complex__,
    (Fraction, Decimal): float,
}
GROUPS: dict[Any, str] = {list: "list", tuple: "tuple", set: "set", frozenset: "set"}
"""What may hold other plain values, beside a dictionary, and what a message calls it."""


TOO_MUCH = "that is far more than this exercise needs"


def _too_much(what: str) -> RefusedError:
    return RefusedError(f"{what}; {TOO_MUCH}")


def of_type(value: object) -> str:
    """Return how a message calls a value that is not plain."""
    return f"an object of type {type(value).__name__[:80]}"
