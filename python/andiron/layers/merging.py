"""Layers that take several inputs, and layers that change the shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from andiron.layers.base import CoreLayer


class Concatenate(CoreLayer):
    """Inputs side by side.

    Args:
        axis: not the batch. Default: -1, the last.
    """

    def __init__(self, axis: int = -1, *, name: str | None = None, dtype: Any = None):
        self._make(name, True, dtype, axis=axis)


class Add(CoreLayer):
    """The sum of two inputs or more."""

    def __init__(self, *, name: str | None = None, dtype: Any = None):
        self._make(name, True, dtype)


class Multiply(CoreLayer):
    """The elementwise product of the inputs."""

    def __init__(self, *, name: str | None = None, dtype: Any = None):
        self._make(name, True, dtype)


class Average(CoreLayer):
    """The elementwise mean of two inputs or more."""

    def __init__(self, *, name: str | None = None, dtype: Any = None):
        self._make(name, True, dtype)


class Maximum(CoreLayer):
    """The elementwise maximum of two inputs or more."""

    def __init__(self, *, name: str | None = None, dtype: Any = None):
        self._make(name, True, dtype)


class Minimum(CoreLayer):
    """The elementwise minimum of two inputs or more."""

    def __init__(self, *, name: str | None = None, dtype: Any = None):
        self._make(name, True, dtype)


class Subtract(CoreLayer):
    """The first input less the second."""

    def __init__(self, *, name: str | None = None, dtype: Any = None):
        self._make(name, True, dtype)


class Dot(CoreLayer):
    """Dot products of two inputs, sample by sample: [b, n] . [b, n] to [b, 1].

    Args:
        axes: one for both inputs, or one for each.
        normalize: the cosine instead. Default: False.
    """

    def __init__(
        self,
        axes: int | Sequence[int],
        normalize: bool = False,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        both = [axes, axes] if isinstance(axes, int) else list(axes)
        self._make(name, True, dtype, axes=both, normalize=normalize)


class Flatten(CoreLayer):
    """[batch, a, b, ...] to [batch, a*b*...]; [batch] to [batch, 1].

    Args:
        data_format: with "channels_first", axis 1 is made the last one before. Default:
            "channels_last".
    """

    def __init__(
        self, data_format: str | None = None, *, name: str | None = None, dtype: Any = None
    ):
        self._make(name, True, dtype, data_format=data_format)


class Reshape(CoreLayer):
    """Other sizes for each sample.

    Args:
        target_shape: without the batch; one size may be -1.
    """

    def __init__(self, target_shape: Sequence[int], *, name: str | None = None, dtype: Any = None):
        self._make(name, True, dtype, target_shape=list(target_shape))


class RepeatVector(CoreLayer):
    """The same row again and again: [batch, features] to [batch, n, features].

    Args:
        n: how often.
    """

    def __init__(self, n: int, *, name: str | None = None, dtype: Any = None):
        if isinstance(n, bool) or not isinstance(n, int):
            raise TypeError(f"[RepeatVector] n is an integer; got {n!r}")
        self._make(name, True, dtype, n=n)


class Permute(CoreLayer):
    """The axes of each sample in another order.

    Args:
        dims: axis i of a sample is axis dims[i] of the input's; counted from 1.

    Example:
        >>> import numpy as np
        >>> from andiron import layers
        >>> layers.Permute((2, 1))(np.zeros((1, 3, 5), "float32")).shape
        (1, 5, 3)
    """

    def __init__(self, dims: Sequence[int], *, name: str | None = None, dtype: Any = None):
        self._make(name, True, dtype, dims=[int(d) for d in dims])
