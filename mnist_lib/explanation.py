"""Look inside a trained network: a Keras model goes in, NumPy arrays come out.

Chapter 6 (`chapters/06_visualization.ipynb`) derives every method here in its own cells.

The methods read any Keras model with one input and one output, `Sequential` or functional, built
here or loaded from a `.keras` file, whose predictions come from a `Dense` layer. They need no more
than Keras' public interface.

What is explained is the **class score**: the number that the last dense layer computes *before* the
softmax. The softmax turns scores z into probabilities p, and the gradient of a probability is
p_c (1 - p_c) times a difference of score gradients, that of log p_c still (1 - p_c) times such a
difference. Inside one image such a map orders the pixels much as the score's does, but the factor
gives it another size for every image, and a tiny one where the network is confident. The scores do
not saturate, so their maps can be compared. They are read from the last layer's kernel and bias and
the layer's input, so a softmax head needs no change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mnist_lib import _checks
from mnist_lib.backend import keras, tf

__all__ = [
    "Maximisation",
    "activation_maximisation",
    "class_scores",
    "embedding",
    "feature_maps",
    "grad_cam",
    "input_gradient",
    "occlusion",
    "saliency",
]

BATCH_SIZE = 256

CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.SeparableConv2D,
    keras.layers.DepthwiseConv2D,
)
ACTIVATIONS = (
    keras.layers.Activation,
    keras.layers.ELU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ReLU,
)

# How activation_maximisation climbs: each step's root-mean-square size, in grey values, falls from
# RATE to zero.
STEPS, RATE = 100, 0.05


class Maximisation(NamedTuple):
    """What `activation_maximisation` returns.

    Attributes
    ----------
    images : ndarray of shape (K, H, W, C)
        One image per unit, values in [0, 1].
    activations : ndarray of shape (101, K)
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
    dense = _last_dense(model)
    inputs = _outputs(model, _checked_images(model, images), dense.input)
    return cast("NDArray[Any]", _scores(dense, inputs).numpy())


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


def embedding(model: keras.Model, images: NDArray[Any]) -> NDArray[Any]:
    """Describe each image by the numbers from which the network decides.

    These are what enters the last dense layer.

    Parameters
    ----------
    model : keras.Model
    images : ndarray of floats, shape (N, H, W, C)

    Returns
    -------
    ndarray of shape (N, D)

    Raises
    ------
    TypeError, ValueError
        As for `class_scores`.
    """
    model = _readable(model)
    return _outputs(model, _checked_images(model, images), _last_dense(model).input)


