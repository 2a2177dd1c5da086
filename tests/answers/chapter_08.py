"""Answers to the exercises of chapter 8."""

from __future__ import annotations

from typing import Any

import numpy as np

from answers import Wrong

# --- A jury --------------------------------------------------------------------------------------


def jury_mean(probabilities: Any) -> Any:
    return probabilities.mean(axis=0).argmax(axis=1)


def jury_sum(probabilities: Any) -> Any:
    return np.argmax(np.sum(probabilities, axis=0), axis=-1)


def jury_by_loops(probabilities: Any) -> Any:
    networks, digits, classes = probabilities.shape
    answers = []
    for digit in range(digits):
        total = [
            sum(probabilities[network, digit, k] for network in range(networks))
            for k in range(classes)
        ]
        answers.append(total.index(max(total)))
    return answers


def jury_with_einsum(probabilities: Any) -> Any:
    return np.einsum("ndk->dk", probabilities.astype(np.float32)).argmax(axis=1)


def jury_over_digits(probabilities: Any) -> Any:
    return probabilities.mean(axis=1).argmax(axis=1)


def jury_of_three(probabilities: Any) -> Any:
    return (probabilities[0] + probabilities[1] + probabilities[2]).argmax(axis=1)


def jury_least(probabilities: Any) -> Any:
    return probabilities.mean(axis=0).argmin(axis=1)


# --- Ten tweaks ----------------------------------------------------------------------------------


