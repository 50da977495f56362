"""Optimizers whose step looks at one element at a time: rows of tables can wait for it."""

from __future__ import annotations

from typing import Any

from andiron.optimizers._base import Optimizer, arguments


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
        super().__init__(**arguments(locals()))


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
        super().__init__(**arguments(locals()))


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
        super().__init__(**arguments(locals()))


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
        super().__init__(**arguments(locals()))


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
        super().__init__(**arguments(locals()))


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
        super().__init__(**arguments(locals()))


class Adadelta(Optimizer):
    """Steps as long as the steps before, by their running means (Zeiler 2012)."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "adadelta",
        *,
        lazy: bool = False,
        **others: Any,
    ):
        super().__init__(**arguments(locals()))


class Adamax(Optimizer):
    """Adam with the largest magnitude in place of the root (Kingma & Ba 2015, section 7)."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "adamax",
        *,
        lazy: bool = False,
        **others: Any,
    ):
        super().__init__(**arguments(locals()))


class Nadam(Optimizer):
    """Adam with Nesterov's momentum (Dozat 2016)."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "nadam",
        *,
        lazy: bool = False,
        **others: Any,
    ):
        super().__init__(**arguments(locals()))


class Lion(Optimizer):
    """Moves by the sign of the momentum, at a tenth of Adam's rate (Chen et al. 2023)."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "lion",
        *,
        lazy: bool = False,
        **others: Any,
    ):
        super().__init__(**arguments(locals()))


class Rprop(Optimizer):
    """A step size for each parameter, which grows while its gradient keeps its sign.

    For gradients of the whole data set: those of batches change their signs by chance. PyTorch's
    formula (Riedmiller & Braun 1993).

    Args:
        learning_rate: the first step size. Default: 0.01.
        eta_minus, eta_plus: factors of a step size where the sign changed, and where it stayed.
        step_min, step_max: bounds of the step sizes.
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        eta_minus: float = 0.5,
        eta_plus: float = 1.2,
        step_min: float = 1e-6,
        step_max: float = 50.0,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "rprop",
        *,
        lazy: bool = False,
        **others: Any,
    ):
        super().__init__(**arguments(locals()))
