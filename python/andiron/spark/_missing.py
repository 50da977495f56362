"""Rows that lack a number where one is needed: nulls, NaN, labels that a loss does not know.

A row's number says nothing in Spark, where rows have no order. So what is told is the column, how
many rows a worker has of that kind, one of them, and the filter that finds all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from andiron import _core
from andiron._labels import Range
from andiron.spark._columns import columns_in, quoted

_SHOWN = 6  # columns of a row that is shown
_LONGEST = 24  # letters of a value there


class Rule(NamedTuple):
    """What a column must not have.

    `fill`: what nulls become; "error" where they are refused. `vector`: an array that was made of
    an ML vector. `known`: the labels that the loss takes.
    """

    name: str
    fill: Any
    label: bool = False
    vector: bool = False
    known: Range | None = None


def rules_of(columns: Iterable, nulls: Any, label: bool = False, vectors: Iterable[str] = (),
             known: Range | None = None) -> list[Rule]:  # fmt: skip
    """Of Columns or names; `nulls` as in Estimator."""
    found = []
    for column in columns:
        if column.image is not None:  # bad pictures are the pipeline's
            continue
        fill = column.nulls
        if isinstance(fill, str) and fill == "error":
            fill = nulls.get(column.name, "error") if isinstance(nulls, dict) else nulls
        found.append(Rule(column.name, fill, label, column.name in vectors, known))
    return found


def of_features(features: Any, nulls: Any, vectors: Iterable[str] = ()) -> list[Rule]:
    return rules_of(columns_in(features), nulls, vectors=vectors)


def _refused(rule: Rule) -> bool:
    return isinstance(rule.fill, str) and rule.fill == "error"


class Checked:
    """Batches with null for NaN in features whose nulls become a number; refuses rows.

    `rest`: (number, batches) of what this worker reads later; counted when a row is refused.
    """

    def __init__(self, rules: list[Rule], rest: Iterable = ()):
        self._rules, self._rest, self._rows = rules, rest, 0

    def of(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        batches = iter(batches)
        for batch in batches:
            for rule in self._rules:
                mask = _bad(batch.column(rule.name), rule)
                if mask is not None and mask.any():
                    raise _core.Error(_told(rule, batch, mask, self._rows, batches, self._rest))
            self._rows += batch.num_rows
            yield _with_nulls(batch, self._rules)


def complete(struct: pa.StructArray, rules: list[Rule]) -> np.ndarray | None:
    """Which rows no rule refuses; None where none is refused."""
    good = np.ones(len(struct), bool)
    for rule in rules:
        mask = _bad(struct.field(rule.name), rule)
        if mask is not None:
            good &= ~mask
    return None if good.all() else good


def condition(frame: Any, rules: list[Rule]) -> Any:
    """The same as an expression of Spark over the rows of `frame`."""
    from pyspark.ml.functions import vector_to_array
    from pyspark.ml.linalg import VectorUDT
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    kinds = {f.name: f.dataType for f in frame.schema}
    found = F.lit(True)
    for rule in filter(_refused, rules):
        column, kind = F.col(quoted(rule.name)), kinds[rule.name]
        found &= column.isNotNull()
        if isinstance(kind, VectorUDT):
            column, kind = vector_to_array(column), T.ArrayType(T.DoubleType())
        if isinstance(kind, (T.FloatType, T.DoubleType)):
            found &= ~F.isnan(column)
        elif isinstance(kind, T.ArrayType):
            of_floats = isinstance(kind.elementType, (T.FloatType, T.DoubleType))
            there = (lambda x: F.isnull(x) | F.isnan(x)) if of_floats else F.isnull
            found &= ~F.exists(column, there)
    return found


def _bad(column: pa.Array, rule: Rule) -> np.ndarray | None:
    """Whether rows are refused; None where none is."""
    is_list = _is_list(column.type)
    values = column.flatten() if is_list else column
    mask = None
    if _refused(rule) and values.null_count:
        mask = _numpy(values.is_null())
    if pa.types.is_floating(values.type) and (rule.label or _refused(rule)):
        wrong = pc.invert(pc.is_finite(values)) if rule.label else pc.is_nan(values)
        mask = _either(mask, wrong)
    if rule.known is not None and not is_list and _is_number(values.type):
        known = rule.known
        outside = pc.or_(pc.less(values, known.least), pc.greater(values, known.most))
        if known.ignored is not None:
            outside = pc.and_(outside, pc.not_equal(values, known.ignored))
        mask = _either(mask, outside)
    if not is_list:
        return mask
    rows = None
    if mask is not None:
        rows = np.zeros(len(column), bool)
        rows[pc.list_parent_indices(column).to_numpy()[mask]] = True
    if _refused(rule) and column.null_count:
        nulls = _numpy(column.is_null())
        rows = nulls if rows is None else rows | nulls
    return rows


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind)


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)


def _numpy(mask: pa.Array) -> np.ndarray:
    return mask.to_numpy(zero_copy_only=False)


def _either(mask: np.ndarray | None, more: pa.Array) -> np.ndarray | None:
    if not pc.any(more).as_py():
        return mask
    more = _numpy(more.fill_null(False))
    return more if mask is None else mask | more


def _with_nulls(batch: pa.RecordBatch, rules: list[Rule]) -> pa.RecordBatch:
    """NaN of features becomes what nulls become."""
    for rule in rules:
        if rule.label or not isinstance(rule.fill, (int, float)):
            continue
        at = batch.schema.get_field_index(rule.name)
        column = batch.column(at)
        values = column.flatten() if _is_list(column.type) else column
        if not pa.types.is_floating(values.type) or not pc.any(pc.is_nan(values)).as_py():
            continue
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
        if _is_list(column.type):
            sizes = pc.list_value_length(column).fill_null(0).to_numpy()
            ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
            nulls = column.is_null() if column.null_count else None
            values = pa.ListArray.from_arrays(pa.array(ends), values, mask=nulls)
        batch = batch.set_column(at, batch.schema.field(at).with_type(values.type), values)
    return batch


def _told(rule: Rule, batch: pa.RecordBatch, mask: np.ndarray, before: int, batches: Iterator,
          rest: Iterable) -> str:  # fmt: skip
    n, rows, first = int(mask.sum()), before + batch.num_rows, int(mask.argmax())
    for more in _chained(batches, rest):
        found = _bad(more.column(rule.name), rule)
        n, rows = n + (0 if found is None else int(found.sum())), rows + more.num_rows
    column, name = batch.column(rule.name), quoted(rule.name)
    known = rule.known
    if _is_list(column.type) or not _is_number(column.type):
        known = None
    elif not np.isfinite(column[first].as_py() or 0.0):
        known = None
    values, where = column.type, f"{name} IS NULL"
    if _is_list(values):
        values = values.value_type
        floats = " OR isnan(e)" if pa.types.is_floating(values) else ""
        where = f"{name} IS NULL OR exists({name}, e -> e IS NULL{floats})"
    elif known is not None:
        where = f"{name} IS NULL OR NOT {name} BETWEEN {known.least:g} AND {known.most:g}"
        where += "" if known.ignored is None else f" AND {name} <> {known.ignored:g}"
    elif pa.types.is_floating(values):
        where += f" OR isnan({name})" + f" OR abs({name}) = double('inf')" * rule.label
    floats = pa.types.is_floating(values)
    what = "null" + (" or NaN" if floats else "")
    if rule.label and floats:
        what = "null, NaN or infinite"
    if known is not None and column[first].is_valid:
        what = f"not from {known.least:g} to {known.most:g} (one is {_short(column[first])})"
    text = (
        f"[spark] column {rule.name!r} is {what} in {n} of {rows} rows that this worker has read, "
        f"in one with {_row(batch, first, rule.name)}"
    )
    text += "" if rule.vector else f'; they are frame.where("{where}")'
    if known is not None and column[first].is_valid:
        return f"{text}. {known.rule}. {known.hint}"
    fills = f'nulls={{"{rule.name}": number}} gives them a value'
    if rule.label:
        return f"{text}. Leave them out" + f"; {fills} (nulls alone)" * bool(column.null_count)
    return f"{text}. Leave them out, or {fills}"


def _chained(batches: Iterator, rest: Iterable) -> Iterator[pa.RecordBatch]:
    yield from batches
    for _, more in rest:
        yield from more


def _row(batch: pa.RecordBatch, i: int, but: str) -> str:
    """The other values of a row, shortened."""
    names = [name for name in batch.schema.names if name != but]
    pairs = [f"{name}={_short(batch.column(name)[i])}" for name in names[:_SHOWN]]
    return ", ".join(pairs) + ", ..." * (len(names) > _SHOWN) if pairs else "no other column"


def _short(value: Any) -> str:
    found = value.as_py()
    text = f"{found:.6g}" if isinstance(found, float) else repr(found)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
