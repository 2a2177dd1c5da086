"""Answers to the exercises of chapter 4."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from answers import Wrong
from mnist_lib import layers

# --- 04.strided_backward --------------------------------------------------------------------------


def strided(
    slices: Callable[..., Any],
    *,
    add: bool = True,
    mean: bool = False,
    flip: bool = False,
    swap: bool = False,
    bias: bool = False,
    square: str = "",
    square_kernel: bool = False,
) -> Callable[..., Any]:
    """Make an answer from the chapter's `conv_backward`, with another slice and some slips."""

    def strided_backward(d: Any, images: Any, kernels: Any, stride: int) -> Any:
        d_images, d_kernels = np.zeros_like(images), np.zeros_like(kernels)
        height, width = d.shape[1:3]
        if square:
            height = width = {"rows": height, "columns": width}[square]
        rows, columns = kernels.shape[:2]
        for i, j in np.ndindex(rows, rows if square_kernel else columns):
            shifted = (slice(None), slices(i, height, stride), slices(j, width, stride))
            at = (-1 - i, -1 - j) if flip else (i, j)
            d_kernels[at] = np.tensordot(images[shifted], d, [(0, 1, 2)] * 2)
            if add:
                d_images[shifted] += d @ kernels[at].T
            else:
                d_images[shifted] = d @ kernels[at].T
        if mean:
            d_kernels /= len(images)
        if bias:
            return d_images, d_kernels, d.sum(axis=(0, 1, 2))
        return (d_kernels, d_images) if swap else (d_images, d_kernels)

    return strided_backward


def into_its_arguments(d: Any, images: Any, kernels: Any, stride: int) -> Any:
    height, width = d.shape[1:3]
    for i, j in np.ndindex(kernels.shape[:2]):
        shifted = (
            slice(None),
            slice(i, i + stride * height, stride),
            slice(j, j + stride * width, stride),
        )
        kernels[i, j] = np.tensordot(images[shifted], d, [(0, 1, 2)] * 2)
        images[shifted] += d @ kernels[i, j].T
    return images, kernels


def with_step(i: int, places: int, stride: int) -> slice:
    return slice(i, i + stride * places, stride)


def by_loops(d: Any, images: Any, kernels: Any, stride: int) -> Any:
    d_images, d_kernels = np.zeros(images.shape), np.zeros(kernels.shape)
    for n, y, x, o in np.ndindex(d.shape):
        for i, j, c in np.ndindex(kernels.shape[:3]):
            row, column = stride * y + i, stride * x + j
            d_images[n, row, column, c] += d[n, y, x, o] * kernels[i, j, c, o]
            d_kernels[i, j, c, o] += d[n, y, x, o] * images[n, row, column, c]
    return [d_images, d_kernels]


def by_windows(d: Any, images: Any, kernels: Any, stride: int) -> Any:
    kh, kw = kernels.shape[:2]
    d_images, d_kernels = np.zeros_like(images), np.zeros_like(kernels)
    for y, x in np.ndindex(d.shape[1:3]):
        window = np.s_[:, stride * y : stride * y + kh, stride * x : stride * x + kw]
        d_kernels += np.einsum("nijc,no->ijco", images[window], d[:, y, x])
        d_images[window] += np.einsum("no,ijco->nijc", d[:, y, x], kernels)
    return d_images, d_kernels


def by_spread_gradient(d: Any, images: Any, kernels: Any, stride: int) -> Any:
    """Spread d out with zeros between its places; then the stride is 1."""
    places = [n - k + 1 for n, k in zip(images.shape[1:3], kernels.shape[:2], strict=True)]
    spread = np.zeros((len(d), *places, d.shape[3]))
    rows, columns = (stride * n for n in d.shape[1:3])
    spread[:, :rows:stride, :columns:stride] = d
    return strided(with_step)(spread, images, kernels, 1)


def by_tape(d: Any, images: Any, kernels: Any, stride: int) -> Any:
    images, kernels = tf.constant(images), tf.constant(kernels)
    with tf.GradientTape() as tape:
        tape.watch([images, kernels])
        output = tf.nn.conv2d(images, kernels, stride, "VALID")
    return tape.gradient(output, [images, kernels], tf.constant(d))


