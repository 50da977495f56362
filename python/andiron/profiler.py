"""Where a plan's time goes: a table and a Chrome trace."""

from __future__ import annotations

import functools
import json
import time
from typing import Any

import numpy as np

from andiron import _core

__all__ = ["chrome_trace", "limits", "table"]


def _best(plan: Any, inputs: list, rounds: int) -> float:
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        plan.run(*inputs)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


@functools.cache
def limits() -> tuple[float, float]:
    """What this machine reaches, measured once in about half a second.

    Returns:
        GFLOP/s of a product of two float32 matrices of 1,024 x 1,024, and GB/s at which numbers
        that no cache holds are added up.
    """
    from andiron import ops

    n, m = 1024, 1 << 24
    a = _core.placeholder("a", (n, n))
    product = _core.Plan.compile(_core.Graph([a], [ops.matmul(a, a)]))
    flops = 2 * n**3 / _best(product, [np.ones((n, n), np.float32)], 10)
    x = _core.Variable(np.ones(m, np.float32))
    addition = _core.Plan.compile(_core.Graph([], [ops.sum(x.read())]))
    n_bytes = 4 * m / _best(addition, [], 10)
    return flops / 1e9, n_bytes / 1e9


def _rows(timed: Any) -> list[dict]:
    compiled = getattr(timed, "_compiled", None)
    if compiled is None and not isinstance(timed, _core.Plan):
        raise TypeError(
            "[profiler] takes a Plan compiled with profile=True, or a model after compile(..., "
            f"profile=True) and fit; got {type(timed).__name__}"
        )
    rows = (timed if compiled is None else compiled).profile()
    if not any(row["seconds"] > 0 for row in rows):
        raise _core.Error(
            "[profiler] nothing was timed: compile with profile=True, then run or fit"
        )
    return rows


def table(timed: Any, limit: int = 20) -> str:
    """The nodes of a plan, or of a model's training and test steps, the slowest first.

    Columns: share of the time, milliseconds a run, GFLOP/s, GB/s, how much that is of what the
    machine reaches (the nearer of the two `limits`), op, kernel, types.

    Args:
        timed: a Plan compiled with profile=True, or a model compiled so after `fit`.
        limit: rows.
    """
    rows = sorted(_rows(timed), key=lambda row: -row["seconds"])
    total = sum(row["seconds"] for row in rows)
    most_flops, most_bytes = limits()
    lines = [
        f"limits of this machine: {most_flops:.0f} GFLOP/s, {most_bytes:.0f} GB/s",
        f"{'share':>6} {'ms':>9} {'GFLOP/s':>8} {'GB/s':>7} {'of limit':>8}  op",
    ]
    for row in rows[:limit]:
        seconds = row["seconds"] or 1e-12
        each = seconds / max(row["runs"], 1)
        flops, n_bytes = row["flops"] / seconds / 1e9, row["bytes"] / seconds / 1e9
        reached = max(flops / most_flops, n_bytes / most_bytes)
        name = f" ({row['name']})" if row["name"] else ""
        lines.append(
            f"{100 * seconds / total:5.1f}% {each * 1e3:9.3f} {flops:8.1f} {n_bytes:7.1f} "
            f"{100 * reached:7.0f}%  {row['op']}{name} {row['kernel']} {row['types']}"
        )
    return "\n".join(lines)


def chrome_trace(timed: Any, path: Any) -> None:
    """Writes the nodes' mean times one after another for chrome://tracing or Perfetto."""
    events, at = [], 0.0
    for row in _rows(timed):
        length = row["seconds"] / max(row["runs"], 1) * 1e6
        event = {"name": row["name"] or row["op"], "cat": row["op"], "ph": "X", "pid": 0, "tid": 0}
        args = {key: row[key] for key in ("kernel", "types", "flops", "bytes", "runs")}
        events.append({**event, "ts": at, "dur": length, "args": args})
        at += length
    with open(path, "w") as file:
        json.dump({"traceEvents": events}, file)
