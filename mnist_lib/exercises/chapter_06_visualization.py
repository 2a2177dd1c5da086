"""The exercises of chapter 6: slopes, occlusion, Grad-CAM, windows, pushes and neighbours.

None of them needs a network: where one would stand, a score is a formula in the exercise itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import signal

from mnist_lib.exercises.engine import Case, Exercise, OneOf, Reference, agrees

_RNG = np.random.default_rng(6)


# --- Slopes ---------------------------------------------------------------------------------------

_P, _SLOPE = 0.98, 5.0
_OF_PROBABILITY = _P * (1 - _P) * _SLOPE
_OF_LOGARITHM = (1 - _P) * _SLOPE
_ODDS = _P / (1 - _P) * np.exp(_SLOPE)  # after a whole unit of grey
_WHOLE_STEP = float(_ODDS / (1 + _ODDS)) - _P
_ROUNDED = 1e-4


# --- Occlusion ------------------------------------------------------------------------------------

_IMAGE = np.round(_RNG.uniform(0.1, 1, size=(5, 8)), 2)
_IMAGE[:2, :3] = 0  # background: covering it changes nothing
_WEIGHTS = _RNG.normal(size=(5, 8))
_COVERED = (_IMAGE, _WEIGHTS, 3)
_SQUARE = (_IMAGE[:, :5].copy(), _WEIGHTS[:, :5].copy(), 2)


def _falls(image: Any, weights: Any, side: int) -> Any:
    return signal.correlate2d(image * weights, np.ones((side, side)), mode="valid")


def _falls_piled_up(image: Any, weights: Any, side: int) -> Any:
    left, falls = image.copy(), _falls(image, weights, side)
    for r, c in np.ndindex(falls.shape):
        left[r : r + side, c : c + side] = 0
        falls[r, c] = np.sum(weights * (image - left))
    return falls


def _falls_from_place_to_place(image: Any, weights: Any, side: int) -> Any:
    piled = _falls_piled_up(image, weights, side)
    return np.diff(piled.ravel(), prepend=0.0).reshape(piled.shape)


def _no_falls(image: Any, weights: Any, side: int) -> Any:
    """Compare the covered image with itself, under its other name."""
    return 0 * _falls(image, weights, side)


def _scores_left(image: Any, weights: Any, side: int) -> Any:
    return np.sum(weights * image) - _falls(image, weights, side)


def _falls_by_ink(image: Any, weights: Any, side: int) -> Any:
    return _falls(image, weights, side) - _falls(np.ones_like(image), weights, side)


def _falls_of_ink(image: Any, weights: Any, side: int) -> Any:
    return _falls(image, np.ones_like(weights), side)


# --- Two maps -------------------------------------------------------------------------------------

_PIXELS = np.array([1.0, 0.0, 1.0])


def _score(x: Any) -> float:
    return float(3 * x[0] - 2 * x[1] + 4 * min(x[2], 0.5))


_OCCLUSION = [_score(_PIXELS) - _score(np.where(np.arange(3) == k, 0, _PIXELS)) for k in range(3)]
_LEFT = [_score(_PIXELS) - fall for fall in _OCCLUSION]
_STEP = 1e-3
_SALIENCY = [
    round(abs(_score(_PIXELS + _STEP * e) - _score(_PIXELS - _STEP * e)) / (2 * _STEP), 6)
    for e in np.eye(3)
]

# --- Grad-CAM -------------------------------------------------------------------------------------

_MAPS = np.maximum(_RNG.normal(0.3, 1, size=(4, 6, 3)), 0)
# The middle map speaks against the digit, so that some sums are negative.
_SLOPES = _RNG.normal([0.8, -1.1, 0.3], 0.6, size=(4, 6, 3))


def _weighted(maps: Any, slopes: Any) -> Any:
    return slopes.mean(axis=(0, 1)) * maps


def _grad_cam(maps: Any, slopes: Any) -> Any:
    return np.maximum(_weighted(maps, slopes).sum(axis=-1), 0)


# --- Windows --------------------------------------------------------------------------------------


def _window(cell: int, layers: list[tuple[int, int]]) -> list[float]:
    """Return the first and last pixel of a cell's window, and its centre."""
    first = last = cell
    for size, stride in reversed(layers):
        first, last = first * stride, last * stride + size - 1
    return [first, last, (first + last) / 2]


