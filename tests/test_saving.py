"""Saving in chapters: beside the notebook, or in a temporary folder; without a library's notes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from mnist_lib import models
from tools.notebooks import ROOT, read

BEFORE = """
import os, tempfile
from pathlib import Path
import mnist_lib.backend
import keras, numpy as np, tensorflow as tf
keras.utils.set_random_seed(0)
model = keras.Sequential(
    [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
)
x_val = np.random.default_rng(0).random((8, 28, 28, 1), np.float32)
"""


def saving() -> str:
    """Return the code of the chapter's cells that save the network and load it again."""
    cells = {
        cell.id: cell.source for cell in read(ROOT / "chapters/00_mnist_classification.ipynb").cells
    }
    return "\n".join(cells[name] for name in ("save-somewhere", "save", "reload"))


def unwritable(folder: Path) -> Path:
    """Return a folder in which nobody can make a file, not even root."""
    if Path("/sys").is_dir():
        return Path("/sys")
    folder.chmod(0o500)
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, str]]:
    """Return each case's folder and what the two cells print in it, run in one process."""
    base = tmp_path_factory.mktemp("saving")
    folders = {"usual": base / "usual", "file": base / "file", "closed": base / "closed"}
    for folder in folders.values():
        folder.mkdir()
    (folders["file"] / "model").write_text("a file where the folder should be", encoding="utf-8")
    folders["closed"] = unwritable(folders["closed"])
    code = BEFORE + "".join(
        f"\nos.chdir({str(folder)!r})\nprint('=={name}')\n{saving()}"
        "\nprint('at', place.resolve())\n"
        for name, folder in folders.items()
    )
    (base / "temporary").mkdir()
    environment = os.environ | {name: str(base / "temporary") for name in ("TMPDIR", "TEMP", "TMP")}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert (run.returncode, run.stderr) == (0, ""), run.stderr
    parts = run.stdout.split("==")[1:]
    return {name: (folders[name], part) for name, part in zip(folders, parts, strict=True)}


def test_the_network_is_saved_beside_the_notebook(runs: dict[str, tuple[Path, str]]) -> None:
    folder, said = runs["usual"]
    assert (folder / "mnist.keras").is_file()
    assert (folder / "model" / "saved_model.pb").is_file()
    assert not list((folder / "model").glob("*.keras"))
    assert "Not saved" not in said


@pytest.mark.parametrize("case", ["file", "closed"])
def test_where_nothing_can_be_written_a_temporary_folder_is_named(
    runs: dict[str, tuple[Path, str]], case: str
) -> None:
    folder, said = runs[case]
    place = Path(said.splitlines()[-1].removeprefix("at "))
    assert place != folder.resolve()
    assert f"but in {place}" in said
    assert (place / "mnist.keras").is_file()
    assert (place / "model" / "saved_model.pb").is_file()
    assert said.count("same digits: True") == 2


def test_chapter_9_converts_without_the_notes_of_any_keras(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Keras 3.13 (Colab's) prints where it wrote a LiteRT file, whatever `verbose` says."""

    def export(self: keras.Model, path: str, format: str, **options: object) -> None:
        print(f"Saved artifact at '{path}'.")
        assert format == "litert"
        if "optimizations" in options:
            raise ImportError("No converter")
        Path(path).write_bytes(bytes(2048))

    monkeypatch.setattr(keras.Model, "export", export)
    chapter = ROOT / "chapters" / "09_shipping.ipynb"
    cells = {cell.id: cell.source for cell in read(chapter).cells}
    names = {"bare": models.classic_cnn(), "folder": tmp_path}
    names |= {"kib": lambda path: path.stat().st_size / 1024}
    names["bare"].save(tmp_path / "bare.keras")
    for name in ("standard-library", "imports", "convert"):
        exec(cells[name], names)
    said, *sizes = capsys.readouterr().out.splitlines()
    assert said == "LiteRT, int8 cannot be made here: No converter …"
    assert [line.split("  ")[0] for line in sizes] == ["float32", "LiteRT", "Keras, int8"]
    assert sizes[1].split()[1:] == ["2", "KiB"]
