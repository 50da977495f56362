"""The study's shape through Spark: NCF, Wide & Deep and ALS beside what can be reached at best.

    python -m benchmarks.scale.study_shape [--users 67500 --events 2000000] [--models NeuralCF,ALS]

Events are planted (andiron.apps.recommend.study_events), so the optimum is known. The last fifth of
the days is the test: who meets whom in it, over all pairs of some thousand users and all merchants.
Scores are judged by the pairs that were really met (AUROC, AUPRC), by the chances themselves, which
has no noise of a draw, and on pairs that training had not seen ("new").

Networks that are trained on so many sampled negatives for each positive learn what a user likes and
not how much the user does at all: everyone has the same share of positives. With u's number of
events n_u, logit + log n_u is the logarithm of the rate but for a constant: "with activity". With a
softmax it is the logarithm of the chance + log n_u.

Batches are those of 20,000,000 events; fewer events make smaller ones, so that an epoch has as many
steps, and each user's row as many updates.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset as ds
from andiron.apps.recommend import metrics
from andiron.apps.recommend.known_optimum import expected_quality
from andiron.apps.recommend.study_events import StudyEvents

from benchmarks.scale.memory import Peaks
from benchmarks.scale.session import spark_session

TEST = 0.2  # of the days
FULL, SMALLEST = 20_000_000, 256  # events for which batch sizes are given; the smallest batch
NCF = {
    "loss": "binary_crossentropy", "epochs": 4, "batch_size": 65_536, "learning_rate": 0.005,
    "negatives": 4, "gmf": 32, "mlp_user": 16, "mlp_item": 16, "hidden": [32], "dropout": 0.0,
    "weight_decay": 0.2,
}  # fmt: skip
WIDE_DEEP = {
    "loss": "softmax", "epochs": 2, "batch_size": 8_192, "learning_rate": 0.003, "negatives": 10,
    "embedding": 32, "hidden": [64], "dropout": 0.0, "history_decay": 1.0, "number_units": 16,
    "per_user": 60, "weight_decay": 0.05,
}  # fmt: skip


@dataclasses.dataclass
class Stages:
    """Seconds and peak memory of each stage, printed as they end."""

    found: dict[str, dict] = dataclasses.field(default_factory=dict)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[dict]:
        begin, more = time.perf_counter(), {}
        with Peaks() as peaks:
            yield more
        self.found[name] = {
            "seconds": time.perf_counter() - begin,
            "peak_mb": {kind: round(mb) for kind, mb in sorted(peaks.largest.items())},
            "together_mb": round(peaks.together),
            **more,
        }
        print(name, json.dumps(self.found[name]), flush=True)


@dataclasses.dataclass
class Judge:
    """What the test asks, of a sample of users and all merchants: arrays [users, merchants]."""

    planted: StudyEvents
    users: np.ndarray
    met: np.ndarray  # in the test
    seen: np.ndarray  # in training
    events: np.ndarray  # [users]: how many in training
    chances: np.ndarray

    @classmethod
    def of(cls, planted: StudyEvents, folder: str, count: int) -> Judge:
        generator = np.random.default_rng(1)
        users = np.sort(generator.choice(planted.users, min(count, planted.users), replace=False))
        line = np.full(planted.users, -1)
        line[users] = np.arange(len(users))
        met, seen = np.zeros((2, len(users), planted.merchants), bool)
        events = np.zeros(len(users))
        cut = np.datetime64(cut_of(planted), "ms")
        for batch in ds.dataset(folder, format="parquet").to_batches():
            user, merchant = (batch.column(i).to_numpy() for i in (0, 1))
            at = line[user]
            late = batch.column(2).to_numpy(zero_copy_only=False) >= cut
            for chosen, table in ((late, met), (~late, seen)):
                here = chosen & (at >= 0)
                table[at[here], merchant[here]] = True
            events += np.bincount(at[~late & (at >= 0)], minlength=len(users))
        chances = planted.probabilities(users, TEST * planted.days)
        return cls(planted, users, met, seen, events, chances)

    def of_scores(self, scores: np.ndarray) -> dict[str, float]:
        auroc, auprc = metrics.auroc(self.met, scores), metrics.auprc(self.met, scores)
        expected = expected_quality(self.chances, scores)
        new = ~self.seen
        return {
            "auroc": auroc,
            "auprc": auprc,
            "expected_auroc": expected[0],
            "expected_auprc": expected[1],
            "new_auroc": metrics.auroc(self.met[new], scores[new]),
            "new_auprc": metrics.auprc(self.met[new], scores[new]),
        }


def cut_of(planted: StudyEvents) -> str:
    """The moment at which the test begins."""
    days = np.timedelta64(int((1 - TEST) * planted.days * 86_400_000), "ms")
    return str(np.datetime64(planted.start, "ms") + days)


def als(train: Any, rank: int, iterations: int) -> Callable[[np.ndarray], np.ndarray]:
    """MLlib's implicit ALS on the numbers of events; scores of user rows."""
    from pyspark.ml.recommendation import ALS
    from pyspark.sql import functions as F

    counts = train.groupBy("user", "merchant").agg(F.count("*").cast("float").alias("n"))
    model = ALS(rank=rank, maxIter=iterations, regParam=0.1, alpha=1.0, implicitPrefs=True,
                userCol="user", itemCol="merchant", ratingCol="n").fit(counts)  # fmt: skip

    def factors(frame: Any) -> tuple[np.ndarray, np.ndarray]:
        rows = frame.toPandas()
        return rows["id"].to_numpy(), np.stack(rows["features"].to_numpy())

    users, items = factors(model.userFactors), factors(model.itemFactors)

    def scores(wanted: np.ndarray, merchants: int) -> np.ndarray:
        of_users, of_items = (
            np.zeros((max(wanted.max(), users[0].max()) + 1, rank), np.float32),
            (np.zeros((merchants, rank), np.float32)),
        )
        of_users[users[0]], of_items[items[0]] = users[1], items[1]
        return of_users[wanted] @ of_items.T

    return scores


