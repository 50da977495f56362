"""What is in a file or folder that Andiron, or somebody it reads from, wrote."""

from __future__ import annotations

import json
import os
import re
import struct
from pathlib import Path
from typing import Any

from andiron import _core
from andiron._kinds import header
from andiron._opening import what_it_is

_SHOWN = 40  # tensors
_RECOMMENDERS = ("model.json", "propensity.json")  # in folders


def about(path: str) -> dict[str, Any]:
    """{"kind": what it is, "summary": text}, and figures for --json; of ONNX models what
    `andiron.onnx.describe` gives.

    Errors:
        andiron.Error, OSError for what is none, or damaged.
    """
    if os.path.isdir(path):
        return _folder(Path(path))
    if path.lower().endswith(".onnx"):
        from andiron import onnx

        found = onnx.describe(path)
        found["supported"] = sorted(set(onnx.operators()) & set(found["operators"]))
        return {"kind": "ONNX model", **found}
    from andiron._keras.file import is_keras

    if is_keras(path):
        from andiron._keras import architecture

        return {"kind": "file of Keras", "summary": architecture.summary(path)}
    with open(path, "rb") as file:
        head = file.read(8)
    if head[:1] in (b"{", b"["):
        return _json(path)
    if _is_safetensors(path, head):
        return _safetensors(path)
    return _tensors("state dict of PyTorch", path, _of_torch(path))


# Files of tensors.


def _is_safetensors(path: str, head: bytes) -> bool:
    if len(head) < 8:
        return False
    (size,) = struct.unpack("<Q", head)
    with open(path, "rb") as file:
        file.seek(8)
        return 2 <= size <= os.path.getsize(path) - 8 and file.read(1) == b"{"


def _safetensors(path: str) -> dict[str, Any]:
    try:
        found = header(path)
    except ValueError as error:
        raise _core.Error(f"[info] '{path}' {error}") from None
    metadata = found.pop("__metadata__", {})
    for key, what in _KINDS.items():
        if key in metadata:
            return what(path, _document(path, metadata[key]), metadata, found)
    return _tensors("safetensors", path, {n: (t["dtype"], t["shape"]) for n, t in found.items()})


def _document(path: str, text: str) -> dict:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise _core.Error(f"[info] the description in '{path}' is damaged: {error}") from None
    if not isinstance(found, dict):
        raise _core.Error(f"[info] the description in '{path}' is damaged")
    return found


def _quantized(path: str, document: dict, metadata: dict, tensors: dict) -> dict[str, Any]:
    from andiron.models import load_model

    return {
        "kind": "quantized model", "version": document.get("version"),
        "summary": load_model(path).summary(),
    }  # fmt: skip


def _model(path: str, document: dict, metadata: dict, tensors: dict) -> dict[str, Any]:
    from andiron.models import load_model

    summary = load_model(path, compile=False)._ready().summary().rstrip("\n")
    out: dict[str, Any] = {"kind": "model", "version": document.get("version")}
    compiled = json.loads(metadata.get("andiron.compile", "null")) or {}
    if optimizer := compiled.get("optimizer"):
        out["optimizer"], out["step"] = optimizer["class_name"], compiled.get("step", 0)
        losses = [x["class_name"] for x in compiled.get("losses", []) if x]
        summary += f"\n\nCompiled with {out['optimizer']} and {', '.join(losses)}; {out['step']} "
        summary += "steps so far"
    return {**out, "summary": summary}


def _checkpoint(path: str, document: dict, metadata: dict, tensors: dict) -> dict[str, Any]:
    names = document.get("history") or []
    rows = {
        "version": document.get("version"),
        "step": document.get("step"),
        "epoch": document.get("epoch"),
        "batch": document.get("batch"),
        "optimizer": document.get("optimizer"),
        "figures": ", ".join(names[-1]) if names else "none yet",
        "run": metadata.get("andiron.run_id", ""),
        "tensors": f"{len(tensors)}, {_bytes(_size(tensors))}",
    }
    rows["next"] = f"epoch {rows.pop('epoch')} (from 0), batch {rows.pop('batch')}"
    return {"kind": "checkpoint", **rows, "summary": _rows({"checkpoint": path, **rows})}


def _classifier(path: str, document: dict, metadata: dict, tensors: dict) -> dict[str, Any]:
    classes = document.get("classes", [])
    shape = tensors.get("features", {}).get("shape", [0, 0])
    rows = {
        "format": document.get("format"),
        "classes": f"{len(classes)}: {', '.join(map(str, classes))}",
        "network": document.get("network") or "its own",
        "photos": f"{shape[0]}, of {shape[-1]} features each",
        "C": document.get("C"),
    }
    kind = document.get("kind", "ImageClassifier")
    return {"kind": kind, **rows, "summary": _rows({"kind": kind, **rows})}


def _linear(path: str, document: dict, metadata: dict, tensors: dict) -> dict[str, Any]:
    classes, shape = document.get("classes", []), tensors["coef"]["shape"]
    rows = {
        "version": document.get("version"),
        "classes": f"{len(classes)}: {', '.join(map(str, classes))}",
        "features": shape[1],
        "loss": document.get("settings", {}).get("loss"),
        "C": document.get("C"),
    }
    return {"kind": "LinearClassifier", **rows,
            "summary": _rows({"kind": "LinearClassifier", **rows})}  # fmt: skip


