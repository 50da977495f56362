"""Training and evaluation by several workers: what each one's `fit` and `evaluate` agree on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from andiron import _core
from andiron._class_weight import balanced, is_balanced
from andiron._data import rows_of
from andiron._tables import Data
from andiron.callbacks import Callback
from andiron.collective import CollectiveError, Communicator


class Shards(Mapping):
    """A worker's rows in parts that keep their number whichever worker has them.

    Batches of all workers together take from each shard in proportion to its rows, in an order that
    is the shard's own: training does not depend on who has which shards, nor on the number of
    workers, but for rounding.

    Args:
        shards: {number: andiron.data.Data, or a source of batches made by andiron.datasets, whose
            batch size does not matter}; numbers are those of no other worker. Empty for a worker
            without rows.
    """

    def __init__(self, shards: Mapping[int, Any]):
        shards = {n: getattr(s, "_batch_source", s) for n, s in shards.items()}
        for number, shard in shards.items():
            if not isinstance(shard, (Data, _core.BatchSource)):
                raise TypeError(
                    f"[Shards] shard {number} must be andiron.data.Data or a source of "
                    f"andiron.datasets; got {shard!r}"
                )
        self._shards = dict(shards)

    def __getitem__(self, number: int) -> Any:
        return self._shards[number]

    def __iter__(self) -> Iterator[int]:
        return iter(self._shards)

    def __len__(self) -> int:
        return len(self._shards)


def every(communicator: Any, mine: Any) -> list:
    """What each worker says, in the order of the workers."""
    parts = communicator.allgather_bytes(json.dumps(mine).encode())
    return [json.loads(part) for part in parts]


def _own(model: Any, x: Any, y: Any, sample_weight: Any, class_weight: Any, rank: int,
         shuffle: bool, seed: int) -> dict[int, Any]:  # fmt: skip
    """This worker's shards as sources of batches, by number."""

    def table(data: Any, number: int):
        if isinstance(data, _core.BatchSource):
            return data
        return model._table_source(
            data, 1, shuffle, (seed * 1_000_003 + number) % 2**63, class_weight=class_weight
        )

    def has_rows(data: Any) -> bool:
        if isinstance(data, _core.BatchSource):
            return True
        return data._has_rows(model._network, model._targets())

    if isinstance(x, Shards):
        return {number: table(data, number) for number, data in x.items() if has_rows(data)}
    data, x = model._as_data(x, y, sample_weight)
    if data is not None:
        return {rank: table(data, rank)} if has_rows(data) else {}
    arrays = model._arrays(x, y, sample_weight, class_weight, may_be_empty=True)
    if rows_of(sum(arrays, [])) == 0:
        return {}
    seed = (seed * 1_000_003 + rank) % 2**63
    return {rank: _core.array_source(*arrays, 1, shuffle, seed)}


def source(model: Any, communicator: Any, batch_size: int, x: Any, y: Any = None,
           sample_weight: Any = None, class_weight: Any = None, shuffle: bool = False,
           seed: int = 0) -> Any:  # fmt: skip
    """This worker's part of the batches of all; None when no worker has rows."""
    own = {}
    if x is not None:
        own = _own(model, x, y, sample_weight, class_weight, communicator.rank, shuffle, seed)
    fields = [_core.source_fields(s) for s in list(own.values())[:1]]
    told = every(
        communicator,
        {
            "sizes": {number: s.rows for number, s in own.items()},
            "fields": fields[0] if fields else None,
            "batch_size": batch_size,
        },
    )
    for what in ("batch_size", "fields"):
        different = {json.dumps(t[what]) for t in told if t[what] is not None}
        if len(different) > 1:
            raise _core.Error(
                f"[fit] all workers need the same {what}; got {' and '.join(sorted(different))}"
            )
    sizes: dict[int, int] = {}
    for t in told:
        for number, rows in t["sizes"].items():
            if int(number) in sizes:
                raise _core.Error(f"[fit] two workers have a shard {number}")
            sizes[int(number)] = rows
    if not sizes:
        return None
    places = {number: place for place, number in enumerate(sorted(sizes))}
    return _core.sharded_source(
        [(places[number], s) for number, s in sorted(own.items())],
        [sizes[number] for number in places],
        next(t["fields"] for t in told if t["fields"] is not None),
        batch_size,
    )


def require(communicator: Any, caller: str) -> None:
    """Refuses what is no communicator: `workers=4` asks for threads or processes elsewhere."""
    if not isinstance(communicator, Communicator):
        raise TypeError(
            f"[{caller}] workers is an andiron.collective.Communicator, which each process of a "
            f"training makes (docs/training.md; andiron.spark makes its own); got {communicator!r}."
            " One process uses all cores by itself, compile(threads=) says how many"
        )