def in_float32(d: Any, images: Any, kernels: Any, stride: int) -> Any:
    given = [part.astype(np.float32) for part in (d, images, kernels)]
    return strided(with_step)(*given, stride)


# --- 04.numerical_slopes --------------------------------------------------------------------------


def loss_of(x: Any, y: Any, weights: Any) -> float:
    return layers.cross_entropy(x @ weights, y)


def slopes_by_copies(x: Any, y: Any, weights: Any, h: float) -> Any:
    slopes = np.zeros_like(weights)
    for place in np.ndindex(weights.shape):
        up, down = weights.copy(), weights.copy()
        up[place] += h
        down[place] -= h
        slopes[place] = (loss_of(x, y, up) - loss_of(x, y, down)) / (2 * h)
    return slopes


def slopes_there_and_back(x: Any, y: Any, weights: Any, h: float) -> Any:
    slopes, moved = np.zeros_like(weights), weights.copy()
    for place in np.ndindex(weights.shape):
        moved[place] += h
        above = loss_of(x, y, moved)
        moved[place] -= 2 * h
        below = loss_of(x, y, moved)
        moved[place] = weights[place]
        slopes[place] = (above - below) / (2 * h)
    return slopes


def slopes_in_place_and_restored(x: Any, y: Any, weights: Any, h: float) -> Any:
    slopes = []
    for place in np.ndindex(weights.shape):
        before = weights[place]
        weights[place] = before + h
        above = loss_of(x, y, weights)
        weights[place] = before - h
        below = loss_of(x, y, weights)
        weights[place] = before
        slopes.append((above - below) / (2 * h))
    return tf.reshape(tf.constant(slopes), weights.shape)


def slopes_by_rows(x: Any, y: Any, weights: Any, h: float) -> Any:
    def losses(nudge: float) -> Any:
        moved = weights + nudge * np.eye(weights.size).reshape(-1, *weights.shape)
        return np.array([loss_of(x, y, w) for w in moved])

    return ((losses(h) - losses(-h)) / 2 / h).reshape(weights.shape).tolist()


def under_two_names(x: Any, y: Any, weights: Any, h: float) -> Any:
    slopes = np.zeros_like(weights)
    for place in np.ndindex(weights.shape):
        up = down = weights.copy()
        up[place] += h
        down[place] -= h
        slopes[place] = (loss_of(x, y, up) - loss_of(x, y, down)) / (2 * h)
    return slopes


def returned_too_early(x: Any, y: Any, weights: Any, h: float) -> Any:
    slopes = np.zeros_like(weights)
    for place in np.ndindex(weights.shape):
        slopes[place] = slopes_by_copies(x, y, weights, h)[place]
        return slopes


def all_at_once(x: Any, y: Any, weights: Any, h: float) -> Any:
    slope = (loss_of(x, y, weights + h) - loss_of(x, y, weights - h)) / (2 * h)
    return np.full_like(weights, slope)


def nudged_by_a_fraction(x: Any, y: Any, weights: Any, h: float) -> Any:
    slopes = np.zeros_like(weights)
    for place in np.ndindex(weights.shape):
        up, down = weights.copy(), weights.copy()
        up[place] *= 1 + h
        down[place] *= 1 - h
        slopes[place] = (loss_of(x, y, up) - loss_of(x, y, down)) / (2 * h)
    return slopes


def changed_for_good(x: Any, y: Any, weights: Any, h: float) -> Any:
    slopes = slopes_by_copies(x, y, weights, h)
    weights += h
    return slopes


# --- 04.stopping_point ----------------------------------------------------------------------------


def stop_by_loop(val_loss: Any, patience: int) -> Any:
    lowest, best = float("inf"), 0
    for epoch, loss in enumerate(val_loss, start=1):
        if loss < lowest:
            lowest, best = loss, epoch
        elif epoch - best >= patience:
            return epoch, best
    return len(val_loss), best


