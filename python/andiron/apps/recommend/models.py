"""All recommenders."""

from andiron.apps.recommend.als import ALS, ALSSettings
from andiron.apps.recommend.baselines import Popularity
from andiron.apps.recommend.factorization import (
    MatrixFactorization,
    MatrixFactorizationSettings,
)
from andiron.apps.recommend.neighbours import ItemKNN, ItemKNNSettings
from andiron.apps.recommend.neural_cf import NeuralCF, NeuralCFSettings
from andiron.apps.recommend.recommender import Recommender, load
from andiron.apps.recommend.wide_deep import WideAndDeep, WideAndDeepSettings

KINDS = (Popularity, ItemKNN, MatrixFactorization, ALS, NeuralCF, WideAndDeep)

__all__ = [
    "ALS",
    "KINDS",
    "ALSSettings",
    "ItemKNN",
    "ItemKNNSettings",
    "MatrixFactorization",
    "MatrixFactorizationSettings",
    "NeuralCF",
    "NeuralCFSettings",
    "Popularity",
    "Recommender",
    "WideAndDeep",
    "WideAndDeepSettings",
    "load",
]
