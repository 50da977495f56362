"""Activations, and layers that work on each row by itself, against Keras's:
keras_row_goldens.json, from tools/make_keras_row_goldens.py."""

import inspect
import json
from pathlib import Path

import numpy as np
import pytest

import andiron
from andiron import Input, Model, layers, ops

GOLDENS = json.loads((Path(__file__).parent / "keras_row_goldens.json").read_text())
CLOSE = {"rtol": 2e-5, "atol": 2e-5}


def array(x):
    return np.asarray(x, "float32")


@pytest.mark.parametrize("golden", GOLDENS["layers"], ids=lambda g: g["class"])
def test_values_and_gradients_equal_kerass(golden, tmp_path):
    layer = getattr(layers, golden["class"])(**golden["arguments"])
    x = array(golden["x"])
    inputs = Input(x.shape[1:])
    model = Model(inputs, layer(inputs))
    layer.set_weights([array(w) for w in golden["weights"]])
    np.testing.assert_allclose(model.predict(x, verbose=0), golden["y"], **CLOSE)
    np.testing.assert_allclose(layer(x, training=True).numpy(), golden["y"], **CLOSE)

    # Concrete, and with a symbolic batch.
    for shape in (x.shape, (None, *x.shape[1:])):
        leaf = andiron.placeholder("x", shape)
        factors = (1.0 + np.arange(x.size) % 3).reshape(x.shape).astype("float32")
        weight = andiron.placeholder("factors", shape)
        grads = andiron.grad(ops.sum(layer(leaf) * weight), [leaf, *layer.variables])
        found = andiron.Graph([leaf, weight], grads)(x, factors)
        for got, expected in zip(found, golden["gradients"], strict=True):
            np.testing.assert_allclose(got.numpy(), expected, **CLOSE)

    model.save(tmp_path / "layer.safetensors")
    loaded = andiron.load_model(tmp_path / "layer.safetensors")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.parametrize("name", GOLDENS["activations"])
def test_activations_equal_kerass_by_name_and_as_ops(name):
    x, expected = array(GOLDENS["x"]), GOLDENS["activations"][name]
    np.testing.assert_allclose(layers.Activation(name)(x).numpy(), expected, **CLOSE)
    if name in ops.__all__:
        function = getattr(ops, name)
        np.testing.assert_allclose(np.asarray(function(x)), expected, **CLOSE)
        np.testing.assert_allclose(layers.Activation(function)(x).numpy(), expected, **CLOSE)


def test_sparsemax_is_the_nearest_point_of_the_simplex():
    x = np.random.default_rng(0).normal(size=(5, 7)).astype("float32") * 2
    x[1] = 3.0
    expected = np.empty_like(x)
    for row, z in enumerate(x):
        low, high = z.min() - 1, z.max()
        for _ in range(60):  # of max(z - t, 0) the t for which they add up to 1
            middle = (low + high) / 2
            low, high = (middle, high) if np.maximum(z - middle, 0).sum() > 1 else (low, middle)
        expected[row] = np.maximum(z - low, 0)
    np.testing.assert_allclose(layers.Activation("sparsemax")(x).numpy(), expected, **CLOSE)
    np.testing.assert_allclose(ops.sparsemax(x.T, axis=0).numpy(), expected.T, **CLOSE)
    # Martins and Astudillo: the gradient is g - mean of g over the support, and 0 elsewhere.
    g = np.random.default_rng(1).normal(size=x.shape).astype("float32")
    inside = expected > 0
    mean = (g * inside).sum(1, keepdims=True) / inside.sum(1, keepdims=True)
    found = andiron.grad(lambda v: ops.sum(ops.sparsemax(v) * g))(x)
    np.testing.assert_allclose(found.numpy(), np.where(inside, g - mean, 0), **CLOSE)


# Our channels are axis 1.
OTHERWISE = {("GroupNormalization", "axis"): 1}


