"""Open anything that shows handwriting: upright, in shades of grey, not too large."""

from __future__ import annotations

import warnings
from os import PathLike
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

__all__ = ["Grey", "Picture", "read_picture", "shrink"]

Grey = NDArray[np.float32]
Picture = str | PathLike[str] | Image.Image | NDArray[Any]

WORKING_SIDE = 1200  # pixels; larger pictures are averaged down to at most this
MIN_SIDE = 8
MAX_PIXELS = 100_000_000


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
