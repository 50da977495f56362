"""compile, fit, evaluate, predict, save, load."""

import copy
import pickle

import numpy as np
import pytest

import andiron
from andiron import Input, Model, Sequential, callbacks, layers, losses, metrics, ops, optimizers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 5)).astype(np.float32)
W = RNG.normal(size=(5, 1)).astype(np.float32)
Y = (X @ W + 0.1).astype(np.float32)


@pytest.fixture(autouse=True)
def seeded():
    andiron.set_random_seed(7)


def linear(**kwargs):
    model = Sequential([Input((5,)), layers.Dense(1)])
    model.compile(optimizers.Adam(0.05), "mse", **kwargs)
    return model


def test_a_line_is_learnt():
    model = linear(metrics=["mae"])
    history = model.fit(X, Y, epochs=40, batch_size=32, verbose=0)
    assert history.epoch == list(range(40))
    assert set(history.history) == {"loss", "mae"}
    assert history.history["loss"][-1] < 1e-3
    np.testing.assert_allclose(model.layers[0].kernel.numpy(), W, atol=0.05)
    loss, mae = model.evaluate(X, Y, verbose=0)
    assert loss == pytest.approx(np.mean((model.predict(X) - Y) ** 2), rel=1e-4)
    assert mae == pytest.approx(np.mean(np.abs(model.predict(X) - Y)), rel=1e-4)


def test_names_alone_are_enough_and_the_model_builds_itself():
    model = Sequential([layers.Dense(4, "relu"), layers.Dense(1)])
    model.compile("adam", "mse")
    assert len(model.fit(X, Y, verbose=0).history["loss"]) == 1
    assert model.predict(X[:3]).shape == (3, 1)


