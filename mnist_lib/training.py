"""What training needs beyond Keras: a one-cycle learning rate, and digits changed at random.

Training itself is Keras' ``compile`` and ``fit``; chapter 4 writes that loop in its own cells, one
named step at a time, and shows that ``fit`` takes the same steps. `OneCycle` is derived there, too.
`augment` and `augmented` are not derived in the course; chapter 7 shows what they draw. `train` is
the loop of earlier versions.
"""

from __future__ import annotations

import math
import time
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from mnist_lib import _checks
from mnist_lib.backend import keras, tf

__all__ = [
    "Augmentation",
    "History",
    "OneCycle",
    "augment",
    "augmented",
    "one_cycle",
    "train",
]

Images = npt.NDArray[np.floating[Any]]
Labels = npt.NDArray[np.integer[Any]]

# Images per forward pass when a network is only evaluated.
EVALUATION_BATCH_SIZE = 1000

# An elastic distortion is drawn at this many knots along each side, and smooth between them.
ELASTIC_KNOTS = 4


class Augmentation(NamedTuple):
    """How far `augment` may change an image, property by property; 0 switches one off.

    Attributes
    ----------
    shift : float
        Largest displacement down or up, and right or left, in pixels.
    scale : float
        Largest change of height and of width, as a share; the two are drawn apart.
    rotation : float
        Largest turn, either way, in degrees.
    shear : float
        Largest slant: pixels sideways for every pixel of height.
    stroke : float
        Largest gain or loss of ink at the edges of strokes: at 1, strokes grow by one pixel on
        either side, or lose as much.
    elastic : float
        Standard deviation, in pixels, of smooth random displacements of the parts of a digit
        against each other.
    noise : float
        Largest standard deviation of grey noise, where white is 1.
    """

    shift: float = 2.0
    scale: float = 0.12
    rotation: float = 15.0
    shear: float = 0.2
    stroke: float = 0.5
    elastic: float = 0.7
    noise: float = 0.05


class History(dict[str, npt.NDArray[np.float64]]):
    """What a training run recorded: a dictionary of ``float64 (epochs,)`` arrays.

    Keys are ``loss`` and ``accuracy``, and with validation data ``val_loss`` and ``val_accuracy``.

    Attributes
    ----------
    seconds : float
        Wall time of the run in seconds: tracing, training and validation.
    best_epoch : int
        Index (from 0) of the epoch whose weights the network has now.
    """

    def __init__(
        self, records: dict[str, npt.NDArray[np.float64]], *, seconds: float, best_epoch: int
    ) -> None:
        super().__init__(records)
        self.seconds = seconds
        self.best_epoch = best_epoch


@keras.saving.register_keras_serializable("mnist_lib")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """The one-cycle learning rate: a linear rise to a peak, then a linear fall.

    Give it to an optimiser in place of a number:
    ``keras.optimizers.Adam(OneCycle(0.008, steps=430))``. With w = max(1, round(warmup · steps)),
    step k = 1 … w has the rate ``peak · k / w``; after it, the rate falls evenly to
    ``peak · final`` at step ``steps`` and stays there.

    Parameters
    ----------
    peak : float
        The highest learning rate.
    steps : int
        Number of steps in the whole run, one per batch: epochs × ceil(images / batch_size).
    warmup : float, optional
        Fraction of the steps spent rising, between 0 and 1.
    final : float, optional
        Learning rate of the last step, as a fraction of `peak`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a number in its range.

    References
    ----------
    Smith & Topin (2018), Super-convergence: very fast training of neural networks using large
    learning rates, arXiv:1708.07120.
    """

    def __init__(self, peak: float, steps: int, warmup: float = 0.2, final: float = 0.01) -> None:
        self.peak = _checks.number("peak", peak, above=0)
        self.steps = _checks.whole("steps", steps, least=1)
        self.warmup = _checks.number("warmup", warmup, least=0, most=1)
        self.final = _checks.number("final", final, least=0, most=1)

    def __call__(self, step: Any) -> Any:
        """Give the rate of a step, counted from 0 as Keras counts them."""
        rising = max(1, round(self.warmup * self.steps))
        number = keras.ops.cast(step, "float32") + 1
        fallen = keras.ops.clip((number - rising) / max(1, self.steps - rising), 0, 1)
        return self.peak * keras.ops.minimum(number / rising, 1 - (1 - self.final) * fallen)

    def get_config(self) -> dict[str, float]:
        """Give the four settings, which Keras saves with a network."""
        return {
            "peak": self.peak,
            "steps": self.steps,
            "warmup": self.warmup,
            "final": self.final,
        }


