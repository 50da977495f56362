"""Checkpoint folders: full file systems, damaged files, and where a training would go on."""

from __future__ import annotations

import ctypes
import json
import random
import resource
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_NEW_NAMESPACE, _PRIVATE = 0x20000, 0x4000 | 1 << 18  # CLONE_NEWNS; MS_REC | MS_PRIVATE
_SIZE = 16 << 20
_BALLAST = "ballast"


def mount(folder: str) -> bool:
    """Makes the folder a small file system that this process and its children alone see, and that
    is gone when they are. False where that is not allowed."""
    none = ctypes.c_char_p(None)
    return (
        _LIBC.unshare(_NEW_NAMESPACE) == 0
        and _LIBC.mount(b"none", b"/", none, _PRIVATE, none) == 0
        and _LIBC.mount(b"none", folder.encode(), b"tmpfs", 0, f"size={_SIZE}".encode()) == 0
    )


def fill(folder: str) -> None:
    """Takes all that is free."""
    with open(Path(folder).parent / _BALLAST, "ab", buffering=0) as file:
        n = 1 << 16
        while n > 0:
            try:
                n = file.write(bytes(n))
            except OSError:
                n //= 2


def free(folder: str) -> None:
    (Path(folder).parent / _BALLAST).unlink(missing_ok=True)


def checkpoints(folder: str) -> list[Path]:
    """The newest first."""
    return sorted(Path(folder).glob("run-*/checkpoint-*.safetensors"), reverse=True)


def unfinished(folder: str) -> list[Path]:
    return sorted(Path(folder).glob("run-*/*.new-*"))


def damage(folder: str, how: str, chance: random.Random) -> None:
    """Damages the newest checkpoint; or puts a newer one there that is none ("stray file")."""
    newest = checkpoints(folder)[0]
    whole = bytearray(newest.read_bytes())
    if how == "flip":
        whole[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
    elif how == "truncate":
        del whole[chance.randrange(1, len(whole)) :]
    elif how == "empty":
        whole.clear()
    elif how == "lying header":
        whole[:8] = chance.randrange(1 << 63).to_bytes(8, "little")
    elif how == "zeros":  # pages that never reached the disk
        at = chance.randrange(len(whole)) & ~4095
        whole[at:] = bytes(len(whole) - at)
    else:
        newest = newest.with_name("checkpoint-0000009999.safetensors")
        whole = bytearray(chance.randbytes(chance.randrange(1, 5000)))
    newest.write_bytes(whole)
    newest.with_name(newest.name + ".damaged").touch()


def position(folder: str) -> tuple[int, int] | None:
    """(epoch, batch) at which a training must go on: in the newest checkpoint that nobody damaged,
    read here without Andiron. None: from the beginning."""
    for path in checkpoints(folder):
        if not path.with_name(path.name + ".damaged").exists():
            with open(path, "rb") as file:
                n = int.from_bytes(file.read(8), "little")
                metadata = json.loads(file.read(n))["__metadata__"]
            about = json.loads(metadata["andiron.checkpoint"])
            return about["epoch"], about["batch"]
    return None


def limit_files(pid: int, n_bytes: int) -> None:
    """For want of a file system of one's own: files of that process may not become longer."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (n_bytes, resource.RLIM_INFINITY))
