"""One process of PyTorch with one thread: alone, or of DistributedDataParallel over gloo.

    python -m benchmarks.scale.theirs WORK [--rank R --size N --meet FILE]

Each "go" is a round of steps, as in benchmarks/peers_torch.py.
"""

from __future__ import annotations

import argparse
import os
import resource
import time

import numpy as np
import torch
from torch import distributed, nn

from benchmarks import peers_torch
from benchmarks.scale.group import Told
from benchmarks.scale.works import WORKS, Work, data_of


def parts_of(work: Work) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    if work.model == "mlp":
        return peers_torch.mlp_network(), nn.CrossEntropyLoss()
    return peers_torch.Ncf(work.users, work.items, work.lazy), nn.BCEWithLogitsLoss()


def optimizers_of(model: nn.Module, lazy: bool) -> list:
    if not lazy:
        return [torch.optim.Adam(model.parameters(), 1e-3)]
    tables = [m.weight for m in model.modules() if isinstance(m, nn.Embedding)]
    inside = {id(table) for table in tables}
    rest = [p for p in model.parameters() if id(p) not in inside]
    return [torch.optim.SparseAdam(tables, 1e-3), torch.optim.Adam(rest, 1e-3)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=list(WORKS))
    parser.add_argument("--rank", type=int, default=0)
    parser.add_argument("--size", type=int, default=0, help="0: alone")
    parser.add_argument("--meet", help="a file that does not exist yet")
    given = parser.parse_args()
    told, work = Told(), WORKS[given.work]
    torch.set_num_threads(1)
    model, loss = parts_of(work)
    optimizers = optimizers_of(model, work.lazy)
    call = model
    if given.size:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        distributed.init_process_group(
            "gloo", init_method=f"file://{given.meet}", rank=given.rank, world_size=given.size
        )
        call = nn.parallel.DistributedDataParallel(model)
    x, y = data_of(work, given.rank, given.size or 1)
    inputs = [torch.from_numpy(a.astype(np.int64) if a.dtype == np.int32 else a) for a in x]
    target = torch.from_numpy(y)
    told.say("ready")
    while told.hear() is not None:
        cpu, begin = time.process_time(), time.perf_counter()
        for step in range(work.steps):
            rows = slice(step * work.batch, (step + 1) * work.batch)
            for optimizer in optimizers:
                optimizer.zero_grad(set_to_none=True)
            loss(call(*[t[rows] for t in inputs]), target[rows]).backward()
            for optimizer in optimizers:
                optimizer.step()
        told.say(
            {
                "seconds": time.perf_counter() - begin,
                "samples": work.batch * work.steps,
                "cpu": time.process_time() - cpu,
                "costs": {},
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    if given.size:
        distributed.destroy_process_group()


if __name__ == "__main__":
    main()
