"""Run chapter 8's ablation on all training digits, and record what it measured.

    python -m tools.ablation    # on the full data: half an hour of CPU time

The cells of the chapter themselves are run, with ``LONG = True``. The record tells of each recipe
which validation digits it misread with each seed, and what its runs cost. From it the chapter
computes the table and draws the figures that stand beside the reader's own. It is
``mnist_lib/weights/ablation.json``.

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
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["MPLBACKEND"] = "agg"

import numpy as np

from mnist_lib._files import write_whole
from tools import notebooks

ROOT = Path(__file__).resolve().parent.parent
CHAPTER = ROOT / "chapters" / "08_accuracy.ipynb"
RECORD = ROOT / "mnist_lib" / "weights" / "ablation.json"

CELLS = (
    *("imports", "settings", "networks", "changes", "batches", "compiled", "run", "misread"),
    *("ablation", "several", "students"),
)
"""The cells of the chapter that measure, and those that these need."""

SHORT, LONG = "LONG = False", "LONG = True"


def measure(trial: str = "") -> dict[str, Any]:
    """Run the chapter's cells in this process, on the data that `load_mnist` gives.

    Parameters
    ----------
    trial : str
        Code that runs after the settings, such as one that takes fewer digits.

    Returns
    -------
    dict
        The chapter's variables.
    """
    sources = {cell.id: cell.source for cell in notebooks.read(CHAPTER).cells}
    sources["settings"] = sources["settings"].replace(SHORT, LONG)
    space: dict[str, Any] = {}
    for name in CELLS:
        exec(compile(sources[name], f"chapter 8, {name}", "exec"), space)
        if name == "settings":
            exec(trial, space)
    return space


def record_of(space: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Return what is kept of the chapter's variables; ``seconds`` is the CPU time of all cells."""
    from mnist_lib.backend import keras, tf

    costs = {name: [round(each, 1) for each in run["each"]] for name, run in space["runs"].items()}
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
                "CPU seconds": round(float(space["seconds"][name]), 1),  # a run and its tracing
                **({"CPU seconds of each run": costs[name]} if name in costs else {}),
                "misread": [np.flatnonzero(row).tolist() for row in rows],
            }
            for name, rows in space["wrong"].items()
        },
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
    options = parser.parse_args(arguments)
    os.environ["MNIST_LIB_SOURCE"] = options.source
    start = time.process_time()
    space = measure()
    write(record_of(space, time.process_time() - start), options.output)
    print(f"wrote {options.output}")


if __name__ == "__main__":
    main()
