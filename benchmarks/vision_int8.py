"""int8 inference beside OpenVINO (NNCF) and ONNX Runtime (static quantization):

    PYTHONPATH=python:. .venv-peers/bin/python -m benchmarks.vision_int8 [NETWORK...]

The same network with the same weights: ours, exported to ONNX, quantized by each with its own tools
on the same images. Then us and one peer take turns, each in a process of its own on two threads
(in one process two pools of threads would wait for each other). Peak memory is that of a process
that loads a quantized network and runs it, beyond what it had with the library imported. Weights
are random: no time depends on them.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Callable

import numpy as np

from benchmarks.harness import Row, compare, table

THREADS = 2
NETWORKS = ("ResNet50", "MobileNetV2", "GoogLeNet")
BATCHES = (1, 32)
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
RUN = {"Andiron": run_andiron, "OpenVINO": run_openvino, "ONNX Runtime": run_onnxruntime}


def rounds_of(who: str, folder: str, batch: int) -> Callable[[], int]:
    """32 images a call."""
    run, x = RUN[who](folder, batch), images(batch)
    repeats = max(1, 32 // batch)

    def once() -> int:
        for _ in range(repeats):
            run(x)
        return repeats * batch

    return once


def serve(who: str, folder: str, batch: int) -> None:
    """A round for each line that comes; answers with its images."""
    once = rounds_of(who, folder, batch)
    for _ in sys.stdin:
        print(once(), flush=True)


class Process:
    """Rounds in a process of their own."""

    def __init__(self, who: str, folder: str, batch: int):
        here = [sys.executable, "-m", MODULE, "--serve", who, folder, str(batch)]
        self._process = subprocess.Popen(
            here, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self) -> int:
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def row(name: str, folder: str, batch: int, peer: str) -> Row:
    ours, theirs = Process("Andiron", folder, batch), Process(peer, folder, batch)
    try:
        return compare(f"{name} int8, batch {batch}", peer, "images/s", ours, theirs, ROUNDS)
    finally:
        ours.close()
        theirs.close()


def peak(who: str, folder: str, batch: int) -> float:
    """MB beyond the imported library."""
    from benchmarks.once import _resident

    __import__({"Andiron": "andiron.models", "OpenVINO": "openvino"}.get(who, "onnxruntime"))
    x = images(batch)
    before = _resident("VmRSS:")
    run = RUN[who](folder, batch)
    for _ in range(3):
        run(x)
    return _resident("VmHWM:") - before


def _child(*arguments: str) -> str:
    here = [sys.executable, "-m", MODULE, *arguments]
    done = subprocess.run(here, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()[-1] if done.stdout else ""


def bench(names: list[str], folder: str) -> list[Row]:
    rows = []
    for name in names:
        here = os.path.join(folder, name)
        os.makedirs(here, exist_ok=True)
        for who in RUN:
            _child("--prepare", who, name, here)
        for batch in BATCHES:
            for peer in ("OpenVINO", "ONNX Runtime"):
                rows.append(row(name, here, batch, peer))
                print(table(rows[-1:]).splitlines()[-1], flush=True)
            memory = {who: float(_child("--peak", who, here, str(batch))) for who in RUN}
            print(
                f"{name} int8, batch {batch}: peak memory "
                + ", ".join(f"{who} {mb:.0f} MB" for who, mb in memory.items()),
                flush=True,
            )
    return rows


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--prepare"]:
        PREPARE[arguments[1]](*arguments[2:4])
    elif arguments[:1] == ["--serve"]:
        serve(arguments[1], arguments[2], int(arguments[3]))
    elif arguments[:1] == ["--peak"]:
        print(peak(arguments[1], arguments[2], int(arguments[3])))
    else:
        with tempfile.TemporaryDirectory() as folder:
            print(table(bench(arguments or list(NETWORKS), folder)))


if __name__ == "__main__":
    main(sys.argv[1:])
