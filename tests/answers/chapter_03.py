"""Answers to the exercises of chapter 3."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from scipy import special

from answers import Wrong
from mnist_lib import layers

# --- flat_index --------------------------------------------------------------------------------


def by_arithmetic(y: int, x: int, channel: int, shape: Any) -> Any:
    _, width, channels = shape
    return (y * width + x) * channels + channel


def by_lookup(y: int, x: int, channel: int, shape: Any) -> Any:
    return np.arange(np.prod(shape)).reshape(shape)[y, x, channel]


def by_counting(y: int, x: int, channel: int, shape: Any) -> Any:
    for index, place in enumerate(np.ndindex(*shape)):
        if place == (y, x, channel):
            return index
    raise AssertionError


def by_one_lit_number(y: int, x: int, channel: int, shape: Any) -> Any:
    block = np.zeros(shape)
    block[y, x, channel] = 1
    return np.argmax(block.reshape(-1))


def by_keras(y: int, x: int, channel: int, shape: Any) -> Any:
    block = np.zeros((1, *shape), np.float32)
    block[0, y, x, channel] = 1
    return tf.argmax(keras.layers.Flatten()(block)[0])


# --- batch_softmax -----------------------------------------------------------------------------


def in_one_go(logits: Any) -> Any:
    positive = np.exp(logits - logits.max(axis=1, keepdims=True))
    return positive / positive.sum(axis=1, keepdims=True)


def row_by_row(logits: Any) -> Any:
    rows = []
    for row in logits:
        positive = np.exp(row - row.max())
        rows.append(list(positive / positive.sum()))
    return rows


def by_logarithm(logits: Any) -> Any:
    shifted = logits - logits.max(axis=-1)[:, None]
    return np.exp(shifted - np.log(np.exp(shifted).sum(axis=-1))[:, None])


def on_a_copy(logits: Any) -> Any:
    probabilities = logits.copy()
    probabilities -= probabilities.max(axis=1, keepdims=True)
    np.exp(probabilities, out=probabilities)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return probabilities


def one_sum(logits: Any) -> Any:
    positive = np.exp(logits - logits.max(axis=1, keepdims=True))
    return positive / positive.sum()


def without_shift(logits: Any) -> Any:
    with np.errstate(over="ignore", invalid="ignore"):
        positive = np.exp(logits)
        return positive / positive.sum(axis=1, keepdims=True)


def in_long_double(logits: Any) -> Any:
    return without_shift(logits.astype(np.longdouble)).astype(float)


def one_maximum(logits: Any) -> Any:
    with np.errstate(invalid="ignore"):
        positive = np.exp(logits - logits.max())
        return positive / positive.sum(axis=1, keepdims=True)


def around_the_mean(logits: Any) -> Any:
    with np.errstate(over="ignore", invalid="ignore"):
        positive = np.exp(logits - logits.mean(axis=1, keepdims=True))
        return positive / positive.sum(axis=1, keepdims=True)


def from_the_wrong_axis(logits: Any) -> Any:
    positive = np.exp(logits - logits.max(axis=0))
    return positive / positive.sum(axis=1, keepdims=True)


def clipped(logits: Any) -> Any:
    positive = np.exp(np.clip(logits, -500, 500))
    return positive / positive.sum(axis=1, keepdims=True)


def in_place(logits: Any) -> Any:
    logits -= logits.max(axis=1, keepdims=True)
    positive = np.exp(logits)
    return positive / positive.sum(axis=1, keepdims=True)


def without_exponential(logits: Any) -> Any:
    return logits / logits.sum(axis=1, keepdims=True)


# --- as_dense ----------------------------------------------------------------------------------


def place_by_place(kernel: Any, height: int, width: int) -> Any:
    kh, kw = kernel.shape
    rows, columns = height - kh + 1, width - kw + 1
    matrix = np.zeros((height * width, rows * columns))
    for y in range(rows):
        for x in range(columns):
            image = np.zeros((height, width))
            image[y : y + kh, x : x + kw] = kernel
            matrix[:, y * columns + x] = image.reshape(-1)
    return matrix


def pixel_by_pixel(kernel: Any, height: int, width: int) -> Any:
    rows = []
    for y in range(height):
        for x in range(width):
            image = np.zeros((1, height, width, 1))
            image[0, y, x, 0] = 1
            rows.append(layers.conv2d(image, kernel[:, :, None, None]).reshape(-1).tolist())
    return rows


def as_dense_by_tensorflow(kernel: Any, height: int, width: int) -> Any:
    pixels = tf.reshape(tf.eye(height * width), (-1, height, width, 1))
    weights = tf.constant(kernel[:, :, None, None], tf.float32)
    return tf.reshape(tf.nn.conv2d(pixels, weights, 1, "VALID"), (height * width, -1))


def entry_by_entry(kernel: Any, height: int, width: int, row: int | None = None) -> Any:
    kh, kw = kernel.shape
    rows, columns = height - kh + 1, width - kw + 1
    row = width if row is None else row
    matrix = np.zeros((height * width, rows * columns))
    for y in range(rows):
        for x in range(columns):
            for i in range(kh):
                for j in range(kw):
                    matrix[(y + i) * row + x + j, y * columns + x] = kernel[i, j]
    return matrix


def first_column_only(kernel: Any, height: int, width: int) -> Any:
    matrix = np.zeros_like(place_by_place(kernel, height, width))
    matrix[:, 0] = place_by_place(kernel, height, width)[:, 0]
    return matrix


def columns_first(kernel: Any, height: int, width: int) -> Any:
    kh, kw = kernel.shape
    rows, columns = height - kh + 1, width - kw + 1
    right = place_by_place(kernel, height, width)
    return right.reshape(-1, rows, columns).transpose(0, 2, 1).reshape(height * width, -1)


def columns_of_the_image(kernel: Any, height: int, width: int) -> Any:
    kh, kw = kernel.shape
    matrix = np.zeros((height * width, (height - kh + 1) * (width - kw + 1)))
    for y in range(height - kh + 1):
        for x in range(width - kw + 1):
            for i in range(kh):
                for j in range(kw):
                    matrix[(y + i) * width + x + j, y * width + x] = kernel[i, j]
    return matrix


def two_by_three(kernel: Any, height: int, width: int) -> Any:
    rows, columns = height - 1, width - 2
    matrix = np.zeros((height * width, rows * columns))
    for y in range(rows):
        for x in range(columns):
            for i in range(2):
                for j in range(3):
                    matrix[(y + i) * width + x + j, y * columns + x] = kernel[i, j]
    return matrix


def padded(kernel: Any, height: int, width: int) -> Any:
    pixels = np.eye(height * width).reshape(-1, height, width, 1)
    maps = layers.conv2d(pixels, kernel[:, :, None, None], padding="same")
    return maps.reshape(height * width, -1)


RIGHT: dict[str, dict[str, Any]] = {
    "03.parameter_counts": {
        "list": [1216, 3480, 22490],
        "array": np.array([1216.0, 3480.0, 22490.0]),
        "from Keras": tuple(
            layer.count_params()
            for layer in keras.Sequential(
                [
                    keras.Input((32, 32, 3)),
                    keras.layers.Conv2D(16, 5),
                    keras.layers.MaxPooling2D(),
                    keras.layers.Conv2D(24, 3),
                    keras.layers.MaxPooling2D(),
                    keras.layers.Flatten(),
                    keras.layers.Dense(26),
                ]
            ).layers
            if layer.count_params()
        ),
    },
    "03.depths": {
        "list": [14, 4],
        "floats": (14.0, 4.0),
        "NumPy numbers": [np.ceil(27 / 2), np.int64(4)],
    },
    "03.flat_index": {
        "arithmetic": by_arithmetic,
        "look-up": by_lookup,
        "counting": by_counting,
        "one lit number": by_one_lit_number,
        "Keras": by_keras,
        "NumPy": lambda y, x, channel, shape: np.ravel_multi_index((y, x, channel), shape),
    },
    "03.batch_softmax": {
        "in one go": in_one_go,
        "row by row": row_by_row,
        "transposed twice": lambda logits: special.softmax(logits.T, axis=0).T,
        "by logarithm": by_logarithm,
        "on a copy": on_a_copy,
        "SciPy": lambda logits: special.softmax(logits, axis=1),
        "TensorFlow": tf.nn.softmax,
        "float32": lambda logits: in_one_go(logits.astype(np.float32)),
    },
    "03.always_one": {
        "two decimals": 4.15,
        "all decimals": 0.1 * np.log(1 / 0.91) + 0.9 * np.log(1 / 0.01),
        "one decimal more": np.float32(4.154),
        "Keras": tf.reduce_mean(
            keras.losses.sparse_categorical_crossentropy(
                np.arange(10), np.tile([0.01, 0.91] + [0.01] * 8, (10, 1))
            )
        ),
    },
    "03.revealed": {
        "list": ["A", "E"],
        "the other way round": ("e", "a"),
        "array": np.array(["A", "E"]),
        "one text": "AE",
        "with brackets": ["A)", "(e)"],
    },
    "03.as_dense": {
        "entry by entry": entry_by_entry,
        "place by place": place_by_place,
        "pixel by pixel, lists": pixel_by_pixel,
        "TensorFlow": as_dense_by_tensorflow,
        "float32": lambda *inputs: place_by_place(*inputs).astype(np.float32),
    },
}

WRONG: dict[str, list[Wrong]] = {
    "03.parameter_counts": [
        Wrong("all of it", 27186, "three numbers", "a list of numbers was expected"),
        Wrong("pooling too", [1216, 0, 3480, 0, 22490], "three numbers"),
        Wrong("last layer first", [22490, 3480, 1216], "order"),
        Wrong("3 × 3 in both", [448, 3480, 22490], "first convolution"),
        Wrong("16 kernels of 24", [1216, 3472, 22490], "second convolution"),
        Wrong("no bias in the end", [1216, 3480, 22464], "dense layer"),
        Wrong("from the first maps", [1216, 3480, 15002], "dense layer"),
    ],
    "03.depths": [
        Wrong("one number", [14], "two numbers"),
        Wrong("starts with 3", [13, 4], "without pooling"),
        Wrong("halved", [28 / 2 - 0.5, 4], "without pooling"),
        Wrong("one too many without pooling", [15, 4], "one too many"),
        Wrong("one too many", [14, 5], "with pooling"),
        Wrong("the same twice", [14, 14], "with pooling"),
    ],
    "03.flat_index": [
        Wrong(
            "a float",
            lambda y, x, channel, shape: (y * shape[1] + x) * float(shape[2]) + channel,
            "an int",
        ),
        Wrong(
            "counts from one",
            lambda y, x, channel, shape: (y * shape[1] + x) * shape[2] + channel + 1,
            "from one",
        ),
        Wrong(
            "takes its inputs to count from one",
            lambda y, x, channel, shape: ((y - 1) * shape[1] + x - 1) * shape[2] + channel - 1,
            "from one",
        ),
        Wrong(
            "forgot the channels",
            lambda y, x, channel, shape: y * shape[1] + x + channel,
            "classic network",
        ),
        Wrong(
            "channels for x only",
            lambda y, x, channel, shape: y * shape[1] + x * shape[2] + channel,
            "classic network",
        ),
        Wrong(
            "height for width",
            lambda y, x, channel, shape: (y * shape[0] + x) * shape[2] + channel,
            "not square",
        ),
        Wrong(
            "always the classic block",
            lambda y, x, channel, shape: (y * 5 + x) * 64 + channel,
            "not square",
        ),
        Wrong(
            "three numbers",
            lambda y, x, channel, shape: (y, x, channel),
            "channel by channel",
            "a tuple; a number was expected",
        ),
    ],
    "03.batch_softmax": [
        Wrong("one sum", one_sum, "whole batch"),
        Wrong("no exponential", without_exponential, "ordinary scores"),
        Wrong("the largest of each class", from_the_wrong_axis, "largest of each class"),
        Wrong("no shift", without_shift, "large scores"),
        Wrong("wider floats", in_long_double, "large scores"),
        Wrong("mean, not largest", around_the_mean, "large scores"),
        Wrong("clipped", clipped, "large scores"),
        Wrong(
            "zeros for what is not a number",
            lambda logits: np.nan_to_num(without_shift(logits)),
            "large scores",
        ),
        Wrong(
            "the first image alone",
            lambda logits: in_one_go(logits)[0],
            "ordinary scores",
            "shape (4,); an array of shape (3, 4)",
        ),
        Wrong("one maximum", one_maximum, "one image far below"),
        Wrong("changed the logits", in_place, "no keepdims", "changed the array"),
        Wrong(
            "answers, not probabilities",
            lambda logits: logits.argmax(axis=1),
            "ordinary scores",
            "shape (3,); an array of shape (3, 4)",
        ),
    ],
    "03.always_one": [
        Wrong("one decimal", 4.2, "one decimal"),
        Wrong("no decimal", 4, "one decimal"),
        Wrong("no minus", -4.15, "sign"),
        Wrong("accuracy", 0.1, "value"),
    ],
    "03.revealed": [
        Wrong("every fault", ["A", "B", "C", "D", "E"], "labels"),
        Wrong("wrong labels", ["B"], "labels"),
        Wrong("turned digits", ["A", "C", "E"], "upside down"),
        Wrong("nothing to see", ["A", "D", "E"], "black"),
        Wrong("only the training", ["E"], "unscaled"),
        Wrong("only the pixels", ["a"], "trained"),
        Wrong("a letter too many", ["A", "E", "F"], "letters"),
        Wrong("none", [], "unscaled"),
        Wrong("one text", "ACE", "upside down"),
        Wrong("a number", 15, "letters", "a list of letters"),
    ],
    "03.as_dense": [
        Wrong("padded", padded, "shape"),
        Wrong(
            "four axes",
            lambda kernel, height, width: place_by_place(kernel, height, width).reshape(
                height, width, height - kernel.shape[0] + 1, -1
            ),
            "shape",
        ),
        Wrong("first column", first_column_only, "first place only"),
        Wrong("columns of the image", columns_of_the_image, "runs"),
        Wrong(
            "only where weights are",
            lambda *inputs: (place_by_place(*inputs) != 0).astype(float),
            "weights",
        ),
        Wrong(
            "whole numbers", lambda *inputs: place_by_place(*inputs).astype(int), "whole numbers"
        ),
        Wrong(
            "always 28 × 28",
            lambda kernel, *size: place_by_place(kernel, 28, 28),
            "runs",
            "far more than",
        ),
        Wrong("columns first", columns_first, "weights"),
        Wrong("mirrored", lambda kernel, *size: place_by_place(kernel[:, ::-1], *size), "weights"),
        Wrong(
            "height and width exchanged",
            lambda kernel, height, width: place_by_place(kernel, width, height),
            "shape",
        ),
        Wrong("always 2 × 3", two_by_three, "other sizes"),
        Wrong(
            "at most 3 × 3",
            lambda kernel, *size: place_by_place(kernel[:3, :3], *size),
            "other sizes",
        ),
    ],
}
