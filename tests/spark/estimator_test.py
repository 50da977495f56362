"""Training and prediction by Spark's workers, against the same on one machine."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import andiron
from andiron import callbacks, data, layers, losses, metrics, ops, optimizers
from andiron.collective import Communicator, Listener

ROWS = 230


class Twice(layers.Layer):
    """Defined here only: it travels as a graph."""

    def call(self, inputs):
        return ops.tanh(inputs) * 2.0


class Fourth(losses.Loss):
    """Likewise."""

    def call(self, y_true, y_pred):
        return ops.mean(ops.power(y_true - y_pred, 4.0), axes=(-1,))


class Worst(metrics.Metric):
    """Likewise, as code."""

    def __init__(self):
        self.total = 0.0
        super().__init__("absolute")

    def update_state(self, y_true, y_pred):
        self.total += float(np.abs(np.asarray(y_true).ravel() - np.asarray(y_pred).ravel()).sum())

    def result(self):
        return self.total


def table(rows: int = ROWS) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, rows))
    who = rng.integers(0, 30, rows).astype("int32")
    return pd.DataFrame(
        {"a": a, "b": b, "who": who, "y": a - 0.5 * b + 0.02 * who, "id": range(rows)}
    )


def model() -> andiron.Model:
    andiron.set_random_seed(7)
    x, who = andiron.Input((2,), name="x"), andiron.Input((), dtype="int32", name="who")
    h = layers.Concatenate()([Twice()(layers.Dense(4)(x)), layers.Embedding(30, 3)(who)])
    return andiron.Model([x, who], layers.Dense(1)(h))


FEATURES = {"x": ["a", "b"], "who": "who"}


def estimator(**settings):
    from andiron import spark

    given = {
        "model": model(), "loss": Fourth(), "optimizer": optimizers.Adam(0.01, epsilon=1e-3),
        "features": FEATURES, "label": "y", "batch_size": 48, "epochs": 3, "num_workers": 2,
        "seed": 5, "verbose": 0, **settings,
    }  # fmt: skip
    return spark.Estimator(**given)


def alone(frame, given, held_out=None) -> andiron.Model:
    """The same training in one process, without Spark's workers: shards are asked of Spark."""
    from andiron.spark import _shards

    tagged = _shards.dealt(frame, 1, _shards.DEFAULT_SHARDS, held_out).toPandas()
    rows: tuple[dict, dict] = ({}, {})
    for tag, part in tagged.groupby(_shards.TAG):
        shard, validates = divmod(tag, 2) if held_out else (tag, 0)
        rows[validates][int(shard)] = data.from_arrow(part, FEATURES, "y", content_order=True)
    one = model()
    one.compile(given.getOptimizer(), given.getLoss(), metrics=given.getMetrics())
    listener = Listener("127.0.0.1")
    with Communicator(listener, 0, [listener.address], b"a secret of this test") as communicator:
        one.fit(
            data.Shards(rows[0]), batch_size=given.getBatchSize(), epochs=given.getEpochs(),
            seed=given.getSeed(), validation_data=data.Shards(rows[1]) if held_out else None,
            verbose=0, workers=communicator,
        )  # fmt: skip
    return one


def assert_same_training(trained, one: andiron.Model) -> None:
    for ours, expected in zip(trained.native.get_weights(), one.get_weights(), strict=True):
        np.testing.assert_allclose(ours, expected, atol=2e-5)
    assert list(trained.history) == list(one.history.history)
    for name, values in one.history.history.items():
        np.testing.assert_allclose(trained.history[name], values, rtol=2e-4, err_msg=name)


