"""Answers to the exercises of chapter 9."""

from typing import Any

import numpy as np
from scipy.stats import binom

from answers import Wrong

NUMBERS, KERNELS = 225_034, 224_800
BYTES = [4 * NUMBERS, 2 * NUMBERS, KERNELS + 4 * 234 + 16, KERNELS + 4 * 234 + 4 * 234]


def quantise_right(kernel: Any, bits: int) -> Any:
    axes = tuple(range(kernel.ndim - 1))
    scale = np.abs(kernel).max(axis=axes) / (2 ** (bits - 1) - 1)
    scale[scale == 0] = 1
    return np.round(kernel / scale) * scale


def quantise_by_loop(kernel: Any, bits: int) -> Any:
    rounded = np.zeros_like(kernel)
    for channel in range(kernel.shape[-1]):
        weights = kernel[..., channel]
        largest = np.max(np.abs(weights))
        if largest > 0:
            step = largest / (2 ** (bits - 1) - 1)
            rounded[..., channel] = np.rint(weights / step) * step
    return rounded


def quantise_as_rows(kernel: Any, bits: int) -> Any:
    rows = kernel.reshape(-1, kernel.shape[-1])
    step = np.maximum(np.abs(rows).max(axis=0), 1e-30) / (2 ** (bits - 1) - 1)
    whole = np.floor(rows / step + 0.5).astype(np.int8)
    return (whole * step).reshape(kernel.shape)


def quantise_8(kernel: Any, bits: int) -> Any:
    return quantise_right(kernel, 8)


def quantise_four_axes(kernel: Any, bits: int) -> Any:
    scale = np.abs(kernel).max(axis=(0, 1, 2)) / (2 ** (bits - 1) - 1)
    return np.round(kernel / scale) * scale


def quantise_nan(kernel: Any, bits: int) -> Any:
    scale = np.abs(kernel).max(axis=tuple(range(kernel.ndim - 1))) / (2 ** (bits - 1) - 1)
    with np.errstate(all="ignore"):
        return np.round(kernel / scale) * scale


def slowest_right(by_client: Any) -> float:
    return float(np.quantile(np.concatenate(by_client), 0.99) * 1000)


def slowest_by_hand(by_client: Any) -> float:
    times = sorted(second for client in by_client for second in client)
    return times[int(0.99 * len(times))] * 1000


def slowest_percentile(by_client: Any) -> Any:
    return 1000 * np.percentile(np.hstack(by_client), 99)


def slowest_skips_nobody(by_client: Any) -> float:
    for times in by_client:
        times[0]  # fails for a client without a request
    return slowest_right(by_client)


def stale_right(card: Any, weights: str) -> Any:
    return sorted(name for name, entry in card.items() if entry.get("weights") != weights)


def stale_by_loop(card: Any, weights: str) -> Any:
    names = []
    for name in card:
        if "weights" not in card[name] or card[name]["weights"] != weights:
            names.append(name)
    names.sort()
    return names


def stale_tuple(card: Any, weights: str) -> Any:
    fresh = {name for name in card if card[name].get("weights") == weights}
    return tuple(sorted(set(card) - fresh))


def alarm_right(declined: Any, daily: int, usual: float, window: int, alpha: float) -> int:
    for day in range(window - 1, len(declined)):
        total = sum(declined[day - window + 1 : day + 1])
        if binom.sf(total - 1, window * daily, usual) < alpha:
            return day
    return -1


def alarm_vectorised(declined: Any, daily: int, usual: float, window: int, alpha: float) -> Any:
    totals = np.convolve(declined, np.ones(window, int), mode="valid")
    days = np.flatnonzero(binom.sf(totals - 1, window * daily, usual) < alpha)
    return days[0] + window - 1 if len(days) else -1


def alarm_by_cdf(declined: Any, daily: int, usual: float, window: int, alpha: float) -> Any:
    sums = np.cumsum([0, *declined])
    for day in range(window, len(sums)):
        total = sums[day] - sums[day - window]
        if 1 - binom.cdf(total - 1, daily * window, usual) < alpha:
            return day - 1
    return -1


def alarm_by_summing(declined: Any, daily: int, usual: float, window: int, alpha: float) -> int:
    n = daily * window
    for day in range(window - 1, len(declined)):
        total = sum(declined[day + 1 - window : day + 1])
        if binom.pmf(np.arange(total, n + 1), n, usual).sum() < alpha:
            return day
    return -1


def alarm_none(declined: Any, daily: int, usual: float, window: int, alpha: float) -> Any:
    day = alarm_right(declined, daily, usual, window, alpha)
    return day if day >= 0 else len(declined)


