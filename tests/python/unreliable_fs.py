"""A file system for fsspec over local folders that fails, hangs, damages and dawdles on command."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

PIECE = 1000  # bytes


class Unreliable(LocalFileSystem):
    """unreliable:///a/b is /a/b. fsspec makes the instances, so the commands are the class's."""

    protocol = "unreliable"
    faults: list = []  # of the next puts: "fail", "hang", "cut", "garble", or a function to call
    seconds = 0.0  # for each piece of a put
    read_only = False
    go_on = threading.Event()  # ends the hanging

    @classmethod
    def reset(cls) -> None:
        cls.go_on.set()
        cls.faults, cls.seconds, cls.read_only, cls.go_on = [], 0.0, False, threading.Event()

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(str(path).removeprefix("unreliable://"))

    def pipe_file(self, path, value, **kwargs):
        if self.read_only:
            raise PermissionError(f"you may not write to {path}")
        return super().pipe_file(path, value, **kwargs)

    def put_file(self, lpath, rpath, **kwargs):
        fault = Unreliable.faults.pop(0) if Unreliable.faults else ""
        data = Path(lpath).read_bytes()
        if callable(fault):
            fault()
        if fault == "fail":
            raise OSError("the network is down")
        if fault == "hang":
            Unreliable.go_on.wait()
        if fault == "cut":
            data = data[:-5]
        if fault == "garble":
            data = data[:-5] + bytes(5)
        with open(self._strip_protocol(rpath), "wb") as file:
            for at in range(0, len(data), PIECE):
                file.write(data[at : at + PIECE])
                file.flush()
                time.sleep(self.seconds)


fsspec.register_implementation("unreliable", Unreliable, clobber=True)
