"""TensorBoard at Spark's driver, read back by TensorBoard's own reader, and the bar."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import andiron
from andiron import callbacks, layers

accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

RNG = np.random.default_rng(0)
ROWS = pd.DataFrame(RNG.normal([50.0, -3.0], [20.0, 0.1], (240, 2)), columns=["a", "b"])
ROWS = ROWS.assign(y=ROWS["a"] / 20 + ROWS["b"] * 10, held=np.arange(240) % 4 == 0)


def scalars(folder) -> dict:
    found = accumulator.EventAccumulator(str(folder)).Reload()
    return {t: [(e.step, e.value) for e in found.Scalars(t)] for t in found.Tags()["scalars"]}


def estimator(**settings):
    from andiron import spark

    andiron.set_random_seed(1)
    scale = layers.Normalization()
    scale.adapt(ROWS[["a", "b"]])
    model = andiron.Sequential(
        [andiron.Input((2,)), scale, layers.Dense(4, "tanh"), layers.Dense(1)]
    )
    return spark.Estimator(**{
        "model": model, "loss": "mse", "optimizer": "adam", "metrics": ["mae"], "label": "y",
        "features": ["a", "b"], "batch_size": 30, "epochs": 3, "num_workers": 2,
        "validation_indicator_col": "held", **settings,
    })  # fmt: skip


def test_the_driver_has_the_figures_of_the_workers(spark, tmp_path, capsys):
    board = callbacks.TensorBoard(tmp_path, update_freq=2)
    frame = spark.createDataFrame(ROWS)
    trained = estimator(callbacks=[board], verbose=1).fit(frame)
    train, validation = scalars(tmp_path / "train"), scalars(tmp_path / "validation")
    for name, values in trained.history.items():
        run, name = (validation, name[4:]) if name.startswith("val_") else (train, name)
        assert run[f"epoch_{name}"] == list(enumerate(np.float32(values).tolist()))
    assert train["epoch_learning_rate"] == [(e, np.float32(0.001)) for e in range(3)]
    for tag in ("spark/samples_per_second_per_worker", "spark/share_in_communication"):
        assert [e for e, _ in train[tag]] == [0, 1, 2]
        assert all(value >= 0 for _, value in train[tag])
    # Six steps an epoch; in which order lines and steps come is not known, but each comes once.
    steps = [s for s, _ in train.get("batch_loss", [])]
    assert steps == sorted(set(steps)) and set(steps) <= set(range(2, 19, 2))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert "samples/s per worker" in lines[0] and "in collectives" in lines[0]

    # The normalization travels with the model.
    x = ROWS[["a", "b"]].to_numpy("f")
    mean, variance = trained.native.layers[0].get_weights()
    np.testing.assert_allclose(mean, x.mean(0, dtype="f8"), rtol=1e-5)
    np.testing.assert_allclose(variance, x.var(0, dtype="f8"), rtol=1e-5)
    found = trained.transform(frame).select("a", "b", "prediction").toPandas()
    expected = trained.native.predict(found[["a", "b"]].to_numpy("f"))[:, 0]
    np.testing.assert_allclose(found["prediction"], expected, atol=1e-5)


def test_what_cannot_work_is_told_before_the_job(spark, tmp_path):
    frame = spark.createDataFrame(ROWS)
    for callback, message, settings in [
        (callbacks.TensorBoard(tmp_path, histogram_freq=1), "leave it at 0 under Spark", {}),
        (callbacks.TensorBoard(tmp_path, write_steps_per_second=True), "tells it", {}),
        (callbacks.EarlyStopping(), "monitors 'val_loss'.*validation_indicator_col",
         {"validation_indicator_col": None}),
    ]:  # fmt: skip
        with pytest.raises(andiron.Error, match=message):
            estimator(callbacks=[callback], **settings).fit(frame)
    steering = callbacks.EarlyStopping()
    steering.at_driver = True
    with pytest.raises(andiron.Error, match="is at the workers"):
        estimator(callbacks=[steering]).fit(frame)
    with pytest.raises(TypeError, match="derives from callbacks.Callback"):
        estimator(callbacks=[print]).fit(frame)


@pytest.mark.slow
def test_without_a_way_to_the_driver_the_files_are_complete(spark, tmp_path, monkeypatch):
    from andiron.spark import _progress

    real = _progress.Driver.__init__

    def unreachable(self, *arguments):
        real(self, *arguments)
        self.address = self.address._replace(port=1)

    monkeypatch.setattr(_progress.Driver, "__init__", unreachable)
    board = callbacks.TensorBoard(tmp_path)
    trained = estimator(callbacks=[board]).fit(spark.createDataFrame(ROWS))
    found = scalars(tmp_path / "train")
    expected = np.float32(trained.history["loss"]).tolist()
    assert found["epoch_loss"] == list(enumerate(expected))
    assert [e for e, _ in found["spark/share_in_communication"]] == [0, 1, 2]
