"""AndironClassifier."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from andiron import _core
from andiron.sklearn._base import Network
from andiron.sklearn._network import Task


class AndironClassifier(ClassifierMixin, Network):
    """A network that classifies: scikit-learn's `MLPClassifier`, or any model.

    Args:
        hidden_layer_sizes: units of the hidden layers. Default: (100,).
        activation: of them: "relu" (the default), or what layers take ("tanh", "gelu", ...);
            scikit-learn's "identity" and "logistic", too.
        model: instead of those two: a function of a `Task` (`input_shape`, `n_outputs`,
            `n_classes`, `loss`, `activation`) and of `model_args` that returns an andiron.Model,
            compiled or not; or a Model, of which each fit trains a copy from its weights on. One
            that is not compiled gets `optimizer` and `loss`. Its last layer gives probabilities.
        model_args: keywords for that function; GridSearchCV may choose among several dicts.
        optimizer: a name or an Optimizer. Default: "adam".
        loss: default: binary crossentropy for two classes or several labels a sample, else sparse
            categorical crossentropy.
        alpha: alpha / 2 |W|^2, shared out over a batch, is added to its mean loss, as in
            `MLPClassifier`. Default: 1e-4.
        batch_size: "auto": 200, or all samples where there are fewer.
        learning_rate_init: default: the optimizer's, 0.001 for Adam.
        max_iter: epochs at most. Default: 200.
        shuffle: another order in each epoch. Default: True.
        random_state: of first weights, order and samples held out: the same int gives the same
            network, bit for bit.
        tol, n_iter_no_change: training ends when so many epochs in a row did not make the loss
            smaller by tol (1e-4, 10). tol=None: after max_iter epochs.
        early_stopping: the accuracy on samples held out counts instead, and the best epoch's
            weights stay. Default: False.
        validation_fraction: of the samples that are held out for it. Default: 0.1.
        warm_start: `fit` goes on with the network of the fit before. Default: False.
        class_weight: {class: weight}, "balanced" or None. Default: None.
        callbacks: of andiron.callbacks.
        verbose: as in Model.fit. Default: 0.
        threads: 0: all, in joblib's processes their share.

    After fit: `classes_`, `model_` (the andiron.Model), `n_features_in_`, `feature_names_in_` (of a
    DataFrame), `n_iter_`, `loss_curve_`, `validation_scores_`, `history_`.

    y may be 0 and 1 for several labels a sample: [samples, labels]. Computes in float32.

    Errors:
        ValueError for NaN, infinity or wrong shapes, in scikit-learn's words; andiron.Error for
            settings.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.model_selection import cross_val_score
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> from andiron.sklearn import AndironClassifier
        >>> net = AndironClassifier((16,), learning_rate_init=0.05, max_iter=30, tol=None,
        ...                         random_state=0)
        >>> X, y = load_iris(return_X_y=True)
        >>> bool(cross_val_score(make_pipeline(StandardScaler(), net), X, y, cv=3).mean() > 0.9)
        True
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        model: Any = None,
        model_args: dict | None = None,
        optimizer: Any = "adam",
        loss: Any = None,
        alpha: float = 1e-4,
        batch_size: int | str = "auto",
        learning_rate_init: float | None = None,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float | None = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        class_weight: Any = None,
        callbacks: Any = None,
        verbose: int = 0,
        threads: int = 0,
    ):
        super().__init__(
            hidden_layer_sizes,
            activation,
            model=model,
            model_args=model_args,
            optimizer=optimizer,
            loss=loss,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate_init=learning_rate_init,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            n_iter_no_change=n_iter_no_change,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            warm_start=warm_start,
            callbacks=callbacks,
            verbose=verbose,
            threads=threads,
        )
        self.class_weight = class_weight

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> AndironClassifier:
        """Trains a network; with warm_start the one there is goes on."""
        return self._fit(X, y, sample_weight, self.max_iter, self.warm_start)

    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> AndironClassifier:
        """One epoch over these samples.

        Args:
            classes: all that will ever come; needed by the first call unless its y has all.
        """
        if not hasattr(self, "model_"):
            self._expected = None if classes is None else np.unique(classes)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"[sklearn] classes={classes!r} are not those of the call before")
        try:
            return self._partial_fit(X, y, sample_weight)
        finally:
            self.__dict__.pop("_expected", None)

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest class of each sample; with several labels, 0 or 1 for each."""
        chances = self.predict_proba(X)
        if self._several:
            return (chances > 0.5).astype(self.classes_.dtype)
        return self.classes_[chances.argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """float32 [samples, classes], in the order of `classes_`."""
        chances = self._outputs(X)
        if len(self.classes_) == 1:
            return np.ones((len(chances), 1), np.float32)
        if not self._several and chances.shape[1] == 1:
            return np.concatenate([1 - chances, chances], axis=1)
        return chances

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of predict_proba."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    # What a fit asks.

    def _checked_y(self, y: Any, first: bool) -> np.ndarray:
        check_classification_targets(y)
        several = type_of_target(y).startswith("multilabel")
        if not several:
            y = column_or_1d(y, warn=True)
        if first:
            self._several = several
            there = np.arange(y.shape[1]) if several else np.unique(y)
            expected = getattr(self, "_expected", None)
            self.classes_ = there if expected is None else expected
        elif several != self._several:
            raise ValueError("[sklearn] y has another form than in the fit before")
        if several and y.shape[1] != len(self.classes_):
            raise ValueError(f"[sklearn] y has {y.shape[1]} labels, not {len(self.classes_)}")
        if not several and len(unknown := np.setdiff1d(y, self.classes_)):
            raise ValueError(f"[sklearn] y has the class {unknown[0]}, which is not in classes_")
        return y

    def _weights(self, sample_weight: Any, X: np.ndarray, y: np.ndarray) -> np.ndarray | None:
        weights = super()._weights(sample_weight, X, y)
        if self.class_weight is None:
            return weights
        if isinstance(self.class_weight, dict) and not self._several:
            unknown = [c for c in self.class_weight if c not in self.classes_]
            if unknown:
                raise ValueError(f"[sklearn] class_weight names {unknown[0]!r}, which is no class")
        of_class = compute_sample_weight(self.class_weight, y)
        return of_class if weights is None else weights * of_class

    def _task(self, y: np.ndarray, input_shape: tuple[int, ...]) -> Task:
        n = len(self.classes_)
        if self._several:
            return Task(input_shape, n, n, "binary_crossentropy", "sigmoid")
        if n <= 2:
            return Task(input_shape, 1, n, "binary_crossentropy", "sigmoid")
        return Task(input_shape, n, n, "sparse_categorical_crossentropy", "softmax")

    def _loss_for(self, network: Any, task: Task) -> str:
        width = network.outputs[0].shape[-1]
        n = task.n_classes
        if width != n and not (width == 1 and n <= 2):
            raise _core.Error(f"[sklearn] there are {n} classes; the model gives {width} numbers")
        if self._several or width == 1:
            return "binary_crossentropy"
        return "sparse_categorical_crossentropy"

    def _metrics(self, task: Task) -> list:
        return ["accuracy"] if self.early_stopping and not self._several else []

    def _targets(self, y: np.ndarray) -> np.ndarray:
        if self._several:
            return y.astype(np.float32)
        labels = np.searchsorted(self.classes_, y).astype(np.int32)
        out = self.model_.outputs[0]
        if out.shape[-1] == 1:
            return labels.astype(np.float32)[:, None]
        loss = self.model_._losses[0].description(out.dtype, out.shape)["class_name"]
        sparse = loss.startswith("Sparse")
        return labels if sparse else np.eye(out.shape[-1], dtype=np.float32)[labels]

    def _strata(self, y: np.ndarray) -> np.ndarray | None:
        return None if self._several else y
