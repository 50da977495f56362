"""Keras's arguments that make no sense here."""

from __future__ import annotations

from typing import Any

from andiron import _core

LOW_RANK = "low-rank adaptation and quantized layers are not offered: weights are float32"


def refuse(where: str, why: str, **given: Any) -> None:
    """An error for the first argument that has another value than None or False."""
    for name, value in given.items():
        if value is not None and value is not False:
            raise _core.Error(f"[{where}] {name}={value!r} is not supported: {why}")
