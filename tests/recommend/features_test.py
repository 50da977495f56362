"""Features of users and items: how they are read, and what models make of them."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("andiron.models")

from andiron.apps.recommend.data import Interactions
from andiron.apps.recommend.features import Features
from andiron.apps.recommend.models import NeuralCF, WideAndDeep, load

SMALL = {
    NeuralCF: {
        "gmf": 8, "mlp_user": 8, "mlp_item": 8, "hidden": (16,), "batch_size": 64, "epochs": 12,
        "learning_rate": 1e-2, "dropout": 0.0,
    },
    WideAndDeep: {
        "embedding": 8, "hidden": (16,), "batch_size": 64, "negatives": 12, "epochs": 12,
        "learning_rate": 1e-2, "dropout": 0.0,
    },
}  # fmt: skip
KINDS = [(cls, loss) for cls in SMALL for loss in ("softmax", "binary_crossentropy")]
GENRES = ("Action", "Drama", "Comedy")


def films(rng, n):
    """Genres by number, and a table of films: a genre, for some "Classic" too, and a year."""
    genre = rng.integers(0, 3, n)
    classic = rng.random(n) < 0.3
    names = [GENRES[g] + ("|Classic" if c else "") for g, c in zip(genre, classic, strict=True)]
    return genre, pd.DataFrame({"genres": names, "year": rng.integers(1950, 2020, n)})


@pytest.fixture(scope="module")
def world():
    """90 users who each watch one genre; users' country says which, 60 films."""
    rng = np.random.default_rng(1)
    genre, about = films(rng, 60)
    rows = []
    for user in range(90):
        taste = user % 3
        for step, film in enumerate(rng.permutation(np.flatnonzero(genre == taste))[:8]):
            rows.append((f"u{user}", int(film), step, f"land{taste}", *about.iloc[film]))
    table = pd.DataFrame(rows, columns=["user", "item", "time", "country", "genres", "year"])
    data = Interactions.from_pandas(
        table, time="time", user_features=["country"], item_features=["genres", "year"]
    )
    return data, genre


@pytest.fixture(scope="module")
def fitted(world):
    made = {}

    def of(cls, loss):
        if (cls, loss) not in made:
            made[cls, loss] = cls(loss=loss, **SMALL[cls]).fit(world[0], verbose=0)
        return made[cls, loss]

    return of


def test_columns_become_numbers():
    table = pd.DataFrame(
        {
            "age": [20.0, 40.0, None],
            "genres": ["a|b", "b", "c|c"],
            "town": ["x", None, "y"],
            "flag": [True, False, True],
        }
    )
    features = Features.of(table)
    assert [c.kind for c in features.columns] == ["number", "bag", "category", "category"]
    expected = [
        [-1, 0, 0.5, 0.5, 0, 0, 1, 0, 0, 0, 1],
        [1, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0],
        [0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1],
    ]
    assert features.table.tolist() == expected
    again = Features.from_json(features.to_json(), features.table)
    assert again.columns == features.columns
    # An unseen town is the unknown one, which training had; an unseen genre was never learnt.
    new = pd.DataFrame({"age": ["?"], "genres": ["b|z"], "town": ["z"], "flag": [None]})
    assert again.encode(new).tolist() == [[0, 0, 0, 0.5, 0, 1, 0, 0, 0, 0, 0]]
    with pytest.raises(ValueError, match="no column 'town'"):
        again.encode(new.drop(columns="town"))


def test_rare_values_are_one_unknown_value():
    column = pd.DataFrame({"c": ["a"] * 5 + ["b"] * 4 + ["d", "e"]})
    features = Features.of(column, max_values=2)
    assert features.columns[0].values == ("a", "b") and features.columns[0].unknown
    assert features.table[-2:].tolist() == [[1, 0, 0]] * 2
    assert features.encode(pd.DataFrame({"c": ["never"]})).tolist() == [[1, 0, 0]]


def test_numbers_can_be_categories():
    table = pd.DataFrame({"user": [1, 2, 3], "item": [1, 1, 2], "job": [7.0, None, 9.0]})
    data = Interactions.from_pandas(table, user_features=["job"], categories=["job"])
    features = Features.of(data.user_features)
    assert features.columns[0].values == ("7", "9")
    assert features.table.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    with pytest.raises(ValueError, match="'item' is not"):
        Interactions.from_pandas(table, user_features=["job"], categories=["item"])


@pytest.mark.parametrize(("cls", "loss"), KINDS)
def test_new_items_are_ranked_by_their_features(fitted, world, cls, loss, tmp_path):
    model = fitted(cls, loss)
    model.save(tmp_path)
    model = load(tmp_path)
    users = np.arange(90)
    old = model.scores(users)
    assert np.array_equal(old, fitted(cls, loss).scores(users))
    genre, about = films(np.random.default_rng(2), 30)
    model.add_items(list(range(1000, 1030)), about)
    scores = model.scores(users)
    assert scores.shape == (90, 90)
    np.testing.assert_allclose(scores[:, :60], old, atol=1e-4)
    taste = np.array([int(user[1:]) % 3 for user in model.users.ids.tolist()])
    mine = genre == taste[:, None]
    new = scores[:, 60:]
    better = np.mean(
        [(line[m][:, None] > line[~m]).mean() for line, m in zip(new, mine, strict=True)]
    )
    assert better > 0.9, better  # 0.5 by chance
    best = dict(model.recommend("u4", 90))
    assert 1000 in best and len(best) == 90 - 8
    model.save(tmp_path / "later")
    assert np.array_equal(load(tmp_path / "later").scores(users), scores)


