"""py_function: NumPy inside a graph, against the same composition of ordinary ops."""

import gc
import pickle
import threading
import time
import weakref

import numpy as np
import pytest

import andiron
from andiron import Input, Model, Sequential, callbacks, layers, losses, ops, optimizers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4)).astype(np.float32)
Y = np.tanh(X @ RNG.normal(size=(4, 1))).astype(np.float32)


@pytest.fixture(autouse=True)
def seeded():
    andiron.set_random_seed(5)


def softsign_grad(x, g):
    return g / (1 + np.abs(x)) ** 2


def softsign(x, rows=False):
    return ops.py_function(
        lambda a: a / (1 + np.abs(a)), x, gradient=softsign_grad, rows=rows, name="softsign"
    )


def softsign_of_ops(x):
    return x / (1.0 + ops.abs(x))


def network(activation, width=8):
    andiron.set_random_seed(5)
    x = Input((4,))
    h = layers.Dense(width)(x)
    model = Model(x, layers.Dense(1)(layers.Lambda(activation)(h)))
    model.compile(optimizers.Adam(0.01), "mse", metrics=["mae"])
    return model


def test_on_arrays_it_is_called_at_once():
    out = ops.py_function(np.cumsum, np.arange(4.0), output_dtypes="float32")
    assert out.dtype == "float32" and out.numpy().tolist() == [0, 1, 3, 6]
    assert ops.py_function(np.flip, [1.0, 2.0]).numpy().tolist() == [2, 1]
    assert andiron.py_function is ops.py_function


def test_several_inputs_outputs_and_dtypes():
    def both(a, n):
        return a * n[:, None], n + 1, np.float32(a.sum())

    a, n = np.ones((3, 2), np.float32), np.array([1, 2, 3])
    product, more, total = ops.py_function(
        both, [a, n], [(None, 2), (None,), ()], ["float32", "int64", "float32"]
    )
    assert product.numpy().tolist() == [[1, 1], [2, 2], [3, 3]]
    assert more.dtype == "int64" and more.numpy().tolist() == [2, 3, 4]
    assert float(total) == 6


@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("batch_size", [32, 300, 7])
def test_training_equals_that_with_ordinary_ops(rows, batch_size):
    ours, theirs = network(lambda x: softsign(x, rows)), network(softsign_of_ops)
    logs = [
        model.fit(X, Y, batch_size=batch_size, epochs=3, verbose=0, seed=1).history
        for model in (ours, theirs)
    ]
    np.testing.assert_allclose(logs[0]["loss"], logs[1]["loss"], rtol=1e-5)
    np.testing.assert_allclose(logs[0]["mae"], logs[1]["mae"], rtol=1e-5)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(ours.evaluate(X, Y), theirs.evaluate(X, Y), rtol=1e-5)


def test_rows_are_computed_tile_by_tile_on_one_thread():
    seen, threads = [], set()

    def note(a):
        seen.append(len(a))
        threads.add(threading.get_ident())
        return a * 2

    n = 8192
    x = andiron.placeholder("x", (None, 256))
    w = andiron.constant(np.eye(256, dtype=np.float32))
    out = ops.matmul(ops.py_function(note, ops.matmul(x, w), rows=True), w)
    data = RNG.normal(size=(n, 256)).astype(np.float32)
    plan = andiron.Plan.compile(andiron.Graph([x], [out]), {"batch": n}, threads=2)
    np.testing.assert_allclose(plan.run(data)[0].numpy(), data * 2, rtol=1e-6)
    assert len(seen) > 1 and sum(seen) == n and len(threads) == 1
    # Without the promise it sees the whole batch.
    seen.clear()
    whole = ops.matmul(ops.py_function(note, ops.matmul(x, w)), w)
    plan = andiron.Plan.compile(andiron.Graph([x], [whole]), {"batch": n}, threads=2)
    np.testing.assert_allclose(plan.run(data)[0].numpy(), data * 2, rtol=1e-6)
    assert seen == [n]


def test_gradients_equal_finite_differences():
    def f(x, y):
        z, n = ops.py_function(
            lambda a, b: (a * a * b, np.sin(b)),
            [x, y],
            [(3, 2), (3, 2)],
            gradient=lambda a, b, gz, gn: (2 * a * b * gz, a * a * gz + np.cos(b) * gn),
        )
        return ops.sum(ops.exp(z) * n) + ops.sum(ops.square(n))

    x, y = RNG.normal(size=(2, 3, 2)) * 0.7
    value, grads = andiron.value_and_grad(f, (0, 1))(x, y)
    assert value.dtype == "float64"
    for which in range(2):
        for at in np.ndindex(3, 2):
            step = np.zeros((2, 3, 2))
            step[(which, *at)] = 1e-5
            up = float(f(x + step[0], y + step[1]))
            down = float(f(x - step[0], y - step[1]))
            assert grads[which].numpy()[at] == pytest.approx((up - down) / 2e-5, rel=1e-7)


