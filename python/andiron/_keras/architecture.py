"""Models of Keras from their descriptions: layers under the same names with the same settings."""

from __future__ import annotations

import contextlib
import inspect
from typing import Any

import numpy as np

from andiron import _core, layers
from andiron._keras import training_settings
from andiron._keras.file import KerasFile, Opened, SavedLayer
from andiron._keras.weights import assign, match

MAX_LAYERS = 10_000
CONTAINERS = ("Functional", "Model", "Sequential")

# Settings that say how weights were drawn, or where: they come from the file.
_DROPPED = {
    "dtype", "batch_input_shape", "batch_shape", "build_config", "autocast", "seed", "quantization",
    "lora_rank", "sparse", "ragged", "optional", "noise_shape", "input_length", "mask_zero_",
    "lora_alpha", "quantization_config", "renorm", "virtual_batch_size", "fused",
    "vocabulary_size",
}  # fmt: skip


# Names of andiron.layers that are no layers of Keras's files.
_NOT_KERASS = {"Bilinear", "Highway", "InputLayer", "Lambda", "Layer", "MaxoutDense"}


def unsupported(what: str) -> Exception:
    return _core.Error(
        f"[keras] {what}. Build the model with andiron.layers and load its weights with "
        "load_weights"
    )


def _settings(kind: str, cls: Any, config: dict) -> dict:
    """Keras's settings as arguments of our layer."""
    known = inspect.signature(cls.__init__).parameters
    out = {}
    for key, value in config.items():
        if key in _DROPPED or key.endswith("_initializer") or value is None:
            continue
        if key.endswith(("_regularizer", "_constraint")):
            found = training_settings.of(config.get("name"), kind, key, value, key in known)
            if found is not None:
                out[key] = found
            continue
        if isinstance(value, dict):  # an activation that was given as an object
            value = value.get("config", {}) if key == "activation" else value
            if not isinstance(value, str):
                raise unsupported(f"{kind} '{config.get('name')}' has the {key} {value}")
        if key not in known:
            if value in (False, "valid", 0, 1):
                continue  # not used
            raise unsupported(f"{kind} has a setting {key}={value!r} that is not known here")
        out[key] = value
    if "data_format" in known:
        out.setdefault("data_format", "channels_last")  # Keras's default
    return out


def _input_shape(config: dict) -> list:
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    if not isinstance(shape, list) or not shape:
        raise unsupported("an InputLayer has no shape")
    if any(not isinstance(n, int) or n < 1 for n in shape[1:]):
        raise unsupported(f"inputs of the shape {shape} are not supported: give all sizes")
    return shape[1:]


def _layer(description: dict) -> Any:
    kind, config = description.get("class_name"), description.get("config")
    if not isinstance(kind, str) or not isinstance(config, dict):
        raise unsupported(f"a layer is described as {str(description)[:80]}")
    if kind == "ReLU" and config.get("max_value") == 6 and not config.get("negative_slope"):
        if not config.get("threshold"):
            return layers.Activation("relu6", name=config.get("name"))
    cls = getattr(layers, kind, None) if kind in layers.__all__ else None
    if not isinstance(cls, type) or kind in _NOT_KERASS:
        raise unsupported(f"the layer {kind} is not known here")
    config = dict(config)
    if kind == "BatchNormalization":  # the axis is a list in Keras 2
        axis = config.get("axis")
        config["axis"] = axis[0] if isinstance(axis, list) and axis else axis
    return cls(**_settings(kind, cls, config))


def _data_dtype(config: dict) -> str:
    dtype = config.get("dtype") or "float32"
    return dtype if dtype in ("int32", "int64", "bool", "string") else "float32"


def _described_layers(config: Any) -> list[dict]:
    found = config.get("layers") if isinstance(config, dict) else config  # Keras 1: a list
    if not isinstance(found, list) or len(found) > MAX_LAYERS:
        raise unsupported("the file's description of the model has no list of layers")
    if any(not isinstance(x, dict) for x in found):
        raise unsupported("the file's description of the model is damaged")
    return found


def _einsum_least(config: dict) -> int:
    """The product of the kernel's axes that the input does not have."""
    operands, _, result = config["equation"].partition("->")
    source, _, kernel = operands.partition(",")
    sizes = config["output_shape"]
    sizes = [sizes] if isinstance(sizes, int) else list(sizes)
    named = dict(zip(reversed(result), reversed(sizes), strict=False))
    own = [named.get(letter) or 1 for letter in kernel if letter not in source]
    return int(np.prod(own, dtype=object))


