"""What is trained to see how it scales: the same models, batches and data for us and the peer."""

from __future__ import annotations

import dataclasses

import numpy as np

from benchmarks import workloads


@dataclasses.dataclass(frozen=True)
class Work:
    """`batch` and `steps` are those of one process in a round."""

    text: str
    model: str  # "mlp" or "ncf"
    batch: int
    steps: int
    users: int = 0
    items: int = 0
    lazy: bool = False  # the peer: sparse gradients and SparseAdam


WORKS = {
    "mlp-128": Work("784-512-512-10, batch 128 a worker", "mlp", 128, 150),
    "mlp-1024": Work("784-512-512-10, batch 1,024 a worker", "mlp", 1024, 30),
    "mlp-4096": Work("784-512-512-10, batch 4,096 a worker", "mlp", 4096, 8),
    "ncf-lazy": Work("NCF 1,000,000 x 200,000, lazy Adam, batch 32,768 a worker", "ncf", 32768, 8,
                     1_000_000, 200_000, True),
    "ncf-exact": Work("NCF 1,000,000 x 200,000, exact Adam, batch 32,768 a worker", "ncf", 32768, 6,
                      1_000_000, 200_000),
    "ncf-study": Work("NCF 675,000 x 2,000, exact Adam, batch 32,768 a worker", "ncf", 32768, 8,
                      675_000, 2_000),
    "ncf-tiny": Work("NCF 2,000 x 1,000, batch 256 a worker", "ncf", 256, 4, 2_000, 1_000),
    "mlp-tiny": Work("784-512-512-10, batch 32 a worker", "mlp", 32, 4),
}  # fmt: skip


def data_of(work: Work, rank: int, size: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Inputs and labels of one process: all draw from the same users and items."""
    n = work.batch * work.steps
    if work.model == "mlp":
        data = workloads.mlp(n, seed=rank)
        return [data.x], data.y
    data = workloads.ncf(work.users, work.items, n * size)
    mine = slice(rank * n, (rank + 1) * n)
    return [data.users[mine], data.items[mine]], data.labels[mine]
