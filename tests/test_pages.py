"""`find_digits` on pages: every digit once, in order, whatever else the picture shows."""

import time
import tracemalloc

import numpy as np
import pytest

from mnist_lib.handwriting import find_digits, group_digits
from tools import synthetic


def put(dark, digit, left, bottom, height, style=None, width=0.08):
    """Write a digit on a page of darkness; return its box."""
    shape = synthetic.pen_shape(np.random.default_rng(digit), digit, style, width, 0)
    shape = synthetic._resized(shape, height)
    top = bottom - shape.shape[0]
    synthetic._place(dark, shape, top, left)
    return left, top, left + shape.shape[1], bottom


def write(size, text, left, bottom, height, step):
    """Write a row of digits; return the page of darkness, 0 to 1, and their boxes."""
    dark = np.zeros(size, np.float32)
    return dark, [
        put(dark, int(c), left + i * step, bottom, height) for i, c in enumerate(text) if c != " "
    ]


def photo(dark, paper=205.0, noise=2.0):
    grain = np.random.default_rng(0).normal(0, noise, dark.shape)
    return np.clip(paper * (1 - dark) + grain, 0, 255).astype(np.uint8)


def check(picture, boxes, tolerance=0.25):
    """Assert that the boxes are found, in this order, and no others."""
    found = [digit.box for digit in find_digits(picture)]
    height = np.median([bottom - top for _, top, _, bottom in boxes])
    assert len(found) == len(boxes), found
    np.testing.assert_allclose(found, boxes, atol=tolerance * height)


# --- Pieces of ink ------------------------------------------------------------------------------


@pytest.mark.parametrize("darkness", [0.45, 0.72])
def test_the_edge_of_a_shadow_outweighs_no_digits(darkness):
    dark, boxes = write((960, 1280), "3446785512", 110, 330, 85, 110)
    y, x = np.mgrid[:960, :1280]
    shade = darkness / (1 + np.exp(-np.minimum(y - 760, x - 190) / 4.0))
    check(photo(1 - (1 - 0.7 * dark) * (1 - shade)), boxes)


@pytest.mark.parametrize("gap", [5, 9, 14])
def test_a_broken_digit_is_one_digit_and_not_its_neighbours(gap):
    dark, boxes = write((240, 900), "3475", 60, 180, 90, 125)
    boxes.append(put(dark, 1, 560, 180, 90, "stroke"))
    boxes.append(put(dark, 2, 600, 180, 90))
    middle = 138
    dark[middle - gap // 2 : middle + gap - gap // 2, 590:700] = 0
    check(photo(0.7 * dark), boxes)


@pytest.mark.parametrize("part", [0.48, 0.42, 0.35])
def test_a_small_digit_among_tall_ones_stays_and_a_comma_goes(part):
    dark, boxes = write((260, 700), "91", 60, 190, 130, 140)
    boxes.append(put(dark, 0, 360, 190, round(130 * part), width=0.12))
    boxes.append(put(dark, 7, 500, 190, 130))
    for i in range(30):
        dark[185 + i, 465 - i // 2 : 472 - i // 2] = 1
    check(photo(0.75 * dark), boxes)


def test_a_digit_among_specks_is_found():
    dark = np.zeros((900, 1200), np.float32)
    boxes = [put(dark, 3, 500, 600, 300)]
    dark[np.random.default_rng(1).random(dark.shape) < 0.001] = 1
    check(photo(dark, noise=0), boxes)


# --- Cost ---------------------------------------------------------------------------------------


def test_memory_and_time_grow_with_the_page_and_not_with_page_times_digits():
    dark = np.zeros((1200, 1600), np.float32)
    for row in range(20):
        for column in range(20):
            put(dark, (row + column) % 10, 20 + 78 * column, 50 + 58 * row, 34)
    started = time.perf_counter()
    tracemalloc.start()
    digits = group_digits(dark)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(digits) == 400
    assert peak < 20 * dark.nbytes  # one page per digit would be 400
    assert sum(digit.ink.size for digit in digits) < dark.size
    assert time.perf_counter() - started < 20


def test_a_page_of_specks_ends_soon():
    dark = np.zeros((1200, 1600), np.float32)
    rng = np.random.default_rng(2)
    for top, left in zip(rng.integers(0, 1190, 8000), rng.integers(0, 1590, 8000), strict=True):
        dark[top : top + 6, left : left + 6] = 1
    started = time.perf_counter()
    group_digits(dark)
    assert time.perf_counter() - started < 20


@pytest.mark.parametrize("shape", [(10, 5000), (8, 9601), (12, 60_000)])
def test_a_strip_with_a_line_ends_with_an_answer(shape):
    strip = np.full(shape, 255, np.uint8)
    strip[shape[0] // 2] = 0
    with pytest.raises(ValueError, match="strokes of a pen"):
        find_digits(strip)
    assert len(find_digits(strip.T)) == 1  # it may be a 1 that fills its picture
