"""Gives a model the weights of a file of Keras."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from andiron import _core
from andiron._keras.file import KerasFile, Opened, SavedLayer
from andiron._keras.hdf5 import Stored
from andiron._keras.layout import FlattenedRows, in_our_layout, to_our_layout
from andiron._keras.order import Wanted, wanted_layers

# Keras 2's names of weights, where ours are others.
_NAMES = {"depthwise_kernel": "kernel", "depthwise_weights": "kernel"}


class Match(NamedTuple):
    variable: Any
    layer: Any
    weight: str
    tensor: Stored


def weight_name(variable: Any) -> str:
    return variable.name.rsplit("/", 1)[-1]


def _listed(words: Iterable[str]) -> str:
    words = list(words)
    return ", ".join(words[:5]) + (f" and {len(words) - 5} more" if len(words) > 5 else "")


def _numbered(layer: Any) -> bool:
    """Whether a layer has a name that tells nothing: its class and a number."""
    return (
        re.fullmatch(rf"{_core.snake_case(layer._core.class_name)}(_\d+)?", layer.name) is not None
    )


def _pairs(
    wanted: list[Wanted], file: KerasFile, by_name: bool
) -> tuple[list[tuple], list[SavedLayer]]:
    """(ours, the file's or None) for each of our layers, and the file's that are left over.

    By name where all of ours were given one and are there; else by class and number (Keras 3), or
    by order.
    """
    named = {saved.name: saved for saved in file.layers}
    all_there = all(w.layer.name in named for w in wanted)
    if by_name or (all_there and not any(_numbered(w.layer) for w in wanted)):
        used = {w.layer.name for w in wanted}
        return [(w, named.get(w.layer.name)) for w in wanted], [
            s for s in file.layers if s.name not in used
        ]
    if file.form == "keras 3":
        by_path = {saved.path: saved for saved in file.layers}
        paths = {w.path for w in wanted}
        return [(w, by_path.get(w.path)) for w in wanted], [
            s for s in file.layers if s.path not in paths
        ]
    saved = [*file.layers, *[None] * max(0, len(wanted) - len(file.layers))]
    return list(zip(wanted, saved, strict=False)), file.layers[len(wanted) :]


def _tensors(layer: Any, saved: SavedLayer) -> list[tuple[str, Stored]]:
    """The layer's weights in our order, with our names."""
    variables = [weight_name(v) for v in layer.variables]
    by_name = {_NAMES.get(name, name): tensor for name, tensor in saved.tensors}
    if all(name in by_name for name in variables):
        return [(name, by_name[name]) for name in variables]
    return list(zip(variables, [tensor for _, tensor in saved.tensors], strict=False))


def _is_dense(saved: SavedLayer) -> bool:
    return [len(t.shape) for _, t in saved.tensors] in ([2], [2, 1])


def match(
    model: Any, file: KerasFile, skip: bool, no_top: bool = False, by_name: bool = False
) -> list[Match]:
    """What of the file belongs to which variable.

    Errors:
        andiron.Error lists what is missing, left over or of another shape.
    """
    pairs, left = _pairs(list(wanted_layers(model)), file, by_name)
    missing, other, out = [], [], []
    for wanted, saved in pairs:
        layer = wanted.layer
        if saved is None:
            missing.append(f"{layer.name} ({layer._core.class_name})")
            continue
        tensors = _tensors(layer, saved)
        more = len(saved.tensors) - len(tensors)
        # Keras's Normalization counts what it has seen.
        if len(tensors) < len(layer.variables) or (
            more and layer._core.class_name != "Normalization"
        ):
            other.append(
                f"{saved.path} has {len(saved.tensors)} weights, {layer.name} "
                f"({layer._core.class_name}) {len(layer.variables)}"
            )
            continue
        for variable, (name, tensor) in zip(layer.variables, tensors, strict=True):
            ours = in_our_layout(layer, name, tensor.shape)
            if ours != tuple(variable.shape):
                other.append(f"{tensor.where} {list(tensor.shape)} for {variable.name} "
                             f"{list(variable.shape)}")  # fmt: skip
            else:
                out.append(Match(variable, layer, name, tensor))
    left_names = [s.path for s in left if not (no_top and _is_dense(s))]
    if not skip and (missing or other or left_names):
        words = [
            f"{what} {_listed(names)}"
            for what, names in (
                ("missing:", missing),
                ("left over:", left_names),
                ("of another shape:", other),
            )
            if names
        ]
        raise _core.Error(
            f"[load_weights] '{file.path}' does not fit the model. {'; '.join(words)}. "
            "Layers are matched by name, or else by their order in Keras; skip_mismatch=True "
            "takes the rest"
        )
    if not out:
        raise _core.Error(f"[load_weights] '{file.path}' has none of the model's weights")
    return out


def assign(model: Any, matches: list[Match], bgr: Any = None) -> None:
    """Gives the values. `bgr`: the layer whose kernel takes BGR in the file, RGB in the model."""
    rows = FlattenedRows(model)

    def value_of(m: Match) -> np.ndarray:
        value = rows.apply(m.layer, m.weight, to_our_layout(m.layer, m.weight, m.tensor.read()))
        if bgr is not None and m.layer._core.id == bgr._core.id and value.ndim == 4:
            value = np.ascontiguousarray(value[:, ::-1])
        return value.astype(m.variable.dtype, copy=False)

    values = [value_of(m) for m in matches]  # all before the first is given: errors change nothing
    for m, value in zip(matches, values, strict=True):
        m.variable.assign(value)


def load_weights(
    model: Any, path: Any, skip_mismatch: bool = False, no_top: bool = False, bgr: Any = None
) -> None:
    """Model.load_weights for files of Keras. `no_top`: dense layers at the end of the file, which
    the model does not have, are left out."""
    with Opened(path) as file:
        assign(model, match(model, file, skip_mismatch, no_top), bgr)
