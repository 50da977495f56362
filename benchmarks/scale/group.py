"""Processes that work in rounds: told to begin by a line on stdin, they answer by a line of JSON.

Between rounds they sleep in a read, so that groups can take turns on the same cores.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Group:
    """Processes of `python -m module`, one for each list of arguments.

    `before` stands in front of each command (for instance `ip netns exec name`).
    """

    def __init__(self, module: str, arguments: Sequence[Sequence[str]],
                 before: Sequence[Sequence[str]] = ()):  # fmt: skip
        before = before or [()] * len(arguments)
        self._processes = [
            subprocess.Popen(
                [*first, sys.executable, "-m", module, *rest],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
                env={**os.environ, **ENVIRONMENT},
            )
            for first, rest in zip(before, arguments, strict=True)
        ]  # fmt: skip

    def __len__(self) -> int:
        return len(self._processes)

    def tell(self, what: Any, only: int | None = None) -> None:
        """A line of JSON to all, or to one."""
        for number, process in enumerate(self._processes):
            if only in (None, number):
                process.stdin.write(json.dumps(what) + "\n")
                process.stdin.flush()

    def hear(self, only: int | None = None) -> list:
        """The next line of each, or of one."""
        said = []
        for number, process in enumerate(self._processes):
            if only not in (None, number):
                continue
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"process {number} ended with {process.wait()}")
            said.append(json.loads(line))
        return said

    def round(self, what: Any = "go", only: int | None = None) -> list:
        self.tell(what, only)
        return self.hear(only)

    def close(self) -> None:
        for process in self._processes:
            process.stdin.close()
        for process in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()

    def __enter__(self) -> Group:
        return self

    def __exit__(self, *error: Any) -> None:
        if error[0] is not None:
            for process in self._processes:
                process.kill()
        self.close()


class Told:
    """The other end: this process's stdin and stdout. What libraries print goes to stderr."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)

    def say(self, what: Any) -> None:
        self._out.write(json.dumps(what) + "\n")

    def hear(self) -> Any:
        """What comes next; None at the end."""
        line = sys.stdin.readline()
        return json.loads(line) if line else None
