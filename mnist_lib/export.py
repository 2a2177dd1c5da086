"""Write a trained network as one file that the course's live page reads.

The file is JSON: a list of layers, each doing one thing, with their weights as base64. It holds
nothing that can be executed. Chapter 3 computes a whole network from such a list in NumPy; the page
does the same in JavaScript (``book/_static/network.js``).
"""

from __future__ import annotations

import base64
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_lib import _checks
from mnist_lib._files import write_whole
from mnist_lib.backend import keras

__all__ = ["describe", "to_web"]

FORMAT = "mnist_lib network"
VERSION = 1
INPUT_SHAPE = (28, 28, 1)
CLASSES = 10

# What the page accepts (book/_static/network-file.js has the same numbers; a test compares them):
# a file may come from anywhere, and the page must never hang on it.
MAX_BYTES = 16 * 2**20
MAX_LAYERS = 100
MAX_WINDOW = 28  # pixels to a side, as many as the image has
MAX_WORK = 100_000_000  # multiplications an image
FETCH = 8  # to fetch a number takes the page about as long as so many multiplications
MAX_OUTPUTS = 1_000_000  # of all layers together
MAX_TEXT = 200  # characters of a name or a note

ACTIVATIONS = ("linear", "relu", "sigmoid", "softmax", "tanh")
DTYPES = ("float32", "float16", "int8")

Floats = npt.NDArray[np.float32]
Layer = dict[str, Any]


def to_web(
    model: keras.Sequential,
    path: str | os.PathLike[str],
    *,
    dtype: str = "float32",
    name: str | None = None,
    accuracy: float | None = None,
    note: str = "",
) -> Path:
    """Write a network to one file for the live page: drop it there and draw against it.

    Parameters
    ----------
    model : keras.Sequential
        A built network that takes ``float32 (N, 28, 28, 1)`` in [0, 1] and gives ``(N, 10)``. Its
        layers may be Conv2D, MaxPooling2D, AveragePooling2D, GlobalAveragePooling2D, Flatten,
        Dense, BatchNormalization, Dropout (left out: it does nothing after training), Activation,
        ReLU and Softmax; the activations linear, relu, sigmoid, softmax and tanh.
    path : str or path-like
        Where to write it, such as ``"my_network.json"``. A file of that name is replaced in one
        step, once the new one is complete.
    dtype : {"float32", "float16", "int8"}, optional
        How kernels are stored: in 4, 2 or 1 byte per weight. "int8" rounds each output channel to
        255 steps between plus and minus its largest weight.
    name : str, optional
        What the page calls the network; by default the model's own name.
    accuracy : float, optional
        Between 0 and 1; the page shows it beside the name.
    note : str, optional
        One more line for the page, such as how it was trained.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    TypeError
        If `model` is not a `keras.Sequential`, or `accuracy` or `dtype` is of the wrong type.
    ValueError
        If the network is not built, takes or gives another shape, holds a layer, a setting or an
        activation that the page cannot compute (the message names the layer), has weights that are
        not finite or too large for `dtype`, or is larger than the page accepts; if an argument is
        out of range.
    OSError
        If the file cannot be written.
    """
    document = describe(model, dtype=dtype, name=name, accuracy=accuracy, note=note)
    text = json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    if len(text) > MAX_BYTES:
        raise ValueError(
            f"The file would have {len(text) / 2**20:.1f} MB and the page reads at most "
            f'{MAX_BYTES // 2**20}. Use dtype="float16" or "int8", or a smaller network.'
        )
    return write_whole(path, text.encode("ascii"))


