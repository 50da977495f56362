"""Which Python the workers run."""

from __future__ import annotations

import os
import shutil
import sys
from types import SimpleNamespace

import pytest

pytest.importorskip("pyspark")
from andiron.spark import _cluster, _launch  # noqa: E402

SCRIPT = """
import andiron
from andiron import layers
from pyspark.sql import SparkSession

settings = {"spark.ui.enabled": "false", "spark.driver.memory": "1g",
            "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
builder = SparkSession.builder.master("local[1]")
spark = builder.config(map=settings).getOrCreate()
frame = spark.range(40).selectExpr("id / 40 as a", "id / 20 as y")
x = andiron.Input((1,))
model = andiron.Model(x, layers.Dense(1)(x))
trained = andiron.spark.Estimator(model=model, loss="mse", features="a", label="y").fit(frame)
assert trained.transform(frame).count() == 40
print("trained")
"""


@pytest.mark.slow
def test_local_workers_run_the_drivers_python(programs, tmp_path):
    from processes_testing import environment

    (tmp_path / "bin").mkdir()
    wrong = tmp_path / "bin/python3"
    wrong.write_text("#!/bin/sh\necho the wrong Python >&2\nexit 3\n")
    wrong.chmod(0o755)
    path = f"{tmp_path}/bin{os.pathsep}{environment()['PATH']}"
    assert shutil.which("python3", path=path) == str(wrong)
    command = ["env", "-u", "PYSPARK_PYTHON", "-u", "PYSPARK_DRIVER_PYTHON", f"PATH={path}",
               sys.executable, "-c", SCRIPT]  # fmt: skip
    program = programs.start("script", command)
    program.succeeds()
    assert "trained" in program.told("") and "the wrong Python" not in program.told("")


def test_the_drivers_python_where_nothing_is_said(monkeypatch):
    def taken(master, python="python3"):
        context = SimpleNamespace(master=master, pythonExec=python)
        _cluster._take_own_python(context)
        return context.pythonExec

    monkeypatch.delenv("PYSPARK_PYTHON", raising=False)
    for master in ("local", "local[*]", "local-cluster[2,1,512]"):
        assert taken(master) == sys.executable
    assert taken("yarn") == taken("spark://localhost:7077") == "python3"
    assert taken("local[2]", "/opt/python") == "/opt/python"
    monkeypatch.setenv("PYSPARK_PYTHON", "python3")
    assert taken("local[2]") == "python3"


FAILURE = """org.apache.spark.SparkException: Job aborted due to stage failure: Could not recover \
from a failed barrier ResultStage. Most recent failure reason: Stage failed because barrier task \
ShuffleMapTask(2, 0) finished unsuccessfully.
org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File "pyspark.zip/pyspark/worker.py", line 3369, in main
    func, profiler, deserializer, serializer = read_udfs(pickleSer, infile, eval_type)
ModuleNotFoundError: No module named 'pyarrow'

\tat org.apache.spark.api.python.BasePythonRunner.handlePythonException(PythonRunner.scala:645)
"""


def test_a_python_that_lacks_something_is_no_lost_worker():
    assert not _launch._lost(FAILURE)
    told = _launch._told(FAILURE, 0, "/usr/bin/python3")
    assert told == (
        "[spark] the workers' Python, '/usr/bin/python3', lacks something: ModuleNotFoundError: No "
        "module named 'pyarrow'. PYSPARK_PYTHON, set before the session starts, names one that has "
        "it (docs/spark.md)"
    )
