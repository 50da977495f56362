"""What the workers of Propensity do: their users' events, and training together."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from andiron.apps.recommend.on_spark.workers import Watcher, crew_of, mixed, run_folder
from andiron.spark._training import work_of
from andiron.spark._worker import Worker


class Task:
    """The function of each worker. All give back what they know of their users, the first one what
    was learnt.

    Args:
        settings: of Propensity. sizes: users and items.
        training: n_shards, wire_dtype, checkpoint_dir, checkpoint_every, checkpoint_minutes.
    """

    what = "training"  # in Spark's UI
    progress: Any = None  # where the driver listens (_progress.Address)

    def __init__(self, settings: dict, sizes: tuple[int, int], training: dict):
        self.settings, self.sizes, self.training = settings, sizes, training

    def __call__(self, worker: Worker) -> dict:
        from andiron.apps.recommend.propensity import Propensity

        events = self._events(worker)
        model = Propensity(**self.settings)
        watcher = Watcher(self.progress if worker.rank == 0 else None, worker, 1, 1)
        crew = crew_of(worker, self.training, self._folder(worker, events), watcher)
        started = time.monotonic()
        try:
            model._fit(events, crew)
        finally:
            watcher.close()
        moment = model._moment
        found = {
            "work": work_of(worker.communicator, len(events), started),
            "moment": moment.of_own_users(),
        }
        if worker.rank == 0:
            found |= {
                "learnt": model._learnt(), "curves": model.curves, "notes": crew.notes,
                "of_items": moment.of_items, "nearest": moment.affinity._state(),
                "day": moment.day, "first": moment.first,
            }  # fmt: skip
        return found

    def _events(self, worker: Worker) -> Any:
        """This worker's events, in an order of their own."""
        from andiron.apps.recommend.events import Events
        from andiron.apps.recommend.ids import IdMap

        pieces: dict[str, list] = {"user": [], "item": [], "day": []}
        for _, batches in worker.shards():
            for batch in batches:
                # No nulls: the driver has seen to that (interactions.side, interactions.dealt).
                for name, parts in pieces.items():
                    parts.append(batch.column(name).to_numpy())
        user, item, day = (
            np.concatenate(parts, dtype=kind) if parts else np.zeros(0, kind)
            for parts, kind in zip(pieces.values(), (np.int64, np.int64, np.float64), strict=True)
        )
        order = np.lexsort((item, user, day))
        users, items = (IdMap(np.arange(n)) for n in self.sizes)
        return Events(users, items, user[order], item[order], day[order])

    def _folder(self, worker: Worker, events: Any) -> str | None:
        """A folder for this training alone, named by settings and events."""
        if self.training["checkpoint_dir"] is None:
            return None
        rows = mixed(mixed(events.user, events.item), events.day.view(np.int64))
        told = ["propensity", self.settings, self.sizes, self.training["wire_dtype"]]
        return run_folder(worker, self.training["checkpoint_dir"], told, rows.sum(dtype=np.uint64))
