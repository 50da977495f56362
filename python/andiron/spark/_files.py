"""Files on any file system that Spark knows (HDFS, object stores, local), through its JVM."""

from __future__ import annotations

import os
import tempfile
from typing import Any

MODEL = "model.safetensors"


def _system(session: Any, path: str) -> tuple[Any, Any]:
    jvm = session.sparkContext._jvm
    where = jvm.org.apache.hadoop.fs.Path(path)
    return where.getFileSystem(session.sparkContext._jsc.hadoopConfiguration()), where


def _local(session: Any, path: str) -> Any:
    return session.sparkContext._jvm.org.apache.hadoop.fs.Path("file://" + os.path.abspath(path))


def write_model(session: Any, model: Any, folder: str) -> None:
    """Saves an andiron model as folder/model.safetensors."""
    with tempfile.TemporaryDirectory(prefix="andiron-") as here:
        file = os.path.join(here, MODEL)
        model.save(file)
        system, there = _system(session, f"{folder}/{MODEL}")
        system.copyFromLocalFile(False, True, _local(session, file), there)


def read_model(session: Any, folder: str) -> Any:
    """Loads what `write_model` saved."""
    import andiron

    with tempfile.TemporaryDirectory(prefix="andiron-") as here:
        file = os.path.join(here, MODEL)
        system, there = _system(session, f"{folder}/{MODEL}")
        system.copyToLocalFile(False, there, _local(session, file), True)
        return andiron.load_model(file)
