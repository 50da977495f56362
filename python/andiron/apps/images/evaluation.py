"""How well photos were told apart: figures, baselines, mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from andiron import _core

NEIGHBOURS = 5
CALIBRATION_BINS = 10


@dataclass
class Evaluation:
    """Figures over photos whose classes are known.

    `truth` [n, classes] of 0 and 1, `chances` [n, classes], `chosen` [n, classes] of booleans (one
    a row unless photos may have several classes).
    """

    classes: list
    truth: np.ndarray
    chances: np.ndarray
    chosen: np.ndarray
    multi_label: bool
    names: list[str]
    """Of the photos."""
    sources: list = field(default_factory=list, repr=False)
    baselines: dict[str, float] = field(default_factory=dict)
    """Accuracy by name."""
    bad: list[tuple[str, str]] = field(default_factory=list)
    """(photo, why) of those that could not be read."""
    duplicates: list[tuple[str, str, bool]] = field(default_factory=list)
    """(photo, the same in the training set, whether the same file): left out of the figures."""
    unknown: list[tuple[str, str]] = field(default_factory=list)
    """(photo, class) of classes that the classifier does not know: left out."""
    about: str = ""

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def right(self) -> np.ndarray:
        """Whether all classes of a photo are right: booleans [n]."""
        return (self.truth.astype(bool) == self.chosen).all(1)

    @property
    def accuracy(self) -> float:
        """The share of photos whose classes are all right."""
        return float(self.right.mean()) if len(self) else float("nan")

    @property
    def error(self) -> float:
        """The standard error of `accuracy`."""
        p = self.accuracy
        return float(np.sqrt(p * (1 - p) / max(len(self), 1)))

    @property
    def log_loss(self) -> float:
        """Mean of -log of the chance that the right class got (summed over classes if several)."""
        p = np.clip(self.chances, 1e-7, 1 - 1e-7).astype(np.float64)
        loss = -np.log(p) * self.truth
        if self.multi_label:
            loss = loss - np.log1p(-p) * (1 - self.truth)
        return float(loss.sum(1).mean()) if len(self) else float("nan")

    @property
    def confusion(self) -> np.ndarray:
        """[class, predicted class] of counts; for photos of one class each."""
        n = len(self.classes)
        out = np.zeros((n, n), np.int64)
        np.add.at(out, (self.truth.argmax(1), self.chosen.argmax(1)), 1)
        return out

    def by_class(self) -> list[dict]:
        """class, photos, precision, recall, f1 of each; None where there is nothing to divide."""
        truth = self.truth.astype(bool)
        both = (truth & self.chosen).sum(0)
        there, said = truth.sum(0), self.chosen.sum(0)
        rows = []
        for k, name in enumerate(self.classes):
            precision = both[k] / said[k] if said[k] else None
            recall = both[k] / there[k] if there[k] else None
            f1 = 2 * both[k] / (there[k] + said[k]) if there[k] + said[k] else None
            rows.append({"class": name, "photos": int(there[k]), "precision": precision,
                         "recall": recall, "f1": f1})  # fmt: skip
        return rows

    def calibration(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(mean chance, share that is right, photos) in ten equally wide bins of the chance of what
        was predicted (of every class where there may be several). Guo et al., "On calibration
        of modern neural networks", 2017."""
        if self.multi_label:
            p, y = self.chances.ravel(), self.truth.ravel()
        else:
            p, y = self.chances.max(1), self.right
        at = np.clip((p * CALIBRATION_BINS).astype(int), 0, CALIBRATION_BINS - 1)
        n = np.bincount(at, minlength=CALIBRATION_BINS)
        there = n > 0
        mean = np.bincount(at, p, CALIBRATION_BINS)[there] / n[there]
        share = np.bincount(at, y, CALIBRATION_BINS)[there] / n[there]
        return mean, share, n[there]

    @property
    def calibration_error(self) -> float:
        """The mean distance between chance and share (expected calibration error)."""
        mean, share, n = self.calibration()
        return float((np.abs(mean - share) * n).sum() / max(n.sum(), 1))

    def mistakes(self, most: int = 24) -> list[dict]:
        """The surest wrong predictions: row, photo, classes, predicted, chance."""
        wrong = np.flatnonzero(~self.right)
        surety = np.where(self.truth.astype(bool) == self.chosen, 0.0, 1.0)
        surety = surety * np.where(self.chosen, self.chances, 1 - self.chances)
        order = wrong[np.argsort(-surety[wrong].max(1), kind="stable")][:most]
        return [
            {"row": int(i), "photo": self.names[i],
             "classes": [self.classes[k] for k in np.flatnonzero(self.truth[i])],
             "predicted": [self.classes[k] for k in np.flatnonzero(self.chosen[i])],
             "chance": float(surety[i].max())}
            for i in order
        ]  # fmt: skip

    def figures(self) -> dict:
        """The figures as plain values, for JSON."""
        return {
            "photos": len(self), "accuracy": self.accuracy, "standard_error": self.error,
            "log_loss": self.log_loss, "calibration_error": self.calibration_error,
            "baselines": self.baselines, "classes": self.by_class(), "bad_photos": len(self.bad),
            "duplicates_left_out": len(self.duplicates), "unknown_left_out": len(self.unknown),
        }  # fmt: skip

    def report(self, path: Any) -> Any:
        """Writes a page of HTML that needs no other file."""
        from andiron.apps.images import report

        return report.write(path, self)

    def __str__(self) -> str:
        lines = [
            f"{len(self)} photos, accuracy {self.accuracy:.4f} ± {self.error:.4f}, "
            f"log loss {self.log_loss:.4f}, calibration error {self.calibration_error:.4f}"
        ]
        width = max([len(str(c)) for c in self.classes] + [5])
        lines.append(f"{'class':<{width}}  photos  precision  recall")
        for row in self.by_class():
            p, r = (f"{x:.4f}" if x is not None else "-" for x in (row["precision"], row["recall"]))
            lines.append(f"{row['class']!s:<{width}}  {row['photos']:6}  {p:>9}  {r:>6}")
        for name, accuracy in self.baselines.items():
            lines.append(f"{name}: {accuracy:.4f}")
        if self.bad:
            lines.append(f"{len(self.bad)} photos could not be read, the first: {self.bad[0][1]}")
        if self.duplicates:
            lines.append(f"{len(self.duplicates)} photos are in the training set, too: left out")
        if self.unknown:
            lines.append(f"{len(self.unknown)} photos of unknown classes: left out")
        return "\n".join(lines)


