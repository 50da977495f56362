"""Calls compositions of ops that the core makes."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from andiron import _core


def compose(name: str, values: Sequence[Any], **arguments: Any) -> list:
    """A graph, a layer or numbers, as the values are. None stands for a value that is left out;
    plain numbers take the dtype of the first value that has one."""
    values = _numbers_alike(values)
    given = [v for v in values if v is not None]
    if any(isinstance(v, _core.KerasTensor) for v in given):
        from andiron.layers import Lambda

        def again(inputs):
            rest = iter(inputs if isinstance(inputs, (list, tuple)) else [inputs])
            full = [v if v is None or _is_number(v) else next(rest) for v in values]
            out = compose(name, full, **arguments)
            return out[0] if len(out) == 1 else out

        inputs = [v for v in given if not _is_number(v)]
        out = Lambda(again)(inputs if len(inputs) > 1 else inputs[0])
        return list(out) if isinstance(out, (list, tuple)) else [out]
    if any(isinstance(v, _core.Value) for v in given) or _core.tracing():
        return _core.compose(name, values, arguments)
    tensors = [v if v is None else _core.Tensor(v) for v in values]
    types = tuple(t if t is None else (tuple(t.shape), t.dtype) for t in tensors)
    plan = _plan(name, types, json.dumps(arguments, default=_plain))
    return list(plan.run(*[t for t in tensors if t is not None]))


@functools.lru_cache(maxsize=256)
def _plan(name: str, types: tuple, arguments: str):
    leaves = [t if t is None else _core.placeholder(f"x{i}", *t) for i, t in enumerate(types)]
    values = _core.compose(name, leaves, json.loads(arguments))
    return _core.Plan.compile(_core.Graph([x for x in leaves if x is not None], values))


def _is_number(x: Any) -> bool:
    return isinstance(x, (bool, int, float, np.generic))


def _numbers_alike(values: Sequence[Any]) -> list:
    if not any(_is_number(v) for v in values):
        return list(values)
    arrays = [v for v in values if v is not None and not _is_number(v)]
    if not arrays:
        return list(values)
    like = arrays[0] if hasattr(arrays[0], "dtype") else _core.Tensor(arrays[0])
    symbolic = any(isinstance(v, _core.KerasTensor) for v in values)
    return [v if symbolic or not _is_number(v) else _core.Tensor(v, like.dtype) for v in values]


def _plain(x: Any) -> Any:
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, np.ndarray):
        return x.tolist()
    raise TypeError(f"{x!r} is not a plain setting (a number, text, list or dict)")
