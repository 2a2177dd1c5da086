"""Measure how hard handwriting is read, by type, and what is taken for handwriting.

    python -m tools.handwriting_bench                  # about 4 minutes of CPU time
    python -m tools.handwriting_bench --quick          # less than one
    python -m tools.handwriting_bench --sheets DIR     # also draw what was measured
    python -m tools.handwriting_bench --only costs     # seconds and memory over size and digits

The pictures are those of `tools.hard_cases`, written by scripted pens and with the shapes of
MNIST's validation digits in turn. The same seed gives the same pictures, and a type's pictures do
not depend on the other types.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import time
import tracemalloc
import warnings
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from mnist_lib import handwriting, reading
from mnist_lib.data import load_mnist, prepare
from mnist_lib.reading import NO_DIGIT
from tools import hard_cases, synthetic
from tools.pretrained import UCI_SIDES

PER_PAGE = 12  # digits
SIDES = (64, 1200, 4800)  # pixels of a single digit's picture whose cost is measured
PAGE_PIXELS = 12_000_000
ON_PAGE = (1, 25, 100, 400)  # digits on it
THRESHOLDS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)
# The network is not trained on these types of non-digits, so they show what it does with others.
UNSEEN = ("drawn thing", "letter", "sign")


class Case(NamedTuple):
    """One picture, what is written on it, and what was found: 28 × 28 images, or a refusal."""

    picture: synthetic.Picture
    text: str
    images: list[NDArray[np.uint8]]


def find(picture: synthetic.Picture) -> list[NDArray[np.uint8]]:
    """Return the digits of a page, none if it is refused."""
    try:
        return [digit.image for digit in handwriting.find_digits(picture)]
    except ValueError:
        return []


def prepare_one(picture: synthetic.Picture) -> list[NDArray[np.uint8]]:
    """Return the one digit of a picture, none if it is refused."""
    try:
        return [handwriting.to_mnist(picture)]
    except ValueError:
        return []


def compare(written: str, read: str) -> tuple[int, int, int, int]:
    """Count digits that are right, wrong, missed, and read where none is written.

    The two texts are aligned with the fewest changes (Levenshtein 1966), so that a missed digit
    does not make the rest of a page wrong.
    """
    # Each entry: changes, then the four counts of the best alignment of the texts so far.
    row = [(j, 0, 0, 0, j) for j in range(len(read) + 1)]
    for i, true in enumerate(written, 1):
        above, row = row, [(i, 0, 0, i, 0)]
        for j, seen in enumerate(read, 1):
            cost, right, wrong, missed, extra = above[j - 1]
            hit = true == seen
            choices = [(cost + (not hit), right + hit, wrong + (not hit), missed, extra)]
            cost, right, wrong, missed, extra = above[j]
            choices.append((cost + 1, right, wrong, missed + 1, extra))
            cost, right, wrong, missed, extra = row[-1]
            choices.append((cost + 1, right, wrong, missed, extra + 1))
            row.append(min(choices, key=lambda choice: (choice[0], -choice[1])))
    return row[-1][1:]


class Writer:
    """Writes digits for one type of picture: pens and MNIST's validation digits in turn."""

    def __init__(self, seed: int, name: str, mnist: Any) -> None:
        self.rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        self.mnist = mnist

    def write(self, pens: bool) -> tuple[synthetic.Shape, int]:
        """Write one digit: its shape and its label."""
        if pens:
            label, width = int(self.rng.integers(10)), self.rng.uniform(0.04, 0.12)
            return synthetic.pen_shape(self.rng, label, width=width), label
        i = self.rng.integers(len(self.mnist.y_val))
        shape = synthetic.mnist_shape(self.rng, self.mnist.x_val[i], self.rng.uniform(0.4, 1))
        return shape, int(self.mnist.y_val[i])


def pages(seed: int, mnist: Any, count: int) -> dict[str, list[Case]]:
    """Render `count` pages of every type, and find their digits."""
    cases = {}
    for name, render in hard_cases.PAGES.items():
        writer, cases[name] = Writer(seed, name, mnist), []
        for i in range(count):
            written = [writer.write(i % 2 == 0) for _ in range(PER_PAGE)]
            picture, text = render(writer.rng, written)
            cases[name].append(Case(picture, text, find(picture)))
    return cases


def singles(seed: int, mnist: Any, count: int) -> dict[str, list[Case]]:
    """Render `count` single digits of every type, and UCI's of every size; prepare them."""
    cases = {}
    for name, render in hard_cases.SINGLES.items():
        writer, cases[name] = Writer(seed, name, mnist), []
        for i in range(count):
            shape, label = writer.write(i % 2 == 0)
            picture = render(writer.rng, shape, label)
            cases[name].append(Case(picture, str(label), prepare_one(picture)))
    uci = load_digits()
    for side in UCI_SIDES:
        name = f"UCI, {side} × {side}"
        picks = np.random.default_rng([seed, side]).permutation(len(uci.target))[: 2 * count]
        cases[name] = []
        for i in picks:
            picture = hard_cases.enlarged(uci.images[i], side)
            cases[name].append(Case(picture, str(uci.target[i]), prepare_one(picture)))
    return cases


