"""Networks of layers: describe, compile, fit, evaluate, predict, save, load."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from andiron import _core, _zoo
from andiron._ahead import refuse_own_model
from andiron._data import columns
from andiron._imagenet import decode_predictions
from andiron._keras.file import is_keras
from andiron._opening import opening
from andiron._predictions import Predictions
from andiron._quantized import Quantized
from andiron._refuse import refuse_foreign
from andiron._training import Training
from andiron._zoo import *  # noqa: F403
from andiron.layers.base import _CLASSES, Layer, _Bridge, face_of, spec_of

__all__ = [
    "Model",
    "Quantized",
    "Sequential",
    "decode_predictions",
    "load",
    "load_model",
    *_zoo.__all__,
]


def _listed(x: Any) -> list:
    if isinstance(x, dict):
        return list(x.values())
    return list(x) if isinstance(x, (list, tuple)) else [x]


class Model(Training, Predictions, Layer):
    """A network from inputs to outputs; itself a layer.

    Args:
        inputs: symbolic tensors made by Input: one, a list or a dict.
        outputs: what layers made of them: one, a list or a dict, whose keys `predict` gives back.
        name: default "functional".

    A model of one's own derives from Model, makes layers in `__init__` and composes them in
    `call(inputs)`; its network is made when it first sees data.

    One with steps of its own also has `train_step(data)`, which `fit` calls for each batch: data is
    (x, y), (x, y, sample_weight), or x alone where there is no y, as NumPy arrays; it returns a
    dict of figures, which logs and callbacks get as means over the epoch, each over the batches
    that have it. What it calls to learn
    are steps made by `andiron.training_step`, which are compiled; it may train parts with
    optimizers of their own, in turn. Make them in `__init__` or `compile`: a training that is
    resumed looks for them there. "loss" in logs is the figure of that name, or the sum of those
    whose names end in "loss". `test_step(data)` does the same for `evaluate`, and validation needs
    it. Such a model needs no `call`, no loss in `compile`. A file has the network of `call` alone,
    without its steps; without `call` save its parts (docs/training.md).

    Example:
        >>> import numpy as np
        >>> from andiron import Input, Model, layers
        >>> x = Input((3,))
        >>> model = Model(x, layers.Dense(1)(x))
        >>> model.predict(np.zeros((2, 3), np.float32)).shape
        (2, 1)
    """

    def __init__(self, inputs: Any = None, outputs: Any = None, name: str | None = None):
        self._start()
        own = getattr(type(self), "train_step", None) is not None
        if inputs is None and outputs is None and (own or type(self).call is not Layer.call):
            self._adopt(
                _core.PythonLayer.make(type(self).__name__, _Bridge(self), name or "", True)
            )
            self._network = None
            return
        if inputs is None or outputs is None:
            raise TypeError(
                "[Model] takes inputs and outputs; or derive from it and write call or train_step"
            )
        for given in (inputs, outputs):
            if isinstance(given, dict):  # the keys are the names by which data come
                for key, tensor in given.items():
                    tensor.layer.name = key
        self._output_keys = list(outputs) if isinstance(outputs, dict) else None
        core = _core.functional_model(_listed(inputs), _listed(outputs), name or "")
        self._adopt(core)
        self._network = core

    def _start(self) -> None:
        object.__setattr__(self, "_core", None)
        self._lock = threading.Lock()
        self._predictor = None
        self._keys: list | None = None  # of the dict that a call of one's own takes
        self._output_keys: list | None = None  # of the dict that predict gives
        self._feature_columns: list | None = None  # of the table that fit saw
        self._compiled_with: dict | None = None
        self._compiled = None
        self.optimizer = None
        self.stop_training = False

    def _adopt(self, core) -> None:
        if "_lock" not in self.__dict__:
            self._start()  # made for a layer of the core, not by __init__
            self._network = core
        super()._adopt(core)

    # The network.

    def _require_network(self, what: str) -> None:
        if isinstance(self._core, _core.PythonLayer) and type(self).call is Layer.call:
            raise _core.Error(
                f"[{what}] {type(self).__name__} has steps and no `call`: use its parts"
            )

    def _ready(self, x: Any = None):
        """The core's model; builds it for these data where that is still to be done."""
        refuse_own_model(self)
        if isinstance(self._network, _core.SequentialCore) and not self._network.built:
            if x is None:
                raise _core.Error(
                    "[Sequential] the input's shape is not known yet: start with an Input, call "
                    "build, or fit first"
                )
            given = x._specs() if hasattr(x, "_specs") else None
            self._network.build(given or [spec_of(_core.Tensor(columns(x, ["x"], "x")[0]))])
        if self._network is None:
            if x is None:
                raise _core.Error(f"[{type(self).__name__}] call build or fit first")
            if hasattr(x, "_specs"):
                features = getattr(x, "_features", None)
                self._keys = list(features) if isinstance(features, dict) else None
                specs = x._specs()
            else:
                self._keys = list(x) if isinstance(x, dict) else None
                specs = [spec_of(_core.Tensor(a)) for a in _listed(x)]
            names = self._keys or [""] * len(specs)
            inputs = [
                _core.symbolic_input(shape[1:], name, dtype)
                for name, (dtype, shape) in zip(names, specs, strict=True)
            ]
            outputs = self._core.call_symbolic(inputs, None)
            self._network = _core.functional_model(inputs, outputs, self.name)
        return self._network

    def build(self, input_shape=None) -> None:
        """Makes the variables for inputs of this shape (None: the batch)."""
        if isinstance(self._network, _core.SequentialCore) and not self._network.built:
            self._network.build([("float32", (None, *input_shape[1:]))])
        elif self._network is None:
            several = isinstance(input_shape[0], (list, tuple))
            shapes = input_shape if several else [input_shape]
            inputs = [_core.symbolic_input(s[1:], "", "float32") for s in shapes]
            outputs = self._core.call_symbolic(inputs, None)
            self._network = _core.functional_model(inputs, outputs, self.name)

    build._of_model = True  # not a build of one's own

    @property
    def layers(self) -> list:
        """The layers in the order of their use."""
        core = self._network
        return [] if core is None else [face_of(layer) for layer in core.layers]

    def get_layer(self, name: str | None = None, index: int | None = None):
        """A layer by name or by index."""
        if index is not None:
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise _core.Error(
            f"[get_layer] there is no layer {name!r}; there are {[x.name for x in self.layers]}"
        )

    def up_to(self, layer: int | str) -> Model:
        """The model of the same layers, with the same weights, from the inputs to one of them.

        Args:
            layer: its name, or its index in `layers`.

        Example:
            >>> from andiron import Input, Sequential, layers
            >>> net = Sequential([Input((3,)), layers.Dense(8, "relu"), layers.Dense(1)])
            >>> net.up_to(-2).output_shape
            (None, 8)
        """
        core, known = self._ready(), self.layers
        if isinstance(layer, str):
            found = self.get_layer(layer)
        elif -len(known) <= layer < len(known):
            found = known[layer]
        else:
            raise _core.Error(f"[up_to] there are {len(known)} layers; got the index {layer}")
        outputs = core.outputs_of(found._core)
        if not outputs:
            raise _core.Error(f"[up_to] the model's outputs do not depend on '{found.name}'")
        return Model(core.inputs, outputs[:1])

    @property
    def inputs(self) -> list:
        return self._ready().inputs

    @property
    def outputs(self) -> list:
        return self._ready().outputs

    @property
    def input_shape(self):
        shapes = [x.shape for x in self.inputs]
        return shapes[0] if len(shapes) == 1 else shapes

    @property
    def output_shape(self):
        shapes = [x.shape for x in self.outputs]
        return shapes[0] if len(shapes) == 1 else shapes

    @property
    def input_names(self) -> list[str]:
        return self._ready().input_names

    @property
    def output_names(self) -> list[str]:
        return self._ready().output_names

    def summary(self, line_length: int | None = None, print_fn=print) -> None:
        """Prints layers, output shapes and numbers of parameters."""
        print_fn(self._ready().summary())

    def graph(self, training: bool = False):
        """The network as a Graph, symbolic in "batch"."""
        return self._ready().trace(training)

    # Files.

    def save(self, filepath: Any, overwrite: bool = True, include_optimizer: bool = True) -> None:
        """Writes architecture, weights and the state of training as one safetensors file.

        The file appears complete or not at all. Layers, losses and metrics of one's own are stored
        as what they do: the file loads without their classes. A warning names metrics that use
        NumPy or Python's numbers: the file is without them.

        Errors:
            OSError when the file cannot be written; a file of that name stays as it was.
            andiron.Error for names of other formats (.onnx, .keras, .h5, .pt).
        """
        import os

        self._require_network("save")
        path = os.fspath(filepath)
        refuse_foreign("save", path)
        if not overwrite and os.path.exists(path):
            raise FileExistsError(f"[save] '{path}' is there already (overwrite=False)")
        core = self._ready()
        _core.save_model(core, path, *self._file_state(include_optimizer))

    def _file_state(self, with_optimizer: bool, warn: bool = True) -> tuple[Any, Any]:
        """What files keep beside the network."""
        config, tensors = self._training_state(with_optimizer, warn)
        if self._output_keys is not None:
            config = {**(config or {}), "output_keys": self._output_keys}
        if self._feature_columns is not None:
            config = {**(config or {}), "feature_columns": self._feature_columns}
        return config, tensors

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Writes the weights only: a safetensors file, a tensor for each variable."""
        self.save(filepath, overwrite, include_optimizer=False)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False) -> None:
        """Takes the weights of a file.

        Args:
            filepath: what `save` or `save_weights` wrote, by order; or a state dict of PyTorch
                (`torch.save`, either format, or safetensors), by name: layers of the same names
                take weight, bias, running_mean and running_var. The networks of `andiron.models`
                have torchvision's names. Or a file of Keras (`.weights.h5`, `.h5`, `.keras`), by
                the layers' names or, where they differ, by Keras's order of the layers; its kernels
                are transposed. Nothing in the file is executed.
            skip_mismatch: takes what fits by name and shape, and leaves the rest. Default: False.

        Errors:
            OSError when the file cannot be read or is damaged; ValueError naming what is missing,
            unexpected or of another shape. The model is unchanged then.
        """
        import os

        if is_keras(filepath):
            from andiron._keras import weights

            self._ready()
            return weights.load_weights(self, filepath, skip_mismatch)
        path, core = os.fspath(filepath), self._ready()
        with opening(path, "load_weights"):
            try:
                _core.load_weights(core, path, skip_mismatch)
            except _core.Error as error:
                if not str(error).startswith("[set_weights]"):
                    raise
                theirs = _core.load_model(path)[0].variables
                raise _core.Error(_misfit(path, core.variables, theirs)) from None

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all variables' values."""
        if self._compiled is not None:
            self._compiled.catch_up()
        return super().get_weights()

    @property
    def variables(self) -> list:
        core = self._network if self._network is not None else self._core
        return core.variables

    weights = variables

    def _bytes(self) -> bytes:
        """What `save` writes, for pickles: they carry Python's metrics beside it."""
        return _core.model_bytes(self._ready(), *self._file_state(True, warn=False))

    def _network_bytes(self) -> bytes:
        """The same without what `compile` set: for predictions elsewhere."""
        if self._compiled is not None:
            self._compiled.catch_up()  # a training that was interrupted left rows behind
        return _core.model_bytes(self._ready(), None, None)

    def _own_metrics(self) -> list:
        """(place, metric) of those whose code is in no file."""
        return (
            []
            if self._compiled is None
            else [m for m in enumerate(self._metrics) if not m[1][2]._in_files()]
        )

    def __reduce__(self):
        return _from_bytes, (self._bytes(), self._own_metrics())

    def __call__(self, inputs, *more, training: bool | None = None):
        if self._compiled is not None:
            self._compiled.catch_up()
        return super().__call__(inputs, *more, training=training)


