"""Read the course's notebooks, and run them the same way on every machine, in book and tests."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn

ROOT = Path(__file__).resolve().parent.parent

TIME = re.compile(
    r"\*\*Time\*\* · (?P<reading>\d+) min reading"
    r" · running: (?P<sample>\d+) s on the sample, (?P<full>\d+) s on the full data"
)
FIGURES = Path(__file__).with_name("book_figures.py")
"""What kernels load to draw each figure for the book as well."""

LIMITS = {"sample": 60, "full": 180}
"""What a chapter may cost to run: CPU seconds, both cores together, on the reference machine."""

OWN_LIMITS = {"10_scaling": {"sample": 90}}
"""What a chapter may cost instead: chapter 10 starts TensorFlow in six more processes."""


def limits_of(name: str) -> dict[str, int]:
    """Return what a notebook may cost to run, by data; ``name`` is its path."""
    return LIMITS | OWN_LIMITS.get(Path(name).stem, {})


def read(path: Path) -> nbformat.NotebookNode:
    """Return the notebook at ``path``; unlike ``nbformat.read``, mend none of its faults."""
    return nbformat.reader.reads(path.read_text(encoding="utf-8"))


def stated_times(notebook: nbformat.NotebookNode) -> dict[str, int]:
    """Return what the Time line states: reading in minutes, sample and full in CPU seconds."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (match := TIME.search(cell.source)):
            return {key: int(value) for key, value in match.groupdict().items()}
    return {}


def alt_text(cell: nbformat.NotebookNode) -> str:
    """Return what a cell's figure says to those who cannot see it."""
    return cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")


def slug(heading: str) -> str:
    """Return the anchor that GitHub, and MyST after it, give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


HEAD = re.compile(r"\A##+ [^\n]*\n\n[★]+ · \d+ minutes?\n\n")
LINK = re.compile(r"\n\n\[(?:Solution|Back to the chapter)\]\([^\n]*\)\s*\Z")


def exercise_id(cell: nbformat.NotebookNode) -> str | None:
    """Return the id of the exercise that a cell belongs to."""
    found: str | None = cell.metadata.get("exercise")
    return found


def statement(source: str) -> str:
    """Return an exercise's text without its head and its link."""
    return LINK.sub("", HEAD.sub("", source)).strip()


def ignore_user_settings(folder: Path) -> None:
    """Set the environment variables under which kernels start alike, whatever the user has set.

    Matplotlib draws into the notebook and begins with its own defaults, IPython has an empty
    profile but for the figures that the book shows (`tools.book_figures`), and Keras has TensorFlow
    and its default settings.

    Parameters
    ----------
    folder : Path
        An empty folder, for the settings that these programs look for. It must stay until the
        kernels end.
    """
    home = Path(os.path.expanduser(os.environ.get("KERAS_HOME") or "~/.keras"))
    mnist = home / "datasets" / "mnist.npz"  # not a setting: what was downloaded is still used
    if mnist.is_file():
        (folder / "keras" / "datasets").mkdir(parents=True)
        shutil.copy(mnist, folder / "keras" / "datasets")
    (folder / "matplotlibrc").touch()
    profile = folder / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (folder / "extensions").mkdir()
    shutil.copy(FIGURES, folder / "extensions")
    (profile / "ipython_kernel_config.py").write_text(
        f"import sys\nsys.path.append({str(folder / 'extensions')!r})\n"
        f"c.IPKernelApp.extensions = [{FIGURES.stem!r}]\n",
        encoding="utf-8",
    )
    os.environ |= {
        "IPYTHONDIR": str(folder / "ipython"),
        "KERAS_BACKEND": "tensorflow",
        "KERAS_HOME": str(folder / "keras"),
        "MATPLOTLIBRC": str(folder / "matplotlibrc"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    os.environ.pop("PYTHONSTARTUP", None)


def cache_folder(root: Path, source: str) -> Path:
    """Return the folder in which the book keeps outputs, named after all that they depend on.

    Jupyter Book's cache looks at a notebook's own cells only; a change in the package, in the
    environment or from the sample to the full data would leave old outputs on the page.
    """
    digest = hashlib.sha256(source.encode())
    package = sorted(
        path
        for path in (root / "mnist_lib").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    for path in [*package, root / "requirements.txt"]:
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    digest.update(FIGURES.read_bytes())
    return root / "_build" / ".jupyter_cache" / digest.hexdigest()[:16]


def keep_outputs(path: Path, executed: nbformat.NotebookNode, root: Path, source: str) -> None:
    """Keep the outputs of the notebook at ``path``, so that the book need not run it again."""
    notebook = nbformat.read(path, as_version=4)
    for cell, ran in zip(notebook.cells, executed.cells, strict=True):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = ran.outputs, ran.execution_count
    notebook.metadata["language_info"] = executed.metadata["language_info"]
    cache = get_cache(cache_folder(root, source))
    bundle = CacheBundleIn(notebook, str(path))
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


# The parts of MathJax that pages load: all formulas are TeX, and nobody needs its menu.
MATHJAX = [
    "startup.js",
    "core.js",
    "input/tex.js",
    "input/tex/extensions",
    "output/chtml.js",
    "output/chtml/fonts",
    "a11y/assistive-mml.js",
]


def folder_of(package: str, carries: str) -> Path:
    """Return the folder of an installed package that carries files for pages.

    Raises
    ------
    ModuleNotFoundError
        It is not installed; the message says what it carries, and how to install it.
    """
    spec = find_spec(package.replace("-", "_")) or find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            f"{carries} comes from the package {package}, which is not installed; "
            "install requirements.txt."
        )
    return Path(spec.origin).parent


def copy_mathjax(target: Path) -> None:
    """Copy the parts of MathJax in use."""
    mathjax = folder_of("sphinx-mathjax-offline", "MathJax") / "static" / "mathjax"
    for part in MATHJAX:
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        if (mathjax / part).is_dir():
            shutil.copytree(mathjax / part, target / part, dirs_exist_ok=True)
        else:
            shutil.copy2(mathjax / part, target / part)
