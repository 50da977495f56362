"""Homes: the style of a house from its photo (docs/style.md)."""

from andiron.apps.homes.style import StyleClassifier

__all__ = ["StyleClassifier"]