_FAST = [(6, 2), (3, 1), (2, 2), (3, 1)]  # (side, stride): conv_1, conv_2, pool_1, conv_3
_CELL, _CELLS = 2, 3
_RIGHT_WINDOW = _window(_CELL, _FAST)
_STRETCHED = (_CELL + 0.5) * 28 / _CELLS - 0.5
_STRETCHED_FIRST = _CELL * 28 / _CELLS - 1  # counted from 0 and rounded down at most
_CLASSIC = [(3, 1), (2, 2), (3, 1)]  # what its conv_2 sees through conv_1 and pool_1

# --- Pushes ---------------------------------------------------------------------------------------

# Values at the limits and between them, and slopes of either sign, long and short, and of zero.
_PUSHED = np.round(_RNG.choice([0.0, 1.0, 0.1, 0.95, 0.5], size=(2, 4, 5, 1)), 2)
_PUSHES = np.round(_RNG.normal(size=(2, 4, 5, 1)), 2)
_PUSHES[:, 1, :3] = 0
_PUSHED[:, 1, :3] = 0.5


def _push(images: Any, slopes: Any, size: float) -> Any:
    return np.clip(images - size * np.sign(slopes), 0, 1)


def _push_without_limits(images: Any, slopes: Any, size: float) -> Any:
    return images - size * np.sign(slopes)


# --- Neighbours -----------------------------------------------------------------------------------

# So many points, and a seed, for which no two slips give the same fraction.
_POINTS_RNG = np.random.default_rng(11)
_CLASSES = _POINTS_RNG.integers(3, size=97)
_POINTS = _POINTS_RNG.normal([2.0, -1.0, 0.5], 1.0, size=(97, 3)) + 1.2 * np.eye(3)[_CLASSES]
_POINTS = np.round(_POINTS, 2)
_POINTS[3] *= 3  # a long vector has large products with all others
# The last two points are twins of the first two, with other labels.
_TWINS = (
    np.concatenate([_POINTS[:6], _POINTS[:2]]),
    np.append(_CLASSES[:6], (_CLASSES[:2] + 1) % 3),
)


def _distances(points: Any) -> Any:
    return np.linalg.norm(points[:, None] - points[None], axis=-1)


def _fraction_alike(distances: Any, labels: Any) -> float:
    return float(np.mean(labels[distances.argmin(axis=1)] == labels))


def _without_itself(distances: Any) -> Any:
    return np.where(np.eye(len(distances), dtype=bool), np.inf, distances)


def _neighbour_accuracy(points: Any, labels: Any) -> float:
    return _fraction_alike(_without_itself(_distances(points)), labels)


def _by_products(points: Any, labels: Any) -> float:
    return _fraction_alike(_without_itself(-points @ points.T), labels)


def _by_farthest(points: Any, labels: Any) -> float:
    return _fraction_alike(-_distances(points), labels)


def _by_shifted_labels(points: Any, labels: Any) -> float:
    nearest = _without_itself(_distances(points)).argmin(axis=1)
    shifted = nearest - (nearest > np.arange(len(points)))
    return float(np.mean(labels[shifted] == labels))


def _by_largest_difference(points: Any, labels: Any) -> float:
    """Measure by Chebyshev's distance."""
    return _fraction_alike(_without_itself(np.abs(points[:, None] - points).max(axis=-1)), labels)


def _by_sum_of_differences(points: Any, labels: Any) -> float:
    """Measure by the distance along the axes (Manhattan)."""
    return _fraction_alike(_without_itself(np.abs(points[:, None] - points).sum(axis=-1)), labels)


def _by_angle(points: Any, labels: Any) -> float:
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    return _by_products(points / lengths, labels)


def _by_sums(points: Any, labels: Any) -> float:
    """Let differences of opposite sign cancel: neither squared nor absolute."""
    return _fraction_alike(_without_itself(np.abs((points[:, None] - points).sum(axis=-1))), labels)