class Sequential(Model):
    """A stack of layers with one input and one output each.

    Args:
        layers: the first may be an Input; without one the model is built when it first sees data.
        name: default "sequential".

    Example:
        >>> import numpy as np
        >>> from andiron import Sequential, layers
        >>> model = Sequential([layers.Dense(4, activation="relu"), layers.Dense(1)])
        >>> model.compile("adam", "mse")
        >>> x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
        >>> sorted(model.fit(x, x.sum(1), epochs=2, verbose=0).history)
        ['loss']
    """

    def __init__(
        self, layers: Sequence[Any] | None = None, trainable: bool = True, name: str | None = None
    ):
        self._start()
        cores = [self._core_of(layer) for layer in layers or []]
        self._faces += layers or []
        core = _core.sequential_model(cores, name or "")
        self._adopt(core)
        self._network = core
        if not trainable:
            self.trainable = False

    def _start(self) -> None:
        super()._start()
        self._faces: list = []  # holds layers written in Python

    @staticmethod
    def _core_of(layer: Any):
        if isinstance(layer, _core.KerasTensor):
            return layer.layer
        if not isinstance(layer, Layer):
            raise TypeError(f"[Sequential] takes layers; got {layer!r}")
        return layer._core

    def add(self, layer: Any) -> None:
        """Puts a layer on top."""
        self._network.add(self._core_of(layer))
        self._faces.append(layer)
        self._forget()

    def pop(self) -> None:
        """Takes the top layer away."""
        self._network.pop()
        if self._faces:
            self._faces.pop()
        self._forget()

    def _forget(self) -> None:
        self._predictor = self._compiled = None

    @property
    def layers(self) -> list:
        return [face_of(layer) for layer in self._network.stack if layer.class_name != "InputLayer"]


