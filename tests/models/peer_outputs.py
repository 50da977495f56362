"""Run by zoo_peers_test.py with the peers' Python: networks of torchvision with random weights, or
EfficientNet-Lite with ImageNet's; writes a state dict, inputs and outputs.

    python peer_outputs.py NETWORK FOLDER [WEIGHTS]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch


def random_state(model: torch.nn.Module) -> None:
    """Running statistics that differ from 0 and 1, and weights that keep the signal's size."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.5, 1.0)
            torch.nn.init.normal_(module.bias, 0, 0.1)
        elif isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            torch.nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                torch.nn.init.normal_(module.bias, 0, 0.1)


def torchvision_outputs(network: str, folder: Path) -> None:
    import torchvision

    arguments = {"init_weights": False} if network == "googlenet" else {}
    model = getattr(torchvision.models, network)(weights=None, **arguments)
    random_state(model)
    heads = network == "googlenet"
    x = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        model.eval()
        outputs = {"logits": model(x).numpy()}
        if heads:  # torchvision computes them in training only
            features = {}
            model.inception4a.register_forward_hook(lambda m, i, o: features.update(aux1=o))
            model.inception4d.register_forward_hook(lambda m, i, o: features.update(aux2=o))
            model(x)
            outputs |= {n: getattr(model, n)(features[n]).numpy() for n in ("aux1", "aux2")}
    np.savez(folder / "outputs.npz", x=x.numpy(), **outputs)
    torch.save(model.state_dict(), folder / "weights.pth")
    torch.save(
        {"state_dict": {"module." + k: v for k, v in model.state_dict().items()}, "epoch": 3},
        folder / "older.tar",
        _use_new_zipfile_serialization=False,
    )


def efficientnet_outputs(network: str, folder: Path, file: str) -> None:
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_pretrained(network, weights_path=file).eval()
    size = {"0": 224, "1": 240, "2": 260}[network[-1]]
    pixels = torch.randint(0, 256, (2, 3, size, size)).float()
    with torch.no_grad():
        logits = model(pixels / 127.5 - 1)
    np.savez(folder / "outputs.npz", x=pixels.numpy(), logits=logits.numpy())


if __name__ == "__main__":
    torch.manual_seed(0)
    network, folder, *file = sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]
    run = efficientnet_outputs if network.startswith("efficientnet") else torchvision_outputs
    run(network, folder, *file)
