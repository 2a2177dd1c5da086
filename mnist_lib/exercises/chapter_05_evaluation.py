"""The exercises of chapter 5: intervals, fair tests, confusion, confidence and paired models."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import stats

from mnist_lib.exercises.engine import Case, Exercise, OneOf, Reference

_Z = 1.96

# --- A temperature --------------------------------------------------------------------------------

_ROOTS = np.sqrt([0.9, 0.1])  # half a logarithm is the logarithm of the root
_SOFTENED = float(_ROOTS[0] / _ROOTS.sum())
_OF_HALVES = float(1 / (1 + np.exp((0.1 - 0.9) / 2)))  # a softmax without any logarithm

# --- Coverage -------------------------------------------------------------------------------------

_MARKS = np.arange(101) / 100  # every mark that an exam of 100 digits can give
_CHANCES = stats.binom.pmf(np.arange(101), 100, 0.99)
_ERRORS = np.sqrt(_MARKS * (1 - _MARKS) / 100)
_SHORTCUT = float(_CHANCES[np.abs(_MARKS - 0.99) <= _Z * _ERRORS].sum())
_WILSON = float(_CHANCES[np.abs(_MARKS - 0.99) <= _Z * math.sqrt(0.99 * 0.01 / 100)].sum())
_MISSED = {"shortcut": 1 - _SHORTCUT, "Wilson": 1 - _WILSON}
_NEAR = 0.02  # four standard errors of a fraction of 10,000 exams
# With 10,000 in the place of 100 digits only an exam with 99 holds the truth, by either method.
_NARROW = dict.fromkeys(_MISSED, float(_CHANCES[99]))

# --- Confusion ------------------------------------------------------------------------------------

# The right answer and the slips of each case below point at different places of this table.
_CONFUSION = np.array(
    [
        [47, 13, 10, 3, 6, 2],
        [14, 111, 13, 13, 10, 14],
        [6, 3, 39, 6, 3, 11],
        [7, 12, 0, 43, 6, 13],
        [8, 11, 11, 1, 48, 13],
        [4, 1, 6, 12, 2, 92],
    ]
)
_TEN = np.diag(np.arange(80, 130, 5)) + np.random.default_rng(5).integers(0, 9, (10, 10))
_TEN[8, 3] += 12


def _without_diagonal(table: Any) -> Any:
    return np.where(np.eye(len(table), dtype=bool), 0, table)


def _largest(table: Any) -> list[int]:
    return [int(k) for k in np.unravel_index(_without_diagonal(table).argmax(), table.shape)]


def _worst_mixup(confusion: Any) -> list[int]:
    return _largest(confusion / confusion.sum(axis=1, keepdims=True))


def _mixup_by_columns(confusion: Any) -> list[int]:
    return _largest(confusion / confusion.sum(axis=1))


def _mixup_of_answers(confusion: Any) -> list[int]:
    return _largest(confusion / confusion.sum(axis=0))


def _mixup_of_errors(confusion: Any) -> list[int]:
    errors = _without_diagonal(confusion)
    return _largest(errors / errors.sum(axis=1, keepdims=True))


def _mixup_of_errors_per_answer(confusion: Any) -> list[int]:
    errors = _without_diagonal(confusion)
    return _largest(errors / errors.sum(axis=0))


def _mixup_against_right(confusion: Any) -> list[int]:
    return _largest(confusion / np.diag(confusion)[:, None])


def _mixups_of_both(confusion: Any) -> list[list[int]]:
    """Divide by a row and a column together: their sum, what either holds, their product's root."""
    rows, columns = confusion.sum(axis=1, keepdims=True), confusion.sum(axis=0)
    sums = rows + columns
    return [_largest(confusion / d) for d in (sums, sums - confusion, np.sqrt(rows * columns))]


def _mixup_of_worst_class(confusion: Any) -> list[int]:
    worst = int((np.diag(confusion) / confusion.sum(axis=1)).argmin())
    return [worst, int(_without_diagonal(confusion)[worst].argmax())]


# --- Thresholds -----------------------------------------------------------------------------------

