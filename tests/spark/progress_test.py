"""What the first worker tells the driver, over loopback and without Spark: the bar, and callbacks
that run at the driver."""

from __future__ import annotations

import io
import json
import socket
import sys
import threading
import types

import numpy as np
import pytest
from andiron.spark import _bar, _progress
from andiron.spark._reporter import Reporter

import andiron
from andiron import Input, Sequential, callbacks, layers

X = np.random.default_rng(0).normal(size=(100, 2)).astype("f")
Y = X.sum(1)
BATCH = 25  # four steps an epoch


class Session:
    """As much of a Spark session as the driver looks at."""

    class sparkContext:  # noqa: N801
        @staticmethod
        def getConf():
            return {"spark.driver.host": "127.0.0.1"}


class Seen(callbacks.Callback):
    """Keeps what it is called with."""

    at_driver = True

    def __init__(self):
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append("begin")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch}")

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append((epoch, logs, self.model.optimizer.iterations))

    def on_train_end(self, logs=None):
        self.calls.append("end")

    @property
    def epochs(self):
        return [call for call in self.calls if isinstance(call, tuple)]


class Dies(callbacks.Callback):
    """Ends the training like a lost worker."""

    def __init__(self, step):
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        if self.model.optimizer.iterations == self.step:
            raise ConnectionError("lost")


def reporter_for(address, attempt=1, connected=True, kind=Reporter) -> Reporter:
    costs = {"allreduce": {"seconds": 0.0}}
    communicator = types.SimpleNamespace(costs=costs, size=2)
    worker = types.SimpleNamespace(communicator=communicator, attempt=attempt)
    reporter = kind(address, worker, len(X), BATCH)
    if connected:
        while reporter._socket is None:  # the thread that connects is under way
            threading.Event().wait(0.001)
    return reporter


def train(reporter, epochs=3, folder=None, others=()):
    andiron.set_random_seed(1)
    m = Sequential([Input((2,)), layers.Dense(3), layers.Dense(1)])
    m.compile("adam", "mse", metrics=["mae"])
    return m.fit(
        X, Y, batch_size=BATCH, epochs=epochs, verbose=0, seed=3, validation_split=0.0,
        validation_data=(X[:20], Y[:20]), callbacks=[*others, reporter], checkpoint_dir=folder,
        checkpoint_every=3, resume=folder is not None,
    ).history  # fmt: skip


def scalars(folder) -> dict:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = accumulator.EventAccumulator(str(folder)).Reload()
    return {t: [(e.step, e.value) for e in found.Scalars(t)] for t in found.Tags()["scalars"]}


def f32(values) -> list:
    return list(enumerate(np.float32(values).tolist()))


def line(secret, number, loss):
    said = {
        "number": [1, number], "kind": "epoch", "epoch": number, "logs": {"loss": loss}, "step": 3,
        "learning_rate": 0.1, "rows_per_second": 10.0, "in_collectives": 0.25,
    }  # fmt: skip
    body = json.dumps(said).encode()
    return _progress.mac_of(secret, body) + b" " + body + b"\n"


def test_lines_with_the_secret_only_are_taken(capsys):
    with _progress.Driver(Session, 2, 9) as driver:
        host, port, secret, _ = driver.address
        silent = socket.create_connection((host, port))  # a stranger that says nothing
        for said in (b"x" * 200_000, line(b"another secret", 1, 7.0), line(secret, 5, 1.0)):
            with socket.create_connection((host, port)) as peer:
                try:
                    peer.sendall(said)
                    peer.shutdown(socket.SHUT_WR)
                    peer.recv(1)
                except OSError:  # it has hung up
                    pass
        with socket.create_connection((host, port)) as peer:
            peer.sendall(line(secret, 4, 9.0))  # older than what was seen: replayed
            peer.sendall(line(secret, 6, 2.0))
    silent.close()
    shown = capsys.readouterr().out.splitlines()
    assert [text.split(", ")[0] for text in shown] == ["epoch 6/9: loss 1", "epoch 7/9: loss 2"]
    assert "10 samples/s per worker, 25% in collectives" in shown[0]


