"""Epochs with their progress bar, and negative samples."""

from __future__ import annotations

import numpy as np
from tqdm import tqdm

from andiron.apps.recommend.history import Histories
from andiron.datasets import BatchSource, NegativeSampler, from_arrays, negative_sampling


class Progress:
    """One progress bar over the epochs of a recommender, which keeps its loss curve."""

    def __init__(self, model, epochs: int, on_epoch, verbose: int) -> None:
        self._model, self._on_epoch = model, on_epoch
        self._bar = tqdm(total=epochs, desc=f"{model.name:<12}", unit="epoch", disable=not verbose)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_) -> None:
        self._bar.close()

    def require(self, samples: np.ndarray) -> None:
        """Raises ValueError where an epoch has no samples."""
        if len(samples) == 0:
            raise ValueError(
                f"[{self._model.name}] training needs users with two interactions or more, and "
                "with an item that they have not met"
            )

    def fit(self, network, x: list[np.ndarray], y: np.ndarray, epoch: int, batch: int) -> None:
        """Trains one epoch (counted from 0) on its samples, which come in random order."""
        self.require(y)
        self.fit_source(network, from_arrays(x, y, batch_size=min(batch, len(y))), epoch)

    def fit_source(self, network, source: BatchSource, epoch: int) -> None:
        """Trains one epoch (counted from 0) on the batches of a source."""
        history = network.fit(source, epochs=epoch + 1, initial_epoch=epoch, verbose=0)
        loss = float(history.history["loss"][-1])
        self._model.curves["loss"].append(loss)
        self._bar.set_postfix(loss=f"{loss:.4f}")
        self._bar.update()
        if self._on_epoch is not None:
            self._on_epoch(epoch + 1, self._model)


def sampler(histories: Histories) -> NegativeSampler:
    """Draws items that users have not met, uniformly, in the core."""
    n_users = len(histories.starts) - 1
    return NegativeSampler(histories.user, histories.items, n_users, histories.n_items)


def pairs_with_negatives(histories: Histories, n: int, batch: int, seed: int) -> BatchSource:
    """Every met pair with n unmet items of the same user, shuffled, other ones in each epoch;
    drawn by the core while the network trains."""
    n_users = len(histories.starts) - 1
    return negative_sampling(
        histories.user,
        histories.items,
        n_users,
        histories.n_items,
        negatives=n,
        batch_size=min(batch, len(histories.items) * (1 + n)),
        seed=seed,
    )
