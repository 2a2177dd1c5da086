"""`mnist_lib.reading`: a page becomes text, and says where it is unsure."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from mnist_lib.reading import SURE, Reading, read_digits
from tests.test_pages import photo, put, write
from tools import hard_cases, synthetic
from tools.handwriting_bench import compare


class Always:
    """A network that reads the same from every image, and counts how often it is asked."""

    def __init__(self, label, probability):
        self.label, self.probability, self.calls = label, probability, []

    def predict(self, images, verbose="auto"):
        self.calls.append(images)
        probabilities = np.full((len(images), 10), (1 - self.probability) / 9, np.float32)
        probabilities[:, self.label] = self.probability
        return probabilities


def page(rows, step=110, height=90, size=(700, 1000)):
    dark = np.zeros(size, np.float32)
    for i, text in enumerate(rows):
        for k, c in enumerate(text):
            put(dark, int(c), 80 + step * k, 180 + 190 * i, height)
    return photo(0.7 * dark)


def test_a_page_becomes_text_line_by_line():
    reading = read_digits(page(["31415", "926", "5358"]))
    assert str(reading) == "31415\n926\n5358"
    assert [len(row) for row in reading.rows] == [5, 3, 4]
    assert "".join(str(digit.label) for digit in reading.digits) == "314159265358"
    assert reading.turned == 0
    for digit in reading.digits:
        assert digit.unsure == (digit.probability < SURE)
        assert digit.image.shape == (28, 28)
    assert sum(digit.unsure for digit in reading.digits) <= 1


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_page_is_read_with_a_warning(quarters):
    upright = page(["27453", "93624"])
    picture = np.rot90(upright, -quarters)
    with pytest.warns(UserWarning, match="lies turned"):
        reading = read_digits(np.ascontiguousarray(picture))
    assert str(reading) == "27453\n93624"
    assert reading.turned == quarters
    for digit in reading.digits:  # the boxes belong to the picture as it was given
        left, top, right, bottom = digit.box
        assert 0 <= left < right <= picture.shape[1]
        assert 0 <= top < bottom <= picture.shape[0]
        assert picture[top:bottom, left:right].min() < 90


@pytest.mark.parametrize(("seed", "text", "quarters"), [(10, "59", 3), (26, "38", 2)])
def test_two_digits_that_lie_turned_are_read(seed, text, quarters):
    """Other digits are read nearly as surely as they lie: the gain is 0.064."""
    rng = np.random.default_rng([77, 2, seed])
    written = []
    for _ in text:
        label = int(rng.integers(10))
        written.append((synthetic.pen_shape(rng, label, width=rng.uniform(0.04, 0.12)), label))
    picture, right = hard_cases.page(rng, written, rows=1)
    with pytest.warns(UserWarning, match="lies turned"):
        reading = read_digits(np.ascontiguousarray(np.rot90(picture, quarters)))
    assert str(reading) == text == right


def string(text, overlap, styles=None, width=0.08, height=90, rng=None):
    """Write digits that run into each other: `overlap` of their height beyond where they meet."""
    dark = np.zeros((2 * height, 2 * height + height * len(text)), np.float32)
    end = 50
    for c in text:
        style = (styles or {}).get(c) or next(iter(synthetic.STYLES[int(c)]))
        pen = np.random.default_rng(int(c)) if rng is None else rng
        shape = synthetic.pen_shape(pen, int(c), style, width, 0 if rng is None else 1)
        shape = synthetic._resized(shape, height)
        top, left = round(1.5 * height) - shape.shape[0], end + 2
        inked = dark > 0.5
        while end > 50 and left > end - 0.6 * height:
            here = inked[top : top + shape.shape[0], left : left + shape.shape[1]]
            if (here & (shape > 0.5)).any():
                left -= round(overlap * height)
                break
            left -= 1
        synthetic._place(dark, shape, top, left)
        end = left + shape.shape[1]
    return photo(0.75 * dark)


@pytest.mark.parametrize(
    ("overlap", "texts"),
    [
        (0, "1000 6000 2050 3785 35 20 77 40 2000 100 66"),
        (0.05, "6000 2050 3785 35 20 77 40 2000 66"),
        (0.1, "6000 35 77 40 66"),
    ],
)
def test_digits_that_touch_are_cut_apart(overlap, texts):
    for text in texts.split():
        assert str(read_digits(string(text, overlap))) == text


@pytest.mark.parametrize("text", ["6000", "40", "2050", "20"])
def test_slashed_noughts_that_touch_are_cut_apart(text):
    for overlap in (0, 0.03):
        assert str(read_digits(string(text, overlap, {"0": "slashed"}))) == text


def test_most_digits_of_strings_that_run_together_are_read():
    right = written = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        text = "".join(str(digit) for digit in rng.integers(0, 10, rng.integers(2, 7)))
        styles = {c: rng.choice(list(synthetic.STYLES[int(c)])) for c in text}
        picture = string(text, rng.uniform(0, 0.15), styles, rng.uniform(0.05, 0.11), 72, rng)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            right += compare(text, str(read_digits(picture)).replace("\n", ""))[0]
        written += len(text)
    assert right >= 0.73 * written, f"{right} of {written}"


def test_one_wide_digit_is_read_as_one():
    dark = np.zeros((260, 2300), np.float32)
    text = "52847093"
    for i, c in enumerate(text):
        style = "barred" if c == "7" else "slashed" if c == "0" else None
        shape = synthetic.pen_shape(np.random.default_rng(int(c)), int(c), style, 0.08, 0)
        wide = ndimage.zoom(shape, (100 / shape.shape[0], 1.5 * 100 / shape.shape[0]), order=1)
        synthetic._place(dark, wide.clip(0, 1), 80, 60 + 270 * i)
    assert str(read_digits(photo(0.7 * dark))) == text


def test_a_broken_digit_is_joined():
    dark, _ = write((240, 700), "3", 60, 180, 100, 120)
    put(dark, 0, 200, 180, 100, "round")
    put(dark, 7, 340, 180, 100)
    dark[:, 228:236] = 0  # through the 0
    assert str(read_digits(photo(0.7 * dark))) == "307"


def test_any_network_reads_and_unsure_digits_are_marked():
    network = Always(7, 0.7)
    reading = read_digits(page(["123"]), network)
    assert str(reading) == "777"
    assert all(digit.unsure for digit in reading.digits)
    images = network.calls[0]
    assert images.shape == (3, 28, 28, 1)
    assert images.dtype == np.float32
    assert images.max() <= 1
    sure = Always(7, 0.999)
    assert not any(digit.unsure for digit in read_digits(page(["123"]), sure).digits)
    assert len(sure.calls) == 1  # nothing to cut, join or turn


def test_a_page_that_can_hardly_be_read_says_so():
    with pytest.warns(UserWarning, match="Hardly a digit"):
        read_digits(page(["123"]), Always(7, 0.3))


def test_what_is_perhaps_no_digit_is_counted():
    with pytest.warns(UserWarning, match="3 of 3 are perhaps no digits"):
        reading = read_digits(page(["123"]), Always(7, 0.45))
    assert all(digit.perhaps_none and digit.unsure for digit in reading.digits)
    with pytest.warns(UserWarning, match="0 of 3 are perhaps no digits"):
        reading = read_digits(page(["123"]), Always(7, 0.55))
    assert not any(digit.perhaps_none for digit in reading.digits)


def test_what_holds_no_digits_is_refused():
    with pytest.raises(ValueError, match="no ink"):
        read_digits(np.full((300, 300), 200, np.uint8), Always(1, 0.9))


def test_a_reading_of_nothing_is_an_empty_text():
    assert str(Reading([], 0)) == ""


def test_reading_waits_for_tensorflow_until_it_reads():
    code = "import sys, mnist_lib.reading; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_four_hundred_digits_are_read_in_a_few_calls():
    dark = np.zeros((1200, 1600), np.float32)
    for row in range(20):
        for column in range(20):
            put(dark, (row + column) % 10, 20 + 78 * column, 50 + 58 * row, 34)
    network = Always(4, 0.85)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reading = read_digits(Image.fromarray(photo(0.7 * dark)), network)
    assert [len(row) for row in reading.rows] == [20] * 20
    assert len(network.calls) <= 6
