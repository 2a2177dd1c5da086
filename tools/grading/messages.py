"""Plain values as bytes, and back: what passes between the grader, a submission and the judge.

JSON, never pickle. What a submission sends is hostile until `decode` has read it: bytes, depth, and
the number and shapes of arrays are checked before memory is taken for them, so that a message costs
a few times its size at most.
"""

from __future__ import annotations

import base64
import json
import math
import re
import struct
from typing import Any

import numpy as np

from mnist_lib.exercises.plain import DEEPEST, GROUPS, MOST_BYTES

LENGTH = struct.Struct(">I")  # stands before each message in a pipe
LARGEST = 2 * MOST_BYTES  # bytes of a message
LARGEST_AXIS = MOST_BYTES  # also where another axis is 0
MOST_AXES = 32
MOST_PARTS = 400_000  # lists, numbers and so on, whose memory is up to 30 times their text
GROUPS_BY_NAME = {group.__name__: group for group in GROUPS}
DTYPE = re.compile(r"[<>|=]([biufcU])([1-9]\d{0,6})")


def encode(value: Any) -> bytes:
    """Return a plain value as bytes: None, numbers, text, arrays of these, and groups of all that.

    Raises
    ------
    TypeError
        If the value, or a part of it, is something else, such as a function.
    ValueError
        If an integer is too long to be written, or the message would be longer than `LARGEST`.
    """
    data = json.dumps(_tree(value)).encode()
    if _is_too_large(data):
        raise ValueError(f"it takes {len(data) / 1e6:.3g} MB")
    return data


def _is_too_large(data: bytes) -> bool:
    return len(data) > LARGEST or sum(map(data.count, (b"[", b"{", b","))) > MOST_PARTS


def _tree(value: Any) -> Any:
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) is complex:
        return {"complex": [value.real, value.imag]}
    if type(value) in GROUPS:
        return {type(value).__name__: [_tree(part) for part in value]}
    if type(value) is dict:
        return {"dict": [[_tree(part) for part in pair] for pair in value.items()]}
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufcU":
        array = np.asarray(value)
        if array.nbytes > LARGEST:
            raise ValueError(f"it takes {array.nbytes / 1e6:.3g} MB")
        text = base64.b64encode(array.tobytes()).decode()
        form = "array" if isinstance(value, np.ndarray) else "scalar"
        return {form: [array.dtype.str, list(array.shape), text]}
    raise TypeError(f"{type(value).__name__} cannot be sent")


def decode(data: bytes) -> Any:
    """Return the value that `encode` wrote; a malformed or too large message is a ValueError."""
    try:
        if _is_too_large(data):
            raise ValueError("too large")
        return _value(json.loads(data), 0)
    except Exception as error:
        raise ValueError(f"malformed message: {type(error).__name__}") from None


def _value(tree: Any, depth: int) -> Any:
    if depth > DEEPEST + 2:  # what an answer may have, inside a message
        raise ValueError("too deep")
    if isinstance(tree, list):
        raise ValueError("a bare list")
    if not isinstance(tree, dict):
        return tree
    ((form, content),) = tree.items()
    if form in ("array", "scalar"):
        array = _array(*content)
        return array if form == "array" else array[()]
    if form == "complex":
        return complex(*content)
    if form in GROUPS_BY_NAME:
        return GROUPS_BY_NAME[form](_value(part, depth + 1) for part in content)
    if form == "dict":
        return {_value(key, depth + 1): _value(part, depth + 1) for key, part in content}
    raise ValueError("an unknown form")


def _array(name: str, shape: list[int], text: str) -> np.ndarray[Any, Any]:
    form = DTYPE.fullmatch(name)
    sizes_fit = all(type(size) is int and 0 <= size <= LARGEST_AXIS for size in shape)
    if form is None or not sizes_fit or len(shape) > MOST_AXES:
        raise ValueError("an array's form")
    data, dtype = base64.b64decode(text, validate=True), np.dtype(name)
    if math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError("an array's length")
    # A copy, which can be written to; and no bool that is neither 0 nor 1.
    flat = np.frombuffer(data, np.uint8 if form[1] == "b" else dtype)
    return (flat.astype(bool) if form[1] == "b" else flat.copy()).reshape(shape)
