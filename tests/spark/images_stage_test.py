"""ImageModel: classes and features of photos as columns of DataFrames."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pyspark")

from andiron.apps.images import ImageClassifier  # noqa: E402
from andiron.apps.images.on_spark import ImageModel  # noqa: E402

import andiron  # noqa: E402
from andiron import Input, Model, layers  # noqa: E402

pytestmark = pytest.mark.slow


def picture(red: int, seed: int) -> bytes:
    r = np.random.default_rng(seed)
    blocks = r.integers(-60, 60, (4, 4, 1)).repeat(5, 0).repeat(5, 1)
    pixels = np.clip(np.array([red, 90, 200 - red]) + blocks, 0, 255).astype(np.uint8)
    return b"P6 20 20 255\n" + pixels.tobytes()


@pytest.fixture(scope="module")
def classifier():
    andiron.set_random_seed(3)
    x = Input((3, 16, 16))
    y = layers.Conv2D(6, 3, strides=2, activation="relu")(x * (1 / 255.0))
    net = Model(x, layers.GlobalAveragePooling2D()(y))
    photos = [picture(180 * (i % 2) + 10, i) for i in range(20)]
    made = ImageClassifier(net, C=10.0, cache=False)
    return made.fit(photos, ["blue", "red"] * 10)


def test_columns_are_what_the_classifier_says(spark, classifier, tmp_path):
    photos = [picture(180 * (i % 2) + 10, 100 + i) for i in range(7)]
    rows = [(i, bytearray(p)) for i, p in enumerate(photos)] + [(7, bytearray(b"none")), (8, None)]
    frame = spark.createDataFrame(rows, "i int, content binary").repartition(3)
    stage = ImageModel(classifier, features_col="features")
    stage.write().overwrite().save(str(tmp_path / "stage"))
    for each in (stage, ImageModel.load(str(tmp_path / "stage"))):
        found = each.transform(frame).orderBy("i").collect()
        assert [r["prediction"] for r in found] == ["blue", "red"] * 3 + ["blue", None, None]
        assert all(r["error"] is None for r in found[:7]) and found[7]["error"]
        assert found[7]["features"] is None and found[8]["probability"] is None
        np.testing.assert_allclose([r["probability"] for r in found[:7]],
                                   classifier.predict_proba(photos), atol=1e-5)  # fmt: skip
        np.testing.assert_allclose([r["features"] for r in found[:7]],
                                   classifier.extractor.compute(photos)[0], atol=1e-5)  # fmt: skip
    assert each.getFeaturesCol() == "features"


def test_paths_and_only_one_column(spark, classifier, tmp_path):
    for i in range(3):
        (tmp_path / f"{i}.ppm").write_bytes(picture(190, 50 + i))
    paths = [(str(tmp_path / f"{i}.ppm"),) for i in range(3)]
    frame = spark.createDataFrame(paths, "photo string")
    stage = ImageModel(classifier, image_col="photo", probability_col=None, error_col=None)
    out = stage.transform(frame)
    assert out.columns == ["photo", "prediction"]
    assert [r["prediction"] for r in out.collect()] == ["red"] * 3


def test_refuses_what_is_no_photo(spark, classifier):
    frame = spark.createDataFrame([(1, "x")], "n int, prediction string")
    with pytest.raises(andiron.Error, match="no column 'content'"):
        ImageModel(classifier, prediction_col="p").transform(frame)
    with pytest.raises(andiron.Error, match="is int"):
        ImageModel(classifier, image_col="n", prediction_col="p").transform(frame)
    with pytest.raises(andiron.Error, match="already"):
        ImageModel(classifier, image_col="n").transform(frame)