def fit(model: Any, communicator: Any, wire_dtype: str, rows: tuple, validation_data: Any,
        batch_size: int, shuffle: bool, seed: int | None, rest: tuple) -> Any:  # fmt: skip
    """`model.fit` of one of several workers; `rest` are the arguments of `model._run`."""
    with aborting(communicator):
        return _fit(
            model, communicator, wire_dtype, rows, validation_data, batch_size, shuffle, seed, rest
        )


def _fit(model: Any, communicator: Any, wire_dtype: str, rows: tuple, validation_data: Any,
         batch_size: int, shuffle: bool, seed: int | None, rest: tuple) -> Any:  # fmt: skip
    if wire_dtype not in ("float32", "bfloat16"):
        raise _core.Error(f'[fit] wire_dtype is "float32" or "bfloat16"; got {wire_dtype!r}')
    if not model._ready().built:
        raise _core.Error("[fit] workers need a model whose inputs are known: begin it with Input")
    model._require_compiled()
    if model.optimizer is None:
        raise _core.Error("[fit] the model was compiled without an optimizer")
    seed = same_on_all(communicator, _core.next_seed() % 2**62 if seed is None else int(seed))
    x, y, sample_weight, class_weight = rows
    if is_balanced(class_weight):
        class_weight = _balanced(model, communicator, x, y, sample_weight)
    train = source(
        model, communicator, batch_size, x, y, sample_weight, class_weight, shuffle, seed
    )
    if train is None:
        raise _core.Error("[data] is empty: 0 samples on all workers")
    given = validation_data if isinstance(validation_data, (list, tuple)) else (validation_data,)
    validation = source(model, communicator, batch_size, *given)
    epochs, initial_epoch, validation_freq, verbose, callbacks, options = rest
    if communicator.rank > 0 and verbose:
        # Checkpoints give each callback its state back by its place; one worker shows the bar.
        verbose, callbacks = 0, [*callbacks, Callback()]
    for callback in callbacks:
        callback.set_worker(communicator.rank)
    capacity = most(communicator, train.capacity)
    with compiled_for(model, communicator, capacity, wire_dtype == "bfloat16") as workers:
        return model._run(
            train, validation, epochs, initial_epoch, validation_freq, verbose, callbacks,
            {**options, "workers": workers},
        )  # fmt: skip


def _balanced(model: Any, communicator: Any, x: Any, y: Any, sample_weight: Any) -> dict:
    """Weights of classes by their counts over all workers."""
    mine: Counter = Counter()
    for own in _own(model, x, y, sample_weight, None, communicator.rank, False, 0).values():
        mine.update(_core.class_counts(own))
    total: Counter = Counter()
    for counts in every(communicator, sorted(mine.items())):
        total.update(dict(counts))
    return balanced(total)


def evaluate(model: Any, communicator: Any, rows: tuple, batch_size: int) -> dict:
    """`model.evaluate` of one of several workers, as a dict."""
    with aborting(communicator):
        model._require_compiled()
        data = source(model, communicator, batch_size, *rows)
        if data is None:
            raise _core.Error("[data] is empty: 0 samples on all workers")
        model._compiled.catch_up()
        workers = _core.DataParallel(communicator._core, 1)
        return model._trainer.evaluate(data, [], workers)


def same_on_all(communicator: Any, number: int) -> int:
    """The first worker's number."""
    return int(communicator.broadcast(np.array([number], np.int64))[0])


@contextmanager
def aborting(communicator: Any):
    """What goes wrong here reaches the other workers, who would wait for this one."""
    try:
        yield
    except CollectiveError:
        raise  # they know
    except BaseException as error:  # Ctrl-C, too
        communicator.abort(f"{type(error).__name__}: {error}")
        raise


def most(communicator: Any, number: int) -> int:
    """The largest of the workers' numbers."""
    return max(every(communicator, number))


@contextmanager
def compiled_for(model: Any, communicator: Any, capacity: int, bf16: bool = False):
    """While it lasts, the model's steps are those of all workers, from the first one's weights.

    `capacity`: no worker has more samples in a step.
    """
    workers = _core.DataParallel(communicator._core, capacity, bf16)
    alone = model._compiled, model._trainer
    alone[0].drop_update()  # they share the optimizer's sums of gradients
    compiled, trainer = model._make_compiled(workers)
    compiled.step = same_on_all(communicator, alone[0].step)
    for variable in compiled.state():
        variable.assign(communicator.broadcast(np.array(variable.value, order="C")))
    model._compiled, model._trainer = compiled, trainer
    model.optimizer._model = compiled
    try:
        yield workers
    finally:
        compiled.catch_up()
        alone[0].step = compiled.step
        model._compiled, model._trainer = alone
        model.optimizer._model = alone[0]
