"""Render what is hard to read, and what is not handwriting: `tools.handwriting_bench` measures it.

`PAGES` and `SINGLES` hold one function for every type of difficulty. A page's function returns a
picture and the digits on it, in reading order; a single digit's function takes a shape of
`tools.synthetic` and its label, and returns a picture. `NON_DIGITS` holds pictures without a digit.
Everything follows from the `numpy.random.Generator` that a function is given.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage, special

from tools import synthetic
from tools.synthetic import Picture, Shape

Colours = NDArray[np.float32]  # (H, W, 3), 0 to 255
Written = Sequence[tuple[Shape, int]]  # shapes and their labels

DARK_TABLES = ((62, 44, 34), (40, 42, 46), (96, 66, 44))
LIGHT_TABLES = ((150, 140, 128), (172, 150, 120), (158, 164, 170))


# --- Paper and camera ---------------------------------------------------------------------------


def _grid(height: int, width: int) -> tuple[Shape, Shape]:
    """Pixel coordinates, counted from the middle."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return y - height / 2, x - width / 2


def _lines(
    rng: np.random.Generator,
    shape: tuple[int, int],
    pitch: float,
    squared: bool,
    slope: float = 0.0,
    bow: float = 0.0,
) -> Shape:
    """Print ruled or squared paper, turned by `slope` (radians), its lines bowed by pixels."""
    y, x = _grid(*shape)
    down = math.cos(slope) * y - math.sin(slope) * x + bow * np.cos(math.pi * x / shape[1])
    along = math.cos(slope) * x + math.sin(slope) * y + bow * np.cos(math.pi * y / shape[0])
    thick = max(1.0, pitch * rng.uniform(0.015, 0.035))
    ink = np.zeros(shape, np.float32)
    for across in (down, along)[: 1 + squared]:
        away = np.abs(across % pitch - pitch / 2)
        ink = np.maximum(ink, np.clip(thick / 2 + 0.5 - away, 0, 1))
    return ink


def _paper(
    rng: np.random.Generator, ink: Shape, printed: Shape, dark: float, strength: float
) -> Colours:
    """Colour the layers of ink and print."""
    paper = np.array(synthetic.PAPERS[rng.integers(3)], np.float32)
    pens = [colour for inks in synthetic.INKS.values() for colour in inks]
    pen = np.array(pens[rng.integers(len(pens))], np.float32)
    line = np.array([(100, 130, 190), (130, 130, 130), (180, 120, 120)][rng.integers(3)])
    picture = paper + (line - paper) * (strength * printed)[..., np.newaxis]
    return np.asarray(picture + (pen - picture) * (dark * ink)[..., np.newaxis], np.float32)


def _take(rng: np.random.Generator, picture: Colours, blur: float = 0.7) -> Picture:
    """Photograph what lies there: uneven light, a lens, a sensor, JPEG."""
    height, width = picture.shape[:2]
    y, x = _grid(height, width)
    angle = rng.uniform(0, 2 * math.pi)
    light = 0.85 + rng.uniform(0, 0.12) * (
        math.cos(angle) * x / width + math.sin(angle) * y / height
    )
    picture = ndimage.gaussian_filter(picture * light[..., np.newaxis], (blur, blur, 0))
    grain = rng.normal(0, rng.uniform(1, 4), (height, width, 1))
    return _jpeg(np.clip(picture + grain, 0, 255).astype(np.uint8), int(rng.integers(60, 96)))


def _jpeg(picture: Picture, quality: int) -> Picture:
    memory = io.BytesIO()
    Image.fromarray(picture).save(memory, "JPEG", quality=quality)
    return np.asarray(Image.open(memory))


def _shade(rng: np.random.Generator, picture: Colours) -> Colours:
    """Let the phone's shadow fall in from a corner, with an edge of a few pixels."""
    y, x = _grid(*picture.shape[:2])
    x, y = x * rng.choice([-1, 1]), y * rng.choice([-1, 1])
    reach = rng.uniform(-0.35, 0.25, 2) * picture.shape[:2]
    inside = special.expit(np.minimum(y - reach[0], x - reach[1]) / rng.uniform(1, 8))
    return picture * (1 - rng.uniform(0.3, 0.7) * inside)[..., np.newaxis].astype(np.float32)


