"""Normalizations that are compositions of ops; part of andiron.ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from andiron._axes import either
from andiron._compose import compose

__all__ = [
    "group_normalization",
    "instance_normalization",
    "layer_normalization",
    "norm",
    "normalize",
    "rms_normalization",
]


def layer_normalization(
    x: Any,
    scale: Any = None,
    offset: Any = None,
    axes: int | Sequence[int] = -1,
    epsilon: float = 1e-3,
    *,
    axis: int | Sequence[int] | None = None,
):
    """(x - mean) / sqrt(variance + epsilon) scale + offset, with the moments over `axes` at each
    place of the others.

    Args:
        x: floating point, any shape.
        scale, offset: of the sizes of the axes. Default: none.
        axes: default the last.
        axis: Keras's name of axes.
        epsilon: default 0.001.

    Source: Ba, Kiros and Hinton 2016.

    Example:
        >>> from andiron import ops
        >>> ops.layer_normalization([[1.0, 3.0]], epsilon=0.0).numpy().tolist()
        [[-1.0, 1.0]]
    """
    axes = either("layer_normalization", axes, axis, -1)
    return compose("layer_normalization", [x, scale, offset], axes=axes, epsilon=epsilon)[0]


def rms_normalization(
    x: Any,
    scale: Any = None,
    axes: int | Sequence[int] = -1,
    epsilon: float = 1e-6,
    *,
    axis: int | Sequence[int] | None = None,
):
    """x / sqrt(mean of x^2 over axes + epsilon) scale. Source: Zhang and Sennrich 2019."""
    axes = either("rms_normalization", axes, axis, -1)
    return compose("rms_normalization", [x, scale], axes=axes, epsilon=epsilon)[0]


def group_normalization(
    x: Any,
    groups: int,
    scale: Any = None,
    offset: Any = None,
    epsilon: float = 1e-3,
    axis: int = 1,
):
    """The same over the channels of a group and all places of each row.

    Args:
        x: [N, C, ...], or [N, ..., C] with axis -1.
        groups: they divide C.
        scale, offset: [C]. Default: none.
        epsilon: default 0.001.
        axis: that of the channels, 1 or the last. Default: 1.

    Source: Wu and He 2018.
    """
    return compose(
        "group_normalization", [x, scale, offset], groups=groups, epsilon=epsilon, axis=axis
    )[0]


def instance_normalization(
    x: Any, scale: Any = None, offset: Any = None, epsilon: float = 1e-3, axis: int = 1
):
    """group_normalization with a group for each channel. Source: Ulyanov et al. 2016."""
    return compose("instance_normalization", [x, scale, offset], epsilon=epsilon, axis=axis)[0]


def normalize(
    x: Any,
    axes: int | Sequence[int] = -1,
    order: float = 2.0,
    epsilon: float = 1e-12,
    *,
    axis: int | Sequence[int] | None = None,
):
    """x / max(norm of x over axes, epsilon).

    Example:
        >>> from andiron import ops
        >>> ops.normalize([[1.0, 1.0]], order=1).numpy().tolist()
        [[0.5, 0.5]]
    """
    axes = either("normalize", axes, axis, -1)
    return compose("normalize", [x], axes=axes, order=float(order), epsilon=epsilon)[0]


def norm(
    x: Any,
    order: float = 2.0,
    axes: int | Sequence[int] = (),
    keepdims: bool = False,
    *,
    axis: int | Sequence[int] | None = None,
):
    """(sum of |x|^order)^(1 / order).

    Args:
        x: floating point.
        order: 1, 2 (default), any other number, infinity (the greatest), -infinity (the least), 0
            (how many are not 0). Norms of vectors, whatever the axes.
        axes: default all.
        keepdims: whether the axes stay with size 1.
        axis: Keras's name of axes.

    Example:
        >>> from andiron import ops
        >>> float(ops.norm([3.0, -4.0])), float(ops.norm([3.0, -4.0], float("inf")))
        (5.0, 4.0)
    """
    axes = either("norm", axes, axis)
    return compose("norm", [x], order=float(order), axes=axes, keepdims=keepdims)[0]
