"""Answers to the exercises, right and wrong: the zoo that every check is proven against.

One module a chapter, each with ``RIGHT`` (by exercise: style → answer) and ``WRONG`` (by exercise:
a list of `Wrong`).
"""

from typing import Any, NamedTuple


class Wrong(NamedTuple):
    """A plausible wrong answer, and what the check must make of it."""

    slip: str  # what the student did
    answer: Any
    case: str  # the case that must reject it
    says: str  # part of the sentence that the student must read
