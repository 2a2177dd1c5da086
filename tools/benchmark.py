"""Time the package's convolution beside a compiled ``tf.nn.conv2d``, in one run.

    make bench        # or: python -m tools.benchmark [--rounds 30]

Prints CPU time per image and the ratio NumPy : TensorFlow, forward and backward, on the two
convolutions of the classic network with batches of 32, 128 and 512. Each works on one thread: with
more, threads that wait for each other on a busy machine count as work. The two take turns, and the
least time of all rounds counts: a shared machine can slow a call down, never speed it up. Both are
compared for equality before they are timed.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

if __name__ == "__main__":  # read by OpenBLAS and TensorFlow when they start
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["TF_NUM_INTRAOP_THREADS"] = "1"

import numpy as np

from mnist_lib import layers

Call = Callable[[], Any]

# (H, W, C_in) and the number of output channels; kernels are 3 × 3.
CASES = (((28, 28, 1), 32), ((13, 13, 32), 64))
BATCHES = (32, 128, 512)
TOLERANCE = 1e-4  # relative to the largest value; sums of thousands of float32 products


class Timing(NamedTuple):
    """One line of the table; times in microseconds of CPU time per image."""

    name: str
    numpy_us: float
    tensorflow_us: float

    @property
    def ratio(self) -> float:
        """NumPy's time over TensorFlow's."""
        return self.numpy_us / self.tensorflow_us


def least_cpu_times(calls: Sequence[Call], *, rounds: int, repeats: int) -> list[float]:
    """Return the least CPU time per call, in milliseconds, of each contender.

    In every round each contender runs ``repeats`` times, after one call that is not timed.
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


def compare(shape: tuple[int, int, int, int], filters: int, *, rounds: int) -> list[Timing]:
    """Time forward and backward on images of the given shape."""
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

    # The three operations that the gradient of conv2d consists of, without a forward pass.
    @tf.function
    def backward() -> Any:
        return (
            tf.raw_ops.Conv2DBackpropInput(
                input_sizes=shape,
                filter=tf_kernels,
                out_backprop=tf_gradient,
                strides=[1, 1, 1, 1],
                padding="VALID",
            ),
            tf.raw_ops.Conv2DBackpropFilter(
                input=tf_images,
                filter_sizes=kernels.shape,
                out_backprop=tf_gradient,
                strides=[1, 1, 1, 1],
                padding="VALID",
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
    lines = []
    for name, calls in (
        ("forward", (numpy_forward, forward)),
        ("backward", (numpy_backward, backward)),
    ):
        times = least_cpu_times(calls, rounds=rounds, repeats=max(1, 256 // len(images)))
        per_image = (1e3 * time / len(images) for time in times)
        lines.append(Timing(f"{label}  {name}  {len(images)}", *per_image))
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=30, help="turns per contender (30)")
    rounds = parser.parse_args(arguments).rounds
    if rounds < 1:
        parser.error(f"--rounds must be at least 1, got {rounds}")
    print(f"{'3 × 3, CPU µs per image, by batch':36}{'NumPy':>8}{'TensorFlow':>12}{'ratio':>8}")
    for shape, filters in CASES:
        lines = [
            line for batch in BATCHES for line in compare((batch, *shape), filters, rounds=rounds)
        ]
        for line in lines[::2] + lines[1::2]:  # forward, then backward
            print(f"{line.name:36}{line.numpy_us:8.2f}{line.tensorflow_us:12.2f}{line.ratio:8.2f}")


if __name__ == "__main__":
    main()
