"""Layers of images against Keras's: keras_vision_goldens.json, from
tools/make_keras_vision_goldens.py."""

import inspect
import json
from pathlib import Path

import numpy as np
import pytest

import andiron
from andiron import Input, Model, Sequential, layers, load_model, optimizers

GOLDENS = json.loads((Path(__file__).parent / "keras_vision_goldens.json").read_text())


def ours(name: str, weights: list) -> list:
    """Keras's kernels [kernel..., in, out] as [out, in, kernel...]."""
    out = []
    for i, w in enumerate(np.asarray(w, "float32") for w in weights):
        if w.ndim < 3:
            out.append(w)
        elif "Depthwise" in name or ("Separable" in name and i == 0):
            spatial = w.shape[:-2]
            w = np.moveaxis(w, (-2, -1), (0, 1))  # [C, multiplier, kernel...]
            out.append(w.reshape(-1, 1, *spatial))
        else:
            out.append(np.moveaxis(w, (-1, -2), (0, 1)))
    return out


@pytest.mark.parametrize(
    "golden", GOLDENS["layers"], ids=lambda g: f"{g['class']}-{g['arguments'].get('padding', '')}"
)
def test_equals_keras(golden):
    layer = getattr(layers, golden["class"])(**golden["arguments"], data_format="channels_last")
    x = np.asarray(golden["x"], "float32")
    layer.build((None, *x.shape[1:]))
    layer.set_weights(ours(golden["class"], golden["weights"]))
    np.testing.assert_allclose(layer(x).numpy(), golden["y"], rtol=1e-5, atol=1e-5)
    # Channels first: the same, transposed.
    first = getattr(layers, golden["class"])(**golden["arguments"])
    moved = np.moveaxis(x, -1, 1)
    first.build((None, *moved.shape[1:]))
    first.set_weights(layer.get_weights())
    expected = np.asarray(golden["y"], "float32")
    if expected.ndim > 2:
        expected = np.moveaxis(expected, -1, 1)
    np.testing.assert_allclose(first(moved).numpy(), expected, rtol=1e-5, atol=1e-5)


def test_batch_normalization_equals_keras():
    golden = GOLDENS["batch_normalization"]
    x = [np.asarray(batch, "float32") for batch in golden["x"]]
    inputs = Input((3, 4, 2))
    layer = layers.BatchNormalization(axis=-1, momentum=0.8, epsilon=0.01)
    model = Model(inputs, layer(inputs))
    layer.set_weights([np.asarray(w, "float32") for w in golden["weights"]])
    close = {"rtol": 1e-5, "atol": 1e-5}
    np.testing.assert_allclose(model.predict(x[0], verbose=0), golden["inference"], **close)
    np.testing.assert_allclose(layer(x[0], training=True).numpy(), golden["training"][0], **close)
    # Steps that move the running moments and nothing else.
    model.compile(optimizers.SGD(1e-30), "mse")
    for batch in x:
        model.train_on_batch(batch, batch)
    for weight, expected in zip(layer.get_weights(), golden["after"], strict=True):
        np.testing.assert_allclose(weight, expected, **close)
    layer.trainable = False
    np.testing.assert_allclose(layer(x[0], training=True).numpy(), golden["frozen"], **close)
    model.compile(optimizers.SGD(1e-30), "mse")
    before = layer.get_weights()
    model.train_on_batch(x[0], x[0])
    for weight, expected in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)


# What differs on purpose: our channels are axis 1.
OTHERWISE = {("BatchNormalization", "axis"): 1}


