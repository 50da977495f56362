"""A classifier of photos: features of a pretrained network, a linear classifier on top."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from andiron import _core
from andiron.apps.images import classifier_file, duplicates, evaluation
from andiron.apps.images.evaluation import Evaluation, one_hot
from andiron.apps.images.features import Cache, Extractor, thumbnails
from andiron.apps.images.learned import Learned
from andiron.apps.images.photos import Photos
from andiron.linear import STRENGTHS, LinearClassifier


class Prediction(NamedTuple):
    """What a photo is."""

    photo: str
    classes: tuple
    """The likeliest class; those above their thresholds where there may be several. Empty for a
    photo that could not be read."""
    top: list[tuple[Any, float]]
    """(class, chance), the likeliest first."""
    error: str | None
    """Why the photo could not be read."""


class ImageClassifier:
    """Photos into classes: features of a pretrained network whose weights stay as they are, and a
    linear classifier (`andiron.linear`) on them.

    Features are kept on disk by the files' content (`cache`), so new photos or classes cost their
    own features and a training of the linear part. Photos that are the same (the same file, or
    the same picture in another file) stay on one side of each split. Bad files are left out and
    counted.

    Args:
        network: a name in andiron.models; or a Model from photos [n, 3, h, w] to features.
        weights: "imagenet" or a path; of a network by name.
        C, loss, cv, scoring, class_weight, seed: as in `andiron.linear.LinearClassifier`: the
            strength of the penalty is chosen by cross-validation.
        cache: the folder of the features. Default: $ANDIRON_CACHE, or ~/.cache/andiron; False for
            none.
        options: of the network's builder, for instance input_shape.

    After `fit`: `classes_`, `linear_` (the LinearClassifier), `cross_validation_` (an Evaluation of
    photos by classifiers that did not see them), `thresholds_` (of each class where photos may
    have several), `duplicates_` (pairs of names of photos that are the same), `conflicts_`
    (such pairs whose classes differ), `bad_` ((photo, why) of those left out), `repeated_` (names
    of those that `add` left out).

    Example:
        >>> classifier = ImageClassifier("EfficientNetLite0")  # doctest: +SKIP
        >>> classifier.fit("photos").predict(["new.jpg"])[0].classes  # doctest: +SKIP
        ('Colonial',)
    """

    def __init__(
        self,
        network: Any = "EfficientNetLite0",
        *,
        weights: Any = "imagenet",
        C: Any = STRENGTHS,
        loss: str = "logistic",
        cv: int = 5,
        scoring: str = "loss",
        class_weight: Any = None,
        seed: int = 0,
        cache: Any = None,
        **options: Any,
    ):
        self.extractor = Extractor(network, weights, **options)
        self._settings = {"C": C, "loss": loss, "cv": cv, "scoring": scoring,
                          "class_weight": class_weight, "seed": seed}  # fmt: skip
        self._linear()  # refuses what is wrong at once
        self.cache = Cache(cache)
        self.learned: Learned | None = None
        self.tuned: dict | None = None

    def _linear(self) -> LinearClassifier:
        return LinearClassifier(**self._settings)

    # Training.

    def fit(self, photos: Any, labels: Any = None, groups: Any = None) -> ImageClassifier:
        """Trains the linear part.

        Args:
            photos: a folder with one folder for each class; a CSV table (Photos.from_table); paths
                or files' bytes in a list; or Photos.
            labels: a class for each photo, or a list of classes for each where a photo may have
                several (each is then judged by itself, with a threshold of its own). A table in
                which each photo has exactly one gives classes.
            groups: as in Photos.

        Errors:
            ValueError with fewer than two classes, or fewer than two photos that can be read: it
            says why.
        """
        photos = Photos.of(photos, labels, groups)
        evaluation.check_labels(photos.labels)
        self.multi_label_ = photos.multi_label
        self.bad_: list[tuple[str, str]] = []
        self.repeated_: list[str] = []
        self.classes_ = self._names(photos.labels)
        self.learned = self._learn(photos, self.classes_)
        self._train(None)
        return self

    def add(self, photos: Any, labels: Any = None, groups: Any = None) -> ImageClassifier:
        """Learns more photos, of known or of new classes, beside those it knows: the features of
        the new ones are computed, and the linear part is trained again from where it is.

        Arguments as in `fit`. Where photos may have several classes, one class stands for a list
        of one. Photos that it has learned already, the same files with the same classes, are left
        out (`repeated_`).

        Errors:
            ValueError where none of the photos can be read.
        """
        before = self._fitted()
        photos = self._of_its_kind(Photos.of(photos, labels, groups))
        known = self.classes_
        classes = sorted({*known, *self._names(photos.labels)}, key=str)
        old = np.zeros((len(before.truth), len(classes)), np.float32)
        old[:, [classes.index(c) for c in known]] = before.truth
        self.bad_ = []
        new = self._learn(photos, classes)
        if not new.names:
            raise _core.Error(f"[images] there is nothing to learn: {_unreadable(self.bad_)}")
        there = {(h.tobytes(), y.tobytes()) for h, y in zip(before.hashes, old, strict=True)}
        fresh = [(h.tobytes(), y.tobytes()) not in there
                 for h, y in zip(new.hashes, new.truth, strict=True)]  # fmt: skip
        self.repeated_ = [name for name, f in zip(new.names, fresh, strict=True) if not f]
        if not any(fresh):
            self._warn_of_bad()
            return self
        new = new.take(np.flatnonzero(fresh))
        self.classes_ = classes
        new.groups = new.groups + (before.groups.max(initial=-1) + 1)
        self.learned = Learned(
            before.names + new.names,
            np.concatenate([old, new.truth]),
            *(np.concatenate([getattr(before, f), getattr(new, f)])
              for f in ("groups", "hashes", "thumbnails", "features")),
        )  # fmt: skip
        self._train(self.linear_)
        return self

    def _of_its_kind(self, photos: Photos) -> Photos:
        """Photos with one class each, or a list for each, as those that were learned."""
        evaluation.check_labels(photos.labels)
        if self.multi_label_:
            return photos.with_lists()
        if photos.multi_label:
            lists = photos.with_lists()
            if any(len(y) != 1 for y in lists.labels):
                raise _core.Error(
                    "[images] the classifier has learned photos of one class each; these have "
                    "lists of classes"
                )
            lists.labels = [y[0] for y in lists.labels]
            return lists
        return photos

    @staticmethod
    def _names(labels: list) -> list:
        several = (list, tuple, set, frozenset)
        return sorted({c for y in labels for c in (y if isinstance(y, several) else [y])}, key=str)

    def _learn(self, photos: Photos, classes: list) -> Learned:
        features, bad, _ = self.features(photos)
        small, _, _ = self.cache.rows("thumbnails-16", photos, thumbnails)
        good = np.setdiff1d(np.arange(len(photos)), [row for row, _ in bad])
        self.bad_ += [(photos.name(row), why) for row, why in bad]
        names = [photos.name(i) for i in range(len(photos))]
        groups = np.arange(len(photos))
        if photos.groups is not None:
            groups = np.unique([str(g) for g in photos.groups], return_inverse=True)[1]
        return Learned(names, one_hot(photos.labels, classes), groups.astype(np.int64),
                       photos.hashes, small, features).take(good)  # fmt: skip

    def features(self, photos: Any) -> tuple[np.ndarray, list[tuple[int, str]], int]:
        """Features [n, d], NaN for photos that cannot be read; [(row, why)]; how many came from the
        cache."""
        photos = Photos.of(photos)
        return self.cache.rows(self.extractor.key, photos, self.extractor.compute)

    def _train(self, start: LinearClassifier | None) -> None:
        learned = self._fitted()
        self._warn_of_bad()
        if len(learned.names) < 2:
            raise _core.Error(
                f"[images] {len(learned.names)} photos are too few to learn from"
                + (f": {_unreadable(self.bad_)}" if self.bad_ else "")
            )
        there = learned.truth.any(0)
        if not there.all():  # all photos of these could not be read
            none = [str(c) for c, ok in zip(self.classes_, there, strict=True) if not ok]
            warnings.warn(
                f"[images] no photo of {', '.join(none)} can be read: left out of the classes",
                stacklevel=4,
            )
            self.classes_ = [c for c, ok in zip(self.classes_, there, strict=True) if ok]
            learned.truth = learned.truth[:, there]
        pairs = duplicates.find(learned.hashes, learned.thumbnails, learned.features)
        names = learned.names
        self.duplicates_ = [(names[p.first], names[p.second], p.exact) for p in pairs]
        self.conflicts_ = [
            (names[p.first], names[p.second])
            for p in pairs
            if (learned.truth[p.first] != learned.truth[p.second]).any()
        ]
        same = duplicates.clusters(len(names), pairs)
        groups = duplicates.joined(learned.groups.tolist(), same)
        linear = self._linear()
        if not np.isscalar(linear.C) and len(np.unique(groups)) < 2:
            linear.C = 1.0  # one group only: nothing to hold out
        if self.multi_label_:
            linear.fit(learned.features, learned.truth, groups=groups, classes=self.classes_,
                       start=start)  # fmt: skip
        else:
            places = np.asarray(self.classes_, object)[learned.truth.argmax(1)]
            linear.fit(learned.features, places.astype(str) if _texts(self.classes_) else
                       places, groups=groups, start=start)  # fmt: skip
        self.linear_ = linear
        self.thresholds_ = np.full(len(self.classes_), 0.5)
        self.cross_validation_ = None
        if hasattr(linear, "held_out_"):
            chances = linear.probabilities(linear.held_out_)
            if self.multi_label_:
                self.thresholds_ = evaluation.thresholds(chances, learned.truth)
            self.cross_validation_ = self._evaluation(
                learned.truth, chances, learned.names,
                self._held_out_baselines(linear.cv_["fold"]),
                f"Cross-validation in {int(linear.cv_['fold'].max()) + 1} parts: each photo by a "
                "classifier that saw neither it, nor its group, nor its duplicates.",
            )  # fmt: skip

    def _warn_of_bad(self) -> None:
        if self.bad_:
            warnings.warn(
                f"[images] {len(self.bad_)} photos could not be read and are left out; the first: "
                f"{self.bad_[0][1]}",
                stacklevel=5,
            )

    def _held_out_baselines(self, fold: np.ndarray) -> dict[str, float]:
        learned = self._fitted()
        sums: dict[str, float] = {}
        for f in np.unique(fold):
            out = np.flatnonzero(fold == f)
            rest = np.flatnonzero(fold != f)
            found = evaluation.baselines(
                learned.truth[rest], learned.truth[out],
                (learned.thumbnails[rest], learned.thumbnails[out]),
                (learned.features[rest], learned.features[out]),
            )  # fmt: skip
            for name, share in found.items():
                sums[name] = sums.get(name, 0.0) + share * len(out) / len(fold)
        return sums

    def _evaluation(self, truth, chances, names, baselines, about) -> Evaluation:
        return Evaluation(
            list(self.classes_), truth, chances, self._chosen(chances), self.multi_label_, names,
            baselines=baselines, about=about,
        )  # fmt: skip

    def _chosen(self, chances: np.ndarray) -> np.ndarray:
        if self.multi_label_:
            return chances >= self.thresholds_
        chosen = np.zeros(chances.shape, bool)
        chosen[np.arange(len(chances)), chances.argmax(1)] = True
        return chosen

    def _fitted(self) -> Learned:
        if self.learned is None:
            raise _core.Error("[images] train the classifier with fit, or load one, before use")
        return self.learned

    # Use.

    def predict_proba(self, photos: Any) -> np.ndarray:
        """Chances [n, classes], in the order of `classes_`; NaN for photos that cannot be read.
        Nothing is kept on disk."""
        self._fitted()
        return self._chances(list(Photos.to_predict(photos).sources))[0]

    def _chances(self, sources: list) -> tuple[np.ndarray, list[tuple[int, str]]]:
        features, bad = self.extractor.compute(sources)
        return self.linear_.predict_proba(features), bad

    def predict(self, photos: Any, top: int = 5) -> list[Prediction]:
        """The classes of photos.

        Args:
            photos: paths or files' bytes, in a list; or one; or a folder: the photos in it and
                below.
            top: how many classes with their chances. Default: 5.

        Returns:
            One Prediction a photo. A photo that cannot be read has an error and no class.
        """
        self._fitted()
        photos = Photos.to_predict(photos)
        chances, bad = self._chances(photos.sources)
        why = dict(bad)
        chosen = self._chosen(chances)
        out = []
        for i in range(len(photos)):
            if i in why:
                out.append(Prediction(photos.name(i), (), [], why[i]))
                continue
            order = np.argsort(-chances[i], kind="stable")
            said = tuple(self.classes_[k] for k in order if chosen[i, k])
            best = [(self.classes_[k], float(chances[i, k])) for k in order[:top]]
            out.append(Prediction(photos.name(i), said, best, None))
        return out

    def evaluate(
        self, photos: Any, labels: Any = None, keep_duplicates: bool = False
    ) -> Evaluation:
        """Figures over photos whose classes are known, beside the baselines.

        Photos that are in the training set, too, and photos of unknown classes are left out and
        reported.

        Args:
            photos, labels: as in `fit`.
            keep_duplicates: counts photos of the training set, too. Default: False.

        Errors:
            ValueError where no photo is left to judge by: it says what was left out.
        """
        learned = self._fitted()
        photos = self._of_its_kind(Photos.of(photos, labels))
        features, bad, _ = self.features(photos)
        small, _, _ = self.cache.rows("thumbnails-16", photos, thumbnails)
        truth = one_hot(photos.labels, self.classes_)
        names = [photos.name(i) for i in range(len(photos))]
        left_out = {row for row, _ in bad}
        unknown = [i for i in np.flatnonzero((truth < 0).any(1)) if i not in left_out]
        left_out.update(unknown)
        pairs = duplicates.find(
            photos.hashes, small, features,
            (learned.hashes, learned.thumbnails, learned.features),
        )  # fmt: skip
        same = {p.first: p for p in reversed(pairs) if p.first not in left_out}
        if not keep_duplicates:
            left_out.update(same)
        good = [i for i in range(len(photos)) if i not in left_out]
        unknown = [(names[i], _named(photos.labels[i])) for i in unknown]
        if not good:
            raise _core.Error(
                evaluation.nothing_left(bad, unknown, self.classes_, 0 if keep_duplicates else
                                        len(same))
            )  # fmt: skip
        found = self._evaluation(
            truth[good], self.linear_.predict_proba(features[good]), [names[i] for i in good],
            evaluation.baselines(
                learned.truth, truth[good], (learned.thumbnails, small[good]),
                (learned.features, features[good]),
            ), f"{len(good)} photos that training did not see.",
        )  # fmt: skip
        found.sources = [photos.sources[i] for i in good]
        found.bad = [(names[row], why) for row, why in bad]
        found.unknown = unknown
        found.duplicates = [
            (names[i], learned.names[p.second], p.exact) for i, p in sorted(same.items())
        ]
        return found

    def fine_tune(self, photos: Any, labels: Any = None, **settings: Any) -> dict:
        """Trains the network's upper blocks, too: `andiron.apps.images.tuning.fine_tune`."""
        from andiron.apps.images import tuning

        return tuning.fine_tune(self, Photos.of(photos, labels), **settings)

    def quantize(self, photos: Any, labels: Any = None, **settings: Any) -> dict:
        """Puts the network in 8 bits: `andiron.apps.images.quantization.quantize`."""
        from andiron.apps.images import quantization

        return quantization.quantize(self, Photos.of(photos, labels), **settings)

    # Files.

    def save(self, path: Any) -> None:
        """Writes one safetensors file: the linear part, what is remembered of the training photos
        (features, for `add`), and the network unless it is one by name. The file appears
        complete or not at all; folders that are missing are made.

        Errors:
            OSError when it cannot be written; ValueError for the name of another format (.onnx).
        """
        classifier_file.write(path, self.to_bytes())

    @classmethod
    def load(cls, path: Any, cache: Any = None) -> ImageClassifier:
        """Reads what `save` wrote.

        Errors:
            OSError when there is no such file; ValueError when it is none, or the network's weights
            are others than those of the training.
        """
        with open(path, "rb") as file:
            return cls.from_bytes(file.read(), os.fspath(path), cache)

    @classmethod
    def from_bytes(cls, data: bytes, name: str = "bytes", cache: Any = None) -> ImageClassifier:
        """What `load` makes of a file's content."""
        return classifier_file.from_bytes(cls, data, name, cache)

    def _restore(self, about: dict, tensors: dict) -> None:
        self.classes_, self.multi_label_ = about["classes"], about["multi_label"]
        self.thresholds_, self.tuned = tensors["thresholds"], about["tuned"]
        self.bad_, self.repeated_, self.duplicates_, self.conflicts_ = [], [], [], []
        self.cross_validation_ = None
        linear = self._linear()
        linear.C_, linear.multi_label_ = about["C"], self.multi_label_
        linear.classes_ = np.asarray(self.classes_)
        linear.coef_, linear.intercept_ = tensors["coef"], tensors["intercept"]
        self.linear_ = linear
        self.learned = Learned(
            about["names"], tensors["truth"].astype(np.float32), tensors["groups"],
            tensors["hashes"], tensors["thumbnails"], tensors["features"],
        )  # fmt: skip

    def to_bytes(self) -> bytes:
        """What `save` writes."""
        return classifier_file.to_bytes(self)

    def __reduce__(self):
        return type(self).from_bytes, (self.to_bytes(),)


def _texts(classes: Sequence[Any]) -> bool:
    return all(isinstance(c, str) for c in classes)


def _named(label: Any) -> str:
    several = isinstance(label, (list, tuple, set, frozenset))
    return "|".join(map(str, label)) if several else str(label)


def _unreadable(bad: list[tuple[str, str]], most: int = 3) -> str:
    """What could not be read, and why, of the first ones."""
    more = f"; and {len(bad) - most} more" if len(bad) > most else ""
    said = "; ".join(why for _, why in bad[:most])
    return f"{len(bad)} could not be read ({said}{more})"
