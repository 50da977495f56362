"""Parquet and CSV by file, folder and pattern; partitions; files that do not fit each other."""

import bz2
import gzip
import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import dataset as pads
from pyarrow import parquet

import andiron
from andiron import Input, Sequential, _files, data, layers

N = 240
RNG = np.random.default_rng(0)
TABLE = pa.table(
    {
        "a": RNG.normal(size=N),
        "b": RNG.integers(-5, 5, N).astype(np.int32),
        "y": RNG.normal(size=N).astype(np.float32),
        "w": RNG.uniform(0.5, 2, N),
    }
)


def compiled(width=2):
    andiron.set_random_seed(1)
    model = Sequential([Input((width,)), layers.Dense(4, "tanh"), layers.Dense(1)])
    model.compile("adam", "mse", weighted_metrics=["mae"])
    return model


def write(path, table, kind="parquet"):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if kind == "parquet":
        parquet.write_table(table, path, row_group_size=25)
    else:
        text = table.to_pandas().to_csv(index=False)
        opener = {".gz": gzip.open, ".bz2": bz2.open}.get(os.path.splitext(path)[1], open)
        with opener(path, "wt") as out:
            out.write(text)


@pytest.fixture
def folder(tmp_path):
    """year=2023/part-0 ... year=2024/part-1, and what Spark puts beside it."""
    for i in range(4):
        at = f"{tmp_path}/rows/year={2023 + i // 2}"
        write(f"{at}/part-{i}.parquet", TABLE.slice(60 * i, 60))
    for name in ("_SUCCESS", "year=2023/.part-0.parquet.crc", "year=2023/_tmp.parquet"):
        (tmp_path / "rows" / name).write_bytes(b"no parquet")
    return str(tmp_path / "rows")


def read(rows, *names):
    return np.concatenate([rows.arrays({"x": n})[0].reshape(-1, 1) for n in names], axis=1)


def test_a_folder_has_its_partitions_as_columns(folder):
    rows = data.from_parquet(folder, ["a", "year"], "y")
    assert len(rows) == N
    x = read(rows, "a", "year")
    np.testing.assert_array_equal(x[:, 0], TABLE["a"].to_numpy())
    np.testing.assert_array_equal(x[:, 1], np.repeat([2023, 2024], 120))
    plain = data.from_parquet(folder, ["a", "year"], "y", partitioning=None)
    with pytest.raises(andiron.Error, match="no column 'year'"):
        len(plain)


def test_patterns(folder):
    def a(path):
        return read(data.from_parquet(path, "a"), "a")[:, 0].tolist()

    all_of = TABLE["a"].to_pylist()
    assert a(f"{folder}/*/part-*.parquet") == all_of
    assert a(f"{folder}/**/*.parquet") == all_of
    assert a(f"{folder}/year=2024/part-[23].parquet") == all_of[120:]
    assert a([f"{folder}/year=2024", f"{folder}/year=2023/part-1.parquet"]) == [
        *all_of[120:], *all_of[60:120]]  # fmt: skip
    assert a(f"{folder}/year=2023/part-0.parquet") == all_of[:60]
    year = data.from_parquet(f"{folder}/year=*/part-*.parquet", "year")
    assert read(year, "year")[:, 0].tolist() == [2023] * 120 + [2024] * 120
    # A folder above the data is no partition.
    assert "year" not in data.from_parquet(f"{folder}/year=2023/*.parquet", "a")._names()


@pytest.mark.parametrize("path", ["none.parquet", "no*.parquet", "gone/x.csv", []])
def test_what_is_not_there_is_named(tmp_path, path):
    where = [] if path == [] else str(tmp_path / path)
    with pytest.raises((FileNotFoundError, andiron.Error), match="none|no\\*|gone|list of files"):
        data.from_parquet(where, "a")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no files in"):
        data.from_parquet(tmp_path / "empty", "a")


