"""Answers to the exercises of chapter 2."""

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.lib.stride_tricks import sliding_window_view
from scipy import signal

from answers import Wrong
from mnist_lib import layers

# --- conv2d ------------------------------------------------------------------------------------


def four_loops(image: Any, kernel: Any) -> Any:
    kh, kw = kernel.shape
    rows, columns = image.shape[0] - kh + 1, image.shape[1] - kw + 1
    feature_map = np.zeros((rows, columns), np.float32)
    for y in range(rows):
        for x in range(columns):
            for i in range(kh):
                for j in range(kw):
                    feature_map[y, x] += image[y + i, x + j] * kernel[i, j]
    return feature_map


def lists(image: Any, kernel: Any) -> Any:
    kh, kw = kernel.shape
    height, width = image.shape
    return [
        [float((image[y : y + kh, x : x + kw] * kernel).sum()) for x in range(width - kw + 1)]
        for y in range(height - kh + 1)
    ]


def shifted(image: Any, kernel: Any) -> Any:
    kh, kw = kernel.shape
    rows, columns = image.shape[0] - kh + 1, image.shape[1] - kw + 1
    total = np.zeros((rows, columns))
    for i in range(kh):
        for j in range(kw):
            total = total + kernel[i, j] * image[i : i + rows, j : j + columns]
    return total


def all_windows(image: Any, kernel: Any) -> Any:
    return np.einsum("yxij,ij->yx", sliding_window_view(image, kernel.shape), kernel)


def by_tensorflow(image: Any, kernel: Any) -> Any:
    x = tf.constant(image[None, :, :, None], tf.float32)
    k = tf.constant(kernel[:, :, None, None], tf.float32)
    return tf.nn.conv2d(x, k, 1, "VALID")[0, :, :, 0]


def half_precision_of_inputs(image: Any, kernel: Any) -> Any:
    return signal.correlate2d(image.astype(np.float32), kernel.astype(np.float32), mode="valid")


def in_the_images_type(image: Any, kernel: Any) -> Any:
    with np.errstate(invalid="ignore"):  # a negative sum does not fit into uint8
        return all_windows(image, kernel).astype(image.dtype)


def one_place_short(image: Any, kernel: Any) -> Any:
    return all_windows(image, kernel)[:-1, :-1]


def loops_end_early(image: Any, kernel: Any) -> Any:
    result = all_windows(image, kernel)
    result[-1], result[:, -1] = 0, 0
    return result


def one_size(image: Any, kernel: Any) -> Any:
    n = image.shape[0] - kernel.shape[0] + 1
    result = np.zeros((n, n))
    for y in range(n):
        for x in range(n):
            result[y, x] = (image[y : y + 3, x : x + 3] * kernel).sum()
    return result


def changed_places(image: Any, kernel: Any) -> Any:
    kh, kw = kernel.shape
    result = np.zeros((image.shape[1] - kw + 1, image.shape[0] - kh + 1))
    for x in range(result.shape[0]):
        for y in range(result.shape[1]):
            result[x, y] = (image[y : y + kh, x : x + kw] * kernel).sum()
    return result.T if image.shape[0] == image.shape[1] else result


def three_by_three(image: Any, kernel: Any) -> Any:
    rows, columns = image.shape[0] - 2, image.shape[1] - 2
    result = np.zeros((rows, columns))
    for y in range(rows):
        for x in range(columns):
            result[y, x] = np.sum(image[y : y + 3, x : x + 3] * kernel)
    return result


def square_kernel(image: Any, kernel: Any) -> Any:
    k = kernel.shape[0]
    rows, columns = image.shape[0] - k + 1, image.shape[1] - k + 1
    result = np.zeros((rows, columns))
    for y in range(rows):
        for x in range(columns):
            for i in range(k):
                for j in range(k):
                    result[y, x] += image[y + i, x + j] * kernel[i, j]
    return result


def returns_too_early(image: Any, kernel: Any) -> Any:
    kh, kw = kernel.shape
    for y in range(image.shape[0] - kh + 1):
        for x in range(image.shape[1] - kw + 1):
            return np.sum(image[y : y + kh, x : x + kw] * kernel)


