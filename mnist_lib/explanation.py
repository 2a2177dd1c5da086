"""Look inside a trained network: a Keras model goes in, NumPy arrays come out.

Chapter 6 (`chapters/06_visualization.ipynb`) derives every method here in its own cells.

The methods read any single-input, single-output Keras model, `Sequential` or functional, built here
or reloaded from a `.keras` file, whose predictions come from a `Dense` layer. They only need Keras'
public interface.

What is explained is the **class score**: the number that the last dense layer computes *before* the
softmax. The softmax turns scores z into probabilities p, and the gradient of a probability is
p_c (1 - p_c) times a difference of score gradients, that of log p_c still (1 - p_c) times such a
difference. For a confident network both vanish, whatever the image looks like, so a map made from
them fades out exactly where the network is most certain. The scores do not saturate. They are read
from the last layer's kernel and bias and the layer's input, so a softmax head needs no change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

try:
    import keras
    import tensorflow as tf
except ImportError as error:
    raise ImportError(
        "mnist_lib.explanation needs TensorFlow, which could not be imported. Install it with: "
        "python -m pip install 'mnist_lib[tensorflow]'"
    ) from error

__all__ = [
    "Maximisation",
    "activation_maximisation",
    "class_scores",
    "embedding",
    "feature_maps",
    "grad_cam",
    "input_gradient",
    "nearest",
    "occlusion",
    "saliency",
]

BATCH_SIZE = 256


class Maximisation(NamedTuple):
    """What `activation_maximisation` returns.

    Attributes
    ----------
    images : ndarray of shape (K, H, W, C)
        One image per unit, values in [0, 1].
    activations : ndarray of shape (steps + 1, K)
        The unit's activation before the first step and after each one.
    """

    images: NDArray[Any]
    activations: NDArray[Any]


def class_scores(model: keras.Model, images: NDArray[Any]) -> NDArray[Any]:
    """Compute the scores (logits) that the last dense layer passes to the softmax.

    Parameters
    ----------
    model : keras.Model
        A built model that ends in `Dense`, with or without a softmax.
    images : ndarray of floats, shape (N, H, W, C)
        Prepared images, as `mnist_lib.data.prepare` returns them.

    Returns
    -------
    ndarray of shape (N, number of classes)

    Raises
    ------
    TypeError
        If `model` is not a Keras model or `images` are not floats.
    ValueError
        If the model is not built or cannot be read, or the images have another shape.
    """
    model = _readable(model)
    images = _checked_images(model, images)
    dense = _last_dense(model)
    part = _part(model, dense.input)
    scores = [_scores(dense, part(batch, training=False)).numpy() for batch in _batches(images)]
    return np.concatenate(scores)


def feature_maps(model: keras.Model, images: NDArray[Any], layer: str | int) -> NDArray[Any]:
    """Return what a convolution or pooling layer computes from images.

    Parameters
    ----------
    model : keras.Model
    images : ndarray of floats, shape (N, H, W, C)
    layer : str or int
        The layer's name, or its place in `model.layers`.

    Returns
    -------
    ndarray of shape (N, height, width, channels)
        After the layer's own activation function, if it has one.

    Raises
    ------
    TypeError
        If `model` is not a Keras model or `images` are not floats.
    ValueError
        If the layer is unknown (the message lists the names) or has no feature maps.
    """
    model = _readable(model)
    images = _checked_images(model, images)
    return _outputs(model, images, _spatial_layer(model, layer).output)


def embedding(
    model: keras.Model, images: NDArray[Any], layer: str | int | None = None
) -> NDArray[Any]:
    """Describe each image by the numbers from which the network decides.

    Parameters
    ----------
    model : keras.Model
    images : ndarray of floats, shape (N, H, W, C)
    layer : str or int, optional
        The layer whose output is the description; if not given, whatever enters the last
        dense layer.

    Returns
    -------
    ndarray of shape (N, D)
        Feature maps are flattened in the order height, width, channel.

    Raises
    ------
    TypeError, ValueError
        As for `feature_maps`.
    """
    model = _readable(model)
    images = _checked_images(model, images)
    output = _last_dense(model).input if layer is None else _layer(model, layer).output
    return _outputs(model, images, output).reshape(len(images), -1)


def nearest(
    queries: NDArray[Any], references: NDArray[Any], k: int = 5
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the k nearest references of every query by Euclidean distance.

    Parameters
    ----------
    queries : ndarray of shape (M, D)
        For example the embedding of misread validation images.
    references : ndarray of shape (N, D)
        For example the embedding of the training images.
    k : int, default 5

    Returns
    -------
    indices : int64 ndarray of shape (M, k)
        Rows of `references`, nearest first; of equally near ones, the earlier row first.
    distances : float64 ndarray of shape (M, k)

    Raises
    ------
    ValueError
        If the shapes do not fit together or `k` is not between 1 and N.
    """
    queries = np.asarray(queries, dtype=np.float64)
    references = np.asarray(references, dtype=np.float64)
    if queries.ndim != 2 or references.ndim != 2 or queries.shape[1] != references.shape[1]:
        raise ValueError(
            "queries and references must have shapes (M, D) and (N, D) with the same D, "
            f"but they have {queries.shape} and {references.shape}; use embedding(...) on both."
        )
    if not 1 <= k <= len(references):
        raise ValueError(f"k must be between 1 and the {len(references)} references, not {k}.")
    indices = np.empty((len(queries), k), dtype=np.int64)
    distances = np.empty((len(queries), k))
    for row, query in enumerate(queries):
        all_distances = cdist(query[np.newaxis], references)[0]
        indices[row] = np.argsort(all_distances, kind="stable")[:k]
        distances[row] = all_distances[indices[row]]
    return indices, distances


