"""Metrics of scores, probabilities and labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from andiron import _core
from andiron._metric import Metric
from andiron._refuse import refuse
from andiron.metrics.simple import last_axis, simple

Accuracy = simple("Accuracy", "accuracy", "How often the prediction is right; by the shapes.")
CategoricalAccuracy = simple(
    "CategoricalAccuracy", "categorical_accuracy", "The same for one-hot labels."
)
SparseCategoricalAccuracy = simple(
    "SparseCategoricalAccuracy", "sparse_categorical_accuracy", "The same for class ids."
)
Hinge = simple("Hinge", "hinge", "mean max(1 - y_true y_pred, 0), labels -1 (or 0) and 1")
SquaredHinge = simple("SquaredHinge", "squared_hinge", "mean max(1 - y_true y_pred, 0)^2")
CategoricalHinge = simple(
    "CategoricalHinge",
    "categorical_hinge",
    "mean max(max((1 - y_true) y_pred) - sum(y_true y_pred) + 1, 0), one-hot labels",
)
KLDivergence = simple(
    "KLDivergence", "kl_divergence", "mean sum y_true log(y_true / y_pred), both at least 1e-7"
)


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
        last_axis("CategoricalCrossentropy", axis)
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
        last_axis("SparseCategoricalCrossentropy", axis)
        refuse("SparseCategoricalCrossentropy", "give these samples sample_weight 0",
               ignore_class=ignore_class)  # fmt: skip
        self._take(name, "metric_categorical_crossentropy", True, from_logits)


class TopKCategoricalAccuracy(Metric):
    """How often fewer than k scores are above that of the label, one-hot labels.

    Args:
        k: Default: 5.
    """

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: Any = None):
        self._take(name, "metric_of", "top_k_categorical_accuracy", {"k": int(k)})


class SparseTopKCategoricalAccuracy(Metric):
    """How often fewer than k scores are above that of the label, class ids.

    Args:
        k: Default: 5.
    """

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ):
        refuse("SparseTopKCategoricalAccuracy", "y_pred are scores",
               from_sorted_ids=from_sorted_ids)  # fmt: skip
        self._take(name, "metric_of", "sparse_top_k_categorical_accuracy", {"k": int(k)})


def _thresholds(given: Any) -> list[float]:
    return [0.5] if given is None else [float(t) for t in np.atleast_1d(np.asarray(given))]


def _class_id(class_id: int | None) -> int:
    if class_id is None:
        return -1
    if class_id < 0:
        raise _core.Error(f"[metric] class_id must not be negative; got {class_id}")
    return int(class_id)


def _rate(class_name: str, stem: str, doc: str) -> type:
    """Precision and Recall, which differ by what they divide by."""

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        *,
        average: str | None = None,
        num_classes: int | None = None,
    ):
        if top_k is not None:
            refuse(class_name, "with top_k all classes are ranked",
                   class_id=class_id, average=average)  # fmt: skip
            self._take(name or f"{stem}@{top_k}", "make_metric", f"{stem}@{top_k}")
            return
        numbers = _thresholds(thresholds)
        if average is None:
            refuse(class_name, "it goes with an average", num_classes=num_classes)
            settings = {"thresholds": numbers, "class_id": _class_id(class_id)}
            self._take(name or stem, "metric_of", f"threshold_{stem}", settings)
            return
        refuse(class_name, "an average is over all classes", class_id=class_id)
        if len(numbers) > 1:
            raise _core.Error(f"[{class_name}] an average goes with one threshold; got {numbers}")
        settings = {"average": average, "num_classes": int(num_classes or 0)}
        if thresholds is not None:
            settings["threshold"] = numbers[0]
        self._take(name or stem, "metric_of", f"class_{stem}", settings)

    return type(class_name, (Metric,), {"__init__": __init__, "__doc__": doc})


_RATE = """

    Args:
        thresholds: y_pred above it is positive; several give an array. Default: 0.5.
        top_k: {stem}@k of rankings instead.
        class_id: looks at this column of the last axis only.
        average: "binary", "micro", "macro" or "weighted" over classes, as in scikit-learn: without
            `thresholds` of rows [..., classes] by their highest score (y_true: ids or one-hot),
            with it of several labels a row. Default: all elements are one class.
        num_classes: with an average: needed for predictions that are ids as floats.
    """
Precision = _rate(
    "Precision",
    "precision",
    "true positives / predicted positives; with top_k, precision@k of rankings."
    + _RATE.format(stem="precision"),
)
Recall = _rate(
    "Recall",
    "recall",
    "true positives / actual positives; with top_k, recall@k of rankings."
    + _RATE.format(stem="recall"),
)


def _cell(class_name: str, kind: str, doc: str) -> type:
    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None):
        numbers = _thresholds(thresholds)
        self._take(name or kind, "metric_of", kind, {"thresholds": numbers})

    doc += """

    Args:
        thresholds: y_pred above it is positive; several give an array. Default: 0.5.
    """
    return type(class_name, (Metric,), {"__init__": __init__, "__doc__": doc})


TruePositives = _cell("TruePositives", "true_positives", "Labels 1 that are predicted so.")
TrueNegatives = _cell("TrueNegatives", "true_negatives", "Labels 0 that are predicted so.")
FalsePositives = _cell("FalsePositives", "false_positives", "Labels 0 that are predicted 1.")
FalseNegatives = _cell("FalseNegatives", "false_negatives", "Labels 1 that are predicted 0.")


class AUC(Metric):
    """Area under a curve, exact (not on Keras's grid of thresholds): scikit-learn's figures.

    Args:
        curve: "ROC" or "PR" (average precision). Default: "ROC".
        multi_label: an area for each label (or class: y_true may be ids) of y_pred [..., labels],
            and of them `average`. Default: False, all elements are one.
        num_labels: how many labels; by default as many as the first batch has.
        label_weights: of the mean over labels.
        average: "macro", "weighted" by positives, or None for an array. Default: "macro".
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
        average: str | None = "macro",
    ):
        refuse("AUC", "the area is exact, without thresholds", thresholds=thresholds)
        if curve not in ("ROC", "PR"):
            raise _core.Error(f'[AUC] curve is "ROC" or "PR"; got {curve!r}')
        if not multi_label:
            refuse("AUC", "it goes with multi_label=True", num_labels=num_labels,
                   label_weights=label_weights)  # fmt: skip
            self._take(name or "auc", "make_metric", "auroc" if curve == "ROC" else "auprc")
            return
        settings = {"curve": curve, "average": average or "none"}
        if num_labels is not None:
            settings["num_labels"] = int(num_labels)
        if label_weights is not None:
            settings["label_weights"] = np.asarray(label_weights, np.float64).reshape(-1).tolist()
        self._take(name or "auc", "metric_of", "label_areas", settings)


