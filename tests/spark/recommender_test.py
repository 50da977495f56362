"""Recommenders as stages of Spark ML: what they learn, predict, recommend and keep."""

from __future__ import annotations

import os
import pickle
import signal
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

pytest.importorskip("pyspark")

from andiron.apps.recommend.data import Interactions  # noqa: E402
from andiron.apps.recommend.history import Histories  # noqa: E402
from andiron.apps.recommend.ids import IdMap  # noqa: E402
from andiron.apps.recommend.models import Popularity  # noqa: E402
from andiron.apps.recommend.on_spark import interactions  # noqa: E402
from andiron.apps.recommend.on_spark import recommender as on_spark_recommender  # noqa: E402
from andiron.apps.recommend.on_spark import workers as on_spark_workers  # noqa: E402

import andiron  # noqa: E402
from andiron import spark as on_spark  # noqa: E402

SMALL = {
    "NeuralCF": {"gmf": 8, "mlp_user": 4, "mlp_item": 4, "hidden": (8,), "history": 5,
                 "dropout": 0.1},
    "WideAndDeep": {"embedding": 8, "hidden": (8,), "negatives": 10, "dropout": 0.1},
}  # fmt: skip
RATED = {
    "MatrixFactorization": {"factors": 4},
    "NeuralCF": {"gmf": 4, "mlp_user": 4, "mlp_item": 4, "hidden": (8,), "dropout": 0.0},
}


def events(n_users=60, n_items=24, seed=0, shortest=4) -> pd.DataFrame:
    """Users like either the even items or the odd ones; a few meetings come twice."""
    rng = np.random.default_rng(seed)
    lines = []
    for user in range(n_users):
        liked = rng.permutation(np.arange(user % 2, n_items, 2))[
            : rng.integers(shortest, shortest + 5)
        ]
        lines += [(f"u{user:02d}", int(i), 10 * t) for t, i in enumerate(liked)]
    table = pd.DataFrame(lines, columns=["who", "what", "when"])
    again = table.sample(20, random_state=seed).assign(when=lambda t: t["when"] + 5)
    table = pd.concat([table, again]).sample(frac=1, random_state=seed).reset_index(drop=True)
    table["genre"] = np.where(table["what"] % 2 == 0, "even", "odd")
    return table


def columns(**more):
    return {"user_col": "who", "item_col": "what", "time_col": "when", "verbose": 0, **more}


@pytest.fixture(scope="module")
def frame(spark):
    return spark.createDataFrame(events()).repartition(3).cache()


@pytest.fixture(scope="module")
def trained(frame):
    recommender = on_spark.Recommender(
        kind="NeuralCF", epochs=10, batch_size=64, num_workers=2, **SMALL["NeuralCF"], **columns()
    )
    return recommender.fit(frame)


def test_it_learns_the_tastes_and_keeps_the_histories(trained):
    table = events()
    best = {row["who"]: row["recommendations"] for row in trained.recommendForAllUsers(3).collect()}
    assert len(best) == 60
    right = [
        (item["what"] - int(who[1:])) % 2 == 0 for who, list_ in best.items() for item in list_
    ]
    assert np.mean(right) > 0.9
    for who, list_ in best.items():
        met = set(table.loc[table["who"] == who, "what"])
        assert not met & {item["what"] for item in list_}
        ratings = [item["rating"] for item in list_]
        assert ratings == sorted(ratings, reverse=True)
        expected = trained.native.recommend(who, 3)
        assert [item["what"] for item in list_] == [i for i, _ in expected]
    local = Interactions.from_pandas(table, "who", "what", time="when")
    histories = Histories.of(local)
    assert np.array_equal(trained.native._histories.items, histories.items)
    assert np.array_equal(trained.native._histories.starts, histories.starts)
    assert len(trained.history["loss"]) == 10
    assert trained.history["loss"][-1] < trained.history["loss"][0]
    assert sum(work["rows"] for work in trained.work) == len(local)


