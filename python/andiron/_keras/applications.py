"""VGG16, VGG19, ResNet50 and MobileNetV2 as keras.applications builds them, for its weights.

Layers have the names that andiron.models has (torchvision's), in Keras's order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from andiron import _core, layers

# (x - mean) / deviation of RGB pixels; Keras's VGG and ResNet take them as BGR.
CENTRED = ((123.68, 116.779, 103.939), (1.0, 1.0, 1.0))
SYMMETRIC = ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5))
BGR = frozenset({"VGG16", "VGG19", "ResNet50"})


def _conv(x: Any, name: str, filters: int, kernel: int = 1, stride: int = 1, pad: Any = "valid",
          bias: bool = True) -> Any:  # fmt: skip
    return layers.Conv2D(filters, kernel, stride, pad, use_bias=bias, name=name)(x)


def _relu(x: Any, activation: str = "relu") -> Any:
    return layers.Activation(activation)(x)


def _vgg(blocks: tuple[int, ...]) -> Callable:
    def body(x: Any, top: Callable | None) -> Any:
        number, filters = 0, 64
        for n in blocks:
            for _ in range(n):
                x = _relu(_conv(x, f"features.{number}", filters, 3, pad="same"))
                number += 2
            x = layers.MaxPooling2D(2)(x)
            number += 1
            filters = min(2 * filters, 512)
        if top is None:
            return x
        x = layers.Flatten()(x)
        x = layers.Dense(4096, "relu", name="classifier.0")(x)
        x = layers.Dense(4096, "relu", name="classifier.3")(x)
        return top(x, "classifier.6", pooled=False)

    return body


def _resnet50(x: Any, top: Callable | None) -> Any:
    """He et al. 2016 with the stride in the first convolution of a block, and biases."""

    def norm(x: Any, name: str) -> Any:
        return layers.BatchNormalization(epsilon=1.001e-5, name=name)(x)

    x = _relu(norm(_conv(x, "conv1", 64, 7, 2, 3), "bn1"))
    x = layers.MaxPooling2D(3, 2, 1)(x)
    for stage, blocks in enumerate((3, 4, 6, 3)):
        width = 64 << stage
        for block in range(blocks):
            name, stride = f"layer{stage + 1}.{block}.", 2 if stage and not block else 1
            shortcut = x
            if block == 0:
                shortcut = _conv(x, name + "downsample.0", 4 * width, stride=stride)
                shortcut = norm(shortcut, name + "downsample.1")
            x = _relu(norm(_conv(x, name + "conv1", width, stride=stride), name + "bn1"))
            x = _relu(norm(_conv(x, name + "conv2", width, 3, pad="same"), name + "bn2"))
            x = norm(_conv(x, name + "conv3", 4 * width), name + "bn3")
            x = _relu(layers.Add()([shortcut, x]))  # in this order, by which files are read
    return x if top is None else top(x, "fc")


def _mobilenet_v2(x: Any, top: Callable | None) -> Any:
    """Sandler et al. 2018 with TensorFlow's padding, which differs at stride 2."""

    def norm(x: Any, name: str) -> Any:
        return layers.BatchNormalization(momentum=0.999, epsilon=1e-3, name=name)(x)

    def conv(x: Any, name: str, filters: int, kernel: int = 1, stride: int = 1) -> Any:
        return _conv(x, name, filters, kernel, stride, "same", bias=False)

    x = _relu(norm(conv(x, "features.0.0", 32, 3, 2), "features.0.1"), "relu6")
    number, channels = 1, 32
    for expansion, filters, repeats, first in (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
        (6, 320, 1, 1),
    ):  # fmt: skip
        for i in range(repeats):
            name, part, y, stride = f"features.{number}.conv.", 0, x, first if i == 0 else 1
            if expansion > 1:
                y = conv(y, f"{name}0.0", expansion * channels)
                y, part = _relu(norm(y, f"{name}0.1"), "relu6"), 1
            y = layers.DepthwiseConv2D(3, stride, "same", use_bias=False, name=f"{name}{part}.0")(y)
            y = _relu(norm(y, f"{name}{part}.1"), "relu6")
            y = norm(conv(y, f"{name}{part + 1}", filters), f"{name}{part + 2}")
            x = layers.Add()([x, y]) if stride == 1 and channels == filters else y
            number, channels = number + 1, filters
    x = _relu(norm(conv(x, "features.18.0", 1280), "features.18.1"), "relu6")
    return x if top is None else top(x, "classifier.1")


BODIES = {
    "VGG16": (_vgg((2, 2, 3, 3, 3)), CENTRED),
    "VGG19": (_vgg((2, 2, 4, 4, 4)), CENTRED),
    "ResNet50": (_resnet50, CENTRED),
    "MobileNetV2": (_mobilenet_v2, SYMMETRIC),
}


def build(network: str, options: dict[str, Any]) -> Any:
    """A network with the options of andiron.models, but for its weights.

    Errors:
        andiron.Error for a network that keras.applications does not have or has otherwise.
    """
    from andiron.models import Model

    if network not in BODIES:
        raise _core.Error(
            f"[{network}] takes PyTorch's weights; keras.applications' are taken by "
            f"{', '.join(BODIES)}"
        )
    body, (mean, deviation) = BODIES[network]
    last = options.get("data_format") == "channels_last"
    pooling, activation = options.get("pooling"), options.get("classifier_activation")
    if pooling not in (None, "avg", "max"):
        raise _core.Error(f"[{network}] pooling is none, 'avg' or 'max'; got {pooling!r}")
    shape = options.get("input_shape") or ((224, 224, 3) if last else (3, 224, 224))
    inputs = x = layers.Input(tuple(int(n) for n in shape))
    if last:
        x = layers.Permute((3, 1, 2))(x)
    if options.get("include_preprocessing", True):
        x = layers.Normalization(
            1, mean=mean, variance=[d * d for d in deviation], name="pixels"
        )(x)  # fmt: skip

    def top(x: Any, name: str, pooled: bool = True) -> Any:
        x = layers.GlobalAveragePooling2D()(x) if pooled else x
        if options.get("dropout"):
            x = layers.Dropout(options["dropout"])(x)
        return layers.Dense(options.get("classes") or 1000, activation, name=name)(x)

    y = body(x, top if options.get("include_top", True) else None)
    if not options.get("include_top", True):
        if pooling is not None:
            pools = {"avg": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D}
            y = pools[pooling]()(y)
        elif last:
            y = layers.Permute((2, 3, 1))(y)
    return Model(inputs, y, name=options.get("name") or network.lower())
