"""The networks of the course: built and seeded but not trained, or with trained weights.

Every builder returns an uncompiled `keras.Sequential` that takes prepared images,
``float32 (N, 28, 28, 1)`` in [0, 1], and gives ``float32 (N, 10)`` probabilities. Its initial
weights follow from `seed` alone: two calls with the same seed give equal networks, whatever ran
before. Chapter 3 builds `classic_cnn` layer by layer and counts its parameters by hand; chapter 8
derives `whitened_cnn`, whose first layer follows from images as well. The others are not derived in
the course. ``compile`` and ``fit`` train any of them. `load_pretrained`
gives a network with the weights that ship with the package.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from mnist_lib import _checks
from mnist_lib.backend import keras

__all__ = [
    "accurate_cnn",
    "classic_cnn",
    "dense_network",
    "fast_cnn",
    "load_pretrained",
    "robust_cnn",
    "whitened_cnn",
]

layers = keras.layers

# Convolutions as filters, kernel size, stride.
Convolutions = Sequence[tuple[int, int, int]]
ROBUST_CONVOLUTIONS = ((16, 3, 1), (32, 4, 2), (48, 3, 1), (64, 3, 1), (64, 3, 1), (96, 3, 1))
ACCURATE_CONVOLUTIONS = ((32, 4, 2), (64, 3, 1), (64, 3, 1), (96, 3, 1), (96, 3, 1), (128, 3, 1))

# One .npz file of weights for each pretrained network, and the record of its training as .json.
# ablation.json is the record of chapter 8's long run.
WEIGHTS_FOLDER = Path(__file__).resolve().parent / "weights"


def _network(name: str, seed: int, stack: list[keras.layers.Layer]) -> keras.Sequential:
    """Put input and output to the hidden layers, and seed the initial weights of each layer."""
    seed = _checks.whole("seed", seed, least=0)
    stack.append(layers.Dense(10, activation="softmax", name="predictions"))
    weighted = [layer for layer in stack if hasattr(layer, "kernel_initializer")]
    for number, layer in enumerate(weighted):
        # A seed for each layer: with the same one, two layers would start with the same numbers.
        # The big odd constant keeps networks with neighbouring seeds apart.
        layer.kernel_initializer = keras.initializers.GlorotUniform(seed + number * 1_000_003)
    return keras.Sequential([keras.Input((28, 28, 1)), *stack], name=name)


def classic_cnn(seed: int = 0) -> keras.Sequential:
    """Build the classic convolutional network of chapters 0 and 3.

    Conv 32 (3 × 3) – MaxPool – Conv 64 (3 × 3) – MaxPool – Flatten – Dense 128 – Dense 10, which
    makes 225,034 parameters.

    Parameters
    ----------
    seed : int, optional
        Decides the initial weights (0 or more).

    Returns
    -------
    keras.Sequential
        Uncompiled, with the layers ``conv_1``, ``pool_1``, ``conv_2``, ``pool_2``, ``flatten``,
        ``dense_1`` and ``predictions``.

    Raises
    ------
    TypeError, ValueError
        If `seed` is not a whole number from 0 up. The other builders refuse it, too.
    """
    return _network(
        "classic_cnn",
        seed,
        [
            layers.Conv2D(32, 3, activation="relu", name="conv_1"),
            layers.MaxPooling2D(name="pool_1"),
            layers.Conv2D(64, 3, activation="relu", name="conv_2"),
            layers.MaxPooling2D(name="pool_2"),
            layers.Flatten(name="flatten"),
            layers.Dense(128, activation="relu", name="dense_1"),
        ],
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
        Uncompiled, with the layers ``flatten``, ``dense_1`` and ``predictions``.
    """
    return _network(
        "dense_network",
        seed,
        [layers.Flatten(name="flatten"), layers.Dense(283, activation="relu", name="dense_1")],
    )


