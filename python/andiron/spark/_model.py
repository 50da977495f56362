"""A trained model as a stage of Spark ML."""

from __future__ import annotations

from typing import Any

from pyspark.ml import Model as SparkModel
from pyspark.ml.util import MLReadable, MLWritable

from andiron import _core
from andiron._refuse import whole
from andiron.spark import _cluster, _columns, _inference, _missing
from andiron.spark._params import PREDICTION, Settable, with_params
from andiron.spark._persistence import Reader, Writer


@with_params(PREDICTION)
class Model(Settable, SparkModel, MLReadable, MLWritable):
    """Adds a model's predictions to DataFrames; what Estimator.fit returns.

    `native` is the andiron.Model (weights, predict on one machine, save, ...); `history` has a list
    for each figure of the training; `work` says of each worker: rows, seconds, seconds in
    collectives, bytes sent.

    Args:
        native: an andiron.Model, trained anywhere.
        settings: Params, in Python's spelling (prediction_col) or Spark's; features are needed.

    Example:
        >>> model = andiron.spark.Model(trained, features=["a", "b"])  # doctest: +SKIP
        >>> model.transform(frame).select("prediction")  # doctest: +SKIP
    """

    def __init__(self, native: Any = None, **settings: Any):
        super().__init__()
        self._take(settings)
        self.native = native
        self.history: dict[str, list[float]] = {}
        self.work: list[dict] = []

    def output_cols(self) -> list[str]:
        """The columns that transform adds."""
        prefix, names = self.getPredictionCol(), self.native.output_names
        found = [prefix] if len(names) == 1 else [f"{prefix}_{name}" for name in names]
        return found + [name for name in (self.getClassCol(), self.getErrorCol()) if name]

    def _without_others(self, there: list[str], vocabulary: dict) -> Model:
        """Keeps vocabularies, as they were in the training, and nulls of the features: rows to
        predict have no labels."""
        used = _columns.named(self.getFeatures())
        nulls = _columns.by_column("nulls", self.getNulls(), used, there)
        kept = {name: found for name, found in vocabulary.items() if name in used}
        return self.setParams(nulls=nulls, vocabulary=kept or None)

    def _transform(self, frame: Any) -> Any:
        from pyspark.sql import functions as F

        self._need("features")
        _columns.refuse_there(frame, self.output_cols())
        if (invalid := self.getHandleInvalid()) not in ("error", "skip", "keep"):
            raise _core.Error(
                f'[spark] handle_invalid is "error", "skip" or "keep"; got {invalid!r}'
            )
        if invalid == "skip":
            frame = frame.where(_missing.condition(frame, self._rules()))
        prediction = _inference.Prediction(
            _cluster.session_of(frame),
            self.native,
            {
                "features": self.getFeatures(),
                "vocabulary": self.getVocabulary(),
                "nulls": self.getNulls(),
                "batch_size": self.getPredictBatchSize(),
                "classes": bool(self.getClassCol()),
                "threshold": self.getThreshold(),
                "invalid": invalid,
                "vectors": _columns.vectors_of(frame),
                "errors": bool(self.getErrorCol()),
            },
            frame.columns,
        )
        names, made = self.output_cols(), prediction.of(frame)
        if not prediction.several:
            return frame.withColumn(names[0], made)
        together = "__andiron_predictions"
        parts = {name: F.col(f"{together}.c{i}") for i, name in enumerate(names)}
        return frame.withColumn(together, made).withColumns(parts).drop(together)

    def evaluate(
        self,
        frame: Any,
        label: Any,
        sample_weight: str | None = None,
        vocabulary: dict | None = None,
        num_workers: int = 1,
    ) -> dict[str, float]:
        """Loss and metrics over a DataFrame, by name; those that the model was compiled with.

        Args:
            frame: the rows, with the columns of the features.
            label, sample_weight: columns, as in Estimator.
            vocabulary: of labels that are texts, as in Estimator.
            num_workers: tasks that share the rows. Default: 1.

        Errors:
            WorkerError for what goes wrong in a worker; andiron.Error for columns that do not fit.
        """
        from andiron.spark import _evaluating

        self._need("features")
        workers = whole(num_workers, "num_workers", 1, "spark")
        return _evaluating.figures(self, frame, label, sample_weight, vocabulary, workers)

    def _rules(self) -> list:
        return _missing.of_features(self.getFeatures(), self.getNulls())

    # Files.

    def write(self) -> Writer:
        """Saves to any path that Spark can write to: `model.write().overwrite().save(path)`."""
        return Writer(self, self.native, {"history": self.history})

    @classmethod
    def read(cls) -> Reader:
        """Loads what `save` wrote: `Model.load(path)`."""
        return Reader(cls)

    @classmethod
    def _read(cls, native: Any, metadata: dict) -> Model:
        model = cls(native)
        model.history = metadata["history"]
        return model
