"""What the driver hears of a training that runs.

Spark brings what a task says to the driver only when the task ends, so the first worker opens a
connection to the driver (_reporter.py): to the address at which executors reach it anyway. Each
line on it is JSON with an HMAC of a secret that travels with the job. It carries figures and
nothing that the training needs: where it cannot be opened (a firewall; spark.andiron.progress.port
fixes the port), training goes on without a bar, and callbacks at the driver get the figures at the
end.
"""

from __future__ import annotations

import hmac
import json
import secrets
import selectors
import socket
import sys
import threading
import time
from typing import Any, NamedTuple

from andiron.spark._bar import Bar
from andiron.spark._feed import Feed

LONGEST = 1 << 16  # bytes of a line


class Address(NamedTuple):
    """Where the driver listens, and what it wants to hear."""

    host: str
    port: int
    secret: bytes
    every: tuple[int, ...]  # steps whose multiples are reported, beside what time allows


class Driver:
    """Listens while a training runs, shows what comes and tells the callbacks at the driver."""

    def __init__(self, session: Any, verbose: int, epochs: int, callbacks: list | None = None):
        self.address: Address | None = None
        self.feed = Feed(callbacks or [])
        self._bar = Bar(verbose, epochs)
        self._seen = (0, 0)
        self._stop = threading.Event()
        self._server: socket.socket | None = None
        if verbose == 0 and not callbacks:
            return
        conf = session.sparkContext.getConf()
        host = conf.get("spark.driver.host", "127.0.0.1")
        port = int(conf.get("spark.andiron.progress.port", "0"))
        try:
            self._server = socket.create_server((conf.get("spark.driver.bindAddress", host), port))
        except OSError as error:
            print(f"andiron: no progress is shown: {error}", file=sys.stderr)
            return
        port = self._server.getsockname()[1]
        self.address = Address(host, port, secrets.token_bytes(32), self.feed.every)

    def __enter__(self) -> Driver:
        if self._server is not None:
            self._thread = threading.Thread(target=self._listen, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stop.set()
        if self._server is not None:
            self._thread.join()
        self._bar.close()

    def _listen(self) -> None:
        with self._server as server, selectors.DefaultSelector() as ready:
            server.setblocking(False)
            ready.register(server, selectors.EVENT_READ)
            until = float("inf")
            while time.monotonic() < until:
                if self._stop.is_set():  # what is there already is still taken
                    until = min(until, time.monotonic() + 5.0)
                events = ready.select(0.2 if until == float("inf") else 0.0)
                if not events and until < float("inf"):
                    break
                for key, _ in events:
                    if key.fileobj is server:
                        peer = server.accept()[0]
                        peer.setblocking(False)
                        ready.register(peer, selectors.EVENT_READ, bytearray())
                    elif not self._received(key.fileobj, key.data):
                        ready.unregister(key.fileobj)
                        key.fileobj.close()
            for key in list(ready.get_map().values()):
                key.fileobj.close()

    def _received(self, peer: socket.socket, buffer: bytearray) -> bool:
        """Reads what is there; False at the end, and for strangers."""
        try:
            read = peer.recv(LONGEST)
        except OSError:
            return False
        buffer += read
        while (end := buffer.find(b"\n")) >= 0:
            line = bytes(buffer[:end])
            del buffer[: end + 1]
            if not self._line(line):
                return False
        return bool(read) and len(buffer) <= LONGEST

    def _line(self, line: bytes) -> bool:
        mac, _, body = line.partition(b" ")
        if not hmac.compare_digest(mac, mac_of(self.address.secret, body)):
            return False
        said = json.loads(body)
        if tuple(said["number"]) > self._seen:  # a replayed line is an old one
            self._seen = tuple(said["number"])
            self._bar.show(said)
            self.feed.take(said)
        return True


def mac_of(secret: bytes, body: bytes) -> bytes:
    """What stands before a line."""
    return hmac.new(secret, body, "sha256").hexdigest().encode()