def test_every_way_trains_with_the_bits_of_arrays(folder, tmp_path):
    x = np.stack([TABLE["a"].to_numpy(), TABLE["b"].to_numpy()], 1).astype(np.float32)
    expected = compiled()
    weights = TABLE["w"].to_numpy()
    expected.fit(x, TABLE["y"].to_numpy(), 32, 2, 0, sample_weight=weights, seed=3)
    for kind in ("csv", "csv.gz", "csv.bz2"):
        for i in range(4):
            write(f"{tmp_path}/{kind}/part-{i}.{kind}", TABLE.slice(60 * i, 60), "csv")
    for rows in (
        data.from_parquet(folder, ["a", "b"], "y", "w"),
        *(data.from_csv(tmp_path / kind, ["a", "b"], "y", "w", column_types={"y": pa.float32()})
          for kind in ("csv", "csv.gz", "csv.bz2")),
    ):  # fmt: skip
        given = compiled()
        given.fit(rows, batch_size=32, epochs=2, verbose=0, seed=3)
        for p, q in zip(expected.get_weights(), given.get_weights(), strict=True):
            np.testing.assert_allclose(p, q, rtol=1e-6)


def test_numbers_of_several_widths_become_the_widest(tmp_path):
    parts = [
        pa.table({"a": pa.array([1, 2], pa.int32()), "y": pa.array([1.0, 2.0], pa.float32())}),
        pa.table({"a": pa.array([2**40], pa.int64()), "y": pa.array([3.0])}),
        pa.table({"a": pa.array([None], pa.null()), "y": pa.array([4.5])}),
    ]
    for i, part in enumerate(parts):
        write(f"{tmp_path}/{i}.parquet", part)
    rows = data.from_parquet(tmp_path, "a", nulls=-1)
    assert rows.arrays()[0].tolist() == [1, 2, 2**40, -1]
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "1.csv").write_text("a,y\n1,2\n")
    (tmp_path / "c" / "2.csv").write_text("a,y\n1.5,2\n")
    (tmp_path / "c" / "3.csv").write_text("")
    (tmp_path / "c" / "4.csv").write_text("a,y\n")
    assert data.from_csv(tmp_path / "c", "a").arrays()[0].tolist() == [1.0, 1.5]
    assert len(data.from_csv(tmp_path / "c", "a", "y", stream=True)) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_files_that_differ_are_errors_that_name_them(tmp_path, stream):
    write(f"{tmp_path}/1.parquet", TABLE)
    write(f"{tmp_path}/2.parquet", TABLE.drop(["b"]))
    with pytest.raises(andiron.Error, match="2.parquet' has no column 'b'"):
        compiled().fit(data.from_parquet(tmp_path, ["a", "b"], "y", stream=stream), verbose=0)
    rows = data.from_parquet(tmp_path, ["a", "w"], "y", stream=stream)
    compiled().fit(rows, verbose=0)  # b is not needed
    texts = TABLE.drop(["b"]).append_column("b", pa.array(["x"] * N))
    write(f"{tmp_path}/2.parquet", texts)
    with pytest.raises(andiron.Error, match="'b' is int32 in .*1.parquet' and string in .*2.parq"):
        data.from_parquet(tmp_path, ["a", "b"], "y", stream=stream)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "1.csv").write_text("a,y\n1,2\n")
    (tmp_path / "c" / "2.csv").write_text("a,y\nx,2\n")
    with pytest.raises(andiron.Error, match="'a' is int64 in .*1.csv' and string in .*2.csv"):
        data.from_csv(tmp_path / "c", "a", "y", stream=stream)
    with pytest.raises((andiron.Error, OSError), match="2.csv'.*invalid value 'x'"):
        types = {"a": pa.int64()}
        rows = data.from_csv(tmp_path / "c", "a", "y", column_types=types, stream=stream)
        compiled(1).fit(rows, verbose=0)


