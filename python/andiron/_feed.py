"""Feeds: what walks `Batches` for a training."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from andiron import _core
from andiron._ahead import Ahead
from andiron._batches import Batches, parts_of
from andiron._data import inputs_of, rows_of

_END_OF_WALK = object()
_MOST_KEPT = 4 << 30  # bytes
_OF_A_BATCH = ("[data] input ", "[data] target ", "[data] sample_weight ")


class Feed:
    """The core's side of Batches: epochs of them, as lists of arrays in the model's order.

    Args:
        batches: where they come from.
        take: makes (xs, ys, ws) of (x, y, sample_weight).
        steps: batches of an epoch; None: all of a walk.
        epochs: how many there will be at most: no more is drawn than they need.
        first_epoch: the number of the first.
        shuffle, seed: of the order of batches that have numbers.
        keep: whether each epoch has the batches of the first one's start: for validation. What can
            be walked once only is kept in memory, up to 4 GiB unless `steps` are given.
        beside: all feeds of a training, of which one has the batch that the core works on.
    """

    def __init__(self, batches: Batches, take: Callable, steps: int | None = None,
                 epochs: int = 1, first_epoch: int = 0, shuffle: bool = False, seed: int = 0,
                 keep: bool = False, model: Any = None, caller: str = "fit",
                 beside: list | None = None):  # fmt: skip
        self._beside: list[Feed] = [self] if beside is None else beside
        self._batches, self._take, self._model = batches, take, model
        self._steps, self._limit = steps, None if steps is None else steps * epochs
        self._shuffle, self._seed, self._keep = shuffle, seed, keep
        self._first = self._epoch = first_epoch
        self._ahead: Ahead | None = None
        # What is used later must not be what a generator fills again for its next batch.
        self._copies = batches.prefetch > 0 or keep
        self._goes_on = (steps is not None or batches.once) and not keep
        self._caller = caller
        self._kept: list | None = None
        self._done = 0  # batches of the epoch so far
        self._over = False  # the walk or the epoch has ended
        self.handed: int | None = None  # the number of the batch that the core has now
        self._warned = False

    def source(self) -> Any:
        """It as the core's source of batches."""
        n = self._batches.count()
        if self._steps is not None:
            n = self._steps if n is None or self._goes_on else min(n, self._steps)
        return _core.fed_source(self, -1 if n is None else n)

    def named(self, batch: int, error: Exception) -> Exception:
        """The error with the number of the batch that it is about, from 1."""
        text = str(error).removeprefix("[data] ")
        kind = TypeError if isinstance(error, TypeError) else _core.Error
        return kind(f"[data] batch {batch} of {self._batches.name}: {text}")

    # Walks.

    def _order(self, walk: int) -> Callable[[int], Iterable[int]]:
        if not self._shuffle:
            return range
        generator = np.random.default_rng([self._seed, walk])
        return lambda n: generator.permutation(n).tolist()

    def _walk(self, number: int) -> Iterator:
        given = self._batches.walk(self._order(number))
        for i in itertools.count(1):
            try:
                batch = next(given)
            except StopIteration:
                return
            try:
                taken = self._take(*parts_of(batch))
                rows = rows_of(sum(taken, []))
            except (_core.Error, TypeError, ValueError) as error:
                raise self.named(i, error) from error
            if rows > 0:  # a filter may leave nothing of a batch
                yield i, tuple([_copy(a) for a in p] for p in taken) if self._copies else taken

    def _walks(self) -> Iterator:
        """Walk after walk, with their ends."""
        left = self._limit
        for number in itertools.count():
            for item in self._walk(number):
                yield item
                if left is not None and (left := left - 1) == 0:
                    return
            if self._batches.once:
                return
            yield _END_OF_WALK

    def _all(self) -> list:
        """The batches of each epoch, where they can be walked once only."""
        kept, size = [], 0
        for taken in itertools.islice(self._walk(0), self._steps):
            kept.append(taken)
            size += sum(_bytes_of(a) for part in taken[1] for a in part)
            if self._steps is None and size > _MOST_KEPT:
                raise _core.Error(
                    f"[fit] {self._batches.name} for validation gave {len(kept)} batches and goes "
                    f"on; they are kept in memory, and are {size >> 20} MiB by now. Give "
                    "validation_steps, or what can be walked again (a list, a function that makes "
                    "the generator)"
                )
        return kept

    def _begin(self, items: Iterator) -> None:
        self._ahead = Ahead(items, self._batches.prefetch, self._model)

    # For the core.

    def start(self, epoch: int, first: int) -> None:
        self._done, self._over = 0, False
        if self._keep:
            if self._batches.once:
                if self._kept is None:
                    self._kept = self._all()
                self._begin(iter(self._kept))
            else:
                self._begin(itertools.islice(self._walk(0), self._steps))
            return
        if not self._goes_on:
            self._begin(self._walk(epoch))
        elif self._ahead is None:
            self._begin(self._walks())
            self._epoch = self._first
        # A training that is resumed passes over what it had.
        while self._goes_on and self._epoch < epoch:
            while self.next() is not None:
                pass
            self._epoch, self._done, self._over = self._epoch + 1, 0, False
        self._epoch = epoch + 1
        for _ in range(first):
            if self.next() is None:
                return

    def next(self) -> Any:
        for feed in self._beside:
            feed.handed = None
        if self._over or (self._steps is not None and self._done == self._steps):
            return None
        item = next(self._ahead, None)
        if item is _END_OF_WALK and self._done == 0:  # it ended with the epoch before
            item = next(self._ahead, None)
            if item is _END_OF_WALK:
                item = None
        if item is None or item is _END_OF_WALK:
            self._over = True
            if self._done == 0:
                raise _core.Error(f"[data] {self._batches.name} is empty: 0 batches")
            if self._steps is not None and not self._keep:
                self._short(item is None)
            return None
        self._done += 1
        self.handed, taken = item
        return taken

    def _short(self, for_good: bool) -> None:
        if self._caller != "fit":
            what, steps, level = "the figures are of those", "steps", 5
        else:
            what = "training ends here" if for_good else "the epoch is shorter"
            steps, level = "steps_per_epoch", 6
        self._warn(
            f"[{self._caller}] the input ran out of data after {self._done} of {steps}="
            f"{self._steps} batches: {what}",
            level,
        )

    def _warn(self, text: str, level: int) -> None:
        if not self._warned:
            self._warned = True
            more = (
                ". What should go on must give as many batches, or be something that can be walked "
                f"again (a list, a function that makes the generator); {self._batches.name} came"
            )
            warnings.warn(text + more, stacklevel=level)

    def ended(self) -> bool:
        if self._ahead is None or not self._batches.once or self._ahead.peek():
            return False
        if self._steps is None or self._done == self._steps:
            self._warn(
                f"[fit] the input ran out of data after epoch {self._epoch}: training ends here",
                5,
            )
        return True

    def stop(self) -> None:
        if not self._goes_on and self._ahead is not None:
            self._ahead.close()
            self._ahead = None

    def close(self) -> None:
        """At the end of the training."""
        if self._ahead is not None:
            self._ahead.close()
            self._ahead = None


