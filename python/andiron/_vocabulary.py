"""Texts as ids."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from andiron import _core


class Vocabulary:
    """Texts as ids of an embedding table.

    Args:
        entries: the known texts, in the order of their ids.
        unknown: whether id 0 stands for all other texts, and the known ones count from 1. Without
            it they count from 0, and another text is an error. Default: True.

    Example:
        >>> from andiron.data import Vocabulary
        >>> colours = Vocabulary(["red", "green"])
        >>> colours.ids(["green", "blue", "red"]).tolist(), len(colours)
        ([2, 0, 1], 3)
    """

    def __init__(self, entries: Iterable[str], unknown: bool = True):
        self._core = _core.VocabularyCore(list(entries), unknown)

    @classmethod
    def _of(cls, core: Any) -> Vocabulary:
        self = object.__new__(cls)
        self._core = core
        return self

    @classmethod
    def _from(cls, given: Any, unknown: bool = True) -> Vocabulary:
        """From one, a list of texts, or the path of a saved one."""
        if isinstance(given, Vocabulary):
            return given
        return cls(given, unknown) if isinstance(given, (list, tuple)) else cls.load(given)

    @property
    def entries(self) -> list[str]:
        """The known texts."""
        return self._core.entries

    @property
    def unknown(self) -> bool:
        """Whether there is an id for unknown texts: 0."""
        return self._core.unknown

    def __len__(self) -> int:
        return self._core.size

    def ids(self, texts: Iterable[str]) -> np.ndarray:
        """The ids of texts, int32.

        Errors:
            andiron.Error when one is unknown and the vocabulary has no entry for that.
        """
        out = np.array([self._core.id(t) for t in texts], np.int32)
        if (out < 0).any():
            raise _core.Error("[vocabulary] a text is not in it")
        return out

    def texts(self, ids: Iterable[int]) -> list[str | None]:
        """The texts of ids; None for the unknown one."""
        entries = [None, *self.entries] if self.unknown else self.entries
        return [entries[i] for i in ids]

    def save(self, path: Any) -> None:
        """Writes it as JSON; the file appears complete or not at all."""
        self._core.save(os.fspath(path))

    @classmethod
    def load(cls, path: Any) -> Vocabulary:
        """Reads what `save` wrote."""
        return cls._of(_core.VocabularyCore.load(os.fspath(path)))

    def to_json(self) -> str:
        """As JSON text."""
        return self._core.json()

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        """From JSON text."""
        return cls._of(_core.VocabularyCore.from_json(text))

    def __reduce__(self):
        return Vocabulary.from_json, (self.to_json(),)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Vocabulary) and (self.entries, self.unknown) == (
            other.entries,
            other.unknown,
        )

    def __hash__(self) -> int:
        return id(self._core)

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} ids, unknown={self.unknown})"
