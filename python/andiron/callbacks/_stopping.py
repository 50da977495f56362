"""When a training ends early."""

from __future__ import annotations

from andiron import _core
from andiron.callbacks._protocol import Callback, InCore


class EarlyStopping(InCore):
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

    def on_train_end(self, logs: dict | None = None) -> None:
        if self.verbose and self.stopped_epoch:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")


class TerminateOnNaN(Callback):
    """Ends training when the loss is NaN or infinite, instead of fit's error."""
