"""Keras's optimizers under Keras's names, with Keras's arguments and defaults."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from andiron import _core
from andiron._refuse import refuse
from andiron.optimizers import schedules
from andiron.optimizers.schedules import LearningRateSchedule

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Ftrl",
    "Groups",
    "LearningRateSchedule",
    "Optimizer",
    "RMSprop",
    "RandomSearch",
    "get",
    "schedules",
]


class Optimizer:
    """How a training step changes variables.

    All take, beside their own arguments and `learning_rate` (a number or a schedule):
        weight_decay: p -= weight_decay * learning_rate * p in each step.
        clipnorm, clipvalue, global_clipnorm: at most one of them.
        gradient_accumulation_steps: variables move once for so many batches, by the mean over their
            samples: as with one batch that many times as large, but each batch is computed alone.
            An epoch ends with an update; `iterations`, and so schedules, count updates. For losses
            that are means over the samples. Default: each batch moves them.
        lazy: rows of embedding tables that a batch does not use stay where they are, slots
            included. Default: False, the exact formula (without sweeping the table).
    Keras's use_ema and loss_scale_factor are refused.
    """

    def __init__(self, others: dict | None = None, **config: Any):
        others = dict(others or {})
        config["gradient_accumulation_steps"] = _whole(
            others.pop("gradient_accumulation_steps", None)
        )
        _refuse_others(type(self).__name__, **others)
        config = {key: value for key, value in config.items() if value is not None}
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
        return get, (self._core.description(),)  # without slots and steps

    @property
    def learning_rate(self) -> float:
        """That of the next step. Assign a number or a schedule to change it."""
        return self._core.learning_rate_at(self.iterations + 1)

    @learning_rate.setter
    def learning_rate(self, rate: Any) -> None:
        self._core.set_learning_rate(schedules.serialize(rate))

    def get_config(self) -> dict:
        return self._core.config()

    @classmethod
    def from_config(cls, config: dict) -> Optimizer:
        """The optimizer that get_config described."""
        return wrap(_core.optimizer_from_config({"class_name": cls.__name__, "config": config}))


def _whole(steps: Any) -> int | None:
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, Integral)):
        raise TypeError(f"[optimizer] gradient_accumulation_steps is an integer; got {steps!r}")
    return None if steps is None else int(steps)


def _refuse_others(
    where: str,
    use_ema: bool = False,
    ema_momentum: float = 0.99,
    ema_overwrite_frequency: int | None = None,
    loss_scale_factor: float | None = None,
) -> None:
    refuse(where, "weights are not averaged over steps", use_ema=use_ema,
           ema_overwrite_frequency=ema_overwrite_frequency)  # fmt: skip
    refuse(where, "gradients are float32, which needs no scale",
           loss_scale_factor=loss_scale_factor)  # fmt: skip


class SGD(Optimizer):
    """p -= learning_rate * g, with momentum if wanted (Nesterov's if wanted)."""

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "SGD",
        *,
        lazy: bool = False,
        **others: Any,
    ):
        super().__init__(
            learning_rate=learning_rate,
            momentum=momentum,
            nesterov=nesterov,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            name=name,
            lazy=lazy,
            others=others,
        )


class Adagrad(Optimizer):
    """A learning rate for each parameter that shrinks with its gradients (Duchi et al. 2011)."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "adagrad",
        *,
        lazy: bool = False,
        **others: Any,
    ):
        super().__init__(
            learning_rate=learning_rate,
            initial_accumulator_value=initial_accumulator_value,
            epsilon=epsilon,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            name=name,
            lazy=lazy,
            others=others,
        )


class RMSprop(Optimizer):
    """Gradients divided by the root of their running mean square (Tieleman & Hinton 2012)."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "rmsprop",
        *,
        lazy: bool = False,
        **others: Any,
    ):
        super().__init__(
            learning_rate=learning_rate,
            rho=rho,
            momentum=momentum,
            epsilon=epsilon,
            centered=centered,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            name=name,
            lazy=lazy,
            others=others,
        )


class Adam(Optimizer):
    """Kingma & Ba 2015, with Keras's place of epsilon."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "adam",
        *,
        lazy: bool = False,
        **others: Any,
    ):
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            name=name,
            lazy=lazy,
            others=others,
        )


class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "adamw",
        *,
        lazy: bool = False,
        **others: Any,
    ):
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            name=name,
            lazy=lazy,
            others=others,
        )


class Ftrl(Optimizer):
    """Follow the regularised leader (McMahan et al. 2013): sparse linear models."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "ftrl",
        *,
        lazy: bool = False,
        **others: Any,
    ):
        super().__init__(
            learning_rate=learning_rate,
            learning_rate_power=learning_rate_power,
            initial_accumulator_value=initial_accumulator_value,
            l1_regularization_strength=l1_regularization_strength,
            l2_regularization_strength=l2_regularization_strength,
            l2_shrinkage_regularization_strength=l2_shrinkage_regularization_strength,
            beta=beta,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            name=name,
            lazy=lazy,
            others=others,
        )


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


_BY_NAME = {
    cls.__name__.lower(): cls for cls in (SGD, Adagrad, RMSprop, Adam, AdamW, Ftrl, RandomSearch)
}


def wrap(core) -> Optimizer:
    """The Python face of an optimizer of the core."""
    optimizer = object.__new__(_BY_NAME.get(core.class_name.lower(), Optimizer))
    optimizer._core = core
    optimizer._start()
    return optimizer


def get(identifier: Any) -> Optimizer:
    """The optimizer that a name, a config or an optimizer means."""
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Optimizer):
        return identifier()
    if isinstance(identifier, str):
        cls = _BY_NAME.get(identifier.lower().replace("_", ""))
        if cls is None:
            known = ", ".join(c.__name__ for c in _BY_NAME.values())
            raise _core.Error(f"[compile] optimizer {identifier!r} is not known; there are {known}")
        return cls()
    if isinstance(identifier, dict):
        return wrap(_core.optimizer_from_config(identifier))
    raise TypeError(f"[compile] an optimizer is a name or an Optimizer; got {identifier!r}")
