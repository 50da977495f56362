"""Where a plan's time goes: a table and a Chrome trace."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["chrome_trace", "table"]


def table(plan: Any, limit: int = 20) -> str:
    """The nodes of a plan that was compiled with profile=True, the slowest first.

    Columns: share of the time, milliseconds a run, GFLOP/s, GB/s, kernel, types.
    """
    rows = sorted(plan.profile(), key=lambda row: -row["seconds"])
    total = sum(row["seconds"] for row in rows) or 1.0
    lines = [f"{'share':>6} {'ms':>9} {'GFLOP/s':>8} {'GB/s':>7}  op"]
    for row in rows[:limit]:
        seconds, runs = row["seconds"], max(row["runs"], 1)
        each = seconds / runs or 1e-12
        name = f" ({row['name']})" if row["name"] else ""
        lines.append(
            f"{100 * seconds / total:5.1f}% {each * 1e3:9.3f} {row['flops'] / each / 1e9:8.1f} "
            f"{row['bytes'] / each / 1e9:7.1f}  {row['op']}{name} {row['kernel']} {row['types']}"
        )
    return "\n".join(lines)


def chrome_trace(plan: Any, path: Any) -> None:
    """Writes the nodes' mean times one after another for chrome://tracing or Perfetto."""
    events, at = [], 0.0
    for row in plan.profile():
        length = row["seconds"] / max(row["runs"], 1) * 1e6
        event = {"name": row["name"] or row["op"], "cat": row["op"], "ph": "X", "pid": 0, "tid": 0}
        args = {key: row[key] for key in ("kernel", "types", "flops", "bytes", "runs")}
        events.append({**event, "ts": at, "dur": length, "args": args})
        at += length
    with open(path, "w") as file:
        json.dump({"traceEvents": events}, file)
