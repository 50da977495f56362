"""Weights of classes in fit: as given, and balanced as scikit-learn has it."""

from __future__ import annotations

import numpy as np
import pytest

import andiron
from andiron import Input, Sequential, layers, optimizers

X = np.random.default_rng(0).normal(size=(64, 5)).astype("f")
Y = X[:, :1]


def test_class_weight_is_a_sample_weight():
    label = (Y > 0).astype("int32")
    a, b = (
        Sequential([Input((5,)), layers.Dense(1, "sigmoid", kernel_initializer="zeros")])
        for _ in "ab"
    )
    for model in (a, b):
        model.compile(optimizers.SGD(0.1), "binary_crossentropy")
    a.fit(X, label, class_weight={0: 1.0, 1: 3.0}, verbose=0, seed=1)
    b.fit(X, label, sample_weight=np.where(label[:, 0] == 1, 3.0, 1.0), verbose=0, seed=1)
    np.testing.assert_array_equal(a.get_weights()[0], b.get_weights()[0])


def classes(n: int) -> Sequential:
    model = Sequential([Input((5,)), layers.Dense(n, "softmax", kernel_initializer="zeros")])
    model.compile(optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize("form", ["ids", "column", "one-hot"])
def test_balanced_class_weights_are_scikit_learns(form):
    compute = pytest.importorskip("sklearn.utils.class_weight").compute_class_weight
    label = np.random.default_rng(5).choice([0, 2, 3], len(X), p=[0.6, 0.3, 0.1])
    there = np.unique(label)
    told = dict(zip(there.tolist(), compute("balanced", classes=there, y=label), strict=True))
    y = {"ids": label, "column": label[:, None], "one-hot": np.eye(4, dtype="f")[label]}[form]
    a, b = classes(4), classes(4)
    if form == "one-hot":
        for model in (a, b):
            model.compile(optimizers.SGD(0.1), "categorical_crossentropy")
    a.fit(X, y, class_weight="balanced", verbose=0, seed=1)
    b.fit(X, y, class_weight=told, verbose=0, seed=1)
    np.testing.assert_array_equal(a.get_weights()[0], b.get_weights()[0])
    assert not np.array_equal(a.get_weights()[0], classes(4).get_weights()[0])


def test_balanced_weights_are_of_the_rows_to_train_on():
    label = np.arange(len(X)) % 3 % 2
    label[len(X) // 2 :] = 1  # what is held out has other shares
    first = label[: len(X) // 2]
    told = {c: len(first) / (2 * int((first == c).sum())) for c in (0, 1)}
    a, b = classes(2), classes(2)
    one = a.fit(X, label, class_weight="balanced", validation_split=0.5, verbose=0, seed=1)
    two = b.fit(X[: len(first)], first, class_weight=told, verbose=0, seed=1,
                validation_data=(X[len(first) :], label[len(first) :]))  # fmt: skip
    assert one.history == two.history  # validation is without weights of classes
    np.testing.assert_array_equal(a.get_weights()[0], b.get_weights()[0])


def test_class_weights_that_make_no_sense():
    with pytest.raises(TypeError, match="{class id: weight} or \"balanced\"; got 'even'"):
        classes(2).fit(X, np.zeros(len(X)), class_weight="even", verbose=0)
    with pytest.raises(andiron.Error, match="counts the classes before training"):
        classes(2).fit(iter([(X, np.zeros(len(X)))]), class_weight="balanced", verbose=0)
    source = andiron.datasets.from_arrays([X], np.zeros(len(X)), batch_size=8)
    with pytest.raises(andiron.Error, match="class_weight does not reach batches of andiron"):
        classes(2).fit(source, class_weight="balanced", verbose=0)
