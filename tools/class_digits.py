"""Gather the digits of a class into a data set, and measure and teach networks on it.

python -m tools.class_digits FOLDER

The folder holds a folder for each student, with pictures named as the live page saves them and as
Chapter 7 reads them: ``my_digit_4.png``, ``my_digit_4_2.png``, ``my_digit_4_photo.jpg``; the first
number is the digit. Into the folder come ``class_digits.npz`` (images, labels, students) and
``class_digits.png``. Printed: what could not be read, and why; how many of each student's digits
the course's networks read; and what fine-tuning gains, where each digit is read by a network that
has not seen its writer.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from mnist_lib import handwriting
from mnist_lib.backend import keras
from mnist_lib.data import load_mnist, prepare
from mnist_lib.evaluation import mcnemar_mid_p
from mnist_lib.models import load_pretrained
from mnist_lib.plots import plot_digits
from mnist_lib.tables import Table

NAME = re.compile(r"my_digit_(\d)(?![\d])", re.IGNORECASE)
PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
MOST = 5000  # digits: a school's, and still seconds to prepare
FROM_MNIST = 20  # digits of MNIST beside each new one, so that the network does not forget them


class ClassDigits(NamedTuple):
    """The digits of a class, in one order.

    Attributes
    ----------
    images : ndarray of uint8, shape (N, 28, 28)
    labels : ndarray of int64, shape (N,)
    students : ndarray of str, shape (N,)
    refused : list of str
        A sentence for each picture that could not be taken.
    """

    images: np.ndarray
    labels: np.ndarray
    students: np.ndarray
    refused: list[str]


def gather(folder: Path) -> ClassDigits:
    """Read and prepare every picture of a class.

    Raises
    ------
    NotADirectoryError, ValueError
        There is no such folder, or nothing in it that could be read; the message says what to do.
    """
    if not folder.is_dir():
        raise NotADirectoryError(
            f"{folder} is no folder. Name the folder that holds a folder for each student."
        )
    paths = sorted(p for p in folder.glob("*/*") if p.suffix.lower() in PICTURES and p.is_file())
    if len(paths) > MOST:
        raise ValueError(f"{folder} holds {len(paths):,} pictures; at most {MOST:,} are read.")
    images, labels, students, refused = [], [], [], []
    for path in paths:
        place = path.relative_to(folder).as_posix()
        name = NAME.search(path.name)
        if name is None:
            refused.append(f"{place}: the name must begin with my_digit_ and the digit.")
            continue
        try:
            images.append(handwriting.to_mnist(path))
        except (ValueError, OSError) as error:
            refused.append(f"{place}: {error}")
            continue
        labels.append(int(name[1]))
        students.append(path.parent.name)
    if not images:
        raise ValueError(
            f"{folder} holds no digit that could be read. Make a folder for each student in it, "
            "with pictures named my_digit_4.png and so on. " + " ".join(refused[:3])
        )
    return ClassDigits(np.stack(images), np.array(labels), np.array(students), refused)


def read(network: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return the label that a network reads in each image."""
    answers: np.ndarray = network.predict(prepare(images), verbose=0).argmax(axis=1)
    return answers


def groups(students: np.ndarray, count: int = 3, seed: int = 0) -> np.ndarray:
    """Return a group for each digit, the same for all digits of a student: 0 to ``count`` − 1."""
    names = np.unique(students)
    order = np.random.default_rng(seed).permutation(len(names))
    return np.asarray(order % min(count, len(names)))[np.searchsorted(names, students)]


def fine_tuned(images: np.ndarray, labels: np.ndarray, seed: int = 0) -> keras.Model:
    """Return the classic network after a few epochs on these digits, mixed with MNIST's."""
    mnist = load_mnist()
    rng = np.random.default_rng(seed)
    count = min(FROM_MNIST * len(images), len(mnist.x_train))
    old = rng.choice(len(mnist.x_train), count, replace=False)
    often = max(1, count // (2 * len(images)))  # so that a third of all are the class's own
    x = np.concatenate([np.repeat(images, often, axis=0), mnist.x_train[old]])
    y = np.concatenate([np.repeat(labels, often), mnist.y_train[old]])
    keras.utils.set_random_seed(seed)
    network = load_pretrained("classic")
    network.compile(keras.optimizers.Adam(3e-4), "sparse_categorical_crossentropy")
    order = rng.permutation(len(x))
    network.fit(prepare(x[order]), y[order], batch_size=64, epochs=3, verbose=0)
    return network


def read_by_others(digits: ClassDigits) -> np.ndarray:
    """Return what is read by networks that were fine-tuned on the digits of other students."""
    part = groups(digits.students)
    answers = np.empty(len(digits.labels), np.int64)
    for held_out in np.unique(part):
        rest = part != held_out
        network = fine_tuned(digits.images[rest], digits.labels[rest])
        answers[~rest] = read(network, digits.images[~rest])
    return answers


def report(digits: ClassDigits) -> str:
    """Return all that is measured, as text."""
    names = np.unique(digits.students)
    answers = {name: read(load_pretrained(name), digits.images) for name in ("classic", "robust")}
    if len(names) > 1:
        answers["fine-tuned"] = read_by_others(digits)
    right = {name: answer == digits.labels for name, answer in answers.items()}
    rows = {}
    for student in [*names, "all"]:
        own = digits.students == student if student != "all" else np.ones(len(digits.labels), bool)
        rows[str(student)] = [f"{own.sum()}", *(f"{hit[own].mean():.0%}" for hit in right.values())]
    lines = [str(Table(["digits", *right], rows)), ""]
    first = right["classic"]
    for name in list(right)[1:]:
        only = int(np.sum(first & ~right[name])), int(np.sum(~first & right[name]))
        lines.append(
            f"{name}: reads {only[1]} that classic does not, and misses {only[0]} that classic "
            f"reads; mid-p {mcnemar_mid_p(*only):.3f} (Chapter 5)."
        )
    if len(names) < 10:
        lines.append(
            f"Digits of one hand are alike: {len(names)} writers say little about all people."
        )
    if "fine-tuned" not in right:
        lines.append("Fine-tuning needs two students at least: one to learn from, one to judge by.")
    return "\n".join(lines)


def picture(digits: ClassDigits) -> Figure:
    """Draw up to a hundred digits, each with its label."""
    shown = np.linspace(0, len(digits.labels) - 1, min(100, len(digits.labels))).round().astype(int)
    return plot_digits(digits.images[shown], digits.labels[shown])


def main(arguments: list[str] | None = None) -> int:
    """Gather, keep and measure; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tools.class_digits")
    parser.add_argument("folder", type=Path, help="with a folder for each student")
    folder = parser.parse_args(arguments).folder
    try:
        digits = gather(folder)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    for sentence in digits.refused:
        print(f"Left out: {sentence}")
    kept = {"images": digits.images, "labels": digits.labels, "students": digits.students}
    np.savez_compressed(folder / "class_digits.npz", **kept)
    picture(digits).savefig(folder / "class_digits.png", dpi=150)
    print(f"{len(digits.labels)} digits of {len(np.unique(digits.students))} students", end="")
    print(f" are in {folder / 'class_digits.npz'}; see class_digits.png beside it.\n")
    print(report(digits))
    return 0


if __name__ == "__main__":
    sys.exit(main())
