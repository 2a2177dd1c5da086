"""The exercises of chapter 7: the box, ink on paper, augmentation, forgetting, declining, price."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

from mnist_lib.exercises.engine import Case, Exercise, OneOf, Reference, agrees

# --- A photograph in miniature --------------------------------------------------------------------

_RNG = np.random.default_rng(7)
_SIZE = 9
_MARGIN = _SIZE // 2  # how borders are treated is left to the answer


def _photo() -> Any:
    """Return grey paper that darkens to the right, with a bar of ink and a fainter one."""
    paper = np.linspace(240, 120, 40)[np.newaxis] * np.ones((30, 1))
    paper += _RNG.integers(0, 4, size=paper.shape)
    paper[8:22, 12:15] -= 90
    paper[8:22, 27:30] -= 60
    return paper.astype(np.uint8)


_PHOTO = _photo()


def _darkness(photo: Any, size: int) -> Any:
    return ndimage.maximum_filter(photo.astype(float), size) - photo


def _inside(result: Any) -> Any:
    return result[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]


def _far(result: Any, wrong: Any) -> bool:
    return not agrees(_inside(result), _inside(wrong))


# --- Forgetting -----------------------------------------------------------------------------------


def _answers(count: int, seed: int) -> tuple[Any, Any, Any]:
    """Return a network's answers before and after fine-tuning, and the labels."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % 10)
    before = np.where(rng.random(count) < 0.8, labels, rng.integers(10, size=count))
    after = np.where(rng.random(count) < 0.7, labels, rng.integers(10, size=count))
    return before, after, labels


def _per_label(part: Any, whole: Any, by: Any) -> Any:
    """Return for each digit the fraction of `whole` that is also `part`; 0 where there is none."""
    parts = np.bincount(by[whole & part], minlength=10)
    return parts / np.maximum(np.bincount(by[whole], minlength=10), 1)


def _forgotten(before: Any, after: Any, labels: Any) -> Any:
    return _per_label(after != labels, before == labels, labels)


def _count_forgotten(before: Any, after: Any, labels: Any) -> Any:
    return np.bincount(labels[(before == labels) & (after != labels)], minlength=10)


def _forgotten_of_all(before: Any, after: Any, labels: Any) -> Any:
    return _per_label((before == labels) & (after != labels), labels >= 0, labels)


def _net_loss(before: Any, after: Any, labels: Any) -> Any:
    known, kept = (_per_label(a == labels, labels >= 0, labels) for a in (before, after))
    return known - kept


def _misread_after(before: Any, after: Any, labels: Any) -> Any:
    return _per_label(after != labels, labels >= 0, labels)


def _forgotten_by_answer(before: Any, after: Any, labels: Any) -> Any:
    return _per_label(after != labels, before == labels, after)


_TUNED = _answers(300, 1)
_TUNED_WITHOUT_A_9 = (
    np.array([0, 1, 4, 9, 7]),
    np.array([0, 7, 9, 9, 7]),
    np.array([0, 1, 9, 4, 7]),
)

# --- Declining ------------------------------------------------------------------------------------

_PROBABILITIES = np.array(
    [
        [0.05, 0.90, 0.05, 0.00],
        [0.40, 0.25, 0.25, 0.10],
        [0.10, 0.20, 0.60, 0.10],
        [0.98, 0.01, 0.01, 0.00],
        [0.20, 0.50, 0.20, 0.10],
    ]
)


def _decide(probabilities: Any, threshold: float) -> Any:
    return np.where(probabilities.max(axis=1) >= threshold, probabilities.argmax(axis=1), -1)


# --- What a refusal costs -------------------------------------------------------------------------


def _batch(count: int, seed: int) -> tuple[Any, Any]:
    """Return probabilities of four classes, and labels that are right about as often as they say.

    No confidence lies on a threshold, so that it does not matter how two equal ones compare.
    """
    rng = np.random.default_rng(seed)
    confidence = rng.integers(30, 100, size=count) / 100 - 0.005
    answers = rng.integers(4, size=count)
    probabilities = np.repeat((1 - confidence)[:, np.newaxis] / 3, 4, axis=1)
    probabilities[np.arange(count), answers] = confidence
    right = rng.random(count) < confidence
    return probabilities, np.where(right, answers, (answers + 1) % 4)


_BATCH = _batch(60, 3)
_THRESHOLDS = np.arange(101) / 100


