"""Mixed bfloat16 beside torch.autocast's gradients, and as Keras's policies."""

import json
import pathlib

import numpy as np
import pytest

import andiron
from andiron import Input, Sequential, layers, losses, mixed_precision, models, optimizers

GOLDENS = json.loads((pathlib.Path(__file__).parent / "mixed_goldens.json").read_text())


@pytest.fixture(autouse=True)
def global_policy():
    yield
    mixed_precision.set_global_policy("float32")


def drawn(shape, seed):
    return (np.random.default_rng(seed).normal(size=shape) * 0.5).astype("f")


def network(kind, dtype):
    if kind == "dense":
        return Sequential([Input((12,)), layers.Dense(16, "tanh", dtype=dtype),
                           layers.Dense(5, dtype=dtype)])  # fmt: skip
    return Sequential([
        Input((2, 6, 6)),
        layers.Conv2D(4, 3, activation="relu", data_format="channels_first", dtype=dtype),
        layers.Flatten(data_format="channels_last"), layers.Dense(5, dtype=dtype),
    ])  # fmt: skip


def to_torch(w):
    """A gradient in PyTorch's order of axes."""
    return w.T if w.ndim == 2 else w


def gradients(kind, dtype):
    """(loss, gradients in PyTorch's order): what a step of SGD at rate 1 takes away."""
    model = network(kind, dtype)
    x = drawn((24, 12), 1) if kind == "dense" else drawn((24, 2, 6, 6), 2)
    weights = [
        to_torch(drawn(to_torch(w).shape, 10 + seed)) for seed, w in enumerate(model.get_weights())
    ]
    model.set_weights(weights)
    model.compile(optimizers.SGD(1.0), losses.SparseCategoricalCrossentropy(from_logits=True))
    loss = model.train_on_batch(x, np.arange(24) % 5)
    moved = [b - a for b, a in zip(weights, model.get_weights(), strict=True)]
    return loss, [to_torch(g).ravel() for g in moved]


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_gradients_are_those_of_autocast(kind):
    golden = GOLDENS[kind]
    loss, ours = gradients(kind, "mixed_bfloat16")
    exact_loss, exact = gradients(kind, "float32")
    assert loss == pytest.approx(golden["loss"], rel=2**-8) and loss != exact_loss
    for g, theirs, e in zip(ours, golden["gradients"], exact, strict=True):
        size = np.abs(e).max()
        np.testing.assert_allclose(g, theirs, atol=2**-6 * size)
        # As near to the gradient in float32 as autocast comes, but not the same.
        assert np.abs(g - e).max() < 2**-5 * size and np.abs(g - e).max() > 2**-14 * size


def test_masters_are_float32_and_move_by_less_than_bfloat16_can_hold():
    model = Sequential([Input((1,)), layers.Dense(1, dtype="mixed_bfloat16", use_bias=False)])
    model.set_weights([np.ones((1, 1), "f")])
    model.compile(optimizers.SGD(1e-4), "mse")
    for _ in range(10):
        model.train_on_batch(np.ones((4, 1), "f"), np.zeros((4, 1), "f"))
    (w,) = model.get_weights()
    assert w.dtype == np.float32 and w[0, 0] == pytest.approx(1 - 10 * 2e-4, abs=2e-5)


def digits():
    x, y = pytest.importorskip("sklearn.datasets").load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    return (x[order] / 16).astype("f"), y[order].astype("i4")


def classifier():
    andiron.set_random_seed(0)
    return Sequential([Input((64,)), layers.Dense(64), layers.BatchNormalization(),
                       layers.Activation("relu"), layers.Dense(10, "softmax")])  # fmt: skip


def compiled(policy):
    mixed_precision.set_global_policy(policy)
    model = classifier()
    mixed_precision.set_global_policy("float32")
    model.compile(optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_trains_to_the_accuracy_of_float32():
    x, y = digits()
    accuracy = {}
    for policy in ("float32", "mixed_bfloat16"):
        model = compiled(policy)
        assert model.layers[0].compute_dtype == ("bfloat16" if "mixed" in policy else "float32")
        model.fit(x[:1200], y[:1200], 50, epochs=12, verbose=0, seed=1)
        accuracy[policy] = model.evaluate(x[1200:], y[1200:])[1]
    assert accuracy["mixed_bfloat16"] > 0.95
    assert abs(accuracy["mixed_bfloat16"] - accuracy["float32"]) < 0.015


def test_resumes_with_the_same_bits_and_loads(tmp_path):
    x, y = (a[:400] for a in digits())

    def fit(model, epochs, **more):  # noqa: E306
        model.fit(x, y, 50, epochs, verbose=0, seed=1, checkpoint_dir=tmp_path, **more)
        return model

    whole = compiled("mixed_bfloat16")
    whole.fit(x, y, 50, 4, verbose=0, seed=1)
    fit(compiled("mixed_bfloat16"), 2)
    rest = fit(compiled("mixed_bfloat16"), 4, resume=True)
    for a, b in zip(whole.get_weights(), rest.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    rest.save(tmp_path / "m.safetensors")
    loaded = models.load_model(tmp_path / "m.safetensors")
    assert loaded.layers[0].dtype_policy.name == "mixed_bfloat16"
    np.testing.assert_array_equal(loaded.predict(x), rest.predict(x))
    assert loaded.predict(x).dtype == np.float32


def test_the_global_policy_is_that_of_new_layers_alone(tmp_path):
    old = classifier()
    old.save(tmp_path / "old.safetensors")
    andiron.config.set_dtype_policy("mixed_bfloat16")
    assert andiron.config.dtype_policy() == mixed_precision.DTypePolicy("mixed_bfloat16")
    assert layers.Dense(2).dtype_policy.name == "mixed_bfloat16"
    assert layers.Dense(2, dtype="float32").compute_dtype == "float32"
    assert layers.Dense(2).get_config()["dtype"] == "mixed_bfloat16"
    loaded = models.load_model(tmp_path / "old.safetensors")
    assert loaded.layers[0].compute_dtype == "float32"


def test_a_layer_inside_keeps_its_own_policy():
    class Both(layers.Layer):
        def __init__(self, **more):
            super().__init__(**more)
            self.exact = layers.Dense(3, dtype="float32", use_bias=False)
            self.rough = layers.Dense(3, dtype="mixed_bfloat16", use_bias=False)

        def call(self, x):
            return self.exact(x) - self.rough(x), andiron.ops.matmul(x, x, transpose_b=True)

    x = drawn((3, 4), 5)
    layer = Both(dtype="mixed_bfloat16")
    difference, product = (v.numpy() for v in layer(x))
    kernel = layer.exact.get_weights()[0]
    layer.rough.set_weights([kernel])
    difference, product = (v.numpy() for v in layer(x))
    assert 0 < np.abs(difference).max() < 2**-5
    assert 0 < np.abs(product - x @ x.T).max() < 2**-5


def test_refusals():
    for name in ("mixed_float16", "bfloat16", "float64"):
        with pytest.raises(andiron.Error, match=name):
            mixed_precision.set_global_policy(name)
        with pytest.raises(andiron.Error, match=r"\[Dense\] dtype"):
            layers.Dense(2, dtype=name)


def test_info_says_what_it_costs(tmp_path):
    from andiron import _cpu

    (tmp_path / "amx").write_text("flags : avx2 fma avx512_bf16 amx_bf16\n")
    (tmp_path / "old").write_text("flags : avx2 fma\n")
    assert "amx_bf16" in _cpu.bfloat16(tmp_path / "amx")
    assert "slower than float32" in _cpu.bfloat16(tmp_path / "old")
