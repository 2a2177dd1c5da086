"""Figures of the course: arrays in, one Matplotlib figure out.

Importing this module applies the course's style sheet (``course.mplstyle``). It starts from
Matplotlib's defaults: what a reader's own ``matplotlibrc`` says does not change these figures.

Every function makes its figure with pyplot and returns it. In a notebook, end the cell with a
semicolon, as in ``plots.plot_digits(images);``: the figure then shows once.

Values that are compared share one colour scale; signed values get a diverging scale that is
symmetric about zero; whatever colour tells, a marker, a line style, a hatch or a number tells too.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from numpy.typing import ArrayLike, NDArray

from mnist_lib import _checks

plt.style.use(["default", Path(__file__).with_name("course.mplstyle")])

FEW = 5  # predictions; a bin of fewer is drawn faintly
PALETTE = plt.rcParams["axes.prop_cycle"].by_key()["color"]
TEN_COLOURS = [*PALETTE, "#E0529C", "#5B8C00"]  # for the ten digits
LINESTYLES = ["-", "--", "-.", ":"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*"]
HATCHES = ["", "///", "...", "xx", "\\\\\\", "++"]
METRICS = ("loss", "accuracy")

WIDTH = plt.rcParams["figure.figsize"][0]
"""Width of every figure in inches; on a phone 360 px wide, 11-point text is then 9 px high."""

GREY, SEQUENTIAL, SIGNED = plt.rcParams["image.cmap"], "viridis", "RdBu_r"

_POINTS = plt.rcParams["font.size"]
_CHARACTER = 0.62 * _POINTS / 72  # a generous mean width of a DejaVu Sans character, inches
_LINE = 1.3 * _POINTS / 72
_GAP = 0.045
_BAR = 0.76  # space below for a colour bar with its numbers and label, inches

_Extent: TypeAlias = tuple[float, float, float, float]  # left, right, bottom, top, as in imshow


# --- checks -----------------------------------------------------------------------------------


def _images(name: str, values: ArrayLike) -> NDArray[Any]:
    images = _checks.array(name, values, "N H W", "N H W 1")
    return images[..., 0] if images.ndim == 4 else images


def _row(name: str, values: ArrayLike) -> NDArray[np.float64]:
    return _checks.array(name, values, "N").astype(np.float64)


def _titles(titles: Sequence[object] | NDArray[Any] | None, **pictures: NDArray[Any]) -> list[str]:
    if titles is None:
        return []
    if isinstance(titles, str):
        raise TypeError(_checks.message("titles", f'"{titles}"', "a list with one title for each"))
    _checks.same_length(titles=titles, **pictures)
    return [str(title) for title in titles]


def _some_series(name: str, values: Any) -> Mapping[str, Any]:
    if not isinstance(values, Mapping) or not values:
        what = _checks.describe(values) if not isinstance(values, Mapping) else "empty"
        expected = f'a dictionary of at least one, such as {{"name": {name}}}'
        error = ValueError if isinstance(values, Mapping) else TypeError
        raise error(_checks.message(name, what, expected))
    return values


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
        raise ValueError("All values are NaN or infinite; expected finite ones. Nothing to draw.")
    low, high = float(finite.min()), float(finite.max())
    if signed:
        limit = max(-low, high) or 1.0
        return Normalize(-limit, limit)
    low = min(low, 0.0)
    return Normalize(low, high if high > low else low + 1.0)


def _ink(colours: str | Colormap, scale: Normalize, value: float) -> str:
    """Return black or white, whichever is read better on this value's colour."""
    red, green, blue, _ = plt.get_cmap(colours)(float(scale(float(value))))
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


def _folded(texts: list[str], columns: int, space: float) -> tuple[list[str], int]:
    """Return titles that fit, with one line more where they must, and for how many columns."""
    while columns > 1:
        width = max(1, int(((space + _GAP) / columns - _GAP) / _CHARACTER))
        folder = textwrap.TextWrapper(width, break_long_words=False)
        folded = ["\n".join(map(folder.fill, text.split("\n"))) for text in texts]
        fits = all(len(line) <= width for text in folded for line in text.split("\n"))
        if fits and all(
            new.count("\n") <= old.count("\n") + 1 for new, old in zip(folded, texts, strict=True)
        ):
            return folded, columns
        columns -= 1
    return texts, 1


class _Grid(NamedTuple):
    """A canvas measured in inches from its top left corner, and the places of its cells."""

    figure: Figure
    axes: Axes
    extents: list[_Extent]