_SORTED = (
    np.array([0.98, 0.95, 0.9, 0.85, 0.7, 0.55]),
    np.array([True, True, True, True, False, False]),
    0.75,
)
_SHUFFLED = (
    np.array([0.85, 0.55, 0.95, 0.7, 0.98, 0.9]),
    np.array([True, False, True, False, True, True]),
    0.75,
)
_EXACT = (
    np.array([0.5, 0.99, 0.9, 0.6, 0.8]),
    np.array([False, True, True, False, True]),
    0.75,
)
_DIP = (
    np.array([0.99, 0.97, 0.9, 0.88, 0.8, 0.76, 0.6, 0.5]),
    np.array([True, False, True, True, True, True, False, False]),
    0.8,
)
# Right, wrong, wrong, right at 0.8: in either order a count of some of them keeps the promise.
_TIES = (
    np.array([0.6, 0.8, 0.99, 0.8, 0.95, 0.8, 0.9, 0.8]),
    np.array([False, True, True, False, True, False, True, True]),
    0.8,
)
# Accuracies from the surest digit on: 1, 1, 2/3, 1/2, 3/5, 2/3, 5/7, 3/4, 2/3. Between thresholds
# that keep the promise lie four that do not, so a search by halves misses the lower ones. And 2/3
# rounds to 0.7.
_LONG_DIP = (
    np.array([0.99, 0.97, 0.95, 0.9, 0.88, 0.84, 0.8, 0.72, 0.6]),
    np.array([True, True, False, False, True, True, True, True, False]),
    0.7,
)
_HALF_A_STEP = 0.005  # the confidences are hundredths: nothing lies within half of one


def _threshold(confidence: Any, right: Any, wanted: float) -> float:
    kept = (t for t in np.unique(confidence) if right[confidence >= t].mean() >= wanted)
    return float(next(kept))


def _is_a_confidence(result: Any, confidence: Any, right: Any, wanted: float) -> bool:
    return bool(np.isclose(confidence, result, atol=1e-6).any())


def _keeps_the_promise(result: Any, confidence: Any, right: Any, wanted: float) -> bool:
    return bool(right[confidence >= result - _HALF_A_STEP].mean() >= wanted)


# --- Two models -----------------------------------------------------------------------------------

_LABELS = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4])


def _answers(wrong: dict[int, int]) -> Any:
    """Return answers that are right but at these positions."""
    answers = _LABELS.copy()
    answers[list(wrong)] = list(wrong.values())
    return answers


# A alone is right seven times, B once; both are wrong four times, with the same answer twice.
_BOTH_A, _BOTH_B = {0: 5, 1: 7, 2: 9, 3: 7}, {0: 5, 1: 7, 2: 6, 3: 2}
_ONLY_A_RIGHT = {4: 3, 6: 7, 7: 0, 8: 6, 9: 8, 12: 4, 16: 7}
_PAIRS = (_LABELS, _answers(_BOTH_A | {5: 4}), _answers(_BOTH_B | _ONLY_A_RIGHT))
_TURNED = (_PAIRS[0], _PAIRS[2], _PAIRS[1])
_EVEN = (_LABELS, _answers({5: 4, 10: 3}), _answers({6: 7, 7: 0}))


def _coin(only_a: int, only_b: int) -> float:
    fewer = min(only_a, only_b)
    return min(1.0, 2 * float(stats.binom.cdf(fewer, only_a + only_b, 0.5)))


def _only(labels: Any, answers_a: Any, answers_b: Any) -> tuple[int, int]:
    a, b = answers_a == labels, answers_b == labels
    return int(np.sum(a & ~b)), int(np.sum(~a & b))


def _p_value(labels: Any, answers_a: Any, answers_b: Any) -> float:
    return _coin(*_only(labels, answers_a, answers_b))


def _mid_p(*data: Any) -> float:
    exactly = stats.binom.pmf(min(_only(*data)), sum(_only(*data)), 0.5)
    return _p_value(*data) - float(exactly)


def _by_chi_square(*data: Any) -> list[float]:
    only_a, only_b = _only(*data)
    gaps = [abs(only_a - only_b), abs(only_a - only_b) - 1]  # without and with Yates's correction
    return [stats.chi2.sf(gap**2 / (only_a + only_b), 1) for gap in gaps]


