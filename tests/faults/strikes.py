"""The faults, and when they strike."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from faults import disk, strangers
from faults.draw import Case
from faults.signs import Moment


class Strikes:
    """What is done to a run in its course. The stage calls it."""

    def __init__(self, case: Case, folder: str, has_disk: bool, calm: bool = False):
        self.case, self.folder, self.has_disk = case, folder, has_disk
        self.calm = calm  # nothing happens: the second run after one that ended early
        self.count = 0  # of faults that happened
        self.expected: list[tuple | None] = []  # where each later attempt must go on
        self._attempt = 0
        self._of_strangers: list[strangers.Visit] = []

    # What the stage asks and tells.

    def moment(self, attempt: int) -> Moment | None:
        """What the workers of this attempt look for."""
        self._attempt = attempt
        case = self.case
        if self._is_prelude():
            return Moment("step", case.prelude, case.victim, hold=True)  # or all may be done
        if self._over() or case.by_bytes:
            return None
        return case.moment

    def gathered(self, stage: Any) -> None:
        """All workers are there, and wait to hear of each other."""
        case = self.case
        in_rendezvous = case.phase == "rendezvous" and not self._over() and not self._is_prelude()
        if not in_rendezvous:
            stage.answer()
            if case.by_bytes and not self._over():
                stage.wire.at_half(case.victim, case.moment.n, lambda: self._strike(stage))
        elif case.early:
            self._strike(stage)
            stage.answer()
        else:
            stage.answer()
            stage.after(case.pause, lambda: self._strike(stage))

    def reached(self, stage: Any, rank: int) -> None:
        """A worker is at its moment."""

        def act() -> None:
            if self._is_prelude():
                stage.workers[self.case.victim].signal(signal.SIGKILL)
                return
            self._strike(stage)
            if self.case.moment.hold:
                # Strangers are to find somebody at home.
                wait = 0.15 if self.case.fault == "strangers" else 0.0
                stage.after(wait, lambda: stage.let_go(rank))

        stage.after(self.case.pause, act)

    def between_attempts(self, stage: Any) -> None:
        """All workers of an attempt have ended, and the next one comes."""
        if self.case.fault == "corrupt checkpoint" and len(self.expected) == 0:
            disk.damage(self.folder, self.case.how, self.case.chances)
        self.expected.append(disk.position(self.folder))

    def finish(self) -> list[str]:
        """How strangers were received: a line for each."""
        return [line for visit in self._of_strangers for line in visit.result()]

    # Faults.

    def _is_prelude(self) -> bool:
        return self.case.prelude > 0 and self._attempt == 1 and not self.calm

    def _over(self) -> bool:
        return self.calm or self.count >= self.case.times

    def _strike(self, stage: Any) -> None:
        self.count += 1
        stage.struck_at = time.monotonic()
        victim = stage.workers[self.case.victim]
        fault = self.case.fault
        if fault in ("kill", "corrupt checkpoint"):
            victim.signal(signal.SIGKILL)
        elif fault == "stop":
            victim.stopped = victim.alive
            victim.signal(signal.SIGSTOP)
        elif fault == "cut connection":
            self._cut(stage)
        elif fault == "unreachable":
            stage.wire.silence(self.case.how, victim.rank, self._other())
        elif fault == "delay":
            self._delay(stage, victim)
        elif fault == "full disk":
            if self.has_disk:
                disk.fill(self.folder)
            else:
                disk.limit_files(stage.workers[0].pid, 1000)
        elif fault == "Ctrl-C":
            self._interrupt(victim)
        elif fault == "strangers":
            self._of_strangers.append(strangers.visit(stage, self.case))
        else:
            raise AssertionError(fault)

    def _other(self) -> int:
        """A worker that is not the victim."""
        return (self.case.victim + 1) % self.case.workers

    def _cut(self, stage: Any) -> None:
        if self.case.phase == "rendezvous":
            stage.wire.cut_after(self.case.victim, self.case.chances.randint(1, 300))
        else:
            stage.wire.cut(self.case.victim, self._other(), self.case.how)

    def _delay(self, stage: Any, victim: Any) -> None:
        if self.case.how == "network":
            stage.wire.silence("from all", victim.rank, self._other())
            stage.after(self.case.held, lambda: stage.wire and stage.wire.resume())
        else:
            victim.signal(signal.SIGSTOP)
            stage.after(self.case.held, lambda: victim.signal(signal.SIGCONT))

    def _interrupt(self, victim: Any) -> None:
        if self.case.how == "all, one stopped":
            victim.stopped = True
            victim.signal(signal.SIGSTOP)
            time.sleep(0.03)  # so that the others wait for it
        if self.case.how == "driver":
            os.kill(os.getpid(), signal.SIGINT)  # KeyboardInterrupt, here
        else:
            os.killpg(0, signal.SIGINT)  # as a terminal does
