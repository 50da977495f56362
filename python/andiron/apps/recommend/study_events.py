"""Events of users at merchants with planted structure: large tables whose best scores are known.

For sizing a cluster, and for seeing how far a recommender is from what can be reached. The default
shape is that of a published study: 675,000 users, 2,000 merchants.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from andiron.apps.recommend.known_optimum import Optimum, optimum_of

BLOCK = 1024  # users that share a random stream; a part of the definition of the data
_AT_ONCE = 1 << 21  # (user, merchant) pairs in memory
_ROW_GROUP = 1 << 20
_MANIFEST = "_planted.json"  # readers of Parquet folders skip names that begin with _
_DAY_MS = 86_400_000
_OF_MERCHANTS, _OF_USERS, _OF_SAMPLES = 0, 1, 2  # streams


@dataclasses.dataclass(frozen=True)
class StudyEvents:
    """Events that are drawn from known rates.

    User u has events at merchant m as a Poisson process with, over the whole period, the rate

        rate(u, m) = a_u · softmax_m(log w_m + taste · p_u · q_m / sqrt(factors))

    with p_u and q_m standard normal, w_m falling like 1 / rank^popularity and a_u log-normal with
    the mean events / users. So the chance that u meets m in a window does not depend on what was
    before it, given the rates: scoring pairs by it is the best that anyone can do.

    Everything is a function of the settings alone: the same ones give the same files (with the
    same NumPy on the same kind of CPU), whatever their number.

    Args:
        users, merchants: how many; ids count from 0.
        events: the number to expect; the number drawn differs by about its root.
        days: length of the period. start: its first day.
        factors: length of p_u and q_m. taste: how much users differ in what they like.
        popularity: 0 makes merchants equally popular on average. activity: the standard deviation
            of log a_u; 0 makes users equally active.
        seed: of all of it.

    Raises:
        ValueError: a size is not positive, or a spread is negative.

    Example:
        >>> planted = StudyEvents(users=500, merchants=20, events=5_000)
        >>> planted.rates([0, 3]).shape
        (2, 20)
    """

    users: int = 675_000
    merchants: int = 2_000
    events: int = 20_000_000
    days: float = 365.0
    start: str = "2026-01-01"
    factors: int = 16
    taste: float = 1.5
    popularity: float = 1.0
    activity: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("users", "merchants", "events", "days", "factors"):
            if not getattr(self, name) > 0:
                raise ValueError(
                    f"[study_events] {name} must be positive; got {getattr(self, name)}"
                )
        for name in ("taste", "popularity", "activity", "seed"):
            if not getattr(self, name) >= 0:
                raise ValueError(
                    f"[study_events] {name} must not be negative; got {getattr(self, name)}"
                )

    # What is planted -----------------------------------------------------------------------------

    def rates(self, users: Sequence[int]) -> np.ndarray:
        """The events to expect in the whole period, [n, merchants] float64, for these users."""
        return np.exp(self.log_rates(users))

    def log_rates(self, users: Sequence[int]) -> np.ndarray:
        """Logarithms of `rates`.

        Raises:
            ValueError: a user is not in [0, users).
        """
        users = np.asarray(users, np.int64)
        if len(users) and not 0 <= users.min() <= users.max() < self.users:
            raise ValueError(
                f"[study_events] users are 0 to {self.users - 1}; got {users.min()} to "
                f"{users.max()}"
            )
        out = np.empty((len(users), self.merchants))
        for block in np.unique(users // BLOCK):
            lines = np.flatnonzero(users // BLOCK == block)
            taste, log_activity = self._users_of(self._stream(_OF_USERS, block))
            here = users[lines] % BLOCK
            for start in range(0, len(lines), self._chunk):
                some = slice(start, start + self._chunk)
                chances = self._log_chances(taste[here[some]])
                out[lines[some]] = chances + log_activity[here[some], None]
        return out

    def probabilities(self, users: Sequence[int], days: float) -> np.ndarray:
        """The chance of each merchant to be met within a window of `days`, [n, merchants]."""
        return -np.expm1(-self.rates(users) * (days / self.days))

    def optimum(self, days: float, users: int | None = None) -> Optimum:
        """What the best scorer reaches in telling who meets whom within a window of `days`.

        Over all pairs of a user and a merchant, in the mean over what may be drawn.

        Args:
            days: length of the window.
            users: a random sample of so many, with a standard error. Default: all of them, exactly
                but for some 1e-6 from the grid on which probabilities are sorted.

        Returns:
            auroc and auprc (average precision) with their standard errors.
        """
        if users is None or users >= self.users:
            chosen, sampled = np.arange(self.users), False
        else:
            stream = self._stream(_OF_SAMPLES, 0)
            chosen, sampled = np.sort(stream.choice(self.users, users, replace=False)), True
        chunks = np.split(chosen, range(self._chunk, len(chosen), self._chunk))
        window = np.log(days / self.days)
        return optimum_of((self.log_rates(chunk) + window for chunk in chunks), sampled)

    # Events --------------------------------------------------------------------------------------

    @property
    def blocks(self) -> int:
        """Parts in which events are drawn, each of so many users."""
        return -(-self.users // BLOCK)

    def block(self, number: int) -> pa.Table:
        """The events of one part's users in the order of time: user, merchant, time."""
        stream = self._stream(_OF_USERS, number)
        taste, log_activity = self._users_of(stream)
        counts = stream.poisson(np.exp(log_activity))
        counts[self.users - number * BLOCK :] = 0
        where, when = stream.random(counts.sum()), stream.random(counts.sum())
        user = np.repeat(np.arange(BLOCK), counts)
        merchant = np.empty(len(user), np.int32)
        for start in range(0, BLOCK, self._chunk):
            first, last = np.searchsorted(user, [start, start + self._chunk])
            if first < last:
                chances = np.exp(self._log_chances(taste[start : start + self._chunk]))
                merchant[first:last] = _drawn(chances, user[first:last] - start, where[first:last])
        order = np.argsort(when, kind="stable")
        first_ms = np.datetime64(self.start, "ms").astype(np.int64)
        time = first_ms + (when[order] * (self.days * _DAY_MS)).astype(np.int64)
        return pa.table(
            {
                "user": pa.array((user[order] + number * BLOCK).astype(np.int32)),
                "merchant": pa.array(merchant[order]),
                "time": pa.array(time, pa.timestamp("ms", tz="UTC")),
            }
        )

    def write(self, folder: str | Path, files: int = 8) -> int:
        """Writes all events as Parquet files, and the settings beside them; memory stays bounded.

        Args:
            folder: made where it is missing; must not hold Parquet files yet.
            files: how many; a file holds the events of neighbouring users.

        Returns:
            The number of events.

        Raises:
            ValueError: the folder has Parquet files.
        """
        folder = Path(folder)
        if any(folder.glob("*.parquet")):
            raise ValueError(f"[study_events] {folder} has Parquet files already: name another one")
        folder.mkdir(parents=True, exist_ok=True)
        cuts = np.linspace(0, self.blocks, min(files, self.blocks) + 1).astype(int)
        events = 0
        for number, (first, last) in enumerate(zip(cuts[:-1], cuts[1:], strict=True)):
            path = folder / f"part-{number:05d}.parquet"
            unfinished = path.with_suffix(".writing")
            tables = (self.block(block) for block in range(first, last))
            with pq.ParquetWriter(unfinished, _SCHEMA) as writer:
                for group in _row_groups(tables):
                    writer.write_table(group, row_group_size=len(group))
                    events += len(group)
            unfinished.rename(path)
        content = {**dataclasses.asdict(self), "written": events}
        (folder / _MANIFEST).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        return events

    @classmethod
    def of(cls, folder: str | Path) -> StudyEvents:
        """The settings of a folder that `write` made.

        Raises:
            ValueError: it is none, or was not finished.
        """
        try:
            content = json.loads((Path(folder) / _MANIFEST).read_text(encoding="utf-8"))
            content.pop("written")
            return cls(**content)
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"[study_events] {folder} is not a finished folder of planted events: {error}"
            ) from error

    # Streams -------------------------------------------------------------------------------------

    def _stream(self, *what: int) -> np.random.Generator:
        key = tuple(map(int, what))
        return np.random.Generator(
            np.random.Philox(np.random.SeedSequence(self.seed, spawn_key=key))
        )

    @cached_property
    def _merchants(self) -> tuple[np.ndarray, np.ndarray]:
        """q [merchants, factors], with all factors of the logits in it; log w [merchants]."""
        stream = self._stream(_OF_MERCHANTS)
        q = stream.standard_normal((self.merchants, self.factors))
        rank = stream.permutation(self.merchants) + 1
        return q * (self.taste / np.sqrt(self.factors)), -self.popularity * np.log(rank)

    def _users_of(self, stream: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """p [BLOCK, factors] and log a [BLOCK]: the first that a block's stream gives."""
        p = stream.standard_normal((BLOCK, self.factors))
        spread = self.activity * stream.standard_normal(BLOCK)
        return p, np.log(self.events / self.users) + spread - self.activity**2 / 2

    def _log_chances(self, taste: np.ndarray) -> np.ndarray:
        """Logarithms of the chances of the merchants in a user's event, [n, merchants]."""
        q, log_weights = self._merchants
        logits = taste @ q.T + log_weights
        logits -= logits.max(axis=1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return logits

    @property
    def _chunk(self) -> int:
        """Users at a time; by the merchants only, so that sums have the same bits."""
        return min(BLOCK, max(1, _AT_ONCE // self.merchants))


_SCHEMA = pa.schema(
    {"user": pa.int32(), "merchant": pa.int32(), "time": pa.timestamp("ms", tz="UTC")}
)


def _drawn(chances: np.ndarray, line: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The column at the quantile `where` of each chosen line of `chances` [n, m]."""
    m = chances.shape[1]
    upto = np.cumsum(chances, axis=1)
    upto /= upto[:, -1:]
    upto += np.arange(len(chances))[:, None]  # one ascending row of numbers for all lines
    found = np.searchsorted(upto.ravel(), where + line, side="right") - line * m
    return np.clip(found, 0, m - 1)


def _row_groups(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Neighbouring tables together, where they are short."""
    waiting, rows = [], 0
    for table in tables:
        waiting.append(table)
        rows += len(table)
        if rows >= _ROW_GROUP:
            yield pa.concat_tables(waiting)
            waiting, rows = [], 0
    if rows:
        yield pa.concat_tables(waiting)
