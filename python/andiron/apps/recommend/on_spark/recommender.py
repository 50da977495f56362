"""Recommenders as stages of Spark ML, where ALS stands."""

from __future__ import annotations

import dataclasses
import hashlib
import warnings
from typing import Any

import numpy as np
from pyspark.ml import Estimator as SparkEstimator
from pyspark.ml.util import MLReadable, MLWritable

from andiron import _core
from andiron.apps.recommend import models
from andiron.apps.recommend.history import Histories
from andiron.apps.recommend.on_spark import interactions, workers
from andiron.apps.recommend.on_spark.model import RecommenderModel
from andiron.apps.recommend.on_spark.params import RECOMMENDED, RECOMMENDING, WithSettings
from andiron.spark import _cluster, _launch, _progress, _shards
from andiron.spark._estimator import communicator_settings, shared_place
from andiron.spark._params import snake, with_params

# ALS's names of what there is not here.
_OF_ALS = {
    "alpha": "interactions are not weighted; leave out the lines that show no interest",
    "implicit_prefs": "the setting loss says it: 'squared_error' learns the ratings of rating_col",
    "nonnegative": "weights may be negative",
    "rank": "sizes are settings of the model (factors, embedding, gmf, mlp_user, hidden, ...)",
    "reg_param": "the settings dropout and weight_decay stand for it",
    "max_iter": "epochs says how often it walks over the interactions",
    "num_blocks": "num_workers says how many tasks train",
    "num_user_blocks": "num_workers says how many tasks train",
    "num_item_blocks": "num_workers says how many tasks train",
    "block_size": "batch_size says how many samples a step has",
    "checkpoint_interval": "checkpoint_dir and checkpoint_every say where and when",
    "intermediate_storage_level": "interactions stay in the workers' memory",
    "final_storage_level": "the trained model is no DataFrame",
}

KINDS = {
    kind.name: kind
    for kind in (
        models.ItemKNN, models.MatrixFactorization, models.NeuralCF, models.WideAndDeep
    )
}  # fmt: skip


