"""What an estimator's workers do: their shards as data, and fit."""

from __future__ import annotations

import json
import pickle
import time
from typing import Any

import numpy as np

from andiron import _core
from andiron.spark import _class_weight, _columns, _fingerprint, _memory, _missing, _run_folder
from andiron.spark._worker import Worker

# Of the settings, those that change what a training results in; model, optimizer and callbacks are
# in the fingerprint. `epochs` too: a shorter training must not find a longer one's end.
_IN_DIGEST = (
    "batch_size", "epochs", "shuffle", "seed", "class_weight", "wire_dtype", "on_nan",
    "fingerprint",
)  # fmt: skip


class Task:
    """The function of each worker. Only the first one gives the trained model back."""

    what = "training"  # in Spark's UI
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
        rows = self._counted(worker, mine, sum(map(len, validation.values())))
        unseen = self._unseen(worker)
        started = time.monotonic()
        name = self._name(worker, train, validation)
        application = settings.get("application", "")
        with _run_folder.taken(settings["checkpoint_dir"], name, worker, application) as folder:
            reporter = Reporter(
                self.progress if worker.rank == 0 else None, worker, rows, settings["batch_size"],
                folder,
            )  # fmt: skip
            history = model.fit(
                Shards(train), batch_size=settings["batch_size"], epochs=settings["epochs"],
                verbose=0, callbacks=[*callbacks, reporter], shuffle=settings["shuffle"],
                seed=settings["seed"], class_weight=settings["class_weight"],
                on_nan=settings["on_nan"],
                validation_data=Shards(validation) if settings["validation"] else None,
                checkpoint_dir=folder, checkpoint_every=settings["checkpoint_every"],
                checkpoint_minutes=settings["checkpoint_minutes"], resume=folder is not None,
                workers=worker.communicator, wire_dtype=settings["wire_dtype"],
            )  # fmt: skip
        work = work_of(worker.communicator, mine, started)
        if worker.rank > 0:
            return {"work": work}
        return {
            "work": work, "model": model._bytes(), "history": history.history,
            "note": history.checkpoint_note, "epochs": reporter.epochs,
            "unseen": unseen,
        }  # fmt: skip

    def _counted(self, worker: Worker, train: int, held_out: int) -> int:
        """The rows of all workers to train on."""
        counts = worker.communicator.allreduce(np.array([train, held_out], np.int64))
        rows, others = (int(n) for n in counts)
        column = self.settings["validation"]
        if column and rows and not others:
            raise _core.Error(
                f"[spark] validation_indicator_col {column!r} holds out no row: it is true in none "
                f"of {rows}"
            )
        if column and others and not rows:
            raise _core.Error(
                f"[spark] validation_indicator_col {column!r} holds out all {others} rows: none is "
                "left to train on"
            )
        return rows

    def _unseen(self, worker: Worker) -> list[int]:
        """The classes with a weight that no worker has seen."""
        ids, seen = self._classes.ids, self._classes.found
        if not ids:
            return []
        counts = worker.communicator.allreduce(np.array([i in seen for i in ids], np.int64))
        return [i for i, n in zip(ids, counts, strict=True) if n == 0]

    def _read(self, worker: Worker, model: Any) -> tuple[dict, dict]:
        """The rows of each shard to train on, and of each to validate on."""
        train: dict = {}
        validation: dict = {}
        self._classes = _class_weight.Classes(self.settings)
        budget = self.settings["memory_budget"]
        budget = budget or _memory.share(worker.threads, self.settings.get("memory", {}))
        budget = max(1, budget // self.settings["parts"])
        shards = worker.shards()
        checked = _missing.Checked(self.settings["rules"], shards)
        for tag, batches in shards:
            shard, held_out = divmod(tag, 2) if self.settings["validation"] else (tag, 0)
            batches = checked.of(batches)
            if not held_out:
                batches = self._classes.seen(batches)
            rows = self._data(batches, budget)
            rows._rows(model._network, model._targets())  # now, before the next shard's come
            (validation if held_out else train)[shard] = rows
        return train, validation

    def _data(self, batches: Any, budget: int) -> Any:
        from andiron import data

        settings = self.settings
        return data.from_arrow(
            batches, settings["features"], settings["label"], settings["sample_weight"],
            vocabulary=settings["vocabulary"], nulls=settings["nulls"],
            memory_budget=budget, spill_dir=settings["spill_dir"],
            content_order=True,
        )  # fmt: skip

    def _name(self, worker: Worker, train: dict, validation: dict) -> str:
        """Of a folder for this training alone: a digest of model, settings and rows, so that
        another one in the same checkpoint_dir (a cross-validation's) neither takes nor overwrites
        it."""
        if self.settings["checkpoint_dir"] is None:
            return ""
        mine = {f"{part}{shard}": rows.digest() for part, of in (("t", train), ("v", validation))
                for shard, rows in of.items()}  # fmt: skip
        parts = worker.communicator.allgather_bytes(json.dumps(mine).encode())
        found = dict(item for part in parts for item in json.loads(part).items())
        given = [self.settings[name] for name in ("features", "label", "sample_weight")]
        told = [self.settings[name] for name in _IN_DIGEST]
        return f"run-{_fingerprint.digest(found, told, _columns.to_json(given))[:16]}"


def work_of(communicator: Any, rows: int, started: float) -> dict:
    """What a worker had to do since `started`."""
    costs = communicator.costs.values()
    return {
        "rows": rows,
        "seconds": time.monotonic() - started,
        "seconds_in_collectives": sum(c["seconds"] for c in costs),
        "bytes_sent": sum(c["payload_sent"] + c["header_sent"] for c in costs),
    }
