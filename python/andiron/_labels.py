"""The labels that losses know, and errors about others."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from andiron import _core

# Losses whose targets are chances of the one class, and those whose targets are class ids.
_OF_CHANCES = ("BinaryCrossentropy", "BinaryFocalCrossentropy")
_OF_IDS = (
    "SparseCategoricalCrossentropy", "CategoricalGeneralizedCrossEntropy", "WestonWatkins",
    "CrammerSinger",
)  # fmt: skip


class Range(NamedTuple):
    """The labels from `least` to `most`, and `ignored`, which costs nothing.

    `rule`: what takes them, in words. `hint`: what others may be meant for.
    """

    least: float
    most: float
    ignored: float | None
    rule: str
    hint: str

    def outside(self, values: np.ndarray) -> np.ndarray:
        """Which numbers are no labels; NaN is one here."""
        wrong = (values < self.least) | (values > self.most)
        return wrong if self.ignored is None else wrong & (values != self.ignored)


def range_of(loss: Any, output: Any) -> Range | None:
    """The labels that a loss of the core takes for an output; None: any number.

    Args:
        output: the symbolic output.
    """
    name = loss.class_name
    if name in _OF_CHANCES:
        hint = (
            "Classes counted from 0 are for SparseCategoricalCrossentropy, labels of -1 and 1 for "
            "Hinge"
        )
        return Range(0.0, 1.0, None, f"{name} takes labels from 0 to 1", hint)
    classes = output.shape[-1] if len(output.shape) else None
    if name in _OF_IDS and isinstance(classes, int):
        ignored = loss.config().get("ignore_class")
        rule = f"{name} takes class ids from 0 to {classes - 1}"
        rule += "" if ignored is None else f", and {ignored} for none"
        hint = f"The output has {classes} numbers, one for each class counted from 0"
        return Range(0.0, classes - 1.0, ignored, rule, hint)
    return None


def check_form(arrays: list, names: list[str], losses: list, outputs: list) -> None:
    """Refuses class ids where a loss takes one number for each class, and the other way round."""
    for array, name, loss, output in zip(arrays, names, losses, outputs, strict=True):
        shape, wanted = tuple(array.shape), tuple(output.shape)
        kind = loss.class_name
        if len(wanted) < 2 or not isinstance(wanted[-1], int) or wanted[-1] < 2:
            continue
        ids = len(shape) == len(wanted) - 1 or (len(shape) == len(wanted) and shape[-1] == 1)
        if kind == "CategoricalCrossentropy" and ids:
            raise _core.Error(
                f"[data] target {name!r}: {kind} takes one number for each of {wanted[-1]} classes "
                f"(one-hot); got class ids, {list(shape)}: compile with "
                "sparse_categorical_crossentropy"
            )
        one_hot = len(shape) == len(wanted) and shape[-1] == wanted[-1]
        if kind == "SparseCategoricalCrossentropy" and one_hot:
            raise _core.Error(
                f"[data] target {name!r}: {kind} takes class ids, one number a sample; got "
                f"{list(shape)}, one for each class (one-hot): compile with "
                "categorical_crossentropy, or give y.argmax(-1)"
            )


def check_labels(arrays: list, names: list[str], ranges: list[Range | None]) -> None:
    """Refuses targets that are NaN or infinite, or that their loss does not know."""
    for array, name, known in zip(arrays, names, ranges, strict=True):
        if array.dtype == "bfloat16":
            array = array.cast("float32")
        array = np.asarray(array)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            at = int(np.flatnonzero(~np.isfinite(array.reshape(len(array), -1)).all(axis=1))[0])
            raise _core.Error(
                f"[data] target {name!r} must be finite; got {array.reshape(len(array), -1)[at]} "
                f"in row {at}"
            )
        if known is None or not array.size:
            continue
        if known.least <= array.min() and array.max() <= known.most:
            continue
        wrong = known.outside(array)
        if wrong.any():
            place = np.unravel_index(np.argmax(wrong), array.shape)
            raise _core.Error(
                f"[data] target {name!r}: {known.rule}; got {array[place]} in row "
                f"{place[0] if place else 0}. {known.hint}"
            )


def check_extremes(column: str, extremes: list[tuple[float, int]], known: Range) -> None:
    """The same of a table's column, of which the outermost numbers are known.

    Args:
        extremes: the two least and the two greatest, each with its row.
    """
    for value, row in extremes:
        if known.outside(np.array(value)):
            raise _core.Error(
                f"[data] column {column!r}: {known.rule}; row {row} is {value:g}. {known.hint}"
            )
