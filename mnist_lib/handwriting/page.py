"""A page's ink, where it lies in the picture, and the digits that it holds."""

from __future__ import annotations

import math
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mnist_lib.handwriting.digits import (
    NO_STROKES,
    Strokes,
    group_digits,
    has_strokes,
    leave_out_pale,
)
from mnist_lib.handwriting.ink import even_out, find_ink, ink_is_light, remove_boxes
from mnist_lib.handwriting.picture import Grey, Picture, read_picture, shrink
from mnist_lib.handwriting.ruling import remove_ruling
from mnist_lib.handwriting.sheet import COARSE, LEAST_SIDE, find_marks, find_sheet

__all__ = ["Page", "find_page", "find_strokes"]

PAGE_PIXELS = 2_000_000  # a page is averaged down less than a single digit: its digits are smaller

HARD = 0.05  # of the paper's brightness: its change per pixel at a shadow's edge, when coarse

Box = tuple[int, int, int, int]  # left, top, right, bottom


class Page(NamedTuple):
    """The ink of a page, free of lines, shadows, and what lies around the sheet.

    Attributes
    ----------
    ink : ndarray of float32, shape (height, width)
        1 is ink, 0 is paper.
    darkness : ndarray of float32, shape (height, width)
        Of the page, as `even_out` returns it.
    to_picture : ndarray of float64, shape (2, 3)
        ``to_picture @ (x, y, 1)`` is where the page's point (x, y) lies in the picture.
    """

    ink: Grey
    darkness: Grey
    to_picture: NDArray[np.float64]

    def box(self, strokes: Strokes) -> Box:
        """Return the box (left, top, right, bottom) of a digit, in pixels of the picture."""
        height, width = strokes.ink.shape
        x, y = (strokes.left, strokes.left + width), (strokes.top, strokes.top + height)
        corners = np.array([(x[i], y[j], 1) for i in (0, 1) for j in (0, 1)])
        at = corners @ self.to_picture.T
        left, top = (int(edge) for edge in np.floor(at.min(axis=0) + 1e-6))
        right, bottom = (int(edge) for edge in np.ceil(at.max(axis=0) - 1e-6))
        return left, top, right, bottom

    def turned(self, quarters: int) -> Page:
        """Turn the page by quarters of a turn, counterclockwise; boxes stay right."""
        page = self
        for _ in range(quarters % 4):
            matrix = np.array([[0, -1, page.ink.shape[1]], [1, 0, 0], [0, 0, 1]])
            page = Page(np.rot90(page.ink), np.rot90(page.darkness), page.to_picture @ matrix)
        return page


def find_page(image: Picture) -> Page:
    """Find the ink of a page: the sheet first, then lines off, then ink from paper.

    Parameters
    ----------
    image : str, path, PIL.Image.Image or ndarray
        Anything that `read_picture` reads.

    Returns
    -------
    Page

    Raises
    ------
    TypeError, ValueError, OSError
        As `read_picture` raises them.
    ValueError
        The picture holds no ink.
    """
    grey = read_picture(image)
    # A long strip keeps its digits' size: it is the number of pixels that costs time.
    longest = math.ceil(math.sqrt(PAGE_PIXELS * max(grey.shape) / min(grey.shape)))
    grey, factor = shrink(grey, longest)
    sheet = find_sheet(grey)
    if sheet is None:
        to_picture = np.eye(2, 3)
    else:
        grey, to_picture = sheet
    even = _without_hard_shadows(grey)
    if even is not None:
        grey = even
    elif sheet is None and ink_is_light(grey):
        grey = 1 - grey
    darkness = even_out(grey)
    ink = remove_boxes(find_ink(remove_ruling(darkness)))
    return Page(ink, darkness, factor * to_picture)


def _without_hard_shadows(grey: Grey) -> Grey | None:
    """Make the paper white where a shadow's edge is too sharp for `even_out`, which smooths it.

    A grey closing follows such an edge to the pixel, as long as it is not smoothed. None if there
    is no such edge, or no dark writing.
    """
    if min(grey.shape) < LEAST_SIDE:
        return None
    coarse, _ = shrink(grey, COARSE)
    size = 2 * round(0.05 * min(coarse.shape)) + 1
    paper = ndimage.grey_closing(coarse, (size, size), mode="nearest")
    steep = ndimage.gaussian_gradient_magnitude(np.log(np.maximum(paper, 0.02)), 1.0) > HARD
    if np.count_nonzero(steep) < 0.3 * min(steep.shape):
        return None
    # The gaps of strokes look like marks of the other shade, but they are smaller.
    dark, light = (find_marks(some).traits[:, 0] for some in (grey, 1 - grey))
    if not len(dark) or (len(light) and np.median(light) > np.median(dark)):
        return None
    size = 2 * round(0.03 * min(grey.shape)) + 1
    smooth = ndimage.gaussian_filter(grey, 0.8)
    paper = ndimage.grey_closing(smooth, (size, size), mode="nearest")
    even = np.minimum(0.9 * grey / np.maximum(paper, np.float32(0.05)), 1)
    # Where the edge leaves the picture, a corner is left that no window fits into.
    parts, _ = ndimage.label(even < 0.8)
    for i, place in enumerate(ndimage.find_objects(parts), 1):
        sides = list(zip(place, even.shape, strict=True))
        small = all(side.stop - side.start <= size for side, _ in sides)
        if small and any(side.start == 0 or side.stop == end for side, end in sides):
            even[place][parts[place] == i] = 0.9
    return cast(Grey, even)


def find_strokes(page: Page) -> list[Strokes]:
    """Part a page's ink into digits, in reading order; digits that touch are one piece.

    Parameters
    ----------
    page : Page

    Returns
    -------
    list of Strokes
        At least one.

    Raises
    ------
    ValueError
        There are no strokes.
    """
    digits = leave_out_pale(group_digits(page.ink), page.darkness)
    found = [digit for digit in digits if has_strokes(digit.ink)]
    if not found:
        raise ValueError(NO_STROKES)
    return found
