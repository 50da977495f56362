"""The files of classifiers of photos."""

from __future__ import annotations

import json
import os
import tempfile
from typing import Any

import numpy as np

from andiron import _core
from andiron._refuse import refuse_foreign

FORMAT = 2  # 1 had no networks in 8 bits


def to_bytes(classifier: Any) -> bytes:
    """A trained classifier as a safetensors file."""
    from safetensors.numpy import save

    learned, linear, extractor = classifier._fitted(), classifier.linear_, classifier.extractor
    weights, settings = extractor.weights, classifier._settings
    about = {
        "format": FORMAT, "kind": type(classifier).__name__, "classes": list(classifier.classes_),
        "multi_label": classifier.multi_label_, "names": learned.names, "tuned": classifier.tuned,
        "network": extractor.network, "options": extractor.options, "key": extractor.key,
        "weights": None if weights is None else os.fspath(weights), "C": linear.C_,
        "digest": extractor.digest, "in_bytes": extractor.in_bytes,
        "settings": {**settings, "C": _plain(settings["C"])},
    }  # fmt: skip
    tensors = {
        "coef": linear.coef_, "intercept": linear.intercept_,
        "thresholds": classifier.thresholds_, "truth": learned.truth.astype(np.uint8),
        "groups": learned.groups, "hashes": learned.hashes, "thumbnails": learned.thumbnails,
        "features": learned.features,
    }  # fmt: skip
    if extractor.network is None:
        tensors["network"] = np.frombuffer(extractor.bytes, np.uint8)
    tensors = {k: np.ascontiguousarray(v) for k, v in tensors.items()}
    return save(tensors, {"andiron": json.dumps(about)})


def from_bytes(cls: type, data: bytes, name: str, cache: Any) -> Any:
    """The classifier that `to_bytes` described; `name` is for messages."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors = load(data)
        n = int.from_bytes(data[:8], "little")
        described = json.loads(data[8 : 8 + n]).get("__metadata__", {})
        if "andiron" not in described:
            model = {"andiron.model", "andiron.quantized"} & set(described)
            raise _core.Error(
                f"[images] '{name}' is "
                + ("a model" if model else "a safetensors file without Andiron's description")
                + f", not a classifier that {cls.__name__}.save wrote"
                + (": models.load reads it" if model else "")
            )
        about = json.loads(described["andiron"])
        if about["format"] > FORMAT:
            raise _core.Error(f"[images] '{name}' was written by a newer version of Andiron")
    except (SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise _core.Error(
            f"[images] '{name}' is no classifier that Andiron saved: {error}"
        ) from error
    network = about["network"]
    if network is None:
        from andiron import _quantized, models

        restored = (_quantized if about.get("in_bytes") else models)._from_bytes
        network = restored(tensors["network"].tobytes())
    made = cls(network, weights=about["weights"], cache=cache, **about["settings"],
               **about["options"])  # fmt: skip
    if about["network"] is not None and made.extractor.digest != about["digest"]:
        raise _core.Error(
            f"[images] '{name}' was trained with other weights of {network} than those of "
            f"{about['weights']!r}: its features would be others"
        )
    made._restore(about, tensors)
    return made


def _plain(c: Any) -> Any:
    return float(c) if np.isscalar(c) else [float(x) for x in c]


def write(path: Any, data: bytes) -> None:
    """A file that appears complete or not at all; folders that are missing are made."""
    refuse_foreign("save", path)
    path = os.path.abspath(os.fspath(path))
    if os.path.isdir(path):
        raise IsADirectoryError(f"[save] '{path}' is a folder; the name of a file is wanted")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), suffix=".part")
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
