"""Progress of a training, from its first worker to the driver.

Spark brings what a task says to the driver only when the task ends, so the first worker opens a
connection to the driver: to the address at which executors reach it anyway. Each line on it is JSON
with an HMAC of a secret that travels with the job. It carries figures and nothing that the training
needs: where it cannot be opened (a firewall; spark.andiron.progress.port fixes the port), training
goes on without a bar.
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
from typing import Any

from andiron import callbacks

_EVERY = 0.5  # seconds between lines within an epoch
_LONGEST = 1 << 16  # bytes of a line


class Driver:
    """Listens while a training runs, and shows what comes."""

    def __init__(self, session: Any, verbose: int, epochs: int):
        self.address: tuple | None = None  # (host, port, secret)
        self._verbose, self._epochs = verbose, epochs
        self._bar: Any = None
        self._seen = (0, 0)
        self._stop = threading.Event()
        self._server: socket.socket | None = None
        if verbose == 0:
            return
        conf = session.sparkContext.getConf()
        host = conf.get("spark.driver.host", "127.0.0.1")
        port = int(conf.get("spark.andiron.progress.port", "0"))
        try:
            self._server = socket.create_server((conf.get("spark.driver.bindAddress", host), port))
        except OSError as error:
            print(f"andiron: no progress is shown: {error}", file=sys.stderr)
            return
        self.address = (host, self._server.getsockname()[1], secrets.token_bytes(32))

    def __enter__(self) -> Driver:
        if self._server is not None:
            self._thread = threading.Thread(target=self._listen, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stop.set()
        if self._server is not None:
            self._thread.join()
        if self._bar is not None:
            self._bar.close()

    def _listen(self) -> None:
        with self._server as server, selectors.DefaultSelector() as ready:
            server.setblocking(False)
            ready.register(server, selectors.EVENT_READ)
            until = float("inf")
            while time.monotonic() < until:
                if self._stop.is_set():  # what is there already is still shown
                    until = min(until, time.monotonic() + 1.0)
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
            read = peer.recv(_LONGEST)
        except OSError:
            return False
        buffer += read
        while (end := buffer.find(b"\n")) >= 0:
            line = bytes(buffer[:end])
            del buffer[: end + 1]
            if not self._line(line):
                return False
        return bool(read) and len(buffer) <= _LONGEST

    def _line(self, line: bytes) -> bool:
        mac, _, body = line.partition(b" ")
        if not hmac.compare_digest(mac, _mac(self.address[2], body)):
            return False
        said = json.loads(body)
        if tuple(said["number"]) > self._seen:  # a replayed line is an old one
            self._seen = tuple(said["number"])
            self._show(said)
        return True

    def _show(self, said: dict) -> None:
        figures = [f"{name} {value:.4g}" for name, value in said["logs"].items()]
        figures.append(f"{said['rows_per_second']:,.0f} samples/s per worker")
        figures.append(f"{said['in_collectives']:.0%} in collectives")
        if self._verbose == 2:
            if said["complete"]:
                print(f"epoch {said['epoch'] + 1}/{self._epochs}: {', '.join(figures)}", flush=True)
            return
        if self._bar is None:
            from tqdm.auto import tqdm

            layout = "{desc} {percentage:3.0f}%|{bar}| [{elapsed}<{remaining}{postfix}]"
            self._bar = tqdm(total=self._epochs, bar_format=layout)
        epoch = said["epoch"] + 1
        self._bar.set_description_str(f"epoch {epoch}/{self._epochs}", refresh=False)
        self._bar.n = epoch if said["complete"] else epoch - 1 + said["part"]
        self._bar.set_postfix_str(", ".join(figures))


def _mac(secret: bytes, body: bytes) -> bytes:
    return hmac.new(secret, body, "sha256").hexdigest().encode()


class Reporter(callbacks.Callback):
    """Tells the driver. Without an address it is silent: on all workers but the first.

    `rows` of all workers in an epoch, in steps of `batch_size` together.
    """

    def __init__(self, address: tuple | None, worker: Any, rows: int, batch_size: int):
        self._peers, self._attempt = worker.communicator, worker.attempt
        self._rows, self._batch_size = rows, batch_size
        self._socket: socket.socket | None = None
        self._lines = 0
        if address is not None:
            self._secret = address[2]
            self.on_train_batch_end = self._batch_ended
            # A firewall may keep it waiting: not on the training's thread.
            threading.Thread(target=self._connect, args=(address[:2],), daemon=True).start()

    def _connect(self, address: tuple) -> None:
        try:
            self._socket = socket.create_connection(address, timeout=5.0)
        except OSError as error:
            print(f"andiron: the driver cannot be told of progress: {error}", file=sys.stderr)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch, self._began, self._spent = epoch, time.monotonic(), self._in_collectives()
        self._next = self._began + _EVERY
        self._first_step: int | None = None

    def _batch_ended(self, batch: int, logs: dict | None = None) -> None:
        if self._first_step is None:  # not 0 where a checkpoint was taken up
            self._first_step = batch
        if self._socket is not None and time.monotonic() >= self._next:
            self._next = time.monotonic() + _EVERY
            rows = (batch + 1) * self._batch_size
            self._tell(logs or {}, min(1.0, rows / self._rows), rows, False)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self._socket is not None:
            self._tell(logs or {}, 1.0, self._rows, True)

    def on_train_end(self, logs: dict | None = None) -> None:
        if self._socket is not None:
            self._socket.close()

    def _in_collectives(self) -> float:
        return sum(cost["seconds"] for cost in self._peers.costs.values())

    def _tell(self, logs: dict, part: float, rows: int, complete: bool) -> None:
        seconds = max(1e-9, time.monotonic() - self._began)
        rows -= (self._first_step or 0) * self._batch_size
        self._lines += 1
        body = json.dumps(
            {
                "number": [self._attempt, self._lines],
                "epoch": self._epoch,
                "part": part,
                "complete": complete,
                "logs": {name: float(value) for name, value in logs.items()},
                "rows_per_second": rows / seconds / self._peers.size,
                "in_collectives": min(1.0, (self._in_collectives() - self._spent) / seconds),
            }
        ).encode()
        try:
            self._socket.sendall(_mac(self._secret, body) + b" " + body + b"\n")
        except OSError:  # the driver has gone; the training will hear of it from Spark
            self._socket = None
