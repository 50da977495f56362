"""The base of all losses, losses of one's own, and losses as functions."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from andiron import _core
from andiron._nearest import suggesting

__all__ = ["Loss", "function_of"]


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
            lambda y_true, y_pred: self.call(y_true, y_pred),
            reduction,
            name or _core.snake_case(type(self).__name__),
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
        dtype, _ = self._core.target_type(_core.placeholder("y_pred", pred.shape, pred.dtype))
        tensors = [_core.Tensor(y_true, dtype), pred, *map(_core.Tensor, given[2:])]
        # Losses out of files want any number of samples.
        any_rows = len({t.shape[:1] for t in tensors}) == 1 and len(pred.shape) > 0
        shapes = [(None, *t.shape[1:]) if any_rows else t.shape for t in tensors]
        leaves = [
            _core.placeholder("y_pred" if i == 1 else f"x{i}", shape, t.dtype)
            for i, (t, shape) in enumerate(zip(tensors, shapes, strict=True))
        ]
        return _core.Graph(leaves, [self._core(*leaves)])(*tensors)[0]

    def get_config(self) -> dict:
        return self._core.config()

    @classmethod
    def from_config(cls, config: dict) -> Loss:
        """The loss that get_config described."""
        return cls(**config)


def last_axis(axis: int) -> None:
    """Raises Error where classes lie on another axis than the last."""
    if axis != -1:
        raise _core.Error(f"[loss] classes lie on the last axis (axis=-1); got axis={axis}")


def function_of(cls: type, name: str) -> Callable:
    """The function (y_true, y_pred, ...) that gives the loss of each sample, as Keras has it."""
    own = [
        p
        for p in inspect.signature(cls.__init__).parameters.values()
        if p.name not in ("self", "reduction", "name", "dtype")
    ]
    data = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in _DATA]
    signature = inspect.Signature(data + own)

    def loss(*args: Any, **kwargs: Any):
        settings = signature.bind(*args, **kwargs).arguments
        y_true, y_pred = settings.pop("y_true"), settings.pop("y_pred")
        return cls(reduction="none", **settings)(y_true, y_pred)

    loss.__name__ = loss.__qualname__ = name
    loss.__module__ = cls.__module__
    loss.__signature__ = signature
    loss.__doc__ = f"`{cls.__name__}` of each sample: arrays, or graph values."
    loss._loss = cls
    return loss


_DATA = ("y_true", "y_pred")
_ALIASES = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "bce": "binary_crossentropy",
    "kld": "kl_divergence",
    "pinball": "quantile",
}


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
    if isinstance(loss, _core.LossCore):  # a Callable, too
        return loss
    if isinstance(loss, str):
        with suggesting(_ALIASES):
            return _core.get_loss(loss)
    if isinstance(loss, dict):
        return _core.loss_from_config(loss)
    if hasattr(loss, "_loss"):  # function_of
        return loss._loss()._core
    if isinstance(loss, Callable):
        name = getattr(loss, "__name__", "loss")
        return _core.custom_loss(loss, "sum_over_batch_size", name)
    raise TypeError(f"[compile] a loss is a name, a Loss or a function; got {loss!r}")
