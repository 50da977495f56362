"""ItemKNN, MatrixFactorization and similar items, beside scikit-learn and what was planted."""

import numpy as np
import pandas as pd
import pytest
from andiron.apps.recommend import cli, lineup
from andiron.apps.recommend.baselines import Popularity
from andiron.apps.recommend.data import Interactions
from andiron.apps.recommend.models import (
    KINDS,
    ItemKNN,
    MatrixFactorization,
    NeuralCF,
    WideAndDeep,
    load,
)
from andiron.apps.recommend.ranking import evaluate
from andiron.apps.recommend.ratings import rating_errors
from andiron.apps.recommend.split import random_holdout
from sklearn.metrics.pairwise import cosine_similarity

PAIRS = {"factors": 8, "epochs": 30, "batch_size": 32, "learning_rate": 1e-2}
SMALL = {"gmf": 4, "mlp_user": 4, "mlp_item": 4, "hidden": (4,), "batch_size": 64, "epochs": 3}


@pytest.fixture(scope="module")
def data():
    """Two kinds of users, who each like their half of 30 items."""
    rng = np.random.default_rng(0)
    rows = []
    for user in range(60):
        liked = rng.choice(15, 7, replace=False) + 15 * (user % 2)
        rows += [(user, f"i{item:02d}", at) for at, item in enumerate(liked)]
        rows.append((user, f"i{rng.integers(30):02d}", 7))
    return Interactions.from_pandas(pd.DataFrame(rows, columns=["user", "item", "time"]),
                                    time="time")  # fmt: skip


@pytest.fixture(scope="module")
def ratings():
    """mean + biases + one factor, cut to [1, 5], with noise of 0.3."""
    rng = np.random.default_rng(1)
    users, items = 150, 80
    full = 3.2 + rng.normal(0, 0.4, users)[:, None] + rng.normal(0, 0.5, items)
    full += np.outer(rng.normal(size=users), rng.normal(size=items)) * 0.5
    user, item = np.nonzero(rng.random((users, items)) < 0.4)
    given = np.clip(full[user, item] + rng.normal(0, 0.3, len(user)), 1, 5)
    table = pd.DataFrame({"user": user, "item": item, "rating": given})
    return Interactions.from_pandas(table, rating="rating")


def matrix(data):
    met = np.zeros((data.n_users, data.n_items))
    met[data.user, data.item] = 1
    return met


def test_item_neighbours_score_as_cosines_do(data):
    model = ItemKNN(shrink=0.0, neighbours=1000).fit(data)
    similar = cosine_similarity(matrix(data).T)
    np.fill_diagonal(similar, 0.0)
    met = matrix(data)
    expected = met @ similar / met.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.scores(np.arange(data.n_users)), expected, rtol=1e-5)
    ids = data.items.ids.tolist()
    best = model.similar_items("i03", k=4)
    order = np.argsort(-similar[ids.index("i03")], kind="stable")[:4]
    assert [item for item, _ in best] == [ids[i] for i in order]


@pytest.mark.parametrize("similarity", ["cosine", "jaccard", "conditional"])
def test_few_neighbours_are_the_nearest(data, similarity):
    every = ItemKNN(neighbours=1000, similarity=similarity).fit(data)
    few = ItemKNN(neighbours=3, similarity=similarity).fit(data)
    for item in data.items.ids[:5].tolist():
        assert few.similar_items(item, 3) == every.similar_items(item, 3)
        assert few.similar_items(item, 4)[3][1] == 0.0


def test_jaccard_is_common_users_over_either(data):
    met = matrix(data).astype(bool)
    model = ItemKNN(similarity="jaccard", shrink=0.0, neighbours=1000).fit(data)
    both, either = (met[:, 0] & met[:, 1]).sum(), (met[:, 0] | met[:, 1]).sum()
    ids = data.items.ids.tolist()
    assert dict(model.similar_items(ids[0], 29))[ids[1]] == pytest.approx(both / either)


def test_the_latest_items_count_most():
    met = pd.DataFrame(
        {"user": [1, 1, 2, 2, 3, 3], "item": ["a", "x", "b", "y", "a", "b"], "time": range(6)}
    )
    model = ItemKNN(shrink=0.0, history_decay=0.5).fit(Interactions.from_pandas(met, time="time"))
    assert [item for item, _ in model.recommend(3, k=2)] == ["y", "x"]  # b came after a


@pytest.mark.parametrize(("cls", "settings"), [(ItemKNN, {}), (MatrixFactorization, PAIRS)])
def test_baselines_beat_popularity_on_planted_tastes(data, cls, settings):
    split = random_holdout(data)
    model = cls(**settings).fit(split.refit)
    naive = Popularity().fit(split.refit)
    ours, theirs = (evaluate(m.scores, split.refit, split.test) for m in (model, naive))
    gain = ours.difference(theirs, "ndcg@10")
    assert gain.mean > 3 * gain.error


