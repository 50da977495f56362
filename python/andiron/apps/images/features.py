"""Features of photos by a network whose weights stay as they are, kept on disk by content."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from andiron import _core, _zoo, images
from andiron._quantized import Quantized
from andiron.apps.images.photos import Photos

VERSION = 1  # of what is computed; another one leaves what is cached alone
THUMBNAIL = 16  # pixels a side
_AT_ONCE = 64  # photos decoded, then seen by the network
_A_FILE = 512  # photos whose rows are written together
_MOST_FILES = 32  # in the cache before they are joined


@functools.cache
def _file_digest(path: str, size: int, mtime_ns: int) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def file_digest(path: str) -> str:
    """BLAKE2b of a file's content."""
    status = os.stat(path)
    return _file_digest(path, status.st_size, status.st_mtime_ns)


def alike(sources: list) -> list:
    """Paths or bytes, not both: files are read where there are bytes among them. A file that is not
    there is empty."""
    is_path = [isinstance(s, (str, os.PathLike)) for s in sources]
    if all(is_path) or not any(is_path):
        return sources
    out = []
    for source, path in zip(sources, is_path, strict=True):
        if path:
            try:
                source = Path(source).read_bytes()
            except OSError:
                source = b""
        out.append(source)
    return out


def short_side(size: int) -> int:
    """What the short side is resized to before `size` is cut out of the middle (224: 256)."""
    return size + 32


class Extractor:
    """A network of andiron.models without its classifier, with the pixels it wants.

    Args:
        network: a name in andiron.models ("EfficientNetLite0"), or a Model or Quantized from
            photos [n, 3, h, w] to features [n, d].
        weights: "imagenet", or the path of a file with the network's names.
        options: of the network's builder (input_shape).
    """

    def __init__(self, network: Any = "EfficientNetLite0", weights: Any = "imagenet", **options):
        self._frozen = None
        self._made = None
        if isinstance(network, str):
            if network not in _zoo.__all__ or network == "UNet":
                raise _core.Error(
                    f"[images] there is no network {network!r}; there are "
                    f"{', '.join(n for n in _zoo.__all__ if n != 'UNet')}"
                )
            path = _zoo.imagenet_file(network) if weights == "imagenet" else weights
            if path is None:
                raise _core.Error(f"[images] features of {network} need weights: a path")
            self.network, self.weights, self.options = network, weights, options
            self._path = os.fspath(path)
            self.digest = file_digest(self._path)
        else:
            self.network, self.weights, self.options = None, None, {}
            self._made = network
            self.bytes = network._network_bytes()
            self.digest = hashlib.blake2b(self.bytes, digest_size=16).hexdigest()

    @property
    def in_bytes(self) -> bool:
        """Whether the network computes in 8 bits."""
        return isinstance(self._made, Quantized)

    @functools.cached_property
    def model(self) -> Any:
        """The network: pixels of 0 to 255 [n, 3, h, w] to features [n, d]."""
        made = self._made
        if made is None:
            from andiron import models

            build = getattr(models, self.network)
            weights = self.weights if self.weights == "imagenet" else self._path
            made = build(weights=weights, include_top=False, pooling="avg", **self.options)
        if len(made.input_shape) != 4 or len(made.output_shape) != 2:
            raise _core.Error(
                "[images] features come of a network from photos [n, 3, h, w] to [n, d]; got "
                f"{made.input_shape} to {made.output_shape}"
            )
        return made

    @functools.cached_property
    def pipeline(self) -> images.Pipeline:
        """Short side resized, middle cut out, pixels of 0 to 255."""
        _, _, height, width = self.model.input_shape
        return images.Pipeline(
            [images.Resize(short_side(max(height, width))), images.CenterCrop((height, width))]
        )

    @property
    def size(self) -> int:
        """Features of a photo."""
        return self.model.output_shape[1]

    @functools.cached_property
    def key(self) -> str:
        """Names what is computed: network, weights, preprocessing, version."""
        what = [VERSION, self.network, self.digest, self.options, self.pipeline.description()]
        text = json.dumps(what, sort_keys=True, default=str)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def of_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """Features [n, d] of pixels [n, 3, h, w] of 0 to 255."""
        if self._frozen is None:
            self._frozen = self.model if self.in_bytes else self.model.frozen()
        return self._frozen.predict(pixels)

    def compute(self, sources: list) -> tuple[np.ndarray, list[tuple[int, str]]]:
        """Features [n, d] of photos, NaN for those that cannot be read, and [(row, why)]."""
        out = np.full((len(sources), self.size), np.nan, np.float32)
        bad: list[tuple[int, str]] = []
        for start in range(0, len(sources), _AT_ONCE):
            loaded = self.pipeline.load(alike(sources[start : start + _AT_ONCE]), "skip")
            bad += [(start + row, why) for row, why in loaded.errors]
            if len(loaded.rows):
                out[start + loaded.rows] = self.of_pixels(loaded.images)
        return out, bad


