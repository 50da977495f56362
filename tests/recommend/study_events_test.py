"""Planted events: drawn at the rates they promise, and nobody scores above their optimum."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("andiron.models")

from andiron.apps.recommend import metrics, study_events
from andiron.apps.recommend.data import Interactions
from andiron.apps.recommend.known_optimum import expected_quality
from andiron.apps.recommend.study_events import StudyEvents
from click.testing import CliRunner

SMALL = StudyEvents(users=2_500, merchants=60, events=120_000, days=100, seed=7)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("planted") / "events"
    SMALL.write(path, files=2)
    return path


@pytest.fixture(scope="module")
def counts(folder):
    """[users, merchants]: how often they met."""
    events = pq.read_table(folder)
    pair = events["user"].to_numpy() * SMALL.merchants + events["merchant"].to_numpy()
    return np.bincount(pair, minlength=SMALL.users * SMALL.merchants).reshape(SMALL.users, -1)


def chi_square(found: np.ndarray, expected: np.ndarray) -> float:
    """In standard deviations from its mean."""
    statistic = ((found - expected) ** 2 / expected).sum()
    return (statistic - len(found)) / np.sqrt(2 * len(found))


def test_events_come_at_the_planted_rates(counts):
    rates = SMALL.rates(np.arange(SMALL.users))
    assert counts.sum() == pytest.approx(rates.sum(), abs=5 * np.sqrt(rates.sum()))
    assert rates.sum() == pytest.approx(SMALL.events, rel=0.15)
    order = np.argsort(rates.ravel())  # rare pairs and frequent ones
    parts = np.array_split(order, 200)
    parts = [part for part in parts if rates.ravel()[part].sum() > 5]
    expected = np.array([rates.ravel()[part].sum() for part in parts])
    for found, wanted in (
        (counts.sum(axis=0), rates.sum(axis=0)),
        (counts.sum(axis=1), rates.sum(axis=1)),
        (np.array([counts.ravel()[part].sum() for part in parts]), expected),
    ):
        keep = wanted > 5
        assert abs(chi_square(found[keep], wanted[keep])) < 4
    shuffled = np.random.default_rng(0).permutation(rates.sum(axis=0))
    assert chi_square(counts.sum(axis=0), shuffled) > 100  # it would be seen


def test_windows_of_time_hold_their_share(folder):
    events = pq.read_table(folder)
    day = (events["time"].to_numpy() - np.datetime64(SMALL.start)) / np.timedelta64(1, "D")
    assert day.min() >= 0 and day.max() < SMALL.days
    found = np.histogram(day, 50, (0, SMALL.days))[0]
    assert abs(chi_square(found, np.full(50, len(day) / 50))) < 4
    user, merchant = events["user"].to_numpy(), events["merchant"].to_numpy()
    met = np.zeros((SMALL.users, SMALL.merchants), bool)
    met[user[day >= 80], merchant[day >= 80]] = True
    p = SMALL.probabilities(np.arange(SMALL.users), days=20)
    parts = np.array_split(np.argsort(p.ravel()), 100)[20:]
    found = np.array([met.ravel()[part].sum() for part in parts])
    expected = np.array([p.ravel()[part].sum() for part in parts])
    assert abs(chi_square(found, expected)) < 4


def test_nobody_scores_above_the_optimum(folder):
    users = np.arange(SMALL.users)
    p = SMALL.probabilities(users, days=20)
    best = SMALL.optimum(days=20)
    events = pq.read_table(folder)
    day = (events["time"].to_numpy() - np.datetime64(SMALL.start)) / np.timedelta64(1, "D")
    user, merchant = events["user"].to_numpy(), events["merchant"].to_numpy()
    label = np.zeros(p.shape, bool)
    label[user[day >= 80], merchant[day >= 80]] = True
    seen = np.zeros(p.shape)
    np.add.at(seen, (user[day < 80], merchant[day < 80]), 1)
    rng = np.random.default_rng(1)
    others = {
        "noisy": np.log(p) + 0.3 * rng.normal(size=p.shape),
        "counts": seen + 1e-3 * seen.sum(axis=0) / len(users),
        "popularity": np.broadcast_to(seen.sum(axis=0), p.shape),
        "activity": np.broadcast_to(seen.sum(axis=1, keepdims=True), p.shape),
        "within users only": p / p.sum(axis=1, keepdims=True),
        "chance": rng.random(p.shape),
    }
    found = metrics.auroc(label, p), metrics.auprc(label, p)
    assert found == pytest.approx((best.auroc, best.auprc), abs=0.01)
    for name, scores in others.items():
        assert metrics.auroc(label, scores) < found[0], name
        assert metrics.auprc(label, scores) < found[1], name
        expected = expected_quality(p, scores)
        assert expected[0] < best.auroc and expected[1] < best.auprc, name
        assert metrics.auroc(label, scores) == pytest.approx(expected[0], abs=0.01), name
        assert metrics.auprc(label, scores) == pytest.approx(expected[1], abs=0.01), name


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.integers(1, 6))
def test_expected_quality_is_that_of_weighted_labels(seed, n, levels):
    """Each pair once as a positive of weight p, once as a negative of weight 1 - p."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    rng = np.random.default_rng(seed)
    p, scores = rng.random(n) ** 3, rng.integers(0, levels, n).astype(float)
    found = expected_quality(p, scores)
    label, weight = np.repeat([1, 0], n), np.concatenate([p, 1 - p])
    twice = np.concatenate([scores, scores])
    assert found[0] == pytest.approx(roc_auc_score(label, twice, sample_weight=weight))
    assert found[1] == pytest.approx(average_precision_score(label, twice, sample_weight=weight))
    best = expected_quality(p, p)
    assert found[0] <= best[0] + 1e-12 and found[1] <= best[1] + 1e-12


