"""Tables, id maps and hold-outs."""

import numpy as np
import pandas as pd
import pytest
from andiron.apps.recommend.data import Interactions, histories
from andiron.apps.recommend.ids import UNKNOWN, IdMap
from andiron.apps.recommend.split import PROTOCOLS, leave_one_out, temporal_holdout


@pytest.fixture
def table():
    rng = np.random.default_rng(3)
    pairs = rng.choice(30 * 40, 600, replace=False)
    return pd.DataFrame(
        {
            "user": [f"u{p // 40}" for p in pairs],
            "item": 1000 + pairs % 40,
            "rating": rng.integers(1, 6, 600),
            "time": rng.integers(0, 50, 600),
            "age": pairs // 40,
        }
    )


def test_string_and_integer_ids_come_back(table):
    data = Interactions.from_pandas(table, rating="rating", time="time", user_features=["age"])
    assert data.users.ids[data.user].tolist() == table["user"].tolist()
    assert data.items.ids[data.item].tolist() == table["item"].tolist()
    assert [f"u{age}" for age in data.user_features["age"]] == data.users.ids.tolist()


def test_unseen_ids_get_the_unknown_row():
    assert IdMap.of([3, 5]).rows([5, 4, "x", None]).tolist() == [1, UNKNOWN, UNKNOWN, UNKNOWN]


def test_fractions_are_nobodys_ids_and_orders_do_not_matter():
    assert IdMap.of([2, 5]).rows([2.5, 2.0, float("nan"), float("inf"), "5"]).tolist() == [
        UNKNOWN, 0, UNKNOWN, UNKNOWN, 1,
    ]  # fmt: skip
    asked = np.array([2**60 + 1, 7, -3, 2**62], np.int64)
    for ids in ([-3, 7, 2**60 + 1], [7, 2**60 + 1, -3]):  # the second as after `extended`
        expected = [ids.index(i) if i in ids else UNKNOWN for i in asked.tolist()]
        assert IdMap(np.array(ids)).rows(asked).tolist() == expected
        assert IdMap(np.array(ids)).rows(asked.astype(object)).tolist() == expected
    small = np.array([7, 250], np.uint8)
    assert IdMap(small).rows(np.array([250, 3], np.uint32)).tolist() == [1, UNKNOWN]
    assert IdMap.of([1]).rows(np.array([2**64 - 1], np.uint64)).tolist() == [UNKNOWN]
    assert len(IdMap([]).rows(np.array([1]))) == 1


def test_id_maps_survive_the_disk(tmp_path):
    for ids in (IdMap.of(["ä", "b"]), IdMap.of([2**40, -7])):
        ids.save(tmp_path / "ids.json")
        assert IdMap.load(tmp_path / "ids.json") == ids


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"kind": "x", "ids": []}', '{"kind":"integer","ids":[1,1]}']
)
def test_a_damaged_id_map_is_named(tmp_path, text):
    (tmp_path / "ids.json").write_text(text)
    with pytest.raises(ValueError, match="is not an id map"):
        IdMap.load(tmp_path / "ids.json")


def test_csv_and_parquet_read_the_same(table, tmp_path):
    table.to_csv(tmp_path / "t.csv.gz", index=False)
    table.to_parquet(tmp_path / "t.parquet")
    a = Interactions.read(tmp_path / "t.csv.gz", rating="rating", time="time")
    b = Interactions.read(tmp_path / "t.parquet", rating="rating", time="time")
    assert a.users == b.users and a.items == b.items
    assert np.array_equal(a.item, b.item) and np.array_equal(a.time, b.time)


def test_repeated_pairs_keep_the_latest_and_say_so():
    table = pd.DataFrame({"user": [1, 1, 2], "item": [5, 5, 5], "r": [1, 4, 2], "t": [9, 3, 1]})
    data = Interactions.from_pandas(table, rating="r", time="t")
    assert data.rating.tolist() == [1, 2]
    assert "1 repeated" in data.notes[0]


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda t: t.drop(columns="item"), "no column 'item'"),
        (lambda t: t.iloc[:0], "no lines"),
        (lambda t: t.assign(user=[None] * len(t)), "never missing"),
        (lambda t: t.assign(item=np.nan), "never missing"),
        (lambda t: t.assign(item=0.5), "fractions"),
        (lambda t: t.assign(rating=np.inf), "finite"),
        (lambda t: t.assign(time="yesterday"), "numbers or dates"),
    ],
)
def test_bad_tables_are_refused(table, change, message):
    with pytest.raises(ValueError, match=message):
        Interactions.from_pandas(change(table), rating="rating", time="time")


def test_equal_times_come_in_no_order_of_the_file():
    table = pd.DataFrame({"user": [0] * 500, "item": range(500), "t": [7] * 500})
    positions, _ = histories(Interactions.from_pandas(table, time="t"), seed=1)
    rising = np.mean(np.diff(positions) > 0)
    assert 0.4 < rising < 0.6


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_parts_are_disjoint_and_complete(table, protocol):
    data = Interactions.from_pandas(table, rating="rating", time="time")
    split = PROTOCOLS[protocol](data, seed=5)
    parts = [split.train, split.validation, split.test]
    pairs = np.concatenate([p.user * data.n_items + p.item for p in parts])
    assert np.array_equal(np.sort(pairs), np.sort(data.user * data.n_items + data.item))
    assert len(split.refit) == len(split.train) + len(split.validation)
    again = PROTOCOLS[protocol](data, seed=5)
    assert np.array_equal(again.test.item, split.test.item)


def test_leave_one_out_holds_the_last(table):
    split = leave_one_out(Interactions.from_pandas(table, time="time"))
    assert len(split.test) == len(split.validation) == 30
    for user in range(30):
        last = split.test.time[split.test.user == user][0]
        before = split.validation.time[split.validation.user == user][0]
        assert last >= before >= split.train.time[split.train.user == user].max()


def test_temporal_holdout_never_looks_ahead(table):
    split = temporal_holdout(Interactions.from_pandas(table, time="time"))
    assert split.train.time.max() <= split.validation.time.min()
    assert split.validation.time.max() <= split.test.time.min()


def test_temporal_holdout_needs_times(table):
    with pytest.raises(ValueError, match="needs times"):
        temporal_holdout(Interactions.from_pandas(table))
