"""The chance that a user meets an item within the next days, from raw events."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from andiron import Model, layers, losses, optimizers, set_random_seed
from andiron.apps.recommend.events import Events, Moment
from andiron.apps.recommend.ids import UNKNOWN, IdMap
from andiron.apps.recommend.metrics import auprc, auroc
from andiron.apps.recommend.neighbours import ItemKNN
from andiron.apps.recommend.ranking import top_k
from andiron.apps.recommend.settings import checked
from andiron.calibration import IsotonicCalibrator, PlattCalibrator, Reliability, reliability
from andiron.datasets import NegativeSampler

_CALIBRATORS = {"isotonic": lambda: IsotonicCalibrator(strict=True), "platt": PlattCalibrator}
_PAIRS = 1 << 18  # predicted at a time


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


@dataclasses.dataclass(frozen=True)
class PropensityReport:
    """How chances did on a window that training did not see.

    Attributes:
        pairs, positives: how many pairs of known users and items were judged, and met.
        expected: the sum of the chances; `positives` if they are right on the whole.
        auroc, auprc: of the pairs. before, after: reliability without and with calibration.
    """

    pairs: int
    positives: int
    expected: float
    auroc: float
    auprc: float
    before: Reliability
    after: Reliability

    def __str__(self) -> str:
        return (
            f"{self.pairs:,} pairs, {self.positives:,} met, {self.expected:,.0f} expected; AUROC "
            f"{self.auroc:.4f}, AUPRC {self.auprc:.4f}; expected calibration error "
            f"{self.after.error:.5f} (without calibration {self.before.error:.5f}), Brier "
            f"{self.after.brier:.6f} ({self.before.brier:.6f})"
        )

    def save_plot(self, path: str | Path) -> None:
        """Writes the reliability plot (.svg, .png or .pdf)."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5.2, 4.4), layout="constrained")
        axes = figure.add_subplot()
        self.before.plot(axes, "network")
        self.after.plot(axes, "calibrated")
        axes.legend()
        figure.savefig(path)


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

    def __init__(self, **settings) -> None:
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
        s = self.settings
        if len(events) == 0:
            raise ValueError("[propensity] training needs events; there are none")
        end, first = float(np.nextafter(events.day[-1], np.inf)), float(events.day[0])
        if end - first < 3 * s.days:
            raise ValueError(
                f"[propensity] three windows of {s.days:g} days are needed: one of history, one to "
                f"learn from and one to calibrate by; the events span {end - first:.1f} days"
            )
        set_random_seed(s.seed)
        rng = np.random.default_rng([s.seed, 0x9409])
        cuts = [end - s.days * (k + 2) for k in range(s.windows)]
        cuts = [cut for cut in cuts if cut - first >= s.days] or cuts[:1]
        drawn = [self._draw(events, cut, first, rng, s.negatives) for cut in cuts]
        x, y, _, raised = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
        if not 0 < y.sum() < len(y):
            raise ValueError("[propensity] no pair met in the windows to learn from, or all did")
        self._mean, self._scale = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
        self._build(x.shape[1])
        steps = s.epochs * -(-len(y) // s.batch_size)
        self._training.compile(
            optimizer=optimizers.Adam(optimizers.schedules.CosineDecay(s.learning_rate, steps)),
            loss=losses.BinaryCrossentropy(from_logits=True),
        )
        raised = raised[:, None].astype(np.float32)
        self._training.fit([self._standard(x), raised], y[:, None], epochs=s.epochs,
                           batch_size=min(s.batch_size, len(y)), verbose=verbose)  # fmt: skip
        self._calibrator = None
        if s.calibration != "none":
            x, y, weight, _ = self._draw(events, end - s.days, first, rng, 4 * s.negatives)
            self._calibrator = _CALIBRATORS[s.calibration]().fit(self._logits(x), y, weight)
        self._moment = Moment(events, end, s.half_lives, first)
        return self

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

    def _draw(self, events: Events, cut: float, first: float, rng, negatives: int):
        """Pairs at a moment: features; whether they met in the window; for how many pairs each
        stands; the logarithm of how much the sample raises the odds of its kind."""
        s, n = self.settings, np.int64(len(events.items))
        moment = Moment(events.between(-np.inf, cut), cut, s.half_lives, first)
        users = np.flatnonzero(moment.met)
        if len(users) > s.max_users:
            users = np.sort(rng.choice(users, s.max_users, replace=False))
        chosen = np.zeros(len(events.users), bool)
        chosen[users] = True
        there = moment.of_items[-1] > 0  # nobody had met the others: they were not to be known
        met = np.unique(events.between(cut, cut + s.days).keys())
        met = met[chosen[met // n] & there[met % n]]
        old = moment.keys[chosen[moment.keys // n]]
        closed = np.union1d(met, old)
        sampler = NegativeSampler(closed // n, closed % n, len(events.users), int(n))
        open_ = users[sampler.possible(users)]
        stands_for = np.ones(len(events.users))  # an unmet pair of a user, that is drawn
        stands_for[open_] = (n - np.bincount(closed // n, minlength=len(events.users)))[open_]
        stands_for[open_] /= negatives
        drawn = sampler.draw(open_, negatives, int(rng.integers(1 << 31)))
        drawn = (open_[:, None] * n + drawn).ravel()
        drawn = drawn[there[drawn % n]]
        keys = np.concatenate([closed, drawn])
        weight = np.ones(len(keys))
        weight[len(closed) :] = stands_for[drawn // n]
        raised = np.where(np.isin(keys, old), 0.0, np.log(stands_for[keys // n]))
        label = np.isin(keys, met)
        return moment.features(keys // n, keys % n), label.astype(np.float32), weight, raised

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
        plain = 0.5 * (1 + np.tanh(0.5 * before))
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
            chances, _ = self._chances(np.repeat(rows[known], n), np.tile(np.arange(n), len(known)))
            out[known] = chances.reshape(len(known), n)
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
        moment = self._fitted()
        row = int(moment.users.rows([user])[0])
        if row == UNKNOWN:
            raise ValueError(f"[propensity] training saw no user {user!r}")
        chances = self.predict_proba([user])
        if new_only:
            n = len(moment.items)
            chances[0, moment.keys[moment.keys // n == row] % n] = -np.inf
        best = top_k(chances, k)[0]
        return [
            (moment.items.ids[i].item(), float(chances[0, i]))
            for i in best
            if chances[0, i] > -np.inf
        ]

    @property
    def items(self) -> IdMap:
        """Ids of the columns of `predict_proba`."""
        return self._fitted().items

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

    def save(self, folder: str | Path) -> None:
        """Writes the model into `folder`, which is made where it is missing."""
        moment, folder = self._fitted(), Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        moment.users.save(folder / "users.json")
        moment.items.save(folder / "items.json")
        moment.affinity.save(folder / "affinity")
        tensors = {f"network_{k:02d}": w for k, w in enumerate(self._network.get_weights())}
        tensors |= {"mean": self._mean, "scale": self._scale, **moment.state()}
        content = {"format": 1, "model": "propensity", "day": moment.day, "first": moment.first,
                   "settings": dataclasses.asdict(self.settings)}  # fmt: skip
        if isinstance(self._calibrator, IsotonicCalibrator):
            tensors["scores"] = self._calibrator.scores_
            tensors["chances"] = self._calibrator.chances_
        elif self._calibrator is not None:
            content["platt"] = [self._calibrator.slope_, self._calibrator.intercept_]
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
            model._mean, model._scale = state["mean"], state["scale"]
            model._build(len(model._mean))
            weights = [state[k] for k in sorted(state) if k.startswith("network_")]
            model._network.set_weights(weights)
            model._calibrator = None
            if "scores" in state:
                model._calibrator = IsotonicCalibrator()
                model._calibrator.scores_ = state["scores"]
                model._calibrator.chances_ = state["chances"]
            elif "platt" in content:
                model._calibrator = PlattCalibrator()
                model._calibrator.slope_, model._calibrator.intercept_ = content["platt"]
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
