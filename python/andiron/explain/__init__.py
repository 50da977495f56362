"""What a model's predictions rest on: gradients by its inputs, integrated gradients, permutation
importance."""

from andiron.explain._attribution import (
    gradients,
    input_x_gradient,
    integrated_gradients,
    saliency,
)
from andiron.explain._permutation import Importances, permutation_importance

__all__ = [
    "Importances",
    "gradients",
    "input_x_gradient",
    "integrated_gradients",
    "permutation_importance",
    "saliency",
]