def _grid(
    count: int,
    shape: tuple[int, ...],
    texts: list[str],
    columns: int,
    size: float,
    bar: bool,
    gap: float = _GAP,
) -> _Grid:
    columns = _checks.whole("columns", columns, least=1)
    size = _checks.number("size", size, above=0)
    space = WIDTH - 2 * _GAP
    texts, columns = _folded(texts, min(columns, count), space)
    lines = [line for text in texts for line in text.split("\n")]
    title_width = _CHARACTER * max(map(len, lines), default=0)
    pitch = min(space / columns, max(size, title_width) + gap)
    # Image pixels become whole dots, all of one size; otherwise strokes look ragged.
    dpi = plt.rcParams["figure.dpi"]
    largest = min(size, pitch - max(gap - _GAP, 2 / dpi))
    dots = int(largest * dpi / shape[1])
    width = dots * shape[1] / dpi if dots else largest
    height = width * shape[0] / shape[1]
    above = _LINE * max((text.count("\n") + 1 for text in texts), default=0)
    row_pitch = height + above + gap
    rows = -(-count // columns)
    left = _GAP + (space - columns * pitch) / 2 + (pitch - width) / 2
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
                fontsize=_POINTS,
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


def _add_bar(
    grid: _Grid,
    scale: Normalize,
    colours: str,
    label: str,
    least: float | None = None,
    pointed: bool = False,
) -> Figure:
    """Draw the colour bar of all cells below them, from `least` on if it is given."""
    total = grid.figure.get_figheight()
    box = (0.25, (_BAR - 0.2) / total, 0.5, 0.13 / total)
    bar = grid.figure.colorbar(
        ScalarMappable(scale, colours),
        cax=grid.figure.add_axes(box),
        orientation="horizontal",
        extend=("max" if least is not None else "both") if pointed else "neither",
        ticks=MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]),
    )
    bar.outline.set_visible(False)
    bar.set_label(label)
    bar.ax.set_xlim(left=least)
    return grid.figure


def _write(
    axes: Axes, texts: Sequence[Sequence[str]], extent: _Extent, points: float, **style: Any
) -> None:
    """Write a table of texts into the pixels of a picture; a style may be a table too."""
    left, right, bottom, top = extent
    width, height = (right - left) / len(texts[0]), (bottom - top) / len(texts)
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            axes.text(
                left + (column + 0.5) * width,
                top + (row + 0.5) * height,
                text,
                fontsize=points,
                ha="center",
                va="center",
                **{name: table[row][column] for name, table in style.items()},
            )


def _table(function: Callable[[Any], str], values: NDArray[Any]) -> list[list[str]]:
    return [[function(value) for value in row] for row in values]


# --- pictures ---------------------------------------------------------------------------------


