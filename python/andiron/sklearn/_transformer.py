"""AndironTransformer."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    MetaEstimatorMixin,
    TransformerMixin,
    clone,
)
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from andiron.sklearn._network import predicted


class AndironTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, MetaEstimatorMixin, BaseEstimator
):
    """Features: what a layer of a network makes of the data.

    Args:
        estimator: an AndironClassifier or AndironRegressor, of which `fit` trains a clone; or an
            andiron.Model, which is taken as it is: a pretrained network.
        layer: a name, or an index among `Model.layers`. Default: -2, what the last layer gets.
        prefit: the estimator is fitted, and `fit` leaves it as it is. Default: False.

    After fit: `estimator_`, `model_` (the andiron.Model up to that layer), `n_features_in_`.

    Features are float32 [samples, features]; maps are flattened. `get_feature_names_out` numbers
    them.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from andiron.sklearn import AndironClassifier, AndironTransformer
        >>> X, y = load_iris(return_X_y=True)
        >>> net = AndironClassifier((8,), max_iter=3, tol=None, random_state=0)
        >>> AndironTransformer(net).fit_transform(X, y).shape
        (150, 8)
    """

    def __init__(self, estimator: Any, *, layer: int | str = -2, prefit: bool = False):
        self.estimator = estimator
        self.layer = layer
        self.prefit = prefit

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.input_tags.sparse = False
        if isinstance(self.estimator, BaseEstimator):
            tags.target_tags = get_tags(self.estimator).target_tags
            tags.classifier_tags = get_tags(self.estimator).classifier_tags
        return tags

    def fit(self, X: Any, y: Any = None, **fit_params: Any) -> AndironTransformer:
        """Trains a clone of the estimator, unless it is a model or fitted."""
        from andiron import Model

        if isinstance(self.estimator, Model):
            self.estimator_, whole = self.estimator, self.estimator
            self._checked(X, whole, reset=True)
        elif self.prefit:
            check_is_fitted(self.estimator, "model_")
            self.estimator_ = self.estimator
            whole = self.estimator.model_
            self._checked(X, whole, reset=True)
        else:
            self.estimator_ = clone(self.estimator).fit(X, y, **fit_params)
            whole = self.estimator_.model_
            self.n_features_in_ = self.estimator_.n_features_in_
            if hasattr(self.estimator_, "feature_names_in_"):
                self.feature_names_in_ = self.estimator_.feature_names_in_
        self.model_ = whole.up_to(self.layer)
        self._n_features_out = int(np.prod(self.model_.output_shape[1:]))
        return self

    def transform(self, X: Any) -> np.ndarray:
        """float32 [samples, features]"""
        check_is_fitted(self, "model_")
        out = predicted(self.model_, self._checked(X, self.model_))
        return out.reshape(len(out), -1)

    def _checked(self, X: Any, model: Any, reset: bool = False) -> np.ndarray:
        many = len(model.input_shape) > 2
        return validate_data(self, X, dtype=np.float32, allow_nd=many, reset=reset)
