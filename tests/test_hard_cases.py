"""Hard cases follow their seed; what is read of them is counted as the tables say."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mnist_lib import handwriting
from mnist_lib.data import load_mnist
from tools import handwriting_bench as bench
from tools import hard_cases, synthetic

ROOT = Path(__file__).resolve().parent.parent


def written(rng):
    return [(synthetic.pen_shape(rng, label, width=0.08), label) for label in (3, 0, 7, 1)]


@pytest.mark.parametrize("name", hard_cases.PAGES)
def test_a_page_says_what_is_written_on_it_and_shows_it(name):
    pictures = []
    for seed in (1, 1, 2):
        rng = np.random.default_rng(seed)
        picture, text = hard_cases.PAGES[name](rng, written(rng))
        assert picture.dtype == np.uint8
        assert picture.shape[2] == 3
        assert text == "3071"
        pictures.append(picture)
    np.testing.assert_array_equal(*pictures[:2])
    assert pictures[0].shape != pictures[2].shape or (pictures[0] != pictures[2]).any()


def test_the_digits_of_a_page_lie_within_it():
    rng = np.random.default_rng(1)
    picture, _ = hard_cases.PAGES["plain paper"](rng, written(rng))
    assert len(handwriting.find_digits(picture)) == 4


@pytest.mark.parametrize("name", hard_cases.SINGLES)
def test_a_single_digit_follows_its_seed(name):
    pictures = []
    for seed in (1, 1, 2):
        rng = np.random.default_rng(seed)
        shape, label = written(rng)[0]
        pictures.append(hard_cases.SINGLES[name](rng, shape, label))
        assert pictures[-1].dtype == np.uint8
        assert np.ptp(pictures[-1]) > 25
    np.testing.assert_array_equal(*pictures[:2])
    assert pictures[0].shape != pictures[2].shape or (pictures[0] != pictures[2]).any()


def test_touching_digits_touch():
    ink = np.zeros((40, 100), np.float32)
    ink[10:30, 20:25] = 1
    digit = np.ones((20, 5), np.float32)
    left = hard_cases._until_touching(ink, digit, 10, 40, 30)
    assert left == 24
    assert hard_cases._until_touching(ink, digit, 10, 40, 5) == 40  # too far away


def test_there_are_500_pictures_without_a_digit_and_each_follows_its_seed():
    first, again = (bench.non_digits(5, len(hard_cases.NON_DIGITS)) for _ in range(2))
    assert set(first) == set(hard_cases.NON_DIGITS)
    for name, cases in first.items():
        assert len(cases) == 1
        assert cases[0].text == ""
        np.testing.assert_array_equal(cases[0].picture, again[name][0].picture)


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("1234", (4, 0, 0, 0)),
        ("124", (3, 0, 1, 0)),
        ("12394", (4, 0, 0, 1)),
        ("1934", (3, 1, 0, 0)),
        ("", (0, 0, 4, 0)),
        ("9", (0, 1, 3, 0)),
        ("41234", (4, 0, 0, 1)),
    ],
)
def test_what_is_read_is_compared_in_order(text, counts):
    assert bench.compare("1234", text) == counts


def test_a_page_that_read_digits_refuses_holds_no_text(monkeypatch):
    def refuse(picture, network):
        if picture.any():
            raise ValueError("no strokes")
        return SimpleNamespace(digits=[SimpleNamespace(label=7, probability=0.9)])

    monkeypatch.setattr(bench.reading, "read_digits", refuse)
    pictures = [np.zeros((8, 8), np.uint8), np.ones((8, 8), np.uint8)]
    answers = bench.read_whole(None, {"ruled": [bench.Case(p, "7", []) for p in pictures]})
    assert [text for text, _ in answers["ruled"]] == ["7", ""]


def test_both_error_rates_are_counted(capsys):
    def case(text):
        return bench.Case(np.zeros((8, 8), np.uint8), text, [])

    digits = {"drawing": [case("1"), case("2"), case("3"), case("4")]}
    answers = {"drawing": [("1", np.array([0.9])), ("7", np.array([0.8])), ("", np.array([])),
                           ("4", np.array([0.62]))]}  # fmt: skip
    others = {
        "face": [("8", np.array([0.78])), ("", np.array([]))],
        "drawn thing": [("0", np.array([0.3]))],
        "letter": [("9", np.array([0.95]))],
        "sign": [],
    }
    bench.curve(digits, answers, others)
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines if "%" in line}
    assert rows["0.00"] == ["50.0%", "100.0%", "25.0%", "25.0%"]
    assert rows["0.70"] == ["50.0%", "50.0%", "50.0%", "25.0%"]
    assert rows["0.85"] == ["0.0%", "50.0%", "75.0%", "0.0%"]


def test_types_do_not_depend_on_each_other():
    mnist = load_mnist("sample")
    shapes = [bench.Writer(0, "ruled", mnist).write(pens)[0] for pens in (True, True, False)]
    np.testing.assert_array_equal(*shapes[:2])
    other, _ = bench.Writer(0, "squared", mnist).write(True)
    assert other.shape != shapes[0].shape or (other != shapes[0]).any()
    assert shapes[2].max() > 0.9


def test_a_single_digit_takes_memory_by_its_pixels():
    rng = np.random.default_rng(3)
    shape = synthetic.pen_shape(rng, 5, width=0.08)
    large = np.kron(synthetic.photograph(rng, shape, 600), np.ones((4, 4, 1), np.uint8))
    for picture, most in ((large, 16), (large[::2, ::2], 48)):
        cost = bench.measure_cost("to_mnist", picture)
        assert cost.digits == 1
        assert cost.seconds > 0
        assert 4 < cost.peak / picture[..., 0].size < most


def test_a_page_takes_no_more_memory_for_more_digits():
    rng, peaks = np.random.default_rng(3), []
    for count in (4, 64):
        labels = [(3 * i) % 10 for i in range(count)]
        shapes = [(synthetic.pen_shape(rng, label, width=0.08), label) for label in labels]
        rows = round(count**0.5)
        picture, _ = hard_cases.page(rng, shapes, rows=rows, height=480 / rows)
        cost = bench.measure_cost("find_digits", picture)
        assert abs(cost.digits - count) <= count // 16
        peaks.append(cost.peak / picture[..., 0].size)
    assert max(peaks) < 80
    assert peaks[1] < 1.2 * peaks[0]


def test_costs_are_printed(monkeypatch, capsys):
    picture = synthetic.drawing(np.random.default_rng(1), written(np.random.default_rng(1))[0][0])
    monkeypatch.setattr(bench, "cost_pictures", lambda seed: [("to_mnist", "drawing", picture)])
    bench.costs(0)
    *_, what, found, seconds, megabytes, each = capsys.readouterr().out.split()
    assert (what, found) == ("drawing", "1")
    assert 0 < float(seconds) < 5
    pixels = picture.shape[0] * picture.shape[1]
    assert float(megabytes) == pytest.approx(float(each) * pixels / 1e6, abs=0.1)


@pytest.mark.slow
def test_the_command_measures_and_draws(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "tools.handwriting_bench", "--quick", "--sheets", str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    for name in (*hard_cases.PAGES, *hard_cases.SINGLES, "UCI, 8 × 8", "refused below"):
        assert f"\n{name}" in result.stdout
    assert len(list(tmp_path.glob("*.png"))) == 3