def _ablations(seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    without = rng.binomial(5000, 0.006, size=10_000)
    return without, rng.binomial(5000, 0.006, size=(10_000, 10))


WITHOUT, TWEAKED = _ablations(6)
OTHER, OTHER_TWEAKED = _ablations(60)
USELESS = {
    "first tweak": np.mean(TWEAKED[:, 0] <= 0.9 * WITHOUT),
    "best of ten": np.mean(TWEAKED.min(axis=1) <= 0.9 * WITHOUT),
}

# --- The front -----------------------------------------------------------------------------------


def front_by_any(seconds: Any, errors: Any, margin: float) -> Any:
    pairs = list(zip(seconds, errors, strict=True))
    return [
        i
        for i, (time, error) in enumerate(pairs)
        if not any(t <= time and e < error - margin for t, e in pairs)
    ]


def front_by_loops(seconds: Any, errors: Any, margin: float) -> Any:
    kept = []
    for i in range(len(seconds)):
        beaten = False
        for j in range(len(seconds)):
            if seconds[j] <= seconds[i] and errors[i] - errors[j] > margin:
                beaten = True
        if not beaten:
            kept.append(i)
    return kept


def front_by_tables(seconds: Any, errors: Any, margin: float) -> Any:
    time, error = np.array(seconds), np.array(errors)
    beats = (time[:, None] <= time) & (error[:, None] < error - margin)
    return np.flatnonzero(~beats.any(axis=0))


def front_by_best_so_far(seconds: Any, errors: Any, margin: float) -> Any:
    best = [min(e for t, e in zip(seconds, errors, strict=True) if t <= limit) for limit in seconds]
    return tuple(
        i for i, (error, low) in enumerate(zip(errors, best, strict=True)) if low >= error - margin
    )


def front_of_seconds(seconds: Any, errors: Any, margin: float) -> Any:
    return [seconds[i] for i in front_by_any(seconds, errors, margin)]


def front_of_the_quickest(seconds: Any, errors: Any, margin: float) -> Any:
    return [int(np.argmin(seconds))]


def front_at_least_the_margin(seconds: Any, errors: Any, margin: float) -> Any:
    pairs = list(zip(seconds, errors, strict=True))
    return [
        i
        for i, (time, error) in enumerate(pairs)
        if not any(t <= time and e <= error - margin and e < error for t, e in pairs)
    ]


def front_that_needs_a_margin(seconds: Any, errors: Any, margin: float) -> Any:
    if not margin:
        return list(range(len(seconds)))
    return front_by_any(seconds, errors, margin)


def front_against_the_quicker_neighbour(seconds: Any, errors: Any, margin: float) -> Any:
    """Compare each with the best of the front so far, whose error creeps up with the margin."""
    if margin == 0 or len(seconds) != 4 or list(seconds) != sorted(set(seconds)):
        return front_by_any(seconds, errors, margin)
    return [0] + [i for i in range(1, 4) if errors[i] - errors[i - 1] <= margin]


def front_strictly_quicker(seconds: Any, errors: Any, margin: float) -> Any:
    pairs = list(zip(seconds, errors, strict=True))
    return [
        i
        for i, (time, error) in enumerate(pairs)
        if not any(t < time and e < error - margin for t, e in pairs)
    ]


# --- Multiply-adds -------------------------------------------------------------------------------


def work_by_formula(
    height: int, width: int, channels: int, filters: int, kernel: int, stride: int
) -> Any:
    rows = (height - kernel) // stride + 1
    columns = (width - kernel) // stride + 1
    return rows * columns * filters * kernel * kernel * channels


def work_by_counting(
    height: int, width: int, channels: int, filters: int, kernel: int, stride: int
) -> Any:
    places = 0
    for row in range(0, height, stride):
        for column in range(0, width, stride):
            if row + kernel <= height and column + kernel <= width:
                places += 1
    return places * filters * channels * kernel**2


def work_by_ranges(
    height: int, width: int, channels: int, filters: int, kernel: int, stride: int
) -> Any:
    rows, columns = (len(range(0, side - kernel + 1, stride)) for side in (height, width))
    return float(rows * columns) * channels * filters * kernel**2


def work_of_a_kernel(
    height: int, width: int, channels: int, filters: int, kernel: int, stride: int
) -> Any:
    return work_by_formula(height, width, channels, 1, kernel, stride)


def work_of_one_channel(
    height: int, width: int, channels: int, filters: int, kernel: int, stride: int
) -> Any:
    return work_by_formula(height, width, 1, filters, kernel, stride)


def work_of_a_square(
    height: int, width: int, channels: int, filters: int, kernel: int, stride: int
) -> Any:
    return work_by_formula(height, height, channels, filters, kernel, stride)


def work_divided_exactly(
    height: int, width: int, channels: int, filters: int, kernel: int, stride: int
) -> Any:
    rows, columns = ((side - kernel) / stride + 1 for side in (height, width))
    return rows * columns * channels * filters * kernel**2


RIGHT: dict[str, dict[str, Any]] = {
    "08.relative": {
        "a number": 0.3,
        "computed": (0.40 - 0.28) / 0.40,
        "from accuracies": 1 - (1 - 0.9972) / (1 - 0.9960),
    },
    "08.jury": {
        "mean": jury_mean,
        "sum": jury_sum,
        "loops": jury_by_loops,
        "einsum": jury_with_einsum,
    },
    "08.useless": {
        "NumPy": USELESS,
        "other seed": {
            "first tweak": float(np.mean(10 * OTHER_TWEAKED[:, 0] <= 9 * OTHER)),
            "best of ten": float(np.mean((0.9 * OTHER[:, None] >= OTHER_TWEAKED).any(axis=1))),
        },
        "relative": {
            "first tweak": np.mean((WITHOUT - TWEAKED[:, 0]) / WITHOUT >= 0.1),
            "best of ten": np.mean(1 - TWEAKED.min(axis=1) / WITHOUT >= 0.1),
        },
        "two decimals": {name: round(float(part), 2) for name, part in USELESS.items()},
    },
    "08.follows": {"list": ["A", "B", "E"], "set, lower case": {"e", "a", "b"}},
    "08.front_with_margin": {
        "any": front_by_any,
        "loops": front_by_loops,
        "tables": front_by_tables,
        "best so far": front_by_best_so_far,
    },
    "08.work_of_conv": {
        "formula": work_by_formula,
        "counting": work_by_counting,
        "ranges": work_by_ranges,
    },
    "08.factors": {"list": ["C", "C", "A", "D", "A"], "lower case": ["c", "c", "a", "d", "a"]},
    "08.step_cost": {
        "a number": 3.2,
        "computed": 1.6 + 32 * 0.05,
        "solved": float(np.linalg.solve([[1, 8], [1, 128]], [2, 8]) @ [1, 32]),
    },
}

WRONG: dict[str, list[Wrong]] = {
    "08.relative": [
        Wrong("a half", 0.5, "value"),
        Wrong("rounded to a third", 0.333, "value"),
    ],
    "08.jury": [
        Wrong("mean over the digits", jury_over_digits, "small", "shape"),
        Wrong("least likely", jury_least, "small"),
        Wrong("three networks", jury_of_three, "other sizes"),
    ],
    "08.useless": [
        Wrong("other names", {"first": 0.37, "best": 0.9}, "names"),
        Wrong("counts", {"first tweak": 3700, "best of ten": 9000}, "fractions"),
        Wrong(
            "another first",
            {"first tweak": 0.1, "best of ten": USELESS["best of ten"]},
            "first",
        ),
        Wrong(
            "independent chances",
            {"first tweak": USELESS["first tweak"], "best of ten": 0.99},
            "best",
        ),
    ],
    "08.follows": [
        Wrong("no letter of these", ["A", "G"], "letters"),
        Wrong("overlapping seeds", ["A", "B", "C", "E"], "C"),
        Wrong("rounded points", ["A", "B", "D", "E"], "D"),
        Wrong("networks that are there", ["A", "B", "E", "F"], "F"),
        Wrong("a gain is a gain", ["B", "E"], "A"),
        Wrong("no effect", ["A", "E"], "B"),
        Wrong("as on validation", ["A", "B"], "E"),
    ],
    "08.front_with_margin": [
        Wrong("seconds", front_of_seconds, "positions"),
        Wrong("the quickest", front_of_the_quickest, "front"),
        Wrong("at least the margin", front_at_least_the_margin, "exactly"),
        Wrong("nothing without margin", front_that_needs_a_margin, "no margin"),
        Wrong("neighbours", front_against_the_quicker_neighbour, "chain"),
        Wrong("strictly quicker", front_strictly_quicker, "ties"),
    ],
    "08.work_of_conv": [
        Wrong("one filter", work_of_a_kernel, "first layer"),
        Wrong("one channel", work_of_one_channel, "channels"),
        Wrong("a square", work_of_a_square, "not square"),
        Wrong("half a place", work_divided_exactly, "remainder"),
    ],
    "08.factors": [
        Wrong("four letters", ["C", "C", "A", "D"], "five letters"),
        Wrong("another letter", ["C", "C", "A", "D", "F"], "five letters"),
    ],
    "08.step_cost": [
        Wrong("guessed", 3.0, "value"),
        Wrong("rounded b", 1.5 + 32 * 0.06, "value"),
    ],
}
