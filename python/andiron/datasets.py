"""Sources of batches. `fit` makes one of its arrays itself; here are others, for its `x`."""

from __future__ import annotations

from typing import Any

from andiron import _core
from andiron._arrays import plain_array

__all__ = ["BatchSource", "from_arrays"]

BatchSource = _core.BatchSource


def from_arrays(
    x: Any,
    y: Any = (),
    sample_weight: Any = (),
    batch_size: int = 32,
    shuffle: bool = False,
    seed: int = 0,
) -> BatchSource:
    """Batches of rows of arrays, prepared in the background; a new order in each epoch by seed.

    Args:
        x, y, sample_weight: lists of arrays in the order of the model's inputs and outputs, or one.
        batch_size: rows of a batch; the last may be short.
        shuffle, seed: of the order.
    """

    def listed(arrays: Any) -> list:
        many = isinstance(arrays, (list, tuple))
        return [plain_array(a) for a in (arrays if many else [arrays])]

    return _core.array_source(
        listed(x), listed(y), listed(sample_weight), batch_size, shuffle, seed
    )
