"""Files of tables: found by path, folder or pattern, compared with each other, read one by one."""

from __future__ import annotations

import glob
import itertools
import os
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from andiron import _core


def uncompressed(path: str) -> str:
    """The name without the ending of a compression that pyarrow knows."""
    for ending in (".gz", ".bz2", ".zst", ".lz4"):
        path = path.removesuffix(ending)
    return path


def _hidden(path: str) -> bool:
    """What Spark and Hadoop put beside the data: _SUCCESS, .part.crc."""
    return os.path.basename(path).startswith(("_", "."))


def _in_folder(folder: str) -> list[str]:
    found = []
    for at, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(f for f in folders if not _hidden(f))
        found += [os.path.join(at, name) for name in names if not _hidden(name)]
    return sorted(found)


def _matching(pattern: str) -> tuple[list[str], str]:
    """The files of a pattern, and the folder in front of its first wildcard."""
    found = []
    for path in sorted(glob.glob(pattern, recursive=True)):
        if os.path.isdir(path):
            found += _in_folder(path)
        elif not _hidden(path):
            found.append(path)
    fixed = []
    for part in pattern.split(os.sep):
        if glob.has_magic(part):
            break
        fixed.append(part)
    return list(dict.fromkeys(found)), os.sep.join(fixed) or (
        os.sep if pattern.startswith(os.sep) else "."
    )


def find(path: Any) -> tuple[list[str], str]:
    """Local files, and the folder below which names of folders may be partitions.

    Args:
        path: of a file, of a folder (with all files below it), a pattern ("2024-*/part-*.parquet",
            "**" for any folders), or a list of these.

    Errors:
        FileNotFoundError naming what does not exist or matches nothing.
    """
    if isinstance(path, (list, tuple)):
        parts = [find(p) for p in path]
        files = list(dict.fromkeys(itertools.chain.from_iterable(f for f, _ in parts)))
        if not files:
            raise _core.Error("[data] the list of files is empty")
        bases = [os.path.abspath(base) for _, base in parts]
        return files, os.path.commonpath(bases)
    name = os.fspath(path)
    if os.path.isdir(name):
        files, base = _in_folder(name), name
        if not files:
            raise FileNotFoundError(f"[data] there are no files in '{name}'")
    elif os.path.exists(name):
        files, base = [name], os.path.dirname(name) or "."
    elif glob.has_magic(name):
        files, base = _matching(name)
        if not files:
            raise FileNotFoundError(f"[data] no file matches '{name}'")
    else:
        raise FileNotFoundError(f"[data] there is no file '{name}'")
    return files, base


def _is_url(path: Any) -> bool:
    return isinstance(path, str) and "://" in path


def open_dataset(path: Any, format: Any, partitioning: Any) -> Any:
    """pyarrow's Dataset over local files or a URL."""
    from pyarrow import dataset

    if _is_url(path):  # s3://..., whose folders pyarrow knows
        return dataset.dataset(path, format=format, partitioning=partitioning)
    files, base = find(path)
    text = isinstance(format, dataset.CsvFileFormat)
    # An empty part of Spark's has no header, and so no columns.
    files = [f for f in files if not text or os.path.getsize(f) > 0]
    if not files:
        raise _core.Error("[data] is empty: all files have 0 bytes")
    # pyarrow compares paths by their letters.
    files = [os.path.abspath(f) for f in files]
    return dataset.dataset(
        files, format=format, partitioning=partitioning, partition_base_dir=os.path.abspath(base)
    )


class Unit(NamedTuple):
    """Rows that are read together: a file, or a row group of one."""

    name: str
    rows: int
    fragment: Any


