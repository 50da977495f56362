"""Calibrated chances beside scikit-learn's."""

import numpy as np
import pytest
from andiron.calibration import IsotonicCalibrator, PlattCalibrator, reliability
from sklearn.calibration import _sigmoid_calibration, calibration_curve
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss

import andiron


def drawn(n, seed=0, decimals=None):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=n)
    if decimals is not None:
        scores = scores.round(decimals)  # ties
    labels = (rng.random(n) < 1 / (1 + np.exp(-(2 * scores - 1)))).astype(float)
    return scores, labels, rng.uniform(0.1, 3, n)


@pytest.mark.parametrize(("n", "decimals"), [(2, None), (50, 1), (3000, None), (3000, 2)])
@pytest.mark.parametrize("weighted", [False, True])
def test_isotonic_is_scikit_learns(n, decimals, weighted):
    scores, labels, weight = drawn(n, n, decimals)
    weight = weight if weighted else None
    ours = IsotonicCalibrator().fit(scores, labels, weight)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(scores, labels, sample_weight=weight)
    at = np.linspace(-4, 4, 501)
    np.testing.assert_allclose(ours.transform(at), theirs.predict(at), atol=1e-12)
    np.testing.assert_allclose(ours.transform(scores), theirs.predict(scores), atol=1e-12)


def test_strict_chances_rise_through_the_middle_of_each_level():
    found = IsotonicCalibrator(strict=True).fit([1, 2, 3, 4, 5, 6], [0, 0, 1, 0, 1, 1])
    assert found.scores_.tolist() == [1.5, 3.5, 5.5] and found.chances_.tolist() == [0, 0.5, 1]
    np.testing.assert_allclose(found.transform([0, 2.5, 3.5, 9]), [0, 0.25, 0.5, 1])
    scores, labels, weight = drawn(2000)
    found = IsotonicCalibrator(strict=True).fit(scores, labels, weight)
    inside = np.sort(scores[(scores > found.scores_[0]) & (scores < found.scores_[-1])])
    assert (np.diff(found.transform(inside)) > 0).all()


def test_long_pools_lose_no_digits():
    n = 200_000  # strictly falling: one pool
    found = IsotonicCalibrator().fit(np.arange(n), np.linspace(1, 0, n))
    np.testing.assert_allclose(found.chances_, 0.5, atol=1e-12)


@pytest.mark.parametrize("n", [6, 400, 20_000])
@pytest.mark.parametrize("weighted", [False, True])
def test_platt_is_scikit_learns(n, weighted):
    scores, labels, weight = drawn(n, n)
    weight = weight if weighted else None
    a, b = _sigmoid_calibration(scores, labels, sample_weight=weight)
    ours = PlattCalibrator().fit(scores, labels, weight)
    at = np.linspace(-3, 3, 61)
    np.testing.assert_allclose(ours.transform(at), 1 / (1 + np.exp(a * at + b)), atol=2e-4)


def test_platt_takes_scores_of_any_scale_and_separable_ones():
    scores, labels, _ = drawn(500)
    one = PlattCalibrator().fit(scores, labels).transform(scores)
    far = PlattCalibrator().fit(scores * 1e6 + 1e9, labels).transform(scores * 1e6 + 1e9)
    np.testing.assert_allclose(far, one, atol=1e-6)
    apart = PlattCalibrator().fit([-1.0, -1.0, 1.0, 1.0], [0, 0, 1, 1]).transform([-1.0, 1.0])
    np.testing.assert_allclose(apart, [0.25, 0.75], atol=1e-6)  # the smoothed labels
    same = PlattCalibrator().fit([3.0, 3.0, 3.0], [0, 0, 1]).transform([3.0])
    assert 0.3 < same[0] < 0.45


def test_reliability_is_scikit_learns_curve():
    scores, labels, _ = drawn(5000)
    chances = 1 / (1 + np.exp(-scores))
    found = reliability(labels, chances, bins=10)
    share, chance = calibration_curve(labels, chances, n_bins=10, strategy="quantile")
    np.testing.assert_allclose(found.chance, chance, atol=1e-3)
    np.testing.assert_allclose(found.share, share, atol=1e-2)
    assert found.brier == pytest.approx(brier_score_loss(labels, chances))
    assert found.error == pytest.approx(np.abs(share - chance).mean(), abs=1e-3)


def test_weights_are_repetitions():
    scores, labels, _ = drawn(300, decimals=1)
    chances = 1 / (1 + np.exp(-scores))
    weight = np.random.default_rng(1).integers(0, 4, 300)
    times = np.repeat(np.arange(300), weight)
    weighted = reliability(labels, chances, 5, weight)
    repeated = reliability(labels[times], chances[times], 5)
    assert weighted.brier == pytest.approx(repeated.brier)
    assert weighted.weight.sum() == len(times)


def test_equal_chances_stay_together():
    found = reliability([0, 1, 0, 1, 1], [0.5, 0.5, 0.5, 0.5, 0.9], bins=4)
    assert found.chance.tolist() == [0.5, 0.9] and found.weight.tolist() == [4, 1]


@pytest.mark.parametrize("calibrator", [IsotonicCalibrator, PlattCalibrator])
def test_mistakes_are_named(calibrator):
    for arguments, words in [
        (([1.0, 2.0], [1]), "equally many"),
        (([np.nan], [1]), "finite"),
        (([1.0], [2]), "labels are 0 or 1"),
        (([], []), "nothing to learn from"),
        (([1.0], [1], [-1.0]), "weights are not negative"),
    ]:
        with pytest.raises(andiron.Error, match=words):
            calibrator().fit(*arguments)
    with pytest.raises(andiron.Error, match=r"chances are in \[0, 1\]"):
        reliability([1], [1.5])
    assert np.isnan(calibrator().fit([0.0, 1.0], [0, 1]).transform([np.nan])[0])
