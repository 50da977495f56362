"""Convolutions over 1, 2 and 3 spatial axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from andiron import _core
from andiron.constraints import serialize as constraint_config
from andiron.initializers import serialize as initializer_config
from andiron.layers.base import CoreLayer, activation_name
from andiron.regularizers import serialize as regularizer_config


def listed(values: Any) -> list[int]:
    """One number, or one for each spatial axis."""
    return [int(values)] if isinstance(values, int) else [int(v) for v in values]


def padding_config(layer: str, padding: Any) -> dict:
    """ "valid" and its like, or numbers: for all sides, for each axis, or (begin, end) of each."""
    if isinstance(padding, str):
        return {"padding": padding.lower()}
    sides = [padding] if isinstance(padding, int) else list(padding)
    try:
        pairs = [(s, s) if isinstance(s, int) else (int(s[0]), int(s[1])) for s in sides]
    except (TypeError, ValueError, IndexError):
        raise _core.Error(
            f"[{layer}] padding is 'valid', 'same', a number, or a number or (begin, end) for each "
            f"spatial axis; got {padding!r}"
        ) from None
    return {
        "padding": "explicit",
        "pads_begin": [begin for begin, _ in pairs],
        "pads_end": [end for _, end in pairs],
    }


# What becomes of a setting on its way to the core: by the end of its name, or by its name.
_CONVERT = {
    "initializer": initializer_config,
    "regularizer": regularizer_config,
    "constraint": constraint_config,
}
_SETTINGS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("filters", "groups", "depth_multiplier"), int),
    **dict.fromkeys(("kernel_size", "pool_size", "strides", "dilation_rate"), listed),
    "output_padding": listed,
    **dict.fromkeys(("use_bias", "ceil", "count_include_pad"), bool),
    "data_format": lambda name: name,
}


class Windowed(CoreLayer):
    """Layers of windows over spatial axes, convolutions and pooling: their settings are alike."""

    _may_be_none: tuple[str, ...] = ("output_padding",)

    def _take(self, given: dict[str, Any]) -> None:
        """Makes the layer from what __init__ was given, its `locals()`."""
        layer = type(self).__name__
        config = {}
        for key, value in given.items():
            if key in ("self", "name", "trainable", "dtype"):
                continue
            if key == "padding":
                config.update(padding_config(layer, value))
            elif key == "activation":
                config[key] = activation_name(layer, value)
            elif (convert := _CONVERT.get(key.rsplit("_", 1)[-1])) is not None:
                config[key] = convert(value)
            elif value is not None or key not in self._may_be_none:
                config[key] = _SETTINGS[key](value)
        self._make(given["name"], given.get("trainable", True), given["dtype"], **config)


class Conv(Windowed):
    """What all convolutions have."""

    @property
    def kernel(self):
        return self.variables[0]

    @property
    def bias(self):
        return self.variables[-1] if self.get_config()["use_bias"] else None


class Conv1D(Conv):
    """Convolution over one spatial axis.

    Arguments and defaults as in Conv2D; padding may be "causal", too.

    Weights: kernel [filters, channels / groups, k], bias [filters].

    Shapes: [batch, channels, n] to [batch, filters, ...].

    Example:
        >>> import numpy as np
        >>> from andiron import layers
        >>> layers.Conv1D(4, 3)(np.zeros((1, 3, 8), "float32")).shape
        (1, 4, 6)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        self._take(locals())


class Conv2D(Conv):
    """Convolution over two spatial axes.

    Args:
        filters: channels of the result.
        kernel_size: of the window: a number, or one for each spatial axis.
        strides: steps of the window. Default: 1.
        padding: "valid" (none) or "same" (ceil(size / stride) places); or numbers, as PyTorch
            has them: one for all sides, one for each axis, or (begin, end) for each axis.
        data_format: "channels_first" (default here): [batch, channels, spatial...], or
            "channels_last".
        dilation_rate: distance between the window's taps. Default: 1.
        groups: channels and filters fall into as many separate parts. Default: 1.
        activation: a name or a function of andiron.ops; default none.
        use_bias: default True.
        kernel_initializer: default "glorot_uniform". bias_initializer: default "zeros".
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties; default none.
        kernel_constraint, bias_constraint: what they are brought to after each step; default none.

    Weights: kernel [filters, channels / groups, kh, kw], bias [filters].

    Shapes: [batch, channels, h, w] to [batch, filters, ...].

    Example:
        >>> import numpy as np
        >>> from andiron import layers
        >>> layers.Conv2D(4, 3)(np.zeros((1, 3, 8, 8), "float32")).shape
        (1, 4, 6, 6)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = (1, 1),
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = (1, 1),
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        self._take(locals())


class Conv3D(Conv):
    """Convolution over three spatial axes.

    Arguments and defaults as in Conv2D.

    Weights: kernel [filters, channels / groups, kd, kh, kw], bias [filters].

    Shapes: [batch, channels, d, h, w] to [batch, filters, ...].

    Example:
        >>> import numpy as np
        >>> from andiron import layers
        >>> layers.Conv3D(4, 3)(np.zeros((1, 3, 8, 8, 8), "float32")).shape
        (1, 4, 6, 6, 6)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = (1, 1, 1),
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = (1, 1, 1),
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        self._take(locals())


class Conv1DTranspose(Conv):
    """The transpose of a convolution: with stride s about s times as many places.

    Arguments and defaults as in Conv2D, without groups, and with
    output_padding: more places at the end of each axis, less than the stride; None: size * stride
    places with "same" padding, all that the kernel reaches with "valid".

    Weights: kernel [channels, filters, k], bias [filters].
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: Any = "valid",
        output_padding: int | Sequence[int] | None = None,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        self._take(locals())


class Conv2DTranspose(Conv):
    """The transpose of a convolution: with stride s about s times as many places.

    Arguments and defaults as in Conv2D, without groups, and with
    output_padding: more places at the end of each axis, less than the stride; None: size * stride
    places with "same" padding, all that the kernel reaches with "valid".

    Weights: kernel [channels, filters, kh, kw], bias [filters].
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = (1, 1),
        padding: Any = "valid",
        output_padding: int | Sequence[int] | None = None,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = (1, 1),
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        self._take(locals())


class Conv3DTranspose(Conv):
    """The transpose of a convolution: with stride s about s times as many places.

    Arguments and defaults as in Conv2D, without groups, and with
    output_padding: more places at the end of each axis, less than the stride; None: size * stride
    places with "same" padding, all that the kernel reaches with "valid".

    Weights: kernel [channels, filters, kd, kh, kw], bias [filters].
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = (1, 1, 1),
        padding: Any = "valid",
        data_format: str | None = None,
        output_padding: int | Sequence[int] | None = None,
        dilation_rate: int | Sequence[int] = (1, 1, 1),
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        self._take(locals())


Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
