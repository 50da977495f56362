"""Texts and masks in Spark: string columns for inputs of texts, and layers that mask."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("pyspark")

import andiron  # noqa: E402
from andiron import Input, Model, layers  # noqa: E402
from andiron import spark as on_spark  # noqa: E402

WORDS = ["good", "fine", "great", "bad", "poor", "awful", "house", "room"]


@pytest.fixture(scope="module")
def reviews():
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, 5)) for _ in range(240)]
    good = [sum(w in WORDS[:3] for w in t.split()) - sum(w in WORDS[3:6] for w in t.split())
            for t in texts]  # fmt: skip
    return pd.DataFrame(
        {
            "id": range(240),
            "city": rng.choice(["Rome", "Oslo", "Bern"], 240),
            "words": [t.split() for t in texts],
            "price": rng.normal(size=240).astype("f"),
            "y": (np.array(good) > 0).astype("f"),
        }
    )


def of_texts() -> Model:
    """Words through StringLookup, a city through Hashing."""
    andiron.set_random_seed(3)
    words = Input((5,), dtype="string", name="words")
    city = Input((1,), dtype="string", name="city")
    price = Input((1,), name="price")
    vectors = layers.StringLookup(vocabulary=WORDS, output_mode="multi_hot")(words)
    hashed = layers.Embedding(7, 2)(layers.Hashing(7)(city))
    x = layers.Concatenate()([vectors, layers.Flatten()(hashed), price])
    model = Model([words, city, price], layers.Dense(1, "sigmoid")(x))
    model.compile(andiron.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    return model


FEATURES = {"words": "words", "city": "city", "price": "price"}


def test_texts_are_trained_on_as_on_one_machine(spark, reviews, tmp_path):
    frame = spark.createDataFrame(reviews)
    fits = [
        on_spark.Estimator(model=of_texts(), features=FEATURES, label="y", batch_size=32, epochs=4,
                           num_workers=n, verbose=0).fit(frame.repartition(n + 1))
        for n in (1, 2)
    ]  # fmt: skip
    one, two = fits
    assert one.history["accuracy"][-1] > 0.75
    np.testing.assert_allclose(one.history["loss"], two.history["loss"], rtol=1e-4)
    inputs = {
        "words": np.array(reviews["words"].tolist()),
        "city": reviews["city"].to_numpy()[:, None],
        "price": reviews["price"].to_numpy()[:, None],
    }
    expected = two.native.predict(inputs)[:, 0]
    two.write().overwrite().save(str(tmp_path / "model"))
    for model in (two, on_spark.Model.load(str(tmp_path / "model"))):
        found = model.transform(frame).orderBy("id").toPandas()["prediction"]
        np.testing.assert_allclose(found, expected, atol=1e-6)
    figures = two.evaluate(frame, "y", num_workers=2)
    local = two.native.evaluate(inputs, reviews["y"].to_numpy(), verbose=0, return_dict=True)
    assert figures["loss"] == pytest.approx(local["loss"], rel=1e-5)


def test_arrays_of_texts(spark, reviews):
    words = Input((5,), dtype="string", name="words")
    ids = layers.StringLookup(vocabulary=WORDS)(words)
    mean = layers.GlobalAveragePooling1D("channels_last")(layers.Embedding(len(WORDS) + 1, 4)(ids))
    model = Model(words, layers.Dense(1, "sigmoid")(mean))
    model.compile(andiron.optimizers.Adam(0.05), "binary_crossentropy")
    frame = spark.createDataFrame(reviews)
    trained = on_spark.Estimator(model=model, features="words", label="y", epochs=3, num_workers=2,
                                 verbose=0).fit(frame)  # fmt: skip
    assert trained.history["loss"][-1] < trained.history["loss"][0]
    found = trained.transform(frame).orderBy("id").toPandas()["prediction"]
    given = np.array(reviews["words"].tolist())
    np.testing.assert_allclose(found, trained.native.predict(given)[:, 0], atol=1e-6)
    predict = on_spark.predict_batch_udf(trained.native, "words")
    again = frame.withColumn("p", predict(frame)).orderBy("id").toPandas()["p"]
    np.testing.assert_allclose(again, found, atol=1e-6)


def test_texts_where_numbers_are_wanted_still_need_a_vocabulary(spark, reviews):
    frame = spark.createDataFrame(reviews)
    with pytest.raises(andiron.Error, match="column 'city' is text and needs a vocabulary"):
        on_spark.Estimator(model=of_texts(), features={**FEATURES, "price": "city"}, label="y",
                           verbose=0).fit(frame)  # fmt: skip
    holes = frame.selectExpr("*", "nullif(city, 'Oslo') as town").drop("city")
    holes = holes.withColumnRenamed("town", "city")
    with pytest.raises(on_spark.WorkerError, match="column 'city' is null in"):
        on_spark.Estimator(model=of_texts(), features=FEATURES, label="y", verbose=0).fit(holes)


def masked(kind: str) -> Model:
    andiron.set_random_seed(5)
    if kind == "embedding":  # ids, 0 where there is none
        ids = Input((6,), dtype="int32")
        x = layers.Embedding(9, 4, mask_zero=True)(ids)
        inputs = ids
    else:  # steps of numbers, -1 where there is none
        inputs = Input((6,))
        x = layers.Masking(-1.0)(layers.Reshape((6, 1))(inputs))
        x = layers.Dense(4, "tanh")(x)
    model = Model(inputs, layers.Dense(1)(layers.GlobalAveragePooling1D("channels_last")(x)))
    model.compile(andiron.optimizers.Adam(0.05), "mse")
    return model


@pytest.mark.parametrize("kind", ["embedding", "masking"])
def test_masks_count_in_workers_and_in_predictions(spark, kind):
    rng = np.random.default_rng(1)
    lists = [rng.integers(1, 9, rng.integers(1, 7)).tolist() for _ in range(150)]
    pad = 0 if kind == "embedding" else -1
    padded = np.array([x + [pad] * (6 - len(x)) for x in lists])
    y = np.array([np.mean(x) for x in lists], "f")
    dtype = "int32" if kind == "embedding" else "float32"
    frame = spark.createDataFrame(pd.DataFrame({"id": range(150), "steps": lists, "y": y}))
    column = andiron.data.Column("steps", length=6, pad=pad)
    fits = [
        on_spark.Estimator(model=masked(kind), features=column, label="y", epochs=5, batch_size=30,
                           num_workers=n, verbose=0).fit(frame)
        for n in (1, 2)
    ]  # fmt: skip
    one, two = fits
    np.testing.assert_allclose(one.history["loss"], two.history["loss"], rtol=1e-4)
    assert two.history["loss"][-1] < 0.5 * two.history["loss"][0]
    found = two.transform(frame).orderBy("id").toPandas()["prediction"]
    np.testing.assert_allclose(found, two.native.predict(padded.astype(dtype))[:, 0], atol=1e-5)
    # One step alone: what its mean is, by hand; with padding in it that would be another.
    short = next(i for i, x in enumerate(lists) if len(x) == 1)
    *inner, kernel, bias = two.native.get_weights()
    step = lists[short][0]
    hidden = inner[0][step] if kind == "embedding" else np.tanh(step * inner[0] + inner[1])
    assert found[short] == pytest.approx((hidden.reshape(1, -1) @ kernel + bias)[0, 0], abs=1e-5)
