"""What NeuralCF and WideAndDeep share: training in epochs, features, later interactions and ids."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import numpy as np
import pandas as pd

from andiron import layers, set_random_seed
from andiron.apps.recommend.crew import Alone, Part
from andiron.apps.recommend.data import Interactions
from andiron.apps.recommend.features import Features
from andiron.apps.recommend.history import Histories
from andiron.apps.recommend.recommender import Recommender
from andiron.apps.recommend.training import Progress
from andiron.calibration import sigmoid
from andiron.datasets import from_arrays

_ROUND = 512 << 20  # bytes of samples, of all workers together
TABLE = "feature_table"  # a part of the names of layers that only hold features


class NeuralRecommender(Recommender):
    """A recommender of networks. Subclasses give `Settings`, `_build`, `_compile`, `_draw`,
    `_samples`, `_score`.

    Features of users and items that come with the training table are inputs (see
    `features.Features`) unless the settings say `features=False`. They stand in the networks as
    tables by row, which do not train.

    Args:
        settings: fields of `Settings`, by name; the others keep their defaults.
    """

    _PURPOSE: ClassVar[int]  # of its random numbers

    def __init__(self, **settings) -> None:
        super().__init__(**settings)
        self.curves["loss"] = []
        self.user_features: Features | None = None
        self.item_features: Features | None = None

    def fit(
        self,
        data: Interactions,
        on_epoch: Callable[[int, NeuralRecommender], None] | None = None,
        verbose: int = 1,
    ) -> NeuralRecommender:
        """Trains from scratch; sets andiron's random seed to that of the settings.

        Args:
            data: what the model may learn from (`Split.train` or `Split.refit`).
            on_epoch: called after each epoch with its number from 1 and this model, for instance
                to judge it on validation data.
            verbose: 1 shows a progress bar, 0 nothing.

        Returns:
            This model; `curves["loss"]` has the loss of each epoch.
        """
        self._require_some(data)
        self._fit(
            data,
            self._features_of(data.user_features),
            self._features_of(data.item_features),
            Alone(),
            on_epoch,
            verbose,
        )
        return self

    def _fit(
        self,
        data: Interactions,
        user_features: Features | None,
        item_features: Features | None,
        crew: Alone,
        on_epoch: Callable | None,
        verbose: int,
        noise: np.ndarray | None = None,
    ) -> None:
        """`fit` by a crew, of which this process has the interactions `data`."""
        self._remember(data, self.settings.seed, noise)
        longest = np.diff(self._histories.starts).max(initial=0)
        if not crew.total(int(longest >= 2)):
            raise ValueError(f"[{self.name}] training needs users with two interactions or more")
        self._popularity = crew.total(self._popularity.astype(np.int64)).astype(np.float32)
        self.curves = {"loss": []}
        self.user_features, self.item_features = user_features, item_features
        set_random_seed(self.settings.seed)  # starting weights and dropout
        self._observed(crew)
        self._make()
        self._train(self.settings, crew, on_epoch, verbose)

    def _features_of(self, table: pd.DataFrame | None) -> Features | None:
        if table is None or not self.settings.features:
            return None
        return Features.of(table, self.settings.feature_values)

    def observe(self, data: Interactions, epochs: int | None = None, rate: float = 0.3):
        """Takes in what users have met since training: histories, counts and popularity are those
        of `data` from now on (all interactions, with the ids of training).

        Args:
            epochs: how many epochs the weights go on training on `data`; 0: they stay as they are.
                Default: the setting `observe_epochs`.
            rate: of this training, times the learning rate of the settings.

        Raises:
            ValueError: `data` has other id maps than the training table.
        """
        self._require_fit()
        if (data.n_users, data.n_items) != (len(self.users), len(self.items)):
            raise ValueError(
                f"[{self.name}] observe() needs the ids of training: {len(self.users)} users and "
                f"{len(self.items)} items; got {data.n_users} and {data.n_items}"
            )
        self._remember(data, self.settings.seed)
        self._observed(Alone())
        epochs = self.settings.observe_epochs if epochs is None else epochs
        if epochs:
            curve = list(self.curves["loss"])
            more = dataclasses.replace(
                self.settings,
                epochs=epochs,
                learning_rate=rate * self.settings.learning_rate,
                seed=self.settings.seed + 1,
            )
            self._train(more, Alone(), None, verbose=0)
            self.curves["loss"] = curve
        return self

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """With a softmax over items: that the item is the user's next one, among all items; with
        binary cross-entropy: that the user meets the item, at the rate of positives in training."""
        if self.settings.loss == "binary_crossentropy":
            return sigmoid(scores)
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    # Ids that came after training ---------------------------------------------------------------

    def add_items(self, ids: Sequence, features: pd.DataFrame) -> NeuralRecommender:
        """Takes in items that training did not know, by their features: they are scored and
        recommended like others from now on.

        What a model has learnt for an item's id is, for a new one, the mean over all items.

        Args:
            ids: of the new items. features: a line for each, with the columns of training.

        Raises:
            ValueError: the model has no item features, an id is known already, a column is
                missing.
        """
        if self.item_features is None:
            raise ValueError(f"[{self.name}] new items need features; training had none of items")
        self._require_as_many(ids, features)
        items, extended = self.items.extended(ids), self.item_features.extended(features)
        self.items, self.item_features = items, extended
        h = self._histories
        self._histories = Histories(h.items, h.starts, len(items))
        self._popularity = np.append(self._popularity, np.zeros(len(ids), np.float32))
        self._grow()
        return self

    def add_users(self, ids: Sequence, features: pd.DataFrame) -> NeuralRecommender:
        """Takes in users that training did not know, by their features; see `add_items`."""
        if self.user_features is None:
            raise ValueError(f"[{self.name}] new users need features; training had none of users")
        self._require_as_many(ids, features)
        users, extended = self.users.extended(ids), self.user_features.extended(features)
        self.users, self.user_features = users, extended
        h = self._histories
        starts = np.append(h.starts, np.full(len(ids), h.starts[-1]))
        self._histories = Histories(h.items, starts, h.n_items)
        self._grow()
        return self

    def _require_as_many(self, ids: Sequence, features: pd.DataFrame) -> None:
        self._require_fit()
        if len(ids) != len(features):
            raise ValueError(
                f"[{self.name}] a line of features for each id; got {len(ids)} ids and "
                f"{len(features)} lines"
            )

    def _grow(self) -> None:
        """Makes the networks for more users or items, with the weights as they are."""
        old = self._learnt()
        self._observed(Alone())
        self._make()
        for variable, value in zip(self._trained_variables(), old, strict=True):
            variable.assign(_stretched(value, variable.shape))

    # Features in networks -----------------------------------------------------------------------

    def _make(self) -> None:
        self._tables: dict[str, tuple] = {}
        self._build()
        for layer, table in self._tables.values():
            layer.variables[0].assign(table)

    def _table(self, name: str, table: np.ndarray, kind: Callable, size: int):
        """A layer that holds `table`, the same one each time it is asked for."""
        if name not in self._tables:
            layer = kind(size, trainable=False, name=f"{name}_{TABLE}")
            self._tables[name] = layer, np.ascontiguousarray(table)
        return self._tables[name][0]

    def _user_lines(self, user):
        """[b, 1] user rows -> [b, width], or None without features."""
        f = self.user_features
        return None if f is None else layers.Flatten()(self._rows("users", f)(user))

    def _item_lines(self, items):
        """[b, n] item rows -> [b, n, width], or None without features."""
        f = self.item_features
        return None if f is None else self._rows("items", f)(items)

    def _profile(self, recent, weights):
        """The features of the latest items, weighted like these: [b, width], or None."""
        f = self.item_features
        if f is None:
            return None
        kind = functools.partial(layers.EmbeddingBag, len(f.table))
        return self._table("recent", f.table, kind, f.width)([recent, weights])

    def _of_all_items(self, x):
        """x [b, width] -> its products with the features of all items, [b, n_items]."""
        table = self.item_features.table
        kind = functools.partial(layers.Dense, use_bias=False)
        return self._table("all_items", table.T, kind, len(table))(x)

    def _rows(self, name: str, features: Features):
        kind = functools.partial(layers.Embedding, len(features.table))
        return self._table(name, features.table, kind, features.width)

    def _trained_variables(self) -> list:
        return [v for v in self._network.variables if TABLE not in v.name]

    def _learnt(self) -> list[np.ndarray]:
        values = self._network.get_weights()  # which brings the tables' rows up to date
        both = zip(self._network.variables, values, strict=True)
        return [value for variable, value in both if TABLE not in variable.name]

    def _learnt_by_layer(self) -> dict[str, np.ndarray]:
        """What was learnt, by the names of the layers; of a layer with a bias, its kernel."""
        found: dict[str, np.ndarray] = {}
        for variable, value in zip(self._trained_variables(), self._learnt(), strict=True):
            found.setdefault(variable.name.split("/")[0], value)
        return found

    def _state(self) -> dict[str, np.ndarray]:
        state = {f"{n:03d}": value for n, value in enumerate(self._learnt())}
        for name, features in self._both().items():
            state[name] = features.table
        return state

    def _state_bytes(self) -> int:
        self._make()
        return 4 * sum(int(np.prod(v.shape)) for v in self._trained_variables())

    def _content(self) -> dict:
        return {name: features.to_json() for name, features in self._both().items()}

    def _both(self) -> dict[str, Features]:
        both = {"user_features": self.user_features, "item_features": self.item_features}
        return {name: features for name, features in both.items() if features is not None}

    def _restore(self, state: dict[str, np.ndarray], content: dict) -> None:
        for name, rows in (("user_features", self.users), ("item_features", self.items)):
            if name in content:
                features = Features.from_json(content[name], state.pop(name))
                if len(features.table) != len(rows):
                    raise ValueError(f"its {name} have {len(features.table)} lines")
                setattr(self, name, features)
        self._make()
        for variable, name in zip(self._trained_variables(), sorted(state), strict=True):
            if state[name].shape != variable.shape:
                raise ValueError(f"{variable.name} is {variable.shape}; got {state[name].shape}")
            variable.assign(state[name])

    # Training -----------------------------------------------------------------------------------

    def _train(self, settings, crew: Alone, on_epoch: Callable | None, verbose: int) -> None:
        """Trains the weights as they are, by these settings."""
        parts = crew.parts(self._histories)
        self._compile(settings, crew)
        with (
            Progress(self, settings.epochs, on_epoch, verbose) as progress,
            crew.training(self._network, self.curves) as begin,
        ):
            for epoch in range(begin[0], settings.epochs):
                for round, (sources, n) in enumerate(self._rounds(settings, crew, parts, epoch)):
                    if (epoch, round) >= begin:
                        crew.fit(sources, n, settings.batch_size, epoch, round)
                progress.epoch_ended(epoch, crew.loss())
                crew.epoch_ended(epoch)

    def _rounds(
        self, settings, crew: Alone, parts: list[Part], epoch: int
    ) -> Iterator[tuple[dict, int]]:
        """The samples of an epoch, in as many portions as keep them small: sources by part, and
        how many samples all workers have."""
        drawn = []
        for part in parts:
            generator = crew.generator(part, settings.seed, self._PURPOSE, epoch)
            drawn.append(self._draw(settings, part, generator))
        n = crew.total(sum(map(len, drawn)))
        if n == 0:
            raise ValueError(
                f"[{self.name}] training needs users with two interactions or more, and with an "
                "item that they have not met"
            )
        rounds = -(-n * self._sample_bytes(settings) // _ROUND)
        for round in range(rounds):
            sources = {}
            for part, at in zip(parts, drawn, strict=True):
                here = at[len(at) * round // rounds : len(at) * (round + 1) // rounds]
                if len(here):
                    x, y = self._samples(settings, part, here, epoch, round)
                    sources[part.number] = from_arrays(
                        x, y, batch_size=min(settings.batch_size, len(y))
                    )
            yield sources, n

    # For subclasses -----------------------------------------------------------------------------

    def _build(self) -> None:
        """Makes the networks for the sizes of users, items and histories."""
        raise NotImplementedError

    def _observed(self, crew: Alone) -> None:
        """Called when the histories changed; for what is counted over all of them."""

    def _compile(self, settings, crew: Alone) -> None:
        """Gives the network its loss and its optimizer."""
        raise NotImplementedError

    def _draw(self, settings, part: Part, generator: np.random.Generator) -> np.ndarray:
        """Positions in the histories that an epoch predicts, in random order."""
        raise NotImplementedError

    def _samples(
        self, settings, part: Part, at: np.ndarray, epoch: int, round: int
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """What the network is given for these positions, and what it should say."""
        raise NotImplementedError

    def _sample_bytes(self, settings) -> int:
        """About how much memory a sample takes."""
        raise NotImplementedError


def _stretched(value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`value` with its mean in the new places of the one axis that has become longer."""
    for axis, (old, new) in enumerate(zip(value.shape, shape, strict=True)):
        if new > old:
            mean = value.mean(axis=axis, keepdims=True)
            return np.concatenate([value, np.repeat(mean, new - old, axis=axis)], axis=axis)
    return value
