"""CIFAR-10 from the files that people have: the binary version, or folders of images."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from andiron import _core

NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
ROW = 1 + 3 * 32 * 32  # of the binary version: a label, then red, green and blue
MAX_BYTES = 64 * 2**20  # of one file
IMAGES = (".jpg", ".jpeg", ".png", ".webp")


class Cifar10(NamedTuple):
    """Pixels uint8 [n, 3, 32, 32], labels int64 [n] of NAMES."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    source: str


class Split(NamedTuple):
    """Numbers for networks: float32 [n, 3, 32, 32], each channel with mean 0 and deviation 1 over
    the training images; labels int64 [n]."""

    x: np.ndarray
    y: np.ndarray


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """(path, bytes) of all files in a folder, also of those in archives there."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if path.name.endswith((".tar.gz", ".tgz", ".tar")):
            with tarfile.open(path, "r|*") as archive:
                for member in archive:
                    if member.isfile() and member.size <= MAX_BYTES:
                        yield member.name, archive.extractfile(member).read()
        elif path.suffix in (".bin", *IMAGES) and path.stat().st_size <= MAX_BYTES:
            yield str(path.relative_to(folder)), path.read_bytes()


def from_binary(name: str, content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """A file of the binary version: rows of a label and 3,072 pixels.

    Errors:
        andiron.Error for another length, or a label beyond 9.
    """
    if not content or len(content) % ROW:
        raise _core.Error(f"[cifar10] '{name}' has {len(content)} bytes, not rows of {ROW}")
    rows = np.frombuffer(content, np.uint8).reshape(-1, ROW)
    labels = rows[:, 0].astype(np.int64)
    if labels.max() > 9:
        raise _core.Error(f"[cifar10] '{name}' has the label {labels.max()}; there are 0 to 9")
    return rows[:, 1:].reshape(-1, 3, 32, 32), labels


def read(folder: str | os.PathLike) -> Cifar10:
    """CIFAR-10 in a folder, packed or not.

    Args:
        folder: with data_batch_1.bin ... data_batch_5.bin and test_batch.bin (the binary version of
            cifar-10), or with images as train/<class>/... and test/<class>/...; or with archives
            (.tar.gz) of these. The binary version is taken where both are there.

    Errors:
        andiron.Error says what is missing.
    """
    from andiron import images

    folder = Path(folder)
    if not folder.is_dir():
        raise _core.Error(f"[cifar10] there is no folder '{folder}'")
    binary: dict[bool, list] = {True: [], False: []}
    photos: dict[bool, list] = {True: [], False: []}
    for name, content in files(folder):
        path = Path(name)
        if path.suffix == ".bin" and "_batch" in path.name:
            binary[path.name.startswith("data_")].append(from_binary(name, content))
        elif path.suffix in IMAGES and len(path.parts) >= 3:
            part, label = path.parts[-3], path.parts[-2]
            if part in ("train", "test") and label in NAMES:
                photos[part == "train"].append((content, NAMES.index(label)))
    if binary[True] and binary[False]:
        parts = [[np.concatenate(a) for a in zip(*binary[t], strict=True)] for t in (True, False)]
        return Cifar10(*parts[0], *parts[1], "binary version")
    if not photos[True] or not photos[False]:
        raise _core.Error(
            f"[cifar10] '{folder}' has neither data_batch_1.bin ... and test_batch.bin nor images "
            "in train/<class>/ and test/<class>/, packed (.tar.gz) or not"
        )
    pipeline = images.Pipeline([images.Resize((32, 32))])
    out = []
    for train in (True, False):
        contents, labels = zip(*photos[train], strict=True)
        out += [pipeline(list(contents)).astype(np.uint8), np.array(labels, np.int64)]
    return Cifar10(*out, "image files")


def subset(data: Cifar10, train: int, test: int, seed: int = 0) -> Cifar10:
    """The first of a seeded order, the same number of each class."""
    rng = np.random.default_rng(seed)

    def rows(labels: np.ndarray, n: int) -> np.ndarray:
        order = rng.permutation(len(labels))
        each = [order[labels[order] == c][: n // 10] for c in range(10)]
        return rng.permutation(np.concatenate(each))

    a, b = rows(data.y_train, train), rows(data.y_test, test)
    return Cifar10(data.x_train[a], data.y_train[a], data.x_test[b], data.y_test[b], data.source)


def normalised(data: Cifar10, validation: int) -> tuple[Split, Split, Split]:
    """Training, validation (the last ones of the training images) and test numbers."""
    n = len(data.x_train) - validation
    pixels = data.x_train[:n]
    mean = pixels.mean((0, 2, 3), dtype=np.float64).reshape(3, 1, 1)
    deviation = pixels.std((0, 2, 3), dtype=np.float64).reshape(3, 1, 1)

    def numbers(x: np.ndarray) -> np.ndarray:
        return ((x - mean.astype(np.float32)) / deviation.astype(np.float32)).astype(np.float32)

    return (
        Split(numbers(pixels), data.y_train[:n]),
        Split(numbers(data.x_train[n:]), data.y_train[n:]),
        Split(numbers(data.x_test), data.y_test),
    )


def flipped(x: np.ndarray, seed: int | list[int]) -> np.ndarray:
    """Each image left to right with a chance of one half."""
    turn = np.random.default_rng(seed).random(len(x)) < 0.5
    out = x.copy()
    out[turn] = out[turn, :, :, ::-1]
    return out
