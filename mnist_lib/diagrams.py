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
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Polygon, Rectangle
from matplotlib.textpath import TextPath
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import zoom

from mnist_lib import _checks, plots

TEXT: float = plt.rcParams["font.size"]
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
    decimals: int | None = None,
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
    decimals : int, optional
        How many each number gets; without it, as many as its three digits need.

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
    form = ".3g" if decimals is None else f".{decimals}f"
    texts = [[f"{value:{form}}".replace("-", "−") for value in line] for line in values.tolist()]
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

CHANNELS_OF_A_CARD = 8


def network_blocks(
    layers: Sequence[tuple[str, Sequence[int]]],
    image: ArrayLike | None = None,
    steps: Sequence[str] = (),
) -> Figure:
    """Draw a network as connected blocks, each with its name and the shape of its output.

    A stack of cards is a feature map: the larger the card, the larger the map, and each card stands
    for up to eight channels. A column is a list of numbers, not to scale.

    Parameters
    ----------
    layers : sequence of (name, shape)
        The input first. A shape is (H, W, C) or (N,), without the batch axis. A line break in a
        name starts a second line.
    image : array of shape (H, W) or (H, W, 1), optional
        An image that the network reads, drawn in place of the first block.
    steps : sequence of str, optional
        What happens on each arrow, written above it: one text fewer than there are layers.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no layer, a shape is neither, or there is not one step for each arrow.

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
    if steps:
        _checks.same_length(steps=steps, arrows=layers[1:])
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
            count = -(-shape[2] // CHANNELS_OF_A_CARD)
            space = min(cards, 0.62 * slot)
            size = max(0.14, 0.6 * space * math.sqrt(max(shape[:2]) / largest))
            step = min(0.06, (space - size) / max(count - 1, 1))
            if index == 0 and image is not None:
                blocks.append(picture(axes, image, middle, size))
            else:
                blocks.append(stack(axes, middle, size, count, step=step))
        else:
            height = 0.95 * cards * max(0.3, math.log2(1 + shape[0]) / math.log2(1 + longest))
            blocks.append(box(axes, middle, (0.17, height), colour=plots.PALETTE[1]))
        x = middle[0]
        label(axes, (x, ground), name, va="top")
        shape_at = ground - LINE * (name.count("\n") + 1)
        label(axes, (x, shape_at), written, va="top", color=plt.rcParams["xtick.color"])
    for index, (one, other) in enumerate(pairwise(blocks), start=1):
        step = steps[index - 1] if steps else ""
        _go_on(axes, one, other, step, turns=index % columns == 0)
    return figure


def _go_on(
    axes: Axes, one: Box, other: Box, step: str = "", *, turns: bool, before: float = 0.03
) -> None:
    """Draw the arrow to the next block; if it `turns`, off the row's end and on in the next row.

    It ends so many inches `before` the block.
    """
    (x0, y0), (x1, y1) = one.right, other.left
    if turns:
        arrow(axes, (x0 + 0.03, y0), (plots.WIDTH - 0.02, y0))
        arrow(axes, (0.02, y1), (x1 - before, y1))
        label(axes, (0.04, y1 + 0.06), step, ha="left", va="bottom")
    else:
        arrow(axes, (x0 + 0.03, y0), (x1 - before, y0), step)


# --- chapter 0: what each layer makes of a digit, and one step of training ----------------------


def network_at_work(layers: Sequence[tuple[str, ArrayLike]]) -> Figure:
    """Draw what each layer of a network computes from one image, with its name and its shape.

    Of up to 32 channels four are drawn, of more, eight: such as differ most. A layer of as many
    channels as the one before it shows the same ones. A row of numbers is drawn as a column, the
    first number on top, and the last row is probabilities.

    Parameters
    ----------
    layers : sequence of (name, array)
        The image first. An array has shape (H, W, C) or (N,), without the batch axis. A line break
        in a name starts a second line.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If there are fewer than two layers, if an array has neither shape, or if the last is not a
        row of at most ten probabilities.
    """
    if len(layers) < 2:
        expected = "an image and the output of at least one layer"
        raise ValueError(_checks.message("layers", f"{len(layers)} long", expected))
    values = [_checks.array(f"what {name!r} computes", out, "H W C", "N") for name, out in layers]
    last = values[-1]
    if last.ndim != 1 or len(last) > 10 or last.min() < 0 or last.max() > 1:
        what = _checks.describe(last)
        raise ValueError(_checks.message("the last output", what, "at most ten probabilities"))
    columns = min(4, len(layers))
    rows = -(-len(layers) // columns)
    slot, cell = plots.WIDTH / columns, 0.165  # of a probability
    high = 10 * cell
    below = 3 * LINE + 0.12
    figure, axes = canvas(rows * (high + below + 0.1))
    widest = max(out.shape[0] for out in values if out.ndim == 3)
    blocks: list[Box] = []
    chosen = np.zeros(0, int)
    for index, ((name, _), out) in enumerate(zip(layers, values, strict=True)):
        row, column = divmod(index, columns)
        ground = (rows - 1 - row) * (high + below + 0.1) + below
        middle = ((column + 0.5) * slot, ground + high / 2)
        x = middle[0]
        if out.ndim == 3 and out.shape[2] == 1:
            drawn = picture(axes, out, middle, 1.1)
        elif out.ndim == 3:
            channels = out.shape[2]
            if index == 0 or channels != values[index - 1].shape[-1]:
                shown = 4 if channels <= 32 else 8
                chosen = _most_different(out, min(shown, channels))
            drawn = _maps(axes, out[..., chosen], middle, math.sqrt(out.shape[0] / widest))
        elif index < len(layers) - 1:
            height = high * math.log(len(out)) / math.log(max(len(each) for each in values))
            drawn = Box(middle, (0.2, height))
            _cells(axes, out[:, np.newaxis], drawn)
        else:
            drawn = Box((x - 0.1, middle[1]), (0.42, cell * len(out)))
            _cells(axes, out[:, np.newaxis], drawn, Normalize(0, 1))
            for k, probability in enumerate(out):
                corner = drawn.at(0, 1 - (k + 1) / len(out))
                edge: dict[str, Any] = {"fill": False, "ec": "0.6", "lw": 0.8, "zorder": 3}
                axes.add_patch(Rectangle(corner, 0.42, cell, **edge))
                _, y = drawn.at(0, 1 - (k + 0.5) / len(out))
                style = {"weight": "bold" if k == int(out.argmax()) else "normal"}
                label(axes, (drawn.left[0] - 0.1, y), str(k), **style)
                if probability >= 0.005:
                    text = f"{100 * probability:.0f} %"
                    label(axes, (drawn.right[0] + 0.07, y), text, ha="left", **style)
        blocks.append(drawn)
        for k, text in enumerate([*name.split("\n"), " × ".join(map(str, out.shape))]):
            colour = plt.rcParams["xtick.color" if k > name.count("\n") else "text.color"]
            under = (x, ground - 0.04 - LINE * (k + 0.8))
            label(axes, under, text, va="baseline", color=colour)
    for index, (one, other) in enumerate(pairwise(blocks), start=1):
        before = 0.2 if other is blocks[-1] else 0.03  # the digits stand before their cells
        _go_on(axes, one, other, turns=index % columns == 0, before=before)
    return figure


def _most_different(maps: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Return the channel with the largest sum, then each time the one least like those chosen."""
    flat = maps.reshape(-1, maps.shape[2]).T.astype(np.float64)
    size = np.linalg.norm(flat, axis=1)
    unit = flat / np.maximum(size, 1e-12)[:, np.newaxis]
    faint = size < 0.25 * size.max()  # a map that is dark nearly everywhere shows nothing
    chosen = [int(flat.sum(axis=1).argmax())]
    while len(chosen) < count:
        likeness = (unit @ unit[chosen].T).max(axis=1) + 2 * faint
        likeness[chosen] = np.inf
        chosen.append(int(likeness.argmin()))
    return np.array(chosen)