@with_params(RECOMMENDED, RECOMMENDING)
class Recommender(WithSettings, SparkEstimator, MLReadable, MLWritable):
    """Trains a recommender on a DataFrame of interactions, in `num_workers` tasks.

    A line says that a user met an item (leave out lines that are no interest), or, for models with
    loss="squared_error", how the user rated it (`rating_col`). A pair that comes several times
    counts once, with its latest time (and of several there, the highest rating). Each worker has
    all interactions of its users; another number of workers trains the same model but for rounding.
    With a `validation_indicator_col` the lines where it is true are not trained on; they judge
    each epoch (`val_ndcg@10` and `val_hit_rate@10` over all items, of ratings `val_rmse`, in the
    model's history). Users
    and items of catalogs are known although nobody has met them yet: their features, if there are
    any, say what they are like.

    Args:
        settings: Params by name, in Python's spelling (user_col) or Spark's (userCol);
            `explainParams()` lists them. Other names are settings of the model
            (andiron.apps.recommend.models.NeuralCFSettings, WideAndDeepSettings,
            MatrixFactorizationSettings, ItemKNNSettings).

    Errors:
        andiron.Error for columns that are missing, of another type, or have nulls;
        WorkerError for what goes wrong in a worker.

    Example:
        >>> recommender = andiron.spark.Recommender(  # doctest: +SKIP
        ...     kind="WideAndDeep", user_col="userId", item_col="movieId", time_col="timestamp",
        ...     num_workers=2, embedding=64)
        >>> recommender.fit(ratings).recommendForAllUsers(10)  # doctest: +SKIP
    """

    _of_objects = ("userCatalog", "itemCatalog")
    _elsewhere = _OF_ALS

    def __init__(self, **settings: Any):
        super().__init__()
        self._take(settings)

    def _own_settings(self) -> set[str]:
        own = {f for kind in KINDS.values() for f in kind.Settings.__dataclass_fields__}
        return own - {"epochs", "batch_size", "learning_rate", "seed"}  # Params

    def _fit(self, frame: Any) -> RecommenderModel:
        session = _cluster.session_of(frame)
        model = self._model()
        users, items = self._sides(frame)
        num_workers = self.getNumWorkers()
        n_shards = _shards.shards_for(num_workers)
        more = {}
        if (time := self.getTimeCol()) is not None:
            more["time"] = interactions.times(frame, time), "bigint"
        if (rating := self.getRatingCol()) is not None:
            more["rating"] = interactions.ratings(frame, rating), "float"
        dealt = interactions.dealt(
            session, frame, (self.getUserCol(), self.getItemCol()), more, users, items,
            num_workers, n_shards, self.getValidationIndicatorCol(),
        )  # fmt: skip
        task = self._task(model, users, items, n_shards)
        epochs = getattr(model.settings, "epochs", 1)
        with _progress.Driver(session, self.getVerbose(), epochs) as progress:
            task.progress = progress.address
            parts = _launch.run(session, task, num_workers, dealt, self.getMaxRestarts(),
                                self.getSlotsTimeout(), communicator_settings(self),
                                _size_of(model, users, items))  # fmt: skip
        _complete(model, users, items, parts)
        trained = RecommenderModel(model)
        trained.history = model.curves
        for note in parts[0]["notes"]:
            warnings.warn(note, stacklevel=4)
        trained.work = [part["work"] for part in parts]
        return self._copyValues(trained)

    def _model(self) -> Any:
        """A model that is not trained yet, with all settings."""
        if self.getKind() not in KINDS:
            raise _core.Error(f"[spark] kind is one of {sorted(KINDS)}; got {self.getKind()!r}")
        if self.getNumWorkers() < 1:
            raise _core.Error(f"[spark] num_workers must be at least 1; got {self.getNumWorkers()}")
        settings = {**self.getSettings(), "seed": self.getSeed()}
        for param in ("epochs", "batchSize", "learningRate"):
            if (value := self.getOrDefault(param)) is not None:
                settings[snake(param)] = value
        model = KINDS[self.getKind()](**settings)
        explicit = getattr(model, "explicit", False)
        if explicit and self.getRatingCol() is None:
            raise _core.Error("[spark] loss='squared_error' learns ratings: name their rating_col")
        if self.getRatingCol() is not None and not explicit:
            raise _core.Error(
                f"[spark] {self.getKind()} takes a line for an interaction, whatever its rating "
                f"{self.getRatingCol()!r}: leave out rating_col, and the lines that show no "
                "interest; or learn the ratings (MatrixFactorization or NeuralCF with "
                "loss='squared_error')"
            )
        return model

    def _sides(self, frame: Any) -> tuple[interactions.Side, interactions.Side]:
        features = [*self.getUserFeatures(), *self.getItemFeatures()]
        stray = sorted(set(self.getCategories()) - set(features))
        if stray:
            raise _core.Error(f"[spark] a category is one of the features; {stray[0]!r} is not")
        sides = [
            interactions.side(frame, catalog, column, features, self.getCategories(), needed)
            for catalog, column, features, needed in (
                (self.getUserCatalog(), self.getUserCol(), self.getUserFeatures(),
                 interactions.Needed(self.getTimeCol(), self.getRatingCol())),
                (self.getItemCatalog(), self.getItemCol(), self.getItemFeatures(),
                 interactions.NOTHING),
            )
        ]  # fmt: skip
        if len(sides[0].ids) == 0:
            raise _core.Error("[spark] the DataFrame is empty: there are no interactions")
        return sides[0], sides[1]

    def _task(self, model: Any, users: Any, items: Any, n_shards: int) -> workers.Task:
        settings = dataclasses.asdict(model.settings)
        features = tuple(model._features_of(side.features) for side in (users, items))
        if any(f is not None for f in features):
            model.user_features, model.item_features = features
        training = {
            "n_shards": n_shards,
            "wire_dtype": self.getWireDtype(),
            "checkpoint_dir": shared_place(self.getCheckpointDir()),
            "checkpoint_every": self.getCheckpointEvery(),
            "checkpoint_minutes": self.getCheckpointMinutes(),
            "validation": self.getValidationIndicatorCol() is not None,
            "timed": self.getTimeCol() is not None,
            "rated": self.getRatingCol() is not None,
            "fingerprint": [_digest(users), _digest(items)],
        }
        sizes = len(users.ids), len(items.ids)
        return workers.Task(self.getKind(), settings, sizes, features, training)


def _digest(side: interactions.Side) -> str:
    digest = hashlib.sha256("\n".join(map(str, side.ids.ids.tolist())).encode())
    if side.features is not None:
        digest.update(side.features.to_csv().encode())
    return digest.hexdigest()


def _size_of(model: Any, users: Any, items: Any) -> int:
    """Bytes that the workers give back: about four for a weight, and for an interaction."""
    model.users, model.items = users.ids, items.ids
    return model._state_bytes() + 4 * int(users.counts.sum())


def _complete(model: Any, users: Any, items: Any, parts: list[dict]) -> None:
    """Puts together what the workers gave back."""
    owner = np.concatenate([np.repeat(p["histories"][0], p["histories"][1]) for p in parts])
    met = np.concatenate([part["histories"][2] for part in parts])
    starts = np.zeros(len(users.ids) + 1, np.int64)
    np.cumsum(np.bincount(owner, minlength=len(users.ids)), out=starts[1:])
    ordered = met[np.argsort(owner, kind="stable")].astype(np.int64)
    model._complete(
        users.ids, items.ids, Histories(ordered, starts, len(items.ids)), parts[0]["state"],
        parts[0]["content"],
    )  # fmt: skip
    model.curves = parts[0]["curves"]
