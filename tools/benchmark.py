"""Measure the course's programs beside published ones, and its package beside the libraries.

    make bench        # or: python -m tools.benchmark [--only NAME …] [--quick]

*Programs* train on MNIST's 55,000 training digits, each with its published settings, each run in a
process of its own, in turns: first all with seed 0, then all with seed 1. After every epoch the
clocks stop and the network reads the test digits; nothing is chosen by them. CPU time counts
building the network and tracing it, but not imports and data. Everything works on one thread: with
more, threads that wait for each other on a busy machine count as work.
*Costs* are smaller: the package's convolution beside TensorFlow's, imports, data, pictures, an
answer of the live page; and the commands: each chapter, `make check`, `make book`, `make test`.

A run prints its rows and merges them, with their date, into ``book/benchmark.json``; the book makes
its page from that file. Rows that were not run stay. On another machine the file begins again.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from mnist_lib import layers
from mnist_lib._files import write_whole
from mnist_lib.tables import Table

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "book" / "benchmark.json"
# What the others are compared with.
CLASSIC = "classic program, batch 8"
KERAS_IO = "keras.io's simple convnet"

# Settings of the processes that measure.
ONE_THREAD = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
}

Call = Callable[[], Any]
Results = dict[str, Any]

# --- Programs -----------------------------------------------------------------------------------


class Program(NamedTuple):
    """A program that trains with `fit`: its network, its optimiser for so many steps an epoch."""

    build: Callable[[Any, int], Any]
    optimizer: Callable[[Any, int], Any]
    batch_size: int
    epochs: int
    shuffled: bool = True
    normalised: bool = False  # pixels less their mean, over their spread
    steps_per_execution: int = 1


def classic(keras: Any, seed: int) -> Any:
    """Build the network of chapter 0."""
    from mnist_lib.models import classic_cnn

    return classic_cnn(seed)


def adam(keras: Any, steps: int) -> Any:
    """Give Adam as Keras has it."""
    return keras.optimizers.Adam()


def keras_convnet(keras: Any, seed: int) -> Any:
    """Build the network of https://keras.io/examples/vision/mnist_convnet/."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def as_torch(layer: Callable[..., Any], *arguments: Any, **settings: Any) -> Any:
    """Give a layer the initial weights that PyTorch would."""
    start = {"class_name": "VarianceScaling", "config": {"scale": 1 / 3, "distribution": "uniform"}}
    return layer(*arguments, kernel_initializer=start, **settings)


def torch_example(keras: Any, seed: int) -> Any:
    """Build the network of https://github.com/pytorch/examples/tree/main/mnist."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            as_torch(keras.layers.Conv2D, 32, 3, activation="relu"),
            as_torch(keras.layers.Conv2D, 64, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Dropout(0.25),
            keras.layers.Flatten(),
            as_torch(keras.layers.Dense, 128, activation="relu"),
            keras.layers.Dropout(0.5),
            as_torch(keras.layers.Dense, 10, activation="softmax"),
        ]
    )


def torch_adadelta(keras: Any, steps: int) -> Any:
    """Give Adadelta as that example sets it: a rate of 1, and 0.7 times as much every epoch."""
    rate = keras.optimizers.schedules.ExponentialDecay(1.0, steps, 0.7, staircase=True)
    return keras.optimizers.Adadelta(rate, rho=0.9, epsilon=1e-6)


def mnist_fast(keras: Any, seed: int) -> Any:
    """Build the last network of https://github.com/tuomaso/train_mnist_fast."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            as_torch(keras.layers.Conv2D, 24, 5),
            keras.layers.MaxPooling2D(),
            keras.layers.ReLU(),
            as_torch(keras.layers.Conv2D, 32, 3),
            keras.layers.MaxPooling2D(),
            keras.layers.ReLU(),
            keras.layers.Flatten(),
            as_torch(keras.layers.Dense, 256, activation="relu"),
            as_torch(keras.layers.Dense, 10, activation="softmax"),
        ]
    )


