"""Figures that the reader moves: arrays in, one self-contained piece of HTML out.

Each function takes the chapter's own arrays and returns an `Explorable`. A notebook shows it as a
figure with its controls: in the book, in JupyterLab, in Colab and in VS Code. It asks no other host
for anything. Where scripts do not run (a notebook that is not trusted, GitHub, a printed page), a
still picture stands in its place.

The scripts lie beside this file, one for each figure. ``base.js`` holds what they share.
"""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from mnist_lib import _checks, diagrams, handwriting, layers, plots
from mnist_lib.handwriting.normalise import FINE, fine_distance

__all__ = [
    "Explorable",
    "cover",
    "descent",
    "exam",
    "pixels",
    "placing",
    "rounding",
    "scaling",
    "softmax",
    "threshold",
    "window",
]

LARGEST = 60_000  # bytes of the whole HTML


class Explorable:
    """A figure that the reader moves; a notebook shows it where it is the last line of a cell.

    Attributes
    ----------
    name : str
        Of the script, and of the element's ``data-explorable``.
    html : str
        All of it: the still picture, the script and its data.
    still : bytes
        The still picture, a PNG.
    alt : str
        What the still picture shows.
    """

    def __init__(
        self,
        name: str,
        data: dict[str, Any],
        *,
        still: Figure,
        alt: str,
        instruction: str,
        question: str,
    ) -> None:
        self.name, self.alt = name, alt
        self.still = _still(still)
        self.html = _page(name, data, self.still, alt, instruction, question)
        if len(self.html.encode()) > LARGEST:
            raise ValueError(
                f"The explorable {name!r} would be {len(self.html.encode()):,} bytes; expected at "
                f"most {LARGEST:,}. Give it fewer or smaller arrays."
            )

    def __repr__(self) -> str:
        return f"<explorable {self.name}: {self.alt}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Return what notebooks choose from: HTML, and what stands in for it."""
        return {"text/html": self.html, "image/png": _base64(self.still), "text/plain": repr(self)}


def _still(figure: Figure) -> bytes:
    """Draw a figure as a small PNG: 64 colours are enough for it."""
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=90)
    plt.close(figure)
    with Image.open(drawn) as picture:
        picture.convert("RGB").quantize(64).save(small, format="png", optimize=True)
    return small.getvalue()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _page(
    name: str, data: dict[str, Any], still: bytes, alt: str, instruction: str, question: str
) -> str:
    here = files(__name__)
    base, figure = (here.joinpath(f"{each}.js").read_text("utf-8") for each in ("base", name))
    # In JSON, only a "<" could end the script.
    values = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    script = (
        f"(() => {{\nconst root = document.currentScript.parentElement;\n{_bare(base)}\n"
        f"{_bare(figure)}\nroot.state = figure(tools(root), {values});\n}})();"
    )
    style = (
        "position: relative; max-width: 43rem; box-sizing: border-box; padding: 0.75rem 1rem; "
        "border: 1px solid rgba(128, 128, 128, 0.5); border-radius: 0.35rem; line-height: 1.4"
    )
    return (
        f'<div class="explorable mathjax_ignore" data-explorable="{name}" style="{style}">'
        f'<p style="margin: 0 0 0.75rem"><strong>Try it.</strong> {html.escape(instruction)}</p>'
        f'<div data-place="" style="min-height: 20rem"><img alt="{html.escape(alt)}" '
        f'style="max-width: 100%" src="data:image/png;base64,{_base64(still)}"></div>'
        f'<p style="margin: 0.5rem 0"><strong>A question.</strong> {html.escape(question)}</p>'
        f"<script>{script}</script></div>"
    )


