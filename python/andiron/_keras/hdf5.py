"""HDF5 files that nobody trusts: what may be read of them, and how much."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from andiron import _core

MAX_OBJECTS = 200_000
MAX_DEPTH = 40
MAX_TEXT = 64 * 2**20  # of one attribute


def damaged(path: str, why: str) -> OSError:
    return OSError(f"[keras] '{path}' {why}")


def h5py_module() -> Any:
    try:
        import h5py
    except ImportError:
        raise _core.Error(
            "[keras] files of Keras are HDF5, which h5py reads: pip install 'andiron[keras]'"
        ) from None
    return h5py


class Window(io.RawIOBase):
    """A part of a file as a file: a member of an archive that is stored as it is."""

    def __init__(self, path: str, start: int, size: int):
        self._file, self._start, self._size, self._at = open(path, "rb"), start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._start + self._at)
        part = self._file.read(max(0, min(len(buffer), self._size - self._at)))
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def close(self) -> None:
        self._file.close()
        super().close()


class Stored(NamedTuple):
    """A tensor in the file, which is read when its shape is known to be wanted."""

    where: str
    shape: tuple[int, ...]
    data: Any

    def read(self) -> np.ndarray:
        """float32, or int64 of integers."""
        try:
            whole = self.data[()]
        except (OSError, RuntimeError, ValueError) as e:
            raise OSError(f"[keras] {self.where} cannot be read: {e}") from None
        return np.ascontiguousarray(whole, np.float32 if whole.dtype.kind == "f" else np.int64)


class Hdf5:
    """Groups, tensors and texts of a file.

    Refused with OSError: links that leave the file or the tree, tensors that are not plain numbers
    stored in full within the file (compressed, virtual, external, compound, objects), more bytes of
    tensors than the file has, too many objects.
    """

    def __init__(self, path: str, start: int = 0, size: int | None = None):
        h5py = h5py_module()
        self._h5py, self.path = h5py, path
        self._size = os.path.getsize(path) if size is None else size
        source = path if size is None else Window(path, start, size)
        try:
            self.root = h5py.File(source, "r")
        except (OSError, RuntimeError, ValueError) as e:
            if isinstance(e, FileNotFoundError):
                raise
            raise damaged(path, f"is no HDF5 file that can be read: {e}") from None
        self._objects, self._bytes = 0, 0
        self._places: dict[int, str] = {}

    def __enter__(self) -> Hdf5:
        return self

    def __exit__(self, *_: Any) -> None:
        self.root.close()

    def child(self, group: Any, name: str) -> Any:
        """A group or dataset of a group; each object of the file has one place."""
        h5py = self._h5py
        where = f"{group.name.rstrip('/')}/{name}"
        if where.count("/") > MAX_DEPTH:
            raise damaged(self.path, f"has groups deeper than {MAX_DEPTH}")
        self._objects += 1
        if self._objects > MAX_OBJECTS:
            raise damaged(self.path, f"has more than {MAX_OBJECTS} objects")
        try:
            link = group.get(name, getlink=True)
            if link is None:
                raise damaged(self.path, f"has no {where}")
            if not isinstance(link, h5py.HardLink):
                raise damaged(self.path, f"has a link at {where} to elsewhere")
            found = group[name]
            address = h5py.h5o.get_info(found.id).addr
        except (KeyError, RuntimeError, ValueError) as e:
            raise damaged(self.path, f"is damaged at {where}: {e}") from None
        if self._places.setdefault(address, where) != where:
            raise damaged(self.path, f"has {where} and {self._places[address]} in one place")
        return found

    def names(self, group: Any) -> list[str]:
        try:
            return list(group.keys())
        except (RuntimeError, ValueError) as e:
            raise damaged(self.path, f"is damaged at {group.name}: {e}") from None

    def children(self, group: Any) -> Iterator[tuple[str, Any]]:
        for name in self.names(group):
            yield name, self.child(group, name)

    def is_group(self, thing: Any) -> bool:
        return isinstance(thing, self._h5py.Group)

    def tensor(self, dataset: Any) -> Stored:
        """A dataset, checked but not read."""
        where = dataset.name
        if not isinstance(dataset, self._h5py.Dataset):
            raise damaged(self.path, f"has no tensor at {where}")
        try:
            dtype, shape = dataset.dtype, dataset.shape
            created = dataset.id.get_create_plist()
            outside = dataset.external or dataset.is_virtual
            filters, stored = created.get_nfilters(), dataset.id.get_storage_size()
        except (OSError, RuntimeError, TypeError, ValueError) as e:
            raise damaged(self.path, f"is damaged at {where}: {e}") from None
        if dtype.kind not in "fiu" or shape is None:
            raise damaged(self.path, f"has {dtype} at {where}, where numbers are expected")
        if outside:
            raise damaged(self.path, f"keeps {where} in another file")
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if filters or stored < size:
            raise damaged(self.path, f"does not store {where} plainly and in full (as Keras does)")
        self._bytes += size
        if self._bytes > self._size:
            raise damaged(self.path, f"has {self._size} bytes, and tensors of more")
        return Stored(where, tuple(int(n) for n in shape), dataset)

    def texts(self, group: Any, name: str) -> list[str] | None:
        """An attribute of one text or of several; those that are too long for one attribute are
        numbered (Keras: name0, name1, ...)."""
        if name in group.attrs:
            return self._texts(group, name)
        parts: list[str] = []
        number = 0
        while f"{name}{number}" in group.attrs:
            parts += self._texts(group, f"{name}{number}")
            number += 1
        return parts if number else None

    def _texts(self, group: Any, name: str) -> list[str]:
        try:
            attribute = group.attrs.get_id(name)
            dtype, shape = attribute.dtype, attribute.shape
            text = dtype.kind == "S" or self._h5py.check_string_dtype(dtype) is not None
            count = int(np.prod(shape or (), dtype=object))
            if not text or count * max(dtype.itemsize, 1) > MAX_TEXT:
                # Keras writes an empty list as float64 [0].
                if dtype.kind == "f" and count == 0:
                    return []
                raise damaged(self.path, f"has {dtype} {shape} as {group.name}.{name}")
            found = np.asarray(group.attrs[name]).ravel().tolist()
            return [x.decode() if isinstance(x, bytes) else str(x) for x in found]
        except (KeyError, RuntimeError, UnicodeDecodeError, ValueError, TypeError) as e:
            raise damaged(self.path, f"is damaged at {group.name}.{name}: {e}") from None