def mnist_fast_adam(keras: Any, steps: int) -> Any:
    """Give its Adam, with PyTorch's OneCycleLR: cosines up to 0.01 and down in the one epoch."""

    class Cosines(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc, name-defined]
        def __call__(self, step: Any) -> Any:
            step, top = keras.ops.cast(step, "float32"), 0.3 * steps - 1
            way = keras.ops.where(step < top, 1 - step / top, (step - top) / (steps - 1 - top))
            low = keras.ops.where(step < top, 0.01 / 25, 0.01 / 25e4)
            return low + (0.01 - low) * (1 + keras.ops.cos(math.pi * way)) / 2

    return keras.optimizers.Adam(Cosines(), beta_1=0.7, beta_2=0.9, epsilon=1e-8)


PROGRAMS = {
    CLASSIC: Program(classic, adam, 8, 10),
    "classic program, batch 8, 32 steps a call": Program(
        classic, adam, 8, 10, steps_per_execution=32
    ),
    "classic program, batch 128": Program(classic, adam, 128, 10),
    KERAS_IO: Program(keras_convnet, adam, 128, 15),
    "PyTorch's MNIST example, in Keras": Program(
        torch_example, torch_adadelta, 64, 14, normalised=True
    ),
    "train_mnist_fast, in Keras": Program(
        mnist_fast, mnist_fast_adam, 256, 1, shuffled=False, normalised=True
    ),
}
OURS = ("fast recipe", "accurate recipe")
NAMES = [*PROGRAMS, *OURS]
QUICK_PARTS = ["convolutions", "small costs", "live page"]
QUICK = ["classic program, batch 128", "train_mnist_fast, in Keras", "fast recipe"]


def multiply_adds(network: Any) -> tuple[int, int]:
    """Count the multiply-adds for one image: to read it, and to learn from it.

    Learning takes one more time for the gradient of a layer's kernels, if it is trained, and one
    for the gradient of its inputs, if a layer before it is trained.
    """
    read = learn = 0
    trained = False
    for layer in network.layers:
        if not hasattr(layer, "kernel"):
            trained |= bool(layer.trainable_weights)
            continue
        count = math.prod(layer.output.shape[1:-1]) * math.prod(layer.kernel.shape)
        read += count
        learn += count * (1 + layer.trainable + trained)
        trained |= layer.trainable
    return read, learn


class Watch:
    """Clocks that stand still while the network reads the test digits."""

    def __init__(self, images: Any, labels: Any) -> None:
        self.images, self.labels = images, labels
        self.marks: list[dict[str, float]] = []
        self.stopped = np.zeros(2)
        self.start = self.now()

    @staticmethod
    def now() -> Any:
        """Return CPU and wall time in seconds."""
        return np.array([time.process_time(), time.perf_counter()])

    def note(self, network: Any) -> None:
        """Note the time that training has taken so far, and what it has reached."""
        now = self.now()
        cpu, wall = now - self.start - self.stopped
        answers = network.predict(self.images, batch_size=1000, verbose=0).argmax(axis=1)
        right = float(np.mean(answers == self.labels))
        self.marks.append({"CPU": round(cpu, 3), "wall": round(wall, 3), "accuracy": right})
        self.stopped += self.now() - now


