"""Columns of every type that models take, several inputs and outputs, and predictions of them."""

from __future__ import annotations

import importlib

import numpy as np
import pandas as pd
import pytest

import andiron
from andiron import data, layers


def frame_of_all_types(spark):
    from pyspark.ml.feature import VectorAssembler
    from pyspark.sql import functions as F

    rng = np.random.default_rng(0)
    n = 120
    rows = pd.DataFrame(
        {
            "i32": rng.integers(0, 5, n).astype("int32"),
            "i64": rng.integers(0, 9, n),
            "f32": rng.normal(size=n).astype("f"),
            "f64": rng.normal(size=n),
            "flag": rng.random(n) < 0.5,
            "city": rng.choice(["Rome", "Oslo", "Bern"], n, p=[0.6, 0.3, 0.1]),
            "three": [rng.normal(size=3).tolist() for _ in range(n)],
            "words": [["a", "b", "c"][: k + 1] for k in rng.integers(0, 3, n)],
            "w": rng.random(n) + 0.5,
            "y": rng.normal(size=n),
            "kind": rng.integers(0, 3, n).astype("int32"),
        }
    )
    frame = spark.createDataFrame(rows)
    frame = (
        frame.withColumn("dec", F.col("f64").cast("decimal(12,6)"))
        .withColumn("i16", F.col("i32").cast("short"))
        .withColumn("i8", F.col("i32").cast("byte"))
        .withColumn("bytes", F.encode(F.lpad(F.col("i64").cast("string"), 2, "x"), "utf-8"))
        .withColumn("day", F.date_add(F.lit("1970-01-01").cast("date"), F.col("i32")))
    )
    return VectorAssembler(inputCols=["f64", "flag"], outputCol="vector").transform(frame)


NUMBERS = ["i32", "i64", "f32", "f64", "flag", "dec", "i16", "i8", "day"]


def network() -> andiron.Model:
    andiron.set_random_seed(1)
    numbers = andiron.Input((len(NUMBERS),), name="numbers")
    three, vector = andiron.Input((3,), name="three"), andiron.Input((2,), name="vector")
    city = andiron.Input((), dtype="int32", name="city")
    words = andiron.Input((3,), dtype="int32", name="words")
    pixels = andiron.Input((2,), name="bytes")
    h = layers.Concatenate()(
        [
            numbers,
            three,
            vector,
            layers.Embedding(4, 2)(city),
            layers.EmbeddingBag(4, 2)(words),
            pixels,
        ]
    )
    h = layers.Dense(6, "tanh")(h)
    outputs = [layers.Dense(1, name="price")(h), layers.Dense(3, "softmax", name="kind")(h)]
    return andiron.Model([numbers, three, vector, city, words, pixels], outputs)


def test_every_type_several_inputs_and_outputs(spark):
    from andiron import spark as on_spark

    frame = frame_of_all_types(spark).repartition(3)
    vocabulary = on_spark.build_vocabularies(frame, ["city", "words"])
    assert vocabulary["city"].entries == ["Rome", "Oslo", "Bern"]
    assert vocabulary["words"].entries[0] == "a"
    bag = data.Column("words", length=3, pad=-1)
    features = {"numbers": NUMBERS, "three": "three", "vector": "vector", "city": "city",
                "words": bag, "bytes": "bytes"}  # fmt: skip
    trained = on_spark.Estimator(
        model=network(), loss={"price": "mse", "kind": "sparse_categorical_crossentropy"},
        optimizer="adam", features=features, label={"price": "y", "kind": "kind"}, batch_size=32,
        sample_weight="w", vocabulary=vocabulary, epochs=2, num_workers=2, verbose=0,
    ).fit(frame)  # fmt: skip
    out = trained.transform(frame.select([c for c in frame.columns if c != "y"]))
    assert dict(out.dtypes)["prediction_price"] == "double"
    assert dict(out.dtypes)["prediction_kind"] == "array<float>"
    found = out.toPandas()

    ids = {text: i for i, text in enumerate(vocabulary["city"].entries, 1)}
    word = {text: i for i, text in enumerate(vocabulary["words"].entries, 1)}
    numbers = found[NUMBERS].assign(
        dec=found["dec"].astype(float), day=found["i32"]  # days since 1970
    )  # fmt: skip
    price, kind = trained.native.predict(
        {
            "numbers": numbers.astype("f").to_numpy(),
            "three": np.stack(found["three"]).astype("f"),
            "vector": np.stack([v.toArray() for v in found["vector"]]).astype("f"),
            "city": found["city"].map(ids).to_numpy("int32"),
            "words": np.array(
                [[word[t] for t in w] + [-1] * (3 - len(w)) for w in found["words"]], "i4"
            ),
            "bytes": np.stack([np.frombuffer(b, np.uint8) for b in found["bytes"]]).astype("f"),
        }
    )
    np.testing.assert_allclose(found["prediction_price"], price[:, 0], atol=1e-5)
    np.testing.assert_allclose(np.stack(found["prediction_kind"]), kind, atol=1e-5)


def test_a_model_without_input_has_the_width_of_the_first_row(spark):
    from andiron import spark as on_spark

    frame = frame_of_all_types(spark).selectExpr("*", "timestamp_seconds(i64) as moment")
    names = [*NUMBERS, "three", "vector", "bytes", "moment"]
    given = on_spark.Estimator(
        model=andiron.Sequential([layers.Dense(1)]), loss="mse", features=names, label="y"
    )
    model = given._compiled(given._rows(frame, {})[0], {})
    assert model.input_shape == (None, len(NUMBERS) + 3 + 2 + 2 + 1)


