"""Matrix factorization: by pairs of items (BPR), or of explicit ratings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from andiron import Model, layers, losses, optimizers
from andiron.apps.recommend.crew import Alone, Part
from andiron.apps.recommend.rated import RATINGS, RatedRecommender
from andiron.apps.recommend.training import sampler
from andiron.calibration import sigmoid


@dataclasses.dataclass
class MatrixFactorizationSettings:
    """Settings of MatrixFactorization.

    Attributes:
        loss: "bpr" (implicit feedback) or "squared_error" (explicit ratings).
        factors: length of p_u and q_i.
        epochs, learning_rate, weight_decay: of AdamW; the rate falls by a cosine to a tenth. By
            default weight_decay is 0.1, and 1 for ratings.
        batch_size: None: 1,024, and less where an epoch would have fewer than 64 steps, down to 32.
        per_user: samples of one user in an epoch, at most about so many (BPR).
        features: whether features of users and items are used, where the table has some.
            feature_values: of a category, so many of the most frequent values are kept.
        observe_epochs: how many epochs `observe` goes on training.
    """

    loss: str = "bpr"
    factors: int = 64
    epochs: int = 20
    batch_size: int | None = None
    learning_rate: float = 5e-3
    weight_decay: float | None = None
    per_user: int = 100_000
    features: bool = True
    feature_values: int = 200
    observe_epochs: int = 0
    seed: int = 0


class MatrixFactorization(RatedRecommender):
    """Factors of users and items, with biases:

        score(u, i) = b_i + p_u · q_i

    With `loss="bpr"` it learns that a met item stands above an unmet one, which is drawn anew for
    each sample: -log sigmoid(score(u, i) - score(u, j)) (Rendle et al. 2009). With
    `loss="squared_error"` it learns ratings, mean + b_u + b_i + p_u · q_i (Koren, Bell & Volinsky
    2009): `predict` then gives ratings, within the range that training saw.

    With features f_u, f_i the factors are p_u + P f_u and q_i + Q f_i, and the bias of an item is
    b_i + c · f_i, so ids that came after training are scored by their features (`add_items`,
    `add_users`).

    Args:
        settings: see MatrixFactorizationSettings.

    Example:
        model = MatrixFactorization(factors=32).fit(split.refit)
        model.recommend("ann", k=10)
        rated = MatrixFactorization(loss="squared_error").fit(ratings)
        rated.predict(["ann"], [17])                       # a rating
    """

    name = "MatrixFactorization"
    LOSSES = ("bpr", RATINGS)
    Settings = MatrixFactorizationSettings
    _PURPOSE = 0xB94

    def _forget(self) -> None:
        self._cached: tuple | None = None  # what the scores are made of

    # The network: the score of n items for a user, and what becomes of it in training.

    def _build(self) -> None:
        n = 1 if self.explicit else 2
        user = layers.Input((1,), dtype="int32", name="user")
        items = layers.Input((n,), dtype="int32", name="items")
        x = self._of_users(user)  # [b, 1, k]
        y, bias = self._of_items(items)  # [b, n, k], [b, n, 1]
        score = layers.Add()([layers.Dot((2, 2))([y, x]), bias])  # [b, n, 1]
        score = layers.Reshape((n,))(score)
        if self.explicit:
            of_user = self._bias(len(self.users), "user_bias")(user)
            out = layers.Add()([score, layers.Reshape((1,))(of_user)])
        else:  # the positive minus the negative
            minus = layers.Dense(1, use_bias=False, trainable=False, name="difference")
            out = minus(score)
            minus.variables[0].assign(np.array([[1.0], [-1.0]], np.float32))
        self._network = Model([user, items], out, name="matrix_factorization")

    @staticmethod
    def _bias(count: int, name: str):
        return layers.Embedding(count, 1, embeddings_initializer="zeros", name=name)

    def _of_users(self, user):
        k = self.settings.factors
        p = layers.Embedding(len(self.users), k, name="user_factors")(user)
        if self.user_features is None:
            return p
        about = layers.Dense(k, use_bias=False, name="user_features")
        return layers.Add()([p, about(self._rows("users", self.user_features)(user))])

    def _of_items(self, items):
        k = self.settings.factors
        q = layers.Embedding(len(self.items), k, name="item_factors")(items)
        bias = self._bias(len(self.items), "item_bias")(items)
        lines = self._item_lines(items)
        if lines is None:
            return q, bias
        about = layers.Dense(k, use_bias=False, name="item_features")
        liked = layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="feature_bias")
        return layers.Add()([q, about(lines)]), layers.Add()([bias, liked(lines)])

    def _compile(self, settings, crew: Alone) -> None:
        s = settings
        counts = np.diff(self._histories.starts)
        expected = crew.total(int(np.minimum(counts, s.per_user).sum()))
        steps = max(1, s.epochs * (expected // s.batch_size + 1))
        rate = optimizers.schedules.CosineDecay(s.learning_rate, steps, alpha=0.1)
        self._network.compile(
            optimizer=optimizers.AdamW(rate, weight_decay=self._weight_decay(s, otherwise=0.1)),
            loss=losses.MeanSquaredError()
            if self.explicit
            else losses.BinaryCrossentropy(from_logits=True),
        )
        if not self.explicit and len(self._histories.items):
            self._unmet = sampler(self._histories)

    def _draw(self, settings, part: Part, generator: np.random.Generator) -> np.ndarray:
        if self.explicit:
            return super()._draw(settings, part, generator)
        h = self._histories
        at = h.training_positions(settings.per_user, 0, generator, part.positions)
        return at[self._unmet.possible(h.user[at])] if len(at) else at

    def _samples(self, settings, part: Part, at: np.ndarray, epoch: int, round: int):
        if self.explicit:
            return super()._samples(settings, part, at, epoch, round)
        h = self._histories
        users, items = h.user[at], h.items[at].astype(np.int32)[:, None]
        drawn = self._unmet.draw(users, 1, part.seed(settings.seed + (round << 32)), epoch)
        pairs = np.concatenate([items, drawn.astype(np.int32)], axis=1)
        return [users.astype(np.int32)[:, None], pairs], np.ones(len(at), np.float32)

    def _sample_bytes(self, settings) -> int:
        return 16

    # Scores are one product of what the network has learnt.

    def _factors(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Factors and biases of all users and items, features included."""
        part = self._learnt_by_layer()
        users, items, bias = part["user_factors"], part["item_factors"], part["item_bias"][:, 0]
        if self.user_features is not None:
            users = users + self.user_features.table @ part["user_features"]
        if self.item_features is not None:
            table = self.item_features.table
            items = items + table @ part["item_features"]
            bias = bias + (table @ part["feature_bias"])[:, 0]
        of_users = part["user_bias"][:, 0] if self.explicit else np.zeros(len(users), np.float32)
        return users, items, of_users, bias

    def _scored_by(self) -> tuple:
        if self._cached is None:
            self._cached = self._factors()
        return self._cached

    def _train(self, settings, crew: Alone, on_epoch: Callable | None, verbose: int) -> None:
        if settings.batch_size is None:
            n = crew.total(len(self._histories.items))
            settings = dataclasses.replace(settings, batch_size=min(max(n // 64, 32), 1024))
        super()._train(settings, crew, on_epoch, verbose)

    def _score(self, users: np.ndarray) -> np.ndarray:
        p, q, of_users, of_items = self._scored_by()
        scores = p[users] @ q.T + of_items
        return scores + of_users[users, None] + self._mean if self.explicit else scores

    def _scores_of_strangers(self) -> np.ndarray:
        return (
            self._mean + self._scored_by()[3] if self.explicit else super()._scores_of_strangers()
        )

    def _similarities(self, row: int) -> np.ndarray:
        return self._cosines(self._scored_by()[1], row)

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """With BPR: sigmoid(score), that the item stands above one whose score is zero. With
        ratings: the score within the range of the ratings, from 0 to 1."""
        if self.explicit:
            return super().probabilities(scores)
        return sigmoid(scores)

    def _predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        if not self.explicit:
            return super()._predict(users, items)
        p, q, of_users, of_items = self._scored_by()
        both = np.einsum("nk,nk->n", p[users], q[items])
        return np.clip(self._mean + of_users[users] + of_items[items] + both, *self._range)

    def _ratings_of_users(self, users: np.ndarray) -> np.ndarray:
        return self._mean + self._scored_by()[2][users]

    def _ratings_of_items(self, items: np.ndarray) -> np.ndarray:
        return self._mean + self._scored_by()[3][items]
