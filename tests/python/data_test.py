"""Tables into fit, evaluate and predict."""

import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import dataset as pads
from pyarrow import parquet

import andiron
from andiron import Input, Model, Sequential, data, layers

RNG = np.random.default_rng(0)
N = 300
A, B = RNG.normal(size=N), RNG.normal(size=N).astype(np.float32)
USER = RNG.integers(0, 10, N).astype(np.int64)
Y = (A - B + 0.1 * USER).astype(np.float32)
W = RNG.uniform(0.5, 2.0, N)
TABLE = pa.table({"a": A, "b": B, "user": USER, "y": Y, "w": W})


def dense():
    andiron.set_random_seed(1)
    model = Sequential([Input((2,)), layers.Dense(4, "tanh"), layers.Dense(1)])
    model.compile("adam", "mse", weighted_metrics=["mae"])
    return model


def two_inputs():
    andiron.set_random_seed(1)
    user, x = Input((1,), dtype="int32", name="user"), Input((2,), name="x")
    e = layers.Flatten()(layers.Embedding(10, 3)(user))
    model = Model([user, x], layers.Dense(1)(layers.Concatenate()([e, x])))
    model.compile("adam", "mse")
    return model


def same_weights(a, b):
    for x, y in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)


X = np.stack([A, B], axis=1).astype(np.float32)


def chunked(table, *sizes):
    batches, at, i = [], 0, 0
    while at < len(table):
        n = sizes[i % len(sizes)]
        batches += table.slice(at, n).combine_chunks().to_batches()
        at, i = at + n, i + 1
    return batches


FORMS = {
    "table": lambda t: t,
    "batches": lambda t: chunked(t, 7, 50),
    "iterator": lambda t: iter(chunked(t, 11)),
    "reader": lambda t: pa.RecordBatchReader.from_batches(t.schema, chunked(t, 64)),
    "dataset": lambda t: pads.dataset(t),
    "pandas": lambda t: t.to_pandas(),
    "one batch": lambda t: t.combine_chunks().to_batches()[0],
}


@pytest.mark.parametrize("form", FORMS)
def test_training_has_the_same_bits_as_from_arrays(form):
    arrays, tables = dense(), dense()
    one = arrays.fit(X, Y, 32, 3, 0, sample_weight=W, seed=5, validation_split=0.2)
    rows = data.from_arrow(FORMS[form](TABLE), ["a", "b"], "y", "w")
    two = tables.fit(rows, batch_size=32, epochs=3, verbose=0, seed=5, validation_split=0.2)
    same_weights(arrays, tables)
    assert one.history == two.history
    assert tables.evaluate(rows, verbose=0) == arrays.evaluate(X, Y, sample_weight=W, verbose=0)


def test_several_inputs_by_name():
    arrays, tables = two_inputs(), two_inputs()
    arrays.fit({"user": USER, "x": X}, Y, epochs=2, verbose=0, seed=1)
    rows = data.from_arrow(TABLE, {"user": "user", "x": ["a", "b"]}, "y")
    tables.fit(rows, epochs=2, verbose=0, seed=1)
    same_weights(arrays, tables)
    features = data.from_arrow(TABLE, {"user": "user", "x": ["a", "b"]})
    np.testing.assert_array_equal(tables.predict(features), arrays.predict({"user": USER, "x": X}))


def test_a_reader_is_read_once_whatever_fit_asks_of_it():
    reader = pa.table({"user": USER, "x": list(X), "y": Y}).to_reader(50)
    history = two_inputs().fit(reader, "y", verbose=0, seed=1, validation_split=0.5).history
    assert set(history) == {"loss", "val_loss"}
    rows = data.from_arrow(TABLE.to_reader(50), {"user": "user", "x": ["a", "b"]}, "y")
    before = rows.digest()
    two_inputs().fit(rows, verbose=0)
    swapped = data.from_arrow(TABLE, {"x": ["a", "b"], "user": "user"}, "y")
    assert rows.digest() == before == swapped.digest()