def stop_by_waiting(val_loss: Any, patience: int) -> Any:
    best, waited, epoch = 0, 0, 0
    while epoch + 1 < len(val_loss) and waited < patience:
        epoch += 1
        waited += 1
        if val_loss[epoch] < val_loss[best]:
            best, waited = epoch, 0
    return [epoch + 1, best + 1]


def stop_by_argmin(val_loss: Any, patience: int) -> Any:
    for last in range(1, len(val_loss) + 1):
        best = np.argmin(val_loss[:last]) + 1
        if last - best == patience:
            break
    return np.array([last, best])


def stop_by_tensor(val_loss: Any, patience: int) -> Any:
    return tf.constant(stop_by_loop(tf.constant(val_loss), patience))


def stop_with_slip(
    *,
    first: int = 1,
    enough: Callable[[int, int], bool] = lambda waited, patience: waited >= patience,
    better: Callable[[float, float, float], bool] = lambda loss, lowest, before: loss < lowest,
    reset: bool = True,
    at_start: float = float("inf"),
    fixed: int | None = None,
    result: Callable[..., Any] = lambda last, best, losses: (last, best),
) -> Callable[..., Any]:
    """Make an answer with one slip."""

    def stopping_point(val_loss: Any, patience: int) -> Any:
        lowest, best, waited, before = at_start, 0, 0, float("inf")
        for epoch, loss in enumerate(val_loss, start=first):
            if better(loss, lowest, before):
                lowest, best = loss, epoch
                waited = 0 if reset else waited
            else:
                waited += 1
                if enough(waited, fixed or patience):
                    return result(epoch, best, val_loss)
            before = loss
        return result(epoch, best, val_loss)

    return stopping_point


def starts_from_first_loss(val_loss: Any, patience: int) -> Any:
    lowest, best = val_loss[0], 0
    for epoch, loss in enumerate(val_loss, start=1):
        if loss < lowest:
            lowest, best = loss, epoch
        elif epoch - best >= patience:
            return epoch, best
    return len(val_loss), best


def stop_by_windows(val_loss: Any, patience: int) -> Any:
    """Stop where the loss `patience` epochs ago is at most each one since."""
    last = len(val_loss)
    for epoch in range(patience + 1, len(val_loss) + 1):
        if min(val_loss[epoch - patience : epoch]) >= val_loss[epoch - patience - 1]:
            last = epoch
            break
    return last, int(np.argmin(val_loss[:last])) + 1


def never_ends(val_loss: Any, patience: int) -> Any:
    lowest, best = float("inf"), 0
    for epoch, loss in enumerate(val_loss, start=1):
        if loss < lowest:
            lowest, best = loss, epoch
        elif epoch - best >= patience:
            return epoch, best
    return None


def waits_beyond_the_end(val_loss: Any, patience: int) -> Any:
    epoch = best = 1
    while epoch - best < patience:
        epoch += 1
        if val_loss[epoch - 1] < val_loss[best - 1]:
            best = epoch
    return epoch, best


def best_plus_patience(val_loss: Any, patience: int) -> Any:
    _, best = stop_by_loop(val_loss, patience)
    return best + patience, best


# --- 04.step_lengths ------------------------------------------------------------------------------


def stepped() -> dict[str, float]:
    """Take the steps with Keras' optimisers, as the chapter's functions do."""

    def lengths(optimizer: keras.Optimizer, slopes: list[float]) -> float:
        weight = keras.Variable(0.0)
        for slope in slopes:
            before = float(weight.numpy())
            optimizer.apply([tf.constant(slope)], [weight])
        return abs(float(weight.numpy()) - before)

    momentum = partial(keras.optimizers.SGD, 0.01, momentum=0.9)
    return {
        "along": lengths(momentum(), [1.0] * 150),
        "across": lengths(momentum(), [1.0, -1.0] * 75),
        "level": lengths(keras.optimizers.Adam(0.01), [0.002]),
        "steep": lengths(keras.optimizers.Adam(0.01), [50.0]),
    }


