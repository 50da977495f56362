"""Checkpoints on the file systems that fsspec knows: object stores, HDFS, WebDAV, SFTP, ..."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import secrets
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from andiron import _core

# Where an object appears complete or not at all when it is put under its name. Elsewhere files are
# written under another name and moved; on an object store that would be a copy more.
_OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az"})
_ANSWER = 60.0  # seconds for one request; files get a second more for each megabyte
_PAUSES = (1.0, 5.0)  # between attempts
_FINAL = (FileNotFoundError, PermissionError, NotImplementedError)  # another attempt is no use
_NEW = ".new-"  # in the names of unfinished files
_STAGING = "andiron-checkpoints-"


def place_of(given: Any) -> str:
    """checkpoint_dir as a folder's path, where it is one (file:///a, too), or as a URL."""
    text = str(given)
    if isinstance(given, Path) and re.match(r"[a-z][a-z0-9+.-]+:/\w", text):
        raise _core.Error(f"[checkpoint] a Path cannot hold a URL; give '{text}' as a text with //")
    found = re.match(r"file:(?://(?:localhost)?(?=/))?(/.*)", text, re.DOTALL)
    if found is None:
        return text
    if found[1].startswith("//"):
        raise _core.Error(f"[checkpoint] {text!r} names a host: file:///path has none")
    return found[1]


