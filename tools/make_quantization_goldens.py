"""Writes tests/goldens/quantization.json: what ONNX Runtime makes of QuantizeLinear,
DequantizeLinear, QLinearConv and QLinearMatMul.

    pip install onnx onnxruntime && python tools/make_quantization_goldens.py
"""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

rng = np.random.default_rng(20240607)
TYPES = {np.uint8: TensorProto.UINT8, np.int8: TensorProto.INT8, np.float32: TensorProto.FLOAT,
         np.int32: TensorProto.INT32}  # fmt: skip


def run(op, inputs, out_type, **attributes):
    """One node on arrays by name; the first is the input, all others are initializers."""
    names = list(inputs)
    first = inputs[names[0]]
    graph = helper.make_graph(
        [helper.make_node(op, names, ["y"], **attributes)],
        "g",
        [helper.make_tensor_value_info(names[0], TYPES[first.dtype.type], first.shape)],
        [helper.make_tensor_value_info("y", TYPES[out_type], None)],
        [
            helper.make_tensor(n, TYPES[inputs[n].dtype.type], inputs[n].shape, inputs[n].ravel())
            for n in names[1:]
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {names[0]: first})[0]


def listed(array):
    return {
        "dtype": str(array.dtype),
        "shape": list(array.shape),
        "values": np.asarray(array).ravel().tolist(),
    }


def golden(op, inputs, out_type, **attributes):
    return {
        "op": op,
        "attributes": attributes,
        "inputs": {n: listed(np.asarray(a)) for n, a in inputs.items()},
        "output": listed(run(op, inputs, out_type, **attributes)),
    }


def scalar(value, dtype):
    return np.array(value, dtype)


def cases():
    x = np.concatenate(
        [rng.uniform(-3, 3, 40), np.arange(-4, 5) * 0.0125 + 0.00625, [1e30, -1e30, 0.0]]
    ).astype(np.float32)
    for zero in (scalar(100, np.uint8), scalar(-7, np.int8)):
        inputs = {"x": x, "scale": scalar(0.0125, np.float32), "zero": zero}
        yield golden("QuantizeLinear", inputs, zero.dtype.type)
        low, high = np.iinfo(zero.dtype).min, np.iinfo(zero.dtype).max
        bytes_ = rng.integers(low, high + 1, 60).astype(zero.dtype)
        yield golden(
            "DequantizeLinear",
            {"x": bytes_, "scale": scalar(0.0325, np.float32), "zero": zero},
            np.float32,
        )
    for groups, pads, strides in ((1, [1, 1, 1, 1], [1, 1]), (1, [0, 0, 0, 0], [2, 2]),
                                  (8, [1, 1, 1, 1], [1, 1])):  # fmt: skip
        yield golden(
            "QLinearConv",
            {
                "x": rng.integers(0, 256, (1, 8, 6, 5)).astype(np.uint8),
                "x_scale": scalar(0.02, np.float32),
                "x_zero": scalar(117, np.uint8),
                "w": rng.integers(-60, 61, (8, 8 // groups, 3, 3)).astype(np.int8),
                "w_scale": rng.uniform(0.001, 0.01, 8).astype(np.float32),
                "w_zero": np.zeros(8, np.int8),
                "y_scale": scalar(0.11, np.float32),
                "y_zero": scalar(90, np.uint8),
                "bias": rng.integers(-5000, 5000, 8).astype(np.int32),
            },
            np.uint8,
            pads=pads,
            strides=strides,
            group=groups,
        )
    yield golden(
        "QLinearMatMul",
        {
            "a": rng.integers(0, 256, (5, 24)).astype(np.uint8),
            "a_scale": scalar(0.02, np.float32),
            "a_zero": scalar(30, np.uint8),
            "b": rng.integers(-60, 61, (24, 7)).astype(np.int8),
            "b_scale": scalar(0.01, np.float32),
            "b_zero": scalar(0, np.int8),
            "y_scale": scalar(0.05, np.float32),
            "y_zero": scalar(128, np.uint8),
        },
        np.uint8,
    )


if __name__ == "__main__":
    path = Path(__file__).parent.parent / "tests" / "goldens" / "quantization.json"
    file = {"source": f"onnxruntime {ort.__version__}, onnx {onnx.__version__}",
            "cases": list(cases())}  # fmt: skip
    path.write_text(json.dumps(file, separators=(",", ":")) + "\n")
