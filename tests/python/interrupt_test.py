"""Ctrl-C at a worker that waits for another one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

# Worker 0 stops its own process: worker 1 waits for it from then on.
WORKER = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where jobs run behind a shell
import numpy as np, andiron
from andiron import layers
from andiron.collective import Communicator, Listener
rank, threads, where = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]

class Stops(andiron.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        if where == "in a step" and batch == 3:
            self.stop()
    def on_epoch_end(self, epoch, logs=None):
        if where == "between epochs":
            self.stop()
    def stop(self):
        if rank == 0:
            os.kill(os.getpid(), signal.SIGSTOP)

listener = Listener("127.0.0.1")
print(listener.address, flush=True)
addresses = sys.stdin.readline().split()
andiron.set_random_seed(1)
model = andiron.Sequential([andiron.Input((64,)), layers.Dense(256, "relu"), layers.Dense(1)])
model.compile("adam", "mse", threads=threads)
x = np.random.default_rng(rank).normal(size=(2048, 64)).astype("f4")
try:
    with Communicator(listener, rank, addresses, b"0123456789abcdef", heartbeat_timeout=300) as c:
        model.fit(x, x[:, :1], batch_size=512, epochs=5, verbose=0, callbacks=[Stops()], workers=c)
except BaseException as error:
    print(type(error).__name__, error, flush=True)
print(np.isfinite(model.predict(x[:3])).all(), flush=True)
"""


def is_stopped(process) -> bool:
    with open(f"/proc/{process.pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] == "T"


@pytest.mark.parametrize("threads", [1, 2])  # the plan runs on the caller's thread, and on a lane
@pytest.mark.parametrize("where", ["in a step", "between epochs"])
def test_ctrl_c_gets_through_while_a_worker_waits_for_another(threads, where):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(rank), str(threads), where],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )
        for rank in range(2)
    ]  # fmt: skip
    try:
        addresses = " ".join(worker.stdout.readline().strip() for worker in workers)
        for worker in workers:
            worker.stdin.write(addresses + "\n")
            worker.stdin.flush()
        until = time.monotonic() + 60
        while not is_stopped(workers[0]):
            assert time.monotonic() < until
            time.sleep(0.02)
        time.sleep(0.5)  # so that the other one has come to the wait
        workers[1].send_signal(signal.SIGINT)
        said, _ = workers[1].communicate(timeout=30)  # worker 0 does not answer in that time
        assert said.splitlines()[0].startswith("KeyboardInterrupt")
        assert said.splitlines()[1] == "True"  # the model is usable
        assert is_stopped(workers[0])
        workers[0].send_signal(signal.SIGCONT)
        said, _ = workers[0].communicate(timeout=30)
        assert said.startswith("AbortedError") and "interrupted" in said
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
