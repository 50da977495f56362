"""Rows of different lengths as arrays."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from andiron import _core


def _sequences(given: Any) -> list[np.ndarray]:
    pa = sys.modules.get("pyarrow")
    if pa is not None and isinstance(given, (pa.Array, pa.ChunkedArray)):
        given = given.to_numpy(zero_copy_only=False) if isinstance(given, pa.Array) else (
            given.to_numpy())  # fmt: skip
    elif hasattr(given, "to_list") and not hasattr(given, "iloc"):  # tf.RaggedTensor
        given = given.to_list()
    found = []
    for i, sequence in enumerate(given):
        if (
            sequence is None
            or isinstance(sequence, (str, bytes))
            or not hasattr(sequence, "__len__")
        ):
            raise TypeError(
                f"[pad_sequences] row {i} must be a sequence of numbers; got {sequence!r}"
            )
        row = np.asarray(sequence)
        if row.dtype.kind not in "fiub" and row.size:
            raise TypeError(f"[pad_sequences] row {i} has no numbers; got dtype {row.dtype}")
        found.append(row)
    return found


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float = 0.0,
) -> np.ndarray:
    """Sequences of different lengths as one array [rows, maxlen, ...], as Keras's pad_sequences.

    Args:
        sequences: a list of lists or arrays, an array of objects, a column of lists of pandas or
            Arrow.
        maxlen: numbers a row. Default: those of the longest sequence.
        dtype: of the array. Default: "int32"; numbers that it cannot hold are an error.
        padding: "pre" or "post": where shorter ones are filled up by `value`.
        truncating: "pre" or "post": where longer ones are cut.
        value: default 0; -1 for the ids of an EmbeddingBag, which skips negative ones.

    Example:
        >>> from andiron import data
        >>> data.pad_sequences([[5, 6], [7], [1, 2, 3, 4]], 3, padding="post", value=-1).tolist()
        [[5, 6, -1], [7, -1, -1], [2, 3, 4]]
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise _core.Error(f'[pad_sequences] {name} is "pre" or "post"; got {side!r}')
    rows = _sequences(sequences)
    shapes = {row.shape[1:] for row in rows if row.size}
    if len(shapes) > 1:
        raise _core.Error(f"[pad_sequences] elements need one shape; got {sorted(shapes)}")
    if maxlen is None:
        maxlen = max((len(row) for row in rows), default=0)
    if isinstance(maxlen, bool) or not isinstance(maxlen, (int, np.integer)) or maxlen < 0:
        raise _core.Error(f"[pad_sequences] maxlen must be an integer from 0 on; got {maxlen!r}")
    out = np.full((len(rows), maxlen, *(shapes.pop() if shapes else ())), value, dtype)
    if out.dtype.kind in "iu" and value != int(value):
        raise _core.Error(f"[pad_sequences] {out.dtype} cannot hold the padding {value}")
    for i, row in enumerate(rows):
        if maxlen == 0 or len(row) == 0:
            continue
        kept = row[-maxlen:] if truncating == "pre" else row[:maxlen]
        place = out[i, : len(kept)] if padding == "post" else out[i, maxlen - len(kept) :]
        place[...] = kept
        if row.dtype != out.dtype and out.dtype.kind in "iu" and (place != kept).any():
            at = np.argwhere(np.asarray(place != kept))[0]
            raise _core.Error(
                f"[pad_sequences] row {i} has {kept[tuple(at)]}, which {out.dtype} cannot hold"
            )
    return out
