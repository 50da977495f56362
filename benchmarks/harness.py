"""Runs us and a peer in one process, in turn, and reports the ratio with its spread."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable


@dataclasses.dataclass
class Row:
    """One line of the results: ratio is the median over rounds; above 1, we are faster."""

    work: str
    peer: str
    unit: str
    ours: float
    theirs: float
    ratio: float
    low: float
    high: float
    rounds: int


def rate(run: Callable[[], int]) -> float:
    """Units per second of one call that returns how many units it did."""
    start = time.perf_counter()
    n = run()
    return n / (time.perf_counter() - start)


def compare(
    work: str,
    peer: str,
    unit: str,
    ours: Callable[[], int],
    theirs: Callable[[], int],
    rounds: int = 7,
    warmup: int = 1,
) -> Row:
    """Interleaves the two: ours, theirs, ours, ... Each call is one timed round of equal work."""
    for _ in range(warmup):
        ours()
        theirs()
    pairs = [(rate(ours), rate(theirs)) for _ in range(rounds)]
    return row_of(work, peer, unit, pairs, [a / b for a, b in pairs])


def compare_costs(
    work: str, peer: str, unit: str, pair: Callable[[], tuple[float, float]], rounds: int = 3
) -> Row:
    """What both cost, ours and theirs in turn; the ratio is theirs to ours."""
    pairs = [pair() for _ in range(rounds)]
    return row_of(work, peer, unit, pairs, [theirs / max(ours, 1e-9) for ours, theirs in pairs])


def row_of(
    work: str, peer: str, unit: str, pairs: list[tuple[float, float]], ratios: list[float]
) -> Row:
    return Row(
        work,
        peer,
        unit,
        statistics.median(ours for ours, _ in pairs),
        statistics.median(theirs for _, theirs in pairs),
        statistics.median(ratios),
        min(ratios),
        max(ratios),
        len(pairs),
    )


def table(rows: list[Row]) -> str:
    lines = [f"{'work':<44} {'peer':<22} {'ours':>12} {'theirs':>12}  ratio (low to high)"]
    for r in rows:
        digits = 2 if r.unit == "s" else 0
        lines.append(
            f"{r.work:<44} {r.peer:<22} {r.ours:>12,.{digits}f} {r.theirs:>12,.{digits}f}  "
            f"{r.ratio:.2f} ({r.low:.2f} to {r.high:.2f}) {r.unit}"
        )
    return "\n".join(lines)
