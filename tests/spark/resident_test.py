"""A Spark worker keeps to its memory budget, with ten times as many rows."""

from __future__ import annotations

import json

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


GB = 1 << 30


@pytest.mark.parametrize(
    ("cpus", "machine", "container", "threads", "facts", "expected"),
    [
        (8, 32, None, 1, {}, 4),  # a standalone node: its cores are the slots
        (8, 32, None, 4, {"slots": 1}, 16),  # two executors on it
        (64, 256, 10, 2, {"slots": 2, "heap": 2 * GB}, 4),  # a container with room beside its JVM
        (8, 32, None, 1, {"slots": 4, "overhead": 2 * GB}, 0.5),  # YARN kills what is larger
    ],
)
def test_the_default_is_two_fifths_of_a_slots_memory(
    monkeypatch, cpus, machine, container, threads, facts, expected
):
    pytest.importorskip("pyspark")
    from andiron.spark import _memory

    monkeypatch.setattr(_memory.os, "cpu_count", lambda: cpus)
    monkeypatch.setattr(_memory, "_machine", lambda: machine * GB)
    monkeypatch.setattr(_memory, "_container", lambda: container and container * GB)
    assert _memory.share(threads, facts) == int(0.4 * expected * GB)
    monkeypatch.setattr(_memory, "_machine", lambda: 1 << 20)
    assert _memory.share(threads, facts) == _memory.LEAST


def test_what_executors_have_is_told(spark):
    from andiron.spark import _memory

    assert _memory.of_executors(spark) == {"heap": GB, "slots": 2, "overhead": None}


@pytest.mark.slow
def test_a_workers_resident_size_keeps_to_the_budget(spark, tmp_path):
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
            verbose=0, memory_budget=BUDGET, spill_dir=str(tmp_path), callbacks=[Peak(str(path))],
        ).fit(frame)  # fmt: skip
        return json.loads(path.read_text())

    before = fit(20_000)
    after = fit(10 * BUDGET // (4 * (WIDTH + 1)))
    print(before, after)
    # Beyond the budget: Spark's batches on their way, one block and the plan.
    assert after["peak"] - before["peak"] < 1.5 * BUDGET + (32 << 20)
