"""Every Arrow type, slice and chunking against pyarrow's own conversions."""

import math
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import andiron
from andiron import data

INTS = {t: (info.min, info.max) for t in ("int8", "uint8", "int16", "uint16", "int32", "uint32",
        "int64") for info in [np.iinfo(t)]}  # fmt: skip
WORDS = ["", "a", "bb", "é", "日本", "a\0b", "x" * 40]
VOCABULARY = data.Vocabulary(WORDS)

# A dozen examples of each type and layout: there are some eighty of those.
few = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


def values_of(type_):
    """A strategy of Python values of a type."""
    if pa.types.is_boolean(type_):
        return st.booleans()
    if pa.types.is_integer(type_):
        top = 2**63 - 1 if str(type_) == "uint64" else INTS[str(type_)][1]
        return st.integers(0 if str(type_) == "uint64" else INTS[str(type_)][0], top)
    if pa.types.is_floating(type_):
        return st.floats(width={2: 16, 4: 32, 8: 64}[type_.bit_width // 8])
    if pa.types.is_decimal(type_):
        return st.integers(-(10**9), 10**9).map(lambda i: Decimal(i).scaleb(-3))
    return st.integers(-(2**31), 2**31 - 1)


SCALARS = [
    pa.bool_(), pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(),
    pa.int64(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(), pa.decimal128(12, 3),
]  # fmt: skip


@st.composite
def chunked_arrays(draw, elements, type_, nulls):
    """Values, cut and sliced at random: chunks whose buffers begin before them and go on behind."""
    values = draw(st.lists(st.none() | elements if nulls else elements, min_size=1, max_size=40))
    cuts = sorted(draw(st.lists(st.integers(0, len(values)), max_size=4)))
    chunks = []
    for a, b in zip([0, *cuts], [*cuts, len(values)], strict=True):
        front, back = draw(st.integers(0, 9)), draw(st.integers(0, 9))
        filler = draw(elements)
        whole = pa.array([filler] * front + values[a:b] + [filler] * back, type_)
        chunks.append(whole.slice(front, b - a))
    return pa.chunked_array(chunks, type_)


def read(column, **options):
    options = {"nulls": math.nan, **options}
    table = pa.table({"x": column})
    return data.from_arrow(table, data.Column("x", **options)).arrays()[0]


@pytest.mark.parametrize("type_", SCALARS, ids=str)
@pytest.mark.parametrize("nulls", [False, True])
def test_scalars(type_, nulls):
    @few
    @given(chunked_arrays(values_of(type_), type_, nulls))
    def agree(column):
        expected = [math.nan if v is None else float(v) for v in column.to_pylist()]
        got = read(column, dtype="float64")
        np.testing.assert_allclose(got, expected, rtol=1e-15)
        assert len(got) == len(column)
        if column.null_count == 0:
            exact = read(column, nulls="error")
            if not pa.types.is_decimal(type_):
                np.testing.assert_array_equal(exact, column.to_numpy())
        else:
            with pytest.raises(andiron.Error, match=f"row {column.to_pylist().index(None)} is"):
                read(column, nulls="error")

    agree()


@pytest.mark.parametrize("index", [pa.int8(), pa.uint8(), pa.int16(), pa.int32(), pa.int64()],
                         ids=str)  # fmt: skip
@pytest.mark.parametrize("texts", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_texts_and_their_dictionaries(index, texts):
    @few
    @given(chunked_arrays(st.sampled_from([*WORDS, "unknown"]), texts, True))
    def agree(column):
        expected = [0 if v is None or v == "unknown" else WORDS.index(v) + 1
                    for v in column.to_pylist()]  # fmt: skip
        options = {"nulls": "unknown", "vocabulary": VOCABULARY}
        assert read(column, **options).tolist() == expected
        if texts == pa.string_view():
            return  # pyarrow does not make dictionaries of them
        encoded = column.cast(pa.dictionary(index, texts))
        assert read(encoded, **options).tolist() == expected
        back = encoded.take(pa.array(range(len(column))[::-1]))
        assert read(back, **options).tolist() == expected[::-1]

    agree()


@pytest.mark.parametrize("make", [pa.list_, pa.large_list, lambda t: pa.list_(t, 3)],
                         ids=["list", "large_list", "fixed_size_list"])  # fmt: skip
@pytest.mark.parametrize("type_", [pa.int32(), pa.float32(), pa.float64(), pa.int16(), pa.bool_()],
                         ids=str)  # fmt: skip
def test_lists(make, type_):
    elements = st.lists(values_of(type_), min_size=3, max_size=3)

    @few
    @given(chunked_arrays(elements, make(type_), False))
    def agree(column):
        got = read(column, nulls="error")
        np.testing.assert_array_equal(got, np.array(column.to_pylist()).astype(got.dtype))
        assert got.shape == (len(column), 3)

    agree()


@pytest.mark.parametrize("make", [pa.list_, pa.large_list], ids=["list", "large_list"])
def test_ragged_lists_with_nulls(make):
    inner = st.lists(st.none() | st.integers(0, 1000), max_size=5)

    @few
    @given(chunked_arrays(inner, make(pa.int32()), True))
    def agree(column):
        expected = [
            [7] * 5 if row is None
            else [7 if v is None else v for v in row] + [-1] * (5 - len(row))
            for row in column.to_pylist()
        ]  # fmt: skip
        assert read(column, nulls=7, length=5, pad=-1).tolist() == expected

    agree()


@pytest.mark.parametrize("own", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("wanted", ["s", "ms", "us", "ns", "days"])
def test_times(own, wanted):
    stamps = pa.array([-86_401, -1, 0, 1, 1_700_000_000], pa.int64())
    column = pc.multiply(stamps, {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[own])
    column = pc.add(column, 0 if own == "s" else 999).cast(pa.timestamp(own, tz="Europe/Rome"))
    got = read(column, unit=wanted, nulls="error")
    expected = column.to_numpy(zero_copy_only=False).astype(f"datetime64[{own}]")
    numpy_unit = "D" if wanted == "days" else wanted
    np.testing.assert_array_equal(got, expected.astype(f"datetime64[{numpy_unit}]").astype("int64"))


def test_dates_times_and_durations():
    days = pa.array([-1, 0, 19_000], pa.date32())
    assert read(days).tolist() == [-1, 0, 19_000]
    assert read(days, unit="s").tolist() == [-86_400, 0, 19_000 * 86_400]
    assert read(days.cast(pa.date64()), unit="days").tolist() == [-1, 0, 19_000]
    assert read(pa.array([1, 2], pa.time32("ms")), unit="us").tolist() == [1000, 2000]
    assert read(pa.array([1500], pa.duration("ms")), unit="s", dtype="float64").tolist() == [1.5]


def test_binaries():
    fixed = pa.array([b"\x00\xff", b"ab"], pa.binary(2))
    for column in (fixed, fixed.cast(pa.binary()), fixed.cast(pa.large_binary()).slice(0)):
        got = read(column, nulls="error")
        assert got.dtype == np.uint8 and got.tolist() == [[0, 255], [97, 98]]
    ragged = pa.array([b"a", None, b"bcd"])
    assert read(ragged, length=3, nulls=1, pad=9).tolist() == [[97, 9, 9], [1, 1, 1], [98, 99, 100]]
    with pytest.raises(andiron.Error, match="row 1 has 3 bytes; 1 are needed"):
        read(pa.array([b"a", b"bcd"]))


@few
@given(st.lists(st.none() | st.tuples(st.booleans(), st.lists(
    st.floats(-1e3, 1e3), min_size=4, max_size=4)), min_size=1, max_size=20))  # fmt: skip
def test_spark_vectors(rows):
    indices, values = pa.list_(pa.int32()), pa.list_(pa.float64())
    type_ = pa.struct({"type": pa.int8(), "size": pa.int32(), "indices": indices, "values": values})
    made, expected = [], []
    for row in rows:
        if row is None:
            made.append(None)
            expected.append([5.0] * 4)
            continue
        sparse, v = row
        at = [i for i, x in enumerate(v) if x != 0 and i != 2]
        if sparse:
            made.append({"type": 0, "size": 4, "indices": at, "values": [v[i] for i in at]})
            expected.append([x if i in at else 0.0 for i, x in enumerate(v)])
        else:
            made.append({"type": 1, "size": None, "indices": None, "values": v})
            expected.append(v)
    column = pa.array(made, type_)
    padded = pa.concat_arrays([column[:1], column]).slice(1)
    got = read(padded, nulls=5, length=4)
    np.testing.assert_array_equal(got, expected)


def test_types_without_numbers_are_refused():
    for column in (
        pa.array([{"a": 1}]),
        pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int32())),
        pa.array([[[1], [1, 2]]]),
    ):
        with pytest.raises(andiron.Error, match="column 'x'"):
            read(column)
    with pytest.raises(andiron.Error, match="int64 cannot hold"):
        read(pa.array([2**63], pa.uint64()), nulls="error")


@few
@given(st.permutations(range(30)), st.lists(st.integers(1, 9), min_size=1, max_size=5),
       st.booleans())  # fmt: skip
def test_content_order_depends_on_the_rows_only(order, sizes, spill):
    words = [["u", "v", "w"][i % 3] for i in range(30)]
    table = pa.table({"i": pa.array(np.arange(30) // 2, pa.int32()), "w": words})

    def rows_of(t, encoded):
        if encoded:
            t = t.set_column(1, "w", t["w"].cast(pa.dictionary(pa.int16(), pa.string())))
        batches, at, k = [], 0, 0
        while at < len(t):
            batches += t.slice(at, sizes[k % len(sizes)]).to_batches()
            at, k = at + sizes[k % len(sizes)], k + 1
        rows = data.from_arrow(
            batches, ["i", "w"], "i", content_order=True, memory_budget=200 if spill else None,
            vocabulary={"w": data.Vocabulary(["u", "v", "w"])},
        )  # fmt: skip
        model = andiron.Sequential([andiron.Input((2,)), andiron.layers.Dense(1)])
        model.compile("sgd", "mse")
        source = rows._source(model._network, model.output_names, 4, True, 3)
        source.start(0)
        seen = []
        while (batch := source.next()) is not None:
            seen += batch[0][0].numpy().tolist()
        return seen, rows.digest()

    one, digest = rows_of(table, False)
    assert (one, digest) == rows_of(table.take(list(order)), True)
    assert sorted(one) == sorted([i // 2, 1 + i % 3] for i in range(30))