def _misfit(path: str, ours: list, theirs: list) -> str:
    """Which is the first weight of a file that does not fit, by order."""
    counts = f"[load_weights] '{path}' has {len(theirs)} weights, the model {len(ours)}"
    for our, their in zip(ours, theirs, strict=False):
        if our.shape != their.shape:
            return (
                f"{counts}: for {our.name!r} {list(our.shape)} the file has {their.name!r} "
                f"{list(their.shape)}. skip_mismatch=True takes what fits"
            )
    first = max(ours, theirs, key=len)[min(len(ours), len(theirs))]
    where = "the model has no" if len(theirs) > len(ours) else "the file has no"
    return f"{counts}: {where} {first.name!r} {list(first.shape)}"


def _restored(core, compile_config, tensors, compile: bool, own_metrics: Sequence = ()) -> Model:
    model = face_of(core)
    config = dict(compile_config or {})
    model._output_keys = config.pop("output_keys", None)
    model._feature_columns = config.pop("feature_columns", None)
    if compile and config:
        model._restore_training(config, tensors, own_metrics)
    return model


def load_model(
    filepath: Any, custom_objects: Any = None, compile: bool = True
) -> Model | Quantized:
    """Reads what Model.save or Quantized.save wrote.

    Args:
        filepath: of the file.
        custom_objects: accepted for Keras's sake; layers, losses and metrics of one's own load as
            what they do.
        compile: whether the model comes compiled, with its optimizer's state. Default: True.

    Errors:
        OSError when the file cannot be read, is truncated or damaged: the message says where.
        ValueError for the file of a classifier of photos (StyleClassifier.load reads it).
    """
    import os

    path = os.fspath(filepath)
    with opening(path, "load_model"):
        if _core.is_quantized_file(path):
            return Quantized(_core.load_quantized(path))
        found = _core.load_model(path)
    return _restored(*found, compile)


