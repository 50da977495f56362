"""What Spark costs before training: rows from the JVM into the engine, and the start of a job.

    python -m benchmarks.scale.spark_overhead [--rows 2000000]

Rows: the same Parquet files go into the engine directly (andiron.data.from_parquet, one process)
and through Spark (read, dealt to two workers, Arrow, andiron.data), in turn. GB are those of the
float32 that the engine holds afterwards.
Start: seconds from calling Estimator.fit to the end of the first step, in a new session and again
in the same one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import andiron
from andiron import callbacks, data, layers
from benchmarks.scale.session import features_of, spark_session, write_rows

WIDTH = 32


class Times(callbacks.Callback):
    """Writes when training begins and when the first step has ended."""

    def __init__(self, path: str):
        self.path, self.steps = path, 0

    def on_train_begin(self, logs=None) -> None:
        if self.worker == 0:
            Path(self.path).write_text(f"{time.time()}\n")

    def on_train_batch_end(self, batch, logs=None) -> None:
        self.steps += 1
        if self.worker == 0 and self.steps == 1:
            with open(self.path, "a") as file:
                file.write(f"{time.time()}\n")


def direct(folder: str, layout: str) -> float:
    """Seconds until all rows are in the engine, in this process."""
    begin = time.perf_counter()
    rows = data.from_parquet(folder, features_of(layout), "y")
    assert len(rows) > 0  # reads them
    return time.perf_counter() - begin


def through_spark(session, folder: str, layout: str) -> tuple[float, float]:
    """(seconds of the whole job, seconds in which the workers read)"""
    from andiron import spark

    def read(worker):
        begin = time.perf_counter()
        kept = []
        for _, batches in worker.shards():
            kept.append(data.from_arrow(batches, features_of(layout), "y", content_order=True))
            len(kept[-1])  # reads them, before the next shard comes
        return sum(map(len, kept)), time.perf_counter() - begin

    begin = time.perf_counter()
    said = spark.launch(read, num_workers=2, data=session.read.parquet(folder))
    whole = time.perf_counter() - begin
    assert sum(rows for rows, _ in said) > 0
    return whole, max(seconds for _, seconds in said)


def throughput(rows: int, rounds: int) -> list[dict]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        session = spark_session(folder=folder)
        for layout in ("columns", "array"):
            path = f"{folder}/{layout}"
            write_rows(path, rows, layout, WIDTH)
            through_spark(session, path, layout)  # warms up
            pairs = []
            for _ in range(rounds):
                pairs.append((direct(path, layout), *through_spark(session, path, layout)))
            n_bytes = rows * (WIDTH + 1) * 4
            alone, whole, reading = (statistics.median(t) for t in zip(*pairs, strict=True))
            found.append(
                {
                    "layout": layout,
                    "rows": rows,
                    "bytes": n_bytes,
                    "direct_seconds": alone,
                    "job_seconds": whole,
                    "reading_seconds": reading,
                    "job_over_direct": statistics.median(j / d for d, j, _ in pairs),
                    "spread": [min(j / d for d, j, _ in pairs), max(j / d for d, j, _ in pairs)],
                }
            )
        session.stop()
    return found


def start() -> dict:
    """In a new process: seconds from its beginning, by stage."""
    from andiron import spark

    begin = time.time()
    with tempfile.TemporaryDirectory() as folder:
        session = spark_session(folder=folder)
        ready = time.time()
        write_rows(f"{folder}/rows", 20_000, "columns", WIDTH)
        x = andiron.Input((WIDTH,))
        model = andiron.Model(x, layers.Dense(1, "sigmoid")(layers.Dense(64, "relu")(x)))
        fits = []
        for number in range(3):
            path = f"{folder}/times{number}"
            estimator = spark.Estimator(
                model=model, loss="binary_crossentropy", optimizer="adam",
                features=features_of("columns"), label="y", batch_size=256, num_workers=2,
                callbacks=[Times(path)], verbose=0,
            )  # fmt: skip
            called = time.time()
            estimator.fit(session.read.parquet(f"{folder}/rows"))
            ended = time.time()
            began, stepped = map(float, Path(path).read_text().split())
            fits.append({"rows_in_workers": began - called, "first_step": stepped - called,
                         "whole": ended - called})  # fmt: skip
        session.stop()
    return {"session": ready - begin, "fits": fits}


def starts(rounds: int) -> dict:
    """Medians over new processes."""
    said = []
    for _ in range(rounds):
        begin = time.time()
        done = subprocess.run([sys.executable, "-m", "benchmarks.scale.spark_overhead", "--start"],
                              stdout=subprocess.PIPE, text=True, check=True)  # fmt: skip
        one = json.loads(done.stdout.splitlines()[-1])
        said.append({**one, "process": time.time() - begin})
    cold = [one["fits"][0]["first_step"] for one in said]
    warm = [fit["first_step"] for one in said for fit in one["fits"][1:]]
    return {
        "session": statistics.median(one["session"] for one in said),
        "cold_first_step": statistics.median(cold),
        "cold_spread": [min(cold), max(cold)],
        "warm_first_step": statistics.median(warm),
        "warm_spread": [min(warm), max(warm)],
        "warm_rows_in_workers": float(
            np.median([fit["rows_in_workers"] for one in said for fit in one["fits"][1:]])
        ),
    }


def text(found: dict) -> str:
    lines = []
    for one in found["throughput"]:
        gb = one["bytes"] / 1e9
        lines.append(
            f"{one['layout']:<8} {one['rows']:,} rows, {gb:.2f} GB: directly "
            f"{gb / one['direct_seconds']:.2f} GB/s, {one['rows'] / one['direct_seconds']:,.0f} "
            f"rows/s; through Spark {gb / one['job_seconds']:.3f} GB/s, "
            f"{one['rows'] / one['job_seconds']:,.0f} rows/s as a whole job, of which the workers "
            f"read at {gb / one['reading_seconds']:.3f} GB/s; job / direct "
            f"{one['job_over_direct']:.1f} ({one['spread'][0]:.1f} to {one['spread'][1]:.1f})"
        )
    s = found["start"]
    lines.append(
        f"start: session {s['session']:.1f} s; fit to first step: new session "
        f"{s['cold_first_step']:.1f} s ({s['cold_spread'][0]:.1f} to {s['cold_spread'][1]:.1f}), "
        f"again {s['warm_first_step']:.1f} s ({s['warm_spread'][0]:.1f} to "
        f"{s['warm_spread'][1]:.1f})"
    )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="file for the figures")
    parser.add_argument("--start", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.start:
        print(json.dumps(start()))
        return
    found = {"throughput": throughput(given.rows, given.rounds), "start": starts(given.rounds)}
    print(text(found))
    if given.json:
        Path(given.json).write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
