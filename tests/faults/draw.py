"""What happens in a run. Everything follows from the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from faults.signs import Moment
from faults.training import HEARTBEAT, STEPS

FAULTS = (
    "kill",
    "stop",
    "cut connection",
    "unreachable",
    "delay",
    "full disk",
    "corrupt checkpoint",
    "Ctrl-C",
    "strangers",
)
PHASES = (
    "rendezvous",
    "first step",
    "mid-allreduce",
    "checkpoint",
    "evaluation",
    "last step",
)
# Faults after which the workers have to be started again; the others must not cost a restart.
RESTARTING = ("kill", "stop", "cut connection", "unreachable", "corrupt checkpoint")


@dataclass(frozen=True)
class Case:
    """One run."""

    seed: int
    fault: str
    phase: str
    workers: int
    victim: int
    how: str  # which variant of the fault
    wide: bool  # a model whose gradients travel round the ring
    tls: bool
    wired: bool  # the workers' connections go through the driver's hands (faults.wire)
    moment: Moment | None  # where a worker tells that it is there; None: when all have met
    by_bytes: bool  # the wire tells: half of a message has passed
    early: bool  # in the rendezvous: before the workers know each other's addresses
    pause: float  # seconds from there to the fault
    held: float  # seconds that a delay takes
    times: int  # attempts in which it strikes
    prelude: (
        int  # a worker is killed in this step before, so that there is something to resume; 0: no
    )
    wakes: bool  # a stopped process is not killed but goes on when the others have started again
    chances: random.Random = field(compare=False, repr=False)  # for details of the fault

    @property
    def restarts(self) -> bool:
        """Whether the workers have to be started again."""
        return self.fault in RESTARTING or self.prelude > 0


def draw(seed: int) -> Case:
    """The run of a seed. Faults and phases take turns; the rest is chance."""
    fault = FAULTS[seed % len(FAULTS)]
    phase = PHASES[(seed % len(FAULTS) + seed // len(FAULTS)) % len(PHASES)]
    chance = random.Random(seed)
    workers = chance.choice((2, 2, 3, 4))
    victim = chance.randrange(workers)
    if phase == "checkpoint" and chance.random() < 0.5:
        victim = 0  # who writes it
    how = chance.choice(_variants(fault))
    tls = chance.random() < 0.2
    wired = _needs_wire(fault, how) or (not tls and chance.random() < 0.3)
    by_bytes = phase == "mid-allreduce" and wired and chance.random() < 0.5
    prelude = 0
    early_phase = phase in ("rendezvous", "first step")
    if early_phase and (fault == "corrupt checkpoint" or chance.random() < 0.25):
        prelude = chance.randint(STEPS // 2, STEPS - 2)  # after two checkpoints at least
    restarting = fault in RESTARTING
    return Case(
        seed=seed, fault=fault, phase=phase, workers=workers, victim=victim, how=how,
        wide=chance.random() < 0.25, tls=tls and not wired, wired=wired,
        moment=_moment(chance, fault, phase, workers, victim), by_bytes=by_bytes,
        early=chance.random() < 0.5, pause=_pause(chance, phase),
        held=chance.uniform(0.1, 0.6) * HEARTBEAT,
        times=2 if restarting and prelude == 0 and chance.random() < 0.2 else 1,
        prelude=prelude, chances=chance,
        wakes=fault == "stop" and phase != "rendezvous" and chance.random() < 0.4,
    )  # fmt: skip


def _variants(fault: str) -> tuple[str, ...]:
    return {
        "cut connection": ("control", "data", "both", "reset"),
        "unreachable": ("from all", "from one", "one way"),
        "delay": ("process", "network"),
        "corrupt checkpoint": ("flip", "truncate", "empty", "lying header", "zeros", "stray file"),
        "Ctrl-C": ("all", "all, one stopped", "driver"),
        "strangers": ("garbage", "wrong secret", "replay", "reflection", "silence", "flood"),
    }.get(fault, ("",))


def _needs_wire(fault: str, how: str) -> bool:
    return fault in ("cut connection", "unreachable") or how in ("network", "replay")


def _moment(chance: random.Random, fault: str, phase: str, workers: int, victim: int):
    others = [rank for rank in range(workers) if rank != victim]
    hold = fault in ("full disk", "strangers")  # else the run may be over before they are there
    if phase == "rendezvous":
        return None
    if phase == "first step":
        return Moment("step", 1, victim, hold=hold or chance.random() < 0.5)
    if phase == "mid-allreduce":
        # A worker that waits before its step keeps the others in the allreduce.
        n = chance.randint(_least(fault), STEPS - 1)
        return Moment("step", n, chance.choice(others), hold=True)
    if phase == "checkpoint":
        n = chance.randint(3 if fault == "corrupt checkpoint" else 1, 6)
        return Moment("save", n, 0, hold=hold or chance.random() < 0.3)
    if phase == "evaluation":
        hold = hold or chance.random() < 0.5
        n = chance.randint(5 if fault == "corrupt checkpoint" else 1, 12 if hold else 8)
        return Moment("test", n, chance.randrange(workers), hold=hold)
    hooks = ("last step", "last step end") + (() if fault == "full disk" else ("end",))
    return Moment(chance.choice(hooks), 1, chance.randrange(workers), hold=True)


def _least(fault: str) -> int:
    return STEPS // 2 if fault == "corrupt checkpoint" else 2


def _pause(chance: random.Random, phase: str) -> float:
    if phase == "mid-allreduce":
        return chance.uniform(0.005, 0.04)
    return chance.choice((0.0, chance.uniform(0.0, 0.005)))
