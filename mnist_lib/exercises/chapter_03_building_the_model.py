"""The exercises of chapter 3: parameters, receptive fields, softmax, losses, weight sharing."""

from __future__ import annotations

from math import ceil, log, log2, log10
from typing import Any

import numpy as np

from mnist_lib import layers
from mnist_lib.exercises.engine import Case, Exercise, OneOf, Reference, agrees

# --- Parameters of another network --------------------------------------------------------------


def _counts(sides: tuple[int, int] = (5, 3), last: int = 6 * 6 * 24, bias: int = 1) -> list[int]:
    """Return the parameters of 16 kernels on 3 channels, 24 kernels, and a dense layer of 26."""
    first, second = (side**2 for side in sides)
    return [(first * 3 + bias) * 16, (second * 16 + bias) * 24, (last + bias) * 26]


PARAMETER_COUNTS = Exercise(
    id="03.parameter_counts",
    title="Count another network",
    stars=1,
    minutes=8,
    form="calculate",
    type="numbers",
    hints=(
        "Write down the shape after each layer first: 32 × 32 × 3 becomes 28 × 28 × 16 in the "
        "first convolution.",
        "A kernel of the second convolution covers 3 × 3 places and all 16 channels. The dense "
        "layer reads a row as long as the last shape's three numbers multiplied.",
    ),
    shows="Kernels can be counted without the image's size; a dense layer cannot, because it has "
    "a weight for every number that it reads.",
    cases=(
        Case(
            name="three numbers",
            expect=lambda value: len(value) == 3,
            mistake="Give three numbers, one for each layer that has parameters; pooling and "
            "flattening have none.",
        ),
        Case(
            name="order",
            expect=lambda v: v == _counts() or sorted(v) != sorted(_counts()),
            mistake="These are the right numbers in another order: the first convolution, the "
            "second one, the dense layer.",
        ),
        Case(
            name="multiplications",
            slip=OneOf(28 * 28 * 5 * 5 * 3 * 16, 12 * 12 * 3 * 3 * 16 * 24),
            place=(0, 1),
            mistake="That counts multiplications: a kernel is applied at every position, but its "
            "weights are the same ones each time.",
        ),
        Case(
            name="no biases",
            slip=_counts(bias=0),
            mistake="These are the weights without the biases: one for each kernel, and one for "
            "each output of the dense layer.",
        ),
        Case(
            name="one bias",
            slip=OneOf(5 * 5 * 3 * 16 + 1, 3 * 3 * 16 * 24 + 1, 6 * 6 * 24 * 26 + 1),
            place=(0, 1, 2),
            mistake="You counted one bias for the whole layer; each kernel has its own, and so has "
            "each output of the dense layer.",
        ),
        Case(
            name="colours again",
            slip=(3 * 3 * 3 + 1) * 24,
            place=1,
            mistake="The second convolution does not see the three colours: it reads the maps of "
            "the first one.",
        ),
        Case(
            name="flat kernels",
            slip=OneOf((5 * 5 + 1) * 16, (3 * 3 + 1) * 24),
            place=(0, 1),
            mistake="A kernel is as deep as its input has channels: the colour image has 3, the "
            "second convolution's input has more.",
        ),
        Case(
            name="bias per channel",
            slip=OneOf((5 * 5 + 1) * 3 * 16, (3 * 3 + 1) * 16 * 24),
            place=(0, 1),
            mistake="A kernel has one bias altogether, not one for each channel that it reads.",
        ),
        Case(
            name="first convolution",
            expect=_counts()[0],
            place=0,
            mistake="The first convolution is not right yet: its 16 kernels are 5 × 5 × 3, and "
            "each has a bias.",
        ),
        Case(
            name="second convolution",
            expect=_counts()[1],
            place=1,
            mistake="The second convolution is not right yet: it has 24 kernels of 3 × 3 places, "
            "and its input has as many channels as the first convolution has kernels.",
        ),
        Case(
            name="flatten without channels",
            slip=_counts(last=6 * 6)[2],
            place=2,
            mistake="Flattening keeps all channels: at each of the last places there are 24 "
            "numbers.",
        ),
        Case(
            name="padded",
            slip=OneOf(*(_counts(last=n * n * 24)[2] for n in (7, 8))),
            place=2,
            mistake="Look at the last height and width again: there is no padding, so both "
            "convolutions take pixels away.",
        ),
        Case(
            name="not pooled",
            slip=OneOf(*(_counts(last=n * n * 24)[2] for n in (12, 13, 26))),
            place=2,
            mistake="A max-pooling has been left out on the way to the dense layer: there are two.",
        ),
        Case(
            name="dense layer",
            expect=_counts(),
            mistake="Both convolutions are right; the dense layer has a weight for each of its "
            "inputs and each of its 26 outputs, and 26 biases.",
        ),
    ),
)

