"""The callback by which a worker tells where it is, so that a fault can strike there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from andiron import callbacks
from faults.training import BATCHES, EPOCHS


@dataclass(frozen=True)
class Moment:
    """A worker's n-th passing of a place in an attempt.

    `place`: "step" (before a step), "save" (a checkpoint is about to be written; the first worker
    only), "test" (before a batch of an evaluation), "last step", "last step end", "end" (of the
    training). `hold`: the worker waits there until it is told to go on.
    """

    place: str
    n: int
    rank: int
    hold: bool


class Signs(callbacks.Callback):
    """Watches for the moment that its process was started with (`Signs.watch`)."""

    _moment: Moment | None = None
    _channel: Any = None

    @classmethod
    def watch(cls, channel: Any, moment: Moment | None) -> None:
        """What all Signs of this process look for, and whom they tell."""
        cls._channel, cls._moment = channel, moment

    def __init__(self) -> None:
        self._passed: dict[str, int] = {}
        self._epoch = 0
        self._began = False

    def _pass(self, place: str) -> None:
        self._passed[place] = self._passed.get(place, 0) + 1
        moment = self._moment
        if moment is None or (moment.place, moment.rank) != (place, self.worker):
            return
        if self._passed[place] == moment.n:
            self._channel.send(("here",))
            if moment.hold:
                self._channel.recv()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        if not self._began:
            self._began = True
            self._channel.send(("began", self._epoch, batch))
        self._pass("step")
        if self._is_last(batch):
            self._pass("last step")

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self._is_last(batch):
            self._pass("last step end")

    def on_test_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        self._pass("test")

    def on_train_end(self, logs: dict | None = None) -> None:
        self._pass("end")

    def get_state(self) -> None:
        """Called while a checkpoint is put together; nothing is to be kept."""
        self._pass("save")

    def _is_last(self, batch: int) -> bool:
        return (self._epoch, batch) == (EPOCHS - 1, BATCHES - 1)
