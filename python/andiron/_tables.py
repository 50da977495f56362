"""Tables for fit, evaluate and predict, and the sources made of them."""

from __future__ import annotations

import copy
import glob
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from andiron import _core
from andiron._class_weight import balanced, is_balanced, require_one_output, weights_by_class
from andiron._files import cut, uncompressed
from andiron._labels import Range, check_extremes
from andiron._table_columns import Column, as_text, is_column, refuse_unknown

_COUNTED = 8192  # rows at a time whose classes are counted
_PACKED = 4  # columns from which on shuffled rows are faster from a packed copy

_UNITS = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30, "b": 1}


def bytes_from(budget: Any) -> int:
    """A memory budget in bytes: a number, or a text such as "512MB" or "2 GiB"."""
    if budget is None:
        return 0
    try:
        if isinstance(budget, str):
            text = budget.strip().lower()
            digits = text.rstrip("bikmg ").strip()
            n = float(digits) * _UNITS[text[len(digits) :].strip() or "b"]
        elif isinstance(budget, bool):
            raise TypeError
        else:
            n = float(budget)
    except (TypeError, ValueError, KeyError, OverflowError):
        raise _core.Error(
            f'[data] memory_budget is bytes or a text such as "512MB"; got {budget!r}'
        ) from None
    if not 1 <= n < 2**63:
        raise _core.Error(f"[data] memory_budget must be from 1 to 2^63 bytes; got {budget!r}")
    return int(n)


@contextmanager
def _cures(specs: list[dict]) -> Iterator[None]:
    """Says with the core's errors about texts and nulls how to mend them."""
    try:
        yield
    except _core.Error as error:
        for spec in specs:
            if str(error).startswith(f"[arrow] column {spec['name']!r}"):
                raise _core.Error(f"{error}{_cure(str(error), spec)}") from None
        raise


def _cure(error: str, spec: dict) -> str:
    name = spec["name"]
    if "texts need a vocabulary" in error:
        if spec["check"] == "finite":
            return (
                f", for a label without an entry for unknown texts: data.from_arrow(table, "
                f"label={name!r}, vocabulary={{{name!r}: data.Vocabulary(['no', 'yes'], "
                "unknown=False)}) makes 0 of 'no' and 1 of 'yes'"
            )
        return (
            ", or an Input of dtype 'string' of their own and a layers.StringLookup "
            "(docs/data.md); data.from_arrow(table, features=[...]) takes the columns that it "
            "names and leaves others out"
        )
    if "say what nulls become" in error:
        if spec["check"]:
            return f": drop such rows, in pandas by frame.dropna(subset=[{name!r}])"
        return (
            f": data.from_arrow(table, ..., nulls={{{name!r}: 0}}), also of from_csv and "
            f"from_parquet; or drop such rows, in pandas by frame.dropna(subset=[{name!r}])"
        )
    return ""


