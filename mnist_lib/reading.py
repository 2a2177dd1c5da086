"""Read a page of handwritten digits: find them, and let a network name each.

`read_digits` is `mnist_lib.handwriting` and a network of `mnist_lib.models` together. Where shape
alone does not tell how a page is to be read (digits that touch, a digit in two pieces, a page that
was photographed lying on its side), every reading is tried and the network's surest one is kept.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from mnist_lib import handwriting
from mnist_lib.handwriting import Page, Strokes
from mnist_lib.handwriting.picture import Picture

__all__ = ["ReadDigit", "Reading", "read_digits"]

SURE = 0.85  # a digit whose probability is lower is marked
# What gets less does not look like a digit; for the network "robust". tools/handwriting_bench.py
# measures both errors over this limit, and says why it lies here.
NO_DIGIT = 0.5
UPRIGHT = 0.9  # mean probability of a page that needs no turning
CLEAR = 0.7  # mean probability below which a page holds hardly any digits
GAIN = 0.04  # in mean probability, for which a page is turned
QUARTERS = {1: "a quarter to the left", 2: "upside down", 3: "a quarter to the right"}

Probabilities = NDArray[np.float32]


class Network(Protocol):
    """What reads images: a `keras.Model`, or anything with its `predict`."""

    def predict(self, x: Any, /, *, verbose: Any = ...) -> Any:
        """Return probabilities (N, 10) of images float32 (N, 28, 28, 1) in [0, 1]."""


class ReadDigit(NamedTuple):
    """One digit of a page.

    Attributes
    ----------
    label : int
        0 to 9: what the network reads.
    probability : float
        Of this label.
    unsure : bool
        Whether the probability is below 0.85: look at this one yourself.
    box : tuple of int
        (left, top, right, bottom) in pixels of the upright picture; right and bottom lie beyond.
    image : ndarray of uint8, shape (28, 28)
        What the network saw.
    """

    label: int
    probability: float
    unsure: bool
    box: tuple[int, int, int, int]
    image: NDArray[np.uint8]


class Reading(NamedTuple):
    """What a page says; ``str(reading)`` is its text, one line of text for each line of writing.

    Attributes
    ----------
    rows : list of list of ReadDigit
        Line by line, each from left to right.
    turned : int
        By how many quarters of a turn, counterclockwise, the page was turned to be read.
    """

    rows: list[list[ReadDigit]]
    turned: int

    @property
    def digits(self) -> list[ReadDigit]:
        """All digits in reading order."""
        return [digit for row in self.rows for digit in row]

    def __str__(self) -> str:
        return "\n".join("".join(str(digit.label) for digit in row) for row in self.rows)


def read_digits(image: Picture, network: Network | None = None) -> Reading:
    """Read every digit of a page.

    Digits are found as `mnist_lib.handwriting.find_digits` finds them. A piece that the network
    does not read surely is cut in two, and joined with its neighbour: what reads more surely is
    kept. The page is read as it lies; if that is not sure, in the three other turns, too.

    Parameters
    ----------
    image : str, path, PIL.Image.Image or ndarray
        Anything that `handwriting.read_picture` reads.
    network : keras.Model, optional
        Its `predict` gives probabilities (N, 10) for images (N, 28, 28, 1) in [0, 1]. By default
        ``models.load_pretrained("robust")``, which is loaded once.

    Returns
    -------
    Reading
        ``str(reading)`` is the text; ``reading.digits`` has each digit's label, probability, box,
        and whether it is unsure.

    Warns
    -----
    UserWarning
        The page had to be turned to be read, or can hardly be read at all.

    Raises
    ------
    TypeError, ValueError, OSError
        As `handwriting.find_digits` raises them: what holds no strokes is refused.
    """
    if network is None:
        network = _robust()
    page = handwriting.find_page(image)
    best, turned = _Candidate.read(page, network).settled(network), 0
    if best.certainty < UPRIGHT:
        for quarters in (1, 2, 3):
            try:
                other = _Candidate.read(page.turned(quarters), network).settled(network)
            except ValueError:  # no strokes: what stands can lie flat
                continue
            gain = GAIN if turned == 0 else 0.0
            if other.certainty > best.certainty + gain:
                best, turned = other, quarters
    if best.certainty < CLEAR:
        warnings.warn(
            "Hardly a digit of the page is read surely. It may hold letters or print, or be too "
            "blurred: look at reading.digits.",
            stacklevel=2,
        )
    elif turned:
        warnings.warn(
            f"The page lies turned ({QUARTERS[turned]}) and was read so. Turn the picture if that "
            "is wrong.",
            stacklevel=2,
        )
    return best.reading(turned)


@functools.cache
def _robust() -> Network:
    from mnist_lib import models  # TensorFlow: only who reads without a network of his own waits

    network: Network = models.load_pretrained("robust")
    return network


def _predict(network: Network, images: Sequence[NDArray[np.uint8]]) -> Probabilities:
    batch = np.stack(images)[..., np.newaxis].astype(np.float32) / 255
    return np.asarray(network.predict(batch, verbose=0))


class _Candidate(NamedTuple):
    """One way of reading a page: its digits in reading order, and what the network says."""

    page: Page
    strokes: list[Strokes]
    images: list[NDArray[np.uint8]]
    probabilities: Probabilities

    @classmethod
    def read(cls, page: Page, network: Network) -> _Candidate:
        strokes = handwriting.find_strokes(page)
        images = [handwriting.as_mnist(each.ink) for each in strokes]
        return cls(page, strokes, images, _predict(network, images))

    @property
    def certainty(self) -> float:
        return float(self.probabilities.max(axis=1).mean())

    def settled(self, network: Network) -> _Candidate:
        """Cut and join what is not sure, where the result is surer."""
        return self._with_cuts(network)._with_joins(network)

    def _with_cuts(self, network: Network) -> _Candidate:
        sure = self.probabilities.max(axis=1)
        trials = []
        for i, whole in enumerate(self.strokes):
            height, width = whole.ink.shape
            wide = width / height
            # The wider a piece, the likelier it is two digits, however sure the network is of one.
            if sure[i] > np.interp(wide, (0.35, 0.75, 1.1, 1.3, 1.6), (0.0, 0.6, 0.7, 0.77, 0.97)):
                continue
            for cut in handwriting.find_cuts(whole)[:4]:
                parts = [cut.left, cut.right]
                tall = min(part.ink.shape[0] for part in parts) >= 0.65 * height
                if tall and cut.crossed <= 0.3:
                    trials.append(([i], parts))
        return self._replaced(network, trials)

    def _with_joins(self, network: Network) -> _Candidate:
        sure = self.probabilities.max(axis=1)
        trials = []
        for row in handwriting.line_up(self.strokes):
            for i, j in pairwise(row):
                one, two = self.strokes[i], self.strokes[j]
                height = max(one.ink.shape[0], two.ink.shape[0])
                gap = two.left - one.left - one.ink.shape[1]
                together = two.left + two.ink.shape[1] - one.left
                if min(sure[i], sure[j]) < 0.8 and gap < 0.15 * height and together < 1.1 * height:
                    trials.append(([i, j], [_joined(one, two)]))
        return self._replaced(network, trials)

    def _replaced(
        self, network: Network, trials: Sequence[tuple[list[int], list[Strokes]]]
    ) -> _Candidate:
        """Try other pieces in place of some, all in one batch; keep what reads more surely."""
        trials = [
            (old, new) for old, new in trials if all(handwriting.has_strokes(n.ink) for n in new)
        ]
        if not trials:
            return self
        images = [[handwriting.as_mnist(each.ink) for each in new] for _, new in trials]
        read = _predict(network, [image for some in images for image in some])
        starts = np.cumsum([0, *map(len, images)])
        certainty = self.probabilities.max(axis=1)
        ranked = []
        for k, (old, _) in enumerate(trials):
            before = float(certainty[old].min())
            after = float(read[starts[k] : starts[k + 1]].max(axis=1).min())
            if after > 0.8 and after > before + 0.1:
                ranked.append((before - after, k))
        strokes, pictures = list(self.strokes), list(self.images)
        probabilities = list(self.probabilities)
        gone: set[int] = set()
        for _, k in sorted(ranked):
            old, new = trials[k]
            if gone.isdisjoint(old):
                gone.update(old)
                strokes += new
                pictures += images[k]
                probabilities += list(read[starts[k] : starts[k + 1]])
        kept = [i for i in range(len(strokes)) if i not in gone]
        order = [kept[i] for row in handwriting.line_up([strokes[i] for i in kept]) for i in row]
        return _Candidate(
            self.page,
            [strokes[i] for i in order],
            [pictures[i] for i in order],
            np.stack([probabilities[i] for i in order]),
        )

    def reading(self, turned: int) -> Reading:
        rows = []
        for row in handwriting.line_up(self.strokes):
            digits = []
            for i in row:
                label = int(self.probabilities[i].argmax())
                probability = float(self.probabilities[i, label])
                box = self.page.box(self.strokes[i])
                unsure = probability < SURE
                digits.append(ReadDigit(label, probability, unsure, box, self.images[i]))
            rows.append(digits)
        return Reading(rows, turned)


def _joined(one: Strokes, two: Strokes) -> Strokes:
    top, left = min(one.top, two.top), min(one.left, two.left)
    bottom = max(each.top + each.ink.shape[0] for each in (one, two))
    right = max(each.left + each.ink.shape[1] for each in (one, two))
    ink = np.zeros((bottom - top, right - left), dtype=np.float32)
    for each in (one, two):
        height, width = each.ink.shape
        y, x = each.top - top, each.left - left
        part = ink[y : y + height, x : x + width]
        np.maximum(part, each.ink, out=part)
    return Strokes(ink, top, left)
