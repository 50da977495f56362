"""Gradients of any composition of ops."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from andiron import _arrays, _core


def _is_array(tree: Any) -> bool:
    """Whether a list is an array written out: numbers, or lists of numbers."""
    return isinstance(tree, (list, tuple)) and all(
        isinstance(x, (int, float)) or _is_array(x) for x in tree
    )


def _whole(tree: Any) -> Any:
    """The same with arrays instead of written-out ones."""
    if _is_array(tree):
        return _core.Tensor(tree)
    if isinstance(tree, dict):
        return {key: _whole(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(_whole(value) for value in tree)
    return tree


def _traced(tree: Any) -> bool:
    return any(isinstance(leaf, _core.Value) for leaf in _arrays.tree_leaves(tree))


class _Gradient:
    """Calls a function on placeholders once for each combination of argument types, and keeps the
    compiled graphs."""

    def __init__(self, function: Callable, argnums: int | Sequence[int], with_value: bool):
        self._function, self._with_value = function, with_value
        self._single = isinstance(argnums, int)
        self._argnums = (argnums,) if self._single else tuple(argnums)
        self._plans: dict = {}
        functools.update_wrapper(self, function)

    def _build(self, args: Sequence[Any]):
        """(value, gradients in the form of the arguments) for graph values."""
        value = _core.trace(self._function, *args)
        if not isinstance(value, _core.Value):
            raise TypeError(
                f"[grad] the function must return one value; got {type(value).__name__}"
            )
        if value.shape != ():
            raise _core.Error(
                f"[grad] the function must return a scalar; got shape {value.shape}. Take a sum "
                "or a mean of it"
            )
        chosen = [args[n] for n in self._argnums]
        found = iter(_core.grad_values(value, _arrays.tree_leaves(chosen)))
        grads = [_arrays.tree_map(lambda _: next(found), tree) for tree in chosen]
        return value, grads[0] if self._single else tuple(grads)

    def __call__(self, *args):
        for n in self._argnums:
            if not -len(args) <= n < len(args):
                raise TypeError(f"[grad] argnums={n}, but there are {len(args)} arguments")
        args = tuple(_whole(arg) for arg in args)
        if _traced(args):
            value, grads = self._build(args)
            return (value, grads) if self._with_value else grads
        tensors = [_core.Tensor(leaf) for leaf in _arrays.tree_leaves(args)]
        key = (
            repr(_arrays.tree_map(lambda _: 0, args)),
            tuple((t.dtype, t.shape) for t in tensors),
        )
        if key not in self._plans:
            names = iter(range(len(tensors)))
            inputs = []

            def placeholder(_):
                t = tensors[next(names)]
                inputs.append(_core.placeholder(f"x{len(inputs)}", t.shape, t.dtype))
                return inputs[-1]

            value, grads = self._build(_arrays.tree_map(placeholder, args))
            outputs = [value, *_arrays.tree_leaves(grads)]
            self._plans[key] = _core.Plan.compile(_core.Graph(inputs, outputs)), grads
        plan, form = self._plans[key]
        results = iter(plan.run(*tensors))
        value = next(results)
        grads = _arrays.tree_map(lambda _: next(results), form)
        return (value, grads) if self._with_value else grads


def grad(function: Any, argnums: Any = 0):
    """The gradient of a function, or of a graph value.

    Args:
        function: composes ops on its arguments and returns a scalar. Or a graph `Value`.
        argnums: with respect to which arguments, a number or several. With a `Value` as function:
            the values or variables to differentiate by.

    Returns:
        A function of the same arguments that returns the gradient (arguments may be arrays, or
        lists and dicts of them), or, for a `Value`, the gradients as graph values.

    Ops that are piecewise constant or give integers pass no gradient on.

    Errors:
        andiron.Error when the result is no scalar, or when a py_function without a gradient is on
            the way.

    Example:
        >>> import andiron
        >>> from andiron import ops
        >>> andiron.grad(lambda x: ops.sum(x * x))([1.0, 2.0]).numpy().tolist()
        [2.0, 4.0]
    """
    if isinstance(function, _core.Value):
        single = isinstance(argnums, (_core.Value, _core.Variable))
        wanted = [argnums] if single else list(argnums)
        variables = [x for x in wanted if isinstance(x, _core.Variable)]
        values = [x for x in wanted if not isinstance(x, _core.Variable)]
        of_variables = iter(_core.grad_of_variables(function, variables) if variables else [])
        of_values = iter(_core.grad_values(function, values) if values else [])
        out = [next(of_variables if isinstance(x, _core.Variable) else of_values) for x in wanted]
        return out[0] if single else out
    return _Gradient(function, argnums, with_value=False)


def value_and_grad(function: Callable, argnums: int | Sequence[int] = 0):
    """Like `grad`, but the new function returns (value, gradient).

    Example:
        >>> import andiron
        >>> value, slope = andiron.value_and_grad(lambda x: x * x)(3.0)
        >>> float(value), float(slope)
        (9.0, 6.0)
    """
    return _Gradient(function, argnums, with_value=True)
