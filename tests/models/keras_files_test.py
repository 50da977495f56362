"""Files of Keras that nobody trusts, and what is said of those that do not fit."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from andiron._about import about
from andiron._keras.file import is_keras

import andiron
from andiron import Input, Sequential, layers, models

h5py = pytest.importorskip("h5py")

RNG = np.random.default_rng(0)
KERNEL = RNG.normal(size=(3, 3, 2, 4)).astype("float32")
BIAS, OUT = np.arange(4, dtype="float32"), RNG.normal(size=(4 * 4 * 4, 3)).astype("float32")


def network(name: str = "first") -> Sequential:
    return Sequential(
        [
            Input((6, 6, 2)),
            layers.Conv2D(4, 3, data_format="channels_last", name=name),
            layers.Flatten(),
            layers.Dense(3, use_bias=False, name="last"),
        ]
    )


def keras_2(path: Path, suffix: str = ":0") -> Path:
    """Weights as Keras 2 writes them."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array([b"first", b"flat", b"last"])
        for layer, tensors in (
            ("first", {"kernel": KERNEL, "bias": BIAS}),
            ("flat", {}),
            ("last", {"kernel": OUT}),
        ):
            group = file.create_group(layer)
            names = [f"{layer}/{t}{suffix}" for t in tensors]
            group.attrs["weight_names"] = np.array([n.encode() for n in names])
            for name, value in zip(names, tensors.values(), strict=True):
                group.create_dataset(name, data=value)
    return path


def keras_3(path: Path) -> Path:
    """Weights as Keras 3 writes them."""
    with h5py.File(path, "w") as file:
        file["layers/conv2d/vars/0"], file["layers/conv2d/vars/1"] = KERNEL, BIAS
        file["layers/dense/vars/0"] = OUT
        file["layers/dropout/seed_generator/vars/0"] = np.zeros(2, "uint32")
        file["optimizer/vars/0"] = np.zeros(1, "int64")
    return path


def check(model: Sequential) -> None:
    weights = [v.numpy() for v in model.variables]
    np.testing.assert_array_equal(weights[0], KERNEL.transpose(3, 2, 0, 1))
    np.testing.assert_array_equal(weights[1], BIAS)
    np.testing.assert_array_equal(weights[2], OUT)


@pytest.mark.parametrize("write", [keras_2, keras_3])
def test_weights_are_transposed_and_given(write, tmp_path):
    path = write(tmp_path / "w.h5")
    for name in ("first", "another"):  # by name, and by order
        model = network(name)
        model.load_weights(path)
        check(model)
    assert f"{KERNEL.size + BIAS.size + OUT.size} numbers" in about(str(path))["summary"]


def test_maps_with_channels_first_are_flattened_in_kerass_order(tmp_path):
    path = keras_2(tmp_path / "w.h5")
    last, first = network(), Sequential(
        [Input((2, 6, 6)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3, use_bias=False)]
    )  # fmt: skip
    x = RNG.normal(size=(2, 6, 6, 2)).astype("float32")
    last.load_weights(path)
    first.load_weights(path)
    actual = first.predict(np.moveaxis(x, -1, 1), verbose=0)
    np.testing.assert_allclose(actual, last.predict(x, verbose=0), rtol=1e-5, atol=1e-5)


def layer(kind: str, **config) -> dict:
    return {"class_name": kind, "config": config}


DESCRIPTION = {
    "class_name": "Sequential",
    "config": {
        "name": "net",
        "layers": [
            layer("InputLayer", batch_shape=[None, 6, 6, 2], dtype="float32", name="in"),
            layer("Conv2D", name="first", filters=4, kernel_size=[3, 3]),
            layer("Flatten", name="flat"),
            layer("Dense", name="last", units=3, use_bias=False),
        ],
    },
}


def archive(path: Path, description: object = DESCRIPTION, **more) -> Path:
    """A `.keras` file."""
    weights = keras_3(path.with_suffix(".h5"))
    with zipfile.ZipFile(path, "w") as file:
        text = description if isinstance(description, str) else json.dumps(description)
        file.writestr("config.json", text)
        file.write(weights, "model.weights.h5", **more)
    return path


def test_a_whole_model_loads_and_is_described(tmp_path):
    path = archive(tmp_path / "m.keras")
    model = models.load(path)
    check(model)
    assert [x.name for x in model.layers] == ["first", "flat", "last"]
    assert "Sequential" in about(str(path))["summary"] and "last" in about(str(path))["summary"]
    again = network()
    again.load_weights(path)
    check(again)


