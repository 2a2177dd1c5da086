"""The exercises of chapter 10: gradients added up, bytes counted, laws fitted, batches enlarged."""

from __future__ import annotations

from typing import Any

import numpy as np

from mnist_lib.exercises.engine import Case, Exercise, OneOf, Reference

# --- Unequal parts --------------------------------------------------------------------------------

_GRADIENTS = np.array([[1.0, -2.0, 0.5], [3.0, 4.0, -1.5]])
_UNEQUAL = (_GRADIENTS, np.array([48, 16]))
_IDLE = (np.vstack([_GRADIENTS, [[7.0, 7.0, 7.0]]]), np.array([30, 10, 0]))


def _joined(gradients: Any, counts: Any) -> Any:
    return np.average(gradients, axis=0, weights=counts)


def _weighted_sum(gradients: Any, counts: Any) -> Any:
    return np.asarray(counts) @ np.asarray(gradients)


# --- Whose weights are equal ----------------------------------------------------------------------

_SITUATIONS = ["A", "C", "B", "A", "B"]

# --- What the cables carry ------------------------------------------------------------------------

_PARAMETERS = (3 * 3 + 1) * 16 + (13 * 13 * 16 + 1) * 10
_BYTES = 4 * _PARAMETERS
_PER_SECOND = 1e9 / (8 * _BYTES)
_NO_BIAS = 3 * 3 * 16 + 13 * 13 * 16 * 10
_NO_POOL = (3 * 3 + 1) * 16 + (26 * 26 * 16 + 1) * 10

# --- Amdahl, fitted -------------------------------------------------------------------------------

_FITTED = (np.array([1, 2, 4, 8]), np.array([1.0, 0.625, 0.4, 0.3]))
_EXACT = (np.array([1, 2, 5]), 3 * (0.2 + 0.8 / np.array([1, 2, 5])))


def _fit(workers: Any, seconds: Any) -> tuple[float, float]:
    """Return a and b of the seconds a + b / n."""
    table = np.stack([np.ones(len(workers)), 1 / np.asarray(workers, float)], axis=1)
    fixed, divided = np.linalg.lstsq(table, np.asarray(seconds), rcond=None)[0]
    return float(fixed), float(divided)


def _serial_part(workers: Any, seconds: Any) -> float:
    fixed, divided = _fit(workers, seconds)
    return fixed / (fixed + divided)


def _by_the_first(workers: Any, seconds: Any) -> float:
    """Return the fraction of the fitted a in the measured time of one worker."""
    return _fit(workers, seconds)[0] / float(seconds[0])


def _line_in_n(workers: Any, seconds: Any) -> float:
    slope, level = np.polyfit(workers, seconds, 1)
    return float(level / (level + slope))


# --- The best number ------------------------------------------------------------------------------


def _step(n: Any, fixed: float, work: float, transfer: float, delay: float) -> Any:
    return fixed + work / n + 2 * (n - 1) / n * transfer + 2 * (n - 1) * delay


def _best(fixed: float, work: float, transfer: float, delay: float, most: int) -> int:
    return min(range(1, most + 1), key=lambda n: _step(n, fixed, work, transfer, delay))


def _without_one(fixed: float, work: float, transfer: float, delay: float, most: int) -> int:
    return min(range(2, most + 1), key=lambda n: _step(n, fixed, work, transfer, delay))


def _without_most(fixed: float, work: float, transfer: float, delay: float, most: int) -> int:
    return min(range(1, most), key=lambda n: _step(n, fixed, work, transfer, delay), default=1)


def _longest(fixed: float, work: float, transfer: float, delay: float, most: int) -> int:
    return max(range(1, most + 1), key=lambda n: _step(n, fixed, work, transfer, delay))


def _shortest_time(fixed: float, work: float, transfer: float, delay: float, most: int) -> float:
    return min(float(_step(n, fixed, work, transfer, delay)) for n in range(1, most + 1))


# --- Where the rule breaks ------------------------------------------------------------------------

_SIZES = np.array([16, 32, 64, 128, 256])
_BREAKS = (_SIZES, np.array([0.9, 0.91, 0.89, 0.7, 0.3]), 0.02)
_COMES_BACK = (_SIZES, np.array([0.9, 0.905, 0.8, 0.9, 0.3]), 0.02)
_BETTER = (_SIZES, np.array([0.85, 0.9, 0.86, 0.84, 0.5]), 0.02)
_HOLDS = (_SIZES, np.array([0.9, 0.9, 0.9, 0.9, 0.9]), 0.02)


def _breaking(sizes: Any, accuracies: Any, tolerance: float) -> int:
    last = sizes[0]
    for size, accuracy in zip(sizes, accuracies, strict=True):
        if accuracy < accuracies[0] - tolerance:
            break
        last = size
    return int(last)


