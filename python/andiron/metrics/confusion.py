"""Metrics of the table of classes and predictions, and of probabilities.

Predictions are one of: scores [..., classes], of which the highest decides; class ids as integers,
one for each label; one score for each label, class 1 above `threshold`. Labels are class ids, or
rows [..., classes] whose highest is the class.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from andiron._metric import Metric
from andiron.metrics.simple import last_axis, simple


def _settings(num_classes: int | None, threshold: float = 0.5, **more: Any) -> dict:
    """Without what is None."""
    found = {"num_classes": int(num_classes or 0), "threshold": float(threshold), **more}
    return {key: value for key, value in found.items() if value is not None}


class FBetaScore(Metric):
    """(1 + beta^2) precision recall / (beta^2 precision + recall) of each class or label.

    Args:
        average: None (an array, one figure a class), "binary" (class 1), "micro", "macro" or
            "weighted", as in scikit-learn. Default: None, as in Keras.
        beta: how much more recall counts than precision. Default: 1.
        threshold: rows [..., labels] may hold several labels, those above it; without, the highest
            score of a row is its class. (For one score a sample: 0.5; Keras takes all for positive
            there.) Default: None.
        num_classes: needed for predictions that are ids as floats.

    A class that was neither seen nor predicted counts 0 in the mean.

    Example:
        >>> from andiron import metrics
        >>> m = metrics.FBetaScore(beta=2.0, average="macro", threshold=0.5)
        >>> m.update_state([[1, 1, 1], [1, 0, 0], [1, 1, 0]],
        ...                [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]])
        >>> round(m.result(), 4)
        0.709
    """

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str = "fbeta_score",
        dtype: Any = None,
        *,
        num_classes: int | None = None,
    ):
        self._take(name, "metric_of", "fbeta_score",
                   _scores(average, threshold, num_classes, beta=float(beta)))  # fmt: skip


class F1Score(FBetaScore):
    """2 precision recall / (precision + recall); FBetaScore has the arguments."""

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str = "f1_score",
        dtype: Any = None,
        *,
        num_classes: int | None = None,
    ):
        super().__init__(average, 1.0, threshold, name, num_classes=num_classes)


class JaccardScore(Metric):
    """true positives / (true positives + false positives + false negatives); as FBetaScore."""

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str = "jaccard_score",
        dtype: Any = None,
        *,
        num_classes: int | None = None,
    ):
        self._take(name, "metric_of", "jaccard_score", _scores(average, threshold, num_classes))


def _scores(average: str | None, threshold: float | None, num_classes: Any, **more: Any) -> dict:
    found = {"average": average or "none", "num_classes": int(num_classes or 0), **more}
    return found if threshold is None else found | {"threshold": float(threshold)}


class ConfusionMatrix(Metric):
    """Counts [classes, classes]: rows are labels, columns predictions.

    Args:
        num_classes: by default as many as were seen.
        normalize: "true" (rows add up to 1), "pred" (columns), "all", or None. Default: None.
        threshold: of single scores. Default: 0.5.

    Example:
        >>> from andiron import metrics
        >>> m = metrics.ConfusionMatrix()
        >>> m.update_state([0, 1, 2, 2], [0, 2, 2, 2])
        >>> m.result().tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 2.0]]
    """

    def __init__(
        self,
        num_classes: int | None = None,
        normalize: str | None = None,
        threshold: float = 0.5,
        name: str = "confusion_matrix",
        dtype: Any = None,
    ):
        self._take(name, "metric_of", "confusion_matrix",
                   _settings(num_classes, threshold, normalize=normalize))  # fmt: skip


class BalancedAccuracy(Metric):
    """The mean recall of the classes that occur.

    Args:
        adjusted: 0 for guessing, 1 for perfection. Default: False.
        num_classes: needed for predictions that are ids as floats.
        threshold: of single scores. Default: 0.5.
    """

    def __init__(
        self,
        adjusted: bool = False,
        num_classes: int | None = None,
        threshold: float = 0.5,
        name: str = "balanced_accuracy",
        dtype: Any = None,
    ):
        self._take(name, "metric_of", "balanced_accuracy",
                   _settings(num_classes, threshold, adjusted=bool(adjusted)))  # fmt: skip


class CohenKappa(Metric):
    """Agreement beyond chance.

    Args:
        weights: None (all mistakes are equal), "linear" or "quadratic" in the distance of classes.
            Default: None.
        num_classes: needed for predictions that are ids as floats.
        threshold: of single scores. Default: 0.5.

    Source: Cohen, A Coefficient of Agreement for Nominal Scales, 1960.
    """

    def __init__(
        self,
        weights: str | None = None,
        num_classes: int | None = None,
        threshold: float = 0.5,
        name: str = "cohen_kappa",
        dtype: Any = None,
    ):
        self._take(name, "metric_of", "cohen_kappa",
                   _settings(num_classes, threshold, weights=weights))  # fmt: skip


class MatthewsCorrelation(Metric):
    """The correlation of labels and predictions, of two or more classes; 0 where one is constant.

    Args:
        num_classes: needed for predictions that are ids as floats.
        threshold: of single scores. Default: 0.5.

    Source: Gorodkin, Comparing two K-category assignments by a K-category correlation coefficient,
    2004.
    """

    def __init__(
        self,
        num_classes: int | None = None,
        threshold: float = 0.5,
        name: str = "matthews_correlation",
        dtype: Any = None,
    ):
        self._take(name, "metric_of", "matthews_correlation", _settings(num_classes, threshold))


class IoU(Metric):
    """Intersection over union of masks, the mean over classes that were seen.

    Args:
        num_classes: how many classes.
        target_class_ids: those that count.
        ignore_class: the label whose elements are left out; any number, also one that is no class
            (255, -1). Default: none.
        sparse_y_true, sparse_y_pred: accepted for Keras's sake; the shapes tell ids from scores.
        axis: of the classes: the last one, -1.
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Any,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        last_axis(type(self).__name__, axis)
        targets = None if target_class_ids is None else [int(c) for c in target_class_ids]
        ignored = None if ignore_class is None else int(ignore_class)
        self._take(name or _IOU[type(self).__name__], "metric_of", "iou",
                   _settings(num_classes, targets=targets, ignore_class=ignored))  # fmt: skip


