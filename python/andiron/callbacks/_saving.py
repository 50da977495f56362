"""Models and checkpoints, written while a training runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from andiron import _core, _remote
from andiron._refuse import refuse_foreign
from andiron.callbacks._protocol import Callback, InCore


class ModelCheckpoint(InCore):
    """Saves the model while it trains.

    Args:
        filepath: may name the epoch and figures: "m-{epoch:02d}-{val_loss:.3f}.safetensors", and
            with save_freq the batch. A folder that is not there is made. Or a URL that fsspec knows
            (s3://bucket/m-{epoch}.safetensors; the extra `remote`). The file appears complete or
            not at all.
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
        refuse_foreign("ModelCheckpoint", str(filepath))
        self.verbose = verbose
        self.monitor = monitor if save_best_only else None
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
        _remote.write_file(
            _remote.place_of(path), self.model.save_weights if weights_only else self.model.save
        )
        if self.verbose:
            print(f"\nsaved the model to {path}")

    def _core_for(self, model: Any):
        self.model = model
        return self._core


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
