"""Programs that tests start, with all that those start: each is a session of the system's."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def environment() -> dict[str, str]:
    """For programs that find Andiron in this tree and PySpark beside the running Python."""
    import pyspark

    path = [str(ROOT / "python"), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "SPARK_HOME": os.path.dirname(pyspark.__file__),
        "SPARK_LOCAL_IP": "127.0.0.1",  # what has no setting of its own listens there only
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }


class Program:
    """A program at the head of a session of its own; its words go to a file."""

    def __init__(self, command: list, log: Path, **more: str):
        self._log = log
        with log.open("ab") as file:
            self._started = subprocess.Popen(
                [str(part) for part in command], env={**environment(), **more},
                stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
            )  # fmt: skip

    def wait_until(
        self, condition: Callable[[], bool], what: str, timeout: float = 600.0, every: float = 0.02
    ) -> None:
        """Until something is so, while the program runs."""
        until = time.monotonic() + timeout
        while not condition():
            assert self._started.poll() is None and time.monotonic() < until, self.told(
                f"not {what}"
            )
            time.sleep(every)

    def succeeds(self, timeout: float = 600.0) -> None:
        """Waits for its end."""
        assert self._started.wait(timeout) == 0, self.told("it failed")

    def told(self, what: str) -> str:
        return f"{what}; it said:\n{self._log.read_text(errors='replace')[-6000:]}"

    def members(self) -> list[int]:
        """The processes of its session that are left."""
        self._started.poll()
        found = []
        for entry in Path("/proc").iterdir():
            try:
                state, _, _, session = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:4]
            except (OSError, ValueError):
                continue
            if int(session) == self._started.pid and not (state == "Z" and _reaped(entry.name)):
                found.append(int(entry.name))
        return found

    def end(self, number: int = signal.SIGTERM, timeout: float = 30.0) -> list[int]:
        """Sends the program a signal, and waits until nothing of it is left; what is left after
        that is killed and returned."""
        if self._started.poll() is None:
            self._started.send_signal(number)
        until = time.monotonic() + timeout
        while (left := self.members()) and time.monotonic() < until:
            time.sleep(0.05)
        self.kill()
        return left

    def kill(self) -> None:
        """SIGKILL to it and to all that it started, as when the machine goes down."""
        while left := self.members():
            for process in left:
                try:
                    os.kill(process, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.05)
        self._started.wait(30)


def _reaped(process: str) -> bool:
    """Whether a process that has died was our child, and is gone now."""
    try:
        return os.waitpid(int(process), os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


class Programs:
    """Starts programs; those that are left at the end of a test are killed."""

    def __init__(self, folder: Path):
        self._folder = folder
        # What a program leaves becomes this process's child, which it can take off the list of
        # processes: not every container's first process does.
        pr_set_child_subreaper = 36
        ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)
        self._started: list[Program] = []

    def start(self, name: str, command: list, **more: str) -> Program:
        self._started.append(Program(command, self._folder / f"{name}.log", **more))
        return self._started[-1]

    def kill(self) -> None:
        for program in self._started:
            program.kill()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
