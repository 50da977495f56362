"""Predictions of weights that stay the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from andiron import _core
from andiron._data import arranged, columns
from andiron._feature_names import in_order
from andiron._refuse import whole


class Frozen:
    """Predictions of a model whose weights stay the same; made by Model.frozen.

    It does not keep the model: where nobody else does, its weights are in memory once.
    """

    def __init__(self, model: Any, threads: int = 0):
        core = model._ready()
        self._predictor = _core.Predictor(core, threads=threads, frozen=True)
        self._names, self._texts = core.input_names, core.text_inputs
        self._output_keys = model._output_keys
        self._feature_columns = model._feature_columns

    def predict(self, x, batch_size: int | None = None):
        """The outputs for x, as Model.predict gives them, but for rounding. Thread-safe.

        Args:
            x: one array, or several in a list or a dict by the inputs' names.
            batch_size: rows that go through at a time; chosen by default.
        """
        size = 0 if batch_size is None else whole(batch_size, "batch_size", 1, "predict")
        plain = isinstance(x, np.ndarray) and self._texts == [False]
        x = in_order(x, self._feature_columns)
        arrays = [x] if plain else columns(x, self._names, "x", self._texts)
        return arranged(self._predictor.predict_numpy(arrays, size), self._output_keys)