def _bare(script: str) -> str:
    """Leave out a script's comments on lines of their own, and its indents."""
    lines = (line.strip() for line in script.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/*", "*")))


def _bytes(values: ArrayLike, dtype: Any) -> str:
    return _base64(np.ascontiguousarray(values, dtype=np.dtype(dtype).newbyteorder("<")).tobytes())


# --- chapter 1 --------------------------------------------------------------------------------


def pixels(
    image: NDArray[np.uint8],
    means: ArrayLike,
    images: NDArray[np.uint8],
    labels: ArrayLike,
) -> Explorable:
    """Let a reader paint on a digit, and show its nearest mean and its nearest digit.

    Distances are squared: the sum of the squares of all differences, with pixels from 0 to 1.

    Parameters
    ----------
    image : ndarray of uint8, shape (28, 28)
        What the reader begins with.
    means : array-like of shape (10, 28, 28)
        The mean image of each class, in the order of the digits, from 0 to 255.
    images : ndarray of uint8, shape (N, 28, 28)
        Digits among which the nearest is found, at most 20.
    labels : array-like of whole numbers, shape (N,)

    Returns
    -------
    Explorable

    Raises
    ------
    TypeError, ValueError
        Types or shapes are others than these, or there are too many images.
    """
    image = _checks.array("image", image, (28, 28), holds="uint8")
    means = _checks.array("means", means, (10, 28, 28))
    images = _checks.array("images", images, "N 28 28", holds="uint8")
    labels = _checks.array("labels", labels, f"{len(images)}", holds="whole numbers")
    rounded = np.rint(np.clip(means, 0, 255)).astype(np.uint8)
    away = (((rounded - image.astype(np.float64)) / 255) ** 2).sum(axis=(1, 2))
    still = plots.plot_digits(
        np.concatenate([image[np.newaxis], rounded]),
        ["digit", *(f"{digit}: {distance:.0f}" for digit, distance in enumerate(away))],
        columns=6,
        marked=np.append(False, away == away.min()),
    )
    row, column = np.unravel_index(image.argmax(), image.shape)
    return Explorable(
        "pixels",
        {
            "images": _bytes(np.concatenate([image[np.newaxis], rounded, images]), np.uint8),
            "classes": list(range(10)),
            "labels": labels.tolist(),
            "start": [int(row), int(column)],
        },
        still=still,
        alt="A digit, and the mean images of the ten classes from 0 to 9. Above each stand its "
        "class and its squared distance to the digit; the nearest has a frame.",
        instruction="Point at a pixel to read its number, or go to it with the arrow keys. Choose "
        "a brush to change it, or shift the whole digit with the buttons.",
        question="How far must you shift the digit before another mean is the nearest?",
    )


# --- chapter 2 --------------------------------------------------------------------------------


def window(image: NDArray[np.uint8], kernel: ArrayLike, row: int, column: int) -> Explorable:
    """Slide a window over an image: it multiplies, adds, and fills the feature map.

    The reader moves the window, changes the weights, the stride, the padding and the size.

    Parameters
    ----------
    image : ndarray of uint8, shape (28, 28)
    kernel : array-like of shape (3, 3)
        The weights at the start.
    row, column : int
        Where the window begins: of its upper left pixel.

    Returns
    -------
    Explorable

    Raises
    ------
    TypeError, ValueError
        The shapes differ, or the window does not lie in the image.
    """
    image = _checks.array("image", image, (28, 28), holds="uint8")
    weights = _checks.array("kernel", kernel, (3, 3), finite=True)
    row = _checks.whole("row", row, least=0, most=25)
    column = _checks.whole("column", column, least=0, most=25)
    still = diagrams.window_and_map(image, weights, row, column)
    return Explorable(
        "window",
        {
            "image": _bytes(image, np.uint8),
            "side": 28,
            "kernel": np.round(weights, 6).tolist(),
            "start": [row, column],
        },
        still=still,
        alt="A digit with a frame around nine of its pixels. An arrow leads from the frame to a "
        "kernel of nine weights, and another from there to one framed number of the feature map.",
        instruction="Move the window over the image or over its map, with the pointer or the arrow "
        "keys. Below, change the weights; stride and zeros are explained later.",
        question="Which nine weights give large sums only on strokes that slant like a slash (/)?",
    )


# --- chapter 3 --------------------------------------------------------------------------------


def softmax(scores: ArrayLike, names: Sequence[str], truth: int) -> Explorable:
    """Drag scores, and show their softmax in float32 and the loss.

    Parameters
    ----------
    scores : array-like of shape (classes,)
        At the start, from -6 to 6.
    names : sequence of str
        Of the classes.
    truth : int
        The true class at the start, counted from 0.

    Returns
    -------
    Explorable

    Raises
    ------
    TypeError, ValueError
        There are not as many names as scores, a score is beyond 6, or the true class is none.
    """
    logits = _checks.array("scores", scores, "classes", finite=True)
    _checks.same_length(scores=logits, names=names)
    truth = _checks.whole("truth", truth, least=0, most=len(logits) - 1)
    _checks.number("the largest score", float(np.abs(logits).max()), most=6)
    probabilities = layers.softmax(logits[np.newaxis].astype(np.float64))[0]
    still, panels = plt.subplots(2, figsize=(plots.WIDTH, 3.8), sharex=True, layout="constrained")
    for axes, heights, what, form in zip(
        panels, (logits, probabilities), ("scores", "probabilities"), (".3g", ".3f"), strict=True
    ):
        drawn = axes.bar(names, heights, 0.4, color=plots.PALETTE[0])
        written = [f"{height:{form}}".replace("-", "−") for height in heights]
        axes.bar_label(drawn, written, padding=2)
        axes.axhline(0, color=plt.rcParams["axes.edgecolor"], lw=1)
        axes.margins(y=0.25)
        axes.set_ylabel(what)
        axes.tick_params(axis="x", length=0)
    return Explorable(
        "softmax",
        {"scores": np.round(logits, 1).tolist(), "names": list(names), "truth": truth},
        still=still,
        alt="Bars in two rows, each with its number: above, a score for each class; below, the "
        "probability that softmax makes of it.",
        instruction="Drag a bar of the scores, above, or choose it with the left and right arrow "
        "keys and change it with up and down.",
        question="Which change leaves all probabilities as they are? Then tick “without "
        "subtracting the largest score” and multiply all scores: from which factor on does the "
        "formula fail?",
    )


# --- chapter 4 --------------------------------------------------------------------------------


def descent(curvatures: Sequence[float], start: Sequence[float], rate: float) -> Explorable:
    """Walk by gradient descent down the valley (a · w₁² + b · w₂²) / 2, with momentum and noise.

    Parameters
    ----------
    curvatures : two floats above 0
        a and b.
    start : two floats other than 0
        Where the path begins.
    rate : float
        The learning rate at the start, from 0.002 to 0.2.

    Returns
    -------
    Explorable

    Raises
    ------
    TypeError, ValueError
        A number is none of these.
    """
    a, b = (_checks.number("curvatures", value, above=0) for value in curvatures)
    x, y = (_checks.number("start", value) for value in start)
    if not (x and y):
        advice = "There the slope is 0 from the beginning."
        raise ValueError(_checks.message("start", tuple(start), "two numbers other than 0", advice))
    rate = _checks.number("rate", rate, least=0.002, most=0.2)
    way = [np.array([x, y])]
    for _ in range(60):
        way.append(way[-1] - rate * np.array([a, b]) * way[-1])
    still = diagrams.descent((a, b), {"plain": np.array(way)})
    return Explorable(
        "descent",
        {"curvatures": [a, b], "start": [x, y], "rate": rate},
        still=still,
        alt="A long, narrow valley seen from above; a path zigzags down to its lowest point.",
        instruction="Change the learning rate, the momentum and the noise. Drag the start, or move "
        "it with the arrow keys.",
        question="Without momentum, what is the largest rate that does not leave the valley? And "
        "at a rate of 0.1, with how much momentum does the path settle soonest?",
    )


# --- chapter 5 --------------------------------------------------------------------------------


def threshold(confidence: ArrayLike, right: ArrayLike, start: float) -> Explorable:
    """Show the errors among the answered digits for every threshold and number of digits.

    Parameters
    ----------
    confidence : array-like of floats from 0 to 1, shape (N,)
        At most 10,000; of more, the first 10,000.
    right : array-like of booleans, shape (N,)
        Whether each digit was read right.
    start : float
        The threshold at the start, below 1.

    Returns
    -------
    Explorable

    Raises
    ------
    TypeError, ValueError
        The two differ in length, or a confidence is no probability.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal
    of the American Statistical Association 22 (1927), doi:10.1080/01621459.1927.10502953.
    """
    sure = _checks.array("confidence", confidence, "N", holds="floats", finite=True)[:10_000]
    hits = _checks.array("right", right, "N", holds="booleans")[:10_000]
    _checks.same_length(confidence=sure, right=hits)
    _checks.number("the largest confidence", float(sure.max()), most=1)
    _checks.number("the smallest confidence", float(sure.min()), least=0)
    start = _checks.number("start", start, least=0, below=1)
    order = np.argsort(-sure)
    answered = np.arange(1, len(sure) + 1)
    kept = sure >= start
    part = 100 * float(np.mean(kept))
    still = plots.plot_lines(
        100 * answered / len(sure),
        {"errors": 100 * np.cumsum(~hits[order]) / answered},
        xlabel="digits answered / %",
        ylabel="errors among them / %",
        places={"the threshold": part},
    )
    if kept.any():
        from scipy import stats  # which no other figure needs, and which is slow to import

        wrong = stats.binomtest(int(np.sum(kept & ~hits)), int(kept.sum()))
        ends = wrong.proportion_ci(method="wilson")
        bar = {"color": plots.PALETTE[1], "linewidth": 3}
        still.axes[0].plot([part, part], [100 * ends.low, 100 * ends.high], **bar)
    return Explorable(
        "threshold",
        {
            "confidence": _bytes(np.rint(65535 * sure.astype(np.float64)), np.uint16),
            "right": _bytes(np.packbits(hits, bitorder="little"), np.uint8),
            "threshold": start,
        },
        still=still,
        alt="With more digits answered, mostly a larger part of the answers is wrong. A bar at the "
        "threshold is the 95 % interval of the errors there.",
        instruction="Move the threshold: digits below it go to a person. Then use fewer digits.",
        question="With a quarter of the digits, how does the length of the interval change?",
    )


# --- chapter 6 --------------------------------------------------------------------------------


def cover(
    image: ArrayLike, label: int, before: ArrayLike, scores: ArrayLike, size: int
) -> Explorable:
    """Move a square cover over a digit, and show what it does to the ten scores.

    Parameters
    ----------
    image : array-like of floats from 0 to 1, shape (28, 28)
    label : int
        The digit that is asked about at the start.
    before : array-like of shape (10,)
        The scores without a cover.
    scores : array-like of shape (places, places, 10)
        The scores with the cover's upper left pixel at each row and column.
    size : int
        The cover's side in pixels; places = 28 - size + 1.

    Returns
    -------
    Explorable

    Raises
    ------
    TypeError, ValueError
        Types or shapes are others than these.
    """
    digit = _checks.array("image", image, (28, 28), holds="floats")
    label = _checks.whole("label", label, least=0, most=9)
    size = _checks.whole("size", size, least=1, most=14)
    places = 28 - size + 1
    whole = _checks.array("before", before, (10,), finite=True)
    covered = _checks.array("scores", scores, (places, places, 10), finite=True)
    fall = whole[label] - covered[..., label]
    # The cover begins where it hides most ink: there the scores move from the start.
    ink = np.lib.stride_tricks.sliding_window_view(digit, (size, size)).sum(axis=(2, 3))
    start = [int(place) for place in np.unravel_index(ink.argmax(), ink.shape)]
    low = (28 - places) // 2  # each place of the cover is drawn at its middle
    padded = np.pad(fall, (low, 28 - places - low))
    still, axes = diagrams.canvas(2.9)
    hidden = digit.copy()
    hidden[start[0] : start[0] + size, start[1] : start[1] + size] = 0
    pictures = [
        diagrams.picture(axes, hidden, (1.5, 1.3), 2.4),
        diagrams.picture(axes, padded, (4.5, 1.3), 2.4, colours=plots.SIGNED),
    ]
    for drawn, title in zip(pictures, ("under the cover", "fall of its score"), strict=True):
        diagrams.label(axes, (drawn.centre[0], 2.7), f"{label}: {title}")
        left, top = drawn.at(0, 1)
        pixel = drawn.size[0] / 28
        corner = left + start[1] * pixel, top - (start[0] + size) * pixel
        side, colour = size * pixel, plots.PALETTE[1]
        frame = Rectangle(corner, side, side, fill=False, ec=colour, lw=2, zorder=4)
        axes.add_patch(frame)
    return Explorable(
        "cover",
        {
            "image": _bytes(np.rint(255 * digit), np.uint8),
            "label": label,
            "before": [float(f"{value:.6g}") for value in whole],
            "scores": _bytes(covered, np.float32),
            "places": places,
            "cover": size,
            "start": start,
        },
        still=still,
        alt="Left, a digit with a black square, the cover, on its thickest stroke. Right, in red "
        "the places where the cover lowers the score most, and the same square.",
        instruction="Move the cover over the digit, with the pointer or the arrow keys, and ask "
        "about other digits. Red: places where the score falls. Blue: where it rises.",
        question="Find a place where the network reads another digit. Does the score of that "
        "digit rise there, or do the others fall?",
    )


# --- chapter 7 --------------------------------------------------------------------------------

SIZES = (8, 12, 16, 20, 24)  # pixels
PENS = {"thin": -0.9, "medium": 0.0, "thick": 1.6}  # what is added to the stroke's width, in pixels
SHIFTS = (-9, -6, -3, 0, 3, 6, 9)  # pixels


def placing(
    image: NDArray[np.uint8],
    label: int,
    networks: Mapping[str, Callable[[NDArray[np.uint8]], NDArray[np.float32]]],
) -> Explorable:
    """Show how networks read one digit in other sizes, places and pens, prepared and not.

    Parameters
    ----------
    image : ndarray of uint8, shape (28, 28)
    label : int
        What it is.
    networks : mapping of str to function
        Each takes images uint8 (N, 28, 28) and returns probabilities (N, 10).

    Returns
    -------
    Explorable

    Raises
    ------
    TypeError, ValueError
        Types or shapes are others than these.
    """
    image = _checks.array("image", image, (28, 28), holds="uint8")
    label = _checks.whole("label", label, least=0, most=9)
    drawn = _drawn(image)  # (sizes, pens, 28, 28)
    flat = drawn.reshape(-1, 28, 28)
    prepared = np.stack([handwriting.to_mnist(each) for each in flat])
    moved = np.stack([_moved(flat, down, across) for down in SHIFTS for across in SHIFTS], axis=1)
    answers: dict[str, list[NDArray[Any]]] = {"as they are": [], "prepared": []}
    for read in networks.values():
        for name, images in (("as they are", moved.reshape(-1, 28, 28)), ("prepared", prepared)):
            found = read(images)
            answers[name].append(
                _checks.array("probabilities", found, (len(images), 10), holds="floats")
            )
    raw, ready = (np.stack(answers[name]) for name in ("as they are", "prepared"))

    def digits(probabilities: NDArray[Any]) -> str:
        return _bytes(probabilities.argmax(axis=-1), np.uint8)

    def percent(probabilities: NDArray[Any]) -> str:
        return _bytes(np.floor(100 * probabilities.max(axis=-1)), np.uint8)

    edges = [(28 - size) // 2 for size in SIZES]  # beyond them, nothing is drawn
    inner = [drawn[i, :, e : 28 - e, e : 28 - e].ravel() for i, e in enumerate(edges)]
    # With one pen: smaller than MNIST's digits, and as large.
    chosen = [len(PENS) * SIZES.index(size) + 1 for size in (12, 20)]
    maps = raw.argmax(axis=-1).reshape(len(networks), len(flat), len(SHIFTS), len(SHIFTS))
    still = _places(flat[chosen], maps[:, chosen].swapaxes(0, 1), [*networks], label)
    return Explorable(
        "placing",
        {
            "sizes": SIZES,
            "pens": list(PENS),
            "shifts": SHIFTS,
            "names": list(networks),
            "label": label,
            "images": _bytes(np.concatenate(inner), np.uint8),
            "prepared": _bytes(prepared, np.uint8),
            "answers": digits(raw),
            "certainty": percent(raw),
            "preparedAnswers": digits(ready),
            "preparedCertainty": percent(ready),
            "start": [3, 1, 3, 3],  # as MNIST has it
        },
        still=still,
        alt="One digit, 12 and 20 pixels large, in the middle of its image; beside it, for each "
        "network, a map of the places at which it may stand, with what the network reads there: "
        "blue where that is right, orange where it is wrong.",
        instruction="Drag the digit, or move it with the arrow keys, three pixels at a time. "
        "Change its size and the pen, then prepare it.",
        question="With the digit in the middle, at which size does each network begin to fail? And "
        "if you prepare it?",
    )


def _places(
    images: NDArray[np.uint8], maps: NDArray[Any], names: Sequence[str], label: int
) -> Figure:
    """Draw each image, and beside it what each network reads at each place (images, networks)."""
    side, title, gap = 1.75, 0.27, 0.12
    row = side + title + gap
    figure, axes = diagrams.canvas(len(images) * row)
    pitch = plots.WIDTH / (1 + len(names))
    for number, (image, of_image) in enumerate(zip(images, maps, strict=True)):
        rows = np.flatnonzero(image.any(axis=1))
        top = (len(images) - number) * row - title
        titles = [f"{np.ptp(rows) + 1} pixels high", *names]
        for column, text in enumerate(titles):
            diagrams.label(axes, ((column + 0.5) * pitch, top + title / 2), text)
        diagrams.picture(axes, image, (pitch / 2, top - side / 2), side)
        for column, read in enumerate(of_image, start=1):
            cell = side / len(read)
            left = (column + 0.5) * pitch - side / 2
            for (down, across), digit in np.ndenumerate(read):
                corner = left + across * cell, top - (down + 1) * cell
                colour = plots.PALETTE[0 if digit == label else 1]
                line = {"ec": plt.rcParams["figure.facecolor"], "lw": 1}
                axes.add_patch(Rectangle(corner, cell, cell, fc=colour, **line))
                middle = corner[0] + cell / 2, corner[1] + cell / 2
                diagrams.label(axes, middle, str(digit), color="white")
            start = left + len(read) // 2 * cell, top - (len(read) // 2 + 1) * cell
            axes.add_patch(
                Rectangle(start, cell, cell, fill=False, ec=plt.rcParams["text.color"], lw=2)
            )
    return figure


def _drawn(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Draw a digit in all sizes, with all pens, each in the middle of its image."""
    distance = fine_distance(handwriting.crop((image / 255).astype(np.float32)))
    drawn = np.zeros((len(SIZES), len(PENS), 28, 28), dtype=np.uint8)
    for j, wider in enumerate(PENS.values()):
        ink = np.clip(distance + FINE * wider / 2 + 0.5, 0, 1).astype(np.float32)
        ink = handwriting.crop(ink)
        side = max(ink.shape)
        above, before = ((side - length) // 2 for length in ink.shape)
        square = np.pad(
            ink,
            ((above, side - ink.shape[0] - above), (before, side - ink.shape[1] - before)),
        )
        picture = Image.fromarray(np.rint(255 * square).astype(np.uint8))
        for i, size in enumerate(SIZES):
            start = (28 - size) // 2
            small = picture.resize((size, size), Image.Resampling.BOX)
            drawn[i, j, start : start + size, start : start + size] = np.asarray(small)
    return drawn


def _moved(images: NDArray[np.uint8], down: int, across: int) -> NDArray[np.uint8]:
    """Move images by whole pixels; what leaves an image is lost."""
    far = max(map(abs, SHIFTS))
    wide = np.pad(images, ((0, 0), (far, far), (far, far)))
    return wide[:, far - down : far - down + 28, far - across : far - across + 28]


# --- chapter 8 --------------------------------------------------------------------------------


def exam(disagreement: float, digits: int) -> Explorable:
    """Show how a gain stands out from luck, for every gain and number of digits.

    Parameters
    ----------
    disagreement : float
        Fraction of the digits on which two networks disagree, from 0.003 to 0.05.
    digits : int
        Digits in the exam at the start, from 320 to 1,000,000. The gain at the start is 0.1
        percentage points.

    Returns
    -------
    Explorable

    Raises
    ------
    TypeError, ValueError
        If a number is out of its range.

    References
    ----------
    Connor (1987), Sample size for testing differences in proportions for the paired-sample
    design, Biometrics 43:207–211, doi:10.2307/2531961.
    """
    disagreement = _checks.number("disagreement", disagreement, least=0.003, most=0.05)
    digits = _checks.whole("digits", digits, least=320, most=1_000_000)
    gain = 0.001
    equal, better = (np.sqrt((disagreement - d**2) / digits) for d in (0, gain))
    edge = 1.959964 * equal
    reach = max(3.5, 1.8 * edge / gain)  # how many gains the axis shows: the edge lies in it
    measured = gain * np.linspace(1 - reach, reach, 241)
    bells = {
        "no gain": np.exp(-((measured / equal) ** 2) / 2),
        "a gain of 0.1 points": np.exp(-(((measured - gain) / better) ** 2) / 2),
    }
    still = plots.plot_lines(
        100 * measured, bells, xlabel="measured gain / percentage points", ylabel=""
    )
    # As in the living figure: no gain is dashed, and what an exam finds is shaded. The curves are
    # named at their outer sides.
    still.legends[0].remove()
    axes = still.axes[0]
    axes.set(yticks=[], ylim=(0, 1.3))
    axes.lines[0].set_linestyle("--")
    axes.lines[1].set_linestyle("-")
    for name, line, middle, side in zip(
        bells, axes.lines, (0, gain), ("right", "left"), strict=True
    ):
        axes.text(100 * middle, 1.02, name, color=line.get_color(), ha=side, va="bottom")
    found = measured > edge
    axes.fill_between(
        100 * measured[found],
        bells["a gain of 0.1 points"][found],
        facecolor=(plots.PALETTE[1], 0.35),
    )
    axes.vlines(100 * edge, 0, 1, color="grey", lw=1)
    axes.text(100 * edge, 1.16, "shown if beyond here", ha="center", va="bottom")
    return Explorable(
        "exam",
        {"disagreement": disagreement, "digits": digits, "gain": gain, "reach": reach},
        still=still,
        alt="Two bell-shaped curves of the measured gain, a dashed one around zero and one around "
        "a tenth of a point, which overlap. The right part of the second one is shaded, beyond a "
        "line that says: shown if beyond here.",
        instruction="Move the number of digits until the two curves part. Then halve the gain.",
        question="The two networks disagree on 5 digits in 1,000. How many digits does it take to "
        "tell 99.65 from 99.70 % in 80 of 100 exams?",
    )


# --- chapter 9 --------------------------------------------------------------------------------

DRAWN = 64  # weights of a channel, at most


def rounding(
    kernels: Mapping[str, ArrayLike],
    per_tensor: ArrayLike,
    per_channel: ArrayLike,
    exact: float,
) -> Explorable:
    """Show how weights snap to a few levels, how small the file gets, and what that costs.

    Of each kernel two channels are drawn: that with the smallest and that with the largest weights.

    Parameters
    ----------
    kernels : mapping of str to array-like of shape (..., channels)
        The name of each layer, and its kernel with two or more output channels. Each channel also
        has a bias, which stays in float32.
    per_tensor, per_channel : array-like of shape (7,)
        The fraction of the digits that is read right with 2 to 8 bits, if all kernels are rounded:
        with one scale for a kernel, and with one scale for each of its output channels.
    exact : float
        The same fraction in float32.

    Returns
    -------
    Explorable

    Raises
    ------
    TypeError, ValueError
        Types or shapes are others than these, or a number is no fraction.
    """
    right: dict[str, NDArray[Any]] = {}
    for way, fractions in {"tensor": per_tensor, "channel": per_channel}.items():
        right[way] = row = _checks.array(f"per_{way}", fractions, (7,), finite=True)
        _checks.number(f"the smallest of per_{way}", float(row.min()), least=0)
        _checks.number(f"the largest of per_{way}", float(row.max()), most=1)
    exact = _checks.number("exact", exact, least=0, most=1)
    layers, weights, channels, spread = [], 0, 0, []
    for name, values in kernels.items():
        kernel = _checks.array(f"kernels[{name!r}]", values, finite=True).astype(np.float32)
        if kernel.ndim < 2 or kernel.shape[-1] < 2:
            what = f"an array of shape {kernel.shape}"
            expected = "two or more output channels on the last of several axes"
            raise ValueError(_checks.message(f"kernels[{name!r}]", what, expected))
        flat = kernel.reshape(-1, kernel.shape[-1])
        most = np.abs(flat).max(axis=0)
        rows = np.sort(flat[:, [most.argmin(), most.argmax()]], axis=0)
        some = np.unique(np.linspace(0, len(rows) - 1, DRAWN).astype(int))
        drawn = [_bytes(row, np.float32) for row in rows[some].T]
        layers.append({"name": name, "most": float(most.max()), "rows": drawn})
        weights, channels = weights + flat.size, channels + flat.shape[1]
        spread.append(most.min() / most.max())
    still = plots.plot_lines(
        np.arange(2, 9),
        {"per tensor": right["tensor"], "per channel": right["channel"]},
        xlabel="bits per weight",
        ylabel="fraction read right",
    )
    (axes,) = still.axes
    axes.axhline(exact, color=plots.PALETTE[2], ls="-.", zorder=1)  # behind the markers
    for line in axes.lines[1], still.legends[0].get_lines()[1]:
        line.set(markersize=10, markerfacecolor="none")  # where both agree, both can be seen
    axes.annotate("float32", (2, exact), (0, 3), textcoords="offset points")
    axes.margins(y=0.1)
    return Explorable(
        "rounding",
        {
            "layers": layers,
            "weights": weights,
            "channels": channels,
            "right": {way: np.round(row, 6).tolist() for way, row in right.items()},
            "exact": exact,
            "start": int(np.argmin(spread)),
        },
        still=still,
        alt="The fraction of the digits that is read right against the bits for a weight: level "
        "from eight bits down to three or four, then it falls, most with one scale for a kernel.",
        instruction="Take bits away, and watch the weights snap to fewer levels. Then give each "
        "channel a scale of its own.",
        question="With one scale for the whole kernel, at how many bits has the channel with the "
        "smallest weights lost all of them? And with a scale of its own?",
    )


# --- chapter 10 -------------------------------------------------------------------------------


def scaling(
    fixed: float,
    work: float,
    cards: Mapping[str, tuple[float, float]],
    parameters: int,
    digits: int,
) -> Explorable:
    """Show where the time of a training step goes, for 1 to 512 workers that add up gradients.

    A step of n workers takes the fixed seconds, the work for the digits of one worker, and the
    time of a ring's messages: 2 (n - 1) / n of the gradient's bits, and 2 (n - 1) delays.

    Parameters
    ----------
    fixed : float
        Seconds of a step that do not depend on the digits.
    work : float
        Seconds for a digit, above 0.
    cards : mapping of str to (float, float)
        Names of network cards; of each, the bits per second and the seconds of delay.
    parameters : int
        Of the network, with 32 bits each.
    digits : int
        In a batch at the start: a power of 2, from 64 to 262,144.

    Returns
    -------
    Explorable

    Raises
    ------
    TypeError, ValueError
        There is no card, or a number is none of these.

    References
    ----------
    P. Patarasuk and X. Yuan, "Bandwidth optimal all-reduce algorithms for clusters of
    workstations", Journal of Parallel and Distributed Computing 69 (2009),
    doi:10.1016/j.jpdc.2008.09.002.
    """
    fixed = _checks.number("fixed", fixed, least=0)
    work = _checks.number("work", work, above=0)
    parameters = _checks.whole("parameters", parameters, least=1)
    digits = _checks.whole("digits", digits, least=64, most=262_144)
    if digits & (digits - 1):
        raise ValueError(_checks.message("digits", digits, "a power of 2, such as 4096"))
    if not cards:
        raise ValueError(_checks.message("cards", "empty", "at least one network card"))
    known = []
    workers = np.arange(1.0, 513)
    curves = {}
    for name, (rate, pause) in cards.items():
        bits = _checks.number(f"bits per second of {name!r}", rate, above=0)
        delay = _checks.number(f"delay of {name!r}", pause, least=0)
        known.append({"name": name, "bits": bits, "delay": delay})
        messages = 2 * (workers - 1) * (32 * parameters / workers / bits + delay)
        curves[name] = (fixed + work * digits) / (fixed + work * digits / workers + messages)
    still = plots.plot_lines(
        workers,
        curves,
        xlabel="workers (calculated)",
        ylabel="times as fast",
        logx=True,
        logy=True,
        ring="highest",
    )
    (axes,) = still.axes
    axes.axline((1, 1), (2, 2), color="0.5", linewidth=1)
    axes.annotate("ideal", (512, 512), (-4, 0), textcoords="offset points", ha="right", va="top")
    for curve in curves.values():
        best = int(curve.argmax())
        axes.annotate(
            f"{workers[best]:.0f} workers: {curve[best]:.0f}",
            (workers[best], curve[best]),
            (6, -30) if workers[best] > 200 else (0, -14),  # below the rising curve
            textcoords="offset points",
            ha="right" if workers[best] > 200 else "center",
            va="top",
        )
    ticks = [1, 8, 64, 512]
    axes.set_xticks(ticks, map(str, ticks))
    axes.set_yticks(ticks, map(str, ticks))
    axes.minorticks_off()
    return Explorable(
        "scaling",
        {
            "fixed": fixed,
            "work": work,
            "cards": known,
            "parameters": parameters,
            "digits": digits,
        },
        still=still,
        alt="How much faster 1 to 512 workers are than one: below the ideal line, and with a slow "
        "network card far below. A ring marks the highest point of each curve.",
        instruction="Add workers, and watch the messages grow. Then enlarge the batch, or give "
        "each worker a batch of its own.",
        question="The slow card, one batch, divided: how large must it be for 64 workers to reach "
        "80 % of the ideal? And how many such batches are in MNIST's 60,000 digits?",
    )
