"""Us and the peers at work on image networks: each function returns one call of so many images."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from benchmarks import vision_networks

THREADS = 2


def photos(batch: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((batch, 3, 224, 224)).astype(np.float32)


def infer_ours(network: str, batch: int) -> Callable[[], int]:
    frozen = vision_networks.ours(network).frozen(THREADS)
    x = photos(batch)

    def run() -> int:
        frozen.predict(x)
        return batch

    return run


def infer_onnxruntime(network: str, batch: int) -> Callable[[], int]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(
        vision_networks.onnx_bytes(network), options, providers=["CPUExecutionProvider"]
    )
    feed = {session.get_inputs()[0].name: photos(batch)}

    def run() -> int:
        session.run(None, feed)
        return batch

    return run


def infer_openvino(network: str, batch: int) -> Callable[[], int]:
    import openvino

    core = openvino.Core()
    model = core.read_model(vision_networks.onnx_bytes(network))
    model.reshape([batch, 3, 224, 224])
    hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32",
             "INFERENCE_NUM_THREADS": THREADS}  # fmt: skip
    request = core.compile_model(model, "CPU", hints).create_infer_request()
    x = photos(batch)

    def run() -> int:
        request.infer([x])
        return batch

    return run


def infer_torch(network: str, batch: int) -> Callable[[], int]:
    import torch

    torch.set_num_threads(THREADS)
    model = vision_networks.torch_network(network).eval().to(memory_format=torch.channels_last)
    x = torch.from_numpy(photos(batch)).to(memory_format=torch.channels_last)

    def run() -> int:
        with torch.inference_mode():
            model(x)
        return batch

    return run


INFERENCE = {
    "Andiron": infer_ours,
    "ONNX Runtime": infer_onnxruntime,
    "OpenVINO": infer_openvino,
    "PyTorch": infer_torch,
}


def _labelled(network: str, batch: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    from benchmarks.networks import cifar

    if network != "GoogLeNet":
        return cifar(batch * steps)
    labels = np.random.default_rng(1).integers(0, 1000, batch * steps).astype(np.int64)
    return photos(batch * steps), labels


def train_ours(network: str, batch: int, steps: int) -> Callable[[], int]:
    from andiron import losses, optimizers, set_threads
    from benchmarks.networks import ours_vgg_small
    from benchmarks.ours import _loop

    set_threads(THREADS)
    if network == "VGG-small":
        return ours_vgg_small(batch, steps)
    model = vision_networks.ours(network)
    model.compile(optimizers.SGD(0.01, momentum=0.9),
                  losses.SparseCategoricalCrossentropy(from_logits=True))  # fmt: skip
    x, y = _labelled(network, batch, steps)
    return _loop(model, [x], y, batch, steps)


def train_torch(network: str, batch: int, steps: int, compiled: bool = False) -> Callable[[], int]:
    import torch

    torch.set_num_threads(THREADS)
    from benchmarks.networks import torch_vgg_small
    from benchmarks.peers_torch import _loop

    if network == "VGG-small":
        return torch_vgg_small(batch, steps, channels_last=not compiled, compiled=compiled)
    torch.manual_seed(0)
    model = vision_networks.torch_network(network).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    call = torch.compile(model) if compiled else model
    x, y = _labelled(network, batch, steps)
    return _loop(call, [optimizer], torch.nn.CrossEntropyLoss(), [x], y, batch, steps)


def train_torch_compiled(network: str, batch: int, steps: int) -> Callable[[], int]:
    return train_torch(network, batch, steps, compiled=True)


def train_tensorflow(network: str, batch: int, steps: int) -> Callable[[], int]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    from benchmarks.networks import tensorflow_vgg_small

    if network == "VGG-small":
        return tensorflow_vgg_small(batch, steps)
    model = (vision_networks.tensorflow_googlenet() if network == "GoogLeNet"
             else vision_networks.tensorflow_resnet20())  # fmt: skip
    model.compile(tf.keras.optimizers.SGD(0.01, momentum=0.9),
                  tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))  # fmt: skip
    x, y = _labelled(network, batch, steps)
    x = np.ascontiguousarray(np.moveaxis(x, 1, -1))

    def run() -> int:
        model.fit(x, y, batch_size=batch, epochs=1, shuffle=False, verbose=0)
        return batch * steps

    return run


TRAINING = {
    "Andiron": train_ours,
    "PyTorch": train_torch,
    "torch.compile": train_torch_compiled,
    "TensorFlow": train_tensorflow,
}
