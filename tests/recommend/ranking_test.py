"""Metrics, against scikit-learn and against definitions written out."""

import numpy as np
import pandas as pd
import pytest
from andiron.apps.recommend import metrics
from andiron.apps.recommend.baselines import Popularity
from andiron.apps.recommend.data import Interactions
from andiron.apps.recommend.ranking import evaluate, pooled, study_metrics, top_k
from andiron.apps.recommend.split import random_holdout

sk = pytest.importorskip("sklearn.metrics")


@pytest.mark.parametrize("decimals", [1, 6])
def test_areas_equal_scikit_learn(decimals):
    rng = np.random.default_rng(0)
    labels = rng.random(3000) < 0.2
    scores = np.round(rng.normal(size=3000) + labels, decimals)  # one decimal: many ties
    assert metrics.auroc(labels, scores) == pytest.approx(sk.roc_auc_score(labels, scores))
    expected = sk.average_precision_score(labels, scores)
    assert metrics.auprc(labels, scores) == pytest.approx(expected)
    threshold = metrics.best_f1_threshold(labels, scores)
    best = max(sk.f1_score(labels, scores >= t) for t in np.unique(scores)[::25])
    assert sk.f1_score(labels, scores >= threshold) >= best
    precision, recall = metrics.precision_recall_at(labels, scores, threshold)
    assert precision == pytest.approx(sk.precision_score(labels, scores >= threshold))
    assert recall == pytest.approx(sk.recall_score(labels, scores >= threshold))


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="both classes"):
        metrics.auroc(np.ones(4), np.arange(4.0))
    with pytest.raises(ValueError, match="finite"):
        metrics.auroc(np.array([0, 1]), np.array([0, np.nan]))


def test_top_k_is_a_stable_full_sort():
    rng = np.random.default_rng(1)
    scores = np.round(rng.normal(size=(200, 50)), 1)
    expected = np.argsort(-scores, axis=1, kind="stable")
    for k in (1, 7, 50, 80):
        assert np.array_equal(top_k(scores, k), expected[:, :k])


@pytest.fixture
def split():
    rng = np.random.default_rng(2)
    pairs = rng.choice(40 * 60, 900, replace=False)
    table = pd.DataFrame({"user": pairs // 60, "item": pairs % 60})
    return random_holdout(Interactions.from_pandas(table))


def test_ndcg_equals_scikit_learn(split):
    scores = np.random.default_rng(3).normal(size=(40, 60))
    found = evaluate(lambda users: scores[users], split.refit, split.test, k=10)
    for line, user in enumerate(found.users):
        met = split.refit.item[split.refit.user == user]
        open_ = np.setdiff1d(np.arange(60), met)
        relevant = np.isin(open_, split.test.item[split.test.user == user])
        expected = sk.ndcg_score([relevant], [scores[user][open_]], k=10)
        assert found.values["ndcg@10"][line] == pytest.approx(expected)
        ranked = relevant[np.argsort(-scores[user][open_])][:10]
        assert found.values["precision@10"][line] == pytest.approx(ranked.mean())
        assert found.values["recall@10"][line] == pytest.approx(ranked.sum() / relevant.sum())
        assert found.values["hit_rate@10"][line] == ranked.any()
        hits = np.flatnonzero(ranked)
        average = sum((n + 1) / (at + 1) for n, at in enumerate(hits)) / min(10, relevant.sum())
        assert found.values["map@10"][line] == pytest.approx(average)


def test_the_oracle_is_perfect_and_seen_items_do_not_count(split):
    truth = np.zeros((40, 60))
    truth[split.test.user, split.test.item] = 1
    truth[split.refit.user, split.refit.item] = 9
    found = evaluate(lambda users: truth[users], split.refit, split.test)
    assert found.figure("ndcg@10").mean == 1
    several = evaluate(lambda users: truth[users], split.refit, split.test, (5, 10))
    assert np.array_equal(several.values["map@10"], found.values["map@10"])
    alone = evaluate(lambda users: truth[users], split.refit, split.test, 5)
    assert np.array_equal(several.values["recall@5"], alone.values["recall@5"])
    pairs = pooled(lambda users: truth[users], split.refit, split.test)
    figures = study_metrics(*pairs, 0.5)
    assert figures["auroc"] == figures["auprc"] == figures["recall"] == figures["precision"] == 1


def test_pooled_pairs_are_all_open_pairs(split):
    labels, scores = pooled(Popularity().fit(split.refit).scores, split.refit, split.test)
    users = len(np.unique(split.test.user))
    met = np.isin(split.refit.user, split.test.user).sum()
    assert labels.sum() == len(split.test) and len(labels) == users * 60 - met
    assert len(scores) == len(labels) and (np.diff(scores) <= 0).all()


def test_bad_scorers_are_named(split):
    with pytest.raises(ValueError, match="NaN"):
        evaluate(lambda users: np.full((len(users), 60), np.nan), split.refit, split.test)
    with pytest.raises(ValueError, match="one line a user"):
        evaluate(lambda users: np.zeros((len(users), 59)), split.refit, split.test)


def test_popularity_survives_the_disk(split, tmp_path):
    model = Popularity().fit(split.refit)
    model.save(tmp_path)
    again = Popularity.load(tmp_path)
    assert np.array_equal(again.scores(np.arange(3)), model.scores(np.arange(3)))
