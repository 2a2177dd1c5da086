"""The exercises of chapter 8: errors that are gone, luck, the front, and what arithmetic costs."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from mnist_lib.exercises.engine import Case, Exercise, OneOf, Reference

# --- A jury ---------------------------------------------------------------------------------------

# Three networks, seven digits. The slips of the cases differ from the right answers at some digit.
_JURY = np.random.default_rng(3).dirichlet(np.full(10, 0.4), size=(3, 7))
_JURY[:, 0] = 0.02
_JURY[0, 0, 3], _JURY[1, 0, 8], _JURY[2, 0, 8] = 0.82, 0.44, 0.44
_JURY[1, 0, 3] = _JURY[2, 0, 3] = 0.40  # two networks out of three say 8, all together say 3
_JURY[:, 1] = 0.01
_JURY[0, 1, 4], _JURY[1, 1, 9], _JURY[2, 1, 9] = 0.91, 0.5, 0.5
_JURY[1, 1, 4] = _JURY[2, 1, 4] = 0.42
_JURY[:, 6] = 0.0  # one network rules the 0 out; a product of probabilities would obey it
_JURY[0, 6, [1, 7]] = 1e-9, 1
_JURY[1:, 6, [1, 7]] = 0.9, 0.1
_JURY /= _JURY.sum(axis=2, keepdims=True)
_FIVE = np.random.default_rng(8).dirichlet(np.full(4, 0.5), size=(5, 6))


def _jury(probabilities: Any) -> Any:
    return probabilities.mean(axis=0).argmax(axis=1)


def _majority(probabilities: Any) -> Any:
    votes = probabilities.argmax(axis=2)
    classes = probabilities.shape[2]
    return np.array([np.bincount(each, minlength=classes).argmax() for each in votes.T])


def _surest(probabilities: Any) -> Any:
    return probabilities.max(axis=0).argmax(axis=1)


def _product(probabilities: Any) -> Any:
    return np.log(probabilities + 1e-30).sum(axis=0).argmax(axis=1)


def _rounded_mean(probabilities: Any) -> Any:
    return np.round(probabilities.argmax(axis=2).mean(axis=0)).astype(int)


# --- Ten tweaks that change nothing ---------------------------------------------------------------

_COUNTS = np.arange(0, 101)
_CHANCES = stats.binom.pmf(_COUNTS, 5000, 0.006)
# The largest count that is at least a tenth below each count: nine tenths of it, rounded down.
_BELOW = stats.binom.cdf(np.floor(0.9 * _COUNTS + 1e-9), 5000, 0.006)
_FIRST = float(_CHANCES @ _BELOW)
_BEST = float(_CHANCES @ (1 - (1 - _BELOW) ** 10))
_FEWER = stats.binom.cdf(_COUNTS - 1, 5000, 0.006)
_ANY_GAIN = {
    "first tweak": float(_CHANCES @ _FEWER),
    "best of ten": float(_CHANCES @ (1 - (1 - _FEWER) ** 10)),
}
_NEVER = {"first tweak": 1 - _FIRST, "best of ten": 1 - _BEST}
_ALL_TWEAKS = float(_CHANCES @ _BELOW**10)
_NEAR = 0.025  # five standard errors of a fraction of 10,000 ablations

# --- The front ------------------------------------------------------------------------------------

_SECONDS = [5.0, 1.0, 20.0, 8.0, 3.0, 12.0, 3.5, 40.0]
_ERRORS = [1.20, 3.00, 0.70, 1.45, 1.60, 0.90, 1.90, 0.74]
_FRONT_INPUTS = (_SECONDS, _ERRORS, 0.1)
# Each recipe is just beaten, or just not, by the margin; a slower one that is better beats nobody.
_EXACT = ([2.0, 4.0, 6.0], [1.0, 1.25, 0.5], 0.25)
_NO_MARGIN = ([4.0, 1.0, 2.0, 3.0], [1.0, 4.0, 2.0, 3.0], 0.0)
# A chain: each is a little worse than the one before, and the last is clearly beaten by the first.
_CHAIN = ([1.0, 2.0, 3.0, 4.0], [1.0, 1.08, 1.16, 1.24], 0.1)
_TIED = ([3.0, 3.0, 1.0, 3.0], [1.0, 1.5, 2.0, 1.05], 0.2)


def _front(seconds: Any, errors: Any, margin: float) -> list[int]:
    pairs = list(zip(seconds, errors, strict=True))
    return [
        i
        for i, (time, error) in enumerate(pairs)
        if not any(other <= time and error - best > margin + 1e-9 for other, best in pairs)
    ]


def _beaten(*data: Any) -> list[int]:
    return sorted(set(range(len(data[0]))) - set(_front(*data)))


def _front_without_margin(seconds: Any, errors: Any, margin: float) -> list[int]:
    return _front(seconds, errors, 0.0)


def _by_error_alone(seconds: Any, errors: Any, margin: float) -> list[int]:
    return _front([0.0] * len(errors), errors, margin)


def _against_the_rest(seconds: Any, errors: Any, margin: float) -> list[int]:
    """Find those that beat some other recipe."""
    pairs = list(zip(seconds, errors, strict=True))
    return [
        i
        for i, (time, error) in enumerate(pairs)
        if any(time <= other and worse - error > margin + 1e-9 for other, worse in pairs)
    ]


def _in_order_of_seconds(*data: Any) -> list[int]:
    return sorted(_front(*data), key=lambda i: data[0][i])


def _places_in_sorted(seconds: Any, errors: Any, margin: float) -> list[int]:
    order = np.argsort(seconds, kind="stable")
    return _front(np.array(seconds)[order], np.array(errors)[order], margin)


# --- Multiply-adds --------------------------------------------------------------------------------

_FIRST_LAYER = (28, 28, 1, 16, 6, 2)


def _work(height: int, width: int, channels: int, filters: int, kernel: int, stride: int) -> int:
    rows, columns = ((side - kernel) // stride + 1 for side in (height, width))
    return rows * columns * kernel**2 * channels * filters


def _padded_work(h: int, w: int, channels: int, filters: int, kernel: int, stride: int) -> int:
    return -(-h // stride) * -(-w // stride) * kernel**2 * channels * filters


def _work_at_every_pixel(h: int, w: int, c: int, filters: int, kernel: int, stride: int) -> int:
    return _work(h, w, c, filters, kernel, 1)


def _work_without_plus_one(h: int, w: int, c: int, filters: int, kernel: int, stride: int) -> int:
    return ((h - kernel) // stride) * ((w - kernel) // stride) * kernel**2 * c * filters


def _outputs(h: int, w: int, channels: int, filters: int, kernel: int, stride: int) -> int:
    return _work(h, w, 1, filters, kernel, stride) // kernel**2


def _weights(h: int, w: int, channels: int, filters: int, kernel: int, stride: int) -> int:
    return kernel**2 * channels * filters


def _work_with_bias(h: int, w: int, channels: int, filters: int, kernel: int, stride: int) -> int:
    return _work(h, w, channels, filters, kernel, stride) + _outputs(
        h, w, channels, filters, kernel, stride
    )


def _one_side_of_kernel(h: int, w: int, c: int, filters: int, kernel: int, stride: int) -> int:
    return _work(h, w, c, filters, kernel, stride) // kernel


EXERCISES = (
    Exercise(
        id="08.relative",
        title="A tenth of a point near the top",
        stars=1,
        minutes=4,
        form="calculate",
        type="number",
        hints=(
            "Write down both errors first: 100 % minus each accuracy.",
            "Divide the difference of the two errors by the error before.",
        ),
        shows="Three in ten errors are gone. At 98 % the same fraction would be a rise of 0.6 "
        "percentage points, five times as much.",
        cases=(
            Case(
                name="points",
                slip=OneOf(0.12, 0.0012),
                tolerance=1e-4,
                mistake="That is the difference of the accuracies; the question is which fraction "
                "of the errors it makes.",
            ),
            Case(
                name="per cent",
                slip=30,
                tolerance=1e-3,
                mistake="Give it as a number between 0 and 1, not in per cent.",
            ),
            Case(
                name="new error",
                slip=0.12 / 0.28,
                tolerance=3e-3,
                mistake="You divided by the errors after the step; the errors before it are the "
                "whole of which a fraction is gone.",
            ),
            Case(
                name="left",
                slip=0.7,
                tolerance=3e-3,
                mistake="That is the fraction of the errors that are left.",
            ),
            Case(
                name="accuracies",
                slip=99.6 / 99.72,
                tolerance=5e-4,
                mistake="You compared accuracies; compare the errors.",
            ),
            Case(
                name="value",
                expect=0.3,
                tolerance=3e-3,
                mistake="From which error to which error does the network go, and which part of "
                "the first is the difference?",
            ),
        ),
    ),
    Exercise(
        id="08.jury",
        title="A jury that answers 5 or 6",
        stars=2,
        minutes=10,
        form="find the fault",
        type="array",
        inputs=(_JURY,),
        hints=(
            "What does the mean of an 8 and a 3 say about a digit?",
            "Bring the networks together while they still give probabilities: along which axis "
            "are the networks?",
        ),
        shows="Answers are names, so their mean has no meaning. Probabilities can be averaged, and "
        "a network that is sure then counts for more.",
        cases=(
            Case(
                name="fault",
                slip=_rounded_mean,
                mistake="The fault is still there: you take the mean of digits, as if a 5 lay "
                "between a 3 and an 8.",
            ),
            Case(
                name="probabilities",
                slip=lambda p: p.mean(axis=0),
                mistake="These are the jury's probabilities: one answer for each digit is left to "
                "find.",
            ),
            Case(
                name="majority",
                slip=_majority,
                mistake="You count votes. The ensemble of the chapter averages probabilities, so "
                "one sure network can outweigh two that hesitate.",
            ),
            Case(
                name="surest",
                slip=_surest,
                mistake="You follow whichever network is surest; the ensemble takes the mean of "
                "all of them.",
            ),
            Case(
                name="product",
                slip=_product,
                mistake="You multiply the probabilities, or add their logarithms. Then one network "
                "can rule a class out; the ensemble takes the mean.",
            ),
            Case(
                name="one network",
                slip=OneOf(lambda p: p[0].argmax(axis=1), lambda p: p[-1].argmax(axis=1)),
                mistake="These are the answers of one network alone.",
            ),
            Case(
                name="small",
                expect=Reference(_jury),
                mistake="Average over the networks, which are the first axis, and take the largest "
                "probability of each digit.",
            ),
            Case(
                name="other sizes",
                inputs=(_FIVE,),
                expect=Reference(_jury),
                mistake="It must also work for five networks, six digits and four classes: is a "
                "number written into your code?",
                explains_all=True,
            ),
        ),
    ),
    Exercise(
        id="08.useless",
        title="Ten tweaks that change nothing",
        stars=2,
        minutes=12,
        form="experiment",
        type="table",
        hints=(
            "A tweak removes at least a tenth if its count is at most nine tenths of the count "
            "without it, in the same ablation.",
            "tweaked.min(axis=1) is the best of the ten in each ablation. np.mean of a comparison "
            "is the fraction of ablations where it holds.",
        ),
        shows="A single tweak that does nothing seems to remove a tenth of the errors in about a "
        "third of the ablations, and the best of ten does so in four of five.",
        cases=(
            Case(
                name="names",
                expect=lambda v: set(v) == {"first tweak", "best of ten"},
                mistake='The dictionary needs two entries, "first tweak" and "best of ten", spelt '
                "like this.",
            ),
            Case(
                name="fractions",
                expect=lambda v: all(0 <= fraction <= 1 for fraction in v.values()),
                mistake="A fraction lies between 0 and 1: divide the count by the number of "
                "ablations.",
            ),
            Case(
                name="exchanged",
                slip={"first tweak": _BEST, "best of ten": _FIRST},
                tolerance=_NEAR,
                mistake="The two fractions seem to be exchanged: the best of ten has more chances "
                "than one.",
            ),
            Case(
                name="not a tenth",
                slip=_NEVER,
                tolerance=_NEAR,
                mistake="You counted the ablations in which nothing seems to be gained.",
            ),
            Case(
                name="any gain",
                slip=_ANY_GAIN,
                tolerance=0.012,
                mistake="You counted every gain; only those of at least a tenth of the errors "
                "count.",
            ),
            Case(
                name="first",
                expect=_FIRST,
                place="first tweak",
                tolerance=_NEAR,
                mistake="The fraction for the first tweak is not right: compare tweaked[:, 0] with "
                "0.9 * without, ablation by ablation.",
            ),
            Case(
                name="all ten",
                slip=_ALL_TWEAKS,
                place="best of ten",
                tolerance=_NEAR,
                mistake="You asked for all ten tweaks to gain; one of them is enough.",
            ),
            Case(
                name="mean of ten",
                slip=_FIRST,
                place="best of ten",
                tolerance=_NEAR,
                mistake="That is the mean over the ten tweaks; take the best of the ten in each "
                "ablation, the one with the fewest errors.",
            ),
            Case(
                name="best",
                expect=_BEST,
                place="best of ten",
                tolerance=_NEAR,
                mistake="The fraction for the best of ten is not right: the smallest of the ten "
                "counts belongs to its own ablation.",
            ),
        ),
    ),
    Exercise(
        id="08.follows",
        title="What does not follow?",
        stars=1,
        minutes=6,
        form="find the fault",
        type="letters",
        hints=(
            "Look at the ranges of the seeds first: do they overlap?",
            "A statement that nothing happens needs as much evidence as one that something does.",
        ),
        shows="A gain within the scatter of the seeds proves neither a gain nor its absence, and "
        "the digits that chose a network flatter it.",
        cases=(
            Case(
                name="letters",
                expect=lambda v: bool(v) and v <= set("ABCDEF"),
                mistake='Answer with a list of letters from A to F, such as ["A", "D"].',
            ),
            Case(
                name="those that follow",
                slip={"C", "D", "F"},
                mistake="These are the statements that follow from the table; list the others.",
            ),
            Case(
                name="C",
                expect=lambda v: "C" not in v,
                mistake="Statement C is only about counts that you can read: what is the most with "
                "augmentation, and the fewest without?",
            ),
            Case(
                name="D",
                expect=lambda v: "D" not in v,
                mistake="Work statement D out: the mean number of errors before and after, in "
                "5,000 digits.",
            ),
            Case(
                name="F",
                expect=lambda v: "F" not in v,
                mistake="An ensemble needs all of its networks: how many seconds are three runs?",
            ),
            Case(
                name="A",
                expect=lambda v: "A" in v,
                mistake="Statement A takes one error, from 30 to 29 on average, for a gain: look "
                "at how the seeds scatter.",
            ),
            Case(
                name="B",
                expect=lambda v: "B" in v,
                mistake="Statement B says that there is no effect at all: could three seeds show "
                "that?",
            ),
            Case(
                name="E",
                expect=lambda v: "E" in v,
                mistake="Statement E promises an exact result on other digits, for the best of "
                "nine networks.",
            ),
        ),
    ),
    Exercise(
        id="08.front_with_margin",
        title="A front that doubts",
        stars=3,
        minutes=15,
        form="write",
        type="numbers",
        inputs=_FRONT_INPUTS,
        hints=(
            "For one recipe, ask of every other: does it take no more seconds? And is its error "
            "lower by more than the margin?",
            "Go through all positions and keep those for which any(...) over all recipes is False.",
        ),
        shows="With a margin, recipes that luck could exchange stay together on the front.",
        cases=(
            Case(
                name="positions",
                expect=lambda v, seconds, errors, margin: set(v) <= set(range(len(seconds))),
                mistake="Return positions in the two lists, counted from 0: not seconds, not "
                "errors.",
            ),
            Case(
                name="beaten",
                slip=_beaten,
                mistake="These are the recipes that are beaten; return the others.",
            ),
            Case(
                name="margin",
                slip=_front_without_margin,
                mistake="Your front trusts every small difference: a recipe is beaten only by an "
                "error that is lower by more than the margin.",
            ),
            Case(
                name="error alone",
                slip=_by_error_alone,
                mistake="You compared errors alone. A slower recipe beats nobody that is quicker.",
            ),
            Case(
                name="winners",
                slip=_against_the_rest,
                mistake="You found the recipes that beat some other one; return those that no "
                "other beats.",
            ),
            Case(
                name="sorted places",
                slip=_places_in_sorted,
                mistake="These are places in the order of the seconds; return the positions in the "
                "lists as they were passed.",
            ),
            Case(
                name="order",
                slip=_in_order_of_seconds,
                mistake="The positions are right, but not in rising order.",
            ),
            Case(
                name="front",
                expect=Reference(_front),
                mistake="Try each recipe against every other one: no more seconds, and an error "
                "that is lower by more than the margin.",
                explains_all=True,
            ),
            Case(
                name="exactly",
                inputs=_EXACT,
                expect=Reference(_front),
                mistake="A difference of exactly the margin does not beat: it must be more.",
                explains_all=True,
            ),
            Case(
                name="no margin",
                inputs=_NO_MARGIN,
                expect=Reference(_front),
                mistake="Without a margin your function should give the front of the chapter, "
                "also where the recipes are in no order.",
                explains_all=True,
            ),
            Case(
                name="chain",
                inputs=_CHAIN,
                expect=Reference(_front),
                mistake="Each of these is only a little worse than the one before, but the last is "
                "clearly worse than the first: compare with every recipe, not only with the next "
                "one.",
                explains_all=True,
            ),
            Case(
                name="ties",
                inputs=_TIED,
                expect=Reference(_front),
                mistake="A recipe that takes exactly as many seconds can beat another one.",
                explains_all=True,
            ),
        ),
    ),
    Exercise(
        id="08.work_of_conv",
        title="The price of a convolution",
        stars=2,
        minutes=8,
        form="write",
        type="number",
        inputs=_FIRST_LAYER,
        hints=(
            "How many places does a kernel have along one side? Chapter 2 counts them.",
            "At each place every kernel uses each of its weights once, and it has weights for "
            "each channel.",
        ),
        shows="A stride of 2 divides the work of this layer by about four, and leaves every later "
        "layer fewer places as well.",
        cases=(
            Case(
                name="outputs",
                slip=_outputs,
                mistake="That is how many numbers come out; each of them needs one multiply-add "
                "for each weight of its kernel.",
            ),
            Case(
                name="weights",
                slip=_weights,
                mistake="These are the weights; a convolution uses them again at every place.",
            ),
            Case(
                name="stride",
                slip=_work_at_every_pixel,
                mistake="Your kernel stops at every pixel; with a stride it skips places.",
            ),
            Case(
                name="padding",
                slip=_padded_work,
                mistake="Without padding the kernel stays inside the image, so it has fewer "
                "places than that.",
            ),
            Case(
                name="plus one",
                slip=_work_without_plus_one,
                mistake="Count the places again: the kernel's first place counts as well.",
            ),
            Case(
                name="two",
                slip=lambda *sizes: 2 * _work(*sizes),
                mistake="A multiplication and its addition count as one multiply-add.",
            ),
            Case(
                name="biases",
                slip=_work_with_bias,
                mistake="Leave the biases out.",
            ),
            Case(
                name="one side",
                slip=_one_side_of_kernel,
                mistake="A kernel has a height and a width: use both.",
            ),
            Case(
                name="first layer",
                expect=Reference(_work),
                mistake="Multiply: places along both sides, filters, and the weights of one "
                "kernel.",
            ),
            Case(
                name="channels",
                inputs=(12, 12, 16, 32, 3, 1),
                expect=Reference(_work),
                mistake="With several channels a kernel has weights for each of them.",
            ),
            Case(
                name="not square",
                inputs=(20, 31, 2, 3, 4, 1),
                expect=Reference(_work),
                mistake="Height and width differ here: count the places along each side by itself.",
            ),
            Case(
                name="remainder",
                inputs=(28, 28, 3, 8, 5, 2),
                expect=Reference(_work),
                mistake="Here the last pixels are left over: a place that does not fit whole does "
                "not count.",
            ),
        ),
    ),
    Exercise(
        id="08.factors",
        title="What makes training dearer?",
        stars=1,
        minutes=6,
        form="predict",
        type="texts",
        hints=(
            "Multiply-adds of a convolution: places × weights of a kernel × filters. Which of "
            "these factors changes?",
            "Two of the five changes leave the training's arithmetic as it is: one only groups "
            "digits differently, the other happens after the training.",
        ),
        shows="Twice the filters, or twice the height and width of an image, cost four times as "
        "much. An ensemble costs as much as its networks together. Batches and shifts in reading "
        "leave the training's arithmetic as it is.",
        cases=(
            Case(
                name="five letters",
                expect=lambda v: len(v) == 5 and {each.upper() for each in v} <= set("ABCDE"),
                mistake="Give five letters from A to E, in the order of the list.",
            ),
            Case(
                name="filters",
                slip=OneOf("B", "A", "D", "E"),
                place=0,
                mistake="Most layers read the filters of the layer before, so twice as many "
                "filters change a layer's work on two sides.",
            ),
            Case(
                name="image",
                slip=OneOf("B", "A", "D", "E"),
                place=1,
                mistake="Twice the height and twice the width, with padding: how many times the "
                "places?",
            ),
            Case(
                name="batch",
                slip=OneOf("B", "C", "D", "E"),
                place=2,
                mistake="In an epoch every digit is read once, in whatever batches. The fixed "
                "price of a step is not arithmetic of the digits.",
            ),
            Case(
                name="ensemble",
                slip=OneOf("A", "B", "C", "E"),
                place=3,
                mistake="Every network of an ensemble is trained by itself.",
            ),
            Case(
                name="shifts",
                slip=OneOf("D", "B", "C", "E"),
                place=4,
                mistake="Test-time shifts begin when training is over: they make reading dearer.",
            ),
        ),
    ),
    Exercise(
        id="08.step_cost",
        title="The fixed price of a step",
        stars=2,
        minutes=6,
        form="calculate",
        type="number",
        hints=(
            "From batch size 8 to 128 a step has 120 digits more and takes 6 ms more.",
            "That gives the price of a digit, b. Take eight of them from the 2 ms.",
        ),
        shows="The fixed price is 1.6 ms, four fifths of a step at batch size 8 and half of one at "
        "batch size 32.",
        cases=(
            Case(
                name="seconds",
                slip=OneOf(0.0032, 3200.0),
                tolerance=1e-4,
                mistake="Give it in milliseconds.",
            ),
            Case(
                name="proportional",
                slip=8.0,
                tolerance=1e-3,
                mistake="You took four times the step at batch size 8; its fixed price is paid "
                "once, not four times.",
            ),
            Case(
                name="a quarter",
                slip=2.0,
                tolerance=1e-3,
                mistake="You took a quarter of the step at batch size 128; its fixed price does "
                "not shrink with the batch.",
            ),
            Case(
                name="fixed price",
                slip=1.6,
                tolerance=1e-3,
                mistake="That is the fixed price alone, or the price of the digits alone: they "
                "happen to be equal at this size. Add them.",
            ),
            Case(
                name="a digit",
                slip=OneOf(0.05, 0.1),
                tolerance=1e-3,
                mistake="That is the price of one digit; a step has a fixed price and 32 digits.",
            ),
            Case(
                name="halfway",
                slip=OneOf(5.0, 4.0),
                tolerance=1e-3,
                mistake="You took a mean of the two steps; batch size 32 lies nearer to 8 than to "
                "128.",
            ),
            Case(
                name="added",
                slip=3.6,
                tolerance=1e-3,
                mistake="You added 32 digits to the whole step at batch size 8, which holds eight "
                "digits already.",
            ),
            Case(
                name="value",
                expect=3.2,
                tolerance=1e-2,
                mistake="Two equations, a + 8b = 2 and a + 128b = 8: find b first, then a, then "
                "a + 32b.",
            ),
        ),
    ),
)
