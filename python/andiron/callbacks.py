"""Hooks into training: Keras's callbacks, names and defaults."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from andiron import _core, _remote

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]

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
    """

    model: Any = None
    worker = 0

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


class _InCore(Callback):
    """Those that the core calls. They are pickled as what they were made with, fresh."""

    def __new__(cls, *args: Any, **kwargs: Any):
        self = super().__new__(cls)
        self._made = args, kwargs
        return self

    def __reduce__(self) -> tuple:
        return _made_again, (type(self), *self._made)


def _made_again(cls: type, args: tuple, kwargs: dict) -> Callback:
    return cls(*args, **kwargs)


class History(Callback):
    """What `fit` returns: `epoch` is a list of numbers, `history` a dict of lists.

    `checkpoint_note` says which checkpoints could not be written to a URL; empty: all were.
    """

    def __init__(self) -> None:
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}
        self.checkpoint_note = ""

    def _take(self, epochs: list[int], logs: list[dict]) -> None:
        self.epoch = list(epochs)
        self.history = {}
        for line in logs:
            for name, value in line.items():
                self.history.setdefault(name, []).append(value)


class EarlyStopping(_InCore):
    """Stops when a figure has not got better for `patience` epochs.

    Args:
        monitor: the figure. Default: "val_loss".
        min_delta: less than this is no improvement. Default: 0.
        patience: epochs. Default: 0.
        mode: "min", "max" or "auto" (by the figure's name).
        baseline: the figure must get better than this.
        restore_best_weights: the model ends with the weights of the best epoch. Default: False.
        start_from_epoch: epochs that are not looked at. Default: 0.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ):
        self.monitor, self.patience, self.verbose = monitor, patience, verbose
        self._core = _core.EarlyStoppingCore(
            monitor,
            float(min_delta),
            int(patience),
            mode,
            baseline,
            restore_best_weights,
            int(start_from_epoch),
        )

    @property
    def stopped_epoch(self) -> int:
        return self._core.stopped_epoch

    @property
    def best_epoch(self) -> int:
        return self._core.best_epoch

    @property
    def best(self) -> float:
        return self._core.best

    @property
    def wait(self) -> int:
        return self._core.wait

    def _core_for(self, model: Any):
        return self._core

    def on_train_end(self, logs: dict | None = None) -> None:
        if self.verbose and self.stopped_epoch:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")


class ModelCheckpoint(_InCore):
    """Saves the model while it trains.

    Args:
        filepath: may name the epoch and figures: "m-{epoch:02d}-{val_loss:.3f}.safetensors".
        monitor: the figure for save_best_only. Default: "val_loss".
        save_best_only: only when the figure got better. Default: False.
        save_weights_only: without architecture and optimizer. Default: False.
        mode: "min", "max" or "auto".
        save_freq: "epoch", or a number of batches.
        initial_value_threshold: what the first figure must be better than.
    """

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ):
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise _core.Error(
                f'[ModelCheckpoint] save_freq is "epoch" or a number; got {save_freq!r}'
            )
        self.verbose = verbose
        self._core = _core.ModelCheckpointCore(
            str(filepath),
            monitor,
            mode,
            save_best_only,
            save_weights_only,
            0 if save_freq == "epoch" else save_freq,
            initial_value_threshold,
            self._save,
        )

    @property
    def best(self) -> float:
        return self._core.best

    def _save(self, path: str, weights_only: bool) -> None:
        if self.worker > 0:
            return
        if weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)
        if self.verbose:
            print(f"\nsaved the model to {path}")

    def _core_for(self, model: Any):
        self.model = model
        return self._core


class ProgbarLogger(_InCore):
    """The progress bar; `fit(verbose=1)` has one."""

    def __init__(self, verbose: int = 1):
        self.verbose = verbose
        self._core = _core.ProgressBarCore(verbose, _write)

    def set_worker(self, rank: int) -> None:
        super().set_worker(rank)
        if rank > 0:
            self._core = _core.ProgressBarCore(self.verbose, lambda text: None)

    def _core_for(self, model: Any):
        return self._core


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


class BackupAndRestore(Callback):
    """Checkpoints of the whole training; `fit` goes on from the newest with the same bits.

    Args:
        backup_dir: folder of the checkpoints, or a URL, as `fit`'s checkpoint_dir.
        save_freq: "epoch", or a number of steps between checkpoints.
        delete_checkpoint: removes them when training is complete. Default: True.
    """

    def __init__(
        self, backup_dir: Any, save_freq: str | int = "epoch", delete_checkpoint: bool = True
    ):
        self.backup_dir, self.delete_checkpoint = str(backup_dir), delete_checkpoint
        self.save_freq = 0 if save_freq == "epoch" else int(save_freq)

    def clear(self) -> None:
        """Removes the checkpoints."""
        store = _remote.store_of(self.backup_dir)
        if isinstance(store, _remote.RemoteStore):
            store.clear()
            return
        for path in Path(store).glob("checkpoint-*.safetensors"):
            path.unlink(missing_ok=True)


class LambdaCallback(Callback):
    """Hooks given as functions: on_epoch_begin, on_epoch_end, on_train_begin, on_train_end,
    on_train_batch_begin, on_train_batch_end."""

    def __init__(self, **hooks: Callable):
        for name, function in hooks.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                raise TypeError(f"[LambdaCallback] there is no hook {name!r}")
            setattr(self, name, function)


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch.

    Args:
        schedule: a function of the epoch and the current rate (or of the epoch alone).
    """

    def __init__(self, schedule: Callable, verbose: int = 0):
        self.schedule, self.verbose = schedule, verbose
        try:
            inspect.signature(schedule).bind(0, 0.1)
            self._takes_rate = True
        except (TypeError, ValueError):  # it takes the epoch alone, or does not tell
            self._takes_rate = False

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        optimizer = self.model.optimizer
        arguments = (epoch, optimizer.learning_rate) if self._takes_rate else (epoch,)
        rate = self.schedule(*arguments)
        optimizer.learning_rate = float(rate)
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: learning rate {rate}")


