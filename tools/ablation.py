"""Run chapter 8's ablation on all training digits, and record what it measured.

    python -m tools.ablation              # on the full data: half an hour of CPU time
    python -m tools.ablation --variants   # only those: six minutes

The cells of the chapter themselves are run, with ``LONG = True``. The record tells of each recipe
which validation digits it misread with each seed, and what its runs cost. The same is kept of
a few variants, such as a recipe with one step left out. From it the chapter computes the tables and
draws the figures that stand beside the reader's own. It is ``mnist_lib/weights/ablation.json``.

It begins from nothing if it is stopped. A change of the recipes in the chapter needs a new record:
tests/test_ablation.py compares their names.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["MPLBACKEND"] = "agg"

import numpy as np

from mnist_lib import models
from mnist_lib._files import write_whole
from tools import notebooks

ROOT = Path(__file__).resolve().parent.parent
CHAPTER = ROOT / "chapters" / "08_accuracy.ipynb"
RECORD = ROOT / "mnist_lib" / "weights" / "ablation.json"

CELLS = (
    *("imports", "settings", "networks", "changes", "batches", "compiled", "run", "misread"),
    *("ablation-steps", "ablation", "several", "students"),
)
"""The cells of the chapter that measure, and those that these need."""

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "without one-cycle": ("augmentation", {"rate": 0.001, "cycle": False}),
    "without label smoothing": ("augmentation", {"smoothing": 0}),
    "without batch norm": ("augmentation", {"build": models.fast_cnn}),
    "higher rate alone": ("smaller network", {"rate": 0.008}),
}
"""Recipes beside the chapter's: which of its recipes each one is, and what is changed in that."""

SHORT, LONG = "LONG = False", "LONG = True"


def measure(trial: str = "", cells: Sequence[str] = CELLS) -> dict[str, Any]:
    """Run the chapter's cells in this process, on the data that `load_mnist` gives.

    Parameters
    ----------
    trial : str
        Code that runs after the settings, such as one that takes fewer digits.
    cells : sequence of str
        Their ids.

    Returns
    -------
    dict
        The chapter's variables.
    """
    sources = {cell.id: cell.source for cell in notebooks.read(CHAPTER).cells}
    sources["settings"] = sources["settings"].replace(SHORT, LONG)
    space: dict[str, Any] = {}
    for name in cells:
        exec(compile(sources[name], f"chapter 8, {name}", "exec"), space)
        if name == "settings":
            exec(trial, space)
    return space


def variants(space: Mapping[str, Any]) -> dict[str, list[list[int]]]:
    """Return the validation digits that each of the `VARIANTS` misreads, by seed."""
    recipes, recipe = {}, {}
    for name, change in space["ablation"].items():
        recipes[name] = recipe = recipe | change
    found = {}
    for name, (of, change) in VARIANTS.items():
        print(f"{name:25}", end="")
        rows = space["misread"](space["run"](**(recipes[of] | change)))
        print()
        found[name] = [np.flatnonzero(row).tolist() for row in rows]
    return found


def record_of(space: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Return what is kept of the chapter's variables; ``seconds`` is the CPU time of all cells."""
    from mnist_lib.backend import keras, tf

    runs = space["runs"].items()
    costs = {name: [round(each, 1) for each in run["seconds"]] for name, run in runs}
    return {
        "command": "python -m tools.ablation",
        "date": datetime.now(UTC).date().isoformat(),
        "data": {
            "source": f"MNIST, {space['mnist'].source}",
            "training": space["DIGITS"],
            "validation": len(space["y_val"]),
        },
        "seeds": list(space["SEEDS"]),
        "epochs": [space["SHORT"], space["LONGER"]],
        "batch_size": space["BATCH"],
        "recipes": {
            name: {
                "CPU seconds": round(float(space["seconds"][name]), 1),  # tracing not counted
                **({"CPU seconds of each run": costs[name]} if name in costs else {}),
                "misread": [np.flatnonzero(row).tolist() for row in rows],
            }
            for name, rows in space["wrong"].items()
        },
        "variants": variants(space),
        "CPU seconds": round(seconds),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
    }


def write(record: dict[str, Any], path: Path) -> None:
    """Write a record as JSON, each list of numbers on a line."""
    text = json.dumps(record, indent=1)
    text = re.sub(r"\[\s+([\d.,\s]+?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text)
    write_whole(path, (text + "\n").encode())


def main(arguments: list[str] | None = None) -> None:
    """Run the ablation and write its record."""
    parser = argparse.ArgumentParser(description="Run chapter 8's long ablation, and record it.")
    parser.add_argument("--output", type=Path, default=RECORD, help="file to write")
    parser.add_argument("--source", choices=["full", "sample"], default="full", help="of MNIST")
    parser.add_argument("--variants", action="store_true", help="only these; keep the rest")
    options = parser.parse_args(arguments)
    os.environ["MNIST_LIB_SOURCE"] = options.source
    start = time.process_time()
    if options.variants:
        record = json.loads(options.output.read_text(encoding="utf-8"))
        needed = CELLS[: CELLS.index("ablation")]
        record["variants"] = variants(measure(cells=needed))
    else:
        record = record_of(measure(), time.process_time() - start)
    write(record, options.output)
    print(f"wrote {options.output}")


if __name__ == "__main__":
    main()
