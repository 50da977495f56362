"""All that docs/scaling.md and docs/when_spark.md say, in one call:

    sudo -E .venv-peers/bin/python -m benchmarks.scale.run [--only data_parallel,network] [--quick]

Each part is a script of its own and can be run alone. Figures go to benchmarks/results_scale.json
(parts that are not run keep theirs), tables to benchmarks/results_scale.md. Parts that need Spark
run in an interpreter that has it (--spark-python).
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.scale import constants, predict, report
from benchmarks.scale.data_parallel import met
from benchmarks.scale.group import Group

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results_scale.json"
# part: (module, needs Spark, arguments, arguments of --quick)
PARTS = {
    "data_parallel": ("data_parallel", False, ["--rounds", "4"],
                      ["--rounds", "2", "--works", "mlp-tiny,ncf-tiny"]),
    "network": ("network", False, ["--mbit", "200,500", "--work", "mlp-128"],
                ["--mbit", "500", "--repeats", "3", "--work", "mlp-tiny"]),
    "spark": ("spark_overhead", True, ["--rows", "2000000"], ["--rows", "20000", "--rounds", "1"]),
    "crossover": ("crossover", True, [], ["--rows", "2000,20000", "--rounds", "1"]),
    "study": ("study_shape", True, [],
              ["--users", "2000", "--merchants", "100", "--events", "40000", "--als", "8,2"]),
}  # fmt: skip


def machine() -> dict:
    """What this machine reaches and what else it does."""
    import andiron
    from andiron import profiler

    andiron.set_threads(1)
    gflops, gb = profiler.limits()
    arguments = [["--rank", str(rank), "--size", "2"] for rank in range(2)]
    n_bytes = 4 << 20
    with met(Group("benchmarks.scale.sums", arguments)) as group:
        group.hear()
        said = [group.round({"bytes": n_bytes, "repeats": 50})[0] for _ in range(5)]
    return {
        "when": datetime.date.today().isoformat(),
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg(),
        "gflops": gflops,
        "gb_per_second": gb,
        "cpu_byte": statistics.median(one["cpu"] / one["payload_sent"] for one in said),
        "loopback_gb_per_second": n_bytes
        / statistics.median(s for one in said for s in one["seconds"])
        / 1e9,
    }


def ran(part: str, quick: bool, spark_python: str) -> dict:
    module, needs_spark, whole, short = PARTS[part]
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/figures.json"
        python = spark_python if needs_spark else sys.executable
        command = [python, "-m", f"benchmarks.scale.{module}", "--json", path]
        print(f"##### {part}: load {os.getloadavg()}", flush=True)
        subprocess.run([*command, *(short if quick else whole)], check=True, cwd=ROOT)
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    found["when"], found["load"] = datetime.date.today().isoformat(), os.getloadavg()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, in order")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it runs")
    parser.add_argument("--spark-python", default=str(ROOT / ".venv" / "bin" / "python"))
    parser.add_argument("--results", default=str(RESULTS))
    given = parser.parse_args()
    path = Path(given.results)
    results = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    results["machine"] = machine()
    for part in filter(None, given.only.split(",")):
        results[part] = ran(part, given.quick, given.spark_python)
        path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if not given.quick:
        results["constants"] = constants.of_results(results)
        path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        predict.main(["--constants", str(path)])
    path.with_suffix(".md").write_text(report.markdown(results), encoding="utf-8")


if __name__ == "__main__":
    main()