# --- How deep until it sees everything? ---------------------------------------------------------


def _depth(pooled: bool) -> int:
    """Return the 3 × 3 convolutions until the receptive field is 28 pixels wide."""
    side, jump, depth = 1, 1, 0
    while side < 28:
        side, depth = side + 2 * jump, depth + 1
        if pooled:
            side, jump = side + jump, 2 * jump
    return depth


_DEPTHS = [_depth(pooled=False), _depth(pooled=True)]

DEPTHS = Exercise(
    id="03.depths",
    title="How deep until it sees everything?",
    stars=2,
    minutes=8,
    form="calculate",
    type="numbers",
    hints=(
        "Follow r and j from layer to layer, as in the table that the loop printed. Without "
        "pooling, j stays 1.",
        "Write a while loop that goes on until r reaches 28. With pooling, each round is a "
        "convolution (k = 3, s = 1) and then a max-pooling (k = 2, s = 2).",
    ),
    shows="Without pooling the view grows by a fixed amount per layer; with pooling it about "
    "doubles. That is one reason why deep networks shrink their maps.",
    cases=(
        Case(
            name="two numbers",
            expect=lambda value: len(value) == 2,
            mistake="Give two numbers of convolutions, first without and then with max-pooling.",
        ),
        Case(
            name="exchanged",
            slip=_DEPTHS[::-1],
            mistake="Both numbers are right but have changed places: the one without pooling "
            "comes first.",
        ),
        Case(
            name="widths",
            slip=OneOf([29, 38], [29, 46]),  # after the last convolution; after its pooling
            mistake="These are the widths in pixels; give the numbers of convolutions.",
        ),
        Case(
            name="windows multiplied",
            slip=ceil(log(28, 3)),
            place=0,
            mistake="The widths do not multiply: without pooling a second 3 × 3 window adds one "
            "pixel on either side.",
        ),
        Case(
            name="windows side by side",
            slip=ceil(28 / 3),
            place=0,
            mistake="The windows do not lie side by side: they overlap, so that a second 3 × 3 "
            "convolution sees 5 pixels and not 6.",
        ),
        Case(
            name="one too many",
            slip=_DEPTHS[0] + 1,
            place=0,
            mistake="Without pooling, 15 convolutions see more than 28 pixels; is one fewer "
            "enough?",
        ),
        Case(
            name="without pooling",
            expect=_DEPTHS[0],
            place=0,
            mistake="Without pooling each convolution adds (k − 1) · j = 2 pixels to the 1 that a "
            "pixel sees; count until there are at least 28.",
        ),
        Case(
            name="jump stays",
            slip=(28 - 1) // 3,
            place=1,
            mistake="After a pooling the neighbours lie further apart: a stride of 2 doubles the "
            "jump j for all layers after it.",
        ),
        Case(
            name="jump too early",
            slip=3,
            place=1,
            mistake="Three are not enough: a pooling reaches one jump further, and that is the "
            "jump from before it, not yet the doubled one.",
        ),
        Case(
            name="poolings counted",
            slip=OneOf(2 * _DEPTHS[1] - 1, 2 * _DEPTHS[1]),
            place=1,
            mistake="The first number is right; if the second one counts the max-poolings, leave "
            "them out: they widen the view, but only convolutions are asked for.",
        ),
        Case(
            name="with pooling",
            expect=_DEPTHS,
            mistake="The first number is right; with pooling let r and j pass through convolution "
            "and pooling in turn, and count the convolutions.",
        ),
    ),
)

# --- Where is it in the row? --------------------------------------------------------------------


def _flat_index(y: int, x: int, channel: int, shape: tuple[int, int, int]) -> int:
    return int(np.ravel_multi_index((y, x, channel), shape))


_BLOCK = (5, 5, 64)
_FLAT_BLOCK = (3, 7, 4)

