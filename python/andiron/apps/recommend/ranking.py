"""Judging rankings over all items, with what a user has already met left out.

Sampled rankings mislead (Krichene & Rendle, KDD 2020), so no metric here samples items.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from andiron.apps.recommend import metrics
from andiron.apps.recommend.data import Interactions

# Scores [len(users), n_items] of a batch of user rows; higher is better.
Scorer = Callable[[np.ndarray], np.ndarray]

BATCH = 256  # users scored at a time: 256 x 100,000 float32 are 100 MB


@dataclasses.dataclass(frozen=True)
class Figure:
    """A mean over users and its standard error."""

    mean: float
    error: float

    def __str__(self) -> str:
        return f"{self.mean:.4f} ± {self.error:.4f}"


@dataclasses.dataclass(frozen=True)
class Ranking:
    """What `evaluate` found: each user's value of each metric, and their means."""

    users: np.ndarray  # [n] rows of the users judged
    values: dict[str, np.ndarray]  # "ndcg@10" -> [n] float64

    def figure(self, name: str) -> Figure:
        """Mean and standard error of a metric over the users."""
        return _figure(self.values[name])

    def figures(self) -> dict[str, Figure]:
        return {name: self.figure(name) for name in self.values}

    def difference(self, other: Ranking, name: str) -> Figure:
        """Mean of this one's value minus the other's, user by user, with its standard error."""
        if not np.array_equal(self.users, other.users):
            raise ValueError("[ranking] differences need the same users in both")
        return _figure(self.values[name] - other.values[name])


def _figure(values: np.ndarray) -> Figure:
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return Figure(float(values.mean()), float(error))


def grouped(data: Interactions, users: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (line in `users`, item) of the interactions of these users."""
    line = np.full(data.n_users, -1, np.int64)
    line[users] = np.arange(len(users))
    lines = line[data.user]
    of_these = lines >= 0
    return lines[of_these], data.item[of_these]


def scored(
    scorer: Scorer, seen: Interactions, users: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of users and their scores, with the items in `seen` at minus infinity."""
    for start in range(0, len(users), BATCH):
        batch = users[start : start + BATCH]
        scores = np.array(scorer(batch), np.float32)
        if scores.shape != (len(batch), seen.n_items):
            raise ValueError(
                f"[ranking] a scorer gives one line a user and one column an item: "
                f"{(len(batch), seen.n_items)}; got {scores.shape}"
            )
        if np.isnan(scores).any():
            raise ValueError("[ranking] scores are numbers; the model gave NaN")
        scores[grouped(seen, batch)] = -np.inf
        yield batch, scores


def top_k(scores: np.ndarray, k: int) -> np.ndarray:
    """Columns of the k highest of each line, best first; the lower column wins a tie."""
    k = min(k, scores.shape[1])
    if k < scores.shape[1]:
        kth = np.partition(scores, -k, axis=1)[:, -k][:, None]
        # Few lines have ties at the edge; full sort there keeps the rule of the lower column.
        best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        tied = np.flatnonzero((scores >= kth).sum(axis=1) > k)
        for line in tied:
            best[line] = np.argsort(-scores[line], kind="stable")[:k]
    else:
        best = np.broadcast_to(np.arange(k), scores.shape)
    best = np.sort(best, axis=1)
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
    return np.take_along_axis(best, order, axis=1)


def evaluate(
    scorer: Scorer, seen: Interactions, test: Interactions, k: int | Sequence[int] = 10
) -> Ranking:
    """Hit rate, NDCG, MAP, precision and recall at k (or at each of several) for each user of
    `test`.

    All items but those in `seen` compete. For a user with r test items of which the ranking's
    first k hold hits at ranks p (from 1):

        hit = 1 if any;  precision = hits / k;  recall = hits / r
        NDCG = sum of 1 / log2(p + 1) over hits, divided by the same sum for ranks 1 … min(r, k)
        MAP = sum over hits of (hits up to p) / p, divided by min(r, k)

    Source: Järvelin & Kekäläinen 2002 for NDCG.
    """
    if len(test) == 0:
        raise ValueError("[ranking] the test part has no interactions")
    users = np.unique(test.user)
    ks = [k] if isinstance(k, (int, np.integer)) else list(k)
    columns: dict[str, list[np.ndarray]] = {}
    for batch, scores in scored(scorer, seen, users):
        relevant = np.zeros(scores.shape, bool)
        relevant[grouped(test, batch)] = True
        n_relevant = relevant.sum(axis=1)
        best = top_k(scores, max(ks))
        hits = np.zeros((len(batch), max(ks)))
        hits[:, : best.shape[1]] = np.take_along_axis(relevant, best, axis=1)
        for k in ks:
            for name, values in _at(hits[:, :k], n_relevant).items():
                columns.setdefault(f"{name}@{k}", []).append(values)
    return Ranking(users, {name: np.concatenate(parts) for name, parts in columns.items()})


def _at(hit: np.ndarray, n_relevant: np.ndarray) -> dict[str, np.ndarray]:
    """Metrics of rankings: whether each of the first k is a hit [users, k]."""
    k = hit.shape[1]
    discount = 1 / np.log2(np.arange(2, k + 2))
    possible = np.minimum(n_relevant, k)
    at_rank = np.cumsum(hit, axis=1) / np.arange(1, k + 1)
    found = hit.sum(axis=1)
    return {
        "hit_rate": (found > 0).astype(np.float64),
        "ndcg": hit @ discount / np.cumsum(discount)[possible - 1],
        "map": (hit * at_rank).sum(axis=1) / possible,
        "precision": found / k,
        "recall": found / n_relevant,
    }


def pooled(
    scorer: Scorer, seen: Interactions, test: Interactions, max_users: int = 2_000, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores of every (user of `test`, item not in `seen`) pair, pooled, from the
    highest score down (whoever sorts them again is done soon).

    Of more than `max_users` users, that many are drawn by `seed`: pairs are users x items.
    """
    users = np.unique(test.user)
    if len(users) > max_users:
        users = np.sort(np.random.default_rng(seed).choice(users, max_users, replace=False))
    labels, values = [], []
    for batch, scores in scored(scorer, seen, users):
        relevant = np.zeros(scores.shape, bool)
        relevant[grouped(test, batch)] = True
        open_ = scores > -np.inf
        labels.append(relevant[open_])
        values.append(scores[open_])
    label, score = np.concatenate(labels), np.concatenate(values)
    order = np.argsort(-score, kind="stable")
    return label[order], score[order]


def study_metrics(labels: np.ndarray, scores: np.ndarray, threshold: float) -> dict[str, float]:
    """The published study's metrics over pooled pairs.

    Recall and precision are those of calling a pair positive at or above `threshold`, which is
    the best for F1 on the validation part (`metrics.best_f1_threshold`), for every model alike.
    """
    precision, recall = metrics.precision_recall_at(labels, scores, threshold)
    return {
        "auroc": metrics.auroc(labels, scores),
        "auprc": metrics.auprc(labels, scores),
        "recall": recall,
        "precision": precision,
    }
