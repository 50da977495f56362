"""A function in the workers of one barrier stage."""

from __future__ import annotations

import re
import secrets
import sys
import sysconfig
import threading
import uuid
from collections.abc import Callable
from typing import Any

from andiron import _core
from andiron._refuse import whole
from andiron.spark import _bootstrap, _cluster, _shards
from andiron.spark._errors import WorkerError, of_reports
from andiron.spark._worker import SCHEMA, Job, Worker, gathered

# Spark's own words when it gave up although nothing of ours or the user's failed: workers were lost
# too often.
_LOST = re.compile(
    r"ExecutorLostFailure \(executor|Python worker exited unexpectedly|"
    r"Executor heartbeat timed out|has failed the maximum allowable number of times|"
    r"Stage failed because barrier task|Could not recover from a failed barrier"
)
_PYTHON = re.compile(r"Traceback \(most recent call last\):\n(?: .*\n|\n)*(?P<words>(?s:\S.*))")
_OF_LOST_PEERS = ("andiron.collective.PeerLostError", "andiron.collective.PeerStalledError")

_SLICE = 1.0  # seconds; a signal ends a wait at once
_LAST_WAIT = 30.0  # seconds for Spark to end a job that was cancelled
_LEAST_MEETING = 60.0  # seconds for Python to start everywhere, and to fetch what it runs
_PIECE = 16 << 20  # bytes of results that go through the driver's Java at a time

_pickling = threading.Lock()  # cloudpickle's list of modules is the process's


def launch(
    fn: Callable[[Worker], Any],
    num_workers: int,
    data: Any = None,
    *,
    max_restarts: int = 2,
    slots_timeout: float = 60.0,
    heartbeat_timeout: float = 30.0,
    operation_timeout: float = 3600.0,
    tls: bool = False,
) -> list:
    """Runs a function in `num_workers` Spark tasks at the same time, with peers and collectives.

    When a worker is lost, Spark starts all of them again, and then the driver does, `max_restarts`
    times; the function has to keep for itself what should outlive that (`Worker.attempt` tells the
    attempts apart). An exception in one worker ends all.

    Args:
        fn: of a Worker; runs in each of them. It travels to the executors by value, with the module
            it is written in (other modules have to be there).
        num_workers: as many slots are needed (docs/spark.md).
        data: a DataFrame, dealt to the workers by a hash of each row (`Worker.shards`,
            `Worker.batches`). Default: none.
        max_restarts: by the driver, after Spark has used up its own (spark.stage.maxConsecutive-
            Attempts). Default: 2.
        slots_timeout: seconds to wait for executors, and, a minute at least, for the last worker
            when the first one is there. Default: 60.
        heartbeat_timeout: seconds after which a silent worker is given up. Default: 30.
        operation_timeout: seconds for each collective, waiting for slower workers included.
            Default: an hour.
        tls: encrypts what the workers send each other. Default: False.

    Returns:
        What fn returned, by rank; together no more than spark.driver.maxResultSize and the heap of
        the driver's Java take.

    Errors:
        WorkerError with the words and the traceback of the worker that failed; andiron.Error when
        the cluster has too few slots, or versions differ.

    Example:
        >>> def total(worker):  # doctest: +SKIP
        ...     return float(worker.communicator.allreduce(np.ones(1) * worker.rank)[0])
        >>> andiron.spark.launch(total, num_workers=2)  # doctest: +SKIP
        [1.0, 1.0]
    """
    num_workers = whole(num_workers, "num_workers", 1, "spark")
    if data is not None:
        session = _cluster.session_of(data)
        frame = _shards.dealt(data, num_workers, _shards.shards_for(num_workers))
    else:
        session = _cluster.session_of()
        # Spark skips stages without rows, so each worker has one; nobody reads it.
        frame = session.range(0, num_workers, 1, num_workers)
    settings = {
        "heartbeat_timeout": heartbeat_timeout,
        "operation_timeout": operation_timeout,
        "tls": tls,
    }
    return run(session, fn, num_workers, frame, max_restarts, slots_timeout, settings)


def run(session: Any, fn: Callable, num_workers: int, frame: Any, max_restarts: int,
        slots_timeout: float, settings: dict, result_bytes: int = 0) -> list:  # fmt: skip
    """`launch` on a frame that has a partition for each worker. Results of about `result_bytes`
    come back piece by piece: no Java has to hold them."""
    _cluster.require_slots(session, num_workers, slots_timeout)
    versions = _cluster.versions(session)
    job = Job(fn, num_workers, secrets.token_bytes(32), str(uuid.uuid4()), settings)
    packed = dumps_by_value(job, fn)
    patience = max(_LEAST_MEETING, slots_timeout, settings["heartbeat_timeout"])
    task = _bootstrap.task(versions, packed, patience)
    restarts, name = 0, getattr(fn, "what", None) or getattr(fn, "__name__", "a function")
    what = f"andiron: {name} by {num_workers} worker{'s' * (num_workers > 1)}"
    while True:
        try:
            return _attempt(frame, task, num_workers, result_bytes, what)
        except Exception as error:
            failure = _failure(error)
            if failure is None:
                raise
            if restarts >= max_restarts or not _lost(failure):
                python = session.sparkContext.pythonExec
                raise WorkerError(_told(failure, restarts, python)) from None
            restarts += 1
            print(f"andiron: workers were lost; start {restarts + 1} of this run", file=sys.stderr)
            _cluster.require_slots(session, num_workers, slots_timeout)


