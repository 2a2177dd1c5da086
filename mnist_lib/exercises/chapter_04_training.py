"""The exercises of chapter 4: gradients, steps and noise, and what learning curves say."""

from __future__ import annotations

from typing import Any

import numpy as np

from mnist_lib import layers
from mnist_lib.exercises.engine import Case, Exercise, OneOf, Reference

# --- Probability minus truth ----------------------------------------------------------------------

_PROBABILITIES = np.array([[0.5, 0.2, 0.3], [0.7, 0.1, 0.2]])
_TRUTH = np.eye(3)[[2, 0]]
_D_SCORES = _PROBABILITIES - _TRUTH  # of each digit, before the mean
_BIAS_GRADIENT = _D_SCORES.mean(axis=0)
_NO_TRUTH = _PROBABILITIES.mean(axis=0)
_ANSWERS_AS_TRUTH = (_PROBABILITIES - np.eye(3)[_PROBABILITIES.argmax(axis=1)]).mean(axis=0)


# --- Five rates -----------------------------------------------------------------------------------

_RATES = (0.4, 0.05, 0.6, 0.5, 0.3)
_SLOPE = 4.0  # of 2w² at w = 1


def _behaviour(rate: float, slope: float = _SLOPE) -> str:
    """Return the letter of what steps of this rate do: each multiplies w by the same factor."""
    factor = 1 - rate * slope
    if np.isclose(factor, 0):
        return "B"
    if np.isclose(factor, -1):
        return "D"
    if factor > 0:
        return "A"
    return "C" if factor > -1 else "E"


_LETTERS = [_behaviour(rate) for rate in _RATES]
_HALF_SLOPE = [_behaviour(rate, _SLOPE / 2) for rate in _RATES]


def _are_letters(value: Any, letters: str) -> bool:
    return len(value) == 5 and all(len(v) == 1 and v.upper() in letters for v in value)


# --- The convolution that takes longer steps ------------------------------------------------------


