"""Spark ML Params of estimator and model, with getters and setters in Spark's naming."""

from __future__ import annotations

import difflib
import re
from typing import Any

from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.util import MLWritable

from andiron import _core


def anything(value: Any) -> Any:
    return value


def held(value: Any) -> Any:
    """Of objects that tuning has to save with its grid (_held.py)."""
    from andiron.spark import _held

    return _held.held(value)


def a_model(value: Any) -> Any:
    from andiron.models import Model
    from andiron.spark._held import Held

    what = value.what if isinstance(value, Held) else value
    if what is not None and not isinstance(what, Model):
        raise TypeError(f"an andiron.Model (or Sequential) is needed; got {what!r}")
    return held(value)


def level(value: Any) -> Any:
    """A verbosity; not True, which Python counts as 1."""
    if isinstance(value, bool):
        raise TypeError(f"0 (silent), 1 (a bar) or 2 (a line for each epoch); got {value}")
    return TypeConverters.toInt(value)


def or_none(convert: Any) -> Any:
    return lambda value: None if value is None else convert(value)


# name: (converter, default, what it is). Defaults are stated here only.
PREDICTION = {
    "features": (held, None, "a column, a list of columns, or {input: column or list}"),
    "vocabulary": (held, None, "{column: andiron.data.Vocabulary, list of texts or path}"),
    "nulls": (anything, "error",
              'what nulls, and NaN in features, become: "error", a number, or {column: ...}'),
    "handleInvalid": (TypeConverters.toString, "error",
                      'what transform does with rows whose features have nulls or NaN that `nulls` '
                      'has no value for: "error", "skip" (leave them out) or "keep" (null)'),
    "predictionCol": (TypeConverters.toString, "prediction",
                      "column of predictions; with several outputs the beginning of their names"),
    "classCol": (or_none(TypeConverters.toString), None,
                 "column of the predicted class (double): the largest number's place, or whether "
                 "a single one is above `threshold`"),
    "threshold": (TypeConverters.toFloat, 0.5, "for classCol of a single number"),
    "errorCol": (or_none(TypeConverters.toString), None,
                 "column of why a row's image could not be read; null where it could"),
    "predictBatchSize": (TypeConverters.toInt, 0, "rows the network sees at once; 0: as suits it"),
}  # fmt: skip
TRAINING = {
    "model": (a_model, None, "the andiron model to train; it stays as it is"),
    "loss": (held, None, "as in Model.compile; default: the model's own"),
    "optimizer": (held, None, 'as in Model.compile; default: the model\'s own, or "rmsprop"'),
    "learningRate": (or_none(TypeConverters.toFloat), None, "instead of the optimizer's"),
    "gradientAccumulationSteps": (or_none(TypeConverters.toInt), None,
                                  "batches that one step adds up, instead of the optimizer's"),
    "lossWeights": (held, None, "as in Model.compile"),
    "metrics": (held, None, "as in Model.compile"),
    "weightedMetrics": (held, None, "as in Model.compile"),
    "label": (held, None, "a column; a list or dict of columns for several outputs"),
    "sampleWeight": (or_none(TypeConverters.toString), None, "a column of weights"),
    "classWeight": (anything, None, '{class id: weight}; others weigh 1. "balanced": by how often '
                    "each class comes among the rows to train on"),
    "batchSize": (TypeConverters.toInt, 32, "rows a step, of all workers together"),
    "epochs": (TypeConverters.toInt, 1, "walks over the data"),
    "numWorkers": (TypeConverters.toInt, 1, "tasks that train at the same time"),
    "validationIndicatorCol": (or_none(TypeConverters.toString), None,
                               "column of booleans: rows that are not trained on but evaluated; "
                               "null is false"),
    "shuffle": (TypeConverters.toBoolean, True, "another order in each epoch"),
    "callbacks": (held, None, "of andiron.callbacks; in every worker, or at the driver"),
    "seed": (TypeConverters.toInt, 0, "of the order of rows"),
    "onNan": (TypeConverters.toString, "error", 'a loss that is NaN: "error", "stop" or "ignore"'),
    "wireDtype": (TypeConverters.toString, "float32", 'of gradients between workers; "bfloat16"'),
    "memoryBudget": (anything, None, 'of one worker: bytes or "512MB"; more rows are spilled; '
                     "default: two fifths of what the machine or container has for a slot"),
    "spillDir": (or_none(TypeConverters.toString), None, "folder for that, on a local disk"),
    "checkpointDir": (or_none(TypeConverters.toString), None,
                      "folder that all executors see under this path, or a URL of fsspec"),
    "checkpointEvery": (TypeConverters.toInt, 0, "steps between checkpoints, besides each epoch's"),
    "checkpointMinutes": (TypeConverters.toFloat, 0.0, "minutes between checkpoints, likewise"),
    "maxRestarts": (TypeConverters.toInt, 2, "by the driver, after Spark has used up its own"),
    "slotsTimeout": (TypeConverters.toFloat, 60.0, "seconds to wait for executors"),
    "heartbeatTimeout": (TypeConverters.toFloat, 30.0, "seconds until a silent worker is given up"),
    "operationTimeout": (TypeConverters.toFloat, 3600.0, "seconds to wait for slower workers"),
    "tls": (TypeConverters.toBoolean, False, "encrypts what workers send each other"),
    "verbose": (level, 1, "0 silent, 1 a bar, 2 a line for each epoch"),
}  # fmt: skip
OF_OBJECTS = (
    "model",
    "loss",
    "optimizer",
    "lossWeights",
    "metrics",
    "weightedMetrics",
    "callbacks",
)


