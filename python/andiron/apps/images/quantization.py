"""The features' network in 8 bits: less time for each photo."""

from __future__ import annotations

from typing import Any

import numpy as np

from andiron import _core
from andiron.apps.images.features import Extractor, alike
from andiron.apps.images.photos import Photos

CALIBRATION_PHOTOS = 200


def quantize(
    classifier: Any,
    photos: Photos,
    *,
    limit: int = CALIBRATION_PHOTOS,
    method: str = "percentile",
) -> dict:
    """Puts the network of a fitted classifier in 8 bits, calibrated on its photos, and trains the
    linear classifier again, on the features that the network gives then (docs/quantization.md).

    A saved classifier has the network in its file. It cannot be fine-tuned any more.

    Args:
        classifier: an ImageClassifier after `fit` on these photos.
        photos: the photos, all that it shall know, with their classes.
        limit: photos that calibrate, drawn from all by the classifier's seed. Default: 200.
        method: as in Model.quantized. Default: "percentile".

    Returns:
        {"before", "after": accuracy in cross-validation, in float32 and in 8 bits, None where
        there was none; "log_loss_before", "log_loss_after"; "calibrated": photos; "verdict": a
        sentence}.

    Errors:
        ValueError where the network is in 8 bits already, or no photo can be read.

    Example:
        >>> found = style.quantize("photos")  # doctest: +SKIP
        >>> style.save("styles")  # doctest: +SKIP
    """
    classifier._fitted()
    extractor = classifier.extractor
    if extractor.in_bytes:
        raise _core.Error("[images] the network is in 8 bits already")
    if limit < 1:
        raise _core.Error(f"[images] at least one photo calibrates; got limit={limit}")
    photos = classifier._of_its_kind(photos)
    order = np.random.default_rng(classifier._settings["seed"]).permutation(len(photos))
    # Some more than wanted, since some may be bad.
    sources = alike([photos.sources[i] for i in order[: limit + limit // 10 + 1]])
    pixels = extractor.pipeline.load(sources, "skip").images[:limit]
    if not len(pixels):
        raise _core.Error("[images] there is no photo that can be read to calibrate with")
    small = extractor.model.quantized(pixels, method=method, verbose=0)
    was = classifier.cross_validation_
    classifier.extractor = Extractor(small)
    try:
        classifier.fit(photos)
    except BaseException:
        classifier.extractor = extractor
        raise
    now = classifier.cross_validation_
    found = {
        "before": None if was is None else was.accuracy,
        "after": None if now is None else now.accuracy,
        "log_loss_before": None if was is None else was.log_loss,
        "log_loss_after": None if now is None else now.log_loss,
        "calibrated": len(pixels),
        "verdict": f"in 8 bits, calibrated on {len(pixels)} photos",
    }
    if was is not None and now is not None:
        found["verdict"] += (
            f"; accuracy in cross-validation {now.accuracy:.2%}, in float32 {was.accuracy:.2%}"
        )
    return found
