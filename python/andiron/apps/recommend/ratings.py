"""How far predicted ratings are from those given."""

from __future__ import annotations

import dataclasses

import numpy as np

from andiron.apps.recommend.data import Interactions


@dataclasses.dataclass(frozen=True)
class RatingErrors:
    """Errors of ratings.

    Attributes:
        rmse, mae: root of the mean square, and mean of the size, of the errors.
        naive_rmse: the RMSE of one number for all, the mean rating of training.
        n: how many ratings.
    """

    rmse: float
    mae: float
    naive_rmse: float
    n: int


def rating_errors(model, test: Interactions) -> RatingErrors:
    """Errors of a model of explicit ratings on those of `test`, of unseen users and items, too.

    Raises:
        ValueError: the model has learnt no ratings, or `test` has none.
    """
    if not getattr(model, "explicit", False):
        raise ValueError(f"[{model.name}] has learnt which items are met, not their ratings")
    if test.rating is None or len(test) == 0:
        raise ValueError("[recommend] the table has no ratings to compare with")
    users, items = test.users.ids[test.user].tolist(), test.items.ids[test.item].tolist()
    error = model.predict(users, items).astype(np.float64) - test.rating
    naive = model.mean_rating - test.rating.astype(np.float64)
    rmse = lambda e: float(np.sqrt(np.mean(e * e)))  # noqa: E731
    return RatingErrors(rmse(error), float(np.abs(error).mean()), rmse(naive), len(test))
