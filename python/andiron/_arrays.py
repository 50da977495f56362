"""What users hand in as data, as NumPy arrays of dtypes that Andiron has."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

# dtypes that Andiron lacks -> the smallest that holds all their values.
_WIDER = {
    "float16": np.float32,
    "int16": np.int32,
    "uint16": np.int32,
    "uint32": np.int64,
    "longdouble": np.float64,
    "float128": np.float64,
}

_RAGGED = " (rows of different lengths become an array by andiron.data.pad_sequences)"


class NotNumbersError(TypeError):
    """Texts or objects where numbers are needed. `texts`: some of them, sorted; [] of objects."""

    def __init__(self, message: str, texts: list[str]):
        super().__init__(message)
        self.texts = texts


def is_pandas(x: Any) -> bool:
    """Whether x is a DataFrame, Series or Index; pandas is not imported for the question."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(x, (pandas.DataFrame, pandas.Series, pandas.Index))


def _from_series(series: Any) -> np.ndarray:
    pandas = sys.modules["pandas"]
    if isinstance(series.dtype, pandas.CategoricalDtype):
        return series.cat.codes.to_numpy().astype(np.int32)
    if not pandas.api.types.is_extension_array_dtype(series.dtype):
        return series.to_numpy()
    missing = series.isna().to_numpy()
    if pandas.api.types.is_bool_dtype(series.dtype):
        if missing.any():
            raise ValueError(
                f"row {int(missing.argmax())} is missing, which bool cannot be: fill it first"
            )
        return series.to_numpy(dtype=bool)
    if not pandas.api.types.is_numeric_dtype(series.dtype):
        return series.to_numpy()  # texts, times: refused by their dtype
    if missing.any():
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    kind = getattr(series.dtype, "numpy_dtype", None) or getattr(series.dtype, "subtype", None)
    return series.to_numpy(dtype=kind or np.float64)


def refuse_missing_categories(x: Any) -> None:
    """Raises Error where a category of x, Series or DataFrame, is missing: its code would be -1."""
    from andiron import _core

    if not is_pandas(x):
        return
    pandas = sys.modules["pandas"]
    named = {f"column {name!r}: ": x[name] for name in x.columns} if hasattr(x, "columns") else {}
    for where, series in (named or {"": x}).items():
        if isinstance(getattr(series, "dtype", None), pandas.CategoricalDtype):
            missing = series.isna()
            if missing.any():
                row = int(missing.argmax())
                raise _core.Error(f"{where}row {row} is missing, which no class is: drop it first")


def from_pandas(x: Any) -> np.ndarray:
    """A Series as [n], a DataFrame as [n, columns]. Categories become their codes (-1: missing);
    missing numbers become NaN; a missing bool is an error that names column and row."""
    from andiron import _core

    pandas = sys.modules["pandas"]
    if isinstance(x, pandas.Index):
        x = x.to_series()
    if isinstance(x, pandas.Series):
        return plain_array(_from_series(x))
    columns = []
    for name in x.columns:
        try:
            columns.append(plain_array(_from_series(x[name])))
        except (TypeError, ValueError) as error:
            if isinstance(error, NotNumbersError):
                raise NotNumbersError(f"column {name!r}: {error}", error.texts) from None
            kind = TypeError if isinstance(error, TypeError) else _core.Error
            raise kind(f"column {name!r}: {error}") from None
    if not columns:
        return np.empty((len(x), 0), np.float32)
    return np.stack(columns, axis=1)


def _texts_in(array: np.ndarray) -> list[str]:
    """The different texts among the first of an array, sorted; [] where one is no text."""
    if array.dtype.kind not in "USO":
        return []
    first = array.reshape(-1)[:10_000].tolist()
    if not all(isinstance(one, (str, bytes)) for one in first):
        return []
    return sorted({one.decode(errors="replace") if isinstance(one, bytes) else one
                   for one in first})  # fmt: skip


