"""Find the sheet of paper in a photograph that shows more: a table, a hand, a wall."""

from __future__ import annotations

import math
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from mnist_lib.handwriting.picture import Grey, shrink

__all__ = ["COARSE", "LEAST_SIDE", "Marks", "Sheet", "find_marks", "find_sheet"]

COARSE = 300  # pixels; the sheet's outline is looked for in a picture of this size
LEAST_SIDE = 200  # pixels; smaller pictures are cut-outs of a page
LEAST_STEP = 0.12  # of the sheet's brightness, by which what lies beyond it is darker
LEAST_WHITE = 0.2  # how bright paper is at least; darker ground is a board with chalk on it
SHARP = 0.17  # of the step per pixel; a shadow's edge is softer
FINE = 1000  # pixels; marks of a pen are looked for in a picture of this size
ALIKE = (0.6, 1.7)  # of the writing's height, darkness and stroke: marks within are written, too


class Sheet(NamedTuple):
    """The paper alone.

    Attributes
    ----------
    grey : ndarray of float32, shape (height, width)
        The sheet, its sides upright. What is not paper shows the paper nearest to it.
    to_picture : ndarray of float64, shape (2, 3)
        ``to_picture @ (x, y, 1)`` is where the sheet's point (x, y) lies in the picture.
    """

    grey: Grey
    to_picture: NDArray[np.float64]


def find_sheet(grey: Grey) -> Sheet | None:
    """Find a sheet of paper that is lighter than what surrounds it.

    The picture is cut at many levels of brightness. At each, the largest light region is a
    candidate; the best has the largest step of brightness along its outline, and few dents. Where
    it fills the picture from side to side, the dark rest may be a shadow: then its edge is soft,
    or the writing goes on beyond it. No region is taken that leaves writing out.

    Parameters
    ----------
    grey : ndarray of float32, shape (height, width)
        As `read_picture` returns it.

    Returns
    -------
    Sheet or None
        None if the paper fills the picture, as far as can be told.
    """
    if min(grey.shape) < LEAST_SIDE:
        return None
    small, factor = shrink(grey, COARSE)
    size = 2 * round(0.015 * max(small.shape)) + 1
    paper = ndimage.grey_closing(ndimage.gaussian_filter(small, 0.7), (size, size), mode="nearest")
    regions = _light_regions(paper)
    marks = find_marks(grey) if regions else None
    for mask in regions:
        across = bool(np.count_nonzero(_sides(mask)) > 1)
        if across and not _is_sharp(grey, small, mask, factor):
            return None
        if marks is None or not _leaves_out(marks, mask, across):
            break
    else:
        return None
    inside = ndimage.binary_erosion(mask, np.ones((3, 3)), 2, border_value=1)
    if not inside.any():
        return None
    _, (row, column) = ndimage.distance_transform_edt(~inside, return_indices=True)
    fill = ndimage.gaussian_filter(paper[row, column], 3)
    return _cut_out(grey, inside, fill, factor)


