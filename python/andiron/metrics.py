"""Streaming metrics: Keras's names, scikit-learn's figures."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from andiron import _core

__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "HitRate",
    "MAP",
    "Mean",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Metric",
    "NDCG",
    "Precision",
    "PrecisionAtK",
    "Recall",
    "RecallAtK",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "get",
    "rank_users",
    "top_items",
]

rank_users, top_items = _core.rank_users, _core.top_items


class Metric:
    """A figure over all the data seen since `reset_state`.

    For a metric of one's own write `update_state(y_true, y_pred, sample_weight=None)` and
    `result()` over NumPy arrays; numbers and arrays that are attributes are its state
    (`reset_state` brings back those that were set in `__init__`).

    Example:
        >>> from andiron import metrics
        >>> m = metrics.MeanAbsoluteError()
        >>> m.update_state([1.0, 2.0], [1.0, 4.0])
        >>> m.result()
        1.0
    """

    _own = False  # written in Python

    def __init__(self, name: str | None = None, dtype: Any = None):
        self.name = name or _snake(type(self))
        self._own = True
        parameters = inspect.signature(type(self).update_state).parameters
        self._takes_weight = "sample_weight" in parameters
        self._core = _core.metric_python(self.name, _Bridge(self))
        self._initial: dict | None = None

    def _take(self, name: str, factory: str, *args: Any) -> None:
        self._core, self.name = getattr(_core, factory)(*args), name
        self._made = [factory, *args]  # how files bring it back

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Adds a batch."""
        self._core.update(y_true, y_pred, sample_weight)

    def result(self) -> float:
        """The figure; NaN where it is not defined (see `note`)."""
        return self._core.result()

    def reset_state(self) -> None:
        """Forgets what was seen."""
        if not self._own:
            self._core.reset()
            return
        if self._initial is None:
            self._initial = self._state()
        for name, value in self._initial.items():
            setattr(self, name, np.copy(value) if isinstance(value, np.ndarray) else value)

    def merge_state(self, others) -> None:
        """Adds what other metrics of this kind have seen."""
        for other in others:
            self._core.merge(other._core)

    def note(self) -> str:
        """Why the result is NaN, if it is."""
        return "" if self._own else self._core.note()

    def __call__(self, y_true, y_pred, sample_weight=None) -> float:
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()

    def _state(self) -> dict:
        kinds = (int, float, np.ndarray, np.generic)
        return {
            key: np.copy(value) if isinstance(value, np.ndarray) else value
            for key, value in vars(self).items()
            if not key.startswith("_takes") and isinstance(value, kinds) and key != "_own"
        }

    def __reduce__(self) -> tuple:
        if self._own:
            kept = {key: value for key, value in vars(self).items() if key != "_core"}
            return _remade, (type(self), kept)
        return _remade_from_core, (type(self), self.name, self._made)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _remade(cls: type, kept: dict) -> Metric:
    metric = object.__new__(cls)
    vars(metric).update(kept)
    metric._core = _core.metric_python(metric.name, _Bridge(metric))
    return metric


def _remade_from_core(cls: type, name: str, made: list) -> Metric:
    metric = object.__new__(cls)
    metric._take(name, *made)
    return metric


class _Bridge:
    """What the core calls of a metric written in Python."""

    def __init__(self, metric: Metric):
        self._metric = metric

    def _update(self, y_true, y_pred, weight) -> None:
        if self._metric._initial is None:
            self._metric._initial = self._metric._state()
        if self._metric._takes_weight:
            self._metric.update_state(y_true, y_pred, sample_weight=weight)
        else:
            self._metric.update_state(y_true, y_pred)

    def result(self) -> float:
        return float(self._metric.result())

    def reset_state(self) -> None:
        self._metric.reset_state()

    def _state(self) -> dict:
        return {k: np.asarray(v, np.float64) for k, v in self._metric._state().items()}

    def _restore(self, state: dict) -> None:
        if self._metric._initial is None:
            self._metric._initial = self._metric._state()
        for name, value in state.items():
            kind = type(self._metric._initial.get(name, value))
            setattr(self._metric, name, value if kind is np.ndarray else kind(value.item()))


def _snake(cls: type) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in cls.__name__).lstrip("_")


def _simple(class_name: str, default: str, doc: str, core_name: str | None = None) -> type:
    def __init__(self, name: str = default, dtype: Any = None):
        self._take(name, "make_metric", core_name or default)

    return type(class_name, (Metric,), {"__init__": __init__, "__doc__": doc})


Accuracy = _simple("Accuracy", "accuracy", "How often the prediction is right; by the shapes.")
CategoricalAccuracy = _simple(
    "CategoricalAccuracy", "categorical_accuracy", "The same for one-hot labels."
)
SparseCategoricalAccuracy = _simple(
    "SparseCategoricalAccuracy", "sparse_categorical_accuracy", "The same for class ids."
)
MeanSquaredError = _simple("MeanSquaredError", "mean_squared_error", "mean (y_true - y_pred)^2")
MeanAbsoluteError = _simple("MeanAbsoluteError", "mean_absolute_error", "mean |y_true - y_pred|")
RootMeanSquaredError = _simple(
    "RootMeanSquaredError", "root_mean_squared_error", "sqrt(mean (y_true - y_pred)^2)"
)


