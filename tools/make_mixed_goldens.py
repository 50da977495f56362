"""Writes tests/python/mixed_goldens.json: gradients of two networks by torch.autocast in bfloat16.

Needs `pip install torch`: python tools/make_mixed_goldens.py
Weights and data are drawn by NumPy with the seeds below, in the order of the networks' parameters.
"""

import json
import os

import numpy as np
import torch
from torch import nn


def drawn(shape, seed):
    return (np.random.default_rng(seed).normal(size=shape) * 0.5).astype("f")


def gradients(network, x, y):
    for seed, p in enumerate(network.parameters()):
        p.data = torch.tensor(drawn(tuple(p.shape), 10 + seed))
    with torch.autocast("cpu", torch.bfloat16):
        out = network(torch.tensor(x))
    loss = nn.functional.cross_entropy(out.float(), torch.tensor(y))
    loss.backward()
    return {
        "loss": loss.item(),
        "gradients": [[float(f"{v:.6g}") for v in p.grad.flatten()] for p in network.parameters()],
    }


def main():
    dense = nn.Sequential(nn.Linear(12, 16), nn.Tanh(), nn.Linear(16, 5))
    conv = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 4 * 4, 5))
    y = np.arange(24) % 5
    found = {
        "by": f"tools/make_mixed_goldens.py with PyTorch {torch.__version__.split('+')[0]}",
        "dense": gradients(dense, drawn((24, 12), 1), y),
        "conv": gradients(conv, drawn((24, 2, 6, 6), 2), y),
    }
    path = os.path.join(os.path.dirname(__file__), "../tests/python/mixed_goldens.json")
    with open(path, "w") as f:
        json.dump(found, f)
        f.write("\n")


if __name__ == "__main__":
    main()
