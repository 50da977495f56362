"""40 faults, by the campaign's own tool; tests/spark/ sends more through Spark itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
RUNS = 40


def test_every_fault_leaves_the_same_bits_and_nobody_behind(tmp_path):
    pytest.importorskip("pyspark")
    paths = [str(ROOT / "python"), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-m", "faults.campaign", "--runs", str(RUNS), "--out", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)}, timeout=1800, cwd=ROOT,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-3000:]}"
    lines = (tmp_path / "outcomes.jsonl").read_text().splitlines()
    outcomes = [json.loads(line) for line in lines]
    assert sorted(o["seed"] for o in outcomes) == list(range(RUNS))
    assert all(o["struck"] > 0 for o in outcomes)
