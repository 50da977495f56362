"""Networks that can learn explicit ratings in place of who met what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np

from andiron.apps.recommend.crew import Alone, Part
from andiron.apps.recommend.data import Interactions, histories
from andiron.apps.recommend.ids import UNKNOWN
from andiron.apps.recommend.neural import NeuralRecommender

RATINGS = "squared_error"


class RatedRecommender(NeuralRecommender):
    """A recommender of networks of which one loss, "squared_error", is that of ratings.

    Its network learns what a rating differs from the mean of training by; a score is a rating, and
    `predict` gives ratings within the range that training saw. Subclasses give `LOSSES`,
    `_ratings_of_users`, `_ratings_of_items`, and scores and samples of the other losses.
    """

    LOSSES: ClassVar[tuple[str, ...]]

    def __init__(self, **settings) -> None:
        super().__init__(**settings)
        self._forget()

    def _forget(self) -> None:
        """Drops what was computed of the weights and is kept beside them."""

    @property
    def explicit(self) -> bool:
        """Whether scores are ratings."""
        return self.settings.loss == RATINGS

    @property
    def mean_rating(self) -> float:
        """Of training."""
        self._require_fit()
        return self._mean

    def fit(
        self,
        data: Interactions,
        on_epoch: Callable[[int, NeuralRecommender], None] | None = None,
        verbose: int = 1,
    ) -> RatedRecommender:
        """Trains from scratch, as `NeuralRecommender.fit`.

        Raises:
            ValueError: as there; or ratings are to be learnt and the table has none.
        """
        self._check_loss()
        self._require_ratings(data)
        return super().fit(data, on_epoch, verbose)

    def _weight_decay(self, settings, otherwise: float) -> float:
        """By the settings, or what suits the loss: each rating comes once in an epoch, so that
        factors learn them by heart without a strong one."""
        if settings.weight_decay is not None:
            return settings.weight_decay
        return 1.0 if self.explicit else otherwise

    def _check_loss(self) -> None:
        if self.settings.loss not in self.LOSSES:
            *first, last = map(repr, self.LOSSES)
            raise ValueError(
                f"[{self.name}] loss is {', '.join(first)} or {last}; got {self.settings.loss!r}"
            )

    def _fit(self, data: Interactions, user_features, item_features, crew: Alone, *args,
             **more) -> None:  # fmt: skip
        if self.explicit:  # the biases are learnt against this mean: `observe` keeps it
            mine = np.zeros(0, np.float32) if data.rating is None else data.rating
            parts = crew.gathered(
                {
                    "sum": np.array([mine.sum(dtype=np.float64), len(mine)]),
                    "range": np.array([mine.min(initial=np.inf), mine.max(initial=-np.inf)]),
                }
            )
            total, n = np.sum([part["sum"] for part in parts], axis=0)
            self._mean = float(total / max(n, 1))
            ranges = np.stack([part["range"] for part in parts])
            self._range = float(ranges[:, 0].min()), float(ranges[:, 1].max())
        super()._fit(data, user_features, item_features, crew, *args, **more)

    def observe(self, data: Interactions, epochs: int | None = None, rate: float = 0.3):
        """As `NeuralRecommender.observe`. The mean and the range of ratings stay those of training.

        Raises:
            ValueError: as there; or ratings are to be learnt and the table has none.
        """
        self._require_ratings(data)
        return super().observe(data, epochs, rate)

    def _require_ratings(self, data: Interactions) -> None:
        if self.explicit and data.rating is None:
            raise ValueError(
                f"[{self.name}] loss={RATINGS!r} learns ratings; the table has none (name their "
                "column with rating=)"
            )

    def _remember(self, data: Interactions, seed: int = 0, noise: np.ndarray | None = None) -> None:
        super()._remember(data, seed, noise)
        if self.explicit:
            positions, _ = histories(data, seed, noise)
            self._ratings = data.rating[positions]

    def _train(self, settings, crew: Alone, on_epoch: Callable | None, verbose: int) -> None:
        def fresh(epoch, model):
            self._forget()
            if on_epoch is not None:
                on_epoch(epoch, model)

        super()._train(settings, crew, fresh, verbose)
        self._forget()

    def _grow(self) -> None:
        super()._grow()
        self._forget()

    # Samples of ratings: each once in an epoch.

    def _draw(self, settings, part: Part, generator: np.random.Generator) -> np.ndarray:
        every = np.arange(len(self._histories.items)) if part.positions is None else part.positions
        return generator.permutation(every)

    def _samples(self, settings, part: Part, at: np.ndarray, epoch: int, round: int):
        h = self._histories
        pairs = [ids[at].astype(np.int32)[:, None] for ids in (h.user, h.items)]
        return pairs, self._ratings[at] - self._mean

    # Scores as ratings.

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """With ratings: the rating within the range of the ratings, from 0 to 1. With other losses,
        as `NeuralRecommender.probabilities`."""
        if not self.explicit:
            return super().probabilities(scores)
        low, high = self._range
        return np.clip((scores - low) / max(high - low, 1e-12), 0.0, 1.0)

    def _estimates(self, scores: np.ndarray) -> np.ndarray:
        return np.clip(scores, *self._range) if self.explicit else super()._estimates(scores)

    def predict(self, users: Sequence, items: Sequence) -> np.ndarray:
        """With ratings: those [n] to be expected, of unseen users and items as far as the other one
        says something. With other losses, as `Recommender.predict`."""
        if not self.explicit:
            return super().predict(users, items)
        rows, columns = self._rows_of_pairs(users, items)
        known_user, known_item = rows != UNKNOWN, columns != UNKNOWN
        out = np.full(len(rows), self._mean, np.float32)
        for there, given, ratings in (
            (known_user & known_item, (rows, columns), self._predict),
            (known_user & ~known_item, (rows,), self._ratings_of_users),
            (known_item & ~known_user, (columns,), self._ratings_of_items),
        ):
            if there.any():
                out[there] = ratings(*(ids[there] for ids in given))
        return np.clip(out, *self._range)

    def _ratings_of_users(self, users: np.ndarray) -> np.ndarray:
        """[n] ratings of rows of users, for an item that training did not see."""
        raise NotImplementedError

    def _ratings_of_items(self, items: np.ndarray) -> np.ndarray:
        """[n] ratings of rows of items, by a user whom training did not see."""
        raise NotImplementedError

    # Files.

    def _content(self) -> dict:
        if not self.explicit:
            return super()._content()
        return {**super()._content(), "ratings": {"mean": self._mean, "range": self._range}}

    def _restore(self, state: dict[str, np.ndarray], content: dict) -> None:
        if self.explicit:
            self._mean, self._range = content["ratings"]["mean"], tuple(content["ratings"]["range"])
        super()._restore(state, content)
        self._forget()
