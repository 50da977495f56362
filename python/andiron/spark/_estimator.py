"""Training as a stage of Spark ML."""

from __future__ import annotations

import json
import os
import secrets
import warnings
from typing import Any

import pyarrow as pa
from pyspark.ml import Estimator as SparkEstimator
from pyspark.ml.util import MLReadable, MLWritable

from andiron import _core, _remote, models
from andiron._tables import bytes_from
from andiron.callbacks import Callback
from andiron.callbacks._protocol import figures_of, unknown_figure
from andiron.spark import (
    _class_weight,
    _cluster,
    _columns,
    _compat,
    _compiling,
    _fingerprint,
    _launch,
    _memory,
    _progress,
    _schema,
    _shards,
    _training,
    _unbuilt,
)
from andiron.spark._model import Model
from andiron.spark._params import PREDICTION, TRAINING, Settable, snake, with_params
from andiron.spark._persistence import Reader, Writer


@with_params(PREDICTION, TRAINING)
class Estimator(Settable, SparkEstimator, MLReadable, MLWritable):
    """Trains a model on a DataFrame, in `num_workers` tasks of the Spark job (docs/spark.md).

    The gradient of a step is that of the mean over the rows of all workers, for any sizes. Rows are
    dealt by their content: how the DataFrame is partitioned and ordered does not matter, and
    another number of workers trains the same model but for rounding.

    Args:
        settings: Params by name, in Python's spelling (batch_size) or Spark's (batchSize);
            `explainParams()` lists them. Needed: model, features, label, and loss unless the
            model is compiled.

    Example:
        >>> estimator = andiron.spark.Estimator(  # doctest: +SKIP
        ...     model=model, loss="mse", optimizer="adam", features=["a", "b"], label="y",
        ...     batch_size=256, epochs=5, num_workers=2)
        >>> estimator.fit(frame).transform(frame)  # doctest: +SKIP
    """

    def __init__(self, **settings: Any):
        super().__init__()
        self._take(settings)

    def _fit(self, frame: Any) -> Model:
        self._need("model", "features", "label")
        self._check()
        session = _cluster.session_of(frame)
        vocabulary, nulls = self._by_column(frame)
        rows, held_out = self._rows(frame, vocabulary)
        native = self._compiled(rows, vocabulary)
        schema = _schema.Schema(frame, native, {
            "features": self.getFeatures(), "label": self.getLabel(), "vocabulary": vocabulary,
            "sample_weight": self.getSampleWeight(), "nulls": nulls,
        })  # fmt: skip
        schema.check()
        callbacks, at_driver = self._callbacks(native)
        if (place := self.getCheckpointDir()) is not None:
            require_writable(session, shared_place(place))
        task = self._task(session, native, callbacks, vocabulary, nulls)
        task.settings["rules"] = schema.rules()
        task.settings["class_weight"] = _class_weight.by_id(self, rows, held_out, vocabulary)
        num_workers = self.getNumWorkers()
        dealt = _shards.dealt(rows, num_workers, _shards.shards_for(num_workers), held_out)
        verbose, epochs = self.getVerbose(), self.getEpochs()
        with _progress.Driver(session, verbose, epochs, at_driver) as progress:
            task.progress = progress.address
            parts = _launch.run(session, task, num_workers, dealt, self.getMaxRestarts(),
                                self.getSlotsTimeout(), communicator_settings(self),
                                len(task.packed))  # fmt: skip
        progress.feed.finish(parts[0]["epochs"])
        if parts[0]["unseen"]:
            warnings.warn(
                f"[spark] class_weight has {parts[0]['unseen']}, and no row to train on has such a "
                f"class in {_columns.named(self.getLabel())[0]!r}", stacklevel=4,
            )  # fmt: skip
        trained = Model(models._from_bytes(parts[0]["model"], native._own_metrics()))
        trained.history = parts[0]["history"]
        if parts[0]["note"]:
            warnings.warn(parts[0]["note"], stacklevel=4)
        trained.work = [part["work"] for part in parts]
        return self._copyValues(trained)._without_others(frame.columns, vocabulary)

    def _callbacks(self, native: Any) -> tuple[list, list]:
        """Those that run in the workers, and those that run at the driver."""
        given, validates = list(self.getCallbacks() or []), self.getValidationIndicatorCol()
        figures = figures_of(native.metrics_names, validates is not None)
        for callback in given:
            if not isinstance(callback, Callback):
                raise TypeError(
                    f"[spark] a callback derives from callbacks.Callback; got {callback!r}"
                )
            callback._check(0 if validates is None else 1)
            if (wrong := unknown_figure(callback, figures)) is not None:
                raise _core.Error(f"[spark] {wrong}")
            if callback.at_driver:
                callback._check_at_driver()
        return [c for c in given if not c.at_driver], [c for c in given if c.at_driver]

    def _task(self, session: Any, native: Any, callbacks: list, vocabulary: dict,
              nulls: Any) -> _training.Task:  # fmt: skip
        own = [metric for _, (_, _, metric, _) in native._own_metrics()]
        packed = _launch.dumps_by_value((native, callbacks), *callbacks, *own)
        settings = self._fit_settings(vocabulary, nulls)
        settings["fingerprint"] = _fingerprint.of_training(native, callbacks)
        settings["memory"] = _memory.of_executors(session)
        settings["application"] = session.sparkContext.applicationId
        return _training.Task(packed, settings)

    def _check(self) -> None:
        check_settings(self)
        bytes_from(self.getMemoryBudget())

    def _wanted(self) -> list[str]:
        given = [self.getFeatures(), self.getLabel(), self.getSampleWeight()]
        return _columns.named([g for g in given if g is not None])

    def _by_column(self, frame: Any) -> tuple[dict, Any]:
        """Vocabularies and nulls of the columns that workers need."""
        used, there = self._wanted(), frame.columns
        given = _columns.by_column("vocabulary", self.getVocabulary(), used, there)
        nulls = _columns.by_column("nulls", self.getNulls(), used, there)
        labels = set(_columns.named(self.getLabel())) - set(_columns.named(self.getFeatures()))
        return _columns.vocabularies(given, labels), nulls

    def _rows(self, frame: Any, vocabulary: dict) -> tuple[Any, str | None]:
        """The columns that workers need, and the name of the validation column."""
        given = [self.getFeatures(), self.getLabel()]
        labels = _columns.named(self.getLabel())
        texts = _schema.text_columns(self.getModel(), self.getFeatures())
        columns = _columns.selected(frame, self._wanted(), vocabulary, given, labels, texts)
        indicator = self.getValidationIndicatorCol()
        if indicator is None:
            return frame.select(*columns), None
        from pyspark.sql import functions as F

        if indicator not in frame.columns:
            raise _core.Error(
                f"[spark] there is no column {indicator!r}; there are {frame.columns}"
            )
        held_out = F.col(_columns.quoted(indicator)).alias("__andiron_validation")
        return frame.select(*columns, held_out), "__andiron_validation"

    def _compiled(self, rows: Any, vocabulary: dict) -> Any:
        """A copy of the model, compiled; the user's stays as it is."""
        native = _compiling.compiled(
            self.getModel(), self._given(), lambda: self._first_row(rows, vocabulary)
        )
        if self.getLearningRate() is not None:
            native.optimizer.learning_rate = self.getLearningRate()
        if self.getGradientAccumulationSteps() is not None:
            native.optimizer._core.set_gradient_accumulation_steps(
                self.getGradientAccumulationSteps()
            )
        return native

    def _given(self) -> dict:
        """What is said over the model's own compile."""
        names = ("optimizer", "loss", "lossWeights", "metrics", "weightedMetrics")
        return {snake(name): self.getOrDefault(name) for name in names}

    def _first_row(self, rows: Any, vocabulary: dict) -> Any:
        from andiron import data

        first = [row.asDict() for row in rows.limit(1).collect()]
        if not first:
            raise _core.Error("[data] is empty: 0 samples on all workers")
        types = zip(rows.columns, _compat.arrow_types(rows.schema), strict=True)
        table = pa.Table.from_pylist(first, pa.schema(types))
        return data.from_arrow(
            table, self.getFeatures(), self.getLabel(), vocabulary=vocabulary, nulls=0
        )

    def _fit_settings(self, vocabulary: dict, nulls: Any) -> dict:
        """What each worker is told; plain values."""
        names = (
            "batchSize", "epochs", "shuffle", "seed", "onNan", "wireDtype",
            "checkpointEvery", "checkpointMinutes", "features", "label", "sampleWeight",
            "spillDir",
        )  # fmt: skip
        settings = {snake(name): self.getOrDefault(name) for name in names}
        settings["memory_budget"] = bytes_from(self.getMemoryBudget())
        workers = self.getNumWorkers()
        settings["parts"] = -(-_shards.shards_for(workers) // workers)
        if self.getValidationIndicatorCol() is not None:
            settings["parts"] *= 2
        settings["vocabulary"], settings["nulls"] = vocabulary, nulls
        settings["checkpoint_dir"] = shared_place(self.getCheckpointDir())
        settings["validation"] = self.getValidationIndicatorCol()
        settings["rules"], settings["class_weight"] = [], None  # by model and rows, in _fit
        return settings

    # Files.

    def write(self) -> Writer:
        """Saves to any path that Spark can write to. Callbacks are not saved, nor metrics of one's
        own; the model, its loss and its optimizer are."""
        native, extra = self.getModel(), {}
        if native is not None and not _compiling.built(native):
            extra["unbuilt"], native = _unbuilt.to_json(native, self._given()), None
        elif native is not None and (self.getLoss() or native._compiled_with) is not None:
            native = self._compiled(None, {})
        return Writer(self, native, extra)

    @classmethod
    def read(cls) -> Reader:
        """Loads what `save` wrote: `Estimator.load(path)`."""
        return Reader(cls)

    @classmethod
    def _read(cls, native: Any, metadata: dict) -> Estimator:
        if "unbuilt" in metadata:
            native = _unbuilt.from_json(metadata["unbuilt"])
        return cls(model=native) if native is not None else cls()


_LEAST = {
    "batchSize": 1, "epochs": 0, "numWorkers": 1, "checkpointEvery": 0, "checkpointMinutes": 0,
    "maxRestarts": 0, "slotsTimeout": 0, "predictBatchSize": 0, "gradientAccumulationSteps": 1,
}  # fmt: skip
_ABOVE_ZERO = ("heartbeatTimeout", "operationTimeout", "learningRate")
_ONE_OF = {
    "wireDtype": ("float32", "bfloat16"),
    "onNan": ("error", "stop", "ignore"),
    "verbose": (0, 1, 2),
}


def check_settings(stage: Any) -> None:
    """Refuses what the workers would refuse when they have started and read the rows."""
    for name, least in _LEAST.items():
        value = stage.getOrDefault(name)
        if value is not None and not value >= least:  # NaN, too
            raise _core.Error(f"[spark] {snake(name)} must be at least {least}; got {value}")
    for name in _ABOVE_ZERO:
        value = stage.getOrDefault(name)
        if value is not None and not 0 < value < float("inf"):
            raise _core.Error(f"[spark] {snake(name)} must be above 0; got {value}")
    for name, there in _ONE_OF.items():
        if stage.getOrDefault(name) not in there:
            told = " or ".join(map(json.dumps, there))
            raise _core.Error(f"[spark] {snake(name)} is {told}; got {stage.getOrDefault(name)!r}")
    weights = stage.getClassWeight()
    if weights is not None and weights != "balanced" and not isinstance(weights, dict):
        raise _core.Error(
            f'[spark] class_weight is {{class id: weight}} or "balanced"; got {weights!r}'
        )


def communicator_settings(stage: Any) -> dict:
    """What the workers' communicators are told."""
    return {
        "heartbeat_timeout": stage.getHeartbeatTimeout(),
        "operation_timeout": stage.getOperationTimeout(),
        "tls": stage.getTls(),
    }


def require_writable(session: Any, place: str) -> None:
    """Refuses a place of checkpoints that cannot be written, where the driver can see that: a
    folder of this machine's executors, or a URL."""
    if not (_remote.is_url(place) or _cluster.on_this_machine(session.sparkContext)):
        return
    mark = f"trial-{secrets.token_hex(8)}"
    try:
        _remote.put_mark(place, mark)
    except Exception as error:
        raise _core.Error(
            f"[spark] checkpoint_dir {place!r} cannot be written: {_remote.words_of(error)}"
        ) from None
    _remote.drop_mark(place, mark)


def shared_place(path: str | None) -> str | None:
    """checkpoint_dir as each executor is told: a path of the operating system, or a URL."""
    if path is None:
        return None
    place = _remote.place_of(path)
    if not _remote.is_url(place):
        return os.path.abspath(place)
    _remote.RemoteStore(place)  # says here what is not installed
    return place
