"""Users and items of a DataFrame as row numbers, and its interactions dealt by user."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from andiron import _core
from andiron.apps.recommend.ids import UNKNOWN, IdMap
from andiron.spark import _shards
from andiron.spark._columns import quoted

HELD_OUT = "__andiron_validation"


class Needed(NamedTuple):
    """Columns of which every line must have a number: of times and of ratings, or None."""

    time: str | None = None
    rating: str | None = None

    def lacking(self, frame: Any) -> dict[str, Any]:
        """{what they are: an expression for lines without}."""
        found = {}
        for what, column in (("times", self.time), ("ratings", self.rating)):
            if column is not None:
                (times if what == "times" else ratings)(frame, column)  # its type is such a one
                found[what] = _without_number(frame, column)
        return found


NOTHING = Needed()


@dataclasses.dataclass(frozen=True, eq=False)
class Side:
    """The users of a DataFrame, or its items.

    Attributes:
        ids: ascending, by row. counts: lines of each in the DataFrame, [n].
        features: a line for each row, or None.
    """

    ids: IdMap
    counts: np.ndarray
    features: pd.DataFrame | None


def side(frame: Any, catalog: Any, column: str, features: list[str], categories: list[str],
         needed: Needed = NOTHING) -> Side:  # fmt: skip
    """Collects the distinct ids of a column, with the features of each (the least value, where
    lines of the same id differ). `catalog`: a DataFrame of more of them, or None.

    `needed`: columns of the frame whose lines without a number are counted on the way."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    names = (column, *features)
    for given in (frame, *([] if catalog is None else [catalog])):
        for name in names:
            if name not in given.columns:
                raise _core.Error(f"[spark] there is no column {name!r}; there are {given.columns}")
    kind = id_type(frame, column)
    text = isinstance(kind, T.StringType)
    if catalog is not None and isinstance(id_type(catalog, column), T.StringType) != text:
        raise _core.Error(
            f"[spark] ids are texts or whole numbers; column {column!r} is {kind.simpleString()} "
            f"in the DataFrame and {id_type(catalog, column).simpleString()} in its catalog"
        )
    chosen = [F.col(quoted(name)) for name in names]
    lacking = needed.lacking(frame)
    rows = frame.select(*chosen, *(lacks.alias(f"__no_{what}") for what, lacks in lacking.items()))
    if catalog is not None:
        of_catalog = (F.lit(False).alias(f"__no_{what}") for what in lacking)
        rows = rows.unionByName(catalog.select(*chosen, *of_catalog))
    aggregates = [F.count(F.lit(1)).alias("__count")]
    aggregates += [F.count_if(F.col(f"__no_{what}")).alias(f"__no_{what}") for what in lacking]
    for i, name in enumerate(features):
        value = F.col(quoted(name))
        aggregates.append(
            F.min(value.cast("string") if name in categories else value).alias(f"f{i}")
        )
    found = rows.groupBy(F.col(quoted(column)).alias("__id")).agg(*aggregates).toPandas()
    for what, name in zip(("times", "ratings"), needed, strict=True):
        if name is not None and (lines := int(found[f"__no_{what}"].sum())):
            raise _core.Error(
                f"[spark] {what} are never missing; column {name!r} has {lines} without one "
                "(null, NaN or infinite): leave these lines out, or fill them"
            )
    missing = found["__id"].isna()
    if missing.any():
        lines = int(found.loc[missing, "__count"].sum())
        raise _core.Error(f"[spark] ids are never missing; column {column!r} has {lines} nulls")
    ids = found["__id"].to_numpy(dtype=object if text else np.int64)
    ids = ids.astype(str) if text else ids
    order = np.argsort(ids, kind="stable")
    table = None
    if features:
        table = found.iloc[order][[f"f{i}" for i in range(len(features))]]
        table = table.set_axis(features, axis=1).reset_index(drop=True)
    return Side(IdMap(ids[order]), found["__count"].to_numpy(np.int64)[order], table)


def id_type(frame: Any, column: str) -> Any:
    """The type of a column of ids."""
    from pyspark.sql import types as T

    kind = _type_of(frame, column)
    if not isinstance(kind, (T.StringType, T.IntegralType)):
        raise _core.Error(
            f"[spark] ids are texts or whole numbers; column {column!r} is {kind.simpleString()}"
        )
    return kind


