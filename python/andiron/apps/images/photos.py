"""Photos with the names of their classes, from folders, tables and lists."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from andiron import _core
from andiron.images._sources import classes_in, files_in


@dataclass
class Photos:
    """Photos, the classes of each, and what belongs together.

    Args:
        sources: paths or files' bytes.
        labels: a class for each photo; or a list of classes, where a photo may have several; or
            None, where they are not known.
        groups: for each photo what it shares with others (a house's number): photos of one group
            are never on both sides of a split. Default: each photo is its own.
    """

    sources: list
    labels: list | None = None
    groups: list | None = None
    _hashes: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.sources = list(self.sources)
        for name in ("labels", "groups"):
            given = getattr(self, name)
            if given is None:
                continue
            setattr(self, name, list(given))
            if len(getattr(self, name)) != len(self.sources):
                raise _core.Error(
                    f"[images] {len(self.sources)} photos, but {len(getattr(self, name))} {name}"
                )

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def multi_label(self) -> bool:
        """Whether the labels are lists of classes."""
        return self.labels is not None and any(
            isinstance(y, (list, tuple, set, frozenset)) for y in self.labels
        )

    @property
    def without_class(self) -> int:
        """How many have no class: an empty list, an empty cell of a table."""
        several = (list, tuple, set, frozenset)
        return sum(isinstance(y, several) and not y for y in self.labels or ())

    def with_lists(self) -> Photos:
        """The same, with a list of classes for each."""
        if self.labels is None or not self.sources:
            return self
        several = (list, tuple, set, frozenset)
        labels = [list(y) if isinstance(y, several) else [y] for y in self.labels]
        return Photos(self.sources, labels, self.groups, self._hashes)

    @classmethod
    def from_folder(cls, directory: Any, group: str | None = None) -> Photos:
        """One folder for each class; a warning names folders without photos.

        Args:
            directory: the folder of the folders.
            group: a regular expression that is searched in the file's name; what it (or its first
                parenthesis) matches is the photo's group. Default: each photo is its own.

        Errors:
            OSError where there is no such folder; ValueError where it has no folders with photos.
        """
        directory = os.fspath(directory)
        sources, labels, empty = [], [], []
        for name in classes_in(directory, None):
            found = files_in(os.path.join(directory, name))
            if not found:
                empty.append(name)
            sources += found
            labels += [name] * len(found)
        if not sources:
            raise _core.Error(
                f"[images] {directory!r} has no folders with photos; one folder for each class is "
                "wanted"
            )
        if empty:
            warnings.warn(
                f"[images] {directory!r} has folders without photos, which are no classes: "
                f"{', '.join(empty)}",
                stacklevel=3,
            )
        return cls(sources, labels, groups_of(sources, group))

    @classmethod
    def from_table(cls, path: Any, separator: str = "|", several: bool | None = None) -> Photos:
        """A CSV file with the columns photo (paths, from the table's folder) and classes, which
        `separator` separates, for instance "Colonial|Traditional"; and maybe group.

        Args:
            path: of the table.
            separator: between classes. Default: "|".
            several: whether a photo may have several classes, or none: labels are lists then.
                Default: where every photo has exactly one, they are classes, else lists.

        Errors:
            OSError where it cannot be read; ValueError where a column is missing.
        """
        path = Path(path)
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        if not rows or {"photo", "classes"} - set(rows[0]):
            raise _core.Error(
                f"[images] '{path}' wants the columns photo and classes; it has "
                f"{sorted(rows[0]) if rows else 'no rows'}"
            )
        labels: list = [
            [c.strip() for c in (row["classes"] or "").split(separator) if c.strip()]
            for row in rows
        ]
        if not several and all(len(y) == 1 for y in labels):
            labels = [y[0] for y in labels]
        elif several is False:
            row = next(i for i, y in enumerate(labels) if len(y) != 1)
            raise _core.Error(
                f"[images] '{path}', photo {rows[row]['photo']!r}: one class is wanted; it has "
                f"{labels[row] or 'none'}"
            )
        groups = [row["group"] for row in rows] if "group" in rows[0] else None
        return cls([str(path.parent / row["photo"]) for row in rows], labels, groups)

    @classmethod
    def of(cls, photos: Any, labels: Any = None, groups: Any = None) -> Photos:
        """Of a folder of folders, a CSV table, a list of paths or bytes, or Photos."""
        if isinstance(photos, Photos):
            return photos
        if isinstance(photos, (str, os.PathLike)) and labels is None:
            if os.path.isdir(photos):
                return cls.from_folder(photos)
            if os.fspath(photos).lower().endswith(".csv"):
                return cls.from_table(photos)
        if isinstance(photos, (str, os.PathLike, bytes, bytearray)):
            photos = [photos]
        return cls(list(photos), labels, groups)

    @classmethod
    def to_predict(cls, photos: Any) -> Photos:
        """As `of`; of a folder, all photos in it and below.

        Errors:
            ValueError for a folder without photos.
        """
        if isinstance(photos, (str, os.PathLike)) and os.path.isdir(photos):
            found = files_in(os.fspath(photos))
            if not found:
                raise _core.Error(f"[images] there is no photo in {os.fspath(photos)!r}")
            return cls(found)
        return cls.of(photos)

    def take(self, rows: Sequence[int]) -> Photos:
        """Some of them."""
        rows = [int(i) for i in rows]
        return Photos(
            [self.sources[i] for i in rows],
            None if self.labels is None else [self.labels[i] for i in rows],
            None if self.groups is None else [self.groups[i] for i in rows],
            None if self._hashes is None else self._hashes[rows],
        )

    def name(self, row: int) -> str:
        """The path, or "photo 3" for bytes."""
        source = self.sources[row]
        return os.fspath(source) if isinstance(source, (str, os.PathLike)) else f"photo {row}"

    def read(self, row: int) -> bytes:
        """The file's bytes; OSError where it cannot be read."""
        source = self.sources[row]
        if isinstance(source, (str, os.PathLike)):
            return Path(source).read_bytes()
        return b"" if source is None else bytes(source)

    @property
    def hashes(self) -> np.ndarray:
        """BLAKE2b of each file's content, uint8 [n, 16]; zeros where it cannot be read."""
        if self._hashes is None:
            self._hashes = np.zeros((len(self), 16), np.uint8)
            for row in range(len(self)):
                try:
                    data = self.read(row)
                except OSError:
                    continue
                if data:
                    digest = hashlib.blake2b(data, digest_size=16).digest()
                    self._hashes[row] = np.frombuffer(digest, np.uint8)
        return self._hashes


def groups_of(sources: Sequence[Any], pattern: str | None) -> list[str] | None:
    """The groups that a regular expression finds in names of files."""
    if pattern is None:
        return None
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise _core.Error(f"[images] group {pattern!r} is no regular expression: {error}") from None
    found = []
    for source in sources:
        name = os.path.basename(os.fspath(source))
        match = wanted.search(name)
        if match is None:
            raise _core.Error(f"[images] group {pattern!r} matches nothing in {name!r}")
        found.append(match[1] if match.groups() else match[0])
    return found
