"""What people hand to fit and evaluate, as sources of batches for the core."""

from __future__ import annotations

from typing import Any

from andiron import _core, _own_steps
from andiron._class_weight import weighed
from andiron._data import (
    batch_source,
    inputs_of,
    rows_of,
    split,
    split_at,
    targets_of,
    weights_of,
)
from andiron._feature_names import in_order, names_of
from andiron._finite import refuse_not_finite
from andiron._labels import check_form, check_labels
from andiron._refuse import whole
from andiron._table_columns import names_columns
from andiron._tables import Data, is_table


def validation_of(given: Any, x: Any, y: Any, sample_weight: Any) -> Any:
    """validation_data; of a table alone label, weights and features are those of fit's x."""
    if isinstance(given, Data) or not (is_table(given) or hasattr(given, "iloc")):
        return given
    if isinstance(x, Data):
        return x._like(given)
    if not names_columns(y):
        raise _core.Error(
            "[fit] validation_data is a table, and no name says which column is its label: give "
            "(x, y), or andiron.data.from_arrow(table, label=...)"
        )
    return (given, y, sample_weight) if names_columns(sample_weight) else (given, y)


class Sources:
    """The part of a model that makes batches of arrays and tables."""

    def _arrays(self, x: Any, y: Any, sample_weight: Any, class_weight: Any = None,
                may_be_empty: bool = False):  # fmt: skip
        if self._own_step("train_step") is not None:
            _own_steps.refuse_of(self, class_weight)
            return _own_steps.arrays(x, y, sample_weight, self._network)
        if y is None:
            raise _core.Error("[fit] needs targets y")
        xs = inputs_of(self._network, self._in_order(x))
        names = self._targets()
        ys = targets_of(y, names)
        judged = [
            (loss, output)
            for loss, output in zip(self._losses, self._network.outputs, strict=True)
            if loss is not None
        ]
        check_form(ys, names, [loss for loss, _ in judged], [output for _, output in judged])
        check_labels(ys, names, [self._label_ranges[name] for name in names])
        ws = weighed(weights_of(sample_weight, names), class_weight, ys)
        if rows_of([*xs, *ys, *ws]) == 0 and not may_be_empty:
            raise _core.Error("[data] is empty: 0 samples")
        return xs, ys, ws

    def _table_source(self, data: Data, batch_size: int, shuffle: bool = False, seed: int = 0,
                      **more: Any):  # fmt: skip
        self._require_compiled(data)
        if self._own_step("train_step") is not None and data._label is not None:
            raise _core.Error(
                "[fit] the label of a table does not reach a train_step of one's own: give arrays, "
                "or what gives batches (x, y)"
            )
        return data._source(self._network, self._targets(), batch_size, shuffle, seed,
                            ranges=self._label_ranges, **more)  # fmt: skip

    def _remember_columns(self, x: Any) -> None:
        """Keeps the names of the one input's columns: fit learns what stands where. Columns that
        are known, in another order, are taken by name: training goes on with the same."""
        several = self._network is not None and self._network.built
        several = several and len(self._network.input_names) > 1
        names = None if several else names_of(x)
        known = self._feature_columns
        if names is not None and known is not None and sorted(names) == sorted(known):
            return
        unique = names is not None and len(set(names)) == len(names)
        self._feature_columns = names if unique else None

    def _in_order(self, x: Any) -> Any:
        """x with the columns of a table in the order that fit saw."""
        return in_order(x, self._feature_columns)

    def _as_data(self, x: Any, y: Any, sample_weight: Any,
                 training: bool = False) -> tuple[Any, Any]:  # fmt: skip
        """(Data, None) where x is a table with its targets; else (None, x as arrays). With
        `training` the model keeps the names of its columns."""
        by_name = y is None or names_columns(y)
        if not is_table(x) and not (names_columns(y) and hasattr(x, "columns")):
            if training:
                self._remember_columns(x)
            return None, x
        from andiron import data

        found = data.as_data(x, y, sample_weight) if by_name else data.as_data(x)
        if training:
            self._remember_columns(found)
        found = self._in_order(found)
        if by_name:
            return found, None
        self._ready(given := found)
        return None, given._arrays_for(self._network)

    def _sources(self, x, y, batch_size, validation_split, validation_data, shuffle, class_weight,
                 sample_weight, validation_batch_size, seed, finite=True):  # fmt: skip
        validation_data = batch_source(validation_data)
        if isinstance(source := batch_source(x), _core.BatchSource):
            self._require_compiled(x if hasattr(x, "_specs") else None)
            if class_weight is not None:
                raise _core.Error(
                    "[fit] class_weight does not reach batches of andiron.datasets and "
                    "andiron.images: their weights are made with them"
                )
        elif (found := self._as_data(x, y, sample_weight, training=True))[0] is not None:
            batch_size = whole(32 if batch_size is None else batch_size, "batch_size", 1)
            order = (bool(shuffle), _core.next_seed() if seed is None else int(seed))
            taken = {}
            if validation_split:
                self._require_compiled(found[0])
                rows = found[0]._rows(self._network, self._targets())
                at = split_at(rows, validation_split)
                taken = {"first": 0, "rows": at}
                if validation_data is None:
                    size = validation_batch_size or batch_size
                    validation_data = self._table_source(found[0], size, first=at)
            source = self._table_source(
                found[0], batch_size, *order, class_weight=class_weight, **taken
            )
        else:
            x = found[1]
            self._require_compiled(x)
            batch_size = whole(32 if batch_size is None else batch_size, "batch_size", 1)
            arrays = self._arrays(x, y, sample_weight)
            if finite and self._own_step("train_step") is None:
                refuse_not_finite(self, arrays[0])
            if validation_split:
                parts = [split(a, validation_split) for a in arrays]
                arrays = [first for first, _ in parts]
                if validation_data is None:
                    validation_data = tuple(last for _, last in parts)
            arrays = [*arrays[:2], weighed(arrays[2], class_weight, arrays[1])]
            source = _core.array_source(
                *arrays, batch_size, bool(shuffle), _core.next_seed() if seed is None else int(seed)
            )
        if validation_data is None or isinstance(validation_data, _core.BatchSource):
            return source, validation_data
        if isinstance(validation_data, Data):
            size = validation_batch_size or batch_size or 32
            return source, self._table_source(self._in_order(validation_data), size)
        if not isinstance(validation_data, (list, tuple)) or len(validation_data) not in (2, 3):
            raise _core.Error("[fit] validation_data is (x, y) or (x, y, sample_weight)")
        weights = validation_data[2] if len(validation_data) == 3 else None
        weights = None if isinstance(weights, list) and not weights else weights
        size = validation_batch_size or batch_size or 32
        found = self._as_data(validation_data[0], validation_data[1], weights)
        if found[0] is not None:
            return source, self._table_source(found[0], size)
        arrays = self._arrays(found[1], validation_data[1], weights)
        return source, _core.array_source(*arrays, size)

    def _one_step(self, x: Any, y: Any, sample_weight: Any, class_weight: Any):
        self._require_compiled(x)
        arrays = self._arrays(x, y, sample_weight, class_weight)
        return _core.array_source(*arrays, max(1, rows_of(arrays[0])))