# --- All together ---------------------------------------------------------------------------------

PROBABILITIES = np.array([[0.5, 0.2, 0.3], [0.7, 0.1, 0.2]])
LENGTHS = {"along": 0.1, "across": 0.01 / 1.9, "level": 0.01, "steep": 0.01}
MEASURED = {
    "own, training": 1.0,
    "own, validation": 0.7,
    "random, training": 1.0,
    "random, validation": 0.1,
}

RIGHT = {
    "04.bias_gradient": {
        "list": [0.1, 0.15, -0.25],
        "tuple": (0.1, 0.15, -0.25),
        "computed, float32": np.mean(
            PROBABILITIES - np.eye(3)[[2, 0]], axis=0, dtype=np.float32
        ).astype(np.float32),
        "tensor": tf.reduce_mean(
            tf.constant(PROBABILITIES) - tf.one_hot([2, 0], 3, dtype="double"), 0
        ),
        "fractions": [1 / 10, 3 / 20, -1 / 4],
    },
    "04.five_rates": {
        "list": ["C", "A", "E", "D", "C"],
        "small letters in a tuple": tuple("caedc"),
        "array": np.array(list("CAEDC")),
    },
    "04.strided_backward": {
        "slices with a step": strided(with_step),
        "loops": by_loops,
        "windows": by_windows,
        "zeros between": by_spread_gradient,
        "GradientTape": by_tape,
        "float32": in_float32,
    },
    "04.numerical_slopes": {
        "copies": slopes_by_copies,
        "one copy, put back": slopes_there_and_back,
        "in place, put back exactly": slopes_in_place_and_restored,
        "vectorised nudges": slopes_by_rows,
    },
    "04.step_lengths": {
        "on paper": LENGTHS,
        "three digits": LENGTHS | {"across": 0.00526},
        "two digits, where they suffice": LENGTHS | {"across": 0.0053},
        "run": stepped(),
    },
    "04.stopping_point": {
        "loop": stop_by_loop,
        "waiting": stop_by_waiting,
        "argmin of what was run": stop_by_argmin,
        "tensors": stop_by_tensor,
        "counter": stop_with_slip(),
        "windows": stop_by_windows,
    },
    "04.diagnoses": {
        "list": ["D", "B", "C", "A", "E"],
        "small letters": list("dbcae"),
        "tuple": tuple("DBCAE"),
    },
    "04.random_labels": {
        "one decimal": MEASURED,
        "as measured": {
            "own, training": np.float64(1.0),
            "own, validation": np.float32(0.736),
            "random, training": 0.99,
            "random, validation": tf.constant(0.066),
        },
        "whole ones": MEASURED | {"own, training": 1, "random, training": 1},
    },
}

