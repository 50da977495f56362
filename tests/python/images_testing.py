"""Pictures, and files of them, for the tests of images."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def picture(width=61, height=43, seed=0):
    """A smooth picture with some noise and hard edges, RGB."""
    y, x = np.mgrid[0:height, 0:width]
    rng = np.random.default_rng(seed)
    rgb = np.stack([x * 255 / width, y * 255 / height, (x + y) * 2 % 256], -1)
    rgb += rng.normal(0, 6, rgb.shape)
    rgb[height // 3 : height // 2, width // 4 : width // 2] = [250, 10, 30]
    return Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8))


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()
