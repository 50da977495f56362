"""What `make demo` runs: real ratings, four models on one split, a table, a report, titles."""

from __future__ import annotations

import os
import time
from pathlib import Path

from andiron.apps.recommend import report
from andiron.apps.recommend.data import Interactions, movielens
from andiron.apps.recommend.lineup import (
    MODELS,
    TUNED,
    Judged,
    brought_up_to_date,
    judge,
    table,
    timed,
    train,
)
from andiron.apps.recommend.lineup import verdicts as verdicts_of
from andiron.apps.recommend.ranking import evaluate
from andiron.apps.recommend.split import Split, user_temporal_holdout


def run(
    out: str | Path = "build/demo",
    seed: int = 0,
    models: tuple[str, ...] = MODELS,
    data: Interactions | None = None,
    titles: dict | None = None,
    settings: dict[str, dict] | None = None,
    echo=print,
) -> list[Judged]:
    """Trains and compares the models; writes report.html and the models into `out`.

    Args:
        out: folder, made where it is missing.
        models: some of lineup.MODELS, with "popularity".
        data, titles: other interactions than MovieLens, and names of their items.
        settings: by model, instead of lineup.TUNED.

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
    for name in models:
        judged.append(_one(name, split, settings[name], seed, trained))
    echo()
    echo(table(judged))
    for sentence in verdicts_of(judged):
        echo(sentence)
    examples = _recommendations(trained, out, data, titles)
    for heading, best in examples:
        echo(f"\n{heading}")
        for place, title in enumerate(best, 1):
            echo(f"{place:4}. {title}")
    path = report.write(out / "report.html", judged, about, examples)
    echo(f"\nReport: {path.resolve()}   ({time.perf_counter() - start:.0f} s of work)")
    return judged


def _one(name: str, split: Split, settings: dict, seed: int, trained: dict) -> Judged:
    curve: list[float] = []

    def on_epoch(_, model):
        ranking = evaluate(model.scores, split.train, split.validation)
        curve.append(ranking.figure("ndcg@10").mean)

    if name == "ALS":
        from tqdm import tqdm

        from andiron.apps.recommend.als import spark_session

        with tqdm(total=3, desc=f"{name:<12}", unit="step") as bar:
            bar.set_postfix_str("Spark starts")
            with spark_session(threads=os.cpu_count() or 1, memory="2g") as session:
                bar.update()
                bar.set_postfix_str("training")
                model, seconds = timed(lambda: train(name, split.train, settings, seed, session))
                bar.update()
                bar.set_postfix_str("training with the validation part")
                later = brought_up_to_date(name, model, split, settings, seed, session)
                bar.update()
    else:
        model, seconds = timed(
            lambda: train(name, split.train, settings, seed, on_epoch=on_epoch, verbose=1)
        )
        later = None

    def final():
        return (later or brought_up_to_date(name, model, split, settings, seed)).scores

    trained[name] = model
    judged = judge(name, model.scores, split, keep=True, final=final)
    judged.seconds = seconds
    judged.curves = {**getattr(model, "curves", {}), "ndcg@10": curve}
    return judged


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
