"""Arguments that make no sense here, and errors that say so."""

from __future__ import annotations

import functools
import inspect
import os
from typing import Any

import numpy as np

from andiron import _core

LOW_RANK = "low-rank adaptation and quantized layers are not offered: weights are float32"


def refuse(where: str, why: str, **given: Any) -> None:
    """An error for the first argument that has another value than None or False."""
    for name, value in given.items():
        if value is not None and value is not False:
            raise _core.Error(f"[{where}] {name}={value!r} is not supported: {why}")


_FOREIGN = {
    ".onnx": "andiron.onnx.save writes ONNX models",
    ".keras": "Keras's files are read (models.load), not written",
    ".h5": "Keras's files are read (models.load, load_weights), not written",
    ".hdf5": "Keras's files are read (models.load, load_weights), not written",
    ".pt": "PyTorch's files are read (load_weights), not written",
    ".pth": "PyTorch's files are read (load_weights), not written",
}


def refuse_foreign(where: str, path: Any) -> None:
    """A file of safetensors is not to have another format's name."""
    ending = os.path.splitext(os.fspath(path))[1].lower()
    if ending in _FOREIGN:
        raise _core.Error(
            f"[{where}] '{os.fspath(path)}' would be a safetensors file under the name of another "
            f"format: {_FOREIGN[ending]}. Let the name end in .safetensors"
        )


def refuse_beside_batches(caller: str, **given: Any) -> None:
    """What belongs to whoever makes the batches."""
    for name, value in given.items():
        if value is not None and not (name == "validation_split" and value == 0.0):
            raise _core.Error(
                f"[{caller}] {name} does not go with a generator or a dataset: its batches are "
                "(x, y) or (x, y, sample_weight), of the size and the split that it gives them"
            )


@functools.cache
def _annotations(cls: type) -> dict[str, str]:
    """The types of a constructor's arguments, as they are written."""
    parameters = inspect.signature(cls.__init__).parameters.values()
    return {p.name: str(p.annotation).removesuffix(" | None") for p in parameters}


def check_numbers(cls: type, settings: dict) -> None:
    """Refuses what is no number for arguments of `cls` that are written as int, float or bool."""
    for name, value in settings.items():
        kind = _annotations(cls).get(name)
        if kind not in ("int", "float", "bool"):
            continue
        fraction = kind == "int" and isinstance(value, (float, np.floating)) and value % 1 != 0
        if fraction or isinstance(value, (str, bytes, list, tuple, dict)):
            what = {"int": "an integer", "float": "a number", "bool": "True or False"}[kind]
            raise TypeError(f"[{cls.__name__}] {name} is {what}; got {value!r}")


def whole(value: Any, what: str, least: int, caller: str = "fit") -> int:
    """An integer argument of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"[{caller}] {what} must be an integer; got {value!r}")
    if value < least:
        raise _core.Error(f"[{caller}] {what} must be at least {least}; got {value}")
    return int(value)
