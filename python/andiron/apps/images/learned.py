"""What a classifier of photos remembers of those that it was trained on."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass
class Learned:
    """The photos that a classifier was trained on, as it remembers them."""

    names: list[str]
    truth: np.ndarray  # [n, classes]
    groups: np.ndarray  # [n] int64
    hashes: np.ndarray  # [n, 16]
    thumbnails: np.ndarray  # [n, 768]
    features: np.ndarray  # [n, d]

    def take(self, rows: Any) -> Learned:
        return Learned(
            [self.names[i] for i in rows],
            *(getattr(self, f)[rows]
              for f in ("truth", "groups", "hashes", "thumbnails", "features")),
        )  # fmt: skip