def _maps(axes: Axes, maps: NDArray[Any], centre: Point, part: float) -> Box:
    """Draw maps in two columns on one scale, as large as this part of the largest ones."""
    rows, gap = -(-maps.shape[2] // 2), 0.04
    size = part * (0.58 if rows <= 2 else 0.5)
    drawn = Box(centre, (2 * size + gap, rows * size + (rows - 1) * gap))
    left, top = drawn.at(0, 1)
    scale = _own_scale(maps, plots.SEQUENTIAL)
    for k in range(maps.shape[2]):
        row, column = divmod(k, 2)
        x = left + column * (size + gap) + size / 2
        y = top - row * (size + gap) - size / 2
        picture(axes, maps[..., k], (x, y), size, colours=plots.SEQUENTIAL, scale=scale)
    return drawn


def _cells(axes: Axes, values: NDArray[Any], drawn: Box, scale: Normalize | None = None) -> None:
    """Fill a box with the colours of values."""
    (left, bottom), (right, top) = drawn.at(0, 0), drawn.at(1, 1)
    limits = axes.axis()
    scale = scale or _own_scale(values, plots.SEQUENTIAL)
    extent = (left, right, bottom, top)
    style: dict[str, Any] = {"cmap": plots.SEQUENTIAL, "norm": scale, "aspect": "auto", "zorder": 2}
    axes.imshow(values, extent=extent, **style)
    axes.axis(limits)
    axes.add_patch(Rectangle((left, bottom), *drawn.size, fill=False, ec="0.6", lw=0.8, zorder=3))


def training_step(images: ArrayLike, labels: ArrayLike) -> Figure:
    """Draw the loop of training: a batch, the network, the loss, the optimiser, the next batch.

    Parameters
    ----------
    images : array of shape (4, H, W)
        The first images of a batch.
    labels : array of shape (4,)

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the arrays are not of these shapes, or the labels are not whole numbers.
    """
    images = _checks.array("images", images, "4 H W")
    labels = _checks.array("labels", labels, "4", holds="whole numbers")
    figure, axes = canvas(3.1)
    top, low = 1.85, 0.42
    size, gap = 0.5, 0.05
    batch = Box((0.65, top), (2 * size + gap, 2 * size + gap))
    for k, image in enumerate(images):
        row, column = divmod(k, 2)
        across, up = (column * (size + gap) + size / 2, row * (size + gap) + size / 2)
        left, above = batch.at(0, 1)
        picture(axes, image, (left + across, above - up), size)
    network = box(axes, (3.0, top), (1.3, 0.9), "network", "weights")
    loss = box(axes, (5.25, top), (1.3, 0.9), "loss", "how wrong?", colour=plots.PALETTE[1])
    optimiser = box(axes, (3.0, low), (1.3, 0.6), "optimiser", colour=plots.PALETTE[3])
    arrow(axes, batch.right, network.left, "a batch")
    arrow(axes, network.right, loss.left, "answers")
    numbers_of = ", ".join(map(str, labels))
    y = 2.8
    line = {"color": plt.rcParams["axes.edgecolor"], "lw": 1.5, "ls": "-", "marker": "none"}
    axes.plot([batch.top[0]] * 2 + [loss.top[0]], [batch.top[1] + 0.03, y, y], **line)
    arrow(axes, (loss.top[0], y + 0.035), loss.top)
    label(axes, (network.top[0], y + 0.05), f"their labels: {numbers_of}, …", va="bottom")
    axes.plot([loss.bottom[0]] * 2, [loss.bottom[1], low], **line)
    arrow(axes, (loss.bottom[0] + 0.035, low), optimiser.right, "which way down?")
    arrow(axes, optimiser.top, network.bottom)
    middle = (optimiser.top[1] + network.bottom[1]) / 2
    label(axes, (network.centre[0] + 0.1, middle), "changes the weights", ha="left")
    axes.plot([optimiser.left[0], batch.bottom[0]], [low, low], **line)
    arrow(axes, (batch.bottom[0], low - 0.035), batch.bottom)
    label(axes, ((optimiser.left[0] + batch.bottom[0]) / 2, low + 0.06), "next batch", va="bottom")
    return figure


# --- chapter 0: what scaling does to pixels ---------------------------------------------------


def scaled_pixels(image: ArrayLike, row: int, column: int, size: int = 4) -> Figure:
    """Draw an image with a window on it, its pixels as they are loaded, and divided by 255.

    Parameters
    ----------
    image : integer array of shape (H, W)
        From 0 to 255.
    row, column : int
        The window's first row and first column, counted from 0.
    size : int
        Its side, at most 4, so that the numbers stay legible.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the image is not whole numbers of this shape and range, or the window leaves it.
    """
    image = _checks.array("image", image, "H W", holds="whole numbers")
    size = _checks.whole("size", size, least=1, most=4)
    if image.min() < 0 or image.max() > 255:
        what = f"{_checks.describe(image)}, from {image.min()} to {image.max()}"
        raise ValueError(_checks.message("image", what, "numbers from 0 to 255"))
    pixels = _window(image, row, column, size)
    cell = 0.43
    figure, axes = canvas(4 * cell + LINE + 0.2)
    middle = 4 * cell / 2 + 0.06
    scale = plots._grey_scale(image.astype(np.uint8))
    whole = picture(axes, image, (0.66, middle), 1.2, scale=scale)
    frame = _frame_of(whole, image.shape, row, column, size)
    style: dict[str, Any] = {"cell": cell, "colours": plots.GREY}
    loaded = numbers(axes, pixels, (2.5, middle), scale=scale, **style)
    scaled = np.round(pixels / 255, 2)
    drawn = numbers(axes, scaled, (5.06, middle), scale=Normalize(0, 1), decimals=2, **style)
    _enlarge(axes, frame, loaded)
    for grid, text in ((loaded, "as loaded, uint8"), (drawn, "scaled, float32")):
        label(axes, (grid.top[0], grid.top[1] + 0.05), text, va="bottom")
    arrow(axes, loaded.right, drawn.left, "÷ 255")
    return figure


def _frame_of(whole: Box, shape: tuple[int, ...], row: int, column: int, size: int) -> Box:
    """Return where a window lies in the picture of its image."""
    unit = whole.size[0] / shape[1]
    left, top = whole.at(0, 1)
    middle = (left + (column + size / 2) * unit, top - (row + size / 2) * unit)
    return Box(middle, (size * unit, size * unit))


def _enlarge(axes: Axes, frame: Box, large: Box) -> None:
    """Draw a frame around a window and around its enlargement, and join the two."""
    colour = plots.PALETTE[1]
    for drawn in (frame, large):
        edge = Rectangle(drawn.at(0, 0), *drawn.size, fill=False, ec=colour, lw=2.5, zorder=5)
        axes.add_patch(edge)
    style = {"color": colour, "ls": "-", "marker": "none", "lw": 1.2, "zorder": 5}
    for up in (0, 1):
        axes.plot(*np.transpose([frame.at(1, up), large.at(0, up)]), **style)


# --- chapter 1: how MNIST was made, and how it is split ---------------------------------------


def mnist_preparation(image: ArrayLike) -> Figure:
    """Draw the steps by which MNIST's makers turned a scan into an image of 28 × 28 pixels.

    The scan is redrawn from the finished image, enlarged and made black and white again.

    Parameters
    ----------
    image : array of shape (28, 28)
        A finished image, 0 to 255.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the image is not numbers of this shape, or holds no ink.
    """
    image = _checks.array("image", image, "28 28")
    lit = np.argwhere(image > 0)
    if len(lit) == 0:
        raise ValueError(_checks.message("image", "black all over", "an image with ink"))
    (top, left), (bottom, right) = lit.min(axis=0), lit.max(axis=0) + 1
    ink = image[top:bottom, left:right]
    rough = zoom(np.pad(ink, 2).astype(np.float64), 4, order=1) > 110
    scan = np.zeros((140, 140))
    scan[20 : 20 + rough.shape[0], 34 : 34 + rough.shape[1]] = 255 * rough

    side = 1.5
    unit = side / 28
    figure, axes = canvas(side + 4 * LINE + 0.3)
    y = side / 2 + 3 * LINE + 0.1
    first = picture(axes, scan, (0.85, y), side)
    field = np.zeros((20, 20))
    down, right_by = (20 - ink.shape[0]) // 2, (20 - ink.shape[1]) // 2
    field[down : down + ink.shape[0], right_by : right_by + ink.shape[1]] = ink
    frame = picture(axes, field, (3.0, y), 20 * unit)
    edge = {"fill": False, "ec": plots.PALETTE[1], "lw": 1.8}
    axes.add_patch(Rectangle(frame.at(0, 0), *frame.size, **edge, zorder=3))
    last = picture(axes, image, (5.15, y), side)
    corner = last.at((left - right_by) / 28, 1 - (top - down + 20) / 28)
    axes.add_patch(Rectangle(corner, *frame.size, **edge, zorder=3))
    middle = 14.5 / 28  # of row 14 and of column 14
    line: dict[str, Any] = {"color": "0.6", "lw": 1.0, "ls": "-", "marker": "none", "zorder": 3}
    axes.plot(*np.transpose([last.at(0, 1 - middle), last.at(1, 1 - middle)]), **line)
    axes.plot(*np.transpose([last.at(middle, 0), last.at(middle, 1)]), **line)
    row, column = np.average(lit, axis=0, weights=image[tuple(lit.T)])
    cross = last.at((column + 0.5) / 28, 1 - (row + 0.5) / 28)
    axes.plot(*cross, marker="+", ms=13, mew=2.6, color="red", zorder=4)
    arrow(axes, first.right, frame.left, "fit")
    arrow(axes, frame.right, last.left, "place")
    dimension(axes, frame.at(1, 1), frame.at(0, 1), "20 pixels")
    dimension(axes, last.at(1, 1), last.at(0, 1), "28 pixels")
    texts = (
        "scan, black\nand white",
        "fitted into a box,\ngrey edges",
        "centre of mass\nin the middle",
    )
    for drawn, text in zip((first, frame, last), texts, strict=True):
        label(axes, (drawn.centre[0], first.bottom[1] - 0.06), text, va="top")
    return figure


def three_way_split(training: int, validation: int, test: int) -> Figure:
    """Draw how images are split in three parts, and what each part is for.

    Parameters
    ----------
    training, validation, test : int
        How many images each part has.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If a number is not whole, or below 1.
    """
    counts = {"training": training, "validation": validation, "test": test}
    for name, count in counts.items():
        counts[name] = _checks.whole(name, count, least=1)
    left, width, tall, low = 0.1, plots.WIDTH - 0.2, 0.5, 1.15
    unit = width / sum(counts.values())
    figure, axes = canvas(2.2)
    colours = (plots.PALETTE[0], plots.PALETTE[3], plots.PALETTE[1])
    middles, uses = (
        (1.2, 3.4, 5.1),
        ("to fit models", "to choose\none of them", "to test the\nchosen one, once"),
    )
    parts = []
    for (name, count), colour, x, use in zip(counts.items(), colours, middles, uses, strict=True):
        part = box(
            axes, (left + count * unit / 2, low + tall / 2), (count * unit, tall), colour=colour
        )
        left += count * unit
        parts.append(part)
        # The line ends inside its own part, not on the border of two.
        inside = min(0.2, 0.3 * part.size[0])
        start = (min(max(x, part.left[0] + inside), part.right[0] - inside), low + 0.08)
        style = {"color": colour, "lw": 1.5, "ls": "-", "marker": "none"}
        axes.plot(*np.transpose([start, (x, low - 0.22)]), **style)
        label(axes, (x, low - 0.26), f"{name}: {count:,}", va="top", color=colour, weight="bold")
        label(axes, (x, low - 0.26 - LINE), use, va="top")
    open_to_you = counts["training"] + counts["validation"]
    for start, end, text in (
        (parts[0].at(0, 1), parts[1].at(1, 1), f"{open_to_you:,} to work with"),
        (parts[2].at(0, 1), parts[2].at(1, 1), "to test with"),
    ):
        inset = 0.03  # so that the two lines do not touch
        dimension(axes, (end[0] - inset, end[1]), (start[0] + inset, start[1]), text)
    return figure


def crossings(pictures: ArrayLike, titles: Sequence[str], marked: ArrayLike) -> Figure:
    """Draw images side by side, with an outline around the same pixels of each.

    Parameters
    ----------
    pictures : array of shape (N, H, W)
        All on one grey scale.
    titles : sequence of N strings
    marked : array of shape (H, W) bool
        The pixels to surround.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the arrays are not of these shapes and types, or there is not one title per image.
    """
    pictures = _checks.array("pictures", pictures, "N H W")
    _checks.same_length(pictures=pictures, titles=titles)
    rows, columns = pictures.shape[1:]
    marked = _checks.array("marked", marked, f"{rows} {columns}", holds="booleans")
    pitch = plots.WIDTH / len(pictures)
    side = min(2.7, pitch - 0.15)
    figure, axes = canvas(side + LINE + 0.2)
    scale = plots._grey_scale(pictures)
    padded = np.pad(marked, 1)
    for index, (image, title) in enumerate(zip(pictures, titles, strict=True)):
        centre = ((index + 0.5) * pitch, side / 2 + 0.06)
        drawn = picture(axes, image, centre, side, scale=scale)
        label(axes, (centre[0], drawn.top[1] + 0.05), title, va="bottom")
        style = {"color": plots.PALETTE[1], "lw": 1.6, "ls": "-", "marker": "none", "zorder": 4}
        # An edge between two pixels of which one is marked.
        for row, column in np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1]):
            ends = [drawn.at((column + k) / columns, 1 - row / rows) for k in (0, 1)]
            axes.plot(*np.transpose(ends), **style)
        for row, column in np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1]):
            ends = [drawn.at(column / columns, 1 - (row + k) / rows) for k in (0, 1)]
            axes.plot(*np.transpose(ends), **style)
    return figure


# --- chapter 2: windows, shapes, channels, pooling --------------------------------------------

_CELL = 0.42  # holds a sign and three digits at the size of the text, inches


def _symbol(axes: Axes, at: Point, text: str) -> None:
    label(axes, at, text, fontsize=1.4 * TEXT)


def _faint() -> str:
    """Return the colour of what is said beside the drawing."""
    colour: str = plt.rcParams["xtick.color"]
    return colour


def _window(image: NDArray[Any], row: int, column: int, size: int) -> NDArray[Any]:
    rows, columns = image.shape
    if not (0 <= row <= rows - size and 0 <= column <= columns - size):
        expected = f"a place where {size} × {size} pixels fit into {rows} × {columns}"
        raise ValueError(_checks.message("(row, column)", (row, column), expected))
    return image[row : row + size, column : column + size]


def kernels_and_maps(
    image: ArrayLike, kernels: ArrayLike, maps: ArrayLike, titles: Sequence[str]
) -> Figure:
    """Draw an image and, beside it, each kernel with its weights above the map that it makes.

    Parameters
    ----------
    image : array of shape (H, W)
    kernels : array of shape (k, k, C)
        Small whole numbers.
    maps : array of shape (h, w, C)
        All on one scale that is symmetric about zero.
    titles : sequence of C strings
        One for each kernel, at most three.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the arrays are not numbers of these shapes, or there is not one title per kernel.
    """
    image = _checks.array("image", image, "H W")
    kernels = _checks.array("kernels", kernels, "k k C")
    maps = _checks.array("maps", maps, f"h w {kernels.shape[2]}")
    _checks.same_length(titles=titles, kernels=np.moveaxis(kernels, -1, 0))
    side, cell, pitch = 1.38, 0.3, 1.5
    figure, axes = canvas(side + 0.45 + cell * len(kernels) + LINE + 0.1)
    low, high = 0.06 + side / 2, side + 0.45 + cell * len(kernels) / 2
    given = picture(axes, image, (0.06 + side * 28 / 60, low), side * 28 / 30)
    label(axes, (given.top[0], given.top[1] + 0.05), "the image", va="bottom")
    scale = plots._scale(maps.astype(np.float64), signed=True)
    for index, title in enumerate(titles):
        x = plots.WIDTH - 0.75 - (len(titles) - 1 - index) * pitch
        above = numbers(axes, kernels[..., index], (x, high), cell=cell, colours=plots.SIGNED)
        made = picture(axes, maps[..., index], (x, low), side, colours=plots.SIGNED, scale=scale)
        label(axes, (x, above.top[1] + 0.05), title, va="bottom")
        arrow(axes, above.bottom, made.top)
    return figure


def window_on_image(image: ArrayLike, row: int, column: int, size: int = 3) -> Figure:
    """Draw an image with a window on it, and beside it the numbers in the window.

    Parameters
    ----------
    image : array of shape (H, W)
    row, column : int
        The window's first row and first column, counted from 0.
    size : int
        Its side.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the image is not numbers of this shape, or the window leaves it.
    """
    image = _checks.array("image", image, "H W")
    inside = _window(image, row, column, size)
    figure, axes = canvas(2.75)
    whole = picture(axes, image, (1.5, 1.45), 2.4)
    frame = _frame_of(whole, image.shape, row, column, size)
    cell = max(1.5 / size, 0.34)  # holds three digits
    scale = _own_scale(image, plots.GREY)
    large = numbers(axes, inside, (4.4, 1.45), cell=cell, colours=plots.GREY, scale=scale)
    _enlarge(axes, frame, large)
    label(axes, (whole.bottom[0], 0.12), f"{image.shape[0]} × {image.shape[1]} pixels")
    label(axes, (large.bottom[0], 0.12), f"the window, {size} × {size}")
    return figure


def _feature_map(image: NDArray[Any], kernel: NDArray[Any]) -> NDArray[np.float64]:
    """Return a kernel's sums at all places of an image, (H − kh + 1, W − kw + 1)."""
    windows = np.lib.stride_tricks.sliding_window_view(image.astype(np.float64), kernel.shape)
    sums: NDArray[np.float64] = (windows * kernel).sum(axis=(2, 3)) + 0.0  # − 0 becomes 0
    return sums


def window_and_map(image: ArrayLike, kernel: ArrayLike, row: int, column: int) -> Figure:
    """Draw an image with a window on it, a kernel, and the map with the number of that window.

    Parameters
    ----------
    image : array of shape (H, W)
    kernel : array of shape (k, k)
        Small whole numbers.
    row, column : int
        The window's first row and first column, counted from 0.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the arrays are not numbers of these shapes, or the window leaves the image.
    """
    image = _checks.array("image", image, "H W")
    kernel = _checks.array("kernel", kernel, "k k")
    size = len(kernel)
    _window(image, row, column, size)
    made = _feature_map(image, kernel)
    figure, axes = canvas(2.45)
    y, side = 1.32, 2.15
    whole = picture(axes, image, (1.15, y), side)
    weights = numbers(axes, kernel, (plots.WIDTH / 2, y), cell=0.32, colours=plots.SIGNED)
    scale = plots._scale(made, signed=True)
    width = side * made.shape[1] / image.shape[1]
    drawn = picture(axes, made, (4.85, y), width, colours=plots.SIGNED, scale=scale)
    colour = plots.PALETTE[1]
    frame = _frame_of(whole, image.shape, row, column, size)
    one = _frame_of(drawn, made.shape, row, column, 1)
    for each in (frame, one):
        edge = Rectangle(each.at(0, 0), *each.size, fill=False, ec=colour, lw=2.5, zorder=5)
        axes.add_patch(edge)
    arrow(axes, frame.right, weights.left, colour=colour)
    arrow(axes, weights.right, one.left, colour=colour)
    texts = ["the image", "the kernel", f"its map: here {made[row, column]:.0f}"]
    for each, text in zip((whole, weights, drawn), texts, strict=True):
        label(axes, (each.bottom[0], 0.12), text)
    return figure


def window_sum(pixels: ArrayLike, kernel: ArrayLike) -> Figure:
    """Draw one step of a convolution: a window times a kernel, number by number, and the sum.

    Parameters
    ----------
    pixels, kernel : arrays of shape (k, k)
        Whole numbers of at most three digits are written in full.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the two are not numbers of one shape.
    """
    pixels = _checks.array("pixels", pixels, "k k")
    kernel = _checks.array("kernel", kernel, f"{len(pixels)} {len(pixels)}")
    products = pixels.astype(np.float64) * kernel + 0.0  # − 0 becomes 0
    side = _CELL * len(pixels)
    gap = (plots.WIDTH - 3 * side) / 4
    figure, axes = canvas(side + 1.05)
    y = 0.64 + side / 2
    places = [gap / 2 + side / 2 + index * (side + 1.5 * gap) for index in range(3)]
    grids = [
        numbers(axes, pixels, (places[0], y), cell=_CELL, window=(0, 0, *pixels.shape)),
        numbers(axes, kernel, (places[1], y), cell=_CELL, colours=plots.SIGNED),
        numbers(axes, products, (places[2], y), cell=_CELL),
    ]
    for one, other, symbol in ((0, 1, "×"), (1, 2, "=")):
        _symbol(axes, ((grids[one].right[0] + grids[other].left[0]) / 2, y), symbol)
    for grid, name in zip(grids, ("pixels", "weights", "products"), strict=True):
        label(axes, (grid.top[0], y + side / 2 + 0.2), name)
    total = f"{products.sum():,.4g}" if products.sum() % 1 else f"{int(products.sum()):,}"
    text = f"sum of the products: {total.replace('-', '−')}"
    right = plots.WIDTH - 0.1
    label(axes, (right, 0.2), text, color=plots.PALETTE[1], ha="right", weight="bold")
    arrow(axes, grids[2].bottom, (places[2], 0.28))
    return figure


