"""Layers under Keras's names, with Keras's arguments and defaults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from andiron import _core
from andiron.layers.base import CoreLayer, Layer
from andiron.layers.core import (
    Activation,
    Dense,
    Dropout,
    Embedding,
    EmbeddingBag,
    HashedCross,
    HashedCrossing,
    WideLinear,
)
from andiron.layers.merging import Add, Concatenate, Dot, Flatten, Multiply, Reshape

__all__ = [
    "Activation",
    "Add",
    "Concatenate",
    "Dense",
    "Dot",
    "Dropout",
    "Embedding",
    "EmbeddingBag",
    "Flatten",
    "HashedCross",
    "HashedCrossing",
    "Input",
    "InputLayer",
    "Lambda",
    "Layer",
    "Multiply",
    "ReLU",
    "Reshape",
    "Softmax",
    "WideLinear",
    "add",
    "concatenate",
    "dot",
    "multiply",
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
):
    """The entry of a network.

    Args:
        shape: of one sample, without the batch.
        batch_size: accepted for Keras's sake; any batch size works.
        dtype: "float32" by default; integers for ids.
        name: of the data, when they come in a dict.

    Returns:
        A symbolic tensor; layers are called on it.
    """
    return _core.symbolic_input(shape, name or "", dtype or "float32")


class Lambda(Layer):
    """Any composition of ops as a layer; saved as what it does, without the function.

    Args:
        function: takes the input (or a list of inputs), and `training` if it has such an argument.

    Example:
        >>> from andiron import layers, ops
        >>> layers.Lambda(ops.square)([[3.0]]).numpy().tolist()
        [[9.0]]
    """

    def __init__(self, function: Callable, *, name: str | None = None):
        super().__init__(name=name)
        self._function = function

    def call(self, inputs):
        return self._function(inputs)


class ReLU(Activation):
    """max(x, 0)."""

    def __init__(self, *, name: str | None = None):
        self._adopt(Activation("relu", name=name)._core)


class Softmax(Activation):
    """Softmax over the last axis."""

    def __init__(self, *, name: str | None = None):
        self._adopt(Activation("softmax", name=name)._core)


def concatenate(inputs, axis: int = -1, name: str | None = None):
    """Concatenate as a function."""
    return Concatenate(axis=axis, name=name)(inputs)


def add(inputs, name: str | None = None):
    """Add as a function."""
    return Add(name=name)(inputs)


def multiply(inputs, name: str | None = None):
    """Multiply as a function."""
    return Multiply(name=name)(inputs)


def dot(inputs, axes, normalize: bool = False, name: str | None = None):
    """Dot as a function."""
    return Dot(axes, normalize=normalize, name=name)(inputs)
