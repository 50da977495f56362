"""make bench ROWS=vision, ROWS=vision-infer-GoogLeNet: image networks beside the peers.

Each row runs in a process of its own, where all sides take turns with two threads each. Threads of
some peers spin after a call, so each side has a call that is not timed before each timed round, or
a pause where a call takes seconds. Results go to results_vision.json and results_vision.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

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
PAUSE = 0.3  # seconds in which the threads of the side before stop spinning


def makers(row: str) -> dict[str, Callable[[], Callable[[], int]]]:
    """The sides of a row: each makes what runs one round."""
    from benchmarks import vision_sides

    if row in INFERENCES:
        network, batch, _ = INFERENCES[row]
        return {side: lambda make=make: make(network, batch)
                for side, make in vision_sides.INFERENCE.items()}  # fmt: skip
    network, batch, steps, _ = TRAININGS[row]
    return {side: lambda make=make: make(network, batch, steps)
            for side, make in vision_sides.TRAINING.items()}  # fmt: skip


def timed(run: Callable[[], int], seconds: float) -> float:
    """Images a second of calls that take about `seconds` together, after one that is not timed;
    of one call after a pause where `seconds` is 0."""
    if seconds > 0:
        run()
    else:
        time.sleep(PAUSE)
    n, start = 0, time.perf_counter()
    while True:
        n += run()
        elapsed = time.perf_counter() - start
        if elapsed >= seconds:
            return n / elapsed


def interleaved(runs: dict[str, Callable[[], int]], rounds: int, seconds: float) -> dict:
    """Images a second of each side in each round."""
    rates: dict[str, list[float]] = {side: [] for side in runs}
    for _ in range(rounds):
        for side, run in runs.items():
            rates[side].append(timed(run, seconds))
    return rates


def measure(row: str, rounds: int = ROUNDS) -> dict:
    """Rates of all sides that can be made here; why the others cannot."""
    if row == IMAGES:
        from benchmarks import images

        return {"row": row, "rates": images.rates(rounds), "left_out": {}}
    runs, left_out = {}, {}
    for side, make in makers(row).items():
        try:
            runs[side] = make()
            runs[side]()
        except Exception as error:
            if side == "Andiron":
                raise
            runs.pop(side, None)
            left_out[side] = f"{type(error).__name__}: {str(error).splitlines()[0][:120]}"
    long_calls = row in TRAININGS or (INFERENCES[row][1] > 1 and INFERENCES[row][0] in HEAVY)
    rates = interleaved(runs, rounds, 0.0 if long_calls else 0.3)
    return {"row": row, "rates": rates, "left_out": left_out}


def peak_memory(row: str, side: str) -> float:
    """MB at the peak of a process that makes one side of a row and runs it three times."""
    code = (f"from benchmarks import vision; run = vision.makers({row!r})[{side!r}]()\n"
            "for _ in range(3): run()\n"
            "print(next(int(x.split()[1]) / 1024 for x in open('/proc/self/status')"
            " if x.startswith('VmHWM')))")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.DEVNULL, check=True)  # fmt: skip
    return float(done.stdout.split()[-1])


def target_of(row: str, peer: str) -> float:
    if row == IMAGES:
        return 2.0 if peer.startswith("Pillow") else 1.0
    if row in INFERENCES:
        return INFERENCES[row][2]
    return TRAININGS[row][3]


def summary(result: dict) -> list[dict]:
    """A line for each peer: medians, the ratio with the lowest and the highest round."""
    ours = result["rates"]["Andiron"]
    lines = []
    for side, theirs in result["rates"].items():
        if side == "Andiron":
            continue
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        lines.append({
            "peer": side, "ours": statistics.median(ours), "theirs": statistics.median(theirs),
            "ratio": statistics.median(ratios), "low": min(ratios), "high": max(ratios),
        })  # fmt: skip
    return lines


def table(results: dict[str, dict]) -> str:
    text = [
        "# Image networks beside the peers",
        "",
        "`make bench ROWS=vision`: images a second, 224x224 for inference, two threads, float32; "
        "all sides take turns in one process.",
        "A ratio is the median of the rounds, in brackets the lowest and the highest; above 1 we "
        "are faster. Memory is the peak of a process of its own, with its libraries.",
        "",
        "| row | peer | ours | theirs | ratio | target | BigDL 2.4 | memory, ours | theirs |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in ROWS:
        result = results.get(row)
        if result is None:
            continue
        memory = result.get("memory", {})
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


def machine() -> str:
    """The CPU's name, what it is, and what instructions it has."""
    found: dict[str, str] = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = (part.strip() for part in line.partition(":"))
        found.setdefault(key, value)
    flags = found["flags"].split()
    wide = "AVX-512" if "avx512f" in flags else "AVX2, no AVX-512"
    vnni = "VNNI" if {"avx512_vnni", "avx_vnni"} & set(flags) else "no VNNI"
    return (f"two cores of an {found['model name']} (family {found['cpu family']}, model "
            f"{found['model']}: {wide}, {vnni})")  # fmt: skip


def record(row: str, found: dict) -> None:
    """Puts what was found of a row into the results and writes both files."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    measured = {"machine": machine(), "measured": str(datetime.date.today())}
    results[row] = results.get(row, {"memory": {}}) | measured | found
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    TABLE.write_text(table(results))
    for line in summary(results[row]):
        print(f"{row:<28} {line['peer']:<14} {line['ours']:>10,.1f} {line['theirs']:>10,.1f}  "
              f"{line['ratio']:.2f} ({line['low']:.2f} to {line['high']:.2f})")  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", help="Beginnings of names: vision-infer-GoogLeNet.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--one", metavar="ROW", help="One row in this process, printed as JSON.")
    args = parser.parse_args(arguments)
    if args.one:
        print(json.dumps(measure(args.one, args.rounds)))
        return 0
    failed = 0
    for row in (r for r in ROWS if not args.rows or f"vision-{r}".startswith(tuple(args.rows))):
        print(f"... {row}", file=sys.stderr)
        done = subprocess.run([sys.executable, "-m", "benchmarks.vision", "--one", row,
                               "--rounds", str(args.rounds)],
                              stdout=subprocess.PIPE, text=True)  # fmt: skip
        if done.returncode != 0:
            print(f"{row} failed", file=sys.stderr)
            failed += 1
            continue
        found = json.loads(done.stdout.splitlines()[-1])
        if not args.no_memory and row != IMAGES:
            found["memory"] = {side: peak_memory(row, side) for side in found["rates"]}
        record(row, found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
