"""What a process costs once: its peak memory while it trains, the import, the first step.

Each figure comes from a process of its own, since neither can be measured twice in one:
`python -m benchmarks.once memory ours ncf-8192` prints one number.
"""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks import workloads

STEPS = 3
# work -> what each side trains: (name of the function, the data, batch, arguments of ours, theirs)
TRAININGS = {
    "ncf-8192": ("train_ncf", lambda n: workloads.ncf(6040, 3706, n), 8192, {}, {}),
    "ncf-65536": ("train_ncf", lambda n: workloads.ncf(6040, 3706, n), 65536, {}, {}),
    "ncf-1600000": ("train_ncf", lambda n: workloads.ncf(6040, 3706, n), 1_600_000, {}, {}),
    "ncf-large-lazy": ("train_ncf", lambda n: workloads.ncf(1_000_000, 200_000, n), 65536,
                       {"lazy": True}, {"sparse": True}),
    "ncf-large-exact": ("train_ncf", lambda n: workloads.ncf(1_000_000, 200_000, n), 65536, {}, {}),
    "wide-deep": ("train_wide_deep", workloads.wide_deep, 4096, {}, {}),
    "mlp": ("train_mlp", workloads.mlp, 128, {}, {}),
}


def _resident(field: str) -> float:
    """A line of /proc/self/status, in MB."""
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(field):
                return int(line.split()[1]) / 1024
    raise RuntimeError(f"there is no {field}")


def memory(side: str, work: str) -> float:
    """MB at the peak of a few training steps beyond what the process held with library and data."""
    from benchmarks import run

    function, data_of, batch, ours, theirs = TRAININGS[work]
    steps = 1 if batch > 1_000_000 else STEPS
    data = data_of(batch * steps)
    library = run._ours() if side == "ours" else run._torch()
    with open("/proc/self/clear_refs", "w", encoding="ascii") as peak:
        peak.write("5")
    before = _resident("VmRSS")
    getattr(library, function)(data, batch, steps, **(ours if side == "ours" else theirs))()
    return _resident("VmHWM") - before


def first_step() -> None:
    """What a new process does up to its first training step."""
    from benchmarks import run

    run._ours().train_ncf(workloads.ncf(6040, 3706, 8192), 8192, 1)()


def seconds(code: str) -> float:
    """The time of a new Python process that runs `code`, less that of one that runs nothing."""
    def timed(text: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", text], check=True)
        return time.perf_counter() - start

    return timed(code) - timed("pass")


def measure(*arguments: str) -> float:
    """One figure from a process of its own."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.once", *arguments],
                          stdout=subprocess.PIPE, text=True, check=True)  # fmt: skip
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    print(memory(*sys.argv[2:]))