FLAT_INDEX = Exercise(
    id="03.flat_index",
    title="Where is it in the row?",
    stars=2,
    minutes=8,
    form="write",
    type="number",
    inputs=(3, 1, 2, _BLOCK),  # not the weight that the statement asks for
    hints=(
        "How many numbers stand before the first one of row y? And before place (y, x)?",
        "Row y comes after y whole rows of places; place x after x places of that row; each place "
        "holds as many numbers as there are channels.",
    ),
    shows="A flattened block keeps its order, so each weight of the dense layer still belongs to "
    "one place and one channel.",
    cases=(
        Case(
            name="channel by channel",
            slip=lambda y, x, channel, shape: channel * 25 + y * 5 + x,
            mistake="This order has all places of a channel together; here all channels of a "
            "place stand together.",
        ),
        Case(
            name="columns first",
            slip=lambda y, x, channel, shape: (x * 5 + y) * 64 + channel,
            mistake="x and y have changed places: a row is finished before the next one begins.",
        ),
        Case(
            name="from one",
            expect=lambda value, y, x, channel, shape: (
                abs(value - _flat_index(y, x, channel, shape)) != 1
                and abs(value - _flat_index(y - 1, x - 1, channel - 1, shape)) > 1
            ),
            mistake="Something is counted from 1: rows, columns, channels and the positions in "
            "the row are all counted from 0.",
        ),
        Case(
            name="an int",
            expect=lambda value, y, x, channel, shape: not isinstance(value, float),
            mistake="The position is a float; whole numbers alone can be an index, so divide with "
            "// or do not divide at all.",
        ),
        Case(
            name="classic network",
            expect=Reference(_flat_index),
            mistake="This was row 3, column 1, channel 2 of a 5 × 5 × 64 block. Count the numbers "
            "that stand before it: whole rows, then whole places, then channels.",
        ),
        Case(
            name="not square",
            inputs=(2, 5, 1, _FLAT_BLOCK),
            expect=Reference(_flat_index),
            mistake="This was row 2, column 5, channel 1 of a 3 × 7 × 4 block, which is wider "
            "than it is high: how many places does one of its rows have? Take every number from "
            "the shape.",
            explains_all=True,
        ),
    ),
)

# --- A softmax that works for one image ---------------------------------------------------------


_LOGITS = np.array([[2.0, -1.0, 0.5, 0.0], [0.3, 0.2, -4.0, 1.0], [1.0, 3.0, 2.5, -0.5]])
# As many images as classes, so that a lost axis raises no error.
_FOUR_IMAGES = np.concatenate([_LOGITS, [[0.0, 2.0, -1.0, 0.5]]])


def _without_keepdims(logits: Any) -> Any:
    positive = np.exp(logits - logits.max())
    return positive / positive.sum(axis=1)


def _shifted_without_keepdims(logits: Any) -> Any:
    positive = np.exp(logits - logits.max(axis=1))
    return positive / positive.sum(axis=1, keepdims=True)


def _twice_without_keepdims(logits: Any) -> Any:
    positive = np.exp(logits - logits.max(axis=1))
    return positive / positive.sum(axis=1)


