"""Workers that die in the middle of a training: the weights must not know of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

SCRIPT = """
import sys
from pathlib import Path
here = Path(sys.argv[1])
sys.path.insert(0, sys.argv[2])
import conftest, faults_test
session = conftest.builder(sys.argv[3], here / "spark").config("spark.executor.memory", "512m")
session = session.config("spark.stage.maxConsecutiveAttempts", sys.argv[4]).getOrCreate()
session.sparkContext.setLogLevel("OFF")
faults_test.trainings(session, here, sys.argv[5], sys.argv[6:])
session.stop()
"""


def trainings(session, here: Path, protocol: str, faults: list[str]) -> None:
    """In a process of its own: a training without faults, then one with each."""
    import andiron
    from andiron import callbacks, layers, optimizers
    from andiron import spark as on_spark

    class Fault(callbacks.Callback):
        """Ends worker 1's process (or the executor above it) in its 7th step: as often as `times`
        says."""

        def __init__(self, folder: str, number: int, times: int, executor: bool):
            self.folder, self.number, self.times, self.steps = folder, number, times, 0
            self.executor = executor

        def on_train_batch_end(self, batch, logs=None):
            self.steps += 1
            marks = list(Path(self.folder).glob("fault-*"))
            if self.worker == 1 and self.steps == 7 and len(marks) < self.times:
                (Path(self.folder) / f"fault-{os.getpid()}").touch()
                os.kill(java_above(os.getpid()) if self.executor else os.getpid(), self.number)

    andiron.set_random_seed(3)
    x, who = andiron.Input((2,), name="x"), andiron.Input((), dtype="int32", name="who")
    h = layers.Concatenate()([x, layers.Embedding(40, 4)(who)])
    model = andiron.Model(
        [x, who], layers.Dense(1)(layers.Dropout(0.2)(layers.Dense(8, "relu")(h)))
    )
    frame = session.range(0, 2000, 1, 5).selectExpr(
        "sin(id) as a", "cos(3 * id) as b", "cast(id % 40 as int) as who", "sin(id) * cos(id) as y"
    )
    for fault in ["none:0", *faults]:
        kind, times = fault.split(":")
        folder = here / f"{kind}{times}"
        folder.mkdir()
        fault_of = {
            "kill": signal.SIGKILL, "stop": signal.SIGSTOP, "executor": signal.SIGKILL,
        }  # fmt: skip
        estimator = on_spark.Estimator(
            model=model, loss="mse", optimizer=optimizers.Adam(0.01), label="y",
            features={"x": ["a", "b"], "who": "who"}, batch_size=100, epochs=3, num_workers=2,
            metrics=["mae"], seed=4, verbose=0, heartbeat_timeout=3.0,
            checkpoint_dir=f"{protocol}{folder}", checkpoint_every=5,
            callbacks=[
                Fault(str(folder), fault_of.get(kind, 0), int(times), kind == "executor"),
                callbacks.EarlyStopping("loss", patience=50),
            ],
        )  # fmt: skip
        trained = estimator.fit(frame)
        np.savez(
            here / f"{kind}{times}.npz",
            *trained.native.get_weights(),
            history=np.array(list(trained.history.values())),
        )
        found = trained.transform(frame).toPandas()
        x = {"x": found[["a", "b"]].to_numpy(), "who": found["who"].to_numpy()}
        np.testing.assert_allclose(found["prediction"], trained.native.predict(x)[:, 0], atol=1e-5)


def java_above(process: int) -> int:
    """The executor that started a Python worker."""
    while os.path.basename(os.readlink(f"/proc/{process}/exe")) != "java":
        process = int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return process


@pytest.mark.parametrize(
    ("master", "stage_attempts", "protocol", "faults"),
    [
        ("local-cluster[2,1,1024]", 4, "", ["kill:1", "kill:2"]),
        ("local[2]", 4, "", ["kill:1", "stop:1"]),
        ("local[2]", 4, "local://", ["kill:1"]),  # by fsspec
        ("local[2]", 1, "", ["kill:2"]),  # Spark gives up at once: the driver starts again
    ],
)
def test_a_lost_worker_leaves_no_trace_in_the_weights(
    tmp_path, master, stage_attempts, protocol, faults
):
    pytest.importorskip("pyspark")
    if protocol:
        pytest.importorskip("fsspec")
    leave_no_trace(tmp_path, master, stage_attempts, faults, protocol)


def leave_no_trace(
    folder: Path, master: str, stage_attempts: int, faults: list[str], protocol: str = ""
) -> None:
    """Trains with each fault and without, and compares the bits."""
    import pyspark

    root = Path(__file__).resolve().parents[2]
    environment = {
        **os.environ,
        "SPARK_HOME": os.path.dirname(pyspark.__file__),
        "PYTHONPATH": f"{root / 'python'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), str(Path(__file__).parent), master,
         str(stage_attempts), protocol, *faults],
        env=environment, timeout=3600, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-6000:]
    undisturbed = np.load(folder / "none0.npz")
    for fault in faults:
        name = fault.replace(":", "")
        assert len(list((folder / name).glob("fault-*"))) == int(fault[-1]), "no fault happened"
        found = np.load(folder / f"{name}.npz")
        assert len(found.files) == len(undisturbed.files)
        for part in undisturbed.files:
            np.testing.assert_array_equal(found[part], undisturbed[part], err_msg=f"{fault} {part}")
