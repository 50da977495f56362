"""Single images: decoding, resizing, adjusting. Arrays are uint8 [height, width, 3 or 1]."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from andiron import _core


def header(data: bytes) -> dict:
    """Format, width, height (as shown), channels and EXIF orientation, from a file's beginning.

    Errors:
        OSError where the bytes are no JPEG, PNG, WebP or PNM.
    """
    return _core.image_header(bytes(data))


def decode(
    data: bytes,
    color_mode: str = "rgb",
    *,
    max_pixels: int | None = None,
    exif: bool = True,
    background: Sequence[int] | None = None,
    allow_truncated: bool = False,
    min_size: tuple[int, int] | None = None,
) -> np.ndarray:
    """The pixels of a JPEG, PNG, WebP or PNM file.

    Args:
        data: the file's bytes.
        color_mode, max_pixels, exif, background, allow_truncated: as in Pipeline.
        min_size: (height, width): a JPEG may come at 1/2, 1/4 or 1/8 of its size as long as it is
            not smaller. Default: at its size.

    Returns:
        uint8 [height, width, 3], or 1 for "grayscale".

    Errors:
        OSError says what is wrong: truncated, damaged, too large, no image.

    Example:
        >>> from andiron import images
        >>> images.decode(b"P6 2 1 255 " + bytes([255, 0, 0, 0, 0, 255])).tolist()
        [[[255, 0, 0], [0, 0, 255]]]
    """
    config = {
        "steps": [{"op": "center_crop", "size": [1, 1]}],
        "color": color_mode,
        "exif": exif,
        "background": None if background is None else [int(x) for x in background],
        "allow_truncated": allow_truncated,
    }
    if max_pixels is not None:
        config["max_pixels"] = int(max_pixels)
    height, width = min_size or (0, 0)
    return _core.decode_image(bytes(data), _core.ImagePipeline(config), width, height).numpy()


def read(path: Any, color_mode: str = "rgb", **options: Any) -> np.ndarray:
    """The pixels of a file; arguments as in decode."""
    with open(os.fspath(path), "rb") as file:
        return decode(file.read(), color_mode, **options)


def resize(
    image: Any,
    size: tuple[int, int],
    interpolation: str = "bilinear",
    box: Sequence[float] | None = None,
) -> np.ndarray:
    """An image of another size, with the same bits as Pillow 13's Image.resize.

    Args:
        image: uint8 [height, width], or with 1 or 3 channels.
        size: (height, width).
        interpolation: as in Resize.
        box: (left, top, right, bottom), the part to take, also within pixels. Default: all.

    Example:
        >>> import numpy as np
        >>> from andiron import images
        >>> images.resize(np.array([[0, 100]], np.uint8), (1, 4)).ravel().tolist()
        [0, 25, 75, 100]
    """
    height, width = size
    return _core.resize_image(image, width, height, interpolation, list(box or [])).numpy()


def adjust_brightness(image: Any, factor: float) -> np.ndarray:
    """Pixels times `factor`, cut off at 255."""
    return _core.adjust_image(image, "brightness", [factor]).numpy()


def adjust_contrast(image: Any, factor: float) -> np.ndarray:
    """Away from the image's mean grey (rounded) by `factor`."""
    return _core.adjust_image(image, "contrast", [factor]).numpy()


def adjust_saturation(image: Any, factor: float) -> np.ndarray:
    """Away from the grey image by `factor`; 0 makes it grey."""
    return _core.adjust_image(image, "saturation", [factor]).numpy()


def adjust_hue(image: Any, turn: float) -> np.ndarray:
    """The hue turned by a part of the circle in [-0.5, 0.5]."""
    if not -0.5 <= turn <= 0.5:
        raise _core.Error(f"[adjust_hue] turn must be in [-0.5, 0.5]; got {turn}")
    return _core.adjust_image(image, "hue", [turn]).numpy()


def adjust_sharpness(image: Any, factor: float) -> np.ndarray:
    """Away from the smoothed image by `factor`; 0 smooths, 2 sharpens."""
    return _core.adjust_image(image, "sharpness", [factor]).numpy()


def posterize(image: Any, bits: int) -> np.ndarray:
    """The upper `bits` of each channel."""
    return _core.adjust_image(image, "posterize", [bits]).numpy()


def solarize(image: Any, threshold: float) -> np.ndarray:
    """Inverts what is at least `threshold`."""
    return _core.adjust_image(image, "solarize", [threshold]).numpy()


def autocontrast(image: Any) -> np.ndarray:
    """Each channel stretched to [0, 255]."""
    return _core.adjust_image(image, "autocontrast", []).numpy()


def equalize(image: Any) -> np.ndarray:
    """Each channel's histogram levelled."""
    return _core.adjust_image(image, "equalize", []).numpy()


def affine(image: Any, matrix: Sequence[float]) -> np.ndarray:
    """Pixel (x, y) of the result is the nearest to (a x + b y + c, d x + e y + f) of the image,
    black outside; as Pillow's transform with AFFINE.

    Args:
        matrix: (a, b, c, d, e, f).
    """
    return _core.adjust_image(image, "affine", [float(x) for x in matrix]).numpy()
