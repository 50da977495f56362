"""Networks with the weights of PyTorch's give PyTorch's outputs: torchvision's architectures with
random weights that torch saved, EfficientNet-Lite with ImageNet's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from andiron._zoo import imagenet_file

from andiron import models

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
SCRIPT = Path(__file__).with_name("peer_outputs.py")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="no .venv-peers: scripts/setup peers"),
]

NETWORKS = {
    "alexnet": models.AlexNet,
    "googlenet": models.GoogLeNet,
    "mobilenet_v2": models.MobileNetV2,
    "resnet18": models.ResNet18,
    "resnet50": models.ResNet50,
    "squeezenet1_1": models.SqueezeNet1_1,
    "vgg16": models.VGG16,
    "vgg19": models.VGG19,
}


def peer(network: str, folder: Path, *more: str) -> dict:
    subprocess.run([PYTHON, SCRIPT, network, folder, *more], check=True, timeout=600)
    return dict(np.load(folder / "outputs.npz"))


def assert_equal(ours: np.ndarray, theirs: np.ndarray) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * max(1.0, np.abs(theirs).max()))
    assert np.abs(theirs).std() > 1e-3  # there is something to compare


@pytest.mark.parametrize("network", NETWORKS)
def test_torchvisions_weights_give_torchvisions_outputs(network, tmp_path):
    out = peer(network, tmp_path)
    options = {"batch_norm": True} if network == "googlenet" else {}
    raw = dict(classifier_activation=None, include_preprocessing=False, **options)
    model = NETWORKS[network](weights=tmp_path / "weights.pth", **raw)
    assert_equal(model.predict(out["x"], verbose=0), out["logits"])
    # The older format, within what a training loop saves.
    model = NETWORKS[network](**raw)
    model.load_weights(tmp_path / "older.tar", skip_mismatch=network == "googlenet")
    assert_equal(model.predict(out["x"], verbose=0), out["logits"])
    if network == "googlenet":
        model = models.GoogLeNet(weights=tmp_path / "weights.pth", aux_heads=True, **raw)
        for ours, name in zip(
            model.predict(out["x"], verbose=0), ("logits", "aux1", "aux2"), strict=True
        ):
            assert_equal(ours, out[name])
    # Without the classifier: its tensors in the file are not used.
    features = NETWORKS[network](
        weights=tmp_path / "weights.pth", include_top=False, pooling="avg", **options
    )
    assert features.predict(out["x"], verbose=0).shape[0] == 2


@pytest.mark.parametrize("number", [0, 1, 2])
def test_imagenet_weights_give_pytorchs_outputs(number, tmp_path):
    file = imagenet_file(f"EfficientNetLite{number}")
    out = peer(f"efficientnet-lite{number}", tmp_path, file)
    build = getattr(models, f"EfficientNetLite{number}")
    model = build(weights="imagenet", classifier_activation=None)
    assert_equal(model.predict(out["x"], verbose=0), out["logits"])
    last = build(weights="imagenet", classifier_activation=None, data_format="channels_last")
    assert_equal(last.predict(np.moveaxis(out["x"], 1, -1), verbose=0), out["logits"])
