"""The base of all metrics, and metrics of one's own."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np

from andiron import _core, _own_metric

_NOT_STATE = {"_own", "_takes_weight", "_warned"}


class Metric:
    """A figure over all the data seen since `reset_state`.

    A metric of one's own follows Keras 3: `__init__` makes its state by `add_weight`,
    `update_state(y_true, y_pred, sample_weight=None)` assigns to it, `result()` composes a number
    of it, both by `andiron.ops`. In a model it is traced once: it runs without Python, and a saved
    model has it without the class. There y_true has the type that the output's loss takes: the
    shape and dtype of y_pred, or class ids.

    One that uses NumPy or Python's numbers cannot be traced. It is called with arrays then, batch
    by batch; its state is its variables and those attributes that are numbers or arrays
    (`reset_state` brings back what `__init__` set). A saved model is without it, with a warning.

    Example:
        >>> from andiron import metrics, ops
        >>> class Positives(metrics.Metric):
        ...     def __init__(self, name="positives"):
        ...         super().__init__(name)
        ...         self.total = self.add_weight(name="total")
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.total.assign_add(ops.sum(ops.cast(ops.greater(y_pred, 0.5), "float32")))
        ...     def result(self):
        ...         return self.total.value
        >>> m = Positives()
        >>> m.update_state([1.0, 0.0], [0.7, 0.1])
        >>> float(m.result())
        1.0
    """

    _own = False  # written in Python
    _variables: tuple = ()

    def __init__(self, name: str | None = None, dtype: Any = None):
        self.name = name or _core.snake_case(type(self).__name__)
        self.dtype = dtype or "float32"
        self._own = True
        parameters = inspect.signature(type(self).update_state).parameters
        self._takes_weight = "sample_weight" in parameters
        self._core = _core.metric_python(self.name, _Bridge(self))
        self._initial: dict | None = None
        self._traced_for: Any = None
        self._why = "no model has it"  # that it is not traced
        self._warned = False

    def _take(self, name: str, factory: str, *args: Any) -> None:
        self._core, self.name = getattr(_core, factory)(*args), name
        self._made = [factory, *args]  # how files bring it back

    def add_variable(
        self,
        shape: Any = (),
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "sum",
        name: str | None = None,
    ):
        """A new variable that is state of this metric; `reset_state` brings its first value back.

        Args:
            shape: its sizes; () by default.
            initializer: a name or an initializer. Default: "zeros".
            dtype: that of the metric by default, float32.
            aggregation: "sum", which is how states of several workers become one.
            name: numbered by default.
        """
        from andiron import initializers

        if aggregation not in (None, "sum"):
            raise _core.Error(
                f'[Metric] states of workers are added up (aggregation="sum"); got {aggregation!r}'
            )
        names = [v.name for v in self._variables]
        name = name or f"variable_{len(names)}"
        if name in names:
            name = f"{name}_{len(names)}"
        sizes = [shape] if isinstance(shape, int) else list(shape or ())
        first = _core.draw(initializers.serialize(initializer or "zeros"), sizes, "float32")
        dtype = dtype or self.__dict__.get("dtype", "float32")
        variable = _core.Variable(first, name, False, dtype)
        self._variables = (*self._variables, variable)
        self.__dict__.setdefault("_first", []).append(variable.numpy())
        return variable

    def add_weight(self, shape: Any = (), initializer: Any = None, dtype: Any = None,
                   name: str | None = None):  # fmt: skip
        """The same, with Keras's older name."""
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self) -> list:
        """What `add_variable` made."""
        return list(self._variables)

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Adds a batch."""
        if self._own:
            raise NotImplementedError(f"{type(self).__name__} has no update_state")
        self._core.update(y_true, y_pred, sample_weight)

    def result(self) -> float:
        """The figure, or an array of several; NaN where it is not defined (see `note`)."""
        if self._own:
            raise NotImplementedError(f"{type(self).__name__} has no result")
        values = self._core.values()
        return float(values) if values.ndim == 0 else values

    def reset_state(self) -> None:
        """Forgets what was seen."""
        if not self._own:
            self._core.reset()
            return
        for variable, value in zip(self._variables, self.__dict__.get("_first", ()), strict=True):
            variable.assign(value)
        if self._initial is None:
            self._initial = self._attributes()
        for name, value in self._initial.items():
            setattr(self, name, np.copy(value) if isinstance(value, np.ndarray) else value)

    def merge_state(self, others) -> None:
        """Adds what other metrics of this kind have seen.

        States are added (what was seen since the reset: state - initial), also those of several
        workers in `fit`: that is right for sums and counts, and wrong for a maximum, say.
        """
        for other in others:
            self._core.merge(other._core)

    def note(self) -> str:
        """Why the result is NaN, if it is."""
        return "" if self._own else self._core.note()

    def __call__(self, y_true, y_pred, sample_weight=None) -> float:
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()

    def _attributes(self) -> dict:
        kinds = (int, float, np.ndarray, np.generic)
        return {
            key: np.copy(value) if isinstance(value, np.ndarray) else value
            for key, value in vars(self).items()
            if key not in _NOT_STATE and isinstance(value, kinds)
        }

    def _check(self) -> None:
        """Raises Error where `fit` would pass over what a class of one's own has written."""
        if self._own:
            return
        if self._core.values().ndim > 0:
            raise _core.Error(
                f"[compile] the metric '{self.name}' gives an array, and logs hold numbers: give "
                "it an average, or call it on predictions"
            )
        for cls in type(self).__mro__:
            if cls.__module__.split(".")[0] == "andiron":
                return
            for name in ("update_state", "result", "reset_state", "merge_state"):
                if name in vars(cls):
                    base = next(c for c in cls.__mro__ if c.__module__.split(".")[0] == "andiron")
                    raise _core.Error(
                        f"[compile] {cls.__name__}.{name} would have no effect, since the core "
                        f"computes a {base.__name__}: derive {cls.__name__} from metrics.Metric"
                    )

    def _core_in(self, y_true: tuple, y_pred: tuple, weighted: bool):
        """The core's metric in a model with these types (dtype, shape) of an output."""
        if not self._own:
            return self._core
        key = (y_true, y_pred, weighted and self._takes_weight)
        if self._traced_for != key:
            try:
                self._core, self._why = _own_metric.trace(self, *key), ""
            except Exception as error:  # whatever its methods make of graph values
                self._why = str(error).split("\n")[0] or type(error).__name__
                self._core = _core.metric_python(self.name, _Bridge(self))
            self._traced_for = key
        return self._core

    def _saved(self, warn: bool = True) -> dict | None:
        """How a file brings it back; None, with a warning, where it cannot."""
        if not self._own and not isinstance(self._core, _core.TracedMetric):
            return {"made": self._made}
        if not self._why:
            try:
                return {"traced": self._core.config()}
            except _core.Error as error:
                self._why = str(error)
        if warn and not self._warned:
            warnings.warn(
                f"[save] the file is without the metric '{self.name}', which is Python code that "
                f"could not be traced: {self._why}",
                stacklevel=5,
            )
            self._warned = True
        return None

    @staticmethod
    def _loaded(name: str, saved: dict) -> Metric:
        metric = object.__new__(Metric)
        if "made" in saved:
            metric._take(name, *saved["made"])
        else:
            metric._core, metric.name = _core.metric_from_config(saved["traced"]), name
            metric._why = ""
        return metric

    def _in_files(self) -> bool:
        """Whether a model's file holds it."""
        return not self._own or not self._why

    def __reduce__(self) -> tuple:
        if not self._own and not isinstance(self._core, _core.TracedMetric):
            return _remade_from_core, (type(self), self.name, self._made)
        if self._in_files():
            return Metric._loaded, (self.name, self._saved())
        kept = {key: value for key, value in vars(self).items() if key != "_core"}
        return _remade, (type(self), kept)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _remade(cls: type, kept: dict) -> Metric:
    metric = object.__new__(cls)
    vars(metric).update(kept)
    metric._core = _core.metric_python(metric.name, _Bridge(metric))
    return metric


