"""Weights of classes: as they are given, or balanced by how often classes come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from andiron import _core

BALANCED = "balanced"


def is_balanced(class_weight: Any) -> bool:
    """Whether weights are to be found by counting."""
    return isinstance(class_weight, str) and class_weight == BALANCED


def weights_by_class(class_weight: Any) -> dict[int, float]:
    """The argument class_weight, {class id: weight}."""
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            f'[fit] class_weight is {{class id: weight}} or "balanced"; got {class_weight!r}'
        )
    try:
        return {int(k): float(v) for k, v in class_weight.items()}
    except (TypeError, ValueError):
        raise TypeError(
            f"[fit] class_weight is {{class id: weight}}, numbers; got {class_weight!r}"
        ) from None


def balanced(counts: Mapping[int, int]) -> dict[int, float]:
    """Weights by which all classes count alike: rows / (classes * rows of the class), over the
    classes that there are (scikit-learn's compute_class_weight)."""
    total = sum(counts.values())
    return {i: total / (len(counts) * n) for i, n in sorted(counts.items())}


def weighed(weights: list, class_weight: Any, y: list) -> list:
    """Weights of samples (one array, or none) times those of their classes.

    Args:
        y: the targets, arrays; there is one where class_weight is given.
    """
    if class_weight is None:
        return weights
    require_one_output(len(y))
    if is_balanced(class_weight):
        class_weight = balanced(_core.class_counts(y[0]))
    of_class = _core.sample_weight_of_classes(y[0], weights_by_class(class_weight)).numpy()
    return [weights[0] * of_class] if weights else [of_class]


def require_one_output(n: int) -> None:
    if n != 1:
        raise _core.Error("[fit] class_weight is for models with one output")


def refuse_balanced(class_weight: Any, what: str) -> None:
    """For data that are not counted before they are trained on."""
    if is_balanced(class_weight):
        raise _core.Error(
            f'[fit] class_weight="balanced" counts the classes before training, and {what} come '
            "one by one: give {class id: weight}, rows / (classes * rows of the class)"
        )
