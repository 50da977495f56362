"""Importing is quick and light; docstrings' examples are true; the core's stub names all."""

import doctest
import importlib
import json
import subprocess
import sys

import pytest

MODULES = [
    "andiron",
    "andiron._py_function",
    "andiron._steps",
    "andiron._tables",
    "andiron._vocabulary",
    "andiron.images._datasets",
    "andiron.images._functions",
    "andiron.images._pipeline",
    "andiron._workers",
    "andiron.apps.images.tuning",
    "andiron.callbacks",
    "andiron.collective",
    "andiron.data",
    "andiron.datasets",
    "andiron.explain",
    "andiron.explain._attribution",
    "andiron.explain._permutation",
    "andiron.gradients",
    "andiron.initializers",
    "andiron.layers",
    "andiron.layers.base",
    "andiron.layers.core",
    "andiron.layers.merging",
    "andiron.linear",
    "andiron.losses",
    "andiron.metrics",
    "andiron.models",
    "andiron.ops",
    "andiron.optimizers",
    "andiron.optimizers.schedules",
    "andiron.profiler",
    "andiron.regularizers",
    "andiron.sklearn",
    "andiron.sklearn._classifier",
    "andiron.sklearn._regressor",
    "andiron.sklearn._transformer",
]


def in_a_new_process(code):
    code = f"import sys; sys.path[:0] = {sys.path!r}\n{code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_importing_is_quick_and_light():
    seconds, loaded = in_a_new_process(
        "import time, json; start = time.perf_counter(); import andiron; "
        "seconds = time.perf_counter() - start; from andiron import Sequential, layers; "
        "print(json.dumps([seconds, sorted(sys.modules)]))"
    )
    assert seconds < 5  # a second, and what a busy machine takes
    for heavy in ("pandas", "pyarrow", "matplotlib", "sklearn", "pyspark", "tqdm"):
        assert heavy not in loaded


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert found.failed == 0


def test_everything_public_has_a_docstring():
    missing = []
    for name in MODULES:
        module = importlib.import_module(name)
        for public in getattr(module, "__all__", []):
            thing = getattr(module, public)
            if (callable(thing) or isinstance(thing, type)) and not (thing.__doc__ or "").strip():
                missing.append(f"{name}.{public}")
    assert not missing


def test_interpreter_exits_cleanly_with_arrays_of_ours_alive():
    assert in_a_new_process(
        "import numpy as np, andiron; t = andiron.Tensor(np.zeros(3)); a = t.numpy(); "
        "m = andiron.Sequential([andiron.layers.Dense(1)]); m.compile('adam', 'mse'); "
        "m.fit(np.zeros((4, 2)), np.zeros(4), verbose=0); print('1')"
    )