def plot_digits(
    images: ArrayLike,
    titles: Sequence[object] | NDArray[Any] | None = None,
    *,
    columns: int = 10,
    size: float = 1.0,
    marked: ArrayLike | None = None,
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
        Most digits in one row; fewer where the titles need more space.
    size : float
        Largest side of a digit in inches. Digits shrink so that a row fits the figure, 6 inches.
    marked : array of N bool, optional
        The digits to point out: with a frame, and with a title in its colour.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the images are not numbers of this shape, or there is not one title, or one mark, per
        image.
    """
    images = _images("images", images)
    texts = _titles(titles, images=images)
    pointed_out = np.zeros(len(images), bool)
    if marked is not None:
        pointed_out = _checks.array("marked", marked, "N", holds="booleans")
        _checks.same_length(images=images, marked=pointed_out)
    grid = _grid(len(images), images.shape[1:], texts, columns, size, bar=False)
    _paint(grid, images, _grey_scale(images), GREY)
    for index in map(int, np.flatnonzero(pointed_out)):
        left, right, bottom, top = grid.extents[index]
        frame = {"fill": False, "ec": PALETTE[1], "lw": 2, "clip_on": False}
        grid.axes.add_patch(Rectangle((left, top), right - left, bottom - top, **frame))
        if texts:
            grid.axes.texts[index].set_color(PALETTE[1])
    return grid.figure


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
    kernels = _checks.array("kernels", kernels, "kh kw C", "kh kw C_in C_out")
    if kernels.ndim == 4:
        if kernels.shape[2] > 1:
            columns = kernels.shape[3]
        kernels = kernels.reshape(*kernels.shape[:2], -1)
    # Wider gaps than between images: a kernel has few cells, and no black edge.
    grid, stack, scale = _stack(kernels, titles, columns, size, signed=True, gap=0.13)
    if values:
        texts = [_table(lambda value: f"{value:.3g}".replace("-", "−"), each) for each in stack]
        longest = max(len(text) for table in texts for row in table for text in row)
        left, right, _, _ = grid.extents[0]
        points = min(_POINTS, 72 * (right - left) / stack.shape[2] / (0.62 * max(longest, 3)))
        for each, table, extent in zip(stack, texts, grid.extents, strict=True):
            inks = _table(lambda value: _ink(SIGNED, scale, value), each)
            _write(grid.axes, table, extent, points, color=inks)
            left, right, bottom, top = extent
            edge: dict[str, Any] = {"colors": "0.6", "lw": 0.5}
            across, down = stack.shape[2], stack.shape[1]
            grid.axes.vlines(np.linspace(left, right, across + 1), top, bottom, **edge)
            grid.axes.hlines(np.linspace(top, bottom, down + 1), left, right, **edge)
    return _add_bar(grid, scale, SIGNED, "weight")


def _stack(
    pictures: NDArray[Any],
    titles: Sequence[object] | NDArray[Any] | None,
    columns: int,
    size: float,
    signed: bool,
    gap: float = _GAP,
) -> tuple[_Grid, NDArray[np.float64], Normalize]:
    """Draw the channels (H, W, C) side by side on one scale, with space for its colour bar."""
    stack = np.moveaxis(pictures, -1, 0).astype(np.float64)
    texts = _titles(titles, channels=stack)
    scale = _scale(stack, signed)
    grid = _grid(len(stack), stack.shape[1:], texts, columns, size, bar=True, gap=gap)
    _paint(grid, stack, scale, SIGNED if signed else SEQUENTIAL)
    return grid, stack, scale


def plot_feature_maps(
    feature_maps: ArrayLike,
    *,
    titles: Sequence[object] | NDArray[Any] | None = None,
    columns: int = 8,
    size: float = 0.9,
) -> Figure:
    """Draw the feature maps of one image on one colour scale.

    The scale is symmetric about zero if any value is negative.

    Parameters
    ----------
    feature_maps : array of shape (H, W, C)
    titles : sequence of C strings, optional
    columns : int
        Most maps in one row.
    size : float
        Largest side of a map in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the maps are not finite numbers of this shape, or there is not one title per map.
    """
    feature_maps = _checks.array("feature_maps", feature_maps, "H W C")
    signed = bool((feature_maps < 0).any())
    grid, _, scale = _stack(feature_maps, titles, columns, size, signed)
    return _add_bar(grid, scale, SIGNED if signed else SEQUENTIAL, "activation")


def plot_heatmaps(
    images: ArrayLike,
    heatmaps: ArrayLike,
    titles: Sequence[object] | NDArray[Any] | None = None,
    *,
    label: str = "",
    signed: bool = False,
    outline: bool = False,
    columns: int = 5,
    limit: float | None = None,
    pairs: Sequence[str] | None = None,
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
    outline : bool
        Whether only the outline of a digit is drawn, where its grey would drown a faint map.
    columns : int
        Most digits in one row.
    limit : float, optional
        Where the scale ends. All beyond has its last colour, and the ends of the bar are pointed.
        Without it, the scale ends at the largest magnitude.
    pairs : sequence of N / 2 strings, optional
        What the first and second map show, the third and fourth, and so on: a frame joins the two,
        and the name stands above them. They need titles of one line, and an even number of columns.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the arrays are not numbers of these shapes, there is not one map and one title per
        image, no map value is finite, the limit is not above 0, or there is not one name per pair.
    """
    images = _images("images", images)
    heatmaps = _images("heatmaps", heatmaps).astype(np.float64)
    _checks.same_length(images=images, heatmaps=heatmaps)
    texts = _titles(titles, images=images)
    if pairs is not None:
        _checks.same_length(pairs=pairs, of_two_images=images[::2])
        texts = [f"\n{text}" for text in texts]
    if limit is not None:
        limit = _checks.number("limit", limit, above=0)
        heatmaps = heatmaps.clip(-limit, limit)
    scale, colours = _scale(heatmaps, signed), SIGNED if signed else SEQUENTIAL
    # Of a signed scale, the bar shows negative colours only where there are negative values.
    least = None if not signed or (heatmaps < 0).any() else 0.0
    grid = _grid(len(images), images.shape[1:], texts, columns, 1.2, bar=True)
    for index, name in enumerate(pairs or []):
        (left, _, bottom, top), (_, right, *_) = grid.extents[2 * index : 2 * index + 2]
        corner, width = (left - _GAP, top - 2 * _LINE), right - left + 2 * _GAP
        frame = Rectangle(corner, width, bottom + _GAP / 2 - corner[1], fill=False, ec="0.6", lw=1)
        grid.axes.add_patch(frame)
        grid.axes.text((left + right) / 2, top - _LINE - 0.02, name, ha="center", va="bottom")
    if outline:
        _paint(grid, heatmaps, scale, colours)
        for image, extent in zip(images, grid.extents, strict=True):
            edge = [(image.min() + image.max()) / 2]
            # The rows of an image go down, those of a contour go up unless its origin is above.
            grid.axes.contour(
                image, edge, extent=extent, origin="upper", colors="0.35", linewidths=0.7
            )
        grid.axes.set(xlim=(0, WIDTH), ylim=(grid.figure.get_figheight(), 0))
        return _add_bar(grid, scale, colours, label, least, pointed=limit is not None)
    # A signed scale is white at zero, so the digit is drawn dark on light under it.
    _paint(grid, images, _grey_scale(images), "gray_r" if signed else GREY)
    # Where a map is near zero, the digit shows through.
    strength = np.abs(heatmaps) / max(abs(scale.vmin or 0.0), abs(scale.vmax or 0.0))
    _paint(grid, heatmaps, scale, colours, np.nan_to_num(0.15 + 0.7 * strength))
    return _add_bar(grid, scale, colours, label, least, pointed=limit is not None)


# --- charts -----------------------------------------------------------------------------------


def _style(index: int) -> dict[str, Any]:
    """Return colour and marker of the ``index``-th series."""
    return {
        "color": PALETTE[index % len(PALETTE)],
        "marker": MARKERS[index % len(MARKERS)],
    }


_REFERENCE: dict[str, Any] = {"color": "0.45", "linestyle": ":", "marker": "none", "linewidth": 1.4}


def _legend(
    figure: Figure,
    *panels: Axes,
    columns: int = 3,
    loc: Literal["outside lower center", "outside upper center"] = "outside lower center",
) -> None:
    """Put the legend of all panels below or above the axes, where it hides no data."""
    handles, labels = [], []
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            if label not in labels:
                handles.append(handle)
                labels.append(label)
    columns = max(1, min(columns, len(labels), int(60 / (max(map(len, labels)) + 8))))
    figure.legend(handles, labels, loc=loc, ncols=columns, handlelength=3.2)


def _name_level(figure: Figure, axes: Axes, name: str, level: float) -> None:
    """Draw a dotted line across, and write its name on it where the series are furthest off."""
    to_axes = axes.transData + axes.transAxes.inverted()
    across = np.linspace(0, 1, 200)
    curves = [np.interp(across, *to_axes.transform(each.get_xydata()).T) for each in axes.lines]
    axes.axhline(level, **_REFERENCE)
    _, here = to_axes.transform((axes.get_xlim()[0], level))
    width = _CHARACTER * len(name) / (0.8 * WIDTH)
    height = 1.3 * _LINE / (axes.get_position().height * figure.get_figheight())

    def clearance(place: tuple[float, int]) -> tuple[float, float]:
        left, side = place
        middle = here + side * height / 2
        if not height / 2 <= middle <= 1 - height / 2:
            return -1.0, 0.0
        within = (across >= left) & (across <= left + width)
        near = [float(np.abs(curve[within] - middle).min()) for curve in curves]
        return round(min(near), 2), sum(near)

    places = [(left, side) for side in (1, -1) for left in np.linspace(0.02, 0.98 - width, 9)]
    left, side = max(places, key=clearance)
    axes.annotate(
        name,
        (left, level),
        (0, 4 * side),
        xycoords=axes.get_yaxis_transform(),
        textcoords="offset points",
        color="0.35",
        va="bottom" if side > 0 else "top",
        # A grid line behind the name would strike it through.
        bbox={"facecolor": axes.get_facecolor(), "edgecolor": "none", "pad": 0},
    )


def _spread(places: Sequence[float], gap: float, low: float, tall: float) -> list[float]:
    """Return falling places at least a gap apart, near those given, within the space of a chart."""
    rows: list[float] = []
    for number, place in enumerate(places):
        # Those that follow need their space below; the one before has taken its own above.
        least = low + gap * (len(places) - 1 - number) + gap / 2
        rows.append(max(least, min(place, rows[-1] - gap if rows else low + tall - gap / 2)))
    return rows


def _name_ends(
    figure: Figure,
    axes: Axes,
    x: NDArray[np.float64],
    lines: Mapping[str, NDArray[np.float64]],
) -> None:
    """Write the name of each line beside its right end, in its colour."""
    axes.get_xlim()  # transData follows the series only once the limits have been asked for
    to_axes = axes.transData + axes.transAxes.inverted()
    ends = {}
    for name, line in lines.items():
        last = np.flatnonzero(np.isfinite(line))[-1]
        ends[name] = float(x[last]), float(line[last])
    up = {name: float(to_axes.transform(end)[1]) for name, end in ends.items()}
    order = sorted(up, key=lambda name: -up[name])
    gap = 1.15 * _LINE / (axes.get_position().height * figure.get_figheight())
    places = _spread([up[name] for name in order], gap, -gap / 2, 1 + gap)
    rows = dict(zip(order, places, strict=True))
    for index, (name, end) in enumerate(ends.items()):
        colour = _style(index)["color"]
        axes.annotate(
            name,
            end,
            (1.05, rows[name]),
            xycoords="data",
            textcoords="axes fraction",
            color=colour,
            va="center",
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.8, "shrinkB": 6},
        )


