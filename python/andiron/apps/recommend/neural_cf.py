"""Neural collaborative filtering: generalised matrix factorisation beside a multilayer network."""

from __future__ import annotations

import dataclasses

import numpy as np

from andiron import Model, layers, losses, optimizers
from andiron.apps.recommend.crew import Alone, Part
from andiron.apps.recommend.history import decayed
from andiron.apps.recommend.rated import RATINGS, RatedRecommender
from andiron.apps.recommend.recommender import BATCH
from andiron.datasets import negative_sampling

_STANDING = 256  # known users or items that stand for an unseen one


@dataclasses.dataclass
class NeuralCFSettings:
    """Settings of NeuralCF.

    Attributes:
        loss: "softmax" (over all items), "binary_crossentropy" (NeuMF as published) or
            "squared_error" (explicit ratings).
        gmf: length of the GMF embeddings. mlp_user, mlp_item: of the MLP's embeddings.
        hidden: sizes of the MLP's layers. dropout: of both branches while training.
        epochs, batch_size, learning_rate, decay: Adam; the rate in step t is
            learning_rate / (1 + decay * t) for binary cross-entropy, a cosine to a tenth for the
            others. weight_decay: AdamW's, if above 0; None: 0, and 1 for ratings.
        negatives: sampled for each positive (binary cross-entropy).
        history, history_decay: how many recent items the softmax model sees, and how fast they
            fade. per_user: samples of one user in an epoch, at most about so many.
        features: whether features of users and items are used, where the table has some.
            feature_values: of a category, so many of the most frequent values are kept.
        observe_epochs: how many epochs `observe` goes on training.
    """

    loss: str = "softmax"
    gmf: int = 64
    mlp_user: int = 100
    mlp_item: int = 200
    hidden: tuple[int, ...] = (128, 64, 32)
    dropout: float = 0.3
    epochs: int = 12
    batch_size: int = 1024
    learning_rate: float = 5e-3
    decay: float = 0.0
    weight_decay: float | None = None
    negatives: int = 4
    history: int = 30
    history_decay: float = 0.8
    per_user: int = 60
    features: bool = True
    feature_values: int = 200
    observe_epochs: int = 0
    seed: int = 0


