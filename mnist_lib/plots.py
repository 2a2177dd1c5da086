"""Figures of the course: arrays in, one Matplotlib figure out.

Importing this module applies the course's style sheet (``course.mplstyle``). Every function makes
its figure with pyplot and returns it. In a notebook, end the cell with a semicolon, as in
``plots.plot_digits(images);``: the figure then shows once.

Values that are compared share one colour scale; signed values get a diverging scale that is
symmetric about zero; whatever colour tells, a marker, a line style, a hatch or a number tells too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

plt.style.use(Path(__file__).with_name("course.mplstyle"))

PALETTE = ["#0072B2", "#D55E00", "#222222", "#2A9D8F", "#882255", "#9A3FD5", "#A67C00", "#767676"]
LINESTYLES = ["-", "--", "-.", ":"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*"]
HATCHES = ["", "///", "...", "xx", "\\\\\\", "++"]

WIDTH = 6.0
"""Width of every figure in inches; at 700 px, 10-point text is then about 16 px high."""

GREY, SEQUENTIAL, SIGNED = "gray", "viridis", "RdBu_r"

_TITLE_POINTS = 8.5
_CHARACTER = 0.62 * _TITLE_POINTS / 72  # a generous mean width of a DejaVu Sans character, inches
_LINE = 1.3 * _TITLE_POINTS / 72
_GAP = 0.045
_BAR = 0.68  # room below for a colour bar with its numbers and label, inches


# --- checks -----------------------------------------------------------------------------------


def _numbers(name: str, values: ArrayLike, *shapes: str) -> NDArray[Any]:
    """Return ``values`` as a numeric array whose number of axes is that of one of ``shapes``.

    A shape is written as ``"N H W"``; a number in it, as in ``"N H W 1"``, must match.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "buif":
        raise TypeError(f"{name} must hold real numbers, not {array.dtype}")
    for shape in shapes:
        axes = shape.split()
        if array.ndim == len(axes) and all(
            not axis.isdigit() or int(axis) == length
            for axis, length in zip(axes, array.shape, strict=True)
        ):
            break
    else:
        wanted = " or ".join(f"({', '.join(shape.split())})" for shape in shapes)
        hint = ""
        if array.ndim == 2 and shapes[0] == "N H W":
            hint = f"; for one image pass {name}[np.newaxis]"
        raise ValueError(f"{name} must have shape {wanted}, not {array.shape}{hint}")
    if array.size == 0:
        raise ValueError(f"{name} is empty: its shape is {array.shape}")
    return array


def _images(name: str, values: ArrayLike) -> NDArray[Any]:
    images = _numbers(name, values, "N H W", "N H W 1")
    return images[..., 0] if images.ndim == 4 else images


def _titles(titles: Sequence[object] | NDArray[Any] | None, count: int, of: str) -> list[str]:
    if titles is None:
        return []
    if isinstance(titles, str):
        raise TypeError(f"titles must be a sequence with one title per {of}, not one string")
    texts = [str(title) for title in titles]
    if len(texts) != count:
        raise ValueError(f"got {len(texts)} titles for {count} {of}s: give one title per {of}")
    return texts


