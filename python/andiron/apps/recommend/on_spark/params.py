"""Spark ML Params of recommenders."""

from __future__ import annotations

from typing import Any, ClassVar

from pyspark.ml.param import TypeConverters

from andiron.spark._params import TRAINING, Settable, anything, or_none, snake
from andiron.spark._persistence import Reader, Writer

_OF_WORKERS = (
    "numWorkers", "validationIndicatorCol", "seed", "wireDtype", "checkpointDir",
    "checkpointEvery", "checkpointMinutes", "maxRestarts", "slotsTimeout", "heartbeatTimeout",
    "operationTimeout", "tls", "verbose",
)  # fmt: skip
RECOMMENDING = {
    "kind": (TypeConverters.toString, "NeuralCF",
             '"NeuralCF", "WideAndDeep", "MatrixFactorization" or "ItemKNN"'),
    "ratingCol": (or_none(TypeConverters.toString), None,
                  'column of ratings (numbers), for loss="squared_error"; default: none'),
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
_OF_EVENTS = ("numWorkers", "seed", "wireDtype", "checkpointDir", "checkpointEvery",
              "checkpointMinutes", "maxRestarts", "slotsTimeout", "heartbeatTimeout",
              "operationTimeout", "tls", "verbose")  # fmt: skip
LEARNING_CHANCES = {
    "timeCol": (TypeConverters.toString, "time", "column of numbers, dates or timestamps"),
    "unit": (TypeConverters.toString, "s", 'of times that are numbers: "s", "ms" or "D"'),
    "settings": RECOMMENDING["settings"],
    **{name: TRAINING[name] for name in _OF_EVENTS},
}
CHANCES = {
    **RECOMMENDED,
    "predictionCol": (TypeConverters.toString, "chance", "column of chances (double)"),
    "excludeSeen": (TypeConverters.toBoolean, False, RECOMMENDED["excludeSeen"][2]),
}


class WithSettings(Settable):
    """Params, and besides them names that are settings of the model to be; files have no more."""

    _elsewhere: ClassVar[dict[str, str]] = {}  # names of other stages, and what there is instead

    def _own_settings(self) -> set[str]:
        raise NotImplementedError

    def setParams(self, **given: Any) -> Any:
        """Sets several Params; other names go to `settings`."""
        for name in given:
            if snake(name) in self._elsewhere:
                why = self._elsewhere[snake(name)]
                raise TypeError(f"[spark] {type(self).__name__} has no {name!r}: {why}")
        own = self._own_settings()
        more = {name: given.pop(name) for name in list(given) if name in own}
        super().setParams(**given)
        if more:
            self.setSettings({**self.getSettings(), **more})
        return self

    def _has_no(self, key: str, names: list[str]) -> str:
        own = sorted(self._own_settings())
        told = super()._has_no(key, [*names, *own])
        return f"{told.partition(' are [')[0]} are Params {sorted(names)} and settings of the " + (
            f"model {own}"
        )

    # Files.

    def write(self) -> Writer:
        """Saves to any path that Spark can write to."""
        return Writer(self, None)

    @classmethod
    def read(cls) -> Reader:
        """Loads what `save` wrote: `load(path)` of the class."""
        return Reader(cls)

    @classmethod
    def _read(cls, native: Any, metadata: dict) -> Any:
        return cls()
