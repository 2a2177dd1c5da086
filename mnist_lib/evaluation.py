"""What SciPy and scikit-learn lack for judging a classifier: arrays in, numbers out.

Chapter 5 writes each of these in its own cells first, except the mid-p-value. Intervals, the
bootstrap, the confusion matrix, scores per class and the exact McNemar test are not here: the
chapters call SciPy and scikit-learn for them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from mnist_lib import _checks

__all__ = [
    "RejectionCurve",
    "apply_temperature",
    "expected_calibration_error",
    "fit_temperature",
    "mcnemar_mid_p",
    "rejection_curve",
    "sample_size_for_difference",
]

# float32 softmax outputs sum to 1 within about 1e-6; logits or unscaled scores miss by far more.
SUM_TOLERANCE = 1e-3
# A temperature outside this range would mean that the probabilities have nothing to do with the
# labels.
TEMPERATURE_RANGE = (1e-4, 1e4)


# --- calibration ----------------------------------------------------------------------------------


def expected_calibration_error(
    probabilities: ArrayLike, y_true: ArrayLike, bins: int = 15
) -> float:
    """Return the mean gap between confidence and accuracy, every bin weighted by its images.

    The confidence of an image is the probability of its predicted class. Images are sorted into
    `bins` intervals of equal width, as in `sklearn.calibration.calibration_curve`: bin k holds the
    confidences in (k/bins, (k + 1)/bins]. With the accuracy and the mean confidence of each bin,
    ``ECE = Σ_k (n_k / N) · |accuracy_k − confidence_k|``.

    Parameters
    ----------
    probabilities : float (N, classes)
        Predicted probabilities; every row sums to 1.
    y_true : int (N,)
        True class numbers.
    bins : int, optional
        Number of bins on [0, 1]. The result depends on it, so name it when you report an ECE.

    Returns
    -------
    float
        Between 0 and 1. Even a perfectly calibrated classifier has a small positive ECE on
        finitely many images.

    Raises
    ------
    TypeError
        If `y_true` or `bins` does not hold whole numbers.
    ValueError
        If the arrays do not match, the rows of `probabilities` are no probabilities, or `bins` is
        below 1.

    References
    ----------
    Naeini, Cooper & Hauskrecht (2015), Obtaining well calibrated probabilities using Bayesian
    binning, AAAI, doi:10.1609/aaai.v29i1.9602; Guo, Pleiss, Sun & Weinberger (2017), On calibration
    of modern neural networks, arXiv:1706.04599, equation 3.
    """
    confidence, right = _confidence_and_right(probabilities, y_true)
    bins = _checks.whole("bins", bins, least=1)
    number = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence)
    gaps = np.bincount(number, weights=right - confidence)
    return float(np.abs(gaps).sum() / len(right))


def fit_temperature(probabilities: ArrayLike, y_true: ArrayLike) -> float:
    """Find the temperature T that makes softmax(logits / T) fit the labels best.

    T minimises the mean negative log-likelihood of the true classes. Above 1 it means that the
    classifier was overconfident. Fit it on validation images, never on those you judge by.

    Softmax ignores a constant added to a row of logits, and log(softmax(logits)) differs from the
    logits by just such a constant. So the logarithms of probabilities serve as logits, and the
    probabilities that a Keras model predicts are enough.

    Parameters
    ----------
    probabilities : float (N, classes)
        Predicted probabilities; every row sums to 1. One that was rounded to 0 counts as the
        smallest normal number of its type.
    y_true : int (N,)
        True class numbers.

    Returns
    -------
    float
        The temperature, positive.

    Raises
    ------
    TypeError
        If `y_true` does not hold whole numbers.
    ValueError
        If the arrays do not match, the rows of `probabilities` are no probabilities, or no finite
        temperature is best: all predictions are right, or the true class scores no better than the
        average class.

    References
    ----------
    Guo, Pleiss, Sun & Weinberger (2017), On calibration of modern neural networks,
    arXiv:1706.04599, section 4.2.
    """
    table, true = _probabilities_and_labels(probabilities, y_true)
    logits = _logits(table)
    # Every logit relative to that of the true class: the loss is then mean(logsumexp(gaps / T)).
    gaps = logits - logits[np.arange(len(true)), true][:, np.newaxis]
    if np.all(gaps <= 0):
        raise ValueError(
            "Every true class has the largest probability, so a temperature ever closer to 0 fits "
            "ever better. Use more images, enough to hold some wrong predictions."
        )
    if np.mean(gaps) >= 0:
        raise ValueError(
            "The true class scores no better than the average class, so no temperature helps. "
            "Check that probabilities and y_true belong to the same images, in the same order."
        )

    def loss(log_temperature: float) -> float:
        return float(np.mean(special.logsumexp(gaps / np.exp(log_temperature), axis=1)))

    # The loss is convex in 1/T, so it has one minimum along log T, too.
    bounds = tuple(np.log(TEMPERATURE_RANGE))
    result = optimize.minimize_scalar(
        loss, bounds=bounds, method="bounded", options={"xatol": 1e-7}
    )
    return float(np.exp(result.x))


def apply_temperature(probabilities: ArrayLike, temperature: float) -> NDArray[np.float64]:
    """Return softmax(logits / temperature): the same ranking of the classes, another confidence.

    Parameters
    ----------
    probabilities : float (N, classes)
        Predicted probabilities; every row sums to 1. `fit_temperature` says why their logarithms
        serve as logits.
    temperature : float
        Positive. Above 1 it lowers the confidence, below 1 it raises it.

    Returns
    -------
    float64 (N, classes)
        Probabilities; every row sums to 1.

    Raises
    ------
    TypeError
        If `temperature` is not a number.
    ValueError
        If `temperature` is not positive and finite, or the rows of `probabilities` are no
        probabilities.
    """
    temperature = _checks.number("temperature", temperature, above=0)
    scaled = special.softmax(_logits(_probabilities(probabilities)) / temperature, axis=1)
    return np.asarray(scaled, dtype=np.float64)


# --- rejection ------------------------------------------------------------------------------------


class RejectionCurve(NamedTuple):
    """What is gained by leaving doubtful images to a person.

    One entry for every confidence that occurs, from the most to the least confident.

    Attributes
    ----------
    threshold : float64 (M,)
        An image is kept if its confidence is at least this; strictly falling.
    coverage : float64 (M,)
        Fraction of the images that are kept; strictly rising, ends at 1.
    accuracy : float64 (M,)
        Accuracy on the kept images; ends at the accuracy on all images.
    """

    threshold: NDArray[np.float64]
    coverage: NDArray[np.float64]
    accuracy: NDArray[np.float64]


def rejection_curve(probabilities: ArrayLike, y_true: ArrayLike) -> RejectionCurve:
    """Return the accuracy on the images that are kept, for every threshold on the confidence.

    Parameters
    ----------
    probabilities : float (N, classes)
        Predicted probabilities; every row sums to 1.
    y_true : int (N,)
        True class numbers.

    Returns
    -------
    RejectionCurve
        Threshold, coverage and accuracy for every confidence that occurs; images of equal
        confidence are kept or rejected together.

    Raises
    ------
    TypeError
        If `y_true` does not hold whole numbers.
    ValueError
        If the arrays do not match, or the rows of `probabilities` are no probabilities.

    References
    ----------
    Chow (1970), On optimum recognition error and reject tradeoff, IEEE Trans. Inf. Theory
    16:41–46, doi:10.1109/TIT.1970.1054406.
    """
    confidence, right = _confidence_and_right(probabilities, y_true)
    order = np.argsort(-confidence, kind="stable")
    confidence, right = confidence[order], right[order]
    kept = np.append(np.flatnonzero(np.diff(confidence)) + 1, len(confidence))
    return RejectionCurve(
        confidence[kept - 1], kept / len(confidence), np.cumsum(right)[kept - 1] / kept
    )


# --- two classifiers ------------------------------------------------------------------------------


def mcnemar_mid_p(only_a: int, only_b: int) -> float:
    """Return the two-sided mid-p-value of McNemar's test for two classifiers on the same images.

    Only the images that exactly one of the two gets right count. If both are equally good, each of
    these n images is as likely to be won by the one as by the other, so the first wins
    Binomial(n, 1/2) of them. The mid-p-value counts the observed split only half, in either tail,
    and so removes most of the caution of the exact test. The exact p-value is
    ``scipy.stats.binomtest(only_a, only_a + only_b).pvalue``.

    Parameters
    ----------
    only_a, only_b : int
        Number of images that only the first, or only the second, classifier gets right.

    Returns
    -------
    float
        Between 0 and 1; 1 if the two never disagree.

    Raises
    ------
    TypeError
        If a count is not a whole number.
    ValueError
        If a count is negative.

    References
    ----------
    McNemar (1947), Psychometrika 12:153–157, doi:10.1007/BF02295996; Fagerland, Lydersen & Laake
    (2013), BMC Med. Res. Methodol. 13:91, doi:10.1186/1471-2288-13-91 (mid-p).
    """
    only_a = _checks.whole("only_a", only_a, least=0)
    only_b = _checks.whole("only_b", only_b, least=0)
    disagreements = only_a + only_b
    if disagreements == 0:
        return 1.0
    observed = float(stats.binom.pmf(only_a, disagreements, 0.5))
    # In a tie the observed split lies in both tails and is counted once, not twice.
    surplus = observed / 2 if only_a == only_b else observed
    return float(stats.binomtest(only_a, disagreements).pvalue) - surplus


def sample_size_for_difference(only_a: float, only_b: float) -> int:
    """Return the number of test images on which McNemar's test would find a difference.

    It would be found (two-sided, at the level 0.05) in 80 of 100 such test sets. With the fraction
    of disagreements ψ = only_a + only_b and the difference δ = only_a − only_b of the two
    accuracies, n = (z_{0.975} √ψ + z_{0.8} √(ψ − δ²))² / δ², rounded up. It is a normal
    approximation: take it as a plan, not as a promise.

    Parameters
    ----------
    only_a, only_b : float
        Expected fraction of all images that only the first, or only the second, classifier gets
        right; two different numbers, not negative, whose sum is at most 1.

    Returns
    -------
    int
        Number of images that both classifiers must be tried on.

    Raises
    ------
    TypeError
        If an argument is not a number.
    ValueError
        If an argument is out of range, or the two are equal: no number of images shows a
        difference that does not exist.

    References
    ----------
    Connor (1987), Sample size for testing differences in proportions for the paired-sample
    design, Biometrics 43:207–211, doi:10.2307/2531961; Miettinen (1968), The matched pairs design
    in the case of all-or-none responses, Biometrics 24:339–352, doi:10.2307/2528039.
    """
    only_a = _checks.number("only_a", only_a, least=0)
    only_b = _checks.number("only_b", only_b, least=0)
    if only_a + only_b > 1:
        raise ValueError(
            f"only_a is {only_a} and only_b is {only_b}; expected fractions of all images, with a "
            "sum of at most 1. Divide the counts by the number of images."
        )
    if only_a == only_b:
        raise ValueError(
            f"only_a and only_b are both {only_a}; expected two classifiers of different accuracy. "
            "No number of images shows a difference that does not exist."
        )
    disagreement, difference = only_a + only_b, only_a - only_b
    z_level, z_power = stats.norm.ppf([0.975, 0.8])
    # Rounding may push a variance of exactly 0 (every image won by the same one) below it.
    scatter = z_level * np.sqrt(disagreement) + z_power * np.sqrt(
        max(0, disagreement - difference**2)
    )
    return int(np.ceil((scatter / difference) ** 2))


# --- arguments ------------------------------------------------------------------------------------


def _probabilities(values: ArrayLike) -> NDArray[Any]:
    table = _checks.array("probabilities", values, "N classes", finite=True)
    if table.dtype.kind != "f":
        table = table.astype(np.float64)
    sums = table.sum(axis=1, dtype=np.float64)
    worst = int(np.argmax(np.abs(sums - 1)))
    if table.min() < 0 or abs(sums[worst] - 1) > SUM_TOLERANCE:
        raise ValueError(
            _checks.message(
                "probabilities",
                f"an array with smallest entry {table.min():.4g}, whose row {worst} sums to "
                f"{sums[worst]:.4g}",
                "entries of 0 or more and rows that sum to 1",
                "Turn logits into probabilities with softmax first.",
            )
        )
    return table


def _probabilities_and_labels(
    probabilities: ArrayLike, y_true: ArrayLike
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    table = _probabilities(probabilities)
    true = _checks.labels("y_true", y_true, classes=table.shape[1])
    _checks.same_length(probabilities=table, y_true=true)
    return table, true


def _confidence_and_right(
    probabilities: ArrayLike, y_true: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    table, true = _probabilities_and_labels(probabilities, y_true)
    return table.max(axis=1).astype(np.float64), table.argmax(axis=1) == true


def _logits(probabilities: NDArray[Any]) -> NDArray[np.float64]:
    """Return logarithms of probabilities, which differ from logits by a constant per row."""
    smallest = np.finfo(probabilities.dtype).tiny
    logits: NDArray[np.float64] = np.log(np.maximum(probabilities, smallest), dtype=np.float64)
    return logits
