"""Texts in arrays, DataFrames and Arrow columns, for the layers that look them up."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from andiron import _core
from andiron._arrays import is_pandas


def _arrow_stream(x: Any):
    """(stream, names) of an Arrow array, or None."""
    pa = sys.modules.get("pyarrow")
    if pa is None or not isinstance(x, (pa.Array, pa.ChunkedArray)):
        return None
    return _core.ArrowStream(pa.table({"texts": x})), ["texts"]


def _categories(series: Any):
    """(categories, codes) of a categorical Series or Index, or None."""
    pandas = sys.modules["pandas"]
    if not hasattr(series, "dtype") or not isinstance(series.dtype, pandas.CategoricalDtype):
        return None
    values = series.cat if isinstance(series, pandas.Series) else series
    return values.categories, np.asarray(values.codes)


def _array(x: Any) -> np.ndarray:
    """Texts as a C-contiguous array of texts, bytes or objects."""
    array = x.to_numpy(dtype=object) if is_pandas(x) else np.asarray(x)
    if array.dtype.kind not in "USO":
        what = getattr(x, "dtype", type(x).__name__)
        raise TypeError(f"texts are needed; got {what}")
    return np.ascontiguousarray(array).reshape(array.shape)


def is_texts(x: Any) -> bool:
    """Whether x holds texts (or objects, which should be texts)."""
    if isinstance(x, _core.Tensor):
        return False
    if _arrow_stream(x) is not None:
        return "string" in str(x.type)
    if is_pandas(x):
        if (found := _categories(x)) is not None:
            return is_texts(found[0])
        dtypes = x.dtypes if hasattr(x, "columns") else [x.dtype]
        return all(np.dtype(d).kind == "O" if isinstance(d, np.dtype) else "str" in str(d)
                   for d in dtypes)  # fmt: skip
    return np.asarray(x).dtype.kind in "USO"


def fingerprints(x: Any):
    """The texts' 64-bit fingerprints (FarmHash64 of their UTF-8), an int64 tensor of x's shape.

    Errors:
        TypeError for numbers and for missing texts.
    """
    if (stream := _arrow_stream(x)) is not None:
        batches = _core.ArrowBatches(stream[0], [{"name": "texts", "fingerprints": True}])
        parts = [np.zeros(0, np.int64)]
        while batches.next():
            field = ("texts", "input", "int64", [], [0], None)
            parts.append(np.array(batches.tensors([field])[0]))
        return _core.Tensor(np.concatenate(parts))
    if is_pandas(x) and not hasattr(x, "columns") and (found := _categories(x)) is not None:
        categories, codes = found
        if (codes < 0).any():
            at = int(np.flatnonzero(codes < 0)[0])
            raise TypeError(
                f"[texts] element {at} is missing: say what stands for it, as fillna does"
            )
        return _core.Tensor(np.asarray(_core.fingerprints(_array(categories)))[codes])
    return _core.fingerprints(_array(x))


def count_texts(data: Any) -> Any:
    """How often the texts come in what `adapt` takes."""
    from andiron._tables import is_table

    counts = _core.TextCounts()
    if (stream := _arrow_stream(data)) is not None:
        counts.add_arrow(*stream)
    elif is_table(data):
        from andiron.data import as_data

        counts.add_arrow(*as_data(data)._text_stream())
    elif _in_pieces(data):
        for piece in data:
            counts.add(array := _array(piece), array.ndim < 2)
    else:
        counts.add(_array(data))
    return counts


def count_integers(data: Any) -> Any:
    """How often the integers come in what `adapt` takes."""
    from andiron._tables import is_table

    counts = _core.IntegerCounts()
    if is_table(data):
        from andiron.data import as_data

        for piece in as_data(data)._pieces():
            counts.add(piece)
    elif _in_pieces(data):
        for piece in data:
            counts.add(tensor := _core.Tensor(piece), len(tensor.shape) < 2)
    else:
        counts.add(_core.Tensor(data))
    return counts


def _in_pieces(data: Any) -> bool:
    """Whether data are pieces, one after the other, and not one array."""
    if isinstance(data, (list, tuple)):
        return bool(data) and hasattr(data[0], "shape") and data[0].shape != ()
    return isinstance(data, Iterable) and not hasattr(data, "__array__") and not is_pandas(data)
