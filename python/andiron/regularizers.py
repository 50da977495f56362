"""Penalties on variables that are added to the loss: Keras's regularizers."""

from __future__ import annotations

from typing import Any

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
]


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


class OrthogonalRegularizer(Regularizer):
    """factor times the mean |cosine| of two different rows of a matrix.

    Args:
        factor: default 0.01.
        mode: "rows" (default) or "columns".
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows"):
        super().__init__()
        self.factor, self.mode = factor, mode

    def __call__(self, x):
        from andiron import ops

        axis = 1 if self.mode == "rows" else 0
        squares = ops.sum(ops.square(x), axes=(axis,), keepdims=True)
        unit = x * ops.rsqrt(ops.maximum(squares, 1e-14))
        turned = ops.transpose(unit, (1, 0))
        products = ops.matmul(unit, turned) if axis == 1 else ops.matmul(turned, unit)
        others = ops.sum(ops.absolute(products)) - ops.sum(ops.square(unit))
        n = products.shape[0]
        return others * (self.factor / (n * (n - 1)))

    def get_config(self) -> dict:
        return {"factor": self.factor, "mode": self.mode}

    def __repr__(self) -> str:
        return f"OrthogonalRegularizer(factor={self.factor}, mode={self.mode!r})"


l1, l2, l1_l2 = L1, L2, L1L2
orthogonal_regularizer = OrthogonalRegularizer


def serialize(regularizer: Any) -> Any:
    """A regularizer, a name or None, as the core reads it."""
    if isinstance(regularizer, OrthogonalRegularizer):
        config = {"factor": float(regularizer.factor), "mode": regularizer.mode}
        return {"class_name": "OrthogonalRegularizer", "config": config}
    if isinstance(regularizer, Regularizer):
        return {
            "class_name": "L1L2",
            "config": {"l1": float(regularizer.l1), "l2": float(regularizer.l2)},
        }
    return regularizer
