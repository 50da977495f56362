"""Losses of numbers: how far y_pred is from y_true."""

from __future__ import annotations

import numpy as np

from andiron.losses.base import Loss, last_axis

__all__ = [
    "CosineSimilarity",
    "Huber",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "Quantile",
]


class MeanSquaredError(Loss):
    """mean (y_true - y_pred)^2"""

    _class_name = "MeanSquaredError"

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_error", dtype=None):
        self._make(reduction=reduction, name=name, dtype=dtype)


class MeanAbsoluteError(Loss):
    """mean |y_true - y_pred|"""

    _class_name = "MeanAbsoluteError"

    def __init__(self, reduction="sum_over_batch_size", name="mean_absolute_error", dtype=None):
        self._make(reduction=reduction, name=name, dtype=dtype)


class MeanAbsolutePercentageError(Loss):
    """100 mean |y_true - y_pred| / max(|y_true|, 1e-7)"""

    _class_name = "MeanAbsolutePercentageError"

    def __init__(
        self,
        reduction="sum_over_batch_size",
        name="mean_absolute_percentage_error",
        dtype=None,
    ):
        self._make(reduction=reduction, name=name, dtype=dtype)


class MeanSquaredLogarithmicError(Loss):
    """mean (log(1 + y_true) - log(1 + y_pred))^2, for numbers that are not negative

    Numbers below 1e-7 are taken for 1e-7.
    """

    _class_name = "MeanSquaredLogarithmicError"

    def __init__(
        self,
        reduction="sum_over_batch_size",
        name="mean_squared_logarithmic_error",
        dtype=None,
    ):
        self._make(reduction=reduction, name=name, dtype=dtype)


class Huber(Loss):
    """mean e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2; e = y_true - y_pred

    Args:
        delta: where the square becomes a straight line. Default: 1.

    Example:
        >>> from andiron import losses
        >>> float(losses.Huber()([[0.0, 0.0]], [[0.5, 3.0]]))
        1.3125
    """

    _class_name = "Huber"

    def __init__(self, delta=1.0, reduction="sum_over_batch_size", name="huber_loss", dtype=None):
        self._make(delta=float(delta), reduction=reduction, name=name, dtype=dtype)


class LogCosh(Loss):
    """mean log(cosh(y_pred - y_true)), exact near 0 and without overflow"""

    _class_name = "LogCosh"

    def __init__(self, reduction="sum_over_batch_size", name="log_cosh", dtype=None):
        self._make(reduction=reduction, name=name, dtype=dtype)


class Quantile(Loss):
    """mean max(q e, (q - 1) e), e = y_true - y_pred: the pinball loss of quantile q

    Args:
        quantiles: one, for a y_pred of y_true's shape, or several, which are the last axis of
            y_pred [batch, ..., quantiles]; y_true is [batch, ...] or [batch, ..., 1] then.
            Default: 0.5.

    Example:
        >>> from andiron import losses
        >>> loss = losses.Quantile([0.1, 0.5, 0.9])
        >>> round(float(loss([[10.0]], [[8.0, 9.0, 12.0]])), 4)
        0.3

    Source: Koenker and Bassett, Regression Quantiles, 1978.
    """

    _class_name = "Quantile"

    def __init__(self, quantiles=0.5, reduction="sum_over_batch_size", name="quantile", dtype=None):
        given = [float(q) for q in np.atleast_1d(np.asarray(quantiles, np.float64))]
        self._make(quantiles=given, reduction=reduction, name=name, dtype=dtype)


class Poisson(Loss):
    """mean(y_pred - y_true log(y_pred + 1e-7)), y_pred the expected counts"""

    _class_name = "Poisson"

    def __init__(self, reduction="sum_over_batch_size", name="poisson", dtype=None):
        self._make(reduction=reduction, name=name, dtype=dtype)


class CosineSimilarity(Loss):
    """-cos of the angle between y_true and y_pred along the last axis; 0 where one of them is 0

    Args:
        axis: of the vectors: the last one, -1.
    """

    _class_name = "CosineSimilarity"

    def __init__(
        self,
        axis=-1,
        reduction="sum_over_batch_size",
        name="cosine_similarity",
        dtype=None,
    ):
        last_axis(axis)
        self._make(reduction=reduction, name=name, dtype=dtype)
