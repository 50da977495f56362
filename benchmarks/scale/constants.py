"""The constants of predict.py, from what the other scripts measured (results_scale.json)."""

from __future__ import annotations

import statistics

from benchmarks.scale.network import optimum
from benchmarks.scale.predict import distinct
from benchmarks.scale.works import WORKS

CONVOLUTION = 0.6  # of a product's rate: what GoogLeNet's training reaches with oneDNN


def of_network(lines: list[dict]) -> dict:
    """hop and efficiency, with the spread over rates and ranks.

    The hop is that of two ranks, which have a core each: a small allreduce is one round. With more
    ranks than cores, latency is that of the processor's queue.
    """
    hops = [one["small"]["1024"] for one in lines if one["ranks"] == 2]
    shares = [optimum(one["ranks"]) * 8e-6 / one["mbit"] / one["beta"] for one in lines]
    return {
        "hop": statistics.median(hops),
        "hop_spread": [min(hops), max(hops)],
        "efficiency": statistics.median(shares),
        "efficiency_spread": [min(shares), max(shares)],
    }


def foreign_row_seconds(groups: dict, cpu_byte: float, key: str = "ncf-lazy") -> float:
    """What a row of another worker costs: CPU of a step with two workers, less that of a process
    apart and that of sending."""
    work = WORKS[key]
    cpu = {name: statistics.median(groups[name]["cpu"]) for name in ("apart", "together")}
    more = cpu["together"] - cpu["apart"] - groups["together"]["bytes_sent"] * cpu_byte
    rows = distinct(work.users, work.batch) + distinct(work.items, work.batch)
    return max(0.0, more) / rows


def of_results(results: dict) -> dict:
    """All of them."""
    groups = results["data_parallel"]["groups"]
    compute = {
        key: {
            "batch": WORKS[key].batch,
            "seconds": statistics.median(groups[key]["one"]["seconds"]),
        }
        for key in ("mlp-1024", "ncf-lazy")
    }
    cpu_byte = results["machine"]["cpu_byte"]
    return {
        **of_network(results["network"]["lines"]),
        "cpu_byte": cpu_byte,
        "compute": compute,
        "foreign_row_seconds": foreign_row_seconds(groups["ncf-lazy"], cpu_byte),
        "gflops": CONVOLUTION * results["machine"]["gflops"],
    }
