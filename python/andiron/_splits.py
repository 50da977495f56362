"""Rows for training and rows that are held out: at random, stratified, by groups."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from andiron import _core
from andiron._arrays import is_pandas


def rows_in(x: Any) -> int:
    """The rows of an array, a table, a list, or a dict of arrays."""
    if isinstance(x, dict):
        counts = {len(v) for v in x.values()}
        if len(counts) != 1:
            raise _core.Error(f"[split] a dict's arrays need one length; got {sorted(counts)}")
        return counts.pop()
    if hasattr(x, "shape") and len(x.shape) > 0:
        return int(x.shape[0])  # len() of sparse matrices is an error
    return len(x)


def take(x: Any, rows: np.ndarray) -> Any:
    """Rows of it, in the form in which it came."""
    if x is None:
        return None
    if isinstance(x, dict):
        return {name: take(v, rows) for name, v in x.items()}
    if is_pandas(x):
        return x.iloc[rows] if hasattr(x, "iloc") else x[rows]
    pa = sys.modules.get("pyarrow")
    if pa is not None and isinstance(x, (pa.Table, pa.RecordBatch, pa.Array, pa.ChunkedArray)):
        return x.take(pa.array(rows))
    if isinstance(x, (list, tuple)):
        return type(x)([x[i] for i in rows])
    if isinstance(x, _core.Tensor):
        return np.asarray(x)[rows]
    return x[rows]


def _codes(labels: Any, n: int, what: str) -> tuple[np.ndarray, int, np.ndarray]:
    """(a number for each label, how many there are, the labels)"""
    if is_pandas(labels):
        labels = labels.to_numpy()
    given = np.asarray(labels)
    if given.ndim == 0 or len(given) != n:
        raise _core.Error(f"[split] {what} needs one label a row; there are {n} rows")
    if given.ndim > 1 and given.shape[1:] == (1,):
        given = given.reshape(-1)
    found, codes = np.unique(given, axis=None if given.ndim == 1 else 0, return_inverse=True)
    return codes.reshape(-1), len(found), found


def _sizes(n: int, test_size: Any, train_size: Any) -> tuple[int, int]:
    """(train, test), rounded as scikit-learn does."""

    def part(size: Any, name: str, rounded: Any) -> int:
        whole = isinstance(size, (int, np.integer)) and not isinstance(size, bool)
        if not whole and not (isinstance(size, float) and 0.0 < size < 1.0):
            raise _core.Error(f"[split] {name} is a number of rows or in (0, 1); got {size!r}")
        found = int(size) if whole else rounded(size * n)
        if not 0 < found < n:
            raise _core.Error(f"[split] {name}={size} of {n} rows leaves one part empty")
        return found

    if test_size is None and train_size is None:
        test_size = 0.25
    test = None if test_size is None else part(test_size, "test_size", math.ceil)
    train = None if train_size is None else part(train_size, "train_size", math.floor)
    if test is None:
        test = n - train
    elif train is None:
        train = n - test
    if train + test > n:
        raise _core.Error(f"[split] train_size and test_size are {train} + {test} of {n} rows")
    return train, test


def _shares(counts: np.ndarray, n: int) -> np.ndarray:
    """n rows in proportion to the classes: the largest remainders are rounded up."""
    exact = counts / counts.sum() * n
    found = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - found), kind="stable")
    found[order[: n - found.sum()]] += 1
    return found


def _stratified(codes: np.ndarray, labels: np.ndarray, train: int, test: int,
                random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    counts = np.bincount(codes)
    if counts.min() < 2:
        rare = labels[int(counts.argmin())]
        raise _core.Error(f"[split] class {rare} has one row; each part needs one of each class")
    for size, what in ((train, "train"), (test, "test")):
        if size < len(counts):
            raise _core.Error(
                f"[split] {size} rows for the {what} part are fewer than the {len(counts)} classes"
            )
    of_train = _shares(counts, train)
    of_test = _shares(counts - of_train, test)
    parts: tuple[list, list] = ([], [])
    for c in range(len(counts)):
        rows = random.permutation(np.flatnonzero(codes == c))
        parts[0].append(rows[: of_train[c]])
        parts[1].append(rows[of_train[c] : of_train[c] + of_test[c]])
    return (random.permutation(np.concatenate(parts[0])),
            random.permutation(np.concatenate(parts[1])))  # fmt: skip


class _Parts:
    """Groups in parts, and how far the parts are from their shares: chi-square, over the classes
    and, as much as all of these, the number of rows."""

    def __init__(self, counts: np.ndarray, fractions: list[float]):
        if counts.shape[1] > 1:
            counts = np.column_stack([counts, counts.sum(1)])
        self.counts, self.total = counts, counts.sum(0)
        self.wanted = np.array(fractions)[:, None] * self.total
        self.held = np.zeros_like(self.wanted)
        self.of = np.full(len(counts), -1)

    def lack(self, part: Any, held: np.ndarray) -> np.ndarray:
        """What part(s) with these counts add to chi-square."""
        return ((held - self.wanted[part]) ** 2 / self.wanted[part]).sum(-1)

    def put(self, group: int, part: int) -> None:
        self.of[group] = part
        self.held[part] += self.counts[group]

    def best_for(self, group: int, among: Any) -> int:
        held = self.held[among]
        more = self.lack(among, held + self.counts[group]) - self.lack(among, held)
        return int(np.asarray(among)[int(more.argmin())])

    def exchange(self, group: int) -> bool:
        """Exchanges the group with the one for which that helps most. Returns whether one did."""
        mine, others = self.of[group], np.flatnonzero(self.of != self.of[group])
        theirs = self.of[others]
        change = self.counts[others] - self.counts[group]
        before = self.lack(mine, self.held[mine]) + self.lack(theirs, self.held[theirs])
        after = self.lack(mine, self.held[mine] + change)
        after += self.lack(theirs, self.held[theirs] - change)
        best = int((after - before).argmin())
        if after[best] - before[best] > -1e-9:
            return False
        self.held[mine] += change[best]
        self.held[theirs[best]] -= change[best]
        self.of[group], self.of[others[best]] = theirs[best], mine
        return True


def _by_groups(groups: np.ndarray, codes: np.ndarray | None, fractions: list[float],
               random: np.random.Generator | None) -> np.ndarray:  # fmt: skip
    """The part of each row: whole groups, the largest first, each to the part that it brings
    closest to its share of every class; then groups change places while that helps."""
    n_groups, n_classes = int(groups.max()) + 1, 1 if codes is None else int(codes.max()) + 1
    if n_groups < len(fractions):
        raise _core.Error(f"[split] {n_groups} groups do not make {len(fractions)} parts")
    counts = np.zeros((n_groups, n_classes))
    np.add.at(counts, (groups, 0 if codes is None else codes), 1)
    parts = _Parts(counts, fractions)
    order = np.arange(n_groups) if random is None else random.permutation(n_groups)
    order = order[np.argsort(-counts.sum(1)[order], kind="stable")]
    for i, group in enumerate(order):
        empty = np.flatnonzero(parts.held[:, -1] == 0)
        # As many groups as there are parts without one go to those.
        forced = len(empty) >= n_groups - i
        parts.put(group, parts.best_for(group, empty if forced else np.arange(len(fractions))))
    if n_groups <= 2000:  # of more, the parts are even without it
        for _ in range(5):
            if not any([parts.exchange(group) for group in order]):
                break
    return parts.of[groups]


def train_test_split(
    *arrays: Any,
    test_size: float | int | None = None,
    train_size: float | int | None = None,
    shuffle: bool = True,
    seed: int = 0,
    stratify: Any = None,
    groups: Any = None,
) -> list:
    """Each array's rows for training and for testing, as scikit-learn's function of that name.

    Args:
        arrays: of one length: arrays, DataFrames, Series, Arrow tables, lists, tensors, sparse
            matrices, or dicts of these. Each part has the form of what came.
        test_size, train_size: a fraction of the rows or their number. Default: 0.25 for testing;
            the other part has the rest.
        shuffle: False: the last rows are for testing, as in `validation_split`.
        seed: of the order. Default: 0.
        stratify: [n] labels: both parts have the classes in equal proportions (to a row).
        groups: [n] labels of groups, of which none has rows in both parts. Sizes are then met as
            closely as the groups allow.

    Returns:
        [first for training, first for testing, second for training, ...]

    Example:
        >>> import numpy as np
        >>> from andiron import data
        >>> y = np.array([0] * 90 + [1] * 10)
        >>> y_train, y_test = data.train_test_split(y, test_size=0.2, stratify=y)
        >>> int(y_train.sum()), int(y_test.sum())
        (8, 2)
    """
    if not arrays:
        raise _core.Error("[split] needs at least one array")
    n = rows_in(arrays[0])
    for i, x in enumerate(arrays):
        if x is not None and rows_in(x) != n:
            raise _core.Error(
                f"[split] arrays need one length; number 0 has {n} rows, number {i} {rows_in(x)}"
            )
    train, test = _sizes(n, test_size, train_size)
    if not shuffle and (stratify is not None or groups is not None):
        raise _core.Error("[split] stratify and groups need shuffle=True")
    random = np.random.default_rng(seed)
    codes = labels = None
    if stratify is not None:
        codes, _, labels = _codes(stratify, n, "stratify")
    if groups is not None:
        if train + test != n:
            raise _core.Error("[split] with groups every row is in one part: give one of the sizes")
        fractions = [train / n, test / n]
        part = _by_groups(_codes(groups, n, "groups")[0], codes, fractions, random)
        sides = [random.permutation(np.flatnonzero(part == p)) for p in (0, 1)]
    elif codes is not None:
        sides = list(_stratified(codes, labels, train, test, random))
    else:
        order = random.permutation(n) if shuffle else np.arange(n)
        sides = [order[test : test + train], order[:test]] if shuffle else [
            order[:train], order[train : train + test]]  # fmt: skip
    return [take(x, rows) for x in arrays for rows in sides]


def k_folds(
    x: Any,
    n_splits: int = 5,
    *,
    shuffle: bool = True,
    seed: int = 0,
    stratify: Any = None,
    groups: Any = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(rows for training, rows for testing) of n_splits folds: each row is tested once.

    Args:
        x: what is split, or the number of its rows.
        n_splits: how many. Default: 5.
        shuffle: False: folds are stretches of rows.
        seed: of the order. Default: 0.
        stratify: [n] labels that every fold has in equal proportions (to a row).
        groups: [n] labels of groups, each of which is in one fold.

    Source: scikit-learn's KFold, StratifiedKFold, GroupKFold and StratifiedGroupKFold: folds have
    as many rows of each class as theirs. Their `split` gives pairs of the same form.

    Example:
        >>> from andiron import data
        >>> [test.tolist() for _, test in data.k_folds(5, 2, shuffle=False)]
        [[0, 1, 2], [3, 4]]
    """
    n = int(x) if isinstance(x, (int, np.integer)) else rows_in(x)
    if isinstance(n_splits, bool) or not isinstance(n_splits, int) or not 2 <= n_splits <= n:
        raise _core.Error(f"[split] n_splits must be in [2, {n}], the rows; got {n_splits!r}")
    random = np.random.default_rng(seed) if shuffle else None
    codes = None
    if stratify is not None:
        codes, n_classes, labels = _codes(stratify, n, "stratify")
        counts = np.bincount(codes)
        if counts.max() < n_splits:
            raise _core.Error(f"[split] n_splits={n_splits} is more than any class has rows")
    if groups is not None:
        fractions = [1.0 / n_splits] * n_splits
        fold = _by_groups(_codes(groups, n, "groups")[0], codes, fractions, random)
    elif codes is not None:
        # Every n_splits-th row, class by class, says how many of each a fold gets; classes stand in
        # the order in which they first come, as scikit-learn has them.
        first = np.unique(codes, return_index=True)[1]
        codes = np.argsort(np.argsort(first))[codes]
        in_order = np.sort(codes)
        fold = np.empty(n, np.int64)
        wanted = np.array([np.bincount(in_order[i::n_splits], minlength=n_classes)
                           for i in range(n_splits)])  # fmt: skip
        for c in range(n_classes):
            of_class = np.repeat(np.arange(n_splits), wanted[:, c])
            fold[codes == c] = of_class if random is None else random.permutation(of_class)
    else:
        sizes = np.full(n_splits, n // n_splits)
        sizes[: n % n_splits] += 1
        fold = np.repeat(np.arange(n_splits), sizes)
        if random is not None:
            fold = random.permutation(fold)
    for i in range(n_splits):
        yield np.flatnonzero(fold != i), np.flatnonzero(fold == i)
