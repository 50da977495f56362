"""Layers that resize, pad and drop parts of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
        size: int = 2,
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
