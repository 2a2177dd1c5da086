"""Judge a classifier: arrays in, numbers out.

Labels and predictions are class numbers, probabilities one row per image; the module knows neither
Keras nor plots. Chapter 5 derives what stands here. Standard pieces come from SciPy and
scikit-learn; what they lack is written out and checked against published examples in the tests.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import sklearn.metrics
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

__all__ = [
    "McNemarResult",
    "PerClassScores",
    "RejectionCurve",
    "ReliabilityCurve",
    "accuracy",
    "apply_temperature",
    "bootstrap_interval",
    "confusion_matrix",
    "expected_calibration_error",
    "fit_temperature",
    "mcnemar",
    "per_class_scores",
    "rejection_curve",
    "reliability_curve",
    "sample_size_for_difference",
    "wilson_interval",
]

# float32 softmax outputs sum to 1 within about 1e-6; logits or unscaled scores miss by far more.
SUM_TOLERANCE = 1e-3
# Temperatures outside this range would mean that the scores are no logits at all.
TEMPERATURE_RANGE = (1e-4, 1e4)


class PerClassScores(NamedTuple):
    """Scores of every class, in the order of the class numbers.

    Attributes
    ----------
    precision : float64 (classes,)
        Share of the images predicted as the class that belong to it. NaN where none was predicted.
    recall : float64 (classes,)
        Share of the class's images that were predicted as it. NaN where the class has no images.
    f1 : float64 (classes,)
        Harmonic mean of both, 2·TP / (2·TP + FP + FN). NaN where the class occurs nowhere.
    support : int64 (classes,)
        Number of images of the class.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    support: NDArray[np.int64]


