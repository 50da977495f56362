"""Whether input keeps up with the step, for NCF and Wide & Deep: rows a second of each source.

    PYTHONPATH=python python -m benchmarks.input_sources [--rows 800000] [--seconds 2]

Columns: how fast batches of 8,192 rows come when nobody trains; how fast training on them is, and
that beside training on arrays without shuffling, which has no input to speak of.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

import andiron
from andiron import data, datasets, losses, optimizers
from benchmarks import ours, workloads

BATCH = 8192


class Numbered:
    """As Keras's PyDataset: rows of arrays by the number of the batch."""

    def __init__(self, x: list[np.ndarray], y: np.ndarray):
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.y) // BATCH

    def __getitem__(self, i: int) -> tuple:
        rows = slice(i * BATCH, (i + 1) * BATCH)
        return tuple(x[rows] for x in self.x), self.y[rows]

    def on_epoch_end(self) -> None:
        pass


def table_of(x: list[np.ndarray], y: np.ndarray) -> tuple[pa.Table, list]:
    """The rows as columns of numbers, and which columns an input has."""
    columns, groups = {}, []
    for i, array in enumerate(x):
        flat = array.reshape(len(array), -1)
        names = [f"x{i}_{k}" for k in range(flat.shape[1])]
        columns.update(zip(names, flat.T, strict=True))
        groups.append(names if array.ndim > 1 else names[0])
    return pa.table({**columns, "y": y.reshape(-1)}), groups


def sources(model: Any, x: list[np.ndarray], y: np.ndarray, folder: str) -> dict[str, Callable]:
    table, groups = table_of(x, y)
    for i in range(4):
        part = table.slice(i * len(y) // 4, len(y) // 4)
        parquet.write_table(part, f"{folder}/{i}.parquet", row_group_size=65536)
    features = dict(zip(model.input_names, groups, strict=True))
    numbered = Numbered(x, y)

    def generator() -> Iterator[tuple]:
        for i in range(len(numbered)):
            yield numbered[i]

    def shuffling() -> Iterator[tuple]:
        order = np.random.default_rng(0).permutation(len(y))
        for i in range(len(numbered)):
            rows = order[i * BATCH : (i + 1) * BATCH]
            yield tuple(a[rows] for a in x), y[rows]

    kept = data.from_parquet(folder, features, "y")
    stream = data.from_parquet(folder, features, "y", stream=True)
    return {
        "arrays, in order": lambda: {"x": x, "y": y, "batch_size": BATCH, "shuffle": False},
        "arrays, shuffled": lambda: {"x": x, "y": y, "batch_size": BATCH},
        "generator": lambda: {"x": generator()},
        "generator that shuffles rows": lambda: {"x": shuffling()},
        "PyDataset": lambda: {"x": numbered},
        "Parquet, kept": lambda: {"x": kept, "batch_size": BATCH},
        "Parquet, stream": lambda: {"x": stream, "batch_size": BATCH},
    }


def alone(model: Any, x: Any, y: Any = None, batch_size: int = BATCH, shuffle: bool = True) -> int:
    """Walks the source as the training would; the rows of it."""
    if isinstance(x, data.Data):
        source = x._source(model._network, model._targets(), batch_size, shuffle, 0)
    elif y is not None:
        source = datasets.from_arrays(x, y, (), batch_size, shuffle)
    else:
        rows = 0
        walk = x if not hasattr(x, "on_epoch_end") else (x[i] for i in range(len(x)))
        for _, labels in walk:
            rows += len(labels)
        return rows
    source.start(0)
    rows = 0
    while (batch := source.next()) is not None:
        rows += batch[1][0].shape[0]
    return rows


def rate(run: Callable[[], int], seconds: float) -> float:
    run()
    rows, begin = 0, time.perf_counter()
    while (spent := time.perf_counter() - begin) < seconds or rows == 0:
        rows += run()
    return rows / spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=800_000)
    parser.add_argument("--seconds", type=float, default=2.0)
    args = parser.parse_args()
    andiron.set_threads(2)
    rows = args.rows // (4 * BATCH) * 4 * BATCH
    ncf, wide = workloads.ncf(6040, 3706, rows), workloads.wide_deep(rows)
    for name, model, x, y in (
        ("NCF", ours.ncf_model(6040, 3706), [ncf.users, ncf.items], ncf.labels),
        ("Wide & Deep", ours.wide_deep_model(), ours.wide_deep_inputs(wide), wide.labels),
    ):
        model.compile(optimizers.Adam(1e-3), losses.BinaryCrossentropy(from_logits=True))
        title = f"{name}, million rows a second"
        print(f"{title:<40}{'alone':>10}{'training':>10}{'beside arrays':>15}")
        with tempfile.TemporaryDirectory() as folder:
            best = 0.0
            for source, made in sources(model, x, y, folder).items():

                def train(made: Callable = made, model: Any = model) -> int:
                    model.fit(epochs=1, verbose=0, **made())
                    return rows

                def walk(made: Callable = made, model: Any = model) -> int:
                    return alone(model, **made())

                came = rate(walk, args.seconds / 2)
                trained = rate(train, args.seconds)
                best = best or trained
                rates = f"{came / 1e6:>10.2f}{trained / 1e6:>10.2f}{trained / best:>14.0%}"
                print(f"  {source:<38}{rates}", flush=True)


if __name__ == "__main__":
    main()
