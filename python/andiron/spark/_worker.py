"""A worker of a barrier stage: what a function that runs there is given, and what goes back."""

from __future__ import annotations

import json
import pickle
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from andiron.collective import (
    CollectiveError,
    Communicator,
    Listener,
    PeerLostError,
    PeerStalledError,
)

TAG = "__andiron_shard"  # the column that says which shard a row belongs to; rows come in its order
SCHEMA = "rank int, kind string, part int, body binary"
_PART = 1 << 20  # bytes of a result in one row
_LEAST_RENDEZVOUS = 5.0  # seconds; as long as a handshake may take


class Worker:
    """What `launch` gives to the function: who this worker is, its peers and its rows.

    `rank` of `size`; `communicator` to the others; `threads` it may use; `run_id` of the job;
    `attempt`, a number that is another one after each restart.
    """

    rank: int
    size: int
    communicator: Communicator
    threads: int
    run_id: str
    attempt: int

    def __init__(self, batches: Iterator[pa.RecordBatch], **facts: Any):
        self._batches = batches
        self.__dict__.update(facts)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """This worker's rows as Arrow record batches; they can be read once."""
        for batch in self._batches:
            yield _without_tag(batch)

    def shards(self) -> Iterator[tuple[int, Iterator[pa.RecordBatch]]]:
        """(shard, its record batches) in order. Like itertools.groupby: a shard's batches are read
        before the next shard is asked for."""
        pieces = _pieces(self._batches)
        ahead = next(pieces, None)
        while ahead is not None:
            index = ahead[0]

            def of_this(index: int = index) -> Iterator[pa.RecordBatch]:
                nonlocal ahead
                while ahead is not None and ahead[0] == index:
                    yield ahead[1]
                    ahead = next(pieces, None)

            batches = of_this()
            yield index, batches
            for _ in batches:  # what the caller left
                pass


def _without_tag(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.drop_columns([TAG]) if TAG in batch.schema.names else batch


def _pieces(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, pa.RecordBatch]]:
    for batch in batches:
        if batch.num_rows == 0:
            continue
        tags = batch.column(TAG).to_numpy()
        rest = _without_tag(batch)
        starts = np.flatnonzero(np.diff(tags, prepend=tags[0] - 1))
        for start, end in zip(starts, [*starts[1:], len(tags)], strict=True):
            yield int(tags[start]), rest.slice(start, end - start)


class Job:
    """What all workers are sent. Called in a task, it makes ready for the meeting."""

    def __init__(self, fn: Callable[[Worker], Any], size: int, secret: bytes, run_id: str,
                 settings: dict):  # fmt: skip
        self.fn, self.size, self.secret, self.run_id = fn, size, secret, run_id
        self.settings = settings  # of the communicator

    def __call__(self, context: Any, rank: int, host: str) -> _Task:
        return _Task(self, context, rank, host)


class _Task:
    def __init__(self, job: Job, context: Any, rank: int, host: str):
        self.job, self.rank, self.host = job, rank, host
        self.threads = max(1, int(context.cpus()))
        on_this_machine = host in ("localhost", "127.0.0.1")
        self._listener = Listener("127.0.0.1" if on_this_machine else "")
        self.address = f"{host}:{self._listener.port}"

    def work(self, batches: Iterator, addresses: list[str], attempt: int) -> Iterator:
        import andiron

        andiron.set_threads(self.threads)  # Spark sets OMP_NUM_THREADS=1
        try:
            with self._meet(addresses, attempt) as communicator:
                worker = Worker(
                    batches, rank=self.rank, size=self.job.size, communicator=communicator,
                    threads=self.threads, run_id=self.job.run_id, attempt=attempt,
                )  # fmt: skip
                result = _called(self.job.fn, worker)
            body = _dumps(result)
        except (PeerLostError, PeerStalledError):
            raise  # Spark starts all workers again
        except BaseException as error:  # sys.exit(), too: a restart would come to the same end
            peer = None
            if isinstance(error, CollectiveError):
                peer = -1 if error.rank is None else error.rank
            report = {
                "rank": self.rank, "host": self.host, "kind": type(error).__name__,
                "detail": str(error), "trace": _trace(error), "peer": peer,
            }  # fmt: skip
            yield from _rows(self.rank, "error", json.dumps(report).encode())
            return
        yield from _rows(self.rank, "result", body)

    def _meet(self, addresses: list[str], attempt: int):
        job = self.job
        # Spark has brought all together: who does not answer now is stopped or cannot be reached.
        patience = max(_LEAST_RENDEZVOUS, job.settings["heartbeat_timeout"])
        return Communicator(
            self._listener, self.rank, addresses, job.secret, job.run_id, attempt,
            rendezvous_timeout=patience, **job.settings,
        )  # fmt: skip


def _called(fn: Callable[[Worker], Any], worker: Worker) -> Any:
    communicator = worker.communicator
    try:
        result = fn(worker)
        communicator.barrier()  # nobody leaves while another may still fail
        return result
    except CollectiveError:
        raise
    except OSError:
        try:
            communicator.check()
        except CollectiveError as fault:
            if fault.rank != worker.rank:
                raise  # a lost peer, where the training said input/output error
        raise


def _dumps(result: Any) -> bytes:
    from pyspark import cloudpickle

    return cloudpickle.dumps(result)


def _trace(error: BaseException) -> str:
    """The traceback without the frame that called the function."""
    frames = error.__traceback__.tb_next or error.__traceback__
    return "".join(traceback.format_exception(type(error), error, frames)).rstrip()


def _rows(rank: int, kind: str, body: bytes) -> Iterator[pa.RecordBatch]:
    for part, start in enumerate(range(0, max(1, len(body)), _PART)):
        yield pa.RecordBatch.from_pydict(
            {
                "rank": pa.array([rank], pa.int32()),
                "kind": pa.array([kind]),
                "part": pa.array([part], pa.int32()),
                "body": pa.array([body[start : start + _PART]], pa.binary()),
            }
        )


def gathered(rows: list) -> tuple[dict[int, Any], list[dict]]:
    """(results by rank, reports of errors) from the rows of all workers."""
    bodies: dict = {}
    for row in sorted(rows, key=lambda r: (r["rank"], r["kind"], r["part"])):
        bodies.setdefault((row["rank"], row["kind"]), []).append(bytes(row["body"]))
    results = {r: pickle.loads(b"".join(p)) for (r, k), p in bodies.items() if k == "result"}
    reports = [json.loads(b"".join(p)) for (_, k), p in bodies.items() if k == "error"]
    return results, reports
