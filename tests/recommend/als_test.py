"""MLlib's ALS against the normal equations of its objective, and as a recommender."""

import shutil

import numpy as np
import pandas as pd
import pytest
from andiron.apps.recommend.als import ALS, spark_session
from andiron.apps.recommend.data import Interactions
from andiron.apps.recommend.models import load


@pytest.mark.slow
@pytest.mark.parametrize("use_rating", [True, False])
def test_user_factors_solve_the_objective_of_the_docstring(use_rating):
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("no Java")
    rng = np.random.default_rng(0)
    pairs = rng.choice(30 * 40, 300, replace=False)
    table = pd.DataFrame(
        {"user": pairs // 40, "item": pairs % 40, "stars": rng.integers(1, 6, 300).astype(float)}
    )
    data = Interactions.from_pandas(table, rating="stars")
    with spark_session(threads=1, memory="1g") as session:
        model = ALS(rank=4, iterations=3, reg=0.05, alpha=0.8, use_rating=use_rating).fit(
            data, session
        )
    y = model.item_factors.astype(float)  # the last half sweep made users from items
    for user in range(data.n_users):
        met = data.user == user
        mine = y[data.item[met]]
        weight = 0.8 * (data.rating[met] if use_rating else np.ones(met.sum()))
        left = y.T @ y + (mine * weight[:, None]).T @ mine + 0.05 * met.sum() * np.eye(4)
        expected = np.linalg.solve(left, mine.T @ (1 + weight))
        np.testing.assert_allclose(model.user_factors[user], expected, atol=1e-5)
    assert model.scores(np.arange(30)).shape == (30, 40)


@pytest.fixture
def trained():
    """An ALS with factors as Spark would have left them."""
    rng = np.random.default_rng(0)
    pairs = rng.choice(30 * 40, 300, replace=False)
    table = pd.DataFrame({"user": [f"u{p // 40}" for p in pairs], "item": pairs % 40})
    data = Interactions.from_pandas(table)
    model = ALS(rank=4, reg=0.05)
    model._remember(data)
    model.user_factors = rng.normal(0.2, 0.3, (data.n_users, 4)).astype(np.float32)
    model.item_factors = rng.normal(0.2, 0.3, (data.n_items, 4)).astype(np.float32)
    return model, data


def test_als_recommends_saves_and_loads_like_the_others(trained, tmp_path):
    model, data = trained
    model.save(tmp_path)
    again = load(tmp_path)
    assert isinstance(again, ALS) and again.settings == model.settings
    users = np.arange(data.n_users)
    expected = model.user_factors.astype(float) @ model.item_factors.astype(float).T
    np.testing.assert_allclose(again.scores(users), expected, atol=1e-6)
    row = data.users.rows(["u3"])[0]
    met = data.items.ids[data.item[data.user == row]]
    best = again.recommend("u3", 5)
    open_ = expected[row].copy()
    open_[data.item[data.user == row]] = -np.inf
    assert [item for item, _ in best] == data.items.ids[np.argsort(-open_)[:5]].tolist()
    assert len(again.recommend("u3", 99)) == data.n_items - len(met)
    items, scores = again.recommend_all(k=4)
    assert items.shape == scores.shape == (data.n_users, 4)
    assert expected[row].min() < 0 < expected[row].max() < 1  # preferences are cut to [0, 1]
    every = data.items.ids.tolist()
    chances = again.predict(["u3"] * len(every), every)
    np.testing.assert_allclose(chances, np.clip(expected[row], 0, 1), atol=1e-6)
    chances = again.predict(["u3", "nobody"], [999, 7])
    share = data.popularity()[data.items.rows([7])[0]] / data.n_users
    assert chances == pytest.approx([0, share], abs=1e-6)
    stranger = [item for item, _ in again.recommend("nobody", 3)]
    assert data.popularity()[data.items.rows(stranger)].min() == np.sort(data.popularity())[-3]


def test_damaged_factors_are_refused(trained, tmp_path):
    model, _ = trained
    model.item_factors = model.item_factors[:-1]
    model.save(tmp_path)
    with pytest.raises(ValueError, match=r"ALS.*factors of items are \(39, 4\)"):
        load(tmp_path)
    with pytest.raises(ValueError, match="no setting 'ranks'"):
        ALS(ranks=3)
    with pytest.raises(ValueError, match="before use"):
        ALS().recommend("u1")
    with pytest.raises(ValueError, match="needs interactions"):
        ALS().fit(trained[1].take(np.zeros(300, bool)))


@pytest.mark.slow
def test_the_command_trains_als(tmp_path):
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("no Java")
    from andiron.cli import main
    from click.testing import CliRunner

    rng = np.random.default_rng(4)
    pairs = rng.choice(30 * 40, 600, replace=False)
    frame = pd.DataFrame({"user": pairs // 40, "item": pairs % 40})
    frame.iloc[:500].to_csv(tmp_path / "learnt.csv", index=False)
    frame.iloc[500:].to_csv(tmp_path / "held.csv", index=False)

    def run(*words):
        done = CliRunner().invoke(main, ["recommend", *map(str, words)])
        assert done.exit_code == 0, done.output
        return done.output

    folder = tmp_path / "m"
    run("train", tmp_path / "learnt.csv", "--model", "ALS", "--set", "rank=4", "--out", folder)
    assert len(run("predict", folder, "3", "nobody", "-k", 4).splitlines()) == 1 + 8
    assert "ndcg@10" in run("evaluate", folder, tmp_path / "held.csv")
