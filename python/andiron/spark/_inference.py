"""Predictions in Spark's Python workers: each reads the model once, and maps it from its file."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark import Broadcast
from pyspark.ml import Transformer

from andiron import _core
from andiron.models import Model as NativeModel
from andiron.spark import _cluster, _columns, _compat, _missing, _schema

_shipped: dict[str, set[str]] = {}  # in the driver: names of files by application
_broadcasts: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # of models that live
_loaded: dict[str, Any] = {}  # in a Python worker: models by their names
_KEPT = 4
_PARTS_OF_HEAP = 4  # a broadcast goes whole through the heap of the driver's Java
_TYPES = {"float64": "double", "int32": "int", "int64": "bigint", "bool": "boolean"}


class _Mapped(Broadcast):
    """Bytes that each executor has once as a file, for its Python workers to map. Spark drops them
    when nothing refers to them any more, DataFrames and queries that use them included."""

    def dump(self, value: bytes, f: Any) -> None:
        f.write(value)
        f.close()


def shipped(session: Any, model: Any) -> tuple[str, Broadcast | None]:
    """Gives a model to all executors: its name, and its broadcast, or None where it is a file of
    `sent`, which stays as long as the application: a large model, or with encrypted broadcasts."""
    data, context = model._network_bytes(), session.sparkContext
    digest = hashlib.sha256(data).hexdigest()
    heap = context._jvm.java.lang.Runtime.getRuntime().maxMemory()
    if context._encryption_enabled or len(data) > heap // _PARTS_OF_HEAP:

        def write(path: str) -> str:
            with open(path, "wb") as file:
                file.write(data)
            return digest

        return sent(session, write), None
    name = f"andiron-{digest[:32]}"
    application, there, broadcast = _broadcasts.get(model, (None, None, None))
    if (application, there) != (context.applicationId, name):
        broadcast = _Mapped(context, data, context._pickled_broadcast_vars)
        _broadcasts[model] = context.applicationId, name, broadcast
    return name, broadcast


def sent(session: Any, write: Callable[[str], str]) -> str:
    """Gives what `write(path)` makes, a file or a folder with this digest of its content, to all
    executors of the session's application; the name under which they find it."""
    context = session.sparkContext
    there = _shipped.setdefault(context.applicationId, set())
    folder = tempfile.mkdtemp(prefix="andiron-", dir=getattr(context, "_temp_dir", None))
    made = os.path.join(folder, "made")
    name = f"andiron-{write(made)[:32]}"
    if name in there:
        shutil.rmtree(folder)
        return name
    path = os.path.join(folder, name)
    os.rename(made, path)
    context.addFile(path, recursive=True)  # executors ask the driver for it later: it stays
    there.add(name)
    return name


def kept(name: str, load: Callable[[str], Any], broadcast: Any = None) -> Any:
    """In a Python worker: what `load` makes of a file that was sent, once."""
    if name not in _loaded:
        from pyspark import SparkFiles, TaskContext

        import andiron

        context = TaskContext.get()
        andiron.set_threads(max(1, int(context.cpus())) if context is not None else 1)
        while len(_loaded) >= _KEPT:
            _loaded.pop(next(iter(_loaded)))
        _loaded[name] = load(SparkFiles.get(name) if broadcast is None else broadcast._path)
    return _loaded[name]


def _model(name: str, broadcast: Any) -> Any:
    def load(path: str) -> Any:
        import andiron

        return andiron.load_model(path, compile=False)

    return kept(name, load, broadcast)


def output_types(model: Any) -> list[str]:
    """Spark's types of the outputs: a double for one number a row, else an array."""
    types = []
    for output in model.outputs:
        element = _TYPES.get(str(output.dtype), "float")
        scalar = all(n == 1 for n in output.shape[1:])
        types.append("double" if scalar and element == "float" else element if scalar
                     else f"array<{element}>")  # fmt: skip
    return types


