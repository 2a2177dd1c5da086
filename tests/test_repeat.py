"""Two runs of a chapter, each in a new kernel, show the same numbers."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tools.going_back import difference
from tools.notebooks import ROOT, ignore_user_settings

CHAPTERS = ["00_mnist_classification", "01_data"]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", CHAPTERS)
def test_two_runs_of_a_chapter_agree(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_LIB_SOURCE", "sample")
    for variable in ("IPYTHONDIR", "KERAS_BACKEND", "KERAS_HOME", "MATPLOTLIBRC", "MPLBACKEND"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "settings").mkdir()
    ignore_user_settings(tmp_path / "settings")
    runs = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        notebook = nbformat.read(ROOT / "chapters" / f"{name}.ipynb", as_version=4)
        resources = {"metadata": {"path": str(folder)}}
        runs.append(NotebookClient(notebook, timeout=600, resources=resources).execute())
    cells = [
        (first, again)
        for first, again in zip(runs[0].cells, runs[1].cells, strict=True)
        if first.cell_type == "code"
    ]
    assert any(first.outputs for first, _ in cells)
    differences = {first.id: difference(first, again) for first, again in cells}
    assert {id: found for id, found in differences.items() if found} == {}