def describe(
    model: keras.Sequential,
    *,
    dtype: str = "float32",
    name: str | None = None,
    accuracy: float | None = None,
    note: str = "",
) -> dict[str, Any]:
    """Describe a network in lists, numbers and text: what `to_web` writes.

    A layer with an activation becomes two: the sum, then the activation. A BatchNormalization
    behind a Conv2D or Dense layer without activation is folded into that layer: with
    s = γ / √(σ² + ε) its kernel is multiplied by s for each output channel, and its bias b becomes
    (b − μ) s + β. In any other place it becomes a ``scale_shift`` layer, x s + (β − μ s).

    Parameters
    ----------
    model, dtype, name, accuracy, note
        As for `to_web`.

    Returns
    -------
    dict
        ``format``, ``version``, ``name``, ``note``, ``accuracy`` (a number or None), ``input`` (the
        shape of one image) and ``layers``: dictionaries with ``type``, ``name`` and what the type
        needs. An array is a dictionary of ``shape``, ``dtype`` and ``data`` (base64 of the
        little-endian numbers, rows first); a kernel may also have ``scales``, base64 of one float32
        per output channel, by which the page multiplies.

    Raises
    ------
    TypeError, ValueError
        As `to_web`, but for the file's size.

    References
    ----------
    S. Ioffe and C. Szegedy, "Batch normalization", 2015, arXiv:1502.03167, algorithm 2 (the folding
    is its line 11); B. Jacob et al., "Quantization and training of neural networks for efficient
    integer-arithmetic-only inference", 2018, arXiv:1712.05877 (scales per output channel).
    """
    if not isinstance(model, keras.Sequential):
        raise TypeError(
            f"model is {_checks.describe(model)}; expected a keras.Sequential. The page computes "
            "one layer after the other and cannot run a network with branches."
        )
    dtype = _checks.choice("dtype", dtype, DTYPES)
    if accuracy is not None:
        advice = "Write 98 % as 0.98."
        accuracy = _checks.number("accuracy", accuracy, least=0, most=1, advice=advice)
    _check_shapes(model)

    layers: list[Layer] = []
    for layer in model.layers:
        _append(layers, layer)
    for described in layers:
        _encode(described, dtype)
    work = sum(described.pop("work", 0) for described in layers)
    outputs = sum(described.pop("outputs") for described in layers)
    if work > MAX_WORK or len(layers) > MAX_LAYERS:
        raise ValueError(
            f"The network takes as long as {work:,} multiplications an image in {len(layers)} "
            f"steps; the page accepts at most {MAX_WORK:,} in {MAX_LAYERS}. Use fewer or narrower "
            "layers."
        )
    if outputs > MAX_OUTPUTS:
        raise ValueError(
            f"The layers of the network have {outputs:,} outputs an image; the page accepts at "
            f"most {MAX_OUTPUTS:,}. Use fewer channels, or larger strides."
        )
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": (name or model.name)[:MAX_TEXT],
        "note": note[:MAX_TEXT],
        "accuracy": accuracy,
        "input": list(INPUT_SHAPE),
        "layers": layers,
    }


# --- one Keras layer after the other --------------------------------------------------------------


def _check_shapes(model: keras.Sequential) -> None:
    if not model.built or not model.layers:
        raise ValueError(
            "The network is not built: it does not know its input's shape yet. Begin it with "
            "keras.Input((28, 28, 1)), or call it once on prepared images."
        )
    shapes = tuple(model.input_shape[1:]), tuple(model.output_shape[1:])
    if shapes != (INPUT_SHAPE, (CLASSES,)):
        raise ValueError(
            f"The network takes {shapes[0]} and gives {shapes[1]}; expected {INPUT_SHAPE} and "
            f"{(CLASSES,)}, one number per digit. Build one with these shapes."
        )


