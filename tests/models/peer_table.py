"""Run by state_dict_peers_test.py with the peers' Python: a network of PyTorch on tables, its state
dict in all formats, inputs and outputs.

    python peer_table.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn


class Table(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(20, 3)
        self.body = nn.Sequential(
            nn.Linear(3 * 2 + 5, 16), nn.BatchNorm1d(16, eps=1e-3), nn.ReLU(), nn.Dropout(0.2),
            nn.Linear(16, 4, bias=False), nn.Tanh(),
        )  # fmt: skip
        self.out = nn.Linear(4, 2)

    def forward(self, ids: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        return self.out(self.body(torch.cat([self.words(ids).flatten(1), numbers], 1)))


def main(folder: Path) -> None:
    torch.manual_seed(0)
    model = Table()
    model.body[1].running_mean.normal_(0, 0.3)
    model.body[1].running_var.uniform_(0.5, 1.5)
    model.eval()
    ids, numbers = torch.randint(0, 20, (6, 2)), torch.randn(6, 5)
    with torch.no_grad():
        y = model(ids, numbers)
    state = model.state_dict()
    torch.save(state, folder / "zip.pt")
    torch.save({"epoch": 3, "state_dict": state}, folder / "older.pt",
               _use_new_zipfile_serialization=False)  # fmt: skip
    save_file(state, folder / "s.safetensors")
    np.savez(folder / "outputs.npz", ids=ids.int().numpy(), numbers=numbers.numpy(), y=y.numpy())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
