"""Tell ink from paper, shadows, tables and ruled lines."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mnist_lib.handwriting.picture import Grey, shrink

__all__ = ["choose_window", "even_out", "find_ink", "ink_is_light", "remove_boxes", "remove_lines"]

NO_INK = (
    "The picture holds no ink: it looks blank, or nothing stands out from its grain. Write the "
    "digit larger or darker, or move the camera closer."
)

WINDOWS = (0.03, 0.06, 0.1, 0.18, 0.3)  # of the picture's shorter side
SMALL = 64  # pixels; up to this side, faint pixels beside a stroke count as ink
FAINT = 0.1  # of the darkest ink
# A pen's pressure changes along a stroke: of the darkest ink, how much is left at the palest place,
# and how far it is, in longer sides of the piece, until the pressure falls to 1 / e.
PALEST, FADING = 0.3, 0.4
BLOBS = 1.5  # times as dark as usual; what is darker still is a place where the pen rested


def _plain_paper(grey: Grey) -> float | None:
    """Return the one grey of the paper, or None where the paper has shades, as photographs do."""
    sides = grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]
    border = np.concatenate(sides)
    corners = grey[[0, 0, -1, -1], [0, -1, 0, -1]]
    middle = (grey.min() + grey.max()) / 2
    # Paper is what there is more of: in all, along the border, and in the corners, which a digit
    # that fills its picture leaves free.
    light = sum(float(np.mean(some > middle)) for some in (grey, border, corners)) > 1.5
    paper = border[(border > middle) == light]
    if not len(paper):
        return None
    level = float(np.median(paper))
    same = min(0.005, 0.02 * float(grey.max() - grey.min()))
    on_border = np.mean(np.abs(paper - level) <= same)
    everywhere = np.mean(np.abs(grey - level) <= same)
    # Half of a large picture's side is too much for strokes: a shadow or a table lies along it.
    shaded = max(grey.shape) > 4 * SMALL and any(
        np.mean(np.abs(side - level) > same) > 0.5 for side in sides
    )
    return level if on_border > 0.5 and everywhere > 0.15 and not shaded else None


def ink_is_light(grey: Grey) -> bool:
    """Tell light ink on dark ground from dark ink on light paper.

    On plain paper, ink is what there is less of. On a photograph, the evened-out picture of either
    reading is made: strokes are narrower than the gaps between them, so ink shows its outlines in
    small windows already, and paper between strokes only in large ones.

    Parameters
    ----------
    grey : ndarray of float32, shape (height, width)
        As `read_picture` returns it.

    Returns
    -------
    bool
        True if the ink is lighter than its ground; ``1 - grey`` then has dark ink.
    """
    level = _plain_paper(grey)
    if level is not None:
        return bool(grey.mean() > level)
    light, dark = (
        sum(score for score, _ in _outlines(ground).values()) for ground in (1 - grey, grey)
    )
    return light > dark


def choose_window(grey: Grey) -> float:
    """Choose the smallest window in which strokes are still seen as strokes.

    The smaller the window, the more of a shadow goes; but a window no wider than a stroke takes
    the stroke itself for a shadow.

    Parameters
    ----------
    grey : ndarray of float32, shape (height, width)
        Dark ink on light paper.

    Returns
    -------
    float
        A fraction of the picture's shorter side, for `even_out`.
    """
    scores = _outlines(grey)
    enough = 0.7 * max(score for score, _ in scores.values())
    for window, (score, stroke) in scores.items():
        if score >= enough and stroke < window / 3:
            return window
    return WINDOWS[-1]


def _outlines(grey: Grey) -> dict[float, tuple[float, float]]:
    """Measure, for each window, the best piece of dark ink: its sharp outline and stroke width.

    The stroke width is a fraction of the picture's shorter side, as the windows do.
    """
    grey, _ = shrink(grey, 400)
    slope = ndimage.gaussian_gradient_magnitude(grey, 1.0) ** 2
    # A table or a hand that the camera caught lies along the border: it counts for less.
    inset = [np.minimum(np.arange(n), np.arange(n)[::-1]) / n for n in grey.shape]
    slope *= np.minimum(5 * np.minimum(inset[0][:, np.newaxis], inset[1]), 1)
    found = {}
    for window in WINDOWS:
        darkness = even_out(grey, window)
        parts, count = ndimage.label(darkness > _noise_floor(darkness), np.ones((3, 3)))
        sharp = np.bincount(parts.ravel(), slope.ravel(), count + 1)
        sharp[0] = 0
        sharp[_spans_border(parts, count)] = 0
        best = int(sharp.argmax())
        stroke = 0.0
        if best:
            piece = np.pad(parts[ndimage.find_objects(parts)[best - 1]] == best, 1)
            distance = ndimage.distance_transform_edt(piece)
            stroke = 4 * (float(distance[piece].mean()) - 0.5) / min(grey.shape)
        found[window] = float(sharp.sum()), stroke
    return found


def _noise_floor(darkness: Grey) -> float:
    """Return the darkness that the paper's noise does not reach.

    The lighter half of the pixels tells; in a close cut-out, where half may be ink, the lightest
    quarter.
    """
    lowest, low, quarter, half = (float(v) for v in np.quantile(darkness, (0.05, 0.1, 0.25, 0.5)))
    return min(half + max(4 * (half - low), 0.03), quarter + max(6 * (quarter - lowest), 0.03))


def label_strokes(ink: Grey, floor: float) -> tuple[NDArray[np.int32], int]:
    """Part ink into connected pieces darker than `floor`, as `scipy.ndimage.label` returns them.

    In a small picture, the faint pixels beside a piece are part of its strokes. Elsewhere they are
    dirt, and must not tie two digits into one.
    """
    parts, count = ndimage.label(ink > floor, np.ones((3, 3)))
    if max(ink.shape) <= SMALL:
        beside = ndimage.maximum_filter(parts, 3)
        parts = np.where((parts == 0) & (ink > 0), beside, parts)
    return parts, count


def even_out(grey: Grey, window: float | None = None) -> Grey:
    """Measure how dark each pixel is against the paper around it.

    The paper is the picture's grey closing (Serra 1982): dark things narrower than a window are
    painted over with the darkest grey that surrounds them. Light falls on ink and paper alike, so
    the ratio of the two is free of shadows. Plain paper, as on a drawing pad, is one grey.

    Parameters
    ----------
    grey : ndarray of float32, shape (height, width)
        Dark ink on light paper.
    window : float, optional
        Side of the window, a fraction of the picture's shorter side; `choose_window` chooses it if
        it is not given.

    Returns
    -------
    ndarray of float32, shape (height, width)
        0 where a pixel is as light as its paper, 1 where it is black; exactly 0 on plain paper.

    References
    ----------
    J. Serra, "Image Analysis and Mathematical Morphology", Academic Press (1982).
    """
    level = _plain_paper(grey)
    if level is not None:
        darkness = 1 - grey / max(level, 1e-6)
        plain: Grey = np.where(
            np.abs(grey - level) <= min(0.02, 0.05 * float(np.ptp(grey))), 0, darkness
        ).astype(np.float32)
        return plain
    if window is None:
        window = choose_window(grey)
    size = 2 * max(2, round(window / 2 * min(grey.shape))) + 1
    smooth = ndimage.gaussian_filter(grey, 0.8 if max(grey.shape) > 200 else 0.4)
    # What lies along the border, such as a table or a shadow, goes on beyond it: it is no stroke.
    paper = ndimage.grey_closing(np.pad(smooth, size, mode="edge"), (size, size))
    for _ in range(2):  # two box averages are close to a Gaussian, at a cost that no size raises
        paper = ndimage.uniform_filter(paper, size // 4)
    paper = paper[size:-size, size:-size]
    # In deep shade the ratio would magnify the noise.
    darkness = (paper - smooth) / np.maximum(paper, np.float32(0.3))
    # An exact 0 stands for plain paper; what compression has flattened is still a photograph.
    return cast(Grey, np.where(darkness == 0, np.float32(1e-6), darkness))


def find_ink(darkness: Grey) -> Grey:
    """Separate ink from paper, piece by piece.

    What stands out from the paper's noise falls into connected pieces; each is scaled by its own
    darkest ink, so that pale and dark handwriting end alike. The farther away the darkest ink is,
    the less it counts: so a stroke stays where the pen ran dry or pressed less. On a photograph,
    pieces much paler than the handwriting, or with softer outlines, are left out.

    Parameters
    ----------
    darkness : ndarray of float32, shape (height, width)
        As `even_out` returns it.

    Returns
    -------
    ndarray of float32, shape (height, width)
        1 is ink, 0 is paper.

    Raises
    ------
    ValueError
        Nothing stands out: the picture is blank, or holds noise alone.
    """
    clean = np.mean(darkness == 0) > 0.1
    if clean:
        parts, count = label_strokes(darkness, FAINT * float(darkness.max()))
    else:
        floor = _noise_floor(darkness)
        parts, count = ndimage.label(darkness > floor, np.ones((3, 3)))
    if not count:
        raise ValueError(NO_INK)
    peaks = np.zeros(count + 1)
    np.maximum.at(peaks, parts[parts > 0], darkness[parts > 0])
    peaks[0] = 1
    if clean:
        if max(darkness.shape) > SMALL:
            pressure = _pressures(darkness, parts, np.ones(count + 1, dtype=bool))
        else:  # in few pixels, pale ones are those that a stroke covers in part
            pressure = peaks[parts].astype(np.float32)
        return np.where(parts > 0, np.minimum(darkness / pressure, 1), 0).astype(np.float32)
    # Handwriting has long and sharp outlines. What is much paler than it or has softer outlines is
    # print, dirt, or a shadow.
    slope = ndimage.gaussian_gradient_magnitude(darkness, 0.7)
    outline = np.bincount(parts.ravel(), slope.ravel(), count + 1)
    sharp = np.bincount(parts.ravel(), slope.ravel() ** 2, count + 1)
    sharp[0] = 0
    sharp[_spans_border(parts, count)] = 0
    best = int(sharp.argmax())
    grain = float(np.median(slope[parts == 0]))
    if sharp[best] < 4 * grain * outline[best] or not best:
        raise ValueError(NO_INK)
    width = peaks * outline / np.maximum(sharp, 1e-9)
    kept = (peaks >= 0.25 * peaks[best]) & (width <= 4 * width[best])
    kept[_spans_border(parts, count)] = False
    kept[0] = False
    pressure = _pressures(darkness, parts, kept)
    low, high = np.maximum(floor, 0.35 * pressure), 0.7 * pressure
    ink = np.clip((darkness - low) / np.maximum(high - low, 1e-3), 0, 1)
    return np.where(kept[parts], ink, 0)


def _pressures(darkness: Grey, parts: NDArray[np.int32], kept: NDArray[np.bool_]) -> Grey:
    """Measure how dark the pen writes at each pixel of the pieces that are kept; 1 elsewhere."""
    pressures = np.ones_like(darkness)
    for i, box in enumerate(ndimage.find_objects(parts), 1):
        if kept[i]:
            inside = parts[box] == i
            piece = np.where(inside, darkness[box], 0)
            # From border to border runs a line or a shadow's edge; pale, it is not the pen's.
            across = bool(np.greater_equal(piece.shape, np.subtract(parts.shape, 2)).any())
            pressures[box][inside] = piece.max() if across else _pressure(piece)[inside]
    return pressures


def _pressure(piece: Grey) -> Grey:
    """Measure how dark the pen writes at each pixel of a piece, 0 around it.

    It is the darkness of the darkest pixel, where the darkness falls off exponentially with the
    distance along rows and columns. So the edges of a stroke are compared with its middle, and a
    pale stretch is compared with itself. What lies beside a dark stroke and is much paler, such as
    a shadow or a printed line, is still compared with the stroke.
    """
    usual = float(np.vdot(piece, piece)) / float(piece.sum())
    most = min(float(piece.max()), BLOBS * usual)
    # The fall is a straight line in the logarithm.
    logarithm = np.log(np.clip(piece, PALEST * most, most))
    reach = FADING * max(piece.shape)
    for _ in range(2):  # down the columns, then along the rows
        fall = (np.arange(len(logarithm), dtype=np.float32) / reach)[:, np.newaxis]
        below = np.maximum.accumulate(logarithm + fall) - fall
        above = np.maximum.accumulate((logarithm - fall)[::-1])[::-1] + fall
        logarithm = np.maximum(below, above).T
    return cast(Grey, np.exp(logarithm).astype(np.float32))


def _spans_border(parts: NDArray[np.int32], count: int) -> NDArray[np.bool_]:
    """Mark the pieces that lie along a side of the picture: a table, a sleeve, a fold.

    They fill half of the side, or touch it and stretch over a third of it without reaching deep.
    """
    spans = np.zeros(count + 1, dtype=bool)
    deep = max(2, round(0.02 * min(parts.shape)))  # no printed line is as thick
    for sides in (parts, parts[::-1], parts.T, parts.T[::-1]):
        depth, along = sides.shape
        covered = [np.bincount(sides[i], minlength=count + 1) for i in (0, deep)]
        spans |= np.minimum(*covered) > 0.5 * along
        for i, (rows, columns) in enumerate(ndimage.find_objects(sides), 1):
            long = columns.stop - columns.start > 0.33 * along
            spans[i] |= rows.start <= 2 and rows.stop < 0.2 * depth and long
    return spans


def remove_lines(ink: Grey) -> Grey:
    """Take away ruled lines, squares and the frame of a form's box, and leave strokes whole.

    Lines are found by Hough's vote (Duda and Hart 1972) and erased column by column where the ink
    is no thicker than the line itself, so that a stroke that crosses one stays.

    Parameters
    ----------
    ink : ndarray of float32, shape (height, width)
        As `find_ink` returns it.

    Returns
    -------
    ndarray of float32, shape (height, width)
        A new array; equal to `ink` where nothing but lines would have been left out.

    References
    ----------
    R. O. Duda, P. E. Hart, "Use of the Hough transformation to detect lines and curves in
    pictures", Communications of the ACM 15 (1972), doi:10.1145/361237.361242.
    """
    return remove_boxes(_without_lines(ink, 0.6))


def remove_boxes(ink: Grey) -> Grey:
    """Take away the frame of a form's box around a digit.

    Parameters
    ----------
    ink : ndarray of float32, shape (height, width)
        As `find_ink` returns it.

    Returns
    -------
    ndarray of float32, shape (height, width)
        A new array.
    """
    ink = ink.copy()
    parts, _ = ndimage.label(ink > 0.3, np.ones((3, 3)))
    for i, (rows, columns) in enumerate(ndimage.find_objects(parts), 1):
        piece = np.where(parts[rows, columns] == i, ink[rows, columns], 0)
        if min(piece.shape) < 24:
            continue
        lines = _find_lines(piece, 0.7, False), _find_lines(piece.T, 0.7, False)
        sides = 0
        for found, length in zip(lines, piece.shape, strict=True):
            middles = [offset / length for _, offset in found]
            sides += any(at < 0.25 for at in middles) + any(at > 0.75 for at in middles)
        if sides >= 3 and _is_closed(piece):
            rest = _erase(_erase(piece, lines[0]).T, lines[1]).T
            ink[rows, columns] = np.where(parts[rows, columns] == i, rest, ink[rows, columns])
    return ink


def _is_closed(piece: Grey) -> bool:
    """Tell whether an outline lets nothing in, apart from gaps of up to four pixels.

    A box does not. The sides of digits that touch lie in lines, too, but open between the digits.
    """
    closed = ndimage.binary_closing(np.pad(piece > 0.3, 3), np.ones((5, 5)))
    filled = ndimage.binary_fill_holes(closed)
    below, above = np.logical_or.accumulate(filled), np.logical_or.accumulate(filled[::-1])[::-1]
    return bool(filled.sum() >= 0.98 * (below & above).sum())


def _without_lines(ink: Grey, fraction: float) -> Grey:
    rest = _erase(ink, _find_lines(ink, fraction, True)).T
    rest = _erase(rest, _find_lines(ink.T, fraction, True)).T
    # A digit 1 that fills the picture is a line, too.
    return rest if rest.sum() > 0.03 * ink.sum() else ink


def _find_lines(ink: Grey, fraction: float, across: bool) -> list[tuple[float, float]]:
    """Find nearly horizontal lines that cover at least `fraction` of the columns.

    Each is (slope, row at the middle column): Hough's vote with slopes up to 0.12.
    """
    factor = max(1, min(-(-max(ink.shape) // 300), min(ink.shape) // 8))
    height, width = (side // factor for side in ink.shape)
    blocks = (ink > 0.3)[: height * factor, : width * factor]
    mask = blocks.reshape(height, factor, width, factor).any(axis=(1, 3))
    if mask.any(axis=0).sum() < fraction * width:
        return []
    y, x = np.nonzero(mask)
    pad = int(0.12 * width) + 2
    slopes = np.linspace(-0.12, 0.12, 49)
    votes = np.stack(
        [
            np.bincount(
                (y - np.rint(slope * (x - width / 2)).astype(int)) + pad, minlength=height + 2 * pad
            )
            for slope in slopes
        ]
    )
    lines: list[tuple[float, float]] = []
    certain = not across
    while True:
        best, row = np.unravel_index(votes.argmax(), votes.shape)
        if votes[best, row] < fraction * width:
            # One line alone may be a long stroke, unless it runs from border to border.
            return lines if certain or len(lines) > 1 else []
        on_line = np.abs(y - (row - pad) - slopes[best] * (x - width / 2)) < 1.5
        ends = x[on_line].min(initial=width) / width, 1 - (x[on_line].max(initial=0) + 1) / width
        # What is printed runs on beyond the picture; a table may hide one end of it.
        if not across or (max(ends) < 0.2 and min(ends) < 0.03):
            lines.append((float(slopes[best]), (row - pad + 0.5) * factor))
            certain |= max(ends) < 0.03
        votes[:, max(row - 3, 0) : row + 4] = 0


def _erase(ink: Grey, lines: list[tuple[float, float]]) -> Grey:
    """Take nearly horizontal lines away where nothing taller than they are crosses them."""
    if not lines:
        return ink
    height, width = ink.shape
    mask = ink > 0.3
    row = np.arange(height)[:, np.newaxis]
    top = np.maximum.accumulate(np.where(mask, 0, row + 1), axis=0)
    bottom = np.minimum.accumulate(np.where(mask, height, row)[::-1], axis=0)[::-1]
    x = np.arange(width)
    reach = max(2, round(0.008 * max(ink.shape)))
    ink = ink.copy()
    for slope, offset in lines:
        at = np.rint(offset + slope * (x - width / 2)).astype(int)
        nearest = np.full(width, -1)
        for step in sorted(range(-reach, reach + 1), key=abs, reverse=True):
            y = at + step
            valid = (y >= 0) & (y < height)
            hit = valid & mask[np.clip(y, 0, height - 1), x]
            nearest[hit] = y[hit]
        columns = np.flatnonzero(nearest >= 0)
        if not len(columns):
            continue
        start, stop = top[nearest[columns], columns], bottom[nearest[columns], columns]
        thickness = float(np.median(stop - start))
        if thickness > 0.04 * max(ink.shape):
            continue
        thin = stop - start <= 1.5 * thickness + 1
        columns, start, stop = columns[thin], start[thin] - 1, stop[thin] + 1
        for step in range(int((stop - start).max(initial=0))):
            y = start + step
            inside = (y < stop) & (y >= 0) & (y < height)
            ink[y[inside], columns[inside]] = 0
    return ink
