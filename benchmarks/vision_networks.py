"""The image networks of the vision rows: ours as ONNX for the peers, PyTorch's and TensorFlow's."""

from __future__ import annotations

import importlib

# name -> its name in torchvision
INFERENCE = {
    "GoogLeNet": None,
    "ResNet50": "resnet50",
    "VGG16": "vgg16",
    "MobileNetV2": "mobilenet_v2",
    "EfficientNetLite0": None,
}
# Table 1 of Szegedy et al. 2015: 1x1; 3x3 reduce, 3x3; 5x5 reduce, 5x5; pool
INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64), "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64), "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128), "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}  # fmt: skip


def ours(name: str):
    """Random weights; logits of normalised photos."""
    from andiron import models

    options = {} if name == "ResNet20" else {"include_preprocessing": False}
    return getattr(models, name)(classifier_activation=None, **options)


def onnx_bytes(name: str) -> bytes:
    from andiron import onnx

    return onnx.to_bytes(ours(name))


def torch_googlenet(classes: int = 1000):
    """The paper's network with LRN, without batch normalization and auxiliary heads."""
    import torch
    from torch import nn

    def conv(n_in, n_out, kernel, stride=1):
        return nn.Sequential(nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2), nn.ReLU())

    def pool(kernel=3, stride=2, padding=0):
        return nn.MaxPool2d(kernel, stride, padding, ceil_mode=True)

    class Inception(nn.Module):
        def __init__(self, n_in, ones, reduce3, threes, reduce5, fives, pooled):
            super().__init__()
            self.branches = nn.ModuleList([
                conv(n_in, ones, 1),
                nn.Sequential(conv(n_in, reduce3, 1), conv(reduce3, threes, 3)),
                nn.Sequential(conv(n_in, reduce5, 1), conv(reduce5, fives, 5)),
                nn.Sequential(pool(3, 1, 1), conv(n_in, pooled, 1)),
            ])  # fmt: skip

        def forward(self, x):
            return torch.cat([branch(x) for branch in self.branches], 1)

    def lrn():
        return nn.LocalResponseNorm(5, 1e-4, 0.75)

    network = [conv(3, 64, 7, 2), pool(), lrn(), conv(64, 64, 1), conv(64, 192, 3), lrn(), pool()]
    channels = 192
    for name, (ones, reduce3, threes, reduce5, fives, pooled) in INCEPTIONS.items():
        network.append(Inception(channels, ones, reduce3, threes, reduce5, fives, pooled))
        channels = ones + threes + fives + pooled
        if name in ("3b", "4e"):
            network.append(pool())
    return nn.Sequential(*network, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.4),
                         nn.Linear(channels, classes))  # fmt: skip


def torch_resnet20():
    """The CIFAR network of He et al. 2016 with 1x1 projections."""
    from torch import nn

    class Block(nn.Module):
        def __init__(self, n_in, n_out, stride):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU(),
                nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False), nn.BatchNorm2d(n_out),
            )  # fmt: skip
            self.shortcut = nn.Identity()
            if stride > 1:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out)
                )
            self.relu = nn.ReLU()

        def forward(self, x):
            return self.relu(self.body(x) + self.shortcut(x))

    network = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for width in (16, 32, 64):
        for i in range(3):
            network.append(Block(channels, width, 2 if i == 0 and width > 16 else 1))
            channels = width
    return nn.Sequential(*network, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def torch_network(name: str):
    if name == "GoogLeNet":
        return torch_googlenet()
    if name == "ResNet20":
        return torch_resnet20()
    if name == "EfficientNetLite0":
        from efficientnet_lite_pytorch import EfficientNet

        return EfficientNet.from_name("efficientnet-lite0")
    return getattr(importlib.import_module("torchvision.models"), INFERENCE[name])()


def tensorflow_googlenet(classes: int = 1000):
    import tensorflow as tf

    layers = tf.keras.layers

    class Lrn(layers.Layer):
        def call(self, x):
            return tf.nn.local_response_normalization(x, 2, 1.0, 2e-5, 0.75)

    def conv(x, filters, kernel, stride=1):
        return layers.Conv2D(filters, kernel, stride, "same", activation="relu")(x)

    def pool(x, stride=2):
        return layers.MaxPooling2D(3, stride, "same")(x)

    inputs = tf.keras.Input((224, 224, 3))
    x = Lrn()(pool(conv(inputs, 64, 7, 2)))
    x = pool(Lrn()(conv(conv(x, 64, 1), 192, 3)))
    for name, (ones, reduce3, threes, reduce5, fives, pooled) in INCEPTIONS.items():
        x = layers.Concatenate()([
            conv(x, ones, 1), conv(conv(x, reduce3, 1), threes, 3),
            conv(conv(x, reduce5, 1), fives, 5), conv(pool(x, 1), pooled, 1),
        ])  # fmt: skip
        if name in ("3b", "4e"):
            x = pool(x)
    x = layers.Dropout(0.4)(layers.GlobalAveragePooling2D()(x))
    return tf.keras.Model(inputs, layers.Dense(classes)(x))


def tensorflow_resnet20():
    import tensorflow as tf

    layers = tf.keras.layers

    def conv(x, filters, kernel, stride=1):
        x = layers.Conv2D(filters, kernel, stride, "same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    inputs = tf.keras.Input((32, 32, 3))
    x = layers.ReLU()(conv(inputs, 16, 3))
    for width in (16, 32, 64):
        for i in range(3):
            stride = 2 if i == 0 and width > 16 else 1
            y = conv(layers.ReLU()(conv(x, width, 3, stride)), width, 3)
            x = layers.ReLU()(y + (x if stride == 1 else conv(x, width, 1, stride)))
    return tf.keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))