def alarm_too_early(declined: Any, daily: int, usual: float, window: int, alpha: float) -> int:
    for day in range(len(declined)):
        total = sum(declined[max(0, day - window + 1) : day + 1])
        if binom.sf(total - 1, window * daily, usual) < alpha:
            return day
    return -1


def alarm_three(declined: Any, daily: int, usual: float, window: int, alpha: float) -> int:
    if (window, alpha) == (5, 0.01):
        return alarm_right(declined, daily, usual, 3, alpha)
    return alarm_right(declined, daily, usual, window, alpha)


RIGHT: dict[str, dict[str, Any]] = {
    "09.runs_code": {
        "letters": ["B", "C", "E", "G"],
        "another order": ["G", "E", "B", "C"],
        "a tuple": ("C", "E", "B", "G"),
    },
    "09.file_bytes": {
        "worked out": BYTES,
        "a tuple": tuple(BYTES),
        "an array": np.array(BYTES),
    },
    "09.quantise": {
        "max over the other axes": quantise_right,
        "a loop over channels": quantise_by_loop,
        "as a table": quantise_as_rows,
    },
    "09.slowest": {
        "quantile": slowest_right,
        "sorted by hand": slowest_by_hand,
        "percentile": slowest_percentile,
    },
    "09.stale": {
        "a comprehension": stale_right,
        "a loop": stale_by_loop,
        "sets": stale_tuple,
    },
    "09.first_alarm": {
        "a loop": alarm_right,
        "convolve": alarm_vectorised,
        "running sums": alarm_by_cdf,
        "chances added up": alarm_by_summing,
    },
}

WRONG: dict[str, list[Wrong]] = {
    "09.runs_code": [
        Wrong("one string", ["BCEG"], "letters"),
        Wrong("none", [], "some"),
        Wrong("all", list("ABCDEFG"), "A"),
        Wrong("weights, too", ["B", "C", "D", "E", "G"], "D"),
        Wrong("JSON, too", ["B", "C", "E", "F", "G"], "F"),
        Wrong("without joblib", ["C", "E", "G"], "B"),
        Wrong("without the Lambda layer", ["B", "E", "G"], "C"),
        Wrong("without the allowed pickle", ["B", "C", "G"], "E"),
        Wrong("without the SavedModel", ["B", "C", "E"], "G"),
    ],
    "09.file_bytes": [
        Wrong("three", BYTES[:3], "four"),
        Wrong("half as many floats", [2 * NUMBERS, *BYTES[1:]], "float32"),
        Wrong("float16 as float32", [BYTES[0], BYTES[0], *BYTES[2:]], "float16"),
        Wrong("biases forgotten", [*BYTES[:2], KERNELS + 16, BYTES[3]], "per tensor"),
        Wrong("a scale for each layer", [*BYTES[:3], BYTES[2]], "per channel"),
    ],
    "09.quantise": [
        Wrong("127 written in", quantise_8, "3 bits"),
        Wrong("four axes written in", quantise_four_axes, "dense"),
        Wrong("nothing divided by nothing", quantise_nan, "empty channel"),
        Wrong("unchanged", lambda kernel, bits: kernel, "8 bits"),
    ],
    "09.slowest": [
        Wrong("the median", lambda c: 1000 * np.median(np.concatenate(c)), "all requests"),
        Wrong(
            "90 in a hundred", lambda c: 1000 * np.quantile(np.concatenate(c), 0.9), "all requests"
        ),
        Wrong("a silent client", slowest_skips_nobody, "silent client"),
    ],
    "09.stale": [
        Wrong("all", lambda card, weights: sorted(card), "names"),
        Wrong(
            "new written in",
            lambda card, weights: stale_right(card, "new"),
            "other weights",
        ),
        Wrong(
            "a missing entry",
            lambda card, weights: sorted(n for n in card if card[n]["weights"] != weights),
            "nobody knows",
        ),
        Wrong(
            "a missing entry is fresh",
            lambda card, weights: sorted(
                n for n in card if card[n].get("weights", weights) != weights
            ),
            "nobody knows",
        ),
        Wrong(
            "nothing for none",
            lambda card, weights: stale_right(card, weights) or ["none"],
            "all fresh",
        ),
    ],
    "09.first_alarm": [
        Wrong("never", lambda *inputs: -1, "first"),
        Wrong("the end where nothing happens", alarm_none, "calm"),
        Wrong("three written in", alarm_three, "another window"),
        Wrong("windows that are not full", alarm_too_early, "full windows"),
    ],
}