def _costs(probabilities: Any, labels: Any, price: float, declined: float = 1) -> Any:
    decided = [_decide(probabilities, threshold) for threshold in _THRESHOLDS]
    return np.array(
        [declined * np.sum(d == -1) + price * np.sum((d != -1) & (d != labels)) for d in decided]
    )


def _cheapest(probabilities: Any, labels: Any, price: float) -> float:
    return float(_THRESHOLDS[_costs(probabilities, labels, price).argmin()])


def _highest_cheapest(probabilities: Any, labels: Any, price: float) -> float:
    costs = _costs(probabilities, labels, price)
    return float(_THRESHOLDS[np.flatnonzero(costs == costs.min())[-1]])


def _refusals_of_right_digits(probabilities: Any, labels: Any, price: float) -> float:
    """Let only the refusal of a digit cost that would have been read correctly."""
    right = probabilities.argmax(axis=1) == labels
    below = probabilities.max(axis=1) < _THRESHOLDS[:, np.newaxis]
    costs = np.sum(below & right, axis=1) + price * np.sum(~below & ~right, axis=1)
    return float(_THRESHOLDS[costs.argmin()])


def _errors_charged_when_declined(probabilities: Any, labels: Any, price: float) -> float:
    """Charge every error, also one that was declined."""
    errors = np.sum(probabilities.argmax(axis=1) != labels)
    below = probabilities.max(axis=1) < _THRESHOLDS[:, np.newaxis]
    return float(_THRESHOLDS[(np.sum(below, axis=1) + price * errors).argmin()])


def _read_above(probabilities: Any, labels: Any, price: float) -> float:
    """Read only above the threshold, not on it."""
    wrong = probabilities.argmax(axis=1) != labels
    read = probabilities.max(axis=1) > _THRESHOLDS[:, np.newaxis]
    costs = np.sum(~read, axis=1) + price * np.sum(read & wrong, axis=1)
    return float(_THRESHOLDS[costs.argmin()])


def _cheapest_below_one(probabilities: Any, labels: Any, price: float) -> float:
    return float(_THRESHOLDS[_costs(probabilities, labels, price)[:-1].argmin()])


# A half and three quarters are exact, so they equal a threshold in whichever way it was computed.
_ON_A_THRESHOLD = (
    np.array([[0.5, 0.25, 0.25], [0.75, 0.125, 0.125], [0.125, 0.75, 0.125]]),
    np.array([1, 0, 1]),
    4,
)
# One of these sure digits is wrong, and dear.
_TOO_SURE = (np.array([[0.996, 0.002, 0.002], [0.002, 0.996, 0.002]]), np.array([0, 2]), 50)