def occlusion(
    model: keras.Model,
    image: NDArray[Any],
    label: int,
    *,
    patch_size: int = 5,
    stride: int = 1,
    fill: float = 0.0,
) -> NDArray[Any]:
    """Cover one part of an image after the other and record how much a class score falls.

    The patch visits every `stride`-th position and always the last one, so that it covers every
    pixel at least once. A pixel's value is the mean fall over the patches that cover it.

    Parameters
    ----------
    model : keras.Model
    image : ndarray of floats, shape (H, W, C)
        One prepared image.
    label : int
        The class whose score is watched.
    patch_size : int, default 5
        Side of the square patch, in pixels.
    stride : int, default 1
        Step between neighbouring patches, in pixels.
    fill : float, default 0.0
        The patch's grey value. MNIST's background is 0, so the default erases ink.

    Returns
    -------
    ndarray of shape (H, W)
        In units of the class score: positive where covering lowers it.

    Raises
    ------
    TypeError
        If `model` is not a Keras model, `image` holds no floats or `label` is no integer.
    ValueError
        If the image has another shape, the label is no class, or patch or stride do not fit.

    References
    ----------
    M. D. Zeiler and R. Fergus (2014), Visualizing and understanding convolutional networks,
    ECCV 2014, doi:10.1007/978-3-319-10590-1_53, section 4.2.
    """
    model = _readable(model)
    images = _checked_images(model, np.asarray(image)[np.newaxis])
    label = int(_checked_labels(model, label, 1)[0])
    height, width = images.shape[1:3]
    if not 1 <= patch_size <= min(height, width):
        raise ValueError(
            f"patch_size must be between 1 and {min(height, width)} pixels, not {patch_size}."
        )
    if stride < 1:
        raise ValueError(f"stride must be at least 1 pixel, not {stride}.")
    corners = [
        (top, left)
        for top in _positions(height, patch_size, stride)
        for left in _positions(width, patch_size, stride)
    ]
    copies = np.repeat(images, 1 + len(corners), axis=0)
    for copy, (top, left) in zip(copies[1:], corners, strict=True):
        copy[top : top + patch_size, left : left + patch_size] = fill
    scores = class_scores(model, copies)[:, label]
    falls = np.zeros((height, width))
    visits = np.zeros((height, width))
    for (top, left), score in zip(corners, scores[1:], strict=True):
        falls[top : top + patch_size, left : left + patch_size] += scores[0] - score
        visits[top : top + patch_size, left : left + patch_size] += 1
    return (falls / visits).astype(images.dtype)


