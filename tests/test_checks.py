"""What is refused, in which words, and what passes as it is."""

import numpy as np
import pytest

from mnist_lib import _checks

FLOATS = np.zeros((2, 28, 28, 1), np.float32)
BYTES = np.zeros((2, 28, 28), np.uint8)


def test_numbers_pass_as_plain_numbers():
    assert _checks.whole("epochs", np.int64(3), least=1) == 3
    assert _checks.whole("seed", 0, least=0, most=0) == 0
    assert type(_checks.whole("epochs", np.uint8(3))) is int
    assert _checks.number("rate", np.float32(0.5), above=0, below=1) == 0.5
    assert _checks.number("final", 1, least=0, most=1) == 1.0
    assert type(_checks.number("final", 1)) is float
    assert _checks.choice("padding", "same", ("valid", "same")) == "same"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: _checks.whole("epochs", 0, least=1),
            ValueError,
            "epochs is 0; expected a whole number that is at least 1.",
        ),
        (
            lambda: _checks.whole("k", 9, least=1, most=5, advice="Pass fewer."),
            ValueError,
            "k is 9; expected a whole number that is at least 1 and at most 5. Pass fewer.",
        ),
        (
            lambda: _checks.whole("k", 1, most=0),
            ValueError,
            "k is 1; expected a whole number that is at most 0.",
        ),
        (lambda: _checks.whole("k", 0.5), TypeError, "k is 0.5; expected a whole number."),
        (lambda: _checks.whole("k", "3"), TypeError, 'k is "3"; expected a whole number.'),
        (lambda: _checks.whole("k", None), TypeError, "k is None; expected a whole number."),
        (
            lambda: _checks.number("peak", 0, above=0),
            ValueError,
            "peak is 0; expected a number that is above 0.",
        ),
        (
            lambda: _checks.number("warmup", 1.0, least=0, below=1),
            ValueError,
            "warmup is 1.0; expected a number that is at least 0 and below 1.",
        ),
        (
            lambda: _checks.number("final", -0.1, least=0, most=1),
            ValueError,
            "final is -0.1; expected a number that is at least 0 and at most 1.",
        ),
        (lambda: _checks.number("x", 1.1, most=1), ValueError, "x is 1.1; .* at most 1."),
        (lambda: _checks.number("x", np.nan), ValueError, "x is nan; expected a number."),
        (lambda: _checks.number("x", np.inf, above=0), ValueError, "x is inf; .* above 0."),
        (lambda: _checks.number("x", "1"), TypeError, 'x is "1"; expected a number.'),
        (lambda: _checks.number("x", 1j), TypeError, "x is 1j; expected a number."),
        (lambda: _checks.number("x", [1.0]), TypeError, r"x is \[1.0\]; expected a number."),
        (
            lambda: _checks.choice("padding", "full", ("valid", "same")),
            ValueError,
            'padding is "full"; expected "valid" or "same".',
        ),
        (
            lambda: _checks.choice("source", 3, ("auto", "full", "sample"), "Spell it out."),
            TypeError,
            'source is 3; expected "auto", "full" or "sample". Spell it out.',
        ),
    ],
)
def test_numbers_and_choices(call, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        call()


def test_arrays_pass_as_they_are():
    assert _checks.array("images", FLOATS, "N H W C", holds="floats", finite=True) is FLOATS
    assert _checks.array("images", FLOATS, (2, 28, 28, 1)) is FLOATS
    assert _checks.array("images", BYTES, "N H W 1", "N 28 28", holds="uint8") is BYTES
    assert _checks.array("matrix", np.eye(3), "classes classes").shape == (3, 3)
    assert _checks.array("x", 0.5, holds="floats").shape == ()
    assert _checks.array("right", [True, False], "N", holds="booleans").dtype == bool
    assert _checks.array("none", FLOATS[:0], "N H W C", empty=True).shape == (0, 28, 28, 1)
    labels = _checks.labels("y", np.array([0, 9], np.uint8), count=2, classes=10)
    assert labels.dtype == np.int64
    assert labels.tolist() == [0, 9]
    _checks.same_length(names=["a", "b"], values=labels)


# How the array is passed, the shapes and type that are expected, and the end of the message.
@pytest.mark.parametrize(
    ("values", "shapes", "holds", "message"),
    [
        (BYTES, ["N H W C"], "floats", r"uint8 \(2, 28, 28\); .* Prepare .*prepare\(a\)\."),
        ([1, 2], ["N"], "floats", r"int64 \(2,\); expected floats \(N,\). .* a.astype\(np.float32"),
        (np.eye(3), ["N"], "whole numbers", r"one-hot labels or probabilities.* a.argmax\(axis=1"),
        (np.zeros(3), ["N"], "whole numbers", r"float64 \(3,\); expected whole numbers \(N,\)\.$"),
        (FLOATS, ["N 28 28"], "uint8", r"float32 .*; expected uint8 \(N, 28, 28\)\.$"),
        (None, ["N"], "numbers", r"a is None; expected numbers \(N,\)\.$"),
        ("12", [], "numbers", r'a is "12"; expected numbers\.$'),
        (["x"] * 30, ["N"], "numbers", r"a is a list; expected numbers"),
        ([1j], ["N"], "numbers", r"a is complex128 \(1,\); expected numbers"),
    ],
)
def test_arrays_of_a_wrong_type(values, shapes, holds, message):
    with pytest.raises(TypeError, match=message):
        _checks.array("a", values, *shapes, holds=holds)


@pytest.mark.parametrize(
    ("values", "shapes", "message"),
    [
        (FLOATS[0], ["N H W 1"], r"a is float32 \(28, 28, 1\); .* pass a\[np.newaxis\]\."),
        (FLOATS[..., 0], ["N 28 28 1"], r"\(2, 28, 28\); .* a\[\.\.\., np.newaxis\]\."),
        (FLOATS[0, ..., 0], ["N H W", "N H W 1"], r"pass a\[np.newaxis\]\."),
        (FLOATS, ["N 28 28"], r"Drop the last axis with a\[\.\.\., 0\]\."),
        (FLOATS[:1, ..., 0], ["H W"], r"a\[0\]"),
        (np.eye(10), ["N"], r"a.argmax\(axis=1\)"),
        (FLOATS, ["H W", "N H W"], r"expected numbers \(H, W\) or \(N, H, W\)\."),
        (np.eye(3)[:2], ["classes classes"], r"\(2, 3\); expected numbers \(classes, classes\)\."),
        (np.zeros((2, 3)), [(2, 4)], r"a is float64 \(2, 3\); expected numbers \(2, 4\)\. Mine\.$"),
        (FLOATS[:0], ["N H W C"], r"a is empty, float32 \(0, 28, 28, 1\); expected"),
        ([[1, 2], [3]], ["N M"], "a is a list of rows that differ in length; expected"),
    ],
)
def test_arrays_of_a_wrong_shape(values, shapes, message):
    with pytest.raises(ValueError, match=message):
        _checks.array("a", values, *shapes, advice="Mine.")


def test_the_advice_leads_to_an_array_that_passes():
    for wrong, advised in ((FLOATS[0, ..., 0], FLOATS[0]), (FLOATS, FLOATS[..., 0])):
        shapes = ["28 28 1"] if wrong.ndim == 2 else ["N 28 28"]
        with pytest.raises(ValueError, match=r"Add the axis|Drop the last"):
            _checks.array("a", wrong, *shapes)
        _checks.array("a", advised, *shapes)


def test_only_the_first_axis_may_be_empty():
    with pytest.raises(ValueError, match="a is empty"):
        _checks.array("a", np.zeros((2, 0)), "N M", empty=True)


def test_values_that_are_not_finite():
    with pytest.raises(ValueError, match=r"float64 \(3,\), and 2 of its 3 values are NaN or inf"):
        _checks.array("loss", [1.0, np.nan, -np.inf], "N", finite=True)
    with pytest.raises(ValueError, match=r"1 of its 2 values is NaN.*isfinite\(loss\)"):
        _checks.array("loss", [1.0, np.nan], finite=True)


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([0, 10], ValueError, r"y is from 0 to 10; expected class numbers from 0 to 9\."),
        ([-1, 2], ValueError, r"y is from -1 to 2; expected class numbers from 0"),
        ([1, 2, 3], ValueError, r"int64 \(3,\); expected whole numbers \(2,\)\. Give one label"),
        ([0.0, 1.0], TypeError, r"float64 \(2,\); expected whole numbers"),
    ],
)
def test_labels(values, error, message):
    with pytest.raises(error, match=message):
        _checks.labels("y", values, count=2, classes=10)


def test_labels_without_a_highest_class():
    with pytest.raises(ValueError, match="y is from -1 to 4; expected class numbers from 0 up"):
        _checks.labels("y", [4, -1])


def test_unequal_lengths():
    with pytest.raises(ValueError, match=r"^x is 3 long and y is 2 long; expected equal lengths"):
        _checks.same_length(x=[1, 2, 3], y=np.zeros(2))
