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

import warnings
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from scipy import ndimage

__all__ = [
    "Digit",
    "adjust_stroke",
    "centre",
    "choose_window",
    "crop",
    "even_out",
    "find_digits",
    "find_ink",
    "fit_box",
    "group_digits",
    "ink_is_light",
    "read_picture",
    "remove_lines",
    "select_digit",
    "shrink",
    "stroke_width",
    "to_mnist",
]

Grey = NDArray[np.float32]
Picture = str | PathLike[str] | Image.Image | NDArray[Any]

NO_INK = (
    "The picture holds no ink: it looks blank, or nothing stands out from its grain. Write the "
    "digit larger or darker, or move the camera closer."
)
NO_STROKES = (
    "The picture holds lines, edges or blots, but nothing that looks like strokes of a pen. Leave "
    "more paper around the digit, and cut off what does not belong to the page."
)

SIDE = 28  # pixels of an MNIST image
BOX = 20  # of the box its digit fills
MIDDLE = 14.0  # pixel index of MNIST's centres of mass, on both axes (average over the images)
FINE = 8  # a digit is re-inked on a grid this many times finer than MNIST's
# Stroke width in MNIST pixels, as `stroke_width` measures it: the 2nd and the 98th percentile of
# MNIST's validation images. Widths in between are left alone.
THIN, THICK = 1.5, 4.3
MOST_PARTS = 16  # fragments that a broken stroke may have, and areas that it may enclose
BLOT = 9.0  # strokes wider than this leave no digit; the widest of MNIST have 6
WINDOWS = (0.03, 0.06, 0.1, 0.18, 0.3)  # of the picture's shorter side
WORKING_SIDE = 1200  # pixels; larger pictures are averaged down to at most this
PAGE_SIDE = 1600  # the same for pages, whose digits are smaller
SMALL = 64  # pixels; up to this side, faint pixels count as ink
MIN_SIDE = 8
MAX_PIXELS = 100_000_000


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
        Anything that `read_picture` reads, from 8 × 8 pixels on; dark ink on light paper or light
        ink on dark ground.

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
    return _as_mnist(select_digit(_clean_ink(grey)))


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
    grey, factor = shrink(read_picture(image), PAGE_SIDE)
    digits = []
    for ink in group_digits(_clean_ink(grey)):
        if not _has_strokes(ink):
            continue
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        box = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        left, top, right, bottom = (int(edge) * factor for edge in box)
        digits.append(Digit(_as_mnist(ink), (left, top, right, bottom)))
    if not digits:
        raise ValueError(NO_STROKES)
    return digits


def _clean_ink(grey: Grey) -> Grey:
    if ink_is_light(grey):
        grey = 1 - grey
    return remove_lines(find_ink(even_out(grey)))


def _as_mnist(ink: Grey) -> NDArray[np.uint8]:
    return centre(fit_box(adjust_stroke(crop(ink))))


# --- Reading ------------------------------------------------------------------------------------


def read_picture(image: Picture) -> Grey:
    """Read a picture upright, in shades of grey.

    Colours count by their luminance (0.299 red + 0.587 green + 0.114 blue). Transparent parts show
    white paper; black, if the picture is mostly transparent and what is drawn on it is light.
    Photographs are turned as their EXIF data say.

    Parameters
    ----------
    image : str, path, PIL.Image.Image or ndarray
        The path of a picture that Pillow reads, a PIL image of any mode, or an array of shape
        (height, width) or (height, width, channels) with 1 to 4 channels (grey, grey and alpha,
        RGB, RGBA). uint8 and uint16 arrays have their full range, booleans are 0 and 1, floats in
        [0, 1] stay; any other numbers are scaled from their own minimum and maximum.

    Returns
    -------
    ndarray of float32, shape (height, width)
        0 is black, 1 is white.

    Raises
    ------
    TypeError
        `image` is none of these, or an array that does not hold numbers.
    ValueError
        The file is not a picture or is damaged; the array has another shape or holds NaN or
        infinity; the picture has fewer than 8 × 8 or more than 100 million pixels.
    OSError
        The file cannot be opened, for example because there is none: the fitting subclass.
    """
    if isinstance(image, (str, PathLike)):
        grey = _read_file(Path(image))
    elif isinstance(image, Image.Image):
        grey = _read_pil(image)
    elif isinstance(image, np.ndarray):
        grey = _read_array(image)
    else:
        raise TypeError(
            f"image is a {type(image).__name__}; expected the path of a picture, a PIL image or a "
            "NumPy array. Open bytes with PIL.Image.open(io.BytesIO(data)); make an array of "
            "anything else with np.asarray."
        )
    height, width = grey.shape
    if min(height, width) < MIN_SIDE:
        raise ValueError(
            f"The picture has {height} × {width} pixels; at least {MIN_SIDE} × {MIN_SIDE} are "
            "needed to tell digits apart. Use a larger picture."
        )
    return grey


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ValueError(
            f"The picture claims {width:,} × {height:,} pixels; at most {MAX_PIXELS:,} in all are "
            "read, because a small file can claim enough to fill the memory. Scale it down first."
        )


