"""What Spark's scheduler does with a barrier stage, in one small process without threads.

It starts the workers, brings what one says in allGather to all, starts all of them again when one
is lost, and gives up after some attempts. Unlike Spark it lets the workers that are left end by
themselves before it starts the next attempt: how soon they notice is measured.
"""

from __future__ import annotations

import heapq
import json
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe
from typing import Any

from faults import worker
from faults.draw import Case
from faults.processes import threads_of
from faults.wire import Wire

ATTEMPTS = 6
PATIENCE = 40.0  # seconds for an attempt; longer is a hang
FAREWELL = 10.0  # seconds in which processes that are told to end must have ended
_SLICE = 0.2  # seconds that the loop sleeps at most
_LATE = 0.5  # seconds that it may be late; more, and this process itself was stopped


class Hang(Exception):
    """Processes that did not end in time."""


class LostTooOften(Exception):
    """Like Spark's after spark.stage.maxConsecutiveAttempts."""


@dataclass
class Process:
    """A worker as the stage sees it."""

    rank: int
    pid: int
    channel: Connection
    said: str | None = None  # in allGather
    rows: list = field(default_factory=list)
    state: str = "running"  # then: done, lost, interrupted, crashed
    lost: tuple = ()  # kind of the error, whom it blames, its text
    lost_at: float = 0.0
    alive: bool = True
    stopped: bool = False  # by a fault, for good
    began: tuple | None = None  # epoch and batch of its first step

    def signal(self, number: int) -> None:
        if self.alive:
            os.kill(self.pid, number)


