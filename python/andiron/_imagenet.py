"""The 1,000 classes of ImageNet's challenge (ILSVRC 2012), by number."""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

import numpy as np

from andiron import _core


@functools.cache
def imagenet_classes() -> list[tuple[str, str]]:
    """(WordNet's id, synonyms) of each class, in the order of the networks' outputs."""
    text = resources.files("andiron").joinpath("imagenet_classes.tsv").read_text("utf-8")
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    return [(row[0], row[1]) for row in rows]


def decode_predictions(preds: Any, top: int = 5) -> list[list[tuple[str, str, float]]]:
    """The names of the likeliest classes of ImageNet, as Keras's function of that name.

    Args:
        preds: probabilities or logits [photos, 1000].
        top: how many of each photo. Default: 5.

    Returns:
        For each photo a list of (WordNet's id, name, score), the likeliest first.

    Errors:
        ValueError for other shapes.

    Example:
        >>> import numpy as np
        >>> from andiron.models import decode_predictions
        >>> decode_predictions(np.eye(1000, dtype="float32")[281:282], top=1)
        [[('n02123045', 'tabby', 1.0)]]
    """
    preds = np.asarray(preds)
    if preds.ndim != 2 or preds.shape[1] != 1000:
        raise _core.Error(
            f"[decode_predictions] takes the outputs of an ImageNet network, (photos, 1000); got "
            f"{preds.shape}"
        )
    classes = imagenet_classes()
    best = np.argsort(-preds, axis=1, kind="stable")[:, :top]
    return [
        [(classes[i][0], classes[i][1].split(", ")[0], float(row[i])) for i in order]
        for row, order in zip(preds, best, strict=True)
    ]
