"""Render handwriting whose labels are known: drawings, photographs and pages of digits.

    python -m tools.synthetic sheet.png [--seed 0]     # a contact sheet of every type

Networks are trained and judged on what this module renders, beside real digits. A digit is a
*shape* (float32, ink 1 on 0, cut to its box), and comes from one of two sources: `mnist_shape`
makes a large shape of a 28 × 28 image, `pen_shape` moves a scripted pen in one of several styles of
each digit. `drawing`, `photograph` and `page` put shapes on a canvas, under a camera, or in lines.

Every function takes a `numpy.random.Generator` and returns the same picture for the same state.
"""

from __future__ import annotations

import argparse
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage, special

Shape = NDArray[np.float32]
Picture = NDArray[np.uint8]
Stroke = list[tuple[float, float]]

SHAPE_HEIGHT = 144  # pixels; large enough that no picture shows a shape's own resolution


# --- Pens ---------------------------------------------------------------------------------------
# A style is a list of strokes in a box about 0.65 wide and 1 high, y downwards. Strokes are control
# points of quadratic B-splines; a point given twice is a corner.


def _arc(cx: float, cy: float, rx: float, ry: float, start: float, end: float) -> Stroke:
    """Points on an ellipse; degrees, 0 = right, growing clockwise as seen (y points down)."""
    count = max(4, round(abs(end - start) / 30) + 1)
    angles = np.radians(np.linspace(start, end, count))
    return [(cx + rx * math.cos(a), cy + ry * math.sin(a)) for a in angles]


