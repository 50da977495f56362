"""One test for every layer: build, shapes, a training step, saving and loading."""

import numpy as np
import pytest

import andiron
from andiron import Input, Model, layers, ops

RNG = np.random.default_rng(0)


def floats(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def ids(high, *shape):
    return RNG.integers(0, high, shape).astype(np.int32)


# Layer, its inputs, the shape of a result row, number of parameters, NumPy's answer (or None).
CASES = {
    "dense": (lambda: layers.Dense(3), [floats(6, 4)], (3,), 15, None),
    "dense on rank 3": (
        lambda: layers.Dense(3, "relu", use_bias=False),
        [floats(6, 2, 4)],
        (2, 3),
        12,
        None,
    ),
    "activation": (
        lambda: layers.Activation("relu"),
        [floats(6, 4)],
        (4,),
        0,
        lambda x: np.maximum(x, 0),
    ),
    "relu": (lambda: layers.ReLU(), [floats(6, 4)], (4,), 0, lambda x: np.maximum(x, 0)),
    "softmax": (
        lambda: layers.Softmax(),
        [floats(6, 4)],
        (4,),
        0,
        lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
    ),
    "dropout": (lambda: layers.Dropout(0.5), [floats(6, 4)], (4,), 0, lambda x: x),
    "embedding": (lambda: layers.Embedding(9, 3), [ids(9, 6, 2)], (2, 3), 27, None),
    "embedding bag": (lambda: layers.EmbeddingBag(9, 3), [ids(9, 6, 2)], (3,), 27, None),
    "weighted bag": (
        lambda: layers.EmbeddingBag(9, 3, "mean"),
        [ids(9, 6, 2), np.abs(floats(6, 2))],
        (3,),
        27,
        None,
    ),
    "wide": (lambda: layers.WideLinear([9, 4], 2), [ids(4, 6, 2)], (2,), 28, None),
    "hashed cross": (lambda: layers.HashedCross(7), [ids(9, 6, 1), ids(9, 6, 1)], (1,), 0, None),
    "concatenate": (
        lambda: layers.Concatenate(),
        [floats(6, 4), floats(6, 2)],
        (6,),
        0,
        lambda a, b: np.concatenate([a, b], 1),
    ),
    "add": (lambda: layers.Add(), [floats(6, 4), floats(6, 4)], (4,), 0, lambda a, b: a + b),
    "multiply": (
        lambda: layers.Multiply(),
        [floats(6, 4), floats(6, 4)],
        (4,),
        0,
        lambda a, b: a * b,
    ),
    "dot": (
        lambda: layers.Dot(1),
        [floats(6, 4), floats(6, 4)],
        (1,),
        0,
        lambda a, b: (a * b).sum(1, keepdims=True),
    ),
    "flatten": (lambda: layers.Flatten(), [floats(6, 4, 2)], (8,), 0, lambda x: x.reshape(6, 8)),
    "reshape": (
        lambda: layers.Reshape((2, -1)),
        [floats(6, 4)],
        (2, 2),
        0,
        lambda x: x.reshape(6, 2, 2),
    ),
    "lambda": (lambda: layers.Lambda(lambda x: x * 2.0), [floats(6, 4)], (4,), 0, lambda x: 2 * x),
}


@pytest.mark.parametrize("name", CASES)
def test_layer(name, tmp_path):
    make, data, row, n_params, numpys = CASES[name]
    layer = make()
    inputs = [Input(x.shape[1:], dtype=x.dtype) for x in data]
    out = layer(inputs if len(inputs) > 1 else inputs[0])
    assert out.shape == (None, *row)
    assert layer.built and layer.count_params() == n_params
    model = Model(inputs, out)
    y = model.predict(data)
    assert y.shape == (6, *row)
    if numpys is not None:
        np.testing.assert_allclose(y, numpys(*data), rtol=1e-5, atol=1e-6)
    # The layer alone on arrays gives the same; so do other batch sizes.
    np.testing.assert_allclose(np.asarray(layer(data if len(data) > 1 else data[0])), y, rtol=1e-6)
    np.testing.assert_allclose(model.predict([x[:1] for x in data]), y[:1], rtol=1e-5, atol=1e-7)

    model.save(tmp_path / "layer.safetensors")
    loaded = andiron.load_model(tmp_path / "layer.safetensors")
    np.testing.assert_array_equal(loaded.predict(data), y)
    if "lambda" not in name:
        assert type(loaded.layers[-1]).__name__ == layer._core.class_name
        assert loaded.layers[-1].get_config() == layer._core.config()
    if out.dtype == "float32":
        head = layers.Dense(1)(layers.Flatten()(out))
        trained = Model(inputs, head)
        trained.compile("adam", "mse")
        before = layer.get_weights()
        trained.fit(
            data if len(data) > 1 else data[0], floats(6, 1), epochs=2, batch_size=4, verbose=0
        )
        for a, b in zip(before, layer.get_weights(), strict=True):
            assert (a != b).any()


def test_a_shared_layer_has_one_set_of_variables():
    shared = layers.Dense(2)
    a, b = Input((3,)), Input((3,))
    model = Model([a, b], layers.Add()([shared(a), shared(b)]))
    assert model.count_params() == 8
    x = floats(4, 3)
    np.testing.assert_allclose(model.predict([x, x]), 2 * np.asarray(shared(x)), rtol=1e-5)


def test_models_nest():
    inner = andiron.Sequential([Input((4,)), layers.Dense(3, "relu"), layers.Dense(2)])
    x = Input((4,))
    outer = Model(x, layers.Dense(1)(inner(x)))
    assert outer.count_params() == inner.count_params() + 3
    assert outer.predict(floats(5, 4)).shape == (5, 1)


def test_ops_make_layers_in_a_network():
    x = Input((4,))
    out = andiron.ops.sum(andiron.ops.exp(x) * 2.0 + 1.0, axes=[-1], keepdims=True)
    data = floats(5, 4)
    np.testing.assert_allclose(
        Model(x, out / 3.0).predict(data),
        (2 * np.exp(data) + 1).sum(1, keepdims=True) / 3,
        rtol=1e-5,
    )


def test_inputs_that_do_not_fit_name_the_layer():
    with pytest.raises(andiron.Error, match="Dense"):
        layers.Dense(3)(Input(()))
    with pytest.raises(andiron.Error, match="(?i)concat"):
        layers.Concatenate()([Input((2, 3)), Input((4, 5))])
    layer = layers.Dense(3)
    layer(Input((4,)))
    with pytest.raises(andiron.Error, match="4"):
        layer(Input((5,)))


def test_arithmetic_on_variables_alone_is_traced_too():
    """It used to be computed while tracing: constants without gradients."""

    class Scaled(layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(3,), initializer="ones")
            self.b = self.add_weight(shape=(3,), initializer="zeros")

        def call(self, x):
            self.add_loss(ops.mean(ops.square(self.w)) + ops.sum(self.w * 0.5))
            return x * (self.w * 2.0) + ops.mean(self.b) - ops.exp(self.b)

    layer = Scaled()
    model = andiron.Sequential([andiron.Input((3,)), layer])
    model.compile(andiron.optimizers.SGD(0.1), "mse")
    x = np.ones((4, 3), np.float32)
    np.testing.assert_allclose(model.predict(x), 1.0)
    loss = model.fit(x, x, batch_size=4, verbose=0).history["loss"][0]
    assert loss == pytest.approx(0 + 1 + 1.5)
    # d/dw: 0 of the error at x = 1, 2 w / 3 + 0.5 of the penalties.
    np.testing.assert_allclose(layer.w.numpy(), 1 - 0.1 * (2 / 3 + 0.5), rtol=1e-6)
    layer.b.assign(np.float32([0.1, 0.2, 0.6]))
    w, b = layer.w.numpy(), layer.b.numpy()
    np.testing.assert_allclose(model.predict(x), x * w * 2 + b.mean() - np.exp(b), rtol=1e-5)


def test_gradients_see_what_variables_hold_now():
    v = andiron.Variable(np.float32([3.0]))
    slope = andiron.grad(lambda x: ops.sum(x * (v * 2.0)))
    assert slope([1.0]).numpy().tolist() == [6.0]
    v.assign(np.float32([5.0]))
    assert slope([1.0]).numpy().tolist() == [10.0]
    assert isinstance(v * 2.0, andiron.Tensor)  # outside of a trace it is computed at once


def test_variables_are_indexed_and_compared():
    class Picks(layers.Layer):
        def build(self, input_shape):
            self.table = self.add_weight(shape=(3, 4), initializer="ones")

        def call(self, x):
            return ops.where(self.table[1] > 0.5, x * self.table[0], x)

    layer = Picks()
    model = andiron.Sequential([andiron.Input((4,)), layer])
    model.compile("sgd", "mse")
    model.fit(floats(5, 4), floats(5, 4), verbose=0)
    changed = (layer.table.numpy() != 1).any(axis=1)
    assert changed.tolist() == [True, False, False]
    v = andiron.Variable(np.float32([1.0, 2.0]))
    assert (v > 1.5).numpy().tolist() == [False, True] and v[1:].shape == (1,)
    assert v == v and v in {v: 0}


def test_a_call_in_training_mode_draws_anew():
    model = andiron.Sequential([andiron.Input((100,)), layers.Dropout(0.5)])
    x = np.ones((2, 100), np.float32)
    a, b = model(x, training=True).numpy(), model(x, training=True).numpy()
    assert 60 < (a == 0).sum() < 140 and (a != b).any()
    np.testing.assert_array_equal(model(x).numpy(), x)


def test_a_model_of_ones_own_takes_a_dict(tmp_path):
    class Two(Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(3), layers.Dense(1)

        def call(self, inputs):
            return self.b(layers.concatenate([self.a(inputs["p"]), inputs["q"]]))

    model = Two()
    model.compile("adam", "mse")
    data = {"p": floats(6, 4), "q": floats(6, 2)}
    model.fit(data, floats(6, 1), verbose=0)
    y = model.predict({"q": data["q"], "p": data["p"]})
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(andiron.load_model(tmp_path / "m.safetensors").predict(data), y)