def _name_points(axes: Axes, points: Mapping[str, tuple[float, float]]) -> None:
    """Mark points with a dot, and write their names above them, on the side with more space."""
    axes.get_xlim()  # as in _name_ends
    to_axes = axes.transData + axes.transAxes.inverted()
    for name, point in points.items():
        axes.plot(*point, "o", color=PALETTE[1], markersize=9, clip_on=False)
        left = to_axes.transform(point)[0] < 0.6
        axes.annotate(
            name,
            point,
            (8 if left else 4, 8),
            textcoords="offset points",
            ha="left" if left else "right",
            va="bottom",
        )


def _name_place(axes: Axes, name: str, place: float) -> None:
    """Draw a dotted line up, and write its name above the axes, where it hides no data."""
    axes.axvline(place, **_REFERENCE)
    at, _ = axes.transAxes.inverted().transform(axes.transData.transform((place, 1)))
    side = "left" if at < 0.3 else "right" if at > 0.7 else "center"
    axes.text(
        place, 1.02, name, transform=axes.get_xaxis_transform(), color="0.35", ha=side, va="bottom"
    )


def _write_plainly(axis: Axis) -> None:
    """Write 0.01 and not a power of ten along a logarithmic axis, unless it is a long one."""
    low, high = axis.get_view_interval()
    decades = math.log10(high / low)
    if decades < 4 and low > 1e-4 and high < 1e5:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2 else (1,)))
        axis.set_major_formatter("{x:,g}")
        axis.set_minor_formatter(NullFormatter())


