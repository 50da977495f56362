"""Optimizers whose step looks at a whole parameter, or at all of them. Tables of embeddings move as
a whole: their gradients become dense, and `lazy` does not exist."""

from __future__ import annotations

from typing import Any

from andiron.optimizers._base import Optimizer, arguments


class Adafactor(Optimizer):
    """Adam's step from the averages of rows and columns alone (Shazeer & Stern 2018).

    Args:
        learning_rate: at most 1 / sqrt(step) of it is taken. Default: 0.001.
        beta_2_decay: the averages forget by step^beta_2_decay. Default: -0.8.
        epsilon_1: added to the squared gradient. Default: 1e-30.
        epsilon_2: the least size of a parameter that its step is scaled by. Default: 1e-3.
        clip_threshold: largest root mean square of a step before it is scaled. Default: 1.
        relative_step: accepted for Keras's sake, where it has no effect either.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "adafactor",
        **others: Any,
    ):
        super().__init__(**arguments(locals()))


class Lamb(Optimizer):
    """Adam's step at a length in proportion to the parameter's: large batches (You et al. 2019)."""

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
        name: str = "lamb",
        **others: Any,
    ):
        super().__init__(**arguments(locals()))


class LARS(Optimizer):
    """Momentum at a length in proportion to the parameter's: large batches of images.

    ratio = trust_coefficient |p| / (|g| + weight_decay |p|);
    v = momentum v + learning_rate ratio (g + weight_decay p); p -= v (You, Gitman & Ginsburg 2017).
    Biases and normalization's factors are usually left out: give those SGD, with Groups.
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.9,
        nesterov: bool = False,
        trust_coefficient: float = 0.001,
        epsilon: float = 1e-8,
        weight_decay: float | None = 1e-4,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "lars",
        **others: Any,
    ):
        super().__init__(**arguments(locals()))


class Muon(Optimizer):
    """Matrices move by their orthogonalised momentum, all else by Adam (Jordan et al. 2024).

    As in Keras: variables of 2 axes, but for embeddings and what exclude_layers names, which should
    be the output layer.

    Args:
        exclude_layers: patterns of variables' names that move by Adam.
        weight_decay, adam_weight_decay: of matrices, and of the others. Default: 0.004.
        adam_lr_ratio: Adam's learning rate as a share of learning_rate. Default: 1.
        ns_steps: iterations of Newton and Schulz. Default: 5.
        rms_rate: the root mean square of a matrix' step; None: as it comes. Default: 0.2.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "muon",
        exclude_layers: list[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **others: Any,
    ):
        exclude_layers = "|".join(f"(?:{pattern})" for pattern in exclude_layers or [])
        rms_rate, adam_weight_decay = rms_rate or 0.0, adam_weight_decay or 0.0
        super().__init__(**arguments(locals()))


class LBFGS(Optimizer):
    """Limited-memory BFGS for whole data sets: `fit(x, y, batch_size=len(x))`.

    A step evaluates its batch up to max_eval times and moves the variables up to max_iter times;
    the next one goes on where it ended, curvature included. The loss that a step reports is that
    before it. PyTorch's arguments and defaults, but for history_size (100 there, 10 in SciPy) and
    the line search, which is on. For small models on data that fit into one batch; on one worker,
    without constraints and gradient_accumulation_steps, and by `fit`: not in steps of one's own. A
    step that raises leaves the variables at the last point that it moved to. Random layers draw
    once a step.

    Args:
        learning_rate: the first length that is tried along a direction. Default: 1.
        max_iter: moves a step. Default: 20.
        max_eval: evaluations a step. Default: max_iter * 5 / 4.
        tolerance_grad: ends a step where no element of the gradient is larger. Default: 1e-7.
        tolerance_change: ends it where loss or variables change less. Default: 1e-9.
        history_size: moves kept, two copies of the variables each. Default: 10.
        line_search_fn: "strong_wolfe", or None: every length is learning_rate.

    Source: Liu & Nocedal 1989.
    """

    def __init__(
        self,
        learning_rate: Any = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 10,
        line_search_fn: str | None = "strong_wolfe",
        name: str = "lbfgs",
    ):
        if line_search_fn not in (None, "strong_wolfe"):
            raise ValueError(
                f'[LBFGS] line_search_fn is "strong_wolfe" or None; got {line_search_fn!r}'
            )
        given = arguments(locals())
        given["line_search"] = given.pop("line_search_fn") is not None
        super().__init__(**given)
