"""The neural recommenders."""

from andiron.apps.recommend.neural_cf import NeuralCF, NeuralCFSettings
from andiron.apps.recommend.recommender import Recommender, load
from andiron.apps.recommend.wide_deep import WideAndDeep, WideAndDeepSettings

__all__ = [
    "NeuralCF",
    "NeuralCFSettings",
    "Recommender",
    "WideAndDeep",
    "WideAndDeepSettings",
    "load",
]