EXERCISES = (
    Exercise(
        id="06.slopes_at_pixel",
        title="How steep is a certainty?",
        stars=1,
        minutes=6,
        form="predict",
        type="table",
        hints=(
            "Write p as e^z / (e^z + c), where c is a constant, and differentiate by z.",
            "That derivative is p (1 - p). By the chain rule multiply it by what the score does; "
            "for the logarithm divide by p.",
        ),
        shows="At 98 % the probability passes on only a fiftieth of the score's slope, and less "
        "still closer to one. All pixels of a digit shrink alike, but each digit by another "
        "factor, so you cannot compare the maps of two digits.",
        cases=(
            Case(
                name="names",
                expect=lambda v: set(v) == {"probability", "logarithm"},
                mistake='The dictionary needs two entries, "probability" and "logarithm".',
            ),
            Case(
                name="ratio",
                expect=lambda v: not 45 <= v["probability"] <= 55,
                mistake="That is how many times flatter it is, which was the guess; give the "
                "slopes themselves.",
            ),
            Case(
                name="falls",
                expect=lambda v: min(v.values()) >= 0,
                mistake="The score rises at this pixel, and p rises with it: neither slope is "
                "negative.",
            ),
            Case(
                name="score",
                slip=_P * (1 - _P),
                place="probability",
                tolerance=_ROUNDED,
                mistake="That is the slope for a score that rises by one per unit of grey; this "
                "one rises faster.",
            ),
            Case(
                name="whole step",
                slip=_WHOLE_STEP,
                place="probability",
                tolerance=_ROUNDED,
                mistake="You let the pixel change by a whole unit; a slope is about the smallest "
                "steps, and a whole unit would reach the ceiling.",
            ),
            Case(
                name="steep probability",
                expect=lambda v: v["probability"] < 1 or abs(v["logarithm"] - _OF_LOGARITHM) > 0.01,
                mistake="The slope of the logarithm is right. The probability's is too steep: so "
                "close to its ceiling of one, p can hardly rise.",
            ),
            Case(
                name="steep logarithm",
                expect=lambda v: (
                    v["logarithm"] < 1 or abs(v["probability"] - _OF_PROBABILITY) > 0.01
                ),
                mistake="The slope of the probability is right. The logarithm's is too steep: "
                "it follows from the probability's by one more division.",
            ),
            Case(
                name="one factor short",
                slip=OneOf(
                    {"probability": _SLOPE * _P, "logarithm": _SLOPE / _P},
                    {"probability": _SLOPE * _P, "logarithm": _SLOPE},
                ),
                tolerance=_ROUNDED,
                mistake="You used p, but not its distance from one: the score stands in the "
                "softmax's denominator, too.",
            ),
            Case(
                name="flat",
                expect=lambda v: all(abs(slope) < 1 for slope in v.values()),
                mistake="So close to its ceiling of one, neither p nor its logarithm can rise "
                "that fast: the softmax's denominator grows together with its numerator.",
            ),
            Case(
                name="exchanged",
                slip={"probability": _OF_LOGARITHM, "logarithm": _OF_PROBABILITY},
                tolerance=_ROUNDED,
                mistake="The two slopes are exchanged: the logarithm's is the larger one, because "
                "dividing by p makes it larger.",
            ),
            Case(
                name="probability",
                expect=_OF_PROBABILITY,
                place="probability",
                tolerance=_ROUNDED,
                mistake="The slope of the probability has three factors: how fast the score rises, "
                "how much p there is, and how far p is from one.",
            ),
            Case(
                name="logarithm",
                expect=_OF_LOGARITHM,
                place="logarithm",
                tolerance=_ROUNDED,
                mistake="The probability's slope is right. For the logarithm's, divide it by "
                "something.",
            ),
        ),
    ),
    Exercise(
        id="06.score_falls",
        title="An occlusion that never uncovers",
        stars=2,
        minutes=10,
        form="find the fault",
        type="array",
        inputs=_COVERED,
        hints=(
            "What does the image look like after the loops? And does covered = image make a "
            "second image?",
            "A patch of 3 fits into a row of 8 at 6 places: count them, and look at the ranges.",
        ),
        shows="Each place needs a fresh copy: two names for one array are not two copies, and "
        "NumPy raises no error.",
        cases=(
            Case(
                name="places",
                expect=lambda v, image, weights, side: v.shape != image.shape,
                mistake="Give one value for each place of the patch, not one for each pixel.",
            ),
            Case(
                name="turned",
                expect=lambda v, *inputs: v.shape != _falls(*inputs).shape[::-1],
                mistake="Rows and columns are exchanged: the first number of a shape counts rows.",
            ),
            Case(
                name="last places",
                expect=lambda v, *inputs: v.shape == _falls(*inputs).shape,
                mistake="The number of places is not right: at how many places does a patch of "
                "this side fit into a row, the last one included?",
            ),
            Case(
                name="piles up",
                slip=OneOf(_falls_piled_up, _falls_from_place_to_place, _no_falls),
                mistake="The image itself gets covered, so earlier patches are still there: each "
                "place must begin with the whole image.",
            ),
            Case(
                name="sign",
                slip=lambda *inputs: -_falls(*inputs),
                mistake="The sign is the wrong way round: a fall is positive where the score was "
                "higher before.",
            ),
            Case(
                name="no rise",
                slip=OneOf(
                    lambda *inputs: np.abs(_falls(*inputs)),
                    lambda *inputs: np.maximum(_falls(*inputs), 0),
                ),
                mistake="A fall can be negative: where covering raises the score, keep the sign.",
            ),
            Case(
                name="scores",
                slip=_scores_left,
                mistake="That is the score that is left; how far did it fall?",
            ),
            Case(
                name="ink",
                slip=_falls_by_ink,
                mistake="You covered with ink; the patch is background, which is 0.",
            ),
            Case(
                name="no weights",
                slip=_falls_of_ink,
                mistake="You measured the ink that is lost; how far the score falls depends on the "
                "weights, too.",
            ),
            Case(
                name="no image",
                slip=lambda image, weights, side: _falls_of_ink(weights, image, side),
                mistake="You added up the weights under the patch; where there is no ink, "
                "covering changes nothing.",
            ),
            Case(
                name="mean",
                slip=lambda image, weights, side: _falls(image, weights, side) / side**2,
                mistake="That is the mean over the patch; the score falls by what all of its "
                "pixels gave.",
            ),
            Case(
                name="falls",
                expect=Reference(_falls),
                mistake="The falls differ: at each place, compare the score of the whole image "
                "with that of a copy in which one whole patch, and no more, is 0.",
            ),
            Case(
                name="another side",
                inputs=_SQUARE,
                expect=Reference(_falls),
                mistake="It works for a patch of 3 and an image of 5 × 8 only: is a size written "
                "into your code?",
                explains_all=True,
            ),
        ),
    ),
    Exercise(
        id="06.two_maps",
        title="Two maps by hand",
        stars=1,
        minutes=6,
        form="calculate",
        type="arrays",
        hints=(
            "Occlusion compares two scores. Saliency asks for the slope at the pixels as they are.",
            "Draw the third term against x3 from 0 to 1: how steep is it at 1, and how much lower "
            "is it at 0?",
        ),
        shows="Occlusion cannot see ink that is missing, and a gradient cannot see what has "
        "reached its ceiling: neither map is the whole truth.",
        cases=(
            Case(
                name="three each",
                expect=lambda v: [part.shape for part in v] == [(3,), (3,)],
                mistake="Give two lists of three numbers: occlusion, then saliency.",
            ),
            Case(
                name="exchanged",
                slip=[_SALIENCY, _OCCLUSION],
                mistake="The two maps are exchanged: occlusion comes first.",
            ),
            Case(
                name="what is left",
                slip=_LEFT,
                place=0,
                mistake="Your first list holds the scores that are left; how far did they fall?",
            ),
            Case(
                name="rises",
                expect=lambda v: (v[0] >= -1e-9).all(),
                mistake="A fall is the score before minus the score after, and here covering a "
                "pixel never raises the score.",
            ),
            Case(
                name="black on black",
                expect=lambda v: agrees(v[0][1], _OCCLUSION[1]),
                mistake="The second pixel is background: what changes when it is covered with "
                "background?",
            ),
            Case(
                name="large step",
                expect=lambda v: agrees(v[0][2], _OCCLUSION[2]),
                mistake="Covering the third pixel is a large step, from 1 to 0: what is its term "
                "before, and what after?",
            ),
            Case(
                name="sign",
                expect=lambda v: (v[1] >= -1e-9).all(),
                mistake="Saliency drops the sign of the gradient.",
            ),
            Case(
                name="missing ink",
                expect=lambda v: agrees(v[1][1], _SALIENCY[1]),
                mistake="A gradient also asks what ink on the second pixel would change, although "
                "none is there.",
            ),
            Case(
                name="ceiling",
                expect=lambda v: agrees(v[1][2], _SALIENCY[2]),
                mistake="Move the third pixel a little, up or down from 1: does the minimum "
                "notice?",
            ),
            Case(
                name="values",
                expect=[np.array(_OCCLUSION), np.array(_SALIENCY)],
                mistake="Look at the first pixel again: its term is a straight line.",
            ),
        ),
    ),
    Exercise(
        id="06.grad_cam",
        title="Grad-CAM without a framework",
        stars=2,
        minutes=10,
        form="write",
        type="array",
        inputs=(_MAPS, _SLOPES),
        hints=(
            "Each map gets one number as its weight. Which axes of slopes must go to leave one "
            "number per map?",
            "slopes.mean(axis=(0, 1)) has one entry per map, and broadcasts along the last axis "
            "of maps. What follows: first the sum, then the maximum.",
        ),
        shows="One mean, one weighted sum and one maximum: the method is short, and each of the "
        "three loses something.",
        cases=(
            Case(
                name="size",
                expect=lambda v, maps, slopes: v.ndim != 2 or v.shape == maps.shape[:2],
                mistake="Keep the map's own size: one value for each cell of the feature maps, "
                "rows first.",
            ),
            Case(
                name="positions",
                expect=lambda v, maps, slopes: v.shape == maps.shape[:2],
                mistake="Give one value for each position: over which axis are the weighted maps "
                "added up?",
            ),
            Case(
                name="cell by cell",
                slip=lambda a, g: np.maximum((g * a).sum(axis=-1), 0),
                mistake="You weighted each position by its own slope; Grad-CAM gives one weight "
                "to a whole map.",
            ),
            Case(
                name="batch",
                slip=lambda a, g: np.maximum((g.mean((1, 2), keepdims=True) * a).sum(axis=-1), 0),
                mistake="There is one image and no batch here, so axes 1 and 2 are columns and "
                "channels: over which axes does a map have its positions?",
            ),
            Case(
                name="roles",
                slip=lambda a, g: _grad_cam(g, a),
                mistake="The roles are exchanged: the mean is taken of the slopes, and what is "
                "added up are the maps.",
            ),
            Case(
                name="total",
                slip=lambda a, g: _grad_cam(a, g) * a.shape[0] * a.shape[1],
                mistake="The pattern is right, the scale is not: a weight is the mean of a map's "
                "slopes, not their sum.",
            ),
            Case(
                name="mean of maps",
                slip=lambda a, g: _grad_cam(a, g) / a.shape[2],
                mistake="The weighted maps are added up; you took their mean.",
            ),
            Case(
                name="scaled",
                slip=lambda a, g: _grad_cam(a, g) / _grad_cam(a, g).max(),
                mistake="You divided by the largest value, which makes a strong and a faint map "
                "look alike: keep the scale.",
            ),
            Case(
                name="negative",
                slip=lambda a, g: _weighted(a, g).sum(axis=-1),
                mistake="The formula's last step is missing: what becomes of negative sums?",
            ),
            Case(
                name="absolute",
                slip=lambda a, g: np.abs(_weighted(a, g).sum(axis=-1)),
                mistake="Negative sums become 0, not positive: they speak against the digit.",
            ),
            Case(
                name="too early",
                slip=OneOf(
                    lambda a, g: np.maximum(_weighted(a, g), 0).sum(axis=-1),
                    lambda a, g: _weighted(a, np.maximum(g, 0)).sum(axis=-1),
                ),
                mistake="The maximum with zero comes last: maps that speak against the digit must "
                "be able to lower the sum.",
            ),
            Case(
                name="all",
                expect=Reference(_grad_cam),
                mistake="Compare with the formula, term by term: mean over positions, weighted "
                "sum over maps, maximum with zero.",
            ),
            Case(
                name="one map",
                inputs=(_MAPS[..., :1], _SLOPES[..., :1]),
                expect=Reference(_grad_cam),
                mistake="It works for three maps and must for any number: is the number written "
                "into your code?",
                explains_all=True,
            ),
        ),
    ),
    Exercise(
        id="06.cell_window",
        title="Where does a cell belong?",
        stars=2,
        minutes=8,
        form="calculate",
        type="numbers",
        hints=(
            "Go back layer by layer: which cells of pool_1 does cell 2 of conv_3 see? Which cells "
            "of conv_2 do these see?",
            "Through a layer of side k and stride s, the first cell f becomes s·f and the last "
            "cell l becomes s·l + k - 1.",
        ),
        shows="Each stride on the way to a cell moves its window: stretching the map over the "
        "image would have put this one several pixels away.",
        cases=(
            Case(
                name="three",
                expect=lambda v: len(v) == 3 and v[0] <= v[2] <= v[1],
                mistake="Give three numbers in this order: first pixel, last pixel, and the "
                "centre, which lies between them.",
            ),
            Case(
                name="cell 3",
                slip=_window(_CELL + 1, _FAST)[0],
                place=0,
                mistake="That is cell 3. Counted from 0, the last of three is cell 2.",
            ),
            Case(
                name="left edge",
                slip=0,
                place=0,
                mistake="Only the cells of the first column see the first pixel; the question is "
                "about the last column.",
            ),
            Case(
                name="stretched window",
                expect=lambda v: v[0] < _STRETCHED_FIRST,
                mistake="That is where stretching the map over the image would put the cell. Its "
                "window is wider, because the windows overlap.",
            ),
            Case(
                name="other network",
                expect=lambda v: list(v[:2]) != _window(_CELL, _CLASSIC)[:2],
                mistake="Cell 2 of the classic network's conv_2 has this window; the fast CNN has "
                "other layers.",
            ),
            Case(
                name="no strides",
                slip=_CELL,
                place=0,
                mistake="The window begins further to the right: two layers move by two.",
            ),
            Case(
                name="one stride",
                slip=2 * _CELL,
                place=0,
                mistake="One of the two strides is missing: conv_1 moves by 2, and so does "
                "pool_1, because pooling moves by its side.",
            ),
            Case(
                name="beyond",
                slip=_RIGHT_WINDOW[1] + 1,
                place=1,
                mistake="Pixels are counted from 0, and the last pixel inside is meant, not the "
                "first one after it.",
            ),
            Case(
                name="first",
                expect=_RIGHT_WINDOW[0],
                place=0,
                mistake="The first pixel is not right: multiply the cell's number by every stride "
                "on the way back to the image.",
            ),
            Case(
                name="last",
                expect=_RIGHT_WINDOW[1],
                place=1,
                mistake="The first pixel is right, the last is not: at each layer the last cell "
                "sees side - 1 cells further than where its own window begins.",
            ),
            Case(
                name="stretched",
                expect=lambda v: not _STRETCHED - 0.5 <= v[2] <= _STRETCHED + 0.6,
                mistake="That is where stretching the map over the whole image would put the cell; "
                "its centre is the middle of its window.",
            ),
            Case(
                name="centre",
                expect=_RIGHT_WINDOW,
                mistake="The window is right; its centre is half-way between the first pixel and "
                "the last.",
            ),
        ),
    ),
    Exercise(
        id="06.push",
        title="Make an adversarial example",
        stars=3,
        minutes=15,
        form="experiment",
        type="array",
        inputs=(_PUSHED, _PUSHES, 0.3),
        hints=(
            "np.sign says for each pixel in which direction the score rises: 1, -1 or 0. You push "
            "the other way.",
            "np.clip(values, 0, 1) keeps the limits. For the experiment, reshape the gradient: "
            "of_score.reshape(x_judged.shape).",
        ),
        shows="All pixels move by the same small size, and only the directions know the network. "
        "Compare your two counts: that difference is what an adversarial example lives on.",
        cases=(
            Case(
                name="along",
                slip=OneOf(
                    lambda x, g, size: _push(x, -g, size),
                    lambda x, g, size: _push_without_limits(x, -g, size),
                    lambda x, g, size: x + size * g,
                ),
                mistake="That raises the score. The gradient points to where the score rises; go "
                "the other way.",
            ),
            Case(
                name="no limits",
                slip=_push_without_limits,
                mistake="The directions are right, but some pixels leave the range from 0 to 1: "
                "bring them back.",
            ),
            Case(
                name="by length",
                slip=OneOf(
                    lambda x, g, size: x - size * g,
                    lambda x, g, size: np.clip(x - size * g, 0, 1),
                    lambda x, g, size: np.clip(x - size * g / np.abs(g).max(), 0, 1),
                    lambda x, g, size: np.clip(x - size * g / np.linalg.norm(g), 0, 1),
                ),
                mistake="A long gradient moves its pixel further than a short one in your "
                "function. Every pixel moves by size: keep only the gradient's sign.",
            ),
            Case(
                name="magnitude",
                slip=OneOf(
                    lambda x, g, size: np.clip(x - size * np.sign(np.abs(g)), 0, 1),
                    lambda x, g, size: np.clip(x - size, 0, 1),
                ),
                mistake="You push every pixel the same way, down. Where the gradient is negative, "
                "the score falls if the pixel rises.",
            ),
            Case(
                name="zero",
                slip=OneOf(
                    lambda x, g, size: np.clip(x - size * np.where(g >= 0, 1, -1), 0, 1),
                    lambda x, g, size: np.clip(x - size * np.where(g > 0, 1, -1), 0, 1),
                ),
                mistake="Look at the pixels with a gradient of zero: the score does not react to "
                "them, so they stay where they are.",
            ),
            Case(
                name="push alone",
                slip=OneOf(
                    lambda x, g, size: -size * np.sign(g),
                    lambda x, g, size: _push(x, g, size) - x,
                ),
                mistake="That is the push by itself: return the images after it.",
            ),
            Case(
                name="stretched",
                slip=lambda x, g, size: (_push_without_limits(x, g, size) + size) / (1 + 2 * size),
                mistake="You squeezed all values into the range from 0 to 1, which also changes "
                "those inside it. Cut off only what lies outside.",
            ),
            Case(
                name="all",
                expect=Reference(_push),
                mistake="Take one pixel at a time: subtract size where the gradient is positive, "
                "add it where it is negative, and keep the result between 0 and 1.",
            ),
            Case(
                name="another size",
                inputs=(_PUSHED[:1], _PUSHES[:1], 0.05),
                expect=Reference(_push),
                mistake="It works for two images and a push of 0.3 only: is a number or a shape "
                "written into your code?",
                explains_all=True,
            ),
        ),
    ),
    Exercise(
        id="06.neighbour_accuracy",
        title="A perfect score for noise",
        stars=2,
        minutes=8,
        form="find the fault",
        type="number",
        inputs=(_POINTS, _CLASSES),
        hints=(
            "Which point is the nearest to points[0] in the whole list, and how far away is it?",
            "The distances from each point to itself stand on the diagonal of the table: give "
            "them a value that never wins.",
        ),
        shows="A point that is judged must not be among the references: here the nearest "
        "neighbour of each point was the point itself.",
        cases=(
            Case(
                name="itself",
                slip=1.0,
                mistake="Everything is still right: each point remains its own nearest neighbour.",
            ),
            Case(
                name="fraction",
                expect=lambda v, *inputs: 0 <= v <= 1,
                mistake="Give a fraction between 0 and 1, neither a count nor per cent.",
            ),
            Case(
                name="errors",
                slip=lambda *inputs: 1 - _neighbour_accuracy(*inputs),
                mistake="That is the fraction of points whose neighbour has another label.",
            ),
            Case(
                name="farthest",
                slip=_by_farthest,
                mistake="You took the farthest point in place of the nearest one.",
            ),
            Case(
                name="products",
                slip=_by_products,
                mistake="The largest product is not the smallest distance: it favours points far "
                "from the origin.",
            ),
            Case(
                name="cancels",
                slip=_by_sums,
                mistake="Differences of opposite sign cancel: square them before you add them up.",
            ),
            Case(
                name="another distance",
                slip=OneOf(_by_largest_difference, _by_sum_of_differences, _by_angle),
                mistake="Nearest means by Euclidean distance here: square the differences, add "
                "them up, and take the root if you like.",
            ),
            Case(
                name="shifted",
                slip=_by_shifted_labels,
                mistake="Where you take a point out, all that follow it move up by one: look up "
                "the labels in a list from which its own label is gone as well.",
            ),
            Case(
                name="one fewer",
                slip=lambda points, labels: (
                    _neighbour_accuracy(points, labels) * len(points) / (len(points) - 1)
                ),
                mistake="You divided by one point fewer than there are. Every point is judged, so "
                "divide by all of them.",
            ),
            Case(
                name="value",
                expect=Reference(_neighbour_accuracy),
                mistake="The result is not right yet: for each point find the nearest of the "
                "others, and compare the two labels.",
            ),
            Case(
                name="twins",
                inputs=_TWINS,
                expect=Reference(_neighbour_accuracy),
                mistake="Two digits may be equal, pixel for pixel: leave a point out by its place "
                "in the list, not because its distance is zero or by its rank.",
            ),
        ),
    ),
)
