"""Read the Python of a notebook's cell: lines that only IPython understands are replaced.

Nothing but the standard library is imported, so that the process that runs submissions starts fast.
"""

from __future__ import annotations

import ast
import re

LINE = re.compile(r"^(\s*)[%!].*$|^(\s*)[^#\n]*\?\s*$", re.MULTILINE)
"""A magic, a shell command or a question mark for help, alone on its line."""
ASSIGNED = re.compile(r"^(\s*\w+\s*=\s*)[%!].*$", re.MULTILINE)
"""The same with its result assigned to a name."""
CELL_OF_PYTHON = ("%%time", "%%timeit", "%%capture", "%%prun")
"""Cell magics below which Python follows; below all others something else does."""


def parse(source: str) -> ast.Module:
    """Return the syntax tree of a code cell; its line numbers are those of the cell.

    Raises
    ------
    SyntaxError
        If it is no Python; the message and the line are the cell's.
    """
    try:
        return ast.parse(source)
    except SyntaxError:
        # Tried second, because a line of plain Python may begin with % or end with a question mark.
        if source.lstrip().startswith("%%"):
            first, _, source = source.lstrip().partition("\n")
            if first.split()[0] not in CELL_OF_PYTHON:
                return ast.parse("")
            source = "\n" + source
        return ast.parse(LINE.sub(r"\1\2pass", ASSIGNED.sub(r"\1None", source)))