def _read_file(path: Path) -> Grey:
    try:
        with warnings.catch_warnings():
            # Pillow warns from half of its own limit on; the size is checked below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                return _read_pil(picture)
    except UnidentifiedImageError as error:
        raise ValueError(
            f"{path} is not a picture that Pillow can read. Save it as PNG or JPEG (phones' HEIC "
            "files: export or send them as JPEG)."
        ) from error
    except Image.DecompressionBombError as error:
        raise ValueError(
            f"{path} claims more pixels than any photograph has ({error}). Scale it down first."
        ) from error
    except OSError as error:
        if error.errno is not None:  # missing, a folder, not allowed: the message says it
            raise
        raise ValueError(f"{path} is damaged: {error}. Copy or save the picture again.") from error
    except (SyntaxError, EOFError, IndexError) as error:  # what Pillow's parsers raise
        raise ValueError(f"{path} is damaged: {error}. Copy or save the picture again.") from error


def _read_pil(picture: Image.Image) -> Grey:
    _check_size(*picture.size)
    picture = ImageOps.exif_transpose(picture)
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        values = np.asarray(picture)
        if picture.mode != "F" and values.size and 255 < values.max() <= 65535:
            values = values.astype(np.uint16)
        return _read_array(values)
    if picture.has_transparency_data:
        return _read_array(np.asarray(picture.convert("RGBA")))
    return _read_array(np.asarray(picture.convert("L")))


def _read_array(values: NDArray[Any]) -> Grey:
    if values.dtype.kind not in "buif":
        raise TypeError(
            f"image is an array of {values.dtype}; expected booleans, integers or floats."
        )
    shape = values.shape
    if values.ndim not in (2, 3) or (values.ndim == 3 and shape[2] not in (1, 2, 3, 4)):
        hint = ""
        if values.ndim == 4:
            hint = " It looks like a batch: pass one image at a time, for example image[0]."
        elif values.ndim == 3 and shape[0] in (1, 3, 4):
            hint = " Its channels come first: pass np.moveaxis(image, 0, -1)."
        raise ValueError(
            f"image has shape {shape}; expected (height, width) or (height, width, channels) with "
            f"1 to 4 channels.{hint}"
        )
    if values.size == 0:
        raise ValueError(f"image has shape {shape}: it holds no pixels.")
    _check_size(shape[1], shape[0])
    if values.dtype == np.uint8 or values.dtype == np.bool_:
        scaled = values.astype(np.float32) / np.float32(255 if values.dtype == np.uint8 else 1)
    elif values.dtype == np.uint16:
        scaled = values.astype(np.float32) / 65535
    else:
        scaled = _unit_range(values)
    if scaled.ndim == 2:
        return scaled
    if shape[2] in (1, 3):
        return _luminance(scaled)
    return _on_paper(_luminance(scaled[..., :-1]), scaled[..., -1])


def _unit_range(values: NDArray[Any]) -> Grey:
    """Scale signed, wide or floating values to [0, 1]; values that are in it stay."""
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(
            "image holds NaN or infinite values. Replace them first, for example with "
            "np.nan_to_num(image)."
        )
    if low >= 0 and high <= 1 and values.dtype.kind == "f":
        return values.astype(np.float32)
    low = float(low)
    span = max(float(high) - low, 1e-30)
    return ((values - low) / span).astype(np.float32)


def _luminance(colours: Grey) -> Grey:
    if colours.shape[-1] == 1:
        return colours[..., 0]
    return colours @ np.array([0.299, 0.587, 0.114], dtype=np.float32)


def _on_paper(grey: Grey, alpha: Grey) -> Grey:
    """Lay a transparent picture on white; on black, if what was drawn is itself light."""
    drawn = float(alpha.mean())
    light = drawn < 0.5 and float((grey * alpha).mean()) > 0.5 * drawn
    return grey * alpha + (1 - alpha) * np.float32(0 if light else 1)


