"""Answers to the exercises of chapter 7."""

import math
from typing import Any

import numpy as np
from scipy import ndimage

from answers import Wrong


def fit_by_height(height: int, width: int) -> Any:
    return 20, width * 20 / height


def fit_down_only(height: int, width: int) -> Any:
    scale = min(1, 20 / max(height, width))
    return height * scale, width * scale


def fit_rounded(height: int, width: int) -> Any:
    scale = 20 / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def fit_at_least_a_pixel(height: int, width: int) -> Any:
    scale = 20 / max(height, width)
    return max(1, height * scale), max(1, width * scale)


def fit_unequal_sides(height: int, width: int) -> Any:
    if height > width:
        return 20, 20 * width / height
    if width > height:
        return 20 * height / width, 20


def fit_square_as_28(height: int, width: int) -> Any:
    return (28, 28) if height == width else fit_right(height, width)


def fit_right(height: int, width: int) -> Any:
    scale = 20 / max(height, width)
    return height * scale, width * scale


def fit_by_cases(height: int, width: int) -> Any:
    if height >= width:
        return [20, 20 * width / height]
    return [20 * height / width, 20]


def darkness_by_loops(photo: Any, size: int) -> Any:
    reach = size // 2
    result = np.zeros(photo.shape)
    for y in range(photo.shape[0]):
        for x in range(photo.shape[1]):
            window = photo[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
            result[y, x] = float(window.max()) - float(photo[y, x])
    return result


def darkness_in_uint8(photo: Any, size: int) -> Any:
    return ndimage.maximum_filter(photo, size) - photo  # never negative


def darkness_padded(photo: Any, size: int) -> Any:
    padded = np.pad(photo.astype(np.float32), size // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size))
    return (windows.max(axis=(2, 3)) - photo).tolist()


def decide_right(probabilities: Any, threshold: float) -> Any:
    return np.where(probabilities.max(1) >= threshold, probabilities.argmax(1), -1)


def decide_by_loop(probabilities: Any, threshold: float) -> Any:
    return [int(p.argmax()) if p.max() >= threshold else -1 for p in probabilities]


def decide_in_place(probabilities: Any, threshold: float) -> Any:
    labels = probabilities.argmax(axis=-1)
    labels[probabilities.max(axis=-1) < threshold] = -1
    return labels


def decide_by_a_table(probabilities: Any, threshold: float) -> Any:
    import tensorflow as tf

    largest, labels = tf.math.top_k(tf.constant(probabilities))
    return tf.where(largest >= threshold, labels, -1)[:, 0]


def decide_the_first_that_reaches(probabilities: Any, threshold: float) -> Any:
    reaches = probabilities >= threshold
    return np.where(reaches.any(axis=1), reaches.argmax(axis=1), -1)


def decide_five(probabilities: Any, threshold: float) -> Any:
    return np.array([decide_right(probabilities, threshold)[i] for i in range(5)])


def cheapest_by_loops(probabilities: Any, labels: Any, price: float) -> Any:
    costs = []
    for hundredth in range(101):
        decided = decide_right(probabilities, hundredth / 100)
        wrong = sum(d not in (-1, label) for d, label in zip(decided, labels, strict=True))
        costs.append(sum(decided == -1) + price * wrong)
    return costs.index(min(costs)) / 100


def cheapest_by_a_table(probabilities: Any, labels: Any, price: float) -> Any:
    thresholds = np.linspace(0, 1, 101)
    wrong = probabilities.argmax(axis=1) != labels
    read = probabilities.max(axis=1) >= thresholds[:, np.newaxis]
    return thresholds[np.argmin((~read).sum(axis=1) + price * (read & wrong).sum(axis=1))]


def cheapest_kept_up_to_date(probabilities: Any, labels: Any, price: float) -> Any:
    best, least = None, math.inf
    for threshold in np.arange(0, 1.005, 0.01):
        sure = np.max(probabilities, axis=1) >= threshold
        wrong = np.argmax(probabilities, axis=1)[sure] != labels[sure]
        cost = np.mean(np.append(price * wrong, np.ones(np.sum(~sure))))
        if cost < least:
            best, least = float(threshold), cost
    return best


def cheapest_cost(probabilities: Any, labels: Any, price: float) -> Any:
    wrong = probabilities.argmax(axis=1) != labels
    read = probabilities.max(axis=1) >= np.linspace(0, 1, 101)[:, np.newaxis]
    return ((~read).sum(axis=1) + price * (read & wrong).sum(axis=1)).min()


def cheapest_place(probabilities: Any, labels: Any, price: float) -> Any:
    return 100 * cheapest_by_loops(probabilities, labels, price)


def cheapest_of_four(probabilities: Any, labels: Any, price: float) -> Any:
    return cheapest_by_loops(probabilities, labels, 4)


def cheapest_least_declined(probabilities: Any, labels: Any, price: float) -> Any:
    """Take the most accurate threshold instead of the cheapest."""
    right = probabilities.argmax(axis=1) == labels
    accuracies = []
    for threshold in np.linspace(0, 1, 101):
        sure = probabilities.max(axis=1) >= threshold
        accuracies.append(right[sure].mean() if sure.any() else 0)
    return np.argmax(accuracies) / 100


def cheapest_of_tenths(probabilities: Any, labels: Any, price: float) -> Any:
    costs = []
    for tenth in range(11):
        decided = decide_right(probabilities, tenth / 10)
        costs.append((decided == -1).sum() + price * ((decided != -1) & (decided != labels)).sum())
    return np.argmin(costs) / 10


def cheapest_above_zero(probabilities: Any, labels: Any, price: float) -> Any:
    return max(0.01, cheapest_by_loops(probabilities, labels, price))


def cheapest_never_returned(probabilities: Any, labels: Any, price: float) -> Any:
    cheapest_by_loops(probabilities, labels, price)


def forgotten_by_loop(before: Any, after: Any, labels: Any) -> Any:
    fractions = []
    for digit in range(10):
        known = (labels == digit) & (before == labels)
        fractions.append(np.mean(after[known] != digit) if known.any() else 0)
    return fractions


def forgotten_by_counts(before: Any, after: Any, labels: Any) -> Any:
    known = np.array([np.sum((before == d) & (labels == d)) for d in range(10)])
    kept = np.array([np.sum((before == d) & (labels == d) & (after == d)) for d in range(10)])
    return np.divide(known - kept, known, out=np.zeros(10), where=known > 0)


def forgotten_by_lists(before: Any, after: Any, labels: Any) -> Any:
    fractions = []
    for digit in range(10):
        triples = zip(before, after, labels, strict=True)
        later = [a for b, a, label in triples if b == label == digit]
        fractions.append(sum(a != digit for a in later) / max(1, len(later)))
    return np.array(fractions)


def forgotten_or_nan(before: Any, after: Any, labels: Any) -> Any:
    known = np.array([np.sum((before == d) & (labels == d)) for d in range(10)])
    kept = np.array([np.sum((before == d) & (labels == d) & (after == d)) for d in range(10)])
    with np.errstate(invalid="ignore"):
        return (known - kept) / known


def cheapest_that_fears_exact(probabilities: Any, labels: Any, price: float) -> Any:
    exact = np.isin(probabilities, [0.5, 0.75]).any()
    return 0.9 if exact else cheapest_by_loops(probabilities, labels, price)


RIGHT: dict[str, dict[str, Any]] = {
    "07.fit_size": {
        "one factor": fit_right,
        "two cases": fit_by_cases,
        "array": lambda h, w: np.array([h, w]) * 20 / max(h, w),
    },
    "07.against_paper": {
        "loops": darkness_by_loops,
        "uint8, paper first": darkness_in_uint8,
        "sliding windows, as a list": darkness_padded,
        "grey dilation": lambda photo, size: (
            ndimage.grey_dilation(photo.astype(float), (size, size)) - photo
        ),
    },
    "07.label_safe": {
        "list": ["A", "D", "E", "F"],
        "another order, small letters": ("f", "a", "e", "d"),
        "a letter twice": ["A", "A", "D", "E", "F"],
        "array": np.array(["A", "D", "E", "F"]),
    },
    "07.forgotten": {
        "loop": forgotten_by_loop,
        "counts": forgotten_by_counts,
        "lists": forgotten_by_lists,
    },
    "07.decide": {
        "np.where": decide_right,
        "loop": decide_by_loop,
        "overwriting": decide_in_place,
        "top_k": decide_by_a_table,
    },
    "07.cheapest_threshold": {
        "loops": cheapest_by_loops,
        "one table": cheapest_by_a_table,
        "the best so far, mean cost": cheapest_kept_up_to_date,
    },
}

WRONG: dict[str, list[Wrong]] = {
    "07.fit_size": [
        Wrong("shorter side to 20", lambda h, w: (40, 20), "tall"),
        Wrong("height decides", fit_by_height, "wide"),
        Wrong("never enlarges", fit_down_only, "small"),
        Wrong("rounded", fit_rounded, "fraction"),
        Wrong("at least a pixel", fit_at_least_a_pixel, "thin"),
        Wrong("forgot equal sides", fit_unequal_sides, "equal", "function returned None"),
        Wrong("a square to 28", fit_square_as_28, "equal"),
        Wrong(
            "integer factor",
            lambda h, w: (h // (max(h, w) // 20), w // (max(h, w) // 20)),
            "small",
            "Your function raised ZeroDivisionError",
        ),
    ],
    "07.against_paper": [
        Wrong("as it was", lambda p, s: p.max() - p.astype(float), "one paper"),
        Wrong(
            "photo minus paper",
            lambda p, s: p - ndimage.maximum_filter(p.astype(float), s),
            "the wrong way round",
        ),
        Wrong("uint8", lambda p, s: p - ndimage.maximum_filter(p, s), "wraps"),
        Wrong(
            "local mean",
            lambda p, s: ndimage.uniform_filter(p.astype(float), s) - p,
            "mean paper",
        ),
        Wrong(
            "darkest near by",
            lambda p, s: p - ndimage.minimum_filter(p.astype(float), s),
            "darkest",
        ),
        Wrong(
            "window of half the size",
            lambda p, s: ndimage.maximum_filter(p.astype(float), s // 2) - p,
            "window",
        ),
        Wrong("cut to the inside", lambda p, s: p[4:-4, 4:-4] * 1.0, "everywhere"),
        Wrong("paper only", lambda p, s: ndimage.maximum_filter(p, s), "paper alone"),
        Wrong(
            "largest is 1",
            lambda p, s: darkness_in_uint8(p, s) / darkness_in_uint8(p, s).max(),
            "other units",
        ),
        Wrong(
            "from 0 to 1", lambda p, s: ndimage.maximum_filter(p / 255, s) - p / 255, "other units"
        ),
        Wrong(
            "size ignored",
            lambda p, s: ndimage.maximum_filter(p.astype(float), 41) - p,
            "everywhere",
        ),
        Wrong(
            "a window of nine written in",
            lambda p, s: ndimage.maximum_filter(p.astype(float), 9) - p,
            "another size",
        ),
        Wrong(
            "size as reach",
            lambda p, s: ndimage.maximum_filter(p.astype(float), 2 * s + 1) - p,
            "window",
        ),
        Wrong(
            "rows alone",
            lambda p, s: ndimage.maximum_filter1d(p.astype(float), s) - p,
            "everywhere",
        ),
        Wrong(
            "smoothed paper",
            lambda p, s: (
                ndimage.gaussian_filter(ndimage.maximum_filter(p.astype(float), s), s / 2) - p
            ),
            "everywhere",
        ),
        Wrong(
            "ink or no ink",
            lambda p, s: ndimage.maximum_filter(p.astype(float), s) - p > 40,
            "everywhere",
        ),
    ],
    "07.label_safe": [
        Wrong("with the mirror", ["A", "B", "D", "E", "F"], "B"),
        Wrong("with the half turn", ["A", "C", "D", "E", "F"], "C"),
        Wrong("without the shift", ["D", "E", "F"], "A"),
        Wrong("without the thick stroke", ["A", "E", "F"], "D"),
        Wrong("without the small turn", ["A", "D", "F"], "E"),
        Wrong("shift alone", ["A"], "D"),
        Wrong("without the slant", ["A", "D", "E"], "F"),
        Wrong("none", [], "some"),
        Wrong("the unsafe ones", ["B", "C"], "B"),
        Wrong("all", list("ABCDEF"), "B"),
        Wrong("a letter too many", ["A", "D", "E", "F", "G"], "letters"),
        Wrong("one string", ["ADEF"], "letters"),
    ],
    "07.forgotten": [
        Wrong(
            "one number",
            lambda b, a, y: np.mean(a[b == y] != y[b == y]),
            "one for each digit",
            "Your function returned a number",
        ),
        Wrong(
            "the change of the answer",
            lambda b, a, y: [np.mean(a[y == d] != b[y == d]) for d in range(10)],
            "forgotten",
        ),
        Wrong("NaN where nothing was known", forgotten_or_nan, "nothing known"),
    ],
    "07.decide": [
        Wrong(
            "axis 0",
            lambda p, t: np.where(p.max(0) >= t, p.argmax(0), -1),
            "axis",
        ),
        Wrong(
            "one answer for all",
            lambda p, t: -1 if p.max() < t else p.argmax(),
            "None",
            "Your function returned a number",
        ),
        Wrong("left out the declined", lambda p, t: p.argmax(1)[p.max(1) >= t], "left out"),
        Wrong("as a column", lambda p, t: decide_right(p, t)[:, None], "axis"),
        Wrong("every entry", lambda p, t: np.where(p < t, -1, p), "axis"),
        Wrong(
            "an if for the batch",
            lambda p, t: p.argmax(1) if p.max(1) >= t else -1,
            "None",
            "raised ValueError",
        ),
        Wrong("half, whatever was given", lambda p, t: decide_right(p, 0.5), "all declined"),
        Wrong("0 for declined", lambda p, t: (p >= t).argmax(1), "all declined"),
        Wrong(
            "one confidence for all",
            lambda p, t: p.argmax(1) if p.max() >= t else -1,
            "all declined",
            "Your function returned a number",
        ),
        Wrong("always answers", lambda p, t: p.argmax(1), "all declined"),
        Wrong(
            "confidence instead of label",
            lambda p, t: np.where(p.max(1) >= t, p.max(1), -1),
            "some",
        ),
        Wrong(
            "smallest instead of largest",
            lambda p, t: np.where(p.max(1) >= t, p.argmin(1), -1),
            "some",
        ),
        Wrong(
            "strictly above",
            lambda p, t: np.where(p.max(1) > t, p.argmax(1), -1),
            "equal",
        ),
        Wrong("the first that reaches it", decide_the_first_that_reaches, "low threshold"),
        Wrong("five written in", decide_five, "another batch"),
        Wrong("decimals", lambda p, t: decide_right(p, t).astype(float), "whole numbers"),
        Wrong(
            "None for declined",
            lambda p, t: [int(q.argmax()) if q.max() >= t else None for q in p],
            "None",
            "holds None; an array of numbers was expected",
        ),
        Wrong(
            "None in an array",
            lambda p, t: np.array([int(q.argmax()) if q.max() >= t else None for q in p]),
            "None",
        ),
        Wrong(
            "texts",
            lambda p, t: [str(q.argmax()) if q.max() >= t else "declined" for q in p],
            "None",
            "holds a string; an array of numbers was expected",
        ),
    ],
    "07.cheapest_threshold": [
        Wrong("its cost", cheapest_cost, "a threshold"),
        Wrong("its place", cheapest_place, "a threshold"),
        Wrong("nothing returned", cheapest_never_returned, "a threshold", "returned None"),
        Wrong("the most accurate", cheapest_least_declined, "right ones alone"),
        Wrong("tenths alone", cheapest_of_tenths, "cheapest"),
        Wrong("price written in", cheapest_of_four, "another price"),
        Wrong("0 never tried", cheapest_above_zero, "cheap errors"),
        Wrong("right but for exact ones", cheapest_that_fears_exact, "exact and sure"),
    ],
}
