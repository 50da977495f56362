"""Permutation importance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from andiron import _core
from andiron._arrays import is_pandas
from andiron._refuse import whole


@dataclass(frozen=True)
class Importances:
    """How much worse a figure became when a feature was shuffled."""

    names: list[str]
    """Of the features: columns, inputs, or their numbers."""
    importances: np.ndarray
    """[features, repeats]"""
    baseline: float
    """The figure on the data as they are."""

    @property
    def importances_mean(self) -> np.ndarray:
        """[features]"""
        return self.importances.mean(axis=1)

    @property
    def importances_std(self) -> np.ndarray:
        """[features]: the spread over the repeats."""
        return self.importances.std(axis=1)

    def __str__(self) -> str:
        order = np.argsort(-self.importances_mean, kind="stable")
        width = max(map(len, self.names))
        return "\n".join(
            f"{self.names[i]:<{width}} {self.importances_mean[i]:9.4f} "
            f"+- {self.importances_std[i]:.4f}"
            for i in order
        )


def permutation_importance(
    model: Any,
    x: Any,
    y: Any,
    *,
    metric: Any = None,
    maximize: bool | None = None,
    n_repeats: int = 5,
    random_state: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
) -> Importances:
    """How much worse the model becomes when a feature is shuffled among the samples.

    A feature is a column of x, or, where the model has several inputs, an input as a whole (all
    columns of a row together). With the same random_state the shuffles are those of
    `sklearn.inspection.permutation_importance` on the same matrix.

    Args:
        model: an andiron.Model, or anything with `predict`.
        x: an array or a DataFrame [samples, features], or a dict or list of arrays for several
            inputs.
        y: targets.
        metric: a name or Metric of andiron.metrics, a Loss, or a function (y_true, y_pred) of
            arrays, such as scikit-learn's (y_pred is what `predict` gives). Default: the loss that
            the model was compiled with.
        maximize: whether more is better. Default: by the name (accuracies, areas under curves and
            ranking figures are; losses and errors are not); a function's: True.
        n_repeats: shuffles of each feature. Default: 5.
        random_state: an int, or a numpy.random.RandomState. Default: other shuffles in each call.
        sample_weight: [samples], for metrics that take it.
        batch_size: as of `predict`.

    Returns:
        Importances: `importances_mean`, `importances_std`, `importances`, `names`; positive where
        the feature is of use. `print` shows them in order.

    Errors:
        andiron.Error without a metric where the model is not compiled.

    Source:
        Breiman, Random forests, 2001; Fisher et al., All models are wrong, but many are useful,
        2019.

    Example:
        >>> import numpy as np
        >>> from andiron import Input, Sequential, explain, layers
        >>> net = Sequential([Input((2,)), layers.Dense(1)])
        >>> net.set_weights([np.float32([[2.0], [0.0]]), np.float32([0.0])])
        >>> x = np.random.default_rng(0).normal(size=(50, 2)).astype("float32")
        >>> found = explain.permutation_importance(net, x, 2 * x[:, :1], metric="mse")
        >>> bool(found.importances_mean[0] > 1), float(found.importances_mean[1])
        (True, 0.0)
    """
    whole(n_repeats, "n_repeats", 1, "explain")
    figure, more_is_better = _figure(model, metric, maximize, sample_weight)
    features = _Features(x)
    options = {} if batch_size is None else {"batch_size": batch_size}

    def measured(data: Any) -> float:
        return figure(y, model.predict(data, **options))

    baseline = measured(x)
    random = _random(random_state)
    seed = random.randint(np.iinfo(np.int32).max + 1)
    found = np.empty((len(features.names), n_repeats))
    for i in range(len(features.names)):
        order_of = np.random.RandomState(seed)
        order, data = np.arange(features.rows), features.copy()
        for j in range(n_repeats):
            order_of.shuffle(order)
            data = features.shuffled(data, i, order)
            found[i, j] = baseline - measured(data.x)
    return Importances(features.names, found if more_is_better else -found, float(baseline))


def _random(state: Any) -> np.random.RandomState:
    if isinstance(state, np.random.RandomState):
        return state
    if state is not None and (isinstance(state, bool) or not isinstance(state, (int, np.integer))):
        raise TypeError(f"[explain] random_state is an int or a RandomState; got {state!r}")
    return np.random.RandomState(state)


class _Features:
    """The features of a model's data, each of which can be shuffled by itself."""

    def __init__(self, x: Any):
        self.x = x
        if isinstance(x, dict):
            self.names = list(x)
            self.rows = len(next(iter(x.values())))
        elif is_pandas(x) and hasattr(x, "columns"):
            self.names, self.rows = [str(c) for c in x.columns], len(x)
        elif isinstance(x, (list, tuple)) and hasattr(_first(x), "shape"):
            self.names, self.rows = [f"input {i}" for i in range(len(x))], len(x[0])
        else:
            self.x = np.asarray(x)
            if self.x.ndim < 2:
                raise _core.Error(f"[explain] x is [samples, features]; got {self.x.shape}")
            self.names = [str(i) for i in range(self.x.shape[1])]
            self.rows = len(self.x)

    def copy(self) -> _Features:
        if isinstance(self.x, dict):
            return _Features({name: np.array(a) for name, a in self.x.items()})
        if isinstance(self.x, (list, tuple)):
            return _Features([np.array(a) for a in self.x])
        return _Features(self.x.copy())

    def shuffled(self, data: _Features, i: int, order: np.ndarray) -> _Features:
        """`data` (a copy) with feature i in another order."""
        x = data.x
        if isinstance(x, dict):
            x[self.names[i]] = x[self.names[i]][order]
        elif isinstance(x, list):
            x[i] = x[i][order]
        elif hasattr(x, "iloc"):
            column = x.iloc[order, i]
            column.index = x.index
            x[x.columns[i]] = column
        else:
            x[:, i] = x[order, i]
        return data


def _first(x: Any) -> Any:
    values = list(x.values()) if isinstance(x, dict) else x
    return values[0] if len(values) else None


def _as_column(y: Any, p: Any) -> Any:
    """Targets [n] for predictions [n, 1] as [n, 1], as `evaluate` takes them."""
    y = np.asarray(y)
    return y.reshape(p.shape) if p.shape == (*y.shape, 1) else y


def _figure(model: Any, metric: Any, maximize: bool | None, sample_weight: Any) -> tuple:
    """A function (y_true, y_pred) -> float, and whether more is better."""
    from andiron import losses, metrics

    if metric is None:
        found = [None]
        if getattr(model, "_compiled_with", None) is not None:
            model._require_compiled()
            found = model._losses
        if len(found) != 1 or found[0] is None:
            raise _core.Error("[explain] say by which metric (metric=): the model has no one loss")
        metric = losses.get(found[0])
    if isinstance(metric, losses.Loss):
        weights = () if sample_weight is None else (sample_weight,)
        return (lambda y, p: float(metric(_as_column(y, p), p, *weights))), bool(maximize)
    if isinstance(metric, Callable) and not isinstance(metric, (type, metrics.Metric)):
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        return (lambda y, p: float(metric(y, p, **weight))), maximize is None or maximize

    streaming = metrics.get(metric)

    def figure(y: Any, p: Any) -> float:
        streaming.reset_state()
        streaming.update_state(np.asarray(y), p, sample_weight)
        return float(streaming.result())

    if maximize is None:
        maximize = _core.monitor_maximises(streaming.name, "auto")
    return figure, maximize
