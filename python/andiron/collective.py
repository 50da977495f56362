"""What several processes compute together: sums, gathered arrays, broadcasts and barriers over TCP.

Each process binds a `Listener`, tells the others its address (by any means), and connects:

>>> import threading
>>> import numpy as np
>>> from andiron.collective import Communicator, Listener
>>> listeners = [Listener("127.0.0.1") for _ in range(2)]
>>> addresses = [listener.address for listener in listeners]
>>> def worker(rank):
...     with Communicator(listeners[rank], rank, addresses, secret=b"0123456789abcdef") as comm:
...         total = comm.allreduce(np.array([1.0, rank]))
...         if rank == 0:
...             print(total)
>>> threads = [threading.Thread(target=worker, args=(rank,)) for rank in range(2)]
>>> for thread in threads: thread.start()
>>> for thread in threads: thread.join()
[2. 1.]

Collectives run in the order of their calls, which must be the same on all ranks. The first fault on
any rank ends the communicator on all of them, with that rank's reason.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Sequence
from typing import Any

import numpy as np

from andiron import _core

__all__ = [
    "AbortedError",
    "ClosedError",
    "CollectiveError",
    "Communicator",
    "Listener",
    "MismatchError",
    "PeerLostError",
    "PeerStalledError",
    "Request",
]

_SUMMED = ("float32", "float64", "int64")


class CollectiveError(OSError):
    """A collective could not be done.

    `rank` is the rank by whose doing (None when that is unknown), the same on every rank; the
    message is the chain of causes.
    """

    rank: int | None = None


class PeerLostError(CollectiveError, ConnectionError):
    """A peer's process ended, or its connection was cut."""


class PeerStalledError(CollectiveError, TimeoutError):
    """A peer is silent (stopped, unreachable), or did not take part within the time limit."""


class MismatchError(CollectiveError, ValueError):
    """Ranks take part in different collectives: other kinds, steps, buckets, sizes or dtypes."""


class AbortedError(CollectiveError):
    """A rank gave up; the message has its words."""


class ClosedError(CollectiveError):
    """This rank has closed its communicator."""


_KINDS = {
    "lost": PeerLostError,
    "stalled": PeerStalledError,
    "mismatch": MismatchError,
    "aborted": AbortedError,
    "closed": ClosedError,
}


def _error(kind: str, rank: int | None, message: str) -> CollectiveError:
    error = _KINDS[kind](message)
    error.rank = rank
    return error


class Listener:
    """A port at which peers will arrive.

    Args:
        host: address or name of this machine; "" for all of its interfaces (IPv4).
        port: 0 lets the system choose.

    >>> listener = Listener("127.0.0.1")
    >>> listener.address == f"127.0.0.1:{listener.port}"
    True
    """

    def __init__(self, host: str = "", port: int = 0):
        self._core = _core.collective.Listener.bind(host, port)

    @property
    def port(self) -> int:
        """The bound port."""
        return self._core.port

    @property
    def address(self) -> str:
        """ "host:port" as bound. With all interfaces put in the host under which others know this
        machine."""
        return self._core.address

    def close(self) -> None:
        """Frees the port. A communicator takes the listener over and closes it itself."""
        self._core.close()


class Request:
    """A collective that was started; see `Communicator.allreduce_start`."""

    def __init__(self, core: Any, array: np.ndarray | None = None):
        self._core, self._array = core, array

    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self._core.done()

    def wait(self) -> np.ndarray | None:
        """Waits for the end and returns the array. Raises CollectiveError; Ctrl-C gets through and
        ends the communicator on all ranks."""
        self._core.wait()
        return self._array


