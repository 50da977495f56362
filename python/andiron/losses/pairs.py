"""Losses that compare scores, distances or embeddings of several things."""

from __future__ import annotations

from andiron.losses.base import Loss

__all__ = [
    "BPR",
    "Circle",
    "Contrastive",
    "MarginRanking",
    "Triplet",
    "TripletMining",
]


class MarginRanking(Loss):
    """max(margin - y (s_1 - s_2), 0): which of two scores must be higher

    y_pred are the two scores [batch, ..., 2]; y_true [batch, ..., 1] is 1 where the first must be
    higher, -1 (or 0) where the second must.

    Args:
        margin: by how much. Default: 0.

    Example:
        >>> from andiron import losses
        >>> float(losses.MarginRanking(1.0)([[1.0]], [[0.75, 0.5]]))
        0.75
    """

    _class_name = "MarginRanking"

    def __init__(
        self,
        margin=0.0,
        reduction="sum_over_batch_size",
        name="margin_ranking",
        dtype=None,
    ):
        self._make(margin=float(margin), reduction=reduction, name=name, dtype=dtype)


class BPR(Loss):
    """-mean log sigmoid(s_0 - s_j): what was chosen must score higher than what was not

    y_pred are scores [batch, ..., 1 + others] with that of the chosen one in front. y_true is not
    looked at: any numbers [batch, 1].

    Source: Rendle et al., BPR: Bayesian Personalized Ranking from Implicit Feedback, 2009.
    """

    _class_name = "BPR"

    def __init__(self, reduction="sum_over_batch_size", name="bpr", dtype=None):
        self._make(reduction=reduction, name=name, dtype=dtype)


class Contrastive(Loss):
    """mean y d^2 + (1 - y) max(margin - d, 0)^2

    y_pred are distances d of pairs; y_true is 1 for pairs that belong together, else 0.

    Args:
        margin: how far apart the others should be. Default: 1.

    Source: Hadsell, Chopra and LeCun, Dimensionality Reduction by Learning an Invariant Mapping,
    2006.
    """

    _class_name = "Contrastive"

    def __init__(self, margin=1.0, reduction="sum_over_batch_size", name="contrastive", dtype=None):
        self._make(margin=float(margin), reduction=reduction, name=name, dtype=dtype)


class Triplet(Loss):
    """max(|a - p| - |a - n| + margin, 0), distances of Euclid

    y_pred are embeddings [batch, 3, d]: an anchor, one that belongs to it and one that does not.
    y_true is not looked at: any numbers [batch, 1].

    Args:
        margin: Default: 1.
        swap: the negative's distance is the smaller one to anchor and positive. Default: False.

    Source: Schroff, Kalenichenko and Philbin, FaceNet, 2015; swap: Balntas et al., 2016.
    """

    _class_name = "Triplet"

    def __init__(
        self,
        margin=1.0,
        swap=False,
        reduction="sum_over_batch_size",
        name="triplet",
        dtype=None,
    ):
        self._make(
            margin=float(margin),
            swap=bool(swap),
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


class TripletMining(Loss):
    """Triplet with the triplets of the batch: embeddings [batch, d] and class ids [batch]

    Args:
        margin: Default: 1.
        mining: "semi-hard": for each positive the nearest negative beyond it, else the farthest;
            needs batch^3 numbers. "hard": each anchor's farthest positive and nearest negative.
            Default: "semi-hard".

    Anchors without a positive or a negative in the batch cost nothing.

    Source: Schroff et al., FaceNet, 2015; Hermans, Beyer and Leibe, In Defense of the Triplet Loss,
    2017.
    """

    _class_name = "TripletMining"

    def __init__(
        self,
        margin=1.0,
        mining="semi-hard",
        reduction="sum_over_batch_size",
        name="triplet_mining",
        dtype=None,
    ):
        self._make(
            margin=float(margin),
            mining=str(mining),
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


class Circle(Loss):
    """log(1 + sum exp(gamma (..)) sum exp(gamma (..))) over the pairs of the batch

    y_pred are embeddings [batch, d] of length 1, y_true class ids [batch]. Each pair counts by how
    far its cosine is from where it should be. Anchors without loss are not averaged over, as in
    Keras.

    Args:
        gamma: the scale. Default: 80.
        margin: Default: 0.4.
        remove_diagonal: a sample is no pair with itself. Default: True.

    Source: Sun et al., Circle Loss, 2020.
    """

    _class_name = "Circle"

    def __init__(
        self,
        gamma=80.0,
        margin=0.4,
        remove_diagonal=True,
        reduction="sum_over_batch_size",
        name="circle",
        dtype=None,
    ):
        self._make(
            gamma=float(gamma),
            margin=float(margin),
            remove_diagonal=bool(remove_diagonal),
            reduction=reduction,
            name=name,
            dtype=dtype,
        )
