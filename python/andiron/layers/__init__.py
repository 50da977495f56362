"""Layers under Keras's names, with Keras's arguments and defaults."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from andiron import _core, ops
from andiron._refuse import refuse
from andiron.layers.base import CoreLayer, Layer
from andiron.layers.categories import (
    CategoryEncoding,
    Discretization,
    HashedCrossing,
    Hashing,
    IntegerLookup,
    StringLookup,
    TextVectorization,
)
from andiron.layers.convolution import (
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    Convolution1D,
    Convolution2D,
    Convolution3D,
)
from andiron.layers.core import (
    Activation,
    Dense,
    Dropout,
    Embedding,
    EmbeddingBag,
    HashedCross,
    PReLU,
    WideLinear,
)
from andiron.layers.image import (
    Cropping1D,
    Cropping2D,
    Cropping3D,
    LocalResponseNormalization,
    Rescaling,
    Resizing,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
    UpSampling1D,
    UpSampling2D,
    UpSampling3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from andiron.layers.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Flatten,
    Maximum,
    Minimum,
    Multiply,
    Permute,
    RepeatVector,
    Reshape,
    Subtract,
)
from andiron.layers.noise import (
    ActivityRegularization,
    AlphaDropout,
    GaussianDropout,
    GaussianNoise,
    Identity,
    Masking,
)
from andiron.layers.normalization import (
    BatchNormalization,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
    Normalization,
    RMSNormalization,
    UnitNormalization,
)
from andiron.layers.pooling import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    AvgPool1D,
    AvgPool2D,
    AvgPool3D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalAvgPool1D,
    GlobalAvgPool2D,
    GlobalAvgPool3D,
    GlobalMaxPool1D,
    GlobalMaxPool2D,
    GlobalMaxPool3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from andiron.layers.products import (
    Bilinear,
    EinsumDense,
    Highway,
    MaxoutDense,
    TimeDistributed,
)
from andiron.layers.separable import (
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
)

__all__ = [
    "Activation",
    "ActivityRegularization",
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "Add",
    "AlphaDropout",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "BatchNormalization",
    "Bilinear",
    "CategoryEncoding",
    "Concatenate",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "Convolution1D",
    "Convolution2D",
    "Convolution3D",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Discretization",
    "Dot",
    "Dropout",
    "ELU",
    "EinsumDense",
    "Embedding",
    "EmbeddingBag",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GroupNormalization",
    "HashedCross",
    "HashedCrossing",
    "Hashing",
    "Highway",
    "Identity",
    "Input",
    "InputLayer",
    "InstanceNormalization",
    "IntegerLookup",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "LocalResponseNormalization",
    "Masking",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Maximum",
    "MaxoutDense",
    "Minimum",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "RMSNormalization",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Resizing",
    "SeparableConv1D",
    "SeparableConv2D",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "ThresholdedReLU",
    "UnitNormalization",
    "StringLookup",
    "Subtract",
    "TextVectorization",
    "TimeDistributed",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "WideLinear",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "add",
    "average",
    "concatenate",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]


class InputLayer(CoreLayer):
    """The entry of a network; made by Input."""

    def __init__(self, shape: Sequence[int], dtype: Any = "float32", *, name: str | None = None):
        self._adopt(Input(shape, dtype=dtype, name=name).layer)


def Input(  # noqa: N802 (Keras's name)
    shape: Sequence[int] = (),
    batch_size: int | None = None,
    dtype: Any = "float32",
    name: str | None = None,
    *,
    batch_shape: Sequence[int | None] | None = None,
):
    """The entry of a network.

    Args:
        shape: of one sample, without the batch.
        batch_size: accepted for Keras's sake; any batch size works.
        dtype: "float32" by default; integers for ids; "string" for texts, which StringLookup,
            Hashing and HashedCrossing take, and layers that only move elements pass on.
        name: of the data, when they come in a dict.
        batch_shape: the shape with the batch (None) in front, instead of `shape`.

    Returns:
        A symbolic tensor; layers are called on it.
    """
    if batch_shape is not None:
        shape = batch_shape[1:]
    return _core.symbolic_input(shape, name or "", dtype or "float32")


class Lambda(Layer):
    """Any composition of ops as a layer; saved as what it does, without the function.

    Args:
        function: takes the input (or a list of inputs), and `training` if it has such an argument.
        output_shape: accepted for Keras's sake; the composition knows its shape.
        mask: refused; a mask (see Masking) ends here.
        arguments: more arguments for the function, by name.

    Example:
        >>> from andiron import layers, ops
        >>> layers.Lambda(ops.square)([[3.0]]).numpy().tolist()
        [[9.0]]
    """

    def __init__(
        self,
        function: Callable,
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict | None = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
    ):
        refuse("Lambda", "masks do not pass through compositions", mask=mask)
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self._function, self._arguments = function, dict(arguments or {})
        try:
            self._with_training = "training" in inspect.signature(function).parameters
        except (TypeError, ValueError):  # a callable that does not tell its arguments
            self._with_training = False

    def call(self, inputs, training: bool = False):
        keywords = {"training": training} if self._with_training else {}
        return self._function(inputs, **keywords, **self._arguments)


class ReLU(Lambda):
    """x from `threshold` on, at most `max_value`; negative_slope * (x - threshold) below it."""

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        *,
        name: str | None = None,
        dtype: Any = None,
    ):
        if (max_value is not None and max_value < 0) or negative_slope < 0 or threshold < 0:
            raise _core.Error(
                "[ReLU] max_value, negative_slope and threshold must not be negative; got "
                f"{max_value}, {negative_slope} and {threshold}"
            )

        self._settings = {
            "max_value": max_value, "negative_slope": negative_slope, "threshold": threshold,
        }  # fmt: skip
        if max_value is None and negative_slope == threshold == 0:
            self._adopt(Activation("relu", name=name, dtype=dtype)._core)
            if name is None:
                self._core.set_automatic_name("re_lu")
            return

        def relu(x):
            below = (x - threshold) * negative_slope if negative_slope else x * 0.0
            y = ops.where(x >= threshold, x, below)
            return y if max_value is None else ops.minimum(y, max_value)

        super().__init__(relu, name=name, dtype=dtype)

    def get_config(self) -> dict:
        return {**self._settings, "name": self.name or None}


class Softmax(Lambda):
    """Softmax over an axis."""

    def __init__(self, axis: int = -1, *, name: str | None = None, dtype: Any = None):
        self._axis = axis
        if axis == -1:
            self._adopt(Activation("softmax", name=name, dtype=dtype)._core)
            if name is None:
                self._core.set_automatic_name("softmax")
            return
        super().__init__(lambda x: ops.softmax(x, axis), name=name, dtype=dtype)

    def get_config(self) -> dict:
        return {"axis": self._axis, "name": self.name or None}


class LeakyReLU(Lambda):
    """x above 0, negative_slope * x below. Default: 0.3."""

    def __init__(self, negative_slope: float = 0.3, *, name: str | None = None, dtype: Any = None):
        if negative_slope < 0:
            raise _core.Error(
                f"[LeakyReLU] negative_slope must not be negative; got {negative_slope}"
            )
        self._slope = float(negative_slope)
        super().__init__(lambda x: ops.leaky_relu(x, self._slope), name=name, dtype=dtype)

    def get_config(self) -> dict:
        return {"negative_slope": self._slope, "name": self.name or None}


class ELU(Lambda):
    """x above 0, alpha (e^x - 1) below. Default: 1. Source: Clevert et al. 2016."""

    def __init__(self, alpha: float = 1.0, *, name: str | None = None, dtype: Any = None):
        self._alpha = float(alpha)
        super().__init__(lambda x: ops.elu(x, self._alpha), name=name, dtype=dtype)

    def get_config(self) -> dict:
        return {"alpha": self._alpha, "name": self.name or None}


class ThresholdedReLU(Lambda):
    """x above theta, else 0. Default: 1. Source: Konda et al. 2015."""

    def __init__(self, theta: float = 1.0, *, name: str | None = None, dtype: Any = None):
        if theta < 0:
            raise _core.Error(f"[ThresholdedReLU] theta must not be negative; got {theta}")
        self._theta = float(theta)
        super().__init__(lambda x: ops.threshold(x, self._theta, 0.0), name=name, dtype=dtype)

    def get_config(self) -> dict:
        return {"theta": self._theta, "name": self.name or None}


def concatenate(inputs, axis: int = -1, name: str | None = None):
    """Concatenate as a function."""
    return Concatenate(axis=axis, name=name)(inputs)


def add(inputs, name: str | None = None):
    """Add as a function."""
    return Add(name=name)(inputs)


def average(inputs, name: str | None = None):
    """Average as a function."""
    return Average(name=name)(inputs)


def maximum(inputs, name: str | None = None):
    """Maximum as a function."""
    return Maximum(name=name)(inputs)


def minimum(inputs, name: str | None = None):
    """Minimum as a function."""
    return Minimum(name=name)(inputs)


def subtract(inputs, name: str | None = None):
    """Subtract as a function."""
    return Subtract(name=name)(inputs)


def multiply(inputs, name: str | None = None):
    """Multiply as a function."""
    return Multiply(name=name)(inputs)


def dot(inputs, axes, normalize: bool = False, name: str | None = None):
    """Dot as a function."""
    return Dot(axes, normalize=normalize, name=name)(inputs)
