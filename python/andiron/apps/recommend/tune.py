"""The same number of trials for every model over a printed grid, judged on validation data."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from andiron.apps.recommend.data import Interactions
from andiron.apps.recommend.journal import Journal
from andiron.apps.recommend.lineup import timed, train
from andiron.apps.recommend.ranking import evaluate
from andiron.apps.recommend.split import PROTOCOLS, Split

# Model -> setting -> values; every grid has N_TRIALS points.
GRIDS: dict[str, dict[str, list]] = {
    "ItemKNN": {
        "neighbours": [50, 200],
        "shrink": [0.0, 10.0],
        "history_decay": [0.8, 0.95, 1.0],
    },
    "MatrixFactorization": {
        "learning_rate": [2e-3, 5e-3],
        "epochs": [10, 20, 40],
        "weight_decay": [0.1, 1.0],
        "features": [False],
    },
    "ALS": {"rank": [32, 64], "reg": [0.05, 0.1, 0.2], "alpha": [0.5, 1.0]},
    "NeuralCF": {
        "learning_rate": [3e-3, 5e-3],
        "epochs": [8, 12, 16],
        "history_decay": [0.8, 0.95],
        "features": [False],
    },
    "WideAndDeep": {
        "learning_rate": [3e-3, 5e-3],
        "epochs": [2, 3, 4],
        "negatives": [50, 100],
        "features": [False],
    },
}
N_TRIALS = 12


def trials(model: str) -> list[dict]:
    """The settings to try for a model, in order; none for the popularity baseline."""
    grid = GRIDS.get(model, {})
    if not grid:
        return []
    names = list(grid)
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*grid.values())]


def describe() -> str:
    """The grids as text."""
    return "\n".join(f"{m}: {len(trials(m))} trials over {grid}" for m, grid in GRIDS.items())


def run(
    path: str | Path,
    models: Sequence[str] = tuple(GRIDS),
    protocol: str = "user-temporal",
    split: Split | None = None,
    seed: int = 0,
    minutes: float | None = None,
    echo: Callable = print,
    grids: dict[str, dict[str, list]] | None = None,
) -> dict[str, dict]:
    """Tries every setting; trials that stand in the journal at `path` are not repeated.

    Args:
        protocol: how the data are split (split.PROTOCOLS); a part of each trial's name.
        split: default MovieLens by `protocol`. Its test part is not touched.
        minutes: starts no trial after so long.
        grids: other grids, for tests.

    Returns:
        The best setting by NDCG@10 on validation data, by model.
    """
    journal, start = Journal(path), time.monotonic()
    if split is None:
        split = PROTOCOLS[protocol](_movielens(), seed=seed)
    echo(f"{protocol}: {describe()}")
    best: dict[str, dict] = {}
    points = {
        m: trials(m) if grids is None else [dict(s) for s in grids.get(m, [])] for m in models
    }
    with contextlib.ExitStack() as stack:
        session = None
        for model, settings in ((m, s) for m in models for s in points[m]):
            key = {"protocol": protocol, "model": model, "settings": settings, "seed": seed}
            line = journal.find(key)
            if line is None:
                if minutes is not None and time.monotonic() - start > 60 * minutes:
                    continue
                if model == "ALS" and session is None:
                    from andiron.apps.recommend.als import spark_session

                    session = stack.enter_context(spark_session())
                line = journal.add(key, **_trial(model, settings, split, seed, session))
                echo(f"{model} {settings}: {line['ndcg']:.4f} ± {line['error']:.4f}")
            if model not in best or line["ndcg"] > best[model][0]:
                best[model] = (line["ndcg"], settings)
    for model, (value, settings) in best.items():
        echo(f"best for {model}: {settings} ({value:.4f})")
    return {model: settings for model, (_, settings) in best.items()}


def _trial(model: str, settings: dict, split: Split, seed: int, session) -> dict:
    trained, seconds = timed(lambda: train(model, split.train, settings, seed, session))
    figure = evaluate(trained.scores, split.train, split.validation).figure("ndcg@10")
    return {"ndcg": figure.mean, "error": figure.error, "seconds": seconds}


def _movielens() -> Interactions:
    from andiron.apps.recommend.data import movielens

    return movielens()[0]