def returns_after_a_row(image: Any, kernel: Any) -> Any:
    kh, kw = kernel.shape
    result = np.zeros((image.shape[0] - kh + 1, image.shape[1] - kw + 1))
    for y in range(result.shape[0]):
        for x in range(result.shape[1]):
            result[y, x] = np.sum(image[y : y + kh, x : x + kw] * kernel)
        return result


def of_the_chapters_digit(image: Any, kernel: Any) -> Any:
    digit = np.ones((28, 28))  # in the notebook, a variable of this name
    return all_windows(digit, kernel)


def over_its_own_input(image: Any, kernel: Any) -> Any:
    image = np.asarray(image, float)  # no copy, if it holds floats already
    kh, kw = kernel.shape
    rows, columns = image.shape[0] - kh + 1, image.shape[1] - kw + 1
    for y in range(rows):
        for x in range(columns):
            image[y, x] = np.sum(image[y : y + kh, x : x + kw] * kernel)
    return image[:rows, :columns]


def prints_only(image: Any, kernel: Any) -> Any:
    str(all_windows(image, kernel))


def windows_over_the_border(image: Any, kernel: Any) -> Any:
    kh, kw = kernel.shape
    result = np.zeros((image.shape[0] - kh + 1, image.shape[1] - kw + 1))
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            result[y, x] = (image[y : y + kh, x : x + kw] * kernel).sum()
    return result


def whole_image(image: Any, kernel: Any) -> Any:
    kh, kw = kernel.shape
    result = np.zeros((image.shape[0] - kh + 1, image.shape[1] - kw + 1))
    for y, x in np.ndindex(result.shape):
        result[y, x] = np.sum(image * kernel)
    return result


