"""Take ruled lines and squares off a page, whether they slope, bow or are pale."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import BSpline, make_smoothing_spline

from mnist_lib.handwriting.picture import Grey, shrink

__all__ = ["remove_ruling"]

STEEPEST = 0.32  # rows per column; about 18 degrees
BLOCK = (
    8  # columns that are averaged to find a line; a line shifts by at most two rows between them
)
WIDTHS = (2, 4, 7)  # rows from a line's middle to the paper beside it
SHORT = 40  # blocks
COVERED = 0.7  # of the columns; digits written beside each other cover less


def remove_ruling(darkness: Grey) -> Grey:
    """Take away what is printed across the whole page, and leave the strokes that cross it.

    The slope that most lines have is estimated once. Then each line is followed from one side of
    the page to the other, block by block (dynamic programming), so that it may bow. What is no
    darker than the line is erased; where a stroke crosses it, what joins the stroke stays.

    Parameters
    ----------
    darkness : ndarray of float32, shape (height, width)
        As `even_out` returns it. The lines are looked for before any threshold, because a pale
        line falls into pieces at every threshold.

    Returns
    -------
    ndarray of float32, shape (height, width)
        A new array; equal to `darkness` where there was no line.
    """
    rest = _without_rows(darkness)
    return np.ascontiguousarray(_without_rows(np.ascontiguousarray(rest.T)).T)


def _noise(darkness: Grey) -> float:
    """Estimate the standard deviation of the paper's grain."""
    step = np.abs(darkness[:, 2:] - darkness[:, :-2])
    return float(np.median(step)) * 1.48 / 2**0.5


