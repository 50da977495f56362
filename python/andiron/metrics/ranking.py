"""Metrics of rankings and of recommendations: y_pred are scores [users, items]."""

from __future__ import annotations

from typing import Any

import numpy as np

from andiron import _core
from andiron._metric import Metric

rank_users, top_items = _core.rank_users, _core.top_items


class _OfLists(Metric):
    """What recommendations are like, whatever is relevant."""

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Adds scores [users, items]; y_true is not looked at and may be None."""
        self._core.update(y_pred, y_pred, sample_weight)


def _at_k(class_name: str, stem: str, doc: str, base: type = Metric) -> type:
    def __init__(self, k: int = 10, name: str | None = None):
        self._take(name or f"{stem}@{k}", "make_metric", f"{stem}@{k}")

    return type(class_name, (base,), {"__init__": __init__, "__doc__": doc})


PrecisionAtK = _at_k("PrecisionAtK", "precision", "Relevant items among the best k, over k.")
RecallAtK = _at_k("RecallAtK", "recall", "Relevant items among the best k, over all relevant.")
HitRate = _at_k("HitRate", "hit_rate", "Whether a relevant item is among the best k.")
NDCG = _at_k("NDCG", "ndcg", "Normalised discounted cumulative gain of the best k.")
MAP = _at_k("MAP", "map", "Mean average precision of the best k.")
MRR = _at_k("MRR", "mrr", "1 / the rank of the first relevant item among the best k, else 0.")
Coverage = _at_k(
    "Coverage",
    "coverage",
    "The share of all items that are among the best k of any user; y_true is not looked at.",
    _OfLists,
)


class Novelty(_OfLists):
    """The mean of -log2 of the popularity of what is recommended: bits of surprise.

    Args:
        popularity: how often each item was used, [items]; 0 counts as 1. An item's share of all
            is its popularity.
        k: how many are recommended to a user. Default: 10.

    y_true is not looked at.

    Example:
        >>> from andiron import metrics
        >>> m = metrics.Novelty([6, 1, 1], k=1)
        >>> m.update_state([[0, 0, 0]], [[0.1, 0.9, 0.2]])
        >>> m.result()
        3.0

    Source: Zhou et al., Solving the apparent diversity-accuracy dilemma of recommender systems,
    2010.
    """

    def __init__(self, popularity: Any, k: int = 10, name: str | None = None):
        numbers = np.asarray(popularity, np.float64).reshape(-1).tolist()
        self._take(name or f"novelty@{k}", "metric_of", "novelty",
                   {"popularity": numbers, "k": int(k)})  # fmt: skip


class IntraListDiversity(_OfLists):
    """The mean of 1 - cos between the items that a user is recommended.

    Args:
        features: of the items, [items, d].
        k: how many are recommended to a user. Default: 10.

    y_true is not looked at; users with fewer than two items are left out.

    Source: Ziegler et al., Improving Recommendation Lists Through Topic Diversification, 2005.
    """

    def __init__(self, features: Any, k: int = 10, name: str | None = None):
        rows = np.asarray(features, np.float64)
        if rows.ndim != 2:
            raise _core.Error(
                f"[IntraListDiversity] features must be [items, d]; got {list(rows.shape)}"
            )
        self._take(name or f"intra_list_diversity@{k}", "metric_of", "intra_list_diversity",
                   {"features": rows.tolist(), "k": int(k)})  # fmt: skip
