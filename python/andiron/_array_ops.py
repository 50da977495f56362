"""Compositions of ops under NumPy's names; part of andiron.ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from andiron import _core
from andiron._axes import either
from andiron._compose import compose

Ints = int | Sequence[int]

__all__ = [
    "all",
    "any",
    "arange",
    "argmin",
    "argsort",
    "count_nonzero",
    "einsum",
    "eye",
    "flip",
    "floor_divide",
    "full",
    "full_like",
    "hypot",
    "isfinite",
    "isinf",
    "isnan",
    "linspace",
    "logical_xor",
    "median",
    "mod",
    "moveaxis",
    "nan_to_num",
    "ones",
    "ones_like",
    "quantile",
    "repeat",
    "roll",
    "scatter",
    "scatter_add",
    "scatter_update",
    "stack",
    "std",
    "swapaxes",
    "tile",
    "tril",
    "triu",
    "unstack",
    "var",
    "zeros",
    "zeros_like",
]

# elementwise


def isnan(x: Any):
    """Whether each element is not a number; bool."""
    return compose("isnan", [x])[0]


def isinf(x: Any):
    """Whether each element is infinite; bool."""
    return compose("isinf", [x])[0]


def isfinite(x: Any):
    """Whether each element is a finite number; bool."""
    return compose("isfinite", [x])[0]


def logical_xor(a: Any, b: Any):
    """Whether one of two conditions holds and the other does not, with broadcasting."""
    return compose("logical_xor", [a, b])[0]


def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None):
    """x with numbers for NaN and the infinities: 0, and the greatest and least float32."""
    greatest = float(np.finfo(np.float32).max)
    return compose(
        "nan_to_num",
        [x],
        nan=float(nan),
        posinf=greatest if posinf is None else float(posinf),
        neginf=-greatest if neginf is None else float(neginf),
    )[0]


def floor_divide(a: Any, b: Any):
    """floor(a / b), with broadcasting; of integers, too."""
    return compose("floor_divide", [a, b])[0]


def mod(a: Any, b: Any):
    """a - floor(a / b) b, which has the sign of b, with broadcasting; as % of Python.

    Example:
        >>> import numpy as np
        >>> from andiron import ops
        >>> ops.mod(np.array([-7, 7], np.int32), 3).numpy().tolist()
        [2, 1]
    """
    return compose("mod", [a, b])[0]


def hypot(a: Any, b: Any):
    """sqrt(a^2 + b^2) without overflow, with broadcasting."""
    return compose("hypot", [a, b])[0]


# reductions


def var(
    x: Any,
    axes: Ints = (),
    keepdims: bool = False,
    correction: float = 0.0,
    *,
    axis: Ints | None = None,
):
    """The variance over axes.

    Args:
        x: floating point.
        axes: default all.
        keepdims: whether the axes stay with size 1.
        correction: squares are divided by n - correction. Default: 0, NumPy's; PyTorch's is 1.
        axis: Keras's name of axes.
    """
    axes = either("var", axes, axis)
    return compose("var", [x], axes=axes, keepdims=keepdims, correction=float(correction))[0]


def std(
    x: Any,
    axes: Ints = (),
    keepdims: bool = False,
    correction: float = 0.0,
    *,
    axis: Ints | None = None,
):
    """The standard deviation over axes: the root of `var`."""
    axes = either("std", axes, axis)
    return compose("std", [x], axes=axes, keepdims=keepdims, correction=float(correction))[0]


def any(x: Any, axes: Ints = (), keepdims: bool = False, *, axis: Ints | None = None):
    """Whether an element over axes (default all) is not 0; bool."""
    axes = either("any", axes, axis)
    return compose("any", [x], axes=axes, keepdims=keepdims)[0]


def all(x: Any, axes: Ints = (), keepdims: bool = False, *, axis: Ints | None = None):
    """Whether no element over axes (default all) is 0; bool."""
    axes = either("all", axes, axis)
    return compose("all", [x], axes=axes, keepdims=keepdims)[0]


def count_nonzero(x: Any, axes: Ints = (), keepdims: bool = False, *, axis: Ints | None = None):
    """How many elements over axes (default all) are not 0; int32."""
    axes = either("count_nonzero", axes, axis)
    return compose("count_nonzero", [x], axes=axes, keepdims=keepdims)[0]


def argmin(x: Any, axis: int = -1):
    """The position of the least element along an axis; the first of equals; int32."""
    return compose("argmin", [x], axis=axis)[0]


def argsort(x: Any, axis: int = -1, descending: bool = False):
    """The positions that sort x along an axis; equal elements keep their order; int32."""
    return compose("argsort", [x], axis=axis, descending=descending)[0]


def quantile(x: Any, q: float | Sequence[float], axis: int = -1, keepdims: bool = False):
    """Quantiles along an axis, linear between the two nearest elements.

    Args:
        x: floating point; the size of the axis must be known. A NaN makes its result NaN.
        q: numbers in [0, 1]; for several the results stand along a new axis 0.
        axis: default the last.
        keepdims: whether the axis stays with size 1.

    Example:
        >>> from andiron import ops
        >>> ops.quantile([4.0, 1.0, 2.0], [0.5, 0.75]).numpy().tolist()
        [2.0, 3.0]
    """
    one = np.ndim(q) == 0
    out = compose("quantile", [x], q=[float(v) for v in np.atleast_1d(q)], axis=axis,
                  keepdims=keepdims)[0]  # fmt: skip
    if not one:
        return out
    from andiron import ops

    return ops.squeeze(out, 0)


def median(x: Any, axis: int = -1, keepdims: bool = False):
    """The median along an axis; the mean of the two in the middle where there are two."""
    return compose("median", [x], axis=axis, keepdims=keepdims)[0]


# shapes


def tile(x: Any, repeats: Ints):
    """x so many times along each axis (the last ones, where there are fewer)."""
    return compose("tile", [x], repeats=repeats)[0]


def repeat(x: Any, repeats: int, axis: int | None = None):
    """Each element (or slice) so many times in a row; axis None: of the flat array."""
    if axis is None:
        from andiron import ops

        x, axis = ops.reshape(x, (-1,)), 0
    return compose("repeat", [x], repeats=repeats, axis=axis)[0]


def roll(x: Any, shift: Ints, axis: Ints | None = None):
    """Elements move by `shift` along the axes; what leaves at the end enters at the start. axis
    None: of the flat array."""
    if axis is None:
        from andiron import ops

        x = x if hasattr(x, "shape") else _core.Tensor(x)
        return ops.reshape(roll(ops.reshape(x, (-1,)), shift, 0), tuple(x.shape))
    return compose("roll", [x], shift=shift, axes=axis)[0]


def flip(x: Any, axis: Ints = ()):
    """The order of the elements reversed along the axes (default all)."""
    return compose("flip", [x], axes=axis)[0]


def stack(values: Sequence[Any], axis: int = 0):
    """Values of one shape along a new axis."""
    return compose("stack", list(values), axis=axis)[0]


def unstack(x: Any, axis: int = 0) -> tuple:
    """The values along an axis, without it."""
    return tuple(compose("unstack", [x], axis=axis))


def swapaxes(x: Any, axis1: int, axis2: int):
    """Two axes exchanged."""
    return compose("swapaxes", [x], a=axis1, b=axis2)[0]


def moveaxis(x: Any, source: Ints, destination: Ints):
    """Axes at other places; the rest keep their order."""
    return compose("moveaxis", [x], source=source, destination=destination)[0]


def tril(x: Any, k: int = 0):
    """The lower triangle of the last two axes, with k diagonals more; 0 elsewhere."""
    return compose("tril", [x], diagonal=k)[0]


def triu(x: Any, k: int = 0):
    """The upper triangle of the last two axes, with -k diagonals more; 0 elsewhere."""
    return compose("triu", [x], diagonal=k)[0]


# by index


def scatter(indices: Any, values: Any, shape: Sequence[int]):
    """Zeros of a shape with values added at indices (TensorFlow's scatter_nd).

    Args:
        indices: [..., k], int32 or int64, into the first k axes. Out of range is an error when it
            runs.
        values: [..., rest of the shape]; those of equal indices are added.
        shape: of the result.

    Example:
        >>> import numpy as np
        >>> from andiron import ops
        >>> ops.scatter(np.array([[0], [2], [0]]), [1.0, 5.0, 2.0], (3,)).numpy().tolist()
        [3.0, 0.0, 5.0]
    """
    return compose("scatter", [indices, values], shape=list(shape))[0]


def scatter_update(inputs: Any, indices: Any, updates: Any):
    """A copy of inputs with updates [..., rest] put at indices [..., k] into its first k axes; of
    equal indices the last counts."""
    return compose("scatter_update", [inputs, indices, updates])[0]


def scatter_add(inputs: Any, indices: Any, updates: Any):
    """A copy of inputs with updates [..., rest] added at indices [..., k] into its first k axes."""
    return compose("scatter_add", [inputs, indices, updates])[0]


def einsum(equation: str, *operands: Any):
    """Einstein's sums, as in NumPy, computed by products of matrices.

    Args:
        equation: "ij,jk->ik": labels of the operands' axes and of the result's; "..." stands for
            any axes, which broadcast. Without an arrow the result has what occurs once, in the
            order of the alphabet. A label must not occur twice in one operand.
        operands: of one dtype.

    Example:
        >>> from andiron import ops
        >>> ops.einsum("ij,j->i", [[1.0, 2.0], [3.0, 4.0]], [1.0, 10.0]).numpy().tolist()
        [21.0, 43.0]
    """
    return compose("einsum", operands, equation=equation)[0]


# constants


def arange(start: float, stop: float | None = None, step: float = 1, dtype: Any = None):
    """The numbers from start (or 0) to stop, which is left out, as a Tensor."""
    numbers = np.arange(start, stop, step) if stop is not None else np.arange(0, start, step)
    return _core.Tensor(numbers, dtype or ("int32" if numbers.dtype.kind == "i" else "float32"))


def linspace(start: float, stop: float, num: int = 50, endpoint: bool = True, dtype: Any = None):
    """num numbers from start to stop in equal steps, as a Tensor."""
    return _core.Tensor(np.linspace(start, stop, num, endpoint=endpoint), dtype or "float32")


def eye(n: int, m: int | None = None, k: int = 0, dtype: Any = None):
    """A matrix [n, m] with ones on the k-th diagonal, as a Tensor."""
    return _core.Tensor(np.eye(n, m, k), dtype or "float32")


def full(shape: Ints, fill_value: float, dtype: Any = None):
    """A Tensor of one number."""
    return _core.Tensor(np.full(shape, fill_value), dtype or "float32")


def zeros(shape: Ints, dtype: Any = None):
    """A Tensor of zeros."""
    return full(shape, 0, dtype)


def ones(shape: Ints, dtype: Any = None):
    """A Tensor of ones."""
    return full(shape, 1, dtype)


def full_like(x: Any, fill_value: float, dtype: Any = None):
    """One number in x's shape and, if no other is said, dtype."""
    from andiron import ops

    x = x if hasattr(x, "shape") else _core.Tensor(x)
    return ops.broadcast_to(_core.Tensor(fill_value, dtype or x.dtype), tuple(x.shape))


def zeros_like(x: Any, dtype: Any = None):
    """Zeros in x's shape."""
    return full_like(x, 0, dtype)


def ones_like(x: Any, dtype: Any = None):
    """Ones in x's shape."""
    return full_like(x, 1, dtype)
