"""The data of the workloads: sizes as in benchmarks/results.md."""

from __future__ import annotations

import dataclasses

import numpy as np


def zipf_ids(rng: np.random.Generator, n: int, size: int, exponent: float = 1.05) -> np.ndarray:
    """Ids whose frequencies fall like a power of their rank, in a shuffled order of ids."""
    weights = 1.0 / np.arange(1, n + 1) ** exponent
    cumulative = np.cumsum(weights / weights.sum())
    ranks = np.searchsorted(cumulative, rng.random(size))
    return rng.permutation(n).astype(np.int32)[np.minimum(ranks, n - 1)]


@dataclasses.dataclass
class NcfData:
    n_users: int
    n_items: int
    users: np.ndarray  # int32 [n]
    items: np.ndarray  # int32 [n]
    labels: np.ndarray  # float32 [n, 1]


def ncf(n_users: int, n_items: int, n: int, seed: int = 0) -> NcfData:
    rng = np.random.default_rng(seed)
    return NcfData(
        n_users,
        n_items,
        zipf_ids(rng, n_users, n),
        zipf_ids(rng, n_items, n),
        (rng.random((n, 1)) < 0.2).astype(np.float32),
    )


WIDE_COLUMNS, WIDE_BUCKETS = 3, 10_000
DEEP_SIZES = (1000, 500, 200, 100, 50, 50, 20, 10)
DEEP_WIDTH, N_NUMBERS = 16, 5


@dataclasses.dataclass
class WideDeepData:
    wide: np.ndarray  # int32 [n, 3], in [0, 30,000): column c lies in its own 10,000
    deep: list[np.ndarray]  # eight int32 [n]
    numbers: np.ndarray  # float32 [n, 5]
    labels: np.ndarray  # float32 [n, 1]


def wide_deep(n: int, seed: int = 0) -> WideDeepData:
    rng = np.random.default_rng(seed)
    columns = [zipf_ids(rng, WIDE_BUCKETS, n) + c * WIDE_BUCKETS for c in range(WIDE_COLUMNS)]
    return WideDeepData(
        np.stack(columns, axis=1).astype(np.int32),
        [zipf_ids(rng, size, n) for size in DEEP_SIZES],
        rng.standard_normal((n, N_NUMBERS)).astype(np.float32),
        (rng.random((n, 1)) < 0.3).astype(np.float32),
    )


@dataclasses.dataclass
class MlpData:
    x: np.ndarray  # float32 [n, 784]
    y: np.ndarray  # int64 [n]


def mlp(n: int, seed: int = 0) -> MlpData:
    rng = np.random.default_rng(seed)
    return MlpData(
        rng.standard_normal((n, 784)).astype(np.float32), rng.integers(0, 10, n).astype(np.int64)
    )