WRONG = {
    "04.bias_gradient": [
        Wrong("summed over the classes", [0.0, 0.0], "one for each class"),
        Wrong(
            "both rows, one after the other", [0.5, 0.2, -0.7, -0.3, 0.1, 0.2], "one for each class"
        ),
        Wrong("slip in a subtraction", [0.1, 0.15, 0.25], "sum to zero"),
        Wrong("rounded", [0.1, 0.2, -0.2], "sum to zero"),
        Wrong("classes in another order", [-0.25, 0.15, 0.1], "value"),
    ],
    "04.five_rates": [
        Wrong("words", ["creeps", "creeps", "away", "leaps", "floor"], "letters"),
        Wrong("four letters", list("CAED"), "letters"),
        Wrong("leaping taken for leaving", list("EAEDC"), "0.4"),
        Wrong("0.4 creeps", list("AAEDC"), "0.4"),
        Wrong("0.05 arrives at once", list("CBEDC"), "0.05"),
        Wrong("0.6 still comes nearer", list("CACDC"), "0.6"),
        Wrong("0.5 leaves", list("CAEEC"), "0.5"),
        Wrong("0.5 comes nearer", list("CAECC"), "0.5"),
        Wrong("0.3 creeps", list("CAEDA"), "0.3"),
        Wrong("0.3 takes the letter left over", list("CAEDB"), "0.3"),
    ],
    "04.strided_backward": [
        Wrong("results swapped", strided(with_step, swap=True), "order"),
        Wrong("three results", strided(with_step, bias=True), "two gradients"),
        Wrong("images alone", lambda *given: strided(with_step)(*given)[0], "two gradients"),
        Wrong("collected in the arguments", into_its_arguments, "one window"),
        Wrong(
            "rows of the kernel across",
            strided(with_step, square_kernel=True),
            "square kernel",
        ),
        Wrong("mean over the images", strided(with_step, mean=True), "one window"),
        Wrong("kernel flipped", strided(with_step, flip=True), "one window"),
        Wrong(
            "stride ignored",
            strided(lambda i, n, stride: slice(i, i + n)),
            "step",
        ),
        Wrong(
            "stop without the stride",
            strided(lambda i, n, stride: slice(i, i + n, stride)),
            "step",
        ),
        Wrong(
            "start times stride",
            strided(lambda i, n, stride: slice(stride * i, stride * i + n)),
            "order",
            "raised ValueError",
        ),
        Wrong(
            "no stop",
            strided(lambda i, n, stride: slice(i, None, stride)),
            "rest",
        ),
        Wrong("rows of d across", strided(with_step, square="rows"), "wide"),
        Wrong("columns of d down", strided(with_step, square="columns"), "high"),
        Wrong(
            "always 2",
            strided(lambda i, n, stride: slice(i, i + min(stride, 2) * n, min(stride, 2))),
            "other stride",
        ),
        Wrong("set, not added", strided(with_step, add=False), "overlap"),
    ],
    "04.numerical_slopes": [
        Wrong(
            "slopes in whole numbers",
            lambda *given: slopes_by_copies(*given).astype(int),
            "whole numbers",
        ),
        Wrong("all weights at once", all_at_once, "zeros"),
        Wrong("nudged by a fraction of the weight", nudged_by_a_fraction, "value"),
        Wrong("one array under two names", under_two_names, "zeros"),
        Wrong("return inside the loop", returned_too_early, "every place"),
        Wrong("weights changed for good", changed_for_good, "halved", "changed the array"),
        Wrong("flat", lambda *given: slopes_by_copies(*given).ravel(), "value", "shape (12,)"),
    ],
    "04.step_lengths": [
        Wrong(
            "a name changed", {"along": 0.1, "across": 0.0053, "flat": 0.01, "steep": 0.01}, "names"
        ),
        Wrong("with a sign", LENGTHS | {"across": -0.00526}, "lengths"),
        Wrong("nothing left across", LENGTHS | {"across": 0.0}, "lengths"),
        Wrong(
            "plain descent",
            {"along": 0.01, "across": 0.01, "level": 2e-5, "steep": 0.5},
            "first step",
        ),
        Wrong("a tenth kept", LENGTHS | {"along": 0.0111}, "along"),
        Wrong("nine tenths", LENGTHS | {"along": 0.09}, "along"),
        Wrong("half", LENGTHS | {"across": 0.005}, "across"),
        Wrong("the steep one is longer", LENGTHS | {"steep": 0.02}, "Adam"),
        Wrong("the level one is shorter", LENGTHS | {"level": 0.001}, "Adam"),
    ],
    "04.stopping_point": [
        Wrong(
            "the lowest loss, too",
            stop_with_slip(result=lambda last, best, losses: (last, best, min(losses))),
            "two numbers",
        ),
        Wrong("lowest starts at 1", stop_with_slip(at_start=1.0), "high losses"),
        Wrong("the example's answer", lambda val_loss, patience: (4, 2), "best"),
        Wrong(
            "highest",
            stop_with_slip(better=lambda loss, lowest, before: loss > lowest, at_start=0.0),
            "best",
        ),
        Wrong(
            "the last epoch's weights",
            stop_with_slip(result=lambda last, best, losses: (last, last)),
            "best",
        ),
        Wrong(
            "loss in place of its epoch",
            stop_with_slip(result=lambda last, best, losses: (last, min(losses))),
            "best",
        ),
        Wrong(
            "one too long",
            stop_with_slip(enough=lambda waited, patience: waited > patience),
            "last",
        ),
        Wrong(
            "one too short",
            stop_with_slip(enough=lambda waited, patience: waited >= patience - 1),
            "last",
        ),
        Wrong("stops at the first rise", stop_with_slip(fixed=1), "last"),
        Wrong("always 3", stop_with_slip(fixed=3), "patience"),
        Wrong("first epoch not remembered", starts_from_first_loss, "first is best"),
        Wrong(
            "epoch before",
            stop_with_slip(better=lambda loss, lowest, before: loss < before),
            "zigzag",
        ),
        Wrong("counter never reset", stop_with_slip(reset=False), "new low"),
        Wrong(
            "argmin of all",
            stop_with_slip(result=lambda last, best, losses: (last, int(np.argmin(losses)) + 1)),
            "future",
        ),
        Wrong(
            "one per cent lower",
            stop_with_slip(better=lambda loss, lowest, before: loss < 0.99 * lowest),
            "small steps",
        ),
        Wrong(
            "a ten-thousandth lower",
            stop_with_slip(better=lambda loss, lowest, before: loss < lowest - 1e-4),
            "small steps",
        ),
        Wrong(
            "rounded to three decimals",
            lambda val_loss, patience: stop_by_loop(np.round(val_loss, 3), patience),
            "small steps",
        ),
        Wrong("from the minimum of all", best_plus_patience, "to the end"),
        Wrong(
            "equal counts as lower",
            stop_with_slip(better=lambda loss, lowest, before: loss <= lowest),
            "tie",
        ),
        Wrong("no return after the loop", never_ends, "to the end", "returned None"),
        Wrong("reads beyond the end", waits_beyond_the_end, "to the end"),
    ],
    "04.diagnoses": [
        Wrong("words", ["leak", "slow", "overfit", "healthy", "labels"], "letters"),
        Wrong("P taken for sorted", list("GBCAE"), "P"),
        Wrong("Q healthy", list("DACAE"), "Q"),
        Wrong("R with wrong labels", list("DBEAE"), "R"),
        Wrong("S slow, too", list("DBCBE"), "S"),
        Wrong("S overfitted", list("DBCCE"), "S"),
        Wrong("T slow", list("DBCAB"), "T"),
    ],
    "04.random_labels": [
        Wrong("names changed", {"own": 1.0, "random": 0.1}, "names"),
        Wrong("percent", {name: 100 * value for name, value in MEASURED.items()}, "percent"),
        Wrong(
            "training and validation swapped",
            {**MEASURED, "own, training": 0.7, "own, validation": 1.0},
            "places",
        ),
        Wrong("five epochs", MEASURED | {"random, training": 0.5}, "memory"),
        Wrong("labels drawn again each epoch", MEASURED | {"random, training": 0.14}, "memory"),
        Wrong("validated on the memorised digits", MEASURED | {"random, validation": 1.0}, "guess"),
        Wrong("never right", MEASURED | {"random, validation": 0.0}, "never right"),
        Wrong(
            "own and random exchanged",
            MEASURED | {"own, validation": 0.1, "random, validation": 0.7},
            "exchanged",
        ),
        Wrong("a guess among four", MEASURED | {"random, validation": 0.25}, "guess"),
        Wrong("a fifth, not measured", MEASURED | {"random, validation": 0.2}, "guess"),
        Wrong("validated half and half", MEASURED | {"random, validation": 0.4}, "guess"),
        Wrong("stopped early on its own labels", MEASURED | {"own, training": 0.8}, "own labels"),
        Wrong(
            "own labels validated on the training digits",
            MEASURED | {"own, validation": 1.0},
            "new digits",
        ),
        Wrong("as good as after 2,000 digits", MEASURED | {"own, validation": 0.9}, "new digits"),
        Wrong(
            "own labels validated on shifted labels",
            MEASURED | {"own, validation": 0.1},
            "new digits",
        ),
    ],
}
