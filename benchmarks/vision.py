"""make bench ROWS=vision, ROWS=vision-infer-GoogLeNet: image networks beside the peers.

All sides of a row take turns with two threads each (benchmarks/turns.py). Results go to
results_vision.json and results_vision.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import pathlib
import sys
from collections.abc import Callable

from benchmarks import vision_sides
from benchmarks.turns import SideError, compare, machine, serve, summary

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "results_vision.json"
TABLE = HERE / "results_vision.md"

# Measured once with PyPI's bigdl-dllib-spark3 2.4.0 on such a machine, images/s.
BIGDL = {"infer-GoogLeNet-32": 20.5, "train-GoogLeNet": 11.9, "train-VGG-small": 440.0}
# network, batch, steps of a round; what is asked of us beside the best peer
TRAININGS = {
    "train-VGG-small": ("VGG-small", 128, 4, 1.1),
    "train-ResNet20": ("ResNet20", 128, 4, 1.2),
    "train-GoogLeNet": ("GoogLeNet", 32, 1, 1.1),
}
INFERENCES = {
    f"infer-{network}-{batch}": (network, batch, 1.3 if network == "GoogLeNet" else 1.0)
    for network in ("GoogLeNet", "ResNet50", "VGG16", "MobileNetV2", "EfficientNetLite0")
    for batch in (1, 32)
}
HEAVY = ("GoogLeNet", "ResNet50", "VGG16")  # a batch of 32 takes about a second and more
IMAGES = "images"
ROWS = [*INFERENCES, *TRAININGS, IMAGES]
ROUNDS = 7
ALL_SIDES = {"infer": vision_sides.INFERENCE, "train": vision_sides.TRAINING}


def sides_of(row: str) -> dict[str, Callable]:
    return ALL_SIDES[row.partition("-")[0]]


def serve_side(row: str, side: str) -> None:
    arguments = INFERENCES[row][:2] if row in INFERENCES else TRAININGS[row][:3]
    serve(lambda: sides_of(row)[side](*arguments))


def measure(row: str, rounds: int = ROUNDS) -> dict:
    """Rates and memory of all sides that can be made here; why the others cannot."""
    if row == IMAGES:
        from benchmarks import images

        return {"rates": images.rates(rounds), "memory": {}, "left_out": {}}
    long_calls = row in TRAININGS or (INFERENCES[row][1] > 1 and INFERENCES[row][0] in HEAVY)
    sides = {side: (row, side) for side in sides_of(row)}
    return compare("benchmarks.vision", sides, rounds, 0.0 if long_calls else 0.3)


def target_of(row: str, peer: str) -> float:
    if row == IMAGES:
        return 2.0 if peer.startswith("Pillow") else 1.0
    if row in INFERENCES:
        return INFERENCES[row][2]
    return TRAININGS[row][3]


def table(results: dict[str, dict]) -> str:
    text = [
        "# Image networks beside the peers",
        "",
        "`make bench ROWS=vision`: images a second, 224x224 for inference, two threads, float32; "
        "all sides take turns, each in a process of its own.",
        "A ratio is the median of the rounds, in brackets the lowest and the highest; above 1 we "
        "are faster. Memory is the peak of a side's process, with its libraries.",
        "",
        "| row | peer | ours | theirs | ratio | target | BigDL 2.4 | memory, ours | theirs |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in ROWS:
        result = results.get(row)
        if result is None:
            continue
        memory = result["memory"]
        mega = {side: f"{mb:,.0f} MB" for side, mb in memory.items()}
        for line in summary(result):
            text.append(
                f"| {row} | {line['peer']} | {line['ours']:,.1f} | {line['theirs']:,.1f} | "
                f"{line['ratio']:.2f} ({line['low']:.2f} to {line['high']:.2f}) | "
                f"{target_of(row, line['peer'])} | {BIGDL.get(row, '')} | "
                f"{mega.get('Andiron', '')} | {mega.get(line['peer'], '')} |"
            )
        for side, why in result["left_out"].items():
            text.append(f"| {row} | {side} | | | {why} | | | | |")
    machines = {r["machine"] for r in results.values()}
    days = sorted({r["measured"] for r in results.values()})
    return "\n".join([*text, "", f"Measured {' and '.join(days)} on {'; '.join(machines)}.", ""])


def record(row: str, found: dict) -> None:
    """Puts what was found of a row into the results and writes both files."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    measured = {"machine": machine(), "measured": str(datetime.date.today())}
    results[row] = {"row": row} | measured | found
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    TABLE.write_text(table(results))
    for line in summary(results[row]):
        print(f"{row:<28} {line['peer']:<14} {line['ours']:>10,.1f} {line['theirs']:>10,.1f}  "
              f"{line['ratio']:.2f} ({line['low']:.2f} to {line['high']:.2f})")  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", help="Beginnings of names: vision-infer-GoogLeNet.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--serve", nargs=2, metavar=("ROW", "SIDE"), help="One side of a row.")
    args = parser.parse_args(arguments)
    if args.serve:
        serve_side(*args.serve)
        return 0
    failed = 0
    for row in (r for r in ROWS if not args.rows or f"vision-{r}".startswith(tuple(args.rows))):
        print(f"... {row}", file=sys.stderr)
        try:
            record(row, measure(row, args.rounds))
        except SideError as error:
            print(f"{row} failed: {error}", file=sys.stderr)
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
