"""Mixed bfloat16: products in bfloat16, all else in float32; Keras's names.

A layer under the policy "mixed_bfloat16" rounds the operands and results of its products (matrix
products, convolutions) to bfloat16 and adds up in float32, forward and backward. Variables are
float32, and so are their updates, activations, normalization, softmax, losses and metrics, and what
a layer takes and gives: unlike Keras's, `output.dtype` stays float32, and the last layer needs no
policy of its own. bfloat16 has float32's range, so no loss is scaled.

It pays on CPUs with AMX. Others compute float32 products of the rounded numbers, which is slower
than float32 alone; `andiron info` says which.

Example:
    >>> import andiron
    >>> from andiron import layers
    >>> layers.Dense(3, dtype="mixed_bfloat16").compute_dtype
    'bfloat16'
    >>> andiron.mixed_precision.set_global_policy("mixed_bfloat16")
    >>> layers.Dense(3).dtype_policy
    <DTypePolicy "mixed_bfloat16">
    >>> andiron.mixed_precision.set_global_policy("float32")

Source: Micikevicius et al. 2018; Kalamkar et al. 2019 for bfloat16.
"""

from __future__ import annotations

from typing import Any

from andiron import _core

__all__ = [
    "DTypePolicy",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]

_POLICIES = ("float32", "mixed_bfloat16")
_WHY_NOT = {
    "mixed_float16": "float16 loses small gradients and no CPU is faster with it",
    "float16": "float16 loses small gradients and no CPU is faster with it",
    "bfloat16": "variables in bfloat16 lose small updates",
    "float64": "layers compute in float32",
}


class DTypePolicy:
    """The types that a layer computes with.

    Args:
        name: "float32" or "mixed_bfloat16".
    """

    def __init__(self, name: str = "float32"):
        if name not in _POLICIES:
            why = f": {_WHY_NOT[name]}" if name in _WHY_NOT else ""
            raise _core.Error(
                f'[DTypePolicy] a policy is "float32" or "mixed_bfloat16"; got {name!r}{why}'
            )
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def compute_dtype(self) -> str:
        """Of products."""
        return "float32" if self._name == "float32" else "bfloat16"

    @property
    def variable_dtype(self) -> str:
        return "float32"

    def get_config(self) -> dict:
        return {"name": self._name}

    @classmethod
    def from_config(cls, config: dict) -> DTypePolicy:
        return cls(**config)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, DTypePolicy) and other.name == self._name

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self._name}">'


Policy = DTypePolicy

_global = DTypePolicy()


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are made without one."""
    return _global


def set_dtype_policy(policy: Any) -> None:
    """Sets the policy of layers that are made from now on; those of files keep theirs."""
    global _global
    _global = policy if isinstance(policy, DTypePolicy) else DTypePolicy(policy)


global_policy = dtype_policy
set_global_policy = set_dtype_policy


def policy_name(what: str, dtype: Any) -> str:
    """The policy that a layer's argument `dtype` means."""
    if dtype is None:
        return _global.name
    if isinstance(dtype, DTypePolicy):
        return dtype.name
    name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", str(dtype))
    try:
        return DTypePolicy(name).name
    except _core.Error as error:
        raise _core.Error(f"[{what}] dtype: {str(error).split('] ', 1)[1]}") from None