def sliding_window(
    image: ArrayLike, kernel: ArrayLike, places: Sequence[tuple[int, int]]
) -> Figure:
    """Draw a kernel, its window at several places of a small image, and the maps that fill up.

    Parameters
    ----------
    image : array of shape (H, W)
    kernel : array of shape (kh, kw)
    places : sequence of (row, column)
        Where the window starts, from the first panel to the last. Below each panel stand the sums
        of all places up to its own, in reading order.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the arrays are not numbers of these shapes, or a window leaves the image.
    """
    image = _checks.array("image", image, "H W")
    kernel = _checks.array("kernel", kernel, "kh kw")
    (height, width), (kh, kw) = image.shape, kernel.shape
    rows, columns = height - kh + 1, width - kw + 1
    gap = 0.24
    cell = min(0.34, (plots.WIDTH - gap * (len(places) + 1)) / (kw + width * len(places)))
    figure, axes = canvas(cell * (height + rows) + 0.6)
    for index, (row, column) in enumerate(places):
        x = plots.WIDTH - 0.08 - (len(places) - 1 - index) * (cell * width + gap) - cell * width / 2
        top = 0.08 + cell * rows + 0.42 + cell * height / 2
        grid = numbers(axes, image, (x, top), cell=cell, window=(row, column, kh, kw))
        below = Box((x, 0.08 + cell * rows / 2), (columns * cell, rows * cell))
        for y, start in np.ndindex(rows, columns):
            centre = below.at((start + 0.5) / columns, 1 - (y + 0.5) / rows)
            now, done = (y, start) == (row, column), (y, start) <= (row, column)
            face = tint(plots.PALETTE[1], 0.45) if now else "none"
            corner = (centre[0] - cell / 2, centre[1] - cell / 2)
            axes.add_patch(Rectangle(corner, cell, cell, fc=face, ec=_faint(), lw=0.7, zorder=2))
            if done:
                total = (image[y : y + kh, start : start + kw] * kernel).sum()
                weight = "bold" if now else "normal"
                text = f"{total:.3g}".replace("-", "−")
                label(axes, centre, text, weight=weight, zorder=4)
        arrow(axes, grid.bottom, below.top)
    weights = numbers(axes, kernel, (0.08 + cell * kw / 2, top), cell=cell, colours=plots.SIGNED)
    label(axes, (weights.top[0], weights.top[1] + 0.05), "kernel", va="bottom")
    return figure


def window_places(n: int, k: int, cases: Sequence[tuple[int, int, int]]) -> Figure:
    """Draw a row of pixels and every window that fits, for several strides and paddings.

    Parameters
    ----------
    n : int
        Pixels in the row.
    k : int
        Width of the window.
    cases : sequence of (stride, before, after)
        The stride, and how many zeros lie before and after the pixels.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If a number is too small, or no window fits.
    """
    n, k = _checks.whole("n", n, least=1), _checks.whole("k", k, least=1)
    starts = []
    for stride, before, after in cases:
        last = before + n + after - k
        if last < 0:
            expected = f"at most {before + n + after}, the pixels and zeros of the row"
            raise ValueError(_checks.message("k", k, expected))
        starts.append(range(0, last + 1, _checks.whole("stride", stride, least=1)))
    cell, step = 0.44, 0.19
    heights = [max(cell + 0.4 + step * len(each), 0.85) for each in starts]
    figure, axes = canvas(sum(heights))
    y = sum(heights)
    widest = max(before for _, before, _ in cases)
    for (stride, before, after), each, height in zip(cases, starts, heights, strict=True):
        zeros = f", {before + after} zero{'s' * (before + after > 1)}" if before + after else ""
        head = f"stride {stride}{zeros}"
        found = f"{len(each)} place{'s' * (len(each) > 1)}"
        label(axes, (0.1, y - 0.14), f"{head}:\n{found}", ha="left", va="top")
        left = 2.1 + (widest - before) * cell
        for pixel in range(before + n + after):
            is_zero = not before <= pixel < before + n
            colour = _faint() if is_zero else plots.PALETTE[0]
            centre = (left + (pixel + 0.5) * cell, y - 0.12 - cell / 2)
            box(axes, centre, (cell, cell), "0" if is_zero else "", colour=colour, dashed=is_zero)
        covered = each[-1] + k
        for missed in range(covered, before + n + after):
            centre = (left + (missed + 0.5) * cell, y - 0.12 - cell / 2)
            label(axes, centre, "✗", color=plots.PALETTE[1], zorder=4, fontsize=2 * TEXT)
        for index, start in enumerate(each):
            ends = (left + start * cell + 0.04, left + (start + k) * cell - 0.04)
            at = y - 0.12 - cell - 0.12 - index * step
            style = {"color": plots.PALETTE[1], "lw": 3, "ls": "-", "marker": "none"}
            axes.plot(ends, (at, at), solid_capstyle="butt", **style)
            beside = (ends[0] - 0.06, at)
            label(axes, beside, str(index + 1), color=plots.PALETTE[1], ha="right")
        y -= height
    return figure


def channels_in_and_out(
    image: tuple[int, int, int], kernels: tuple[int, int, int, int], output: tuple[int, int, int]
) -> Figure:
    """Draw a convolution with channels: every kernel covers all channels and makes one map.

    Parameters
    ----------
    image : (height, width, channels)
    kernels : (height, width, channels in, channels out)
        At most four channels in and four out, so that each can be seen.
    output : (rows, columns, channels out)

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the channels do not fit together, or are more than four.
    """
    kh, kw, c_in, c_out = kernels
    if image[2] != c_in or output[2] != c_out or not (1 <= c_in <= 4 and 1 <= c_out <= 4):
        expected = f"{image[2]} channels in and {output[2]} out as in image and output, at most 4"
        raise ValueError(_checks.message("kernels", kernels, expected))
    colours = [plots.PALETTE[index] for index in (1, 3, 4, 6)]
    dark = plt.rcParams["text.color"]  # the window belongs to all kernels
    figure, axes = canvas(3.15)
    y, side, step = 1.62, 1.05, 0.16

    given = stack(axes, (1.1, y), side, c_in, step=step)
    x, bottom = given.at(0, 0)
    for index in range(c_in):  # the window: one square at the same place of every card
        corner = (x + index * step + 0.2, bottom + index * step + 0.5)
        square = Rectangle(corner, 0.3, 0.3, fc=tint(dark, 0.3), ec=dark, lw=1.6)
        square.set_zorder(2 + 0.1 * (c_in - index))
        axes.add_patch(square)
    label(axes, (x + 0.08, bottom + 0.3), "one window", ha="left")
    label(axes, (x - 0.12, bottom + side / 2), "height", rotation=90)
    label(axes, (x + side / 2, bottom - 0.13), "width")
    back = (c_in - 1) * step
    from_window = (x + back + 0.5, bottom + back + 0.65)  # its right edge on the last card
    along = (x + back / 2 - 0.12, bottom + side + back / 2 + 0.12)
    label(axes, along, "channels", rotation=45)

    reach = 1.0 + (c_out - 1) * step
    made = Box((5.05, y), (reach, reach))
    left, below = made.at(0, 0)
    for index in reversed(range(c_out)):
        centre = (left + index * step + 0.5, below + index * step + 0.5)
        box(axes, centre, (1.0, 1.0), colour=colours[index])
    axes.add_patch(Rectangle((left + 0.45, below + 0.6), 0.1, 0.1, color=dark, zorder=4))
    label(axes, (left + 0.5, below + 0.25), "one number", zorder=4)

    for index in range(c_out):  # from the front card, whose kernel is lowest, to the one behind
        height = y + (index - (c_out - 1) / 2) * 0.6
        cards = stack(axes, (3.1, height), 0.34, c_in, step=0.07, colour=colours[index])
        arrow(axes, from_window, (cards.left[0] - 0.02, height))
        # To the number; behind the front card, to the part of a left edge that can be seen.
        target = (left + index * step + 0.03, below + index * step + 1.0 - 0.3 * step)
        if index == 0:
            target = (left + 0.43, below + 0.65)
        arrow(axes, (cards.right[0] + 0.02, height), target, colour=colours[index])

    kernel = f"{kh} × {kw} × {c_in} in × {c_out} out"
    shapes = [" × ".join(map(str, image)), kernel, " × ".join(map(str, output))]
    names = ["image", f"{c_out} kernels", "feature maps"]
    for at, name, shape in zip((1.1, 3.1, 5.05), names, shapes, strict=True):
        label(axes, (at, 3.0), name)
        label(axes, (at, 0.16), shape, color=_faint())
    return figure


def channel_sum(pixels: ArrayLike, kernel: ArrayLike) -> Figure:
    """Draw how one number of a map is made: each channel's products added, and then their sums.

    Parameters
    ----------
    pixels, kernel : arrays of shape (k, k, C)
        Small whole numbers, in at most four channels.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the two are not numbers of one shape, or there are more channels.
    """
    pixels = _checks.array("pixels", pixels, "k k C")
    side, _, channels = pixels.shape
    kernel = _checks.array("kernel", kernel, f"{side} {side} {channels}")
    _checks.whole("the number of channels", channels, most=4)
    cell, pitch, left = 0.32, 1.3, 0.8
    length = cell * side
    figure, axes = canvas(2 * length + 1.42)
    rows = 1.06 + 1.5 * length, 0.74 + length / 2
    for y, name in zip(rows, ("window", "kernel"), strict=True):
        label(axes, (0.02, y), name, ha="left")
    sums = (pixels.astype(np.float64) * kernel).sum(axis=(0, 1))
    scale = plots._scale(kernel.astype(np.float64), signed=True)
    for channel, total in enumerate(sums):
        x = left + pitch * channel + length / 2 + 0.1
        label(axes, (x, rows[0] + length / 2 + 0.2), f"channel {channel}")
        above = numbers(axes, pixels[..., channel], (x, rows[0]), cell=cell)
        below = numbers(
            axes, kernel[..., channel], (x, rows[1]), cell=cell, colours=plots.SIGNED, scale=scale
        )
        _symbol(axes, (x, (above.bottom[1] + below.top[1]) / 2), "×")
        arrow(axes, below.bottom, (x, 0.32))
        label(axes, (x, 0.18), f"{total:g}".replace("-", "−"))
        _symbol(axes, (x + pitch / 2, 0.18), "+" if channel < channels - 1 else "=")
    made = f"{sums.sum():g}".replace("-", "−")
    at = Box((left + pitch * channels + length / 2 - 0.05, 0.2), (0.5, 0.34))
    box(axes, at.centre, at.size, colour=plots.PALETTE[1])
    label(axes, at.centre, made, weight="bold", zorder=4)
    label(axes, (at.top[0], at.top[1] + 0.06), "one number\nof the map", va="bottom")
    return figure


def windows_as_rows(image: ArrayLike, kernel: ArrayLike) -> Figure:
    """Draw a convolution as a matrix product: every window is a row, the kernel a column.

    Parameters
    ----------
    image : array of shape (H, W)
    kernel : array of shape (kh, kw)
        Small ones: the figure holds about six windows of four pixels.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the arrays are not numbers of these shapes.
    """
    image = _checks.array("image", image, "H W")
    kernel = _checks.array("kernel", kernel, "kh kw")
    kh, kw = kernel.shape
    rows, columns = image.shape[0] - kh + 1, image.shape[1] - kw + 1
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape).reshape(-1, kh * kw)
    cell = 0.34
    height = cell * max(len(windows), kh * kw, *image.shape)
    figure, axes = canvas(height + 0.5)
    y = height / 2 + 0.08
    widths = [image.shape[1] * cell, kh * kw * cell, cell, cell, columns * cell]
    gap = (plots.WIDTH - sum(widths) - 0.2) / 4
    starts = [0.1 + sum(widths[:index]) + index * gap for index in range(5)]
    xs = [start + width / 2 for start, width in zip(starts, widths, strict=True)]
    given = numbers(axes, image, (xs[0], y), cell=cell, window=(0, 0, kh, kw))
    matrix = numbers(axes, windows, (xs[1], y), cell=cell, window=(0, 0, 1, kh * kw))
    weights = numbers(axes, kernel.reshape(-1, 1), (xs[2], y), cell=cell, colours=plots.SIGNED)
    sums = (windows @ kernel.reshape(-1, 1)).astype(np.float64)
    result = numbers(axes, sums, (xs[3], y), cell=cell, window=(0, 0, 1, 1))
    made = sums.reshape(rows, columns)
    back = numbers(axes, made, (xs[4], y), cell=cell, window=(0, 0, 1, 1))
    arrow(axes, given.right, matrix.left)
    arrow(axes, result.right, back.left)
    for one, other, symbol in ((matrix, weights, "@"), (weights, result, "=")):
        _symbol(axes, ((one.right[0] + other.left[0]) / 2, y), symbol)
    top = height + 0.3
    names = ("image", f"{rows * columns} windows", "kernel", "sums", "map")
    for x, name in zip(xs, names, strict=True):
        label(axes, (x, top), name)
    return figure


