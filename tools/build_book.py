"""Build the book into ``_build/html`` and say where it lies. Any warning stops the build.

python -m tools.build_book        # or: make book
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from mnist_lib.data import load_mnist
from tools.notebooks import ROOT


def main() -> int:
    """Build the book; return the exit code."""
    # Found (or fetched) once, here; otherwise each chapter would try the network for itself.
    os.environ["MNIST_LIB_SOURCE"] = load_mnist().source

    # A second run over the remains of a failed one would pass: what it does not read again, it
    # does not complain of. The notebooks' outputs stay in _build/.jupyter_cache.
    for remains in ("html", ".doctrees"):
        shutil.rmtree(ROOT / "_build" / remains, ignore_errors=True)
    command = [
        sys.executable,
        "-c",  # jupyter_book is no module to run with -m
        "from jupyter_book.cli.main import main; main()",
        "build",
        "--all",
        "-W",
        "-n",
        "--keep-going",
        ".",
    ]
    print("Building the book (the first time, every chapter is run: some minutes)", flush=True)
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    if code:
        print("The book was not built; the reason is in the lines above.", file=sys.stderr)
        return code
    print(f"\nThe book is in {(ROOT / '_build' / 'html').as_uri()}/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
