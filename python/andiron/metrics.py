"""Streaming metrics: Keras's names, scikit-learn's figures."""

from __future__ import annotations

from typing import Any

import numpy as np

from andiron import _core
from andiron._metric import FunctionMetric, Metric
from andiron._refuse import refuse

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
    """Log loss of probabilities, or of scores with from_logits.

    Args:
        label_smoothing: s in [0, 1] makes labels y (1 - s) + s / 2. Default: 0.
    """

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ):
        self._take(name, "metric_binary_crossentropy", from_logits, float(label_smoothing))


class CategoricalCrossentropy(Metric):
    """Log loss over classes, one-hot labels.

    Args:
        label_smoothing: s in [0, 1] makes labels y (1 - s) + s / classes. Default: 0.
        axis: of the classes: the last one, -1.
    """

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ):
        _last_axis("CategoricalCrossentropy", axis)
        smoothing = float(label_smoothing)
        self._take(name, "metric_categorical_crossentropy", False, from_logits, smoothing)


class SparseCategoricalCrossentropy(Metric):
    """Log loss over classes, labels are class ids."""

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ):
        _last_axis("SparseCategoricalCrossentropy", axis)
        refuse("SparseCategoricalCrossentropy", "give these samples sample_weight 0",
               ignore_class=ignore_class)  # fmt: skip
        self._take(name, "metric_categorical_crossentropy", True, from_logits)


def _last_axis(where: str, axis: int) -> None:
    if axis != -1:
        raise _core.Error(f"[{where}] classes lie on the last axis (axis=-1); got axis={axis}")


def _class_id(class_id: int | None) -> int:
    if class_id is None:
        return -1
    if class_id < 0:
        raise _core.Error(f"[metric] class_id must not be negative; got {class_id}")
    return int(class_id)


class Precision(Metric):
    """true positives / predicted positives; with top_k, precision@k of rankings.

    Args:
        thresholds: y_pred above it is positive. Default: 0.5.
        class_id: looks at this column of the last axis only.
    """

    def __init__(
        self,
        thresholds: float | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        if top_k is not None:
            refuse("Precision", "with top_k all classes are ranked", class_id=class_id)
            self._take(name or f"precision@{top_k}", "make_metric", f"precision@{top_k}")
        else:
            threshold = 0.5 if thresholds is None else float(thresholds)
            self._take(name or "precision", "metric_precision", threshold, _class_id(class_id))


class Recall(Metric):
    """true positives / actual positives; with top_k, recall@k of rankings.

    Args:
        thresholds, class_id: as in Precision.
    """

    def __init__(
        self,
        thresholds: float | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        if top_k is not None:
            refuse("Recall", "with top_k all classes are ranked", class_id=class_id)
            self._take(name or f"recall@{top_k}", "make_metric", f"recall@{top_k}")
        else:
            threshold = 0.5 if thresholds is None else float(thresholds)
            self._take(name or "recall", "metric_recall", threshold, _class_id(class_id))


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
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
    ):
        refuse("AUC", "the area is exact, without thresholds", thresholds=thresholds)
        refuse("AUC", "make one AUC for each label", multi_label=multi_label,
               num_labels=num_labels, label_weights=label_weights)  # fmt: skip
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