class NeuralCF(RatedRecommender):
    """NeuMF (He et al. 2017), and a form of it with a softmax over all items.

    As published, for a user u and an item i:

        logit = w · [p_u * q_i ; MLP([s_u ; t_i])]

    trained with binary cross-entropy against sampled negatives. With `loss="softmax"` the user
    side also sees the user's latest items, as bags of embeddings that fade with age, and the item
    enters in the last layer only, so that one product scores all items:

        logits = W [p_u + sum_l a_l q_hl ; MLP([s_u ; sum_l a_l t_hl])] + b

    with the loss the cross-entropy of the item that came next (as Covington et al. 2016).

    With `loss="squared_error"` it learns ratings by the network of pairs, with biases:

        rating = mean + b_u + b_i + w · [p_u * q_i ; MLP([s_u ; t_i])]

    `predict` then gives ratings, within the range that training saw; an unseen user's is the mean
    of what some users would give the item, likewise for an unseen item.

    Features f_u, f_i enter beside the embeddings: p_u + P f_u and s_u, f_u in place of p_u and s_u,
    likewise for items; with the softmax the user side has the features of the latest items too, and
    the logits of an item have the term f_i · V h, where h is the last layer.

    Args:
        settings: see NeuralCFSettings.

    Example:
        model = NeuralCF(epochs=5).fit(split.refit)
        model.recommend("ann", k=10)
        rated = NeuralCF(loss="squared_error").fit(ratings)
        rated.predict(["ann"], [17])                       # a rating
    """

    name = "NeuralCF"
    LOSSES = ("softmax", "binary_crossentropy", RATINGS)
    Settings = NeuralCFSettings
    _PURPOSE = 0xC0F

    def _forget(self) -> None:
        self._strangers: np.ndarray | None = None

    def _build(self) -> None:
        s = self.settings
        s.hidden = tuple(s.hidden)
        self._check_loss()
        softmax = s.loss == "softmax"
        self._network = self._softmax_network() if softmax else self._pair_network()

    def _mlp(self, x):
        for units in self.settings.hidden:
            x = layers.Dropout(self.settings.dropout)(layers.Dense(units, activation="relu")(x))
        return x

    def _softmax_network(self):
        s, n_users, n_items = self.settings, len(self.users), len(self.items)
        user = layers.Input((1,), dtype="int32", name="user")
        recent = layers.Input((s.history,), dtype="int32", name="recent")
        weights = layers.Input((s.history,), name="recent_weights")

        def user_of(length, name):
            return layers.Flatten()(layers.Embedding(n_users, length, name=name)(user))

        def bag_of(length, name):
            return layers.EmbeddingBag(n_items, length, name=name)([recent, weights])

        about = self._user_lines(user), self._profile(recent, weights)
        about = [x for x in about if x is not None]
        gmf = layers.Add()(
            [
                user_of(s.gmf, "gmf_user"),
                bag_of(s.gmf, "gmf_item"),
                *(layers.Dense(s.gmf, use_bias=False)(x) for x in about),
            ]
        )
        mlp = self._mlp(
            layers.Concatenate()(
                [user_of(s.mlp_user, "mlp_user"), bag_of(s.mlp_item, "mlp_item"), *about]
            )
        )
        both = layers.Concatenate()([layers.Dropout(s.dropout)(gmf), mlp])
        logits = layers.Dense(n_items, name="items")(both)
        if self.item_features is not None:
            liked = layers.Dense(self.item_features.width, use_bias=False, name="liked")(both)
            logits = layers.Add()([logits, self._of_all_items(liked)])
        return Model([user, recent, weights], logits, name="neural_cf_softmax")

    def _pair_network(self):
        s, n_users, n_items = self.settings, len(self.users), len(self.items)
        user = layers.Input((1,), dtype="int32", name="user")
        item = layers.Input((1,), dtype="int32", name="item")

        def row(count, length, ids, name):
            return layers.Flatten()(layers.Embedding(count, length, name=name)(ids))

        of_user, of_item = self._user_lines(user), self._item_lines(item)
        if of_item is not None:
            of_item = layers.Flatten()(of_item)

        def gmf_side(embedding, features):
            if features is None:
                return embedding
            return layers.Add()([embedding, layers.Dense(s.gmf, use_bias=False)(features)])

        gmf = layers.Multiply()(
            [
                gmf_side(row(n_users, s.gmf, user, "gmf_user"), of_user),
                gmf_side(row(n_items, s.gmf, item, "gmf_item"), of_item),
            ]
        )
        sides = [
            row(n_users, s.mlp_user, user, "mlp_user"),
            row(n_items, s.mlp_item, item, "mlp_item"),
            *(x for x in (of_user, of_item) if x is not None),
        ]
        mlp = self._mlp(layers.Concatenate()(sides))
        out = layers.Dense(1, name="logit")(layers.Concatenate()([gmf, mlp]))
        if self.explicit:
            out = layers.Add()(
                [out, self._bias(user, n_users, "user"), self._bias(item, n_items, "item")]
            )
        return Model([user, item], out, name="neural_cf")

    @staticmethod
    def _bias(ids, count: int, side: str):
        bias = layers.Embedding(count, 1, embeddings_initializer="zeros", name=f"{side}_bias")
        return layers.Flatten()(bias(ids))

    def _inputs(self, users: np.ndarray, ends: np.ndarray) -> list[np.ndarray]:
        recent = self._histories.recent(users, ends, self.settings.history)
        weights = decayed(recent, self.settings.history_decay)
        return [users.astype(np.int32)[:, None], recent, weights]

    def _compile(self, settings, crew: Alone) -> None:
        s, rate = settings, settings.learning_rate
        if s.loss != "binary_crossentropy":
            counts = np.diff(self._histories.starts)
            counts = counts if self.explicit else np.minimum(counts, s.per_user)
            expected = crew.total(int(counts.sum()))
            rate = optimizers.schedules.CosineDecay(
                s.learning_rate, max(1, s.epochs * (expected // s.batch_size + 1)), alpha=0.1
            )
        elif s.decay:
            rate = optimizers.schedules.InverseTimeDecay(s.learning_rate, 1, s.decay)
        loss = {
            "softmax": losses.SparseCategoricalCrossentropy(from_logits=True),
            "binary_crossentropy": losses.BinaryCrossentropy(from_logits=True),
            RATINGS: losses.MeanSquaredError(),
        }[s.loss]
        decay = self._weight_decay(s, otherwise=0.0)
        optimizer = optimizers.AdamW(rate, weight_decay=decay) if decay else optimizers.Adam(rate)
        self._network.compile(optimizer=optimizer, loss=loss)
        self._pairs: dict = {}

    def _rounds(self, settings, crew: Alone, parts: list[Part], epoch: int):
        if settings.loss != "binary_crossentropy":
            yield from super()._rounds(settings, crew, parts, epoch)
            return
        # Every met pair with unmet items of the same user, shuffled, other ones in each epoch:
        # drawn by the core while the network trains.
        if not self._pairs:
            self._pairs = {part.number: self._pairs_of(settings, part) for part in parts}
        n = crew.total(sum(source.rows for source in self._pairs.values()))
        yield self._pairs, n

    def _pairs_of(self, settings, part: Part):
        s, h = settings, self._histories
        at = slice(None) if part.positions is None else part.positions
        items = h.items[at]
        return negative_sampling(
            h.user[at],
            items,
            len(self.users),
            h.n_items,
            negatives=s.negatives,
            batch_size=min(s.batch_size, len(items) * (1 + s.negatives)),
            seed=part.seed(s.seed),
        )

    def _draw(self, settings, part: Part, generator: np.random.Generator) -> np.ndarray:
        if self.explicit:
            return super()._draw(settings, part, generator)
        return self._histories.training_positions(settings.per_user, 1, generator, part.positions)

    def _samples(self, settings, part: Part, at: np.ndarray, epoch: int, round: int):
        if self.explicit:
            return super()._samples(settings, part, at, epoch, round)
        h = self._histories
        return self._inputs(h.user[at], at), h.items[at].astype(np.int32)

    def _sample_bytes(self, settings) -> int:
        return 12 if self.explicit else 8 * settings.history + 8

    def _score(self, users: np.ndarray) -> np.ndarray:
        if self.settings.loss == "softmax":
            x = self._inputs(users, self._histories.ends(users))
            return np.asarray(self._network.predict(x, batch_size=len(users), verbose=0))
        scores = self._pairs_of_all(users, np.arange(len(self.items)))
        return scores + self._mean if self.explicit else scores

    def _pairs_of_all(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """What the network of pairs says of all users with all items, [n users, n items]."""
        pairs = np.repeat(users, len(items)), np.tile(items, len(users))
        return self._pair_logits(*pairs).reshape(len(users), len(items))

    def _similarities(self, row: int) -> np.ndarray:
        learnt = self._learnt_by_layer()
        if self.settings.loss == "softmax":  # items whose scores come from the same things
            return self._cosines(learnt["items"].T, row)
        return self._cosines(np.concatenate([learnt["gmf_item"], learnt["mlp_item"]], axis=1), row)

    def _predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        if self.settings.loss == "softmax":
            return super()._predict(users, items)
        found = self._pair_logits(users, items)
        return self._estimates(found + self._mean if self.explicit else found)

    def _scores_of_strangers(self) -> np.ndarray:
        if not self.explicit:
            return super()._scores_of_strangers()
        if self._strangers is None:
            some, every = _spread(len(self.users)), np.arange(len(self.items))
            total = sum(self._pairs_of_all(some[i : i + 1], every)[0] for i in range(len(some)))
            self._strangers = self._mean + total / len(some)
        return self._strangers

    def _ratings_of_users(self, users: np.ndarray) -> np.ndarray:
        some, (distinct, lines) = _spread(len(self.items)), np.unique(users, return_inverse=True)
        means = [
            self._pairs_of_all(distinct[start : start + BATCH], some).mean(axis=1)
            for start in range(0, len(distinct), BATCH)
        ]
        return self._mean + np.concatenate(means)[lines]

    def _ratings_of_items(self, items: np.ndarray) -> np.ndarray:
        return self._scores_of_strangers()[items]

    def _pair_logits(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        pairs = [users.astype(np.int32)[:, None], items.astype(np.int32)[:, None]]
        logits = self._network.predict(pairs, batch_size=65_536, verbose=0)
        return np.asarray(logits).reshape(-1)


def _spread(n: int) -> np.ndarray:
    """Up to _STANDING of n rows, evenly spread."""
    return np.unique(np.linspace(0, n - 1, min(n, _STANDING)).astype(np.int64))
