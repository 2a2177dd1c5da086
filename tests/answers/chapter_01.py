"""Answers to the exercises of chapter 1."""

import random

import numpy as np
import tensorflow as tf
from scipy import ndimage
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

from answers import Wrong
from mnist_lib.data import prepare

# --- centred --------------------------------------------------------------------------------------


def centred_with_scipy(image):
    centre = np.array(ndimage.center_of_mass(image))
    return ndimage.shift(image, np.round(14 - centre), order=0)


def centred_with_spline(image):
    way = np.round(14 - np.array(ndimage.center_of_mass(image)))
    return np.rint(ndimage.shift(image.astype(np.float32), way)).astype(np.uint8)


def centred_in_floats(image):
    return centred_with_scipy(image.astype(float))


def centred_by_slices(image):
    index = np.arange(28)
    mass = image.sum()
    down = round(14 - image.sum(axis=1) @ index / mass)
    right = round(14 - image.sum(axis=0) @ index / mass)
    wide = np.zeros((84, 84), image.dtype)
    wide[28 + down : 56 + down, 28 + right : 56 + right] = image
    return wide[28:56, 28:56]


def centred_by_loops(image):
    total = down = right = 0.0
    for y in range(28):
        for x in range(28):
            ink = float(image[y, x])
            total += ink
            down += ink * y
            right += ink * x
    down, right = round(14 - down / total), round(14 - right / total)
    result = np.zeros_like(image)
    for y in range(28):
        for x in range(28):
            if 0 <= y - down < 28 and 0 <= x - right < 28:
                result[y, x] = image[y - down, x - right]
    return result


def centred_as_lists(image):
    return centred_by_loops(image).tolist()


def centred_in_int64(image):
    return centred_by_loops(image.astype(int))


def centred_by_bright_ink(image):
    return moved(image, *np.rint(14 - np.array(ndimage.center_of_mass(image > 128))).astype(int))


def centred_by_squares(image):
    weights = image.astype(float) ** 2
    return moved(image, *np.rint(14 - np.array(ndimage.center_of_mass(weights))).astype(int))


def centred_at_the_brightest(image):
    row, column = np.unravel_index(image.argmax(), image.shape)
    return moved(image, 14 - row, 14 - column)


def centred_by_average(image):
    rows, columns = np.nonzero(image)
    ink = image[rows, columns]
    down = round(14 - np.average(rows, weights=ink))
    right = round(14 - np.average(columns, weights=ink))
    result = np.zeros_like(image)
    kept = (rows + down >= 0) & (rows + down < 28) & (columns + right >= 0) & (columns + right < 28)
    result[rows[kept] + down, columns[kept] + right] = ink[kept]
    return result


def centred_by_rolling_padded(image):
    down, right = np.rint(14 - np.array(ndimage.center_of_mass(image))).astype(int)
    rolled = np.roll(np.pad(image, 28), (down, right), axis=(0, 1))
    return tf.constant(rolled[28:-28, 28:-28])


def way(image):
    return np.round(14 - np.array(ndimage.center_of_mass(image))).astype(int)


def moved(image, down, right):
    return ndimage.shift(image, (down, right), order=0)


def centred_in_place(image):
    image[:] = moved(image, *way(image))
    return image


def centred_without_return(image):
    image = moved(image, *way(image))


def centred_in_parts_of_pixels(image):
    return ndimage.shift(image, 14 - np.array(ndimage.center_of_mass(image)), order=1)


def centred_and_scaled(image):
    return moved(image, *way(image)) / 255


def the_way_alone(image):
    return way(image)


def centred_with_wrapped_sums(image):
    total = down = right = np.uint8(0)
    with np.errstate(over="ignore"):
        for y in range(28):
            for x in range(28):
                total = total + image[y, x]
                down = down + image[y, x] * y
                right = right + image[y, x] * x
    return moved(image, round(14 - down / total), round(14 - right / total))


def centred_at_the_corner(image):
    down, right = (int(v) for v in way(image))
    result = np.zeros_like(image)
    result[abs(down) :, abs(right) :] = image[: 28 - abs(down), : 28 - abs(right)]
    return result


def centred_by_rolling_six(image):
    return moved(image, 6, -4)


def centred_by_cutting(image):
    down, right = way(image)
    return image[-down : 28 - down, -right : 28 - right]


def centred_and_cut(image):
    return moved(image, *way(image))[4:24, 4:24]


# --- split ----------------------------------------------------------------------------------------


