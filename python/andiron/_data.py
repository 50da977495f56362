"""What people hand to fit, evaluate and predict, as lists of arrays in the model's order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from andiron import _core
from andiron._arrays import NotNumbersError, is_pandas, plain_array, refuse_missing_categories
from andiron._texts import fingerprints


def _cure(what: str, texts: list[str]) -> str:
    """What to do about texts among the targets or the inputs."""
    if not texts:
        return ""
    if what.startswith("y"):
        if len(texts) == 2:
            return (
                f" such as {texts[1]!r}: (y == {texts[1]!r}).astype('float32') makes 0 of "
                f"{texts[0]!r} and 1 of {texts[1]!r}"
            )
        return (
            f" such as {texts[0]!r}: pandas.Categorical(y).codes makes class ids of them, from 0 "
            "in alphabetical order"
        )
    return (
        f" such as {texts[0]!r}: texts go into an Input of dtype 'string' of their own and a "
        "layers.StringLookup (docs/data.md); or leave them out"
    )


def _one(x: Any, what: str, text: bool = False):
    try:
        array = fingerprints(x) if text else plain_array(x)
    except NotNumbersError as error:
        raise TypeError(f"[data] {what}: {error}{_cure(what, error.texts)}") from None
    except (TypeError, ValueError, BufferError) as error:
        kind = TypeError if isinstance(error, (TypeError, BufferError)) else _core.Error
        raise kind(f"[data] {what}: {error}") from None
    return array


def inputs_of(network: Any, data: Any, what: str = "x") -> list:
    """Arrays in the order of a model's inputs; texts as their fingerprints."""
    return columns(data, network.input_names, what, network.text_inputs)


def arranged(outputs: list, keys: list[str] | None) -> Any:
    """A model's outputs as its user gave them: by name, alone or in a list."""
    if keys is not None:
        return dict(zip(keys, outputs, strict=True))
    return outputs[0] if len(outputs) == 1 else outputs


def columns(data: Any, names: list[str], what: str, texts: Sequence[bool] = ()) -> list:
    """Arrays in the order of `names`, from an array, a list, a dict or a DataFrame.

    Args:
        data: one array for one name; a list in the order of the names; a dict or, for several
            names, a DataFrame, by name.
        names: of the model's inputs or outputs.
        what: "x" or "y", for messages.
        texts: which of them are texts; none by default.
    """
    texts = list(texts) or [False] * len(names)
    table = is_pandas(data) and hasattr(data, "columns")
    if isinstance(data, dict) or (table and len(names) > 1):
        missing = [name for name in names if name not in data]
        if missing:
            raise _core.Error(
                f"[data] {what} has no {missing[0]!r}; the model takes {names}, "
                f"and there are {list(data)}"
            )
        return [
            _one(data[name], f"{what}[{name!r}]", text)
            for name, text in zip(names, texts, strict=True)
        ]
    if isinstance(data, (list, tuple)) and (
        len(names) > 1 or (len(data) == 1 and hasattr(data[0], "shape") and data[0].shape != ())
    ):
        if len(data) != len(names):
            raise _core.Error(
                f"[data] {what} is a list of {len(data)}, but the model takes {len(names)}: {names}"
            )
        return [
            _one(item, f"{what}[{i}]", text)
            for i, (item, text) in enumerate(zip(data, texts, strict=True))
        ]
    if len(names) != 1:
        raise _core.Error(
            f"[data] {what} must be a list or a dict, since the model takes {len(names)}: {names}; "
            f"got {type(data).__name__}"
        )
    return [_one(data, what, texts[0])]


def batch_source(x: Any) -> Any:
    """The core's source of batches inside of a dataset of andiron.images; others as they are."""
    return getattr(x, "_batch_source", x)


def targets_of(y: Any, names: list[str]) -> list:
    """Targets in the order of `names`; a missing category is an error, as a missing number is."""
    given = y.values() if isinstance(y, dict) else y if isinstance(y, (list, tuple)) else [y]
    for one in given:
        try:
            refuse_missing_categories(one)
        except _core.Error as error:
            raise _core.Error(f"[data] y: {error}") from None
    return columns(y, names, "y")


def rows_of(arrays: list) -> int:
    """The number of samples, the same in all arrays."""
    counts = [a.shape[0] if len(a.shape) else -1 for a in arrays]
    if -1 in counts:
        raise _core.Error("[data] a first axis, the samples, is needed; got a scalar")
    if len(set(counts)) > 1:
        raise _core.Error(
            f"[data] inputs, targets and weights need equal numbers of samples; got {counts}"
        )
    return counts[0]


def weights_of(sample_weight: Any, names: list[str]) -> list:
    """Sample weights, one array for all outputs or one for each; [] when there are none."""
    if sample_weight is None:
        return []
    several = isinstance(sample_weight, dict) or (
        isinstance(sample_weight, (list, tuple)) and len(names) > 1
    )
    chosen = columns(sample_weight, names if several else ["sample_weight"], "sample_weight")
    weights = [np.asarray(w).astype(np.float32, copy=False) for w in chosen]
    for w in weights:
        if not np.isfinite(w).all() or (w < 0).any():
            raise _core.Error("[data] sample_weight must be finite and not negative")
    return weights


def split_at(rows: int, fraction: float) -> int:
    """Where the last `fraction` begins, as Keras's validation_split takes it."""
    if not 0.0 < fraction < 1.0:
        raise _core.Error(f"[fit] validation_split must be in (0, 1); got {fraction}")
    at = int(rows * (1.0 - fraction))
    if at == 0:
        raise _core.Error(f"[fit] validation_split={fraction} leaves nothing to train on")
    return at


def split(arrays: list, fraction: float) -> tuple[list, list]:
    """The first part and the last `fraction`."""
    if not arrays:
        return [], []
    at = split_at(rows_of(arrays), fraction)
    return [np.asarray(a)[:at] for a in arrays], [np.asarray(a)[at:] for a in arrays]


def first_rows(batches: Any, rows: int | None) -> Any:
    """Batches (lists of arrays) until there are so many rows; all of them with None."""
    for batch in batches:
        if rows is not None:
            batch = [np.asarray(a)[:rows] for a in batch]
            rows -= len(batch[0])
        yield batch
        if rows is not None and rows <= 0:
            return


def empty_output(symbolic: Any) -> np.ndarray:
    """A model's output for no rows."""
    row = [n if isinstance(n, int) else 0 for n in symbolic.shape[1:]]
    return np.zeros((0, *row), "float32" if symbolic.dtype == "bfloat16" else symbolic.dtype)
