"""Open anything that shows handwriting: upright, in shades of grey, not too large."""

from __future__ import annotations

import math
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from scipy import ndimage

__all__ = ["Grey", "Picture", "area_matrix", "focus", "read_picture", "shrink"]

Grey = NDArray[np.float32]
Picture = str | PathLike[str] | Image.Image | NDArray[Any]

WORKING_SIDE = 1200  # pixels; larger pictures are averaged down to at most this
MIN_SIDE = 8
MAX_PIXELS = 100_000_000
BAND = 1_000_000  # pixels that are converted at a time
EDGE = 1.5  # pixels; a picture with wider edges holds no detail as small as its pixels
EDGES = (48, 24, 12, 6)  # pixels; how far from its middle an edge is looked for


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
        infinity; the picture has fewer than 8 pixels on its longer side, fewer than 2 on
        the other, or more than 100 million in all.
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
    if max(height, width) < MIN_SIDE or min(height, width) < 2:
        raise ValueError(
            f"The picture has {height} × {width} pixels; expected at least {MIN_SIDE} on its "
            "longer side and 2 on the other, to tell digits apart. Use a larger picture."
        )
    return grey


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ValueError(
            f"The picture claims {width:,} × {height:,} pixels; at most {MAX_PIXELS:,} in all are "
            "read, because a small file can claim enough to fill the memory. Scale it down first."
        )


def _read_file(path: Path) -> Grey:
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise ValueError(
            f"{path} is a pipe or a device; expected a file, because reading anything else may "
            "wait for ever. Save the picture to a file first."
        )
    with _naming_damage(path):
        picture = Image.open(path)
    with picture:
        _check_size(*picture.size)
        with _naming_damage(path):
            picture.load()
            picture.getexif()
        return _read_pil(picture)


