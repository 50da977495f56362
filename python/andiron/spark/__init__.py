"""Training and prediction inside Apache Spark (docs/spark.md).

estimator = andiron.spark.Estimator(model=model, loss="mse", features=["a", "b"], label="y",
                                    batch_size=256, epochs=5, num_workers=2)
trained = estimator.fit(frame)
trained.transform(new_frame)
"""

from __future__ import annotations

import importlib

_NAMES = {
    "Estimator": "andiron.spark._estimator",
    "Model": "andiron.spark._model",
    "Propensity": "andiron.apps.recommend.on_spark.propensity",
    "PropensityModel": "andiron.apps.recommend.on_spark.propensity",
    "Recommender": "andiron.apps.recommend.on_spark.recommender",
    "RecommenderModel": "andiron.apps.recommend.on_spark.model",
    "Worker": "andiron.spark._worker",
    "WorkerError": "andiron.spark._errors",
    "build_vocabularies": "andiron.spark._columns",
    "launch": "andiron.spark._launch",
    "predict_batch_udf": "andiron.spark._inference",
}
__all__ = sorted(_NAMES)


def __getattr__(name: str):
    if name not in _NAMES:
        raise AttributeError(f"module 'andiron.spark' has no attribute {name!r}")
    try:
        import pyspark  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "[spark] PySpark is needed: pip install 'andiron[spark]' (pyspark 3.5 or newer)"
        ) from error
    found = getattr(importlib.import_module(_NAMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_NAMES))