class Data:
    """Rows of a table for `fit`, `evaluate` and `predict`; made by `from_arrow`, `from_parquet` and
    `from_csv`.

    The table is read once, when it is first trained on; then it stays in memory, as it came where
    its layout allows, or, beyond `memory_budget`, in a file in `spill_dir` that is gone with the
    object. Predictions read it batch by batch and keep nothing.
    """

    def __init__(
        self,
        open: Callable[[list[str] | None], Any],
        features: Any,
        label: Any,
        sample_weight: Any,
        options: dict,
    ):
        self._open = open
        self._stream = None  # opened to look at its columns, not read yet
        self._there: list[str] | None = options["columns"]
        self._features, self._label, self._weight = features, label, sample_weight
        self._options = options
        self._read = None  # (table, its columns' keys)
        self._images: Any = None  # ImageRows, where the features are a column of images
        self._bad_rows: list[tuple[int, str]] = []  # of the last predictions

    # What there is.

    def _names(self) -> list[str]:
        if self._there is None:
            self._stream = _core.ArrowStream(self._open(None))
            self._there = [name for name, _ in self._stream.columns]
        return self._there

    def _take_stream(self, wanted: list[str]):
        for option in ("vocabulary", "nulls"):
            if isinstance(self._options[option], dict):
                refuse_unknown(option, self._options[option], self._names())
        stream, self._stream = self._stream, None
        return _core.ArrowStream(self._open(wanted)) if stream is None else stream

    def _column(self, given: Any) -> Column:
        column = given if isinstance(given, Column) else Column(given)
        vocabularies, nulls = self._options["vocabulary"], self._options["nulls"]
        if column.vocabulary is None and column.name in vocabularies:
            column = replace(column, vocabulary=vocabularies[column.name])
        if column.nulls == "error":
            of_all = nulls.get(column.name, "error") if isinstance(nulls, dict) else nulls
            column = replace(column, nulls=of_all)
        return column

    def _side_by_side(self, given: Any) -> tuple[list[Column], bool]:
        """Columns, and whether they are one that keeps its own shape."""
        if is_column(given):
            return [self._column(given)], True
        return [self._column(c) for c in given], False

    def _groups(self, given: Any, names: list[str], what: str) -> list:
        """Columns for each of `names`, from a column, a list or a dict."""
        if isinstance(given, dict):
            missing = [n for n in names if n not in given]
            if missing:
                raise _core.Error(
                    f"[data] {what} has no {missing[0]!r}; the model takes {names}, and there are "
                    f"{list(given)}"
                )
            return [self._side_by_side(given[n]) for n in names]
        if len(names) == 1:
            return [self._side_by_side(given)]
        if is_column(given) or len(given) != len(names):
            raise _core.Error(f"[data] {what} must name columns for each of {names}; got {given!r}")
        return [self._side_by_side(c) for c in given]

    def _inputs(self, names: list[str]) -> list:
        if self._features is not None:
            if len(names) > 1 and not isinstance(self._features, dict):
                missing = [n for n in names if n not in self._features]
                if missing:
                    raise _core.Error(
                        f"[data] the model takes {names}: features must be a dict "
                        "{input: column or columns}, or name them all"
                    )
                return [self._side_by_side(n) for n in names]
            return self._groups(self._features, names, "features")
        there = self._names()
        if len(names) > 1:
            return [self._side_by_side(n) for n in names]
        taken = {c.name for columns, _ in self._outer() for c in columns}
        return [self._side_by_side([n for n in there if n not in taken])]

    def _feature_names(self) -> list[str] | None:
        """The columns of one input, in order; None where there are several inputs."""
        given = self._features
        if isinstance(given, dict):
            if len(given) != 1:
                return None
            (given,) = given.values()
        if given is None:
            taken = {c.name for columns, _ in self._outer() for c in columns}
            return [n for n in self._names() if n not in taken]
        given = [given] if is_column(given) else given
        return [c.name if isinstance(c, Column) else c for c in given]

    def _with_features(self, names: list[str]) -> Data:
        """The same rows with the columns of the one input in another order."""
        found, given = copy.copy(self), self._features
        if given is None:
            found._features = names
            return found
        columns = next(iter(given.values())) if isinstance(given, dict) else given
        by_name = {c.name if isinstance(c, Column) else c: c for c in columns}
        ordered = [by_name[name] for name in names]
        found._features = {next(iter(given)): ordered} if isinstance(given, dict) else ordered
        return found

    def _like(self, table: Any) -> Data:
        """Another table whose columns are what this one's are."""
        from andiron import data

        found = data.as_data(table, self._label, self._weight)
        found._features = self._features
        found._options.update({key: self._options[key] for key in ("vocabulary", "nulls")})
        return found

    def _outer(self) -> list[tuple[list[Column], str]]:
        """The columns of labels and weights, and what is checked of them."""
        found = []
        for given, check in ((self._label, "finite"), (self._weight, "weight")):
            items = given.values() if isinstance(given, dict) else [given]
            found += [(self._side_by_side(item)[0], check) for item in items if item is not None]
        return found

    # Reading.

    @staticmethod
    def _layout(groups: list) -> tuple[list[dict], list[list[int]], list, list[str]]:
        """(what becomes of the columns, packs of them, what the table's columns are, their names)
        for groups (columns, check). A group of many columns is a pack: its numbers lie side by side
        in each row."""
        specs: dict = {}
        for columns, check in groups:
            for c in columns:
                if check or c not in specs:
                    specs[c] = c._spec(check)
        # The order of inputs and outputs differs from model to model; the digest must not.
        specs = dict(sorted(specs.items(), key=lambda item: item[0].name))
        packs = [tuple(c) for c, _ in groups if len(c) >= _PACKED and len(set(c)) == len(c)]
        packs = [p for p in packs if sum(c in g for c in p for g, _ in groups) == len(p)]
        keys = [*packs, *(c for c in specs if not any(c in p for p in packs))]
        order = list(specs)
        at = [[order.index(c) for c in p] for p in packs]
        return list(specs.values()), at, keys, sorted({c.name for c in specs})

    def _table(self, groups: list):
        """(table, {column or pack: its place}) with all groups (columns, check); read when first
        needed. Of a stream, the table has the first rows only: they say what its columns are."""
        specs, packs, keys, names = self._layout(groups)
        options = self._options
        if self._read is not None:
            there = list(self._read[1])
            # A stream's batches have the columns of the table that describes it.
            if keys == there or (options["stream"] is None and set(keys) <= set(there)):
                return self._read
        if options["stream"] is not None:
            kept: tuple = (0, "", False)
            stream = self._head(names)
        else:
            kept = (options["memory_budget"], options["spill_dir"], options["content_order"])
            stream = self._take_stream(names)
        with _cures(specs):
            table = _core.read_arrow(stream, specs, packs, *kept)
        self._read = (table, {key: i for i, key in enumerate(keys)})
        return self._read

    def _head(self, names: list[str]):
        files = self._options["stream"][0]
        for unit in files.units:
            if unit.rows > 0:
                return files.open_unit(unit, names, 0, min(unit.rows, 1024))
        raise _core.Error("[data] is empty: 0 rows")

    def _streamed(self, groups: list, known: dict[str, Range], fields: list, batch_size: int,
                  shuffle: bool, seed: int, first: int, rows: int):  # fmt: skip
        """Batches that are read from the files in each epoch; what they have is seen only then."""
        files, buffer = self._options["stream"]
        specs, packs, _, names = self._layout(groups)
        for spec in specs:
            if spec["check"] == "finite":
                spec["range"] = known.get(spec["name"])
        table, _ = self._table(groups)
        total = sum(unit.rows for unit in files.units)
        first, rows = max(first, 0), total - first if rows < 0 else rows
        parts = cut(files.units, first, rows)
        digest = zlib.crc32(repr((files.digest(), first, rows, buffer)).encode())
        return _core.streamed_source(
            lambda i: files.open_unit(parts[i][0], names, *parts[i][1:]),
            [unit.name for unit, _, _ in parts], [n for _, _, n in parts], specs, packs, table,
            fields, buffer, batch_size, shuffle, seed, digest,
        )  # fmt: skip

    def _grouped(self, network: Any, targets: list[str] | None):
        """[(name, role, columns, alone, check)] for a model."""
        inputs = self._inputs(network.input_names)
        found = [
            (n, "input", [as_text(x) for x in c] if text else c, alone, "")
            for n, (c, alone), text in zip(
                network.input_names, inputs, network.text_inputs, strict=True
            )
        ]
        if targets is None:
            return found
        if self._label is None and targets:
            raise _core.Error("[fit] needs targets: say which column is the label")
        if targets:
            for n, (c, alone) in zip(
                targets, self._groups(self._label, targets, "label"), strict=True
            ):
                found.append((n, "label", c, alone, "finite"))
        if self._weight is not None:
            one = is_column(self._weight) or len(targets) == 1
            names = ["sample_weight"] if one else targets
            for n, (c, alone) in zip(
                names, self._groups(self._weight, names, "sample_weight"), strict=True
            ):
                found.append((n, "weight", c, alone, "weight"))
        return found

    def _image_column(self) -> Column | None:
        """The column of images that is all there is to train on."""
        given = self._features
        given = list(given.values()) if isinstance(given, dict) else given
        while isinstance(given, (list, tuple)) and len(given) == 1:
            given = given[0]
        return given if isinstance(given, Column) and given.image is not None else None

    def _image_rows(self) -> Any:
        if self._images is None and (column := self._image_column()) is not None:
            from andiron._image_columns import ImageRows

            self._images = ImageRows(self, column)
        return self._images

    def _report(self) -> None:
        """Warns of images that were skipped."""
        if self._images is not None:
            self._images.report()

    def _source(self, network: Any, targets: list[str], batch_size: int, shuffle: bool = False,
                seed: int = 0, class_weight: Any = None, first: int = 0, rows: int = -1,
                ranges: dict[str, Range | None] | None = None):  # fmt: skip
        """Batches for the core. `ranges`: by target, the labels that its loss knows."""
        ranges = ranges or {}
        if (images := self._image_rows()) is not None:
            if class_weight is not None:
                raise _core.Error("[fit] a table of images takes no class_weight")
            if self._options["stream"] is not None:
                raise _core.Error("[data] a table of images is kept as it is, not streamed")
            return images.source(targets, batch_size, shuffle, seed, first, rows)
        groups = self._grouped(network, targets)
        asked = [(g[2], g[4]) for g in groups]
        table, places = self._table(asked)
        fields = _fields(network, groups, table.columns, places)
        if is_balanced(class_weight):
            require_one_output(len(targets))
            counted = self._source(network, targets, _COUNTED, first=first, rows=rows)
            class_weight = balanced(_core.class_counts(counted))
        if class_weight is not None:
            fields = _with_class_weight(fields, class_weight, targets)
        known = {
            c.name: _counted_from(ranges[name], c)
            for name, role, group, *_ in groups
            if role == "label" and ranges.get(name) is not None
            for c in group
        }
        if self._options["stream"] is not None:
            return self._streamed(asked, known, fields, batch_size, shuffle, seed, first, rows)
        for column, range in known.items():
            check_extremes(column, table.extremes[column], range)
        return _core.table_source(table, fields, batch_size, shuffle, seed, first, rows)

    def _rows(self, network: Any, targets: list[str]) -> int:
        if (images := self._image_rows()) is not None:
            return images.n
        if (n := self._streamed_rows()) is not None:
            return n
        groups = self._grouped(network, targets)
        return self._table([(g[2], g[4]) for g in groups])[0].n_rows

    def _batches(self, network: Any) -> Iterator[list]:
        """The inputs, batch by batch."""
        groups = self._grouped(network, None)
        if any(c.image is not None for g in groups for c in g[2]):
            from andiron._image_columns import image_batches

            yield from image_batches(self, network, groups, _fields)
            return
        columns = list(dict.fromkeys(c for g in groups for c in g[2]))
        places = {c: i for i, c in enumerate(columns)}
        if self._read is not None and self._options["one_shot"]:
            raise _core.Error("[data] the stream was read to train on; it cannot be read again")
        stream = self._take_stream(sorted({c.name for c in columns}))
        specs = [c._spec() for c in columns]
        with _cures(specs):
            batches = _core.ArrowBatches(stream, specs)
        fields = None
        while True:
            with _cures(specs):
                if not batches.next():
                    return
            if batches.rows:
                fields = fields or _fields(network, groups, batches.columns, places)
                yield batches.tensors(fields)

    def _specs(self) -> list:
        """(dtype, shape) of the inputs, for models that are built by what they first see."""
        if (column := self._image_column()) is not None:
            return [("float32", (None, *column.image.shape))]
        names = list(self._features) if isinstance(self._features, dict) else ["x"]
        groups = self._inputs(names)
        table, places = self._table([(c, "") for c, _ in groups] + self._outer())
        widths = []
        for columns, alone in groups:
            keys = [tuple(columns)] if tuple(columns) in places else columns
            rows = [table.columns[places[k]][2] for k in keys]
            row = rows[0] if alone else (sum(int(np.prod(r)) for r in rows),)
            widths.append(("float32", (None, *row)))
        return widths

    def _arrays_for(self, network: Any) -> list[np.ndarray]:
        """The inputs of a model, in memory."""
        parts = list(self._batches(network))
        if not parts:
            raise _core.Error("[data] is empty: 0 samples")
        return _concatenated(parts)

    # For users.

    def arrays(self, columns: Any = None) -> list[np.ndarray]:
        """The features (or the columns of a dict like it) as arrays in memory, in order."""
        wanted = self._features if columns is None else columns
        names = list(wanted) if isinstance(wanted, dict) else ["x"]
        kept, self._features = self._features, wanted
        try:
            return _concatenated(list(self._batches(_Natural(names))))
        finally:
            self._features = kept

    def _pieces(self) -> Iterator:
        """The features of one input, batch by batch, in the columns' own dtypes."""
        names = list(self._features) if isinstance(self._features, dict) else ["x"]
        if len(names) > 1:
            raise _core.Error(f"[data] the columns of one input are wanted; got inputs {names}")
        for batch in self._batches(_Natural(names)):
            yield batch[0]

    def _text_stream(self):
        """(stream, names) of the features of one input, as they come."""
        names = list(self._features) if isinstance(self._features, dict) else ["x"]
        if len(names) > 1:
            raise _core.Error(f"[data] the columns of one input are wanted; got inputs {names}")
        columns = [c.name for c in self._inputs(names)[0][0]]
        return self._take_stream(columns), columns

    def _has_rows(self, network: Any, targets: list[str]) -> bool:
        """Whether there is a row; reads the table as `_source` does."""
        try:
            return self._rows(network, targets) > 0
        except _core.Error as error:
            if "is empty" in str(error):
                return False
            raise

    def __len__(self) -> int:
        if (images := self._image_rows()) is not None:
            return images.n
        if (n := self._streamed_rows()) is not None:
            return n
        return self._whole().n_rows

    def _streamed_rows(self) -> int | None:
        if self._options["stream"] is None:
            return None
        return sum(unit.rows for unit in self._options["stream"][0].units)

    def _whole(self):
        """The table, as it was read for a model or, before that, for itself."""
        if self._read is None:
            self._specs()
        return self._read[0]

    @property
    def spilled(self) -> bool:
        """Whether the rows were too many for `memory_budget` and lie in a file."""
        return self._read is not None and self._read[0].spilled

    def digest(self) -> str:
        """128 bits that identify the rows whatever their order, as 32 hexadecimal digits."""
        if (images := self._image_rows()) is not None:
            return images.digest
        if self._options["stream"] is not None:
            raise _core.Error(
                "[data] a stream is not read as a whole before it is trained on: it has no digest"
            )
        return self._whole().digest