def test_predictions_equal_those_of_one_machine(spark, trained):
    asked = events().sample(50, random_state=1)[["who", "what"]]
    unknown = pd.DataFrame({"who": ["nobody", "u01"], "what": [1, 999]})
    frame = spark.createDataFrame(pd.concat([asked, unknown])).repartition(4)
    rows = trained.transform(frame).collect()
    known = [row for row in rows if row["who"] != "nobody" and row["what"] != 999]
    assert len(known) == 50 and len(rows) == 52
    expected = trained.native.predict([r["who"] for r in known], [r["what"] for r in known])
    assert np.allclose([row["prediction"] for row in known], expected, rtol=1e-5)
    assert all(np.isnan(row["prediction"]) for row in rows if row not in known)
    dropping = trained.copy({trained.coldStartStrategy: "drop"})
    assert dropping.transform(frame).count() == 50


def test_users_that_training_did_not_see_are_left_out_as_als_does(spark, trained):
    asked = spark.createDataFrame([("nobody",), ("u07",), ("u07",), (None,)], "who string")
    (found,) = trained.recommendForUserSubset(asked, 4).collect()
    assert found["who"] == "u07" and len(found["recommendations"]) == 4
    assert trained.recommendForUserSubset(asked.where("who = 'nobody'"), 4).collect() == []


@pytest.mark.parametrize("exclude_seen", [True, False])
def test_the_best_users_of_items(spark, trained, exclude_seen):
    stage = trained.copy({trained.excludeSeen: exclude_seen})
    found = stage.recommendForAllItems(5)
    best = {row["what"]: row["recommendations"] for row in found.collect()}
    native = trained.native
    estimates = native.probabilities(native.scores(np.arange(60)))
    if exclude_seen:
        for user in range(60):
            estimates[user, native._histories.seen(user)] = -np.inf
    assert set(best) == set(range(24))
    for item, list_ in best.items():
        column = native.items.rows([item])[0]
        order = np.argsort(-estimates[:, column], kind="stable")[:5]
        ours = [line["rating"] for line in list_]
        np.testing.assert_allclose(ours, estimates[order, column], rtol=1e-5)
        assert ours == sorted(ours, reverse=True)
        rows = native.users.rows([line["who"] for line in list_])
        np.testing.assert_allclose(estimates[rows, column], ours, rtol=1e-5)
    asked = spark.createDataFrame([(3,), (3,), (99,), (None,)], "what int")
    (one,) = stage.recommendForItemSubset(asked, 5).collect()
    assert one["what"] == 3
    assert [x["who"] for x in one["recommendations"]] == [x["who"] for x in best[3]]


def test_recommendations_have_the_columns_of_als(spark):
    from pyspark.ml.recommendation import ALS

    pairs = spark.range(30).selectExpr(
        "cast(id % 6 as int) as userId", "cast(id * id % 5 as int) as movieId", "1.0f as rating"
    )
    als = ALS(userCol="userId", itemCol="movieId", rank=2, maxIter=1).fit(pairs)
    ids = pd.DataFrame(pairs.toPandas()[["userId", "movieId"]])
    native = Popularity().fit(Interactions.from_pandas(ids, "userId", "movieId"))
    ours = on_spark.RecommenderModel(native, user_col="userId", item_col="movieId")
    users, items = pairs.select("userId").limit(2), pairs.select("movieId").limit(2)
    for name, given in (("recommendForAllUsers", ()), ("recommendForAllItems", ()),
                        ("recommendForUserSubset", (users,)),
                        ("recommendForItemSubset", (items,))):  # fmt: skip
        expected = getattr(als, name)(*given, 2).schema.simpleString()
        found = getattr(ours, name)(*given, 2).schema.simpleString()
        assert found == expected.replace("Id:int", "Id:bigint"), name


