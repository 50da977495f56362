"""andiron.sklearn under scikit-learn's own checks, tools and accuracy."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn")

import pandas as pd  # noqa: E402
from andiron.sklearn import (  # noqa: E402
    AndironClassifier,
    AndironRegressor,
    AndironTransformer,
)
from sklearn.base import clone  # noqa: E402
from sklearn.compose import make_column_transformer  # noqa: E402
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split  # noqa: E402
from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import OneHotEncoder, StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from andiron import Input, Model, Sequential, callbacks, layers, optimizers  # noqa: E402

ORDER = (
    "sums over 30 samples and over 15 weighted ones are added up in float32 in another order, so "
    "that the two agree to about 1e-6; the check wants 1e-7"
)


def expected_failures(estimator):
    checks = {}
    if not isinstance(estimator, AndironTransformer):
        checks["check_sample_weight_equivalence_on_dense_data"] = ORDER
    return checks


@parametrize_with_checks(
    [
        AndironClassifier(max_iter=60, learning_rate_init=0.01),
        AndironRegressor(max_iter=60, learning_rate_init=0.01),
        AndironTransformer(AndironClassifier((5,), max_iter=5, random_state=0)),
    ],
    expected_failed_checks=expected_failures,
)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", [AndironClassifier, AndironRegressor])
def test_weights_are_repetitions(kind):
    """What the check above wants, to float32's precision."""
    random = np.random.default_rng(0)
    X, y = random.normal(size=(20, 4)), random.integers(0, 3, 20)
    weight = random.integers(0, 4, 20)
    options = {"max_iter": 30, "random_state": 1, "tol": None, "learning_rate_init": 0.01}
    repeated = kind(**options).fit(X.repeat(weight, 0), y.repeat(weight))
    weighted = kind(**options).fit(X, y, sample_weight=weight)
    ask = "predict_proba" if kind is AndironClassifier else "predict"
    a, b = getattr(repeated, ask)(X), getattr(weighted, ask)(X)
    np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
    without = kind(**options).fit(X, y)
    assert np.abs(getattr(without, ask)(X) - a).max() > 0.01


@pytest.mark.parametrize(("load", "epochs"), [(load_digits, 15), (load_breast_cancer, 60)])
def test_default_accuracy_is_that_of_mlp_classifier(load, epochs):
    X, y = load(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, random_state=0, stratify=y)
    scores = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for kind in (MLPClassifier, AndironClassifier):
            net = make_pipeline(StandardScaler(), kind(max_iter=epochs, random_state=0)).fit(X, y)
            scores.append(net.score(X_test, y_test))
    assert scores[1] > scores[0] - 0.01, scores


def test_regression_does_not_depend_on_the_unit_of_the_target():
    X, y = load_diabetes(return_X_y=True)
    options = {"max_iter": 30, "random_state": 0, "tol": None}
    scores = [
        make_pipeline(StandardScaler(), AndironRegressor(**options)).fit(X, f * y).score(X, f * y)
        for f in (1.0, 1e6)
    ]
    assert scores[0] == pytest.approx(scores[1], abs=1e-3) and scores[0] > 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        peer = make_pipeline(StandardScaler(), MLPRegressor(max_iter=30, random_state=0)).fit(X, y)
    assert scores[0] > peer.score(X, y)


def test_same_random_state_same_bits():
    X, y = load_iris(return_X_y=True)
    make = lambda: AndironClassifier((7, 5), max_iter=5, tol=None, random_state=3)  # noqa: E731
    first, second = make().fit(X, y), make().fit(X, y)
    assert first.predict_proba(X).tobytes() == second.predict_proba(X).tobytes()
    state = np.random.RandomState(3)
    third = make().set_params(random_state=state).fit(X, y)
    assert third.predict_proba(X).tobytes() == first.predict_proba(X).tobytes()
    other = make().set_params(random_state=4).fit(X, y)
    assert other.predict_proba(X).tobytes() != first.predict_proba(X).tobytes()


def test_fitting_leaves_the_programs_own_random_numbers_alone():
    import andiron

    X, y = load_iris(return_X_y=True)
    drawn = []
    for fits in (False, True):
        andiron.set_random_seed(5)
        if fits:
            AndironClassifier((3,), max_iter=1, tol=None, random_state=0).fit(X, y)
        drawn.append(andiron._core.next_seed())
    assert drawn[0] == drawn[1]


def one_hot_builds(task):
    net = Sequential([Input(task.input_shape), layers.Dense(task.n_classes, "softmax")])
    net.compile(optimizers.Adam(0.1), "categorical_crossentropy", metrics=["accuracy"])
    return net