def test_the_optimum_of_all_users_is_that_of_their_probabilities():
    for days in (5.0, 60.0):
        p = SMALL.probabilities(np.arange(SMALL.users), days)
        exact, grid = expected_quality(p, p), SMALL.optimum(days)
        assert (grid.auroc, grid.auprc) == pytest.approx(exact, abs=1e-4)  # of 150,000 pairs
        assert grid.positives == pytest.approx(p.mean())
        assert grid.auroc_error == grid.auprc_error == 0


def test_a_sample_of_users_has_an_honest_error():
    whole = SMALL.optimum(20)
    scaled = []
    for seed in range(12):
        planted = dataclasses.replace(SMALL, seed=seed)
        sample, whole = planted.optimum(20, users=400), planted.optimum(20)
        scaled.append((sample.auroc - whole.auroc) / sample.auroc_error)
        scaled.append((sample.auprc - whole.auprc) / sample.auprc_error)
    assert 0.4 < np.sqrt(np.mean(np.square(scaled))) < 1.7


def test_the_same_settings_give_the_same_files(folder, tmp_path, monkeypatch):
    SMALL.write(tmp_path / "again", files=2)
    for path in sorted(folder.iterdir()):
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
    monkeypatch.setattr(study_events, "_ROW_GROUP", 1000)
    SMALL.write(tmp_path / "cut", files=1)
    assert pq.read_table(tmp_path / "cut").equals(pq.read_table(folder))
    other = dataclasses.replace(SMALL, seed=8)
    assert not other.block(0).equals(SMALL.block(0))


def test_blocks_of_users_do_not_depend_on_how_many_there_are():
    """Users and their tastes are their own; only how active they are is relative to all."""
    more = dataclasses.replace(SMALL, users=2 * SMALL.users, events=2 * SMALL.events)
    assert more.block(1).equals(SMALL.block(1))


def test_rates_are_the_same_for_any_selection():
    users = np.array([2_400, 3, 1_500, 3])
    np.testing.assert_allclose(
        SMALL.rates(users), SMALL.rates(np.arange(SMALL.users))[users], rtol=1e-12
    )


def test_folders_say_what_was_planted(folder, tmp_path):
    assert StudyEvents.of(folder) == SMALL
    with pytest.raises(ValueError, match="has Parquet files already"):
        SMALL.write(folder)
    with pytest.raises(ValueError, match="is not a finished folder of planted events"):
        StudyEvents.of(tmp_path)
    data = Interactions.from_pandas(
        pq.read_table(folder).to_pandas(), user="user", item="merchant", time="time"
    )
    assert data.n_items == SMALL.merchants
    for wrong in ({"users": 0}, {"events": -1}, {"taste": -0.1}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} must"):
            StudyEvents(**wrong)
    with pytest.raises(ValueError, match="users are 0 to 2499; got 2500"):
        SMALL.rates([2_500])


def test_the_command_writes_a_folder(tmp_path):
    from andiron.apps.recommend.cli import cli

    out = CliRunner().invoke(
        cli,
        ["generate", str(tmp_path / "events"), "--users", "300", "--merchants", "20",
         "--events", "5000", "--files", "2"],
    )  # fmt: skip
    assert out.exit_code == 0, out.output
    assert "users" in out.output and "AUROC" in out.output
    planted = StudyEvents.of(tmp_path / "events")
    assert (planted.users, planted.merchants, planted.events) == (300, 20, 5_000)
    again = CliRunner().invoke(cli, ["generate", str(tmp_path / "events")])
    assert again.exit_code == 1 and "has Parquet files already" in again.output