def test_names_that_are_no_settings():
    for name, message in [
        ("embeding", r"has no 'embeding'; did you mean 'embedding'\? There are Params .*settings"),
        ("rank", "has no 'rank': sizes are settings of the model"),
        ("alpha", "has no 'alpha': interactions are not weighted"),
        ("userColumn", "did you mean 'user_col'"),
    ]:
        with pytest.raises(TypeError, match=message):
            on_spark.Recommender(**{name: 1})


@pytest.mark.parametrize("kind", ["NeuralCF", "WideAndDeep"])
def test_the_number_of_workers_changes_rounding_only(spark, kind):
    """Without dropout, whose masks are each worker's own; a few steps stay within 1e-4."""
    frame = spark.createDataFrame(events(seed=3))
    found = []
    for workers in (1, 2):
        recommender = on_spark.Recommender(
            kind=kind, epochs=2, batch_size=50, learning_rate=1e-3, num_workers=workers,
            item_features=["genre"], **SMALL[kind] | {"dropout": 0.0}, **columns(),
        )  # fmt: skip
        found.append(recommender.fit(frame.repartition(workers + 1)))
    one, two = found
    assert np.allclose(one.history["loss"], two.history["loss"], rtol=1e-5)
    users = np.arange(60)
    assert np.allclose(one.native.scores(users), two.native.scores(users), atol=2e-4)


def test_neighbours_are_those_of_one_machine(spark, frame):
    """Pairs are counted where the users are, and added up: the same bits for any workers."""
    from andiron.apps.recommend.models import ItemKNN

    local = ItemKNN(neighbours=7, shrink=2.0, history_decay=0.9).fit(
        Interactions.from_pandas(events(), "who", "what", time="when")
    )
    for workers in (1, 3):
        stage = on_spark.Recommender(kind="ItemKNN", num_workers=workers, neighbours=7, shrink=2.0,
                                     history_decay=0.9, **columns())  # fmt: skip
        if workers == 3:
            stage.setNumWorkers(2)
        found = stage.fit(frame).native
        assert np.array_equal(found._nearest.keys, local._nearest.keys)
        assert np.array_equal(found._nearest.values, local._nearest.values)
        assert np.array_equal(found._popularity, local._popularity)
        users = np.arange(60)
        assert np.array_equal(found.scores(users), local.scores(users))
        assert found.similar_items(3) == local.similar_items(3)
    with pytest.raises(ValueError, match="there is no setting 'epochs'"):
        on_spark.Recommender(kind="ItemKNN", epochs=3, **columns()).fit(frame)


def ratings(seed=4):
    """Users like the even items or the odd ones, and rate high or low; those of the first half are
    stricter, so that workers' parts have other means."""
    rng = np.random.default_rng(seed)
    table = events(80, 20, seed).drop_duplicates(["who", "what"])
    users = table["who"].str[1:].astype(int)
    table["stars"] = 3.0 - 1.5 * (users < 40) + rng.normal(0, 0.2, len(table)).round(3)
    table["stars"] += np.where(table["what"] % 3 == 0, 1.0, 0.0)
    return table.reset_index(drop=True)


@pytest.mark.parametrize("kind", list(RATED))
def test_ratings_are_learnt_against_the_mean_of_all_workers(spark, kind):
    table = ratings()
    table["test"] = np.arange(len(table)) % 7 == 0
    frame, found = spark.createDataFrame(table), []
    for workers in (1, 2):
        stage = on_spark.Recommender(
            kind=kind, loss="squared_error", rating_col="stars", epochs=6, batch_size=32,
            learning_rate=1e-2, num_workers=workers, validation_indicator_col="test",
            **RATED[kind], **columns(),
        )  # fmt: skip
        found.append(stage.fit(frame.repartition(workers + 1)))
    one, two = found
    train = table[~table["test"]]
    mean = train["stars"].astype("f4").mean()
    for model in found:
        assert model.native.mean_rating == pytest.approx(mean, abs=1e-6)
        low, high = model.native._range
        assert (low, high) == pytest.approx((train["stars"].min(), train["stars"].max()))
        assert model.history["val_rmse"][-1] < table["stars"].std()
        rows = model.transform(frame.where("test")).toPandas()
        error = rows["prediction"] - rows["stars"]
        assert model.history["val_rmse"][-1] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-4)
    assert np.allclose(one.history["loss"], two.history["loss"], rtol=1e-4)
    users = np.arange(80)
    assert np.allclose(one.native.scores(users), two.native.scores(users), atol=5e-3)
    best = two.recommendForAllItems(3).collect()
    for line in best:
        values = [x["rating"] for x in line["recommendations"]]
        assert values == sorted(values, reverse=True) and max(values) <= high