def _sides(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which sides of the picture a region lies along: top, bottom, left, right."""
    return np.array([side.mean() > 0.15 for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1])])


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the last pixels of a region before it ends; the picture's border is no end."""
    return np.asarray(mask & ~ndimage.binary_erosion(mask, border_value=1))


def _light_regions(paper: Grey) -> list[NDArray[np.bool_]]:
    """Return the regions that may be a sheet, the likeliest first; none is much like another."""
    found: list[tuple[float, NDArray[np.bool_]]] = []
    darkest, lightest = (float(value) for value in np.quantile(paper, (0.005, 0.995)))
    for level in np.linspace(darkest, lightest, 40)[1:-1]:
        light = ndimage.binary_opening(paper > level, np.ones((3, 3)), 4)
        parts, count = ndimage.label(light)
        if not count:
            continue
        mask = parts == np.bincount(parts.ravel())[1:].argmax() + 1
        mask = np.asarray(ndimage.binary_fill_holes(mask))
        if not 0.06 < mask.mean() < 0.985 or np.median(paper[mask]) < LEAST_WHITE:
            continue
        outline = _outline(mask)
        if not outline.any():
            continue
        within, beyond = (_average(paper, some)[outline] for some in (mask, ~mask))
        step = 1 - beyond / np.maximum(within, 1e-3)
        solid = mask.sum() / _hull_area(outline | (mask & _frame(mask.shape)))
        darker = np.mean(paper[~mask] < 0.92 * np.median(paper[mask]))
        clear = np.mean(step > 0.5 * LEAST_STEP)
        if np.median(step) < LEAST_STEP or clear < 0.75 or solid < 0.75 or darker < 0.6:
            continue
        score = float(np.minimum(step, 0.5).mean() * solid**3 * clear**2)
        found.append((score, mask))
    regions: list[NDArray[np.bool_]] = []
    for _, mask in sorted(found, key=lambda each: -each[0]):
        if all((mask & other).sum() < 0.9 * (mask | other).sum() for other in regions):
            regions.append(mask)
    return regions


class Marks(NamedTuple):
    """What looks like strokes of a pen; one row for each mark."""

    place: NDArray[np.float64]  # of its middle: row and column, fractions of the picture's sides
    traits: NDArray[np.float64]  # height in pixels, darkness, width of the stroke in pixels


def find_marks(grey: Grey) -> Marks:
    """Find dark marks that look like strokes of a pen, whatever paper and light do around them."""
    small, _ = shrink(grey, FINE)
    smooth = ndimage.gaussian_filter(small, 0.7)
    size = 2 * round(0.025 * min(small.shape)) + 1
    paper = ndimage.grey_closing(smooth, (size, size), mode="nearest")
    drop = paper - smooth
    # Noise is as strong where it is dark as where it is light: there it looks like deep marks.
    low, middle = np.quantile(drop[::4, ::4], (0.1, 0.5))
    mask = drop > np.maximum(0.12 * paper, middle + 5 * (middle - low))
    darkness = drop / np.maximum(paper, np.float32(0.02))
    parts, count = ndimage.label(mask, np.ones((3, 3)))
    boxes = ndimage.find_objects(parts)
    box = np.array([(r.start, r.stop, c.start, c.stop) for r, c in boxes]).reshape(-1, 4)
    height, width = box[:, 1] - box[:, 0], box[:, 3] - box[:, 2]
    area, dark, depth = (
        np.bincount(parts.ravel(), some.ravel(), count + 1)[1:]
        for some in (mask, darkness, ndimage.distance_transform_edt(mask) - 0.5)
    )
    longer = np.maximum(height, width)
    written = (height >= 8) & (longer < 0.25 * min(small.shape)) & (width < 2 * height)
    written &= (area < 0.7 * height * width) | (4 * width < height)
    written &= (box[:, ::2].min(axis=1) > 1) & (box[:, 1] < mask.shape[0] - 1)
    written &= box[:, 3] < mask.shape[1] - 1
    place = np.stack([box[:, :2].mean(axis=1), box[:, 2:].mean(axis=1)], axis=1) / mask.shape
    traits = np.stack([height, dark / area, 4 * depth / area], axis=1)
    return Marks(place[written], traits[written])


def _leaves_out(marks: Marks, mask: NDArray[np.bool_], across: bool) -> bool:
    """Tell whether there is writing beyond a region that is like the writing within it.

    A region that ends on all sides is a sheet, unless much of the writing lies beyond. One that
    goes on beyond the picture (`across`) must hold some of the writing itself.
    """
    if not len(marks.traits):
        return False
    away = ndimage.distance_transform_edt(~mask) - ndimage.distance_transform_edt(mask)
    row, column = (marks.place * mask.shape).astype(int).T
    away = away[row, column]
    within, beyond = marks.traits[away < 0], marks.traits[away > 3]
    if across and not len(within):
        return True
    usual = np.median(within if len(within) > 1 else marks.traits, axis=0)
    low, high = (part * usual for part in ALIKE)
    alike = [np.all((low < some) & (some < high), axis=1).sum() for some in (within, beyond)]
    least, part = (2, 0.1) if across else (4, 0.3)
    return bool(alike[1] >= max(least, part * alike[0]))


def _frame(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    frame = np.zeros(shape, dtype=bool)
    frame[[0, -1]] = frame[:, [0, -1]] = True
    return frame


def _average(values: Grey, mask: NDArray[np.bool_]) -> Grey:
    """Average, around each pixel, what belongs to a region."""
    weight = ndimage.uniform_filter(mask.astype(np.float32), 7)
    total = ndimage.uniform_filter(np.where(mask, values, np.float32(0)), 7)
    return cast(Grey, total / np.maximum(weight, np.float32(1e-3)))


def _hull_area(mask: NDArray[np.bool_]) -> float:
    """Area of the smallest convex shape around a region, by the widths of its shadows."""
    y, x = np.nonzero(mask)
    angles = np.radians(np.arange(0, 360, 3))
    reach = (np.outer(np.cos(angles), x) + np.outer(np.sin(angles), y)).max(axis=1) + 0.5
    # Support function h: the area is half the integral of h (h + h'').
    turn = angles[1]
    bend = (np.roll(reach, -1) - np.roll(reach, 1)) / (2 * turn)
    return float(((reach**2 - bend**2) / 2).sum() * turn)


def _is_sharp(grey: Grey, small: Grey, mask: NDArray[np.bool_], factor: int) -> bool:
    outline = _outline(mask)
    slope = ndimage.gaussian_gradient_magnitude(grey, 1.0)
    height, width = (side // factor for side in grey.shape)
    blocks = slope[: height * factor, : width * factor].reshape(height, factor, width, factor)
    steepest = ndimage.maximum_filter(blocks.max(axis=(1, 3)), 5)
    within, beyond = (
        _average(small, some)[outline]
        for some in (mask, ~ndimage.binary_dilation(mask, np.ones((3, 3))))
    )
    # Strokes near the outline are sharp, too: most of it must be.
    sharpness = steepest[outline] / np.maximum(within - beyond, 0.02)
    return bool(np.quantile(sharpness, 0.25) > SHARP)


def _angle(mask: NDArray[np.bool_]) -> float:
    """Return by how many degrees a sheet is turned: the smallest upright box around it decides."""
    y, x = np.nonzero(_outline(mask))
    degrees = np.arange(-45, 45, 0.5)
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    along, across = np.outer(cos, x) + np.outer(sin, y), np.outer(cos, y) - np.outer(sin, x)
    area = np.ptp(along, axis=1) * np.ptp(across, axis=1)
    return float(degrees[area.argmin()])


def _cut_out(grey: Grey, inside: NDArray[np.bool_], fill: Grey, factor: int) -> Sheet:
    """Cut the sheet out of the picture, fill what is not paper, and set it upright."""
    height, width = grey.shape
    size = (inside.shape[1] * factor, inside.shape[0] * factor)
    large = Image.fromarray(fill).resize(size, Image.Resampling.BILINEAR)
    around = ((0, height - size[1]), (0, width - size[0]))
    surface = np.pad(np.asarray(large), around, mode="edge")
    soft = Image.fromarray(inside.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    paper = np.pad(np.asarray(soft), around, mode="edge") > 0.5
    # Thresholds are measured on the paper's grain later: what is filled needs the same grain.
    grain = (grey - ndimage.uniform_filter(grey, 3))[paper]
    spread = 1.5 * float(np.median(np.abs(grain)))
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(grey.shape, dtype=np.float32) * np.float32(spread)
    page = np.where(paper, grey, surface + noise).astype(np.float32)

    angle = _angle(inside) if np.count_nonzero(_sides(inside)) < 2 else 0.0
    if abs(angle) < 2:
        angle = 0.0
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    y, x = np.nonzero(paper[::factor, ::factor])
    x, y = x * factor, y * factor
    along, across = cos * x + sin * y, cos * y - sin * x
    left, top = math.floor(along.min()), math.floor(across.min())
    right, bottom = math.ceil(along.max()) + factor, math.ceil(across.max()) + factor
    to_picture = np.array([[cos, -sin, cos * left - sin * top], [sin, cos, sin * left + cos * top]])
    if angle == 0:
        return Sheet(page[max(top, 0) : bottom, max(left, 0) : right], to_picture)
    # Beyond the picture there is nothing: its border goes on.
    pad = max(right - left, bottom - top) // 4
    wide = Image.fromarray(np.pad(page, pad, mode="edge"))
    matrix = to_picture + np.array([[0, 0, pad], [0, 0, pad]])
    upright = wide.transform(
        (right - left, bottom - top),
        Image.Transform.AFFINE,
        tuple(matrix.ravel()),
        Image.Resampling.BICUBIC,
    )
    return Sheet(np.asarray(upright, dtype=np.float32), to_picture)