def test_search_over_a_function_that_makes_models_in_processes():
    def builds(task, units=8):  # in the function, so that it is pickled as what it does
        from andiron import Input, Sequential, layers

        return Sequential(
            [
                Input(task.input_shape),
                layers.Dense(units, "tanh"),
                layers.Dropout(0.1),
                layers.Dense(task.n_outputs, task.activation),
            ]
        )

    X, y = load_iris(return_X_y=True)
    net = AndironClassifier(model=builds, learning_rate_init=0.05, max_iter=15, tol=None,
                            random_state=0)  # fmt: skip
    pipe = make_pipeline(StandardScaler(), net)
    grid = [
        {"andironclassifier__model_args": [{"units": 2}]},
        {"andironclassifier__optimizer": [optimizers.SGD(momentum=0.9)]},
    ]
    search = GridSearchCV(pipe, grid, cv=2, n_jobs=2).fit(X, y)
    assert search.best_score_ > 0.8
    alone = GridSearchCV(pipe, grid, cv=2).fit(X, y)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )


def test_a_compiled_model_keeps_its_loss_and_labels_become_one_hot():
    X, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    net = AndironClassifier(model=one_hot_builds, max_iter=80, tol=None, random_state=0)
    net.fit(X, names)
    assert net.score(X, names) > 0.9
    assert list(net.classes_) == ["setosa", "versicolor", "virginica"]
    assert list(net.feature_names_in_) == list(X.columns)
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.predict_proba(X), net.predict_proba(X))


