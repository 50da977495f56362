"""Eight workers on a network of links with a given rate: bytes, step times, and what they obey.

    sudo python -m benchmarks.scale.network [--mbit 200,500] [--delay-ms 0.1]

Three things are measured in network namespaces (benchmarks/scale/namespaces.py):
- the time of an allreduce for 2, 4 and 8 ranks and growing sizes, and the line
  alpha + beta * bytes through it: alpha is latency, beta nearly 2 (n - 1) / n of a byte's time on
  the link;
- the bytes of a training step: payload by the communicator's own count, and by the interface's
  counters, which see every header and every retransmission, beside 2 (n - 1) / n of the gradients;
- the time of a training step, beside that of the same eight processes without a network plus the
  line's time of its messages.

The processes share the machine's cores: rates of links are low enough for these to be the limit.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics

import numpy as np

from benchmarks.scale import fit
from benchmarks.scale.data_parallel import OURS, met
from benchmarks.scale.group import Group
from benchmarks.scale.namespaces import Host, hosts
from benchmarks.scale.works import WORKS

SUMS = "benchmarks.scale.sums"
SIZES = (1 << 20, 3 << 19, 1 << 21, 3 << 20, 1 << 22)  # of one algorithm: directly or by a ring
SMALL = (1_024, 16_384, 262_144)
PARAMETERS = {"mlp": 784 * 512 + 512 + 512 * 512 + 512 + 512 * 10 + 10}


def optimum(n: int) -> float:
    """Bytes that a rank has to send for a byte of an allreduce (Patarasuk & Yuan 2009)."""
    return 2 * (n - 1) / n


def arguments_of(places: list[Host], *first: str) -> list[list[str]]:
    size = str(len(places))
    return [[*first, "--rank", str(rank), "--size", size, "--host", host.address]
            for rank, host in enumerate(places)]  # fmt: skip


def sums(places: list[Host], repeats: int) -> dict[int, list[float]]:
    """bytes -> seconds of the slowest rank in each call."""
    before = [host.before for host in places]
    found = {}
    with met(Group(SUMS, arguments_of(places), before)) as group:
        group.hear()  # ready
        for n_bytes in (*SMALL, *SIZES):
            said = group.round({"bytes": n_bytes, "repeats": repeats})
            found[n_bytes] = [max(one) for one in zip(*(s["seconds"] for s in said), strict=True)]
    return found


@dataclasses.dataclass
class Step:
    """Of a training step with n workers; bytes are of all ranks together."""

    workers: int
    gradient_bytes: int
    payload: float
    headers: float  # of Andiron's messages
    interface: float  # with those of TCP, IP and Ethernet, acknowledgements and retransmissions
    seconds: float

    @property
    def excess(self) -> float:
        """Of the payload over the optimum, as a share."""
        return self.payload / (self.workers * optimum(self.workers) * self.gradient_bytes) - 1


def step(places: list[Host], key: str, rounds: int = 2) -> Step:
    """Trains a dense work and counts."""
    work, n = WORKS[key], len(places)
    said: list = []
    with met(Group(OURS, arguments_of(places, key), [host.before for host in places])) as group:
        group.hear()  # ready
        group.round()  # warms up
        start = [host.counters()["tx_bytes"] for host in places]
        for _ in range(rounds):
            said.append(group.round())
        end = [host.counters()["tx_bytes"] for host in places]
    steps = rounds * work.steps
    costs = [one["costs"]["allreduce"] for answers in said for one in answers]
    return Step(
        workers=n,
        gradient_bytes=4 * PARAMETERS[work.model],
        payload=sum(cost["payload_sent"] for cost in costs) / steps,
        headers=sum(cost["header_sent"] for cost in costs) / steps,
        interface=(sum(end) - sum(start)) / steps,
        seconds=statistics.median(max(o["seconds"] for o in one) for one in said) / work.steps,
    )


def compute_seconds(key: str, n: int, rounds: int = 2) -> float:
    """Of a step in n processes that do not talk, at the same time."""
    with Group(OURS, [[key, "--rank", str(r), "--others", str(n)] for r in range(n)]) as group:
        group.hear()
        group.round()
        said = [group.round() for _ in range(rounds)]
    seconds = [max(one["seconds"] for one in answers) for answers in said]
    return statistics.median(seconds) / WORKS[key].steps


def text_of(line: fit.Line) -> str:
    return (
        f"{1e6 * line.alpha:.0f} ± {1e6 * line.alpha_error:.0f} us + "
        f"{1e9 * line.beta:.3f} ± {1e9 * line.beta_error:.3f} ns a byte "
        f"(deviations {100 * line.residual:.1f} %)"
    )


def line_of(found: dict[int, list[float]]) -> fit.Line:
    """Through the large sizes."""
    pairs = [(n_bytes, t) for n_bytes in SIZES for t in found[n_bytes]]
    return fit.line(*map(np.array, zip(*pairs, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mbit", default="200,500", help="rates of the links, one run each")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="of each link (netem)")
    parser.add_argument("--ranks", default="2,4,8")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--work", default="mlp-128")
    parser.add_argument("--json", help="file for the figures")
    given = parser.parse_args()
    content: dict = {"lines": [], "steps": []}
    ranks = [int(n) for n in given.ranks.split(",")]
    compute = {n: compute_seconds(given.work, n) for n in ranks}
    for mbit in map(float, given.mbit.split(",")):
        byte_ns = 8e3 / mbit
        print(f"\nlinks of {mbit:g} Mbit/s: {byte_ns:.2f} ns a byte", flush=True)
        for n in ranks:
            with hosts(n, mbit, given.delay_ms) as places:
                found = sums(places, given.repeats)
                line = line_of(found)
                small = {size: statistics.median(found[size]) for size in SMALL}
                print(f"{n} ranks: {text_of(line)}; of the link's {optimum(n) * byte_ns:.2f} ns: "
                      f"{1e9 * line.beta / (optimum(n) * byte_ns):.3f}; "
                      + ", ".join(f"{size:,} bytes {1e6 * t:.0f} us" for size, t in small.items()),
                      flush=True)  # fmt: skip
                one = step(places, given.work)
            expected = compute[n] + line.at(one.gradient_bytes)
            print(
                f"   a step: payload {one.payload / n:,.0f} bytes a rank, "
                f"{100 * one.excess:+.2f} % of the optimum; interface {one.interface / n:,.0f} "
                f"({100 * (one.interface / one.payload - 1):+.2f} %); {1e3 * one.seconds:.1f} ms, "
                f"of compute {1e3 * compute[n]:.1f} and the line {1e3 * expected:.1f}",
                flush=True,
            )
            content["lines"].append({"mbit": mbit, "delay_ms": given.delay_ms, "ranks": n,
                                     "small": small, **dataclasses.asdict(line)})  # fmt: skip
            content["steps"].append({"mbit": mbit, "compute": compute[n], "expected": expected,
                                     "excess": one.excess, **dataclasses.asdict(one)})  # fmt: skip
    if given.json:
        with open(given.json, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)


if __name__ == "__main__":
    main()
