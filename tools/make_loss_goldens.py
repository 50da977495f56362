"""Writes tests/python/loss_goldens.json: losses and their gradients in Keras and PyTorch, and
Keras's figures of metrics that scikit-learn does not have.

.venv-peers/bin/python tools/make_loss_goldens.py
"""

import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
import torch
from make_keras_goldens import plain

RNG = np.random.default_rng(5)


def numbers(*shape, low=-2.0, high=2.0):
    return RNG.uniform(low, high, shape).round(3).astype("float32")


def chances(*shape):
    p = RNG.uniform(0.05, 1.0, shape)
    return (p / p.sum(-1, keepdims=True)).round(4).astype("float32")


def one_hot(n, classes):
    return np.eye(classes, dtype="float32")[RNG.integers(0, classes, n)]


def bits(*shape):
    return RNG.integers(0, 2, shape).astype("float32")


WEIGHT = numbers(6, low=0.1, high=2.0)


def unit(n, d):
    x = numbers(n, d)
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype("float32")


def ids(n, classes):
    return RNG.integers(0, classes, n).astype("int32")


def keras_cases() -> list:
    logits = {"from_logits": True}
    smooth = {"label_smoothing": 0.2}
    masks = bits(6, 4, 4), numbers(6, 4, 4, low=0.05, high=0.95)
    made = [
        ("MeanSquaredError", {}, numbers(6, 3), numbers(6, 3)),
        ("MeanAbsoluteError", {}, numbers(6, 3), numbers(6, 3)),
        ("MeanAbsolutePercentageError", {}, numbers(6, 3), numbers(6, 3)),
        ("MeanSquaredLogarithmicError", {}, numbers(6, 3), numbers(6, 3)),
        ("Huber", {}, numbers(6, 3), numbers(6, 3)),
        ("Huber", {"delta": 0.3}, numbers(6, 2, 3), numbers(6, 2, 3)),
        ("LogCosh", {}, numbers(6, 3), numbers(6, 3)),
        ("LogCosh", {}, numbers(6, 3, high=90.0), numbers(6, 3, low=-90.0)),
        ("Poisson", {}, numbers(6, 3, low=0.0), numbers(6, 3, low=0.1)),
        ("CosineSimilarity", {}, numbers(6, 3), numbers(6, 3)),
        ("Hinge", {}, bits(6, 3), numbers(6, 3)),
        ("SquaredHinge", {}, bits(6, 3), numbers(6, 3)),
        ("SquaredHinge", {}, 2 * bits(6, 3) - 1, numbers(6, 3)),
        ("CategoricalHinge", {}, one_hot(6, 4), numbers(6, 4)),
        ("KLDivergence", {}, chances(6, 4), chances(6, 4)),
        ("BinaryCrossentropy", smooth, bits(6, 3), numbers(6, 3, low=0.05, high=0.95)),
        ("BinaryFocalCrossentropy", {}, bits(6, 3), numbers(6, 3, low=0.05, high=0.95)),
        ("BinaryFocalCrossentropy", {"gamma": 1.5, "apply_class_balancing": True, "alpha": 0.7}
         | logits | smooth, bits(6, 3), numbers(6, 3)),
        ("BinaryFocalCrossentropy", {"gamma": 0.5}, bits(6, 3), numbers(6, 3, low=0.05, high=0.95)),
        ("CategoricalCrossentropy", smooth, one_hot(6, 4), chances(6, 4)),
        ("CategoricalFocalCrossentropy", {}, one_hot(6, 4), chances(6, 4)),
        ("CategoricalFocalCrossentropy", {"gamma": 3.0, "alpha": 0.6} | logits | smooth,
         one_hot(6, 4), numbers(6, 4)),
        ("CategoricalFocalCrossentropy", {"alpha": [0.1, 0.2, 0.3, 0.4]}, one_hot(6, 4),
         chances(6, 4)),
        ("CategoricalGeneralizedCrossEntropy", {}, ids(6, 4), chances(6, 4)),
        ("CategoricalGeneralizedCrossEntropy", {"q": 0.8}, ids(6, 4), chances(6, 4)),
        ("SparseCategoricalCrossentropy", {"ignore_class": 2} | logits,
         np.array([0, 2, 1, 3, 2, 2], "int32"), numbers(6, 4)),
        ("Dice", {}, *masks),
        ("Dice", {"axis": [1, 2]}, *masks),
        ("Tversky", {"alpha": 0.3, "beta": 0.9}, *masks),
        ("Tversky", {"alpha": 0.3, "axis": [1, 2]}, *masks),
        ("Circle", {}, np.array([0, 1, 0, 2, 1, 0], "int32"), unit(6, 3)),
        ("Circle", {"gamma": 2.0, "margin": 0.2, "remove_diagonal": False},
         np.array([0, 1, 0, 2, 1, 0], "int32"), unit(6, 3)),
    ]  # fmt: skip
    cases = []
    for name, config, y, p in made:
        make = getattr(keras.losses, name)
        given = {k: tuple(v) if k == "axis" else v for k, v in config.items()}
        variable = tf.Variable(p)
        with tf.GradientTape() as tape:
            loss = make(**given)(y, variable)
        gradient = tape.gradient(loss, variable)
        each = make(reduction="none", **given)(y, p)
        cases.append({
            "name": name, "config": config, "y_true": y, "y_pred": p,
            "loss": float(loss), "gradient": gradient.numpy(),
            "sum": float(make(reduction="sum", **given)(y, p)),
            "weighted": float(make(**given)(y, p, WEIGHT)) if each.shape == (6,) else None,
        })  # fmt: skip
    return cases


