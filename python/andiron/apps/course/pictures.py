"""Weights as pictures, and curves as drawings: PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np


class Png(bytes):
    """A PNG file, which notebooks show."""

    def _repr_png_(self) -> bytes:
        return bytes(self)


def picture(weights: np.ndarray) -> np.ndarray:
    """[3, h, w] of any size as uint8 [h, w, 3]; grey is 0 and the largest is full."""
    top = np.abs(weights).max() or 1.0
    return np.moveaxis(np.clip(127.5 + 127.5 * weights / top, 0, 255).astype(np.uint8), 0, -1)


def sheet(pictures: Sequence[np.ndarray], columns: int, scale: int = 1, gap: int = 2) -> np.ndarray:
    """Pictures of one size side by side, uint8 [height, width, 3]."""
    big = [np.repeat(np.repeat(p, scale, 0), scale, 1) for p in pictures]
    height, width = big[0].shape[:2]
    lines = -(-len(big) // columns)
    out = np.full((lines * (height + gap) + gap, columns * (width + gap) + gap, 3), 255, np.uint8)
    for i, p in enumerate(big):
        y, x = divmod(i, columns)
        top, left = gap + y * (height + gap), gap + x * (width + gap)
        out[top : top + height, left : left + width] = p
    return out


def png(pixels: np.ndarray) -> Png:
    """uint8 [height, width, 3] as a PNG file."""
    from matplotlib.image import imsave

    file = io.BytesIO()
    imsave(file, pixels, format="png")
    return Png(file.getvalue())


def first_filters(model: Any) -> np.ndarray:
    """The first convolution's kernels [filters, 3, h, w]."""
    for layer in model.layers:
        if layer._core.class_name == "Conv2D":
            return layer.get_weights()[0]
    raise ValueError("[course] the model has no convolution")


def drawing(draw: Callable[[Any], Any], title: str, x: str, y: str) -> Png:
    """What draw(axes) draws, as a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 3.6), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    draw(axes)
    axes.set_title(title, fontsize=11, loc="left")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return Png(file.getvalue())


def curves(found: Mapping[Any, Sequence[float]], title: str, x: str, y: str, **more: Any) -> Png:
    """A line for each name; `log`: the y axis is logarithmic."""

    def draw(axes: Any) -> None:
        for name, values in found.items():
            axes.plot(range(1, len(values) + 1), values, label=str(name), marker=more.get("marker"))
        if more.get("log"):
            axes.set_yscale("log")
        axes.legend(frameon=False, fontsize=8)

    return drawing(draw, title, x, y)
