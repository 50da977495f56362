"""Ids of a user's table to row numbers and back, kept as JSON beside a model."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

UNKNOWN = -1  # the row number of an id that was not there at training time


class IdMap:
    """A one-to-one map between ids (strings or integers) and the rows 0 … n-1.

    Rows are in the ascending order of ids, so the same ids give the same map in any order of rows.

    Args:
        ids: distinct ids, all strings or all integers.

    Raises:
        ValueError: an id is repeated.

    Example:
        >>> cities = IdMap.of(["Lyon", "Bari", "Lyon"])
        >>> cities.rows(["Lyon", "Oslo"]).tolist()
        [1, -1]
        >>> cities.ids.tolist()
        ['Bari', 'Lyon']
    """

    def __init__(self, ids: Iterable) -> None:
        self.ids = np.asarray(list(ids) if not isinstance(ids, np.ndarray) else ids)
        self._is_integer = self.ids.size == 0 or np.issubdtype(self.ids.dtype, np.integer)
        repeated = len(self.ids) - len(np.unique(self.ids))
        if repeated:
            raise ValueError(f"[ids] ids are distinct; {repeated} are repeated")

    @functools.cached_property
    def _row(self) -> dict:
        return {key: row for row, key in enumerate(self.ids.tolist())}

    @classmethod
    def of(cls, values: Iterable) -> IdMap:
        """The map of the distinct values of a column, which has no missing values."""
        values = np.asarray(values)
        if values.dtype == object:
            values = values.astype(str)
        return cls(np.unique(values))

    def __len__(self) -> int:
        return len(self.ids)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IdMap) and np.array_equal(self.ids, other.ids)

    def rows(self, values: Iterable) -> np.ndarray:
        """Row numbers [n] int64 of ids; UNKNOWN (-1) where an id is not in the map.

        A number with a fraction is no integer's id; texts of digits are.

        Raises:
            ValueError: it is one id, not several, or ids are lists themselves.
        """
        if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
            raise ValueError(f"[ids] several ids are needed, in a list; got {values!r}")
        dtype = getattr(values, "dtype", None)
        if isinstance(dtype, np.dtype) and np.can_cast(dtype, np.int64) and dtype.kind in "iu":
            if self._ascending is not None:
                return self._found(np.asarray(values, np.int64))
        values = values.tolist() if hasattr(values, "tolist") else list(values)
        if values and isinstance(values[0], (list, tuple, dict, set, np.ndarray)):
            raise ValueError(f"[ids] an id is a text or a number; got {values[0]!r}")
        keys = map(_whole, values) if self._is_integer else map(str, values)
        found = map(self._row.get, keys, itertools.repeat(UNKNOWN))
        return np.fromiter(found, np.int64, len(values))

    @functools.cached_property
    def _ascending(self) -> np.ndarray | None:
        """The ids, if they are ascending integers: then no table is needed to find them."""
        if not (np.issubdtype(self.ids.dtype, np.integer) and len(self.ids)):
            return None
        if not np.can_cast(self.ids.dtype, np.int64) or (self.ids[1:] < self.ids[:-1]).any():
            return None
        return self.ids.astype(np.int64, copy=False)

    def _found(self, values: np.ndarray) -> np.ndarray:
        at = np.minimum(np.searchsorted(self._ascending, values), len(self.ids) - 1)
        return np.where(self._ascending[at] == values, at, UNKNOWN)

    def __getstate__(self) -> dict:
        """Tables are made again where they are needed."""
        return {"ids": self.ids, "_is_integer": self._is_integer}

    def extended(self, values: Iterable) -> IdMap:
        """This map with new ids in the rows from len(self) on.

        Raises:
            ValueError: an id is there already, comes twice, or is not of the map's kind.
        """
        new = np.asarray(list(values))
        if new.size and self._is_integer != np.issubdtype(new.dtype, np.integer):
            kind = "integers" if self._is_integer else "strings"
            raise ValueError(f"[ids] ids of this map are {kind}; got {new[0]!r}")
        known = self.rows(new) != UNKNOWN
        if known.any():
            raise ValueError(f"[ids] new ids are not known yet; {new[known][0]} is")
        return IdMap(np.concatenate([self.ids, new]))

    def save(self, path: str | Path) -> None:
        """Writes the ids as a JSON list, row by row."""
        kind = "integer" if self._is_integer else "string"
        text = json.dumps({"kind": kind, "ids": self.ids.tolist()}, ensure_ascii=False)
        Path(path).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> IdMap:
        """Reads what `save` wrote.

        Raises:
            ValueError: the file is not an id map.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            dtype = {"integer": np.int64, "string": np.str_}[content["kind"]]
            return cls(np.array(content["ids"], dtype=dtype))
        except (KeyError, TypeError, UnicodeDecodeError, OverflowError, ValueError) as error:
            raise ValueError(f"[ids] {path} is not an id map: {error}") from error


def _whole(value: object) -> int | None:
    """The integer that a value is; None where it is none."""
    try:
        whole = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return None if isinstance(value, float) and whole != value else whole
