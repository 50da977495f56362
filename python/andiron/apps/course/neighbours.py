"""Nearest neighbours: an image has the class of the training images that look most like it."""

from __future__ import annotations

import numpy as np

import andiron
from andiron import ops

KS = (1, 3, 5, 7, 10, 15, 20, 30)


def l2(queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances [q, n] of [q, d] and [n, d], by one matrix product:

    |a - b|^2 = |a|^2 - 2 a.b + |b|^2
    """
    products = ops.matmul(queries, np.ascontiguousarray(rows.T)).numpy()
    squares = np.square(queries).sum(1)[:, None] + np.square(rows).sum(1)[None, :]
    return np.maximum(squares - 2 * products, 0)


class L1:
    """Sums of absolute differences [q, n] of [q, d] and [n, d], one query against `block` rows at a
    time: what is subtracted stays in the cache."""

    def __init__(self, block: int = 500):
        self._block, self._plans = block, {}

    def __call__(self, queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
        out = np.empty((len(queries), len(rows)), np.float32)
        for start in range(0, len(rows), self._block):
            part = np.ascontiguousarray(rows[start : start + self._block])
            plan = self._plan(part.shape)
            for i, query in enumerate(queries):
                out[i, start : start + len(part)] = plan(part, query).numpy()
        return out

    def _plan(self, shape: tuple[int, int]):
        if shape not in self._plans:
            rows = andiron.placeholder("rows", shape, "float32")
            query = andiron.placeholder("query", shape[1:], "float32")
            distance = ops.sum(ops.absolute(rows - query), [1])
            self._plans[shape] = andiron.Graph([rows, query], [distance])
        return lambda a, b: self._plans[shape](a, b)[0]


DISTANCES = {"L1": L1(), "L2": l2}


def votes(distances: np.ndarray, labels: np.ndarray, k: int, classes: int = 10) -> np.ndarray:
    """The most frequent class among the k nearest; of several such the one that is nearest."""
    near = np.argpartition(distances, k - 1, axis=1)[:, :k]
    rows = np.arange(len(near))[:, None]
    near = near[rows, np.argsort(distances[rows, near], axis=1, kind="stable")]
    found = labels[near]
    counts = np.zeros((len(near), classes))
    for place in range(k):  # a nearer vote is worth a trifle more
        np.add.at(counts, (np.arange(len(near)), found[:, place]), 1 + 1e-6 * (k - place))
    return counts.argmax(1)


def accuracies(
    name: str, rows: np.ndarray, labels: np.ndarray, queries: np.ndarray, truth: np.ndarray,
    ks: tuple[int, ...] = KS, batch: int = 250,
) -> dict[int, float]:  # fmt: skip
    """The share of queries whose class is found, for each k. Rows and queries are flattened."""
    right = dict.fromkeys(ks, 0)
    for start in range(0, len(queries), batch):
        part = slice(start, start + batch)
        distances = DISTANCES[name](queries[part], rows)
        for k in ks:
            right[k] += int((votes(distances, labels, k) == truth[part]).sum())
    return {k: n / len(queries) for k, n in right.items()}
