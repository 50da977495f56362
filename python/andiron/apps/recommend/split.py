"""Hold-outs: what a model may learn from, what it is tuned on, and what it is judged by."""

from __future__ import annotations

import dataclasses

import numpy as np

from andiron.apps.recommend.data import Interactions, histories


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """Train, validation and test interactions of one protocol; no pair is in two of them.

    Models are tuned by training on `train` and judging on `validation`; the chosen settings are
    then trained on `refit` (train and validation) and judged once on `test`.
    """

    protocol: str
    train: Interactions
    validation: Interactions
    test: Interactions
    seed: int

    @property
    def refit(self) -> Interactions:
        """Train and validation together."""
        a, b = self.train, self.validation
        join = lambda x, y: None if x is None else np.concatenate([x, y])  # noqa: E731
        return dataclasses.replace(
            a,
            user=join(a.user, b.user),
            item=join(a.item, b.item),
            rating=join(a.rating, b.rating),
            time=join(a.time, b.time),
        )


def leave_one_out(data: Interactions, seed: int = 0) -> Split:
    """The last interaction of each user is the test, the one before it the validation.

    Users with fewer than three interactions stay in train. Equal times are ordered at random by
    `seed` (see `histories`). Without times, the held-out pairs are drawn at random.
    """
    positions, starts = histories(data, seed)
    long = np.flatnonzero(np.diff(starts) >= 3)
    if len(long) == 0:
        raise ValueError(
            "[split] leave-one-out needs a user with three interactions or more; "
            f"the longest history has {int(np.diff(starts).max())}"
        )
    label = np.zeros(len(data), np.int8)
    label[positions[starts[long + 1] - 1]] = 2
    label[positions[starts[long + 1] - 2]] = 1
    return _split("leave-one-out", data, label, seed)


def random_holdout(
    data: Interactions, test: float = 0.2, validation: float = 0.1, seed: int = 0
) -> Split:
    """A random share `test` of all interactions, and a share `validation` for tuning."""
    _check_shares(len(data), test, validation)
    order = np.random.default_rng([seed, 0x5B17]).permutation(len(data))
    return _split("random", data, _labels(order, test, validation), seed)


def temporal_holdout(
    data: Interactions, test: float = 0.2, validation: float = 0.1, seed: int = 0
) -> Split:
    """The latest share `test` of all interactions, and before it the share `validation`."""
    if data.time is None:
        raise ValueError("[split] a temporal hold-out needs times; the table has none")
    _check_shares(len(data), test, validation)
    noise = np.random.default_rng([seed, 0x7E3A]).permutation(len(data))
    return _split("temporal", data, _labels(np.lexsort((noise, data.time)), test, validation), seed)


def user_temporal_holdout(
    data: Interactions, test: float = 0.2, validation: float = 0.1, seed: int = 0
) -> Split:
    """The latest share `test` of each user's interactions, and before it the share `validation`.

    Unlike `temporal_holdout`, every user with enough interactions is in all parts: where people
    come, rate for an evening and leave (MovieLens), hardly anyone crosses a common date. Users
    with fewer than one test and one validation interaction by these shares stay in train.
    """
    _check_shares(len(data), test, validation)
    positions, starts = histories(data, seed)
    counts = np.diff(starts)
    n_test, n_validation = (counts * test).astype(int), (counts * validation).astype(int)
    enough = (n_test > 0) & (n_validation > 0)
    if not enough.any():
        raise ValueError("[split] no user has enough interactions for these shares")
    left = np.repeat(starts[1:], counts) - np.arange(len(data))  # 1 for a user's latest
    of = np.repeat(np.arange(len(counts)), counts)
    ordered = np.zeros(len(data), np.int8)
    ordered[enough[of] & (left <= n_test[of] + n_validation[of])] = 1
    ordered[enough[of] & (left <= n_test[of])] = 2
    label = np.empty(len(data), np.int8)
    label[positions] = ordered
    return _split("user-temporal", data, label, seed)


PROTOCOLS = {
    "leave-one-out": leave_one_out,
    "user-temporal": user_temporal_holdout,
    "random": random_holdout,
    "temporal": temporal_holdout,
}


def _check_shares(n: int, test: float, validation: float) -> None:
    if not (0 < test < 1 and 0 < validation < 1 and test + validation < 1):
        raise ValueError(
            f"[split] shares are above 0 and leave some for training; got test={test}, "
            f"validation={validation}"
        )
    if min(int(n * test), int(n * validation), n - int(n * test) - int(n * validation)) < 1:
        raise ValueError(f"[split] {n} interactions are too few for these shares")


def _labels(order: np.ndarray, test: float, validation: float) -> np.ndarray:
    n_test, n_validation = int(len(order) * test), int(len(order) * validation)
    label = np.zeros(len(order), np.int8)
    label[order[len(order) - n_test :]] = 2
    label[order[len(order) - n_test - n_validation : len(order) - n_test]] = 1
    return label


def _split(protocol: str, data: Interactions, label: np.ndarray, seed: int) -> Split:
    parts = (data.take(label == value) for value in range(3))
    return Split(protocol, *parts, seed=seed)
