"""Pipelines: from files to arrays."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from andiron import _core
from andiron.images._sources import store_of
from andiron.images._transforms import Step


class Loaded(NamedTuple):
    """What Pipeline.load makes of images some of which may be bad."""

    images: np.ndarray
    """[n, ...] float32; with errors="null" all, bad ones as zeros; with "skip" the good ones."""
    rows: np.ndarray
    """[n] int64: which of the given images stand in `images`."""
    errors: list[tuple[int, str]]
    """(which, why) of the bad ones."""


class Pipeline:
    """From the bytes of JPEG, PNG, WebP or PNM files to float32 arrays of one shape, in C++.

    Args:
        steps: of andiron.images: at most one of Rescaling, ToTensor and Normalize, at the end. A
            Resize((h, w)) or a crop among them says the size. Without one of the last three the
            numbers are the pixels' 0 to 255.
        color_mode: "rgb" or "grayscale".
        data_format: "channels_first" [C, H, W] (the default, the engine's own) or "channels_last".
        max_pixels: images of more are refused, from their headers. Default: 89,478,485.
        exif: whether images are turned as EXIF says. Default: True.
        background: (r, g, b) behind transparent pixels. Default: alpha is dropped, as Pillow's
            convert("RGB") does.
        allow_truncated: whether files that end early are taken for what is there.
        scaled_decode: whether a JPEG that is resized at once is decoded at 1/2, 1/4 or 1/8 of its
            size where that is enough: several times faster for photos, and within a grey level or
            two of the full decode (docs/images.md). Default: True.

    Example:
        >>> import numpy as np
        >>> from andiron import images
        >>> steps = images.Pipeline([images.Resize(16), images.CenterCrop(8), images.ToTensor()])
        >>> steps.shape
        (3, 8, 8)
        >>> file = b"P6 40 20 255 " + bytes(40 * 20 * 3)
        >>> steps([file, file]).shape
        (2, 3, 8, 8)
    """

    def __init__(
        self,
        steps: Sequence[Step],
        *,
        color_mode: str = "rgb",
        data_format: str = "channels_first",
        max_pixels: int | None = None,
        exif: bool = True,
        background: Sequence[int] | None = None,
        allow_truncated: bool = False,
        scaled_decode: bool = True,
    ):
        if data_format not in ("channels_first", "channels_last"):
            raise _core.Error(
                f'[images] data_format is "channels_first" or "channels_last"; got {data_format!r}'
            )
        described = [dict(step._described()) for step in steps]
        outputs = [d for d in described if d["op"] == "output"]
        # Normalize after ToTensor, as torchvision's users write it.
        plain = [d for d in outputs if d == {**d, "mean": [0.0] * 3, "std": [1.0] * 3}]
        if any(d["op"] == "output" for d in described[: len(described) - len(outputs)]) or (
            len(outputs) > 1 and not (len(outputs) == 2 and outputs[0] in plain)
        ):
            raise _core.Error("[images] Rescaling, ToTensor or Normalize is the last step")
        config = {
            "steps": [d for d in described if d["op"] != "output"],
            "color": color_mode,
            "exif": bool(exif),
            "background": None if background is None else [int(x) for x in background],
            "allow_truncated": bool(allow_truncated),
            "scaled_decode": bool(scaled_decode),
            "channels_first": data_format == "channels_first",
        }
        if max_pixels is not None:
            config["max_pixels"] = int(max_pixels)
        if outputs:
            config.update({k: outputs[-1][k] for k in ("scale", "mean", "std")})
        self._core = _core.ImagePipeline(config)

    @classmethod
    def from_description(cls, description: Any) -> Pipeline:
        """The pipeline that `description` (or its JSON) is of."""
        made = cls.__new__(cls)
        if isinstance(description, str):
            description = json.loads(description)
        made._core = _core.ImagePipeline(description)
        return made

    def description(self) -> dict:
        """The steps as plain values, for JSON."""
        return self._core.description()

    def __reduce__(self):
        return Pipeline.from_description, (self.description(),)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pipeline) and self.description() == other.description()

    def __hash__(self) -> int:
        return hash(json.dumps(self.description(), sort_keys=True))

    def __repr__(self) -> str:
        return f"Pipeline({self.description()})"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image: (C, H, W) or (H, W, C)."""
        return self._core.shape

    @property
    def random(self) -> bool:
        """Whether a step draws random numbers."""
        return self._core.random

    def load(
        self, images: Any, errors: str = "null", *, threads: int = 0, seed: int = 0, epoch: int = 0
    ) -> Loaded:
        """Images as one array, on all threads; bad ones are told apart.

        Args:
            images: paths and bytes, in a list; a column of them (pandas, pyarrow); one path or
                bytes is a list of one.
            errors: what an image that cannot be read does: "raise", or "null" (zeros in its place)
                or "skip" (it is left out), and its message stands in `errors`.
            threads: 0 for andiron.get_threads().
            seed, epoch: of random steps.
        """
        if errors not in ("raise", "null", "skip"):
            raise _core.Error(f'[images] errors is "raise", "null" or "skip"; got {errors!r}')
        store = store_of(images)
        rows = np.arange(len(store))
        out, bad = _core.load_images(
            store, rows.tolist(), self._core, threads or _core.get_threads(), seed, epoch
        )
        if bad and errors == "raise":
            _, name, message = bad[0]
            more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
            raise _core.Error(f"[images] '{name}': {message}{more}")
        found = out.numpy()
        if bad and errors == "skip":
            rows = np.delete(rows, [row for row, _, _ in bad])
            found = found[rows]
        return Loaded(found, rows, [(row, f"'{name}': {text}") for row, name, text in bad])

    def __call__(self, images: Any, **options: Any) -> np.ndarray:
        """`load(images, errors="raise", ...).images`."""
        return self.load(images, "raise", **options).images