BATCH_SOFTMAX = Exercise(
    id="03.batch_softmax",
    title="A softmax that works for one image",
    stars=2,
    minutes=12,
    form="find the fault",
    type="array",
    inputs=(_LOGITS,),
    hints=(
        "e to the power of 5.77 is about 320, which is 32 · 10. Over what do the probabilities of "
        "a batch sum to 1, and over what should they?",
        "max and sum take an axis: the one that runs over the classes. keepdims=True leaves it in "
        "place with length 1, so that every image is divided by its own sum.",
    ),
    shows="Each image has a distribution of its own, with its own largest score and its own sum.",
    cases=(
        Case(
            name="no keepdims",
            inputs=(_FOUR_IMAGES,),
            slip=OneOf(_without_keepdims, _shifted_without_keepdims, _twice_without_keepdims),
            mistake="Each image gets the largest score, or the sum, of other images: with axis=1 "
            "alone, max and sum have shape (N,), which NumPy lays along the classes. It must be "
            "(N, 1).",
        ),
        Case(
            name="whole batch",
            expect=lambda result, logits: (
                result.shape != logits.shape or not agrees(result.sum(), 1.0)
            ),
            mistake="All probabilities of the batch together sum to 1: add up the result of each "
            "row to see it.",
        ),
        Case(
            name="over the images",
            slip=lambda logits: layers.softmax(logits, axis=0),
            mistake="Now each column sums to 1, as if the images divided each class among "
            "themselves: use the other axis.",
        ),
        Case(
            name="largest of each class",
            slip=lambda logits: (
                np.exp(logits - logits.max(axis=0))
                / np.exp(logits - logits.max(axis=0)).sum(axis=1, keepdims=True)
            ),
            mistake="You subtracted each class's largest score over the images, which changes the "
            "differences inside a row: each image needs its own largest score, from axis 1.",
        ),
        Case(
            name="logarithms",
            slip=lambda logits: np.log(layers.softmax(logits)),
            mistake="These are the logarithms of the probabilities; the probabilities themselves "
            "were asked for.",
        ),
        Case(
            name="rows as columns",
            slip=lambda logits: layers.softmax(logits).T,
            mistake="The probabilities are right, but rows and columns have changed places: each "
            "image has a row.",
        ),
        Case(
            name="not divided",
            slip=lambda logits: np.exp(logits - logits.max(axis=1, keepdims=True)),
            mistake="The largest number of each row is 1: the exponentials still have to be "
            "divided by the sum of their row.",
        ),
        Case(
            name="shifted once",
            slip=lambda logits: (
                np.exp(logits - logits.max(axis=1, keepdims=True))
                / np.exp(logits).sum(axis=1, keepdims=True)
            ),
            mistake="The largest score must be subtracted above and below the fraction line, "
            "otherwise it does not cancel.",
        ),
        Case(
            name="ordinary scores",
            expect=Reference(layers.softmax),
            mistake="For scores of ordinary size the probabilities are not right yet: "
            "exponentials of a row, divided by the sum of that row.",
        ),
        Case(
            name="large scores",
            # Beyond the exponentials of any float; whole numbers, which float32 holds exactly.
            inputs=(np.array([[20_002.0, 19_999, 20_001, 20_000], [-20_000, 20_000, 0, 19_999]]),),
            expect=Reference(layers.softmax),
            mistake="Exponentials of scores above 1000 do not fit into a float, and cutting the "
            "scores off changes their differences: subtract the largest score first, as the "
            "chapter does.",
            explains_all=True,
        ),
        Case(
            name="one image far below",
            inputs=(np.concatenate([_LOGITS[:2], _LOGITS[2:] - 2000]),),
            expect=Reference(layers.softmax),
            mistake="One image's scores lie far below those of the others, and its exponentials "
            "all become 0: each image needs its own largest score.",
            explains_all=True,
        ),
    ),
)

# --- Always the same answer ---------------------------------------------------------------------

_SURE, _OTHERS = 0.91, 0.01
_ALWAYS_ONE = -(0.1 * log(_SURE) + 0.9 * log(_OTHERS))
_ROUNDED_EARLY = -(0.1 * round(log(_SURE), 2) + 0.9 * round(log(_OTHERS), 2))

ALWAYS_ONE = Exercise(
    id="03.always_one",
    title="Always the same answer",
    stars=1,
    minutes=5,
    form="predict",
    type="number",
    hints=(
        "Two types of image occur: ones, and all others. What is the loss of an image of each "
        "type?",
        "The loss is an average over images, and one image in ten is a 1: weight the two losses "
        "with 0.1 and 0.9.",
    ),
    shows="Being sure without reason costs more than knowing nothing, nearly twice as much here.",
    cases=(
        Case(
            name="mean probability",
            slip=-log(0.1 * _SURE + 0.9 * _OTHERS),
            tolerance=0.005,
            mistake="That is ln 10, the loss of the other network. It also comes out for this one "
            "if the probabilities are averaged before the logarithm; the loss takes a logarithm "
            "for each image and averages those.",
        ),
        Case(
            name="two alike",
            slip=-(log(_SURE) + log(_OTHERS)) / 2,
            tolerance=0.005,
            mistake="The two losses are right, but they are not equally frequent: how many digits "
            "in ten are a 1?",
        ),
        Case(
            name="exchanged",
            slip=-(0.9 * log(_SURE) + 0.1 * log(_OTHERS)),
            tolerance=0.005,
            mistake="The two fractions are exchanged: the network is right for one digit in ten.",
        ),
        Case(
            name="entropy",
            slip=-(_SURE * log(_SURE) + 9 * _OTHERS * log(_OTHERS)),
            tolerance=0.005,
            mistake="That weights the losses with the network's own probabilities; weight them "
            "with how often the digits really occur.",
        ),
        Case(
            name="one type",
            slip=OneOf(-log(_OTHERS), -log(_SURE)),
            tolerance=0.005,
            mistake="That is the loss of one type of image; there are ones, and there are others.",
        ),
        Case(
            name="two added",
            slip=-(log(_SURE) + log(_OTHERS)),
            tolerance=0.002,
            mistake="The two losses are right, but added up; in an average, each counts as often "
            "as its images occur.",
        ),
        Case(
            name="ones left out",
            slip=-0.9 * log(_OTHERS),
            tolerance=0.0012,
            mistake="The ones are left out, or an early rounding has lost them: a tenth of the "
            "images, at a small loss that is not 0.",
        ),
        Case(
            name="ten logarithms",
            slip=-(log(_SURE) + 9 * log(_OTHERS)),
            tolerance=0.005,
            mistake="That is a sum over ten images; the loss is their average.",
        ),
        Case(
            name="sign",
            expect=lambda value: not value < 0,
            mistake="The logarithm of a probability is negative, and the loss is its negative: it "
            "can never fall below 0.",
        ),
        Case(
            name="another base",
            slip=OneOf(*(_ALWAYS_ONE * base(np.e) for base in (log10, log2))),
            tolerance=0.005,
            mistake="The logarithm has another base: the chapter's is the natural one, np.log.",
        ),
        Case(
            name="one decimal",
            expect=lambda value: (
                abs(value - _ALWAYS_ONE) > 0.2 or not agrees(value, round(value, 1))
            ),
            mistake="That is near, but two decimals are asked for: the fraction of ones shows "
            "only in the second of them.",
        ),
        Case(
            name="rounded too early",
            slip=OneOf(_ROUNDED_EARLY, round(_ROUNDED_EARLY, 2)),
            tolerance=0.0003,
            mistake="That is what two losses give that were rounded before they are averaged: keep "
            "all their decimals, and round once, at the end.",
        ),
        Case(
            name="value",
            expect=_ALWAYS_ONE,
            tolerance=0.0011,  # of a number near 4: rounded to two decimals
            mistake="Work out the loss of a 1 and the loss of any other digit, and average the "
            "two as often as they occur.",
        ),
    ),
)

