"""Diagrams of the course: names and small arrays in, one Matplotlib figure out.

A diagram is drawn on a canvas that is measured in inches, x from the left and y from the bottom.
The first part of this module holds what every diagram is made of: boxes, arrows, stacks of maps,
grids of numbers, dimensions. Each part returns the `Box` that it fills, and an arrow starts and
ends at the sides of boxes::

    figure, axes = canvas(1.2)
    image = box(axes, (1, 0.6), (1.4, 0.7), "image", "28 × 28")
    score = box(axes, (5, 0.6), (1.4, 0.7), "scores", "10")
    arrow(axes, image.right, score.left, "network")

Below stand the diagrams, chapter by chapter. Text has 11 points in a figure of 6 inches, so that a
phone shows it 9 px high. Colours come from the course's palette: the book draws each figure a
second time for dark mode and turns light colours into dark ones of the same hue.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle
from numpy.typing import ArrayLike, NDArray

from mnist_lib import _checks, plots

TEXT = 11.0
"""Size of the text in points."""

CHARACTER, LINE = 0.62 * TEXT / 72, 1.25 * TEXT / 72
"""Mean width of a character and height of a line in inches, both a little generous."""

Point: TypeAlias = tuple[float, float]


class Box(NamedTuple):
    """What a part of a diagram covers, in inches of the canvas.

    `left`, `right`, `top` and `bottom` are the points in the middle of its sides.
    """

    centre: Point
    size: tuple[float, float]

    def at(self, across: float, up: float) -> Point:
        """Return a point of the box: (0, 0) is its lower left corner, (1, 1) its upper right."""
        (x, y), (width, height) = self
        return x + (across - 0.5) * width, y + (up - 0.5) * height

    @property
    def left(self) -> Point:
        """The middle of the side on the left."""
        return self.at(0, 0.5)

    @property
    def right(self) -> Point:
        """The middle of the side on the right."""
        return self.at(1, 0.5)

    @property
    def top(self) -> Point:
        """The middle of the side above."""
        return self.at(0.5, 1)

    @property
    def bottom(self) -> Point:
        """The middle of the side below."""
        return self.at(0.5, 0)


# --- what diagrams are made of ----------------------------------------------------------------


def canvas(height: float) -> tuple[Figure, Axes]:
    """Return an empty figure, 6 inches wide, and its axes, measured in inches from below left.

    Parameters
    ----------
    height : float
        In inches.

    Returns
    -------
    (matplotlib.figure.Figure, matplotlib.axes.Axes)
    """
    height = _checks.number("height", height, above=0)
    figure = plt.figure(figsize=(plots.WIDTH, height))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, plots.WIDTH), ylim=(0, height))
    axes.set_axis_off()
    # Notebooks crop a figure to what is drawn in it: this keeps the whole canvas.
    axes.add_patch(Rectangle((0, 0), plots.WIDTH, height, fill=False, linewidth=0))
    return figure, axes


def tint(colour: str, strength: float = 0.16) -> str:
    """Return a colour mixed with the page's own: 0 gives the page, 1 the colour."""
    mixed = zip(to_rgb(colour), to_rgb(plt.rcParams["figure.facecolor"]), strict=True)
    red, green, blue = (strength * ink + (1 - strength) * page for ink, page in mixed)
    return to_hex((red, green, blue))


def label(axes: Axes, at: Point, text: str, **style: Any) -> None:
    """Write text, centred on a point unless `style` says otherwise (Matplotlib's `Axes.text`)."""
    axes.text(*at, text, **{"ha": "center", "va": "center", "fontsize": TEXT, **style})


def box(
    axes: Axes,
    centre: Point,
    size: tuple[float, float],
    text: str = "",
    shape: str = "",
    *,
    colour: str = plots.PALETTE[0],
    dashed: bool = False,
) -> Box:
    """Draw a block with its name and, below the name and lighter, its shape.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    centre, size : (float, float)
        In inches: (x, y) and (width, height).
    text, shape : str
        What the block is, and a second line such as ``"26 × 26 × 32"``.
    colour : str
        Of the edge; the face is a tint of it.
    dashed : bool
        Whether the edge is dashed.

    Returns
    -------
    Box
    """
    drawn = Box(centre, size)
    style = "--" if dashed else "-"
    axes.add_patch(
        Rectangle(drawn.at(0, 0), *size, fc=tint(colour), ec=colour, lw=1.4, ls=style, zorder=2)
    )
    x, y = centre
    lines = text.count("\n") + 1 if text else 0
    lift = LINE / 2 if shape and text else 0.0
    label(axes, (x, y + lift), text)
    label(axes, (x, y - lift * max(lines, 1)), shape, color=plt.rcParams["xtick.color"])
    return drawn


