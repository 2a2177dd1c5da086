"""MNIST's own steps: stroke width, a box of 20 × 20 pixels, the centre of mass."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mnist_lib.handwriting.ink import NO_INK
from mnist_lib.handwriting.picture import Grey, area_matrix

__all__ = ["adjust_stroke", "centre", "crop", "fine_distance", "fit_box", "stroke_width"]

SIDE = 28  # pixels of an MNIST image
BOX = 20  # of the box its digit fills
MIDDLE = 14.0  # pixel index of MNIST's centres of mass, on both axes (average over the images)
FINE = 8  # a digit is re-inked on a grid this many times finer than MNIST's
# Stroke width in MNIST pixels, as `stroke_width` measures it: the 2nd and the 98th percentile of
# MNIST's validation images. Widths in between are left alone.
THIN, THICK = 1.5, 4.3
TIE = 1e-4  # symmetrical digits lie on a limit: they fall to one side, whatever rounds the numbers


def crop(ink: Grey) -> Grey:
    """Cut a picture to the box of its ink.

    Parameters
    ----------
    ink : ndarray of float32, shape (height, width)
        At least one pixel above 0.

    Returns
    -------
    ndarray of float32
        A view of the smallest box that holds every pixel above 0.

    Raises
    ------
    ValueError
        There is no such pixel.
    """
    if not ink.any():
        raise ValueError(NO_INK)
    rows, columns = np.flatnonzero(ink.max(axis=1) > 0), np.flatnonzero(ink.max(axis=0) > 0)
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _linear_matrix(before: int, after: int) -> Grey:
    """Weights that interpolate linearly between the centres of `before` pixels."""
    at = (np.arange(after) + 0.5) * before / after - 0.5
    away = np.abs(at[:, np.newaxis] - np.arange(before))
    return cast(Grey, np.maximum(1 - away, 0).astype(np.float32))


def _resize_square(ink: Grey, side: int) -> Grey:
    """Lay a picture in the middle of a square, and scale the square to `side` pixels.

    The square is averaged down or interpolated up; around the picture it holds no ink. One factor
    serves both axes, so that no aspect changes, as it would if each side were rounded by itself.
    """
    longest = max(ink.shape)
    weights = (
        area_matrix(longest, longest / side) if side <= longest else _linear_matrix(longest, side)
    )
    (height, width), (top, left) = ink.shape, ((longest - length) // 2 for length in ink.shape)
    return cast(Grey, weights[:, top : top + height] @ ink @ weights[:, left : left + width].T)


def _edge_distance(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Signed distance in pixels from each pixel's centre to the edge of the ink, inside positive.

    Beyond the border of the picture there is no ink.
    """
    around = np.pad(mask, 1)
    inside = ndimage.distance_transform_edt(around) - 0.5
    outside = ndimage.distance_transform_edt(~around) - 0.5
    return cast("NDArray[np.float64]", np.where(around, inside, -outside)[1:-1, 1:-1])


def adjust_stroke(ink: Grey) -> Grey:
    """Draw a digit again on a fine grid, with a stroke width that MNIST has.

    The digit is scaled until its longer side has 160 pixels, by averaging down or by linear
    interpolation up. A pixel is ink if it exceeds a quarter of the darkest one after averaging,
    half of the darkest one nearby after enlarging. Strokes thinner or thicker than MNIST's are
    grown or shrunk to that width, by the signed distance to their edge.

    Parameters
    ----------
    ink : ndarray of float32, shape (height, width)
        A digit cut to its box.

    Returns
    -------
    ndarray of float32
        The digit, cut to its box. If its longer side has at most 20 pixels, `ink` itself: there is
        no finer detail, and its greys are what an average would give.
    """
    if max(ink.shape) <= BOX:
        return ink
    distance = fine_distance(ink)
    stroke = 4 * float(distance[distance > 0].mean()) / FINE
    change = np.clip(stroke, THIN, THICK) - stroke
    return crop(np.clip(distance + FINE * change / 2 + 0.5, 0, 1).astype(np.float32))


