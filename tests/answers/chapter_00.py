"""Answers to the exercises of chapter 0."""

from fractions import Fraction

import numpy as np
import tensorflow as tf
from sklearn.metrics import accuracy_score

from answers import Wrong


def by_loop(probabilities, labels):
    right = 0
    for row, label in zip(probabilities, labels, strict=True):
        best = 0
        for digit in range(10):
            if row[digit] > row[best]:
                best = digit
        right += best == label
    return right / len(labels)


def vectorised(probabilities, labels):
    predicted = probabilities.argmax(axis=1)
    return (predicted == labels).mean()


def with_tensorflow(probabilities, labels):
    predicted = tf.argmax(probabilities, axis=-1)
    return tf.reduce_mean(tf.cast(predicted == labels, tf.float32))


def with_scikit_learn(probabilities, labels):
    return accuracy_score(labels, np.argsort(probabilities, axis=1)[:, -1])


def in_percent(probabilities, labels):
    return 100 * vectorised(probabilities, labels)


def as_count(probabilities, labels):
    return (probabilities.argmax(axis=1) == labels).sum()


def without_axis(probabilities, labels):
    return (probabilities.argmax() == labels).mean()


def in_whole_numbers(probabilities, labels):
    return (probabilities.argmax(axis=1) == labels).sum() // len(labels)


def by_max(probabilities, labels):
    return (probabilities.max(axis=1) == labels).mean()


def after_sorting_in_place(probabilities, labels):
    probabilities.sort(axis=1)
    return vectorised(probabilities, labels)


def among_two(probabilities, labels):
    best = np.argsort(probabilities, axis=1)[:, -2:]
    return (best == labels[:, np.newaxis]).any(axis=1).mean()


def out_of_ten(probabilities, labels):
    return (probabilities.argmax(axis=1) == labels).sum() / 10


def by_columns(probabilities, labels):
    return (probabilities.argmax(axis=1) == labels).sum() / probabilities.shape[1]


def by_the_first(probabilities, labels):
    return (probabilities.argmax(axis=1)[0] == labels).mean()


def after_one_image(probabilities, labels):
    for row, label in zip(probabilities, labels, strict=True):
        return row.argmax() == label


def without_return(probabilities, labels):
    print((probabilities.argmax(axis=1) == labels).mean())


def compared(probabilities, labels):
    return probabilities.argmax(axis=1) == labels


def of_five(probabilities, labels):
    return (probabilities[:5].argmax(axis=1) == labels[:5]).mean()


def labels_from_one(probabilities, labels):
    return (probabilities.argmax(axis=1) + 1 == labels).mean()


def by_counting(probabilities, labels):
    rows = zip(np.asarray(probabilities).tolist(), labels.tolist(), strict=True)
    return Fraction(sum(row.index(max(row)) == label for row, label in rows), len(labels))


def _one_layer(parameters=70_378, narrow=0.938, model=0.964):
    return {"parameters": parameters, "narrow": narrow, "model": model}


RIGHT = {
    "00.one_layer": {
        "on the sample": {"parameters": 70378, "narrow": 0.938, "model": 0.964},
        "on the full data, NumPy": {
            "parameters": np.int64(70_378),
            "narrow": np.float32(0.985),
            "model": np.float32(0.989),
        },
        "narrow a little better, by chance": {"parameters": 70378, "narrow": 0.992, "model": 0.99},
    },
    "00.reading": {
        "list": [4, 1, 0.964],
        "computed, as an array": np.array([4, (0.984 - 0.982) * 500, 964 / 1000]),
    },
    "00.fraction_right": {
        "a loop": by_loop,
        "vectorised": vectorised,
        "TensorFlow": with_tensorflow,
        "scikit-learn": with_scikit_learn,
        "counted, as a Fraction": by_counting,
    },
}

WRONG = {
    "00.one_layer": [
        Wrong("other names", {"narrow": 0.938, "model": 0.964}, "names"),
        Wrong("a slip in adding up", _one_layer(70_388), "counted"),
        Wrong("per cent", _one_layer(narrow=93.8, model=96.4), "fractions"),
        Wrong("the losses", _one_layer(narrow=0.2, model=0.144), "model trained"),
        Wrong("model before it learned", _one_layer(narrow=0.938, model=0.864), "model trained"),
        Wrong("narrow untrained", _one_layer(narrow=0.1), "narrow trained"),
        Wrong("narrow after one epoch", _one_layer(narrow=0.732), "narrow trained"),
        Wrong("exchanged", _one_layer(narrow=0.964, model=0.938), "exchanged"),
        Wrong("a list", [70_378, 0.938, 0.964], "names", "list"),
    ],
    "00.reading": [
        Wrong("the number to report alone", [0.964], "three numbers"),
        Wrong("the first epoch", [1, 1, 0.964], "turn"),
        Wrong("before the accuracy first falls, in another column", [8, 1, 0.964], "turn"),
        Wrong("compared with epoch 5", [4, 5, 0.964], "digits"),
        Wrong("in per cent", [4, 1, 96.4], "per cent"),
        Wrong("the mean of validation and test", [4, 1, 0.974], "report"),
        Wrong("as texts", ["4", "1", "0.964"], "three numbers", "holds a string"),
    ],
    "00.fraction_right": [
        Wrong("the faulty function", without_axis, "nothing right"),
        Wrong("percent", in_percent, "fraction"),
        Wrong("a count", as_count, "fraction"),
        Wrong("integer division", in_whole_numbers, "nothing right"),
        Wrong("max for argmax", by_max, "nothing right"),
        Wrong("sorted in place", after_sorting_in_place, "sorted"),
        Wrong("one of the two best", among_two, "ten images"),
        Wrong("the first image alone", by_the_first, "ten images"),
        Wrong("return inside the loop", after_one_image, "fraction", "returned True"),
        Wrong("divided by ten", out_of_ten, "other number"),
        Wrong("compared, not counted", compared, "fraction", "array of shape (10,)"),
        Wrong("the first five images", of_five, "ten images"),
        Wrong("labels from one", labels_from_one, "nothing right"),
        Wrong("divided by the classes", by_columns, "other number"),
        Wrong("no return", without_return, "fraction", "function returned None"),
    ],
}