EXERCISES = (
    Exercise(
        id="07.fit_size",
        title="How large in the box?",
        stars=1,
        minutes=6,
        form="write",
        type="numbers",
        inputs=(40, 20),
        hints=(
            "One factor serves both sides. Which side decides it?",
            "scale = 20 / max(height, width); multiply both sides by it, and round neither.",
        ),
        shows="One factor for both sides keeps the aspect, and the longer side sets it.",
        cases=(
            Case(
                name="aspect",
                slip=[20, 20],
                mistake="This stretches: both sides must shrink by the same factor.",
            ),
            Case(
                name="order",
                slip=[10, 20],
                mistake="The two sizes have changed places: the new height comes first.",
            ),
            Case(
                name="image size",
                slip=OneOf(28, 28),
                place=(0, 1),
                mistake="The digit goes into a box of 20 × 20; 28 × 28 is the image around it.",
            ),
            Case(
                name="tall",
                expect=[20, 10],
                mistake="The longer side becomes 20, the other keeps its proportion to it.",
            ),
            Case(
                name="wide",
                inputs=(15, 60),
                expect=[5, 20],
                mistake="This digit is wider than it is high, so its width must decide the factor.",
                explains_all=True,
            ),
            Case(
                name="small",
                inputs=(8, 4),
                expect=[20, 10],
                mistake="A small digit is enlarged: its longer side becomes 20, too.",
            ),
            Case(
                name="equal",
                inputs=(35, 35),
                expect=[20, 20],
                mistake="Here both sides are equally long, so both become 20.",
                explains_all=True,
            ),
            Case(
                name="fraction",
                inputs=(40, 27),
                expect=[20, 13.5],
                mistake="The digit may end in the middle of a pixel: keep the fraction. Rounding "
                "would change its aspect.",
            ),
            Case(
                name="thin",
                inputs=(200, 3),
                expect=[20, 0.3],
                mistake="A thin 1 may be thinner than a pixel, which then is grey. Do not round "
                "its width up to a whole one.",
                explains_all=True,
            ),
        ),
    ),
    Exercise(
        id="07.against_paper",
        title="Ink or shadow?",
        stars=2,
        minutes=8,
        form="find the fault",
        type="array",
        inputs=(_PHOTO, _SIZE),
        hints=(
            "Print the faulty result for the left and the right end of an empty sheet.",
            "The paper's brightness must be taken near each pixel: ndimage.maximum_filter does "
            "that.",
        ),
        shows="Dark means darker than the paper around it, so a shadow is not ink.",
        cases=(
            Case(
                name="one paper",
                expect=lambda result, photo, size: _far(result, photo.max() - photo.astype(float)),
                mistake="One brightness for the whole sheet turns the shaded side into ink.",
            ),
            Case(
                name="the wrong way round",
                expect=lambda result, photo, size: _far(result, -_darkness(photo, size)),
                mistake="Your ink is negative: subtract the pixel from the paper.",
            ),
            Case(
                name="wraps",
                expect=lambda result, photo, size: _far(
                    result, photo - ndimage.maximum_filter(photo, size)
                ),
                mistake="Pixel minus paper is negative, and in uint8 a negative number starts "
                "again from 255: turn the difference round.",
            ),
            Case(
                name="mean paper",
                expect=lambda result, photo, size: _far(
                    result, ndimage.uniform_filter(photo.astype(float), size) - photo
                ),
                mistake="A local mean takes the ink for paper, too. The paper is the brightest "
                "pixel near by.",
            ),
            Case(
                name="paper alone",
                expect=lambda result, photo, size: _far(
                    result, _darkness(photo, size) + photo.astype(float)
                ),
                mistake="This is how bright the paper is: how much darker is each pixel than that?",
            ),
            Case(
                name="other units",
                expect=lambda result, photo, size: all(
                    _far(scale * result, _darkness(photo, size))
                    for scale in (255, _darkness(photo, size).max())
                ),
                mistake="The differences are right, in another unit: give them in the grey levels "
                "of the photograph, without dividing.",
            ),
            Case(
                name="darkest",
                expect=lambda result, photo, size: _far(
                    result, photo - ndimage.minimum_filter(photo.astype(float), size)
                ),
                mistake="You compared with the darkest pixel near by, which is ink. Which one is "
                "paper?",
            ),
            Case(
                name="window",
                expect=lambda result, photo, size: all(
                    _far(result, _darkness(photo, wrong)) for wrong in (size // 2, 2 * size + 1)
                ),
                mistake="Your window has another size. It is size pixels wide and size pixels "
                "high, so how far does it reach from the middle?",
            ),
            Case(
                name="everywhere",
                expect=lambda result, photo, size: (
                    result.shape == photo.shape
                    and agrees(_inside(result), _inside(_darkness(photo, size)), 1e-3)
                ),
                mistake="For each pixel, take the brightest value in its size × size window, "
                "minus the pixel itself.",
                explains_all=True,
            ),
            Case(
                name="another size",
                inputs=(_PHOTO, 5),
                expect=lambda result, photo, size: (
                    result.shape == photo.shape
                    and agrees(_inside(result), _inside(_darkness(photo, size)), 1e-3)
                ),
                mistake="It works for a window of 9 pixels only: is a size written into your code?",
                explains_all=True,
            ),
        ),
    ),
    Exercise(
        id="07.label_safe",
        title="Which changes keep the label?",
        stars=1,
        minutes=8,
        form="predict",
        type="letters",
        hints=(
            "Picture what each change makes of a 2, a 6 and a 7.",
            "Leave a change out if it makes another digit, or no digit, of even one of the ten.",
        ),
        shows="A change may be taught only if a person would still give the old label.",
        cases=(
            Case(
                name="letters",
                expect=lambda v: v <= set("ABCDEF"),
                mistake="The changes have the letters A to F: list single letters, each in quotes.",
            ),
            Case(
                name="some",
                expect=bool,
                mistake="Some of the changes are safe: other people write like that anyway.",
            ),
            Case(
                name="B",
                expect=lambda v: "B" not in v,
                mistake="Look at a 2 or a 7 in a mirror: would you still call it by its old label?",
            ),
            Case(
                name="C",
                expect=lambda v: "C" not in v,
                mistake="Turned by half a circle, a 6 is a 9, and it would be taught as a 6.",
            ),
            Case(
                name="A",
                expect=lambda v: "A" in v,
                mistake="Look at A again: which digit becomes another one when it moves?",
            ),
            Case(
                name="D",
                expect=lambda v: "D" in v,
                mistake="Look at D again: does a thicker pen write other digits?",
            ),
            Case(
                name="E",
                expect=lambda v: "E" in v,
                mistake="Look at E again: turn your head a little. Do you read anything else?",
            ),
            Case(
                name="F",
                expect=lambda v: "F" in v,
                mistake="Look at F again: many people's handwriting slants.",
            ),
        ),
    ),
    Exercise(
        id="07.forgotten",
        title="Which digits are forgotten?",
        stars=2,
        minutes=10,
        form="experiment",
        type="array",
        inputs=_TUNED,
        hints=(
            "For one label: which digits have it and were read correctly before? How many of these "
            "are misread afterwards?",
            "known = (labels == digit) & (before == labels); then the mean of (after != labels) "
            "over known, or 0 if known is nowhere True. Repeat for the ten digits.",
        ),
        shows="One accuracy can hide that a network has lost a single digit almost entirely.",
        cases=(
            Case(
                name="one for each digit",
                expect=lambda result, *inputs: result.shape == (10,),
                mistake="Ten numbers were expected, one for each digit from 0 to 9.",
            ),
            Case(
                name="counts",
                slip=_count_forgotten,
                mistake="You counted. Divide by the number of this label's digits that were read "
                "correctly before.",
            ),
            Case(
                name="of all digits of the label",
                slip=_forgotten_of_all,
                mistake="Only what was known can be forgotten: divide by the digits that were read "
                "correctly before, not by all of the label.",
            ),
            Case(
                name="net loss",
                slip=_net_loss,
                mistake="Digits that are newly read do not cancel forgotten ones. Count the "
                "forgotten ones alone.",
            ),
            Case(
                name="misread afterwards",
                slip=_misread_after,
                mistake="Some of these were misread before, too. Look only at the digits that were "
                "read correctly before.",
            ),
            Case(
                name="by the answer",
                slip=_forgotten_by_answer,
                mistake="You sorted the digits by what the network answers; sort them by their "
                "labels.",
            ),
            Case(
                name="forgotten",
                expect=Reference(_forgotten),
                mistake="For each label, take the digits that were read correctly before, and the "
                "fraction of them that is misread afterwards.",
            ),
            Case(
                name="nothing known",
                inputs=_TUNED_WITHOUT_A_9,
                expect=Reference(_forgotten),
                mistake="Here no 9 was read correctly before, so none can be forgotten: that gives "
                "0, not NaN.",
                explains_all=True,
            ),
        ),
    ),
    Exercise(
        id="07.decide",
        title="Read or decline",
        stars=2,
        minutes=8,
        form="write",
        type="array",
        inputs=(_PROBABILITIES, 0.55),
        hints=(
            "Each row needs its largest probability and where that stands.",
            "np.where(confidence >= threshold, labels, -1), with one confidence for each row.",
        ),
        shows="One comparison turns a reader that always answers into one that can decline.",
        cases=(
            Case(
                name="None",
                expect=lambda result, *inputs: bool(np.isfinite(result).all()),
                mistake="A declined image gets the number −1: None would leave an array that "
                "nobody can compute with.",
            ),
            Case(
                name="left out",
                expect=lambda result, probabilities, threshold: result.shape != (3,),
                mistake="A declined image keeps its place, with −1 in it: there is one answer for "
                "each image.",
            ),
            Case(
                name="axis",
                expect=lambda result, probabilities, threshold: result.shape == (5,),
                mistake="One number for each image was expected: a row of the table is one image, "
                "so its classes lie along axis 1.",
            ),
            Case(
                name="reversed",
                slip=[-1, 0, -1, -1, 1],
                mistake="You decline the confident answers: the comparison is the wrong way round.",
            ),
            Case(
                name="all declined",
                inputs=(_PROBABILITIES, 0.99),
                expect=[-1, -1, -1, -1, -1],
                mistake="No probability reaches this threshold, so every image is declined.",
            ),
            Case(
                name="some",
                expect=[1, -1, 2, 0, -1],
                mistake="Decline where the largest probability is below the threshold, and give "
                "the place of the largest elsewhere.",
            ),
            Case(
                name="equal",
                inputs=(_PROBABILITIES, 0.5),
                expect=Reference(_decide),
                mistake="A probability that equals the threshold is not below it.",
            ),
            Case(
                name="low threshold",
                inputs=(_PROBABILITIES, 0.2),
                expect=Reference(_decide),
                mistake="At a threshold below one half, several probabilities of an image can "
                "reach it: give the largest of them.",
            ),
            Case(
                name="whole numbers",
                expect=lambda result, *inputs: result.dtype.kind in "iu",
                mistake="The values are right, but digits are whole numbers: return an array of "
                "integers. What turned it into decimals?",
            ),
            Case(
                name="another batch",
                inputs=(_PROBABILITIES[1:4, :3], 0.3),
                expect=Reference(_decide),
                mistake="It works for five images and four classes only: is a number written into "
                "your code?",
                explains_all=True,
            ),
        ),
    ),
    Exercise(
        id="07.cheapest_threshold",
        title="What should a refusal cost?",
        stars=3,
        minutes=15,
        form="experiment",
        type="number",
        inputs=(*_BATCH, 4),
        hints=(
            "For one threshold: how many digits are declined, and how many are read and wrong? "
            "Their cost is declined + price × wrong.",
            "Put that into a loop over np.arange(101) / 100 and keep the costs in a list. "
            "np.argmin gives the first place of the smallest one.",
        ),
        shows="The right threshold is a question of prices, not of the network alone: the dearer "
        "an error, the more correct answers it pays to give up.",
        cases=(
            Case(
                name="a threshold",
                expect=lambda v, *inputs: 0 <= v <= 1,
                mistake="Return the threshold itself, a number from 0 to 1: neither its place in "
                "the list nor its cost.",
            ),
            Case(
                name="always read",
                slip=OneOf(
                    0,
                    lambda p, labels, price: _cheapest(p, labels, 1 / price),
                    lambda p, labels, price: _cheapest(p, labels, 1),
                    _errors_charged_when_declined,
                ),
                mistake="At threshold 0 nothing is declined, and every error costs its price. A "
                "higher threshold is cheaper here. In your function, does a digit that is read "
                "wrongly cost price, and a declined one 1, whether or not it would have been "
                "wrong?",
            ),
            Case(
                name="always decline",
                slip=1,
                mistake="At threshold 1 every digit is declined, and each of them costs 1. Some "
                "lower threshold is cheaper here.",
            ),
            Case(
                name="highest",
                slip=_highest_cheapest,
                mistake="Several thresholds cost the same here: return the lowest of them.",
            ),
            Case(
                name="right ones alone",
                slip=_refusals_of_right_digits,
                mistake="Every refusal costs 1, also that of a digit that would have been misread.",
            ),
            Case(
                name="cheapest",
                expect=Reference(_cheapest),
                mistake="For each threshold, count the declined digits, and the wrong ones among "
                "those that are read; multiply the wrong ones by price, and add.",
            ),
            Case(
                name="another price",
                inputs=(*_BATCH, 20),
                expect=Reference(_cheapest),
                mistake="It works for a price of 4 only: is a number written into your code?",
                explains_all=True,
            ),
            Case(
                name="cheap errors",
                inputs=(*_batch(30, 2), 0.5),
                expect=Reference(_cheapest),
                mistake="An error can be cheaper than a refusal. Then it is cheapest to decline "
                "nothing: try the threshold 0, too.",
            ),
            Case(
                name="on a threshold",
                inputs=_ON_A_THRESHOLD,
                slip=_read_above,
                mistake="One probability here equals a threshold, and then the digit still counts "
                "as read (Exercise 7.5).",
            ),
            Case(
                name="threshold 1",
                inputs=_TOO_SURE,
                slip=_cheapest_below_one,
                mistake="Here only the threshold 1 is high enough: is it among those that you try?",
            ),
            Case(
                name="exact and sure",
                inputs=_ON_A_THRESHOLD,
                expect=Reference(_cheapest),
                mistake="The smallest cost decides, also where a probability equals a threshold.",
                explains_all=True,
            ),
        ),
    ),
)
