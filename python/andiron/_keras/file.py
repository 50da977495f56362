"""What a file of Keras has: layers with tensors, and the model's description where there is one."""

from __future__ import annotations

import json
import os
import re
import struct
import zipfile
from typing import Any, NamedTuple

from andiron import _core
from andiron._keras.hdf5 import MAX_TEXT, Hdf5, Stored, damaged

MAGIC = b"\x89HDF\r\n\x1a\n"


class SavedLayer(NamedTuple):
    path: str
    """In the file: "layers/conv2d_1" in Keras 3, by class and number."""
    tensors: list[tuple[str, Stored]]
    """(name in the layer, "" in Keras 3; tensor), in the layer's order."""
    name: str = ""
    """The layer's; "" where an early Keras 3 did not write it."""


class KerasFile(NamedTuple):
    path: str
    form: str
    """"legacy", or "keras 3": whose layers are told apart by class and number."""
    layers: list[SavedLayer]
    config: dict | None
    """{"class_name", "config"} of the model."""


def is_keras(path: Any) -> bool:
    """Whether a file is HDF5 or Keras's archive, by what is in it."""
    try:
        with open(os.fspath(path), "rb") as file:
            head = file.read(8)
        if head == MAGIC:
            return True
        if head[:2] != b"PK":
            return False
        with zipfile.ZipFile(path) as archive:
            return "config.json" in archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


class Opened:
    """A file of Keras while its tensors are read: `with Opened(path) as file`."""

    def __init__(self, path: Any):
        self._path = os.fspath(path)

    def __enter__(self) -> KerasFile:
        path = self._path
        config = None
        with open(path, "rb") as file:
            archive = file.read(2) == b"PK"
        if archive:
            config, start, size = _members(path)
            self._hdf5 = Hdf5(path, start, size)
        else:
            self._hdf5 = Hdf5(path)
        try:
            return _file(self._hdf5, config)
        except _core.Error:
            self._hdf5.root.close()
            raise
        except (RuntimeError, KeyError, TypeError, ValueError) as e:  # what HDF5 stumbles over
            self._hdf5.root.close()
            raise damaged(path, f"is damaged: {e}") from None
        except BaseException:
            self._hdf5.root.close()
            raise

    def __exit__(self, *_: Any) -> None:
        self._hdf5.root.close()


def _members(path: str) -> tuple[dict, int, int]:
    """The description in an archive, and where its weights are."""
    try:
        with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
            about = archive.getinfo("config.json")
            if about.file_size > MAX_TEXT:
                raise damaged(path, f"has a config.json of {about.file_size} bytes")
            config = _described(path, archive.read(about))
            weights = archive.getinfo("model.weights.h5")
            if weights.compress_type != zipfile.ZIP_STORED or weights.flag_bits & 1:
                raise damaged(path, "has compressed weights; Keras stores them as they are")
            file.seek(weights.header_offset)
            head = file.read(30)
            if len(head) != 30 or head[:4] != b"PK\x03\x04":
                raise damaged(path, "is a damaged archive")
            start = weights.header_offset + 30 + sum(struct.unpack("<HH", head[26:30]))
            if start + weights.file_size > os.path.getsize(path):
                raise damaged(path, "is a damaged archive: its weights end behind the file")
            return config, start, weights.file_size
    except KeyError as e:
        raise damaged(path, f"is no model of Keras: {e.args[0]}") from None
    except (zipfile.BadZipFile, NotImplementedError, ValueError, RuntimeError, EOFError) as e:
        raise damaged(path, f"is a damaged archive: {e}") from None
    except struct.error as e:
        raise damaged(path, f"is a damaged archive: {e}") from None


def _described(path: str, text: Any) -> dict:
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as e:
        raise damaged(path, f"has a description of the model that is no JSON: {e}") from None
    if not isinstance(config, dict) or not isinstance(config.get("config"), (dict, list)):
        raise damaged(path, "has no description of a model")
    return config


def _file(hdf5: Hdf5, config: dict | None) -> KerasFile:
    root, path = hdf5.root, hdf5.path
    if config is None and (text := hdf5.texts(root, "model_config")):
        config = _described(path, text[0])
    if "model_weights" in root:
        return KerasFile(path, "legacy", _legacy(hdf5, hdf5.child(root, "model_weights")), config)
    if hdf5.texts(root, "layer_names") is not None:
        return KerasFile(path, "legacy", _legacy(hdf5, root), config)
    layers = sorted(_walk(hdf5, root, ""), key=lambda layer: _by_number(layer.path))
    if not layers:
        raise damaged(path, "has no weights of Keras")
    return KerasFile(path, "keras 3", layers, config)


def _by_number(path: str) -> list:
    return [int(p) if p.isdigit() else p for p in re.split(r"(\d+)(?=/|$)", path)]


def _legacy(hdf5: Hdf5, group: Any) -> list[SavedLayer]:
    """Keras 1 and 2: attributes say which layers and weights there are, in which order."""
    out = []
    for name in hdf5.texts(group, "layer_names") or []:
        layer = _descend(hdf5, group, name)
        parts: dict[str, list] = {}  # several in a model that is a layer
        for weight in hdf5.texts(layer, "weight_names") or []:
            tensor = hdf5.tensor(_descend(hdf5, layer, weight))
            place, _, last = weight.rpartition("/")
            parts.setdefault(place, []).append((last.split(":")[0], tensor))
        for place, tensors in parts.items():
            own = name if len(parts) == 1 else place.rsplit("/", 1)[-1]
            out.append(SavedLayer(name if len(parts) == 1 else place, tensors, own))
    return out


def _descend(hdf5: Hdf5, group: Any, path: str) -> Any:
    for part in path.split("/"):
        if not hdf5.is_group(group) or part in ("", ".", ".."):
            raise damaged(hdf5.path, f"has no {path} in {group.name}")
        group = hdf5.child(group, part)
    return group


def _walk(hdf5: Hdf5, group: Any, path: str) -> list[SavedLayer]:
    """Keras 3 (and `.keras` of Keras 2.12 and later): groups of groups, with "vars" at the end."""
    out = []
    for name, child in hdf5.children(group):
        if not hdf5.is_group(child):
            continue
        if name == "vars":
            numbers = sorted((n for n in hdf5.names(child) if n.isdigit()), key=int)
            tensors = [("", hdf5.tensor(hdf5.child(child, n))) for n in numbers]
            if tensors:
                own = hdf5.texts(child, "name") or [""]
                out.append(SavedLayer(path, tensors, own[0]))
        # Not the model's: the optimizer's slots, counts of metrics, states of random numbers.
        elif (path or name not in ("optimizer", "metrics")) and name != "seed_generator":
            place = "layers" if name == "_layer_checkpoint_dependencies" else name
            out += _walk(hdf5, child, f"{path}/{place}" if path else place)
    return out
