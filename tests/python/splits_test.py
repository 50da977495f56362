"""Splits beside scikit-learn's."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn import model_selection as sk

import andiron
from andiron import data

RNG = np.random.default_rng(0)
N = 503
LABELS = RNG.choice(4, N, p=[0.6, 0.3, 0.08, 0.02])
GROUPS = RNG.integers(0, 60, N)
ROWS = np.arange(N)


def counts(labels):
    return np.bincount(labels, minlength=4)


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"test_size": 0.2},
        {"test_size": 100, "train_size": 0.5},
        {"train_size": 0.7},
        {"train_size": 33, "test_size": 50},
    ],
)
@pytest.mark.parametrize("stratified", [False, True])
def test_sizes_and_proportions_are_those_of_scikit_learn(sizes, stratified):
    stratify = LABELS if stratified else None
    ours = data.train_test_split(ROWS, LABELS, stratify=stratify, seed=1, **sizes)
    theirs = sk.train_test_split(ROWS, LABELS, stratify=stratify, random_state=1, **sizes)
    assert [len(a) for a in ours] == [len(a) for a in theirs]
    assert not set(ours[0]) & set(ours[1])
    for i in (0, 1):
        np.testing.assert_array_equal(ours[i + 2], LABELS[ours[i]])
        if stratified:
            assert np.abs(counts(ours[i + 2]) - counts(theirs[i + 2])).max() <= 1
            exact = counts(LABELS) / N * len(ours[i])
            assert np.abs(counts(ours[i + 2]) - exact).max() <= 1
    again = data.train_test_split(ROWS, stratify=stratify, seed=1, **sizes)
    np.testing.assert_array_equal(again[0], ours[0])
    other = data.train_test_split(ROWS, stratify=stratify, seed=2, **sizes)
    assert (other[0] != ours[0]).any()


def test_without_shuffling_the_last_rows_are_for_testing():
    ours = data.train_test_split(ROWS, test_size=0.2, shuffle=False)
    theirs = sk.train_test_split(ROWS, test_size=0.2, shuffle=False)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("stratified", [False, True])
def test_groups_stay_together(stratified):
    stratify = LABELS if stratified else None
    train, test = data.train_test_split(ROWS, test_size=0.25, groups=GROUPS, stratify=stratify)
    assert not set(GROUPS[train]) & set(GROUPS[test])
    assert len(train) + len(test) == N and abs(len(test) - N / 4) <= 0.02 * N
    if stratified:
        shares = counts(LABELS[test]) / len(test) - counts(LABELS) / N
        assert np.abs(shares).max() < 0.02


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("k", [2, 5, 7])
def test_folds_have_the_rows_of_scikit_learns(k, shuffle):
    seen = []
    theirs = sk.KFold(k).split(ROWS)
    for (train, test), (_, other) in zip(
        data.k_folds(ROWS, k, shuffle=shuffle), theirs, strict=True
    ):
        assert len(test) == len(other) and not set(train) & set(test)
        assert sorted([*train, *test]) == ROWS.tolist()
        if not shuffle:
            np.testing.assert_array_equal(test, other)
        seen += test.tolist()
    assert sorted(seen) == ROWS.tolist()
    theirs = sk.StratifiedKFold(k).split(ROWS, LABELS)
    ours = data.k_folds(N, k, shuffle=shuffle, stratify=LABELS)
    found = sorted(counts(LABELS[test]).tolist() for _, test in ours)
    # In another order of the folds where the labels' first places differ.
    assert found == sorted(counts(LABELS[test]).tolist() for _, test in theirs)


@pytest.mark.parametrize("stratified", [False, True])
def test_folds_of_groups_are_as_even_as_scikit_learns(stratified):
    stratify = LABELS if stratified else None
    ours = list(data.k_folds(N, 5, groups=GROUPS, stratify=stratify))
    theirs = list(
        sk.StratifiedGroupKFold(5).split(ROWS, LABELS, GROUPS) if stratified
        else sk.GroupKFold(5).split(ROWS, groups=GROUPS)
    )  # fmt: skip
    assert sorted(np.concatenate([t for _, t in ours])) == ROWS.tolist()

    def worst(folds):
        if not stratified:
            return max(abs(len(t) - N / 5) for _, t in folds)
        return max(np.abs(counts(LABELS[t]) / len(t) - counts(LABELS) / N).max() for _, t in folds)

    for train, test in ours:
        assert not set(GROUPS[train]) & set(GROUPS[test])
    assert worst(ours) <= 1.3 * worst(theirs) + (0.01 if stratified else 1)


def test_scikit_learns_splitters_index_what_fit_takes():
    x = RNG.normal(size=(N, 3)).astype(np.float32)
    model = andiron.Sequential([andiron.Input((3,)), andiron.layers.Dense(1)])
    model.compile("sgd", "mse")
    for train, test in sk.StratifiedKFold(3).split(x, LABELS):
        model.fit(x[train], LABELS[train], validation_data=(x[test], LABELS[test]), verbose=0)


def test_every_container_keeps_its_form():
    x = RNG.normal(size=(N, 2))
    given = (
        x, pd.DataFrame(x, columns=["a", "b"]), pd.Series(x[:, 0]), pa.table({"a": x[:, 0]}),
        x[:, 0].tolist(), andiron.Tensor(x), {"x": x, "rows": ROWS}, sparse.csr_matrix(x), None,
        pd.Categorical(LABELS),
    )  # fmt: skip
    found = data.train_test_split(ROWS, *given, test_size=0.3, seed=5)
    rows = found[:2]
    for i, form in enumerate(given):
        for part, at in zip(found[2 + 2 * i : 4 + 2 * i], rows, strict=True):
            if form is None:
                assert part is None
            elif isinstance(form, dict):
                np.testing.assert_array_equal(part["rows"], at)
            elif isinstance(form, pa.Table):
                np.testing.assert_array_equal(part["a"].to_numpy(), x[at, 0])
            elif isinstance(form, pd.DataFrame):
                np.testing.assert_array_equal(part.to_numpy(), x[at])
                assert part.index.tolist() == at.tolist()
            elif sparse.issparse(form):
                np.testing.assert_array_equal(part.toarray(), x[at])
            elif isinstance(form, pd.Categorical):
                np.testing.assert_array_equal(part, LABELS[at])
            else:
                expected = x[at] if getattr(form, "ndim", 1) == 2 else x[at, 0]
                np.testing.assert_array_equal(np.asarray(part), expected)


def test_labels_of_any_kind():
    for labels in (
        np.array(list("abcd"))[LABELS], pd.Series(LABELS).astype("category"),
        np.eye(4)[LABELS], LABELS[:, None], pd.Series(np.array(list("abcd"))[LABELS]),
        LABELS.tolist(), LABELS > 0,
    ):  # fmt: skip
        train, test = data.train_test_split(ROWS, test_size=0.2, stratify=labels)
        assert abs((LABELS[test] == 0).sum() - 0.2 * (LABELS == 0).sum()) <= 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: data.train_test_split(), "at least one array"),
        (lambda: data.train_test_split(ROWS, ROWS[1:]), "number 1 502"),
        (lambda: data.train_test_split(ROWS, test_size=1.0), "test_size"),
        (lambda: data.train_test_split(ROWS, test_size=0), "empty"),
        (lambda: data.train_test_split(ROWS, test_size=N), "empty"),
        (lambda: data.train_test_split(ROWS, test_size=400, train_size=200), "400"),
        (lambda: data.train_test_split(ROWS, stratify=LABELS[1:]), "one label a row"),
        (lambda: data.train_test_split(ROWS, stratify=[0] * (N - 1) + [7]), "class 7 has one row"),
        (lambda: data.train_test_split(ROWS, test_size=3, stratify=LABELS), "fewer than the 4"),
        (lambda: data.train_test_split(ROWS, shuffle=False, stratify=LABELS), "shuffle"),
        (lambda: data.train_test_split(ROWS, groups=[1] * N), "1 groups do not make 2"),
        (lambda: next(data.k_folds(5, 6)), "n_splits"),
        (lambda: next(data.k_folds(5, 1)), "n_splits"),
        (lambda: next(data.k_folds(5, 3, stratify=[0, 1, 2, 3, 4])), "more than any class"),
    ],
)
def test_nonsense_is_an_error(call, words):
    with pytest.raises(andiron.Error, match=words):
        call()


def test_validation_split_is_the_last_part_as_in_keras():
    x, y = RNG.normal(size=(10, 1)).astype(np.float32), np.arange(10.0)
    model = andiron.Sequential([andiron.Input((1,)), andiron.layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(x, y, validation_split=0.3, epochs=2, verbose=0).history
    np.testing.assert_allclose(history["val_loss"][-1], model.evaluate(x[7:], y[7:]), rtol=1e-6)
