"""ONNX models in and out: load one as a network, run one as it stands, save a network as one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from andiron import _core
from andiron._core import OnnxUnsupported as Unsupported

__all__ = ["Program", "Unsupported", "describe", "load", "operators", "save", "to_bytes"]


def _opened(model: Any, folder: str = "") -> Any:
    """A file's name, a ModelProto's bytes, or anything with SerializeToString."""
    if isinstance(model, _core.OnnxFile):
        return model
    if hasattr(model, "SerializeToString"):
        model = model.SerializeToString()
    if isinstance(model, (bytes, bytearray, memoryview)):
        return _core.OnnxFile.from_bytes(bytes(model), folder)
    return _core.OnnxFile.open(os.fspath(model))


def load(
    model: Any,
    sizes: Mapping[str, int] | None = None,
    outputs: Sequence[str] | str | None = None,
    name: str | None = None,
):
    """An ONNX model as a network that predicts, and can be trained on.

    Each node becomes a layer of its name (with "." for "/"), floating point initializers become
    trainable weights. Axis 0 of every input is the batch. BatchNormalization keeps its statistics
    in training; Dropout drops.

    Args:
        model: a file's name, bytes, or an onnx.ModelProto.
        sizes: of the symbols in the inputs' shapes other than axis 0, {"length": 128}.
        outputs: where the network is to end, to cut a head off: layers by their names, or values by
            theirs in the file. Default: the model's outputs.
        name: of the network.

    Returns:
        andiron.Model.

    Errors:
        Unsupported when the model uses what Andiron does not have; andiron.Error when it is
        damaged; both name the node. OSError when the file cannot be read.

    Example:
        >>> import numpy as np
        >>> from andiron import Sequential, layers, onnx
        >>> net = Sequential([layers.Input((4,)), layers.Dense(2, activation="relu")])
        >>> again = onnx.load(onnx.to_bytes(net))
        >>> x = np.ones((3, 4), np.float32)
        >>> bool(np.allclose(again.predict(x), net.predict(x)))
        True

    Source: https://onnx.ai/onnx/repo-docs/IR.html
    """
    from andiron.models import _restored

    outputs = [outputs] if isinstance(outputs, str) else list(outputs or [])
    core = _opened(model).model(dict(sizes or {}), outputs, name or "")
    return _restored(core, None, {}, False)


def to_bytes(model: Any, opset: int = 17) -> bytes:
    """A network as the bytes of an ONNX file.

    Args:
        model: andiron.Model.
        opset: version of ONNX's operators, 13 to 21. Default: 17.

    Errors:
        Unsupported when a layer has no form in ONNX; the message names it.

    Example:
        >>> from andiron import Sequential, layers, onnx
        >>> net = Sequential([layers.Input((4,)), layers.Dense(2)])
        >>> onnx.describe(onnx.to_bytes(net, opset=13))["opsets"]
        {'': 13}
    """
    if model._compiled is not None:
        model._compiled.catch_up()
    return _core.onnx_bytes(model._ready(), opset)


def save(model: Any, filepath: Any, opset: int = 17) -> None:
    """Writes a network as an ONNX file; see to_bytes.

    The file appears complete or not at all.
    """
    data = to_bytes(model, opset)
    path = os.fspath(filepath)
    part = f"{path}.new-{os.getpid()}"
    try:
        with open(part, "wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        os.replace(part, path)
    except BaseException:
        if os.path.exists(part):
            os.unlink(part)
        raise


def describe(model: Any) -> dict:
    """What stands in a model: versions, inputs and outputs as (name, dtype, shape), operators.

    Example:
        >>> from andiron import Sequential, layers, onnx
        >>> net = Sequential([layers.Input((4,), name="x"), layers.Dense(2)])
        >>> onnx.describe(onnx.to_bytes(net))["inputs"]
        [('x', 'FLOAT', ('batch', 4))]
    """
    return _opened(model).describe()


def operators() -> dict[str, list[int]]:
    """The operators that can be imported, and the opset versions from which each form counts."""
    return _core.onnx_operators()


class Program:
    """An ONNX model as it stands, run on arrays of any shape that it takes.

    A plan is made for each set of input shapes, and kept. Operands that shapes depend on (the
    `shape` of a Reshape) may be inputs: a plan then belongs to their values, too.

    Args:
        model: a file's name, bytes, or an onnx.ModelProto.
        threads: of its plans; 0: the process's default.

    Example:
        >>> import numpy as np
        >>> from andiron import Sequential, layers, onnx
        >>> net = Sequential([layers.Input((4,), name="x"), layers.Dense(2)])
        >>> program = onnx.Program(onnx.to_bytes(net))
        >>> program.run({"x": np.ones((3, 4), np.float32)})[0].shape
        (3, 2)
    """

    _KEPT = 32  # plans

    def __init__(self, model: Any, threads: int = 0):
        self._file = _opened(model)
        self._about = self._file.describe()
        self._threads = threads
        initializers = set(self._about["initializers"])
        self.input_names = [n for n, _, _ in self._about["inputs"] if n not in initializers]
        self.output_names = [n for n, _, _ in self._about["outputs"]]
        self._decisive: set[str] = set()  # inputs whose values plans belong to
        self._plans: dict = {}

    def run(self, inputs: Any) -> list[np.ndarray]:
        """The outputs, in the model's order.

        Args:
            inputs: a dict by name, or a sequence in the model's order.

        Errors:
            Unsupported, andiron.Error: as for load.
        """
        if not isinstance(inputs, Mapping):
            inputs = dict(zip(self.input_names, inputs, strict=False))
        missing = [n for n in self.input_names if n not in inputs]
        if missing:
            raise _core.Error(f"[onnx] inputs {missing} are missing")
        tensors = {n: self._tensor(n, inputs[n]) for n in self.input_names}
        while True:
            key = tuple(
                (
                    n,
                    str(t.dtype),
                    tuple(t.shape),
                    np.asarray(inputs[n]).tobytes() if n in self._decisive else None,
                )
                for n, t in tensors.items()
            )
            plan = self._plans.get(key)
            if plan is None:
                plan = self._plan(tensors)
                if plan is None:
                    continue
                if len(self._plans) >= self._KEPT:
                    self._plans.pop(next(iter(self._plans)))
                self._plans[key] = plan
            runnable, names = plan
            return [t.numpy() for t in runnable.run(*[tensors[n] for n in names])]

    @staticmethod
    def _tensor(name: str, given: Any):
        array = np.asarray(given)
        try:  # a copy where strides or byte order leave no choice; scalars stay scalars
            return _core.Tensor(np.ascontiguousarray(array).reshape(array.shape))
        except TypeError as e:
            raise Unsupported(f"[onnx] input '{name}': Andiron has no dtype {array.dtype}") from e

    def _plan(self, tensors: dict):
        values = {n: tensors[n] for n in self._decisive}
        shapes = {n: list(t.shape) for n, t in tensors.items()}
        graph, names, about = self._file.import_graph(values, shapes, {}, [])
        if graph is None:
            new = set(names) - self._decisive
            if not new or not new <= set(self.input_names):
                raise Unsupported(about)
            floats = [n for n in new if not self._may_decide(tensors[n])]
            if floats:
                raise Unsupported(f"{about}: its shape is only known at run time")
            self._decisive |= new
            return None
        return _core.Plan.compile(graph, threads=self._threads), names

    @staticmethod
    def _may_decide(tensor: Any) -> bool:
        """Shapes, axes, scales are short; what is long is data."""
        return int(np.prod(tensor.shape, dtype=np.int64)) <= 64
