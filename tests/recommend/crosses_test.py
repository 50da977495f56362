"""Pair counts and cross numbers, against loops written out."""

import numpy as np
import pytest
from andiron.apps.recommend import pair_counts
from andiron.apps.recommend.crosses import SPECS, WINDOW, CrossNumbers, hashed_crosses
from andiron.apps.recommend.history import PADDING, Histories, decayed
from andiron.apps.recommend.pair_counts import PairCounts, following

N = 40


@pytest.fixture
def histories():
    rng = np.random.default_rng(4)
    parts = [rng.permutation(N)[: rng.integers(1, 25)] for _ in range(30)]
    starts = np.concatenate([[0], np.cumsum([len(p) for p in parts])])
    return Histories(np.concatenate(parts), starts, N)


def dense_counts(histories, window, without=None):
    counts = np.zeros((N, N))
    for user in range(len(histories.starts) - 1):
        items = histories.seen(user)
        for at in range(len(items)):
            for step in range(1, min(window, at) + 1):
                counts[items[at - step], items[at]] += 1 / step
    return counts


@pytest.mark.parametrize("window", [3, 10])  # of few interactions, and of many for N
@pytest.mark.parametrize("dense", [0, 1 << 24])  # pairs of which tables of all are made
@pytest.mark.parametrize("block", [50, 1 << 20])
def test_counts_equal_the_loop(histories, monkeypatch, window, dense, block):
    monkeypatch.setattr(pair_counts, "_DENSE", dense)
    monkeypatch.setattr(pair_counts, "_BLOCK", block)
    table = PairCounts(*following(histories.items, histories.starts, N, window), N)
    expected = dense_counts(histories, window)
    a, b = np.meshgrid(np.arange(N), np.arange(N), indexing="ij")
    assert np.allclose(table.lookup(a, b), expected)
    assert np.allclose(table.transposed().lookup(a, b), expected.T)
    weights = np.random.default_rng(0).random((2, 5))
    rows = np.array([3, 3, 7, 0, 39])
    assert np.allclose(table.weighted_rows(rows, weights), weights @ expected[rows], atol=1e-5)


def test_all_items_equal_candidates(histories):
    numbers = CrossNumbers.over(histories)
    users = np.arange(8)
    recent = histories.recent(users, histories.ends(users), numbers.length)
    every = np.broadcast_to(np.arange(N), (8, N))
    assert np.allclose(numbers.of_all(recent), numbers.of(recent, every, False), atol=1e-5)


def test_training_numbers_do_not_see_their_answer():
    # One user only: nobody else supports any pair, so nothing may remain for the true next item.
    alone = Histories(np.arange(12), np.array([0, 12]), N)
    numbers = CrossNumbers.over(alone)
    at = np.arange(2, 12)
    recent = alone.recent(np.zeros(10, np.int64), at, numbers.length)
    forward = [column for column, spec in enumerate(SPECS) if not spec[0]]
    assert numbers.of(recent, alone.items[at][:, None], True)[..., forward].max() < 1e-5
    assert numbers.of(recent, alone.items[at][:, None], False)[..., forward].min() > 0.1
    assert WINDOW <= numbers.length


def test_recent_items_come_latest_first_with_padding(histories):
    user = int(np.argmax(np.diff(histories.starts)))
    end = histories.starts[user] + 3
    recent = histories.recent(np.array([user]), np.array([end]), 5)[0]
    assert recent.tolist() == [*histories.items[end - 3 : end][::-1], PADDING, PADDING]
    weights = decayed(recent[None], 0.5)[0]
    assert weights == pytest.approx([4 / 7, 2 / 7, 1 / 7, 0, 0])


def test_busy_users_are_thinned_and_first_items_left_out(histories):
    rng = np.random.default_rng(0)
    counts = np.diff(histories.starts)
    user = histories.user
    taken = np.concatenate([histories.training_positions(5, 1, rng) for _ in range(400)])
    assert not np.isin(histories.starts[:-1], taken).any()
    per_user = np.bincount(user[taken], minlength=len(counts)) / 400
    expected = np.minimum(5 / counts, 1) * (counts - 1)
    assert np.allclose(per_user, expected, atol=0.5)


def test_hashed_crosses_spread_and_repeat():
    rng = np.random.default_rng(1)
    recent = rng.integers(-1, 5000, (200, 3)).astype(np.int32)
    candidates = rng.integers(0, 5000, (200, 50))
    ids = hashed_crosses(recent, candidates, 1 << 20, 2)
    assert ids.shape == (200, 50, 2) and ids.min() >= 0 and ids.max() < 1 << 20
    assert len(np.unique(ids)) > 0.97 * 20_000
    again = hashed_crosses(recent[:, :2], candidates, 1 << 20, 2)
    assert np.array_equal(ids, again)
