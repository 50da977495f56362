"""The figures of a training: kept, shown and logged."""

from __future__ import annotations

import csv
import json
import os
import warnings
from typing import Any

from andiron import _core
from andiron.callbacks._output import output
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
    """The progress bar; `fit(verbose=1)` has one.

    A terminal has a bar that moves; a notebook one that moves twice a second; a pipe or a file gets
    one line for each epoch.

    Args:
        verbose: 1, or 2 for one line for each epoch everywhere.
    """

    def __init__(self, verbose: int = 1):
        self.verbose = verbose
        self._core = self._made_for(0)

    def set_worker(self, rank: int) -> None:
        super().set_worker(rank)
        self._core = self._made_for(rank)

    def _made_for(self, rank: int) -> Any:
        if rank > 0:
            return _core.ProgressBarCore(self.verbose, lambda text: None)
        return _core.ProgressBarCore(*output(self.verbose))


class CSVLogger(Callback):
    """Writes each epoch's figures as a line of a CSV file: the epoch (from 0), then the figures in
    the order of their names. What an epoch lacks is NA (`validation_freq`).

    A training that is resumed from a checkpoint goes on in the file, and lines of epochs that come
    again are taken out.

    Args:
        filename: of the file.
        separator: between the values. Default: ",".
        append: goes on in a file that is there, under its header. Default: False: a new file.
    """

    def __init__(self, filename: Any, separator: str = ",", append: bool = False):
        self.filename, self.separator, self.append = os.fspath(filename), separator, append
        self._names: list[str] | None = None
        self._validates = self._resumed = self._begun = False

    def _check(self, validation_freq: int) -> None:
        self._validates = validation_freq > 0

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._names, self._resumed, self._begun = None, False, False

    def get_state(self) -> dict:
        return {}

    def set_state(self, state: Any) -> None:
        self._resumed = True

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if self.worker == 0 and not self._begun:
            self._begin(epoch)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.worker > 0:
            return
        if not self._begun:
            self._begin(epoch)
        logs, new = logs or {}, self._names is None
        if new:
            names = set(logs)
            if self._validates and not any(n.startswith("val_") for n in names):
                names |= {f"val_{n}" for n in names}
            self._names = sorted(names)
        with open(self.filename, "a", newline="") as file:
            line = csv.writer(file, delimiter=self.separator, lineterminator="\n")
            if new:
                line.writerow(["epoch", *self._names])
            line.writerow([epoch, *(logs.get(name, "NA") for name in self._names)])

    def _begin(self, epoch: int) -> None:
        """Takes over what the file has, or empties it."""
        self._begun = True
        lines: list[list[str]] = []
        if (self._resumed or self.append) and os.path.exists(self.filename):
            with open(self.filename, newline="") as file:
                lines = [x for x in csv.reader(file, delimiter=self.separator) if x]
        if lines:
            self._names = lines[0][1:]
        if self._resumed:
            lines = lines[:1] + [x for x in lines[1:] if x[0].isdigit() and int(x[0]) < epoch]
        if self._resumed or not lines:
            with open(self.filename, "w", newline="") as file:
                csv.writer(file, delimiter=self.separator, lineterminator="\n").writerows(lines)


class RemoteMonitor(Callback):
    """Posts each epoch's figures to a server as JSON: {"epoch": 0, "loss": ...}.

    A server that does not answer is a warning, once; training goes on.

    Args:
        root: address of the server. Default: "http://localhost:9000".
        path: on it. Default: "/publish/epoch/end/".
        field: of a form that holds the JSON; see send_as_json. Default: "data".
        headers: of the request, a dict.
        send_as_json: the JSON is the body, not a form's field. Default: False.
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict | None = None,
        send_as_json: bool = False,
    ):
        self.root, self.path, self.field = root, path, field
        self.headers, self.send_as_json = dict(headers or {}), send_as_json
        self._warned = False

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.worker > 0:
            return
        import urllib.error
        import urllib.parse
        import urllib.request

        text = json.dumps({"epoch": epoch, **(logs or {})})
        body = text if self.send_as_json else urllib.parse.urlencode({self.field: text})
        kind = "json" if self.send_as_json else "x-www-form-urlencoded"
        headers = {"Content-Type": f"application/{kind}", **self.headers}
        try:
            request = urllib.request.Request(self.root + self.path, body.encode(), headers)
            urllib.request.urlopen(request, timeout=10).close()
        except (urllib.error.URLError, OSError, ValueError) as error:
            if not self._warned:
                warnings.warn(f"[RemoteMonitor] {self.root} was not reached: {error}", stacklevel=2)
            self._warned = True
