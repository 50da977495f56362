"""ONNX's own backend test suite, in this process: what must pass, passes; nothing crashes.

The suite runs in the environment that has the package onnx (requirements/peers.txt); slow.
"""

import collections
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv-peers" / "bin" / "python"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PEERS.exists(), reason="there is no environment with onnx"),
]


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    out = tmp_path_factory.mktemp("onnx") / "results.json"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    run = subprocess.run(
        [str(PEERS), "-m", "andiron.onnx.conformance", "--json", str(out)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=3000,
    )
    assert run.returncode == 0, f"a case ended the process ({run.returncode}): {run.stderr[-2000:]}"
    return json.loads(out.read_text())


def counts(results, kind):
    return collections.Counter(result for result, _ in results[kind].values())


def test_every_case_has_a_result(results):
    assert len(results["node"]) >= 1884
    assert len(results["pytorch-converted"]) == 82
    assert len(results["pytorch-operator"]) == 35


def test_at_least_a_thousand_node_cases_pass(results):
    assert counts(results, "node")["passed"] >= 1000


def test_all_converted_models_pass(results):
    missing = {n: r for n, r in results["pytorch-converted"].items() if r[0] != "passed"}
    assert not missing


def test_what_is_unsupported_says_what_it_is(results):
    for kind in results:
        for name, (result, why) in results[kind].items():
            assert result != "unsupported" or why, name


def test_the_table_in_the_docs_is_what_passes(results):
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        from make_onnx_docs import table
    finally:
        sys.path.pop(0)
    assert table(results) in (ROOT / "docs" / "onnx.md").read_text()
