"""Predictions of weights that stay the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from andiron import _core
from andiron._data import inputs_of
from andiron._refuse import whole


class Frozen:
    """Predictions of a model whose weights stay the same; made by Model.frozen."""

    def __init__(self, model: Any, threads: int = 0):
        self._model, self._core = model, model._ready()
        self._predictor = _core.Predictor(self._core, threads=threads, frozen=True)

    def predict(self, x, batch_size: int | None = None):
        """The outputs for x, as Model.predict gives them, but for rounding. Thread-safe.

        Args:
            x: one array, or several in a list or a dict by the inputs' names.
            batch_size: rows that go through at a time; chosen by default.
        """
        size = 0 if batch_size is None else whole(batch_size, "batch_size", 1, "predict")
        plain = isinstance(x, np.ndarray) and self._core.text_inputs == [False]
        arrays = [x] if plain else inputs_of(self._core, x)
        return self._model._arranged(self._predictor.predict_numpy(arrays, size))
