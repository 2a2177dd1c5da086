"""The exercises of chapter 9: bytes, files that run code, rounding, slow answers, cards, alarms."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import binom

from mnist_lib.exercises.engine import Case, Exercise, OneOf, Reference

# --- How many bytes? ------------------------------------------------------------------------------

_KERNELS, _BIASES, _CHANNELS = 224_800, 234, 32 + 64 + 128 + 10
_ALL = _KERNELS + _BIASES
_BYTES = (4 * _ALL, 2 * _ALL, _KERNELS + 4 * (_BIASES + 4), _KERNELS + 4 * (_BIASES + _CHANNELS))

# --- Rounding by channel --------------------------------------------------------------------------

_RNG = np.random.default_rng(9)
# Channels of very different sizes, and more of them than rows, so that a wrong axis shows.
_KERNEL = _RNG.normal(size=(3, 3, 2, 5)) * np.array([1.0, 0.01, 0.3, 5.0, 0.1])
_DENSE = _RNG.normal(size=(12, 3)) * np.array([2.0, 0.05, 0.7])


def _with_an_empty_channel() -> Any:
    kernel = _RNG.normal(size=(4, 3))
    kernel[:, 1] = 0
    return kernel


_EMPTY_CHANNEL = _with_an_empty_channel()


def _round(kernel: Any, levels: float, axes: Any, to: Any = np.rint) -> Any:
    largest = np.abs(kernel).max(axis=axes, keepdims=True)
    scale = np.where(largest > 0, largest, 1) / levels
    return to(kernel / scale) * scale


def _channels(kernel: Any) -> tuple[int, ...]:
    return tuple(range(kernel.ndim - 1))


def _quantise(kernel: Any, bits: int) -> Any:
    return _round(kernel, 2 ** (bits - 1) - 1, _channels(kernel))


def _per_tensor(kernel: Any, bits: int) -> Any:
    return _round(kernel, 2 ** (bits - 1) - 1, None)


def _first_axis(kernel: Any, bits: int) -> Any:
    return _round(kernel, 2 ** (bits - 1) - 1, tuple(range(1, kernel.ndim)))


def _every_column(kernel: Any, bits: int) -> Any:
    return _round(kernel, 2 ** (bits - 1) - 1, 0)


def _unsigned_levels(kernel: Any, bits: int) -> Any:
    return _round(kernel, 2**bits - 1, _channels(kernel))


def _one_level_more(kernel: Any, bits: int) -> Any:
    return _round(kernel, 2 ** (bits - 1), _channels(kernel))


def _cut_off(kernel: Any, bits: int) -> Any:
    return _round(kernel, 2 ** (bits - 1) - 1, _channels(kernel), np.trunc)


def _signed_largest(kernel: Any, bits: int) -> Any:
    """Take the largest weight without its sign: a channel's farthest weight may be negative."""
    scale = kernel.max(axis=_channels(kernel), keepdims=True) / (2 ** (bits - 1) - 1)
    return np.rint(kernel / scale) * scale


def _whole_numbers(kernel: Any, bits: int) -> Any:
    largest = np.abs(kernel).max(axis=_channels(kernel), keepdims=True)
    return np.rint(kernel / np.where(largest > 0, largest, 1) * (2 ** (bits - 1) - 1))


# --- The slowest in a hundred ---------------------------------------------------------------------


def _clients() -> Any:
    """Return the seconds of three quick clients and of a slow one with few requests."""
    quick = [np.linspace(0.004, end, count) for end, count in ((0.02, 300), (0.021, 260))]
    return [*quick, np.linspace(0.005, 0.019, 240), np.array([0.2, 0.25, 0.31, 0.33, 0.4, 0.22])]


_BY_CLIENT = _clients()
_WITH_A_SILENT_CLIENT = [*_BY_CLIENT[:2], np.array([]), _BY_CLIENT[3][:2]]


def _slowest(by_client: Any) -> float:
    return 1000 * float(np.quantile(np.concatenate(by_client), 0.99))


def _mean_of_slowest(by_client: Any) -> float:
    return 1000 * float(np.mean([np.quantile(t, 0.99) for t in by_client if len(t)]))


def _slowest_client(by_client: Any) -> float:
    return 1000 * max(float(np.quantile(t, 0.99)) for t in by_client if len(t))


def _weighted_mean(by_client: Any) -> float:
    some = [t for t in by_client if len(t)]
    slow = [np.quantile(t, 0.99) for t in some]
    return 1000 * float(np.average(slow, weights=[len(t) for t in some]))