def run_program(name: str, seed: int, most_epochs: int | None, digits: int | None) -> Results:
    """Train a program in this process, and tell what it cost and reached."""
    from mnist_lib import models, training
    from mnist_lib.backend import keras, tf
    from mnist_lib.data import load_mnist, prepare

    mnist = load_mnist()
    x, y = prepare(mnist.x_train[:digits]), mnist.y_train[:digits]
    x_test = prepare(mnist.x_test)
    if (program := PROGRAMS.get(name)) and program.normalised:
        x, x_test = ((each - 0.1307) / 0.3081 for each in (x, x_test))
    resumed = False
    keras.utils.set_random_seed(seed)
    watch = Watch(x_test, mnist.y_test)
    if program:
        network = program.build(keras, seed)
        network.compile(
            program.optimizer(keras, math.ceil(len(x) / program.batch_size)),
            keras.losses.SparseCategoricalCrossentropy(),
            metrics=["accuracy"],
            steps_per_execution=program.steps_per_execution,
        )
        examples = tf.data.Dataset.from_tensor_slices((x, y))
        if program.shuffled:
            examples = examples.shuffle(len(x), seed=seed)
        published: float = program.epochs
        epochs = min(program.epochs, most_epochs or program.epochs)
        note = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: watch.note(network))
        network.fit(
            examples.batch(program.batch_size),
            epochs=epochs,
            shuffle=False,
            verbose=0,
            callbacks=[note],
        )
        seen = epochs * len(x)
    elif name == "fast recipe":
        network = models.whitened_cnn(x[:2000], seed)
        training.fit_in_one_graph(network, x, y, **training.FAST, seed=seed)
        watch.note(network)
        seen = training.FAST["steps"] * training.FAST["batch_size"]
        published = round(seen / len(x), 2)
    else:
        from tools import pretrained

        published = int(pretrained.ACCURATE["epochs"])
        epochs = most_epochs or int(published)
        checkpoint = ROOT / "_build" / "benchmark" / f"accurate-{seed}-{epochs}.keras"
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        resumed = checkpoint.exists()
        part = mnist._replace(x_train=mnist.x_train[:digits], y_train=y)
        network, _, seconds = pretrained.train_accurate(part, seed, epochs, checkpoint)
        watch.note(network)
        watch.marks[-1]["CPU"] = round(seconds, 3)
        if resumed:  # neither the wall's clock nor the memory has seen the whole run
            watch.marks[-1]["wall"] = math.nan
        seen = epochs * len(x)
    read, learn = multiply_adds(network)
    return {
        "marks": watch.marks,
        "parameters": network.count_params(),
        "multiply-adds": read,
        "floating-point operations": 2 * learn * seen,
        "peak memory in MB": math.nan if resumed else peak_memory(),
        "epochs": published,
        "epochs seen": round(seen / len(x), 2),
        "digits": {"training": len(x), "test": len(mnist.y_test)},
    }


def peak_memory() -> float:
    """Return the most memory that this process has held, in MB; NaN on Windows."""
    try:
        import resource
    except ImportError:
        return math.nan
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def peak_rate() -> float:
    """Return the floating-point operations of a CPU second in a product as convolutions have it.

    The size is that of the second convolution of the classic network with 128 images.
    """
    from mnist_lib.backend import tf

    left, right = tf.random.normal((128 * 121, 288)), tf.random.normal((288, 64))
    product = tf.function(lambda: left @ right)
    [milliseconds] = least_cpu_times([product], rounds=15, repeats=8)
    return 2 * 128 * 121 * 288 * 64 / milliseconds * 1e3


# --- Costs --------------------------------------------------------------------------------------

# (H, W, C_in) and the number of output channels; kernels are 3 × 3.
CASES = (((28, 28, 1), 32), ((13, 13, 32), 64))
BATCHES = (32, 128, 512)
TOLERANCE = 1e-4  # relative to the largest value; sums of thousands of float32 products


def least_cpu_times(calls: Sequence[Call], *, rounds: int, repeats: int) -> list[float]:
    """Return the least CPU time per call, in milliseconds, of each contender.

    In every round each contender runs ``repeats`` times, after one call that is not timed: a shared
    machine can slow a call down, never speed it up.
    """
    best = [float("inf")] * len(calls)
    for _ in range(rounds):
        for i, call in enumerate(calls):
            call()
            start = time.process_time()
            for _ in range(repeats):
                call()
            best[i] = min(best[i], (time.process_time() - start) / repeats * 1e3)
    return best


def check_equal(name: str, actual: Sequence[Any], expected: Sequence[Any]) -> None:
    """Raise ArithmeticError unless the two sequences of arrays agree."""
    for ours, theirs in zip(actual, expected, strict=True):
        ours, theirs = np.asarray(ours), np.asarray(theirs)
        if ours.shape != theirs.shape or (
            np.abs(ours - theirs).max() > TOLERANCE * np.abs(theirs).max()
        ):
            raise ArithmeticError(f"{name}: the two do not compute the same; nothing was timed.")


