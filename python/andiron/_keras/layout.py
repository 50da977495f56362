"""From Keras's layout of weights to ours: its channels are the last axis, ours the second."""

from __future__ import annotations

from typing import Any

import numpy as np

from andiron import _core


def in_our_layout(layer: Any, name: str, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape that a weight of Keras has here; None: such a weight cannot be one of `layer`."""
    axes = _axes(layer, name, len(shape))
    if axes is None:
        return shape
    moved = tuple(shape[a] for a in axes)
    return (moved[0] * moved[1], 1, *moved[2:]) if _depthwise(layer, name) else moved


def to_our_layout(layer: Any, name: str, value: np.ndarray) -> np.ndarray:
    """
    [kernel..., channels, filters] -> [filters, channels, kernel...]
    [kernel..., channels, multiplier] -> [channels * multiplier, 1, kernel...] (depthwise)
    """
    axes = _axes(layer, name, value.ndim)
    if axes is None:
        return value
    shape = in_our_layout(layer, name, value.shape)
    return np.ascontiguousarray(value.transpose(axes).reshape(shape))


def _depthwise(layer: Any, name: str) -> bool:
    kind = layer._core.class_name
    return kind.startswith("DepthwiseConv") or (
        kind.startswith("SeparableConv") and "pointwise" not in name and name != "bias"
    )


def _axes(layer: Any, name: str, rank: int) -> tuple[int, ...] | None:
    if "Conv" not in layer._core.class_name or rank < 3:
        return None
    spatial = tuple(range(rank - 2))
    return (rank - 2, rank - 1, *spatial) if _depthwise(layer, name) else (
        rank - 1, rank - 2, *spatial,
    )  # fmt: skip


# What a layer passes on feature by feature.
_SAME = {"Dropout", "Activation", "BatchNormalization"}


class FlattenedRows:
    """Which features come in another order: where maps with channels first are flattened, Keras
    has the channels last. Finds it for the layers behind."""

    def __init__(self, model: Any):
        self._order: dict[int, np.ndarray] = {}  # layer -> order of its input's features
        self._walk(model)

    def _walk(self, model: Any) -> None:
        from andiron.models import Model

        config = model._ready().config()
        calls = _calls(config)
        layers = model._network.layers if "calls" in config else model._network.stack
        from andiron.layers.base import face_of

        faces = [face_of(layer) for layer in layers]
        shapes: list[Any] = []
        first: list[bool] = []  # whether a call's output has channels first
        order: list[np.ndarray | None] = []
        for call in calls:
            layer, described = faces[call["layer"]], config["layers"][call["layer"]]
            kind, settings = described["class_name"], described["config"]
            given = [shapes[i] for i, _ in call["inputs"]]
            came = [order[i] for i, _ in call["inputs"]]
            shape = _output_shape(layer, kind, settings, given)
            shapes.append(shape)
            format_ = settings.get("data_format")
            was_first = any(first[i] for i, _ in call["inputs"])
            first.append(
                format_ == "channels_first" if format_ and kind != "Flatten"
                else was_first and kind != "Permute"
            )  # fmt: skip
            out = None
            if kind == "Flatten" and was_first and format_ != "channels_first":
                if given[0] is not None and len(given[0]) > 2 and None not in given[0][1:]:
                    places = np.arange(int(np.prod(given[0][1:]))).reshape(given[0][1:])
                    # Keras's feature k is ours order[k].
                    out = np.moveaxis(places, 0, -1).ravel()
            elif came and came[0] is not None:
                self._order[layer._core.id] = came[0]
                if kind in _SAME:
                    out = came[0]
                elif kind != "Dense":
                    raise _core.Error(
                        f"[keras] '{layer.name}' ({kind}) stands behind a Flatten of maps with "
                        "channels first, which Keras has in another order: build the model with "
                        "data_format='channels_last'"
                    )
            order.append(out)
            if isinstance(layer, Model):
                self._walk(layer)

    def apply(self, layer: Any, name: str, value: np.ndarray) -> np.ndarray:
        order = self._order.get(layer._core.id)
        if order is None or name == "bias" or value.shape[0] != len(order):
            return value
        out = np.empty_like(value)
        out[order] = value
        return out


def _calls(config: dict) -> list[dict]:
    if "calls" in config:
        return config["calls"]
    return [{"layer": i, "inputs": [[i - 1, 0]] if i else []} for i in range(len(config["layers"]))]


def _output_shape(layer: Any, kind: str, settings: dict, given: list) -> Any:
    if kind == "InputLayer":
        return tuple(settings["batch_shape"])
    try:
        return layer.compute_output_shape(given[0] if len(given) == 1 else given)
    except (ValueError, TypeError, IndexError):
        return None