def test_a_table_goes_into_fit_directly(tmp_path):
    reference = dense()
    reference.fit(X, Y, epochs=2, verbose=0, seed=3)
    table = TABLE.select(["a", "b", "y"])
    parquet.write_table(table, tmp_path / "t.parquet")
    table.to_pandas().to_csv(tmp_path / "t.csv.gz", index=False)
    for x in (table, table.to_pandas(), table.to_reader(50), tmp_path / "t.parquet",
              str(tmp_path / "t.csv.gz")):  # fmt: skip
        model = dense()
        model.fit(x, "y", epochs=2, verbose=0, seed=3, validation_data=(table, "y"))
        same_weights(model, reference)
    plain = TABLE.select(["a", "b"])
    np.testing.assert_array_equal(model.predict(plain), reference.predict(X))
    again = dense()  # targets as an array beside a table
    again.fit(plain, Y, epochs=2, verbose=0, seed=3)
    same_weights(again, reference)
    assert model.evaluate(table, "y", verbose=0) == pytest.approx(
        model.evaluate(X, Y, verbose=0), rel=1e-6
    )


def test_models_that_learn_their_shape_from_a_table():
    stack = Sequential([layers.Dense(3), layers.Dense(1)])
    stack.compile("adam", "mse")
    stack.fit(data.from_arrow(TABLE, ["a", "b"], "y"), verbose=0)
    assert stack.input_shape == (None, 2)


def test_class_weight_and_labels_from_texts():
    label = np.where(Y > 0, "yes", "no")
    table = TABLE.append_column("churn", pa.array(label).dictionary_encode())
    ids = data.Vocabulary(["no", "yes"], unknown=False)

    def model():
        andiron.set_random_seed(2)
        m = Sequential([Input((2,)), layers.Dense(1, "sigmoid")])
        m.compile("adam", "binary_crossentropy")
        return m

    a, b = model(), model()
    a.fit(X, (Y > 0).astype(np.int32), epochs=2, verbose=0, class_weight={1: 3.0}, seed=1,
          sample_weight=W)  # fmt: skip
    rows = data.from_arrow(table, ["a", "b"], "churn", "w", vocabulary={"churn": ids})
    b.fit(rows, epochs=2, verbose=0, class_weight={1: 3.0}, seed=1)
    same_weights(a, b)


def softmax(n=3, **options):
    andiron.set_random_seed(2)
    m = Sequential([Input((2,)), layers.Dense(n, "softmax")])
    m.compile("sgd", andiron.losses.SparseCategoricalCrossentropy(**options))
    return m


@pytest.mark.parametrize("form", ["table", "reader", "stream", "spilled", "split"])
def test_balanced_class_weights_of_tables(form, tmp_path):
    label = RNG.choice(3, N, p=[0.6, 0.3, 0.1])
    table = TABLE.append_column("kind", pa.array(label))
    train = label[: int(N * 0.8)] if form == "split" else label
    told = {i: len(train) / (3 * n) for i, n in enumerate(np.bincount(train).tolist())}
    more = {"validation_split": 0.2} if form == "split" else {}

    def rows():
        if form == "stream":
            parquet.write_table(table, tmp_path / "t.parquet")
            return data.from_parquet(tmp_path / "t.parquet", ["a", "b"], "kind", stream=True,
                                     shuffle_buffer=50)  # fmt: skip
        given = table.to_reader(50) if form == "reader" else table
        budget = 1000 if form == "spilled" else None
        return data.from_arrow(given, ["a", "b"], "kind", "w", memory_budget=budget)

    a, b = softmax(), softmax()
    a.fit(rows(), epochs=2, verbose=0, seed=1, class_weight="balanced", **more)
    b.fit(rows(), epochs=2, verbose=0, seed=1, class_weight=told, **more)
    same_weights(a, b)


