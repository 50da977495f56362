"""The first thing that runs in a Spark task.

It travels by value and imports nothing of Andiron until versions are compared: so that a worker
without Andiron, or with another one, answers in a sentence.
"""

from __future__ import annotations


def versions_here() -> dict:
    """Versions in this process; None where they cannot be told."""
    import os
    import sys

    import pyspark

    found = {"Python": "{}.{}".format(*sys.version_info[:2]), "Spark": pyspark.__version__}
    try:
        import andiron

        found["Andiron"] = andiron.__version__
    except ImportError as error:
        found["Andiron"] = f"none ({error})"

    # The executor's Java is an ancestor of this process, and its home says which one it is.
    process, java = os.getppid(), None
    for _ in range(4):
        try:
            program = os.readlink(f"/proc/{process}/exe")
            if os.path.basename(program) == "java":
                home = os.path.dirname(os.path.dirname(program))
                with open(os.path.join(home, "release"), encoding="utf-8") as file:
                    lines = dict(line.strip().split("=", 1) for line in file if "=" in line)
                java = lines["JAVA_VERSION"].strip('"')
                break
            with open(f"/proc/{process}/stat", encoding="utf-8") as file:
                process = int(file.read().rsplit(")", 1)[1].split()[1])
        except (OSError, KeyError, ValueError):
            break
    if java is not None:  # "1.8.0_402" is 8
        parts = java.split(".")
        java = parts[1] if parts[0] == "1" else parts[0]
    found["Java"] = java
    return found


def release(version: str) -> str:
    """x.y.z of a version: vendors write more behind it."""
    import re

    found = re.match(r"\d+(\.\d+){0,2}", version)
    return version if found is None else found[0]


def together(context, said: str, patience: float):
    """What all ranks say; None when not all have said something within `patience` seconds. (Spark
    itself waits for a year.)"""
    import threading

    found = []

    def gather():
        try:
            found.append(context.allGather(said))
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=gather, daemon=True)
    thread.start()
    thread.join(patience)
    if found and isinstance(found[0], BaseException):
        raise found[0]
    return found[0] if found else None


def mismatch(driver: dict, worker: dict, host: str) -> str | None:
    """One sentence when the worker has other versions than the driver."""
    for what, ours in driver.items():
        theirs = worker.get(what)
        same = ours == theirs
        if what == "Spark" and ours is not None and theirs is not None:
            same = release(ours) == release(theirs)
        if ours is not None and theirs is not None and not same:
            return (
                f"the workers on {host} have {what} {theirs}, the driver has {what} {ours}: both "
                "need the same (docs/spark.md says how packages reach the executors)"
            )
    return None


def task(driver: dict, job: bytes, patience: float = 600.0):
    """The function for mapInArrow. All ranks meet once, also those that cannot work: whoever stayed
    away would leave the others waiting, `patience` seconds from the first one's coming."""

    def run(batches):
        import json
        import pickle
        import traceback

        from pyspark import BarrierTaskContext

        context = BarrierTaskContext.get()
        rank = context.partitionId()
        host = context.getTaskInfos()[rank].address.rsplit(":", 1)[0]
        worker, report, address = None, None, None
        sentence = mismatch(driver, versions_here(), host)
        if sentence is not None:
            report = {"kind": None, "detail": sentence, "trace": ""}
        else:
            try:
                worker = pickle.loads(job)(context, rank, host)
                address = worker.address
            except BaseException as error:
                report = {
                    "kind": type(error).__name__,
                    "detail": str(error),
                    "trace": traceback.format_exc(),
                }
        if report is not None:
            report.update(rank=rank, host=host, peer=None)
        said = json.dumps([address, context.taskAttemptId(), report is None])
        texts = together(context, said, patience)
        if texts is None and report is None:
            from andiron.collective import PeerStalledError

            raise PeerStalledError(
                f"[spark] not all workers came within {patience:.0f} s: one is stopped or cannot "
                "be reached, or its machine needs longer to start Python (slots_timeout)"
            )
        met = [json.loads(text) for text in texts or ()]
        if report is None and all(well for _, _, well in met):
            # The attempt: one number on all ranks, another one in each attempt of the stage.
            attempt = max(number for _, number, _ in met)
            yield from worker.work(batches, [a for a, _, _ in met], attempt)
            return
        if report is not None:
            import pyarrow as pa

            yield pa.RecordBatch.from_pydict(
                {
                    "rank": pa.array([rank], pa.int32()),
                    "kind": pa.array(["error"]),
                    "part": pa.array([0], pa.int32()),
                    "body": pa.array([json.dumps(report).encode()], pa.binary()),
                }
            )

    return run
