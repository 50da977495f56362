"""What is said of files that cannot be opened: what they are, and what opens them."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from andiron import _core
from andiron._kinds import LONGEST, header, of_a_classifier

_AGAIN = "copy or download it again"

# What stands in the header of Andiron's files, and what opens them.
_OPENERS = {
    "andiron.model": "a model: andiron.models.load opens it",
    "andiron.quantized": "a quantized model: andiron.models.load opens it",
    "andiron.checkpoint": "a checkpoint: fit(checkpoint_dir=its folder, resume=True) goes on from "
    "it",
    "andiron.linear": "a classifier: andiron.linear.LinearClassifier.load opens it",
    "andiron": "a classifier of photos: the load of the class that saved it opens it "
    "(andiron.apps.images)",
}


@contextmanager
def opening(path: Any, caller: str) -> Iterator[None]:
    """Says of a file that the core cannot open what it is, in one line."""
    try:
        yield
    except (OSError, _core.Error) as error:
        path = os.fspath(path)
        if (classifier := of_a_classifier(path)) is not None:
            raise _core.Error(f"[{caller}] {classifier}") from None
        kind = type(error)
        if isinstance(error, OSError) and error.errno is not None:
            raise kind(error.errno, os.strerror(error.errno), path) from None
        if "cannot read" not in str(error):  # the file is well, and does not fit
            raise
        what = what_it_is(path)
        if caller == "load_weights" and what is not None and "load_weights" in what:
            what = None  # it is damaged inside
        raise kind(
            f"[{caller}] '{path}' {what}" if what else f"[{caller}] {_plain(str(error))}"
        ) from None


def what_it_is(path: str) -> str | None:
    """ "is ...", for a file that is no model of Andiron, or a part of one; None: it looks well."""
    if os.path.isdir(path):
        return "is a folder, and a file is needed"
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        head = file.read(16)
    if size == 0:
        return f"is empty: {_AGAIN}"
    if path.lower().endswith(".onnx"):
        return "is an ONNX model: andiron.onnx.load or andiron.models.load opens it"
    from andiron._keras.file import is_keras

    if is_keras(path):
        return "is a file of Keras: andiron.models.load opens it"
    if head[:2] == b"PK" or head[:1] == b"\x80" or path.lower().endswith((".pt", ".pth")):
        return (
            "is a file of PyTorch, or of a zip: weights of PyTorch go into a model of the same "
            "layers by its load_weights"
        )
    if head[:4] == b"PAR1" or path.lower().endswith((".csv", ".tsv", ".parquet")):
        reader = "from_parquet" if head[:4] == b"PAR1" else "from_csv"
        return f"is a table, no model: andiron.data.{reader} reads it"
    return _of_safetensors(path, head, size)


def _of_safetensors(path: str, head: bytes, size: int) -> str | None:
    length = struct.unpack("<Q", head[:8].ljust(8, b"\0"))[0]
    if path.lower().endswith(".safetensors") and size < 10:
        return f"is cut short, at {size} bytes: {_AGAIN}"
    if not 2 <= length <= LONGEST or head[8:9] not in (b"{", b""):
        return f"is no file of Andiron: it begins with {head[:12]!r}"
    if length > size - 8:
        return (
            f"is cut short: of its header's {length} bytes there are {max(size - 8, 0)}; {_AGAIN}"
        )
    try:
        found = header(path)
        metadata = found.pop("__metadata__", {})
        end = max((t["data_offsets"][1] for t in found.values()), default=0)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        return f"is damaged: its header is no description of tensors; {_AGAIN}"
    wanted = 8 + length + end
    if size < wanted:
        return f"is cut short: it has {size:,} of {wanted:,} bytes; {_AGAIN}"
    for key, what in _OPENERS.items():
        if key in metadata:
            return None if key in ("andiron.model", "andiron.quantized") else f"is {what}"
    return (
        "is a file of tensors alone (safetensors), no model: a model of the same layers takes them "
        "by its load_weights"
    )


def _plain(error: str) -> str:
    """The core's chain of causes in one line, without places in its code."""
    error = re.sub(r" \((errno \d+, )?\w+\.[ch]pp:\d+\)", "", error)
    lines = error.replace("\n  because ", "\n").split("\n")
    last = re.sub(r"^\[\w+\] ", "", lines[-1])
    named = re.search(r"'[^']+'", lines[0])
    again = f"; {_AGAIN}" if "damaged" in last and "checksum" in last else ""
    return f"cannot read {named.group() if named else 'the file'}: {last}{again}"