def is_url(place: str) -> bool:
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*(://|::)", place) is not None


def below(place: str, name: str) -> str:
    """A folder in a folder or URL."""
    return f"{place}{name}" if place.endswith("/") else f"{place}/{name}"


def store_of(given: Any) -> str | RemoteStore | None:
    """checkpoint_dir as the core takes it: a folder, a store, or nothing."""
    if given is None or given == "":
        return None
    place = place_of(given)
    return RemoteStore(place) if is_url(place) else place


def words_of(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def matching(place: str, pattern: str) -> list[str]:
    """The names below a folder or URL that fit a pattern, from there."""
    if is_url(place):
        return RemoteStore(place).matching(pattern)
    return [path.relative_to(place).as_posix() for path in Path(place).glob(pattern)]


def put_mark(place: str, name: str) -> None:
    """An empty file in a folder or URL, which is made where it is not there."""
    if is_url(place):
        RemoteStore(place).put_mark(name)
        return
    os.makedirs(place, exist_ok=True)
    Path(place, name).touch()


def drop_mark(place: str, name: str) -> None:
    """Removes it, where that can be done."""
    with contextlib.suppress(Exception):
        if is_url(place):
            RemoteStore(place).drop_mark(name)
        else:
            os.unlink(os.path.join(place, name))


def drop(place: str, pattern: str, but: str) -> None:
    """Removes folders below a folder or URL, but for one, where that can be done."""
    if is_url(place):
        RemoteStore(place).drop(pattern, but)
        return
    for name in matching(place, pattern):
        if name != but:
            shutil.rmtree(os.path.join(place, name), ignore_errors=True)


def write_file(place: str, write: Callable[[str], None]) -> None:
    """Has `write(path)` write a file, which appears complete or not at all where it belongs: in a
    folder, or at a URL."""
    if not is_url(place):
        os.makedirs(os.path.dirname(place) or ".", exist_ok=True)
        return write(place)
    folder, _, name = place.rpartition("/")
    store = RemoteStore(folder)
    try:
        write(local := store.local(name))
        store.bring(local, name)
    finally:
        store.close()


class RemoteStore:
    """The files of one folder on a file system of fsspec, for the core's CheckpointStore.

    Each request runs on a thread of its own and is given up after a time; it is tried three times.
    What was given up may still come to its end: file names are used once.

    Args:
        url: as fsspec takes it; its settings come from fsspec's own configuration.
    """

    def __init__(self, url: str):
        self.place = url if url.endswith("://") else url.rstrip("/")
        try:
            import fsspec
        except ImportError:
            raise _core.Error(
                f"[checkpoint] {url!r} needs fsspec: pip install 'andiron[remote]'"
            ) from None
        protocol = fsspec.utils.get_protocol(url)
        try:
            fsspec.get_filesystem_class(protocol)
        except ValueError:
            raise _core.Error(
                f"[checkpoint] {url!r}: fsspec knows no protocol {protocol!r}"
            ) from None
        except ImportError as error:
            raise _core.Error(f"[checkpoint] {url!r} needs another package: {error}") from None
        self._puts_whole = protocol in _OBJECT_STORES
        self._fs: Any = None
        self._folder: tempfile.TemporaryDirectory | None = None
        self._answers: queue.SimpleQueue = queue.SimpleQueue()
        self._abandoned = False
        self._written: int | None = None
        self._missed: list[int] = []

    # What the core calls: from the training's thread before training, from the writer's during it.

    def open(self) -> None:
        """Finds out whether files can be written, read and removed."""
        self._try(_ANSWER, self._begin)

    def list(self) -> list[str]:
        return [name for name in self._try(_ANSWER, self._names) if _NEW not in name]

    def local(self, name: str) -> str:
        """Where the core writes a file before `put`."""
        if self._folder is None:
            self._folder = _staging()
        return os.path.join(self._folder.name, name)

    def put(self, local: str, name: str) -> None:
        """Moves a local file to the store, where it appears complete or not at all."""
        size = os.path.getsize(local)
        try:
            self._try(_ANSWER + size / 1e6, lambda: self._put(local, name, size))
        finally:
            os.unlink(local)

    def bring(self, local: str, name: str) -> None:
        """`put` into a folder that is made where it is not there, without a trial before."""
        self._try(_ANSWER, self._connect_folder)
        self.put(local, name)

    def get(self, name: str) -> str:
        """A local copy, which the caller removes."""
        size = self._try(_ANSWER, lambda: self._fs.info(self._path(name))["size"])
        local = self.local(f"{name}.{secrets.token_hex(4)}")
        self._try(_ANSWER + size / 1e6, lambda: self._fs.get_file(self._path(name), local))
        return local

    def remove(self, name: str) -> None:
        self._within(_ANSWER, lambda: self._fs.rm(self._path(name)))

    def report(self, step: int, why: str | None) -> None:
        if why is None:
            self._written = step
            return
        self._missed.append(step)
        print(f"andiron: the checkpoint of step {step} is missing; training goes on: {why}",
              file=sys.stderr)  # fmt: skip

    def abandon(self) -> None:
        self._abandoned = True
        self._answers.put(None)

    # What fit calls when it is over.

    def close(self) -> str:
        """What there is to say of checkpoints that could not be written; "" when all were."""
        if self._folder is not None:
            self._folder.cleanup()
        if not self._missed:
            return ""
        steps = f"step{'s' * (len(self._missed) > 1)} {', '.join(map(str, self._missed))}"
        text = f"[fit] checkpoints of {steps} could not be written to '{self.place}'; "
        if self._written is None:
            return text + "none was written by this fit"
        if self._written > self._missed[-1]:
            return text + "the last one is there"
        return text + f"the newest there is of step {self._written}"

    def clear(self) -> None:
        """Removes the checkpoints."""
        if self._fs is None:
            self.open()
        for name in self.list():
            if re.fullmatch(r"checkpoint-\d+\.safetensors", name):
                self.remove(name)

    def matching(self, pattern: str) -> list[str]:
        return self._try(_ANSWER, lambda: self._matching(pattern))

    def put_mark(self, name: str) -> None:
        def put() -> None:
            self._connect_folder()
            self._fs.pipe_file(self._path(name), b"")

        self._try(_ANSWER, put)

    def drop_mark(self, name: str) -> None:
        def remove() -> None:
            self._connect()
            self._fs.rm(self._path(name))

        self._within(_ANSWER, remove)

    def drop(self, pattern: str, but: str) -> None:
        def drop() -> None:
            for name in self._matching(pattern):
                if name != but:
                    self._fs.rm(self._path(name), recursive=True)

        with contextlib.suppress(Exception):
            self._within(_ANSWER, drop)

    # Requests, on their own threads.

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _connect(self) -> None:
        from fsspec.core import url_to_fs

        self._fs, root = url_to_fs(self.place)
        self._root = root.rstrip("/")

    def _connect_folder(self) -> None:
        self._connect()
        if not self._puts_whole:  # for an object store that might make a bucket
            self._fs.makedirs(self._root, exist_ok=True)

    def _begin(self) -> None:
        self._connect_folder()
        trial = self._path(f"checkpoint{_NEW}{secrets.token_hex(8)}")
        self._fs.pipe_file(trial, b"andiron")
        if self._fs.cat_file(trial) != b"andiron":
            raise OSError("what was written is not what is read")
        for name in self._names():
            if _NEW in name:  # the trial, and what killed writers left
                with contextlib.suppress(Exception):
                    self._fs.rm(self._path(name))

    def _matching(self, pattern: str) -> list[str]:
        self._connect()
        self._fs.invalidate_cache()
        return [path[len(self._root) + 1 :] for path in self._fs.glob(self._path(pattern))]

    def _names(self) -> list[str]:
        self._fs.invalidate_cache()
        try:
            return [path.rstrip("/").rpartition("/")[2] for path in
                    self._fs.ls(self._root, detail=False)]  # fmt: skip
        except FileNotFoundError:
            return []

    def _put(self, local: str, name: str, size: int) -> None:
        path = self._path(name)
        first = path if self._puts_whole else f"{path}{_NEW}{secrets.token_hex(8)}"
        try:
            self._fs.put_file(local, first)
            self._fs.invalidate_cache()
            there = self._fs.info(first)["size"]
            if there != size:
                raise OSError(f"'{first}' has {there} bytes there, not {size}")
            if first != path:
                self._fs.mv(first, path)
        except Exception:
            with contextlib.suppress(Exception):
                self._fs.rm(first)
            raise

    def _try(self, seconds: float, request: Callable[[], Any]) -> Any:
        for pause in _PAUSES:
            try:
                return self._within(seconds, request)
            except _FINAL:
                raise
            except Exception:
                if self._abandoned:
                    raise
            with contextlib.suppress(queue.Empty):
                self._answers.get(timeout=pause)  # ends early when it is abandoned
        return self._within(seconds, request)

    def _within(self, seconds: float, request: Callable[[], Any]) -> Any:
        answers = self._answers = queue.SimpleQueue()
        if self._abandoned:
            raise InterruptedError("the training was interrupted")

        def run() -> None:
            try:
                answers.put((request(), None))
            except BaseException as error:
                answers.put((None, error))

        threading.Thread(target=run, name="andiron-checkpoint", daemon=True).start()
        try:
            answer = answers.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError(f"no answer within {seconds:.0f} s") from None
        if answer is None:
            raise InterruptedError("the training was interrupted")
        value, error = answer
        if error is not None:
            raise error
        return value


def _staging() -> tempfile.TemporaryDirectory:
    """A folder for files on their way; those of processes that were killed go."""
    for left in Path(tempfile.gettempdir()).glob(f"{_STAGING}*"):
        pid = left.name[len(_STAGING) :].partition("-")[0]
        if pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            shutil.rmtree(left, ignore_errors=True)
    return tempfile.TemporaryDirectory(
        prefix=f"{_STAGING}{os.getpid()}-", ignore_cleanup_errors=True
    )
