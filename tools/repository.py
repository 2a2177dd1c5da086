"""Write the repository's address wherever readers meet it.

The address lives in ``_config.yml`` alone (``repository: url:`` and ``branch:``); the Colab badge
and the set-up cell of every notebook, the README and the book's pages repeat it. Run

    python -m tools.repository https://github.com/owner/name     # set a new address
    python -m tools.repository                                   # write the present one again
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent

# GitHub allows no underscore in an owner's name: nobody can register this one, so that no reader
# installs a stranger's code from it.
PLACEHOLDER = "https://github.com/YOUR_ORG/mnist-book"

# Words, not Colab's picture, which comes from another host and is broken without a network.
BADGE = "[Open this notebook in Colab]({address})"

SETUP = """\
# Find the course's package.
import sys
from importlib.util import find_spec
{install}
if find_spec("mnist_lib") is None:
    raise ModuleNotFoundError(
        "The course's package, mnist_lib, is not installed. In its folder, "
        f"run: {{sys.executable}} -m pip install -r requirements.txt"{colab}
    )
"""

INSTALL = """
if "google.colab" in sys.modules:
    %pip install --quiet "git+{url}@{branch}"
"""

WITHOUT_ADDRESS = """
        " (for Colab: make repository URL=https://github.com/owner/name)\""""

KERAS = """
# Start Keras here, where TensorFlow's notes on its start are kept back.
import mnist_lib.backend
"""

STARTS_KERAS = re.compile(
    r"^\s*(?:(?:import|from) (?:keras|tensorflow)\b"
    r"|from mnist_lib(?:\.| import .*\b)(?:explanation|export|models|serving|training)\b)",
    re.MULTILINE,
)


def address(root: Path = ROOT) -> tuple[str, str]:
    """Return the repository's URL and branch as ``_config.yml`` gives them."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    return config["repository"]["url"], config["repository"]["branch"]


def colab(url: str, branch: str, path: str) -> str:
    """Return where Colab opens the notebook at ``path`` in the repository."""
    repository = url.removeprefix("https://github.com/")
    return f"https://colab.research.google.com/github/{repository}/blob/{branch}/{path}"


def badge(url: str, branch: str, path: str) -> str:
    """Return the Markdown of the link to Colab for the notebook at ``path`` in the repository."""
    return BADGE.format(address=colab(url, branch, path))


def setup(url: str, branch: str, cells: Iterable[nbformat.NotebookNode] = ()) -> str:
    """Return the code of the set-up cell of the notebook that goes on with ``cells``."""
    if url == PLACEHOLDER:
        code = SETUP.format(install="", colab=WITHOUT_ADDRESS)
    else:
        code = SETUP.format(install=INSTALL.format(url=url, branch=branch), colab="")
    if any(cell.cell_type == "code" and STARTS_KERAS.search(cell.source) for cell in cells):
        code += KERAS
    return code.rstrip("\n")


def notebooks(root: Path = ROOT) -> list[Path]:
    """Return the course's notebooks, chapters first."""
    return sorted((root / "chapters").glob("*.ipynb")) + sorted(
        (root / "solutions").glob("*.ipynb")
    )


def pages(root: Path = ROOT) -> list[Path]:
    """Return the other files in which the address stands."""
    return [root / "_config.yml", root / "README.md", *sorted((root / "book").glob("*.md"))]


def main() -> None:
    """Set or repeat the address, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", nargs="?", help="https://github.com/owner/name")
    new = parser.parse_args().url
    old, branch = address()
    url = old if new is None else new.rstrip("/").removesuffix(".git")
    if url != PLACEHOLDER and not re.fullmatch(r"https://github\.com/[\w-]+/[\w.-]+", url):
        sys.exit(
            f"{new!r} is not the address of a GitHub repository; nothing was changed. "
            "It should look like https://github.com/owner/name"
        )
    for path in pages():
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(old, url), encoding="utf-8")
    for path in notebooks():
        notebook = nbformat.read(path, as_version=4)
        notebook.cells[1].source = badge(url, branch, path.relative_to(ROOT).as_posix())
        notebook.cells[2].source = setup(url, branch, notebook.cells[3:])
        nbformat.write(notebook, path)
    print(f"The repository's address is {url} (branch {branch}).")


if __name__ == "__main__":
    main()
