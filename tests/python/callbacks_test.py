"""Callbacks against Keras's semantics; where progress is shown; what event files hold."""

from __future__ import annotations

import csv
import http.server
import io
import json
import os
import pty
import subprocess
import sys
import threading
import types

import numpy as np
import pytest
from andiron.callbacks import _output

import andiron
from andiron import Input, Sequential, callbacks, layers, optimizers

X = np.random.default_rng(0).normal(size=(64, 2)).astype("f")
Y = X.sum(1)


def model(rate=0.01, metrics=("mae",)):
    andiron.set_random_seed(1)
    m = Sequential([Input((2,)), layers.Dense(3), layers.Dense(1)])
    m.compile(optimizers.SGD(rate), "mse", metrics=list(metrics))
    return m


class Says(callbacks.Callback):
    """Puts figures of its own into the logs, for callbacks behind it."""

    def __init__(self, values, name="val_loss"):
        self.values, self.name = values, name

    def on_epoch_end(self, epoch, logs=None):
        logs[self.name] = self.values[epoch]


# CSV.


def lines(path, separator=","):
    with open(path, newline="") as file:
        return list(csv.reader(file, delimiter=separator))


def test_csv_has_the_history(tmp_path):
    path = tmp_path / "log.csv"
    history = model().fit(X, Y, epochs=3, verbose=0, validation_split=0.25,
                          callbacks=[callbacks.CSVLogger(path, separator=";")])  # fmt: skip
    head, *rows = lines(path, ";")
    assert head == ["epoch", "loss", "mae", "val_loss", "val_mae"]
    for name, column in zip(head[1:], zip(*(r[1:] for r in rows), strict=True), strict=True):
        np.testing.assert_allclose(np.float64(column), history.history[name], rtol=1e-12)


def test_csv_goes_on_where_it_is_told_to(tmp_path):
    path = tmp_path / "log.csv"
    for append in (False, True, False, True):
        model().fit(X, Y, epochs=2, verbose=0, callbacks=[callbacks.CSVLogger(path, append=append)])
    found = lines(path)
    assert [r[0] for r in found] == ["epoch", "0", "1", "0", "1"]


def test_csv_has_columns_for_validations_that_come_later(tmp_path):
    path = tmp_path / "log.csv"
    model().fit(X, Y, epochs=4, verbose=0, validation_split=0.25, validation_freq=2,
                callbacks=[callbacks.CSVLogger(path)])  # fmt: skip
    head, *rows = lines(path)
    assert head == ["epoch", "loss", "mae", "val_loss", "val_mae"]
    assert [r[3] == "NA" for r in rows] == [True, False, True, False]


def test_csv_of_a_resumed_training_has_each_epoch_once(tmp_path):
    path, folder = tmp_path / "log.csv", tmp_path / "run"

    class Stops(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise RuntimeError("killed")

        def get_state(self):
            return None

    def fit(*more):
        return model().fit(
            X, Y, epochs=4, verbose=0, seed=1,
            callbacks=[callbacks.BackupAndRestore(folder), callbacks.CSVLogger(path), *more],
        )  # fmt: skip

    with pytest.raises(RuntimeError, match="killed"):
        fit(Stops())
    with open(path, "a") as file:
        file.write("2,9,9\n")  # what a killed process wrote beyond its checkpoint
    history = fit(callbacks.Callback()).history["loss"]
    found = lines(path)
    assert [r[0] for r in found] == ["epoch", "0", "1", "2", "3"]
    np.testing.assert_allclose([float(r[1]) for r in found[1:]], history, rtol=1e-12)


# Learning rates.


def test_plateau_is_kerass(capsys):
    """The rates that Keras 3 gives for these figures (worked through its code by hand)."""
    figures = [5.0, 4.0, 4.0, 4.0, 3.99995, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0]
    plateau = callbacks.ReduceLROnPlateau(factor=0.5, patience=2, cooldown=1, min_lr=0.2, verbose=1)
    rates = []
    watch = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: rates.append(watch.model.optimizer.learning_rate)
    )
    m = model(rate=1.0)
    m.fit(X, 0 * Y, epochs=12, verbose=0, validation_data=(X, Y), on_nan="ignore",
          callbacks=[Says(figures), plateau, watch])  # fmt: skip
    # The epoch in which a cooldown ends counts as the first of the next wait; min_lr bounds all.
    np.testing.assert_allclose(
        rates, [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2], rtol=1e-6
    )
    assert capsys.readouterr().out.count("the learning rate is") == 3


