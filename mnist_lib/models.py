"""The networks of the course: built and seeded but not trained, or with trained weights.

Every builder returns an uncompiled `keras.Sequential` that takes prepared images,
``float32 (N, 28, 28, 1)`` in [0, 1], and gives ``float32 (N, 10)`` probabilities. Its weights are
decided by `seed` alone: two calls with the same seed give equal networks, whatever ran before.
Chapter 3 builds `classic_cnn` and `dense_network` layer by layer and counts their parameters by
hand; `mnist_lib.training.train` trains any of them. `load_pretrained` gives a network with the
weights that ship with the package.
"""

from __future__ import annotations

import operator
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

try:
    import keras
    from keras import layers
except ImportError as error:
    raise ImportError(
        "mnist_lib.models needs TensorFlow, which could not be imported. Install it with: "
        "python -m pip install 'mnist_lib[tensorflow]'"
    ) from error

__all__ = ["classic_cnn", "dense_network", "fast_cnn", "load_pretrained", "robust_cnn"]

IMAGE_SHAPE = (28, 28, 1)
CLASSES = 10

# The convolutions of `robust_cnn`: filters, kernel size, stride.
ROBUST_CONVOLUTIONS = ((16, 3, 1), (32, 4, 2), (48, 3, 1), (64, 3, 1), (64, 3, 1), (96, 3, 1))

# One .npz file of weights for each pretrained network, and the record of its training as .json.
WEIGHTS_FOLDER = Path(__file__).resolve().parent / "weights"


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


def robust_cnn(seed: int = 0) -> keras.Sequential:
    """Build the network that reads other people's handwriting in chapter 7 and on the live page.

    Six times convolution, batch normalisation and ReLU, then one dense layer:
    Conv 16 (3 × 3) – Conv 32 (4 × 4, stride 2) – Conv 48 (3 × 3) – Conv 64 (3 × 3) –
    Conv 64 (3 × 3) – Conv 96 (3 × 3) – Flatten – Dropout 0.3 – Dense 10. An image takes 6.7 million
    multiplications. ``load_pretrained("robust")`` gives it trained.

    Parameters
    ----------
    seed : int, optional
        Decides the initial weights and the dropout masks (0 or more).

    Returns
    -------
    keras.Sequential
        Uncompiled network with 158,618 parameters, of which 640 are the running means and variances
        of the batch normalisation: ``float32 (N, 28, 28, 1)`` in, ``float32 (N, 10)`` probabilities
        out. Its layers are named ``conv_1``, ``norm_1``, ``relu_1``, … ``relu_6``, ``flatten``,
        ``dropout`` and ``predictions``.

    Raises
    ------
    TypeError
        If `seed` is not an integer.
    ValueError
        If `seed` is negative.

    References
    ----------
    Ioffe & Szegedy (2015), Batch normalization, arXiv:1502.03167.
    """
    start = _initializers(seed)
    stack = [keras.Input(IMAGE_SHAPE)]
    for number, (filters, size, stride) in enumerate(ROBUST_CONVOLUTIONS, 1):
        stack += [
            # No bias: the normalisation after it has one of its own.
            layers.Conv2D(
                filters,
                size,
                strides=stride,
                use_bias=False,
                kernel_initializer=next(start),
                name=f"conv_{number}",
            ),
            # Running means that forget within some ten batches suit a run of few epochs.
            layers.BatchNormalization(momentum=0.9, name=f"norm_{number}"),
            layers.Activation("relu", name=f"relu_{number}"),
        ]
    stack += [
        layers.Flatten(name="flatten"),
        layers.Dropout(0.3, seed=seed, name="dropout"),
        layers.Dense(
            CLASSES, activation="softmax", kernel_initializer=next(start), name="predictions"
        ),
    ]
    return keras.Sequential(stack, name="robust_cnn")


PRETRAINED: dict[str, Callable[[], keras.Sequential]] = {
    "robust": robust_cnn,
    "classic": classic_cnn,
}


def load_pretrained(name: str, folder: str | Path | None = None) -> keras.Sequential:
    """Give a network with the trained weights that ship with the package.

    ``"robust"`` is `robust_cnn`, trained on all of MNIST, changed at random, and on rendered
    drawings and photographs; ``"classic"`` is `classic_cnn`, trained as in chapter 0. The weights
    were rounded to float16 for shipping. How each was trained, and how well it reads, is recorded
    beside them in ``mnist_lib/weights/``; ``tools/pretrained.py`` makes both anew.

    Parameters
    ----------
    name : {"robust", "classic"}
        Which network.
    folder : str or pathlib.Path, optional
        Where the file ``robust.npz`` or ``classic.npz`` is, if you have trained one of your own. By
        default the package's own folder.

    Returns
    -------
    keras.Sequential
        Uncompiled network: ``float32 (N, 28, 28, 1)`` in, ``float32 (N, 10)`` probabilities out.

    Raises
    ------
    ValueError
        If there is no such network, or its file of weights is damaged.
    FileNotFoundError
        If the file of weights is missing.
    """
    if name not in PRETRAINED:
        known = " or ".join(repr(known) for known in PRETRAINED)
        raise ValueError(f"there is no pretrained network {name!r}; choose {known}.")
    network = PRETRAINED[name]()
    path = Path(WEIGHTS_FOLDER if folder is None else folder) / f"{name}.npz"
    remedy = "Install mnist_lib again, or make the weights with: python tools/pretrained.py"
    if not path.exists():
        raise FileNotFoundError(f"the weights {path} are missing. {remedy}")
    weights = {
        f"{layer.name}/{weight.name}": weight
        for layer in network.layers
        for weight in layer.weights
    }
    try:
        with np.load(path, allow_pickle=False) as file:
            if set(file.files) != set(weights):
                raise ValueError(f"it holds other arrays than {network.name} has")
            for key, weight in weights.items():
                values = file[key]
                if values.shape != tuple(weight.shape) or values.dtype != np.float16:
                    raise ValueError(
                        f"{key} is {values.dtype} {values.shape}, expected float16 "
                        f"{tuple(weight.shape)}"
                    )
                if not np.isfinite(values).all():
                    raise ValueError(f"{key} holds NaN or infinite values")
                weight.assign(values.astype(np.float32))
    except (ValueError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"the weights {path} are damaged: {error}. {remedy}") from error
    return network
