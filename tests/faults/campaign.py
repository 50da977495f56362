"""Many runs: python -m faults.campaign --runs 1000

Outcomes are kept as lines of JSON, one a run; what is there is not run again, so that a campaign
that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import selectors
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

# Before NumPy and Arrow come: this process is forked, so it must have no threads.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"

from faults import processes, report, training  # noqa: E402
from faults.draw import Case, draw  # noqa: E402
from faults.run import run  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 3600  # seconds for a run, after which it is cut off
REPEATS = 3  # of a run whose driver was stopped from outside, as by somebody who measures


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 when all went well."""
    parser = argparse.ArgumentParser(prog="faults.campaign", description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="seeds from --seed on")
    parser.add_argument("--seed", type=int, default=0, help="the first run's")
    parser.add_argument("--jobs", type=int, default=2, help="runs at the same time")
    place = ROOT / "build" / "campaign"
    parser.add_argument("--out", type=Path, default=place, help="for outcomes and logs")
    parser.add_argument("--write", type=Path, help="a Markdown file that gets the table")
    parser.add_argument("--again", action="store_true",
                        help="runs what has run already, and keeps all logs")  # fmt: skip
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    _import_everything()
    build = _build()
    lines = options.out / "outcomes.jsonl"
    done = {o["seed"]: o for o in _kept(lines) if o["build"] == build and not options.again}
    seeds = range(options.seed, options.seed + options.runs)
    cases = [draw(seed) for seed in seeds if seed not in done]
    if cases:
        training.prepare()
        undisturbed = _undisturbed(options.out, options.jobs)
        with open(lines, "a", encoding="utf-8") as file:
            for outcome in _with_bar(_run_all(cases, options, undisturbed), len(cases)):
                done[outcome["seed"]] = outcome
                file.write(json.dumps({"build": build, **outcome}) + "\n")
                file.flush()
    outcomes = [done[seed] for seed in seeds if seed in done]
    print(report.summary(outcomes))
    if options.write is not None:
        report.write(options.write, outcomes)
    return 1 if any(o["wrong"] for o in outcomes) else 0


def _import_everything() -> None:
    """All that workers need, so that a fork costs milliseconds."""
    import andiron.apps  # noqa: F401
    import pandas  # noqa: F401
    import pyspark  # noqa: F401
    from andiron.spark import Estimator, _bootstrap, _progress, _training, _worker  # noqa: F401
    from pyspark import cloudpickle  # noqa: F401

    from andiron import callbacks, data, layers, losses, metrics, models, optimizers  # noqa: F401

    if processes.threads() != 1:
        sys.exit("[campaign] this process is forked and must have no threads: who started one?")


def _build() -> str:
    """Names what is tested: the extension and the Python files of package and campaign."""
    import andiron._core

    digest = hashlib.sha256(Path(andiron._core.__file__).read_bytes())
    for folder in (ROOT / "python" / "andiron", Path(__file__).parent):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _kept(lines: Path) -> Iterator[dict]:
    if lines.exists():
        for line in lines.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def _undisturbed(out: Path, jobs: int) -> dict:
    """{(workers, wide): result} of runs without a fault, each made twice."""
    calm = [
        replace(draw(0), seed=-1 - i, fault="none", workers=workers, victim=0, wide=wide,
                moment=None, wired=wired, tls=False, prelude=0, times=0, by_bytes=False)
        for i, (workers, wide, wired) in enumerate(
            product(training.WORKERS, (False, True), (False, True))
        )
    ]  # fmt: skip
    found: dict = {}
    options = argparse.Namespace(out=out, jobs=jobs, again=False)
    for outcome in _run_all(calm, options, {}):
        key, result = (outcome["workers"], outcome["wide"]), outcome["result"]
        if outcome["wrong"] or result != found.setdefault(key, result):
            sys.exit(f"[campaign] without any fault: {outcome}")
    return found


def _run_all(cases: list[Case], options: argparse.Namespace, undisturbed: dict) -> Iterator[dict]:
    """Outcomes in the order in which they come."""
    ready, waiting, under_way = selectors.DefaultSelector(), list(cases)[::-1], {}
    repeats: dict[int, int] = {}
    with tempfile.TemporaryDirectory(prefix="andiron-faults-") as place:
        try:
            while waiting or under_way:
                while waiting and len(under_way) < options.jobs:
                    case = waiting.pop()
                    folder = Path(place) / str(case.seed)
                    expected = undisturbed.get((case.workers, case.wide))
                    pid, channel = _start(case, folder, expected)
                    under_way[channel] = (case, folder, pid, time.monotonic())
                    ready.register(channel, selectors.EVENT_READ)
                for key, _ in ready.select():
                    case, folder, pid, began = under_way.pop(key.fileobj)
                    ready.unregister(key.fileobj)
                    outcome = _ended(key.fileobj, pid, case, folder, options)
                    repeats[case.seed] = repeats.get(case.seed, 0) + 1
                    if outcome.get("paused", 0) > 1 and repeats[case.seed] <= REPEATS:
                        waiting.append(case)
                    else:
                        yield outcome
        finally:
            for _, _, pid, _ in under_way.values():
                os.kill(pid, signal.SIGINT)
                os.waitpid(pid, 0)


def _start(case: Case, folder: Path, expected: dict | None) -> tuple:
    mine, its = Pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid > 0:
        its.close()
        return pid, mine
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.alarm(DEADLINE)
        its.send(run(case, folder, expected))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _ended(channel: Connection, pid: int, case: Case, folder: Path,
           options: argparse.Namespace) -> dict:  # fmt: skip
    try:
        outcome = channel.recv()
    except EOFError:
        outcome = {"seed": case.seed, "fault": case.fault, "phase": case.phase, "restarts": 0,
                   "noticed": None, "seconds": DEADLINE, "workers": case.workers,
                   "wrong": ["other: the run ended without an outcome"]}  # fmt: skip
    channel.close()
    os.waitpid(pid, 0)
    if (outcome["wrong"] or options.again) and folder.exists():  # the logs say why
        shutil.copytree(folder, options.out / f"run-{case.seed}", dirs_exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    return outcome


def _with_bar(outcomes: Iterator[dict], n: int) -> Iterator[dict]:
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # no thread: this process is forked
    quick = sys.stderr.isatty()
    wrong = 0
    with tqdm(total=n, unit="run", mininterval=0.2 if quick else 20.0) as bar:
        for outcome in outcomes:
            if outcome["wrong"]:
                wrong += 1
                bar.write(report.line(outcome))
            bar.set_postfix_str(f"{wrong} wrong", refresh=False)
            bar.update()
            yield outcome


if __name__ == "__main__":
    sys.exit(main())
