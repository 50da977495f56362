"""Users and items of a DataFrame as row numbers, and its interactions dealt by user."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from andiron import _core
from andiron.apps.recommend.ids import UNKNOWN, IdMap
from andiron.spark import _shards
from andiron.spark._columns import quoted

HELD_OUT = "__andiron_validation"
_UNTIMED = "__andiron_untimed"


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
         time: str | None = None) -> Side:  # fmt: skip
    """Collects the distinct ids of a column, with the features of each (the least value, where
    lines of the same id differ). `catalog`: a DataFrame of more of them, or None.

    `time`: a column of the frame that must not have nulls; counted on the way."""
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
    untimed = F.lit(False) if time is None else _untimed(frame, time)
    rows = frame.select(*chosen, untimed.alias(_UNTIMED))
    if catalog is not None:
        rows = rows.unionByName(catalog.select(*chosen, F.lit(False).alias(_UNTIMED)))
    aggregates = [F.count(F.lit(1)).alias("__count"), F.count_if(F.col(_UNTIMED)).alias(_UNTIMED)]
    for i, name in enumerate(features):
        value = F.col(quoted(name))
        aggregates.append(
            F.min(value.cast("string") if name in categories else value).alias(f"f{i}")
        )
    found = rows.groupBy(F.col(quoted(column)).alias("__id")).agg(*aggregates).toPandas()
    if lines := int(found[_UNTIMED].sum()):
        raise _core.Error(
            f"[spark] times are never missing; column {time!r} has {lines} without one (null, NaN "
            "or infinite): leave these lines out, or fill them"
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

    kinds = {f.name: f.dataType for f in frame.schema}
    if column not in kinds:
        raise _core.Error(f"[spark] there is no column {column!r}; there are {list(kinds)}")
    if not isinstance(kinds[column], (T.StringType, T.IntegralType)):
        raise _core.Error(
            f"[spark] ids are texts or whole numbers; column {column!r} is "
            f"{kinds[column].simpleString()}"
        )
    return kinds[column]


def _untimed(frame: Any, column: str) -> Any:
    """Whether a line has no time."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    times(frame, column)  # its type is one of times
    given = F.col(quoted(column))
    if isinstance(frame.schema[column].dataType, (T.FloatType, T.DoubleType)):
        value = given.cast("double")
        return F.isnull(value) | F.isnan(value) | (F.abs(value) == F.lit(float("inf")))
    return F.isnull(given)


def times(frame: Any, column: str) -> Any:
    """An expression for a column of times as whole numbers."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    kinds = {f.name: f.dataType for f in frame.schema}
    if column not in kinds:
        raise _core.Error(f"[spark] there is no column {column!r}; there are {list(kinds)}")
    kind, given = kinds[column], F.col(quoted(column))
    if isinstance(kind, (T.TimestampType, T.TimestampNTZType, T.DateType)):
        return F.unix_micros(given.cast("timestamp"))
    if isinstance(kind, T.NumericType):
        return given.cast("long")
    raise _core.Error(
        f"[spark] times are numbers, dates or timestamps; column {column!r} is "
        f"{kind.simpleString()}"
    )


def dealt(session: Any, frame: Any, columns: tuple[str, str, str | None], users: Side,
          items: Side, num_workers: int, n_shards: int, held_out: str | None) -> Any:  # fmt: skip
    """Lines `user`, `item`, `time` as numbers, all of a user in the same worker and shard; those
    where `held_out` is true by tags of their own (`_shards.dealt`)."""
    from pyspark.sql import functions as F

    user, item, time = columns
    chosen = [F.col(quoted(user)).alias("user"), F.col(quoted(item)).alias("item")]
    schema = "user int, item int"
    if time is not None:
        chosen.append(times(frame, time).alias("time"))
        schema += ", time bigint"
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
