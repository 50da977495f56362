"""Ctrl-C at the driver: the job ends, no process is left, and the next run goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

SCRIPT = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where jobs run behind a shell
here = Path(sys.argv[1])
sys.path.insert(0, sys.argv[2])
import conftest, interrupt_test
session = conftest.builder("local[2]", here / "spark").getOrCreate()
session.sparkContext.setLogLevel("OFF")
for name in sys.argv[3:]:
    try:
        interrupt_test.training(session, here, name)
    except KeyboardInterrupt:
        interrupt_test.wait_for_the_end_of_jobs(session)
        print("KeyboardInterrupt")
session.stop()
"""


def training(session, here: Path, name: str) -> None:
    """In a process of its own. Slow from the 8th step on where that is asked for."""
    import andiron
    from andiron import callbacks, layers
    from andiron import spark as on_spark

    class Watched(callbacks.Callback):
        def __init__(self, folder: str):
            self.folder, self.steps = folder, 0

        def on_train_batch_end(self, batch, logs=None):
            self.steps += 1
            if self.steps > 7 and (Path(self.folder) / "be slow").exists():
                (Path(self.folder) / f"slow-{self.worker}").touch()
                time.sleep(5.0)

        def on_train_end(self, logs=None):
            (Path(self.folder) / f"steps-{self.worker}").write_text(str(self.steps))

    folder = here / name.split("-")[0]
    folder.mkdir(exist_ok=True)
    # Not a setting of the callback: another one would make another training.
    if name.endswith("slow"):
        (folder / "be slow").touch()
    else:
        (folder / "be slow").unlink(missing_ok=True)
    andiron.set_random_seed(3)
    x = andiron.Input((2,), name="x")
    model = andiron.Model(x, layers.Dense(1)(layers.Dropout(0.2)(layers.Dense(8, "relu")(x))))
    frame = session.range(0, 2000, 1, 5).selectExpr(
        "sin(id) as a", "cos(3 * id) as b", "sin(id) * cos(id) as y"
    )
    estimator = on_spark.Estimator(
        model=model, loss="mse", optimizer="adam", label="y", features={"x": ["a", "b"]},
        batch_size=100, epochs=3, num_workers=2, seed=4, verbose=0, checkpoint_dir=str(folder),
        checkpoint_every=5, callbacks=[Watched(str(folder))],
    )  # fmt: skip
    trained = estimator.fit(frame)
    np.savez(here / f"{name}.npz", *trained.native.get_weights(), np.array(trained.history["loss"]))


def wait_for_the_end_of_jobs(session) -> None:
    tracker = session.sparkContext.statusTracker()
    until = time.monotonic() + 60  # the training would take four minutes more
    while jobs := tracker.getActiveJobsIds():
        assert time.monotonic() < until, jobs
        time.sleep(0.1)


def start(here: Path, *names: str) -> subprocess.Popen:
    """A process that runs these trainings, with a session of its own, as from a terminal."""
    root = Path(__file__).resolve().parents[2]
    paths = [str(root / "python"), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(here), str(Path(__file__).parent), *names],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def finish(process: subprocess.Popen) -> str:
    said, errors = process.communicate(timeout=1200)
    assert process.returncode == 0, errors[-6000:]
    return said


def processes_of(session: int) -> list[str]:
    """The processes of a session that run; one that ended, but that nobody has waited for (its
    parent is gone, and process 1 of a container may not care), does not."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = stat.read_text().split("(", 1)[1].rsplit(")", 1)
        except OSError:  # it ended meanwhile
            continue
        state, _, _, of_session = rest.split()[:4]
        if int(of_session) == session and state != "Z":
            found.append(f"{name} {stat.parent.name} {state}")
    return found


def test_ctrl_c_ends_the_job_and_the_next_run_goes_on(tmp_path):
    pytest.importorskip("pyspark")
    script = start(tmp_path, "calm", "disturbed-slow")
    until = time.monotonic() + 600
    while len(list(tmp_path.glob("disturbed/slow-*"))) < 2:
        assert time.monotonic() < until and script.poll() is None, script.communicate()
        time.sleep(0.1)
    os.killpg(script.pid, signal.SIGINT)  # as a terminal does
    assert "KeyboardInterrupt" in finish(script)
    assert not (tmp_path / "disturbed-slow.npz").exists()
    until = time.monotonic() + 60  # Spark's Python processes end a little after Spark
    while left := processes_of(script.pid):
        assert time.monotonic() < until, left
        time.sleep(0.1)
    finish(start(tmp_path, "disturbed"))
    steps = [int((tmp_path / name / "steps-0").read_text()) for name in ("calm", "disturbed")]
    assert 0 < steps[1] < steps[0]  # it did not begin anew
    calm, disturbed = np.load(tmp_path / "calm.npz"), np.load(tmp_path / "disturbed.npz")
    assert calm.files == disturbed.files
    for part in calm.files:
        np.testing.assert_array_equal(disturbed[part], calm[part])
