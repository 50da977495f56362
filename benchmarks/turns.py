"""Sides of a comparison that take turns, each in a process of its own.

Several libraries in one process are slower than they are alone: GNU OpenMP's threads hardly wait
for each other once there are more of them than cores, and each library has its own. A module whose
sides take turns so calls `serve` when it is started with --serve.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from benchmarks.once import _resident

PAUSE = 0.3  # seconds in which threads of the side before stop spinning
READY, FAILED, PEAK = "ready", "failed", "peak"


class SideError(Exception):
    """Why a side cannot be made here, or does not go on."""


class Side:
    """What `python -m <module> --serve <arguments>` runs, a round at a time."""

    def __init__(self, module: str, *arguments: str):
        command = [sys.executable, "-m", module, "--serve", *arguments]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        word, _, why = self._process.stdout.readline().strip().partition(" ")
        if word != READY:
            self.close()
            raise SideError(why or "the process ended")

    def rate(self, seconds: float) -> float:
        """Units a second of calls that take about `seconds` together, after one that is not timed;
        of one call where `seconds` is 0."""
        return float(self._ask(repr(float(seconds))))

    def peak(self) -> float:
        """MB at the peak so far, with libraries."""
        return float(self._ask(PEAK))

    def _ask(self, line: str) -> str:
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise SideError(f"the process ended: {error}") from error
        if not (answer := self._process.stdout.readline()):
            raise SideError("the process ended")
        return answer

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def serve(make: Callable[[], Callable[[], int]]) -> None:
    """Answers a Side: `make` gives what does one call and returns how many units that was."""
    # What libraries print must not stand among the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        run = make()
        run()
    except Exception as error:
        lines = str(error).splitlines() or [""]
        print(f"{FAILED} {type(error).__name__}: {lines[0][:120]}", file=answers)
        return
    print(READY, file=answers)
    for line in sys.stdin:
        if line.strip() == PEAK:
            print(_resident("VmHWM:"), file=answers)
        else:
            print(_rate(run, float(line)), file=answers)


def _rate(run: Callable[[], int], seconds: float) -> float:
    time.sleep(PAUSE)
    if seconds > 0:
        run()
    n, start = 0, time.perf_counter()
    while True:
        n += run()
        elapsed = time.perf_counter() - start
        if elapsed >= seconds:
            return n / elapsed


def compare(module: str, sides: dict[str, Sequence[str]], rounds: int, seconds: float) -> dict:
    """{"rates": units a second of each side in each round, "memory": MB at each side's peak,
    "left_out": why others could not be made}; `sides` are their arguments. Ours must be there."""
    made: dict[str, Side] = {}
    left_out = {}
    try:
        for name, arguments in sides.items():
            try:
                made[name] = Side(module, *arguments)
            except SideError as error:
                if name == "Andiron":
                    raise
                left_out[name] = str(error)
        rates: dict[str, list[float]] = {name: [] for name in made}
        for _ in range(rounds):
            for name, side in made.items():
                rates[name].append(side.rate(seconds))
        memory = {name: side.peak() for name, side in made.items()}
    finally:
        for side in made.values():
            side.close()
    return {"rates": rates, "memory": memory, "left_out": left_out}


def summary(result: dict) -> list[dict]:
    """A line for each peer: medians, the ratio with the lowest and the highest round."""
    ours = result["rates"]["Andiron"]
    lines = []
    for side, theirs in result["rates"].items():
        if side == "Andiron":
            continue
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        lines.append({
            "peer": side, "ours": statistics.median(ours), "theirs": statistics.median(theirs),
            "ratio": statistics.median(ratios), "low": min(ratios), "high": max(ratios),
        })  # fmt: skip
    return lines


def machine() -> str:
    """The CPU's name, what it is, and what instructions it has."""
    found: dict[str, str] = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = (part.strip() for part in line.partition(":"))
        found.setdefault(key, value)
    flags = found["flags"].split()
    wide = "AVX-512" if "avx512f" in flags else "AVX2, no AVX-512"
    vnni = "VNNI" if {"avx512_vnni", "avx_vnni"} & set(flags) else "no VNNI"
    return (f"two cores of an {found['model name']} (family {found['cpu family']}, model "
            f"{found['model']}: {wide}, {vnni})")  # fmt: skip
