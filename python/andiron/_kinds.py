"""What a safetensors file of Andiron's is, by its header."""

from __future__ import annotations

import json
import os
from typing import Any

LONGEST = 100_000_000  # of a header, in the format


def header(path: Any) -> dict[str, Any]:
    """The header of a safetensors file; the tensors are not read.

    Errors:
        ValueError: why it is none.
    """
    with open(os.fspath(path), "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size > min(LONGEST, os.path.getsize(path)):
            raise ValueError("is no safetensors file")
        try:
            found = json.loads(file.read(size))
        except ValueError as error:
            raise ValueError(f"has a damaged header: {error}") from None
    if not isinstance(found, dict):
        raise ValueError("has a damaged header")
    return found


def descriptions(path: Any) -> dict[str, str]:
    """The metadata in a file's header; nothing where it is none of safetensors."""
    try:
        found = header(path)["__metadata__"]
    except (OSError, ValueError, KeyError):
        return {}
    return found if isinstance(found, dict) else {}


def classifier_kind(path: Any) -> str | None:
    """The class whose `save` wrote a classifier of photos; None for other files."""
    try:
        about = json.loads(descriptions(path)["andiron"])
        return str(about["kind"]) if "classes" in about else None
    except (ValueError, KeyError, TypeError):
        return None


def of_a_classifier(path: Any) -> str | None:
    """What reads a classifier's file that was given for a model's; None for other files."""
    kind = classifier_kind(path)
    if kind is None:
        return None
    return (
        f"'{os.fspath(path)}' is the file of a {kind}, not of a model: {kind}.load reads it, and "
        "`andiron style predict` (`andiron style train --int8` puts its network in 8 bits)"
    )