def _mean_answer(by_client: Any) -> float:
    return 1000 * float(np.mean(np.concatenate(by_client)))


def _maximum(by_client: Any) -> float:
    return 1000 * float(np.max(np.concatenate(by_client)))


def _one_in_a_hundred_fast(by_client: Any) -> float:
    return 1000 * float(np.quantile(np.concatenate(by_client), 0.01))


def _quantile_of_one(by_client: Any) -> float:
    """Ask np.percentile for 0.99, which is 0.99 per cent."""
    return 1000 * float(np.percentile(np.concatenate(by_client), 0.99))


# --- Stale figures --------------------------------------------------------------------------------

_CARD = {
    "strangers": {"text": "91.2 %", "weights": "new"},
    "validation": {"text": "98.7 %", "weights": "old"},
    "lowest digit": {"text": "96.0 %", "weights": "older"},
    "training": {"text": "12 s", "weights": "new"},
}
_CARD_WITHOUT = {**_CARD, "carbon": {"text": "0.1 g"}}
_FRESH_CARD = {"validation": {"text": "98.7 %", "weights": "new"}}

# --- The first alarm ------------------------------------------------------------------------------

# Slowly more: no single day is rare, three days together are.
_DECLINED = [5, 4, 6, 5, 3, 8, 9, 10, 11, 9, 10, 12, 17, 20]
_CALM = [5, 4, 6, 5, 3, 5, 6, 4, 5, 7]
_FEW = [5, 4, 1, 0, 0, 1, 4, 5]
_EARLY = [60, 5, 4, 5, 6, 5, 4, 5]  # the first day alone is enough for any window
_ALPHA = 0.001


def _first(
    declined: Any, daily: int, usual: float, window: int, alpha: float, shift: int = -1
) -> int:
    for day in range(window - 1, len(declined)):
        total = sum(declined[day - window + 1 : day + 1])
        if binom.sf(total + shift, window * daily, usual) < alpha:
            return day
    return -1


def _single_days(declined: Any, daily: int, usual: float, window: int, alpha: float) -> int:
    return _first(declined, daily, usual, 1, alpha)


def _more_than(declined: Any, daily: int, usual: float, window: int, alpha: float) -> int:
    """Ask for more than so many, which leaves out the count itself."""
    return _first(declined, daily, usual, window, alpha, shift=0)


def _exactly(declined: Any, daily: int, usual: float, window: int, alpha: float) -> int:
    """Take the chance of exactly so many, which is small for few as well."""
    for day in range(window - 1, len(declined)):
        total = sum(declined[day - window + 1 : day + 1])
        if binom.pmf(total, window * daily, usual) < alpha:
            return day
    return -1


def _place_in_windows(declined: Any, daily: int, usual: float, window: int, alpha: float) -> int:
    day = _first(declined, daily, usual, window, alpha)
    return day if day < 0 else day - window + 1


def _counted_from_one(declined: Any, daily: int, usual: float, window: int, alpha: float) -> int:
    day = _first(declined, daily, usual, window, alpha)
    return day if day < 0 else day + 1


def _sum_against_one_day(declined: Any, daily: int, usual: float, window: int, alpha: float) -> int:
    for day in range(window - 1, len(declined)):
        if binom.sf(sum(declined[day - window + 1 : day + 1]) - 1, daily, usual) < alpha:
            return day
    return -1


def _last_alarm(declined: Any, daily: int, usual: float, window: int, alpha: float) -> int:
    days = [
        day
        for day in range(window - 1, len(declined))
        if binom.sf(sum(declined[day - window + 1 : day + 1]) - 1, window * daily, usual) < alpha
    ]
    return days[-1] if days else -1


def _short_windows_too(declined: Any, daily: int, usual: float, window: int, alpha: float) -> int:
    """Begin on day 0, with windows that are not full yet."""
    for day in range(len(declined)):
        days = declined[max(0, day - window + 1) : day + 1]
        if binom.sf(sum(days) - 1, len(days) * daily, usual) < alpha:
            return day
    return -1


