"""Models on texts and other categories: arrays, pandas, Arrow, files; what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import andiron
from andiron import Input, Model, Sequential, data, explain, layers, load_model

RNG = np.random.default_rng(1)
COLOURS = ["red", "green", "blue", "müller"]
WORDS = RNG.choice(COLOURS, 200)
AGES = RNG.uniform(0, 90, 200).astype("f")
Y = ((WORDS == "red") * 2.0 + (AGES > 40)).astype("f")


def text_forms(words):
    yield "texts", np.asarray(words)
    yield "bytes", np.array([w.encode() for w in words])
    yield "objects", np.array(list(words), dtype=object)
    yield "list", list(words)
    yield "series", pd.Series(words)
    yield "category", pd.Series(words, dtype="category")
    yield "arrow", pa.array(list(words))
    yield "chunks", pa.chunked_array([list(words[:7]), list(words[7:])])
    yield "dictionary", pa.array(list(words)).dictionary_encode()


def test_texts_come_in_every_form():
    lookup = layers.StringLookup(vocabulary=COLOURS)
    want = [COLOURS.index(w) + 1 for w in WORDS]
    entry = Input((), dtype="string")
    model = Model(entry, lookup(entry))
    assert entry.is_text and not model.outputs[0].is_text
    hashed = layers.Hashing(50)
    bins = hashed(np.asarray(WORDS)).numpy()
    for what, given in text_forms(WORDS):
        assert lookup(given).numpy().tolist() == want, what
        assert model.predict(given).tolist() == want, what
        np.testing.assert_array_equal(hashed(given).numpy(), bins, err_msg=what)
        adapted = layers.StringLookup()
        adapted.adapt(given)
        assert sorted(adapted.get_vocabulary(False)) == sorted(COLOURS), what
    frame = pd.DataFrame({"a": WORDS[:100], "b": WORDS[100:]})
    np.testing.assert_array_equal(lookup(frame).numpy(), np.reshape(want, (2, 100)).T)


def test_adapt_takes_tables_files_and_pieces(tmp_path):
    frame = pd.DataFrame({"w": WORDS, "n": RNG.integers(0, 5, 200)})
    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "t.parquet", row_group_size=30)
    frame.to_csv(tmp_path / "t.csv", index=False)
    want = layers.StringLookup()
    want.adapt(WORDS)
    forms = [
        data.from_arrow(pa.Table.from_pandas(frame), "w"),
        data.from_parquet(tmp_path / "t.parquet", ["w"]),
        data.from_csv(tmp_path / "t.csv", "w"),
        [WORDS[:50], WORDS[50:]],
        (part for part in np.array_split(WORDS, 9)),
        frame[["w"]],
    ]
    for given in forms:
        layer = layers.StringLookup()
        layer.adapt(given)
        assert layer.get_vocabulary() == want.get_vocabulary()
    numbers = layers.IntegerLookup()
    numbers.adapt(data.from_parquet(tmp_path / "t.parquet", "n"))
    again = layers.IntegerLookup()
    again.adapt(frame["n"])
    assert numbers.get_vocabulary() == again.get_vocabulary() and numbers.vocabulary_size() == 6
    bins = layers.Discretization(num_bins=4)
    bins.adapt(data.from_parquet(tmp_path / "t.parquet", "n"))
    assert len(bins.bin_boundaries) == 3
    few = layers.StringLookup()
    few.adapt((part for part in np.array_split(WORDS, 100)), steps=1)
    assert few.get_vocabulary(False) == sorted(set(WORDS[:2]), reverse=True)


def vocabulary_file(tmp_path, lines):
    path = tmp_path / "words.txt"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_a_vocabulary_may_be_a_file(tmp_path):
    path = vocabulary_file(tmp_path, COLOURS)
    for given in (path, str(path)):
        layer = layers.StringLookup(vocabulary=given, mask_token="")
        assert layer.get_vocabulary() == ["", "[UNK]", *COLOURS]
    numbers = layers.IntegerLookup(vocabulary=vocabulary_file(tmp_path, ["7", "-3"]))
    assert numbers.get_vocabulary() == [-1, 7, -3]
    with pytest.raises(andiron.Error, match="one integer a line; got 'x'"):
        layers.IntegerLookup(vocabulary=vocabulary_file(tmp_path, ["x"]))
    with pytest.raises(andiron.Error, match="cannot read the vocabulary file"):
        layers.StringLookup(vocabulary=str(tmp_path / "nothing.txt"))


def network():
    """Texts by their embedding and as vectors, ages by intervals, and both crossed."""
    andiron.set_random_seed(4)
    word, age = Input((), dtype="string", name="word"), Input((), name="age")
    ids = layers.StringLookup(vocabulary=COLOURS)(word)
    bins = layers.Discretization(bin_boundaries=[20.0, 40.0, 60.0])(age)
    parts = [
        layers.Embedding(5, 3)(ids),
        layers.StringLookup(vocabulary=COLOURS[:2], output_mode="one_hot")(word),
        layers.CategoryEncoding(4, "one_hot")(bins),
        layers.Embedding(11, 2)(layers.HashedCrossing(11)([word, bins])),
        layers.Hashing(6, output_mode="one_hot")(layers.Identity()(word)),
    ]
    return Model([word, age], layers.Dense(1)(layers.Concatenate()(parts)))


def test_a_model_on_texts_trains_from_arrays_and_tables(tmp_path):
    frame = pd.DataFrame({"word": WORDS, "age": AGES, "y": Y})
    table = data.from_arrow(pa.Table.from_pandas(frame), label="y")
    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "t.parquet")
    coded = frame.assign(word=frame["word"].astype("category"))
    forms = [
        ({"word": WORDS, "age": AGES}, Y),
        ([list(WORDS), AGES], Y),
        (frame[["word", "age"]], Y),
        (coded[["word", "age"]], Y),
        (table, None),
        (data.from_parquet(tmp_path / "t.parquet", ["word", "age"], "y"), None),
        (data.from_arrow(pa.Table.from_pandas(coded), ["word", "age"], "y"), None),
    ]
    results = []
    for x, y in forms:
        model = network()
        model.compile("adam", "mse")
        losses = model.fit(x, y, epochs=3, batch_size=32, shuffle=False, verbose=0).history["loss"]
        assert losses[0] > losses[-1]
        results.append(model.predict(x))
        assert model.evaluate(x, y, verbose=0) == pytest.approx(
            np.mean((results[-1][:, 0] - Y) ** 2), rel=1e-3
        )
    for found in results[1:]:
        np.testing.assert_allclose(found, results[0], rtol=1e-5, atol=1e-6)
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    x = {"word": ["red", "never seen"], "age": np.float32([10, 80])}
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert [i.is_text for i in again.inputs] == [True, False]
    again.fit(table, epochs=1, verbose=0)
    np.testing.assert_allclose(model.frozen().predict(x), model.predict(x), rtol=1e-5)


def test_a_list_of_texts_is_one_input():
    model = Sequential([
        Input((3,), dtype="string"),
        layers.Permute((1,)),
        layers.StringLookup(vocabulary=COLOURS, output_mode="count"),
        layers.Dense(2),
    ])  # fmt: skip
    assert model.predict([["red", "red", "x"], ["blue", "x", "x"]]).shape == (2, 2)
    lists = pa.table({"w": pa.array([["red", "red", "x"], ["blue", "x", "x"]])})
    rows = data.from_arrow(lists, "w")
    np.testing.assert_array_equal(
        model.predict(rows), model.predict([["red", "red", "x"], ["blue", "x", "x"]])
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda w: layers.Dense(1)(layers.Reshape((1,))(w)), "takes numbers; got texts"),
        (lambda w: w + 1, "takes numbers; got texts"),
        (lambda w: layers.IntegerLookup(vocabulary=[1])(w), "takes integers; got texts"),
        (lambda w: layers.StringLookup(vocabulary=["a"])(Input(())), "takes texts"),
        (
            lambda w: layers.StringLookup(vocabulary=["a"], invert=True)(Input((), dtype="int64")),
            "call it on what predict gives",
        ),
        (lambda w: layers.StringLookup(vocabulary=["a", "a"]), "has 'a' twice"),
        (lambda w: layers.StringLookup(vocabulary=[]), "one token or more"),
        (
            lambda w: layers.StringLookup(vocabulary=["a", "b"], max_tokens=2),
            "larger than max_tokens",
        ),
        (lambda w: layers.StringLookup(vocabulary=["a", "m"], mask_token="m"), "'m' may stand"),
        (lambda w: layers.StringLookup(output_mode="multi_hot")(w), "has no vocabulary"),
        (
            lambda w: layers.StringLookup(vocabulary=["a"], output_mode="tf_idf"),
            "needs idf_weights",
        ),
        (lambda w: layers.StringLookup(invert=True, output_mode="count"), "must be 'int'"),
        (
            lambda w: layers.StringLookup(vocabulary=["a"], output_mode="count")(w),
            r"needs ids \[batch, k\]",
        ),
        (lambda w: layers.StringLookup(sparse=True, output_mode="count"), "sparse=True"),
        (lambda w: layers.StringLookup(encoding="latin-1"), "texts are UTF-8"),
        (lambda w: layers.StringLookup().adapt(np.array([], dtype=str)), "0 tokens"),
        (lambda w: layers.Hashing(0), "num_bins must be positive"),
        (lambda w: layers.Hashing(4, mask_value=3)(w), "mask_value must be a text"),
        (lambda w: layers.HashedCrossing(4)([w, Input(())]), "needs integers or texts"),
        (lambda w: layers.CategoryEncoding(), "needs num_tokens"),
        (lambda w: layers.CategoryEncoding(3)([[1, 3]]), "3"),
        (lambda w: layers.Discretization(), "bin_boundaries, or num_bins"),
        (lambda w: layers.Discretization([2.0, 1.0]), "ascending"),
        (lambda w: layers.Discretization([1.0], 2), "not both"),
        (
            lambda w: layers.Discretization(num_bins=2).adapt(np.float32([1, np.nan])),
            "row 1 has nan",
        ),
        (lambda w: layers.TextVectorization(max_tokens=3), "layers of sequences"),
        (
            lambda w: layers.IntegerLookup(vocabulary=[1], num_oov_indices=0)([[2]]),
            "not in the vocabulary",
        ),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(andiron.Error, match=message):
        make(Input((), dtype="string"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1, 2], "texts are needed; got"),
        (np.array(["a", None], dtype=object), "element 1 is missing"),
        (pd.Series(["a", None], dtype="category"), "element 1 is missing"),
        (pd.Series(["a", np.nan]), "element 1 is missing"),
        (np.array(["a", 3], dtype=object), "element 1 is no text; got 3"),
    ],
)
def test_what_is_no_text_is_named(given, message):
    layer = layers.StringLookup(vocabulary=["a"])
    with pytest.raises(TypeError, match=message):
        layer(given)
    entry = Input((), dtype="string")
    with pytest.raises(TypeError, match=message):
        Model(entry, layer(entry)).predict(given)


def test_a_null_in_a_table_is_named():
    entry = Input((), dtype="string", name="w")
    model = Model(entry, layers.StringLookup(vocabulary=["a"])(entry))
    with pytest.raises(andiron.Error, match="column 'w': row 1 is null"):
        model.predict(data.from_arrow(pa.table({"w": ["a", None]}), "w"))
    with pytest.raises(andiron.Error, match="texts are needed"):
        model.predict(data.from_arrow(pa.table({"w": [1.0]}), "w"))
    with pytest.raises(andiron.Error, match="layers have the vocabulary"):
        words = data.from_arrow(pa.table({"w": ["a"]}), "w", vocabulary={"w": ["a"]})
        model.predict(words)
    # Numbers where texts are wanted, and texts where numbers are.
    with pytest.raises(TypeError, match="texts are needed"):
        model.predict(np.zeros(3, "int64"))
    with pytest.raises(TypeError, match="numbers are needed; got texts"):
        Sequential([Input((1,)), layers.Dense(1)]).predict([["a"]])


def test_a_model_that_was_traced_keeps_its_categories():
    entry = Input((), dtype="string")
    lookup, bins = layers.StringLookup(), layers.Discretization(num_bins=2)
    model = Model(entry, lookup(entry))  # described before adapt
    with pytest.raises(andiron.Error, match="has no vocabulary"):
        model.predict(["a"])
    lookup.adapt(["a", "b", "a"])
    assert model.predict(["a", "b"]).tolist() == [1, 2]
    with pytest.raises(andiron.Error, match="keeps its vocabulary"):
        lookup.adapt(["c"])
    number = Input(())
    other = Model(number, bins(number))
    bins.adapt(np.arange(10.0))
    assert other.predict(np.float32([0, 9])).tolist() == [0, 1]
    with pytest.raises(andiron.Error, match="keeps its boundaries"):
        bins.adapt(np.arange(3.0))


def test_special_tokens_in_a_vocabulary_are_not_counted_twice():
    first = layers.StringLookup(vocabulary=["a", "b"], mask_token="", num_oov_indices=2)
    again = layers.StringLookup(vocabulary=first.get_vocabulary(), mask_token="", num_oov_indices=2)
    assert again.get_vocabulary() == first.get_vocabulary() == ["", "[UNK]", "[UNK]", "a", "b"]
    back = layers.StringLookup(vocabulary=first.get_vocabulary(), mask_token="", num_oov_indices=2,
                               invert=True)  # fmt: skip
    assert back(first(np.array(["b", "", "a"]))).tolist() == ["b", "", "a"]


def test_texts_in_batches_in_steps_of_ones_own_and_in_explanations():
    x = {"word": WORDS, "age": AGES}
    model = network()

    def batches():
        for at in range(0, len(Y), 50):
            yield {name: column[at : at + 50] for name, column in x.items()}

    wanted = model.predict(x)
    np.testing.assert_allclose(model.predict(batches()), wanted, rtol=1e-6)
    table = next(layer for layer in model.layers if isinstance(layer, layers.Embedding))
    found = explain.gradients(model, x, at=table.name)
    kernel = model.layers[-1].get_weights()[0]  # the table's rows stand first in it
    np.testing.assert_allclose(found, np.tile(kernel[:3, 0], (len(Y), 1)), rtol=1e-6)

    class Seen(Model):
        def __init__(self):
            super().__init__(model.inputs, model.outputs)

        def train_step(self, data):
            given, y = data
            return {"rows": len(y), "inputs": len(given)}

    own = Seen()
    own.compile()
    history = own.fit(x, Y, batch_size=len(Y), epochs=1, verbose=0).history
    assert history["rows"] == [len(Y)] and history["inputs"] == [2]
