"""A trained recommender as a stage of Spark ML."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.ml import Model as SparkModel
from pyspark.ml.util import MLReadable, MLWritable

from andiron import _core
from andiron._refuse import whole
from andiron.apps.recommend.ids import UNKNOWN, IdMap
from andiron.apps.recommend.on_spark import by_item, files, interactions
from andiron.apps.recommend.on_spark.params import RECOMMENDED
from andiron.spark import _cluster, _compat, _inference
from andiron.spark._columns import quoted
from andiron.spark._params import Settable, with_params
from andiron.spark._persistence import Reader, Writer

_PAIR = ["user", "item"]


@with_params(RECOMMENDED)
class RecommenderModel(Settable, SparkModel, MLReadable, MLWritable):
    """Predicts and recommends; what Recommender.fit returns.

    `native` is the model of andiron.apps.recommend (recommend, scores_of, save, ...); `history` has
    a list for each figure of the training, by epoch; `work` says of each worker: interactions,
    seconds, seconds in collectives, bytes sent.

    Args:
        native: a NeuralCF, an ItemKNN or another recommender, trained anywhere.
        settings: Params, in Python's spelling (user_col) or Spark's.

    Example:
        >>> model = andiron.spark.RecommenderModel(trained, user_col="userId")  # doctest: +SKIP
        >>> model.recommendForAllUsers(10)  # doctest: +SKIP
    """

    def __init__(self, native: Any = None, **settings: Any):
        super().__init__()
        self._take(settings)
        self.native = native
        self.history: dict[str, list[float]] = {}
        self.work: list[dict] = []

    def _transform(self, frame: Any) -> Any:
        """Adds `prediction`, a double: the estimate of `native.predict` in [0, 1], or of a model of
        ratings the rating; NaN for ids that training did not see, or without these lines
        (`cold_start_strategy`).

        Errors:
            andiron.Error for a column of ids that is missing or neither texts nor whole numbers, or
            of texts where the model's ids are numbers.
        """
        from pyspark.sql import functions as F

        strategy = self.getColdStartStrategy()
        if strategy not in ("nan", "drop"):
            raise _core.Error(f'[spark] cold_start_strategy is "nan" or "drop"; got {strategy!r}')
        ids = self._users_of(frame), self._ids_of(frame, self.getItemCol(), self.native.items)
        pairs = frame.select(*(id.alias(name) for id, name in zip(ids, _PAIR, strict=True)))
        predict = _compat.arrow_function(_predictor(self._shipped(frame)), ["double"])
        # On its way pandas makes nulls of NaN.
        found = F.coalesce(predict(_PAIR, ids, pairs.schema), F.lit(float("nan")))
        out = frame.withColumn(self.getPredictionCol(), found)
        if strategy == "drop":
            out = out.where(~F.isnan(F.col(quoted(self.getPredictionCol()))))
        return out

    def recommendForAllUsers(self, numItems: int) -> Any:
        """The best `numItems` items of every user: a DataFrame of user_col and `recommendations`,
        an array of structs (item_col, rating), best first; rating is the model's score."""
        return self._recommended(self._every_user(), numItems, True)

    def recommendForUserSubset(self, dataset: Any, numItems: int) -> Any:
        """The same for the users in user_col of a DataFrame, each once; as with ALS, without those
        that training did not see."""
        ids = dataset.select(self._users_of(dataset).alias("id")).distinct()
        return self._recommended(ids.where("id is not null"), numItems, False)

    def recommendForAllItems(self, numUsers: int) -> Any:
        """The `numUsers` users whom each item suits best: a DataFrame of item_col and
        `recommendations`, an array of structs (user_col, rating), best first; rating is the
        estimate that `transform` gives, as scores of different users cannot be compared."""
        return self._users_for(np.arange(len(self.native.items)), numUsers)

    def recommendForItemSubset(self, dataset: Any, numUsers: int) -> Any:
        """The same for the items in item_col of a DataFrame, each once, without those that training
        did not see."""
        id = self._ids_of(dataset, self.getItemCol(), self.native.items).alias("id")
        ids = dataset.select(id).distinct().where("id is not null")
        there = [row["id"] for row in ids.collect()]
        rows = self.native.items.rows(there)
        return self._users_for(np.sort(rows[rows >= 0]), numUsers)

    def _users_for(self, items: np.ndarray, k: int) -> Any:
        k = whole(k, "numUsers", 1, "spark")
        rows = self._every_user()
        name, exclude = self._shipped(rows), self.getExcludeSeen()
        item, user = self.getItemCol(), self.getUserCol()

        def load() -> Any:
            return _loaded(name)

        lines = rows.mapInArrow(by_item.best_users(load, items, k, exclude), by_item.SCHEMA)
        kinds = [_type_of(ids.ids) for ids in (self.native.items, self.native.users)]
        schema = (
            f"{quoted(item)} {kinds[0]}, recommendations array<struct<{quoted(user)}: {kinds[1]}, "
            "rating: float>>"
        )
        return by_item.of_all(lines, k).mapInArrow(by_item.with_ids(load, item, user), schema)

    def _every_user(self) -> Any:
        session = _cluster.session_of()
        n = len(self.native.users)
        return session.range(0, n, 1, max(1, min(n, 2 * session.sparkContext.defaultParallelism)))

    def _recommended(self, rows: Any, k: int, by_row: bool) -> Any:
        k = whole(k, "numItems", 1, "spark")
        user, item = self.getUserCol(), self.getItemCol()
        kinds = [_type_of(ids.ids) for ids in (self.native.users, self.native.items)]
        schema = (
            f"{quoted(user)} {kinds[0]}, recommendations array<struct<{quoted(item)}: {kinds[1]}, "
            "rating: float>>"
        )
        name = self._shipped(rows)
        recommend = _recommender(name, k, self.getExcludeSeen(), by_row, user, item)
        return rows.mapInArrow(recommend, schema)

    def _users_of(self, frame: Any) -> Any:
        return self._ids_of(frame, self.getUserCol(), self.native.users)

    def _ids_of(self, frame: Any, name: str, known: IdMap) -> Any:
        """A column of ids, in the type of the model's."""
        from pyspark.sql import functions as F
        from pyspark.sql import types as T

        given, kind = interactions.id_type(frame, name), _type_of(known.ids)
        if kind == "bigint" and isinstance(given, T.StringType):
            raise _core.Error(
                f"[spark] ids of this model are whole numbers; column {name!r} is "
                f"{given.simpleString()}: cast it"
            )
        return F.col(quoted(name)).cast(kind)

    def _shipped(self, frame: Any) -> str:
        return shipped(_cluster.session_of(frame), self.native)

    # Files.

    def write(self) -> Writer:
        """Saves to any path that Spark can write to: `model.write().overwrite().save(path)`."""
        return Writer(self, self.native, {"history": self.history}, files.write)

    @classmethod
    def read(cls) -> Reader:
        """Loads what `save` wrote: `RecommenderModel.load(path)`."""
        return Reader(cls, files.read)

    @classmethod
    def _read(cls, native: Any, metadata: dict) -> RecommenderModel:
        model = cls(native)
        model.history = metadata["history"]
        return model


