"""The networks of the course, built and seeded but not trained.

Every builder returns an uncompiled `keras.Sequential` that takes prepared images,
``float32 (N, 28, 28, 1)`` in [0, 1], and gives ``float32 (N, 10)`` probabilities. Its weights are
decided by `seed` alone: two calls with the same seed give equal networks, whatever ran before.
Chapter 3 builds `classic_cnn` and `dense_network` layer by layer and counts their parameters by
hand; `mnist_lib.training.train` trains any of them.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator

try:
    import keras
    from keras import layers
except ImportError as error:
    raise ImportError(
        "mnist_lib.models needs TensorFlow, which could not be imported. Install it with: "
        "python -m pip install 'mnist_lib[tensorflow]'"
    ) from error

__all__ = ["classic_cnn", "dense_network", "fast_cnn"]

IMAGE_SHAPE = (28, 28, 1)
CLASSES = 10


def _initializers(seed: int) -> Iterator[keras.initializers.Initializer]:
    """Yield one Glorot initialiser per layer, each with a seed of its own.

    Layers must not share a seed: two layers would then start with the same random numbers.
    """
    try:
        seed = operator.index(seed)
    except TypeError:
        raise TypeError(f"seed must be an integer, got {seed!r}.") from None
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}.")
    while True:
        # Python's big odd constant keeps the seeds of neighbouring networks apart.
        yield keras.initializers.GlorotUniform(seed=seed)
        seed += 1_000_003


def classic_cnn(seed: int = 0) -> keras.Sequential:
    """Build the classic convolutional network of chapters 0 and 3.

    Two blocks of convolution and pooling, then two dense layers:
    Conv 32 (3 × 3) – MaxPool – Conv 64 (3 × 3) – MaxPool – Flatten – Dense 128 – Dense 10.

    Parameters
    ----------
    seed : int, optional
        Decides the initial weights (0 or more).

    Returns
    -------
    keras.Sequential
        Uncompiled network with 225,034 parameters: ``float32 (N, 28, 28, 1)`` in,
        ``float32 (N, 10)`` probabilities out. Its layers are named ``conv_1``, ``pool_1``,
        ``conv_2``, ``pool_2``, ``flatten``, ``dense_1`` and ``predictions``.

    Raises
    ------
    TypeError
        If `seed` is not an integer.
    ValueError
        If `seed` is negative.
    """
    start = _initializers(seed)
    return keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE),
            layers.Conv2D(32, 3, activation="relu", kernel_initializer=next(start), name="conv_1"),
            layers.MaxPooling2D(name="pool_1"),
            layers.Conv2D(64, 3, activation="relu", kernel_initializer=next(start), name="conv_2"),
            layers.MaxPooling2D(name="pool_2"),
            layers.Flatten(name="flatten"),
            layers.Dense(128, activation="relu", kernel_initializer=next(start), name="dense_1"),
            layers.Dense(
                CLASSES, activation="softmax", kernel_initializer=next(start), name="predictions"
            ),
        ],
        name="classic_cnn",
    )


def dense_network(seed: int = 0) -> keras.Sequential:
    """Build a network without convolutions on the parameter budget of `classic_cnn`.

    Flatten – Dense 283 – Dense 10. A hidden layer of width h costs 785 h + 10 (h + 1) parameters;
    283 is the width whose total, 224,995, lies nearest to the 225,034 of `classic_cnn`.

    Parameters
    ----------
    seed : int, optional
        Decides the initial weights (0 or more).

    Returns
    -------
    keras.Sequential
        Uncompiled network: ``float32 (N, 28, 28, 1)`` in, ``float32 (N, 10)`` probabilities out.
        Its layers are named ``flatten``, ``dense_1`` and ``predictions``.

    Raises
    ------
    TypeError
        If `seed` is not an integer.
    ValueError
        If `seed` is negative.
    """
    start = _initializers(seed)
    return keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE),
            layers.Flatten(name="flatten"),
            layers.Dense(283, activation="relu", kernel_initializer=next(start), name="dense_1"),
            layers.Dense(
                CLASSES, activation="softmax", kernel_initializer=next(start), name="predictions"
            ),
        ],
        name="dense_network",
    )


def fast_cnn(seed: int = 0) -> keras.Sequential:
    """Build a compact network that trains in seconds on two CPU cores.

    Its first convolution moves two pixels at a time, so every later layer sees a quarter of the
    positions: Conv 16 (6 × 6, stride 2) – Conv 32 (3 × 3) – MaxPool – Conv 64 (3 × 3) – Flatten –
    Dense 64 – Dense 10.

    Parameters
    ----------
    seed : int, optional
        Decides the initial weights (0 or more).

    Returns
    -------
    keras.Sequential
        Uncompiled network with 61,306 parameters: ``float32 (N, 28, 28, 1)`` in,
        ``float32 (N, 10)`` probabilities out. Its layers are named ``conv_1``, ``conv_2``,
        ``pool_1``, ``conv_3``, ``flatten``, ``dense_1`` and ``predictions``.

    Raises
    ------
    TypeError
        If `seed` is not an integer.
    ValueError
        If `seed` is negative.
    """
    start = _initializers(seed)
    return keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE),
            # The same function as a 3 × 3 convolution over 2 × 2 pixels folded into 4 channels.
            layers.Conv2D(
                16, 6, strides=2, activation="relu", kernel_initializer=next(start), name="conv_1"
            ),
            layers.Conv2D(32, 3, activation="relu", kernel_initializer=next(start), name="conv_2"),
            layers.MaxPooling2D(name="pool_1"),
            layers.Conv2D(64, 3, activation="relu", kernel_initializer=next(start), name="conv_3"),
            layers.Flatten(name="flatten"),
            layers.Dense(64, activation="relu", kernel_initializer=next(start), name="dense_1"),
            layers.Dense(
                CLASSES, activation="softmax", kernel_initializer=next(start), name="predictions"
            ),
        ],
        name="fast_cnn",
    )
