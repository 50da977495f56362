"""Embedding tables for TensorBoard's projector."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from andiron import _core


def tables(model: Any) -> dict[str, Any]:
    """The tables of a model's embeddings by the layers' names."""
    found = {}
    for layer in model.layers:
        if layer._core.class_name in ("Embedding", "EmbeddingBag") and layer.variables:
            found[layer.name] = layer.variables[0]
    return found


def metadata_of(given: Any, names: list[str]) -> dict[str, str]:
    """A file with a line for each row, by layer: a path for the only embedding, or a dict."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        if len(names) != 1:
            raise _core.Error(
                f"[TensorBoard] embeddings_metadata is a dict of paths by layer; there are {names}"
            )
        given = {names[0]: given}
    unknown = [name for name in given if name not in names]
    if unknown:
        raise _core.Error(
            f"[TensorBoard] embeddings_metadata names {unknown[0]!r}; the embeddings are {names}"
        )
    return {name: os.path.abspath(os.fspath(path)) for name, path in given.items()}


def write(folder: str, found: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    """projector_config.pbtxt in the run's folder, and a file of numbers for each table. Each file
    appears complete or not at all."""
    lines = []
    for name, table in found.items():
        path = f"embedding-{name.replace('/', '_')}.tsv"
        rows = ("\t".join(f"{x:.7g}" for x in row) for row in np.asarray(table, np.float64))
        _replace(os.path.join(folder, path), "".join(row + "\n" for row in rows))
        lines += ["embeddings {", f"  tensor_name: {_quoted(name)}"]
        lines += [f"  tensor_shape: {n}" for n in table.shape]
        lines.append(f"  tensor_path: {_quoted(path)}")
        if name in metadata:
            lines.append(f"  metadata_path: {_quoted(metadata[name])}")
        lines.append("}")
    _replace(os.path.join(folder, "projector_config.pbtxt"), "".join(x + "\n" for x in lines))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _replace(path: str, text: str) -> None:
    beside = f"{path}.{os.getpid()}.part"
    with open(beside, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(beside, path)
