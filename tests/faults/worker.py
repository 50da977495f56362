"""A worker: the function that Spark runs in its barrier tasks, in a forked process.

What the task asks of Spark (who it is, and allGather) it asks of the driver here, over a pipe.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from types import SimpleNamespace

from andiron.collective import CollectiveError
from faults import training
from faults.signs import Moment, Signs


class Context:
    """What stands for Spark's BarrierTaskContext."""

    def __init__(self, channel: Connection, rank: int, size: int, number: int):
        self._channel, self._rank, self._size, self._number = channel, rank, size, number

    def partitionId(self) -> int:
        return self._rank

    def taskAttemptId(self) -> int:
        return self._number

    def cpus(self) -> int:
        return 1

    def getTaskInfos(self) -> list:
        return [SimpleNamespace(address="127.0.0.1:0")] * self._size

    def allGather(self, said: str) -> list[str]:
        self._channel.send(("gather", said))
        return self._channel.recv()


def start(channel: Connection, rank: int, size: int, attempt: int, packed: bytes,
          moment: Moment | None, log: str) -> int:  # fmt: skip
    """Forks a worker, which ends with its process; returns that. It keeps the channel and nothing
    else of what is open here."""
    sys.stdout.flush()
    pid = os.fork()
    if pid > 0:
        return pid
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(output, 1)
        os.dup2(output, 2)
        mine = channel.fileno()
        os.closerange(3, mine)
        os.closerange(mine + 1, os.sysconf("SC_OPEN_MAX"))
        faulthandler.enable()  # a worker that hangs is sent SIGABRT
        Signs.watch(channel, moment)
        number = attempt * size + rank  # as Spark counts tasks
        code = _work(channel, Context(channel, rank, size, number), rank, size, attempt, packed)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _work(channel: Connection, context: Context, rank: int, size: int, attempt: int,
          packed: bytes) -> int:  # fmt: skip
    import pyspark
    from andiron.spark import _bootstrap

    pyspark.BarrierTaskContext.get = classmethod(lambda cls: context)
    run = _bootstrap.task(_bootstrap.versions_here(), packed)
    try:
        for batch in run(training.rows(rank, size, attempt)):
            channel.send(("rows", batch.to_pylist()))
        channel.send(("done",))
        return 0
    except CollectiveError as error:  # Spark sees a failed task
        channel.send(("lost", type(error).__name__, error.rank, str(error)))
    except KeyboardInterrupt:
        channel.send(("interrupted",))
    return 1
