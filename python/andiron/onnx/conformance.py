"""Runs ONNX's backend test suite: each case passed, is unsupported (with the reason) or failed.

    python -m andiron.onnx.conformance [--json FILE] [--only TEXT]

Needs the package onnx. The data sets that come with it are used; nothing is fetched.
"""

from __future__ import annotations

import argparse
import collections
import glob
import json
import os
import warnings
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests
from onnx.backend.test.runner import Runner

from andiron.onnx import Unsupported
from andiron.onnx.backend import AndironBackend

KINDS = ("node", "pytorch-converted", "pytorch-operator", "simple")


def cases(kind: str) -> list:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_model_tests(kind=kind)


def _array(value: Any) -> np.ndarray:
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    if not isinstance(value, (np.ndarray, np.generic)):
        kind = "an optional that is empty" if value is None else f"a {type(value).__name__}"
        raise Unsupported(f"[onnx] {kind}: Andiron has tensors only")
    return np.asarray(value)


def _read(path: str) -> np.ndarray:
    tensor = onnx.TensorProto()
    with open(path, "rb") as f:
        tensor.ParseFromString(f.read())
    return numpy_helper.to_array(tensor)


def _sets(case: Any, model: Any):
    """(inputs, outputs) of each data set."""
    infos = [*model.graph.input, *model.graph.output]
    others = [i.type.WhichOneof("value") for i in infos if not i.type.HasField("tensor_type")]
    if others:
        kind = (others[0] or "value").removesuffix("_type")
        raise Unsupported(f"[onnx] a value of type {kind}: Andiron has tensors only")
    if case.model_dir is None:
        for inputs, outputs in case.data_sets:
            yield [_array(v) for v in inputs], [_array(v) for v in outputs]
        return
    for folder in sorted(glob.glob(os.path.join(case.model_dir, "test_data_set_*"))):
        found = []
        for side in ("input", "output"):
            n = len(glob.glob(os.path.join(folder, f"{side}_*.pb")))
            found.append([_read(os.path.join(folder, f"{side}_{i}.pb")) for i in range(n)])
        yield found


def run(case: Any) -> tuple[str, str]:
    """("passed" | "unsupported" | "failed", why)."""
    try:
        model = (
            onnx.load(os.path.join(case.model_dir, "model.onnx")) if case.model_dir else case.model
        )
        prepared = AndironBackend.prepare(model)
        for inputs, outputs in _sets(case, model):
            Runner.assert_similar_outputs(outputs, prepared.run(inputs), case.rtol, case.atol)
    except Unsupported as e:
        return "unsupported", str(e)
    except AssertionError as e:
        lines = [line.strip() for line in str(e).splitlines() if "ismatch" in line]
        return "failed", f"the numbers differ: {lines[0] if lines else str(e).strip()}"
    except Exception as e:  # whatever it is, the case failed and the suite goes on
        return "failed", f"{type(e).__name__}: {e}"
    return "passed", ""


def run_all(kind: str, only: str = "") -> dict[str, tuple[str, str]]:
    return {c.name: run(c) for c in cases(kind) if only in c.name}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", help="write every case's result here")
    parser.add_argument("--only", default="", help="cases whose name has this text")
    parser.add_argument("--kind", default="", help=f"one of {', '.join(KINDS)}")
    parser.add_argument("--verbose", action="store_true", help="print what did not pass")
    args = parser.parse_args()
    results = {}
    for kind in KINDS:
        if args.kind and kind != args.kind:
            continue
        results[kind] = run_all(kind, args.only)
        count = collections.Counter(r for r, _ in results[kind].values())
        print(
            f"{kind}: {len(results[kind])} cases, "
            + ", ".join(f"{n} {r}" for r, n in sorted(count.items()))
        )
        if args.verbose:
            for name, (result, why) in results[kind].items():
                if result != "passed":
                    first = why.strip().splitlines()[0] if why.strip() else ""
                    print(f"  {result:12} {name}: {first}")
    if args.json:
        with open(args.json, "w") as f:
            json.dump(results, f, indent=1, sort_keys=True)


if __name__ == "__main__":
    main()
