"""Where in a network a prediction is explained, and the graph from there to the score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from andiron import _core
from andiron._data import inputs_of

_EMBEDDINGS = ("Embedding", "EmbeddingBag")


class Places:
    """The tensors of a network that get attributions: its inputs of floating point and, for ids,
    which have no gradient, what embeddings make of them; or the outputs of layers that are named.
    """

    def __init__(self, model: Any, at: Sequence[str] | None):
        if not hasattr(model, "_ready"):
            inside = "; its network is .model_" if hasattr(model, "model_") else ""
            raise TypeError(f"[explain] takes an andiron.Model; got {type(model).__name__}{inside}")
        self.core = model._ready()
        self.model = model
        if at is None:
            chosen = self._by_default()
        else:
            at = [at] if isinstance(at, str) else list(at)
            chosen = [(name, self._output(model.get_layer(name))) for name in at]
        self.names = [name for name, _ in chosen]
        self.tensors = [tensor for _, tensor in chosen]

    def _output(self, layer: Any) -> Any:
        made = self.core.outputs_of(layer._core)
        if len(made) != 1:
            raise _core.Error(
                f"[explain] the layer '{layer.name}' is used {len(made)} times: there is no one "
                "output of it"
            )
        return made[0]

    def _by_default(self) -> list[tuple[str, Any]]:
        inputs = list(zip(self.core.input_names, self.core.inputs, strict=True))
        chosen = [(name, x) for name, x in inputs if x.dtype.startswith(("float", "bfloat"))]
        if len(chosen) == len(inputs):
            return chosen
        known = self.model.layers
        chosen += [(x.name, self._output(x)) for x in known if x._core.class_name in _EMBEDDINGS]
        if not chosen:
            raise _core.Error(
                "[explain] the inputs are integers, which have no gradient, and there is no "
                "embedding: name the layers at whose outputs the prediction is explained (at=)"
            )
        return chosen


class Score:
    """One number for each sample: a weighted sum of an output's numbers, and its gradients by the
    places. Compiled once for each number of rows."""

    def __init__(self, model: Any, at: Sequence[str] | None, output: int | str = 0):
        self.places = Places(model, at)
        core = self.places.core
        names = core.output_names
        if isinstance(output, str):
            if output not in names:
                raise _core.Error(f"[explain] there is no output {output!r}; there are {names}")
            output = names.index(output)
        if not -len(names) <= output < len(names):
            raise _core.Error(f"[explain] the model has {len(names)} outputs; got {output}")
        self.output = output
        self._model, self._core = model, core
        self._plans = _core.PlanCache()
        self._inputs = [self._placeholder(f"x{i}", x) for i, x in enumerate(core.inputs)]
        given = list(zip(core.inputs, self._inputs, strict=True))
        y = core.outputs[output]
        self.values_at = _core.Graph(self._inputs, _core.values_between(given, self.places.tensors))
        self.predictions = _core.Graph(self._inputs, _core.values_between(given, [y]))
        self._path = self._build(given, y)

    @staticmethod
    def _placeholder(name: str, tensor: Any) -> Any:
        return _core.placeholder(name, tensor.shape, tensor.dtype)

    def _build(self, given: list, y: Any) -> Any:
        """From (inputs, ends, baselines, weights, along) to the score at
        p = baseline + along (end - baseline), and (end - baseline) d score / d p."""
        from andiron import ops

        ends = [self._placeholder(f"end{i}", t) for i, t in enumerate(self.places.tensors)]
        starts = [self._placeholder(f"start{i}", t) for i, t in enumerate(self.places.tensors)]
        along = _core.placeholder("along", (), "float32")

        def compose():
            points = [a + along * (b - a) for a, b in zip(starts, ends, strict=True)]
            at = list(zip(self.places.tensors, points, strict=True))
            [out] = _core.values_between([*given, *at], [y])
            weights = _core.placeholder("weights", out.shape, "float32")
            score = ops.sum(out * weights, axes=tuple(range(1, len(out.shape))))
            grads = _core.grad_values(score, points)
            parts = [g * (b - a) for g, a, b in zip(grads, starts, ends, strict=True)]
            return weights, score, grads, parts

        weights, score, grads, parts = _core.trace(compose)
        inputs = [*self._inputs, *ends, *starts, weights, along]
        self._gradient = _core.Graph(inputs, [score, *grads])
        return _core.Graph(inputs, [score, *parts])

    def arrays(self, x: Any) -> list[np.ndarray]:
        """The model's inputs as arrays."""
        arrays = [np.asarray(a) for a in inputs_of(self._core, x)]
        if len({len(a) for a in arrays}) > 1:
            raise _core.Error(f"[explain] inputs have {[len(a) for a in arrays]} rows")
        return arrays

    def run(self, graph: Any, *arguments: Any) -> list[np.ndarray]:
        rows = len(arguments[0])
        return [t.numpy() for t in self._plans.run(graph, {"batch": rows}, 0, *arguments)]

    def weights(self, target: Any, inputs: list, first: int) -> np.ndarray:
        """Of the output's numbers in the score, for rows from `first` on."""
        predicted = self.run(self.predictions, *inputs)[0]
        weights = np.zeros(predicted.shape, np.float32)
        if target is None and predicted.ndim == 2 and predicted.shape[1] == 1:
            target = 0
        if target is None:
            if predicted.ndim != 2:
                raise _core.Error(
                    f"[explain] the output has the shape {predicted.shape[1:]} for a sample: say "
                    "which of its numbers is explained (target=)"
                )
            target = predicted.argmax(axis=1)
        elif np.ndim(target) == 1 and not isinstance(target, tuple):
            target = np.asarray(target)[first : first + len(predicted)]
        rows = np.arange(len(predicted))
        place = target if isinstance(target, tuple) else (target,)
        try:
            weights[(rows, *place)] = 1.0
        except IndexError:
            raise _core.Error(
                f"[explain] target={target!r} is no place in an output of {predicted.shape[1:]}"
            ) from None
        if weights.sum() != len(rows):
            raise _core.Error(
                f"[explain] target={target!r} is not one number of an output of "
                f"{predicted.shape[1:]}"
            )
        return weights

    def gradient(self, inputs: list, values: list, weights: np.ndarray) -> list[np.ndarray]:
        """[score, gradient at each place]"""
        starts = [np.zeros_like(v) for v in values]
        return self.run(self._gradient, *inputs, *values, *starts, weights, np.float32(1.0))

    def on_path(self, inputs: list, ends: list, starts: list, weights: np.ndarray, along: float):
        """[score, (end - start) times the gradient at each place] at a point between the two."""
        return self.run(self._path, *inputs, *ends, *starts, weights, np.float32(along))

    def arranged(self, found: list[np.ndarray]) -> Any:
        """One array, or a dict by the names of inputs and layers."""
        return found[0] if len(found) == 1 else dict(zip(self.places.names, found, strict=True))
