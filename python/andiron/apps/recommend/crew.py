"""Who trains a recommender: this process, or several workers that have some of the users each."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Iterator

import numpy as np

from andiron import _remote, _workers, callbacks
from andiron.apps.recommend.history import Histories

_MIX = 1_000_003


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """Interactions whose samples are drawn with random numbers of their own.

    Attributes:
        number: of the shard; None for all of them. positions: theirs in the histories; None: all.
    """

    number: int | None = None
    positions: np.ndarray | None = None

    def seed(self, seed: int) -> int:
        return seed if self.number is None else (seed * _MIX + self.number + 1) % 2**62


class Alone:
    """Training in this process, on everything."""

    def __init__(self) -> None:
        self._generators: dict = {}

    def parts(self, histories: Histories) -> list[Part]:
        return [Part()]

    def generator(self, part: Part, seed: int, purpose: int, epoch: int) -> np.random.Generator:
        """Of the samples of a part in an epoch: here one that goes on from epoch to epoch."""
        return self._generators.setdefault((seed, purpose), np.random.default_rng([seed, purpose]))

    def total(self, numbers: np.ndarray | int) -> np.ndarray | int:
        """The sum over all workers."""
        return numbers

    def gathered(self, arrays: dict[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
        """The arrays of each worker."""
        return [arrays]

    @contextlib.contextmanager
    def training(self, network, curves: dict) -> Iterator[tuple[int, int]]:
        """Around all calls of `fit`; gives the epoch and the round that come first. `curves` has
        the figures of the epochs before."""
        self._network, self._losses = network, []
        yield 0, 0

    def fit(self, sources: dict, n: int, batch_size: int, epoch: int, round: int) -> None:
        """Trains on the samples of this round of an epoch: sources by number of part; all workers
        have n samples in the epoch."""
        history = self._network.fit(sources[None], epochs=epoch + 1, initial_epoch=epoch, verbose=0)
        self._losses.append(float(history.history["loss"][-1]))

    def loss(self) -> float:
        """Of the epoch that has ended: rounds are equally long."""
        loss, self._losses = float(np.mean(self._losses)), []
        return loss

    def epoch_ended(self, epoch: int) -> None:
        """After `loss`, with the epoch's figures in the curves."""


class Crew(Alone):
    """Training by the workers of a communicator, each with all interactions of its users.

    Users are dealt by shards, `row % n_shards`. Samples are drawn shard by shard, and a batch takes
    from each shard in proportion: so another number of workers trains the same model but for
    rounding.

    Args:
        communicator: of andiron.collective.
        n_shards: the same on all workers.
        wire_dtype: of gradients between workers.
        checkpoints: a folder that all workers see or a URL, of this training alone; None for none.
        checkpoint_every: steps between checkpoints within a round.
        checkpoint_minutes: minutes between them.
        watcher: a callback for batches, on all workers, with `begin(epoch, samples of the epoch,
            samples before this round, batch_size)` and `epoch_ended(epoch, logs)`.
    """

    def __init__(self, communicator, n_shards: int, wire_dtype: str = "float32",
                 checkpoints: str | None = None, checkpoint_every: int = 0,
                 checkpoint_minutes: float = 0.0, watcher=None) -> None:  # fmt: skip
        self._peers, self._n_shards, self._wire = communicator, n_shards, wire_dtype
        self._folder, self._watcher = checkpoints, watcher
        self._when = {
            "checkpoint_every": checkpoint_every, "checkpoint_minutes": checkpoint_minutes,
            "resume": True,
        }  # fmt: skip
        self.notes: list[str] = []  # on checkpoints that could not be written
        self._open = contextlib.ExitStack()
        self._capacity = 0

    def parts(self, histories: Histories) -> list[Part]:
        shard = histories.user % self._n_shards
        if not len(shard):
            return []
        order = np.argsort(shard, kind="stable")
        numbers, starts = np.unique(shard[order], return_index=True)
        pieces = np.split(order, starts[1:])
        return [Part(int(n), p) for n, p in zip(numbers, pieces, strict=True)]

    def generator(self, part: Part, seed: int, purpose: int, epoch: int) -> np.random.Generator:
        return np.random.default_rng([seed, purpose, part.number, epoch])

    def total(self, numbers: np.ndarray | int) -> np.ndarray | int:
        summed = self._peers.allreduce(np.atleast_1d(np.asarray(numbers, np.int64)))
        return summed if isinstance(numbers, np.ndarray) else int(summed[0])

    def gathered(self, arrays: dict[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
        packed = io.BytesIO()
        np.savez(packed, **arrays)
        everyone = self._peers.allgather_bytes(packed.getvalue())
        return [dict(np.load(io.BytesIO(each))) for each in everyone]

    @contextlib.contextmanager
    def training(self, network, curves: dict) -> Iterator[tuple[int, int]]:
        self._network, self._curves, self._losses = network, curves, []
        self._capacity = 0
        with _workers.aborting(self._peers), self._open:
            yield self._first()

    def _first(self) -> tuple[int, int]:
        found = [(0, 0)]
        if self._folder is not None and self._peers.rank == 0:
            # A round without a checkpoint had just begun; the one before it is still there.
            for at in _remote.matching(self._folder, "round-*/checkpoint-*.safetensors"):
                _, epoch, round = at.partition("/")[0].split("-")
                found.append((int(epoch), int(round)))
        first = self._peers.broadcast(np.array(max(found), np.int64))
        return int(first[0]), int(first[1])

    def fit(self, sources: dict, n: int, batch_size: int, epoch: int, round: int) -> None:
        shards = _workers.Shards(sources)
        source = _workers.source(self._network, self._peers, batch_size, shards)
        options = {"on_nan": "error", "workers": self._steps_for(source, batch_size)}
        name = f"round-{epoch}-{round}"
        if self._folder:
            options |= {"checkpoint_dir": _remote.below(self._folder, name), **self._when}
        watching = [_Memory(self._curves, self._losses)]
        if self._watcher is not None:
            self._watcher.begin(epoch, n, source.rows * round, batch_size)
            watching.append(self._watcher)
        history = self._network._run(source, None, epoch + 1, epoch, 1, 0, watching, options)
        self._losses.append(float(history.history["loss"][-1]))
        if history.checkpoint_note:
            self.notes.append(history.checkpoint_note)
        elif self._folder and self._peers.rank == 0:
            _remote.drop(self._folder, "round-*", but=name)

    def _steps_for(self, source, batch_size: int):
        """The steps of all workers; made once, and again when a batch would not find room."""
        needed = _workers.most(self._peers, source.capacity)
        if needed > self._capacity:
            self._open.close()
            self._capacity = min(batch_size, needed + needed // 20 + 64)
            bf16 = self._wire == "bfloat16"
            steps = _workers.compiled_for(self._network, self._peers, self._capacity, bf16)
            self._steps = self._open.enter_context(steps)
        return self._steps

    def epoch_ended(self, epoch: int) -> None:
        if self._watcher is not None:
            self._watcher.epoch_ended(
                epoch, {name: values[-1] for name, values in self._curves.items() if values}
            )


class _Memory(callbacks.Callback):
    """What checkpoints keep of the rounds before."""

    def __init__(self, curves: dict, losses: list) -> None:
        self._curves, self._losses = curves, losses

    def get_state(self) -> dict:
        return {"curves": self._curves, "losses": self._losses}

    def set_state(self, state: dict) -> None:
        self._curves.update(state["curves"])
        self._losses[:] = state["losses"]
