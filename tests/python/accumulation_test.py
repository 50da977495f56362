"""gradient_accumulation_steps: Keras's arithmetic, and larger batches as the measure."""

import numpy as np
import pytest

import andiron
from andiron import Input, Model, Sequential, layers, optimizers


def data(n=200, seed=0):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(n, 3)).astype("f")
    return x, (x @ np.array([[1.0], [-2.0], [0.5]], "f") + 0.3).astype("f")


def linear(**options):
    andiron.set_random_seed(1)
    model = Sequential([Input((3,)), layers.Dense(1)])
    model.compile(optimizers.SGD(0.1, **options), "mse")
    return model


def test_an_update_is_the_mean_of_the_batches_gradients():
    # As Keras: weights rest until the n-th batch, then move by the mean of n gradients.
    x, y = data(30)
    model = linear(gradient_accumulation_steps=3)
    w, b = [v.astype(np.float64) for v in model.get_weights()]
    grads = []
    for i in range(6):
        part = slice(5 * i, 5 * i + 5)
        error = x[part] @ w + b - y[part]
        grads.append((2 * x[part].T @ error / 5, 2 * error.mean(0)))
        model.train_on_batch(x[part], y[part])
        if i % 3 == 2:
            w -= 0.1 * np.mean([g for g, _ in grads], 0)
            b -= 0.1 * np.mean([g for _, g in grads], 0)
            grads.clear()
        assert model.optimizer.iterations == (i + 1) // 3
        for got, want in zip(model.get_weights(), (w, b), strict=True):
            np.testing.assert_allclose(got, want, atol=1e-6)


@pytest.mark.parametrize("lazy", [False, True])
def test_fit_equals_a_batch_that_is_as_many_times_as_large(lazy):
    draw = np.random.default_rng(2)
    ids = draw.integers(0, 500, 333).astype("i4")
    x, _ = data(333)
    y = (x[:, :1] + np.sin(ids)[:, None]).astype("f")

    def trained(batch_size, steps):
        andiron.set_random_seed(3)
        a, b = Input((3,)), Input((), dtype="int32")
        h = layers.Concatenate()([a, layers.Embedding(500, 4)(b)])
        model = Model([a, b], layers.Dense(1)(layers.Dense(8, "tanh")(h)))
        rate = optimizers.schedules.CosineDecay(0.01, 60)
        model.compile(
            optimizers.Adam(rate, global_clipnorm=0.5, epsilon=1e-4, lazy=lazy,
                            gradient_accumulation_steps=steps), "mse")  # fmt: skip
        history = model.fit([x, ids], y, batch_size, epochs=5, verbose=0, seed=7,
                            validation_data=([x, ids], y))  # fmt: skip
        return model, history.history["val_loss"]

    # 333 = 13 batches of 25 and one of 8: four updates an epoch, the last by fewer samples.
    parts, losses = trained(25, 4)
    whole, want = trained(100, None)
    assert parts.optimizer.iterations == whole.optimizer.iterations == 20
    np.testing.assert_allclose(losses, want, rtol=2e-4)
    for got, weights in zip(parts.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(got, weights, atol=3e-5)


def test_a_new_compile_or_workers_begin_anew():
    from andiron.collective import Communicator, Listener

    x, y = data(8)
    model = linear(gradient_accumulation_steps=2)
    start = model.get_weights()

    def one_update():
        """From the start: not by what waited before."""
        model.set_weights(start)
        for i in (0, 4):
            model.train_on_batch(x[i : i + 4], y[i : i + 4])
        return model.get_weights()

    want = one_update()
    model.train_on_batch(x[:2], y[:2])
    model.compile(model.optimizer, "mse")
    for got, weights in zip(one_update(), want, strict=True):
        np.testing.assert_allclose(got, weights, atol=1e-6)
    model.train_on_batch(x[:2], y[:2])
    listener = Listener("127.0.0.1")
    with Communicator(listener, 0, [listener.address], b"a secret of this test") as communicator:
        model.fit(x, y, 4, epochs=1, verbose=0, workers=communicator)
    for got, weights in zip(one_update(), want, strict=True):
        np.testing.assert_allclose(got, weights, atol=1e-6)


def test_files_keep_it(tmp_path):
    x, y = data()
    model = linear(gradient_accumulation_steps=4)
    assert model.optimizer.get_config()["gradient_accumulation_steps"] == 4
    model.fit(x, y, 20, epochs=1, verbose=0, seed=1)
    model.save(tmp_path / "model.andiron")
    again = andiron.load_model(tmp_path / "model.andiron")
    for m in (model, again):
        m.fit(x, y, 20, epochs=1, verbose=0, seed=2)
        assert m.optimizer.iterations == 6
    for got, want in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, want)


def test_what_is_no_number_of_batches_is_refused():
    with pytest.raises(TypeError, match="must be an integer; got 2.5"):
        optimizers.Adam(gradient_accumulation_steps=2.5)
    model = Sequential([Input((3,)), layers.Dense(1)])
    with pytest.raises(andiron.Error, match="means over the samples"):
        model.compile(
            optimizers.SGD(gradient_accumulation_steps=2),
            andiron.losses.MeanSquaredError(reduction="sum"),
        )
