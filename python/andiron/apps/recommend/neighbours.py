"""Item-based neighbours: the baseline that needs no training, and is hard to beat."""

from __future__ import annotations

import dataclasses

import numpy as np

from andiron.apps.recommend.crew import Alone
from andiron.apps.recommend.data import Interactions
from andiron.apps.recommend.history import Histories
from andiron.apps.recommend.pair_counts import PairCounts, added
from andiron.apps.recommend.recommender import Recommender

SIMILARITIES = ("cosine", "jaccard", "conditional")
_LINES = 1 << 22  # (user, item) lines gathered at a time
_ITEMS = 128  # whose pairs workers add up at a time


@dataclasses.dataclass
class ItemKNNSettings:
    """Settings of ItemKNN.

    Attributes:
        neighbours: kept of each item, the most similar ones.
        shrink: added to the denominator of the similarity: pairs that few users met count less.
        similarity: "cosine", "jaccard" or "conditional" (the share of the users of the user's item
            who met the other one, too, over its popularity to the power 1/2).
        history_decay: what a user's item counts, by its age: decay^age; 1: all alike.
    """

    neighbours: int = 100
    shrink: float = 10.0
    similarity: str = "cosine"
    history_decay: float = 1.0
    seed: int = 0


class ItemKNN(Recommender):
    """Scores an item by how similar it is to what the user has met:

        score(u, i) = sum over the user's items j of decay^age(j) sim(j, i),  i among the
                      nearest neighbours of j
        cosine: sim(j, i) = n_ij / (sqrt(n_i n_j) + shrink)

    with n the number of users who met an item, or both. Sources: Sarwar et al. 2001; Deshpande &
    Karypis 2004; the shrinkage of Bell & Koren 2007.

    Args:
        settings: see ItemKNNSettings.

    Example:
        >>> import pandas as pd
        >>> met = pd.DataFrame({"user": [1, 1, 2, 2, 3], "item": ["tea", "rum", "tea", "rum", "tea"]})
        >>> model = ItemKNN(shrink=0.0).fit(Interactions.from_pandas(met))
        >>> [item for item, _ in model.recommend(3, k=1)]
        ['rum']
        >>> model.similar_items("tea", k=1)
        [('rum', 0.8164965510368347)]
    """  # noqa: E501

    name = "ItemKNN"
    Settings = ItemKNNSettings

    def fit(self, data: Interactions) -> ItemKNN:
        """Counts who met what with what.

        Raises:
            ValueError: there are no interactions, or a setting is out of its range.
        """
        self._require_some(data)
        self._fit(data, None, None, Alone(), None, 0)
        return self

    def _fit(self, data: Interactions, user_features, item_features, crew: Alone, on_epoch,
             verbose: int, noise: np.ndarray | None = None) -> None:  # fmt: skip
        """`fit` by a crew, of which this process has the interactions `data`."""
        s = self.settings
        if s.similarity not in SIMILARITIES:
            raise ValueError(f"[ItemKNN] similarity is one of {SIMILARITIES}; got {s.similarity!r}")
        if s.neighbours < 1 or s.shrink < 0 or not 0 < s.history_decay <= 1:
            raise ValueError(
                "[ItemKNN] neighbours is at least 1, shrink at least 0, history_decay in (0, 1]; "
                f"got {s.neighbours}, {s.shrink} and {s.history_decay}"
            )
        self._remember(data, s.seed, noise)
        self._popularity = crew.total(self._popularity.astype(np.int64)).astype(np.float32)
        self._nearest = _nearest(self._histories, self._popularity, s, crew)
        if on_epoch is not None:
            on_epoch(1, self)

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Scores as shares of the most that the user's items could give; an order of likeliness
        rather than a chance (`andiron.calibration` makes chances of it)."""
        return np.clip(scores, 0.0, 1.0)

    def _score(self, users: np.ndarray) -> np.ndarray:
        out = np.empty((len(users), len(self.items)), np.float32)
        for line, user in enumerate(users):
            items = self._histories.seen(user)
            weights = self.settings.history_decay ** np.arange(len(items))[::-1]
            weights /= weights.sum()
            out[line] = self._nearest.weighted_rows(items, weights[None])[0]
        return out

    def _scores_of_strangers(self) -> np.ndarray:
        return self._popularity / len(self.users)

    def _similarities(self, row: int) -> np.ndarray:
        return self._nearest.weighted_rows(np.array([row]), np.ones((1, 1)))[0]

    def _state(self) -> dict[str, np.ndarray]:
        return {"keys": self._nearest.keys, "values": self._nearest.values}

    def _state_bytes(self) -> int:
        return 12 * len(self.items) * min(self.settings.neighbours, len(self.items))

    def _restore(self, state: dict[str, np.ndarray], content: dict) -> None:
        keys, n = state["keys"], len(self.items)
        if keys.shape != state["values"].shape or (len(keys) and not 0 <= keys.min()) or (
            len(keys) and keys.max() >= n * n) or (np.diff(keys) <= 0).any():  # fmt: skip
            raise ValueError("its neighbours do not fit its items")
        self._nearest = PairCounts(keys, state["values"], n)


def _nearest(
    histories: Histories, popularity: np.ndarray, s: ItemKNNSettings, crew: Alone
) -> PairCounts:
    """Similarities sim(j, i) of the nearest neighbours i of each item j, of all workers' users."""
    n = histories.n_items
    by_item = np.argsort(histories.items, kind="stable")
    met_by = histories.user[by_item]  # users, item by item
    starts = np.searchsorted(histories.items[by_item], np.arange(n + 1))
    lengths = np.diff(histories.starts)
    keys, values = [], []
    for first in range(0, n, _ITEMS):
        items = np.arange(first, min(first + _ITEMS, n))
        found = []
        for item in items:
            both = _together(histories, met_by[starts[item] : starts[item + 1]], lengths)
            both[item] = 0.0
            others = np.flatnonzero(both)
            found.append((item * np.int64(n) + others, both[others]))
        pairs, counts = map(np.concatenate, zip(*found, strict=True))
        parts = crew.gathered({"keys": pairs, "values": counts})
        if len(parts) > 1:
            pairs, counts = added([(part["keys"], part["values"]) for part in parts])
        bounds = np.searchsorted(pairs, np.append(items, items[-1] + 1) * np.int64(n))
        for item, a, b in zip(items, bounds[:-1], bounds[1:], strict=True):
            others, both = pairs[a:b] % n, counts[a:b]
            similar = _similarity(both, popularity[item], popularity[others], s)
            if len(others) > s.neighbours:
                best = np.argsort(-similar, kind="stable")[: s.neighbours]
                best.sort()
                others, similar = others[best], similar[best]
            keys.append(item * np.int64(n) + others)
            values.append(similar)
    return PairCounts(np.concatenate(keys), np.concatenate(values), n)


def _together(histories: Histories, users: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """How many of these users met each item, [n_items]."""
    out = np.zeros(histories.n_items)
    until = np.cumsum(lengths[users])
    first = 0
    while first < len(users):
        done = until[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(until, done + _LINES, side="right")))
        some = users[first:last]
        n = lengths[some]
        offset = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
        items = histories.items[np.repeat(histories.starts[some], n) + offset]
        out += np.bincount(items, minlength=histories.n_items)
        first = last
    return out


def _similarity(both, mine, theirs, s: ItemKNNSettings) -> np.ndarray:
    if s.similarity == "cosine":
        return both / (np.sqrt(mine * theirs) + s.shrink)
    if s.similarity == "jaccard":
        return both / (mine + theirs - both + s.shrink)
    return both / (mine * np.sqrt(theirs) + s.shrink)
