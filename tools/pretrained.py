"""Train the networks that ship with the package, and record how.

    python -m tools.pretrained                   # all: about 80 minutes of CPU time
    python -m tools.pretrained --only classic    # one of them

Writes ``robust.npz``, ``classic.npz`` and ``accurate.npz`` (float16, named "layer/weight") and,
beside each, a record of its training as JSON. Every accuracy in a record is that of the rounded
weights, read again from their file. The test digits are read once, when all is decided.

They are trained with Keras' `fit`. *classic* is the network of chapter 0, trained as chapter 0
trains it. *robust* is `robust_cnn`, trained on MNIST's digits and on renderings of other
handwriting: drawings and photographs, of MNIST's shapes and of scripted pens, each prepared by
`mnist_lib.handwriting.to_mnist`. Its images are changed at random, differently in every epoch.
*accurate* is `accurate_cnn`, trained on MNIST's digits alone, changed at random, with its weights
averaged over the last steps. It is trained with several seeds. The network that reads the
validation digits best ships, and its record compares all of them with their ensemble. A run that
was stopped goes on where it was.

Every random number follows from the seed. On the same machine, with the same versions, the same
preparation and as many threads, a second run gives the same files, bit for bit. (The record of
*accurate* says on how many threads each epoch was trained.) The records hold the SHA-256 of the
weights and of the rendered images that the network was trained on, so that a run that differs says
whether its images did.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import math
import multiprocessing
import os
import platform
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # the renderings' processes use all cores already

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage, stats
from sklearn.datasets import load_digits
from tqdm import tqdm

from mnist_lib import handwriting
from mnist_lib._files import write_whole
from mnist_lib.data import Mnist, load_mnist, prepare
from tools import hard_cases, synthetic

ROOT = Path(__file__).resolve().parent.parent
CHUNK = 250  # pictures that one process renders at a time, with random numbers of their own

# What the network learns to answer without certainty. Letters and signs are not among them: many
# look like digits.
NO_DIGITS = (
    "shadow",
    "blot",
    "scribble",
    "face",
    "texture",
    "barcode",
    "lines, grid",
    "printed text",
)

# What a part must hold of a digit, and a digit's ink of the part, to be that digit; and to be none.
GOOD_PART, BAD_PART = 0.9, 0.7

BLEMISHED = 0.5  # fraction of the renderings
UCI_SIDES = (8, 28, 64, 96, 200)  # pixels to which the digits of 8 × 8 pixels are enlarged

# Chosen by validation digits and renderings.
ROBUST = {
    "epochs": 14,
    "batch_size": 128,
    "learning_rate": 0.004,
    "schedule": "one_cycle",
    "label_smoothing": 0.05,
}
# Afterwards, from the weights as they were rounded.
REFINING = {"epochs": 2, "learning_rate": 0.0015}
MIXED = 0.3  # how far the weights that are written lie from the first towards the refined ones
ADAMW = {"weight_decay": 0.02, "beta_2": 0.99}
AUGMENTATION = {
    "shift": 2.0,
    "scale": 0.12,
    "rotation": 15.0,
    "shear": 0.2,
    "stroke": 0.5,
    "elastic": 0.7,
    "noise": 0.05,
}
# Chosen by validation digits.
ACCURATE = {
    "epochs": 36,
    "batch_size": 128,
    "learning_rate": 0.004,
    "schedule": "one_cycle",
    "warmup": 0.15,
    "label_smoothing": 0.05,
}
SEEDS = 2
AVERAGED = {"use_ema": True, "ema_momentum": 0.998}  # the weights of some 500 last steps
AFFINE = {"shift": 2.5, "scale": 0.12, "rotation": 15.0, "shear": 0.2}
AFFINE |= dict.fromkeys(("stroke", "elastic", "noise"), 0.0)
# The default setting of chapter 0.
CLASSIC = {"epochs": 4, "batch_size": 128}


class Examples(NamedTuple):
    """Images as MNIST has them, and their labels."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


# --- Data ---------------------------------------------------------------------------------------


def inked(
    rng: np.random.Generator, shape: synthetic.Shape, highest: int = 144
) -> NDArray[np.uint8]:
    """Prepare a shape, from 8 pixels high, as `to_mnist` prepares a clean drawing of it.

    That takes a quarter of the time, since there is no paper to be told from the ink.
    """
    height = round(np.exp(rng.uniform(np.log(8), np.log(highest))))
    width = max(1, round(shape.shape[1] * height / shape.shape[0]))
    ink = np.asarray(Image.fromarray(shape).resize((width, height), Image.Resampling.BOX))
    ink = handwriting.crop(ink / ink.max())
    return handwriting.centre(handwriting.fit_box(handwriting.adjust_stroke(ink)))


