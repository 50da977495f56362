"""Andiron: a deep-learning engine in C++, with a thin Python face."""

from andiron import _core

__version__ = _core.version()