def non_digits(seed: int, count: int) -> dict[str, list[Case]]:
    """Render `count` pictures without digits, as many of every type, and prepare them."""
    cases: dict[str, list[Case]] = {name: [] for name in hard_cases.NON_DIGITS}
    for i in range(count):
        name = list(cases)[i % len(cases)]
        rng = np.random.default_rng([seed, zlib.crc32(name.encode()), i])
        picture = hard_cases.NON_DIGITS[name](rng)
        cases[name].append(Case(picture, "", prepare_one(picture)))
    return cases


Answers = list[tuple[str, NDArray[np.float64]]]  # of a case: what is read, how sure each digit is


def read(network: Any, groups: dict[str, list[Case]]) -> dict[str, Answers]:
    """Read all images in one batch."""
    images = [image for cases in groups.values() for case in cases for image in case.images]
    likely = network.predict(prepare(np.array(images)), batch_size=1000, verbose=0)
    answers, at = {}, 0
    for name, cases in groups.items():
        answers[name] = []
        for case in cases:
            part = likely[at : at + len(case.images)]
            at += len(case.images)
            answers[name].append(("".join(map(str, part.argmax(axis=1))), part.max(axis=1)))
    return answers


def read_whole(network: Any, groups: dict[str, list[Case]]) -> dict[str, Answers]:
    """Read pages with `read_digits`, which may also cut, join and turn what it finds."""
    answers: dict[str, Answers] = {}
    for name, cases in groups.items():
        answers[name] = []
        for case in cases:
            try:
                digits = reading.read_digits(case.picture, network).digits
            except ValueError:
                digits = []
            text = "".join(str(digit.label) for digit in digits)
            answers[name].append((text, np.array([digit.probability for digit in digits])))
    return answers


def table(title: str, groups: dict[str, list[Case]], answers: dict[str, Answers]) -> None:
    """Print right, wrong, missed and extra digits by type."""
    print(f"\n{title:24}{'digits':>8}{'right':>8}{'wrong':>8}{'missed':>8}{'extra':>8}{'whole':>9}")
    total = np.zeros(7, int)
    for name, cases in groups.items():
        counts = [
            compare(case.text, text) for case, (text, _) in zip(cases, answers[name], strict=True)
        ]
        right, wrong, missed, extra = np.sum(counts, axis=0)
        whole = sum(count[1:] == (0, 0, 0) for count in counts)
        row = np.array([right + wrong + missed, right, wrong, missed, extra, whole, len(cases)])
        total += row
        print(_row(name, row))
    print(_row("all", total))


def _row(name: str, row: NDArray[np.int64]) -> str:
    digits, right, wrong, missed, extra, whole, count = row
    percent = f"{100 * right / digits:7.1f}%"
    return f"{name:24}{digits:8}{percent}{wrong:8}{missed:8}{extra:8}{whole:5}/{count}"


def curve(
    digits: dict[str, list[Case]], read_digits: dict[str, Answers], others: dict[str, Answers]
) -> None:
    """Print both error rates over the probability below which an answer is refused.

    A threshold of 0 leaves the refusal to `to_mnist` alone. At 0.5 one digit in a hundred is
    refused, and two to three non-digits in a hundred pass. A higher threshold hardly keeps more of
    those out, because they look like digits, but it soon refuses twice as many digits. The digits
    are hard ones; of MNIST's validation digits far fewer are refused. Letters and signs pass more
    often: no threshold that keeps the digits keeps them out.
    """
    sure = [
        (text == case.text, float(np.prod(likely)) if text else -1.0)
        for name, cases in digits.items()
        for case, (text, likely) in zip(cases, read_digits[name], strict=True)
    ]
    right = np.array([hit for hit, _ in sure])
    digit = np.array([value for _, value in sure])
    other = {
        name: np.array([likely[0] if text else -1.0 for text, likely in answers])
        for name, answers in others.items()
    }
    unseen = np.concatenate([other[name] for name in UNSEEN])
    print("\nrefused below   non-digits let through   unseen types   digits refused   misread")
    seen = np.concatenate([values for name, values in other.items() if name not in UNSEEN])
    for threshold in THRESHOLDS:
        kept = digit >= threshold
        print(
            f"{threshold:13.2f}{100 * np.mean(seen >= threshold):24.1f}%"
            f"{100 * np.mean(unseen >= threshold):14.1f}%{100 * np.mean(~kept):16.1f}%"
            f"{100 * np.mean(kept & ~right):9.1f}%"
        )
    print(f"\n{'non-digits':24}{'pictures':>10}{'to_mnist':>12}{f'network {NO_DIGIT}':>16}")
    for name, values in other.items():
        row = len(values), np.sum(values >= 0), np.sum(values >= NO_DIGIT)
        print(f"{name:24}{row[0]:10}{row[1]:12}{row[2]:16}")