class Stage:
    """Runs a job. `strikes` is told when something is reached, and acts on this."""

    def __init__(self, case: Case, packed: bytes, log: str, strikes: Any):
        self.case, self.packed, self.log, self.strikes = case, packed, log, strikes
        self.selector = selectors.DefaultSelector()
        self.attempt = 0
        self.workers: list[Process] = []
        self.stale: list[Process] = []  # of earlier attempts, still there
        self.wire: Wire | None = None
        self.began: list[tuple | None] = []  # of each attempt
        self.noticed: list[tuple] = []  # seconds, rank, kind, blamed
        self.words: list[tuple] = []  # attempt, rank and what it said when it gave up
        self.struck_at: float | None = None
        self.paused = 0.0  # seconds in which this process was stopped from outside
        self._turned = time.monotonic()
        self._timers: list = []
        self._n_timers = 0

    def run(self) -> list:
        """What Spark's collect() would bring: the rows of all workers."""
        while True:
            self.attempt += 1
            rows = self._attempt()
            if rows is not None:
                self._dismiss_stale()
                return rows
            if self.attempt == ATTEMPTS:
                raise LostTooOften(f"after {ATTEMPTS} attempts")
            self.strikes.between_attempts(self)

    def after(self, seconds: float, call: Callable[[], Any]) -> None:
        """Calls it then, in the loop."""
        self._n_timers += 1
        heapq.heappush(self._timers, (time.monotonic() + seconds, self._n_timers, call))

    def let_go(self, rank: int) -> None:
        """A worker that waits at its moment goes on."""
        try:
            self.workers[rank].channel.send("go")
        except OSError:  # it is gone
            pass

    def _attempt(self) -> list | None:
        self._start()
        self._wait_for(self.workers, PATIENCE)
        lost = [p for p in self.workers if p.state != "done"]
        self.began.append(self.workers[0].began)
        self.words += [(self.attempt, p.rank, p.lost[2]) for p in lost if p.lost]
        if lost and self.struck_at is not None:
            self.noticed += [
                (p.lost_at - self.struck_at, p.rank, *p.lost[:2]) for p in lost if p.lost
            ]
            self.struck_at = None
        self._clear(wakes=self.case.wakes and bool(lost))
        crashed = [p for p in lost if p.state == "crashed"]
        if crashed:
            raise RuntimeError(f"worker {crashed[0].rank} crashed: see {self.log}")
        return None if lost else [row for p in self.workers for row in p.rows]

    def _start(self) -> None:
        size, moment = self.case.workers, self.strikes.moment(self.attempt)
        self.workers = []
        if self.case.wired:
            self.wire = Wire(self.selector)
        for rank in range(size):
            mine, its = Pipe()
            pid = worker.start(its, rank, size, self.attempt, self.packed, moment,
                               f"{self.log}-{self.attempt}-{rank}.log")  # fmt: skip
            its.close()
            process = Process(rank, pid, mine)
            self.workers.append(process)
            self.selector.register(
                mine, selectors.EVENT_READ, lambda mask, p=process: self._heard(p)
            )

    def _wait_for(self, processes: list[Process], patience: float) -> None:
        """Until they have ended, as far as they can. Time in which this process itself is stopped
        does not count."""
        while any(p.alive and not p.stopped for p in processes):
            if patience <= 0:
                self._report_hang(processes)
            patience -= self._turn(patience)

    def _turn(self, patience: float) -> float:
        """Waits for what comes next, and lets it happen. How long that took."""
        wait = min(patience, _SLICE)
        if self._timers:
            wait = min(wait, max(0.0, self._timers[0][0] - time.monotonic()))
        events = self.selector.select(wait)
        now = time.monotonic()
        took, self._turned = now - self._turned, now
        if took > wait + _LATE:
            self.paused += took - wait
            took = wait
        for key, mask in events:
            now = self.selector.get_map().get(key.fd)
            if now is not None and now.fileobj is key.fileobj:  # not ended by another event
                now.data(mask & now.events)
        while self._timers and self._timers[0][0] <= time.monotonic():
            heapq.heappop(self._timers)[2]()
        return took

    def _heard(self, process: Process) -> None:
        try:
            message = process.channel.recv()
        except (EOFError, OSError):
            self.selector.unregister(process.channel)
            process.channel.close()
            os.waitpid(process.pid, 0)
            process.alive = False
            if process.state == "running":
                process.state = "lost"
            return
        kind, *rest = message
        if kind == "gather":
            process.said = rest[0]
            if all(p.said is not None for p in self.workers):
                self.strikes.gathered(self)
        elif kind == "here":
            self.strikes.reached(self, process.rank)
        elif kind == "began":
            process.began = tuple(rest)
        elif kind == "rows":
            process.rows += rest[0]
        elif kind == "lost":
            process.state, process.lost, process.lost_at = "lost", tuple(rest), time.monotonic()
        else:
            process.state = kind

    def answer(self) -> None:
        """All get what each said; with the wire's addresses where there is one."""
        said = [p.said for p in self.workers]
        if self.wire is not None:
            parts = [json.loads(text) for text in said]
            if all(address is not None for address, _, _ in parts):
                behind = self.wire.open([address for address, _, _ in parts])
                said = [json.dumps([a, *p[1:]]) for a, p in zip(behind, parts, strict=True)]
        for p in self.workers:
            try:
                p.channel.send(said)
            except OSError:  # it is gone; its end is heard of
                pass

    def addresses(self) -> list[str]:
        """Where the workers really listen."""
        return [json.loads(p.said)[0] for p in self.workers if p.said is not None]

    # Ends.

    def _clear(self, wakes: bool) -> None:
        """Before the next attempt: stopped processes are killed, or go on a little later."""
        for p in self.workers:
            if not p.alive:
                continue
            if wakes and p.stopped:
                self.stale.append(p)
                self.after(0.3, lambda p=p: p.signal(signal.SIGCONT))
            else:
                self._kill(p)
        if self.wire is not None:
            self.wire.close()
            self.wire = None

    def _kill(self, process: Process) -> None:
        process.signal(signal.SIGKILL)
        while process.alive:
            self._heard(process)

    def _dismiss_stale(self) -> None:
        for p in self.stale:
            p.stopped = False
        self._wait_for(self.stale, FAREWELL)

    def interrupted(self) -> float:
        """After Ctrl-C: how long the workers took to end by themselves. Stopped ones cannot."""
        since = time.monotonic()
        self._wait_for(self.workers, FAREWELL)
        seconds = time.monotonic() - since
        self._clear(wakes=False)
        return seconds

    def give_up(self) -> None:
        """Ends all processes at once."""
        for p in [*self.workers, *self.stale]:
            if p.alive:
                self._kill(p)
        self._clear(wakes=False)

    def _report_hang(self, processes: list[Process]) -> None:
        left = [p for p in processes if p.alive and not p.stopped]
        for p in left:
            print(f"worker {p.rank}", *threads_of(p.pid), sep="\n  ", file=sys.stderr)
            p.signal(signal.SIGCONT)
            p.signal(signal.SIGABRT)  # its log gets to know where it was
        time.sleep(0.5)
        raise Hang(f"workers {[p.rank for p in left]} of attempt {self.attempt} did not end")
