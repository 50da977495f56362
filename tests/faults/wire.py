"""The connections between the workers, led through the driver.

Each worker is told the wire's addresses in place of its peers'. What passes can be cut, held back
for a while or for good, listened to, and stopped in the middle of a message. No TLS here: the wire
reads who connects to whom (docs/wire_protocol.md).
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable
from typing import Any

from faults.link import CHANNELS, Link


class Wire:
    """All connections of an attempt, in the driver's loop: a selector whose data are handlers."""

    def __init__(self, selector: selectors.BaseSelector):
        self.selector = selector
        self.links: list[Link] = []
        self._doors: list[socket.socket] = []
        self._half: tuple[int, int, Callable] | None = None
        self._limit: tuple[int, list[int]] | None = None
        self._silent: tuple[str, int, int] | None = None

    def open(self, addresses: list[str]) -> list[str]:
        """Addresses behind which these are."""
        out = []
        for address in addresses:
            host, port = address.rsplit(":", 1)
            door = socket.create_server(("127.0.0.1", 0))
            door.setblocking(False)
            self._doors.append(door)
            target = ("127.0.0.1" if host == "localhost" else host, int(port))
            self.watch(door, selectors.EVENT_READ, lambda mask, d=door, t=target: self._enter(d, t))
            out.append(f"127.0.0.1:{door.getsockname()[1]}")
        return out

    def watch(self, end: socket.socket, events: int, handler: Any = None) -> None:
        """Calls the handler when one of the events happens at a socket; 0 ends that."""
        known = end in self.selector.get_map()
        if events == 0:
            if known:
                self.selector.unregister(end)
        elif known:
            self.selector.modify(end, events, handler)
        else:
            self.selector.register(end, events, handler)

    def _enter(self, door: socket.socket, target: tuple) -> None:
        dialling = door.accept()[0]
        try:
            accepting = socket.create_connection(target, timeout=5.0)
        except OSError:  # nobody is there any more, nor here
            dialling.close()
            self._shut(door)
            return
        self.links.append(Link(self, dialling, accepting))

    def close(self) -> None:
        for link in self.links:
            link.cut()
        for door in list(self._doors):
            self._shut(door)
        self.links = []

    def _shut(self, door: socket.socket) -> None:
        self._doors.remove(door)
        self.selector.unregister(door)
        door.close()

    # Faults.

    def cut(self, victim: int, other: int, how: str) -> None:
        """Cuts connections of the victim: one of a pair's, the pair's, or all of them ("both")."""
        for link in [link for link in self.links if link.open and link.joins(victim)]:
            if how in CHANNELS and link.channel == how and link.joins(other):
                link.cut()
            elif how == "reset" and link.joins(other):
                link.cut(reset=True)
            elif how == "both":
                link.cut()

    def cut_after(self, victim: int, n_bytes: int) -> None:
        """Cuts the victim's next connection when it has carried that much."""
        self._limit = (victim, [n_bytes])

    def passed(self, link: Link, n_bytes: int) -> None:
        if self._limit is None or not link.joins(self._limit[0]):
            return
        left = self._limit[1]
        left[0] -= n_bytes
        if left[0] <= 0:
            self._limit = None
            link.cut()

    def silence(self, how: str, victim: int, other: int) -> None:
        """Nothing passes any more "from all" to the victim and back, between it and the `other`
        ("from one"), or in one direction, from the victim to all."""
        self._silent = (how, victim, other)
        for link in self.links:
            self.named(link)

    def resume(self) -> None:
        self._silent = None
        for link in [link for link in self.links if link.open]:
            link.silent[:] = (False, False)
            link.update()

    def named(self, link: Link) -> None:
        """A connection's ranks are known."""
        if self._silent is None or not link.open:
            return
        how, victim, other = self._silent
        if not link.joins(victim) or (how == "from one" and not link.joins(other)):
            return
        one_way = how == "one way"
        link.silent[:] = [
            not one_way or link.sender == victim,
            not one_way or link.receiver == victim,
        ]
        link.update()

    def at_half(self, victim: int, step: int, strike: Callable[[], None]) -> None:
        """Calls `strike` when half of a gradient of that step (or a later one) has passed from the
        victim or to it."""
        self._half = (victim, step, strike)

    def wants_step(self, step: int) -> bool:
        return self._half is not None and step >= self._half[1]

    def wants_half_of(self, link: Link) -> bool:
        return self._half is not None and link.joins(self._half[0])

    def half_has_passed(self) -> None:
        (_, _, strike), self._half = self._half, None
        strike()

    def openings(self) -> list[tuple[int, bytes]]:
        """(receiver, what the dialling side said) of each handshake that has passed."""
        said = [(link.receiver, link.handshake()) for link in self.links]
        return [(receiver, opening) for receiver, opening in said if opening is not None]