class _Sizes:
    """A description cannot ask for larger weights than the file has: checked before a layer makes
    its variables."""

    def __init__(self, file: KerasFile):
        counts = [int(np.prod(t.shape)) for s in file.layers for _, t in s.tensors]
        self._most, self._path = max(counts, default=0), file.path

    def call(self, description: dict, layer: Any, inputs: list) -> list:
        """What the layer makes of its inputs."""
        kind, config = description["class_name"], description["config"]
        most = self._least(kind, config, inputs[0].shape)
        if most > self._most:
            raise _core.Error(
                f"[keras] '{self._path}': {kind} '{layer.name}' would have a weight of {most} "
                f"numbers or more; the largest tensor of the file has {self._most}"
            )
        out = layer(inputs if len(inputs) > 1 else inputs[0])
        return list(out) if isinstance(out, (list, tuple)) else [out]

    def _least(self, kind: str, config: dict, shape: tuple) -> int:
        """The numbers that the largest weight of a layer has."""
        if kind == "Embedding":
            return config["input_dim"] * config["output_dim"]
        if kind == "BatchNormalization":
            axis = config.get("axis", -1)
            return shape[axis[0] if isinstance(axis, list) else axis]
        if kind == "EinsumDense":
            return _einsum_least(config)
        first = config.get("data_format") == "channels_first"
        channels = shape[1 if first else -1] or 1
        if kind == "Dense":
            return channels * config["units"]
        if "Conv" not in kind:
            return 0
        size = config["kernel_size"]
        kernel = int(np.prod(size, dtype=object))
        if kind.startswith("Depthwise"):
            return kernel * channels * config.get("depth_multiplier", 1)
        if kind.startswith("Separable"):
            wide = channels * config.get("depth_multiplier", 1)
            return max(kernel * wide, wide * config["filters"])
        return kernel * channels // max(config.get("groups", 1), 1) * config["filters"]


def _references(nodes: Any) -> list[list[tuple[str, int, int]]]:
    """For each call of a layer: (layer, call, output) of its inputs, in Keras 2's form or 3's."""
    out = []
    for node in nodes:
        if isinstance(node, dict):
            found: list = []
            _tensors_in(node.get("args"), found, 0)
            extra: list = []
            _tensors_in(node.get("kwargs"), extra, 0)
            if extra:
                raise unsupported("a layer is called with tensors as named arguments")
        else:
            found = [(x[0], x[1], x[2]) for x in node]
        if not found or any(
            not (isinstance(a, str) and isinstance(b, int) and isinstance(c, int))
            for a, b, c in found
        ):
            raise unsupported("a layer is called without tensors")
        out.append(found)
    return out


def _tensors_in(thing: Any, out: list, depth: int) -> None:
    if depth > 20:
        raise unsupported("the file's description of the model is damaged")
    if isinstance(thing, dict):
        if thing.get("class_name") == "__keras_tensor__":
            out.append(tuple(thing["config"]["keras_history"]))
            return
        thing = list(thing.values())
    if isinstance(thing, (list, tuple)):
        for x in thing:
            _tensors_in(x, out, depth + 1)


def _functional(config: dict, sizes: _Sizes, depth: int) -> Any:
    made: dict[str, Any] = {}
    results: dict[tuple[str, int], list] = {}
    waiting = []
    for d in _described_layers(config):
        name = d.get("name") or d["config"]["name"]
        if d["class_name"] == "InputLayer":
            shape = _input_shape(d["config"])
            tensor = layers.Input(shape, dtype=_data_dtype(d["config"]), name=name)
            results[name, 0] = [tensor]
            continue
        made[name] = (d, _model_or_layer(d, sizes, depth))
        calls = _references(d.get("inbound_nodes") or [])
        waiting += [(name, i, inputs) for i, inputs in enumerate(calls)]
    while waiting:
        later = []
        for name, i, inputs in waiting:
            if all((a, b) in results for a, b, _ in inputs):
                results[name, i] = sizes.call(*made[name], [results[a, b][c] for a, b, c in inputs])
            else:
                later.append((name, i, inputs))
        if len(later) == len(waiting):
            raise unsupported("the layers of the file wait for each other")
        waiting = later

    def ends(found: Any) -> list:
        flat = [found] if found and isinstance(found[0], str) else found
        return [results[a, b][c] for a, b, c in flat]

    from andiron.models import Model

    return Model(ends(config["input_layers"]), ends(config["output_layers"]), config.get("name"))