def one_cycle(
    steps: int, peak: float, *, warmup: float = 0.2, final: float = 0.01
) -> npt.NDArray[np.float64]:
    """Give the learning rate of every step: a linear rise to `peak`, then a linear fall.

    Parameters
    ----------
    steps : int
        Number of steps, one per batch, in the whole run.
    peak : float
        The highest learning rate. Step ``round(warmup * steps)`` (counted from 1) has it.
    warmup : float, optional
        Share of the steps spent rising, between 0 and 1.
    final : float, optional
        Learning rate of the last step, as a share of `peak`.

    Returns
    -------
    float64 (steps,)
        With w = max(1, round(warmup · steps)): ``peak · k / w`` at step k = 1 … w, then evenly
        spaced values down to ``peak · final`` at the last step (if w < steps).

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    Smith & Topin (2018), Super-convergence: very fast training of neural networks using large
    learning rates, arXiv:1708.07120.
    """
    if steps < 1:
        raise ValueError(f"steps must be 1 or more, got {steps}.")
    if not (np.isfinite(peak) and peak > 0):
        raise ValueError(f"peak must be a positive learning rate, got {peak}.")
    if not 0 <= warmup <= 1:
        raise ValueError(f"warmup must be a share between 0 and 1, got {warmup}.")
    if not 0 <= final <= 1:
        raise ValueError(f"final must be a share of the peak between 0 and 1, got {final}.")
    rising = max(1, round(warmup * steps))
    rates = np.linspace(0, peak, rising + 1)[1:]
    return np.append(rates, np.linspace(peak, peak * final, steps - rising + 1)[1:])


def augment(
    images: Images, augmentation: Augmentation | None = None, *, seed: int = 0
) -> npt.NDArray[np.float32]:
    """Change images at random as other hands and pens might have: same digits, other pixels.

    Every image gets its own shift, scale, rotation, shear and elastic distortion, carried out in
    one bilinear resampling, then its own stroke width and noise. Sizes are drawn evenly between
    their limits, elastic displacements and noise from normal distributions. ``train(...,
    augment=...)`` does the same to every batch anew.

    Parameters
    ----------
    images : float32 (N, height, width, channels)
        Light digits on black, in [0, 1], as `mnist_lib.data.prepare` gives them.
    augmentation : Augmentation, optional
        The limits. By default ``Augmentation()``.
    seed : int, optional
        Decides what is drawn (0 or more).

    Returns
    -------
    float32 (N, height, width, channels)
        The changed images, in [0, 1]; ink that is moved beyond the border is lost.

    Raises
    ------
    TypeError
        If `augmentation` or `seed` has the wrong type.
    ValueError
        If `images` are not prepared, or a limit or `seed` is out of range.

    References
    ----------
    Simard, Steinkraus & Platt (2003), Best practices for convolutional neural networks applied to
    visual document analysis, ICDAR, doi:10.1109/ICDAR.2003.1227801 (affine and elastic
    distortions of digits).
    """
    chosen = _check_augmentation(Augmentation() if augmentation is None else augmentation)
    seed = _checks.whole("seed", seed, least=0)
    images = _checks.array("images", images, "N height width channels", holds="floats", finite=True)
    changed: npt.NDArray[np.float32] = _augment(
        tf.constant(images, tf.float32), chosen, tf.constant([seed, 0], tf.int64)
    ).numpy()
    return changed


