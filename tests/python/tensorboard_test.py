"""The TensorBoard callback, read back by TensorBoard's own reader."""

from __future__ import annotations

import pickle
import random
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import andiron
from andiron import Input, Sequential, callbacks, layers, optimizers

accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
served = pytest.importorskip("tensorboard.backend.event_processing.plugin_event_accumulator")
tensor_util = pytest.importorskip("tensorboard.util.tensor_util")

X = np.random.default_rng(0).normal(size=(100, 2)).astype("f")
Y = X.sum(1)


def scalars(folder) -> dict:
    """{tag: [(step, value)]} of a run, as TensorBoard shows it."""
    found = accumulator.EventAccumulator(str(folder), size_guidance={accumulator.SCALARS: 0})
    found.Reload()
    tags = found.Tags()["scalars"]
    shown = {tag: [(e.step, e.value) for e in found.Scalars(tag)] for tag in tags}
    for other in (in_the_server(folder), by_steps(folder)):
        assert repr(sorted(shown.items())) == repr(sorted(other.items()))  # NaN too
    return shown


def in_the_server(folder) -> dict:
    """The same as TensorBoard's server reads it with --load_fast=false."""
    found = served.EventAccumulator(str(folder), size_guidance={served.TENSORS: 0})
    found.Reload()
    return {
        tag: [(e.step, tensor_util.make_ndarray(e.tensor_proto).item()) for e in found.Tensors(tag)]
        for tag in found.PluginTagToContent("scalars")
    }


def by_steps(folder) -> dict:
    """The same by the rule of the server's fast reader: a step that comes again takes the place of
    what its tag has from there on; SessionLog means nothing."""
    found: dict = {}
    for path in sorted(Path(folder).glob("*tfevents*")):
        for event in loader.LegacyEventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    points = found.setdefault(value.tag, [])
                    while points and points[-1][0] >= event.step:
                        points.pop()
                    points.append((event.step, value.simple_value))
    return found


def model(metrics=("mae",)):
    andiron.set_random_seed(1)
    m = Sequential([Input((2,)), layers.Dense(3), layers.Dense(1)])
    m.compile(optimizers.Adam(0.01), "mse", metrics=list(metrics))
    return m


def f32(values) -> list[float]:
    return np.float32(values).tolist()


def test_scalars_are_the_history(tmp_path):
    rates = callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))
    history = model().fit(
        X, Y, epochs=3, verbose=0, validation_split=0.2,
        callbacks=[rates, callbacks.TensorBoard(tmp_path)],
    ).history  # fmt: skip
    train, validation = scalars(tmp_path / "train"), scalars(tmp_path / "validation")
    assert set(train) == {"epoch_loss", "epoch_mae", "epoch_learning_rate"}
    assert train["epoch_learning_rate"] == list(enumerate(f32([0.1, 0.05, 0.1 / 3])))
    for name in ("loss", "mae"):
        assert train[f"epoch_{name}"] == list(enumerate(f32(history[name])))
        values = f32(history[f"val_{name}"])
        assert validation[f"epoch_{name}"] == list(enumerate(values))
        by_iterations = list(zip([3, 6, 9], values, strict=True))  # 80 samples in batches of 32
        assert validation[f"evaluation_{name}_vs_iterations"] == by_iterations


