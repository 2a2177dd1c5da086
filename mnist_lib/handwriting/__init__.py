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

- Digits that touch are cut apart only where shape alone decides: a piece much wider than high, or
  two rings beside each other. `mnist_lib.reading.read_digits` also asks a network. Even so, digits
  that run into each other by a tenth of their height are often misread, and a 1 is lost in the
  side of a nought that it touches.
- A stroke that runs along a printed line and is no darker than the line goes with it. A line that
  bends by more than one row in four columns stays.
- A sheet is found if it is lighter than what surrounds it. A white table hides its edge, and a
  table in the sun is as light as a sheet in the shade: then the table is searched for digits, too.
- A shadow may have a sharp edge, but where it leaves less than about a third of the light, noise
  hides the strokes.
- A sheet that lies aslant is not set straight. Its digits are read up to the angle at which its far
  side looks half as long as the near one; beyond, more of them are misread.
- Pencil so pale that it hardly stands out from the paper's grain breaks into specks.
- Nothing here turns a digit, or a page by a quarter; `read_digits` does.

What is no digit comes out, too. `find_digits` returns whatever is as large as a digit: print,
letters, arrows and signs of sums such as ``+`` come as images of their own, and the network gives
each one of its ten names. Commas, dots, dashes and ``=`` are left out as too small or too flat.

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
from mnist_lib.handwriting.touching import (
    Cut,
    Part,
    cut_wide,
    find_cuts,
    find_parts,
    misfit,
    preview,
)

__all__ = [
    "Cut",
    "Digit",
    "Page",
    "Part",
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
    "find_parts",
    "find_sheet",
    "find_strokes",
    "fit_box",
    "focus",
    "group_digits",
    "has_strokes",
    "ink_is_light",
    "leave_out_pale",
    "line_up",
    "misfit",
    "preview",
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
        At least one. Specks, commas, dashes, printed lines and blots are left out; letters and
        other signs as large as digits are not. Digits that touch are cut apart where their shape
        shows that they are two.

    Raises
    ------
    TypeError, ValueError, OSError
        As `read_picture` raises them.
    ValueError
        The picture holds no ink or no strokes.
    """
    page = find_page(image)
    digits = [part for piece in find_strokes(page) for part in cut_wide(piece)]
    return [Digit(as_mnist(strokes.ink), page.box(strokes)) for strokes in digits]


def as_mnist(ink: Grey) -> NDArray[np.uint8]:
    """Take the last four steps: an image like MNIST's of one digit's ink, on any paper."""
    return centre(fit_box(adjust_stroke(crop(ink))))
