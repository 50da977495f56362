"""Propensity as stages of Spark ML: from events to calibrated chances as columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("pyspark")

from andiron._about import about  # noqa: E402
from andiron.apps.recommend.events import Events  # noqa: E402
from andiron.apps.recommend.propensity import Propensity  # noqa: E402
from andiron.apps.recommend.study_events import StudyEvents  # noqa: E402

import andiron  # noqa: E402
from andiron import spark as on_spark  # noqa: E402

DAYS, ALL = 20.0, 160.0
SETTINGS = {"days": DAYS, "epochs": 3, "windows": 2, "negatives": 20}


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("events")
    StudyEvents(users=200, merchants=30, events=14_000, days=ALL, seed=3).write(folder, 1)
    table = pd.read_parquet(folder)
    table["time"] = (table["time"] - pd.Timestamp(0, tz=table["time"].dt.tz)).dt.total_seconds()
    start = table["time"].min()
    known = table[table["time"] < start + (ALL - DAYS) * 86_400]
    return table, known.reset_index(drop=True)


def stage(**more):
    given = {"item_col": "merchant", "verbose": 0, **SETTINGS, **more}
    return on_spark.Propensity(**given)


@pytest.fixture(scope="module")
def trained(spark, planted):
    """On one worker and on two."""
    frame = spark.createDataFrame(planted[1])
    return [stage(num_workers=n).fit(frame.repartition(n + 1)) for n in (1, 2)]


def test_chances_come_true_and_are_as_good_as_those_of_one_machine(planted, trained):
    table, known = planted
    later = Events.from_pandas(table, item="merchant")
    alone = Propensity(**SETTINGS).fit(Events.from_pandas(known, item="merchant"))
    reference = alone.evaluate(later)
    for model in trained:
        report = model.native.evaluate(later)
        assert report.pairs == reference.pairs and report.positives == reference.positives
        assert report.auroc == pytest.approx(reference.auroc, abs=0.015)
        assert report.expected == pytest.approx(report.positives, rel=0.15)
        assert report.after.error < 0.02
        assert len(model.history["loss"]) == SETTINGS["epochs"]
    assert sum(work["rows"] for work in trained[1].work) == len(known)


def test_workers_know_together_what_one_knows(trained):
    one, two = (model.native for model in trained)
    for name, value in one._moment.state().items():
        np.testing.assert_allclose(two._moment.state()[name], value, rtol=1e-12, err_msg=name)
    assert np.array_equal(one._moment.affinity._nearest.keys, two._moment.affinity._nearest.keys)
    users = one.users.ids[:40]
    np.testing.assert_allclose(one.predict_proba(users), two.predict_proba(users), atol=5e-3)


def test_chances_are_a_column(spark, trained, tmp_path):
    model = trained[1]
    users, items = model.native.users.ids[:5], model.native.items.ids[:7]
    pairs = [(int(u), int(i)) for u in users for i in items]
    frame = spark.createDataFrame([*pairs, (-1, int(items[0]))], "user long, merchant long")
    rows = {(r["user"], r["merchant"]): r["chance"] for r in model.transform(frame).collect()}
    expected = model.native.predict_proba([u for u, _ in pairs], [i for _, i in pairs])
    np.testing.assert_allclose([rows[pair] for pair in pairs], expected, rtol=1e-6)
    assert np.isnan(rows[(-1, int(items[0]))])
    best = {r["user"]: r["recommendations"] for r in model.recommendForAllUsers(3).collect()}
    top = model.native.top(int(users[2]), 3)
    assert [x["merchant"] for x in best[int(users[2])]] == [item for item, _ in top]
    fresh = model.copy({model.excludeSeen: True}).recommendForUserSubset(frame, 40).collect()
    met = {int(users[2]): set(model.native._histories.seen(2))}
    for row in fresh:
        if row["user"] in met:
            rows_of = model.native.items.rows([x["merchant"] for x in row["recommendations"]])
            assert not met[row["user"]] & set(rows_of.tolist())
    for_item = model.recommendForItemSubset(frame.limit(1), 4).collect()
    chances = [x["rating"] for x in for_item[0]["recommendations"]]
    assert len(chances) == 4 and chances == sorted(chances, reverse=True)
    model.write().overwrite().save(str(tmp_path / "model"))
    told = about(str(tmp_path / "model"))
    assert told["kind"] == "Spark stage PropensityModel" and "days=20.0" in told["summary"]
    again = on_spark.PropensityModel.load(str(tmp_path / "model"))
    assert (
        again.transform(frame).orderBy("user", "merchant").collect()[1:]
        == (model.transform(frame).orderBy("user", "merchant").collect()[1:])
    )


def test_times_of_any_type(spark, planted):
    known = planted[1].sample(4000, random_state=0)
    numbers = spark.createDataFrame(known)
    dates = numbers.withColumn("time", numbers["time"].cast("timestamp"))
    days = numbers.withColumn("time", numbers["time"] / 86_400)
    one, two, three = (
        stage(epochs=1, windows=1, unit=unit).fit(frame).native._moment
        for frame, unit in ((numbers, "s"), (dates, "s"), (days, "D"))
    )
    assert one.day == pytest.approx(two.day) == pytest.approx(three.day)
    np.testing.assert_allclose(one.pair_last, two.pair_last)
    np.testing.assert_allclose(one.of_items, three.of_items)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"user_col": "whom"}, "there is no column 'whom'"),
        ({"time_col": "holes"}, "times are never missing; column 'holes' has 1 without one"),
        ({"unit": "weeks"}, "unit is one of"),
        ({"num_workers": 0}, "num_workers must be at least 1"),
        ({"calibration": "magic"}, "calibration is 'isotonic', 'platt' or 'none'"),
        ({"half_lifes": (3.0,)}, "has no 'half_lifes'; did you mean 'half_lives'"),
    ],
)
def test_bad_input_is_told_before_anything_trains(spark, more, words):
    frame = spark.createDataFrame(
        [(1, 1, 10.0, None), (2, 1, 20.0, 3)], "user int, item int, time double, holes int"
    )
    with pytest.raises((andiron.Error, ValueError, TypeError), match=words):
        on_spark.Propensity(verbose=0, **more).fit(frame)


def test_too_short_a_time_is_told_by_a_worker(spark):
    frame = spark.createDataFrame([(1, 1, 10.0), (2, 1, 20.0)], "user int, item int, time double")
    with pytest.raises(on_spark.WorkerError, match="three windows of 30 days are needed"):
        on_spark.Propensity(verbose=0, num_workers=2).fit(frame)
