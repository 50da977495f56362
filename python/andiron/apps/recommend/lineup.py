"""The models that are compared: their settings, how one is trained, how one is judged."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import numpy as np

from andiron import _core
from andiron.apps.recommend import metrics
from andiron.apps.recommend.baselines import Popularity
from andiron.apps.recommend.data import Interactions
from andiron.apps.recommend.ranking import Ranking, Scorer, evaluate, pooled, study_metrics
from andiron.apps.recommend.split import Split

MODELS = ("popularity", "ItemKNN", "MatrixFactorization", "ALS", "NeuralCF", "WideAndDeep")

# The best of twelve trials each on the validation part of user-temporal (docs/recommend.md); the
# others are the defaults.
TUNED: dict[str, dict] = {
    "popularity": {},
    "ItemKNN": {"neighbours": 50, "shrink": 10.0, "history_decay": 0.8},
    "MatrixFactorization": {"learning_rate": 5e-3, "epochs": 40, "features": False},
    "ALS": {"rank": 32, "iterations": 10, "reg": 0.05, "alpha": 0.5},
    "NeuralCF": {
        "learning_rate": 5e-3,
        "epochs": 16,
        "history_decay": 0.8,
        "features": False,
        "observe_epochs": 6,
    },
    "WideAndDeep": {"learning_rate": 5e-3, "epochs": 3, "negatives": 100},
}

# Mastercard's study with BigDL on its own, far larger data. The decays are per step.
PUBLISHED: dict[str, dict] = {
    "popularity": {},
    "ALS": {"rank": 200, "iterations": 100, "reg": 0.01, "alpha": 0.01},
    "NeuralCF": {
        "loss": "binary_crossentropy",
        "epochs": 10,
        "learning_rate": 3e-2,
        "decay": 3e-7,
        "batch_size": 1_600_000,
        "dropout": 0.0,
        "features": False,
    },
    "WideAndDeep": {
        "loss": "binary_crossentropy",
        "numbers": False,
        "n_crosses": 2,
        "epochs": 10,
        "negatives": 4,
        "learning_rate": 1e-2,
        "decay": 1e-7,
        "batch_size": 600_000,
        "weight_decay": 0.0,
        "per_user": 100_000,
        "dropout": 0.0,
        "features": False,
    },
}

# Differences to ALS that the study published, in percent.
PUBLISHED_GAINS = {
    "NeuralCF": {"auroc": 23, "auprc": 31, "recall": 18, "precision": 47, "precision@20": 51},
    "WideAndDeep": {"auroc": 20, "auprc": 30, "recall": 12, "precision": 49, "precision@20": 54},
}


def train(
    name: str,
    data: Interactions,
    settings: dict | None = None,
    seed: int = 0,
    session=None,
    on_epoch: Callable | None = None,
    verbose: int = 0,
):
    """Trains one of MODELS on `data`; ALS on `session`, or on a Spark session of its own.

    Raises:
        ValueError: there is no such model or setting.
    """
    settings = dict(settings or {})
    if name == "popularity":
        return Popularity(**settings).fit(data)
    if name == "ALS":
        from andiron.apps.recommend.als import ALS

        return ALS(seed=seed, **settings).fit(data, session)
    if name == "ItemKNN":
        from andiron.apps.recommend.neighbours import ItemKNN

        return ItemKNN(seed=seed, **settings).fit(data)
    if name in MODELS:
        from andiron.apps.recommend import models

        model = getattr(models, name)(seed=seed, **settings)
        return model.fit(data, on_epoch, verbose=verbose)
    raise ValueError(f"[recommend] there is no model {name!r}; models are {list(MODELS)}")


@dataclasses.dataclass
class Judged:
    """What came out for one model on one split.

    Attributes:
        figures: name -> value. errors: name -> standard error over users, where there is one.
        ndcg: each user's NDCG@10, for paired differences.
        labels, scores: pooled test pairs. chances: the scores as probabilities.
        curves: by epoch, where there are epochs. seconds: of training.
    """

    name: str
    figures: dict[str, float]
    errors: dict[str, float]
    ndcg: np.ndarray
    seconds: float = 0.0
    labels: np.ndarray | None = None
    scores: np.ndarray | None = None
    chances: np.ndarray | None = None
    curves: dict[str, list[float]] = dataclasses.field(default_factory=dict)


def brought_up_to_date(name: str, model, split: Split, settings=None, seed=0, session=None):
    """`model`, trained on `split.train`, with the validation part taken in before it is tested.

    A neural model observes it, and goes on training if its settings say so (`observe_epochs`); ALS
    and popularity know interactions through training only, so they are trained again on both.
    """
    if hasattr(model, "observe"):
        return model.observe(split.refit)
    return train(name, split.refit, settings, seed, session)


def judge(
    name: str,
    scorer: Scorer,
    split: Split,
    keep: bool = False,
    final: Callable[[], Scorer] | None = None,
) -> Judged:
    """The study's metrics, and hit rate and NDCG at 10 over all items, on `split.test`.

    The threshold of recall and precision is the best for F1 on `split.validation`; hence `scorer`
    comes from a model that was trained on `split.train` only. What is tested is `final()`, called
    once the threshold stands: the model with the validation part taken in; default `scorer`.

    Args:
        keep: keeps the pooled pairs, for plots.
    """
    labels, scores = pooled(scorer, split.train, split.validation)
    threshold = metrics.best_f1_threshold(labels, scores)
    if final is not None:
        scorer = final()
    tested = pooled(scorer, split.refit, split.test)
    ranking = evaluate(scorer, split.refit, split.test, (10, 20))
    judged = _ranked(name, ranking)
    judged.figures = {
        **study_metrics(*tested, threshold),
        "precision@20": ranking.figure("precision@20").mean,
        **judged.figures,
    }
    if keep:
        judged.labels, judged.scores = tested
        growth = len(split.test) / len(split.validation)  # the test part is longer
        judged.chances = chances(labels[::-1], scores[::-1], judged.scores) * growth
    return judged


def judge_ranking(name: str, scorer: Scorer, split: Split) -> Judged:
    """Hit rate and NDCG at 10 over all items on `split.test`; for models trained on `refit`."""
    return _ranked(name, evaluate(scorer, split.refit, split.test))


def _ranked(name: str, ranking: Ranking) -> Judged:
    wanted = ("hit_rate@10", "ndcg@10")
    found = {key: ranking.figure(key) for key in wanted}
    return Judged(
        name,
        {key: f.mean for key, f in found.items()},
        {key: f.error for key, f in found.items()},
        ranking.values["ndcg@10"],
    )


def chances(labels: np.ndarray, scores: np.ndarray, of: np.ndarray, bins: int = 200) -> np.ndarray:
    """Scores `of` as probabilities: the share of positives among the validation pairs whose score
    is about the same (quantile bins, made monotone), alike for every model."""
    order = np.argsort(scores, kind="stable")
    # Finer bins at the top: that is where the positives are.
    edges = np.unique((len(order) * (1 - np.geomspace(1, 1e-5, bins))).astype(int))
    edges = np.append(edges[edges < len(order)], len(order))
    sizes = np.diff(edges)
    shares = np.add.reduceat(labels[order].astype(float), edges[:-1]) / sizes
    shares = _core.non_decreasing(shares, sizes).numpy()
    lower = scores[order][edges[:-1]]
    return shares[np.clip(np.searchsorted(lower, of, side="right") - 1, 0, len(shares) - 1)]


def timed(action: Callable):
    """The result of action(), and the seconds that it took."""
    start = time.perf_counter()
    result = action()
    return result, time.perf_counter() - start


def table(judged: list[Judged], reference: str = "ALS") -> str:
    """One text table: values, and below them the differences relative to `reference`."""
    names = list(judged[0].figures)
    width = 13
    lines = ["".join(["model".ljust(14), *(n.rjust(width) for n in names), "seconds".rjust(9)])]
    base = next((j for j in judged if j.name == reference), None)
    for j in judged:
        cells = [f"{j.figures[n]:.4f}".rjust(width) for n in names]
        lines.append("".join([j.name.ljust(14), *cells, f"{j.seconds:.1f}".rjust(9)]))
        if base is not None and j is not base:
            cells = [_percent(j.figures[n], base.figures[n]).rjust(width) for n in names]
            lines.append("".join([f"  to {reference}".ljust(14), *cells]))
    return "\n".join(lines)


def _percent(value: float, base: float) -> str:
    return f"{100 * (value / base - 1):+.0f} %" if base else "-"


WHY_NDCG = (
    "The verdict goes by NDCG@10, the quality of each user's list, which is what is recommended: "
    "AUPRC, and recall and precision at a threshold, pool the scores of all users, and those of "
    "the neural models, trained by a softmax for each user, rank a user's items and do not compare "
    "between users, as those of ALS do; for chances that do there is Propensity."
)


def verdicts(judged: list[Judged]) -> list[str]:
    """One sentence a model: whether it is worth having, by paired differences of NDCG@10."""
    by_name = {j.name: j for j in judged}
    naive, out = by_name["popularity"], []
    for j in judged:
        if j is naive:
            continue
        words = [_against(j, naive)]
        if "ALS" in by_name and j.name != "ALS":
            words.append(_against(j, by_name["ALS"]))
        worth = all(gain > 0 for gain, _ in words)
        out.append(
            f"{j.name}: NDCG@10 over all items is {' and '.join(text for _, text in words)}"
            + ("." if worth else "; by this it is not worth having.")
        )
    return out


def _against(j: Judged, other: Judged) -> tuple[int, str]:
    gap = j.ndcg - other.ndcg
    error = gap.std(ddof=1) / np.sqrt(len(gap)) if len(gap) > 1 else float("inf")
    mean = gap.mean()
    text = f"{mean:+.4f} ± {error:.4f} against {other.name}"
    if abs(mean) <= 2 * error:
        return 0, text + " (within two standard errors: no difference shown)"
    return (1 if mean > 0 else -1), text
