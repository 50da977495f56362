"""Mistakes that model and schema show, told at the driver without a job of workers."""

from __future__ import annotations

import pytest
from andiron.spark import _launch

import andiron
from andiron import callbacks, data, layers


@pytest.fixture
def frame(spark):
    return spark.range(12).selectExpr(
        "sin(id) as a", "cos(id) as b", "cast(id % 3 as int) as kind", "string(id / 2) as digits",
        "if(id % 3 = 0, 'red', if(id % 3 = 1, 'green', 'blue')) as colour", "array(a, b) as pair",
    )  # fmt: skip


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    def run(*given):
        raise AssertionError("a job of workers")

    monkeypatch.setattr(_launch, "run", run)


def classifier(outputs: int = 3, activation: str = "softmax") -> andiron.Model:
    x = andiron.Input((2,), name="x")
    return andiron.Model(x, layers.Dense(outputs, activation, name="out")(x))


def fit(frame, **settings):
    from andiron import spark

    given = {"model": classifier(), "loss": "sparse_categorical_crossentropy", "label": "kind",
             "features": ["a", "b"], "verbose": 0, **settings}  # fmt: skip
    spark.Estimator(**given).fit(frame)


def test_what_is_right_comes_to_the_workers(frame):
    colours = ["red", "green", "blue"]
    for settings in (
        {}, {"features": {"x": ["a", "b"]}}, {"label": {"out": "kind"}}, {"features": "pair"},
        {"label": "colour", "vocabulary": {"colour": colours}},
        {"label": data.Column("colour", vocabulary=data.Vocabulary(colours, unknown=False))},
        {"features": [data.Column("pair", length=2)]},
        {"class_weight": "balanced", "label": "colour", "vocabulary": {"colour": colours}},
    ):  # fmt: skip
        with pytest.raises(AssertionError, match="a job of workers"):
            fit(frame, **settings)


def test_columns_that_do_not_fit_the_model(frame):
    binary = {"model": classifier(1, "sigmoid"), "loss": "binary_crossentropy"}
    for settings, message in [
        ({"features": ["a", "b", "kind"]}, r"'x' of shape \(2,\) takes 2 numbers .* have 3"),
        ({"features": "a"}, r"takes 2 numbers a row, and its columns \['a'\] have 1"),
        ({"features": [data.Column("pair", length=3)]}, "takes 2 numbers a row, .* have 3"),
        ({"features": {"z": ["a", "b"]}}, r"features names 'z'.*inputs are \['x'\]"),
        ({"features": {"x": ["a", "b"], "xx": "a"}}, "features names 'xx'"),
        ({"label": {"outt": "kind"}}, r"label names 'outt' \(did you mean 'out'\?\).*\['out'\]"),
        ({"loss": "categorical_crossentropy"},
         "label 'kind' has 1 number a row, and output 'out' .* takes 3: .* sparse_categorical"),
        ({"label": ["kind", "a"]}, r"columns \['kind', 'a'\] has 2 numbers a row.*takes 1"),
        ({"label": "colour", "vocabulary": {"colour": data.Vocabulary(["red", "green", "blue"])}},
         "label 'colour' has a vocabulary of 4 ids, 0 for unknown texts: make it with unknown=F"),
        ({**binary, "label": "colour", "vocabulary": {"colour": ["red", "green", "blue"]}},
         "label 'colour' has a vocabulary of 3 ids; output 'out' with binary_cross.* 2 classes"),
        ({"label": "colour"}, r"label 'colour' is text .*\['colour'\], unknown=False\)"),
        ({"features": ["a", "digits"]}, "'digits' is text, and all .* are numbers: cast to double"),
        ({"features": ["a", "colour"]}, r"column 'colour' is text .*\(frame, \['colour'\]\)$"),
        ({"class_weight": "balance"}, 'class_weight is {class id: weight} or "balanced"'),
        ({"class_weight": "balanced", "label": "a"}, "label of class ids; 'a' has "),
        ({"callbacks": [callbacks.EarlyStopping("losse")]}, r"monitors 'losse'.*there are \['loss"),
        ({"callbacks": [callbacks.ReduceLROnPlateau("val_lose")],
          "validation_indicator_col": "held"}, r"monitors 'val_lose'.*'val_loss'"),
    ]:  # fmt: skip
        with pytest.raises(andiron.Error, match=message):
            fit(frame.selectExpr("*", "a > 0 as held"), **settings)


def test_settings_of_another_kind(frame):
    for settings, message in [
        ({"model": "foo"}, r"\[spark\] model: an andiron.Model .*got 'foo'"),
        ({"verbose": True}, r"verbose: 0 \(silent\), 1 \(a bar\) or 2"),
        ({"featuresCol": "a"}, "has no 'featuresCol'; did you mean 'features'"),
        ({"labelCol": "a"}, "has no 'labelCol'; did you mean 'label'"),
        ({"batchsize": 3}, "has no 'batchsize'; did you mean 'batch_size'"),
    ]:
        with pytest.raises(TypeError, match=message):
            fit(frame, **settings)
    with pytest.raises(TypeError, match=r"a DataFrame of Spark is needed; got pandas's DataFrame"):
        fit(frame.toPandas())


def test_a_place_that_cannot_be_written(frame, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(andiron.Error, match="checkpoint_dir '.*file/x' cannot be written: NotADir"):
        fit(frame, checkpoint_dir=str(tmp_path / "file/x"))
    pytest.importorskip("fsspec")
    with pytest.raises(andiron.Error, match="'local://.*file/x' cannot be written"):
        fit(frame, checkpoint_dir=f"local://{tmp_path}/file/x")
    with pytest.raises(AssertionError, match="a job of workers"):
        fit(frame, checkpoint_dir=str(tmp_path / "new"))
    assert list((tmp_path / "new").iterdir()) == []


def test_balanced_weights_are_scikit_learns(spark):
    from andiron.spark import Estimator, _class_weight

    rows = [("b", False), ("a", False), ("b", False), ("b", False), ("a", True)]
    frame = spark.createDataFrame(rows, "y string, held boolean")
    stage = Estimator(label="y", class_weight="balanced")
    known = {"y": data.Vocabulary(["a", "b"], unknown=False)}
    # sklearn.utils.class_weight.compute_class_weight("balanced", ...) of 1 and 3 rows
    assert _class_weight.by_id(stage, frame, "held", known) == {0: 4 / 2 / 1, 1: 4 / 2 / 3}
