"""The exercises of chapter 1: 8-bit pixels, centring, guessing, splits, leakage, the nearest digit.

Where a case looks for one particular slip, a function here computes what that slip would give.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mnist_lib.exercises.engine import Case, Earlier, Exercise, OneOf, Reference

_RNG = np.random.default_rng(6)


# --- pixel_sums -----------------------------------------------------------------------------------

_A, _B = np.array([250], np.uint8), np.array([30], np.uint8)
_PIXEL_SUMS = [int(v[0]) for v in (_A + _B, _B - _A, (_A + _B) // 2, _A // 2 + _B // 2)]

# --- centred --------------------------------------------------------------------------------------

_MIDDLE = 14


def _way(weights: Any, middle: float = _MIDDLE) -> Any:
    """Return how far, down and right, the centre of mass is from the middle."""
    weights = weights.astype(float)
    centre = np.array([(place * weights).sum() for place in np.indices(weights.shape)])
    return middle - centre / weights.sum()


def _keeps_brightness(result: Any, image: Any) -> bool:
    if result.shape != image.shape:  # told by the last case
        return True
    return bool((np.abs(result[..., np.newaxis] - np.unique(image)).min(axis=-1) < 0.01).all())


def _has_ink(result: Any, image: Any) -> bool:
    return result.shape != image.shape or bool(result.any())  # a lost shape: told by the last case


def _by(image: Any, way: Any, fill: Any = "constant") -> Any:
    """Return the image moved, fractions cut off; `fill` says what comes in, as np.pad names it."""
    padded = np.pad(image, 28, mode=fill)
    return np.roll(padded, np.trunc(way).astype(int), axis=(0, 1))[28:-28, 28:-28]


def _centred(image: Any) -> Any:
    return _by(image, np.rint(_way(image)))


def _by_ink_above(threshold: int) -> Callable[[Any], Any]:
    """Return the answer of a reader who counts each pixel above a threshold once."""
    return lambda image: _by(image, np.rint(_way(image > threshold)))


def _box_centred(image: Any) -> Any:
    places = np.argwhere(image > 0)
    return _by(image, np.rint(_MIDDLE - (places.min(axis=0) + places.max(axis=0)) / 2))


def _wrapped_products(image: Any) -> Any:
    # NumPy keeps uint8 when a single pixel is multiplied by a Python number.
    product = [(image * place.astype(np.uint8)).sum() for place in np.indices(image.shape)]
    return _by(image, np.rint(_MIDDLE - np.array(product) / image.sum()))


def _blot() -> Any:
    """Return an image whose centre of mass lies above and to the right of the middle."""
    image = np.zeros((28, 28), np.uint8)
    image[2:13, 15:25] = _RNG.integers(1, 256, size=(11, 10)) // np.arange(1, 11)
    image[2:5, 15:20] = 0
    return image


def _with_tail() -> Any:
    """Return an image with a faint tail that leaves the frame when the image is centred."""
    image = np.zeros((28, 28), np.uint8)
    image[9:24, :4] = _RNG.integers(150, 256, size=(15, 4))
    image[12, 4:27] = 30
    return image


_BLOT = _blot()
_TAIL = _with_tail()

# --- guessers -------------------------------------------------------------------------------------

_FRACTIONS = np.array([0.6, 0.3, 0.1])
_GUESSERS = [_FRACTIONS.max(), 1 / len(_FRACTIONS), (_FRACTIONS**2).sum()]


def _close(value: float, *others: float) -> bool:
    return any(abs(value - other) < 0.005 for other in others)


# --- split ----------------------------------------------------------------------------------------

# Every image shows its own number, and the labels are sorted: image k has label k // 10.
_NUMBERED = np.arange(60, dtype=np.uint8).repeat(6).reshape(60, 2, 3)
_SORTED_LABELS = np.arange(60) // 10
_SPLIT_INPUTS = (_NUMBERED, _SORTED_LABELS, 4)
_OTHER_SEED = (_NUMBERED, _SORTED_LABELS, 5)
# A length that five does not divide: no image may be left over.
_ODD_LENGTH = (np.arange(103, dtype=np.uint8).repeat(6).reshape(103, 2, 3), np.arange(103) // 10, 4)


def _is_in_order(parts: Any, *inputs: Any) -> bool:
    x_train, y_train, x_val, y_val = (len(part) for part in parts)
    return parts[1].ndim == parts[3].ndim == 1 and x_train == y_train >= x_val == y_val


def _has_fifths(parts: Any, *inputs: Any) -> bool:
    return [len(part) for part in parts] == [48, 48, 12, 12]


def _keeps_images(parts: Any, *inputs: Any) -> bool:
    return all(x.shape[1:] == (2, 3) and np.isin(x, _NUMBERED).all() for x in parts[::2])


def _keeps_pairs(parts: Any, *inputs: Any) -> bool:
    x_train, y_train, x_val, y_val = parts
    return all(np.array_equal(x[:, 0, 0] // 10, y) for x, y in ((x_train, y_train), (x_val, y_val)))


def _has_each_once(parts: Any, *inputs: Any) -> bool:
    numbers = np.concatenate([parts[0], parts[2]])[:, 0, 0]
    return np.array_equal(np.sort(numbers), np.arange(60))


def _has_all(parts: Any, images: Any, *inputs: Any) -> bool:
    numbers = np.concatenate([parts[0], parts[2]])[:, 0, 0]
    return np.array_equal(np.sort(numbers), images[:, 0, 0]) and abs(len(parts[2]) - 20.6) < 1


def _is_shuffled(parts: Any, *inputs: Any) -> bool:
    steps = np.diff(np.sort(parts[2][:, 0, 0].astype(int)))
    # In one piece, or in two where it runs over the end; or always the same distance apart.
    return bool(np.count_nonzero(steps != 1) > 1 and len(set(steps.tolist())) > 1)


# --- nearest_label --------------------------------------------------------------------------------


def _nearest_by(measure: Callable[[Any], Any], pick: Any = np.argmin) -> Callable[..., Any]:
    """Return the rule that answers by a measure of the differences, an array (N, H, W)."""

    def rule(image: Any, images: Any, labels: Any) -> Any:
        return labels[pick(measure(images.astype(float) - image).sum(axis=(1, 2)))]

    return rule


_nearest_label = _nearest_by(np.square)


def _nearest_by_columns(image: Any, images: Any, labels: Any) -> Any:
    """Return the label of the image whose columns are as bright on average."""
    columns = images.mean(axis=1, keepdims=True)
    return _nearest_label(image.mean(axis=0, keepdims=True), columns, labels)


def _largest_product(image: Any, images: Any, labels: Any) -> Any:
    return labels[(images.astype(float) * image).sum(axis=(1, 2)).argmax()]


def _wrapping(square_too: bool, type: Any = np.uint8) -> Callable[..., Any]:
    def rule(image: Any, images: Any, labels: Any) -> Any:
        difference = images.astype(type) - image.astype(type)
        square = difference**2 if square_too else difference.astype(float) ** 2
        return labels[square.sum(axis=(1, 2)).argmin()]

    return rule


def _nearest_mean(image: Any, images: Any, labels: Any) -> Any:
    classes = np.unique(labels)
    means = np.stack([images[labels == label].mean(axis=0) for label in classes])
    return _nearest_label(image, means, classes)


# Each slip below answers with another label than the right one.
_QUERY = np.full((4, 5), 100, np.uint8)
_QUERY[1, 2:] = 220
_REFERENCES = np.stack([_QUERY] * 9)
_REFERENCES[0] += 35  # nearest by no measure: the answer where all images are summed together
_REFERENCES[1] += 32  # nearest if the numbers wrap: 32 squared is a multiple of 256
_REFERENCES[2, 3, 3] -= 95  # far in one pixel only: nearest by absolute differences
_REFERENCES[3] -= 60  # darkest: the least sum of signed differences
_REFERENCES[4] -= 19  # nearest, although one pixel is farther than any of the sixth image
_REFERENCES[4, 0, 1] -= 21
_REFERENCES[5] -= 21
_REFERENCES[6, ::2] += 100  # farthest; its signed differences cancel
_REFERENCES[6, 1::2] -= 100
_REFERENCES[7] -= 44  # nearest in int8, where the square of 44 is -112
_REFERENCES[8] -= 40  # the last, where a loop ends
_NEAREST_INPUTS = (
    np.pad(_QUERY, ((12, 12), (11, 12))),
    np.pad(_REFERENCES, ((0, 0), (12, 12), (11, 12))),
    np.array([2, 7, 9, 5, 6, 1, 0, 8, 3]),
)

# The nearest image is a 9, the second a 7. The nearest mean is a 4, and so is the vote of three.
# The brightest image, with the largest product, is a 6.
_CLASSES = (
    np.full((28, 28), 100, np.uint8),
    np.array([105, 112, 130, 185, 70, 10], np.uint8).repeat(784).reshape(6, 28, 28),
    np.array([9, 7, 4, 6, 4, 9]),
)


def _strokes(*strokes: tuple[int, int]) -> Any:
    """Return images (N, 28, 28), each with a stroke of so many pixels of one brightness."""
    images = np.zeros((len(strokes), 28, 28), np.uint8)
    for image, (length, brightness) in zip(images, strokes, strict=True):
        image[14, :length] = brightness
    return images


# In int16, 200 squared is negative; in float16, all three distances are infinite.
_LARGE = (_strokes((0, 0))[0], _strokes((10, 200), (12, 100), (15, 100)), np.array([3, 8, 5]))

EXERCISES = (
    Exercise(
        id="01.pixel_sums",
        title="Predict the wrap",
        stars=1,
        minutes=4,
        form="predict",
        type="numbers",
        hints=(
            "Work in whole numbers first. Only then ask, at each step: is this between 0 and 255?",
            "Too large: take 256 off. Below zero: add 256. The third line wraps before it halves.",
        ),
        shows="Halves always fit into 8 bits, and their sum is right to within one; a sum that "
        "does not fit is lost before it is halved.",
        cases=(
            Case(
                name="four numbers",
                expect=lambda v: len(v) == 4,
                mistake="There are four lines, so give a list of four numbers.",
            ),
            Case(
                name="no wrap",
                slip=OneOf(280, -220),
                place=(0, 1),
                mistake="That is arithmetic on paper: a uint8 holds nothing above 255 and nothing "
                "below 0.",
            ),
            Case(
                name="clipped",
                slip=OneOf(255, 0),
                place=(0, 1),
                mistake="NumPy does not stop at the end of the range: it starts again at the other "
                "end.",
            ),
            Case(
                name="modulo 255",
                slip=OneOf(25, 35),
                place=(0, 1),
                mistake="You are off by one: 8 bits hold 256 numbers, because 0 is one of them.",
            ),
            Case(
                name="no sign",
                slip=220,
                place=1,
                mistake="A difference below zero does not lose its sign: it wraps, too.",
            ),
            Case(
                name="too late",
                slip=140,
                place=2,
                mistake="In the third line the sum comes first, and it has wrapped before it is "
                "halved.",
            ),
            Case(
                name="wraps needlessly",
                slip=12,
                place=3,
                mistake="In the fourth line look at each step: does any result leave the range?",
            ),
            Case(
                name="order",
                expect=lambda v: v == _PIXEL_SUMS or sorted(v) != sorted(_PIXEL_SUMS),
                mistake="All four numbers are there, but not in the order of the lines.",
            ),
            Case(
                name="first",
                expect=_PIXEL_SUMS[0],
                place=0,
                mistake="Look at the first line again: what is left of the sum when it starts "
                "again at 0?",
            ),
            Case(
                name="second",
                expect=_PIXEL_SUMS[1],
                place=1,
                mistake="Look at the second line again: the difference is below 0, so it wraps, "
                "too.",
            ),
            Case(
                name="third",
                expect=_PIXEL_SUMS[2],
                place=2,
                mistake="Look at the third line again: it halves what your first number says.",
            ),
            Case(
                name="fourth",
                expect=_PIXEL_SUMS,
                mistake="Look at the fourth line again: both halves are whole numbers, so small "
                "that nothing wraps.",
            ),
        ),
    ),
    Exercise(
        id="01.centred",
        title="Put the ink in the middle",
        stars=3,
        minutes=20,
        form="write",
        type="array",
        inputs=(_BLOT,),
        hints=(
            "There are three steps. Where is the centre of mass? How far is it from there to "
            "(14, 14), in whole pixels? Which part of the image lands where?",
            "SciPy's center_of_mass gives row and column. Subtract them from 14 and round. Then "
            "start with np.zeros_like(image). If the ink moves down by d > 0, then "
            "image[: 28 - d] goes to result[d:].",
        ),
        shows="That is the last step of MNIST's preparation. A picture of your own needs it too, "
        "before a network that was trained on MNIST reads it well.",
        cases=(
            Case(
                name="values",
                expect=_keeps_brightness,
                mistake="Your result holds brightnesses that the image did not have: move the ink "
                "by whole pixels and change no value.",
            ),
            Case(
                name="direction",
                slip=lambda image: _by(image, -np.rint(_way(image))),
                mistake="The ink went the wrong way: the centre of mass is now twice as far from "
                "the middle.",
            ),
            Case(
                name="axes",
                slip=OneOf(
                    lambda image: _by(image, np.rint(_way(image))[::-1]),
                    lambda image: _by(image, -np.rint(_way(image))[::-1]),
                ),
                mistake="Rows and columns have changed places: the first axis counts downwards.",
            ),
            Case(
                name="not moved",
                slip=lambda image: image,
                mistake="The ink is where it was: your function returns the image unmoved.",
            ),
            Case(
                name="one direction",
                slip=OneOf(
                    lambda image: _by(image, np.rint(_way(image)) * (1, 0)),
                    lambda image: _by(image, np.rint(_way(image)) * (0, 1)),
                ),
                mistake="The ink has moved in one direction only: work out the distance down and "
                "the distance to the right separately.",
            ),
            Case(
                name="rounded down",
                slip=OneOf(
                    lambda image: _by(image, np.rint(_way(image, 13.5))),
                    lambda image: _by(image, np.floor(_way(image))),
                ),
                mistake="Half a pixel is missing: MNIST's middle is row 14 and column 14, not "
                "13.5, and a distance is rounded to the nearest whole number, not down.",
            ),
            Case(
                name="cut",
                slip=lambda image: _by(image, _way(image)),
                mistake="You cut the fraction off, as int() does. Round to the nearest whole "
                "number.",
            ),
            Case(
                name="rounded up",
                slip=lambda image: _by(image, np.ceil(_way(image))),
                mistake="You rounded up. Round to the nearest whole number.",
            ),
            Case(
                name="counted from one",
                slip=OneOf(
                    lambda image: _by(image, np.rint(_way(image, 13))),
                    lambda image: _by(image, np.rint(_way(image, 15))),
                ),
                mistake="The ink is one pixel away from where it belongs: rows and columns are "
                "numbered from 0, and the middle is 14.",
            ),
            Case(
                name="weights",
                slip=OneOf(
                    *(_by_ink_above(threshold) for threshold in (0, 50, 100, 127)), _box_centred
                ),
                mistake="The centre of mass is weighted by brightness: a bright pixel counts for "
                "more than a faint one, and no pixel with ink is left out.",
            ),
            Case(
                name="empty",
                expect=_has_ink,
                mistake="No ink is left in the frame: nothing was copied, or the distance is far "
                "too long because sums of uint8 have wrapped.",
            ),
            Case(
                name="eight bits",
                slip=_wrapped_products,
                mistake="The products have wrapped: even a single pixel is a uint8, and so is its "
                "product with a Python number.",
            ),
            Case(
                name="here too",
                expect=Reference(_centred),
                mistake="The ink is not where it belongs: compare center_of_mass before and after, "
                "and ask whether every pixel counts by its brightness.",
            ),
            Case(
                name="comes back",
                inputs=(_TAIL,),
                slip=OneOf(
                    lambda image: _by(image, np.rint(_way(image)), fill="wrap"),
                    lambda image: _by(image, np.rint(_way(image)), fill="edge"),
                ),
                mistake="New rows and columns must be 0: not ink that left on the other side, and "
                "not a copy of the border.",
            ),
            Case(
                name="everywhere",
                inputs=(_TAIL,),
                expect=Reference(_centred),
                mistake="The ink is not where it belongs: compare center_of_mass before and after.",
            ),
            Case(
                name="type",
                expect=lambda result, image: result.dtype == np.uint8,
                mistake="The ink is in the right place, but the result is not of type uint8, which "
                "the docstring promises. np.zeros_like(image) makes one of the image's own type.",
            ),
        ),
    ),
    Exercise(
        id="01.guessers",
        title="Three programs that look at nothing",
        stars=1,
        minutes=5,
        form="calculate",
        type="numbers",
        hints=(
            "Think of 100 envelopes: how many does each program get right on average?",
            "Of the 60 envelopes with a 0, the third program answers 0 for 60 % of them. Add what "
            "it gets right of the 5s and of the 9s.",
        ),
        shows="Imitating the proportions does worse than always giving the commonest answer. So a "
        "program must at least beat that lazy answer.",
        cases=(
            Case(
                name="three numbers",
                expect=lambda v: len(v) == 3,
                mistake="There are three programs, so give a list of three numbers.",
            ),
            Case(
                name="percent",
                expect=lambda v: all(0 <= part <= 1 for part in v),
                mistake="Give fractions between 0 and 1, not percentages or counts.",
            ),
            Case(
                name="misread",
                slip=OneOf(*(1 - right for right in _GUESSERS)),
                place=(0, 1, 2),
                tolerance=0.005,
                mistake="An accuracy is the fraction of right answers; you gave a fraction of "
                "wrong ones.",
            ),
            Case(
                name="order",
                expect=lambda v: (
                    _close(v[0], _GUESSERS[0]) or not all(map(_close, sorted(v), sorted(_GUESSERS)))
                ),
                mistake="The right accuracies are there, but not in the order of the programs.",
            ),
            Case(
                name="lazy",
                expect=_GUESSERS[0],
                place=0,
                tolerance=0.005,
                mistake="The first program is right whenever the envelope shows a 0, and only "
                "then.",
            ),
            Case(
                name="ten digits",
                slip=0.1,
                place=1,
                tolerance=0.005,
                mistake="The second program draws one of three digits, not of ten.",
            ),
            Case(
                name="equal chances",
                expect=_GUESSERS[1],
                place=1,
                tolerance=0.005,
                mistake="Whatever digit is on the envelope: how often does the second program name "
                "that digit?",
            ),
            Case(
                name="not the lazy one",
                slip=OneOf(_FRACTIONS.max(), 1.0),
                place=2,
                tolerance=0.005,
                mistake="The third program answers 0 on 60 % of the envelopes, but those are not "
                "always the envelopes that show a 0.",
            ),
            Case(
                name="in proportion",
                expect=_GUESSERS[2],
                place=2,
                tolerance=0.005,
                mistake="For the third program, multiply the fraction of each digit by the chance "
                "that the program answers it, and add up.",
            ),
        ),
    ),
    Exercise(
        id="01.split",
        title="A split that ruins every model",
        stars=2,
        minutes=10,
        form="find the fault",
        type="arrays",
        inputs=_SPLIT_INPUTS,
        hints=(
            "Follow one image through the function. Which label has the same position afterwards?",
            "Each call of permutation draws a new order. Draw one order of the numbers 0 to n - 1 "
            "and index both arrays with it.",
        ),
        shows="One order for both arrays: an image without its own label teaches nothing.",
        cases=(
            Case(
                name="four parts",
                expect=lambda parts, *inputs: len(parts) == 4,
                mistake="Return four arrays: x_train, y_train, x_val, y_val.",
            ),
            Case(
                name="order",
                expect=_is_in_order,
                mistake="The order is x_train, y_train, x_val, y_val: images and their labels for "
                "training, then both for validation.",
            ),
            Case(
                name="a fifth",
                expect=_has_fifths,
                mistake="One fifth of the images belongs in validation and all the others in "
                "training; none belongs in both.",
            ),
            Case(
                name="images",
                expect=_keeps_images,
                mistake="The images have changed: their shape and pixels must stay as they were.",
            ),
            Case(
                name="pairs",
                expect=_keeps_pairs,
                mistake="Images and labels no longer match: image number k and label number k must "
                "belong to the same digit.",
            ),
            Case(
                name="each once",
                expect=_has_each_once,
                mistake="An image is in both parts, or twice in one of them, and another is lost.",
            ),
            Case(
                name="another length",
                inputs=_ODD_LENGTH,
                expect=_has_all,
                mistake="With 103 images the parts are not complete: about a fifth, 20 or 21, "
                "belongs in validation, and every other image in training.",
                explains_all=True,
            ),
            Case(
                name="at random",
                expect=_is_shuffled,
                mistake="The validation part follows the order of the file: a piece of it, or "
                "every fifth image. A sorted file then gives one-sided parts. Choose at random.",
            ),
            Case(
                name="repeatable",
                expect=Earlier("at random"),
                mistake="The same seed gave another split the second time. Give the seed to "
                "default_rng, inside the function.",
            ),
            Case(
                name="another seed",
                inputs=_OTHER_SEED,
                expect=Earlier("at random", same=False),
                mistake="Another seed gave the same split: the seed that the function is given "
                "must decide what is chosen.",
            ),
        ),
    ),
    Exercise(
        id="01.leaks",
        title="Spot the leaks",
        stars=2,
        minutes=6,
        form="find the fault",
        type="letters",
        hints=(
            "For each story ask two things. On which digits is the score computed? And has "
            "anything about them, or about their writers, been used before?",
            "Three of the six leak. In two of them a near copy, or the same handwriting, is on "
            "both sides of the split.",
        ),
        shows="To find a leak, you ask where a digit has been before. The line that computes the "
        "score looks the same with and without one.",
        cases=(
            Case(
                name="letters",
                expect=lambda v: v <= set("ABCDEF"),
                mistake="The stories have the letters a to f: list single letters, each in quotes.",
            ),
            Case(
                name="some",
                expect=bool,
                mistake="Not all six are sound. For each score, ask where its digits, their copies "
                "and their writers have been before.",
            ),
            Case(
                name="a",
                expect=lambda v: "A" not in v,
                mistake="(a) is sound: the numbers come from training images alone, and validation "
                "and test images are then treated as a new image would be.",
            ),
            Case(
                name="c",
                expect=lambda v: "C" not in v,
                mistake="(c) is sound: choosing is what validation digits are for, and the score "
                "reported comes from digits that chose nothing.",
            ),
            Case(
                name="e",
                expect=lambda v: "E" not in v,
                mistake="(e) is sound: it mends a leak. Before, the model had met that digit in "
                "training.",
            ),
            Case(
                name="b",
                expect=lambda v: "B" in v,
                mistake="Look at (b) again: where do the other copies of a validation digit go?",
            ),
            Case(
                name="d",
                expect=lambda v: "D" in v,
                mistake="Look at (d) again: what has the reported score been used for already?",
            ),
            Case(
                name="f",
                expect=lambda v: "F" in v,
                mistake="Look at (f) again: whose handwriting will the program read later, and "
                "whose has it already seen?",
            ),
        ),
    ),
    Exercise(
        id="01.nearest_label",
        title="Answer with the nearest",
        stars=2,
        minutes=12,
        form="write",
        type="number",
        inputs=_NEAREST_INPUTS,
        hints=(
            "Which type do images and image have? What is 100 - 200 in that type?",
            "Convert to float, subtract (NumPy repeats the image along the batch axis), square, "
            "and sum over axes 1 and 2. That gives one distance for each image. argmin then gives "
            "a position, and labels has the label at that position.",
        ),
        shows="A few lines, and nothing is fitted: this rule reads 95 or more in 100 of the "
        "chapter's validation digits correctly.",
        cases=(
            Case(
                name="eight bits",
                slip=OneOf(
                    _wrapping(square_too=True),
                    _wrapping(square_too=False),
                    _wrapping(square_too=True, type=np.int8),
                ),
                mistake="Numbers have wrapped, because 8 bits hold neither the differences nor "
                "their squares: convert to float before you subtract.",
            ),
            Case(
                name="a label",
                expect=lambda result, image, images, labels: result in labels.tolist(),
                mistake="Your answer is not one of the labels: it may be the position of the "
                "nearest image, or its distance.",
            ),
            Case(
                name="squares",
                slip=_nearest_by(np.abs),
                mistake="That image has the smallest sum of absolute differences; squared, one "
                "large difference weighs more than many small ones.",
            ),
            Case(
                name="signs",
                slip=_nearest_by(lambda difference: difference),
                mistake="Negative differences have cancelled positive ones, so the darkest image "
                "wins: square each difference.",
            ),
            Case(
                name="farthest",
                slip=OneOf(
                    _nearest_by(np.square, np.argmax),
                    _nearest_by_columns,
                ),
                mistake="That is the label of an image far away. Square each difference before you "
                "sum or average anything, sum over all pixels, and look for the smallest distance.",
            ),
            Case(
                name="last image",
                slip=lambda image, images, labels: labels[-1],
                mistake="That is the label of the last image: keep the label that belongs to the "
                "smallest distance so far.",
            ),
            Case(
                name="product",
                inputs=_CLASSES,
                slip=_largest_product,
                mistake="The brightest image wins, as it does if you multiply the images or scale "
                "only one side. Subtract like from like, square the differences, add them up.",
            ),
            Case(
                name="second nearest",
                inputs=_CLASSES,
                slip=lambda image, images, labels: _nearest_label(image, images[1:], labels[1:]),
                mistake="That is the second nearest image. Every image counts, also the first one, "
                "at position 0.",
            ),
            Case(
                name="no mean",
                inputs=_CLASSES,
                slip=_nearest_mean,
                mistake="Only the nearest image decides. Do not average the images of a class, and "
                "do not let several neighbours vote.",
            ),
            Case(
                name="right label",
                expect=Reference(_nearest_label),
                mistake="Another image is nearer. Does each of your distances sum over all pixels "
                "of one image?",
            ),
            Case(
                name="large",
                inputs=_LARGE,
                expect=Reference(_nearest_label),
                mistake="When the differences are large, you choose another image: 8 or 16 bits "
                "are too few for the differences, the squares or the sum. Convert to float32.",
            ),
        ),
    ),
    Exercise(
        id="01.half_lost",
        title="How far may a digit slip?",
        stars=2,
        minutes=12,
        form="experiment",
        type="number",
        hints=(
            "For each shift: roll x_val along its last axis, prepare it, reshape it to (N, 784), "
            "ask closest, and compare with y_val. Print shift and accuracy.",
            "The means stay as they are: fit_means(flat_train, y_train), once, before the loop. "
            "Then find the first accuracy below one half in your table.",
        ),
        shows="A stroke is about three pixels wide. Moved by its own width, it meets fewer of the "
        "pixels where the mean image expects ink.",
        cases=(
            Case(
                name="pixels",
                expect=lambda v: v == int(v),
                mistake="Give the shift in whole pixels, not the accuracy there.",
            ),
            Case(
                name="to the right",
                expect=lambda v: v >= 1,
                mistake="Digits that are not moved are read correctly four times in five. Move "
                "them to the right, by a number above 0.",
            ),
            Case(
                name="batch rolled",
                slip=1,
                mistake="One pixel costs only a few digits in a hundred. If you lost nearly all of "
                "them, you rolled the batch axis, and each digit now has another one's label.",
            ),
            Case(
                name="too early",
                slip=2,
                mistake="At two pixels to the right more than half are still read correctly. Did "
                "yours move up or down, did several shifts add up, or are the digits not prepared?",
            ),
            Case(
                name="moved along",
                expect=lambda v: v < 7,
                mistake="Far fewer pixels are enough if the means stay where they are. And the "
                "answer is a number of pixels, not of per cent.",
            ),
            Case(
                name="first",
                expect=3,
                mistake="At that shift fewer than half are read correctly, but it is not the "
                "smallest such shift.",
            ),
        ),
    ),
)