def _of_answers_that_differ(labels: Any, a: Any, b: Any) -> list[float]:
    differ = int(np.sum(a != b))
    wins = _only(labels, a, b)
    # The minority may be taken from either count, or be what is left of all that differ.
    chances = [2 * stats.binom.cdf(k, differ, 0.5) for k in (*wins, differ - max(wins))]
    return [chance for chance in chances if chance < 1]


def _of_a_part(*data: Any) -> list[float]:
    fewer, tosses = min(_only(*data)), sum(_only(*data))
    exactly = stats.binom.pmf(fewer, tosses, 0.5)
    return [exactly, 2 * exactly, 2 * stats.binom.cdf(fewer - 1, tosses, 0.5)]


def _of_all_errors(labels: Any, a: Any, b: Any) -> list[float]:
    errors = int(np.sum(a != labels)), int(np.sum(b != labels))
    return [_coin(*errors), _coin(*(len(labels) - n for n in errors))]


def _of_another_test(labels: Any, a: Any, b: Any) -> list[float]:
    """Return what tests say that were made for means, or for two different sets of digits."""
    first, second = (a == labels).astype(float), (b == labels).astype(float)
    table = [[np.sum(right), np.sum(1 - right)] for right in (first, second)]
    return [
        float(stats.ttest_rel(first, second).pvalue),
        float(stats.ttest_ind(first, second).pvalue),
        float(stats.fisher_exact(table).pvalue),
    ]


def _is_exact_or_far(p: float, *data: Any) -> bool:
    return not 1e-5 < abs(p - _p_value(*data)) < 3e-3


def _of_all_digits(labels: Any, a: Any, b: Any) -> list[float]:
    wins = _only(labels, a, b)
    chances = [2 * stats.binom.cdf(k, len(labels), 0.5) for k in wins]
    return [chance for chance in chances if chance < 1]


# Thirty against two: the p-value is so small that rounding makes it 0.
_MANY = np.arange(60) % 10
_CLEAR = (
    _MANY,
    np.where(np.arange(60) < 2, 9 - _MANY, _MANY),
    np.where(np.arange(60) >= 30, 9 - _MANY, _MANY),
)


# --- No error at all ------------------------------------------------------------------------------

# With a fraction of 1 Wilson's lower limit is n / (n + z²).
_EXACT_FLAWLESS = _Z**2 * 999
_FLAWLESS = math.ceil(_EXACT_FLAWLESS)


