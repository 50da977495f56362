"""fit and evaluate by several workers: threads as ranks, each with a model of one thread."""

from __future__ import annotations

import threading

import numpy as np
import pandas as pd
import pytest

import andiron
from andiron import data, layers, losses, ops, optimizers
from andiron.collective import AbortedError, Communicator, Listener

ROWS, BATCH = 150, 32


def table(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(ROWS, 3)).astype("f")
    who = rng.integers(0, 500, ROWS)
    y = (x[:, 0] + 0.3 * rng.normal(size=ROWS) > 0.3).astype("f")
    return pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "who": who, "y": y})


def shard_of(i: np.ndarray) -> np.ndarray:
    return np.select([i < 90, i < 91, i < 120], [0, 1, 2], 4)  # uneven; none has number 3


def shards(rows: pd.DataFrame, rank: int, size: int) -> data.Shards:
    number = shard_of(np.arange(len(rows)))
    return data.Shards(
        {
            int(n): data.from_arrow(
                rows[number == n], features={"x": ["a", "b", "c"], "who": "who"}, label="y"
            )
            for n in np.unique(number)
            if n % size == rank
        }
    )


def model(optimizer=None):
    andiron.set_random_seed(5)
    x, who = andiron.Input((3,), name="x"), andiron.Input((), dtype="int32", name="who")
    h = layers.Concatenate()([x, layers.Embedding(500, 4)(who)])
    m = andiron.Model([x, who], layers.Dense(1)(layers.Dense(6, "tanh")(h)))
    m.compile(
        optimizer or optimizers.Adam(0.02, epsilon=1e-3),
        losses.BinaryCrossentropy(from_logits=True),
        metrics=["AUC"],
        threads=1,
    )
    return m


def on_ranks(size: int, work):
    """work(rank, communicator) on a thread for each rank; results or errors by rank."""
    listeners = [Listener("127.0.0.1") for _ in range(size)]
    addresses = [listener.address for listener in listeners]
    out: list = [None] * size

    def run(rank: int) -> None:
        try:
            with Communicator(
                listeners[rank], rank, addresses, b"a secret of this job", heartbeat_timeout=20
            ) as communicator:
                out[rank] = work(rank, communicator)
        except BaseException as error:
            out[rank] = error

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a rank hangs"
    return out


def trained(size: int, models: list, **settings):
    rows = table()

    def work(rank, communicator):
        return models[rank].fit(
            shards(rows, rank, size), batch_size=BATCH, epochs=4, verbose=0, seed=1,
            workers=communicator, validation_data=shards(rows, rank, size), **settings,
        )  # fmt: skip

    return on_ranks(size, work)


def weights(m) -> np.ndarray:
    return np.concatenate([np.asarray(w).ravel() for w in m.get_weights()])


@pytest.mark.parametrize("size", [2, 3, 5])
def test_workers_train_what_one_trains(size):
    one = [model()]
    (alone,) = trained(1, one)
    models = [model() for _ in range(size)]
    models[1].set_weights([np.asarray(w) * 0 for w in models[1].get_weights()])  # rank 0's count
    histories = trained(size, models)
    for m, history in zip(models, histories, strict=True):
        assert not isinstance(history, BaseException), history
        np.testing.assert_array_equal(weights(m), weights(models[0]))
        assert history.history == histories[0].history
        assert m._compiled.step == 4 * 5
    np.testing.assert_allclose(weights(models[0]), weights(one[0]), atol=2e-5)
    for name, values in alone.history.items():
        np.testing.assert_allclose(histories[0].history[name], values, atol=2e-4, err_msg=name)


def test_balanced_weights_are_of_the_classes_of_all_workers():
    counts = table()["y"].astype(int).value_counts()
    told = {c: ROWS / (2 * int(n)) for c, n in counts.items()}
    balanced, given = [model() for _ in range(3)], [model() for _ in range(3)]
    for models, weight in ((balanced, "balanced"), (given, told)):
        for history in trained(3, models, class_weight=weight):
            assert not isinstance(history, BaseException), history
    np.testing.assert_array_equal(weights(balanced[0]), weights(given[0]))