def plot_curves(histories: Mapping[str, Any]) -> Figure:
    """Draw the curves of loss and accuracy, side by side: training dashed, validation solid.

    Parameters
    ----------
    histories : mapping of name to history
        A history is what Keras' ``fit`` returns, or a mapping of ``"loss"``, ``"accuracy"``,
        ``"val_loss"``, ``"val_accuracy"`` to one number per epoch. What it lacks is left out.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If `histories` is a bare history or empty, or no history holds a loss or an accuracy.
    """
    runs = {
        name: getattr(history, "history", history)
        for name, history in _some_series("history", histories).items()
    }
    curves: dict[str, list[tuple[int, str, NDArray[Any]]]] = {metric: [] for metric in METRICS}
    for metric, found in curves.items():
        for index, (name, history) in enumerate(runs.items()):
            if not isinstance(history, Mapping):
                expected = 'what fit returns, or a mapping. Pass {"name": history}'
                raise TypeError(
                    _checks.message(f"history {name!r}", _checks.describe(history), expected)
                )
            for key, part in ((metric, "training"), (f"val_{metric}", "validation")):
                if key in history:
                    label = f"{name}, {part}" if len(runs) > 1 else part
                    found.append((index, label, _row(f"{key} of {name!r}", history[key])))
    curves = {metric: found for metric, found in curves.items() if found}
    if not curves:
        held = sorted({key for history in runs.values() for key in history})
        raise ValueError(
            f"The histories hold {', '.join(map(repr, held)) or 'nothing'}; expected 'loss' or "
            "'accuracy'."
        )
    figure, panels = _chart(3.3, len(curves))
    for axes, (metric, found) in zip(panels, curves.items(), strict=True):
        for index, label, curve in found:
            style = _style(index) | {"linestyle": "-", "label": label}
            if label.endswith("training"):
                style |= {"linestyle": "--", "markerfacecolor": "none"}
            axes.plot(np.arange(1, len(curve) + 1), curve, **style)
        axes.set(xlabel="epoch", ylabel=metric)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    _legend(figure, *panels, columns=2)
    return figure


