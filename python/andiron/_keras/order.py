"""Our layers in Keras's order, under the paths that Keras 3 gives them in files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from andiron import _core


class Wanted(NamedTuple):
    path: str
    """"layers/conv2d_1": by class and number, below the models that it is in."""
    layer: Any


def keras_order(model: Any) -> list[Any]:
    """The layers by their distance from the outputs, the farthest first; those of one distance in
    the order in which they are met from the outputs backwards. Sequential: as they are.

    Keras 3, keras/src/ops/function.py (map_graph); Keras 2 has the same.
    """
    from andiron.models import Sequential

    if isinstance(model, Sequential):
        return list(model.layers)
    config = model._ready().config()
    calls = config["calls"]
    met: dict[int, int] = {}  # layer -> place
    finished: list[int] = []  # calls, inputs first
    done: set[int] = set()
    for output, _ in config["outputs"]:
        stack = [(output, False)]
        while stack:
            call, left = stack.pop()
            if left:
                if call not in done:
                    done.add(call)
                    finished.append(call)
                continue
            if call in done:
                continue
            met.setdefault(calls[call]["layer"], len(met))
            stack.append((call, True))
            stack += [(i, False) for i, _ in reversed(calls[call]["inputs"])]
    depth_of_layer: dict[int, int] = {}
    depth: dict[int, int] = {}
    for call in reversed(finished):
        layer = calls[call]["layer"]
        depth[call] = max(depth.get(call, 0), depth_of_layer.get(layer, 0))
        depth_of_layer[layer] = depth[call]
        for i, _ in calls[call]["inputs"]:
            depth[i] = max(depth.get(i, 0), depth[call] + 1)
    layers = model.layers
    order = sorted(met, key=lambda layer: (-depth_of_layer.get(layer, 0), met[layer]))
    return [layers[i] for i in order]


def wanted_layers(model: Any, path: str = "") -> Iterator[Wanted]:
    """The layers that have weights, also those of models within the model."""
    from andiron.models import Model

    numbers: dict[str, int] = {}
    seen: set[int] = set()
    for layer in keras_order(model):
        if layer._core.id in seen:
            continue
        seen.add(layer._core.id)
        kind = _core.snake_case(layer._core.class_name)
        number = numbers.get(kind, 0)
        numbers[kind] = number + 1
        name = f"{path}layers/{kind}" + (f"_{number}" if number else "")
        if isinstance(layer, Model):
            yield from wanted_layers(layer, name + "/")
        elif layer.variables:
            yield Wanted(name, layer)
