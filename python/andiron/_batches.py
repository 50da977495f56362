"""What gives ready batches: generators, iterables, Keras's PyDataset, torch's DataLoader, tf.data.

They are known by what they can do; none of their packages is imported.
"""

from __future__ import annotations

import itertools
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from andiron import _core

_ARRAYS = (list, tuple, Mapping, str, bytes, bytearray, memoryview, range, array)


class Batches:
    """Batches for `fit`, `evaluate` and `predict`; made by andiron.datasets.from_batches.

    Args:
        source: see andiron.datasets.from_batches.
        prefetch: how many batches are made ahead on a thread of their own; 0: none, and each is
            made between two steps on the thread that trains.
    """

    def __init__(self, source: Any, prefetch: int = 2):
        if isinstance(prefetch, bool) or not isinstance(prefetch, int) or not 0 <= prefetch <= 1000:
            raise _core.Error(f"[data] prefetch is a number in [0, 1000]; got {prefetch!r}")
        _refuse_samples(source)
        self.source, self.prefetch = source, prefetch
        self.name = getattr(source, "__name__", type(source).__name__)
        self.indexed = _is_indexed(source)
        #: Whether it can be walked once only.
        self.once = isinstance(source, Iterator) and not self.indexed
        if not (self.indexed or isinstance(source, Iterable) or callable(source)):
            raise TypeError(
                "[data] batches come from a generator, an iterable, a function that makes one, or "
                f"an object with __len__ and __getitem__; got {type(source).__name__}"
            )

    def count(self) -> int | None:
        """How many batches a walk has, where that is known."""
        if self.indexed and hasattr(self.source, "num_batches"):
            n = self.source.num_batches
            return None if n is None else int(n)
        try:
            n = len(self.source)
        except (TypeError, NotImplementedError):
            return None  # IterableDatasets, generators; tf.data of unknown or endless length
        return int(n)

    def first(self) -> Any:
        """The first batch, which a walk gives again."""
        walk = self.walk(range)
        try:
            batch = next(walk)
        except StopIteration:
            raise _core.Error(f"[data] {self.name} is empty: 0 batches") from None
        if self.once:
            self.source = itertools.chain([batch], walk)
        elif hasattr(walk, "close"):
            walk.close()
        return batch

    def walk(self, order: Callable[[int], Iterable[int]]) -> Iterator:
        """The batches of one walk. `order(n)` is the order of n batches that have numbers."""
        source = self.source
        if self.indexed:
            return _walk_indexed(source, self.count(), order)
        if hasattr(source, "as_numpy_iterator"):  # tf.data: without tensors on the way
            return iter(source.as_numpy_iterator())
        if not isinstance(source, Iterable):
            source = source()
            if not isinstance(source, Iterable):
                raise TypeError(
                    f"[data] {self.name}() must give an iterable of batches; got "
                    f"{type(source).__name__}"
                )
        return iter(source)


def batches_of(x: Any) -> Batches | None:
    """x as Batches where it gives batches; None where it is data, a table or a BatchSource."""
    if x is None or isinstance(x, Batches):
        return x
    if isinstance(x, (*_ARRAYS, _core.BatchSource)) or hasattr(x, "_batch_source"):
        return None
    # Arrays, tensors, DataFrames, Arrow data, andiron.data: they have shapes, or columns.
    known = ("shape", "dtype", "__array__", "__dlpack__", "_specs", "columns", "__fspath__",
             "__arrow_c_stream__", "__arrow_c_array__")  # fmt: skip
    if not hasattr(x, "on_epoch_end") and any(hasattr(x, name) for name in known):
        return None
    _refuse_samples(x)
    made = isinstance(x, Iterable) or _is_indexed(x) or _is_function(x)
    return Batches(x) if made else None


def _is_function(x: Any) -> bool:
    return callable(x) and hasattr(x, "__code__")


def _is_indexed(x: Any) -> bool:
    """Keras's PyDataset and Sequence: a batch for each number."""
    if isinstance(x, _ARRAYS) or not hasattr(x, "__getitem__"):
        return False
    if hasattr(x, "on_epoch_end"):
        return True
    return hasattr(x, "__len__") and not hasattr(x, "__iter__")


def _refuse_samples(x: Any) -> None:
    """torch's map-style Datasets look like Sequences, but give samples."""
    if hasattr(x, "__getitem__") and any(
        c.__module__.startswith("torch.utils.data") for c in type(x).__mro__
    ):
        raise TypeError(
            f"[data] {type(x).__name__} is a torch Dataset, which gives samples: put it in a "
            "torch.utils.data.DataLoader, which gives batches"
        )


def _walk_indexed(dataset: Any, n: int | None, order: Callable[[int], Iterable[int]]) -> Iterator:
    if hasattr(dataset, "on_epoch_begin"):
        dataset.on_epoch_begin()
    numbers = itertools.count() if n is None else order(n)
    workers = int(getattr(dataset, "workers", 1) or 0)
    processes = bool(getattr(dataset, "use_multiprocessing", False))
    if workers > 1 or processes:
        room = max(int(getattr(dataset, "max_queue_size", 10)), workers, 1)
        with _pool(dataset, max(workers, 1), processes) as (pool, get):
            yield from _in_order(pool, get, numbers, room)
    else:
        for i in numbers:
            yield dataset[i]
    if hasattr(dataset, "on_epoch_end"):
        dataset.on_epoch_end()


def _in_order(pool: Executor, get: Callable, numbers: Iterable[int], room: int) -> Iterator:
    waiting: deque = deque()
    for i in numbers:
        waiting.append(pool.submit(get, i))
        if len(waiting) >= room:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


_OF_PROCESS: list = []  # the dataset, in a process of a pool


def _get(i: int) -> Any:
    return _OF_PROCESS[0][i]


@contextmanager
def _pool(dataset: Any, workers: int, processes: bool) -> Iterator[tuple[Executor, Callable]]:
    """Threads, or processes that begin as copies of this one, so that they see the dataset as
    on_epoch_begin left it."""
    if processes:
        import multiprocessing

        pool: Executor = ProcessPoolExecutor(
            workers, multiprocessing.get_context("fork"), _OF_PROCESS.append, (dataset,)
        )
    else:
        pool = ThreadPoolExecutor(workers, "andiron-batches")
    try:
        yield pool, _get if processes else dataset.__getitem__
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def parts_of(batch: Any) -> tuple[Any, Any, Any]:
    """(x, y, sample_weight) of a batch, as Keras takes it apart."""
    if isinstance(batch, list):  # torch's DataLoader makes lists
        batch = tuple(batch)
    if not isinstance(batch, tuple):
        return batch, None, None
    if not 1 <= len(batch) <= 3:
        raise _core.Error(
            "[data] a batch is x, (x,), (x, y) or (x, y, sample_weight); got a tuple of "
            f"{len(batch)}"
        )
    return (*batch, None, None)[:3]
