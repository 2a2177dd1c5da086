"""Write the live page's networks, its limit, and examples.

Each is a script that assigns one variable, because a page that is opened as a file may not fetch
anything.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import interpolate

from mnist_lib import export, handwriting, models, reading
from mnist_lib.backend import keras
from mnist_lib.data import load_mnist, prepare

NETWORK, OTHER = "robust", "classic"  # what reads, and what can stand beside it
PAD, SCAN = 280, 200  # the pad's own units, and the pixels to a side that are read: as in pad.js
PEN = 18  # of the pad's units
# What draws itself on the front page: an open 4, two strokes, in the pad's units.
FOUR = [
    [(112, 52), (104, 86), (92, 118), (78, 146), (74, 156), (110, 158), (152, 156), (206, 152)],
    [(168, 60), (166, 100), (162, 140), (158, 184), (156, 226)],
]
MODEL_DIGITS = 10  # examples that are easy to read, one of each digit
HARD_DIGITS = 6


def digits(model: keras.Sequential) -> list[dict[str, Any]]:
    """Choose digits from the sample's validation part: the easiest of each, and the hardest.

    Hard is a digit to whose true label the network gives little probability.
    """
    mnist = load_mnist("sample")
    probabilities = model.predict(prepare(mnist.x_val), verbose=0)
    true = probabilities[np.arange(len(mnist.y_val)), mnist.y_val]
    hardest = np.argsort(true)
    easiest = [
        next(i for i in hardest[::-1] if mnist.y_val[i] == digit) for digit in range(MODEL_DIGITS)
    ]
    return [
        {
            "name": f"{'an' if mnist.y_val[i] == 8 else 'a'} {mnist.y_val[i]} from MNIST{remark}",
            "pixels": base64.b64encode(mnist.x_val[i].tobytes()).decode("ascii"),
        }
        for remark, chosen in [("", easiest), (", hard to read", hardest[:HARD_DIGITS])]
        for i in chosen
    ]


def smooth(points: list[tuple[int, int]], between: int = 8) -> NDArray[np.float64]:
    """Draw a curve through the points of a stroke, as a hand would."""
    at = np.arange(len(points))
    curve = interpolate.PchipInterpolator(at, np.array(points, float))
    return np.asarray(curve(np.linspace(0, len(points) - 1, between * (len(points) - 1) + 1)))


def first_digit(model: keras.Sequential) -> dict[str, Any]:
    """Return the strokes of the digit that draws itself, and what the network makes of it."""
    strokes = [smooth(points) for points in FOUR]
    picture = Image.new("L", (4 * SCAN, 4 * SCAN), 255)  # drawn large and averaged: smooth edges
    pen = ImageDraw.Draw(picture)
    scale, radius = 4 * SCAN / PAD, 2 * SCAN / PAD * PEN
    for stroke in strokes:
        path = [tuple(point) for point in scale * stroke]
        pen.line(path, fill=0, width=round(2 * radius))
        for x, y in path:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=0)
    image = handwriting.to_mnist(picture.resize((SCAN, SCAN), Image.Resampling.BOX))
    return {
        "strokes": [{"width": PEN, "points": np.round(stroke, 1).tolist()} for stroke in strokes],
        "probabilities": model.predict(prepare(image[np.newaxis]), verbose=0)[0].tolist(),
    }


def recorded_accuracy(name: str) -> float | None:
    """Return the accuracy on MNIST's test digits that is recorded beside the weights, if one is."""
    record = models.WEIGHTS_FOLDER / f"{name}.json"
    if not record.exists():  # newly trained weights may have none
        return None
    stated = json.loads(record.read_text(encoding="utf-8"))
    return float(stated["accuracy of the rounded weights"]["test"])


def describe(name: str, model: keras.Sequential) -> dict[str, Any]:
    """Describe a network of the course for the page, with what is known of it."""
    accuracy = recorded_accuracy(name)
    note = "" if accuracy is None else "Measured on MNIST’s test digits."
    return export.describe(model, dtype="float16", name=name, accuracy=accuracy, note=note)


def write(path: Path, variable: str, value: object) -> None:
    """Write a script that assigns a value of lists, dictionaries, numbers and text."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    path.write_text(f"const {variable} = {text};\n", encoding="ascii")


def main(folder: Path) -> None:
    """Write the scripts; the folder appears only when all are whole."""
    model = models.load_pretrained(NETWORK)
    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}")
    unfinished.mkdir(parents=True)
    write(unfinished / "live-network.js", "LIVE_NETWORK", describe(NETWORK, model))
    other = models.load_pretrained(OTHER)
    write(unfinished / "live-classic.js", "LIVE_CLASSIC", describe(OTHER, other))
    write(unfinished / "live-limit.js", "LIVE_NO_DIGIT", reading.NO_DIGIT)
    write(unfinished / "live-digits.js", "LIVE_DIGITS", digits(model))
    write(unfinished / "front-digit.js", "FRONT_DIGIT", first_digit(model))
    unfinished.rename(folder)
