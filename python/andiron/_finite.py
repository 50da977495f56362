"""Inputs of `fit` that would make its loss NaN: told before the first step, not after it."""

from __future__ import annotations

from typing import Any

import numpy as np

from andiron import _core

_LOOKED_AT = 32  # rows that are not finite


def _not_finite(array: Any) -> np.ndarray | None:
    """The rows of an array that hold NaN or infinity; None: none does."""
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or not array.size:
        return None
    with np.errstate(all="ignore"):
        if np.isfinite(array.sum()):  # one pass without a copy; a sum may overflow
            return None
    found = np.flatnonzero(~np.isfinite(array.reshape(len(array), -1)).all(axis=1))
    return found if len(found) else None


def refuse_not_finite(model: Any, xs: list) -> None:
    """Refuses inputs (in the model's order) that hold NaN or infinity where its outputs do, too.

    A network may know what to do with NaN (`ops.nan_to_num`): its outputs are finite then.
    """
    bad = {i: rows for i, x in enumerate(xs) if (rows := _not_finite(x)) is not None}
    if not bad:
        return
    network = model._network
    rows = np.unique(np.concatenate(list(bad.values())))
    some = rows[:_LOOKED_AT]
    outputs = _core.Predictor(network).predict_numpy([np.asarray(x)[some] for x in xs], 0)
    spoilt = np.zeros(len(some), bool)
    for y, loss in zip(outputs, model._losses, strict=True):
        if loss is not None:
            spoilt |= ~np.isfinite(np.asarray(y, "f").reshape(len(some), -1)).all(axis=1)
    if not spoilt.any():
        return
    row = int(some[spoilt.argmax()])
    i = next(i for i, found in bad.items() if row in found)
    values = xs[i][row].reshape(-1)
    at = int(np.flatnonzero(~np.isfinite(values))[0])
    names = model._feature_columns
    column = ""
    if xs[i].ndim == 2:
        column = f", column {names[at]!r}" if names and at < len(names) else f", column {at}"
    which = f"input {network.input_names[i]!r}" if len(xs) > 1 else "x"
    more = f" ({len(rows)} rows of {len(xs[i])} are not finite)" if len(rows) > 1 else ""
    raise _core.Error(
        f"[fit] {which} is {values[at]:g} in row {row}{column}{more}, and so is the model's "
        "output; the loss would be, too. Drop such rows, or fill them (np.nan_to_num(x), "
        "frame.fillna(...)); on_nan='ignore' in fit goes on without this error"
    )
