"""Put pieces of ink together into digits, in reading order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mnist_lib.handwriting.ink import SMALL
from mnist_lib.handwriting.normalise import BOX, FINE, crop, fine_distance
from mnist_lib.handwriting.picture import Grey

__all__ = ["group_digits", "has_strokes", "select_digit"]

NO_STROKES = (
    "The picture holds lines, edges or blots, but nothing that looks like strokes of a pen. Leave "
    "more paper around the digit, and cut off what does not belong to the page."
)

MOST_PARTS = 16  # fragments that a broken stroke may have, and areas that it may enclose
BLOT = 9.0  # strokes wider than this leave no digit; the widest of MNIST have 6


class _Pieces(NamedTuple):
    """The connected pieces of a picture's ink; arrays have one row per piece."""

    parts: NDArray[np.int32]  # (H, W): 0 is paper, i + 1 the piece of row i
    mass: NDArray[np.float64]
    top: NDArray[np.intp]
    bottom: NDArray[np.intp]
    left: NDArray[np.intp]
    right: NDArray[np.intp]


def _find_pieces(ink: Grey) -> _Pieces:
    # A small picture's faint pixels are part of its strokes; a large one's are dirt.
    faint = 0 if max(ink.shape) <= SMALL else 0.3
    parts, count = ndimage.label(ink > faint, np.ones((3, 3)))
    mass = np.bincount(parts.ravel(), ink.ravel(), count + 1)[1:].astype(np.float64)
    if not mass.any():
        raise ValueError(NO_STROKES)
    boxes = np.array([(r.start, r.stop, c.start, c.stop) for r, c in ndimage.find_objects(parts)])
    return _Pieces(parts, mass, boxes[:, 0], boxes[:, 1], boxes[:, 2], boxes[:, 3])


def select_digit(ink: Grey) -> Grey:
    """Keep the strokes of one digit: the heaviest piece of ink and what lies close to it.

    Parameters
    ----------
    ink : ndarray of float32, shape (height, width)
        As `remove_lines` returns it.

    Returns
    -------
    ndarray of float32, shape (height, width)
        The digit's ink, 0 elsewhere.

    Raises
    ------
    ValueError
        There are no strokes, the ink is a blot, or most of it lies elsewhere.
    """
    pieces = _find_pieces(ink)
    # The digit is what the camera was aimed at: what lies along the border counts for less.
    height, width = ink.shape
    middle_y, middle_x = (pieces.top + pieces.bottom) / 2, (pieces.left + pieces.right) / 2
    inset = np.minimum(
        np.minimum(middle_y, height - middle_y) / height,
        np.minimum(middle_x, width - middle_x) / width,
    )
    main = int((pieces.mass * np.minimum(5 * inset, 1) ** 2).argmax())
    chosen = np.zeros(len(pieces.mass), dtype=bool)
    chosen[main] = True
    candidates = pieces.mass >= 0.015 * pieces.mass[main]
    length = np.maximum(pieces.bottom - pieces.top, pieces.right - pieces.left)
    while True:
        top, bottom = pieces.top[chosen].min(), pieces.bottom[chosen].max()
        left, right = pieces.left[chosen].min(), pieces.right[chosen].max()
        away = np.maximum.reduce(
            [pieces.top - bottom, top - pieces.bottom, pieces.left - right, left - pieces.right]
        )
        near = 0.2 * min(max(bottom - top, right - left), 1.25 * length[chosen].max())
        more = candidates & ~chosen & (away < near)
        if not more.any():
            break
        chosen |= more
    digit = np.where(np.isin(pieces.parts, np.flatnonzero(chosen) + 1), ink, 0)
    if pieces.mass[chosen].sum() < 0.3 * pieces.mass.sum():
        raise ValueError(
            "The picture holds many marks, and no digit stands out. Cut it to one digit, or find "
            "all of them with find_digits."
        )
    if not has_strokes(digit):
        raise ValueError(NO_STROKES)
    return digit


