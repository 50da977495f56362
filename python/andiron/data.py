"""Tables as training data: Arrow, pandas, Parquet and CSV (docs/data.md).

rows = andiron.data.from_parquet("rows.parquet", features=["a", "b"], label="y",
                                 memory_budget="1GB")
model.fit(rows, epochs=3)
model.predict(andiron.data.from_parquet("new.parquet", features=["a", "b"]))
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from andiron import _core, _files
from andiron._ragged import pad_sequences
from andiron._splits import k_folds, train_test_split
from andiron._table_columns import Column, refuse_unknown
from andiron._tables import Data, bytes_from
from andiron._vocabulary import Vocabulary
from andiron._workers import Shards

__all__ = [
    "Column",
    "Data",
    "Shards",
    "Vocabulary",
    "build_vocabularies",
    "from_arrow",
    "from_csv",
    "from_parquet",
    "k_folds",
    "pad_sequences",
    "train_test_split",
]


def _vocabularies(given: Any) -> dict:
    return {name: Vocabulary._from(v) for name, v in (given or {}).items()}


def _data(source, features, label, sample_weight, vocabulary, nulls, memory_budget, spill_dir,
          content_order, stream, shuffle_buffer):  # fmt: skip
    open, one_shot, columns = source
    files = getattr(open, "files", None)
    if stream:
        if files is None:
            raise _core.Error(
                "[data] stream=True reads files anew in each epoch: give from_parquet or from_csv "
                "their paths, or from_arrow a pyarrow Dataset of files"
            )
        if memory_budget is not None or spill_dir is not None or content_order:
            raise _core.Error(
                "[data] stream=True keeps shuffle_buffer rows in memory and nothing on disk: "
                "memory_budget, spill_dir and content_order belong to tables that are kept"
            )
    elif shuffle_buffer is not None:
        raise _core.Error("[data] shuffle_buffer goes with stream=True")
    rows = 65536 if shuffle_buffer is None else shuffle_buffer
    if isinstance(rows, bool) or not isinstance(rows, int) or rows < 1:
        raise _core.Error(f"[data] shuffle_buffer is a number of rows from 1 on; got {rows!r}")
    options = {
        "stream": (files, rows) if stream else None,
        "vocabulary": _vocabularies(vocabulary),
        "nulls": nulls,
        "memory_budget": bytes_from(memory_budget),
        "spill_dir": "" if spill_dir is None else os.fspath(spill_dir),
        "content_order": bool(content_order),
        "one_shot": one_shot,
        "columns": columns,
    }
    return Data(open, features, label, sample_weight, options)


def _of_batches(batches: Iterator):
    import pyarrow as pa

    first = next(batches, None)
    if first is None:
        raise _core.Error("[data] is empty: 0 batches")
    return pa.RecordBatchReader.from_batches(first.schema, itertools.chain([first], batches))


def _once(stream: Any):
    left = [stream]

    def open(columns):
        if not left:
            raise _core.Error("[data] the stream was read already")
        return left.pop()

    return open


def _with_columns(open: Any, names: list):
    """`_opener`'s answer for a source that knows its columns and reads those that are wanted."""
    names = [str(name) for name in names]

    def checked(columns):
        for name in columns or ():
            if name not in names:
                listed = ", ".join(map(repr, names)) or "none"
                raise _core.Error(f"[data] there is no column {name!r}; there are {listed}")
            if names.count(name) > 1:
                raise _core.Error(f"[data] there are two columns {name!r}")
        return open(columns)

    return checked, False, names


