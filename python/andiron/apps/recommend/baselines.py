"""The naive baseline that stands beside every model."""

from __future__ import annotations

import dataclasses

import numpy as np

from andiron.apps.recommend.data import Interactions
from andiron.apps.recommend.recommender import Recommender


@dataclasses.dataclass
class PopularitySettings:
    """Popularity has no settings."""


class Popularity(Recommender):
    """Everyone gets the items that most users met.

    Example:
        >>> import pandas as pd
        >>> met = pd.DataFrame({"user": [1, 2, 3], "item": ["tea", "tea", "rum"]})
        >>> model = Popularity().fit(Interactions.from_pandas(met))
        >>> model.scores(np.array([0])).tolist()
        [[1.0, 2.0]]
        >>> model.recommend(3, k=1)
        [('tea', 2.0)]
    """

    name = "popularity"
    Settings = PopularitySettings

    def fit(self, data: Interactions) -> Popularity:
        """Counts the users of each item."""
        self._remember(data)
        return self

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """The share of users who met the item."""
        return scores / len(self.users)

    def _score(self, users: np.ndarray) -> np.ndarray:
        return np.tile(self._popularity, (len(users), 1))

    def _scores_of_strangers(self) -> np.ndarray:
        return self._popularity

    def _state(self) -> dict[str, np.ndarray]:
        return {}  # the histories say it all

    def _restore(self, state: dict[str, np.ndarray], content: dict) -> None:
        """Nothing: `load` has counted."""
