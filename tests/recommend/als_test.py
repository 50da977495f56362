"""MLlib's ALS against the normal equations of its objective, in NumPy."""

import shutil

import numpy as np
import pandas as pd
import pytest
from andiron.apps.recommend.als import ALS, spark_session
from andiron.apps.recommend.data import Interactions


@pytest.mark.slow
@pytest.mark.parametrize("use_rating", [True, False])
def test_user_factors_solve_the_objective_of_the_docstring(use_rating):
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("no Java")
    rng = np.random.default_rng(0)
    pairs = rng.choice(30 * 40, 300, replace=False)
    table = pd.DataFrame(
        {"user": pairs // 40, "item": pairs % 40, "stars": rng.integers(1, 6, 300).astype(float)}
    )
    data = Interactions.from_pandas(table, rating="stars")
    with spark_session(threads=1, memory="1g") as session:
        model = ALS(4, iterations=3, reg=0.05, alpha=0.8, use_rating=use_rating).fit(data, session)
    y = model.item_factors.astype(float)  # the last half sweep made users from items
    for user in range(data.n_users):
        met = data.user == user
        mine = y[data.item[met]]
        weight = 0.8 * (data.rating[met] if use_rating else np.ones(met.sum()))
        left = y.T @ y + (mine * weight[:, None]).T @ mine + 0.05 * met.sum() * np.eye(4)
        expected = np.linalg.solve(left, mine.T @ (1 + weight))
        np.testing.assert_allclose(model.user_factors[user], expected, atol=1e-5)
    assert model.scores(np.arange(30)).shape == (30, 40)