def torch_cases() -> list:
    f = torch.nn.functional
    scores, sides = numbers(6, 2), 2 * bits(6, 1) - 1
    triplets, classes, rows = numbers(6, 3, 4), ids(6, 5), numbers(6, 5)
    choices = numbers(6, 4)

    def triplet(swap):
        return lambda y, p: f.triplet_margin_loss(
            p[:, 0], p[:, 1], p[:, 2], margin=0.7, swap=swap, reduction="none"
        )

    made = [
        ("MarginRanking", {"margin": 0.4}, sides, scores,
         lambda y, p: f.margin_ranking_loss(p[:, 0], p[:, 1], y[:, 0], 0.4, reduction="none")),
        ("Triplet", {"margin": 0.7}, bits(6, 1), triplets, triplet(False)),
        ("Triplet", {"margin": 0.7, "swap": True}, bits(6, 1), triplets, triplet(True)),
        ("WestonWatkins", {"margin": 0.8}, classes, rows,
         lambda y, p: 5 * f.multi_margin_loss(p, y.long(), margin=0.8, reduction="none")),
        ("BPR", {}, bits(6, 1), choices,
         lambda y, p: -f.logsigmoid(p[:, :1] - p[:, 1:]).mean(1)),
    ]  # fmt: skip
    cases = []
    for name, config, y, p, function in made:
        leaf = torch.tensor(p, requires_grad=True)
        losses = function(torch.tensor(y), leaf)
        losses.mean().backward()
        cases.append({
            "name": name, "config": config, "y_true": y, "y_pred": p,
            "loss": float(losses.mean()), "gradient": leaf.grad.numpy(),
            "sum": float(losses.sum()),
            "weighted": float((losses.detach().numpy() * WEIGHT).mean()),
        })  # fmt: skip
    return cases


def metric_cases() -> list:
    y, p = numbers(12, 3, low=0.1), numbers(12, 3, low=0.1)
    hot, scores = one_hot(12, 4), chances(12, 4)
    yes, maybe = bits(12, 1), numbers(12, 1, low=0.0, high=1.0)
    labels = hot.argmax(1).astype("int32")
    seen = scores.argmax(1).astype("int32")
    made = [
        ("MeanAbsolutePercentageError", {}, y, p),
        ("MeanSquaredLogarithmicError", {}, y, p),
        ("LogCoshError", {}, y, p),
        ("Poisson", {}, y, p),
        ("CosineSimilarity", {}, y, p),
        ("PearsonCorrelation", {}, y, p),
        ("ConcordanceCorrelation", {}, y, p),
        ("KLDivergence", {}, hot, scores),
        ("Hinge", {}, yes, maybe),
        ("SquaredHinge", {}, yes, maybe),
        ("CategoricalHinge", {}, hot, scores),
        ("TopKCategoricalAccuracy", {"k": 2}, hot, scores),
        ("SparseTopKCategoricalAccuracy", {"k": 2}, labels, scores),
        ("R2Score", {}, y, p),
        ("R2Score", {"class_aggregation": "variance_weighted_average"}, y, p),
        ("R2Score", {"class_aggregation": None}, y, p),
        ("R2Score", {"num_regressors": 2}, y[:, :1], p[:, :1]),
        ("TruePositives", {"thresholds": [0.3, 0.6]}, yes, maybe),
        ("TrueNegatives", {}, yes, maybe),
        ("FalsePositives", {"thresholds": 0.4}, yes, maybe),
        ("FalseNegatives", {}, yes, maybe),
        ("F1Score", {}, hot, scores),
        ("F1Score", {"average": "macro", "threshold": 0.3}, hot, scores),
        ("FBetaScore", {"beta": 2.0, "average": "weighted"}, hot, scores),
        ("FBetaScore", {"beta": 0.5, "average": "micro", "threshold": 0.2}, hot, scores),
        ("Precision", {"thresholds": [0.2, 0.7]}, yes, maybe),
        ("IoU", {"num_classes": 4, "target_class_ids": [0, 2]}, labels, seen),
        ("MeanIoU", {"num_classes": 4}, labels, seen),
        ("MeanIoU", {"num_classes": 4, "ignore_class": 1}, labels, seen),
        ("OneHotIoU", {"num_classes": 4, "target_class_ids": [1, 3]}, hot, scores),
        ("OneHotMeanIoU", {"num_classes": 4}, hot, scores),
        ("BinaryIoU", {"target_class_ids": [1], "threshold": 0.4}, yes, maybe),
        ("Sum", {}, None, y),
    ]
    weight = numbers(12, low=0.1, high=2.0)
    cases = []
    for name, config, t, q in made:
        plain_one, weighted = getattr(keras.metrics, name)(**config), None
        data = (q,) if t is None else (t, q)
        plain_one.update_state(*data)
        if name not in ("FBetaScore", "F1Score", "Sum", "R2Score"):
            # Tables of masks are of integers by default, which cuts weights.
            more = {"dtype": "float32"} if "IoU" in name else {}
            weighted = getattr(keras.metrics, name)(**config, **more)
            weighted.update_state(*data, sample_weight=weight)
            weighted = np.asarray(weighted.result())
        cases.append([name, config, t, q, np.asarray(plain_one.result()), weighted])
    return [weight, cases]


def main() -> None:
    weight, cases = metric_cases()
    found = {
        "keras": keras.__version__,
        "torch": torch.__version__,
        "weight": WEIGHT,
        "losses": keras_cases() + torch_cases(),
        "metric_weight": weight,
        "metrics": cases,
    }
    path = Path(__file__).parents[1] / "tests/python/loss_goldens.json"
    path.write_text(json.dumps(plain(found)) + "\n")


if __name__ == "__main__":
    main()
