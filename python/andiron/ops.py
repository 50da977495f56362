"""Every op of the catalog as a function.

Signatures, defaults and docstrings come from the schemas of the core. A function composes a graph
when an argument is a graph value (inside a layer, a loss, `grad`), describes a layer when one is a
network's symbolic tensor, and computes at once otherwise.

Example:
    >>> from andiron import ops
    >>> ops.relu([-1.0, 2.0]).numpy().tolist()
    [0.0, 2.0]
"""

from __future__ import annotations

import builtins

from andiron import (
    _activation_ops,
    _array_ops,
    _axes,
    _core,
    _image_ops,
    _normalization_ops,
)
from andiron._py_function import py_function

# What graphs are made of, not what people call.
_LEAVES = {"input", "constant", "variable"}


def _doc(op: dict) -> str:
    lines = [op["summary"] or op["name"]]
    if op["formula"]:
        lines += ["", f"    {op['formula']}"]
    lines += ["", "Args:"]
    for spec in op["inputs"]:
        more = " One or several in a list." if spec["variadic"] else ""
        more += " Optional." if spec["optional"] else ""
        lines.append(f"    {spec['name']}: {spec['doc']}{'.' if more else ''}{more}")
    names = attribute_names(op)
    lines += [f"    {n}: {spec['doc']}" for n, spec in zip(names, op["attributes"], strict=True)]
    if has_axes(op):
        lines.append("    axis: Keras's name of axes.")
    results = ", ".join(op["outputs"])
    lines += ["", f"Returns: {results}." if results != "dst" else "Returns: the result."]
    if not op["differentiable"]:
        why = op["why_not_differentiable"] or "it has no gradient"
        lines += ["", f"Not differentiable: {why}."]
    if op["source"]:
        lines += ["", f"Source: {op['source']}"]
    return "\n".join(lines)


def attribute_names(op: dict) -> list[str]:
    """What the attributes are called in Python: an underscore tells them from inputs."""
    inputs = {spec["name"] for spec in op["inputs"]}
    return [spec["name"] + "_" * (spec["name"] in inputs) for spec in op["attributes"]]


def has_axes(op: dict) -> bool:
    """Whether it takes `axes`, which have Keras's name `axis`, too."""
    return "axes" in attribute_names(op)


def _source(op: dict) -> str:
    """The function's definition; required attributes stand before those with a default."""
    first, later, inputs = [], [], []
    for spec in op["inputs"]:
        name = spec["name"]
        (later if spec["optional"] else first).append(f"{name}=None" if spec["optional"] else name)
        inputs.append(f"*_listed({name})" if spec["variadic"] else name)
    for spec, name in zip(op["attributes"], attribute_names(op), strict=True):
        if spec["required"]:
            first.append(name)
        else:
            later.append(f"{name}={spec['default']!r}")
    names = attribute_names(op)
    if has_axes(op):
        later += ["*", "axis=None"]
        names[names.index("axes")] = f"_either({op['name']!r}, axes, axis)"
    attributes = "".join(f"{name}, " for name in names)
    joined = "".join(f"{x}, " for x in inputs)
    return (
        f"def {op['name']}({', '.join(first + later)}):\n"
        f"    return _apply({op['name']!r}, ({joined}), ({attributes}))\n"
    )


def _listed(values):
    return values if isinstance(values, (list, tuple)) else (values,)


def _define() -> list[str]:
    catalog = [op for op in _core.catalog() if op["name"] not in _LEAVES]
    source = "".join(_source(op) for op in catalog)
    scope = {
        "_apply": _core.apply,
        "_either": _axes.either,
        "_listed": _listed,
        "__name__": __name__,
    }
    exec(compile(source, "<schemas of the ops>", "exec"), scope)
    for op in catalog:
        function = scope[op["name"]]
        function.__doc__ = _doc(op)
        globals()[op["name"]] = function
    return [op["name"] for op in catalog]


__all__ = _define()

# Compositions of these, and other names for them.


def dense(x, weights, bias=None):
    """x [..., k] times weights [k, n], plus bias [n]."""
    product = matmul(x, weights)  # noqa: F821
    return product if bias is None else add(product, bias)  # noqa: F821


def mean(x, axes=(), keepdims=False, *, axis=None):
    """The mean over axes; empty means all.

    Args:
        x: any shape, floating point.
        axes: numbers; negative ones count from the end.
        keepdims: whether the axes stay with size 1.
        axis: Keras's name of axes.
    """
    axes = _axes.either("mean", axes, axis)
    if isinstance(x, _core.KerasTensor):
        return _as_layer(lambda v: mean(v, axes, keepdims), x)
    if not isinstance(x, _core.Value):
        # While a function is traced, variables are read when its graph runs.
        x = x.read() if isinstance(x, _core.Variable) and _core.tracing() else _core.Tensor(x)
    return sum(x, axes, keepdims) / count_of(x, axes, x.dtype)  # noqa: F821


def _as_layer(function, x):
    from andiron.layers import Lambda

    return Lambda(function)(x)


def flatten(x):
    """[n, a, b, ...] as [n, a*b*...]."""
    size = 1
    for dim in x.shape[1:]:
        size *= dim
    return reshape(x, (x.shape[0], size))  # noqa: F821


def expand_dims(x, axis):
    """An axis of size 1 more, at `axis` of the result."""
    if not hasattr(x, "shape"):
        x = _core.Tensor(x)
    rank = len(x.shape) + 1
    if not -rank <= axis < rank:
        raise _core.Error(f"[expand_dims] axis {axis} is out of range for rank {rank}")
    shape = list(x.shape)
    shape.insert(axis % rank, 1)
    return reshape(x, shape)  # noqa: F821


def squeeze(x, axis):
    """Without the axis of size 1 at `axis`."""
    if not hasattr(x, "shape"):
        x = _core.Tensor(x)
    shape = list(x.shape)
    if not -len(shape) <= axis < len(shape) or shape[axis] != 1:
        raise _core.Error(f"[squeeze] axis {axis} of {tuple(shape)} is not of size 1")
    del shape[axis]
    return reshape(x, shape)  # noqa: F821


def convert_to_tensor(x, dtype=None):
    """x as a Tensor; NumPy's memory is shared."""
    return _core.Tensor(x, dtype)


COMPOSED = (_activation_ops, _array_ops, _image_ops, _normalization_ops)
for _module in COMPOSED:
    for _name in _module.__all__:
        globals()[_name] = getattr(_module, _name)
    __all__ += _module.__all__

_ALIASES = {
    "abs": "absolute",
    "amax": "max",
    "amin": "min",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "concatenate": "concat",
    "hard_swish": "hard_silu",
    "swish": "silu",
    "top_k": "topk",
}
for _alias, _name in _ALIASES.items():
    if _name in globals():
        globals()[_alias] = globals()[_name]
        __all__.append(_alias)
__all__ += ["mean", "dense", "flatten", "expand_dims", "squeeze", "convert_to_tensor"]
__all__ += ["py_function"]
__all__ = builtins.sorted(__all__)
