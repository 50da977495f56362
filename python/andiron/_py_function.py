"""Functions in NumPy as ops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from andiron import _core


def _outputs(shapes: Any, dtypes: Any) -> tuple[list, list]:
    """A shape and a dtype for each output."""
    several = isinstance(shapes, (list, tuple)) and any(
        isinstance(s, (list, tuple)) or (s is None and isinstance(shapes, list)) for s in shapes
    )
    shapes = list(shapes) if several else [shapes]
    if not isinstance(dtypes, (list, tuple)):
        dtypes = [dtypes] * len(shapes)
    if len(dtypes) != len(shapes):
        raise _core.Error(
            f"[py_function] there are {len(shapes)} output_shapes; got {len(dtypes)} output_dtypes"
        )
    return shapes, list(dtypes)


def py_function(
    function: Callable,
    inputs: Any,
    output_shapes: Any = None,
    output_dtypes: Any = None,
    gradient: Callable | None = None,
    *,
    rows: bool = False,
    name: str | None = None,
):
    """A Python function over NumPy arrays as an op: the way out where no composition of ops does.

    It runs whenever the graph runs, in fit, evaluate and predict, also on other threads than the
    caller's, but never twice at once, and holds the interpreter's lock meanwhile. It is not fused,
    and a model with it cannot be saved. What it raises ends the step and comes out of fit or
    predict; the model stays usable.

    Args:
        function: takes an array for each input, which it may keep and change, and returns an
            array, or a tuple of them for several outputs.
        inputs: what it is called on: one, or a list. Graph values, symbolic tensors of a network,
            or arrays (then it is called at once).
        output_shapes: of its result; None in it stands for axis 0 of the first input (the batch). A
            list of shapes for several outputs. Default: the first input's shape.
        output_dtypes: a name, or a list of them. Default: the first input's.
        gradient: takes the inputs and then the gradients of the loss by the floating point outputs,
            and returns the gradients by the floating point inputs: an array, or a tuple of them
            (None for one that gets none). Default: none; then a gradient through it is an error.
        rows: row i of each output depends on row i of the inputs only, so that it may be called on
            parts of a batch. Default: False: it sees the whole batch of a step. (`predict` cuts its
            data into chunks of rows: see there.)
        name: in errors and profiles. Default: the function's own.

    Returns:
        One value, or a tuple of them.

    Errors:
        andiron.Error when the result has another shape or kind of dtype than was said, and when a
        gradient is needed that was not given.

    Example:
        >>> import numpy as np
        >>> from andiron import grad, ops
        >>> def floor(x):
        ...     return ops.py_function(np.floor, x, gradient=lambda x, g: g, rows=True)
        >>> floor([1.5, -0.5]).numpy().tolist()
        [1.0, -1.0]
        >>> grad(lambda x: ops.sum(floor(x) * x))([1.5, -0.5]).numpy().tolist()
        [2.5, -1.5]
    """
    if not callable(function):
        raise TypeError(f"[py_function] takes a function; got {function!r}")
    given = list(inputs) if isinstance(inputs, (list, tuple)) and _several(inputs) else [inputs]
    shapes, dtypes = _outputs(output_shapes, output_dtypes)
    called = name or getattr(function, "__name__", type(function).__name__)

    def apply(values: Sequence[Any]):
        out = _core.python_function(function, values, shapes, dtypes, gradient, bool(rows), called)
        return out[0] if len(out) == 1 else tuple(out)

    if any(isinstance(x, _core.KerasTensor) for x in given):
        return _as_layer(apply, given)
    if any(isinstance(x, _core.Value) for x in given) or (
        _core.tracing() and any(isinstance(x, _core.Variable) for x in given)
    ):
        return apply(given)
    tensors = [_core.Tensor(x) for x in given]
    leaves = [_core.placeholder(f"x{i}", t.shape, t.dtype) for i, t in enumerate(tensors)]
    out = apply(leaves)
    out = out if isinstance(out, tuple) else (out,)
    results = _core.Graph(leaves, out)(*tensors)
    return results[0] if len(results) == 1 else tuple(results)


def _several(inputs: Sequence[Any]) -> bool:
    """Whether a list is of inputs, not one array written out."""
    return any(hasattr(x, "shape") for x in inputs)


def _as_layer(apply: Callable, given: list):
    from andiron.layers import Lambda

    places = [i for i, x in enumerate(given) if isinstance(x, _core.KerasTensor)]

    def composed(found):
        values = list(given)
        for i, value in zip(places, found if isinstance(found, list) else [found], strict=True):
            values[i] = value
        return apply(values)

    symbolic = [given[i] for i in places]
    return Lambda(composed)(symbolic[0] if len(symbolic) == 1 else symbolic)
