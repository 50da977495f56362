"""One run: its drivers one after the other, and what must be true afterwards."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sys
import time
import traceback
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from faults import disk, processes, training
from faults.draw import Case
from faults.judge import judge
from faults.stage import Hang, LostTooOften, Stage
from faults.strikes import Strikes

DEADLINE = 200.0  # seconds for a driver


def run(case: Case, folder: Path, undisturbed: dict | None) -> dict:
    """Runs the case and says what came of it: a dict of plain values, with what was wrong in
    "wrong". `undisturbed` is what the training gives without a fault."""
    processes.adopt_orphans()
    shutil.rmtree(folder, ignore_errors=True)
    place = folder / "disk"
    place.mkdir(parents=True)
    has_disk = case.fault == "full disk" and disk.mount(str(place))
    checkpoints = str(place / "checkpoints")
    started = time.monotonic()
    found: list[dict] = []
    for number in (1, 2):
        packed = training.job(case.workers, case.wide, case.tls, checkpoints)
        strikes = Strikes(case, checkpoints, has_disk, calm=undisturbed is None or number == 2)
        at = disk.position(checkpoints)
        found.append(_driver(case, strikes, packed, str(folder / f"job{number}")))
        found[-1]["resumes at"] = at
        if case.fault not in ("full disk", "Ctrl-C") or found[-1]["hang"]:
            break
        if has_disk and number == 1:
            disk.free(checkpoints)
    outcome = judge(case, found, undisturbed, folder)
    outcome["seconds"] = round(time.monotonic() - started, 3)
    return outcome


def _driver(case: Case, strikes: Strikes, packed: bytes, log: str) -> dict:
    """A driver in a process and a session of its own; what it found."""
    mine, its = Pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            os.dup2(os.open(f"{log}.log", os.O_WRONLY | os.O_CREAT, 0o644), 2)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            mine.close()
            _drive(case, strikes, packed, log, its)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    its.close()
    try:
        told = mine.recv() if _comes(mine, DEADLINE) else {"hang": "the driver did not end"}
    except EOFError:
        told = {"hang": "the driver ended without a word"}
    try:
        ended = _wait(pid, 10.0)
        # Who was killed by its driver may take a moment to be gone from the list.
        left = processes.of_session(pid) if ended else [(pid, "?")]
    finally:
        processes.end_session(pid)
        mine.close()
    return {"hang": "", "left": left, **told}


def _comes(channel: Connection, seconds: float) -> bool:
    """Whether something comes within that time. Time in which all of this is stopped, as by
    somebody who measures, counts little."""
    for _ in range(int(seconds)):
        if channel.poll(1.0):
            return True
    return False


def _wait(pid: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while os.waitpid(pid, os.WNOHANG)[0] == 0:
        if time.monotonic() > until:
            return False
        time.sleep(0.002)
    return True


def _drive(case: Case, strikes: Strikes, packed: bytes, log: str, tell: Connection) -> None:
    from andiron.spark._errors import of_reports
    from andiron.spark._worker import gathered

    stage = Stage(case, packed, log, strikes)
    told: dict[str, Any] = {"hang": "", "error": None, "result": None, "ctrl_c": None}
    try:
        results, reports = gathered(stage.run())
        if reports:
            raise of_reports(reports, case.workers)
        model, history = results[0]["model"], results[0]["history"]
        told["result"] = {"model": hashlib.sha256(model).hexdigest(), "history": history}
    except KeyboardInterrupt:
        if case.how == "driver":
            stage.give_up()
        else:
            told["ctrl_c"] = stage.interrupted()
    except Hang as hang:
        told["hang"] = str(hang)
    except Exception as error:
        told["error"] = (type(error).__name__, str(error), isinstance(error, LostTooOften))
    finally:
        stage.give_up()
    told["strangers"] = strikes.finish()
    told.update(
        struck=strikes.count, restarts=stage.attempt - 1, noticed=stage.noticed,
        began=stage.began, expected=strikes.expected, words=stage.words,
        paused=stage.paused,
    )  # fmt: skip
    tell.send(told)
