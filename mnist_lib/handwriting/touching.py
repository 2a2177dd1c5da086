"""Cut apart digits that touch each other.

`cut_wide` cuts where shape alone decides. Who can ask a network takes `find_parts` instead: it
offers every part of a line of writing that may be one digit, with far too many cuts, and `misfit`
says how little a part's shape suits the digit that it is taken for.

References
----------
R. G. Casey, E. Lecolinet, "A survey of methods and strategies in character segmentation", IEEE
Transactions on Pattern Analysis and Machine Intelligence 18 (1996), doi:10.1109/34.506792.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mnist_lib.handwriting.digits import Strokes
from mnist_lib.handwriting.normalise import centre, crop, fit_box
from mnist_lib.handwriting.picture import Grey

__all__ = ["Cut", "Part", "cut_wide", "find_cuts", "find_parts", "misfit", "preview"]

ROWS = 48  # a path is looked for in a picture of about this height
STEP = 0.07  # of the height, between the places across at which a path is looked for
REACH = 0.15  # of the height, to either side of such a place
APART = 0.03  # of the height: the mean distance of two paths that are no longer the same
WIDE = 0.8  # times its height; two digits with a ring each are hardly narrower
WIDEST = 1.7  # times its height; no digit is as wide
THIN_CUT = 0.5  # of the height: the most ink that a cut crosses without a network's word for it
SHARED = 0.22  # of the height: the widest stroke that two digits share
MOST_CROSSED = 0.7  # of the height: the most ink that any cut crosses

# Of each digit: the logarithm of its width over its height, and on how many strokes a row and a
# column of its image come on average, as `_strokes_met` counts them; each with its standard
# deviation. Measured on 8,000 of MNIST's training images and about 600 digits of scripted pens.
SHAPES = np.array(
    [
        [-0.14, 0.21, 1.68, 0.15, 1.66, 0.20],
        [-0.90, 0.47, 1.02, 0.14, 1.09, 0.20],
        [-0.10, 0.24, 1.31, 0.18, 1.77, 0.29],
        [-0.24, 0.22, 1.22, 0.14, 2.09, 0.29],
        [-0.25, 0.22, 1.43, 0.14, 1.34, 0.20],
        [-0.07, 0.28, 1.19, 0.14, 1.88, 0.36],
        [-0.35, 0.22, 1.40, 0.20, 1.81, 0.29],
        [-0.27, 0.22, 1.16, 0.14, 1.50, 0.22],
        [-0.30, 0.23, 1.53, 0.16, 2.02, 0.38],
        [-0.40, 0.21, 1.36, 0.14, 1.80, 0.27],
    ]
)
# What a part costs, in the unit of a log probability. Fitted by maximum likelihood, over all ways
# of cutting them, to 312 strings of pens' and MNIST's validation digits, most of them touching.
SIDE = 0.32  # a side that is a cut
CROSSED = 0.97  # ink that its cuts cross, a digit's height of it
THROUGH_RING = 1.15  # a cut through a ring
UNEVEN = 3.9  # of the logarithm of its height over that of its line
SHAPE = 0.3, 0.13, 0.37  # strokes met by rows, by columns; width


class Cut(NamedTuple):
    """A path from top to bottom that parts a piece of ink in two.

    Attributes
    ----------
    at : ndarray of float64, shape (height,)
        The path: a column in each row, in pixels of the piece.
    right_start, left_end : ndarray of float64, shape (height,)
        In each row the column at which the right part begins, and the one before which the left
        part ends. They differ where the path runs along a stroke, which then belongs to both parts:
        digits that overlap share it.
    crossed : float
        How much ink the path runs through, as a fraction of the piece's height.
    through_ring : bool
        Whether it parts an area that the ink encloses. A ring mostly belongs to one digit; but two
        digits that touch twice enclose one between them.
    """

    at: NDArray[np.float64]
    right_start: NDArray[np.float64]
    left_end: NDArray[np.float64]
    crossed: float
    through_ring: bool


def find_cuts(strokes: Strokes) -> list[Cut]:
    """Find paths from top to bottom that run through little ink, one near each place across.

    Parameters
    ----------
    strokes : Strokes

    Returns
    -------
    list of Cut
        Different ones, from left to right. None leaves a side less than a twentieth of the ink of
        a digit as wide as it is high.
    """
    ink = strokes.ink
    height, width = ink.shape
    step = max(1, height // ROWS)
    rows, columns = -(-height // step), -(-width // step)
    if columns < 6 or rows < 6:
        return []
    rings = _rings(ink)

    def coarse(values: Grey) -> Grey:
        padded = np.pad(values, ((0, rows * step - height), (0, columns * step - width)))
        return np.asarray(padded.reshape(rows, step, columns, step).mean(axis=(1, 3)))

    small = coarse(ink)
    closed = sum((coarse(ring.astype(np.float32)) for ring in rings), np.zeros_like(small))
    reach = max(2, round(REACH * rows))
    total = float(ink.sum())
    least = 0.05 * total * min(1.0, height / width)
    found: list[Cut] = []
    for middle in np.arange(0.1 * rows, columns - 0.1 * rows, STEP * rows):
        low, high = max(1, round(middle) - reach), min(columns - 1, round(middle) + reach + 1)
        if high - low < 2:
            continue
        for around in (2.0, 0.0) if rings else (0.0,):
            path, crossed = _cheapest_path(small[:, low:high], around * closed[:, low:high])
            path += low
            at = np.interp(np.arange(height), (np.arange(rows) + 0.5) * step, (path + 0.5) * step)
            is_left = np.arange(width) < at[:, np.newaxis]
            on_left = [float(is_left[ring].mean()) for ring in rings]
            through = any(0.05 < fraction < 0.95 for fraction in on_left)
            if least < float(ink[is_left].sum()) < total - least:
                found.append(Cut(at, *_shared(ink, at), crossed / rows, through))
    kept: list[Cut] = []
    for cut in sorted(found, key=lambda cut: _effort(cut) + 0.3 * cut.through_ring):
        if all(np.abs(cut.at - other.at).mean() >= APART * height for other in kept):
            kept.append(cut)
    return sorted(kept, key=lambda cut: float(cut.at.mean()))


def _shared(ink: Grey, at: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find where the stroke that a path runs along begins and ends in each row."""
    height, width = ink.shape
    at = np.clip(at, 0, width - 1)
    column, row = at.astype(int), np.arange(height)
    inked = np.pad(ink > 0.5, ((0, 0), (1, 1)))
    x = np.arange(width + 2)
    # The last paper before the path's pixel, and the first one after it.
    before = np.where(~inked & (x <= column[:, np.newaxis] + 1), x, 0).max(axis=1)
    after = np.where(~inked & (x > column[:, np.newaxis]), x, width + 1).min(axis=1) - 1
    along = inked[row, column + 1] & (after - before <= SHARED * height)
    return np.where(along, before, at), np.where(along, after, at)


