"""The streaming example as a user runs it, killed in the middle of its work."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from processes_testing import ROOT

import andiron
from andiron import layers

pytestmark = pytest.mark.slow

ROWS_A_FILE = 20_000
DEFAULTS = """
spark.master                    local[2]
spark.driver.host               127.0.0.1
spark.driver.bindAddress        127.0.0.1
spark.driver.extraJavaOptions   -XX:+UseSerialGC -XX:TieredStopAtLevel=1
spark.ui.enabled                false
"""


def rows(number: int) -> pd.DataFrame:
    rng = np.random.default_rng(number)
    ids = np.arange(number * ROWS_A_FILE, (number + 1) * ROWS_A_FILE)
    return pd.DataFrame({"id": ids, "a": rng.normal(size=len(ids)), "b": rng.random(len(ids))})


class Folders:
    """Where files arrive, and what the program has noted."""

    def __init__(self, here: Path):
        self.rows, self.state, self.scores = here / "rows", here / "state", here / "scores"
        self.rows.mkdir()

    def arrive(self, number: int) -> None:
        """A file appears whole, as the file system renames it."""
        hidden = self.rows / f".{number}.tmp"
        rows(number).to_parquet(hidden, index=False)
        os.rename(hidden, self.rows / f"{number}.parquet")

    def noted(self, what: str) -> set[int]:
        folder = self.state / what
        return {int(f.name) for f in folder.glob("[0-9]*") if f.name.isdigit()}

    def begun_not_done(self) -> set[int]:
        return self.noted("offsets") - self.noted("commits")

    def in_the_middle(self, least: int) -> bool:
        return len(self.noted("commits")) >= least and bool(self.begun_not_done())


def test_every_row_is_scored_once_however_often_it_is_killed(spark, programs, tmp_path):
    from andiron import spark as on_spark

    andiron.set_random_seed(5)
    native = andiron.Sequential([andiron.Input((2,)), layers.Dense(8, "tanh"), layers.Dense(1)])
    on_spark.Model(native, features=["a", "b"]).save(str(tmp_path / "model"))
    folders = Folders(tmp_path)
    command = [
        sys.executable, ROOT / "examples/spark/streaming_scores.py", "--model", tmp_path / "model",
        "--schema", "id long, a double, b double", "--rows", folders.rows, "--files", 1,
        "--scores", folders.scores, "--state", folders.state,
    ]  # fmt: skip

    (tmp_path / "spark-defaults.conf").write_text(DEFAULTS)
    for number in range(6):
        folders.arrive(number)
    cut_off = 0
    for least in (1, 3):  # batches that are done before it is killed
        program = programs.start("stream", command, SPARK_CONF_DIR=str(tmp_path))
        program.wait_until(lambda least=least: folders.in_the_middle(least), "amid a batch")
        folders.arrive(5 + least)
        program.kill()
        cut_off += len(folders.begun_not_done())
    assert cut_off > 0, "it was killed between batches only"
    assert len(folders.noted("commits")) < 6, "it was killed when all was done"
    programs.start("stream", [*command, "--until-done"], SPARK_CONF_DIR=str(tmp_path)).succeeds()

    found = spark.read.parquet(str(folders.scores)).toPandas().sort_values("id", ignore_index=True)
    given = pd.concat([rows(n) for n in (*range(6), 6, 8)], ignore_index=True)
    np.testing.assert_array_equal(found["id"], given["id"])  # all, and each once
    np.testing.assert_array_equal(found["a"], given["a"])
    expected = native.predict(given[["a", "b"]].to_numpy("f"))[:, 0]
    np.testing.assert_allclose(found["prediction"], expected, atol=1e-6)
