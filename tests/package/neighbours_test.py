"""One process with Andiron, PyTorch and scikit-learn, imported in either order: all compute."""

from __future__ import annotations

import itertools
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
pytestmark = pytest.mark.slow

COMPUTE = {
    "andiron": """
import andiron as an
x = an.Input((4,))
model = an.Sequential([x, an.layers.Dense(8, activation="relu"), an.layers.Dense(1)])
model.compile(optimizer="adam", loss="mse")
model.fit(features, labels, epochs=1, batch_size=64, verbose=0)
assert np.isfinite(model.predict(features, verbose=0)).all()
""",
    "torch": """
import torch
left = torch.from_numpy(features)
np.testing.assert_allclose((left.T @ left).numpy(), features.T @ features, rtol=1e-3)
""",
    "sklearn": """
import sklearn.linear_model
fitted = sklearn.linear_model.LinearRegression().fit(features, labels)
assert fitted.score(features, labels) > 0.99
""",
}
SETUP = """
import numpy as np
features = np.random.default_rng(0).normal(size=(4096, 4)).astype("float32")
labels = features @ np.array([[1.0], [2.0], [3.0], [4.0]], "float32")
"""


@pytest.mark.parametrize("order", list(itertools.permutations(COMPUTE)), ids="-".join)
def test_all_three_compute_in_one_process(order):
    if not PYTHON.exists():
        pytest.skip("scripts/setup peers")
    # Twice: the second round runs with every thread pool up.
    code = SETUP + "".join(COMPUTE[name] for name in order) * 2
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run(
        [PYTHON, "-c", code], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-4000:]
