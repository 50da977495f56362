"""Pairs of users and items at a moment of the past, with what happened in the window behind it."""

from __future__ import annotations

import dataclasses

import numpy as np

from andiron.apps.recommend.crew import Alone
from andiron.apps.recommend.events import Events, Moment
from andiron.datasets import NegativeSampler

_PURPOSE = 0x9409  # of its random numbers


@dataclasses.dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs at a moment.

    Attributes:
        x: [n, width] what was known of each. label: [n] whether it met in the window.
        weight: [n] for how many pairs each stands.
        raised: [n] the logarithm of how much the sample raises the odds of its kind.
    """

    x: np.ndarray
    label: np.ndarray
    weight: np.ndarray
    raised: np.ndarray

    @classmethod
    def joined(cls, parts: list[Pairs]) -> Pairs:
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


class PairSampling:
    """Draws pairs of the users of each part of a crew, with random numbers of its own: all that had
    met, all that met in the window, and some of the others.

    Args:
        events: of this worker. first: the first day of all events.
        settings: PropensitySettings.
    """

    def __init__(self, events: Events, first: float, settings, crew: Alone) -> None:
        self._events, self._first, self._settings, self._crew = events, first, settings, crew
        self._parts = crew.parts(events)
        self._part_of = np.zeros(len(events.users), np.int32)  # by user
        for i, part in enumerate(self._parts):
            if part.positions is not None:
                self._part_of[events.user[part.positions]] = i
        self._windows = 0  # drawn so far

    def draw(self, cut: float, negatives: int) -> dict[int | None, Pairs]:
        """The pairs at the day `cut`, by number of part; with `negatives` unmet ones of each user.

        All workers draw at once.
        """
        s, events, n = self._settings, self._events, np.int64(len(self._events.items))
        before = events.between(-np.inf, cut)
        moment = Moment(before, cut, s.half_lives, self._first, self._crew)
        known = np.flatnonzero(moment.met)
        share = s.max_users / max(self._crew.total(len(known)), 1)
        window, self._windows = self._windows, self._windows + 1
        if not self._parts:
            return {}
        draws = [self._crew.generator(p, s.seed, _PURPOSE, window) for p in self._parts]
        users = [_some(known[self._part_of[known] == i], share, rng) for i, rng in enumerate(draws)]
        chosen = np.zeros(len(events.users), bool)
        chosen[np.concatenate(users)] = True
        there = moment.of_items[-1] > 0  # nobody had met the others: they were not to be known
        met = np.unique(events.between(cut, cut + s.days).keys())
        met = met[chosen[met // n] & there[met % n]]
        old = moment.keys[chosen[moment.keys // n]]
        closed = np.union1d(met, old)
        n_closed = np.bincount(closed // n, minlength=len(events.users))
        sampler = None
        if len(closed):
            sampler = NegativeSampler(closed // n, closed % n, len(events.users), int(n))
        found = {}
        for i, (part, mine, rng) in enumerate(zip(self._parts, users, draws, strict=True)):
            drawn = np.zeros(0, np.int64)
            stands_for = np.ones(len(events.users))  # an unmet pair of a user, that is drawn
            if len(mine):
                open_ = mine[sampler.possible(mine)]
                stands_for[open_] = (n - n_closed[open_]) / negatives
                drawn = sampler.draw(open_, negatives, int(rng.integers(1 << 31)))
                drawn = (open_[:, None] * n + drawn).ravel()
                drawn = drawn[there[drawn % n]]
            of_part = closed[self._part_of[closed // n] == i]
            keys = np.concatenate([of_part, drawn])
            weight = np.ones(len(keys))
            weight[len(of_part) :] = stands_for[drawn // n]
            raised = np.where(np.isin(keys, old), 0.0, np.log(stands_for[keys // n]))
            label = np.isin(keys, met).astype(np.float32)
            x = moment.features(keys // n, keys % n)
            found[part.number] = Pairs(x, label, weight, raised.astype(np.float32))
        return found


def _some(users: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """All users where the share is 1 or more, else so many at random."""
    if share >= 1:
        return users
    return np.sort(rng.choice(users, round(share * len(users)), replace=False))
