"""Threads, forks, signals and the interpreter's end, in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

START = """
    import os, signal, sys, threading, time
    sys.path[:0] = {path!r}
    import numpy as np, andiron
    from andiron import Input, Sequential, layers
    andiron.set_threads(2)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4096, 32)).astype("f4")
    y = x[:, :1] * 2

    def network(seed=1):
        andiron.set_random_seed(seed)
        hidden = layers.Dense(64, "relu")
        m = Sequential([Input((32,)), hidden, layers.Dropout(0.1), layers.Dense(1)])
        m.compile("adam", "mse")
        return m

    def fit(m, epochs=1, **kwargs):
        return m.fit(x, y, batch_size=1024, epochs=epochs, verbose=0, **kwargs)

    def in_child(work, seconds=60):
        # Calls work in a forked child; says how it ended.
        pid = os.fork()
        if pid == 0:
            try:
                os._exit(0 if work() else 1)
            except BaseException as error:
                print(type(error).__name__, error, flush=True)
                os._exit(2)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return "hangs"
"""


def start(code: str, *arguments: str, **kwargs) -> subprocess.Popen:
    source = textwrap.dedent(START.format(path=sys.path)) + textwrap.dedent(code)
    return subprocess.Popen(
        [sys.executable, "-c", source, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs,
    )  # fmt: skip


def run(code: str, *arguments: str, **kwargs) -> str:
    """What it prints; it must end well, and say nothing on stderr."""
    process = start(code, *arguments, **kwargs)
    said, errors = process.communicate(timeout=120)
    assert process.returncode == 0, (process.returncode, said, errors)
    assert errors == ""
    return said


def test_children_of_a_fork_train_and_predict():
    """After import alone; and with lanes, plans and eager ops that were used before."""
    said = run("""
        def all_of_it():
            m = network()
            fit(m)
            andiron.linear.LinearClassifier().fit(x[:500], (y[:500, 0] > 0).astype(int))
            a = andiron.ops.matmul(x, x[:32].copy())
            return np.isfinite(m.predict(x)).all() and np.isfinite(np.asarray(a)).all()

        print(in_child(all_of_it))  # nothing was used yet but the import
        m = network()
        fit(m)
        assert all_of_it()
        expected = m.predict(x)

        def goes_on():
            same = np.array_equal(m.predict(x), expected)
            fit(m)
            return same and not np.array_equal(m.predict(x), expected) and all_of_it()

        print(in_child(goes_on), in_child(lambda: in_child(goes_on) == 0))
        print(np.array_equal(m.predict(x), expected))
    """)
    assert said.split() == ["0", "0", "0", "True"]


def test_a_fork_while_another_thread_trains_is_refused_by_name():
    said = run("""
        m, other = network(), network()
        fit(other)
        stop = []

        class Stops(andiron.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                self.model.stop_training = bool(stop)

        thread = threading.Thread(target=lambda: fit(m, 10**6, callbacks=[Stops()]))
        thread.start()
        time.sleep(0.3)
        print(in_child(lambda: other.predict(x) is None))
        stop.append(True)
        thread.join()
        print(in_child(lambda: other.predict(x) is not None))
    """)
    refused, code, good = said.strip().rsplit("\n", 2)
    assert refused.startswith("Error [fork] ") and "spawn" in refused
    assert (code, good) == ("2", "0")


@pytest.mark.slow
def test_pools_of_processes(tmp_path):
    """multiprocessing's, by fork and by spawn, and joblib's."""
    script = tmp_path / "pools.py"
    script.write_text(
        textwrap.dedent(START.format(path=sys.path))
        + textwrap.dedent("""
        import multiprocessing
        from functools import partial

        import joblib

        def predicted(m, part):
            return m.predict(x[part::4]).sum()

        def trained(seed):
            m = network(seed)
            fit(m)
            return m.get_weights()[0].sum()

        if __name__ == "__main__":
            m = network()
            fit(m)
            expected = [predicted(m, part) for part in range(4)]
            seeds = [trained(seed) for seed in range(2)]
            for method in ("fork", "spawn"):
                with multiprocessing.get_context(method).Pool(2) as pool:
                    print(pool.map(partial(predicted, m), range(4)) == expected,
                          pool.map(trained, range(2)) == seeds)
            for backend in ("loky", "multiprocessing", "threading"):
                found = joblib.Parallel(n_jobs=2, backend=backend)(
                    joblib.delayed(predicted)(m, part) for part in range(4))
                print(np.allclose(found, expected))
    """)
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True"] * 7, done.stdout


def test_two_trainings_at_once_give_the_bits_of_each_alone():
    """With threads of their own at each step, and a callback that needs the interpreter's lock."""
    said = run("""
        class Looks(andiron.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                assert np.isfinite(logs["loss"])

        def train(seed, out):
            m = network(seed)
            for i in range(2):
                fit(m, 3, seed=seed, callbacks=[Looks()] if seed % 2 else [])
            out[seed] = [*m.get_weights(), m.predict(x)]

        alone, together = {}, {}
        # Initial weights come from one stream: the networks are made one after the other.
        for seed in (1, 2):
            train(seed, alone)
        networks = {seed: network(seed) for seed in (1, 2)}
        make = network
        network = networks.get
        threads = [threading.Thread(target=train, args=(seed, together)) for seed in (1, 2)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        print(all(np.array_equal(a, b) for s in (1, 2) for a, b in zip(alone[s], together[s])))
    """)
    assert said.split() == ["True"]


@pytest.mark.parametrize("work", ["fit(m, 10**9)", "[m.predict(x) for _ in range(10**9)]",
                                  "[andiron.ops.exp(x) for _ in range(10**9)]"])  # fmt: skip
@pytest.mark.parametrize("threads", [1, 2])
def test_the_interpreter_ends_while_a_thread_works(work, threads):
    run(f"""
        andiron.set_threads({threads})
        m = network()
        fit(m)
        m.predict(x)
        threading.Thread(target=lambda: {work}, daemon=True).start()
        time.sleep(0.3)
    """)


def test_the_interpreter_ends_during_fit_of_its_main_thread():
    """sys.exit() in a callback, and in a step of one's own, while other threads work."""
    for where in ("callback", "step"):
        process = start(f"""
            class Leaves(andiron.callbacks.Callback):
                def on_train_batch_end(self, batch, logs=None):
                    if batch == 2:
                        sys.exit(3)

            class Own(andiron.Model):
                def train_step(self, data):
                    sys.exit(3)

            other = network(2)
            threading.Thread(target=lambda: fit(other, 10**9), daemon=True).start()
            time.sleep(0.2)
            if "{where}" == "callback":
                fit(network(), 10**6, callbacks=[Leaves()])
            else:
                m = Own()
                m.compile()
                fit(m, 10**6)
        """)
        said, errors = process.communicate(timeout=60)
        assert (process.returncode, said, errors) == (3, "", "")


def test_sigint_during_steps_of_ones_own():
    """Ctrl-C reaches a model with a train_step between two of its steps."""
    process = start("""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        hidden = layers.Dense(1)

        class Own(andiron.Model):
            def __init__(self):
                super().__init__()
                self.net = Sequential([Input((32,)), hidden])
                self.steps = 0
                self.step = andiron.training_step(self.loss_of, "sgd", self.net)

            def loss_of(self, x, y):
                return andiron.ops.mean(andiron.ops.square(self.net(x) - y))

            def train_step(self, data):
                self.steps += 1
                return {"loss": self.step(*data)}

        m = Own()
        m.compile()
        fit(m)
        print("ready", flush=True)
        try:
            fit(m, 10**6)
        except KeyboardInterrupt:
            print("interrupted", m.steps > 4, np.isfinite(m.net.predict(x)).all(), flush=True)
        print(len(fit(m).history["loss"]))
    """)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=60)
    assert (process.returncode, said, errors) == (0, "interrupted True True\n1\n", "")