class ReduceLROnPlateau(Callback):
    """Multiplies the learning rate by `factor` when a figure has stopped getting better."""

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ):
        if factor >= 1.0:
            raise _core.Error(f"[ReduceLROnPlateau] factor must be below 1; got {factor}")
        self.monitor, self.factor, self.patience, self.verbose = monitor, factor, patience, verbose
        self.min_delta, self.cooldown, self.min_lr = min_delta, cooldown, min_lr
        self._max = mode == "max" or (mode == "auto" and "acc" in monitor)
        self.on_train_begin()

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.best = -float("inf") if self._max else float("inf")
        self.wait = self.cooling = 0

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        value = (logs or {}).get(self.monitor)
        if value is None:
            raise _core.Error(
                f"[ReduceLROnPlateau] there is no {self.monitor!r} in {list(logs or {})}"
            )
        better = (
            value > self.best + self.min_delta
            if self._max
            else (value < self.best - self.min_delta)
        )
        if self.cooling > 0:
            self.cooling -= 1
            self.wait = 0
        if better:
            self.best, self.wait = value, 0
        elif self.cooling == 0:
            self.wait += 1
            rate = self.model.optimizer.learning_rate
            if self.wait >= self.patience and rate > self.min_lr:
                self.model.optimizer.learning_rate = max(rate * self.factor, self.min_lr)
                self.cooling, self.wait = self.cooldown, 0

    def get_state(self) -> dict:
        # The rate itself is the optimizer's setting, not a variable.
        best = None if self.best in (float("inf"), -float("inf")) else self.best
        rate = self.model.optimizer.learning_rate
        return {"best": best, "wait": self.wait, "cooling": self.cooling, "rate": rate}

    def set_state(self, state: dict) -> None:
        if state["best"] is not None:
            self.best = state["best"]
        self.wait, self.cooling = state["wait"], state["cooling"]
        self.model.optimizer.learning_rate = state["rate"]


class TerminateOnNaN(Callback):
    """Ends training when the loss is NaN or infinite, instead of fit's error."""


class CSVLogger(Callback):
    """Writes each epoch's figures as a line of a CSV file."""

    def __init__(self, filename: Any, separator: str = ",", append: bool = False):
        self.filename, self.separator, self.append = str(filename), separator, append
        self._names: list[str] | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._names = None
        if not self.append and self.worker == 0:
            with open(self.filename, "w"):
                pass

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        logs = logs or {}
        if self.worker > 0:
            return
        with open(self.filename, "a") as file:
            if self._names is None:
                self._names = sorted(logs)
                if file.tell() == 0:
                    print("epoch", *self._names, sep=self.separator, file=file)
            print(epoch, *(logs.get(n, "") for n in self._names), sep=self.separator, file=file)


class _List:
    """The Python callbacks of a training as one, for the core."""

    def __init__(self, callbacks: Sequence[Callback], model: Any):
        self._callbacks = list(callbacks)
        for callback in self._callbacks:
            callback.set_model(model)

    def hooks(self) -> list[str]:
        """The batch hooks that one of them has."""
        return [
            hook
            for hook in _BATCH_HOOKS
            if any(
                getattr(type(c), hook) is not getattr(Callback, hook) or hook in vars(c)
                for c in self._callbacks
            )
        ]

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