def arrow(
    axes: Axes,
    start: Point,
    end: Point,
    text: str = "",
    *,
    colour: str | None = None,
    bend: float = 0.0,
    dashed: bool = False,
) -> None:
    """Draw an arrow; its text stands above its middle.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    start, end : (float, float)
        In inches. A little space is left free at both ends.
    text : str
    colour : str, optional
        Of arrow and text; by default that of axes and of text.
    bend : float
        How far the arrow bows to the left of its way, as a fraction of its length; negative bows
        to the right.
    dashed : bool
    """
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            connectionstyle=f"arc3,rad={-bend}",
            mutation_scale=13,
            shrinkA=2.5,
            shrinkB=2.5,
            lw=1.5,
            ls="--" if dashed else "-",
            color=colour or plt.rcParams["axes.edgecolor"],
            zorder=3,
        )
    )
    (x0, y0), (x1, y1) = start, end
    # The bow of an arc3 is half as high as its control point is far from the chord.
    middle = (x0 + x1) / 2 - bend * (y1 - y0) / 2, (y0 + y1) / 2 + bend * (x1 - x0) / 2
    above = (middle[0], middle[1] + 0.06)
    label(axes, above, text, va="bottom", color=colour or plt.rcParams["text.color"])


def dimension(axes: Axes, start: Point, end: Point, text: str, *, gap: float = 0.08) -> None:
    """Draw a line with a stroke at both ends, as in a technical drawing, with its text.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    start, end : (float, float)
        The ends of what is measured, in inches.
    text : str
        Stands on the right of the way from start to end: going right it is below, going up it is
        on the right, going down on the left.
    gap : float
        How far the line lies from what is measured, to the same side, in inches.
    """
    (x0, y0), (x1, y1) = start, end
    length = math.hypot(x1 - x0, y1 - y0)
    if length == 0:
        raise ValueError(_checks.message("end", f"{end}, as start", "another point"))
    side = np.array([y1 - y0, x0 - x1]) / length
    line = np.array([start, end]) + gap * side
    style = {"color": plt.rcParams["axes.edgecolor"], "lw": 1.2, "ls": "-", "marker": "none"}
    axes.plot(*line.T, **style)
    for point in line:
        axes.plot(*np.array([point - 0.05 * side, point + 0.05 * side]).T, **style)
    x, y = line.mean(0) + 0.1 * side
    upright = abs(side[0]) > abs(side[1])
    where = (
        {"ha": "left" if side[0] > 0 else "right", "va": "center"}
        if upright
        else {"ha": "center", "va": "bottom" if side[1] > 0 else "top"}
    )
    label(axes, (x, y), text, **where)


def _own_scale(values: NDArray[Any], colours: str) -> Normalize:
    if colours == plots.GREY:
        return plots._grey_scale(values)
    return plots._scale(values.astype(np.float64), colours == plots.SIGNED)


def picture(
    axes: Axes,
    image: ArrayLike,
    centre: Point,
    size: float,
    *,
    colours: str = plots.GREY,
    scale: Normalize | None = None,
) -> Box:
    """Draw one image or map.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    image : array of shape (H, W) or (H, W, 1)
    centre : (float, float)
    size : float
        Its larger side in inches.
    colours : str
        Name of a colour map: `plots.GREY`, `plots.SEQUENTIAL` or `plots.SIGNED`.
    scale : matplotlib.colors.Normalize, optional
        The values that get the first and the last colour; by default as in `mnist_lib.plots`.
        Images that are compared share one.

    Returns
    -------
    Box
    """
    image = _checks.array("image", image, "H W", "H W 1")
    image = image[..., 0] if image.ndim == 3 else image
    scale = scale or _own_scale(image, colours)
    rows, columns = image.shape
    unit = size / max(rows, columns)
    drawn = Box(centre, (columns * unit, rows * unit))
    (left, bottom), (right, top) = drawn.at(0, 0), drawn.at(1, 1)
    limits = axes.axis()  # a picture must not change the canvas
    axes.imshow(
        image,
        cmap=colours,
        norm=scale,
        extent=(left, right, bottom, top),
        aspect="auto",
        zorder=2,
    )
    axes.axis(limits)
    frame = Rectangle((left, bottom), *drawn.size, fill=False, ec="0.6", lw=0.8, zorder=2)
    axes.add_patch(frame)
    return drawn