@pytest.mark.parametrize("grouped", [False, True])
def test_no_number_takes_a_schedules_place(grouped):
    schedule = optimizers.schedules.CosineDecay(0.1, 100)
    optimizer = optimizers.Adam(schedule)
    if grouped:
        optimizer = optimizers.Groups({"kernel": optimizer}, default=optimizers.SGD())
    m = Sequential([Input((2,)), layers.Dense(1)])
    m.compile(optimizer, "mse")
    before = m.get_weights()[0]
    for callback in (
        callbacks.ReduceLROnPlateau("loss"),
        callbacks.LearningRateScheduler(lambda epoch: 0.1),
    ):
        with pytest.raises(TypeError, match=f"CosineDecay.*{type(callback).__name__} would end"):
            m.fit(X, Y, verbose=0, callbacks=[callback])
    np.testing.assert_array_equal(before, m.get_weights()[0])
    with pytest.raises(TypeError, match="a number in its place would end"):
        m.optimizer.learning_rate = 0.1
    m.optimizer.learning_rate = optimizers.schedules.StepDecay(0.5, 10)
    assert m.optimizer._core.scalars_at(1)[0] == 0.5
    fixed = optimizers.SGD(0.1)
    fixed.learning_rate = 0.2
    assert fixed.learning_rate == pytest.approx(0.2)


def test_plateau_knows_what_is_to_grow():
    plateau = callbacks.ReduceLROnPlateau("val_auc", factor=0.5, patience=1, min_delta=0)
    m = model(rate=1.0)
    m.fit(X, 0 * Y, epochs=3, verbose=0, validation_data=(X, Y), on_nan="ignore",
          callbacks=[Says([0.1, 0.2, 0.3], "val_auc"), plateau])  # fmt: skip
    assert m.optimizer.learning_rate == 1.0
    with pytest.raises(ValueError, match='mode is "min", "max" or "auto"'):
        callbacks.ReduceLROnPlateau(mode="up")


# Small ones.


def test_one_callback_needs_no_list():
    seen = []
    one = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    model().fit(X, Y, epochs=2, verbose=0, callbacks=one)
    assert seen == [0, 1]


def test_lambda_takes_none_for_no_hook():
    seen = []
    hooks = {"on_epoch_begin": lambda epoch, logs: seen.append(epoch), "on_epoch_end": None}
    model().fit(X, Y, epochs=2, verbose=0, callbacks=[callbacks.LambdaCallback(**hooks)])
    assert seen == [0, 1]


def test_checkpoints_may_name_the_batch(tmp_path):
    path = tmp_path / "m-{epoch:02d}-{batch:02d}.safetensors"
    model().fit(X, Y, batch_size=16, epochs=2, verbose=0,
                callbacks=[callbacks.ModelCheckpoint(path, save_freq=3)])  # fmt: skip
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "m-01-03.safetensors", "m-02-02.safetensors",
    ]  # fmt: skip


def test_checkpoints_of_the_best_go_to_urls_and_new_folders(tmp_path):
    pytest.importorskip("fsspec")
    for place in (f"local://{tmp_path}/far/run", str(tmp_path / "near" / "run")):
        m = model()
        least, most = (
            callbacks.ModelCheckpoint(
                f"{place}/{mode}-{{epoch}}.safetensors", save_best_only=True, mode=mode
            )
            for mode in ("min", "max")
        )
        history = m.fit(X, Y, epochs=3, verbose=0, validation_data=(X, Y),
                        callbacks=[least, most]).history["val_loss"]  # fmt: skip
        assert history == sorted(history, reverse=True)
        folder = tmp_path / place.split("/")[-2] / "run"
        assert sorted(p.name for p in folder.iterdir()) == [
            "max-1.safetensors", *(f"min-{i}.safetensors" for i in (1, 2, 3)),
        ]  # fmt: skip
        assert (least.best, most.best) == (history[-1], history[0])
        last = andiron.load_model(folder / "min-3.safetensors")
        np.testing.assert_array_equal(last.predict(X), m.predict(X))


