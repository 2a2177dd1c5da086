"""MNIST's own steps against the published reconstruction of how MNIST was made.

Yadav and Bottou took NIST's black-and-white scans of 128 × 128 pixels through the steps that they
found to come closest to MNIST ("Cold Case: The Lost MNIST Digits", NeurIPS 2019, arXiv:1905.10498).
Their program is ``making_qmnist/xnist.lsh`` in github.com/facebookresearch/qmnist; `reconstructed`
takes its steps in NumPy. NIST's scans are not here: scripted pens and enlarged MNIST digits, made
black and white, stand in for them.
"""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mnist_lib.data import load_mnist
from mnist_lib.handwriting import centre, crop, fit_box
from mnist_lib.handwriting.picture import area_matrix
from tools import synthetic

SCAN = 128  # pixels of NIST's pictures
FUDGE = 0.99  # of its width, what a pixel covers: the old program avoided a tie in this way


def _weights(before: int, after: int) -> NDArray[np.float64]:
    """How much of each of `before` pixels falls into each of `after` larger ones.

    A pixel that falls into one larger pixel counts whole, one that a boundary splits only 0.99.
    """
    scale = after / before
    weights = np.zeros((after, before))
    for i in range(before):
        start = i * scale
        stop = start + FUDGE * scale
        first, last = int(np.floor(start + 1e-11)), int(np.ceil(stop - 1e-11)) - 1
        if first == last:
            weights[first, i] = scale
        else:
            weights[first, i] = first + 1 - start
            weights[first + 1 : last, i] = 1
            weights[last, i] = stop - last
    return weights


def reconstructed(scan: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Prepare a black-and-white scan (1 is ink) as Yadav and Bottou do."""
    digit = crop(scan)
    side = max(*digit.shape, 10)
    square = np.zeros((side, side))
    top, left = ((side - length) // 2 for length in digit.shape)
    square[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    while len(square) < 20:
        square = np.kron(square, np.ones((2, 2)))
    weights = _weights(len(square), 20)
    boxed = weights @ square @ weights.T
    boxed = np.clip(np.floor(255 * boxed / min(1.0, boxed.max()) + 0.5), 0, 255)
    image = np.zeros((48, 48))  # ten pixels around the 28 × 28 that are kept
    start = []
    for axis in (0, 1):
        mean = (np.arange(20) + 0.5) @ boxed.sum(axis=1 - axis) / boxed.sum()
        start.append(min(max(10 + int(15 - mean), 0), 28))
    image[start[0] : start[0] + 20, start[1] : start[1] + 20] = boxed
    return image[10:38, 10:38].astype(np.uint8)


def distance(one: NDArray[np.uint8], two: NDArray[np.uint8]) -> tuple[float, bool]:
    """Measure as the paper does: Euclidean, over the nine shifts by at most one pixel the smallest.

    A distance of 1 is one pixel that is black in one image and white in the other. The second value
    says whether a shift fits better than none.
    """
    around = np.pad(two / 255, 1)
    shifts = {
        (y, x): float(np.linalg.norm(one / 255 - around[y : y + 28, x : x + 28]))
        for y in range(3)
        for x in range(3)
    }
    least = min(shifts.values())
    return least, shifts[1, 1] > least


@pytest.fixture(scope="module")
def scans() -> list[NDArray[np.float32]]:
    """Return 120 scans: pens and digits of MNIST in turn, 38 to 90 pixels high or wide."""
    rng, images, found = np.random.default_rng(0), load_mnist("sample").x_val, []
    for i in range(120):
        longer = int(rng.integers(38, 91))
        if i % 2:
            shape = synthetic.pen_shape(rng, i // 2 % 10, width=rng.uniform(0.05, 0.14))
        else:
            shape = crop(images[i].astype(np.float32) / 255)
        size = [max(3, round(length * longer / max(shape.shape))) for length in shape.shape]
        drawn = Image.fromarray(shape).resize((size[1], size[0]), Image.Resampling.BICUBIC)
        scan = np.zeros((SCAN, SCAN), np.float32)
        top, left = ((SCAN - length) // 2 for length in size)
        scan[top : top + size[0], left : left + size[1]] = np.asarray(drawn) > 0.5
        found.append(scan)
    return found


def rounded_box(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale each side by itself to whole pixels, which stretches what is narrow."""
    rows, columns = (
        area_matrix(length, length / max(1, round(20 * length / max(ink.shape))))
        for length in ink.shape
    )
    return (rows @ ink @ columns.T).astype(np.float32)


def distances(
    scans: list[NDArray[np.float32]],
    box: Callable[[NDArray[np.float32]], NDArray[np.float32]],
) -> tuple[float, float, float]:
    """Return the median, the 95th percentile, and the fraction that lie off by one place."""
    each = np.array([distance(reconstructed(scan), centre(box(crop(scan)))) for scan in scans])
    median, late = np.quantile(each[:, 0], (0.5, 0.95))
    return float(median), float(late), float(each[:, 1].mean())


def test_the_reconstruction_keeps_all_the_ink_but_the_fudge() -> None:
    for before in (21, 40, 57, 90):
        weights = _weights(before, 20)
        whole = weights.sum(axis=0) * before / 20
        assert set(np.round(whole, 6)) <= {0.99, 1.0}
        assert weights.sum(axis=1) == pytest.approx(1, abs=0.01)


def test_distance_counts_black_pixels_and_knows_a_shift() -> None:
    image = np.zeros((28, 28), np.uint8)
    image[10:15, 10] = 255
    other = image.copy()
    other[20, 20:24] = 255
    assert distance(image, other) == (2.0, False)
    assert distance(image, np.roll(image, 1, axis=1)) == (0.0, True)


def test_box_and_place_are_those_of_the_reconstruction(
    scans: list[NDArray[np.float32]], capsys: pytest.CaptureFixture[str]
) -> None:
    """The reconstruction itself is 0.034 away from MNIST (the paper's median: 8.7 of 255)."""
    median, late, off = distances(scans, fit_box)
    before = distances(scans, rounded_box)
    with capsys.disabled():
        print(
            f"\ndistance {median:.3f}, 95th percentile {late:.3f}, {off:.1%} off by one place; "
            f"with sides rounded one by one {before[0]:.2f}, {before[1]:.2f}, {before[2]:.1%}"
        )
    assert median < 0.05
    assert late < 0.1
    assert off <= 0.02
    assert before[0] > 1
    assert before[2] > 0.1
