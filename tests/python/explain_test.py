"""andiron.explain against hand computations, its axioms and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from andiron import Input, Model, Sequential, explain, layers, ops

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(300, 3)).astype("f")


def network():
    """y = tanh(x W + b) v + c, and what it is made of."""
    w, b = RANDOM.normal(size=(3, 5)).astype("f"), RANDOM.normal(size=5).astype("f")
    v, c = RANDOM.normal(size=(5, 2)).astype("f"), RANDOM.normal(size=2).astype("f")
    net = Sequential([Input((3,)), layers.Dense(5, "tanh"), layers.Dense(2)])
    net.set_weights([w, b, v, c])
    return net, w.astype("d"), b.astype("d"), v.astype("d")


def by_hand(w, b, v, x, column):
    """d y[column] / d x in float64."""
    slope = 1 - np.tanh(x @ w + b) ** 2
    return (slope * v[:, column]) @ w.T


def test_an_estimator_is_not_a_network():
    class Estimator:
        model_ = network()[0]

    for model, words in ((Estimator(), "got Estimator; its network is .model_"), (3, "got int$")):
        with pytest.raises(TypeError, match=words):
            explain.gradients(model, X)


@pytest.mark.parametrize("batch_size", [7, 256, 1000])
def test_gradients_are_those_by_hand(batch_size):
    net, w, b, v = network()
    found = explain.gradients(net, X, 1, batch_size=batch_size)
    wanted = by_hand(w, b, v, X.astype("d"), 1)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(explain.saliency(net, X, 1), np.abs(explain.gradients(net, X, 1)))
    np.testing.assert_allclose(
        explain.input_x_gradient(net, X, 1), X * wanted, rtol=1e-4, atol=1e-5
    )


def test_the_target_is_the_largest_unless_given():
    net, w, b, v = network()
    largest = net.predict(X).argmax(1)
    assert set(largest) == {0, 1}
    wanted = np.where(
        largest[:, None] == 0,
        by_hand(w, b, v, X.astype("d"), 0),
        by_hand(w, b, v, X.astype("d"), 1),
    )
    for target in (None, largest):
        found = explain.gradients(net, X, target, batch_size=64)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("baseline", [0.0, "mean", "each"])
def test_integrated_gradients_are_the_integral(baseline):
    net, w, b, v = network()
    given = {0.0: 0.0, "mean": X.mean(0), "each": X[::-1].copy()}[baseline]
    start = np.broadcast_to(np.asarray(given, "d"), X.shape)
    found, error = explain.integrated_gradients(
        net, X, 0, baseline=given, batch_size=100, return_error=True
    )
    # The trapezoid rule with many points, in float64.
    along = np.linspace(0, 1, 2001)
    at = [by_hand(w, b, v, start + a * (X - start), 0) for a in along]
    wanted = (X - start) * np.trapezoid(at, along, axis=0)
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)
    # Completeness: the parts add up to the difference of the scores.
    difference = net.predict(X)[:, 0] - net.predict(start.astype("f"))[:, 0]
    np.testing.assert_allclose(found.sum(1), difference, atol=1e-4)
    assert np.abs(error).max() < 1e-4


def test_more_points_come_closer():
    net = Sequential([Input((3,)), layers.Dense(32, "relu"), layers.Dense(1)])
    net.set_weights([RANDOM.normal(size=v.shape).astype("f") for v in net.variables])
    errors = [
        np.abs(explain.integrated_gradients(net, 9 * X, steps=n, return_error=True)[1]).max()
        for n in (2, 200)
    ]
    assert errors[1] < 0.2 * errors[0]


def test_embeddings_are_explained_at_their_outputs():
    ids = Input((4,), dtype="int32", name="words")
    price = Input((1,), name="price")
    table = layers.Embedding(9, 3, name="table")
    flat = layers.Flatten()(table(ids))
    out = layers.Dense(1)(layers.Concatenate()([flat, price]))
    net = Model([ids, price], out)
    x = {"words": RANDOM.integers(0, 9, (6, 4)).astype("i"), "price": X[:6, :1]}
    found = explain.integrated_gradients(net, x, steps=3)
    assert {name: a.shape for name, a in found.items()} == {"price": (6, 1), "table": (6, 4, 3)}
    kernel = net.get_weights()[1]
    rows = table.get_weights()[0][x["words"]]
    np.testing.assert_allclose(found["table"], rows * kernel[:12].reshape(4, 3), atol=1e-5)
    np.testing.assert_allclose(found["price"], x["price"] * kernel[12], atol=1e-5)
    only = explain.gradients(net, x, at="table")
    np.testing.assert_allclose(only[0], kernel[:12].reshape(4, 3), atol=1e-6)


def test_masked_steps_have_no_part_in_an_explanation():
    net = Sequential(
        [
            Input((4,), dtype="int32"),
            layers.Embedding(9, 3, mask_zero=True),
            layers.GlobalAveragePooling1D(data_format="channels_last"),
            layers.Dense(2),
        ]
    )
    ids = np.int32([[5, 2, 0, 0], [1, 2, 3, 4], [7, 0, 0, 0]])
    found = explain.gradients(net, ids, 1)
    counts = (ids != 0).astype("f")
    share = counts / counts.sum(axis=1, keepdims=True)  # of each step in the mean
    np.testing.assert_allclose(found, share[:, :, None] * net.get_weights()[1][:, 1], rtol=1e-5)
    # What is spread over the steps adds up to the prediction, which knows the mask, too.
    table, kernel, bias = net.get_weights()
    parts = explain.integrated_gradients(net, ids, 1)
    np.testing.assert_allclose(
        parts.sum(axis=(1, 2)), net.predict(ids)[:, 1] - bias[1], rtol=1e-4, atol=1e-5
    )


def test_maps_in_the_middle_and_outputs_of_several_axes():
    x = Input((1, 6, 6))
    y = layers.Conv2D(2, 3, name="maps")(x)
    net = Model(x, y)
    photos = RANDOM.normal(size=(3, 1, 6, 6)).astype("f")
    found = explain.gradients(net, photos, (1, 2, 3))
    assert found.shape == photos.shape
    assert (found[:, :, 2:5, 3:6] != 0).all() and np.count_nonzero(found[0]) == 9
    with pytest.raises(ValueError, match="say which of its numbers"):
        explain.gradients(net, photos)


def test_a_model_of_ones_own_is_explained():
    class Squares(Model):
        def call(self, x):
            return ops.sum(ops.square(x), axes=(1,), keepdims=True)

    net = Squares()
    net.predict(X)
    np.testing.assert_allclose(explain.gradients(net, X), 2 * X, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": 2}, "no place in an output"),
        ({"target": [0, 1]}, "300 samples have 2 targets"),
        ({"output": "other"}, "there is no output 'other'"),
        ({"at": "other"}, "there is no layer 'other'"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
    ],
)
def test_mistakes_are_told(options, words):
    net, *_ = network()
    with pytest.raises((ValueError, TypeError), match=words):
        explain.gradients(net, X, **options)
    with pytest.raises(ValueError, match="does not fit"):
        explain.integrated_gradients(net, X, 0, baseline=np.zeros(4))


def test_integers_without_an_embedding_have_no_gradient():
    ids = Input((2,), dtype="int32")
    net = Model(ids, layers.Dense(1)(layers.Lambda(lambda i: ops.cast(i, "float32"))(ids)))
    with pytest.raises(ValueError, match="integers, which have no gradient"):
        explain.gradients(net, np.zeros((2, 2), "i"))


def test_permutation_importance_is_scikit_learns():
    inspection = pytest.importorskip("sklearn.inspection")
    from sklearn.metrics import accuracy_score

    y = (X[:, 0] + 0.3 * X[:, 1] > 0).astype(int)
    net = Sequential([Input((3,)), layers.Dense(1, "sigmoid")])
    net.set_weights([np.float32([[4.0], [1.2], [0.0]]), np.float32([0.0])])

    class Peer:
        def fit(self, x, y):
            return self

        def predict(self, x):
            return net.predict(x)[:, 0] > 0.5

    by_score = lambda y, p: accuracy_score(y, p[:, 0] > 0.5)  # noqa: E731
    wanted = inspection.permutation_importance(
        Peer(), X, y, scoring=lambda e, x, y: accuracy_score(y, e.predict(x)), random_state=3
    )
    for metric in (by_score, "accuracy"):
        found = explain.permutation_importance(
            net, X, y[:, None] if metric == "accuracy" else y, metric=metric, random_state=3
        )
        np.testing.assert_allclose(found.importances, wanted.importances, atol=1e-6)
        np.testing.assert_allclose(found.importances_mean, wanted.importances_mean, atol=1e-6)
        np.testing.assert_allclose(found.importances_std, wanted.importances_std, atol=1e-6)
    assert found.importances_mean[2] == 0


def test_permutation_importance_of_tables_inputs_and_losses():
    import pandas as pd

    frame = pd.DataFrame(X, columns=["area", "rooms", "noise"])
    y = 2 * X[:, :1] - X[:, 1:2]
    net = Sequential([Input((3,)), layers.Dense(1)])
    net.set_weights([np.float32([[2.0], [-1.0], [0.0]]), np.float32([0.0])])
    net.compile("sgd", "mse")
    before = frame.copy()
    found = explain.permutation_importance(net, frame, y, n_repeats=2, random_state=0)
    pd.testing.assert_frame_equal(frame, before)
    assert found.names == ["area", "rooms", "noise"] and found.importances.shape == (3, 2)
    mean = found.importances_mean
    assert mean[0] > mean[1] > 0.5 and mean[2] == 0
    assert str(found).splitlines()[0].startswith("area ")
    same = explain.permutation_importance(net, X, y, metric="mse", n_repeats=2, random_state=0)
    np.testing.assert_allclose(found.importances, same.importances, rtol=1e-5)

    a, b = Input((2,), name="a"), Input((1,), name="b")
    two = Model([a, b], layers.Dense(1)(layers.Concatenate()([a, b])))
    two.set_weights(net.get_weights())
    parts = {"a": X[:, :2], "b": X[:, 2:]}
    by_input = explain.permutation_importance(two, parts, y, metric="mse", random_state=0)
    assert by_input.names == ["a", "b"]
    assert by_input.importances_mean[0] > 1 and by_input.importances_mean[1] == 0


def test_permutation_importance_of_a_loaded_model_is_by_its_loss(tmp_path):
    from andiron import Error, losses, models

    class Quartic(losses.Loss):
        def call(self, y_true, y_pred):
            return ops.mean(ops.power(y_true - y_pred, 4.0), axes=(-1,))

    y = 2 * X[:, 0]
    for loss in ("mse", Quartic()):
        net = Sequential([Input((3,)), layers.Dense(1)])
        net.compile("sgd", loss)
        net.save(tmp_path / "net.safetensors")
        loaded = models.load_model(tmp_path / "net.safetensors")
        found = explain.permutation_importance(loaded, X, y, n_repeats=2, random_state=0)
        same = explain.permutation_importance(net, X, y, n_repeats=2, random_state=0)
        np.testing.assert_allclose(found.importances, same.importances, rtol=1e-5)
        assert found.baseline == pytest.approx(loaded.evaluate(X, y), rel=1e-5)
    bare = models.load_model(tmp_path / "net.safetensors", compile=False)
    with pytest.raises(Error, match="say by which metric"):
        explain.permutation_importance(bare, X, y)