def _without_number(frame: Any, column: str) -> Any:
    """Whether a line has no time or no rating."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    given = F.col(quoted(column))
    if isinstance(frame.schema[column].dataType, (T.FloatType, T.DoubleType)):
        value = given.cast("double")
        return F.isnull(value) | F.isnan(value) | (F.abs(value) == F.lit(float("inf")))
    return F.isnull(given)


def ratings(frame: Any, column: str) -> Any:
    """An expression for a column of ratings."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    kind = _type_of(frame, column)
    if not isinstance(kind, T.NumericType):
        raise _core.Error(
            f"[spark] ratings are numbers; column {column!r} is {kind.simpleString()}"
        )
    return F.col(quoted(column)).cast("float")


def _type_of(frame: Any, column: str) -> Any:
    kinds = {f.name: f.dataType for f in frame.schema}
    if column not in kinds:
        raise _core.Error(f"[spark] there is no column {column!r}; there are {list(kinds)}")
    return kinds[column]


def times(frame: Any, column: str, number: str = "long") -> Any:
    """An expression for a column of times: microseconds of dates, numbers as this type."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    kind, given = _type_of(frame, column), F.col(quoted(column))
    if isinstance(kind, (T.TimestampType, T.TimestampNTZType, T.DateType)):
        return F.unix_micros(given.cast("timestamp"))
    if isinstance(kind, T.NumericType):
        return given.cast(number)
    raise _core.Error(
        f"[spark] times are numbers, dates or timestamps; column {column!r} is "
        f"{kind.simpleString()}"
    )


def dealt(session: Any, frame: Any, columns: tuple[str, str], more: dict[str, tuple[Any, str]],
          users: Side, items: Side, num_workers: int, n_shards: int,
          held_out: str | None = None) -> Any:  # fmt: skip
    """Lines `user`, `item` and `more` (name: expression, type) as numbers, all of a user in one
    worker and shard; those where `held_out` is true by tags of their own (`_shards.dealt`)."""
    from pyspark.sql import functions as F

    user, item = columns
    chosen = [F.col(quoted(user)).alias("user"), F.col(quoted(item)).alias("item")]
    schema = "user int, item int"
    for name, (expression, kind) in more.items():
        chosen.append(expression.alias(name))
        schema += f", {name} {kind}"
    if held_out is not None:
        if held_out not in frame.columns:
            raise _core.Error(f"[spark] there is no column {held_out!r}; there are {frame.columns}")
        chosen.append(F.col(quoted(held_out)).cast("boolean").alias(HELD_OUT))
        schema += f", {HELD_OUT} boolean"
    # A Python process gets them once, and keeps the tables in which it finds ids.
    known = session.sparkContext.broadcast((users.ids, items.ids))
    rows = frame.select(*chosen).mapInArrow(_numbered(known), schema)
    return _shards.dealt(
        rows, num_workers, n_shards, None if held_out is None else HELD_OUT,
        F.col("user") % n_shards,
    )  # fmt: skip


def _numbered(known: Any) -> Callable:
    def numbered(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        maps = dict(zip(("user", "item"), known.value, strict=True))
        for batch in batches:
            columns = {name: _rows_of(name, ids, batch) for name, ids in maps.items()}
            for name in batch.schema.names[2:]:
                columns[name] = batch.column(name)
            yield pa.RecordBatch.from_pydict(columns)

    return numbered


def _rows_of(name: str, ids: IdMap, batch: pa.RecordBatch) -> pa.Array:
    rows = rows_of(ids, batch.column(name))
    if (rows == UNKNOWN).any():
        raise _core.Error(
            f"[spark] the DataFrame has other {name}s when it is read again: make it give the same "
            "rows each time, or cache it"
        )
    return pa.array(rows.astype(np.int32))


def rows_of(ids: IdMap, column: pa.Array) -> np.ndarray:
    """Row numbers of a column of ids of the map's kind; UNKNOWN for nulls."""
    if not pa.types.is_integer(column.type):
        rows = ids.rows(column.to_pylist())
    else:
        rows = ids.rows(column.fill_null(0).to_numpy())
    return np.where(column.is_null().to_numpy(zero_copy_only=False), UNKNOWN, rows)
