"""Answers to the exercises of chapter 10."""

from typing import Any

import numpy as np
from scipy import optimize

from answers import Wrong


def joined_average(gradients: Any, counts: Any) -> Any:
    return np.average(gradients, axis=0, weights=counts)


def joined_product(gradients: Any, counts: Any) -> Any:
    return counts @ gradients / counts.sum()


def joined_loop(gradients: Any, counts: Any) -> Any:
    total = np.zeros(gradients.shape[1])
    for gradient, count in zip(gradients, counts, strict=True):
        total += gradient * count
    return total / sum(counts)


def joined_column(gradients: Any, counts: Any) -> Any:
    fractions = counts / counts.sum()
    return (gradients * fractions[:, None]).sum(axis=0).tolist()


def joined_kept_rows(gradients: Any, counts: Any) -> Any:
    return gradients * counts[:, None] / counts.sum()


def joined_two_workers(gradients: Any, counts: Any) -> Any:
    total = gradients[0] * counts[0] + gradients[1] * counts[1]
    return total / sum(counts) + (0 if len(counts) == 2 else gradients[2])


def joined_divides_by_each(gradients: Any, counts: Any) -> Any:
    return (gradients * counts[:, None]).sum(axis=0) / counts[0]


def part_polyfit(workers: Any, seconds: Any) -> float:
    divided, fixed = np.polyfit(1 / workers, seconds, 1)
    return fixed / (fixed + divided)


def part_lstsq(workers: Any, seconds: Any) -> float:
    table = np.column_stack([np.ones(len(workers)), 1 / workers])
    (a, b), *_ = np.linalg.lstsq(table, seconds, rcond=None)
    return float(a / (a + b))


def part_by_hand(workers: Any, seconds: Any) -> float:
    x = 1 / workers
    b = np.sum((x - x.mean()) * (seconds - seconds.mean())) / np.sum((x - x.mean()) ** 2)
    a = seconds.mean() - b * x.mean()
    return a / (a + b)


def part_curve_fit(workers: Any, seconds: Any) -> float:
    (a, b), _ = optimize.curve_fit(lambda n, a, b: a + b / n, workers, seconds)
    return a / (a + b)


def part_two_points(workers: Any, seconds: Any) -> float:
    """Take the first and the last measurement alone."""
    b = (seconds[0] - seconds[-1]) / (1 - 1 / workers[-1])
    return (seconds[0] - b) / seconds[0]


def part_of_speedups(workers: Any, seconds: Any) -> float:
    """Fit the inverse of the speed-up, with one worker as the point 1."""
    inverse, x = seconds / seconds[0], 1 / workers
    s = np.sum((inverse - x) * (1 - x)) / np.sum((1 - x) ** 2)
    return float(s)


def part_last(workers: Any, seconds: Any) -> float:
    return float(seconds[-1] / seconds[0])


def step_of(n: Any, fixed: float, work: float, transfer: float, delay: float) -> Any:
    return fixed + work / n + 2 * (n - 1) / n * transfer + 2 * (n - 1) * delay


def best_min(fixed: float, work: float, transfer: float, delay: float, most: int) -> int:
    return min(range(1, most + 1), key=lambda n: step_of(n, fixed, work, transfer, delay))


def best_argmin(fixed: float, work: float, transfer: float, delay: float, most: int) -> Any:
    n = np.arange(1, most + 1)
    return n[step_of(n, fixed, work, transfer, delay).argmin()]


def best_loop(fixed: float, work: float, transfer: float, delay: float, most: int) -> int:
    best, shortest = 1, fixed + work
    for n in range(2, most + 1):
        seconds = step_of(n, fixed, work, transfer, delay)
        if seconds < shortest:
            best, shortest = n, seconds
    return best


def best_by_root(fixed: float, work: float, transfer: float, delay: float, most: int) -> int:
    """Round the root of the derivative, which a whole number need not follow at the ends."""
    if delay == 0:
        return most if work > 2 * transfer else 1
    inside = (work - 2 * transfer) / (2 * delay)
    near = max(inside, 0) ** 0.5
    candidates = {min(max(int(near) + k, 1), most) for k in (0, 1)}
    return min(candidates, key=lambda n: step_of(n, fixed, work, transfer, delay))


def best_cut_off(fixed: float, work: float, transfer: float, delay: float, most: int) -> int:
    inside = max((work - 2 * transfer) / (2 * delay), 0) if delay else most**2
    return min(max(int(inside**0.5), 1), most)


def best_rounded(fixed: float, work: float, transfer: float, delay: float, most: int) -> int:
    inside = max((work - 2 * transfer) / (2 * delay), 0) if delay else most**2
    return min(max(round(inside**0.5), 1), most)


