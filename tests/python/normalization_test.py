"""layers.Normalization against scikit-learn's StandardScaler and Keras's formula."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import andiron
from andiron import Input, Model, Sequential, data, layers, load_model

RNG = np.random.default_rng(0)
X = RNG.normal([5.0, -300.0, 0.0], [1.0, 40.0, 1e-3], (500, 3))
F = X.astype("f")


def kerass(x, mean, variance, axis, invert=False):
    """Keras 3's formula, with axes in the places where it puts them."""
    kept = [a % x.ndim for a in axis]
    shape = [n if a in kept else 1 for a, n in enumerate(x.shape)]
    deviation = np.maximum(np.sqrt(np.reshape(variance, shape)), 1e-7)
    mean = np.reshape(mean, shape)
    return x * deviation + mean if invert else (x - mean) / deviation


def test_it_scales_as_standard_scaler():
    scaler = pytest.importorskip("sklearn.preprocessing").StandardScaler().fit(X)
    layer = layers.Normalization()
    layer.adapt(X)
    np.testing.assert_allclose(layer.mean.numpy(), scaler.mean_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(layer.variance.numpy(), scaler.var_, rtol=1e-6)
    np.testing.assert_allclose(layer(F).numpy(), scaler.transform(X), atol=2e-4)
    inverse = layers.Normalization(invert=True)
    inverse.adapt(X)
    back = inverse(layer(F)).numpy()
    np.testing.assert_allclose(back, F, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("axis", [-1, 1, 2, (1, 2), (-1, 1), (2, -2), None])
@pytest.mark.parametrize("invert", [False, True])
def test_axes_are_kerass(axis, invert):
    x = RNG.normal(3.0, 2.0, (40, 2, 5)).astype("f")
    layer = layers.Normalization(axis, invert=invert)
    layer.adapt(x)
    axes = [] if axis is None else [axis] if isinstance(axis, int) else list(axis)
    others = tuple(a for a in range(3) if a not in [b % 3 for b in axes])
    mean, variance = x.mean(others, dtype="f8"), x.var(others, dtype="f8")
    np.testing.assert_allclose(layer.mean.numpy(), mean, rtol=1e-5)
    np.testing.assert_allclose(layer(x).numpy(), kerass(x, mean, variance, axes, invert), atol=1e-4)
    given = layers.Normalization(axis, mean, variance, invert)
    np.testing.assert_allclose(given(x).numpy(), layer(x).numpy(), atol=1e-5)
    assert given.variables == [] and given.mean is None


def test_keras_s_own_examples():
    layer = layers.Normalization(axis=None)
    layer.adapt(np.float32([1, 2, 3, 4, 5]))
    np.testing.assert_allclose(layer(np.float32([1, 2, 3])).numpy(), [-(2**0.5), -(0.5**0.5), 0])
    layer = layers.Normalization()
    layer.adapt([[0.0, 7.0, 4.0], [2.0, 9.0, 6.0], [0.0, 7.0, 4.0], [2.0, 9.0, 6.0]])
    np.testing.assert_allclose(layer(np.float32([[0, 7, 4]])).numpy(), [[-1, -1, -1]])
    layer = layers.Normalization(mean=3.0, variance=2.0)
    expected = [[-(2**0.5)], [-(0.5**0.5)], [0]]
    np.testing.assert_allclose(layer(np.float32([[1], [2], [3]])).numpy(), expected, rtol=1e-6)
    layer = layers.Normalization(axis=-1, invert=True)
    layer.adapt(np.float32([[0, 7, 4], [2, 9, 6], [0, 7, 4], [2, 9, 6]]))
    np.testing.assert_allclose(layer(np.float32([[1, 2, 3]])).numpy(), [[2, 10, 8]])


def everything_that_adapt_takes(folder):
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    pq.write_table(pa.Table.from_pandas(frame), folder / "x.parquet", row_group_size=90)
    frame.to_csv(folder / "x.csv", index=False)
    labelled = frame.assign(y=1.0)
    yield "array", X
    yield "frame", frame
    yield "table", pa.Table.from_pandas(frame)
    yield "parquet", str(folder / "x.parquet")
    yield "csv", folder / "x.csv"
    yield "data", data.from_arrow(pa.Table.from_pandas(labelled), ["a", "b", "c"], "y")
    yield "dict", data.from_arrow(pa.Table.from_pandas(frame), {"x": ["a", "b", "c"]})
    yield "pieces", (part for part in np.array_split(X, 7))
    yield "list of pieces", [X[:1], X[1:200], X[200:]]
    yield "tensor", andiron.Tensor(X)


def test_tables_and_pieces_give_what_the_array_gives(tmp_path):
    for what, given in everything_that_adapt_takes(tmp_path):
        layer = layers.Normalization()
        layer.adapt(given)
        np.testing.assert_allclose(
            layer.mean.numpy(), X.mean(0), rtol=1e-6, atol=1e-9, err_msg=what
        )
        np.testing.assert_allclose(layer.variance.numpy(), X.var(0), rtol=1e-6, err_msg=what)


def test_data_that_were_adapted_to_can_be_trained_on():
    rows = data.from_arrow(pd.DataFrame(F, columns=["a", "b", "c"]).assign(y=F[:, 0]),
                           ["a", "b", "c"], "y")  # fmt: skip
    layer = layers.Normalization()
    layer.adapt(rows)
    m = Sequential([Input((3,)), layer, layers.Dense(1)])
    m.compile("adam", "mse")
    losses = m.fit(rows, epochs=3, verbose=0).history["loss"]
    assert losses[0] > losses[1] > losses[2]


def network():
    andiron.set_random_seed(2)
    entry = Input((3,))
    layer = layers.Normalization(name="scale")
    layer.adapt(X)
    return Model(entry, layers.Dense(1)(layers.Dense(4, "tanh")(layer(entry))))


def test_in_a_model_it_equals_data_that_were_scaled_before(tmp_path):
    scaled = ((X - X.mean(0)) / X.std(0)).astype("f")
    y = scaled.sum(1)
    m = network()
    andiron.set_random_seed(2)
    plain = Sequential([Input((3,)), layers.Dense(4, "tanh"), layers.Dense(1)])
    plain.set_weights(m.get_weights()[2:])
    for model, x in ((m, F), (plain, scaled)):
        model.compile("adam", "mse")
        model.fit(x, y, epochs=4, verbose=0, seed=1)
    np.testing.assert_allclose(m.predict(F), plain.predict(scaled), atol=2e-3)
    np.testing.assert_array_equal(m.get_layer("scale").mean.numpy(), X.mean(0).astype("f"))

    m.save(tmp_path / "m.safetensors")
    for again in (load_model(tmp_path / "m.safetensors"), pickle.loads(pickle.dumps(m))):
        np.testing.assert_array_equal(again.predict(F), m.predict(F))
        assert type(again.get_layer("scale")) is layers.Normalization


def test_adapt_again_takes_effect_in_a_model_that_has_predicted():
    layer = layers.Normalization()
    m = Sequential([Input((3,)), layer])
    np.testing.assert_array_equal(m.predict(F), F)  # mean 0 and variance 1 before adapt
    layer.adapt(X)
    np.testing.assert_allclose(m.predict(F).mean(0), 0, atol=1e-3)
    layer.adapt(X * 2)
    np.testing.assert_allclose(layer.mean.numpy(), 2 * X.mean(0), rtol=1e-6)


def test_integers_come_out_as_floats():
    m = Sequential([Input((2,), dtype="int32"), layers.Normalization(mean=1.0, variance=4.0)])
    assert m.predict(np.int32([[1, 3]])).tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize(
    ("settings", "given", "message"),
    [
        ({}, np.array([[1.0, np.nan]]), "data must be finite; row 0 has nan"),
        ({}, np.zeros((0, 3)), "adapt got no data: 0 rows"),
        ({}, np.float32([1.0, 2.0]), "is the batch: without axes there is one mean for all"),
        ({"axis": 5}, X, "axis 5 is not one of"),
        ({"mean": 1.0, "variance": 1.0}, X, "was given mean and variance"),
        ({}, [X[:3], X[:3, :2]], "3 places along axis 1; got"),
    ],
)
def test_mistakes_of_adapt(settings, given, message):
    with pytest.raises(andiron.Error, match=message):
        layers.Normalization(**settings).adapt(given)


def test_several_inputs_and_words_are_refused():
    rows = pd.DataFrame({"a": [1.0], "b": [2.0]})
    with pytest.raises(andiron.Error, match="columns of one input are wanted; got inputs"):
        layers.Normalization().adapt(data.from_arrow(rows, {"x": "a", "z": "b"}))
    with pytest.raises(TypeError, match="takes numbers"):
        layers.Normalization().adapt(pd.DataFrame({"a": ["x"]}))
    with pytest.raises(andiron.Error, match="given together"):
        layers.Normalization(mean=1.0)


def test_its_config_brings_it_back():
    for made in (
        layers.Normalization(axis=(1, 2), name="n"),
        layers.Normalization(axis=None),
        layers.Normalization(mean=[1.0, 2.0], variance=[4.0, 9.0], invert=True),
    ):
        again = layers.Normalization.from_config(made.get_config())
        assert again.get_config() == made.get_config()
    assert made.get_config()["mean"] == [1.0, 2.0]
