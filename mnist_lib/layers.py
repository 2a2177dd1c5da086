"""The layers of a convolutional network in NumPy: each formula beside its gradient.

Layout is Keras': images (N, H, W, C), kernels (kh, kw, C_in, C_out). A forward function takes its
inputs; its ``_backward`` twin takes the gradient of the loss with respect to the output, then the
same inputs, and returns the gradient of the loss with respect to each of them (the chain rule).
Nothing is remembered between the two calls.

Chapter 2 derives the convolution, ReLU and max-pooling; chapter 3 the dense layer, softmax and
cross-entropy; chapter 4 uses their gradients to train. The arithmetic keeps the dtype of its
inputs: float32 stays float32. Arrays are expected to be finite.

References
----------
V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning", 2016,
arXiv:1603.07285. I. Goodfellow, Y. Bengio and A. Courville, *Deep Learning*, MIT Press, 2016,
section 4.1 (stable softmax), section 6.5 (backpropagation) and chapter 9 (convolution, pooling).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from mnist_lib import _checks

__all__ = [
    "conv2d",
    "conv2d_backward",
    "cross_entropy",
    "cross_entropy_backward",
    "dense",
    "dense_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "relu",
    "relu_backward",
    "softmax",
    "softmax_backward",
]

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Pair: TypeAlias = int | tuple[int, int]

# Windows overlap: written out they take kh·kw times the memory of the images. Those of 16 images
# still fit into a processor's cache.
IMAGES_AT_A_TIME = 16


# --- convolution ----------------------------------------------------------------------------------


def conv2d(
    images: npt.ArrayLike,
    kernels: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    *,
    strides: Pair = 1,
    padding: str = "valid",
) -> Floats:
    """Slide every kernel over every image: what deep learning calls a convolution.

    ``output[n, y, x, o] = Σ_ijc images[n, y·sh + i, x·sw + j, c] · kernels[i, j, c, o] + bias[o]``

    The kernel is not flipped (a mathematician calls this cross-correlation), as in Keras.

    Parameters
    ----------
    images : float array (N, H, W, C_in)
    kernels : float array (kh, kw, C_in, C_out)
    bias : float array (C_out,), optional
    strides : int or pair of int
        Step down and step right, at least 1.
    padding : {"valid", "same"}
        "valid": windows that lie inside the image, ``⌊(H − kh)/sh⌋ + 1`` rows.
        "same": zeros around it, ``⌈H/sh⌉`` rows; an odd zero goes below and to the right, as in
        TensorFlow.

    Returns
    -------
    float array (N, H', W', C_out)

    Raises
    ------
    TypeError
        If an array is not floating point or a stride is not an integer.
    ValueError
        If a rank, a number of channels, a stride or the padding does not fit, or if the kernel is
        larger than the image under "valid" padding.

    Notes
    -----
    Chapter 2 derives it. Source: Dumoulin and Visin (2016); Goodfellow et al. (2016), eq. 9.6.
    """
    images, kernels = _images_and_kernels(images, kernels)
    frame = _frame(images, kernels.shape[:2], strides, padding)
    filters = kernels.shape[3]
    dtype = np.result_type(images, kernels)
    if bias is not None:
        bias = _floats("bias", bias, (filters,))
        dtype = np.result_type(dtype, bias)
    output = np.empty(frame.output_shape(filters), dtype)
    for some, patches in frame.patches(images):
        rows = output[some].reshape(-1, filters)
        np.matmul(patches, kernels.reshape(-1, filters), out=rows)
        if bias is not None:
            rows += bias
    return output


def conv2d_backward(
    gradient: npt.ArrayLike,
    images: npt.ArrayLike,
    kernels: npt.ArrayLike,
    *,
    strides: Pair = 1,
    padding: str = "valid",
) -> tuple[Floats, Floats, Floats]:
    """Gradients of the loss with respect to the images, kernels and bias of `conv2d`.

    Every output is a sum of products, so each factor's gradient is the other factor times the
    gradient of that output, added up over all the outputs in which it takes part:

    ``d_bias[o]             = Σ_nyx  gradient[n, y, x, o]``
    ``d_kernels[i, j, c, o] = Σ_nyx  gradient[n, y, x, o] · images[n, y·sh + i, x·sw + j, c]``
    ``d_images[n, y·sh + i, x·sw + j, c] += Σ_o  gradient[n, y, x, o] · kernels[i, j, c, o]``

    Parameters
    ----------
    gradient : float array (N, H', W', C_out)
        Gradient with respect to the output of ``conv2d(images, kernels, …)``.
    images, kernels, strides, padding
        As given to `conv2d`.

    Returns
    -------
    d_images, d_kernels, d_bias : float arrays
        Shaped like the images, the kernels and the bias (C_out,).

    Raises
    ------
    TypeError, ValueError
        As `conv2d`; also if the gradient does not have the output's shape.

    Notes
    -----
    Chapter 2 derives the gradient for a kernel, chapter 4 the one for the images. Source:
    Goodfellow et al. (2016), eqs. 9.11 and 9.13.
    """
    images, kernels = _images_and_kernels(images, kernels)
    frame = _frame(images, kernels.shape[:2], strides, padding)
    filters = kernels.shape[3]
    gradient = _floats("gradient", gradient, frame.output_shape(filters))
    d_kernels = np.zeros((math.prod(kernels.shape[:3]), filters), np.result_type(gradient, images))
    d_padded = np.zeros(frame.padded_shape, np.result_type(gradient, kernels))
    for some, patches in frame.patches(images):
        outputs = gradient[some].reshape(-1, filters)
        d_kernels += patches.T @ outputs
        for i, j, pixels in frame.offsets():
            d_pixels = d_padded[some][pixels]
            d_pixels += (outputs @ kernels[i, j].T).reshape(d_pixels.shape)
    return d_padded[frame.inside], d_kernels.reshape(kernels.shape), _sum(gradient)


# --- max-pooling ----------------------------------------------------------------------------------


def max_pool2d(
    images: npt.ArrayLike,
    pool_size: Pair = 2,
    *,
    strides: Pair | None = None,
    padding: str = "valid",
) -> Floats:
    """Keep the largest value of every window, channel by channel.

    ``output[n, y, x, c] = max_ij images[n, y·sh + i, x·sw + j, c]``

    Parameters
    ----------
    images : float array (N, H, W, C)
    pool_size : int or pair of int
        Height and width of the window.
    strides : int or pair of int, optional
        Step down and step right; the pool size if not given, so that windows do not overlap.
    padding : {"valid", "same"}
        As in `conv2d`, but "same" pads with −∞, which never wins.

    Returns
    -------
    float array (N, H', W', C)

    Raises
    ------
    TypeError, ValueError
        As `conv2d`.

    Notes
    -----
    Chapter 2 derives it. Source: Goodfellow et al. (2016), section 9.3.
    """
    images = _floats("images", images, "N H W C")
    pool = _pair("pool_size", pool_size)
    frame = _frame(images, pool, pool if strides is None else strides, padding)
    return _window_maximum(frame, frame.pad(images, -np.inf))


def max_pool2d_backward(
    gradient: npt.ArrayLike,
    images: npt.ArrayLike,
    pool_size: Pair = 2,
    *,
    strides: Pair | None = None,
    padding: str = "valid",
) -> Floats:
    """Gradient of the loss with respect to the images of `max_pool2d`.

    Only the winner of a window moves the maximum, so it receives that window's whole gradient:

    ``d_images[n, y·sh + i, x·sw + j, c] += gradient[n, y, x, c]  where (i, j) is the winner``

    Where several pixels of a window share the maximum, the first in reading order (left to right,
    then top to bottom) is the winner, as in TensorFlow. There the maximum has a kink, and this is
    one of its subgradients.

    Parameters
    ----------
    gradient : float array (N, H', W', C)
        Gradient with respect to the output of ``max_pool2d(images, …)``.
    images, pool_size, strides, padding
        As given to `max_pool2d`.

    Returns
    -------
    d_images : float array (N, H, W, C)

    Raises
    ------
    TypeError, ValueError
        As `max_pool2d`; also if the gradient does not have the output's shape.
    """
    images = _floats("images", images, "N H W C")
    pool = _pair("pool_size", pool_size)
    frame = _frame(images, pool, pool if strides is None else strides, padding)
    gradient = _floats("gradient", gradient, frame.output_shape(images.shape[3]))
    padded = frame.pad(images, -np.inf)
    maximum = _window_maximum(frame, padded)
    d_padded = np.zeros(padded.shape, np.result_type(gradient, images))
    undecided = np.ones(maximum.shape, bool)
    for _, _, pixels in frame.offsets():
        winner = undecided & (padded[pixels] == maximum)
        d_padded[pixels] += gradient * winner
        undecided &= ~winner
    return d_padded[frame.inside]


# --- ReLU, dense ----------------------------------------------------------------------------------


def relu(x: npt.ArrayLike) -> Floats:
    """Rectify: ``max(x, 0)``, element by element.

    Parameters
    ----------
    x : float array of any shape

    Returns
    -------
    float array, shaped like x

    Raises
    ------
    TypeError
        If x is not floating point.

    Notes
    -----
    Chapter 2 uses it on feature maps. Source: Goodfellow et al. (2016), section 6.3.1.
    """
    result: Floats = np.maximum(_floats("x", x), 0)
    return result


def relu_backward(gradient: npt.ArrayLike, x: npt.ArrayLike) -> Floats:
    """Gradient of the loss with respect to the input of `relu`: it passes where ``x > 0``.

    ``d_x = gradient · [x > 0]``

    The mask looks at the *input* x. Taken from the output as ``output >= 0`` it would be true
    everywhere and never act. At the kink x = 0 the gradient is 0, as in TensorFlow.

    Parameters
    ----------
    gradient : float array, shaped like x
        Gradient with respect to ``relu(x)``.
    x : float array of any shape
        What was given to `relu`.

    Returns
    -------
    d_x : float array, shaped like x

    Raises
    ------
    TypeError
        If an array is not floating point.
    ValueError
        If the gradient is not shaped like x.
    """
    x = _floats("x", x)
    return _floats("gradient", gradient, x.shape) * (x > 0)


def dense(x: npt.ArrayLike, weights: npt.ArrayLike, bias: npt.ArrayLike | None = None) -> Floats:
    """Weigh all inputs for every output: ``x @ weights + bias``.

    Parameters
    ----------
    x : float array (N, features)
    weights : float array (features, units)
    bias : float array (units,), optional

    Returns
    -------
    float array (N, units)

    Raises
    ------
    TypeError
        If an array is not floating point.
    ValueError
        If the shapes do not fit together.

    Notes
    -----
    Chapter 3 derives it.
    """
    x, weights = _inputs_and_weights(x, weights)
    output: Floats = x @ weights
    if bias is not None:
        output = output + _floats("bias", bias, (weights.shape[1],))
    return output


def dense_backward(
    gradient: npt.ArrayLike, x: npt.ArrayLike, weights: npt.ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Gradients of the loss with respect to the input, weights and bias of `dense`.

    ``d_x = gradient @ weightsᵀ    d_weights = xᵀ @ gradient    d_bias = Σ_n gradient[n]``

    Parameters
    ----------
    gradient : float array (N, units)
        Gradient with respect to the output of ``dense(x, weights, …)``.
    x, weights
        As given to `dense`.

    Returns
    -------
    d_x, d_weights, d_bias : float arrays
        Shaped like x, the weights and the bias (units,).

    Raises
    ------
    TypeError, ValueError
        As `dense`; also if the gradient does not have the output's shape.

    Notes
    -----
    Source: Goodfellow et al. (2016), section 6.5.6.
    """
    x, weights = _inputs_and_weights(x, weights)
    gradient = _floats("gradient", gradient, (x.shape[0], weights.shape[1]))
    return gradient @ weights.T, x.T @ gradient, _sum(gradient)


