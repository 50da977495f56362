"""Rows that lack a number: what is told, and what becomes of them."""

from __future__ import annotations

import numpy as np
import pytest

import andiron
from andiron import layers

pytestmark = pytest.mark.slow


@pytest.fixture
def frame(spark):
    """a is NaN in row 3 and null in row 5, y is NaN in 7 and 8; pair has a NaN in row 9."""
    return spark.range(40).selectExpr(
        "id", "if(id = 3, double('nan'), if(id = 5, null, id / 40)) as a", "1 - id / 40 as b",
        "if(id in (7, 8), double('nan'), id / 10) as y", "id % 3 as kind",
        "if(id = 9, array(1.0D, double('nan')), array(1.0D, 2.0D)) as pair",
    )  # fmt: skip


def estimator(**settings):
    from andiron import spark

    x = andiron.Input((2,))
    given = {"model": andiron.Model(x, layers.Dense(1, settings.pop("activation", None))(x)),
             "loss": "mse", "features": ["a", "b"], "label": "y", "num_workers": 1,
             "batch_size": 8, "verbose": 0, **settings}  # fmt: skip
    return spark.Estimator(**given)


def test_rows_that_lack_a_number_are_told_by_a_filter(frame):
    from andiron.spark import WorkerError

    with pytest.raises(WorkerError) as caught:
        estimator().fit(frame.where("id not in (7, 8)"))
    told = str(caught.value)
    assert "column 'a' is null or NaN in 2 of 38 rows that this worker has read" in told
    assert 'nulls={"a": number} gives them a value' in told
    assert "b=0.9" in told or "b=0.875" in told
    with pytest.raises(WorkerError) as caught:
        estimator(nulls={"a": 0.0}).fit(frame)
    told = str(caught.value)
    assert "column 'y' is null, NaN or infinite in 2 of 40 rows" in told
    where = told.split('frame.where("')[1].split('")')[0]
    assert {row.id for row in frame.where(where).collect()} == {7, 8}
    with pytest.raises(WorkerError, match=r"'pair' is null or NaN in 1 of 40 rows.*exists\("):
        estimator(features="pair", nulls={"y": 0.0}, label="b").fit(frame)


def test_nan_of_features_becomes_what_nulls_become(frame):
    rows = frame.where("id not in (7, 8)")
    filled = rows.fillna({"a": 0.25}).replace(float("nan"), 0.25, ["a"])
    ours = estimator(nulls={"a": 0.25}).fit(rows)
    theirs = estimator().fit(filled)
    # Rows are dealt by their content, so other batches: the sums over all rows are equal.
    assert ours.work[0]["rows"] == theirs.work[0]["rows"] == 38
    found = ours.transform(frame).orderBy("id").toPandas()["prediction"]
    x = filled.select("id", "a", "b").orderBy("id").toPandas()
    expected = ours.native.predict(x[["a", "b"]].to_numpy("f"))[:, 0]
    np.testing.assert_allclose(found[x["id"]], expected, atol=1e-6)

    lists = estimator(features="pair", label="b", nulls={"pair": 2.0}).fit(frame)
    assert np.isfinite(lists.history["loss"]).all()
    same = lists.transform(frame).toPandas()["prediction"]
    assert same.nunique() == 1  # [1, 2] in all rows now


def test_transform_skips_or_keeps_them(spark, frame):
    from andiron import spark as on_spark

    native = estimator().getModel()
    two = andiron.Model(native.inputs, [native.outputs[0], layers.Dense(3)(native.inputs[0])])
    good = {i for i in range(40) if i not in (3, 5)}
    for model in (native, two):
        stage = on_spark.Model(model, features=["a", "b"], class_col="best")
        with pytest.raises(Exception, match="column 'a' is null or NaN in"):
            stage.transform(frame).collect()
        skipped = stage.copy({stage.handleInvalid: "skip"}).transform(frame)
        assert {row.id for row in skipped.collect()} == good
        kept = stage.setHandleInvalid("keep").transform(frame).orderBy("id").toPandas()
        for name in stage.output_cols():
            assert set(kept["id"][kept[name].notna()]) == good
        x = kept.loc[kept["id"].isin(good), ["a", "b"]].to_numpy("f")
        expected = native.predict(x)[:, 0]
        found = kept.loc[kept["id"].isin(good), stage.output_cols()[0]]
        np.testing.assert_allclose(found, expected, atol=1e-6)
    pair = on_spark.Model(native, features="pair", handle_invalid="skip")
    assert pair.transform(frame).count() == 39
    with pytest.raises(andiron.Error, match='handle_invalid is "error", "skip" or "keep"'):
        stage.setHandleInvalid("drop").transform(frame)


def test_binary_crossentropy_refuses_other_labels(frame):
    from andiron.spark import WorkerError

    given = estimator(features=["b", "b"], label="kind", loss="binary_crossentropy",
                      activation="sigmoid")  # fmt: skip
    with pytest.raises(WorkerError, match=r"'kind' is not from 0 to 1 \(one is 2\) in 13 of 40"):
        given.fit(frame)
    assert given.fit(frame.where("kind < 2")).work[0]["rows"] == 27


def test_class_weights_balanced_and_of_no_class(frame):
    given = estimator(features=["b", "b"], label="kind", loss="binary_crossentropy",
                      activation="sigmoid", seed=3)  # fmt: skip
    rows = frame.where("kind < 2 and id > 10")
    counts = {row["kind"]: row["count"] for row in rows.groupBy("kind").count().collect()}
    told = {k: sum(counts.values()) / (2 * n) for k, n in counts.items()}
    balanced = given.copy({given.classWeight: "balanced"}).fit(rows)
    assert balanced.history == given.copy({given.classWeight: told}).fit(rows).history
    with pytest.warns(UserWarning, match=r"class_weight has \[7\], and no row .* in 'kind'"):
        given.copy({given.classWeight: {0: 1.0, 7: 2.0}}).fit(rows)