def has_strokes(ink: Grey) -> bool:
    """Tell a digit from a blot, from dust, and from a sponge, which are what noise becomes."""
    cut = crop(ink)
    if 10 * max(cut.shape) < min(160, *ink.shape):
        return False
    distance = fine_distance(cut)
    mask = distance > 0
    stroke = 4 * float(distance[mask].mean()) / FINE
    loops, _ = ndimage.label(distance < 0)
    large_loops = np.count_nonzero(np.bincount(loops.ravel())[1:] >= FINE**2 / 4)
    _, fragments = ndimage.label(mask)
    height, width = (side - 4 * FINE for side in distance.shape)
    wide = 2 * min(height, width) > FINE * BOX
    full = wide and np.count_nonzero(mask) > 0.7 * height * width
    return stroke <= BLOT and max(large_loops, fragments) <= MOST_PARTS and not full


def group_digits(ink: Grey) -> list[Grey]:
    """Part the ink of a page into digits, in reading order.

    Pieces at least half as high as most of the ink are digits; those above, below or inside each
    other are one digit. A smaller piece belongs to the digit that it almost touches, or is a speck.

    Parameters
    ----------
    ink : ndarray of float32, shape (height, width)
        As `remove_lines` returns it.

    Returns
    -------
    list of ndarray of float32, shape (height, width)
        The strokes of one digit each, 0 elsewhere.

    Raises
    ------
    ValueError
        There are no strokes.
    """
    pieces = _find_pieces(ink)
    height, width = pieces.bottom - pieces.top, pieces.right - pieces.left
    order = np.argsort(height)
    fraction = np.cumsum(pieces.mass[order]) / pieces.mass.sum()
    usual = float(height[order[np.searchsorted(fraction, 0.5)]])
    large = (height >= 0.5 * usual) & (height < 3 * usual) & (width < 3 * usual)
    large &= pieces.mass > 0
    # Every large piece is a digit, unless it stands above, below or inside another one.
    group = np.where(large, np.arange(len(large)), -1)
    for i in np.flatnonzero(large):
        for j in np.flatnonzero(large[:i]):
            overlap = min(pieces.right[i], pieces.right[j]) - max(pieces.left[i], pieces.left[j])
            gap = max(pieces.top[i], pieces.top[j]) - min(pieces.bottom[i], pieces.bottom[j])
            together = max(pieces.bottom[i], pieces.bottom[j]) - min(pieces.top[i], pieces.top[j])
            near = gap < 0.2 * usual and together < 1.5 * usual
            if near and overlap > 0.4 * min(width[i], width[j]):
                group[group == group[i]] = group[j]
    # A small piece belongs to the digit that it almost touches.
    typical = float(np.median(pieces.mass[large]))
    for i in np.flatnonzero(~large & (pieces.mass > 0.02 * typical) & (width < usual)):
        beside = np.maximum(pieces.left - pieces.right[i], pieces.left[i] - pieces.right)
        above = np.maximum(pieces.top - pieces.bottom[i], pieces.top[i] - pieces.bottom)
        away = np.where(large, np.hypot(np.maximum(beside, 0), np.maximum(above, 0)), np.inf)
        nearest = int(away.argmin())
        if away[nearest] < 0.3 * usual:
            group[i] = group[nearest]
    digits = [group == label for label in np.unique(group[group >= 0])]
    rows = _rows(
        [(pieces.top[d].min(), pieces.bottom[d].max(), pieces.left[d].min()) for d in digits]
    )
    return [
        np.where(np.isin(pieces.parts, np.flatnonzero(digits[i]) + 1), ink, 0)
        for row in rows
        for i in row
    ]


def _rows(spans: list[tuple[int, int, int]]) -> list[list[int]]:
    """Part boxes, given as (top, bottom, left), into lines of writing, each from left to right.

    A box joins the line whose latest box it overlaps most in height, so that lines may slope.
    """
    rows: list[list[int]] = []
    for i in sorted(range(len(spans)), key=lambda i: spans[i][2]):
        top, bottom, _ = spans[i]
        best, most = None, 0.4
        for row in rows:
            other_top, other_bottom, _ = spans[row[-1]]
            shared = min(bottom, other_bottom) - max(top, other_top)
            overlap = shared / min(bottom - top, other_bottom - other_top)
            if overlap > most:
                best, most = row, overlap
        if best is None:
            rows.append([i])
        else:
            best.append(i)
    return sorted(rows, key=lambda row: np.mean([spans[i][0] + spans[i][1] for i in row]))
