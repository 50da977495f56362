"""A Spark worker keeps to its memory budget, with ten times as many rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import andiron
from andiron import callbacks, layers

WIDTH, BUDGET = 64, 32 << 20


class Peak(callbacks.Callback):
    """Writes down how large the worker's process has been, before and after."""

    def __init__(self, path):
        self.path = path

    def on_train_end(self, logs=None):
        import json
        import os
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        with open(self.path, "a") as file:
            print(json.dumps({"pid": os.getpid(), "peak": peak}), file=file)


@pytest.mark.slow
@pytest.mark.parametrize("budget", [BUDGET, None])
def test_a_workers_resident_size_keeps_to_the_budget(spark, tmp_path, monkeypatch, budget):
    from andiron.spark import _memory

    from andiron import spark as on_spark

    def fit(rows: int) -> dict:
        frame = spark.range(0, rows, 1, 8).selectExpr(
            f"transform(sequence(1, {WIDTH}), i -> cast(sin(i * id) as float)) as v",
            "cast(sin(id) as float) as y",
        )
        model = andiron.Sequential([andiron.Input((WIDTH,)), layers.Dense(1)])
        path = tmp_path / f"peak-{rows}"
        on_spark.Estimator(
            model=model, loss="mse", features="v", label="y", batch_size=4096, epochs=2,
            verbose=0, memory_budget=budget, spill_dir=str(tmp_path), callbacks=[Peak(str(path))],
        ).fit(frame)  # fmt: skip
        return json.loads(path.read_text())

    if budget is None:  # then the machine's size decides
        monkeypatch.setattr(_memory, "of_executors", lambda session: {"overhead": 80 << 20})
        assert _memory.share(1, {"overhead": 80 << 20}) == _memory.LEAST
        budget_bytes = _memory.LEAST
    else:
        budget_bytes = BUDGET
    before = fit(20_000)
    after = fit(10 * budget_bytes // (4 * (WIDTH + 1)))
    print(before, after, Path.cwd())
    grown = after["peak"] - before["peak"]
    # Beyond the budget: Spark's batches on their way, one block and the plan.
    assert grown < 1.5 * budget_bytes + (32 << 20)
