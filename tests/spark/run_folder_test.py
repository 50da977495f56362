"""A training's folder in checkpoint_dir: whose it is, and who may write there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from andiron import Error, data
from andiron.collective import Communicator, Listener, PeerLostError

pytest.importorskip("pyspark")
from andiron.spark import _run_folder, _training  # noqa: E402


def worker(run_id="job", rank=0):
    return SimpleNamespace(run_id=run_id, rank=rank)


HOLDS = """
import signal, sys
from types import SimpleNamespace
from andiron.spark import _run_folder
worker = SimpleNamespace(run_id="job", rank=0)
with _run_folder.taken(sys.argv[1], "run-1", worker, "app"):
    print("taken", flush=True)
    signal.pause()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process has taken run-1, and is killed in the end."""
    path = os.pathsep.join(filter(None, sys.path))
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    with process:
        assert process.stdout.readline() == "taken\n"
        yield process
        process.kill()


def test_a_second_run_is_refused_while_the_first_one_lives(tmp_path, holder, monkeypatch):
    monkeypatch.setattr(_run_folder, "_DYING", 0.0)
    with pytest.raises(Error, match="another run of the same training writes to '.*run-1'"):
        with _run_folder.taken(str(tmp_path), "run-1", worker("other"), "other app"):
            pass
    with _run_folder.taken(str(tmp_path), "run-2", worker("other"), "other app"):
        pass
    holder.kill()
    holder.wait()
    with _run_folder.taken(str(tmp_path), "run-1", worker("other"), "other app") as folder:
        assert folder == f"{tmp_path}/run-1"


def test_the_same_application_waits(tmp_path, holder, monkeypatch):
    monkeypatch.setattr(_run_folder, "_DYING", 0.0)
    polls = []

    def sleep(seconds):
        polls.append(seconds)
        if len(polls) == 3:
            holder.kill()
            holder.wait()

    monkeypatch.setattr(_run_folder.time, "sleep", sleep)
    with _run_folder.taken(str(tmp_path), "run-1", worker("other"), "app"):
        assert len(polls) >= 3


def test_a_stopped_process_of_an_earlier_attempt_is_passed_by(tmp_path, holder, monkeypatch):
    os.kill(holder.pid, signal.SIGSTOP)
    monkeypatch.setattr(_run_folder, "_DYING", 0.0)
    with _run_folder.taken(str(tmp_path), "run-1", worker("job"), "app"):
        holder.kill()  # its end does not give the folder away
        holder.wait()
        with pytest.raises(Error, match="another run"):
            with _run_folder.taken(str(tmp_path), "run-1", worker("other"), "other app"):
                pass


def shard(values) -> dict:
    columns = {"a": np.asarray(values, "f"), "b": np.arange(len(values), dtype="f")}
    rows = data.from_arrow(pd.DataFrame(columns), ["a"], "b", content_order=True)
    len(rows)
    return {0: rows}


def name_of(values, **settings) -> str:
    given = {
        "checkpoint_dir": "/x", "batch_size": 4, "epochs": 2, "shuffle": True, "seed": 0,
        "class_weight": None, "wire_dtype": "float32", "on_nan": "error", "fingerprint": "f",
        "features": {"x": "a", "w": "b"}, "label": "y", "sample_weight": None, **settings,
    }  # fmt: skip
    listener = Listener("127.0.0.1")
    with Communicator(listener, 0, [listener.address], b"a secret of this test") as communicator:
        one = SimpleNamespace(communicator=communicator, rank=0)
        return _training.Task(b"", given)._name(one, shard(values), {})


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 1},
        {"epochs": 4},
        {"on_nan": "stop"},
        {"features": {"w": "a", "x": "b"}},
        {"fingerprint": "g"},
        {"label": "z"},
    ],
)
def test_what_changes_the_result_changes_the_folder(settings):
    assert name_of([1, 2], **settings) != name_of([1, 2])


def test_what_does_not_change_the_result_does_not_change_the_folder():
    assert name_of([1, 2], features={"w": "b", "x": "a"}) == name_of([1, 2])
    assert name_of([1, 3]) != name_of([1, 2])


@pytest.mark.parametrize("protocol", ["", "local://"])
def test_rows_that_change_between_attempts_are_an_error(tmp_path, protocol):
    if protocol:
        pytest.importorskip("fsspec")
    place = f"{protocol}{tmp_path}"
    with pytest.raises(PeerLostError), _run_folder.taken(place, "run-1", worker(), "app"):
        raise PeerLostError("rank 1")
    with _run_folder.taken(place, "run-1", worker("another job"), "app"):
        pass
    with pytest.raises(Error, match="the rows changed between attempts.*[Cc]ache or checkpoint"):
        with _run_folder.taken(place, "run-2", worker(), "app"):
            pass
    with _run_folder.taken(place, "run-1", worker(), "app"):  # the same rows again
        pass
    assert not list(tmp_path.glob("run-*/job-*"))
    with _run_folder.taken(place, "run-2", worker(), "app"):
        pass
