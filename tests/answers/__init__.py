"""Answers to the exercises, right and wrong, that every check is proven against.

A wrong answer that a case holds itself, as its `slip`, is not repeated here.

One module a chapter, each with ``RIGHT`` (by exercise: style → answer) and ``WRONG`` (by exercise:
a list of `Wrong`).
"""

from typing import Any, NamedTuple


class Wrong(NamedTuple):
    """A plausible wrong answer, and what the check must make of it."""

    slip: str  # what the student did
    answer: Any
    case: str  # the case that must reject it
    says: str = ""  # part of what the student must read, if it is not that case's sentence
