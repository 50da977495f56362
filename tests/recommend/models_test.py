"""NeuralCF and WideAndDeep on the engine: they learn, come back from disk, refuse bad input."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("andiron.models")

from andiron.apps.recommend.data import Interactions
from andiron.apps.recommend.models import NeuralCF, WideAndDeep, load
from andiron.apps.recommend.ranking import evaluate
from andiron.apps.recommend.split import leave_one_out

N_USERS, N_ITEMS = 40, 30
SMALL = {
    NeuralCF: {"gmf": 8, "mlp_user": 8, "mlp_item": 8, "hidden": (8,), "batch_size": 64},
    WideAndDeep: {
        "embedding": 8,
        "hidden": (8,),
        "batch_size": 64,
        "negatives": 10,
        "bins": 1 << 12,
    },
}
LOSSES = ("softmax", "binary_crossentropy")
KINDS = [(cls, loss) for cls in SMALL for loss in LOSSES]


@pytest.fixture(scope="module")
def data():
    """Users walk around a ring of items: what comes next is the next item."""
    rng = np.random.default_rng(0)
    rows = []
    for user in range(N_USERS):
        start, length = rng.integers(0, N_ITEMS), rng.integers(6, 15)
        rows += [(f"u{user}", (start + step) % N_ITEMS, step) for step in range(length)]
    table = pd.DataFrame(rows, columns=["user", "item", "time"])
    return Interactions.from_pandas(table, time="time")


@pytest.fixture(scope="module")
def fitted(data):
    made = {}

    def of(cls, loss):
        if (cls, loss) not in made:
            model = cls(loss=loss, epochs=2, **SMALL[cls])
            made[cls, loss] = model.fit(data, verbose=0)
        return made[cls, loss]

    return of


@pytest.mark.parametrize(("cls", "loss"), KINDS)
def test_the_loss_falls(fitted, cls, loss):
    first, last = fitted(cls, loss).curves["loss"]
    assert np.isfinite(last) and last < first


@pytest.mark.parametrize(("cls", "loss"), KINDS)
def test_saved_models_come_back_the_same(fitted, tmp_path, cls, loss):
    model = fitted(cls, loss)
    model.save(tmp_path / "deep" / "folder")
    again = load(tmp_path / "deep" / "folder")
    assert type(again) is cls and again.settings == model.settings
    users = np.arange(N_USERS)
    assert np.array_equal(again.scores(users), model.scores(users))
    assert again.recommend("u3", 5) == model.recommend("u3", 5)


@pytest.mark.parametrize(("cls", "loss"), KINDS)
def test_unseen_ids_and_seen_items(fitted, data, cls, loss):
    model = fitted(cls, loss)
    met = set(data.item[data.user == data.users.rows(["u3"])[0]].tolist())
    assert not met & {item for item, _ in model.recommend("u3", N_ITEMS)}
    assert len(model.recommend("u3", N_ITEMS, exclude_seen=False)) == N_ITEMS
    popular = np.argsort(-data.popularity(), kind="stable")[:3]
    stranger = [item for item, _ in model.recommend("nobody", 3)]
    assert data.popularity()[stranger].tolist() == data.popularity()[popular].tolist()
    chances = model.predict(["u3", "u3", "nobody"], [1, 999, 1])
    assert chances[1] == 0 and (chances >= 0).all() and (chances <= 1).all()
    assert model.scores_of(["u3"], [999])[0] == -np.inf
    items, scores = model.recommend_all(k=4)
    assert items.shape == scores.shape == (N_USERS, 4)
    assert all(found.shape == (0, 4) for found in model.recommend_all(k=4, users=[]))


@pytest.mark.parametrize(("cls", "loss"), KINDS)
def test_pairs_are_predicted_as_among_all_items(fitted, cls, loss):
    model = fitted(cls, loss)
    users, items = np.repeat(["u3", "u7", "nobody"], N_ITEMS), np.tile(model.items.ids, 3)
    every = model.probabilities(model.scores(model.users.rows(["u3", "u7", "nobody"])))
    np.testing.assert_allclose(model.predict(users, items), every.ravel(), rtol=1e-5)


def test_wide_and_deep_learns_what_follows_what(data):
    split = leave_one_out(data)
    model = WideAndDeep(epochs=8, **SMALL[WideAndDeep]).fit(split.refit, verbose=0)
    assert evaluate(model.scores, split.refit, split.test).figure("ndcg@10").mean > 0.7


def test_epochs_are_reported(data):
    seen = []
    NeuralCF(epochs=2, **SMALL[NeuralCF]).fit(data, lambda n, m: seen.append(n), verbose=0)
    assert seen == [1, 2]


def test_the_same_seed_gives_the_same_model(data, fitted):
    again = WideAndDeep(loss="softmax", epochs=2, **SMALL[WideAndDeep]).fit(data, verbose=0)
    users = np.arange(N_USERS)
    expected = fitted(WideAndDeep, "softmax").scores(users)
    np.testing.assert_allclose(again.scores(users), expected, atol=1e-4)


def test_mistakes_are_named(data, fitted, tmp_path):
    with pytest.raises(ValueError, match="no setting 'epoch'"):
        NeuralCF(epoch=3)
    for setting, words in (
        ({"epochs": "3"}, "the setting epochs is a whole number; got '3'"),
        ({"epochs": True}, "the setting epochs is a whole number; got True"),
        ({"dropout": "a"}, "the setting dropout is a number; got 'a'"),
        ({"features": 1}, "the setting features is true or false; got 1"),
        ({"hidden": 64}, "the setting hidden is a list of whole numbers; got 64"),
    ):
        with pytest.raises(ValueError, match=words):
            NeuralCF(**setting)
    with pytest.raises(ValueError, match="loss is 'softmax'"):
        WideAndDeep(loss="hinge").fit(data, verbose=0)
    with pytest.raises(ValueError, match="needs interactions"):
        NeuralCF().fit(data.take(np.zeros(len(data), bool)), verbose=0)
    with pytest.raises(ValueError, match="before use"):
        NeuralCF().recommend("u1")
    model = fitted(NeuralCF, "softmax")
    with pytest.raises(ValueError, match="k is a whole number"):
        model.recommend("u1", 0)
    with pytest.raises(ValueError, match="as many users as items"):
        model.predict(["u1"], [1, 2])
    for several in (["u1"], ("u1", "u2"), np.array(["u1"])):
        with pytest.raises(ValueError, match=r"one user's id, recommend_all\(users=\) several"):
            model.recommend(several)
    with pytest.raises(ValueError, match="an id is a text or a number; got"):
        model.recommend_all(users=[["u1"]])
    with pytest.raises(ValueError, match="an id is a text or a number; got"):
        model.similar_items([3])
    assert model.recommend(np.str_("u1")) == model.recommend("u1")
    for call in (model.predict, model.scores_of):
        with pytest.raises(ValueError, match="several ids are needed, in a list; got 'u1'"):
            call("u1", 17)
        with pytest.raises(ValueError, match="several ids are needed, in a list; got 17"):
            call(["u1"], 17)
    with pytest.raises(OSError):
        load(tmp_path / "nothing")


@pytest.mark.parametrize("name", ["weights.safetensors", "histories.safetensors", "users.json"])
def test_damaged_files_are_refused(fitted, tmp_path, name):
    fitted(NeuralCF, "softmax").save(tmp_path)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match="NeuralCF"):
        load(tmp_path)


def test_the_loss_of_one_user_with_one_item_is_refused():
    lonely = Interactions.from_pandas(pd.DataFrame({"user": [1], "item": [2]}))
    with pytest.raises(ValueError, match="two interactions"):
        WideAndDeep(**SMALL[WideAndDeep]).fit(lonely, verbose=0)
