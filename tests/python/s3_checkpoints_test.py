"""Checkpoints in S3: s3fs against a server of moto's on the loopback interface."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import urllib.request

import numpy as np
import pytest

import andiron
from andiron import Input, Sequential, _remote, layers

pytestmark = pytest.mark.slow

X = np.random.default_rng(0).normal(size=(640, 5)).astype(np.float32)
Y = X.sum(1, keepdims=True)


def small():
    andiron.set_random_seed(1)
    m = Sequential([Input((5,)), layers.Dense(64), layers.Dense(1)])
    m.compile("adam", "mse")
    return m


def fit(model, place, epochs=3, **settings):
    return model.fit(X, Y, epochs=epochs, verbose=0, seed=1, checkpoint_dir=place, **settings)


@pytest.fixture
def s3(monkeypatch):
    """A server with the bucket "here", and what a process needs in its environment to use it."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    import fsspec

    server.start()
    host, port = server.get_host_and_port()
    reset = urllib.request.Request(f"http://{host}:{port}/moto-api/reset", method="POST")
    urllib.request.urlopen(reset).close()  # what it keeps is the process's
    quick = {"retries": {"max_attempts": 0}, "connect_timeout": 2}
    settings = {"endpoint_url": f"http://{host}:{port}", "key": "a", "secret": "b",
                "config_kwargs": quick}  # fmt: skip
    monkeypatch.setitem(fsspec.config.conf, "s3", settings)
    monkeypatch.setattr(_remote, "_PAUSES", (0.01, 0.02))
    server.environment = {**os.environ, "FSSPEC_S3": json.dumps(settings)}
    server.files = fsspec.filesystem("s3", skip_instance_cache=True)
    server.files.mkdir("here")
    yield server
    server.stop()


def test_a_training_resumes_from_s3(s3):
    undisturbed, first, second = small(), small(), small()
    fit(undisturbed, None)
    fit(first, "s3://here/a/run", epochs=2, checkpoint_every=7)
    fit(second, "s3://here/a/run", resume=True)
    for ours, theirs in zip(second.get_weights(), undisturbed.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    s3.files.invalidate_cache()
    names = s3.files.ls("here/a/run", detail=False)
    assert 1 <= len(names) <= 3 and all(n.endswith(".safetensors") for n in names)
    assert s3.files.ls("here/a", detail=False) == ["here/a/run"]


def test_a_bucket_that_is_missing_is_an_error_and_not_made(s3):
    with pytest.raises(OSError, match="cannot use 's3://nowhere/run'"):
        fit(small(), "s3://nowhere/run")
    s3.files.invalidate_cache()
    assert s3.files.ls("", detail=False) == ["here"]


def test_a_server_that_goes_away_does_not_end_the_training(s3):
    class Outage(andiron.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                s3.stop()

    undisturbed, m = small(), small()
    fit(undisturbed, None)
    with pytest.warns(UserWarning, match="could not be written to 's3://here/run'"):
        fit(m, "s3://here/run", callbacks=[Outage()])
    for ours, theirs in zip(m.get_weights(), undisturbed.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    s3.start()


KILLED = """
    import sys, time
    sys.path[:0] = {path!r}
    import andiron, s3_checkpoints_test as t
    class Step(andiron.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            print("step", m.optimizer.iterations, flush=True)
            time.sleep(0.005)
    m = t.small()
    t.fit(m, "s3://here/run", epochs=40, checkpoint_every=3, resume=True, callbacks=[Step()])
    print("weights", m.get_weights()[0].tobytes().hex())
"""


def test_a_killed_training_resumes_with_the_same_bits(s3):
    def newest():
        s3.files.invalidate_cache()
        names = s3.files.glob("here/run/checkpoint-*.safetensors")
        return max(names, default="")

    path = [os.path.dirname(__file__), *sys.path]
    command = [sys.executable, "-c", textwrap.dedent(KILLED.format(path=path))]
    begun = []
    for killed in (True, True, False):
        before = newest()
        process = subprocess.Popen(command, env=s3.environment, stdout=subprocess.PIPE, text=True)
        for i, line in enumerate(process.stdout):
            kind, what = line.split()
            if i == 0:
                begun.append(int(what))
            if killed and i % 10 == 0 and newest() > before:  # another one is on its way by now
                process.send_signal(signal.SIGKILL)
                break
        process.stdout.close()
        process.wait()
    undisturbed = small()
    fit(undisturbed, None, epochs=40)
    assert kind == "weights" and what == undisturbed.get_weights()[0].tobytes().hex()
    assert begun[0] == 1 and begun[1] > 1 and begun[2] > begun[1]
