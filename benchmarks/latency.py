"""One prediction at a time through Python: 784-512-512-10."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# Long rounds: threads of the other side spin for a while after its last call.
CALLS = 10_000


def ours(workloads_of_ours) -> Callable[[], int]:
    model = workloads_of_ours.mlp_model()
    x = np.random.default_rng(0).standard_normal((1, 784)).astype(np.float32)
    model.predict(x, verbose=0)

    def run() -> int:
        for _ in range(CALLS):
            model.predict_on_batch(x)
        return CALLS

    return run


def onnxruntime(threads: int) -> Callable[[], int]:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    sizes = (784, 512, 512, 10)
    nodes, weights, name = [], [], "x"
    for i in range(3):
        w = (rng.standard_normal((sizes[i], sizes[i + 1])) / np.sqrt(sizes[i])).astype(np.float32)
        weights += [
            numpy_helper.from_array(w, f"w{i}"),
            numpy_helper.from_array(np.zeros(sizes[i + 1], np.float32), f"b{i}"),
        ]
        nodes.append(helper.make_node("Gemm", [name, f"w{i}", f"b{i}"], [f"h{i}"]))
        name = f"h{i}"
        if i < 2:
            nodes.append(helper.make_node("Relu", [name], [f"r{i}"]))
            name = f"r{i}"
    graph = helper.make_graph(
        nodes, "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 784])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 10])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    x = rng.standard_normal((1, 784)).astype(np.float32)

    def run() -> int:
        for _ in range(CALLS):
            session.run(None, {"x": x})
        return CALLS

    return run