def augmented(
    dataset: tf.data.Dataset, augmentation: Augmentation | None = None, *, seed: int = 0
) -> tf.data.Dataset:
    """Change the images of a data set at random, differently in every epoch.

    Every batch is changed as `augment` changes images. What is drawn follows from `seed` and from
    the seed of `keras.utils.set_random_seed`, like the order that ``shuffle(…, seed=…)`` gives.

    Parameters
    ----------
    dataset : tf.data.Dataset
        Batches (images, labels): ``float32 (B, height, width, channels)`` in [0, 1], and labels of
        any shape, which stay as they are.
    augmentation : Augmentation, optional
        The limits. By default ``Augmentation()``.
    seed : int, optional
        Decides what is drawn (0 or more).

    Returns
    -------
    tf.data.Dataset
        The same number of batches, for ``model.fit(…, shuffle=False)``.

    Raises
    ------
    TypeError
        If `dataset`, `augmentation` or `seed` has the wrong type.
    ValueError
        If the data set does not give batches of images and labels, or a limit or `seed` is out of
        range.
    """
    limits = _check_augmentation(Augmentation() if augmentation is None else augmentation)
    seed = _checks.whole("seed", seed, least=0)
    if not isinstance(dataset, tf.data.Dataset):
        raise TypeError(
            f"dataset is a {type(dataset).__name__}; expected a tf.data.Dataset. For arrays there "
            "is mnist_lib.training.augment."
        )
    parts = dataset.element_spec
    if not (
        isinstance(parts, tuple)
        and len(parts) == 2
        and parts[0].shape.rank == 4
        and parts[0].dtype.is_floating
    ):
        raise ValueError(
            f"dataset gives {parts}; expected batches (images, labels) with images of type float32 "
            "and shape (batch, height, width, channels). Call its method batch(…) first."
        )
    # A pair of numbers travels with every batch, so it does not matter which batch is ready first.
    seeds = tf.data.Dataset.random(seed, rerandomize_each_iteration=True).batch(2)
    return tf.data.Dataset.zip((dataset, seeds)).map(
        lambda batch, pair: (_augment(batch[0], limits, pair), batch[1]),
        num_parallel_calls=tf.data.AUTOTUNE,
    )


def _augment(images: tf.Tensor, limits: Augmentation, seed: tf.Tensor) -> tf.Tensor:
    """Carry out `augment` on tensors; `seed` is a pair of integers."""
    count = tf.shape(images)[0]
    # Stateless random numbers depend on the seed alone, not on what was drawn before.
    seeds = tf.random.split(seed, 4)
    sizes = tf.random.stateless_uniform([7, count, 1, 1], seeds[0], -1.0, 1.0)
    rows, columns = _sources(images.shape[1:3], limits, sizes, seeds[1])
    changed = _sample(images, rows, columns)
    if limits.stroke:
        amount = limits.stroke * sizes[6, :, :, :, tf.newaxis]
        thick = tf.nn.max_pool2d(changed, 3, 1, "SAME")
        thin = -tf.nn.max_pool2d(-changed, 3, 1, "SAME")
        bright = tf.reduce_max(changed, axis=(1, 2), keepdims=True)
        changed += tf.abs(amount) * (tf.where(amount > 0, thick, thin) - changed)
        # A thinner stroke is not a paler one: without this, fine lines would fade.
        changed *= tf.math.divide_no_nan(bright, tf.reduce_max(changed, axis=(1, 2), keepdims=True))
    if limits.noise:
        strength = tf.random.stateless_uniform([count, 1, 1, 1], seeds[2], 0.0, limits.noise)
        changed += strength * tf.random.stateless_normal(tf.shape(changed), seeds[3])
    return tf.clip_by_value(changed, 0.0, 1.0)