def test_predictions_by_columns_and_classes(spark):
    from andiron import spark as on_spark

    andiron.set_random_seed(3)
    native = andiron.Sequential([andiron.Input((2,)), layers.Dense(3, "softmax")])
    frame = spark.range(50).selectExpr("sin(id) as a", "cos(id) as b").repartition(9)  # some empty
    predict = on_spark.predict_batch_udf(native, ["a", "b"])
    model = on_spark.Model(native, features=["a", "b"], class_col="best")
    found = model.transform(frame.withColumn("p", predict("a", "b"))).toPandas()
    expected = native.predict(found[["a", "b"]].to_numpy("f"))
    np.testing.assert_allclose(np.stack(found["p"]), expected, atol=1e-6)
    np.testing.assert_allclose(np.stack(found["prediction"]), expected, atol=1e-6)
    np.testing.assert_array_equal(found["best"], expected.argmax(1).astype(float))
    with pytest.raises(andiron.Error, match=r"takes columns \['a', 'b'\]; got 1"):
        predict("a")
    with pytest.raises(
        andiron.Error, match="nulls has 'c', which is no column; there are 'a', 'b'"
    ):
        on_spark.predict_batch_udf(native, ["a", "b"], nulls={"c": 0})
    with pytest.raises(andiron.Error, match="vocabulary has 'c', which is no column; there are"):
        model.copy({model.vocabulary: {"c": ["x"]}}).transform(frame)


@pytest.mark.slow
def test_predictions_in_sql_and_of_a_stage(spark):
    from andiron import spark as on_spark

    x = andiron.Input((2,))
    native = andiron.Model(x, layers.Dense(1)(x))
    two = andiron.Model(x, [native.outputs[0], layers.Dense(3)(x)])
    frame = spark.range(20).selectExpr("id", "sin(id) as a", "if(id = 4, null, cos(id)) as b")
    frame.createOrReplaceTempView("rows_of_this_test")
    stage = on_spark.Model(native, features=["a", "b"], nulls={"b": 0.5})
    expected = stage.transform(frame).orderBy("id").toPandas()["prediction"]
    predict = on_spark.predict_batch_udf(stage)
    found = frame.select("id", predict("a", "b").alias("p")).orderBy("id").toPandas()["p"]
    np.testing.assert_array_equal(found, expected)
    kept = on_spark.Model(two, features=["a", "b"], handle_invalid="keep")
    nulls = frame.select("id", on_spark.predict_batch_udf(kept)("a", "b").alias("p"))
    (row,) = nulls.where("p.c0 is null or p.c1 is null").collect()
    assert row.id == 4
    with pytest.raises(andiron.Error, match='leaves no rows out: handle_invalid="keep"'):
        on_spark.predict_batch_udf(stage.copy({stage.handleInvalid: "skip"}))
    with pytest.raises(TypeError, match="an andiron.Model or andiron.spark.Model is needed"):
        on_spark.predict_batch_udf("price", ["a"])

    if not hasattr(importlib.import_module("pyspark.sql.functions"), "arrow_udf"):
        with pytest.raises(andiron.Error, match="from PySpark 4.1 on"):
            spark.udf.register("price", predict)
        return
    spark.udf.register("price", predict)
    spark.udf.register("both", on_spark.predict_batch_udf(two, ["a", "b"], nulls=0.5))
    told = spark.sql(
        "select price(a, b) as p, both(a, b).c0 as q, both(a, b).c1 as r from rows_of_this_test "
        "order by id"
    ).toPandas()
    np.testing.assert_array_equal(told["p"], expected)
    np.testing.assert_allclose(told["q"], expected, atol=1e-6)
    assert {len(r) for r in told["r"]} == {3}


@pytest.mark.slow
def test_nulls_are_errors_unless_they_are_given_a_value(spark):
    from andiron import spark as on_spark

    native = andiron.Sequential([andiron.Input((1,)), layers.Dense(1)])
    frame = spark.range(4).selectExpr("if(id = 2, null, cast(id as double)) as a")
    with pytest.raises(Exception, match=r"column 'a'.*null"):
        on_spark.Model(native, features=["a"]).transform(frame).collect()
    out = on_spark.Model(native, features=["a"], nulls=1.0).transform(frame).orderBy("a").collect()
    w, b = native.get_weights()
    assert abs(out[0].prediction - float(w[0, 0] + b[0])) < 1e-6


@pytest.mark.slow
def test_rows_to_predict_need_no_labels_and_no_vocabulary_of_them(spark):
    from andiron import spark as on_spark

    frame = spark.range(40).selectExpr("sin(id) as a", "if(id % 3 = 0, 'yes', 'no') as kind")
    answers = {"kind": data.Vocabulary(["no", "yes"], unknown=False)}
    trained = on_spark.Estimator(
        model=andiron.Sequential([andiron.Input((1,)), layers.Dense(1, "sigmoid")]),
        loss="binary_crossentropy", features=["a"], label="kind", vocabulary=answers,
        nulls={"a": 0.0, "kind": "error"}, verbose=0,
    ).fit(frame)  # fmt: skip
    assert not trained.getVocabulary() and trained.getNulls() == {"a": 0.0}
    assert trained.transform(frame.select("a")).count() == 40
