"""Saving and loading of estimator and model, in the layout of Spark ML: metadata/ beside the model.

metadata/             Params and history as JSON
model.safetensors     architecture, weights, loss, optimizer; any safetensors reader opens it
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyspark.ml.util import DefaultParamsReader, DefaultParamsWriter, MLReader, MLWriter

from andiron.spark import _columns, _compat, _files


class Writer(MLWriter):
    """Writes a stage; `native` is the andiron model in its files (None: none), which `write_native`
    writes into a folder."""

    def __init__(self, stage: Any, native: Any, extra: dict | None = None,
                 write_native: Callable = _files.write_model):  # fmt: skip
        super().__init__()
        self._stage, self._native, self._extra = stage, native, extra or {}
        self._write_native = write_native

    def saveImpl(self, path: str) -> None:
        stage, session = self._stage, self.sparkSession
        params = {
            p.name: _columns.to_json(_kept(stage, p))
            for p in stage._paramMap
            if p.name not in stage._of_objects
        }
        extra = {**self._extra, "hasModel": self._native is not None}
        if isinstance(params.get("classWeight"), dict):  # JSON's keys are texts
            params["classWeight"] = [[int(k), v] for k, v in stage.getClassWeight().items()]
        DefaultParamsWriter.saveMetadata(
            stage, path, _compat.metadata_owner(session), extra, params
        )
        if self._native is not None:
            self._write_native(session, self._native, path)


def _kept(stage: Any, param: Any) -> Any:
    value = stage.getOrDefault(param)
    return _columns.of_paths(value) if param.name == "vocabulary" else value


class Reader(MLReader):
    """Reads a stage of a class that has `_read(native, metadata)`."""

    def __init__(self, cls: type, read_native: Callable = _files.read_model):
        super().__init__()
        self._cls, self._read_native = cls, read_native

    def load(self, path: str) -> Any:
        session = self.sparkSession
        metadata = DefaultParamsReader.loadMetadata(path, _compat.metadata_owner(session))
        name = f"{self._cls.__module__}.{self._cls.__name__}"
        if metadata["class"] != name:
            raise ValueError(f"[spark] {path} has a {metadata['class']}, not a {name}")
        native = self._read_native(session, path) if metadata["hasModel"] else None
        stage = self._cls._read(native, metadata)
        stage._resetUid(metadata["uid"])
        for name, value in metadata["paramMap"].items():
            pairs = name == "classWeight" and isinstance(value, list)
            value = dict(map(tuple, value)) if pairs else _columns.from_json(value)
            stage._set_one(name, value)
        return stage
