"""Weights of classes: "balanced" ones, and classes that are not there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from andiron import _core
from andiron.spark._columns import columns_in, quoted


def by_id(estimator: Any, rows: Any, held_out: str | None, vocabulary: dict) -> dict | None:
    """class_weight as {class id: weight}. "balanced" is rows / (classes * rows of the class), over
    the rows to train on (scikit-learn's compute_class_weight): one job of Spark."""
    given = estimator.getClassWeight()
    if given is None:
        return None
    column = _label(estimator.getLabel())
    if isinstance(given, dict):
        return given
    from pyspark.sql import functions as F

    if held_out is not None:
        rows = rows.where(~F.coalesce(F.col(quoted(held_out)).cast("boolean"), F.lit(False)))
    label = F.col(quoted(column.name)).alias("label")
    counts = {}
    found = rows.select(label).where("label is not null").groupBy("label").count()
    for row in found.collect():
        counts[_id(row["label"], column, vocabulary)] = row["count"]
    total = sum(counts.values())
    return {i: total / (len(counts) * n) for i, n in sorted(counts.items())}


def _label(given: Any) -> Any:
    columns = columns_in(given)
    if len(columns) != 1:
        raise _core.Error(
            "[spark] class_weight is for one column of class ids; the label has "
            f"{[c.name for c in columns]}"
        )
    return columns[0]


def _id(value: Any, column: Any, vocabulary: dict) -> int:
    known = column.vocabulary or vocabulary.get(column.name)
    if isinstance(value, str) and known is not None:
        return int(known.ids([value])[0])
    if isinstance(value, (bool, int, float)) and float(value).is_integer():
        return int(value)
    raise _core.Error(
        f'[spark] class_weight="balanced" is for a label of class ids; {column.name!r} has '
        f"{value!r}"
    )


class Classes:
    """In a worker: which of the classes with a weight there are (`found`, of `ids`)."""

    def __init__(self, settings: dict):
        self.ids: list[int] = sorted(map(int, settings["class_weight"] or ()))
        self.found: set[int] = set()
        if self.ids:
            self._column = _label(settings["label"])
            known = self._column.vocabulary or settings["vocabulary"].get(self._column.name)
            self._as_given = {i: i if known is None else _text(known, i) for i in self.ids}

    def seen(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches; looks at them until all classes have come."""
        for batch in batches:
            if len(self.found) < len(self.ids):
                values = set(pc.unique(batch.column(self._column.name)).to_pylist())
                self.found.update(i for i, value in self._as_given.items() if value in values)
            yield batch


def _text(known: Any, i: int) -> Any:
    return known.texts([i])[0] if 0 <= i < len(known) else object()
