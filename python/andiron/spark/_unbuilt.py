"""A model without Input in an estimator's files: it has no weights before the first fit, so its
layers are kept, and what it is to be compiled with."""

from __future__ import annotations

import json
from typing import Any

from andiron import _core, models, optimizers
from andiron.layers.base import face_of


def to_json(model: Any, given: dict) -> dict:
    """Layers, and what `given` (optimizer, loss, ...; None: not) says over the model's own."""
    if not isinstance(model, models.Sequential):
        raise _core.Error(f"[spark] {_cannot(type(model).__name__)}")
    own = model._compiled_with or {}
    compiled = {name: own.get(name) if value is None else value for name, value in given.items()}
    if compiled["optimizer"] is None:
        compiled["optimizer"] = model.optimizer
    if compiled["optimizer"] is not None:
        compiled["optimizer"] = optimizers.get(compiled["optimizer"])._core.description()
    layers = []
    for layer in model.layers:
        kept = {"class_name": layer._core.class_name, "config": layer.get_config()}
        try:
            _core.layer_from_config(kept)
        except _core.Error:
            raise _core.Error(f"[spark] {_cannot(f'the layer {layer.name!r}')}") from None
        layers.append(kept)
    for name, value in compiled.items():
        try:
            json.dumps(value)
        except TypeError:
            raise _core.Error(f"[spark] {_cannot(f'{name}={value!r}')}") from None
    return {"name": model.name, "layers": layers, "compile": compiled}


def from_json(kept: dict) -> Any:
    layers = [face_of(_core.layer_from_config(layer)) for layer in kept["layers"]]
    model = models.Sequential(layers, name=kept["name"])
    if kept["compile"]["loss"] is not None:
        given = {name: value for name, value in kept["compile"].items() if value is not None}
        model.compile(**given)
    return model


def _cannot(what: str) -> str:
    return (
        f"{what} is kept in files as the graph that it computes, and a model whose input is not "
        "known has none yet: begin it with Input, build it, or save after the first fit"
    )