def input_gradient(model: keras.Model, images: NDArray[Any], labels: ArrayLike) -> NDArray[Any]:
    """Differentiate a class score with respect to every pixel.

    Parameters
    ----------
    model : keras.Model
    images : ndarray of floats, shape (N, H, W, C)
    labels : int or array of ints, shape (N,)
        The class whose score is differentiated: one for each image, or one for all.

    Returns
    -------
    ndarray of shape (N, H, W, C)
        Positive where a brighter pixel would raise the score.

    Raises
    ------
    TypeError
        If `model` is not a Keras model, `images` hold no floats or `labels` no integers.
    ValueError
        If images have another shape or a label is no class of the model.
    """
    model = _readable(model)
    images = _checked_images(model, images)
    labels = _checked_labels(model, labels, len(images))
    dense = _last_dense(model)
    part = _part(model, dense.input)
    gradients = []
    for batch, wanted in zip(_batches(images), _batches(labels), strict=True):
        pixels = tf.convert_to_tensor(batch)
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            scores = _scores(dense, part(pixels, training=False))
            # Images do not influence each other, so one gradient of the sum holds them all.
            total = tf.reduce_sum(tf.gather(scores, wanted, axis=1, batch_dims=1))
        gradients.append(tape.gradient(total, pixels).numpy())
    return np.concatenate(gradients)


def saliency(model: keras.Model, images: NDArray[Any], labels: ArrayLike) -> NDArray[Any]:
    """Return how strongly a class score reacts to a small change of each pixel.

    The absolute value of `input_gradient`, and of several channels the largest.

    Parameters
    ----------
    model : keras.Model
    images : ndarray of floats, shape (N, H, W, C)
    labels : int or array of ints, shape (N,)
        One class for each image, or one for all.

    Returns
    -------
    ndarray of shape (N, H, W), not negative

    Raises
    ------
    TypeError, ValueError
        As for `input_gradient`.

    References
    ----------
    K. Simonyan, A. Vedaldi and A. Zisserman (2014), Deep inside convolutional networks,
    ICLR workshop 2014, arXiv:1312.6034, section 3.
    J. Adebayo et al. (2018), Sanity checks for saliency maps, NeurIPS 2018, arXiv:1810.03292,
    say how to find out whether such a map depends on what was learned at all.
    """
    return cast("NDArray[Any]", np.max(np.abs(input_gradient(model, images, labels)), axis=-1))


