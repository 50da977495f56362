"""Random layers by their moments, initializers, and other dense layers by their formulas."""

import numpy as np
import pytest

import andiron
from andiron import Input, Model, initializers, layers, load_model

RNG = np.random.default_rng(3)
X = RNG.normal(1.0, 2.0, (400, 500)).astype("f")


def test_gaussian_noise_has_its_deviation():
    noise = layers.GaussianNoise(0.3, seed=1)(X, training=True).numpy() - X
    assert abs(noise.mean()) < 0.003 and noise.std() == pytest.approx(0.3, rel=0.01)
    assert np.abs(np.corrcoef(noise.reshape(2, -1))[0, 1]) < 0.02


def test_gaussian_dropout_has_dropouts_deviation():
    factor = layers.GaussianDropout(0.2, seed=1)(X, training=True).numpy() / X
    assert factor.mean() == pytest.approx(1.0, abs=0.005)
    assert factor.std() == pytest.approx((0.2 / 0.8) ** 0.5, rel=0.01)


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_alpha_dropout_keeps_mean_and_variance(rate):
    z = RNG.normal(size=(400, 500)).astype("f")
    y = layers.AlphaDropout(rate, seed=2)(z, training=True).numpy()
    assert abs(y.mean()) < 0.01 and y.std() == pytest.approx(1.0, rel=0.01)
    # Keras's formula: a z + b, or a alpha' + b.
    limit = -1.6732632423543772 * 1.0507009873554805
    a = ((1 - rate) * (1 + rate * limit**2)) ** -0.5
    b = -a * limit * rate
    dropped = np.isclose(y, a * limit + b, atol=1e-5)
    assert dropped.mean() == pytest.approx(rate, abs=0.01)
    np.testing.assert_allclose(y[~dropped], (a * z + b)[~dropped], rtol=1e-4, atol=1e-5)


def test_alpha_dropout_shares_draws_by_noise_shape():
    ones = np.ones((6, 5, 4), "f")
    y = layers.AlphaDropout(0.5, noise_shape=(None, 1, 4), seed=1)(ones, training=True).numpy()
    assert (y == y[:, :1]).all() and len(np.unique(y)) == 2
    with pytest.raises(andiron.Error, match="noise_shape must have 1"):
        layers.AlphaDropout(0.5, noise_shape=(3, 1, 4))(ones, training=True)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.GaussianNoise(0.3),
        lambda: layers.GaussianDropout(0.3),
        lambda: layers.AlphaDropout(0.3),
    ],
)
def test_noise_is_for_training_and_new_in_each_step(make, tmp_path):
    layer = make()
    np.testing.assert_array_equal(layer(X).numpy(), X)
    first, second = (layer(X, training=True).numpy() for _ in range(2))
    assert (first != second).mean() > 0.3
    entry = Input((500,))
    model = Model(entry, layers.Dense(1)(layer(entry)))
    model.compile("sgd", "mse")
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    for m in (model, again):  # the seed is saved: the same draws
        m.fit(X[:64], X[:64, :1], batch_size=32, epochs=1, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.GaussianNoise(-1.0), "must be finite and not negative"),
        (lambda: layers.GaussianDropout(1.0), r"rate must be in \[0, 1\)"),
        (lambda: layers.AlphaDropout(-0.1), r"rate must be in \[0, 1\)"),
        (lambda: layers.RepeatVector(0), "n must be positive"),
        (lambda: layers.Cropping2D(3)(np.zeros((1, 1, 4, 9), "f")), "leaves nothing of axis 2"),
        (lambda: layers.Subtract()([np.zeros((1, 2), "f")] * 3), "takes 2 inputs; got 3"),
        (lambda: layers.Resizing(2, 2, "lanczos3"), "nearest, bilinear or bicubic"),
        (lambda: layers.Rescaling([1.0, 2.0])(np.zeros((1, 3), "f")), "one for each channel"),
        (lambda: layers.EinsumDense("ab,bc", 3), "equation must be like"),
        (lambda: layers.EinsumDense("abb,bc->ac", 3), "each letter stands once"),
        (lambda: layers.EinsumDense("ab,bc->ac", 3, bias_axes="b"), "axes of the result"),
        (lambda: layers.EinsumDense("ab,bc->ac", [2, 3])(np.zeros((1, 2), "f")), "has no batch"),
        (lambda: initializers.Orthogonal()((3,)), "rank 2 or more"),
        (lambda: initializers.Identity()((3, 3, 3)), "needs a matrix"),
        (lambda: initializers.STFT(), "no layers of spectrograms"),
        (lambda: layers.Lambda(lambda x: x, mask=lambda x, m: m), "mask"),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(andiron.Error, match=message):
        make()


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (2, 3, 4), (1, 3)])
def test_orthogonal_matrices_are_orthonormal(shape):
    w = initializers.Orthogonal(gain=2.0, seed=3)(shape).numpy().reshape(-1, shape[-1]) / 2.0
    small = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
    np.testing.assert_allclose(small, np.eye(len(small)), atol=1e-6)