def test_same_seed_same_bits():
    def train():
        andiron.set_random_seed(3)
        model = Sequential(
            [Input((5,)), layers.Dense(8, "relu"), layers.Dropout(0.3), layers.Dense(1)]
        )
        model.compile("adam", "mse")
        model.fit(X, Y, epochs=3, batch_size=24, verbose=0)
        return model.get_weights()

    for a, b in zip(train(), train(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_dropout_draws_in_training_only():
    model = Sequential([Input((5,)), layers.Dropout(0.5)])
    np.testing.assert_array_equal(model.predict(X), X)


def test_two_embeddings_and_an_mlp_learn_together():
    n = 2000
    users, items = RNG.integers(0, 30, n), RNG.integers(0, 40, n)
    label = ((users + items) % 2).astype(np.float32)
    u, i = Input((1,), dtype="int32", name="user"), Input((1,), dtype="int32", name="item")
    a = layers.Flatten()(layers.Embedding(30, 8)(u))
    b = layers.Flatten()(layers.Embedding(40, 8)(i))
    h = layers.Dense(16, activation="relu")(layers.Concatenate()([a, b]))
    out = layers.Dense(1, activation="sigmoid")(
        layers.Concatenate()([h, layers.Multiply()([a, b])])
    )
    model = Model([u, i], out)
    model.compile(optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy", "AUC"])
    data = {"user": users, "item": items}
    history = model.fit(data, label, epochs=15, batch_size=100, verbose=0).history
    assert history["loss"][-1] < 0.3 < history["loss"][0]
    assert history["accuracy"][-1] > 0.9
    # By list and by dict is the same.
    np.testing.assert_array_equal(model.predict([users, items]), model.predict(data))


def test_several_outputs():
    x = Input((5,))
    h = layers.Dense(8, "tanh")(x)
    model = Model(x, [layers.Dense(1, name="a")(h), layers.Dense(1, "sigmoid", name="b")(h)])
    model.compile(
        "adam",
        {"a": "mse", "b": "binary_crossentropy"},
        loss_weights={"a": 2.0, "b": 1.0},
        metrics={"b": ["accuracy"]},
    )
    label = (Y > 0).astype("float32")
    logs = model.evaluate(X, {"a": Y, "b": label}, return_dict=True, verbose=0)
    assert list(logs) == ["loss", "a_loss", "b_loss", "b_accuracy"] == model.metrics_names
    assert logs["loss"] == pytest.approx(2 * logs["a_loss"] + logs["b_loss"], rel=1e-5)
    model.fit(X, [Y, label], epochs=2, verbose=0)
    assert [p.shape for p in model.predict(X)] == [(200, 1), (200, 1)]


def test_validation_data_and_split():
    model = linear()
    history = model.fit(X, Y, epochs=2, verbose=0, validation_split=0.25, shuffle=False)
    assert set(history.history) == {"loss", "val_loss"}
    last = model.evaluate(X[150:], Y[150:], verbose=0)
    assert history.history["val_loss"][-1] == pytest.approx(last, rel=1e-5)
    history = model.fit(X, Y, validation_data=(X[:9], Y[:9]), verbose=0)
    assert history.history["val_loss"][0] == pytest.approx(model.evaluate(X[:9], Y[:9]), rel=1e-5)


def test_a_sample_weight_of_zero_leaves_the_sample_out():
    wrong = Y.copy()
    wrong[::2] = 100.0
    weight = np.ones(200)
    weight[::2] = 0.0
    model = linear()
    model.fit(X, wrong, sample_weight=weight, epochs=60, verbose=0)
    np.testing.assert_allclose(model.predict(X), Y, atol=0.2)


def test_pandas_in():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abcde"))
    model = linear()
    model.fit(frame, pd.Series(Y[:, 0]), epochs=1, verbose=0)
    np.testing.assert_array_equal(model.predict(frame), model.predict(X))


def test_a_saved_model_predicts_and_trains_on_alike(tmp_path):
    model = linear(metrics=["mae"])
    model.fit(X, Y, epochs=2, verbose=0, seed=1)
    model.save(tmp_path / "m.safetensors")
    loaded = andiron.load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    for m in (model, loaded):
        m.fit(X, Y, epochs=2, verbose=0, seed=2)  # with Adam's moments and step
    np.testing.assert_array_equal(loaded.get_weights()[0], model.get_weights()[0])
    assert loaded.metrics_names == ["loss", "mae"]
    safetensors = pytest.importorskip("safetensors.numpy")
    stored = safetensors.load_file(tmp_path / "m.safetensors")
    assert any(v.shape == (5, 1) for v in stored.values())


def test_pickle_and_copy():
    model = linear()
    model.fit(X, Y, verbose=0)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(other.predict(X), model.predict(X))


def test_weights_alone(tmp_path):
    model = linear()
    model.save_weights(tmp_path / "w.safetensors")
    other = linear()
    other.load_weights(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(other.predict(X), model.predict(X))


def test_frozen_layers_stay():
    model = Sequential([Input((5,)), layers.Dense(4, "tanh"), layers.Dense(1)])
    model.layers[0].trainable = False
    model.compile(optimizers.SGD(0.1), "mse")
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    after = model.get_weights()
    np.testing.assert_array_equal(before[0], after[0])
    assert (before[2] != after[2]).any()


class Scale(layers.Layer):
    """A layer of one's own, with a layer inside."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.Dense(units, activation="tanh")

    def build(self, input_shape):
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")

    def call(self, inputs, training=False):
        x = inputs * self.factor
        return self.inner(x * 0.5 if training else x)


def test_a_layer_of_ones_own_trains_and_loads_without_its_class(tmp_path):
    model = Sequential([Input((5,)), Scale(6), layers.Dense(1)])
    model.compile(optimizers.Adam(0.02), "mse")
    before = model.get_weights()
    history = model.fit(X, Y, epochs=10, verbose=0).history["loss"]
    assert history[-1] < history[0]
    changed = [(a != b).any() for a, b in zip(before, model.get_weights(), strict=True)]
    assert len(changed) == 5 and all(changed)
    model.save(tmp_path / "own.safetensors")
    loaded = andiron.load_model(tmp_path / "own.safetensors")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    for m in (model, loaded):
        m.fit(X, Y, epochs=1, verbose=0, seed=5)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_a_layer_that_reads_values_says_what_to_do():
    class Reads(layers.Layer):
        def call(self, inputs):
            return inputs if inputs > 0 else -inputs

    with pytest.raises(andiron.Error, match="ops.where"):
        Sequential([Input((5,)), Reads()]).predict(X)


def test_losses_and_metrics_of_ones_own(tmp_path):
    def quartic(y_true, y_pred):
        return ops.mean(ops.power(y_true - y_pred, 4.0), axes=[-1])

    class Largest(metrics.Metric):
        def __init__(self):
            self.value = 0.0
            super().__init__("largest")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.value = max(self.value, float(np.abs(y_true - y_pred).max()))

        def result(self):
            return self.value

    model = Sequential([Input((5,)), layers.Dense(1)])
    model.compile("adam", quartic, metrics=[Largest()])
    model.fit(X, Y, epochs=2, verbose=0)
    loss, largest = model.evaluate(X, Y, verbose=0)
    error = np.abs(model.predict(X) - Y)
    assert loss == pytest.approx((error**4).mean(), rel=1e-4)
    assert largest == pytest.approx(error.max(), rel=1e-5)
    model.save(tmp_path / "q.safetensors")
    again = andiron.load_model(tmp_path / "q.safetensors")
    assert again.evaluate(X, Y, verbose=0) == pytest.approx(loss, rel=1e-6)


def test_a_model_class_of_ones_own():
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.hidden, self.out = layers.Dense(8, "relu"), layers.Dense(1)

        def call(self, inputs):
            return self.out(self.hidden(inputs))

    model = Net()
    model.compile("adam", "mse")
    history = model.fit(X, Y, epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert model.predict(X).shape == (200, 1)


def test_early_stopping_restores_the_best_weights():
    seen = []

    class Keep(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((logs["loss"], self.model.get_weights()[0]))

    model = linear()
    # A rate that is far too large: the loss goes up.
    model.compile(optimizers.SGD(1.5), "mse")
    stop = callbacks.EarlyStopping(monitor="loss", patience=2, restore_best_weights=True)
    model.fit(X, Y, epochs=50, batch_size=200, verbose=0, callbacks=[Keep(), stop], on_nan="ignore")
    assert stop.stopped_epoch == stop.best_epoch + 2 == len(seen) - 1
    best = int(np.argmin([loss for loss, _ in seen]))
    assert best == stop.best_epoch
    np.testing.assert_array_equal(model.get_weights()[0], seen[best][1])


def test_hooks_come_in_kerass_order():
    order = []

    class Log(callbacks.Callback):
        def __getattribute__(self, name):
            return super().__getattribute__(name)

    for hook in [h for h in dir(callbacks.Callback) if h.startswith("on_")]:
        setattr(Log, hook, lambda self, *args, hook=hook: order.append(hook))
    linear().fit(
        X[:4], Y[:4], batch_size=2, verbose=0, callbacks=[Log()], validation_data=(X[:2], Y[:2])
    )
    batch = ["on_train_batch_begin", "on_train_batch_end"]
    test = ["on_test_begin", "on_test_batch_begin", "on_test_batch_end", "on_test_end"]
    assert order == [
        "on_train_begin",
        "on_epoch_begin",
        *batch,
        *batch,
        *test,
        "on_epoch_end",
        "on_train_end",
    ]


def test_a_callback_stops_training_and_sets_the_rate():
    class Stop(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 2

    model = linear()
    rates = callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))
    assert len(model.fit(X, Y, epochs=9, verbose=0, callbacks=[Stop(), rates]).epoch) == 3
    assert model.optimizer.learning_rate == pytest.approx(0.1 / 3)


def test_model_checkpoint_writes_files(tmp_path):
    model = linear()
    path = str(tmp_path / "m-{epoch:02d}-{loss:.2f}.safetensors")
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[callbacks.ModelCheckpoint(path)])
    names = sorted(p.name for p in tmp_path.iterdir())
    assert [n[:4] for n in names] == ["m-01", "m-02", "m-03"]
    loaded = andiron.load_model(tmp_path / names[-1])
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_the_progress_bar(capsys):
    linear(metrics=["mae"]).fit(X, Y, epochs=2, batch_size=20)
    text = capsys.readouterr().out
    assert "Epoch 2/2" in text and "10/10" in text and "mae: " in text


def test_schedules_reach_the_steps():
    model = linear()
    model.compile(optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)), "mse")
    assert model.optimizer.learning_rate == pytest.approx(0.1)
    model.fit(X, Y, batch_size=100, verbose=0)
    assert model.optimizer.iterations == 2
    assert model.optimizer.learning_rate == pytest.approx(0.025)


def test_a_group_of_parameters_has_its_own_optimizer():
    model = Sequential([Input((5,)), layers.Dense(4, name="slow"), layers.Dense(1, name="fast")])
    frozen = optimizers.SGD(1e-30)
    model.compile(optimizers.Groups({"slow": frozen}, default=optimizers.SGD(0.1)), "mse")
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    np.testing.assert_allclose(before[0], model.get_weights()[0], atol=1e-20)
    assert (before[2] != model.get_weights()[2]).any()


def test_train_on_batch():
    model = linear()
    first = model.train_on_batch(X, Y)
    assert model.train_on_batch(X, Y) < first
    assert model.test_on_batch(X, Y) == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-4)


def test_summary_and_layers(capsys):
    model = linear()
    model.summary()
    assert "Dense" in capsys.readouterr().out
    assert model.count_params() == 6
    assert model.get_layer("dense") is model.layers[0]
    with pytest.raises(andiron.Error, match="dense"):
        model.get_layer("nothing")


def test_losses_of_arrays_are_numbers():
    t, p = np.array([[0.0], [1.0]], np.float32), np.array([[0.2], [0.7]], np.float32)
    bce = float(losses.BinaryCrossentropy()(t, p))
    assert bce == pytest.approx(-(np.log(0.8) + np.log(0.7)) / 2, rel=1e-5)
    assert float(losses.MeanSquaredError(reduction="sum")(t, p)) == pytest.approx(0.13, rel=1e-5)


def test_negatives_are_drawn_in_the_core():
    from andiron import datasets

    users, items = np.arange(40) % 10, RNG.integers(0, 20, 40)
    met = set(zip(users.tolist(), items.tolist(), strict=True))
    source = datasets.negative_sampling(users, items, 10, 20, negatives=3, batch_size=16, seed=1)
    drawn = []
    for epoch in (0, 1, 0):
        source.start(epoch)
        rows = []
        while (batch := source.next()) is not None:
            (user, item), (label,), _ = batch
            rows += zip(user.numpy()[:, 0], item.numpy()[:, 0], label.numpy()[:, 0], strict=True)
        drawn.append([tuple(map(int, row)) for row in rows])
    assert drawn[0] == drawn[2] != drawn[1]
    assert len(drawn[0]) == 160
    assert all(((u, i) in met) == (label == 1) for u, i, label in drawn[0])

    u, i = Input((1,), dtype="int32", name="user"), Input((1,), dtype="int32", name="item")
    e = layers.Concatenate()([layers.Embedding(10, 4)(u), layers.Embedding(20, 4)(i)])
    model = Model([u, i], layers.Dense(1, "sigmoid")(layers.Flatten()(e)))
    model.compile("adam", "binary_crossentropy")
    history = model.fit(source, epochs=3, verbose=0)
    assert len(history.history["loss"]) == 3


def test_layers_of_ones_own_are_collected():
    import gc
    import weakref

    def train():
        layer = Scale(6)
        model = Sequential([Input((5,)), layer, layers.Dense(1)])
        model.compile("adam", "mse")
        model.fit(X, Y, verbose=0)
        gc.collect()  # while it is in use
        model.fit(X, Y, verbose=0)
        return weakref.ref(layer)

    gone = train()
    gc.collect()
    gc.collect()
    assert gone() is None


def test_predict_sees_at_most_batch_size_rows():
    seen = []

    def note(a):
        seen.append(len(a))
        return a

    plain = linear()
    noting = Sequential([Input((5,)), layers.Lambda(lambda x: ops.py_function(note, x))])
    x = RNG.normal(size=(70, 5)).astype(np.float32)
    for batch_size, sizes in [(32, [32, 32, 6]), (np.int64(70), [70]), (1000, [70]), (None, [70])]:
        seen.clear()
        noting.predict(x, batch_size=batch_size)
        assert seen == sizes
        np.testing.assert_allclose(
            plain.predict(x, batch_size=batch_size), plain.predict(x), rtol=1e-5, atol=1e-6
        )
    assert plain.predict(x, batch_size=10, steps=2).shape == (20, 1)
    for wrong in (0, -1):
        with pytest.raises(andiron.Error, match=r"\[predict\] batch_size must be at least 1"):
            plain.predict(x, batch_size=wrong)
    with pytest.raises(TypeError, match="batch_size must be an integer"):
        plain.predict(x, batch_size=2.5)


@pytest.mark.parametrize("n", [1, 17, 35, 100, 2500])
def test_a_layer_may_mix_the_rows_of_a_batch(n):
    """Predictions are not padded then."""

    def centred(x):
        return x - ops.mean(x, axes=(0,), keepdims=True)

    model = Sequential([Input((5,)), layers.Lambda(centred)])
    x = RNG.normal(size=(n, 5)).astype(np.float32) + 3
    if n <= 1024:
        np.testing.assert_allclose(model.predict(x), x - x.mean(0), atol=1e-5)
    parts = [x[i : i + 33] for i in range(0, n, 33)]
    np.testing.assert_allclose(
        model.predict(x, batch_size=33), np.concatenate([p - p.mean(0) for p in parts]), atol=1e-5
    )


def test_evaluate_does_not_depend_on_batch_size_and_takes_steps():
    model = linear(metrics=["mae", metrics.AUC()])
    label = (Y > 0).astype(np.float32)
    whole = model.evaluate(X, label, batch_size=200)
    for batch_size in (1, 7, 64, 1000):
        np.testing.assert_allclose(model.evaluate(X, label, batch_size), whole, rtol=1e-5)
    np.testing.assert_allclose(
        model.evaluate(X, label, batch_size=20, steps=3), model.evaluate(X[:60], label[:60])
    )


def test_logs_of_batches_hold_running_metrics():
    lines, tests = [], []

    class Watch(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            lines.append((batch, dict(logs)))

        def on_test_batch_end(self, batch, logs=None):
            tests.append(dict(logs))

    model = linear(metrics=["mae", metrics.AUC()])
    label = (Y > 0).astype(np.float32)
    history = model.fit(
        X, label, batch_size=64, verbose=0, shuffle=False, callbacks=[Watch()],
        validation_data=(X, label), validation_batch_size=50,
    ).history  # fmt: skip
    assert [batch for batch, _ in lines] == [0, 1, 2, 3]
    assert all(list(logs) == ["loss", "mae", "auc"] for _, logs in lines)
    assert len(tests) == 4 and tests[-1]["mae"] == pytest.approx(history["val_mae"][0])
    for name in ("loss", "mae", "auc"):
        assert lines[-1][1][name] == pytest.approx(history[name][0])
    andiron.set_random_seed(7)
    error = np.abs(linear().predict(X[:64]) - label[:64]).mean()  # of the rows so far
    assert lines[0][1]["mae"] == pytest.approx(error, rel=1e-5)


def test_metrics_of_batches_cost_nothing_where_nobody_looks():
    asked = []

    class Counting(metrics.Metric):
        def __init__(self):
            self.n = 0.0
            super().__init__("counting")

        def update_state(self, y_true, y_pred):
            self.n += len(y_true)

        def result(self):
            asked.append(self.n)
            return self.n

    class Ends(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            assert logs["counting"] == 200

    linear(metrics=[Counting()]).fit(X, Y, batch_size=20, verbose=1, callbacks=[Ends()])
    assert asked == [200]


def test_checkpoints_within_an_epoch_may_name_metrics(tmp_path):
    path = tmp_path / "m-{epoch}-{mae:.2f}.safetensors"
    linear(metrics=["mae"]).fit(
        X, Y, batch_size=50, verbose=0, callbacks=[callbacks.ModelCheckpoint(path, save_freq=3)]
    )
    assert len(list(tmp_path.glob("m-1-*.safetensors"))) == 1


@pytest.mark.parametrize("weights", [{"a": 1.0, "b": 0.25}, [1.0, 0.25], 0.5, None])
def test_loss_weights_come_back_from_files(tmp_path, weights):
    x = Input((5,))
    model = Model(x, [layers.Dense(1, name="a")(x), layers.Dense(1, name="b")(x)])
    model.compile("sgd", "mse", loss_weights=weights)
    model.fit(X, [Y, Y], verbose=0)
    model.save(tmp_path / "m.safetensors")
    loaded = andiron.load_model(tmp_path / "m.safetensors")
    assert loaded.evaluate(X, [Y, Y]) == model.evaluate(X, [Y, Y])


def test_dicts_of_tensors_name_the_data():
    a, b = Input((5,)), Input((1,))
    h = layers.Concatenate()([layers.Dense(2)(a), b])
    model = Model(
        {"first": a, "second": b}, {"low": layers.Dense(1)(h), "high": layers.Dense(1)(h)}
    )
    model.compile("sgd", {"low": "mse", "high": "mae"}, metrics={"high": ["mse"]})
    data, targets = {"second": Y, "first": X}, {"high": Y, "low": Y}
    assert set(model.fit(data, targets, verbose=0).history) == {
        "loss", "low_loss", "high_loss", "high_mse",
    }  # fmt: skip
    np.testing.assert_array_equal(model.predict(data)["low"], model.predict([X, Y])["low"])


def test_a_loaded_stack_grows_and_shrinks(tmp_path):
    linear().save(tmp_path / "m.safetensors")
    model = andiron.load_model(tmp_path / "m.safetensors")
    model.add(layers.Dense(3))
    assert model.predict(X).shape == (200, 3)
    model.pop()
    assert model.predict(X).shape == (200, 1)


def test_an_error_in_a_schedule_is_the_users():
    def broken(epoch, rate):
        return rate + None

    with pytest.raises(TypeError, match="NoneType"):
        linear().fit(X, Y, verbose=0, callbacks=[callbacks.LearningRateScheduler(broken)])


@pytest.mark.parametrize("batch_size", [7, 32, 200])
def test_penalties_do_not_depend_on_the_batch_size(batch_size):
    dense = layers.Dense(2, kernel_regularizer="l2", activity_regularizer="l1")
    model = Sequential([Input((5,)), dense])
    model.compile("sgd", "mse")
    y, kernel = model.predict(X), dense.kernel.numpy()
    penalty = 0.01 * np.abs(y).sum() / len(X) + 0.01 * (kernel**2).sum()
    assert model.evaluate(X, y, batch_size) == pytest.approx(penalty, rel=1e-5)


def test_a_compile_that_fails_leaves_the_one_before():
    model = andiron.Sequential([andiron.Input((2,)), andiron.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(andiron.Error, match="acuracy"):
        model.compile("adam", "mse", metrics=["acuracy"])
    model.fit(np.zeros((4, 2)), np.zeros(4), verbose=0)
