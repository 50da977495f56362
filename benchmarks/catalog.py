"""make bench ROWS=catalog, ROWS=catalog-exp: every op by itself beside PyTorch.

A plan of one node, made before, on 64 K elements or more, against the same in PyTorch at once; two
threads, interleaved, float32 unless the op takes integers. Both sides allocate their results.
Before each round the other side's threads have time to stop spinning, and its own are woken by a
few calls that do not count. Prints the ratio of each with its lowest and highest round, the
slowest first; above 1 we are faster.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

from benchmarks.catalog_cases import NO_PEER, cases

ROUNDS, ROUND_SECONDS, REST_SECONDS = 21, 0.004, 0.02
THREADS = 2


def repeated(run: Callable[[], object]) -> tuple[Callable[[], float], int]:
    """Seconds of one call in a round of so many."""
    calls = []
    for _ in range(6):  # the fastest: a first call allocates, and any may find its threads asleep
        start = time.perf_counter()
        run()
        calls.append(time.perf_counter() - start)
    n = max(1, int(ROUND_SECONDS / max(min(calls), 1e-7)))

    def seconds() -> float:
        time.sleep(REST_SECONDS)
        for _ in range(max(1, n // 8)):
            run()
        start = time.perf_counter()
        for _ in range(n):
            run()
        return (time.perf_counter() - start) / n

    return seconds, n


def compare(ours: Callable, theirs: Callable, rounds: int = ROUNDS) -> dict:
    sides = [repeated(ours)[0], repeated(theirs)[0]]
    pairs = [(sides[0](), sides[1]()) for _ in range(rounds)]
    ratios = [b / a for a, b in pairs]
    return {
        "ours": statistics.median(a for a, _ in pairs),
        "theirs": statistics.median(b for _, b in pairs),
        "ratio": statistics.median(ratios), "low": min(ratios), "high": max(ratios),
    }  # fmt: skip


def plan_of(compose: Callable, arrays: list) -> Callable[[], object]:
    import andiron

    leaves = [andiron.placeholder(f"x{i}", a.shape, a.dtype) for i, a in enumerate(arrays)]
    values = compose(*leaves)
    values = list(values) if isinstance(values, (list, tuple)) else [values]
    plan = andiron.Plan.compile(andiron.Graph(leaves, values))
    tensors = [andiron.Tensor(a) for a in arrays]
    return lambda: plan.run(*tensors)


def main(selected: list[str]) -> int:
    import numpy as np
    import torch

    import andiron
    from andiron import _core

    andiron.set_threads(THREADS)
    torch.set_num_threads(THREADS)
    found, seen = [], set()
    for case in cases():
        seen.add(case.op)
        if selected and not any(f"catalog-{case.op}".startswith(s) for s in selected):
            continue
        tensors = [torch.from_numpy(np.ascontiguousarray(a)) for a in case.arrays]
        with torch.inference_mode():
            line = compare(plan_of(case.ours, case.arrays), lambda: case.theirs(*tensors))  # noqa: B023
        found.append({"op": case.op + (f" {case.note}" if case.note else ""), **line})
        print(f"... {found[-1]['op']} {line['ratio']:.2f}", file=sys.stderr, flush=True)
    for line in sorted(found, key=lambda x: x["ratio"]):
        print(f"{line['op']:<40} {line['ours'] * 1e6:>9,.1f} us {line['theirs'] * 1e6:>9,.1f} us  "
              f"{line['ratio']:.2f} ({line['low']:.2f} to {line['high']:.2f})")  # fmt: skip
    missing = {op["name"] for op in _core.catalog() if op["inputs"]} - seen - set(NO_PEER)
    if missing:
        print(f"without a case: {', '.join(sorted(missing))}", file=sys.stderr)
    slow = [line["op"] for line in found if line["ratio"] < 0.9]
    print(f"{len(found)} cases, {len(slow)} below 0.9: {', '.join(slow)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