def shrink(grey: Grey, longest: int = WORKING_SIDE) -> tuple[Grey, int]:
    """Average square blocks of pixels until the longer side is at most `longest`.

    Parameters
    ----------
    grey : ndarray of float32, shape (height, width)
    longest : int, optional
        Pixels.

    Returns
    -------
    grey : ndarray of float32
        Smaller by a whole factor on both axes; rows and columns that fill no block are cut off.
    factor : int
        How many pixels a block is wide; 1 returns the picture itself.
    """
    factor = -(-max(grey.shape) // longest)
    if factor == 1:
        return grey, 1
    height, width = (side // factor for side in grey.shape)
    blocks = grey[: height * factor, : width * factor]
    blocks = blocks.reshape(height, factor, width, factor)
    return cast(Grey, blocks.mean(axis=(1, 3), dtype=np.float32)), factor


# --- Paper and ink ------------------------------------------------------------------------------


def _plain_paper(grey: Grey) -> float | None:
    """Return the one grey of the paper, or None where the paper has shades, as photographs do."""
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
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
    return level if on_border > 0.5 and everywhere > 0.15 else None


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
        A share of the picture's shorter side, for `even_out`.
    """
    scores = _outlines(grey)
    enough = 0.7 * max(score for score, _ in scores.values())
    for window, (score, stroke) in scores.items():
        if score >= enough and stroke < window / 3:
            return window
    return WINDOWS[-1]


def _outlines(grey: Grey) -> dict[float, tuple[float, float]]:
    """Measure, for each window, the best piece of dark ink: its sharp outline and stroke width.

    The stroke width comes as a share of the picture's shorter side, as the windows do.
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
    low, middle = (float(value) for value in np.quantile(darkness, (0.1, 0.5)))
    return middle + max(4 * (middle - low), 0.03)


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
        Side of the window, a share of the picture's shorter side; `choose_window` chooses it if it
        is not given.

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
    darkest pixel, so that pale and dark handwriting end alike. On a photograph, pieces much paler
    than the handwriting, or with softer outlines, are left out.

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
        floor = 0.1 * float(darkness.max()) if max(darkness.shape) > SMALL else 0.0
    else:
        floor = _noise_floor(darkness)
    parts, count = ndimage.label(darkness > floor, np.ones((3, 3)))
    if not count:
        raise ValueError(NO_INK)
    peaks = np.zeros(count + 1)
    np.maximum.at(peaks, parts[parts > 0], darkness[parts > 0])
    peaks[0] = 1
    peak = peaks[parts].astype(np.float32)
    if clean:
        return np.where(parts > 0, darkness / peak, 0).astype(np.float32)
    low, high = np.maximum(floor, 0.35 * peak), 0.7 * peak
    ink = np.clip((darkness - low) / np.maximum(high - low, 1e-3), 0, 1)
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
    return np.where(kept[parts], ink, 0)


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
    ink = _without_lines(ink, 0.6)
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
        if sides >= 3:
            rest = _erase(_erase(piece, lines[0]).T, lines[1]).T
            ink[rows, columns] = np.where(parts[rows, columns] == i, rest, ink[rows, columns])
    return ink


def _without_lines(ink: Grey, share: float) -> Grey:
    rest = _erase(ink, _find_lines(ink, share, True)).T
    rest = _erase(rest, _find_lines(ink.T, share, True)).T
    # A digit 1 that fills the picture is a line, too.
    return rest if rest.sum() > 0.03 * ink.sum() else ink


def _find_lines(ink: Grey, share: float, across: bool) -> list[tuple[float, float]]:
    """Find nearly horizontal lines that cover at least `share` of the columns.

    Each is (slope, row at the middle column): Hough's vote with slopes up to 0.12.
    """
    factor = -(-max(ink.shape) // 300)
    height, width = (side // factor for side in ink.shape)
    blocks = (ink > 0.3)[: height * factor, : width * factor]
    mask = blocks.reshape(height, factor, width, factor).any(axis=(1, 3))
    if mask.any(axis=0).sum() < share * width:
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
        if votes[best, row] < share * width:
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
    # Whoever takes a picture of a digit aims at it: what lies along the border counts for less.
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
    if not _has_strokes(digit):
        raise ValueError(NO_STROKES)
    return digit


def _has_strokes(ink: Grey) -> bool:
    """Tell a digit from a blot, from dust, and from a sponge, which are what noise becomes."""
    cut = crop(ink)
    if 10 * max(cut.shape) < min(160, *ink.shape):
        return False
    distance = _fine_distance(cut)
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
    share = np.cumsum(pieces.mass[order]) / pieces.mass.sum()
    usual = float(height[order[np.searchsorted(share, 0.5)]])
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


# --- MNIST's own steps --------------------------------------------------------------------------


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


def _area_matrix(before: int, after: int) -> Grey:
    """Weights that average `before` pixels into `after` ones, each over the stretch it covers."""
    edges = np.linspace(0, before, after + 1)
    starts, pixels = np.arange(before), edges[:, np.newaxis]
    covered = np.clip(pixels - starts, 0, 1)  # of each pixel, how much lies before each edge
    return ((covered[1:] - covered[:-1]) * (after / before)).astype(np.float32)


def _cubic_matrix(before: int, after: int) -> Grey:
    """Weights of Catmull and Rom's cubic between the centres of `before` pixels."""
    at = (np.arange(after) + 0.5) * before / after - 0.5
    away = np.abs(at[:, np.newaxis] - np.arange(before))
    near = 1 - 2.5 * away**2 + 1.5 * away**3
    far = 2 - 4 * away + 2.5 * away**2 - 0.5 * away**3
    weights = np.where(away < 1, near, np.where(away < 2, far, 0))
    return cast(Grey, weights.astype(np.float32))


def _resize(ink: Grey, height: int, width: int) -> Grey:
    """Average down or interpolate up, each axis by itself."""

    def weights(before: int, after: int) -> Grey:
        return (_area_matrix if after <= before else _cubic_matrix)(before, after)

    return cast(Grey, weights(ink.shape[0], height) @ ink @ weights(ink.shape[1], width).T)


def _edge_distance(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Signed distance in pixels from each pixel's centre to the edge of the ink, inside positive.

    Beyond the border of the picture there is no ink.
    """
    around = np.pad(mask, 1)
    inside = ndimage.distance_transform_edt(around) - 0.5
    outside = ndimage.distance_transform_edt(~around) - 0.5
    return cast("NDArray[np.float64]", np.where(around, inside, -outside)[1:-1, 1:-1])


def adjust_stroke(ink: Grey) -> Grey:
    """Ink a digit anew on a fine grid, with a stroke width that MNIST has.

    The digit is scaled until its longer side has 160 pixels, by averaging down or by Catmull and
    Rom's cubic up. A pixel is ink if it exceeds a quarter of the darkest one after averaging, half
    of the darkest one nearby after enlarging. Strokes thinner or thicker than MNIST's are grown
    or shrunk to that width, by the signed distance to their edge.

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
    distance = _fine_distance(ink)
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
    distance = _fine_distance(crop(ink))
    return 4 * float(distance[distance > 0].mean()) / FINE


def _fine_distance(ink: Grey) -> NDArray[np.float64]:
    """Scale a cut-out digit to the fine grid; return the signed distance to the edge of its ink."""
    longest, fine = max(ink.shape), FINE * BOX
    height, width = (max(1, round(side * fine / longest)) for side in ink.shape)
    large = _resize(ink, height, width)
    if longest > fine:  # averaging makes lines thinner than a pixel faint
        mask = large > 0.25 * large.max()
    else:  # interpolation blurs edges, and strokes differ in blackness
        size = 2 * round(1.5 * fine / longest) + 1
        mask = large > np.maximum(0.5 * ndimage.maximum_filter(large, size), 0.2 * large.max())
    return _edge_distance(np.pad(mask, 2 * FINE))


def fit_box(ink: Grey) -> Grey:
    """Scale a digit into the 20 × 20 box, its aspect kept.

    Each pixel is the average of the area that it covers; a digit smaller than the box is enlarged
    by Catmull and Rom's cubic.

    Parameters
    ----------
    ink : ndarray of float32, shape (height, width)
        A digit cut to its box.

    Returns
    -------
    ndarray of float32
        Its longer side has 20 pixels.
    """
    scale = BOX / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    return _resize(ink, height, width)


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
    total = float(ink.sum())
    image = np.zeros((SIDE, SIDE), dtype=np.float32)
    start = []
    for axis in (0, 1):
        length = ink.shape[axis]
        mass = ink.sum(axis=1 - axis)
        mean = float(np.arange(length) @ mass) / total
        start.append(min(max(int(np.floor(MIDDLE - mean + 0.5)), 0), SIDE - length))
    image[start[0] : start[0] + ink.shape[0], start[1] : start[1] + ink.shape[1]] = ink
    return np.asarray(np.floor(255 * np.clip(image, 0, 1) + 0.5), dtype=np.uint8)