def plot_runs(
    histories: Mapping[str, Mapping[str, ArrayLike]],
    *,
    starts: Mapping[str, float],
    guess: float,
    signs: Mapping[str, str] | None = None,
) -> Figure:
    """Draw the losses of training runs, two to a row, each on a scale of its own.

    Training is dashed and validation solid, as in `plot_curves`; a thin dotted line is the loss of
    a blind guess.

    Parameters
    ----------
    histories : mapping of name to history
        A history holds ``"loss"`` and ``"val_loss"``, one number per epoch.
    starts : mapping of name to float
        The training loss of each run before its first step, drawn as epoch 0.
    guess : float
        The loss of a blind guess.
    signs : mapping of name to str, optional
        What to look at in a run: a few words, below its name.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If there is no run.
    """
    runs = _some_series("history", histories)
    rows = -(-len(runs) // 2)
    figure, grid = plt.subplots(
        rows, 2, figsize=(WIDTH, 0.9 + 1.75 * rows), squeeze=False, layout="constrained"
    )
    for axes, (name, run) in zip(grid.flat, runs.items(), strict=False):
        losses = {key: _row(f"{key} of {name!r}", run[key]) for key in ("loss", "val_loss")}
        curves = {
            "training": (np.append(starts[name], losses["loss"]), 0, "--"),
            "validation": (losses["val_loss"], 1, "-"),
        }
        for label, (curve, first, style) in curves.items():
            axes.plot(
                np.arange(first, first + len(curve)),
                curve,
                color=PALETTE[0],
                linestyle=style,
                marker="o",
                markerfacecolor="none" if style == "--" else PALETTE[0],
                label=label,
                clip_on=False,  # a marker on the edge shall be whole
                zorder=3,
            )
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
        values = np.concatenate([curve for curve, _, _ in curves.values()])
        low, high = float(values.min()), float(values.max())
        title = name
        if low > 0 and high > 20 * low:
            axes.set_yscale("log")
            title += " (logarithmic)"
        elif high - low < 0.2:  # a flat line shall look flat
            axes.set_ylim((low + high) / 2 - 0.12, (low + high) / 2 + 0.12)
        # The caption says that it is the loss: a label would make the axes narrow on a phone.
        axes.set_title(f"{title}\n{(signs or {}).get(name, '')}".rstrip(), loc="left")
        axes.axhline(guess, **_REFERENCE, label="blind guess")
    for axes in grid.flat[len(runs) :]:
        axes.set_visible(False)
    for axes in grid[-1]:
        axes.set_xlabel("epoch")
    _legend(figure, grid[0, 0], loc="outside upper center")
    return _keep_width(figure)


def plot_confusion(confusion: ArrayLike) -> Figure:
    """Draw a confusion matrix: counts in the cells, errors coloured, the diagonal left grey.

    The colour scale belongs to the errors alone; otherwise the many right answers would make all
    errors look alike.

    Parameters
    ----------
    confusion : array of shape (classes, classes), counts
        Rows are true classes, columns answers.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the matrix is not square or does not hold counts.
    """
    matrix = _checks.array("confusion", confusion, "classes classes")
    if (matrix < 0).any() or (matrix != np.round(matrix)).any():
        expected = "counts, whole numbers of at least 0"
        raise ValueError(
            _checks.message("confusion", f"from {matrix.min()} to {matrix.max()}", expected)
        )
    classes = len(matrix)
    errors = np.ma.masked_array(matrix, mask=np.eye(classes, dtype=bool))
    scale = Normalize(0, max(int(matrix[~np.eye(classes, dtype=bool)].max(initial=0)), 1))
    colours = plt.get_cmap("Oranges").with_extremes(bad="#DDDDD8")

    figure, (axes,) = _chart(5.2)
    picture = axes.imshow(errors, cmap=colours, norm=scale)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_xticks(range(classes))
    axes.set_yticks(range(classes))
    axes.set(xlabel="answer", ylabel="true class")
    texts = _table(lambda count: f"{int(count)}" if count else "·", matrix)
    inks = _table(lambda count: _ink(colours, scale, count), matrix)
    weights = [["normal"] * classes for _ in range(classes)]
    for right in range(classes):
        texts[right][right] = f"{int(matrix[right, right])}"
        inks[right][right], weights[right][right] = "black", "bold"
    _write(axes, texts, picture.get_extent(), _POINTS, color=inks, weight=weights)
    bar = figure.colorbar(picture, ax=axes, shrink=0.6, label="wrong answers")
    bar.outline.set_visible(False)
    bar.locator = MaxNLocator(nbins=5, integer=True)
    bar.update_ticks()
    return figure


def plot_reliability(
    confidence: ArrayLike,
    accuracy: ArrayLike,
    counts: ArrayLike,
    *,
    ece: float | None = None,
    interval: tuple[ArrayLike, ArrayLike] | None = None,
    bins: int | None = None,
) -> Figure:
    """Draw a reliability diagram above the number of predictions per bin.

    Bins with fewer than `FEW` predictions are faint. No line joins the bins: between them it would
    mean nothing.

    Parameters
    ----------
    confidence, accuracy : arrays of shape (N,), in [0, 1]
        Mean confidence and fraction of right predictions in each bin; what they hold where a count
        is 0 (NaN, say) is not drawn.
    counts : array of shape (N,)
        Number of predictions in each bin.
    ece : float, optional
        Expected calibration error, written into the diagram.
    interval : (lows, highs), optional
        Two arrays of shape (N,): an interval for the accuracy of each bin, drawn as a bar.
    bins : int, optional
        Into how many equal bins 0 to 1 is divided, where empty ones are not passed.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the three are not numbers of one length, or a bin in use lies outside [0, 1].
    """
    confidence, accuracy = _row("confidence", confidence), _row("accuracy", accuracy)
    counts = _row("counts", counts)
    _checks.same_length(confidence=confidence, accuracy=accuracy, counts=counts)
    used = counts > 0
    for name, values in (("confidence", confidence), ("accuracy", accuracy)):
        for value in values[used]:
            _checks.number(name, value, least=0, most=1)
    figure, (upper, lower) = plt.subplots(
        2, 1, figsize=(WIDTH, 5.0), sharex=True, height_ratios=(3, 1), layout="constrained"
    )
    upper.plot([0, 1], [0, 1], linestyle=":", color="0.45", label="perfectly calibrated")
    if interval is not None:
        lows, highs = (_row(name, v) for name, v in zip(("lows", "highs"), interval, strict=True))
        _checks.same_length(confidence=confidence, lows=lows, highs=highs)
    many = counts >= FEW
    for some, alpha in ((many, 1.0), (used & ~many, 0.35)):
        x, y = confidence[some], accuracy[some]
        bar, gap, model = ("95 % interval", "gap", "this model") if alpha == 1 else [None] * 3
        if interval is not None:  # wide and light, so that the gap is seen upon it
            style = {"color": PALETTE[0], "lw": 7, "alpha": 0.45 * alpha, "label": bar}
            upper.vlines(x, lows[some], highs[some], **style)
        upper.vlines(x, x, y, color=PALETTE[1], lw=2, alpha=alpha, label=gap)
        upper.plot(x, y, **_style(0), linestyle="none", alpha=alpha, label=model)
    # Above the axes: within them it would cover the first bins' intervals.
    upper.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    if ece is not None:
        upper.text(0.98, 0.05, f"ECE {ece:.4f}", ha="right")
    bins = len(counts) if bins is None else _checks.whole("bins", bins, least=1)
    middles = (np.minimum(np.floor(bins * confidence[used]), bins - 1) + 0.5) / bins
    first = middles.min(initial=1) - 0.5 / bins  # to the left of it nothing is drawn
    upper.set(ylabel="accuracy", ylim=(-0.03, 1.03), xlim=(first - 0.03, 1.03))
    lower.bar(middles, counts[used], width=0.9 / bins, color=PALETTE[0])
    lower.set_yscale("log")
    lower.set(xlabel="confidence", ylabel="predictions")
    lower.set_ylim(bottom=0.6)  # so that a single prediction has a bar
    return _keep_width(figure)


def plot_intervals(
    names: Sequence[object],
    estimates: ArrayLike,
    lows: ArrayLike,
    highs: ArrayLike,
    *,
    xlabel: str,
    parts: Sequence[str] | None = None,
    rulers: Mapping[str, float] | None = None,
    logx: bool = False,
) -> Figure:
    """Draw estimates as dots with their intervals as bars, one row each, first on top.

    Parameters
    ----------
    names : sequence of N strings
        Neighbours of the same name stand together and share it.
    estimates, lows, highs : arrays of shape (N,)
        ``lows <= estimates <= highs``.
    xlabel : str
        What is estimated, with its unit.
    parts : sequence of N strings, optional
        What each row is of; each part has a colour and a marker, which a legend names.
    rulers : mapping of name to float, optional
        Lengths to compare the scatter with: below the rows, to either side of the mean estimate,
        thin and with ends, since they are no intervals.
    logx : bool
        Whether the axis is logarithmic.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the lengths differ, or an estimate lies outside its interval.
    """
    estimates = _row("estimates", estimates)
    lows, highs = _row("lows", lows), _row("highs", highs)
    _checks.same_length(names=names, estimates=estimates, lows=lows, highs=highs)
    for name, low, estimate, high in zip(names, lows, estimates, highs, strict=True):
        _checks.number(f"the estimate of {name}", estimate, least=low, most=high)
    of = np.array(parts if parts is not None else [""] * len(estimates))
    _checks.same_length(names=names, parts=of)
    lengths = {name: _checks.number(name, each, least=0) for name, each in (rulers or {}).items()}
    count = len(estimates) + len(lengths) + 0.8 * bool(lengths)
    figure, (axes,) = _chart(0.9 + 0.38 * count + (0.3 if parts is not None else 0))
    texts = [str(name) for name in names]
    new = np.array([i == 0 or texts[i] != texts[i - 1] for i in range(len(texts))])
    rows = np.cumsum(np.where(new, 1.0, 0.7)) - 1  # neighbours of one name stand closer
    for index, part in enumerate(dict.fromkeys(of)):
        chosen, style = of == part, _style(index)
        axes.hlines(rows[chosen], lows[chosen], highs[chosen], color=style["color"], linewidth=3)
        dot = {"markersize": 5, "linestyle": "none", "label": part}  # a short bar shall show too
        if parts is None:
            style["color"] = PALETTE[1]
        axes.plot(estimates[chosen], rows[chosen], **style, **dot)
    groups = np.split(rows, np.flatnonzero(new)[1:])
    ticks = [float(group.mean()) for group in groups]
    names_drawn = [texts[i] for i in np.flatnonzero(new)]
    below = float(rows[-1])
    if lengths:
        places = below + 1.8 + np.arange(len(lengths))
        middle, reach = np.full(len(places), estimates.mean()), list(lengths.values())
        bar: dict[str, Any] = {"ecolor": "0.45", "elinewidth": 1.4, "capsize": 5}
        axes.errorbar(middle, places, xerr=reach, fmt="none", **bar)
        axes.axhline(below + 0.9, color="0.7", linewidth=0.8)
        ticks += places.tolist()
        names_drawn += lengths
        below = float(places[-1])
    axes.set_yticks(ticks, names_drawn)
    axes.set(xlabel=xlabel, ylim=(below + 0.5, -0.5))
    axes.grid(True, axis="x")
    axes.grid(False, axis="y")
    if logx:
        axes.set_xscale("log")
        _write_plainly(axes.xaxis)
    if parts is not None:
        _legend(figure, axes)
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
    ring: str = "",
    levels: Mapping[str, float] | None = None,
    places: Mapping[str, float] | None = None,
    points: Mapping[str, tuple[float, float]] | None = None,
    named: bool = False,
    zero: bool = False,
) -> Figure:
    """Draw several series over one x: colour, line style and marker change together.

    More than 24 points are a curve, which has no markers.

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
    ring : "lowest" or "highest", optional
        Which point of each series to mark, by a ring of its colour.
    levels, places : mapping of name to float, optional
        Values of y and of x to compare with: dotted lines with their names beside them.
    points : mapping of name to (x, y), optional
        Points to mark, each with its name beside it.
    named : bool
        Whether the name of each series stands at its right end, in its colour, and not in a
        legend.
    zero : bool
        Whether the y axis begins at 0.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If there is no series, the lengths differ, a band belongs to no series, or `ring` is
        another word.
    """
    x = _checks.array("x", x, "N")
    lines, edges = {}, {}
    for name, values in _some_series("series", series).items():
        lines[name] = _row(f"series {name!r}", values)
        _checks.same_length(**{"x": x, f"series {name!r}": lines[name]})
    for name, (low, high) in (bands or {}).items():
        if name not in lines:
            expected = f"names of series: {', '.join(map(repr, lines))}"
            raise ValueError(_checks.message("bands", f"for {name!r}", expected))
        edges[name] = _row(f"the low of band {name!r}", low), _row("its high", high)
        _checks.same_length(x=x, low=edges[name][0], high=edges[name][1])
    if ring:
        _checks.choice("ring", ring, ["lowest", "highest"])
    figure, (axes,) = _chart(3.6)
    for index, (name, line) in enumerate(lines.items()):
        style = _style(index)
        if len(x) > 24:  # a curve: markers would hide it, or look like points of their own
            style["marker"] = "none"
        axes.plot(x, line, **style, linestyle=LINESTYLES[index % len(LINESTYLES)], label=name)
        if ring:
            best = np.nanargmin(line) if ring == "lowest" else np.nanargmax(line)
            axes.plot(
                x[best],
                line[best],
                linestyle="none",
                marker="o",
                markersize=15,
                markerfacecolor="none",
                markeredgecolor=style["color"],
                markeredgewidth=1.8,
                clip_on=False,
            )
        if name in edges:
            axes.fill_between(
                x,
                *edges[name],
                facecolor=(style["color"], 0.15),
                edgecolor=(style["color"], 0.5),  # so that bands which overlap stay apart
                linewidth=0.8,
            )
    axes.set(xlabel=xlabel, ylabel=ylabel)
    if logx:
        axes.set_xscale("log")
        _write_plainly(axes.xaxis)
    if logy:
        axes.set_yscale("log")
        _write_plainly(axes.yaxis)
    for name, level in (levels or {}).items():
        _name_level(figure, axes, name, level)
    for name, place in (places or {}).items():
        _name_place(axes, name, place)
    if zero:  # before the names, which keep their distances on the axis as it is
        axes.set_ylim(bottom=0)
    _name_points(axes, points or {})
    if named:
        _name_ends(figure, axes, x, lines)
    elif len(lines) > 1:
        _legend(figure, axes)
    return figure