@pytest.mark.parametrize(
    ("cls", "settings"),
    [
        (ItemKNN, {}),
        (MatrixFactorization, PAIRS),
        (NeuralCF, {**SMALL, "epochs": 15}),
        (NeuralCF, {**SMALL, "loss": "binary_crossentropy", "epochs": 40, "dropout": 0.0}),
        (WideAndDeep, {"embedding": 8, "hidden": (8,), "batch_size": 64, "negatives": 10}),
    ],
)
def test_items_that_the_same_users_like_are_similar(data, cls, settings):
    model = cls(**settings)
    model = model.fit(data) if cls is ItemKNN else model.fit(data, verbose=0)
    alike = [int(other[1:]) < 15 for other, _ in model.similar_items("i04", k=5)]
    assert sum(alike) >= 4


def test_similar_items_refuse_what_they_cannot_tell(data):
    with pytest.raises(ValueError, match="does not know which items are alike"):
        Popularity().fit(data).similar_items("i01")
    model = ItemKNN().fit(data)
    with pytest.raises(ValueError, match="saw no item 'tea'"):
        model.similar_items("tea")
    with pytest.raises(ValueError, match="k is a whole number from 1; got 0"):
        model.similar_items("i01", 0)


def test_pairs_of_items_give_scores_that_order_them(data):
    model = MatrixFactorization(**PAIRS).fit(data, verbose=0)
    first, *_, last = model.curves["loss"]
    assert last < 0.8 * first < first < 0.7  # it starts at log 2
    mine = model.scores(np.arange(data.n_users))
    met = matrix(data).astype(bool)
    above = [(mine[u][met[u]].mean() > mine[u][~met[u]].mean()) for u in range(data.n_users)]
    assert np.mean(above) > 0.95


def test_explicit_ratings_come_near_their_noise(ratings):
    split = random_holdout(ratings)
    model = MatrixFactorization(loss="squared_error", factors=4, epochs=60, weight_decay=0.05,
                                batch_size=256, learning_rate=1e-2)  # fmt: skip
    errors = rating_errors(model.fit(split.refit, verbose=0), split.test)
    assert errors.rmse < 0.45 < errors.naive_rmse  # the noise is 0.3; 0.6 is what biases reach
    low, high = split.refit.rating.min(), split.refit.rating.max()
    given = model.predict(split.test.user, split.test.item)
    assert given.min() >= low and given.max() <= high
    mean = split.refit.rating.mean(dtype=np.float64)
    assert model.predict([-5], [-7])[0] == pytest.approx(mean, abs=1e-4)
    popular = model.predict([-5], [int(ratings.items.ids[0])])[0]  # what is known of the item
    assert popular == pytest.approx(model.scores_of([-5], [ratings.items.ids[0]])[0], abs=1e-5)


def test_a_network_learns_explicit_ratings(ratings, tmp_path):
    """Near the noise; ratings of strangers are the means over those whom training saw."""
    split = random_holdout(ratings)
    settings = {**SMALL, "gmf": 4, "dropout": 0.0, "epochs": 60, "batch_size": 256,
                "learning_rate": 1e-2, "weight_decay": 0.05}  # fmt: skip
    model = NeuralCF(loss="squared_error", **settings).fit(split.refit, verbose=0)
    errors = rating_errors(model, split.test)
    assert errors.rmse < 0.5 < errors.naive_rmse  # the noise is 0.3; 0.6 is what biases reach
    assert model.curves["loss"][-1] < model.curves["loss"][0]
    low, high = split.refit.rating.min(), split.refit.rating.max()
    given = model.predict(split.test.user, split.test.item)
    assert low <= given.min() and given.max() <= high
    scores = model.scores(split.test.user[:30])
    np.testing.assert_allclose(
        given[:30], np.clip(scores[np.arange(30), split.test.item[:30]], low, high), atol=1e-5
    )
    everyone = model.scores(np.arange(ratings.n_users))
    one = int(ratings.items.ids[3])
    assert model.scores_of([-5], [one])[0] == pytest.approx(everyone[:, 3].mean(), abs=1e-4)
    found = model.predict([-5, int(ratings.users.ids[2]), -5], [one, -7, -7])
    expected = [everyone[:, 3].mean(), everyone[2].mean(), model.mean_rating]
    np.testing.assert_allclose(found, np.clip(expected, low, high), atol=1e-4)
    model.save(tmp_path)
    again = load(tmp_path)
    asked = [1, -5], [2, one]
    np.testing.assert_array_equal(again.predict(*asked), model.predict(*asked))
    assert (again.mean_rating, again.explicit) == (model.mean_rating, True)