class _Natural:
    """In the place of a model: inputs of the columns' own dtypes."""

    def __init__(self, names: list[str]):
        self.input_names = names
        self.text_inputs = [False] * len(names)
        self.inputs = None


def _fields(network: Any, groups: list, columns: list, places: dict) -> list:
    """(name, role, dtype, row, places of columns, class weights) for the core."""
    fields = []
    for name, role, group, alone, _ in groups:
        at = [places[tuple(group)]] if tuple(group) in places else [places[c] for c in group]
        rows = [columns[p][2] for p in at]
        count = sum(int(np.prod(r)) for r in rows)
        row = list(rows[0]) if alone else [count]
        dtypes = {columns[p][1] for p in at}
        dtype = dtypes.pop() if len(dtypes) == 1 else "float32"
        if role == "weight":
            dtype, row = "float32", []
        elif role == "input" and network.inputs is not None:
            taken = network.inputs[network.input_names.index(name)]
            dtype, wanted = taken.dtype, list(taken.shape[1:])
            if None not in wanted and all(isinstance(n, int) for n in wanted):
                if int(np.prod(wanted)) != count:
                    raise _core.Error(
                        f"[data] input {name!r} takes rows of {tuple(wanted)}, and its columns "
                        f"{[c.name for c in group]} have {count} numbers"
                    )
                row = wanted
        fields.append((name, role, dtype, row, at, None))
    return fields


