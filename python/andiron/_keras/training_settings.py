"""What of a layer's description matters in training only: penalties and constraints."""

from __future__ import annotations

import warnings
from typing import Any

from andiron import constraints, regularizers

_CONSTRAINTS = {
    name.lower(): getattr(constraints, name)
    for name in ("MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm")
}


def of(layer: str, kind: str, what: str, value: Any, known: bool) -> Any:
    """A regularizer or a constraint of a layer of that kind; None, with a warning, where there is
    nothing like it here or our layer does not take one."""
    if what.endswith("_regularizer"):
        found = _penalty(layer, what, value)
    else:
        found = _constraint(layer, kind, what, value)
    if found is not None and not known:
        _told(layer, what, type(found).__name__)
        return None
    return found


def _penalty(layer: str, what: str, value: Any) -> regularizers.Regularizer | None:
    """A regularizer of Keras 2 or 3; a warning and None for one that is not here."""
    kind, config = _described(value)
    if kind in ("l1", "l2", "l1l2", "l1_l2"):
        amounts = {name: float(config.get(name) or 0.0) for name in ("l1", "l2")}
        if any(amounts.values()):
            return regularizers.L1L2(**amounts)
        return None if config else regularizers.L1L2(**{n: 0.01 for n in amounts if n in kind})
    _told(layer, what, kind)
    return None


def _constraint(layer: str, kind_of_layer: str, what: str, value: Any) -> Any:
    """A constraint of Keras on a weight that has here the axes that it has there, or another
    order of them."""
    kind, config = _described(value)
    found = _CONSTRAINTS.get(kind.replace("_", ""))
    if found is None:
        _told(layer, what, kind)
        return None
    config = {k: v for k, v in config.items() if k not in ("dtype", "name")}
    if "axis" in config and "Conv" in kind_of_layer and not what.startswith("bias"):
        if kind_of_layer.startswith(("Depthwise", "Separable")):
            _told(layer, what, kind)  # two of its axes are one here
            return None
        axes = config["axis"] if isinstance(config["axis"], list) else [config["axis"]]
        config["axis"] = [_moved(a, _rank(kind_of_layer)) for a in axes]
    return found(**config)


def _rank(kind: str) -> int:
    return 2 + int(next(c for c in kind if c.isdigit()))


def _moved(axis: int, rank: int) -> int:
    """[kernel..., channels, filters] -> [filters, channels, kernel...]"""
    axis %= rank
    return {rank - 1: 0, rank - 2: 1}.get(axis, axis + 2)


def _described(value: Any) -> tuple[str, dict]:
    if isinstance(value, str):
        return value.lower(), {}
    kind, config = value.get("class_name"), value.get("config")
    return str(kind).lower(), config if isinstance(config, dict) else {}


def _told(layer: str, what: str, kind: str) -> None:
    warnings.warn(
        f"[keras] the {what} of '{layer}' ({kind}) has no counterpart here: the model predicts the "
        "same, and is trained on without it",
        stacklevel=2,
    )
