"""make bench ROWS=learning, ROWS=learning-layer-norm: work of learning beside the peers.

All sides of a row take turns with two threads each (benchmarks/turns.py). Results go to
results_learning.json and results_learning.md. To add a row: a function for each side, and a line in
ROWS.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import pathlib
import sys
from collections.abc import Callable

from benchmarks import learning_networks as networks
from benchmarks.turns import SideError, compare, machine, serve, summary

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "results_learning.json"
TABLE = HERE / "results_learning.md"
ROUNDS = 7
TARGET = 1.0  # beside the best peer; 1.5 in the geometric mean


@dataclasses.dataclass
class Row:
    """sides: each makes what does one round and returns how many units that was."""

    text: str
    unit: str
    sides: dict[str, Callable[[], Callable[[], int]]]


def training(network: str, batch: int, steps: int) -> dict:
    return {side: lambda make=make: make(network, batch, steps)
            for side, make in networks.SIDES.items()}  # fmt: skip


ROWS = {
    "layer-norm": Row("784-3x512-10 with layer normalization, batch 128, Adam", "samples/s",
                      training("layer-norm", 128, 40)),
    "batch-norm": Row("784-3x512-10 with batch normalization, batch 128, Adam", "samples/s",
                      training("batch-norm", 128, 40)),
    "softmax-10000": Row("256-10,000 with softmax cross-entropy, batch 256, Adam", "samples/s",
                         training("softmax-10000", 256, 6)),
}  # fmt: skip


def measure(name: str, rounds: int = ROUNDS) -> dict:
    """Rates of all sides that can be made here; why the others cannot."""
    found = compare("benchmarks.learning", {side: (name, side) for side in ROWS[name].sides},
                    rounds, 0.0)  # fmt: skip
    return {"row": name, "rates": found["rates"], "left_out": found["left_out"]}


def table(results: dict[str, dict]) -> str:
    text = [
        "# Learning beside the peers",
        "",
        "`make bench ROWS=learning`: two threads, float32; all sides take turns, each in a process "
        "of its own.",
        "A ratio is the median of the rounds, in brackets the lowest and the highest; above 1 we "
        "are faster.",
        "",
        "| row | unit | peer | ours | theirs | ratio |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in ROWS.items():
        if name not in results:
            continue
        for line in summary(results[name]):
            text.append(
                f"| {row.text} | {row.unit} | {line['peer']} | {line['ours']:,.0f} | "
                f"{line['theirs']:,.0f} | "
                f"{line['ratio']:.2f} ({line['low']:.2f} to {line['high']:.2f}) |"
            )
        for side, why in results[name]["left_out"].items():
            text.append(f"| {row.text} | {row.unit} | {side} | | {why} | |")
    machines = {r["machine"] for r in results.values()}
    days = sorted({r["measured"] for r in results.values()})
    return "\n".join([*text, "", f"Measured {' and '.join(days)} on {'; '.join(machines)}.", ""])


def main(selected: list[str]) -> int:
    failed = 0
    for name in ROWS:
        if selected and not any(f"learning-{name}".startswith(s) for s in selected):
            continue
        print(f"... {name}", file=sys.stderr)
        try:
            result = measure(name)
        except SideError as error:
            print(f"{name} failed: {error}", file=sys.stderr)
            failed += 1
            continue
        result |= {"machine": machine(), "measured": str(datetime.date.today())}
        results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        results[name] = result
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
        TABLE.write_text(table(results))
        for line in summary(result):
            print(f"{name:<20} {line['peer']:<14} {line['ours']:>12,.0f} {line['theirs']:>12,.0f}  "
                  f"{line['ratio']:.2f} ({line['low']:.2f} to {line['high']:.2f})")  # fmt: skip
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        serve(ROWS[sys.argv[2]].sides[sys.argv[3]])
    else:
        sys.exit(main(sys.argv[1:]))
