"""Layers that scale, resize, pad, crop and drop parts of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from andiron import _core
from andiron.layers.base import CoreLayer
from andiron.layers.convolution import listed


class UpSampling1D(CoreLayer):
    """Each spatial axis `size` times as long.

    Args:
        size: the factor. Default: 2.
        data_format: "channels_first" (default here) or "channels_last".
    """

    def __init__(
        self,
        size: int | tuple[int] = 2,
        *,
        data_format: str | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, size=listed(size), data_format=data_format)


class UpSampling2D(CoreLayer):
    """Each spatial axis `size` times as long.

    Args:
        size: the factor, or one for each axis. Default: 2.
        data_format: "channels_first" (default here) or "channels_last".
        interpolation: "nearest" (default), "bilinear" or "bicubic", with half-pixel centres.
    """

    def __init__(
        self,
        size: int | Sequence[int] = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(
            name,
            True,
            dtype,
            size=listed(size),
            data_format=data_format,
            interpolation=interpolation,
        )


class UpSampling3D(CoreLayer):
    """Each spatial axis `size` times as long.

    Args:
        size: the factor, or one for each axis. Default: 2.
        data_format: "channels_first" (default here) or "channels_last".
    """

    def __init__(
        self,
        size: int | Sequence[int] = (2, 2, 2),
        data_format: str | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, size=listed(size), data_format=data_format)


class ZeroPadding1D(CoreLayer):
    """Zeros around the spatial axes.

    Args:
        padding: a number for both ends, or (begin, end). Default: 1.
        data_format: "channels_first" (default here) or "channels_last".
    """

    def __init__(
        self,
        padding: Any = 1,
        data_format: str | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, padding=_pads(padding), data_format=data_format)


class ZeroPadding2D(CoreLayer):
    """Zeros around the spatial axes.

    Args:
        padding: a number for all sides, or one or (begin, end) for each axis. Default: 1.
        data_format: "channels_first" (default here) or "channels_last".
    """

    def __init__(
        self,
        padding: Any = (1, 1),
        data_format: str | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, padding=_pads(padding), data_format=data_format)


class ZeroPadding3D(CoreLayer):
    """Zeros around the spatial axes.

    Args:
        padding: a number for all sides, or one or (begin, end) for each axis. Default: 1.
        data_format: "channels_first" (default here) or "channels_last".
    """

    def __init__(
        self,
        padding: Any = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, padding=_pads(padding), data_format=data_format)


class Cropping1D(CoreLayer):
    """Cuts places off the ends of the spatial axes.

    Args:
        cropping: a number for both ends, or (begin, end). Default: (1, 1).
        data_format: "channels_first" (default here) or "channels_last".
    """

    def __init__(
        self,
        cropping: Any = (1, 1),
        data_format: str | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, cropping=_pads(cropping), data_format=data_format)


class Cropping2D(CoreLayer):
    """Cuts places off the ends of the spatial axes.

    Args:
        cropping: a number for all sides, or one or (begin, end) for each axis. Default: none.
        data_format: "channels_first" (default here) or "channels_last".
    """

    def __init__(
        self,
        cropping: Any = ((0, 0), (0, 0)),
        data_format: str | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, cropping=_pads(cropping), data_format=data_format)


class Cropping3D(CoreLayer):
    """Cuts places off the ends of the spatial axes.

    Args:
        cropping: a number for all sides, or one or (begin, end) for each axis. Default: 1.
        data_format: "channels_first" (default here) or "channels_last".
    """

    def __init__(
        self,
        cropping: Any = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, cropping=_pads(cropping), data_format=data_format)


class Rescaling(CoreLayer):
    """x * scale + offset, in float32.

    Args:
        scale, offset: a number, or one for each channel. Default of offset: 0.
        data_format: where the channels are: "channels_first" (default here) or "channels_last".

    Example:
        >>> import numpy as np
        >>> from andiron import layers
        >>> layers.Rescaling(1 / 255)(np.array([[0, 51, 255]], "uint8")).numpy().round(2).tolist()
        [[0.0, 0.20000000298023224, 1.0]]
    """

    def __init__(
        self,
        scale: Any,
        offset: Any = 0.0,
        *,
        data_format: str | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, scale=np.asarray(scale, float).tolist(),
                   offset=np.asarray(offset, float).tolist(), data_format=data_format)  # fmt: skip


class Resizing(CoreLayer):
    """Images of another size, in float32.

    Args:
        height, width: of the result.
        interpolation: "bilinear" (default), "nearest" or "bicubic", with half-pixel centres.
            "bicubic" is PyTorch's (a = -0.75), Keras's has a = -0.5 with TensorFlow; "lanczos3" and
            "lanczos5" are refused.
        crop_to_aspect_ratio: cut out the largest middle part of the result's aspect ratio.
        pad_to_aspect_ratio: put it into the smallest frame of that aspect ratio.
        fill_mode: "constant". fill_value: of the frame. Default: 0.
        antialias: average over what a pixel of a smaller result covers. Default: False.
        data_format: "channels_first" (default here) or "channels_last".
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        if fill_mode != "constant":
            raise _core.Error(f"[Resizing] fill_mode is 'constant'; got {fill_mode!r}")
        self._make(name, True, dtype, height=int(height), width=int(width),
                   interpolation=interpolation, crop_to_aspect_ratio=bool(crop_to_aspect_ratio),
                   pad_to_aspect_ratio=bool(pad_to_aspect_ratio), fill_value=float(fill_value),
                   antialias=bool(antialias), data_format=data_format)  # fmt: skip


class SpatialDropout1D(CoreLayer):
    """In training, whole channels are zero with probability `rate`, else x / (1 - rate).

    Args:
        rate: in [0, 1).
        seed: of the draws; another one for each layer by default.
        data_format: "channels_first" (default here) or "channels_last".

    Source: Tompson et al. 2014.
    """

    def __init__(
        self,
        rate: float,
        seed: int | None = None,
        *,
        data_format: str | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, rate=float(rate), seed=seed, data_format=data_format)


class SpatialDropout2D(CoreLayer):
    """In training, whole channels are zero with probability `rate`, else x / (1 - rate).

    Args:
        rate: in [0, 1).
        seed: of the draws; another one for each layer by default.
        data_format: "channels_first" (default here) or "channels_last".

    Source: Tompson et al. 2014.
    """

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, rate=float(rate), seed=seed, data_format=data_format)


class SpatialDropout3D(CoreLayer):
    """In training, whole channels are zero with probability `rate`, else x / (1 - rate).

    Args:
        rate: in [0, 1).
        seed: of the draws; another one for each layer by default.
        data_format: "channels_first" (default here) or "channels_last".

    Source: Tompson et al. 2014.
    """

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, rate=float(rate), seed=seed, data_format=data_format)


class LocalResponseNormalization(CoreLayer):
    """x / (bias + alpha / size * sum of the squares of `size` neighbouring channels)^beta.

    Args:
        size: channels in a window. Default: 5.
        alpha, beta, bias: default 0.0001, 0.75, 1.0.
        data_format: "channels_first" (default here) or "channels_last".

    Source: Krizhevsky, Sutskever and Hinton 2012.
    """

    def __init__(
        self,
        size: int = 5,
        alpha: float = 1e-4,
        beta: float = 0.75,
        bias: float = 1.0,
        data_format: str | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, size=int(size), alpha=float(alpha), beta=float(beta),
                   bias=float(bias), data_format=data_format)  # fmt: skip


def _pads(padding: Any) -> Any:
    """As the core reads it: numbers in lists."""
    if isinstance(padding, int):
        return padding
    return [p if isinstance(p, int) else list(p) for p in padding]
