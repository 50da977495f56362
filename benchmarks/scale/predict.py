"""How fast 8, 64 and 256 nodes would train, from constants measured here.

    python -m benchmarks.scale.predict [--constants benchmarks/results_scale.json]

A step is the computation of a node plus what of the exchange does not hide behind it:

- An allreduce of S bytes over n nodes takes 2 (n - 1) / n * S bytes on each link, and the rounds of
  its algorithm (docs/wire_protocol.md); an allgather of S bytes from each takes n - 1 rounds and
  (n - 1) * S bytes. A round takes the latency of a message.
- A byte takes the longer of the link's time and the processor's (the kernel's copies, the sum).
- Messages go one after another. With overlap each starts when its gradients are finished, evenly
  over the backward pass, two thirds of the computation; without, after the computation.
- Row-sparse tables: every node applies the rows of all.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
from pathlib import Path

import numpy as np

BUCKET = 4 << 19  # bytes of gradients that travel together (nn/optimizers/training_step.cpp)
DOUBLING, HALVING, DIRECT = 32 << 10, 512 << 10, 8  # bytes, bytes, ranks (collective/allreduce.cpp)
BACKWARD = 2 / 3  # of a step's computation
RESULTS = Path(__file__).resolve().parents[1] / "results_scale.json"
HIDDEN = 0.05  # communication counts as hidden when it adds less than this to a step


@dataclasses.dataclass(frozen=True)
class Network:
    """What the links and the processors give. Seconds; bytes a second follow."""

    gbit: float
    hop: float  # latency of a message
    efficiency: float  # of the link's rate that payload gets
    cpu_byte: float  # of the communication thread for a byte that a rank sends

    @property
    def byte(self) -> float:
        return max(8e-9 / self.gbit / self.efficiency, self.cpu_byte)

    def allreduce(self, n: int, n_bytes: float) -> float:
        return rounds(n, n_bytes) * self.hop + 2 * (n - 1) / n * n_bytes * self.byte

    def allgather(self, n: int, n_bytes: float) -> float:
        return (n - 1) * (self.hop + n_bytes * self.byte)


def rounds(n: int, n_bytes: float) -> float:
    """Of an allreduce: recursive doubling (small), halving (middle), directly or round a ring."""
    if n == 1:
        return 0
    if n_bytes <= DOUBLING:
        return math.ceil(math.log2(n))
    if n_bytes <= HALVING and n > 2:
        return 2 * math.ceil(math.log2(n))
    return 2 if n <= DIRECT else 2 * (n - 1)


@dataclasses.dataclass(frozen=True)
class Workload:
    """A step of one node."""

    name: str
    batch: int  # samples of a node
    seconds: float  # of computation, on the node that is asked about
    dense_bytes: int
    row_bytes: tuple[int, ...] = ()  # what a node sends of each table
    foreign_seconds: float = 0.0  # for the rows of one other node
    overlap: bool = True  # whether gradients are finished one after another


def step_seconds(work: Workload, network: Network, n: int, overlap: bool | None = None) -> float:
    """Of one step with n nodes."""
    overlap = work.overlap if overlap is None else overlap
    compute = work.seconds
    free = 0.0
    for ready, n_bytes in messages(work):
        begin = max(free, (1 - BACKWARD * (1 - ready)) * compute if overlap else compute)
        free = begin + network.allreduce(n, n_bytes)
    for n_bytes in work.row_bytes:
        free = max(free, compute) + network.allgather(n, n_bytes)
    return max(compute, free) + (n - 1) * work.foreign_seconds


def messages(work: Workload) -> list[tuple[float, float]]:
    """(which share of the backward pass is done, bytes) of each bucket."""
    count = max(1, -(-work.dense_bytes // BUCKET))
    return [((i + 1) / count, work.dense_bytes / count) for i in range(count)]


def efficiency(work: Workload, network: Network, n: int, overlap: bool | None = None) -> float:
    """Samples/s of n nodes, divided by n times those of one."""
    return work.seconds / step_seconds(work, network, n, overlap)


def hides_until(work: Workload, network: Network, overlap: bool | None = None) -> int | None:
    """The most nodes, up to 4,096, whose communication adds less than HIDDEN; None: all."""
    for n in range(2, 4097):
        if step_seconds(work, network, n, overlap) > (1 + HIDDEN) * work.seconds:
            return n - 1
    return None


def distinct(n_ids: int, draws: int, exponent: float = 1.05) -> float:
    """Of Zipf-like ids (benchmarks/workloads.py), how many different ones come in so many draws."""
    weights = 1 / np.arange(1, n_ids + 1) ** exponent
    return float(-np.expm1(draws * np.log1p(-weights / weights.sum())).sum())


# Published figures of dense models: parameters, and GFLOP of a training step a sample (three times
# the forward pass's; a multiplication and an addition are two).
DENSE = {
    "ResNet-50 (He et al. 2016)": (25_557_032, 3 * 8.2),
    "Inception v1 (Szegedy et al. 2015)": (6_998_552, 3 * 3.2),
}
MLP = 784 * 512 + 512 + 512 * 512 + 512 + 512 * 10 + 10
NCF_DENSE = 300 * 128 + 128 + 128 * 64 + 64 + 64 * 32 + 32 + 96 + 1
NCF_WIDTHS = {"users": (100, 64), "items": (200, 64)}


def workloads_of(constants: dict, cores: int) -> list[Workload]:
    """For nodes with `cores` cores, each as fast as one here, with as many times the batch."""
    mlp, ncf = constants["compute"]["mlp-1024"], constants["compute"]["ncf-lazy"]
    rows = {"users": distinct(1_000_000, ncf["batch"] * cores),
            "items": distinct(200_000, ncf["batch"] * cores)}  # fmt: skip
    row_bytes = tuple(
        int(rows[side] * (4 + 4 * width)) for side, widths in NCF_WIDTHS.items() for width in widths
    )
    found = [
        Workload("784-512-512-10, batch 1,024 a core", mlp["batch"] * cores, mlp["seconds"],
                 4 * MLP, overlap=False),
        Workload("NCF 1,000,000 x 200,000, batch 32,768 a core", ncf["batch"] * cores,
                 ncf["seconds"], 4 * NCF_DENSE, row_bytes,
                 constants["foreign_row_seconds"] * sum(rows.values()) / cores, overlap=False),
    ]  # fmt: skip
    for name, (parameters, gflop) in DENSE.items():
        batch = 4 * cores
        seconds = batch * gflop / (constants["gflops"] * cores)
        found.append(Workload(f"{name}, batch 4 a core", batch, seconds, 4 * parameters))
    return found


def network_of(constants: dict, gbit: float) -> Network:
    return Network(gbit, constants["hop"], constants["efficiency"], constants["cpu_byte"])


def table(constants: dict, cores: int, nodes: list[int], rates: list[float]) -> str:
    lines = [
        f"| nodes of {cores} cores | Gbit/s | " + " | ".join(f"{n} nodes" for n in nodes)
        + f" | under {100 * HIDDEN:.0f} % until |",
        "|---|---|" + "---|" * (len(nodes) + 1),
    ]  # fmt: skip
    for work in workloads_of(constants, cores):
        for gbit in rates:
            network = network_of(constants, gbit)
            cells = []
            for n in nodes:
                cell = f"{efficiency(work, network, n):.2f}"
                if work.overlap:
                    cell += f" ({efficiency(work, network, n, overlap=False):.2f})"
                cells.append(cell)
            until = hides_until(work, network)
            cells.append("4,096 and more" if until is None else f"{until:,}")
            lines.append(f"| {work.name} | {gbit:g} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--constants", default=str(RESULTS))
    parser.add_argument("--cores", default="1,16", help="of a node")
    parser.add_argument("--nodes", default="2,8,64,128,256")
    parser.add_argument("--gbit", default="10,25")
    given = parser.parse_args(arguments)
    constants = json.loads(Path(given.constants).read_text(encoding="utf-8"))["constants"]
    print("constants:", json.dumps(constants))
    print("Samples/s of n nodes over n times those of one; without overlap in brackets.")
    for cores in map(int, given.cores.split(",")):
        print("\n" + table(constants, cores, [int(n) for n in given.nodes.split(",")],
                           [float(g) for g in given.gbit.split(",")]))  # fmt: skip


if __name__ == "__main__":
    main()
