"""Estimator and model among the stages of Spark ML: pipelines, tuning, files."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import andiron
from andiron import callbacks, layers, optimizers

pytestmark = pytest.mark.slow


def estimator(**settings):
    from andiron import spark

    andiron.set_random_seed(1)
    # Without an Input: its width is what the first row has.
    model = andiron.Sequential([layers.Dense(6, activation="relu"), layers.Dense(1)])
    given = {
        "model": model, "loss": "mse", "optimizer": "adam", "features": "scaled",
        "label": "label", "batch_size": 64, "epochs": 2, "num_workers": 2, "verbose": 0, **settings,
    }  # fmt: skip
    return spark.Estimator(**given)


def pipeline(**settings):
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import StandardScaler

    scaler = StandardScaler(inputCol="features", outputCol="scaled")
    return Pipeline(stages=[scaler, estimator(**settings)])


@pytest.fixture(scope="module")
def frame(spark):
    """Rows like Spark's own example data for regression: a label, a sparse vector of 10 numbers."""
    from pyspark.ml.linalg import Vectors

    rng = np.random.default_rng(4)
    weights = rng.normal(size=10)
    rows = []
    for _ in range(240):
        x = np.where(rng.random(10) < 0.6, rng.normal(size=10), 0.0)
        sparse = Vectors.sparse(10, {int(i): float(x[i]) for i in np.flatnonzero(x)})
        rows.append((float(x @ weights), sparse if rng.random() < 0.7 else Vectors.dense(x)))
    return spark.createDataFrame(rows, ["label", "features"]).repartition(3).cache()


@pytest.mark.spark35
def test_a_fitted_pipeline_is_saved_and_loaded(spark, frame, tmp_path):
    from pyspark.ml import Pipeline, PipelineModel

    stages = pipeline(metrics=["mae"])
    fitted = stages.fit(frame)
    fitted.write().overwrite().save(f"file://{tmp_path}/fitted")
    loaded = PipelineModel.load(f"file://{tmp_path}/fitted")
    ours, theirs = (m.transform(frame).select("prediction").toPandas() for m in (fitted, loaded))
    np.testing.assert_array_equal(ours, theirs)
    assert loaded.stages[-1].history == fitted.stages[-1].history
    assert loaded.stages[-1].uid == fitted.stages[-1].uid

    # Anything that reads safetensors opens the file.
    found = list(tmp_path.glob("fitted/stages/*/model.safetensors"))
    safetensors = importlib.import_module("safetensors.numpy")
    shapes = {v.shape for v in safetensors.load_file(found[0]).values()}
    assert {(10, 6), (6, 1)} <= shapes

    stages.save(str(tmp_path / "unfitted"))
    again = Pipeline.load(str(tmp_path / "unfitted")).fit(frame)
    assert again.stages[-1].history == fitted.stages[-1].history


def test_cross_validation_finds_the_learning_rate(spark, frame, tmp_path):
    from pyspark.ml.evaluation import RegressionEvaluator
    from pyspark.ml.tuning import CrossValidator, CrossValidatorModel, ParamGridBuilder

    stages = pipeline(epochs=6, checkpoint_dir=str(tmp_path / "checkpoints"))
    rate = stages.getStages()[-1].learningRate
    grid = ParamGridBuilder().addGrid(rate, [1e-5, 0.05]).build()
    evaluator = RegressionEvaluator(labelCol="label", metricName="rmse")
    found = CrossValidator(
        estimator=stages, estimatorParamMaps=grid, evaluator=evaluator, numFolds=2, seed=1
    ).fit(frame)
    assert found.avgMetrics[1] < 0.5 * found.avgMetrics[0]
    # Two folds, two rates, and the best one on all rows: each has a folder of its own.
    assert len(list((tmp_path / "checkpoints").iterdir())) == 5
    found.save(str(tmp_path / "found"))
    loaded = CrossValidatorModel.load(str(tmp_path / "found"))
    assert loaded.avgMetrics == found.avgMetrics
    assert evaluator.evaluate(loaded.transform(frame)) == evaluator.evaluate(found.transform(frame))


