"""The columns that a model's one input was trained on, and later tables by these names."""

from __future__ import annotations

from typing import Any

import numpy as np

from andiron import _core
from andiron._arrays import is_pandas
from andiron._tables import Data


def names_of(x: Any) -> list[str] | None:
    """The columns that become one input; None where they have no names."""
    if isinstance(x, Data):
        return x._feature_names()
    if not (is_pandas(x) and hasattr(x, "columns")):
        return None
    names = list(x.columns)
    return names if all(isinstance(name, str) for name in names) else None


def in_order(x: Any, known: list[str] | None) -> Any:
    """x with its columns in the order of `known`, those that the model was trained on.

    Errors:
        andiron.Error for a table with other columns, unless its features were named.
    """
    if known is None or isinstance(x, np.ndarray):
        return x
    names = names_of(x)
    if names is None or names == known:
        return x
    if sorted(names) == sorted(known):
        return x._with_features(known) if isinstance(x, Data) else x[known]
    if isinstance(x, Data) and x._features is not None:
        return x
    parts = []
    if unseen := [name for name in names if name not in known]:
        parts.append(f"it has {unseen}, which fit did not see")
    if missing := [name for name in known if name not in names]:
        parts.append(f"it lacks {missing}, which fit saw")
    raise _core.Error(
        f"[data] the columns should be those that fit saw, {known}; got {names}: "
        f"{', and '.join(parts) or 'some come twice'}. x[{known}] takes them out of a DataFrame, "
        "x.to_numpy() goes by place, not by name"
    )
