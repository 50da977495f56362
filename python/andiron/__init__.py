"""Andiron: a deep-learning engine in C++, with a thin Python face."""

from __future__ import annotations

import importlib
import os

from andiron._cpu import require_supported_cpu

require_supported_cpu()
# GNU OpenMP reads it when it is loaded. Its threads spin for milliseconds by default while they
# wait for each other: on cores that others use, too, that made training ten times slower; for idle
# cores this is as fast (docs/architecture.md, "Threads").
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "5000")

from andiron import _core  # noqa: E402  (an older CPU would stop with SIGILL here)
from andiron._core import (  # noqa: E402
    Error,
    Graph,
    Plan,
    Tensor,
    Value,
    Variable,
    constant,
    get_threads,
    placeholder,
    set_threads,
)

__version__ = _core.version()

# Loaded when first used, so that `import andiron` stays quick.
_LAZY_MODULES = {
    "apps",
    "callbacks",
    "collective",
    "config",
    "constraints",
    "data",
    "datasets",
    "explain",
    "images",
    "initializers",
    "layers",
    "linear",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "onnx",
    "ops",
    "optimizers",
    "profiler",
    "regularizers",
    "schedules",
    "sklearn",
    "spark",
    "testing",
}
_LAZY_NAMES = {
    "Input": "andiron.layers",
    "KerasTensor": "andiron._core",
    "Model": "andiron.models",
    "Sequential": "andiron.models",
    "from_dlpack": "andiron._arrays",
    "grad": "andiron.gradients",
    "image_dataset_from_directory": "andiron.images",
    "load_model": "andiron.models",
    "py_function": "andiron._py_function",
    "set_random_seed": "andiron._core",
    "training_step": "andiron._steps",
    "value_and_grad": "andiron.gradients",
}
_ELSEWHERE = {"schedules": "andiron.optimizers.schedules"}

__all__ = [
    "Error",
    "Graph",
    "Plan",
    "Tensor",
    "Value",
    "Variable",
    "constant",
    "get_threads",
    "placeholder",
    "set_threads",
    *sorted(_LAZY_NAMES),
    *sorted(_LAZY_MODULES - {"apps", "sklearn", "spark", "testing"}),
]


def __getattr__(name: str):
    if name in _LAZY_NAMES:
        found = getattr(importlib.import_module(_LAZY_NAMES[name]), name)
    elif name in _LAZY_MODULES:
        found = importlib.import_module(_ELSEWHERE.get(name, f"andiron.{name}"))
    else:
        raise AttributeError(f"module 'andiron' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(set(globals()) | _LAZY_MODULES | set(_LAZY_NAMES))
