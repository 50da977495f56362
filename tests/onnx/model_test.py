"""Networks that go out as ONNX and come back: the same predictions, and they can be trained."""

import numpy as np
import pytest

from andiron import Input, Model, Sequential, _core, layers, models, onnx

RNG = np.random.default_rng(7)


def small(name="net"):
    return Sequential(
        [
            Input((6,), name="x"),
            layers.Dense(8, activation="relu", name="first"),
            layers.Dropout(0.5, name="drop"),
            layers.Dense(5, activation="tanh", name="second"),
            layers.Dense(3, activation="softmax", name="head"),
        ],
        name=name,
    )


def wide():
    a, b = Input((4,), name="a"), Input((3,), name="ids", dtype="int32")
    table = layers.Embedding(10, 4, name="table")(b)
    h = layers.Concatenate()([layers.Dense(4, activation="gelu")(a), layers.Flatten()(table)])
    return Model([a, b], [layers.Dense(2)(h), layers.Dense(1, activation="sigmoid")(h)])


@pytest.mark.parametrize("opset", range(13, 22))
def test_a_network_comes_back_equal(opset):
    net = small()
    x = RNG.normal(size=(5, 6)).astype("float32")
    again = onnx.load(onnx.to_bytes(net, opset))
    np.testing.assert_array_equal(again.predict(x), net.predict(x))
    assert again.count_params() == net.count_params()


def test_several_inputs_and_outputs_come_back_equal():
    net = wide()
    a = RNG.normal(size=(5, 4)).astype("float32")
    ids = RNG.integers(0, 10, (5, 3)).astype("int32")
    again = onnx.load(onnx.to_bytes(net))
    for got, want in zip(again.predict([a, ids]), net.predict([a, ids]), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-7)


def test_weights_have_their_names_and_are_trained(tmp_path):
    onnx.save(small(), tmp_path / "net.onnx")
    net = models.load(tmp_path / "net.onnx")
    names = {v.name.split("/", 1)[1] for v in net.variables}
    assert {"first/kernel", "second/bias", "head/kernel"} <= names
    x = RNG.normal(size=(64, 6)).astype("float32")
    y = (x[:, 0] > 0).astype("int32")
    net.compile("adam", "sparse_categorical_crossentropy")
    before = [w.copy() for w in net.get_weights()]
    losses = net.fit(x, y, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert all((b != a).any() for b, a in zip(before, net.get_weights(), strict=True))


def test_a_model_is_cut_gets_a_new_head_and_is_tuned():
    data = onnx.to_bytes(small())
    about = onnx.describe(data)
    assert about["operators"]["MatMul"] == 3
    whole = onnx.load(data)
    cut = next(name for name in (layer.name for layer in whole.layers) if name.endswith("Tanh"))
    by_value = onnx.load(data, outputs=[cut.replace(".", "/")])
    base = onnx.load(data, outputs=[cut])
    assert base.count_params() == by_value.count_params()
    assert base.outputs[0].shape == (None, 5)
    base.trainable = False
    head = layers.Dense(2, activation="softmax", name="new_head")
    net = Model(base.inputs, head(base.outputs[0]))
    x = RNG.normal(size=(64, 6)).astype("float32")
    y = (x[:, 1] > 0).astype("int32")
    net.compile("adam", "sparse_categorical_crossentropy")
    frozen = [w.copy() for w in base.get_weights()]
    losses = net.fit(x, y, epochs=10, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    for a, b in zip(frozen, base.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    base.trainable = True
    net.compile("adam", "sparse_categorical_crossentropy")
    net.fit(x, y, epochs=1, verbose=0)
    assert any((a != b).any() for a, b in zip(frozen, base.get_weights(), strict=True))


def test_an_imported_model_is_saved_as_andirons_own(tmp_path):
    net = onnx.load(onnx.to_bytes(small()))
    net.save(tmp_path / "net.safetensors")
    again = models.load(tmp_path / "net.safetensors")
    x = RNG.normal(size=(5, 6)).astype("float32")
    np.testing.assert_array_equal(again.predict(x), net.predict(x))


def test_a_program_runs_any_batch():
    net = small()
    program = onnx.Program(onnx.to_bytes(net))
    for rows in (1, 3, 17):
        x = RNG.normal(size=(rows, 6)).astype("float32")
        np.testing.assert_allclose(program.run([x])[0], net.predict(x), rtol=1e-5, atol=1e-6)


def test_what_is_wrong_is_said(tmp_path):
    with pytest.raises(_core.Error, match="not an ONNX model"):
        onnx.load(b"")
    with pytest.raises(_core.Error, match="damaged or truncated"):
        onnx.load(onnx.to_bytes(small())[:-5])
    with pytest.raises(OSError):
        onnx.load(tmp_path / "missing.onnx")
    with pytest.raises(_core.Error, match="opsets 13 to 21"):
        onnx.to_bytes(small(), opset=12)
    with pytest.raises(_core.Error, match="there is no value 'nowhere'"):
        onnx.load(onnx.to_bytes(small()), outputs="nowhere")
    assert issubclass(onnx.Unsupported, _core.Error)


def test_the_commands_describe_and_convert(tmp_path):
    from andiron.cli import main
    from click.testing import CliRunner

    path = str(tmp_path / "net.onnx")
    onnx.save(small(), path)
    shown = CliRunner().invoke(main, ["info", path])
    assert (
        shown.exit_code == 0 and "opset ai.onnx 17" in shown.output and "MatMul 3" in shown.output
    )
    other = str(tmp_path / "net.safetensors")
    done = CliRunner().invoke(main, ["convert", path, other])
    assert done.exit_code == 0, done.output
    back = str(tmp_path / "back.onnx")
    assert CliRunner().invoke(main, ["convert", other, back, "--opset", "21"]).exit_code == 0
    x = RNG.normal(size=(4, 6)).astype("float32")
    np.testing.assert_array_equal(models.load(back).predict(x), models.load(path).predict(x))
