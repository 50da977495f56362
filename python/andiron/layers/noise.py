"""Layers that bring noise into training, and those that mask and penalize what passes through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from andiron.layers.base import CoreLayer


class GaussianNoise(CoreLayer):
    """In training, x + normal(0, stddev). Otherwise x itself.

    Args:
        stddev: the noise's standard deviation.
        seed: of the draws; another one for each layer by default.
    """

    def __init__(
        self, stddev: float, seed: int | None = None, *, name: str | None = None, dtype: Any = None
    ):
        self._make(name, True, dtype, stddev=float(stddev), seed=seed)


class GaussianDropout(CoreLayer):
    """In training, x * normal(1, sqrt(rate / (1 - rate))). Otherwise x itself.

    Args:
        rate: in [0, 1): of the dropout that has this deviation.
        seed: of the draws; another one for each layer by default.

    Source: Srivastava et al. 2014.
    """

    def __init__(
        self, rate: float, seed: int | None = None, *, name: str | None = None, dtype: Any = None
    ):
        self._make(name, True, dtype, rate=float(rate), seed=seed)


class AlphaDropout(CoreLayer):
    """Dropout after selu: in training x becomes selu's limit with probability `rate`, and all is
    scaled and shifted so that mean 0 and variance 1 stay. Otherwise x itself.

    Args:
        rate: in [0, 1).
        noise_shape: sizes of the draws with the batch (None: the input's): 1 where an axis shares
            them.
        seed: of the draws; another one for each layer by default.

    Source: Klambauer et al., Self-normalizing neural networks, 2017.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        if noise_shape is not None:
            noise_shape = [-1 if size is None else int(size) for size in noise_shape]
        self._make(name, True, dtype, rate=float(rate), noise_shape=noise_shape, seed=seed)


class ActivityRegularization(CoreLayer):
    """x itself; (l1 * sum |x| + l2 * sum x^2) / batch is added to the loss.

    Args:
        l1, l2: factors. Default: 0.
    """

    def __init__(
        self, l1: float = 0.0, l2: float = 0.0, *, name: str | None = None, dtype: Any = None
    ):
        self._make(name, True, dtype, l1=float(l1), l2=float(l2))


class Masking(CoreLayer):
    """Steps of [batch, time, features] whose features all equal `mask_value` are masked: they
    become 0, and later layers know of it.

    The mask passes through layers that work step by step: Dense, EinsumDense, Activation, dropout
    and noise layers, Normalization, Rescaling, Identity, Highway, TimeDistributed, and, joined,
    through the merging layers. GlobalAveragePooling1D with data_format="channels_last" takes the
    mean of the steps that count. Other layers drop the mask, as Keras's do. An output that still
    has one cannot be trained on: losses take no masks so far.

    Args:
        mask_value: default 0.

    Example:
        >>> import numpy as np
        >>> from andiron import Input, Model, layers
        >>> x = Input((3, 2))
        >>> pool = layers.GlobalAveragePooling1D(data_format="channels_last")
        >>> model = Model(x, pool(layers.Masking()(x)))
        >>> model.predict(np.float32([[[1, 2], [3, 4], [0, 0]]])).tolist()
        [[2.0, 3.0]]
    """

    def __init__(self, mask_value: float = 0.0, *, name: str | None = None, dtype: Any = None):
        self._make(name, True, dtype, mask_value=float(mask_value))


class Identity(CoreLayer):
    """Its input."""

    def __init__(self, *, name: str | None = None, dtype: Any = None):
        self._make(name, True, dtype)
