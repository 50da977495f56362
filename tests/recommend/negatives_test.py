"""Negative samples of the recommenders: drawn by the core, exact, by seed and epoch."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("andiron.models")

from andiron.apps.recommend.data import Interactions
from andiron.apps.recommend.history import Histories
from andiron.apps.recommend.models import WideAndDeep
from andiron.apps.recommend.training import sampler
from andiron.datasets import NegativeSampler, negative_sampling

import andiron

N_USERS, N_ITEMS = 20, 50


@pytest.fixture(scope="module")
def histories():
    rng = np.random.default_rng(3)
    parts = [rng.permutation(N_ITEMS)[: rng.integers(2, 30)] for _ in range(N_USERS - 2)]
    parts += [np.arange(N_ITEMS - 1), np.arange(N_ITEMS)]  # all but one; everything
    starts = np.concatenate([[0], np.cumsum([len(p) for p in parts])])
    return Histories(np.concatenate(parts), starts, N_ITEMS)


def test_draws_are_never_met_items_and_uniform(histories):
    unmet = sampler(histories)
    users = np.arange(N_USERS)
    possible = unmet.possible(users)
    assert possible.tolist() == [True] * (N_USERS - 1) + [False]
    drawn = unmet.draw(users[possible], 20_000, seed=1, epoch=2)
    assert drawn.shape == (N_USERS - 1, 20_000)
    for user, line in enumerate(drawn):
        free = np.setdiff1d(np.arange(N_ITEMS), histories.seen(user))
        counts = np.bincount(line, minlength=N_ITEMS)
        assert counts[free].sum() == 20_000
        expected = 20_000 / len(free)
        chi_square = ((counts[free] - expected) ** 2 / expected).sum()
        assert chi_square < len(free) + 6 * np.sqrt(2 * len(free)) + 6
    again = unmet.draw(users[possible], 20_000, seed=1, epoch=2)
    assert np.array_equal(drawn, again)
    for seed, epoch in ((1, 3), (2, 2)):
        other = unmet.draw(users[:5], 20_000, seed=seed, epoch=epoch)
        assert (drawn[:5] == other).mean() < 0.2


def test_weighted_draws_follow_popularity(histories):
    alpha = 0.75
    weighted = NegativeSampler(histories.user, histories.items, N_USERS, N_ITEMS, alpha)
    popularity = np.bincount(histories.items, minlength=N_ITEMS) ** alpha
    for user in (0, 7, N_USERS - 2):
        share = popularity.copy()
        share[histories.seen(user)] = 0
        share /= share.sum()
        counts = np.bincount(weighted.draw(np.array([user]), 50_000)[0], minlength=N_ITEMS)
        assert (counts[share == 0] == 0).all()
        expected = 50_000 * share[share > 0]
        chi_square = ((counts[share > 0] - expected) ** 2 / expected).sum()
        assert chi_square < len(expected) + 6 * np.sqrt(2 * len(expected)) + 6


def test_mistakes_are_named(histories):
    unmet = sampler(histories)
    for users, n, message in (
        ([0, N_USERS - 1], 1, "row 1: the user 19 has every item"),
        ([N_USERS], 1, r"the user id 20 is not in \[0, 20\)"),
        ([0], -1, "n must be in"),
    ):
        with pytest.raises(andiron.Error, match=message):
            unmet.draw(np.array(users), n)


def test_pairs_come_with_their_negatives(histories):
    h = histories
    source = negative_sampling(h.user, h.items, N_USERS, N_ITEMS, 3, batch_size=10**6, seed=4)
    met = set(zip(histories.user.tolist(), histories.items.tolist(), strict=True))
    source.start(0)
    (user, item), (label,), _ = source.next()
    assert source.next() is None
    found = list(zip(user.numpy()[:, 0], item.numpy()[:, 0], label.numpy()[:, 0], strict=True))
    assert len(found) == 4 * len(met) - 3 * N_ITEMS  # who met everything has no negatives
    assert all(((u, i) in met) == (kind == 1) for u, i, kind in found)


def test_users_who_met_everything_are_left_out_of_training():
    table = pd.DataFrame([(u, i) for u in range(3) for i in range(4 if u else 3)])
    data = Interactions.from_pandas(table.set_axis(["user", "item"], axis=1))
    small = {"embedding": 4, "hidden": (4,), "negatives": 2, "epochs": 1}
    assert np.isfinite(WideAndDeep(**small).fit(data, verbose=0).scores(np.arange(3))).all()
    with pytest.raises(ValueError, match="an item that they have not met"):
        WideAndDeep(**small).fit(data.take(data.user > 0), verbose=0)
