"""Handouts: a sheet for each chapter, and a key that is right."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser
from pypdf import PdfReader
from scipy import signal

from tools import handouts
from tools.notebooks import ROOT, read

CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))


def cells(html: str) -> list[list[list[str]]]:
    """Return the tables of a piece of HTML as text."""
    return [
        [re.findall(r"<t[hd]>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", table)]
        for table in re.findall(r"<table>(.*?)</table>", html)
    ]


def values(table: list[list[str]]) -> np.ndarray:
    return np.array([[float(cell.replace("−", "-")) for cell in row] for row in table])


@pytest.mark.site
def test_each_chapter_has_one_sheet(browser: Browser, tmp_path: Path) -> None:
    *sheets, key = handouts.write(browser, tmp_path)
    assert [sheet.stem for sheet in sheets] == [path.stem for path in CHAPTERS]
    for sheet, path in zip(sheets, CHAPTERS, strict=True):
        front, back = (" ".join(p.extract_text().split()) for p in PdfReader(sheet).pages)
        assert read(path).cells[0].source.split("\n")[0].lstrip("# ") in front
        assert handouts.PAPERS[path.stem[:2]]()[0] in back
        text = front + back
        assert "$" not in text
        assert "](" not in text
    text = " ".join(" ".join(page.extract_text().split()) for page in PdfReader(key).pages)
    for path in CHAPTERS:
        assert f"Chapter {int(path.stem[:2])}: {handouts.PAPERS[path.stem[:2]]()[0]}" in text


def test_a_handout_asks_what_its_chapter_asks() -> None:
    for path in CHAPTERS:
        notebook = read(path)
        asked = sum(cell.source.count("Predict before you run") for cell in notebook.cells)
        known = handouts.given(path.stem)
        assert len(handouts.predictions(notebook, known)) == min(asked, handouts.MOST) > 0
        everything = handouts.asked(notebook)
        assert all(answer for *_, answer in everything), f"{path.stem}: the key knows no answer"
        for begin in known:
            found = [text for _, text, _ in everything if text.startswith(begin)]
            assert len(found) == 1, f"{path.stem}: no prediction, or several, begin {begin!r}"


def test_a_class_rounds_halves_up() -> None:
    array = np.array([[2.625, 0.375, -0.5, 21.25, 62.5, -0.0001]])
    assert handouts.numbers(array, 2) == [["2.63", "0.38", "−0.50", "21.25", "62.50", "0.00"]]
    assert handouts.numbers(array[:, 4:]) == [["63", "0"]]


@pytest.mark.parametrize("number", handouts.PAPERS)
def test_a_task_leaves_to_the_student_what_the_key_fills_in(number: str) -> None:
    _, task, key = handouts.PAPERS[number]()
    assert key.replace("<td></td>", "") == key, "the key is full"
    if cells(key):
        for table in cells(key):
            assert not any(table == given for given in cells(task))


def test_the_key_is_right() -> None:
    _, task, key = handouts.convolution()
    image, kernel = (values(table) for table in cells(task)[:2])
    sums, active, pooled = (values(table) for table in cells(key))
    np.testing.assert_array_equal(sums, signal.correlate2d(image, kernel, mode="valid"))
    np.testing.assert_array_equal(active, np.maximum(sums, 0))
    np.testing.assert_array_equal(pooled, active.reshape(2, 2, 2, 2).max(axis=(1, 3)))

    assert "Together 225,034." in handouts.classic_network()[2]

    _, task, key = handouts.centre_of_mass()
    ink = values([row[1:] for row in cells(task)[0][1:]])
    row = (ink.sum(axis=1) @ np.arange(6)) / ink.sum()
    column = (ink.sum(axis=0) @ np.arange(6)) / ink.sum()
    assert f"row {row:.1f}, column {column:.1f}" in key

    _, task, key = handouts.confusion()
    pairs = re.findall(r"(\d)→(\d)", task)
    assert len(pairs) == 20
    table = cells(key)[0]
    for row_name, *counts in table[1:]:
        for answer, count in zip("358", counts, strict=True):
            assert pairs.count((row_name[-1], answer)) == int(count)
    assert f"accuracy {sum(t == s for t, s in pairs) / 20:.0%}" in key

    slow, fast = cells(handouts.descent()[2])
    for rate, table in ((0.25, slow), (1.1, fast)):
        w = 3 - 3 * (1 - 2 * rate) ** np.arange(1, 5)
        np.testing.assert_allclose(values(table[1:])[:, -1], w, atol=0.011)

    (table,) = cells(handouts.amdahl()[2])
    np.testing.assert_allclose(values([table[2][1:]])[0], [1, 1.8, 3.1, 4.7, 8.8], atol=0.06)

    (table,) = cells(handouts.int8()[2])
    _, weights, whole, back, _ = (values([row[1:]])[0] if row[0] else [] for row in table)
    np.testing.assert_allclose(whole * 0.508 / 127, back, atol=6e-4)
    assert np.abs(back - weights).max() <= 0.508 / 127 / 2 + 1e-3