class Files:
    """Files of one format as a table: the schema of all, their batches, their units."""

    def __init__(self, dataset: Any):
        self._dataset = dataset
        self._units: list[Unit] | None = None
        self._checked: set[str] = set()
        names = dataset.schema.names
        self._fragments = list(dataset.get_fragments())
        physical = [self._physical(f) for f in self._fragments]
        #: Of partitions: no file has them.
        self._of_folders = {n for n in names if all(n not in s.names for s in physical)}
        self._schema, self._physical_schemas = self._common(physical), physical

    @property
    def names(self) -> list[str]:
        return self._schema.names

    @staticmethod
    def _name(fragment: Any) -> str:
        return f"file '{getattr(fragment, 'path', 'in memory')}'"

    def _physical(self, fragment: Any) -> Any:
        import pyarrow as pa

        try:
            return fragment.physical_schema
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _error_of(self._name(fragment), error) from None

    def _common(self, schemas: list) -> Any:
        """The types that hold those of all files: of integers and floats the widest."""
        import pyarrow as pa

        fields = []
        for field in self._dataset.schema:
            found = [(i, s.field(field.name).type) for i, s in enumerate(schemas)
                     if s.get_field_index(field.name) >= 0]  # fmt: skip
            kind = found[0][1] if found else field.type
            for i, other in found[1:]:
                try:
                    kind = _wider(kind, other)
                except (pa.ArrowTypeError, pa.ArrowInvalid):
                    first = next(j for j, t in found if not pa.types.is_null(t))
                    files = [self._name(f) for f in self._fragments]
                    raise _core.Error(
                        f"[data] column {field.name!r} is {kind} in {files[first]} and {other} in "
                        f"{files[i]}"
                    ) from None
            fields.append(pa.field(field.name, kind))
        return pa.schema(fields)

    def _check(self, columns: list[str] | None) -> None:
        """Every file must have the columns: pyarrow would fill in nulls."""
        for name in self.names if columns is None else columns:
            if name in self._checked or name in self._of_folders:
                continue
            for fragment, schema in zip(self._fragments, self._physical_schemas, strict=True):
                if schema.get_field_index(name) < 0:
                    listed = ", ".join(map(repr, schema.names)) or "none"
                    raise _core.Error(
                        f"[data] {self._name(fragment)} has no column {name!r}, as others have; "
                        f"there are {listed}"
                    )
            self._checked.add(name)

    def _scanner(self, fragment: Any, columns: list[str] | None):
        # Little is read ahead: the engine is the slower side, and memory has a budget.
        return fragment.scanner(
            schema=self._schema, columns=columns, batch_size=1 << 16, batch_readahead=2,
            fragment_readahead=1,
        )  # fmt: skip

    def _batches(self, fragment: Any, columns: list[str] | None, name: str) -> Iterator[Any]:
        import pyarrow as pa

        try:
            yield from self._scanner(fragment, columns).to_reader()
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _error_of(name, error) from None

    def _reader(self, batches: Iterator[Any], columns: list[str] | None):
        import pyarrow as pa

        schema = self._schema
        if columns is not None:
            schema = pa.schema([schema.field(name) for name in columns])
        return pa.RecordBatchReader.from_batches(schema, batches)

    def open(self, columns: list[str] | None):
        """A stream of the rows of all files, in order."""
        self._check(columns)
        batches = (self._batches(f, columns, self._name(f)) for f in self._fragments)
        return self._reader(itertools.chain.from_iterable(batches), columns)

    @property
    def units(self) -> list[Unit]:
        """Parquet by row groups, whose rows its footer tells; others by files, which are counted:
        that reads them once."""
        import pyarrow as pa

        if self._units is None:
            self._units = []
            for fragment in self._fragments:
                name = self._name(fragment)
                try:
                    if hasattr(fragment, "split_by_row_group"):
                        for part in fragment.split_by_row_group(schema=self._schema):
                            group = part.row_groups[0]
                            self._units.append(
                                Unit(f"{name} (row group {group.id})", group.num_rows, part)
                            )
                    else:
                        self._units.append(Unit(name, self._count(fragment), fragment))
                except (pa.ArrowException, OSError, ValueError) as error:
                    raise _error_of(name, error) from None
        return self._units

    def _count(self, fragment: Any) -> int:
        # One column is parsed: types are found out at the first epoch, wrong numbers of fields now.
        reader = self._scanner(fragment, self._schema.names[:1]).to_reader()
        return sum(batch.num_rows for batch in reader)

    def open_unit(self, unit: Unit, columns: list[str], first: int, rows: int):
        """A stream of rows [first, first + rows) of a unit."""
        self._check(columns)
        batches = self._batches(unit.fragment, columns, unit.name)
        if rows != unit.rows:
            batches = _rows_of(batches, first, rows)
        return self._reader(batches, columns)

    def digest(self) -> int:
        """Of the files' names and rows, and of what their footers say of the content (of others:
        their sizes). Reading all of it would take an epoch."""
        parts = []
        for unit in self.units:
            if hasattr(unit.fragment, "row_groups"):
                group = unit.fragment.row_groups[0]
                about: Any = (group.total_byte_size, group.statistics)
            else:
                about = self._dataset.filesystem.get_file_info(unit.fragment.path).size
            parts.append((os.path.basename(unit.name), unit.rows, about))
        return zlib.crc32(repr((parts, self._schema.names)).encode())


def _wider(a: Any, b: Any) -> Any:
    """The type that holds both; Arrow's errors where there is none."""
    import pyarrow as pa

    if a == b:
        return a
    merged = pa.unify_schemas(
        [pa.schema([("x", a)]), pa.schema([("x", b)])], promote_options="permissive"
    )
    return merged.field("x").type


def _error_of(name: str, error: Exception) -> Exception:
    """Arrow's error with the file in front: an OSError where reading failed."""
    kind = OSError if isinstance(error, OSError) else _core.Error
    return kind(f"[data] {name}: {str(error).strip()}")


def _rows_of(batches: Iterator[Any], first: int, rows: int) -> Iterator[Any]:
    for batch in batches:
        part = batch.slice(min(first, batch.num_rows), rows)
        first -= min(first, batch.num_rows)
        rows -= part.num_rows
        if part.num_rows:
            yield part
        if rows == 0:
            return


def cut(units: list[Unit], first: int, rows: int) -> list[tuple[Unit, int, int]]:
    """(unit, first row in it, rows) of rows [first, first + rows) of all units."""
    found, at = [], 0
    for unit in units:
        begin, end = max(at, first), min(at + unit.rows, first + rows)
        if begin < end:
            found.append((unit, begin - at, end - begin))
        at += unit.rows
    return found