class _AtLeast(Metric):
    """The best value of one figure over all thresholds where another is at least so high."""

    def _at(self, kind: str, bound: float, class_id: int | None, name: str | None) -> None:
        settings = {"bound": float(bound), "class_id": _class_id(class_id)}
        self._take(name or kind, "metric_of", kind, settings)


class SensitivityAtSpecificity(_AtLeast):
    """The highest share of positives found where so many negatives are right.

    Args:
        specificity: at least so much, in [0, 1].
        num_thresholds: accepted for Keras's sake; every score is a threshold here.
        class_id: looks at this column of the last axis only.

    0 where no threshold has as much; NaN while a class that it needs was not seen.
    """

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._at("sensitivity_at_specificity", specificity, class_id, name)


class SpecificityAtSensitivity(_AtLeast):
    """The highest share of negatives that are right where so many positives are found.

    Args:
        sensitivity: at least so much, in [0, 1].
        num_thresholds: accepted for Keras's sake; every score is a threshold here.
        class_id: looks at this column of the last axis only.

    0 where no threshold has as much; NaN while a class that it needs was not seen.
    """

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._at("specificity_at_sensitivity", sensitivity, class_id, name)


class PrecisionAtRecall(_AtLeast):
    """The highest precision where the recall is at least so high.

    Args:
        recall: at least so much, in [0, 1].
        num_thresholds: accepted for Keras's sake; every score is a threshold here.
        class_id: looks at this column of the last axis only.

    0 where no threshold has as much; NaN while a class that it needs was not seen.
    """

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._at("precision_at_recall", recall, class_id, name)


class RecallAtPrecision(_AtLeast):
    """The highest recall where the precision is at least so high.

    Args:
        precision: at least so much, in [0, 1].
        num_thresholds: accepted for Keras's sake; every score is a threshold here.
        class_id: looks at this column of the last axis only.

    0 where no threshold has as much; NaN while a class that it needs was not seen.
    """

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        self._at("recall_at_precision", precision, class_id, name)
