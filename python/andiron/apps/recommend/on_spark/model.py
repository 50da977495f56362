"""A trained recommender as a stage of Spark ML."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.ml import Model as SparkModel
from pyspark.ml.util import MLReadable, MLWritable

from andiron import _core
from andiron._training import whole
from andiron.apps.recommend.on_spark import files
from andiron.apps.recommend.on_spark.params import RECOMMENDED
from andiron.spark import _cluster, _inference
from andiron.spark._columns import quoted
from andiron.spark._params import Settable, with_params
from andiron.spark._persistence import Reader, Writer


@with_params(RECOMMENDED)
class RecommenderModel(Settable, SparkModel, MLReadable, MLWritable):
    """Predicts and recommends; what Recommender.fit returns.

    `native` is the model of andiron.apps.recommend (recommend, scores_of, save, ...); `history` has
    a list for each figure of the training, by epoch; `work` says of each worker: interactions,
    seconds, seconds in collectives, bytes sent.

    Args:
        native: a NeuralCF, a WideAndDeep or another recommender, trained anywhere.
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
        """Adds `prediction`: the estimate of `native.predict` in [0, 1], a double; NaN for ids that
        training did not see, or without these lines (`cold_start_strategy`)."""
        from pyspark.sql import functions as F

        strategy = self.getColdStartStrategy()
        if strategy not in ("nan", "drop"):
            raise _core.Error(f'[spark] cold_start_strategy is "nan" or "drop"; got {strategy!r}')
        predict = F.pandas_udf(_predictor(self._shipped(frame)), "double")
        ids = [self._ids_of(frame, name) for name in (self.getUserCol(), self.getItemCol())]
        # On its way pandas makes nulls of NaN.
        found = F.coalesce(predict(*ids), F.lit(float("nan")))
        out = frame.withColumn(self.getPredictionCol(), found)
        if strategy == "drop":
            out = out.where(~F.isnan(F.col(quoted(self.getPredictionCol()))))
        return out

    def recommendForAllUsers(self, numItems: int) -> Any:
        """The best `numItems` items of every user: a DataFrame of user_col and `recommendations`,
        an array of structs (item_col, rating), best first; rating is the model's score."""
        session = _cluster.session_of()
        n = len(self.native.users)
        rows = session.range(0, n, 1, max(1, min(n, 2 * session.sparkContext.defaultParallelism)))
        return self._recommended(rows, numItems, True)

    def recommendForUserSubset(self, dataset: Any, numItems: int) -> Any:
        """The same for the users in user_col of a DataFrame, each once; users that training did not
        see get the most popular items."""
        ids = dataset.select(self._ids_of(dataset, self.getUserCol()).alias("id")).distinct()
        return self._recommended(ids.where("id is not null"), numItems, False)

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

    def _ids_of(self, frame: Any, name: str) -> Any:
        from pyspark.sql import functions as F

        if name not in frame.columns:
            raise _core.Error(f"[spark] there is no column {name!r}; there are {frame.columns}")
        return F.col(quoted(name))

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
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), "rb") as file:
                digest.update(name.encode() + file.read())
        return digest.hexdigest()

    return _inference.sent(session, write)


def _loaded(name: str) -> Any:
    from andiron.apps.recommend.models import load

    return _inference.kept(name, load)


def _predictor(name: str) -> Callable:
    def predict(columns):
        model = _loaded(name)
        for users, items in columns:
            known = (model.users.rows(users) >= 0) & (model.items.rows(items) >= 0)
            out = np.full(len(users), np.nan)
            if known.any():
                out[known] = model.predict(users[known], items[known])
            yield pd.Series(out)

    series = Iterator[tuple[pd.Series, pd.Series]]
    predict.__annotations__ = {"columns": series, "return": Iterator[pd.Series]}
    return predict


def _recommender(name: str, k: int, exclude_seen: bool, by_row: bool, user: str, item: str):
    def recommend(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        model = _loaded(name)
        for batch in batches:
            if batch.num_rows == 0:
                continue
            given = batch.column(0).to_numpy(zero_copy_only=False)
            users = model.users.ids[given] if by_row else given
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
