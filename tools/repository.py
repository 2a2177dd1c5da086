"""Write the repository's address into every notebook: its Colab badge and its set-up cell.

The address lives in ``_config.yml`` alone (``repository: url:`` and ``branch:``). Run

    python tools/repository.py https://github.com/owner/name     # set a new address
    python tools/repository.py                                   # write the present one again
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "_config.yml"

# GitHub allows no underscore in an owner's name, so nobody can register this one, and no reader
# installs a stranger's code from it.
PLACEHOLDER = "https://github.com/YOUR_ORG/mnist-book"

BADGE = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/{repository}/blob/{branch}/{path})"
)

SETUP = """\
# Google Colab: install the course's package. Anywhere else, this cell does nothing.
import sys

if "google.colab" in sys.modules:
    %pip install --quiet "git+{url}@{branch}"
"""

SETUP_WITHOUT_ADDRESS = """\
# Google Colab: install the course's package. Anywhere else, this cell does nothing.
import sys

if "google.colab" in sys.modules:
    raise RuntimeError(
        "This copy of the course does not know its own address, so Colab cannot install "
        "its package. In a clone of the repository, run "
        "'make repository URL=https://github.com/owner/name', commit, and open it again."
    )
"""


def address() -> tuple[str, str]:
    """Return the repository's URL and branch as ``_config.yml`` gives them."""
    repository = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["repository"]
    return repository["url"], repository["branch"]


def badge(url: str, branch: str, path: str) -> str:
    """Return the Markdown of the Colab badge for the notebook at ``path`` in the repository."""
    repository = url.removeprefix("https://github.com/")
    return BADGE.format(repository=repository, branch=branch, path=path)


def setup(url: str, branch: str) -> str:
    """Return the code of the set-up cell."""
    template = SETUP_WITHOUT_ADDRESS if url == PLACEHOLDER else SETUP
    return template.format(url=url, branch=branch).rstrip("\n")


def notebooks() -> list[Path]:
    """Return the course's notebooks, chapters first."""
    return [path for room in ("chapters", "solutions") for path in sorted((ROOT / room).glob("*.ipynb"))]


def write_cells(path: Path, url: str, branch: str) -> None:
    """Write the badge and the set-up cell of one notebook (its second and third cell)."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].source = badge(url, branch, path.relative_to(ROOT).as_posix())
    notebook.cells[2].source = setup(url, branch)
    nbformat.write(notebook, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", nargs="?", help="https://github.com/owner/name")
    url = parser.parse_args().url
    if url is not None:
        url = url.rstrip("/").removesuffix(".git")
        if url != PLACEHOLDER and not re.fullmatch(r"https://github\.com/[A-Za-z0-9-]+/[\w.-]+", url):
            sys.exit(f"{url!r} is not a GitHub repository's address; it should look like https://github.com/owner/name")
        old, _ = address()
        text = CONFIG.read_text(encoding="utf-8")
        CONFIG.write_text(text.replace(old, url), encoding="utf-8")
    url, branch = address()
    for path in notebooks():
        write_cells(path, url, branch)
        print(f"{path.relative_to(ROOT)}: {url}")


if __name__ == "__main__":
    main()