def _type_of(ids: np.ndarray) -> str:
    return "bigint" if np.issubdtype(ids.dtype, np.integer) else "string"


def shipped(session: Any, native: Any) -> str:
    """Gives a recommender's files to all executors; the name of their folder there."""

    def write(folder: str) -> str:
        native.save(folder)
        digest = hashlib.sha256()
        for path in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
            digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
        return digest.hexdigest()

    return _inference.sent(session, write)


def _loaded(name: str) -> Any:
    from andiron.apps.recommend.models import load

    return _inference.kept(name, load)


def _predictor(name: str) -> Callable:
    def predict(structs: Iterator[pa.StructArray]) -> Iterator[pa.Array]:
        model = _loaded(name)
        for struct in structs:
            users, items = (
                interactions.rows_of(ids, struct.field(side))
                for side, ids in zip(_PAIR, (model.users, model.items), strict=True)
            )
            known = (users != UNKNOWN) & (items != UNKNOWN)
            out = np.full(len(users), np.nan)
            if known.any():
                out[known] = model._predict(users[known], items[known])
            yield pa.array(out, from_pandas=False)

    return predict


def _recommender(name: str, k: int, exclude_seen: bool, by_row: bool, user: str, item: str):
    def recommend(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        model = _loaded(name)
        for batch in batches:
            if batch.num_rows == 0:
                continue
            given = batch.column(0).to_numpy(zero_copy_only=False)
            known = by_row or model.users.rows(given) >= 0
            users = model.users.ids[given] if by_row else given[known]
            if len(users) == 0:
                continue
            items, scores = model.recommend_all(k, exclude_seen, users)
            there = scores > -np.inf
            offsets = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int32)
            pairs = pa.StructArray.from_arrays(
                [pa.array(items[there]), pa.array(scores[there].astype(np.float32))],
                [item, "rating"],
            )
            lists = pa.ListArray.from_arrays(pa.array(offsets), pairs)
            kind = pa.int64() if _type_of(model.users.ids) == "bigint" else pa.string()
            yield pa.RecordBatch.from_arrays(
                [pa.array(users).cast(kind), lists], [user, "recommendations"]
            )

    return recommend