@pytest.mark.parametrize("stream", [False, True])
def test_damaged_parquet_is_an_error_with_its_name(tmp_path, stream):
    write(f"{tmp_path}/1.parquet", TABLE)
    whole = (tmp_path / "1.parquet").read_bytes()
    for n in [0, 3, 4, 100, len(whole) // 2, len(whole) - 9, len(whole) - 1]:
        (tmp_path / "2.parquet").write_bytes(whole[:n])
        with pytest.raises((andiron.Error, OSError), match="2.parquet"):
            data.from_parquet(tmp_path, ["a", "b"], "y", stream=stream)
    # The footer is right, what it describes is not.
    for at in range(4, len(whole) // 2, 97):
        damaged = bytearray(whole)
        damaged[at : at + 8] = b"\xff" * 8
        (tmp_path / "2.parquet").write_bytes(bytes(damaged))
        try:
            rows = data.from_parquet(tmp_path, ["a", "b"], "y", stream=stream)
            compiled().fit(rows, verbose=0, on_nan="ignore")
        except (andiron.Error, OSError) as error:
            assert "2.parquet" in str(error) or "finite" in str(error) or "NaN" in str(error)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,y\n1,2\n1,2,3\n", "Expected 2 columns, got 3"),
        ("a,y\n1,2\n1\n", "Expected 2 columns, got 1"),
        ('a,y\n1,2\n"1,2\n', "2.csv"),
        ("a,y\n\x00\xff\xfe,2\n", "2.csv"),
        ("a,a,y\n1,2,3\n", "a"),
    ],
)
def test_damaged_csv_is_an_error_with_its_name(tmp_path, stream, text, words):
    (tmp_path / "1.csv").write_text("a,y\n1,2\n")
    (tmp_path / "2.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises((andiron.Error, OSError), match=words) as caught:
        rows = data.from_csv(tmp_path, "a", "y", stream=stream)
        compiled(1).fit(rows, verbose=0)
    assert "2.csv" in str(caught.value) and "Traceback" not in str(caught.value)


def test_mixed_types_after_the_first_megabyte(tmp_path):
    text = "a,y\n" + "1,2\n" * 400_000 + "oops,2\n"
    (tmp_path / "1.csv").write_text(text)
    for stream in (False, True):
        with pytest.raises((andiron.Error, OSError), match="1.csv.*oops"):
            rows = data.from_csv(tmp_path / "1.csv", "a", "y", stream=stream)
            compiled(1).fit(rows, batch_size=65536, verbose=0)


# Streams.


def streamed(folder, *args, **options):
    return data.from_parquet(folder, *args, stream=True, **options)


def test_a_stream_without_shuffling_has_the_bits_of_the_table(folder):
    table, stream = compiled(3), compiled(3)
    args = (["a", "b", "year"], "y", "w")
    one = table.fit(data.from_parquet(folder, *args), batch_size=32, epochs=2, shuffle=False,
                    verbose=0, class_weight={0: 2.0}, validation_split=0.3)  # fmt: skip
    rows = streamed(folder, *args)
    two = stream.fit(rows, batch_size=32, epochs=2, shuffle=False, verbose=0,
                     class_weight={0: 2.0}, validation_split=0.3)  # fmt: skip
    for p, q in zip(table.get_weights(), stream.get_weights(), strict=True):
        np.testing.assert_array_equal(p, q)
    assert one.history == two.history
    assert stream.evaluate(rows, verbose=0) == table.evaluate(
        data.from_parquet(folder, *args), verbose=0
    )
    np.testing.assert_array_equal(stream.predict(rows), table.predict(rows))
    assert len(rows) == N and not rows.spilled


def ids_of(source, epoch):
    source.start(epoch)
    found = []
    while (batch := source.next()) is not None:
        found.append(np.asarray(batch[0][0]).reshape(-1).copy())
    return np.concatenate(found)


def test_every_epoch_shows_each_row_once_in_an_order_of_seed_and_epoch(tmp_path):
    for i in range(5):
        ids = np.arange(1000 * i, 1000 * i + 1000)
        write(f"{tmp_path}/{i}.parquet", pa.table({"id": ids, "y": ids * 0.5}))
    model = compiled(1)

    def source(seed=1, batch=64, **options):
        rows = streamed(tmp_path, "id", "y", **options)
        return rows._source(model._network, model.output_names, batch, True, seed)

    first = ids_of(source(shuffle_buffer=500), 0)
    assert sorted(first) == list(range(5000))
    assert (ids_of(source(batch=100, shuffle_buffer=500), 0) == first).all()
    assert (ids_of(source(shuffle_buffer=500), 1) != first).any()
    assert (ids_of(source(2, shuffle_buffer=500), 0) != first).any()
    # Rows of many row groups meet in a batch.
    assert len(set((first[:64] // 25).tolist())) > 10
    one = ids_of(source(shuffle_buffer=1), 0)  # row groups change places only
    assert (np.diff(one) == 1).mean() > 0.9 and sorted(one) == sorted(first)


def test_a_stream_resumes_in_the_middle_of_an_epoch(folder, tmp_path):
    class Stop(andiron.callbacks.Callback):
        left = 0

        def on_train_batch_end(self, batch, logs=None):
            self.left -= 1
            if self.left == 0:
                raise RuntimeError("killed")

    stop = Stop()
    options = dict(batch_size=32, epochs=3, verbose=0, seed=4, callbacks=[stop])
    rows = streamed(folder, ["a", "b"], "y", shuffle_buffer=50)
    whole, resumed = compiled(), compiled()
    one = whole.fit(rows, **options)
    stop.left = 12
    with pytest.raises(RuntimeError, match="killed"):
        compiled().fit(rows, checkpoint_dir=tmp_path / "run", checkpoint_every=5, **options)
    two = resumed.fit(streamed(folder, ["a", "b"], "y", shuffle_buffer=50), resume=True,
                      checkpoint_dir=tmp_path / "run", **options)  # fmt: skip
    for p, q in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(p, q)
    assert one.history == two.history
    with pytest.raises(OSError, match="rows was 240 and is 120"):
        other = streamed(f"{folder}/year=2023", ["a", "b"], "y")
        compiled().fit(other, resume=True, checkpoint_dir=tmp_path / "run", **options)


def test_a_stream_may_be_dropped_in_the_middle_of_an_epoch(folder):
    # Its thread waits for the interpreter's lock, which whoever drops it holds.
    model = compiled()
    for i in range(10):
        rows = streamed(folder, ["a", "b"], "y")
        source = rows._source(model._network, model.output_names, 16, True, i)
        if i % 2:
            source = andiron._core.steps_source(source, 5)
        source.start(0)
        source.next()
        del source, rows


def test_streams_build_models_and_go_on_by_steps(folder):
    model = Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(streamed(folder, ["a", "b"], "y"), epochs=4, steps_per_epoch=4, verbose=0)
    assert len(history.epoch) == 4 and model.input_shape == (None, 2)
    small = streamed(folder, "a", "y", shuffle_buffer=10)
    with pytest.raises(andiron.Error, match="takes rows of"):
        model.fit(small, verbose=0)


def test_many_columns_and_several_models_from_one_stream(tmp_path):
    names = [f"c{i}" for i in range(6)]
    x = RNG.normal(size=(100, 6))
    write(f"{tmp_path}/1.parquet", pa.table({**dict(zip(names, x.T, strict=True)), "y": x[:, 0]}))
    rows = streamed(tmp_path, names, "y", shuffle_buffer=30)
    for width in (6, 6):
        model = compiled(width)
        model.fit(rows, verbose=0, shuffle=False)
        np.testing.assert_allclose(
            model.evaluate(rows, verbose=0), model.evaluate(x, x[:, 0], verbose=0), rtol=1e-5
        )


def test_rows_of_a_unit_that_comes_in_several_batches():
    batches = TABLE.to_batches(max_chunksize=40)
    for first, rows in ((0, 240), (0, 1), (39, 2), (85, 100), (200, 40), (239, 1)):
        found = pa.Table.from_batches(_files._rows_of(iter(batches), first, rows))
        assert found.equals(TABLE.slice(first, rows))


def test_a_dataset_of_pyarrow_streams(folder):
    ds = pads.dataset(folder, partitioning="hive")
    rows = data.from_arrow(ds, ["a", "year"], "y", stream=True)
    compiled().fit(rows, verbose=0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"memory_budget": "1MB"}, "memory_budget"),
        ({"content_order": True}, "content_order"),
        ({"shuffle_buffer": 0}, "from 1 on"),
        ({"shuffle_buffer": 2.5}, "number of rows"),
    ],
)
def test_options_that_do_not_go_with_streams(folder, options, words):
    with pytest.raises(andiron.Error, match=words):
        streamed(folder, "a", "y", **options)
    with pytest.raises(andiron.Error, match="goes with stream"):
        data.from_parquet(folder, "a", "y", shuffle_buffer=10)
    with pytest.raises(andiron.Error, match="stream=True reads files"):
        data.from_arrow(TABLE, "a", "y", stream=True)


def test_bad_rows_of_a_stream_name_file_and_row(tmp_path):
    write(f"{tmp_path}/1.parquet", TABLE)
    broken = TABLE.to_pandas()
    broken.loc[30, "a"] = None
    write(f"{tmp_path}/2.parquet", pa.Table.from_pandas(broken))
    for label, words in (("y", "2.parquet' \\(row group 1\\): column 'a': row 5 is null"),):
        with pytest.raises(andiron.Error, match=words):
            compiled().fit(streamed(tmp_path, ["a", "b"], label), verbose=0)
    lists = [pa.table({"v": [[1.0, 2.0]] * n, "y": [1.0] * n}) for n in (30, 30)]
    lists[1] = pa.table({"v": [[1.0]] * 30, "y": [1.0] * 30})
    for i, part in enumerate(lists):
        write(f"{tmp_path}/lists/{i}.parquet", part)
    with pytest.raises(andiron.Error, match="1.parquet.*'v' is float64"):
        compiled().fit(streamed(tmp_path / "lists", "v", "y"), verbose=0)


def test_files_that_change_while_a_stream_is_read(tmp_path):
    write(f"{tmp_path}/1.csv", TABLE, "csv")
    rows = data.from_csv(tmp_path / "1.csv", ["a", "b"], "y", stream=True)
    model = compiled()
    model.fit(rows, verbose=0)
    write(f"{tmp_path}/1.csv", TABLE.slice(10), "csv")
    with pytest.raises(andiron.Error, match="have files changed"):
        model.fit(rows, verbose=0)
    os.unlink(tmp_path / "1.csv")
    with pytest.raises(OSError, match="1.csv"):
        model.fit(rows, verbose=0)


def test_paths_go_into_fit_directly(folder, tmp_path):
    model = compiled(4)
    model.fit(f"{folder}/**/*.parquet", "y", verbose=0)  # a, b, w, year
    assert model.predict(data.from_parquet(folder, ["a", "b", "w", "year"])).shape == (N, 1)
    model.fit(f"{folder}/year=202[34]", "y", verbose=0)
    three = compiled(3)
    for kind in ("csv", "csv.gz", "csv.bz2"):
        write(f"{tmp_path}/{kind}/1.{kind}", TABLE, "csv")
        three.fit(f"{tmp_path}/{kind}/1.{kind}", "y", verbose=0)
        three.fit(f"{tmp_path}/{kind}/*.{kind}", "y", verbose=0)


def test_a_frame_of_parquet_reads_as_pandas_reads_it(folder):
    frame = pd.read_parquet(folder)
    rows = data.from_parquet(folder)
    for name in ("a", "b", "y"):
        np.testing.assert_array_equal(rows.arrays(name)[0], frame[name].to_numpy())
