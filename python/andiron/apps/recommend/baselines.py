"""The naive baseline that stands beside every model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from andiron.apps.recommend.data import Interactions


class Popularity:
    """Everyone gets the items that most users met; also the fallback for unseen users.

    Example:
        >>> import pandas as pd
        >>> met = pd.DataFrame({"user": [1, 2, 3], "item": ["tea", "tea", "rum"]})
        >>> data = Interactions.from_pandas(met)
        >>> Popularity().fit(data).scores(np.array([0])).tolist()
        [[1.0, 2.0]]
    """

    name = "popularity"

    def __init__(self) -> None:
        self.counts = np.zeros(0, np.float32)

    def fit(self, data: Interactions) -> Popularity:
        """Counts the users of each item."""
        self.counts = data.popularity().astype(np.float32)
        return self

    def scores(self, users: np.ndarray) -> np.ndarray:
        """[len(users), n_items] float32."""
        return np.tile(self.counts, (len(users), 1))

    def save(self, folder: str | Path) -> None:
        """Writes popularity.json into an existing folder."""
        path = Path(folder) / "popularity.json"
        path.write_text(json.dumps({"counts": self.counts.astype(int).tolist()}), encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> Popularity:
        """Reads what `save` wrote."""
        model = cls()
        content = json.loads((Path(folder) / "popularity.json").read_text(encoding="utf-8"))
        model.counts = np.asarray(content["counts"], np.float32)
        return model
