"""Run a notebook as a reader does who goes back: to its end, then again from last cell to first.

A cell that is run again in the same kernel must raise nothing and show what it showed before; times
and progress bars may differ. ``conftest.py`` gives this client to nbmake. Cells that took longer
than ``LONGEST_AGAIN`` seconds (they train a network, mostly) are not run a second time.

The clocks that measure run at another pace in the second pass, so that a measured time is never the
same by chance. A cell that measures must therefore show it with its unit; what is derived from it,
or drawn, belongs in a later cell, which is run again with the times of the first pass.
"""

from __future__ import annotations

import copy
import re
from datetime import datetime
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from tools.book_figures import FORM

LONGEST_AGAIN = 2.0

PACE = 3  # of the clocks in the second pass
CLOCKS = "perf_counter", "process_time", "thread_time"
LYING_CLOCKS = f"""
import time

def lying(clock):
    start = clock()
    return lambda: start + {PACE} * (clock() - start)

for name in {CLOCKS}:
    for form in (name, name + "_ns"):
        setattr(time, form, lying(getattr(time, form)))
"""

# What may change: colours, addresses, tqdm's bars, ratios of durations, durations, rates.
MASKS = [
    re.compile(r"\x1b\[[0-9;]*m"),
    re.compile(r"0x[0-9a-f]+"),
    re.compile(r"[^\r\n]*(?:\d+%\||\d+/\d+ \[|\d+it \[)[^\r\n]*"),
    re.compile(r" *[\d.,]+ ×(?! ?\d)"),
    re.compile(r" *[\d.,]+ ?(?:CPU )?(?:[mµn]?s|seconds|min|minutes)\b(?:/\w+)?"),
    re.compile(r" *[\d.,]+ \w+/s\b"),
]


def seconds_of(cell: NotebookNode) -> float:
    """Return how long an executed cell ran, in seconds of wall time."""
    stamps = [
        datetime.fromisoformat(stamp) for stamp in cell.metadata.get("execution", {}).values()
    ]
    return (max(stamps) - min(stamps)).total_seconds() if stamps else 0.0


def shown(cell: NotebookNode) -> dict[str, str]:
    """Return what a cell shows, by type of output, without what may change from run to run."""
    parts: dict[str, str] = {}
    for output in cell.outputs:
        data = {"text": output.text} if output.output_type == "stream" else output.get("data", {})
        if output.get("name") == "stderr":
            continue
        for form, content in data.items():
            if form == FORM:  # the same figure as image/png
                continue
            parts[form] = parts.get(form, "") + str(content)
    for form, text in parts.items():
        if form != "image/png":
            for mask in MASKS:
                text = mask.sub("", text)
            # A column of a table is as wide as its longest time.
            lines = (" ".join(line.split()) for line in re.split(r"[\r\n]+", text))
            parts[form] = "\n".join(filter(None, lines))
    return parts


def difference(first: NotebookNode, again: NotebookNode) -> str | None:
    """Return how a cell's second output differs from its first, if it does."""
    before, after = shown(first), shown(again)
    for form in sorted(before.keys() | after.keys()):
        old, new = before.get(form, ""), after.get(form, "")
        if old == new:
            continue
        if form.startswith("image/"):
            return "another picture"
        lines = zip([*old.splitlines(), ""], [*new.splitlines(), ""], strict=False)
        was, now = next((pair for pair in lines if pair[0] != pair[1]), (old, new))
        return f"{now.strip()!r} in place of {was.strip()!r}"
    return None


class GoingBack(NotebookClient):
    """nbclient's own, which goes back at the end.

    Afterwards ``cpu_seconds`` is what the kernel needed up to the end, without the second pass, and
    ``problems`` what that pass met.
    """

    cpu_seconds = 0.0
    problems: tuple[str, ...] = ()

    async def async_execute_cell(
        self, cell: NotebookNode, cell_index: int, **options: Any
    ) -> NotebookNode:
        """Execute a cell; after the last one, execute all of them again, from last to first."""
        done = await super().async_execute_cell(cell, cell_index, **options)
        if cell_index == len(self.nb.cells) - 1:
            self.cpu_seconds = await self._measure()
            self.problems = tuple(await self._go_back())
        return done

    async def _measure(self) -> float:
        figures = "filter(None, [__import__('sys').modules.get('book_figures')])"
        drawing = f"sum(each.Spent.seconds for each in {figures})"  # for the book, not for readers
        wanted = {"seconds": f"sum(__import__('os').times()[:4]) - {drawing}"}
        reply = await self.kc.execute_interactive("", silent=True, user_expressions=wanted)
        return float(reply["content"]["user_expressions"]["seconds"]["data"]["text/plain"])

    async def _go_back(self) -> list[str]:
        problems = []
        await self.kc.execute_interactive(f"exec({LYING_CLOCKS!r}, {{}})", silent=True)
        for index, cell in reversed(list(enumerate(self.nb.cells))):
            if cell.cell_type != "code" or seconds_of(cell) > LONGEST_AGAIN:
                continue
            again = copy.deepcopy(cell)
            try:
                await super().async_execute_cell(again, index)
            except CellExecutionError as error:
                problem = f"{error.ename}: {error.evalue}"
            except Exception as error:  # nbmake's, of a band that does not hold
                problem = str(error).partition("\n\n{")[0]
            else:
                problem = difference(cell, again)
            finally:
                self.nb.cells[index] = cell
            if problem:
                problems.append(f"cell {cell.get('id')}, run again after the end: {problem}")
        return problems
