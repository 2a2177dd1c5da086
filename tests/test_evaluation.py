"""`mnist_lib.evaluation` against published examples, textbook properties and planted truths."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from mnist_lib import evaluation
from mnist_lib.evaluation import (
    apply_temperature,
    expected_calibration_error,
    fit_temperature,
    mcnemar_mid_p,
    rejection_curve,
    sample_size_for_difference,
)

# Wall time says nothing about these functions when other programs share the processor.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")

LABELS = np.array([0, 1, 2, 2, 1])
UNIFORM = np.full((5, 10), 0.1)


def binary(confidence, right):
    """Make two-class probabilities and labels with these confidences and hits."""
    confidence, right = np.asarray(confidence, dtype=float), np.asarray(right)
    return np.stack([1 - confidence, confidence], axis=1), right.astype(int)


def draw_labels(rng, probabilities):
    """Draw every label from its row of probabilities, so that they are perfectly calibrated."""
    reached = rng.random(len(probabilities))[:, np.newaxis] < probabilities.cumsum(axis=1)
    return reached.argmax(axis=1)


# --- calibration ------------------------------------------------------------------------------


def test_calibration_of_a_small_example_by_hand():
    # Three bins (0, 1/3], (1/3, 2/3], (2/3, 1]. The second holds 0.6 (right) and 0.64 (wrong), the
    # third 0.7 (wrong), 0.8, 0.9 and 1.0 (right).
    probabilities, labels = binary([0.6, 0.64, 0.7, 0.8, 0.9, 1.0], [1, 0, 0, 1, 1, 1])
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
    # 0.75 (wrong) shares its bin with 0.6 (right); in the bin above it would meet 0.8 (right).
    probabilities, labels = binary([0.6, 0.75, 0.8], [1, 0, 1])
    ece = expected_calibration_error(probabilities, labels, bins=4)
    assert ece == pytest.approx((abs(1 - 0.6 - 0.75) + (1 - 0.8)) / 3)


def test_calibrated_predictions_have_almost_no_ece_and_overconfident_ones_do():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(60_000, 10)) * 2
    probabilities = special.softmax(logits, axis=1)
    labels = draw_labels(rng, probabilities)
    assert expected_calibration_error(probabilities, labels) < 0.01
    assert expected_calibration_error(special.softmax(3 * logits, axis=1), labels) > 0.1


@settings(max_examples=50)
@given(st.integers(1, 60), st.integers(1, 25), st.integers(0, 2**32 - 1))
def test_ece_agrees_with_scikit_learns_calibration_curve(images, bins, seed):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(10, 0.3), size=images)
    labels = rng.integers(0, 10, size=images)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    accuracy, mean_confidence = calibration_curve(right, confidence, n_bins=bins)
    counts, _ = np.histogram(confidence, bins, (0, 1))
    expected = np.average(np.abs(accuracy - mean_confidence), weights=counts[counts > 0])
    ece = expected_calibration_error(probabilities, labels, bins)
    assert ece == pytest.approx(expected)
    # By the triangle inequality, one big bin cannot have the larger error.
    overall = abs(confidence.mean() - right.mean())
    assert ece >= overall - 1e-12
    assert expected_calibration_error(probabilities, labels, 1) == pytest.approx(overall)


@pytest.mark.parametrize("function", [expected_calibration_error, fit_temperature, rejection_curve])
@pytest.mark.parametrize(
    ("table", "labels", "error", "says"),
    [
        (UNIFORM, LABELS[:4], ValueError, "probabilities is 5 long and y_true is 4 long"),
        (UNIFORM, [1, 2, 3, 4, 10], ValueError, "1 to 10; expected class numbers"),
        (UNIFORM, np.eye(10, dtype=int)[LABELS], ValueError, r"y_true.argmax\(axis=1\)"),
        (UNIFORM, LABELS / 1.0, TypeError, "y_true is float64"),
        (UNIFORM[:0], LABELS[:0], ValueError, "probabilities is empty"),
        (UNIFORM[0], LABELS, ValueError, r"\(10,\); expected numbers \(N, classes\)"),
        (UNIFORM[:, :1], LABELS, ValueError, "row 0 sums to 0.1"),
        (UNIFORM * 2, LABELS, ValueError, "row 0 sums to 2"),
        (UNIFORM - np.eye(10)[LABELS] + 1 / 10, LABELS, ValueError, "smallest entry -0.8"),
        (UNIFORM * np.nan, LABELS, ValueError, "NaN"),
    ],
)
def test_probability_functions_refuse(function, table, labels, error, says):
    with pytest.raises(error, match=says):
        function(table, labels)


@pytest.mark.parametrize(("bins", "error"), [(0, ValueError), (2.5, TypeError)])
def test_calibration_refuses_a_wrong_number_of_bins(bins, error):
    with pytest.raises(error, match="bins is"):
        expected_calibration_error(UNIFORM, LABELS, bins)


# --- temperature ------------------------------------------------------------------------------


@pytest.mark.parametrize("truth", [0.3, 1.0, 2.5, 8.0])
def test_fit_recovers_a_planted_temperature(truth):
    rng = np.random.default_rng(0)
    calibrated = rng.normal(size=(20_000, 10)) * 2
    labels = draw_labels(rng, special.softmax(calibrated, axis=1))
    fitted = fit_temperature(special.softmax(truth * calibrated, axis=1), labels)
    assert fitted == pytest.approx(truth, rel=0.03)


def test_probabilities_serve_as_well_as_logits():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(500, 10)) * 4
    probabilities = special.softmax(logits, axis=1)
    expected = special.softmax(logits / 1.7, axis=1)
    np.testing.assert_allclose(apply_temperature(probabilities, 1.7), expected, atol=1e-12)
    single = probabilities.astype(np.float32)
    np.testing.assert_allclose(apply_temperature(single, 1.7), expected, atol=1e-6)
    labels = draw_labels(rng, special.softmax(logits / 2, axis=1))
    temperature = fit_temperature(probabilities, labels)
    assert fit_temperature(single, labels) == pytest.approx(temperature, rel=1e-4)


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
    with pytest.raises(ValueError, match="temperature is"):
        apply_temperature(UNIFORM, temperature)


def test_logits_are_refused():
    with pytest.raises(ValueError, match="softmax"):
        apply_temperature(np.array([[4, -2, 0], [1, 5, 0]]), 2)


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
    for threshold, coverage, accuracy in zip(*curve, strict=True):
        kept = probabilities.max(axis=1) >= threshold
        assert coverage == pytest.approx(kept.mean())
        assert accuracy == pytest.approx(right[kept].mean())


# --- McNemar ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("only_a", "only_b", "exact", "mid"),
    [
        # The two examples of Fagerland, Lydersen & Laake (2013), BMC Med. Res. Methodol. 13:91:
        # airway hyper-responsiveness (Bentur et al. 2009), complete response (Cavo et al. 2012).
        (1, 7, 0.0703, 0.0391),
        (6, 16, 0.0525, 0.0347),
        # A tie: the article's supplement gives 1 and 1 - P(n12) / 2.
        (2, 2, 1.0, 1 - 0.375 / 2),
    ],
)
def test_mcnemar_gives_the_published_p_values(only_a, only_b, exact, mid):
    assert mcnemar_mid_p(only_a, only_b) == pytest.approx(mid, abs=5e-5)
    # What the documentation names for the exact test gives the exact value of the same article.
    scipys = stats.binomtest(only_a, only_a + only_b).pvalue
    assert scipys == pytest.approx(exact, abs=5e-5)


def test_two_classifiers_that_never_disagree_do_not_differ():
    assert mcnemar_mid_p(0, 0) == 1


@given(st.integers(0, 40), st.integers(0, 40))
def test_mid_p_is_symmetric_and_below_the_exact_value(only_a, only_b):
    mid = mcnemar_mid_p(only_a, only_b)
    assert mid == pytest.approx(mcnemar_mid_p(only_b, only_a))
    assert 0 < mid <= 1
    if only_a + only_b:
        assert mid < stats.binomtest(only_a, only_a + only_b).pvalue


def test_mcnemar_seldom_sees_a_difference_that_is_not_there():
    disagreements = np.random.default_rng(0).binomial(60, 0.5, size=4000)
    p = {k: mcnemar_mid_p(k, 60 - k) for k in np.unique(disagreements)}
    assert 0.01 < np.mean([p[k] < 0.05 for k in disagreements]) < 0.065


@pytest.mark.parametrize(
    ("only_a", "only_b", "error", "says"),
    [
        (-1, 3, ValueError, "only_a is -1; expected a whole number"),
        (3, 0.01, TypeError, "only_b is 0.01; expected a whole number"),
    ],
)
def test_mcnemar_refuses(only_a, only_b, error, says):
    with pytest.raises(error, match=says):
        mcnemar_mid_p(only_a, only_b)


# --- sample size ------------------------------------------------------------------------------


def test_sample_size_gives_published_values():
    # powerandsamplesize.com, "McNemar's Z-test, 2-Sided Equality", after Connor (1987), p. 209.
    assert sample_size_for_difference(0.05, 0.45) == 23
    # The formula also settles the example of the MESS package's `power_mcnemar_test` for R:
    # discordant fractions 0.1 and 0.2. Its normal power crosses 0.8 between 233 and 234.
    assert sample_size_for_difference(0.1, 0.2) == 234


@given(st.floats(0, 0.19), st.floats(0.01, 0.6))  # the fractions add up to 1 at most
def test_sample_size_is_symmetric_and_falls_with_the_difference(small, difference):
    images = sample_size_for_difference(small, small + difference)
    assert images == sample_size_for_difference(small + difference, small)
    assert 1 <= sample_size_for_difference(small, small + difference + 0.01) <= images


def test_planned_number_of_images_has_the_planned_power():
    only_a, only_b = 0.006, 0.004
    images = sample_size_for_difference(only_a, only_b)
    rng = np.random.default_rng(0)
    a, b, _ = rng.multinomial(images, [only_a, only_b, 1 - only_a - only_b], size=3000).T
    p_exact = stats.binom.cdf(np.minimum(a, b), a + b, 0.5) * 2
    p_mid = p_exact - stats.binom.pmf(a, a + b, 0.5)
    assert np.mean(p_mid < 0.05) == pytest.approx(0.8, abs=0.03)


def test_sample_size_with_every_image_won_by_one_classifier():
    assert sample_size_for_difference(0, 1) == 4


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ((0.1, 0.1), ValueError, "does not exist"),
        ((-0.1, 0.1), ValueError, "only_a is -0.1"),
        ((60, 40), ValueError, "Divide the counts"),
        ((float("nan"), 0.1), ValueError, "only_a is nan"),
        ((0.1, "0.2"), TypeError, "only_b is"),
    ],
)
def test_sample_size_refuses(arguments, error, says):
    with pytest.raises(error, match=says):
        sample_size_for_difference(*arguments)


# --- the module -------------------------------------------------------------------------------


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
