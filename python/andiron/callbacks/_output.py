"""Where progress is shown: a terminal, a notebook, or a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

# In a notebook each update is a message to the browser, and stays in the file where output is kept
# as it came.
_BETWEEN = 0.5  # seconds


def kind_of(stream: Any) -> str:
    """ "terminal", "notebook" or "pipe"."""
    if type(stream).__module__.startswith(("ipykernel", "google.colab", "marimo")):
        return "notebook"
    try:
        return "terminal" if stream.isatty() else "pipe"
    except (AttributeError, ValueError):
        return "pipe"


def output(verbose: int) -> tuple[int, Callable[[str], None]]:
    """How a bar shows itself on standard output as it is now, and the function that writes."""
    kind = kind_of(sys.stdout)
    if verbose == 1 and kind == "pipe":
        verbose = 2
    return verbose, Notebook() if kind == "notebook" else _write


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


class Notebook:
    """Notebooks know the carriage return and no other control; a line that gets shorter is filled
    with blanks."""

    def __init__(self) -> None:
        self._shown, self._at = 0, 0.0

    def __call__(self, text: str) -> None:
        before, erases, line = text.rpartition("\r\033[K")
        if not erases:
            self._shown = 0
            return _write(text)
        ends = line.endswith("\n")
        now = time.monotonic()
        if not ends and now - self._at < _BETWEEN:
            return None
        bare = line.rstrip("\n")
        filled = bare.ljust(self._shown) + ("\n" if ends else "")
        self._shown, self._at = 0 if ends else len(bare), now
        return _write(before + "\r" + filled)