def occlusion(
    model: keras.Model,
    image: NDArray[Any],
    label: int,
    *,
    patch_size: int = 5,
    stride: int = 1,
) -> NDArray[Any]:
    """Cover one part of an image after the other and record how much a class score falls.

    The patch is black, MNIST's background, so that it erases ink. It visits every `stride`-th
    position and always the last one, so that it covers every pixel at least once. A pixel's value
    is the mean fall over the patches that cover it.

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
    shape = tuple(model.inputs[0].shape[1:])
    image = _checks.array("image", image, shape, holds="floats")
    images = _checked_images(model, image[np.newaxis])
    dense = _last_dense(model)
    label = _checks.whole("label", label, least=0, most=dense.units - 1)
    height, width = shape[:2]
    patch_size = _checks.whole("patch_size", patch_size, least=1, most=min(height, width))
    stride = _checks.whole("stride", stride, least=1)
    patches = [
        (slice(top, top + patch_size), slice(left, left + patch_size))
        for top in _positions(height, patch_size, stride)
        for left in _positions(width, patch_size, stride)
    ]
    copies = np.repeat(images, 1 + len(patches), axis=0)
    for copy, patch in zip(copies[1:], patches, strict=True):
        copy[patch] = 0
    # Calling the layers costs less than `predict`, which would be prepared again for each image.
    inputs = _part(model, dense.input)(copies, training=False)
    scores = _scores(dense, inputs).numpy()[:, label]
    falls, visits = np.zeros((height, width)), np.zeros((height, width))
    for patch, score in zip(patches, scores[1:], strict=True):
        falls[patch] += scores[0] - score
        visits[patch] += 1
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

    def gradient(pixels: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            total = _total_score(dense, part(pixels, training=False), wanted)
        return tape.gradient(total, pixels)

    return _in_batches(gradient, images, labels)


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
    *,
    resize: bool = True,
) -> NDArray[Any]:
    r"""Weigh the last convolution's feature maps by what they add to a class score (Grad-CAM).

    With feature maps A and the class score y, the weight of channel k is the mean of ∂y/∂A_k over
    all positions, and the map is max(0, Σ_k weight_k · A_k). It is not normalised: maps of several
    images can be compared.

    The feature maps are those after the activation that follows the last convolution, whether it
    belongs to the convolution or comes in a layer of its own behind a normalisation.

    Parameters
    ----------
    model : keras.Model
    images : ndarray of floats, shape (N, H, W, C)
    labels : int or array of ints, shape (N,)
        One class for each image, or one for all.
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
    ndarray of shape (N, H, W), or (N, height, width) of the feature maps without `resize`; not
    negative

    Raises
    ------
    TypeError
        If `model` is not a Keras model, `images` hold no floats or `labels` no integers.
    ValueError
        If the model has no convolution or its last one does not influence the score, images have
        another shape, or a label is no class.

    References
    ----------
    R. R. Selvaraju et al. (2017), Grad-CAM: visual explanations from deep networks via
    gradient-based localization, ICCV 2017, doi:10.1109/ICCV.2017.74.
    J. Adebayo et al. (2018), Sanity checks for saliency maps, arXiv:1810.03292.
    """
    model = _readable(model)
    images = _checked_images(model, images)
    labels = _checked_labels(model, labels, len(images))
    target, dense = _last_feature_maps(model), _last_dense(model)
    part = _part(model, [target.output, dense.input])

    def weighted_sum(pixels: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            features, inputs = part(pixels, training=False)
            total = _total_score(dense, inputs, wanted)
        gradient = tape.gradient(total, features)
        if gradient is None:
            raise ValueError(
                f"model has its last convolution, {target.name!r}, beside the way to its class "
                "scores; expected it to influence them. Try saliency or occlusion."
            )
        features, gradient = tf.cast(features, pixels.dtype), tf.cast(gradient, pixels.dtype)
        weights = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
        return tf.nn.relu(tf.reduce_sum(weights * features, axis=-1))

    cells = _in_batches(weighted_sum, images, labels)
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
    l2: float = 0.1,
    smoothness: float = 0.1,
) -> Maximisation:
    """Change a noise image, step by step, so that a unit or a class score grows.

    A hundred steps of gradient ascent on activation - l2 · Σ x² - smoothness · Σ (differences of
    neighbours)². Each step is scaled to a root-mean-square size of 0.05 grey values at the
    beginning, falling linearly to zero, and the pixels are kept in [0, 1]. Without the two
    penalties the result is noise to which the unit responds strongly, with no shape in it.

    Parameters
    ----------
    model : keras.Model
    layer : str, int or None
        Name or place of a layer; None stands for the class scores before the softmax.
    units : int or sequence of int
        Channels of a layer with feature maps (the mean over all positions is maximised), units of
        a dense layer, or classes. Several are worked on side by side.
    l2, smoothness : float, default 0.1
        Weights of the two penalties, in units of activation.

    Returns
    -------
    Maximisation
        `images` (K, H, W, C) and `activations` (101, K); the same at every call. A unit whose
        activation is zero at the start stays there, because its gradient is zero too.

    Raises
    ------
    TypeError
        If `model` is not a Keras model or `units` are not integers.
    ValueError
        If the layer is unknown, a unit does not exist, or a penalty is negative.

    References
    ----------
    K. Simonyan, A. Vedaldi and A. Zisserman (2014), Deep inside convolutional networks,
    arXiv:1312.6034, section 2 (the score, less an L2 penalty; the smoothness penalty and the
    limits on the pixels are additions).
    """
    model = _readable(model)
    l2 = _checks.number("l2", l2, least=0)
    smoothness = _checks.number("smoothness", smoothness, least=0)
    if layer is None:
        dense = _last_dense(model)
        output, count = dense.input, dense.units
    else:
        dense = None
        output = _layer(model, layer).output
        count = output.shape[-1]
    wanted = _checks.labels("units", np.atleast_1d(units), classes=count)
    part = _part(model, output)
    shape = model.inputs[0].shape[1:]
    noise = np.random.default_rng(0).uniform(0.4, 0.6, size=(1, *shape))
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
    for step in range(STEPS):
        x, value = compiled(x, tf.constant(RATE * (1 - step / STEPS), x.dtype))
        activations.append(value.numpy())
    activations.append(activation(x).numpy())
    return Maximisation(x.numpy(), np.stack(activations))


def _readable(model: Any) -> Any:
    """Check that the layers can be reached; return the model, or a copy whose layers can be."""
    if not isinstance(model, keras.Model):
        advice = "Load a file with keras.models.load_model first; a SavedModel folder will not do."
        raise TypeError(_checks.message("model", _checks.describe(model), "a keras.Model", advice))
    if isinstance(model, keras.Sequential) and not model.built:
        raise ValueError(
            f"model is {model.name!r}, which is not built; expected layers that know their shapes. "
            "Let it start with keras.Input(shape=(28, 28, 1)), or call it once on images."
        )
    if not hasattr(model, "inputs"):
        raise ValueError(
            f"model is {_checks.describe(model)}; expected a keras.Sequential or a "
            "keras.Model(inputs, outputs). Only their layers can be reached from outside."
        )
    if len(model.inputs) != 1 or len(model.outputs) != 1 or len(model.inputs[0].shape) != 4:
        raise ValueError(
            f"model is {model.name!r}, from {[tuple(each.shape) for each in model.inputs]} to "
            f"{[tuple(each.shape) for each in model.outputs]}; expected one batch of images "
            "(N, H, W, C) and one batch of predictions."
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
    shape = "N " + " ".join(str(size) for size in model.inputs[0].shape[1:])
    images = _checks.array("images", images, shape, holds="floats", finite=True)
    return cast("NDArray[Any]", images.astype(model.inputs[0].dtype))


def _checked_labels(model: Any, labels: ArrayLike, count: int) -> NDArray[np.int64]:
    if np.ndim(labels) == 0:  # one for all
        labels = np.full(count, labels)
    return _checks.labels("labels", labels, count=count, classes=_last_dense(model).units)


def _layer(model: Any, layer: str | int) -> Any:
    names = [each.name for each in model.layers]
    if isinstance(layer, str):
        _checks.choice("layer", layer, names)
        return model.get_layer(layer)
    return model.layers[_checks.whole("layer", layer, least=-len(names), most=len(names) - 1)]


def _spatial_layer(model: Any, layer: str | int) -> Any:
    found = _layer(model, layer)
    if len(found.output.shape) != 4:
        raise ValueError(
            f"layer is {found.name!r}, with an output of shape {tuple(found.output.shape)}; "
            "expected feature maps (N, height, width, channels)."
        )
    return found


def _last_feature_maps(model: Any) -> Any:
    """Find the last convolution, and from there the activation of its output."""
    convolutions = [layer for layer in model.layers if isinstance(layer, CONVOLUTIONS)]
    if not convolutions:
        raise ValueError(
            f"model is {model.name!r}, with the layers "
            f"{', '.join(each.name for each in model.layers)}; expected a convolution among them, "
            "because Grad-CAM needs feature maps. Try saliency or occlusion."
        )
    found = convolutions[-1]
    if found.activation is not keras.activations.linear:
        return found
    while following := [
        layer
        for layer in model.layers
        if isinstance(layer, (keras.layers.BatchNormalization, *ACTIVATIONS))
        and layer.input is found.output
    ]:
        found = following[0]
        if isinstance(found, ACTIVATIONS):
            break
    return found


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
            f"model is {model.name!r}, with the last layer {model.layers[-1]}; expected Dense, "
            "Dense with softmax, or Dense followed by Softmax, where its class scores can be read. "
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
            f"model is {model.name!r}, with layers that are shared with another model; expected "
            "layers that can be reached from its input. Build it from layers of its own."
        ) from error


def _outputs(model: Any, images: NDArray[Any], output: Any) -> NDArray[Any]:
    part = _part(model, output)
    # Called, since each part is new: TensorFlow would trace its `predict` again and warn of that.
    batches = tf.data.Dataset.from_tensor_slices(images).batch(BATCH_SIZE)
    values = np.concatenate([part(batch, training=False).numpy() for batch in batches])
    # A model of lower precision computes in its own type, which NumPy does not know.
    return values.astype(images.dtype)


def _total_score(dense: Any, inputs: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    # Images do not influence each other, so one gradient of the sum holds those of them all.
    return tf.reduce_sum(tf.gather(_scores(dense, inputs), labels, axis=1, batch_dims=1))


def _in_batches(
    function: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    images: NDArray[Any],
    labels: NDArray[np.int64],
) -> NDArray[Any]:
    batches = tf.data.Dataset.from_tensor_slices((images, labels)).batch(BATCH_SIZE)
    return np.concatenate([function(*batch).numpy() for batch in batches])


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
    if isinstance(layer, CONVOLUTIONS):
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