def grad_cam(
    model: keras.Model,
    images: NDArray[Any],
    labels: ArrayLike,
    layer: str | int | None = None,
    *,
    resize: bool = True,
) -> NDArray[Any]:
    r"""Weigh a layer's feature maps by what they add to a class score (Grad-CAM).

    With feature maps A of the layer and the class score y, the weight of channel k is the mean of
    ∂y/∂A_k over all positions, and the map is max(0, Σ_k weight_k · A_k). It is not normalised:
    maps of several images can be compared.

    Parameters
    ----------
    model : keras.Model
    images : ndarray of floats, shape (N, H, W, C)
    labels : int or array of ints, shape (N,)
        One class for each image, or one for all.
    layer : str or int, optional
        Name or place of a layer with feature maps; if not given, the last convolution.
    resize : bool, default True
        Interpolate the map to the image's size. Each cell is placed at the centre of the pixels
        that it can see (its receptive field), worked out from the kernels, strides and paddings
        before it. To stretch the map over the whole image instead, as is often done, would shift
        it by up to 2.7 pixels in the course's classic network, whose convolutions lose the border.
        Outside the cells the map fades to zero. Where the way to the layer is not one
        chain of convolutions, poolings and layers that keep the picture's size, the map is
        stretched.

    Returns
    -------
    ndarray of shape (N, H, W), or (N, height, width) of the layer without `resize`; not negative

    Raises
    ------
    TypeError
        If `model` is not a Keras model, `images` hold no floats or `labels` no integers.
    ValueError
        If the model has no convolution, the layer is unknown, has no feature maps or does not
        influence the score, images have another shape, or a label is no class.

    References
    ----------
    R. R. Selvaraju et al. (2017), Grad-CAM: visual explanations from deep networks via
    gradient-based localization, ICCV 2017, doi:10.1109/ICCV.2017.74.
    J. Adebayo et al. (2018), Sanity checks for saliency maps, arXiv:1810.03292.
    """
    model = _readable(model)
    images = _checked_images(model, images)
    labels = _checked_labels(model, labels, len(images))
    target = _last_convolution(model) if layer is None else _spatial_layer(model, layer)
    dense = _last_dense(model)
    part = _part(model, [target.output, dense.input])
    maps = []
    for batch, wanted in zip(_batches(images), _batches(labels), strict=True):
        pixels = tf.convert_to_tensor(batch)
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            features, inputs = part(pixels, training=False)
            scores = _scores(dense, inputs)
            total = tf.reduce_sum(tf.gather(scores, wanted, axis=1, batch_dims=1))
        gradient = tape.gradient(total, features)
        if gradient is None:
            raise ValueError(f"Layer {target.name!r} does not influence the class scores.")
        features, gradient = tf.cast(features, pixels.dtype), tf.cast(gradient, pixels.dtype)
        weights = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
        maps.append(tf.nn.relu(tf.reduce_sum(weights * features, axis=-1)).numpy())
    cells = np.concatenate(maps)
    if not resize:
        return cells
    rows, columns = (
        _interpolation(*_cell_centres(model, target, axis), images.shape[axis]) for axis in (1, 2)
    )
    pictures: NDArray[Any] = np.einsum("yr,nrc,xc->nyx", rows, cells, columns)
    return pictures.astype(cells.dtype)


