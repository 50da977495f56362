"""A model that is larger than the heaps of Spark's Java have room for as one result."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import conftest
import numpy as np
import andiron
from andiron import layers, optimizers
from andiron import spark as on_spark

session = conftest.builder("local[2]", Path(sys.argv[2])).config("spark.driver.memory", "480m")
session = session.config("spark.driver.maxResultSize", "100m").getOrCreate()
session.sparkContext.setLogLevel("OFF")
ROWS, WIDTH = 820_000, 64  # 210 MB
who = andiron.Input((), dtype="int32")
table = layers.Embedding(ROWS, WIDTH)
model = andiron.Model(who, layers.Dense(1)(table(who)))
frame = session.range(0, 5000, 1, 2).selectExpr(
    f"cast(id * 164 % {ROWS} as int) as who", "sin(id) as y"
)
estimator = on_spark.Estimator(model=model, loss="mse", optimizer=optimizers.SGD(0.1),
                               features="who", label="y", batch_size=500, num_workers=2, verbose=0)
trained = estimator.fit(frame)
before, after = (m.get_weights()[0] for m in (model, trained.native))
moved = (before != after).any(axis=1)
assert 0 < moved.sum() <= 5000 and not moved[1::2].all(), moved.sum()
found = trained.transform(frame.limit(50)).toPandas()  # 210 MB are more than a quarter of the heap
expected = trained.native.predict(found["who"].to_numpy())[:, 0]
np.testing.assert_allclose(found["prediction"], expected, atol=1e-6)
session.stop()
print("came back whole")
"""


@pytest.mark.slow
def test_a_large_model_comes_back_through_a_small_heap(tmp_path):
    pytest.importorskip("pyspark")
    from processes_testing import environment

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), str(tmp_path)],
        env=environment(), timeout=600, capture_output=True, text=True,
    )  # fmt: skip
    assert "came back whole" in done.stdout, done.stderr[-6000:]
