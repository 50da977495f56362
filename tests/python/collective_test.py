"""Ranks as threads and as processes: sums, errors, Ctrl-C, killed and stopped processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import andiron
from andiron.collective import (
    AbortedError,
    ClosedError,
    CollectiveError,
    Communicator,
    Listener,
    MismatchError,
    PeerLostError,
    PeerStalledError,
)

SECRET = b"0123456789abcdef0123456789abcdef"


def on_ranks(n, function, **options):
    """function(comm) on a thread for each rank; what each returned or raised."""
    listeners = [Listener("127.0.0.1") for _ in range(n)]
    addresses = [listener.address for listener in listeners]
    results = [None] * n

    def run(rank):
        try:
            with Communicator(listeners[rank], rank, addresses, SECRET, "test", **options) as comm:
                results[rank] = function(comm)
        except BaseException as error:
            results[rank] = error

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return results


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 5), (70000,)])
def test_allreduce_is_the_sum(dtype, shape):
    data = [np.random.default_rng(r).normal(size=shape) * 100 for r in range(3)]
    data = [np.asarray(d).astype(dtype) for d in data]
    before = [d.copy() for d in data]
    sums = on_ranks(3, lambda comm: comm.allreduce(data[comm.rank]))
    np.testing.assert_allclose(sums[0], sum(before), rtol=1e-5, atol=1e-3)
    for total in sums:
        assert total.dtype == dtype and total.shape == shape
        assert total.tobytes() == sums[0].tobytes()
    for d, b in zip(data, before, strict=True):
        np.testing.assert_array_equal(d, b)


def test_allreduce_in_place_overlapped_and_in_bfloat16():
    def work(comm):
        a = np.full(1000, comm.rank + 1, "float32")
        b = np.full(1000, 1.0 + 2.0**-7, "float32")
        first = comm.allreduce_start(a, step=1, bucket=0)
        second = comm.allreduce_start(b, step=1, bucket=1, bf16=True)
        assert second.wait() is b and first.wait() is a and first.done()
        return comm.allreduce(a, out=a), b

    for a, b in on_ranks(2, work):
        np.testing.assert_array_equal(a, np.full(1000, 6, "float32"))
        np.testing.assert_array_equal(b, np.full(1000, 2.0 + 2.0**-6, "float32"))


def test_allgather_broadcast_and_barrier():
    def work(comm):
        rows = np.arange(comm.rank * 3, dtype="int32").reshape(comm.rank, 3)
        gathered = comm.allgather(rows)
        weights = np.full((2, 2), comm.rank, "float64")
        comm.broadcast(weights, root=2)
        comm.barrier()
        return gathered, weights, comm.allgather_bytes(b"x" * comm.rank), comm.costs

    for gathered, weights, parts, costs in on_ranks(3, work):
        assert [g.shape for g in gathered] == [(0, 3), (1, 3), (2, 3)]
        np.testing.assert_array_equal(gathered[2], np.arange(6, dtype="int32").reshape(2, 3))
        np.testing.assert_array_equal(weights, np.full((2, 2), 2.0))
        assert parts == [b"", b"x", b"xx"]
        assert costs["allgather"]["calls"] == 2 and costs["allgather"]["payload_sent"] > 0
        assert costs["barrier"]["header_sent"] >= 64 and costs["barrier"]["seconds"] > 0


def test_tls_carries_the_same():
    results = on_ranks(2, lambda comm: comm.allreduce(np.ones(100_000)).sum(), tls=True)
    assert results == [200_000.0, 200_000.0]


def test_arguments_are_checked():
    def work(comm):
        frozen = np.ones(3)
        frozen.flags.writeable = False
        for array in (np.ones((4, 4))[:, ::2], frozen):
            with pytest.raises(andiron.Error, match="contiguous and writable"):
                comm.allreduce_start(array)
        with pytest.raises(TypeError, match="float32, float64, int64; got dtype"):
            comm.allreduce(np.ones(3, "int32"))
        with pytest.raises(andiron.Error, match="bfloat16 on the wire is for float32"):
            comm.allreduce(np.ones(3), bf16=True)
        with pytest.raises(andiron.Error, match="root=5 is no rank of 1"):
            comm.broadcast(np.ones(3), root=5)
        return True

    assert on_ranks(1, work) == [True]
    with pytest.raises(andiron.Error, match="16 bytes at least"):
        Communicator(Listener("127.0.0.1"), 0, ["127.0.0.1:1"], b"short")
    with pytest.raises(OSError, match="cannot find the host"):
        Listener("no such host")


def test_mismatch_is_a_value_error_with_the_rank():
    errors = on_ranks(2, lambda comm: comm.allreduce(np.ones(3 + comm.rank), step=4))
    for error in errors:
        assert isinstance(error, MismatchError | CollectiveError)
        assert isinstance(error, ValueError | OSError) and error.rank in (0, 1)
        assert "24" in str(error) and "32" in str(error) and "step 4" in str(error)


def test_an_exception_in_one_rank_is_the_cause_for_all():
    def work(comm):
        if comm.rank == 1:
            raise KeyError("no such column")
        comm.barrier()

    first, second, third = on_ranks(3, work)
    assert isinstance(second, KeyError)
    for error in (first, third):
        assert isinstance(error, AbortedError) and error.rank == 1
        assert "KeyError: 'no such column'" in str(error) and "Traceback" in str(error)


def test_closing():
    def work(comm):
        pending = comm.allreduce_start(np.ones(10))
        comm.close()
        with pytest.raises(CollectiveError):
            pending.wait()
        with pytest.raises((AbortedError, ClosedError)):
            comm.check()

    assert on_ranks(1, lambda comm: comm.close()) == [None]
    assert on_ranks(2, lambda comm: work(comm) if comm.rank == 0 else time.sleep(0.3))[0] is None


WORKER = """
import signal, sys, time, threading
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where jobs run behind a shell
import numpy as np
from andiron.collective import Communicator, Listener
rank, n, heartbeat = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
listener = Listener("127.0.0.1")
print(listener.address, flush=True)
addresses = sys.stdin.readline().split()
comm = Communicator(listener, rank, addresses, b"0123456789abcdef", heartbeat_timeout=heartbeat)
print("ready", flush=True)
try:
    for step in range(10**9):
        comm.allreduce(np.ones(200_000, "float32"), step=step)
        time.sleep(0.002)
