"""What functions over pandas are given on PySpark 3.5 and 4.0, against the Arrow data that Spark's
own mapInArrow hands over."""

from __future__ import annotations

import json
import sys

import numpy as np
import pyarrow as pa
import pytest

import andiron

pytest.importorskip("pyspark")
from andiron.spark import _compat, _inference  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.spark35]

ROWS = """
values
(0, 1.5, 3, 9007199254740993, true, 'a', x'01ff', array(1.0, 2.0), array(1, 2), 1.25, '2024-01-01'),
(1, null, null, null, null, null, null, null, null, null, null),
(2, double('nan'), -1, 9007199254740995, false, '', x'', array(double('nan'), null),
    array(null, 7), 0.5, '2024-10-27'),
(3, double('inf'), 2, -1, true, 'ö', x'00', array(), array(), -2.5, '1899-12-31')
as t(id, f64, i32, i64, flag, text, bytes, floats, ints, dec, day)
"""
COLUMNS = {
    "f64": "f64", "f32": "cast(f64 as float)", "i32": "cast(i32 as int)", "i64": "i64",
    "i8": "cast(i32 as byte)", "flag": "flag", "text": "text", "bytes": "bytes", "floats": "floats",
    "ints": "ints", "singles": "cast(floats as array<float>)", "words": "array(text, 'x')",
    "dec": "cast(dec as decimal(12, 4))", "day": "cast(day as date)",
    # An hour that there was twice, in the session's time zone.
    "when": "timestamp_seconds(1729990000 + id * 3600)",
    "whens": "array(timestamp_seconds(1729990000 + id * 1800), null)",
    "wall": "if(id = 1, null, timestamp_ntz'2024-10-27 02:30:00.123456')",
}  # fmt: skip


@pytest.fixture(autouse=True)
def by_value():
    """Workers cannot import tests."""
    cloudpickle = pytest.importorskip("pyspark").cloudpickle
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def described(rows: pa.StructArray) -> pa.Array:
    """Types and values as text: NaN is not null here. A zone is how times are shown; it is left."""
    utc, parts = pa.timestamp("us", "UTC"), {}
    for field, part in zip(rows.type, rows.flatten(), strict=True):
        kind, alone = field.type, not pa.types.is_list(field.type)
        inner = kind if alone else kind.value_type
        if pa.types.is_timestamp(inner) and inner.tz:
            part = part.cast(utc if alone else pa.list_(utc))
        parts[field.name] = part
    kinds = {name: str(part.type).replace("element", "item") for name, part in parts.items()}
    rows = pa.StructArray.from_arrays(list(parts.values()), list(parts)).to_pylist()
    return pa.array([json.dumps([kinds, row], default=repr) for row in rows])


@pytest.fixture(params=["pandas", "as it is"])
def function(request, monkeypatch):
    from pyspark.sql import functions as F

    if request.param == "pandas":
        monkeypatch.delattr(F, "arrow_udf", raising=False)
    return _compat.arrow_function


@pytest.fixture
def frame(spark):
    zone = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", "Europe/Berlin")
    yield spark.sql(ROWS).selectExpr("id", *(f"{e} as {n}" for n, e in COLUMNS.items()))
    spark.conf.set("spark.sql.session.timeZone", zone)


def test_the_worker_sees_the_rows_that_spark_has(frame, function):
    from pyspark.sql import functions as F

    names = list(COLUMNS)

    def through_spark(batches):
        for batch in batches:
            rows = batch.select(names).to_struct_array()
            yield pa.RecordBatch.from_arrays([batch["id"], described(rows)], ["id", "text"])

    expected = frame.mapInArrow(through_spark, "id int, text string").orderBy("id").collect()
    columns = [F.col(name) for name in names]
    schema = frame.select(*columns).schema
    text = function(lambda structs: map(described, structs), ["string"])(names, columns, schema)
    found = frame.select("id", text.alias("text")).orderBy("id").collect()
    for row, ours in zip(expected, found, strict=True):
        kinds, values = json.loads(ours.text)
        their_kinds, their_values = json.loads(row.text)
        for name in names:
            assert repr(values[name]) == repr(their_values[name]), f"{name} of row {row.id}"
            assert kinds[name] == their_kinds[name], name


def test_nan_stays_nan_on_the_way_back(spark, function):
    from pyspark.sql import functions as F

    def predict(structs):
        for rows in structs:
            x = rows.field(0).to_numpy(zero_copy_only=False)
            lists = pa.ListArray.from_arrays(np.arange(len(x) + 1, dtype="i4"), pa.array(x))
            yield pa.StructArray.from_arrays([pa.array(x), lists], ["c0", "c1"])

    frame = spark.range(3).selectExpr("if(id = 1, double('nan'), id / 2) as x")
    made = function(predict, ["double", "array<double>"])(["x"], [F.col("x")], None)
    found = [(row.p.c0, row.p.c1[0]) for row in frame.select(made.alias("p")).collect()]
    assert repr(sorted(found, key=repr)) == repr([(0.0, 0.0), (1.0, 1.0), (np.nan, np.nan)])


def test_columns_without_their_frame(spark, monkeypatch):
    """Their types are not known when the expression is made."""
    from pyspark.sql import functions as F

    from andiron import layers

    monkeypatch.delattr(F, "arrow_udf", raising=False)
    native = andiron.Sequential([andiron.Input((1,)), layers.Dense(1)])
    w, b = (float(array.ravel()[0]) for array in native.get_weights())
    frame = spark.sql(ROWS)
    predict = _inference.predict_batch_udf(native, ["i32"], nulls=5.0)
    found = [row.p for row in frame.orderBy("id").select(predict("i32").alias("p")).collect()]
    np.testing.assert_allclose(found, [w * x + b for x in (3, 5, -1, 2)], rtol=1e-5)
    with pytest.raises(Exception, match=r"column 'i32'.*null"):
        frame.select(_inference.predict_batch_udf(native, ["i32"])("i32")).collect()
    with pytest.raises(Exception, match=r"'when' is a time.*give the function the DataFrame"):
        when = frame.selectExpr("timestamp_seconds(id) as when")
        when.select(_inference.predict_batch_udf(native, ["when"])("when")).collect()
