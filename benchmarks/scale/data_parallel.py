"""Two workers beside two processes that do not talk, and beside PyTorch's DistributedDataParallel.

    python -m benchmarks.scale.data_parallel [--works mlp-1024,ncf-lazy] [--rounds 5] [--no-torch]

Every process has one thread. All groups of processes take turns in each round, in another order
each time. A group's rate is what all of its processes did in the time of the slowest.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import statistics
import tempfile

from benchmarks import harness
from benchmarks.scale.group import Group
from benchmarks.scale.works import WORKS

OURS, THEIRS = "benchmarks.scale.ours", "benchmarks.scale.theirs"


def met(group: Group) -> Group:
    """Workers of ours that know each other's addresses."""
    group.tell(group.hear())
    return group


@dataclasses.dataclass
class Result:
    """Of one group over all rounds."""

    rates: list[float]
    seconds: list[float]  # a step
    cpu: list[float]  # seconds of CPU a step, of one process
    bytes_sent: float  # a step, by one process
    in_collectives: float  # seconds a step
    peak_mb: float


def of_rounds(rounds: list[list[dict]], steps: int) -> Result:
    slowest = [max(said["seconds"] for said in one) for one in rounds]
    first = [one[0] for one in rounds]
    costs = [said["costs"].values() for said in first]
    return Result(
        rates=[sum(s["samples"] for s in one) / t for one, t in zip(rounds, slowest, strict=True)],
        seconds=[t / steps for t in slowest],
        cpu=[said["cpu"] / steps for said in first],
        bytes_sent=statistics.median(sum(c["payload_sent"] for c in cost) for cost in costs)
        / steps,
        in_collectives=statistics.median(sum(c["seconds"] for c in cost) for cost in costs) / steps,
        peak_mb=max(said["peak_mb"] for one in rounds for said in one),
    )


def measured(key: str, rounds: int, with_torch: bool, size: int = 2) -> dict[str, Result]:
    """name of the group -> what it did."""
    steps = WORKS[key].steps
    ranks = [["--rank", str(rank), "--size", str(size)] for rank in range(size)]
    with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        alone = [[key, "--rank", str(rank), "--others", str(size)] for rank in range(size)]
        apart = stack.enter_context(Group(OURS, alone))
        together = stack.enter_context(met(Group(OURS, [[key, *rank] for rank in ranks])))
        groups = {"one": (apart, 0), "apart": (apart, None), "together": (together, None)}
        if with_torch:
            meet = os.path.join(folder, "meet")
            peers = [[key, *rank, "--meet", meet] for rank in ranks]
            groups["ddp"] = stack.enter_context(Group(THEIRS, peers)), None
        for group in {id(group): group for group, _ in groups.values()}.values():
            group.hear()  # ready
        said: dict[str, list] = {name: [] for name in groups}
        names = list(groups)
        for number in range(rounds + 1):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                group, only = groups[name]
                answer = group.round(only=only)
                if number > 0:  # the first round warms up
                    said[name].append(answer)
    return {name: of_rounds(answers, steps) for name, answers in said.items()}


def rows_of(key: str, found: dict[str, Result]) -> list[harness.Row]:
    """`together` beside each of the others, paired by round."""
    names = {"apart": "2 processes apart", "one": "1 worker", "ddp": "PyTorch DDP, gloo"}
    rows = []
    for name, text in names.items():
        if name in found:
            pairs = list(zip(found["together"].rates, found[name].rates, strict=True))
            ratios = [a / b for a, b in pairs]
            rows.append(
                harness.row_of(f"2 workers, {WORKS[key].text}", text, "samples/s", pairs, ratios)
            )
    return rows


def costs_text(found: dict[str, Result]) -> str:
    """Where the difference is: each group's time and CPU of a step."""
    lines = [f"{'':<10} {'ms a step':>10} {'CPU ms':>10} {'collectives ms':>15} {'MB sent':>8} "
             f"{'peak MB':>8}"]  # fmt: skip
    for name, r in found.items():
        lines.append(
            f"{name:<10} {1e3 * statistics.median(r.seconds):>10.2f} "
            f"{1e3 * statistics.median(r.cpu):>10.2f} {1e3 * r.in_collectives:>15.2f} "
            f"{r.bytes_sent / 1e6:>8.2f} {r.peak_mb:>8.0f}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--works", default="mlp-128,mlp-1024,mlp-4096,ncf-lazy,ncf-study")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--torch", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--json", help="file for the figures")
    given = parser.parse_args()
    rows, all_found = [], {}
    for key in given.works.split(","):
        found = measured(key, given.rounds, given.torch)
        print(f"\n{WORKS[key].text}\n{costs_text(found)}", flush=True)
        rows += rows_of(key, found)
        all_found[key] = {name: dataclasses.asdict(r) for name, r in found.items()}
    print("\n" + harness.table(rows))
    if given.json:
        content = {"rows": [dataclasses.asdict(row) for row in rows], "groups": all_found}
        with open(given.json, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)


if __name__ == "__main__":
    main()
