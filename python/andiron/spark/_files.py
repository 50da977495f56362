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
        model.save(os.path.join(here, MODEL))
        put(session, os.path.join(here, MODEL), f"{folder}/{MODEL}")


def read_model(session: Any, folder: str) -> Any:
    """Loads what `write_model` saved."""
    import andiron

    with tempfile.TemporaryDirectory(prefix="andiron-") as here:
        get(session, f"{folder}/{MODEL}", os.path.join(here, MODEL))
        return andiron.load_model(os.path.join(here, MODEL))


def put(session: Any, here: str, there: str) -> None:
    """Copies a file to a path, or a folder into another one."""
    system, path = _system(session, there)
    system.copyFromLocalFile(False, True, _local(session, here), path)


def get(session: Any, there: str, here: str) -> None:
    system, path = _system(session, there)
    system.copyToLocalFile(False, path, _local(session, here), True)