class ReliabilityCurve(NamedTuple):
    """Stated confidence and achieved accuracy, bin by bin; empty bins are left out.

    Attributes
    ----------
    confidence : float64 (filled_bins,)
        Mean confidence of the bin's images, rising from bin to bin.
    accuracy : float64 (filled_bins,)
        Share of the bin's images that are predicted right.
    counts : int64 (filled_bins,)
        Number of images in the bin, at least 1.
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    counts: NDArray[np.int64]


class RejectionCurve(NamedTuple):
    """What is gained by leaving doubtful images to a person.

    One entry for every confidence that occurs, from the most to the least confident.

    Attributes
    ----------
    threshold : float64 (M,)
        An image is kept if its confidence is at least this; strictly falling.
    coverage : float64 (M,)
        Share of the images kept; strictly rising, ends at 1.
    accuracy : float64 (M,)
        Accuracy on the kept images; ends at the accuracy on all images.
    """

    threshold: NDArray[np.float64]
    coverage: NDArray[np.float64]
    accuracy: NDArray[np.float64]


class McNemarResult(NamedTuple):
    """Two classifiers on the same images: the table of pairs and its p-values (two-sided).

    Attributes
    ----------
    both_right, only_a, only_b, both_wrong : int
        Number of images that both classifiers, only the first, only the second, or neither got
        right.
    p_exact : float
        P-value of the exact conditional test; conservative.
    p_mid : float
        Mid-p-value: the exact one less the probability of the observed table.
    """

    both_right: int
    only_a: int
    only_b: int
    both_wrong: int
    p_exact: float
    p_mid: float


def accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Give the share of images whose predicted class is the true one.

    Parameters
    ----------
    y_true, y_pred : int (N,)
        True and predicted class numbers.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    TypeError
        If an array does not hold integers.
    ValueError
        If the arrays are empty, not one-dimensional, negative or of different lengths.
    """
    true, predicted = _labels(y_true, "y_true"), _labels(y_pred, "y_pred")
    _same_length(y_true=true, y_pred=predicted)
    return float(np.mean(true == predicted))


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Give the Wilson score interval of a proportion; chapter 5 derives it.

    It holds every proportion p for which the observed share lies within z standard errors of p,
    the standard error being that of p itself, sqrt(p (1 − p) / n). Unlike "share ± z standard
    errors" it stays inside [0, 1] and keeps its width when no error, or nothing but errors, is
    seen.

    Parameters
    ----------
    successes : int
        Number of images predicted right (or of any other event), 0 to `trials`.
    trials : int
        Number of images, 1 or more.
    confidence : float, optional
        Share of such intervals that hold the true proportion, between 0 and 1.

    Returns
    -------
    tuple of float
        Lower and upper limit.

    Raises
    ------
    TypeError
        If a count is not an integer.
    ValueError
        If a count or `confidence` is out of range.

    References
    ----------
    Wilson (1927), Probable inference, the law of succession, and statistical inference, J. Am.
    Stat. Assoc. 22:209–212, doi:10.1080/01621459.1927.10502953.
    """
    successes, trials = _count(successes, "successes"), _count(trials, "trials")
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(
            f"successes is {successes} and trials is {trials}; expected 0 ≤ successes ≤ trials "
            "and at least one trial."
        )
    _share(confidence, "confidence")
    interval = stats.binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def bootstrap_interval(
    values: ArrayLike,
    statistic: Callable[[NDArray[Any]], float] = np.mean,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Give the percentile bootstrap interval of any statistic of the images.

    The images are drawn again and again, with replacement and as many as there are; the interval
    runs between the quantiles of the statistic's values. Rows stay whole, so a table with one
    column per classifier is resampled in pairs.

    Parameters
    ----------
    values : array (N,) or (N, k)
        One value, or one row of values, per image; N at least 2.
    statistic : callable, optional
        Takes an array like `values` and returns a number; the mean by default.
    confidence : float, optional
        Nominal coverage, between 0 and 1.
    resamples : int, optional
        Number of draws of N images, at least 100.
    seed : int, optional
        Decides the draws.

    Returns
    -------
    tuple of float
        Lower and upper limit.

    Raises
    ------
    TypeError
        If `resamples` is not an integer.
    ValueError
        If there are fewer than two images, a value is not finite, or an argument is out of range.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.
    """
    rows = np.asarray(values)
    if rows.ndim == 0 or len(rows) < 2:
        raise ValueError(f"values has shape {rows.shape}; expected one row for each of 2+ images.")
    if not np.all(np.isfinite(rows)):
        raise ValueError("values holds NaN or infinity; remove or mend those images first.")
    if _count(resamples, "resamples") < 100:
        raise ValueError(f"resamples is {resamples}; quantiles need at least 100.")
    _share(confidence, "confidence")
    # SciPy resamples the row numbers, so that a statistic of several columns sees whole rows.
    result = stats.bootstrap(
        (np.arange(len(rows)),),
        lambda index: float(statistic(rows[index])),
        vectorized=False,
        n_resamples=resamples,
        confidence_level=confidence,
        method="percentile",
        random_state=np.random.default_rng(seed),
    )
    # Between equal values, interpolation may round the lower limit past the upper one.
    low, high = sorted(map(float, result.confidence_interval))
    return low, high


def confusion_matrix(
    y_true: ArrayLike, y_pred: ArrayLike, *, classes: int = 10
) -> NDArray[np.int64]:
    """Count how often each true class was predicted as each class.

    Parameters
    ----------
    y_true, y_pred : int (N,)
        True and predicted class numbers, 0 to ``classes − 1``.
    classes : int, optional
        Number of classes.

    Returns
    -------
    int64 (classes, classes)
        Rows are true classes, columns predicted ones; classes that do not occur have zeros.

    Raises
    ------
    TypeError
        If an array does not hold integers.
    ValueError
        If the arrays are empty, of different lengths or hold a class that does not exist.
    """
    true, predicted = _labels(y_true, "y_true", classes), _labels(y_pred, "y_pred", classes)
    _same_length(y_true=true, y_pred=predicted)
    counts = sklearn.metrics.confusion_matrix(true, predicted, labels=np.arange(classes))
    return np.asarray(counts, dtype=np.int64)