def _hand(rng: np.random.Generator, picture: Colours) -> Colours:
    """Let a thumb hold the paper, from the left, the right or below."""
    image = Image.new("L", picture.shape[1::-1], 0)
    height, width = picture.shape[:2]
    thick = rng.uniform(0.14, 0.22) * min(height, width)
    side, place = rng.integers(3), rng.uniform(0.3, 0.7)
    tip = rng.uniform(0.04, 0.08) * min(height, width)
    x, y = ((tip, place * height), (width - tip, place * height), (place * width, height - tip))[
        side
    ]
    away = (-thick, thick, 0)[side], (0.5 * thick, 0.5 * thick, thick)[side]
    draw = ImageDraw.Draw(image)
    draw.line((x, y, x + 3 * away[0], y + 3 * away[1]), fill=255, width=round(thick))
    draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=255)
    cover = ndimage.gaussian_filter(np.asarray(image, np.float32) / 255, 1.5)[..., np.newaxis]
    skin = np.array([(205, 150, 125), (120, 80, 60), (235, 190, 165)][rng.integers(3)])
    folds = 1 + 0.08 * synthetic._field(rng, height, width, 20)[..., np.newaxis]
    return np.asarray(picture + (skin * folds - picture) * cover, np.float32)


def _lay(
    rng: np.random.Generator,
    picture: Colours,
    tables: Sequence[tuple[int, int, int]],
    tilt: float = 0.0,
    turn: float = 6.0,
) -> Colours:
    """Lay a sheet on a table; `tilt` is how much shorter its far side looks, `turn` in degrees."""
    height, width = picture.shape[:2]
    margin = 0.16 * max(height, width)
    high, wide = round(height + 2 * margin), round(width + 2 * margin)
    y, _ = _grid(high, wide)
    rings = 1 + 0.1 * np.sin(y * rng.uniform(0.02, 0.1) + 3 * synthetic._field(rng, high, wide, 5))
    table = np.array(tables[rng.integers(len(tables))], np.float32) * rings[..., np.newaxis]
    angle = math.radians(rng.uniform(-turn, turn))
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (width / 2, height / 2)
    corners[:2, 0] *= 1 - tilt
    corners[:, 1] *= 1 - tilt / 2
    rotation = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    corners = corners @ rotation + (wide / 2, high / 2)
    # The homography from the table's corners to the sheet's, as Pillow takes it.
    rows, sheet = [], [(0, 0), (width, 0), (width, height), (0, height)]
    for (u, v), (s, t) in zip(corners, sheet, strict=True):
        rows += [[u, v, 1, 0, 0, 0, -s * u, -s * v], [0, 0, 0, u, v, 1, -t * u, -t * v]]
    warp = np.linalg.solve(np.array(rows), np.array(sheet, float).ravel())
    shown = [
        Image.fromarray(layer).transform(
            (wide, high), Image.Transform.PERSPECTIVE, warp.tolist(), Image.Resampling.BICUBIC
        )
        for layer in (
            np.clip(picture, 0, 255).astype(np.uint8),
            np.full((height, width), 255, np.uint8),
        )
    ]
    cover = np.asarray(shown[1], np.float32)[..., np.newaxis] / 255
    return np.asarray(table + (np.asarray(shown[0], np.float32) - table) * cover, np.float32)


def _page_edge(rng: np.random.Generator, picture: Colours) -> Colours:
    """Let the dark table show beyond one side of the paper, and a crease beside it."""
    height, width = picture.shape[:2]
    y, x = _grid(height, width)
    from_side = x + width / 2 if rng.random() < 0.5 else width / 2 - x
    wave = np.cumsum(rng.normal(0, 0.1, height))[:, np.newaxis]
    edge = width * rng.uniform(0.01, 0.03) + wave + rng.normal(0, 0.01) * y
    crease = (np.abs(from_side - edge - 9) < 1.5) & (rng.random(height) > 0.3)[:, np.newaxis]
    picture = picture * (1 - 0.3 * crease[..., np.newaxis])
    beyond = (from_side < edge)[..., np.newaxis]
    return np.where(beyond, DARK_TABLES[rng.integers(3)], picture).astype(np.float32)


