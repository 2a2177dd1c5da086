"""The exercises of chapter 2: windows, shapes, channels, ReLU and pooling, gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import signal

from mnist_lib import layers
from mnist_lib.exercises.engine import Case, Exercise, OneOf, Reference

# --- Two windows by hand ------------------------------------------------------------------------

_TINY = np.array([[1, 2, 3, 3], [2, 1, 0, 2], [2, 2, 2, 0]])
_TINY_KERNEL = np.array([[0, -1, 0], [2, 1, -1], [0, 0, 3]])


def _tiny_sums(kernel: Any) -> list[int]:
    return [int(np.sum(_TINY[:, x : x + 3] * kernel)) for x in (0, 1)]


TWO_WINDOWS = Exercise(
    id="02.two_windows",
    title="Two windows by hand",
    stars=1,
    minutes=5,
    form="calculate",
    type="numbers",
    hints=(
        "Write the kernel's weights over the pixels that they cover. Weights of 0 drop out, so "
        "only five products are left.",
        "For the first window: the weight −1 lies over row 0, column 1; the weight 2 over row 1, "
        "column 0. For the second window every weight lies one column further right.",
    ),
    shows="One number per place of the window: its nine products, added.",
    cases=(
        Case(
            name="turned",
            slip=_tiny_sums(_TINY_KERNEL[::-1, ::-1]),
            mistake="These are the sums for the kernel turned by 180°: lay it over the pixels as "
            "it is written, first row on first row.",
        ),
        Case(
            name="transposed",
            slip=_tiny_sums(_TINY_KERNEL.T),
            mistake="Rows and columns of the kernel have changed places.",
        ),
        Case(
            name="signs",
            slip=_tiny_sums(abs(_TINY_KERNEL)),
            mistake="Two of the weights are negative: their products are subtracted.",
        ),
        Case(
            name="mean",
            slip=[total / 9 for total in _tiny_sums(_TINY_KERNEL)],
            mistake="The nine products are added, not averaged.",
        ),
        Case(
            name="order",
            slip=_tiny_sums(_TINY_KERNEL)[::-1],
            mistake="Both sums are right, but in the wrong order: the left window comes first.",
        ),
        Case(
            name="first",
            expect=_tiny_sums(_TINY_KERNEL)[0],
            place=0,
            mistake="The first sum is not right yet: look at the signs, at which weight lies over "
            "which pixel, and at your addition.",
        ),
        Case(
            name="cut off",
            slip=0,
            place=1,
            mistake="A sum may be negative: nothing is cut off at 0 here.",
        ),
        Case(
            name="both",
            expect=_tiny_sums(_TINY_KERNEL),
            mistake="The first sum is right; for the second the whole window moves one column to "
            "the right, and every weight meets another pixel. If it did, check your addition.",
        ),
    ),
)

# --- Dark ink on white paper --------------------------------------------------------------------

NEGATIVE = Exercise(
    id="02.negative",
    title="Dark ink on white paper",
    stars=1,
    minutes=5,
    form="predict",
    type="texts",
    hints=(
        "Try one window: all nine pixels 0, then all nine pixels 1. What does each kernel give?",
        "A sum of products of (1 − x) is the sum of the weights minus the sum of products of x. "
        "What do the weights of each kernel sum to?",
    ),
    shows="A kernel whose weights sum to 0 responds only to differences; one whose weights sum to "
    "1 keeps the brightness level.",
    cases=(
        Case(
            name="edge: unchanged",
            slip="A",
            place=0,
            mistake="In the negative the ink has become dark: what was brighter on the right of a "
            "window is now darker there, so the edge map cannot stay the same.",
        ),
        Case(
            name="edge: from 1",
            slip="C",
            place=0,
            mistake="Think of empty paper: its pixels are now all 1, and the left-edge kernel "
            "still gives 0 there, not 1.",
        ),
        Case(
            name="edge: zero",
            slip="D",
            place=0,
            mistake="The strokes still have edges in the negative, so the edge map is not 0 "
            "everywhere.",
        ),
        Case(
            name="blur: unchanged",
            slip="A",
            place=1,
            mistake="Blur averages, and where the paper was 0 the average is now 1.",
        ),
        Case(
            name="blur: sign",
            slip="B",
            place=1,
            mistake="Blur has no negative weight and the pixels lie in 0 to 1, so its map cannot "
            "become negative.",
        ),
        Case(
            name="blur: zero",
            slip="D",
            place=1,
            mistake="Blur averages nine pixels; on white paper all of them are 1, and so is the "
            "average.",
        ),
        Case(
            name="both",
            expect=["B", "C"],
            mistake="Give two letters from A to D, first for the left-edge kernel and then for "
            "blur.",
        ),
    ),
)

# --- The loop with two loops fewer --------------------------------------------------------------

_RNG = np.random.default_rng(2)
_SQUARE = _RNG.normal(size=(6, 6))
_WIDE = _RNG.normal(size=(5, 9))
_KERNEL = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0], [0.5, 0.0, -2.0]])
_WIDE_KERNEL = _RNG.normal(size=(2, 4))
_PIXELS = np.random.default_rng(3).integers(0, 256, size=(6, 6), dtype=np.uint8)


_HALF_PRECISION = (
    "Your result is float16, which keeps three or four digits of a number: use float32 or float64."
)


def _correlate(image: Any, kernel: Any) -> Any:
    return signal.correlate2d(image, kernel, mode="valid")


CONV2D = Exercise(
    id="02.conv2d",
    title="Slide the kernel yourself",
    stars=2,
    minutes=15,
    form="write",
    type="array",
    inputs=(_SQUARE, _KERNEL),
    hints=(
        "How many rows does the result have, and how many columns? The shape formula says n - k + "
        "1 in each direction.",
        "The window at place (y, x) is image[y : y + kh, x : x + kw]. NumPy multiplies it by the "
        "kernel in one step and adds the products in another.",
    ),
    shows="Sums of products over a window, at every place: that is all a convolution is.",
    cases=(
        Case(
            name="runs",
            expect=lambda result, image, kernel: True,
            mistake="Your function stops with an error. If shapes do not fit together, look at the "
            "window: it has the kernel's height and width, and its last place is the one where it "
            "touches the border.",
            explains_all=True,
        ),
        Case(
            name="another image",
            expect=lambda result, image, kernel: result.shape != (26, 26),
            mistake="Your map has the size that belongs to `digit`: use the image that the "
            "function is given, and its height and width.",
        ),
        Case(
            name="shape",
            expect=lambda result, image, kernel: result.shape == (4, 4),
            mistake="Only windows that lie inside the image count: n - k + 1 places in each "
            "direction.",
        ),
        Case(
            name="flipped",
            slip=lambda image, kernel: _correlate(image, kernel[::-1, ::-1]),
            mistake="The numbers would be right for a kernel that looks the same when turned: do "
            "not flip it.",
        ),
        Case(
            name="first row alone",
            expect=lambda result, image, kernel: bool(result[1:].any()),
            mistake="Everything below the first row is still 0: is the return inside the loop over "
            "the rows?",
        ),
        Case(
            name="last place",
            expect=lambda result, image, kernel: bool(result[-1].any() and result[:, -1].any()),
            mistake="The last row or column is still 0: range(n) ends at n - 1 by itself.",
        ),
        Case(
            name="transposed",
            slip=lambda image, kernel: _correlate(image, kernel).T,
            mistake="All numbers are right, but the rows of the map have become its columns.",
        ),
        Case(
            name="rows and columns",
            slip=lambda image, kernel: _correlate(image, kernel.T),
            mistake="Rows and columns of the kernel have changed places.",
        ),
        Case(
            name="averaged",
            slip=lambda image, kernel: _correlate(image, kernel) / kernel.size,
            mistake="The products are added, not averaged.",
        ),
        Case(
            name="cut off",
            slip=OneOf(
                lambda image, kernel: np.maximum(_correlate(image, kernel), 0),
                lambda image, kernel: np.abs(_correlate(image, kernel)),
            ),
            mistake="A number of the map may be negative: leave its sign as it is.",
        ),
        Case(
            name="half precision",
            expect=lambda result, image, kernel: result.dtype != np.float16,
            mistake=_HALF_PRECISION,
        ),
        Case(
            name="whole numbers",
            slip=lambda image, kernel: np.trunc(_correlate(image, kernel)),
            mistake="The fractions are cut off: make the map for floats, not for whole numbers.",
        ),
        Case(
            name="whole weights",
            slip=lambda image, kernel: _correlate(image, np.trunc(kernel)),
            mistake="The kernel's fractions are lost: leave its weights as they are, and do not "
            "turn them into whole numbers.",
        ),
        Case(
            name="sum of products",
            expect=Reference(_correlate),
            mistake="The shape is right: now each number must be the sum of nine products, each "
            "pixel of the window times the weight in the same place of the kernel.",
        ),
        Case(
            name="not square",
            inputs=(_WIDE, _KERNEL),
            expect=Reference(_correlate),
            mistake="This image is wider than it is high: count rows and columns separately, and "
            "let y go with the rows.",
            explains_all=True,
        ),
        Case(
            name="another kernel",
            inputs=(_WIDE, _WIDE_KERNEL),
            expect=Reference(_correlate),
            mistake="It works for a 3 × 3 kernel but not for this one of 2 × 4: take the height "
            "and the width of the window from the kernel's shape, each by itself.",
            explains_all=True,
        ),
        Case(
            name="8-bit pixels",
            inputs=(_PIXELS, _KERNEL),
            expect=Reference(_correlate),
            mistake="It works for floats but not for an image of uint8: the sums go below 0 and "
            "beyond 255, so make the map for floats, whatever the image's type is.",
            explains_all=True,
        ),
    ),
)

# --- Shapes through four convolutions -----------------------------------------------------------


def _row_counts(rows: int) -> list[int]:
    """Return the places along one side after each of the exercise's four convolutions."""
    first = (rows - 5) // 2 + 1
    second = (first - 2) // 2 + 1
    third = -(-second // 3)
    return [first, second, third, third - 3 + 1]


_ROWS = _row_counts(45)

ROW_COUNTS = Exercise(
    id="02.row_counts",
    title="Through four convolutions",
    stars=2,
    minutes=6,
    form="calculate",
    type="numbers",
    hints=(
        "Each convolution's rows are the next one's n. With VALID, p = 0 in the shape formula.",
        "Round down before you add 1. With SAME you need no formula with p: it is n / s, rounded "
        "up, whatever the kernel's size.",
    ),
    shows="Four lines of arithmetic replace a run: shapes can be known before any code exists.",
    cases=(
        Case(
            name="four numbers",
            expect=lambda value: len(value) == 4,
            mistake="Give four numbers, one after each step, without the 45 at the start.",
        ),
        Case(
            name="columns",
            slip=_row_counts(32),
            mistake="These are the columns; the rows were asked for.",
        ),
        Case(
            name="no first place",
            slip=_ROWS[0] - 1,
            place=0,
            mistake="The window's first place counts too: there is a + 1 at the end of the shape "
            "formula.",
        ),
        Case(
            name="no stride",
            slip=45 - 5 + 1,
            place=0,
            mistake="The first step has stride 2: its window moves two pixels at a time.",
        ),
        Case(
            name="padded",
            slip=OneOf(45 / 2, (45 + 1) // 2),
            place=0,
            mistake="Half of the rows would be left with SAME; the first step is VALID, so the "
            "window of 5 must lie inside the scan.",
        ),
        Case(
            name="first step",
            expect=_ROWS[0],
            place=0,
            mistake="The first step is not right yet: it has 45 rows, a kernel of 5, no padding "
            "and stride 2.",
        ),
        Case(
            name="rounded up",
            slip=OneOf(_ROWS[1] + 0.5, _ROWS[1] + 1),
            place=1,
            mistake="In the second step one row is left over, too few for another window: with "
            "VALID round down.",
        ),
        Case(
            name="second step",
            expect=_ROWS[1],
            place=1,
            mistake="The second step is not right yet: it has the rows that the first step left, "
            "a kernel of 2, no padding and stride 2.",
        ),
        Case(
            name="the same size",
            slip=_ROWS[1],
            place=2,
            mistake="SAME keeps the size for stride 1 only; the third step has stride 3.",
        ),
        Case(
            name="rounded down",
            slip=_ROWS[2] - 1,
            place=2,
            mistake="SAME adds the zeros that the last, incomplete window needs: round up.",
        ),
        Case(
            name="third step",
            expect=_ROWS[2],
            place=2,
            mistake="The third step is not right yet: with SAME it is n / s, rounded up, and n is "
            "what the second step left.",
        ),
        Case(
            name="fourth step",
            expect=_ROWS,
            mistake="Three steps are right; the last has a kernel of 3, no padding and stride 1.",
        ),
    ),
)

# --- Kernels from another library ---------------------------------------------------------------

_ALIKE = _RNG.normal(size=(3, 3, 2, 2))
_UNLIKE = _RNG.normal(size=(5, 4, 2, 3))

TO_KERAS = Exercise(
    id="02.to_keras",
    title="Kernels from another library",
    stars=2,
    minutes=10,
    form="find the fault",
    type="array",
    inputs=(_ALIKE,),
    hints=(
        "Take a small array with numbers you know, np.arange(24).reshape(2, 3, 2, 2), and print "
        "kernel 0, channel 0 before and after. Does reshape move any axis?",
        "The weight at (o, c, i, j) must end up at (i, j, c, o). np.transpose takes the old axes "
        "in their new order: axis 2 comes first.",
    ),
    shows="reshape divides the same row of numbers differently, while transpose moves axes: the "
    "shape alone does not tell the two apart.",
    cases=(
        Case(
            name="reshaped",
            slip=lambda kernels: kernels.reshape(2, 2, 3, 3),
            mistake="The shape is right, but the weights have landed in other kernels: reshape "
            "divides up the numbers in the order in which they are stored and moves no axis.",
        ),
        Case(
            name="rows and columns",
            slip=lambda kernels: kernels.transpose(3, 2, 1, 0),
            mistake="The channels are where they belong, but every kernel lies on its side: its "
            "rows and columns have changed places.",
        ),
        Case(
            name="in and out",
            slip=lambda kernels: kernels.transpose(2, 3, 0, 1),
            mistake="The kernels are whole, but input and output channels have changed places: "
            "C_in comes before C_out in Keras.",
        ),
        Case(
            name="turned",
            slip=lambda kernels: kernels.transpose(2, 3, 1, 0)[::-1, ::-1],
            mistake="The axes are right, but the kernels were turned by 180° as well: both "
            "libraries cross-correlate.",
        ),
        Case(
            name="other sizes",
            inputs=(_UNLIKE,),
            expect=Reference(lambda kernels: kernels.transpose(2, 3, 1, 0)),
            mistake="Some weights are not in their place: the one at (o, c, i, j) belongs at (i, "
            "j, c, o).",
        ),
    ),
)

# --- A layer with bias and stride ---------------------------------------------------------------

_MAPS = _RNG.normal(size=(2, 8, 11, 3))
_KERNELS = _RNG.normal(size=(3, 2, 3, 4))
_BIAS = np.array([1.0, -2.0, 0.5, 3.0])


def _layer(images: Any, kernels: Any, bias: Any, stride: int) -> Any:
    return layers.conv2d(images, kernels, bias, strides=stride)


def _with_channels_first(images: Any, kernels: Any, bias: Any, stride: int) -> Any:
    """Return the layer's result if the windows' axes are not moved before they become rows."""
    windows = sliding_window_view(images, kernels.shape[:2], axis=(1, 2))[:, ::stride, ::stride]
    rows = windows.reshape(*windows.shape[:3], -1)
    return rows @ kernels.reshape(-1, kernels.shape[3]) + bias


CONV_LAYER = Exercise(
    id="02.conv_layer",
    title="A layer with bias and stride",
    stars=3,
    minutes=20,
    form="write",
    type="array",
    inputs=(_MAPS, _KERNELS, _BIAS, 1),
    hints=(
        "conv_windows lays out the windows of all places. A stride keeps every second or third "
        "of them, down and to the right: which axes of the array of windows are these?",
        "The result has shape (N, rows, columns, C_out), and the bias shape (C_out,): NumPy lays "
        "a single axis along the last one, so adding is enough.",
    ),
    shows="Batch, channels, bias and stride: this is what a convolution layer of Keras computes.",
    cases=(
        Case(
            name="batch",
            inputs=(_MAPS[:1], _KERNELS, _BIAS, 1),
            expect=lambda result, *inputs: result.ndim == 4,
            mistake="The result needs four axes (N, rows, columns, C_out), also for a batch of "
            "one image and with all channels.",
        ),
        Case(
            name="padded",
            expect=lambda result, images, *rest: result.shape[1:3] != images.shape[1:3],
            mistake="With stride 1 the maps have kept the size of the images: without padding only "
            "windows that lie inside count.",
        ),
        Case(
            name="one place short",
            expect=lambda result, images, kernels, bias, stride: (
                result.shape[1] != images.shape[1] - kernels.shape[0]
                and result.shape[2] != images.shape[2] - kernels.shape[1]
            ),
            mistake="The window's first place counts too: there is a + 1 at the end of the shape "
            "formula.",
        ),
        Case(
            name="bias",
            slip=lambda images, kernels, bias, stride: _layer(images, kernels, None, stride),
            mistake="All sums of products are right, but the bias is missing.",
        ),
        Case(
            name="half precision",
            expect=lambda result, *inputs: result.dtype != np.float16,
            mistake=_HALF_PRECISION,
        ),
        Case(
            name="one bias",
            slip=lambda images, kernels, bias, stride: _layer(
                images, kernels, np.full_like(bias, bias[0]), stride
            ),
            mistake="Every map got the first kernel's bias: each kernel has its own, so add the "
            "whole array, which NumPy lays along the last axis.",
        ),
        Case(
            name="whole numbers",
            slip=lambda *inputs: np.trunc(_layer(*inputs)),
            mistake="The fractions are cut off: make the maps for floats, not for whole numbers.",
        ),
        Case(
            name="cut off",
            slip=lambda *inputs: np.maximum(_layer(*inputs), 0),
            mistake="The negative numbers are cut off at 0: that is ReLU, the next step of a "
            "network. This layer leaves every sum as it is.",
        ),
        Case(
            name="bias too often",
            slip=OneOf(
                lambda images, kernels, bias, stride: _layer(images, kernels, 2 * bias, stride),
                lambda images, kernels, bias, stride: _layer(
                    images, kernels, bias * kernels[..., 0].size, stride
                ),
                lambda images, kernels, bias, stride: _layer(
                    images, kernels, bias * images.shape[3], stride
                ),
            ),
            mistake="The bias was added more than once, perhaps for each product or each channel: "
            "it belongs to the finished sum, once.",
        ),
        Case(
            name="turned",
            slip=lambda images, kernels, bias, stride: _layer(
                images, kernels[::-1, ::-1], bias, stride
            ),
            mistake="The kernels were turned by 180°: a network's layer takes them as they are.",
        ),
        Case(
            name="channels first",
            slip=_with_channels_first,
            mistake="The numbers of a window and the weights stand in different orders: "
            "sliding_window_view puts the channels before the window's rows and columns, and the "
            "kernels have them after.",
        ),
        Case(
            name="stride 1",
            expect=Reference(_layer),
            mistake="With stride 1 the numbers are not right yet: each is one sum over rows, "
            "columns and all channels of the window, plus the bias of its output channel.",
        ),
        Case(
            name="thinned image",
            inputs=(_MAPS, _KERNELS, _BIAS, 2),
            slip=lambda images, kernels, bias, stride: _layer(
                images[:, ::stride, ::stride], kernels, bias, 1
            ),
            mistake="The stride leaves out windows, not pixels of the image: inside a window the "
            "pixels stay neighbours.",
        ),
        Case(
            name="images left out",
            inputs=(_MAPS, _KERNELS, _BIAS, 2),
            expect=lambda result, images, *rest: len(result) == len(images),
            mistake="The first axis counts the images, and the stride must leave it alone: rows "
            "and columns are axes 1 and 2.",
        ),
        Case(
            name="stride",
            inputs=(_MAPS, _KERNELS, _BIAS, 2),
            expect=Reference(_layer),
            mistake="With stride 2 the window at place (y, x) starts at row 2 y and column 2 x, "
            "and the shape formula counts the places.",
            explains_all=True,
        ),
        Case(
            name="other sizes",
            inputs=(_MAPS[:, :, :9], _KERNELS[:2], _BIAS, 3),
            expect=Reference(_layer),
            mistake="It fails for another stride, kernel or image: round down before you add 1, "
            "and take every size from the arrays.",
            explains_all=True,
        ),
    ),
)

# --- Which steps may change places? -------------------------------------------------------------

_ANSWERS = {"yes", "no"}

SWAPS = Exercise(
    id="02.swaps",
    title="Which steps may change places?",
    stars=2,
    minutes=6,
    form="predict",
    type="texts",
    hints=(
        "Test each claim on one small square, with values such as −3, −1, 2 and 5.",
        "Where the order of the values stays the same, the largest stays the largest. Which of "
        "the four steps can turn the order round?",
    ),
    shows="Steps that keep the order of the values may change places with a maximum; a sum over "
    "several values may not, whatever the signs of its weights.",
    cases=(
        Case(
            name="yes or no",
            expect=lambda value: len(value) == 4 and {each.lower() for each in value} <= _ANSWERS,
            mistake='Give four answers in the order of the claims, each of them "yes" or "no", in '
            "quotation marks.",
            explains_all=True,
        ),
        Case(
            name="pool and ReLU",
            slip="no",
            place=0,
            mistake="Claim 1: ReLU never makes a smaller value overtake a larger one, so the "
            "largest of the four stays the largest.",
        ),
        Case(
            name="convolution and ReLU",
            slip="yes",
            place=1,
            mistake="Claim 2: a map can be negative although its image is not, and then only one "
            "of the two orders cuts it off.",
        ),
        Case(
            name="minus",
            slip="yes",
            place=2,
            mistake="Claim 3: a minus sign turns the order round, so the largest becomes the "
            "smallest; try it on −3, −1, 2 and 5.",
        ),
        Case(
            name="plus one",
            slip="no",
            place=3,
            mistake="Claim 4: adding 1 to all four values moves the largest by 1 as well.",
        ),
    ),
)

# --- How large may a step be? -------------------------------------------------------------------

# A step of size s multiplies the kernel's error by 1 − s · (variance of the noise), so that it
# grows when s passes 2 / variance. In 20 images the largest measured variance is a little higher.
_LIMITS = [2 / deviation**2 for deviation in (1, 2)]


def _near(size: float, limit: float) -> bool:
    """Return whether a step size is right to a tenth of the limit, in theory or as measured."""
    # Measured over ten steps the limit lies up to 2 % above the theory, over a thousand 3 % below.
    return 0.869 * limit < size < 1.121 * limit


LARGEST_STEP = Exercise(
    id="02.largest_step",
    title="How large may a step be?",
    stars=3,
    minutes=15,
    form="experiment",
    type="numbers",
    hints=(
        "Write a function of the images and the step size: make the windows with nine_pixels, call "
        "descend for ten steps, and divide the loss of the last weights by that of the first. "
        "Below 1, the loss has fallen.",
        "Find one size for which the loss falls and one for which it grows, then try the middle, "
        "again and again. For the second limit, make the windows from 2 * noise.",
    ),
    shows="Twice the values, a quarter of the step: this is one reason why inputs are scaled "
    "before a network is trained.",
    cases=(
        Case(
            name="two numbers",
            expect=lambda value: len(value) == 2,
            mistake="Give two step sizes, first for noise and then for 2 * noise.",
        ),
        Case(
            name="fastest",
            slip=[limit / 2 for limit in _LIMITS],
            tolerance=0.04,
            mistake="These step sizes get there fastest; the question is how far you can go "
            "beyond them before the loss grows.",
        ),
        Case(
            name="order",
            expect=lambda value: not all(map(_near, value[::-1], _LIMITS)),
            mistake="Both limits are right, but in the wrong order: noise comes before 2 * noise.",
        ),
        Case(
            name="first",
            expect=lambda value: _near(value[0], _LIMITS[0]),
            mistake="For noise with standard deviation 1 the limit is not there: compare the loss "
            "after ten steps with the loss before the first, for several step sizes.",
        ),
        Case(
            name="no change",
            expect=lambda value: not 0.9 < value[1] / value[0] < 1.1,
            mistake="Doubled noise has another limit: were the windows, and the target, made from "
            "2 * noise?",
        ),
        Case(
            name="larger",
            expect=lambda value: value[1] < value[0],
            mistake="Larger pixels make a larger gradient, so the step must not grow with them: "
            "measure the second limit as you did the first.",
        ),
        Case(
            name="half",
            expect=lambda value: not 0.45 < value[1] / value[0] < 0.55,
            mistake="Half the limit for twice the noise is a reasonable guess, but measure it: in "
            "the gradient the pixels stand twice, in the error and in the factor beside it.",
        ),
        Case(
            name="second",
            expect=lambda value: _near(value[1], _LIMITS[1]),
            mistake="The limit for the first noise is right; look for the second one in the same "
            "way, with its own target.",
        ),
    ),
)

EXERCISES = (
    TWO_WINDOWS,
    NEGATIVE,
    CONV2D,
    ROW_COUNTS,
    TO_KERAS,
    CONV_LAYER,
    SWAPS,
    LARGEST_STEP,
)
