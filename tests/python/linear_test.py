"""andiron.linear beside scikit-learn: the same optimum, the same choices."""

from __future__ import annotations

import numpy as np
import pytest

import andiron
from andiron.linear import LinearClassifier, folds

linear_model = pytest.importorskip("sklearn.linear_model")


def examples(n_classes: int, n: int = 240, d: int = 12, seed: int = 0):
    r = np.random.default_rng(seed)
    y = r.integers(0, n_classes, n)
    x = r.normal(size=(n_classes, d))[y] + 1.5 * r.normal(size=(n, d)) + 2.0
    return x.astype(np.float32), y


@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("C", [0.01, 1.0, 30.0])
def test_ends_where_logistic_regression_does(n_classes, C):
    x, y = examples(n_classes)
    ours = LinearClassifier(C, tol=1e-6).fit(x, y)
    theirs = linear_model.LogisticRegression(C=C, tol=1e-10, max_iter=10_000)
    theirs.fit(x.astype("float64"), y)
    assert ours.converged_
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4, rtol=1e-4)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=5e-4, rtol=5e-4)
    np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), atol=1e-4)
    assert (ours.predict(x) == theirs.predict(x)).all()


def test_weights_of_classes_and_examples():
    x, y = examples(3)
    w = np.random.default_rng(1).uniform(0.2, 2.0, len(y))
    ours = LinearClassifier(1.0, tol=1e-6, class_weight="balanced").fit(x, y, w)
    theirs = linear_model.LogisticRegression(tol=1e-10, class_weight="balanced", max_iter=10_000)
    theirs.fit(x.astype("float64"), y, w)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=2e-4)


def test_several_classes_at_a_time_are_one_against_the_rest():
    multiclass = pytest.importorskip("sklearn.multiclass")
    x, y = examples(3)
    several = np.eye(3)[y]
    several[::4, 0] = 1
    ours = LinearClassifier(1.0, tol=1e-6).fit(x, several, classes=["a", "b", "c"])
    theirs = multiclass.OneVsRestClassifier(
        linear_model.LogisticRegression(tol=1e-10, max_iter=10_000)
    ).fit(x.astype("float64"), several.astype(int))
    np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), atol=1e-4)
    assert (ours.predict(x) == theirs.predict(x)).all()
    assert ours.classes_.tolist() == ["a", "b", "c"]


def test_squared_hinge_is_linear_svc():
    svm = pytest.importorskip("sklearn.svm")
    x, y = examples(4)
    ours = LinearClassifier(0.1, loss="squared_hinge", tol=1e-6, fit_intercept=False).fit(x, y)
    theirs = svm.LinearSVC(C=0.1, fit_intercept=False, dual=False, tol=1e-8, max_iter=10_000)
    theirs.fit(x.astype("float64"), y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)
    assert (ours.predict(x) == theirs.predict(x)).all()


def test_the_choice_is_that_of_a_search_by_hand():
    x, y = examples(3, n=150)
    groups = np.arange(150) // 3
    grid = [1e-3, 1e-2, 0.1, 1.0, 10.0]
    ours = LinearClassifier(grid, tol=1e-6, cv=4).fit(x, y, groups=groups)
    fold = ours.cv_["fold"]
    assert all(len(set(fold[groups == g])) == 1 for g in range(50))
    losses = np.zeros(len(grid))
    held_out = np.zeros((150, 3))
    for i, c in enumerate(grid):
        for f in range(4):
            out = fold == f
            m = linear_model.LogisticRegression(C=c, tol=1e-10, max_iter=10_000)
            m.fit(x[~out].astype("float64"), y[~out])
            p = m.predict_proba(x[out])
            losses[i] -= np.log(p[np.arange(out.sum()), y[out]]).sum() / 150
            if c == ours.C_:
                held_out[out] = p
    size = np.bincount(fold) / 150
    np.testing.assert_allclose(ours.cv_["loss"] @ size, losses, atol=1e-4)
    assert ours.C_ == grid[int(losses.argmin())]
    np.testing.assert_allclose(ours.probabilities(ours.held_out_), held_out, atol=2e-4)


def test_classes_are_spread_over_the_folds():
    y = np.array(["a"] * 50 + ["b"] * 20 + ["c"] * 10)
    fold = folds(y, 5, seed=3)
    for c in "abc":
        counts = np.bincount(fold[y == c], minlength=5)
        assert counts.max() - counts.min() <= 1
    groups = np.arange(80) // 2
    fold = folds(y, 5, groups)
    assert (fold[::2] == fold[1::2]).all()
    for c in "abc":
        counts = np.bincount(fold[y == c], minlength=5)
        assert counts.max() - counts.min() <= 4


def test_a_new_class_starts_from_what_is_known():
    x, y = examples(5)
    known = LinearClassifier(1.0, tol=1e-5).fit(x[y < 4], y[y < 4])
    cold = LinearClassifier(1.0, tol=1e-5).fit(x, y)
    warm = LinearClassifier(1.0, tol=1e-5).fit(x, y, start=known)
    np.testing.assert_allclose(warm.coef_, cold.coef_, atol=2e-3)


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (np.zeros((3, 2)), [0, 0, 0], "at least two classes"),
        (np.zeros((3, 2)), [0, 1], "takes features"),
        (np.full((2, 2), np.nan), [0, 1], "finite"),
        (np.zeros((2, 2)), np.array([[0, 2], [1, 0]]), "0 or 1"),
    ],
)
def test_refuses_what_it_cannot_learn_from(x, y, words):
    with pytest.raises(andiron.Error, match=words):
        LinearClassifier(1.0).fit(x, y)
    with pytest.raises(andiron.Error, match="loss is"):
        LinearClassifier(loss="hinge")
