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


def test_lost_workers_are_told_from_other_failures():
    assert _launch._LOST.search("Python worker exited unexpectedly (crashed)")
    assert _launch._LOST.search("andiron.collective.PeerStalledError: rank 1 is silent")
    assert not _launch._LOST.search("Job aborted due to stage failure: ArithmeticException: / by 0")


@pytest.mark.slow
def test_an_error_in_the_frame_itself_is_not_retried(spark):
    from andiron.spark import launch

    frame = spark.range(10).selectExpr("assert_true(id < 5, 'too much')", "id")
    with pytest.raises(Exception, match="too much") as caught:
        launch(facts, 2, frame)
    assert "Py4J" not in str(caught.value)


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
