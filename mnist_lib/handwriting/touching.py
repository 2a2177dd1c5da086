"""Cut apart digits that touch each other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mnist_lib.handwriting.digits import Strokes
from mnist_lib.handwriting.normalise import crop
from mnist_lib.handwriting.picture import Grey

__all__ = ["Cut", "cut_wide", "find_cuts"]

ROWS = 48  # a path is looked for in a picture of about this height
WIDE = 0.8  # times its height; two digits with a ring each are hardly narrower
WIDEST = 1.7  # times its height; no digit is as wide
THIN_CUT = 0.4  # of the height: the most ink that a cut crosses without a network's word for it


class Cut(NamedTuple):
    """One way of cutting a piece of ink in two.

    Attributes
    ----------
    left, right : Strokes
    crossed : float
        How much ink the cut runs through, as a fraction of the piece's height.
    """

    left: Strokes
    right: Strokes
    crossed: float


def find_cuts(strokes: Strokes) -> list[Cut]:
    """Find paths from top to bottom that cut through little ink, one near each place across.

    Parameters
    ----------
    strokes : Strokes

    Returns
    -------
    list of Cut
        Different cuts, those first that cross little ink and are straight. None leaves a part less
        than a tenth of the ink, or cuts through a ring: it belongs to one digit.
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
    reach = max(2, round(0.15 * rows))
    found: list[tuple[float, Cut]] = []
    seen: list[NDArray[np.intp]] = []
    for middle in np.arange(0.18, 0.83, 0.04) * columns:
        low, high = max(1, round(middle) - reach), min(columns - 1, round(middle) + reach + 1)
        if high - low < 2:
            continue
        path, crossed = _cheapest_path(small[:, low:high], closed[:, low:high])
        path += low
        if any(np.abs(path - other).mean() < 1 for other in seen):
            continue
        seen.append(path)
        at = np.interp(np.arange(height), (np.arange(rows) + 0.5) * step, (path + 0.5) * step)
        is_left = np.arange(width) < at[:, np.newaxis]
        on_left = [float(is_left[ring].mean()) for ring in rings]
        if any(0.05 < fraction < 0.95 for fraction in on_left):
            continue
        parts = [_part(strokes, np.where(side, ink, 0)) for side in (is_left, ~is_left)]
        if all(part is not None and part.ink.sum() > 0.1 * ink.sum() for part in parts):
            cut = Cut(parts[0], parts[1], crossed / rows)  # type: ignore[arg-type]
            # A winding path leaves a piece of one digit with the other.
            found.append((cut.crossed + 0.3 * float(path.std()) / rows, cut))
    return [cut for _, cut in sorted(found, key=lambda each: each[0])]


def _cheapest_path(ink: Grey, closed: Grey) -> tuple[NDArray[np.intp], float]:
    """Find the path down that crosses least ink, a column aside at most per row, around rings."""
    rows, columns = ink.shape
    cost = ink + 2 * closed + np.float32(0.01)
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


def _part(whole: Strokes, ink: Grey) -> Strokes | None:
    if not ink.any():
        return None
    top = int(np.flatnonzero(ink.any(axis=1))[0])
    left = int(np.flatnonzero(ink.any(axis=0))[0])
    return Strokes(crop(ink), whole.top + top, whole.left + left)


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
    for cut in find_cuts(strokes):
        sizes = [part.ink.shape for part in (cut.left, cut.right)]
        if cut.crossed > THIN_CUT or min(tall for tall, _ in sizes) < 0.8 * height:
            continue
        # Digits beside each other are about as wide; a 1 is narrow.
        if min(wide for _, wide in sizes) < 0.3 * height:
            continue
        return cut_wide(cut.left) + cut_wide(cut.right)
    return [strokes]


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
