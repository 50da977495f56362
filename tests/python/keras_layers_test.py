"""Layers against what Keras makes of the same settings (tools/make_keras_layer_goldens.py)."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import andiron
from andiron import Input, Model, Sequential, layers, load_model, regularizers

GOLDEN = json.loads(Path(__file__).with_name("keras_layer_goldens.json").read_text())


def array(x):
    """Numbers as Keras got them: floats in float32, integers and texts as they are."""
    a = np.asarray(x)
    return a.astype(np.float32) if a.dtype.kind == "f" else a


def name_of(case):
    settings = {k: v for k, v in case[1].items() if k not in ("vocabulary", "data_format")}
    return f"{case[0]}-{settings}"


@pytest.mark.parametrize("case", GOLDEN["fixed"], ids=name_of)
def test_layers_give_kerass_numbers(case, tmp_path):
    name, config, inputs, want = case
    if name == "Rescaling":
        config = {**config, "data_format": "channels_last"}
    layer = getattr(layers, name)(**config)
    given = [array(x) for x in inputs]
    found = layer(given[0] if len(given) == 1 else given).numpy()
    np.testing.assert_allclose(found, want, rtol=1e-5, atol=2e-4)
    # In a model, from its config and from a file.
    entries = [Input(x.shape[1:], name=f"x{i}") for i, x in enumerate(given)]
    model = Model(entries, layer(entries[0] if len(given) == 1 else entries))
    model.save(tmp_path / "m.safetensors")
    for again in (model, load_model(tmp_path / "m.safetensors")):
        np.testing.assert_array_equal(again.predict(given), found)
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


def entry_for(x, i):
    dtype = {"U": "string", "i": "int64", "f": "float32"}[x.dtype.kind]
    return Input(x.shape[1:], dtype=dtype, name=f"x{i}")


@pytest.mark.parametrize("case", GOLDEN["categories"], ids=name_of)
def test_categories_are_kerass(case, tmp_path):
    name, config, inputs, want = case
    layer = getattr(layers, name)(**config)
    given = [array(x) for x in inputs]
    found = np.asarray(layer(given[0] if len(given) == 1 else tuple(given)))
    if found.dtype == object:  # texts
        assert found.tolist() == want
        return
    np.testing.assert_allclose(found, want, rtol=1e-6)
    entries = [entry_for(x, i) for i, x in enumerate(given)]
    model = Model(entries, layer(entries[0] if len(given) == 1 else entries))
    model.save(tmp_path / "m.safetensors")
    for again in (model, load_model(tmp_path / "m.safetensors"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(again.predict(given), found)
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize("case", GOLDEN["adapted"], ids=name_of)
def test_adapt_finds_what_keras_finds(case):
    name, config, data, inputs, want, found = case
    at = config.pop("pieces", None)
    layer = getattr(layers, name)(**config)
    layer.adapt(np.split(array(data), at) if at else array(data))
    if name == "Discretization":
        np.testing.assert_allclose(layer.bin_boundaries, found, rtol=1e-6)
    else:
        assert layer.get_vocabulary() == found
    if config.get("num_oov_indices") != 0:
        np.testing.assert_allclose(layer(array(inputs)).numpy(), want, rtol=1e-6)
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(again(array(inputs)).numpy(), layer(array(inputs)).numpy())


@pytest.mark.parametrize("case", GOLDEN["einsums"], ids=lambda c: c[0])
def test_einsum_dense_is_kerass(case, tmp_path):
    equation, shape, bias, x, weights, want = case
    layer = layers.EinsumDense(equation, shape, bias_axes=bias)
    x = array(x)
    entry = Input(x.shape[1:])
    model = Model(entry, layer(entry))
    layer.set_weights([array(w) for w in weights])
    np.testing.assert_allclose(model.predict(x), want, rtol=1e-4, atol=1e-5)
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(
        load_model(tmp_path / "m.safetensors").predict(x), model.predict(x)
    )


def masked_models(golden):
    pool = layers.GlobalAveragePooling1D
    last = {"data_format": "channels_last"}
    x, ids = Input((4, 2)), Input((4,), dtype="int32")
    yield "pool", Model(x, pool(**last)(layers.Masking()(x))), ["steps"]
    dense = layers.Dense(3, activation="tanh")
    through = Model(x, pool(**last)(dense(layers.Dropout(0.5)(layers.Masking()(x)))))
    dense.set_weights([array(w) for w in golden["kernel"]])
    yield "dense", through, ["steps"]
    embedding = layers.Embedding(4, 2, mask_zero=True, weights=array(golden["table"]))
    yield "embedding", Model(ids, pool(**last)(embedding(ids))), ["ids"]
    both = layers.Add()([layers.Masking()(x), embedding(ids)])
    yield "add", Model([x, ids], pool(**last)(both)), ["steps", "ids"]
    joined = layers.Concatenate(axis=1)([layers.Masking()(x), embedding(ids)])
    yield "concatenate", Model([x, ids], pool(**last)(joined)), ["steps", "ids"]


def test_masks_reach_the_pooling_as_in_keras(tmp_path):
    golden = GOLDEN["masks"]
    for name, model, inputs in masked_models(golden):
        data = [array(golden[i]) for i in inputs]
        model.save(tmp_path / f"{name}.safetensors")
        for again in (model, load_model(tmp_path / f"{name}.safetensors")):
            found = again.predict(data)
            np.testing.assert_allclose(found, golden[name], rtol=1e-5, atol=1e-6, err_msg=name)


def test_a_mask_at_an_output_cannot_be_trained_on():
    x = Input((4, 2))
    model = Model(x, layers.Dense(1)(layers.Masking()(x)))
    with pytest.raises(andiron.Error, match="the output 'dense' has a mask"):
        model.compile("sgd", "mse")
    # Layers that mix steps drop it, as Keras's do.
    Model(x, layers.Dense(1)(layers.Flatten()(layers.Masking()(x)))).compile("sgd", "mse")
    pool = layers.GlobalAveragePooling1D()  # [batch, channels, steps]: the mask is of other steps
    with pytest.raises(andiron.Error, match="channels_last"):
        pool(layers.Masking()(x))
        Model(x, pool(layers.Masking()(x))).predict(np.zeros((1, 4, 2), "f"))


def test_masked_training_ignores_what_is_masked():
    """Two batches: padding of any content trains the same weights."""
    rng = np.random.default_rng(0)
    ids = rng.integers(1, 9, (20, 5))
    ids[:, 3:] = 0
    y = rng.normal(size=(20, 1)).astype("f")
    results = []
    for width in (3, 5):  # without the padding, and with it
        andiron.set_random_seed(1)
        entry = Input((width,), dtype="int32")
        h = layers.Embedding(9, 4, mask_zero=True)(entry)
        h = layers.GlobalAveragePooling1D(data_format="channels_last")(layers.Dense(3)(h))
        model = Model(entry, layers.Dense(1)(h))
        model.compile("sgd", "mse")
        model.fit(ids[:, :width], y, batch_size=10, epochs=2, shuffle=False, verbose=0)
        results.append(model.get_weights())
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", range(3))
def test_orthogonal_regularizer_is_kerass(tmp_path, case):
    config, expected = GOLDEN["penalties"]["orthogonal"][case]
    w = array(GOLDEN["penalties"]["w"])
    penalty = regularizers.OrthogonalRegularizer(**config)
    assert float(penalty(w)) == pytest.approx(expected, rel=1e-5)
    entry = Input((5,))
    out = layers.Dense(3, use_bias=False, kernel_regularizer=penalty)(entry)
    model = Model(entry, out)
    model.set_weights([w])
    model.save(tmp_path / "m.safetensors")
    model = load_model(tmp_path / "m.safetensors")
    model.compile("sgd", "mse")
    x = np.zeros((2, 5), np.float32)  # only the penalty is left of the loss
    assert model.evaluate(x, np.zeros((2, 3), "f"), verbose=0) == pytest.approx(expected, rel=1e-5)


def test_activity_regularization_is_kerass():
    golden = GOLDEN["penalties"]
    layer = layers.ActivityRegularization(l1=0.1, l2=0.2)
    model = Sequential([Input((3,)), layer, layers.Dense(1)])
    model.set_weights([array(v) for v in golden["weights"]])
    model.compile("sgd", "mse")
    x, y = array(golden["x"]), array(golden["y"])
    assert model.evaluate(x, y, batch_size=6, verbose=0) == pytest.approx(
        golden["activity"], rel=1e-5
    )