@pytest.mark.parametrize("form", ["table", "reader", "stream"])
def test_labels_that_the_loss_does_not_know(form, tmp_path):
    """Told before training, with column, row and value; of a stream when it comes to the row."""
    kind = (np.arange(N) % 3).astype("f8")

    def rows(at, value):
        label = kind.copy()
        label[at] = value
        table = TABLE.append_column("kind", pa.array(label))
        if form == "stream":
            parquet.write_table(table, tmp_path / "t.parquet")
            return data.from_parquet(tmp_path / "t.parquet", ["a", "b"], "kind", stream=True,
                                     shuffle_buffer=50)  # fmt: skip
        given = table.to_reader(50) if form == "reader" else table
        return data.from_arrow(given, ["a", "b"], "kind")

    for at, value in ((170, 3), (5, -1)):
        model = softmax()
        before = [w.copy() for w in model.get_weights()]
        words = f"column 'kind': .* takes class ids from 0 to 2; row {at} is {value}"
        with pytest.raises(andiron.Error, match=words):
            model.fit(rows(at, value), verbose=0)
        if form != "stream":
            for x, y in zip(before, model.get_weights(), strict=True):
                np.testing.assert_array_equal(x, y)
        with pytest.raises(andiron.Error, match=words):
            model.evaluate(rows(at, value), verbose=0)
    softmax().fit(rows(0, 2), verbose=0)
    softmax(ignore_class=-1).fit(rows(9, -1), verbose=0)
    with pytest.raises(andiron.Error, match="from 0 to 2, and 255 for none; row 5 is 7"):
        softmax(ignore_class=255).fit(rows([9, 5], [255, 7]), verbose=0)
    binary = Sequential([layers.Dense(1, "sigmoid")])  # reads the table before it has a loss
    binary.compile("sgd", "binary_crossentropy")
    with pytest.raises(andiron.Error, match="BinaryCrossentropy takes labels from 0 to 1; row 2 is"
                                            " 2. .*labels of -1 and 1 for Hinge"):  # fmt: skip
        binary.fit(rows(0, 0), verbose=0)


def test_a_table_that_another_loss_has_read():
    rows = data.from_arrow(TABLE.append_column("kind", pa.array(np.arange(N) % 3)), ["a", "b"],
                           "kind")  # fmt: skip
    softmax().fit(rows, verbose=0)
    with pytest.raises(andiron.Error, match="takes class ids from 0 to 1; row 2 is 2"):
        softmax(2).fit(rows, verbose=0)


def test_predict_takes_batches_of_any_size_and_none():
    model = dense()
    expected = model.predict(X)
    plain = TABLE.select(["a", "b"])
    rows = data.from_arrow(plain, ["a", "b"])
    np.testing.assert_array_equal(model.predict(rows), expected)
    np.testing.assert_array_equal(model.predict(rows), expected)  # again
    empty = pa.RecordBatch.from_arrays(
        [pa.array([], pa.float64()), pa.array([], pa.float32())], ["a", "b"]
    )
    rows = data.from_arrow([empty, *chunked(plain, 1, 200), empty], ["a", "b"])
    np.testing.assert_allclose(model.predict(rows), expected, rtol=1e-6)
    assert model.predict(data.from_arrow([empty], ["a", "b"])).shape == (0, 1)
    assert model.predict(plain.schema.empty_table()).shape == (0, 1)
    assert model.predict(empty).dtype == np.float32


@pytest.mark.parametrize("content_order", [False, True])
def test_beyond_its_budget_data_is_spilled_and_trains(tmp_path, content_order):
    options = {"memory_budget": 2000, "spill_dir": tmp_path, "content_order": content_order}
    rows = data.from_arrow(chunked(TABLE, 10), ["a", "b"], "y", **options)
    model = dense()
    losses = model.fit(rows, epochs=4, verbose=0, seed=2, validation_split=0.1).history["loss"]
    assert losses[-1] < losses[0] and rows.spilled
    assert model.evaluate(rows, verbose=0, return_dict=True)["loss"] == pytest.approx(
        model.evaluate(X, Y, verbose=0, return_dict=True)["loss"], rel=1e-5
    )
    assert not list(tmp_path.iterdir())
    same = dense()
    shuffled = TABLE.take(np.random.default_rng(1).permutation(N))
    rows = data.from_arrow(chunked(shuffled, 33), ["a", "b"], "y", **options)
    same.fit(rows, epochs=4, verbose=0, seed=2, validation_split=0.1)
    equal = all(
        (a == b).all() for a, b in zip(model.get_weights(), same.get_weights(), strict=True)
    )
    assert equal == content_order


@pytest.mark.parametrize("content_order", [False, True])
def test_the_spill_is_an_arrow_file(content_order):
    table = TABLE.append_column("v", pa.array(list(X), pa.list_(pa.float32(), 2)))
    rows = data.from_arrow(table, ["v"], "user", memory_budget=1000, content_order=content_order)
    len(rows)
    back = pa.ipc.open_file(pa.memory_map(rows._read[0].spill_path)).read_all()
    back.validate(full=True)
    if not content_order:
        assert back["user"].to_pylist() == USER.tolist()
        np.testing.assert_array_equal(np.array(back["v"].to_pylist(), np.float32), X)
    else:
        assert sorted(back["user"].to_pylist()) == sorted(USER.tolist())
        assert back.column_names[-1] == "andiron.row_hash"


