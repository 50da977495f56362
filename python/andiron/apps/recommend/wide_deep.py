"""Wide & Deep: crosses that remember, embeddings that generalise, trained jointly."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from andiron import Model, layers, losses, optimizers
from andiron.apps.recommend.crew import Alone, Part
from andiron.apps.recommend.crosses import N_NUMBERS, CrossNumbers, counts_of, hashed_crosses
from andiron.apps.recommend.history import decayed
from andiron.apps.recommend.neural import NeuralRecommender
from andiron.apps.recommend.pair_counts import added
from andiron.apps.recommend.training import sampler

LENGTH = 20  # recent items that the crosses see
_PAIRS = 4096  # predicted at a time
_SHRINK = 5.0  # of similarities: pairs that few users met count less


@dataclasses.dataclass
class WideAndDeepSettings:
    """Settings of WideAndDeep.

    Attributes:
        loss: "softmax" over the item that came next and sampled ones, or "binary_crossentropy"
            of each of them.
        embedding: length of the deep part's embeddings. hidden: its layers. dropout: between them.
        numbers: whether the crosses' counts are inputs. number_units: of the layer over them.
        n_crosses: how many of the latest items are crossed with the candidate as hashed ids of
            their own, below `bins`; 0 for none. On small data they learn by heart.
        epochs, batch_size, learning_rate, decay, weight_decay: Adam (AdamW) of the deep part, its
            rate in step t being learning_rate / (1 + decay * t).
        wide_learning_rate: Ftrl, for the wide weights.
        negatives: sampled items beside each positive.
        history_decay: how fast items fade for the deep part.
        per_user: samples of one user in an epoch, at most about so many.
        features: whether features of users and items are used, where the table has some.
        feature_values: of a category, so many of the most frequent values are kept.
        observe_epochs: how many epochs `observe` goes on training.
    """

    loss: str = "softmax"
    embedding: int = 32
    hidden: tuple[int, ...] = (64,)
    dropout: float = 0.3
    bins: int = 1 << 20
    n_crosses: int = 0
    numbers: bool = True
    number_units: int = 32
    epochs: int = 3
    batch_size: int = 512
    learning_rate: float = 5e-3
    decay: float = 0.0
    weight_decay: float = 1e-2
    wide_learning_rate: float = 0.02
    negatives: int = 100
    history_decay: float = 0.9
    per_user: int = 30
    features: bool = True
    feature_values: int = 200
    observe_epochs: int = 0
    seed: int = 0


class WideAndDeep(NeuralRecommender):
    """Wide & Deep learning (Cheng et al. 2016) over a user's history and a candidate item:

        logit = w · counts of the crosses (recent item, candidate) over users     wide, Ftrl
              + sum of weights of hashed crosses, if any                          wide, Ftrl
              + g(these counts)                                                   a small MLP, Adam
              + MLP([user ; faded bag of the latest items]) · q_i + b_i           deep, Adam

    With features f_u of users, f_i of items and f_h of the latest items, faded:

        logit += [1 ; f_u ; f_h] C f_i        wide: every cross of two values has a weight; Ftrl
        q_i becomes q_i + Q f_i, and the MLP sees f_u and f_h too                    deep, Adam

    The counts (see crosses.CrossNumbers) leave out what the training pair itself added.

    Args:
        settings: see WideAndDeepSettings.
    """

    name: ClassVar[str] = "WideAndDeep"
    Settings = WideAndDeepSettings
    _PURPOSE: ClassVar[int] = 0x3D

    def _build(self) -> None:
        s = self.settings
        s.hidden = tuple(s.hidden)
        if s.loss not in ("softmax", "binary_crossentropy"):
            raise ValueError(
                f"[WideAndDeep] loss is 'softmax' or 'binary_crossentropy'; got {s.loss!r}"
            )
        if not s.numbers and s.n_crosses < 1:
            raise ValueError(
                "[WideAndDeep] the wide part needs numbers=True or n_crosses of 1 or more"
            )
        n_users, n_items = len(self.users), len(self.items)
        # Layers are made once; a network for training and one for scoring share them.
        self._parts = {
            "user": layers.Embedding(n_users, s.embedding, name="user_embedding"),
            "recent": layers.EmbeddingBag(n_items, s.embedding, name="recent_embedding"),
            "item": layers.Embedding(n_items, s.embedding, name="item_embedding"),
            "item_bias": layers.Embedding(
                n_items, 1, embeddings_initializer="zeros", name="item_bias"
            ),
            "hidden": [
                layers.Dense(n, activation="relu", name=f"deep_{k}") for k, n in enumerate(s.hidden)
            ],
            "deep": layers.Dense(s.embedding, name="deep"),
            "wide": layers.Embedding(s.bins, 1, embeddings_initializer="zeros", name="wide"),
            "sum": layers.Dense(
                1, use_bias=False, kernel_initializer="ones", trainable=False, name="sum"
            ),
            "number_units": layers.Dense(s.number_units, activation="relu", name="number_units"),
            "number": layers.Dense(1, use_bias=False, name="number"),
            "wide_numbers": layers.Dense(1, use_bias=False, name="wide_numbers"),
        }
        if self.item_features is not None:
            width = self.item_features.width
            self._parts["item_features"] = layers.Dense(
                s.embedding, use_bias=False, name="item_features"
            )
            self._parts["wide_features"] = layers.Dense(
                width, kernel_initializer="zeros", name="wide_features"
            )
        self._n_scored = min(n_items, 4096)
        self._network = self._network_of(1 + s.negatives)
        self._scoring = self._network_of(self._n_scored)
        self._pair = None  # for one candidate; made when it is asked for

    def _observed(self, crew: Alone) -> None:
        if self.settings.numbers:
            keys, values = counts_of(self._histories)
            every = crew.gathered({"keys": keys, "values": values})
            counts = added([(each["keys"], each["values"]) for each in every])
            self._crosses = CrossNumbers(counts, self._popularity, LENGTH)

    def _network_of(self, n: int):
        """The network for n candidates a sample."""
        s, p = self.settings, self._parts
        user = layers.Input((1,), dtype="int32", name="user")
        recent = layers.Input((LENGTH,), dtype="int32", name="recent")
        weights = layers.Input((LENGTH,), name="recent_weights")
        items = layers.Input((n,), dtype="int32", name="candidates")
        inputs = [user, recent, weights, items]

        about = self._user_lines(user), self._profile(recent, weights)
        about = [x for x in about if x is not None]
        x = layers.Concatenate()(
            [layers.Flatten()(p["user"](user)), p["recent"]([recent, weights]), *about]
        )
        for layer in p["hidden"]:
            x = layers.Dropout(s.dropout)(layer(x))
        x = layers.Reshape((1, s.embedding))(p["deep"](x))  # [b, 1, e]
        item, of_item = p["item"](items), self._item_lines(items)  # [b, n, e], [b, n, width]
        if of_item is not None:
            item = layers.Add()([item, p["item_features"](of_item)])
        dot = layers.Reshape((n,))(layers.Dot((2, 2))([item, x]))
        bias = layers.Reshape((n,))(p["item_bias"](items))
        logits = [dot, bias]
        if of_item is not None:
            known = layers.Concatenate()(about) if len(about) > 1 else about[0]
            crosses = layers.Reshape((1, self.item_features.width))(p["wide_features"](known))
            logits.append(layers.Reshape((n,))(layers.Dot((2, 2))([of_item, crosses])))
        if s.n_crosses:
            crosses = layers.Input((n * s.n_crosses,), dtype="int32", name="crosses")
            inputs.append(crosses)
            wide = p["sum"](layers.Reshape((n, s.n_crosses))(p["wide"](crosses)))
            logits.append(layers.Reshape((n,))(wide))
        if s.numbers:
            numbers = layers.Input((n, N_NUMBERS), name="numbers")
            inputs.append(numbers)
            logits.append(layers.Reshape((n,))(p["wide_numbers"](numbers)))
            logits.append(layers.Reshape((n,))(p["number"](p["number_units"](numbers))))
        return Model(inputs, layers.Add()(logits), name=f"wide_and_deep_{n}")

    def _inputs(
        self, users: np.ndarray, recent: np.ndarray, candidates: np.ndarray
    ) -> list[np.ndarray]:
        s = self.settings
        x = [
            users.astype(np.int32)[:, None],
            recent,
            decayed(recent, s.history_decay),
            candidates.astype(np.int32),
        ]
        if s.n_crosses:
            crosses = hashed_crosses(recent, candidates, s.bins, s.n_crosses)
            x.append(crosses.reshape(len(users), -1))
        return x

    def _numbers(self, recent: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        chunks = range(0, len(recent), 256)  # bounds the memory of [n, length, k] counts
        return np.concatenate(
            [self._crosses.of(recent[c : c + 256], candidates[c : c + 256], True) for c in chunks]
        )

    def _compile(self, settings, crew: Alone) -> None:
        s, rate = settings, settings.learning_rate
        if s.decay:
            rate = optimizers.schedules.InverseTimeDecay(rate, 1, s.decay)
        deep = optimizers.AdamW(rate, weight_decay=s.weight_decay)
        parts = {
            "wide": s.n_crosses,
            "wide_numbers": s.numbers,
            "wide_features": self.item_features,
        }
        groups = {name: optimizers.Ftrl(s.wide_learning_rate) for name in parts if parts[name]}
        self._network.compile(
            optimizer=optimizers.Groups(groups, default=deep),
            loss=losses.SparseCategoricalCrossentropy(from_logits=True)
            if s.loss == "softmax"
            else losses.BinaryCrossentropy(from_logits=True),
        )
        self._unmet = sampler(self._histories) if len(self._histories.items) else None

    def _draw(self, settings, part: Part, generator: np.random.Generator) -> np.ndarray:
        h = self._histories
        at = h.training_positions(settings.per_user, 2, generator, part.positions)
        if len(at) == 0:
            return at
        return at[self._unmet.possible(h.user[at])]

    def _samples(self, settings, part: Part, at: np.ndarray, epoch: int, round: int):
        s, h = settings, self._histories
        users, positive = h.user[at], h.items[at]
        drawn = self._unmet.draw(users, s.negatives, part.seed(s.seed + (round << 32)), epoch)
        candidates = np.concatenate([positive[:, None], drawn], axis=1)
        recent = h.recent(users, at, LENGTH)
        x = self._inputs(users, recent, candidates)
        if s.numbers:
            x.append(self._numbers(recent, candidates))
        if s.loss == "softmax":
            return x, np.zeros(len(candidates), np.int32)  # the positive stands first
        y = np.zeros(candidates.shape, np.float32)
        y[:, 0] = 1
        return x, y

    def _sample_bytes(self, settings) -> int:
        s = settings
        numbers = N_NUMBERS * s.numbers + s.n_crosses
        return 8 * LENGTH + 8 * (1 + s.negatives) * (1 + numbers)

    # The counts are files' business too: making them takes long where histories are many.

    def _state(self) -> dict[str, np.ndarray]:
        state = super()._state()
        if self.settings.numbers:
            keys, values = self._crosses.counts
            state |= {"pair_keys": keys, "pair_values": values.astype(np.float32)}
        return state

    def _restore(self, state: dict[str, np.ndarray], content: dict) -> None:
        if self.settings.numbers:
            counts = state.pop("pair_keys", None), state.pop("pair_values", None)
            if counts[0] is None:  # an older file
                counts = counts_of(self._histories)
            self._crosses = CrossNumbers(counts, self._popularity, LENGTH)
        super()._restore(state, content)

    def _score(self, users: np.ndarray) -> np.ndarray:
        n_items, n = len(self.items), self._n_scored
        recent = self._histories.recent(users, self._histories.ends(users), LENGTH)
        numbers = self._crosses.of_all(recent) if self.settings.numbers else None
        out = np.empty((len(users), n_items), np.float32)
        for start in range(0, n_items, n):
            stop = min(start + n, n_items)
            chunk = np.minimum(np.arange(start, start + n), n_items - 1)
            x = self._inputs(users, recent, np.broadcast_to(chunk, (len(users), n)))
            if numbers is not None:
                x.append(numbers[:, chunk])
            logits = np.asarray(self._scoring.predict(x, batch_size=len(users), verbose=0))
            out[:, start:stop] = logits[:, : stop - start]
        return out

    def _similarities(self, row: int) -> np.ndarray:
        if not self.settings.numbers:
            return self._cosines(self._learnt_by_layer()["item_embedding"], row)
        keys, values = self._crosses.counts  # how often one followed the other, either way
        n = np.int64(len(self.items))
        first, second = keys // n, keys % n
        after, before = first == row, second == row
        together = np.bincount(second[after], values[after], n)
        together += np.bincount(first[before], values[before], n)
        popular = np.maximum(self._popularity, 1)
        return together / (np.sqrt(popular * popular[row]) + _SHRINK)

    def _predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        if self.settings.loss == "softmax":
            return super()._predict(users, items)
        if self._pair is None:
            self._pair = self._network_of(1)
        out = np.empty(len(users), np.float32)
        for start in range(0, len(users), _PAIRS):
            here = slice(start, start + _PAIRS)
            recent = self._histories.recent(users[here], self._histories.ends(users[here]), LENGTH)
            x = self._inputs(users[here], recent, items[here][:, None])
            if self.settings.numbers:
                x.append(self._crosses.of(recent, items[here][:, None], False))
            logits = self._pair.predict(x, batch_size=_PAIRS, verbose=0)
            out[here] = self.probabilities(np.asarray(logits).reshape(-1))
        return out
