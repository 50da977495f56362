"""Settings that a user gives by name, held against the fields of a model's dataclass."""

from __future__ import annotations

import dataclasses
from numbers import Integral, Real
from typing import Any

import numpy as np

# The types of fields, as they are written, and what each takes.
_SINGLE = {
    "int": (Integral, "a whole number"),
    "float": (Real, "a number"),
    "bool": ((bool, np.bool_), "true or false"),
    "str": (str, "a word"),
}
_SEVERAL = {
    "tuple[int, ...]": (Integral, "a list of whole numbers"),
    "tuple[float, ...]": (Real, "a list of numbers"),
}


def checked(where: str, kind: type, settings: dict[str, Any]) -> Any:
    """`kind`, a dataclass, with these settings.

    Raises:
        ValueError: it has no such field, or the value is of another type.
    """
    types = {field.name: field.type for field in dataclasses.fields(kind)}
    for name, value in sorted(settings.items()):
        if name not in types:
            raise ValueError(
                f"[{where}] there is no setting {name!r}; settings are {sorted(types)}"
            )
        written = types[name].removesuffix(" | None")
        if value is None and written != types[name]:
            continue
        if written in _SINGLE:
            wanted, words = _SINGLE[written]
            right = _is(value, wanted)
        elif written in _SEVERAL:
            wanted, words = _SEVERAL[written]
            right = isinstance(value, (list, tuple)) and all(_is(v, wanted) for v in value)
        else:
            continue
        if not right:
            raise ValueError(f"[{where}] the setting {name} is {words}; got {value!r}")
    return kind(**settings)


def _is(value: Any, wanted: Any) -> bool:
    """As isinstance, but true and false are no numbers."""
    truth = isinstance(value, (bool, np.bool_))
    return isinstance(value, wanted) and (not truth or wanted not in (Integral, Real))