def _without_rows(darkness: Grey) -> Grey:
    height, width = darkness.shape
    block = min(BLOCK, width // 24)
    if height < 2 * max(WIDTHS) or block < 2:
        return darkness
    noise = _noise(darkness)
    slope = _common_slope(darkness)
    shift = np.rint(slope * (np.arange(width) - width / 2)).astype(int)
    pad = int(np.abs(shift).max()) + max(WIDTHS)
    level = _shear(darkness, shift, pad, block)
    lines = _follow(level, noise / block**0.5)
    if not lines:
        return darkness
    rest = darkness.copy()
    at = (np.arange(width) - (block - 1) / 2) / block
    for line in lines:
        _erase(rest, darkness, line(at) - pad + shift, noise)
    return rest


def _ridge(level: Grey) -> Grey:
    """Measure how much darker each row is than the rows above and below it, by column."""
    best = np.zeros_like(level)
    for width in WIDTHS:
        inner = level[width:-width]
        ridge = np.minimum(inner - level[: -2 * width], inner - level[2 * width :])
        np.maximum(best[width:-width], ridge, out=best[width:-width])
    return best


def _common_slope(darkness: Grey) -> float:
    """Find the slope along which the page's darkness gathers in the fewest rows."""
    small, _ = shrink(darkness, 700)
    if min(small.shape) < 2 * max(WIDTHS):
        return 0.0
    ridge = _ridge(ndimage.uniform_filter1d(small, 3, axis=1))
    # Strokes are darker than lines, and lines are longer: no place counts more than a line does.
    ridge = np.minimum(ridge, 3 * _noise(small) + 0.03)
    y, x = np.nonzero(ridge > 0.5 * float(ridge.max()))
    if not len(y):
        return 0.0
    weight = ridge[y, x]
    slopes = np.linspace(-STEEPEST, STEEPEST, 129)
    centre = small.shape[1] / 2
    pad = int(STEEPEST * centre) + 2
    scores = []
    for slope in slopes:
        row = np.rint(y - slope * (x - centre)).astype(int) + pad
        votes = np.bincount(row, weight, small.shape[0] + 2 * pad)
        scores.append(np.square(votes[1:-1] + (votes[:-2] + votes[2:]) / 2).sum())
    return float(slopes[int(np.argmax(scores))])


def _shear(darkness: Grey, shift: NDArray[np.intp], pad: int, block: int) -> Grey:
    """Shift each column so that lines lie level, and average blocks of columns.

    Rows beyond the picture are NaN.
    """
    height, width = darkness.shape
    row = np.arange(-pad, height + pad)[:, np.newaxis]
    level = np.empty((height + 2 * pad, width // block), dtype=np.float32)
    for i in range(level.shape[1]):
        columns = np.arange(i * block, (i + 1) * block)
        at = row + shift[columns]
        values = darkness[np.clip(at, 0, height - 1), columns]
        values = np.where((at >= 0) & (at < height), values, np.float32(np.nan))
        level[:, i] = values.mean(axis=1)
    return level


def _follow(level: Grey, noise: float) -> list[BSpline]:
    """Return, for each line, the row of its middle as a function of the block."""
    valid = np.isfinite(level)
    ridge = _ridge(np.where(valid, level, np.float32(0)))
    faint = 2 * noise
    present = np.clip((ridge - faint) / (2 * faint + 0.012), 0, 1)
    inside = ndimage.binary_erosion(valid, np.ones((2 * max(WIDTHS) + 1, 1)))
    # The flanks of a dark line are as dark as a pale line's middle.
    peak = ridge >= 0.6 * ndimage.maximum_filter1d(ridge, 7, axis=0)
    present = np.where(inside & peak, present, 0).astype(np.float32)
    rows, blocks = level.shape
    found: list[BSpline] = []
    certain = False
    for _ in range(8):
        score, path = _best_paths(present)
        at = path, np.arange(blocks)[:, np.newaxis]
        usable = inside[at]
        count = usable.sum(axis=0)
        covered = np.where(usable, present[at], 0).sum(axis=0) / np.maximum(count, 1)
        whole = (covered >= COVERED) & (count >= 0.5 * blocks)
        # A line that cuts a corner of the page is short; it is one of many.
        corner = (covered >= 0.85) & (count >= 0.1 * blocks) & (len(found) > 1)
        candidates = np.flatnonzero(whole | corner)
        taken = np.zeros(rows, dtype=bool)
        more = False
        for end in candidates[np.argsort(-score[candidates], kind="stable")]:
            if taken[path[blocks // 2, end]] or taken[end]:
                continue
            line = path[:, end]
            for row in (line[blocks // 2], end):
                taken[max(row - 6, 0) : row + 7] = True
            weight = np.where(usable[:, end], present[line, np.arange(blocks)], 0)
            # What is much fainter than the rest is grain, and belongs to no line.
            strength = ridge[line, np.arange(blocks)]
            weight[strength < 0.3 * np.quantile(strength[usable[:, end]], 0.3)] = 0
            smooth = _smooth(ridge, line, weight)
            if smooth is None or not _spans(weight, usable[:, end]):
                continue
            found.append(smooth)
            certain |= bool(covered[end] > 0.9 and usable[:, end].all())
            more = True
            for block, row in enumerate(line):
                present[max(row - 5, 0) : row + 6, block] = 0
        if not more:
            break
    # One line alone may be a row of bars, unless nothing is missing from it.
    return found if certain or len(found) > 1 else []


def _best_paths(present: Grey) -> tuple[Grey, NDArray[np.intp]]:
    """For each row at the right end, find the path from the left that meets most of a line."""
    rows, blocks = present.shape
    score = present[:, 0].copy()
    steps = np.zeros((blocks, rows), dtype=np.int8)
    for block in range(1, blocks):
        before = np.full((5, rows), -np.inf, dtype=np.float32)
        before[2] = score
        for step in (1, 2):
            before[2 - step, step:] = score[:-step] - np.float32(0.1 * step)
            before[2 + step, :-step] = score[step:] - np.float32(0.1 * step)
        best = before.argmax(axis=0)
        score = before[best, np.arange(rows)] + present[:, block]
        steps[block] = best - 2
    path = np.empty((blocks, rows), dtype=np.intp)
    path[-1] = np.arange(rows)
    for block in range(blocks - 1, 0, -1):
        path[block - 1] = path[block] + steps[block][path[block]]
    return score, path


def _smooth(ridge: Grey, line: NDArray[np.intp], weight: Grey) -> BSpline | None:
    """Fit a smooth curve, or return None where bars of digits jump up and down."""
    blocks = np.arange(len(line))
    middle, trust = line.astype(float), weight + 1e-3
    for reach, stiffness in ((3, 300.0), (3, 100.0), (2, 30.0), (2, 10.0)):
        around = np.rint(middle).astype(int) + np.arange(-reach, reach + 1)[:, np.newaxis]
        around = np.clip(around, 0, len(ridge) - 1)
        strength = ridge[around, blocks] + 1e-6
        centre = (around * strength).sum(axis=0) / strength.sum(axis=0)
        curve = make_smoothing_spline(blocks, centre, w=trust, lam=stiffness)
        middle = curve(blocks)
        # Where a stroke lies on the line, it pulls the middle to itself.
        away = np.abs(middle - centre)
        trust = (weight + 1e-3) / (1 + (away / 0.7) ** 2) ** 2
    near = np.average(away < 1, weights=weight + 1e-6)
    return curve if near > 0.75 else None


def _spans(weight: Grey, usable: NDArray[np.bool_]) -> bool:
    """Tell whether a line runs from side to side; something may hide one of its ends."""
    there = weight[usable] > 0.5
    if not there.any():
        return False
    ends = there.argmax() / len(there), there[::-1].argmax() / len(there)
    if len(weight) < SHORT:  # a 1 in a small cut-out is as long, but has paper at its ends
        return bool(max(ends) == 0 and usable.all())
    return bool(max(ends) < 0.2 and min(ends) < 0.05)


def _erase(rest: Grey, darkness: Grey, middle: NDArray[np.float64], noise: float) -> None:
    """Erase a line, given as its row in each column, where nothing darker lies on it."""
    height, width = darkness.shape
    x = np.arange(width)
    reach = 2 * max(WIDTHS)
    offsets = np.arange(-reach, reach + 1)
    row = np.rint(middle).astype(int) + offsets[:, np.newaxis]
    valid = (row >= 0) & (row < height)
    here = darkness[np.clip(row, 0, height - 1), x]
    usable = valid.all(axis=0)
    if not usable.any():
        usable = valid[reach]
    profile = np.median(here[:, usable], axis=1)
    paper = float(np.median(np.concatenate([profile[:3], profile[-3:]])))
    peak = float(profile[reach - 1 : reach + 2].max()) - paper
    if peak <= 0:
        return
    strong = profile - paper > 0.15 * peak
    up = reach - int((~strong[: reach + 1])[::-1].argmax()) if not strong[: reach + 1].all() else 0
    down = reach + int((~strong[reach:]).argmax()) if not strong[reach:].all() else 2 * reach
    # The line's strength changes slowly along it.
    centre = here[max(reach - 1, 0) : reach + 2].max(axis=0) - paper
    span = min(width, 2 * (width // 8) + 1)
    strength = ndimage.median_filter(centre[::4], max(3, span // 4), mode="nearest")
    strength = np.interp(x, x[::4], strength)
    limit = paper + 1.4 * np.clip(strength, 0.3 * peak, 1.25 * peak) + 3 * noise
    beside = np.maximum(
        np.max(here[max(up - 2, 0) : max(up, 1)], axis=0),
        np.max(here[down + 1 : down + 3], axis=0, initial=0),
    )
    # Of a darker stroke that crosses, the pixels themselves tell; of a paler one, what is beside.
    crossed = (beside > paper + max(0.4 * peak, 4 * noise)) & (beside < 1.25 * limit)
    band = slice(up, down + 1)
    erased = valid[band] & (here[band] <= limit) & ~crossed
    across = np.broadcast_to(x, erased.shape)
    blank = np.minimum(rest[row[band][erased], across[erased]], np.float32(max(paper, 1e-6)))
    rest[row[band][erased], across[erased]] = cast(Grey, blank)
