"""Exercises that check themselves: `check` an answer, ask for a `hint`, find the `solution`.

The exercises themselves are data, in one module for each chapter, named after its notebook:
``chapter_02_convolutions.EXERCISES`` holds those of ``chapters/02_convolutions.ipynb``. Nothing
here trains a network or takes longer than a moment.
"""

from __future__ import annotations

import difflib
import html
import json
import sys
from functools import cache
from importlib import import_module, metadata
from pkgutil import iter_modules
from typing import Any

from mnist_lib.exercises.engine import Exercise, Verdict, judge

__all__ = ["all_exercises", "check", "find", "hint", "solution"]

_MODULES = sorted(m.name for m in iter_modules(__path__) if m.name.startswith("chapter_"))

NOTEBOOKS = {name.split("_")[1]: name.removeprefix("chapter_") for name in _MODULES}
"""Each chapter's number and the name of its notebook; its solutions have the same name."""

_MISSING = object()
_hints_given: dict[str, int] = {}


@cache
def all_exercises() -> dict[str, Exercise]:
    """Return every exercise of the course by its id, in the order of the chapters."""
    modules = [import_module(f"{__name__}.{name}") for name in _MODULES]
    return {exercise.id: exercise for module in modules for exercise in module.EXERCISES}


def find(id: str) -> Exercise:
    """Return the exercise with this id.

    Parameters
    ----------
    id : str
        Chapter and name, as ``"02.conv2d"``.

    Raises
    ------
    KeyError
        If there is none; the message names those that are alike.
    """
    exercises = all_exercises()
    if not isinstance(id, str):
        example = next(iter(exercises))
        raise KeyError(f'The first argument must be the id of an exercise, such as "{example}".')
    if id in exercises:
        return exercises[id]
    number = id[1:] if id.startswith("0") and id[1:2].isdigit() else id  # as the heading has it
    alike = [known for known, e in exercises.items() if label(e) == f"Exercise {number}"]
    alike += difflib.get_close_matches(id, exercises, n=1)
    meant = f' Did you mean "{alike[0]}"?' if alike else ""
    raise KeyError(f'There is no exercise "{id}".{meant}')


def label(exercise: Exercise) -> str:
    """Return what a reader calls an exercise, as ``"Exercise 2.1"``: its place in its chapter."""
    chapter = exercise.id[:2]
    place = [id for id in all_exercises() if id[:2] == chapter].index(exercise.id) + 1
    return f"Exercise {int(chapter)}.{place}"


def check(id: str, answer: object = _MISSING, *more: object) -> None:
    """Show whether an answer is right, and if not, the likely mistake.

    Never raises, whatever the answer is or does. The answer is called with small inputs of the
    check's own; the inputs are copies, and nothing else of your notebook is looked at.

    Parameters
    ----------
    id : str
        The exercise, as ``"02.conv2d"``.
    answer : object
        Your function (not its result), or your value, as the exercise says.
    *more : object
        Leave this empty: put several values into one tuple or list.
    """
    exercise = _find_or_say(id)
    if exercise is None:
        return
    if answer is _MISSING:
        verdict = Verdict("not yet", f'Pass your answer as well: check("{id}", {exercise.name}).')
    elif more:
        verdict = Verdict("not yet", "Pass one answer: put several values into one list.")
    else:
        verdict = judge(exercise, answer)._replace(label=label(exercise))
    if verdict.outcome == "not attempted":
        sentence = f'{verdict.sentence} hint("{id}") helps you to begin.'
        verdict = verdict._replace(sentence=sentence)
    _show(verdict)


def hint(id: str) -> None:
    """Show the next hint for an exercise; each call gives a stronger one.

    Parameters
    ----------
    id : str
        The exercise, as ``"02.conv2d"``.
    """
    exercise = _find_or_say(id)
    if exercise is None:
        return
    count = len(exercise.hints)
    number = min(_hints_given.get(id, 0) + 1, count)
    _hints_given[id] = number
    after = f' This is the last hint; next comes solution("{id}").' if number == count else ""
    _show(_Message(f"Hint {number} of {count}: {exercise.hints[number - 1]}{after}"))


def solution(id: str) -> None:
    """Show where the solution of an exercise is: its notebook and heading.

    Parameters
    ----------
    id : str
        The exercise, as ``"02.conv2d"``.
    """
    exercise = _find_or_say(id)
    if exercise is None:
        return
    path = f"solutions/{NOTEBOOKS[id[:2]]}.ipynb"
    name = f"{label(exercise)}: {exercise.title}".rstrip(".")
    name += "" if name.endswith("?") else "."
    address = _repository(path)
    where = f"Its solution is in {path}." if address is None else f"Its solution: {address}"
    _show(_Message(f"{name} {where}", link=address or f"../{path}"))


def _find_or_say(id: str) -> Exercise | None:
    """Return the exercise with an id, or say that there is none."""
    try:
        return find(id)
    except KeyError as error:
        _show(_Message(str(error.args[0])))
        return None


def _repository(path: str) -> str | None:
    """Return the web address of a file of the course, if pip installed the package from one.

    Only pip knows it then: a notebook in Colab comes alone, without the folders beside it.
    """
    try:
        text = metadata.distribution("mnist_lib").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return None
    origin: dict[str, Any] = json.loads(text) if text else {}
    url = str(origin.get("url", "")).removesuffix(".git")
    if "vcs_info" not in origin or not url.startswith("https://github.com/"):
        return None
    revision = origin["vcs_info"].get("requested_revision", "main")
    if "google.colab" in sys.modules:
        url = url.replace("https://github.com/", "https://colab.research.google.com/github/")
    return f"{url}/blob/{revision}/{path}"


# --- Showing --------------------------------------------------------------------------------------


class _Message:
    """A sentence, with a link where the page can show one."""

    def __init__(self, text: str, link: str | None = None) -> None:
        self.text, self.link = text, link

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        link = f' <a href="{html.escape(self.link)}">Open it</a>.' if self.link else ""
        return f'<div role="status">{html.escape(self.text)}{link}</div>'


def _show(message: Verdict | _Message) -> None:
    """Show a message as HTML in a notebook, as text elsewhere."""
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        ipython.display.display(message)
        return
    text = repr(message)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, errors="replace").decode(encoding))
