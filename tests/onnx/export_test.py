"""Exported networks give the same in ONNX Runtime, for every opset that is written; slow."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv-peers" / "bin" / "python"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PEERS.exists(), reason="there is no environment with onnxruntime"),
]


def run(script):
    return subprocess.run(
        [str(PEERS), str(Path(__file__).parent / script)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "python")},
        capture_output=True,
        text=True,
        timeout=900,
    )


def test_the_checker_and_onnx_runtime_agree_for_every_opset():
    done = run("check_exports.py")
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert done.stdout.count("opset 21") >= 2


def test_networks_that_pytorch_exported_are_tuned():
    done = run("check_pytorch.py")
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
