"""The most memory that this process and its descendants held, by what they are."""

from __future__ import annotations

import os
import threading
from typing import Any


def _field(pid: int, file: str, name: str) -> int:
    try:
        with open(f"/proc/{pid}/{file}", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith(name):
                    return int(line.split()[1])
    except (OSError, ValueError):  # it has ended
        pass
    return 0


def _kind(pid: int, me: int) -> str:
    if pid == me:
        return "driver"
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            command = file.read().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "gone"
    return "JVM" if "java" in command.split(" ")[0] else "worker"


def _descendants(me: int) -> list[int]:
    parents = {pid: _field(pid, "status", "PPid:")
               for pid in map(int, filter(str.isdigit, os.listdir("/proc")))}  # fmt: skip
    found = [me]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


class Peaks:
    """While it is open, looks every `every` seconds.

    Attributes:
        largest: kind -> MB of the largest process of that kind, shared pages included.
        together: MB of all processes at the same time, shared pages counted once.
    """

    def __init__(self, every: float = 0.5):
        self.largest: dict[str, float] = {}
        self.together = 0.0
        self._every, self._stop = every, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        me = os.getpid()
        while True:
            total = 0.0
            for pid in _descendants(me):
                kind = _kind(pid, me)
                size = _field(pid, "status", "VmRSS:") / 1024
                self.largest[kind] = max(self.largest.get(kind, 0.0), size)
                total += _field(pid, "smaps_rollup", "Pss:") / 1024
            self.largest.pop("gone", None)
            self.together = max(self.together, total)
            if self._stop.wait(self._every):
                return

    def __enter__(self) -> Peaks:
        self._thread.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stop.set()
        self._thread.join()
