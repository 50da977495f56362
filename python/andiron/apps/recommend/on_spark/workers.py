"""What a recommender's workers do: their users' interactions, and training together."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

import numpy as np

from andiron import _remote
from andiron.spark._reporter import Reporter
from andiron.spark._training import work_of
from andiron.spark._worker import Worker

MAX_JUDGED = 5_000  # users: each costs as much as scoring all items


class Task:
    """The function of each worker. All give their users' histories back, the first one the model.

    Args:
        kind: of andiron.apps.recommend.models. settings: of the model.
        sizes: users and items. features: of users and of items, encoded, or None each.
        training: n_shards, wire_dtype, checkpoint_dir, checkpoint_every, checkpoint_minutes,
            validation, fingerprint.
    """

    what = "training"  # in Spark's UI
    progress: Any = None  # where the driver listens (_progress.Address)

    def __init__(self, kind: str, settings: dict, sizes: tuple[int, int], features: tuple,
                 training: dict):  # fmt: skip
        self.kind, self.settings, self.sizes = kind, settings, sizes
        self.features, self.training = features, training

    def __call__(self, worker: Worker) -> dict:
        from andiron.apps.recommend import models

        data, held_out = self._read(worker)
        seed = self.settings["seed"]
        model = getattr(models, self.kind)(**self.settings)
        watcher = Watcher(self.progress if worker.rank == 0 else None, worker, 1, 1)
        crew = crew_of(worker, self.training, self._folder(worker, data), watcher)
        judge = None
        if held_out is not None:
            judge = _Judge(crew, data, held_out)
        started = time.monotonic()
        try:
            model._fit(data, *self.features, crew, judge, 0, _noise(data, seed))
        finally:
            watcher.close()
        histories = model._histories
        counts = np.diff(histories.starts)
        mine = np.flatnonzero(counts)
        found = {
            "work": work_of(worker.communicator, len(data), started),
            "histories": (mine, counts[mine], histories.items.astype(np.int32)),
        }
        if worker.rank == 0:
            found |= {"state": model._state(), "content": model._content(), "curves": model.curves}
            found["notes"] = crew.notes
        return found

    def _read(self, worker: Worker) -> tuple[Any, Any]:
        """This worker's interactions, and those held out; pairs once, in an order of their own."""
        pieces: dict[bool, list] = {False: [], True: []}
        for tag, batches in worker.shards():
            held_out = self.training["validation"] and tag % 2 == 1
            for batch in batches:
                # No nulls: the driver has seen to that (interactions.side, interactions.dealt).
                columns = {name: batch.column(name).to_numpy() for name in batch.schema.names}
                pieces[held_out].append(columns)
        data = self._interactions(pieces[False])
        if not self.training["validation"]:
            return data, None
        held_out = self._interactions(pieces[True])
        pairs = data.user * data.n_items + data.item
        new = ~np.isin(held_out.user * data.n_items + held_out.item, pairs)
        return data, held_out.take(new)

    def _interactions(self, pieces: list[dict]) -> Any:
        from andiron.apps.recommend.data import Interactions
        from andiron.apps.recommend.ids import IdMap

        def joined(name: str, dtype: type = np.int64) -> np.ndarray:
            # The pieces go: both would be twice the memory.
            parts = [piece.pop(name) for piece in pieces]
            return np.concatenate(parts, dtype=dtype) if parts else np.zeros(0, dtype)

        n_items = self.sizes[1]
        pairs = joined("user") * n_items
        pairs += joined("item")
        times = joined("time") if self.training["timed"] else None
        ratings = joined("rating", np.float32) if self.training["rated"] else None
        if times is None and ratings is None:
            pairs = np.unique(pairs)
        else:
            order = np.lexsort((*(k for k in (ratings, times) if k is not None), pairs))
            pairs = pairs[order]
            latest = np.append(pairs[1:] != pairs[:-1], True)[: len(pairs)]
            pairs, order = pairs[latest], order[latest]
            times = None if times is None else times[order]
            ratings = None if ratings is None else ratings[order]
        users, items = (IdMap(np.arange(n)) for n in self.sizes)
        return Interactions(users, items, pairs // n_items, pairs % n_items, ratings, times)

    def _folder(self, worker: Worker, data: Any) -> str | None:
        """A folder for this training alone, named by model, settings and interactions."""
        if self.training["checkpoint_dir"] is None:
            return None
        rows = mixed(data.user, data.item)
        if data.time is not None:
            rows = mixed(rows, data.time)
        if data.rating is not None:
            rows = mixed(rows, data.rating.view(np.int32))
        mine = rows.sum(dtype=np.uint64)
        told = [self.kind, self.settings, self.sizes, self.training["fingerprint"],
                self.training["wire_dtype"]]  # fmt: skip
        return run_folder(worker, self.training["checkpoint_dir"], told, mine)


def crew_of(worker: Worker, training: dict, folder: str | None, watcher: Any) -> Any:
    """The workers that train a model together."""
    from andiron.apps.recommend.crew import Crew

    return Crew(
        worker.communicator, training["n_shards"], training["wire_dtype"], folder,
        training["checkpoint_every"], training["checkpoint_minutes"], watcher,
    )  # fmt: skip


def run_folder(worker: Worker, checkpoints: str, told: list, mine: np.uint64) -> str:
    """A folder for a training of these settings (`told`) on these rows alone (`mine`: a sum of
    hashes of this worker's)."""
    parts = worker.communicator.allgather_bytes(str(mine).encode())
    told = [*told, sum(map(int, parts)) % 2**64]
    digest = hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()
    return _remote.below(checkpoints, f"run-{digest[:16]}")


def mixed(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """A hash of each pair of numbers (the finalizer of MurmurHash3 over their mixture)."""
    h = a.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + b.astype(np.uint64)
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        h = (h ^ (h >> np.uint64(33))) * np.uint64(factor)
    return h ^ (h >> np.uint64(33))


def _noise(data: Any, seed: int) -> np.ndarray:
    """Orders equal times: at random, whoever has the interaction."""
    return mixed(mixed(data.user, data.item), np.full(len(data), seed))


class _Judge:
    """After each epoch: hit rate and NDCG at 10 over all items, or the RMSE of ratings, of the
    held-out interactions of users of all workers, about MAX_JUDGED of them, into the model's
    curves."""

    def __init__(self, crew: Any, data: Any, held_out: Any):
        chosen = mixed(held_out.user, np.zeros(len(held_out))) % np.uint64(held_out.n_users)
        self._held_out = held_out.take(chosen < MAX_JUDGED)
        self._crew, self._data = crew, data

    def __call__(self, epoch: int, model: Any) -> None:
        from andiron.apps.recommend.ranking import evaluate

        if getattr(model, "explicit", False):
            self._judge_ratings(model)
            return
        names = ("ndcg@10", "hit_rate@10")
        sums = {name: np.zeros(1) for name in names} | {"n": np.zeros(1)}
        if len(self._held_out):
            ranking = evaluate(model.scores, self._data, self._held_out)
            sums = {name: ranking.values[name].sum(keepdims=True) for name in names}
            sums["n"] = np.full(1, len(ranking.users))
        parts = self._crew.gathered(sums)
        n = sum(part["n"][0] for part in parts)
        for name in names if n else ():
            mean = float(sum(part[name][0] for part in parts) / n)
            model.curves.setdefault(f"val_{name}", []).append(mean)

    def _judge_ratings(self, model: Any) -> None:
        held_out, squares = self._held_out, np.zeros(2)
        if len(held_out):
            error = model._predict(held_out.user, held_out.item) - held_out.rating.astype(float)
            squares = np.array([error @ error, len(error)])
        total, n = np.sum([part["squares"] for part in self._crew.gathered({"squares": squares})],
                          axis=0)  # fmt: skip
        if n:
            model.curves.setdefault("val_rmse", []).append(float(np.sqrt(total / n)))


class Watcher(Reporter):
    """Tells the driver of epochs that are trained in several rounds."""

    def begin(self, epoch: int, samples: int, before: int, batch_size: int) -> None:
        self._rows, self._batch_size, self._before = samples, batch_size, before

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if self._before == 0 or self._starts is None:  # or: in the middle, after a restart
            super().on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """An epoch ends with its last round."""

    def on_train_end(self, logs: dict | None = None) -> None:
        """Nor does the training end with a round."""

    def epoch_ended(self, epoch: int, logs: dict[str, float]) -> None:
        if self._starts is None:  # a restart found the epoch's last round finished
            super().on_epoch_begin(epoch)
            self._first_row = self._rows
        super().on_epoch_end(epoch, logs)

    def _finished(self) -> list:
        return []  # the model's own history is that of a round

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