@pytest.mark.parametrize("cls", [MatrixFactorization, NeuralCF])
def test_observing_leaves_what_ratings_were_learnt_against(data, ratings, tmp_path, cls):
    small = {"factors": 4} if cls is MatrixFactorization else {**SMALL, "dropout": 0.0}
    made = cls(loss="squared_error", **{**small, "epochs": 5}).fit(ratings, verbose=0)
    made.save(tmp_path)
    low = ratings.take(ratings.rating < 2.5)  # another mean, and another range
    for model in (made, load(tmp_path)):
        users, items = ratings.user[:50], ratings.items.ids[ratings.item[:50]]
        before, mean = model.predict(users, items), model.mean_rating
        scores, chances = model.scores(users), model.probabilities(model.scores(users))
        model.observe(low)
        assert model.mean_rating == mean
        np.testing.assert_array_equal(model.predict(users, items), before)
        np.testing.assert_array_equal(model.scores(users), scores)
        np.testing.assert_array_equal(model.probabilities(scores), chances)
        # The error comes before anything changes.
        histories = model._histories
        with pytest.raises(ValueError, match="the table has none"):
            model.observe(Interactions(low.users, low.items, low.user, low.item))
        assert model._histories is histories
    # Training goes on towards ratings, against the same mean.
    error = np.square(made.scores_of(low.user, low.items.ids[low.item]) - low.rating).mean()
    made.observe(low, epochs=5, rate=1.0)
    after = np.square(made.scores_of(low.user, low.items.ids[low.item]) - low.rating).mean()
    assert after < error and made.mean_rating == mean


def test_explicit_ratings_need_ratings(data, ratings):
    with pytest.raises(ValueError, match="the table has none"):
        MatrixFactorization(loss="squared_error").fit(data, verbose=0)
    with pytest.raises(ValueError, match="loss is 'bpr' or 'squared_error'; got 'warp'"):
        MatrixFactorization(loss="warp").fit(data, verbose=0)
    with pytest.raises(ValueError, match=r"\[NeuralCF\] loss='squared_error' learns ratings"):
        NeuralCF(loss="squared_error").fit(data, verbose=0)
    words = "loss is 'softmax', 'binary_crossentropy' or 'squared_error'; got 'warp'"
    with pytest.raises(ValueError, match=words):
        NeuralCF(loss="warp").fit(data, verbose=0)
    with pytest.raises(ValueError, match="has learnt which items are met"):
        rating_errors(ItemKNN().fit(data), ratings)


@pytest.mark.parametrize(
    ("cls", "settings"),
    [
        (ItemKNN, {"neighbours": 5}),
        (MatrixFactorization, {"factors": 4, "epochs": 2}),
        (MatrixFactorization, {"factors": 4, "epochs": 2, "loss": "squared_error"}),
        (NeuralCF, {"gmf": 4, "hidden": (4,), "epochs": 2, "loss": "squared_error"}),
    ],
)
def test_baselines_come_back_from_disk(ratings, tmp_path, cls, settings):
    model = cls(**settings).fit(ratings)
    model.save(tmp_path)
    again = load(tmp_path)
    users = np.arange(20)
    assert type(again) is cls and again.settings == model.settings
    assert np.array_equal(again.scores(users), model.scores(users))
    assert np.array_equal(again.predict([1, 999], [2, 2]), model.predict([1, 999], [2, 2]))
    assert again.similar_items(3) == model.similar_items(3)


@pytest.mark.parametrize(
    ("cls", "loss"),
    [
        (MatrixFactorization, "bpr"),
        (MatrixFactorization, "squared_error"),
        (NeuralCF, "squared_error"),
    ],
)
def test_items_that_come_later_are_scored_by_features(cls, loss):
    rng = np.random.default_rng(2)
    rows = []
    for user in range(80):
        for item in rng.choice(40, 12, replace=False):
            likes = (item % 2) == (user % 2)
            if loss == "squared_error" or likes:
                rows.append(
                    (user, int(item), "even" if item % 2 == 0 else "odd", 5.0 if likes else 1.0)
                )
    table = pd.DataFrame(rows, columns=["user", "item", "kind", "rating"])
    data = Interactions.from_pandas(table, rating="rating", item_features=["kind"])
    settings = {"factors": 8} if cls is MatrixFactorization else {**SMALL, "learning_rate": 0.01}
    model = cls(loss=loss, **{**settings, "epochs": 30, "weight_decay": 1.0}).fit(data, verbose=0)
    model.add_items([1000, 1001], pd.DataFrame({"kind": ["even", "odd"]}))
    score = model.scores_of([2, 2, 3, 3], [1000, 1001, 1000, 1001])
    assert score[0] > score[1] and score[3] > score[2]


def test_neighbours_refuse_bad_settings(data):
    for wrong in ({"similarity": "euclid"}, {"neighbours": 0}, {"shrink": -1.0},
                  {"history_decay": 0.0}):  # fmt: skip
        with pytest.raises(ValueError, match="ItemKNN"):
            ItemKNN(**wrong).fit(data)


def test_the_lists_of_models_agree():
    assert list(lineup.MODELS) == cli.MODELS == [kind.name for kind in KINDS]
    assert set(lineup.TUNED) == set(lineup.MODELS)