def side_by_side(image: Any, kernel: Any) -> Any:
    kh, kw = kernel.shape
    result = np.zeros((image.shape[0] // kh, image.shape[1] // kw))
    for y, x in np.ndindex(result.shape):
        result[y, x] = (image[y * kh : (y + 1) * kh, x * kw : (x + 1) * kw] * kernel).sum()
    return result


def matrix_product(image: Any, kernel: Any) -> Any:
    kh, kw = kernel.shape
    result = np.zeros((image.shape[0] - kh + 1, image.shape[1] - kw + 1))
    for y in range(result.shape[0]):
        for x in range(result.shape[1]):
            result[y, x] = np.sum(image[y : y + kh, x : x + kw] @ kernel)
    return result


# --- to_keras ----------------------------------------------------------------------------------


def placed_one_by_one(kernels: Any) -> Any:
    c_out, c_in, kh, kw = kernels.shape
    result = np.zeros((kh, kw, c_in, c_out))
    for o in range(c_out):
        for c in range(c_in):
            result[:, :, c, o] = kernels[o, c]
    return result


def lost_result(kernels: Any) -> Any:
    kernels.transpose(2, 3, 1, 0)


# --- conv_layer --------------------------------------------------------------------------------


def by_places(images: Any, kernels: Any, bias: Any, stride: int) -> Any:
    kh, kw, c_in, c_out = kernels.shape
    n, height, width, _ = images.shape
    rows, columns = (height - kh) // stride + 1, (width - kw) // stride + 1
    matrix = kernels.reshape(kh * kw * c_in, c_out)
    output = np.zeros((n, rows, columns, c_out), images.dtype)
    for y in range(rows):
        for x in range(columns):
            top, left = y * stride, x * stride
            window = images[:, top : top + kh, left : left + kw]
            output[:, y, x] = window.reshape(n, -1) @ matrix + bias
    return output


def by_windows(images: Any, kernels: Any, bias: Any, stride: int) -> Any:
    windows = sliding_window_view(images, kernels.shape[:2], axis=(1, 2))
    windows = windows[:, ::stride, ::stride]
    return np.tensordot(windows, kernels, axes=((4, 5, 3), (0, 1, 2))) + bias


def layer_by_tensorflow(images: Any, kernels: Any, bias: Any, stride: int) -> Any:
    return tf.nn.conv2d(images, kernels, stride, "VALID") + bias


def layer_in_float32(images: Any, kernels: Any, bias: Any, stride: int) -> Any:
    parts = (part.astype(np.float32) for part in (images, kernels, bias))
    return layers.conv2d(*parts, strides=stride)


def layer_by_scipy(images: Any, kernels: Any, bias: Any, stride: int) -> Any:
    maps = []
    for image in images:
        stack = []
        for o in range(kernels.shape[3]):
            total = sum(
                signal.correlate2d(image[:, :, c], kernels[:, :, c, o], mode="valid")
                for c in range(kernels.shape[2])
            )
            stack.append(total[::stride, ::stride] + bias[o])
        maps.append(np.stack(stack, axis=-1))
    return maps


def rounded_up(images: Any, kernels: Any, bias: Any, stride: int) -> Any:
    kh, kw = kernels.shape[:2]
    rows = -(-(images.shape[1] - kh) // stride) + 1
    columns = -(-(images.shape[2] - kw) // stride) + 1
    maps = np.zeros((len(images), rows, columns, kernels.shape[3]))
    right = by_windows(images, kernels, bias, stride)
    maps[:, : right.shape[1], : right.shape[2]] = right
    return maps


def added_too_early(images: Any, kernels: Any, bias: Any, stride: int) -> Any:
    rows = (images.shape[1] - kernels.shape[0] + 1) // stride
    columns = (images.shape[2] - kernels.shape[1] + 1) // stride
    return by_windows(images, kernels, bias, stride)[:, :rows, :columns]


def start_not_moved(images: Any, kernels: Any, bias: Any, stride: int) -> Any:
    every = by_windows(images, kernels, bias, 1)
    rows = (images.shape[1] - kernels.shape[0]) // stride + 1
    columns = (images.shape[2] - kernels.shape[1]) // stride + 1
    return every[:, :rows, :columns]


def stride_of_one_or_two(images: Any, kernels: Any, bias: Any, stride: int) -> Any:
    return by_windows(images, kernels, bias, 2 if stride > 1 else 1)


def in_place(images: Any, kernels: Any, bias: Any, stride: int) -> Any:
    result = by_windows(images, kernels, bias, stride)
    images -= images.mean()
    return result


RIGHT: dict[str, dict[str, Any]] = {
    "02.two_windows": {
        "list": [9, -3],
        "floats": (9.0, -3.0),
        "array": np.array([9, -3]),
        "NumPy numbers": [np.int64(9), np.float32(-3)],
    },
    "02.negative": {
        "list": ["B", "C"],
        "small letters": ("b", " c"),
        "with brackets": ["B)", "(c)"],
        "array": np.array(["B", "C"]),
        "one text": "BC",
        "one text with commas": "b, c",
    },
    "02.conv2d": {
        "four loops": four_loops,
        "lists": lists,
        "shifted images": shifted,
        "all windows": all_windows,
        "SciPy": lambda image, kernel: signal.correlate2d(image, kernel, mode="valid"),
        "tensordot": lambda image, kernel: np.tensordot(
            sliding_window_view(image, kernel.shape), kernel
        ),
        "SciPy, turned twice": lambda image, kernel: signal.convolve2d(
            image, kernel[::-1, ::-1], mode="valid"
        ),
        "TensorFlow": by_tensorflow,
        "float32": half_precision_of_inputs,
    },
    "02.row_counts": {
        "list": [21, 10, 4, 2],
        "floats": [21.0, 10.0, 4.0, 2.0],
        "array": np.array([21, 10, 4, 2]),
        "rounded by NumPy": [np.floor(40 / 2) + 1, np.floor(19 / 2) + 1, np.ceil(10 / 3), 2],
    },
    "02.to_keras": {
        "transpose": lambda kernels: kernels.transpose(2, 3, 1, 0),
        "einsum": lambda kernels: np.einsum("ocij->ijco", kernels),
        "one by one": placed_one_by_one,
        "moveaxis": lambda kernels: np.moveaxis(kernels, [0, 1], [3, 2]),
        "TensorFlow": lambda kernels: tf.transpose(kernels, [2, 3, 1, 0]),
        "turned over, then swapped": lambda kernels: kernels.T.swapaxes(0, 1),
    },
    "02.conv_layer": {
        "loop over places": by_places,
        "all windows": by_windows,
        "TensorFlow": layer_by_tensorflow,
        "float32": layer_in_float32,
        "SciPy and lists": layer_by_scipy,
    },
    "02.swaps": {
        "list": ["yes", "no", "no", "yes"],
        "capitals": ("Yes", "No", "No", "Yes"),
        "array": np.array(["yes", "no", "no", "yes"]),
    },
    "02.largest_step": {
        "theory": [2, 0.5],
        "measured": [1.94, 0.49],
        "coarse": [1.85, 0.45],
        "a tenth below the measured": [1.75, 0.44],
        "a tenth above the measured": [2.235, 0.559],
        "array": np.array([2.02, 0.505]),
    },
}

WRONG: dict[str, list[Wrong]] = {
    "02.two_windows": [
        Wrong("matrix product", [20, 20], "first"),
        Wrong("mirrored the kernel", [3, 6], "first"),
        Wrong("left out one product", [11, -3], "first"),
        Wrong("a sign in the second", [9, 3], "both"),
        Wrong("a slip in adding", [9, -2], "both"),
        Wrong("one window only", [9], "both", "1 value; 2 values were"),
        Wrong("nine products, not added", [9, [0, 0, -3]], "turned", "a list of numbers"),
    ],
    "02.negative": [
        Wrong("another letter", ["B", "E"], "both"),
        Wrong("one text", "AC", "edge: unchanged"),
        Wrong("a word", "sign", "edge: unchanged", "a list of strings"),
    ],
    "02.conv2d": [
        Wrong(
            "half precision",
            lambda *inputs: all_windows(*inputs).astype(np.float16),
            "half precision",
        ),
        Wrong("one place short", one_place_short, "shape"),
        Wrong(
            "padded", lambda image, kernel: signal.correlate2d(image, kernel, mode="same"), "shape"
        ),
        Wrong("another image", of_the_chapters_digit, "another image"),
        Wrong("returns after a row", returns_after_a_row, "first row alone"),
        Wrong("wrote over its input", over_its_own_input, "runs", "changed the array"),
        Wrong("range(rows - 1)", loops_end_early, "last place"),
        Wrong("matrix product", matrix_product, "sum of products"),
        Wrong(
            "whole weights",
            lambda image, kernel: all_windows(image, kernel.astype(int)),
            "whole weights",
        ),
        Wrong("one size for both directions", one_size, "not square"),
        Wrong("columns first", changed_places, "not square"),
        Wrong("always 3 × 3", three_by_three, "another kernel"),
        Wrong("square kernels", square_kernel, "another kernel"),
        Wrong("the image's own type", in_the_images_type, "8-bit pixels"),
        Wrong("returns in the loop", returns_too_early, "runs", "an array of numbers"),
        Wrong("no return", prints_only, "runs", "function returned None"),
        Wrong("windows over the border", windows_over_the_border, "runs"),
        Wrong("the whole image each time", whole_image, "runs"),
        Wrong("windows side by side", side_by_side, "shape"),
        Wrong("one row", lambda *inputs: all_windows(*inputs).ravel(), "shape"),
    ],
    "02.row_counts": [
        Wrong("a kernel of 3", [22, 11, 4, 2], "first step"),
        Wrong("halves", [22.5, 11.25, 3.75, 1.75], "padded"),
        Wrong("every stride forgotten", [41, 40, 40, 38], "no stride"),
        Wrong("rows and columns", [(21, 14), (10, 7), (4, 3), (2, 1)], "four numbers", "a tuple"),
        Wrong("forgot + 1 later", [21, 9, 3, 1], "second step"),
        Wrong("SAME from the scan", [21, 10, 15, 13], "third step"),
        Wrong("last as if padded", [21, 10, 4, 4], "fourth step"),
        Wrong("only the end", [2], "four numbers"),
        Wrong("with the start", [45, 21, 10, 4, 2], "four numbers"),
    ],
    "02.to_keras": [
        Wrong(
            "moved one axis",
            lambda kernels: np.moveaxis(kernels, 0, -1),
            "other sizes",
            "shape (4, 2, 3, 5); an array of shape (2, 3, 4, 5)",
        ),
        Wrong(
            "the inverse permutation",
            lambda kernels: kernels.transpose(3, 2, 0, 1),
            "other sizes",
            "shape (3, 2, 5, 4)",
        ),
        Wrong("no return", lost_result, "reshaped", "function returned None"),
    ],
    "02.conv_layer": [
        Wrong("lost the batch", lambda images, *rest: by_windows(images, *rest)[0], "batch"),
        Wrong("squeezed", lambda *inputs: np.squeeze(by_windows(*inputs)), "batch"),
        Wrong(
            "half precision",
            lambda *inputs: by_windows(*inputs).astype(np.float16),
            "half precision",
        ),
        Wrong(
            "SAME",
            lambda images, kernels, bias, stride: (
                tf.nn.conv2d(images, kernels, stride, "SAME") + bias
            ),
            "padded",
        ),
        Wrong("whole numbers", lambda *inputs: by_windows(*inputs).astype(int), "whole numbers"),
        Wrong("forgot + 1", lambda *inputs: by_windows(*inputs)[:, :-1, :-1], "one place short"),
        Wrong("added 1 before it divided", added_too_early, "other sizes"),
        Wrong(
            "one bias for all",
            lambda images, kernels, bias, stride: by_windows(images, kernels, bias[0], stride),
            "one bias",
        ),
        Wrong(
            "stride to the right only",
            lambda images, kernels, bias, stride: by_windows(images, kernels, bias, 1)[
                :, :, ::stride
            ],
            "stride",
        ),
        Wrong(
            "began at the second window",
            lambda images, kernels, bias, stride: by_windows(images, kernels, bias, 1)[
                :, stride - 1 :: stride, stride - 1 :: stride
            ],
            "stride",
        ),
        Wrong(
            "ReLU as well",
            lambda *inputs: np.maximum(by_windows(*inputs), 0),
            "cut off",
        ),
        Wrong(
            "thinned the batch",
            lambda images, kernels, bias, stride: by_windows(images, kernels, bias, 1)[
                ::stride, ::stride
            ],
            "images left out",
        ),
        Wrong(
            "one input channel",
            lambda images, kernels, *rest: by_windows(images[..., :1], kernels[:, :, :1], *rest),
            "stride 1",
        ),
        Wrong(
            "no stride",
            lambda images, kernels, bias, stride: by_windows(images, kernels, bias, 1),
            "stride",
        ),
        Wrong("counted but not moved", start_not_moved, "stride"),
        Wrong("stride 1 or 2", stride_of_one_or_two, "other sizes"),
        Wrong("rounded up", rounded_up, "stride"),
        Wrong("changed the images", in_place, "batch", "changed the array"),
    ],
    "02.swaps": [
        Wrong("three answers", ["yes", "no", "no"], "yes or no"),
        Wrong("a doubt", ["yes", "no", "no", "maybe"], "yes or no"),
        Wrong("truth values", [True, False, False, True], "yes or no"),
        Wrong("ones and zeros", [1, 0, 0, 1], "yes or no"),
        Wrong("the claims that hold", [1, 4], "yes or no"),
        Wrong("one text", "yes no no yes", "yes or no"),
        Wrong("one more doubt", ["yes", "no", "yes", "yes"], "minus"),
    ],
    "02.largest_step": [
        Wrong("looked at one step", [4, 1], "first"),
        Wrong("the chapter's own", [0.5, 0.125], "first"),
        Wrong("passed noise twice", [1.95, 1.95], "no change"),
        Wrong("the second first", [0.48, 1.93], "order"),
        Wrong("guessed twice", [2, 4], "larger"),
        Wrong("guessed half", [2, 1], "half"),
        Wrong("stopped searching", [2, 0.7], "second"),
        Wrong("one limit", [2], "two numbers"),
        Wrong("not right to a tenth", [2, 0.6], "second"),
    ],
}
