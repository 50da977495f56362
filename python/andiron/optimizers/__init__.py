"""Keras's optimizers under Keras's names, with Keras's arguments and defaults."""

from __future__ import annotations

from typing import Any

from andiron import _core
from andiron._nearest import nearest
from andiron.optimizers import schedules
from andiron.optimizers._base import CLASSES, Optimizer, wrap
from andiron.optimizers._rules import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Ftrl,
    Lion,
    Nadam,
    RMSprop,
    Rprop,
)
from andiron.optimizers._whole import LARS, LBFGS, Adafactor, Lamb, Muon
from andiron.optimizers.schedules import LearningRateSchedule

__all__ = [
    "LARS",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Groups",
    "Lamb",
    "LearningRateSchedule",
    "Lion",
    "Muon",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "RandomSearch",
    "Rprop",
    "get",
    "schedules",
]


class RandomSearch(Optimizer):
    """The teaching baseline: a random move, kept when the batch's loss went down. No gradients."""

    def __init__(self, learning_rate: Any = 0.01, seed: int = 0, name: str = "random_search"):
        super().__init__(learning_rate=learning_rate, seed=seed, name=name)


class Groups(Optimizer):
    """One optimizer for each group of parameters.

    Args:
        groups: regular expressions that variables' names match anywhere, and their optimizers;
            the first match counts.
        default: for the variables that none matches.
    """

    def __init__(self, groups: dict[str, Any], default: Any):
        self._members = {pattern: get(o) for pattern, o in groups.items()}
        self._default = get(default)
        pairs = [*self._members.items(), ("", self._default)]
        seen: set[str] = set()
        for _, member in pairs:
            if member.name in seen:  # slots are told apart by the optimizer's name
                described = member._core.description()
                described["config"]["name"] = f"{member.name}_{len(seen)}"
                member._core = _core.optimizer_from_config(described)
            seen.add(member.name)
        self._core = _core.optimizer_groups([(pattern, o._core) for pattern, o in pairs])
        self._start()


def get(identifier: Any) -> Optimizer:
    """The optimizer that a name, a config or an optimizer means."""
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Optimizer):
        return identifier()
    if isinstance(identifier, str):
        by_name = {name.lower(): cls for name, cls in CLASSES.items() if cls is not Groups}
        cls = by_name.get(identifier.lower().replace("_", ""))
        if cls is None:
            known = [c.__name__ for c in by_name.values()]
            hint = nearest(identifier, known)
            raise _core.Error(
                f"[compile] optimizer {identifier!r} is not known"
                f"{hint + ' There' if hint else '; there'} are {', '.join(known)}"
            )
        return cls()
    if isinstance(identifier, dict):
        return wrap(_core.optimizer_from_config(identifier))
    raise TypeError(f"[compile] an optimizer is a name or an Optimizer; got {identifier!r}")
