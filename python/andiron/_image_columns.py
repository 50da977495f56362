"""Columns of images in tables: batches of them for `fit` and `predict`."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from andiron import _core

_AT_ONCE = 256  # images decoded before the network sees them


def record_batches(opened: Any) -> Iterator:
    """The record batches of what a table's source opens."""
    import pyarrow as pa

    if isinstance(opened, pa.RecordBatch):
        yield opened
    elif isinstance(opened, pa.RecordBatchReader):
        yield from opened
    else:
        yield from pa.RecordBatchReader.from_stream(opened)


def _errors(column: Any) -> str:
    if column.errors not in ("raise", "null"):
        raise _core.Error(
            f'[data] column {column.name!r}: errors is "raise" or "null"; got {column.errors!r}'
        )
    return column.errors


def image_batches(data: Any, network: Any, groups: list, fields_of: Any) -> Iterator[list]:
    """The inputs of a model some of whose columns are images. What could not be read stands in
    data._bad_rows; its numbers are zeros."""
    import pyarrow as pa

    for name, _, columns, _, _ in groups:
        if len(columns) > 1 and any(c.image is not None for c in columns):
            raise _core.Error(
                f"[data] input {name!r}: a column of images is an input of its own; got "
                f"{[c.name for c in columns]}"
            )
    plain = [g for g in groups if g[2][0].image is None]
    columns = list(dict.fromkeys(c for g in plain for c in g[2]))
    names = sorted({c.name for g in groups for c in g[2]})
    data._bad_rows, first = [], 0
    for batch in record_batches(data._open(names)):
        for start in range(0, batch.num_rows, _AT_ONCE):
            part = batch.slice(start, _AT_ONCE)
            others: dict = {}
            if plain:
                table = pa.Table.from_batches([part]).select([c.name for c in columns])
                found = _core.ArrowBatches(table, [c._spec() for c in columns])
                found.next()
                places = {c: i for i, c in enumerate(columns)}
                tensors = found.tensors(fields_of(network, plain, found.columns, places))
                others = dict(zip((g[0] for g in plain), tensors, strict=True))
            bad: dict = {}
            made = []
            for name, _, (column, *_), _, _ in groups:
                if column.image is None:
                    made.append(others[name])
                    continue
                loaded = column.image.load(part.column(column.name), _errors(column))
                bad.update(loaded.errors)
                made.append(loaded.images)
            data._bad_rows += [(first + start + row, text) for row, text in sorted(bad.items())]
            yield made
        first += batch.num_rows


class ImageRows:
    """A table with a column of images and a label, in memory: the files' bytes, decoded batch by
    batch."""

    def __init__(self, data: Any, column: Any):
        import pyarrow as pa

        from andiron._tables import Data

        if data._weight is not None:
            raise _core.Error("[data] a table of images takes no sample_weight")
        self._column = column
        label = data._label
        names = [column.name]
        if label is not None:
            of_label = Data(None, None, label, None, data._options)._outer()
            if len(of_label) != 1 or len(of_label[0][0]) != 1:
                raise _core.Error("[data] a table of images has one label")
            names.append(of_label[0][0][0].name)
        batches = list(record_batches(data._open(names)))
        table = pa.Table.from_batches(batches) if batches else None
        if table is None or table.num_rows == 0:
            self.n, self.digest, self.labels, self.store = 0, "0" * 32, None, None
            return
        if data._options["content_order"]:
            table = table.take(np.argsort(_hashes(table), kind="stable"))
        self.n = table.num_rows
        self.digest = hashlib.blake2b(b"".join(sorted(_hashes(table))), digest_size=16).hexdigest()
        from andiron.images._sources import store_of

        self.store = store_of(table[column.name])
        self.labels = None
        if label is not None:
            options = {**data._options, "columns": None, "one_shot": False}
            outer = Data(lambda columns: table.select(names[1:]), {"y": label}, None, None, options)
            self.labels = outer.arrays()[0]
        self._sources: list = []

    def source(self, targets: list, batch_size: int, shuffle: bool, seed: int, first: int,
               rows: int) -> Any:  # fmt: skip
        if self.n == 0:
            raise _core.Error("[data] is empty: 0 samples")
        if targets and self.labels is None:
            raise _core.Error("[fit] needs targets: say which column is the label")
        if len(targets) > 1:
            raise _core.Error(f"[fit] a table of images has one label; the model wants {targets}")
        end = self.n if rows < 0 else first + rows
        made = _core.image_source(
            self.store, list(range(first, end)), self.labels, self._column.image._core, 0,
            "skip" if _errors(self._column) == "null" else "raise", _core.get_threads(), 0.0, 0.0,
            batch_size, shuffle, seed, False,
        )  # fmt: skip
        self._sources.append(made)
        return made

    def bad(self) -> tuple[int, list[str]]:
        """How many images could not be read, and the first messages."""
        found = [_core.bad_images(s) for s in self._sources] if self.n else []
        return max(found, default=(0, []), key=lambda f: f[0])

    def report(self) -> None:
        count, messages = self.bad()
        if count:
            listed = "\n  ".join(messages)
            warnings.warn(
                f"[images] {count} of {self.n} images could not be read and were skipped; the "
                f"first:\n  {listed}",
                stacklevel=4,
            )


def _hashes(table: Any) -> np.ndarray:
    """16 bytes of each row's content."""
    rows = zip(*(table[name].to_pylist() for name in table.column_names), strict=True)
    return np.array([hashlib.blake2b(repr(r).encode(), digest_size=16).digest() for r in rows])