_IOU = {"IoU": "io_u", "MeanIoU": "mean_io_u", "OneHotIoU": "one_hot_io_u",
        "OneHotMeanIoU": "one_hot_mean_io_u"}  # fmt: skip


class MeanIoU(IoU):
    """Intersection over union, the mean over all classes that were seen; IoU has the arguments."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__(num_classes, None, name, dtype, ignore_class, axis=axis)


class OneHotIoU(IoU):
    """IoU of one-hot labels."""

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Any,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, axis=axis)


class OneHotMeanIoU(IoU):
    """MeanIoU of one-hot labels."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, None, name, dtype, ignore_class, axis=axis)


class BinaryIoU(Metric):
    """Intersection over union of two classes by a threshold.

    Args:
        target_class_ids: those that count. Default: both.
        threshold: y_pred above it is class 1. Default: 0.5.
    """

    def __init__(
        self,
        target_class_ids: Any = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ):
        targets = [int(c) for c in target_class_ids]
        self._take(name or "binary_io_u", "metric_of", "iou",
                   _settings(2, threshold, targets=targets))  # fmt: skip


BrierScore = simple(
    "BrierScore",
    "brier_score",
    """The mean of (p - y)^2 for probabilities of class 1, or of its sum over rows [..., classes].

    Half of the sum for rows of two classes, as in scikit-learn. Labels are ids or one-hot.

    Source: Brier, Verification of Forecasts Expressed in Terms of Probability, 1950.
    """,
)


class ExpectedCalibrationError(Metric):
    """How far probabilities are from what happens: |mean p - frequency| over bins of p.

    Probabilities of class 1 are compared with how often the label is 1; rows [..., classes] have
    their highest compared with how often it is right.

    Args:
        num_bins: of equal width over [0, 1]. Default: 15.
        norm: "l1", bins weighted by their samples; "l2", the root of the mean square; "max", the
            worst bin. Default: "l1".

    Source: Guo et al., On Calibration of Modern Neural Networks, 2017.
    """

    def __init__(
        self,
        num_bins: int = 15,
        norm: str = "l1",
        name: str = "expected_calibration_error",
        dtype: Any = None,
    ):
        settings = {"num_bins": int(num_bins), "norm": norm}
        self._take(name, "metric_of", "expected_calibration_error", settings)

    def bins(self):
        """[bins, 3]: weight, mean probability and frequency of each bin (NaN in empty ones)."""
        weight, p, happened = self._core.state()["sums"].reshape(-1, 3).T
        some = np.where(weight > 0, weight, np.nan)
        return np.stack([weight, p / some, happened / some], axis=1)
