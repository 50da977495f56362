"""What identifies a training beside its rows: the same in each process that says the same."""

from __future__ import annotations

import hashlib
import inspect
import json
import types
from typing import Any

import numpy as np

from andiron.callbacks._protocol import MadeAgain

_DEEPEST = 12


def digest(*parts: Any) -> str:
    """64 hexadecimal digits of plain values, arrays, functions and objects."""
    return hashlib.sha256(json.dumps(described(parts)).encode()).hexdigest()


def of_training(native: Any, callbacks: list) -> str:
    """Of a compiled model with its weights, and of what takes part in its training."""
    own = [(place, name, output, metric, weighted)
           for place, (name, output, metric, weighted) in native._own_metrics()]  # fmt: skip
    return digest(native._bytes(), own, callbacks)


def described(what: Any, above: tuple = ()) -> Any:
    """JSON values that differ where `what` would do something else: objects by their class and what
    they hold, classes and functions that are not installed by their code. A pickle would not do:
    code in one has other bytes in each process."""
    if what is None or isinstance(what, (bool, int, float, str)):
        return what
    if isinstance(what, (bytes, bytearray)):
        return ["bytes", hashlib.sha256(what).hexdigest()]
    if isinstance(what, (np.ndarray, np.generic)):
        array = np.asarray(what)
        if array.dtype != object:
            return ["array", array.dtype.str, list(array.shape), described(array.tobytes())]
        what = array.tolist()
    if id(what) in above or len(above) >= _DEEPEST:
        return ["again"]
    above = (*above, id(what))
    if isinstance(what, dict):
        pairs = [[described(k, above), described(v, above)] for k, v in what.items()]
        return ["dict", *sorted(pairs, key=json.dumps)]
    if isinstance(what, (set, frozenset)):
        return ["set", *sorted((described(x, above) for x in what), key=json.dumps)]
    if isinstance(what, (list, tuple)):
        return ["list", *(described(x, above) for x in what)]
    if isinstance(what, types.CodeType):
        return ["code", described(what.co_code), what.co_names, described(what.co_consts, above)]
    if isinstance(what, types.FunctionType):
        cells = [_content(cell) for cell in what.__closure__ or ()]
        held = (what.__code__, what.__defaults__, what.__kwdefaults__, cells)
        return ["function", what.__qualname__, described(held, above)]
    if isinstance(what, types.MethodType):
        return ["method", described((what.__func__, what.__self__), above)]
    if isinstance(what, (staticmethod, classmethod)):
        return described(what.__func__, above)
    if isinstance(what, property):
        return described((what.fget, what.fset), above)
    if isinstance(what, type):
        return _class(what, above)
    if isinstance(what, MadeAgain):
        return ["made", _class(type(what), above), described(_arguments(what), above)]
    held = getattr(what, "__dict__", None)
    return ["object", _class(type(what), above), None if held is None else described(held, above)]


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing is in it yet
        return None


def _class(cls: type, above: tuple) -> list:
    """Its name, and the code of those that are not part of a package."""
    from andiron.spark._launch import _is_users

    parts = []
    for base in cls.__mro__:
        module = inspect.getmodule(base)
        if base.__module__ == "__main__" or (module is not None and _is_users(module)):
            skip = ("__dict__", "__weakref__", "__doc__", "__module__", "__firstlineno__")
            parts.append({k: v for k, v in vars(base).items() if k not in skip})
    return ["class", cls.__qualname__, described(parts, above)]


def _arguments(made: MadeAgain) -> Any:
    """What it was made with, whether said by place, by name or not at all."""
    args, kwargs = made._made
    try:
        bound = inspect.signature(type(made)).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return [args, kwargs]
    bound.apply_defaults()
    return dict(bound.arguments)