def _effort(cut: Cut) -> float:
    """Rank cuts: a path that winds leaves a piece of one digit with the other."""
    return cut.crossed + 0.3 * float(cut.at.std()) / len(cut.at)


def _cheapest_path(ink: Grey, closed: Grey) -> tuple[NDArray[np.intp], float]:
    """Find the path down that crosses least ink, a column aside at most per row, around rings."""
    rows, columns = ink.shape
    cost = ink + closed + np.float32(0.01)
    total = cost[0].copy()
    steps = np.zeros((rows, columns), dtype=np.intp)
    for row in range(1, rows):
        before = np.full((3, columns), np.inf, dtype=np.float32)
        before[0, 1:] = total[:-1] + 0.03
        before[1] = total
        before[2, :-1] = total[1:] + 0.03
        best = before.argmin(axis=0)
        total = before[best, np.arange(columns)] + cost[row]
        steps[row] = best - 1
    path = np.empty(rows, dtype=np.intp)
    path[-1] = int(total.argmin())
    for row in range(rows - 1, 0, -1):
        path[row - 1] = path[row] + steps[row, path[row]]
    return path, float(ink[np.arange(rows), path].sum())


def _cut_out(whole: Strokes, left: Cut | None, right: Cut | None) -> Strokes | None:
    """Return the ink between two cuts of a piece, None if there is none.

    Where a cut is missing, the part reaches to the piece's end.
    """
    columns = np.arange(whole.ink.shape[1])
    kept = np.ones(whole.ink.shape, dtype=bool)
    if left is not None:
        kept &= columns >= left.right_start[:, np.newaxis]
    if right is not None:
        kept &= columns < right.left_end[:, np.newaxis]
    ink = np.where(kept, whole.ink, np.float32(0))
    if not ink.any():
        return None
    top = int(np.flatnonzero(ink.any(axis=1))[0])
    start = int(np.flatnonzero(ink.any(axis=0))[0])
    return Strokes(crop(ink).copy(), whole.top + top, whole.left + start)