@contextmanager
def _naming_damage(path: Path) -> Iterator[None]:
    """Turn what Pillow's parsers and decoders raise into a ValueError that names the file."""
    try:
        with warnings.catch_warnings():
            # Pillow warns from half of its own limit on; _check_size has its own.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            yield
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
    # Decoders raise nearly anything when bytes are wrong.
    except (ArithmeticError, EOFError, LookupError, RuntimeError, SyntaxError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {error}. Copy or save the picture again.") from error
    except (ValueError, struct.error) as error:
        raise ValueError(f"{path} is damaged: {error}. Copy or save the picture again.") from error


def _read_pil(picture: Image.Image) -> Grey:
    _check_size(*picture.size)
    picture = ImageOps.exif_transpose(picture)
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        values = np.asarray(picture)
        if picture.mode != "F" and values.size and 255 < values.max() <= 65535:
            values = values.astype(np.uint16)
        return _read_array(values)
    if picture.mode == "LAB":  # Pillow converts it to nothing else; its L is the lightness
        return _read_array(np.asarray(picture.getchannel("L")))
    if picture.mode == "La":
        picture = picture.convert("LA")
    if picture.has_transparency_data:
        if picture.mode not in ("LA", "RGBA"):
            picture = picture.convert("RGBA")
        return _read_array(np.asarray(picture))
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
    scale = _scaling(values)
    grey = np.empty(shape[:2], np.float32)
    # A band of rows at a time: a whole copy of a large picture in floats would fill the memory.
    step = max(1, BAND // shape[1])
    bands = [slice(row, row + step) for row in range(0, shape[0], step)]
    if values.ndim == 2:
        for band in bands:
            grey[band] = scale(values[band])
        return grey
    transparent = shape[2] in (2, 4)
    for band in bands:
        colours = values[band, :, :-1] if transparent else values[band]
        grey[band] = _luminance(scale(colours))
    if transparent:
        alphas = ((grey[band], scale(values[band, :, -1])) for band in bands)
        sums = [(float(alpha.sum()), float((part * alpha).sum())) for part, alpha in alphas]
        drawn, light = np.sum(sums, axis=0) / grey.size
        # On white; on black, if little was drawn and it is itself light.
        paper = np.float32(0 if drawn < 0.5 and light > 0.5 * drawn else 1)
        for band in bands:
            alpha = scale(values[band, :, -1])
            grey[band] = grey[band] * alpha + (1 - alpha) * paper
    return grey


def _scaling(values: NDArray[Any]) -> Callable[[NDArray[Any]], Grey]:
    """Return the function that scales parts of an array to [0, 1], as `read_picture` says."""
    most = {"bool": 1, "uint8": 255, "uint16": 65535}.get(values.dtype.name)
    if most:
        return lambda part: part.astype(np.float32) / np.float32(most)
    low, high = float(values.min()), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(
            "image holds NaN or infinite values. Replace them first, for example with "
            "np.nan_to_num(image)."
        )
    if low >= 0 and high <= 1 and values.dtype.kind == "f":
        return lambda part: part.astype(np.float32)
    # Halves, because the difference of two floats may be too large for a float.
    span = max(high / 2 - low / 2, 1e-30)
    return lambda part: ((part.astype(np.float64) / 2 - low / 2) / span).astype(np.float32)


def _luminance(colours: Grey) -> Grey:
    if colours.shape[-1] == 1:
        return colours[..., 0]
    return colours @ np.array([0.299, 0.587, 0.114], dtype=np.float32)


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


def focus(grey: Grey) -> tuple[Grey, float]:
    """Average a picture that was enlarged or blurred down to the sharpness that it has.

    Its sharpest edges become `EDGE` pixels wide, as those of a digit that was scanned or drawn in
    few pixels. A sharp picture is returned as it is.

    Parameters
    ----------
    grey : ndarray of float32, shape (height, width)

    Returns
    -------
    grey : ndarray of float32
        Smaller by a factor on both axes, but at least 8 pixels on its longer side.
    factor : float
        How many pixels of the old picture a new one is wide; 1 returns the picture itself.
    """
    factor = min(_edge_width(grey) / EDGE, max(grey.shape) / MIN_SIDE)
    if factor <= 1:
        return grey, 1.0
    rows, columns = (area_matrix(side, factor) for side in grey.shape)
    return cast(Grey, rows @ grey @ columns.T), factor


def _edge_width(grey: Grey) -> float:
    """Return over how many pixels the sharpest edge runs.

    Across an edge the grey changes by its contrast, on a stretch of contrast / slope. The contrast
    is that of a window; windows begin large, and shrink to the edges that they have found. So
    neither a shadow nor a table counts, unless it lies beside the ink.
    """
    slope = np.zeros_like(grey)
    for one, both in ((grey, slope), (grey.T, slope.T)):
        step = np.abs(np.diff(one, axis=0))
        np.maximum(both[:-1], step, out=both[:-1])
        np.maximum(both[1:], step, out=both[1:])
    steepest = float(slope.max())
    if np.ptp(grey) <= EDGE * steepest:
        return 1.0
    # A pale stroke's edge may be less steep than a shadow's, but it is narrower.
    steep = slope > 0.5 * steepest
    width = 0.0
    for reach in EDGES:
        if reach >= 1.5 * width:
            size = 2 * reach + 1
            contrast = ndimage.maximum_filter(grey, size) - ndimage.minimum_filter(grey, size)
            width = float((contrast[steep] / slope[steep]).min())
    return width


def area_matrix(before: int, pixel: float) -> Grey:
    """Weights that average `before` pixels into larger ones, each `pixel` old ones wide.

    A last one that reaches beyond the border averages what there is of it.
    """
    after = math.ceil(before / pixel - 1e-6)
    edges = np.minimum(pixel * np.arange(after + 1), before)
    covered = np.clip(edges[:, np.newaxis] - np.arange(before), 0, 1)  # of each, before each edge
    weights = np.diff(covered, axis=0) / np.diff(edges)[:, np.newaxis]
    return cast(Grey, weights.astype(np.float32))
