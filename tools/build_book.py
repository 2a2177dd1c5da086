"""Build the book into ``_build/html`` and say where it lies. Any warning stops the build.

python -m tools.build_book                      # or: make book
python -m tools.build_book --without-solutions  # or: make book SOLUTIONS=no
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys

import yaml

from mnist_lib.data import load_mnist
from tools.notebooks import ROOT


def contents(solutions: bool = True) -> str:
    """Return the text of ``_toc.yml``, on request without the part of the solutions."""
    text = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    if solutions:
        return text
    toc = yaml.safe_load(text)
    toc["parts"] = [part for part in toc["parts"] if part["caption"] != "Solutions"]
    return yaml.safe_dump(toc)


def build(solutions: bool = True) -> int:
    """Build the book; return the exit code."""
    # Found (or fetched) once, here; otherwise each chapter would try the network for itself.
    os.environ["MNIST_LIB_SOURCE"] = load_mnist().source

    # A second run over the remains of a failed one would pass: what it does not read again, it
    # does not complain of. The notebooks' outputs stay in _build/.jupyter_cache.
    for remains in ("html", ".doctrees"):
        shutil.rmtree(ROOT / "_build" / remains, ignore_errors=True)
    toc = ROOT / "_build" / "toc.yml"
    toc.parent.mkdir(exist_ok=True)
    toc.write_text(contents(solutions), encoding="utf-8")
    command = [
        sys.executable,
        "-c",  # jupyter_book is no module to run with -m
        "from jupyter_book.cli.main import main; main()",
        "build",
        "--all",
        "-W",
        "-n",
        "--keep-going",
        "--toc",
        str(toc),
        ".",
    ]
    print("Building the book (the first time, every chapter is run: some minutes)", flush=True)
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    if code:
        print("The book was not built; the reason is in the lines above.", file=sys.stderr)
        return code
    print(f"\nThe book is in {(ROOT / '_build' / 'html').as_uri()}/index.html")
    return 0


def main() -> int:
    """Build the book as the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tools.build_book")
    parser.add_argument("--without-solutions", action="store_true", help="for a term, say")
    return build(solutions=not parser.parse_args().without_solutions)


if __name__ == "__main__":
    sys.exit(main())
