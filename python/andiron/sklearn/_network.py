"""The network of an estimator: made for the data, or what the user's own function makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from andiron import _core


class Task(NamedTuple):
    """What the data ask of a network; functions that make one get it."""

    input_shape: tuple[int, ...]
    """Of one sample."""
    n_outputs: int
    """Numbers that the network gives for a sample."""
    n_classes: int | None
    """None for regression; of several labels a sample, how many there are."""
    loss: str
    """What is trained by default."""
    activation: str | None
    """Of the last layer, for that loss."""


def perceptron(task: Task, hidden_layer_sizes: Any, activation: str, penalty: float) -> Any:
    """Dense layers as MLPClassifier has them, with penalty * |W|^2 on each matrix."""
    from andiron import Sequential, layers

    widths = [hidden_layer_sizes] if np.isscalar(hidden_layer_sizes) else list(hidden_layer_sizes)
    if any(isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1 for n in widths):
        raise _core.Error(
            f"[sklearn] hidden_layer_sizes are positive integers; got {hidden_layer_sizes!r}"
        )
    network = [layers.Input(task.input_shape)]
    if len(task.input_shape) > 1:
        network.append(layers.Flatten())
    for units in widths:
        network.append(_dense(units, _KERAS_NAMES.get(activation, activation), penalty))
    network.append(_dense(task.n_outputs, task.activation, penalty))
    return Sequential(network)


# scikit-learn's names of activations.
_KERAS_NAMES = {"identity": None, "logistic": "sigmoid"}


def _dense(units: int, activation: str | None, penalty: float) -> Any:
    from andiron import layers, regularizers

    keep = regularizers.L2(penalty) if penalty else None
    return layers.Dense(int(units), activation, kernel_regularizer=keep)


def made(model: Any, arguments: dict | None, task: Task) -> Any:
    """What a user's function or model is for the task: a model of the estimator's own."""
    from andiron import Model

    if isinstance(model, Model):
        if arguments:
            raise _core.Error("[sklearn] model_args are for a function that makes the model")
        from andiron.models import _from_bytes

        made_model = _from_bytes(*model.__reduce__()[1])
    elif isinstance(model, Callable):
        made_model = model(task, **(arguments or {}))
        if not isinstance(made_model, Model):
            raise TypeError(f"[sklearn] `model` must return an andiron.Model; got {made_model!r}")
    else:
        raise TypeError(
            f"[sklearn] `model` is a function that makes an andiron.Model, or a Model; got "
            f"{type(model).__name__}"
        )
    made_model._ready(np.zeros((1, *task.input_shape), np.float32))
    outputs = made_model.outputs
    if len(outputs) != 1 or len(outputs[0].shape) != 2:
        raise _core.Error(
            f"[sklearn] a model gives one output [samples, numbers]; got "
            f"{[x.shape for x in outputs]}"
        )
    return made_model


def predicted(model: Any, X: np.ndarray) -> np.ndarray:
    """The model's output. Rows of features are filled up to a multiple of 32: blocks of another
    size round otherwise, and a sample's result must not depend on those beside it."""
    rest = -len(X) % 32 if X.ndim == 2 else 0
    filled = np.concatenate([X, np.zeros((rest, X.shape[1]), X.dtype)]) if rest else X
    return model.predict(filled, verbose=0)[: len(X)]
