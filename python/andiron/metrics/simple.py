"""Classes of metrics without settings of their own."""

from __future__ import annotations

from typing import Any

from andiron import _core
from andiron._metric import Metric


def simple(class_name: str, default: str, doc: str, core_name: str | None = None) -> type:
    """The class of a metric that takes a name only; `core_name` is what the core calls it."""

    def __init__(self, name: str = default, dtype: Any = None):
        self._take(name, "make_metric", core_name or default)

    own = {"__init__": __init__, "__doc__": doc, "__module__": "andiron.metrics"}
    return type(class_name, (Metric,), own)


def last_axis(where: str, axis: int) -> None:
    """Raises Error where the classes lie elsewhere."""
    if axis != -1:
        raise _core.Error(f"[{where}] classes lie on the last axis (axis=-1); got axis={axis}")
