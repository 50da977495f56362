"""How often one item followed another, over all users: a sparse matrix with quick look-up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

_EMPTY = np.int64(-1)
_BLOCK = 1 << 20  # interactions counted at a time
_DENSE = 1 << 24  # pairs of which a table has 64 MB

Counts = tuple[np.ndarray, np.ndarray]  # keys a * n + b, ascending and distinct; values, float64


def following(items: np.ndarray, starts: np.ndarray, n: int, window: int) -> Counts:
    """Counts 1 / s for each pair of which the second came s <= `window` steps later.

    Args:
        items: [len] the users' items one user after the other, each in the order of time.
        starts: [n_users + 1] where each user's begin.
    """
    if n * n <= min(_DENSE, len(items) * window):  # adding up costs less than sorting
        every = np.zeros(n * n)
        for block in _blocks(items, starts):
            for keys, value in _pairs(*block, n, window):
                every += np.bincount(keys, np.broadcast_to(value, len(keys)), n * n)
        keys = np.flatnonzero(every)
        return keys, every[keys]
    found = np.zeros(0, np.int64), np.zeros(0)
    for block in _blocks(items, starts):
        pairs = [(k, np.full(len(k), value)) for k, value in _pairs(*block, n, window)]
        found = added([found, added(pairs)])
    return found


def _blocks(items: np.ndarray, starts: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Items and starts of whole users, about _BLOCK interactions at a time."""
    first, last = 0, len(starts) - 1
    while first < last:
        until = np.searchsorted(starts, starts[first] + _BLOCK, side="right") - 1
        until = min(max(first + 1, int(until)), last)
        here = starts[first : until + 1]
        yield items[here[0] : here[-1]], here - here[0]
        first = until


def _pairs(
    items: np.ndarray, starts: np.ndarray, n: int, window: int
) -> Iterator[tuple[np.ndarray, float]]:
    """The keys of the pairs at each distance, and what each counts."""
    user = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    for step in range(1, window + 1):
        same = user[step:] == user[:-step]
        yield items[:-step][same] * np.int64(n) + items[step:][same], 1.0 / step


def added(parts: list[Counts]) -> Counts:
    """The sum of counts, whose keys need neither be sorted nor distinct."""
    keys, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    distinct, where = np.unique(keys, return_inverse=True)
    return distinct, np.bincount(where, values, len(distinct))


class PairCounts:
    """Sparse non-negative counts of ordered pairs (a, b) of n items.

    Rows are kept as CSR for scoring all items; single pairs are found in a table of all pairs where
    that is small, else in a hash table with linear probing, many at once. Immutable, hence
    thread-safe.
    """

    def __init__(self, keys: np.ndarray, values: np.ndarray, n: int) -> None:
        """`keys` a * n + b, ascending and distinct, with their values."""
        self.n, self.keys, self.values = n, keys, values.astype(np.float32)
        self.starts = np.searchsorted(keys, np.arange(n + 1, dtype=np.int64) * n)
        self.columns = keys % n
        self._dense = None
        if n * n <= _DENSE:
            self._dense = np.zeros(n * n, np.float32)
            self._dense[keys] = self.values
            return
        self._bits = max(4, int(2 * len(keys)).bit_length())
        self._slot_keys = np.full(1 << self._bits, _EMPTY)
        self._slot_values = np.zeros(1 << self._bits, np.float32)
        pending = np.arange(len(keys))
        slots = self._slots(keys)
        while len(pending):
            free = self._slot_keys[slots] == _EMPTY
            self._slot_keys[slots[free]] = keys[pending[free]]  # the last writer of a slot stays
            placed = self._slot_keys[slots] == keys[pending]
            self._slot_values[slots[placed]] = self.values[pending[placed]]
            pending, slots = pending[~placed], (slots[~placed] + 1) & self._mask

    @property
    def _mask(self) -> int:
        return (1 << self._bits) - 1

    def _slots(self, keys: np.ndarray) -> np.ndarray:
        mixed = keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        return (mixed >> np.uint64(64 - self._bits)).astype(np.int64)

    def transposed(self) -> PairCounts:
        """Counts of (b, a)."""
        keys = self.columns * self.n + self.keys // self.n
        order = np.argsort(keys, kind="stable")
        return PairCounts(keys[order], self.values[order], self.n)

    def lookup(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Counts of pairs, of the shape that `first` and `second` broadcast to, float32."""
        keys = first.astype(np.int64) * self.n + second
        if self._dense is not None:
            return self._dense[keys]
        shape, keys = keys.shape, keys.ravel()
        slots = self._slots(keys)
        found = np.zeros(len(keys), np.float32)
        pending = np.arange(len(keys))
        while len(pending):
            there = self._slot_keys[slots]
            hit = there == keys[pending]
            found[pending[hit]] = self._slot_values[slots[hit]]
            go_on = ~hit & (there != _EMPTY)
            pending, slots = pending[go_on], (slots[go_on] + 1) & self._mask
        return found.reshape(shape)

    def weighted_rows(self, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """sum over l of weights[:, l] * row rows[l]: weights [d, len], rows [len] -> [d, n]."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        owner = np.repeat(np.arange(len(rows)), lengths)
        offset = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        at = self.starts[rows][owner] + offset
        columns, values = self.columns[at], self.values[at]
        return np.stack([np.bincount(columns, values * w[owner], self.n) for w in weights]).astype(
            np.float32
        )
