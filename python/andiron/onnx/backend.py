"""ONNX's own interface to a runtime, for its suite and tools: onnx.backend.base.Backend.

Needs the package onnx, which Andiron itself does not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper
from onnx.backend.base import Backend, BackendRep

from andiron.onnx import Program, Unsupported

__all__ = [
    "AndironBackend",
    "AndironRep",
    "is_compatible",
    "prepare",
    "run_model",
    "run_node",
    "supports_device",
]


class AndironRep(BackendRep):
    """A model that has been prepared."""

    def __init__(self, program: Program):
        self.program = program

    def run(self, inputs: Any, **kwargs: Any) -> tuple:
        return tuple(self.program.run(inputs))


class AndironBackend(Backend):
    """Runs ONNX models on Andiron's plans, on the CPU."""

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device == "CPU"

    @classmethod
    def is_compatible(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        return cls.supports_device(device)

    @classmethod
    def prepare(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> AndironRep:
        if not cls.supports_device(device):
            raise Unsupported(f"[onnx] there is no device {device!r}: Andiron runs on CPU")
        return AndironRep(Program(model))

    @classmethod
    def run_model(cls, model: ModelProto, inputs: Any, device: str = "CPU", **kwargs: Any) -> tuple:
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def run_node(
        cls,
        node: NodeProto,
        inputs: Any,
        device: str = "CPU",
        outputs_info: Any = None,
        **kwargs: Any,
    ) -> tuple:
        arrays = [np.asarray(x) for x in inputs]
        names = [n for n in node.input if n]
        infos = [
            helper.make_tensor_value_info(n, numpy_helper.from_array(a).data_type, list(a.shape))
            for n, a in zip(names, arrays, strict=True)
        ]
        outputs = [helper.make_empty_tensor_value_info(n) for n in node.output if n]
        model = helper.make_model(helper.make_graph([node], "node", infos, outputs))
        return cls.run_model(model, dict(zip(names, arrays, strict=True)), device)


prepare = AndironBackend.prepare
run_model = AndironBackend.run_model
run_node = AndironBackend.run_node
supports_device = AndironBackend.supports_device
is_compatible = AndironBackend.is_compatible