def load(filepath: Any, **options: Any) -> Model | Quantized:
    """Reads a model, by what the file is: one that `save` wrote, an ONNX model, or Keras's.

    Args:
        filepath: of the file; names that end in ".onnx" are ONNX models. Models of Keras
            (`.keras`, or a whole model in `.h5`) come with Keras's layers, names and channels last,
            and not compiled.
        options: those of load_model, or of andiron.onnx.load.

    Errors:
        OSError when the file cannot be read, is truncated or damaged.
        andiron.onnx.Unsupported when an ONNX model uses what Andiron does not have; andiron.Error
            for layers of Keras that it does not have.

    Example:
        >>> import os, tempfile
        >>> from andiron import Sequential, layers, models, onnx
        >>> net = Sequential([layers.Input((4,)), layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "net.onnx")
        ...     onnx.save(net, path)
        ...     models.load(path).count_params()
        10
    """
    import os

    if os.fspath(filepath).lower().endswith(".onnx"):
        from andiron import onnx

        return onnx.load(filepath, **options)
    if is_keras(filepath):
        from andiron._keras import architecture

        return architecture.load(filepath)
    return load_model(filepath, **options)


def _from_bytes(data: bytes, own_metrics: Sequence = ()) -> Model:
    return _restored(*_core.model_from_bytes(data), True, own_metrics)


_CLASSES.update(Functional=Model, Sequential=Sequential)
