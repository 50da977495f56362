"""Data ten times the memory budget trains, and the process stays as small as the budget says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BUDGET = 32 << 20

PROGRAM = """
import json, resource, sys
import numpy as np, pyarrow as pa
import andiron
from andiron import data

budget, rows, content_order = (int(a) for a in sys.argv[1:])
rng = np.random.default_rng(0)
WIDTH, BATCH = 64, 10_000

def batches(n):
    for at in range(0, n, BATCH):
        x = rng.normal(size=(min(BATCH, n - at), WIDTH)).astype(np.float32)
        v = pa.FixedSizeListArray.from_arrays(pa.array(x.reshape(-1)), WIDTH)
        yield pa.RecordBatch.from_arrays([v, pa.array(x.sum(1))], ["v", "y"])

def fit(n):
    model = andiron.Sequential([andiron.Input((WIDTH,)), andiron.layers.Dense(1)])
    model.compile("adam", "mse")
    table = data.from_arrow(batches(n), "v", "y", memory_budget=budget, content_order=content_order)
    loss = model.fit(table, batch_size=4096, epochs=2, verbose=0, seed=1).history["loss"]
    return loss, table.spilled

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

fit(20_000)
before = peak()
loss, spilled = fit(rows)
print(json.dumps({"grown": peak() - before, "loss": loss, "spilled": spilled}))
"""


@pytest.mark.slow
@pytest.mark.parametrize("content_order", [False, True])
def test_resident_size_keeps_to_the_budget(content_order):
    rows = 10 * BUDGET // (65 * 4)
    # glibc may otherwise keep an arena for each thread, whatever is done with the memory.
    environment = {**os.environ, "MALLOC_ARENA_MAX": "1",
                   "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "python")}  # fmt: skip
    command = [sys.executable, "-c", PROGRAM, str(BUDGET), str(rows), str(int(content_order))]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    print(seen)
    assert seen["spilled"] and seen["loss"][-1] < seen["loss"][0]
    # What the rows take beyond the budget: batches on their way, one block and the plan.
    assert seen["grown"] < 1.25 * BUDGET


STREAM = """
import json, os, resource, sys
import numpy as np, pyarrow as pa
from pyarrow import parquet
import andiron
from andiron import data

folder, stream, room = sys.argv[1], sys.argv[2] == "stream", int(sys.argv[3])
WIDTH, GROUP, GROUPS, FILES = 64, 50_000, 6, 8

def table(seed):
    few = np.random.default_rng(seed).normal(size=(100, WIDTH)).astype(np.float32)
    x = np.tile(few, (GROUP // 100, 1))  # small in the file
    v = pa.FixedSizeListArray.from_arrays(pa.array(x.reshape(-1)), WIDTH)
    return pa.table({"v": v, "y": x.sum(1)})

for i in range(FILES):
    with parquet.ParquetWriter(f"{folder}/{i}.parquet", table(0).schema) as out:
        for group in range(GROUPS):
            out.write_table(table(i * GROUPS + group))
rows = FILES * GROUPS * GROUP

def fit(files, stream):
    model = andiron.Sequential([andiron.Input((WIDTH,)), andiron.layers.Dense(1)])
    model.compile("adam", "mse")
    options = {"stream": True, "shuffle_buffer": 100_000} if stream else {}
    given = data.from_parquet(files, "v", "y", **options)
    loss = model.fit(given, batch_size=4096, epochs=2, verbose=0, seed=1).history["loss"]
    return loss, len(given)

fit(f"{folder}/0.parquet", True)  # threads and pools are there
used = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
resource.setrlimit(resource.RLIMIT_AS, (used + room, used + room))
try:
    loss, seen = fit(folder, stream)
    print(json.dumps({"loss": loss, "rows": seen, "bytes": rows * (WIDTH + 1) * 4}))
except (MemoryError, OSError, andiron.Error) as error:
    print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["stream", "kept"])
def test_a_stream_needs_no_memory_for_the_rows_that_it_passes(way, tmp_path):
    room = 160 << 20
    environment = {**os.environ, "MALLOC_ARENA_MAX": "1", "ARROW_DEFAULT_MEMORY_POOL": "system",
                   "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "python")}  # fmt: skip
    command = [sys.executable, "-c", STREAM, str(tmp_path), way, str(room)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    print(seen)
    if way == "kept":  # the limit is one, and what does not fit is an error
        assert "error" in seen
        return
    assert seen["bytes"] > 3.5 * room and seen["rows"] == seen["bytes"] // (65 * 4)
    assert seen["loss"][-1] < seen["loss"][0]