def per_class_scores(y_true: ArrayLike, y_pred: ArrayLike, *, classes: int = 10) -> PerClassScores:
    """Give precision, recall, F1 and support of every class.

    Parameters
    ----------
    y_true, y_pred : int (N,)
        True and predicted class numbers, 0 to ``classes − 1``.
    classes : int, optional
        Number of classes.

    Returns
    -------
    PerClassScores
        Four arrays of shape (classes,). An undefined score, 0/0, is NaN rather than a made-up 0.

    Raises
    ------
    TypeError
        If an array does not hold integers.
    ValueError
        If the arrays are empty, of different lengths or hold a class that does not exist.
    """
    true, predicted = _labels(y_true, "y_true", classes), _labels(y_pred, "y_pred", classes)
    _same_length(y_true=true, y_pred=predicted)
    precision, recall, f1, support = sklearn.metrics.precision_recall_fscore_support(
        true, predicted, labels=np.arange(classes), zero_division=np.nan
    )
    return PerClassScores(precision, recall, f1, np.asarray(support, dtype=np.int64))


def reliability_curve(
    probabilities: ArrayLike, y_true: ArrayLike, bins: int = 15
) -> ReliabilityCurve:
    """Compare what a classifier claims with what it achieves.

    The confidence of an image is the probability of its predicted class. Images are sorted into
    `bins` intervals of equal width; bin k holds the confidences in (k/bins, (k + 1)/bins].

    Parameters
    ----------
    probabilities : float (N, classes)
        Predicted probabilities; every row sums to 1.
    y_true : int (N,)
        True class numbers.
    bins : int, optional
        Number of bins on [0, 1].

    Returns
    -------
    ReliabilityCurve
        Mean confidence, accuracy and count of every bin that holds an image.

    Raises
    ------
    TypeError
        If `y_true` or `bins` does not hold integers.
    ValueError
        If the arrays do not match, or the rows of `probabilities` are no probabilities.

    References
    ----------
    Guo, Pleiss, Sun & Weinberger (2017), On calibration of modern neural networks,
    arXiv:1706.04599, section 2.
    """
    confidence, right = _confidence_and_right(probabilities, y_true)
    if _count(bins, "bins") < 1:
        raise ValueError(f"bins is {bins}; expected 1 or more.")
    edges = np.linspace(0, 1, bins + 1)
    # side="left" puts a confidence that equals an upper edge into the bin below that edge.
    number = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    counts = np.bincount(number, minlength=bins)
    filled = counts > 0
    mean_confidence = np.bincount(number, confidence, bins)[filled] / counts[filled]
    share_right = np.bincount(number, right, bins)[filled] / counts[filled]
    return ReliabilityCurve(mean_confidence, share_right, counts[filled].astype(np.int64))


def expected_calibration_error(
    probabilities: ArrayLike, y_true: ArrayLike, bins: int = 15
) -> float:
    """Give the mean gap between confidence and accuracy, every bin weighted by its images.

    ``ECE = Σ_k (n_k / N) · |accuracy_k − confidence_k|``, with the bins of `reliability_curve`.

    Parameters
    ----------
    probabilities : float (N, classes)
        Predicted probabilities; every row sums to 1.
    y_true : int (N,)
        True class numbers.
    bins : int, optional
        Number of bins on [0, 1]. The value depends on it: name it when you report the ECE.

    Returns
    -------
    float
        Between 0 and 1. Even a perfectly calibrated classifier has a small positive ECE on
        finitely many images.

    Raises
    ------
    TypeError
        If `y_true` or `bins` does not hold integers.
    ValueError
        If the arrays do not match, or the rows of `probabilities` are no probabilities.

    References
    ----------
    Naeini, Cooper & Hauskrecht (2015), Obtaining well calibrated probabilities using Bayesian
    binning, AAAI, doi:10.1609/aaai.v29i1.9602; Guo et al. (2017), arXiv:1706.04599, equation 3.
    """
    curve = reliability_curve(probabilities, y_true, bins)
    gaps = np.abs(curve.accuracy - curve.confidence)
    return float(np.average(gaps, weights=curve.counts))


