"""Streaming metrics: Keras's names, scikit-learn's figures.

Each adds batches (`update_state`), merges what several have seen (`merge_state`), forgets
(`reset_state`), and takes sample weights. A metric with several figures (by class, by threshold, a
matrix) gives an array; `compile` takes those that give a number.
"""

from __future__ import annotations

from typing import Any

from andiron._metric import FunctionMetric, Metric
from andiron._nearest import suggesting
from andiron.metrics.classification import (
    AUC,
    Accuracy,
    BinaryAccuracy,
    BinaryCrossentropy,
    CategoricalAccuracy,
    CategoricalCrossentropy,
    CategoricalHinge,
    FalseNegatives,
    FalsePositives,
    Hinge,
    KLDivergence,
    Precision,
    PrecisionAtRecall,
    Recall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SparseCategoricalAccuracy,
    SparseCategoricalCrossentropy,
    SparseTopKCategoricalAccuracy,
    SpecificityAtSensitivity,
    SquaredHinge,
    TopKCategoricalAccuracy,
    TrueNegatives,
    TruePositives,
)
from andiron.metrics.confusion import (
    BalancedAccuracy,
    BinaryIoU,
    BrierScore,
    CohenKappa,
    ConfusionMatrix,
    ExpectedCalibrationError,
    F1Score,
    FBetaScore,
    IoU,
    JaccardScore,
    MatthewsCorrelation,
    MeanIoU,
    OneHotIoU,
    OneHotMeanIoU,
)
from andiron.metrics.ranking import (
    MAP,
    MRR,
    NDCG,
    Coverage,
    HitRate,
    IntraListDiversity,
    Novelty,
    PrecisionAtK,
    RecallAtK,
    rank_users,
    top_items,
)
from andiron.metrics.regression import (
    ConcordanceCorrelation,
    CosineSimilarity,
    Huber,
    LogCoshError,
    Mean,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanPinballLoss,
    MeanRelativeError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    PearsonCorrelation,
    Poisson,
    R2Score,
    RootMeanSquaredError,
    Sum,
    SymmetricMeanAbsolutePercentageError,
)

__all__ = [
    "AUC",
    "Accuracy",
    "BalancedAccuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "BinaryIoU",
    "BrierScore",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CohenKappa",
    "ConcordanceCorrelation",
    "ConfusionMatrix",
    "CosineSimilarity",
    "Coverage",
    "ExpectedCalibrationError",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "HitRate",
    "Huber",
    "IntraListDiversity",
    "IoU",
    "JaccardScore",
    "KLDivergence",
    "LogCoshError",
    "MAP",
    "MRR",
    "MatthewsCorrelation",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanIoU",
    "MeanPinballLoss",
    "MeanRelativeError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "NDCG",
    "Novelty",
    "OneHotIoU",
    "OneHotMeanIoU",
    "PearsonCorrelation",
    "Poisson",
    "Precision",
    "PrecisionAtK",
    "PrecisionAtRecall",
    "R2Score",
    "Recall",
    "RecallAtK",
    "RecallAtPrecision",
    "RootMeanSquaredError",
    "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity",
    "SquaredHinge",
    "Sum",
    "SymmetricMeanAbsolutePercentageError",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "get",
    "rank_users",
    "top_items",
]


def get(identifier: Any) -> Metric:
    """The metric that a name, a class or a function (y_true, y_pred) means."""
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, str):
        metric = object.__new__(Metric)
        with suggesting():
            metric._take(identifier, "make_metric", identifier)
        return metric
    if callable(identifier):
        return FunctionMetric(identifier)
    raise TypeError(f"[compile] a metric is a name, a Metric or a function; got {identifier!r}")