def majority(train: np.ndarray, n: int) -> np.ndarray:
    """What comes most often in training, for n photos: [n, classes] of booleans."""
    sets, counts = np.unique(train.astype(bool), axis=0, return_counts=True)
    return np.repeat(sets[counts.argmax()][None], n, 0)


def nearest(
    train_x: np.ndarray, train: np.ndarray, x: np.ndarray, k: int = NEIGHBOURS, block: int = 1024
) -> np.ndarray:
    """By the k nearest of the training set (Euclidean): the class that most of them have, the
    nearest one's among equals; or the classes that more than half have. [n, classes]."""
    train_x = np.asarray(train_x, np.float32)
    k = min(k, len(train_x))
    squares = (train_x * train_x).sum(1)
    one = (train.sum(1) == 1).all()
    out = np.zeros((len(x), train.shape[1]), bool)
    for start in range(0, len(x), block):
        part = np.asarray(x[start : start + block], np.float32)
        distance = squares - 2.0 * (part @ train_x.T)
        near = np.argpartition(distance, k - 1, 1)[:, :k]
        near = np.take_along_axis(
            near, np.argsort(np.take_along_axis(distance, near, 1), 1, kind="stable"), 1
        )
        votes = train[near].astype(np.float32)  # [rows, k, classes]
        if one:
            rank = votes.sum(1) + 1e-3 * (votes / (1 + np.arange(k))[:, None]).sum(1)
            out[np.arange(start, start + len(part)), rank.argmax(1)] = True
        else:
            out[start : start + len(part)] = votes.mean(1) > 0.5
    return out


def share_right(truth: np.ndarray, chosen: np.ndarray) -> float:
    return float((truth.astype(bool) == chosen).all(1).mean())


def baselines(
    train: np.ndarray, truth: np.ndarray, pixels: tuple, features: tuple
) -> dict[str, float]:
    """Accuracies of what a classifier has to beat; `pixels` and `features` are (train, test)."""
    return {
        "majority class": share_right(truth, majority(train, len(truth))),
        f"{NEIGHBOURS} nearest by pixels": share_right(truth, nearest(pixels[0], train, pixels[1])),
        f"{NEIGHBOURS} nearest by features": share_right(
            truth, nearest(features[0], train, features[1])
        ),
    }


def one_hot(labels: Sequence[Any], classes: Sequence[Any]) -> np.ndarray:
    """Labels (a class, or several) as [n, classes] of 0 and 1; -1 in rows of unknown classes."""
    places = {c: i for i, c in enumerate(classes)}
    out = np.zeros((len(labels), len(classes)), np.float32)
    for i, label in enumerate(labels):
        for name in label if isinstance(label, (list, tuple, set, frozenset)) else [label]:
            if name in places:
                out[i, places[name]] = 1
            else:
                out[i] = -1
                break
    return out


def thresholds(chances: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """For each class the chance from which on it is said to be there: what makes its F1 largest
    on these photos, in the middle between two of them. 0.5 where the class never comes."""
    out = np.full(truth.shape[1], 0.5)
    for k in range(truth.shape[1]):
        order = np.argsort(-chances[:, k], kind="stable")
        p, y = chances[order, k], truth[order, k]
        if not y.any():
            continue
        f1 = 2 * np.cumsum(y) / (np.arange(1, len(y) + 1) + y.sum())
        last = np.append(p[1:] < p[:-1], True)  # equal chances go together
        best = int(np.argmax(np.where(last, f1, -1)))
        below = p[best + 1] if best + 1 < len(p) else 0.0
        out[k] = 0.5 * (p[best] + below)
    return out


def check_labels(labels: list | None) -> None:
    if labels is None:
        raise _core.Error("[images] the photos' classes are needed: labels, or a folder for each")


def nothing_left(
    bad: list[tuple[int, str]], unknown: list[tuple[str, str]], classes: list, learned: int
) -> str:
    """Why there is no photo to judge by."""
    why = []
    if bad:
        why.append(f"{len(bad)} cannot be read (the first: {bad[0][1]})")
    if unknown:
        theirs = ", ".join(sorted({name for _, name in unknown})[:5])
        why.append(
            f"{len(unknown)} are of classes that the classifier does not know ({theirs}; it knows "
            f"{', '.join(map(str, classes[:10]))})"
        )
    if learned:
        why.append(
            f"{learned} are in the training set, too (keep_duplicates, --keep-duplicates counts "
            "them)"
        )
    return "[images] no photo is left to judge by: " + ("; ".join(why) or "there are no photos")
