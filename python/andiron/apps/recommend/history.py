"""What a model knows of each user before a point in time: the recent items and their weights."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from andiron.apps.recommend.data import Interactions, histories

PADDING = -1


@dataclasses.dataclass(frozen=True, eq=False)
class Histories:
    """Every user's items in the order of time, one user after the other.

    Attributes:
        items: [n] int64; starts: [n_users + 1]; user: [n] the user of each position.
    """

    items: np.ndarray
    starts: np.ndarray
    n_items: int

    @classmethod
    def of(cls, data: Interactions, seed: int = 0, noise: np.ndarray | None = None) -> Histories:
        """`noise` [n] orders equal times; by default drawn by `seed`."""
        positions, starts = histories(data, seed, noise)
        return cls(data.item[positions], starts, data.n_items)

    @functools.cached_property
    def user(self) -> np.ndarray:
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def ends(self, users: np.ndarray) -> np.ndarray:
        """Where the histories of users end: what is known when predicting."""
        return self.starts[users + 1]

    def recent(self, users: np.ndarray, ends: np.ndarray, length: int) -> np.ndarray:
        """The `length` items before position `ends`, latest first, [len(users), length] int32;
        PADDING where there are fewer."""
        at = ends[:, None] - 1 - np.arange(length)
        there = at >= self.starts[users][:, None]
        return np.where(there, self.items[np.where(there, at, 0)], PADDING).astype(np.int32)

    def seen(self, user: int) -> np.ndarray:
        return self.items[self.starts[user] : self.starts[user + 1]]

    def training_positions(
        self,
        per_user: int,
        minimum: int,
        generator: np.random.Generator,
        among: np.ndarray | None = None,
    ) -> np.ndarray:
        """Positions to predict in one epoch, shuffled: of users with more than `per_user`, about
        that many at random, so that a few busy users do not decide. The first `minimum` of each
        user are left out: nothing is known before them. `among`: all positions of some users."""
        users = self.user if among is None else self.user[among]
        among = np.arange(len(self.items)) if among is None else among
        share = per_user / np.maximum(np.diff(self.starts), 1)
        late = among - self.starts[users] >= minimum
        return generator.permutation(among[late & (generator.random(len(among)) < share[users])])


def decayed(recent: np.ndarray, decay: float) -> np.ndarray:
    """Weights decay^age of the known items, summing to 1 a line, [n, length] float32."""
    weights = (recent != PADDING) * decay ** np.arange(recent.shape[1])
    return (weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-6)).astype(np.float32)
