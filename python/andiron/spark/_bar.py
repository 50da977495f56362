"""The driver's progress bar: what the first worker reports, in a terminal, a notebook or a log."""

from __future__ import annotations

import sys
import warnings
from typing import Any


class Bar:
    """Shows reports. verbose 1: a bar, or lines where nobody watches (a pipe, a file); 2: a line
    for each epoch; 0: nothing."""

    def __init__(self, verbose: int, epochs: int):
        self._verbose, self._epochs = verbose, epochs
        self._lines = verbose == 2 or (verbose == 1 and not _watched())
        self._epoch = -1  # the last one that has a line
        self._bar: Any = None

    def show(self, said: dict) -> None:
        """A report of the first worker (see _reporter.py)."""
        if self._verbose == 0:
            return
        if said["kind"] == "begin" and said["step"] and said.get("place"):
            done = f"{said['finished']} of {self._epochs} epochs"
            if said["finished"] >= self._epochs:
                told = f"has already finished ({done}): it is taken from {said['place']}"
            else:
                told = f"goes on from step {said['step']} ({done} done), from {said['place']}"
            print(f"andiron: the training {told}", flush=True)
        if said.get("in_collectives") is None:
            return
        complete = said["kind"] == "epoch"
        if not self._lines:
            self._move(said, complete)
        elif complete and said["epoch"] > self._epoch:
            self._epoch = said["epoch"]
            print(f"epoch {said['epoch'] + 1}/{self._epochs}: {figures(said)}", flush=True)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def _move(self, said: dict, complete: bool) -> None:
        if self._bar is None:
            with warnings.catch_warnings():  # in a notebook without widgets it writes text
                warnings.simplefilter("ignore")
                from tqdm.auto import tqdm
            layout = "{desc} {percentage:3.0f}%|{bar}| [{elapsed}<{remaining}{postfix}]"
            self._bar = tqdm(total=self._epochs, bar_format=layout, dynamic_ncols=True)
        epoch = said["epoch"] + 1
        self._bar.set_description_str(f"epoch {epoch}/{self._epochs}", refresh=False)
        self._bar.n = epoch if complete else epoch - 1 + said["part"]
        self._bar.set_postfix_str(figures(said))


def figures(said: dict) -> str:
    """The figures of a report in words."""
    found = [f"{name} {value:.4g}" for name, value in said["logs"].items()]
    found.append(f"{said['rows_per_second']:,.0f} samples/s per worker")
    found.append(f"{said['in_collectives']:.0%} in collectives")
    return ", ".join(found)


def _watched() -> bool:
    """Whether a line that is written over again and again is seen by a person: tqdm writes to
    standard error, and a notebook's is no terminal."""
    return sys.stderr.isatty() or _in_notebook()


def _in_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and "IPKernelApp" in shell.config
