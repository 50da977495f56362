"""Training that was killed and resumed gives the same bits as undisturbed training."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import andiron
from andiron import Input, Sequential, callbacks, layers

# Embeddings with exact Adam (replayed steps), dropout, a schedule, shuffling, validation, an exact
# AUC, early stopping with weights to restore: everything that has a state.
PROGRAM = """
    import sys
    sys.path[:0] = {path!r}
    import numpy as np, andiron
    from andiron import Input, Model, layers, optimizers, callbacks
    if sys.argv[1].startswith("unreliable"):
        from unreliable_fs import Unreliable
        Unreliable.seconds = 1e-4  # for each kilobyte: files are often half there
    andiron.set_random_seed(5)
    rng = np.random.default_rng(0)
    n = 3000
    u, i = rng.integers(0, 300, n), rng.integers(0, 200, n)
    y = ((u * 7 + i * 3) % 5 < 2).astype("f4")
    a, b = Input((1,), dtype="int32"), Input((1,), dtype="int32")
    h = layers.Concatenate()([layers.Flatten()(layers.Embedding(300, 8)(a)),
                              layers.Flatten()(layers.Embedding(200, 8)(b))])
    h = layers.Dropout(0.2)(layers.Dense(16, "relu")(h))
    m = Model([a, b], layers.Dense(1, "sigmoid")(h))
    m.compile(optimizers.Adam(optimizers.schedules.CosineDecay(0.01, 200)), "binary_crossentropy",
              metrics=["accuracy", "AUC"])
    class Step(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            print("step", m.optimizer.iterations, flush=True)
    stop = callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True)
    history = m.fit([u, i], y, batch_size=64, epochs=5, verbose=0, validation_split=0.2,
                    callbacks=[Step(), stop], checkpoint_dir=sys.argv[1], checkpoint_every=7,
                    resume=True)
    np.savez("result.npz", *m.get_weights(), *[v.numpy() for v in m._compiled.state()],
             *[np.array(h) for h in history.history.values()])
    print("done", list(history.history), flush=True)
