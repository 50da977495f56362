"""Propensity: near the best that can be reached on planted events, and chances that come true."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from andiron._about import about
from andiron.apps.recommend import recommender
from andiron.apps.recommend.cli import cli
from andiron.apps.recommend.events import Events, Moment
from andiron.apps.recommend.propensity import Propensity
from andiron.apps.recommend.study_events import StudyEvents
from click.testing import CliRunner
from sklearn.metrics import average_precision_score, roc_auc_score

DAYS = 30.0


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("events")
    made = StudyEvents(users=1_000, merchants=60, events=60_000, days=240)
    made.write(folder, 1)
    return made, Events.from_pandas(pd.read_parquet(folder), item="merchant")


@pytest.fixture(scope="module")
def trained(planted):
    _, events = planted
    return Propensity(days=DAYS).fit(events.between(0, events.day[0] + 240 - DAYS))


def test_chances_beat_counts_and_come_true(planted, trained):
    made, events = planted
    report = trained.evaluate(events)
    best = made.optimum(days=DAYS)
    by_counts = counted(trained, events)
    assert best.auroc - 0.06 < report.auroc < best.auroc and report.auroc > by_counts[0] + 0.005
    assert by_counts[1] - 0.005 < report.auprc < best.auprc
    assert report.expected == pytest.approx(report.positives, rel=0.1)
    assert report.after.error < 0.01
    chance = made.probabilities(range(made.users), DAYS)
    assert report.after.brier < 1.15 * np.mean(chance * (1 - chance))


def counted(trained, events):
    """AUROC and AUPRC of counts, shrunk to everyone's shares as a gamma prior does: what these
    events, whose rates never change, are best counted by."""
    moment, n = trained._moment, len(trained.items)
    users = np.flatnonzero(moment.met)
    window = events.between(moment.day, moment.day + DAYS)
    labels = np.zeros((len(moment.users), n), bool)
    labels[window.user, window.item] = True
    pairs = np.zeros(len(moment.users) * n)
    pairs[moment.keys] = moment.of_pairs[-1]
    share, total = moment.of_items[-1] / moment.of_items[-1].sum(), moment.of_users[-1][users, None]
    rates = (pairs.reshape(-1, n)[users] + 10 * share) / (total + 10) * total
    labels = labels[users].ravel()
    return roc_auc_score(labels, rates.ravel()), average_precision_score(labels, rates.ravel())


def test_the_figures_are_scikit_learns(planted, trained):
    _, events = planted
    report = trained.evaluate(events)
    users = trained._moment.users.ids[trained._moment.met > 0]
    chances = trained.predict_proba(users)
    window = events.between(trained._moment.day, trained._moment.day + DAYS)
    labels = np.zeros((len(users), len(trained.items)), bool)
    lines = {user: line for line, user in enumerate(users.tolist())}
    for user, item in zip(events.users.ids[window.user].tolist(),
                          events.items.ids[window.item].tolist(), strict=True):  # fmt: skip
        if user in lines:
            labels[lines[user], int(trained.items.rows([item])[0])] = True
    assert report.auroc == pytest.approx(roc_auc_score(labels.ravel(), chances.ravel()), abs=1e-9)
    assert report.positives == labels.sum()


def test_pairs_and_lines_agree(trained):
    every = trained.predict_proba([3, 999_999])
    assert np.isnan(every[1]).all()
    some = trained.items.ids[[0, 7]].tolist()
    pairs = trained.predict_proba([3, 3, 3, 999_999], [*some, -1, some[0]])
    np.testing.assert_allclose(pairs[:2], every[0, [0, 7]], rtol=1e-6)
    assert np.isnan(pairs[2:]).all()
    best = trained.top(3, 4)
    assert [chance for _, chance in best] == sorted(every[0], reverse=True)[:4]
    n = len(trained.items)
    met = trained._moment.keys[trained._moment.keys // n == 3] % n
    fresh = {item for item, _ in trained.top(3, n, new_only=True)}
    assert fresh.isdisjoint(trained.items.ids[met].tolist())


def test_models_come_back_and_take_in_new_events(planted, trained, tmp_path):
    _, events = planted
    trained.save(tmp_path)
    again = Propensity.load(tmp_path)
    users = list(range(20))
    assert np.array_equal(again.predict_proba(users), trained.predict_proba(users), equal_nan=True)
    found = about(str(tmp_path))
    assert (found["model"], found["users"]) == ("propensity", len(trained.users))
    assert recommender.load(tmp_path).top(3) == trained.top(3)
    for command in (["predict", str(tmp_path), "3"], ["similar", str(tmp_path), "7"]):
        told = CliRunner().invoke(cli, command)
        assert told.exit_code == 1 and "is a Propensity: " in told.output
    before = again.predict_proba(users)
    again.observe(events)
    assert not np.array_equal(again.predict_proba(users), before)
    (tmp_path / "propensity.json").write_text("{}")
    with pytest.raises(ValueError, match="is not such a model"):
        Propensity.load(tmp_path)


@pytest.mark.parametrize("calibration", ["platt", "none"])
def test_other_calibrations(planted, tmp_path, calibration):
    _, events = planted
    model = Propensity(days=DAYS, calibration=calibration, windows=1, epochs=2).fit(events)
    model.save(tmp_path)
    again = Propensity.load(tmp_path)
    assert np.array_equal(again.predict_proba([1]), model.predict_proba([1]))


def test_the_plot_is_written(planted, trained, tmp_path):
    _, events = planted
    report = trained.evaluate(events, max_users=100)
    report.save_plot(tmp_path / "reliability.svg")
    assert "<svg" in (tmp_path / "reliability.svg").read_text()
    assert "expected calibration error" in str(report)


def test_a_moment_knows_nothing_of_what_comes_after():
    table = pd.DataFrame({"user": [1, 1, 2, 1], "item": ["a", "a", "b", "b"], "time": [0, 4, 5, 9]})
    events = Events.from_pandas(table, unit="D")
    moment = Moment(events.between(-np.inf, 6.0), 6.0, (2.0,), 0.0)
    assert moment.of_pairs[0].tolist() == pytest.approx([2**-3 + 2**-1, 2**-0.5])
    assert moment.pair_last.tolist() == [4.0, 5.0]
    assert moment.met.tolist() == [1, 1]
    x = moment.features(np.array([0, 0]), np.array([0, 1]))
    assert np.isfinite(x).all() and x[0, 0] == 1 and x[1, 0] == 0


def test_times_may_be_dates_or_numbers():
    days = pd.DataFrame({"user": [1, 1], "item": [2, 2], "time": ["2026-01-01", "2026-01-04"]})
    assert np.diff(Events.from_pandas(days).day) == [3.0]
    ms = days.assign(time=[0, 86_400_000])
    assert np.diff(Events.from_pandas(ms, unit="ms").day) == [1.0]


def test_mistakes_are_named(planted, trained):
    _, events = planted
    with pytest.raises(ValueError, match="no setting 'day'"):
        Propensity(day=3)
    with pytest.raises(ValueError, match="'isotonic', 'platt' or 'none'; got 'beta'"):
        Propensity(calibration="beta")
    with pytest.raises(ValueError, match="three windows of 100 days are needed"):
        Propensity(days=100).fit(events)
    with pytest.raises(ValueError, match="needs events; there are none"):
        Propensity().fit(events.between(-np.inf, events.day[0]))
    with pytest.raises(ValueError, match="half_lives is a list of numbers; got 7"):
        Propensity(half_lives=7)
    with pytest.raises(ValueError, match="has no column 'when'"):
        Events.from_pandas(pd.DataFrame({"user": [1], "item": [1]}), time="when")
    with pytest.raises(ValueError, match="training saw no user 'ann'"):
        trained.top("ann")
    with pytest.raises(ValueError, match="training saw no user 999999"):
        trained.recommend_all(2, users=[3, 999_999])
    with pytest.raises(ValueError, match="k is a whole number from 1; got 0"):
        trained.recommend_all(0)
    assert all(found.shape == (0, 2) for found in trained.recommend_all(2, users=[]))
    with pytest.raises(ValueError, match="before use"):
        Propensity().predict_proba([1])


@pytest.mark.slow
def test_card_payments():
    """Who pays where in the next week, on the payments of the Fraud Detection Handbook."""
    path = Path(os.environ.get("ANDIRON_TEST_DATA", "")) / "fraud_handbook" / "transactions.parquet"
    if not path.exists():
        pytest.skip("ANDIRON_TEST_DATA has no fraud_handbook")
    table = pd.read_parquet(path)
    table = table[table.customer < 600]
    events = Events.from_pandas(table, user="customer", item="terminal", time="ts")
    last = events.day[-1]
    model = Propensity(days=7.0, windows=2).fit(events.between(-np.inf, last - 7))
    report = model.evaluate(events)
    assert report.auroc > 0.95
    assert report.expected == pytest.approx(report.positives, rel=0.1)