class Communicator:
    """The ranks of a run, and what they do together.

    Args:
        listener: this rank's; it is taken over.
        rank: of this process, from 0.
        addresses: "host:port" of every rank's listener, in the order of the ranks.
        secret: bytes (16 or more) that this job only knows. Who does not know them is refused.
        run_id: names the run. Peers of another run are refused.
        attempt: tells apart the tries of one run. Peers of another attempt are refused.
        rendezvous_timeout: seconds until all ranks have met.
        handshake_timeout: seconds that a connection may take to show that it knows the secret.
        heartbeat_timeout: seconds after which a silent peer (stopped, unreachable) is given up. A
            killed one is noticed at once.
        operation_timeout: seconds for each collective. Peers that live may be busy for so long.
        tls: encrypts all connections (TLS 1.3, keyed by the secret).
        socket_buffer_bytes: of each connection; 0 leaves it to the system.

    Used as a context manager it is closed at the end; an exception inside reaches the other ranks
    as the cause of their AbortedError.
    """

    def __init__(
        self,
        listener: Listener,
        rank: int,
        addresses: Sequence[str],
        secret: bytes,
        run_id: str = "run",
        attempt: int = 0,
        *,
        rendezvous_timeout: float = 60.0,
        handshake_timeout: float = 5.0,
        heartbeat_timeout: float = 30.0,
        operation_timeout: float = 600.0,
        tls: bool = False,
        socket_buffer_bytes: int = 0,
    ):
        self._core = _core.collective.Communicator.connect(
            listener._core,
            rank,
            list(addresses),
            bytes(secret),
            run_id,
            attempt,
            rendezvous_timeout,
            handshake_timeout,
            heartbeat_timeout,
            operation_timeout,
            tls,
            socket_buffer_bytes,
        )

    @property
    def rank(self) -> int:
        """Of this process."""
        return self._core.rank

    @property
    def size(self) -> int:
        """The number of ranks."""
        return self._core.size

    def allreduce(
        self,
        array: Any,
        out: np.ndarray | None = None,
        *,
        step: int = 0,
        bucket: int = 0,
        bf16: bool = False,
    ) -> np.ndarray:
        """The sum over the ranks, with the same bits on each.

        Args:
            array: float32, float64 or int64, of the same shape on every rank.
            out: where the sum goes; a new array by default, `array` itself for in place.
            step, bucket: what the sum is for. Ranks that name different ones get a MismatchError.
            bf16: float32 numbers travel as bfloat16 and are added up in float32: half the bytes,
                two roundings.
        """
        array = np.asarray(array)
        if out is None:
            out = np.array(array, order="C", copy=True)
        elif out is not array:
            np.copyto(out, array, casting="no")
        return self.allreduce_start(out, step=step, bucket=bucket, bf16=bf16).wait()

    def allreduce_start(
        self, array: np.ndarray, *, step: int = 0, bucket: int = 0, bf16: bool = False
    ) -> Request:
        """Starts an allreduce in place, on the communicator's thread. The array must be left alone
        until `Request.wait` returns it."""
        _check_writable(array, "allreduce")
        if array.dtype not in _SUMMED:
            raise TypeError(f"[allreduce] sums are of {', '.join(_SUMMED)}; got {array.dtype!r}")
        return Request(self._core.allreduce_start(array, step, bucket, bf16), array)

    def broadcast(
        self, array: np.ndarray, root: int = 0, *, step: int = 0, bucket: int = 0
    ) -> np.ndarray:
        """The root's array to all, in place. Shape and dtype are the same on every rank."""
        _check_writable(array, "broadcast")
        flat = array.reshape(-1).view(np.uint8)
        Request(self._core.broadcast_start(flat, root, step, bucket)).wait()
        return array

    def allgather_bytes(self, mine: bytes, *, step: int = 0, bucket: int = 0) -> list[bytes]:
        """What each rank gave, by rank. Their lengths may differ."""
        return self._core.allgather_bytes(bytes(mine), step, bucket)

    def allgather(self, array: Any, *, step: int = 0, bucket: int = 0) -> list[np.ndarray]:
        """The array of each rank, by rank: of one dtype, with any number of rows of one shape."""
        array = np.ascontiguousarray(array)
        if array.dtype.hasobject:
            raise TypeError("[allgather] arrays of Python objects cannot be sent")
        parts = self.allgather_bytes(_pack(array), step=step, bucket=bucket)
        arrays = [_unpack(part) for part in parts]
        for rank, other in enumerate(arrays):
            if other.dtype != array.dtype or other.shape[1:] != array.shape[1:]:
                raise _core.Error(
                    f"[allgather] rank {rank} gave {other.dtype} rows of shape {other.shape[1:]}; "
                    f"rank {self.rank} gave {array.dtype} rows of shape {array.shape[1:]}"
                )
        return arrays

    def barrier(self, *, step: int = 0, bucket: int = 0) -> None:
        """Returns when every rank has called it."""
        Request(self._core.barrier_start(step, bucket)).wait()

    def abort(self, why: str) -> None:
        """Ends the communicator on all ranks; their AbortedError says `why`."""
        self._core.abort(why)

    def check(self) -> None:
        """Raises CollectiveError when a fault is known, between two collectives too."""
        self._core.check()

    def close(self) -> None:
        """Says goodbye. What is under way is aborted, on all ranks."""
        self._core.close()

    @property
    def costs(self) -> dict[str, dict[str, float]]:
        """Calls, seconds and bytes sent and received (payload, headers) of each kind so far."""
        return self._core.costs()

    @property
    def refused(self) -> list[str]:
        """The latest connections that were refused (strangers, other runs and attempts), as they
        were logged to stderr."""
        return self._core.refused()

    def __enter__(self) -> Communicator:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is not None and not isinstance(error, CollectiveError):
            self.abort("".join(traceback.format_exception(kind, error, trace)).rstrip())
        self.close()


def _check_writable(array: Any, name: str) -> None:
    if not isinstance(array, np.ndarray):
        raise TypeError(f"[{name}] wants a NumPy array; got {type(array).__name__}")
    if not array.flags.c_contiguous or not array.flags.writeable:
        raise _core.Error(
            f"[{name}] the array is written in place: it has to be contiguous and writable"
        )


def _pack(array: np.ndarray) -> bytes:
    head = json.dumps([array.dtype.str, array.shape]).encode()
    head += b" " * (-(len(head) + 4) % 16)  # the numbers behind it are aligned
    return len(head).to_bytes(4, "little") + head + array.tobytes()


def _unpack(part: bytes) -> np.ndarray:
    n = int.from_bytes(part[:4], "little")
    dtype, shape = json.loads(part[4 : 4 + n])
    return np.frombuffer(part, np.dtype(dtype), offset=4 + n).reshape(shape)
