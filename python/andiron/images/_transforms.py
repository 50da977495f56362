"""The steps of a pipeline, named and defined as torchvision's where it has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from andiron import _core


def pair(size: Any, what: str) -> list[int]:
    """(height, width) of a number or a pair."""
    numbers = [size, size] if isinstance(size, int) and not isinstance(size, bool) else list(size)
    if len(numbers) != 2 or not all(isinstance(n, int) for n in numbers):
        raise _core.Error(f"[images] {what}: size is a number or (height, width); got {size!r}")
    if min(numbers) < 1:
        raise _core.Error(f"[images] {what}: height and width must be in [1, 16384]; got {size!r}")
    return numbers


class Step:
    """One step of a Pipeline. Equal steps have equal descriptions."""

    def _described(self) -> dict:
        raise NotImplementedError

    def __repr__(self) -> str:
        rest = {k: v for k, v in self._described().items() if k != "op"}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in rest.items())})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._described() == other._described()

    __hash__ = None


class Resize(Step):
    """Resizes, with the same bits as Pillow 13.

    Args:
        size: (height, width); or a number: the shorter side, and the other one in proportion.
        interpolation: "bilinear" (the default), "nearest", "box", "hamming", "bicubic" or
            "lanczos". All but "nearest" average over what they leave out (antialiased).
    """

    def __init__(self, size: Any, interpolation: str = "bilinear"):
        self.size = size if isinstance(size, int) else pair(size, "Resize")
        self.interpolation = interpolation

    def _described(self) -> dict:
        return {"op": "resize", "size": self.size, "interpolation": self.interpolation}


class CenterCrop(Step):
    """The middle of the image; black around it where the image is smaller.

    Args:
        size: (height, width), or a number for both.
    """

    def __init__(self, size: Any):
        self.size = pair(size, "CenterCrop")

    def _described(self) -> dict:
        return {"op": "center_crop", "size": self.size}


class RandomCrop(Step):
    """A part of this size, anywhere.

    Args:
        size: (height, width), or a number for both.
        padding: black pixels put around the image before. Default: 0.
    """

    def __init__(self, size: Any, padding: int = 0):
        self.size, self.padding = pair(size, "RandomCrop"), int(padding)

    def _described(self) -> dict:
        return {"op": "random_crop", "size": self.size, "padding": self.padding}


class RandomResizedCrop(Step):
    """A part of random area and proportions, resized.

    Args:
        size: (height, width) of the result, or a number for both.
        scale: range of the part's area in that of the image. Default: (0.08, 1.0).
        ratio: range of its width by its height, uniform in the logarithm. Default: (3/4, 4/3).
        interpolation: as in Resize.

    Source: Szegedy et al., "Going deeper with convolutions", 2015.
    """

    def __init__(
        self,
        size: Any,
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: str = "bilinear",
    ):
        self.size = pair(size, "RandomResizedCrop")
        self.scale, self.ratio = [float(x) for x in scale], [float(x) for x in ratio]
        self.interpolation = interpolation

    def _described(self) -> dict:
        return {"op": "random_resized_crop", "size": self.size, "scale": self.scale,
                "ratio": self.ratio, "interpolation": self.interpolation}  # fmt: skip


class RandomHorizontalFlip(Step):
    """Left and right exchanged, with probability p."""

    def __init__(self, p: float = 0.5):
        self.p = float(p)

    def _described(self) -> dict:
        return {"op": "random_flip", "horizontal": self.p, "vertical": 0.0}


class RandomVerticalFlip(Step):
    """Top and bottom exchanged, with probability p."""

    def __init__(self, p: float = 0.5):
        self.p = float(p)

    def _described(self) -> dict:
        return {"op": "random_flip", "horizontal": 0.0, "vertical": self.p}


def _around(value: Any, middle: float, what: str) -> list[float]:
    if isinstance(value, (int, float)):
        low = middle - float(value)
        return [max(0.0, low) if middle else low, middle + float(value)]
    low, high = (float(x) for x in value)
    if low > high:
        raise _core.Error(f"[images] ColorJitter: {what} is a number or a range; got {value!r}")
    return [low, high]


class ColorJitter(Step):
    """Brightness, contrast, saturation and hue changed by random factors, in a random order.

    Args:
        brightness, contrast, saturation: a factor is drawn from [max(0, 1 - x), 1 + x], or from the
            range that is given. Default: 0, unchanged.
        hue: the hue is turned by a part of the circle from [-x, x], x at most 0.5, or from the
            range that is given.
    """

    def __init__(
        self, brightness: Any = 0, contrast: Any = 0, saturation: Any = 0, hue: Any = 0
    ) -> None:
        self._ranges = {
            "brightness": _around(brightness, 1.0, "brightness"),
            "contrast": _around(contrast, 1.0, "contrast"),
            "saturation": _around(saturation, 1.0, "saturation"),
            "hue": _around(hue, 0.0, "hue"),
        }

    def _described(self) -> dict:
        return {"op": "color_jitter", **self._ranges}


class RandAugment(Step):
    """Some of 14 operations, drawn for each image, at one magnitude.

    Identity, shear and move along x and y, turn, brightness, saturation, contrast, sharpness,
    posterize, solarize, autocontrast, equalize.

    Args:
        num_ops: how many. Default: 2.
        magnitude: of num_magnitude_bins. Default: 9 of 31.

    Source: Cubuk et al., "RandAugment", 2019; ranges as in torchvision.
    """

    def __init__(self, num_ops: int = 2, magnitude: int = 9, num_magnitude_bins: int = 31):
        self.num_ops, self.magnitude, self.bins = num_ops, magnitude, num_magnitude_bins

    def _described(self) -> dict:
        return {"op": "rand_augment", "n": self.num_ops, "magnitude": self.magnitude,
                "bins": self.bins}  # fmt: skip


class Rescaling(Step):
    """Numbers x scale + offset of the pixels' 0 to 255; the last step.

    Args:
        scale, offset: numbers. EfficientNet's [-1, 1] is Rescaling(1 / 127.5, -1).
    """

    def __init__(self, scale: float, offset: float = 0.0):
        self.scale, self.offset = float(scale), float(offset)

    def _described(self) -> dict:
        return {"op": "output", "scale": self.scale, "mean": [-self.offset] * 3, "std": [1.0] * 3}


class ToTensor(Rescaling):
    """Numbers in [0, 1]; the last step."""

    def __init__(self) -> None:
        super().__init__(1.0 / 255.0)


class Normalize(Step):
    """(x / 255 - mean) / std for each channel; the last step. A ToTensor before it changes nothing.

    Args:
        mean, std: three numbers, or one. ImageNet's are (0.485, 0.456, 0.406) and
            (0.229, 0.224, 0.225).
    """

    def __init__(self, mean: Any, std: Any):
        def three(given: Any) -> list[float]:
            numbers = [given] * 3 if isinstance(given, (int, float)) else list(given)
            if len(numbers) == 1:
                numbers *= 3
            if len(numbers) != 3:
                raise _core.Error(f"[images] Normalize: mean and std are 3 numbers; got {given!r}")
            return [float(x) for x in numbers]

        self.mean, self.std = three(mean), three(std)

    def _described(self) -> dict:
        return {"op": "output", "scale": 1.0 / 255.0, "mean": self.mean, "std": self.std}
