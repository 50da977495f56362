"""Normalization of inputs, of batches, and of rows by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from andiron import _core
from andiron._refuse import refuse
from andiron.constraints import serialize as constraint_config
from andiron.initializers import serialize as initializer_config
from andiron.layers.base import CoreLayer, _is_numbers
from andiron.regularizers import serialize as regularizer_config


class Normalization(CoreLayer):
    """(x - mean) / max(sqrt(variance), 1e-7): features of mean 0 and variance 1.

    Mean and variance are given, or found by `adapt` before training. They belong to the model: they
    are saved with it, and are the same in fit, evaluate, predict and under Spark. Integers come out
    as float32.

    Args:
        axis: the axis, or axes, whose places have a mean and a variance each, counted with the
            batch as axis 0; None: one mean and variance for all. Default: -1, the features.
        mean, variance: instead of `adapt`; both or neither. Numbers, or arrays of the sizes of
            `axis`. Variances are those of the population (divided by n).
        invert: x * max(sqrt(variance), 1e-7) + mean instead: predictions back in their unit.

    Shapes: any, unchanged.

    Example:
        >>> import numpy as np
        >>> from andiron import layers
        >>> scale = layers.Normalization()
        >>> scale.adapt(np.array([[0.0, 7.0], [2.0, 9.0]]))
        >>> scale(np.array([[0.0, 11.0]], "float32")).numpy().tolist()
        [[-1.0, 3.0]]
    """

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        axes = [] if axis is None else [axis] if isinstance(axis, int) else [int(a) for a in axis]
        self._make(name, True, dtype, axis=axes, mean=_listed(mean), variance=_listed(variance),
                   invert=bool(invert))  # fmt: skip

    def adapt(self, data: Any) -> None:
        """Takes mean and variance of these data, in place of those of an earlier call. They are
        added up in float64, piece by piece where data come in pieces.

        Args:
            data: [rows, ...] of one input: an array or a DataFrame; what andiron.data makes, whose
                features are the input, Arrow data, the path of a Parquet or CSV file; or an
                iterable of such arrays, one piece after the other.

        Errors:
            andiron.Error for no rows, for NaN or infinity (with the row), and for mean and variance
            that were given.
        """
        self._core.adapt(pieces("Normalization", data))

    @property
    def mean(self):
        """The variable that adapt sets; None before, and where it was given."""
        return self.variables[0] if self.variables else None

    @property
    def variance(self):
        """Likewise."""
        return self.variables[1] if self.variables else None


def _listed(moment: Any) -> Any:
    return None if moment is None else np.asarray(moment, np.float64).tolist()


def pieces(layer: str, data: Any) -> Iterable:
    """Data for `adapt` as arrays, one after the other."""
    from andiron._tables import is_table

    if is_table(data):
        from andiron.data import as_data

        return as_data(data)._pieces()
    if isinstance(data, (list, tuple)):
        in_pieces = bool(data) and not _is_numbers(data)
    else:  # a dataset or a generator
        in_pieces = isinstance(data, Iterable) and not hasattr(data, "__array__")
    if in_pieces:
        return data
    array = np.asarray(data)
    if array.dtype == object:
        raise TypeError(f"[{layer}] adapt takes numbers; got {type(data).__name__}")
    return [_core.Tensor(array)]


class BatchNormalization(CoreLayer):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, for each channel.

    In training the moments are those of the batch (under data parallel training of this worker's
    rows, or `synchronized` of all workers') and move the running ones, of which workers keep the
    mean; in inference, and when the layer is frozen (`trainable = False`), they are the running
    ones.

    Args:
        axis: that of the channels. Default here: 1, of [batch, channels, spatial...].
        momentum: what stays of the running moments in a step. Default: 0.99.
        epsilon: default 0.001.
        center, scale: whether there is a beta, a gamma. Default: True.
        beta_initializer: "zeros". gamma_initializer: "ones".
        moving_mean_initializer: "zeros". moving_variance_initializer: "ones".
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: default none.
        renorm and what belongs to it: refused.
        synchronized: moments are those of all workers' rows in a step. Default: False.

    Weights: gamma, beta, moving_mean, moving_variance, each [channels].

    Source: Ioffe and Szegedy 2015.
    """

    def __init__(
        self,
        axis: int = 1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        refuse("BatchNormalization", "its running moments are plain means",
               renorm=renorm, renorm_clipping=renorm_clipping)  # fmt: skip
        self._make(
            name,
            trainable,
            dtype,
            axis=int(axis),
            momentum=float(momentum),
            epsilon=float(epsilon),
            center=bool(center),
            scale=bool(scale),
            synchronized=bool(synchronized),
            beta_initializer=initializer_config(beta_initializer),
            gamma_initializer=initializer_config(gamma_initializer),
            moving_mean_initializer=initializer_config(moving_mean_initializer),
            moving_variance_initializer=initializer_config(moving_variance_initializer),
            beta_regularizer=regularizer_config(beta_regularizer),
            gamma_regularizer=regularizer_config(gamma_regularizer),
            beta_constraint=constraint_config(beta_constraint),
            gamma_constraint=constraint_config(gamma_constraint),
        )


class LayerNormalization(CoreLayer):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, for each row by itself: the same in
    training and inference.

    Args:
        axis: the axis, or axes, over which mean and variance are taken. Default: -1.
        epsilon: default 0.001.
        center, scale: whether there is a beta, a gamma. Default: True.
        beta_initializer: "zeros". gamma_initializer: "ones".
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: default none.

    Weights: gamma, beta, each of the sizes of `axis`. Shapes: any, unchanged.

    Source: Ba, Kiros and Hinton 2016.

    Example:
        >>> from andiron import layers
        >>> layers.LayerNormalization(epsilon=0.0)([[1.0, 3.0]]).numpy().tolist()
        [[-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        self._make(
            name,
            trainable,
            dtype,
            axis=_axes(axis),
            epsilon=float(epsilon),
            center=bool(center),
            scale=bool(scale),
            beta_initializer=initializer_config(beta_initializer),
            gamma_initializer=initializer_config(gamma_initializer),
            beta_regularizer=regularizer_config(beta_regularizer),
            gamma_regularizer=regularizer_config(gamma_regularizer),
            beta_constraint=constraint_config(beta_constraint),
            gamma_constraint=constraint_config(gamma_constraint),
        )


class GroupNormalization(CoreLayer):
    """LayerNormalization over the channels of a group and all their places, with gamma and beta by
    channel.

    Args:
        groups: divides the number of channels; -1: a group for each channel. Default: 32.
        axis: that of the channels. Default here: 1, of [batch, channels, spatial...].
        epsilon: default 0.001.
        center, scale: whether there is a beta, a gamma. Default: True.
        beta_initializer: "zeros". gamma_initializer: "ones".
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: default none.

    Weights: gamma, beta, each [channels].

    Source: Wu and He 2018.
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = 1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        self._make(
            name,
            trainable,
            dtype,
            groups=int(groups),
            axis=int(axis),
            epsilon=float(epsilon),
            center=bool(center),
            scale=bool(scale),
            beta_initializer=initializer_config(beta_initializer),
            gamma_initializer=initializer_config(gamma_initializer),
            beta_regularizer=regularizer_config(beta_regularizer),
            gamma_regularizer=regularizer_config(gamma_regularizer),
            beta_constraint=constraint_config(beta_constraint),
            gamma_constraint=constraint_config(gamma_constraint),
        )


class InstanceNormalization(CoreLayer):
    """GroupNormalization with a group for each channel.

    Args:
        axis: that of the channels. Default: 1, of [batch, channels, spatial...].
        epsilon: default 0.001. PyTorch's is 1e-5.
        center, scale: whether there is a beta, a gamma. Default: True.
        beta_initializer: "zeros". gamma_initializer: "ones".
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: default none.

    Weights: gamma, beta, each [channels]. There are no running statistics.

    Source: Ulyanov, Vedaldi and Lempitsky 2016.
    """

    def __init__(
        self,
        axis: int = 1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        self._make(
            name,
            trainable,
            dtype,
            axis=int(axis),
            epsilon=float(epsilon),
            center=bool(center),
            scale=bool(scale),
            beta_initializer=initializer_config(beta_initializer),
            gamma_initializer=initializer_config(gamma_initializer),
            beta_regularizer=regularizer_config(beta_regularizer),
            gamma_regularizer=regularizer_config(gamma_regularizer),
            beta_constraint=constraint_config(beta_constraint),
            gamma_constraint=constraint_config(gamma_constraint),
        )


class RMSNormalization(CoreLayer):
    """x / sqrt(mean of x^2 + epsilon) * scale, for each row by itself.

    Args:
        axis: the axis, or axes, over which the mean is taken. Default: -1.
        epsilon: default 1e-6.

    Weights: scale, of the sizes of `axis`, at first ones.

    Source: Zhang and Sennrich 2019.
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-6,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        self._make(name, trainable, dtype, axis=_axes(axis), epsilon=float(epsilon))


class UnitNormalization(CoreLayer):
    """x / max(Euclidean norm of x, 1e-12): rows of length 1.

    Args:
        axis: the axis, or axes, over which the norm is taken. Default: -1.

    Example:
        >>> from andiron import layers
        >>> layers.UnitNormalization()([[3.0, 4.0]]).numpy().round(6).tolist()
        [[0.6000000238418579, 0.800000011920929]]
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._make(name, True, dtype, axis=_axes(axis))


def _axes(axis: int | Sequence[int]) -> int | list[int]:
    return [int(a) for a in axis] if isinstance(axis, (list, tuple)) else int(axis)
