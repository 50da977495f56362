"""Who is alive. A run's driver begins a session, to which all its processes belong."""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path

_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Descendants whose parent ended become this process's children."""
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def of_session(session: int) -> list[tuple[int, str]]:
    """(pid, state) of its processes; Z is a zombie."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its = stat.read_text().rsplit(")", 1)[1].split()[:4]
        except (OSError, ValueError):  # it ended meanwhile
            continue
        if int(its) == session:
            found.append((int(stat.parent.name), state))
    return found


def end_session(session: int) -> None:
    """Kills what is left, and reaps what became this process's children."""
    for pid, _ in of_session(session):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    for pid, _ in of_session(session):
        try:
            os.waitpid(pid, 0)
        except ChildProcessError:
            pass


def threads() -> int:
    """Of this process."""
    return len(os.listdir("/proc/self/task"))


def threads_of(pid: int) -> list[str]:
    """What each thread of a process does: its name, state, processor time and system call."""
    lines = []
    for task in sorted(Path(f"/proc/{pid}/task").glob("*")):
        try:
            name, rest = (task / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
            fields, call = rest.split(), (task / "syscall").read_text().strip()
            ticks = int(fields[11]) + int(fields[12])
            lines.append(f"{name} {fields[0]} {ticks} ticks, in {call}")
        except OSError as error:
            lines.append(str(error))
    return lines