def worn_inked(rng: np.random.Generator, shape: synthetic.Shape) -> NDArray[np.uint8]:
    """Prepare what a failing pen leaves of a shape, as `inked` does."""
    return inked(rng, synthetic.worn(rng, shape))


def few_pixels(rng: np.random.Generator, shape: synthetic.Shape) -> NDArray[np.uint8]:
    """Prepare a shape as `inked` does, 8 to 12 pixels high."""
    return inked(rng, shape, 12)


def drawn(rng: np.random.Generator, shape: synthetic.Shape) -> NDArray[np.uint8]:
    """Draw a shape on a small pad and prepare the drawing."""
    return handwriting.to_mnist(synthetic.drawing(rng, shape, int(rng.integers(100, 301))))


def photographed(rng: np.random.Generator, shape: synthetic.Shape) -> NDArray[np.uint8]:
    """Photograph a shape and prepare the photograph."""
    return handwriting.to_mnist(synthetic.photograph(rng, shape, int(rng.integers(200, 401))))


def worn_drawn(rng: np.random.Generator, shape: synthetic.Shape) -> NDArray[np.uint8]:
    """Draw a shape with a failing pen and prepare the drawing."""
    return drawn(rng, synthetic.worn(rng, shape))


def recovered(rng: np.random.Generator, shape: synthetic.Shape) -> NDArray[np.uint8]:
    """Photograph a shape in few pixels, and prepare it; refuse it if that lost the digit."""
    image = handwriting.to_mnist(synthetic.photograph(rng, shape, int(rng.integers(110, 201))))
    pair = [ndimage.gaussian_filter(part / 255, 1.5).ravel() for part in (image, inked(rng, shape))]
    if np.corrcoef(pair)[0, 1] < 0.6:
        raise ValueError("The prepared picture does not show the digit.")
    return image


