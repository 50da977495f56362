"""The workloads in PyTorch, as its users write them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from benchmarks import workloads


class Ncf(nn.Module):
    def __init__(self, n_users: int, n_items: int, sparse: bool):
        super().__init__()
        self.mlp_user = nn.Embedding(n_users, 100, sparse=sparse)
        self.mlp_item = nn.Embedding(n_items, 200, sparse=sparse)
        self.mf_user = nn.Embedding(n_users, 64, sparse=sparse)
        self.mf_item = nn.Embedding(n_items, 64, sparse=sparse)
        self.mlp = nn.Sequential(
            nn.Linear(300, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(),
            nn.Linear(64, 32), nn.ReLU(),
        )  # fmt: skip
        self.out = nn.Linear(96, 1)

    def forward(self, user, item):
        deep = self.mlp(torch.cat([self.mlp_user(user), self.mlp_item(item)], 1))
        return self.out(torch.cat([self.mf_user(user) * self.mf_item(item), deep], 1))


class WideDeep(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide = nn.EmbeddingBag(workloads.WIDE_COLUMNS * workloads.WIDE_BUCKETS, 1, mode="sum")
        self.tables = nn.ModuleList(
            nn.Embedding(size, workloads.DEEP_WIDTH) for size in workloads.DEEP_SIZES
        )
        width = workloads.DEEP_WIDTH * len(workloads.DEEP_SIZES) + workloads.N_NUMBERS
        self.deep = nn.Sequential(
            nn.Linear(width, 100), nn.ReLU(), nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 1)
        )

    def forward(self, wide, numbers, *deep):
        columns = [table(ids) for table, ids in zip(self.tables, deep, strict=True)]
        return self.wide(wide) + self.deep(torch.cat([*columns, numbers], 1))


def mlp_network() -> nn.Module:
    return nn.Sequential(
        nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)
    )


def _loop(
    model: nn.Module, optimizers: list, loss: Callable, inputs: list[np.ndarray],
    labels: np.ndarray, batch: int, steps: int,
) -> Callable[[], int]:
    tensors = [torch.from_numpy(a) for a in inputs]
    target = torch.from_numpy(labels)

    def run() -> int:
        for step in range(steps):
            rows = slice(step * batch, (step + 1) * batch)
            for optimizer in optimizers:
                optimizer.zero_grad(set_to_none=True)
            loss(model(*[t[rows] for t in tensors]), target[rows]).backward()
            for optimizer in optimizers:
                optimizer.step()
        return steps * batch

    return run


def train_ncf(
    data: workloads.NcfData, batch: int, steps: int, sparse: bool = False, compiled: bool = False
) -> Callable[[], int]:
    torch.manual_seed(0)
    model = Ncf(data.n_users, data.n_items, sparse)
    if sparse:
        tables = [p for n, p in model.named_parameters() if n.startswith(("mlp_", "mf_"))]
        rest = [p for n, p in model.named_parameters() if not n.startswith(("mlp_", "mf_"))]
        optimizers = [torch.optim.SparseAdam(tables, 1e-3), torch.optim.Adam(rest, 1e-3)]
    else:
        optimizers = [torch.optim.Adam(model.parameters(), 1e-3)]
    call = torch.compile(model) if compiled else model
    return _loop(
        call, optimizers, nn.BCEWithLogitsLoss(),
        [data.users.astype(np.int64), data.items.astype(np.int64)], data.labels, batch, steps,
    )


def train_wide_deep(
    data: workloads.WideDeepData, batch: int, steps: int, compiled: bool = False
) -> Callable[[], int]:
    torch.manual_seed(0)
    model = WideDeep()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    call = torch.compile(model) if compiled else model
    inputs = [data.wide.astype(np.int64), data.numbers, *[d.astype(np.int64) for d in data.deep]]
    return _loop(call, [optimizer], nn.BCEWithLogitsLoss(), inputs, data.labels, batch, steps)


def train_mlp(
    data: workloads.MlpData, batch: int, steps: int, compiled: bool = False
) -> Callable[[], int]:
    torch.manual_seed(0)
    model = mlp_network()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    call = torch.compile(model) if compiled else model
    return _loop(call, [optimizer], nn.CrossEntropyLoss(), [data.x], data.y, batch, steps)
