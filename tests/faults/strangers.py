"""Who connects to the workers' ports without belonging there."""

from __future__ import annotations

import hashlib
import os
import pickle
import socket
import struct
import time
from multiprocessing.connection import Connection, Pipe
from typing import Any

from faults.draw import Case

WELL = ("refused", "hung up", "nobody there")
_CHALLENGE, _WELCOME = 72, 36
_STAY = 0.1  # seconds that a silent one keeps its connection
_MOST = 20.0  # seconds until a connection must have ended


class Visit:
    """Strangers under way, in a process of their own."""

    def __init__(self, pid: int, channel: Connection):
        self._pid, self._channel = pid, channel

    def result(self) -> list[str]:
        """How each was received: one of WELL, or what should not be."""
        lines = self._channel.recv() if self._channel.poll(2 * _MOST) else ["it never ended"]
        self._channel.close()
        os.waitpid(self._pid, 0)
        return lines


def visit(stage: Any, case: Case) -> Visit:
    """Sends the case's strangers to all workers."""
    addresses = [tuple(a.rsplit(":", 1)) for a in stage.addresses()]
    openings = stage.wire.openings() if stage.wire is not None else []
    job = pickle.loads(stage.packed)
    number = stage.attempt * case.workers + case.workers - 1  # the attempt, as workers name it
    mine, its = Pipe()
    pid = os.fork()
    if pid > 0:
        its.close()
        return Visit(pid, mine)
    try:
        keep = its.fileno()
        os.closerange(3, keep)
        os.closerange(keep + 1, os.sysconf("SC_OPEN_MAX"))
        lines = []
        for rank, (host, port) in enumerate(addresses):
            hello = _hello(job.run_id, rank, case.workers, number)
            sent = [opening for receiver, opening in openings if receiver == rank]
            try:
                lines.append(_call(case, (host, int(port)), hello, sent))
            except ConnectionRefusedError:
                lines.append("nobody there")
            except ConnectionError:
                lines.append("refused")
        its.send(lines)
    finally:
        os._exit(0)


def _hello(run_id: str, to: int, size: int, attempt: int) -> bytes:
    """The first message of somebody who knows all but the secret (docs/wire_protocol.md)."""
    text = run_id.encode()[:64]
    return struct.pack(
        "<8sHHIIIQ32s32s64s", b"ANDIRON\n", 1, 1, min(to + 1, size - 1), to, size, attempt,
        os.urandom(32), hashlib.sha256(run_id.encode()).digest(), text,
    )  # fmt: skip


def _call(case: Case, address: tuple, hello: bytes, sent: list[bytes]) -> str:
    if case.how == "flood":
        idle = [socket.create_connection(address, timeout=_MOST) for _ in range(80)]
        ended = _ends(idle[0])  # the oldest goes when there are too many
        for one in idle:
            one.close()
        return ended
    with socket.create_connection(address, timeout=_MOST) as connection:
        if case.how == "silence":
            connection.sendall(hello[: case.seed % 160])
            time.sleep(_STAY)
            return "hung up"
        if case.how == "garbage":
            connection.sendall(os.urandom(160 + case.seed % 4000))
        elif case.how == "replay" and sent:
            connection.sendall(sent[0])
        else:
            connection.sendall(hello)
            challenge = _read(connection, _CHALLENGE)
            proof = challenge[-32:] if case.how == "reflection" else os.urandom(32)
            connection.sendall(proof)
        return _ends(connection)


def _ends(connection: socket.socket) -> str:
    """It should end without a welcome: with nothing, or after a challenge or a refusal."""
    try:
        said = _read(connection, _CHALLENGE + _WELCOME + 1)
    except TimeoutError:
        return "it was neither refused nor let in"
    except ConnectionError:
        return "refused"
    welcome = said[_CHALLENGE:] if len(said) > _WELCOME else said
    if len(welcome) == _WELCOME and welcome[:4] == bytes(4):
        return "it was let in"
    return "refused"


def _read(connection: socket.socket, n: int) -> bytes:
    """Up to n bytes; fewer at the end of the connection."""
    said = b""
    while len(said) < n and (part := connection.recv(n - len(said))):
        said += part
    return said
