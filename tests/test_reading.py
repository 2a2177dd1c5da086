"""`mnist_lib.reading`: a page becomes text, and says where it is unsure."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image

from mnist_lib.reading import SURE, Reading, read_digits
from tests.test_pages import photo, put, write
from tools import synthetic


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


@pytest.mark.parametrize("text", ["2050", "3785", "4690"])
def test_digits_that_touch_are_cut_apart(text):
    dark = np.zeros((220, 700), np.float32)
    left = 60
    for c in text:
        box = put(dark, int(c), left, 150, 90, next(iter(synthetic.STYLES[int(c)])))
        left = box[2] - 2
    assert str(read_digits(photo(0.75 * dark))) == text


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