@pytest.mark.parametrize(("freq", "steps"), [("batch", [1, 2, 3, 4, 5, 6, 7, 8]), (3, [3, 6])])
def test_points_by_batch(tmp_path, freq, steps):
    losses = []

    class Watch(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            losses.append(logs["loss"])

    board = callbacks.TensorBoard(tmp_path, update_freq=freq, write_steps_per_second=True)
    model().fit(X, Y, epochs=2, verbose=0, callbacks=[Watch(), board])
    found = scalars(tmp_path / "train")
    assert found["batch_loss"] == [(s, np.float32(losses[s - 1])) for s in steps]
    assert [s for s, _ in found["batch_mae"]] == steps
    assert [s for s, rate in found["batch_steps_per_second"] if rate > 0] == steps
    assert [e for e, rate in found["epoch_steps_per_second"] if rate > 0] == [0, 1]


def test_a_step_of_several_batches_is_one_point(tmp_path):
    m = Sequential([Input((2,)), layers.Dense(1)])
    m.compile(optimizers.SGD(0.01, gradient_accumulation_steps=2), "mse")
    board = callbacks.TensorBoard(tmp_path, update_freq="batch")
    m.fit(X, Y, batch_size=20, epochs=3, verbose=0, callbacks=[board])
    assert m.optimizer.iterations == 9
    # The fifth batch of an epoch is one step with none after it: it moves the weights at the end.
    steps = [1, 2, 4, 5, 7, 8]
    assert [s for s, _ in scalars(tmp_path / "train")["batch_loss"]] == steps


def test_batches_cost_nothing_by_default(tmp_path):
    from andiron.callbacks._protocol import _List

    board = callbacks.TensorBoard(tmp_path)
    assert _List([board], None).hooks() == []
    board = callbacks.TensorBoard(tmp_path, update_freq=5)
    assert _List([board], None).hooks() == ["on_train_batch_end", "batch_metrics"]
    assert list(tmp_path.iterdir()) == []


def test_histograms_of_weights(tmp_path):
    m = model()
    m.fit(X, Y, epochs=3, verbose=0,
          callbacks=[callbacks.TensorBoard(tmp_path, histogram_freq=2)])  # fmt: skip
    found = accumulator.EventAccumulator(
        str(tmp_path / "train"), size_guidance={accumulator.HISTOGRAMS: 0}
    ).Reload()
    assert len(found.Tags()["histograms"]) == 4
    events = found.Histograms(f"{m.variables[0].name}/histogram")
    assert [e.step for e in events] == [0, 2]
    values, shown = m.get_weights()[0], events[-1].histogram_value
    assert (shown.num, shown.min, shown.max) == (6, values.min(), values.max())
    assert shown.sum == pytest.approx(values.sum()) and sum(shown.bucket) == 6


def test_histograms_leave_out_what_is_not_finite(tmp_path):
    m = model()
    m.set_weights([np.full_like(w, np.nan) for w in m.get_weights()])
    board = callbacks.TensorBoard(tmp_path, histogram_freq=1)
    m.fit(X, Y, verbose=0, on_nan="ignore", callbacks=[board])
    assert np.isnan(scalars(tmp_path / "train")["epoch_loss"][0][1])


def test_a_new_training_takes_the_place_of_the_old_one(tmp_path):
    board = callbacks.TensorBoard(tmp_path, update_freq="batch")
    model().fit(X, Y, epochs=5, verbose=0, callbacks=[board])
    history = model().fit(X, Y, epochs=2, verbose=0, callbacks=[board], seed=7).history
    found = scalars(tmp_path / "train")
    assert found["epoch_loss"] == list(enumerate(f32(history["loss"])))
    assert [s for s, _ in found["batch_loss"]] == list(range(1, 9))


def test_later_epochs_of_the_same_model_go_on(tmp_path):
    m, board = model(), callbacks.TensorBoard(tmp_path, update_freq="batch")
    m.fit(X, Y, epochs=2, verbose=0, callbacks=[board])
    m.fit(X, Y, epochs=3, initial_epoch=2, verbose=0, callbacks=[board])
    found = scalars(tmp_path / "train")
    assert [e for e, _ in found["epoch_loss"]] == [0, 1, 2]
    assert [s for s, _ in found["batch_loss"]] == list(range(1, 13))


def test_evaluate_adds_to_the_validation(tmp_path):
    m, board = model(), callbacks.TensorBoard(tmp_path)
    m.fit(X, Y, epochs=2, verbose=0, callbacks=[board])
    m.evaluate(X, Y, callbacks=[board])
    assert [s for s, _ in scalars(tmp_path / "validation")["evaluation_loss_vs_iterations"]] == [8]
    assert len(scalars(tmp_path / "train")["epoch_loss"]) == 2


def test_other_workers_write_nothing(tmp_path):
    board = callbacks.TensorBoard(tmp_path, update_freq=1, histogram_freq=1)
    board.set_worker(1)
    model().fit(X, Y, verbose=0, callbacks=[board], validation_split=0.2)
    assert list(tmp_path.iterdir()) == []


def test_it_is_pickled_as_what_it_was_made_with(tmp_path):
    board = callbacks.TensorBoard(tmp_path, update_freq=2)
    model().fit(X, Y, verbose=0, callbacks=[board])
    again = pickle.loads(pickle.dumps(board))
    assert (again.log_dir, again.update_freq) == (str(tmp_path), 2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"profile_batch": (2, 4)}, "profile_batch=.* is not supported: .*profiler"),
        ({"embeddings_freq": -1}, "embeddings_freq must be at least 0; got -1"),
        ({"update_freq": 0}, r'update_freq \("epoch", "batch"\) must be at least 1; got 0'),
        ({"update_freq": "step"}, "got 'step'"),
        ({"histogram_freq": 1.5}, "histogram_freq must be an integer; got 1.5"),
    ],
)
def test_what_makes_no_sense_is_refused(settings, message):
    with pytest.raises((andiron.Error, TypeError), match=message):
        callbacks.TensorBoard(**settings)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"pip install 'andiron\[tensorboard\]'"):
        callbacks.TensorBoard()


