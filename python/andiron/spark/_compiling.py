"""The model that an estimator trains: a copy of the user's, compiled as model and estimator say."""

from __future__ import annotations

import pickle
from typing import Any

from andiron import _compile, _core, optimizers
from andiron.spark._launch import dumps_by_value


def compiled(template: Any, given: dict, first_row: Any) -> Any:
    """A compiled copy of `template`, which stays as it is but that one without Input is built, by
    what `first_row()` gives.

    Each of optimizer, loss, loss_weights, metrics and weighted_metrics that is `given` (not None)
    takes the place of the model's own. Its own optimizer keeps its state.
    """
    row = None if built(template) else first_row()  # a job of Spark: not under the lock
    with template._lock:  # fits in several threads (a cross-validation's) share the template
        if row is not None:
            template._ready(row)
        if template._compiled_with is not None:
            template._require_compiled()
        native = pickle.loads(dumps_by_value(template, *_whose(template)))
    if given["loss"] is None and native._compiled_with is None:
        raise _core.Error("[spark] Estimator needs a loss, or a model that is compiled")
    if any(value is not None for value in given.values()):
        _overlay(native, given)
    native._require_compiled()
    return native


def built(model: Any) -> bool:
    """Whether it has its variables; one without Input gets them by its first data."""
    return model._network is not None and model._network.built


def _whose(template: Any) -> list:
    return [metric for _, (_, _, metric, _) in template._own_metrics()]


def _overlay(native: Any, given: dict) -> None:
    own = native._compiled_with or {"loss": None, "loss_weights": None}
    kept = list(native._metrics) if native._compiled is not None else []
    step = None
    if given["optimizer"] is not None or native.optimizer is None:
        named = optimizers.get(given["optimizer"] or "rmsprop")
        optimizer = optimizers.get(named._core.description())  # the given one may be in use
    else:
        optimizer, step = native.optimizer, native._compiled.step
    native.compile(
        optimizer,
        own["loss"] if given["loss"] is None else given["loss"],
        own["loss_weights"] if given["loss_weights"] is None else given["loss_weights"],
    )
    metrics = []
    for name, weighted in (("metrics", False), ("weighted_metrics", True)):
        if given[name] is None:
            metrics += [metric for metric in kept if metric[3] == weighted]
        else:
            metrics += _compile.metrics_of(given[name], weighted, native.output_names)
    native._metrics = _compile.unique(metrics)
    native._compiled, native._trainer = native._make_compiled()
    native.optimizer._model = native._compiled
    if step is not None:
        native._compiled.step = step
