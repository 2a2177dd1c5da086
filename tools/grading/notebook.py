"""Read one notebook, find its answers and call them; runs inside the sandbox.

It sends "ready", then why the notebook cannot be read (or nothing), then for each exercise one
message about the answer and one for each case. Nothing is compared here, and no expectation is
known here.
"""

from __future__ import annotations

import ast
import json
import linecache
import os
import re
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mnist_lib.exercises import engine
from tools.grading import answers
from tools.grading.answers import Statement
from tools.grading.messages import LENGTH, encode

CHECKED = re.compile(r"""^check\(\s*["'](\d\d\.\w+)["']""", re.MULTILINE)


class UnreadableError(Exception):
    """A submission is no notebook; the message says what it is."""


def read_cells(data: bytes) -> tuple[list[str], list[list[Any]]]:
    """Return the sources of a notebook's code cells, and the exercises that each belongs to.

    A cell belongs to an exercise if its metadata say so, or if it calls ``check`` for it. The file
    may be in UTF-8, UTF-16 or UTF-32, in nbformat 3 or 4. (To import `nbformat` would take ten
    times as long as to import NumPy.)
    """
    if not data.strip():
        raise UnreadableError("the file is empty")
    sources, owners = [], []
    try:
        notebook = json.loads(data)
        sheets = [notebook] if "cells" in notebook else notebook["worksheets"]
        for cell in (cell for sheet in sheets for cell in sheet["cells"]):
            if cell["cell_type"] == "code":
                source = "".join(cell["source"] if "source" in cell else cell["input"])
                exercise = (cell.get("metadata") or {}).get("exercise")
                sources.append(source)
                owners.append([exercise, *CHECKED.findall(source)])
    except (ValueError, RecursionError):  # what is no UTF-8 is a ValueError too
        raise UnreadableError("not JSON, so no notebook") from None
    except MemoryError:
        raise UnreadableError("it needs more memory than a submission may use") from None
    except (AttributeError, LookupError, TypeError):
        raise UnreadableError("JSON, but no notebook") from None
    return sources, owners


class Answer(NamedTuple):
    """What a notebook holds for one exercise, or why it holds nothing."""

    value: Any = None
    rank: int = 0  # 0: there is none; 1: another type; 2: a starter; 3: an answer
    trouble: str = ""  # what went wrong on the way; empty if nothing did


def find_answer(
    cells: Sequence[str],
    found: Sequence[Statement],
    broken: Mapping[int, str],
    name: str,
    own: set[int],
    *,
    is_function: bool,
) -> Answer:
    """Run the statements that an answer needs, and return the answer.

    What stands after the exercise's own cells counts only if there is no answer otherwise: readers
    copy cells, and use a name again for something else.
    """
    end = sum(statement.cell <= max(own, default=len(cells)) for statement in found)
    steps, all_steps = (answers.needed(found, name, place) for place in (end, len(found)))
    answer = _run(cells, steps, name, is_function)
    if answer.rank < 3 and all_steps != steps:
        answer = max(answer, _run(cells, all_steps, name, is_function), key=lambda a: a.rank)
    defines = re.compile(rf"^\s*(?:def\s+{name}\b|{name}\s*[:=])", re.MULTILINE)
    for number, said in broken.items() if not answer.rank else ():
        if defines.search(cells[number]) or (number in own and not answer.trouble):
            return Answer(trouble=f"Code cell {number + 1} is no valid Python: {said}")
    return answer


def _run(cells: Sequence[str], steps: Sequence[Statement], name: str, is_function: bool) -> Answer:
    """Run statements, each by itself; return the best of the values that the name had, or the last.

    The starter may stand below the answer, in a copy of its cell.
    """
    module = types.ModuleType("__main__")
    module.__dict__["display"] = lambda *shown, **options: None
    sys.modules["__main__"] = module  # data classes look their module up
    best, trouble = Answer(), ""
    for step in steps:
        file = f"<code cell {step.cell + 1}>"
        lines = cells[step.cell].splitlines(keepends=True)
        linecache.cache[file] = (len(cells[step.cell]), None, lines, file)
        try:
            exec(compile(ast.Module([step.node], []), file, "exec"), module.__dict__)
            if name in module.__dict__:
                value = module.__dict__[name]
                fits = callable(value) or not is_function
                rank = 3 - engine.is_untouched(value) if fits else 1
                best = max(Answer(value, rank), best, key=lambda answer: answer.rank)
        except BaseException as error:  # one statement does not spoil the others
            trouble = trouble or f"Code cell {step.cell + 1} raised {_said(error)}"
    if best.rank:
        module.__dict__[name] = best.value  # a function may call itself
    return best._replace(trouble=trouble)


def _said(error: BaseException) -> str:
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # an exception class of the student's own may fail here too
        lines = []
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


def run(exercises: list[dict[str, Any]], data: bytes, pipe: int) -> None:
    """Run the answers of a notebook and send what they return."""

    def send(message: bytes) -> None:
        rest = memoryview(LENGTH.pack(len(message)) + message)
        while rest:
            rest = rest[os.write(pipe, rest) :]

    send(b"ready")
    try:
        cells, owners = read_cells(data)
    except UnreadableError as error:
        return send(str(error).encode())
    statements, broken = answers.statements(cells)
    send(b"")
    me = os.getpid()
    for exercise in exercises:
        is_function = exercise["is_function"]
        own = {i for i, ids in enumerate(owners) if exercise["id"] in ids}
        name = exercise["name"]
        given = find_answer(cells, statements, broken, name, own, is_function=is_function)
        known = {"found": given.rank > 0, "callable": given.rank > 1, "untouched": given.rank == 2}
        send(encode(known | {"trouble": given.trouble}))
        for inputs in exercise["cases"]:
            result = engine.Result()
            if given.rank > 1:
                value = given.value
                result = engine.perform(value, inputs) if is_function else engine.result_of(value)
            if os.getpid() != me:
                os._exit(0)  # a copy that the answer made of this process
            try:
                message = encode(result._asdict())
            except Exception as error:  # too long, too deep, or changed while it was written
                what = "Your function returned" if is_function else "Your answer is"
                said = f"{what} something that cannot be sent ({_said(error)})"
                message = encode(engine.Result(error=said)._asdict())
            send(message)
    return None