STYLES: dict[int, dict[str, list[Stroke]]] = {
    0: {
        "round": [_arc(0.32, 0.5, 0.31, 0.5, -100, 270)],
        "narrow": [_arc(0.25, 0.5, 0.2, 0.5, -80, -450)],
        "open": [_arc(0.32, 0.5, 0.3, 0.5, -60, -395)],
        "hooked": [[(0.5, 0.1), *_arc(0.32, 0.52, 0.29, 0.48, -75, -430), (0.1, 0.05)]],
        "slashed": [_arc(0.32, 0.5, 0.31, 0.5, -90, 270), [(0.55, 0.1), (0.1, 0.9)]],
        "slashed beyond": [_arc(0.32, 0.5, 0.26, 0.44, -90, 270), [(0.68, -0.04), (0.0, 1.04)]],
    },
    1: {
        "stroke": [[(0.3, 0.0), (0.3, 1.0)]],
        "flag": [[(0.08, 0.28), (0.34, 0.0), (0.34, 0.0), (0.34, 1.0)]],
        "long flag": [[(0.0, 0.48), (0.4, 0.0), (0.4, 0.0), (0.4, 1.0)]],
        "foot": [[(0.1, 0.22), (0.32, 0.0), (0.32, 0.0), (0.32, 1.0)], [(0.08, 1.0), (0.56, 1.0)]],
        "curved": [[(0.18, 0.16), (0.36, 0.0), (0.36, 0.02), (0.32, 0.5), (0.34, 1.0)]],
        "roof": [[(0.0, 0.74), (0.44, 0.0), (0.44, 0.0), (0.42, 1.0)]],
        "long flag, foot": [[(0.02, 0.42), (0.38, 0.0), (0.38, 0.0), (0.36, 1.0)],
                            [(0.14, 1.0), (0.6, 0.98)]],
        "L": [[(0.18, 0.0), (0.14, 0.98), (0.14, 0.98), (0.44, 0.97)]],
        "flag, L": [[(0.02, 0.16), (0.22, 0.0), (0.22, 0.0), (0.2, 0.98), (0.2, 0.98),
                     (0.46, 0.96)]],
    },
    2: {
        "plain": [
            [*_arc(0.3, 0.26, 0.27, 0.26, -170, 20), (0.46, 0.55), (0.02, 1.0), (0.02, 1.0),
             (0.62, 1.0)]
        ],
        "looped": [
            [*_arc(0.3, 0.26, 0.26, 0.26, -160, 20), (0.4, 0.62), (0.12, 1.0), (0.0, 0.9),
             (0.1, 0.76), (0.3, 0.9), (0.62, 0.98)]
        ],
        "angular": [
            [(0.05, 0.12), (0.3, 0.0), (0.58, 0.08), (0.56, 0.34), (0.0, 1.0), (0.0, 1.0),
             (0.6, 0.96)]
        ],
        "swan": [
            [*_arc(0.32, 0.24, 0.26, 0.24, -190, 30), (0.3, 0.66), (0.0, 0.96), (0.0, 0.96),
             (0.2, 0.86), (0.4, 1.02), (0.64, 0.9)]
        ],
        "big loop": [
            [*_arc(0.3, 0.24, 0.26, 0.24, -160, 25), (0.44, 0.6), (0.2, 0.98), (-0.02, 0.92),
             (0.04, 0.66), (0.26, 0.72), (0.36, 0.96), (0.5, 1.04), (0.68, 0.94)]
        ],
    },
    3: {
        "round": [
            [*_arc(0.28, 0.25, 0.26, 0.25, -160, 80), (0.24, 0.49), (0.24, 0.49),
             *_arc(0.28, 0.73, 0.3, 0.27, -80, 155)]
        ],
        "flat": [
            [(0.04, 0.0), (0.54, 0.0), (0.54, 0.0), (0.26, 0.4), (0.26, 0.4),
             *_arc(0.26, 0.69, 0.31, 0.31, -80, 155)]
        ],
        "looped": [
            [*_arc(0.3, 0.24, 0.24, 0.24, -165, 75), (0.26, 0.5), (0.2, 0.46), (0.26, 0.42),
             *_arc(0.27, 0.73, 0.3, 0.27, -60, 160)]
        ],
        "angular": [
            [(0.05, 0.06), (0.5, 0.08), (0.5, 0.2), (0.22, 0.46), (0.22, 0.46), (0.56, 0.6),
             (0.52, 0.9), (0.05, 1.0)]
        ],
    },
    4: {
        "open": [[(0.1, 0.0), (0.04, 0.56), (0.04, 0.56), (0.66, 0.56)],
                 [(0.5, 0.08), (0.48, 1.0)]],
        "closed": [[(0.46, 1.0), (0.46, 0.0), (0.46, 0.0), (0.0, 0.66), (0.0, 0.66),
                    (0.66, 0.66)]],
        "closed, two strokes": [
            [(0.42, 0.0), (0.0, 0.66), (0.0, 0.66), (0.66, 0.64)], [(0.44, 0.3), (0.44, 1.0)]
        ],
        "tall": [[(0.14, 0.0), (0.06, 0.4), (0.1, 0.52), (0.54, 0.48)],
                 [(0.54, 0.0), (0.5, 0.5), (0.48, 1.0)]],
        "one line": [[(0.12, 0.02), (0.04, 0.46), (0.04, 0.46), (0.54, 0.44), (0.54, 0.44),
                      (0.58, 0.0), (0.58, 0.0), (0.5, 1.0)]],
        "short leg": [[(0.44, 0.0), (0.0, 0.74), (0.0, 0.74), (0.66, 0.72)],
                      [(0.46, 0.34), (0.46, 0.88)]],
        "short leg, closed": [[(0.46, 0.86), (0.46, 0.0), (0.46, 0.0), (0.0, 0.74), (0.0, 0.74),
                               (0.62, 0.74)]],
        "open, short": [[(0.16, 0.0), (0.0, 0.54), (0.0, 0.54), (0.64, 0.54)],
                        [(0.44, 0.34), (0.4, 1.0)]],
        "cup": [[(0.06, 0.04), (0.04, 0.4), (0.22, 0.54), (0.5, 0.46), (0.54, 0.06)],
                [(0.54, 0.04), (0.52, 1.0)]],
        "stub": [[(0.4, 0.0), (0.0, 0.74), (0.0, 0.74), (0.62, 0.72)],
                 [(0.56, 0.42), (0.44, 0.94)]],
        "stub, rounded": [[(0.38, 0.0), (0.04, 0.56), (0.04, 0.8), (0.3, 0.84), (0.62, 0.72)],
                          [(0.54, 0.4), (0.44, 0.98)]],
    },
    5: {
        "two strokes": [
            [(0.12, 0.02), (0.08, 0.42), (0.08, 0.42), *_arc(0.26, 0.69, 0.3, 0.31, -110, 150)],
            [(0.11, 0.02), (0.58, 0.0)],
        ],
        "detached bar": [
            [(0.12, 0.1), (0.08, 0.44), (0.08, 0.44), *_arc(0.26, 0.7, 0.3, 0.3, -110, 150)],
            [(0.2, 0.0), (0.62, -0.03)],
        ],
        "bar far off": [
            [(0.1, 0.16), (0.06, 0.46), (0.06, 0.46), *_arc(0.25, 0.72, 0.3, 0.28, -110, 150)],
            [(0.3, 0.02), (0.7, -0.04)],
        ],
        "one line": [
            [(0.6, 0.0), (0.14, 0.02), (0.14, 0.02), (0.1, 0.42), (0.1, 0.42),
             *_arc(0.27, 0.69, 0.3, 0.31, -105, 150)]
        ],
        "rounded": [
            [(0.58, 0.02), (0.3, 0.0), (0.08, 0.06), (0.04, 0.34), (0.3, 0.4), (0.58, 0.54),
             (0.54, 0.9), (0.26, 1.0), (0.02, 0.92)]
        ],
        "block": [
            [(0.56, 0.0), (0.06, 0.0), (0.06, 0.0), (0.06, 0.46), (0.06, 0.46), (0.5, 0.44),
             (0.58, 0.72), (0.5, 0.98), (0.04, 1.0)]
        ],
    },
    6: {
        "curved": [
            [(0.52, 0.02), (0.26, 0.1), (0.0, 0.44), *_arc(0.3, 0.72, 0.28, 0.28, 190, -190)]
        ],
        "straight": [[(0.42, 0.0), (0.12, 0.46), *_arc(0.3, 0.71, 0.27, 0.29, 200, -190)]],
        "hooked": [
            [(0.58, 0.14), (0.42, -0.04), (0.1, 0.12), (0.0, 0.55),
             *_arc(0.3, 0.74, 0.28, 0.26, 180, -200)]
        ],
        "curled": [
            [(0.4, 0.0), (0.06, 0.3), (0.0, 0.74), (0.2, 1.0), (0.46, 0.98), (0.54, 0.72),
             (0.36, 0.54), (0.14, 0.7), (0.2, 0.84)]
        ],
    },
    7: {
        "plain": [[(0.0, 0.02), (0.58, 0.0), (0.58, 0.0), (0.2, 1.0)]],
        "barred": [[(0.02, 0.02), (0.6, 0.0), (0.6, 0.0), (0.22, 1.0)],
                   [(0.14, 0.52), (0.6, 0.48)]],
        "serif": [[(0.02, 0.18), (0.02, 0.0), (0.02, 0.0), (0.6, 0.0), (0.6, 0.0), (0.26, 1.0)]],
        "curved": [[(0.0, 0.06), (0.3, 0.04), (0.62, 0.0), (0.6, 0.04), (0.32, 0.46),
                    (0.26, 1.0)]],
        "serif, barred": [
            [(0.0, 0.14), (0.04, 0.02), (0.04, 0.02), (0.6, 0.02), (0.6, 0.02), (0.28, 1.0)],
            [(0.18, 0.5), (0.58, 0.5)],
        ],
        "long bar": [[(0.04, 0.02), (0.58, 0.0), (0.58, 0.0), (0.22, 1.0)],
                     [(0.02, 0.56), (0.66, 0.42)]],
        "curved, barred": [[(0.0, 0.1), (0.28, 0.02), (0.62, 0.02), (0.4, 0.4), (0.3, 1.0)],
                           [(0.1, 0.46), (0.6, 0.5)]],
        "hanging serif": [[(0.0, 0.3), (0.04, 0.02), (0.04, 0.02), (0.58, 0.0), (0.58, 0.0),
                           (0.34, 1.0)]],
    },
    8: {
        "one line": [
            [(0.5, 0.1), (0.3, -0.02), (0.08, 0.08), (0.06, 0.3), (0.32, 0.46), (0.58, 0.64),
             (0.56, 0.94), (0.3, 1.02), (0.02, 0.94), (0.02, 0.66), (0.3, 0.48), (0.54, 0.3),
             (0.52, 0.1), (0.44, 0.04)]
        ],
        "two rings": [
            _arc(0.3, 0.23, 0.22, 0.23, -90, 270), _arc(0.3, 0.73, 0.28, 0.27, -90, 270)
        ],
        "open": [
            [(0.52, 0.04), (0.3, 0.0), (0.08, 0.1), (0.08, 0.28), (0.3, 0.46), (0.56, 0.64),
             (0.54, 0.92), (0.3, 1.0), (0.06, 0.92), (0.06, 0.7), (0.3, 0.5), (0.6, 0.06)]
        ],
        "slim": [
            [(0.3, 0.0), (0.1, 0.08), (0.12, 0.3), (0.44, 0.62), (0.46, 0.92), (0.26, 1.0),
             (0.08, 0.9), (0.1, 0.66), (0.44, 0.3), (0.46, 0.08), (0.3, 0.0)]
        ],
    },
    9: {
        "straight": [
            [*_arc(0.28, 0.27, 0.26, 0.27, -20, -350), (0.54, 0.2), (0.54, 0.2), (0.5, 1.0)]
        ],
        "curved": [
            [*_arc(0.28, 0.27, 0.27, 0.27, -30, -360), (0.55, 0.3), (0.52, 0.7), (0.36, 1.0)]
        ],
        "hooked": [
            [*_arc(0.3, 0.26, 0.26, 0.26, -30, -360), (0.56, 0.3), (0.56, 0.76), (0.44, 1.0),
             (0.2, 1.02), (0.04, 0.9)]
        ],
        "curled": [
            [*_arc(0.3, 0.24, 0.25, 0.24, -30, -360), (0.55, 0.3), (0.55, 0.8), (0.4, 1.02),
             (0.1, 1.02), (0.0, 0.86), (0.1, 0.76), (0.26, 0.84)]
        ],
        "looped tail": [
            [*_arc(0.3, 0.22, 0.25, 0.22, -30, -360), (0.55, 0.3), (0.54, 0.84), (0.34, 1.04),
             (0.08, 0.98), (0.1, 0.76), (0.4, 0.64), (0.64, 0.6)]
        ],
        "leaning, tail": [
            [(0.54, 0.1), (0.24, 0.0), (0.04, 0.2), (0.12, 0.44), (0.38, 0.42), (0.56, 0.12),
             (0.56, 0.12), (0.46, 0.8), (0.3, 1.0), (0.06, 0.94)]
        ],
        "swan": [
            [*_arc(0.22, 0.2, 0.2, 0.2, 10, -340), (0.42, 0.26), (0.42, 0.26), (0.6, 0.72),
             (0.64, 0.98), (0.42, 1.0), (0.06, 1.0)]
        ],
        "snake": [
            [*_arc(0.3, 0.24, 0.25, 0.24, -30, -350), (0.5, 0.36), (0.3, 0.52), (0.3, 0.62),
             (0.6, 0.78), (0.5, 0.98), (0.1, 1.0)]
        ],
        "leaning": [
            [(0.5, 0.08), (0.2, 0.0), (0.0, 0.2), (0.08, 0.46), (0.34, 0.46), (0.54, 0.12),
             (0.54, 0.12), (0.3, 1.0)]
        ],
    },
}  # fmt: skip

