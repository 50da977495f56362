"""AndironRegressor."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d

from andiron import _core
from andiron.sklearn._base import Network
from andiron.sklearn._network import Task


class AndironRegressor(RegressorMixin, Network):
    """A network that predicts numbers: scikit-learn's `MLPRegressor`, or any model.

    Targets are brought to mean 0 and standard deviation 1 for the network, each of several by
    itself, and predictions back: unlike `MLPRegressor` it does not depend on their unit.

    Arguments, attributes and errors as of `AndironClassifier`, without class_weight; the loss is
    the mean squared error by default, and early_stopping goes by the loss on samples held out.
    `partial_fit` keeps the mean and deviation of its first samples.

    Args:
        scale_target: False leaves the targets as they are. Default: True.

    After fit, also: `target_mean_`, `target_scale_`.

    Example:
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> from andiron.sklearn import AndironRegressor
        >>> X, y = load_diabetes(return_X_y=True)
        >>> net = AndironRegressor((20,), learning_rate_init=0.02, max_iter=30, tol=None,
        ...                        random_state=0)
        >>> bool(make_pipeline(StandardScaler(), net).fit(X, y).score(X, y) > 0.3)
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
        scale_target: bool = True,
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
        self.scale_target = scale_target

    _y_numeric = True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> AndironRegressor:
        """Trains a network; with warm_start the one there is goes on."""
        return self._fit(X, y, sample_weight, self.max_iter, self.warm_start)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> AndironRegressor:
        """One epoch over these samples."""
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X: Any) -> np.ndarray:
        """float64 [samples], or [samples, targets]."""
        found = self._outputs(X) * self.target_scale_ + self.target_mean_
        return found[:, 0] if self._one_column else found

    # What a fit asks.

    def _checked_y(self, y: np.ndarray, first: bool) -> np.ndarray:
        one_column = y.ndim == 1 or y.shape[1] == 1
        if one_column:
            y = column_or_1d(y, warn=True)[:, None]
        if not first and y.shape[1] != len(self.target_mean_):
            raise ValueError(
                f"[sklearn] y has {y.shape[1]} columns; {len(self.target_mean_)} in the fit before"
            )
        if first:
            self._one_column = one_column
            width = y.shape[1]
            self.target_mean_, self.target_scale_ = np.zeros(width), np.ones(width)
            self._scale_is_known = not self.scale_target
        return y.astype(np.float64)

    def _weights(self, sample_weight: Any, X: np.ndarray, y: np.ndarray) -> np.ndarray | None:
        weights = super()._weights(sample_weight, X, y)
        if not self._scale_is_known:
            self._scale_is_known = True
            self.target_mean_ = np.average(y, axis=0, weights=weights)
            spread = np.sqrt(np.average((y - self.target_mean_) ** 2, axis=0, weights=weights))
            self.target_scale_ = np.where(spread > 0, spread, 1.0)
        return weights

    def _task(self, y: np.ndarray, input_shape: tuple[int, ...]) -> Task:
        return Task(input_shape, y.shape[1], None, "mean_squared_error", None)

    def _loss_for(self, network: Any, task: Task) -> str:
        width = network.outputs[0].shape[-1]
        if width != task.n_outputs:
            raise _core.Error(
                f"[sklearn] there are {task.n_outputs} targets; the model gives {width} numbers"
            )
        return task.loss

    def _targets(self, y: np.ndarray) -> np.ndarray:
        return ((y - self.target_mean_) / self.target_scale_).astype(np.float32)