def _column(rows: np.ndarray, kind: str, bad: np.ndarray) -> pa.Array:
    """The array of a kind; null in the rows whose images could not be read."""
    mask = bad if bad.any() else None
    if not kind.startswith("array<"):
        dtype = {"double": "f8", "int": "i4", "bigint": "i8", "boolean": "?"}[kind]
        flat = np.ascontiguousarray(rows).reshape(-1).astype(dtype, copy=False)
        return pa.array(flat, mask=mask)
    flat = pa.array(np.ascontiguousarray(rows).reshape(-1))
    size = rows[0].size if len(rows) else 0
    offsets = pa.array(np.arange(len(rows) + 1, dtype=np.int32) * size)
    if mask is None:
        return pa.ListArray.from_arrays(offsets, flat)
    return pa.ListArray.from_arrays(offsets, flat, mask=pa.array(mask))


def _classes(rows: np.ndarray, threshold: float, bad: np.ndarray) -> pa.Array:
    rows = rows.reshape(len(rows), -1)
    found = rows.argmax(1) if rows.shape[1] > 1 else rows[:, 0] > threshold
    return pa.array(found.astype("f8"), mask=bad if bad.any() else None)


def predictor(sent: tuple, settings: dict, types: list[str]) -> Callable:
    """The function of the UDF: structs of feature columns to predictions (a struct where there are
    several, or a class). `sent` is what `shipped` gave."""
    several = len(types) + settings["classes"] + settings["errors"] > 1

    def of_rows(model: Any, struct: pa.Array) -> tuple[list[np.ndarray], dict[int, str]]:
        from andiron import data

        if len(struct) == 0:
            return [np.zeros((0, 1), np.float32)] * len(types), {}
        batch = pa.RecordBatch.from_struct_array(struct)
        rows = data.from_arrow(
            _missing.Checked(settings["rules"]).of([batch]), settings["features"],
            vocabulary=settings["vocabulary"], nulls=settings["nulls"],
        )  # fmt: skip
        found = model.predict(rows, batch_size=settings["batch_size"] or None)
        return found if isinstance(found, list) else [found], dict(rows._bad_rows)

    def predict(structs):
        model = _model(*sent)
        for struct in structs:
            keeps = settings["invalid"] == "keep"
            good = _missing.complete(struct, settings["rules"]) if keeps else None
            rows = struct if good is None else struct.filter(pa.array(good))
            outputs, messages = of_rows(model, rows)
            bad = np.zeros(len(rows), bool)
            bad[list(messages)] = True
            columns = [_column(y, t, bad) for y, t in zip(outputs, types, strict=True)]
            if settings["classes"]:
                columns.append(_classes(outputs[0], settings["threshold"], bad))
            if settings["errors"]:
                texts = [messages.get(row) for row in range(len(rows))]
                columns.append(pa.array(texts, pa.string()))
            if good is not None:
                at = pa.array(np.cumsum(good) - 1, mask=~good)
                columns = [column.take(at) for column in columns]
            names = [f"c{i}" for i in range(len(columns))]
            yield pa.StructArray.from_arrays(columns, names) if several else columns[0]

    return predict