def blemished(rng: np.random.Generator, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Leave what a preparation may leave: a gap, a bit of line, specks, a cut side, few pixels."""
    y, x = np.mgrid[:28, :28] - 13.5
    angle, place = rng.uniform(0, np.pi), rng.uniform(-10, 10)
    across = np.abs(np.cos(angle) * x + np.sin(angle) * y - place)
    along = np.abs(np.sin(angle) * x - np.cos(angle) * y - rng.uniform(-10, 10))
    blemish, ink = rng.integers(5), image / 255
    if blemish == 0:  # a gap of one to three pixels
        ink *= 1 - np.clip(rng.uniform(0.5, 1.5) + 0.5 - across, 0, 1) * (along < 5)
    elif blemish == 1:  # a thin line, level or upright, as long as half a digit
        turned = rng.random() < 0.3
        level, length = (x - place, y) if turned else (y - place, x)
        line = np.clip(rng.uniform(0.3, 0.9) + 0.5 - np.abs(level), 0, 1)
        line *= np.abs(length - rng.uniform(-10, 10)) < rng.uniform(2, 7)
        ink = np.maximum(ink, rng.uniform(0.3, 1) * line)
    elif blemish == 2:  # one to four specks
        for _ in range(rng.integers(1, 5)):
            away = np.hypot(x - rng.uniform(-12, 12), y - rng.uniform(-12, 12))
            ink = np.maximum(ink, np.clip(rng.uniform(0.5, 1.5) + 0.5 - away, 0, 1))
    elif blemish == 3:  # one to three pixels lost at a side of the digit
        side = (x, -x, y, -y)[rng.integers(4)]
        ink *= side < side[image > 127].max(initial=0) - rng.uniform(0, 3)
    else:  # 11 to 17 pixels instead of 28, smoothly enlarged
        few = Image.fromarray(image).resize((rng.integers(11, 18),) * 2, Image.Resampling.BOX)
        ink = np.asarray(few.resize((28, 28), Image.Resampling.BICUBIC)) / 255
        ink *= image.max() / 255 / max(ink.max(), 1e-9)
    return np.rint(255 * ink).astype(np.uint8)


def no_digit(rng: np.random.Generator, shape: synthetic.Shape) -> NDArray[np.uint8]:
    """Prepare a picture without a digit; `to_mnist` refuses about half of them."""
    return handwriting.to_mnist(hard_cases.NON_DIGITS[NO_DIGITS[rng.integers(len(NO_DIGITS))]](rng))


def run_together(
    rng: np.random.Generator, shapes: Sequence[synthetic.Shape]
) -> NDArray[np.float32]:
    """Write shapes in a row, most of them into the next; return each one's ink on a layer."""
    height = rng.uniform(32, 64)
    resized = [
        synthetic._resized(
            shape, min(height * rng.uniform(0.88, 1.05), height * shape.shape[0] / shape.shape[1])
        )
        for shape in shapes
    ]
    width = sum(shape.shape[1] + round(0.2 * height) for shape in resized)
    layers = np.zeros((len(shapes), round(1.2 * height), width), np.float32)
    tightness, end = rng.uniform(-0.1, 0.2), 0
    for layer, shape in zip(layers, resized, strict=True):
        top = layer.shape[0] - shape.shape[0] - int(rng.integers(0.1 * height))
        left = end
        if end:
            left += round(0.1 * height)
            left = hard_cases._until_touching(
                layers.max(axis=0), shape, top, left, round(0.6 * height)
            )
            left = max(0, left - round((tightness + rng.normal(0, 0.03)) * height))
        synthetic._place(layer, shape, top, left)
        end = max(end, left + shape.shape[1])
    return layers


def cut_apart(
    rng: np.random.Generator, shapes: Sequence[synthetic.Shape], labels: Sequence[int]
) -> list[tuple[NDArray[np.uint8], int]]:
    """Write shapes in a row and cut them as `read_digits` does; draw as many parts as shapes.

    A part is labelled with the digit that it holds nearly whole and alone, or -1: a fragment, two
    digits, a digit and a bit of the next. What lies in between is left out.
    """
    layers = run_together(rng, shapes)
    parts = handwriting.find_parts([handwriting.Strokes(layers.max(axis=0), 0, 0)], [True])
    good, bad = [], []
    whole = (layers > 0.5).sum(axis=(1, 2))
    for part in parts:
        ink, top, left = part.strokes
        own = layers[:, top : top + ink.shape[0], left : left + ink.shape[1]] > 0.5
        inside = (own & (ink > 0.5)).sum(axis=(1, 2))
        quality = np.minimum(inside / whole, inside / max(1, np.count_nonzero(ink > 0.5)))
        best = int(quality.argmax())
        if quality[best] > GOOD_PART:
            good.append((part, labels[best]))
        elif quality[best] < BAD_PART and ink.shape[1] < 1.2 * ink.shape[0]:
            bad.append((part, -1))
    wanted = len(shapes) // 2 + int(len(shapes) % 2 and rng.random() < 0.5)
    drawn = [
        some[i]
        for some, n in ((good, wanted), (bad, len(shapes) - wanted))
        for i in rng.permutation(len(some))[:n]
    ]
    show = handwriting.preview, handwriting.preview, handwriting.as_mnist
    return [(show[rng.integers(3)](part.strokes.ink), label) for part, label in drawn]


class Style(NamedTuple):
    """Rendered handwriting: whether pens write it, how it is shown, how many pictures.

    `variation` and the limits of `width` are those of the pens, as `pen_shape` has them. `labels`
    are the digits that are written, those of `synthetic.RARE_STYLES` if it is `rare`; `times`, how
    often each image is among those of the training, which change it differently. What shows no
    digit is labelled -1. Without a way to be shown, digits are written into each other and
    `cut_apart`.
    """

    pens: bool
    show: Callable[[np.random.Generator, synthetic.Shape], NDArray[np.uint8]] | None
    count: int
    variation: float = 1.0
    width: tuple[float, float] | None = None
    digits: bool = True
    labels: tuple[int, ...] = tuple(range(10))
    rare: bool = False
    times: int = 1


TRAINED = {
    "pens inked": Style(True, inked, 10_000),
    "wilder pens inked": Style(True, inked, 8_000, variation=1.6),
    "worn pens inked": Style(True, worn_inked, 4_000),
    "shapes inked": Style(False, inked, 6_000),
    "pens of few pixels": Style(True, few_pixels, 6_000, width=(0.08, 0.2)),
    "shapes of few pixels": Style(False, few_pixels, 3_000),
    "pens photographed": Style(True, recovered, 800),
    "shapes photographed": Style(False, recovered, 800),
    "no digits": Style(True, no_digit, 2_000, digits=False, times=3),
}
# What is added when the network reads single digits, and more of what it must not forget.
REFINED = {
    "pens cut apart": Style(True, None, 1_500),
    "shapes cut apart": Style(False, None, 1_200),
    "rare pens inked": Style(True, inked, 500, rare=True),
    "rare pens of few pixels": Style(True, few_pixels, 1_000, width=(0.08, 0.2), rare=True),
    # With a pen as wide as a third of its height, a 1 alone can be read.
    "thick ones of few pixels": Style(True, few_pixels, 300, width=(0.2, 0.45), labels=(1,)),
    "pens of few pixels": Style(True, few_pixels, 1_500, width=(0.08, 0.2)),
    "shapes of few pixels": Style(False, few_pixels, 500),
    "wilder pens inked": Style(True, inked, 3_000, variation=1.6),
    "worn pens inked": Style(True, worn_inked, 3_000),
    "shapes inked": Style(False, inked, 2_500),
    "no digits": Style(True, no_digit, 150, digits=False, times=6),
    "pens inked": Style(True, inked, 3_000),
}
JUDGED = {
    "pens drawn": Style(True, drawn, 500),
    "worn pens drawn": Style(True, worn_drawn, 500),
    "shapes drawn": Style(False, drawn, 500),
    "pens photographed": Style(True, photographed, 500),
    "shapes photographed": Style(False, photographed, 500),
}


def render_chunk(seed: np.random.SeedSequence, style: Style, digits: Examples) -> Examples:
    """Render digits as a style and prepare them; what `to_mnist` refuses stays black."""
    rng = np.random.default_rng(seed)
    images = np.zeros((len(digits.labels), 28, 28), np.uint8)
    labels = digits.labels.copy() if style.digits else np.full(len(images), -1)

    def write(i: int, width: tuple[float, float] | None) -> synthetic.Shape:
        if style.pens:
            one = width and float(rng.uniform(*width))
            label, name = int(digits.labels[i]), None
            if style.rare:
                name = list(synthetic.RARE_STYLES[label])[
                    rng.integers(len(synthetic.RARE_STYLES[label]))
                ]
            return synthetic.pen_shape(rng, label, name, one, style.variation)
        return synthetic.mnist_shape(rng, digits.images[i])

    if style.show is not None:
        for i in range(len(images)):
            with contextlib.suppress(ValueError):
                images[i] = style.show(rng, write(i, style.width))
        return Examples(images, labels)
    start = 0
    while start < len(images):
        some = range(start, min(len(images), start + int(rng.integers(2, 5))))
        width = float(rng.uniform(0.04, 0.13))
        shapes = [write(i, (width, width)) for i in some]
        parts = cut_apart(rng, shapes, [int(digits.labels[i]) for i in some])
        for i, (image, label) in enumerate(parts, start):
            images[i], labels[i] = image, label
        start = some.stop
    return Examples(images, labels)


def render(seed: Sequence[int], styles: dict[str, Style], digits: Examples) -> dict[str, Examples]:
    """Render digits as several styles on all cores; what comes out depends on `seed` alone.

    Labels, and the shapes to draw if the style has no pens, are drawn from `digits`.
    """
    tasks: dict[str, list[Future[Examples]]] = {}
    # Fresh processes: a fork of one that has started TensorFlow can hang.
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        for i, (name, style) in enumerate(styles.items()):
            seeds = np.random.SeedSequence([*seed, i])
            written = tuple(synthetic.RARE_STYLES) if style.rare else style.labels
            fit = np.flatnonzero(np.isin(digits.labels, written))
            picks = fit[np.random.default_rng(seeds).integers(len(fit), size=style.count)]
            chunks = [picks[start : start + CHUNK] for start in range(0, style.count, CHUNK)]
            tasks[name] = [
                pool.submit(
                    render_chunk, own, style, Examples(digits.images[chunk], digits.labels[chunk])
                )
                for own, chunk in zip(seeds.spawn(len(chunks)), chunks, strict=True)
            ]
        return {
            name: Examples(
                *(
                    np.concatenate(part)
                    for part in zip(
                        *(task.result() for task in tqdm(chunks, desc=name, unit="chunk")),
                        strict=True,
                    )
                )
            )
            for name, chunks in tasks.items()
        }


def uci_digits(side: int = 8) -> Examples:
    """Prepare scikit-learn's 1,797 digits of other writers, 8 × 8 pixels enlarged to `side`."""
    digits = load_digits()
    images = np.zeros((len(digits.target), 28, 28), np.uint8)
    for i, image in enumerate(digits.images):
        with contextlib.suppress(ValueError):  # refused: stays black, and counts as misread
            images[i] = handwriting.to_mnist(hard_cases.enlarged(image, side))
    return Examples(images, digits.target)


# --- Training -----------------------------------------------------------------------------------


def targets(labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the probabilities that the network is to give; label smoothing takes no labels.

    What is no digit, label -1, is to be each of the ten with equal probability (Hendrycks, Mazeika
    and Dietterich 2019, "Deep anomaly detection with outlier exposure", arXiv:1812.04606).
    """
    return np.where(labels[:, np.newaxis] < 0, 0.1, np.eye(10)[labels]).astype(np.float32)


def train_robust(
    network: Any,
    mnist: Mnist,
    rendered: Sequence[Examples],
    times: Sequence[int],
    seed: Sequence[int],
    epochs: int,
    learning_rate: float,
) -> list[float]:
    """Train a robust network; return its validation accuracy after each epoch.

    `times` says how often each image of a part of `rendered` is used. `seed` draws the blemishes,
    its first number the order of the images and how they are augmented.
    """
    from mnist_lib.backend import keras, tf
    from mnist_lib.training import Augmentation, OneCycle, augmented

    images, labels = (
        np.concatenate([np.repeat(part, n, axis=0) for part, n in zip(parts, times, strict=True)])
        for parts in zip(*rendered, strict=True)
    )
    legible = images.any(axis=(1, 2))
    images, labels = images[legible], labels[legible]
    rng = np.random.default_rng(seed)
    for i in np.flatnonzero(rng.random(len(images)) < BLEMISHED):
        images[i] = blemished(rng, images[i])
    x_train = prepare(np.concatenate([mnist.x_train, images]))
    y_train = targets(np.concatenate([mnist.y_train, labels]))
    y_val = targets(mnist.y_val)
    train_set = tf.data.Dataset.from_tensor_slices((x_train, y_train))
    train_set = train_set.shuffle(len(x_train), seed=seed[0]).batch(ROBUST["batch_size"])
    network.compile(
        optimizer=keras.optimizers.AdamW(
            OneCycle(learning_rate, steps=epochs * len(train_set)), **ADAMW
        ),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=ROBUST["label_smoothing"]),
        metrics=["accuracy"],
    )
    history = network.fit(
        augmented(train_set, Augmentation(**AUGMENTATION), seed=seed[0]),
        validation_data=(prepare(mnist.x_val), y_val),
        epochs=epochs,
        shuffle=False,  # the data set shuffles itself
        verbose=2,
    )
    return list(history.history["val_accuracy"])


def train_stages(
    mnist: Mnist,
    trained: dict[str, Style],
    refined: dict[str, Style],
    seed: int,
    epochs: int | None,
    output: Path,
) -> tuple[list[float], dict[str, Any]]:
    """Train the robust network on `trained`, then refine it on `refined`, and write its weights.

    What is written lies between the weights before and after the refinement: such a network reads
    nearly all of what was added, and forgets none of the rest (Wortsman et al. 2022, "Robust
    fine-tuning of zero-shot models", arXiv:2109.01903).

    Returns its validation accuracies, and for each stage what the record says of it. `epochs`, if
    given, is the number for both.
    """
    from mnist_lib.backend import keras
    from mnist_lib.models import load_pretrained, robust_cnn

    val_accuracy, recipe = [], {}
    stages = (
        ("first", trained, ROBUST, [seed, 0], [seed, 2]),
        ("refined", refined, REFINING, [seed, 3], [seed, 4]),
    )
    for name, styles, settings, drawn_by, own_seed in stages:
        rendered = render(drawn_by, styles, Examples(mnist.x_train, mnist.y_train))
        recipe[name] = {
            "epochs": epochs or settings["epochs"],
            "learning_rate": settings["learning_rate"],
            "rendered pictures": {
                style: int(part.images.any(axis=(1, 2)).sum()) for style, part in rendered.items()
            },
            "SHA-256 of the rendered images": hashlib.sha256(
                b"".join(part.images.tobytes() for part in rendered.values())
            ).hexdigest(),
            "times that each is used": {
                style: of.times for style, of in styles.items() if of.times > 1
            },
        }
        keras.utils.set_random_seed(seed)
        network = robust_cnn(seed) if name == "first" else load_pretrained("robust", output)
        before = network.get_weights()
        val_accuracy += train_robust(
            network,
            mnist,
            list(rendered.values()),
            [style.times for style in styles.values()],
            own_seed,
            recipe[name]["epochs"],
            float(settings["learning_rate"]),
        )
        if name == "refined":
            network.set_weights(
                [a + MIXED * (b - a) for a, b in zip(before, network.get_weights(), strict=True)]
            )
        write_weights(network, output / "robust.npz")
    return val_accuracy, recipe


def threads() -> int:
    """Return the number of threads that TensorFlow computes an operation with."""
    from mnist_lib.backend import tf

    chosen = tf.config.threading.get_intra_op_parallelism_threads()
    return chosen or int(os.environ.get("TF_NUM_INTRAOP_THREADS", 0)) or os.cpu_count() or 1


def notes(checkpoint: Path) -> list[dict[str, Any]]:
    """Return what `train_accurate` noted about each epoch that led to a checkpoint."""
    text = checkpoint.with_suffix(".epochs.json").read_text(encoding="utf-8")
    epochs: list[dict[str, Any]] = json.loads(text)
    return epochs


def train_accurate(
    mnist: Mnist, seed: int, epochs: int, checkpoint: Path
) -> tuple[Any, list[float], float]:
    """Train the accurate network; return it with its validation accuracies and its CPU seconds.

    After every epoch the network, with the state of its optimiser, is written to `checkpoint`, and
    a run that was stopped goes on from there to the same weights.
    """
    from mnist_lib.backend import keras, tf
    from mnist_lib.models import accurate_cnn
    from mnist_lib.training import Augmentation, OneCycle, augmented

    keras.utils.set_random_seed(seed)
    steps = math.ceil(len(mnist.y_train) / ACCURATE["batch_size"])
    if checkpoint.exists():
        network = keras.models.load_model(checkpoint)
    else:
        network = accurate_cnn(seed)
        rate = OneCycle(ACCURATE["learning_rate"], epochs * steps, ACCURATE["warmup"])
        network.compile(
            optimizer=keras.optimizers.AdamW(rate, **ADAMW, **AVERAGED),
            loss=keras.losses.CategoricalCrossentropy(label_smoothing=ACCURATE["label_smoothing"]),
            metrics=["accuracy"],
        )
    done = int(network.optimizer.iterations) // steps
    history = notes(checkpoint)[:done] if done else []
    masks = network.get_layer("dropout").seed_generator.state
    if done:
        masks.assign(history[-1]["dropout"])  # Keras' files do not hold it
    digits = tf.data.Dataset.from_tensor_slices((prepare(mnist.x_train), targets(mnist.y_train)))
    batches = digits.shuffle(len(mnist.y_train), seed=seed).batch(ACCURATE["batch_size"])
    batches = augmented(batches.repeat(epochs), Augmentation(**AFFINE), seed=seed)
    started = [cpu_seconds()]

    def keep(epoch: int, logs: dict[str, float]) -> None:
        started.append(cpu_seconds())
        history.append(
            {
                "accuracy": round(logs["val_accuracy"], 4),
                "CPU seconds": started[-1] - started[-2],
                "dropout": masks.numpy().tolist(),
                "threads": threads(),
            }
        )
        write_whole(checkpoint.with_suffix(".epochs.json"), json.dumps(history).encode())
        unfinished = checkpoint.with_suffix(".unfinished.keras")
        network.save(unfinished)
        unfinished.replace(checkpoint)  # whole or not at all

    network.fit(
        batches.skip(done * steps),  # drawn and dropped, so that what follows is the same
        validation_data=(prepare(mnist.x_val), targets(mnist.y_val)),
        initial_epoch=done,
        epochs=epochs,
        steps_per_epoch=steps,
        shuffle=False,  # the data set shuffles itself
        callbacks=[
            keras.callbacks.SwapEMAWeights(),  # validation judges the averaged weights
            keras.callbacks.LambdaCallback(on_epoch_end=keep),
        ],
        verbose=2,
    )
    val_accuracy = [epoch["accuracy"] for epoch in history]
    return network, val_accuracy, sum(epoch["CPU seconds"] for epoch in history)


def best_on_validation(networks: dict[int, Any], mnist: Mnist) -> int:
    """Return the seed of the network that reads the validation digits best.

    If several read as many, it is the one with the lowest cross-entropy.
    """
    x_val, rows = prepare(mnist.x_val), np.arange(len(mnist.y_val))

    def merit(seed: int) -> tuple[int, float]:
        answers = networks[seed].predict(x_val, batch_size=1000, verbose=0)
        right = int(np.sum(answers.argmax(axis=1) == mnist.y_val))
        return right, float(np.log(np.maximum(answers[rows, mnist.y_val], 1e-9)).mean())

    return max(networks, key=merit)


def compare_seeds(networks: dict[int, Any], mnist: Mnist) -> dict[str, Any]:
    """Return what each network and all of them together read, with Wilson's 95 % intervals.

    The ensemble answers with the mean of the networks' probabilities.
    """
    compared: dict[str, Any] = {}
    for part, images, labels in (
        ("validation", mnist.x_val, mnist.y_val),
        ("test", mnist.x_test, mnist.y_test),
    ):
        answers = {
            f"seed {seed}": network.predict(prepare(images), batch_size=1000, verbose=0)
            for seed, network in networks.items()
        }
        answers["ensemble"] = np.mean(list(answers.values()), axis=0)
        for name, each in answers.items():
            right = int(np.sum(each.argmax(axis=1) == labels))
            around = stats.binomtest(right, len(labels)).proportion_ci(method="wilson")
            compared.setdefault(name, {})[part] = round(right / len(labels), 4)
            compared[name][f"{part}, 95 % interval"] = [round(end, 4) for end in around]
    return compared


def train_classic(mnist: Mnist, seed: int, epochs: int) -> Any:
    """Train the classic network as chapter 0 does, number by number."""
    from mnist_lib.backend import keras, tf
    from mnist_lib.models import classic_cnn

    keras.utils.set_random_seed(seed)
    # Chapter 0's own lines: `classic_cnn` draws its initial weights otherwise.
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy"],
    )
    digits = prepare(mnist.x_train), mnist.y_train
    train_set = tf.data.Dataset.from_tensor_slices(digits)
    history = model.fit(
        train_set.shuffle(len(mnist.y_train), seed=0).batch(CLASSIC["batch_size"]),
        epochs=epochs,
        validation_data=(prepare(mnist.x_val), mnist.y_val),
        shuffle=False,  # the data set shuffles itself
        verbose=2,
    )
    network = classic_cnn()
    network.set_weights(model.get_weights())
    return network, history.history["val_accuracy"]


# --- Files --------------------------------------------------------------------------------------


class Made(NamedTuple):
    """What the record says of how a network's file of weights was made."""

    recipe: dict[str, Any]
    val_accuracy: Sequence[float]  # after each epoch
    seconds: float  # of CPU time
    more: dict[str, Any]


def round_weights(network: Any) -> None:
    """Round a network's weights as the file of weights does."""
    rounded = [values.astype(np.float16).astype(np.float32) for values in network.get_weights()]
    network.set_weights(rounded)


def write_weights(network: Any, path: Path) -> None:
    """Write a network's weights as float16, whole or not at all."""
    weights = {
        f"{layer.name}/{weight.name}": weight.numpy().astype(np.float16)
        for layer in network.layers
        for weight in layer.weights
    }
    file = io.BytesIO()
    np.savez_compressed(file, **weights)
    write_whole(path, file.getvalue())


def accuracy(network: Any, examples: Examples) -> float:
    """Return the fraction of the examples that the network reads correctly."""
    answers = network.predict(prepare(examples.images), batch_size=1000, verbose=0).argmax(axis=1)
    return float(np.mean(answers == examples.labels))


def cpu_seconds() -> float:
    """Return the CPU time of this process and of those it has ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def record(
    name: str,
    folder: Path,
    mnist: Mnist,
    judged: dict[str, Examples],
    made: Made,
) -> None:
    """Measure the network that the file of weights holds, and write the record beside it."""
    from mnist_lib.backend import keras, tf
    from mnist_lib.models import load_pretrained

    network = load_pretrained(name, folder)
    accuracies = {
        "validation": accuracy(network, Examples(mnist.x_val, mnist.y_val)),
        **{style: accuracy(network, examples) for style, examples in judged.items()},
        "test": accuracy(network, Examples(mnist.x_test, mnist.y_test)),
    }
    written = {
        "network": network.name,
        "parameters": network.count_params(),
        "data": {
            "source": f"MNIST, {mnist.source}",
            "training": len(mnist.y_train),
            "validation": len(mnist.y_val),
            "test": len(mnist.y_test),
        },
        "recipe": made.recipe,
        "validation accuracy after each epoch": [round(value, 4) for value in made.val_accuracy],
        "accuracy of the rounded weights": {k: round(v, 4) for k, v in accuracies.items()},
        "examples measured": {style: len(examples.labels) for style, examples in judged.items()},
        **made.more,
        "CPU seconds": round(made.seconds),
        "SHA-256": hashlib.sha256((folder / f"{name}.npz").read_bytes()).hexdigest(),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": version("scipy"),
            "pillow": version("pillow"),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
    }
    text = json.dumps(written, indent=2, ensure_ascii=False) + "\n"
    write_whole(folder / f"{name}.json", text.encode())
    print(text)


def recipe_of(options: argparse.Namespace, settings: dict[str, Any]) -> dict[str, Any]:
    """Return how a record's recipe begins; the command's number of epochs goes before ours."""
    recipe = {"command": "python -m tools.pretrained", "seed": options.seed, **settings}
    return recipe | {"epochs": options.epochs or settings["epochs"]}


def fewer(styles: dict[str, Style], fraction: float) -> dict[str, Style]:
    """Return styles with a fraction of their pictures each."""
    return {
        name: style._replace(count=math.ceil(style.count * fraction))
        for name, style in styles.items()
    }


def make_robust(mnist: Mnist, options: argparse.Namespace) -> Made:
    """Train the robust network in its two stages, and write its weights."""
    started = cpu_seconds()
    trained, refined = (fewer(styles, options.fraction) for styles in (TRAINED, REFINED))
    val_accuracy, stages = train_stages(
        mnist, trained, refined, options.seed, options.epochs, options.output
    )
    recipe = recipe_of(options, ROBUST)
    recipe = {key: recipe[key] for key in recipe if key not in REFINING}  # each stage has its own
    recipe |= {
        "optimizer": {"name": "AdamW", **ADAMW},
        "augmentation": AUGMENTATION,
        "fraction of the renderings blemished": BLEMISHED,
        "way from the first to the refined weights": MIXED,
        **stages,
    }
    return Made(recipe, val_accuracy, cpu_seconds() - started, {})


def make_classic(mnist: Mnist, options: argparse.Namespace) -> Made:
    """Train the classic network, and write its weights."""
    started = cpu_seconds()
    recipe = recipe_of(options, CLASSIC) | {"optimizer": {"name": "Adam"}}
    network, val_accuracy = train_classic(mnist, options.seed, recipe["epochs"])
    write_weights(network, options.output / "classic.npz")
    return Made(recipe, val_accuracy, cpu_seconds() - started, {})


def make_accurate(mnist: Mnist, options: argparse.Namespace) -> Made:
    """Train the accurate network with several seeds, and write the best one's weights."""
    recipe = recipe_of(options, ACCURATE)
    checkpoints = {
        seed: options.output / f"accurate-{seed}-{recipe['epochs']}.checkpoint.keras"
        for seed in range(options.seed, options.seed + options.seeds)
    }
    runs = {
        seed: train_accurate(mnist, seed, recipe["epochs"], checkpoint)
        for seed, checkpoint in checkpoints.items()
    }
    networks = {seed: run[0] for seed, run in runs.items()}
    for network in networks.values():
        round_weights(network)
    best = best_on_validation(networks, mnist)
    write_weights(networks[best], options.output / "accurate.npz")
    recipe |= {
        "seed": best,
        "seeds": list(runs),
        "optimizer": {"name": "AdamW", **ADAMW, **AVERAGED},
        "augmentation": AFFINE,
        "threads in each epoch": [epoch["threads"] for epoch in notes(checkpoints[best])],
    }
    return Made(
        recipe,
        val_accuracy=runs[best][1],
        seconds=sum(run[2] for run in runs.values()),
        more={"rounded weights of all seeds": compare_seeds(networks, mnist)},
    )


MAKERS = {"robust": make_robust, "classic": make_classic, "accurate": make_accurate}


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, write, measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", choices=list(MAKERS), help="train this one alone")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "mnist_lib" / "weights", help="folder to write to"
    )
    parser.add_argument("--source", choices=["full", "sample"], default="full", help="of MNIST")
    parser.add_argument("--epochs", type=int, help="other than the recipe's, for a trial")
    parser.add_argument(
        "--fraction", type=float, default=1.0, help="of the renderings, for a trial (1)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of all random numbers (0)")
    parser.add_argument(
        "--seeds", type=int, default=SEEDS, help=f"from it on, for the accurate network ({SEEDS})"
    )
    options = parser.parse_args(arguments)
    if options.epochs is not None and options.epochs < 1:
        parser.error(f"--epochs must be at least 1, got {options.epochs}")
    if not 0 < options.fraction <= 1:
        parser.error(f"--fraction must be above 0 and at most 1, got {options.fraction}")
    if options.seed < 0:
        parser.error(f"--seed must be 0 or more, got {options.seed}")
    if options.seeds < 1:
        parser.error(f"--seeds must be at least 1, got {options.seeds}")
    options.output.mkdir(parents=True, exist_ok=True)

    mnist = load_mnist(options.source)
    # Judged by other shapes, and by pens with other random numbers.
    styles = fewer(JUDGED, options.fraction)
    judged = render([options.seed, 1], styles, Examples(mnist.x_val, mnist.y_val))
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        for side, digits in zip(UCI_SIDES, pool.map(uci_digits, UCI_SIDES), strict=True):
            judged[f"UCI digits, {side} pixels"] = digits
    for name in [options.only] if options.only else MAKERS:
        record(name, options.output, mnist, judged, MAKERS[name](mnist, options))
        for remains in options.output.glob(f"{name}-*.checkpoint.*"):
            remains.unlink()


if __name__ == "__main__":
    main()
