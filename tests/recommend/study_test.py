"""Line-up, tuning, study, report and command line, on tiny tables."""

import json

import numpy as np
import pandas as pd
import pytest
from andiron.apps.recommend import demo, report, study, tune
from andiron.apps.recommend.data import Interactions
from andiron.apps.recommend.journal import Journal
from andiron.apps.recommend.lineup import (
    Judged,
    brought_up_to_date,
    chances,
    judge,
    table,
    train,
    verdicts,
)
from andiron.apps.recommend.models import load
from andiron.apps.recommend.split import leave_one_out, user_temporal_holdout
from click.testing import CliRunner

import andiron


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(4)
    pairs = rng.choice(30 * 40, 600, replace=False)
    return pd.DataFrame({"user": pairs // 40, "item": pairs % 40, "time": rng.integers(0, 99, 600)})


@pytest.fixture(scope="module")
def data(frame):
    return Interactions.from_pandas(frame, time="time")


def test_user_temporal_holdout_takes_each_users_latest(data):
    split = user_temporal_holdout(data, seed=1)
    assert len(split.train) + len(split.validation) + len(split.test) == len(data)
    for user in np.unique(split.test.user):
        n = (data.user == user).sum()
        parts = [p.time[p.user == user] for p in (split.train, split.validation, split.test)]
        assert len(parts[2]) == int(n * 0.2) and len(parts[1]) == int(n * 0.1)
        assert parts[0].max() <= parts[1].min() <= parts[1].max() <= parts[2].min()


def _judged(name, ndcg):
    ndcg = np.asarray(ndcg, float)
    return Judged(name, {"ndcg@10": float(ndcg.mean())}, {"ndcg@10": 0.1}, ndcg)


def test_verdicts_say_when_a_model_is_not_worth_having():
    rng = np.random.default_rng(0)
    base = rng.random(500)
    models = [
        _judged("popularity", base),
        _judged("ALS", base + 0.1 + 0.01 * rng.random(500)),
        _judged("NeuralCF", base + 0.1 + 0.01 * rng.random(500)),
        _judged("WideAndDeep", base + 0.2),
    ]
    als, ncf, wide = verdicts(models)
    assert "not worth" not in als and "not worth" not in wide
    assert "no difference shown" in ncf and "not worth having" in ncf
    assert "to ALS" in table(models) and "±" in wide


def test_chances_are_the_shares_of_positives():
    rng = np.random.default_rng(1)
    scores = rng.normal(size=200_000)
    truth = 1 / (1 + np.exp(3 - scores))
    found = chances(rng.random(200_000) < truth, scores, scores)
    assert np.abs(found - truth).mean() < 0.01
    order = np.argsort(scores)
    assert (np.diff(found[order]) >= 0).all()


def test_the_report_stands_alone(data, tmp_path):
    split = user_temporal_holdout(data)
    one = judge("popularity", train("popularity", split.train).scores, split, keep=True)
    two = judge("ALS", lambda users: np.random.default_rng(0).random((len(users), 40)), split, True)
    two.curves = {"loss": [3.0, 2.0, 1.5]}
    path = report.write(
        tmp_path / "new" / "r.html", [one, two], "About <this>.", [("User 1", "ab")]
    )
    text = path.read_text(encoding="utf-8")
    assert "About &lt;this&gt;." in text and "naive baseline" in text
    assert "not worth having" in text and text.count("<svg") == 4
    for outside in ('src="', "<script", "@import", "<link"):
        assert outside not in text
    ids = [part.split('"')[0] for part in text.split(' id="')[1:]]
    assert len(ids) == len(set(ids))


def test_the_study_resumes_and_tells(data, tmp_path):
    path = tmp_path / "results.jsonl"
    said = []
    options = {"settings": ["tuned"], "models": ["popularity"], "data": data, "echo": said.append}
    study.run(path, [0], **options)
    assert len(said) == 2 and len(Journal(path).lines()) == 2
    with path.open("a") as file:
        file.write('{"key": {"cut off')  # killed while writing
    study.run(path, [0, 1], **options)
    assert len(said) == 4 and len(Journal(path).lines()) == 4
    text = study.markdown(path)
    assert "user-temporal" in text and "| popularity | tuned | 2 |" in text and "±" in text
    assert "+23 %" in text
    with pytest.raises(ValueError, match="no 'svd'"):
        study.run(path, [0], models=["svd"], data=data)


def test_every_model_gets_the_same_number_of_trials():
    assert {len(tune.trials(model)) for model in tune.GRIDS} == {tune.N_TRIALS}
    assert all(len(tune.trials(m)) == len({json.dumps(s) for s in tune.trials(m)})
               for m in tune.GRIDS)  # fmt: skip


def test_tuning_takes_the_best_and_resumes(data, tmp_path):
    small = {"gmf": 4, "mlp_user": 4, "mlp_item": 4, "hidden": [4], "batch_size": 64}
    grids = {"NeuralCF": [{**small, "epochs": 1}, {**small, "epochs": 2}]}
    split = leave_one_out(data)
    options = {"models": ["NeuralCF"], "split": split, "grids": grids}
    said = []
    best = tune.run(tmp_path / "t.jsonl", echo=said.append, **options)
    lines = Journal(tmp_path / "t.jsonl").lines()
    assert best["NeuralCF"] == max(lines, key=lambda line: line["ndcg"])["key"]["settings"]
    again = []
    assert tune.run(tmp_path / "t.jsonl", echo=again.append, **options) == best
    assert len(again) == len(said) - 2


def _andiron(*words):
    from andiron.cli import main

    return CliRunner().invoke(main, ["recommend", *map(str, words)])


def _pairs(frame):
    return set(frame[["user", "item"]].itertuples(index=False, name=None))


def test_the_demo_shows_everything_but_als(data, tmp_path):
    small = {
        "NeuralCF": {"gmf": 4, "mlp_user": 4, "mlp_item": 4, "hidden": [4], "epochs": 2},
        "WideAndDeep": {"embedding": 4, "hidden": [4], "epochs": 1, "negatives": 5, "bins": 64},
    }
    said = []
    models = ("popularity", "NeuralCF", "WideAndDeep")
    titles = {item: f"Title {item}" for item in range(40)}
    judged = demo.run(
        tmp_path, 0, models, data, titles, small, echo=lambda *words: said.append(" ".join(words)),
        on_spark=False,
    )  # fmt: skip
    assert [j.name for j in judged] == list(models)
    assert len(judged[1].curves["loss"]) == 2
    assert load(tmp_path / "NeuralCF").name == "NeuralCF"
    text = "\n".join(said)
    assert text.count("  10. Title") == 3 and "ndcg@10" in text
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "WideAndDeep</h3>" in page
    assert "The verdict goes by NDCG@10" in page and "The verdict goes by NDCG@10" in text
    assert f"Andiron {andiron.__version__}, 20" in page


def test_the_command_trains_predicts_and_evaluates(frame, tmp_path):
    learnt, held = frame.iloc[:500], frame.iloc[500:]
    learnt.to_csv(tmp_path / "learnt.csv", index=False)
    held.to_parquet(tmp_path / "held.parquet")
    small = ["epochs=1", "gmf=4", "mlp_user=4", "mlp_item=4", "hidden=[4]"]
    settings = [word for s in small for word in ("--set", s)]
    folder = tmp_path / "model"
    done = _andiron("train", tmp_path / "learnt.csv", "--model", "NeuralCF", "--time", "time",
                    "--out", folder, *settings)  # fmt: skip
    assert done.exit_code == 0, done.output
    done = _andiron("predict", folder, "3", "nobody", "-k", 4)
    assert done.exit_code == 0 and len(done.output.splitlines()) == 1 + 8
    done = _andiron("predict", folder, "--all", "--output", tmp_path / "all.csv")
    assert done.exit_code == 0
    best = pd.read_csv(tmp_path / "all.csv")
    assert not _pairs(best) & _pairs(learnt)
    chances = load(folder).predict(best["user"].tolist(), best["item"].tolist())
    np.testing.assert_allclose(best["chance"], chances, rtol=1e-5)
    assert 0 < best["chance"].min() and best["chance"].max() < 1
    done = _andiron("evaluate", folder, tmp_path / "held.parquet")
    assert done.exit_code == 0 and "ndcg@10" in done.output and "popularity" in done.output


@pytest.mark.parametrize(("model", "size"), [("MatrixFactorization", "factors=4"),
                                             ("NeuralCF", "gmf=4")])  # fmt: skip
def test_ratings_are_judged_where_no_item_can_be_ranked(frame, tmp_path, model, size):
    table = tmp_path / "ratings.csv"
    frame.assign(rating=1.0 + frame["item"] % 5).to_csv(table, index=False)
    settings = ["--set", "loss=squared_error", "--set", "epochs=1", "--set", size]
    done = _andiron("train", table, "--model", model, "--rating", "rating",
                    "--out", tmp_path / "model", *settings)  # fmt: skip
    assert done.exit_code == 0, done.output
    done = _andiron("evaluate", tmp_path / "model", table, "--rating", "rating")
    assert done.exit_code == 0, done.output  # training saw all pairs
    assert "RMSE" in done.output and "No ranking of items" in done.output.splitlines()[-1]


def test_the_command_says_what_is_wrong(frame, tmp_path):
    frame.to_csv(tmp_path / "t.csv", index=False)
    for words, message in (
        (["train", tmp_path / "none.csv", "--out", tmp_path], "none.csv"),
        (["train", tmp_path / "t.csv", "--user", "rider", "--out", tmp_path], "no column 'rider'"),
        (["train", tmp_path / "t.csv", "--set", "epochs", "--out", tmp_path], "NAME=VALUE"),
        (["train", tmp_path / "t.csv", "--set", "speed=1", "--out", tmp_path], "no setting"),
        (
            [
                "train",
                tmp_path / "t.csv",
                "--model",
                "ItemKNN",
                "--set",
                "neighbours=abc",
                "--out",
                tmp_path,
            ],
            "the setting neighbours is a whole number; got 'abc'",
        ),
        (
            ["tune", tmp_path / "t.csv", "--try", "factors=a,b", "--time", "time"],
            "the setting factors is a whole number; got 'a'",
        ),
        (
            ["train", tmp_path / "t.csv", "--set", "hidden=[64,x]", "--out", tmp_path],
            "the setting hidden is a list of whole numbers; got '[64,x]'",
        ),
        (
            ["propensity", "train", tmp_path / "t.csv", "--days", 3000, "--out", tmp_path],
            "four windows of 3000 days are needed",
        ),
        (
            [
                "propensity",
                "train",
                tmp_path / "t.csv",
                "--days",
                3000,
                "--no-backtest",
                "--out",
                tmp_path,
            ],
            "three windows of 3000 days are needed",
        ),
        (["predict", tmp_path / "none", "1"], "none"),
        (["predict", tmp_path], "--all"),
    ):
        done = _andiron(*words)
        assert done.exit_code == 1 and message in done.output and "Traceback" not in done.output


def test_a_model_takes_in_what_happened_since_training(data):
    split = user_temporal_holdout(data, seed=0)
    model = train("WideAndDeep", split.train, {"epochs": 1}, 0)
    users = np.arange(5)
    before = model.scores(users)
    assert brought_up_to_date("WideAndDeep", model, split) is model
    assert not np.array_equal(model.scores(users), before)
    # Further epochs move the weights, and the loss curve stays that of the training.
    weights, curve = [w.copy() for w in model._learnt()], list(model.curves["loss"])
    model.observe(split.refit)
    assert all(np.array_equal(a, b) for a, b in zip(weights, model._learnt(), strict=True))
    model.observe(split.refit, epochs=2)
    assert not all(np.array_equal(a, b) for a, b in zip(weights, model._learnt(), strict=True))
    assert model.curves["loss"] == curve and len(curve) == 1 and model.settings.epochs == 1
    popularity = brought_up_to_date("popularity", train("popularity", split.train), split)
    assert np.array_equal(
        np.argsort(popularity.scores(users[:1])[0], kind="stable")[-1:],
        np.argsort(split.refit.popularity(), kind="stable")[-1:],
    )
    few = Interactions.from_pandas(pd.DataFrame({"user": [1, 1], "item": [1, 2]}))
    with pytest.raises(ValueError, match=r"needs the ids of training"):
        model.observe(few)