_KINDS = {
    "andiron.quantized": _quantized,
    "andiron.model": _model,
    "andiron.checkpoint": _checkpoint,
    "andiron.linear": _linear,
    "andiron": _classifier,
}


def _of_torch(path: str) -> dict[str, tuple]:
    try:
        found = _core.read_weights(path)
    except (OSError, ValueError):
        what = what_it_is(path)
        if what is None or "load_weights" in what:
            what = "is nothing that Andiron reads"
        if what.startswith("is no"):
            what += (
                ". Known are its own files, safetensors, ONNX models (.onnx), state dicts of "
                "PyTorch and files of Keras"
            )
        raise _core.Error(f"[info] '{path}' {what}") from None
    return {name: (t.dtype, list(t.shape)) for name, t in found.items()}


def _tensors(kind: str, path: str, found: dict[str, tuple]) -> dict[str, Any]:
    lines = [f"{name} {dtype} {shape}" for name, (dtype, shape) in list(found.items())[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(f"... and {len(found) - _SHOWN} more")
    numbers = 0
    for _, shape in found.values():
        count = 1
        for n in shape:
            count *= n
        numbers += count
    head = _rows({"kind": kind, "tensors": f"{len(found)}, {numbers:,} numbers"})
    return {
        "kind": kind,
        "tensors": {name: {"dtype": d, "shape": s} for name, (d, s) in found.items()},
        "summary": "\n".join([head, "", *lines]),
    }


# JSON and folders.


def _json(path: str) -> dict[str, Any]:
    with open(path, encoding="utf-8") as file:
        found = _document(path, file.read())
    for key in ("entries", "ids"):
        if isinstance(found.get(key), list):
            kind = "vocabulary" if key == "entries" else "map of ids"
            rows = {"kind": kind, "entries": len(found[key])}
            return {**rows, "summary": _rows(rows)}
    if found.get("model") and isinstance(found.get("settings"), dict):
        return _recommender(Path(path))
    raise _core.Error(f"[info] '{path}' is JSON of a kind that Andiron does not write")


def _folder(folder: Path) -> dict[str, Any]:
    for name in _RECOMMENDERS:
        if (folder / name).exists():
            return _recommender(folder / name)
    if (folder / "metadata").is_dir():
        return _stage(folder)
    names = [n for n in os.listdir(folder) if re.fullmatch(r"checkpoint-\d+\.safetensors", n)]
    if not names:
        raise _core.Error(
            f"[info] the folder '{folder}' has neither checkpoints nor a saved recommender or stage"
        )
    names.sort(key=lambda name: int(re.sub(r"\D", "", name)))
    newest = _safetensors(str(folder / names[-1]))
    newest["summary"] += "\n" + _rows({"files": ", ".join(names)})
    return {**newest, "kind": "folder of checkpoints", "files": names}


def _recommender(path: Path) -> dict[str, Any]:
    folder = path.parent
    found = _document(str(path), path.read_text(encoding="utf-8"))
    rows = {"kind": "recommender", "format": found.get("format"), "model": found.get("model")}
    for name in ("users", "items"):
        path = folder / f"{name}.json"
        if path.exists():
            rows[name] = _json(str(path))["entries"]
    settings = {k: v for k, v in (found.get("settings") or {}).items() if v is not None}
    rows["settings"] = ", ".join(f"{k}={v}" for k, v in settings.items())
    return {**rows, "summary": _rows(rows)}


def _stage(folder: Path) -> dict[str, Any]:
    """A stage of Spark ML, as andiron.spark saves it."""
    parts = sorted((folder / "metadata").glob("part-*"))
    text = "".join(part.read_text(encoding="utf-8") for part in parts)
    found = _document(str(folder / "metadata"), text)
    own = found.get("class", "")
    if not own.startswith("andiron."):
        raise _core.Error(f"[info] '{folder}' is a stage of Spark ML that is not Andiron's: {own}")
    params = {k: v for k, v in sorted(found.get("paramMap", {}).items()) if v is not None}
    rows = {
        "kind": f"Spark stage {own.rpartition('.')[2]}",
        "spark": found.get("sparkVersion"),
        "params": ", ".join(f"{k}={json.dumps(v)}" for k, v in params.items()),
    }
    summary = _rows(rows)
    for name in ("model.safetensors", "recommender"):
        if (folder / name).exists():
            summary += "\n\n" + about(str(folder / name))["summary"]
    return {**rows, "summary": summary}


# Text.


def _rows(rows: dict[str, Any]) -> str:
    return "\n".join(f"{name:<11} {value}" for name, value in rows.items())


def _size(tensors: dict) -> int:
    return max((t["data_offsets"][1] for t in tensors.values()), default=0)


def _bytes(n: int) -> str:
    return f"{n / 2**20:.1f} MiB" if n >= 2**20 else f"{n / 1024:.1f} KiB"
