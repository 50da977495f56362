"""Writes ops.pyi, the types of the functions that ops.py makes of the schemas.

python -m andiron._stubs
"""

from __future__ import annotations

from pathlib import Path

from andiron import _core, ops

HEAD = '''"""Generated from the ops' schemas by `python -m andiron._stubs`; a test compares."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from andiron import Graph, KerasTensor, Tensor, Value, Variable
{imports}
from andiron._py_function import py_function as py_function

# Graph values make graph values, symbolic tensors of a network make symbolic tensors, everything
# else is computed at once.
Operand: TypeAlias = Value | KerasTensor | Tensor | Variable | float | Sequence | Any
Result: TypeAlias = Any
DTypeLike: TypeAlias = Any

'''
COMPOSED = """def dense(x: Operand, weights: Operand, bias: Operand | None = None) -> Result: ...
def mean(
    x: Operand,
    axes: int | Sequence[int] = (),
    keepdims: bool = False,
    *,
    axis: int | Sequence[int] | None = None,
) -> Result: ...
def flatten(x: Operand) -> Result: ...
def expand_dims(x: Operand, axis: int) -> Result: ...
def squeeze(x: Operand, axis: int) -> Result: ...
def convert_to_tensor(x: Any, dtype: DTypeLike | None = None) -> Tensor: ...
"""


def _definition(op: dict) -> str:
    first, later = [], []
    for spec in op["inputs"]:
        kind = "Operand | Sequence[Operand]" if spec["variadic"] else "Operand"
        if spec["optional"]:
            later.append(f"{spec['name']}: {kind} | None = None")
        else:
            first.append(f"{spec['name']}: {kind}")
    for spec, name in zip(op["attributes"], ops.attribute_names(op), strict=True):
        kind = {"Sequence[int]": "int | Sequence[int]"}.get(spec["type"], spec["type"])
        if spec["required"]:
            first.append(f"{name}: {kind}")
        else:
            later.append(f"{name}: {kind} = {spec['default']!r}")
    if ops.has_axes(op):
        later += ["*", "axis: int | Sequence[int] | None = None"]
    arguments = first + later
    result = "Result" if len(op["outputs"]) == 1 else "tuple[Result, ...]"
    line = f"def {op['name']}({', '.join(arguments)}) -> {result}: ..."
    if len(line) <= 100:
        return line
    inside = "".join(f"    {argument},\n" for argument in arguments)
    return f"def {op['name']}(\n{inside}) -> {result}: ..."


def ops_stub() -> str:
    """The text of ops.pyi."""
    catalog = [op for op in _core.catalog() if op["name"] not in ops._LEAVES]
    lines = [_definition(op) for op in catalog]
    imports = [
        f"from {module.__name__} import {name} as {name}"
        for module in ops.COMPOSED
        for name in module.__all__
    ]
    aliases = [f"{alias} = {name}" for alias, name in ops._ALIASES.items()]
    return (
        HEAD.format(imports="\n".join(imports))
        + "\n".join(lines)
        + "\n"
        + COMPOSED
        + "\n"
        + "\n".join(aliases)
        + "\n"
    )


if __name__ == "__main__":
    Path(__file__).with_name("ops.pyi").write_text(ops_stub())
