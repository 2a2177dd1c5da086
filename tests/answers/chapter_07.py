"""Answers to the exercises of chapter 7."""

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


RIGHT: dict[str, dict[str, Any]] = {
    "07.aspect": {
        "list": [400, 40],
        "tuple of floats": (400.0, 40.0),
        "array": np.array([400, 40]),
    },
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
    "07.offset": {"letter": "B", "small letter": "b ", "NumPy text": np.str_("B")},
    "07.decide": {
        "np.where": decide_right,
        "loop": decide_by_loop,
        "overwriting": decide_in_place,
    },
}

WRONG: dict[str, list[Wrong]] = {
    "07.aspect": [
        Wrong("the same both ways", [400, 400], "both"),
        Wrong("fractions of the box", [1, 0.1], "both"),
        Wrong("one number only", [400], "both", "Your answer has 1 value; 2"),
    ],
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
            "everywhere",
        ),
        Wrong(
            "window of half the size",
            lambda p, s: ndimage.maximum_filter(p.astype(float), s // 2) - p,
            "everywhere",
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
            "size as reach",
            lambda p, s: ndimage.maximum_filter(p.astype(float), 2 * s + 1) - p,
            "everywhere",
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
        Wrong("with the mirror", ["A", "B", "D", "E", "F"], "mirror"),
        Wrong("with the half turn", ["A", "C", "D", "E", "F"], "half turn"),
        Wrong("without the small turn", ["A", "D", "F"], "too few"),
        Wrong("shift alone", ["A"], "too few"),
        Wrong("none", [], "too few"),
        Wrong("the unsafe ones", ["B", "C"], "mirror"),
        Wrong("a letter too many", ["A", "D", "E", "F", "G"], "exactly"),
    ],
    "07.offset": [
        Wrong("a number", "3", "letter"),
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
            "left out",
            "Your function returned a number",
        ),
        Wrong("left out the declined", lambda p, t: p.argmax(1)[p.max(1) >= t], "left out"),
        Wrong("as a column", lambda p, t: decide_right(p, t)[:, None], "axis"),
        Wrong("every entry", lambda p, t: np.where(p < t, -1, p), "axis"),
        Wrong(
            "an if for the batch",
            lambda p, t: p.argmax(1) if p.max(1) >= t else -1,
            "left out",
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
    ],
}