def split_by_order(images, labels, seed):
    order = np.random.default_rng(seed).permutation(len(images))
    train, val = order[len(order) // 5 :], order[: len(order) // 5]
    return images[train], labels[train], images[val], labels[val]


def split_with_scikit_learn(images, labels, seed):
    x_train, x_val, y_train, y_val = train_test_split(
        images, labels, test_size=0.2, random_state=seed, stratify=labels
    )
    return [x_train, y_train, x_val, y_val]


def split_with_the_seed_twice(images, labels, seed):
    images = np.random.default_rng(seed).permutation(images)
    labels = np.random.default_rng(seed).permutation(labels)
    cut = len(images) // 5
    return images[cut:], labels[cut:], images[:cut], labels[:cut]


def split_by_lists(images, labels, seed):
    pairs = list(zip(images.tolist(), labels.tolist(), strict=True))
    np.random.default_rng(seed).shuffle(pairs_of := list(range(len(pairs))))
    cut = len(pairs) * 4 // 5
    parts = [[pairs[k] for k in pairs_of[:cut]], [pairs[k] for k in pairs_of[cut:]]]
    return [np.array([p[i] for p in part], np.float32) for part in parts for i in (0, 1)]


def split_class_by_class(images, labels, seed):
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    val = order[2::5]
    train = np.setdiff1d(order, val)
    return images[train], labels[train], images[val], labels[val]


def split_twice(images, labels, seed):
    rng = np.random.default_rng(seed)
    images = rng.permutation(images)
    labels = rng.permutation(labels)
    cut = len(images) // 5
    return images[cut:], labels[cut:], images[:cut], labels[:cut]


def split_images_only(images, labels, seed):
    images = np.random.default_rng(seed).permutation(images)
    cut = len(images) // 5
    return images[cut:], labels[cut:], images[:cut], labels[:cut]


def split_in_place(images, labels, seed):
    rng = np.random.default_rng(seed)
    rng.shuffle(images)
    rng.shuffle(labels)
    cut = len(images) // 5
    return images[cut:], labels[cut:], images[:cut], labels[:cut]


def split_in_place_alike(images, labels, seed):
    np.random.default_rng(seed).shuffle(images)
    np.random.default_rng(seed).shuffle(labels)
    cut = len(images) // 5
    return images[cut:], labels[cut:], images[:cut], labels[:cut]


def split_without_order(images, labels, seed):
    cut = len(images) // 5
    return images[cut:], labels[cut:], images[:cut], labels[:cut]


def split_every_fifth(images, labels, seed):
    is_val = np.arange(len(images)) % 5 == 0
    return images[~is_val], labels[~is_val], images[is_val], labels[is_val]


def split_off_a_piece(images, labels, seed):
    start = np.random.default_rng(seed).integers(len(images) * 4 // 5)
    is_val = (np.arange(len(images)) - start) % len(images) < len(images) // 5
    return images[~is_val], labels[~is_val], images[is_val], labels[is_val]


def split_off_a_piece_over_the_end(images, labels, seed):
    return split_off_a_piece(np.roll(images, 30, axis=0), np.roll(labels, 30), seed)


def split_from_a_random_start(images, labels, seed):
    is_val = np.arange(len(images)) % 5 == np.random.default_rng(seed).integers(5)
    return images[~is_val], labels[~is_val], images[is_val], labels[is_val]


def split_with_another_seed(images, labels, seed):
    return split_by_order(images, labels, 0)


def split_into_five_equal_parts(images, labels, seed):
    fifth = len(images) // 5
    parts = np.random.default_rng(seed).permutation(5 * fifth).reshape(5, fifth)
    val, train = parts[0], parts[1:].ravel()
    return images[train], labels[train], images[val], labels[val]


def split_without_seed(images, labels, seed):
    return split_by_order(images, labels, None)


def split_by_a_mask(images, labels, seed):
    is_val = np.zeros(len(images), bool)
    is_val[random.Random(seed).sample(range(len(images)), len(images) // 5)] = True
    return images[~is_val], labels[~is_val], images[is_val], labels[is_val]


def split_by_the_old_generator(images, labels, seed):
    order = np.argsort(np.random.RandomState(seed).rand(len(images)))
    val, train = np.split(order, [len(order) // 5])
    return images[train], labels[train], images[val], labels[val]


def split_in_scikit_learns_order(images, labels, seed):
    return train_test_split(images, labels, test_size=0.2, random_state=seed)


def split_the_wrong_way_round(images, labels, seed):
    x_train, y_train, x_val, y_val = split_by_order(images, labels, seed)
    return x_val, y_val, x_train, y_train


def split_training_only(images, labels, seed):
    return split_by_order(images, labels, seed)[:2]


def split_off_a_tenth(images, labels, seed):
    order = np.random.default_rng(seed).permutation(len(images))
    train, val = order[len(order) // 10 :], order[: len(order) // 10]
    return images[train], labels[train], images[val], labels[val]


def split_a_table(images, labels, seed):
    table = np.column_stack([images.reshape(len(images), -1), labels])
    table = np.random.default_rng(seed).permutation(table)
    cut = len(table) // 5
    return table[cut:, :-1], table[cut:, -1], table[:cut, :-1], table[:cut, -1]


def split_and_scale(images, labels, seed):
    return split_by_order(images / 255, labels, seed)


def split_and_train_on_all(images, labels, seed):
    _, _, x_val, y_val = split_by_order(images, labels, seed)
    return images, labels, x_val, y_val


def split_overlapping(images, labels, seed):
    order = np.random.default_rng(seed).permutation(len(images))
    cut = len(images) // 5
    train, val = order[:-cut], order[:cut]
    return images[train], labels[train], images[val], labels[val]


def split_with_replacement(images, labels, seed):
    order = np.random.default_rng(seed).integers(len(images), size=len(images))
    cut = len(images) // 5
    return images[order[cut:]], labels[order[cut:]], images[order[:cut]], labels[order[:cut]]


# --- nearest_label --------------------------------------------------------------------------------


def nearest_by_loop(image, images, labels):
    best, answer = None, None
    for other, label in zip(images, labels, strict=True):
        distance = sum(
            (float(a) - float(b)) ** 2 for a, b in zip(other.flat, image.flat, strict=True)
        )
        if best is None or distance < best:
            best, answer = distance, label
    return answer


def nearest_vectorised(image, images, labels):
    difference = images.astype(np.float32) - image
    return labels[(difference**2).sum(axis=(1, 2)).argmin()]


def nearest_in_integers(image, images, labels):
    flat = images.reshape(len(images), -1).astype(int) - image.ravel().astype(int)
    return int(labels[np.argmin(np.einsum("np,np->n", flat, flat))])


def nearest_by_root(image, images, labels):
    difference = images / 255 - image / 255
    return float(labels[np.linalg.norm(difference, axis=(1, 2)).argmin()])


def nearest_with_tensorflow(image, images, labels):
    difference = tf.cast(images, tf.float32) - tf.cast(image, tf.float32)
    place = tf.argmin(tf.reduce_sum(difference**2, axis=[1, 2]))
    return tf.gather(labels, place)


def nearest_with_scikit_learn(image, images, labels):
    model = KNeighborsClassifier(n_neighbors=1)
    model.fit(images.reshape(len(images), -1).astype(float), labels)
    return model.predict(image.reshape(1, -1).astype(float))[0]


def nearest_position(image, images, labels):
    return ((images.astype(float) - image) ** 2).sum(axis=(1, 2)).argmin()


def nearest_distance(image, images, labels):
    return ((images.astype(float) - image) ** 2).sum(axis=(1, 2)).min()


def nearest_over_the_batch(image, images, labels):
    return labels[((images.astype(float) - image) ** 2).sum(axis=0).argmin()]


def nearest_over_everything(image, images, labels):
    return labels[((images.astype(float) - image) ** 2).sum().argmin()]


def nearest_by_the_largest(image, images, labels):
    return labels[np.abs(images.astype(float) - image).max(axis=(1, 2)).argmin()]


def nearest_prepared(image, images, labels):
    difference = prepare(images) - prepare(image[np.newaxis])
    return labels[(difference**2).sum(axis=(1, 2, 3)).argmin()]


def nearest_half_scaled(image, images, labels):
    return labels[((images / 255 - image) ** 2).sum(axis=(1, 2)).argmin()]


def nearest_in_int16(image, images, labels):
    return labels[((images.astype(np.int16) - image) ** 2).sum(axis=(1, 2)).argmin()]


def nearest_in_float16(image, images, labels):
    with np.errstate(over="ignore"):
        return labels[((images.astype(np.float16) - image) ** 2).sum(axis=(1, 2)).argmin()]


def nearest_in_int8_then_floats(image, images, labels):
    difference = (images.astype(np.int8) - image.astype(np.int8)).astype(float)
    return labels[(difference**2).sum(axis=(1, 2)).argmin()]


def nearest_but_one(image, images, labels):
    # As with NearestNeighbors, where an image is its own nearest neighbour.
    return labels[((images.astype(float) - image) ** 2).sum(axis=(1, 2)).argsort()[1]]


def nearest_by_cubes(image, images, labels):
    return labels[(np.abs(images.astype(float) - image) ** 3).sum(axis=(1, 2)).argmin()]


def nearest_by_vote(image, images, labels):
    distance = ((images.astype(float) - image) ** 2).sum(axis=(1, 2))
    return np.bincount(labels[distance.argsort()[:3]]).argmax()


def nearest_in_uint16(image, images, labels):
    # Differences wrap, but 255 squared fits, and the square of a wrapped difference is right.
    difference = images.astype(np.uint16) - image
    return labels[(difference**2).sum(axis=(1, 2)).argmin()]


def nearest_over_columns(image, images, labels):
    return labels[((images.astype(float) - image) ** 2).sum(axis=1).argmin()]


RIGHT = {
    "01.pixel_sums": {
        "list": [24, 36, 12, 140],
        "array of uint8": np.array([24, 36, 12, 140], np.uint8),
        "tuple of floats": (24.0, 36.0, 12.0, 140.0),
    },
    "01.centred": {
        "SciPy": centred_with_scipy,
        "SciPy, splines, float32": centred_with_spline,
        "a larger frame": centred_by_slices,
        "loops": centred_by_loops,
        "pixel by pixel, NumPy's average": centred_by_average,
        "padded and rolled, a tensor": centred_by_rolling_padded,
    },
    "01.guessers": {
        "fractions": [0.6, 1 / 3, 0.46],
        "two decimals": (0.6, 0.33, 0.46),
        "computed": np.array([0.6, 1 / 3, 0.6**2 + 0.3**2 + 0.1**2], np.float32),
    },
    "01.split": {
        "one order": split_by_order,
        "scikit-learn, stratified": split_with_scikit_learn,
        "the same seed twice": split_with_the_seed_twice,
        "lists of pairs": split_by_lists,
        "class by class": split_class_by_class,
        "a mask, Python's random": split_by_a_mask,
        "NumPy's old generator": split_by_the_old_generator,
    },
    "01.leaks": {
        "in order": ["b", "d", "f"],
        "out of order, capitals": ("F", "B", "D"),
        "in brackets": ["(b)", "(d)", "(f)"],
        "one text": "bdf",
        "one text in brackets": "(b), (d), (f)",
    },
    "01.nearest_label": {
        "a loop": nearest_by_loop,
        "vectorised": nearest_vectorised,
        "integers": nearest_in_integers,
        "with the root, scaled": nearest_by_root,
        "TensorFlow": nearest_with_tensorflow,
        "scikit-learn": nearest_with_scikit_learn,
        "prepared": nearest_prepared,
        "16 bits without a sign": nearest_in_uint16,
    },
    "01.half_lost": {"whole": 3, "float": 3.0, "NumPy": np.int64(3)},
}

WRONG = {
    "01.pixel_sums": [
        Wrong("only the sums", [24, 36], "four numbers"),
        Wrong("in reverse order", [140, 12, 36, 24], "order"),
        Wrong("a slip in the sum", [34, 36, 17, 140], "first"),
        Wrong("a slip in the difference", [24, 26, 12, 140], "second"),
        Wrong("half rounded up", [24, 36, 13, 140], "third"),
        Wrong("halves rounded up", [24, 36, 12, 141], "fourth"),
        Wrong("with a sign bit", [24, 36, 12, -116], "fourth"),
    ],
    "01.centred": [
        Wrong("parts of pixels", centred_in_parts_of_pixels, "values"),
        Wrong("scaled as well", centred_and_scaled, "values"),
        Wrong("sums wrap", centred_with_wrapped_sums, "empty"),
        Wrong("nothing copied", np.zeros_like, "empty"),
        Wrong("always down and right", centred_at_the_corner, "here too"),
        Wrong("right for this image only", centred_by_rolling_six, "everywhere"),
        Wrong("the way alone", the_way_alone, "here too", "shape (2,)"),
        Wrong("cut to the box", centred_and_cut, "here too", "shape (20, 20)"),
        Wrong(
            "cut out, past the border",
            centred_by_cutting,
            "here too",
            "an array of shape (0, 24)",
        ),
        Wrong("left as floats", centred_in_floats, "type"),
        Wrong("in 64 bits", centred_in_int64, "type"),
        Wrong("a list of lists", centred_as_lists, "type"),
        Wrong("ink above 128 counted", centred_by_bright_ink, "weights"),
        Wrong("brightness squared", centred_by_squares, "here too"),
        Wrong("the brightest pixel", centred_at_the_brightest, "here too"),
        Wrong("in place", centred_in_place, "values", "changed the array"),
        Wrong("no return", centred_without_return, "values", "function returned None"),
    ],
    "01.guessers": [
        Wrong("only two programs", [0.6, 0.46], "three numbers"),
        Wrong("percent", [60, 33.3, 46], "percent"),
        Wrong("another order", [0.46, 0.6, 1 / 3], "order"),
        Wrong("first guesses among three", [1 / 3, 1 / 3, 0.46], "lazy"),
        Wrong("half the time", [0.6, 0.5, 0.46], "equal chances"),
        Wrong("mean fraction", [0.6, 1 / 3, 1 / 3], "in proportion"),
        Wrong("product of fractions", [0.6, 1 / 3, 0.018], "in proportion"),
    ],
    "01.split": [
        Wrong("the faulty function", split_twice, "pairs"),
        Wrong("images shuffled, labels not", split_images_only, "pairs"),
        Wrong("both shuffled in place", split_in_place, "pairs"),
        Wrong("shuffled alike, in place", split_in_place_alike, "four parts", "changed the array"),
        Wrong("training part only", split_training_only, "four parts"),
        Wrong("scikit-learn's order", split_in_scikit_learns_order, "order"),
        Wrong("parts exchanged", split_the_wrong_way_round, "order"),
        Wrong("training on everything", split_and_train_on_all, "a fifth"),
        Wrong("a tenth", split_off_a_tenth, "a fifth"),
        Wrong("one table of pixels and labels", split_a_table, "images"),
        Wrong("images scaled", split_and_scale, "images"),
        Wrong("cut from the same end", split_overlapping, "each once"),
        Wrong("with replacement", split_with_replacement, "each once"),
        Wrong("drops what is left over", split_into_five_equal_parts, "another length"),
        Wrong("not shuffled", split_without_order, "at random"),
        Wrong("every fifth", split_every_fifth, "at random"),
        Wrong("every fifth from a random start", split_from_a_random_start, "at random"),
        Wrong("a piece from a random start", split_off_a_piece, "at random"),
        Wrong("a piece over the end", split_off_a_piece_over_the_end, "at random"),
        Wrong("no seed", split_without_seed, "repeatable"),
        Wrong("a seed of its own", split_with_another_seed, "another seed"),
    ],
    "01.leaks": [
        Wrong("one text", ["bdf"], "letters"),
        Wrong("the example", ["x", "y"], "letters"),
        Wrong("nothing leaks", [], "some"),
        Wrong("scaling suspected", ["a", "b", "d", "f"], "a"),
        Wrong("choosing suspected", ["b", "c", "d", "f"], "c"),
        Wrong("mending suspected", ["b", "d", "e", "f"], "e"),
        Wrong("everything leaks", list("abcdef"), "a"),
        Wrong("copies not seen", ["d", "f"], "b"),
        Wrong("test score not seen", ["b", "f"], "d"),
        Wrong("writers not seen", ["b", "d"], "f"),
    ],
    "01.nearest_label": [
        Wrong("the position", nearest_position, "a label"),
        Wrong("the distance", nearest_distance, "a label"),
        Wrong("summed over the batch", nearest_over_the_batch, "right label"),
        Wrong("largest difference", nearest_by_the_largest, "right label"),
        Wrong("summed over all", nearest_over_everything, "right label"),
        Wrong("summed over rows only", nearest_over_columns, "right label"),
        Wrong("one scaled, the other not", nearest_half_scaled, "product"),
        Wrong("differences in int8", nearest_in_int8_then_floats, "large"),
        Wrong("the second nearest, sorted", nearest_but_one, "second nearest"),
        Wrong("cubes", nearest_by_cubes, "right label"),
        Wrong("three neighbours vote", nearest_by_vote, "no mean"),
        Wrong("squares in int16", nearest_in_int16, "large"),
        Wrong("sums in float16", nearest_in_float16, "large"),
    ],
    "01.half_lost": [
        Wrong("the accuracy", 0.39, "pixels"),
        Wrong("no shift", 0, "to the right"),
        Wrong("to the left", -3, "to the right"),
        Wrong("means moved as well", 28, "moved along"),
        Wrong("accuracy in percent", 39, "moved along"),
        Wrong("a third left", 4, "first"),
        Wrong("no better than guessing", 5, "first"),
    ],
}