def test_workers_train_what_one_process_trains(spark, capsys):
    rows = table().assign(held=lambda t: t["id"] % 5 == 0)
    # Uneven, empty and sorted partitions: they do not matter.
    frame = spark.createDataFrame(rows).repartitionByRange(4, "y").where("y > -3 or y < -3")
    given = estimator(metrics=[Worst(), "mae"], validation_indicator_col="held", verbose=2)
    trained = given.fit(frame)
    wanted = frame.select("a", "b", "who", "y", "held")
    assert_same_training(trained, alone(wanted, given, "held"))
    assert [w["rows"] for w in trained.work] != [0, 0]
    assert sum(w["rows"] for w in trained.work) == int((~rows["held"]).sum())
    assert "epoch 3/3: loss" in capsys.readouterr().out  # from the first worker

    # Predictions are the model's, for any partitions, and beside the other columns.
    extra = frame.repartition(1).unionByName(frame.limit(0))
    out = trained.transform(extra)
    assert out.columns == [*frame.columns, "prediction"]
    found = out.toPandas()
    x = {"x": found[["a", "b"]].to_numpy(), "who": found["who"].to_numpy()}
    np.testing.assert_allclose(found["prediction"], trained.native.predict(x)[:, 0], atol=1e-6)
    assert trained.transform(frame.where("id < 0")).collect() == []


def test_params_are_sparks(spark):
    given = estimator(batchSize=64)
    assert given.getBatchSize() == 64 and given.setEpochs(9) is given and given.getEpochs() == 9
    other = given.copy({given.learningRate: 0.5})
    assert other.getLearningRate() == 0.5 and given.getLearningRate() is None
    assert other.getModel() is given.getModel()
    assert "batchSize: rows a step" in given.explainParams()
    with pytest.raises(TypeError, match="has no 'batchsize'"):
        estimator(batchsize=3)
    with pytest.raises(TypeError, match="batch_size"):
        estimator(batch_size="many")
    with pytest.raises(andiron.Error, match="batch_size must be at least 1; got 0"):
        estimator(batch_size=0).fit(spark.createDataFrame(table(3)))


def test_mistakes_are_told_in_the_driver(spark):
    frame = spark.createDataFrame(table(3)).selectExpr(
        "*", "concat('t', id) as text", "map(1, a) as m"
    )
    for settings, message in [
        ({"label": "price"}, "no column 'price'"),
        ({"features": {"x": ["a", "b"], "who": "text"}}, "'text' is text and needs a vocabulary"),
        ({"features": {"x": ["a", "m"], "who": "who"}}, "'m' is of type map"),
        ({"validation_indicator_col": "held"}, "no column 'held'"),
        ({"loss": None}, "needs a loss"),
        ({"gradient_accumulation_steps": 0}, "gradient_accumulation_steps must be at least 1"),
        ({"model": None}, "needs model"),
        ({"memory_budget": "12 bananas"}, "memory_budget is bytes or a text"),
        ({"vocabulary": {"town": ["Rome"]}}, r"vocabulary has 'town', which is no column; .* 'a'"),
        ({"nulls": {"bb": 0}}, r"nulls has 'bb', which is no column; there are 'a', 'b'"),
        ({"checkpoint_dir": "nothing://bucket/x"}, "fsspec knows no protocol 'nothing'"),
        ({"wire_dtype": "half"}, 'wire_dtype is "float32" or "bfloat16"; got \'half\''),
        ({"checkpoint_every": -1}, "checkpoint_every must be at least 0; got -1"),
        ({"checkpoint_minutes": float("nan")}, "checkpoint_minutes must be at least 0; got nan"),
        ({"on_nan": "explode"}, 'on_nan is "error" or "stop" or "ignore"'),
        ({"heartbeat_timeout": 0}, "heartbeat_timeout must be above 0"),
    ]:
        with pytest.raises(andiron.Error, match=message):
            estimator(**settings).fit(frame)


def test_names_with_dots_and_columns_that_are_there(spark):
    from andiron import spark as on_spark

    andiron.set_random_seed(3)
    x = andiron.Input((2,))
    one = andiron.Model(x, layers.Dense(1)(x))
    frame = spark.createDataFrame([(1.0, 2.0), (3.0, 4.0)], ["a.b", "c"])
    stage = on_spark.Model(one, features=["a.b", "c"])
    predict = on_spark.predict_batch_udf(one, ["a.b", "c"])
    found = stage.transform(frame).withColumn("same", predict("a.b", "c")).toPandas()
    expected = one.predict(found[["a.b", "c"]].to_numpy("f"))[:, 0]
    np.testing.assert_allclose(found["prediction"], expected, atol=1e-6)
    np.testing.assert_allclose(found["same"], expected, atol=1e-6)
    for there in ("prediction", "Prediction"):
        with pytest.raises(andiron.Error, match="there is a column 'prediction' already"):
            stage.transform(frame.withColumn(there, frame["c"]))