# Written by few hands; nothing draws them at random.
RARE_STYLES: dict[int, dict[str, list[Stroke]]] = {
    1: {"wide flag": [[(0.0, 0.3), (0.26, 0.16), (0.46, 0.0), (0.46, 0.0), (0.43, 1.0)]]},
    2: {
        "narrow": [
            [(0.06, 0.16), (0.2, 0.0), (0.36, 0.06), (0.36, 0.3), (0.24, 0.62), (0.06, 0.98),
             (0.06, 0.98), (0.44, 0.98)]
        ],
    },
    9: {
        "snake, small head": [
            [*_arc(0.34, 0.18, 0.2, 0.18, -30, -350), (0.5, 0.32), (0.24, 0.48), (0.24, 0.54),
             (0.62, 0.7), (0.54, 1.0), (0.0, 0.98)]
        ],
    },
}  # fmt: skip


def _spline(points: Stroke) -> NDArray[np.float64]:
    """Cut the corners of a polyline three times (Chaikin): a quadratic B-spline in the limit."""
    line = np.asarray(points, dtype=float)
    for _ in range(3):
        inner = np.stack([0.75 * line[:-1] + 0.25 * line[1:], 0.25 * line[:-1] + 0.75 * line[1:]])
        line = np.concatenate([line[:1], inner.transpose(1, 0, 2).reshape(-1, 2), line[-1:]])
    return line