def test_only_gradients_that_are_needed_are_asked_for():
    ids = np.array([0, 2, 1])

    def pick(table, i):
        return ops.py_function(
            lambda t, n: t[n],
            [table, i],
            (3, 2),
            gradient=lambda t, n, g: np.stack([g[n == k].sum(0) for k in range(len(t))]),
        )

    table = RNG.normal(size=(3, 2)).astype(np.float32)
    slope = andiron.grad(lambda t: ops.sum(pick(t, ids) * np.float32([[1], [2], [3]])))(table)
    np.testing.assert_allclose(slope.numpy(), [[1, 1], [3, 3], [2, 2]])


def test_without_a_gradient_it_is_not_differentiated():
    def forward(x):
        return ops.py_function(np.round, x, name="my_rounding")

    with pytest.raises(andiron.Error, match="my_rounding.*no gradient"):
        andiron.grad(lambda x: ops.sum(forward(x)))([1.0])
    model = Sequential([Input((4,)), layers.Dense(2), layers.Lambda(forward), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(andiron.Error, match="my_rounding"):
        model.fit(X, Y, verbose=0)
    assert np.isfinite(model.predict(X)).all()
    # Below the trained layers no gradient passes, and stop_gradient is another way out.
    below = Sequential([Input((4,)), layers.Lambda(forward), layers.Dense(1)])
    below.compile("sgd", "mse")
    below.fit(X, Y, verbose=0)
    stopped = andiron.grad(lambda x: ops.sum(x * ops.stop_gradient(forward(x))))([1.6])
    assert stopped.numpy().tolist() == [2.0]


def test_in_losses_layers_and_metrics():
    def host_error(y_true, y_pred):
        return ops.py_function(
            lambda t, p: ((t - p) ** 2).mean(axis=1),
            [y_true, y_pred],
            (None,),
            gradient=lambda t, p, g: (None, (p - t) * 2 * g[:, None] / t.shape[1]),
        )

    class Own(layers.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones")

        def call(self, inputs):
            return softsign(inputs * self.scale)

    def make(loss):
        andiron.set_random_seed(1)
        model = Sequential([Input((4,)), layers.Dense(5), Own(), layers.Dense(1)])
        model.compile(optimizers.SGD(0.05), loss, metrics=[host_error])
        return model

    a, b = make(host_error), make(losses.MeanSquaredError())
    ha = a.fit(X, Y, epochs=2, verbose=0, seed=0).history
    hb = b.fit(X, Y, epochs=2, verbose=0, seed=0).history
    np.testing.assert_allclose(ha["loss"], hb["loss"], rtol=1e-5)
    np.testing.assert_allclose(ha["host_error"], ha["loss"], rtol=1e-5)


def test_on_symbolic_tensors_it_is_a_layer():
    a, b = Input((4,)), Input((1,))
    out = ops.py_function(lambda x, y: x * y, [a, b], (None, 4))
    model = Model([a, b], out)
    np.testing.assert_allclose(model.predict([X, Y]), X * Y)


class Boom(Exception):
    pass


def test_an_exception_is_the_users_own_and_the_model_stays_usable():
    armed = []

    def careful(a):
        if armed:
            raise Boom("at work")
        return a

    def layer(x):
        return ops.py_function(careful, x, gradient=lambda a, g: g)

    model = network(layer, width=300)
    model.fit(X, Y, verbose=0)
    before, expected = model.get_weights(), model.predict(X)
    armed.append(1)
    for call in (lambda: model.fit(X, Y, verbose=0), lambda: model.predict(X)):
        with pytest.raises(Boom, match="at work") as caught:
            call()
        assert caught.traceback[-1].name == "careful"
    with pytest.raises(Boom):
        model.evaluate(X, Y)
    armed.clear()
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(model.predict(X), expected)
    assert np.isfinite(model.fit(X, Y, verbose=0).history["loss"][0])


def test_results_that_were_not_promised_are_refused():
    with pytest.raises(andiron.Error, match=r"'bad' must return float32\[3\].*got float32\[2\]"):
        ops.py_function(lambda a: a[:2], np.zeros(3, np.float32), name="bad")
    with pytest.raises(andiron.Error, match=r"int64\[3\].*got float32"):
        ops.py_function(lambda a: a + np.float32(0.5), np.zeros(3, np.float32), (3,), "int64")
    with pytest.raises(TypeError, match="numbers are needed"):
        ops.py_function(lambda a: "text", np.zeros(3, np.float32))
    with pytest.raises(andiron.Error, match="must return 2 arrays; got 1"):
        ops.py_function(lambda a: (a,), np.zeros(3, np.float32), [(3,), (3,)])
    with pytest.raises(TypeError, match="takes a function"):
        ops.py_function(3, np.zeros(3))
    with pytest.raises(andiron.Error, match="first input, which is a scalar"):
        ops.py_function(lambda a: a, np.float32(1), (None,))


def test_arguments_may_be_kept_and_changed():
    kept = []

    def keep(a):
        kept.append(a)
        a *= 0
        return a + 1

    model = network(lambda x: ops.py_function(keep, x, gradient=lambda a, g: g))
    model.fit(X, Y, epochs=2, verbose=0)
    del model
    gc.collect()
    assert all((a == 0).all() for a in kept) and len({a.ctypes.data for a in kept}) == len(kept)


def test_it_may_run_andiron_itself():
    inner = network(softsign_of_ops)

    def predict(a):
        return inner.predict(a) + np.asarray(ops.sum(a, axes=(1,), keepdims=True))

    expected = predict(X)
    for rows in (False, True):
        outer = Sequential(
            [
                Input((4,)),
                layers.Lambda(
                    lambda x, rows=rows: ops.py_function(predict, x, (None, 1), rows=rows)
                ),
            ]
        )
        for n in (1, 300, 5000):
            data = np.tile(X, (17, 1))[:n]
            np.testing.assert_allclose(
                outer.predict(data), np.tile(expected, (17, 1))[:n], rtol=1e-4, atol=1e-5
            )


def test_threads_do_not_wait_for_each_other_for_ever():
    """Some hold the interpreter's lock and want the lane, one has the lane and wants the lock."""
    model = network(lambda x: softsign(x), width=512)
    data = np.tile(X, (10, 1))
    expected = model.predict(data)
    stop = threading.Event()
    failures = []

    def build():
        while not stop.is_set():
            layers.Dense(700).build((None, 700))  # first values are drawn on the lane

    def predict():
        for _ in range(15):
            if not np.array_equal(model.predict(data), expected):
                failures.append("another result")

    builder = threading.Thread(target=build, daemon=True)
    workers = [threading.Thread(target=predict, daemon=True) for _ in range(3)]
    for t in (builder, *workers):
        t.start()
    deadline = time.monotonic() + 60
    for t in workers:
        t.join(max(0.0, deadline - time.monotonic()))
    stop.set()
    assert not any(t.is_alive() for t in workers), "deadlock"
    assert failures == []


def test_equal_calls_are_not_merged_nor_folded():
    calls = []

    def draw(a):
        calls.append(1)
        return a + len(calls)

    x = andiron.constant(np.zeros(2, np.float32))
    graph = andiron.Graph([], [ops.py_function(draw, x), ops.py_function(draw, x)])
    assert "host_function" in graph.print() and "draw" in graph.print()
    plan = andiron.Plan.compile(graph)
    assert calls == []
    assert [float(t.numpy()[0]) for t in plan.run()] == [1.0, 2.0]
    plan.run()
    assert len(calls) == 4


def test_a_model_with_one_is_not_saved(tmp_path):
    model = network(softsign)
    model.fit(X, Y, verbose=0)
    for save in (lambda: model.save(tmp_path / "m.safetensors"), lambda: pickle.dumps(model)):
        with pytest.raises(andiron.Error, match=r"\[save\] 'softsign'.*cannot be saved"):
            save()
    assert list(tmp_path.iterdir()) == []
    # Training checkpoints hold no code, and weights can be carried over.
    model.fit(X, Y, verbose=0, checkpoint_dir=tmp_path)
    other = network(softsign)
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(other.predict(X), model.predict(X))


def test_functions_are_let_go_with_their_model():
    def make():
        def identity(a):
            return a

        model = Sequential([Input((4,)), layers.Lambda(lambda x: ops.py_function(identity, x))])
        model.predict(X)
        return model, weakref.ref(identity)

    model, function = make()
    assert function() is not None
    del model
    gc.collect()
    assert function() is None


def test_a_callback_may_stop_it():
    class Stop(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    model = network(softsign)
    assert len(model.fit(X, Y, epochs=5, callbacks=[Stop()], verbose=0).history["loss"]) == 1