def _same_length(**values: Sequence[object] | NDArray[Any]) -> None:
    lengths = {name: len(value) for name, value in values.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ValueError(f"these must have the same length, but they have: {listed}")


def _positive(name: str, value: float) -> None:
    if not value > 0:
        raise ValueError(f"{name} must be positive, not {value}")


# --- colour scales ----------------------------------------------------------------------------


def _grey_scale(images: NDArray[Any]) -> Normalize:
    """Return one scale for all images: 0 to 255 or 0 to 1 where that fits, else their own range."""
    low, high = float(np.nanmin(images)), float(np.nanmax(images))
    if low >= 0 and high <= 255:
        return Normalize(0, 1 if images.dtype.kind in "fb" and high <= 1 else 255)
    return Normalize(low, high)


def _scale(values: NDArray[Any], signed: bool) -> Normalize:
    """Return one scale for all values: 0 in the middle if they are signed."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        raise ValueError("no value is finite, so there is nothing to draw")
    low, high = float(finite.min()), float(finite.max())
    if signed:
        limit = max(-low, high) or 1.0
        return Normalize(-limit, limit)
    low = min(low, 0.0)
    return Normalize(low, high if high > low else low + 1.0)


def _ink(rgba: tuple[float, float, float, float]) -> str:
    """Return black or white, whichever is read better on this colour."""
    red, green, blue, _ = rgba
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"


# --- canvases ---------------------------------------------------------------------------------


def _keep_width(figure: Figure) -> Figure:
    """Make notebooks keep the full canvas; they crop a figure to what is drawn in it."""
    figure.add_artist(
        Rectangle((0, 0), 1, 1, transform=figure.transFigure, fill=False, linewidth=0)
    )
    return figure


def _chart(height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    figure, axes = plt.subplots(
        1, columns, figsize=(WIDTH, height), squeeze=False, layout="constrained"
    )
    return _keep_width(figure), list(axes[0])


class _Grid(NamedTuple):
    """A canvas measured in inches from its top left corner, and the places of its cells."""

    figure: Figure
    axes: Axes
    extents: list[tuple[float, float, float, float]]  # left, right, bottom, top


def _grid(
    count: int, shape: tuple[int, ...], texts: list[str], columns: int, size: float, bar: bool
) -> _Grid:
    _positive("columns", columns)
    _positive("size", size)
    room = WIDTH - 2 * _GAP
    lines = [line for text in texts for line in text.split("\n")]
    title_width = _CHARACTER * max(map(len, lines), default=0)
    columns = max(1, min(int(columns), count, int((room + _GAP) / (title_width + _GAP))))
    pitch = min(room / columns, max(size, title_width) + _GAP)
    # Image pixels become whole dots, all of one size; otherwise strokes look ragged.
    dpi = plt.rcParams["figure.dpi"]
    dots = int(min(size, pitch - 2 / dpi) * dpi / shape[1])
    width = dots * shape[1] / dpi if dots else min(size, pitch - 2 / dpi)
    height = width * shape[0] / shape[1]
    above = _LINE * max((text.count("\n") + 1 for text in texts), default=0)
    row_pitch = height + above + _GAP
    rows = -(-count // columns)
    left = _GAP + (room - columns * pitch) / 2 + (pitch - width) / 2
    total = math.ceil((rows * row_pitch + _GAP + (_BAR if bar else 0)) * dpi) / dpi

    figure = plt.figure(figsize=(WIDTH, total))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    extents = []
    for cell in range(count):
        row, column = divmod(cell, columns)
        x = round((left + column * pitch) * dpi) / dpi
        y = round((_GAP + row * row_pitch + above) * dpi) / dpi
        extents.append((x, x + width, y + height, y))
        if texts:
            axes.text(
                x + width / 2,
                y - 0.02,
                texts[cell],
                fontsize=_TITLE_POINTS,
                ha="center",
                va="bottom",
            )
    return _Grid(_keep_width(figure), axes, extents)


def _paint(
    grid: _Grid,
    images: NDArray[Any],
    scale: Normalize,
    colours: str,
    opacity: NDArray[Any] | None = None,
) -> None:
    for index, (image, extent) in enumerate(zip(images, grid.extents, strict=True)):
        alpha = None if opacity is None else opacity[index]
        grid.axes.imshow(image, cmap=colours, norm=scale, extent=extent, aspect="auto", alpha=alpha)
        if colours == SIGNED:  # its zero is nearly the colour of the page
            left, right, bottom, top = extent
            grid.axes.add_patch(
                Rectangle((left, top), right - left, bottom - top, fill=False, ec="0.6", lw=0.5)
            )
    grid.axes.set(xlim=(0, WIDTH), ylim=(grid.figure.get_figheight(), 0))


def _add_bar(grid: _Grid, scale: Normalize, colours: str, label: str) -> None:
    """Draw the colour bar of all cells below them."""
    total = grid.figure.get_figheight()
    box = (0.25, (_BAR - 0.2) / total, 0.5, 0.13 / total)
    bar = grid.figure.colorbar(
        ScalarMappable(scale, colours),
        cax=grid.figure.add_axes(box),
        orientation="horizontal",
        ticks=MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]),
    )
    bar.outline.set_visible(False)
    if label:
        bar.set_label(label)


# --- pictures ---------------------------------------------------------------------------------


def plot_digits(
    images: ArrayLike,
    titles: Sequence[object] | NDArray[Any] | None = None,
    *,
    columns: int = 10,
    size: float = 1.0,
) -> Figure:
    """Draw a grid of grey digits, on one grey scale.

    Parameters
    ----------
    images : array of shape (N, H, W) or (N, H, W, 1)
        Whole numbers are drawn from 0 (black) to 255 (white), floats in [0, 1] from 0 to 1, other
        floats over their own range.
    titles : sequence of N strings or labels, optional
        Written above the digits. A line break starts a second line.
    columns : int
        Most digits in one row; fewer where the titles need more room.
    size : float
        Largest side of a digit in inches. Digits shrink so that a row fits the figure, 6 inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the images are not numbers of this shape, or there is not one title per image.
    """
    images = _images("images", images)
    texts = _titles(titles, len(images), "image")
    grid = _grid(len(images), images.shape[1:], texts, columns, size, bar=False)
    _paint(grid, images, _grey_scale(images), GREY)
    return grid.figure


def plot_pixels(image: ArrayLike, *, values: bool = True) -> Figure:
    """Draw one image large, with row and column numbers and each pixel's number written in it.

    Parameters
    ----------
    image : array of shape (H, W) or (H, W, 1)
        Grey scale as in `plot_digits`.
    values : bool
        Whether the numbers are written into the pixels. Zeros are dimmed.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the image is not numbers of this shape.
    """
    image = _numbers("image", image, "H W", "H W 1")
    image = image[..., 0] if image.ndim == 3 else image
    rows, columns = image.shape
    scale = _grey_scale(image)

    # Cells of whole screen pixels: equal numbers then have equal pictures, and the file is small.
    dpi = plt.rcParams["figure.dpi"]
    cell = int(min(0.9 * WIDTH / columns, 1.3 * WIDTH / rows, 0.8) * dpi) / dpi
    left, below = 0.5, 0.45
    height = rows * cell + below + 2 * _GAP
    figure = plt.figure(figsize=(WIDTH, height))
    axes = figure.add_axes(
        (left / WIDTH, below / height, columns * cell / WIDTH, rows * cell / height)
    )
    axes.imshow(image, norm=scale, cmap=GREY, aspect="auto")
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="column", ylabel="row")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=10, integer=True, steps=[1, 2, 4, 5, 10]))
        axis.set_tick_params(length=0)
    if values:
        if image.dtype.kind == "f":
            texts = [[f"{value:.2f}".removeprefix("0") for value in row] for row in image]
        else:
            texts = [[str(int(value)) for value in row] for row in image]
        longest = max(len(text) for row in texts for text in row)
        points = min(9.0, 72 * cell / (0.7 * max(longest, 3)))
        colours = plt.get_cmap(GREY)
        for (row, column), value in np.ndenumerate(image):
            axes.text(
                column,
                row,
                texts[row][column],
                fontsize=points,
                color=_ink(colours(float(scale(float(value))))) if value else "0.6",
                ha="center",
                va="center",
            )
    return _keep_width(figure)


def plot_kernels(
    kernels: ArrayLike,
    *,
    titles: Sequence[object] | NDArray[Any] | None = None,
    columns: int = 8,
    size: float = 0.9,
    values: bool = False,
) -> Figure:
    """Draw convolution kernels on one signed colour scale, symmetric about zero.

    Parameters
    ----------
    kernels : array of shape (kh, kw, C) or (kh, kw, C_in, C_out)
        With more than one input channel, a row is an input channel and a column an output channel.
    titles : sequence of strings, optional
        One per kernel (C, or C_in × C_out in row order).
    columns : int
        Most kernels in one row; not used with more than one input channel.
    size : float
        Largest side of a kernel in inches.
    values : bool
        Whether the weights are written into the kernels.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the kernels are not numbers of this shape, or there is not one title per kernel.
    """
    kernels = _numbers("kernels", kernels, "kh kw C", "kh kw C_in C_out")
    if kernels.ndim == 4:
        if kernels.shape[2] > 1:
            columns = kernels.shape[3]
        kernels = kernels.reshape(*kernels.shape[:2], -1)
    stack = np.moveaxis(kernels, -1, 0).astype(np.float64)
    texts = _titles(titles, len(stack), "kernel")
    scale = _scale(stack, signed=True)
    grid = _grid(len(stack), stack.shape[1:], texts, columns, size, bar=True)
    _paint(grid, stack, scale, SIGNED)
    if values:
        _write_values(grid, stack, scale)
    _add_bar(grid, scale, SIGNED, "weight")
    return grid.figure


def _write_values(grid: _Grid, stack: NDArray[Any], scale: Normalize) -> None:
    rows, columns = stack.shape[1:]
    colours = plt.get_cmap(SIGNED)
    longest = max(len(f"{value:.3g}") for value in stack.flat)
    for image, (left, right, bottom, top) in zip(stack, grid.extents, strict=True):
        width, height = (right - left) / columns, (bottom - top) / rows
        for (row, column), value in np.ndenumerate(image):
            grid.axes.text(
                left + (column + 0.5) * width,
                top + (row + 0.5) * height,
                f"{value:.3g}",
                fontsize=min(9.0, 72 * width / (0.62 * max(longest, 3))),
                color=_ink(colours(float(scale(float(value))))),
                ha="center",
                va="center",
            )


def plot_feature_maps(
    feature_maps: ArrayLike,
    *,
    titles: Sequence[object] | NDArray[Any] | None = None,
    columns: int = 8,
    size: float = 0.9,
    signed: bool | None = None,
) -> Figure:
    """Draw the feature maps of one image on one colour scale.

    Parameters
    ----------
    feature_maps : array of shape (H, W, C)
    titles : sequence of C strings, optional
    columns : int
        Most maps in one row.
    size : float
        Largest side of a map in inches.
    signed : bool, optional
        Whether the scale is symmetric about zero; by default, if any value is negative.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the maps are not finite numbers of this shape, or there is not one title per map.
    """
    feature_maps = _numbers("feature_maps", feature_maps, "H W C")
    stack = np.moveaxis(feature_maps, -1, 0).astype(np.float64)
    texts = _titles(titles, len(stack), "map")
    if signed is None:
        signed = bool((stack < 0).any())
    scale, colours = _scale(stack, signed), SIGNED if signed else SEQUENTIAL
    grid = _grid(len(stack), stack.shape[1:], texts, columns, size, bar=True)
    _paint(grid, stack, scale, colours)
    _add_bar(grid, scale, colours, "activation")
    return grid.figure


def plot_heatmaps(
    images: ArrayLike,
    heatmaps: ArrayLike,
    titles: Sequence[object] | NDArray[Any] | None = None,
    *,
    label: str = "",
    signed: bool = False,
    columns: int = 5,
    size: float = 1.2,
) -> Figure:
    """Draw maps over grey digits, all maps on one colour scale.

    Parameters
    ----------
    images : array of shape (N, H, W) or (N, H, W, 1)
        Grey scale as in `plot_digits`.
    heatmaps : array of shape (N, h, w) or (N, h, w, 1)
        A map smaller than its image is stretched over it.
    titles : sequence of N strings or labels, optional
    label : str
        What the colour bar measures, with its unit.
    signed : bool
        Whether the scale is symmetric about zero.
    columns : int
        Most digits in one row.
    size : float
        Largest side of a digit in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the arrays are not numbers of these shapes, there is not one map and one title per
        image, or no map value is finite.
    """
    images = _images("images", images)
    heatmaps = _images("heatmaps", heatmaps).astype(np.float64)
    _same_length(images=images, heatmaps=heatmaps)
    texts = _titles(titles, len(images), "image")
    scale, colours = _scale(heatmaps, signed), SIGNED if signed else SEQUENTIAL
    grid = _grid(len(images), images.shape[1:], texts, columns, size, bar=True)
    # A signed scale is white at zero, so the digit is drawn dark on light under it.
    _paint(grid, images, _grey_scale(images), "gray_r" if signed else GREY)
    # Where a map is near zero, the digit shows through.
    strength = np.abs(heatmaps) / max(abs(scale.vmin or 0.0), abs(scale.vmax or 0.0))
    _paint(grid, heatmaps, scale, colours, np.nan_to_num(0.15 + 0.7 * strength))
    _add_bar(grid, scale, colours, label)
    return grid.figure


# --- charts -----------------------------------------------------------------------------------


def _style(index: int) -> dict[str, Any]:
    """Return colour and marker of the ``index``-th series."""
    return {
        "color": PALETTE[index % len(PALETTE)],
        "marker": MARKERS[index % len(MARKERS)],
    }


def _legend(figure: Figure, axes: Axes, columns: int = 3) -> None:
    """Put the legend below the axes, where it hides no data."""
    handles, labels = axes.get_legend_handles_labels()
    columns = max(1, min(columns, len(labels), int(72 / (max(map(len, labels)) + 8))))
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, handlelength=3.2)


def plot_curves(
    histories: Mapping[str, Any], *, metrics: Sequence[str] = ("loss", "accuracy")
) -> Figure:
    """Draw learning curves: training dashed, validation solid; one axes per metric.

    Parameters
    ----------
    histories : mapping of name to history
        A history maps ``"loss"``, ``"accuracy"``, ``"val_loss"``, ``"val_accuracy"`` to one number
        per epoch, as `mnist_lib.training.train` returns it. What a history lacks is left out.
    metrics : sequence of str
        The metrics to draw, side by side.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If `histories` is one bare history or empty, or no history holds a metric.
    """
    if not isinstance(histories, Mapping):
        raise TypeError(
            f"histories must map names to histories, not be a {type(histories).__name__}: "
            'pass {"name": history}'
        )
    if not histories or not metrics:
        raise ValueError("give at least one history and one metric")
    for metric in metrics:
        if metric in histories:
            raise TypeError('this looks like one history: pass {"name": history}')
    figure, panels = _chart(3.3, len(metrics))
    for axes, metric in zip(panels, metrics, strict=True):
        for index, (name, history) in enumerate(histories.items()):
            for key, line, part in (
                (metric, "--", "training"),
                (f"val_{metric}", "-", "validation"),
            ):
                if key in history:
                    curve = _numbers(f"{name}'s {key}", history[key], "epochs")
                    style = _style(index) | {"linestyle": line, "label": f"{name}, {part}"}
                    if part == "training":
                        style["markerfacecolor"] = "none"
                    axes.plot(np.arange(1, len(curve) + 1), curve, **style)
        if not axes.lines:
            plt.close(figure)
            raise ValueError(f"no history holds {metric!r} or 'val_{metric}'")
        axes.set(xlabel="epoch", ylabel=metric)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    _legend(figure, max(panels, key=lambda axes: len(axes.lines)), columns=2)
    return figure


def plot_confusion(confusion: ArrayLike, *, labels: Sequence[object] | None = None) -> Figure:
    """Draw a confusion matrix: counts in the cells, errors coloured, the diagonal left grey.

    The colour scale belongs to the errors alone; otherwise the many right answers would make all
    errors look alike.

    Parameters
    ----------
    confusion : array of shape (classes, classes), counts
        Rows are true labels, columns predicted ones.
    labels : sequence, optional
        Names of the classes; by default 0, 1, 2, …

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the matrix is not square or not of counts, or there is not one label per class.
    """
    matrix = _numbers("confusion", confusion, "classes classes")
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"confusion must be square, not {matrix.shape}")
    if (matrix < 0).any() or (matrix != np.round(matrix)).any():
        raise ValueError("confusion must hold counts: whole numbers, none negative")
    classes = len(matrix)
    names = _titles(range(classes) if labels is None else labels, classes, "class")
    errors = np.ma.masked_array(matrix, mask=np.eye(classes, dtype=bool))
    scale = Normalize(0, max(int(matrix[~np.eye(classes, dtype=bool)].max(initial=0)), 1))
    colours = plt.get_cmap("Oranges").with_extremes(bad="#DDDDD8")

    figure, (axes,) = _chart(5.2)
    picture = axes.imshow(errors, cmap=colours, norm=scale)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_xticks(range(classes), names)
    axes.set_yticks(range(classes), names)
    axes.set(xlabel="predicted label", ylabel="true label")
    for (row, column), count in np.ndenumerate(matrix):
        right = row == column
        axes.text(
            column,
            row,
            f"{int(count)}" if count or right else "·",
            fontsize=8.5,
            color="black" if right else _ink(colours(float(scale(float(count))))),
            weight="bold" if right else "normal",
            ha="center",
            va="center",
        )
    bar = figure.colorbar(picture, ax=axes, shrink=0.6, label="wrong predictions")
    bar.outline.set_visible(False)
    bar.locator = MaxNLocator(nbins=5, integer=True)
    bar.update_ticks()
    return figure


def plot_reliability(
    confidence: ArrayLike, accuracy: ArrayLike, counts: ArrayLike, *, ece: float | None = None
) -> Figure:
    """Draw a reliability diagram above the number of predictions per bin.

    Parameters
    ----------
    confidence, accuracy : arrays of shape (bins,), in [0, 1]
        Mean confidence and share of right predictions in each bin; what they hold where a count is
        0 (NaN, say) is not drawn.
    counts : array of shape (bins,)
        Number of predictions in each bin.
    ece : float, optional
        Expected calibration error, written into the diagram.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the three are not numbers of one length, or a bin in use lies outside [0, 1].
    """
    confidence = _numbers("confidence", confidence, "bins").astype(np.float64)
    accuracy = _numbers("accuracy", accuracy, "bins").astype(np.float64)
    counts = _numbers("counts", counts, "bins")
    _same_length(confidence=confidence, accuracy=accuracy, counts=counts)
    used = counts > 0
    for name, values in (("confidence", confidence), ("accuracy", accuracy)):
        if not ((values[used] >= 0) & (values[used] <= 1)).all():
            raise ValueError(f"{name} must lie in [0, 1] in every bin that has a count")
    figure, (upper, lower) = plt.subplots(
        2, 1, figsize=(WIDTH, 5.0), sharex=True, height_ratios=(3, 1), layout="constrained"
    )
    upper.plot([0, 1], [0, 1], linestyle=":", color="0.45", label="perfectly calibrated")
    upper.plot(confidence[used], accuracy[used], **_style(0), linestyle="-", label="this model")
    upper.vlines(
        confidence[used], confidence[used], accuracy[used], color=PALETTE[1], lw=2, label="gap"
    )
    upper.set(ylabel="accuracy", ylim=(-0.03, 1.03), xlim=(-0.03, 1.03))
    upper.legend(loc="upper left")
    if ece is not None:
        upper.text(0.98, 0.05, f"ECE {ece:.4f}", ha="right")
    lower.bar(confidence[used], counts[used], width=0.6 / len(counts), color=PALETTE[0])
    lower.set_yscale("log")
    lower.set(xlabel="confidence", ylabel="predictions")
    return _keep_width(figure)


def plot_intervals(
    names: Sequence[object],
    estimates: ArrayLike,
    lows: ArrayLike,
    highs: ArrayLike,
    *,
    xlabel: str,
) -> Figure:
    """Draw estimates as dots with their intervals as bars, one row each, first on top.

    Parameters
    ----------
    names : sequence of N strings
    estimates, lows, highs : arrays of shape (N,)
        ``lows <= estimates <= highs``.
    xlabel : str
        What is estimated, with its unit.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the lengths differ, or an estimate lies outside its interval.
    """
    estimates = _numbers("estimates", estimates, "N").astype(np.float64)
    lows = _numbers("lows", lows, "N").astype(np.float64)
    highs = _numbers("highs", highs, "N").astype(np.float64)
    _same_length(names=names, estimates=estimates, lows=lows, highs=highs)
    if not ((lows <= estimates) & (estimates <= highs)).all():
        raise ValueError("every estimate must lie between its low and its high")
    figure, (axes,) = _chart(0.9 + 0.38 * len(estimates))
    rows = np.arange(len(estimates))
    axes.hlines(rows, lows, highs, color=PALETTE[0], linewidth=2.5)
    axes.plot(estimates, rows, linestyle="none", marker="o", markersize=7, color=PALETTE[1])
    axes.set_yticks(rows, [str(name) for name in names])
    axes.set(xlabel=xlabel, ylim=(len(estimates) - 0.5, -0.5))
    axes.grid(True, axis="x")
    axes.grid(False, axis="y")
    return figure


def plot_lines(
    x: ArrayLike,
    series: Mapping[str, ArrayLike],
    *,
    xlabel: str,
    ylabel: str,
    logx: bool = False,
    logy: bool = False,
    bands: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
) -> Figure:
    """Draw several series over one x: colour, line style and marker change together.

    Parameters
    ----------
    x : array of shape (N,)
    series : mapping of name to array of shape (N,)
        Gaps (NaN) are left out of a line.
    xlabel, ylabel : str
        What the axes measure, with units.
    logx, logy : bool
        Whether an axis is logarithmic.
    bands : mapping of name to (low, high), optional
        A band around a series of that name, two arrays of shape (N,).

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If there is no series, the lengths differ, or a band belongs to no series.
    """
    x = _numbers("x", x, "N")
    if not series:
        raise ValueError("give at least one series")
    lines = {name: _numbers(f"series {name!r}", values, "N") for name, values in series.items()}
    for name, line in lines.items():
        _same_length(**{"x": x, f"series {name!r}": line})
    edges = {}
    for name, (low, high) in (bands or {}).items():
        if name not in lines:
            raise ValueError(f"there is a band for {name!r}, but no series of that name")
        edges[name] = (_numbers(f"band {name!r}", low, "N"), _numbers(f"band {name!r}", high, "N"))
        _same_length(x=x, low=edges[name][0], high=edges[name][1])
    figure, (axes,) = _chart(3.6)
    for index, (name, line) in enumerate(lines.items()):
        style = _style(index)
        if len(x) > 30:  # a marker on every point would hide the line
            style["markevery"] = max(len(x) // 12, 1)
        axes.plot(x, line, **style, linestyle=LINESTYLES[index % len(LINESTYLES)], label=name)
        if name in edges:
            axes.fill_between(x, *edges[name], color=style["color"], alpha=0.18, linewidth=0)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    if logx:
        axes.set_xscale("log")
    if logy:
        axes.set_yscale("log")
    if len(lines) > 1:
        _legend(figure, axes)
    return figure


def plot_bars(
    names: Sequence[object],
    values: ArrayLike | Mapping[str, ArrayLike],
    *,
    ylabel: str,
    xlabel: str = "",
) -> Figure:
    """Draw bars from zero; several series stand side by side with their own hatches.

    Parameters
    ----------
    names : sequence of N strings or labels
        One per bar.
    values : array of shape (N,), or mapping of name to such an array
    ylabel, xlabel : str
        What the axes show, with units.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If there is not one value per name.
    """
    series = values if isinstance(values, Mapping) else {"": values}
    if not series:
        raise ValueError("give at least one series of values")
    figure, (axes,) = _chart(3.2)
    width = 0.8 / len(series)
    for index, (name, heights) in enumerate(series.items()):
        try:
            heights = _numbers(f"values {name!r}" if name else "values", heights, "N")
            _same_length(names=names, values=heights)
        except (TypeError, ValueError):
            plt.close(figure)
            raise
        axes.bar(
            np.arange(len(heights)) + (index - (len(series) - 1) / 2) * width,
            heights,
            width * 0.94,
            color=PALETTE[index % len(PALETTE)],
            hatch=HATCHES[index % len(HATCHES)],
            label=name,
        )
    axes.set_xticks(range(len(names)), [str(name) for name in names])
    axes.tick_params(axis="x", length=0)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    if len(series) > 1:
        _legend(figure, axes)
    return figure


def plot_embedding(
    points: ArrayLike,
    labels: ArrayLike,
    *,
    names: Sequence[object] | None = None,
    xlabel: str = "first component",
    ylabel: str = "second component",
) -> Figure:
    """Draw points of several classes in the plane; the marker is the class's number.

    Parameters
    ----------
    points : array of shape (N, 2)
    labels : integer array of shape (N,), from 0 up
    names : sequence of strings, optional
        Names of the classes for the legend, one per class; by default there is no legend, as the
        markers name the classes.
    xlabel, ylabel : str
        What the axes show.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the arrays are not of these shapes and types, or a class has no name.
    """
    points = _numbers("points", points, "N 2")
    labels = _numbers("labels", labels, "N")
    _same_length(points=points, labels=labels)
    if labels.dtype.kind not in "ui":
        raise TypeError(f"labels must be whole numbers, not {labels.dtype}")
    if labels.min() < 0:
        raise ValueError(f"labels must not be negative, but one is {labels.min()}")
    classes = np.unique(labels)
    if names is not None and len(names) <= classes[-1]:
        raise ValueError(f"got {len(names)} names, but the labels go up to {classes[-1]}")
    figure, (axes,) = _chart(5.2)
    for label in classes:
        chosen = points[labels == label]
        axes.scatter(
            chosen[:, 0],
            chosen[:, 1],
            s=34,
            marker=f"${label}$",
            color=PALETTE[int(label) % len(PALETTE)],
            linewidths=0,
            label="" if names is None else str(names[int(label)]),
        )
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.grid(True, axis="both")
    if names is not None:
        _legend(figure, axes, columns=5)
    return figure
