"""Files that Keras wrote give Keras's outputs: keras.applications with random weights, and networks
built from layers, in every format."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

import andiron
from andiron import Input, Model, Sequential, layers, models

pytest.importorskip("h5py")

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
SCRIPT = Path(__file__).with_name("keras_peer_files.py")
WEIGHTS = ("m.weights.h5", "weights.h5")
FILES = (*WEIGHTS, "m.keras", "whole.h5")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="no .venv-peers: scripts/setup peers"),
]


@pytest.fixture(scope="module")
def peer(tmp_path_factory):
    made: dict[str, Path] = {}

    def written(name: str) -> tuple[Path, dict]:
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name)
            subprocess.run([PYTHON, SCRIPT, name, made[name]], check=True, timeout=900)
        return made[name], dict(np.load(made[name] / "outputs.npz"))

    return written


def assert_equal(ours: np.ndarray, theirs: np.ndarray) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * max(1.0, np.abs(theirs).max()))
    assert theirs.std(0).max() > 1e-6  # the inputs matter


@pytest.mark.parametrize("network", ["VGG16", "VGG19", "ResNet50", "MobileNetV2"])
def test_weights_of_applications_give_kerass_outputs(network, peer):
    folder, out = peer(network)
    build, size = getattr(models, network), out["x"].shape[1]
    pixels = np.moveaxis(out["x"], -1, 1)
    for file in FILES:
        model = build(
            weights=folder / file, input_shape=(3, size, size), classifier_activation=None
        )
        assert_equal(model.predict(pixels, verbose=0), out["y"])
    # As Keras's own preprocessing gives the pixels.
    raw = build(weights=folder / FILES[0], input_shape=(size, size, 3), data_format="channels_last",
                include_preprocessing=False, classifier_activation=None)  # fmt: skip
    assert_equal(raw.predict(out["prepared"], verbose=0), out["y"])
    # Without the classifier, whose layers in the file are left out.
    features = build(
        weights=folder / FILES[1], input_shape=(3, size, size), include_top=False,
        pooling=None if network.startswith("VGG") else "avg",
    )  # fmt: skip
    found = features.predict(pixels, verbose=0)
    found = np.moveaxis(found, 1, -1) if found.ndim == 4 else found
    assert_equal(found, out["features"])


@pytest.mark.parametrize("network", ["VGG16", "ResNet50", "MobileNetV2", "sequential", "branches",
                                     "words", "table", "ids"])  # fmt: skip
def test_whole_models_load_without_a_builder(network, peer, tmp_path):
    folder, out = peer(network)
    for file in ("m.keras", "whole.h5"):
        model = models.load(folder / file)
        x = out.get("prepared", out["x"])
        assert_equal(model.predict(x, verbose=0), out["y"])
    model.save(tmp_path / "ours.safetensors")
    again = andiron.load_model(tmp_path / "ours.safetensors")
    assert_equal(again.predict(x, verbose=0), out["y"])


@pytest.mark.parametrize("network", ["table", "ids"])
def test_penalties_come_with_the_layers(network, peer):
    folder, out = peer(network)
    for file in ("m.keras", "whole.h5"):
        model = models.load(folder / file)
        model.compile("sgd", "mse")
        loss = model.evaluate(out["x"], out["y"], verbose=0)
        assert out["penalty"] > 0.01 and loss == pytest.approx(float(out["penalty"]), rel=1e-3)
    if network == "table":
        first = model.get_layer("first").get_config()
        assert first["kernel_constraint"]["config"]["max_value"] == 3.0


def our_sequential(channels_last: bool) -> Model:
    form = {"data_format": "channels_last"} if channels_last else {}
    axis = {"axis": -1} if channels_last else {}
    return Sequential(
        [
            Input((12, 10, 3) if channels_last else (3, 12, 10)),
            layers.Conv2D(8, 3, padding="same", strides=2, activation="relu", **form),
            layers.BatchNormalization(**axis),
            layers.SeparableConv2D(6, 3, depth_multiplier=2, **form),
            layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, **form),
            layers.Conv2DTranspose(5, 2, strides=2, **form),
            layers.Conv2D(4, 3, groups=1, dilation_rate=2, padding="same", **form),
            layers.MaxPooling2D(**form),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.BatchNormalization(),
            layers.Dense(7, activation="tanh"),
            layers.Dense(4, activation="softmax"),
        ]
    )


@pytest.mark.parametrize("channels_last", [True, False])
def test_weights_of_a_sequential_fit_ours(channels_last, peer):
    folder, out = peer("sequential")
    x = out["x"] if channels_last else np.moveaxis(out["x"], -1, 1)
    for file in FILES:
        model = our_sequential(channels_last)
        model.load_weights(folder / file)
        assert_equal(model.predict(x, verbose=0), out["y"])


def test_weights_fit_by_kerass_order_of_layers(peer):
    folder, out = peer("branches")
    x = Input((4, 8, 8))
    inner = Sequential(
        [Input((6, 8, 8)), layers.Conv2D(6, 3, padding="same"), layers.BatchNormalization()]
    )
    a = layers.Activation("relu6")(layers.BatchNormalization()(layers.Conv2D(6, 1)(x)))
    a = layers.Conv2D(6, 3, padding="same")(a)
    b = layers.Conv2D(6, 1, use_bias=False)(x)
    y = layers.Concatenate(axis=1)([layers.Add()([b, inner(a)]), a])
    y = layers.ZeroPadding2D(((1, 0), (0, 1)))(y)
    y = layers.GlobalAveragePooling2D()(layers.Conv2D(12, 3)(y))
    model = Model(x, layers.Dense(3)(y))
    for file in FILES:
        for v in model.variables:
            v.assign(np.zeros(v.shape, "float32"))
        model.load_weights(folder / file)
        assert_equal(model.predict(np.moveaxis(out["x"], -1, 1), verbose=0), out["y"])


def test_weights_that_do_not_fit_are_listed(peer):
    folder, _ = peer("words")
    before = models.ResNet20()
    values = before.get_weights()
    for file in FILES:
        with pytest.raises(andiron.Error, match="does not fit"):
            before.load_weights(folder / file)
    for a, b in zip(values, before.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
