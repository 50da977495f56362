"""Epochs with their progress bar, and negative samples."""

from __future__ import annotations

import numpy as np
from tqdm import tqdm

from andiron.apps.recommend.history import Histories


class Progress:
    """One progress bar over the epochs of a recommender, which keeps its loss curve."""

    def __init__(self, model, epochs: int, on_epoch, verbose: int) -> None:
        self._model, self._on_epoch = model, on_epoch
        self._bar = tqdm(total=epochs, desc=f"{model.name:<12}", unit="epoch", disable=not verbose)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_) -> None:
        self._bar.close()

    def fit(self, network, x: list[np.ndarray], y: np.ndarray, epoch: int, batch: int) -> None:
        """Trains one epoch (counted from 0) on its samples, which come in random order."""
        if len(y) == 0:
            raise ValueError(
                f"[{self._model.name}] training needs users with two interactions or more"
            )
        history = network.fit(
            x,
            y,
            batch_size=min(batch, len(y)),
            epochs=epoch + 1,
            initial_epoch=epoch,
            shuffle=False,
            verbose=0,
        )
        loss = float(history.history["loss"][-1])
        self._model.curves["loss"].append(loss)
        self._bar.set_postfix(loss=f"{loss:.4f}")
        self._bar.update()
        if self._on_epoch is not None:
            self._on_epoch(epoch + 1, self._model)


def membership(histories: Histories) -> np.ndarray:
    """Sorted keys user * n_items + item of all met pairs, for `met`."""
    return np.sort(histories.user * np.int64(histories.n_items) + histories.items)


def met(keys: np.ndarray, users: np.ndarray, items: np.ndarray, n_items: int) -> np.ndarray:
    """Whether users met items (exact), of the shape that the two broadcast to."""
    wanted = users * np.int64(n_items) + items
    at = np.searchsorted(keys, wanted)
    return keys[np.minimum(at, len(keys) - 1)] == wanted


def negatives(
    keys: np.ndarray, users: np.ndarray, n: int, n_items: int, generator: np.random.Generator
) -> np.ndarray:
    """n items a user that the user has not met, uniform, [len(users), n] int64; after 32 draws
    a user who has met nearly everything keeps what was drawn."""
    drawn = generator.integers(0, n_items, (len(users), n))
    wrong = met(keys, users[:, None], drawn, n_items)
    for _ in range(32):
        if not wrong.any():
            break
        line, column = np.nonzero(wrong)
        drawn[line, column] = generator.integers(0, n_items, len(line))
        wrong[line, column] = met(keys, users[line], drawn[line, column], n_items)
    return drawn


def pairs_with_negatives(
    histories: Histories, n: int, generator: np.random.Generator
) -> tuple[list[np.ndarray], np.ndarray]:
    """Every met pair with n unmet items of the same user, shuffled: [user, item], label."""
    user, item = histories.user, histories.items
    unmet = negatives(membership(histories), user, n, histories.n_items, generator)
    users = np.concatenate([user, np.repeat(user, n)])
    items = np.concatenate([item, unmet.ravel()])
    labels = np.concatenate([np.ones(len(user)), np.zeros(unmet.size)])
    order = generator.permutation(len(users))
    x = [users[order].astype(np.int32)[:, None], items[order].astype(np.int32)[:, None]]
    return x, labels[order].astype(np.float32)[:, None]