def recommender(train: Any, kind: str, workers: int, settings: dict, more: dict) -> Callable:
    """Andiron's, through Spark; scores of user rows as the logits of `predict`'s chances."""
    from andiron.spark import Recommender

    model = Recommender(
        kind=kind, user_col="user", item_col="merchant", time_col="time", num_workers=workers,
        verbose=0, **settings,
    ).fit(train)  # fmt: skip
    training = max(work["seconds"] for work in model.work)
    native = model.native
    samples = sum(work["rows"] for work in model.work) * native.settings.epochs
    more["training_seconds"] = training
    more["interactions"] = sum(work["rows"] for work in model.work)
    more["interactions_per_second"] = samples / training
    if kind == "WideAndDeep" or native.settings.loss == "binary_crossentropy":
        more["samples_per_second"] = samples * (1 + native.settings.negatives) / training
    more["share_in_collectives"] = max(
        work["seconds_in_collectives"] / work["seconds"] for work in model.work
    )
    more["gb_sent"] = sum(work["bytes_sent"] for work in model.work) / 1e9
    more["loss"] = model.history["loss"]

    def scores(wanted: np.ndarray, merchants: int) -> np.ndarray:
        rows, columns = native.users.rows(wanted), native.items.ids
        out = np.full((len(wanted), merchants), -np.inf)
        found = native.scores(rows)
        if native.settings.loss == "softmax":
            found = np.log(native.probabilities(found) + 1e-30)
        out[:, columns] = found
        return out

    return scores


def of_size(settings: str, events: int) -> dict:
    """Settings for so many events."""
    found = json.loads(settings)
    if "batch_size" in found:
        share = min(1.0, events / FULL)
        found["batch_size"] = max(SMALLEST, round(found["batch_size"] * share))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", help="of events; default: a temporary one")
    parser.add_argument("--users", type=int, default=675_000)
    parser.add_argument("--merchants", type=int, default=2_000)
    parser.add_argument("--events", type=int, default=20_000_000)
    parser.add_argument("--models", default="popularity,ALS,NeuralCF,WideAndDeep")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--judged", type=int, default=5_000, help="users of the sample")
    parser.add_argument("--memory", default="3g", help="of Spark's JVM")
    parser.add_argument("--als", default="64,10", help="rank and iterations")
    parser.add_argument("--ncf", default=json.dumps(NCF), help="settings")
    parser.add_argument("--wide-deep", default=json.dumps(WIDE_DEEP), help="settings")
    parser.add_argument("--json", help="file for the figures")
    given = parser.parse_args()
    stages, quality = Stages(), {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or f"{temporary}/events"
        planted = StudyEvents(given.users, given.merchants, given.events)
        if not os.path.exists(folder):
            with stages.stage("generate") as more:
                more["events"] = planted.write(folder)
        planted = StudyEvents.of(folder)
        with stages.stage("optimum") as more:
            best = planted.optimum(TEST * planted.days, users=20_000)
            more.update(dataclasses.asdict(best))
        judge = Judge.of(planted, folder, given.judged)
        quality["optimum (the true chances)"] = judge.of_scores(judge.chances)
        with stages.stage("Spark session"):
            session = spark_session(given.workers, given.memory, temporary)
            events = session.read.parquet(folder)
            train = events.where(events["time"] < cut_of(planted).replace("T", " ") + " UTC")
        with stages.stage("count") as more:
            more["training_events"] = train.count()
        settings = {
            "NeuralCF": of_size(given.ncf, planted.events),
            "WideAndDeep": of_size(given.wide_deep, planted.events),
        }
        for name in given.models.split(","):
            with stages.stage(f"{name}: fit") as more:
                if name == "popularity":
                    counts = train.groupBy("merchant").count().toPandas()
                    popular = np.zeros(planted.merchants)
                    popular[counts["merchant"]] = counts["count"]
                elif name == "ALS":
                    scores = als(train, *map(int, given.als.split(",")))
                else:
                    scores = recommender(train, name, given.workers, settings[name], more)
            with stages.stage(f"{name}: score") as more:
                if name == "popularity":
                    found = np.broadcast_to(popular, judge.met.shape)
                else:
                    found = scores(judge.users, planted.merchants)
                found = np.nan_to_num(found, neginf=-1e9)
                quality[name] = judge.of_scores(found)
                if name in settings:
                    events_of = np.maximum(judge.events, 0.5)[:, None]
                    quality[f"{name} with activity"] = judge.of_scores(found + np.log(events_of))
            print(name, json.dumps(quality[name]), flush=True)
        session.stop()
    print(table(quality))
    if given.json:
        content = {"arguments": vars(given), "stages": stages.found, "quality": quality}
        Path(given.json).write_text(json.dumps(content, indent=1))


def table(quality: dict[str, dict[str, float]]) -> str:
    names = list(next(iter(quality.values())))
    lines = [f"{'':<28}" + "".join(f"{name:>16}" for name in names)]
    for model, found in quality.items():
        lines.append(f"{model:<28}" + "".join(f"{found[name]:>16.4f}" for name in names))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
