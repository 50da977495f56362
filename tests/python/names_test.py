"""Automatic names: those of Keras 3."""

from __future__ import annotations

import re

import pytest

from andiron import Input, Sequential, _core, layers, losses, metrics

snake_case = _core.snake_case


def keras(name):
    """keras.src.utils.naming.to_snake_case of Keras 3.11."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def test_layers_are_named_as_in_keras():
    model = Sequential(
        [
            Input((3, 12, 12)),
            layers.Conv2D(4, 3),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(4, 3),
            layers.MaxPooling2D(),
            layers.ZeroPadding2D(),
            layers.DepthwiseConv2D(2),
            layers.Conv2DTranspose(2, 2),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3),
            layers.PReLU(),
            layers.Dense(1),
        ]
    )
    assert [layer.name for layer in model.layers] == [
        "conv2d", "batch_normalization", "re_lu", "conv2d_1", "max_pooling2d", "zero_padding2d",
        "depthwise_conv2d", "conv2d_transpose", "global_average_pooling2d", "dense", "p_re_lu",
        "dense_1",
    ]  # fmt: skip
    assert model.variables[0].name == "conv2d/kernel"


@pytest.mark.parametrize("module", [layers, losses, metrics])
def test_the_rule_is_kerass(module):
    for name in [*dir(module), "Block2AHTTPUnit", "_A1b", "aBC", "XAbYCdE", "A<B>", ""]:
        assert snake_case(name) == keras(name), name


def test_a_layer_of_ones_own_has_its_class():
    class Block2AHTTPUnit(layers.Layer):
        def call(self, x):
            return x * 2.0

    model = Sequential([Input((2,)), Block2AHTTPUnit()])
    assert model.layers[0].name == "block2ahttp_unit"