def with_settings(**settings) -> dict:
    return changed(config={"name": "first", "filters": 4, "kernel_size": [3, 3], **settings})


def test_penalties_and_constraints_come_along(tmp_path):
    both = {"class_name": "L1L2", "config": {"l1": 0.5, "l2": 0.25}, "module": "keras.regularizers"}
    norm = {"class_name": "MaxNorm", "config": {"max_value": 3, "axis": [0, 1, 2]}}
    description = with_settings(kernel_regularizer=both, kernel_constraint=norm)
    description["config"]["layers"][3]["config"]["kernel_regularizer"] = "l2"
    model = models.load(archive(tmp_path / "m.keras", description))
    check(model)
    model.compile("sgd", "mse")
    x = RNG.normal(size=(2, 6, 6, 2)).astype("float32")
    loss = model.evaluate(x, model.predict(x, verbose=0), verbose=0)
    wanted = 0.5 * np.abs(KERNEL).sum() + 0.25 * (KERNEL**2).sum() + 0.01 * (OUT**2).sum()
    assert loss == pytest.approx(wanted, rel=1e-4)
    # Keras's axes of a kernel are others: height, width and channels are here 2, 3 and 1.
    config = model.get_layer("first").get_config()
    assert sorted(config["kernel_constraint"]["config"]["axis"]) == [1, 2, 3]


def test_a_penalty_that_is_not_here_is_told(tmp_path):
    orthogonal = {"class_name": "OrthogonalRegularizer", "config": {"factor": 0.1, "mode": "rows"}}
    path = archive(tmp_path / "m.keras", with_settings(kernel_regularizer=orthogonal))
    with pytest.warns(UserWarning, match="kernel_regularizer of 'first' .orthogonalregularizer"):
        check(models.load(path))


def test_convert_puts_weights_into_a_model(tmp_path):
    from andiron.cli import main
    from click.testing import CliRunner

    network().save(tmp_path / "empty.safetensors")
    weights, out = keras_2(tmp_path / "w.h5"), tmp_path / "out.safetensors"
    arguments = ["convert", str(weights), str(out), "--into", str(tmp_path / "empty.safetensors")]
    said = CliRunner().invoke(main, arguments)
    assert said.exit_code == 0, said.output
    check(models.load(out))
    alone = CliRunner().invoke(main, arguments[:3])
    assert alone.exit_code == 1 and "weights only" in alone.output


def changed(**changes) -> dict:
    """The description with another first layer."""
    out = json.loads(json.dumps(DESCRIPTION))
    out["config"]["layers"][1] = {**out["config"]["layers"][1], **changes}
    return out


@pytest.mark.parametrize(
    "description, words",
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[1]", "no description"),
        ({"class_name": "Sequential", "config": {"layers": 3}}, "no list of layers"),
        ({"class_name": "Sequential", "config": {"layers": [3]}}, "damaged"),
        ({"class_name": "Sequential", "config": {}}, "no list of layers"),
        ({"class_name": "os.system", "config": {}}, "os.system"),
        (changed(class_name="Lambda", config={"function": "x"}), "Lambda"),
        (changed(config={"name": "first", "filters": 10**12, "kernel_size": 3}), "largest tensor"),
        (changed(config={"name": "first", "filters": 4, "kernel_size": 10**6}), "largest tensor"),
        (changed(class_name="UpSampling2D", config={"size": 10**6, "name": "first"}), "largest"),
        (changed(config={"name": "first", "filters": 4, "kernel_size": 3, "odd": 7}), "odd"),
        (changed(config={"name": "first", "filters": 3, "kernel_size": 3}), "another shape"),
        (changed(config=None), "described as|not understood"),
    ],
)
def test_descriptions_that_are_none(description, words, tmp_path):
    with pytest.raises((andiron.Error, OSError), match=words):
        models.load(archive(tmp_path / "m.keras", description))


