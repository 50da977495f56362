"""What a model and a DataFrame's schema show before anything runs: columns that do not fit."""

from __future__ import annotations

import difflib
import math
from typing import Any

from andiron import _core
from andiron._labels import range_of
from andiron.data import Column
from andiron.spark import _columns, _missing


class Schema:
    """A frame's columns beside a compiled model's inputs and outputs.

    Args:
        frame: the rows; its ML vectors are still vectors.
        settings: features, label, vocabulary, nulls, sample_weight.
    """

    def __init__(self, frame: Any, native: Any, settings: dict):
        self._fields = {f.name: f for f in frame.schema}
        self._native, self._settings = native, settings
        self._vectors = _columns.vectors_of(frame)
        self._targets = native._targets()

    def check(self) -> None:
        """Raises Error for what workers would refuse when they have read the rows."""
        network = self._native._network
        features = _by_name("features", self._settings["features"], network.input_names, "inputs")
        for symbolic, (name, columns) in zip(network.inputs, features.items(), strict=True):
            wanted, there = _count(symbolic.shape[1:]), self._numbers(columns)
            if None not in (wanted, there) and wanted != there:
                raise _core.Error(
                    f"[spark] input {name!r} of shape {tuple(symbolic.shape[1:])} takes "
                    f"{_numbers_of(wanted)} a row, and its columns {_columns.named(columns)} have "
                    f"{there}"
                )
        labels = _by_name("label", self._settings["label"], self._targets, "outputs")
        for name, (loss, output), columns in self._outputs(labels):
            self._check_label(name, loss, output, columns)

    def rules(self) -> list:
        """What workers refuse in rows (_missing.py)."""
        settings, nulls = self._settings, self._settings["nulls"]
        found = _missing.of_features(settings["features"], nulls, self._vectors)
        labels = _by_name("label", settings["label"], self._targets, "outputs")
        for _, (loss, output), columns in self._outputs(labels):
            found += _missing.rules_of(
                _columns.columns_in(columns), nulls, True, self._vectors, range_of(loss, output)
            )
        weights = _columns.columns_in(settings["sample_weight"])
        return found + _missing.rules_of(weights, nulls, True)

    def _outputs(self, labels: dict) -> list:
        """(output, (its loss, its tensor), columns) for those with a loss."""
        native = self._native
        tensors = native._network.trace(False).outputs
        by_name = dict(
            zip(native.output_names, zip(native._losses, tensors, strict=True), strict=True)
        )
        return [(name, by_name[name], columns) for name, columns in labels.items()]

    def _numbers(self, columns: Any) -> int | None:
        """How many numbers a row they are; None where the schema does not say."""
        counts = [self._width(column) for column in _columns.columns_in(columns)]
        return None if None in counts else sum(counts)

    def _width(self, column: Column) -> int | None:
        from pyspark.sql import types as T

        if column.image is not None:
            return None
        if column.length is not None:
            return column.length
        field = self._fields[column.name]
        if column.name in self._vectors:  # VectorAssembler says how many, where it knows
            return field.metadata.get("ml_attr", {}).get("num_attrs")
        return None if isinstance(field.dataType, (T.ArrayType, T.BinaryType)) else 1

    def _check_label(self, name: str, loss: Any, output: Any, given: Any) -> None:
        columns = _columns.columns_in(given)
        told, named = [c.name for c in columns], _columns.named(given)
        wanted, there = _count(loss.target_type(output)[1][1:]), self._numbers(given)
        what = f"label {told[0]!r}" if len(told) == 1 else f"the label's columns {named}"
        if None not in (wanted, there) and wanted != there:
            hint = ""
            if there == 1 and loss.class_name == "CategoricalCrossentropy":
                hint = ": for a column of class ids take sparse_categorical_crossentropy"
            raise _core.Error(
                f"[spark] {what} has {_numbers_of(there)} a row, and output {name!r} with "
                f"{loss.name} takes {wanted}{hint}"
            )
        classes = {"BinaryCrossentropy": 2, "SparseCategoricalCrossentropy": output.shape[-1]}
        most = classes.get(loss.class_name)
        for column in columns:
            known = column.vocabulary or self._settings["vocabulary"].get(column.name)
            if known is not None and isinstance(most, int) and len(known) > most:
                extra = ", 0 for unknown texts: make it with unknown=False" * known.unknown
                raise _core.Error(
                    f"[spark] label {column.name!r} has a vocabulary of {len(known)} ids{extra}; "
                    f"output {name!r} with {loss.name} knows {most} classes"
                )


def text_columns(native: Any, features: Any) -> set[str]:
    """The columns that inputs of texts take; none of a model that is not built yet."""
    network = native._network
    if network is None or not network.built or not any(network.text_inputs):
        return set()
    given = _by_name("features", features, network.input_names, "inputs")
    taken: dict[bool, set[str]] = {True: set(), False: set()}
    for columns, text in zip(given.values(), network.text_inputs, strict=True):
        taken[text].update(_columns.named(columns))
    return taken[True] - taken[False]


def _by_name(what: str, given: Any, names: list[str], whose: str) -> dict:
    """{input or output: its columns}, in the model's order."""
    if isinstance(given, dict):
        stray = [name for name in given if name not in names]
        missing = [name for name in names if name not in given]
        if stray or missing:
            close = difflib.get_close_matches(stray[0], missing, 1) if stray else []
            told = f"names {stray[0]!r}" if stray else f"does not name {missing[0]!r}"
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise _core.Error(f"[spark] {what} {told}{hint}; the model's {whose} are {names}")
        return {name: given[name] for name in names}
    if len(names) == 1:
        return {names[0]: given}
    if what == "features":
        there = {column.name: column for column in _columns.columns_in(given)}
        missing = [name for name in names if name not in there]
        if not missing:
            return {name: there[name] for name in names}
    elif isinstance(given, (list, tuple)) and len(given) == len(names):
        return dict(zip(names, given, strict=True))
    raise _core.Error(
        f"[spark] the model's {whose} are {names}: {what} must be a dict "
        f"{{{whose[:-1]}: column or columns}}; got {given!r}"
    )


def _count(shape: Any) -> int | None:
    return math.prod(shape) if all(isinstance(n, int) for n in shape) else None


def _numbers_of(n: int) -> str:
    return f"{n} number{'s' * (n != 1)}"
