"""docs/spark.md: its examples run as they are written, and its tables have all Params."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("pyspark")
TEXT = Path(__file__).parents[2].joinpath("docs/spark.md").read_text(encoding="utf-8")


def test_the_tables_have_all_params():
    from andiron.spark import Estimator, Model, Propensity, Recommender
    from andiron.spark._params import snake

    named = {name for line in TEXT.splitlines() if line.startswith("| `")
             for name in re.findall(r"`([a-z_]+)`", line.split("|")[1])}  # fmt: skip
    for stage in (Estimator, Model, Propensity, Recommender):
        missing = {snake(name) for name in stage._tables} - named
        assert not missing, stage
    # And no others.
    known = {snake(name) for s in (Estimator, Model, Propensity, Recommender)
             for name in s._tables}  # fmt: skip
    assert named <= known


@pytest.mark.slow
def test_examples_run_as_written(programs, tmp_path):
    rng = np.random.default_rng(0)
    n = 600
    rooms, area = rng.integers(1, 7, n), rng.uniform(30.0, 200.0, n)
    houses = pd.DataFrame({"rooms": rooms, "area": area / 100, "city": rng.choice(["a", "b"], n)})
    houses = houses.assign(price=rooms + area / 100, held_out=rng.random(n) < 0.2)
    houses.to_parquet(tmp_path / "houses.parquet")
    new = houses.drop(columns=["price", "held_out"]).head(20).assign(id=range(20))
    new.to_parquet(tmp_path / "new_houses.parquet")
    pairs = rng.permutation(40 * 60)[:n]  # each once
    users, films = np.char.add("u", (pairs // 60).astype(str)), pairs % 60
    users[users == "u0"] = "ann"
    ratings = pd.DataFrame(
        {"userId": users, "movieId": films, "year": 1990 + films, "timestamp": range(n),
         "genres": np.where(films % 2, "drama", "comedy"), "held_out": rng.random(n) < 0.1}
    )  # fmt: skip
    ratings.to_parquet(tmp_path / "ratings.parquet")
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.uniform(0, 140, 8 * n), unit="D")
    customer = np.where(rng.random(8 * n) < 0.1, "ann", rng.choice(users, 8 * n))
    payments = pd.DataFrame({"customer": customer, "when": when.astype("datetime64[us]")})
    payments = payments.assign(merchant=[f"m{len(c) + k}" for c, k in zip(
        customer, rng.integers(0, 6, 8 * n), strict=True)])  # fmt: skip
    payments.to_parquet(tmp_path / "payments.parquet")
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(blocks) == 4
    script = tmp_path / "examples.py"
    script.write_text("\n".join(blocks).replace("hdfs:///models", f"{tmp_path}/models"))
    program = programs.start("examples", ["env", "-C", tmp_path, sys.executable, script])
    program.succeeds()
    assert (tmp_path / "models/price/model.safetensors").exists()
    assert (tmp_path / "models/films").is_dir()