def test_resuming_refuses_other_rows(tmp_path):
    def fit(table, resume, **options):
        model = dense()
        rows = data.from_arrow(table, ["a", "b"], "y", **options)
        model.fit(rows, epochs=2, verbose=0, seed=1, checkpoint_dir=tmp_path, resume=resume)

    fit(TABLE, False, content_order=True)
    fit(TABLE.take(np.random.default_rng(2).permutation(N)), True, content_order=True)
    changed = TABLE.set_column(0, "a", pa.array(np.r_[A[:-1], A[-1] + 1]))
    with pytest.raises(OSError, match="the data are others, in as many rows"):
        fit(changed, True, content_order=True)
    with pytest.raises(OSError, match="the data are others, in as many rows"):
        fit(TABLE, True)


def test_mistakes_say_what_to_do(tmp_path):
    model = dense()

    def error(table, features=("a", "b"), label="y", **options):
        with pytest.raises(ValueError) as caught:
            model.fit(data.from_arrow(table, list(features), label, **options), verbose=0)
        return str(caught.value)

    assert "no column 'c'; there are 'a', 'b'" in error(TABLE, ["a", "c"])
    assert "2" in error(TABLE, ["a"]) and "takes rows of (2,)" in error(TABLE, ["a"])
    hole = TABLE.set_column(1, "b", pa.array([None, *B[1:]], pa.float32()))
    assert "column 'b': row 0 is null" in error(hole)
    text = TABLE.set_column(1, "b", pa.array(["x"] * N))
    assert "texts need a vocabulary" in error(text)
    assert "column 'y' must be finite; row 2" in error(
        TABLE.set_column(3, "y", pa.array([0, 1, np.inf] + [0.0] * (N - 3)))
    )
    assert "0 samples" in error(TABLE.slice(0, 0))
    with pytest.raises(andiron.Error, match="which column is the label"):
        model.fit(data.from_arrow(TABLE, ["a", "b"]), verbose=0)
    with pytest.raises(TypeError, match="Arrow table"):
        data.from_arrow(3)
    reader = data.from_arrow(TABLE.to_reader(), ["a", "b"], "y")
    model.predict(reader)
    with pytest.raises(andiron.Error, match="read already"):
        model.predict(reader)
    with pytest.raises(OSError):
        data.from_parquet(tmp_path / "none.parquet")


NONSENSE = [-1, 0, "-5MB", "abc", "12 bananas", "", "MB", "1 MB 2", "nan", "inf", float("nan"),
            float("inf"), 10**30, "1e20GB", True, [512], b"512MB"]  # fmt: skip


@pytest.mark.parametrize("budget", NONSENSE, ids=map(repr, NONSENSE))
def test_budgets_of_memory_that_make_no_sense(budget):
    with pytest.raises(andiron.Error, match=r"^\[data\] memory_budget ") as caught:
        data.from_arrow(TABLE, memory_budget=budget)
    assert repr(budget) in str(caught.value)


@pytest.mark.parametrize(
    ("budget", "n_bytes"),
    [(None, 0), (1, 1), (7.9, 7), ("512MB", 512 * 10**6), (" 1.5 GiB ", 3 << 29), ("2k", None),
     ("64 kB", 64_000), ("100", 100), ("100B", 100), (np.int64(5), 5)],
)  # fmt: skip
def test_budgets_of_memory(budget, n_bytes):
    from andiron._tables import bytes_from

    if n_bytes is None:
        with pytest.raises(andiron.Error, match="such as"):
            bytes_from(budget)
    else:
        assert bytes_from(budget) == n_bytes