def plot_bars(
    names: Sequence[object],
    values: ArrayLike | Mapping[str, ArrayLike],
    *,
    ylabel: str,
    xlabel: str = "",
    numbers: str = "",
) -> Figure:
    """Draw bars from zero; several series stand side by side with their own hatches.

    Parameters
    ----------
    names : sequence of N strings or labels
        One per bar.
    values : array of shape (N,), or mapping of name to such an array
    ylabel, xlabel : str
        What the axes show, with units.
    numbers : str, optional
        How to write each value above its bar, such as ``"{:.1f}"``; without it, none is written.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If there is not one value per name.
    """
    series = {
        name: _row(f"values {name!r}" if name else "values", heights)
        for name, heights in (
            _some_series("values", values) if isinstance(values, Mapping) else {"": values}
        ).items()
    }
    for heights in series.values():
        _checks.same_length(names=names, values=heights)
    figure, (axes,) = _chart(3.2)
    width = 0.8 / len(series)
    for index, (name, heights) in enumerate(series.items()):
        bars = axes.bar(
            np.arange(len(heights)) + (index - (len(series) - 1) / 2) * width,
            heights,
            width * 0.94,
            color=PALETTE[index % len(PALETTE)],
            hatch=HATCHES[index % len(HATCHES)],
            label=name,
        )
        if numbers:
            axes.bar_label(bars, fmt=numbers, padding=2)
            axes.margins(y=0.12)  # for the number of the highest bar
    axes.set_xticks(range(len(names)), [str(name) for name in names])
    axes.tick_params(axis="x", length=0)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    if len(series) > 1:
        _legend(figure, axes)
    return figure