class Feeds:
    """The feeds of one call of `fit` or `evaluate`, which end with it."""

    def __init__(self, model: Any):
        self._model, self._open = model, []

    def __enter__(self) -> Feeds:
        return self

    def __exit__(self, _kind: Any, error: BaseException | None, _traceback: Any) -> None:
        wrong = [feed for feed in self._open if feed.handed is not None]
        for feed in self._open:
            feed.close()
        # What the core found wrong with the batch that it had just been given.
        if wrong and isinstance(error, _core.Error) and str(error).startswith(_OF_A_BATCH):
            raise wrong[-1].named(wrong[-1].handed, error) from error

    def source(self, batches: Batches, class_weight: Any = None, **options: Any) -> Any:
        """Batches as the core's source; `options` are Feed's."""
        model = self._model
        build(model, batches)
        model._require_compiled()

        def take(x: Any, y: Any, sample_weight: Any) -> tuple[list, list, list]:
            return model._arrays(x, y, sample_weight, class_weight, may_be_empty=True)

        self._open.append(Feed(batches, take, model=model, beside=self._open, **options))
        return self._open[-1].source()


def _copy(array: Any) -> Any:
    return array.copy() if isinstance(array, np.ndarray) else _core.from_dlpack(array, copy=True)


def _bytes_of(array: Any) -> int:
    return array.nbytes if isinstance(array, np.ndarray) else 8 * int(np.prod(array.shape))


def build(model: Any, batches: Batches) -> None:
    """Makes the network by the first batch where that is still to be done."""
    if model._network is None or not model._network.built:
        model._ready(parts_of(batches.first())[0])


def inputs(batches: Batches, network: Any, steps: int | None) -> Iterator[list]:
    """The inputs of each batch, in order: for predictions, where targets do not matter."""

    def take(x: Any, y: Any, sample_weight: Any) -> tuple[list, list, list]:
        return inputs_of(network, x), [], []

    walk = Feed(batches, take)._walk(0)
    ahead = Ahead(itertools.islice(walk, steps), batches.prefetch)
    try:
        for _, (xs, _, _) in ahead:
            yield xs
    finally:
        ahead.close()
