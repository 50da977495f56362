"""Learning rates that change as training goes on. They are inputs of the plan: no recompilation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from andiron import _core

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "MultiStepDecay",
    "NaturalExponentialDecay",
    "OneCycle",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "SequentialSchedule",
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
            key: _described(value) for key, value in self._config.items() if value is not None
        }
        return {"class_name": type(self).__name__, "config": config}

    def __repr__(self) -> str:
        inside = ", ".join(f"{key}={value!r}" for key, value in self._config.items())
        return f"{type(self).__name__}({inside})"


def _described(value: Any) -> Any:
    if isinstance(value, LearningRateSchedule):
        return value._serialized()
    return [_described(v) for v in value] if isinstance(value, list) else value


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


class MultiStepDecay(LearningRateSchedule):
    """initial * gamma^(milestones passed). PyTorch's MultiStepLR."""

    def __init__(self, initial_learning_rate, milestones: Sequence[int], gamma=0.1):
        super().__init__(
            initial_learning_rate=float(initial_learning_rate),
            milestones=[int(m) for m in milestones],
            gamma=float(gamma),
        )


class NaturalExponentialDecay(LearningRateSchedule):
    """initial * exp(-decay_rate n / decay_steps). BigDL's NaturalExp has `staircase`."""

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False):
        super().__init__(
            initial_learning_rate=float(initial_learning_rate),
            decay_steps=float(decay_steps),
            decay_rate=float(decay_rate),
            staircase=staircase,
        )


class PolynomialDecay(LearningRateSchedule):
    """From initial to end along (1 - n / decay_steps)^power, then end.

    With `cycle` decay_steps doubles, trebles, ... when n has passed it: the rate comes up again.
    """

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        end_learning_rate=0.0001,
        power=1.0,
        cycle=False,
        name="PolynomialDecay",
    ):
        self.name = name
        super().__init__(
            initial_learning_rate=float(initial_learning_rate),
            decay_steps=int(decay_steps),
            end_learning_rate=float(end_learning_rate),
            power=float(power),
            cycle=bool(cycle),
        )


class CosineDecayRestarts(LearningRateSchedule):
    """Half a cosine down to alpha * initial, again and again: each one t_mul times as long, from
    m_mul times the height of the one before.

    Source: Loshchilov & Hutter 2017.
    """

    def __init__(
        self,
        initial_learning_rate,
        first_decay_steps,
        t_mul=2.0,
        m_mul=1.0,
        alpha=0.0,
        name="SGDRDecay",
    ):
        self.name = name
        super().__init__(
            initial_learning_rate=float(initial_learning_rate),
            first_decay_steps=int(first_decay_steps),
            t_mul=float(t_mul),
            m_mul=float(m_mul),
            alpha=float(alpha),
        )


class OneCycle(LearningRateSchedule):
    """Up from max / div_factor to max in pct_start of the steps, then down to final_div_factor
    below the first rate. PyTorch's OneCycleLR, with its arguments; momentum stays as it is.

    Args:
        max_learning_rate: the highest rate.
        total_steps: of the whole cycle; after them the rate stays at its end.
        anneal_strategy: "cos" or "linear".
        three_phase: down to the first rate as fast as up, then on to the last. Default: False.

    Source: Smith & Topin 2018.
    """

    def __init__(
        self,
        max_learning_rate,
        total_steps: int,
        pct_start=0.3,
        anneal_strategy: str = "cos",
        div_factor=25.0,
        final_div_factor=1e4,
        three_phase: bool = False,
    ):
        super().__init__(
            max_learning_rate=float(max_learning_rate),
            total_steps=int(total_steps),
            pct_start=float(pct_start),
            anneal_strategy=anneal_strategy,
            div_factor=float(div_factor),
            final_div_factor=float(final_div_factor),
            three_phase=bool(three_phase),
        )


class SequentialSchedule(LearningRateSchedule):
    """One schedule after another, each counting its own steps from 0. BigDL's SequentialSchedule.

    Args:
        schedules: two or more.
        lengths: steps of all but the last.

    Example:
        >>> from andiron.optimizers import schedules
        >>> rate = schedules.SequentialSchedule(
        ...     [schedules.PolynomialDecay(0.1, 100), schedules.StepDecay(0.01, 50)], lengths=[100]
        ... )
        >>> round(rate(0), 6), round(rate(100), 6), round(rate(150), 6)
        (0.1, 0.01, 0.001)
    """

    def __init__(self, schedules: Sequence[LearningRateSchedule], lengths: Sequence[int]):
        super().__init__(schedules=list(schedules), lengths=[int(n) for n in lengths])


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
