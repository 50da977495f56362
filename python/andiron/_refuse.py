"""Arguments that make no sense here, and errors that say so."""

from __future__ import annotations

from typing import Any

import numpy as np

from andiron import _core

LOW_RANK = "low-rank adaptation and quantized layers are not offered: weights are float32"


def refuse(where: str, why: str, **given: Any) -> None:
    """An error for the first argument that has another value than None or False."""
    for name, value in given.items():
        if value is not None and value is not False:
            raise _core.Error(f"[{where}] {name}={value!r} is not supported: {why}")


def refuse_beside_batches(caller: str, **given: Any) -> None:
    """What belongs to whoever makes the batches."""
    for name, value in given.items():
        if value is not None and not (name == "validation_split" and value == 0.0):
            raise _core.Error(
                f"[{caller}] {name} does not go with a generator or a dataset: its batches are "
                "(x, y) or (x, y, sample_weight), of the size and the split that it gives them"
            )


def whole(value: Any, what: str, least: int, caller: str = "fit") -> int:
    """An integer argument of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"[{caller}] {what} must be an integer; got {value!r}")
    if value < least:
        raise _core.Error(f"[{caller}] {what} must be at least {least}; got {value}")
    return int(value)
