"""What an estimator's workers do: their shards as data, and fit."""

from __future__ import annotations

import hashlib
import json
import pickle
import time
from typing import Any

import numpy as np

from andiron import _remote
from andiron.spark._worker import Worker


class Task:
    """The function of each worker. Only the first one gives the trained model back."""

    progress: Any = None  # where the driver listens (_progress.Address)

    def __init__(self, packed: bytes, settings: dict):
        self.packed, self.settings = packed, settings

    def __call__(self, worker: Worker) -> dict:
        from andiron.data import Shards
        from andiron.spark._reporter import Reporter

        settings = self.settings
        model, callbacks = pickle.loads(self.packed)
        train, validation = self._read(worker, model)
        mine = sum(map(len, train.values()))
        rows = int(worker.communicator.allreduce(np.array([mine], np.int64))[0])
        reporter = Reporter(
            self.progress if worker.rank == 0 else None, worker, rows, settings["batch_size"]
        )
        started = time.monotonic()
        history = model.fit(
            Shards(train), batch_size=settings["batch_size"], epochs=settings["epochs"], verbose=0,
            callbacks=[*callbacks, reporter], shuffle=settings["shuffle"], seed=settings["seed"],
            class_weight=settings["class_weight"], on_nan=settings["on_nan"],
            validation_data=Shards(validation) if settings["validation"] else None,
            checkpoint_dir=self._folder(worker, train, validation),
            checkpoint_every=settings["checkpoint_every"],
            checkpoint_minutes=settings["checkpoint_minutes"],
            resume=settings["checkpoint_dir"] is not None,
            workers=worker.communicator, wire_dtype=settings["wire_dtype"],
        )  # fmt: skip
        work = work_of(worker.communicator, mine, started)
        if worker.rank > 0:
            return {"work": work}
        return {
            "work": work, "model": model._bytes(), "history": history.history,
            "note": history.checkpoint_note, "epochs": reporter.epochs,
        }  # fmt: skip

    def _read(self, worker: Worker, model: Any) -> tuple[dict, dict]:
        """The rows of each shard to train on, and of each to validate on."""
        train: dict = {}
        validation: dict = {}
        for tag, batches in worker.shards():
            shard, held_out = divmod(tag, 2) if self.settings["validation"] else (tag, 0)
            rows = self._data(batches)
            rows._rows(model._network, model._targets())  # now, before the next shard's come
            (validation if held_out else train)[shard] = rows
        return train, validation

    def _data(self, batches: Any) -> Any:
        from andiron import data

        settings = self.settings
        return data.from_arrow(
            batches, settings["features"], settings["label"], settings["sample_weight"],
            vocabulary=settings["vocabulary"], nulls=settings["nulls"],
            memory_budget=settings["memory_budget"], spill_dir=settings["spill_dir"],
            content_order=True,
        )  # fmt: skip

    def _folder(self, worker: Worker, train: dict, validation: dict) -> str | None:
        """A folder for this training alone: named by model, settings and rows, so that another one
        in the same checkpoint_dir (a cross-validation's) neither takes nor overwrites it."""
        if self.settings["checkpoint_dir"] is None:
            return None
        mine = {f"{part}{shard}": rows.digest() for part, of in (("t", train), ("v", validation))
                for shard, rows in of.items()}  # fmt: skip
        parts = worker.communicator.allgather_bytes(json.dumps(mine).encode())
        found = dict(sorted(item for part in parts for item in json.loads(part).items()))
        names = ("batch_size", "shuffle", "seed", "class_weight", "wire_dtype", "fingerprint")
        told = [found, repr([self.settings[name] for name in names])]
        digest = hashlib.sha256(json.dumps(told).encode())
        return _remote.below(self.settings["checkpoint_dir"], f"run-{digest.hexdigest()[:16]}")


def work_of(communicator: Any, rows: int, started: float) -> dict:
    """What a worker had to do since `started`."""
    costs = communicator.costs.values()
    return {
        "rows": rows,
        "seconds": time.monotonic() - started,
        "seconds_in_collectives": sum(c["seconds"] for c in costs),
        "bytes_sent": sum(c["payload_sent"] + c["header_sent"] for c in costs),
    }
