"""A Spark session on this machine, and tables of rows for it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FILE_ROWS = 250_000


def spark_session(slots: int = 2, memory: str = "3g", folder: str | None = None) -> Any:
    """local[slots] on the loopback interface, one core a task."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": memory,
        "spark.driver.maxResultSize": "2g",
        "spark.sql.shuffle.partitions": str(2 * slots),
        "spark.sql.execution.arrow.pyspark.enabled": "true",
    }
    if folder is not None:
        settings["spark.local.dir"] = folder
    builder = SparkSession.builder.master(f"local[{slots}]").appName("andiron benchmarks")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def write_rows(folder: str | Path, rows: int, layout: str = "columns", width: int = 32) -> None:
    """Parquet files of `width` float32 features ("columns", or one "array" v) and a label y."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    weights = rng.standard_normal(width).astype(np.float32)
    for number, start in enumerate(range(0, rows, FILE_ROWS)):
        n = min(FILE_ROWS, rows - start)
        x = rng.standard_normal((n, width)).astype(np.float32)
        y = (x @ weights + rng.standard_normal(n).astype(np.float32) > 0).astype(np.float32)
        if layout == "columns":
            columns = {f"c{i:02d}": x[:, i] for i in range(width)}
        else:
            columns = {"v": pa.FixedSizeListArray.from_arrays(pa.array(x.ravel()), width)}
        pq.write_table(pa.table({**columns, "y": y}), folder / f"part-{number:05d}.parquet")


def features_of(layout: str, width: int = 32) -> Any:
    return [f"c{i:02d}" for i in range(width)] if layout == "columns" else "v"