def stack(
    axes: Axes,
    centre: Point,
    size: float,
    maps: int | ArrayLike,
    *,
    step: float = 0.1,
    colour: str = plots.PALETTE[0],
    colours: str = plots.SEQUENTIAL,
) -> Box:
    """Draw the channels of an image as cards that lie behind one another.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    centre : (float, float)
        Of the whole stack.
    size : float
        Side of one card in inches.
    maps : int or array of shape (H, W, C)
        How many empty cards, or the maps to show on them, the first in front.
    step : float
        How far each card is moved right and up from the one in front of it, in inches.
    colour : str
        Of empty cards.
    colours : str
        Colour map of shown ones; all share one scale.

    Returns
    -------
    Box
        The whole stack.
    """
    if isinstance(maps, (int, np.integer)):
        count = _checks.whole("maps", maps, least=1)
        shown: NDArray[Any] | None = None
        scale = None
    else:
        shown = _checks.array("maps", maps, "H W C")
        count, scale = shown.shape[2], _own_scale(shown, colours)
    whole = size + (count - 1) * step
    drawn = Box(centre, (whole, whole))
    x, y = drawn.at(0, 0)
    for index in reversed(range(count)):
        middle = (x + index * step + size / 2, y + index * step + size / 2)
        if shown is None:
            box(axes, middle, (size, size), colour=colour)
        else:
            picture(axes, shown[..., index], middle, size, colours=colours, scale=scale)
    return drawn


def numbers(
    axes: Axes,
    values: ArrayLike,
    centre: Point,
    *,
    cell: float = 0.36,
    colours: str | None = None,
    scale: Normalize | None = None,
    window: tuple[int, int, int, int] | None = None,
    colour: str = plots.PALETTE[1],
) -> Box:
    """Draw a small array with its numbers, and a window on it if one is given.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    values : array of shape (H, W)
        Written with at most three digits.
    centre : (float, float)
    cell : float
        Side of a cell in inches.
    colours : str, optional
        A colour map for the cells; without one they have the page's colour.
    scale : matplotlib.colors.Normalize, optional
        As in `picture`.
    window : (row, column, height, width), optional
        Cells to surround with a thick line and to tint.
    colour : str
        Of the window.

    Returns
    -------
    Box
        The whole array. ``drawn.at((column + 0.5) / W, 1 - (row + 0.5) / H)`` is a cell's centre.

    Raises
    ------
    TypeError, ValueError
        If the values are not numbers of this shape, or the window leaves the array.
    """
    values = _checks.array("values", values, "H W")
    rows, columns = values.shape
    drawn = Box(centre, (columns * cell, rows * cell))
    left, bottom = drawn.at(0, 0)
    if colours is not None:
        scale = scale or _own_scale(values, colours)
        picture(axes, values, centre, max(drawn.size), colours=colours, scale=scale)
    inside = np.zeros(values.shape, dtype=bool)
    if window is not None:
        row, column, height, width = window
        if not (0 <= row < row + height <= rows and 0 <= column < column + width <= columns):
            expected = f"(row, column, height, width) inside {rows} × {columns} cells"
            raise ValueError(_checks.message("window", window, expected))
        inside[row : row + height, column : column + width] = True
    texts = [[f"{value:.3g}".replace("-", "−") for value in line] for line in values.tolist()]
    longest = max(len(text) for line in texts for text in line)
    points = min(TEXT, 72 * cell / (0.66 * longest))
    line = plt.rcParams["xtick.color"]
    for (row, column), value in np.ndenumerate(values):
        corner = (left + column * cell, bottom + (rows - 1 - row) * cell)
        face = tint(colour) if inside[row, column] and colours is None else "none"
        axes.add_patch(Rectangle(corner, cell, cell, fc=face, ec=line, lw=0.7, zorder=2))
        ink = (
            plt.rcParams["text.color"]
            if colours is None or scale is None
            else plots._ink(colours, scale, value)
        )
        middle = (corner[0] + cell / 2, corner[1] + cell / 2)
        label(axes, middle, texts[row][column], fontsize=points, color=ink, zorder=4)
    if window is not None:
        row, column, height, width = window
        corner = (left + column * cell, bottom + (rows - row - height) * cell)
        size = (width * cell, height * cell)
        axes.add_patch(Rectangle(corner, *size, fill=False, ec=colour, lw=3, zorder=4))
    return drawn