def pooling(feature_map: ArrayLike) -> Figure:
    """Draw 2 × 2 pooling of a small map: the largest of each square, and the mean.

    Parameters
    ----------
    feature_map : array of shape (H, W)
        Both sides even.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the map is not numbers, or a side is odd.
    """
    feature_map = _checks.array("feature_map", feature_map, "H W")
    height, width = feature_map.shape
    if height % 2 or width % 2:
        expected = "an even number of rows and of columns"
        raise ValueError(_checks.message("feature_map", f"{height} × {width}", expected))
    squares = feature_map.reshape(height // 2, 2, width // 2, 2)
    cell = _CELL
    figure, axes = canvas(height * cell + 0.5)
    y = height * cell / 2 + 0.08
    colours = [plots.PALETTE[index] for index in (0, 1, 3, 4)]
    grids = []
    for x, values, name in (
        (3.1, feature_map, "feature map"),
        (5.3, squares.max(axis=(1, 3)), "max-pooling"),
        (0.9, squares.mean(axis=(1, 3)), "average pooling"),
    ):
        grid = numbers(axes, values, (x, y), cell=cell)
        side = 2 * cell if values is feature_map else cell
        for (row, column), _ in np.ndenumerate(squares[:, 0, :, 0]):
            colour = colours[(row * (width // 2) + column) % 4]
            corner = (grid.at(0, 1)[0] + column * side, grid.at(0, 1)[1] - (row + 1) * side)
            face = tint(colour, 0.3)
            axes.add_patch(Rectangle(corner, side, side, fc=face, ec=colour, lw=2, zorder=1.5))
        label(axes, (x, height * cell + 0.3), name)
        grids.append(grid)
    arrow(axes, grids[0].right, grids[1].left, "largest")
    arrow(axes, grids[0].left, grids[2].right, "mean")
    return figure


def shift_and_convolve(
    image: ArrayLike, moved: ArrayLike, feature_map: ArrayLike, map_of_moved: ArrayLike
) -> Figure:
    """Draw the two ways from an image to the map of the moved image.

    Parameters
    ----------
    image, moved : arrays of shape (H, W)
        An image, and the same image moved.
    feature_map, map_of_moved : arrays of shape (h, w)
        What one kernel makes of each of them. Both maps share one scale.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If an array is not numbers of this shape.
    """
    figure, axes = canvas(3.5)
    maps = [
        _checks.array("feature_map", feature_map, "h w"),
        _checks.array("map_of_moved", map_of_moved, "h w"),
    ]
    scale = plots._scale(np.stack(maps).astype(np.float64), signed=True)
    xs, ys, side = (1.3, 4.7), (2.68, 0.82), 1.5
    images = [
        picture(axes, each, (x, ys[0]), side) for x, each in zip(xs, (image, moved), strict=True)
    ]
    below = [
        picture(axes, each, (x, ys[1]), side, colours=plots.SIGNED, scale=scale)
        for x, each in zip(xs, maps, strict=True)
    ]
    for one, other in (images, below):
        arrow(axes, one.right, other.left, "shift")
    for one, other, where in zip(images, below, ("right", "left"), strict=True):
        arrow(axes, one.bottom, other.top)
        x = one.bottom[0] + (-0.12 if where == "right" else 0.12)
        label(axes, (x, (one.bottom[1] + other.top[1]) / 2), "convolve", ha=where)
    return figure


def valley(
    curvature: ArrayLike,
    path: ArrayLike,
    goal: ArrayLike,
    names: Sequence[str],
    steps: Sequence[int],
) -> Figure:
    """Draw a loss with a long valley from above, and a way down it.

    Parameters
    ----------
    curvature : array of shape (2, 2)
        The loss is half of d · curvature · d, with d the distance to the goal.
    path : array of shape (N, 2)
        Where each step leads, the start first.
    goal : array of shape (2,)
        The place of the lowest loss.
    names : sequence of two strings
        Of the directions to the right and up.
    steps : sequence of int
        Rows of the path to mark, with their numbers.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If an array has another shape, there are not two names, or a step is not on the path.
    """
    curvature = _checks.array("curvature", curvature, "2 2")
    path = _checks.array("path", path, "N 2")
    goal = _checks.array("goal", goal, "2")
    _checks.same_length(names=names, goal=goal)
    for step in steps:
        _checks.whole("a step", step, least=0, most=len(path) - 1)
    points = np.vstack([path, goal])
    low, high = points.min(0) - 0.45, points.max(0) + 0.45
    low[0] -= 0.05 * (high[0] - low[0])  # space for "start"
    leftmost = points[:, 0].min()
    across_inches = plots.WIDTH - 0.6  # without the numbers and the name of the axis
    inches = across_inches * (high[1] - low[1]) / (high[0] - low[0])
    figure, (axes,) = plots._chart(inches + 0.6)
    across, up = np.meshgrid(*np.linspace(low, high, 150).T)
    away = np.stack([across, up], axis=-1) - goal
    height = np.sqrt(np.einsum("yxi,ij,yxj->yx", away, curvature, away))
    # Two neighbouring lines are one unit apart along the valley, and closer across it.
    levels = math.sqrt(np.linalg.eigvalsh(curvature)[0]) * np.arange(0.5, 20)
    axes.contour(across, up, height, levels=levels, colors="0.6", linewidths=0.9, linestyles="-")
    axes.plot(*path.T, color=plots.PALETTE[0], ls="-", marker="none")
    # No line runs through a text.
    paper = {"facecolor": plt.rcParams["figure.facecolor"], "edgecolor": "none", "pad": 0.5}
    for step in steps:
        axes.plot(*path[step], color=plots.PALETTE[0], marker="o", ls="none", ms=7)
        steep = path[step, 0] < leftmost + 0.05  # where the path goes up, its names stand beside it
        place: dict[str, Any] = {"xytext": (-7, 0), "ha": "right", "va": "center", "bbox": paper}
        if not steep:
            place |= {"xytext": (0, 7), "ha": "center", "va": "bottom"}
        text = f"{step:,}" if step else "start"
        axes.annotate(text, path[step], textcoords="offset points", fontsize=TEXT, **place)
    axes.plot(*goal, color=plots.PALETTE[1], marker="*", ls="none", ms=15)
    below: dict[str, Any] = {"xytext": (0, -9), "textcoords": "offset points", "va": "top"}
    style: dict[str, Any] = {"fontsize": TEXT, "color": plots.PALETTE[1], "ha": "center"}
    axes.annotate("lowest loss", tuple(goal), bbox=paper, **below, **style)
    axes.grid(False)
    axes.set(xlabel=names[0], ylabel=names[1], aspect="equal")
    return figure


# --- chapter 3: the answer, how far a number sees, a block as a row ---------------------------


def digit_to_probabilities(image: ArrayLike, probabilities: ArrayLike) -> Figure:
    """Draw a digit and the probabilities that a network gives to the ten classes, as bars.

    Parameters
    ----------
    image : array of shape (H, W)
    probabilities : array of shape (classes,)
        From 0 to 1.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the arrays are not numbers of these shapes, or a probability lies outside [0, 1].
    """
    probabilities = _checks.array("probabilities", probabilities, "classes")
    for label_of, probability in enumerate(probabilities):
        _checks.number(f"the probability of {label_of}", float(probability), least=0, most=1)
    pitch, longest = 0.235, 1.7
    height = pitch * len(probabilities) + 0.2
    figure, axes = canvas(height)
    given = picture(axes, image, (1.1, height / 2), 1.9)
    arrow(axes, given.right, (3.25, height / 2), "network")
    for label_of, probability in enumerate(probabilities):
        y = height - 0.1 - pitch * (label_of + 0.5)
        best = label_of == int(probabilities.argmax())
        colour = plots.PALETTE[1] if best else plots.PALETTE[0]
        length = longest * float(probability)
        corner = (3.55, y - 0.38 * pitch)
        axes.add_patch(Rectangle(corner, length, 0.76 * pitch, color=colour, lw=0, zorder=2))
        weight = "bold" if best else "normal"
        label(axes, (3.42, y), str(label_of), weight=weight)
        text = f"{100 * probability:.0f} %"
        label(axes, (3.6 + length, y), text, ha="left", weight=weight)
    zero: dict[str, Any] = {"color": plt.rcParams["axes.edgecolor"], "lw": 1, "ls": "-"}
    axes.plot((3.55, 3.55), (0.1, height - 0.1), marker="none", zorder=1, **zero)
    return figure


def receptive_fields(
    image: ArrayLike, stack: Sequence[tuple[str, int, int]], place: tuple[int, int]
) -> Figure:
    """Draw the pixels that one number depends on, and those of numbers below it, pixel by pixel.

    The number below a number is the one in the upper right corner of its window. So all squares
    have their right edges in common, and no label's leader crosses another square.

    Parameters
    ----------
    image : array of shape (H, W)
    stack : sequence of (layer, window, stride)
        From the first layer to the last; nothing is padded.
    place : (row, column)
        Of a number of the last layer, counted from 0.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the image is not numbers of this shape, or the number's pixels leave it.
    """
    image = _checks.array("image", image, "H W")
    side, jump, sizes = 1, 1, []
    for _, window, stride in stack:
        side += (window - 1) * jump
        sizes.append((side, jump))  # its side, and how far apart the numbers lie that it reads
        jump *= stride
    corner = jump * np.array(place)
    if corner.min() < 0 or (corner + side > image.shape).any():
        expected = f"one whose {side} × {side} pixels lie inside {image.shape}"
        raise ValueError(_checks.message("place", place, expected))
    corners = [corner]
    for (_, window, _), (_, apart) in zip(stack[:0:-1], sizes[:0:-1], strict=True):
        corners.append(corners[-1] + np.array([0, (window - 1) * apart]))
    figure, axes = canvas(3.1)
    whole = picture(axes, image, (1.0, 1.55), 1.8)
    row, column = corner
    inside = image[row : row + side, column : column + side]
    near = picture(axes, inside, (3.42, 1.55), 2.7, scale=_own_scale(image, plots.GREY))
    pixel, unit = near.size[0] / side, whole.size[0] / image.shape[1]
    left, top = whole.at(0, 1)
    frame = (left + column * unit, top - (row + side) * unit)
    colours = [plots.PALETTE[(1, 3, 6, 5)[index % 4]] for index in range(len(stack))]
    axes.add_patch(
        Rectangle(frame, side * unit, side * unit, fill=False, ec=colours[-1], lw=2.2, zorder=4)
    )
    for up in (0, 1):  # from the frame to what it holds, larger
        ends = (frame[0] + side * unit, frame[1] + up * side * unit), near.at(0, up)
        axes.plot(*np.transpose(ends), color=colours[-1], lw=1, ls=":", marker="none", zorder=4)
    left, top = near.at(0, 1)
    style: dict[str, Any] = {"color": "0.45", "lw": 0.5, "ls": "-", "marker": "none", "zorder": 3}
    for line in range(1, side):
        axes.plot([left + line * pixel] * 2, [top - side * pixel, top], **style)
        axes.plot([left, left + side * pixel], [top - line * pixel] * 2, **style)
    for index, (colour, (width, _), here) in enumerate(
        zip(colours, sizes, reversed(corners), strict=True)
    ):
        down, across = (here - corner) * pixel
        # Squares with a common edge: the smaller one is drawn a little inside the larger.
        inset = 0.035 * (len(stack) - 1 - index)
        length = width * pixel
        at = (left + across + inset, top - down - length + inset)
        drawn = length - 2 * inset
        axes.add_patch(Rectangle(at, drawn, drawn, fill=False, ec=colour, lw=2.2, zorder=4))
        y = 2.7 - index * 2.3 / max(len(stack) - 1, 1)
        # The leader starts where the square's edge is its own: below all smaller squares.
        level = min(max(y, at[1] + 0.04), at[1] + drawn - 0.04)
        ends = (at[0] + drawn, level), (4.92, y)
        axes.plot(*np.transpose(ends), color=colour, lw=1.4, ls="-", marker="none", zorder=5)
        label(axes, (4.97, y), f"{stack[index][0]}\n{width} × {width}", ha="left")
    return figure


def flattening(shape: tuple[int, int, int]) -> Figure:
    """Draw how a block of numbers is written in one row: place by place, all channels together.

    Parameters
    ----------
    shape : (height, width, channels)
        A small one: about twelve numbers fit.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the block holds more than 12 numbers.
    """
    height, width, channels = shape
    count = height * width * channels
    if not 1 <= count <= 12:
        raise ValueError(_checks.message("shape", shape, "a block of 1 to 12 numbers"))
    block = np.arange(count).reshape(shape)
    figure, axes = canvas(2.6)
    cell = 0.46
    xs = [(index + 0.5) * plots.WIDTH / channels for index in range(channels)]
    for channel, x in enumerate(xs):
        grid = numbers(axes, block[..., channel], (x, 1.65), cell=cell)
        for (row, column), _ in np.ndenumerate(block[..., channel]):
            _tinted(axes, grid, row, column, cell, row * width + column)
        label(axes, (x, 2.42), f"channel {channel}")
    row_of = numbers(axes, block.reshape(1, -1), (plots.WIDTH / 2, 0.62), cell=cell)
    for place in range(count):
        _tinted(axes, row_of, 0, place, cell, place // channels)
    for place in range(height * width):
        x = row_of.at(0, 0)[0] + (place + 0.5) * channels * cell
        row, column = divmod(place, width)
        label(axes, (x, 0.2), f"({row}, {column})", color=_faint())
    return figure


def weight_sharing(image: ArrayLike, shift: int, kernel: ArrayLike, unit: ArrayLike) -> Figure:
    """Draw what a kernel and a dense unit make of an image, and of the same image moved right.

    Parameters
    ----------
    image : array of shape (H, W)
        A stroke of ones on zeros, whose last `shift` columns are empty.
    shift : int
        How many pixels it moves.
    kernel : array of shape (kh, kw)
    unit : array of shape (H, W)
        The unit's weights, one for each pixel.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If an array has another shape, the stroke is not of ones, or it would leave the image.
    """
    image = _checks.array("image", image, "H W")
    kernel, unit = _checks.array("kernel", kernel, "kh kw"), _checks.array("unit", unit, "H W")
    if unit.shape != image.shape:
        raise ValueError(_checks.message("unit", f"of shape {unit.shape}", f"{image.shape}"))
    shift = _checks.whole("shift", shift, least=1, most=image.shape[1] - 1)
    if image[:, -shift:].any() or set(np.unique(image)) != {0, 1}:
        expected = f"ones on zeros, its last {shift} columns empty"
        raise ValueError(_checks.message("image", "another", expected))
    figure, axes = canvas(4.5)
    xs, ys, side, back = (0.95, 2.85, 4.95), (3.1, 1.1), 1.62, plots.PALETTE[1]
    titles = ("pixels", "one kernel,\nat every place", "a dense unit,\na weight for each pixel")
    for x, title in zip(xs, titles, strict=True):
        label(axes, (x, 4.22), title)
    for y, moved in zip(ys, (image, np.roll(image, shift, axis=1)), strict=True):
        response = _feature_map(moved, kernel)
        seen = picture(axes, 255 * moved, (xs[0], y), side)
        cell = side / max(image.shape)
        found = numbers(axes, response, (xs[1], y), cell=0.31)
        arrow(axes, seen.right, found.left)
        for row, column in np.argwhere(response == response.max()):
            corner = found.at(column / response.shape[1], 1 - (row + 1) / response.shape[0])
            style: dict[str, Any] = {"fc": tint(back, 0.35), "ec": back, "lw": 1.4, "zorder": 1.5}
            axes.add_patch(Rectangle(corner, 0.31, 0.31, **style))
        weights = numbers(axes, unit, (xs[2], y), cell=cell)
        rows, columns = np.nonzero(moved)
        low, left = weights.at(0, 1)[1] - (rows.max() + 1) * cell, weights.at(0, 0)[0]
        tall, wide = (np.ptp(each) + 1 for each in (rows, columns))
        frame = (left + columns.min() * cell, low), wide * cell, tall * cell
        axes.add_patch(Rectangle(*frame, fc=tint(back, 0.35), ec=back, lw=2.4, zorder=1.8))
        label(axes, (xs[2], y - side / 2 - 0.15), f"sum under the stroke: {(moved * unit).sum():g}")
    return figure


def _tinted(axes: Axes, grid: Box, row: int, column: int, cell: float, place: int) -> None:
    """Lay the colour of a place under a cell."""
    colour = plots.PALETTE[(0, 1, 3, 4, 6, 5)[place % 6]]
    corner = (grid.at(0, 1)[0] + column * cell, grid.at(0, 1)[1] - (row + 1) * cell)
    face = tint(colour, 0.35)
    axes.add_patch(Rectangle(corner, cell, cell, fc=face, ec=colour, lw=1, zorder=1.5))


# --- chapter 4: gradients on their way back, and ways downhill --------------------------------


def chain_rule(layers: Sequence[tuple[str, str, Sequence[int]]]) -> Figure:
    """Draw a network with the data's way forward and the gradient's way back, and what is lost.

    Below the network stand two small examples: what ReLU and max-pooling hand back of a gradient.

    Parameters
    ----------
    layers : sequence of (name, gradients, shape)
        In the order of the data, the loss last; `gradients` says what a layer keeps for the step,
        and is empty for a layer without parameters; `shape` is that of its output for one image.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are fewer than two layers.
    """
    if len(layers) < 2:
        raise ValueError(_checks.message("layers", f"{len(layers)} of them", "at least two"))
    figure, axes = canvas(4.5)
    slot = (plots.WIDTH - 0.5) / len(layers)
    width, y, apart = 0.6 * slot, 3.5, 0.2
    back = plots.PALETTE[1]
    label(axes, (0.1, 4.32), "forward: each layer keeps its input", ha="left")
    before = Box((0.2, y), (0.2, 0.8))
    label(axes, (0.22, y), "x")
    shape_before: Sequence[int] = ()
    for index, (name, gradients, shape) in enumerate(layers):
        middle = (0.5 + (index + 0.5) * slot, y)
        block = box(axes, middle, (width, 0.8), name)
        arrow(axes, (before.right[0], y + apart), (block.left[0], y + apart))
        if index:  # nobody needs the gradient of the image itself
            ends = (block.left[0], y - apart), (before.right[0], y - apart)
            arrow(axes, *ends, "d", colour=back)
            written = "\u2009×\u2009".join(map(str, shape_before))
            at = ((ends[0][0] + ends[1][0]) / 2, y + 0.53)
            label(axes, at, written, color=plt.rcParams["xtick.color"])
        if gradients:
            x, foot = block.bottom
            arrow(axes, (x, foot), (x, foot - 0.46), colour=back)
            label(axes, (x, foot - 0.48), gradients, va="top", color=back)
        before, shape_before = block, shape
    words = "back: d is the slope of the loss along an output, and has its shape"
    label(axes, (0.1, 2.22), words, ha="left")
    read, arrived = np.array([[2, -1], [-3, 4]]), np.array([[5, 6], [7, 8]])
    _handed_back(axes, 0.1, "ReLU", read, arrived, np.where(read > 0, arrived, 0))
    read, arrived = np.array([[1, 3], [2, 0]]), np.array([[7]])
    _handed_back(axes, 3.1, "pool", read, arrived, np.where(read == read.max(), arrived, 0))
    return figure


def _handed_back(
    axes: Axes, left: float, name: str, read: NDArray[Any], d: NDArray[Any], handed: NDArray[Any]
) -> None:
    """Draw what a layer read, the gradient that arrives and the one that it hands back."""
    cell, y, back = 0.36, 1.0, plots.PALETTE[1]
    label(axes, (left, 1.75), f"example: {name}", ha="left", weight="bold")
    xs = [left + 0.4, left + 1.3, left + 2.3]
    for at, values, text in zip(xs, (read, d, handed), ("read", "d", "handed back"), strict=True):
        grid = numbers(axes, values, (at, y), cell=cell)
        label(axes, (at, 0.42), text, color=back if values is not read else None)
        for row, column in np.argwhere(values == 0) if values is handed else ():
            corner = grid.at(column / 2, 1 - (row + 1) / 2)
            style = {"fc": tint(back, 0.35), "ec": back, "lw": 1, "zorder": 1.5}
            axes.add_patch(Rectangle(corner, cell, cell, **style))
    arrow(axes, (xs[1] + 0.36, y), (xs[2] - 0.36, y), colour=back)


def convolution_back(pixels: ArrayLike, kernel: ArrayLike, d: ArrayLike) -> Figure:
    """Draw the backward pass of a convolution along a row, window by window, with its sums.

    Parameters
    ----------
    pixels : array of shape (W,)
        What the convolution read.
    kernel : array of shape (k,)
    d : array of shape (W - k + 1,)
        The slope of the loss along each number of its output.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If an array has another shape.
    """
    pixels, kernel = _checks.array("pixels", pixels, "W"), _checks.array("kernel", kernel, "k")
    d = _checks.array("d", d, "places")
    size, places = len(kernel), len(pixels) - len(kernel) + 1
    if len(d) != places:
        raise ValueError(_checks.message("d", f"{len(d)} numbers", f"one for each of {places}"))
    figure, axes = canvas(0.42 * (places + 2) + 1.0)
    cell, pitch, back = 0.4, 0.42, plots.PALETTE[1]
    top = 0.42 * (places + 1) + 0.72
    x_d, x_pixels, x_kernel = 0.45, 1.35, 4.35
    label(axes, (x_d, top + 0.4), "d", color=back)
    label(axes, (x_pixels + len(pixels) * cell / 2, top + 0.4), "pixels, and what they get")
    label(axes, (x_kernel + size * cell / 2, top + 0.4), "kernel, and what it gets")

    def row(values: NDArray[Any], left: float, y: float, **style: Any) -> None:
        """Draw a row of numbers that begins at `left`."""
        numbers(axes, values[None], (left + len(values) * cell / 2, y), cell=cell, **style)

    row(pixels, x_pixels, top)
    row(kernel, x_kernel, top)
    for place in range(places):
        y = top - pitch * (place + 1) - 0.08
        window = {"window": (0, 0, 1, 1), "colour": back}
        row(d[place : place + 1], x_d - cell / 2, y, **window)
        arrow(axes, (x_d + cell / 2, y), (x_pixels + place * cell, y), colour=back)
        row(d[place] * kernel, x_pixels + place * cell, y)
        row(d[place] * pixels[place : place + size], x_kernel, y)
    y = top - pitch * (places + 1) - 0.16
    total = np.convolve(d, kernel)
    slopes = np.convolve(pixels, d[::-1], "valid")
    label(axes, (x_d, y), "sums", color=back)
    row(total, x_pixels, y, window=(0, 0, 1, len(total)))
    row(slopes, x_kernel, y, window=(0, 0, 1, size))
    return figure


def descent(curvatures: tuple[float, float], paths: Mapping[str, ArrayLike]) -> Figure:
    """Draw ways down a valley whose loss is half of a w₁² + b w₂², from above, and their losses.

    Parameters
    ----------
    curvatures : (float, float)
        a and b, both above 0: how steep the valley is along either weight.
    paths : mapping of name to array of shape (steps, 2)
        The two weights after each step, the start first.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If a curvature is not above 0, or a path has another shape.
    """
    a, b = (_checks.number("a curvature", value, above=0) for value in curvatures)
    ways = {n: _checks.array(f"path {n!r}", path, "steps 2") for n, path in paths.items()}
    figure, (axes, fall) = plt.subplots(
        2, 1, figsize=(plots.WIDTH, 5.2), height_ratios=(1.25, 1), layout="constrained"
    )
    points = np.concatenate([np.zeros((1, 2)), *ways.values()])
    low, high = points.min(0), points.max(0)
    margin = 0.12 * (high - low)
    across, up = np.meshgrid(
        *(np.linspace(*ends, 120) for ends in zip(low - margin, high + margin, strict=True))
    )
    loss = (a * across**2 + b * up**2) / 2
    axes.contour(across, up, np.sqrt(loss), levels=5, colors="0.6", linewidths=0.8)
    for index, (name, way) in enumerate(ways.items()):
        style = plots._style(index) | {"linestyle": plots.LINESTYLES[index], "markersize": 4.5}
        axes.plot(*way.T, **style, label=name)
        fall.plot((a * way[:, 0] ** 2 + b * way[:, 1] ** 2) / 2, **style)
    axes.plot(
        0,
        0,
        marker="*",
        markersize=14,
        color=plots.PALETTE[3],
        linestyle="none",
        label="lowest loss",
    )
    axes.grid(False)
    axes.set(xlabel="first weight: a gentle slope", ylabel="second: steep")
    fall.set(xlabel="step", ylabel="loss", yscale="log")
    fall.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    plots._legend(figure, axes)
    return figure


# --- chapter 5: a confusion matrix, read aloud ------------------------------------------------


def confusion_read(confusion: ArrayLike, chosen: int) -> Figure:
    """Draw a small confusion matrix with what a row and a column of it say, in words.

    Parameters
    ----------
    confusion : array of shape (classes, classes), counts
        Rows are true classes, columns answers.
    chosen : int
        The class whose row and column are read.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the matrix is not square, or has no such class.
    """
    table = _checks.array("confusion", confusion, "classes classes")
    chosen = _checks.whole("chosen", chosen, least=0, most=len(table) - 1)
    right, found, answered = (
        int(n) for n in (table[chosen, chosen], table[chosen].sum(), table[:, chosen].sum())
    )
    cell = 0.62
    side = cell * len(table)
    figure, axes = canvas(side + 1.5)
    grid = numbers(
        axes,
        table,
        (1.25 + side / 2, 0.95 + side / 2),
        cell=cell,
        window=(chosen, 0, 1, len(table)),
    )
    (left, bottom), (_, top) = grid.at(0, 0), grid.at(1, 1)
    corner = (left + chosen * cell, bottom)
    axes.add_patch(
        Rectangle(corner, cell, side, fill=False, ec=plots.PALETTE[0], lw=3, ls="--", zorder=4)
    )
    for index in range(len(table)):
        label(axes, (left - 0.16, top - (index + 0.5) * cell), str(index))
        label(axes, (left + (index + 0.5) * cell, top + 0.14), str(index))
    label(axes, (0.8, grid.centre[1]), "true class", rotation=90)
    label(axes, (grid.centre[0], top + 0.34), "answer")
    row = top - (chosen + 0.5) * cell
    label(
        axes,
        (grid.right[0] + 0.2, row),
        f"of {found} true {chosen}s, {right} are found:\nrecall {right / found:.0%}",
        ha="left",
        color=plots.PALETTE[1],
    )
    label(
        axes,
        (left, bottom - 0.55),
        f"of {answered} answers \u201c{chosen}\u201d, {right} are right: "
        f"precision {right / answered:.0%}",
        ha="left",
        color=plots.PALETTE[0],
    )
    x = corner[0] + cell / 2
    arrow(axes, (x, bottom - 0.4), (x, bottom - 0.02), colour=plots.PALETTE[0])
    return figure


# --- chapter 6: two ways to ask what matters --------------------------------------------------


def two_questions(
    image: ArrayLike,
    patch: tuple[int, int, int],
    fall: float,
    pixel: tuple[int, int],
    slope: float,
) -> Figure:
    """Draw what occlusion asks of a network, and what a gradient asks.

    Parameters
    ----------
    image : array of shape (H, W) or (H, W, 1), values in [0, 1]
    patch : (row, column, side)
        The square that is covered with black.
    fall : float
        How far the score falls when it is covered.
    pixel : (row, column)
        The pixel that is changed a little.
    slope : float
        How fast the score then changes, per unit of grey.

    Returns
    -------
    matplotlib.figure.Figure
    """
    image = _checks.array("image", image, "H W", "H W 1")
    image = (image[..., 0] if image.ndim == 3 else image).copy()
    rows = image.shape[0]
    figure, axes = canvas(3.4)
    row, column, side = patch
    covered = image.copy()
    covered[row : row + side, column : column + side] = 0
    spots = [(row, column, side), (pixel[0] - 0.5, pixel[1] - 0.5, 2)]
    questions = ["Occlusion: cover a patch", "Gradient: change one pixel a little"]
    moves = f"{slope:+.2f}".replace("-", "−")
    answers = [f"score falls\nby {fall:.1f}", f"score moves\n{moves} per\nunit of grey"]
    changes = ["all to 0", "+0.001"]
    for question, change, shown, spot, answer, ground in zip(
        questions, changes, (covered, image), spots, answers, (1.75, 0.05), strict=True
    ):
        label(axes, (0.1, ground + 1.5), question, ha="left", va="top")
        drawn = picture(axes, shown, (0.7, ground + 0.6), 1.15)
        top, left, size = (part * drawn.size[1] / rows for part in spot)
        corner = drawn.at(0, 1)[0] + left, drawn.at(0, 1)[1] - top - size
        colour = plots.PALETTE[1]
        axes.add_patch(Rectangle(corner, size, size, fill=False, ec=colour, lw=2, zorder=4))
        network = box(axes, (2.75, ground + 0.6), (1.3, 0.7), "network")
        result = box(axes, (5.1, ground + 0.6), (1.6, 0.85), answer, colour=colour)
        arrow(axes, drawn.right, network.left)
        middle = (drawn.right[0] + network.left[0]) / 2
        label(axes, (middle, drawn.right[1] + 0.17), change, color=colour)
        arrow(axes, network.right, result.left)
    return figure


# --- chapter 7: digits beyond the training digits ---------------------------------------------


def beyond_training(
    first: ArrayLike, second: ArrayLike, stranger: ArrayLike, outside: ArrayLike
) -> Figure:
    """Draw where a network must answer: near its training digits, beside them, and far away.

    A line cuts the plane in two, one answer on either side. Training digits are dots of two
    classes near the line.

    Parameters
    ----------
    first, second : arrays of shape (H, W)
        A training digit of either class, a 4 and a 9.
    stranger : array of shape (H, W)
        Another person's digit of the first class.
    outside : array of shape (H, W)
        Something else that is answered as the first class.

    Returns
    -------
    matplotlib.figure.Figure
    """
    height = 3.2
    figure, axes = canvas(height)
    sides = plots.PALETTE[0], plots.PALETTE[1]
    cut = (2.9, 3.9)  # where the line meets the lower and the upper edge
    left, right = [(0, 0), (cut[0], 0), (cut[1], height), (0, height)], plots.WIDTH
    other = [(cut[0], 0), (right, 0), (right, height), (cut[1], height)]
    for corners, colour in zip((left, other), sides, strict=True):
        axes.add_patch(Polygon(corners, fc=tint(colour, 0.12), ec="none", zorder=0))
    axes.plot(cut, (0, height), color=plt.rcParams["axes.edgecolor"], ls="-", marker="none")
    label(axes, (0.12, height - 0.12), "answered as 4", ha="left", va="top", color=sides[0])
    style = {"ha": "right", "va": "top", "color": sides[1]}
    label(axes, (right - 0.12, height - 0.12), "answered as 9", **style)
    rng = np.random.default_rng(0)
    # A training digit stands beside its cloud, joined to one of the points.
    for middle, image, at, colour, marker in (
        ((1.75, 0.85), first, (0.5, 0.85), sides[0], "o"),
        ((4.3, 0.95), second, (5.5, 0.95), sides[1], "s"),
    ):
        dots = np.clip(rng.normal(middle, (0.3, 0.22), size=(60, 2)), 0.35, None)
        axes.plot(*dots.T, ls="none", marker=marker, markersize=3.5, color=colour, zorder=1)
        nearest = dots[np.hypot(*(dots - at).T).argmin()]
        axes.plot(*zip(at, nearest, strict=True), color=colour, lw=1, ls="-", marker="none")
        picture(axes, image, at, 0.5)
    label(axes, (1.4, 0.16), "training digits")
    label(axes, (4.6, 0.16), "training digits")
    picture(axes, stranger, (2.6, 1.55), 0.5)
    label(axes, (2.25, 1.65), "a stranger's 4:", ha="right")
    label(axes, (2.25, 1.44), "another population", ha="right")
    picture(axes, outside, (0.5, 2.35), 0.55)
    label(axes, (0.9, 2.45), "a letter:", ha="left")
    label(axes, (0.9, 2.24), "out of distribution", ha="left")
    return figure


def digits_on_page(
    ink: ArrayLike,
    pieces: ArrayLike,
    places: ArrayLike,
    images: ArrayLike,
    lines: Sequence[Sequence[int]],
) -> Figure:
    """Draw how the digits of a page are found: its ink, the pieces, their order, the images.

    Parameters
    ----------
    ink : array of shape (H, W)
        1 is ink, 0 is paper.
    pieces : array of whole numbers, shape (H, W)
        0 for paper, and one number for each piece of connected ink.
    places : array of whole numbers, shape (N, 4)
        Of each digit: (top, left, height, width) in pixels of the ink.
    images : array of shape (N, 28, 28)
        What each digit becomes.
    lines : sequence of sequences of int
        The digits' indices: line by line, each from left to right.

    Returns
    -------
    matplotlib.figure.Figure
    """
    ink = _checks.array("ink", ink, "H W")
    pieces = _checks.array("pieces", pieces, "H W", holds="whole numbers")
    places = _checks.array("places", places, "N 4", holds="whole numbers")
    images = _checks.array("images", images, "N H W")
    _checks.same_length(places=places, images=images)
    if pieces.shape != ink.shape:
        raise ValueError(_checks.message("pieces", f"of shape {pieces.shape}", f"{ink.shape}"))
    if sorted(index for line in lines for index in line) != list(range(len(places))):
        message = _checks.message("lines", f"{lines}", f"each of 0 to {len(places) - 1} once")
        raise ValueError(message)
    gap, title = 0.1, 0.26
    width = (plots.WIDTH - gap) / 2
    tall = width * ink.shape[0] / ink.shape[1]
    height = 2 * (tall + title) + gap
    figure, axes = canvas(height)
    bright = [colour for colour in plots.TEN_COLOURS if max(to_rgb(colour)) > 0.5]  # on black
    colours = np.array([(0.0, 0.0, 0.0), *map(to_rgb, bright)])
    in_colours = colours[np.where(pieces > 0, (pieces - 1) % len(bright) + 1, 0)]
    panels = []
    for number, (name, shown) in enumerate(
        (("ink", ink), ("pieces", in_colours), ("digits, lines", ink), ("prepared", None)),
        start=1,
    ):
        below, right = divmod(number - 1, 2)
        top = height - title - below * (tall + title + gap)
        frame = Box((width / 2 + right * (width + gap), top - tall / 2), (width, tall))
        label(axes, (frame.at(0, 1)[0], top + 0.06), f"{number}  {name}", ha="left", va="bottom")
        panels.append(frame)
        if shown is not None:
            (left, bottom), (end, above) = frame.at(0, 0), frame.at(1, 1)
            limits = axes.axis()
            axes.imshow(
                shown, cmap=plots.GREY, extent=(left, end, bottom, above), aspect="auto", zorder=2
            )
            axes.axis(limits)
    pixel = width / ink.shape[1]
    left, above = panels[2].at(0, 1)
    numbers = {index: k for k, index in enumerate((i for line in lines for i in line), start=1)}
    longest = max(len(line) for line in lines)
    for row, line in enumerate(lines):
        colour, style = ((plots.PALETTE[0], "-"), (plots.PALETTE[3], ":"))[row % 2]
        for column, index in enumerate(line):
            start, first, rows, columns = (pixel * int(each) for each in places[index])
            corner = left + first, above - start - rows
            axes.add_patch(
                Rectangle(corner, columns, rows, fill=False, ec=colour, ls=style, lw=1.6, zorder=3)
            )
            label(
                axes,
                (corner[0] - 0.01, above - start),
                str(numbers[index]),
                ha="right",
                va="top",
                color="white",
                zorder=4,
            )
            side = min(width / longest, tall / len(lines))
            centre = panels[3].at((column + 0.5) / longest, 1 - (row + 0.5) / len(lines))
            picture(axes, images[index], centre, 0.92 * side)
    return figure


# --- chapter 8: errors, steps that remove them, and their price ---------------------------------


def errors_in_a_thousand(pairs: Sequence[tuple[float, float]]) -> Figure:
    """Draw a thousand digits as dots, the misread ones large, before a step and after it.

    Parameters
    ----------
    pairs : sequence of (before, after)
        Accuracies in per cent, one pair for each step, at most two pairs. Those that are left
        after a step stay where they were.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no pair or more than two, or an accuracy falls within a pair.
    """
    if not 1 <= len(pairs) <= 2:
        raise ValueError(_checks.message("pairs", f"{len(pairs)} long", "one pair or two"))
    for before, after in pairs:
        _checks.number("an accuracy before a step", before, least=0, most=100)
        _checks.number("the accuracy after it", after, least=before, most=100)
    columns, rows, pitch = 25, 40, 0.05
    wide, tall = columns * pitch, rows * pitch
    figure, axes = canvas(tall + 1.4)
    y, x = np.divmod(np.arange(columns * rows), columns)
    # One random order for all panels: the errors that a step leaves are among those before it.
    order = np.random.default_rng(seed=4).permutation(columns * rows)
    lefts = [0.1, 1.6, 3.15, 4.65] if len(pairs) == 2 else [1.6, 3.1]
    for left, accuracy in zip(lefts, np.ravel(pairs), strict=True):
        errors = round(10 * (100 - accuracy))
        at_x, at_y = left + (x + 0.5) * pitch, 0.7 + (y + 0.5) * pitch
        style: dict[str, Any] = {"linestyle": "none", "marker": "o", "markeredgewidth": 0}
        right, wrong = order[errors:], order[:errors]
        axes.plot(at_x[right], at_y[right], color="0.75", markersize=2, **style)
        axes.plot(at_x[wrong], at_y[wrong], color=plots.PALETTE[1], markersize=6.5, **style)
        label(axes, (left + wide / 2, tall + 1.2), f"{accuracy:g} %", fontweight="bold")
        plural = "" if errors == 1 else "s"
        label(axes, (left + wide / 2, tall + 0.93), f"{errors} error{plural}")
    for (before, after), left, last in zip(pairs, lefts[::2], lefts[1::2], strict=True):
        dimension(axes, (left, 0.62), (last + wide, 0.62), "")
        gone = 1 - (100 - after) / (100 - before)
        middle = (left + last + wide) / 2
        points = f"{after - before:.2g}"
        label(axes, (middle, 0.36), f"{points} point{'' if points == '1' else 's'} more:")
        label(axes, (middle, 0.14), f"{100 * gone:.0f} % of the errors gone")
    return figure


def _colours_of_groups(steps: Sequence[tuple[str, str]]) -> dict[str, str]:
    groups = list(dict.fromkeys(group for _, group in steps))
    if len(groups) > 4:
        raise ValueError(_checks.message("steps", f"of {len(groups)} groups", "at most four"))
    return dict(zip(groups, plots.PALETTE, strict=False))


def steps_down(steps: Sequence[tuple[str, str]], apart: Sequence[tuple[str, str]] = ()) -> Figure:
    """Draw the steps of an ablation from above, each in the column of what it changes.

    Parameters
    ----------
    steps : sequence of (name, group)
        From the first recipe to the last: what a step is called, and what it changes, such as
        ``("batch norm", "network")``. The steps of a group have one colour and one column, with its
        name above. Four groups at most. The first is the start and has no number.
    apart : sequence of (name, group)
        More steps, which start again below a line.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are fewer than two steps, or more than four groups.
    """
    if len(steps) < 2:
        raise ValueError(_checks.message("steps", f"{len(steps)} long", "at least two steps"))
    rows = [*steps, *apart]
    colours = _colours_of_groups(rows)
    tall, gap, space, start = 0.3, 0.06, 0.1, 0.32
    # A column is as wide as its longest name; what is left over is divided among them.
    inches = {
        group: max(
            TextPath((0, 0), name, size=TEXT).get_extents().width / 72
            for name, of in [*rows, (group, group)]
            if of == group
        )
        for group in colours
    }
    edge = (plots.WIDTH - start - sum(inches.values())) / len(inches)
    wide = {group: length + edge for group, length in inches.items()}
    lefts, left = {}, start
    for group, width in wide.items():
        lefts[group], left = left, left + width
    height = 0.5 + len(rows) * (tall + gap) + 2 * space
    figure, axes = canvas(height)
    for group, left in lefts.items():
        label(axes, (left + wide[group] / 2, height - 0.2), group, fontweight="bold")
    for number, (name, group) in enumerate(rows):
        y = height - 0.45 - tall / 2 - number * (tall + gap)
        y -= space * ((number > 0) + (number >= len(steps)))
        if number:
            label(axes, (start - 0.05, y), str(number), ha="right")
        width = wide[group] - 0.05
        box(axes, (lefts[group] + width / 2, y), (width, tall), name, colour=colours[group])
    for row in {0, len(steps) - 1 if apart else 0}:
        y = height - 0.45 - (row + 1) * (tall + gap) - space * (row > 0) + gap / 2 - space / 2
        axes.plot([0.05, plots.WIDTH - 0.05], [y, y], color="grey", lw=1, ls=":", marker="none")
    return figure


def _bar(axes: Axes, corner: tuple[float, float], size: tuple[float, float], colour: str) -> None:
    """Draw a bar without an edge: a line from seed to seed would be lost on it."""
    axes.add_patch(Rectangle(corner, *size, fc=tint(colour, 0.5), lw=0, zorder=2))


def _names_of_groups(
    axes: Axes, colours: Mapping[str, str], y: float, left: float = 0.1, *, edges: bool = True
) -> None:
    """Write a key in one line: a tinted square, edged or not as the bars, and a name each."""
    for group, colour in colours.items():
        if edges:
            box(axes, (left + 0.1, y), (0.2, 0.2), colour=colour)
        else:
            _bar(axes, (left, y - 0.1), (0.2, 0.2), colour)
        label(axes, (left + 0.28, y), group, ha="left")
        left += 0.55 + len(group) * CHARACTER


def ablation(
    steps: Sequence[tuple[str, str]],
    errors: Mapping[str, ArrayLike],
    seconds: Mapping[str, float],
) -> Figure:
    """Draw what each recipe misreads and what it costs, in two columns of bars.

    Parameters
    ----------
    steps : sequence of (name, group)
        From the first recipe to the last: what it is called, and what its step changes. A colour
        stands for a group, as in `steps_down`; four groups at most.
    errors : mapping of name to array of shape (seeds,)
        In per cent. The bar is their mean; where there are several, a line leads from the least
        to the largest, and a tick alone says that all are equal.
    seconds : mapping of name to float
        What a run of the recipe costs.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are more than four groups.
    """
    colours = _colours_of_groups(steps)
    pitch, tall = 0.34, 0.22
    height = 0.75 + pitch * len(steps)
    figure, axes = canvas(height)
    names = max(len(name) for name, _ in steps) * CHARACTER + 0.05
    starts = names + 0.08, plots.WIDTH - 1.4
    long = starts[1] - starts[0] - 0.7, 0.85  # a number follows each bar
    percent = {name: np.atleast_1d(np.asarray(errors[name], float)) for name, _ in steps}
    most = max(values.max() for values in percent.values())
    dearest = max(seconds[name] for name, _ in steps)
    for start, text in zip(starts, ("errors / %", "CPU seconds"), strict=True):
        label(axes, (start, height - 0.2), text, ha="left", fontweight="bold")
    for row, (name, group) in enumerate(steps):
        y = height - 0.55 - pitch * row
        label(axes, (names, y), name, ha="right")
        mean, low, high = (f(percent[name]) for f in (np.mean, np.min, np.max))
        spent = seconds[name]
        colour = colours[group]
        for start, wide, end, text in (
            (starts[0], long[0] * mean / most, long[0] * high / most, f"{mean:.2f}"),
            (starts[1], long[1] * spent / dearest, long[1] * spent / dearest, f"{spent:.1f}"),
        ):
            _bar(axes, (start, y - tall / 2), (wide, tall), colour)
            label(axes, (start + max(wide, end) + 0.08, y), text, ha="left")
        if percent[name].size > 1:
            ends = [starts[0] + long[0] * value / most for value in (low, high)]
            colour = plt.rcParams["text.color"]
            axes.plot(ends, [y, y], "|-", color=colour, markersize=7, linewidth=1.6, zorder=4)
    _names_of_groups(axes, colours, 0.16, edges=False)
    return figure


def gains(names: Sequence[str], measured: Mapping[str, ArrayLike]) -> Figure:
    """Draw the gain of each step with its interval, in a column for each run.

    An interval that excludes 0 is orange and its dot is full; another is grey and its dot open.
    A column holds two thirds of its steps. A gain further out is an arrow with its number and its
    interval; where only an interval leads further out, its end is an arrow.

    Parameters
    ----------
    names : sequence of N strings
        The steps, from above.
    measured : mapping of title to array of shape (N, 3)
        For each run the lower end, the gain and the upper end, in percentage points. Each column
        has a scale of its own.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If there is no run, not one interval for each name, or a gain lies outside its interval.
    """
    if not measured:
        raise ValueError(_checks.message("measured", "empty", "at least one run"))
    columns = {
        title: _checks.array(f"measured[{title!r}]", each, "N 3", holds="numbers", finite=True)
        for title, each in measured.items()
    }
    for rows in columns.values():
        _checks.same_length(names=names, intervals=rows)
        for name, (low, gain, high) in zip(names, rows, strict=True):
            _checks.number(f"the gain of {name}", gain, least=low, most=high)
    pitch, below, gap = 0.32, 0.95, 0.2
    above = 0.2 + LINE * max(1 + title.count("\n") for title in columns)
    height = below + above + pitch * len(names)
    figure, axes = canvas(height)
    left = max(map(len, names)) * CHARACTER + 0.05
    wide = (plots.WIDTH - left - 0.1 - gap * (len(columns) - 1)) / len(columns)
    grey, orange = plt.rcParams["xtick.color"], plots.PALETTE[1]
    # A number that crosses the line at 0 is on top.
    paper = {"facecolor": plt.rcParams["figure.facecolor"], "edgecolor": "none", "pad": 0.5}
    for number, (title, rows) in enumerate(columns.items()):
        corner = left + number * (wide + gap)
        far = np.abs(rows).max(axis=1)
        span = 1.15 * np.sort(far)[(2 * len(far) - 1) // 3]
        decimals = max(0, 1 - math.floor(math.log10(span)))
        size = (corner, below, wide, pitch * len(rows))
        inches = (plots.WIDTH, height) * 2
        chart = figure.add_axes(tuple(np.divide(size, inches)))
        chart.set(xlim=(-span, span), ylim=(len(rows) - 0.5, -0.5), yticks=[])
        chart.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], symmetric=True))
        chart.axvline(0, color="grey", lw=1.2, ls=":")
        label(axes, (corner + wide / 2, height - above / 2), title, fontweight="bold")
        for row, (low, gain, high) in enumerate(rows):
            clear = low > 0 or high < 0
            style: dict[str, Any] = {"color": orange if clear else grey, "zorder": 3}
            for beyond, side in ((high > span, 1), (low < -span, -1)):
                if beyond:
                    at = 0.94 * side * span
                    chart.plot(at, row, ">" if side > 0 else "<", markersize=6, **style)
            if abs(gain) > span:
                end: Any = "right" if gain > 0 else "left"
                told = "{:+.{n}f} ({:.{n}f} to {:.{n}f})".format(gain, low, high, n=decimals)
                at = 0.86 * math.copysign(span, gain)
                text = chart.text(at, row, told, ha=end, va="center", **style)
                text.set_bbox(paper)
                continue
            chart.plot([low, high], [row, row], "|-", markersize=7, lw=1.6, **style)
            face = style["color"] if clear else plt.rcParams["figure.facecolor"]
            chart.plot(gain, row, "o", markersize=5, mfc=face, **style)
    for row, name in enumerate(names):
        y = below + pitch * (len(names) - row - 0.5)
        label(axes, (left - 0.08, y), name, ha="right")
    middle = (left + plots.WIDTH - 0.1) / 2
    label(axes, (middle, below - 0.5), "gain / percentage points")
    label(axes, (middle, below - 0.77), "← more errors      fewer errors →")
    return figure


def error_against_seconds(
    points: Mapping[str, tuple[float, float]],
    front: Sequence[str],
    *,
    budgets: Sequence[float] = (),
    beside: Mapping[str, tuple[float, float]] | None = None,
) -> Figure:
    """Draw recipes in the plane of seconds and error, both logarithmic, each with its name.

    A line in steps joins the recipes of the front. Their names stand below and left of their
    points, where no other recipe can be. The names of the others stand in a column on the right.

    Parameters
    ----------
    points : mapping of name to (seconds, error)
        CPU seconds, and errors in per cent, both above 0.
    front : sequence of names
        Those that no other beats, from the cheapest to the best.
    budgets : sequence of float
        Seconds at which a line stands.
    beside : mapping of name to (seconds, error), optional
        Recipes that had other digits: hollow dots, which take no part in the front.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are fewer than two recipes, a number is not above 0, or one of the front is no
        recipe.
    """
    if len(points) < 2:
        raise ValueError(_checks.message("points", f"{len(points)} long", "at least two recipes"))
    for name, pair in points.items():
        for what, value in zip(("seconds", "error"), pair, strict=True):
            _checks.number(f"{what} of {name}", value, above=0)
    if strangers := [name for name in front if name not in points]:
        raise ValueError(_checks.message("front", f"with {strangers}", "names of recipes"))
    beside = beside or {}
    beaten = sorted(set(points) - set(front), key=lambda name: (-points[name][1], points[name][0]))
    pitch, below, left, head = 0.29, 0.6, 0.62, 0.35 if budgets else 0.1
    column = plots.WIDTH - 0.15 - max([len(name) * CHARACTER for name in beaten], default=-0.35)
    wide = column - 0.35 - left
    tall = max(pitch * len(beaten), 3.6)
    figure, axes = canvas(below + tall + head)
    size = np.array([left, below, wide, tall])
    inches = (plots.WIDTH, figure.get_figheight()) * 2
    chart = figure.add_axes(tuple(size / inches))
    axes.set_zorder(chart.get_zorder() + 1)
    values = np.array([*points.values(), *beside.values()])
    # One that is far cheaper than all others would leave half of the chart empty: it stands at the
    # edge, as an arrow with its seconds.
    first, second = np.sort(values[:, 0])[:2]
    edge = second / 2.5 if first < second / 10 else first
    lows = np.array([edge / 1.3, values[:, 1].min() / 1.5])
    highs = np.array([max([*values[:, 0], *budgets]) * 1.4, values[:, 1].max() * 1.4])

    def place(spent: float, error: float) -> Any:
        parts = np.log([max(spent, edge), error] / lows) / np.log(highs / lows)
        return size[:2] + size[2:] * parts

    # The chart begins further left and lower until each name of the front has its place.
    for _ in range(200):
        named: dict[str, tuple[float, float, float]] = {}  # the right end, the height, the left end
        row = math.inf
        for name in front:
            x, y = place(*points[name])
            row = min(y, row - pitch * 0.9)
            long = 0.1 + len(name) * CHARACTER * 1.12
            named[name] = (x - 0.12, row, x - 0.12 - long)
            if points[name][0] < edge:  # at the left edge: above its arrow
                row = y
                named[name] = (x - 0.05, y + 0.4, x)
        narrow = min(start for *_, start in named.values()) < left
        low = min(row for _, row, _ in named.values()) < below + 0.5 * pitch
        if not (narrow or low):
            break
        lows /= [1.06 if narrow else 1, 1.06 if low else 1]
        if narrow and first < edge:
            edge /= 1.06
    chart.set(xscale="log", yscale="log")
    chart.set(xlim=(lows[0], highs[0]), ylim=(lows[1], highs[1]))
    chart.set(xlabel="CPU seconds of training", ylabel="validation error / %")
    few = (1,) if highs[0] > 30 * lows[0] else (1, 2, 5)  # one number a decade, or three
    for axis, steps in ((chart.xaxis, few), (chart.yaxis, (1, 2, 5))):
        axis.set_major_locator(LogLocator(subs=steps, numticks=12))
        axis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.set_minor_locator(NullLocator())
    chart.grid(visible=False)
    grey, orange, blue = plt.rcParams["xtick.color"], plots.PALETTE[1], plots.PALETTE[0]
    corners = np.transpose([points[name] for name in front])
    corners[0] = np.maximum(corners[0], edge)
    chart.plot(*corners, color=orange, ls="-", marker="none", drawstyle="steps-post")
    for title, other in beside.items():
        chart.plot(*other, "o", color=blue, mfc="none", markersize=6)
        x, y = place(*other)
        side, away = ("left", 0.12) if x < left + wide / 2 else ("right", -0.12)
        label(axes, (x + away, y), title, color=blue, ha=side)
    for budget in budgets:
        chart.axvline(budget, color="grey", lw=1.2, ls=":", marker="none")
        label(axes, (place(budget, 1)[0], below + tall + 0.16), f"{budget:g} s")

    # Where a budget's line would run through a name, the name is on top.
    paper = {"facecolor": plt.rcParams["figure.facecolor"], "edgecolor": "none", "pad": 0.5}
    for name, (x, y, _) in named.items():
        at, height = place(*points[name])
        beyond = points[name][0] < edge
        if beyond:
            label(axes, (at, height + 0.18), f"{points[name][0]:.1g} s", color=orange, ha="left")
        elif height - y > 0.05:
            lead = [x + 0.01, at], [y, height]
            axes.plot(*lead, color=orange, lw=0.7, ls="-", marker="none", alpha=0.7)
        side = "left" if beyond else "right"
        label(axes, (x, y), name, ha=side, fontweight="bold", color=orange, bbox=paper)
        axes.plot(at, height, "<" if beyond else "o", color=orange, markersize=7, zorder=2)
    places = [float(place(*points[name])[1]) for name in beaten]
    rows = plots._spread(places, pitch, below, tall)
    for name, y, row in zip(beaten, places, rows, strict=True):
        at = place(*points[name])[0]
        lead = [at, column - 0.3, column - 0.06], [y, row, row]
        axes.plot(*lead, color=grey, lw=0.7, ls="-", marker="none", alpha=0.7)
        # Open squares, on top: a dot of the front may lie behind them.
        axes.plot(at, y, "s", color=grey, mfc="none", markersize=7, zorder=3)
        label(axes, (column, row), name, ha="left")
    return figure


def time_parts(times: Mapping[str, ArrayLike], parts: Sequence[str], unit: str) -> Figure:
    """Draw what times consist of: a bar of one length for each, in parts, and its sum beside it.

    Each part has its per cent in it, where there is space.

    Parameters
    ----------
    times : mapping of name to array of shape (parts,)
        In the order from above; no part is negative.
    parts : sequence of strings
        What the parts are, from the left; four at most.
    unit : str
        What the sums mean.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If there is no time, or one has not all parts or a negative one; or there are more than
        four parts.
    """
    if not times:
        raise ValueError(_checks.message("times", "empty", "at least one time"))
    if len(parts) > 4:
        raise ValueError(_checks.message("parts", f"{len(parts)} long", "at most four"))
    shown = {
        name: _checks.array(f"times[{name!r}]", each, "parts", holds="numbers", finite=True)
        for name, each in times.items()
    }
    for name, each in shown.items():
        _checks.same_length(parts=parts, **{"parts of a time": each})
        _checks.number(f"the least part of {name}", float(each.min()), least=0)
    pitch, tall, start = 0.42, 0.3, max(map(len, times)) * CHARACTER + 0.15
    height = 0.95 + pitch * len(times)
    figure, axes = canvas(height)
    long = plots.WIDTH - start - max(1.0, (len(unit) + 1) * CHARACTER)
    colours = dict(zip(parts, (*plots.PALETTE[1::-1], *plots.PALETTE[2:4]), strict=False))
    label(axes, (start, height - 0.2), "parts of the time", ha="left", fontweight="bold")
    label(axes, (start + long + 0.12, height - 0.2), unit, ha="left", fontweight="bold")
    for row, (name, each) in enumerate(shown.items()):
        y = height - 0.58 - pitch * row
        label(axes, (start - 0.08, y), name, ha="right")
        ends = start + long * np.cumsum([0, *each]) / each.sum()
        for part, left, right in zip(colours, ends[:-1], ends[1:], strict=True):
            box(axes, ((left + right) / 2, y), (right - left, tall), colour=colours[part])
            text = f"{(right - left) / long:.0%}".replace("%", " %")
            if right - left > len(text) * CHARACTER:
                label(axes, ((left + right) / 2, y), text)
        label(axes, (start + long + 0.12, y), f"{each.sum():.0f}", ha="left")
    _names_of_groups(axes, colours, 0.18)
    return figure


# --- chapter 9: ways out of the notebook, what files hold, gates of a server ------------------


def ways_out(image: ArrayLike) -> Figure:
    """Draw the network in the middle of its six ways out of the notebook.

    Parameters
    ----------
    image : array of shape (28, 28)
        A digit that goes into it.

    Returns
    -------
    matplotlib.figure.Figure
    """
    ways = (  # the last two stay with the network
        "a file that others open",
        "a file of a quarter the size",
        "a server that reads photos",
        "a page in the browser",
        "a card with its limits",
        "an alarm when digits change",
    )
    pitch = 0.5
    figure, axes = canvas(pitch * len(ways) + 0.1)
    middle = (pitch * len(ways) + 0.1) / 2
    digit = picture(axes, image, (0.55, middle), 0.8)
    grey = plt.rcParams["xtick.color"]
    network = box(axes, (2.05, middle), (1.1, 0.8), "your\nnetwork", colour=grey)
    arrow(axes, digit.right, network.left)
    for i, text in enumerate(ways):
        height = middle + pitch * ((len(ways) - 1) / 2 - i)
        colour = plots.PALETTE[i >= len(ways) - 2]
        way = box(axes, (4.55, height), (2.75, 0.38), text, colour=colour)
        # Steep arrows need more air before a box than level ones.
        arrow(axes, network.right, (way.left[0] - 0.04, way.left[1]))
    return figure


def file_contents(parts: Sequence[str], files: Mapping[str, Sequence[bool | str]]) -> Figure:
    """Draw which parts of a network each file holds: a row for a file, a filled box for a part.

    Parameters
    ----------
    parts : sequence of str
        The columns.
    files : mapping of str to sequence of bool or str
        For each file, whether it holds each part. A text is a part to beware of: its box is orange
        and says it.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a file has not one entry for each part.
    """
    for name, held in files.items():
        if len(held) != len(parts):
            what, expected = f"{len(held)} entries", f"one for each of {len(parts)} parts"
            raise ValueError(_checks.message(f"files[{name!r}]", what, expected))
    pitch, first = 0.48, 1.35
    height = pitch * (len(files) + 1)
    figure, axes = canvas(height)
    width = (plots.WIDTH - first) / len(parts)
    for column, part in enumerate(parts):
        label(axes, (first + (column + 0.5) * width, height - pitch / 2), part)
    for row, (name, held) in enumerate(files.items()):
        y = height - (row + 1.5) * pitch
        label(axes, (0.08, y), name, ha="left")
        for column, holds in enumerate(held):
            centre = first + (column + 0.5) * width, y
            if isinstance(holds, str):
                box(axes, centre, (0.95 * width, 0.34), holds, colour=plots.PALETTE[1])
            elif holds:
                box(axes, centre, (0.8 * width, 0.34), "yes")
            else:
                label(axes, centre, "–", color=plt.rcParams["axes.edgecolor"])
    return figure


def two_ways_to_load() -> Figure:
    """Draw what loading does: numbers become arrays, a graph may run, instructions are obeyed.

    Returns
    -------
    matplotlib.figure.Figure
    """
    lanes = (
        (".npz, .keras", "numbers\nand names", "arrays and\nknown layers", 0),
        ("SavedModel", "a graph", "may use files\nat load, or later", 1),
        ("pickle, .keras\nwith a Lambda", "instructions", "runs them\nat once", 1),
    )
    figure, axes = canvas(2.8)
    for row, (file, content, outcome, colour) in enumerate(lanes):
        y, ink = 2.4 - 0.78 * row, plots.PALETTE[colour]
        dashed = bool(row)
        boxes = [
            box(axes, (x, y), (width, 0.6), text, colour=ink, dashed=dashed)
            for x, width, text in ((0.8, 1.4, file), (2.85, 1.3, content), (5.15, 1.5, outcome))
        ]
        arrow(axes, boxes[0].right, boxes[1].left, "holds", colour=ink, dashed=dashed)
        arrow(axes, boxes[1].right, boxes[2].left, "load", colour=ink, dashed=dashed)
    label(axes, (plots.WIDTH - 0.1, 0.2), "a Lambda: only with safe_mode=False", ha="right")
    return figure


def request_gates(photograph: ArrayLike, gates: Sequence[tuple[str, str, str]]) -> Figure:
    """Draw a photograph's way through the gates of a server, in two rows, to its answer.

    Parameters
    ----------
    photograph : array of shape (H, W)
        Grey levels, 0 is black: stands before the first gate.
    gates : sequence of (str, str, str)
        The short name of each gate, and the code and the reason of its refusal.

    Returns
    -------
    matplotlib.figure.Figure
    """
    gates = list(gates)
    if not gates:
        raise ValueError(_checks.message("gates", "empty", "at least one gate"))
    photograph = _checks.array("photograph", photograph, "H W")
    columns = (len(gates) + 3) // 2  # with the photograph and the answer
    pitch, tall = plots.WIDTH / columns, 1.6
    figure, axes = canvas(2 * tall)
    grey = plt.rcParams["axes.edgecolor"]
    centre = pitch / 2, 2 * tall - 0.32
    # As wide as a gate, or as high as there is space above the refusals.
    size = min(pitch - 0.35, 0.5 * max(photograph.shape) / photograph.shape[0])
    before = picture(axes, photograph, centre, size, scale=Normalize(0, 255))
    for place, (name, code, reason) in enumerate(gates, 1):
        row, column = divmod(place, columns)
        x, floor = (column + 0.5) * pitch, (1 - row) * tall
        gate = box(axes, (x, floor + tall - 0.32), (pitch - 0.35, 0.44), name)
        _to_next(axes, before, gate, floor + tall, grey)
        refusal = box(axes, (x, floor + 0.57), (pitch - 0.45, 0.34), code, colour=plots.PALETTE[1])
        label(axes, (x, floor + 0.23), reason)
        arrow(axes, gate.bottom, refusal.top, colour=plots.PALETTE[1], dashed=True)
        before = gate
    row, column = divmod(len(gates) + 1, columns)
    centre = (column + 0.5) * pitch, (1 - row) * tall + tall - 0.32
    answer = box(axes, centre, (pitch - 0.35, 0.44), "200", colour=plots.PALETTE[3])
    label(axes, (centre[0], centre[1] - 0.37), "digits read")
    _to_next(axes, before, answer, (1 - row) * tall + tall, grey)
    return figure


def _to_next(axes: Axes, before: Box, after: Box, height: float, colour: str) -> None:
    """Draw an arrow to the next box: across, or down to the next row, along its upper edge."""
    if after.centre[0] > before.centre[0]:
        arrow(axes, before.right, after.left)
        return
    out, into = before.right[0] + 0.1, after.left[0] - 0.12
    up, down = before.right[1], after.left[1]
    corners = [before.right, (out, up), (out, height), (into, height), (into, down)]
    axes.plot(*np.array(corners).T, color=colour, lw=1.5, ls="-", marker="none")
    arrow(axes, (into - 0.03, down), after.left)


# --- chapter 10: several workers, one network -------------------------------------------------


def data_parallel(images: ArrayLike) -> Figure:
    """Draw how two workers divide a batch, add their gradients, and take the same step.

    Parameters
    ----------
    images : array of shape (8, H, W)
        The batch; the first four go to worker 0, the others to worker 1.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are not eight images.
    """
    images = _checks.array("images", images, "N H W")
    if len(images) != 8:
        raise ValueError(_checks.message("images", f"{len(images)} images", "8 of them"))
    figure, axes = canvas(3.0)
    rows, tall = (2.4, 0.95), 0.75
    middle = (3.76, sum(rows) / 2)
    add = box(axes, middle, (0.4, rows[0] - rows[1] + tall), colour=plots.PALETTE[1])
    label(axes, middle, "all-reduce: add up", rotation=90)
    for worker, y in enumerate(rows):
        for place, image in enumerate(images[4 * worker : 4 * worker + 4]):
            across, down = place % 2, place // 2
            picture(axes, image, (0.33 + 0.48 * across, y + 0.24 - 0.48 * down), 0.44)
        copy = box(axes, (1.95, y), (1.15, tall), f"worker {worker}", "same weights")
        arrow(axes, (1.06, y), copy.left)
        arrow(axes, copy.right, (add.left[0], y), "gradient")
        step = box(axes, (5.33, y), (1.15, tall), "step", "equal again")
        arrow(axes, (add.right[0], y), step.left, "sum")
    # `copy` and `step` are those of the lower row.
    back = [step.bottom, (step.bottom[0], 0.18), (copy.bottom[0], 0.18)]
    style = {"color": plt.rcParams["axes.edgecolor"], "lw": 1.5, "ls": "-", "marker": "none"}
    axes.plot(*np.array(back).T, **style)
    arrow(axes, (copy.bottom[0], 0.15), copy.bottom)
    label(axes, ((copy.bottom[0] + step.bottom[0]) / 2, 0.34), "both go on with the next batch")
    return figure


def lockstep(phases: Sequence[str]) -> Figure:
    """Draw two workers' steps along time: nobody goes on before the slower one is ready.

    Parameters
    ----------
    phases : sequence of three str
        What each worker does alone, what both do together, and what each does after that.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are not three phases.
    """
    if len(phases) != 3:
        raise ValueError(_checks.message("phases", f"{len(phases)} names", "3 names"))
    work, together, after = phases
    figure, axes = canvas(2.3)
    height, rows = 0.55, (1.62, 0.87)
    for worker, y in enumerate(rows):
        label(axes, (0.04, y), f"worker {worker}", ha="left")
    starts = ((0.92, (0.92, 1.2)), (3.5, (1.2, 0.92)))
    for number, (start, lengths) in enumerate(starts, 1):
        meet = start + max(lengths)
        for y, length in zip(rows, lengths, strict=True):
            box(axes, (start + length / 2, y), (length, height), work)
            box(axes, (meet + 0.77, y), (0.66, height), after, colour=plots.PALETTE[3])
            if length < max(lengths):
                style = {"color": plt.rcParams["xtick.color"], "ls": ":", "marker": "none"}
                axes.plot((start + length, meet), (y, y), **style)
                between = meet - 0.01, sum(rows) / 2
                label(axes, between, "waits", ha="right", color=style["color"])
        middle = (meet + 0.21, sum(rows) / 2)
        size = (0.36, rows[0] - rows[1] + height)
        box(axes, middle, size, colour=plots.PALETTE[1])
        label(axes, middle, together, rotation=90)
        label(axes, ((start + meet + 1.1) / 2, 2.13), f"step {number}")
    arrow(axes, (0.92, 0.38), (5.95, 0.38))
    label(axes, (3.4, 0.19), "time")
    return figure


def ring_rounds() -> Figure:
    """Draw a ring's all-reduce: own pieces, growing ones, one sum each, and all sums everywhere.

    A box says how many workers' gradients are added up in it. Between the squares, arrows lead
    from each worker to the next.

    Returns
    -------
    matplotlib.figure.Figure
    """
    workers, side, first, pitch = 4, 0.25, 0.8, 1.36
    figure, axes = canvas(2.05)
    rows = [1.2 - (worker + 0.5) * side for worker in range(workers)]
    for worker, y in enumerate(rows):
        label(axes, (0.03, y), f"worker {worker}", ha="left")
    label(axes, (0.03, 1.31), "piece", ha="left")
    titles = ("at first", "after one\nmessage", "once round:\nadded up", "twice round:\nhanded out")
    for stage, title in enumerate(titles):
        left = first + pitch * stage
        label(axes, (left + workers * side / 2, 1.72), title)
        for piece in range(workers):
            label(axes, (left + (piece + 0.5) * side, 1.31), str(piece))
        for worker, y in enumerate(rows):
            for piece in range(workers):
                # A piece sets out from the worker of its number, and is complete with the last.
                place = (worker - piece) % workers
                added = (1, 2 if place == 1 else 1, place + 1, workers)[stage]
                whole = added == workers
                text, colour = ("Σ", plots.PALETTE[1]) if whole else (str(added), plots.PALETTE[0])
                if added == 1:  # no more than its own
                    colour = tint(colour, 0.35)
                centre = left + (piece + 0.5) * side, y
                box(axes, centre, (0.88 * side, 0.84 * side), text, colour=colour)
        if stage:
            between, back = left - 0.27, left - 0.09
            for start, end in pairwise(rows):
                arrow(axes, (between, start), (between, end))
            arrow(axes, (back, rows[-1]), (back, rows[0]), dashed=True)
    return figure


def where_workers_live() -> Figure:
    """Draw three homes of workers: a machine's processor, its graphics cards, several machines.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = canvas(2.75)
    homes = (
        (0.98, "this chapter:\ntwo processes", "127.0.0.1"),
        (2.98, "one machine,\nseveral GPUs", "GPU links"),
        (5.0, "a cluster of\nmachines", "network cables"),
    )
    for x, title, below in homes:
        label(axes, (x, 2.48), title)
        start = x - (0.4 + 0.85 * CHARACTER * len(below)) / 2
        _joined(axes, (start, 0.14), (start + 0.3, 0.14))
        label(axes, (start + 0.4, 0.14), below, ha="left")
    box(axes, (0.98, 1.25), (1.6, 1.8))
    label(axes, (0.98, 0.5), "one machine")
    one, other = (box(axes, (0.98, y), (1.1, 0.44), "worker") for y in (1.84, 0.96))
    _joined(axes, one.bottom, other.top)
    box(axes, (2.98, 1.25), (1.6, 1.8))
    cards = [
        box(axes, (x, y), (0.55, 0.45), "GPU", colour=plots.PALETTE[1])
        for x, y in ((2.6, 1.7), (3.36, 1.7), (3.36, 0.8), (2.6, 0.8))
    ]
    _ring(axes, cards)
    machines = []
    for x, y in ((4.53, 1.73), (5.5, 1.73), (5.5, 0.77), (4.53, 0.77)):
        machines.append(box(axes, (x, y), (0.7, 0.78)))
        for up in (0.18, -0.18):
            box(axes, (x, y + up), (0.52, 0.28), "GPU", colour=plots.PALETTE[1])
    _ring(axes, machines)
    return figure


def _ring(axes: Axes, corners: Sequence[Box]) -> None:
    """Join four boxes, from above left in the clock's direction, by lines."""
    above_left, above_right, below_right, below_left = corners
    _joined(axes, above_left.right, above_right.left)
    _joined(axes, above_right.bottom, below_right.top)
    _joined(axes, below_left.right, below_right.left)
    _joined(axes, above_left.bottom, below_left.top)


def _joined(axes: Axes, start: Point, end: Point) -> None:
    """Draw a plain line between two points."""
    style = {"color": plt.rcParams["axes.edgecolor"], "lw": 2.0, "ls": "-", "marker": "none"}
    axes.plot(*np.array([start, end]).T, **style)