class Mean(Metric):
    """The weighted mean of the values given."""

    def __init__(self, name: str = "mean", dtype: Any = None):
        self._take(name, "metric_mean")

    def update_state(self, values, sample_weight=None) -> None:
        """Adds values."""
        values = _core.Tensor(np.atleast_1d(np.asarray(values, np.float64)))
        self._core.update(values, values, sample_weight)


class BinaryAccuracy(Metric):
    """How often (y_pred > threshold) equals y_true in {0, 1}."""

    def __init__(self, name: str = "binary_accuracy", dtype: Any = None, threshold: float = 0.5):
        self._take(name, "metric_binary_accuracy", float(threshold))


class BinaryCrossentropy(Metric):
    """Log loss of probabilities, or of scores with from_logits."""

    def __init__(
        self, name: str = "binary_crossentropy", dtype: Any = None, from_logits: bool = False
    ):
        self._take(name, "metric_binary_crossentropy", from_logits)


class CategoricalCrossentropy(Metric):
    """Log loss over classes, one-hot labels."""

    def __init__(
        self, name: str = "categorical_crossentropy", dtype: Any = None, from_logits: bool = False
    ):
        self._take(name, "metric_categorical_crossentropy", False, from_logits)


class SparseCategoricalCrossentropy(Metric):
    """Log loss over classes, labels are class ids."""

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
    ):
        self._take(name, "metric_categorical_crossentropy", True, from_logits)


class Precision(Metric):
    """true positives / predicted positives; with top_k, precision@k of rankings."""

    def __init__(
        self,
        thresholds: float | None = None,
        top_k: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        if top_k is not None:
            self._take(name or f"precision@{top_k}", "make_metric", f"precision@{top_k}")
        else:
            threshold = 0.5 if thresholds is None else float(thresholds)
            self._take(name or "precision", "metric_precision", threshold)


class Recall(Metric):
    """true positives / actual positives; with top_k, recall@k of rankings."""

    def __init__(
        self,
        thresholds: float | None = None,
        top_k: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        if top_k is not None:
            self._take(name or f"recall@{top_k}", "make_metric", f"recall@{top_k}")
        else:
            threshold = 0.5 if thresholds is None else float(thresholds)
            self._take(name or "recall", "metric_recall", threshold)


class AUC(Metric):
    """Area under a curve, exact (not on Keras's grid of thresholds): scikit-learn's figures.

    Args:
        curve: "ROC" or "PR" (average precision). Default: "ROC".
        num_thresholds, summation_method, from_logits: accepted for Keras's sake; the exact figure
            needs no grid, and depends on the order of the scores only.
    """

    def __init__(
        self,
        curve: str = "ROC",
        name: str | None = None,
        dtype: Any = None,
        *,
        num_thresholds: int | None = None,
        summation_method: str = "interpolation",
        from_logits: bool = False,
    ):
        if curve not in ("ROC", "PR"):
            raise _core.Error(f'[AUC] curve is "ROC" or "PR"; got {curve!r}')
        self._take(name or "auc", "make_metric", "auroc" if curve == "ROC" else "auprc")


def _at_k(class_name: str, stem: str, doc: str) -> type:
    def __init__(self, k: int = 10, name: str | None = None):
        self._take(name or f"{stem}@{k}", "make_metric", f"{stem}@{k}")

    return type(class_name, (Metric,), {"__init__": __init__, "__doc__": doc})


PrecisionAtK = _at_k("PrecisionAtK", "precision", "Relevant items among the best k, over k.")
RecallAtK = _at_k("RecallAtK", "recall", "Relevant items among the best k, over all relevant.")
HitRate = _at_k("HitRate", "hit_rate", "Whether a relevant item is among the best k.")
NDCG = _at_k("NDCG", "ndcg", "Normalised discounted cumulative gain of the best k.")
MAP = _at_k("MAP", "map", "Mean average precision of the best k.")


def get(identifier: Any) -> Metric:
    """The metric that a name, a class or a function (y_true, y_pred) means."""
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, str):
        metric = object.__new__(Metric)
        metric._take(identifier, "make_metric", identifier)
        return metric
    if callable(identifier):
        return FunctionMetric(identifier)
    raise TypeError(f"[compile] a metric is a name, a Metric or a function; got {identifier!r}")


class FunctionMetric(Metric):
    """The mean over samples of a function (y_true, y_pred) of NumPy arrays or andiron.ops."""

    def __init__(self, function: Any, name: str | None = None):
        self._function = function
        self.total, self.weight = 0.0, 0.0
        super().__init__(name or getattr(function, "__name__", "metric"))

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Adds a batch."""
        values = np.asarray(self._function(y_true, y_pred), np.float64)
        values = np.broadcast_to(values, (len(y_pred),) if values.ndim == 0 else values.shape)
        weights = np.ones(len(values)) if sample_weight is None else np.asarray(sample_weight)
        per_row = values.reshape(len(values), -1).mean(axis=1)
        self.total += float((per_row * weights.reshape(-1)).sum())
        self.weight += float(weights.sum())

    def result(self) -> float:
        """The mean so far."""
        return self.total / self.weight if self.weight else 0.0
