"""Items of an iterator made ahead, on a thread of their own."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Iterator
from typing import Any

from andiron import _core


class Ahead:
    """An iterator whose items a thread makes, at most `room` before they are taken.

    What the iterator raises, `next` raises, with its traceback. Python waits here and not the core,
    so that Ctrl-C gets through.
    """

    def __init__(self, items: Iterator, room: int, model: Any = None):
        self._items, self._room = items, room
        self._made: deque = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None
        if room > 0:
            # A daemon: what makes batches may hang, and the process must be able to end.
            self._thread = threading.Thread(target=self._run, name="andiron-batches", daemon=True)
            self._thread.andiron_model = None if model is None else weakref.ref(model)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or len(self._made) < self._room)
                if self._closed:
                    break
            try:
                made = (next(self._items), None)
            except BaseException as error:  # StopIteration, too
                made = (None, error)
            with self._changed:
                self._made.append(made)
                self._changed.notify_all()
            if made[1] is not None:
                return
        _close(self._items)

    def __iter__(self) -> Iterator:
        return self

    def peek(self) -> bool:
        """Whether there is another item; waits for it."""
        if not self._made and self._thread is None:
            try:
                self._made.append((next(self._items), None))
            except BaseException as error:
                self._made.append((None, error))
        if self._thread is not None:
            if self._thread.ident is None:
                self._thread.start()
            with self._changed:
                self._changed.wait_for(lambda: self._made)
        return not isinstance(self._made[0][1], StopIteration)

    def __next__(self) -> Any:
        self.peek()
        item, error = self._made[0]
        if error is not None:  # it stays
            raise StopIteration if isinstance(error, StopIteration) else error
        with self._changed:
            self._made.popleft()
            self._changed.notify_all()
        return item

    def close(self) -> None:
        """Ends the thread when it has made the item that it is at."""
        with self._changed:
            self._closed = True
            self._made.clear()
            self._made.append((None, StopIteration()))
            self._changed.notify_all()
        if self._thread is None or self._thread.ident is None:
            _close(self._items)
        else:
            self._thread.join(0.1)  # most are at none


def _close(items: Any) -> None:
    """Ends a walk of ours (its pools go); the user's own generator stays as it is."""
    if hasattr(items, "close"):
        items.close()


def refuse_own_model(model: Any) -> None:
    """A generator that asks the model which it feeds would meet it in the middle of a step."""
    of_thread = getattr(threading.current_thread(), "andiron_model", None)
    if of_thread is not None and of_thread() is model:
        raise _core.Error(
            "[fit] these batches are made ahead, while the model trains, and their generator uses "
            "the model: give fit andiron.datasets.from_batches(generator, prefetch=0)"
        )