def test_tensorboard_at_the_driver_shows_what_it_shows_in_the_training(tmp_path):
    board = callbacks.TensorBoard(tmp_path / "driver", update_freq=2)
    local = callbacks.TensorBoard(tmp_path / "local", update_freq=2)
    with _progress.Driver(Session, 0, 3, [board]) as driver:
        reporter = reporter_for(driver.address)
        history = train(reporter, others=[local])
    driver.feed.finish(reporter.epochs)
    found = scalars(tmp_path / "driver" / "train")
    expected = scalars(tmp_path / "local" / "train")
    assert {tag: found[tag] for tag in expected} == expected
    assert [step for step, _ in found["batch_mae"]] == [2, 4, 6, 8, 10, 12]
    assert found["epoch_loss"] == f32(history["loss"])
    rates = found["spark/samples_per_second_per_worker"]
    assert rates == f32([line["rows_per_second"] for line in reporter.epochs])
    assert found["spark/share_in_communication"] == [(0, 0.0), (1, 0.0), (2, 0.0)]
    validation = scalars(tmp_path / "driver" / "validation")
    assert validation["epoch_mae"] == f32(history["val_mae"])


def assert_each_epoch_once(seen: Seen, history: dict) -> None:
    assert [epoch for epoch, *_ in seen.epochs] == [0, 1, 2]
    assert [steps for *_, steps in seen.epochs] == [4, 8, 12]
    for name, values in history.items():
        assert [logs[name] for _, logs, _ in seen.epochs] == values
    assert all(logs["spark/samples_per_second_per_worker"] > 0 for _, logs, _ in seen.epochs)
    assert seen.calls[0] == "begin" and seen.calls[-1] == "end"
    assert [c for c in seen.calls if isinstance(c, str)][1:-1] == ["epoch 0", "epoch 1", "epoch 2"]


@pytest.mark.parametrize("with_checkpoints", [True, False])
def test_a_restarted_attempt_doubles_nothing(tmp_path, with_checkpoints):
    folder = tmp_path / "run" if with_checkpoints else None
    seen = Seen()
    board = callbacks.TensorBoard(tmp_path / "logs", update_freq=1)
    with _progress.Driver(Session, 0, 3, [seen, board]) as driver:
        with pytest.raises(ConnectionError):
            train(reporter_for(driver.address), folder=folder, others=[Dies(8)])
        reporter = reporter_for(driver.address, attempt=2)
        history = train(reporter, folder=folder, others=[Dies(99)])
    driver.feed.finish(reporter.epochs)
    assert_each_epoch_once(seen, history)
    assert [s for s, _ in scalars(tmp_path / "logs" / "train")["batch_loss"]] == list(range(1, 13))


def test_a_driver_that_was_killed_begins_again_without_gaps(tmp_path):
    logs = tmp_path / "logs"
    with pytest.raises(ConnectionError):
        with _progress.Driver(Session, 0, 3, [callbacks.TensorBoard(logs, update_freq=1)]) as first:
            train(reporter_for(first.address), folder=tmp_path / "run", others=[Dies(11)])
    seen = Seen()
    board = callbacks.TensorBoard(logs, update_freq=1)
    with _progress.Driver(Session, 0, 3, [seen, board]) as driver:
        reporter = reporter_for(driver.address)
        history = train(reporter, folder=tmp_path / "run", others=[Dies(99)])
    driver.feed.finish(reporter.epochs)
    assert_each_epoch_once(seen, history)
    found = scalars(logs / "train")
    assert found["epoch_loss"] == f32(history["loss"])
    assert [step for step, _ in found["batch_loss"]] == list(range(1, 13))
    assert scalars(logs / "validation")["epoch_loss"] == f32(history["val_loss"])


def test_a_training_that_was_finished_before_is_told_from_its_checkpoint(tmp_path):
    history = train(reporter_for(None, connected=False), folder=tmp_path)
    seen = Seen()
    with _progress.Driver(Session, 0, 3, [seen]) as driver:
        reporter = reporter_for(driver.address)
        assert train(reporter, folder=tmp_path) == history
    driver.feed.finish(reporter.epochs)
    assert_each_epoch_once(seen, history)


def test_without_a_connection_the_epochs_come_at_the_end(capsys):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    seen = Seen()
    address = _progress.Address("127.0.0.1", port, b"secret", (1,))
    reporter = reporter_for(address, connected=False)
    history = train(reporter)
    driver = _progress.Driver(Session, 0, 3)
    driver.feed._callbacks.append(seen)
    driver.feed.finish(reporter.epochs)
    assert_each_epoch_once(seen, history)


