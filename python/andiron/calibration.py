"""Scores into chances that mean what they say, and how far chances are from that."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from andiron import _core

__all__ = ["IsotonicCalibrator", "PlattCalibrator", "Reliability", "reliability"]


class IsotonicCalibrator:
    """The chance as a non-decreasing function of the score: the one with the least squared error
    on held-out (score, label) pairs, linear between them. Right with some thousand labels or more;
    with few, `PlattCalibrator` errs less.

    The same as scikit-learn's IsotonicRegression(out_of_bounds="clip"), unless `strict`.
    Sources: Zadrozny & Elkan 2002; pool adjacent violators, Ayer et al. 1955.

    Args:
        strict: the function rises everywhere between the lowest and the highest level: through the
            middle of each level (Oron & Flournoy 2017), so scores of one level keep their order.
            Default: False.

    After `fit`: `scores_`, `chances_`: the function's corners.

    Example:
        >>> calibrator = IsotonicCalibrator().fit([0.1, 0.4, 0.6, 0.9], [0, 1, 0, 1])
        >>> calibrator.transform([0.0, 0.5, 2.0]).tolist()
        [0.0, 0.5, 1.0]
    """

    def __init__(self, strict: bool = False):
        self.strict = strict

    def fit(self, scores: Any, labels: Any, sample_weight: Any = None) -> IsotonicCalibrator:
        """Args:
            scores: [n], any scale; higher is likelier. labels: [n], 0 or 1 (or shares).
            sample_weight: [n], not negative. Default: all alike.

        Errors:
            andiron.Error for what is not finite, lengths that differ, or nothing to learn from.
        """
        x, y, w = _pairs(scores, labels, sample_weight)
        order = np.argsort(x, kind="stable")
        x, first = np.unique(x[order], return_index=True)
        weight = np.add.reduceat(w[order], first)
        mean = np.add.reduceat((w * y)[order], first) / weight
        fitted = _core.non_decreasing(mean, weight).numpy()
        if self.strict:
            starts = np.flatnonzero(np.diff(fitted, prepend=-np.inf))
            total = np.add.reduceat(weight, starts)
            self.scores_ = np.add.reduceat(weight * x, starts) / total
            self.chances_ = fitted[starts]
            return self
        # Inside of a level the corners say nothing.
        same = fitted[1:] == fitted[:-1]
        inner = np.zeros(len(x), bool)
        inner[1:-1] = same[1:] & same[:-1]
        self.scores_, self.chances_ = x[~inner], fitted[~inner]
        return self

    def transform(self, scores: Any) -> np.ndarray:
        """The chances, of the shape of `scores`, float64; NaN stays NaN."""
        return np.interp(np.asarray(scores, np.float64), self.scores_, self.chances_)


class PlattCalibrator:
    """The chance as a logistic function of the score, 1 / (1 + exp(-(a s + b))), by maximum
    likelihood with Platt's smoothed labels.

    The same as method="sigmoid" of scikit-learn's CalibratedClassifierCV.
    Source: Platt 1999; Lin, Lin & Weng 2007.

    After `fit`: `slope_` (a) and `intercept_` (b).

    Example:
        >>> calibrator = PlattCalibrator().fit([-2.0, -1.0, 1.0, 2.0], [0, 1, 0, 1])
        >>> bool(calibrator.transform([2.0])[0] > 0.5)
        True
    """

    def fit(self, scores: Any, labels: Any, sample_weight: Any = None) -> PlattCalibrator:
        """As IsotonicCalibrator's."""
        x, y, w = _pairs(scores, labels, sample_weight)
        positive, negative = (w * y).sum(), (w * (1 - y)).sum()
        target = y * (positive + 1) / (positive + 2) + (1 - y) / (negative + 2)
        centre, scale = float(x.mean()), float(x.std()) or 1.0
        z = (x - centre) / scale
        a, b = 0.0, float(np.log((positive + 1) / (negative + 1)))
        loss = _logistic(a * z + b, target, w)
        for _ in range(100):  # Newton's steps, halved where they go too far
            p = sigmoid(a * z + b)
            r, h = w * (p - target), w * p * (1 - p)
            gradient = np.array([r @ z, r.sum()])
            hessian = np.array([[h @ (z * z), h @ z], [h @ z, h.sum()]]) + 1e-12 * np.eye(2)
            step = np.linalg.solve(hessian, gradient)
            if np.abs(gradient).max() < 1e-10 * w.sum():
                break
            for _ in range(40):
                tried = _logistic((a - step[0]) * z + b - step[1], target, w)
                if tried <= loss:
                    break
                step /= 2
            a, b, loss = a - step[0], b - step[1], tried
        self.slope_, self.intercept_ = a / scale, b - a * centre / scale
        return self

    def transform(self, scores: Any) -> np.ndarray:
        """The chances, of the shape of `scores`, float64; NaN stays NaN."""
        return sigmoid(self.slope_ * np.asarray(scores, np.float64) + self.intercept_)