def _first_bad(sizes: Any, accuracies: Any, tolerance: float) -> int:
    bad = [s for s, a in zip(sizes, accuracies, strict=True) if a < accuracies[0] - tolerance]
    return int(bad[0] if bad else sizes[-1])


def _largest_good(sizes: Any, accuracies: Any, tolerance: float) -> int:
    good = [s for s, a in zip(sizes, accuracies, strict=True) if a >= accuracies[0] - tolerance]
    return int(good[-1])


def _against_the_best(sizes: Any, accuracies: Any, tolerance: float) -> int:
    good = [s for s, a in zip(sizes, accuracies, strict=True) if a >= max(accuracies) - tolerance]
    return int(good[-1])


def _both_sides(sizes: Any, accuracies: Any, tolerance: float) -> int:
    last = sizes[0]
    for size, accuracy in zip(sizes, accuracies, strict=True):
        if abs(accuracy - accuracies[0]) > tolerance:
            break
        last = size
    return int(last)


def _two_letters(value: Any) -> bool:
    return len(value) == 2 and value <= set("ABCDEFST")


EXERCISES = (
    Exercise(
        id="10.joined",
        title="Unequal parts",
        stars=2,
        minutes=10,
        form="write",
        type="array",
        inputs=_UNEQUAL,
        hints=(
            "What is the sum of the gradients of one worker's digits, if their mean is known?",
            "Multiply each row by its number of digits, add the rows, divide by all digits.",
        ),
        shows="Means of parts make the mean of all only if each is weighted with its number of "
        "digits.",
        cases=(
            Case(
                name="plain mean",
                slip=lambda gradients, counts: np.mean(gradients, axis=0),
                mistake="This is the plain mean of the rows: a digit in a small part then counts "
                "more than a digit in a large one.",
            ),
            Case(
                name="added means",
                slip=lambda gradients, counts: np.sum(gradients, axis=0),
                mistake="You added the means. That is right for parts of one mean, as in the "
                "chapter's loss, but each row here is already a mean of its own.",
            ),
            Case(
                name="not divided",
                slip=OneOf(_weighted_sum, lambda g, counts: _weighted_sum(g, counts) / len(counts)),
                mistake="This is the sum over the digits, not yet their mean: divide by the number "
                "of all digits.",
            ),
            Case(
                name="value",
                expect=Reference(_joined),
                mistake="Weight each row with its worker's digits, and keep one number for each "
                "parameter.",
            ),
            Case(
                name="idle worker",
                inputs=_IDLE,
                expect=Reference(_joined),
                mistake="The third worker has no digit in this batch, so its row must not count.",
                explains_all=True,
            ),
        ),
    ),
    Exercise(
        id="10.doubled",
        title="Twice is too often",
        stars=2,
        minutes=10,
        form="find the fault",
        type="letters",
        hints=(
            "Compare the lines with `make_step`, one by one. Which of them has no counterpart?",
            "The step of the first optimiser is in proportion to the gradient. The other one "
            "divides the gradient by its own size, plus a small ε. Which entries of the gradient "
            "are so small that ε matters?",
        ),
        shows="Adam divides by the size of the gradient, so a factor that is always the same "
        "hardly shows: test with plain SGD.",
        cases=(
            Case(
                name="two letters",
                expect=_two_letters,
                mistake="Give a set of two letters: a line from A to F, and S or T.",
            ),
            Case(
                name="line E",
                slip=OneOf({"E", "S"}, {"E", "T"}),
                mistake="Line E takes the step, and `make_step` has it as well. What does it do "
                "with the gradients before that?",
            ),
            Case(
                name="line B",
                slip=OneOf({"B", "S"}, {"B", "T"}),
                mistake="Line B divides by the global batch, as it should: each worker holds a "
                "part of one mean.",
            ),
            Case(
                name="line",
                expect=lambda value: "D" in value,
                mistake="This line is right: `make_step` has it as well. Look for a line that does "
                "what another one does already.",
            ),
            Case(
                name="optimiser",
                expect={"D", "T"},
                mistake="The line is right. For the optimiser, look at the printed ratios: which "
                "one is near 1 in spite of the fault?",
            ),
        ),
    ),
    Exercise(
        id="10.same_weights",
        title="Five set-ups",
        stars=1,
        minutes=8,
        form="predict",
        type="texts",
        hints=(
            "A sum over digits may be cut anywhere. Which of the set-ups still have such a sum?",
            "An all-reduce returns when everybody has sent something. What if one never does?",
        ),
        shows="What is a sum over digits can be divided; what depends on the neighbours in the "
        "batch cannot; and nobody may stay away.",
        cases=(
            Case(
                name="letters",
                expect=lambda value: (
                    len(value) == 5 and all(v.upper() in ("A", "B", "C") for v in value)
                ),
                mistake="Give five letters, each A, B or C, in the order of the set-ups.",
            ),
            Case(
                name="unequal",
                expect="A",
                place=0,
                mistake="Set-up 1: each digit's loss is divided by 64, wherever it is computed. "
                "Does it matter how many of them one worker has?",
            ),
            Case(
                name="absent",
                expect="C",
                place=1,
                mistake="Set-up 2: worker 0 calls the all-reduce in that step and worker 1 does "
                "not. What does worker 0 do?",
            ),
            Case(
                name="own mean",
                expect="B",
                place=2,
                mistake="Set-up 3: does a digit's output depend on which other digits are in its "
                "worker's part?",
            ),
            Case(
                name="swapped",
                expect="A",
                place=3,
                mistake="Set-up 4: the two gradients change places. What becomes of their sum?",
            ),
            Case(
                name="same digits",
                expect="B",
                place=4,
                mistake="Set-up 5: which 32 digits of the batch does nobody compute?",
            ),
        ),
    ),
    Exercise(
        id="10.traffic",
        title="What the cable carries",
        stars=1,
        minutes=10,
        form="calculate",
        type="numbers",
        hints=(
            "The convolution gives maps of 26 × 26, the pooling 13 × 13. Do not forget the biases.",
            "A float32 has 4 bytes, a byte 8 bits. How many gradients fit into 10⁹ bits?",
        ),
        shows="The cable alone sets a limit to the steps in a second, however fast the workers "
        "are.",
        cases=(
            Case(
                name="three",
                expect=lambda value: len(value) == 3,
                mistake="Give three numbers: parameters, bytes, steps in a second.",
            ),
            Case(
                name="biases",
                slip=_NO_BIAS,
                place=0,
                mistake="The biases are missing: one for each channel and for each output.",
            ),
            Case(
                name="pooling",
                slip=_NO_POOL,
                place=0,
                mistake="The dense layer sees the maps after pooling, which halves both sides.",
            ),
            Case(
                name="parameters",
                expect=_PARAMETERS,
                place=0,
                mistake="Count again: each of 16 kernels has 9 weights and a bias, each of 10 "
                "outputs has one weight for each of its inputs and a bias.",
            ),
            Case(
                name="both ways",
                slip=2 * _BYTES,
                place=1,
                mistake="These are the bytes of both workers together; one of them sends half.",
            ),
            Case(
                name="bits",
                slip=OneOf(32 * _PARAMETERS, _PARAMETERS),
                place=(1, 1),
                mistake="A parameter takes 4 bytes, which are 32 bits: this is another unit.",
            ),
            Case(
                name="bytes",
                expect=_BYTES,
                place=1,
                mistake="Each parameter has one number in the gradient, of 4 bytes.",
            ),
            Case(
                name="bytes per second",
                slip=1e9 / _BYTES,
                place=2,
                mistake="The cable carries 10⁹ bits in a second, not bytes.",
                tolerance=0.01,
            ),
            Case(
                name="steps",
                expect=_PER_SECOND,
                place=2,
                mistake="How often do the bits of one gradient fit into what the cable carries in "
                "a second?",
                tolerance=0.01,
            ),
        ),
    ),
    Exercise(
        id="10.serial_part",
        title="Amdahl, fitted",
        stars=3,
        minutes=15,
        form="write",
        type="number",
        inputs=_EXACT,
        hints=(
            "The seconds are p + q / n: a straight line, but not in n. In what?",
            "`np.polyfit` fits a straight line; its slope comes first. With n = 1, what does one "
            "worker take in all, according to the fit?",
        ),
        shows="In 1/n Amdahl's law is a straight line, so an ordinary fit finds what cannot be "
        "divided.",
        cases=(
            Case(
                name="seconds",
                slip=lambda workers, seconds: _fit(workers, seconds)[0],
                mistake="This is the time that cannot be divided, in seconds; the fraction is "
                "wanted, so divide by what one worker takes.",
            ),
            Case(
                name="divided part",
                slip=lambda workers, seconds: 1 - _serial_part(workers, seconds),
                mistake="This is the fraction that can be divided; s is the rest.",
            ),
            Case(
                name="ratio",
                slip=lambda workers, seconds: _fit(workers, seconds)[0] / _fit(workers, seconds)[1],
                mistake="You divided p by q; one worker takes p + q.",
            ),
            Case(
                name="line in n",
                slip=_line_in_n,
                mistake="You fitted a line in n, but the time falls with 1/n.",
            ),
            Case(
                name="exact",
                expect=Reference(_serial_part),
                mistake="Here the times follow the law exactly, so the fit must find their s: fit "
                "p + q/n, and return p / (p + q).",
            ),
            Case(
                name="from the fit",
                inputs=_FITTED,
                slip=_by_the_first,
                mistake="You divided by the measured time of one worker. Take that of the fit, "
                "p + q: then a single odd measurement does less harm.",
            ),
            Case(
                name="measured",
                inputs=_FITTED,
                expect=Reference(_serial_part),
                mistake="Now the times scatter. Fit all of them by least squares, in seconds: not "
                "only the first and the last, and not their inverses.",
            ),
        ),
    ),
    Exercise(
        id="10.best_workers",
        title="When to stop adding",
        stars=2,
        minutes=12,
        form="write",
        type="number",
        inputs=(0.002, 0.6, 0.01, 0.001, 100),
        hints=(
            "Write the time of a step as a function of n, and compute it for n = 1, 2, … most.",
            "`min(range(1, most + 1), key=seconds)` returns the n with the smallest seconds.",
        ),
        shows="A sum of something that falls and something that rises has a lowest point: beyond "
        "it, more workers are slower.",
        cases=(
            Case(
                name="time",
                slip=_shortest_time,
                mistake="This is the shortest time; the number of workers that takes it is wanted.",
            ),
            Case(
                name="longest",
                slip=_longest,
                mistake="This is the number with the longest step.",
            ),
            Case(
                name="place",
                slip=lambda *inputs: _best(*inputs) - 1,
                mistake="This is one too few: the list of times begins with one worker, at the "
                "place 0.",
            ),
            Case(
                name="middle",
                expect=Reference(_best),
                mistake="The step is `fixed + work / n + 2 (n - 1) / n · transfer + 2 (n - 1) · "
                "delay`: check each term, and try every n.",
            ),
            Case(
                name="alone",
                inputs=(0.002, 0.001, 0.05, 0.01, 20),
                slip=_without_one,
                mistake="One worker is a choice as well: with so little work it is the best one.",
            ),
            Case(
                name="all",
                inputs=(0.002, 0.9, 0.0, 0.0, 12),
                slip=_without_most,
                mistake="The largest number allowed is a choice as well: `range(1, most)` leaves "
                "it out.",
            ),
            Case(
                name="between two",
                inputs=(0.002, 0.0242, 0.01, 0.001, 20),
                expect=Reference(_best),
                mistake="The best number need not be the root of a derivative, cut off or rounded: "
                "compare the steps of its whole neighbours.",
                explains_all=True,
            ),
            Case(
                name="one at most",
                inputs=(0.002, 0.5, 0.01, 0.001, 1),
                expect=Reference(_best),
                mistake="Here one worker is all there is.",
                explains_all=True,
            ),
        ),
    ),
    Exercise(
        id="10.breaking_batch",
        title="Where does the rule break?",
        stars=2,
        minutes=12,
        form="experiment",
        type="number",
        inputs=_BREAKS,
        hints=(
            "Go through the sizes in order, and stop at the first that has lost too much.",
            "Compare with `accuracies[0]`, and remember the last size before the break.",
        ),
        shows="Where the rule breaks depends on the rate that it starts from: it is a limit of "
        "the rate, not of the batch.",
        cases=(
            Case(
                name="first bad",
                slip=_first_bad,
                mistake="This is the first size that has lost too much; the one before it is "
                "wanted.",
            ),
            Case(
                name="place",
                slip=lambda *inputs: _SIZES.tolist().index(_breaking(*inputs)),
                mistake="This is the place in the list; return the size that stands there.",
            ),
            Case(
                name="breaks",
                expect=Reference(_breaking),
                mistake="A size is lost when its accuracy is more than `tolerance` below that of "
                "the first size.",
            ),
            Case(
                name="against the best",
                inputs=_BETTER,
                slip=_against_the_best,
                mistake="Compare with the first size, not with the best one.",
            ),
            Case(
                name="gain",
                inputs=_BETTER,
                slip=_both_sides,
                mistake="A size with a higher accuracy than the first one has lost nothing.",
            ),
            Case(
                name="comes back",
                inputs=_COMES_BACK,
                slip=_largest_good,
                mistake="One size in between broke off and a larger one was lucky. Stop at the "
                "first break.",
            ),
            Case(
                name="holds",
                inputs=_HOLDS,
                expect=Reference(_breaking),
                mistake="Nothing breaks off here, so the last size is the answer.",
                explains_all=True,
            ),
        ),
    ),
)