def _remade_from_core(cls: type, name: str, made: list) -> Metric:
    metric = object.__new__(cls)
    metric._take(name, *made)
    return metric


class _Bridge:
    """What the core calls of a metric that stays in Python."""

    def __init__(self, metric: Metric):
        self._metric = metric

    def _begin(self) -> None:
        if self._metric._initial is None:
            self._metric._initial = self._metric._attributes()

    def _update(self, y_true, y_pred, weight) -> None:
        self._begin()
        if self._metric._takes_weight:
            self._metric.update_state(y_true, y_pred, sample_weight=weight)
        else:
            self._metric.update_state(y_true, y_pred)

    def result(self) -> float:
        return float(np.asarray(self._metric.result()))

    def reset_state(self) -> None:
        self._metric.reset_state()

    def _state(self) -> dict:
        state = {k: np.asarray(v, np.float64) for k, v in self._metric._attributes().items()}
        return state | {v.name: v.numpy() for v in self._metric._variables}

    def _restore(self, state: dict) -> None:
        self._begin()
        variables = {v.name: v for v in self._metric._variables}
        for name, value in state.items():
            if name in variables:
                variables[name].assign(value)
                continue
            kind = type(self._metric._initial.get(name, value))
            setattr(self._metric, name, value if kind is np.ndarray else kind(value.item()))


class FunctionMetric(Metric):
    """The mean over samples of a function (y_true, y_pred): of andiron.ops, or of NumPy arrays."""

    def __init__(self, function: Any, name: str | None = None):
        super().__init__(name or getattr(function, "__name__", "metric"))
        self._function = function
        self.total = self.add_variable(name="total", dtype="float64")
        self.count = self.add_variable(name="count", dtype="float64")

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Adds a batch."""
        values = self._function(y_true, y_pred)
        if _core.tracing():
            total, count = _own_metric.sums_of(values, y_pred, sample_weight)
            self.total.assign_add(total)
            self.count.assign_add(count)
            return
        values = np.asarray(values, np.float64)
        values = np.broadcast_to(values, (len(y_pred),) if values.ndim == 0 else values.shape)
        weights = np.ones(len(values)) if sample_weight is None else np.asarray(sample_weight)
        per_row = values.reshape(len(values), -1).mean(axis=1)
        self.total.assign(self.total.numpy() + (per_row * weights.reshape(-1)).sum())
        self.count.assign(self.count.numpy() + weights.sum())

    def result(self) -> float:
        """The mean so far; 0 before the first batch."""
        if _core.tracing():
            return _own_metric.mean_of(self.total, self.count)
        total, count = float(self.total.numpy()), float(self.count.numpy())
        return total / count if count else 0.0
