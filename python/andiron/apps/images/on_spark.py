"""A classifier of photos as a stage of Spark ML: features and classes as columns."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.ml import Model as SparkModel
from pyspark.ml.param import TypeConverters
from pyspark.ml.util import MLReadable, MLWritable

from andiron import _core
from andiron.spark import _cluster, _columns, _compat, _files, _inference
from andiron.spark._params import Settable, or_none, with_params
from andiron.spark._persistence import Reader, Writer

_FILE = "classifier"
_AT_ONCE = 64  # photos

PARAMS = {
    "imageCol": (TypeConverters.toString, "content",
                 "column of files' bytes, of Spark's image structs, or of paths"),
    "predictionCol": (or_none(TypeConverters.toString), "prediction",
                      "column of the class; an array of classes where there may be several"),
    "probabilityCol": (or_none(TypeConverters.toString), "probability",
                       "column of the chances, in the order of native.classes_"),
    "featuresCol": (or_none(TypeConverters.toString), None, "column of the network's features"),
    "errorCol": (or_none(TypeConverters.toString), "error", "column of why a photo is bad"),
}  # fmt: skip


@with_params(PARAMS)
class ImageModel(Settable, SparkModel, MLReadable, MLWritable):
    """Adds classes, chances and features to DataFrames of photos.

    A column whose Param is None is not made. A photo that cannot be read gets nulls, and `error`
    says why.

    Args:
        native: an ImageClassifier or StyleClassifier after fit.
        settings: Params, in Python's spelling (image_col) or Spark's.

    Example:
        >>> stage = ImageModel(classifier, features_col="features")  # doctest: +SKIP
        >>> stage.transform(frame).select("prediction", "features")  # doctest: +SKIP
    """

    _of_objects = ()

    def __init__(self, native: Any = None, **settings: Any):
        super().__init__()
        self._take(settings)
        self.native = native

    def _kinds(self) -> dict[str, tuple[str, str]]:
        """{what: (column, Spark's type)} of the columns to make."""
        several = self.native.multi_label_
        kinds = {
            "prediction": (self.getPredictionCol(), "array<string>" if several else "string"),
            "probability": (self.getProbabilityCol(), "array<float>"),
            "features": (self.getFeaturesCol(), "array<float>"),
            "error": (self.getErrorCol(), "string"),
        }
        return {what: found for what, found in kinds.items() if found[0]}

    def _transform(self, frame: Any) -> Any:
        """Errors: andiron.Error for a column that is missing, is no photo, or is there already."""
        from pyspark.sql import functions as F
        from pyspark.sql import types as T

        kinds = self._kinds()
        names = [column for column, _ in kinds.values()]
        if not names:
            raise _core.Error("[spark] ImageModel has no column to make: all are None")
        _columns.refuse_there(frame, names)
        given = self.getImageCol()
        if given not in frame.columns:
            raise _core.Error(
                f"[spark] there is no column {given!r} (image_col); there are {frame.columns}"
            )
        kind = frame.schema[given].dataType
        if not isinstance(kind, (T.BinaryType, T.StringType, T.StructType)):
            raise _core.Error(
                f"[spark] column {given!r} is {kind.simpleString()}; photos are files' bytes, "
                "image structs or paths"
            )
        session = _cluster.session_of(frame)
        classify = _classifier(_sent(session, self.native), list(kinds))
        types = [kind for _, kind in kinds.values()]
        # A struct of several columns; one column more where there is one only.
        function = _compat.arrow_function(classify, [*types, "boolean"])
        photo = F.col(_columns.quoted(given))
        made = function(["photo"], [photo], frame.select(photo.alias("photo")).schema)
        together = "__andiron_photos"
        parts = {name: F.col(f"{together}.c{i}") for i, name in enumerate(names)}
        return frame.withColumn(together, made).withColumns(parts).drop(together)

    def write(self) -> Writer:
        """Saves to any path that Spark can write to: `stage.write().overwrite().save(path)`."""
        return Writer(self, self.native, write_native=_write)

    @classmethod
    def read(cls) -> Reader:
        """Loads what `save` wrote: `ImageModel.load(path)`."""
        return Reader(cls, _read)

    @classmethod
    def _read(cls, native: Any, metadata: dict) -> ImageModel:
        return cls(native)


def _write(session: Any, native: Any, folder: str) -> None:
    with tempfile.TemporaryDirectory(prefix="andiron-") as here:
        native.save(os.path.join(here, _FILE))
        _files.put(session, os.path.join(here, _FILE), f"{folder}/{_FILE}")


def _read(session: Any, folder: str) -> Any:
    with tempfile.TemporaryDirectory(prefix="andiron-") as here:
        _files.get(session, f"{folder}/{_FILE}", os.path.join(here, _FILE))
        return _load(os.path.join(here, _FILE))


def _load(path: str) -> Any:
    from andiron.apps.homes import StyleClassifier

    return StyleClassifier.load(path, cache=False)


def _sent(session: Any, native: Any) -> str:
    import hashlib

    def write(path: str) -> str:
        native.save(path)
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    return _inference.sent(session, write)


def _classifier(name: str, wanted: list[str]) -> Callable:
    """The function over structs of one column of photos."""

    def classify(structs: Iterator) -> Iterator:
        classifier = _inference.kept(name, _load)
        for struct in structs:
            yield _columns_of(classifier, struct.field("photo"), wanted)

    return classify


def _columns_of(classifier: Any, photos: pa.Array, wanted: list[str]) -> pa.StructArray:
    if pa.types.is_struct(photos.type):
        from andiron.images import spark_image_bytes

        photos = spark_image_bytes(photos)
    sources = [b"" if p is None else p for p in photos.to_pylist()]
    n, width = len(sources), classifier.extractor.size
    features, why = np.zeros((n, width), np.float32), {}
    for start in range(0, n, _AT_ONCE):
        part, bad = classifier.extractor.compute(sources[start : start + _AT_ONCE])
        features[start : start + len(part)] = part
        why.update({start + row: text for row, text in bad})
    missing = np.zeros(n, bool)
    missing[list(why)] = True
    chances = classifier.linear_.predict_proba(np.where(missing[:, None], 0, features))
    columns: list = []
    for what in wanted:
        if what == "error":
            columns.append(pa.array([why.get(i) for i in range(n)], pa.string()))
        elif what == "prediction":
            columns.append(_classes(classifier, chances, missing))
        else:
            columns.append(_lists(features if what == "features" else chances, missing))
    columns.append(pa.array(~missing))
    return pa.StructArray.from_arrays(columns, [f"c{i}" for i in range(len(columns))])


def _classes(classifier: Any, chances: np.ndarray, missing: np.ndarray) -> pa.Array:
    chosen = classifier._chosen(chances)
    names = [str(c) for c in classifier.classes_]
    said = [
        None if gone else [names[k] for k in np.flatnonzero(row)]
        for row, gone in zip(chosen, missing, strict=True)
    ]
    if classifier.multi_label_:
        return pa.array(said, pa.list_(pa.string()))
    return pa.array([None if row is None else row[0] for row in said], pa.string())


def _lists(rows: np.ndarray, missing: np.ndarray) -> pa.Array:
    flat = pa.array(np.ascontiguousarray(rows, np.float32).reshape(-1))
    offsets = pa.array(np.arange(len(rows) + 1, dtype=np.int32) * rows.shape[1])
    return pa.ListArray.from_arrays(offsets, flat, mask=pa.array(missing))
