"""What the first worker tells the driver of a training that runs.

Lines are of four kinds:
    begin   epoch, step: where the training begins, or goes on after a restart; place: of the
            checkpoints; finished: the epochs in the one that was taken up
    epoch   of every finished epoch, those before a restart too: its figures, the learning rate, the
            steps so far, samples/s per worker, share of the time in collectives
    batch   the same of an epoch that runs: twice a second, and at the steps that somebody wants
    saved   a checkpoint is being written: what was told before it does not come again
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from typing import Any

from andiron import callbacks
from andiron.spark._progress import Address, mac_of

_EVERY = 0.5  # seconds between lines within an epoch


class Reporter(callbacks.Callback):
    """Tells the driver. Without an address it is silent, as on all workers but the first.

    `rows` of all workers in an epoch, in steps of `batch_size` together. `epochs` has what was to
    tell of each finished epoch, for the driver that could not be reached. `place` of checkpoints.
    """

    _wants_batch_metrics = False

    def __init__(self, address: Address | None, worker: Any, rows: int, batch_size: int,
                 place: str | None = None):  # fmt: skip
        self._peers, self._attempt = worker.communicator, worker.attempt
        self._rows, self._batch_size, self._place = rows, batch_size, place
        self._before = 0  # rows of the epoch before the batches that are counted from 0
        self._socket: socket.socket | None = None
        self._lines = 0
        self.epochs: list[dict] = []
        self._told = -1  # of `epochs`; -1: the driver does not know where it begins
        self._kept: list = []  # by a checkpoint, of its epochs
        self._starts: dict | None = None
        if address is not None:
            self._secret, self._wanted = address.secret, address.every
            self._wants_batch_metrics = bool(address.every)
            self.on_train_batch_end = self._batch_ended
            # A firewall may keep it waiting: not on the training's thread.
            threading.Thread(target=self._connect, args=(address[:2],), daemon=True).start()

    def _connect(self, address: tuple) -> None:
        try:
            self._socket = socket.create_connection(address, timeout=5.0)
        except OSError as error:
            print(f"andiron: the driver cannot be told of progress: {error}", file=sys.stderr)

    def get_state(self) -> list:
        if self._socket is not None:
            self._tell({"kind": "saved"})
        return [[line[name] for name in _KEPT] for line in self.epochs]

    def set_state(self, state: list) -> None:
        self._kept = state

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch, self._began, self._spent = epoch, time.monotonic(), self._in_collectives()
        self._next = self._began + _EVERY
        self._first_row: int | None = None
        self._step = self.model.optimizer.iterations  # the last that was told
        self._start(epoch)

    def _batch_ended(self, batch: int, logs: dict | None = None) -> None:
        done = self._before + batch * self._batch_size
        if self._first_row is None:  # not 0 where a checkpoint was taken up
            self._first_row = done
        if self._socket is None:
            return
        step, now = self.model.optimizer.iterations, time.monotonic()
        wanted = step > self._step and any(step % n == 0 for n in self._wanted)
        if now >= self._next:
            self._next = now + _EVERY
        elif not wanted:
            return
        self._step = step
        rows = min(self._rows, done + self._batch_size)
        figures = self._figures(logs or {}, rows)
        self._tell({"kind": "batch", "batch": batch, "part": rows / self._rows, **figures})

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.epochs.append({"kind": "epoch", **self._figures(logs or {}, self._rows)})
        if self._socket is not None:
            self._tell()

    def on_train_end(self, logs: dict | None = None) -> None:
        self._start(0)  # where a checkpoint has the whole training, no epoch began
        if self._socket is not None:
            self._tell()
            self._socket.close()

    def _start(self, epoch: int) -> None:
        if self._starts is not None:
            return
        step = self.model.optimizer.iterations
        self._starts = {"kind": "begin", "epoch": epoch, "step": step, "place": self._place,
                        "finished": len(self._finished())}  # fmt: skip
        for number, (finished, logs) in enumerate(self._finished()):
            known = self._kept[number] if number < len(self._kept) else [None] * len(_KEPT)
            line = dict(zip(_KEPT, known, strict=True))
            self.epochs.append({"kind": "epoch", "epoch": finished, "logs": logs, **line})

    def _finished(self) -> list:
        """(epoch, figures) of those before a restart."""
        return list(zip(*self.model._trainer.history, strict=True))

    def _in_collectives(self) -> float:
        return sum(cost["seconds"] for cost in self._peers.costs.values())

    def _figures(self, logs: dict, rows: int) -> dict:
        seconds = max(1e-9, time.monotonic() - self._began)
        rows -= self._first_row or 0
        optimizer = self.model.optimizer
        return {
            "epoch": self._epoch,
            "logs": {name: float(value) for name, value in logs.items()},
            "step": optimizer.iterations,
            "learning_rate": optimizer.learning_rate,
            "rows_per_second": rows / seconds / self._peers.size,
            "in_collectives": min(1.0, (self._in_collectives() - self._spent) / seconds),
        }

    def _tell(self, *lines: dict) -> None:
        """Where the training began and the epochs that the driver has not heard of come first."""
        if self._told < 0:
            lines = (self._starts, *self.epochs, *lines)
        else:
            lines = (*self.epochs[self._told :], *lines)
        self._told = len(self.epochs)
        text = b""
        for line in lines:
            self._lines += 1
            body = json.dumps({"number": [self._attempt, self._lines], **line}).encode()
            text += mac_of(self._secret, body) + b" " + body + b"\n"
        try:
            self._socket.sendall(text)
        except OSError:  # the driver has gone; the training will hear of it from Spark
            self._socket = None


_KEPT = ("step", "learning_rate", "rows_per_second", "in_collectives")
