"""int8 inference beside OpenVINO (NNCF) and ONNX Runtime (static quantization):

    PYTHONPATH=python:. .venv-peers/bin/python -m benchmarks.vision_int8 [--folder DIR] [ROW...]

The same network with the same weights: ours, exported to ONNX, quantized by each with its own tools
on the same images (kept in --folder, for a second call). Then all sides take turns on two threads
each (benchmarks/turns.py); our float32 predictions are one side. Peak memory is that of a process
that loads a quantized network and runs it, beyond what it had with the library imported. Weights
are random: no time depends on them. Results go to results_vision_int8.json and
results_vision_int8.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Callable

import numpy as np

from benchmarks.turns import compare, machine, serve, summary

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "results_vision_int8.json"
TABLE = HERE / "results_vision_int8.md"
THREADS = 2
NETWORKS = ("ResNet50", "MobileNetV2", "GoogLeNet")
BATCHES = (1, 32)
ROWS = {f"{name}-{batch}": (name, batch) for name in NETWORKS for batch in BATCHES}
TARGETS = {"ResNet50": 1.0, "MobileNetV2": 1.0, "GoogLeNet": 3.0}
FLOAT = "Andiron, float32"
CALIBRATION_IMAGES = 16
ROUNDS = 7
MODULE = "benchmarks.vision_int8"


def images(n: int) -> np.ndarray:
    return np.random.default_rng(5).uniform(0, 255, (n, 3, 224, 224)).astype(np.float32)


# Quantizing: once for each network.


def prepare_andiron(name: str, folder: str) -> None:
    import andiron
    from andiron import models, onnx

    andiron.set_threads(THREADS)
    options = {"batch_norm": False} if name == "GoogLeNet" else {}
    model = getattr(models, name)(input_shape=(3, 224, 224), **options)
    model.save(f"{folder}/float.andiron")
    onnx.save(model, f"{folder}/float.onnx", 17)
    model.quantized(images(CALIBRATION_IMAGES), verbose=0).save(f"{folder}/int8.andiron")


def prepare_openvino(_name: str, folder: str) -> None:
    import nncf
    import openvino as ov

    model = ov.Core().read_model(f"{folder}/float.onnx")
    data = nncf.Dataset([image[None] for image in images(CALIBRATION_IMAGES)])
    quantized = nncf.quantize(model, data, subset_size=CALIBRATION_IMAGES)
    ov.save_model(quantized, f"{folder}/int8.xml")


def prepare_onnxruntime(_name: str, folder: str) -> None:
    import onnxruntime as ort
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = f"{folder}/prepared.onnx"
    quant_pre_process(f"{folder}/float.onnx", prepared)
    name = ort.InferenceSession(prepared, providers=["CPUExecutionProvider"]).get_inputs()[0].name

    class Reader(CalibrationDataReader):
        def __init__(self):
            self._left = iter([{name: image[None]} for image in images(CALIBRATION_IMAGES)])

        def get_next(self):
            return next(self._left, None)

    vnni = "vnni" in pathlib.Path("/proc/cpuinfo").read_text("ascii")
    quantize_static(
        prepared, f"{folder}/int8.onnx", Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
        reduce_range=not vnni,
    )  # fmt: skip


# Running: a function of one batch.


def run_andiron(folder: str, _batch: int) -> Callable[[np.ndarray], object]:
    import andiron
    from andiron import models

    andiron.set_threads(THREADS)
    return models.load(f"{folder}/int8.andiron").predict


def run_float(folder: str, _batch: int) -> Callable[[np.ndarray], object]:
    from andiron import models

    return models.load(f"{folder}/float.andiron").frozen(THREADS).predict


def run_openvino(folder: str, batch: int) -> Callable[[np.ndarray], object]:
    import openvino as ov

    core = ov.Core()
    model = core.read_model(f"{folder}/int8.xml")
    model.reshape([batch, 3, 224, 224])
    settings = {"INFERENCE_NUM_THREADS": THREADS, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
    compiled = core.compile_model(model, "CPU", settings)
    return lambda x: compiled([x])


def run_onnxruntime(folder: str, _batch: int) -> Callable[[np.ndarray], object]:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = ort.InferenceSession(
        f"{folder}/int8.onnx", options, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})


PREPARE = {
    "Andiron": prepare_andiron,
    "OpenVINO": prepare_openvino,
    "ONNX Runtime": prepare_onnxruntime,
}
RUN = {
    "Andiron": run_andiron,
    "OpenVINO": run_openvino,
    "ONNX Runtime": run_onnxruntime,
    FLOAT: run_float,
}


def rounds_of(who: str, folder: str, batch: int) -> Callable[[], int]:
    """32 images a call."""
    run, x = RUN[who](folder, batch), images(batch)
    repeats = max(1, 32 // batch)

    def once() -> int:
        for _ in range(repeats):
            run(x)
        return repeats * batch

    return once


def measure(folder: str, batch: int, rounds: int) -> dict[str, list[float]]:
    """Images a second of each side in each round."""
    sides = {who: (who, folder, str(batch)) for who in RUN}
    return compare(MODULE, sides, rounds, 0.4)["rates"]


def peak(who: str, folder: str, batch: int) -> float:
    """MB beyond the imported library."""
    from benchmarks.once import _resident

    modules = {"OpenVINO": "openvino", "ONNX Runtime": "onnxruntime"}
    __import__(modules.get(who, "andiron.models"))
    x = images(batch)
    before = _resident("VmRSS:")
    run = RUN[who](folder, batch)
    for _ in range(3):
        run(x)
    return _resident("VmHWM:") - before


def table(results: dict[str, dict]) -> str:
    text = [
        "# Image networks in 8 bits beside the peers",
        "",
        "`python -m benchmarks.vision_int8`: images a second, 224x224, two threads, 32 images a "
        "round; each side in a process of its own, in turn.",
        "A ratio is the median of the rounds, in brackets the lowest and the highest; above 1 we "
        "are faster. Memory is the peak beyond the imported library.",
        "",
        "| row | peer | ours, int8 | theirs | ratio | target | memory, ours | theirs |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for row, (name, _) in ROWS.items():
        found = results.get(row)
        if found is None:
            continue
        mega = {side: f"{mb:,.0f} MB" for side, mb in found["memory"].items()}
        for line in summary(found):
            target = "" if line["peer"] == FLOAT else TARGETS[name]
            text.append(
                f"| {row} | {line['peer']} | {line['ours']:,.1f} | {line['theirs']:,.1f} | "
                f"{line['ratio']:.2f} ({line['low']:.2f} to {line['high']:.2f}) | {target} | "
                f"{mega.get('Andiron', '')} | {mega.get(line['peer'], '')} |"
            )
    machines = sorted({r["machine"] for r in results.values()})
    days = sorted({r["measured"] for r in results.values()})
    return "\n".join([*text, "", f"Measured {' and '.join(days)} on {'; '.join(machines)}.", ""])


def record(row: str, rates: dict, memory: dict) -> None:
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results[row] = {"row": row, "rates": rates, "memory": memory, "machine": machine(),
                    "measured": str(datetime.date.today())}  # fmt: skip
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    TABLE.write_text(table(results))
    for line in summary(results[row]):
        print(f"{row:<16} {line['peer']:<16} {line['ours']:>8,.1f} {line['theirs']:>8,.1f}  "
              f"{line['ratio']:.2f} ({line['low']:.2f} to {line['high']:.2f})")  # fmt: skip


def _child(*arguments: str) -> str:
    here = [sys.executable, "-m", MODULE, *arguments]
    done = subprocess.run(here, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()[-1] if done.stdout else ""


def prepared(name: str, folder: str) -> str:
    """The folder of a network quantized by all."""
    here = os.path.join(folder, name)
    os.makedirs(here, exist_ok=True)
    for who in PREPARE:
        done = pathlib.Path(here, f"{who}.done")
        if not done.exists():
            _child("--prepare", who, name, here)
            done.touch()
    return here


def bench(rows: list[str], folder: str, rounds: int) -> None:
    for row in rows:
        name, batch = ROWS[row]
        here = prepared(name, folder)
        memory = {who: float(_child("--peak", who, here, str(batch))) for who in RUN}
        record(row, measure(here, batch, rounds), memory)


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--prepare"]:
        PREPARE[arguments[1]](*arguments[2:4])
    elif arguments[:1] == ["--serve"]:
        serve(lambda: rounds_of(arguments[1], arguments[2], int(arguments[3])))
    elif arguments[:1] == ["--peak"]:
        print(peak(arguments[1], arguments[2], int(arguments[3])))
    else:
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("rows", nargs="*", help=f"Of {', '.join(ROWS)}. Default: all.")
        parser.add_argument("--folder", help="Keeps the quantized networks.")
        parser.add_argument("--rounds", type=int, default=ROUNDS)
        args = parser.parse_args(arguments)
        if wrong := set(args.rows) - set(ROWS):
            parser.error(f"no rows: {', '.join(sorted(wrong))}")
        with tempfile.TemporaryDirectory() as folder:
            bench(args.rows or list(ROWS), args.folder or folder, args.rounds)


if __name__ == "__main__":
    main(sys.argv[1:])