EXERCISES = (
    Exercise(
        id="09.runs_code",
        title="Which files may run code?",
        stars=1,
        minutes=5,
        form="predict",
        type="letters",
        hints=(
            "Ask of each: does it store numbers and names, or instructions?",
            "joblib uses pickle; a .npy file may hold a pickle if you allow it; a Lambda layer "
            "stores a Python function; a SavedModel is a graph of operations.",
        ),
        shows="Code runs where a file may hold instructions and the loader trusts it. In C and E "
        "you told it to; the loaders of B and G always do.",
        cases=(
            Case(
                name="letters",
                expect=lambda v: v <= set("ABCDEFG"),
                mistake="The files have the letters A to G: list single letters, each in quotes.",
            ),
            Case(
                name="some",
                expect=bool,
                mistake="Some of them can: think of what a pickle stores.",
            ),
            Case(
                name="A",
                expect=lambda v: "A" not in v,
                mistake="Look at A again: np.load refuses pickles unless you allow them.",
            ),
            Case(
                name="D",
                expect=lambda v: "D" not in v,
                mistake="Look at D again: this file holds numbers, and the layers are yours.",
            ),
            Case(
                name="F",
                expect=lambda v: "F" not in v,
                mistake="Look at F again: JSON knows numbers, texts, lists and dictionaries, and "
                "nothing that is called.",
            ),
            Case(
                name="B",
                expect=lambda v: "B" in v,
                mistake="One is missing: which of these libraries saves any Python object?",
            ),
            Case(
                name="C",
                expect=lambda v: "C" in v,
                mistake="One is missing: which one stores a Python function, and is told to trust "
                "it?",
            ),
            Case(
                name="E",
                expect=lambda v: "E" in v,
                mistake="One is missing: look at the arguments once more.",
            ),
            Case(
                name="G",
                expect=lambda v: "G" in v,
                mistake="One is missing: which of them holds a program that is not Python's?",
            ),
        ),
    ),
    Exercise(
        id="09.file_bytes",
        title="How many bytes?",
        stars=1,
        minutes=6,
        form="calculate",
        type="numbers",
        hints=(
            "A byte has 8 bits: how many bytes does a float32 take, a float16, an int8?",
            "For the int8 forms, add up three parts: kernels, biases and scales (each a float32). "
            "Only the number of scales differs between the two.",
        ),
        shows="The scales cost next to nothing, even one for each channel: nearly all bytes are "
        "kernels.",
        cases=(
            Case(
                name="four",
                expect=lambda v: len(v) == 4,
                mistake="Four numbers were expected, one for each form.",
            ),
            Case(
                name="bits",
                slip=OneOf(32 * _ALL, 16 * _ALL),
                place=(0, 1),
                mistake="These are bits. A byte has eight of them.",
            ),
            Case(
                name="kernels alone",
                slip=OneOf(4 * _KERNELS, 2 * _KERNELS),
                place=(0, 1),
                mistake="The biases are missing: everything is stored in this form.",
            ),
            Case(
                name="float32",
                place=0,
                expect=_BYTES[0],
                mistake="In float32, each of the 224,800 + 234 numbers takes 4 bytes.",
            ),
            Case(
                name="float16",
                place=1,
                expect=_BYTES[1],
                mistake="In float16, each of the numbers takes half of what it takes in float32.",
            ),
            Case(
                name="int8 biases",
                slip=OneOf(_ALL + 16, _ALL),
                place=(2, 2),
                mistake="The biases stay in float32: each takes 4 bytes, not 1.",
            ),
            Case(
                name="scales forgotten",
                slip=OneOf(_KERNELS + 4 * _BIASES, _KERNELS + 4 * _BIASES),
                place=(2, 3),
                mistake="Whole numbers alone cannot be turned back: their scales must be stored, "
                "too.",
            ),
            Case(
                name="scales as bytes",
                slip=_KERNELS + 4 * _BIASES + 4,
                place=2,
                mistake="A scale is a float32: 4 bytes each.",
            ),
            Case(  # there are as many biases as channels, so both slips give this number
                name="biases or scales as bytes",
                slip=_ALL + 4 * _CHANNELS,
                place=3,
                mistake="Biases and scales are both floats: each of either takes 4 bytes.",
            ),
            Case(
                name="per tensor",
                place=2,
                expect=_BYTES[2],
                mistake="Kernels take 1 byte a weight, biases 4 bytes each, and each of the four "
                "scales 4 bytes.",
            ),
            Case(
                name="per channel",
                place=3,
                expect=_BYTES[3],
                mistake="As the third form, but with a scale for each of the 32 + 64 + 128 + 10 "
                "channels.",
            ),
        ),
    ),
    Exercise(
        id="09.quantise",
        title="Round by channel",
        stars=2,
        minutes=12,
        form="write",
        type="array",
        inputs=(_KERNEL, 8),
        hints=(
            "The largest absolute weight of each channel sets its scale. Over which axes must you "
            "take the maximum, so that one number for each channel is left?",
            "`axes = tuple(range(kernel.ndim - 1))`, with `keepdims=True`. Divide by "
            "`2 ** (bits - 1) - 1`; where a channel is 0 everywhere, use another scale, such as 1.",
        ),
        shows="Each channel gets steps that fit its own weights, for one float more per channel.",
        cases=(
            Case(
                name="whole numbers",
                slip=_whole_numbers,
                mistake="These are the whole numbers. Multiply them by the scale again, to get "
                "weights of the old size.",
            ),
            Case(
                name="per tensor",
                slip=_per_tensor,
                mistake="One scale serves the whole kernel here. Each output channel needs its "
                "own.",
            ),
            Case(
                name="first axis",
                slip=_first_axis,
                mistake="Output channels lie along the last axis: take the maximum over all the "
                "others.",
            ),
            Case(
                name="one axis only",
                slip=_every_column,
                mistake="You took the maximum over one axis. A convolution's kernel has three "
                "besides the channels.",
            ),
            Case(
                name="levels",
                slip=OneOf(_unsigned_levels, _one_level_more),
                mistake="Count the levels again: with a sign, 8 bits reach from −127 to 127.",
            ),
            Case(
                name="cut off",
                slip=_cut_off,
                mistake="You cut the fractions off. Round to the nearest whole number: that "
                "halves the largest error.",
            ),
            Case(
                name="largest with sign",
                slip=_signed_largest,
                mistake="A channel's farthest weight may be negative: take absolute values first.",
            ),
            Case(
                name="8 bits",
                expect=Reference(_quantise),
                mistake="In each channel: scale = largest absolute weight / 127; divide by it, "
                "round, and multiply by it.",
            ),
            Case(
                name="3 bits",
                inputs=(_KERNEL, 3),
                expect=Reference(_quantise),
                mistake="It works for 8 bits only: is a 127 written into your code?",
                explains_all=True,
            ),
            Case(
                name="dense",
                inputs=(_DENSE, 4),
                expect=Reference(_quantise),
                mistake="A dense kernel has two axes. Does your code count on four?",
                explains_all=True,
            ),
            Case(
                name="empty channel",
                inputs=(_EMPTY_CHANNEL, 8),
                expect=Reference(_quantise),
                mistake="One channel is 0 everywhere, and 0 / 0 is NaN. It must stay 0.",
                explains_all=True,
            ),
        ),
    ),
    Exercise(
        id="09.slowest",
        title="The slowest in a hundred",
        stars=2,
        minutes=10,
        form="find the fault",
        type="number",
        inputs=(_BY_CLIENT,),
        hints=(
            "How much does the slow client count in the mean of four numbers? How many of all "
            "requests did it send?",
            "Put all requests into one array with `np.concatenate`, then take its 0.99 quantile.",
        ),
        shows="Percentiles cannot be averaged: put the requests together first.",
        cases=(
            Case(
                name="mean of percentiles",
                slip=_mean_of_slowest,
                mistake="This is your colleague's number: each client counts alike, whether it "
                "sent six requests or three hundred.",
            ),
            Case(
                name="weighted",
                slip=_weighted_mean,
                mistake="Weights do not help: a mean of percentiles is not the percentile of all.",
            ),
            Case(
                name="slowest client",
                slip=_slowest_client,
                mistake="This is the slowest client alone. All requests together were asked for.",
            ),
            Case(
                name="mean",
                slip=_mean_answer,
                mistake="This is the mean answer, which hides the slow ones.",
            ),
            Case(
                name="maximum",
                slip=_maximum,
                mistake="This is the slowest answer of all. One in a hundred is slower than the "
                "99th percentile.",
            ),
            Case(
                name="fast end",
                slip=OneOf(_one_in_a_hundred_fast, _quantile_of_one),
                mistake="This is at the fast end: np.quantile counts from 0 to 1, np.percentile "
                "from 0 to 100.",
            ),
            Case(
                name="unit",
                slip=OneOf(
                    lambda by_client: _slowest(by_client) / 1000,
                    lambda by_client: _mean_of_slowest(by_client) / 1000,
                ),
                mistake="These are seconds; milliseconds were asked for. And check: are all "
                "requests in one array?",
            ),
            Case(
                name="all requests",
                expect=Reference(_slowest),
                tolerance=0.02,  # other definitions of a percentile lie within it
                mistake="Take the 99th percentile of the requests of all clients together.",
            ),
            Case(
                name="silent client",
                inputs=(_WITH_A_SILENT_CLIENT,),
                expect=Reference(_slowest),
                tolerance=0.02,
                mistake="One client sent nothing here, and it must do no harm.",
                explains_all=True,
            ),
        ),
    ),
    Exercise(
        id="09.stale",
        title="Which figures are stale?",
        stars=2,
        minutes=8,
        form="write",
        type="texts",
        inputs=(_CARD, "new"),
        hints=(
            "Go through card.items(): each value is a dictionary itself.",
            'entry.get("weights") gives None where there is no such entry, and None is not the '
            "weights that you look for.",
        ),
        shows="A figure that carries what it was measured on can be refused by a program.",
        cases=(
            Case(
                name="fresh ones",
                slip=["strangers", "training"],
                mistake="These are the figures that fit. The others were asked for.",
            ),
            Case(
                name="texts",
                slip=OneOf(["98.7 %", "96.0 %"], ["96.0 %", "98.7 %"]),
                mistake="These are the figures' texts; their names were asked for.",
            ),
            Case(
                name="unsorted",
                slip=["validation", "lowest digit"],
                mistake="The right names, in the order of the card: sort them.",
            ),
            Case(
                name="names",
                expect=["lowest digit", "validation"],
                mistake='A figure is stale if its "weights" are not those that were given.',
                explains_all=True,
            ),
            Case(
                name="other weights",
                inputs=(_CARD, "old"),
                expect=["lowest digit", "strangers", "training"],
                mistake="It works for one name of weights only: is it written into your code?",
                explains_all=True,
            ),
            Case(
                name="nobody knows",
                inputs=(_CARD_WITHOUT, "new"),
                expect=["carbon", "lowest digit", "validation"],
                mistake='One figure has no entry "weights" here. It counts as stale, and must '
                "raise no error.",
                explains_all=True,
            ),
            Case(
                name="all fresh",
                inputs=(_FRESH_CARD, "new"),
                expect=[],
                mistake="Every figure fits here, so the list is empty.",
                explains_all=True,
            ),
        ),
    ),
    Exercise(
        id="09.first_alarm",
        title="How many days do you wait?",
        stars=3,
        minutes=15,
        form="experiment",
        type="number",
        inputs=(_DECLINED, 100, 0.05, 3, _ALPHA),
        hints=(
            "For one day: total = sum(declined[day - window + 1 : day + 1]). How many digits are "
            "these, and what is the chance of total or more of them?",
            "binom.sf(total - 1, window * daily, usual) is the chance of total or more. Return the "
            "first day on which it is below alpha; after the loop, return -1.",
        ),
        shows="Days together notice a slow change that no single day shows; they may notice a "
        "sudden one later.",
        cases=(
            Case(
                name="single days",
                slip=_single_days,
                mistake="This looks at one day at a time: add up the last window days.",
            ),
            Case(
                name="sum against one day",
                slip=_sum_against_one_day,
                mistake="The sum of several days is compared with one day's digits: there are "
                "window × daily of them.",
            ),
            Case(
                name="place",
                slip=_place_in_windows,
                mistake="This is the first day of the window. The alarm sounds on its last day.",
            ),
            Case(
                name="from one",
                slip=_counted_from_one,
                mistake="Days are counted from 0.",
            ),
            Case(
                name="last",
                slip=_last_alarm,
                mistake="There are several alarms: return the first.",
            ),
            Case(
                name="first",
                expect=Reference(_first),
                mistake="Add the last window days; find the chance of so many or more; return the "
                "first day on which it is below alpha.",
            ),
            Case(
                name="calm",
                inputs=(_CALM, 100, 0.05, 3, _ALPHA),
                expect=-1,
                mistake="Nothing happens on these days: return −1.",
                explains_all=True,
            ),
            Case(
                name="few",
                inputs=(_FEW, 100, 0.05, 3, _ALPHA),
                slip=_exactly,
                mistake="Fewer declined digits than usual do not sound this alarm: take the chance "
                "of so many or more, not of exactly so many.",
            ),
            Case(
                name="full windows",
                inputs=(_EARLY, 100, 0.05, 5, _ALPHA),
                slip=_short_windows_too,
                mistake="The first window is full on day window − 1; before that, no alarm.",
            ),
            Case(
                name="or more",
                inputs=([5, 12, 6, 14], 100, 0.05, 1, 0.0016),
                slip=_more_than,
                mistake="The chance of so many *or more* is meant: binom.sf(k, …) is the chance of "
                "more than k.",
            ),
            Case(
                name="another window",
                inputs=(_DECLINED, 100, 0.05, 5, 0.01),
                expect=Reference(_first),
                mistake="It works for a window of 3 days and one alpha only: is a number written "
                "into your code?",
                explains_all=True,
            ),
        ),
    ),
)