@pytest.mark.parametrize(("cls", "loss"), KINDS)
def test_new_users_are_known_by_their_features(fitted, world, cls, loss, tmp_path):
    fitted(cls, loss).save(tmp_path)
    model = load(tmp_path)
    model.add_users(
        ["new0", "new1", "new2"], pd.DataFrame({"country": ["land0", "land1", "land2"]})
    )
    scores, genre = model.scores(np.arange(90, 93)), world[1]
    for taste, line in enumerate(scores):
        mine = genre == taste
        assert (line[mine][:, None] > line[~mine]).mean() > 0.8


def test_what_was_learnt_for_ids_is_the_mean_for_new_ones(fitted, tmp_path):
    fitted(NeuralCF, "softmax").save(tmp_path)
    model = load(tmp_path)
    before = {v.name: v.numpy() for v in model._network.variables}
    model.add_items([1000, 1001], pd.DataFrame({"genres": ["Drama", None], "year": [2000, None]}))
    grown = 0
    for variable in model._network.variables:
        old, new = before[variable.name], variable.numpy()
        if old.shape == new.shape:
            assert np.array_equal(old, new)
            continue
        axis = 1 if len(old.shape) == 2 and old.shape[1] == 60 else 0
        assert np.array_equal(np.take(new, range(60), axis), old)
        if "feature_table" in variable.name:
            drama = np.take(new, 60, axis)
            assert drama.tolist() == model.item_features.table[60].tolist()
            assert np.take(new, 61, axis).max() == 0  # nothing known
        else:
            grown += 1
            np.testing.assert_allclose(np.take(new, 61, axis), old.mean(axis), rtol=1e-5)
    assert grown == 4  # two embeddings, the last layer's kernel and bias


def test_the_wide_part_learns_crosses_of_features(fitted, world):
    model = fitted(WideAndDeep, "softmax")
    kernel = model._parts["wide_features"].kernel.numpy()
    genres, countries = model.item_features.columns[0], model.user_features.columns[0]
    names = [GENRES.index(g) if g in GENRES else -1 for g in genres.values]
    columns = [1 + names.index(g) for g in range(3)]
    assert countries.values == ("land0", "land1", "land2")
    crosses = kernel[1:4, columns]  # [country, genre]: users of land k like genre k
    assert (crosses.argmax(axis=1) == np.arange(3)).all() and np.diag(crosses).min() > 0


def test_features_change_nothing_where_they_are_not_wanted(world):
    data, _ = world
    options = {**SMALL[NeuralCF], "epochs": 1}
    without = NeuralCF(features=False, **options).fit(data, verbose=0)
    assert without.item_features is None and without.user_features is None
    bare = Interactions(data.users, data.items, data.user, data.item, None, data.time)
    same = NeuralCF(**options).fit(bare, verbose=0)
    np.testing.assert_allclose(same.scores(np.arange(9)), without.scores(np.arange(9)), atol=1e-5)
    with pytest.raises(ValueError, match="training had none of items"):
        without.add_items([1000], pd.DataFrame({"genres": ["Drama"], "year": [2000]}))


def test_mistakes_with_new_ids_are_named(fitted):
    model = fitted(WideAndDeep, "softmax")
    line = pd.DataFrame({"genres": ["Drama"], "year": [2000]})
    for ids, message in (
        ([3], "3 is"),
        (["x"], "ids of this map are integers"),
        ([1000, 1001], "a line of features for each id"),
    ):
        with pytest.raises(ValueError, match=message):
            model.add_items(ids, line)
    with pytest.raises(ValueError, match="repeated"):
        model.add_items([1000, 1000], pd.concat([line, line]))
    with pytest.raises(ValueError, match="no column 'year'"):
        model.add_items([1000], line.drop(columns="year"))
    assert len(model.items) == 60 and len(model.item_features.table) == 60


def test_the_command_takes_features(world, tmp_path):
    from andiron.cli import main
    from click.testing import CliRunner

    data, _ = world
    table = pd.DataFrame({"user": data.users.ids[data.user], "item": data.items.ids[data.item]})
    table["genres"] = data.item_features["genres"].to_numpy()[data.item]
    table["year"] = data.item_features["year"].to_numpy()[data.item]
    table.to_csv(tmp_path / "t.csv", index=False)
    new = pd.DataFrame({"film": [1000, 1001], "genres": ["Drama", "Western"], "year": [2001, 2002]})
    new.to_csv(tmp_path / "new.csv", index=False)

    def run(*words):
        return CliRunner().invoke(main, ["recommend", *map(str, words)])

    small = [w for s in ("epochs=1", "embedding=4", "negatives=5") for w in ("--set", s)]
    done = run("train", tmp_path / "t.csv", "--item-feature", "genres", "--item-feature", "year",
               "--category", "year", "--out", tmp_path / "m", *small)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert [c.kind for c in load(tmp_path / "m").item_features.columns] == ["bag", "category"]
    done = run("predict", tmp_path / "m", "u1", "-k", 70, "--new-items", tmp_path / "new.csv",
               "--item", "film")  # fmt: skip
    assert done.exit_code == 0 and "1000" in done.output and "1001" in done.output
    done = run("predict", tmp_path / "m", "u1", "--new-items", tmp_path / "new.csv")
    assert done.exit_code == 1 and "no column 'item'" in done.output
    done = run("train", tmp_path / "t.csv", "--model", "popularity", "--out", tmp_path / "p")
    assert done.exit_code == 0, done.output
    done = run(
        "predict", tmp_path / "p", "u1", "--new-items", tmp_path / "new.csv", "--item", "film"
    )
    assert done.exit_code == 1 and "uses no features" in done.output
