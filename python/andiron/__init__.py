"""Andiron: a deep-learning engine in C++, with a thin Python face."""

from __future__ import annotations

import importlib

from andiron._cpu import require_supported_cpu

require_supported_cpu()

from andiron import _core  # noqa: E402  (an older CPU would stop with SIGILL here)

__version__ = _core.version()

# Loaded when first used, so that `import andiron` stays quick.
_LAZY_MODULES = {"apps", "testing"}


def __getattr__(name: str):
    if name in _LAZY_MODULES:
        return importlib.import_module(f"andiron.{name}")
    raise AttributeError(f"module 'andiron' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | _LAZY_MODULES)