def _opener(data: Any):
    """(a function that opens the stream with some columns, whether it can be read only once, the
    columns where they are known before it is opened)"""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        import pyarrow as pa

        def from_pandas(columns):
            if columns is not None:  # names that are numbers are texts in Arrow
                columns = [c for c in data.columns if str(c) in columns]
            try:
                return pa.Table.from_pandas(data, columns=columns, preserve_index=False)
            except (pa.ArrowInvalid, pa.ArrowTypeError) as error:  # objects of several types
                raise _core.Error("[data] " + ": ".join(map(str, reversed(error.args)))) from None

        return _with_columns(from_pandas, list(data.columns))
    dataset = sys.modules.get("pyarrow.dataset")
    if dataset is not None and isinstance(data, dataset.FileSystemDataset):
        files = _files.Files(data)
        opener = _with_columns(files.open, files.names)
        opener[0].files = files
        return opener
    if dataset is not None and isinstance(data, dataset.Dataset):
        return _with_columns(_scanner(data), data.schema.names)
    if dataset is not None and isinstance(data, dataset.Scanner):
        return lambda columns: data.to_reader(), False, data.projected_schema.names
    pa = sys.modules.get("pyarrow")
    if pa is not None and isinstance(data, pa.RecordBatchReader):
        return _once(data), True, data.schema.names
    if isinstance(data, Iterator):
        return _once(_of_batches(data)), True, None
    if isinstance(data, (list, tuple)):
        return lambda columns: _of_batches(iter(data)), False, None
    if not hasattr(data, "__arrow_c_stream__") and not hasattr(data, "__arrow_c_array__"):
        raise TypeError(
            "[data] an Arrow table, stream or dataset or a DataFrame is needed; got "
            f"{type(data).__name__}"
        )
    return lambda columns: data, False, None


def _scanner(dataset: Any):
    def open(columns):
        # Little is read ahead: the engine is the slower side, and memory has a budget.
        return dataset.scanner(
            columns=columns, batch_size=1 << 16, batch_readahead=2, fragment_readahead=1
        ).to_reader()

    return open


def from_arrow(
    data: Any,
    features: Any = None,
    label: Any = None,
    sample_weight: Any = None,
    *,
    vocabulary: dict | None = None,
    nulls: Any = "error",
    memory_budget: Any = None,
    spill_dir: Any = None,
    content_order: bool = False,
    stream: bool = False,
    shuffle_buffer: int | None = None,
) -> Data:
    """A table for `fit`, `evaluate` and `predict`.

    Args:
        data: a pyarrow Table, RecordBatch, RecordBatchReader or Dataset; anything that has
            `__arrow_c_stream__` (polars, duckdb, ...); a pandas DataFrame; record batches in a list
            or from an iterator. Readers and iterators can be read once.
        features: a column for a model with one input, or a list of columns that lie side by side
            as [rows, columns]; or a dict {input: column or list}. A column is a name or a Column.
            Default: the columns named like the model's inputs, or for one input all that are
            neither label nor weight.
        label: a column; a list or dict of columns for several outputs.
        sample_weight: a column of weights.
        vocabulary: {column: Vocabulary, list of texts, or the path of a saved one} for texts.
        nulls: what nulls become, for all columns or as {column: ...}: "error", a number, or
            "unknown" for texts. Default: "error", which names column and row.
        memory_budget: bytes, or a text such as "512MB". More rows than that hold go to a file in
            spill_dir and are read back in shuffled blocks. Default: no bound.
        spill_dir: a folder on a local disk. Default: the system's for temporary files.
        content_order: whether rows are put in the order of a hash of their content before they are
            shuffled, so that batches do not depend on the order in which rows come. Default: False.
        stream: whether files are read anew in each epoch, in a random order, and nothing is kept
            but a shuffle buffer: for more rows than memory and local disk hold. Default: False.
        shuffle_buffer: with stream, how many rows are shuffled among each other. Default: 65536.

    Example:
        >>> import numpy as np, pyarrow as pa
        >>> from andiron import Sequential, data, layers
        >>> table = pa.table({"a": [0.0, 1.0, 2.0], "b": [1, 0, 1], "y": [1.0, 1.0, 3.0]})
        >>> model = Sequential([layers.Dense(1)])
        >>> model.compile("adam", "mse")
        >>> rows = data.from_arrow(table, features=["a", "b"], label="y")
        >>> len(model.fit(rows, epochs=2, verbose=0).history["loss"])
        2
        >>> model.predict(data.from_arrow(table, features=["a", "b"])).shape
        (3, 1)
    """
    return _data(_opener(data), features, label, sample_weight, vocabulary, nulls, memory_budget,
                 spill_dir, content_order, stream, shuffle_buffer)  # fmt: skip