def test_pairs_of_items_on_two_workers(frame):
    model = on_spark.Recommender(kind="MatrixFactorization", epochs=20, batch_size=64, factors=8,
                                 num_workers=2, **columns()).fit(frame)  # fmt: skip
    best = {row["who"]: row["recommendations"] for row in model.recommendForAllUsers(3).collect()}
    right = [(x["what"] - int(who[1:])) % 2 == 0 for who, list_ in best.items() for x in list_]
    assert np.mean(right) > 0.9
    assert model.history["loss"][-1] < model.history["loss"][0]


def test_ratings_and_losses_go_together(spark):
    frame = spark.createDataFrame(ratings())
    for more, words in (
        ({"kind": "NeuralCF", "loss": "squared_error"}, "name their rating_col"),
        ({"kind": "WideAndDeep", "rating_col": "stars"}, "WideAndDeep takes a line for an inter"),
        ({"kind": "NeuralCF", "loss": "squared_error", "rating_col": "who"}, "ratings are numbers"),
    ):
        with pytest.raises(andiron.Error, match=words):
            on_spark.Recommender(**more, **columns()).fit(frame)
    holes = frame.selectExpr("who", "what", "when", "if(what = 3, null, stars) as stars")
    with pytest.raises(andiron.Error, match="ratings are never missing; column 'stars' has"):
        on_spark.Recommender(kind="NeuralCF", loss="squared_error", rating_col="stars",
                             **columns()).fit(holes)  # fmt: skip


def test_published_networks_train_on_pairs(frame):
    for kind, more in (("NeuralCF", {}), ("WideAndDeep", {"numbers": False, "n_crosses": 2})):
        settings = {**SMALL[kind], **more, "loss": "binary_crossentropy"}
        model = on_spark.Recommender(
            kind=kind, epochs=2, batch_size=64, num_workers=2, settings=settings, **columns()
        ).fit(frame)
        assert model.history["loss"][1] < model.history["loss"][0] < 1.0


def test_held_out_interactions_judge_each_epoch(spark):
    table = events(seed=5)
    table["test"] = table.groupby("who")["when"].transform("max") == table["when"]
    model = on_spark.Recommender(
        kind="WideAndDeep", epochs=3, num_workers=2, validation_indicator_col="test",
        **SMALL["WideAndDeep"], **columns(),
    ).fit(spark.createDataFrame(table))  # fmt: skip
    from andiron.apps.recommend.ranking import evaluate

    data = Interactions.from_pandas(table, "who", "what", time="when")
    later = Interactions.from_pandas(
        table.sort_values("when").drop_duplicates(["who", "what"]), "who", "what", time="when"
    )
    assert len(later) == len(data)
    seen = Interactions.from_pandas(table[~table["test"]], "who", "what", time="when")
    test = table[table["test"]]
    known = test["what"].isin(seen.items.ids) & test["who"].isin(seen.users.ids)
    pairs = Interactions(
        seen.users, seen.items, seen.users.rows(test["who"][known]),
        seen.items.rows(test["what"][known]),
    )  # fmt: skip
    new = ~np.isin(pairs.user * pairs.n_items + pairs.item, seen.user * seen.n_items + seen.item)
    ranking = evaluate(model.native.scores, seen, pairs.take(new))
    assert len(model.history["val_ndcg@10"]) == 3
    assert model.history["val_ndcg@10"][-1] == pytest.approx(ranking.figure("ndcg@10").mean, 1e-4)