def fit_temperature(scores: ArrayLike, y_true: ArrayLike, *, from_logits: bool = False) -> float:
    """Find the temperature T that makes softmax(logits / T) fit the labels best.

    T minimises the mean negative log-likelihood of the true classes. Above 1 it means that the
    classifier was overconfident. Fit it on validation images, never on those you judge by.

    Softmax ignores a constant added to a row of logits, and log(softmax(logits)) differs from the
    logits by just such a constant. So the logarithms of probabilities serve as logits, and the
    probabilities that a Keras model predicts are enough.

    Parameters
    ----------
    scores : float (N, classes)
        Probabilities whose rows sum to 1, or logits with ``from_logits=True``. A probability that
        was rounded to 0 counts as the smallest normal number of its type.
    y_true : int (N,)
        True class numbers.
    from_logits : bool, optional
        Whether `scores` are logits.

    Returns
    -------
    float
        The temperature, positive.

    Raises
    ------
    TypeError
        If `y_true` does not hold integers.
    ValueError
        If the arrays do not match, `scores` are not what they should be, or no finite temperature
        is best: all predictions are right, or the true class scores no better than the average
        class.

    References
    ----------
    Guo et al. (2017), On calibration of modern neural networks, arXiv:1706.04599, section 4.2.
    """
    logits = _logits(scores, from_logits)
    true = _labels(y_true, "y_true", logits.shape[1])
    _same_length(scores=logits, y_true=true)
    # Every logit relative to that of the true class: the loss is then mean(logsumexp(gaps / T)).
    gaps = logits - logits[np.arange(len(true)), true][:, np.newaxis]
    if np.all(gaps <= 0):
        raise ValueError(
            "No true class scores below another, so a temperature ever closer to 0 fits ever "
            "better. Use more images, enough to hold some wrong predictions."
        )
    if np.mean(gaps) >= 0:
        raise ValueError(
            "The true class scores no better than the average class, so no temperature helps. "
            "Check that scores and y_true belong to the same images, in the same order."
        )

    def loss(log_temperature: float) -> float:
        return float(np.mean(special.logsumexp(gaps / np.exp(log_temperature), axis=1)))

    # The loss is convex in 1/T, so it has one minimum along log T, too.
    bounds = tuple(np.log(TEMPERATURE_RANGE))
    result = optimize.minimize_scalar(
        loss, bounds=bounds, method="bounded", options={"xatol": 1e-7}
    )
    return float(np.exp(result.x))


def apply_temperature(
    scores: ArrayLike, temperature: float, *, from_logits: bool = False
) -> NDArray[np.float64]:
    """Give softmax(logits / temperature): the same ranking of the classes, another confidence.

    Parameters
    ----------
    scores : float (N, classes)
        Probabilities whose rows sum to 1, or logits with ``from_logits=True``; see
        `fit_temperature` for why both will do.
    temperature : float
        Positive. Above 1 it lowers the confidence, below 1 it raises it.
    from_logits : bool, optional
        Whether `scores` are logits.

    Returns
    -------
    float64 (N, classes)
        Probabilities; every row sums to 1.

    Raises
    ------
    ValueError
        If `temperature` is not positive and finite, or `scores` are not what they should be.
    """
    if not (np.isfinite(temperature) and temperature > 0):
        raise ValueError(f"temperature is {temperature}; expected a positive, finite number.")
    probabilities = special.softmax(_logits(scores, from_logits) / temperature, axis=1)
    return np.asarray(probabilities, dtype=np.float64)