def _sum(gradient: Floats) -> Floats:
    """Add up over all axes but the last, in float64: a bias takes part in thousands of outputs."""
    total: npt.NDArray[np.float64] = gradient.sum(tuple(range(gradient.ndim - 1)), np.float64)
    return total.astype(gradient.dtype)


# --- softmax, cross-entropy -----------------------------------------------------------------------


def softmax(logits: npt.ArrayLike, axis: int = -1) -> Floats:
    """Turn scores into probabilities: ``exp(z_k) / Σ_m exp(z_m)`` along an axis.

    Subtracting the largest score first changes nothing (it cancels) and keeps exp from overflowing.

    Parameters
    ----------
    logits : float array of rank 1 or more
    axis : int
        The axis that runs over the classes.

    Returns
    -------
    float array, shaped like the logits; positive, with sum 1 along the axis

    Raises
    ------
    TypeError
        If the logits are not floating point.
    ValueError
        If there is no such axis or it is empty.

    Notes
    -----
    Chapter 3 derives it. Source: Goodfellow et al. (2016), section 4.1.
    """
    logits = _floats("logits", logits)
    if logits.ndim == 0:
        raise ValueError(_checks.message("logits", "one number", "an axis that runs over classes"))
    exponentials: Floats = np.exp(logits - logits.max(axis=axis, keepdims=True))
    exponentials /= exponentials.sum(axis=axis, keepdims=True)
    return exponentials


