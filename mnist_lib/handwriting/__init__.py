"""From a photograph or a drawing to images as MNIST has them.

`to_mnist` prepares a picture of one digit, `find_digits` every digit of a page. Both are built of
the public steps below, which stand in the order in which they are taken; chapter 7 takes them one
at a time. MNIST's own digits were black-and-white scans, fitted into a box of 20 × 20 pixels with
their aspect kept, smoothed by the averaging that this took, and placed in 28 × 28 pixels by their
centre of mass (LeCun et al. 1998). The last steps do the same; the first ones make a clean scan of
whatever the camera or the pad delivered.

Notes
-----
What still fails, and why:

- Digits that touch each other on a page are one piece of ink and are returned as one.
- A stroke that runs along a ruled line, or is paler than half of what crosses it, goes with the
  line. Lines printed on curved paper are not straight and stay.
- A shadow with an edge as sharp as a pen's, or a table's corner that reaches into the middle, can
  be taken for ink where the digit itself is pale.
- Pencil so pale that it hardly stands out from the paper's grain breaks into specks.
- A single digit is taken to be upright; nothing here turns it.

References
----------
Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
recognition", Proceedings of the IEEE 86 (1998), doi:10.1109/5.726791.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_lib.handwriting.digits import (
    Strokes,
    group_digits,
    has_strokes,
    leave_out_pale,
    line_up,
    select_digit,
)
from mnist_lib.handwriting.ink import (
    choose_window,
    even_out,
    find_ink,
    ink_is_light,
    remove_boxes,
    remove_lines,
)
from mnist_lib.handwriting.normalise import adjust_stroke, centre, crop, fit_box, stroke_width
from mnist_lib.handwriting.page import Page, find_page, find_strokes
from mnist_lib.handwriting.picture import Grey, Picture, focus, read_picture, shrink
from mnist_lib.handwriting.ruling import remove_ruling
from mnist_lib.handwriting.sheet import Sheet, find_sheet
from mnist_lib.handwriting.touching import Cut, cut_wide, find_cuts

__all__ = [
    "Cut",
    "Digit",
    "Page",
    "Sheet",
    "Strokes",
    "adjust_stroke",
    "as_mnist",
    "centre",
    "choose_window",
    "crop",
    "cut_wide",
    "even_out",
    "find_cuts",
    "find_digits",
    "find_ink",
    "find_page",
    "find_sheet",
    "find_strokes",
    "fit_box",
    "focus",
    "group_digits",
    "has_strokes",
    "ink_is_light",
    "leave_out_pale",
    "line_up",
    "read_picture",
    "remove_boxes",
    "remove_lines",
    "remove_ruling",
    "select_digit",
    "shrink",
    "stroke_width",
    "to_mnist",
]


class Digit(NamedTuple):
    """One digit that `find_digits` found.

    Attributes
    ----------
    image : ndarray of uint8, shape (28, 28)
        As MNIST's: ink up to 255 on 0.
    box : tuple of int
        (left, top, right, bottom) in pixels of the upright picture; right and bottom lie beyond
        the digit, as in ``picture[top:bottom, left:right]``.
    """

    image: NDArray[np.uint8]
    box: tuple[int, int, int, int]


def to_mnist(image: Picture) -> NDArray[np.uint8]:
    """Prepare a picture of one digit as MNIST's images were prepared.

    Parameters
    ----------
    image : str, path, PIL.Image.Image or ndarray
        Anything that `read_picture` reads, from 8 pixels on the longer side; dark ink on light
        paper or light ink on dark ground.

    Returns
    -------
    ndarray of uint8, shape (28, 28)
        Ink up to 255 on 0, as `mnist_lib.data.load_mnist` returns it. An image of MNIST itself
        comes back nearly unchanged.

    Raises
    ------
    TypeError, ValueError, OSError
        As `read_picture` raises them.
    ValueError
        The picture holds no ink, no strokes, or more marks than one digit has.
    """
    grey, _ = shrink(read_picture(image))
    grey, _ = focus(grey)
    if ink_is_light(grey):
        grey = 1 - grey
    return as_mnist(select_digit(remove_lines(find_ink(even_out(grey)))))


def find_digits(image: Picture) -> list[Digit]:
    """Find every digit of a page, in reading order: line by line, each from left to right.

    Parameters
    ----------
    image : str, path, PIL.Image.Image or ndarray
        Anything that `read_picture` reads.

    Returns
    -------
    list of Digit
        At least one. Specks, printed lines and blots are left out. Digits that touch each other
        come as one.

    Raises
    ------
    TypeError, ValueError, OSError
        As `read_picture` raises them.
    ValueError
        The picture holds no ink or no strokes.
    """
    page = find_page(image)
    return [Digit(as_mnist(strokes.ink), page.box(strokes)) for strokes in find_strokes(page)]


def as_mnist(ink: Grey) -> NDArray[np.uint8]:
    """Take the last four steps: an image like MNIST's of one digit's ink, on any paper."""
    return centre(fit_box(adjust_stroke(crop(ink))))
