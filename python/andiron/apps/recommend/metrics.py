"""Binary metrics in NumPy, for scores of any scale. Equal to scikit-learn's (tests/recommend)."""

from __future__ import annotations

import numpy as np


def _curve(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct scores from high to low, with true and false positives at or above each."""
    labels = np.asarray(labels).astype(bool).ravel()
    scores = np.asarray(scores, np.float64).ravel()
    if labels.shape != scores.shape:
        raise ValueError(f"[metrics] as many labels as scores; got {labels.size}, {scores.size}")
    if not np.isfinite(scores).all():
        raise ValueError("[metrics] scores are finite; some are NaN or infinite")
    if labels.all() or not labels.any():
        kind = "positive" if labels.size and labels.all() else "negative"
        raise ValueError(f"[metrics] both classes are needed; all {labels.size} are {kind}")
    order = np.argsort(-scores, kind="stable")
    scores, labels = scores[order], labels[order]
    last = np.append(np.flatnonzero(np.diff(scores)), scores.size - 1)
    true = np.cumsum(labels)[last]
    return scores[last], true, last + 1 - true


def roc_curve(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true positive rates at falling thresholds, both from 0 to 1."""
    _, true, false = _curve(labels, scores)
    return np.append(0.0, false / false[-1]), np.append(0.0, true / true[-1])


def auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve; ties count half."""
    x, y = roc_curve(labels, scores)
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2))


def precision_recall_curve(
    labels: np.ndarray, scores: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and threshold at each distinct score, from the highest down."""
    thresholds, true, false = _curve(labels, scores)
    return true / (true + false), true / true[-1], thresholds


def auprc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Average precision: the sum of precision × step of recall, without interpolation."""
    precision, recall, _ = precision_recall_curve(labels, scores)
    return float(np.sum(np.diff(np.append(0.0, recall)) * precision))


def best_f1_threshold(labels: np.ndarray, scores: np.ndarray) -> float:
    """The score at or above which calling a pair positive gives the highest F1."""
    precision, recall, thresholds = precision_recall_curve(labels, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(thresholds[np.argmax(f1)])


def precision_recall_at(
    labels: np.ndarray, scores: np.ndarray, threshold: float
) -> tuple[float, float]:
    """Precision and recall of calling scores at or above `threshold` positive."""
    labels = np.asarray(labels).astype(bool).ravel()
    called = np.asarray(scores).ravel() >= threshold
    hits = float(np.sum(labels & called))
    return hits / max(float(called.sum()), 1.0), hits / max(float(labels.sum()), 1.0)


def calibration(
    labels: np.ndarray, probabilities: np.ndarray, bins: int = 10
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean prediction, share of positives and count in bins of equally many pairs."""
    order = np.argsort(probabilities, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    labels = np.asarray(labels, np.float64)
    return (
        np.array([np.mean(probabilities[part]) for part in parts]),
        np.array([labels[part].mean() for part in parts]),
        np.array([len(part) for part in parts]),
    )