def refused(write, words: str, tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    with h5py.File(path, "w") as file:
        write(file)
    model = network()
    before = [v.numpy() for v in model.variables]
    with pytest.raises(OSError, match=words):
        model.load_weights(path)
    for v, b in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(v.numpy(), b)


def external(file) -> None:
    file["layers/conv2d/vars/0"] = h5py.ExternalLink("/etc/passwd", "/x")


def soft(file) -> None:
    file["layers/conv2d/vars/0"] = h5py.SoftLink("/layers")


def outside(file) -> None:
    file.create_dataset(
        "layers/conv2d/vars/0", (3, 3, 2, 4), "f4", external=[("/etc/passwd", 0, 288)]
    )


def compound(file) -> None:
    file["layers/conv2d/vars/0"] = np.zeros(3, [("a", "f4"), ("b", "i8")])


def objects(file) -> None:
    file.create_dataset("layers/conv2d/vars/0", data=["rm -rf"], dtype=h5py.string_dtype())


def unwritten(file) -> None:
    file.create_dataset("layers/conv2d/vars/0", (10**6, 10**6), "f4")


def packed(file) -> None:
    file.create_dataset("layers/conv2d/vars/0", data=np.zeros(10**6, "f4"), compression="gzip")


def twice(file) -> None:
    file["layers/conv2d/vars/0"] = KERNEL
    file["layers/dense/vars/0"] = file["layers/conv2d/vars/0"]


def loop(file) -> None:
    file["layers/a/b"] = np.zeros(1)
    file["layers/a/c"] = file["layers"]


def deep(file) -> None:
    file["/".join(["layers"] * 60) + "/vars/0"] = KERNEL


def virtual(file) -> None:
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (3,))
    file.create_virtual_dataset("layers/conv2d/vars/0", layout)


def no_layers(file) -> None:
    file["something"] = KERNEL


def names_of_objects(file) -> None:
    file.attrs["layer_names"] = np.zeros(4, [("a", "i4")])


def names_that_lead_away(file) -> None:
    file.attrs["layer_names"] = np.array([b"a/../../b"])
    file.create_group("a")


def names_without_layers(file) -> None:
    file.attrs["layer_names"] = np.array([b"first"])


@pytest.mark.parametrize(
    "write, words",
    [
        (external, "link"),
        (soft, "link"),
        (outside, "another file|fully|full"),
        (compound, "numbers are expected"),
        (objects, "numbers are expected"),
        (unwritten, "in full"),
        (packed, "in full"),
        (twice, "in one place"),
        (loop, "in one place"),
        (deep, "deeper"),
        (virtual, "another file|in full"),
        (no_layers, "no weights of Keras"),
        (names_of_objects, "layer_names"),
        (names_that_lead_away, "has no a/"),
        (names_without_layers, "damaged|has no"),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_hostile_files_are_named(write, words, tmp_path):
    refused(write, words, tmp_path)


def test_compressed_weights_in_an_archive_are_named(tmp_path):
    path = archive(tmp_path / "m.keras", compress_type=zipfile.ZIP_DEFLATED)
    with pytest.raises(OSError, match="compressed"):
        models.load(path)


def test_what_does_not_fit_is_listed(tmp_path):
    path = keras_2(tmp_path / "w.h5")
    model = Sequential(
        [Input((6, 6, 2)), layers.Conv2D(5, 3, data_format="channels_last"), layers.Flatten(),
         layers.Dense(3), layers.Dense(2)]
    )  # fmt: skip
    with pytest.raises(andiron.Error) as error:
        model.load_weights(path)
    words = str(error.value)
    assert "missing: " in words and "(Dense)" in words
    assert "[3, 3, 2, 4] for" in words
    assert "last has 1 weights" in words
    with pytest.raises(andiron.Error, match="weights only"):
        models.load(path)
    with pytest.raises(andiron.Error, match="keras.applications"):
        models.ResNet18(weights=path)
    assert not is_keras(tmp_path / "nowhere") and is_keras(path)


def test_truncated_and_flipped_files_are_errors(tmp_path):
    whole = keras_2(tmp_path / "w.h5").read_bytes()
    packed_ = archive(tmp_path / "m.keras").read_bytes()
    path, model = tmp_path / "x", network()
    rng = np.random.default_rng(1)
    for content in (whole, packed_):
        cuts = [content[:n] for n in range(0, len(content), max(1, len(content) // 60))]
        flips = []
        for at in rng.integers(0, min(len(content), 3000), 150):
            flipped = bytearray(content)
            flipped[at] ^= 1 << rng.integers(8)
            flips.append(bytes(flipped))
        for damaged in cuts + flips:
            path.write_bytes(damaged)
            try:
                model.load_weights(path)  # a flipped number of a weight is no error
            except (OSError, ValueError):
                pass