def test_a_model_goes_from_the_executors_when_nothing_needs_it(spark):
    import gc
    import weakref

    from andiron.spark import _inference

    from andiron import spark as on_spark

    frame = spark.createDataFrame(table(5))
    x = andiron.Input((2,))
    stage = on_spark.Model(andiron.Model(x, layers.Dense(1)(x)), features=["a", "b"])
    expected = stage.native.predict(table(5)[["a", "b"]].to_numpy("f"))[:, 0]
    files = spark.sparkContext._jsc.sc().listFiles().size()
    later = stage.transform(frame)
    stage.transform(frame).collect()
    sent = weakref.ref(_inference._broadcasts[stage.native][2])
    assert _inference.shipped(spark, stage.native)[1] is sent()
    del stage
    gc.collect()
    assert sent() is None  # what is left is Spark's reference, in the plan of `later`
    assert spark.sparkContext._jsc.sc().listFiles().size() == files
    found = later.orderBy("id").toPandas()["prediction"]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.slow
def test_a_fitted_model_is_evaluated(spark, tmp_path):
    from andiron import spark as on_spark

    frame = spark.createDataFrame(table())
    trained = estimator(epochs=1, metrics=["mae", Worst()]).fit(frame)
    rows = table()
    expected = trained.native.evaluate(
        {"x": rows[["a", "b"]].to_numpy("f"), "who": rows["who"].to_numpy()},
        rows["y"].to_numpy("f"), return_dict=True,
    )  # fmt: skip
    found = trained.evaluate(frame, "y", num_workers=2)
    assert list(found) == list(expected) == ["loss", "mae", "absolute"]
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-4), name
    trained.save(str(tmp_path / "model"))
    loaded = on_spark.Model.load(str(tmp_path / "model"))
    assert loaded.evaluate(frame, "y")["mae"] == pytest.approx(expected["mae"], rel=1e-4)
    with pytest.raises(andiron.Error, match=r"the label's columns \['a', 'b'\] has 2 numbers"):
        trained.evaluate(frame, ["a", "b"])


@pytest.mark.slow
def test_a_vocabulary_is_kept_as_it_was_in_the_training(spark, tmp_path):
    from andiron import spark as on_spark

    path = str(tmp_path / "who.json")
    data.Vocabulary([f"u{i}" for i in range(29)]).save(path)
    frame = spark.createDataFrame(table()).selectExpr("a", "b", "concat('u', who) as who", "y")
    given = estimator(vocabulary={"who": path}, epochs=1)
    trained = given.fit(frame)
    expected = trained.transform(frame).toPandas()["prediction"]
    trained.save(str(tmp_path / "model"))
    given.save(str(tmp_path / "estimator"))
    data.Vocabulary(["other"]).save(path)  # of another training, under the same name
    for stage in (trained, on_spark.Model.load(str(tmp_path / "model"))):
        np.testing.assert_array_equal(stage.transform(frame).toPandas()["prediction"], expected)
    (tmp_path / "who.json").unlink()
    loaded = on_spark.Estimator.load(str(tmp_path / "estimator"))
    assert len(loaded.getVocabulary()["who"]) == 30


@pytest.mark.slow
def test_an_indicator_that_holds_out_nothing_or_all_is_told(spark):
    from andiron.spark import WorkerError

    frame = spark.createDataFrame(table()).selectExpr("*", "false as none", "true as all")
    with pytest.raises(WorkerError, match="'none' holds out no row: it is true in none of 230"):
        estimator(validation_indicator_col="none").fit(frame)
    with pytest.raises(WorkerError, match="'all' holds out all 230 rows"):
        estimator(validation_indicator_col="all").fit(frame)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 5, 90])
