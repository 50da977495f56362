"""State dicts of PyTorch give PyTorch's outputs in networks on tables."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from andiron.cli import main
from click.testing import CliRunner

from andiron import Input, Model, layers, models

PYTHON = Path(__file__).resolve().parents[2] / ".venv-peers" / "bin" / "python"
SCRIPT = Path(__file__).with_name("peer_table.py")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="no .venv-peers: scripts/setup peers"),
]


def network() -> Model:
    ids, numbers = Input((2,), dtype="int32", name="ids"), Input((5,), name="numbers")
    words = layers.Flatten()(layers.Embedding(20, 3, name="words")(ids))
    y = layers.Dense(16, name="body.0")(layers.Concatenate()([words, numbers]))
    y = layers.ReLU()(layers.BatchNormalization(name="body.1")(y))
    y = layers.Dense(4, "tanh", use_bias=False, name="body.4")(layers.Dropout(0.2)(y))
    return Model([ids, numbers], layers.Dense(2, name="out")(y))


def test_every_format_gives_the_outputs(tmp_path):
    subprocess.run([PYTHON, SCRIPT, tmp_path], check=True, timeout=600)
    out = dict(np.load(tmp_path / "outputs.npz"))
    x = {"ids": out["ids"], "numbers": out["numbers"]}
    network().save(tmp_path / "empty.safetensors")
    for name in ("zip.pt", "older.pt", "s.safetensors"):
        model = network()
        model.load_weights(tmp_path / name)
        np.testing.assert_allclose(model.predict(x, verbose=0), out["y"], rtol=1e-4, atol=1e-5)
        made = tmp_path / "made.safetensors"
        said = CliRunner().invoke(
            main,
            ["convert", str(tmp_path / name), str(made), "--into",
             str(tmp_path / "empty.safetensors")],
        )  # fmt: skip
        assert said.exit_code == 0, said.output
        found = models.load(made).predict(x, verbose=0)
        np.testing.assert_allclose(found, out["y"], rtol=1e-4, atol=1e-5)
        about = CliRunner().invoke(main, ["info", str(tmp_path / name)]).output
        assert "running_var" in about and "[16, 11]" in about
