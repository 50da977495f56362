"""examples/gan_digits.py, in short and in full."""

import importlib.util
import math
from pathlib import Path

import pytest

pytest.importorskip("sklearn")

PATH = Path(__file__).resolve().parents[2] / "examples" / "gan_digits.py"


@pytest.fixture
def example():
    spec = importlib.util.spec_from_file_location("gan_digits", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_runs(example, capsys):
    found = example.main(epochs=2)
    assert math.isfinite(found["d_loss"]) and math.isfinite(found["g_loss"])
    assert "are read as a digit" in capsys.readouterr().out


@pytest.mark.slow
def test_it_learns_to_write_digits(example):
    found = example.main(epochs=150)
    assert found["read"] > 0.25 and found["digits"] >= 8