@pytest.mark.parametrize(
    "make",
    [
        lambda: optimizers.Nadam(0.01, epsilon=1e-3),  # tables by rows
        lambda: optimizers.Lamb(0.02, epsilon=1e-3),  # as a whole
        lambda: optimizers.Adam(0.02, epsilon=1e-3, use_ema=True, ema_momentum=0.9),
    ],
)
def test_every_kind_of_optimizer_has_workers(make):
    one, models = [model(make())], [model(make()) for _ in range(2)]
    trained(1, one)
    for history in trained(2, models):
        assert not isinstance(history, BaseException), history
    np.testing.assert_array_equal(weights(models[1]), weights(models[0]))
    np.testing.assert_allclose(weights(models[0]), weights(one[0]), atol=2e-5)


def test_a_search_along_lines_is_refused():
    for error in trained(2, [model(optimizers.LBFGS()), model(optimizers.LBFGS())]):
        assert "train it on one worker" in str(error)


def test_a_model_trained_by_workers_goes_on_alone():
    models = [model(), model()]
    trained(2, models)
    for m in models:
        rows = {"x": np.zeros((3, 3), "f"), "who": np.arange(3)}, np.ones(3)
        before = m.evaluate(*rows, verbose=0)
        m.fit(*rows, epochs=3, verbose=0, shuffle=False)  # another order rounds otherwise
        after = m.evaluate(*rows, verbose=0)
        assert after[0] < before[0]
    np.testing.assert_array_equal(weights(models[0]), weights(models[1]))


def test_evaluate_counts_the_rows_of_all():
    rows = table()
    models = [model() for _ in range(3)]
    found = on_ranks(
        3, lambda rank, c: models[rank].evaluate(shards(rows, rank, 3), batch_size=7, workers=c)
    )
    x = {"x": rows[["a", "b", "c"]].to_numpy(), "who": rows["who"].to_numpy()}
    want = models[0].evaluate(x, rows["y"].to_numpy(), verbose=0)
    for got in found:
        np.testing.assert_allclose(got, want, rtol=1e-5)


class Hits(andiron.metrics.Metric):
    def __init__(self):
        super().__init__("hits")
        self.hits = self.add_weight(name="hits")
        self.rows = self.add_weight(name="rows", initializer="ones")  # one before the first

    def update_state(self, y_true, y_pred):
        hit = ops.equal(ops.greater(y_pred, 0.0), ops.greater(y_true, 0.5))
        self.hits.assign_add(ops.sum(ops.cast(hit, "float32")))
        self.rows.assign_add(ops.sum(ops.cast(ops.less(y_true, 2.0), "float32")))

    def result(self):
        return self.hits / self.rows


def test_metrics_of_ones_own_are_merged():
    def distance(y_true, y_pred):
        return ops.absolute(y_true - y_pred)

    rows = table()
    models = [model() for _ in range(3)]
    for m in models:
        loss = losses.BinaryCrossentropy(from_logits=True)
        m.compile("adam", loss, metrics=[Hits(), distance], threads=1)
        assert not any(metric._why for _, _, metric, _ in m._metrics)
    found = on_ranks(
        3, lambda rank, c: models[rank].evaluate(shards(rows, rank, 3), batch_size=7, workers=c)
    )
    x = {"x": rows[["a", "b", "c"]].to_numpy(), "who": rows["who"].to_numpy()}
    y = rows["y"].to_numpy()
    p = models[0].predict(x)[:, 0]
    want = [((p > 0) == (y > 0.5)).sum() / (1 + ROWS), np.abs(y - p).mean()]
    for got in found:
        np.testing.assert_allclose(got[1:], want, rtol=1e-5)
    histories = trained(3, models)
    assert histories[0].history == histories[1].history == histories[2].history


