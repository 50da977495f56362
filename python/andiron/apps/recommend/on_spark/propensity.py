"""Propensity as stages of Spark ML: from a DataFrame of events to chances as columns."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

from pyspark.ml import Estimator as SparkEstimator
from pyspark.ml.util import MLReadable, MLWritable

from andiron import _core
from andiron.apps.recommend import propensity
from andiron.apps.recommend.events import UNITS, Moment
from andiron.apps.recommend.on_spark import event_workers, interactions
from andiron.apps.recommend.on_spark.model import RecommenderModel
from andiron.apps.recommend.on_spark.params import CHANCES, LEARNING_CHANCES, WithSettings
from andiron.spark import _cluster, _launch, _progress, _shards
from andiron.spark._estimator import communicator_settings, shared_place
from andiron.spark._params import with_params


@with_params(CHANCES)
class PropensityModel(RecommenderModel):
    """Adds the chances that users meet items within the next days; what Propensity.fit returns.

    `transform` adds `chance` to a DataFrame of pairs (NaN for ids that training did not see);
    `recommendForAllUsers` and the others have the likeliest items or users, with their chances as
    ratings; `exclude_seen=True` leaves out what a user has met. `native` is the
    andiron.apps.recommend.propensity.Propensity.

    Example:
        >>> model.transform(pairs).select("user", "item", "chance")  # doctest: +SKIP
    """


@with_params(CHANCES, LEARNING_CHANCES)
class Propensity(WithSettings, SparkEstimator, MLReadable, MLWritable):
    """Learns the chance that a user meets an item within the next days, from a DataFrame with one
    line an event, in `num_workers` tasks; calibrated on the last window of the events.

    Each worker has all events of its users; another number of workers trains the same model but for
    rounding.

    Args:
        settings: Params by name, in Python's spelling (user_col) or Spark's (userCol);
            `explainParams()` lists them. Other names are settings of the model (days, half_lives,
            calibration, ...: andiron.apps.recommend.propensity.PropensitySettings).

    Errors:
        andiron.Error for columns that are missing, of another type, or have nulls;
        WorkerError for what goes wrong in a worker.

    Example:
        >>> events = spark.read.parquet("payments")  # doctest: +SKIP
        >>> model = andiron.spark.Propensity(  # doctest: +SKIP
        ...     user_col="customer", item_col="merchant", time_col="when", days=30.0,
        ...     num_workers=4).fit(events)
        >>> model.transform(pairs)  # doctest: +SKIP
    """

    _of_objects = ()

    def __init__(self, **settings: Any):
        super().__init__()
        self._take(settings)

    def _own_settings(self) -> set[str]:
        return set(propensity.PropensitySettings.__dataclass_fields__) - {"seed"}  # a Param

    def _fit(self, frame: Any) -> PropensityModel:
        session = _cluster.session_of(frame)
        model = propensity.Propensity(**{**self.getSettings(), "seed": self.getSeed()})
        num_workers, columns = self.getNumWorkers(), (self.getUserCol(), self.getItemCol())
        if num_workers < 1:
            raise _core.Error(f"[spark] num_workers must be at least 1; got {num_workers}")
        needed = interactions.Needed(self.getTimeCol())
        users = interactions.side(frame, None, columns[0], [], [], needed)
        items = interactions.side(frame, None, columns[1], [], [])
        if len(users.ids) == 0:
            raise _core.Error("[spark] the DataFrame is empty: there are no events")
        n_shards = _shards.shards_for(num_workers)
        day = days(frame, self.getTimeCol(), self.getUnit())
        dealt = interactions.dealt(session, frame, columns, {"day": (day, "double")}, users, items,
                                   num_workers, n_shards)  # fmt: skip
        training = {
            "n_shards": n_shards,
            "wire_dtype": self.getWireDtype(),
            "checkpoint_dir": shared_place(self.getCheckpointDir()),
            "checkpoint_every": self.getCheckpointEvery(),
            "checkpoint_minutes": self.getCheckpointMinutes(),
        }
        sizes = len(users.ids), len(items.ids)
        task = event_workers.Task(dataclasses.asdict(model.settings), sizes, training)
        with _progress.Driver(session, self.getVerbose(), model.settings.epochs) as progress:
            task.progress = progress.address
            parts = _launch.run(session, task, num_workers, dealt, self.getMaxRestarts(),
                                self.getSlotsTimeout(), communicator_settings(self),
                                64 * int(users.counts.sum()))  # fmt: skip
        first = parts[0]
        model._take_learnt(*first["learnt"])
        model._moment = Moment.joined(
            [part["moment"] for part in parts], first["of_items"], first["nearest"],
            users.ids, items.ids, first["day"], first["first"], model.settings.half_lives,
        )  # fmt: skip
        model.curves = first["curves"]
        for note in first["notes"]:
            warnings.warn(note, stacklevel=4)
        trained = PropensityModel(model)
        trained.history = model.curves
        trained.work = [part["work"] for part in parts]
        return self._copyValues(trained)


def days(frame: Any, column: str, unit: str) -> Any:
    """An expression for a column of times in days; `unit` of numbers."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    if unit not in UNITS:
        raise _core.Error(f"[spark] unit is one of {list(UNITS)}; got {unit!r}")
    found = interactions.times(frame, column, "double")
    numbers = isinstance(frame.schema[column].dataType, T.NumericType)
    return found / F.lit(UNITS[unit] if numbers else 1e6 * UNITS["s"])