def plain_array(x: Any) -> Any:
    """x as an array of a dtype that Andiron has; the same memory where nothing has to change.

    float16, int16, uint16 and uint32 are widened; Python floats become float32. Texts and objects
    are a TypeError.
    """
    from andiron import _core

    if isinstance(x, _core.Tensor):
        return x
    if is_pandas(x):
        return from_pandas(x)
    if hasattr(x, "__dlpack_device__") and not isinstance(x, np.ndarray):
        try:
            return _core.from_dlpack(x)  # torch, JAX, ...: bfloat16, too
        except TypeError:
            pass  # a dtype that Andiron lacks, or Arrow's nulls
    given = isinstance(x, (np.ndarray, np.generic)) or hasattr(x, "__array__")
    try:
        array = np.asarray(x)
    except ValueError as error:  # lists of different lengths
        raise TypeError(f"{error}{_RAGGED}") from None
    name = array.dtype.name
    if name == "bfloat16":
        flat = np.ascontiguousarray(array).reshape(-1)
        return _core.bfloat16_from_bytes(flat.view(np.uint8), array.shape)
    if name in _WIDER:
        return array.astype(_WIDER[name])
    if name == "uint64":
        if array.size and array.max() > np.iinfo(np.int64).max:
            raise TypeError("uint64 values beyond int64 have no dtype in Andiron")
        return array.astype(np.int64)
    if array.dtype.kind not in "fiub":
        texts = _texts_in(array)
        what = "texts" if texts else f"dtype {array.dtype}"
        hint = ""
        if array.dtype.kind == "O" and array.size and isinstance(array.flat[0], (list, np.ndarray)):
            hint = _RAGGED
        elif array.dtype.kind == "O" and not texts:
            hint = " (map them to numbers first)"
        raise NotNumbersError(f"numbers are needed; got {what}{hint}", texts)
    if not given and array.dtype == np.float64:
        array = array.astype(np.float32)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if not array.flags.aligned or any(s % array.itemsize for s in array.strides):
        array = array.copy()
    if array.dtype.char not in "fd?bBilq":
        array = array.astype(array.dtype.name)
    return array


def from_dlpack(x: Any, *, device: str | None = None, copy: bool | None = None) -> Any:
    """A tensor over the memory of another library's array (torch, JAX, TensorFlow, ...), by DLPack.

    The memory is shared, with its strides and, where it is read-only, as read-only memory; it lives
    as long as the tensor. `torch.from_dlpack` and `numpy.from_dlpack` take tensors of Andiron.

    Args:
        x: an array with `__dlpack__` (and `__dlpack_device__`), on the CPU.
        device: None or "cpu".
        copy: True for a copy. Default: the same memory.

    Errors:
        BufferError for arrays on other devices; TypeError for dtypes that Andiron lacks.

    Source: https://data-apis.org/array-api (2024.12), `from_dlpack`.

    Example:
        >>> import numpy as np
        >>> import andiron
        >>> a = np.zeros(3, np.float32)
        >>> tensor = andiron.from_dlpack(a)
        >>> a[1] = 5
        >>> tensor.numpy().tolist(), np.shares_memory(np.from_dlpack(tensor), a)
        ([0.0, 5.0, 0.0], True)
    """
    from andiron import _core

    return _core.from_dlpack(x, device=device, copy=copy)


def as_bfloat16(bits: np.ndarray) -> np.ndarray:
    """uint16 bits as ml_dtypes.bfloat16 where that is installed."""
    try:
        import ml_dtypes
    except ImportError:
        return bits
    return bits.view(ml_dtypes.bfloat16)


def tree_map(function, tree: Any) -> Any:
    """Applies function to the leaves of nested lists, tuples and dicts."""
    if isinstance(tree, dict):
        return {key: tree_map(function, value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(tree_map(function, value) for value in tree)
    return function(tree)


def tree_leaves(tree: Any) -> list:
    """The leaves in order."""
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in tree_leaves(value)]
    if isinstance(tree, (list, tuple)):
        return [leaf for value in tree for leaf in tree_leaves(value)]
    return [tree]
