"""The classifiers of the course, from ten templates to residual networks."""

from __future__ import annotations

from typing import Any

from andiron import Input, Sequential, layers, losses, models, ops, regularizers

SHAPE = (3, 32, 32)


class MulticlassHinge(losses.Loss):
    """The SVM's loss: mean over samples of sum over wrong classes of max(0, s_j - s_y + 1).

    Labels are one-hot. Source: Weston and Watkins 1999.
    """

    def call(self, y_true, y_pred):
        right = ops.sum(y_true * y_pred, [1], keepdims=True)
        return ops.sum(ops.relu(y_pred - right + 1.0) * (1.0 - y_true), [1])


def linear(l2: float = 0.0) -> Any:
    """Ten templates: a score for each class is a weighted sum of all pixels. They start from 0, so
    that a picture of them shows what was learned and nothing else."""
    penalty = regularizers.L2(l2) if l2 else None
    return Sequential(
        [
            Input(SHAPE),
            layers.Flatten(),
            layers.Dense(
                10, kernel_initializer="zeros", kernel_regularizer=penalty, name="templates"
            ),
        ]
    )


def fully_connected(*hidden: int) -> Any:
    """Hidden layers of ReLU between the pixels and the scores."""
    stack: list = [Input(SHAPE), layers.Flatten()]
    stack += [
        layers.Dense(n, "relu", kernel_initializer="he_normal", name=f"hidden_{i}")
        for i, n in enumerate(hidden or (512, 256))
    ]
    return Sequential([*stack, layers.Dense(10)])


def vgg_small() -> Any:
    """3x3 convolutions 32-32-pool-64-64-pool-128-128-pool, each with batch normalization and ReLU,
    dense 256, 10 classes: 814,570 parameters."""
    stack: list = [Input(SHAPE)]
    for filters in (32, 64, 128):
        for _ in range(2):
            stack += [
                layers.Conv2D(
                    filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal"
                ),
                layers.BatchNormalization(momentum=0.9, epsilon=1e-5),
                layers.ReLU(),
            ]
        stack += [layers.MaxPooling2D()]
    return Sequential(
        [
            *stack,
            layers.Flatten(),
            layers.Dense(256, "relu", kernel_initializer="he_normal"),
            layers.Dense(10),
        ]
    )


def resnet20() -> Any:
    """He et al. 2016, section 4.2."""
    return models.ResNet20(classifier_activation=None)


NETWORKS = {"VGG-small": vgg_small, "ResNet-20": resnet20}