# Names of other stages of Spark ML, and of Keras.
_ELSEWHERE = {
    "features_col": "features", "feature_cols": "features", "input_col": "features",
    "input_cols": "features", "label_col": "label", "weight_col": "sample_weight",
    "max_iter": "epochs", "step_size": "learning_rate", "lr": "learning_rate",
    "output_col": "prediction_col", "validation_col": "validation_indicator_col",
}  # fmt: skip


def snake(name: str) -> str:
    """Python's name of a Param: batchSize is batch_size."""
    return re.sub(r"([A-Z])", lambda m: "_" + m[1].lower(), name)


def with_params(*tables: dict) -> Any:
    """A class decorator: Params, getX and setX for each row of the tables."""

    def decorate(cls: type) -> type:
        cls._tables = {name: row for table in tables for name, row in table.items()}
        for name, (convert, _, doc) in cls._tables.items():
            setattr(cls, name, Param(Params._dummy(), name, doc, convert))
            big = name[0].upper() + name[1:]
            setattr(cls, f"set{big}", _setter(name, doc))
            setattr(cls, f"get{big}", _getter(name, doc))
        return cls

    return decorate


def _setter(name: str, doc: str) -> Any:
    def set(self: Any, value: Any) -> Any:
        return self._set_one(name, value)

    set.__name__, set.__doc__ = f"set{name[0].upper()}{name[1:]}", f"Sets {name}: {doc}."
    return set


def _getter(name: str, doc: str) -> Any:
    def get(self: Any) -> Any:
        return self.getOrDefault(name)

    get.__name__, get.__doc__ = f"get{name[0].upper()}{name[1:]}", f"{name}: {doc}."
    return get


class Settable:
    """Params from keyword arguments in Python's or Spark's spelling."""

    _tables: dict
    _of_objects: tuple[str, ...] = OF_OBJECTS  # Params that files do not keep

    def _take(self, given: dict) -> None:
        self._setDefault(**{name: row[1] for name, row in self._tables.items()})
        self.setParams(**given)

    def setParams(self, **given: Any) -> Any:
        """Sets several, named as in the constructor (batch_size) or as Params (batchSize)."""
        names = {snake(name): name for name in self._tables}
        for key, value in given.items():
            name = names.get(key, key)
            if name not in self._tables:
                raise TypeError(f"[spark] {type(self).__name__} {self._has_no(key, list(names))}")
            self._set_one(name, value)
        return self

    def _has_no(self, key: str, names: list[str]) -> str:
        close = difflib.get_close_matches(snake(key), names, 1, 0.75)
        meant = _ELSEWHERE.get(snake(key)) or (close[0] if close else None)
        hint = f"did you mean {meant!r}? There" if meant in names else "there"
        return f"has no {key!r}; {hint} are {sorted(names)}"

    def getOrDefault(self, param: Any) -> Any:
        """The value of a Param, or its default."""
        value = super().getOrDefault(param)
        return getattr(value, "what", value) if isinstance(value, MLWritable) else value

    def _set_one(self, name: str, value: Any) -> Any:
        try:
            value = self._tables[name][0](value)
        except TypeError as error:
            raise TypeError(f"[spark] {snake(name)}: {error}") from None
        if value is None and self._tables[name][1] is None:
            self.clear(self.getParam(name))  # unset; Params do not hold None
            return self
        self._paramMap[self.getParam(name)] = value
        return self

    def _settings(self, table: dict) -> dict:
        return {name: self.getOrDefault(name) for name in table}

    def _need(self, *names: str) -> None:
        for name in names:
            if self.getOrDefault(name) is None:
                raise _core.Error(f"[spark] {type(self).__name__} needs {snake(name)}")
