"""What training needs beyond Keras: one cycle, digits changed at random, a run without Python.

Training itself is Keras' ``compile`` and ``fit``; chapter 4 writes that loop in its own cells, one
named step at a time, and shows that ``fit`` takes the same steps. `OneCycle` is derived there, too.
`fit_in_one_graph` is chapter 8's: the same steps again, and the whole run in one call.
`augment` and `augmented` are not derived in the course; chapter 7 shows what they draw.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mnist_lib import _checks
from mnist_lib.backend import keras, tf

__all__ = ["FAST", "Augmentation", "OneCycle", "augment", "augmented", "fit_in_one_graph"]

Images = npt.NDArray[np.floating[Any]]

# The fast recipe: fit_in_one_graph(models.whitened_cnn(images[:2000]), images, labels, **FAST).
FAST: dict[str, Any] = {"steps": 440, "batch_size": 64, "peak": 0.008, "warmup": 0.1}
BETA_1, BETA_2 = 0.7, 0.9  # of Adam: for so few steps, a shorter memory
LABEL_SMOOTHING = 0.1

# An elastic distortion is drawn at this many knots along each side, and smooth between them.
ELASTIC_KNOTS = 4


class Augmentation(NamedTuple):
    """How far `augment` and `augmented` may change an image; 0 switches a change off.

    Attributes
    ----------
    shift : float
        Largest displacement down or up, and right or left, in pixels.
    scale : float
        Largest change of height and of width, as a fraction of them; each is drawn by itself.
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


def fit_in_one_graph(
    network: keras.Model,
    images: Images,
    labels: npt.ArrayLike,
    *,
    steps: int,
    batch_size: int,
    peak: float,
    warmup: float = 0.2,
    seed: int = 0,
) -> None:
    """Train a network in one call of one compiled function: no step returns to Python.

    The steps are those of ``fit`` with ``Adam(OneCycle(peak, steps, warmup), beta_1=0.7,
    beta_2=0.9)`` and ``CategoricalCrossentropy(label_smoothing=0.1)``, to rounding. They cost less,
    because TensorFlow's own operation for Adam moves a variable at once, where Keras calls some
    fifteen. There are no metrics, no callbacks and no stopping on the way. Chapter 8 writes it.

    Parameters
    ----------
    network : keras.Model
        Built, with probabilities (N, classes) as its output. It is trained in place; layers that
        are not trainable stay as they are.
    images : float32 (N, height, width, channels)
        Prepared training images.
    labels : whole numbers (N,)
        Their classes.
    steps : int
        Number of batches. They may be part of an epoch or several: as many shuffled epochs as are
        needed follow each other, and a batch may lie across the border of two.
    batch_size : int
        Images in each batch, at most N.
    peak, warmup : float
        Of the learning rate's `OneCycle`.
    seed : int, optional
        Decides the order of the images (0 or more).

    Raises
    ------
    TypeError, ValueError
        If `images` are not floats, `labels` are not one class for each image, or a number is out of
        its range.
    """
    classes = network.output_shape[-1]
    images = _checks.array("images", images, "N height width channels", holds="floats")
    labels = _checks.labels("labels", labels, count=len(images), classes=classes)
    steps = _checks.whole("steps", steps, least=1)
    batch_size = _checks.whole("batch_size", batch_size, least=1, most=len(images))
    rng = np.random.default_rng(_checks.whole("seed", seed, least=0))
    rates = OneCycle(peak, steps, warmup)(np.arange(steps))

    epochs = math.ceil(steps * batch_size / len(images))
    order = np.concatenate([rng.permutation(len(images)) for _ in range(epochs)])
    batches = tf.constant(order[: steps * batch_size].reshape(steps, batch_size))
    smooth = np.full((classes, classes), LABEL_SMOOTHING / classes, np.float32)
    smooth += (1 - LABEL_SMOOTHING) * np.eye(classes, dtype=np.float32)
    images, targets, labels = tf.constant(images), tf.constant(smooth), tf.constant(labels)
    weights = [variable.value for variable in network.trainable_variables]
    means, squares = ([tf.Variable(tf.zeros_like(w)) for w in weights] for _ in range(2))

    def take(step: tf.Tensor) -> tuple[tf.Tensor]:
        batch = batches[step]
        with tf.GradientTape() as tape:
            answers = network(tf.gather(images, batch), training=True)
            wanted = tf.gather(targets, tf.gather(labels, batch))
            loss = tf.reduce_mean(keras.losses.categorical_crossentropy(wanted, answers))
        slopes = tape.gradient(loss, weights)
        number = tf.cast(step + 1, tf.float32)
        settings = {
            "beta1_power": BETA_1**number,
            "beta2_power": BETA_2**number,
            "lr": rates[step],
            "beta1": tf.constant(BETA_1),
            "beta2": tf.constant(BETA_2),
            "epsilon": tf.constant(keras.config.epsilon()),
        }
        for weight, mean, square, slope in zip(weights, means, squares, slopes, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle, m=mean.handle, v=square.handle, grad=slope, **settings
            )
        return (step + 1,)

    # TensorFlow's own loop: reading Python's would cost a tenth of the fast recipe.
    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def run() -> None:
        tf.while_loop(lambda step: step < steps, take, [0])

    run()


def augment(
    images: Images, augmentation: Augmentation | None = None, *, seed: int = 0
) -> npt.NDArray[np.float32]:
    """Change images at random as other hands and pens might have: same digits, other pixels.

    Every image gets its own shift, scale, rotation, shear and elastic distortion, carried out in
    one bilinear resampling, then its own stroke width and noise. Sizes are drawn evenly between
    their limits, elastic displacements and noise from normal distributions.
    `augmented` does the same to the batches of a data set.

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
    chosen = _check_augmentation(augmentation)
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
    limits = _check_augmentation(augmentation)
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
    """Give, for every pixel of the changed images, the row and column that it is read from."""
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


def _check_augmentation(limits: Augmentation | None) -> Augmentation:
    """Give the limits back, the default ones for None, or say which one is out of range."""
    if limits is None:
        return Augmentation()
    if not isinstance(limits, Augmentation):
        what = _checks.describe(limits)
        raise TypeError(f"augmentation is {what}; expected a mnist_lib.training.Augmentation.")
    for name, value in limits._asdict().items():
        below = 1 if name == "scale" else None
        _checks.number(f"the augmentation's {name}", value, least=0, below=below)
    return limits
