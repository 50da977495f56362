"""The folder of one training in checkpoint_dir: no other training's, and one live run's at a time.

run-<digest>/
    checkpoint-<n>.safetensors
    lock                 locked while a run writes here; says which one
    job-<run id>         a job that has begun here and is not over
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from typing import Any

from andiron import _core, _remote
from andiron.collective import PeerLostError, PeerStalledError

_DYING = 10.0  # seconds that a run whose driver was killed may take to end
_POLL = 0.2


@contextlib.contextmanager
def taken(place: str | None, name: str, worker: Any, application: str) -> Iterator[str | None]:
    """The folder `name` in `place`, this job's until the end; the first worker sees to that.

    Raises Error when an earlier attempt of the job took another folder, whose rows were others
    then, and when a run of another application writes here. One of this application (the same
    training twice in a grid) is waited for.
    """
    folder = None if place is None else _remote.below(place, name)
    if folder is None or worker.rank > 0:
        yield folder
        return
    mark = f"job-{worker.run_id}"
    if any(not found.startswith(f"{name}/") for found in _remote.matching(place, f"run-*/{mark}")):
        raise _core.Error(
            "[spark] the rows changed between attempts: the DataFrame gave others when it was "
            "computed again, and training would begin anew. Cache or checkpoint the DataFrame "
            "(frame.localCheckpoint()), or write it down and read it"
        )
    with _locked(folder, [worker.run_id, application]):
        _remote.put_mark(folder, mark)
        try:
            yield folder
        except (PeerLostError, PeerStalledError):
            raise  # there will be another attempt
        except BaseException:
            _remote.drop_mark(folder, mark)
            raise
        _remote.drop_mark(folder, mark)


@contextlib.contextmanager
def _locked(folder: str, me: list[str]) -> Iterator[None]:
    """Object stores have no locks, and some network file systems neither: nothing is locked there.
    The system drops the lock of a process that ends."""
    if _remote.is_url(folder):
        yield
        return
    os.makedirs(folder, exist_ok=True)
    path, until = os.path.join(folder, "lock"), time.monotonic() + _DYING
    while (file := _try(path, me)) is None:
        holder = _said(path)
        if holder[:1] == me[:1]:  # a stopped process of an earlier attempt, which nobody needs
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        elif holder[1:] != me[1:] and time.monotonic() > until:
            raise _core.Error(
                f"[spark] another run of the same training writes to '{folder}': wait for it or "
                "end it, or give this one another checkpoint_dir"
            )
        else:
            time.sleep(_POLL)
    with file:
        yield


def _try(path: str, me: list[str]) -> Any:
    """The locked file; None when somebody else has locked it."""
    file = open(path, "a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    except OSError:
        return file
    try:
        same = os.fstat(file.fileno()).st_ino == os.stat(path).st_ino
    except FileNotFoundError:
        same = False
    if not same:  # it was given up meanwhile
        file.close()
        return None
    with contextlib.suppress(OSError):  # a full disk is told when a checkpoint is written
        os.ftruncate(file.fileno(), 0)
        os.write(file.fileno(), json.dumps(me).encode())
    return file


def _said(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):  # it is being written
        return []