# --- Pages --------------------------------------------------------------------------------------


def page(
    rng: np.random.Generator,
    written: Written,
    *,
    rows: int = 2,
    height: float = 0.0,
    smallest: float = 0.9,
    lines: str = "",
    strength: tuple[float, float] = (0.25, 0.6),
    dark: tuple[float, float] = (0.7, 0.95),
    slope: tuple[float, float] = (0.0, 0.02),
    bow: float = 0.0,
    worn: bool = False,
    touching: bool = False,
    marks: bool = False,
    change: Callable[[np.random.Generator, Colours], Colours] | None = None,
    turn: bool = False,
) -> tuple[Picture, str]:
    """Photograph digits in rows.

    Parameters
    ----------
    rng : numpy.random.Generator
    written : sequence of (shape, label)
    rows : int, optional
    height : float, optional
        Of a usual digit, pixels; 50 to 85 if it is 0.
    smallest : float, optional
        Height of the smallest digit over that of the usual one.
    lines : {"", "ruled", "squared"}, optional
    strength, dark : pair of float, optional
        Limits of the blackness of lines and of ink.
    slope : pair of float, optional
        Limits of the angle by which the page is askew, radians, either way.
    bow : float, optional
        Pixels by which lines are bowed.
    worn, touching, marks : bool, optional
        Broken and pale strokes; neighbours that touch; commas and full stops.
    change : function, optional
        What else the camera sees: takes and returns the picture.
    turn : bool, optional
        Turn the picture by 90, 180 or 270 degrees.

    Returns
    -------
    picture : ndarray of uint8, shape (H, W, 3)
    text : str
        The digits in reading order.
    """
    usual = height or rng.uniform(50, 85)
    leading = usual * rng.uniform(1.7, 2.1)
    columns = math.ceil(len(written) / rows)
    angle = rng.uniform(*slope) * rng.choice([-1, 1])
    wide = round(usual * (1.25 * columns + 1.6))
    high = round(leading * (rows + 0.6) + wide * math.sin(abs(angle)))
    ink = np.zeros((high, wide), np.float32)
    for row in range(rows):
        at = -wide / 2 + 0.8 * usual
        for i, (shape, _) in enumerate(written[row * columns : (row + 1) * columns]):
            if worn:
                shape = synthetic.worn(rng, shape)
            tall = usual * rng.uniform(smallest, 1.05)
            tall = min(tall, 1.1 * usual * shape.shape[0] / shape.shape[1])
            digit = synthetic._resized(shape, tall, -math.degrees(angle) + rng.normal(0, 2))
            base = (row + 0.5 - rows / 2) * leading + usual / 2 - rng.uniform(0, 0.08) * usual
            place = np.array([at + digit.shape[1] / 2, base - tall / 2])
            corner = np.add(_turned(place, angle), (wide / 2, high / 2))
            left, top = corner - np.array(digit.shape)[::-1] / 2
            left, top = round(left), round(top)
            if touching and i and rng.random() < 0.5:
                left = _until_touching(ink, digit, top, left, round(0.5 * usual))
                at = _turned(np.array([left + digit.shape[1] / 2 - wide / 2, 0]), -angle)[0]
                at -= digit.shape[1] / 2
            synthetic._place(ink, digit, top, left)
            at += digit.shape[1]
            if marks and rng.random() < 0.4:
                _mark(rng, ink, (at + 0.12 * usual + wide / 2, base + high / 2), usual)
                at += 0.2 * usual
            at += usual * rng.uniform(0.22, 0.4)
    pitch = leading if lines == "ruled" else usual * rng.uniform(0.6, 1.2)
    printed = np.zeros_like(ink)
    if lines:
        printed = _lines(
            rng, ink.shape, pitch, lines == "squared", angle, bow * rng.uniform(0.4, 1)
        )
    picture = _paper(rng, ink, printed, rng.uniform(*dark), rng.uniform(*strength))
    if change is not None:
        picture = change(rng, picture)
    taken = _take(rng, picture, 0.4 if usual < 45 else 0.7)
    if turn:
        taken = np.rot90(taken, rng.integers(1, 4))
    return np.ascontiguousarray(taken), "".join(str(label) for _, label in written)