class Prediction:
    """A model in Spark: an expression for its outputs, made of a frame's feature columns.

    `settings`: features, vocabulary, nulls, batch_size, classes, threshold, and `invalid`: "keep"
    where rows without a number get null.
    """

    def __init__(self, session: Any, model: Any, settings: dict, there: list[str] = ()):
        self.types = output_types(model)
        self._names = _columns.named(settings["features"])
        self._texts = _schema.text_columns(model, settings["features"])
        by_column = {
            option: _columns.by_column(
                option, settings[option], self._names, [*self._names, *there]
            )
            for option in ("vocabulary", "nulls")
        }
        self.settings = {**settings, **by_column}
        self.settings["vocabulary"] = _columns.vocabularies(by_column["vocabulary"])
        self.settings["rules"] = _missing.of_features(
            self.settings["features"], by_column["nulls"], self.settings.get("vectors", ())
        )
        kinds = self.types + (["double"] if settings["classes"] else [])
        kinds += ["string"] if settings["errors"] else []
        self.several = len(kinds) > 1
        function = predictor(shipped(session, model), self.settings, self.types)
        self._function = _compat.arrow_function(function, kinds)
        self._predict, self._kinds = function, kinds

    def __call__(self, *given: Any) -> Any:
        return self.of(*given)

    # What spark.udf.register asks of a function, to make one for SQL.

    deterministic = True

    def asNondeterministic(self) -> Any:
        raise _core.Error("[spark] predictions are deterministic: the same rows give the same")

    @property
    def evalType(self) -> int:
        from pyspark.util import PythonEvalType

        if not hasattr(PythonEvalType, "SQL_SCALAR_ARROW_ITER_UDF"):
            raise _core.Error(
                "[spark] functions over Arrow arrays go into SQL from PySpark 4.1 on: use "
                "withColumn, or a temporary view of its result"
            )
        return PythonEvalType.SQL_SCALAR_ARROW_ITER_UDF

    @property
    def returnType(self) -> str:
        return _compat.schema_of(self._kinds)

    @property
    def func(self) -> Callable:
        names, predict = self._names, self._predict

        def of_columns(given):
            def structs():
                for columns in given:
                    one = columns if isinstance(columns, tuple) else (columns,)
                    if len(one) != len(names):
                        raise _core.Error(f"[spark] the model takes {names}; got {len(one)}")
                    yield pa.StructArray.from_arrays(list(one), names)

            yield from predict(structs())

        return of_columns

    def of(self, *given: Any) -> Any:
        """The expression for the rows of a frame, or of its feature columns in order."""
        from pyspark.sql import DataFrame

        names = self._names
        if len(given) != 1 or not isinstance(given[0], DataFrame):
            if len(given) != len(names):
                raise _core.Error(f"[spark] the model takes columns {names}; got {len(given)}")
            columns = [self._column(c) if isinstance(c, str) else c for c in given]
            return self._function(names, columns, None)
        frame = given[0]
        columns = _columns.selected(
            frame, names, self.settings["vocabulary"], self.settings["features"],
            texts=self._texts,
        )  # fmt: skip
        return self._function(names, columns, frame.select(*columns).schema)

    def _column(self, name: str) -> Any:
        """A feature by its name, dots in it and all; else what Spark understands by it."""
        from pyspark.sql import functions as F

        return F.col(_columns.quoted(name) if name in self._names else name)


def predict_batch_udf(
    model: Any,
    features: Any = None,
    *,
    vocabulary: dict | None = None,
    nulls: Any = None,
    batch_size: int | None = None,
) -> Callable:
    """A function from feature columns to the expression of a model's predictions, for `withColumn`
    and `select`, in batches and in streams; `spark.udf.register("price", it)` makes it one of SQL.

    Args:
        model: an andiron.Model, or an andiron.spark.Model, which brings the other settings along.
        features: as in Estimator.
        vocabulary, nulls: as in Estimator.
        batch_size: rows that the network sees at once. Default: as suits it.

    Returns:
        A function of columns, in the order in which `features` names them, or of a DataFrame (whose
        ML vectors then become arrays). Its expression is a double, an array, or for several
        outputs a struct (c0, c1, ...).

    Example:
        >>> predict = andiron.spark.predict_batch_udf(model, ["a", "b"])  # doctest: +SKIP
        >>> frame.withColumn("price", predict("a", "b"))  # doctest: +SKIP
    """
    session = _cluster.session_of()
    own: dict = {"features": None, "vocabulary": None, "nulls": "error", "batch_size": 0}
    invalid = "error"
    if isinstance(model, Transformer):
        own = {"features": model.getFeatures(), "vocabulary": model.getVocabulary(),
               "nulls": model.getNulls(), "batch_size": model.getPredictBatchSize()}  # fmt: skip
        if (invalid := model.getHandleInvalid()) == "skip":
            raise _core.Error(
                '[spark] a function of columns leaves no rows out: handle_invalid="keep" or "error"'
            )
        model = model.native
    if not isinstance(model, NativeModel):
        raise TypeError(f"[spark] an andiron.Model or andiron.spark.Model is needed; got {model!r}")
    given = {"features": features, "vocabulary": vocabulary, "nulls": nulls,
             "batch_size": batch_size}  # fmt: skip
    settings = {name: own[name] if value is None else value for name, value in given.items()}
    if settings["features"] is None:
        raise _core.Error("[spark] predict_batch_udf needs features")
    settings |= {"classes": False, "threshold": 0.5, "invalid": invalid, "errors": False}
    return Prediction(session, model, settings)