def test_a_connection_that_breaks_loses_nothing():
    class Breaks(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                reporter._socket.shutdown(socket.SHUT_RDWR)

    seen = Seen()
    with _progress.Driver(Session, 0, 3, [seen]) as driver:
        reporter = reporter_for(driver.address)
        history = train(reporter, others=[Breaks()])
    told = len(seen.epochs)
    assert told < 3
    driver.feed.finish(reporter.epochs)
    assert_each_epoch_once(seen, history)


def test_a_connection_that_comes_late_begins_at_the_first_epoch(monkeypatch):
    connect, now = socket.create_connection, threading.Event()

    class Opens(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                now.set()
                while reporter._socket is None:
                    threading.Event().wait(0.001)

    def late(*arguments, **settings):
        now.wait(10)
        return connect(*arguments, **settings)

    monkeypatch.setattr(socket, "create_connection", late)
    seen = Seen()
    with _progress.Driver(Session, 0, 3, [seen]) as driver:
        reporter = reporter_for(driver.address, connected=False)
        history = train(reporter, others=[Opens()])
    assert len(seen.epochs) == 3  # all by the connection
    driver.feed.finish(reporter.epochs)
    assert_each_epoch_once(seen, history)


def test_a_callback_that_fails_at_the_driver_is_left_out(capsys):
    class Fails(Seen):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            raise OSError("disk full")

    class Stops(Seen):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    seen, fails = Seen(), Fails()
    with _progress.Driver(Session, 0, 3, [fails, Stops(), seen]) as driver:
        reporter = reporter_for(driver.address)
        history = train(reporter)
    driver.feed.finish(reporter.epochs)
    assert_each_epoch_once(seen, history)
    assert len(fails.epochs) == 1
    said = capsys.readouterr().err
    assert "Fails.on_epoch_end failed at the driver" in said and "OSError: disk full" in said
    assert "a callback at the driver cannot stop the training" in said


@pytest.mark.parametrize("first_round", [0, 1])  # 1: workers were started again in the middle
def test_epochs_in_several_rounds_are_one_line_each(capsys, first_round):
    from andiron.apps.recommend.on_spark.workers import Watcher

    m = Sequential([Input((2,)), layers.Dense(1)])
    m.compile("adam", "mse")
    with _progress.Driver(Session, 2, 2) as driver:
        watcher = reporter_for(driver.address, kind=Watcher)
        for epoch, rounds in ((0, range(first_round, 2)), (1, range(2))):
            for number in rounds:
                watcher.begin(epoch, 200, 100 * number, BATCH)
                m.fit(X, Y, BATCH, epoch + 1, 0, [watcher], initial_epoch=epoch)
            watcher.epoch_ended(epoch, {"loss": 0.5, "val_ndcg@10": 0.25})
        watcher.close()
    lines = capsys.readouterr().out.splitlines()
    assert [text.split(": ")[0] for text in lines] == ["epoch 1/2", "epoch 2/2"]
    assert all("loss 0.5, val_ndcg@10 0.25" in text for text in lines)


# The bar.


class Terminal(io.StringIO):
    def isatty(self):
        return True


def reports(logs):
    figures = {"logs": logs, "rows_per_second": 1234.0, "in_collectives": 0.125}
    return [
        {"kind": "begin", "epoch": 0, "step": 0},
        {"kind": "batch", "epoch": 0, "part": 0.5, **figures},
        {"kind": "epoch", "epoch": 0, **figures},
        {"kind": "epoch", "epoch": 0, **figures},  # of another attempt
        {"kind": "epoch", "epoch": 1, **figures},
    ]


WORDS = "loss 0.5, mae 0.25, 1,234 samples/s per worker, 12% in collectives"


def show(verbose: int) -> None:
    bar = _bar.Bar(verbose, 2)
    for said in reports({"loss": 0.5, "mae": 0.25}):
        bar.show(said)
    bar.close()


def test_in_a_terminal_a_bar_moves(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "140")
    show(1)
    steps = [text for text in terminal.getvalue().split("\r") if "loss" in text]
    assert "epoch 1/2  25%" in steps[0] and "epoch 2/2 100%" in steps[-1]
    assert all(WORDS in text for text in steps)


@pytest.mark.parametrize("verbose", [1, 2])
def test_in_a_pipe_each_epoch_has_a_line(capsys, verbose):
    show(verbose)
    out, err = capsys.readouterr()
    assert out == f"epoch 1/2: {WORDS}\nepoch 2/2: {WORDS}\n" and err == ""


def test_in_a_notebook_it_is_a_bar(monkeypatch):
    shell = types.SimpleNamespace(config={"IPKernelApp": {}})
    module = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", module)
    assert _bar._watched()
    shell.config = {}
    assert not _bar._in_notebook()


def test_silent_is_silent(capsys):
    show(0)
    assert capsys.readouterr() == ("", "")
    assert _progress.Driver(Session, 0, 1).address is None
