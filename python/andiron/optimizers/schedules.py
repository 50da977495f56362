"""Learning rates that change as training goes on. They are inputs of the plan: no recompilation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from andiron import _core

__all__ = [
    "CosineDecay",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "StepDecay",
    "Warmup",
]


class LearningRateSchedule:
    """The learning rate by the number of finished steps (0 in the first)."""

    def __init__(self, **config: Any):
        self._config = config

    def __call__(self, step: int) -> float:
        return _core.schedule_at(self._serialized(), int(step))

    def get_config(self) -> dict:
        return dict(self._config)

    @classmethod
    def from_config(cls, config: dict):
        return cls(**config)

    def _serialized(self) -> dict:
        config = {
            key: value._serialized() if isinstance(value, LearningRateSchedule) else value
            for key, value in self._config.items()
            if value is not None
        }
        return {"class_name": type(self).__name__, "config": config}

    def __repr__(self) -> str:
        inside = ", ".join(f"{key}={value!r}" for key, value in self._config.items())
        return f"{type(self).__name__}({inside})"


class InverseTimeDecay(LearningRateSchedule):
    """initial / (1 + decay_rate n / decay_steps). BigDL's learningRateDecay d: (lr, 1, d)."""

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        decay_rate,
        staircase=False,
        name="InverseTimeDecay",
    ):
        self.name = name
        super().__init__(
            initial_learning_rate=float(initial_learning_rate),
            decay_steps=float(decay_steps),
            decay_rate=float(decay_rate),
            staircase=staircase,
        )


class ExponentialDecay(LearningRateSchedule):
    """initial * decay_rate^(n / decay_steps)"""

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        decay_rate,
        staircase=False,
        name="ExponentialDecay",
    ):
        self.name = name
        super().__init__(
            initial_learning_rate=float(initial_learning_rate),
            decay_steps=float(decay_steps),
            decay_rate=float(decay_rate),
            staircase=staircase,
        )


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[i] from boundaries[i - 1] (not included) to boundaries[i]."""

    def __init__(
        self, boundaries: Sequence[int], values: Sequence[float], name: str = "PiecewiseConstant"
    ):
        self.name = name
        super().__init__(boundaries=list(boundaries), values=[float(v) for v in values])


class StepDecay(LearningRateSchedule):
    """initial * gamma^floor(n / step_size)"""

    def __init__(self, initial_learning_rate, step_size: int, gamma=0.1):
        super().__init__(
            initial_learning_rate=float(initial_learning_rate),
            step_size=int(step_size),
            gamma=float(gamma),
        )


class CosineDecay(LearningRateSchedule):
    """Half a cosine from initial to alpha * initial in decay_steps, after a linear warm-up.

    Source: Loshchilov & Hutter 2017.
    """

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        alpha=0.0,
        name="CosineDecay",
        warmup_target=None,
        warmup_steps=0,
    ):
        self.name = name
        super().__init__(
            initial_learning_rate=float(initial_learning_rate),
            decay_steps=int(decay_steps),
            alpha=float(alpha),
            warmup_target=None if warmup_target is None else float(warmup_target),
            warmup_steps=int(warmup_steps),
        )


class Warmup(LearningRateSchedule):
    """Linearly from start times the first value of `after` up to it, then `after`."""

    def __init__(self, warmup_steps: int, after: LearningRateSchedule, start: float = 0.0):
        super().__init__(warmup_steps=int(warmup_steps), after=after, start=float(start))


def serialize(rate: Any) -> Any:
    """A number or a schedule, as the core reads it."""
    return rate._serialized() if isinstance(rate, LearningRateSchedule) else float(rate)
