"""The whole protocol: several seeds, tuned and published settings, resumable."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from andiron.apps.recommend.data import Interactions
from andiron.apps.recommend.journal import Journal
from andiron.apps.recommend.lineup import (
    MODELS,
    PUBLISHED,
    PUBLISHED_GAINS,
    TUNED,
    brought_up_to_date,
    judge,
    judge_ranking,
    timed,
    train,
)
from andiron.apps.recommend.split import PROTOCOLS

NAMES = ("auroc", "auprc", "recall", "precision", "precision@20", "hit_rate@10", "ndcg@10")


def run(
    path: str | Path,
    seeds: Iterable[int] = range(3),
    settings: Sequence[str] = ("tuned", "published"),
    protocols: Sequence[str] = ("user-temporal", "leave-one-out"),
    models: Sequence[str] = MODELS,
    data: Interactions | None = None,
    tuned: dict[str, dict[str, dict]] | None = None,
    minutes: float | None = None,
    echo: Callable = print,
) -> None:
    """Trains and judges every (setting, protocol, seed, model) that is not in `path` yet.

    A seed decides the order of ties, hence the split, and the models' starting weights.
    Leave-one-out trains on train and validation; the others train on train, take the threshold
    for recall and precision from validation, and see validation before the test
    (lineup.brought_up_to_date).

    Args:
        data: default MovieLens. tuned: by protocol and model, instead of lineup.TUNED.
        minutes: starts nothing new after so long.
    """
    kinds = {"tuned": TUNED, "published": PUBLISHED}
    for given, known in ((settings, kinds), (protocols, PROTOCOLS), (models, MODELS)):
        wrong = [name for name in given if name not in known]
        if wrong:
            raise ValueError(f"[study] there is no {wrong[0]!r}; there are {list(known)}")
    journal, start = Journal(path), time.monotonic()
    if data is None:
        from andiron.apps.recommend.data import movielens

        data, _ = movielens()
    with contextlib.ExitStack() as stack:
        session = None
        for kind in settings:
            for seed in seeds:
                for protocol in protocols:
                    split = PROTOCOLS[protocol](data, seed=seed)
                    chosen = dict(kinds[kind])
                    if kind == "tuned":
                        chosen.update((tuned or {}).get(protocol, {}))
                    for model in models:
                        if model not in chosen:
                            continue  # the study had no such model
                        if model == "popularity" and kind != settings[0]:
                            continue  # it has no settings
                        key = {"setting": kind, "seed": seed, "protocol": protocol, "model": model}
                        late = minutes is not None and time.monotonic() - start > 60 * minutes
                        if journal.find(key) is not None or late:
                            continue
                        if model == "ALS" and session is None:
                            from andiron.apps.recommend.als import spark_session

                            session = stack.enter_context(spark_session())
                        echo(f"{kind}, seed {seed}, {protocol}: {model} ...")
                        line = _one(split, protocol, model, chosen[model], seed, session)
                        journal.add(key, settings=chosen[model], **line)


def _one(split, protocol: str, model: str, settings: dict, seed: int, session) -> dict:
    alone = protocol == "leave-one-out"
    part = split.refit if alone else split.train
    trained, seconds = timed(lambda: train(model, part, settings, seed, session))
    if alone:
        judged = judge_ranking(model, trained.scores, split)
    else:
        judged = judge(
            model,
            trained.scores,
            split,
            final=lambda: brought_up_to_date(model, trained, split, settings, seed, session).scores,
        )
    return {"figures": judged.figures, "errors": judged.errors, "seconds": seconds}


def markdown(path: str | Path) -> str:
    """The journal's figures as Markdown tables: mean ± standard error over seeds, and the
    difference to ALS of the same setting, protocol and seeds."""
    found: dict[tuple, dict[int, dict]] = {}
    for line in Journal(path).lines():
        key = line["key"]
        at = (key["protocol"], key["setting"], key["model"])
        found.setdefault(at, {})[key["seed"]] = line
    out = []
    for protocol in dict.fromkeys(at[0] for at in found):
        names = [n for n in NAMES if any(_figures(found, protocol, n))]
        out += [f"**{protocol}**", ""]
        out.append("| model | setting | seeds | " + " | ".join(names) + " | training, s |")
        out.append("|---" * (len(names) + 4) + "|")
        for (where, kind, model), by_seed in found.items():
            if where != protocol:
                continue
            base = found.get((protocol, kind, "ALS"), {})
            cells = [_cell(by_seed, base if model != "ALS" else {}, name) for name in names]
            seconds = np.mean([line["seconds"] for line in by_seed.values()])
            row = [model, kind, str(len(by_seed)), *cells, f"{seconds:.0f}"]
            out.append("| " + " | ".join(row) + " |")
        if "auroc" in names:
            for model, gains in PUBLISHED_GAINS.items():
                cells = [f"{gains[n]:+d} %" if n in gains else "" for n in names]
                out.append(f"| {model} | as published, to ALS | | " + " | ".join(cells) + " | |")
        out.append("")
    return "\n".join(out)


def _figures(found: dict, protocol: str, name: str) -> list[bool]:
    return [
        name in line["figures"]
        for at, by_seed in found.items()
        if at[0] == protocol
        for line in by_seed.values()
    ]


def _cell(by_seed: dict[int, dict], base: dict[int, dict], name: str) -> str:
    values = np.array([line["figures"][name] for line in by_seed.values()])
    text = f"{values.mean():.4f}"
    if len(values) > 1:
        text += f" ± {values.std(ddof=1) / np.sqrt(len(values)):.4f}"
    both = sorted(set(by_seed) & set(base))
    if both:
        ours = np.mean([by_seed[s]["figures"][name] for s in both])
        theirs = np.mean([base[s]["figures"][name] for s in both])
        if theirs > 0:
            text += f" ({100 * (ours / theirs - 1):+.0f} %)"
    return text