def softmax_backward(
    gradient: npt.ArrayLike, probabilities: npt.ArrayLike, axis: int = -1
) -> Floats:
    """Gradient of the loss with respect to the logits of `softmax`.

    ``∂p_k/∂z_m = p_k ([k = m] − p_m)``, hence ``d_z_m = p_m (g_m − Σ_k g_k p_k)``.

    Parameters
    ----------
    gradient : float array, shaped like the probabilities
        Gradient with respect to ``softmax(logits)``.
    probabilities : float array
        The *output* of `softmax`, which is all that its derivative needs.
    axis : int
        The axis that runs over the classes.

    Returns
    -------
    d_logits : float array, shaped like the probabilities

    Raises
    ------
    TypeError
        If an array is not floating point.
    ValueError
        If the shapes differ or there is no such axis.
    """
    probabilities = _floats("probabilities", probabilities)
    gradient = _floats("gradient", gradient, probabilities.shape)
    mean: Floats = (gradient * probabilities).sum(axis=axis, keepdims=True)
    return probabilities * (gradient - mean)


def cross_entropy(logits: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Mean surprise at the true labels, in nats: ``mean_n −log softmax(logits[n])[labels[n]]``.

    With s = z − max z, ``−log p_label = log Σ_k exp(s_k) − s_label``: no probability is formed, so
    none can be rounded to 0 and give an infinite loss.

    Parameters
    ----------
    logits : float array (N, classes)
        Scores before the softmax.
    labels : integer array (N,)
        True classes, 0 … classes − 1.

    Returns
    -------
    float

    Raises
    ------
    TypeError
        If the logits are not floating point or the labels not integers.
    ValueError
        If the ranks or lengths do not fit, there is no row, or a label is out of range.

    Notes
    -----
    Chapter 3 derives it. Source: Goodfellow et al. (2016), sections 4.1 and 6.2.2.
    """
    logits, labels = _logits_and_labels(logits, labels)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    return float(np.mean(log_sum - shifted[np.arange(len(labels)), labels]))


def cross_entropy_backward(logits: npt.ArrayLike, labels: npt.ArrayLike) -> Floats:
    """Gradient of `cross_entropy` with respect to the logits.

    ``d_logits = (softmax(logits) − onehot(labels)) / N``

    Parameters
    ----------
    logits, labels
        As given to `cross_entropy`.

    Returns
    -------
    d_logits : float array (N, classes)

    Raises
    ------
    TypeError, ValueError
        As `cross_entropy`.

    Notes
    -----
    Chapter 4 derives it.
    """
    logits, labels = _logits_and_labels(logits, labels)
    d_logits = softmax(logits)
    d_logits[np.arange(len(labels)), labels] -= 1
    return d_logits / len(labels)


# --- windows --------------------------------------------------------------------------------------


class _Frame(NamedTuple):
    """Where the windows of a batch of images lie."""

    padded_shape: tuple[int, int, int, int]
    inside: tuple[slice, slice, slice]  # the image within its padding
    window: tuple[int, int]
    strides: tuple[int, int]
    rows: int
    columns: int

    def output_shape(self, channels: int) -> tuple[int, ...]:
        return self.padded_shape[0], self.rows, self.columns, channels

    def pad(self, images: Floats, value: float = 0.0) -> Floats:
        """Lay the images into a larger array of the given value."""
        if images.shape == self.padded_shape:
            return images
        padded = np.full(self.padded_shape, value, images.dtype)
        padded[self.inside] = images
        return padded

    def patches(self, images: Floats) -> Iterator[tuple[slice, Floats]]:
        """For a few images at a time: which they are, and all their windows, one in each row."""
        view = sliding_window_view(self.pad(images), self.window, axis=(1, 2))
        view = view[:, :: self.strides[0], :: self.strides[1]]
        view = view.transpose(0, 1, 2, 4, 5, 3)  # (N, rows, columns, kh, kw, C)
        for start in range(0, len(images), IMAGES_AT_A_TIME):
            some = slice(start, start + IMAGES_AT_A_TIME)
            yield some, view[some].reshape(-1, math.prod(view.shape[3:]))

    def offsets(self) -> Iterator[tuple[int, int, tuple[slice, slice, slice]]]:
        """For each place (i, j) in the window: that place's pixel in all windows at once."""
        down, right = self.strides
        for i in range(self.window[0]):
            for j in range(self.window[1]):
                rows = slice(i, i + down * (self.rows - 1) + 1, down)
                columns = slice(j, j + right * (self.columns - 1) + 1, right)
                yield i, j, (slice(None), rows, columns)


def _frame(images: Floats, window: tuple[int, ...], strides: Pair, padding: str) -> _Frame:
    steps = _pair("strides", strides)
    _checks.choice("padding", padding, ("valid", "same"))
    n, height, width, channels = images.shape
    rows, top, padded_height = _along("height", height, window[0], steps[0], padding)
    columns, left, padded_width = _along("width", width, window[1], steps[1], padding)
    return _Frame(
        padded_shape=(n, padded_height, padded_width, channels),
        inside=(slice(None), slice(top, top + height), slice(left, left + width)),
        window=(window[0], window[1]),
        strides=steps,
        rows=rows,
        columns=columns,
    )


def _along(name: str, size: int, window: int, stride: int, padding: str) -> tuple[int, int, int]:
    """Return outputs along one axis, pixels of padding before the image, and the padded size."""
    if padding == "valid":
        if window > size:
            raise ValueError(
                f"The window's {name} is {window}; expected at most the image's, {size}. Use a "
                'smaller window or padding="same".'
            )
        return (size - window) // stride + 1, 0, size
    outputs = -(-size // stride)
    missing = max((outputs - 1) * stride + window - size, 0)
    return outputs, missing // 2, size + missing


def _window_maximum(frame: _Frame, padded: Floats) -> Floats:
    # One np.maximum per place in the window beats a reduction over two short axes by far.
    maximum: Floats = np.full(frame.output_shape(padded.shape[3]), -np.inf, padded.dtype)
    for _, _, pixels in frame.offsets():
        np.maximum(maximum, padded[pixels], out=maximum)
    return maximum


# --- checks of the arguments ----------------------------------------------------------------------


def _floats(
    name: str, values: npt.ArrayLike, *shapes: str | tuple[int, ...], advice: str = ""
) -> Floats:
    """Return a floating-point array; a batch of no images is allowed."""
    return _checks.array(name, values, *shapes, holds="floats", empty=True, advice=advice)


def _pair(name: str, value: Pair) -> tuple[int, int]:
    pair = value if isinstance(value, tuple | list) else (value, value)
    if len(pair) != 2:
        raise ValueError(
            _checks.message(name, repr(value), "one whole number or a pair of them (down, right)")
        )
    down, right = (_checks.whole(name, each, least=1) for each in pair)
    return down, right


def _images_and_kernels(images: npt.ArrayLike, kernels: npt.ArrayLike) -> tuple[Floats, Floats]:
    images = _floats("images", images, "N H W C_in")
    kernels = _floats("kernels", kernels, "kh kw C_in C_out")
    channels = images.shape[3]
    advice = f"The images are {images.shape}, (N, H, W, C_in); a kernel needs as many channels."
    return images, _floats("kernels", kernels, f"kh kw {channels} C_out", advice=advice)


def _inputs_and_weights(x: npt.ArrayLike, weights: npt.ArrayLike) -> tuple[Floats, Floats]:
    x = _floats(
        "x", x, "N features", advice="Flatten images first: images.reshape(len(images), -1)."
    )
    advice = f"x is {x.shape}, (N, features); a unit has one weight for every feature."
    return x, _floats("weights", weights, f"{x.shape[1]} units", advice=advice)


def _logits_and_labels(
    logits: npt.ArrayLike, labels: npt.ArrayLike
) -> tuple[Floats, npt.NDArray[np.int64]]:
    logits = _checks.array("logits", logits, "N classes", holds="floats")
    n, classes = logits.shape
    return logits, _checks.labels("labels", labels, count=n, classes=classes)