def activation_maximisation(
    model: keras.Model,
    layer: str | int | None,
    units: int | Sequence[int],
    *,
    steps: int = 100,
    learning_rate: float = 0.05,
    l2: float = 0.1,
    smoothness: float = 0.1,
    seed: int = 0,
) -> Maximisation:
    """Change a noise image, step by step, so that a unit or a class score grows.

    Gradient ascent on activation - l2 · Σ x² - smoothness · Σ (differences of neighbours)², with
    each step scaled to the same root-mean-square size and the pixels kept in [0, 1]. Without the
    two penalties the result is noise to which the unit responds strongly, and no shape.

    Parameters
    ----------
    model : keras.Model
    layer : str, int or None
        Name or place of a layer; None stands for the class scores before the softmax.
    units : int or sequence of int
        Channels of a layer with feature maps (the mean over all positions is maximised), units of
        a dense layer, or classes. Several are worked on side by side.
    steps : int, default 100
    learning_rate : float, default 0.05
        Root-mean-square size of the first step, in grey values; it falls linearly to zero.
    l2, smoothness : float, default 0.1
        Weights of the two penalties, in units of activation.
    seed : int, default 0
        Decides the noise at the start. The same seed gives the same images.

    Returns
    -------
    Maximisation
        `images` (K, H, W, C) and `activations` (steps + 1, K). A unit whose activation stays
        zero is silent at the start, where its gradient is zero: try another seed.

    Raises
    ------
    TypeError
        If `model` is not a Keras model or `units` are no integers.
    ValueError
        If the layer is unknown, a unit does not exist, or a setting is out of range.

    References
    ----------
    K. Simonyan, A. Vedaldi and A. Zisserman (2014), Deep inside convolutional networks,
    arXiv:1312.6034, section 2 (the score, less an L2 penalty; the smoothness penalty and the
    limits on the pixels are additions).
    """
    model = _readable(model)
    if steps < 1:
        raise ValueError(f"steps must be at least 1, not {steps}.")
    if learning_rate <= 0 or l2 < 0 or smoothness < 0:
        raise ValueError(
            "learning_rate must be positive, l2 and smoothness must not be negative; "
            f"they are {learning_rate}, {l2} and {smoothness}."
        )
    if layer is None:
        dense = _last_dense(model)
        output, count = dense.input, dense.units
    else:
        dense = None
        output = _layer(model, layer).output
        count = output.shape[-1]
    wanted = _checked_units(units, count)
    part = _part(model, output)
    shape = model.inputs[0].shape[1:]
    noise = np.random.default_rng(seed).uniform(0.4, 0.6, size=(1, *shape))
    x = tf.convert_to_tensor(np.repeat(noise, len(wanted), axis=0).astype(model.inputs[0].dtype))

    def activation(pixels: tf.Tensor) -> tf.Tensor:
        values = part(pixels, training=False)
        values = values if dense is None else _scores(dense, values)
        # (K, ..., channels) → (K, channels): the mean over all positions, if there are any.
        values = tf.reduce_mean(values, axis=list(range(1, len(values.shape) - 1)))
        return tf.gather(values, wanted, axis=1, batch_dims=1)

    def ascend(pixels: tf.Tensor, rate: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            value = activation(pixels)
            penalty = l2 * tf.reduce_sum(pixels**2) + smoothness * _roughness(pixels)
            goal = tf.reduce_sum(value) - tf.cast(penalty, value.dtype)
        gradient = tape.gradient(goal, pixels)
        size = tf.sqrt(tf.reduce_mean(gradient**2, axis=(1, 2, 3), keepdims=True))
        step = rate * tf.math.divide_no_nan(gradient, size)
        return tf.clip_by_value(pixels + step, 0.0, 1.0), value

    compiled = tf.function(ascend, autograph=False)
    activations = []
    for step in range(steps):
        x, value = compiled(x, tf.constant(learning_rate * (1 - step / steps), x.dtype))
        activations.append(value.numpy())
    activations.append(activation(x).numpy())
    return Maximisation(x.numpy(), np.stack(activations))


def _readable(model: Any) -> Any:
    """Check that the layers can be reached; return the model, or a copy whose layers can be."""
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"Expected a Keras model, got {type(model).__name__}. A file is opened by "
            "keras.models.load_model('….keras') first; a SavedModel folder cannot be looked into."
        )
    if isinstance(model, keras.Sequential) and not model.built:
        raise ValueError(
            f"The model {model.name!r} is not built, so its layers have no shapes yet: let it "
            "start with keras.Input(shape=(28, 28, 1)), or call it once on images."
        )
    if not hasattr(model, "inputs"):
        raise ValueError(
            f"The model {model.name!r} is a {type(model).__name__} whose layers cannot be reached "
            "from outside; build it with keras.Sequential or keras.Model(inputs, outputs)."
        )
    if len(model.inputs) != 1 or len(model.outputs) != 1 or len(model.inputs[0].shape) != 4:
        raise ValueError(
            "Expected a model from one batch of images (N, H, W, C) to one batch of predictions, "
            f"but {model.name!r} maps {[tuple(each.shape) for each in model.inputs]} to "
            f"{[tuple(each.shape) for each in model.outputs]}."
        )
    # A reloaded Sequential model, or one that borrows layers, remembers for a layer the first time
    # it was connected, which is not the path from this model's input to its output.
    chain = [model.inputs[0], *(each.output for each in model.layers)]
    if isinstance(model, keras.Sequential) and any(
        each.input is not tensor for each, tensor in zip(model.layers, chain, strict=False)
    ):
        twin = keras.models.clone_model(model)
        twin.set_weights(model.get_weights())
        return twin
    return model


