"""Normalized networks and many classes, on each side as its users write them: a function returns
what does one round of `steps` training steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

THREADS = 2
WIDTHS = (512, 512, 512)


def samples(network: str, n: int) -> tuple[np.ndarray, np.ndarray, int]:
    """x, labels, and the number of classes."""
    rng = np.random.default_rng(0)
    width, classes = (256, 10_000) if network == "softmax-10000" else (784, 10)
    x = rng.standard_normal((n, width)).astype(np.float32)
    return x, rng.integers(0, classes, n).astype(np.int64), classes


def ours(network: str, batch: int, steps: int) -> Callable[[], int]:
    import andiron
    from andiron import layers, losses, optimizers
    from benchmarks.ours import _loop

    andiron.set_threads(THREADS)
    x, y, classes = samples(network, batch * steps)
    model = andiron.Sequential([andiron.Input(x.shape[1:])])
    norm = {
        "layer-norm": lambda: layers.LayerNormalization(epsilon=1e-5),
        "batch-norm": lambda: layers.BatchNormalization(momentum=0.9, epsilon=1e-5),
    }
    for width in WIDTHS if network in norm else ():
        model.add(layers.Dense(width))
        model.add(norm[network]())
        model.add(layers.ReLU())
    model.add(layers.Dense(classes))
    model.compile(optimizers.Adam(1e-3), losses.SparseCategoricalCrossentropy(from_logits=True))
    return _loop(model, [x], y, batch, steps)


def torch_side(network: str, batch: int, steps: int, compiled: bool = False) -> Callable[[], int]:
    import torch
    from torch import nn

    torch.set_num_threads(THREADS)
    from benchmarks.peers_torch import _loop

    x, y, classes = samples(network, batch * steps)
    norm = {"layer-norm": nn.LayerNorm, "batch-norm": nn.BatchNorm1d}
    parts, n = [], x.shape[1]
    for width in WIDTHS if network in norm else ():
        parts += [nn.Linear(n, width), norm[network](width), nn.ReLU()]
        n = width
    torch.manual_seed(0)
    model = nn.Sequential(*parts, nn.Linear(n, classes))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    if compiled:
        model = torch.compile(model)
    return _loop(model, [optimizer], nn.CrossEntropyLoss(), [x], y, batch, steps)


def tensorflow_side(network: str, batch: int, steps: int) -> Callable[[], int]:
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    from benchmarks.peers_tensorflow import _loop

    x, y, classes = samples(network, batch * steps)
    norm = {
        "layer-norm": lambda: keras.layers.LayerNormalization(epsilon=1e-5),
        "batch-norm": lambda: keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5),
    }
    model = keras.Sequential([keras.Input(x.shape[1:])])
    for width in WIDTHS if network in norm else ():
        model.add(keras.layers.Dense(width))
        model.add(norm[network]())
        model.add(keras.layers.ReLU())
    model.add(keras.layers.Dense(classes))
    return _loop(model, keras.losses.SparseCategoricalCrossentropy(from_logits=True), [x], y,
                 batch, steps)  # fmt: skip


SIDES = {
    "Andiron": ours,
    "PyTorch": torch_side,
    "torch.compile": lambda *a: torch_side(*a, compiled=True),
    "TensorFlow": tensorflow_side,
}