def test_batches_larger_than_the_data_and_workers_without_rows(spark, rows):
    frame = spark.createDataFrame(table(rows)).coalesce(1)
    given = estimator(batch_size=1000)
    trained = given.fit(frame)
    assert_same_training(trained, alone(frame.select("a", "b", "who", "y"), given))
    assert trained.native.optimizer.iterations == 3


@pytest.mark.slow
def test_gradients_of_several_batches_are_one_larger_batchs(spark):
    frame = spark.createDataFrame(table())
    large = estimator(batch_size=96).fit(frame).native
    parts = estimator(batch_size=32, gradient_accumulation_steps=3).fit(frame).native
    assert parts.optimizer.iterations == large.optimizer.iterations == 9
    for ours, expected in zip(parts.get_weights(), large.get_weights(), strict=True):
        np.testing.assert_allclose(ours, expected, atol=2e-5)


@pytest.mark.slow
def test_no_rows_at_all(spark):
    from andiron.spark import WorkerError

    with pytest.raises(WorkerError, match="is empty: 0 samples on all workers"):
        estimator().fit(spark.createDataFrame(table(3)).where("id > 5"))


@pytest.mark.slow
def test_partitions_order_and_workers_do_not_matter(spark):
    frame = spark.createDataFrame(table())
    weights = []
    for given in (frame.repartition(7), frame.orderBy("y").coalesce(1), frame.orderBy("b")):
        weights.append(estimator().fit(given).native.get_weights())
    for other in weights[1:]:
        for ours, theirs in zip(weights[0], other, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    single = estimator(num_workers=1).fit(frame).native.get_weights()
    for ours, theirs in zip(weights[0], single, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)


@pytest.mark.slow
def test_bad_data_in_one_worker_are_that_workers_words(spark):
    from andiron.spark import WorkerError

    frame = spark.createDataFrame(table()).selectExpr(
        "a", "b", "who", "if(id = 77, cast('nan' as double), y) as y"
    )
    with pytest.raises(WorkerError, match=r"worker \d of 2 .*Error: .*'y'.*finite"):
        estimator().fit(frame)


@pytest.mark.slow
def test_early_stopping_stops_all_and_files_are_written_once(spark, tmp_path):
    stop = callbacks.EarlyStopping("loss", min_delta=1e9, patience=1)
    log = callbacks.CSVLogger(tmp_path / "log.csv")
    trained = estimator(epochs=50, callbacks=[stop, log]).fit(spark.createDataFrame(table()))
    assert len(trained.history["loss"]) == 2
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3


class Gone(callbacks.Callback):
    """After the first epoch the place of the checkpoints is a file."""

    def __init__(self, folder):
        self.folder = folder

    def on_epoch_end(self, epoch, logs=None):
        import shutil
        from pathlib import Path

        from andiron import _remote

        if self.worker == 0 and epoch == 0:
            _remote._PAUSES = (0.0, 0.0)
            (run,) = Path(self.folder).iterdir()
            shutil.rmtree(run)
            run.touch()


@pytest.mark.slow
def test_a_place_of_checkpoints_that_goes_away_is_told_in_the_driver(spark, tmp_path):
    pytest.importorskip("fsspec")
    frame = spark.createDataFrame(table())
    place = f"local://{tmp_path}"
    with pytest.warns(UserWarning, match=f"could not be written to '{place}/run-"):
        told = estimator(checkpoint_dir=place, callbacks=[Gone(str(tmp_path))]).fit(frame)
    whole = estimator().fit(frame)
    for ours, theirs in zip(told.native.get_weights(), whole.native.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_memory_budget_spills_and_trains_all_rows(spark, tmp_path):
    frame = spark.range(0, 60_000, 1, 4).selectExpr(
        "sin(id) as a", "cos(id) as b", "cast(id % 30 as int) as who", "sin(id) + 1 as y"
    )
    trained = estimator(memory_budget="400kB", spill_dir=str(tmp_path), batch_size=512).fit(frame)
    assert sum(w["rows"] for w in trained.work) == 60_000
    assert trained.history["loss"][-1] < trained.history["loss"][0]
