"""What all optimizers have in common."""

from __future__ import annotations

from typing import Any

from andiron import _core
from andiron._refuse import check_numbers, refuse, whole
from andiron.optimizers import schedules

# What all of them take beside what their signatures name.
_OTHERS = (
    "use_ema",
    "ema_momentum",
    "ema_overwrite_frequency",
    "loss_scale_factor",
    "gradient_accumulation_steps",
)
# Class name in the core -> Python class.
CLASSES: dict[str, type] = {}


class Optimizer:
    """How a training step changes variables.

    All take, beside their own arguments and `learning_rate` (a number or a schedule):
        weight_decay: p -= weight_decay * learning_rate * p in each step.
        clipnorm, clipvalue, global_clipnorm: at most one of them.
        gradient_accumulation_steps: variables move once for so many batches, by the mean over their
            samples: as with one batch that many times as large, but each batch is computed alone.
            An epoch ends with an update; `iterations`, and so schedules, count updates. For losses
            that are means over the samples. Default: each batch moves them.
        use_ema: keeps a moving average of each variable, ema_momentum * average + (1 -
            ema_momentum) * variable after each step. `fit` ends with the averages in the variables'
            place; callbacks.SwapEMAWeights tests with them. Tables of embeddings move as a whole
            then. Default: False.
        ema_momentum: default 0.99.
        ema_overwrite_frequency: the variables become their averages every so many steps. Default:
            only when `fit` ends.
        lazy: rows of embedding tables that a batch does not use stay where they are, slots
            included. Default: False, the exact formula (without sweeping the table).
    Keras's loss_scale_factor is refused: bfloat16 has float32's range, so no gradient is lost that
    a scale would save.
    """

    def __init__(self, **config: Any):
        others = config.pop("others", {})
        unknown = set(others) - set(_OTHERS)
        if unknown:
            raise TypeError(f"[{type(self).__name__}] there is no argument {min(unknown)!r}")
        config.update(_common(type(self).__name__, **others))
        config = {key: value for key, value in config.items() if value is not None}
        check_numbers(type(self), config)
        config["learning_rate"] = schedules.serialize(config["learning_rate"])
        self._core = _core.optimizer_from_config(
            {"class_name": type(self).__name__, "config": config}
        )
        self._start()

    def _start(self) -> None:
        self._model = None  # the compiled model that steps with it
        self._counter = None  # of steps that no compiled model makes
        self._applied: dict = {}

    @property
    def name(self) -> str:
        return self._core.name

    @property
    def variables(self) -> list:
        return self._core.variables

    @property
    def iterations(self) -> int:
        """Finished steps."""
        if self._model is not None:
            return self._model.step
        return 0 if self._counter is None else int(self._counter.numpy())

    def apply(self, gradients: Any, variables: Any) -> None:
        """One step with gradients that are known: moves the variables.

        For gradients that come from elsewhere. `andiron.training_step` computes them and moves the
        variables in one compiled plan, which is faster.

        Args:
            gradients: arrays in the variables' shapes; None leaves a variable as it is.
            variables: in the same order.

        Example:
            >>> import andiron
            >>> from andiron import optimizers
            >>> w = andiron.Variable([1.0, 2.0])
            >>> optimizers.SGD(0.5).apply([[1.0, -1.0]], [w])
            >>> w.numpy().tolist()
            [0.5, 2.5]
        """
        from andiron import _steps

        _steps.apply(self, gradients, variables)

    def apply_gradients(self, grads_and_vars: Any) -> None:
        """`apply` for pairs (gradient, variable)."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])

    # Steps that no compiled model makes.

    def _next_step(self) -> int:
        if self._model is not None:
            raise _core.Error(
                f"[{self.name}] a compiled model steps with this optimizer: steps of your own need "
                "one of theirs"
            )
        return self.iterations + 1

    def _finished(self, step: int) -> None:
        if self._counter is None:
            self._counter = _core.Variable(0, f"{self.name}/iterations", False, "int64")
        self._counter.assign(step)
        self._core.set_iterations(step)

    def _state(self) -> list:
        """What steps of one's own change, for checkpoints."""
        if self._counter is None:
            self._counter = _core.Variable(0, f"{self.name}/iterations", False, "int64")
        return [self._counter, *self.variables]

    def __reduce__(self) -> tuple:
        from andiron.optimizers import get

        return get, (self._core.description(),)  # without slots and steps

    @property
    def learning_rate(self) -> float:
        """That of the next step. Assign a number or a schedule to change it; a number in a
        schedule's place is a TypeError, as in Keras: it would end the schedule unseen."""
        return self._core.learning_rate_at(self.iterations + 1)

    @learning_rate.setter
    def learning_rate(self, rate: Any) -> None:
        if not isinstance(rate, schedules.LearningRateSchedule):
            self._refuse_schedule("a number in its place")
        self._core.set_learning_rate(schedules.serialize(rate))

    def _refuse_schedule(self, what: str) -> None:
        """Raises TypeError where a schedule sets the learning rate."""
        config = self._core.config()
        members = [group["optimizer"]["config"] for group in config.get("groups", [])]
        for member in members or [config]:
            if isinstance(given := member.get("learning_rate"), dict):
                raise TypeError(
                    f"[{self.name}] the learning rate is a schedule ({given['class_name']}), which "
                    f"{what} would end: give the optimizer a number, or assign another schedule"
                )

    @property
    def use_ema(self) -> bool:
        """Whether it keeps moving averages of the variables."""
        return self._core.keeps_averages

    def finalize_variable_values(self, var_list: Any = None) -> None:
        """The variables become their moving averages, with use_ema; `fit` ends with it."""
        self._core.take_averages()

    def get_config(self) -> dict:
        return self._core.config()

    @classmethod
    def from_config(cls, config: dict) -> Optimizer:
        """The optimizer that get_config described."""
        return wrap(_core.optimizer_from_config({"class_name": cls.__name__, "config": config}))

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        CLASSES.setdefault(cls.__name__, cls)


def wrap(core) -> Optimizer:
    """The Python face of an optimizer of the core."""
    optimizer = object.__new__(CLASSES.get(core.class_name, Optimizer))
    optimizer._core = core
    optimizer._start()
    return optimizer


def arguments(local: dict) -> dict:
    """A constructor's arguments, from its locals()."""
    return {key: value for key, value in local.items() if key not in ("self", "__class__")}


def _common(
    where: str,
    use_ema: bool = False,
    ema_momentum: float = 0.99,
    ema_overwrite_frequency: int | None = None,
    loss_scale_factor: float | None = None,
    gradient_accumulation_steps: int | None = None,
) -> dict:
    refuse(where, "gradients have float32's range, which needs no scale",
           loss_scale_factor=loss_scale_factor)  # fmt: skip
    return {
        "use_ema": bool(use_ema) or None,
        "ema_momentum": float(ema_momentum) if use_ema else None,
        "ema_overwrite_frequency": _steps("ema_overwrite_frequency", ema_overwrite_frequency)
        if use_ema
        else None,
        "gradient_accumulation_steps": _steps(
            "gradient_accumulation_steps", gradient_accumulation_steps
        ),
    }


def _steps(name: str, steps: Any) -> int | None:
    return None if steps is None else whole(steps, name, 1, "optimizer")
