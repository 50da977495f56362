"""Where the bytes of images come from: paths, bytes, columns of tables."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from andiron import _core


def store_of(images: Any):
    """An ImageStore of paths or bytes: one, a list, a column of pandas or Arrow."""
    if isinstance(images, _core.ImageStore):
        return images
    if isinstance(images, (str, bytes, bytearray, memoryview, os.PathLike)):
        images = [images]
    pa = sys.modules.get("pyarrow")
    if pa is not None and isinstance(images, (pa.Array, pa.ChunkedArray)):
        return _of_arrow(images)
    images = list(images)
    if images and all(isinstance(i, (str, os.PathLike)) for i in images):
        return _core.image_files([os.fspath(i) for i in images])
    for i, image in enumerate(images):
        missing = image is None or isinstance(image, float)
        if not missing and not isinstance(image, (bytes, bytearray, memoryview)):
            raise TypeError(
                f"[images] images are all paths or all bytes; row {i} is {type(image).__name__}"
            )
    there = [image is not None and not isinstance(image, float) for image in images]
    parts = [image if ok else b"" for image, ok in zip(images, there, strict=True)]
    sizes = [p.nbytes if isinstance(p, memoryview) else len(p) for p in parts]
    values = np.frombuffer(parts[0] if len(parts) == 1 else b"".join(parts), np.uint8)
    offsets = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    return _core.image_column(
        values, offsets, None if all(there) else np.array(there, dtype=np.uint8)
    )


def _of_arrow(column: Any):
    import pyarrow as pa

    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    kind = column.type
    if pa.types.is_struct(kind):
        return _of_arrow(spark_image_bytes(column))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _core.image_files(["" if p is None else p for p in column.to_pylist()])
    if not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        raise _core.Error(f"[images] a column of images is binary, or text of paths; got {kind}")
    column = column.cast(pa.large_binary())
    valid, offsets, data = column.buffers()
    n = len(column)
    first = np.frombuffer(offsets, np.int64)[column.offset : column.offset + n + 1]
    values = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    there = None
    if column.null_count:
        there = np.asarray(column.is_valid()).astype(np.uint8)
    return _core.image_column(values, first if n else np.zeros(1, np.int64), there)


def spark_image_bytes(column: Any):
    """Spark's "image" structs (origin, height, width, nChannels, mode, data: BGR rows) as a column
    of files in memory (PNM), for everything here that takes bytes. Null where a struct is null or
    Spark could not read the image.

    Args:
        column: a pyarrow StructArray, as Spark hands columns of its image source over.
    """
    import pyarrow as pa

    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    fields = {f.name: column.field(f.name) for f in column.type}
    missing = {"height", "width", "nChannels", "data"} - set(fields)
    if missing:
        raise _core.Error(f"[images] a struct without {sorted(missing)} is no image of Spark's")
    return pa.array(
        [
            _as_pnm(*row) if valid else None
            for valid, *row in zip(
                column.is_valid().to_pylist(),
                *(fields[k].to_pylist() for k in ("height", "width", "nChannels", "data")),
                strict=True,
            )
        ],
        pa.large_binary(),
    )


def _as_pnm(height: int, width: int, channels: int, data: bytes | None) -> bytes | None:
    if data is None or height is None or height <= 0 or len(data) != height * width * channels:
        return None
    if channels == 1:
        return b"P5 %d %d 255\n" % (width, height) + data
    if channels not in (3, 4):
        return None
    pixels = np.frombuffer(data, np.uint8).reshape(-1, channels)[:, 2::-1]
    return b"P6 %d %d 255\n" % (width, height) + pixels.tobytes()


IMAGE_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".ppm", ".pgm")
_OTHERS = (".bmp", ".gif", ".tif", ".tiff")  # named in messages rather than passed over


def files_in(folder: str, follow_links: bool = False) -> list[str]:
    """The images below a folder, sorted; hidden files are left out."""
    found = []
    for root, folders, files in os.walk(folder, followlinks=follow_links):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(files):
            if name.lower().endswith((*IMAGE_SUFFIXES, *_OTHERS)) and not name.startswith("."):
                found.append(os.path.join(root, name))
    return found


def classes_in(directory: str, class_names: Sequence[str] | None) -> list[str]:
    """The names of the folders, sorted; checked against `class_names` where that is given."""
    there = sorted(
        e.name for e in os.scandir(directory) if e.is_dir() and not e.name.startswith(".")
    )
    if class_names is None:
        return there
    if set(class_names) - set(there) or len(set(class_names)) != len(class_names):
        raise _core.Error(
            f"[images] class_names must name folders of {directory!r}, each once; got "
            f"{list(class_names)}, and there are {there}"
        )
    return list(class_names)
