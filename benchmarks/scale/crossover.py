"""From how many rows Spark is the faster place to train: the same files, the same model.

    python -m benchmarks.scale.crossover [--rows 20000,200000,2000000]

One machine: a new process reads the Parquet files by andiron.data and fits with two threads.
Spark: a new process starts a session (local[2]), and Estimator.fit trains with two workers of one
thread. Also "running": the session is there already, as in an application that has just prepared
the rows. All times are whole: from the start of the process (or the call of fit) to the trained
model. A line through them gives what starting costs, and a row; from these the script reckons where
more nodes would cross over.
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

from benchmarks.scale import fit

WIDTH, BATCH, EPOCHS = 32, 1024, 3
WAYS = {"machine": "one machine, 2 threads", "spark": "Spark, new session", "running":
        "Spark, running session"}  # fmt: skip


def model():
    import andiron
    from andiron import layers

    andiron.set_random_seed(1)
    x = andiron.Input((WIDTH,))
    h = layers.Dense(256, "relu")(layers.Dense(256, "relu")(x))
    return andiron.Model(x, layers.Dense(1, "sigmoid")(h))


def machine(folder: str) -> None:
    import andiron
    from andiron import data
    from benchmarks.scale.session import features_of

    andiron.set_threads(2)
    one = model()
    one.compile("adam", "binary_crossentropy")
    rows = data.from_parquet(folder, features_of("columns"), "y")
    one.fit(rows, batch_size=BATCH, epochs=EPOCHS, verbose=0)


def spark(folder: str) -> None:
    from andiron.spark import Estimator

    from benchmarks.scale.session import features_of, spark_session

    with tempfile.TemporaryDirectory() as local:
        session = spark_session(folder=local)

        def train() -> float:
            begin = time.perf_counter()
            Estimator(
                model=model(), loss="binary_crossentropy", optimizer="adam",
                features=features_of("columns"), label="y", batch_size=BATCH, epochs=EPOCHS,
                num_workers=2, verbose=0,
            ).fit(session.read.parquet(folder))  # fmt: skip
            return time.perf_counter() - begin

        train()
        print("first", flush=True)
        print(json.dumps(train()), flush=True)
        session.stop()


def in_new_process(way: str, folder: str) -> tuple[float, float]:
    """Seconds until it has trained; for Spark also those of training again."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.scale.crossover", "--way", way, "--folder", folder],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    if way == "machine":
        process.communicate()
        seconds, again = time.perf_counter() - begin, 0.0
    else:
        while (line := process.stdout.readline()) and line.strip() != "first":
            pass
        seconds = time.perf_counter() - begin
        again = json.loads(process.communicate()[0].splitlines()[-1])
    if process.returncode != 0:
        raise RuntimeError(f"{way} ended with {process.returncode}")
    return seconds, again


def measured(sizes: list[int], rounds: int) -> dict[str, dict[int, list[float]]]:
    """way -> rows -> seconds of each round."""
    from benchmarks.scale.session import write_rows

    found: dict[str, dict[int, list[float]]] = {way: {} for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        for rows in sizes:
            path = f"{folder}/{rows}"
            write_rows(path, rows, "columns", WIDTH)
            for _ in range(rounds):
                found["machine"].setdefault(rows, []).append(in_new_process("machine", path)[0])
                first, again = in_new_process("spark", path)
                found["spark"].setdefault(rows, []).append(first)
                found["running"].setdefault(rows, []).append(again)
            print(rows, {way: [round(s, 1) for s in found[way][rows]] for way in WAYS}, flush=True)
    return found


def lines(found: dict[str, dict[int, list[float]]]) -> dict[str, fit.Line]:
    """seconds = alpha + beta * rows of each way."""
    out = {}
    for way, by_rows in found.items():
        pairs = [(float(rows), s) for rows, seconds in by_rows.items() for s in seconds]
        out[way] = fit.line(*map(np.array, zip(*pairs, strict=True)))
    return out


def crossing(machine: fit.Line, spark: fit.Line, nodes: float, efficiency: float) -> float:
    """Rows from which `nodes` such pairs of workers are faster than one machine; inf: never."""
    slope = machine.beta - spark.beta / (nodes * efficiency)
    return max(0.0, (spark.alpha - machine.alpha) / slope) if slope > 0 else float("inf")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="20000,200000,1000000,3000000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--efficiency", type=float, default=0.95, help="of more nodes: predict.py")
    parser.add_argument("--json", help="file for the figures")
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        {"machine": machine, "spark": spark}[given.way](given.folder)
        return
    found = measured([int(n) for n in given.rows.split(",")], given.rounds)
    fitted = lines(found)
    print(f"{'rows':>12}" + "".join(f"{text:>26}" for text in WAYS.values()))
    for rows in found["machine"]:
        cells = [statistics.median(found[way][rows]) for way in WAYS]
        print(f"{rows:>12,}" + "".join(f"{cell:>24.1f} s" for cell in cells))
    for way, one in fitted.items():
        print(f"{WAYS[way]}: {one.alpha:.1f} ± {one.alpha_error:.1f} s + {1e6 * one.beta:.2f} ± "
              f"{1e6 * one.beta_error:.2f} s a million rows")  # fmt: skip
    crossings = {}
    for way in ("spark", "running"):
        crossings[way] = {n: crossing(fitted["machine"], fitted[way], n, given.efficiency)
                          for n in (1, 2, 4, 8, 16, 64)}  # fmt: skip
        said = ", ".join(f"{n}: {rows:,.0f}" for n, rows in crossings[way].items())
        print(f"{WAYS[way]} is faster than one machine from so many rows, by nodes: {said}")
    if given.json:
        content = {"seconds": found, "crossings": crossings,
                   "lines": {way: vars(one) for way, one in fitted.items()}}  # fmt: skip
        Path(given.json).write_text(json.dumps(content, indent=1))


if __name__ == "__main__":
    main()
