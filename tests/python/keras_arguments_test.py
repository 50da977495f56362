"""Arguments that Keras has too, against what Keras makes of them (tools/make_keras_goldens.py)."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import andiron
from andiron import Input, Model, Sequential, constraints, layers, metrics, optimizers

GOLDEN = json.loads(Path(__file__).with_name("keras_goldens.json").read_text())


def floats(x):
    return np.asarray(x, np.float32)


def test_constraints_have_kerass_formulas():
    w = floats(GOLDEN["constraints"]["w"])
    for name, config, want in GOLDEN["constraints"]["cases"]:
        constraint = getattr(constraints, name)(**config)
        np.testing.assert_allclose(constraint(w).numpy(), want, rtol=1e-6, err_msg=name)
        # The core's own, after a step that changes nothing.
        layer = layers.Dense(w.shape[1], use_bias=False, kernel_constraint=constraint)
        model = Sequential([Input((w.shape[0],)), layer])
        model.set_weights([w])
        model.compile(optimizers.SGD(1e-30), "mse")
        model.fit(np.zeros((1, w.shape[0]), "f"), np.zeros((1, w.shape[1]), "f"), verbose=0)
        np.testing.assert_allclose(model.get_weights()[0], want, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("optimizer", GOLDEN["dense"])
def test_dense_constraints_train_as_keras_does(optimizer, tmp_path):
    golden = GOLDEN["dense"][optimizer]
    layer = layers.Dense(3, kernel_constraint=constraints.MaxNorm(0.6), bias_constraint="non_neg")
    model = Sequential([Input((4,)), layer])
    model.set_weights([floats(w) for w in golden["before"]])
    model.compile(getattr(optimizers, optimizer)(0.1), "mse")
    x, y = floats(golden["x"]), floats(golden["y"])
    model.fit(x, y, batch_size=5, epochs=2, shuffle=False, verbose=0)
    # The third epoch by what a file keeps.
    model.save(tmp_path / "m.safetensors")
    model = andiron.load_model(tmp_path / "m.safetensors")
    assert model.layers[0].get_config()["bias_constraint"]["class_name"] == "NonNeg"
    model.fit(x, y, batch_size=5, epochs=1, shuffle=False, verbose=0)
    for got, want in zip(model.get_weights(), golden["after"], strict=True):
        np.testing.assert_allclose(got, want, atol=1e-5)
    assert (model.get_weights()[1] == 0).any()  # the constraint was at work


@pytest.mark.parametrize("optimizer", GOLDEN["embedding"])
def test_embedding_constraints_train_as_keras_does(optimizer):
    golden = GOLDEN["embedding"][optimizer]
    layer = layers.Embedding(
        9, 4, embeddings_constraint=constraints.UnitNorm(axis=1), weights=floats(golden["before"])
    )
    model = Sequential([Input((1,), dtype="int32"), layer])
    np.testing.assert_array_equal(model.get_weights()[0], floats(golden["before"]))
    model.compile(getattr(optimizers, optimizer)(0.1), "mse")
    ids = np.asarray(golden["ids"], np.int32)
    model.fit(ids, floats(golden["y"]), batch_size=3, epochs=3, shuffle=False, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], golden["after"], atol=1e-5)


def test_frozen_layers_are_left_alone_by_their_constraint():
    frozen = layers.Dense(2, kernel_constraint="NonNeg", kernel_initializer="ones")
    model = Sequential([Input((2,)), frozen, layers.Dense(1)])
    before = -np.ones((2, 2), "f")
    frozen.set_weights([before, np.zeros(2, "f")])
    frozen.trainable = False
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 2), "f"), np.ones((4, 1), "f"), verbose=0)
    np.testing.assert_array_equal(frozen.get_weights()[0], before)


def test_bad_constraints_are_refused():
    with pytest.raises(andiron.Error, match="'Norm' is not known.*There are MaxNorm, NonNeg"):
        layers.Dense(2, kernel_constraint="Norm")
    with pytest.raises(andiron.Error, match="min_value=2 is above max_value=1"):
        layers.Dense(2, kernel_constraint=constraints.MinMaxNorm(2.0, 1.0))
    with pytest.raises(TypeError, match="one of andiron.constraints"):
        layers.Dense(2, kernel_constraint=abs)


def test_steps_per_epoch_go_on_through_the_data():
    golden = GOLDEN["steps"]
    x, y = floats(golden["x"]), floats(golden["y"])
    model = Sequential([Input((2,)), layers.Dense(1)])
    model.set_weights([floats(w) for w in golden["before"]])
    model.compile(optimizers.SGD(0.1), "mse")
    with pytest.warns(UserWarning, match="steps_per_epoch=2 does not divide the data's 3 batches"):
        history = model.fit(
            x, y, batch_size=4, epochs=4, steps_per_epoch=2, shuffle=False, verbose=0,
            validation_data=(x, y), validation_steps=1,
        ).history  # fmt: skip
    np.testing.assert_allclose(history["loss"], golden["loss"], rtol=1e-5)
    for got, want in zip(model.get_weights(), golden["after"], strict=True):
        np.testing.assert_allclose(got, want, atol=1e-6)
    assert history["val_loss"][-1] == pytest.approx(golden["first_batch"], rel=1e-5)
    assert len(history["val_loss"]) == 4


@pytest.mark.filterwarnings("ignore:.*does not divide")
def test_steps_are_shuffled_anew_and_resume(tmp_path):
    x = np.arange(10, dtype="f")[:, None]

    def fit(epochs, **more):
        andiron.set_random_seed(3)
        model = Sequential([Input((1,)), layers.Dense(1)])
        model.compile(optimizers.Adam(0.1), "mse")
        model.fit(x, x, batch_size=4, epochs=epochs, steps_per_epoch=2, seed=5, verbose=0, **more)
        return model.get_weights()[0]

    whole = fit(5)
    fit(3, checkpoint_dir=tmp_path)
    np.testing.assert_array_equal(fit(5, checkpoint_dir=tmp_path, resume=True), whole)
    with pytest.raises(andiron.Error, match="steps_per_epoch must be at least 1"):
        Sequential([layers.Dense(1)]).fit(x, x, steps_per_epoch=0)


def test_metrics_give_kerass_figures():
    weight = floats(GOLDEN["metrics"]["weight"])
    for name, config, y, p, plain, weighted in GOLDEN["metrics"]["cases"]:
        m = getattr(metrics, name)(**config)
        m.update_state(floats(y), floats(p))
        assert m.result() == pytest.approx(plain, rel=1e-5), (name, config)
        m.reset_state()
        m.update_state(floats(y), floats(p), floats(weight))
        assert m.result() == pytest.approx(weighted, rel=1e-5), (name, config)
    with pytest.raises(andiron.Error, match="class_id=3 is not among the 3 classes"):
        metrics.Precision(class_id=3).update_state(np.eye(3), np.eye(3))


def test_metrics_with_settings_are_saved(tmp_path):
    model = Sequential([Input((2,)), layers.Dense(3, "softmax")])
    model.compile("sgd", "categorical_crossentropy", metrics=[metrics.Recall(class_id=1)])
    x, y = np.ones((4, 2), "f"), np.eye(3, dtype="f")[[0, 1, 1, 2]]
    model.save(tmp_path / "m.safetensors")
    again = andiron.load_model(tmp_path / "m.safetensors")
    assert again._metrics[0][2]._core.signature == "recall(thresholds=[0.5],class_id=1)"
    assert again.evaluate(x, y) == model.evaluate(x, y)


def test_flatten_channels_first():
    golden = GOLDEN["flatten"]
    found = layers.Flatten(data_format="channels_first")(floats(golden["x"])).numpy()
    np.testing.assert_array_equal(found, floats(golden["y"]))
    with pytest.raises(andiron.Error, match="channels_last or channels_first"):
        layers.Flatten(data_format="nchw")


def test_noise_shape_shares_the_draws(tmp_path):
    x = np.ones((50, 7, 40), "f")
    layer = layers.Dropout(0.25, noise_shape=(None, 1, 40), seed=3)
    out = layer(x, training=True).numpy()
    assert (out == out[:, :1]).all()  # the same along axis 1
    assert (out != out[:1]).any() and (out != out[:, :, :1]).any()
    assert set(np.unique(out)) == {0, np.float32(1 / 0.75)}
    assert abs((out == 0).mean() - 0.25) < 0.03
    model = Sequential([Input((7, 40)), layer])
    model.save(tmp_path / "d.safetensors")
    again = andiron.load_model(tmp_path / "d.safetensors").layers[0]
    assert again.get_config()["noise_shape"] == [-1, 1, 40]
    with pytest.raises(andiron.Error, match="noise_shape must have 1 or the input's size"):
        layers.Dropout(0.5, noise_shape=(None, 2, 40))(x, training=True)
    with pytest.raises(TypeError, match="The seed comes after it"):
        layers.Dropout(0.5, 3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.Dense(2, lora_rank=4), r"\[Dense\] lora_rank=4 is not supported"),
        (lambda: layers.Embedding(2, 2, quantization_config="int8"), "quantization_config"),
        (lambda: optimizers.Adam(gradient_accumulation_steps=0), "must be at least 1; got 0"),
        (lambda: metrics.AUC(num_labels=2), "it goes with multi_label=True"),
        (lambda: metrics.Precision(top_k=2, class_id=1), "class_id=1"),
    ],
)
def test_what_makes_no_sense_here_is_refused_in_words(make, words):
    with pytest.raises(andiron.Error, match=words):
        make()


def test_defaults_of_what_is_refused_are_taken():
    optimizers.Adam(use_ema=False, ema_momentum=0.99, gradient_accumulation_steps=None)
    layers.Embedding(2, 2, mask_zero=False, lora_rank=None)
    with pytest.raises(TypeError, match="nonsense"):
        optimizers.Adam(nonsense=1)


def test_a_dict_of_outputs_is_predicted_as_a_dict(tmp_path):
    x = Input((3,))
    outputs = {"low": layers.Dense(1)(x), "high": layers.Dense(2)(x)}
    model = Model(x, outputs)
    data = np.random.default_rng(0).normal(size=(5, 3)).astype("f")
    found = model.predict(data)
    assert list(found) == ["low", "high"]
    assert found["low"].shape == (5, 1) and found["high"].shape == (5, 2)
    model.save(tmp_path / "u.safetensors")
    model.compile("sgd", {"low": "mse", "high": "mae"})
    model.save(tmp_path / "c.safetensors")
    for again in (
        andiron.load_model(tmp_path / "u.safetensors"),
        andiron.load_model(tmp_path / "c.safetensors"),
        andiron.load_model(tmp_path / "c.safetensors", compile=False),
        pickle.loads(pickle.dumps(model)),
    ):
        for name, values in again.predict(data).items():
            np.testing.assert_array_equal(values, found[name])
    one = Model(x, {"only": layers.Dense(1)(x)})
    assert list(one.predict(data)) == ["only"]