# --- What a first loss cannot tell --------------------------------------------------------------

REVEALED = Exercise(
    id="03.revealed",
    title="What a first loss cannot tell",
    stars=2,
    minutes=10,
    form="experiment",
    type="letters",
    hints=(
        "Call loss_of five times, for example loss_of(untrained, 255 * x_val, y_val) for A, and "
        "compare each with 2.3.",
        "For B use np.random.default_rng(0).permutation(y_val), for C x_val[:, ::-1], for D "
        "np.zeros_like(x_val), and for E the trained network. A loss between 2.2 and 2.45 gives "
        "nothing away.",
    ),
    shows="The first loss shows whether the network starts without an opinion; only training can "
    "show whether images and labels belong together.",
    cases=(
        Case(
            name="letters",
            expect=lambda value: value <= set("ABCDE"),
            mistake="Give single letters from A to E, for the faults that show.",
        ),
        Case(
            name="the hidden ones",
            slip=set("BCD"),
            mistake="These are the faults that stay hidden; give the letters of those that show.",
        ),
        Case(
            name="labels",
            expect=lambda value: "B" not in value,
            mistake="B stays hidden: an untrained network gives every digit about a tenth, so it "
            "does not matter which label is looked up.",
        ),
        Case(
            name="upside down",
            expect=lambda value: "C" not in value,
            mistake="C stays hidden: an untrained network knows no digits, upright or upside down.",
        ),
        Case(
            name="black",
            expect=lambda value: "D" not in value,
            mistake="D stays hidden: Keras starts all biases at 0, so black images make all logits "
            "equal, and the ten probabilities are exactly a tenth each.",
        ),
        Case(
            name="unscaled",
            expect=lambda value: "A" in value,
            mistake="A shows: try it, with images that are 255 times as bright as those the "
            "network is made for.",
        ),
        Case(
            name="trained",
            expect=lambda value: "E" in value,
            mistake="E shows: a loss far below that of guessing says that somebody has trained "
            "already.",
        ),
    ),
)

# --- A convolution as a dense layer -------------------------------------------------------------


def _as_dense(kernel: Any, height: int, width: int) -> Any:
    # Each row is what one lit pixel causes in the feature map.
    pixels = np.eye(height * width).reshape(-1, height, width, 1)
    return layers.conv2d(pixels, kernel[:, :, None, None]).reshape(height * width, -1)


def _with_rows_of(row: int, kernel: Any, height: int, width: int) -> Any:
    """Return the matrix if a row of pixels is taken to be that long."""
    kh, kw = kernel.shape
    rows, columns = height - kh + 1, width - kw + 1
    matrix = np.zeros((height * width, rows * columns))
    for y, x, i, j in np.ndindex(rows, columns, kh, kw):
        matrix[(y + i) * row + x + j, y * columns + x] = kernel[i, j]
    return matrix


