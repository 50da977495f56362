"""Network namespaces joined by a bridge, with links of a given rate: a small cluster's network.

Needs root and Linux's veth, bridge and tbf. The bridge has a namespace of its own, so that nothing
is left in the machine's own network, and everything goes when the namespaces go.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

_NET = "10.231.77"


class NoNamespaces(RuntimeError):
    """They cannot be made here; the message says why."""


@dataclass(frozen=True)
class Host:
    """One end of a link. `before` goes in front of a command that should run there."""

    name: str
    address: str

    @property
    def before(self) -> list[str]:
        return ["ip", "netns", "exec", self.name]

    def counters(self) -> dict[str, int]:
        """Bytes and packets that its interface has sent and received: with all headers."""
        (link,) = json.loads(_run("ip", "-n", self.name, "-s", "-j", "link", "show", "eth0"))
        return {
            f"{way}_{what}": link["stats64"][way][what]
            for way in ("tx", "rx")
            for what in ("bytes", "packets")
        }


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NoNamespaces(f"there is no {command[0]}") from error
    except subprocess.CalledProcessError as error:
        raise NoNamespaces(f"{' '.join(command)}: {error.stderr.strip()}") from error
    return done.stdout


def why_not() -> str | None:
    """Why namespaces with shaped links cannot be made here; None when they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program in ("ip", "tc"):
        if shutil.which(program) is None:
            return f"there is no {program} (iproute2)"
    try:
        with hosts(1, mbit=100):
            return None
    except NoNamespaces as error:
        return str(error)


@contextlib.contextmanager
def hosts(n: int, mbit: float | None, delay_ms: float = 0.0) -> Iterator[list[Host]]:
    """`n` hosts on one switch; each link carries `mbit` Mbit/s either way (None: as it goes), and
    delays what its host sends."""
    tag = f"andiron{os.getpid()}"
    hub, made = f"{tag}hub", []
    try:
        _run("ip", "netns", "add", hub)
        made.append(hub)
        _run("ip", "-n", hub, "link", "add", "bridge", "type", "bridge")
        _run("ip", "-n", hub, "link", "set", "bridge", "up")
        found = []
        for i in range(n):
            host = Host(f"{tag}n{i}", f"{_NET}.{i + 1}")
            _run("ip", "netns", "add", host.name)
            made.append(host.name)
            _run("ip", "-n", hub, "link", "add", f"port{i}", "type", "veth",
                 "peer", "name", "eth0", "netns", host.name)  # fmt: skip
            _run("ip", "-n", hub, "link", "set", f"port{i}", "master", "bridge", "up")
            _run("ip", "-n", host.name, "addr", "add", f"{host.address}/24", "dev", "eth0")
            _run("ip", "-n", host.name, "link", "set", "eth0", "up")
            _run("ip", "-n", host.name, "link", "set", "lo", "up")
            # Linux's default, whatever this machine uses.
            route = ["route", "change", f"{_NET}.0/24", "dev", "eth0", "proto", "kernel"]
            _run("ip", "-n", host.name, *route, "scope", "link", "src", host.address,
                 "congctl", "cubic")  # fmt: skip
            if mbit is not None:
                _shape(host.name, "eth0", mbit, delay_ms)
                _shape(hub, f"port{i}", mbit, 0.0)
            found.append(host)
        yield found
    finally:
        for name in reversed(made):
            subprocess.run(["ip", "netns", "del", name], check=False)


def _shape(namespace: str, device: str, mbit: float, delay_ms: float) -> None:
    """A token bucket of 1 ms at the link's rate, as in a switch's port, and a queue behind it."""
    rate = f"{mbit * 1000:.0f}kbit"
    burst = max(65_536, int(mbit * 1e6 / 8 / 1000))
    where = ["tc", "-n", namespace, "qdisc", "add", "dev", device]
    bucket = ["tbf", "rate", rate, "burst", str(burst), "limit", str(max(1 << 20, 20 * burst))]
    if delay_ms:
        _run(*where, "root", "handle", "1:", *bucket)
        _run(*where, "parent", "1:1", "handle", "10:", "netem", "delay", f"{delay_ms}ms",
             "limit", "10000")  # fmt: skip
    else:
        _run(*where, "root", *bucket)


def existing() -> list[str]:
    """Names of the machine's network namespaces."""
    return [line.split()[0] for line in _run("ip", "netns", "list").splitlines() if line]