def test_train_validation_split(spark, frame):
    from pyspark.ml.evaluation import RegressionEvaluator
    from pyspark.ml.tuning import ParamGridBuilder, TrainValidationSplit

    stages = pipeline(epochs=6)
    grid = ParamGridBuilder().addGrid(stages.getStages()[-1].batchSize, [16, 200]).build()
    found = TrainValidationSplit(
        estimator=stages, estimatorParamMaps=grid,
        evaluator=RegressionEvaluator(labelCol="label"), seed=1,
    ).fit(frame)  # fmt: skip
    assert found.validationMetrics[0] < found.validationMetrics[1]  # more steps


def test_fits_at_the_same_time_share_neither_template_nor_folder(spark, frame, tmp_path):
    from pyspark.ml.evaluation import RegressionEvaluator
    from pyspark.ml.tuning import CrossValidator, ParamGridBuilder

    stages = pipeline(num_workers=1, checkpoint_dir=str(tmp_path))
    grid = ParamGridBuilder().addGrid(stages.getStages()[-1].epochs, [1, 8]).build()
    found = CrossValidator(
        estimator=stages, estimatorParamMaps=grid, numFolds=2, seed=1, parallelism=2,
        evaluator=RegressionEvaluator(labelCol="label", metricName="rmse"),
    ).fit(frame)  # fmt: skip
    assert found.avgMetrics[1] < found.avgMetrics[0]
    assert len(list(tmp_path.iterdir())) == 5
    assert len(found.bestModel.stages[-1].history["loss"]) == 8


class Dies(callbacks.Callback):
    """Once, when the third epoch begins."""

    def __init__(self, mark):
        self.mark = mark

    def on_epoch_begin(self, epoch, logs=None):
        import pathlib

        mark = pathlib.Path(self.mark)
        if epoch == 2 and self.worker == 0 and not mark.exists():
            mark.touch()
            raise ValueError("the first time")


