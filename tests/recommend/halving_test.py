"""Successive halving: scikit-learn's schedule, and the best settings without trying all in full."""

import numpy as np
import pytest
from andiron.apps.recommend import halving
from andiron.apps.recommend.data import Interactions
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingGridSearchCV
from sklearn.tree import DecisionTreeClassifier


@pytest.mark.parametrize(
    ("n", "maximum", "factor"),
    [(9, 18, 3), (10, 40, 3), (16, 100, 2), (5, 7, 3), (3, 81, 3), (30, 20, 2)],
)
def test_the_schedule_is_scikit_learns(n, maximum, factor):
    search = HalvingGridSearchCV(
        DecisionTreeClassifier(), {"max_depth": list(range(1, n + 1))}, factor=factor,
        resource="min_samples_leaf", max_resources=maximum, cv=2,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    search.fit(rng.normal(size=(40, 2)), np.arange(40) % 2)
    expected = list(zip(search.n_candidates_, search.n_resources_, strict=True))
    assert halving.schedule(n, maximum, factor) == expected


def test_the_best_is_found_and_little_is_spent():
    spent = []

    def score(settings, epochs):
        spent.append(epochs)
        return settings["quality"] - 1 / epochs

    candidates = halving.grid({"quality": [3, 1, 9, 4, 8, 2, 7, 5, 6]})
    found = halving.search(candidates, score, 27)
    assert found[0].settings == {"quality": 9} and found[0].resource == 27
    assert sum(spent) == 9 * 3 + 3 * 9 + 27 < 9 * 27 / 2


def test_a_training_that_failed_is_not_the_best():
    def score(settings, epochs):
        return float("nan") if settings["rate"] == 2 else -settings["rate"]

    found = halving.search([{"rate": r} for r in (1, 2, 3)], score, 3)
    assert found[0].settings == {"rate": 1}


def test_a_second_call_goes_on(tmp_path):
    import pandas as pd

    rng = np.random.default_rng(0)
    table = pd.DataFrame({"user": np.repeat(np.arange(30), 12), "item": rng.integers(0, 40, 360),
                          "time": np.arange(360)})  # fmt: skip
    data = Interactions.from_pandas(table, time="time")
    values = {"factors": [2, 4], "learning_rate": [0.001, 0.01]}
    said = []
    arguments = {"maximum": 3, "factor": 2, "journal": tmp_path / "trials.jsonl"}
    first = halving.tune("MatrixFactorization", data, values, echo=said.append, **arguments)
    lines = (tmp_path / "trials.jsonl").read_text()
    again = halving.tune("MatrixFactorization", data, values, **arguments)
    assert (tmp_path / "trials.jsonl").read_text() == lines
    assert [t.settings for t in again] == [t.settings for t in first] and len(said) == len(first)
    knn = halving.tune("ItemKNN", data, {"neighbours": [2, 5, 20]}, maximum=9)
    assert len(knn) == 3  # each once, in full


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="epochs of NeuralCF is what the search gives out"):
        halving.tune("NeuralCF", None, {"epochs": [1, 2]}, 3)
    with pytest.raises(ValueError, match="popularity has no settings"):
        halving.tune("popularity", None, {}, 3)
    with pytest.raises(ValueError, match="nothing to try"):
        halving.search([], lambda s, n: 0.0, 3)
    with pytest.raises(ValueError, match="1 <= minimum <= maximum"):
        halving.schedule(3, 0)
