"""Columns of images in a DataFrame, from Spark's binaryFile and image sources."""

from __future__ import annotations

import numpy as np
import pytest
from images_testing import encoded, picture

import andiron
from andiron import data, images, layers

STEPS = images.Pipeline([images.Resize((8, 8)), images.ToTensor()])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Dark pictures and light ones, and two files that are no images."""
    where = tmp_path_factory.mktemp("photos")
    for i in range(24):
        dark = picture(30 + i, 20, seed=i).point(
            lambda x, dark=i % 2: x // 3 + (150 if dark else 0)
        )
        kind, suffix = [("JPEG", "jpg"), ("PNG", "png")][i // 2 % 2]
        name = f"{'light' if i % 2 else 'dark'}-{i}.{suffix}"
        (where / name).write_bytes(encoded(dark, kind))
    (where / "light-98.jpg").write_bytes(b"<html>not found</html>")
    (where / "light-99.jpg").write_bytes((where / "light-1.jpg").read_bytes()[:300])
    return where


def network():
    andiron.set_random_seed(4)
    return andiron.Sequential(
        [andiron.Input((3, 8, 8)), layers.Flatten(), layers.Dense(2, activation="softmax")]
    )


def files(spark, folder):
    from pyspark.sql import functions as F

    frame = spark.read.format("binaryFile").load(str(folder)).select("path", "content")
    return frame.withColumn("label", F.col("path").contains("light").cast("int"))


def test_transform_over_binary_files(spark, folder):
    from andiron import spark as on_spark

    frame = files(spark, folder).repartition(3)
    model = network()
    photo = data.Column("content", image=STEPS, errors="null")
    stage = on_spark.Model(model, features=photo, class_col="class", error_col="why")
    rows = {r["path"].split("/")[-1]: r for r in stage.transform(frame).collect()}
    assert len(rows) == 26
    for name, row in rows.items():
        if name in ("light-98.jpg", "light-99.jpg"):
            assert row["prediction"] is None and row["class"] is None
            assert ("a text" if "98" in name else "truncated") in row["why"]
            continue
        assert row["why"] is None
        wanted = model.predict(STEPS([str(folder / name)]))[0]
        np.testing.assert_allclose(row["prediction"], wanted, rtol=1e-5)
        assert row["class"] == wanted.argmax()


def test_a_bad_image_fails_the_job_by_default(spark, folder):
    from andiron import spark as on_spark

    stage = on_spark.Model(network(), features=data.Column("content", image=STEPS))
    with pytest.raises(Exception, match="a text|truncated"):
        stage.transform(files(spark, folder)).collect()


def test_stages_with_pipelines_are_saved(spark, folder, tmp_path):
    from andiron import spark as on_spark

    photo = data.Column("content", image=STEPS, errors="null")
    stage = on_spark.Model(network(), features=photo)
    stage.write().save(str(tmp_path / "stage"))
    loaded = on_spark.Model.load(str(tmp_path / "stage"))
    assert loaded.getFeatures() == photo
    frame = files(spark, folder).orderBy("path")
    first, again = (s.transform(frame).collect() for s in (stage, loaded))
    assert [r["prediction"] for r in first] == [r["prediction"] for r in again]


def test_sparks_image_source(spark, folder):
    from andiron import spark as on_spark

    frame = spark.read.format("image").option("dropInvalid", True).load(str(folder))
    model = network()
    stage = on_spark.Model(model, features=data.Column("image", image=STEPS))
    rows = stage.transform(frame).select("image.origin", "prediction").collect()
    assert len(rows) == 24
    for row in rows:
        name = row["origin"].split("/")[-1]
        if name.endswith("png"):  # Java decodes JPEG by another inverse cosine transform
            wanted = model.predict(STEPS([str(folder / name)]))[0]
            np.testing.assert_allclose(row["prediction"], wanted, rtol=1e-5)


def test_training_on_two_workers_is_that_on_one(spark, folder):
    from andiron import spark as on_spark

    frame = files(spark, folder)
    photo = data.Column("content", image=STEPS, errors="null")

    def trained(workers):
        return on_spark.Estimator(
            model=network(), loss="sparse_categorical_crossentropy", optimizer="adam",
            learning_rate=0.02, features=photo, label="label", batch_size=8, epochs=6,
            num_workers=workers, verbose=0, seed=1,
        ).fit(frame)  # fmt: skip

    one, two = trained(1), trained(2)
    assert one.history["loss"][-1] < one.history["loss"][0]
    for a, b in zip(one.native.get_weights(), two.native.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    one.setParams(class_col="class")
    rows = one.transform(frame).collect()
    right = [r["class"] == r["label"] for r in rows if r["class"] is not None]
    assert len(right) == 24 and np.mean(right) > 0.9
