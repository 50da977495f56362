"""Objects in Params, in a form that Spark's tuning saves: models, losses, optimizers, Columns.

CrossValidator and TrainValidationSplit write each value of their grid: as JSON, or as a stage of
Spark ML in files of its own. So what is no JSON stands in Params as such a stage; getters give the
object itself.
"""

from __future__ import annotations

import json
from typing import Any

from pyspark.ml import Transformer
from pyspark.ml.util import MLReadable, MLWritable

from andiron import _core, losses, models, optimizers
from andiron.spark import _columns, _compiling, _unbuilt
from andiron.spark._persistence import Reader, Writer


def held(value: Any) -> Any:
    """The value of a Param as it is kept: JSON as it is, else in a stage."""
    if value is None or isinstance(value, (str, Held)):
        return value
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return Held(value)
    return value


class Held(Transformer, MLReadable, MLWritable):
    """An object (`what`) in the guise of a stage; it transforms nothing."""

    _of_objects: tuple[str, ...] = ()

    def __init__(self, what: Any = None):
        super().__init__()
        self.what = what

    def __repr__(self) -> str:
        return repr(self.what)

    def _transform(self, frame: Any) -> Any:
        raise _core.Error(f"[spark] {self.what!r} is a Param's value and no stage of a pipeline")

    def write(self) -> Writer:
        what = self.what
        if isinstance(what, models.Model):
            if _compiling.built(what):
                return Writer(self, what)
            nothing = dict.fromkeys(("optimizer", "loss", "loss_weights", "metrics",
                                     "weighted_metrics"))  # fmt: skip
            return Writer(self, None, {"unbuilt": _unbuilt.to_json(what, nothing)})
        if isinstance(what, optimizers.Optimizer):
            return Writer(self, None, {"optimizer": what._core.description()})
        if isinstance(what, losses.Loss) and hasattr(losses, what._class_name or "-"):
            kept = {"class_name": what._class_name, "config": losses.core_of(what).config()}
            return Writer(self, None, {"loss": kept})
        kept = _columns.to_json(what)
        if _columns.from_json(kept) == what:
            return Writer(self, None, {"columns": kept})
        raise _core.Error(
            f"[spark] a grid of Params is saved with it, and {what!r} is code: save the best model "
            "(found.bestModel.save(path)), or make the grid of names, models, optimizers and "
            "losses of Andiron"
        )

    @classmethod
    def read(cls) -> Reader:
        return Reader(cls)

    @classmethod
    def _read(cls, native: Any, metadata: dict) -> Held:
        if "unbuilt" in metadata:
            return cls(_unbuilt.from_json(metadata["unbuilt"]))
        if "optimizer" in metadata:
            return cls(optimizers.get(metadata["optimizer"]))
        if "loss" in metadata:
            kept = metadata["loss"]
            return cls(getattr(losses, kept["class_name"]).from_config(kept["config"]))
        return cls(_columns.from_json(metadata["columns"]) if "columns" in metadata else native)
