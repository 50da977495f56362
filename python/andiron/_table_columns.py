"""Columns of tables: how each becomes numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from andiron import _core
from andiron._vocabulary import Vocabulary


@dataclass(frozen=True)
class Column:
    """How a column of a table becomes numbers.

    Args:
        name: of the column.
        dtype: to convert to when it is read. Default: the nearest to the column's type
            (docs/data.md); batches have the dtype of the model's input in any case. "string" keeps
            texts as texts, for an Input of that dtype (which is the default there).
        nulls: "error", a number that nulls become (float("nan") too), or "unknown" for texts: the
            vocabulary's entry for unknown ones. Default: "error".
        vocabulary: for texts: a Vocabulary, a list of texts (with an entry for unknown ones), or
            the path of a saved one.
        length: of lists, vectors and binaries: numbers a row. Shorter lists are padded by `pad`.
            Default: as many as the first row has, and all others must have.
        pad: default 0; use -1 for ids of an EmbeddingBag, which skips negative ones.
        truncate: what lists longer than `length` lose: "post" their end, "pre" their beginning
            (the last `length` stay). Default: they are an error.
        unit: of times: "days", "s", "ms", "us" or "ns". Default: the column's own.
        image: an andiron.images.Pipeline, for a column of images (bytes of files, paths, or Spark's
            image structs), which is an input of its own.
        errors: what an image that cannot be read does: "raise", or "null": `fit` takes the next one
            in its place and counts it, predictions are NaN (in Spark null).

    Example:
        >>> import pyarrow as pa
        >>> from andiron import data
        >>> words = data.Column("words", length=3, pad=-1)
        >>> table = pa.table({"words": [[5, 6], [7], [1, 2, 3]]})
        >>> data.from_arrow(table, features={"bag": words}).arrays()[0].tolist()
        [[5, 6, -1], [7, -1, -1], [1, 2, 3]]
    """

    name: str
    dtype: Any = None
    nulls: Any = "error"
    vocabulary: Any = None
    length: int | None = None
    pad: float = 0.0
    unit: str | None = None
    image: Any = None
    errors: str = "raise"
    truncate: str | None = None

    def __post_init__(self) -> None:
        if self.vocabulary is not None:
            object.__setattr__(self, "vocabulary", Vocabulary._from(self.vocabulary))

    def _spec(self, check: str = "") -> dict:
        if self.image is not None:
            raise _core.Error(
                f"[data] column {self.name!r} is of images: it is the one input of a model that is "
                "trained on it, and no label"
            )
        fill = self.nulls
        if isinstance(fill, str):
            if fill not in ("error", "unknown"):
                raise _core.Error(
                    f'[data] column {self.name!r}: nulls are "error", "unknown" or a number; '
                    f"got {fill!r}"
                )
            if fill == "unknown" and not (self.vocabulary and self.vocabulary.unknown):
                raise _core.Error(
                    f"[data] column {self.name!r}: nulls as unknown texts need a vocabulary with "
                    "an entry for those"
                )
            fill = 0.0 if fill == "unknown" else None
        core = None if self.vocabulary is None else self.vocabulary._core
        texts = self.dtype == "string"
        return {
            "name": self.name, "dtype": None if texts else self.dtype, "fill": fill,
            "vocabulary": core, "length": self.length, "pad": self.pad, "unit": self.unit,
            "check": check, "truncate": self.truncate, "fingerprints": texts,
        }  # fmt: skip


def refuse_unknown(option: str, names: Iterable[str], there: list[str], face: str = "data") -> None:
    """For options that are given by column: a name that is no column would have no effect."""
    for name in names:
        if name not in there:
            listed = ", ".join(map(repr, there)) or "none"
            raise _core.Error(
                f"[{face}] {option} has {name!r}, which is no column; there are {listed}"
            )


def is_column(x: Any) -> bool:
    return isinstance(x, (str, Column))


def names_columns(y: Any) -> bool:
    """Whether targets are given as names of columns."""
    if isinstance(y, dict):
        return bool(y) and all(names_columns(v) for v in y.values())
    return is_column(y) or (isinstance(y, (list, tuple)) and bool(y) and all(map(is_column, y)))


def as_text(column: Column) -> Column:
    """A column of an input of texts."""
    if column.vocabulary is not None or column.dtype not in (None, "string"):
        raise _core.Error(
            f"[data] column {column.name!r} is for an input of texts, whose layers have the "
            "vocabulary: leave vocabulary and dtype out"
        )
    return replace(column, dtype="string")