@pytest.mark.parametrize("form", [*FORMS, "parquet", "csv", "scanner"])
def test_columns_that_are_not_there(form, tmp_path):
    """One sentence with the column and what there is, wherever the rows come from."""

    def rows(features=("a", "b"), **options):
        if form == "parquet":
            parquet.write_table(TABLE, tmp_path / "rows.parquet")
            return data.from_parquet(tmp_path / "rows.parquet", list(features), "y", **options)
        if form == "csv":
            TABLE.to_pandas().to_csv(tmp_path / "rows.csv", index=False)
            return data.from_csv(tmp_path / "rows.csv", list(features), "y", **options)
        given = pads.dataset(TABLE).scanner() if form == "scanner" else FORMS[form](TABLE)
        return data.from_arrow(given, list(features), "y", **options)

    there = "there are 'a', 'b', 'user', 'y', 'w'$"
    with pytest.raises(andiron.Error, match=f"there is no column 'c'; {there}"):
        dense().fit(rows(["a", "c"]), verbose=0)
    with pytest.raises(andiron.Error, match=f"vocabulary has 'c', which is no column; {there}"):
        dense().fit(rows(vocabulary={"c": data.Vocabulary(["x"])}), verbose=0)
    with pytest.raises(andiron.Error, match=f"nulls has 'c', which is no column; {there}"):
        dense().predict(rows(nulls={"a": 0, "c": 0}))
    dense().fit(rows(nulls={"w": 0}), verbose=0)  # a column that is there and not in use
    if form == "csv":
        with pytest.raises(andiron.Error, match=f"column_types has 'c', .*; {there}"):
            rows(column_types={"c": pa.int32()})


def test_names_of_columns_that_are_numbers_or_come_twice():
    frame = pd.DataFrame({0: A, 1: B, "y": Y})
    reference, model = dense(), dense()
    reference.fit(X, Y, verbose=0, seed=1)
    model.fit(frame, "y", verbose=0, seed=1)
    same_weights(model, reference)
    twice = pa.table([A, B, Y], ["a", "a", "y"])
    for given in (twice, pads.dataset(twice), twice.to_pandas()):
        with pytest.raises(andiron.Error, match="two columns 'a'"):
            dense().fit(data.from_arrow(given, ["a", "a"], "y"), verbose=0)


def test_a_null_in_csv_is_what_null_values_say(tmp_path):
    (tmp_path / "rows.csv").write_text("a,b,y\n1,?,3\n4,5,6\n")
    options = {"null_values": ["?"], "nulls": {"b": 9.0}, "column_types": {"a": pa.float64()}}
    (found,) = data.from_csv(tmp_path / "rows.csv", ["a", "b"], "y", **options).arrays()
    assert found.tolist() == [[1.0, 9.0], [4.0, 5.0]]


def test_errors_of_the_producer_arrive():
    def batches():
        yield from chunked(TABLE, 50)[:2]
        raise RuntimeError("the partition is gone")

    with pytest.raises(OSError, match="the partition is gone"):
        dense().fit(data.from_arrow(batches(), ["a", "b"], "y"), verbose=0)


def test_vocabularies(tmp_path):
    words = pa.chunked_array([["b", "a", None], ["b", "c", "b"]])
    table = pa.table({"w": words, "d": words.dictionary_encode()})
    found = data.build_vocabularies(table, ["w", "d"], max_size=2)
    assert found["w"].entries == found["d"].entries == ["b", "a"]
    assert found["w"] == found["d"] and len(found["w"]) == 3
    v = found["w"]
    v.save(tmp_path / "v.json")
    assert data.Vocabulary.load(tmp_path / "v.json") == v == pickle.loads(pickle.dumps(v))
    assert v.texts([1, 0, 2]) == ["b", None, "a"]
    rows = data.from_arrow(
        table, {"w": "w", "d": "d"}, vocabulary={"w": v, "d": tmp_path / "v.json"}, nulls="unknown"
    )
    for ids in rows.arrays():
        assert ids.tolist() == [1, 2, 0, 1, 0, 1] and ids.dtype == np.int32
    for given in (v, ["b", "a"], str(tmp_path / "v.json")):  # as a Column takes it
        ids = data.Column("w", vocabulary=given, nulls="unknown")
        assert data.from_arrow(table, ids).arrays()[0].ravel().tolist() == [1, 2, 0, 1, 0, 1]
    with pytest.raises(OSError, match="none.json"):
        data.Vocabulary.load(tmp_path / "none.json")


def test_nothing_is_copied_where_the_layout_allows():
    column = np.arange(20, dtype=np.float32)
    table = pa.table({"x": pa.array(column)}).slice(5)
    (seen,) = data.from_arrow(table, "x").arrays()
    assert np.shares_memory(seen, column)
    assert not seen.flags.writeable
    lists = pa.FixedSizeListArray.from_arrays(pa.array(column), 4).slice(1)
    (seen,) = data.from_arrow(pa.table({"x": lists}), "x").arrays()
    assert np.shares_memory(seen, column) and seen.shape == (4, 4)