def _attempt(frame: Any, task: Callable, num_workers: int, result_bytes: int, what: str) -> list:
    from pyspark import cloudpickle

    cloudpickle.register_pickle_by_value(_bootstrap)
    working = frame.mapInArrow(task, SCHEMA, barrier=True)
    # A stage behind it: Spark retries a barrier stage only when it is not the last one.
    results, reports = gathered(_collected(_in_pieces(working, 1 + result_bytes // _PIECE), what))
    if reports:
        raise of_reports(reports, num_workers)
    if not results:  # Spark leaves out stages over nothing
        raise WorkerError("[spark] the DataFrame is empty: 0 samples on all workers")
    if len(results) != num_workers:
        raise WorkerError(f"[spark] {len(results)} of {num_workers} workers gave a result")
    return [results[rank] for rank in range(num_workers)]


def _in_pieces(frame: Any, n: int) -> Any:
    """The parts of results in so many partitions, in turn."""
    from pyspark.sql import functions as F

    if n == 1:
        return frame.repartition(1)
    keys = F.array(*(F.lit(key) for key in _shards.partition_keys(n)))
    return frame.repartition(n, F.element_at(keys, F.col("part") % n + 1))


def _collected(frame: Any, what: str) -> list:
    """The rows, partition by partition; Ctrl-C ends the wait, and the job with it. `what` is how
    Spark's UI names the job.

    Py4J itself cannot be interrupted while it waits for Java: PySpark's own handler then breaks the
    connection, and the job runs on. So another thread waits for Java, and this one for that.
    """
    from pyspark import InheritableThread

    context, tag = frame.sparkSession.sparkContext, f"andiron-{uuid.uuid4()}"
    done: dict[str, Any] = {}

    def collect() -> None:
        try:
            context.addJobTag(tag)
            for name in ("spark.job.description", "callSite.short"):
                if context.getLocalProperty(name) is None:  # this thread's; else the user's words
                    context.setLocalProperty(name, what)
            # Of its RDD: Spark keeps the results of all jobs of one query until the query's end.
            done["rows"] = list(frame.rdd.toLocalIterator())
        except BaseException as error:
            done["error"] = error

    thread = InheritableThread(target=collect, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_SLICE)
    except BaseException:
        context.cancelJobsWithTag(tag)
        thread.join(_LAST_WAIT)
        raise
    if "error" in done:
        raise done["error"]
    return done["rows"]


def _failure(error: Exception) -> str | None:
    """Spark's own words when a stage failed; None for other exceptions."""
    from py4j.protocol import Py4JJavaError

    if isinstance(error, WorkerError | _core.Error):
        return None
    if isinstance(error, Py4JJavaError):
        return str(error.java_exception)
    if "stage failure" in str(error) or "PythonException" in type(error).__name__:
        return str(error)
    return None


def _told(failure: str, restarts: int, python: str = "python3") -> str:
    if "PYTHON_VERSION_MISMATCH" in failure:
        here = "{}.{}".format(*sys.version_info[:2])
        found = re.search(r"Python in worker has different version:? *\(?'?([\d.]+)", failure)
        return (
            f"[spark] the workers have Python {found[1] if found else 'of another version'}, the "
            f"driver has Python {here}: both need the same (docs/spark.md)"
        )
    found = _python_error(failure)
    if found is not None and found[0].startswith(("ModuleNotFoundError", "ImportError")):
        return (
            f"[spark] the workers' Python, {python!r}, lacks something: {found[0]}. "
            "PYSPARK_PYTHON, set before the session starts, names one that has it (docs/spark.md)"
        )
    if found is not None and not found[0].startswith(_OF_LOST_PEERS):
        return "[spark] the rows could not be read: {}\n\n{}".format(*found)
    lines = [line for line in failure.splitlines() if line.strip() and not line.startswith("\tat ")]
    why = "\n".join(lines[:40])
    if _lost(failure):
        return f"[spark] workers were lost again after {restarts} restarts; the last reason:\n{why}"
    return f"[spark] the workers' stage failed:\n{why}"


def _python_error(failure: str) -> tuple[str, str] | None:
    """Words and traceback of what Python raised in a task: a function of the user's that makes the
    rows, or our workers when a peer is lost (their other errors come as results)."""
    lines = [line for line in failure.splitlines() if not line.startswith(("\tat ", "\t... "))]
    found = _PYTHON.search(text := "\n".join(lines))
    if found is None:
        return None
    while (later := _PYTHON.search(text, found.start() + 1)) is not None:  # a chain: its last one
        found = later
    words = re.split(r"\n\s*\n|\nCaused by: |\nDriver stacktrace:", found["words"])[0].strip()
    return words, text[found.start() : found.start("words")] + words


def _lost(failure: str) -> bool:
    """Whether workers were lost, which another start may mend."""
    found = _python_error(failure)
    if found is not None:
        return found[0].startswith(_OF_LOST_PEERS)
    return _LOST.search(failure) is not None


def dumps_by_value(what: Any, *whose: Any) -> bytes:
    """A pickle in which the modules of the user's own objects travel along."""
    from pyspark import cloudpickle

    names = {getattr(w, "__module__", None) or type(w).__module__ for w in whose}
    modules = [m for m in map(sys.modules.get, names) if m is not None and _is_users(m)]
    with _pickling:
        for module in modules:
            cloudpickle.register_pickle_by_value(module)
        try:
            return cloudpickle.dumps(what)
        finally:
            for module in modules:
                cloudpickle.unregister_pickle_by_value(module)


def _is_users(module: Any) -> bool:
    """Whether a module is neither installed nor Andiron's nor __main__ (that goes by value)."""
    name, file = module.__name__, getattr(module, "__file__", None)
    if name == "__main__" or name.split(".")[0] in ("andiron", "pyspark") or file is None:
        return False
    installed = [sysconfig.get_path(p) for p in ("stdlib", "platstdlib", "purelib", "platlib")]
    return not any(file.startswith(folder) for folder in installed)
