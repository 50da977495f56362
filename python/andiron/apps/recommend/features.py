"""Columns about users or items, as numbers that a network reads."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pandas as pd

SEPARATOR = "|"  # between the values of a column that has several in a line


@dataclasses.dataclass(frozen=True)
class FeatureColumn:
    """One column, as learnt from the training table.

    Attributes:
        name: of the column. kind: "number", "category" or "bag" (several categories a line).
        mean, scale: of a number, which becomes (x - mean) / scale; a missing one becomes 0.
        values: of a category or bag. Place 0 of the columns that it becomes is for unknown values,
            place k for values[k - 1]; the values of a bag weigh 1 / their number.
        unknown: whether training had unknown values (missing, or too rare for `max_values`). If
            not, nothing was learnt for place 0, and an unknown value leaves it at 0.
    """

    name: str
    kind: str
    mean: float = 0.0
    scale: float = 1.0
    values: tuple[str, ...] = ()
    unknown: bool = False

    @classmethod
    def of(cls, column: pd.Series, max_values: int) -> FeatureColumn:
        name = str(column.name)
        if _is_number(column):
            x = column.to_numpy(np.float64, na_value=np.nan)
            x = x[np.isfinite(x)]
            scale = float(x.std()) if len(x) else 0.0
            return cls(name, "number", float(x.mean()) if len(x) else 0.0, scale or 1.0)
        lines = _values(column)
        counts = Counter(value for line in lines for value in line)
        values = tuple(sorted(value for value, _ in counts.most_common(max_values)))
        kind = "bag" if any(len(line) > 1 for line in lines) else "category"
        known = set(values)
        unknown = any(not line or not known.issuperset(line) for line in lines)
        return cls(name, kind, values=values, unknown=unknown)

    @property
    def width(self) -> int:
        return 1 if self.kind == "number" else 1 + len(self.values)

    def encode(self, column: pd.Series) -> np.ndarray:
        """[n, width] float32."""
        if self.kind == "number":
            x = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
            x = (x - self.mean) / self.scale
            return np.where(np.isfinite(x), x, 0.0).astype(np.float32)[:, None]
        place = {value: at for at, value in enumerate(self.values, 1)}
        out = np.zeros((len(column), self.width), np.float32)
        for line, values in enumerate(_values(column)):
            for value in values or [""]:
                out[line, place.get(value, 0)] += 1 / max(len(values), 1)
        if not self.unknown:
            out[:, 0] = 0.0
        return out


def _is_number(column: pd.Series) -> bool:
    types = pd.api.types
    return types.is_numeric_dtype(column.dtype) and not types.is_bool_dtype(column.dtype)


def _values(column: pd.Series) -> list[list[str]]:
    """The distinct values of each line; none where the line is missing."""
    lines = column.astype(object).where(column.notna(), "").astype(str)
    return [list(dict.fromkeys(v for v in line.split(SEPARATOR) if v)) for line in lines]


class Features:
    """A table of features, and how more lines of it are read.

    Numbers are standardised; other columns are categories, or bags of categories where a line has
    several ("Comedy|Drama"), through a vocabulary with a place for unknown values.

    Args:
        columns: as learnt. table: [n, width] float32, the encoded lines.

    Example:
        >>> films = pd.DataFrame({"genres": ["Comedy|Drama", "Drama"], "year": [1994, 1996]})
        >>> features = Features.of(films)
        >>> features.table.tolist()
        [[0.0, 0.5, 0.5, -1.0], [0.0, 0.0, 1.0, 1.0]]
        >>> features.encode(pd.DataFrame({"genres": ["Western"], "year": [None]})).tolist()
        [[0.0, 0.0, 0.0, 0.0]]
    """

    def __init__(self, columns: tuple[FeatureColumn, ...], table: np.ndarray) -> None:
        self.columns, self.table = columns, table
        if table.shape[1:] != (self.width,):
            raise ValueError(f"[features] lines have {self.width} numbers; got {table.shape[1:]}")

    @classmethod
    def of(cls, table: pd.DataFrame, max_values: int = 200) -> Features:
        """Learns the columns of `table`. Of categories the `max_values` most frequent are kept."""
        columns = tuple(FeatureColumn.of(table[name], max_values) for name in table.columns)
        empty = np.zeros((0, sum(column.width for column in columns)), np.float32)
        features = cls(columns, empty)
        features.table = features.encode(table)
        return features

    @property
    def width(self) -> int:
        return sum(column.width for column in self.columns)

    def encode(self, table: pd.DataFrame) -> np.ndarray:
        """Lines of a table with the same columns, [n, width] float32.

        Raises:
            ValueError: a column is missing.
        """
        missing = [c.name for c in self.columns if c.name not in table.columns]
        if missing:
            raise ValueError(
                f"[features] the table has no column {missing[0]!r}, which the model was trained "
                f"with; its columns are {list(map(str, table.columns))}"
            )
        return np.concatenate([c.encode(table[c.name]) for c in self.columns], axis=1)

    def extended(self, table: pd.DataFrame) -> Features:
        """These, with the lines of `table` at the end."""
        return Features(self.columns, np.concatenate([self.table, self.encode(table)]))

    def to_json(self) -> list[dict]:
        """What was learnt, without the table."""
        return [dataclasses.asdict(column) for column in self.columns]

    @classmethod
    def from_json(cls, content: list[dict], table: np.ndarray) -> Features:
        columns = (FeatureColumn(**{**c, "values": tuple(c["values"])}) for c in content)
        return cls(tuple(columns), table)