def test_training_goes_on_from_the_checkpoint_of_the_same_training(spark, frame, tmp_path, capsys):
    from andiron.spark import WorkerError
    from pyspark.ml.feature import StandardScaler

    scaled = StandardScaler(inputCol="features", outputCol="scaled").fit(frame).transform(frame)
    whole = estimator(epochs=4).fit(scaled)
    # Three names of one folder: as a URL, by fsspec, and below as a path.
    pytest.importorskip("fsspec")
    runs, dies = tmp_path / "runs", Dies(str(tmp_path / "mark"))
    with pytest.raises(WorkerError, match="the first time"):
        estimator(
            epochs=4, checkpoint_dir=f"file://{runs}", checkpoint_minutes=1e-4, callbacks=[dies]
        ).fit(scaled)
    again = estimator(epochs=4, checkpoint_dir=f"local://{runs}", callbacks=[dies], verbose=2)
    resumed = again.fit(scaled)
    assert f"goes on from step 8 (2 of 4 epochs done), from local://{runs}" in (
        capsys.readouterr().out
    )
    assert resumed.history == whole.history
    for ours, theirs in zip(resumed.native.get_weights(), whole.native.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    estimator(epochs=4, checkpoint_dir=str(runs), callbacks=[dies], verbose=2).fit(scaled)
    assert f"has already finished (4 of 4 epochs): it is taken from {runs}" in (
        capsys.readouterr().out
    )
    # Other trainings: none is given what that one has learnt.
    for settings in ({"epochs": 2}, {"epochs": 2, "seed": 8}, {"epochs": 4}):
        other = estimator(checkpoint_dir=str(runs), **settings).fit(scaled)
        assert len(other.history["loss"]) == settings["epochs"]
    assert len(list(runs.iterdir())) == 4


def test_a_compiled_model_brings_its_own_loss_and_optimizer(spark, frame):
    from pyspark.ml.feature import StandardScaler

    scaled = StandardScaler(inputCol="features", outputCol="scaled").fit(frame).transform(frame)
    given = estimator()
    compiled = given.getModel()
    compiled.build((None, 10))
    compiled.compile("adam", "mse")
    found = estimator(model=compiled, loss=None, optimizer=None).fit(scaled)
    again = estimator(model=compiled).fit(scaled)
    assert found.history == again.history
    assert compiled.optimizer.iterations == 0  # the user's model stays as it is


def test_an_optimizer_is_set_on_a_loaded_estimator(spark, frame, tmp_path):
    from andiron.spark import Estimator

    given = estimator(optimizer="adam", metrics=["mae"])
    given.getModel().build((None, 10))
    given.save(str(tmp_path / "estimator"))
    loaded = Estimator.load(str(tmp_path / "estimator")).setOptimizer("sgd").setLearningRate(0.125)
    native = loaded._compiled(None, {})
    assert type(native.optimizer).__name__ == "SGD" and native.optimizer.learning_rate == 0.125
    assert native.metrics_names == ["loss", "mae"]


def test_an_estimator_is_saved_before_its_first_fit(spark, frame, tmp_path):
    from pyspark.ml import Pipeline

    stages = pipeline(metrics=["mae"], optimizer=optimizers.Adam(0.03))
    stages.save(str(tmp_path / "unfitted"))
    loaded = Pipeline.load(str(tmp_path / "unfitted"))
    history = loaded.fit(frame).stages[-1].history
    assert list(history) == ["loss", "mae"] and history["loss"][-1] < history["loss"][0]
    assert (
        loaded.getStages()[-1].getModel().optimizer.get_config()["learning_rate"]
        == (optimizers.Adam(0.03).get_config()["learning_rate"])
    )
    own = estimator(loss=lambda y_true, y_pred: (y_true - y_pred) ** 2)
    with pytest.raises(andiron.Error, match="begin it with Input, build it, or save after the"):
        own.save(str(tmp_path / "own"))


def test_the_grid_of_a_cross_validation_may_be_of_models(spark, frame, tmp_path):
    from pyspark.ml.evaluation import RegressionEvaluator
    from pyspark.ml.tuning import CrossValidator, CrossValidatorModel, ParamGridBuilder

    from andiron import losses, optimizers

    given = estimator(features="features")
    narrow = andiron.Sequential([andiron.Input((10,)), layers.Dense(1)])
    wide = andiron.Sequential([layers.Dense(12, activation="relu"), layers.Dense(1)])
    grid = (
        ParamGridBuilder()
        .addGrid(given.model, [narrow, wide])
        .addGrid(given.optimizer, [optimizers.Adam(0.02)])
        .addGrid(given.loss, [losses.MeanAbsoluteError()])
        .build()
    )
    evaluator = RegressionEvaluator(labelCol="label", metricName="rmse")
    search = CrossValidator(
        estimator=given, estimatorParamMaps=grid, evaluator=evaluator, numFolds=2, seed=1
    )
    search.save(str(tmp_path / "search"))
    found = search.fit(frame)
    found.save(str(tmp_path / "found"))
    loaded = CrossValidatorModel.load(str(tmp_path / "found"))
    assert evaluator.evaluate(loaded.transform(frame)) == evaluator.evaluate(found.transform(frame))
    again = CrossValidator.load(str(tmp_path / "search"))
    stage = again.getEstimator()
    copies = [stage.copy(maps) for maps in again.getEstimatorParamMaps()]
    shapes = [[w.shape for w in c.getModel().get_weights()] for c in copies]
    assert shapes == [[(10, 1), (1,)], []]  # the other one has no Input
    assert copies[0].getOptimizer().learning_rate == pytest.approx(0.02)
    loss = copies[0].getLoss()
    assert type(loss) is losses.MeanAbsoluteError
    narrow_again = copies[0].fit(frame).history
    assert narrow_again == given.copy(grid[0]).fit(frame).history

    # Code is not saved; what is trained is.
    square = [lambda y_true, y_pred: (y_true - y_pred) * (y_true - y_pred)]
    own = ParamGridBuilder().addGrid(given.loss, square).build()
    with pytest.raises(andiron.Error, match="is code: save the best model"):
        search.copy({search.estimatorParamMaps: own}).save(str(tmp_path / "own"))
