"""How the course trains: epochs over shuffled batches, by a schedule, with the figures of each."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from andiron import losses, optimizers
from andiron.apps.course.data import Split, flipped
from andiron.apps.course.networks import MulticlassHinge
from andiron.optimizers import schedules

BATCH = 128
TOO_LARGE = 1e3  # a loss beyond which a training is not worth going on with


class Trained(NamedTuple):
    model: Any
    loss: list[float]
    """Of training, for each epoch."""
    validation: list[float]
    """Accuracy on the validation images after each epoch."""
    seconds: float


def cosine(rate: float, images: int, epochs: int, batch: int = BATCH) -> Any:
    """From `rate` to 0 over the whole training, as half a cosine."""
    return schedules.CosineDecay(rate, epochs * -(-images // batch))


def momentum(rate: float = 0.05) -> Callable[[int, int], Any]:
    """SGD with momentum 0.9 by a cosine: what the convolutional networks are trained with."""
    return lambda images, epochs: optimizers.SGD(cosine(rate, images, epochs), momentum=0.9)


def epoch_order(n: int, seed: int, epoch: int) -> np.ndarray:
    """The order of the images in an epoch: the same for every framework."""
    return np.random.default_rng([seed, epoch]).permutation(n)


def accuracy(model: Any, data: Split) -> float:
    """The share of images whose highest score is that of their class."""
    scores = model.predict(data.x, batch_size=500, verbose=0)
    return float((scores.argmax(1) == data.y).mean())


def train(
    model: Any,
    optimizer: Any,
    data: Split,
    validation: Split | None = None,
    epochs: int = 1,
    seed: int = 0,
    *,
    hinge: bool = False,
    flip: bool = False,
    stop: Callable[[float], bool] | None = None,
) -> Trained:
    """Trains and returns what was seen.

    Args:
        model: gives 10 scores (logits).
        optimizer: for Model.compile.
        data, validation: images and labels.
        hinge: the SVM's loss in place of the softmax's cross-entropy.
        flip: images are turned left to right at random, anew in each epoch.
        stop: is given the loss of an epoch; True ends the training. With it a loss that becomes
            infinite or NaN ends its epoch, and is no error.
    """
    loss = MulticlassHinge() if hinge else losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss)
    labels = np.eye(10, dtype=np.float32)[data.y] if hinge else data.y
    on_nan = "error" if stop is None else "stop"
    curve, found, start = [], [], time.perf_counter()
    for epoch in range(epochs):
        order = epoch_order(len(data.x), seed, epoch)
        x = flipped(data.x, [seed, epoch]) if flip else data.x
        history = model.fit(
            x[order], labels[order], batch_size=BATCH, shuffle=False, verbose=0, on_nan=on_nan
        )
        curve.append(float(history.history["loss"][0]))
        if validation is not None:
            found.append(accuracy(model, validation))
        if stop is not None and stop(curve[-1]):
            break
    return Trained(model, curve, found, time.perf_counter() - start)
