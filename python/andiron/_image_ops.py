"""Compositions of ops for images; part of andiron.ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from andiron._compose import compose as _compose

Ints = int | Sequence[int]

__all__ = [
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "batch_norm",
    "batch_norm_inference",
    "channel_shuffle",
    "conv_transpose",
    "pad_edges",
    "pixel_shuffle",
    "resize",
]


def conv_transpose(
    x: Any,
    weights: Any,
    bias: Any = None,
    strides: Ints = (),
    dilations: Ints = (),
    groups: int = 1,
    padding: str = "valid",
    pads_begin: Ints = (),
    pads_end: Ints = (),
    output_padding: Ints = (),
):
    """Transposed convolution: the gradient of conv as a function.

    Args:
        x: [N, C, spatial...]. weights: [C, O/groups, kernel...]. bias: [O].
        strides, dilations, groups, padding, pads_begin, pads_end: those of the conv.
        output_padding: more places at the end of each axis.

    Returns: [N, O, ...] with (size - 1) stride - pads + dilation (kernel - 1) + 1 + output_padding
        places; with padding "same" size * stride.
    """
    return _compose(
        "conv_transpose",
        [x, weights, bias],
        strides=strides,
        dilations=dilations,
        groups=groups,
        padding=padding,
        pads_begin=pads_begin,
        pads_end=pads_end,
        output_padding=output_padding,
    )[0]


def batch_norm(x: Any, scale: Any = None, offset: Any = None, epsilon: float = 1e-3, axis: int = 1):
    """(x - mean) / sqrt(variance + epsilon) scale + offset, by channel, with the batch's moments.

    Args:
        x: [N, C, ...]. scale, offset: [C].
        epsilon: default 0.001.
        axis: that of the channels. Default: 1.

    Returns: the result, mean [C], variance [C] (divided by n).

    Source: Ioffe and Szegedy 2015.
    """
    return tuple(_compose("batch_norm", [x, scale, offset], epsilon=epsilon, axis=axis))


def batch_norm_inference(
    x: Any, scale: Any, offset: Any, mean: Any, variance: Any, epsilon: float = 1e-3, axis: int = 1
):
    """The same with moments that are given; scale and offset may be None."""
    return _compose(
        "batch_norm_inference", [x, scale, offset, mean, variance], epsilon=epsilon, axis=axis
    )[0]


def adaptive_avg_pool(x: Any, output_size: Ints):
    """Means of as many windows as the result has places: x [N, C, spatial...], as in PyTorch."""
    return _compose("adaptive_avg_pool", [x], output_size=output_size)[0]


def adaptive_max_pool(x: Any, output_size: Ints):
    """Maxima of as many windows as the result has places: x [N, C, spatial...], as in PyTorch."""
    return _compose("adaptive_max_pool", [x], output_size=output_size)[0]


def resize(
    x: Any,
    sizes: Ints,
    mode: str = "nearest",
    coordinates: str = "half_pixel",
    rounding: str = "floor",
    antialias: bool = False,
    scales: Sequence[float] | None = None,
):
    """x [N, C, spatial...] with other spatial sizes.

    Args:
        sizes: of the result's spatial axes.
        mode: "nearest", "linear" or "cubic".
        coordinates: "half_pixel" (PyTorch's align_corners=False), "pytorch_half_pixel",
            "align_corners" or "asymmetric" (o / scale; PyTorch's "nearest").
        rounding: of nearest: "floor", "ceil", "round_prefer_floor" or "round_prefer_ceil".
        antialias: filters as wide as the places of the result, where it is smaller.
        scales: result / source, where they are not the quotients of the sizes.

    Example:
        >>> from andiron import ops
        >>> ops.resize([[[0.0, 4.0]]], 4, "linear").numpy().tolist()
        [[[0.0, 1.0, 3.0, 4.0]]]
    """
    return _compose(
        "resize",
        [x],
        sizes=sizes,
        mode=mode,
        coordinates=coordinates,
        rounding=rounding,
        antialias=antialias,
        scales=scales,
    )[0]


def pixel_shuffle(x: Any, factor: int):
    """Channels become places: [N, C factor^d, spatial...] to [N, C, factor * spatial...].

    Source: Shi et al. 2016.
    """
    return _compose("pixel_shuffle", [x], factor=factor)[0]


def channel_shuffle(x: Any, groups: int):
    """Channels of the groups in turn, one from each. Source: Zhang et al. 2017."""
    return _compose("channel_shuffle", [x], groups=groups)[0]


def pad_edges(x: Any, low: Sequence[int], high: Sequence[int], mode: str = "reflect"):
    """A border that repeats x.

    Args:
        low, high: places before and after each axis.
        mode: "reflect" (without the edge), "symmetric" (with it), "edge" or "wrap".
    """
    return _compose("pad_edges", [x], low=low, high=high, mode=mode)[0]