def fast_cnn(seed: int = 0) -> keras.Sequential:
    """Build a compact network that trains in seconds on two CPU cores.

    Its first convolution moves two pixels at a time, so every later layer sees a quarter of the
    positions: Conv 16 (6 × 6, stride 2) – Conv 32 (3 × 3) – MaxPool – Conv 64 (3 × 3) – Flatten –
    Dense 64 – Dense 10, which makes 61,306 parameters.

    Parameters
    ----------
    seed : int, optional
        Decides the initial weights (0 or more).

    Returns
    -------
    keras.Sequential
        Uncompiled, with the layers ``conv_1``, ``conv_2``, ``pool_1``, ``conv_3``, ``flatten``,
        ``dense_1`` and ``predictions``.
    """
    return _network(
        "fast_cnn",
        seed,
        [
            # The same function as a 3 × 3 convolution over 2 × 2 pixels folded into 4 channels.
            layers.Conv2D(16, 6, strides=2, activation="relu", name="conv_1"),
            layers.Conv2D(32, 3, activation="relu", name="conv_2"),
            layers.MaxPooling2D(name="pool_1"),
            layers.Conv2D(64, 3, activation="relu", name="conv_3"),
            layers.Flatten(name="flatten"),
            layers.Dense(64, activation="relu", name="dense_1"),
        ],
    )


def whitened_cnn(images: npt.NDArray[np.floating[Any]], seed: int = 0) -> keras.Sequential:
    """Build the network of the fast recipe, whose first layer is computed and not trained.

    Conv 20 (6 × 6, stride 2, fixed) – Conv 32 (3 × 3) – AveragePool – Conv 64 (3 × 3) – Flatten –
    Dense 64 – Dense 10: 62,606 parameters, of which 740 are fixed. Neighbouring pixels are nearly
    equal, so a patch of 36 pixels varies mostly along a few directions. The fixed kernels are the
    10 directions along which the patches of `images` vary most, each divided by its spread, and the
    same 10 with the opposite sign, for ReLU keeps only what is positive. Training has nothing to
    learn there, and no gradient has to go back that far. Chapter 8 derives the network.

    Parameters
    ----------
    images : float32 (N, 28, 28, 1)
        Prepared training images; 2,000 are enough.
    seed : int, optional
        Decides the initial weights of the other layers (0 or more).

    Returns
    -------
    keras.Sequential
        Uncompiled, with the layers ``conv_1``, ``conv_2``, ``pool_1``, ``conv_3``, ``flatten``,
        ``dense_1`` and ``predictions``. It takes pixels in [0, 1], as the others do.

    Raises
    ------
    TypeError, ValueError
        If `images` are not prepared, or all of one grey.

    References
    ----------
    Jordan (2024), 94% on CIFAR-10 in 3.29 seconds on a single GPU, arXiv:2404.00498.
    """
    images = _checks.array("images", images, "N 28 28 1", holds="floats", finite=True)
    mean, spread = float(images.mean()), float(images.std())
    if spread == 0:
        raise ValueError(
            f"images is all of one value, {mean:g}; expected digits. Pass prepared training images."
        )
    network = _network(
        "whitened_cnn",
        seed,
        [
            layers.Conv2D(20, 6, strides=2, activation="relu", trainable=False, name="conv_1"),
            layers.Conv2D(32, 3, activation="relu", name="conv_2"),
            # The gradient of max-pooling would cost as much as that of a convolution.
            layers.AveragePooling2D(2, name="pool_1"),
            layers.Conv2D(64, 3, activation="relu", name="conv_3"),
            layers.Flatten(name="flatten"),
            layers.Dense(64, activation="relu", name="dense_1"),
        ],
    )
    patches = sliding_window_view((images[..., 0] - mean) / spread, (6, 6), axis=(1, 2))
    patches = patches[:, ::2, ::2].reshape(-1, 36)
    variances, directions = np.linalg.eigh(patches.T @ patches / len(patches))
    # A little more than the variance: along the last of the 10 there is mostly noise.
    kernels = directions[:, -10:] / np.sqrt(variances[-10:] + 0.1)
    kernels = np.concatenate([kernels, -kernels], axis=1) / spread
    network.get_layer("conv_1").set_weights(
        [kernels.reshape(6, 6, 1, 20), -mean * kernels.sum(axis=0)]
    )
    return network


def robust_cnn(seed: int = 0) -> keras.Sequential:
    """Build the network that reads other people's handwriting in chapter 7 and on the live page.

    Six times convolution, batch normalisation and ReLU, then one dense layer:
    Conv 16 (3 × 3) – Conv 32 (4 × 4, stride 2) – Conv 48 (3 × 3) – Conv 64 (3 × 3) –
    Conv 64 (3 × 3) – Conv 96 (3 × 3) – Flatten – Dropout 0.3 – Dense 10. That makes 158,618
    parameters, of which 640 are the running means and variances of the batch normalisation. An
    image takes 6.7 million multiplications. ``load_pretrained("robust")`` gives it trained.

    Parameters
    ----------
    seed : int, optional
        Decides the initial weights and the dropout masks (0 or more).

    Returns
    -------
    keras.Sequential
        Uncompiled, with the layers ``conv_1``, ``norm_1``, ``relu_1``, … ``relu_6``, ``flatten``,
        ``dropout`` and ``predictions``.

    References
    ----------
    Ioffe & Szegedy (2015), Batch normalization, arXiv:1502.03167.
    """
    # Running means that forget within some ten batches suit a run of few epochs.
    return _normalised_network("robust_cnn", seed, ROBUST_CONVOLUTIONS, momentum=0.9)


