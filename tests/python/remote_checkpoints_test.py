"""Checkpoints at URLs: on fsspec's own file systems, and on one that fails, hangs and damages."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest

import andiron
from andiron import Input, Sequential, _remote, callbacks, layers

fsspec = pytest.importorskip("fsspec")
sys.path.insert(0, os.path.dirname(__file__))

from unreliable_fs import Unreliable  # noqa: E402

X = np.random.default_rng(0).normal(size=(64, 5)).astype(np.float32)
Y = X.sum(1, keepdims=True)
STEPS = 8  # of an epoch


def small():
    andiron.set_random_seed(1)
    m = Sequential([Input((5,)), layers.Dense(4), layers.Dense(1)])
    m.compile("adam", "mse")
    return m


def fit(model, place, epochs=3, **settings):
    return model.fit(X, Y, batch_size=8, epochs=epochs, verbose=0, seed=1, checkpoint_dir=place,
                     **settings)  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed():
    m = small()
    fit(m, None)
    return m.get_weights()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(_remote, "_PAUSES", (0.01, 0.02))
    yield
    Unreliable.reset()


def assert_same_bits(model, weights):
    for ours, theirs in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def files(folder):
    return sorted(path.name for path in Path(folder).iterdir())


@pytest.mark.parametrize("form", ["memory://{}", "local://{}", "file://{}", "unreliable://{}"])
def test_a_url_is_as_good_as_a_folder(tmp_path, undisturbed, form):
    url = form.format(tmp_path / "deep" / "run")
    first = small()
    fit(first, url, epochs=2, checkpoint_every=3)
    second = small()
    seen = []
    count = callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs=None: seen.append(1))
    fit(first, url, epochs=2, resume=True)
    with pytest.raises(andiron.Error, match="made with 0 callbacks"):
        fit(second, url, resume=True, callbacks=[count])
    history = fit(second, url, resume=True)
    assert_same_bits(second, undisturbed)
    assert history.checkpoint_note == "" and len(history.history["loss"]) == 3
    system, path = fsspec.core.url_to_fs(url)
    names = [name.rpartition("/")[2] for name in system.ls(path, detail=False)]
    assert len(names) <= 3 and all(re.fullmatch(r"checkpoint-\d{10}.safetensors", n) for n in names)
    # Another run's are refused, as in a folder.
    with pytest.raises(OSError, match="of another training"):
        small().fit(X + 1, Y, verbose=0, seed=1, checkpoint_dir=url)


def test_training_goes_on_while_a_file_is_on_its_way(tmp_path, undisturbed):
    arrived = threading.Event()
    reached = []
    Unreliable.faults = [lambda: reached.append(arrived.wait(60))]

    class Step(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 5:  # while the checkpoint of batch 2 is being put
                arrived.set()

    m = small()
    fit(m, f"unreliable://{tmp_path}", checkpoint_every=2, callbacks=[Step()])
    assert reached == [True]
    assert_same_bits(m, undisturbed)


@pytest.mark.parametrize("faults", [["fail"], ["fail", "fail"], ["cut", "fail"]])
def test_a_put_is_tried_three_times(tmp_path, faults):
    Unreliable.faults = list(faults)
    m = small()
    assert fit(m, f"unreliable://{tmp_path}", epochs=1).checkpoint_note == ""
    assert files(tmp_path) == ["checkpoint-0000000001.safetensors"]
    again = small()
    fit(again, f"unreliable://{tmp_path}", epochs=1, resume=True)
    assert_same_bits(again, m.get_weights())


def test_a_missed_checkpoint_is_told_and_training_goes_on(tmp_path, undisturbed, capfd):
    Unreliable.faults = ["fail"] * 3
    m = small()
    with pytest.warns(UserWarning, match="step 8 could not be written.*the last one is there"):
        history = fit(m, f"unreliable://{tmp_path}")
    assert "step 8" in history.checkpoint_note
    assert_same_bits(m, undisturbed)
    told = capfd.readouterr().err
    assert "checkpoint of step 8 is missing; training goes on" in told
    assert "OSError: the network is down" in told
    assert "checkpoint-0000000001" not in files(tmp_path)


def test_checkpoints_that_all_failed_are_told_at_the_end(tmp_path, undisturbed):
    Unreliable.faults = ["fail"] * 100
    m = small()
    with pytest.warns(UserWarning, match="none was written by this fit"):
        fit(m, f"unreliable://{tmp_path}")
    assert_same_bits(m, undisturbed)
    Unreliable.faults = ["", *["fail"] * 100]
    with pytest.warns(UserWarning, match="the newest there is of step 8"):
        fit(small(), f"unreliable://{tmp_path}", epochs=2)


def test_a_store_that_hangs_is_given_up(tmp_path, undisturbed, monkeypatch):
    monkeypatch.setattr(_remote, "_ANSWER", 0.2)
    Unreliable.faults = ["hang"] * 3
    m = small()
    with pytest.warns(UserWarning, match="step 8 could not be written"):
        fit(m, f"unreliable://{tmp_path}")
    assert_same_bits(m, undisturbed)
    Unreliable.go_on.set()  # what was given up comes to its end, and does no harm
    resumed = small()
    fit(resumed, f"unreliable://{tmp_path}", resume=True)
    assert_same_bits(resumed, undisturbed)


def test_a_store_that_cannot_be_written_is_an_error_at_the_start(tmp_path):
    Unreliable.read_only = True
    steps = []
    count = callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs=None: steps.append(1))
    with pytest.raises(OSError, match=r"(?s)cannot use 'unreliable://.*may not write"):
        fit(small(), f"unreliable://{tmp_path}", callbacks=[count])
    assert steps == []


def test_a_damaged_newest_file_is_passed_over(tmp_path, undisturbed):
    place = f"unreliable://{tmp_path}"
    Unreliable.faults = ["", "", "garble"]
    for epochs in (1, 2, 3):
        fit(small(), place, epochs=epochs, resume=True)
    assert len(files(tmp_path)) == 3
    resumed = small()
    fit(resumed, place, resume=True)
    assert_same_bits(resumed, undisturbed)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(OSError, match="none of 3 checkpoints is usable"):
        fit(small(), place, resume=True)


def test_what_killed_writers_left_goes(tmp_path):
    left = tmp_path / "checkpoint-0000000007.safetensors.new-0123456789abcdef"
    left.write_bytes(b"half")
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    staged = Path(tempfile.mkdtemp(prefix=f"{_remote._STAGING}{dead.pid}-"))
    (staged / "checkpoint").write_bytes(b"half")
    fit(small(), f"unreliable://{tmp_path}", epochs=1)
    assert files(tmp_path) == ["checkpoint-0000000001.safetensors"]
    assert not staged.exists()
    mine = Path(tempfile.gettempdir()).glob(f"{_remote._STAGING}{os.getpid()}-*")
    assert not list(mine)


def test_what_is_not_installed_is_said(monkeypatch):
    with pytest.raises(andiron.Error, match="fsspec knows no protocol 'nothing'"):
        fit(small(), "nothing://a")
    fsspec.register_implementation(
        "far", "far_away.FarFileSystem", clobber=True, errtxt="Install far_away to go far"
    )
    with pytest.raises(andiron.Error, match="needs another package: Install far_away to go far"):
        fit(small(), "far://a")
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(andiron.Error, match=r"needs fsspec: pip install 'andiron\[remote\]'"):
        fit(small(), "memory://a")


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("a/b", "a/b"),
        ("/a b#c", "/a b#c"),
        ("file:///a b#c", "/a b#c"),
        ("file:/a", "/a"),
        ("file://localhost/a", "/a"),
        ("s3://bucket/a", "s3://bucket/a"),
        (Path("/a"), "/a"),
    ],
)
def test_places(given, place):
    assert _remote.place_of(given) == place
    assert _remote.is_url(place) == ("s3" in place)


@pytest.mark.parametrize("given", ["file://host/a", Path("s3://bucket/a")])
def test_places_that_are_mistakes(given):
    with pytest.raises(andiron.Error, match=r"^\[checkpoint\]"):
        _remote.place_of(given)


def test_backup_and_restore_takes_a_url(tmp_path, undisturbed):
    backup = callbacks.BackupAndRestore(f"unreliable://{tmp_path}", delete_checkpoint=False)
    fit(small(), None, epochs=1, callbacks=[backup])
    assert len(files(tmp_path)) == 1
    m = small()
    fit(m, None, callbacks=[callbacks.BackupAndRestore(f"unreliable://{tmp_path}")])
    assert_same_bits(m, undisturbed)
    assert files(tmp_path) == []


HANGING = """
    import sys
    sys.path[:0] = {path!r}
    import numpy as np, andiron
    from andiron import Input, Sequential, layers
    from unreliable_fs import Unreliable
    m = Sequential([Input((5,)), layers.Dense(1)])
    m.compile("sgd", "mse")
    Unreliable.faults = [lambda: print("hangs", flush=True) or Unreliable.go_on.wait()]
    try:
        m.fit(np.zeros((64, 5), "f4"), np.zeros((64, 1)), verbose=0,
              checkpoint_dir="unreliable://" + sys.argv[1])
    except KeyboardInterrupt:
        print("interrupted", np.isfinite(m.predict(np.zeros((2, 5), "f4"))).all(), flush=True)
"""


def test_ctrl_c_twice_ends_the_wait_for_a_store_that_hangs(tmp_path):
    path = [os.path.dirname(__file__), *sys.path]
    code = textwrap.dedent(HANGING.format(path=path))
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "hangs\n"
    told: list = []
    reader = threading.Thread(target=lambda: told.append(process.stdout.readline()))
    reader.start()
    for _ in range(100):  # the second one counts when the first one has arrived
        process.send_signal(signal.SIGINT)
        reader.join(0.3)
        if not reader.is_alive():
            break
    assert told == ["interrupted True\n"]
    assert process.wait(timeout=60) == 0
