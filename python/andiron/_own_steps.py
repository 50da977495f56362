"""Models with a `train_step` of their own: what the trainer calls, and what it is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from andiron import _arrays, _core
from andiron._data import inputs_of, rows_of


def compiled(model: Any, plan: dict) -> tuple[Any, Any]:
    """The core's compiled model and trainer, whose steps are the model's own."""
    train, test = model._own_step("train_step"), model._own_step("test_step")
    steps = (
        lambda x, y, w: _figures(model, "train_step", train(_data(model, x, y, w))),
        test and (lambda x, y, w: _figures(model, "test_step", test(_data(model, x, y, w)))),
        lambda: [v for optimizer in _optimizers(model) for v in optimizer._state()],
        lambda: [o.finalize_variable_values() for o in _optimizers(model) if o.use_ema],
    )
    core = _core.CompiledModel(model._network, None, [], [], False, **plan, own_steps=steps)
    return core, _core.Trainer(core, [])


def _data(model: Any, x: list, y: list, weights: list) -> Any:
    """(x, y, sample_weight) without what there is none of; x alone where there is nothing else."""
    names = model._network.input_names
    if model._keys is not None:
        given = dict(zip(model._keys, x, strict=True))
    else:
        given = x[0] if len(names) == 1 else list(x)
    rest = [part[0] if len(part) == 1 else list(part) for part in (y, weights)]
    if weights:
        return given, rest[0], rest[1]
    return (given, rest[0]) if y else given


def _figures(model: Any, name: str, found: Any) -> dict[str, float]:
    what = f"[{type(model).__name__}] {name}"
    if not isinstance(found, dict) or not found:
        raise TypeError(f"{what} must return a dict of figures; got {type(found).__name__}")
    try:
        return {str(key): float(value) for key, value in found.items()}
    except (TypeError, ValueError) as error:
        raise TypeError(f"{what} must return numbers: {error}") from None


def _optimizers(model: Any) -> list:
    """Those that it holds, or its steps: their slots change beside its variables."""
    from andiron.optimizers import Optimizer

    known: dict[int, Any] = {}
    for value in _arrays.tree_leaves([vars(model)[k] for k in sorted(vars(model))]):
        optimizer = value if isinstance(value, Optimizer) else getattr(value, "optimizer", None)
        if isinstance(optimizer, Optimizer):
            known[id(optimizer)] = optimizer
    return list(known.values())


def refuse_of(model: Any, class_weight: Any = None, validation: bool = False) -> None:
    """What a step of one's own would not see."""
    if model._own_step("train_step") is None:
        return
    name = type(model).__name__
    if class_weight is not None:
        raise _core.Error(
            f"[fit] class_weight does not reach {name}.train_step: give sample_weight, which does"
        )
    if validation and model._own_step("test_step") is None:
        raise _core.Error(
            f"[fit] {name} has a train_step and no test_step, which validation needs: write one, "
            "or leave validation out"
        )


def arrays(x: Any, y: Any, sample_weight: Any, network: Any) -> tuple[list, list, list]:
    """Data of a step of one's own: targets mean what it makes of them, and may be left out."""
    xs = inputs_of(network, x)
    several = isinstance(y, (list, tuple)) and len(y) > 0 and hasattr(y[0], "shape")
    ys = [] if y is None else [np.asarray(a) for a in (y if several else [y])]
    ws = [] if sample_weight is None else [np.asarray(sample_weight, np.float32)]
    if rows_of([*xs, *ys, *ws]) == 0:
        raise _core.Error("[data] is empty: 0 samples")
    return xs, ys, ws