def rejection_curve(probabilities: ArrayLike, y_true: ArrayLike) -> RejectionCurve:
    """Give the accuracy on the images that are kept, for every threshold on the confidence.

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
        If `y_true` does not hold integers.
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


def mcnemar(correct_a: ArrayLike, correct_b: ArrayLike) -> McNemarResult:
    """Test whether two classifiers have the same accuracy, by the images they disagree on.

    If both are equally good, an image that only one of them gets right is as likely to be won by
    the one as by the other: of n such images, the first wins Binomial(n, 1/2). The mid-p-value
    counts the observed table only half (in either tail) and so removes most of the exact test's
    conservatism.

    Parameters
    ----------
    correct_a, correct_b : bool (N,)
        Whether each classifier got each image right; same images, same order.

    Returns
    -------
    McNemarResult
        The four counts and two p-values. Without any disagreement both p-values are 1.

    Raises
    ------
    TypeError
        If an array is not boolean.
    ValueError
        If the arrays are empty, not one-dimensional or of different lengths.

    References
    ----------
    McNemar (1947), Psychometrika 12:153–157, doi:10.1007/BF02295996; Fagerland, Lydersen & Laake
    (2013), BMC Med. Res. Methodol. 13:91, doi:10.1186/1471-2288-13-91 (mid-p).
    """
    a, b = _booleans(correct_a, "correct_a"), _booleans(correct_b, "correct_b")
    _same_length(correct_a=a, correct_b=b)
    both_right, only_a = int(np.sum(a & b)), int(np.sum(a & ~b))
    only_b, both_wrong = int(np.sum(~a & b)), int(np.sum(~a & ~b))
    disagreements = only_a + only_b
    p_exact = p_mid = 1.0
    if disagreements:
        p_exact = float(stats.binomtest(only_a, disagreements).pvalue)
        observed = float(stats.binom.pmf(only_a, disagreements, 0.5))
        # In a tie the observed table lies in both tails and is counted once, not twice.
        p_mid = p_exact - (observed / 2 if only_a == only_b else observed)
    return McNemarResult(both_right, only_a, only_b, both_wrong, p_exact, p_mid)


def sample_size_for_difference(
    only_a: float, only_b: float, *, significance: float = 0.05, power: float = 0.8
) -> int:
    """Give the number of test images at which McNemar's test would see a difference.

    With the share of disagreements ψ = only_a + only_b and the difference δ = only_a − only_b of
    the two accuracies, n = (z_{1−α/2} √ψ + z_{power} √(ψ − δ²))² / δ², rounded up. It is a normal
    approximation: take it as a plan, not as a promise.

    Parameters
    ----------
    only_a, only_b : float
        Expected share of all images that only the first, or only the second, classifier gets
        right; two different numbers, not negative, whose sum is at most 1.
    significance : float, optional
        Two-sided significance level α of the test to be made, between 0 and 1.
    power : float, optional
        Wanted probability of a significant result, above `significance` and below 1.

    Returns
    -------
    int
        Number of images that both classifiers must be tried on.

    Raises
    ------
    ValueError
        If an argument is out of range, or the two shares are equal: no number of images shows a
        difference that does not exist.

    References
    ----------
    Connor (1987), Sample size for testing differences in proportions for the paired-sample
    design, Biometrics 43:207–211, doi:10.2307/2531961; Miettinen (1968), The matched pairs design
    in the case of all-or-none responses, Biometrics 24:339–352, doi:10.2307/2528039.
    """
    if not (only_a >= 0 and only_b >= 0 and only_a + only_b <= 1):
        raise ValueError(
            f"only_a is {only_a} and only_b is {only_b}; expected shares of all images, 0 or "
            "more, with a sum of at most 1. Divide the counts by the number of images."
        )
    if only_a == only_b:
        raise ValueError(
            f"only_a and only_b are both {only_a}: two classifiers of equal accuracy. No number "
            "of images shows a difference that does not exist."
        )
    _share(significance, "significance")
    _share(power, "power")
    if power <= significance:
        raise ValueError(
            f"power is {power} and significance is {significance}; a test that is worth making "
            "has more power than its significance level."
        )
    disagreement, difference = only_a + only_b, only_a - only_b
    under_null = stats.norm.isf(significance / 2) * np.sqrt(disagreement)
    # Rounding may push a variance of exactly 0 (every image won by the same one) below it.
    under_alternative = stats.norm.ppf(power) * np.sqrt(max(0, disagreement - difference**2))
    return int(np.ceil(((under_null + under_alternative) / difference) ** 2))


def _count(value: int, name: str) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}; expected an integer.") from None


def _share(value: float, name: str) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} is {value}; expected a number between 0 and 1, such as 0.95.")


def _one_dimensional(values: ArrayLike, name: str) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] > 1:
        raise ValueError(
            f"{name} has shape {array.shape}; expected one number per image, (N,). If its rows "
            f"are one-hot labels or probabilities, pass {name}.argmax(axis=1)."
        )
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}; expected (N,). Try {name}.ravel().")
    if len(array) == 0:
        raise ValueError(f"{name} is empty; expected at least one image.")
    return array


def _labels(values: ArrayLike, name: str, classes: int | None = None) -> NDArray[np.int64]:
    array = _one_dimensional(values, name)
    if not np.issubdtype(array.dtype, np.integer):
        raise TypeError(
            f"{name} has dtype {array.dtype}; expected integers, the numbers of the classes."
        )
    if array.min() < 0 or (classes is not None and array.max() >= classes):
        top = "" if classes is None else f" to {classes - 1}"
        raise ValueError(
            f"{name} holds the class numbers {array.min()} to {array.max()}; expected 0{top}"
            f"{' or more' if classes is None else ''}."
        )
    return array.astype(np.int64)


def _booleans(values: ArrayLike, name: str) -> NDArray[np.bool_]:
    array = _one_dimensional(values, name)
    if array.dtype != np.bool_:
        raise TypeError(
            f"{name} has dtype {array.dtype}; expected booleans, such as y_pred == y_true."
        )
    return array


def _same_length(**arrays: NDArray[Any]) -> None:
    (first, a), (second, b) = arrays.items()
    if len(a) != len(b):
        raise ValueError(
            f"{first} has {len(a)} images and {second} has {len(b)}; expected the same images in "
            "the same order."
        )


def _table(values: ArrayLike, name: str) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim != 2 or array.shape[1] < 2:
        raise ValueError(
            f"{name} has shape {array.shape}; expected (N, classes) with two or more classes."
        )
    if len(array) == 0:
        raise ValueError(f"{name} is empty; expected at least one image.")
    if not np.issubdtype(array.dtype, np.floating):
        array = array.astype(np.float64)
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} holds NaN or infinity. Did the training diverge?")
    return array


def _probabilities(values: ArrayLike, name: str) -> NDArray[Any]:
    array = _table(values, name)
    sums = array.sum(axis=1, dtype=np.float64)
    worst = int(np.argmax(np.abs(sums - 1)))
    if array.min() < 0 or abs(sums[worst] - 1) > SUM_TOLERANCE:
        raise ValueError(
            f"{name} holds no probabilities: the smallest entry is {array.min():.4g} and row "
            f"{worst} sums to {sums[worst]:.4g}; expected entries of 0 or more and rows that sum "
            "to 1. Turn logits into probabilities with softmax first."
        )
    return array


def _logits(scores: ArrayLike, from_logits: bool) -> NDArray[np.float64]:
    if from_logits:
        return _table(scores, "scores").astype(np.float64)
    array = _probabilities(scores, "scores")
    logits: NDArray[np.float64] = np.log(
        np.maximum(array, np.finfo(array.dtype).tiny), dtype=np.float64
    )
    return logits


def _confidence_and_right(
    probabilities: ArrayLike, y_true: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    table = _probabilities(probabilities, "probabilities")
    true = _labels(y_true, "y_true", table.shape[1])
    _same_length(probabilities=table, y_true=true)
    return table.max(axis=1).astype(np.float64), table.argmax(axis=1) == true