def _counted_from(known: Range, column: Column) -> Range:
    """The hint for a label of texts, whose ids count from 1 beside an entry for unknown ones."""
    vocabulary = column.vocabulary
    if vocabulary is None or not vocabulary.unknown:
        return known
    entries = ", ".join(map(repr, vocabulary.entries[:3]))
    entries += ", ..." if len(vocabulary.entries) > 3 else ""
    hint = (
        "The vocabulary's id 0 stands for unknown texts, so that its texts count from 1: "
        f"data.Vocabulary([{entries}], unknown=False) counts from 0"
    )
    return known._replace(hint=hint)


def _with_class_weight(fields: list, class_weight: dict, targets: list[str]) -> list:
    require_one_output(len(targets))
    table = weights_by_class(class_weight)
    weights = [f for f in fields if f[1] == "weight"]
    kept = [f for f in fields if f[1] != "weight"]
    name, at = (weights[0][0], weights[0][4]) if weights else ("sample_weight", [])
    return [*kept, (name, "weight", "float32", [], at, table)]


def _concatenated(parts: list[list]) -> list[np.ndarray]:
    arrays = [[np.asarray(t) for t in part] for part in parts]
    return [p[0] if len(p) == 1 else np.concatenate(p) for p in zip(*arrays, strict=True)]


def is_table(x: Any) -> bool:
    """Whether x is Data, Arrow data or a path; DataFrames of pandas are arrays, too."""
    if isinstance(x, str):
        known = uncompressed(x).endswith((".parquet", ".csv", ".tsv"))
        return known or glob.has_magic(x) or os.path.exists(x)
    if isinstance(x, (Data, os.PathLike)):
        return True
    if (
        isinstance(x, np.ndarray)
        or (pandas := sys.modules.get("pandas")) is not None
        and (isinstance(x, (pandas.DataFrame, pandas.Series)))
    ):
        return False
    dataset = sys.modules.get("pyarrow.dataset")
    return (
        (hasattr(x, "__arrow_c_stream__") and not hasattr(x, "dtype") and not _is_chunked(x))
        or (dataset is not None and isinstance(x, (dataset.Dataset, dataset.Scanner)))
        or _is_record_batch(x)
    )


def _is_record_batch(x: Any) -> bool:
    pa = sys.modules.get("pyarrow")
    return pa is not None and isinstance(x, pa.RecordBatch)


def _is_chunked(x: Any) -> bool:
    pa = sys.modules.get("pyarrow")
    return pa is not None and isinstance(x, (pa.ChunkedArray, pa.Array))
