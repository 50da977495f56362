"""Weights as pictures."""

from __future__ import annotations

import struct
import zlib

import numpy as np

_MOST = 1024
"""Pixels of a side; what a larger weight has beyond is left out."""


def picture(weight: np.ndarray) -> np.ndarray | None:
    """A weight as gray pixels [height, width], its smallest number black and its largest white.

    Vectors are one row, matrices lie on their longer side, kernels of convolutions stand side by
    side: a row for each filter, a column for each channel. None: there is nothing to show.
    """
    w = np.asarray(weight, np.float32)
    if w.ndim == 0 or w.size == 0:
        return None
    if w.ndim == 1:
        w = w[None, :]
    elif w.ndim == 2:
        w = w.T if w.shape[0] > w.shape[1] else w
    elif w.ndim == 3:  # [filters, channels, width]
        w = w.reshape(w.shape[0], -1)
    else:
        filters, channels, height = w.shape[:3]
        w = w.reshape(filters, channels, height, -1)
        rows = max(1, min(filters, _MOST // (height + 1)))
        columns = max(1, min(channels, _MOST // (w.shape[3] + 1)))
        w = np.pad(w[:rows, :columns], ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=np.nan)
        w = w.transpose(0, 2, 1, 3).reshape(rows * (height + 1), -1)[:-1, :-1]
    w = w[:_MOST, :_MOST]
    there = w[np.isfinite(w)]
    if not len(there):
        return None
    low, high = float(there.min()), float(there.max())
    scaled = (np.nan_to_num(w, nan=low, posinf=high, neginf=low) - low) / ((high - low) or 1.0)
    return (255 * scaled).round().astype(np.uint8)


def png(pixels: np.ndarray) -> bytes:
    """Gray pixels [height, width] as a PNG file (ISO/IEC 15948)."""
    height, width = pixels.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(
            ">I", zlib.crc32(kind + data)
        )  # fmt: skip

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels], axis=1)  # filter 0: as it is
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows.tobytes(), 6))
        + chunk(b"IEND", b"")
    )
