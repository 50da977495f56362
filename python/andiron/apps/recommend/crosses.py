"""Crosses of what a user met lately with a candidate item, as numbers and as hashed ids."""

from __future__ import annotations

import numpy as np

from andiron.apps.recommend.history import PADDING, Histories
from andiron.apps.recommend.pair_counts import Counts, PairCounts, following

WINDOW = 10  # how many steps apart two items may be to count as a pair
# (backward?, power of the candidate's popularity, decay by age)
SPECS = (
    (False, 0.2, 0.3),
    (False, 0.2, 0.8),
    (False, 0.2, 0.95),
    (True, 0.2, 0.5),
    (True, 0.2, 0.9),
)
N_NUMBERS = len(SPECS) + 1


def counts_of(histories: Histories) -> Counts:
    """c of `CrossNumbers`, over these histories."""
    return following(histories.items, histories.starts, histories.n_items, WINDOW)


class CrossNumbers:
    """Numbers of a (history, candidate) pair, counted over the training histories:

        log(1 + 20 sum over l of decay^l c(h_l, i) / ((n(h_l)^0.5 + 1) (n(i)^power + 1)))

    for each of SPECS, where h_l is the item met l steps ago, n counts users and c is the count of
    i within WINDOW steps after h (or before it); and log(1 + n(i)). When a pair trains, what
    the pair itself added to the counts is taken off, or the model would learn to read its answer.
    """

    def __init__(self, counts: Counts, popularity: np.ndarray, length: int = 20) -> None:
        """`counts` as `counts_of`, of all users; `popularity` [n_items], how many met each item."""
        self.length, self.n_users = length, popularity.astype(np.float32)
        self.counts = counts
        self.forward = PairCounts(*counts, len(popularity))
        self.backward = self.forward.transposed()
        self._decays = np.array(
            [spec[2] ** np.arange(length) for spec in SPECS], np.float32
        )  # [d, length]

    @classmethod
    def over(cls, histories: Histories, length: int = 20) -> CrossNumbers:
        """Counted over these histories."""
        popularity = np.bincount(histories.items, minlength=histories.n_items)
        return cls(counts_of(histories), popularity, length)

    def _history_weights(self, recent: np.ndarray) -> np.ndarray:
        return np.where(recent != PADDING, 1 / (np.sqrt(self.n_users[recent]) + 1), 0.0)

    def of(self, recent: np.ndarray, candidates: np.ndarray, training: bool) -> np.ndarray:
        """recent [n, length], candidates [n, k] -> [n, k, N_NUMBERS] float32. When training, the
        first candidate of a line is the item that really came next."""
        weights = self._history_weights(recent)  # [n, length]
        first, second = np.maximum(recent, 0)[:, :, None], candidates[:, None, :]
        counts = {}
        for backward, table in ((False, self.forward), (True, self.backward)):
            counts[backward] = table.lookup(first, second)  # [n, length, k]
        if training:
            age = np.arange(self.length)
            own = np.where(age < WINDOW, 1 / (age + 1.0), 0.0).astype(np.float32)
            counts[False][:, :, 0] = np.maximum(counts[False][:, :, 0] - own, 0)
        numbers = np.empty((*candidates.shape, N_NUMBERS), np.float32)
        for column, (backward, power, _) in enumerate(SPECS):
            w = (weights * self._decays[column])[:, None, :].astype(np.float32)  # [n, 1, length]
            total = (w @ counts[backward])[:, 0, :]
            numbers[..., column] = np.log1p(20 * total / (self.n_users[candidates] ** power + 1))
        numbers[..., -1] = np.log1p(self.n_users[candidates])
        return numbers

    def of_all(self, recent: np.ndarray) -> np.ndarray:
        """recent [n, length] -> [n, n_items, N_NUMBERS]: all items as candidates."""
        n_items = len(self.n_users)
        numbers = np.empty((len(recent), n_items, N_NUMBERS), np.float32)
        weights = self._history_weights(recent)
        backward = np.array([spec[0] for spec in SPECS])
        scale = np.stack([20 / (self.n_users ** spec[1] + 1) for spec in SPECS])  # [d, n_items]
        for line in range(len(recent)):
            known = recent[line] != PADDING
            rows = recent[line][known].astype(np.int64)
            w = self._decays[:, known] * weights[line][known]
            total = np.empty((len(SPECS), n_items), np.float32)
            total[~backward] = self.forward.weighted_rows(rows, w[~backward])
            total[backward] = self.backward.weighted_rows(rows, w[backward])
            numbers[line, :, :-1] = np.log1p(total * scale).T
        numbers[..., -1] = np.log1p(self.n_users)
        return numbers


def hashed_crosses(recent: np.ndarray, candidates: np.ndarray, bins: int, n: int) -> np.ndarray:
    """Ids in [0, bins) of the crosses (n-th latest item, candidate), n columns a candidate:
    recent [b, length], candidates [b, k] -> [b, k, n] int32."""
    first = recent[:, None, :n].astype(np.uint64) + np.uint64(2)  # padding crosses too, as 1
    column = np.arange(1, n + 1, dtype=np.uint64)
    mixed = (first * np.uint64(0x9E3779B97F4A7C15)) ^ (
        candidates[:, :, None].astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
    )
    mixed = (mixed ^ (mixed >> np.uint64(29))) * (np.uint64(0xBF58476D1CE4E5B9) + column)
    return ((mixed >> np.uint64(20)) % np.uint64(bins)).astype(np.int32)
