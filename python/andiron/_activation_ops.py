"""Activations that are compositions of ops; part of andiron.ops. Each has Keras 3's name, and is
known to `activation=` by it where it needs no argument."""

from __future__ import annotations

from typing import Any

from andiron._compose import compose

__all__ = [
    "celu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "linear",
    "log_sigmoid",
    "maxout",
    "mish",
    "prelu",
    "relu6",
    "selu",
    "silu",
    "soft_shrink",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "tanh_shrink",
    "threshold",
]


def linear(x: Any):
    """x itself."""
    return x


def relu6(x: Any):
    """clip(x, 0, 6)."""
    return compose("relu6", [x])[0]


def selu(x: Any):
    """1.0507 elu(x, 1.6733), which keeps mean 0 and variance 1. Source: Klambauer et al. 2017."""
    return compose("selu", [x])[0]


def celu(x: Any, alpha: float = 1.0):
    """x above 0, else alpha (e^(x / alpha) - 1). Source: Barron 2017."""
    return compose("celu", [x], alpha=alpha)[0]


def silu(x: Any):
    """x sigmoid(x), also called swish. Source: Ramachandran et al. 2017.

    Example:
        >>> from andiron import ops
        >>> ops.silu([0.0, 100.0]).numpy().tolist()
        [0.0, 100.0]
    """
    return compose("silu", [x])[0]


def mish(x: Any):
    """x tanh(softplus(x)). Source: Misra 2019."""
    return compose("mish", [x])[0]


def hard_sigmoid(x: Any):
    """clip(x / 6 + 1/2, 0, 1)."""
    return compose("hard_sigmoid", [x])[0]


def hard_silu(x: Any):
    """x hard_sigmoid(x), also called hard_swish. Source: Howard et al. 2019."""
    return compose("hard_silu", [x])[0]


def hard_tanh(x: Any):
    """clip(x, -1, 1)."""
    return compose("hard_tanh", [x])[0]


def softsign(x: Any):
    """x / (1 + |x|)."""
    return compose("softsign", [x])[0]


def squareplus(x: Any, b: float = 4.0):
    """(x + sqrt(x^2 + b)) / 2. Source: Barron 2021."""
    return compose("squareplus", [x], b=b)[0]


def log_sigmoid(x: Any):
    """ln sigmoid(x), computed as -softplus(-x)."""
    return compose("log_sigmoid", [x])[0]


def tanh_shrink(x: Any):
    """x - tanh(x)."""
    return compose("tanh_shrink", [x])[0]


def soft_shrink(x: Any, threshold: float = 0.5):
    """x - threshold above threshold, x + threshold below -threshold, else 0."""
    return compose("soft_shrink", [x], threshold=threshold)[0]


def hard_shrink(x: Any, threshold: float = 0.5):
    """x where |x| > threshold, else 0."""
    return compose("hard_shrink", [x], threshold=threshold)[0]


def threshold(x: Any, threshold: float, default_value: float):
    """x where x > threshold, else default_value."""
    return compose("threshold", [x], threshold=threshold, value=default_value)[0]


def sparse_plus(x: Any):
    """0 up to -1, x from 1 on, (x + 1)^2 / 4 between."""
    return compose("sparse_plus", [x])[0]


def sparse_sigmoid(x: Any):
    """clip((x + 1) / 2, 0, 1)."""
    return compose("sparse_sigmoid", [x])[0]


def sparsemax(x: Any, axis: int = -1):
    """The probabilities that are nearest to x: like softmax, with zeros.

    Args:
        x: floating point; the size of the axis must be known.
        axis: which elements add up to 1. Default: the last.

    Source: Martins and Astudillo 2016.

    Example:
        >>> from andiron import ops
        >>> ops.sparsemax([[2.0, 1.5, 0.0]]).numpy().tolist()
        [[0.75, 0.25, 0.0]]
    """
    return compose("sparsemax", [x], axis=axis)[0]


def glu(x: Any, axis: int = -1):
    """The first half along the axis times the sigmoid of the second. Source: Dauphin et al.
    2017."""
    return compose("glu", [x], axis=axis)[0]


def prelu(x: Any, alpha: Any):
    """x where above 0, else alpha x; alpha broadcasts to x. Source: He et al. 2015."""
    return compose("prelu", [x, alpha])[0]


def maxout(x: Any, units: int, axis: int = -1):
    """The greatest of each run of size / units elements along the axis, which gets size `units`.

    Source: Goodfellow et al. 2013.

    Example:
        >>> from andiron import ops
        >>> ops.maxout([[1.0, 4.0, 3.0, 2.0]], 2).numpy().tolist()
        [[4.0, 3.0]]
    """
    return compose("maxout", [x], units=units, axis=axis)[0]