def test_a_model_is_the_start_of_each_fit():
    X, y = load_digits(n_class=2, return_X_y=True)
    start = Sequential([Input((64,)), layers.Dense(1, "sigmoid")])
    before = start.get_weights()
    net = AndironClassifier(model=start, max_iter=60, tol=None, batch_size=32, random_state=0)
    scores = cross_val_score(make_pipeline(StandardScaler(), net), X, y, cv=3)
    assert scores.min() > 0.9
    clone(net).fit(X, y)
    for a, b in zip(before, start.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_photos_as_arrays_of_more_axes():
    digits = load_digits()

    def convolution(task):
        x = Input(task.input_shape)
        y = layers.Flatten()(layers.Conv2D(4, 3, activation="relu")(x))
        return Model(x, layers.Dense(task.n_outputs, task.activation)(y))

    X = digits.images[:, None] / 16
    net = AndironClassifier(model=convolution, max_iter=15, tol=None, random_state=0,
                            learning_rate_init=0.01)  # fmt: skip
    net.fit(X[:1200], digits.target[:1200])
    assert net.score(X[1200:], digits.target[1200:]) > 0.85
    features = AndironTransformer(net, layer=-2, prefit=True).fit(X)
    assert features.transform(X).shape == (len(X), 144)


def test_class_weights_and_several_labels():
    random = np.random.default_rng(0)
    X = random.normal(size=(300, 3))
    y = (X[:, 0] + random.normal(size=300) > 1.5).astype(int)
    options = {"max_iter": 20, "tol": None, "random_state": 0, "learning_rate_init": 0.02}
    found = [
        AndironClassifier((8,), class_weight=w, **options).fit(X, y).predict(X).mean()
        for w in (None, "balanced", {0: 1.0, 1: 20.0})
    ]
    assert found[0] < found[1] < found[2]
    both = np.stack([X[:, 0] > 0, X[:, 1] + X[:, 2] > 0], axis=1).astype(int)
    net = AndironClassifier((16,), **options).fit(X, both)
    assert net.predict(X).shape == (300, 2) and net.score(X, both) > 0.85
    with pytest.raises(ValueError, match="class_weight names 7"):
        AndironClassifier(class_weight={7: 1.0}).fit(X, y)


def test_partial_fit_and_warm_start_go_on():
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    net = AndironClassifier((8,), learning_rate_init=0.02, random_state=0)
    net.partial_fit(X[:40], y[:40], classes=[0, 1, 2])  # of one class
    for _ in range(40):
        net.partial_fit(X, y)
    assert net.score(X, y) > 0.9 and net.n_iter_ == 41
    with pytest.raises(ValueError, match="class 3"):
        net.partial_fit(X, np.full(len(X), 3))
    warm = AndironClassifier((8,), max_iter=5, tol=None, warm_start=True, random_state=0)
    losses = [warm.fit(X, y).loss_ for _ in range(3)]
    assert losses[0] > losses[1] > losses[2] and warm.n_iter_ == 15


@pytest.mark.parametrize("kind", [AndironClassifier, AndironRegressor])
def test_a_fit_that_fails_leaves_the_one_before(kind):
    X, y = load_iris(return_X_y=True)
    net = kind((8,), max_iter=3, tol=None, random_state=0).fit(X, y)
    before, attributes = net.predict(X), dict(vars(net))
    net.set_params(optimizer="no such optimizer")
    with pytest.raises(ValueError, match="no such optimizer"):
        net.fit(X[:, :2], y + 5)
    net.set_params(optimizer=attributes["optimizer"])
    assert vars(net) == attributes
    np.testing.assert_array_equal(net.predict(X), before)
    if kind is AndironClassifier:
        assert list(net.classes_) == [0, 1, 2]


@pytest.mark.parametrize("kind", [AndironClassifier, AndironRegressor])
def test_a_fit_that_cannot_begin_changes_nothing(kind):
    X, y = load_iris(return_X_y=True)
    net = kind((8,), max_iter=3, tol=None, random_state=0).fit(X, y)
    before, known = net.predict(X), dict(vars(net))

    def fails(task):
        raise RuntimeError("no network")

    with pytest.raises(RuntimeError, match="no network"):
        net.set_params(model=fails).fit(X[:, :2], y * 10 + 5)
    if kind is AndironClassifier:
        with pytest.raises(ValueError, match="class_weight names 77"):
            net.set_params(model=None, class_weight={77: 1.0}).fit(X, y + 5)
        net.set_params(class_weight=None)
    net.set_params(model=None)
    np.testing.assert_array_equal(net.predict(X), before)
    assert vars(net).keys() == known.keys()
    # An estimator that was never fitted is none afterwards.
    with pytest.raises(RuntimeError):
        (new := kind(model=fails)).fit(X, y)
    assert not [name for name in vars(new) if name.endswith("_")]


def test_early_stopping_looks_at_samples_held_out():
    X, y = load_digits(return_X_y=True)
    net = AndironClassifier((32,), early_stopping=True, n_iter_no_change=3, max_iter=50,
                            learning_rate_init=0.01, random_state=0)  # fmt: skip
    net.fit(X / 16, y)
    assert len(net.validation_scores_) == net.n_iter_ < 50
    assert max(net.validation_scores_) > 0.9
    assert "val_accuracy" in net.history_


def test_tables_go_through_a_pipeline():
    frame, y = load_iris(return_X_y=True, as_frame=True)
    frame["place"] = np.where(np.arange(len(frame)) % 2, "north", "south")
    encode = make_column_transformer((OneHotEncoder(), ["place"]), remainder=StandardScaler())
    net = AndironClassifier((8,), learning_rate_init=0.05, max_iter=40, tol=None, random_state=0)
    assert make_pipeline(encode, net).fit(frame, y).score(frame, y) > 0.9
    numbers = pd.DataFrame(frame.drop(columns="place"))
    fitted = net.fit(numbers, y)
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(numbers[numbers.columns[::-1]])


def test_features_of_a_network_before_another_estimator():
    X, y = load_digits(return_X_y=True)
    net = AndironClassifier((32, 16), learning_rate_init=0.01, max_iter=10, tol=None,
                            random_state=0)  # fmt: skip
    features = AndironTransformer(net).set_output(transform="pandas")
    pipe = make_pipeline(StandardScaler(), features, LogisticRegression(max_iter=500))
    pipe.fit(X[:1000], y[:1000])
    assert pipe.score(X[1000:], y[1000:]) > 0.85
    out = pipe[:-1].transform(X[:2])
    assert list(out.columns) == [f"andirontransformer{i}" for i in range(16)]
    model = features.fit(X, y).estimator_.model_
    first = AndironTransformer(model, layer=0).fit(X).transform(X[:5])
    assert first.shape == (5, 32) and (first >= 0).all()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes are positive"),
        ({"batch_size": 0}, 'batch_size is "auto" or a positive'),
        ({"alpha": -1.0}, "alpha must not be negative"),
        ({"max_iter": 0}, "max_iter is an integer from 1"),
        ({"model": 3}, "`model` is a function"),
        ({"model": lambda task: None}, "must return an andiron.Model"),
        ({"early_stopping": True, "validation_fraction": 1.5}, "validation_fraction is in"),
    ],
)
def test_settings_are_checked_in_words(settings, words):
    X, y = load_iris(return_X_y=True)
    with pytest.raises((ValueError, TypeError), match=words):
        AndironClassifier(**settings).fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_one_callback_needs_no_list():
    seen = []
    one = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    net = AndironClassifier((2,), max_iter=2, callbacks=one)
    net.fit(np.eye(4, dtype="f"), [0, 1, 0, 1])
    assert seen == [0, 1]
