"""The figures of a training: kept, shown and logged."""

from __future__ import annotations

import sys
from typing import Any

from andiron import _core
from andiron.callbacks._protocol import Callback, InCore


class History(Callback):
    """What `fit` returns: `epoch` is a list of numbers, `history` a dict of lists.

    `checkpoint_note` says which checkpoints could not be written to a URL; empty: all were.
    """

    def __init__(self) -> None:
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}
        self.checkpoint_note = ""

    def _take(self, epochs: list[int], logs: list[dict]) -> None:
        self.epoch = list(epochs)
        self.history = {}
        for line in logs:
            for name, value in line.items():
                self.history.setdefault(name, []).append(value)


class ProgbarLogger(InCore):
    """The progress bar; `fit(verbose=1)` has one."""

    def __init__(self, verbose: int = 1):
        self.verbose = verbose
        self._core = _core.ProgressBarCore(verbose, _write)

    def set_worker(self, rank: int) -> None:
        super().set_worker(rank)
        if rank > 0:
            self._core = _core.ProgressBarCore(self.verbose, lambda text: None)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


class CSVLogger(Callback):
    """Writes each epoch's figures as a line of a CSV file."""

    def __init__(self, filename: Any, separator: str = ",", append: bool = False):
        self.filename, self.separator, self.append = str(filename), separator, append
        self._names: list[str] | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._names = None
        if not self.append and self.worker == 0:
            with open(self.filename, "w"):
                pass

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        logs = logs or {}
        if self.worker > 0:
            return
        with open(self.filename, "a") as file:
            if self._names is None:
                self._names = sorted(logs)
                if file.tell() == 0:
                    print("epoch", *self._names, sep=self.separator, file=file)
            print(epoch, *(logs.get(n, "") for n in self._names), sep=self.separator, file=file)