@dataclasses.dataclass(frozen=True)
class Reliability:
    """What came of chances, bin by bin.

    Attributes:
        chance: [bins] mean of those in the bin. share: [bins] of positives among them.
        weight: [bins] how many (or their weight). error: expected calibration error, the mean of
            |chance - share| by weight (Naeini et al. 2015). brier: mean of (chance - label)².
    """

    chance: np.ndarray
    share: np.ndarray
    weight: np.ndarray
    error: float
    brier: float

    def plot(self, axes: Any, label: str | None = None) -> None:
        """Draws the shares over the chances into matplotlib's `axes`, with the diagonal."""
        top = max(float(self.chance.max(initial=0)), float(self.share.max(initial=0)), 1e-6)
        axes.plot([0, top], [0, top], color="#999", linewidth=1, linestyle="--")
        axes.plot(self.chance, self.share, marker="o", markersize=4, label=label)
        axes.set_xlabel("chance that was given")
        axes.set_ylabel("share that came true")


def reliability(
    labels: Any, chances: Any, bins: int = 10, sample_weight: Any = None
) -> Reliability:
    """Compares chances with what came true, in bins of about equally many.

    Args:
        labels: [n], 0 or 1. chances: [n] in [0, 1].
        bins: at most so many; equal chances stay together. Default: 10.
        sample_weight: [n]. Default: all alike.

    Example:
        >>> reliability([0, 0, 0, 1], [0.25, 0.25, 0.25, 0.25]).error
        0.0
    """
    p, y, w = _pairs(chances, labels, sample_weight)
    if p.min() < 0 or p.max() > 1:
        raise _core.Error(f"[calibration] chances are in [0, 1]; got {p.min()} to {p.max()}")
    if bins < 1:
        raise _core.Error(f"[calibration] bins is at least 1; got {bins}")
    order = np.argsort(p, kind="stable")
    p, y, w = p[order], y[order], w[order]
    until = np.cumsum(w)
    bin_of = np.minimum((until - w / 2) / until[-1] * bins, bins - 1).astype(int)
    _, of_value = np.unique(p, return_inverse=True)
    bin_of = np.minimum.reduceat(bin_of, np.unique(of_value, return_index=True)[1])[of_value]
    starts = np.flatnonzero(np.diff(bin_of, prepend=-1))
    weight = np.add.reduceat(w, starts)
    chance = np.add.reduceat(w * p, starts) / weight
    share = np.add.reduceat(w * y, starts) / weight
    error = float((weight * np.abs(chance - share)).sum() / weight.sum())
    brier = float((w * (p - y) ** 2).sum() / w.sum())
    return Reliability(chance, share, weight, error, brier)


def _pairs(scores: Any, labels: Any, weight: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x = np.asarray(scores, np.float64).ravel()
    y = np.asarray(labels, np.float64).ravel()
    w = np.ones(len(x)) if weight is None else np.asarray(weight, np.float64).ravel()
    if not len(x) == len(y) == len(w):
        raise _core.Error(
            f"[calibration] scores, labels and weights are equally many; got {len(x)}, {len(y)} "
            f"and {len(w)}"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all() and np.isfinite(w).all()):
        raise _core.Error("[calibration] scores, labels and weights are finite")
    if len(y) and not 0 <= y.min() <= y.max() <= 1:
        raise _core.Error(f"[calibration] labels are 0 or 1; got {y.min()} to {y.max()}")
    if len(w) and w.min() < 0:
        raise _core.Error(f"[calibration] weights are not negative; got {w.min()}")
    some = w > 0
    if not some.any():
        raise _core.Error("[calibration] there is nothing to learn from")
    return x[some], y[some], w[some]


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z)), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * z))


def _logistic(z: np.ndarray, target: np.ndarray, w: np.ndarray) -> float:
    return float((w * (np.logaddexp(0, z) - target * z)).sum())
