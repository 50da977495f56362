"""Raw events (who met what, when), and what they say of pairs up to a moment."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import numpy as np
import pandas as pd

from andiron.apps.recommend.crew import Alone
from andiron.apps.recommend.data import Interactions, _ids, _numbers, _times, read_table
from andiron.apps.recommend.history import Histories
from andiron.apps.recommend.ids import IdMap
from andiron.apps.recommend.neighbours import ItemKNN
from andiron.apps.recommend.recommender import BATCH

_COUNTED = ("keys", "of_pairs", "of_users", "of_items", "pair_last", "user_last")
_PRIORS = (2.0, 20.0)  # events
UNITS = {"s": 86_400.0, "ms": 86_400_000.0, "D": 1.0}


@dataclasses.dataclass(frozen=True, eq=False)
class Events:
    """Events in the order of time; a pair may come as often as it likes.

    Attributes:
        users, items: maps between ids and rows.
        user, item: [n] int64 rows. day: [n] float64, the time in days.
    """

    users: IdMap
    items: IdMap
    user: np.ndarray
    item: np.ndarray
    day: np.ndarray

    def __len__(self) -> int:
        return len(self.user)

    @classmethod
    def from_pandas(
        cls,
        table: pd.DataFrame,
        user: str = "user",
        item: str = "item",
        time: str = "time",
        unit: str = "s",
    ) -> Events:
        """Reads a table with one line an event.

        Args:
            user, item, time: names of columns; times are dates, or numbers of `unit`s.
            unit: "s", "ms" or "D" (days), of times that are numbers.

        Raises:
            ValueError: a column is missing, the table is empty, an id or a time is missing.

        Example:
            >>> events = pd.DataFrame({"user": [1, 1], "item": ["a", "a"], "time": [0, 86_400]})
            >>> Events.from_pandas(events).day.tolist()
            [0.0, 1.0]
        """
        missing = [column for column in (user, item, time) if column not in table.columns]
        if missing:
            raise ValueError(
                f"[propensity] the table has no column {missing[0]!r}; its columns are "
                f"{list(map(str, table.columns))}"
            )
        if unit not in UNITS:
            raise ValueError(f"[propensity] unit is one of {list(UNITS)}; got {unit!r}")
        if len(table) == 0:
            raise ValueError("[propensity] the table has no lines; at least one is needed")
        if pd.api.types.is_numeric_dtype(table[time].dtype):
            day = _numbers(table[time], np.float64) / UNITS[unit]
        else:
            day = _times(table[time]) / UNITS["s"]
        users, user_rows = _ids(table[user])
        items, item_rows = _ids(table[item])
        order = np.argsort(day, kind="stable")
        return cls(users, items, user_rows[order], item_rows[order], day[order])

    @classmethod
    def read(cls, path: str | Path, **columns) -> Events:
        """Reads a .csv, .csv.gz or .parquet file; `columns` as in `from_pandas`."""
        return cls.from_pandas(read_table(path), **columns)

    def between(self, first: float, last: float = np.inf) -> Events:
        """Those with first <= day < last; the ids stay."""
        a, b = np.searchsorted(self.day, [first, last])
        return dataclasses.replace(
            self, user=self.user[a:b], item=self.item[a:b], day=self.day[a:b]
        )

    def keys(self) -> np.ndarray:
        """user * n_items + item of each event."""
        return self.user * np.int64(len(self.items)) + self.item


class Moment:
    """What events before a day say of users, items and pairs on that day.

    Args:
        events: all of them are used; at least one. day: the moment; no event is later.
        half_lives: in days, of sums in which an event counts 2^(-age / half-life).
        first: the day on which events began to be recorded; ages are cut there.
        crew: of workers that have all events of some users each; this one has `events`. What is
            said of items is then of the users of all. Default: no others.
    """

    def __init__(
        self,
        events: Events,
        day: float,
        half_lives: tuple[float, ...],
        first: float,
        crew: Alone | None = None,
    ) -> None:
        crew = crew or Alone()
        self.users, self.items, self.day, self.first = events.users, events.items, day, first
        self.half_lives = half_lives
        age = day - events.day
        faded = [np.exp2(-age / h) for h in half_lives] + [np.ones(len(age))]
        keys, where = np.unique(events.keys(), return_inverse=True)
        self.keys = keys
        self.of_pairs = _sums(where, faded, len(keys))
        self.of_users = _sums(events.user, faded, len(self.users))
        of_items = crew.gathered({"sums": _sums(events.item, faded, len(self.items))})
        self.of_items = np.sum([part["sums"] for part in of_items], axis=0)
        self.pair_last = _last(where, events.day, len(keys), first)
        self.user_last = _last(events.user, events.day, len(self.users), first)
        _, first_met = np.unique(events.keys(), return_index=True)
        kept = np.sort(first_met)
        met = Interactions(self.users, self.items, events.user[kept], events.item[kept], time=kept)
        self.affinity = ItemKNN()
        self.affinity._fit(met, None, None, crew, None, 0)

    def state(self) -> dict[str, np.ndarray]:
        """What was counted, by name; without ids and neighbours."""
        return {name: getattr(self, name) for name in _COUNTED}

    def of_own_users(self) -> dict[str, np.ndarray]:
        """What was counted of the users with events: what a worker has to tell the others."""
        mine = np.flatnonzero(self.met)
        histories = self.affinity._histories
        return {
            "users": mine,
            "keys": self.keys,
            "of_pairs": self.of_pairs,
            "pair_last": self.pair_last,
            "of_users": self.of_users[:, mine],
            "user_last": self.user_last[mine],
            "met": np.diff(histories.starts)[mine],
            "items": histories.items,
        }

    @classmethod
    def joined(cls, parts: list[dict[str, np.ndarray]], of_items: np.ndarray, nearest: dict,
               users: IdMap, items: IdMap, day: float, first: float,
               half_lives: tuple[float, ...]) -> Moment:  # fmt: skip
        """The moment of all users, from what workers told of theirs (`of_own_users`).

        Args:
            of_items: sums of all items. nearest: the state of `affinity`; both are the same for
                all workers.
        """
        n, lines = len(users), 1 + len(half_lives)
        order = np.argsort(np.concatenate([part["keys"] for part in parts]), kind="stable")
        state = {"of_items": of_items, "of_users": np.zeros((lines, n)),
                 "user_last": np.full(n, first)}  # fmt: skip
        for name in ("keys", "of_pairs", "pair_last"):
            state[name] = np.concatenate([part[name] for part in parts], axis=-1)[..., order]
        counts = np.zeros(n, np.int64)
        for part in parts:
            state["of_users"][:, part["users"]] = part["of_users"]
            state["user_last"][part["users"]] = part["user_last"]
            counts[part["users"]] = part["met"]
        owner = np.concatenate([np.repeat(part["users"], part["met"]) for part in parts])
        met = np.concatenate([part["items"] for part in parts])[np.argsort(owner, kind="stable")]
        starts = np.concatenate([[0], np.cumsum(counts)])
        affinity = ItemKNN()
        affinity._complete(users, items, Histories(met, starts, len(items)), nearest, {})
        return cls.of_state(state, users, items, affinity, day, first, half_lives)

    @classmethod
    def of_state(cls, state: dict[str, np.ndarray], users: IdMap, items: IdMap, affinity: ItemKNN,
                 day: float, first: float, half_lives: tuple[float, ...]) -> Moment:  # fmt: skip
        """The moment whose `state` it was.

        Raises:
            ValueError: the sizes do not fit.
        """
        moment = cls.__new__(cls)
        moment.users, moment.items, moment.day, moment.first = users, items, day, first
        moment.half_lives, moment.affinity = half_lives, affinity
        for name in _COUNTED:
            setattr(moment, name, state[name])
        lines = 1 + len(half_lives)
        sizes = {"of_pairs": len(moment.keys), "of_users": len(users), "of_items": len(items)}
        for name, n in sizes.items():
            if state[name].shape != (lines, n):
                raise ValueError(f"its {name} are {state[name].shape}, not {(lines, n)}")
        if not len(moment.keys) or moment.keys[-1] >= len(users) * len(items):
            raise ValueError("its pairs do not fit its users and items")
        return moment

    @functools.cached_property
    def met(self) -> np.ndarray:
        """How many items each user has met."""
        return np.bincount(self.keys // len(self.items), minlength=len(self.users))

    def features(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Numbers about pairs of rows, [n, width] float32."""
        keys = users * np.int64(len(self.items)) + items
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        there = self.keys[at] == keys
        pair = self.of_pairs[:, at] * there
        last = np.where(there, self.pair_last[at], self.first)
        of_user, of_item = self.of_users[:, users], self.of_items[:, items]
        total = np.maximum(self.of_items.sum(axis=1, keepdims=True), 1e-9)
        share = of_item / total
        taste = self._taste(users, items)
        columns = [
            there.astype(np.float64),
            *np.log1p(pair),
            np.log1p(self.day - last) * there,
            *np.log1p(of_user / self._length),
            np.log1p(self.day - self.user_last[users]),
            np.log1p(self.met[users]),
            *np.log(share + 1e-7),
            np.log((share[0] + 1e-7) / (share[-1] + 1e-7)),
            np.log(taste + 1e-6),
        ]
        # The events to expect of the pair: its own, and as many as `prior` of everyone's share or
        # of the taste's (a gamma prior of Poisson rates).
        for among in (share[-1], taste):
            for prior in _PRIORS:
                kept = (pair + prior * among) / (of_user + prior)
                columns += list(np.log(kept * of_user / self._length + 1e-7))
        return np.stack(columns, axis=1).astype(np.float32)

    @property
    def _length(self) -> np.ndarray:
        """The days that each sum covers, later ones counting more: [half-lives + 1, 1]."""
        age = max(self.day - self.first, 1e-9)
        faded = [h / np.log(2) * (1 - np.exp2(-age / h)) for h in self.half_lives]
        return np.array([*faded, age])[:, None]

    def _taste(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Shares of the items in the scores of the neighbours of what a user has met."""
        out = np.zeros(len(users))
        order = np.argsort(users, kind="stable")
        distinct, starts = np.unique(users[order], return_index=True)
        lines = np.repeat(np.arange(len(distinct)), np.diff(np.append(starts, len(users))))
        for start in range(0, len(distinct), BATCH):
            here = slice(*np.searchsorted(lines, [start, start + BATCH]))
            scores = self.affinity.scores(distinct[start : start + BATCH]).astype(np.float64)
            scores /= np.maximum(scores.sum(axis=1, keepdims=True), 1e-12)
            out[order[here]] = scores[lines[here] - start, items[order[here]]]
        return out


def _sums(at: np.ndarray, weights: list[np.ndarray], n: int) -> np.ndarray:
    return np.stack([np.bincount(at, w, n) for w in weights])


def _last(at: np.ndarray, day: np.ndarray, n: int, otherwise: float) -> np.ndarray:
    out = np.full(n, otherwise)
    out[at] = day  # in the order of time: the last one stays
    return out
