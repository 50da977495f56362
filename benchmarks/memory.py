"""Memory over 100,000 steps: `python -m benchmarks.memory [--write docs/reliability.md]`.

What grows is a leak: the first tenth of the steps fills caches and the allocator's free lists, the
rest must not need more. Two watches: the process's resident memory, and the bytes that our own
allocator has given out and not got back. Exit code 1 when one of them grows.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import andiron
from andiron import Input, Model, Sequential, _core, layers, optimizers

MEGABYTE = 1 << 20
ALLOWED = 8 * MEGABYTE  # of resident memory: the system's allocator keeps pages as it likes
ROWS, BATCH = 16_000, 16


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 4)).astype("f")
Y = X.sum(1, keepdims=True)
IDS = RNG.integers(0, 500, (ROWS, 3)).astype("i")


def network() -> Model:
    inner = [layers.Dense(8, "relu"), layers.BatchNormalization(), layers.Dropout(0.1)]
    model = Sequential([Input((4,)), *inner, layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    return model


def by_fit() -> Callable[[int], int]:
    """A dense network; a call of fit is an epoch of 1,000 steps."""
    model = network()

    def work(i: int) -> int:
        model.fit(X, Y, batch_size=BATCH, epochs=1, verbose=0)
        return ROWS // BATCH

    return work


def by_one() -> Callable[[int], int]:
    """The same, a call for each step, of 1 to 40 rows."""
    model = network()

    def work(i: int) -> int:
        model.train_on_batch(X[: 1 + i % 40], Y[: 1 + i % 40])
        return 1

    return work


def with_tables() -> Callable[[int], int]:
    """Embeddings whose rows are updated one by one, with validation and sample weights."""
    ids = Input((3,), dtype="int32")
    x = layers.Flatten()(layers.Embedding(500, 8)(ids))
    model = Model(ids, layers.Dense(1)(x))
    model.compile(optimizers.Adam(1e-3), "mse")
    weight = np.linspace(0.5, 1.5, ROWS, dtype="f")

    def work(i: int) -> int:
        model.fit(IDS, Y, batch_size=BATCH, epochs=1, verbose=0, sample_weight=weight,
                  validation_data=(IDS[:100], Y[:100]))  # fmt: skip
        return ROWS // BATCH

    return work


def by_own_steps() -> Callable[[int], int]:
    """A train_step of one's own, in Python."""

    class Own(Model):
        def __init__(self):
            super().__init__()
            self.net = Sequential([Input((4,)), layers.Dense(8, "relu"), layers.Dense(1)])
            self.step = andiron.training_step(self.loss_of, "adam", self.net)

        def loss_of(self, x, y):
            return andiron.ops.mean(andiron.ops.square(self.net(x) - y))

        def train_step(self, data):
            return {"loss": self.step(*data)}

    model = Own()
    model.compile()

    def work(i: int) -> int:
        model.fit(X, Y, batch_size=BATCH, epochs=1, verbose=0)
        return ROWS // BATCH

    return work


WORKS = {
    "fit": by_fit,
    "train_on_batch, changing sizes": by_one,
    "fit, embeddings and validation": with_tables,
    "fit, train_step of one's own": by_own_steps,
}


def watched(make: Callable, steps: int) -> dict:
    """The most that memory was beyond what it was after a tenth of the steps."""
    work, done, began = make(), 0, time.monotonic()
    while done < steps // 10:
        done += work(done)
    gc.collect()
    rss, ours = resident(), _core.allocated_bytes()
    found = {"resident": rss, "grown": 0, "allocated": ours, "ours": 0}
    look = 0
    while done < steps:
        done += work(done)
        if done >= look:
            look = done + 500
            found["grown"] = max(found["grown"], resident() - rss)
    gc.collect()
    found["ours"] = _core.allocated_bytes() - ours
    return {**found, "steps": done, "seconds": time.monotonic() - began}


def table(results: dict[str, dict]) -> str:
    lines = [
        "| training | steps | resident after a tenth | most beyond that, later | our allocator's "
        "bytes after a tenth | grown, at the end |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, r in results.items():
        lines.append(
            f"| {name} | {r['steps']:,} | {r['resident'] / MEGABYTE:.0f} MB | "
            f"{r['grown'] / MEGABYTE:.2f} MB | {r['allocated'] / 1024:,.0f} KB | {r['ours']:,} B |"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--write", type=Path, help="a page with <!-- memory: begin/end -->")
    given = parser.parse_args()
    results = {}
    for name, make in WORKS.items():
        results[name] = watched(make, given.steps)
        print(f"{name}: {results[name]}", file=sys.stderr, flush=True)
    print(table(results))
    if given.write is not None:
        text = given.write.read_text(encoding="utf-8")
        marks = r"(<!-- memory: begin -->\n).*?(<!-- memory: end -->)"
        text = re.sub(marks, lambda m: m[1] + table(results) + "\n" + m[2], text, flags=re.S)
        given.write.write_text(text, encoding="utf-8")
    grown = [n for n, r in results.items() if r["grown"] > ALLOWED or r["ours"] > 0]
    if grown:
        print(f"memory grows: {', '.join(grown)}", file=sys.stderr)
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