def stroke_width(ink: Grey) -> float:
    """Measure the width of a digit's strokes after scaling it to MNIST's box.

    In a stripe of width w, the distance to the edge is w / 4 on average; so a digit's width is four
    times the mean distance of its ink from the edge.

    Parameters
    ----------
    ink : ndarray of float32, shape (height, width)
        One digit, anywhere in the picture.

    Returns
    -------
    float
        In pixels of MNIST's images. The median of MNIST is 2.5.
    """
    distance = fine_distance(crop(ink))
    return 4 * float(distance[distance > 0].mean()) / FINE


def fine_distance(ink: Grey) -> NDArray[np.float64]:
    """Scale a cut-out digit to the fine grid; return the signed distance to the edge of its ink."""
    longest, fine = max(ink.shape), FINE * BOX
    large = _resize_square(ink, fine)
    if longest > fine:  # averaging makes lines thinner than a pixel faint
        mask = large > (0.25 - TIE) * large.max()
    else:  # interpolation blurs edges, and strokes differ in blackness
        size = 2 * round(1.5 * fine / longest) + 1
        mask = large > np.maximum(
            (0.5 - TIE) * ndimage.maximum_filter(large, size), 0.2 * large.max()
        )
    return _edge_distance(np.pad(crop(mask), 2 * FINE))


def fit_box(ink: Grey) -> Grey:
    """Scale a digit into the box of 20 × 20 pixels, its aspect kept.

    The digit is laid in the middle of a square as large as its longer side, and the square is
    scaled. That is how the published reconstruction of MNIST's preparation does it (Yadav and
    Bottou 2019); rounding the shorter side to whole pixels instead would stretch a 1 by up to a
    sixth. Each pixel is the average of the area that it covers; a digit smaller than the box is
    enlarged by linear interpolation, which leaves the edges of coarse pixels soft.

    Parameters
    ----------
    ink : ndarray of float32, shape (height, width)
        A digit cut to its box.

    Returns
    -------
    ndarray of float32, shape (20, 20)
        The digit touches two opposite sides.

    References
    ----------
    C. Yadav, L. Bottou, "Cold Case: The Lost MNIST Digits", Advances in Neural Information
    Processing Systems 32 (2019), arXiv:1905.10498.
    """
    return _resize_square(ink, BOX)


def centre(ink: Grey) -> NDArray[np.uint8]:
    """Place a digit in 28 × 28 pixels with its centre of mass in the middle.

    The digit moves by whole pixels, to where MNIST's centres of mass lie on average, pixel (14, 14)
    counted from 0; it stays within the image.

    Parameters
    ----------
    ink : ndarray of float32, shape (height, width)
        Each side at most 28 pixels; values are clipped to [0, 1].

    Returns
    -------
    ndarray of uint8, shape (28, 28)
        Ink up to 255 on 0.

    Raises
    ------
    ValueError
        The digit is larger than the image, or there is no ink.
    """
    if max(ink.shape) > SIDE or not ink.any():
        raise ValueError(
            f"ink has shape {ink.shape}; expected a digit of at most {SIDE} × {SIDE} pixels with "
            "some ink. Scale it with fit_box first."
        )
    ink = crop(ink) / min(1.0, float(ink.max()))
    total = float(ink.sum())
    image = np.zeros((SIDE, SIDE), dtype=np.float32)
    start = []
    for axis in (0, 1):
        length = ink.shape[axis]
        mass = ink.sum(axis=1 - axis)
        mean = float(np.arange(length) @ mass) / total
        place = int(np.floor(MIDDLE - mean + 0.5 + TIE))
        start.append(min(max(place, 0), SIDE - length))
    image[start[0] : start[0] + ink.shape[0], start[1] : start[1] + ink.shape[1]] = ink
    return np.asarray(np.floor(255 * np.clip(image, 0, 1) + 0.5), dtype=np.uint8)
