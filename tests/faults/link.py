"""One connection between two workers, as it passes through the driver (faults.wire)."""

from __future__ import annotations

import selectors
import socket
import struct
from typing import Any

_HELLO, _PROOF, _CHALLENGE, _WELCOME, _HEADER = 160, 32, 72, 36, 64  # bytes
_MAGIC = b"ANDIRON\n"
CHANNELS = ("control", "data")
_SUMS = (0, 1)  # kinds of collectives that carry gradients: allreduce, allgather
_MOST = 1 << 20  # bytes that wait in a direction


class Link:
    """One connection: `sender` dialled `receiver`."""

    def __init__(self, wire: Any, dialling: socket.socket, accepting: socket.socket):
        self._wire, self.ends = wire, (dialling, accepting)
        self.open = True
        self.sender = self.receiver = -1
        self.channel = ""
        self.opening = bytearray()  # what the dialling side says first
        self._waiting = (bytearray(), bytearray())  # from each end to the other
        self._ended = [False, False]
        self.silent = [False, False]
        self._messages = (
            Messages(_HELLO + _PROOF),
            Messages(_CHALLENGE + _WELCOME),
        )
        for end in self.ends:
            end.setblocking(False)
        self.update()

    def joins(self, rank: int) -> bool:
        return rank in (self.sender, self.receiver)

    def cut(self, reset: bool = False) -> None:
        """Ends the connection at both sides; with RST when `reset`."""
        if not self.open:
            return
        self.open = False
        for end in self.ends:
            self._wire.watch(end, 0)
            if reset:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.close()

    def update(self) -> None:
        """Looks for what may happen next at each end."""
        for i, end in enumerate(self.ends):
            wanted = 0
            if not self._ended[i] and not self.silent[i] and len(self._waiting[i]) < _MOST:
                wanted |= selectors.EVENT_READ
            if self._waiting[1 - i] and not self.silent[1 - i]:
                wanted |= selectors.EVENT_WRITE
            self._wire.watch(end, wanted, lambda mask, i=i: self._happened(i, mask))

    def _happened(self, i: int, mask: int) -> None:
        try:
            if self.open and mask & selectors.EVENT_WRITE:
                self._write(1 - i)
            if self.open and mask & selectors.EVENT_READ:
                self._read(i)
        except OSError:  # a reset is one for both
            self.cut(reset=True)
        if self.open:
            self.update()

    def _read(self, i: int) -> None:
        read = self.ends[i].recv(1 << 16)
        if not read:
            self._ended[i] = True
            if not self._waiting[i]:
                self._pass_end(i)
            return
        if i == 0 and len(self.opening) < _HELLO + _PROOF:
            self._listen(read)
        stop = self._messages[i].feed(read, self) if self.channel == "data" else None
        if stop is None or not self._wire.wants_half_of(self):
            self._waiting[i].extend(read)
            self._write(i)
        else:
            self._waiting[i].extend(read[:stop])
            self._write(i)
            self._wire.half_has_passed()
            self._waiting[i].extend(read[stop:])
        self._wire.passed(self, len(read))

    def _listen(self, read: bytes) -> None:
        self.opening += read[: _HELLO + _PROOF - len(self.opening)]
        if not self.channel and len(self.opening) >= _HELLO and self.opening.startswith(_MAGIC):
            channel, self.sender, self.receiver = struct.unpack_from("<HII", self.opening, 10)
            self.channel = CHANNELS[channel]
            self._wire.named(self)

    def _write(self, i: int) -> None:
        waiting = self._waiting[i]
        if waiting and not self.silent[i]:
            try:
                del waiting[: self.ends[1 - i].send(waiting)]
            except BlockingIOError:
                return
        if self._ended[i] and not waiting:
            self._pass_end(i)

    def _pass_end(self, i: int) -> None:
        if all(self._ended):
            self.cut()
        else:
            self.ends[1 - i].shutdown(socket.SHUT_WR)

    def handshake(self) -> bytes | None:
        """What the dialling side said, when it said all of it."""
        whole = len(self.opening) == _HELLO + _PROOF and self.channel
        return bytes(self.opening) if whole else None


class Messages:
    """Follows the messages in one direction of a data connection."""

    def __init__(self, handshake: int):
        self._skip, self._header = handshake, bytearray()
        self.step = self.kind = self.bytes = 0

    def feed(self, read: bytes, link: Link) -> int | None:
        """Where in `read` the middle of a gradient is that the wire waits for, if it is there."""
        at, found = 0, None
        while at < len(read):
            if self._skip > 0:
                n = min(self._skip, len(read) - at)
                self._skip -= n
                at += n
                continue
            n = min(_HEADER - len(self._header), len(read) - at)
            self._header += read[at : at + n]
            at += n
            if len(self._header) < _HEADER:
                break
            kind = self._header[4]
            (step,) = struct.unpack_from("<Q", self._header, 24)
            (n_bytes,) = struct.unpack_from("<Q", self._header, 40)
            self._header.clear()
            self._skip = n_bytes
            if kind in _SUMS and n_bytes > 1 and link._wire.wants_step(step):
                found = min(len(read), at + n_bytes // 2)
        return found