def from_parquet(
    path: Any,
    features: Any = None,
    label: Any = None,
    sample_weight: Any = None,
    *,
    partitioning: Any = "hive",
    **options: Any,
) -> Data:
    """Parquet files. Only the columns that are needed are read.

    Args:
        path: of a file; of a folder: all files in and below it but those whose names begin with "_"
            or "."; a pattern such as "rows/2024-*/*.parquet" ("**": any folders); a list of these;
            or a URL that pyarrow knows.
        partitioning: folders named "year=2024" below the folder (or the fixed part of the pattern)
            are columns, as Hive and Spark write them; None: they are not. Default: "hive".
        options: from_arrow's further arguments.

    Errors:
        FileNotFoundError for a path or a pattern without files; andiron.Error or OSError naming the
        file that is damaged, lacks a column or has another type in it than the others. Integers
        and floats of different widths are read as the widest.
    """
    opened = _files.open_dataset(path, "parquet", partitioning)
    return from_arrow(opened, features, label, sample_weight, **options)


def from_csv(
    path: Any,
    features: Any = None,
    label: Any = None,
    sample_weight: Any = None,
    *,
    delimiter: str = ",",
    column_types: dict | None = None,
    null_values: list[str] | None = None,
    partitioning: Any = "hive",
    **options: Any,
) -> Data:
    """CSV files with a header, also compressed ones (.gz, .bz2, .zst, .lz4).

    Args:
        path, partitioning: as in from_parquet. Files of 0 bytes have no rows.
        delimiter: between fields. Default: ",".
        column_types: {column: pyarrow type} where the first megabyte does not show it.
        null_values: texts that mean null. Default: pyarrow's ("", "NA", "null", ...).
        options: from_arrow's further arguments.
    """
    from pyarrow import csv, dataset

    convert = {"strings_can_be_null": True}
    if column_types is not None:
        convert["column_types"] = column_types
    if null_values is not None:
        convert["null_values"] = null_values
    layout = dataset.CsvFileFormat(
        parse_options=csv.ParseOptions(delimiter=delimiter),
        convert_options=csv.ConvertOptions(**convert),
    )
    opened = _files.open_dataset(path, layout, partitioning)
    refuse_unknown("column_types", column_types or {}, opened.schema.names)
    return from_arrow(opened, features, label, sample_weight, **options)


def build_vocabularies(
    data: Any,
    columns: Iterable[str],
    max_size: int = 0,
    min_count: int = 1,
    unknown: bool = True,
) -> dict[str, Vocabulary]:
    """Vocabularies of text columns, from one walk over the data.

    Args:
        data: as in from_arrow; readers and iterators are used up.
        columns: of texts, plain or in dictionaries.
        max_size: the most frequent so many texts are kept. Default: all.
        min_count: texts that come less often are left out.
        unknown: whether id 0 stands for texts that are not kept.

    Example:
        >>> import pyarrow as pa
        >>> from andiron import data
        >>> table = pa.table({"city": ["Rome", "Oslo", "Rome", None]})
        >>> data.build_vocabularies(table, ["city"])["city"].entries
        ['Rome', 'Oslo']
    """
    names = list(columns)
    source = data._open(names) if isinstance(data, Data) else _opener(data)[0](names)
    cores = _core.build_vocabularies(source, names, max_size, min_count, unknown)
    return {name: Vocabulary._of(core) for name, core in zip(names, cores, strict=True)}


def as_data(x: Any, label: Any = None, sample_weight: Any = None) -> Data:
    """What fit, evaluate and predict make of tables and paths."""
    if isinstance(x, Data):
        if label is not None or sample_weight is not None:
            raise _core.Error("[data] label and sample_weight stand in the data already")
        return x
    if isinstance(x, (str, os.PathLike)):
        plain = _files.uncompressed(os.fspath(x))
        read = from_csv if plain.endswith((".csv", ".tsv")) else from_parquet
        more = {"delimiter": "\t"} if plain.endswith(".tsv") else {}
        return read(x, None, label, sample_weight, **more)
    return from_arrow(x, None, label, sample_weight)
