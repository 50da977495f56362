"""What `make demo` runs: real ratings, four models on one split, a table, a report, titles.

ALS and the neural models train in one Spark session, these on two workers.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from andiron.apps.recommend import report
from andiron.apps.recommend.als import spark_session
from andiron.apps.recommend.data import Interactions, movielens
from andiron.apps.recommend.lineup import (
    TUNED,
    WHY_NDCG,
    Judged,
    brought_up_to_date,
    judge,
    table,
    timed,
    train,
)
from andiron.apps.recommend.lineup import verdicts as verdicts_of
from andiron.apps.recommend.split import Split, user_temporal_holdout

WORKERS = 2
MODELS = ("popularity", "ALS", "NeuralCF", "WideAndDeep")


def run(
    out: str | Path = "build/demo",
    seed: int = 0,
    models: tuple[str, ...] = MODELS,
    data: Interactions | None = None,
    titles: dict | None = None,
    settings: dict[str, dict] | None = None,
    echo=print,
    on_spark: bool = True,
    session=None,
) -> list[Judged]:
    """Trains and compares the models; writes report.html and the models into `out`.

    Args:
        out: folder, made where it is missing.
        models: some of lineup.MODELS, with "popularity".
        data, titles: other interactions than MovieLens, and names of their items.
        settings: by model, instead of lineup.TUNED.
        on_spark: False trains the neural models in this process.
        session: of Spark; by default a local one that ends with the training.

    Returns:
        What came out, one a model.

    Raises:
        ImportError, OSError: Spark, Java or the ratings are not installed.
    """
    start = time.perf_counter()
    out = Path(out)
    settings = {**TUNED, **(settings or {})}
    if data is None:
        data, titles = movielens()
    titles = titles or {}
    split = user_temporal_holdout(data, seed=seed)
    about = (
        f"{len(data):,} ratings of {data.n_items:,} items by {data.n_users:,} users; each user's "
        f"latest fifth is the test, the tenth before it is for validation, one seed ({seed})."
    )
    echo(about)
    judged, trained = [], {}
    with contextlib.ExitStack() as open_until_done:
        if session is None and ("ALS" in models or on_spark):
            session = open_until_done.enter_context(spark_session(threads=WORKERS, memory="2g"))
        for name in models:
            judged.append(_one(name, split, settings[name], seed, trained, session, on_spark))
    echo()
    echo(table(judged))
    for sentence in verdicts_of(judged):
        echo(sentence)
    echo(WHY_NDCG)
    examples = _recommendations(trained, out, data, titles)
    for heading, best in examples:
        echo(f"\n{heading}")
        for place, title in enumerate(best, 1):
            echo(f"{place:4}. {title}")
    path = report.write(out / "report.html", judged, about, examples)
    echo(f"\nReport: {path.resolve()}   ({time.perf_counter() - start:.0f} s of work)")
    return judged


def _one(name: str, split: Split, settings: dict, seed: int, trained: dict, session,
         on_spark: bool) -> Judged:  # fmt: skip
    later = None
    if name == "ALS":
        with tqdm(total=2, desc=f"{name:<12}", unit="step") as bar:
            bar.set_postfix_str("training")
            model, seconds = timed(lambda: train(name, split.train, settings, seed, session))
            bar.update()
            bar.set_postfix_str("training with the validation part")
            later = brought_up_to_date(name, model, split, settings, seed, session)
            bar.update()
    elif name == "popularity" or not on_spark:
        model, seconds = timed(lambda: train(name, split.train, settings, seed))
    else:
        model, seconds = timed(lambda: _trained_on_spark(name, split, settings, seed, session))

    def final():
        return (later or brought_up_to_date(name, model, split, settings, seed)).scores

    trained[name] = model
    judged = judge(name, model.scores, split, keep=True, final=final)
    judged.seconds = seconds
    curves = getattr(model, "curves", {})
    judged.curves = {"loss": curves.get("loss", []), "ndcg@10": curves.get("val_ndcg@10", [])}
    return judged


def _trained_on_spark(name: str, split: Split, settings: dict, seed: int, session):
    """A neural model trained by workers on Spark, with the split's own rows for users and items;
    the validation part judges its epochs."""
    from andiron.spark import Recommender

    def lines(data: Interactions, held_out: bool) -> pd.DataFrame:
        users, items = data.users.ids[data.user], data.items.ids[data.item]
        times = np.zeros(len(data), np.int64) if data.time is None else data.time
        table = pd.DataFrame({"user": users, "item": items, "time": times, "held_out": held_out})
        for features, rows in ((data.user_features, data.user), (data.item_features, data.item)):
            for column in () if features is None else features:
                table[column] = features[column].to_numpy()[rows]
        return table

    data = split.train
    features = {}
    for side, ids, about in (
        ("user", data.users.ids, data.user_features),
        ("item", data.items.ids, data.item_features),
    ):
        catalog = pd.DataFrame({side: ids})
        if about is not None:
            features[f"{side}_features"] = list(about)
            catalog[list(about)] = about
        features[f"{side}_catalog"] = session.createDataFrame(catalog)
    table = pd.concat([lines(split.train, False), lines(split.validation, True)])
    recommender = Recommender(
        kind=name, time_col="time", validation_indicator_col="held_out", num_workers=WORKERS,
        seed=seed, verbose=1, **settings, **features,
    )  # fmt: skip
    return recommender.fit(session.createDataFrame(table)).native


def _recommendations(
    trained: dict, out: Path, data: Interactions, titles: dict
) -> list[tuple[str, list[str]]]:
    """Saves the models, loads the last neural one back, and lists titles for three users."""
    for name, model in trained.items():
        model.save(out / name)
    neural = [name for name in trained if name in ("NeuralCF", "WideAndDeep")]
    if not neural:
        return []
    from andiron.apps.recommend.models import load

    model = load(out / neural[-1])
    examples = []
    for user in data.users.ids[[0, len(data.users) // 2, -1]].tolist():
        best = [titles.get(item, str(item)) for item, _ in model.recommend(user, k=10)]
        examples.append((f"User {user}, by the saved and reloaded {model.name}", best))
    return examples
