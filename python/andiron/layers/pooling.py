"""Pooling: sliding windows, whole images, and windows to a given size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from andiron.layers.base import CoreLayer
from andiron.layers.convolution import Windowed, listed


class Pooling(Windowed):
    """What pooling by windows has."""

    _may_be_none = ("strides",)  # the window's size


class MaxPooling1D(Pooling):
    """The maximum of windows over one spatial axis.

    Args:
        pool_size: of the window: a number, or one for each spatial axis. Default: 2.
        strides: steps of the window; None: its size.
        padding: "valid", "same", or numbers as in Conv2D.
        data_format: "channels_first" (default here) or "channels_last".
        ceil: whether a last window may hang over the end. Default: False.
    """

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: Any = "valid",
        data_format: str | None = None,
        *,
        ceil: bool = False,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._take(locals())


class MaxPooling2D(Pooling):
    """The maximum of windows over two spatial axes.

    Args:
        pool_size: of the window: a number, or one for each spatial axis. Default: 2.
        strides: steps of the window; None: its size.
        padding: "valid", "same", or numbers as in Conv2D.
        data_format: "channels_first" (default here) or "channels_last".
        ceil: whether a last window may hang over the end. Default: False.
    """

    def __init__(
        self,
        pool_size: int | Sequence[int] = (2, 2),
        strides: int | Sequence[int] | None = None,
        padding: Any = "valid",
        data_format: str | None = None,
        *,
        ceil: bool = False,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._take(locals())


class MaxPooling3D(Pooling):
    """The maximum of windows over three spatial axes.

    Args:
        pool_size: of the window: a number, or one for each spatial axis. Default: 2.
        strides: steps of the window; None: its size.
        padding: "valid", "same", or numbers as in Conv2D.
        data_format: "channels_first" (default here) or "channels_last".
        ceil: whether a last window may hang over the end. Default: False.
    """

    def __init__(
        self,
        pool_size: int | Sequence[int] = (2, 2, 2),
        strides: int | Sequence[int] | None = None,
        padding: Any = "valid",
        data_format: str | None = None,
        *,
        ceil: bool = False,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._take(locals())


class AveragePooling1D(Pooling):
    """The mean of windows over one spatial axis.

    Args:
        pool_size: of the window: a number, or one for each spatial axis.
        strides: steps of the window; None: its size.
        padding: "valid", "same", or numbers as in Conv2D.
        data_format: "channels_first" (default here) or "channels_last".
        ceil: whether a last window may hang over the end. Default: False.
        count_include_pad: whether pads count as zeros in the mean. Default: False.
    """

    def __init__(
        self,
        pool_size: int | Sequence[int],
        strides: int | Sequence[int] | None = None,
        padding: Any = "valid",
        data_format: str | None = None,
        *,
        ceil: bool = False,
        count_include_pad: bool = False,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._take(locals())


class AveragePooling2D(Pooling):
    """The mean of windows over two spatial axes.

    Args:
        pool_size: of the window: a number, or one for each spatial axis.
        strides: steps of the window; None: its size.
        padding: "valid", "same", or numbers as in Conv2D.
        data_format: "channels_first" (default here) or "channels_last".
        ceil: whether a last window may hang over the end. Default: False.
        count_include_pad: whether pads count as zeros in the mean. Default: False.
    """

    def __init__(
        self,
        pool_size: int | Sequence[int],
        strides: int | Sequence[int] | None = None,
        padding: Any = "valid",
        data_format: str | None = None,
        *,
        ceil: bool = False,
        count_include_pad: bool = False,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._take(locals())


class AveragePooling3D(Pooling):
    """The mean of windows over three spatial axes.

    Args:
        pool_size: of the window: a number, or one for each spatial axis.
        strides: steps of the window; None: its size.
        padding: "valid", "same", or numbers as in Conv2D.
        data_format: "channels_first" (default here) or "channels_last".
        ceil: whether a last window may hang over the end. Default: False.
        count_include_pad: whether pads count as zeros in the mean. Default: False.
    """

    def __init__(
        self,
        pool_size: int | Sequence[int],
        strides: int | Sequence[int] | None = None,
        padding: Any = "valid",
        data_format: str | None = None,
        *,
        ceil: bool = False,
        count_include_pad: bool = False,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._take(locals())


class GlobalMaxPooling1D(CoreLayer):
    """The maximum of each channel: [batch, channels, ...] to [batch, channels].

    Args:
        data_format: "channels_first" (default here) or "channels_last".
        keepdims: whether the spatial axes stay with size 1. Default: False.
    """

    def __init__(
        self,
        data_format: str | None = None,
        keepdims: bool = False,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, data_format=data_format, keepdims=bool(keepdims))


class GlobalMaxPooling2D(CoreLayer):
    """The maximum of each channel: [batch, channels, ...] to [batch, channels].

    Args:
        data_format: "channels_first" (default here) or "channels_last".
        keepdims: whether the spatial axes stay with size 1. Default: False.
    """

    def __init__(
        self,
        data_format: str | None = None,
        keepdims: bool = False,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, data_format=data_format, keepdims=bool(keepdims))


class GlobalMaxPooling3D(CoreLayer):
    """The maximum of each channel: [batch, channels, ...] to [batch, channels].

    Args:
        data_format: "channels_first" (default here) or "channels_last".
        keepdims: whether the spatial axes stay with size 1. Default: False.
    """

    def __init__(
        self,
        data_format: str | None = None,
        keepdims: bool = False,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, data_format=data_format, keepdims=bool(keepdims))


class GlobalAveragePooling1D(CoreLayer):
    """The mean of each channel: [batch, channels, ...] to [batch, channels].

    Args:
        data_format: "channels_first" (default here) or "channels_last".
        keepdims: whether the spatial axes stay with size 1. Default: False.
    """

    def __init__(
        self,
        data_format: str | None = None,
        keepdims: bool = False,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, data_format=data_format, keepdims=bool(keepdims))


class GlobalAveragePooling2D(CoreLayer):
    """The mean of each channel: [batch, channels, ...] to [batch, channels].

    Args:
        data_format: "channels_first" (default here) or "channels_last".
        keepdims: whether the spatial axes stay with size 1. Default: False.
    """

    def __init__(
        self,
        data_format: str | None = None,
        keepdims: bool = False,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, data_format=data_format, keepdims=bool(keepdims))


class GlobalAveragePooling3D(CoreLayer):
    """The mean of each channel: [batch, channels, ...] to [batch, channels].

    Args:
        data_format: "channels_first" (default here) or "channels_last".
        keepdims: whether the spatial axes stay with size 1. Default: False.
    """

    def __init__(
        self,
        data_format: str | None = None,
        keepdims: bool = False,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, data_format=data_format, keepdims=bool(keepdims))


class AdaptiveMaxPooling1D(CoreLayer):
    """Maxima of as many windows as the result has places, as in PyTorch.

    Args:
        output_size: spatial sizes of the result: a number, or one for each axis.
        data_format: "channels_first" (default here) or "channels_last".
    """

    def __init__(
        self,
        output_size: int | Sequence[int],
        data_format: str | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, output_size=listed(output_size), data_format=data_format)


class AdaptiveMaxPooling2D(CoreLayer):
    """Maxima of as many windows as the result has places, as in PyTorch.

    Args:
        output_size: spatial sizes of the result: a number, or one for each axis.
        data_format: "channels_first" (default here) or "channels_last".
    """

    def __init__(
        self,
        output_size: int | Sequence[int],
        data_format: str | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, output_size=listed(output_size), data_format=data_format)


class AdaptiveMaxPooling3D(CoreLayer):
    """Maxima of as many windows as the result has places, as in PyTorch.

    Args:
        output_size: spatial sizes of the result: a number, or one for each axis.
        data_format: "channels_first" (default here) or "channels_last".
    """

    def __init__(
        self,
        output_size: int | Sequence[int],
        data_format: str | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, output_size=listed(output_size), data_format=data_format)


class AdaptiveAveragePooling1D(CoreLayer):
    """Means of as many windows as the result has places, as in PyTorch.

    Args:
        output_size: spatial sizes of the result: a number, or one for each axis.
        data_format: "channels_first" (default here) or "channels_last".
    """

    def __init__(
        self,
        output_size: int | Sequence[int],
        data_format: str | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, output_size=listed(output_size), data_format=data_format)


class AdaptiveAveragePooling2D(CoreLayer):
    """Means of as many windows as the result has places, as in PyTorch.

    Args:
        output_size: spatial sizes of the result: a number, or one for each axis.
        data_format: "channels_first" (default here) or "channels_last".
    """

    def __init__(
        self,
        output_size: int | Sequence[int],
        data_format: str | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, output_size=listed(output_size), data_format=data_format)


class AdaptiveAveragePooling3D(CoreLayer):
    """Means of as many windows as the result has places, as in PyTorch.

    Args:
        output_size: spatial sizes of the result: a number, or one for each axis.
        data_format: "channels_first" (default here) or "channels_last".
    """

    def __init__(
        self,
        output_size: int | Sequence[int],
        data_format: str | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, output_size=listed(output_size), data_format=data_format)


MaxPool1D, GlobalMaxPool1D = MaxPooling1D, GlobalMaxPooling1D
MaxPool2D, GlobalMaxPool2D = MaxPooling2D, GlobalMaxPooling2D
MaxPool3D, GlobalMaxPool3D = MaxPooling3D, GlobalMaxPooling3D
AvgPool1D, GlobalAvgPool1D = AveragePooling1D, GlobalAveragePooling1D
AvgPool2D, GlobalAvgPool2D = AveragePooling2D, GlobalAveragePooling2D
AvgPool3D, GlobalAvgPool3D = AveragePooling3D, GlobalAveragePooling3D