# --- chapters 0 and 3: a network as blocks ----------------------------------------------------


def network_blocks(layers: Sequence[tuple[str, Sequence[int]]]) -> Figure:
    """Draw a network as connected blocks, each with its name and the shape of its output.

    A stack of cards is a feature map: the larger the card, the larger the map, and more cards stand
    for more channels (one card more for each doubling). A column is a list of numbers.

    Parameters
    ----------
    layers : sequence of (name, shape)
        The input first. A shape is (H, W, C) or (N,), without the batch axis. A line break in a
        name starts a second line.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no layer, or a shape is neither.

    Examples
    --------
    >>> network_blocks([("image", (28, 28, 1)), ("scores", (10,))]);
    """
    if not layers:
        raise ValueError(_checks.message("layers", "empty", "a list of (name, shape)"))
    for name, shape in layers:
        if len(shape) not in (1, 3):
            advice = "Leave the batch axis out."
            what, expected = tuple(shape), "(H, W, C) or (N,)"
            raise ValueError(_checks.message(f"the shape of {name!r}", what, expected, advice))
    texts = [(name, " × ".join(map(str, shape))) for name, shape in layers]
    lines = [line for name, shape in texts for line in [*name.split("\n"), shape]]
    slot = max(CHARACTER * max(map(len, lines)) + 0.12, 1.0)
    columns = min(len(layers), max(1, int(plots.WIDTH / slot)))
    rows = -(-len(layers) // columns)
    columns = -(-len(layers) // rows)
    slot = plots.WIDTH / columns

    largest = max((max(shape[:2]) for _, shape in layers if len(shape) == 3), default=1)
    longest = max(100, *(shape[0] for _, shape in layers if len(shape) == 1), 0)
    cards = 1.15  # height of the blocks of a row, inches
    below = LINE * (max(name.count("\n") for name, _ in texts) + 2) + 0.12
    pitch = cards + below + 0.2
    figure, axes = canvas(rows * pitch)
    blocks = []
    for index, ((name, shape), (_, written)) in enumerate(zip(layers, texts, strict=True)):
        row, column = divmod(index, columns)
        ground = (rows - 1 - row) * pitch + below
        middle = ((column + 0.5) * slot, ground + 0.05 + cards / 2)
        if len(shape) == 3:
            count = 1 + round(math.log2(shape[2]))
            space = min(cards, 0.62 * slot)
            size = max(0.14, 0.6 * space * math.sqrt(max(shape[:2]) / largest))
            step = min(0.06, (space - size) / max(count - 1, 1))
            blocks.append(stack(axes, middle, size, count, step=step))
        else:
            height = 0.95 * cards * max(0.3, math.log2(1 + shape[0]) / math.log2(1 + longest))
            blocks.append(box(axes, middle, (0.17, height), colour=plots.PALETTE[1]))
        x = middle[0]
        label(axes, (x, ground), name, va="top")
        shape_at = ground - LINE * (name.count("\n") + 1)
        label(axes, (x, shape_at), written, va="top", color=plt.rcParams["xtick.color"])
    for index, (one, other) in enumerate(pairwise(blocks), start=1):
        if index % columns:
            y = one.centre[1]
            arrow(axes, (one.right[0] + 0.03, y), (other.left[0] - 0.03, y))
        else:  # from the end of one row to the start of the next, through the space between
            (x0, y0), (x1, y1) = one.right, other.left
            between = (rows - index // columns) * pitch + 0.08
            way = [(x0 + 0.06, y0), (plots.WIDTH - 0.05, y0), (plots.WIDTH - 0.05, between)]
            way += [(0.05, between), (0.05, y1)]
            style = {"color": plt.rcParams["axes.edgecolor"], "lw": 1.5}
            axes.plot(*np.array(way).T, ls="-", marker="none", **style)
            arrow(axes, (0.05 - 0.035, y1), (x1 - 0.03, y1))
    return figure