def _checked_images(model: Any, images: Any) -> NDArray[Any]:
    images = np.asarray(images)
    if not np.issubdtype(images.dtype, np.floating):
        raise TypeError(
            f"Expected prepared images (float32), got {images.dtype}; pass prepare(images) from "
            "mnist_lib.data."
        )
    expected = tuple(model.inputs[0].shape[1:])
    if images.ndim != 4 or images.shape[1:] != expected or len(images) == 0:
        sizes = ", ".join(str(size) for size in expected)
        raise ValueError(
            f"Expected images of shape (N, {sizes}) with N at least 1, got {images.shape}; "
            "prepare(images) from mnist_lib.data adds the channel axis, images[i : i + 1] keeps "
            "the first axis."
        )
    if not np.all(np.isfinite(images)):
        raise ValueError("The images hold values that are not finite (NaN or infinite).")
    return cast("NDArray[Any]", images.astype(model.inputs[0].dtype))


def _checked_labels(model: Any, labels: ArrayLike, count: int) -> NDArray[np.int64]:
    classes = _last_dense(model).units
    array = np.asarray(labels)
    if not np.issubdtype(array.dtype, np.integer):
        raise TypeError(f"Expected integer labels, got {array.dtype}.")
    if array.shape not in ((), (count,)):
        raise ValueError(
            f"Expected one label for each of the {count} images, shape ({count},), or a single "
            f"one for all; got shape {array.shape}."
        )
    if np.any((array < 0) | (array >= classes)):
        raise ValueError(
            f"Labels must be between 0 and {classes - 1}, got {array.min()} to {array.max()}."
        )
    return np.broadcast_to(array, count).astype(np.int64)


def _checked_units(units: int | Sequence[int], count: int) -> NDArray[np.int64]:
    array = np.atleast_1d(np.asarray(units))
    if not np.issubdtype(array.dtype, np.integer) or array.ndim != 1:
        raise TypeError(f"Expected one unit or a sequence of units (integers), got {units!r}.")
    if np.any((array < 0) | (array >= count)):
        raise ValueError(f"Units must be between 0 and {count - 1}, got {units!r}.")
    return array.astype(np.int64)


def _layer(model: Any, layer: str | int) -> Any:
    names = [each.name for each in model.layers]
    if isinstance(layer, str):
        if layer not in names:
            raise ValueError(f"There is no layer {layer!r}; the layers are {', '.join(names)}.")
        return model.get_layer(layer)
    if not isinstance(layer, (int, np.integer)):
        raise TypeError(f"Expected a layer's name or number, got {layer!r}.")
    if not -len(names) <= layer < len(names):
        raise ValueError(
            f"There is no layer {layer}; the model has {len(names)}: {', '.join(names)}."
        )
    return model.layers[layer]


def _spatial_layer(model: Any, layer: str | int) -> Any:
    found = _layer(model, layer)
    if len(found.output.shape) != 4:
        raise ValueError(
            f"Layer {found.name!r} has no feature maps: its output has shape "
            f"{tuple(found.output.shape)}, expected (N, height, width, channels). "
            "embedding(...) reads such layers."
        )
    return found


def _last_convolution(model: Any) -> Any:
    kinds = (keras.layers.Conv2D, keras.layers.SeparableConv2D, keras.layers.DepthwiseConv2D)
    for each in reversed(model.layers):
        if isinstance(each, kinds):
            return each
    raise ValueError(
        f"The model {model.name!r} has no convolution, and Grad-CAM needs feature maps; its layers "
        f"are {', '.join(each.name for each in model.layers)}. Try saliency or occlusion."
    )


def _producer(model: Any, tensor: Any) -> Any:
    return next((each for each in model.layers if each.output is tensor), None)


def _last_dense(model: Any) -> Any:
    """Find the dense layer that computes the class scores, softmax included or behind it."""
    activations = keras.activations
    last = _producer(model, model.outputs[0])
    if isinstance(last, keras.layers.Softmax) or (
        isinstance(last, keras.layers.Activation) and last.activation is activations.softmax
    ):
        last = _producer(model, last.input)
        allowed = [activations.linear]
    else:
        allowed = [activations.softmax, activations.log_softmax, activations.linear]
    if not isinstance(last, keras.layers.Dense) or last.activation not in allowed:
        raise ValueError(
            f"The model {model.name!r} must end in Dense, Dense with softmax, or Dense followed by "
            f"Softmax, so that its class scores can be read; its last layer is {model.layers[-1]}. "
            "If it wraps another model, pass that one."
        )
    return last


