"""Networks in 8 bits: made by Model.quantized, saved, loaded, used for predictions."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from andiron import _core
from andiron._data import columns, inputs_of
from andiron._feature_names import in_order
from andiron._refuse import refuse_foreign, whole
from andiron._tables import Data, is_table

__all__ = ["Quantized"]

_CALIBRATION_ROWS = 32  # at a time


def _batches(core, data: Any) -> Iterator[list]:
    """Lists of arrays in the order of the model's inputs."""
    if is_table(data):
        from andiron import data as tables

        data = tables.as_data(data)
    if isinstance(data, Data):
        yield from data._batches(core)
    elif hasattr(data, "_in_order"):
        yield from data._in_order()
    else:
        plain = isinstance(data, np.ndarray) and core.text_inputs == [False]
        arrays = [data] if plain else inputs_of(core, data, "data")
        for begin in range(0, len(arrays[0]), _CALIBRATION_ROWS):
            yield [np.asarray(a[begin : begin + _CALIBRATION_ROWS]) for a in arrays]


def _first(out: Any) -> np.ndarray:
    """The scores, where there are several outputs."""
    if isinstance(out, dict):
        out = list(out.values())
    return out[0] if isinstance(out, list) else out


def _classes(scores: np.ndarray) -> np.ndarray:
    if scores.ndim < 2 or scores.shape[-1] == 1:
        return (scores.reshape(len(scores), -1)[:, 0] > 0.5).astype(np.int64)
    return scores.argmax(-1)


def _labels(y: Any, rows: int, output: tuple | None, what: str) -> np.ndarray:
    """Class numbers [rows, ...] from class numbers or one-hot rows.

    Args:
        y: the labels.
        rows: how many are wanted.
        output: the shape of the scores, its first number left alone; None where it is not known.
        what: they are, for messages.
    """
    y = np.asarray(y)
    if y.dtype.kind not in "biuf":
        example = f", for instance {y.ravel()[0]!r}" if y.size else ""
        raise TypeError(
            f"[quantized] {what}: labels are class numbers or one-hot rows; got "
            f"{'texts' if y.dtype.kind in 'OUS' else y.dtype}{example}"
        )
    if y.ndim == 0 or len(y) != rows:
        got = len(y) if y.ndim else "one number"
        raise _core.Error(f"[quantized] {what}: {rows} samples, but {got} labels")
    if output is None or len(output) != 2:
        return y
    classes = output[1]
    if y.ndim == 2 and y.shape[1] == classes > 1:
        return y.argmax(-1)
    if y.ndim > 2 or (y.ndim == 2 and y.shape[1] != 1):
        raise _core.Error(
            f"[quantized] {what}: labels are class numbers [{rows}] or one-hot rows [{rows}, "
            f"{classes}]; got {list(y.shape)}"
        )
    most = max(classes - 1, 1)
    wrong = y[(y < 0) | (y > most) | (y != np.floor(y))]
    if wrong.size:
        raise _core.Error(
            f"[quantized] {what}: class numbers are 0 to {most}; got {wrong.ravel()[0]}"
        )
    return y


def _refuse_paths(core, data: Any, what: str) -> None:
    """Names of files are no inputs, but for networks of texts."""
    if any(core.text_inputs):
        return
    first = data[0] if isinstance(data, (list, tuple)) and data else data
    if isinstance(first, (str, bytes, os.PathLike)):
        raise TypeError(
            f"[quantized] {what} takes arrays: one, or several in a list or a dict, or a dataset; "
            f"got {first!r}. andiron.images.Pipeline reads photos from paths; a folder is "
            "what `andiron quantize --images` takes"
        )


def _checked_validation(model: Any, core, data: Any) -> tuple[Any, np.ndarray | None]:
    """(inputs, labels or None), before the work."""
    pair = isinstance(data, tuple) and len(data) == 2
    x, y = data if pair else (data, None)
    _refuse_paths(core, x, "validation_data")
    arrays = inputs_of(core, x, "validation_data")
    counts = {len(a) for a in arrays}
    if len(counts) != 1:
        raise _core.Error(f"[quantized] validation_data has inputs of {sorted(counts)} samples")
    shape = model.input_shape
    if len(arrays) == 1 and isinstance(shape, tuple) and len(shape) == arrays[0].ndim:
        got = arrays[0].shape
        if any(w is not None and w != g for w, g in zip(shape[1:], got[1:], strict=True)):
            raise _core.Error(
                f"[quantized] validation_data has the shape {got}; the model takes {shape}"
            )
    if y is None:
        return x, None
    output = model.output_shape
    if isinstance(output, list):
        output = output[0]
    known = output if isinstance(output, tuple) else None
    return x, _labels(y, counts.pop(), known, "validation_data")


def quantize(
    model: Any,
    data: Any,
    method: str,
    percentile: float,
    float_layers: Sequence[str],
    validation_data: Any,
    threads: int,
    verbose: int,
) -> Quantized:
    """See Model.quantized."""
    core = model._ready()
    if isinstance(float_layers, str):
        raise TypeError(f"[quantized] float_layers is a list of names; got {float_layers!r}")
    _refuse_paths(core, data, "data")
    if validation_data is not None:
        validation_data = _checked_validation(model, core, validation_data)
    calibration = _core.Calibration(core, method, float(percentile), list(float_layers), threads)
    for batch in _batches(core, model._in_order(data)):
        calibration.observe(batch)
    made = calibration.quantized()
    if model._output_keys is not None:
        made.about = {**made.about, "output_keys": model._output_keys}
    if model._feature_columns is not None:
        made.about = {**made.about, "feature_columns": model._feature_columns}
    out = Quantized(made, threads)
    if validation_data is not None:
        out._compare(model, *validation_data, verbose)
    return out