@pytest.mark.parametrize("name", GOLDENS["signatures"])
def test_arguments_and_defaults_are_kerass(name):
    parameters = list(inspect.signature(getattr(layers, name).__init__).parameters.values())[1:]
    given = [
        [p.name, "required" if p.default is p.empty else p.default]
        for p in parameters
        if p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    assert given == [
        [argument, OTHERWISE.get((name, argument), default)]
        for argument, default in GOLDENS["signatures"][name]
    ]


def test_instance_normalization_is_one_group_for_each_channel():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")
    y = layers.InstanceNormalization()(x).numpy()
    np.testing.assert_allclose(y, layers.GroupNormalization(-1)(x).numpy(), rtol=1e-6)
    d = x - x.mean((2, 3), keepdims=True)
    np.testing.assert_allclose(y, d / np.sqrt(x.var((2, 3), keepdims=True) + 1e-3), **CLOSE)
    last = layers.InstanceNormalization(axis=-1)(x.transpose(0, 2, 3, 1)).numpy()
    np.testing.assert_allclose(last.transpose(0, 3, 1, 2), y, **CLOSE)
    with pytest.raises(andiron.Error, match="not the batch"):
        layers.InstanceNormalization(axis=0)(x)


def test_thresholded_relu():
    x = array([[-1.0, 0.5, 1.0, 1.5]])
    assert layers.ThresholdedReLU()(x).numpy().tolist() == [[0.0, 0.0, 0.0, 1.5]]
    assert layers.ThresholdedReLU(0.5)(x).numpy().tolist() == [[0.0, 0.0, 1.0, 1.5]]


def test_groups_behind_convolutions_keep_their_numbers():
    """Frozen, the images have their channels last; values stay."""
    andiron.set_random_seed(3)
    inputs = Input((3, 8, 8))
    x = layers.Conv2D(8, 3, padding="same")(inputs)
    x = layers.GroupNormalization(4)(x)
    x = layers.Conv2D(8, 3, padding="same")(layers.PReLU(shared_axes=[2, 3])(x))
    model = Model(inputs, layers.Flatten()(layers.InstanceNormalization()(x)))
    data = np.random.default_rng(1).normal(size=(5, 3, 8, 8)).astype("float32")
    y = model.predict(data, verbose=0)
    # Layer by layer, with channels first.
    z = data
    for layer in model.layers[1:]:
        z = layer(z).numpy()
    np.testing.assert_allclose(y, z, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(model.frozen().predict(data), y, rtol=1e-4, atol=1e-4)
    model.compile("sgd", "mse")
    first = model.evaluate(data, np.zeros_like(y), verbose=0)
    model.fit(data, np.zeros_like(y), epochs=5, verbose=0)
    assert model.evaluate(data, np.zeros_like(y), verbose=0) < first


def test_a_normalized_network_learns():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 6)).astype("float32") * 50 + 20
    y = (x[:, :1] > x[:, 1:2]).astype("float32")
    andiron.set_random_seed(1)
    model = andiron.Sequential(
        [
            Input((6,)),
            layers.LayerNormalization(),
            layers.Dense(16, activation="silu"),
            layers.RMSNormalization(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(andiron.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=20, batch_size=64, verbose=0)
    assert model.evaluate(x, y, verbose=0, return_dict=True)["accuracy"] > 0.95


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda x: layers.LayerNormalization(axis=0)(x), r"\[LayerNormalization\].*axis 0"),
        (lambda x: layers.LayerNormalization(axis=5)(x), "LayerNormalization"),
        (lambda x: layers.LayerNormalization(axis=[])(x), "at least one axis"),
        (lambda x: layers.LayerNormalization(epsilon=-1.0)(x), "epsilon"),
        (lambda x: layers.GroupNormalization(3)(x), "groups=3 does not divide"),
        (lambda x: layers.GroupNormalization(0)(x), "groups must be positive"),
        (lambda x: layers.PReLU(shared_axes=[0])(x), "shared_axes"),
        (lambda x: layers.LeakyReLU(-0.1)(x), "negative_slope"),
        (lambda x: layers.ThresholdedReLU(-1.0)(x), "theta"),
        (lambda x: layers.Activation("swishy")(x), "hard_silu"),
        (lambda x: ops.group_norm(x, groups=3), r"groups=3 does not divide C=4"),
        (lambda x: ops.group_norm(x, x), r"scale and offset must be float32\[4\]"),
        (lambda x: ops.group_norm(x, axis=0), "axis must be 1 or the last"),
        (lambda x: ops.layer_normalization(x, [1.0, 2.0]), r"scale must be \[4\]"),
        (lambda x: ops.celu(x, 0.0), "alpha"),
        (lambda x: ops.soft_shrink(x, -1.0), "threshold"),
        (lambda x: ops.glu(x[:, :3]), "even"),
        (lambda x: ops.maxout(x, 3), "units=3"),
    ],
)
def test_bad_arguments_are_named(make, words):
    with pytest.raises(andiron.Error, match=words):
        make(np.ones((2, 4), "float32"))