EXERCISES = (
    Exercise(
        id="05.softened",
        title="What a temperature does to a confidence",
        stars=1,
        minutes=5,
        form="predict",
        type="number",
        hints=(
            "Half of log a is the logarithm of the square root of a.",
            "Softmax takes the exponentials and divides each by their sum: what are the two "
            "exponentials here, and what is their sum?",
        ),
        shows="Temperature 2 takes the square root of the odds: from 9 to 1 they fall to 3 to 1.",
        cases=(
            Case(
                name="odds",
                slip=OneOf(3.0, 1 / 3),
                tolerance=2e-3,
                mistake="That is how the two probabilities compare, 3 to 1, not yet a probability: "
                "which fraction of the whole does the 4 get?",
            ),
            Case(
                name="the 9",
                slip=1 - _SOFTENED,
                tolerance=2e-3,
                mistake="That is the new probability of the 9; the 4 was asked for.",
            ),
            Case(
                name="fraction",
                expect=lambda v: v <= 1,
                mistake="A confidence is a probability: give it as a fraction, not in per cent.",
            ),
            Case(
                name="halved",
                slip=0.45,
                tolerance=2e-3,
                mistake="You halved the probability; the temperature divides its logarithm, and "
                "the two probabilities must still sum to 1.",
            ),
            Case(
                name="not normalised",
                slip=float(_ROOTS[0]),
                tolerance=2e-3,
                mistake="That is what the softmax starts from; together with its counterpart for "
                "the 9 it does not sum to 1 yet.",
            ),
            Case(
                name="no change",
                slip=0.9,
                tolerance=2e-3,
                mistake="The answer, a 4, stays the same; its confidence does not.",
            ),
            Case(
                name="surer",
                expect=lambda v: v < 0.9,
                mistake="Your network became surer; a temperature above 1 lowers the confidence. "
                "Did you multiply instead of dividing?",
            ),
            Case(
                name="logarithm",
                expect=lambda v: v > 0,
                mistake="That is still a logarithm: take the exponentials of both, and make them "
                "sum to 1.",
            ),
            Case(
                name="too far",
                expect=lambda v: v > 0.5,
                mistake="The 4 stays the likelier class at any temperature.",
            ),
            Case(
                name="no logarithm",
                slip=_OF_HALVES,
                tolerance=2e-3,
                mistake="You took the softmax of the halved probabilities; it needs their "
                "logarithms, halved.",
            ),
            Case(
                name="difference",
                slip=float(_ROOTS[0] - _ROOTS[1]),
                tolerance=2e-3,
                mistake="You subtracted one root from the other; the softmax divides each by the "
                "sum of both.",
            ),
            Case(
                name="rounded",
                expect=lambda v: not 2e-3 < abs(v - _SOFTENED) < 0.015,
                mistake="Close: a rounding on the way has grown. Keep three digits of each "
                "exponential until the end.",
            ),
            Case(
                name="value",
                expect=_SOFTENED,
                tolerance=2e-3,
                mistake="Write down both logarithms, divide each by 2, and take the softmax of "
                "the two.",
            ),
        ),
    ),
    Exercise(
        id="05.flattering",
        title="Which reports flatter?",
        stars=1,
        minutes=6,
        form="find the fault",
        type="letters",
        hints=(
            "Ask about each group: would it have handed in another network if the test digits had "
            "been different?",
            "Several networks may be tested, as long as the marks decide nothing.",
        ),
        shows="It is not the number of looks that spoils a test set, but every look that leads to "
        "a choice.",
        cases=(
            Case(
                name="letters",
                expect=lambda v: bool(v) and v <= set("ABCDEF"),
                mistake='Answer with a list of letters from A to F, such as ["A", "D"].',
            ),
            Case(
                name="the honest ones",
                slip={"A", "D", "E"},
                mistake="These are the reports that you trust; list the others, whose mark you "
                "would expect to be too high.",
            ),
            Case(
                name="A",
                expect=lambda v: "A" not in v,
                mistake="Group A chose by validation digits and opened the test set for the "
                "chosen network alone: what could flatter?",
            ),
            Case(
                name="D",
                expect=lambda v: "D" not in v,
                mistake="Group D looked at five marks, but no mark decided anything: the five "
                "were fixed before, and all of them count.",
            ),
            Case(
                name="E",
                expect=lambda v: "E" not in v,
                mistake="Group E trained on the validation digits after these had done their "
                "work; the test digits took no part in it.",
            ),
            Case(
                name="B",
                expect=lambda v: "B" in v,
                mistake="One group does what the class of twenty students did: it looks for a "
                "winner.",
            ),
            Case(
                name="C",
                expect=lambda v: "C" in v,
                mistake="When to stop is a choice, too: look for the digits that made it.",
            ),
            Case(
                name="F",
                expect=lambda v: "F" in v,
                mistake="A look at single errors can lead to a choice as well as a mark can.",
            ),
        ),
    ),
    Exercise(
        id="05.caught",
        title="How often does an interval hold the truth?",
        stars=2,
        minutes=12,
        form="experiment",
        type="table",
        hints=(
            "Only a few marks occur at all: how many digits may be wrong before each interval "
            "misses 0.99?",
            "For each exam compute low and high with the functions above (wilson takes one "
            "fraction at a time), and count the exams with low <= 0.99 <= high.",
        ),
        shows="Near 100 % the shortcut misses the truth in more than a third of the exams. Nearly "
        "all of these have no error, and there it runs from 100 % to 100 %. Wilson's interval "
        "holds the truth in about 92 of 100.",
        cases=(
            Case(
                name="names",
                expect=lambda v: set(v) == {"shortcut", "Wilson"},
                mistake='The dictionary needs two entries, "shortcut" and "Wilson", spelt like '
                "this.",
            ),
            Case(
                name="fractions",
                expect=lambda v: all(0 <= fraction <= 1 for fraction in v.values()),
                mistake="A fraction lies between 0 and 1: divide the count by the number of "
                "exams, and do not turn it into per cent.",
            ),
            Case(
                name="no interval",
                expect=lambda v: max(v.values()) > 0.01,
                mistake="None of your intervals holds 0.99: do both functions get the fraction of "
                "digits read correctly, and not their number?",
            ),
            Case(
                name="digits",
                slip=_NARROW,
                tolerance=_NEAR,
                mistake="Your intervals are too narrow: n is how many digits an exam has, not how "
                "many exams there are.",
            ),
            Case(
                name="missed",
                slip=_MISSED,
                tolerance=_NEAR,
                mistake="You counted the exams whose interval misses the truth; count those "
                "whose interval holds it.",
            ),
            Case(
                name="exchanged",
                slip={"shortcut": _WILSON, "Wilson": _SHORTCUT},
                tolerance=_NEAR,
                mistake="The two fractions seem to be exchanged. Or did you build one interval "
                "around 0.99, where each exam needs one around its own mark?",
            ),
            Case(
                name="true p",
                slip=_WILSON,
                place="shortcut",
                tolerance=_NEAR,
                mistake="The shortcut does not know the 0.99: each exam has only its own mark to "
                "compute an interval from.",
            ),
            Case(
                name="shortcut",
                expect=_SHORTCUT,
                place="shortcut",
                tolerance=_NEAR,
                mistake="The shortcut's fraction is not right: does the interval of an exam with "
                "100 of 100 hold 0.99?",
            ),
            Case(
                name="one end",
                expect=lambda v: v["Wilson"] < 0.99,
                mistake="Some of Wilson's intervals do miss the truth: 0.99 must lie between both "
                "ends.",
            ),
            Case(
                name="Wilson",
                expect=_WILSON,
                place="Wilson",
                tolerance=_NEAR,
                mistake="The fraction for Wilson's intervals is not right: 95 of 100 is the "
                "promise, not the count.",
            ),
        ),
    ),
    Exercise(
        id="05.worst_mixup",
        title="The mix-up that costs most",
        stars=2,
        minutes=8,
        form="find the fault",
        type="numbers",
        inputs=(_CONFUSION,),
        hints=(
            "Print `fractions` for the small table. Which of its rows or columns sum to 1?",
            "confusion.sum(axis=1) is a flat row of sums, and NumPy lays it along the columns. "
            "What would stand it upright?",
        ),
        shows="A division that raises no error can still divide by the wrong sums: check whether "
        "the rows sum to 1.",
        cases=(
            Case(
                name="diagonal",
                expect=lambda v, table: len(v) == 2 and v[0] != v[1],
                mistake="The diagonal holds the right answers: they are not mix-ups.",
            ),
            Case(
                name="positions",
                expect=lambda v, table: max(v) < len(table),
                mistake="Classes are counted from 0: the table has no row or column with that "
                "number.",
            ),
            Case(
                name="counts",
                slip=_largest,
                mistake="That is the most frequent mix-up; a smaller class can lose a larger "
                "fraction by fewer digits.",
            ),
            Case(
                name="columns",
                slip=_mixup_by_columns,
                mistake="The fault is still there: each entry is divided by the sum of a row that "
                "is not its own.",
            ),
            Case(
                name="answers",
                slip=OneOf(_mixup_of_answers, _mixup_of_errors_per_answer),
                mistake="You divided by how often each answer was given; divide by how many "
                "digits the true class has.",
            ),
            Case(
                name="errors",
                slip=_mixup_of_errors,
                mistake="You divided by the errors of the class; its digits include those that "
                "were read correctly.",
            ),
            Case(
                name="read correctly",
                slip=_mixup_against_right,
                mistake="You divided by the digits of the class that were read correctly; all its "
                "digits count, also the misread ones.",
            ),
            Case(
                name="row and column",
                slip=OneOf(*_mixups_of_both(_CONFUSION)),
                mistake="Your denominator holds digits of other classes, too: only the true class, "
                "a row of the table, belongs in it.",
            ),
            Case(
                name="worst class",
                slip=_mixup_of_worst_class,
                mistake="The class with the lowest recall may lose its digits to many different "
                "answers: compare all pairs.",
            ),
            Case(
                name="exchanged",
                slip=lambda table: _worst_mixup(table)[::-1],
                mistake="The true class comes first, the answer second.",
            ),
            Case(
                name="small",
                expect=Reference(_worst_mixup),
                mistake="Another entry, divided by the sum of its own row, is larger: do you "
                "compare fractions of the row, without rounding them?",
            ),
            Case(
                name="ten classes",
                inputs=(_TEN,),
                expect=Reference(_worst_mixup),
                mistake="It works for six classes and must for ten: is the number of classes "
                "written into your code?",
                explains_all=True,
            ),
        ),
    ),
    Exercise(
        id="05.threshold_for",
        title="A threshold that keeps a promise",
        stars=3,
        minutes=15,
        form="write",
        type="number",
        inputs=_SORTED,
        hints=(
            "For a given threshold t, what is the accuracy on the digits that are kept? One line.",
            "Only thresholds that occur as confidences matter, and they are few: try each of "
            "np.unique(confidence).",
            "Of the thresholds that keep the promise, the smallest keeps the most digits. The "
            "accuracy need not fall steadily on the way to it.",
        ),
        shows="A threshold can be set by the accuracy that is promised as well as by a person's "
        "time. But the smallest one that keeps the promise was lucky, as the best of twenty "
        "students is: on fresh digits it fails about as often as it holds. So leave a margin: ask "
        "the promise of the lower end of Wilson's interval.",
        cases=(
            Case(
                name="confidence",
                expect=_is_a_confidence,
                mistake="Return one of the confidences: not a fraction of digits, not a position, "
                "not a value between them.",
            ),
            Case(
                name="promise",
                expect=_keeps_the_promise,
                mistake="With your threshold, the accuracy on the digits that are kept (those with "
                "at least this confidence) is below what was wanted.",
            ),
            Case(
                name="most",
                expect=Reference(_threshold),
                mistake="A lower threshold keeps the promise, too: with yours, the person gets "
                "digits that the network could keep.",
            ),
            Case(
                name="order",
                inputs=_SHUFFLED,
                expect=Reference(_threshold),
                mistake="The digits come in any order: the first is not the surest.",
                explains_all=True,
            ),
            Case(
                name="exactly",
                inputs=_EXACT,
                expect=Reference(_threshold),
                mistake="An accuracy of exactly what was wanted is enough, and a digit exactly at "
                "the threshold is kept.",
            ),
            Case(
                name="wrong at the threshold",
                inputs=_DIP,
                expect=_keeps_the_promise,
                mistake="With your threshold the accuracy is below what was wanted: the digit at "
                "the threshold is kept, too, and here it was misread.",
            ),
            Case(
                name="dip",
                inputs=_DIP,
                expect=Reference(_threshold),
                mistake="The accuracy can dip below what is wanted and come back further down: do "
                "not stop at the first dip.",
            ),
            Case(
                name="long dip",
                inputs=_LONG_DIP,
                expect=Reference(_threshold),
                mistake="Here a threshold keeps the promise although several above it break it: "
                "look at every confidence, and compare the accuracy itself, not a rounded one.",
            ),
            Case(
                name="ties",
                inputs=_TIES,
                expect=Reference(_threshold),
                mistake="Digits with the same confidence are kept together or handed over "
                "together: you counted only some of them.",
            ),
        ),
    ),
    Exercise(
        id="05.p_value",
        title="From two lists of answers to a p-value",
        stars=2,
        minutes=10,
        form="write",
        type="number",
        inputs=_PAIRS,
        hints=(
            "First make two arrays of True and False: where is each network right?",
            "a & ~b is True where only the first is right. Count that and its counterpart, and "
            "let the coin do the rest.",
        ),
        shows="Only the digits that exactly one of the two reads correctly say which network is "
        "better.",
        cases=(
            Case(
                name="probability",
                inputs=_EVEN,
                expect=lambda p, labels, a, b: 0 <= p <= 1 + 1e-6,
                mistake="A p-value is a probability: it lies between 0 and 1, even after doubling.",
            ),
            Case(
                name="differ",
                slip=OneOf(*_of_answers_that_differ(*_PAIRS)),
                mistake="You counted the digits with two different answers; where both are wrong, "
                "nothing is decided, whatever they say.",
            ),
            Case(
                name="errors",
                slip=OneOf(*_of_all_errors(*_PAIRS)),
                mistake="You counted all errors, or all right answers, of each network; digits on "
                "which both do the same decide nothing.",
            ),
            Case(
                name="digits",
                slip=OneOf(*_of_all_digits(*_PAIRS)),
                mistake="The coin is tossed for the disagreements only, not for every digit.",
            ),
            Case(
                name="one side",
                slip=lambda *data: _p_value(*data) / 2,
                mistake="You counted one side; between equals, a split as lopsided the other way "
                "would be equally surprising.",
            ),
            Case(
                name="part",
                slip=OneOf(*_of_a_part(*_PAIRS)),
                mistake="A p-value counts the observed split together with all that are more "
                "lopsided: you have only a part of them.",
            ),
            Case(
                name="mid-p",
                slip=_mid_p,
                mistake="The mid-p version counts the observed split half; the exact test was "
                "asked for.",
            ),
            Case(
                name="approximation",
                slip=OneOf(*_by_chi_square(*_PAIRS)),
                mistake="That is the chi-squared approximation, made for many disagreements; the "
                "exact test adds up the coin's chances themselves.",
            ),
            Case(
                name="another test",
                slip=OneOf(*_of_another_test(*_PAIRS)),
                mistake="That is another test, for means or for two different sets of digits; here "
                "both networks read the same digits, and a coin decides.",
            ),
            Case(
                name="nearly",
                expect=_is_exact_or_far,
                mistake="Your p-value is right to a few decimals only: do not round it, and add up "
                "the coin's exact chances instead of tossing coins.",
            ),
            Case(
                name="first better",
                expect=Reference(_p_value),
                mistake="Count the digits that only the first, and only the second, reads "
                "correctly: the smaller of these counts goes into the coin test.",
            ),
            Case(
                name="second better",
                inputs=_TURNED,
                expect=Reference(_p_value),
                mistake="With the two networks exchanged the p-value must stay the same: which of "
                "the two counts is the smaller?",
            ),
            Case(
                name="clear",
                inputs=_CLEAR,
                expect=Reference(_p_value),
                tolerance=1e-10,
                mistake="Between two such different networks the p-value is tiny, and how tiny is "
                "the answer: return it as it is, without rounding.",
            ),
        ),
    ),
    Exercise(
        id="05.flawless",
        title="How many digits without an error?",
        stars=2,
        minutes=6,
        form="calculate",
        type="number",
        hints=(
            "With an accuracy of 1, one of the two roots of Wilson's quadratic is 1. What is the "
            "other?",
            "The product of the roots of a p² + b p + c is c / a. So the lower limit is "
            "1 / (1 + z²/n): set it to 0.999.",
        ),
        shows="To promise one error in a thousand you need nearly four thousand digits without "
        "any: z² is the price.",
        cases=(
            Case(
                name="fraction",
                expect=lambda v: v >= 1,
                mistake="That is a fraction; give a number of digits.",
            ),
            Case(
                name="shortcut",
                expect=lambda v: v > 3,
                mistake="The shortcut would be content with so few digits; take Wilson's limit.",
            ),
            Case(
                name="99 per cent",
                slip=math.ceil(_Z**2 * 99),
                tolerance=5e-3,
                mistake="That many digits promise 99 %; the exercise asks for 99.9 %.",
            ),
            Case(
                name="thousand",
                expect=lambda v: not 997 <= v <= 1001,
                mistake="One in a thousand is the error rate that you promise; if a thousand "
                "digits show no error, that may still be luck.",
            ),
            Case(
                name="z squared",
                slip=_Z * 999,
                tolerance=1e-3,
                mistake="Squaring the condition squares z as well.",
            ),
            Case(
                name="rule of three",
                expect=lambda v: not 2990 <= v <= 3000,
                mistake="That is the rule of three, which spends all doubt on one side; Wilson's "
                "limit with z = 1.96 asks for more.",
            ),
            Case(
                name="whole",
                expect=lambda v: not _EXACT_FLAWLESS - 1 < v < _FLAWLESS,
                mistake="There are only whole digits, and the promise must hold: in which "
                "direction must you round?",
            ),
            Case(
                name="more than needed",
                expect=lambda v: v <= _FLAWLESS,
                mistake="That many digits keep the promise, but fewer would do.",
            ),
            Case(
                name="value",
                expect=_FLAWLESS,
                tolerance=1e-7,
                mistake="Put an accuracy of 1 into Wilson's quadratic and solve for the n at "
                "which the smaller root is 0.999.",
            ),
        ),
    ),
)
