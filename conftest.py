"""How the course's notebooks are run: ``pytest --nbmake chapters solutions``.

A chapter runs on the sample of MNIST; with ``MNIST_LIB_SOURCE=full`` set, on all of it. Beyond what
nbmake checks (no cell fails, every band asserted in a cell's metadata holds), a chapter fails here

* if it costs more CPU time than it may, or so much more or less than its Time line says that the
  machine cannot be the reason (the table marks every difference beyond a factor of 1.5);
* if it prints warnings (everything on stderr but progress bars);
* if a figure comes out without alternative text, or a long cell without a progress bar;
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
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import pytest

from tools.notebooks import LIMITS, alt_text, read, stated_times

MARKED = 1.5  # a Time line that is off by more is marked in the table, to be stated anew
TOLERANCE = 2.5  # by more than this, it fails: other processors and busy cores explain about 1.8
LONGEST_SILENCE = 30  # seconds; 10 are meant, but the clock also counts what else the machine does

# Work of the chapters' kind: about half of it is importing Keras, half training.
REFERENCE = """
import keras, numpy as np
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

PROGRESS = re.compile(r"\d+%\||\d+/\d+ \[|\d+it \[")  # tqdm's bars
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Run(NamedTuple):
    """What running one notebook cost, in seconds of CPU time (both cores) and its slowest cell."""

    name: str
    source: str
    seconds: float
    stated: int | None
    slowest: str


def cpu_seconds() -> float:
    """Return the CPU time of all finished children; Windows does not tell, and says 0."""
    times = os.times()
    return times.children_user + times.children_system


@cache
def slowness() -> float:
    """Return the CPU time of the reference work here over that on the reference machine."""
    start = cpu_seconds()
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-c", REFERENCE], check=True, env=environment)
    return (cpu_seconds() - start) / REFERENCE_SECONDS or 1.0


def is_notebook(item: pytest.Item) -> bool:
    """Return whether an item is one of nbmake's."""
    return getattr(item, "nbmake", False)


def name_of(item: pytest.Item) -> str:
    """Return the notebook's path in the repository."""
    return item.path.relative_to(item.config.rootpath).as_posix()


# --- What is seen in an executed notebook ------------------------------------------------------


def warnings_in(cell: nbformat.NotebookNode) -> str:
    """Return what a cell wrote to stderr, progress bars left out."""
    text = "".join(o.text for o in cell.outputs if o.get("name") == "stderr")
    lines = re.split(r"[\r\n]+", ANSI.sub("", text))
    return "\n".join(line for line in lines if line.strip() and not PROGRESS.search(line))


def silence_of(cell: nbformat.NotebookNode) -> float:
    """Return how long a cell ran without a progress bar, in seconds of wall time."""
    times = cell.metadata.get("execution", {})
    if any("\r" in o.get("text", "") for o in cell.outputs) or len(times) < 2:
        return 0.0
    stamps = [datetime.fromisoformat(stamp) for stamp in times.values()]
    return (max(stamps) - min(stamps)).total_seconds()


def verdicts_of(cell: nbformat.NotebookNode) -> list[str]:
    """Return what the checks in a cell said, as text."""
    texts = [o.get("data", {}).get("text/plain", "") for o in cell.outputs]
    return [text for text in texts if re.match(r"[✓✗○] Exercise", text)]


def problems_of(notebook: nbformat.NotebookNode, room: str) -> list[str]:
    """Return what is wrong with the output of a notebook that ran without an error."""
    problems = []
    wanted = {"chapters": "○ Exercise", "solutions": "✓ Exercise"}.get(room, "")
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        if text := warnings_in(cell):
            problems.append(f"cell {cell.id} writes to stderr: {text}")
        if any("image/png" in o.get("data", {}) for o in cell.outputs) and not alt_text(cell):
            problems.append(f"cell {cell.id} draws a figure and has no alternative text")
        if (seconds := silence_of(cell)) > LONGEST_SILENCE:
            problems.append(f"cell {cell.id} runs {seconds:.0f} s without a progress bar")
        if "exercise" in cell.metadata:
            said = verdicts_of(cell)
            if len(said) != 1 or not said[0].startswith(wanted):
                problems.append(f"cell {cell.id}: one line {wanted} … is wanted, came {said}")
    return problems