def compare(shape: tuple[int, int, int, int], filters: int, *, rounds: int) -> dict[str, Results]:
    """Time a convolution of ours beside TensorFlow's, forward and backward, per image."""
    from mnist_lib.backend import tf

    rng = np.random.default_rng(0)
    images = rng.normal(size=shape).astype(np.float32)
    kernels = rng.normal(size=(3, 3, shape[3], filters)).astype(np.float32)
    tf_images, tf_kernels = tf.constant(images), tf.constant(kernels)

    @tf.function
    def forward() -> Any:
        return tf.nn.conv2d(tf_images, tf_kernels, 1, "VALID")

    gradient = rng.normal(size=forward().shape).astype(np.float32)
    tf_gradient = tf.constant(gradient)
    settings = {"out_backprop": tf_gradient, "strides": [1, 1, 1, 1], "padding": "VALID"}

    # The three operations that the gradient of conv2d consists of, without a forward pass.
    @tf.function
    def backward() -> Any:
        return (
            tf.raw_ops.Conv2DBackpropInput(input_sizes=shape, filter=tf_kernels, **settings),
            tf.raw_ops.Conv2DBackpropFilter(
                input=tf_images, filter_sizes=kernels.shape, **settings
            ),
            tf.reduce_sum(tf_gradient, axis=(0, 1, 2)),
        )

    def numpy_forward() -> Any:
        return layers.conv2d(images, kernels)

    def numpy_backward() -> Any:
        return layers.conv2d_backward(gradient, images, kernels)

    label = "{} × {} × {} → {}".format(*shape[1:], filters)
    check_equal(f"{label} forward", [numpy_forward()], [forward()])
    check_equal(f"{label} backward", numpy_backward(), backward())
    rows = {}
    for way, calls in (
        ("forward", (numpy_forward, forward)),
        ("backward", (numpy_backward, backward)),
    ):
        times = least_cpu_times(calls, rounds=rounds, repeats=max(1, 256 // len(images)))
        ours, theirs = (1e3 * each / len(images) for each in times)
        rows[f"{label}, {way}, batch {len(images)}"] = {
            "ours": ours, "TensorFlow": theirs, "unit": "µs per image"
        }  # fmt: skip
    return rows


def six_loops(images: Any, kernels: Any) -> Any:
    """Convolve as chapter 2 begins: one product at a time, for one image and one output channel."""
    _, height, width, channels = images.shape
    rows, columns = height - 2, width - 2
    result = np.zeros((rows, columns))
    for y in range(rows):
        for x in range(columns):
            for i in range(3):
                for j in range(3):
                    for c in range(channels):
                        result[y, x] += images[0, y + i, x + j, c] * kernels[i, j, c, 0]
    return result


def by_place(images: Any, kernels: Any) -> Any:
    """Convolve place by place: patches times kernels."""
    rows, columns = images.shape[1] - 2, images.shape[2] - 2
    result = np.zeros((len(images), rows, columns, kernels.shape[3]), np.float32)
    matrix = kernels.reshape(-1, kernels.shape[3])
    for y in range(rows):
        for x in range(columns):
            patches = images[:, y : y + 3, x : x + 3].reshape(len(images), -1)
            result[:, y, x] = patches @ matrix
    return result


def by_einsum(images: Any, kernels: Any) -> Any:
    """Convolve all windows in one sum of products."""
    windows = np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(1, 2))
    return np.einsum("nyxcij,ijcf->nyxf", windows, kernels)


def ladder(rounds: int) -> dict[str, Results]:
    """Time the steps of chapter 2 from six loops to `layers.conv2d`, beside TensorFlow's."""
    from mnist_lib.backend import tf

    rows = {}
    for shape, filters in CASES:
        rng = np.random.default_rng(0)
        images = rng.normal(size=(32, *shape)).astype(np.float32)
        kernels = rng.normal(size=(3, 3, shape[2], filters)).astype(np.float32)
        tf_images, tf_kernels = tf.constant(images), tf.constant(kernels)
        tensorflow = tf.function(lambda a=tf_images, b=tf_kernels: tf.nn.conv2d(a, b, 1, "VALID"))
        expected = tensorflow().numpy()
        check_equal("six loops", [six_loops(images, kernels)], [expected[0, ..., 0]])
        [theirs] = least_cpu_times([tensorflow], rounds=rounds, repeats=8)
        for name, function in (
            ("loop over places", by_place),
            ("einsum", by_einsum),
            ("layers.conv2d", layers.conv2d),
        ):
            check_equal(name, [function(images, kernels)], [expected])
        start = time.process_time()
        six_loops(images, kernels)
        times = {"six loops": (time.process_time() - start) * 1e3 * filters * 32}
        for name, function in (
            ("loop over places", by_place),
            ("einsum", by_einsum),
            ("layers.conv2d", layers.conv2d),
        ):
            [times[name]] = least_cpu_times(
                [lambda f=function, a=images, b=kernels: f(a, b)], rounds=rounds, repeats=1
            )
        for name, ours in times.items():
            label = "{} × {} × {} → {}".format(*shape, filters)
            rows[f"{label}, {name}"] = {
                "ours": 1e3 * ours / 32, "TensorFlow": 1e3 * theirs / 32, "unit": "µs per image"
            }  # fmt: skip
    return rows


def convolutions(rounds: int) -> dict[str, Results]:
    """Time the convolutions of the classic network, and chapter 2's steps to them."""
    rows = {}
    for shape, filters in CASES:
        for batch in BATCHES:
            rows |= compare((batch, *shape), filters, rounds=rounds)
    return rows | ladder(rounds)


def children_seconds() -> float:
    """Return the CPU time of all processes that this one has started and that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def small_costs(rounds: int) -> dict[str, Results]:
    """Time imports, the data, and the two ways from a picture to digits."""
    from mnist_lib import handwriting
    from mnist_lib.data import load_mnist
    from tools import synthetic

    rows: dict[str, Results] = {}
    for module in ("tensorflow", "data", "layers", "plots", "evaluation", "handwriting", "backend"):
        name = module if module == "tensorflow" else f"mnist_lib.{module}"
        seconds = []
        for _ in range(min(rounds, 3)):
            before = children_seconds()
            command = [sys.executable, "-c", f"import {name}"]
            subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
            seconds.append(children_seconds() - before)
        rows[f"import {name}"] = {"ours": min(seconds), "unit": "s"}
    mnist = load_mnist()
    calls = {"load_mnist()": load_mnist}
    rng = np.random.default_rng(0)
    one = synthetic.photograph(rng, synthetic.mnist_shape(rng, mnist.x_val[0]), 300)
    calls["to_mnist, a photograph"] = lambda: handwriting.to_mnist(one)
    calls["find_digits, the same"] = lambda: handwriting.find_digits(one)
    times = least_cpu_times(list(calls.values()), rounds=min(rounds, 3), repeats=1)
    for name, each in zip(calls, times, strict=True):
        rows[name] = {"ours": each, "unit": "ms"}
    if path := os.environ.get("MNIST_LIB_DATA"):

        def bare() -> Any:
            with np.load(path, allow_pickle=False) as file:
                return [file[key] for key in file.files]

        [rows["load_mnist()"]["np.load alone"]] = least_cpu_times([bare], rounds=3, repeats=1)
    return rows


SITE = ROOT / "_build" / "html"  # where `make book` puts it
# Fractions of the pad's side: the pen writes a 7, and then a 5 beside it.
STROKES = (
    ((0.15, 0.2), (0.45, 0.2), (0.25, 0.8)),
    ((0.85, 0.2), (0.62, 0.2), (0.62, 0.45), (0.85, 0.55), (0.8, 0.75), (0.6, 0.78)),
)


def live_page(rounds: int, site: str | Path = SITE) -> dict[str, Results]:
    """Time an answer of the live page, by its own clock: preparation, network and drawing.

    A round writes two digits with a mouse. Without a site or a browser there are no rows.
    """
    from playwright.sync_api import sync_playwright

    from tools.chromium import FLAGS, MISSING, find_chromium

    page_file, path = Path(site, "book", "live.html"), find_chromium()
    if not (page_file.exists() and path):
        print(MISSING if not path else "No live page: run make book first.", file=sys.stderr)
        return {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page()
        page.set_default_timeout(180_000)  # milliseconds: a busy machine is no reason to give up
        page.goto(page_file.as_uri())
        page.wait_for_function("Live.state.settled")
        times: list[float] = []
        for turn in range(rounds + 1):
            page.evaluate("Live.frames.length = 0")
            box = page.locator("#live-pad").bounding_box()
            assert box, "the pad is in sight"
            for stroke in STROKES:
                points = [
                    (box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke
                ]
                page.mouse.move(*points[0])
                page.mouse.down()
                for point in points[1:]:
                    page.mouse.move(*point, steps=12)
                page.mouse.up()
            page.wait_for_function("Live.state.settled")
            if turn:  # the first one compiles the scripts
                times += page.evaluate("Live.frames")
            page.click("#live-clear")
        browser.close()
    median, late = np.quantile(times, [0.5, 0.95])
    return {
        "an answer while the pen moves, median": {"wall": float(median), "unit": "ms"},
        "the same, 95th percentile": {"wall": float(late), "unit": "ms"},
    }


COMMANDS = {
    f"chapter {path.name[:2].lstrip('0') or 0}, run whole": [
        *(sys.executable, "-m", "pytest", "-o", "addopts=", "--nbmake"), str(path)
    ]
    for path in sorted((ROOT / "chapters").glob("*.ipynb"))
} | {f"make {target}": ["make", target] for target in ("check", "book", "test")}  # fmt: skip


def commands(rounds: int) -> dict[str, Results]:
    """Time the chapters, and the commands that prove and build the book, once each.

    A command that fails has no row.
    """
    free = {name: value for name, value in os.environ.items() if name not in ONE_THREAD}
    rows: dict[str, Results] = {}
    for name, command in COMMANDS.items():
        before, start = children_seconds(), time.perf_counter()
        run = subprocess.run(
            command, cwd=ROOT, env=free, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        wall = time.perf_counter() - start
        if run.returncode:
            print(f"{name} failed:\n{run.stdout}", file=sys.stderr)
        else:
            rows[name] = {"ours": children_seconds() - before, "wall": wall, "unit": "s"}
    return rows


PARTS = {
    "convolutions": convolutions,
    "small costs": small_costs,
    "live page": live_page,
    "commands": commands,
}

# --- Results ------------------------------------------------------------------------------------


def machine() -> dict[str, str]:
    """Describe the machine: what decides the times, and nothing that names it."""
    processor = platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8").splitlines()
        models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        processor = models[0] if models else processor
    packages = {name: version(name) for name in ("numpy", "keras")}
    return {
        "processor": processor,
        "cores": str(os.cpu_count()),
        "system": platform.system(),
        "Python": platform.python_version(),
        "NumPy": packages["numpy"],
        "Keras": packages["keras"],
    }


def reached(program: Results, level: float) -> tuple[float, bool]:
    """Return the CPU seconds after which the mean over seeds is at a level, and whether it is.

    A program that does not get there counts with all its seconds.
    """
    for epoch in zip(*program["marks"], strict=True):
        if statistics.fmean(mark["accuracy"] for mark in epoch) >= level:
            return statistics.median(mark["CPU"] for mark in epoch), True
    return statistics.median(marks[-1]["CPU"] for marks in program["marks"]), False


def sooner(program: Results, other: Results | None) -> str:
    """Write how many times sooner than another program one is at a mean of 99 %.

    If one of the two is not there at its end, the number is only a limit; if neither is, a dash.
    """
    if other is None:
        return "–"
    (ours, here), (theirs, there) = reached(program, 0.99), reached(other, 0.99)
    if not (here or there):
        return "–"
    return f"{'' if there else '> '}{'' if here else '< '}{number(theirs / ours)}"


def interval(program: Results) -> tuple[float, float, float]:
    """Return the mean accuracy after the last epoch, and Wilson's 95 % interval for one network.

    The seeds share their test digits, so more seeds do not make more digits.
    """
    mean = statistics.fmean(marks[-1]["accuracy"] for marks in program["marks"])
    count = program["digits"]["test"]
    around = stats.binomtest(round(mean * count), count).proportion_ci(method="wilson")
    return mean, around.low, around.high


def number(value: float, digits: int = 3) -> str:
    """Write a number with so many digits, or a dash if it is none."""
    if not math.isfinite(value):
        return "–"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{places}f}" if value < 10**digits else f"{value:,.0f}"


def program_tables(results: Results) -> tuple[Table, Table]:
    """Give two tables of the programs: how soon each gets there, and what it is and costs."""
    soon, costs = {}, {}
    programs = results["programs"]
    for name in [name for name in NAMES if name in programs]:
        program = programs[name]
        mean, low, high = interval(program)
        times = {level: reached(program, level) for level in (0.98, 0.99)}
        last = [marks[-1] for marks in program["marks"]]
        seconds = statistics.median(mark["CPU"] for mark in last)
        best = max(
            statistics.fmean(mark["accuracy"] for mark in epoch)
            for epoch in zip(*program["marks"], strict=True)
        )
        needed = program["floating-point operations"] / results["operations per CPU second"]
        soon[name] = [
            f"{mean:.2%} ({low:.2%}–{high:.2%})",
            *(number(t) if done else f"– (best {best:.2%})" for t, done in times.values()),
            *(sooner(program, programs.get(other)) for other in (CLASSIC, KERAS_IO)),
        ]
        costs[name] = [
            f"{program['parameters']:,}",
            f"{program['multiply-adds'] / 1e6:.2f} M",
            f"{len(program['marks'])} × {program['epochs seen']:g} of {program['epochs']:g}",
            number(seconds),
            number(statistics.median(mark["wall"] or math.nan for mark in last)),
            f"{needed / seconds:.0%}",
            number(program["peak memory in MB"] or math.nan),
            program["date"],
        ]
    return Table(
        [
            "test accuracy (95 %)", "CPU s to 98 %", "CPU s to 99 %", "× sooner than classic",
            "× sooner than keras.io",
        ],
        soon,
    ), Table(
        [
            "parameters", "multiply-adds", "seeds × epochs", "CPU s", "wall s", "of the peak", "MB",
            "measured",
        ],
        costs,
    )  # fmt: skip


def draw(results: Results) -> Any:
    """Draw test error against CPU seconds, both on logarithmic axes: a mark after every epoch."""
    import matplotlib.pyplot as plt

    from mnist_lib import plots

    figure, axes = plt.subplots(figsize=(plots.WIDTH, 5.2), layout="constrained")
    programs = results["programs"]
    for i, name in enumerate([name for name in NAMES if name in programs]):
        epochs = list(zip(*programs[name]["marks"], strict=True))
        seconds = [statistics.median(mark["CPU"] for mark in epoch) for epoch in epochs]
        errors = [1 - statistics.fmean(mark["accuracy"] for mark in epoch) for epoch in epochs]
        axes.plot(
            seconds,
            errors,
            color=plots.PALETTE[i % len(plots.PALETTE)],
            marker=plots.MARKERS[i % len(plots.MARKERS)],
            linestyle=plots.LINESTYLES[i % len(plots.LINESTYLES)],
            label=name,
        )
    axes.axhline(0.01, color="grey", linewidth=1)
    axes.set(xscale="log", yscale="log", xlabel="CPU seconds of training", ylabel="test error")
    ticks = [0.002, 0.005, 0.01, 0.02, 0.05]
    axes.set_yticks(ticks, [f"{tick:.1%}" for tick in ticks])
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
    figure.legend(loc="outside lower center", ncols=1, handlelength=3.2)
    return figure


def cost_table(rows: dict[str, Results]) -> Table:
    """Give the table of one part of the costs: ours, the library's, and the ratio.

    Where the clock on the wall counts, it stands beside CPU time.
    """
    texts = {}
    for name, row in rows.items():
        ours = row.get("ours", math.nan)
        if "wall" in row:
            texts[name] = [number(ours), number(row["wall"]), row["unit"]]
            continue
        theirs = row.get("TensorFlow", row.get("np.load alone", math.nan))
        texts[name] = [number(ours), number(theirs), number(ours / theirs), row["unit"]]
    columns = ["ours", "library", "ratio", "unit"]
    if any("wall" in row for row in rows.values()):
        columns = ["CPU time", "wall time", "unit"]
    return Table(columns, texts)


def read_results(path: Path) -> Results:
    """Return what was measured on this machine with these versions, or an empty frame."""
    here = machine()
    if path.exists():
        results: Results = json.loads(path.read_text(encoding="utf-8"))
        if results["machine"] == here:
            return results
        print("The results in the file are of another machine or other versions; they go.")
    return {"machine": here, "programs": {}, "costs": {}}


def keep(results: Results, path: Path) -> None:
    """Write the results; what was not measured is null."""
    measured = json.loads(json.dumps(results).replace("NaN", "null"))
    write_whole(path, (json.dumps(measured, indent=1, ensure_ascii=False) + "\n").encode())


def in_a_process(what: str, *arguments: Any) -> Any:
    """Call a function of this module in a fresh process with one thread; return its answer."""
    run = subprocess.run(
        [sys.executable, "-m", "tools.benchmark", "--child", json.dumps([what, *arguments])],
        cwd=ROOT,
        env=os.environ | ONE_THREAD,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(run.stdout.splitlines()[-1])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, merge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=[*NAMES, *PARTS], help="these rows alone")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each program (3)")
    parser.add_argument("--epochs", type=int, help="at most so many, for a shorter run")
    parser.add_argument("--digits", type=int, help="train on so many alone, for a trial")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each small call (15)")
    parser.add_argument("--quick", action="store_true", help="two minutes; writes nothing")
    parser.add_argument("--output", type=Path, default=RESULTS, help="file that keeps the rows")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        what, *rest = json.loads(options.child)
        print(json.dumps(globals()[what](*rest)))
        return
    for name in ("seeds", "epochs", "digits", "rounds"):
        value = getattr(options, name)
        if value is not None and value < 1:
            parser.error(f"--{name} must be at least 1, got {value}")
    chosen = options.only or ([*QUICK, *QUICK_PARTS] if options.quick else [*NAMES, *PARTS])
    if options.quick:
        options.seeds, options.rounds, options.epochs = 1, 3, 1

    results = read_results(options.output)
    today = datetime.now(UTC).date().isoformat()
    # The best of all runs: a shared machine can only slow it down.
    results["operations per CPU second"] = max(
        results.get("operations per CPU second", 0.0), in_a_process("peak_rate")
    )
    runs: dict[str, list[Results]] = {name: [] for name in NAMES if name in chosen}
    for seed in range(options.seeds):
        for name, done in runs.items():
            done.append(in_a_process("run_program", name, seed, options.epochs, options.digits))
            mark = done[-1]["marks"][-1]
            print(f"{name}, seed {seed}: {mark['accuracy']:.2%} in {mark['CPU']:.1f} CPU s",
                  flush=True)  # fmt: skip
        for name, done in runs.items():
            results["programs"][name] = done[0] | {
                "marks": [run["marks"] for run in done],
                "peak memory in MB": max(run["peak memory in MB"] for run in done),
                "date": today,
            }
        if not options.quick:
            keep(results, options.output)  # a run of hours that is broken off keeps its rounds
    for name in [part for part in PARTS if part in chosen]:
        function = PARTS[name].__name__
        if rows := in_a_process(function, options.rounds):
            results["costs"][name] = {"rows": rows, "date": today}
    if not options.quick:
        keep(results, options.output)
    if results["programs"]:
        print(*("\n" + str(table) for table in program_tables(results)), sep="\n")
    for name, part in results["costs"].items():
        print(f"\n{name}, {part['date']}\n{cost_table(part['rows'])}")


if __name__ == "__main__":
    main()