"""


# A folder; the same as a URL; and a file system of fsspec, from which files are copied and moved.
PLACES = ["run", "file://{}/run", "unreliable://{}/run"]


def start(folder, place="run"):
    code = textwrap.dedent(PROGRAM.format(path=[os.path.dirname(__file__), *sys.path]))
    return subprocess.Popen(
        [sys.executable, "-c", code, place.format(folder)],
        cwd=folder, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def result(folder):
    with np.load(folder / "result.npz") as arrays:
        return [arrays[f"arr_{i}"] for i in range(len(arrays.files))]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    process = start(folder)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    assert "val_AUC" in out
    return result(folder)


def kill_and_resume(folder, moments, place):
    """Kills once for each moment (fractions of a run of about 190 steps), then lets it finish."""
    for moment in moments:
        process = start(folder, place)
        target = moment * 190
        for line in process.stdout:
            if line.startswith("done") or int(line.split()[1]) >= target:
                break
        time.sleep(random.random() * 0.004)  # somewhere in a step, or in writing a checkpoint
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    there = list((folder / "run").glob("checkpoint-*.safetensors"))
    process = start(folder, place)
    first = process.stdout.readline()
    process.communicate(timeout=300)
    assert process.returncode == 0
    assert not there or first != "step 1\n", "begun from scratch"
    return result(folder)


def assert_same_bits(a, b):
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)


def need(place):
    if place.startswith("unreliable"):
        pytest.importorskip("fsspec")


@pytest.mark.parametrize("place", [PLACES[0], PLACES[2]])
def test_killed_twice_and_resumed_gives_the_same_bits(undisturbed, tmp_path, place):
    need(place)
    assert_same_bits(kill_and_resume(tmp_path, [0.3, 0.7], place), undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "seed"),
    [(place, seed) for place, n in zip(PLACES, (20, 3, 12), strict=True) for seed in range(n)],
)
def test_killed_at_a_random_moment_gives_the_same_bits(undisturbed, tmp_path, seed, place):
    need(place)
    moment = random.Random(seed).random()
    assert_same_bits(kill_and_resume(tmp_path, [moment], place), undisturbed)


X = np.random.default_rng(0).normal(size=(64, 5)).astype(np.float32)
Y = X.sum(1, keepdims=True)


def small():
    andiron.set_random_seed(1)
    m = Sequential([Input((5,)), layers.Dense(1)])
    m.compile("adam", "mse")
    return m


def test_a_finished_training_is_not_trained_again(tmp_path):
    a, b = small(), small()
    first = a.fit(X, Y, epochs=3, verbose=0, seed=1, checkpoint_dir=tmp_path, resume=True)
    again = b.fit(X, Y, epochs=3, verbose=0, seed=1, checkpoint_dir=tmp_path, resume=True)
    assert first.history == again.history
    np.testing.assert_array_equal(a.get_weights()[0], b.get_weights()[0])
    assert b.optimizer.iterations == 6


def test_more_epochs_go_on(tmp_path):
    a, b, c = small(), small(), small()
    a.fit(X, Y, epochs=5, verbose=0, seed=1)
    b.fit(X, Y, epochs=2, verbose=0, seed=1, checkpoint_dir=tmp_path)
    c.fit(X, Y, epochs=5, verbose=0, seed=1, checkpoint_dir=tmp_path, resume=True)
    np.testing.assert_array_equal(a.get_weights()[0], c.get_weights()[0])


def test_other_data_or_another_model_are_refused(tmp_path):
    small().fit(X, Y, verbose=0, seed=1, checkpoint_dir=tmp_path)
    with pytest.raises((andiron.Error, OSError)):
        small().fit(X + 1, Y, verbose=0, seed=1, checkpoint_dir=tmp_path, resume=True)
    other = Sequential([Input((5,)), layers.Dense(2), layers.Dense(1)])
    other.compile("adam", "mse")
    before = other.get_weights()
    with pytest.raises((andiron.Error, OSError)):
        other.fit(X, Y, verbose=0, seed=1, checkpoint_dir=tmp_path, resume=True)
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_damaged_checkpoint_is_passed_over(tmp_path):
    a, b = small(), small()
    a.fit(X, Y, epochs=3, verbose=0, seed=1, checkpoint_dir=tmp_path)
    newest = sorted(tmp_path.glob("checkpoint-*"))[-1]
    newest.write_bytes(newest.read_bytes()[:-5])
    b.fit(X, Y, epochs=3, verbose=0, seed=1, checkpoint_dir=tmp_path, resume=True)
    np.testing.assert_array_equal(a.get_weights()[0], b.get_weights()[0])


def test_backup_and_restore_cleans_up(tmp_path):
    m = small()
    m.fit(X, Y, epochs=2, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path / "backup")])
    assert not list((tmp_path / "backup").glob("*.safetensors"))


def test_checkpoints_by_the_clock(tmp_path):
    def fit(**settings):
        m = small()
        m.fit(X, Y, batch_size=1, epochs=2, verbose=0, seed=1, **settings)
        return m

    # So short a time that another one is due when the one before is written: how many depends on
    # the disk, but there are more than the two of the epochs' ends.
    m = fit(checkpoint_dir=tmp_path / "short", checkpoint_minutes=1e-6)
    newest = sorted((tmp_path / "short").glob("checkpoint-*"))[-1]
    assert int(newest.name[11:21]) > 2
    np.testing.assert_array_equal(m.get_weights()[0], fit().get_weights()[0])
    fit(checkpoint_dir=tmp_path / "long", checkpoint_minutes=1e6)
    assert len(list((tmp_path / "long").glob("checkpoint-*"))) == 2
    for minutes in (-1, float("nan"), float("inf")):
        with pytest.raises(andiron.Error, match="checkpoint_minutes must be finite"):
            fit(checkpoint_dir=tmp_path / "none", checkpoint_minutes=minutes)


def test_checkpoints_open_in_safetensors(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    small().fit(X, Y, verbose=0, checkpoint_dir=tmp_path)
    tensors = safetensors.load_file(sorted(tmp_path.glob("checkpoint-*"))[-1])
    assert any(name.endswith("kernel") for name in tensors)
    assert os.path.getsize(sorted(tmp_path.glob("checkpoint-*"))[-1]) < 20_000