def plot_embedding(points: ArrayLike, labels: ArrayLike) -> Figure:
    """Draw points of several classes in the plane; the marker is the class's number.

    A large number in a circle stands at the median of each class.

    Parameters
    ----------
    points : array of shape (N, 2)
        The first and the second component of each point.
    labels : integer array of shape (N,), from 0 up

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the arrays are not of these shapes and types.
    """
    points = _checks.array("points", points, "N 2")
    labels = _checks.labels("labels", labels, count=len(points))
    classes = np.unique(labels)
    figure, (axes,) = _chart(5.2)
    for label in classes:
        chosen = points[labels == label]
        colour = TEN_COLOURS[int(label) % len(TEN_COLOURS)]
        axes.scatter(
            chosen[:, 0], chosen[:, 1], s=34, marker=f"${label}$", color=colour, linewidths=0
        )
        across, up = np.median(chosen, axis=0)
        axes.text(
            across,
            up,
            f"{label}",
            color=colour,
            fontsize=12,
            weight="bold",
            ha="center",
            va="center",
            bbox={
                "boxstyle": "circle,pad=0.12",
                "fc": "white",
                "ec": colour,
                "lw": 1.5,
                "alpha": 0.7,
            },
        )
    axes.set(xlabel="first component", ylabel="second component")
    axes.grid(True, axis="both")
    return figure
