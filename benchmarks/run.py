"""make bench, make bench ROWS=ncf: runs the rows, prints the table, writes results.json.

ROWS=vision: the rows of image networks (benchmarks/vision.py).
ROWS=learning: benchmarks/learning.py.
ROWS=catalog, ROWS=catalog-exp: each op by itself (benchmarks/catalog.py).

Each row runs in a process of its own with us and one peer in turn, two threads each, so that a
round of the one is never far in time from a round of the other.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "results.json"
THREADS = 2


def _torch():
    import torch

    torch.set_num_threads(THREADS)
    from benchmarks import peers_torch

    return peers_torch


def _tensorflow():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    from benchmarks import peers_tensorflow

    return peers_tensorflow


def _ours():
    import andiron
    from benchmarks import ours

    andiron.set_threads(THREADS)
    return ours


def _ncf(batch: int, steps: int, peer: Callable, **arguments):
    from benchmarks import workloads

    data = workloads.ncf(6040, 3706, batch * steps)
    return _ours().train_ncf(data, batch, steps), peer().train_ncf(data, batch, steps, **arguments)


def _ncf_large(batch: int, steps: int, lazy: bool):
    from benchmarks import workloads

    data = workloads.ncf(1_000_000, 200_000, batch * steps)
    return (
        _ours().train_ncf(data, batch, steps, lazy=lazy),
        _torch().train_ncf(data, batch, steps, sparse=lazy),
    )


def _wide_deep(batch: int, steps: int, peer: Callable, **arguments):
    from benchmarks import workloads

    data = workloads.wide_deep(batch * steps)
    return (
        _ours().train_wide_deep(data, batch, steps),
        peer().train_wide_deep(data, batch, steps, **arguments),
    )


def _mlp(batch: int, steps: int, peer: Callable, **arguments):
    from benchmarks import workloads

    data = workloads.mlp(batch * steps)
    return _ours().train_mlp(data, batch, steps), peer().train_mlp(data, batch, steps, **arguments)


def _latency(peer: Callable):
    from benchmarks import latency

    return latency.ours(_ours()), latency.onnxruntime(THREADS)


def _vgg_small(peer: str, batch: int = 128, steps: int = 8, **arguments):
    from benchmarks import networks

    _ours()
    _torch() if peer == "torch" else _tensorflow()
    theirs = networks.torch_vgg_small if peer == "torch" else networks.tensorflow_vgg_small
    return networks.ours_vgg_small(batch, steps), theirs(batch, steps, **arguments)


@dataclasses.dataclass
class Work:
    text: str
    peer: str
    unit: str
    make: Callable[[], tuple[Callable[[], int], Callable[[], int]]]


# key: what ROWS selects by; a prefix is enough
WORKS = {
    "ncf-8192-torch": Work("NCF 6,040 x 3,706, batch 8,192", "PyTorch", "samples/s",
                           lambda: _ncf(8192, 20, _torch)),
    "ncf-8192-compile": Work("NCF 6,040 x 3,706, batch 8,192", "torch.compile", "samples/s",
                             lambda: _ncf(8192, 20, _torch, compiled=True)),
    "ncf-8192-tf": Work("NCF 6,040 x 3,706, batch 8,192", "TensorFlow", "samples/s",
                        lambda: _ncf(8192, 20, _tensorflow)),
    "ncf-65536-torch": Work("NCF 6,040 x 3,706, batch 65,536", "PyTorch", "samples/s",
                            lambda: _ncf(65536, 4, _torch)),
    "ncf-65536-tf": Work("NCF 6,040 x 3,706, batch 65,536", "TensorFlow", "samples/s",
                         lambda: _ncf(65536, 4, _tensorflow)),
    "ncf-large-lazy": Work("NCF 1,000,000 x 200,000, lazy Adam", "PyTorch SparseAdam", "samples/s",
                           lambda: _ncf_large(65536, 4, True)),
    "ncf-large-exact": Work("NCF 1,000,000 x 200,000, exact Adam", "PyTorch", "samples/s",
                            lambda: _ncf_large(65536, 3, False)),
    "wide-deep-torch": Work("Wide & Deep, batch 4,096", "PyTorch", "samples/s",
                            lambda: _wide_deep(4096, 40, _torch)),
    "wide-deep-compile": Work("Wide & Deep, batch 4,096", "torch.compile", "samples/s",
                              lambda: _wide_deep(4096, 40, _torch, compiled=True)),
    "wide-deep-tf": Work("Wide & Deep, batch 4,096", "TensorFlow", "samples/s",
                         lambda: _wide_deep(4096, 40, _tensorflow)),
    "mlp-torch": Work("784-512-512-10, batch 128, Adam", "PyTorch", "samples/s",
                      lambda: _mlp(128, 60, _torch)),
    "mlp-compile": Work("784-512-512-10, batch 128, Adam", "torch.compile", "samples/s",
                        lambda: _mlp(128, 60, _torch, compiled=True)),
    "mlp-tf": Work("784-512-512-10, batch 128, Adam", "TensorFlow", "samples/s",
                   lambda: _mlp(128, 60, _tensorflow)),
    "vgg-small-torch": Work("VGG-small CIFAR, train, batch 128", "PyTorch", "images/s",
                            lambda: _vgg_small("torch")),
    "vgg-small-last": Work("VGG-small CIFAR, train, batch 128", "PyTorch, channels last",
                           "images/s", lambda: _vgg_small("torch", channels_last=True)),
    "vgg-small-compile": Work("VGG-small CIFAR, train, batch 128", "torch.compile", "images/s",
                              lambda: _vgg_small("torch", compiled=True)),
    "vgg-small-tf": Work("VGG-small CIFAR, train, batch 128", "TensorFlow", "images/s",
                         lambda: _vgg_small("tensorflow")),
    "latency": Work("784-512-512-10, one sample", "ONNX Runtime", "predictions/s",
                    lambda: _latency(None)),
}


def _memory(training: str) -> Callable:
    return lambda: (_once("memory", "ours", training), _once("memory", "torch", training))


def _once(*arguments: str) -> float:
    from benchmarks import once

    return once.measure(*arguments)


def _limit(code: str, limit: float) -> Callable:
    def figures() -> tuple[float, float]:
        from benchmarks import once

        return once.seconds(code), limit

    return figures


# Figures that cost a process each; the lower, the better. `limit`: there is no peer.
COSTS = {
    f"memory-{name}": Work(f"peak memory, {text}", "PyTorch", "MB", _memory(name))
    for name, text in {
        "ncf-8192": "NCF, batch 8,192",
        "ncf-65536": "NCF, batch 65,536",
        "ncf-large-lazy": "NCF 1,000,000 x 200,000, lazy",
        "ncf-large-exact": "NCF 1,000,000 x 200,000, exact",
        "wide-deep": "Wide & Deep",
        "mlp": "784-512-512-10",
    }.items()
} | {
    # PyTorch would take more than 11 GB for its activations: the limit is the peer.
    "memory-1600000": Work("peak memory, NCF, batch 1,600,000", "limit", "MB",
                           lambda: (_once("memory", "ours", "ncf-1600000"), 2048.0)),
    "import": Work("import andiron", "limit", "s", _limit("import andiron", 1.0)),
    "first-step": Work("first training step of a new process, NCF", "limit", "s",
                       _limit("from benchmarks.once import first_step; first_step()", 2.0)),
}


def run_one(key: str) -> dict:
    from benchmarks import harness

    if key in COSTS:
        cost = COSTS[key]
        return dataclasses.asdict(harness.compare_costs(cost.text, cost.peer, cost.unit, cost.make))
    work = WORKS[key]
    ours, theirs = work.make()
    return dataclasses.asdict(harness.compare(work.text, work.peer, work.unit, ours, theirs))


def main(selected: list[str]) -> int:
    from benchmarks import harness

    for other in ("vision", "learning", "catalog"):
        if any(s.startswith(other) for s in selected):
            return importlib.import_module(f"benchmarks.{other}").main(selected)

    known_keys = [*WORKS, *COSTS]
    keys = [k for k in known_keys if not selected or any(k.startswith(s) for s in selected)]
    if not keys:
        print(f"no row starts with {selected}; rows: {', '.join(known_keys)}", file=sys.stderr)
        return 2
    rows, failed = {}, 0
    for key in keys:
        print(f"... {key}", file=sys.stderr)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.run", "--one", key],
            stdout=subprocess.PIPE,
            text=True,
        )
        if done.returncode != 0:
            print(f"{key} failed", file=sys.stderr)
            failed += 1
            continue
        rows[key] = json.loads(done.stdout.splitlines()[-1])
    stored = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    known = {(r["work"], r["peer"]): r for r in stored}
    known.update({(r["work"], r["peer"]): r for r in rows.values()})
    RESULTS.write_text(json.dumps(list(known.values()), indent=1) + "\n")
    print(harness.table([harness.Row(**r) for r in rows.values()]))
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(run_one(sys.argv[2])))
    else:
        sys.exit(main(sys.argv[1:]))
