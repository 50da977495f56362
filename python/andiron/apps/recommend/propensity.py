"""The chance that a user meets an item within the next days, from raw events."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from andiron import Model, layers, losses, optimizers, set_random_seed
from andiron.apps.recommend.crew import Alone, Part
from andiron.apps.recommend.events import Events, Moment
from andiron.apps.recommend.history import Histories
from andiron.apps.recommend.ids import UNKNOWN, IdMap
from andiron.apps.recommend.metrics import auprc, auroc
from andiron.apps.recommend.neighbours import ItemKNN
from andiron.apps.recommend.pair_sampling import Pairs, PairSampling
from andiron.apps.recommend.propensity_report import PropensityReport
from andiron.apps.recommend.ranking import top_k
from andiron.apps.recommend.recommender import BATCH
from andiron.apps.recommend.settings import checked
from andiron.apps.recommend.training import Progress
from andiron.calibration import IsotonicCalibrator, PlattCalibrator, reliability, sigmoid
from andiron.datasets import from_arrays

_CALIBRATORS = {"isotonic": lambda: IsotonicCalibrator(strict=True), "platt": PlattCalibrator}
_PAIRS = 1 << 18  # predicted at a time
_ORDER = 0x940A  # of the random numbers that order samples


@dataclasses.dataclass
class PropensitySettings:
    """Settings of Propensity.

    Attributes:
        days: length of the window that is predicted.
        half_lives: in days, of the counts that the network sees.
        windows: how many windows before the last one are learnt from, as far as events reach back.
        negatives: unmet items drawn for each user and window.
        max_users: of a window, so many are drawn.
        hidden, epochs, batch_size, learning_rate: of the network, trained by Adam.
        calibration: "isotonic", "platt", or "none".
    """

    days: float = 30.0
    half_lives: tuple[float, ...] = (7.0, 30.0, 90.0)
    windows: int = 3
    negatives: int = 50
    max_users: int = 20_000
    hidden: tuple[int, ...] = (64, 32)
    epochs: int = 6
    batch_size: int = 1024
    learning_rate: float = 3e-3
    calibration: str = "isotonic"
    seed: int = 0


class Propensity:
    """The chance that a user meets an item within the next `days` days.

    Events before a moment (counts that fade, how long ago, popularity, what others with the same
    items met: events.Moment) say what happened in the window behind it. A network learns this at
    several moments of the past, for all pairs that had met, all that met, and a sample of the
    others, whose share is put right in the logit (King & Zeng 2001). The last window of the events
    is kept apart to calibrate it. Users and items are those of the events; others have the chance
    NaN.

    Args:
        settings: see PropensitySettings.

    Example:
        events = Events.read("payments.parquet", user="customer", item="merchant", time="when")
        model = Propensity(days=30).fit(events)
        model.predict_proba(["ann", "ann"], ["bakery", "gym"])
        model.top("ann", 5)
    """

    name = "propensity"

    def __init__(self, **settings) -> None:
        self.curves: dict[str, list[float]] = {}
        self.settings = s = checked("propensity", PropensitySettings, settings)
        s.half_lives, s.hidden = tuple(s.half_lives), tuple(s.hidden)
        if s.calibration not in (*_CALIBRATORS, "none"):
            raise ValueError(
                f"[propensity] calibration is 'isotonic', 'platt' or 'none'; got {s.calibration!r}"
            )
        if not s.days > 0 or s.windows < 1 or s.negatives < 1 or min(s.half_lives, default=0) <= 0:
            raise ValueError(
                "[propensity] days and half_lives are positive, windows and negatives at least 1"
            )
        self._moment: Moment | None = None

    def fit(self, events: Events, verbose: int = 0) -> Propensity:
        """Trains and calibrates.

        Raises:
            ValueError: the events span less than three windows.
        """
        if len(events) == 0:
            raise ValueError("[propensity] training needs events; there are none")
        self._fit(events, Alone(), verbose)
        return self

    def _fit(self, events: Events, crew: Alone, verbose: int = 0) -> None:
        """`fit` by a crew, of which this process has `events`: all of some users."""
        s = self.settings
        first, last = _span(events, crew)
        end = float(np.nextafter(last, np.inf))
        if end - first < 3 * s.days:
            raise ValueError(
                f"[propensity] three windows of {s.days:g} days are needed: one of history, one to "
                f"learn from and one to calibrate by; the events span {end - first:.1f} days"
            )
        set_random_seed(s.seed)
        cuts = [end - s.days * (k + 2) for k in range(s.windows)]
        cuts = [cut for cut in cuts if cut - first >= s.days] or cuts[:1]
        sampling = PairSampling(events, first, s, crew)
        drawn = [sampling.draw(cut, s.negatives) for cut in cuts]
        samples = {n: Pairs.joined([pairs[n] for pairs in drawn]) for n in drawn[0]}
        met, n = crew.total(
            np.sum([[p.label.sum(), len(p.label)] for p in samples.values()] or [[0, 0]], axis=0)
            .astype(np.int64)
        )  # fmt: skip
        if not 0 < met < n:
            raise ValueError("[propensity] no pair met in the windows to learn from, or all did")
        self._mean, self._scale = _moments([p.x for p in samples.values()], crew)
        self._build(len(self._mean))
        self._train(samples, int(n), crew, verbose)
        self._calibrator = None
        if s.calibration != "none":
            held_out = sampling.draw(end - s.days, 4 * s.negatives).values()
            mine = {
                "logits": _joined([self._logits(p.x) for p in held_out]),
                "labels": _joined([p.label for p in held_out]),
                "weights": _joined([p.weight for p in held_out]),
            }
            parts = crew.gathered(mine)
            self._calibrator = _CALIBRATORS[s.calibration]().fit(
                *(_joined([part[name] for part in parts]) for name in mine)
            )
        self._moment = Moment(events, end, s.half_lives, first, crew)

    def observe(self, events: Events) -> Propensity:
        """Takes in what has happened since training; chances are of the days after the last event.

        Args:
            events: all of them, old and new, of the users and items of training.

        Raises:
            ValueError: ids are not those of training.
        """
        known = self._fitted()
        for what, ours, theirs in (
            ("users", known.users, events.users), ("items", known.items, events.items)
        ):  # fmt: skip
            if not np.array_equal(ours.ids, theirs.ids):
                raise ValueError(f"[propensity] observe() needs the {what} of training")
        end = float(np.nextafter(events.day[-1], np.inf))
        self._moment = Moment(events, end, self.settings.half_lives, known.first)
        return self

    # Learning -----------------------------------------------------------------------------------

    def _train(self, samples: dict[int | None, Pairs], n: int, crew: Alone, verbose: int) -> None:
        """Trains on samples by part; all workers have n of them."""
        s = self.settings
        steps = s.epochs * -(-n // s.batch_size)
        self._training.compile(
            optimizer=optimizers.Adam(optimizers.schedules.CosineDecay(s.learning_rate, steps)),
            loss=losses.BinaryCrossentropy(from_logits=True),
        )
        self.curves = {"loss": []}
        with (
            Progress(self, s.epochs, None, verbose) as progress,
            crew.training(self._training, self.curves) as begin,
        ):
            for epoch in range(begin[0], s.epochs):
                if (epoch, 0) >= begin:
                    sources = {}
                    for number, pairs in samples.items():
                        if not len(pairs.label):
                            continue
                        rng = crew.generator(Part(number), s.seed, _ORDER, epoch)
                        order = rng.permutation(len(pairs.label))
                        x = [self._standard(pairs.x[order]), pairs.raised[order, None]]
                        sources[number] = from_arrays(
                            x, pairs.label[order, None], batch_size=min(s.batch_size, len(order))
                        )
                    crew.fit(sources, n, s.batch_size, epoch, 0)
                progress.epoch_ended(epoch, crew.loss())
                crew.epoch_ended(epoch)

    def _build(self, width: int) -> None:
        """The network of the logit, and the one for training, which adds what sampling does."""
        x = layers.Input((width,), name="features")
        raised = layers.Input((1,), name="raised")
        hidden = x
        for units in self.settings.hidden:
            hidden = layers.Dense(units, activation="relu")(hidden)
        logit = layers.Dense(1, name="logit")(layers.Concatenate()([x, hidden]))
        self._network = Model(x, logit, name="propensity")
        self._training = Model([x, raised], layers.Add()([logit, raised]), name="training")

    def _standard(self, x: np.ndarray) -> np.ndarray:
        return ((x - self._mean) / self._scale).astype(np.float32)

    def _logits(self, x: np.ndarray) -> np.ndarray:
        found = self._network.predict(self._standard(x), batch_size=65_536, verbose=0)
        return np.asarray(found, np.float64)[:, 0]

    # Using --------------------------------------------------------------------------------------

    def _fitted(self) -> Moment:
        if self._moment is None:
            raise ValueError("[propensity] train with fit, or load, before use")
        return self._moment

    def _chances(self, users: np.ndarray, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Calibrated chances and those of the network alone, of pairs of rows."""
        moment = self._fitted()
        before = np.empty(len(users))
        for start in range(0, len(users), _PAIRS):
            here = slice(start, start + _PAIRS)
            logits = self._logits(moment.features(users[here], items[here]))
            before[here] = logits
        plain = sigmoid(before)
        if self._calibrator is None:
            return plain, plain
        return np.clip(self._calibrator.transform(before), 0.0, 1.0), plain

    def predict_proba(self, users: Sequence, items: Sequence | None = None) -> np.ndarray:
        """The chances that users meet items within the next days.

        Args:
            users: ids. items: as many ids, one for each user; None: all items.

        Returns:
            [n] for pairs, [n, n_items] in the order of `items.ids` without `items`; float64, NaN
            for ids that training did not see.
        """
        moment = self._fitted()
        rows = moment.users.rows(users)
        n = len(moment.items)
        if items is None:
            known = np.flatnonzero(rows != UNKNOWN)
            out = np.full((len(rows), n), np.nan)
            out[known] = self.scores(rows[known])
            return out
        columns = moment.items.rows(items)
        if len(rows) != len(columns):
            raise ValueError(
                f"[propensity] as many users as items; got {len(rows)} and {len(columns)}"
            )
        both = (rows != UNKNOWN) & (columns != UNKNOWN)
        out = np.full(len(rows), np.nan)
        out[both] = self._chances(rows[both], columns[both])[0]
        return out

    def top(self, user, k: int = 10, new_only: bool = False) -> list[tuple]:
        """The k items that a user is likeliest to meet: (item id, chance) pairs.

        Args:
            new_only: leaves out what the user has met already. Default: False.

        Raises:
            ValueError: training did not see the user.
        """
        items, chances = self.recommend_all(k, new_only, [user])
        return [
            (item, chance)
            for item, chance in zip(items[0].tolist(), chances[0].tolist(), strict=True)
            if chance > -np.inf
        ]

    @property
    def users(self) -> IdMap:
        """Ids of the users of training."""
        return self._fitted().users

    @property
    def items(self) -> IdMap:
        """Ids of the columns of `predict_proba`."""
        return self._fitted().items

    # As recommenders have it, by rows.

    @property
    def _histories(self) -> Histories:
        return self._fitted().affinity._histories

    def _predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        return self._chances(users, items)[0]

    def scores(self, users: np.ndarray) -> np.ndarray:
        """The chances of all items for rows of users, [n, n_items]."""
        n = len(self.items)
        return self._predict(np.repeat(users, n), np.tile(np.arange(n), len(users))).reshape(-1, n)

    def _estimates(self, scores: np.ndarray) -> np.ndarray:
        return scores

    def recommend_all(
        self, k: int = 10, exclude_seen: bool = False, users: Sequence | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k items that every user (or the ids `users`, of training) is likeliest to meet.

        Returns:
            Item ids and chances, both [n_users, min(k, n_items)], best first; minus infinity where
            `exclude_seen` leaves fewer.

        Raises:
            ValueError: training did not see one of the users; k is no whole number from 1.
        """
        if not isinstance(k, (int, np.integer)) or k < 1:
            raise ValueError(f"[propensity] k is a whole number from 1; got {k!r}")
        rows = np.arange(len(self.users)) if users is None else self.users.rows(users)
        if (rows == UNKNOWN).any():
            stranger = users[int(np.argmax(rows == UNKNOWN))]
            raise ValueError(f"[propensity] training saw no user {stranger!r}")
        items, chances = [], []
        for start in range(0, max(len(rows), 1), BATCH):
            some = rows[start : start + BATCH]
            found = self.scores(some)
            if exclude_seen:
                for line, user in enumerate(some):
                    found[line, self._histories.seen(user)] = -np.inf
            best = top_k(found, k)
            items.append(self.items.ids[best])
            chances.append(np.take_along_axis(found, best, axis=1))
        return np.concatenate(items), np.concatenate(chances)

    def evaluate(
        self, later: Events, max_users: int = 2_000, bins: int = 20, seed: int = 0
    ) -> PropensityReport:
        """Judges the chances by what happened in the days after the last event of training.

        Args:
            later: events of that window (others are left out); ids that training did not see are
                left out, too.
            max_users: of more, so many are drawn: pairs are users x items.
            bins: of the reliability.

        Raises:
            ValueError: nobody of training met anything of training.
        """
        moment = self._fitted()
        n = len(moment.items)
        window = later.between(moment.day, moment.day + self.settings.days)
        user = moment.users.rows(later.users.ids)[window.user]
        item = moment.items.rows(later.items.ids)[window.item]
        users = np.flatnonzero(moment.met)
        if len(users) > max_users:
            rng = np.random.default_rng([seed, 0x9410])
            users = np.sort(rng.choice(users, max_users, replace=False))
        line = np.full(len(moment.users) + 1, -1)  # the last one: UNKNOWN
        line[users] = np.arange(len(users))
        judged = (line[user] >= 0) & (item != UNKNOWN)
        labels = np.zeros((len(users), n), bool)
        labels[line[user[judged]], item[judged]] = True
        there = moment.of_items[-1] > 0
        labels = labels[:, there].ravel()
        if not labels.any():
            raise ValueError("[propensity] no known user met a known item in the window")
        columns = np.flatnonzero(there)
        after, before = self._chances(np.repeat(users, len(columns)), np.tile(columns, len(users)))
        return PropensityReport(
            len(labels), int(labels.sum()), float(after.sum()), auroc(labels, after),
            auprc(labels, after), reliability(labels, before, bins),
            reliability(labels, after, bins),
        )  # fmt: skip

    # Files --------------------------------------------------------------------------------------

    def _learnt(self) -> tuple[dict[str, np.ndarray], dict]:
        """What training made, beside the moment: tensors, and numbers for JSON."""
        tensors = {f"network_{k:02d}": w for k, w in enumerate(self._network.get_weights())}
        tensors |= {"mean": self._mean, "scale": self._scale}
        content = {}
        if isinstance(self._calibrator, IsotonicCalibrator):
            tensors["scores"] = self._calibrator.scores_
            tensors["chances"] = self._calibrator.chances_
        elif self._calibrator is not None:
            content["platt"] = [self._calibrator.slope_, self._calibrator.intercept_]
        return tensors, content

    def _take_learnt(self, tensors: dict[str, np.ndarray], content: dict) -> None:
        """The inverse of `_learnt`."""
        self._mean, self._scale = tensors["mean"], tensors["scale"]
        self._build(len(self._mean))
        self._network.set_weights([tensors[k] for k in sorted(tensors) if k.startswith("network_")])
        self._calibrator = None
        if "scores" in tensors:
            self._calibrator = IsotonicCalibrator()
            self._calibrator.scores_ = tensors["scores"]
            self._calibrator.chances_ = tensors["chances"]
        elif "platt" in content:
            self._calibrator = PlattCalibrator()
            self._calibrator.slope_, self._calibrator.intercept_ = content["platt"]

    def save(self, folder: str | Path) -> None:
        """Writes the model into `folder`, which is made where it is missing."""
        moment, folder = self._fitted(), Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        moment.users.save(folder / "users.json")
        moment.items.save(folder / "items.json")
        moment.affinity.save(folder / "affinity")
        tensors, learnt = self._learnt()
        tensors |= moment.state()
        content = {"format": 1, "model": "propensity", "day": moment.day, "first": moment.first,
                   "settings": dataclasses.asdict(self.settings), **learnt}  # fmt: skip
        save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()},
                  folder / "propensity.safetensors")  # fmt: skip
        (folder / "propensity.json").write_text(json.dumps(content, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> Propensity:
        """Reads what `save` wrote.

        Raises:
            ValueError: the files are something else, or damaged. OSError: a file is missing.
        """
        folder = Path(folder)
        try:
            content = json.loads((folder / "propensity.json").read_text(encoding="utf-8"))
            if content["format"] != 1:
                raise ValueError(f"its format is {content['format']}")
            model = cls(**content["settings"])
            state = load_file(folder / "propensity.safetensors")
            model._take_learnt(state, content)
            model._moment = Moment.of_state(
                state, IdMap.load(folder / "users.json"), IdMap.load(folder / "items.json"),
                ItemKNN.load(folder / "affinity"), content["day"], content["first"],
                model.settings.half_lives,
            )  # fmt: skip
            return model
        except OSError:
            raise
        except Exception as error:
            raise ValueError(f"[propensity] {folder} is not such a model: {error}") from error


def _span(events: Events, crew: Alone) -> tuple[float, float]:
    """The first and the last day of the events of all workers."""
    mine = events.day[[0, -1]] if len(events) else np.array([np.inf, -np.inf])
    spans = np.stack([part["span"] for part in crew.gathered({"span": mine})])
    return float(spans[:, 0].min()), float(spans[:, 1].max())


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(arrays) if arrays else np.zeros(0)


def _moments(parts: list[np.ndarray], crew: Alone) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the columns over the lines of all workers."""
    n = crew.total(sum(map(len, parts)))

    def mean_of(lines: list[np.ndarray]) -> np.ndarray:
        sums = [a.sum(axis=0, dtype=np.float64) for a in lines]
        mine = np.sum(sums, axis=0, keepdims=True) if sums else np.zeros((0, 0))
        told = [part["sums"] for part in crew.gathered({"sums": mine})]
        return np.sum([sums[0] for sums in told if len(sums)], axis=0) / n

    mean = mean_of(parts)
    deviation = np.sqrt(mean_of([(a - mean) ** 2 for a in parts]))
    return mean.astype(np.float32), np.maximum(deviation, 1e-6).astype(np.float32)
