"""Image networks in Andiron, PyTorch and TensorFlow: each function returns one timed round."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def cifar(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of CIFAR-10's sizes: float32 [n, 3, 32, 32] and int64 [n]."""
    rng = np.random.default_rng(seed)
    return (
        rng.standard_normal((n, 3, 32, 32)).astype(np.float32),
        rng.integers(0, 10, n).astype(np.int64),
    )


# VGG-small: 3x3 convolutions 32-32-pool-64-64-pool-128-128-pool, each with batch normalization and
# ReLU, dense 256, 10 classes.
VGG = (32, 64, 128)


def ours_vgg_small(batch: int, steps: int) -> Callable[[], int]:
    from andiron import Input, Sequential, layers, losses, optimizers
    from benchmarks.ours import _loop

    network = [Input((3, 32, 32))]
    for filters in VGG:
        for _ in range(2):
            network += [layers.Conv2D(filters, 3, padding="same"), layers.BatchNormalization()]
            network += [layers.ReLU()]
        network += [layers.MaxPooling2D()]
    network += [layers.Flatten(), layers.Dense(256, "relu"), layers.Dense(10)]
    model = Sequential(network)
    model.compile(
        optimizers.SGD(0.01, momentum=0.9), losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    x, y = cifar(batch * steps)
    return _loop(model, [x], y, batch, steps)


def torch_vgg_small(
    batch: int, steps: int, channels_last: bool = False, compiled: bool = False
) -> Callable[[], int]:
    import torch
    from torch import nn

    from benchmarks.peers_torch import _loop

    torch.manual_seed(0)
    network, channels = [], 3
    for filters in VGG:
        for _ in range(2):
            network += [nn.Conv2d(channels, filters, 3, padding=1), nn.BatchNorm2d(filters)]
            network += [nn.ReLU()]
            channels = filters
        network += [nn.MaxPool2d(2)]
    model = nn.Sequential(*network, nn.Flatten(), nn.Linear(2048, 256), nn.ReLU(),
                          nn.Linear(256, 10))  # fmt: skip
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    x, y = cifar(batch * steps)
    call = torch.compile(model) if compiled else model
    return _loop(call, [optimizer], nn.CrossEntropyLoss(), [x], y, batch, steps)


def tensorflow_vgg_small(batch: int, steps: int) -> Callable[[], int]:
    import tensorflow as tf

    keras = tf.keras
    network = [keras.Input((32, 32, 3))]
    for filters in VGG:
        for _ in range(2):
            network += [keras.layers.Conv2D(filters, 3, padding="same")]
            network += [keras.layers.BatchNormalization(), keras.layers.ReLU()]
        network += [keras.layers.MaxPooling2D()]
    network += [keras.layers.Flatten(), keras.layers.Dense(256, "relu"), keras.layers.Dense(10)]
    model = keras.Sequential(network)
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    x, y = cifar(batch * steps)
    x = np.ascontiguousarray(np.moveaxis(x, 1, -1))

    def run() -> int:
        model.fit(x, y, batch_size=batch, epochs=1, shuffle=False, verbose=0)
        return batch * steps

    return run