_THUMBNAILS = images.Pipeline([images.Resize((THUMBNAIL, THUMBNAIL))])


def thumbnails(sources: list) -> tuple[np.ndarray, list[tuple[int, str]]]:
    """Small pictures, uint8 [n, 3 * 16 * 16], for comparing photos; zeros for bad ones."""
    out = np.zeros((len(sources), 3 * THUMBNAIL * THUMBNAIL), np.uint8)
    bad: list[tuple[int, str]] = []
    for start in range(0, len(sources), _AT_ONCE):
        loaded = _THUMBNAILS.load(alike(sources[start : start + _AT_ONCE]), "skip")
        bad += [(start + row, why) for row, why in loaded.errors]
        pixels = loaded.images.reshape(len(loaded.rows), out.shape[1])
        out[start + loaded.rows] = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    return out, bad


def default_folder() -> Path:
    """Where features are kept: $ANDIRON_CACHE, or andiron in the user's folder for caches."""
    own = os.environ.get("ANDIRON_CACHE")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "andiron"


class Cache:
    """Rows of numbers by the content of the files that they were made of.

    Files appear complete or not at all; several processes may use one folder. A file that is
    damaged is passed over, and what was in it is computed again.

    Args:
        folder: default `default_folder()`; False keeps nothing.
    """

    def __init__(self, folder: Any = None):
        self.folder = None if folder is False else Path(folder or default_folder())

    def rows(
        self, key: str, photos: Photos, compute: Callable[[list], tuple]
    ) -> tuple[np.ndarray, list[tuple[int, str]], int]:
        """`compute` of the photos' files, where it is not there already.

        Returns:
            the rows [n, d]; [(row, why)] of photos that cannot be read; how many were there.
        """
        hashes = [h.tobytes() for h in photos.hashes]
        known, files = self._read(key)
        missing, seen = [], set()
        for i, h in enumerate(hashes):
            if h not in known and h not in seen:
                missing.append(i)
                if any(h):
                    seen.add(h)
        why: dict[int, str] = {}
        for start in range(0, max(len(missing), 1), _A_FILE):  # what is computed is kept at once
            part = missing[start : start + _A_FILE]
            values, errors = compute([photos.sources[i] for i in part])
            why.update({part[row]: text for row, text in errors})
            made = {hashes[i]: values[row] for row, i in enumerate(part) if i not in why}
            if made and self.folder is not None:
                files = self._write(key, made, known, files)
            known.update(made)
        by_hash = {hashes[i]: text for i, text in why.items()}
        out = np.empty((len(photos), values.shape[1]), values.dtype)
        bad = []
        for i, h in enumerate(hashes):
            found = known.get(h)
            if found is None:
                bad.append((i, why.get(i) or by_hash[h]))
                out[i] = np.nan if out.dtype.kind == "f" else 0
            else:
                out[i] = found
        return out, bad, len(photos) - len(missing)

    def _read(self, key: str) -> tuple[dict[bytes, np.ndarray], list[Path]]:
        from safetensors.numpy import load_file

        known: dict[bytes, np.ndarray] = {}
        if self.folder is None:
            return known, []
        files = sorted((self.folder / key).glob("*.safetensors"))
        for path in files:
            try:
                found = load_file(path)
                hashes, rows = found["hashes"], found["rows"]
            except Exception:  # noqa: BLE001, S112 - safetensors has errors of its own
                continue
            known.update(zip((h.tobytes() for h in hashes), rows, strict=True))
        return known, files

    def _write(self, key: str, made: dict, known: dict, files: list[Path]) -> list[Path]:
        """Adds a file, or joins all; the files that there are then."""
        from safetensors.numpy import save_file

        folder = self.folder / key
        join = len(files) >= _MOST_FILES
        rows = {**known, **made} if join else made
        content = {
            "hashes": np.stack([np.frombuffer(h, np.uint8) for h in rows]),
            "rows": np.stack(list(rows.values())),
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=folder, suffix=".part")
            os.close(handle)
            save_file(content, temporary)
            path = folder / f"{uuid.uuid4().hex}.safetensors"
            os.replace(temporary, path)
        except OSError:
            return files  # a full disk costs time, not the result
        for old in files if join else ():
            old.unlink(missing_ok=True)
        return [path] if join else [*files, path]
