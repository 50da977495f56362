"""predict, and models for predictions alone, which Model takes over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from andiron import _core, _feed
from andiron._batches import batches_of
from andiron._data import arranged, empty_output, first_rows, inputs_of
from andiron._frozen import Frozen
from andiron._quantized import Quantized, quantize
from andiron._refuse import refuse_beside_batches, whole
from andiron._tables import Data, is_table


class Predictions:
    """The part of a model that predicts."""

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ):
        """The outputs for x, as NumPy arrays: one, a list, or a dict where the model's are one.

        Safe from several threads at once, while nothing trains the model.

        Args:
            x: an array, a DataFrame, or a list or dict of arrays for several inputs; a table as in
                `fit`, which is read batch by batch and may be empty; what andiron.images makes,
                whose images are predicted in order; or what gives batches, as in `fit`, whose
                targets do not matter.
            batch_size: the most rows that the network sees at once, which bounds the memory.
                Default: a size that suits the model (1024 to 8192; Keras has 32). The results are
                the same but for rounding, unless a layer mixes the rows of a batch.
            steps: how many batches of batch_size (32 by default, then) to look at; all by default.
            verbose, callbacks: accepted for Keras's sake.
        """
        self._require_network("predict")
        size = 0 if batch_size is None else whole(batch_size, "batch_size", 1, "predict")
        if is_table(x):
            from andiron import data

            x = data.as_data(x)
        x = self._in_order(x)
        given = batches_of(x)
        if given is not None:
            refuse_beside_batches("predict", batch_size=batch_size)
            _feed.build(self, given)
        core = self._ready(None if given is not None else x)
        predictor = self._predictor
        if predictor is None:
            with self._lock:
                predictor = self._predictor = self._predictor or _core.Predictor(core)
        if self._compiled is not None:
            self._compiled.catch_up()
        rows = None
        if steps is not None:
            rows = (size or 32) * whole(steps, "steps", 1, "predict")
        if given is not None or isinstance(x, Data) or hasattr(x, "_in_order"):
            if given is not None:
                batches, rows = _feed.inputs(given, core, steps), None
            else:
                batches = x._batches(core) if isinstance(x, Data) else x._in_order()
            parts = [predictor.predict_numpy(batch, size) for batch in first_rows(batches, rows)]
            out = [np.concatenate(p) if len(p) > 1 else p[0] for p in zip(*parts, strict=True)]
            for row, _ in getattr(x, "_bad_rows", ()):  # images that could not be read
                for y in out:
                    if y.dtype.kind == "f" and row < len(y):
                        y[row] = np.nan
            return self._arranged(out or [empty_output(y) for y in core.outputs])
        plain = isinstance(x, np.ndarray) and core.text_inputs == [False]
        arrays = [x] if plain else inputs_of(core, x)
        if rows is not None:
            arrays = [np.asarray(a)[:rows] for a in arrays]
        return self._arranged(predictor.predict_numpy(arrays, size))

    def frozen(self, threads: int = 0) -> Frozen:
        """The model for predictions alone, with its weights as they are now.

        What depends on weights alone is computed once; convolutions take the batch normalizations,
        residual sums and activations behind them in, and keep their weights in the layout that is
        fastest. Training the model later does not change it. It has a copy of the weights, and does
        not keep the model.

        Args:
            threads: default: all.

        Errors:
            andiron.Error naming a weight that is NaN or infinite.
        """
        return Frozen(self, threads)

    def quantized(
        self,
        data: Any,
        method: str = "percentile",
        percentile: float = 99.99,
        float_layers: Sequence[str] = (),
        validation_data: Any = None,
        threads: int = 0,
        verbose: int = 1,
    ) -> Quantized:
        """The model in 8 bits, for predictions alone: post-training quantization by calibration.

        Convolutions and dense layers multiply bytes and add up in 32 bits; what stands between them
        (pooling, concatenation, residual sums, activations that clip, local response normalization)
        stays in bytes, too. Weights have a scale for each filter, activations a scale and a zero
        point for each value. See docs/quantization.md.

        Args:
            data: inputs like those that will come, without labels: one array, several in a list or
                a dict, or a dataset; 100 to 500 samples do. They pass through the float32 model,
                which shows the range of each value.
            method: how ranges are chosen: "minmax" (all that was seen), "percentile" (without the
                outermost), "entropy" (the range whose distribution in 256 steps is closest to the
                one seen). Default: "percentile".
            percentile: of the numbers, how many stay inside, in %. Default: 99.99.
            float_layers: names of layers that stay in float32. Default: none.
            validation_data: (x, y) or x: accuracy with labels y (class numbers or one-hot) and
                agreement with float32 are printed and kept in `report`.
            threads: default: all.
            verbose: 0 prints nothing.

        Returns:
            A Quantized: predict, save, report, summary.

        Errors:
            andiron.Error when no layer can be quantized, a layer of `float_layers` is not there,
            there are no data, or NaN or infinity comes up, naming the layer.
            TypeError or ValueError for paths in place of arrays, and for labels that are no class
            numbers or of another number than the samples: before the calibration.
        """
        return quantize(
            self, data, method, percentile, float_layers, validation_data, threads, verbose
        )

    def _arranged(self, out: list):
        return arranged(out, self._output_keys)

    predict_on_batch = predict
