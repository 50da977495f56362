"""Functions in the workers of a barrier stage, and what the driver says when they fail."""

from __future__ import annotations

import numpy as np
import pytest
from andiron.spark import _bootstrap, _cluster, _launch, _shards

from andiron import Error


class UserError(Exception):
    """Only this module has it: the executors cannot import tests."""


def facts(worker):
    total = worker.communicator.allreduce(np.array([worker.rank + 1]))
    shards = {
        index: sorted(x for batch in batches for x in batch.column("id").to_pylist())
        for index, batches in worker.shards()
    }
    return worker.rank, worker.size, int(total[0]), worker.threads, shards


def test_workers_meet_and_share_the_rows_by_content(spark):
    from andiron.spark import launch

    frame = spark.range(0, 300, 1, 3).selectExpr("id", "cast(id as string) as text")
    found = launch(facts, 2, frame)
    assert [f[:4] for f in found] == [(0, 2, 3, 1), (1, 2, 3, 1)]
    shards = {**found[0][4], **found[1][4]}
    assert sorted(sum(shards.values(), [])) == list(range(300))
    assert all(index % 2 == rank for rank in (0, 1) for index in found[rank][4])
    assert list(found[0][4]) == sorted(found[0][4])  # in order, each in one piece
    assert len(shards) == _shards.DEFAULT_SHARDS


def test_the_job_has_a_name(spark):
    from andiron.spark import launch

    jobs = spark.sparkContext._jsc.sc().statusStore()
    launch(facts, 1, spark.range(5))
    ids = spark.sparkContext.statusTracker().getJobIdsForGroup()
    told = [jobs.job(i).description() for i in ids]
    names = [option.get() for option in told if option.isDefined()]
    assert "andiron: facts by 1 worker" in names


def test_the_error_of_a_worker_is_the_error_of_the_driver(spark):
    from andiron.spark import WorkerError, launch

    def fails(worker):
        if worker.rank == 1:
            raise UserError("row 17 has no price")
        worker.communicator.barrier()  # it hears of it here, and is not to blame

    with pytest.raises(WorkerError) as caught:
        launch(fails, 2)
    assert (caught.value.rank, caught.value.kind) == (1, "UserError")
    message = str(caught.value)
    assert message.startswith("[spark] worker 1 of 2 (127.0.0.1): UserError: row 17 has no price")
    assert 'raise UserError("row 17 has no price")' in message
    assert "py4j" not in message and "AbortedError" not in message


def test_versions_that_differ_are_one_sentence(spark, monkeypatch):
    from andiron.spark import WorkerError, launch

    real = _cluster.versions(spark)
    assert _bootstrap.mismatch(real, _bootstrap.versions_here(), "host") is None
    monkeypatch.setattr(_cluster, "versions", lambda session: {**real, "Java": "21"})
    with pytest.raises(WorkerError) as caught:
        launch(facts, 2)
    assert str(caught.value).startswith(
        "[spark] the workers on 127.0.0.1 have Java 17, the driver has Java 21: both need the same"
    )
    assert "\n" not in str(caught.value)


def test_too_few_slots_are_refused_at_once(spark):
    from andiron.spark import launch

    with pytest.raises(Error, match=r"3 workers .* need 3 slots; the cluster has 2 "):
        launch(facts, 3)


def test_dynamic_allocation_is_refused(monkeypatch):
    class Conf:
        def get(self, name, default=None):
            return "true" if name == "spark.dynamicAllocation.enabled" else default

    class Context:
        master = "yarn"

        def getConf(self):
            return Conf()

    class Session:
        sparkContext = Context()

    with pytest.raises(Error, match="dynamicAllocation.enabled=false"):
        _cluster.require_slots(Session(), 2, 60.0)
    Context.master = "local[2]"  # there Spark does not look at the setting
    monkeypatch.setattr(_cluster, "slots", lambda session: 2)
    _cluster.require_slots(Session(), 2, 60.0)


@pytest.mark.parametrize("theirs", ["Python", "Spark", "Andiron", "Java"])
def test_each_version_is_compared(theirs):
    driver = {"Python": "3.11", "Spark": "4.1.4", "Andiron": "0.1.0", "Java": "17"}
    assert _bootstrap.mismatch(driver, driver, "h") is None
    assert f"have {theirs} 2" in _bootstrap.mismatch(driver, {**driver, theirs: "2"}, "h")
    assert _bootstrap.mismatch(driver, {**driver, "Java": None}, "h") is None  # cannot be told


def test_the_culprit_is_found_among_reports():
    from andiron.spark._errors import of_reports

    def report(rank, kind, peer):
        return {"rank": rank, "host": "h", "kind": kind, "detail": "d", "trace": "t", "peer": peer}

    noticed = [report(0, "AbortedError", 2), report(1, "MismatchError", -1)]
    assert of_reports([*noticed, report(2, "KeyError", None)], 3).rank == 2
    assert of_reports([*noticed, report(2, "MismatchError", 0)], 3).rank == 0
    assert of_reports(noticed, 3).rank == 0


def test_partition_keys_are_those_of_spark(spark):
    from pyspark.sql import functions as F

    values = [0, 1, 7, 12345, 2**31 - 1]
    row = spark.range(1).select(*(F.hash(F.lit(v).cast("int")) for v in values)).first()
    assert [_shards.murmur3(v) for v in values] == list(row)
    for n in (1, 2, 3, 7):
        assert [_shards.murmur3(key) % n for key in _shards.partition_keys(n)] == list(range(n))