def test_a_worker_without_users_is_no_trouble(spark):
    alone = spark.createDataFrame(events().query("who < 'u01'"))
    others = spark.createDataFrame([(99,)], "what int")
    for kind in SMALL:
        model = on_spark.Recommender(kind=kind, epochs=1, num_workers=2, item_catalog=others,
                                     **SMALL[kind], **columns())  # fmt: skip
        trained = model.fit(alone)
        assert np.isfinite(trained.history["loss"]).all()
        assert 99 in trained.native.items.ids
    nothing_left = model.copy({model.itemCatalog: None})  # the only user has met every item
    with pytest.raises(on_spark.WorkerError, match="they have not met"):
        nothing_left.fit(alone)


def test_it_stands_where_als_stands(frame, tmp_path):
    from pyspark.ml import Pipeline, PipelineModel
    from pyspark.ml.feature import SQLTransformer

    clean = SQLTransformer(statement="SELECT * FROM __THIS__ WHERE what >= 0")
    recommender = on_spark.Recommender(kind="WideAndDeep", epochs=1, num_workers=2,
                                       settings=SMALL["WideAndDeep"], **columns())  # fmt: skip
    model = Pipeline(stages=[clean, recommender]).fit(frame)
    expected = model.transform(frame).orderBy("who", "what", "when").toPandas()["prediction"]
    model.write().overwrite().save(str(tmp_path / "model"))
    loaded = PipelineModel.load(str(tmp_path / "model"))
    found = loaded.transform(frame).orderBy("who", "what", "when").toPandas()["prediction"]
    assert np.array_equal(found, expected)
    assert loaded.stages[1].history == model.stages[1].history
    recommender.write().overwrite().save(str(tmp_path / "stage"))
    again = on_spark.Recommender.load(str(tmp_path / "stage"))
    assert again.uid == recommender.uid
    params = {p.name: v for p, v in recommender.extractParamMap().items() if p.name != "settings"}
    assert {p.name: v for p, v in again.extractParamMap().items() if p.name != "settings"} == params
    assert {k: v if k != "hidden" else tuple(v) for k, v in again.getSettings().items()} == (
        recommender.getSettings()
    )
    assert len(again.fit(frame).history["loss"]) == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"user_col": "whom"}, "there is no column 'whom'"),
        ({"user_col": "score"}, "ids are texts or whole numbers; column 'score' is double"),
        ({"user_col": "holes"}, "ids are never missing; column 'holes' has 1 nulls"),
        ({"time_col": "who"}, "times are numbers, dates or timestamps"),
        ({"time_col": "late"}, "times are never missing; column 'late' has 1 without one"),
        ({"time_col": "never"}, "times are never missing; column 'never' has 2 without one"),
        ({"kind": "SVD"}, "kind is one of"),
        ({"num_workers": 0}, "num_workers must be at least 1"),
        ({"item_features": ["colour"]}, "there is no column 'colour'"),
        ({"categories": ["what"]}, "a category is one of the features"),
        ({"validation_indicator_col": "test"}, "there is no column 'test'"),
        ({"settings": {"gmff": 3}}, "there is no setting 'gmff'"),
    ],
)
def test_bad_input_is_told_before_anything_trains(spark, settings, words):
    frame = spark.createDataFrame(
        [("a", 1, 1, 0.5, "x", None, float("nan")), ("a", 2, 2, 0.5, None, 2**60, float("inf"))],
        "who string, what int, when int, score double, holes string, late long, never double",
    )
    with pytest.raises((andiron.Error, ValueError), match=words):
        on_spark.Recommender(**columns(**settings)).fit(frame)


def test_ids_of_catalogs_are_of_the_same_kind(spark, frame):
    for others in (spark.createDataFrame([(2.5,)], "what double"),
                   spark.createDataFrame([("2",)], "what string")):  # fmt: skip
        with pytest.raises(andiron.Error, match="ids are texts or whole numbers; column 'what'"):
            on_spark.Recommender(item_catalog=others, **columns()).fit(frame)


