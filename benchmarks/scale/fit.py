"""A straight line through measured times, with error bars."""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Line:
    """seconds = alpha + beta * amount (bytes, rows); errors are standard errors."""

    alpha: float
    beta: float
    alpha_error: float
    beta_error: float
    residual: float  # the root of the mean squared relative deviation

    def at(self, amount: float) -> float:
        return self.alpha + self.beta * amount


def line(amounts: np.ndarray, seconds: np.ndarray) -> Line:
    """Least squares of relative deviations: a time of 1 ms weighs as much as one of 1 s.

    Args:
        amounts, seconds: [n], of measurements of two sizes at least.
    """
    x, t = np.asarray(amounts, float), np.asarray(seconds, float)
    design = np.stack([1 / t, x / t], axis=1)
    scale = np.abs(design).max(axis=0)  # amounts are large numbers
    solved, *_ = np.linalg.lstsq(design / scale, np.ones(len(t)), rcond=None)
    left = 1 - design / scale @ solved
    variance = left @ left / max(1, len(t) - 2)
    covariance = np.linalg.inv((design / scale).T @ (design / scale)) * variance
    alpha, beta = solved / scale
    errors = np.sqrt(np.diag(covariance)) / scale
    return Line(alpha, beta, errors[0], errors[1], float(np.sqrt(np.mean(left**2))))