def test_memory_is_given_back():
    before = pa.total_allocated_bytes()
    pool = pa.array(np.arange(1 << 20, dtype=np.float32) + 1)  # pyarrow's own memory
    table = pa.table({"x": pa.compute.add(pool, 1.0), "other": pa.compute.add(pool, 2.0)})
    rows = data.from_arrow(table.to_reader(), ["x"], "x")
    del table, pool
    assert len(rows) == 1 << 20
    held = pa.total_allocated_bytes() - before
    del rows
    assert pa.total_allocated_bytes() == before
    assert held <= 3 * (4 << 20)


REAL = Path(os.environ.get("ANDIRON_TEST_DATA", "/nowhere"))


@pytest.mark.skipif(not (REAL / "telco_churn").is_dir(), reason="ANDIRON_TEST_DATA has no churn")
def test_telco_churn_from_csv():
    path = REAL / "telco_churn" / "Telco-Customer-Churn.csv.gz"
    texts = ["Contract", "PaymentMethod", "InternetService", "OnlineSecurity"]
    raw = data.from_csv(path)
    found = data.build_vocabularies(raw, [*texts, "Churn"])
    found["Churn"] = data.Vocabulary(["No", "Yes"], unknown=False)
    inputs = [Input((1,), dtype="int32", name=t) for t in texts]
    numbers = Input((2,), name="numbers")
    parts = [layers.Flatten()(layers.Embedding(len(found[t]), 3)(i))
             for t, i in zip(texts, inputs, strict=True)]  # fmt: skip
    h = layers.Dense(16, "relu")(layers.Concatenate()([*parts, numbers]))
    model = Model([*inputs, numbers], layers.Dense(1, "sigmoid")(h))
    model.compile("adam", "binary_crossentropy", metrics=["AUC"])
    features = {t: t for t in texts} | {"numbers": ["tenure", "SeniorCitizen"]}
    rows = data.from_csv(path, features, "Churn", vocabulary=found)
    model.fit(rows, epochs=5, verbose=0, seed=1)
    assert model.evaluate(rows, verbose=0)[1] > 0.82
    assert len(rows) == 7043


def test_polars():
    polars = pytest.importorskip("polars")
    frame = polars.from_arrow(TABLE.select(["a", "b", "y"]))
    model, reference = dense(), dense()
    model.fit(frame, "y", verbose=0, seed=1)
    reference.fit(X, Y, verbose=0, seed=1)
    same_weights(model, reference)
    words = polars.DataFrame({"w": ["short", "a text of more than twelve bytes", None] * 2})
    words = words.with_columns(c=polars.col("w").cast(polars.Categorical))
    found = data.build_vocabularies(words, ["w", "c"])
    for ids in data.from_arrow(
        words, {"w": "w", "c": "c"}, vocabulary=found, nulls="unknown"
    ).arrays():
        assert sorted(ids.tolist()) == [0, 0, 1, 1, 2, 2] and ids[2] == 0


def test_a_full_disk_is_an_error_with_the_path(tmp_path):
    import resource

    rows = data.from_arrow(TABLE, ["a", "b"], "y", memory_budget=1000, spill_dir=tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, before[1]))
    try:
        with pytest.raises(OSError, match=f"cannot write '{tmp_path}/andiron-spill"):
            len(rows)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError, match="nowhere"):
        len(data.from_arrow(TABLE, "a", "y", memory_budget=1000, spill_dir=tmp_path / "nowhere"))


@pytest.mark.skipif(not (REAL / "fraud_handbook").is_dir(), reason="ANDIRON_TEST_DATA has no fraud")
def test_fraud_from_parquet_beyond_its_budget():
    path = REAL / "fraud_handbook" / "transactions.parquet"
    names = ["customer", "terminal", "amount", "ts"]
    digests = set()
    for options in ({}, {"memory_budget": "4MB"}, {"memory_budget": "4MB", "content_order": True}):
        rows = data.from_parquet(path, names, "fraud", **options)
        assert len(rows) == 1_754_155 and rows.spilled == bool(options)
        digests.add(rows.digest())
    assert len(digests) == 1


def test_pandas_frames_stay_arrays_without_names_of_columns():
    frame = pd.DataFrame({"a": A, "b": B})
    model = dense()
    model.fit(frame, Y, verbose=0)
    np.testing.assert_array_equal(model.predict(frame), model.predict(X))
