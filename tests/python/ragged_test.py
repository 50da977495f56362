"""Lists of different lengths: padded, cut, as bags; missing values of pandas."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import andiron
from andiron import Input, Sequential, data, layers

LISTS = [[5, 6], [7], [1, 2, 3, 4], [], [9, 8, 7]]


@pytest.mark.parametrize(
    "form",
    [
        lambda: LISTS,
        lambda: [np.array(row) for row in LISTS],
        lambda: np.array([np.array(row, np.int64) for row in LISTS], dtype=object),
        lambda: pd.Series(LISTS),
        lambda: pa.array(LISTS),
        lambda: pa.chunked_array([LISTS[:2], LISTS[2:]]),
        lambda: iter(LISTS),
    ],
)
def test_sequences_of_any_form(form):
    expected = [[5, 6, 0], [7, 0, 0], [2, 3, 4], [0, 0, 0], [9, 8, 7]]
    assert data.pad_sequences(form(), 3, padding="post").tolist() == expected


# What keras.utils.pad_sequences gives (Keras 3).
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[0, 0, 5, 6], [0, 0, 0, 7], [1, 2, 3, 4], [0, 0, 0, 0], [0, 9, 8, 7]]),
        ({"maxlen": 2}, [[5, 6], [0, 7], [3, 4], [0, 0], [8, 7]]),
        ({"maxlen": 2, "truncating": "post", "padding": "post", "value": -1},
         [[5, 6], [7, -1], [1, 2], [-1, -1], [9, 8]]),
    ],
)  # fmt: skip
def test_padding_is_keras(options, expected):
    found = data.pad_sequences(LISTS, **options)
    assert found.dtype == np.int32 and found.tolist() == expected
    floats = data.pad_sequences([[0.5], [1.5, 2.5]], dtype="float32", value=np.nan)
    np.testing.assert_array_equal(floats, np.array([[np.nan, 0.5], [1.5, 2.5]], np.float32))


def test_sequences_of_vectors_and_nothing():
    found = data.pad_sequences([np.ones((2, 3)), np.zeros((1, 3))], dtype="float64", value=7)
    assert found.shape == (2, 2, 3) and found[1].tolist() == [[7, 7, 7], [0, 0, 0]]
    assert data.pad_sequences([]).shape == (0, 0)
    assert data.pad_sequences([[], []]).shape == (2, 0)


@pytest.mark.parametrize(
    ("given", "options", "words"),
    [
        ([[1], 3], {}, "row 1 must be a sequence"),
        ([[1], None], {}, "row 1"),
        ([[1], "text"], {}, "row 1"),
        ([[1], ["a"]], {}, "row 1 has no numbers"),
        ([[1], [1.5]], {}, "row 1 has 1.5"),
        ([[1], [2**40]], {}, "row 1 has 1099511627776"),
        ([[1]], {"padding": "left"}, "padding"),
        ([[1]], {"maxlen": -1}, "maxlen"),
        ([[1]], {"value": 0.5}, "cannot hold"),
        ([[1], [[1, 2]]], {}, "one shape"),
    ],
)
def test_nonsense_is_an_error(given, options, words):
    with pytest.raises((andiron.Error, TypeError), match=words):
        data.pad_sequences(given, **options)


TABLE = pa.table({"bag": LISTS, "y": [1.0, 2.0, 3.0, 4.0, 5.0]})


@pytest.mark.parametrize("form", [lambda t: t, lambda t: t.to_pandas()])
def test_columns_of_lists_are_padded_and_cut(form):
    def of(**options):
        column = data.Column("bag", length=3, pad=-1, **options)
        return data.from_arrow(form(TABLE), column).arrays()[0].tolist()

    assert of(truncate="post") == [[5, 6, -1], [7, -1, -1], [1, 2, 3], [-1] * 3, [9, 8, 7]]
    assert of(truncate="pre")[2] == [2, 3, 4]
    with pytest.raises(andiron.Error, match="row 2 is a list of 4; length is 3"):
        of()
    with pytest.raises(andiron.Error, match="truncate"):
        of(truncate="middle")


def test_lists_of_fixed_size_are_cut():
    lists = pa.array([[1, 2, 3], None, [4, 5, 6]], pa.list_(pa.int32(), 3))
    for side, expected in (("post", [[1, 2], [0, 0], [4, 5]]), ("pre", [[2, 3], [0, 0], [5, 6]])):
        column = data.Column("v", length=2, truncate=side, nulls=0)
        found = data.from_arrow(pa.table({"v": lists}), column).arrays()[0]
        assert found.tolist() == expected


def bag():
    andiron.set_random_seed(1)
    model = Sequential([Input((4,), dtype="int32"), layers.EmbeddingBag(10, 3), layers.Dense(1)])
    model.compile("adam", "mse")
    return model


def test_bags_of_columns_and_of_sequences_train_alike():
    a, b = bag(), bag()
    rows = data.from_arrow(TABLE, data.Column("bag", length=4, pad=-1), "y")
    a.fit(rows, epochs=3, verbose=0, shuffle=False)
    padded = data.pad_sequences(LISTS, 4, padding="post", value=-1)
    b.fit(padded, TABLE["y"].to_numpy(), epochs=3, verbose=0, shuffle=False)
    for p, q in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(p, q)


@pytest.mark.parametrize(
    "ragged",
    [
        LISTS,
        np.array([np.array(row) for row in LISTS], dtype=object),
        pd.DataFrame({"bag": LISTS}),
        pd.Series(LISTS),
    ],
)
def test_ragged_arrays_in_fit_are_told_what_to_do(ragged):
    with pytest.raises((andiron.Error, TypeError), match="pad_sequences"):
        bag().fit(ragged, np.zeros(5), verbose=0)


# Missing values in pandas.

FRAME = pd.DataFrame(
    {
        "float": [0.5, np.nan, 1.5],
        "Int64": pd.array([1, None, 3], "Int64"),
        "Float64": pd.array([0.5, None, 2.5], "Float64"),
        "boolean": pd.array([True, None, False], "boolean"),
        "category": pd.Categorical(["x", None, "y"]),
        "string": pd.array(["x", None, "y"], "string"),
        "object": ["x", None, "y"],
        "time": pd.to_datetime(["2024-01-01", None, "2024-01-03"]),
        "arrow": pd.array([1, None, 3], dtype=pd.ArrowDtype(pa.int32())),
    }
)


@pytest.mark.parametrize("name", list(FRAME))
def test_missing_values_of_tables_are_errors_or_what_nulls_says(name):
    vocabulary = {name: ["x", "y"]} if name in ("category", "string", "object") else {}
    with pytest.raises(andiron.Error, match=f"column '{name}': row 1 is null"):
        data.from_arrow(FRAME, name, vocabulary=vocabulary).arrays()
    fill = "unknown" if vocabulary else -1
    found = data.from_arrow(FRAME, name, vocabulary=vocabulary, nulls=fill).arrays()[0]
    assert float(found[1]) == (0 if vocabulary else 1 if name == "boolean" else -1)


def test_missing_values_of_arrays_are_not_a_number_or_errors():
    def array(name, frame=FRAME):
        return np.asarray(andiron.Tensor(frame[[name]]))[:, 0]

    for name in ("float", "Float64", "Int64", "arrow"):
        assert np.isnan(array(name)[1]) and not np.isnan(array(name)[[0, 2]]).any()
    assert array("category").tolist() == [0, -1, 1]
    whole = FRAME.dropna()
    assert array("Int64", whole).tolist() == [1, 3]
    with pytest.raises(andiron.Error, match="column 'boolean': row 1 is missing"):
        array("boolean")
    for name in ("string", "object", "time"):
        with pytest.raises(TypeError, match=f"column '{name}'"):
            array(name)


def test_missing_targets_name_the_row():
    model = Sequential([Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    for name in ("float", "Int64", "Float64"):
        with pytest.raises(andiron.Error, match="finite; got .*nan.* in row 1"):
            model.fit(np.zeros((3, 1), np.float32), FRAME[name], verbose=0)


def test_mixed_objects_name_the_column():
    frame = pd.DataFrame({"a": [1.0, 2.0], "mixed": [1, "x"]})
    with pytest.raises((andiron.Error, TypeError), match="mixed"):
        data.from_arrow(frame, ["a", "mixed"]).arrays()
    with pytest.raises(TypeError, match="mixed"):
        andiron.Tensor(frame)
