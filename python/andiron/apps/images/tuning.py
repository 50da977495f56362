"""Fine-tuning: the network's upper blocks learn, too, where there are photos enough."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from andiron import _core, images
from andiron.apps.images.features import Extractor
from andiron.apps.images.photos import Photos
from andiron.linear import folds

HEAD_ONLY_BELOW = 100
"""Photos of the rarest class with fewer of which the head alone is recommended."""
JUDGED_BY = 20
"""Photos held out with fewer of which nothing is fine-tuned: they could not tell what is better."""
DIVISOR = 10.0
"""The upper blocks learn at the head's learning rate by this."""


class Recommendation(NamedTuple):
    """What to train with so many photos."""

    stages: tuple[str, ...]
    """("head",) or ("head", "upper blocks")."""
    text: str


def recommendation(photos_per_class: Any) -> Recommendation:
    """Which parts to train, by the number of photos of each class.

    With few photos the many weights of the network learn them by heart; the features of ImageNet
    and a linear classifier do better. With more, the upper blocks gain by learning a little.
    Source: Yosinski et al., "How transferable are features in deep neural networks?", 2014.

    Example:
        >>> from andiron.apps.images.tuning import recommendation
        >>> recommendation([30, 45]).stages
        ('head',)
        >>> recommendation([300, 450]).stages
        ('head', 'upper blocks')
    """
    counts = np.asarray(photos_per_class)
    least = int(counts.min()) if counts.size else 0
    if least < HEAD_ONLY_BELOW:
        return Recommendation(
            ("head",),
            f"the rarest class has {least} photos: train the head only (the linear classifier); "
            f"fine-tuning is for {HEAD_ONLY_BELOW} and more",
        )
    return Recommendation(
        ("head", "upper blocks"),
        f"every class has {least} photos or more: fine-tuning the upper blocks at one tenth of the "
        "learning rate may help (fine_tune, --fine-tune)",
    )


def _by_depth(network: Any) -> list:
    return [layer for layer in network.layers if layer.weights]


def fine_tune(
    classifier: Any,
    photos: Photos,
    *,
    part: float = 0.3,
    epochs: int = 5,
    learning_rate: float = 1e-3,
    batch_size: int = 32,
    verbose: int = 0,
) -> dict:
    """Trains the upper blocks of a fitted classifier's network, from the linear classifier that
    is there, at one tenth of the head's learning rate; then the linear classifier again, on
    the new features. Where that is not better on photos held out (a fifth), everything stays as it
    was. Where fewer than 20 would be held out, nothing is tried.

    Batch normalization keeps its statistics. Photos are cropped and mirrored at random.

    Args:
        classifier: an ImageClassifier after `fit` on these photos, of one class each.
        photos: the photos.
        part: of the layers with weights that learn, from the top. Default: 0.3.
        epochs: default 5.
        learning_rate: of the head; the blocks have a tenth of it. Default: 1e-3.
        batch_size: default 32.
        verbose: as in Model.fit.

    Returns:
        {"before", "after": log losses on the photos held out, None where nothing was tried;
        "kept": whether it was better, "verdict": a sentence}.

    Errors:
        ValueError for photos that may have several classes, or a part outside (0, 1].
    """
    from andiron import Input, Model, layers
    from andiron.models import _from_bytes

    classifier._fitted()
    if classifier.multi_label_:
        raise _core.Error("[images] fine-tuning is for photos of one class each")
    if classifier.extractor.in_bytes:
        raise _core.Error("[images] a network in 8 bits does not learn: fine-tune, then quantize")
    if not 0 < part <= 1:
        raise _core.Error(f"[images] part must be in (0, 1]; got {part}")
    features, bad, _ = classifier.features(photos)
    good = np.setdiff1d(np.arange(len(photos)), [row for row, _ in bad])
    photos, features = photos.take(good), features[good]
    labels = np.array([classifier.classes_.index(y) for y in photos.labels], np.int32)
    held = folds(labels, 5, photos.groups) == 0
    if held.sum() < JUDGED_BY:
        return {
            "before": None, "after": None, "kept": False,
            "verdict": f"not fine-tuned: {int(held.sum())} of {len(held)} photos would be held out "
            f"to judge it by, and fewer than {JUDGED_BY} do not tell; about {5 * JUDGED_BY} photos "
            "are wanted",
        }  # fmt: skip
    before = _held_out_loss(classifier, features, labels, held)

    network = _from_bytes(classifier.extractor.model._network_bytes())
    learning = _by_depth(network)
    for layer in learning[: len(learning) - max(1, round(part * len(learning)))]:
        layer.trainable = False
    for layer in learning:
        if type(layer).__name__ == "BatchNormalization":
            layer.trainable = False
    _, _, height, width = network.input_shape
    x = Input((3, height, width))
    head = layers.Dense(len(classifier.classes_), activation="softmax")
    model = Model(x, head(network(x)))
    coef, intercept = _head_of(classifier.linear_)
    head.set_weights([coef.T.copy(), intercept])
    model.compile(_adam(learning_rate / DIVISOR), "sparse_categorical_crossentropy")
    rows = np.flatnonzero(~held)
    pipeline = images.Pipeline(
        [images.RandomResizedCrop((height, width), scale=(0.35, 1.0)),
         images.RandomHorizontalFlip()]
    )  # fmt: skip
    batches = images.ImageDataset(
        [photos.read(i) for i in range(len(photos))], labels, pipeline, rows=rows.tolist(),
        batch_size=batch_size, seed=classifier._settings["seed"], errors="skip",
    )  # fmt: skip
    model.fit(batches, epochs=epochs, verbose=verbose)

    tuned = Extractor(network)
    new, _ = tuned.compute(photos.sources)
    after = _held_out_loss(classifier, new, labels, held)
    kept = bool(after < before)
    if kept:
        classifier.extractor = tuned
        classifier.tuned = {"epochs": epochs, "learning_rate": learning_rate, "part": part}
        classifier.fit(photos)
    return {
        "before": before, "after": after, "kept": kept,
        "verdict": f"log loss on {int(held.sum())} photos held out: {before:.4f} with the network "
        f"as it was, {after:.4f} fine-tuned; "
        + ("the fine-tuned network is kept" if kept else "the network stays as it was"),
    }  # fmt: skip


def _adam(learning_rate: float) -> Any:
    from andiron import optimizers

    return optimizers.Adam(learning_rate)


def _head_of(linear: Any) -> tuple[np.ndarray, np.ndarray]:
    coef, intercept = linear.coef_, linear.intercept_
    if len(coef) == 1:  # one score for two classes
        coef = np.concatenate([np.zeros_like(coef), coef])
        intercept = np.concatenate([np.zeros_like(intercept), intercept])
    return np.ascontiguousarray(coef, np.float32), np.ascontiguousarray(intercept, np.float32)


def _held_out_loss(classifier: Any, features: np.ndarray, labels: np.ndarray, held: Any) -> float:
    """Of a linear classifier of the same strength that sees the rest only."""
    linear = classifier._linear()
    linear.C = classifier.linear_.C_
    linear.fit(features[~held], labels[~held])
    chances = linear.predict_proba(features[held])
    places = np.searchsorted(linear.classes_, labels[held])
    return float(-np.log(np.clip(chances[np.arange(len(places)), places], 1e-7, 1)).mean())