def _move_pen(
    rng: np.random.Generator, strokes: list[Stroke], variation: float
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
    """Move the pen along the strokes of a style; return its way, and random phases."""
    angle, slant = rng.normal(0, [0.09, 0.16]) * variation
    aspect, bend_x, bend_y = rng.normal(0, [0.15, 0.05, 0.05]) * variation
    matrix = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix = matrix @ np.array([[math.exp(aspect), -slant], [0, 1]])
    phase = rng.uniform(0, 2 * math.pi, 4)
    tremor = rng.exponential(0.004) * variation

    lines = []
    for stroke in strokes:
        jitter = rng.normal(0, 0.022 * variation, (len(stroke), 2))
        # Points given twice mark a corner: they must move together.
        for i in range(1, len(stroke)):
            if stroke[i] == stroke[i - 1]:
                jitter[i] = jitter[i - 1]
        line = _spline([(x + a, y + b) for (x, y), (a, b) in zip(stroke, jitter, strict=True)])
        line += rng.normal(0, 0.012 * variation, 2)
        x, y = line[:, 0].copy(), line[:, 1].copy()
        line[:, 0] += bend_x * np.sin(math.pi * y + phase[0])
        line[:, 1] += bend_y * np.sin(math.pi * x + phase[1])
        steps = np.arange(len(line))
        line[:, 0] += tremor * np.sin(steps * 0.31 + phase[2])
        line[:, 1] += tremor * np.sin(steps * 0.43 + phase[3])
        lines.append(line @ matrix.T)
    return lines, phase


def _limits(lines: list[NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    points = np.concatenate(lines)
    return points.min(axis=0), points.max(axis=0)


def pen_shape(
    rng: np.random.Generator,
    label: int,
    style: str | None = None,
    width: float | None = None,
    variation: float = 1.0,
) -> Shape:
    """Write one digit with a scripted pen.

    Parameters
    ----------
    rng : numpy.random.Generator
    label : int
        0 to 9.
    style : str, optional
        A key of ``STYLES[label]`` or ``RARE_STYLES[label]``; one of the former, drawn at random,
        if not given.
    width : float, optional
        Stroke width over the digit's height; drawn at random between 0.02 and 0.2, thin strokes
        more often, if not given.
    variation : float, optional
        0 writes the style as it is scripted; 1 distorts it as much as hands do.

    Returns
    -------
    ndarray of float32, shape (H, W)
        Ink in [0, 1], cut to its box; about `SHAPE_HEIGHT` pixels high.
    """
    if style is None:
        style = list(STYLES[label])[rng.integers(len(STYLES[label]))]
    if width is None:
        width = float(np.exp(rng.uniform(math.log(0.02), math.log(0.2))))
    strokes = {**STYLES[label], **RARE_STYLES.get(label, {})}[style]
    lines, phase = _move_pen(rng, strokes, variation)
    low, high = _limits(lines)
    # Drawn larger, then averaged: PIL's lines are not anti-aliased.
    factor = 2
    scale = factor * SHAPE_HEIGHT * (1 - width) / max(high[1] - low[1], 0.5 * (high[0] - low[0]))
    pen = max(1.5, factor * SHAPE_HEIGHT * width)
    margin = math.ceil(pen) + 2 * factor
    size = np.ceil((high - low) * scale).astype(int) + 2 * margin
    canvas = Image.new("L", (int(size[0]), int(size[1])), 0)
    draw = ImageDraw.Draw(canvas)
    pressure = 0.25 * variation * rng.random()
    for line in lines:
        at = (line - low) * scale + margin
        widths = pen * (1 + pressure * np.sin(np.linspace(phase[0], phase[0] + 5, len(at))))
        for (x0, y0), (x1, y1), w in zip(at[:-1], at[1:], widths, strict=False):
            # A line with round ends: PIL's own joints leave gaps between segments.
            draw.line((x0, y0, x1, y1), fill=255, width=max(1, round(w)))
            r = w / 2
            draw.ellipse((x0 - r, y0 - r, x0 + r, y0 + r), fill=255)
        x, y, r = *at[-1], widths[-1] / 2
        draw.ellipse((x - r, y - r, x + r, y + r), fill=255)
    shape = np.asarray(canvas.reduce(factor), dtype=np.float32) / 255
    return _cut(shape)


def pixel_pen(rng: np.random.Generator, label: int, height: int) -> Picture:
    """Draw one digit with a drawing program's pencil: lines of one pixel, black on white.

    Parameters
    ----------
    rng : numpy.random.Generator
    label : int
        0 to 9.
    height : int
        Of the digit, pixels.

    Returns
    -------
    ndarray of uint8, shape (H, W)
        With a margin of a fifth of `height`.
    """
    styles = list(STYLES[label].values())
    lines, _ = _move_pen(rng, styles[rng.integers(len(styles))], 1.0)
    low, high = _limits(lines)
    margin = height // 5
    scale = height / (high[1] - low[1])
    size = np.ceil((high - low) * scale).astype(int) + 2 * margin
    canvas = Image.new("L", (int(size[0]), int(size[1])), 255)
    draw = ImageDraw.Draw(canvas)
    for line in lines:
        at = np.rint((line - low) * scale + margin).astype(int)
        draw.line([(int(x), int(y)) for x, y in at], fill=0, width=1)
    return np.asarray(canvas)


def mnist_shape(
    rng: np.random.Generator, image: NDArray[np.uint8], width: float | None = None
) -> Shape:
    """Make a large shape of a 28 × 28 image: enlarged smoothly, cut at half ink, re-inked.

    Parameters
    ----------
    rng : numpy.random.Generator
    image : ndarray of uint8, shape (28, 28)
        Light ink on 0.
    width : float, optional
        Factor by which the stroke width changes; 0.4 to 1.3 at random if not given.

    Returns
    -------
    ndarray of float32, shape (H, W)
        Ink in [0, 1], cut to its box; about `SHAPE_HEIGHT` pixels high.
    """
    zoom = SHAPE_HEIGHT // 20
    large = ndimage.zoom(
        image.astype(np.float32) / 255, zoom, order=1, grid_mode=True, mode="grid-constant"
    )
    large = ndimage.gaussian_filter(large, 0.45 * zoom)
    inside = large > min(0.42, 0.6 * float(large.max()))
    distance = np.where(
        inside,
        ndimage.distance_transform_edt(inside) - 0.5,
        0.5 - ndimage.distance_transform_edt(~inside),
    )
    stroke = 4 * float(distance[inside].mean())
    if width is None:
        width = rng.uniform(0.4, 1.3)
    offset = (width - 1) * stroke / 2
    if offset < 0:  # thin parts of a stroke must stay
        offset = max(offset, -0.6 * float(np.percentile(distance[inside], 75)))
    return _cut(np.clip(distance + offset + 0.5, 0, 1).astype(np.float32))


def worn(rng: np.random.Generator, shape: Shape) -> Shape:
    """Write a shape with a failing pen: pale where it hurried, and broken in up to two places.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : ndarray of float32, shape (H, W)

    Returns
    -------
    ndarray of float32, shape (H, W)
        Its strokes are down to 0.25 times as black as they were.
    """
    height, width = shape.shape
    pressure = 0.5 + 0.9 * _field(rng, height, width, int(rng.integers(1, 4)))
    ink = shape * np.clip(pressure, rng.uniform(0.25, 0.7), 1)
    y, x = np.mgrid[:height, :width]
    inked = np.argwhere(shape > 0.5)
    for _ in range(rng.integers(3)):
        down, right = inked[rng.integers(len(inked))]
        angle = rng.uniform(0, math.pi)
        across = np.abs(math.cos(angle) * (x - right) + math.sin(angle) * (y - down))
        near = np.hypot(x - right, y - down) < 0.12 * height
        ink = ink * np.where(near, np.clip(across - height * rng.uniform(0.01, 0.04), 0, 1), 1)
    return _cut((ink / ink.max()).astype(np.float32))


def _cut(shape: Shape) -> Shape:
    rows, columns = np.flatnonzero(shape.max(axis=1)), np.flatnonzero(shape.max(axis=0))
    return shape[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _resized(shape: Shape, height: float, turn: float = 0.0) -> Shape:
    """Scale a shape to a height in pixels, and turn it by degrees."""
    scale = height / shape.shape[0]
    size = (max(1, round(shape.shape[1] * scale)), max(1, round(height)))
    image = Image.fromarray(shape).resize(
        size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
    )
    if turn:
        image = image.rotate(turn, Image.Resampling.BILINEAR, expand=True)
    return np.asarray(image, dtype=np.float32)


def _place(layer: Shape, shape: Shape, top: int, left: int) -> None:
    """Put ink on a layer where it is darker; what lies outside is cut off."""
    height, width = layer.shape
    up, start = max(top, 0), max(left, 0)
    down, end = min(top + shape.shape[0], height), min(left + shape.shape[1], width)
    if up < down and start < end:
        part = layer[up:down, start:end]
        np.maximum(part, shape[up - top : down - top, start - left : end - left], out=part)


# --- Drawings -----------------------------------------------------------------------------------


def drawing(rng: np.random.Generator, shape: Shape, size: int | None = None) -> Picture:
    """Draw a digit on a clean canvas: any place, size and contrast, dark or light.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : ndarray of float32, shape (H, W)
        From `pen_shape` or `mnist_shape`.
    size : int, optional
        Length of the canvas' sides, pixels; 100 to 600 at random if not given.

    Returns
    -------
    ndarray of uint8, shape (size, size)
    """
    if size is None:
        size = int(rng.integers(100, 601))
    reach = size * rng.uniform(0.3, 0.95)
    ink = _resized(shape, reach * min(1, shape.shape[0] / shape.shape[1]))
    canvas = np.zeros((size, size), dtype=np.float32)
    top = int(rng.uniform(0, max(1, size - ink.shape[0])))
    left = int(rng.uniform(0, max(1, size - ink.shape[1])))
    _place(canvas, ink, top, left)
    if rng.random() < 0.2:  # some pads do not smooth
        canvas = (canvas > 0.5).astype(np.float32)
    paper, pen = (1.0, 0.0) if rng.random() < 0.6 else (0.0, 1.0)
    if rng.random() < 0.25:
        paper, pen = (0.75 * paper + 0.2, 0.7 * pen + 0.1)
    return np.rint(255 * (paper + (pen - paper) * canvas)).astype(np.uint8)


# --- Photographs --------------------------------------------------------------------------------

PAPERS = (
    (250, 249, 245),
    (245, 240, 226),
    (236, 240, 247),
    (228, 222, 208),
    (214, 210, 202),
    (235, 226, 190),
)
INKS = {
    "biro": ((28, 44, 140), (20, 22, 60), (30, 30, 36), (150, 30, 40)),
    "pencil": ((92, 92, 96), (120, 120, 122)),
    "marker": ((14, 14, 18), (20, 50, 160), (190, 24, 30), (10, 110, 60)),
}
BOARDS = ((28, 30, 32), (30, 58, 46), (60, 62, 66))
CHALKS = ((232, 232, 226), (240, 226, 140), (220, 180, 190))


def _field(rng: np.random.Generator, height: int, width: int, cells: int) -> NDArray[np.float32]:
    """Smooth noise in about [-1, 1] with `cells` bumps along a side."""
    coarse = rng.uniform(-1, 1, (cells + 1, cells + 1)).astype(np.float32)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.float32)


def _light(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Brightness over the paper: a gradient, a vignette, sometimes a shadow with a soft edge."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    angle = rng.uniform(0, 2 * math.pi)
    light = 1 + rng.uniform(0, 0.3) * (math.cos(angle) * x + math.sin(angle) * y)
    light += rng.uniform(0, 0.08) * _field(rng, height, width, 3)
    light -= rng.uniform(0, 0.15) * (x * x + y * y) / 2
    if rng.random() < 0.4:
        angle, at = rng.uniform(0, 2 * math.pi), rng.uniform(-0.8, 0.8)
        edge = math.cos(angle) * x + math.sin(angle) * y - at
        edge += 0.1 * _field(rng, height, width, 4)
        light *= 1 - rng.uniform(0.15, 0.55) * special.expit(edge / rng.uniform(0.01, 0.2))
    return light * rng.uniform(0.6, 1.0) / max(1.0, float(light.max()))


def _ruling(rng: np.random.Generator, height: int, width: int, pitch: float) -> NDArray[np.float32]:
    """Print ruled or squared paper: ink in [0, 1]."""
    lines = np.zeros((height, width), dtype=np.float32)
    thickness = max(0.6, pitch * rng.uniform(0.015, 0.05))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    turn = rng.normal(0, 0.03)
    for across in (y + turn * x, x - turn * y)[: 1 + (rng.random() < 0.5)]:
        near = np.abs((across + rng.uniform(0, pitch)) % pitch - pitch / 2)
        lines = np.maximum(lines, np.clip(thickness / 2 + 0.5 - near, 0, 1))
    return lines


def _box(
    rng: np.random.Generator, layer: Shape, top: int, left: int, height: int, width: int
) -> None:
    """Draw a form's box around a digit."""
    gap = rng.uniform(0.12, 0.4) * max(height, width)
    side_y, side_x = height + 2 * gap, width + 2 * gap
    if rng.random() < 0.6:
        side_y = side_x = max(side_y, side_x)
    y0, x0 = top + height / 2 - side_y / 2, left + width / 2 - side_x / 2
    frame = Image.new("L", (layer.shape[1], layer.shape[0]), 0)
    thickness = max(1, round(height * rng.uniform(0.01, 0.03)))
    ImageDraw.Draw(frame).rectangle(
        (x0, y0, x0 + side_x, y0 + side_y), outline=255, width=thickness
    )
    np.maximum(layer, np.asarray(frame, dtype=np.float32) / 255, out=layer)


def _photographed(
    rng: np.random.Generator, ink: Shape, printed: Shape, table: bool, chalk: float = 0.12
) -> Picture:
    """Colour the layers of ink and print, and send them through light, lens, sensor and JPEG."""
    height, width = ink.shape
    board = rng.random() < chalk
    if board:
        paper = np.array(BOARDS[rng.integers(len(BOARDS))], dtype=np.float32)
        pen = np.array(CHALKS[rng.integers(len(CHALKS))], dtype=np.float32)
        tool, printed = "chalk", np.zeros_like(printed)
    else:
        tool = ("biro", "pencil", "marker")[rng.integers(3)]
        paper = np.array(PAPERS[rng.integers(len(PAPERS))], dtype=np.float32)
        pen = np.array(INKS[tool][rng.integers(len(INKS[tool]))], dtype=np.float32)
    paper = paper + rng.normal(0, 4, 3).astype(np.float32)
    grain = rng.normal(0, 1, (height, width)).astype(np.float32)
    if tool in ("pencil", "chalk"):  # the paper's grain shows through
        ink = ink * np.clip(0.86 + 0.3 * ndimage.gaussian_filter(grain, 0.7), 0.25, 1)
        ink = ink * rng.uniform(0.7, 1.0)
    elif tool == "biro":
        ink = ink * (0.9 + 0.1 * _field(rng, height, width, 12))
    texture = (
        1 + rng.uniform(0, 0.012) * grain + rng.uniform(0, 0.02) * _field(rng, height, width, 24)
    )
    picture = paper * texture[..., np.newaxis]
    line = np.array(
        [(120, 150, 200), (150, 150, 150), (200, 130, 130)][rng.integers(3)], np.float32
    )
    strength = rng.uniform(0.25, 0.8)
    picture = picture + (line - picture) * (strength * printed)[..., np.newaxis]
    picture = picture + (pen - picture) * ink[..., np.newaxis]
    if table and not board:
        _lay_on_table(rng, picture)
    picture = picture * _light(rng, height, width)[..., np.newaxis]
    if rng.random() < 0.6:
        sigma = rng.uniform(0.3, 0.006 * min(height, width) + 0.4)
        picture = ndimage.gaussian_filter(picture, (sigma, sigma, 0))
    picture = picture + rng.normal(0, rng.uniform(0.5, 5), picture.shape).astype(np.float32)
    picture = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    memory = io.BytesIO()
    Image.fromarray(picture).save(memory, "JPEG", quality=int(rng.integers(20, 96)))
    return np.asarray(Image.open(memory))


def _lay_on_table(rng: np.random.Generator, picture: NDArray[np.float32]) -> None:
    """Let a wooden table show at one side, beyond the paper's edge."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    across, along = ((x, y), (1 - x, y), (y, x), (1 - y, x))[rng.integers(4)]
    beyond = across + rng.normal(0, 0.06) * along < rng.uniform(0.02, 0.16)
    wood = np.array(
        [(112, 78, 48), (150, 112, 74), (70, 50, 38), (186, 150, 108)][rng.integers(4)], np.float32
    )
    rings = 1 + 0.12 * np.sin(along * 4 + across * rng.uniform(60, 160)) + 0.05 * rng.normal()
    picture[beyond] = wood * rings[beyond][:, np.newaxis]


def photograph(rng: np.random.Generator, shape: Shape, size: int | None = None) -> Picture:
    """Photograph one digit: paper or board, uneven light, lines, boxes, blur, noise, JPEG.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : ndarray of float32, shape (H, W)
        From `pen_shape` or `mnist_shape`.
    size : int, optional
        The picture's longer side, pixels; 120 to 480 at random if not given.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """
    if size is None:
        size = int(rng.integers(120, 481))
    height, width = size, round(size * rng.uniform(0.7, 1))
    if rng.random() < 0.4:
        height, width = width, height
    reach = min(height, width) * rng.uniform(0.25, 0.75)
    digit = _resized(shape, reach * min(1, shape.shape[0] / shape.shape[1]), rng.normal(0, 4))
    ink = np.zeros((height, width), dtype=np.float32)
    # Readers aim at their digit: it lies near the middle.
    top = round((height - digit.shape[0]) * np.clip(rng.normal(0.5, 0.15), 0.08, 0.92))
    left = round((width - digit.shape[1]) * np.clip(rng.normal(0.5, 0.15), 0.08, 0.92))
    _place(ink, digit, top, left)
    printed = np.zeros_like(ink)
    chance = rng.random()
    if chance < 0.3:
        printed = _ruling(rng, height, width, digit.shape[0] * rng.uniform(0.35, 1.6))
    elif chance < 0.42:
        _box(rng, printed, top, left, *digit.shape)
    return _photographed(rng, ink, printed, table=rng.random() < 0.2)


# --- Pages --------------------------------------------------------------------------------------


class Page(NamedTuple):
    """A photographed page and what is written on it, in reading order.

    Attributes
    ----------
    image : ndarray of uint8, shape (H, W, 3)
    labels : list of int
    boxes : list of tuple
        (left, top, right, bottom) of each digit's ink, pixels; right and bottom lie beyond it.
    """

    image: Picture
    labels: list[int]
    boxes: list[tuple[int, int, int, int]]


def page(
    rng: np.random.Generator,
    shapes: Sequence[Shape],
    labels: Sequence[int],
    lines: int = 1,
    size: int | None = None,
) -> Page:
    """Photograph a page of digits in lines.

    Parameters
    ----------
    rng : numpy.random.Generator
    shapes : sequence of ndarray of float32
    labels : sequence of int
        One per shape.
    lines : int, optional
        How many lines the digits are written in.
    size : int, optional
        The page's width, pixels; 600 to 1200 at random if not given.

    Returns
    -------
    Page
    """
    if size is None:
        size = int(rng.integers(600, 1201))
    columns = math.ceil(len(shapes) / lines)
    pitch = size / (columns + 1)
    leading = pitch * rng.uniform(1.5, 2.2)
    height = round(leading * (lines + 0.7))
    ink = np.zeros((height, size), dtype=np.float32)
    boxes = []
    slope = rng.normal(0, 0.012)
    written = rng.uniform(0.75, 1.15) * pitch
    for i, shape in enumerate(shapes):
        row, column = divmod(i, columns)
        high = written * rng.uniform(0.88, 1.12)
        high = min(
            high, 0.82 * pitch * shape.shape[0] / shape.shape[1]
        )  # no digit touches the next
        digit = _resized(shape, high, rng.normal(0, 2))
        middle = pitch * (column + 1 + rng.uniform(-0.05, 0.05))
        bottom = leading * (row + 0.95) + slope * middle + rng.normal(0, 0.03) * pitch
        top, left = round(bottom - digit.shape[0]), round(middle - digit.shape[1] / 2)
        _place(ink, digit, top, left)
        ys, xs = np.flatnonzero(digit.max(axis=1) > 0.5), np.flatnonzero(digit.max(axis=0) > 0.5)
        boxes.append(
            (left + int(xs[0]), top + int(ys[0]), left + int(xs[-1]) + 1, top + int(ys[-1]) + 1)
        )
    printed = np.zeros_like(ink)
    if rng.random() < 0.4:
        printed = _ruling(rng, height, size, leading * rng.choice([1.0, 0.5, 0.34]))
    picture = _photographed(rng, ink, printed, table=False, chalk=0.08)
    return Page(picture, [int(label) for label in labels], boxes)


# --- Contact sheet ------------------------------------------------------------------------------


def contact_sheet(pictures: Sequence[NDArray[np.uint8]]) -> Image.Image:
    """Tile grey or RGB pictures in rows of ten, each made to fit a cell of 120 pixels."""
    columns, cell = 10, 120
    rows = math.ceil(len(pictures) / columns)
    sheet = Image.new("RGB", (columns * (cell + 4), rows * (cell + 4)), (90, 90, 90))
    for i, picture in enumerate(pictures):
        image = Image.fromarray(picture).convert("RGB")
        scale = cell / max(image.size)
        image = image.resize(
            (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        )
        sheet.paste(image, ((i % columns) * (cell + 4) + 2, (i // columns) * (cell + 4) + 2))
    return sheet


def main() -> None:
    """Write a contact sheet: every style of pen, then drawings, photographs and a page."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("path", type=Path, help="PNG file to write")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    shapes = [(label, pen_shape(rng, label, style)) for label in STYLES for style in STYLES[label]]
    pictures = [np.rint(255 * (1 - shape)).astype(np.uint8) for _, shape in shapes]
    pictures += [drawing(rng, pen_shape(rng, i % 10)) for i in range(20)]
    pictures += [photograph(rng, pen_shape(rng, i % 10)) for i in range(40)]
    some = [shapes[i] for i in rng.permutation(len(shapes))[:12]]
    pictures.append(page(rng, [shape for _, shape in some], [label for label, _ in some], 2).image)
    contact_sheet(pictures).save(arguments.path)


if __name__ == "__main__":
    main()
