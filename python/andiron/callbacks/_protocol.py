"""What a callback is, and how the core calls those of a training."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from andiron import _core

_BATCH_HOOKS = (
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_batch_begin",
    "on_test_batch_end",
)


class Callback:
    """Base of callbacks of one's own: write the hooks that you need. `self.model` is the model.

    Hooks on batches cost the interpreter's lock once a batch; where no callback has one, training
    does not touch it.

    Under Spark a callback runs in every worker, or, with `at_driver = True`, at the driver alone,
    where it has the hooks on_train_begin, on_epoch_begin, on_train_batch_end (of some batches),
    on_epoch_end and on_train_end, each epoch once however often workers are started again
    (docs/spark.md). `self.worker` is the rank of the worker that it runs in, an int from 0 on; 0
    where there is one process.
    """

    model: Any = None
    worker = 0
    at_driver = False
    _wants_batch_metrics = True  # in on_train_batch_end, beside the loss

    def set_worker(self, rank: int) -> None:
        """Which of several workers this is. Files and bars are the first one's business (0)."""
        self.worker = rank

    def set_model(self, model: Any) -> None:
        self.model = model

    def on_train_begin(self, logs: dict | None = None) -> None: ...
    def on_train_end(self, logs: dict | None = None) -> None: ...
    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None: ...
    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None: ...
    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None: ...
    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None: ...
    def on_test_begin(self, logs: dict | None = None) -> None: ...
    def on_test_end(self, logs: dict | None = None) -> None: ...
    def on_test_batch_begin(self, batch: int, logs: dict | None = None) -> None: ...
    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None: ...

    def get_state(self) -> Any:
        """What a checkpoint keeps of it (plain values); give it back in set_state."""
        return None

    def set_state(self, state: Any) -> None: ...

    def _core_for(self, model: Any):
        """The callback of the core, for those that are written there."""
        return None

    def _check(self, validation_freq: int) -> None:
        """Raises Error when this training cannot give the figures that it looks at. Validation is
        in every so many epochs; 0: none."""

    def _check_at_driver(self) -> None:
        """Raises Error when it has no business at Spark's driver."""


class MadeAgain(Callback):
    """Those that are pickled as what they were made with, fresh."""

    def __new__(cls, *args: Any, **kwargs: Any):
        self = super().__new__(cls)
        self._made = args, kwargs
        return self

    def __reduce__(self) -> tuple:
        return _made_again, (type(self), *self._made)


def _made_again(cls: type, args: tuple, kwargs: dict) -> Callback:
    return cls(*args, **kwargs)


class InCore(MadeAgain):
    """Those that the core calls, as `_core`."""

    _core: Any

    def _core_for(self, model: Any):
        return self._core

    def _check(self, validation_freq: int) -> None:
        self._core.check(validation_freq)

    def _check_at_driver(self) -> None:
        raise _core.Error(
            f"[{type(self).__name__}] works in the training itself, which is at the workers: leave "
            "its at_driver as it is"
        )


class LambdaCallback(Callback):
    """Hooks given as functions, under the names that Callback has: on_epoch_begin, on_epoch_end,
    on_train_begin, on_train_end, on_train_batch_begin, on_train_batch_end, on_test_begin, ..."""

    def __init__(self, **hooks: Callable):
        for name, function in hooks.items():
            if function is None:
                continue
            if not name.startswith("on_") or not hasattr(Callback, name):
                raise TypeError(f"[LambdaCallback] there is no hook {name!r}")
            setattr(self, name, _with_logs(function) if name.endswith("_begin") else function)


def _with_logs(function: Callable) -> Callable:
    """A hook of a beginning, where there are no figures: Keras gives it {}."""

    def hook(*args: Any) -> None:
        try:
            inspect.signature(function).bind(*args, {})
        except (TypeError, ValueError):  # it takes none, or does not tell
            return function(*args)
        return function(*args, {})

    return hook


def figures_of(metrics_names: list[str], validates: bool) -> list[str]:
    """The names in a training's logs."""
    return [*metrics_names, *(f"val_{name}" for name in metrics_names if validates)]


def unknown_figure(callback: Callback, figures: list[str]) -> str | None:
    """What there is to say of a callback that waits for a figure which never comes."""
    monitor, ours = getattr(callback, "monitor", None), type(callback).__module__.split(".")[0]
    if monitor is None or monitor in figures or ours != "andiron":
        return None
    what = type(callback).__name__
    return f"{what} monitors {monitor!r}, which is no figure of the logs; there are {figures}"


def _has(callback: Callback, hook: str) -> bool:
    return getattr(type(callback), hook) is not getattr(Callback, hook) or hook in vars(callback)


class _List:
    """The Python callbacks of a training as one, for the core."""

    def __init__(self, callbacks: Sequence[Callback], model: Any):
        self._callbacks = list(callbacks)
        for callback in self._callbacks:
            callback.set_model(model)

    def hooks(self) -> list[str]:
        """The batch hooks that one of them has; "batch_metrics" where metrics are wanted there."""
        found = [h for h in _BATCH_HOOKS if any(_has(c, h) for c in self._callbacks)]
        ended = [c for c in self._callbacks if _has(c, "on_train_batch_end")]
        return found + ["batch_metrics"] * any(c._wants_batch_metrics for c in ended)

    def _check(self, validation_freq: int) -> None:
        for callback in self._callbacks:
            callback._check(validation_freq)

    def _state(self) -> list:
        return [c.get_state() for c in self._callbacks]

    def _restore(self, state: list) -> None:
        for callback, s in zip(self._callbacks, state, strict=True):
            if s is not None:
                callback.set_state(s)

    def __getattr__(self, hook: str):
        if not hook.startswith("on_"):
            raise AttributeError(hook)

        def call(*args: Any) -> None:
            for callback in self._callbacks:
                getattr(callback, hook)(*args)

        self.__dict__[hook] = call
        return call


def listed(callbacks: Any) -> list:
    """What was given as callbacks, as a list: one may come alone."""
    if callbacks is None or isinstance(callbacks, Callback):
        return [] if callbacks is None else [callbacks]
    if not isinstance(callbacks, Iterable):
        raise TypeError(f"[fit] callbacks is a callback or a list of them; got {callbacks!r}")
    return list(callbacks)


def for_core(callbacks: Sequence[Any], model: Any) -> list:
    """What the core calls: its own callbacks, and one that stands for those in Python."""
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise TypeError(f"[fit] a callback derives from callbacks.Callback; got {callback!r}")
    cores = [c._core_for(model) for c in callbacks]
    out = [core for core in cores if core is not None]
    # Those with a core may still write in Python's hooks (early stopping's last word).
    in_python = [
        c
        for c, core in zip(callbacks, cores, strict=True)
        if core is None or type(c).on_train_end is not Callback.on_train_end
    ]
    if in_python:
        together = _List(in_python, model)
        out.append(_core.PythonCallbacks(together, together.hooks()))
    return out
