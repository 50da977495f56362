"""Where PySpark 3.5 and 4.0 differ from 4.1.

They have no functions over Arrow arrays, only over pandas, which knows neither nulls apart from NaN
nor times in UTC. So what pandas would lose travels beside the columns or in another form, and the
Arrow arrays that 4.1 would have given are made again in the worker.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyspark

from andiron import _core

PYSPARK_4 = int(pyspark.__version__.split(".")[0]) >= 4


def metadata_owner(session: Any) -> Any:
    """What Spark ML's readers and writers of metadata are given."""
    return session if PYSPARK_4 else session.sparkContext


def arrow_types(schema: Any) -> list[pa.DataType]:
    """The Arrow types in which Spark hands over columns."""
    from pyspark.sql.pandas.types import to_arrow_type

    # 4.3 wants the zone in which times are shown.
    wants_zone = "timezone" in inspect.signature(to_arrow_type).parameters
    zone = {"timezone": "UTC"} if wants_zone else {}
    return [to_arrow_type(field.dataType, **zone) for field in schema]


def schema_of(kinds: list[str]) -> str:
    """Spark's type of one value, or of several as a struct."""
    fields = ",".join(f"c{i}:{kind}" for i, kind in enumerate(kinds))
    return kinds[0] if len(kinds) == 1 else f"struct<{fields}>"


def arrow_function(predict: Callable, kinds: list[str]) -> Callable:
    """A function of (names, columns, their schema or None) that gives the expression of `predict`,
    which maps an iterator of Arrow structs to one of arrays of a kind, or of structs c0, c1, ...
    where there are several."""
    from pyspark.sql import functions as F

    schema = schema_of(kinds)
    if hasattr(F, "arrow_udf"):
        # By these hints Spark sees that it maps iterators.
        predict.__annotations__ = {"structs": Iterator[pa.Array], "return": Iterator[pa.Array]}
        udf = F.arrow_udf(predict, schema)
        return lambda names, columns, of: udf(F.struct(*_named(columns, names)))

    def through_pandas(names: list[str], columns: list, of: Any) -> Any:
        types = None if of is None else arrow_types(of)
        udf = F.pandas_udf(_of_frames(predict, names, types), schema)
        kinds_of = [None] * len(columns) if of is None else [field.dataType for field in of]
        made = udf(F.struct(*_exact(columns, kinds_of)))
        if len(kinds) == 1:
            return _with_nan(made, kinds[0])
        parts = [_with_nan(made[f"c{i}"], kind) for i, kind in enumerate(kinds)]
        return F.struct(*_named(parts, [f"c{i}" for i in range(len(kinds))]))

    return through_pandas


def _named(columns: list, names: list[str]) -> list:
    return [column.alias(name) for column, name in zip(columns, names, strict=True)]


# In the driver.


def _exact(columns: list, types: list) -> list:
    """For each column three: its values in a form that pandas keeps, whether it is null, and, for
    an array with nulls in it, which of its elements are."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    found = []
    for i, (column, kind) in enumerate(zip(columns, types, strict=True)):
        value, holes = column, F.lit(None).cast("boolean")
        if isinstance(kind, T.IntegralType):  # beside nulls pandas makes floats of integers
            value = F.coalesce(column, F.lit(0).cast(kind))
        elif isinstance(kind, T.TimestampType):
            value = F.coalesce(F.unix_micros(column), F.lit(0))
        elif isinstance(kind, T.ArrayType):
            if isinstance(kind.elementType, T.TimestampType):
                value = F.transform(column, F.unix_micros)
            if kind.containsNull:
                holes = F.when(F.exists(column, F.isnull), F.transform(column, F.isnull))
        parts = [value, F.isnull(column), holes]
        found += _named(parts, [f"{part}{i}" for part in ("value", "null", "holes")])
    return found


def _with_nan(column: Any, kind: str) -> Any:
    """On the way back NaN in arrays becomes null, and predictions are never null."""
    from pyspark.sql import functions as F

    if kind not in ("array<float>", "array<double>"):
        return column
    nan = F.lit(float("nan")).cast(kind[len("array<") : -1])
    return F.transform(column, lambda x: F.coalesce(x, nan))


# In the workers.


def _of_frames(predict: Callable, names: list[str], types: list[pa.DataType] | None) -> Callable:
    import pandas as pd

    def structs(frames):
        for frame in frames:
            arrays = [
                _array(name, frame[f"value{i}"], frame[f"null{i}"].to_numpy(), frame[f"holes{i}"],
                       None if types is None else types[i])
                for i, name in enumerate(names)
            ]  # fmt: skip
            yield pa.StructArray.from_arrays(arrays, names)

    def as_pandas(array):  # pandas holds the Arrow array as it is: NaN would become null
        if pa.types.is_list(array.type) and array.null_count:  # PySpark wants None for a null list
            return array.to_pandas()
        return pd.Series(array, dtype=pd.ArrowDtype(array.type))

    def run(frames):
        for found in predict(structs(frames)):
            if pa.types.is_struct(found.type):
                parts = zip(found.type, found.flatten(), strict=True)
                yield pd.DataFrame({field.name: as_pandas(part) for field, part in parts})
            else:
                yield as_pandas(found)

    run.__annotations__ = {"frames": Iterator[pd.DataFrame], "return": Iterator[pd.Series]}
    return run


def _array(name: str, series: Any, null: np.ndarray, holes: Any, kind: Any) -> pa.Array:
    """The Arrow array that became `series`."""
    if kind is None and series.dtype.kind == "M":
        raise _core.Error(
            f"[spark] column {name!r} is a time, and PySpark {pyspark.__version__} gives functions "
            "of columns no times in UTC: give the function the DataFrame, not its columns"
        )
    values = series.to_numpy()
    if (with_holes := holes.notna().to_numpy()).any():
        values = values.copy()
        for row in np.flatnonzero(with_holes):
            pairs = zip(values[row].tolist(), holes.iat[row], strict=True)
            values[row] = [None if hole else x for x, hole in pairs]
    found = pa.array(values, _carrier(kind), mask=null, from_pandas=False)
    return found if kind is None else found.cast(kind)


def _carrier(kind: Any) -> Any:
    """The type in which a type travels through pandas."""
    if kind is None:
        return None
    if pa.types.is_list(kind):
        return pa.list_(_carrier(kind.value_type))
    return pa.int64() if pa.types.is_timestamp(kind) and kind.tz else kind
