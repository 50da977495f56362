"""A search over settings that soon stops what is not promising: successive halving."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from andiron.apps.recommend.data import Interactions
from andiron.apps.recommend.journal import Journal
from andiron.apps.recommend.lineup import timed, train
from andiron.apps.recommend.ranking import evaluate
from andiron.apps.recommend.ratings import rating_errors
from andiron.apps.recommend.split import PROTOCOLS

# The setting by which a training is longer or shorter; ItemKNN has none and is tried in full.
RESOURCES = {
    "MatrixFactorization": "epochs",
    "NeuralCF": "epochs",
    "WideAndDeep": "epochs",
    "ALS": "iterations",
}


@dataclasses.dataclass(frozen=True)
class Trial:
    """One training of the search: settings, how much it was given, what it reached."""

    settings: dict
    resource: int
    score: float
    seconds: float = 0.0


def schedule(n: int, maximum: int, factor: int = 3, minimum: int = 1) -> list[tuple[int, int]]:
    """How many candidates get how much in each round, so that the last round gets `maximum`.

    Each round keeps the best 1 / factor and gives them factor times as much. The same numbers as
    scikit-learn's HalvingGridSearchCV with min_resources="exhaust".

    Source: Jamieson & Talwalkar 2016.

    Example:
        >>> schedule(9, 18)
        [(9, 2), (3, 6), (1, 18)]
    """
    if n < 1 or factor < 2 or not 1 <= minimum <= maximum:
        raise ValueError(
            "[halving] at least one candidate, a factor of 2 or more, and 1 <= minimum <= maximum; "
            f"got {n}, {factor}, {minimum} and {maximum}"
        )
    wanted = 1 + _whole_log(n, factor)
    least = max(minimum, maximum // factor ** (wanted - 1))
    rounds = min(wanted, 1 + _whole_log(maximum // least, factor))
    out = []
    for round in range(rounds):
        out.append((n, min(least * factor**round, maximum)))
        n = math.ceil(n / factor)
    return out


def _whole_log(n: int, base: int) -> int:
    log = 0
    while n >= base:
        n, log = n // base, log + 1
    return log


def search(
    candidates: Sequence[dict],
    score: Callable[[dict, int], float],
    maximum: int,
    factor: int = 3,
    minimum: int = 1,
    echo: Callable = lambda line: None,
) -> list[Trial]:
    """Successive halving over settings.

    Args:
        candidates: settings to choose from.
        score: of settings that were given so much (epochs, iterations); higher is better. NaN is
            worse than anything.
        maximum, factor, minimum: see `schedule`.
        echo: is told what came out, line by line.

    Returns:
        All trials of the last round, the best first, then those of the rounds before.
    """
    if not candidates:
        raise ValueError("[halving] there is nothing to try")
    left, found = list(candidates), []
    for n, resource in schedule(len(candidates), maximum, factor, minimum):
        trials = []
        for settings in left[:n]:
            value, seconds = timed(lambda s=settings: score(s, resource))  # noqa: B023
            trials.append(Trial(settings, resource, float(value), seconds))
            echo(f"{resource:>4} {trials[-1].score:.4f}  {settings}")
        trials.sort(key=lambda t: -t.score if t.score == t.score else math.inf)
        left = [t.settings for t in trials]
        found = trials + found
    return found


def grid(values: dict[str, Sequence]) -> list[dict]:
    """All combinations of the values of settings.

    Example:
        >>> grid({"factors": [8, 16], "epochs": [5]})
        [{'factors': 8, 'epochs': 5}, {'factors': 16, 'epochs': 5}]
    """
    return [
        dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())
    ]


def tune(
    model: str,
    data: Interactions,
    values: dict[str, Sequence],
    maximum: int,
    factor: int = 3,
    protocol: str = "user-temporal",
    metric: str = "ndcg@10",
    seed: int = 0,
    journal: str | Path | None = None,
    session=None,
    echo: Callable = lambda line: None,
) -> list[Trial]:
    """Successive halving over the settings of a recommender, judged on the validation part.

    Args:
        model: one of lineup.MODELS. values: of its settings, by name.
        maximum: epochs (ALS: iterations) of the last round.
        protocol: of the split, whose test part is not touched.
        metric: of ranking.evaluate; or "rmse" of models of explicit ratings, with its sign
            changed: higher is better.
        journal: a file that keeps the trials, so that a second call goes on; None: none.
        session: of Spark, for ALS.

    Returns:
        See `search`.
    """
    resource = RESOURCES.get(model)
    if resource in values:
        raise ValueError(
            f"[halving] {resource} of {model} is what the search gives out; leave it out of "
            "the grid"
        )
    if model == "popularity":
        raise ValueError("[halving] popularity has no settings")
    split = PROTOCOLS[protocol](data, seed=seed)
    kept = None if journal is None else Journal(journal)

    def score(settings: dict, given: int) -> float:
        full = settings if resource is None else {**settings, resource: given}
        key = {"search": metric, "protocol": protocol, "model": model, "settings": full,
               "seed": seed, "interactions": len(data)}  # fmt: skip
        line = None if kept is None else kept.find(key)
        if line is None:
            trained = train(model, split.train, full, seed, session)
            if metric == "rmse":
                value = -rating_errors(trained, split.validation).rmse
            else:
                found = evaluate(trained.scores, split.train, split.validation)
                value = found.figure(metric).mean
            if kept is None:
                return value
            line = kept.add(key, score=value)
        return line["score"]

    if resource is None:
        factor = max(2, len(grid(values)) + 1)  # one round of all
        maximum = 1
    return search(grid(values), score, maximum, factor, echo=echo)
