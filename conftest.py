"""How the course's notebooks are run: ``pytest --nbmake chapters solutions``.

A chapter runs on the sample of MNIST; with ``MNIST_LIB_SOURCE=full`` set, on all of it. Beyond what
nbmake checks (no cell fails, every band asserted in a cell's metadata holds), a chapter fails here

* if it costs more CPU time than it may, or so much more or less than its Time line says that the
  machine cannot be the reason (the table marks every difference beyond a factor of 1.5);
* if it writes anything to stderr, from Python or from a library's own code: warnings, notes;
* if a picture has no alternative text, an alternative text no picture, or if a cell is silent for
  long: neither a line of text nor a progress bar moves;
* if a reader who goes back, and runs its cells again from last to first, meets an error or another
  result (``tools/going_back.py``; what that costs is not counted);
* if the starter of an exercise is not found *not attempted*, or in the solutions an answer is not
  found *correct*: a failed check raises nothing.

One table of the times ends the run. CPU seconds depend on the machine, so they are divided by the
machine's own slowness: the CPU time of a fixed piece of work, measured in the same run, over what
that work cost where the Time lines were measured.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Generator
from datetime import datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest.mock import patch

import nbformat
import pytest

from tools.going_back import GoingBack
from tools.notebooks import (
    alt_text,
    ignore_user_settings,
    keep_outputs,
    limits_of,
    read,
    stated_times,
)

MARKED = 1.5  # a Time line that is off by more is marked in the table and should be measured again
TOLERANCE = 2.5  # by more than this, it fails: other processors and busy cores explain about 1.8
LONGEST_SILENCE = 30  # seconds; 10 are meant, but the clock also counts what a small machine waits

# Work like the chapters': about half of it is importing Keras, half training.
REFERENCE = """
import mnist_lib.backend, keras, numpy as np
layers = keras.layers
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(),
    layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(),
    layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(10, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy")
images = np.random.default_rng(0).random((8192, 28, 28, 1), dtype="float32")
model.fit(images, np.arange(8192) % 10, batch_size=64, verbose=0)
"""
REFERENCE_SECONDS = 9.0  # CPU seconds where the Time lines were measured

ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Run(NamedTuple):
    """What running one notebook cost, in seconds of CPU time (both cores together)."""

    name: str
    source: str
    seconds: float
    slow: float  # of the machine that ran it
    stated: int | None
    silence: str  # the cell that was silent for longest, and how long

    @property
    def scaled(self) -> float:
        """The seconds that it would have cost on the reference machine."""
        return self.seconds / self.slow


def cpu_seconds() -> float:
    """Return the CPU time of all finished children; Windows does not tell, and says 0."""
    times = os.times()
    return times.children_user + times.children_system


@cache
def slowness() -> float:
    """Return the CPU time of the reference work here over that on the reference machine."""
    start = cpu_seconds()
    subprocess.run([sys.executable, "-c", REFERENCE], check=True)
    return (cpu_seconds() - start) / REFERENCE_SECONDS or 1.0


def is_notebook(item: pytest.Item) -> bool:
    """Return whether an item is one of nbmake's."""
    return getattr(item, "nbmake", False)


def name_of(item: pytest.Item) -> str:
    """Return the notebook's path in the repository."""
    return item.path.relative_to(item.config.rootpath).as_posix()


# --- What is seen in an executed notebook ------------------------------------------------------


class Recorder(GoingBack):
    """A client that notes in each cell when the kernel sent something: start, output, end."""

    def process_message(
        self, msg: dict[str, Any], cell: nbformat.NotebookNode, cell_index: int
    ) -> nbformat.NotebookNode | None:
        """Note the time of a message, and treat it as every client does."""
        cell.metadata.setdefault("messages", []).append(msg["header"]["date"].isoformat())
        return super().process_message(msg, cell, cell_index)


def silence_of(cell: nbformat.NotebookNode) -> float:
    """Return how long a cell showed nothing new, in seconds of wall time."""
    times = [datetime.fromisoformat(time) for time in cell.metadata.get("messages", [])]
    return max(((b - a).total_seconds() for a, b in pairwise(times)), default=0.0)


def pace_of(notebook: nbformat.NotebookNode, seconds: float) -> float:
    """Return the fraction of its wall time that a run of so many CPU seconds worked, at most 1.

    A machine that does other things too makes every silence longer by the same factor.
    """
    messages = [time for cell in notebook.cells for time in cell.metadata.get("messages", [])]
    times = [datetime.fromisoformat(time) for time in messages]
    if not times or seconds == 0:
        return 1.0
    return min(1.0, seconds / max(1.0, (max(times) - min(times)).total_seconds()))


def verdicts_of(cell: nbformat.NotebookNode) -> list[str]:
    """Return what the checks in a cell said, as text."""
    texts = [o.get("data", {}).get("text/plain", "") for o in cell.outputs]
    return [text for text in texts if re.match(r"[✓✗○] Exercise", text)]


def problems_of(notebook: nbformat.NotebookNode, folder: str, pace: float = 1.0) -> list[str]:
    """Return what is wrong with the output of a notebook that ran at such a pace, without error."""
    problems = []
    expected = {"chapters": "○ Exercise", "solutions": "✓ Exercise"}.get(folder, "")
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        if text := "".join(o.text for o in cell.outputs if o.get("name") == "stderr").strip():
            problems.append(f"cell {cell.id} writes to stderr: {text}")
        # A figure to move carries its alternative text in its HTML.
        data = [o.get("data", {}) for o in cell.outputs]
        shown = [each for each in data if '<img alt="' not in each.get("text/html", "")]
        drawn = any(t.startswith("image/") for each in shown for t in each)
        if drawn and not alt_text(cell):
            problems.append(f"cell {cell.id} draws a figure and has no alternative text")
        if alt_text(cell) and not drawn:
            problems.append(f"cell {cell.id} has an alternative text and shows no picture")
        if (seconds := pace * silence_of(cell)) > LONGEST_SILENCE:
            problems.append(f"cell {cell.id} shows nothing new for {seconds:.0f} s")
        if "exercise" in cell.metadata:
            said = verdicts_of(cell)
            if len(said) != 1 or not said[0].startswith(expected):
                problems.append(f"cell {cell.id}: expected one line '{expected} …', found {said}")
    return problems


def off(run: Run) -> str:
    """Return a mark if the Time line is off by more than the factor that readers are promised."""
    if run.stated is None or run.seconds == 0:
        return " "
    return " " if 1 / MARKED <= run.scaled / run.stated <= MARKED else "!"


def problems_of_time(run: Run) -> list[str]:
    """Return how a chapter's CPU time breaks its limit or its Time line."""
    if run.stated is None or run.seconds == 0:
        return []
    what = (
        f"{run.scaled:.0f} CPU s on the {run.source} data"
        f" ({run.seconds:.0f} here, {run.slow:.2f} × slow)"
    )
    problems = []
    limit = limits_of(run.name)[run.source]
    if run.scaled > limit:
        problems.append(f"{what}; the limit is {limit}")
    if not run.stated / TOLERANCE <= run.scaled <= run.stated * TOLERANCE:
        problems.append(f"{what}; its Time line says {run.stated}")
    return problems


def broken_band(path: Path, message: str) -> str | None:
    """Return a readable message when an assertion of nbmake's ``post_cell_execute`` failed."""
    head = "Post cell execution failed:\n"
    if not message.startswith(head):
        return None
    statements = message[len(head) :].partition("\n\n{")[0]
    cells = [
        cell.id
        for cell in read(path).cells
        if "\n".join(cell.metadata.get("nbmake", {}).get("post_cell_execute", [])) == statements
    ]
    error = re.search(
        r"""'ename': '(\w+)', 'evalue': ('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""", message
    )
    reason = f"{error[1]}: {ast.literal_eval(error[2])}" if error else message
    lines = statements.splitlines()
    if at := re.search(r"-+> (\d+) ", ANSI.sub("", message.replace(r"\x1b", "\x1b"))):
        lines = [f"{'>' if i == int(at[1]) else ' '} {line}" for i, line in enumerate(lines, 1)]
    return f"cell {' or '.join(cells)}: a band does not hold\n  " + "\n  ".join([*lines, reason])


# --- nbmake's items ---------------------------------------------------------------------------

CLIENT = pytest.StashKey[Recorder]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the notebooks first, and the tests of the site, which shows their outputs, last."""
    items.sort(
        key=lambda item: (not is_notebook(item), item.get_closest_marker("site") is not None)
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Run a notebook on the sample and without the user's settings, and time it."""
    if not is_notebook(item):
        return (yield)
    from nbmake import nb_run

    class Client(Recorder):
        """A recorder that can be looked at after the run."""

        def __init__(self, nb: nbformat.NotebookNode, **options: Any) -> None:
            super().__init__(nb, **options)
            item.stash[CLIENT] = self
            # pytest has just set it; ipykernel then hides what libraries write to descriptor 2.
            os.environ.pop("PYTEST_CURRENT_TEST", None)

    slowness()
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as settings,
        patch.dict(os.environ),
        patch.object(nb_run, "NotebookClient", Client),
    ):
        ignore_user_settings(Path(settings))
        os.environ.setdefault("MNIST_LIB_SOURCE", "sample")
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say plainly which band broke; fail a chapter that ran, and ran too long or too loudly."""
    report = yield
    if not is_notebook(item) or call.when != "call":
        return report
    problems = []
    if call.excinfo is not None:
        if broken := broken_band(item.path, str(call.excinfo.value)):
            problems.append(broken)
    else:
        client = item.stash[CLIENT]
        notebook = client.nb
        pace = pace_of(notebook, client.cpu_seconds)
        silences = {c.id: pace * silence_of(c) for c in notebook.cells if c.cell_type == "code"}
        longest = max(silences, key=silences.__getitem__)
        source = os.environ.get("MNIST_LIB_SOURCE", "sample")
        run = Run(
            name_of(item),
            source,
            client.cpu_seconds,
            slowness(),
            stated_times(notebook).get(source),
            f"{longest} {silences[longest]:.0f} s",
        )
        report.user_properties.append(("run", tuple(run)))  # this reaches the table from a worker
        problems = [
            *problems_of(notebook, item.path.parent.name, pace),
            *problems_of_time(run),
            *client.problems,
        ]
        if not problems:  # the book shows them instead of running the notebook again
            keep_outputs(item.path, notebook, item.config.rootpath, source)
    if problems:
        report.outcome = "failed"
        report.longrepr = "\n".join(f"{name_of(item)}: {problem}" for problem in problems)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of times."""
    reports = [r for result in ("passed", "failed") for r in terminalreporter.getreports(result)]
    runs = sorted(Run(*value) for r in reports for key, value in r.user_properties if key == "run")
    if not runs:
        return
    write = terminalreporter.write_line
    terminalreporter.section("running times of the notebooks, in CPU seconds")
    slow = sum(run.slow for run in runs) / len(runs)
    write(f"This machine spends {slow:.2f} × the reference machine's CPU time on the same work.")
    width = max(len(run.name) for run in runs)
    write(f"{'notebook':{width}}  data    here  scaled  Time line  limit  longest silence")
    for run in runs:
        stated = "–" if run.stated is None else run.stated
        write(
            f"{run.name:{width}}  {run.source:6}{run.seconds:6.1f}{run.scaled:8.1f}"
            f"{stated:>11}{off(run)}{limits_of(run.name)[run.source]:>6}  {run.silence}"
        )
