"""Put pieces of ink together into digits, in reading order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from mnist_lib.handwriting.ink import FAINT, SMALL, label_strokes
from mnist_lib.handwriting.normalise import BOX, FINE, crop, fine_distance
from mnist_lib.handwriting.picture import Grey

__all__ = ["Strokes", "group_digits", "has_strokes", "leave_out_pale", "line_up", "select_digit"]

Box = tuple[int, int, int, int]  # top, bottom, left, right; bottom and right lie beyond it

NO_STROKES = (
    "The picture holds lines, edges or blots, but nothing that looks like strokes of a pen. Leave "
    "more paper around the digit, and cut off what does not belong to the page."
)

MOST_PARTS = 16  # fragments that a broken stroke may have, and areas that it may enclose
MOST_OTHERS = 4  # marks about as large as the digit itself; with more it is a page
MOST_TOUCHING = 10  # times its height: the width of a piece that may be digits in a row
BLOT = 9.0  # strokes wider than this leave no digit
WIDEST = 6.0  # of MNIST's strokes; wider ones are a digit's if they leave some paper


class Strokes(NamedTuple):
    """The ink of one digit, cut to its box.

    Attributes
    ----------
    ink : ndarray of float32, shape (height, width)
        1 is ink, 0 is paper, and every other digit's ink.
    top, left : int
        Where the box lies in the picture, pixels.
    """

    ink: Grey
    top: int
    left: int


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
    parts, count = label_strokes(ink, FAINT if max(ink.shape) <= SMALL else 0.3)
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
    others = np.count_nonzero(~chosen & (pieces.mass > 0.3 * pieces.mass[main]))
    if others > MOST_OTHERS or pieces.mass[chosen].sum() < 0.3 * pieces.mass.sum():
        raise ValueError(
            "The picture holds many marks, and no digit stands out. Cut it to one digit, or find "
            "all of them with find_digits."
        )
    if not has_strokes(digit):
        raise ValueError(NO_STROKES)
    return digit


def has_strokes(ink: Grey) -> bool:
    """Tell a digit from a blot, from dust, and from a sponge, which are what noise becomes.

    In few pixels a digit's loops close and its strokes are as wide as a blot; there only what is
    nearly all ink is refused.
    """
    cut = crop(ink)
    if 10 * max(cut.shape) < min(160, *ink.shape):
        return False
    wide = 2 * min(cut.shape) > max(cut.shape)
    if max(cut.shape) <= BOX:
        return not wide or float(cut.mean()) < 0.75
    distance = fine_distance(cut)
    mask = distance > 0
    stroke = 4 * float(distance[mask].mean()) / FINE
    loops, _ = ndimage.label(distance < 0)
    large_loops = np.count_nonzero(np.bincount(loops.ravel())[1:] >= FINE**2 / 4)
    _, fragments = ndimage.label(mask, np.ones((3, 3)))
    height, width = (side - 4 * FINE for side in distance.shape)
    full = wide and stroke > WIDEST and np.count_nonzero(mask) > 0.75 * height * width
    return stroke <= BLOT and max(large_loops, fragments) <= MOST_PARTS and not full


def group_digits(ink: Grey) -> list[Strokes]:
    """Part the ink of a page into digits, in reading order.

    A digit is a piece of ink at least half as high as most of the ink, or pieces that are as high
    together: fragments of a broken stroke, a bar above its stem. Other pieces belong to the digit
    that they almost touch. What stands alone and is smaller is a digit if it holds as much ink as
    one; else it is a speck, a comma or a dash, and is left out.

    Parameters
    ----------
    ink : ndarray of float32, shape (height, width)
        As `remove_lines` returns it.

    Returns
    -------
    list of Strokes
        One digit each.

    Raises
    ------
    ValueError
        There are no strokes.
    """
    pieces = _find_pieces(ink)
    if _dust(pieces).all():
        raise ValueError(NO_STROKES)
    clusters = _clusters(pieces)
    digit_of = np.full(len(pieces.mass) + 1, -1)
    boxes = []
    for i, members in enumerate(clusters):
        digit_of[members + 1] = i
        boxes.append(_box(pieces, members))
    digits = []
    for i, (top, bottom, left, right) in enumerate(boxes):
        if max(bottom - top, right - left) >= _least_side(pieces):
            here = np.s_[top:bottom, left:right]
            strokes = np.where(digit_of[pieces.parts[here]] == i, ink[here], np.float32(0))
            digits.append(Strokes(strokes, top, left))
    return [digits[i] for row in line_up(digits) for i in row]


def leave_out_pale(digits: list[Strokes], darkness: Grey) -> list[Strokes]:
    """Leave out single strokes that are paler than the digits: a 1 is written with the same pen.

    A piece of a printed line, a crease or the page's edge looks like a 1 and is no digit. What
    touches the picture's border must be as dark, too.

    Parameters
    ----------
    digits : list of Strokes
        As `group_digits` returns them.
    darkness : ndarray of float32, shape (height, width)
        Of the page, as `even_out` returns it.

    Returns
    -------
    list of Strokes
    """
    doubtful = np.zeros(len(digits), dtype=bool)
    dark = np.zeros(len(digits))
    for i, (ink, top, left) in enumerate(digits):
        bottom, right = top + ink.shape[0], left + ink.shape[1]
        dark[i] = np.median(darkness[top:bottom, left:right][ink >= 0.7 * ink.max()])
        on_border = min(top, left, darkness.shape[0] - bottom, darkness.shape[1] - right) <= 2
        doubtful[i] = on_border or 4 * min(ink.shape) < 1.4 * max(ink.shape)
    if np.count_nonzero(~doubtful) < 2:
        return digits
    enough = ~doubtful | (dark > 0.6 * np.median(dark[~doubtful]))
    return [digit for digit, kept in zip(digits, enough, strict=True) if kept]


def _box(pieces: _Pieces, members: NDArray[np.intp]) -> Box:
    return (
        int(pieces.top[members].min()),
        int(pieces.bottom[members].max()),
        int(pieces.left[members].min()),
        int(pieces.right[members].max()),
    )


def _least_side(pieces: _Pieces) -> float:
    """Return how many pixels high or wide a digit is at least."""
    height, width = pieces.parts.shape
    return float(min(160, height, width) / 10)


def _dust(pieces: _Pieces) -> NDArray[np.bool_]:
    """Mark what is too small for a fragment of a digit."""
    side = np.maximum(pieces.bottom - pieces.top, pieces.right - pieces.left)
    return np.asarray(side < 0.3 * _least_side(pieces))


def _usual_height(pieces: _Pieces) -> float:
    """Return the height of most of the ink, as long as that is not a line, an edge or a shadow."""
    height, width = pieces.bottom - pieces.top, pieces.right - pieces.left
    kept = (pieces.mass > 0) & ~_dust(pieces)
    order = np.argsort(height)

    def middle(kept: NDArray[np.bool_]) -> float:
        some = order[kept[order]]
        total = np.cumsum(pieces.mass[some])
        return float(height[some[np.searchsorted(total, total[-1] / 2)]])

    while True:
        usual = middle(kept)
        left_out = kept & (width >= 3 * usual)
        # One piece that outweighs the digits, and is much higher than they are.
        heaviest = int(np.where(kept, pieces.mass, 0).argmax())
        others = kept.copy()
        others[heaviest] = False
        if others.any():
            lower = middle(others)
            alike = others & (np.abs(height - lower) <= 0.4 * lower)
            enough = pieces.mass[others].sum() > 0.15 * pieces.mass[heaviest]
            if height[heaviest] >= 2.5 * lower and alike.sum() > 2 and enough:
                left_out[heaviest] = True
        if not left_out.any() or left_out.sum() == kept.sum():
            return usual
        kept &= ~left_out


def _strings(pieces: _Pieces, usual: float) -> NDArray[np.bool_]:
    """Mark wide pieces that are digits in a row, each touching the next.

    In most of its columns, such a piece has ink near its top and near its bottom; a line, or the
    edge of a shadow, has ink in one place only.
    """
    height, width = pieces.bottom - pieces.top, pieces.right - pieces.left
    marked = (width >= 3 * usual) & (height >= 0.5 * usual) & (height < 2 * usual)
    marked &= width < MOST_TOUCHING * height
    for i in np.flatnonzero(marked):
        box = np.s_[pieces.top[i] : pieces.bottom[i], pieces.left[i] : pieces.right[i]]
        ink = pieces.parts[box] == i + 1
        span = height[i] - ink.argmax(axis=0) - ink[::-1].argmax(axis=0)
        marked[i] = span.mean() > 0.4 * height[i]
    return np.asarray(marked)


def _clusters(pieces: _Pieces) -> list[NDArray[np.intp]]:
    """Put the pieces together that are one digit; each cluster is an array of pieces."""
    height, width = pieces.bottom - pieces.top, pieces.right - pieces.left
    usual = _usual_height(pieces)
    narrow = (width < 3 * usual) | _strings(pieces, usual)
    fitting = (height < 3 * usual) & narrow & ~_dust(pieces) & (pieces.mass > 0)
    large = fitting & (height >= 0.5 * usual)
    typical = float(np.median(pieces.mass[large])) if large.any() else float(pieces.mass.max())
    small = fitting & ~large & (pieces.mass > 0.02 * typical) & (width < usual)
    some = np.flatnonzero(large | small)
    boxes = np.stack([pieces.top, pieces.bottom, pieces.left, pieces.right], axis=1)[some]
    middles = np.stack([boxes[:, 0] + boxes[:, 1], boxes[:, 2] + boxes[:, 3]], axis=1) / 2
    pairs = cKDTree(middles).query_pairs(2.5 * usual, output_type="ndarray")
    first, second = boxes[pairs[:, 0]], boxes[pairs[:, 1]]
    # How far two boxes are apart; negative where they share rows or columns.
    above = np.maximum(first[:, 0] - second[:, 1], second[:, 0] - first[:, 1])
    beside = np.maximum(first[:, 2] - second[:, 3], second[:, 2] - first[:, 3])
    # What stands beside a digit is more likely a comma or a neighbour's than what is above it.
    away = np.hypot(np.maximum(above, 0), 2 * np.maximum(beside, 0))

    whole = large[some].copy()
    group = np.arange(len(some))

    def join(i: int, j: int) -> None:
        low, high = group[i], group[j]
        boxes[low, ::2] = np.minimum(boxes[low, ::2], boxes[high, ::2])
        boxes[low, 1::2] = np.maximum(boxes[low, 1::2], boxes[high, 1::2])
        whole[low] |= whole[high] or boxes[low, 1] - boxes[low, 0] >= 0.6 * usual
        group[group == high] = low

    # The nearest first, so that a fragment goes to its own digit before it goes to a neighbour.
    near = np.flatnonzero(away < 0.3 * usual)
    for i, j in pairs[near[np.argsort(away[near], kind="stable")]]:
        low, high = group[i], group[j]
        if low == high or (whole[low] and whole[high]):
            continue
        top, left = np.minimum(boxes[low, ::2], boxes[high, ::2])
        bottom, right = np.maximum(boxes[low, 1::2], boxes[high, 1::2])
        if whole[low] or whole[high] or max((bottom - top) / 1.3, right - left) <= usual:
            join(i, j)
    # Two whole pieces are one digit if they stand above or inside each other.
    for i, j in pairs[(above < 0.3 * usual) & (beside < 0.3 * usual)]:
        low, high = group[i], group[j]
        if low == high or not (whole[low] and whole[high]):
            continue
        one, two = boxes[low], boxes[high]
        overlap = min(one[3], two[3]) - max(one[2], two[2])
        gap = max(one[0], two[0]) - min(one[1], two[1])
        together = max(one[1], two[1]) - min(one[0], two[0])
        narrower = min(one[3] - one[2], two[3] - two[2])
        if gap < 0.2 * usual and together < 1.5 * usual and overlap > 0.4 * narrower:
            join(i, j)

    found = []
    for label in np.unique(group):
        members = some[group == label]
        tall = boxes[label, 1] - boxes[label, 0]
        alone = tall >= 0.3 * usual and pieces.mass[members].sum() >= 0.22 * typical
        if whole[label] or alone:
            found.append(members)
    return found


def line_up(digits: list[Strokes]) -> list[list[int]]:
    """Part digits into lines of writing.

    A digit joins the line whose latest digit it overlaps most in height, so that lines may slope.

    Parameters
    ----------
    digits : list of Strokes
        In any order.

    Returns
    -------
    list of list of int
        The digits' indices: lines from top to bottom, each from left to right.
    """
    boxes = [(d.top, d.top + d.ink.shape[0], d.left, d.left + d.ink.shape[1]) for d in digits]
    rows: list[list[int]] = []
    for i in sorted(range(len(boxes)), key=lambda i: boxes[i][2]):
        top, bottom, _, _ = boxes[i]
        best, most = None, 0.4
        for row in rows:
            other_top, other_bottom, _, _ = boxes[row[-1]]
            shared = min(bottom, other_bottom) - max(top, other_top)
            overlap = shared / min(bottom - top, other_bottom - other_top)
            if overlap > most:
                best, most = row, overlap
        if best is None:
            rows.append([i])
        else:
            best.append(i)
    # Sloping lines of different lengths are compared at the same place across.
    spans = np.array(boxes, dtype=float).reshape(-1, 4)
    x, y = (spans[:, 2] + spans[:, 3]) / 2, (spans[:, 0] + spans[:, 1]) / 2
    slopes = [np.polyfit(x[row], y[row], 1)[0] for row in rows if len(row) > 2]
    slope = float(np.median(slopes)) if slopes else 0.0
    heights = [float(np.mean(y[row] - slope * x[row])) for row in rows]
    return [rows[i] for i in np.argsort(heights, kind="stable")]
