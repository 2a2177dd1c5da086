"""Answers to the exercises of chapter 6."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import signal
from scipy.spatial import distance
from sklearn.neighbors import NearestNeighbors

from answers import Wrong

# --- Occlusion -----------------------------------------------------------------------------------


def falls_by_copies(image: Any, weights: Any, side: int) -> Any:
    rows, columns = image.shape
    before = np.sum(weights * image)
    falls = np.zeros((rows - side + 1, columns - side + 1))
    for r in range(rows - side + 1):
        for c in range(columns - side + 1):
            covered = image.copy()
            covered[r : r + side, c : c + side] = 0
            falls[r, c] = before - np.sum(weights * covered)
    return falls


def falls_by_a_mask(image: Any, weights: Any, side: int) -> Any:
    places = np.ndindex(image.shape[0] - side + 1, image.shape[1] - side + 1)
    masks = []
    for r, c in places:
        mask = np.ones_like(image)
        mask[r : r + side, c : c + side] = 0
        masks.append(mask)
    left = np.tensordot(np.array(masks), weights * image, axes=2)
    shape = (image.shape[0] - side + 1, image.shape[1] - side + 1)
    return (np.sum(weights * image) - left).reshape(shape)


def falls_by_correlation(image: Any, weights: Any, side: int) -> Any:
    return signal.correlate2d(image * weights, np.ones((side, side)), mode="valid")


def falls_by_windows_in_float32(image: Any, weights: Any, side: int) -> Any:
    product = (image * weights).astype(np.float32)
    return np.lib.stride_tricks.sliding_window_view(product, (side, side)).sum(axis=(2, 3))


def falls_as_lists(image: Any, weights: Any, side: int) -> Any:
    product = (image * weights).tolist()
    return [
        [
            sum(sum(row[c : c + side]) for row in product[r : r + side])
            for c in range(len(product[0]) - side + 1)
        ]
        for r in range(len(product) - side + 1)
    ]


def falls_by_tensors(image: Any, weights: Any, side: int) -> Any:
    import tensorflow as tf

    product = tf.constant(image * weights)[None, :, :, None]
    kernel = tf.ones((side, side, 1, 1), product.dtype)
    return tf.nn.conv2d(product, kernel, strides=1, padding="VALID")[0, :, :, 0]


def falls_faulty(image: Any, weights: Any, side: int) -> Any:
    rows, columns = image.shape
    before = np.sum(weights * image)
    falls = np.zeros((rows - side, columns - side))
    for r in range(rows - side):
        for c in range(columns - side):
            covered = image
            covered[r : r + side, c : c + side] = 0
            falls[r, c] = before - np.sum(weights * covered)
    return falls


def falls_same_size(image: Any, weights: Any, side: int) -> Any:
    return signal.correlate2d(image * weights, np.ones((side, side)), mode="same")


def falls_with_a_wrong_slice(image: Any, weights: Any, side: int) -> Any:
    falls = np.zeros((image.shape[0] - side + 1, image.shape[1] - side + 1))
    for r, c in np.ndindex(falls.shape):
        covered = image.copy()
        covered[r:side, c:side] = 0
        falls[r, c] = np.sum(weights * image) - np.sum(weights * covered)
    return falls


def falls_rows_only(image: Any, weights: Any, side: int) -> Any:
    falls = np.zeros((image.shape[0] - side + 1, image.shape[1] - side + 1))
    for r, c in np.ndindex(falls.shape):
        covered = image.copy()
        covered[r : r + side][c : c + side] = 0
        falls[r, c] = np.sum(weights * image) - np.sum(weights * covered)
    return falls


def falls_transposed(image: Any, weights: Any, side: int) -> Any:
    return falls_by_copies(image, weights, side).T


def falls_last_places_empty(image: Any, weights: Any, side: int) -> Any:
    falls = np.zeros((image.shape[0] - side + 1, image.shape[1] - side + 1))
    falls[:-1, :-1] = falls_by_copies(image, weights, side)[:-1, :-1]
    return falls


def falls_and_uncovers(image: Any, weights: Any, side: int) -> Any:
    """Cover the image itself and put it back each time: unusual, and right."""
    before = np.sum(weights * image)
    falls = np.zeros((image.shape[0] - side + 1, image.shape[1] - side + 1))
    for r, c in np.ndindex(falls.shape):
        patch = image[r : r + side, c : c + side].copy()
        image[r : r + side, c : c + side] = 0
        falls[r, c] = before - np.sum(weights * image)
        image[r : r + side, c : c + side] = patch
    return falls


def falls_for_three(image: Any, weights: Any, side: int) -> Any:
    return signal.correlate2d(image * weights, np.ones((3, 3)), mode="valid")


def falls_for_this_image(image: Any, weights: Any, side: int) -> Any:
    falls = np.zeros((3, 6))
    for r, c in np.ndindex(falls.shape):
        falls[r, c] = np.sum((weights * image)[r : r + side, c : c + side])
    return falls


# --- Grad-CAM ------------------------------------------------------------------------------------


def cam_by_broadcasting(maps: Any, slopes: Any) -> Any:
    return np.maximum((slopes.mean(axis=(0, 1)) * maps).sum(axis=-1), 0)


def cam_by_product(maps: Any, slopes: Any) -> Any:
    cam = maps @ slopes.mean(axis=(0, 1))
    return cam * (cam > 0)


def cam_by_loops(maps: Any, slopes: Any) -> Any:
    rows, columns, channels = maps.shape
    cam = [[0.0] * columns for _ in range(rows)]
    for k in range(channels):
        weight = sum(slopes[i, j, k] for i in range(rows) for j in range(columns))
        weight /= rows * columns
        for i in range(rows):
            for j in range(columns):
                cam[i][j] += weight * maps[i, j, k]
    return [[max(0.0, value) for value in row] for row in cam]


def cam_by_einsum_in_float32(maps: Any, slopes: Any) -> Any:
    maps, slopes = maps.astype(np.float32), slopes.astype(np.float32)
    return np.einsum("ijk,k->ij", maps, slopes.mean((0, 1))).clip(min=0)


def cam_by_tensors(maps: Any, slopes: Any) -> Any:
    import tensorflow as tf

    channel = tf.reduce_mean(tf.constant(slopes), axis=(0, 1), keepdims=True)
    return tf.nn.relu(tf.reduce_sum(channel * maps, axis=-1))


def cam_summed_over_positions(maps: Any, slopes: Any) -> Any:
    return np.maximum((slopes.mean(axis=(0, 1)) * maps).sum(axis=(0, 1)), 0)


def cam_enlarged(maps: Any, slopes: Any) -> Any:
    return np.kron(cam_by_broadcasting(maps, slopes), np.ones((2, 2)))


def cam_of_absolute_slopes(maps: Any, slopes: Any) -> Any:
    return np.maximum(maps @ np.abs(slopes).mean(axis=(0, 1)), 0)


def cam_stack(maps: Any, slopes: Any) -> Any:
    return np.maximum(slopes.mean(axis=(0, 1)) * maps, 0)


def cam_mean_over_rows(maps: Any, slopes: Any) -> Any:
    return np.maximum((slopes.mean(axis=0) * maps).sum(axis=-1), 0)


def cam_three_maps(maps: Any, slopes: Any) -> Any:
    weights = slopes.mean(axis=(0, 1))
    cam = weights[0] * maps[..., 0] + weights[1] * maps[..., 1] + weights[2] * maps[..., 2]
    return np.maximum(cam, 0)


# --- Pushes -------------------------------------------------------------------------------------


def push_by_sign(images: Any, slopes: Any, size: float) -> Any:
    return np.clip(images - size * np.sign(slopes), 0, 1)


def push_by_cases(images: Any, slopes: Any, size: float) -> Any:
    pushed = images.copy()
    pushed[slopes > 0] -= size
    pushed[slopes < 0] += size
    pushed[pushed < 0] = 0
    pushed[pushed > 1] = 1
    return pushed


def push_by_loops(images: Any, slopes: Any, size: float) -> Any:
    moved = [
        min(1.0, max(0.0, x - size * ((g > 0) - (g < 0))))
        for x, g in zip(images.ravel().tolist(), slopes.ravel().tolist(), strict=True)
    ]
    return np.reshape(moved, images.shape).tolist()


def push_by_tensors(images: Any, slopes: Any, size: float) -> Any:
    import tensorflow as tf

    images, slopes = tf.constant(images, tf.float32), tf.constant(slopes, tf.float32)
    return tf.clip_by_value(images - size * tf.sign(slopes), 0, 1)


def push_by_safe_quotient(images: Any, slopes: Any, size: float) -> Any:
    """Divide each slope by its own length: unusual, and right."""
    lengths = np.abs(slopes)
    signs = np.divide(slopes, lengths, out=np.zeros_like(slopes), where=lengths > 0)
    return np.minimum(1, np.maximum(0, images - size * signs))


def push_in_place(images: Any, slopes: Any, size: float) -> Any:
    images -= size * np.sign(slopes)
    return np.clip(images, 0, 1, out=images)


def push_at_random(images: Any, slopes: Any, size: float) -> Any:
    signs = np.random.default_rng(0).choice([-1, 1], size=images.shape)
    return np.clip(images + size * signs, 0, 1)


def push_the_first(images: Any, slopes: Any, size: float) -> Any:
    return push_by_sign(images, slopes, size)[0]


def push_by_three_tenths(images: Any, slopes: Any, size: float) -> Any:
    return push_by_sign(images, slopes, 0.3)


def push_ink_alone(images: Any, slopes: Any, size: float) -> Any:
    return np.where(images > 0, push_by_sign(images, slopes, size), images)


def push_the_steepest(images: Any, slopes: Any, size: float) -> Any:
    steepest = np.abs(slopes) == np.abs(slopes).max()
    return np.where(steepest, push_by_sign(images, slopes, size), images)


def push_within_size(images: Any, slopes: Any, size: float) -> Any:
    return np.clip(images - size * np.sign(slopes), -size, size)


def push_without_division_by_zero(images: Any, slopes: Any, size: float) -> Any:
    with np.errstate(invalid="ignore"):
        return np.clip(images - size * slopes / np.abs(slopes), 0, 1)


# --- Neighbours ----------------------------------------------------------------------------------


def neighbours_by_diagonal(points: Any, labels: Any) -> Any:
    gaps = points[:, None] - points[None]
    distances = np.sqrt((gaps**2).sum(axis=-1))
    np.fill_diagonal(distances, np.inf)
    return np.mean(labels[distances.argmin(axis=1)] == labels)


def neighbours_by_loops(points: Any, labels: Any) -> Any:
    hits = 0
    for i in range(len(points)):
        others = [j for j in range(len(points)) if j != i]
        best = min(others, key=lambda j: float(((points[j] - points[i]) ** 2).sum()))
        hits += labels[best] == labels[i]
    return hits / len(points)


def neighbours_by_deletion(points: Any, labels: Any) -> Any:
    hits = []
    for i, point in enumerate(points):
        rest, rest_labels = np.delete(points, i, axis=0), np.delete(labels, i)
        hits.append(rest_labels[np.linalg.norm(rest - point, axis=1).argmin()] == labels[i])
    return np.float32(np.mean(hits))


def neighbours_by_scipy(points: Any, labels: Any) -> Any:
    distances = distance.cdist(points, points) + np.diag(np.full(len(points), 1e9))
    return (labels[distances.argmin(axis=0)] == labels).mean()


def neighbours_by_scikit_learn(points: Any, labels: Any) -> Any:
    """Give no query: then scikit-learn leaves each point out by itself."""
    nearest = NearestNeighbors(n_neighbors=1).fit(points).kneighbors(return_distance=False)
    return np.mean(labels[nearest[:, 0]] == labels)


def table_of(points: Any) -> Any:
    return np.linalg.norm(points[:, None] - points[None], axis=-1)


def neighbours_in_per_cent(points: Any, labels: Any) -> Any:
    return 100 * neighbours_by_diagonal(points, labels)


def neighbours_counted(points: Any, labels: Any) -> Any:
    return np.sum(neighbours_by_diagonal(points, labels) * len(points))


def neighbours_third(points: Any, labels: Any) -> Any:
    return np.mean(labels[table_of(points).argsort(axis=1)[:, 2]] == labels)


def neighbours_in_the_other_half(points: Any, labels: Any) -> Any:
    half = len(points) // 2
    nearest = table_of(points)[:half, half:].argmin(axis=1)
    return np.mean(labels[half:][nearest] == labels[:half])


def neighbours_in_the_list(points: Any, labels: Any) -> Any:
    return np.mean(np.roll(labels, 1) == labels)


def neighbours_one_on_the_diagonal(points: Any, labels: Any) -> Any:
    distances = table_of(points) + np.eye(len(points))
    return np.mean(labels[distances.argmin(axis=1)] == labels)


def neighbours_among_earlier_points(points: Any, labels: Any) -> Any:
    earlier = np.tri(len(points), k=-1, dtype=bool)
    distances = np.where(earlier, table_of(points), np.inf)
    return np.mean(labels[distances.argmin(axis=1)] == labels)


def neighbours_not_at_zero(points: Any, labels: Any) -> Any:
    distances = table_of(points)
    distances[distances == 0] = np.inf
    return np.mean(labels[distances.argmin(axis=1)] == labels)


def neighbours_second(points: Any, labels: Any) -> Any:
    second = table_of(points).argsort(axis=1, kind="stable")[:, 1]
    return np.mean(labels[second] == labels)


RIGHT: dict[str, dict[str, Any]] = {
    "06.slopes_at_pixel": {
        "by hand": {"probability": 0.098, "logarithm": 0.1},
        "computed": {"logarithm": np.float32(5 * 0.02), "probability": 5 * 0.98 * 0.02},
    },
    "06.score_falls": {
        "a copy for each place": falls_by_copies,
        "masks": falls_by_a_mask,
        "SciPy": falls_by_correlation,
        "windows, float32": falls_by_windows_in_float32,
        "lists": falls_as_lists,
        "uncovers": falls_and_uncovers,
        "tensors": falls_by_tensors,
    },
    "06.two_maps": {
        "lists": [[3, 0, 2], [3, 2, 0]],
        "array": np.array([[3, 0, 2], [3, 2, 0]], np.float32),
        "tuple of arrays": (np.array([3.0, 0.0, 2.0]), np.array([3.0, 2.0, -0.0])),
    },
    "06.grad_cam": {
        "broadcasting": cam_by_broadcasting,
        "matrix product": cam_by_product,
        "loops and lists": cam_by_loops,
        "einsum, float32": cam_by_einsum_in_float32,
        "tensors": cam_by_tensors,
    },
    "06.cell_window": {
        "list": [8, 27, 17.5],
        "array": np.array([8, 27, 17.5]),
        "tuple": (8.0, 27.0, 35 / 2),
    },
    "06.push": {
        "sign": push_by_sign,
        "cases": push_by_cases,
        "loops and lists": push_by_loops,
        "tensors": push_by_tensors,
        "quotient": push_by_safe_quotient,
    },
    "06.neighbour_accuracy": {
        "diagonal": neighbours_by_diagonal,
        "loops": neighbours_by_loops,
        "deletion, float32": neighbours_by_deletion,
        "SciPy": neighbours_by_scipy,
        "scikit-learn": neighbours_by_scikit_learn,
    },
}


def slopes(probability: float, logarithm: float) -> dict[str, float]:
    return {"probability": probability, "logarithm": logarithm}


WRONG: dict[str, list[Wrong]] = {
    "06.slopes_at_pixel": [
        Wrong("other names", {"p": 0.098, "log p": 0.1}, "names"),
        Wrong("times flatter", slopes(51.02, 50), "ratio"),
        Wrong("with a minus", slopes(-0.098, -0.1), "falls"),
        Wrong("times p, and a right logarithm", slopes(4.9, 0.1), "steep probability"),
        Wrong("as steep as the score", slopes(5, 5), "flat"),
        Wrong("logarithm without the chain", slopes(0.098, 1 / 0.98), "steep logarithm"),
        Wrong("divided by p alone", slopes(0.098, 5.1), "steep logarithm"),
        Wrong("same for both", slopes(0.1, 0.1), "probability"),
        Wrong("p squared", slopes(0.98**2 * 0.02 * 5, 0.1), "probability"),
        Wrong("same for both, the other", slopes(0.098, 0.098), "logarithm"),
        Wrong("logarithm of the slope", slopes(0.098, np.log(1.098)), "logarithm"),
    ],
    "06.score_falls": [
        Wrong("one value for each pixel", falls_same_size, "places"),
        Wrong("transposed", falls_transposed, "turned"),
        Wrong("both faults untouched", falls_faulty, "last places"),
        Wrong("a slice that ends at the side", falls_with_a_wrong_slice, "falls"),
        Wrong("ranges not mended", falls_last_places_empty, "falls"),
        Wrong("indexed twice", falls_rows_only, "falls"),
        Wrong("a side written in", falls_for_three, "another side"),
        Wrong("a shape written in", falls_for_this_image, "another side"),
    ],
    "06.two_maps": [
        Wrong("one list", [3, 0, 2, 3, 2, 0], "three each", "holds a number"),
        Wrong("one pair per pixel", [[3, 3], [0, 2], [2, 0]], "three each"),
        Wrong("after minus before", [[-3, 0, -2], [3, 2, 0]], "rises"),
        Wrong("covered with ink", [[0, 2, 0], [3, 2, 0]], "black on black"),
        Wrong("minimum overlooked", [[3, 0, 4], [3, 2, 4]], "large step"),
        Wrong("nothing above the ceiling", [[3, 0, 0], [3, 2, 0]], "large step"),
        Wrong("sign kept", [[3, 0, 2], [3, -2, 0]], "sign"),
        Wrong("gradient times pixel", [[3, 0, 2], [3, 0, 0]], "missing ink"),
        Wrong("slope below the ceiling", [[3, 0, 2], [3, 2, 4]], "ceiling"),
        Wrong("fractions of the score", [[0.6, 0, 2], [3, 2, 0]], "values"),
    ],
    "06.grad_cam": [
        Wrong("summed over positions", cam_summed_over_positions, "positions"),
        Wrong("enlarged", cam_enlarged, "size"),
        Wrong("absolute slopes", cam_of_absolute_slopes, "all"),
        Wrong("maps left apart", cam_stack, "positions"),
        Wrong("mean over rows only", cam_mean_over_rows, "all"),
        Wrong("three maps written in", cam_three_maps, "one map"),
    ],
    "06.cell_window": [
        Wrong("two ends only", [8, 27], "three"),
        Wrong("centre in the middle", [8, 17.5, 27], "three"),
        Wrong("a third of the image", [18.67, 28, 23.33], "stretched window"),
        Wrong("the chapter's network", [4, 11, 7.5], "other network"),
        Wrong("three strides", [16, 27, 21.5], "first"),
        Wrong("window of the first layer", [8, 13, 10.5], "last"),
        Wrong("stretched", [8, 27, 2.5 * 28 / 3 - 0.5], "stretched"),
        Wrong("half the length added", [8, 27, 18], "centre"),
        Wrong("a length for a centre", [8, 27, 20], "centre"),
    ],
    "06.push": [
        Wrong("random directions", push_at_random, "all"),
        Wrong("the first image alone", push_the_first, "all", "array of shape (4, 5, 1)"),
        Wrong("ink alone", push_ink_alone, "all"),
        Wrong("the steepest pixel alone", push_the_steepest, "all"),
        Wrong("limits at the size", push_within_size, "all"),
        Wrong("0 divided by 0", push_without_division_by_zero, "all"),
        Wrong("a size written in", push_by_three_tenths, "another size"),
        Wrong("in place", push_in_place, "along", "changed the array"),
    ],
    "06.neighbour_accuracy": [
        Wrong("per cent", neighbours_in_per_cent, "fraction"),
        Wrong("count", neighbours_counted, "fraction"),
        Wrong("third in rank", neighbours_third, "value"),
        Wrong("other half", neighbours_in_the_other_half, "value"),
        Wrong("next in the list", neighbours_in_the_list, "value"),
        Wrong("1 on the diagonal", neighbours_one_on_the_diagonal, "value"),
        Wrong("earlier points only", neighbours_among_earlier_points, "value"),
        Wrong("none at distance zero", neighbours_not_at_zero, "twins"),
        Wrong("second in rank", neighbours_second, "twins"),
    ],
}
