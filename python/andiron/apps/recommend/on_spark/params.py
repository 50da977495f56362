"""Spark ML Params of recommenders."""

from __future__ import annotations

from pyspark.ml.param import TypeConverters

from andiron.spark._params import TRAINING, anything, or_none

_OF_WORKERS = (
    "numWorkers", "validationIndicatorCol", "seed", "wireDtype", "checkpointDir",
    "checkpointEvery", "checkpointMinutes", "maxRestarts", "slotsTimeout", "heartbeatTimeout",
    "operationTimeout", "tls", "verbose",
)  # fmt: skip
RECOMMENDING = {
    "kind": (TypeConverters.toString, "NeuralCF", '"NeuralCF" or "WideAndDeep"'),
    "timeCol": (or_none(TypeConverters.toString), None,
                "column of numbers, dates or timestamps; default: no times"),
    "userFeatures": (TypeConverters.toListString, [], "columns about users"),
    "itemFeatures": (TypeConverters.toListString, [], "columns about items"),
    "categories": (TypeConverters.toListString, [],
                   "feature columns whose numbers are categories"),
    "userCatalog": (anything, None, "a DataFrame of user_col and user_features: more users"),
    "itemCatalog": (anything, None, "a DataFrame of item_col and item_features: more items"),
    "settings": (anything, {}, "of the model: {name: value}; others keep their defaults"),
    "epochs": (or_none(TypeConverters.toInt), None, "instead of the setting's"),
    "batchSize": (or_none(TypeConverters.toInt), None, "instead of the setting's"),
    "learningRate": (or_none(TypeConverters.toFloat), None, "instead of the setting's"),
    **{name: TRAINING[name] for name in _OF_WORKERS},
}  # fmt: skip
RECOMMENDED = {
    "userCol": (TypeConverters.toString, "user", "column of user ids: texts or whole numbers"),
    "itemCol": (TypeConverters.toString, "item", "column of item ids: texts or whole numbers"),
    "predictionCol": (TypeConverters.toString, "prediction", "column of predictions (double)"),
    "coldStartStrategy": (TypeConverters.toString, "nan",
                          'lines of ids that training did not see: "nan", or "drop" them'),
    "excludeSeen": (TypeConverters.toBoolean, True,
                    "whether recommendations leave out what a user has met"),
}  # fmt: skip