def accurate_cnn(seed: int = 0) -> keras.Sequential:
    """Build the network that misreads the fewest of MNIST's own digits in ten minutes of training.

    It is `robust_cnn` with a cheaper beginning and wider layers: the first convolution already
    moves two pixels at a time, and what that saves goes into channels.
    Conv 32 (4 × 4, stride 2) – Conv 64 (3 × 3) – Conv 64 (3 × 3) – Conv 96 (3 × 3) –
    Conv 96 (3 × 3) – Conv 128 (3 × 3) – Flatten – Dropout 0.3 – Dense 10. That makes 318,090
    parameters, of which 960 are the running means and variances of the batch normalisation. An
    image takes 11.1 million multiplications. ``load_pretrained("accurate")`` gives it trained.

    Parameters
    ----------
    seed : int, optional
        Decides the initial weights and the dropout masks (0 or more).

    Returns
    -------
    keras.Sequential
        Uncompiled, with the layers of `robust_cnn`, under the same names.
    """
    return _normalised_network("accurate_cnn", seed, ACCURATE_CONVOLUTIONS, momentum=0.99)


def _normalised_network(
    name: str, seed: int, convolutions: Convolutions, momentum: float
) -> keras.Sequential:
    """Give convolution, batch normalisation and ReLU for each of the convolutions, then dropout."""
    seed = _checks.whole("seed", seed, least=0)  # before the dropout layer takes it
    stack = []
    for number, (filters, size, stride) in enumerate(convolutions, 1):
        stack += [
            # No bias: the normalisation after it has one of its own.
            layers.Conv2D(filters, size, strides=stride, use_bias=False, name=f"conv_{number}"),
            layers.BatchNormalization(momentum=momentum, name=f"norm_{number}"),
            layers.Activation("relu", name=f"relu_{number}"),
        ]
    stack += [layers.Flatten(name="flatten"), layers.Dropout(0.3, seed=seed, name="dropout")]
    return _network(name, seed, stack)


PRETRAINED: dict[str, Callable[[], keras.Sequential]] = {
    "robust": robust_cnn,
    "classic": classic_cnn,
    "accurate": accurate_cnn,
}


def load_pretrained(name: str, folder: str | Path | None = None) -> keras.Sequential:
    """Give a network with the trained weights that ship with the package.

    ``"robust"`` is `robust_cnn`, trained on all of MNIST, changed at random, and on rendered
    drawings and photographs. It was also shown blots, scribbles, faces, bars and print, and taught
    to be unsure of them; it knows nothing of letters and signs, and names a digit for each.
    ``"classic"`` is `classic_cnn`, trained as in chapter 0. ``"accurate"`` is `accurate_cnn`,
    trained on MNIST alone, changed at random, and meant for MNIST's own digits: of other
    handwriting it misreads more than ``"robust"``. The weights were rounded to float16 for
    shipping. How each was trained, and how well it reads, is recorded beside them in
    ``mnist_lib/weights/``; ``tools/pretrained.py`` trains all of them again, and
    ``tools/handwriting_bench.py`` measures what they read of hard handwriting.

    Parameters
    ----------
    name : {"robust", "classic", "accurate"}
        Which network.
    folder : str or pathlib.Path, optional
        Where the file, such as ``robust.npz``, is, if you have trained one of your own. By default
        the package's own folder.

    Returns
    -------
    keras.Sequential
        Uncompiled network.

    Raises
    ------
    TypeError
        If `name` is not a string.
    ValueError
        If there is no such network, or its file of weights is damaged.
    FileNotFoundError
        If the file of weights is missing.
    """
    network = PRETRAINED[_checks.choice("name", name, list(PRETRAINED))]()
    path = Path(WEIGHTS_FOLDER if folder is None else folder) / f"{name}.npz"
    remedy = "Install mnist_lib again, or make the weights with: python -m tools.pretrained"
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