def test_a_thread_that_is_no_daemon_ends_its_training():
    said = run("""
        m = network()

        def work():
            fit(m, 30)
            print(len(m.history.epoch))

        threading.Thread(target=work).start()
    """)
    assert said.split() == ["30"]


@pytest.mark.slow
def test_sigterm_with_the_default_handler_keeps_the_checkpoints(tmp_path):
    """The process dies at once; a new one goes on from the last checkpoint with the same bits."""
    folder = str(tmp_path / "run")
    code = """
        m = network()
        fit(m, 100, seed=1, checkpoint_dir=sys.argv[1], checkpoint_every=3, resume=True)
        print(m.get_weights()[0].sum().astype("f8").hex(), flush=True)
    """
    expected = run(code, str(tmp_path / "whole"))
    process = start(code, folder)
    until = time.monotonic() + 60
    while not (os.path.isdir(folder) and len(os.listdir(folder)) > 1):
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.01)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    assert run(code, folder) == expected
    assert not [name for name in os.listdir(folder) if "tmp" in name]


def test_sigterm_with_a_handler_of_the_users_ends_fit_and_keeps_the_last_step(tmp_path):
    process = start(
        """
        def leave(number, frame):
            raise SystemExit(3)

        signal.signal(signal.SIGTERM, leave)
        m = network()
        print("ready", flush=True)
        try:
            fit(m, 10**6, checkpoint_dir=sys.argv[1], checkpoint_every=3)
        finally:
            print(np.isfinite(m.predict(x)).all(), flush=True)
        """,
        str(tmp_path / "run"),
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    process.terminate()
    said, errors = process.communicate(timeout=60)
    assert (process.returncode, said, errors) == (3, "True\n", "")
    assert os.listdir(tmp_path / "run")