def best_without_delay(fixed: float, work: float, transfer: float, delay: float, most: int) -> int:
    return best_min(fixed, work, transfer, 0, most)


def best_at_least_two(fixed: float, work: float, transfer: float, delay: float, most: int) -> int:
    return (
        max(2, best_min(fixed, work, transfer, delay, most))
        if most == 1
        else best_min(fixed, work, transfer, delay, most)
    )


def breaking_loop(sizes: Any, accuracies: Any, tolerance: float) -> int:
    last = sizes[0]
    for size, accuracy in zip(sizes, accuracies, strict=True):
        if accuracy < accuracies[0] - tolerance:
            return last
        last = size
    return last


def breaking_array(sizes: Any, accuracies: Any, tolerance: float) -> Any:
    lost = np.append(accuracies < accuracies[0] - tolerance, True)
    return sizes[lost.argmax() - 1]


def breaking_accumulate(sizes: Any, accuracies: Any, tolerance: float) -> int:
    good = np.logical_and.accumulate(accuracies[0] - accuracies <= tolerance)
    return int(sizes[good].max())


def breaking_without_tolerance(sizes: Any, accuracies: Any, tolerance: float) -> int:
    return breaking_loop(sizes, accuracies, 0.0)


def breaking_needs_a_break(sizes: Any, accuracies: Any, tolerance: float) -> int:
    place = np.flatnonzero(accuracies < accuracies[0] - tolerance)[0]
    return int(sizes[place - 1])


RIGHT: dict[str, dict[str, Any]] = {
    "10.joined": {
        "np.average": joined_average,
        "matrix product": joined_product,
        "loop": joined_loop,
        "fractions, as a list": joined_column,
    },
    "10.doubled": {"set": {"D", "T"}, "list": ["T", "D"], "small letters": {"d", "t"}},
    "10.same_weights": {
        "letters": ["A", "C", "B", "A", "B"],
        "small letters": list("acbab"),
        "tuple": ("A", "C", "B", "A", "B"),
    },
    "10.traffic": {
        "worked out": [27_210, 108_840, 1e9 / 870_720],
        "to the whole step": [27_210, 108_840, 1148],
        "tuple": (27_210.0, 108_840.0, 1150),
    },
    "10.serial_part": {
        "polyfit": part_polyfit,
        "lstsq": part_lstsq,
        "by hand": part_by_hand,
        "curve_fit": part_curve_fit,
    },
    "10.best_workers": {
        "min": best_min,
        "argmin": best_argmin,
        "loop": best_loop,
        "root of the derivative": best_by_root,
    },
    "10.breaking_batch": {
        "loop": breaking_loop,
        "array": breaking_array,
        "accumulate": breaking_accumulate,
    },
}

WRONG: dict[str, list[Wrong]] = {
    "10.joined": [
        Wrong("kept the rows", joined_kept_rows, "value", says="(2, 3)"),
        Wrong("divided by one worker's digits", joined_divides_by_each, "value"),
        Wrong("the third worker counts", joined_two_workers, "idle worker"),
    ],
    "10.doubled": [
        Wrong("one letter", {"D"}, "two letters"),
        Wrong("another letter", {"D", "Z"}, "two letters"),
        Wrong("line A", {"A", "T"}, "line"),
        Wrong("line C", {"C", "S"}, "line"),
        Wrong("SGD", {"D", "S"}, "optimiser"),
    ],
    "10.same_weights": [
        Wrong("four letters", list("ACBA"), "letters"),
        Wrong("unequal parts matter", list("BCBAB"), "unequal"),
        Wrong("the step is left out", list("AABAB"), "absent"),
        Wrong("means do not matter", list("ACAAB"), "own mean"),
        Wrong("order matters", list("ACBBB"), "swapped"),
        Wrong("the sum is as long", list("ACBAA"), "same digits"),
    ],
    "10.traffic": [
        Wrong("one number", [27_210], "three"),
        Wrong("one kernel", [27_060, 108_240, 1155], "parameters"),
        Wrong("two bytes", [27_210, 54_420, 2297], "bytes"),
        Wrong("both directions", [27_210, 108_840, 574], "steps"),
    ],
    "10.serial_part": [
        Wrong("the last time over the first", part_last, "exact"),
        Wrong("first and last alone", part_two_points, "measured"),
        Wrong("speed-ups", part_of_speedups, "measured"),
    ],
    "10.best_workers": [
        Wrong("no delay", best_without_delay, "middle"),
        Wrong("at least two", best_at_least_two, "one at most"),
        Wrong("a root cut off", best_cut_off, "between two"),
        Wrong("a root rounded", best_rounded, "between two"),
    ],
    "10.breaking_batch": [
        Wrong("no tolerance", breaking_without_tolerance, "breaks"),
        Wrong("needs a break", breaking_needs_a_break, "holds"),
    ],
}