except BaseException as error:
    print(time.time(), type(error).__name__, getattr(error, "rank", None), flush=True)
    print(str(error), file=sys.stderr)
"""


class Processes:
    def __init__(self, n, heartbeat):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        self.all = [
            subprocess.Popen(
                [sys.executable, "-c", WORKER, str(rank), str(n), str(heartbeat)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=environment,
            )
            for rank in range(n)
        ]
        addresses = " ".join(p.stdout.readline().strip() for p in self.all)
        for process in self.all:
            process.stdin.write(addresses + "\n")
            process.stdin.flush()
        for process in self.all:
            assert process.stdout.readline() == "ready\n", process.stderr.read()
        time.sleep(0.2)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.all:
            process.kill()
            process.communicate()

    def verdict(self, rank):
        """When the rank gave up, with which error, and whom it blames."""
        out, err = self.all[rank].communicate(timeout=30)
        when, kind, culprit = out.split()
        return float(when), kind, int(culprit), err


def test_a_killed_process_is_known_to_all_within_a_second():
    with Processes(3, heartbeat=30) as ranks:
        killed = time.time()
        ranks.all[1].send_signal(signal.SIGKILL)
        for rank in (0, 2):
            when, kind, culprit, err = ranks.verdict(rank)
            assert (kind, culprit) == ("PeerLostError", 1), err
            assert when - killed < 8  # far from the heartbeat
        assert ranks.all[0].returncode == 0


def test_a_stopped_process_is_known_to_all_within_the_set_time():
    with Processes(3, heartbeat=1.0) as ranks:
        stopped = time.time()
        ranks.all[2].send_signal(signal.SIGSTOP)
        for rank in (0, 1):
            when, kind, culprit, err = ranks.verdict(rank)
            assert (kind, culprit) == ("PeerStalledError", 2), err
            assert 0.5 < when - stopped < 15
        ranks.all[2].send_signal(signal.SIGCONT)


def test_ctrl_c_ends_a_wait_and_the_others_learn_it():
    with Processes(2, heartbeat=30) as ranks:
        ranks.all[0].send_signal(signal.SIGSTOP)  # so that rank 1 is in the collective
        time.sleep(0.2)
        pressed = time.time()
        ranks.all[1].send_signal(signal.SIGINT)
        out, err = ranks.all[1].communicate(timeout=30)
        assert out.split()[1] == "KeyboardInterrupt", err
        assert float(out.split()[0]) - pressed < 10
        ranks.all[0].send_signal(signal.SIGCONT)
        _, kind, culprit, err = ranks.verdict(0)
        assert (kind, culprit) == ("AbortedError", 1), err
        assert "interrupted" in err


def test_errors_are_os_errors_of_their_kind():
    assert issubclass(PeerLostError, ConnectionError)
    assert issubclass(PeerStalledError, TimeoutError)
    assert issubclass(MismatchError, ValueError)
    for kind in (PeerLostError, PeerStalledError, MismatchError, AbortedError, ClosedError):
        assert issubclass(kind, CollectiveError) and issubclass(kind, OSError)
