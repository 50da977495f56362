"""Callbacks that run at the driver, called with what the first worker reports."""

from __future__ import annotations

import sys
import traceback
from types import SimpleNamespace
from typing import Any

from andiron import _core


class FarModel:
    """`self.model` of a callback at the driver: the model is at the workers, so there are only
    optimizer.iterations and optimizer.learning_rate, as last reported."""

    def __init__(self) -> None:
        self.optimizer = SimpleNamespace(iterations=0, learning_rate=None)

    @property
    def stop_training(self) -> bool:
        return False

    @stop_training.setter
    def stop_training(self, stop: bool) -> None:
        raise _core.Error(
            "[spark] a callback at the driver cannot stop the training: let it run in the workers "
            "(at_driver = False)"
        )


class Feed:
    """Calls them in the order of the training: each epoch once, however often workers were started
    again, since a resumed training has the same figures. One that raises is not called again; the
    training goes on without it.

    `every`: the steps whose multiples they want to hear of (`update_freq`).
    """

    def __init__(self, callbacks: list):
        self._callbacks = list(callbacks)
        wanted = (getattr(callback, "update_freq", None) for callback in callbacks)
        self.every = tuple(sorted({n for n in wanted if isinstance(n, int)}))
        self._model = FarModel()
        self._begun = False
        self._step = 0  # of the last batch
        self._in_epoch = self._told = -1  # the last epoch that began, and that ended

    def take(self, said: dict) -> None:
        """A report (see _reporter.py)."""
        if said["kind"] == "begin":
            self._begin(said["step"])
        elif said["kind"] == "saved":
            self._call("get_state")  # as in the training itself; what it gives is not kept
        elif said["kind"] == "epoch":
            self._epoch(said)
        elif said["epoch"] > self._told and said["step"] > self._step:
            self._begin_epoch(said["epoch"])
            self._see(said)
            self._call("on_train_batch_end", said["batch"], dict(said["logs"]))

    def finish(self, epochs: list[dict]) -> None:
        """The training is over; `epochs` has the reports of all of its epochs, also of those that
        never came."""
        last: dict = epochs[-1] if epochs else {"step": 0, "logs": {}}
        self._begin(last["step"] or 0)
        for said in epochs:
            self._epoch(said)
        self._call("on_train_end", dict(last["logs"]))

    def _begin(self, step: int) -> None:
        if self._begun:
            return
        self._begun = True
        self._model.optimizer.iterations = step
        for callback in self._callbacks:
            callback.set_model(self._model)
        self._call("on_train_begin")

    def _begin_epoch(self, epoch: int) -> None:
        if epoch > self._in_epoch:
            self._in_epoch = epoch
            self._call("on_epoch_begin", epoch)

    def _epoch(self, said: dict) -> None:
        epoch = said["epoch"]
        if epoch <= self._told:
            return
        self._begin_epoch(epoch)
        self._see(said)
        self._told = epoch
        logs = dict(said["logs"])
        if said["rows_per_second"] is not None:  # unknown before a restart in rare cases
            logs["spark/samples_per_second_per_worker"] = said["rows_per_second"]
            logs["spark/share_in_communication"] = said["in_collectives"]
        self._call("on_epoch_end", epoch, logs)

    def _see(self, said: dict) -> None:
        optimizer = self._model.optimizer
        if said["step"] is not None:
            self._step = optimizer.iterations = said["step"]
        optimizer.learning_rate = said["learning_rate"]

    def _call(self, hook: str, *arguments: Any) -> None:
        for callback in list(self._callbacks):
            try:
                getattr(callback, hook)(*arguments)
            except Exception:
                self._callbacks.remove(callback)
                what = f"{type(callback).__name__}.{hook}"
                print(f"andiron: {what} failed at the driver and is not called again; the training "
                      f"goes on\n{traceback.format_exc()}", file=sys.stderr)  # fmt: skip
