"""Answers to the exercises of chapter 5."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import optimize, special, stats

from answers import Wrong

# --- Confusion -----------------------------------------------------------------------------------


def mixup_kept_upright(confusion: Any) -> Any:
    fractions = confusion / confusion.sum(axis=1, keepdims=True)
    np.fill_diagonal(fractions, 0)
    return np.unravel_index(fractions.argmax(), fractions.shape)


def mixup_transposed(confusion: Any) -> Any:
    fractions = (confusion.T / confusion.sum(axis=1)).T
    np.fill_diagonal(fractions, -1.0)
    row, column = np.argwhere(fractions == fractions.max())[0]
    return np.array([row, column])


def mixup_by_loops(confusion: Any) -> Any:
    best, place = -1.0, None
    for true, row in enumerate(confusion.tolist()):
        for answer, count in enumerate(row):
            if answer != true and count / sum(row) > best:
                best, place = count / sum(row), [true, answer]
    return place


def mixup_in_float32_on_a_copy(confusion: Any) -> Any:
    table = confusion.astype(np.float32)
    table /= table.sum(axis=1)[:, None]
    table[np.diag_indices(len(table))] = 0
    return divmod(int(table.argmax()), len(table))


def mixup_diagonal_subtracted(confusion: Any) -> Any:
    fractions = confusion / confusion.sum(axis=1)[:, np.newaxis]
    fractions = fractions - np.diag(np.diag(fractions))
    return [int(k) for k in np.unravel_index(np.argmax(fractions), fractions.shape)]


def mixup_with_diagonal(confusion: Any) -> Any:
    fractions = confusion / confusion.sum(axis=1, keepdims=True)
    return np.unravel_index(fractions.argmax(), fractions.shape)


def mixup_flat(confusion: Any) -> Any:
    fractions = confusion / confusion.sum(axis=1, keepdims=True)
    np.fill_diagonal(fractions, 0)
    return fractions.argmax()


def mixup_each_pair_once(confusion: Any) -> Any:
    fractions = confusion / confusion.sum(axis=1, keepdims=True)
    pairs = [(true, answer) for true in range(len(fractions)) for answer in range(true)]
    return max(pairs, key=lambda pair: fractions[pair])


def mixup_six_classes(confusion: Any) -> Any:
    fractions = confusion / confusion.sum(axis=1, keepdims=True)
    fractions[np.eye(6, dtype=bool)] = 0
    return np.unravel_index(fractions.argmax(), (6, 6))


def mixup_in_whole_per_cent(confusion: Any) -> Any:
    percent = 100 * confusion // confusion.sum(axis=1, keepdims=True)
    np.fill_diagonal(percent, 0)
    return np.unravel_index(percent.argmax(), percent.shape)


def mixup_by_mean_of_row(confusion: Any) -> Any:
    """Divide by the mean of the row, as good as its sum: all rows have the same length."""
    table = confusion / confusion.mean(axis=1, keepdims=True)
    np.fill_diagonal(table, 0)
    return np.unravel_index(table.argmax(), table.shape)


def mixup_by_odds(confusion: Any) -> Any:
    """Divide by the rest of the row: odds rise with the fraction."""
    rest = confusion.sum(axis=1, keepdims=True) - confusion
    table = confusion / rest
    np.fill_diagonal(table, 0)
    return np.unravel_index(table.argmax(), table.shape)


def mixup_counted_from_one(confusion: Any) -> Any:
    true, answer = mixup_kept_upright(confusion)
    return true + 1, answer + 1


def mixup_in_place(confusion: Any) -> Any:
    sums = confusion.sum(axis=1, keepdims=True)
    np.fill_diagonal(confusion, 0)
    return np.unravel_index((confusion / sums).argmax(), confusion.shape)


# --- Thresholds ----------------------------------------------------------------------------------


def threshold_by_trying(confidence: Any, right: Any, wanted: float) -> Any:
    for t in np.unique(confidence):
        if right[confidence >= t].mean() >= wanted:
            return t


def threshold_by_loops(confidence: Any, right: Any, wanted: float) -> Any:
    best = 1.0
    for t in confidence:
        kept = [r for c, r in zip(confidence, right, strict=True) if c >= t]
        if sum(kept) / len(kept) >= wanted and t < best:
            best = t
    return best


def threshold_by_sorting(confidence: Any, right: Any, wanted: float) -> Any:
    order = np.argsort(-confidence)
    confidence, right = confidence[order], right[order]
    accuracy = np.cumsum(right) / np.arange(1, len(right) + 1)
    is_last_of_its_value = np.append(confidence[1:] != confidence[:-1], True)
    good = np.flatnonzero(is_last_of_its_value & (accuracy >= wanted))
    return confidence[good[-1]]


def threshold_by_table(confidence: Any, right: Any, wanted: float) -> Any:
    kept = confidence[None, :] >= confidence[:, None]
    accuracy = (kept * right).sum(axis=1) / kept.sum(axis=1)
    return np.float32(confidence[accuracy >= wanted].min())


def threshold_sorted_without_ties(confidence: Any, right: Any, wanted: float) -> Any:
    order = np.argsort(-confidence)
    accuracy = np.cumsum(right[order]) / np.arange(1, len(right) + 1)
    return confidence[order][accuracy >= wanted][-1]


def threshold_on_a_grid(confidence: Any, right: Any, wanted: float) -> Any:
    for t in np.linspace(0, 1, 1001):
        if right[confidence >= t].mean() >= wanted:
            return t


def threshold_first_dip(confidence: Any, right: Any, wanted: float) -> Any:
    last = None
    for t in np.unique(confidence)[::-1]:
        if right[confidence >= t].mean() < wanted:
            break
        last = t
    return last


def threshold_that_fails_first(confidence: Any, right: Any, wanted: float) -> Any:
    for t in np.unique(confidence)[::-1]:
        if right[confidence >= t].mean() < wanted:
            return t


def threshold_of_surest_error(confidence: Any, right: Any, wanted: float) -> Any:
    return confidence[~right].max()


def threshold_of_least_sure_hit(confidence: Any, right: Any, wanted: float) -> Any:
    return confidence[right].min()


def threshold_wanted_as_confidence(confidence: Any, right: Any, wanted: float) -> Any:
    return confidence[confidence >= wanted].min()


def threshold_largest(confidence: Any, right: Any, wanted: float) -> Any:
    good = [t for t in confidence if right[confidence >= t].mean() >= wanted]
    return max(good)


def threshold_taken_as_sorted(confidence: Any, right: Any, wanted: float) -> Any:
    accuracy = np.cumsum(right) / np.arange(1, len(right) + 1)
    return confidence[np.flatnonzero(accuracy >= wanted)[-1]]


def threshold_more_than_wanted(confidence: Any, right: Any, wanted: float) -> Any:
    good = [t for t in confidence if right[confidence >= t].mean() > wanted]
    return min(good)


def threshold_kept_above(confidence: Any, right: Any, wanted: float) -> Any:
    good = [
        t for t in confidence if (confidence > t).any() and right[confidence > t].mean() >= wanted
    ]
    return min(good)


def threshold_fraction_kept(confidence: Any, right: Any, wanted: float) -> Any:
    return (confidence >= threshold_by_trying(confidence, right, wanted)).mean()


def threshold_quantile(confidence: Any, right: Any, wanted: float) -> Any:
    return np.quantile(confidence, 1 - wanted)


def threshold_position(confidence: Any, right: Any, wanted: float) -> Any:
    return int(np.argmin(np.abs(confidence - threshold_by_trying(confidence, right, wanted))))


def threshold_of_rejected(confidence: Any, right: Any, wanted: float) -> Any:
    good = [t for t in confidence if right[confidence <= t].mean() >= wanted]
    return min(good) if good else min(confidence)


def threshold_by_halving(confidence: Any, right: Any, wanted: float) -> Any:
    candidates = np.unique(confidence)
    low, high = 0, len(candidates) - 1
    while low < high:
        middle = (low + high) // 2
        if right[confidence >= candidates[middle]].mean() >= wanted:
            high = middle
        else:
            low = middle + 1
    return candidates[low]


def threshold_of_rounded_accuracy(confidence: Any, right: Any, wanted: float) -> Any:
    for t in np.unique(confidence):
        if round(right[confidence >= t].mean(), 1) >= wanted:
            return t


def threshold_by_errors(confidence: Any, right: Any, wanted: float) -> Any:
    good = [t for t in confidence if (~right[confidence >= t]).mean() <= 1 - wanted]
    return min(good)


def threshold_sorts_confidences_only(confidence: Any, right: Any, wanted: float) -> Any:
    accuracy = np.cumsum(right) / np.arange(1, len(right) + 1)
    return np.sort(confidence)[::-1][np.flatnonzero(accuracy >= wanted)[-1]]


# --- Two models ----------------------------------------------------------------------------------


def wins(labels: Any, answers_a: Any, answers_b: Any) -> tuple[int, int]:
    a, b = np.asarray(answers_a) == labels, np.asarray(answers_b) == labels
    return int(np.sum(a & ~b)), int(np.sum(~a & b))


def p_by_coin(labels: Any, answers_a: Any, answers_b: Any) -> Any:
    only_a, only_b = wins(labels, answers_a, answers_b)
    return min(1.0, 2 * stats.binom.cdf(min(only_a, only_b), only_a + only_b, 0.5))


def p_by_binomtest(labels: Any, answers_a: Any, answers_b: Any) -> Any:
    only_a, only_b = wins(labels, answers_a, answers_b)
    return stats.binomtest(only_a, only_a + only_b).pvalue


def p_by_loops(labels: Any, answers_a: Any, answers_b: Any) -> Any:
    only_a = only_b = 0
    for label, a, b in zip(labels, answers_a, answers_b, strict=True):
        if a == label and b != label:
            only_a += 1
        elif b == label and a != label:
            only_b += 1
    tosses, fewer = only_a + only_b, min(only_a, only_b)
    p = 2 * sum(math.comb(tosses, k) for k in range(fewer + 1)) / 2**tosses
    return p if p < 1 else 1


def p_in_float32(labels: Any, answers_a: Any, answers_b: Any) -> Any:
    only_a, only_b = wins(labels, answers_a, answers_b)
    tail = special.bdtr(min(only_a, only_b), only_a + only_b, 0.5)
    return np.float32(min(2 * tail, 1))


def p_without_cap(labels: Any, answers_a: Any, answers_b: Any) -> Any:
    only_a, only_b = wins(labels, answers_a, answers_b)
    return 2 * stats.binom.cdf(min(only_a, only_b), only_a + only_b, 0.5)


def p_rounded(places: int) -> Any:
    return lambda *data: round(p_by_coin(*data), places)


def p_by_upper_tail(labels: Any, answers_a: Any, answers_b: Any) -> Any:
    only_a, only_b = wins(labels, answers_a, answers_b)
    return min(1, 2 * stats.binom.sf(max(only_a, only_b) - 1, only_a + only_b, 0.5))


def p_by_tossing(labels: Any, answers_a: Any, answers_b: Any) -> Any:
    only_a, only_b = wins(labels, answers_a, answers_b)
    tosses = np.random.default_rng(0).binomial(only_a + only_b, 0.5, 100_000)
    return np.mean(np.abs(2 * tosses - only_a - only_b) >= abs(only_a - only_b))


def p_with_other_arguments(answers_a: Any, answers_b: Any, labels: Any) -> Any:
    return p_by_coin(labels, answers_a, answers_b)


def p_first_never_better(labels: Any, answers_a: Any, answers_b: Any) -> Any:
    only_a, only_b = wins(labels, answers_a, answers_b)
    return min(1.0, 2 * stats.binom.cdf(only_b, only_a + only_b, 0.5))


def p_second_never_better(labels: Any, answers_a: Any, answers_b: Any) -> Any:
    only_a, only_b = wins(labels, answers_a, answers_b)
    return min(1.0, 2 * stats.binom.cdf(only_a, only_a + only_b, 0.5))


# --- Coverage, counted as the chapter's reader does ----------------------------------------------

EXAMS = np.random.default_rng(11).binomial(100, 0.99, size=10_000)


def shortcut(fraction: Any, n: int) -> Any:
    error = 1.96 * np.sqrt(fraction * (1 - fraction) / n)
    return fraction - error, fraction + error


def wilson(fraction: float, n: int, z: float = 1.96) -> Any:
    return np.sort(np.roots([1 + z**2 / n, -(2 * fraction + z**2 / n), fraction**2]).real)


def share_caught(interval: Any) -> float:
    limits = {hits: interval(hits / 100, 100) for hits in range(101)}
    return sum(limits[hit][0] <= 0.99 <= limits[hit][1] for hit in EXAMS.tolist()) / len(EXAMS)


COUNTED = {"shortcut": share_caught(shortcut), "Wilson": share_caught(wilson)}


def flawless_by_solver() -> int:
    def gap(n: float) -> float:
        return wilson(1.0, n)[0] - 0.999  # type: ignore[arg-type]

    return math.ceil(optimize.brentq(gap, 10, 1e5))


RIGHT: dict[str, dict[str, Any]] = {
    "05.softened": {
        "fraction": 3 / 4,
        "computed": special.softmax(np.log([0.9, 0.1]) / 2)[0],
        "float32": np.float32(0.75),
        "rounded on the way": 0.949 / (0.949 + 0.316),
    },
    "05.flattering": {
        "letters": ["B", "C", "F"],
        "other order, small letters": ("f", "c", "b"),
        "array": np.array(["C", "B", "F"]),
        "set": {"B", "C", "F"},
    },
    "05.caught": {
        "counted": COUNTED,
        "computed": {"Wilson": 0.9206, "shortcut": 0.6334},
        "NumPy numbers": {key: np.float32(value) for key, value in COUNTED.items()},
    },
    "05.worst_mixup": {
        "keepdims": mixup_kept_upright,
        "transposed twice": mixup_transposed,
        "loops": mixup_by_loops,
        "float32, in place on a copy": mixup_in_float32_on_a_copy,
        "diagonal subtracted": mixup_diagonal_subtracted,
        "by the mean of the row": mixup_by_mean_of_row,
        "by odds": mixup_by_odds,
    },
    "05.threshold_for": {
        "trying": threshold_by_trying,
        "loops": threshold_by_loops,
        "sorting with ties": threshold_by_sorting,
        "all at once, float32": threshold_by_table,
        "by the errors allowed": threshold_by_errors,
    },
    "05.p_value": {
        "coin": p_by_coin,
        "binomtest": p_by_binomtest,
        "loops and binomial coefficients": p_by_loops,
        "float32": p_in_float32,
        "upper tail": p_by_upper_tail,
    },
    "05.flawless": {
        "whole number": 3838,
        "float": 3838.0,
        "rounded up": np.ceil(0.999 * 1.96**2 / 0.001),
        "by root finding": flawless_by_solver(),
    },
}

WRONG: dict[str, list[Wrong]] = {
    "05.softened": [
        Wrong("in per cent", 75, "fraction"),
        Wrong("the odds", 3, "odds"),
        Wrong("the odds against", 1 / 3, "odds"),
        Wrong("of the 9", 0.25, "the 9"),
        Wrong("one root less the other", 0.9**0.5 - 0.1**0.5, "difference"),
        Wrong("multiplied", 0.81 / 0.82, "surer"),
        Wrong("evened out", 0.5, "too far"),
        Wrong("stopped at the logarithm", math.log(0.9) / 2, "logarithm"),
        Wrong("rounded on the way, to one digit", 0.74, "rounded"),
        Wrong("rounded up", 0.76, "rounded"),
        Wrong("squared, without the sum", 0.81, "value"),
        Wrong("half-way to a half", 0.7, "value"),
    ],
    "05.flattering": [
        Wrong("plans in words", ["best of five", "early stopping"], "letters"),
        Wrong("none", [], "letters"),
        Wrong("distrusts every choice", ["A", "B", "C", "F"], "A"),
        Wrong("counts the looks", ["B", "C", "D", "F"], "D"),
        Wrong("protects validation digits", ["B", "C", "E", "F"], "E"),
        Wrong("everything but A", list("BCDEF"), "D"),
        Wrong("the reports to trust", list("ADE"), "the honest ones"),
        Wrong("sees no harm in a winner", ["C", "F"], "B"),
        Wrong("takes stopping for no choice", ["B", "F"], "C"),
        Wrong("only looks at marks", ["B", "C"], "F"),
    ],
    "05.caught": [
        Wrong("other names", {"short cut": 0.63, "wilson": 0.92}, "names"),
        Wrong("per cent", {"shortcut": 63.3, "Wilson": 92.1}, "fractions"),
        Wrong("counts", {"shortcut": 6334, "Wilson": 9206}, "fractions"),
        Wrong("hits for fractions", {"shortcut": 0.0, "Wilson": 0.0}, "no interval"),
        Wrong("believes the promise", {"shortcut": 0.95, "Wilson": 0.95}, "shortcut"),
        Wrong("counts 100 of 100 as a hit", {"shortcut": 0.9994, "Wilson": 0.9994}, "shortcut"),
        Wrong("no width counted", {"shortcut": 1.0, "Wilson": 0.92}, "shortcut"),
        Wrong("believes Wilson", {"shortcut": 0.633, "Wilson": 0.95}, "Wilson"),
        Wrong("only lower limits", {"shortcut": 0.633, "Wilson": 0.9999}, "one end"),
    ],
    "05.worst_mixup": [
        Wrong("diagonal kept", mixup_with_diagonal, "diagonal"),
        Wrong("flat index", mixup_flat, "diagonal", "a list of numbers was expected"),
        Wrong("counted from 1", mixup_counted_from_one, "positions"),
        Wrong("each pair once", mixup_each_pair_once, "small"),
        Wrong("six classes written in", mixup_six_classes, "ten classes"),
        Wrong("in whole per cent", mixup_in_whole_per_cent, "small"),
        Wrong("empties the reader's table", mixup_in_place, "diagonal", "changed the array"),
    ],
    "05.threshold_for": [
        Wrong("fraction of digits kept", threshold_fraction_kept, "confidence"),
        Wrong("quantile of the wanted accuracy", threshold_quantile, "confidence"),
        Wrong("position", threshold_position, "confidence"),
        Wrong("digits below it", threshold_of_rejected, "promise"),
        Wrong("keeps only digits above it", threshold_kept_above, "promise"),
        Wrong("first that fails", threshold_that_fails_first, "promise"),
        Wrong("a grid of thresholds", threshold_on_a_grid, "confidence"),
        Wrong("largest that will do", threshold_largest, "most"),
        Wrong("least sure of the right", threshold_of_least_sure_hit, "most"),
        Wrong("confidence for accuracy", threshold_wanted_as_confidence, "most"),
        Wrong("takes digits as sorted", threshold_taken_as_sorted, "order"),
        Wrong("sorts confidences alone", threshold_sorts_confidences_only, "order"),
        Wrong("more than wanted", threshold_more_than_wanted, "exactly"),
        Wrong("surest error", threshold_of_surest_error, "wrong at the threshold"),
        Wrong("stops at the first dip", threshold_first_dip, "dip"),
        Wrong("halves the interval", threshold_by_halving, "long dip"),
        Wrong("rounds the accuracy", threshold_of_rounded_accuracy, "long dip"),
        Wrong("cuts through equal ones", threshold_sorted_without_ties, "ties"),
    ],
    "05.p_value": [
        Wrong("doubled beyond one", p_without_cap, "probability"),
        Wrong("rounded to two decimals", p_rounded(2), "nearly"),
        Wrong("rounded to four decimals", p_rounded(4), "nearly"),
        Wrong("rounded to six decimals", p_rounded(6), "clear"),
        Wrong("rounded to eight decimals", p_rounded(8), "clear"),
        Wrong("tossed 100,000 times", p_by_tossing, "nearly"),
        Wrong("labels last", p_with_other_arguments, "first better"),
        Wrong("no minimum, second counted", p_second_never_better, "first better"),
        Wrong("no minimum, first counted", p_first_never_better, "second better"),
    ],
    "05.flawless": [
        Wrong("by the shortcut", 1, "shortcut"),
        Wrong("a fraction", 0.999, "fraction"),
        Wrong("one in a thousand", 1000, "thousand"),
        Wrong("rule of three", 2995, "rule of three"),
        Wrong("rounded down", 3837, "whole"),
        Wrong("not rounded", 0.999 * 1.96**2 / 0.001, "whole"),
        Wrong("one too many", 3839, "more than needed"),
        Wrong("a thousand in place of 999", 3842, "more than needed"),
        Wrong("ten thousand, as MNIST has", 10_000, "more than needed"),
        Wrong("exact binomial limit", 3688, "value"),
        Wrong("90 % instead of 95 %", 2704, "value"),
    ],
}