def test_arrays_and_workers_without_rows():
    rows = table()
    cut = {0: slice(0, 100), 1: slice(0, 0), 2: slice(100, None)}
    models = [model() for _ in range(3)]

    def work(rank, communicator):
        part = rows[cut[rank]]
        x = {"x": part[["a", "b", "c"]].to_numpy(), "who": part["who"].to_numpy()}
        return models[rank].fit(
            x, part["y"].to_numpy(), batch_size=1000, epochs=3, verbose=0, workers=communicator
        )

    histories = on_ranks(3, work)
    assert len(histories[1].history["loss"]) == 3
    assert histories[0].history == histories[1].history == histories[2].history
    assert models[0]._compiled.step == 3  # a batch larger than the data is one step an epoch


def test_an_error_of_one_worker_reaches_all_with_its_words():
    models = [model() for _ in range(3)]

    class Broken(andiron.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                raise KeyError("price of house 17")

    rows = table()

    def work(rank, communicator):
        return models[rank].fit(
            shards(rows, rank, 3), batch_size=BATCH, epochs=4, verbose=0, workers=communicator,
            callbacks=[Broken()] if rank == 1 else [],
        )  # fmt: skip

    errors = on_ranks(3, work)
    assert isinstance(errors[1], KeyError)
    for rank in (0, 2):
        assert isinstance(errors[rank], AbortedError)
        assert errors[rank].rank == 1
        assert "price of house 17" in str(errors[rank])


def test_settings_that_differ_are_refused():
    rows = table()
    models = [model(), model()]
    errors = on_ranks(
        2,
        lambda rank, c: models[rank].fit(
            shards(rows, rank, 2), batch_size=10 + rank, verbose=0, workers=c
        ),
    )
    assert all("need the same batch_size; got 10 and 11" in str(e) for e in errors)
    errors = on_ranks(2, lambda rank, c: models[rank].fit(shards(rows, 0, 1), verbose=0, workers=c))
    assert all("two workers have a shard" in str(e) for e in errors)
    errors = on_ranks(2, lambda rank, c: models[rank].fit(data.Shards({}), verbose=0, workers=c))
    assert all("is empty" in str(e) for e in errors)


def test_gradients_may_travel_as_bfloat16():
    models = [model() for _ in range(2)]
    trained(2, models, wire_dtype="bfloat16")
    exact = [model() for _ in range(2)]
    trained(2, exact)
    np.testing.assert_array_equal(weights(models[0]), weights(models[1]))
    error = np.abs(weights(models[0]) - weights(exact[0])).max()
    assert 0 < error < 0.02


def test_rows_of_tables_travel_as_bfloat16_too():
    models, sent = [model() for _ in range(2)], {}
    rows = table()
    for wire in ("float32", "bfloat16"):

        def work(rank, communicator, wire=wire):
            models[rank].fit(
                shards(rows, rank, 2), batch_size=ROWS, verbose=0, workers=communicator,
                wire_dtype=wire,
            )  # fmt: skip
            return communicator.costs["allgather"]["payload_sent"]

        sent[wire] = on_ranks(2, work)[0]
    # Of rank 0's rows (4 floats each, and an id): what the others' halves save.
    occurring = len(np.unique(rows["who"][shard_of(np.arange(ROWS)) % 2 == 0]))
    assert sent["float32"] - sent["bfloat16"] == occurring * 4 * 2


def test_the_number_of_samples_is_not_rounded():
    def line(rank, communicator):
        m = andiron.Sequential([andiron.Input((1,)), layers.Dense(1, use_bias=False)])
        m.set_weights([np.zeros((1, 1), "f")])
        sgd = optimizers.SGD(0.5, gradient_accumulation_steps=2)
        m.compile(sgd, losses.MeanSquaredError(), threads=1)
        # 514 samples are no bfloat16; each worker's gradient is: -2 * 128, of one row.
        x, y = np.ones((257, 1), "f"), np.zeros((257, 1), "f")
        y[7] = 128
        m.fit(x, y, batch_size=257, epochs=1, verbose=0, workers=communicator,
              wire_dtype="bfloat16")  # fmt: skip
        return m.get_weights()[0].item()

    np.testing.assert_allclose(on_ranks(2, line), 0.5 * 512 / 514, rtol=1e-6)


def normalized(synchronized: bool, accumulation: int | None = None):
    andiron.set_random_seed(5)
    x = andiron.Input((3,), name="x")
    h = layers.BatchNormalization(momentum=0.5, synchronized=synchronized)(layers.Dense(6)(x))
    m = andiron.Model(x, layers.Dense(1)(layers.Activation("tanh")(h)))
    m.compile(
        optimizers.Adam(0.02, epsilon=1e-3, gradient_accumulation_steps=accumulation),
        losses.BinaryCrossentropy(from_logits=True), threads=1,
    )  # fmt: skip
    return m


def fit_normalized(size: int, models: list) -> list:
    rows = table()
    number = shard_of(np.arange(ROWS))

    def work(rank, communicator):
        mine = {
            int(n): data.from_arrow(rows[number == n], features={"x": ["a", "b", "c"]}, label="y")
            for n in np.unique(number)
            if n % size == rank
        }
        return models[rank].fit(data.Shards(mine), batch_size=BATCH, epochs=3, verbose=0, seed=1,
                                workers=communicator)  # fmt: skip

    return on_ranks(size, work)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_synchronized_moments_are_those_of_all_rows(size):
    one, models = [normalized(True)], [normalized(True) for _ in range(size)]
    fit_normalized(1, one)
    histories = fit_normalized(size, models)
    for m, history in zip(models, histories, strict=True):
        assert not isinstance(history, BaseException), history
        np.testing.assert_array_equal(weights(m), weights(models[0]))
    np.testing.assert_allclose(weights(models[0]), weights(one[0]), atol=3e-5)
    plain = [normalized(False)]
    fit_normalized(1, plain)
    np.testing.assert_allclose(weights(one[0]), weights(plain[0]), atol=3e-5)


@pytest.mark.parametrize("accumulation", [None, 2])
def test_running_moments_are_the_mean_over_the_workers(accumulation):
    models = [normalized(False, accumulation) for _ in range(3)]
    for history in fit_normalized(3, models):
        assert not isinstance(history, BaseException), history
    for m in models:
        np.testing.assert_array_equal(weights(m), weights(models[0]))
    one = [normalized(False, accumulation)]
    fit_normalized(1, one)
    mean = [np.asarray(m.get_weights()[4]) for m in (models[0], one[0])]
    np.testing.assert_allclose(*mean, atol=0.3)  # other moments in each step, of like rows


def test_synchronized_moments_and_accumulation_are_refused():
    errors = fit_normalized(2, [normalized(True, 2) for _ in range(2)])
    assert all("leave one of them out" in str(error) for error in errors)


def test_shards_without_rows_and_variables_without_axes():
    rows = table()

    class Scaled(layers.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

        def call(self, x):
            return x * self.scale

    def scaled():
        andiron.set_random_seed(5)
        x = andiron.Input((3,), name="x")
        m = andiron.Model(x, layers.Dense(1)(Scaled()(x)))
        m.compile("sgd", losses.BinaryCrossentropy(from_logits=True), threads=1)
        return m

    models = [scaled(), scaled()]

    def part(rank):
        cut = rows[:0] if rank == 1 else rows
        return data.Shards({rank: data.from_arrow(cut, features=["a", "b", "c"], label="y")})

    histories = on_ranks(
        2,
        lambda rank, c: models[rank].fit(
            part(rank), epochs=2, verbose=0, workers=c, validation_data=part(rank)
        ),
    )
    assert histories[0].history == histories[1].history, histories
    assert len(histories[0].history["val_loss"]) == 2


def test_a_callback_of_one_worker_stops_all():
    rows = table()
    models = [model(), model()]

    class Enough(andiron.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    histories = on_ranks(
        2,
        lambda rank, c: models[rank].fit(
            shards(rows, rank, 2), epochs=9, verbose=0, workers=c,
            callbacks=[Enough()] if rank == 0 else [],
        ),
    )  # fmt: skip
    assert [len(h.history["loss"]) for h in histories] == [2, 2]


def test_learning_rates_that_differ_are_an_error():
    rows = table()
    models = [model(), model()]
    slower = andiron.callbacks.LearningRateScheduler(lambda epoch, rate: 0.5 * rate)
    errors = on_ranks(
        2,
        lambda rank, c: models[rank].fit(
            shards(rows, rank, 2), epochs=3, verbose=0, workers=c,
            callbacks=[slower] if rank == 0 else [],
        ),
    )  # fmt: skip
    assert all("learning rate of the next step" in str(e) for e in errors)


def test_losses_that_are_sums_are_refused():
    rows = table()
    models = [model(), model()]
    for m in models:
        m.compile("sgd", losses.BinaryCrossentropy(from_logits=True, reduction="sum"), threads=1)
    errors = on_ranks(
        2, lambda rank, c: models[rank].fit(shards(rows, rank, 2), verbose=0, workers=c)
    )
    assert all("reduction sum" in str(e) for e in errors)


def test_workers_and_one_process_take_turns():
    rows = table()
    x = {"x": rows[["a", "b", "c"]].to_numpy(), "who": rows["who"].to_numpy()}
    alone, (one,) = model(), [model()]
    alone.fit(x, rows["y"].to_numpy(), batch_size=1000, epochs=9, verbose=0, shuffle=False)

    def work(rank, communicator):
        given = {"x": x, "y": rows["y"].to_numpy(), "batch_size": 1000, "verbose": 0,
                 "shuffle": False}  # fmt: skip
        one.fit(**given, epochs=3)
        one.fit(**given, epochs=3, workers=communicator)
        one.fit(**given, epochs=3)

    errors = on_ranks(1, work)
    assert errors == [None], errors
    np.testing.assert_allclose(weights(one), weights(alone), atol=2e-6)


def test_streams_of_files_are_shards(tmp_path):
    rows = table()
    number = shard_of(np.arange(ROWS))
    for n in np.unique(number):
        rows[number == n].to_parquet(tmp_path / f"{n}.parquet", row_group_size=7)

    def trained(stream: bool, size: int):
        def work(rank, communicator):
            own = {
                int(n): data.from_parquet(
                    tmp_path / f"{n}.parquet", {"x": ["a", "b", "c"], "who": "who"}, "y",
                    stream=stream,
                )
                for n in np.unique(number)
                if n % size == rank
            }  # fmt: skip
            m = model()
            m.fit(data.Shards(own), batch_size=BATCH, epochs=2, verbose=0, shuffle=False, seed=1,
                  workers=communicator)  # fmt: skip
            return m.get_weights()

        return on_ranks(size, work)[0]

    for size in (1, 2):
        for a, b in zip(trained(False, size), trained(True, size), strict=True):
            np.testing.assert_array_equal(a, b)


def test_batches_that_python_gives_are_no_shards():
    def work(rank, communicator):
        model().fit(iter([]), workers=communicator, verbose=0)

    assert "number is known" in str(on_ranks(1, work)[0])


@pytest.mark.parametrize("workers", [0, 2, "two", True])
def test_a_number_is_no_communicator(workers):
    x, y = np.zeros((4, 3), "f"), np.zeros((4, 1), "f")
    m = andiron.Sequential([andiron.Input((3,)), layers.Dense(1)])
    m.compile("sgd", "mse", threads=1)
    for call in (lambda: m.fit(x, y, workers=workers), lambda: m.fit(iter([]), workers=workers),
                 lambda: m.evaluate(x, y, workers=workers)):  # fmt: skip
        with pytest.raises(TypeError, match=f"workers is an .*Communicator.* got {workers!r}"):
            call()
