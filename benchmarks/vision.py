"""make bench ROWS=vision, ROWS=vision-infer-GoogLeNet: image networks beside the peers.

Each row runs in a process of its own, where all sides take turns with two threads each. Threads of
some peers spin after a call, so each side has a call that is not timed before each timed round.
Results go to results_vision.json and results_vision.md.
"""

from __future__ import annotations

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
IMAGES = "images"
ROWS = [*INFERENCES, *TRAININGS, IMAGES]
ROUNDS = 7


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
    """Images a second of calls that take about `seconds` together, after one that is not timed."""
    run()
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
    seconds = 0.3 if row in INFERENCES else 0.0
    return {"row": row, "rates": interleaved(runs, rounds, seconds), "left_out": left_out}


def peak_memory(row: str, side: str) -> float:
    """MB at the peak of a process that makes one side of a row and runs it three times."""
    code = (f"from benchmarks import vision; run = vision.makers({row!r})[{side!r}]()\n"
            "for _ in range(3): run()\n"
            "print(next(int(x.split()[1]) / 1024 for x in open('/proc/self/status')"
            " if x.startswith('VmHWM')))")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.DEVNULL, check=True)  # fmt: skip
    return float(done.stdout.split()[-1])


def target_of(row: str) -> float:
    if row in INFERENCES:
        return INFERENCES[row][2]
    return TRAININGS[row][3] if row in TRAININGS else 1.0


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
                f"{target_of(row)} | {BIGDL.get(row, '')} | {mega.get('Andiron', '')} | "
                f"{mega.get(line['peer'], '')} |"
            )
        for side, why in result["left_out"].items():
            text.append(f"| {row} | {side} | | | {why} | | | | |")
    machines = {r["machine"] for r in results.values()}
    days = sorted({r["measured"] for r in results.values()})
    return "\n".join([*text, "", f"Measured {' and '.join(days)} on {'; '.join(machines)}.", ""])


def machine() -> str:
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            wide = "AVX-512" if " avx512f " in line + " " else "AVX2"
        if line.startswith("model name"):
            name = line.split(":")[1].strip()
    return f"two cores of an {name} with {wide}"


def main(selected: list[str], memory: bool = True) -> int:
    rows = [r for r in ROWS if not selected or any(f"vision-{r}".startswith(s) for s in selected)]
    failed = 0
    for row in rows:
        print(f"... {row}", file=sys.stderr)
        done = subprocess.run([sys.executable, "-m", "benchmarks.vision", "--one", row],
                              stdout=subprocess.PIPE, text=True)  # fmt: skip
        if done.returncode != 0:
            print(f"{row} failed", file=sys.stderr)
            failed += 1
            continue
        result = json.loads(done.stdout.splitlines()[-1])
        result |= {"machine": machine(), "measured": str(datetime.date.today()), "memory": {}}
        if memory and row != IMAGES:
            for side in result["rates"]:
                result["memory"][side] = peak_memory(row, side)
        results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        results[row] = result
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
        TABLE.write_text(table(results))
        for line in summary(result):
            print(f"{row:<28} {line['peer']:<14} {line['ours']:>10,.1f} {line['theirs']:>10,.1f}  "
                  f"{line['ratio']:.2f} ({line['low']:.2f} to {line['high']:.2f})")  # fmt: skip
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(sys.argv[2])))
    else:
        arguments = [a for a in sys.argv[1:] if a != "--no-memory"]
        sys.exit(main(arguments, len(arguments) == len(sys.argv) - 1))
