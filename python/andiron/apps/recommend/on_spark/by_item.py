"""The users to whom items suit best: the best of each worker's users, and the best of those."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from andiron.apps.recommend.ranking import top_k
from andiron.apps.recommend.recommender import BATCH

SCHEMA = "item int, user int, rating float"


def best_users(load: Callable[[], Any], items: np.ndarray, k: int, exclude_seen: bool) -> Callable:
    """A function for mapInArrow from rows of users to the k best of them for each row of `items`.

    What ranks is `predict`'s estimate: scores of different users have different scales.
    """

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        model = load()
        ratings = np.full((len(items), 0), -np.inf, np.float32)
        users = np.zeros((len(items), 0), np.int32)
        for batch in batches:
            rows = batch.column(0).to_numpy(zero_copy_only=False)
            for start in range(0, len(rows), BATCH):
                some = rows[start : start + BATCH]
                estimates = model._estimates(model.scores(some))
                if exclude_seen:
                    for line, user in enumerate(some):
                        estimates[line, model._histories.seen(user)] = -np.inf
                ratings = np.concatenate([ratings, estimates[:, items].T], axis=1)
                users = np.concatenate(
                    [users, np.broadcast_to(some.astype(np.int32), (len(items), len(some)))], axis=1
                )
                best = top_k(ratings, k)
                ratings = np.take_along_axis(ratings, best, axis=1)
                users = np.take_along_axis(users, best, axis=1)
        there = ratings > -np.inf
        lines = np.repeat(items, there.sum(axis=1)).astype(np.int32)
        yield pa.RecordBatch.from_arrays(
            [pa.array(lines), pa.array(users[there]), pa.array(ratings[there].astype(np.float32))],
            ["item", "user", "rating"],
        )

    return run


def with_ids(load: Callable[[], Any], item: str, user: str) -> Callable:
    """A function for mapInArrow from (row of an item, its rows of users with ratings) to ids."""

    def named(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        model = load()
        for batch in batches:
            lists = batch.column(1)
            pairs = lists.flatten()
            users = model.users.ids[pairs.field("user").to_numpy()]
            items = model.items.ids[batch.column(0).to_numpy()]
            sizes = lists.value_lengths().to_numpy()
            ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
            found = pa.StructArray.from_arrays(
                [_ids(users), pairs.field("rating")], [user, "rating"]
            )
            yield pa.RecordBatch.from_arrays(
                [_ids(items), pa.ListArray.from_arrays(pa.array(ends), found)],
                [item, "recommendations"],
            )

    return named


def _ids(ids: np.ndarray) -> pa.Array:
    return pa.array(ids).cast(pa.int64() if ids.dtype.kind in "iu" else pa.string())


def of_all(lines: Any, k: int) -> Any:
    """Of such lines the k best of each item: (item, recommendations of user and rating)."""
    from pyspark.sql import functions as F

    best = F.sort_array(
        F.collect_list(F.struct("rating", (-F.col("user")).alias("order"))), asc=False
    )
    chosen = F.transform(
        F.slice(best, 1, k), lambda x: F.struct((-x["order"]).alias("user"), x["rating"])
    )
    return lines.groupBy("item").agg(chosen.alias("found"))