def test_remote_monitor_posts_each_epoch():
    got = []

    class Server(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, self.headers["Content-Type"], self.headers["Key"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root = f"http://127.0.0.1:{server.server_port}"
    monitor = callbacks.RemoteMonitor(root, headers={"Key": "k"}, send_as_json=True)
    history = model().fit(X, Y, epochs=2, verbose=0, callbacks=[monitor]).history
    server.shutdown()
    server.server_close()
    assert [(p, t, k) for p, t, k, _ in got] == [
        ("/publish/epoch/end/", "application/json", "k")
    ] * 2
    posted = [json.loads(body) for *_, body in got]
    assert [p["epoch"] for p in posted] == [0, 1]
    assert [p["loss"] for p in posted] == history["loss"]
    with pytest.warns(UserWarning, match="was not reached"):
        model().fit(X, Y, epochs=2, verbose=0, callbacks=[callbacks.RemoteMonitor(root)])


# Where progress is shown.

FIT = """
import numpy as np
from andiron import Input, Sequential, layers
m = Sequential([Input((2,)), layers.Dense(1)])
m.compile("sgd", "mse")
m.fit(np.ones((64, 2), "f"), np.ones(64, "f"), batch_size=1, epochs=3{})
"""


def fit_in(stdout, verbose=""):
    return subprocess.Popen(
        [sys.executable, "-c", FIT.format(verbose)], stdout=stdout,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip


@pytest.mark.parametrize("verbose", ["", ", verbose=1", ", verbose=2"])
def test_a_pipe_gets_one_line_for_each_epoch(verbose):
    out = fit_in(subprocess.PIPE, verbose).communicate(timeout=120)[0].decode()
    found = out.splitlines()
    assert len(found) == 3 and "\r" not in out and "\033" not in out, out
    for i, line in enumerate(found):
        assert line.startswith(f"Epoch {i + 1}/3 - 64/64 - ") and "loss: " in line


def test_a_terminal_gets_a_bar():
    ours, theirs = pty.openpty()
    process = fit_in(theirs)
    os.close(theirs)
    out = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        out += part
    os.close(ours)
    assert process.wait(timeout=120) == 0
    text = out.decode()
    assert text.count("\r\033[K64/64 ━") == 3, text
    assert text.count("\n") == 6  # two lines for each epoch: its number, and the bar in its place


class Cell(io.StringIO):
    """What ipykernel gives as sys.stdout."""

    __module__ = "ipykernel.iostream"

    def __init__(self):
        super().__init__()
        self.messages = []

    def write(self, text):
        self.messages.append(text)
        return len(text)

    def isatty(self):
        return False


def test_a_notebook_gets_no_flood(monkeypatch):
    cell = Cell()
    monkeypatch.setattr(sys, "stdout", cell)
    model().fit(X, Y, batch_size=1, epochs=2)
    text = "".join(cell.messages)
    monkeypatch.undo()
    assert "\033" not in text and text.count("\n") == 4, text
    assert text.count("64/64") == 2
    assert len(cell.messages) < 20


def test_a_notebooks_line_is_wiped(monkeypatch):
    cell, now = Cell(), types.SimpleNamespace(monotonic=lambda: 0.0)
    monkeypatch.setattr(sys, "stdout", cell)
    monkeypatch.setattr(_output, "time", now)
    write = _output.Notebook()
    for seconds, text in ((1.0, "a long line"), (1.1, "too early"), (2.0, "short"), (2.1, "end\n")):
        now.monotonic = lambda seconds=seconds: seconds
        write("\r\033[K" + text)
    monkeypatch.undo()
    assert cell.messages == ["\ra long line", "\rshort      ", "\rend  \n"]


def test_streams_without_a_terminal_are_pipes():
    assert _output.kind_of(io.StringIO()) == "pipe" and _output.kind_of(None) == "pipe"
    assert _output.kind_of(Cell()) == "notebook"


# TensorBoard: the rest is in tensorboard_test.py.


def run(folder):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = accumulator.EventAccumulator(
        str(folder), size_guidance={accumulator.IMAGES: 0, accumulator.HISTOGRAMS: 0}
    )
    found.Reload()
    return found


def test_board_has_the_graph(tmp_path):
    m = model()
    m.fit(X, Y, epochs=1, verbose=0, callbacks=[callbacks.TensorBoard(tmp_path)])
    graph = run(tmp_path / "train").Graph()
    nodes = {n.name: n for n in graph.node}
    assert len(nodes) == len(graph.node)
    first, second = (layer.name for layer in m.layers)
    assert any(n.startswith(f"{first}/") for n in nodes)
    assert all(i in nodes for n in graph.node for i in n.input)
    [output] = [n for n in graph.node if n.op == "Output"]
    behind, left = set(), [output.name]
    while left:  # from the output back to the input and all weights
        name = left.pop()
        behind.add(name)
        left += [i for i in nodes[name].input if i not in behind]
    assert sum(nodes[n].op == "variable" for n in behind) == 4
    shapes = [d.size for d in nodes[output.input[0]].attr["_output_shapes"].list.shape[0].dim]
    assert shapes == [-1, 1]
    without = tmp_path / "without"
    m.fit(X, Y, verbose=0, callbacks=[callbacks.TensorBoard(without, write_graph=False)])
    assert not run(without / "train").Tags()["graph"]


def test_board_has_weights_as_pictures(tmp_path):
    images = pytest.importorskip("PIL.Image")
    m = Sequential([Input((1, 6, 6)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(1)])
    m.compile("sgd", "mse")
    board = callbacks.TensorBoard(tmp_path, histogram_freq=2, write_images=True)
    m.fit(np.ones((4, 1, 6, 6), "f"), np.ones(4), epochs=3, verbose=0, callbacks=[board])
    found = run(tmp_path / "train")
    names = {f"{v.name}/image" for v in m.variables}
    assert set(found.Tags()["images"]) == names
    conv = [n for n in names if "conv" in n and "kernel" in n][0]
    events = found.Images(conv)
    assert [e.step for e in events] == [0, 2]
    picture = np.asarray(images.open(io.BytesIO(events[-1].encoded_image_string)))
    assert picture.shape == (events[-1].height, events[-1].width) == (15, 3)
    kernel = m.get_weights()[0]
    low, high = kernel.min(), kernel.max()
    np.testing.assert_array_equal(picture[4:7], np.round(255 * (kernel[1, 0] - low) / (high - low)))


def test_board_has_embeddings_for_the_projector(tmp_path):
    plugin = pytest.importorskip("tensorboard.plugins.projector.projector_plugin")
    from google.protobuf import text_format

    labels = tmp_path / "labels.tsv"
    labels.write_text("".join(f"word {i}\n" for i in range(5)))
    m = Sequential([Input((2,), dtype="int32"), layers.Embedding(5, 3, name="words"),
                    layers.Flatten(), layers.Dense(1)])  # fmt: skip
    m.compile("adam", "mse")
    board = callbacks.TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata=str(labels))
    ids = np.random.default_rng(0).integers(0, 5, (20, 2)).astype("i")
    m.fit(ids, np.ones(20), epochs=2, verbose=0, callbacks=[board])
    config = plugin.ProjectorConfig()
    text_format.Parse((tmp_path / "train" / "projector_config.pbtxt").read_text(), config)
    [embedding] = config.embeddings
    assert embedding.tensor_name == "words" and list(embedding.tensor_shape) == [5, 3]
    assert embedding.metadata_path == str(labels)
    rows = plugin._read_tensor_tsv_file(str(tmp_path / "train" / embedding.tensor_path))
    np.testing.assert_allclose(rows, m.get_weights()[0], rtol=1e-5)
    with pytest.raises(ValueError, match="names 'other'"):
        m.fit(ids, np.ones(20), verbose=0, callbacks=[
            callbacks.TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"other": "x"})
        ])  # fmt: skip
    with pytest.raises(ValueError, match="the model has no embeddings"):
        model().fit(X, Y, verbose=0, callbacks=[callbacks.TensorBoard(tmp_path, embeddings_freq=1)])
