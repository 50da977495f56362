"""Settings for the whole program; Keras's names."""

from andiron.mixed_precision import dtype_policy, set_dtype_policy

__all__ = ["dtype_policy", "set_dtype_policy"]
