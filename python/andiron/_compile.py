"""What `compile` is given, brought into the order of the model's outputs."""

from __future__ import annotations

import re
import warnings
from typing import Any

from andiron import _core, losses, metrics


def per_output(given: Any, names: list[str], what: str) -> list:
    """One entry for each output: from a dict by name, a list, or one for all."""
    if isinstance(given, dict):
        unknown = [name for name in given if name not in names]
        if unknown:
            raise _core.Error(
                f"[compile] {what} names {unknown[0]!r}; the model's outputs are {names}"
            )
        return [given.get(name) for name in names]
    if isinstance(given, (list, tuple)):
        if len(given) == 1 and len(names) > 1:
            return list(given) * len(names)
        if len(given) != len(names):
            raise _core.Error(
                f"[compile] {what} is a list of {len(given)}, but the model has {len(names)} "
                f"outputs: {names}"
            )
        return list(given)
    return [given] * len(names)


def losses_of(loss: Any, names: list[str]) -> list:
    """The core's losses, None for outputs without one."""
    return [losses.core_of(one) for one in per_output(loss, names, "loss")]


def metrics_of(given: Any, weighted: bool, names: list[str]) -> list[tuple]:
    """(name in logs, output, Metric, weighted) for each metric.

    A flat list belongs to the only output, or to all of them; a dict or a list of lists names them
    by output.
    """
    if not given:
        return []
    if isinstance(given, dict):
        lists = per_output(given, names, "metrics")
    elif isinstance(given, (list, tuple)) and any(isinstance(m, (list, tuple)) for m in given):
        lists = per_output(given, names, "metrics")
    else:
        lists = [given] * len(names)
    found = []
    for output, one in enumerate(lists):
        if one is None:
            continue
        for identifier in one if isinstance(one, (list, tuple)) else [one]:
            metric = metrics.get(identifier)
            metric._check()
            name = metric.name if len(names) == 1 else f"{names[output]}_{metric.name}"
            found.append((name, output, metric, weighted))
    return found


def unique(found: list[tuple]) -> list[tuple]:
    """The same with numbers behind names that occur twice."""
    seen: dict[str, int] = {}
    out = []
    for name, *rest in found:
        n = seen.get(name, 0)
        seen[name] = n + 1
        out.append((f"{name}_{n}" if n else name, *rest))
    return out


def warn_of_groups(optimizer: Any, variables: list) -> None:
    """Says which patterns of optimizers.Groups match no variable: a slip of the pen, as a rule."""
    names = [v.name for v in variables]
    for group in [] if optimizer is None else optimizer.get_config().get("groups", []):
        pattern = group["pattern"]
        try:
            if any(re.search(pattern, name) for name in names):
                continue
        except re.error:  # the core's regular expressions are JavaScript's
            continue
        warnings.warn(
            f"[compile] Groups' pattern {pattern!r} matches no variable of the model; there are "
            f"{', '.join(names[:8])}{', ...' if len(names) > 8 else ''}",
            stacklevel=4,
        )