def cut_wide(strokes: Strokes) -> list[Strokes]:
    """Cut a piece that is too wide for one digit, where a cut crosses little ink.

    Parameters
    ----------
    strokes : Strokes

    Returns
    -------
    list of Strokes
        From left to right; the piece itself if it is narrow enough, or nowhere thin.
    """
    height, width = strokes.ink.shape
    if width <= WIDE * height or (width <= WIDEST * height and not _has_rings_in_a_row(strokes)):
        return [strokes]
    thin = [
        cut._replace(right_start=cut.at, left_end=cut.at)  # no stroke in both
        for cut in find_cuts(strokes)
        if cut.crossed <= THIN_CUT and not cut.through_ring
    ]
    for cut in sorted(thin, key=_effort):
        parts = [_cut_out(strokes, None, cut), _cut_out(strokes, cut, None)]
        sizes = [part.ink.shape for part in parts if part is not None]
        # Digits beside each other are about as high and as wide; a 1 is narrow.
        if (
            min(tall for tall, _ in sizes) < 0.8 * height
            or min(wide for _, wide in sizes) < 0.3 * height
        ):
            continue
        return [small for part in parts if part is not None for small in cut_wide(part)]
    return [strokes]


class Part(NamedTuple):
    """Ink that may be one digit, between two boundaries of its line of writing.

    Attributes
    ----------
    strokes : Strokes
    start, end : int
        The boundaries, counted along the line from 0.
    cuts : tuple of Cut
        Those of its two sides that are cuts, and not a piece's own end.
    usual : float
        Height of the line's pieces, pixels.
    piece : int or None
        Which piece it is, if it is one as it was found.
    """

    strokes: Strokes
    start: int
    end: int
    cuts: tuple[Cut, ...]
    usual: float
    piece: int | None


def find_parts(pieces: Sequence[Strokes], doubtful: Sequence[bool]) -> list[Part]:
    """Offer every part of a line of writing that may be one digit.

    Parameters
    ----------
    pieces : sequence of Strokes
        Of one line, from left to right.
    doubtful : sequence of bool
        Of each piece, whether it may be several digits.

    Returns
    -------
    list of Part
        Every piece; what lies between any two cuts of a doubtful one, as long as it is about as
        high as the piece and no wider than one and a half times that; two neighbours together, if
        they nearly touch and are no wider than a digit. The `start` of the first
        part is 0, the largest `end` is the line's.
    """
    usual = float(np.median([piece.ink.shape[0] for piece in pieces]))
    parts: list[Part] = []
    start = before = 0
    for i, whole in enumerate(pieces):
        height = whole.ink.shape[0]
        inner = find_cuts(whole) if doubtful[i] else []
        cuts = [None, *(cut for cut in inner if cut.crossed <= MOST_CROSSED), None]
        end = start + len(cuts) - 1
        parts.append(Part(whole, start, end, (), usual, i))
        for first, left in enumerate(cuts[:-1]):
            for last, right in enumerate(cuts[first + 1 :], first + 1):
                sides = tuple(cut for cut in (left, right) if cut is not None)
                some = _cut_out(whole, left, right) if sides else None
                if some is None or some.ink.shape[0] < 0.5 * height:
                    continue
                if 0.04 * height <= some.ink.shape[1] <= 1.5 * height:
                    parts.append(Part(some, start + first, start + last, sides, usual, None))
        if i and whole.left - pieces[i - 1].left - pieces[i - 1].ink.shape[1] < 0.15 * usual:
            both = _joined(pieces[i - 1], whole)
            if both.ink.shape[1] < 1.1 * both.ink.shape[0]:
                parts.append(Part(both, before, end, (), usual, None))
        before, start = start, end
    return parts


