"""GB/s from Arrow into batches: andiron.data beside pyarrow -> NumPy -> arrays, in one run.

    PYTHONPATH=python python benchmarks/arrow_input.py [--rows 1000000]

Both make the same shuffled batches of float32 from the same table; the first epoch includes
whatever has to be done to the table before. Bytes are those of the batches.
"""

from __future__ import annotations

import argparse
import time
from functools import partial

import numpy as np
import pyarrow as pa

from andiron import Input, Model, data, datasets, layers

BATCH = 8192


def layouts(rows: int) -> dict[str, tuple[pa.Table, object, int]]:
    """name -> (table, features, numbers a row)"""
    rng = np.random.default_rng(0)
    wide = {f"c{i:02d}": rng.normal(size=rows).astype(np.float32) for i in range(32)}
    doubles = {f"c{i:02d}": rng.normal(size=rows) for i in range(8)}
    numbers = pa.array(rng.normal(size=rows * 32).astype(np.float32))
    lists = pa.FixedSizeListArray.from_arrays(numbers, 32)
    words = pa.array([f"w{i}" for i in range(1000)]).take(pa.array(rng.integers(0, 1000, rows)))
    return {
        "32 float32 columns": (pa.table(wide), sorted(wide), 32),
        "8 float64 columns": (pa.table(doubles), sorted(doubles), 8),
        "list<float32>[32]": (pa.table({"v": lists}), "v", 32),
        "string through a vocabulary": (pa.table({"w": words}), "w", 1),
    }


def in_batches(table: pa.Table, rows_per_batch: int = 10_000) -> pa.Table:
    """Cut like Spark's batches."""
    return pa.Table.from_batches(table.to_batches(max_chunksize=rows_per_batch))


def walk(source) -> None:
    source.next()
    while source.next() is not None:
        pass


def by_numpy(table: pa.Table, features, vocabulary):
    """What people do by hand."""
    if isinstance(features, list):
        x = np.stack([table[c].to_numpy() for c in features], axis=1).astype(np.float32, copy=False)
    elif vocabulary:
        encoded = table["w"].combine_chunks().dictionary_encode()
        known = vocabulary["w"].ids(encoded.dictionary.to_pylist())
        x = known[encoded.indices.to_numpy()].astype(np.float32)[:, None]
    else:
        values = table["v"].combine_chunks().flatten()
        x = values.to_numpy().reshape(len(table), -1)
    return datasets.from_arrays([x], [np.zeros(len(x), np.float32)], (), BATCH, True, 0)


def by_arrow(table: pa.Table, features, vocabulary, width: int, **options):
    x = Input((width,))
    model = Model(x, layers.Dense(1)(x))
    table = table.append_column("y", pa.array(np.zeros(len(table), np.float32)))
    rows = data.from_arrow(in_batches(table), features, "y", vocabulary=vocabulary, **options)
    return rows._source(model._network, model.output_names, BATCH, True, 0)


def timed(make) -> tuple[float, float]:
    """Seconds of making the source with its first epoch, and of another epoch."""
    begin = time.perf_counter()
    source = make()
    source.start(0)
    walk(source)
    middle = time.perf_counter()
    source.start(1)
    walk(source)
    return middle - begin, time.perf_counter() - middle


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    rows, repeat = (args := parser.parse_args()).rows, args.repeat
    print(f"{'GB/s (best of ' + str(repeat) + ')':<30}{'first epoch':>24}{'next epochs':>24}")
    for name, (table, features, width) in layouts(rows).items():
        table = in_batches(table)
        vocabulary = data.build_vocabularies(table, ["w"]) if features == "w" else None
        n_bytes = rows * (width + 1) * 4
        ways = {
            "NumPy": partial(by_numpy, table, features, vocabulary),
            "andiron.data": partial(by_arrow, table, features, vocabulary, width),
            "  spilled": partial(
                by_arrow, table, features, vocabulary, width, memory_budget=n_bytes // 10
            ),
        }
        print(name)
        best = {way: [np.inf, np.inf] for way in ways}
        for _ in range(repeat):
            for way, make in ways.items():
                best[way] = [min(a, b) for a, b in zip(best[way], timed(make), strict=True)]
        for way, (first, later) in best.items():
            print(f"  {way:<28}{n_bytes / first / 1e9:>24.2f}{n_bytes / later / 1e9:>24.2f}")


if __name__ == "__main__":
    main()
