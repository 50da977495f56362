"""A house's style from its photo."""

from __future__ import annotations

from andiron.apps.images import ImageClassifier


class StyleClassifier(ImageClassifier):
    """A house's style from its photo, in one pass of a pretrained network and a linear classifier.

    An ImageClassifier, with all its arguments and methods. A house may have several styles (RESO's
    ArchitecturalStyle is a collection): give a list for each photo, and each style is judged by
    itself. `groups` keep the photos of one house together.

    Example:
        >>> styles = [["Colonial", "Traditional"], ["Ranch"]]
        >>> style = StyleClassifier().fit(photos, styles)  # doctest: +SKIP
        >>> style.predict("new.jpg")[0].classes  # doctest: +SKIP
        ('Traditional', 'Colonial')
        >>> style.add(more, ["A-Frame"] * len(more)).save("styles")  # doctest: +SKIP
    """
