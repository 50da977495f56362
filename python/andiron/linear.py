"""Linear classifiers on fixed features: logistic regression and support vectors, by L-BFGS."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from andiron import _core

FORMAT = 1  # of files

__all__ = ["STRENGTHS", "LinearClassifier", "folds"]

STRENGTHS = tuple(float(c) for c in np.logspace(-4, 3, 15))
"""What C is chosen from by default: 1e-4 to 1e3, two a decade."""

_KEPT_BYTES = 512 << 20  # of scores held out, for all strengths


def folds(y: Any, n_splits: int = 5, groups: Any = None, seed: int = 0) -> np.ndarray:
    """A number of a fold for each example: each class comes as equally often as possible in all.

    Args:
        y: classes [n] of any kind, or several at a time: [n, classes] of 0 and 1.
        n_splits: how many folds. Default: 5; fewer where there are fewer groups.
        groups: [n]; examples of one group (photos of one house) are in one fold. Default: each is
            its own.
        seed: of the order in which groups are dealt out.

    Returns:
        int64 [n], 0 to n_splits - 1.

    Errors:
        ValueError with fewer than two groups or folds.

    Example:
        >>> from andiron.linear import folds
        >>> sorted(folds(["a", "a", "b", "b"], 2)[:2].tolist())
        [0, 1]
    """
    y = np.asarray(y)
    if y.ndim == 1:
        _, labels = np.unique(y, return_inverse=True)
        counts = np.zeros((len(y), labels.max(initial=0) + 1), np.int64)
        counts[np.arange(len(y)), labels] = 1
    else:
        counts = y.astype(np.int64)
    names = np.arange(len(y)) if groups is None else np.unique(groups, return_inverse=True)[1]
    n_groups = int(names.max(initial=-1)) + 1
    if n_splits < 2 or n_groups < 2:
        raise _core.Error(
            f"[linear] cross-validation takes at least 2 folds and 2 groups of examples; got "
            f"{n_splits} and {n_groups}"
        )
    n_splits = min(n_splits, n_groups)
    order = np.random.default_rng(seed).permutation(n_groups)
    if groups is None and y.ndim == 1:  # each class dealt out in turn
        out = np.empty(len(y), np.int64)
        by_class = order[np.argsort(labels[order], kind="stable")]
        out[by_class] = np.arange(len(y)) % n_splits
        return out
    of_group = np.zeros((n_groups, counts.shape[1]), np.int64)
    np.add.at(of_group, names, counts)
    sizes = np.bincount(names, minlength=n_groups)
    order = order[np.argsort(-sizes[order], kind="stable")]
    share = np.maximum(of_group.sum(0), 1)
    held = np.zeros((n_splits, counts.shape[1]))
    rows = np.zeros(n_splits)
    fold_of = np.empty(n_groups, np.int64)
    for group in order:  # to the fold that has least of what the group has
        have = (held * (of_group[group] / share)).sum(1) + 1e-3 * rows / len(y)
        fold = int(np.argmin(have))
        fold_of[group] = fold
        held[fold] += of_group[group] / share
        rows[fold] += sizes[group]
    _, fold_of = np.unique(fold_of, return_inverse=True)  # none is empty
    return fold_of[names]


def softmax(scores: np.ndarray) -> np.ndarray:
    """Of each row."""
    e = np.exp(scores - scores.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def sigmoid(scores: np.ndarray) -> np.ndarray:
    e = np.exp(-np.abs(scores))
    return np.where(scores < 0, e, 1.0) / (1.0 + e)


class LinearClassifier:
    """A linear classifier, trained in C++; named and defined as scikit-learn's.

    C sum of losses + |W|^2 / 2 is minimised by L-BFGS in float32, with sums in double; intercepts
    are not penalised. The logistic loss is that of `LogisticRegression` (multinomial; one score
    for two classes), or of `OneVsRestClassifier(LogisticRegression())` where an example may have
    several classes. "squared_hinge" is `LinearSVC`'s, one class against the rest.

    Args:
        C: how little W is penalised. One number; or several, of which the best by
            cross-validation is taken, trained side by side on the cores, each from what the one
            before came to. Default: `STRENGTHS`.
        loss: "logistic" or "squared_hinge".
        cv: folds of that cross-validation. Default: 5.
        scoring: what the choice goes by, on the examples held out: "loss" (the default) or
            "accuracy"; the smallest C among equals.
        tol: L-BFGS ends when no derivative of the mean loss is larger. Default: 1e-4.
        max_iter: its steps. Default: 1000.
        fit_intercept: default True.
        class_weight: "balanced" (each class weighs the same), {class: weight} or None.
        seed: of the folds.
        threads: 0 for andiron.get_threads().

    After `fit`: `coef_` [classes, features] (one row for two classes), `intercept_`, `classes_`,
    `C_`, `n_iter_`, `converged_`; `cv_` (a dict of C, loss, accuracy, each [strengths] or
    [strengths, folds], and the fold of each example) and `held_out_` (decisions for each
    example by the classifier that did not see its fold) where C was chosen.

    Errors:
        ValueError for NaN, one class only, shapes that do not fit; TypeError for what are no
        numbers.

    Example:
        >>> import numpy as np
        >>> from andiron.linear import LinearClassifier
        >>> x = np.array([[0.0], [1.0], [2.0], [3.0]], np.float32)
        >>> LinearClassifier(C=10.0).fit(x, ["low", "low", "high", "high"]).predict(x).tolist()
        ['low', 'low', 'high', 'high']

    Source: Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", 1989.
    """

    def __init__(
        self,
        C: float | Sequence[float] = STRENGTHS,
        *,
        loss: str = "logistic",
        cv: int = 5,
        scoring: str = "loss",
        tol: float = 1e-4,
        max_iter: int = 1000,
        fit_intercept: bool = True,
        class_weight: Any = None,
        seed: int = 0,
        threads: int = 0,
    ):
        if loss not in ("logistic", "squared_hinge"):
            raise _core.Error(f'[linear] loss is "logistic" or "squared_hinge"; got {loss!r}')
        if scoring not in ("loss", "accuracy"):
            raise _core.Error(f'[linear] scoring is "loss" or "accuracy"; got {scoring!r}')
        self.C, self.loss, self.cv, self.scoring = C, loss, cv, scoring
        self.tol, self.max_iter, self.fit_intercept = tol, max_iter, fit_intercept
        self.class_weight, self.seed, self.threads = class_weight, seed, threads

    # Training.

    def fit(
        self,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        groups: Any = None,
        classes: Sequence[Any] | None = None,
        start: LinearClassifier | None = None,
    ) -> LinearClassifier:
        """Trains from the beginning, or from where `start` is.

        Args:
            x: features [n, d], float32.
            y: classes [n]; or [n, classes] of 0 and 1 where an example may have several.
            sample_weight: [n].
            groups: [n], for cross-validation: examples of one group are held out together.
            classes: names of the columns of such a y. Default: 0, 1, ...
            start: a classifier of the same features; what it knows of these classes is where
                training begins, which ends in the same place.
        """
        x = np.ascontiguousarray(x, np.float32)
        y = np.asarray(y)
        if x.ndim != 2 or len(x) != len(y) or y.ndim not in (1, 2):
            raise _core.Error(
                f"[linear] takes features [n, d] and classes [n] or [n, classes]; got {x.shape} "
                f"and {y.shape}"
            )
        self._take_classes(y, classes)
        targets, n_columns = self._targets(y)
        weights = self._weights(y, sample_weight)
        kind = self._core_loss()
        several = not np.isscalar(self.C)
        if several:
            self._choose(x, y, targets, weights, n_columns, groups)
        else:
            self.C_ = float(self.C)
        examples = _core.LinearExamples(
            x, targets, weights, n_columns, kind, bool(self.fit_intercept), []
        )
        w, b = self._start(start, x.shape[1], n_columns)
        found = examples.fit(
            self.C_, self.tol, self.max_iter, self.fit_intercept, self._threads(), w, b
        )
        self.coef_ = found["coef"].numpy()
        self.intercept_ = found["intercept"].numpy().astype(np.float32)
        self.n_iter_, self.converged_ = found["iterations"], found["converged"]
        self.objective_ = found["value"]
        return self

    def _threads(self) -> int:
        return self.threads or _core.get_threads()

    def _take_classes(self, y: np.ndarray, classes: Sequence[Any] | None) -> None:
        self.multi_label_ = y.ndim == 2
        if self.multi_label_:
            names = range(y.shape[1]) if classes is None else list(classes)
            if len(names) != y.shape[1]:
                raise _core.Error(
                    f"[linear] y has {y.shape[1]} columns; {len(names)} classes were named"
                )
            self.classes_ = np.asarray(list(names))
            return
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise _core.Error(
                f"[linear] takes at least two classes; all examples are {self.classes_.tolist()}"
            )

    def _core_loss(self) -> str:
        if self.loss == "squared_hinge":
            return "squared_hinge"
        return "sigmoid" if self.multi_label_ or len(self.classes_) == 2 else "softmax"

    def _targets(self, y: np.ndarray) -> tuple[np.ndarray, int]:
        if self.multi_label_:
            return np.ascontiguousarray(y, np.float32), y.shape[1]
        places = np.searchsorted(self.classes_, y)
        if len(self.classes_) == 2:
            return places.astype(np.float32)[:, None], 1
        n = len(self.classes_)
        if self.loss == "squared_hinge":
            return np.eye(n, dtype=np.float32)[places], n
        return places.astype(np.int64), n

    def _weights(self, y: np.ndarray, sample_weight: Any) -> np.ndarray | None:
        out = None if sample_weight is None else np.asarray(sample_weight, np.float32)
        if self.class_weight is None:
            return out
        if self.multi_label_:
            raise _core.Error("[linear] class_weight is for examples of one class each")
        places = np.searchsorted(self.classes_, y)
        if self.class_weight == "balanced":
            counts = np.bincount(places, out, len(self.classes_))  # of weights, where there are
            by_class = counts.sum() / (len(counts) * np.maximum(counts, 1e-12))
        else:
            by_class = np.array([self.class_weight.get(c, 1.0) for c in self.classes_.tolist()])
        found = by_class[places].astype(np.float32)
        return found if out is None else out * found

    def _choose(self, x, y, targets, weights, n_columns, groups) -> None:
        strengths = sorted(float(c) for c in self.C)
        fold = folds(y, self.cv, groups, self.seed)
        order = np.argsort(fold, kind="stable")
        edges = np.searchsorted(fold[order], np.arange(fold.max() + 2)).tolist()
        ranges = list(zip(edges, edges[1:], strict=False))
        examples = _core.LinearExamples(
            x, targets, weights, n_columns, self._core_loss(), bool(self.fit_intercept),
            order.tolist(),
        )  # fmt: skip

        def run(cs: list[float], keep: bool) -> dict:
            return examples.cross_validate(
                ranges, cs, self.tol, self.max_iter, self.fit_intercept, self._threads(), keep
            )

        keep = 4 * len(strengths) * len(x) * n_columns <= _KEPT_BYTES
        found = run(strengths, keep)
        loss, correct = found["loss"].numpy(), found["correct"].numpy()
        size = np.diff(edges) / len(x)
        mean_loss, accuracy = loss @ size, correct @ size
        best = int(np.argmin(mean_loss if self.scoring == "loss" else -np.round(accuracy, 12)))
        self.C_ = strengths[best]
        self.cv_ = {"C": strengths, "loss": loss, "accuracy": correct, "fold": fold}
        scores = (
            found["scores"].numpy()[best] if keep else run([self.C_], True)["scores"].numpy()[0]
        )
        self.held_out_ = np.empty_like(scores)
        self.held_out_[order] = scores
        if n_columns == 1 and not self.multi_label_:
            self.held_out_ = self.held_out_[:, 0]

    def _start(self, start: Any, d: int, n_columns: int) -> tuple[Any, Any]:
        if start is None:
            return None, None
        if start.coef_.shape[1] != d:
            raise _core.Error(
                f"[linear] start is of {start.coef_.shape[1]} features; there are {d}"
            )
        w, b = np.zeros((n_columns, d), np.float32), np.zeros(n_columns, np.float64)
        if n_columns == 1 or len(start.coef_) == 1:
            same = np.array_equal(start.classes_, self.classes_)
            return (start.coef_, start.intercept_) if same else (None, None)
        known = {c: i for i, c in enumerate(start.classes_.tolist())}
        for i, c in enumerate(self.classes_.tolist()):
            if c in known:
                w[i], b[i] = start.coef_[known[c]], start.intercept_[known[c]]
        return w, b

    # Use.

    def decision_function(self, x: Any) -> np.ndarray:
        """Scores [n, classes], or [n] for two classes: above 0 is the second."""
        x = np.asarray(x, np.float32)
        if x.ndim != 2 or x.shape[1] != self.coef_.shape[1]:
            raise _core.Error(f"[linear] takes features [n, {self.coef_.shape[1]}]; got {x.shape}")
        scores = x @ self.coef_.T + self.intercept_
        return scores[:, 0] if len(self.coef_) == 1 and not self.multi_label_ else scores

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """What `predict_proba` makes of the scores of `decision_function`."""
        if self.multi_label_:
            return sigmoid(scores)
        if scores.ndim == 1:
            p = sigmoid(scores)
            return np.stack([1.0 - p, p], 1)
        if self.loss == "squared_hinge":
            p = sigmoid(scores)
            return p / p.sum(1, keepdims=True)
        return softmax(scores)

    def predict_proba(self, x: Any) -> np.ndarray:
        """Probabilities [n, classes] (of each class by itself where there may be several). Those
        of "squared_hinge" only keep the order of its scores."""
        return self.probabilities(self.decision_function(x))

    def predict(self, x: Any) -> np.ndarray:
        """The likeliest class [n]; or [n, classes] of booleans where there may be several."""
        scores = self.decision_function(x)
        if self.multi_label_:
            return scores > 0
        places = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(1)
        return self.classes_[places]

    def score(self, x: Any, y: Any) -> float:
        """The share of examples whose classes are all right."""
        right = self.predict(x) == np.asarray(y)
        return float(right.all(1).mean() if self.multi_label_ else right.mean())

    # Files.

    def save(self, path: Any) -> None:
        """Writes what was learned and the settings as one safetensors file, which appears complete
        or not at all.

        Errors:
            andiron.Error before `fit`; OSError when the file cannot be written.
        """
        if not hasattr(self, "coef_"):
            raise _core.Error("[linear] train the classifier with fit before it is saved")
        settings = {name: _plain(getattr(self, name)) for name in _SETTINGS}
        if isinstance(self.class_weight, dict):
            settings["class_weight"] = [[_plain(c), w] for c, w in self.class_weight.items()]
        about = {
            "version": FORMAT,
            "settings": settings,
            "classes": self.classes_.tolist(),
            "multi_label": self.multi_label_,
            "C": self.C_,
            "iterations": self.n_iter_,
            "converged": self.converged_,
        }
        tensors = {"coef": self.coef_, "intercept": self.intercept_}
        _core.write_tensors(
            os.fspath(path), tensors, {"format": "andiron", "andiron.linear": json.dumps(about)}
        )

    @classmethod
    def load(cls, path: Any) -> LinearClassifier:
        """Reads what `save` wrote.

        Errors:
            OSError when the file cannot be read or is damaged; andiron.Error when it is another.
        """
        tensors, metadata = _core.read_tensors(os.fspath(path))
        try:
            about = json.loads(metadata["andiron.linear"])
            if about["version"] > FORMAT:
                raise _core.Error(
                    f"[linear] '{path}' is of version {about['version']}; this Andiron reads up to "
                    f"{FORMAT}"
                )
            # A setting that a later version has beside these does not matter for predictions.
            settings = {k: v for k, v in about["settings"].items() if k in _SETTINGS}
            if isinstance(settings.get("class_weight"), list):
                settings["class_weight"] = dict(map(tuple, settings["class_weight"]))
            made = cls(**settings)
            made.classes_, made.multi_label_ = np.asarray(about["classes"]), about["multi_label"]
            made.C_, made.n_iter_ = about["C"], about["iterations"]
            made.converged_ = about["converged"]
            made.coef_ = tensors["coef"].numpy().copy()
            made.intercept_ = tensors["intercept"].numpy().copy()
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise _core.Error(
                f"[linear] '{path}' is no linear classifier that Andiron saved: {error}"
            ) from error
        return made


_SETTINGS = ("C", "loss", "cv", "scoring", "tol", "max_iter", "fit_intercept", "class_weight",
             "seed", "threads")  # fmt: skip


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(v) for v in value]
    return value
