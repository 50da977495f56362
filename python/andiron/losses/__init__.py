"""Losses: Keras's under Keras's names, with Keras's arguments and defaults, and further ones.

Each is a class, a function of the same name in lower case that gives each sample's loss, and a
name for `compile` ("huber", "mse"). docs/losses.md lists them beside BigDL's and PyTorch's.
"""

from __future__ import annotations

from typing import Any

from andiron.losses.base import Loss, core_of, function_of
from andiron.losses.classification import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    CategoricalHinge,
    CrammerSinger,
    Dice,
    Hinge,
    KLDivergence,
    SparseCategoricalCrossentropy,
    SquaredHinge,
    Tversky,
    WestonWatkins,
)
from andiron.losses.pairs import (
    BPR,
    Circle,
    Contrastive,
    MarginRanking,
    Triplet,
    TripletMining,
)
from andiron.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    Quantile,
)

bpr = function_of(BPR, "bpr")
binary_crossentropy = function_of(BinaryCrossentropy, "binary_crossentropy")
binary_focal_crossentropy = function_of(BinaryFocalCrossentropy, "binary_focal_crossentropy")
categorical_crossentropy = function_of(CategoricalCrossentropy, "categorical_crossentropy")
categorical_focal_crossentropy = function_of(
    CategoricalFocalCrossentropy, "categorical_focal_crossentropy"
)
categorical_generalized_cross_entropy = function_of(
    CategoricalGeneralizedCrossEntropy, "categorical_generalized_cross_entropy"
)
categorical_hinge = function_of(CategoricalHinge, "categorical_hinge")
circle = function_of(Circle, "circle")
contrastive = function_of(Contrastive, "contrastive")
cosine_similarity = function_of(CosineSimilarity, "cosine_similarity")
crammer_singer = function_of(CrammerSinger, "crammer_singer")
dice = function_of(Dice, "dice")
hinge = function_of(Hinge, "hinge")
huber = function_of(Huber, "huber")
kl_divergence = function_of(KLDivergence, "kl_divergence")
log_cosh = function_of(LogCosh, "log_cosh")
margin_ranking = function_of(MarginRanking, "margin_ranking")
mean_absolute_error = function_of(MeanAbsoluteError, "mean_absolute_error")
mean_absolute_percentage_error = function_of(
    MeanAbsolutePercentageError, "mean_absolute_percentage_error"
)
mean_squared_error = function_of(MeanSquaredError, "mean_squared_error")
mean_squared_logarithmic_error = function_of(
    MeanSquaredLogarithmicError, "mean_squared_logarithmic_error"
)
poisson = function_of(Poisson, "poisson")
quantile = function_of(Quantile, "quantile")
sparse_categorical_crossentropy = function_of(
    SparseCategoricalCrossentropy, "sparse_categorical_crossentropy"
)
squared_hinge = function_of(SquaredHinge, "squared_hinge")
triplet = function_of(Triplet, "triplet")
triplet_mining = function_of(TripletMining, "triplet_mining")
tversky = function_of(Tversky, "tversky")
weston_watkins = function_of(WestonWatkins, "weston_watkins")

__all__ = [
    "BPR",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "Contrastive",
    "CosineSimilarity",
    "CrammerSinger",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MarginRanking",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "Quantile",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Triplet",
    "TripletMining",
    "Tversky",
    "WestonWatkins",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "bpr",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "contrastive",
    "cosine_similarity",
    "crammer_singer",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "margin_ranking",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "quantile",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "triplet",
    "triplet_mining",
    "tversky",
    "weston_watkins",
]


def get(identifier: Any) -> Loss:
    """The loss that a name or a function means."""
    if isinstance(identifier, Loss):
        return identifier
    loss = object.__new__(Loss)
    loss._core, loss._reduction = core_of(identifier), "sum_over_batch_size"
    return loss
