"""Run one notebook's answers; runs inside the sandbox, where `processes` starts it.

It reads the exercises and the notebook from its standard input and sends, on its standard output,
"ready", then why the notebook cannot be read (or nothing), then for each exercise one message about
the answer and one for each case. Nothing is compared here, and no expectation is known here.
"""

from __future__ import annotations

import json
import linecache
import os
import re
import resource
import sys
import types
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

CHECKED = re.compile(r"""^check\(\s*["'](\d\d\.\w+)["']""", re.MULTILINE)


def limit(limits: dict[str, int]) -> None:
    """Limit this process and those that it starts."""
    for name, value in limits.items():
        # macOS has no limit of address space; the grader watches the memory itself.
        with suppress(OSError, ValueError):
            number = getattr(resource, name)
            hard = resource.getrlimit(number)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(number, (value, value))


# --- The notebook ---------------------------------------------------------------------------------


class UnreadableError(Exception):
    """A submission is no notebook; the message says what it is."""


def read_cells(data: bytes) -> tuple[list[str], list[list[str]]]:
    """Return the sources of a notebook's code cells, and the exercises that each belongs to.

    A cell belongs to an exercise if its metadata say so, or if it calls ``check`` for it.

    Parameters
    ----------
    data : bytes
        The file's content, in UTF-8, UTF-16 or UTF-32, in nbformat 3 or 4.

    Raises
    ------
    UnreadableError
        If it is no notebook.
    """
    if not data.strip():
        raise UnreadableError("the file is empty")
    try:
        notebook = json.loads(data)
        sheets = [notebook] if "cells" in notebook else notebook["worksheets"]
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
    except (ValueError, RecursionError):  # what is no UTF-8 is a ValueError too
        raise UnreadableError("not JSON, so no notebook") from None
    except MemoryError:
        raise UnreadableError("it needs more memory than a submission may use") from None
    except (LookupError, TypeError):
        raise UnreadableError("JSON, but no notebook") from None
    sources, owners = [], []
    for cell in cells:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", cell.get("input"))  # nbformat 4, 3
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(source, str):
            continue
        ids = CHECKED.findall(source)
        metadata = cell.get("metadata")
        if isinstance(metadata, dict) and isinstance(metadata.get("exercise"), str):
            ids.append(metadata["exercise"])
        sources.append(source)
        owners.append(ids)
    return sources, owners


# --- Its answers ----------------------------------------------------------------------------------


class Answer(NamedTuple):
    """What a notebook holds for one exercise, or why it holds nothing."""

    value: Any
    found: bool
    trouble: str  # what went wrong on the way; empty if nothing did


def find_answer(
    cells: Sequence[str], found: Sequence[Any], broken: dict[int, str], name: str, own: set[int]
) -> Answer:
    """Run the statements that an answer needs, each by itself, and return the answer.

    Parameters
    ----------
    cells : sequence of str
    found : sequence of answers.Statement
        What `answers.needed` returns.
    broken : dict
        What is wrong in cells that are no Python, by their number.
    name : str
    own : set of int
        The numbers of the exercise's cells.
    """
    import ast

    module = types.ModuleType("__main__")
    module.__dict__["display"] = lambda *shown, **options: None
    sys.modules["__main__"] = module  # data classes look their module up
    trouble = ""
    for statement in found:
        number = statement.cell + 1
        file = f"<code cell {number}>"
        lines = cells[statement.cell].splitlines(keepends=True)
        linecache.cache[file] = (len(cells[statement.cell]), None, lines, file)
        try:
            exec(compile(ast.Module([statement.node], []), file, "exec"), module.__dict__)
        except BaseException as error:  # one statement does not spoil the others
            trouble = trouble or f"Code cell {number} raised {_said(error)}"
    if name in module.__dict__:
        return Answer(module.__dict__[name], True, trouble)
    defines = re.compile(rf"^\s*(?:def\s+{name}\b|{name}\s*[:=])", re.MULTILINE)
    for number, said in broken.items():
        if defines.search(cells[number]) or (number in own and not trouble):
            return Answer(None, False, f"Code cell {number + 1} is no valid Python: {said}")
    return Answer(None, False, trouble)


def _said(error: BaseException) -> str:
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # an exception class of the student's own may fail here too
        lines = []
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


def run(exercises: list[dict[str, Any]], data: bytes, pipe: int) -> None:
    """Run the answers of a notebook and send what they return."""
    from mnist_lib.exercises import engine
    from tools.grading import answers
    from tools.grading.messages import encode

    def send(message: bytes) -> None:
        rest = memoryview(len(message).to_bytes(4, "big") + message)
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
        name, function = exercise["name"], exercise["is_function"]
        own = {i for i, ids in enumerate(owners) if exercise["id"] in ids}
        needed = answers.needed(statements, name, own, is_function=function)
        given = find_answer(cells, needed, broken, name, own)
        untouched = given.found and engine.is_untouched(given.value)
        known = {"found": given.found, "callable": callable(given.value), "untouched": untouched}
        send(encode(known | {"trouble": given.trouble}))
        for inputs in exercise["cases"]:
            if not given.found or (function and not callable(given.value)):
                result = engine.Result()
            elif function:
                result = engine.perform(given.value, inputs)
            else:
                result = engine.result_of(given.value)
            if os.getpid() != me:
                os._exit(0)  # a copy that the answer made of this process
            try:
                message = encode(result._asdict())
            except Exception as error:  # too long, too deep, or changed while it was written
                what = "Your function returned" if function else "Your answer is"
                said = f"{what} something that cannot be sent ({_said(error)})"
                message = encode(engine.Result(error=said)._asdict())
            send(message)
    return None


def main() -> None:
    """Take on limits, read the request, run the answers."""
    how = json.loads(sys.argv[1])
    limit(how["limits"])
    if how["user"] is not None:
        os.setgroups([])
        os.setgid(how["user"])
        os.setuid(how["user"])
    with os.fdopen(os.dup(0), "rb") as file:
        request = file.read()
    pipe = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream, source in ((0, nothing), (1, nothing if how["quiet"] else 2)):
        os.dup2(source, stream)
    from tools.grading.messages import LENGTH, decode

    (length,) = LENGTH.unpack_from(request)
    end = LENGTH.size + length
    exercises = decode(request[LENGTH.size : end])
    run(exercises, request[end:], pipe)
    os._exit(0)  # what a student registered for the end, or left running, has no say


if __name__ == "__main__":
    main()