def _sources(
    shape: tuple[int, int], limits: Augmentation, sizes: tf.Tensor, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Tell for every pixel of the changed images the row and column it is fetched from."""
    height, width = shape
    middle_row, middle_column = (height - 1) / 2, (width - 1) / 2
    row = tf.range(height, dtype=tf.float32)[:, tf.newaxis] - middle_row
    column = tf.range(width, dtype=tf.float32) - middle_column
    row -= limits.shift * sizes[0]
    column -= limits.shift * sizes[1]
    angle = math.radians(limits.rotation) * sizes[2]
    turned_row = tf.cos(angle) * row - tf.sin(angle) * column
    turned_column = tf.sin(angle) * row + tf.cos(angle) * column
    turned_column += limits.shear * sizes[3] * turned_row
    rows = middle_row + turned_row / (1 + limits.scale * sizes[4])
    columns = middle_column + turned_column / (1 + limits.scale * sizes[5])
    if limits.elastic:
        # Raised cosines around each knot add up to one everywhere, and have no kinks.
        across = [
            np.linspace(0, ELASTIC_KNOTS - 1, side)[:, np.newaxis] - np.arange(ELASTIC_KNOTS)
            for side in shape
        ]
        down, along = (
            np.cos(np.pi / 2 * np.clip(distance, -1, 1)).astype(np.float32) ** 2
            for distance in across
        )
        knots = [2, tf.shape(sizes)[1], ELASTIC_KNOTS, ELASTIC_KNOTS]
        pushed = down @ tf.random.stateless_normal(knots, seed) @ along.T
        rows += limits.elastic * pushed[0]
        columns += limits.elastic * pushed[1]
    return rows, columns


def _sample(images: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """Read images between their pixels (bilinear); beyond the border there is black."""
    height, width, channels = images.shape[1:]
    # One black pixel around each image, so that a place beyond the border meets black.
    flat = tf.reshape(tf.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]]), [-1, channels])
    rows = tf.clip_by_value(rows + 1, 0.0, height + 0.999)
    columns = tf.clip_by_value(columns + 1, 0.0, width + 0.999)
    top, left = tf.floor(rows), tf.floor(columns)
    down, along = (rows - top)[..., tf.newaxis], (columns - left)[..., tf.newaxis]
    first = tf.range(tf.shape(images)[0])[:, tf.newaxis, tf.newaxis] * ((height + 2) * (width + 2))
    at = first + tf.cast(top * (width + 2) + left, tf.int32)
    upper = tf.gather(flat, at) * (1 - along) + tf.gather(flat, at + 1) * along
    at += width + 2
    lower = tf.gather(flat, at) * (1 - along) + tf.gather(flat, at + 1) * along
    return upper * (1 - down) + lower * down


def train(
    model: keras.Model,
    x_train: Images,
    y_train: Labels,
    *,
    validation_data: tuple[Images, Labels] | None = None,
    epochs: int = 3,
    batch_size: int = 128,
    learning_rate: float | None = None,
    optimizer: keras.optimizers.Optimizer | str | None = None,
    schedule: str | None = None,
    label_smoothing: float = 0.0,
    augment: Augmentation | None = None,
    patience: int | None = None,
    seed: int = 0,
    verbose: bool = True,
) -> History:
    """Train a classifier in place: mini-batch gradient descent on the cross-entropy.

    The same network, data, settings and `seed` give the same weights, bit for bit, on the same CPU,
    whatever ran before: `seed` decides the order of the examples, the masks of dropout layers and
    the augmentation, and no global random state is read or changed.

    Parameters
    ----------
    model : keras.Model
        A built network whose output is ``(N, classes)`` probabilities (softmax). Its weights are
        changed, and it is compiled anew: afterwards ``model.evaluate`` gives the cross-entropy and
        the accuracy. A loss or optimiser it was compiled with before is not used.
    x_train : float32 (N, 28, 28, 1)
        Images as `mnist_lib.data.prepare` gives them (any shape that `model` takes).
    y_train : int (N,)
        Labels 0 … classes - 1.
    validation_data : tuple of two arrays, optional
        ``(x_val, y_val)``, measured after every epoch.
    epochs : int, optional
        How often every example is seen (at most, with `patience`).
    batch_size : int, optional
        Examples per step. The last batch of an epoch may be smaller.
    learning_rate : float, optional
        Step size; with `schedule` the highest one. By default the optimiser's own, 0.001 for Adam.
    optimizer : keras.optimizers.Optimizer or str, optional
        Its settings are used; the object itself stays as it is. By default Adam.
    schedule : {"one_cycle"}, optional
        How the learning rate changes from step to step (see `one_cycle`). By default it stays
        the same.
    label_smoothing : float, optional
        The share of each target that is spread evenly over all classes, in [0, 1).
    augment : Augmentation, optional
        Change the images of every batch anew, at random within these limits (see `augment`).
        Images for validation stay as they are. By default nothing is changed.
    patience : int, optional
        Stop early after this many epochs without a lower validation loss, and give the network the
        weights of the epoch with the lowest one, also when all epochs ran.
    seed : int, optional
        Decides the shuffling, dropout and augmentation (0 or more). The initial weights are the
        network's own.
    verbose : bool, optional
        Show a progress bar with the running loss and accuracy.

    Returns
    -------
    History
        Dictionary of ``float64 (epochs run,)`` arrays ``loss``, ``accuracy`` and, with validation
        data, ``val_loss``, ``val_accuracy``; attributes ``seconds`` and ``best_epoch``. Training
        values are means over the batches as they were seen, dropout and augmentation included.
        Losses are plain cross-entropies in nats, without label smoothing, so that the two can be
        compared.

    Raises
    ------
    TypeError
        If `model`, `optimizer`, `augment` or a count has the wrong type.
    ValueError
        If the data do not fit the network (unprepared or empty images, NaN, one-hot or
        out-of-range labels) or a setting is out of range.

    Notes
    -----
    A recipe for a good network in few seconds: ``train(fast_cnn(), x_train, y_train, epochs=1,
    learning_rate=0.008, optimizer=keras.optimizers.Adam(beta_1=0.7, beta_2=0.9),
    schedule="one_cycle", label_smoothing=0.1)``. In so few steps, Adam's averages have to forget
    faster than its defaults do.

    References
    ----------
    Kingma & Ba (2015), Adam: a method for stochastic optimization, arXiv:1412.6980.
    Szegedy et al. (2016), Rethinking the Inception architecture, arXiv:1512.00567 (section 7:
    label smoothing).
    """
    started = time.perf_counter()
    classes = _check_model(model)
    _check_settings(epochs, batch_size, learning_rate, schedule, label_smoothing, patience, seed)
    x, y = _check_examples(model, x_train, y_train, "x_train", "y_train")
    validation = None
    if validation_data is not None:
        if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
            raise ValueError(
                "validation_data must be a pair (x_val, y_val), got "
                f"{type(validation_data).__name__}."
            )
        validation = _check_examples(model, *validation_data, "x_val", "y_val")
    if patience is not None and validation is None:
        raise ValueError(
            "patience watches the validation loss: pass validation_data=(x_val, y_val)."
        )
    _check_probabilities(model, x)
    if augment is not None:
        _check_augmentation(augment)
        if x.shape.rank != 4:
            raise ValueError(
                "augment needs images (N, height, width, channels), but x_train has shape "
                f"{x.shape}."
            )

    examples = len(x_train)
    steps = math.ceil(examples / batch_size)
    own = _own_optimizer(optimizer, learning_rate)
    peak = float(own.learning_rate)
    rates = np.full(epochs * steps, peak) if schedule is None else one_cycle(epochs * steps, peak)
    own.build(model.trainable_variables)
    _seed_dropout(model, seed)

    def step(batch: tf.Tensor, rate: tf.Tensor, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images, labels = tf.gather(x, batch), tf.gather(y, batch)
        if augment is not None:
            images = _augment(images, augment, tf.stack([tf.constant(seed, tf.int64), number]))
        with tf.GradientTape() as tape:
            probabilities = model(images, training=True)
            losses = keras.losses.categorical_crossentropy(
                tf.one_hot(labels, classes), probabilities, label_smoothing=label_smoothing
            )
            objective = tf.add_n([tf.reduce_mean(losses), *model.losses])
        gradients = tape.gradient(objective, model.trainable_variables)
        own.learning_rate.assign(rate)
        own.apply(gradients, model.trainable_variables)
        return _totals(labels, probabilities)

    def evaluate(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return _totals(labels, model(images, training=False))

    # Signatures that leave the number of examples open: a smaller last batch needs no second graph.
    compiled_step = tf.function(
        step,
        [tf.TensorSpec([None], tf.int64), tf.TensorSpec([]), tf.TensorSpec([], tf.int64)],
        autograph=False,
    )
    compiled_evaluate = tf.function(
        evaluate,
        [tf.TensorSpec([None, *x.shape[1:]]), tf.TensorSpec([None], tf.int64)],
        autograph=False,
    )
    random = np.random.default_rng(seed)
    records: dict[str, list[float]] = {"loss": [], "accuracy": []}
    if validation is not None:
        records |= {"val_loss": [], "val_accuracy": []}
    best_epoch, best_loss, best_weights = 0, math.inf, None
    with tqdm(
        total=epochs * steps, unit="step", disable=not verbose, ncols=90, mininterval=0.5
    ) as bar:
        for epoch in range(epochs):
            bar.set_description(f"epoch {epoch + 1}/{epochs}")
            order = random.permutation(examples)
            loss, correct = 0.0, 0.0
            for k in range(steps):
                batch = order[k * batch_size : (k + 1) * batch_size]
                number = epoch * steps + k
                batch_loss, batch_correct = compiled_step(
                    tf.constant(batch),
                    tf.constant(rates[number], tf.float32),
                    tf.constant(number, tf.int64),
                )
                loss += float(batch_loss)
                correct += float(batch_correct)
                seen = k * batch_size + len(batch)
                bar.set_postfix_str(
                    f"loss {loss / seen:.4f}, accuracy {correct / seen:.4f}", refresh=False
                )
                bar.update()
            records["loss"].append(loss / examples)
            records["accuracy"].append(correct / examples)
            if validation is None:
                best_epoch = epoch
                continue
            val_loss, val_accuracy = _evaluate(compiled_evaluate, *validation)
            records["val_loss"].append(val_loss)
            records["val_accuracy"].append(val_accuracy)
            if patience is None:
                best_epoch = epoch
            elif val_loss < best_loss:
                best_epoch, best_loss, best_weights = epoch, val_loss, model.get_weights()
            elif epoch - best_epoch >= patience:
                bar.total = bar.n
                break
    if best_weights is not None:
        model.set_weights(best_weights)
    model.compile(own, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return History(
        {name: np.array(values) for name, values in records.items()},
        seconds=time.perf_counter() - started,
        best_epoch=best_epoch,
    )


def _totals(labels: tf.Tensor, probabilities: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Sum the cross-entropies of a batch, and count its correct predictions."""
    losses = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
    correct = tf.equal(tf.argmax(probabilities, axis=-1), labels)
    return tf.reduce_sum(losses), tf.reduce_sum(tf.cast(correct, tf.float32))


def _evaluate(evaluate: Any, x: tf.Tensor, y: tf.Tensor) -> tuple[float, float]:
    """Give mean loss and accuracy over all examples, some at a time."""
    loss, correct = 0.0, 0.0
    for start in range(0, len(y), EVALUATION_BATCH_SIZE):
        part = slice(start, start + EVALUATION_BATCH_SIZE)
        part_loss, part_correct = evaluate(x[part], y[part])
        loss += float(part_loss)
        correct += float(part_correct)
    return loss / len(y), correct / len(y)


def _own_optimizer(
    optimizer: keras.optimizers.Optimizer | str | None, learning_rate: float | None
) -> keras.optimizers.Optimizer:
    """Make a fresh optimiser from a name or from the settings of another one."""
    if optimizer is None:
        optimizer = "adam"
    if not isinstance(optimizer, str | keras.optimizers.Optimizer):
        raise TypeError(
            "optimizer must be a keras.optimizers.Optimizer or a name such as 'sgd', got "
            f"{type(optimizer).__name__}."
        )
    given: Any = keras.optimizers.get(optimizer)
    settings = given.get_config()
    if not isinstance(settings["learning_rate"], float):
        raise ValueError(
            "optimizer has a learning-rate schedule of its own. Give it a number, and choose the "
            "schedule with train(..., schedule='one_cycle')."
        )
    if learning_rate is not None:
        settings["learning_rate"] = float(learning_rate)
    return type(given).from_config(settings)


def _seed_dropout(model: keras.Model, seed: int) -> None:
    """Restart the random numbers of dropout and other random layers from `seed`."""
    states = [variable for variable in model.variables if variable.name == "seed_generator_state"]
    for index, state in enumerate(states):
        state.assign([seed, index])


def _check_model(model: keras.Model) -> int:
    """Give the number of classes of a network that `train` can train."""
    if not isinstance(model, keras.Model):
        raise TypeError(f"model must be a keras.Model, got {type(model).__name__}.")
    if not model.built:
        raise ValueError("model has no weights yet: start it with keras.Input((28, 28, 1)).")
    if not model.trainable_variables:
        raise ValueError("model has no trainable weights.")
    shape = model.output_shape
    if not (isinstance(shape, tuple) and len(shape) == 2 and isinstance(shape[1], int)):
        raise ValueError(f"model must give one row of probabilities per image, not {shape}.")
    return shape[1]


def _check_probabilities(model: keras.Model, x: tf.Tensor) -> None:
    """Refuse a network whose output is not probabilities."""
    rows = model(x[:8], training=False).numpy()
    if np.isfinite(rows).all() and not (
        np.allclose(rows.sum(axis=1), 1, atol=1e-3) and rows.min() >= 0
    ):
        raise ValueError(
            "model must give probabilities, but its rows do not sum to 1: end it with "
            "Dense(classes, activation='softmax')."
        )


def _check_settings(
    epochs: int,
    batch_size: int,
    learning_rate: float | None,
    schedule: str | None,
    label_smoothing: float,
    patience: int | None,
    seed: int,
) -> None:
    """Refuse settings that are out of range."""
    counts = {"epochs": (epochs, 1), "batch_size": (batch_size, 1), "seed": (seed, 0)}
    if patience is not None:
        counts["patience"] = (patience, 1)
    for name, (value, least) in counts.items():
        if not isinstance(value, int | np.integer):
            raise TypeError(f"{name} must be an integer, got {value!r}.")
        if value < least:
            raise ValueError(f"{name} must be {least} or more, got {value}.")
    if learning_rate is not None and not (math.isfinite(learning_rate) and learning_rate > 0):
        raise ValueError(f"learning_rate must be a positive number, got {learning_rate}.")
    if schedule not in (None, "one_cycle"):
        raise ValueError(f"schedule must be None or 'one_cycle', got {schedule!r}.")
    if not 0 <= label_smoothing < 1:
        raise ValueError(f"label_smoothing must lie in [0, 1), got {label_smoothing}.")


def _check_augmentation(limits: Augmentation) -> Augmentation:
    """Give the limits back, or say which one is out of range."""
    if not isinstance(limits, Augmentation):
        what = _checks.describe(limits)
        raise TypeError(f"augmentation is {what}; expected a mnist_lib.training.Augmentation.")
    for name, value in limits._asdict().items():
        below = 1 if name == "scale" else None
        _checks.number(f"the augmentation's {name}", value, least=0, below=below)
    return limits


def _check_examples(
    model: keras.Model, images: Images, labels: Labels, x_name: str, y_name: str
) -> tuple[tf.Tensor, tf.Tensor]:
    """Give images and labels as tensors, or say what is wrong with them."""
    images, labels = np.asarray(images), np.asarray(labels)
    expected = model.input_shape[1:]
    if images.dtype.kind != "f":
        raise ValueError(
            f"{x_name} has dtype {images.dtype}; the network takes float32 in [0, 1]. "
            f"Call mnist_lib.data.prepare({x_name}) first."
        )
    if images.ndim != len(expected) + 1 or any(
        size not in (None, got) for size, got in zip(expected, images.shape[1:], strict=True)
    ):
        raise ValueError(
            f"{x_name} has shape {images.shape}; the network takes {(None, *expected)}. "
            "mnist_lib.data.prepare gives images of shape (N, 28, 28, 1)."
        )
    if labels.ndim == 2:
        raise ValueError(
            f"{y_name} has shape {labels.shape}, which looks one-hot; pass the labels themselves, "
            f"shape (N,): {y_name}.argmax(axis=1)."
        )
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{y_name} must be a one-dimensional array of integers, got {labels.ndim} dimensions "
            f"of {labels.dtype}."
        )
    if len(images) != len(labels):
        raise ValueError(f"{x_name} has {len(images)} images but {y_name} {len(labels)} labels.")
    if len(images) == 0:
        raise ValueError(f"{x_name} is empty: there is nothing to learn from.")
    if not np.isfinite(images).all():
        raise ValueError(f"{x_name} holds NaN or infinite values.")
    classes = model.output_shape[1]
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"{y_name} holds labels {labels.min()} … {labels.max()}; the network knows the "
            f"classes 0 … {classes - 1}."
        )
    return tf.constant(images.astype(np.float32, copy=False)), tf.constant(labels.astype(np.int64))
