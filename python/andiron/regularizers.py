"""Penalties on variables that are added to the loss: Keras's regularizers."""

from __future__ import annotations

from typing import Any

__all__ = ["L1", "L1L2", "L2", "Regularizer", "l1", "l1_l2", "l2"]


class Regularizer:
    """l1 * sum |x| + l2 * sum x^2."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1, self.l2 = l1, l2

    def __call__(self, x):
        from andiron import ops

        return self.l1 * ops.sum(ops.absolute(x)) + self.l2 * ops.sum(ops.square(x))

    def get_config(self) -> dict:
        return {"l1": self.l1, "l2": self.l2}

    def __repr__(self) -> str:
        return f"{type(self).__name__}(l1={self.l1}, l2={self.l2})"


class L1L2(Regularizer):
    """Both penalties."""


class L1(Regularizer):
    """l1 * sum |x|."""

    def __init__(self, l1: float = 0.01):
        super().__init__(l1=l1)


class L2(Regularizer):
    """l2 * sum x^2 (no half, as in Keras)."""

    def __init__(self, l2: float = 0.01):
        super().__init__(l2=l2)


l1, l2, l1_l2 = L1, L2, L1L2


def serialize(regularizer: Any) -> Any:
    """A regularizer, a name or None, as the core reads it."""
    if isinstance(regularizer, Regularizer):
        return {
            "class_name": "L1L2",
            "config": {"l1": float(regularizer.l1), "l2": float(regularizer.l2)},
        }
    return regularizer
