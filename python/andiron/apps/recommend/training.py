"""The progress bar of epochs, and negative samples."""

from __future__ import annotations

from tqdm import tqdm

from andiron.apps.recommend.history import Histories
from andiron.datasets import NegativeSampler


class Progress:
    """One progress bar over the epochs of a recommender, which keeps its loss curve."""

    def __init__(self, model, epochs: int, on_epoch, verbose: int) -> None:
        self._model, self._on_epoch = model, on_epoch
        self._bar = tqdm(total=epochs, desc=f"{model.name:<12}", unit="epoch", disable=not verbose)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_) -> None:
        self._bar.close()

    def epoch_ended(self, epoch: int, loss: float) -> None:
        """Keeps the loss of an epoch (counted from 0) and tells `on_epoch`."""
        self._model.curves["loss"].append(loss)
        self._bar.set_postfix(loss=f"{loss:.4f}")
        self._bar.update(epoch + 1 - self._bar.n)
        if self._on_epoch is not None:
            self._on_epoch(epoch + 1, self._model)


def sampler(histories: Histories) -> NegativeSampler:
    """Draws items that users have not met, uniformly, in the core."""
    n_users = len(histories.starts) - 1
    return NegativeSampler(histories.user, histories.items, n_users, histories.n_items)