def _strided_inputs(
    image: tuple[int, int], kernel: tuple[int, int], stride: int, seed: int
) -> tuple[Any, ...]:
    """Make d, images, kernels and stride: two images of three channels, two kernels."""
    rng = np.random.default_rng(seed)
    places = [(size - k) // stride + 1 for size, k in zip(image, kernel, strict=True)]
    d = rng.normal(size=(2, *places, 2))
    return d, rng.normal(size=(2, *image, 3)), rng.normal(size=(*kernel, 3, 2)), stride


def _strided_backward(d: Any, images: Any, kernels: Any, stride: int) -> Any:
    return layers.conv2d_backward(d, images, kernels, strides=stride)[:2]


# --- Finite differences ---------------------------------------------------------------------------

_RNG = np.random.default_rng(4)
_H = 0.25  # so long that one-sided, central and exact slopes differ
_CHECKED = (
    _RNG.normal(size=(5, 3)),
    np.array([0, 3, 1, 2, 3]),
    _RNG.normal(size=(3, 4)),
    _H,
)


def _losses(x: Any, y: Any, weights: Any, nudge: float) -> Any:
    """Return the loss with each weight nudged in turn, in the shape of the weights."""
    losses = np.zeros(weights.shape)
    for place in np.ndindex(weights.shape):
        moved = weights.copy()
        moved[place] += nudge
        losses[place] = layers.cross_entropy(x @ moved, y)
    return losses


def _central(x: Any, y: Any, weights: Any, h: float) -> Any:
    return (_losses(x, y, weights, h) - _losses(x, y, weights, -h)) / (2 * h)


def _left_behind(x: Any, y: Any, weights: Any, h: float) -> Any:
    """Return the slopes if no nudge is undone: up, then down (for -h, down, then up)."""
    moved, slopes = weights.copy(), np.zeros(weights.shape)
    for place in np.ndindex(weights.shape):
        moved[place] += h
        above = layers.cross_entropy(x @ moved, y)
        moved[place] -= 2 * h
        slopes[place] = (above - layers.cross_entropy(x @ moved, y)) / (2 * h)
    return slopes


_HERE, _ABOVE, _BELOW = (_losses(*_CHECKED[:3], nudge) for nudge in (0.0, _H, -_H))
_FAR_ABOVE = _losses(*_CHECKED[:3], 2 * _H)
_SLOPES = _central(*_CHECKED)


# --- How long the steps are -----------------------------------------------------------------------

_RATE = 0.01
_PACE_ALONG = 1 / (1 - 0.9)  # P = 0.9 P + 1
_PACE_ACROSS = 1 / (1 + 0.9)  # P = 1 - 0.9 P
_STEP_LENGTHS = {
    "along": _RATE * _PACE_ALONG,
    "across": _RATE * _PACE_ACROSS,
    "level": _RATE,
    "steep": _RATE,
}
_UNCORRECTED = _RATE * (1 - 0.9) / (1 - 0.999) ** 0.5  # Adam's first step without its divisions
_TO_THREE_DIGITS = 5e-5


# --- When to stop ---------------------------------------------------------------------------------


def _run(*val_loss: float, patience: int = 3) -> tuple[Any, int]:
    return np.array(val_loss), patience


_PLAIN_RUN = _run(0.9, 0.7, 0.5, 0.6, 0.7, 0.8, 1.0)

# --- Reading logs ---------------------------------------------------------------------------------

_CAUSES = dict(zip("PQRST", "DBCAE", strict=True))


# --- Labels that mean nothing ---------------------------------------------------------------------

_OWN, _OWN_NEW = "own, training", "own, validation"
_RANDOM_LABELS, _RANDOM_NEW = "random, training", "random, validation"
_FOUR = {_OWN, _OWN_NEW, _RANDOM_LABELS, _RANDOM_NEW}


EXERCISES = (
    Exercise(
        id="04.bias_gradient",
        title="Probability minus truth, by hand",
        stars=1,
        minutes=5,
        form="calculate",
        type="numbers",
        hints=(
            "Write p - y as two rows of three numbers, one row for each digit. Each row sums to "
            "zero.",
            "The bias adds to the scores of both digits: add the rows, then think of the N below.",
        ),
        shows="A bias falls where its class gets too much probability, and rises where it gets "
        "too little.",
        cases=(
            Case(
                name="one for each class",
                expect=lambda value: len(value) == 3,
                mistake="Give one number for each class: add over the digits, not over the "
                "classes.",
            ),
            Case(
                name="sum",
                slip=_D_SCORES.sum(axis=0),
                mistake="This is the sum over the digits, but the loss is their mean: what becomes "
                "of the N in the formula?",
            ),
            Case(
                name="sign",
                slip=OneOf(-_BIAS_GRADIENT, -_D_SCORES.sum(axis=0)),
                mistake="This points downhill, which is the step; the gradient is probability "
                "minus truth, not truth minus probability.",
            ),
            Case(
                name="truth",
                slip=OneOf(_NO_TRUTH, 2 * _NO_TRUTH, _ANSWERS_AS_TRUTH),
                mistake="Did you subtract the truth? Take one from the probability of each "
                "digit's label, whatever the network prefers.",
            ),
            Case(
                name="one digit",
                slip=OneOf(*_D_SCORES, *(_D_SCORES / 2)),
                mistake="This is what one digit alone contributes; the bias adds to the scores of "
                "both.",
            ),
            Case(
                name="classes",
                slip=OneOf(_D_SCORES.mean(axis=0) * 2 / 3, _D_SCORES.mean(axis=0) / 3),
                mistake="N is the number of digits in the batch; the number of classes plays no "
                "part in the mean.",
            ),
            Case(
                name="sum to zero",
                expect=lambda value: abs(sum(value)) < 1e-3,
                mistake="Your three numbers do not add up to zero. Each row of p - y does, so "
                "their mean does too: check the subtractions, and keep all decimals to the end.",
            ),
            Case(
                name="value",
                expect=_BIAS_GRADIENT.tolist(),
                mistake="Some entry is off. Write p - y as two rows, in the order of the classes, "
                "and take the mean of each column with all its decimals.",
                explains_all=True,
            ),
        ),
    ),
    Exercise(
        id="04.five_rates",
        title="Five rates, one valley",
        stars=2,
        minutes=8,
        form="predict",
        type="texts",
        hints=(
            "At w = 1 the slope is 4. Work out w after one step for each rate: its sign, its size.",
            "Each step multiplies w by 1 - 4 × rate. What do powers of 0.8, of -0.6, of -1 do?",
        ),
        shows="Without noise, the curvature of the valley alone decides which rates are too high.",
        cases=(
            Case(
                name="letters",
                expect=lambda value: _are_letters(value, "ABCDE"),
                mistake="Give five letters from A to E, in the order of the rates.",
            ),
            Case(
                name="order",
                slip=[_behaviour(rate) for rate in sorted(_RATES)],
                mistake="These are the letters from the smallest rate to the largest; keep the "
                "order in which the rates are listed.",
            ),
            Case(
                name="slope",
                slip=_HALF_SLOPE,
                mistake="This would be right if each step were half as long: what is the slope, "
                "not the loss, at w = 1?",
            ),
            Case(
                name="uphill",
                slip=["E"] * 5,
                mistake="Every rate leads away in your answer: do your steps go against the slope?",
            ),
            Case(
                name="0.4",
                expect=_LETTERS[0],
                place=0,
                mistake="At the rate 0.4, write down w after one and after two steps: which side "
                "is it on, and how far from 0?",
            ),
            Case(
                name="0.05",
                expect=_LETTERS[1],
                place=1,
                mistake="At the rate 0.05 the first step is a fifth of the way; how long is the "
                "next one?",
            ),
            Case(
                name="0.6",
                expect=_LETTERS[2],
                place=2,
                mistake="At the rate 0.6, compare the distance from 0 before and after the first "
                "step.",
            ),
            Case(
                name="0.5",
                expect=_LETTERS[3],
                place=3,
                mistake="At the rate 0.5, take two steps: where is w after the first, and where "
                "after the second?",
            ),
            Case(
                name="0.3",
                expect=_LETTERS[4],
                place=4,
                mistake="At the rate 0.3, how long is the first step, and how far is it to 0?",
            ),
        ),
    ),
    Exercise(
        id="04.strided_backward",
        title="Back through a stride",
        stars=3,
        minutes=20,
        form="write",
        type="arrays",
        inputs=_strided_inputs((2, 3), (2, 3), 3, seed=0),
        hints=(
            "Only `shifted` changes. At stride 2, which rows of the image does kernel row 0 meet?",
            "Kernel row i meets the rows i, i + stride, i + 2 · stride …, as many as d has rows: a "
            "slice with a step, and a stop that depends on the step.",
        ),
        shows="Backward pairs the same pixels, weights and outputs as forward; only the slice is "
        "different.",
        cases=(
            Case(
                name="order",
                expect=lambda result, d, images, kernels, stride: (
                    [part.shape for part in result] != [kernels.shape, images.shape]
                ),
                mistake="The two gradients have changed places: that of the images comes first.",
            ),
            Case(
                name="two gradients",
                expect=lambda result, d, images, kernels, stride: (
                    [part.shape for part in result] == [images.shape, kernels.shape]
                ),
                mistake="Return two gradients, of the images and of the kernels, each in the "
                "shape of what it belongs to.",
            ),
            Case(
                name="square kernel",
                expect=lambda result, d, images, kernels, stride: result[1].any(axis=(2, 3)).all(),
                mistake="The gradient of some kernel weights is still 0: kernels need not be "
                "square, so let i run over their rows and j over their columns.",
            ),
            Case(
                name="one window",
                expect=Reference(_strided_backward),
                mistake="With one window the stride plays no part: a weight gets its own pixel "
                "times d, added over the images, and the pixel gets d times that weight.",
            ),
            Case(
                name="step",
                inputs=_strided_inputs((6, 6), (2, 2), 2, seed=1),
                expect=Reference(_strided_backward),
                mistake="The pixels that one kernel weight meets lie `stride` apart, and there is "
                "one of them for each output: does your slice hold those?",
                explains_all=True,
            ),
            Case(
                name="wide",
                inputs=_strided_inputs((4, 8), (2, 2), 2, seed=5),
                expect=Reference(_strided_backward),
                mistake="This image is wider than it is high: across, the slice follows the "
                "columns of d, not its rows.",
                explains_all=True,
            ),
            Case(
                name="high",
                inputs=_strided_inputs((8, 4), (2, 2), 2, seed=6),
                expect=Reference(_strided_backward),
                mistake="This image is higher than it is wide: down, the slice follows the rows "
                "of d, not its columns.",
                explains_all=True,
            ),
            Case(
                name="rest",
                inputs=_strided_inputs((7, 5), (2, 2), 2, seed=2),
                expect=Reference(_strided_backward),
                mistake="The last row and column of this image belong to no window: the slice must "
                "stop after as many pixels as d has, down and across.",
                explains_all=True,
            ),
            Case(
                name="other stride",
                inputs=_strided_inputs((8, 5), (2, 2), 3, seed=3),
                expect=Reference(_strided_backward),
                mistake="It works at stride 2 but not at 3: what in your slice does not grow with "
                "`stride`?",
                explains_all=True,
            ),
            Case(
                name="overlap",
                inputs=_strided_inputs((7, 9), (3, 3), 2, seed=4),
                expect=Reference(_strided_backward),
                mistake="These windows overlap, so a pixel may belong to several: its gradients "
                "add up.",
            ),
        ),
    ),
    Exercise(
        id="04.numerical_slopes",
        title="A check that cannot be right",
        stars=2,
        minutes=10,
        form="find the fault",
        type="array",
        inputs=_CHECKED,
        hints=(
            "Follow one weight, with w = 1 and h = 0.1, through the faulty code: what is it when "
            "`above` is measured, and what when `below` is?",
            "For each place make two copies of the weights, one nudged up and one nudged down.",
        ),
        shows="A check is code, too: try it first on a gradient that you know is right.",
        cases=(
            Case(
                name="halved",
                slip=(_ABOVE - _HERE) / (2 * _H),
                mistake="These are the numbers of the faulty code: where does the weight stand "
                "when `below` is measured?",
            ),
            Case(
                name="whole numbers",
                expect=lambda result, *_: result.dtype.kind == "f",
                mistake="Your slopes are whole numbers, so all fractions are cut off: the array "
                "that holds them must hold floats.",
            ),
            Case(
                name="zeros",
                expect=lambda result, *_: np.abs(result).max() > 1e-9,
                mistake="Every slope is 0: is one weight nudged at a time, and are up and down two "
                "arrays, not one under two names?",
            ),
            Case(
                name="every place",
                expect=lambda result, *_: np.count_nonzero(result) > 1,
                mistake="Only one slope has been filled in: does the return stand inside the loop?",
            ),
            Case(
                name="one side",
                slip=OneOf(
                    (_ABOVE - _HERE) / _H, (_HERE - _BELOW) / _H, (_FAR_ABOVE - _HERE) / (2 * _H)
                ),
                mistake="The halving is mended, but these slopes are measured on one side of the "
                "weight only; a central difference goes both ways from it.",
            ),
            Case(
                name="distance",
                slip=OneOf(2 * _SLOPES, _SLOPES / 2, _SLOPES * 2 * _H, _SLOPES * _H**2),
                mistake="The two losses are the right ones; divide by the distance between the two "
                "weights at which they were measured.",
            ),
            Case(
                name="brackets",
                slip=OneOf(
                    _ABOVE - _BELOW / 2 * _H, _ABOVE - _BELOW / (2 * _H), _ABOVE - _BELOW / _H
                ),
                mistake="The division reaches the second loss only: brackets are missing.",
            ),
            Case(
                name="sign",
                slip=-_SLOPES,
                mistake="Each slope has the wrong sign: which of the two losses is taken from the "
                "other?",
            ),
            Case(
                name="size of h",
                slip=_central(*_CHECKED[:3], 1e-5),
                tolerance=1e-4,
                mistake="These slopes belong to a tiny h, or to no h at all: nudge by the `h` that "
                "is given.",
            ),
            Case(
                name="length of the nudges",
                slip=OneOf(_central(*_CHECKED[:3], 2 * _H), _central(*_CHECKED[:3], _H / 2)),
                mistake="These are central differences, but for nudges of another length: go `h` "
                "up and `h` down from the value that the weight was given.",
            ),
            Case(
                name="summed",
                slip=_SLOPES * len(_CHECKED[1]),
                mistake="These slopes belong to the sum over the digits; the loss is their mean.",
            ),
            Case(
                name="left behind",
                slip=OneOf(_left_behind(*_CHECKED), _left_behind(*_CHECKED[:3], -_H)),
                mistake="One weight is nudged at a time: when the next one is measured, do all "
                "the others have the values that they were given?",
            ),
            Case(
                name="value",
                expect=Reference(_central),
                mistake="Take one weight by hand and leave all the others as they are: the loss "
                "with it `h` higher, the loss with it `h` lower, and how far apart these two "
                "weights lie.",
            ),
        ),
    ),
    Exercise(
        id="04.step_lengths",
        title="How long are the steps?",
        stars=2,
        minutes=8,
        form="calculate",
        type="table",
        hints=(
            "In the long run the pace stops changing in size. Call that size P: the next pace, "
            "0.9 P plus or minus the slope, has the same size. And a step is rate times pace.",
            "Put t = 1 into `adam`: after both divisions, what do m and the root of v become for a "
            "slope g?",
        ),
        shows="Momentum takes steps ten times as long along the valley and about half as long "
        "across it; Adam's first step is as long as the rate, however steep the slope.",
        cases=(
            Case(
                name="names",
                expect=lambda value: set(value) == set(_STEP_LENGTHS),
                mistake="Keep the four names of the dictionary: along, across, level, steep.",
            ),
            Case(
                name="lengths",
                expect=lambda value: all(length > 0 for length in value.values()),
                mistake="Give lengths, which are positive: without the direction of the step, and "
                "none of the four is 0.",
            ),
            Case(
                name="pace",
                slip=OneOf(_PACE_ALONG, _PACE_ACROSS),
                place=("along", "across"),
                tolerance=_TO_THREE_DIGITS,
                mistake="This is the pace; the step is the learning rate times the pace.",
            ),
            Case(
                name="first step",
                slip=OneOf(_RATE, _RATE, 1.9 * _RATE, 0.1 * _RATE),
                place=("along", "across", "along", "across"),
                tolerance=_TO_THREE_DIGITS,
                mistake="This is one of the first two steps of momentum; later steps still carry "
                "something of those before them. When does the pace stop changing in size?",
            ),
            Case(
                name="along",
                expect=_STEP_LENGTHS["along"],
                place="along",
                tolerance=_TO_THREE_DIGITS,
                mistake="Along: once the pace no longer changes it equals nine tenths of itself "
                "plus the slope. How large is it then?",
            ),
            Case(
                name="across",
                expect=_STEP_LENGTHS["across"],
                place="across",
                tolerance=_TO_THREE_DIGITS,
                mistake="Across: in the long run the pace changes only its sign. So its size is 1 "
                "less nine tenths of that size. Keep three digits of the step.",
            ),
            Case(
                name="not corrected",
                slip=OneOf(_UNCORRECTED, _UNCORRECTED),
                place=("level", "steep"),
                tolerance=_TO_THREE_DIGITS,
                mistake="Both means started at 0: did you divide by 1 - keep and by 1 - "
                "keep_square, as `adam` does at t = 1?",
            ),
            Case(
                name="plain steps",
                slip=OneOf(0.002 * _RATE, 50 * _RATE),
                place=("level", "steep"),
                tolerance=1e-7,
                mistake="Rate times slope is the step of plain descent; Adam divides by the root "
                "of the mean square of the slopes.",
            ),
            Case(
                name="no root",
                slip=OneOf(_RATE / 0.002, _RATE / 50),
                place=("level", "steep"),
                tolerance=_TO_THREE_DIGITS,
                mistake="You divided by the mean square itself; Adam divides by its root.",
            ),
            Case(
                name="Adam",
                expect=_STEP_LENGTHS,
                tolerance=_TO_THREE_DIGITS,
                mistake="Adam's first step: with a single slope g behind it, what are the mean of "
                "the slopes and the root of the mean of their squares?",
            ),
        ),
    ),
    Exercise(
        id="04.stopping_point",
        title="When to stop",
        stars=2,
        minutes=15,
        form="write",
        type="numbers",
        inputs=_PLAIN_RUN,
        hints=(
            "Go through the epochs and keep two things: the lowest loss so far, and its epoch.",
            "After each epoch: if its loss is lower than the lowest, remember it; otherwise see "
            "how many epochs have passed since the best one.",
        ),
        shows="The lowest loss so far is all the memory that early stopping needs.",
        cases=(
            Case(
                name="two numbers",
                expect=lambda result, *_: len(result) == 2,
                mistake="Return two numbers: the last epoch that is run, and the epoch whose "
                "weights are kept.",
            ),
            Case(
                name="counted from 0",
                slip=OneOf([5, 2], [6, 2]),
                mistake="Here epochs are counted from 0; the first epoch is epoch 1.",
            ),
            Case(
                name="order",
                slip=[3, 6],
                mistake="Both numbers are right but have changed places: the last epoch that is "
                "run comes first.",
            ),
            Case(
                name="no best epoch",
                slip=0,
                place=1,
                mistake="The second number is 0, which is not one of the epochs: what does your "
                "code take for the lowest loss before the first epoch ends, and can a loss be "
                "lower?",
            ),
            Case(
                name="best",
                expect=3,
                place=1,
                mistake="The losses fall, reach their lowest and rise again: the second number is "
                "the number of the epoch with the lowest one, counted from 1.",
            ),
            Case(
                name="last",
                expect=[6, 3],
                mistake="Count the epochs since the best one: after `patience` of them without a "
                "lower loss, training ends.",
            ),
            Case(
                name="first is best",
                inputs=_run(0.4, 0.5, 0.6, 0.7, 0.8, patience=1),
                expect=1,
                place=1,
                mistake="Here every loss is above the first one, so the weights of epoch 1 are "
                "kept: does your code remember that epoch from the start?",
            ),
            Case(
                name="patience",
                inputs=_run(0.4, 0.5, 0.6, 0.7, 0.8, patience=1),
                expect=[2, 1],
                mistake="With a patience of 1, the first epoch without a lower loss is the last "
                "one: use the argument.",
            ),
            Case(
                name="high losses",
                inputs=_run(2.5, 2.3, 2.1, 2.2, 2.3, 2.4, 2.6),
                expect=[6, 3],
                mistake="All these losses lie above 2: what does your code take for the lowest "
                "loss before the first epoch has ended?",
            ),
            Case(
                name="zigzag",
                inputs=_run(1.0, 0.5, 0.8, 0.6, 0.9, 0.7, 0.95, 0.8),
                expect=[5, 2],
                mistake="This loss goes up and down without a new low: compare it with the lowest "
                "so far, not with the epoch before.",
            ),
            Case(
                name="new low",
                inputs=_run(1.0, 1.1, 0.9, 0.95, 0.8, 0.85, 0.9, 0.95, 0.99),
                expect=[8, 5],
                mistake="Patience starts again at each new low; epochs before it no longer count.",
            ),
            Case(
                name="future",
                inputs=_run(0.5, 0.6, 0.7, 0.8, 0.1, 0.2),
                expect=[4, 1],
                mistake="The best epoch must be one of those that were run: this loss falls "
                "again only after the stop.",
            ),
            Case(
                name="tie",
                inputs=_run(0.5, 0.5, 0.5, 0.5, 0.5, patience=2),
                expect=[3, 1],
                mistake="A loss that equals the lowest has not fallen.",
            ),
            Case(
                name="small steps",
                inputs=_run(0.5, 0.499, 0.4985, 0.4984999, 0.6, 0.7, 0.4984998, patience=2),
                expect=[6, 4],
                mistake="This loss falls by very little, but it falls: any loss below the lowest "
                "counts as lower, without rounding and without a least improvement.",
            ),
            Case(
                name="to the end",
                inputs=_run(0.9, 0.8, 0.7, 0.75),
                expect=[4, 3],
                mistake="Where patience never runs out, training ends with the last loss given, "
                "whenever the best epoch was.",
                explains_all=True,
            ),
        ),
    ),
    Exercise(
        id="04.diagnoses",
        title="Five logs, five causes",
        stars=2,
        minutes=8,
        form="find the fault",
        type="texts",
        hints=(
            "Compare each accuracy with one tenth, which is what guessing gives, and each loss "
            "with 2.3.",
            "Ask of each run: does training go as well as in the healthy run? Do training and "
            "validation tell the same story? If not, is the network at fault, or what it is "
            "judged by?",
        ),
        shows="The two losses and the two accuracies together tell causes apart that look alike "
        "in any one of them.",
        cases=(
            Case(
                name="letters",
                expect=lambda value: _are_letters(value, "ABCDEFG"),
                mistake="Give five letters from A to G, for the runs P, Q, R, S and T.",
            ),
            Case(
                name="P healthy",
                slip="A",
                place=0,
                mistake="P is too good: 300 training digits are few, and yet no new digit is "
                "misread.",
            ),
            Case(
                name="P overfitted",
                slip="C",
                place=0,
                mistake="In P nothing goes wrong on the validation digits: overfitting would show "
                "there.",
            ),
            Case(
                name="Q stuck",
                slip="F",
                place=1,
                mistake="With all weights zero the loss would rest at 2.30; the loss of Q moves.",
            ),
            Case(
                name="R leaked",
                slip="D",
                place=2,
                mistake="Had R seen the validation digits in training, would it misread a fifth "
                "of them?",
            ),
            Case(
                name="S leaked",
                slip="D",
                place=3,
                mistake="S reads validation digits no better than training digits, and misreads "
                "some: what may make the training loss look worse than it is?",
            ),
            Case(
                name="T overfitted",
                slip="C",
                place=4,
                mistake="An overfitted network still reads most new digits; T reads one in ten, "
                "as a blind guess would.",
            ),
            Case(
                name="T sorted",
                slip="G",
                place=4,
                mistake="A network that saw sorted digits still reads the last ones, so it beats "
                "a blind guess, and its validation loss falls; that of T rises.",
            ),
            Case(
                name="P",
                expect=_CAUSES["P"],
                place=0,
                mistake="Look at P again: after 300 training digits it reads every validation "
                "digit. What would make that easy?",
            ),
            Case(
                name="Q",
                expect=_CAUSES["Q"],
                place=1,
                mistake="Look at Q again: both losses fall, and they fall together, but only a "
                "little.",
            ),
            Case(
                name="R",
                expect=_CAUSES["R"],
                place=2,
                mistake="Look at R again: every training digit is right, and a fifth of the new "
                "ones are wrong.",
            ),
            Case(
                name="S",
                expect=_CAUSES["S"],
                place=3,
                mistake="Look at S again: both losses fall, and that of training ends above that "
                "of validation.",
            ),
            Case(
                name="T",
                expect=_CAUSES["T"],
                place=4,
                mistake="Look at T again: training goes well, while the validation loss rises "
                "and new digits are guessed blindly.",
            ),
        ),
    ),
    Exercise(
        id="04.random_labels",
        title="Labels that mean nothing",
        stars=2,
        minutes=10,
        form="experiment",
        type="table",
        hints=(
            "Draw the random labels once, before training: an array of 100 integers. Then call "
            "the chapter's `train` twice, with a new network, a new optimiser and `epochs=40` each "
            "time.",
            'train returns a dictionary of lists: `run["accuracy"][-1]` and '
            '`run["val_accuracy"][-1]` are the two numbers to read off, for each of the two runs.',
        ),
        shows="A training accuracy near one proves memory, not learning: only digits that the "
        "network has never seen tell the two apart.",
        cases=(
            Case(
                name="names",
                expect=lambda value: set(value) == _FOUR,
                mistake="Keep the four names of the dictionary.",
            ),
            Case(
                name="percent",
                expect=lambda value: all(0 <= v <= 1 for v in value.values()),
                mistake="Give accuracies as fractions between 0 and 1: no percentages, no losses.",
            ),
            Case(
                name="places",
                expect=lambda value: (
                    value[_OWN] >= value[_OWN_NEW] and value[_RANDOM_LABELS] >= value[_RANDOM_NEW]
                ),
                mistake="A validation accuracy above the training accuracy, after 40 epochs on 100 "
                "digits: have the two changed places?",
            ),
            Case(
                name="memory",
                expect=lambda value: value[_RANDOM_LABELS] >= 0.9,
                mistake="The network can do better on the random labels: were they drawn once, "
                "before training, and did it train for all 40 epochs?",
            ),
            Case(
                name="exchanged",
                expect=lambda value: value[_OWN_NEW] > 0.25 or not 0.4 < value[_RANDOM_NEW] < 0.9,
                mistake="Better on new digits after random labels than after the right ones: have "
                "the two runs changed places?",
            ),
            Case(
                name="never right",
                expect=lambda value: value[_RANDOM_NEW] >= 0.02,
                mistake="Even a blind guess is right about one time in ten: 0.0 cannot be what you "
                "measured. Give one decimal at least, and measure on `x_val` with `y_val`.",
            ),
            Case(
                name="guess",
                expect=lambda value: value[_RANDOM_NEW] <= 0.18,
                mistake="A network that learnt from meaningless labels can only guess new digits, "
                "and a guess is right about one time in ten: was the second accuracy measured on "
                "`x_val` with the labels `y_val`?",
            ),
            Case(
                name="own labels",
                expect=lambda value: value[_OWN] >= 0.9,
                mistake="A network that can memorise random labels can also memorise the right "
                "ones: did this run last for 40 epochs, too?",
            ),
            Case(
                name="new digits",
                expect=lambda value: 0.5 <= value[_OWN_NEW] <= 0.85,
                mistake="From 100 digits with their own labels the network learns to read most "
                "validation digits, but not nearly all: what did `val_accuracy` end at?",
            ),
        ),
    ),
)