def preview(ink: Grey) -> NDArray[np.uint8]:
    """Prepare a part's ink as `as_mnist` does, but for its stroke width, which costs most.

    Parameters
    ----------
    ink : ndarray of float32, shape (height, width)

    Returns
    -------
    ndarray of uint8, shape (28, 28)
        Ink up to 255 on 0.
    """
    box = fit_box(ink)
    black = np.quantile(box[box > 0.3 * box.max()], 0.9)
    return centre(np.clip(box / black, 0, 1))


def misfit(part: Part, image: NDArray[np.uint8], label: int) -> float:
    """Say how little the shape of a part suits a digit.

    Parameters
    ----------
    part : Part
    image : ndarray of uint8, shape (28, 28)
        Of the part, as MNIST has it.
    label : int
        The digit that it is taken for.

    Returns
    -------
    float
        0 if it suits well; in the unit of a log probability.
    """
    height, width = part.strokes.ink.shape
    wide, rows, columns = (
        (value - mean) / spread
        for value, mean, spread in zip(
            (math.log(width / height), *_strokes_met(image)),
            SHAPES[label, ::2],
            SHAPES[label, 1::2],
            strict=True,
        )
    )
    price = SHAPE[0] * _beyond(rows)
    if part.cuts:
        price += SHAPE[1] * _beyond(abs(columns)) + SHAPE[2] * _beyond(-wide)
        price += SIDE * len(part.cuts)
        price += sum(CROSSED * cut.crossed + THROUGH_RING * cut.through_ring for cut in part.cuts)
        price += UNEVEN * min(max(0.0, abs(math.log(height / part.usual)) - 0.05), 0.7)
    return price


def _beyond(deviation: float) -> float:
    """Square what exceeds one standard deviation, up to four more."""
    return float(min(max(deviation - 1, 0), 4) ** 2)


def _strokes_met(image: NDArray[np.uint8]) -> tuple[float, float]:
    """Count the strokes that rows and columns of an image meet, on average of those with ink."""
    inked = np.pad(image > 90, 1)
    met = [(inked[1:] > inked[:-1]).sum(axis=0), (inked[:, 1:] > inked[:, :-1]).sum(axis=1)]
    columns, rows = (float(counts.sum() / max(1, np.count_nonzero(counts))) for counts in met)
    return rows, columns


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


def _has_rings_in_a_row(strokes: Strokes) -> bool:
    """Tell whether two areas are enclosed beside each other; an 8 has them above each other."""
    rings = _rings(strokes.ink)
    if len(rings) < 2:
        return False
    apart = np.ptp([np.argwhere(ring).mean(axis=0) for ring in rings], axis=0)
    return bool(apart[1] > 2 * apart[0])  # the two halves of a 0 with a bar lie aslant


def _rings(ink: Grey) -> list[NDArray[np.bool_]]:
    """Mark each area that the ink encloses, the smallest left out."""
    parts, count = ndimage.label(np.pad(ink, 1) < 0.5)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    least = 0.01 * ink.shape[0] ** 2
    inner = parts[1:-1, 1:-1]
    return [inner == i for i in range(1, count + 1) if i != parts[0, 0] and sizes[i] >= least]
