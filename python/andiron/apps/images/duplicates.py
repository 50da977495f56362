"""Photos that are there twice: the same file, or the same picture in another file."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

PIXELS = 0.975
"""Pictures whose small grey versions correlate by more are taken for the same one..."""
FEATURES = 0.93
"""...if the cosine of their features (minus the mean) is above this, too."""
_BLOCK = 2048


class Duplicate(NamedTuple):
    """Two photos that are the same: rows of the first and of the second set."""

    first: int
    second: int
    exact: bool
    similarity: float
    """Correlation of the pixels; 1 for the same file."""


def _unit(x: np.ndarray) -> np.ndarray:
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-6)


def _grey(thumbnails: np.ndarray) -> np.ndarray:
    pixels = thumbnails.reshape(len(thumbnails), 3, thumbnails.shape[1] // 3).astype(np.float32)
    grey = np.tensordot(pixels, np.array([0.299, 0.587, 0.114], np.float32), (1, 0))
    return _unit(grey - grey.mean(1, keepdims=True))


def find(
    hashes: np.ndarray,
    thumbnails: np.ndarray,
    features: np.ndarray,
    others: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
    pixels_above: float = PIXELS,
    features_above: float = FEATURES,
) -> list[Duplicate]:
    """Pairs of photos that are the same.

    Args:
        hashes: of the files' content, uint8 [n, 16]; zeros are passed over.
        thumbnails: uint8 [n, 3 * 16 * 16].
        features: [n, d]; rows of NaN are passed over.
        others: the same three of another set, to find what is in both. Default: pairs within.
        pixels_above, features_above: what makes pictures the same: both a correlation of the grey
            thumbnails and a cosine of the centred features above these.

    Returns:
        Each pair once, first < second within a set.
    """
    within = others is None
    other_hashes, other_thumbnails, other_features = (
        (hashes, thumbnails, features) if within else others
    )
    found: dict[tuple[int, int], Duplicate] = {}
    rows: dict[bytes, list[int]] = {}
    for j, h in enumerate(other_hashes):
        rows.setdefault(h.tobytes(), []).append(j)
    for i, h in enumerate(hashes):
        for j in rows.get(h.tobytes(), ()) if h.any() else ():
            if not within or i < j:
                found[i, j] = Duplicate(i, j, True, 1.0)
    middle = np.nan_to_num(np.nanmean(other_features, 0)) if len(other_features) else 0.0
    a, b = _grey(thumbnails), _grey(other_thumbnails)
    f = np.nan_to_num(_unit(np.nan_to_num(features - middle)))
    g = np.nan_to_num(_unit(np.nan_to_num(other_features - middle)))
    for start in range(0, len(a), _BLOCK):
        for other in range(0, len(b), _BLOCK):
            alike = a[start : start + _BLOCK] @ b[other : other + _BLOCK].T
            for i, j in np.argwhere(alike > pixels_above):
                p, q = int(start + i), int(other + j)
                if (within and p >= q) or (p, q) in found or f[p] @ g[q] <= features_above:
                    continue
                found[p, q] = Duplicate(p, q, False, float(alike[i, j]))
    return sorted(found.values())


def clusters(n: int, pairs: list[Duplicate]) -> np.ndarray:
    """A number for each of n photos: photos that are the same, directly or through others, have
    the same one (the first one's row)."""
    parent = list(range(n))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for pair in pairs:
        a, b = root(pair.first), root(pair.second)
        parent[max(a, b)] = min(a, b)
    return np.array([root(i) for i in range(n)], np.int64)


def joined(groups: list | None, same: np.ndarray) -> np.ndarray:
    """Groups that keep together what belongs together and what is the same: int64 [n]."""
    n = len(same)
    pairs = [Duplicate(int(s), i, False, 1.0) for i, s in enumerate(same) if s != i]
    first: dict = {}
    for i, name in enumerate(range(n) if groups is None else groups):
        if first.setdefault(name, i) != i:
            pairs.append(Duplicate(first[name], i, False, 1.0))
    return clusters(n, pairs)