UDF = """
  An exception was thrown from the Python worker. Please see the stack trace below.
Traceback (most recent call last):
  File "/home/me/prices.py", line 15, in price
    raise {error}
          ^^^^^^^
{error}
second line

\tat org.apache.spark.api.python.BasePythonRunner.handlePythonException(PythonRunner.scala:606)
"""


def test_lost_workers_are_told_from_other_failures():
    assert _launch._lost("SparkException: Python worker exited unexpectedly (crashed)")
    assert _launch._lost(UDF.format(error="andiron.collective.PeerStalledError: rank 1 is silent"))
    assert not _launch._lost("Job aborted due to stage failure: ArithmeticException: / by 0")
    # A user's words may be those of Spark.
    for words in ("Connection reset", "Python worker exited unexpectedly", "PeerLostError"):
        assert not _launch._lost(UDF.format(error=f"ValueError: {words}"))


def test_a_function_that_makes_the_rows_is_told_by_its_own_words():
    told = _launch._told(UDF.format(error="ValueError: Connection reset"), 0)
    assert told.startswith(
        "[spark] the rows could not be read: ValueError: Connection reset\nsecond line\n\nTraceback"
    )
    assert "prices.py" in told and "org.apache" not in told


def test_vendors_versions_are_those_of_their_release():
    driver = {"Python": "3.11", "Spark": "3.5.1", "Andiron": "0.1.0", "Java": "17"}
    for theirs in ("3.5.1-amzn-0", "3.5.1.dev7", "3.5.1.3.5.7191000.0-46"):
        assert _bootstrap.mismatch(driver, {**driver, "Spark": theirs}, "h") is None
    assert "have Spark 3.5.2" in _bootstrap.mismatch(driver, {**driver, "Spark": "3.5.2-x"}, "h")


class Context:
    """Of a barrier task whose peers do not come."""

    def __init__(self, answer=None):
        self.answer = answer

    def partitionId(self):
        return 0

    def taskAttemptId(self):
        return 5

    def cpus(self):
        return 1

    def getTaskInfos(self):
        from types import SimpleNamespace

        return [SimpleNamespace(address="127.0.0.1:1")] * 2

    def allGather(self, said):
        import threading

        if self.answer is None:
            threading.Event().wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return [said]


def task(monkeypatch, context, fn, patience=0.2):
    import pickle

    pyspark = pytest.importorskip("pyspark")
    from andiron.spark._worker import Job

    monkeypatch.setattr(pyspark.BarrierTaskContext, "get", classmethod(lambda cls: context))
    job = Job(fn, 1, b"a secret of this test", "run", {"heartbeat_timeout": 5.0})
    return _bootstrap.task({}, pickle.dumps(job), patience)(iter(()))


def test_a_worker_that_never_comes_is_given_up(monkeypatch):
    from andiron.collective import PeerStalledError

    with pytest.raises(PeerStalledError, match="not all workers came within 0 s"):
        list(task(monkeypatch, Context(), None))
    with pytest.raises(RuntimeError, match="barrier"):
        list(task(monkeypatch, Context(RuntimeError("barrier")), None))


def leaves(worker):
    raise SystemExit("no licence")


def interrupted(worker):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("fn", "words"), [(leaves, "SystemExit: no licence"), (interrupted, "KeyboardInterrupt")]
)
def test_a_worker_that_leaves_is_no_lost_worker(monkeypatch, fn, words):
    from andiron.spark._errors import of_reports
    from andiron.spark._worker import gathered

    rows = [row for batch in task(monkeypatch, Context("all"), fn) for row in batch.to_pylist()]
    _, reports = gathered(rows)
    assert words in str(of_reports(reports, 1))


@pytest.mark.slow
def test_an_error_in_the_frame_itself_is_not_retried(spark):
    from andiron.spark import launch

    frame = spark.range(10).selectExpr("assert_true(id < 5, 'too much')", "id")
    with pytest.raises(Exception, match="too much") as caught:
        launch(facts, 2, frame)
    assert "Py4J" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.spark35
def test_a_function_of_the_query_that_fails_is_not_a_lost_worker(spark):
    from andiron.spark import WorkerError, launch
    from pyspark.sql import functions as F

    @F.udf("double")
    def price(x):
        if x > 5:
            raise ValueError("Connection reset by the price list")
        return float(x)

    with pytest.raises(WorkerError) as caught:
        launch(facts, 2, spark.range(10).select("id", price("id").alias("text")))
    assert str(caught.value).startswith(
        "[spark] the rows could not be read: ValueError: Connection reset by the price list"
    )


@pytest.mark.slow
@pytest.mark.spark35
def test_a_worker_that_always_dies_is_given_up(spark):
    import os
    import signal

    from andiron.spark import WorkerError, launch

    def dies(worker):
        if worker.rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        worker.communicator.barrier()

    with pytest.raises(WorkerError, match="workers were lost again after 1 restarts"):
        launch(dies, 2, max_restarts=1)


@pytest.mark.slow
def test_results_larger_than_a_row(spark):
    from andiron.spark import launch

    n = 20 << 20
    found = launch(lambda worker: bytes([worker.rank]) * n, 2)
    assert [len(f) for f in found] == [n, n] and found[1][-1] == 1
