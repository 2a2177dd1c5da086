"""Read a page of handwritten digits: find them, and let a network name each.

`read_digits` is `mnist_lib.handwriting` and a network of `mnist_lib.models` together. Where shape
alone does not tell how a page is to be read (digits that touch, a digit in two pieces, a page that
was photographed lying on its side), many readings are tried, and the best one is kept.
"""

from __future__ import annotations

import contextlib
import functools
import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from mnist_lib import handwriting
from mnist_lib.handwriting import Page, Part, Strokes
from mnist_lib.handwriting.picture import Picture

__all__ = ["ReadDigit", "Reading", "read_digits"]

SURE = 0.85  # a digit whose probability is lower is marked
# What gets less does not look like a digit; for the network "robust". tools/handwriting_bench.py
# measures both errors over this limit, and says why it lies here.
NO_DIGIT = 0.5
UPRIGHT = 0.9  # mean probability of a page that needs no turning
CLEAR = 0.7  # mean probability below which a page holds hardly any digits
# In mean probability, for which a page is turned: at least GAIN, and more on a page of few digits,
# whose mean says less: GAIN_OF_ONE for a single one, and less by the root of their number.
GAIN, GAIN_OF_ONE = 0.04, 0.08
SUREST = 0.96  # how sure a network that was trained with smoothed labels is at most
# What doubt costs, -ln p: DOUBT times that for any digit, and more for a wide one, in which many
# narrow ones would have their say. Fitted together with the prices of `handwriting.touching`.
DOUBT, DOUBT_BY_WIDTH = 0.44, 4.8
DOUBTFUL = 4.0  # the price from which a piece may be several digits; a sure one costs hardly any
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

    @property
    def perhaps_none(self) -> bool:
        """Whether the probability is below 0.5: this may be a letter, a blot or a scribble.

        About one in a hundred hard digits is read so, and all but about three in a hundred things
        that the network knows as no digits. Letters and signs often look like digits, and pass.
        """
        return self.probability < NO_DIGIT


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

    Ink is found as `mnist_lib.handwriting.find_digits` finds it. What does not look like one digit
    is cut wherever a digit might end, and joined with its neighbours: of all readings of a line,
    the one whose digits are surest and look most like digits is kept. The page is read as it lies;
    if that is not sure, in the three other turns, too.

    Nothing is declined: every mark as large as a digit gets one of the ten names. Those that are
    ``perhaps_none`` are better left out, or shown to a person.

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
        and whether it is unsure, or perhaps no digit.

    Warns
    -----
    UserWarning
        The page had to be turned to be read, or can hardly be read at all; then the warning says
        how many marks are perhaps no digits.

    Raises
    ------
    TypeError, ValueError, OSError
        As `handwriting.find_digits` raises them: what holds no strokes is refused.
    """
    if network is None:
        network = _robust()
    page = handwriting.find_page(image)
    (first,) = _read([(page, handwriting.find_strokes(page))], network)
    best, turned = first.settled(network), 0
    if best.certainty < UPRIGHT:
        quarters, others = [], []
        for turn in QUARTERS:
            other = page.turned(turn)
            with contextlib.suppress(ValueError):  # no strokes: what stands can lie flat
                others.append((other, handwriting.find_strokes(other)))
                quarters.append(turn)
        if others:
            read = _read(others, network)
            surest = max(range(len(read)), key=lambda i: read[i].certainty)
            candidate = read[surest].settled(network)
            gain = max(GAIN, GAIN_OF_ONE / math.sqrt(len(candidate.strokes)))
            if candidate.certainty > best.certainty + gain:
                best, turned = candidate, quarters[surest]
    if best.certainty < CLEAR:
        none = np.count_nonzero(best.probabilities.max(axis=1) < NO_DIGIT)
        warnings.warn(
            f"Hardly a digit of the page is read surely; {none} of {len(best.strokes)} are perhaps "
            "no digits. The page may hold letters or print, or be too blurred: look at "
            "reading.digits.",
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


def _read(pages: Sequence[tuple[Page, list[Strokes]]], network: Network) -> list[_Candidate]:
    """Read each piece of ink as one digit, those of all pages in one batch."""
    images = [[handwriting.as_mnist(each.ink) for each in strokes] for _, strokes in pages]
    probabilities = _predict(network, [image for some in images for image in some])
    ends = np.cumsum([len(some) for some in images])
    return [
        _Candidate(page, strokes, some, read)
        for (page, strokes), some, read in zip(
            pages, images, np.split(probabilities, ends[:-1]), strict=True
        )
    ]


class _Candidate(NamedTuple):
    """One way of reading a page: its digits in reading order, and what the network says."""

    page: Page
    strokes: list[Strokes]
    images: list[NDArray[np.uint8]]
    probabilities: Probabilities

    @property
    def certainty(self) -> float:
        return float(self.probabilities.max(axis=1).mean())

    def settled(self, network: Network) -> _Candidate:
        """Cut what may be several digits, join what may be parts of one: the cheapest way along.

        A digit's price is the network's doubt and its shape's misfit. Parts of a line follow each
        other wherever one ends at the boundary at which the next begins; the way with the lowest
        sum is found by dynamic programming.
        """
        rows = handwriting.line_up(self.strokes)
        lines = [
            handwriting.find_parts(
                [self.strokes[i] for i in row], [self._alone(i) > DOUBTFUL for i in row]
            )
            for row in rows
        ]
        trials = [part for parts in lines for part in parts if part.piece is None]
        if not trials:
            return self
        # Thousands of parts are tried: all in one batch, and prepared without the costly step.
        previews = [handwriting.preview(part.strokes.ink) for part in trials]
        tried = iter(zip(trials, previews, _predict(network, previews), strict=True))
        kept, new = [], []
        for row, parts in zip(rows, lines, strict=True):
            prices = [
                _price(*next(tried))
                if part.piece is None
                else _price(part, self.images[i := row[part.piece]], self.probabilities[i])
                for part in parts
            ]
            for part in (parts[k] for k in _cheapest(parts, prices)):
                if part.piece is None:
                    new.append(part.strokes)
                else:
                    kept.append(row[part.piece])
        if not new:
            return self
        (fresh,) = _read([(self.page, new)], network)
        return _Candidate(
            self.page,
            [self.strokes[i] for i in kept] + new,
            [self.images[i] for i in kept] + fresh.images,
            np.concatenate([self.probabilities[kept], fresh.probabilities]),
        )

    def _alone(self, i: int) -> float:
        """Price a piece as one digit, whatever its line."""
        whole = Part(self.strokes[i], 0, 1, (), self.strokes[i].ink.shape[0], i)
        return _price(whole, self.images[i], self.probabilities[i])

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


def _price(part: Part, image: NDArray[np.uint8], probabilities: Probabilities) -> float:
    label = int(probabilities.argmax())
    doubt = max(0.0, -math.log(float(probabilities[label]) / SUREST))
    weight = DOUBT + DOUBT_BY_WIDTH * part.strokes.ink.shape[1] / part.usual
    return float(weight * doubt + handwriting.misfit(part, image, label))


def _cheapest(parts: Sequence[Part], prices: Sequence[float]) -> list[int]:
    """Find the parts that follow each other from the line's start to its end at least cost."""
    end = max(part.end for part in parts)
    total, last = [0.0] + [math.inf] * end, [-1] * (end + 1)
    for k in sorted(range(len(parts)), key=lambda k: parts[k].end):
        price = total[parts[k].start] + prices[k]
        if price < total[parts[k].end]:
            total[parts[k].end], last[parts[k].end] = price, k
    way = []
    while end > 0:
        way.append(last[end])
        end = parts[last[end]].start
    return way[::-1]
