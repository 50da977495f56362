"""Estimators for scikit-learn: networks in its pipelines, searches and cross-validations.

They are scikit-learn's own by its `check_estimator`: `clone`, `Pipeline`, `GridSearchCV`, joblib's
processes, pandas with names of columns. Needs the extra `sklearn`.
"""

from __future__ import annotations

try:
    import sklearn  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"[sklearn] andiron.sklearn needs scikit-learn, which cannot be imported ({error}): "
        "pip install 'andiron[sklearn]'"
    ) from error

from andiron.sklearn._classifier import AndironClassifier
from andiron.sklearn._regressor import AndironRegressor
from andiron.sklearn._transformer import AndironTransformer

__all__ = ["AndironClassifier", "AndironRegressor", "AndironTransformer"]
