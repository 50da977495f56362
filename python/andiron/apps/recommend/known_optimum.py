"""How well pairs can be ranked when the chance of each to be positive is known.

With labels drawn from probabilities p, the share of pairs that scores put right tends to what the
curves of *expected* true and false positives enclose: a pair counts p as a positive and 1 - p as a
negative. No scores lie above the curve of p itself (Neyman and Pearson 1933), in ROC space and
hence in precision and recall (Davis & Goadrich 2006).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

_GROUPS = 20  # of users, for the standard error
_BINS = 1 << 16  # of log rates; a bin's pairs count as tied
_TINY = np.finfo(float).tiny
_LOWEST, _HIGHEST = -46.0, 12.0  # of log rates; beyond them a chance is 0 or 1 in doubles


@dataclasses.dataclass(frozen=True)
class Optimum:
    """What the best scorer reaches, with standard errors (0: all users were looked at)."""

    auroc: float
    auprc: float
    auroc_error: float
    auprc_error: float
    positives: float  # the share of pairs to be expected

    def __str__(self) -> str:
        return (
            f"AUROC {self.auroc:.4f} ± {self.auroc_error:.4f}, AUPRC {self.auprc:.4f} ± "
            f"{self.auprc_error:.4f}, {100 * self.positives:.3f} % positive"
        )


def expected_quality(probabilities: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """AUROC and AUPRC (average precision) of scores, in the mean over labels drawn from
    `probabilities`: what `metrics.auroc` and `metrics.auprc` of such labels tend to.

    It judges a model without the noise of a draw.

    Args:
        probabilities: of each pair to be positive, in [0, 1].
        scores: of as many pairs; higher is better.

    Raises:
        ValueError: the sizes differ, or there are no positives or no negatives to expect.

    Example:
        >>> expected_quality(np.array([0.9, 0.1]), np.array([2.0, 1.0]))[0]
        0.9
    """
    p = np.asarray(probabilities, np.float64).ravel()
    scores = np.asarray(scores, np.float64).ravel()
    if p.shape != scores.shape:
        raise ValueError(
            f"[known_optimum] as many probabilities as scores; got {p.size}, {scores.size}"
        )
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(p) - 1)
    return _areas(np.cumsum(p[order])[last], np.cumsum(1 - p[order])[last])


def optimum_of(log_rates: Iterable[np.ndarray], sampled: bool) -> Optimum:
    """The optimum over chunks of users, [n, m] logarithms of the events to expect of each pair.

    Args:
        sampled: whether the users are a sample, so that the optimum has a standard error: by
            leaving out each of 20 groups of users in turn (the jackknife).
    """
    groups = _GROUPS if sampled else 1
    positive, negative = np.zeros((2, groups, _BINS))
    user = 0
    for chunk in log_rates:
        p = -np.expm1(-np.exp(chunk))
        place = (chunk - _LOWEST) * (_BINS / (_HIGHEST - _LOWEST))
        place = np.clip(place.astype(np.int64), 0, _BINS - 1)
        group = (user + np.arange(len(chunk))) % groups
        user += len(chunk)
        for g in np.unique(group):
            at, here = place[group == g].ravel(), p[group == g].ravel()
            positive[g] += np.bincount(at, here, _BINS)
            negative[g] += np.bincount(at, 1 - here, _BINS)
    p, n = positive.sum(axis=0), negative.sum(axis=0)
    whole = _areas_of_bins(p, n)
    errors = [0.0, 0.0]
    if sampled:
        without = [
            _areas_of_bins(p - positive[g], n - negative[g]) for g in range(min(groups, user))
        ]
        spread = np.var(without, axis=0)
        errors = np.sqrt((len(without) - 1) * spread).tolist()
    return Optimum(*whole, *errors, float(p.sum() / (p.sum() + n.sum())))


def _areas_of_bins(positive: np.ndarray, negative: np.ndarray) -> tuple[float, float]:
    """Of bins from the lowest. Within a bin precision changes evenly, where all at once would cost
    half its change."""
    true, false = np.cumsum(positive[::-1]), np.cumsum(negative[::-1])
    precision = true / np.maximum(true + false, _TINY)
    before = np.append(0.0, precision[:-1])
    before[np.argmax(true > 0)] = precision[np.argmax(true > 0)]
    auprc = np.sum(positive[::-1] * (before + precision) / 2) / true[-1]
    return _auroc(true, false), float(auprc)


def _areas(true: np.ndarray, false: np.ndarray) -> tuple[float, float]:
    """AUROC and AUPRC from positives and negatives at or above each threshold, from the highest."""
    precision = true / np.maximum(true + false, _TINY)
    auroc = _auroc(true, false)
    return auroc, float(np.sum(np.diff(true, prepend=0.0) * precision) / true[-1])


def _auroc(true: np.ndarray, false: np.ndarray) -> float:
    if not (true[-1] > 0 and false[-1] > 0):
        raise ValueError("[known_optimum] both classes are needed; one of them has probability 0")
    new_true, new_false = np.diff(true, prepend=0.0), np.diff(false, prepend=0.0)
    return float(np.sum(new_false * (true - new_true / 2)) / (true[-1] * false[-1]))