def _with_map_rows_as_columns(kernel: Any, height: int, width: int) -> Any:
    """Return the matrix if a row of the feature map is taken to be as long as a column."""
    kh, kw = kernel.shape
    rows, columns = height - kh + 1, width - kw + 1
    matrix = np.zeros((height * width, rows * columns))
    for y, x, i, j in np.ndindex(rows, columns, kh, kw):
        matrix[(y + i) * width + x + j, y * rows + x] = kernel[i, j]
    return matrix


_SMALL_KERNEL = np.array([[1.0, 2.0, -1.0], [0.5, 3.0, -2.0]])
_SIZE = (4, 5)
_OTHER_KERNEL = np.array([[1.0, -1.5], [2.0, 4.0], [0.25, -3.0], [-0.5, 5.0]])

AS_DENSE = Exercise(
    id="03.as_dense",
    title="A convolution as a dense layer",
    stars=3,
    minutes=20,
    form="write",
    type="array",
    inputs=(_SMALL_KERNEL, *_SIZE),
    hints=(
        "Each column of W makes one number of the feature map. Which pixels does that number "
        "need, and where do they stand in the flattened image?",
        "Four loops: over the places (y, x) of the feature map and (i, j) of the kernel. The "
        "column is y * columns + x; the row comes from the pixel (y + i, x + j) in the same way, "
        "with the image's width.",
    ),
    shows="A convolution is a dense layer in which most weights are 0 and the others are the same "
    "few numbers again and again.",
    cases=(
        Case(
            name="runs",
            expect=lambda result, *inputs: True,
            mistake="Your function stops with an error. If an index is out of bounds: the rows of "
            "W count the pixels of the image, the columns count the places of the feature map, "
            "which is smaller.",
            explains_all=True,
        ),
        Case(
            name="transposed",
            slip=lambda *inputs: _as_dense(*inputs).T,
            mistake="Inputs and outputs have changed places: in x @ W there is a row for each "
            "pixel and a column for each number of the feature map.",
        ),
        Case(
            name="shape",
            expect=lambda result, *inputs: result.shape == _as_dense(*inputs).shape,
            mistake="The image was 4 × 5 and the kernel 2 × 3: W needs a row for each pixel of the "
            "image and a column for each place of the window.",
        ),
        Case(
            name="flipped",
            slip=lambda kernel, height, width: _as_dense(kernel[::-1, ::-1], height, width),
            mistake="The weights are in reverse order: the kernel was turned by 180°.",
        ),
        Case(
            name="length of a row",
            slip=OneOf(
                lambda kernel, height, width: _with_rows_of(
                    width - kernel.shape[1] + 1, kernel, height, width
                ),
                lambda kernel, height, width: _with_rows_of(height, kernel, height, width),
            ),
            mistake="One row further down in the image means `width` numbers further on, not the "
            "feature map's columns and not the height.",
        ),
        Case(
            name="first place only",
            expect=lambda result, *inputs: np.all(np.any(result != 0, axis=0)),
            mistake="Some columns hold no weight at all: the window visits every place, and each "
            "place has a column.",
        ),
        Case(
            name="whole numbers",
            slip=lambda *inputs: np.trunc(_as_dense(*inputs)),
            mistake="Your matrix can hold only whole numbers, so the kernel's fractions are cut "
            "off.",
        ),
        Case(
            name="weights",
            expect=Reference(_as_dense),
            mistake="The shape is right; in the column of place (y, x), the weight (i, j) belongs "
            "in the row of pixel (y + i, x + j).",
        ),
        Case(
            name="length of the map's row",
            inputs=(_SMALL_KERNEL, 4, 6),
            slip=_with_map_rows_as_columns,
            mistake="One row further down in the feature map means as many columns of W further on "
            "as the map has columns, not as many as it has rows.",
        ),
        Case(
            name="other sizes",
            inputs=(_OTHER_KERNEL, 6, 5),
            expect=Reference(_as_dense),
            mistake="It fails for another kernel and image: take all sizes from the arguments, "
            "rows and columns each by itself.",
            explains_all=True,
        ),
    ),
)

EXERCISES = (
    PARAMETER_COUNTS,
    DEPTHS,
    FLAT_INDEX,
    BATCH_SOFTMAX,
    ALWAYS_ONE,
    REVEALED,
    AS_DENSE,
)
