"""Learning rates that change while a training runs."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from andiron import _core
from andiron.callbacks._protocol import Callback
from andiron.optimizers import Optimizer


class _SetsRate(Callback):
    """Those that set the optimizer's rate: a number, so not where it is a schedule."""

    def _check(self, validation_freq: int) -> None:
        optimizer = getattr(self.model, "optimizer", None)
        if isinstance(optimizer, Optimizer):
            optimizer._refuse_schedule(type(self).__name__)


class LearningRateScheduler(_SetsRate):
    """Sets the learning rate before each epoch.

    Args:
        schedule: a function of the epoch and the current rate (or of the epoch alone).

    Errors:
        TypeError when training begins and the optimizer's rate is a schedule.
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


class ReduceLROnPlateau(_SetsRate):
    """Multiplies the learning rate by `factor` when a figure has stopped getting better.

    Args:
        monitor: the figure. Default: "val_loss".
        factor: below 1. Default: 0.1.
        patience: epochs without improvement before it acts. Default: 10.
        verbose: 1 tells of each change. Default: 0.
        mode: "min", "max" or "auto" (by the figure's name).
        min_delta: less than this is no improvement. Default: 1e-4.
        cooldown: epochs after a change that are not counted. Default: 0.
        min_lr: the learning rate does not go below. Default: 0.

    Errors:
        TypeError when training begins and the optimizer's rate is a schedule.
    """

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
        self._max = _core.monitor_maximises(monitor, mode)
        self.on_train_begin()

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.best = -float("inf") if self._max else float("inf")
        self.wait = self.cooling = 0

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        value = (logs or {}).get(self.monitor)
        if value is None and self.monitor.startswith("val_"):
            return  # an epoch without validation (validation_freq)
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
                new = max(rate * self.factor, self.min_lr)
                self.model.optimizer.learning_rate = new
                if self.verbose and self.worker == 0:
                    print(f"\nEpoch {epoch + 1}: the learning rate is {new:g} from now on")
                self.cooling, self.wait = self.cooldown, 0

    def _check(self, validation_freq: int) -> None:
        super()._check(validation_freq)
        _core.check_monitor("ReduceLROnPlateau", self.monitor, validation_freq)

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