def test_an_unwritable_folder_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        model().fit(X, Y, verbose=0, callbacks=[callbacks.TensorBoard(tmp_path / "file")])


# A training that is killed and goes on. An epoch has 32 steps, and a checkpoint is written every
# seven: the steps after it come twice.
PROGRAM = """
    import sys
    sys.path[:0] = {path!r}
    import time
    import numpy as np, andiron
    from andiron import Input, Sequential, callbacks, layers
    andiron.set_random_seed(5)
    x = np.random.default_rng(0).normal(size=(1000, 4)).astype("f")
    m = Sequential([Input((4,)), layers.Dense(8, "tanh"), layers.Dense(1)])
    m.compile("adam", "mse", metrics=["mae"])
    class Step(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            print("step", m.optimizer.iterations, flush=True)
            if m.optimizer.iterations == {until}:
                time.sleep(600)  # the signal is on its way
    board = callbacks.TensorBoard("logs", update_freq={freq!r})
    history = m.fit(x, x.sum(1), batch_size=25, epochs=4, verbose=0, validation_split=0.2,
                    callbacks=[Step(), board], checkpoint_dir="run", checkpoint_every=7,
                    resume=True)
    print("done", flush=True)
"""


def run(folder, freq, until=None) -> None:
    """Runs it to its end, or kills it after a step."""
    folder.mkdir(exist_ok=True)
    program = textwrap.dedent(PROGRAM.format(path=sys.path, freq=freq, until=until))
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if until is not None and line == f"step {until}\n":
            process.send_signal(signal.SIGKILL)
    process.stdout.close()
    assert process.wait() == (-signal.SIGKILL if until is not None else 0)


def shown(folder) -> dict:
    return {
        (part, tag): points
        for part in ("train", "validation")
        for tag, points in scalars(folder / "logs" / part).items()
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed") / "of_two"
    run(folder, 2)
    return shown(folder)


def assert_complete(found: dict, freq) -> None:
    epochs = [e for e, _ in found["train", "epoch_loss"]]
    assert epochs == [0, 1, 2, 3] == [e for e, _ in found["validation", "epoch_mae"]]
    steps = [s for s, _ in found["validation", "evaluation_loss_vs_iterations"]]
    assert steps == [32, 64, 96, 128]
    if freq == 2:
        assert [s for s, _ in found["train", "batch_loss"]] == list(range(2, 129, 2))


def test_killed_and_resumed_it_shows_every_point_once(undisturbed, tmp_path):
    assert_complete(undisturbed, 2)
    run(tmp_path, 2, until=48)  # in the second epoch, behind the checkpoint of step 42
    run(tmp_path, 2, until=103)
    run(tmp_path, 2)
    assert shown(tmp_path) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("freq", [2, "epoch"])
@pytest.mark.parametrize("seed", range(6))
def test_killed_at_random_steps(undisturbed, tmp_path, freq, seed):
    chosen = sorted(random.Random(seed).sample(range(1, 129), 3))
    for step in chosen:
        run(tmp_path, freq, until=step)
    run(tmp_path, freq)
    found = shown(tmp_path)
    assert_complete(found, freq)
    assert all(undisturbed[key] == points for key, points in found.items())