BIG = 2**60  # a double has not all whole numbers there


@pytest.fixture(scope="module")
def of_numbers(spark):
    """A model whose ids are large whole numbers."""
    table = events(20, 12)
    table["who"] = BIG + table["who"].str[1:].astype(np.int64)
    table["what"] += BIG
    data = Interactions.from_pandas(table, "who", "what", time="when")
    return on_spark.RecommenderModel(
        Popularity().fit(data), user_col="who", item_col="what"
    )  # fmt: skip


def test_large_ids_beside_nulls_stay_what_they_are(spark, of_numbers):
    popular = of_numbers.native.items.ids[np.argsort(of_numbers.native._popularity)]
    most, least = int(popular[-1]), int(popular[0])
    pairs = [(BIG + 1, most), (None, BIG + 2), (BIG + 3, None), (BIG + 5, least)]
    frame = spark.createDataFrame(pairs, "who long, what long").coalesce(1)
    found = {(r["who"], r["what"]): r["prediction"] for r in of_numbers.transform(frame).collect()}
    whole = [pair for pair in pairs if None not in pair]
    expected = of_numbers.native.predict(*map(np.array, zip(*whole, strict=True)))
    assert [found[pair] for pair in whole] == pytest.approx(expected.tolist())
    assert len(set(expected)) == 2 and all(np.isnan(found[p]) for p in pairs if None in p)
    best = of_numbers.recommendForUserSubset(frame, 2).collect()
    assert {row["who"] for row in best} == {BIG + 1, BIG + 3, BIG + 5}


def test_ids_of_another_type(spark, of_numbers, trained):
    fractions = spark.createDataFrame([(2.5, 2)], "who double, what int")
    texts = spark.createDataFrame([("1", 2)], "who string, what int")
    for ask in (of_numbers.transform, lambda frame: of_numbers.recommendForUserSubset(frame, 2)):
        with pytest.raises(andiron.Error, match="whole numbers; column 'who' is double"):
            ask(fractions)
        with pytest.raises(andiron.Error, match="whole numbers; column 'who' is string: cast it"):
            ask(texts)
    small = spark.createDataFrame([("u01", 3)], "who string, what short")
    large = spark.createDataFrame([("u01", 3)], "who string, what long")
    [row], [same] = trained.transform(small).collect(), trained.transform(large).collect()
    assert row["prediction"] == same["prediction"] and not np.isnan(row["prediction"])
    with pytest.raises(andiron.Error, match="there is no column 'who'"):
        trained.transform(large.select("what"))


def test_ids_are_numbered_with_the_same_table_in_all_batches():
    """Compared with Arrow's own look-up."""
    rng = np.random.default_rng(0)
    users, items = IdMap(np.sort([f"u{i:04d}" for i in range(3000)])), IdMap(BIG + np.arange(50))
    known = types.SimpleNamespace(value=(users, items))
    batches = [
        pa.record_batch({"user": rng.choice(users.ids, 100), "item": rng.choice(items.ids, 100),
                         "time": np.arange(100)})
        for _ in range(5)
    ]  # fmt: skip
    found = list(interactions._numbered(known)(batches))
    for batch, rows in zip(batches, found, strict=True):
        for name, ids in (("user", users), ("item", items)):
            assert rows.column(name).equals(pc.index_in(batch.column(name), pa.array(ids.ids)))
        assert rows.column("time").equals(batch.column("time"))
    table = users._row
    list(interactions._numbered(known)(batches))
    assert users._row is table
    assert "_row" not in vars(items)  # whole numbers need none
    assert vars(pickle.loads(pickle.dumps(users))).keys() == vars(IdMap(users.ids)).keys()
    later = pa.record_batch({"user": ["u0001", "later"], "item": items.ids[:2]})
    with pytest.raises(andiron.Error, match="other users when it is read again"):
        list(interactions._numbered(known)([later]))


