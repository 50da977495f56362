"""Metrics of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from andiron import _core
from andiron._metric import Metric
from andiron.metrics.simple import last_axis, simple

MeanSquaredError = simple("MeanSquaredError", "mean_squared_error", "mean (y_true - y_pred)^2")
MeanAbsoluteError = simple("MeanAbsoluteError", "mean_absolute_error", "mean |y_true - y_pred|")
RootMeanSquaredError = simple(
    "RootMeanSquaredError", "root_mean_squared_error", "sqrt(mean (y_true - y_pred)^2)"
)
MeanAbsolutePercentageError = simple(
    "MeanAbsolutePercentageError",
    "mean_absolute_percentage_error",
    "100 mean |y_true - y_pred| / max(|y_true|, 1e-7), in percent as in Keras.",
)
SymmetricMeanAbsolutePercentageError = simple(
    "SymmetricMeanAbsolutePercentageError",
    "symmetric_mean_absolute_percentage_error",
    "200 mean |y_true - y_pred| / (|y_true| + |y_pred|), in percent; 0 for 0 and 0.",
)
MeanSquaredLogarithmicError = simple(
    "MeanSquaredLogarithmicError",
    "mean_squared_logarithmic_error",
    "mean (log(1 + y_true) - log(1 + y_pred))^2; numbers below 1e-7 are taken for 1e-7.",
)
LogCoshError = simple("LogCoshError", "logcosh", "mean log(cosh(y_pred - y_true))")
Poisson = simple("Poisson", "poisson", "mean(y_pred - y_true log(y_pred + 1e-7))")


class Mean(Metric):
    """The weighted mean of the values given."""

    def __init__(self, name: str = "mean", dtype: Any = None):
        self._take(name, "metric_mean")

    def update_state(self, values, sample_weight=None) -> None:
        """Adds values."""
        values = _core.Tensor(np.atleast_1d(np.asarray(values, np.float64)))
        self._core.update(values, values, sample_weight)


class Sum(Metric):
    """The weighted sum of the values given."""

    def __init__(self, name: str = "sum", dtype: Any = None):
        self._take(name, "make_metric", "sum")

    update_state = Mean.update_state


class Huber(Metric):
    """mean e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2; e = y_true - y_pred.

    Args:
        delta: Default: 1.
    """

    def __init__(self, delta: float = 1.0, name: str = "huber", dtype: Any = None):
        self._take(name, "metric_of", "huber", {"delta": float(delta)})


class MeanPinballLoss(Metric):
    """mean max(q e, (q - 1) e), e = y_true - y_pred: how well y_pred is the quantile q.

    Args:
        quantile: Default: 0.5.
    """

    def __init__(self, quantile: float = 0.5, name: str = "mean_pinball_loss", dtype: Any = None):
        self._take(name, "metric_of", "mean_pinball_loss", {"quantile": float(quantile)})


class MeanRelativeError(Metric):
    """mean |y_true - y_pred| / normalizer; 0 where the normalizer is 0.

    Args:
        normalizer: one number, or one for each element of the last axis.
    """

    def __init__(self, normalizer: Any, name: str | None = None, dtype: Any = None):
        numbers = [float(n) for n in np.atleast_1d(np.asarray(normalizer, np.float64))]
        self._take(name or "mean_relative_error", "metric_of", "mean_relative_error",
                   {"normalizer": numbers})  # fmt: skip


class R2Score(Metric):
    """1 - sum (y_true - y_pred)^2 / sum (y_true - mean)^2: the share of the variance explained.

    Args:
        class_aggregation: of several columns: "uniform_average", "variance_weighted_average", or
            None for an array. Default: "uniform_average".
        num_regressors: not 0: adjusted for so many, by the number of samples (Keras takes the
            numbers of all columns for samples). Default: 0.

    NaN for fewer than two samples.

    Example:
        >>> from andiron import metrics
        >>> m = metrics.R2Score()
        >>> m.update_state([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])
        >>> round(m.result(), 4)
        0.5714
    """

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: Any = None,
    ):
        settings = {
            "class_aggregation": class_aggregation or "none",
            "num_regressors": int(num_regressors),
        }
        self._take(name, "metric_of", "r2_score", settings)


def _by_row(class_name: str, default: str, doc: str) -> type:
    def __init__(self, name: str = default, dtype: Any = None, axis: int = -1):
        last_axis(class_name, axis)
        self._take(name, "make_metric", default)

    return type(class_name, (Metric,), {"__init__": __init__, "__doc__": doc})


CosineSimilarity = _by_row(
    "CosineSimilarity",
    "cosine_similarity",
    "The mean cosine of the angle between rows of y_true and y_pred.",
)
PearsonCorrelation = _by_row(
    "PearsonCorrelation",
    "pearson_correlation",
    "The mean over rows of the correlation of y_true and y_pred along the last axis.",
)
ConcordanceCorrelation = _by_row(
    "ConcordanceCorrelation",
    "concordance_correlation",
    "The mean over rows of 2 cov / (var + var + (difference of means)^2), Lin 1989.",
)