def _append(layers: list[Layer], layer: keras.layers.Layer) -> None:
    """Add what one Keras layer does to the list, folding it into the last entry where possible."""
    layer_type = type(layer)  # not isinstance: a subclass may compute something else
    outputs = math.prod(layer.output.shape[1:])
    described: Layer = {"type": "", "name": layer.name[:MAX_TEXT], "outputs": outputs}
    last = layers[-1] if layers else None
    if layer_type is keras.layers.Dropout:
        return
    if layer_type is keras.layers.BatchNormalization:
        scale, shift = _scale_and_shift(layer)
        if last is not None and last["type"] in ("conv2d", "dense"):
            last["scales"] = last["scales"] * scale
            last["bias"] = last["bias"] * scale + shift
            _check_finite(layer, last["scales"], last["bias"])
            return
        described |= {"type": "scale_shift", "scale": scale, "shift": shift}
    elif layer_type is keras.layers.Conv2D:
        _require(layer, "dilation_rate", (1, 1))
        _require(layer, "groups", 1)
        described |= {"type": "conv2d", **_window(layer, layer.kernel_size), **_weights(layer)}
        described["work"] = _work(layer, described["kernel"].shape)
    elif layer_type is keras.layers.Dense:
        if len(layer.input.shape) != 2:
            raise _unsupported(layer, "acts on a stack of images. Put a Flatten layer before it")
        described |= {"type": "dense", **_weights(layer)}
        described["work"] = _work(layer, described["kernel"].shape)
    elif layer_type in (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D):
        which = "max" if layer_type is keras.layers.MaxPooling2D else "average"
        described |= {"type": f"{which}_pool2d", **_window(layer, layer.pool_size)}
        described["work"] = _work(layer, (*layer.pool_size, layer.output.shape[-1]))
    elif layer_type is keras.layers.GlobalAveragePooling2D:
        _require(layer, "data_format", "channels_last")
        _require(layer, "keepdims", False)
        described["type"] = "global_average_pool2d"
        described["work"] = _work(layer, layer.input.shape[1:])
    elif layer_type is keras.layers.Flatten:
        _require(layer, "data_format", "channels_last")
        described["type"] = "flatten"
    elif layer_type in (keras.layers.Activation, keras.layers.ReLU, keras.layers.Softmax):
        _append_activation(layers, layer)
        return
    else:
        raise _unsupported(
            layer,
            "cannot run on the page. Supported are Conv2D, MaxPooling2D, AveragePooling2D, "
            "GlobalAveragePooling2D, Flatten, Dense, BatchNormalization, Dropout, Activation, ReLU "
            "and Softmax; rebuild the network from these",
        )
    layers.append(described)
    if layer_type in (keras.layers.Conv2D, keras.layers.Dense):
        _append_activation(layers, layer)


def _append_activation(layers: list[Layer], layer: keras.layers.Layer) -> None:
    if isinstance(layer, keras.layers.ReLU):
        _require(layer, "max_value", None)
        _require(layer, "negative_slope", 0)
        _require(layer, "threshold", 0)
        name = "relu"
    elif isinstance(layer, keras.layers.Softmax):
        _require(layer, "axis", -1)
        name = "softmax"
    else:
        # Compared with Keras' own functions: another one may bear the same name.
        known = {getattr(keras.activations, name): name for name in ACTIVATIONS}
        name = known.get(layer.activation, "")
        if not name:
            given = getattr(layer.activation, "__name__", repr(layer.activation))
            raise _unsupported(
                layer, f"has the activation {given}. Use one of {', '.join(ACTIVATIONS)}"
            )
    if name != "linear":
        described: Layer = {"type": "activation", "name": layer.name[:MAX_TEXT]}
        outputs = math.prod(layer.output.shape[1:])
        layers.append(described | {"activation": name, "outputs": outputs})


def _work(layer: keras.layers.Layer, shape: tuple[int, ...]) -> int:
    """Return what a layer costs the page, in multiplications.

    At each position of its window it fetches every number of the window, `shape` without its last
    axis, and uses it `shape[-1]` times.
    """
    *window, used = shape
    output = layer.output.shape[1:]
    positions = math.prod(output[:-1]) if len(output) == 3 else 1
    return positions * math.prod(window) * (used + FETCH)


def _weights(layer: keras.layers.Layer) -> Layer:
    """Return a layer's kernel, factors for its output channels (1 so far) and bias."""
    kernel = np.asarray(layer.kernel, np.float32)
    channels = kernel.shape[-1]
    bias = np.asarray(layer.bias, np.float32) if layer.use_bias else np.zeros(channels, np.float32)
    _check_finite(layer, kernel, bias)
    return {"kernel": kernel, "scales": np.ones(channels, np.float32), "bias": bias}