def off(run: Run) -> str:
    """Return a mark if the Time line is off by more than the factor that readers are promised."""
    if run.stated is None or run.seconds == 0:
        return " "
    ratio = run.seconds / slowness() / run.stated
    return " " if 1 / MARKED <= ratio <= MARKED else "!"


def problems_of_time(run: Run, slow: float) -> list[str]:
    """Return how a chapter's CPU time breaks its limit or its Time line."""
    if run.stated is None or run.seconds == 0:
        return []
    seconds = run.seconds / slow
    what = (
        f"{seconds:.0f} CPU s on the {run.source} data ({run.seconds:.0f} here, {slow:.2f} × slow)"
    )
    problems = []
    if seconds > LIMITS[run.source]:
        problems.append(f"{what}; the limit is {LIMITS[run.source]}")
    if not run.stated / TOLERANCE <= seconds <= run.stated * TOLERANCE:
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
    came = f"{error[1]}: {ast.literal_eval(error[2])}" if error else message
    lines = statements.splitlines()
    if at := re.search(r"-+> (\d+) ", ANSI.sub("", message.replace(r"\x1b", "\x1b"))):
        lines = [f"{'>' if i == int(at[1]) else ' '} {line}" for i, line in enumerate(lines, 1)]
    return f"cell {' or '.join(cells)}: a band does not hold\n  " + "\n  ".join([*lines, came])


# --- nbmake's items ----------------------------------------------------------------------------

RUNS = pytest.StashKey[list[Run]]()
EXECUTED = pytest.StashKey[nbformat.NotebookNode]()
SECONDS = pytest.StashKey[float]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin the table."""
    config.stash[RUNS] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Run a notebook with the sample and without the user's IPython settings, and time it."""
    if not is_notebook(item):
        return (yield)
    from nbmake import pytest_items

    class NotebookRun(pytest_items.NotebookRun):
        """nbmake's own; keeps the executed notebook, which nbmake throws away."""

        def execute(self) -> Any:
            result = super().execute()
            item.stash[EXECUTED] = result.nb
            return result

    slowness()
    settings = item.config._tmp_path_factory.getbasetemp() / "ipython"  # a folder of this run alone
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pytest_items, "NotebookRun", NotebookRun)
        patch.setenv("MNIST_LIB_SOURCE", os.environ.get("MNIST_LIB_SOURCE", "sample"))
        patch.setenv("IPYTHONDIR", str(settings))
        start = cpu_seconds()
        try:
            return (yield)
        finally:
            item.stash[SECONDS] = cpu_seconds() - start


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
        source = os.environ.get("MNIST_LIB_SOURCE", "sample")
        notebook = item.stash[EXECUTED]
        silences = {c.id: silence_of(c) for c in notebook.cells if c.cell_type == "code"}
        slowest = max(silences, key=silences.__getitem__)
        run = Run(
            name_of(item),
            source,
            item.stash[SECONDS],
            stated_times(notebook).get(source),
            f"{slowest} {silences[slowest]:.0f} s",
        )
        item.config.stash[RUNS].append(run)
        problems = problems_of(notebook, item.path.parent.name) + problems_of_time(run, slowness())
    if problems:
        report.outcome = "failed"
        report.longrepr = "\n".join(f"{name_of(item)}: {problem}" for problem in problems)
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the table of times."""
    runs = config.stash[RUNS]
    if not runs:
        return
    write = terminalreporter.write_line
    terminalreporter.section("running times of the notebooks, in CPU seconds")
    write(
        f"This machine spends {slowness():.2f} × the reference machine's CPU time on the same work."
    )
    width = max(len(run.name) for run in runs)
    write(f"{'notebook':{width}}  data    here  scaled  Time line  limit  longest without a bar")
    for run in runs:
        stated = "–" if run.stated is None else run.stated
        write(
            f"{run.name:{width}}  {run.source:6}{run.seconds:6.1f}{run.seconds / slowness():8.1f}"
            f"{stated:>11}{off(run)}{LIMITS[run.source]:>6}  {run.slowest}"
        )
