"""One process of Andiron with one thread: alone, or a worker among others.

    python -m benchmarks.scale.ours WORK [--rank R --size N --host ADDRESS]

With --size it says its address first and hears those of all. Each "go" is one epoch of `fit`.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time

import andiron
from andiron import callbacks, losses, optimizers, profiler
from andiron.collective import Communicator, Listener
from benchmarks import ours
from benchmarks.scale.group import Told
from benchmarks.scale.works import WORKS, Work, data_of

SECRET = b"a secret of the benchmark"
MANY_EPOCHS = 1_000_000


class Rounds(callbacks.Callback):
    """Begins an epoch when told to; says how long it took. The process ends with its stdin."""

    def __init__(self, told: Told, work: Work, communicator: Communicator | None, profile: bool):
        self._told, self._work, self._communicator = told, work, communicator
        self._profile = profile

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if self._told.hear() is None:
            if self._profile:
                print(profiler.table(self.model, 40), file=sys.stderr, flush=True)
            os._exit(0)  # in the middle of fit; the others end as well
        self._costs, self._cpu = self._costs_so_far(), time.process_time()
        self._begin = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        seconds = time.perf_counter() - self._begin
        costs = {
            kind: {key: value - self._costs[kind][key] for key, value in cost.items()}
            for kind, cost in self._costs_so_far().items()
        }
        self._told.say(
            {
                "seconds": seconds,
                "samples": self._work.batch * self._work.steps,
                "cpu": time.process_time() - self._cpu,
                "costs": costs,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )

    def _costs_so_far(self) -> dict:
        return {} if self._communicator is None else self._communicator.costs


def model_of(work: Work, profile: bool = False) -> andiron.Model:
    if work.model == "mlp":
        model, loss = ours.mlp_model(), losses.SparseCategoricalCrossentropy(from_logits=True)
    else:
        model = ours.ncf_model(work.users, work.items)
        loss = losses.BinaryCrossentropy(from_logits=True)
    model.compile(optimizers.Adam(1e-3, lazy=work.lazy), loss, profile=profile)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=list(WORKS))
    parser.add_argument("--rank", type=int, default=0)
    parser.add_argument("--size", type=int, default=0, help="0: alone")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--others", type=int, default=0, help="alone: how many share the data")
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    told, work = Told(), WORKS[given.work]
    andiron.set_threads(1)
    communicator = None
    if given.size:
        listener = Listener(given.host)
        told.say(listener.address)
        communicator = Communicator(listener, given.rank, told.hear(), SECRET)
    x, y = data_of(work, given.rank, given.size or given.others or 1)
    model = model_of(work, given.profile)
    rounds = Rounds(told, work, communicator, given.profile and given.rank == 0)
    told.say("ready")
    model.fit(
        x if len(x) > 1 else x[0], y, batch_size=work.batch * max(1, given.size), verbose=0,
        epochs=MANY_EPOCHS, shuffle=False, callbacks=[rounds], workers=communicator,
    )  # fmt: skip


if __name__ == "__main__":
    main()
