"""Losses of classes and labels: probabilities, scores and masks."""

from __future__ import annotations

import numpy as np

from andiron.losses.base import Loss, last_axis

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "CrammerSinger",
    "Dice",
    "Hinge",
    "KLDivergence",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "WestonWatkins",
]


class Hinge(Loss):
    """mean max(1 - y_true y_pred, 0), labels -1 and 1 (0 is taken for -1)"""

    _class_name = "Hinge"

    def __init__(self, reduction="sum_over_batch_size", name="hinge", dtype=None):
        self._make(reduction=reduction, name=name, dtype=dtype)


class SquaredHinge(Loss):
    """mean max(1 - y_true y_pred, 0)^2, labels -1 and 1 (0 is taken for -1)"""

    _class_name = "SquaredHinge"

    def __init__(self, reduction="sum_over_batch_size", name="squared_hinge", dtype=None):
        self._make(reduction=reduction, name=name, dtype=dtype)


class CategoricalHinge(Loss):
    """max(max((1 - y_true) y_pred) - sum(y_true y_pred) + 1, 0), one-hot labels"""

    _class_name = "CategoricalHinge"

    def __init__(self, reduction="sum_over_batch_size", name="categorical_hinge", dtype=None):
        self._make(reduction=reduction, name=name, dtype=dtype)


class WestonWatkins(Loss):
    """sum over j != y of max(s_j - s_y + margin, 0): a support vector machine of several classes

    y_true are class ids [batch, ...], y_pred scores [batch, ..., classes]. An id that is no class
    is an error.

    Args:
        margin: Default: 1.

    Source: Weston and Watkins, Support Vector Machines for Multi-Class Pattern Recognition, 1999.
    """

    _class_name = "WestonWatkins"

    def __init__(
        self,
        margin=1.0,
        reduction="sum_over_batch_size",
        name="weston_watkins",
        dtype=None,
    ):
        self._make(margin=float(margin), reduction=reduction, name=name, dtype=dtype)


class CrammerSinger(Loss):
    """max(max over j != y of s_j - s_y + margin, 0): the other such machine

    Arguments as of WestonWatkins.

    Source: Crammer and Singer, On the Algorithmic Implementation of Multiclass Kernel-based Vector
    Machines, 2001.
    """

    _class_name = "CrammerSinger"

    def __init__(
        self,
        margin=1.0,
        reduction="sum_over_batch_size",
        name="crammer_singer",
        dtype=None,
    ):
        self._make(margin=float(margin), reduction=reduction, name=name, dtype=dtype)


