"""What variables are brought to after each update: Keras's constraints."""

from __future__ import annotations

from typing import Any

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "unit_norm",
]

_EPSILON = 1e-7


class Constraint:
    """Base of the constraints; norms are Euclidean, over `axis` (an axis or several)."""

    def __init__(self, **config: Any):
        self._config = config
        for name, value in config.items():
            setattr(self, name, value)

    def _norms(self, w):
        from andiron import ops

        axes = (self.axis,) if isinstance(self.axis, int) else tuple(self.axis)
        return ops.sqrt(ops.sum(ops.square(w), axes, True))

    def get_config(self) -> dict:
        return dict(self._config)

    @classmethod
    def from_config(cls, config: dict):
        """The constraint that get_config described."""
        return cls(**config)

    def __repr__(self) -> str:
        given = ", ".join(f"{k}={v}" for k, v in self._config.items())
        return f"{type(self).__name__}({given})"


class MaxNorm(Constraint):
    """w * clip(norm, 0, max_value) / (1e-7 + norm)."""

    def __init__(self, max_value: float = 2, axis: Any = 0):
        super().__init__(max_value=max_value, axis=axis)

    def __call__(self, w):
        from andiron import ops

        norms = self._norms(w)
        return w * (ops.clip(norms, 0.0, float(self.max_value)) / (norms + _EPSILON))


class NonNeg(Constraint):
    """max(w, 0)."""

    def __init__(self):
        super().__init__()

    def __call__(self, w):
        from andiron import ops

        return ops.maximum(w, 0.0)


class UnitNorm(Constraint):
    """w / (1e-7 + norm)."""

    def __init__(self, axis: Any = 0):
        super().__init__(axis=axis)

    def __call__(self, w):
        return w / (self._norms(w) + _EPSILON)


class MinMaxNorm(Constraint):
    """w * (rate * clip(norm, min_value, max_value) + (1 - rate) * norm) / (1e-7 + norm)."""

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0
    ):
        super().__init__(min_value=min_value, max_value=max_value, rate=rate, axis=axis)

    def __call__(self, w):
        from andiron import ops

        norms = self._norms(w)
        desired = ops.clip(norms, float(self.min_value), float(self.max_value)) * self.rate
        return w * ((desired + norms * (1.0 - self.rate)) / (norms + _EPSILON))


max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm


def serialize(constraint: Any) -> Any:
    """A constraint, a class of one, a name or None, as the core reads it."""
    if isinstance(constraint, type) and issubclass(constraint, Constraint):
        constraint = constraint()
    if isinstance(constraint, Constraint):
        if type(constraint).__name__ not in __all__:
            raise TypeError(
                f"[constraint] there are MaxNorm, NonNeg, UnitNorm, MinMaxNorm; got {constraint!r}"
            )
        return {"class_name": type(constraint).__name__, "config": constraint.get_config()}
    if constraint is None or isinstance(constraint, (str, dict)):
        return constraint
    raise TypeError(f"[constraint] it is a name or one of andiron.constraints; got {constraint!r}")