def test_an_empty_frame_and_unknown_names(spark, frame):
    with pytest.raises(andiron.Error, match="the DataFrame is empty"):
        on_spark.Recommender(**columns()).fit(frame.limit(0))
    with pytest.raises(TypeError, match="has no 'colour'"):
        on_spark.Recommender(colour="red")


def test_the_demo_trains_on_two_workers(spark, tmp_path):
    """On the session that is there; `make demo` does the same on MovieLens."""
    from andiron.apps.recommend import demo

    data = Interactions.from_pandas(
        events(120, 40, shortest=12), "who", "what", time="when", item_features=["genre"]
    )
    judged = demo.run(
        tmp_path, 0, ("popularity", "NeuralCF", "WideAndDeep"), data, {}, session=spark,
        settings={kind: {**small, "epochs": 2} for kind, small in SMALL.items()}, echo=lambda *_: 0,
    )  # fmt: skip
    assert [len(j.curves["ndcg@10"]) for j in judged[1:]] == [2, 2]
    assert [len(j.curves["loss"]) for j in judged[1:]] == [2, 2]
    assert (tmp_path / "report.html").exists()


class _Fatal(on_spark_workers.Task):
    """A worker's task that kills its process once, after a batch: `victim` (rank), `when` (epoch,
    batch), `mark` (a file that says it was done)."""

    def __call__(self, worker):
        victim, when, mark = self.fate

        class Dying(on_spark_workers.Watcher):
            def begin(self, epoch, *rest):
                self._at = epoch
                super().begin(epoch, *rest)

            def on_train_batch_end(self, batch, logs=None):
                if (self._at, batch) == when and not os.path.exists(mark):
                    Path(mark).touch()
                    os.kill(os.getpid(), signal.SIGKILL)

            def _batch_ended(self, batch, logs=None):  # stands for it where the driver is told
                super()._batch_ended(batch, logs)
                Dying.on_train_batch_end(self, batch, logs)

        own = on_spark_workers.Watcher
        if worker.rank == victim:
            on_spark_workers.Watcher = Dying
        try:
            return super().__call__(worker)
        finally:
            on_spark_workers.Watcher = own


@pytest.fixture(scope="module")
def resumable(spark):
    """A training that writes checkpoints to a place, and what it gives undisturbed."""
    frame = spark.createDataFrame(events(200, 80, seed=7)).cache()

    def train(place):
        recommender = on_spark.Recommender(
            kind="NeuralCF", epochs=4, batch_size=8, num_workers=2, checkpoint_every=5,
            checkpoint_dir=str(place), **SMALL["NeuralCF"], **columns(),
        )  # fmt: skip
        return recommender.fit(frame)

    return train


@pytest.fixture(scope="module")
def undisturbed(resumable, tmp_path_factory):
    return resumable(tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "victim", "when"),
    [
        ("{}", 0, (1, 7)),
        ("{}", 1, (3, 60)),
        ("local://{}", 0, (2, 0)),  # by fsspec; the round has no checkpoint yet
        ("local://{}", 1, (1, 5)),  # while a checkpoint is being written
    ],
)
def test_a_killed_worker_leaves_no_trace(
    resumable, undisturbed, tmp_path, monkeypatch, place, victim, when
):
    if "local" in place:
        pytest.importorskip("fsspec")
    mark = tmp_path / "killed"

    def task(*given):
        made = _Fatal(*given)
        made.fate = victim, when, str(mark)
        return made

    # The module stays as it is: workers get the base class by its name.
    monkeypatch.setattr(on_spark_recommender, "workers", types.SimpleNamespace(Task=task))
    disturbed = resumable(place.format(tmp_path / "b"))
    assert mark.exists(), "nobody was killed"
    assert disturbed.history == undisturbed.history
    for a, b in zip(disturbed.native._learnt(), undisturbed.native._learnt(), strict=True):
        assert np.array_equal(a, b)
    assert len(list((tmp_path / "b").glob("run-*/round-*"))) == 1  # those before are gone
