"""What the classifier and the regressor share: fitting a network under scikit-learn's rules."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from andiron import _core
from andiron.sklearn._network import Task, made, perceptron, predicted

_SEEDS = 2**31 - 1


class Network(BaseEstimator):
    """Base of the estimators that learn."""

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
        callbacks: Any = None,
        verbose: int = 0,
        threads: int = 0,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.model = model
        self.model_args = model_args
        self.optimizer = optimizer
        self.loss = loss
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.verbose = verbose
        self.threads = threads

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.non_deterministic = False
        return tags

    # What the two estimators say.

    _y_numeric = False

    def _checked_y(self, y: np.ndarray, first: bool) -> np.ndarray:
        """y in one form, and what is to be known of it; `first`: of a new network."""
        raise NotImplementedError

    def _task(self, y: np.ndarray, input_shape: tuple[int, ...]) -> Task:
        raise NotImplementedError

    def _targets(self, y: np.ndarray) -> np.ndarray:
        """y as `model_` is trained on it."""
        raise NotImplementedError

    def _loss_for(self, network: Any, task: Task) -> Any:
        return task.loss

    def _metrics(self, task: Task) -> list:
        return []

    def _strata(self, y: np.ndarray) -> np.ndarray | None:
        """What is held out in equal parts."""
        return None

    # Data.

    def _checked(self, X: Any, first: bool = False, **y: Any) -> Any:
        """X (and y) as arrays of numbers: [samples, features] or, for a model of the user's, of
        more axes."""
        options: dict[str, Any] = {"reset": first, "allow_nd": self.model is not None}
        options["dtype"] = np.float32 if self.model is None else "numeric"
        return validate_data(self, X, **y, **options)

    def _weights(self, sample_weight: Any, X: np.ndarray, y: np.ndarray) -> np.ndarray | None:
        if sample_weight is None:
            return None
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        if not weights.any():
            raise _core.Error("[sklearn] all sample weights are zero")
        return weights

    # Fitting.

    def _check_settings(self) -> None:
        for name, least in (("max_iter", 1), ("n_iter_no_change", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
                raise _core.Error(f"[sklearn] {name} is an integer from {least}; got {value!r}")
        size = self.batch_size
        if size != "auto" and (not isinstance(size, (int, np.integer)) or size < 1):
            raise _core.Error(f'[sklearn] batch_size is "auto" or a positive integer; got {size!r}')
        if self.alpha < 0:
            raise _core.Error(f"[sklearn] alpha must not be negative; got {self.alpha}")
        if self.early_stopping and not 0 < self.validation_fraction < 1:
            raise _core.Error(
                f"[sklearn] validation_fraction is in (0, 1); got {self.validation_fraction}"
            )

    def _batch_size(self, rows: int) -> int:
        return min(200, rows) if self.batch_size == "auto" else min(int(self.batch_size), rows)

    def _make(self, task: Task, rows: int, mean_weight: float, seed: int) -> None:
        """A new network, its first values drawn by the seed."""
        from andiron import optimizers

        with _core.SeedScope(seed):
            if self.model is None:
                # alpha / 2 |W|^2 is shared out over the samples of a batch, as MLPClassifier does.
                penalty = 0.5 * self.alpha / (self._batch_size(rows) * mean_weight)
                network = perceptron(task, self.hidden_layer_sizes, self.activation, penalty)
            else:
                network = made(self.model, self.model_args, task)
            if network._compiled_with is None:
                optimizer = self.optimizer
                if isinstance(optimizer, optimizers.Optimizer):  # each fit has slots of its own
                    optimizer = optimizer._core.description()
                optimizer = optimizers.get(optimizer)
                if self.learning_rate_init is not None:
                    optimizer.learning_rate = self.learning_rate_init
                network.compile(
                    optimizer,
                    self._loss_for(network, task) if self.loss is None else self.loss,
                    metrics=self._metrics(task),
                    threads=int(self.threads),
                )
            network._require_compiled()
        self.model_ = network
        self.loss_curve_: list[float] = []
        self.validation_scores_: list[float] | None = [] if self.early_stopping else None
        self.n_iter_ = 0
        self.t_ = 0

    def _fit(self, X: Any, y: Any, sample_weight: Any, epochs: int, go_on: bool) -> Any:
        """One training. `go_on`: with the network there is."""
        self._check_settings()
        before = dict(vars(self))
        try:
            data, held_out, seed = self._begin(X, y, sample_weight, epochs, go_on)
        except Exception:
            # What is known of the data belongs to the network there is.
            vars(self).clear()
            vars(self).update(before)
            raise
        self._train(data, held_out, epochs, seed)
        return self

    def _begin(self, X: Any, y: Any, sample_weight: Any, epochs: int, go_on: bool) -> tuple:
        """(data, data held out or None, seed) of a training, and its network as `model_`."""
        first = not (go_on and hasattr(self, "model_"))
        X, y = self._checked(X, first, y=y, multi_output=True, y_numeric=self._y_numeric)
        y = self._checked_y(y, first)
        weights = self._weights(sample_weight, X, y)
        if weights is not None and not weights.all():  # such a sample is none
            there = weights > 0
            X, y, weights = X[there], y[there], weights[there]
        random = check_random_state(self.random_state)
        train, held_out = np.arange(len(X)), None
        if self.early_stopping and epochs > 1:
            train, held_out = train_test_split(
                train,
                test_size=self.validation_fraction,
                random_state=random.randint(_SEEDS),
                stratify=self._strata(y),
            )
        seed = int(random.randint(_SEEDS))
        mean_weight = 1.0 if weights is None else float(weights[train].mean())
        if first:
            self._make(self._task(y, X.shape[1:]), len(train), mean_weight, seed)
        targets = self._targets(y)
        if weights is not None:
            weights = (weights / mean_weight).astype(np.float32)

        def part(rows: np.ndarray) -> list:
            return [X[rows], targets[rows], *([] if weights is None else [weights[rows]])]

        return part(train), None if held_out is None else part(held_out), seed

    def _train(self, data: list, held_out: list | None, epochs: int, seed: int) -> None:
        from andiron import callbacks
        from andiron.callbacks._protocol import listed

        network, given = self.model_, listed(self.callbacks)
        monitor = "loss"
        if held_out is not None:
            scored = "accuracy" in network.metrics_names
            monitor = "val_accuracy" if scored else "val_loss"
        stopping = None
        if self.tol is not None and epochs > 1:
            stopping = callbacks.EarlyStopping(
                monitor,
                min_delta=self.tol,
                patience=self.n_iter_no_change,
                restore_best_weights=held_out is not None,
            )
            given.append(stopping)
        history = network.fit(
            *data[:2],
            batch_size=self._batch_size(len(data[0])),
            epochs=epochs,
            verbose=int(self.verbose),
            callbacks=given,
            validation_data=None if held_out is None else tuple(held_out),
            shuffle=bool(self.shuffle),
            sample_weight=data[2] if len(data) > 2 else None,
            seed=seed,
        ).history
        self.history_ = history
        self.loss_curve_ += history["loss"]
        self.loss_ = self.loss_curve_[-1]
        self.best_loss_ = min(self.loss_curve_) if held_out is None else None
        self.n_iter_ += len(history["loss"])
        self.t_ += len(history["loss"]) * len(data[0])
        if held_out is not None:
            self.validation_scores_ = history[monitor]
        ended = stopping is None or stopping.stopped_epoch or network.stop_training
        if not ended and self.model is None:
            warnings.warn(
                f"[sklearn] the loss still fell by more than tol={self.tol} after max_iter="
                f"{self.max_iter} epochs: the network may gain from more",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any) -> Any:
        return self._fit(X, y, sample_weight, 1, True)

    def _outputs(self, X: Any) -> np.ndarray:
        """float32 [samples, outputs]"""
        check_is_fitted(self, "model_")
        return predicted(self.model_, self._checked(X))