def test_orthogonal_is_uniform():
    """Of many drawn matrices each element has mean 0 and variance 1/n, and none is a favourite."""
    drawn = np.stack([initializers.Orthogonal(seed=i)((3, 3)).numpy() for i in range(2000)])
    np.testing.assert_allclose(drawn.mean(0), 0, atol=0.05)
    np.testing.assert_allclose((drawn**2).mean(0), 1 / 3, atol=0.03)
    assert abs(np.linalg.det(drawn).mean()) < 0.1  # rotations and reflections


def test_initializers_come_back_from_their_configs():
    for made in (initializers.Orthogonal(0.5, seed=2), initializers.Identity(3.0)):
        layer = layers.Dense(4, kernel_initializer=made)
        layer.build((None, 4))
        again = layers.Dense.from_config(layer.get_config())
        again.build((None, 4))
        np.testing.assert_array_equal(layer.kernel.numpy(), again.kernel.numpy())
        assert initializers.get(layer.get_config()["kernel_initializer"]).get_config() == (
            made.get_config()
        )
    np.testing.assert_array_equal(initializers.Identity()((2, 3)).numpy(), np.eye(2, 3))
    for name in ("orthogonal", "OrthogonalInitializer", "identity", "one", "zero", "normal"):
        assert initializers.get(name)((2, 2)).shape == (2, 2)
        layers.Dense(2, kernel_initializer=name).build((None, 2))


def softmax_free(layer, weights, x):
    layer.build([(None, v.shape[1]) for v in x] if isinstance(x, list) else (None, *x.shape[1:]))
    layer.set_weights(weights)
    return layer(x).numpy()


def test_bilinear_is_pytorchs_formula(tmp_path):
    a, b = RNG.normal(size=(5, 3)).astype("f"), RNG.normal(size=(5, 4)).astype("f")
    kernel, bias = RNG.normal(size=(2, 3, 4)).astype("f"), RNG.normal(size=2).astype("f")
    found = softmax_free(layers.Bilinear(2, "tanh"), [kernel, bias], [a, b])
    want = np.tanh(np.einsum("ni,uij,nj->nu", a, kernel, b) + bias)
    np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-5)
    drawn = layers.Bilinear(40)
    drawn.build([(None, 16), (None, 9)])
    k = drawn.weights[0].numpy()
    assert np.abs(k).max() <= 0.25 and k.std() == pytest.approx(0.25 / 3**0.5, rel=0.05)


def test_highway_and_maxout_are_their_formulas():
    x = RNG.normal(size=(5, 3)).astype("f")
    w, v = RNG.normal(size=(2, 3, 3)).astype("f")
    b, c = RNG.normal(size=(2, 3)).astype("f")
    found = softmax_free(layers.Highway("relu"), [w, v, b, c], x)
    t = 1 / (1 + np.exp(-(x @ v + c)))
    np.testing.assert_allclose(
        found, t * np.maximum(x @ w + b, 0) + (1 - t) * x, rtol=1e-4, atol=1e-5
    )
    k, d = RNG.normal(size=(4, 3, 2)).astype("f"), RNG.normal(size=(4, 2)).astype("f")
    found = softmax_free(layers.MaxoutDense(2), [k, d], x)
    want = (np.einsum("ni,fiu->nfu", x, k) + d).max(1)
    np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-5)


def test_time_distributed_is_the_layer_step_by_step(tmp_path):
    x = RNG.normal(size=(4, 5, 2, 6, 6)).astype("f")
    conv = layers.Conv2D(3, 3)
    layer = layers.TimeDistributed(conv)
    assert layer.layer is conv
    entry = Input(x.shape[1:])
    model = Model(entry, layers.TimeDistributed(layers.Flatten())(layer(entry)))
    want = np.stack([conv(x[:, i]).numpy().reshape(4, -1) for i in range(5)], 1)
    np.testing.assert_allclose(model.predict(x), want, rtol=1e-4, atol=1e-5)
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    model.compile("sgd", "mse")
    before = conv.get_weights()[0].copy()
    model.fit(x, want * 0, batch_size=2, epochs=1, verbose=0)
    assert (conv.get_weights()[0] != before).any()


@pytest.mark.parametrize("function", ["average", "maximum", "minimum", "subtract"])
def test_merging_functions(function):
    x = Input((2,))
    model = Model(x, getattr(layers, function)([x, x * 2.0]))
    want = {"average": 1.5, "maximum": 2.0, "minimum": 1.0, "subtract": -1.0}[function]
    np.testing.assert_allclose(model.predict(np.ones((1, 2), "f")), [[want, want]])


def test_any_composition_is_a_lambda_and_is_saved(tmp_path):
    from andiron import ops

    def attention(x, scale):
        scores = ops.softmax(ops.matmul(x, x, transpose_b=True) * scale)
        weighted = ops.matmul(scores, x)
        return ops.concat([ops.max(weighted, (1,)), ops.mean(x, (1,))], 1)

    entry = Input((4, 3))
    model = Model(entry, layers.Lambda(attention, arguments={"scale": 0.5})(entry))
    x = RNG.normal(size=(6, 4, 3)).astype("f")
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_allclose(
        load_model(tmp_path / "m.safetensors").predict(x), model.predict(x), rtol=1e-6
    )
