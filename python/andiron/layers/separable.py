"""Convolutions of each channel on its own, and in two steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from andiron.layers.convolution import Conv


class DepthwiseConv1D(Conv):
    """A convolution of each channel on its own: depth_multiplier filters for each.

    Arguments and defaults as in Conv2D, with depth_multiplier (default 1) in place of filters and
    groups, and depthwise_ in place of kernel_.

    Weights: kernel [channels * depth_multiplier, 1, k], bias.
    """

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: Any = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        self._take(locals())


class DepthwiseConv2D(Conv):
    """A convolution of each channel on its own: depth_multiplier filters for each.

    Arguments and defaults as in Conv2D, with depth_multiplier (default 1) in place of filters and
    groups, and depthwise_ in place of kernel_.

    Weights: kernel [channels * depth_multiplier, 1, kh, kw], bias.
    """

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = (1, 1),
        padding: Any = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = (1, 1),
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        self._take(locals())


class SeparableConv1D(Conv):
    """A depthwise convolution, then one of size 1 to `filters` channels.

    Arguments and defaults as in Conv2D, with depth_multiplier (default 1) in place of groups, and
    depthwise_ and pointwise_ in place of kernel_.

    Weights: depthwise_kernel [channels * depth_multiplier, 1, k],
    pointwise_kernel [filters, channels * depth_multiplier, 1], bias [filters].
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        self._take(locals())


class SeparableConv2D(Conv):
    """A depthwise convolution, then one of size 1 to `filters` channels.

    Arguments and defaults as in Conv2D, with depth_multiplier (default 1) in place of groups, and
    depthwise_ and pointwise_ in place of kernel_.

    Weights: depthwise_kernel [channels * depth_multiplier, 1, kh, kw],
    pointwise_kernel [filters, channels * depth_multiplier, 1, 1], bias [filters].
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = (1, 1),
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = (1, 1),
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        self._take(locals())
