"""A release: its version and notes, and what it installs, used far from the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tools import release
from tools.notebooks import ROOT, ignore_user_settings

TEXT = "# What is new\n\nOf each version.\n\n## 1.1.0\n\n- Later.\n\n## 1.0.0\n\nThe first.\n"


def test_there_are_notes_for_this_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "- " in release.notes(text, release.version())


def test_notes_are_those_of_one_version():
    assert release.notes(TEXT, "1.1.0") == "- Later.\n"
    assert release.notes(TEXT, "1.0.0") == "The first.\n"


@pytest.mark.parametrize("text", [TEXT, TEXT + "\n## 2.0.0\n\n"])
def test_a_version_without_notes_is_no_release(text):
    with pytest.raises(ValueError, match=r"nothing about version 2\.0\.0; it has 1\.1\.0, 1\.0\.0"):
        release.notes(text, "2.0.0")


def test_the_tag_names_the_version(capsys):
    assert release.main(f"v{release.version()}") == 0
    assert capsys.readouterr().out
    assert release.main("v0.0.1") == 1
    said = capsys.readouterr()
    assert f"The tag is v0.0.1, and pyproject.toml has version {release.version()}" in said.err
    assert not said.out


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_chapter_runs_on_a_release_outside_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target, away = (tmp_path / name for name in ("source", "installed", "away"))
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "Makefile", "CHANGELOG.md"):
        shutil.copy(ROOT / name, source)
    for name in ("mnist_lib", "tools"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=ignore)
    make = ["make", "release", f"PYTHON={sys.executable}", f"TAG=v{release.version()}"]
    result = subprocess.run(make, cwd=source, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr

    made = source / "_build" / "release"
    (wheel,), (sdist,) = made.glob("*.whl"), made.glob("*.tar.gz")  # the wheel is built from it
    assert (made / "notes.md").stat().st_size
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    package = [path for path in (source / "mnist_lib").rglob("*") if path.is_file()]
    assert held == {"LICENSE", "PKG-INFO", "README.md", "pyproject.toml"} | {
        path.relative_to(source).as_posix() for path in package
    }
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", target]
    subprocess.run([*pip, wheel], check=True)
    shutil.rmtree(source)

    away.mkdir()
    (tmp_path / "settings").mkdir()
    for variable in ("IPYTHONDIR", "KERAS_BACKEND", "KERAS_HOME", "MATPLOTLIBRC", "MPLBACKEND"):
        monkeypatch.delenv(variable, raising=False)
    ignore_user_settings(tmp_path / "settings")
    monkeypatch.setenv("MNIST_LIB_SOURCE", "sample")
    monkeypatch.setenv("PYTHONPATH", str(target))
    notebook = nbformat.read(ROOT / "chapters" / "02_convolutions.ipynb", as_version=4)
    where = nbformat.v4.new_code_cell("import mnist_lib; print(mnist_lib.__file__)")
    notebook.cells.append(where)
    resources = {"metadata": {"path": str(away)}}
    ran = NotebookClient(notebook, timeout=600, resources=resources).execute()
    assert ran.cells[-1].outputs[0].text.startswith(f"{target}{os.sep}")