def _window(layer: keras.layers.Layer, size: tuple[int, int]) -> Layer:
    _require(layer, "data_format", "channels_last")
    if max(size) > MAX_WINDOW:
        raise _unsupported(
            layer, f"has a window of {size[0]} × {size[1]}. Use at most {MAX_WINDOW} × {MAX_WINDOW}"
        )
    return {
        "window": [int(side) for side in size],
        "strides": [int(step) for step in layer.strides],
        "padding": layer.padding,
    }


def _scale_and_shift(layer: keras.layers.BatchNormalization) -> tuple[Floats, Floats]:
    """Return γ / √(σ² + ε) and β − μ γ / √(σ² + ε), computed in float64."""
    axis = layer.axis if isinstance(layer.axis, int) else layer.axis[0]
    rank = len(layer.input.shape)
    if axis not in (-1, rank - 1):
        raise _unsupported(layer, f"normalises along axis {axis}. Use axis=-1, the channels")
    mean = np.asarray(layer.moving_mean, np.float64)
    variance = np.asarray(layer.moving_variance, np.float64)
    gamma = np.asarray(layer.gamma, np.float64) if layer.scale else 1.0
    beta = np.asarray(layer.beta, np.float64) if layer.center else 0.0
    scale = gamma / np.sqrt(variance + layer.epsilon)
    shift = beta - mean * scale
    _check_finite(layer, scale, shift)
    return scale.astype(np.float32), shift.astype(np.float32)


def _require(layer: keras.layers.Layer, setting: str, expected: object) -> None:
    found = getattr(layer, setting)
    if found != expected:
        raise _unsupported(layer, f"has {setting}={found!r}. Use {setting}={expected!r}")


def _unsupported(layer: keras.layers.Layer, problem: str) -> ValueError:
    return ValueError(f'The layer "{layer.name}" ({type(layer).__name__}) {problem}.')


def _check_finite(layer: keras.layers.Layer, *arrays: npt.NDArray[Any]) -> None:
    for array in arrays:
        if not np.isfinite(array).all():
            raise _unsupported(
                layer,
                "has weights that are not finite numbers (NaN or infinite): its training diverged. "
                "Train it again with a smaller learning rate",
            )


# --- arrays as text -------------------------------------------------------------------------------


def _encode(described: Layer, dtype: str) -> None:
    """Replace a layer's arrays by their description as text."""
    if "kernel" in described:
        kernel, scales = described["kernel"], described.pop("scales")
        if dtype == "int8":
            largest = np.abs(kernel).reshape(-1, kernel.shape[-1]).max(axis=0)
            step = np.where(largest > 0, largest, 1) / np.float32(127)
            kernel = np.rint(kernel / step)
            scales = scales * step
        elif dtype == "float16" and np.abs(kernel).max() > np.finfo(np.float16).max:
            raise ValueError(
                f'The layer "{described["name"]}" has a weight of {np.abs(kernel).max():.3g}; '
                f'float16 ends at {np.finfo(np.float16).max:.0f}. Use dtype="float32".'
            )
        described["kernel"] = _as_text(kernel, dtype)
        # Scales stay apart from rounded kernels, so folding costs no precision.
        if (scales != 1).any():
            described["kernel"]["scales"] = _as_text(scales, "float32")["data"]
    for field in ("bias", "scale", "shift"):
        if field in described:
            described[field] = _as_text(described[field], "float32")


def _as_text(array: npt.NDArray[Any], dtype: str) -> dict[str, Any]:
    numbers = array.astype(np.dtype(dtype).newbyteorder("<"))
    return {
        "shape": list(array.shape),
        "dtype": dtype,
        "data": base64.b64encode(numbers.tobytes()).decode("ascii"),
    }