def _sequential(config: Any, sizes: _Sizes, depth: int) -> Any:
    from andiron.models import Sequential

    stack: list = []
    for d in _described_layers(config):
        settings = d["config"]
        given = settings.get("batch_shape") or settings.get("batch_input_shape")
        if not stack and not given and isinstance(config, dict):
            given = config.get("build_input_shape")
        if not stack:
            if not given:
                raise unsupported("the file does not say the shape of the Sequential's input")
            # On an InputLayer, or before Keras 3 on the first layer, whose dtype is the weights'.
            dtype = _data_dtype(settings) if d["class_name"] == "InputLayer" else "float32"
            if d["class_name"] == "Embedding":
                dtype = "int32"
            x = layers.Input(_input_shape({"batch_shape": given}), dtype=dtype)
            stack.append(x)
        if d["class_name"] != "InputLayer":
            stack.append(_model_or_layer(d, sizes, depth))
            (x,) = sizes.call(d, stack[-1], [x])
    return Sequential(stack, name=config.get("name") if isinstance(config, dict) else None)


def _model_or_layer(description: dict, sizes: _Sizes, depth: int = 0) -> Any:
    if depth > 20:
        raise unsupported("the models of the file are nested too deeply")
    kind = description.get("class_name")
    if kind in ("Functional", "Model"):
        return _functional(description["config"], sizes, depth + 1)
    if kind == "Sequential":
        return _sequential(description["config"], sizes, depth + 1)
    return _layer(description)


def _named(file: KerasFile) -> KerasFile:
    """Keras 3 has classes and numbers as names in the file; the description says which they are."""
    if file.form == "legacy" or file.config.get("class_name") not in CONTAINERS:
        return file
    names: dict[str, str] = {}

    def walk(config: Any, path: str) -> None:
        numbers: dict[str, int] = {}
        for d in _described_layers(config):
            kind = _core.snake_case(d["class_name"])
            number = numbers.get(kind, 0)
            numbers[kind] = number + 1
            place = f"{path}layers/{kind}" + (f"_{number}" if number else "")
            if d["class_name"] in CONTAINERS:
                walk(d["config"], place + "/")
            else:
                names[place] = d["config"].get("name") or place

    walk(file.config["config"], "")
    return file._replace(
        layers=[SavedLayer(s.path, s.tensors, names.get(s.path, s.name)) for s in file.layers]
    )


def load(path: Any) -> Any:
    """A model from a `.keras` file, or from a whole model in HDF5."""
    with Opened(path) as file:
        if file.config is None:
            raise _core.Error(
                f"[load] '{file.path}' has weights only: build the model and use load_weights, or "
                "give the file to one of andiron.models (ResNet50(weights=...))"
            )
        try:
            file_named = _named(file)
            model = _model_or_layer(file.config, _Sizes(file))
            if not hasattr(model, "_network"):
                raise unsupported(f"a {file.config['class_name']} is no model")
        except (KeyError, IndexError, TypeError, AttributeError) as e:
            raise unsupported(
                f"the description of the model in '{file.path}' is not understood: {e!r}"
            ) from e
        if file.layers or model.count_params():
            assign(model, match(model, file_named, False, by_name=True))
        return model


def summary(path: Any) -> str:
    """What is in a file, as aligned lines: for `andiron info`."""
    with Opened(path) as file:
        if file.config is not None:
            with contextlib.suppress(KeyError, TypeError, AttributeError, _core.Error):
                file = _named(file)
        kind = "weights" if file.config is None else f"model ({file.config.get('class_name')})"
        count = sum(int(np.prod(t.shape)) for s in file.layers for _, t in s.tensors)
        form = {"legacy": "Keras 2 (HDF5)", "keras 3": "Keras 3"}[file.form]
        rows = [("keras", f"{kind}, {form}"), ("weights", f"{count:,} numbers")]
        for s in file.layers:
            shapes = ", ".join(f"{name} {list(t.shape)}".strip() for name, t in s.tensors)
            rows.append(("layer", f"{s.name or s.path}  {shapes}"))
    return "\n".join(f"{name:<10} {value}" for name, value in rows)
