"""A recommender's folder on any file system that Spark knows."""

from __future__ import annotations

import os
import tempfile
from typing import Any

from andiron.apps.recommend.models import load
from andiron.spark import _files

RECOMMENDER = "recommender"


def write(session: Any, model: Any, folder: str) -> None:
    """Saves a recommender as the folder folder/recommender."""
    with tempfile.TemporaryDirectory(prefix="andiron-") as here:
        model.save(os.path.join(here, RECOMMENDER))
        _files.put(session, os.path.join(here, RECOMMENDER), folder)


def read(session: Any, folder: str) -> Any:
    """Loads what `write` saved."""
    with tempfile.TemporaryDirectory(prefix="andiron-") as here:
        _files.get(session, f"{folder}/{RECOMMENDER}", here)
        return load(os.path.join(here, RECOMMENDER))
