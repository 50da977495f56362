"""Metrics of one's own as graphs."""

from __future__ import annotations

from typing import Any

import numpy as np

from andiron import _core


def trace(metric: Any, y_true: tuple, y_pred: tuple, weighted: bool):
    """The core's metric for types (dtype, shape). Raises what the methods raise on graph values."""
    kept = _Kept(metric)
    try:
        out = _trace(metric, y_true, y_pred, weighted)
        changed = kept.changed()
    finally:
        kept.restore()
    if changed:
        raise _core.Error(f"it keeps numbers in the attribute '{changed[0]}', not in a variable")
    return out


def _trace(metric: Any, y_true: tuple, y_pred: tuple, weighted: bool):
    variables = metric.variables
    if not variables:
        raise _core.Error("its state is not in variables made by add_weight")

    def update(with_weight: bool):
        t = _core.placeholder("y_true", y_true[1], y_true[0])
        p = _core.placeholder("y_pred", y_pred[1], y_pred[0])
        if not with_weight:
            assigned = _core.trace_assignments(metric.update_state, t, p)[1]
            return _core.Graph([t, p], [], _own(assigned, variables))
        w = _core.placeholder("sample_weight", (None,), "float32")
        call = lambda: metric.update_state(t, p, sample_weight=w)  # noqa: E731
        return _core.Graph([t, p, w], [], _own(_core.trace_assignments(call)[1], variables))

    plain = update(False)
    figure, assigned = _core.trace_assignments(metric.result)
    if assigned:
        raise _core.Error("its result changes its state")
    return _core.TracedMetric(
        metric.name,
        variables,
        _initial(metric, variables),
        plain,
        update(True) if weighted else None,
        _core.Graph([], [_core.trace(_number, figure)]),
    )


def _own(assigned: list, variables: list) -> list:
    names = [v.name for v, _ in assigned if not any(v is own for own in variables)]
    if names:
        raise _core.Error(f"it assigns to '{names[0]}', which add_weight did not make")
    if not assigned:
        raise _core.Error("it assigns to none of its variables")
    return assigned


def _initial(metric: Any, variables: list) -> list:
    """The state's values after a reset."""
    from andiron._metric import Metric

    if type(metric).reset_state is Metric.reset_state:
        return [_core.constant(first) for first in metric._first]
    assigned = _own(_core.trace_assignments(metric.reset_state)[1], variables)
    for variable in variables:
        if not any(v is variable for v, _ in assigned):
            raise _core.Error(f"its reset_state does not assign to '{variable.name}'")
    values = [next(value for v, value in assigned if v is own) for own in variables]
    if _core.Graph([], values).variables:
        raise _core.Error("its reset_state reads its state")
    return values


def _number(figure: Any):
    from andiron import ops

    if isinstance(figure, _core.Variable):
        figure = figure.value
    if not isinstance(figure, _core.Value):
        raise TypeError(f"its result is a {type(figure).__name__}, not composed of its variables")
    if figure.ndim > 0:
        figure = ops.reshape(figure, ())
    return ops.cast(figure, "float64")


def sums_of(values: Any, y_pred: Any, weight: Any) -> tuple:
    """Sum of the samples' values and of their weights, float64."""
    from andiron import ops

    if not isinstance(values, _core.Value):
        raise TypeError(f"the function returned a {type(values).__name__}")
    values = ops.cast(values, "float64")
    if values.ndim == 0:
        values = ops.broadcast_to(values, (y_pred.shape[0],))
    elif values.ndim > 1:
        values = ops.mean(values, tuple(range(1, values.ndim)))
    if weight is None:
        return ops.sum(values), ops.count_of(values, (), "float64")
    weight = ops.cast(weight, "float64")
    return ops.sum(values * weight), ops.sum(weight)


def mean_of(total: Any, count: Any):
    """total / count, or 0."""
    from andiron import ops

    total, count = total.value, count.value
    return ops.where(ops.equal(count, 0.0), 0.0, total / count)


class _Kept:
    """An object's attributes as they are now, lists and arrays with what is in them."""

    def __init__(self, owner: Any):
        self._owner = owner
        self._before = {name: (value, _copied(value)) for name, value in vars(owner).items()}

    def changed(self) -> list[str]:
        now = vars(self._owner)
        return [name for name in now if name not in self._before] + [
            name
            for name, (value, copy) in self._before.items()
            if now.get(name, self) is not value or not _same(copy, value)
        ]

    def restore(self) -> None:
        now = vars(self._owner)
        for name in [n for n in now if n not in self._before]:
            del now[name]
        for name, (value, copy) in self._before.items():
            now[name] = value
            if isinstance(value, np.ndarray):
                value[...] = copy
            elif isinstance(value, list):
                value[:] = copy
            elif isinstance(value, (dict, set)):
                value.clear()
                value.update(copy)


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, (list, dict, set, np.ndarray)) else None


def _same(copy: Any, value: Any) -> bool:
    if copy is None:
        return True
    if isinstance(value, np.ndarray):
        return copy.tobytes() == value.tobytes()
    if isinstance(value, dict):
        return list(copy) == list(value) and all(copy[k] is value[k] for k in copy)
    if isinstance(value, set):
        return copy == value
    return len(copy) == len(value) and all(a is b for a, b in zip(copy, value, strict=True))
