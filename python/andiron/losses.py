"""Keras's losses under Keras's names, with Keras's arguments and defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from andiron import _core

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "Hinge",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "get",
]


class Loss:
    """How wrong predictions are. For a loss of one's own, write `call`.

    Args:
        name: in logs.
        reduction: "sum_over_batch_size" (the mean over samples), "sum" or "none".

    Example:
        >>> from andiron import losses, ops
        >>> class Quartic(losses.Loss):
        ...     def call(self, y_true, y_pred):
        ...         return ops.mean(ops.power(y_true - y_pred, 4.0), axes=(-1,))
        >>> float(Quartic()([[0.0]], [[2.0]]))
        16.0
    """

    _class_name: str | None = None  # in the core

    def __init__(
        self, name: str | None = None, reduction: str = "sum_over_batch_size", dtype: Any = None
    ):
        self._reduction = reduction
        self._core = _core.custom_loss(
            lambda y_true, y_pred: self.call(y_true, y_pred), reduction, name or _snake(type(self))
        )

    def _make(self, dtype: Any = None, **config: Any) -> None:
        if dtype not in (None, "float32"):
            raise _core.Error(f"[{self._class_name}] losses compute in float32; got {dtype}")
        config = {key: value for key, value in config.items() if value is not None}
        self._reduction = config.get("reduction", "sum_over_batch_size")
        self._core = _core.loss_from_config({"class_name": self._class_name, "config": config})

    def call(self, y_true, y_pred):
        """The loss of each sample, composed of andiron.ops."""
        raise NotImplementedError(f"{type(self).__name__} has no call")

    @property
    def name(self) -> str:
        return self._core.name

    @property
    def reduction(self) -> str:
        return self._reduction

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The reduced loss of arrays, or of graph values."""
        given = [y_true, y_pred] + ([] if sample_weight is None else [sample_weight])
        if any(isinstance(x, _core.Value) for x in given):
            return self._core(*given)
        pred = _core.Tensor(y_pred)
        y_pred_leaf = _core.placeholder("y_pred", pred.shape, pred.dtype)
        dtype, _ = self._core.target_type(y_pred_leaf)
        tensors = [_core.Tensor(y_true, dtype), pred, *map(_core.Tensor, given[2:])]
        leaves = [
            y_pred_leaf if i == 1 else _core.placeholder(f"x{i}", t.shape, t.dtype)
            for i, t in enumerate(tensors)
        ]
        return _core.Graph(leaves, [self._core(*leaves)])(*tensors)[0]

    def get_config(self) -> dict:
        return self._core.config()

    @classmethod
    def from_config(cls, config: dict) -> Loss:
        """The loss that get_config described."""
        return cls(**config)


def _snake(cls: type) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in cls.__name__).lstrip("_")


class MeanSquaredError(Loss):
    """mean (y_true - y_pred)^2"""

    _class_name = "MeanSquaredError"

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_error", dtype=None):
        self._make(reduction=reduction, name=name, dtype=dtype)


class MeanAbsoluteError(Loss):
    """mean |y_true - y_pred|"""

    _class_name = "MeanAbsoluteError"

    def __init__(self, reduction="sum_over_batch_size", name="mean_absolute_error", dtype=None):
        self._make(reduction=reduction, name=name, dtype=dtype)


class Hinge(Loss):
    """mean max(1 - y_true y_pred, 0), labels -1 and 1 (0 is taken for -1)"""

    _class_name = "Hinge"

    def __init__(self, reduction="sum_over_batch_size", name="hinge", dtype=None):
        self._make(reduction=reduction, name=name, dtype=dtype)


class CategoricalHinge(Loss):
    """max(max((1 - y_true) y_pred) - sum(y_true y_pred) + 1, 0), one-hot labels"""

    _class_name = "CategoricalHinge"

    def __init__(self, reduction="sum_over_batch_size", name="categorical_hinge", dtype=None):
        self._make(reduction=reduction, name=name, dtype=dtype)


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
        _last_axis(axis)
        self._make(
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
        _last_axis(axis)
        self._make(
            from_logits=from_logits,
            label_smoothing=float(label_smoothing),
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


class SparseCategoricalCrossentropy(Loss):
    """-log p[label], labels are class ids

    Args:
        from_logits: y_pred are scores before the softmax. Default: False.
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
        _last_axis(axis)
        if ignore_class is not None:
            raise _core.Error(
                "[SparseCategoricalCrossentropy] ignore_class is not supported: give these "
                "samples sample_weight 0"
            )
        self._make(from_logits=from_logits, reduction=reduction, name=name, dtype=dtype)


def _last_axis(axis: int) -> None:
    if axis != -1:
        raise _core.Error(f"[loss] classes lie on the last axis (axis=-1); got axis={axis}")


def core_of(loss: Any):
    """The core's loss for a name, a Loss, a class of one or a function (y_true, y_pred)."""
    if loss is None:
        return None
    if isinstance(loss, type) and issubclass(loss, Loss):
        loss = loss()
    if isinstance(loss, Loss):
        if loss._class_name is not None and type(loss).call is not Loss.call:
            raise _core.Error(
                f"[compile] {type(loss).__name__}.call would have no effect, since the core "
                f"computes a {loss._class_name}: derive {type(loss).__name__} from losses.Loss"
            )
        return loss._core
    if isinstance(loss, str):
        return _core.get_loss(loss)
    if isinstance(loss, dict):
        return _core.loss_from_config(loss)
    if isinstance(loss, Callable):
        name = getattr(loss, "__name__", "loss")
        return _core.custom_loss(loss, "sum_over_batch_size", name)
    if isinstance(loss, _core.LossCore):
        return loss
    raise TypeError(f"[compile] a loss is a name, a Loss or a function; got {loss!r}")


def get(identifier: Any) -> Loss:
    """The loss that a name or a function means."""
    if isinstance(identifier, Loss):
        return identifier
    loss = object.__new__(Loss)
    loss._core, loss._reduction = core_of(identifier), "sum_over_batch_size"
    return loss