def _scores(dense: Any, inputs: tf.Tensor) -> tf.Tensor:
    scores = tf.matmul(tf.cast(inputs, dense.kernel.dtype), tf.convert_to_tensor(dense.kernel))
    return scores + tf.convert_to_tensor(dense.bias) if dense.use_bias else scores


def _part(model: Any, outputs: Any) -> Any:
    """Cut the model off at the given outputs."""
    try:
        return keras.Model(model.inputs[0], outputs)
    except ValueError as error:
        raise ValueError(
            f"The layers of {model.name!r} cannot be reached from its input, because they are "
            "shared with another model; build the model from layers of its own."
        ) from error


def _outputs(model: Any, images: NDArray[Any], output: Any) -> NDArray[Any]:
    part = _part(model, output)
    values = [part(batch, training=False).numpy() for batch in _batches(images)]
    # A model of lower precision computes in its own type, which NumPy does not know.
    return np.concatenate(values).astype(images.dtype)


def _batches(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for start in range(0, len(array), BATCH_SIZE):
        yield array[start : start + BATCH_SIZE]


def _positions(length: int, patch_size: int, stride: int) -> list[int]:
    last = length - patch_size
    return sorted({*range(0, last + 1, stride), last})


def _roughness(x: tf.Tensor) -> tf.Tensor:
    down = tf.reduce_sum((x[:, 1:] - x[:, :-1]) ** 2)
    return down + tf.reduce_sum((x[:, :, 1:] - x[:, :, :-1]) ** 2)


def _cell_centres(model: Any, target: Any, axis: int) -> tuple[NDArray[np.float64], float]:
    """Find the pixel at the centre of each cell's receptive field, and the step between them."""
    tensor = model.inputs[0]
    pixels, cells = tensor.shape[axis], target.output.shape[axis]
    stretched = (np.arange(cells) + 0.5) * pixels / cells - 0.5, pixels / cells
    first, step = 0.0, 1.0
    for each in model.layers[: model.layers.index(target) + 1]:
        if isinstance(each, keras.layers.InputLayer):
            continue
        if each.input is not tensor or len(each.output.shape) != 4:
            return stretched
        before, after = tensor.shape[axis], each.output.shape[axis]
        window = _window(each, axis - 1)
        if window is not None:
            width, stride, padding = window
            added = max((after - 1) * stride + width - before, 0) if padding == "same" else 0
            first += step * ((width - 1) / 2 - added // 2)
            step *= stride
        elif after != before:
            return stretched
        tensor = each.output
    return first + step * np.arange(cells), step


def _window(layer: Any, side: int) -> tuple[int, int, str] | None:
    """Return width, stride and padding of a sliding window, or None for other layers."""
    layers = keras.layers
    if isinstance(layer, (layers.Conv2D, layers.SeparableConv2D, layers.DepthwiseConv2D)):
        width = (layer.kernel_size[side] - 1) * layer.dilation_rate[side] + 1
        return width, layer.strides[side], layer.padding
    if isinstance(layer, (layers.MaxPooling2D, layers.AveragePooling2D)):
        return layer.pool_size[side], layer.strides[side], layer.padding
    return None


def _interpolation(centres: NDArray[np.float64], step: float, pixels: int) -> NDArray[np.float64]:
    """Make the matrix (pixels, cells) that interpolates linearly between the centres.

    The outermost cells keep their value for half a step outwards and fade over one step more.
    """
    first, last = centres[0] - step / 2, centres[-1] + step / 2
    places = np.concatenate([[first - step, first], centres, [last, last + step]])
    values = np.pad(np.eye(len(centres)), ((0, 0), (1, 1)), mode="edge")
    values = np.pad(values, ((0, 0), (1, 1)))
    return np.stack([np.interp(np.arange(pixels), places, each) for each in values], axis=1)
