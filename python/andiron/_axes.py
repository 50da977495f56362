"""Keras's name of the axes of a reduction."""

from __future__ import annotations

from typing import Any

import numpy as np

from andiron import _core


def either(op: str, axes: Any, axis: Any, default: Any = ()) -> Any:
    """`axes`, or `axis` where that was given: one argument under two names."""
    if axis is None:
        return axes
    if not np.array_equal(axes, default):
        raise _core.Error(
            f"[{op}] axis is another name of axes: give one of them; got axes={axes!r} and "
            f"axis={axis!r}"
        )
    return axis