def _turned(point: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    x, y = point
    return np.array(
        [math.cos(angle) * x - math.sin(angle) * y, math.sin(angle) * x + math.cos(angle) * y]
    )


def _until_touching(ink: Shape, digit: Shape, top: int, left: int, most: int) -> int:
    """Move a digit to the left until its ink meets its neighbour's."""
    for step in range(most):
        part = ink[max(top, 0) : top + digit.shape[0], left - step : left - step + digit.shape[1]]
        cut = digit[max(-top, 0) :][: part.shape[0], : part.shape[1]]
        if ((part > 0.5) & (cut > 0.5)).any():
            return left - step
    return left


def _mark(rng: np.random.Generator, ink: Shape, foot: tuple[float, float], usual: float) -> None:
    """Write a full stop or a comma."""
    layer = Image.new("L", ink.shape[::-1], 0)
    (x, y), r = foot, max(1.0, usual * rng.uniform(0.03, 0.06))
    draw = ImageDraw.Draw(layer)
    draw.ellipse((x - r, y - r, x + r, y + r), fill=255)
    if rng.random() < 0.5:
        draw.line((x, y, x - 0.08 * usual, y + 0.2 * usual), fill=255, width=round(1.5 * r))
    np.maximum(ink, np.asarray(layer, np.float32) / 255, out=ink)


PAGES: dict[str, Callable[[np.random.Generator, Written], tuple[Picture, str]]] = {
    "plain paper": partial(page),
    "one row": partial(page, rows=1),
    "four rows": partial(page, rows=4),
    "ruled": partial(page, lines="ruled"),
    "squared": partial(page, lines="squared"),
    "pale bowed lines": partial(page, lines="squared", strength=(0.15, 0.3), bow=12),
    "lines sloping to 15°": partial(page, rows=1, lines="ruled", slope=(0.08, 0.26)),
    "mixed sizes": partial(page, smallest=0.42),
    "broken, pale strokes": partial(page, worn=True),
    "pale ink": partial(page, dark=(0.2, 0.35)),
    "touching": partial(page, rows=1, touching=True),
    "commas, full stops": partial(page, marks=True),
    "tiny, 24–64 px high": lambda rng, written: page(
        rng, written[:4], rows=1, height=rng.uniform(13, 32)
    ),
    "tiny over a pale line": lambda rng, written: page(
        rng, written[:4], rows=1, height=rng.uniform(13, 32), lines="ruled", strength=(0.05, 0.15)
    ),
    "shadow with an edge": partial(page, change=_shade),
    "a hand": partial(page, change=_hand),
    "the page's edge": partial(page, change=_page_edge),
    "sheet on a dark table": partial(page, change=partial(_lay, tables=DARK_TABLES)),
    "sheet on a light table": partial(page, change=partial(_lay, tables=LIGHT_TABLES)),
    "perspective": partial(page, change=partial(_lay, tables=DARK_TABLES, tilt=0.25, turn=12.0)),
    "turned": partial(page, turn=True),
    "all at once": partial(
        page,
        lines="ruled",
        worn=True,
        smallest=0.7,
        slope=(0.0, 0.1),
        change=lambda rng, picture: _shade(
            rng, _lay(rng, _hand(rng, picture), DARK_TABLES, tilt=0.1)
        ),
    ),
}


# --- Single digits ------------------------------------------------------------------------------


def _on_paper(
    rng: np.random.Generator,
    shape: Shape,
    margin: tuple[float, float] = (0.2, 0.6),
    dark: tuple[float, float] = (0.7, 0.95),
    height: tuple[float, float] = (40, 160),
    printed: Callable[[tuple[int, int]], Shape] | None = None,
    blur: float = 0.7,
) -> Picture:
    digit = synthetic._resized(shape, rng.uniform(*height), rng.normal(0, 3))
    around = [round(side * rng.uniform(*margin)) for side in (max(digit.shape),) * 4]
    ink = np.pad(digit, (around[:2], around[2:]))
    print_ = np.zeros_like(ink) if printed is None else printed(ink.shape)
    return _take(rng, _paper(rng, ink, print_, rng.uniform(*dark), rng.uniform(0.25, 0.8)), blur)


def _enlarged(rng: np.random.Generator, shape: Shape, label: int) -> Picture:
    """Enlarge a picture of a few pixels smoothly."""
    drawn = Image.fromarray(synthetic.drawing(rng, np.minimum(shape, 1), 160))
    few = drawn.resize((int(rng.integers(10, 21)),) * 2, Image.Resampling.BOX)
    side = int(rng.integers(48, 241))
    return np.asarray(few.resize((side, side), Image.Resampling.BICUBIC))


def _with_remnants(rng: np.random.Generator, shape: Shape, label: int) -> Picture:
    """One or two bits of line across or beside the digit, as a form leaves them."""

    def bits(size: tuple[int, int]) -> Shape:
        layer = Image.new("L", size[::-1], 0)
        draw = ImageDraw.Draw(layer)
        for _ in range(rng.integers(1, 3)):
            high, wide = size
            y, x, long = rng.uniform(0, high), rng.uniform(0, wide), rng.uniform(0.15, 0.4)
            end = (x + long * wide, y + 2) if rng.random() < 0.7 else (x + 2, y + long * high)
            draw.line((x, y, *end), fill=255, width=max(1, round(0.012 * max(size))))
        return np.asarray(layer, np.float32) / 255

    return _on_paper(rng, shape, printed=bits)


SINGLES: dict[str, Callable[[np.random.Generator, Shape, int], Picture]] = {
    "drawing": lambda rng, shape, label: synthetic.drawing(rng, shape),
    "photograph": lambda rng, shape, label: synthetic.photograph(rng, shape),
    "one-pixel pen": lambda rng, shape, label: synthetic.pixel_pen(
        rng, label, int(rng.integers(30, 301))
    ),
    "few pixels, enlarged": _enlarged,
    "blurred": lambda rng, shape, label: _on_paper(
        rng, shape, height=(80, 80), blur=rng.uniform(2, 5)
    ),
    "JPEG, quality 4 to 12": lambda rng, shape, label: _jpeg(
        _on_paper(rng, shape), int(rng.integers(4, 13))
    ),
    "pale": lambda rng, shape, label: _on_paper(rng, shape, dark=(0.12, 0.3)),
    "uneven pressure": lambda rng, shape, label: _on_paper(rng, synthetic.worn(rng, shape)),
    "tight crop": lambda rng, shape, label: _on_paper(rng, shape, margin=(0, 0.04)),
    "remnants of lines": _with_remnants,
}


def enlarged(image: NDArray[np.float64], side: int) -> Picture:
    """Enlarge one of UCI's digits, 8 × 8 pixels from 0 to 16, smoothly (bicubic)."""
    small = Image.fromarray(np.rint(image * 255 / 16).astype(np.uint8))
    return np.asarray(small.resize((side, side), Image.Resampling.BICUBIC))


# --- No digits ----------------------------------------------------------------------------------


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    # Pillow 10.1 takes a string alone.
    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", name)), size)


FONTS = ("DejaVuSans.ttf", "DejaVuSerif.ttf", "DejaVuSansMono-Bold.ttf", "DejaVuSerif-Italic.ttf")
WORDS = (
    "paper", "Table of contents", "the quick brown fox", "Do not write here", "Name", "Signature",
    "handwriting", "and then we measured", "Chapter", "Kurze Mitteilung", "page", "For office use",
)  # fmt: skip
LETTERS = "ABCDEFGHJKLMNPQRTUVWXYacdefhkmnprtuvwxyÄÖß"  # no I, O, S, Z, b, g, i, l, o, q, s, z
SIGNS = "+=?!#%&@*<>{}[]§€$→♥★✓~"


def _printed(rng: np.random.Generator, texts: Sequence[str], size: int, turn: float = 0.0) -> Shape:
    """Print rows of text: ink, with a margin."""
    font = _font(FONTS[rng.integers(len(FONTS))], size)
    boxes = [font.getbbox(text) for text in texts]
    width = round(max(box[2] for box in boxes)) + 2 * size
    layer = Image.new("L", (width, round(1.5 * size * len(texts)) + 2 * size), 0)
    for i, text in enumerate(texts):
        ImageDraw.Draw(layer).text((size, size + 1.5 * size * i), text, fill=255, font=font)
    return np.asarray(layer.rotate(turn, Image.Resampling.BICUBIC), np.float32) / 255


def _drawn_lines(
    size: tuple[int, int], lines: Sequence[Sequence[tuple[float, float]]], pen: int
) -> Shape:
    """Draw polylines; points are fractions of the height."""
    layer = Image.new("L", size[::-1], 0)
    draw = ImageDraw.Draw(layer)
    for line in lines:
        draw.line([(x * size[0], y * size[0]) for x, y in line], 255, pen, "curve")
    return np.asarray(layer, np.float32) / 255


def _shown(rng: np.random.Generator, ink: Shape, dark: float = 0.85) -> Picture:
    """Show ink on paper: a third as a clean drawing, the rest photographed."""
    if rng.random() < 0.35:
        return np.rint(255 * (1 - ink)).astype(np.uint8)
    return _take(rng, _paper(rng, ink, np.zeros_like(ink), dark, 0))


def _side(rng: np.random.Generator) -> int:
    return int(rng.integers(120, 321))


def _blots(rng: np.random.Generator) -> Picture:
    side = _side(rng)
    field = synthetic._field(rng, side, side, int(rng.integers(2, 6)))
    y, x = _grid(side, side)
    field = field - 3 * (np.hypot(x, y) / side) ** 2
    return _shown(rng, np.clip(8 * (field - np.quantile(field, rng.uniform(0.6, 0.95))), 0, 1))


def _scribble(rng: np.random.Generator) -> Picture:
    side = _side(rng)
    points = rng.uniform(0.1, 0.9, (int(rng.integers(14, 40)), 2))
    line = synthetic._spline([(float(x), float(y)) for x, y in points])
    return _shown(rng, _drawn_lines((side, side), [line.tolist()], int(rng.integers(1, 7))))


def _face(rng: np.random.Generator) -> Picture:
    side = _side(rng)

    def ring(x: float, y: float, r: float, start: float = 0, end: float = 360) -> synthetic.Stroke:
        return synthetic._arc(x, y, r * rng.uniform(0.8, 1.1), r, start, end)

    lines = [ring(0.5, 0.5, 0.4), ring(0.5, 0.52, 0.2, 30, 150)]
    for x in (0.36, 0.64):
        lines.append(ring(x, 0.4, rng.uniform(0.02, 0.08)))
    if rng.random() < 0.5:
        lines.append([(0.5, 0.42), (0.46, 0.56), (0.52, 0.56)])
    return _shown(rng, _drawn_lines((side, side), lines, int(rng.integers(2, 7))))


THINGS: dict[str, list[synthetic.Stroke]] = {
    "house": [[(0.2, 0.9), (0.2, 0.45), (0.5, 0.15), (0.8, 0.45), (0.8, 0.9), (0.2, 0.9)],
              [(0.45, 0.9), (0.45, 0.65), (0.6, 0.65), (0.6, 0.9)]],
    "tree": [[(0.5, 0.9), (0.5, 0.5)], synthetic._arc(0.5, 0.32, 0.25, 0.22, 0, 360)],
    "man": [synthetic._arc(0.5, 0.2, 0.1, 0.1, 0, 360), [(0.5, 0.3), (0.5, 0.62)],
            [(0.25, 0.42), (0.75, 0.42)], [(0.3, 0.9), (0.5, 0.62), (0.7, 0.9)]],
    "star": [[(0.5, 0.1), (0.7, 0.85), (0.12, 0.38), (0.88, 0.38), (0.3, 0.85), (0.5, 0.1)]],
    "sun": [synthetic._arc(0.5, 0.5, 0.18, 0.18, 0, 360),
            *([(0.5 + 0.25 * x, 0.5 + 0.25 * y), (0.5 + 0.4 * x, 0.5 + 0.4 * y)]
              for x, y in synthetic._arc(0, 0, 1, 1, 0, 330))],
    "fish": [synthetic._arc(0.42, 0.5, 0.28, 0.16, 0, 360), [(0.7, 0.5), (0.9, 0.35), (0.9, 0.65),
             (0.7, 0.5)], [(0.27, 0.45), (0.29, 0.45)]],
}  # fmt: skip


def _thing(rng: np.random.Generator) -> Picture:
    side, strokes = _side(rng), list(THINGS.values())[rng.integers(len(THINGS))]
    lines = [
        [(x + rng.normal(0, 0.015), y + rng.normal(0, 0.015)) for x, y in line] for line in strokes
    ]
    return _shown(rng, _drawn_lines((side, side), lines, int(rng.integers(2, 8))))


def _texture(rng: np.random.Generator) -> Picture:
    """Colours that run into each other, with some edges: a photograph of anything."""
    side = _side(rng)
    layers = [
        sum(synthetic._field(rng, side, side, cells) / cells**0.5 for cells in (2, 5, 13))
        for _ in range(3)
    ]
    picture = 128 + 90 * np.stack(layers, axis=-1)
    for _ in range(rng.integers(0, 6)):
        top, left = rng.integers(0, side, 2)
        high, wide = rng.integers(10, side, 2)
        picture[top : top + high, left : left + wide] += rng.normal(0, 50, 3)
    return _take(rng, np.clip(picture, 0, 255).astype(np.float32))


def _barcode(rng: np.random.Generator) -> Picture:
    side = _side(rng)
    bars = np.repeat(rng.random(side) < 0.5, rng.integers(1, 5, side))[:side]
    ink = np.zeros((side, side), np.float32)
    ink[side // 4 : 3 * side // 4, side // 10 : -side // 10] = bars[side // 10 : -side // 10]
    return _shown(rng, ink)


def _pattern(rng: np.random.Generator) -> Picture:
    """Squared paper, or parallel lines, or one line."""
    shape = (_side(rng), _side(rng))
    if rng.random() < 0.3:
        ends = rng.uniform(0, 1, (int(rng.integers(1, 4)), 2))
        lines = [[(-0.1, float(a)), (3.0, float(b))] for a, b in ends]
        return _shown(rng, _drawn_lines(shape, lines, int(rng.integers(1, 6))))
    pitch = rng.uniform(8, 60)
    return _shown(rng, _lines(rng, shape, pitch, rng.random() < 0.6, rng.normal(0, 0.1)), 0.5)


def _empty(rng: np.random.Generator) -> Picture:
    blank = np.zeros((_side(rng), _side(rng)), np.float32)
    if rng.random() < 0.2:
        return np.full(blank.shape, rng.integers(256), np.uint8)
    return _take(rng, _paper(rng, blank, blank, 0, 0))


def _grain(rng: np.random.Generator) -> Picture:
    noise = rng.normal(128, rng.uniform(3, 80), (_side(rng), _side(rng)))
    noise = ndimage.gaussian_filter(noise, rng.uniform(0, 3))
    return np.clip(noise, 0, 255).astype(np.uint8)


def _shadow(rng: np.random.Generator) -> Picture:
    blank = np.zeros((_side(rng), _side(rng)), np.float32)
    return _take(rng, _shade(rng, _paper(rng, blank, blank, 0, 0)))


NON_DIGITS: dict[str, Callable[[np.random.Generator], Picture]] = {
    "empty paper": _empty,
    "grain": _grain,
    "shadow": _shadow,
    "blot": _blots,
    "scribble": _scribble,
    "face": _face,
    "drawn thing": _thing,
    "texture": _texture,
    "barcode": _barcode,
    "lines, grid": _pattern,
    "printed text": lambda rng: _shown(
        rng,
        _printed(
            rng,
            [WORDS[i] for i in rng.integers(len(WORDS), size=rng.integers(1, 5))],
            int(rng.integers(12, 40)),
        ),
    ),
    "letter": lambda rng: _shown(
        rng, _printed(rng, [LETTERS[rng.integers(len(LETTERS))]], 90, rng.normal(0, 5))
    ),
    "sign": lambda rng: _shown(
        rng, _printed(rng, [SIGNS[rng.integers(len(SIGNS))]], 90, rng.normal(0, 5))
    ),
}
