"""`mnist_lib.evaluation` against published examples, textbook properties and planted truths."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import special, stats
from sklearn.metrics import log_loss

from mnist_lib import evaluation
from mnist_lib.evaluation import (
    accuracy,
    apply_temperature,
    bootstrap_interval,
    confusion_matrix,
    expected_calibration_error,
    fit_temperature,
    mcnemar,
    per_class_scores,
    rejection_curve,
    reliability_curve,
    sample_size_for_difference,
    wilson_interval,
)

# Wall time says nothing about these functions when other programs share the processor.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")

LABELS = np.array([0, 1, 2, 2, 1])
UNIFORM = np.full((5, 10), 0.1)


def pairs(both_right, only_a, only_b, both_wrong):
    """Make the two arrays of correct answers that give this table of pairs."""
    counts = [both_right, only_a, only_b, both_wrong]
    return (
        np.repeat([True, True, False, False], counts),
        np.repeat([True, False, True, False], counts),
    )


def binary(confidence, right):
    """Make two-class probabilities and labels with these confidences and hits."""
    confidence, right = np.asarray(confidence, dtype=float), np.asarray(right)
    return np.stack([1 - confidence, confidence], axis=1), right.astype(int)


def draw_labels(rng, probabilities):
    """Draw every label from its row of probabilities, so that they are perfectly calibrated."""
    reached = rng.random(len(probabilities))[:, np.newaxis] < probabilities.cumsum(axis=1)
    return reached.argmax(axis=1)


# --- accuracy ---------------------------------------------------------------------------------


def test_accuracy_counts_hits():
    assert accuracy([1, 2, 3, 4], [1, 2, 3, 5]) == 0.75
    assert accuracy(np.uint8([7, 7]), np.int32([7, 7])) == 1.0


# --- Wilson -----------------------------------------------------------------------------------

# Newcombe (1998), Two-sided confidence intervals for the single proportion: comparison of seven
# methods, Statistics in Medicine 17:857-872, table I, method 3 (score, not continuity corrected).
NEWCOMBE = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0000, 0.1611),
    (1, 29, 0.0061, 0.1718),
]


@pytest.mark.parametrize(("successes", "trials", "low", "high"), NEWCOMBE)
def test_wilson_gives_newcombes_published_intervals(successes, trials, low, high):
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    "method",
    [
        lambda k, n: (k / n - 1.96 * (k / n * (1 - k / n) / n) ** 0.5,),  # Wald
        lambda k, n: stats.binomtest(k, n).proportion_ci(method="wilsoncc"),
        lambda k, n: stats.binomtest(k, n).proportion_ci(method="exact"),
    ],
)
def test_other_intervals_would_fail_the_published_example(method):
    assert method(15, 148)[0] != pytest.approx(0.0624, abs=5e-5)


@given(st.integers(1, 20_000), st.floats(0, 1), st.floats(0.5, 0.999))
def test_wilson_contains_the_estimate_and_its_mirror_image_mirrors(trials, share, confidence):
    successes = round(share * trials)
    low, high = wilson_interval(successes, trials, confidence)
    assert 0 <= low <= successes / trials <= high <= 1
    assert low < high
    mirrored = wilson_interval(trials - successes, trials, confidence)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-9)


@given(st.integers(1, 5_000), st.floats(0, 1))
def test_wilson_limits_solve_the_equation_that_defines_them(trials, share):
    successes = round(share * trials)
    z = stats.norm.ppf(0.975)
    for limit in wilson_interval(successes, trials):
        distance = abs(successes / trials - limit)
        assert distance == pytest.approx(z * (limit * (1 - limit) / trials) ** 0.5, abs=1e-7)


@pytest.mark.parametrize(("trials", "truth"), [(1000, 0.97), (10_000, 0.99), (200, 0.7)])
def test_wilson_covers_the_truth_in_about_95_of_100_experiments(trials, truth):
    hits = np.random.default_rng(0).binomial(trials, truth, size=4000)
    limits = {hit: wilson_interval(hit, trials) for hit in np.unique(hits)}
    covered = np.mean([limits[hit][0] <= truth <= limits[hit][1] for hit in hits])
    assert 0.935 < covered < 0.965


def test_wilson_covers_the_truth_95_of_100_times_on_average_over_truths():
    # The coverage at one truth swings by a per cent or two, because counts are whole numbers.
    truths = np.linspace(0.01, 0.99, 197)
    low, high = np.array([wilson_interval(hits, 100) for hits in range(101)]).T[:, :, np.newaxis]
    chances = stats.binom.pmf(np.arange(101)[:, np.newaxis], 100, truths)
    coverage = np.sum(chances * ((low <= truths) & (truths <= high)), axis=0)
    assert coverage.mean() == pytest.approx(0.95, abs=0.004)
    assert coverage.min() > 0.88


def test_wilson_grows_with_confidence_and_shrinks_with_images():
    def width(interval):
        return interval[1] - interval[0]

    assert width(wilson_interval(99, 100, 0.99)) > width(wilson_interval(99, 100, 0.9))
    ratio = width(wilson_interval(9000, 10_000)) / width(wilson_interval(900, 1000))
    assert ratio == pytest.approx(10**-0.5, rel=0.01)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ((11, 10), ValueError, "successes is 11"),
        ((-1, 10), ValueError, "successes is -1"),
        ((0, 0), ValueError, "at least one trial"),
        ((5, 10, 95), ValueError, "confidence is 95"),
        ((5, 10, float("nan")), ValueError, "confidence is nan"),
        ((0.99, 10), TypeError, "successes is 0.99"),
    ],
)
def test_wilson_refuses(arguments, error, says):
    with pytest.raises(error, match=says):
        wilson_interval(*arguments)


# --- bootstrap --------------------------------------------------------------------------------


def test_bootstrap_agrees_with_theory_on_a_mean_and_with_wilson_on_a_proportion():
    rng = np.random.default_rng(1)
    values = rng.normal(5, 2, size=400)
    spread = 1.96 * values.std() / 20
    expected = (values.mean() - spread, values.mean() + spread)
    assert bootstrap_interval(values, seed=3) == pytest.approx(expected, abs=0.03)
    right = np.arange(2000) < 1900
    assert bootstrap_interval(right) == pytest.approx(wilson_interval(1900, 2000), abs=0.002)


def test_bootstrap_is_decided_by_its_seed():
    values = np.arange(50.0)
    assert bootstrap_interval(values, seed=7) == bootstrap_interval(values, seed=7)
    assert bootstrap_interval(values, seed=7) != bootstrap_interval(values, seed=8)


def test_bootstrap_keeps_rows_whole():
    # The columns differ by exactly 1 in every row, so any resample of whole rows shows exactly 1.
    table = np.add(np.random.default_rng(0).normal(size=(60, 1)), [[1, 0]])
    low, high = bootstrap_interval(table, lambda rows: np.mean(rows[:, 0] - rows[:, 1]))
    assert (low, high) == pytest.approx((1, 1), abs=1e-12)


def test_bootstrap_covers_the_truth_in_about_95_of_100_experiments():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        low, high = bootstrap_interval(rng.random(100), lambda x: x.sum() / 100, resamples=200)
        covered += low <= 0.5 <= high
    assert 0.88 < covered / 100 < 0.99


@settings(max_examples=25)
@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=40))
@example([999.9999999999999, 999.9999999999999])  # limits once came out in the wrong order
def test_bootstrap_stays_inside_the_data(values):
    low, high = bootstrap_interval(values, resamples=100)
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


@pytest.mark.parametrize(
    ("values", "options", "error", "says"),
    [
        ([], {}, ValueError, r"shape \(0,\)"),
        ([1.0], {}, ValueError, r"shape \(1,\)"),
        (3.0, {}, ValueError, r"shape \(\)"),
        ([1.0, np.nan], {}, ValueError, "NaN"),
        ([1.0, 2.0], {"resamples": 10}, ValueError, "resamples is 10"),
        ([1.0, 2.0], {"resamples": 1e3}, TypeError, "integer"),
        ([1.0, 2.0], {"confidence": 1}, ValueError, "confidence is 1"),
    ],
)
def test_bootstrap_refuses(values, options, error, says):
    with pytest.raises(error, match=says):
        bootstrap_interval(values, **options)


# --- confusion matrix and scores per class ----------------------------------------------------


def test_confusion_matrix_has_true_classes_in_rows():
    counts = confusion_matrix([0, 0, 1, 2], [0, 1, 1, 0], classes=3)
    assert counts.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
    assert counts.dtype == np.int64
    assert confusion_matrix([3], [5]).shape == (10, 10)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=60))
def test_confusion_matrix_and_scores_agree_with_plain_counting(answers):
    true, predicted = np.array(answers).T
    counts = confusion_matrix(true, predicted)
    assert counts.sum() == len(answers)
    assert np.trace(counts) / len(answers) == pytest.approx(accuracy(true, predicted))
    scores = per_class_scores(true, predicted)
    assert scores.support.tolist() == counts.sum(axis=1).tolist()
    with np.errstate(invalid="ignore"):
        hits = np.diag(counts)
        expected_precision = hits / counts.sum(axis=0)
        expected_recall = hits / counts.sum(axis=1)
        expected_f1 = 2 * hits / (counts.sum(axis=0) + counts.sum(axis=1))
    np.testing.assert_allclose(scores.precision, expected_precision)
    np.testing.assert_allclose(scores.recall, expected_recall)
    np.testing.assert_allclose(scores.f1, expected_f1)


def test_undefined_scores_are_nan_and_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = per_class_scores([0, 0], [0, 1], classes=3)
    np.testing.assert_array_equal(scores.precision, [1, 0, np.nan])
    np.testing.assert_array_equal(scores.recall, [0.5, np.nan, np.nan])
    assert scores.support.tolist() == [2, 0, 0]


@pytest.mark.parametrize("function", [accuracy, confusion_matrix, per_class_scores])
@pytest.mark.parametrize(
    ("y_true", "y_pred", "error", "says"),
    [
        (LABELS, LABELS[:4], ValueError, "y_true has 5 images and y_pred has 4"),
        ([], [], ValueError, "y_true is empty"),
        (np.eye(10)[LABELS], LABELS, ValueError, r"argmax\(axis=1\)"),
        (LABELS, UNIFORM, ValueError, r"y_pred.argmax\(axis=1\)"),
        (LABELS[:, np.newaxis], LABELS, ValueError, r"ravel"),
        (LABELS.astype(float), LABELS, TypeError, "y_true has dtype float64"),
        (LABELS, [np.nan] * 5, TypeError, "y_pred has dtype float64"),
        (LABELS, LABELS - 1, ValueError, "class numbers -1 to 1"),
    ],
)
def test_label_functions_refuse(function, y_true, y_pred, error, says):
    with pytest.raises(error, match=says):
        function(y_true, y_pred)


@pytest.mark.parametrize("function", [confusion_matrix, per_class_scores])
def test_unknown_classes_are_refused(function):
    with pytest.raises(ValueError, match="class numbers 3 to 10; expected 0 to 9"):
        function([3, 10], [3, 3])


# --- calibration ------------------------------------------------------------------------------


def test_calibration_of_a_small_example_by_hand():
    # Three bins (0, 1/3], (1/3, 2/3], (2/3, 1]; the second holds 0.6 (right) and 0.64 (wrong), the
    # third 0.7 (wrong), 0.8, 0.9 and 1.0 (right).
    probabilities, labels = binary([0.6, 0.64, 0.7, 0.8, 0.9, 1.0], [1, 0, 0, 1, 1, 1])
    curve = reliability_curve(probabilities, labels, bins=3)
    assert curve.counts.tolist() == [2, 4]
    assert curve.confidence == pytest.approx([0.62, 0.85])
    assert curve.accuracy == pytest.approx([0.5, 0.75])
    ece = expected_calibration_error(probabilities, labels, bins=3)
    assert ece == pytest.approx((2 * 0.12 + 4 * 0.10) / 6)


def test_ece_gives_the_published_value():
    # Pavlovic (2023), Expected Calibration Error (ECE): a step-by-step visual explanation with
    # Python code, Towards Data Science: nine two-class predictions in five bins.
    positive = np.array([0.22, 0.64, 0.92, 0.42, 0.51, 0.15, 0.70, 0.37, 0.83])
    probabilities = np.stack([1 - positive, positive], axis=1)
    ece = expected_calibration_error(probabilities, [0, 1, 0, 0, 0, 0, 1, 1, 1], bins=5)
    assert ece == pytest.approx(0.10444, abs=6e-6)


def test_a_confidence_on_an_edge_belongs_to_the_lower_bin():
    probabilities, labels = binary([0.5, 0.75, 1.0], [1, 1, 1])
    labels[0] = 0  # a tie counts as the first class
    curve = reliability_curve(probabilities, labels, bins=4)
    assert curve.confidence.tolist() == [0.5, 0.75, 1.0]


def test_calibrated_predictions_have_almost_no_ece_and_overconfident_ones_do():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(60_000, 10)) * 2
    probabilities = special.softmax(logits, axis=1)
    labels = draw_labels(rng, probabilities)
    assert expected_calibration_error(probabilities, labels) < 0.01
    assert expected_calibration_error(special.softmax(3 * logits, axis=1), labels) > 0.1
    curve = reliability_curve(probabilities, labels)
    # The expectation is exact for every bin; four standard errors leave room for 15 bins.
    error = np.sqrt(curve.confidence * (1 - curve.confidence) / curve.counts)
    assert np.all(np.abs(curve.accuracy - curve.confidence) < 4 * error)


@settings(max_examples=50)
@given(st.integers(1, 60), st.integers(1, 25), st.integers(0, 2**32 - 1))
def test_ece_properties(images, bins, seed):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(10, 0.3), size=images)
    labels = rng.integers(0, 10, size=images)
    curve = reliability_curve(probabilities, labels, bins)
    assert curve.counts.sum() == images
    assert np.all(curve.counts > 0)
    assert np.all(np.diff(curve.confidence) > 0)
    ece = expected_calibration_error(probabilities, labels, bins)
    assert 0 <= ece <= 1
    # By the triangle inequality, one big bin cannot have the larger error.
    overall = abs(probabilities.max(axis=1).mean() - accuracy(labels, probabilities.argmax(axis=1)))
    assert ece >= overall - 1e-12
    assert expected_calibration_error(probabilities, labels, 1) == pytest.approx(overall)


@pytest.mark.parametrize(
    "function",
    [reliability_curve, expected_calibration_error, fit_temperature, rejection_curve],
)
@pytest.mark.parametrize(
    ("table", "labels", "error", "says"),
    [
        (UNIFORM, LABELS[:4], ValueError, "5 images and y_true has 4"),
        (UNIFORM, [1, 2, 3, 4, 10], ValueError, "expected 0 to 9"),
        (UNIFORM, np.eye(10)[LABELS], ValueError, "one-hot"),
        (UNIFORM, LABELS / 1.0, TypeError, "y_true has dtype"),
        (UNIFORM[:0], LABELS[:0], ValueError, "empty"),
        (UNIFORM[0], LABELS, ValueError, r"\(10,\); expected \(N, classes\)"),
        (UNIFORM[:, :1], LABELS, ValueError, "two or more classes"),
        (UNIFORM * 2, LABELS, ValueError, "row 0 sums to 2"),
        (UNIFORM - np.eye(10)[LABELS] + 1 / 10, LABELS, ValueError, "smallest entry is -0.8"),
        (UNIFORM * np.nan, LABELS, ValueError, "NaN"),
    ],
)
def test_probability_functions_refuse(function, table, labels, error, says):
    with pytest.raises(error, match=says):
        function(table, labels)


@pytest.mark.parametrize(("bins", "error"), [(0, ValueError), (2.5, TypeError)])
def test_calibration_refuses_a_wrong_number_of_bins(bins, error):
    with pytest.raises(error, match="bins is"):
        reliability_curve(UNIFORM, LABELS, bins)


# --- temperature ------------------------------------------------------------------------------


@pytest.mark.parametrize("truth", [0.3, 1.0, 2.5, 8.0])
def test_fit_recovers_a_planted_temperature(truth):
    rng = np.random.default_rng(0)
    calibrated = rng.normal(size=(20_000, 10)) * 2
    labels = draw_labels(rng, special.softmax(calibrated, axis=1))
    fitted = fit_temperature(truth * calibrated, labels, from_logits=True)
    assert fitted == pytest.approx(truth, rel=0.03)


def test_probabilities_serve_as_well_as_logits():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(500, 10)) * 4
    labels = draw_labels(rng, special.softmax(logits / 2, axis=1))
    probabilities = special.softmax(logits, axis=1)
    temperature = fit_temperature(logits, labels, from_logits=True)
    assert fit_temperature(probabilities, labels) == pytest.approx(temperature, rel=1e-6)
    single = fit_temperature(probabilities.astype(np.float32), labels)
    assert single == pytest.approx(temperature, rel=1e-4)
    np.testing.assert_allclose(
        apply_temperature(probabilities, 1.7),
        apply_temperature(logits, 1.7, from_logits=True),
        atol=1e-12,
    )


def test_the_fitted_temperature_is_the_best_one():
    rng = np.random.default_rng(2)
    probabilities = special.softmax(rng.normal(size=(300, 5)) * 3, axis=1)
    labels = draw_labels(rng, probabilities**0.5 / (probabilities**0.5).sum(axis=1)[:, None])
    temperature = fit_temperature(probabilities, labels)

    def loss(candidate):
        scaled = apply_temperature(probabilities, candidate)
        return log_loss(labels, scaled, labels=np.arange(5))

    assert loss(temperature) < min(loss(temperature * 1.02), loss(temperature / 1.02), loss(1))


@settings(max_examples=50)
@given(st.floats(0.05, 50), st.integers(0, 2**32 - 1))
def test_temperature_keeps_the_ranking_and_inverts(temperature, seed):
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(10), size=20)
    scaled = apply_temperature(probabilities, temperature)
    np.testing.assert_allclose(scaled.sum(axis=1), 1)
    np.testing.assert_array_equal(scaled.argmax(axis=1), probabilities.argmax(axis=1))
    confidence, before = scaled.max(axis=1), probabilities.max(axis=1)
    assert np.all(
        confidence <= before + 1e-12 if temperature >= 1 else confidence >= before - 1e-12
    )
    np.testing.assert_allclose(apply_temperature(probabilities, 1), probabilities)


def test_a_probability_rounded_to_zero_does_no_harm():
    probabilities = np.float32([[1, 0], [1, 0], [0.9, 0.1], [0.2, 0.8]])
    temperature = fit_temperature(probabilities, [0, 1, 0, 1])
    assert np.isfinite(temperature)
    assert temperature > 1
    assert np.all(np.isfinite(apply_temperature(probabilities, temperature)))


def test_no_finite_temperature_is_said_so():
    probabilities = [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]]
    with pytest.raises(ValueError, match="closer to 0"):
        fit_temperature(probabilities, [0, 1])
    with pytest.raises(ValueError, match="same order"):
        fit_temperature(probabilities, [2, 0])


@pytest.mark.parametrize("temperature", [0, -1.0, np.nan, np.inf])
def test_apply_refuses_an_impossible_temperature(temperature):
    with pytest.raises(ValueError, match="positive, finite"):
        apply_temperature(UNIFORM, temperature)


def test_logits_need_to_be_announced():
    logits = np.array([[4, -2, 0], [1, 5, 0]])
    with pytest.raises(ValueError, match="softmax"):
        apply_temperature(logits, 2)
    expected = special.softmax(logits / 2, axis=1)
    np.testing.assert_allclose(apply_temperature(logits, 2, from_logits=True), expected)


# --- rejection --------------------------------------------------------------------------------


def test_rejection_curve_by_hand():
    probabilities, labels = binary([0.6, 0.9, 0.9, 0.7], [1, 1, 0, 1])
    curve = rejection_curve(probabilities, labels)
    assert curve.threshold == pytest.approx([0.9, 0.7, 0.6])
    assert curve.coverage == pytest.approx([0.5, 0.75, 1.0])
    assert curve.accuracy == pytest.approx([1 / 2, 2 / 3, 3 / 4])


@settings(max_examples=50)
@given(st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_rejection_curve_agrees_with_its_definition(images, seed):
    rng = np.random.default_rng(seed)
    # Rounded, so that confidences tie.
    confidence = 0.5 + np.round(rng.random(images) / 2, 1)
    probabilities, labels = binary(confidence, rng.random(images) < 0.7)
    curve = rejection_curve(probabilities, labels)
    assert curve.coverage[-1] == 1
    assert np.all(np.diff(curve.threshold) < 0)
    assert np.all(np.diff(curve.coverage) > 0)
    right = probabilities.argmax(axis=1) == labels
    for threshold, coverage, share in zip(*curve, strict=True):
        kept = probabilities.max(axis=1) >= threshold
        assert coverage == pytest.approx(kept.mean())
        assert share == pytest.approx(right[kept].mean())


# --- McNemar ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "exact", "mid"),
    [
        # The two examples of Fagerland, Lydersen & Laake (2013), BMC Med. Res. Methodol. 13:91:
        # airway hyper-responsiveness (Bentur et al. 2009), complete response (Cavo et al. 2012).
        ((1, 1, 7, 12), 0.0703, 0.0391),
        ((59, 6, 16, 80), 0.0525, 0.0347),
        # A tie: the article's supplement gives 1 and 1 - P(n12) / 2.
        ((5, 2, 2, 5), 1.0, 1 - 0.375 / 2),
        ((5, 0, 0, 5), 1.0, 1.0),
    ],
)
def test_mcnemar_gives_the_published_p_values(table, exact, mid):
    result = mcnemar(*pairs(*table))
    assert result[:4] == table
    assert result.p_exact == pytest.approx(exact, abs=5e-5)
    assert result.p_mid == pytest.approx(mid, abs=5e-5)


def test_wrong_mcnemar_formulas_would_fail_the_published_example():
    one_sided = stats.binom.cdf(6, 22, 0.5)
    all_images = stats.binomtest(65, 161, 75 / 161).pvalue
    half_subtracted = 2 * one_sided - stats.binom.pmf(6, 22, 0.5) / 2
    for wrong in (one_sided, all_images, half_subtracted):
        assert wrong != pytest.approx(0.0347, abs=5e-5)


@given(st.tuples(*[st.integers(0, 40)] * 4).filter(any))
def test_mcnemar_is_symmetric_and_its_p_values_are_in_order(table):
    a, b = pairs(*table)
    one, other = mcnemar(a, b), mcnemar(b, a)
    assert (one.only_a, one.only_b) == (other.only_b, other.only_a)
    assert one[4:] == pytest.approx(other[4:])
    assert 0 < one.p_mid <= one.p_exact <= 1
    # Images on which both agree carry no information about which one is better.
    assert mcnemar(*pairs(0, table[1], table[2], 1))[4:] == pytest.approx(one[4:])


def test_mcnemar_seldom_sees_a_difference_that_is_not_there():
    rng = np.random.default_rng(0)
    disagreements = rng.binomial(60, 0.5, size=4000)
    p = {k: mcnemar(*pairs(0, k, 60 - k, 0)) for k in np.unique(disagreements)}
    exact = np.mean([p[k].p_exact < 0.05 for k in disagreements])
    mid = np.mean([p[k].p_mid < 0.05 for k in disagreements])
    assert 0.01 < exact <= mid < 0.065


@pytest.mark.parametrize(
    ("a", "b", "error", "says"),
    [
        ([True], [True, False], ValueError, "1 images and correct_b has 2"),
        ([], [], ValueError, "correct_a is empty"),
        ([1, 0], [True, False], TypeError, "correct_a has dtype int64"),
        ([[True, False]], [True, False], ValueError, "correct_a has shape"),
    ],
)
def test_mcnemar_refuses(a, b, error, says):
    with pytest.raises(error, match=says):
        mcnemar(a, b)


# --- sample size ------------------------------------------------------------------------------


def test_sample_size_gives_published_values():
    # powerandsamplesize.com, "McNemar's Z-test, 2-Sided Equality", after Connor (1987), p. 209.
    assert sample_size_for_difference(0.05, 0.45, power=0.8) == 23
    # The formula also settles the example of the MESS package's `power_mcnemar_test` for R:
    # discordant shares 0.1 and 0.2, power 0.8. Its normal power crosses 0.8 between 233 and 234.
    assert sample_size_for_difference(0.1, 0.2) == 234


@given(st.floats(0, 0.3), st.floats(0.31, 0.6), st.floats(0.5, 0.95))
def test_sample_size_is_symmetric_and_grows_with_the_power(small, large, power):
    images = sample_size_for_difference(small, large, power=power)
    assert images == sample_size_for_difference(large, small, power=power)
    assert images >= 1
    assert sample_size_for_difference(small, large, power=power + 0.04) >= images
    assert sample_size_for_difference(small, large, power=power, significance=0.01) >= images


def test_planned_number_of_images_has_the_planned_power():
    only_a, only_b = 0.006, 0.004
    images = sample_size_for_difference(only_a, only_b, power=0.8)
    rng = np.random.default_rng(0)
    a, b, _ = rng.multinomial(images, [only_a, only_b, 1 - only_a - only_b], size=3000).T
    p_exact = stats.binom.cdf(np.minimum(a, b), a + b, 0.5) * 2
    p_mid = p_exact - stats.binom.pmf(a, a + b, 0.5)
    assert np.mean(p_mid < 0.05) == pytest.approx(0.8, abs=0.03)


def test_sample_size_with_every_image_won_by_one_classifier():
    assert sample_size_for_difference(0, 1) == 4


@pytest.mark.parametrize(
    ("arguments", "options", "says"),
    [
        ((0.1, 0.1), {}, "does not exist"),
        ((-0.1, 0.1), {}, "only_a is -0.1"),
        ((60, 40), {}, "Divide the counts"),
        ((float("nan"), 0.1), {}, "only_a is nan"),
        ((0.1, 0.2), {"significance": 0}, "significance is 0"),
        ((0.1, 0.2), {"power": 80}, "power is 80"),
        ((0.1, 0.2), {"power": 0.04}, "more power"),
    ],
)
def test_sample_size_refuses(arguments, options, says):
    with pytest.raises(ValueError, match=says):
        sample_size_for_difference(*arguments, **options)


# --- the room ---------------------------------------------------------------------------------


def test_importing_the_module_loads_neither_tensorflow_nor_matplotlib():
    program = (
        "import sys, mnist_lib.evaluation; "
        "print(sorted({'tensorflow', 'keras', 'matplotlib'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr


def test_public_names_are_documented():
    for name in evaluation.__all__:
        assert getattr(evaluation, name).__doc__