class Cost(NamedTuple):
    """What a call takes."""

    digits: int  # found
    seconds: float  # of CPU time, at the first call
    peak: int  # bytes allocated at once, without the picture itself


def measure_cost(name: str, picture: synthetic.Picture) -> Cost:
    """Call `to_mnist` or `find_digits` twice: for the time, then for the memory.

    On one thread: others that wait for work count as busy, and small products leave them waiting.
    """
    function = {"to_mnist": prepare_one, "find_digits": find}[name]
    with threadpool_limits(1):
        started = time.process_time()
        digits = len(function(picture))
        seconds = time.process_time() - started
    tracemalloc.start()
    function(picture)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return Cost(digits, seconds, peak)


def cost_pictures(seed: int) -> list[tuple[str, str, synthetic.Picture]]:
    """Render what costs are measured on: the function, a name, and the picture.

    Large pictures are enlarged ones, which cost as much.
    """
    rng, pictures = np.random.default_rng(seed), []
    shape = synthetic.pen_shape(rng, 3, width=0.08)
    for what, render in (("drawing", synthetic.drawing), ("photograph", synthetic.photograph)):
        for side in SIDES:
            picture = Image.fromarray(render(rng, shape, min(side, 1200)))
            large = np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC))
            pictures.append(("to_mnist", f"{what}, {side} px", large))
    for count in ON_PAGE:
        labels = rng.integers(10, size=count).tolist()
        written = [(synthetic.pen_shape(rng, label, width=0.08), label) for label in labels]
        rows = math.isqrt(count)
        picture = Image.fromarray(hard_cases.page(rng, written, rows=rows, height=1000 / rows)[0])
        scale = math.sqrt(PAGE_PIXELS / (picture.width * picture.height))
        size = round(scale * picture.width), round(scale * picture.height)
        large = np.asarray(picture.resize(size, Image.Resampling.BICUBIC))
        pictures.append(("find_digits", f"page, {count} digits", large))
    return pictures


def costs(seed: int) -> None:
    """Print seconds and memory of single digits and pages, each in a process of its own."""
    print(f"\n{'':32}{'found':>8}{'CPU s':>8}{'MB at most':>12}{'bytes a pixel':>15}")
    context = multiprocessing.get_context("spawn")
    for name, what, picture in cost_pictures(seed):
        with context.Pool(1) as pool:
            cost = pool.apply(measure_cost, (name, picture))
        height, width = picture.shape[:2]
        print(
            f"{name + ': ' + what:32}{cost.digits:8}{cost.seconds:8.2f}{cost.peak / 1e6:12.1f}"
            f"{cost.peak / height / width:15.1f}"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer pictures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=["pages", "singles", "non-digits", "costs"])
    parser.add_argument("--sheets", type=Path, help="folder for contact sheets of the pictures")
    options = parser.parse_args(arguments)
    from mnist_lib.models import load_pretrained

    warnings.simplefilter("ignore")  # read_digits warns of pages that it had to turn
    started = time.process_time()
    mnist = load_mnist()
    network = load_pretrained("robust")
    several, one, none = (1, 6, 96) if options.quick else (4, 40, 500)
    jobs: dict[str, Callable[[], dict[str, list[Case]]]] = {
        "pages": lambda: pages(options.seed, mnist, several),
        "singles": lambda: singles(options.seed, mnist, one),
        "non-digits": lambda: non_digits(options.seed, none),
    }
    found = {}
    for title, job in jobs.items():
        if options.only in (None, title):
            groups = job()
            found[title] = groups, read(network, groups)
            if title != "non-digits":
                table(title, *found[title])
            if title == "pages":
                table("pages, read_digits", groups, read_whole(network, groups))
            if options.sheets:
                options.sheets.mkdir(parents=True, exist_ok=True)
                pictures = [case.picture for cases in groups.values() for case in cases]
                synthetic.contact_sheet(pictures).save(options.sheets / f"{title}.png")
    if options.only == "costs" or (options.only is None and not options.quick):
        costs(options.seed)
    if "singles" in found and "non-digits" in found:
        curve(*found["singles"], found["non-digits"][1])
    print(f"\n{time.process_time() - started:.0f} s of CPU time")


if __name__ == "__main__":
    main()