class BinaryCrossentropy(Loss):
    """-mean(y log p + (1 - y) log(1 - p))

    Args:
        from_logits: y_pred are scores before the sigmoid. Default: False.
        label_smoothing: labels are drawn this far towards 1/2. Default: 0.
    """

    _class_name = "BinaryCrossentropy"

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="binary_crossentropy",
        dtype=None,
    ):
        last_axis(axis)
        self._make(
            from_logits=from_logits,
            label_smoothing=float(label_smoothing),
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


class BinaryFocalCrossentropy(Loss):
    """Binary cross-entropy times |y - p|^gamma: what is easy counts less

    Args:
        apply_class_balancing: times alpha where y = 1 and 1 - alpha where y = 0. Default: False.
        alpha: Default: 0.25.
        gamma: 0 is plain cross-entropy. Default: 2.
        from_logits, label_smoothing: as in BinaryCrossentropy.

    Source: Lin et al., Focal Loss for Dense Object Detection, 2017.
    """

    _class_name = "BinaryFocalCrossentropy"

    def __init__(
        self,
        apply_class_balancing=False,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="binary_focal_crossentropy",
        dtype=None,
    ):
        last_axis(axis)
        self._make(
            apply_class_balancing=bool(apply_class_balancing),
            alpha=float(alpha),
            gamma=float(gamma),
            from_logits=from_logits,
            label_smoothing=float(label_smoothing),
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


class CategoricalCrossentropy(Loss):
    """-sum y log p over the last axis, one-hot labels

    Args:
        from_logits: y_pred are scores before the softmax. Default: False.
        label_smoothing: labels are drawn this far towards 1/classes. Default: 0.
    """

    _class_name = "CategoricalCrossentropy"

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="categorical_crossentropy",
        dtype=None,
    ):
        last_axis(axis)
        self._make(
            from_logits=from_logits,
            label_smoothing=float(label_smoothing),
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


class CategoricalFocalCrossentropy(Loss):
    """-sum alpha (1 - p)^gamma y log p over the last axis, one-hot labels

    Args:
        alpha: one number, or one for each class. Default: 0.25.
        gamma: 0 is plain cross-entropy times alpha. Default: 2.
        from_logits, label_smoothing: as in CategoricalCrossentropy.

    Source: Lin et al., Focal Loss for Dense Object Detection, 2017.
    """

    _class_name = "CategoricalFocalCrossentropy"

    def __init__(
        self,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="categorical_focal_crossentropy",
        dtype=None,
    ):
        last_axis(axis)
        self._make(
            alpha=[float(a) for a in np.atleast_1d(np.asarray(alpha, np.float64))],
            gamma=float(gamma),
            from_logits=from_logits,
            label_smoothing=float(label_smoothing),
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


class CategoricalGeneralizedCrossEntropy(Loss):
    """(1 - p[label]^q) / q, labels are class ids: for labels of which some are wrong

    Args:
        q: between 0 (cross-entropy) and 1 (mean absolute error). Default: 0.5.

    Source: Zhang and Sabuncu, Generalized Cross Entropy Loss, 2018.
    """

    _class_name = "CategoricalGeneralizedCrossEntropy"

    def __init__(
        self,
        q=0.5,
        reduction="sum_over_batch_size",
        name="categorical_generalized_cross_entropy",
        dtype=None,
    ):
        self._make(q=float(q), reduction=reduction, name=name, dtype=dtype)


class SparseCategoricalCrossentropy(Loss):
    """-log p[label], labels are class ids

    Args:
        from_logits: y_pred are scores before the softmax. Default: False.
        ignore_class: samples with this label cost nothing, and means are over the others.
    """

    _class_name = "SparseCategoricalCrossentropy"

    def __init__(
        self,
        from_logits=False,
        ignore_class=None,
        reduction="sum_over_batch_size",
        axis=-1,
        name="sparse_categorical_crossentropy",
        dtype=None,
    ):
        last_axis(axis)
        self._make(
            from_logits=from_logits,
            ignore_class=None if ignore_class is None else int(ignore_class),
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


class KLDivergence(Loss):
    """sum y_true log(y_true / y_pred) over the last axis, both at least 1e-7"""

    _class_name = "KLDivergence"

    def __init__(self, reduction="sum_over_batch_size", name="kl_divergence", dtype=None):
        self._make(reduction=reduction, name=name, dtype=dtype)


class Dice(Loss):
    """1 - 2 sum(y p) / (sum y + sum p): how little two masks overlap

    Args:
        axis: of the sums, one or several behind the batch's: then each sample has its loss.
            Default: all of the batch is one sum, as in Keras.
    """

    _class_name = "Dice"

    def __init__(self, reduction="sum_over_batch_size", name="dice", axis=None, dtype=None):
        self._make(axis=_axes(axis), reduction=reduction, name=name, dtype=dtype)


class Tversky(Loss):
    """1 - sum(y p) / (sum(y p) + alpha sum(y (1 - p)) + beta sum(p (1 - y)))

    Args:
        alpha: the price of what is missed. Default: 0.5.
        beta: the price of what is too much. Default: 0.5; with both, it is Dice.
        axis: as in Dice.

    Source: Salehi et al., Tversky Loss Function for Image Segmentation, 2017.
    """

    _class_name = "Tversky"

    def __init__(
        self,
        alpha=0.5,
        beta=0.5,
        reduction="sum_over_batch_size",
        name="tversky",
        axis=None,
        dtype=None,
    ):
        self._make(
            alpha=float(alpha),
            beta=float(beta),
            axis=_axes(axis),
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


def _axes(axis):
    if axis is None:
        return None
    return [int(a) for a in (axis if isinstance(axis, (list, tuple)) else (axis,))]
