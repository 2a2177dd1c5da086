"""Installing mnist_lib where TensorFlow already is: Colab, a lab machine."""

import importlib.metadata
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tools import repository

ROOT = repository.ROOT

# What Colab had in 2025; Python 3.13 needs the first TensorFlow that was built for it.
OLDER = (
    {"tensorflow-cpu": "2.19.1", "numpy": "2.0.2"}
    if sys.version_info < (3, 13)
    else {"tensorflow-cpu": "2.20.0", "numpy": "2.1.3"}
)

USE = """
import numpy as np
from mnist_lib.data import load_mnist, prepare
from mnist_lib.models import classic_cnn
mnist = load_mnist("sample")
model = classic_cnn(seed=0)
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(prepare(mnist.x_train[::10]), mnist.y_train[::10], epochs=1, verbose=0)
from mnist_lib.exercises import check
from mnist_lib.handwriting import to_mnist
from mnist_lib.models import load_pretrained
check("02.conv2d", lambda image, kernel: image)
robust = load_pretrained("robust")
digits = np.stack([to_mnist(digit) for digit in mnist.x_val[:50]])
right = robust.predict(prepare(digits), verbose=0).argmax(axis=1) == mnist.y_val[:50]
assert right.mean() > 0.9, right.mean()
import tensorflow
print(tensorflow.__version__, np.__version__, model.count_params())
"""


def installed(python: Path) -> set[tuple[str, str]]:
    """Return every distribution of an environment with its version."""
    listed = json.loads(run(python, "-m", "pip", "list", "--format=json"))
    return {(item["name"].lower().replace("_", "-"), item["version"]) for item in listed}


def run(*command: str | Path, **options) -> str:
    """Run a command; return its standard output, or fail with everything that it said."""
    result = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, **options
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Return a git repository that holds the package as it is in this folder."""
    folder = tmp_path_factory.mktemp("repository")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "mnist_lib", folder / "mnist_lib", ignore=ignore)
    run("git", "init", "--quiet", "--initial-branch=main", cwd=folder)
    run("git", "add", ".", cwd=folder)
    who = ("-c", "user.name=Reader", "-c", "user.email=reader@example.org")
    run("git", *who, "commit", "--quiet", "--message", "The course", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """Return the Python of a fresh environment like Colab's: TensorFlow, but no mnist_lib."""
    folder = tmp_path_factory.mktemp("colab")
    run(sys.executable, "-m", "venv", folder)
    scripts = folder / ("Scripts" if sys.platform == "win32" else "bin")
    pins = [f"{name}=={version}" for name, version in OLDER.items()]
    run(scripts / "python", "-m", "pip", "install", "--quiet", "ipython", *pins)
    return scripts / "python"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_setup_cell_installs_the_package_in_colab_and_replaces_nothing(source, colab, tmp_path):
    cell = repository.setup(source.as_uri(), "main")
    assert "%pip install" in cell
    script = tmp_path / "setup.ipy"
    script.write_text(
        "import sys, types\n"
        "sys.modules['google.colab'] = types.ModuleType('google.colab')\n" + cell + "\n",
        encoding="utf-8",
    )
    before = installed(colab)
    assert set(OLDER.items()) <= before
    run(colab, "-m", "IPython", "--no-banner", script)

    after = installed(colab)
    assert before <= after, "replaced: " + str(before - after)
    assert "tensorflow" not in {name for name, _ in after}
    assert "mnist-lib" in {name for name, _ in after}
    assert run(colab, "-m", "pip", "check")
    said = run(colab, "-c", USE, cwd=tmp_path)
    assert "✗ Exercise 2." in said
    words = said.split()
    assert words[-3:] == [OLDER["tensorflow-cpu"], OLDER["numpy"], "225034"]


def test_no_form_of_tensorflow_is_a_plain_dependency():
    requirements = [Requirement(line) for line in importlib.metadata.requires("mnist_lib")]
    plain = [r for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
    assert {r.name for r in plain} >= {"numpy", "pooch"}
    assert not [r.name for r in plain if "tensorflow" in r.name or r.name == "keras"]
    extra = [r for r in requirements if r.marker and r.marker.evaluate({"extra": "tensorflow"})]
    assert len([r for r in extra if r.name.startswith("tensorflow")]) == 1


def test_the_wheel_holds_every_file_of_the_package(source, tmp_path):
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", tmp_path, source)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.startswith("mnist_lib/")}
    files = [path for path in (source / "mnist_lib").rglob("*") if path.is_file()]
    assert held == {path.relative_to(source).as_posix() for path in files}