@pytest.mark.parametrize("name", GOLDENS["signatures"])
def test_arguments_and_defaults_are_kerass(name):
    parameters = list(inspect.signature(getattr(layers, name).__init__).parameters.values())[1:]
    given = [
        [p.name, "required" if p.default is p.empty else p.default]
        for p in parameters
        if p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    expected = [
        [argument, OTHERWISE.get((name, argument), default)]
        for argument, default in GOLDENS["signatures"][name]
    ]
    assert json.loads(json.dumps(given)) == expected


def small_network():
    return Sequential(
        [
            Input((1, 8, 8)),
            layers.Conv2D(8, 3, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.SpatialDropout2D(0.1),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def test_a_network_learns_digits_and_is_saved(tmp_path):
    datasets = pytest.importorskip("sklearn.datasets")
    x, y = datasets.load_digits(return_X_y=True)
    x = (x.reshape(-1, 1, 8, 8) / 16).astype("float32")
    andiron.set_random_seed(1)
    model = small_network()
    model.compile(optimizers.Adam(0.01), "sparse_categorical_crossentropy",
                  metrics=["accuracy"])  # fmt: skip
    model.fit(x[:1400], y[:1400], batch_size=50, epochs=4, verbose=0)
    _, accuracy = model.evaluate(x[1400:], y[1400:], verbose=0)
    assert accuracy > 0.9
    model.save(tmp_path / "model.andiron")
    again = load_model(tmp_path / "model.andiron")
    np.testing.assert_array_equal(again.predict(x[:9], verbose=0), model.predict(x[:9], verbose=0))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.Conv2D(4, 0), "kernel_size"),
        (lambda: layers.Conv2D(4, 3, strides=0), "strides"),
        (lambda: layers.Conv2D(4, 3, padding="full"), "padding is 'valid', 'same'"),
        (lambda: layers.Conv2D(4, 3, padding=-1), "pads_begin"),
        (lambda: layers.Conv2D(4, 3, groups=3), "groups=3"),
        (lambda: layers.Conv2D(0, 3), "filters must be positive"),
        (lambda: layers.Conv2D(4, 9)(np.zeros((1, 2, 5, 5), "float32")), "does not fit"),
        (lambda: layers.Conv2D(4, 3)(np.zeros((1, 5, 5), "float32")), "needs inputs"),
        (lambda: layers.MaxPooling2D(0), "pool_size"),
        (lambda: layers.BatchNormalization(momentum=2.0), "momentum"),
        (lambda: layers.UpSampling2D(2, data_format="nhwc"), "data_format"),
        (lambda: layers.BatchNormalization(synchronized=True), "synchronized"),
    ],
)
def test_bad_arguments_are_named(make, words):
    with pytest.raises(andiron.Error, match=words):
        make()


def test_compositions_compute_trace_and_describe():
    x = np.arange(16, dtype="float32").reshape(1, 1, 4, 4)
    small = andiron.ops.resize(x, (2, 2), "linear").numpy()
    np.testing.assert_allclose(small, [[[[2.5, 4.5], [10.5, 12.5]]]])
    y, mean, variance = andiron.ops.batch_norm(x, epsilon=0.0)
    assert (mean.numpy()[0], variance.numpy()[0]) == (7.5, 21.25)
    np.testing.assert_allclose(y.numpy(), (x - 7.5) / np.sqrt(21.25), rtol=1e-5)
    inputs = Input((1, 4, 4))
    model = Model(inputs, andiron.ops.pad_edges(inputs, (0, 0, 1, 1), (0, 0, 1, 1)))
    np.testing.assert_array_equal(
        model.predict(x, verbose=0), np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), "reflect")
    )
    w = np.ones((1, 1, 2, 2), "float32")
    up = andiron.ops.conv_transpose(x, w, strides=2).numpy()
    np.testing.assert_array_equal(up, x.repeat(2, 2).repeat(2, 3))
    slope = andiron.grad(lambda v: andiron.ops.sum(andiron.ops.resize(v, (8, 8), "linear")))(x)
    np.testing.assert_allclose(slope.numpy().sum(), 64.0)


def test_a_frozen_model_predicts_the_same():
    andiron.set_random_seed(2)
    inputs = Input((3, 12, 12))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same")(inputs)))
    y = layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same")(x))
    y = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Add()([x, y])))
    model = Model(inputs, layers.Dense(3)(y))
    data = np.random.default_rng(0).normal(size=(70, 3, 12, 12)).astype("float32")
    model.compile(optimizers.SGD(0.1), "mse")
    model.fit(data, np.zeros((70, 3), "float32"), verbose=0)
    before = model.predict(data, verbose=0)
    frozen = model.frozen()
    np.testing.assert_allclose(frozen.predict(data), before, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(frozen.predict(data[:1]), before[:1], rtol=1e-4, atol=1e-5)
    model.fit(data, np.ones((70, 3), "float32"), verbose=0)
    np.testing.assert_allclose(frozen.predict(data), before, rtol=1e-4, atol=1e-5)
    assert np.abs(model.predict(data, verbose=0) - before).max() > 1e-3