class Quantized:
    """A network in 8 bits, for predictions alone; made by Model.quantized or models.load.

    Example:
        >>> import numpy as np
        >>> from andiron import Sequential, layers
        >>> net = Sequential([layers.Input((8,)), layers.Dense(4, activation="relu"),
        ...                   layers.Dense(2)])
        >>> x = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")
        >>> small = net.quantized(x)
        >>> bool(np.abs(small.predict(x) - net.predict(x, verbose=0)).max() < 0.1)
        True
    """

    def __init__(self, core, threads: int = 0):
        self._core = core
        self._predictor = core.predictor(threads)

    @property
    def report(self) -> dict:
        """How it was made: method, percentile, float_layers, calibration_rows; and where labelled
        data were given accuracy, float32_accuracy, agreement (of the likeliest class) and samples.
        """
        return self._core.about

    @property
    def inputs(self) -> list[str]:
        """The inputs' names."""
        return self._core.input_names

    @property
    def input_shape(self) -> tuple:
        """That of the first input, None for the batch."""
        return (None, *self._core.graph.inputs[0].shape[1:])

    @property
    def output_shape(self) -> tuple:
        """That of the first output, None for the batch."""
        return (None, *self._core.graph.outputs[0].shape[1:])

    def summary(self) -> str:
        """What is in bytes and what is not, as lines."""
        return self._core.summary()

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = 0):
        """The outputs for x, in float32, as Model.predict arranges them. Thread-safe.

        Args:
            x: one array, or several in a list or a dict by the inputs' names.
            batch_size: rows that go through at a time; chosen by default.
            verbose: accepted for Keras's sake.
        """
        size = 0 if batch_size is None else whole(batch_size, "batch_size", 1, "predict")
        names = self._core.input_names
        plain = isinstance(x, np.ndarray) and len(names) == 1
        x = in_order(x, self.report.get("feature_columns"))
        out = self._predictor.predict_numpy([x] if plain else columns(x, names, "x"), size)
        keys = self.report.get("output_keys")
        if keys is not None:
            return dict(zip(keys, out, strict=True))
        return out[0] if len(out) == 1 else out

    def evaluate(
        self, x: Any, y: Any, batch_size: int | None = None, verbose: Any = 0
    ) -> dict[str, float]:
        """How often the likeliest class is right; there is no loss, since nothing is compiled.

        Args:
            x, batch_size, verbose: as in `predict`.
            y: class numbers, or one-hot rows.

        Returns:
            {"accuracy", "samples"}.

        Errors:
            TypeError or ValueError for labels of another kind or number.
        """
        scores = _first(self.predict(x, batch_size, verbose))
        labels = _labels(y, len(scores), scores.shape, "y").reshape(len(scores), -1)[:, 0]
        right = _classes(scores).reshape(len(scores), -1)[:, 0] == labels.astype(np.int64)
        return {"accuracy": float(right.mean()), "samples": len(scores)}

    def __repr__(self) -> str:
        about = self.report
        name = f" {about['name']!r}" if about.get("name") else ""
        made = f", {about['method']}" if "method" in about else ""
        seen = f", calibrated on {about['calibration_rows']}" if "calibration_rows" in about else ""
        return f"<Quantized{name}: {self.input_shape} to {self.output_shape}, 8 bits{made}{seen}>"

    def save(self, filepath: Any, overwrite: bool = True) -> None:
        """Writes one safetensors file, which models.load reads: the same predictions, bit by bit.

        Errors:
            OSError when the file cannot be written; a file of that name stays as it was.
        """
        path = os.fspath(filepath)
        refuse_foreign("save", path)
        if not overwrite and os.path.exists(path):
            raise FileExistsError(f"[save] '{path}' is there already (overwrite=False)")
        self._core.save(path)

    def _network_bytes(self) -> bytes:
        """What `save` writes."""
        return self._core.bytes()

    def __reduce__(self):
        return _from_bytes, (self._network_bytes(),)

    def _compare(self, model: Any, x: Any, y: np.ndarray | None, verbose: int) -> None:
        ours, exact = _first(self.predict(x)), _first(model.predict(x, verbose=0))
        about = {
            **self.report,
            "agreement": float((_classes(ours) == _classes(exact)).mean()),
            "samples": len(ours),
        }
        line = f"quantized: the same class as float32 for {about['agreement']:.2%}"
        if y is not None:
            labels = y.reshape(len(ours), -1)[:, 0].astype(np.int64)
            about["accuracy"] = float((_classes(ours) == labels).mean())
            about["float32_accuracy"] = float((_classes(exact) == labels).mean())
            line += f"; accuracy {about['accuracy']:.2%}, float32 {about['float32_accuracy']:.2%}"
        self._core.about = about
        if verbose:
            print(f"{line} ({len(ours)} samples)")


def _from_bytes(data: bytes) -> Quantized:
    return Quantized(_core.quantized_from_bytes(data))
