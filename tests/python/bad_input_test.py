"""Every mistake gives an error that says what is wrong, and leaves the model usable."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import andiron
from andiron import Input, Model, Sequential, callbacks, layers, metrics, optimizers

X = np.random.default_rng(0).normal(size=(64, 5)).astype(np.float32)
Y = X.sum(1, keepdims=True)


def model(loss="mse", **kwargs):
    m = Sequential([Input((5,)), layers.Dense(1)])
    m.compile("sgd", loss, **kwargs)
    return m


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (X[:, :4], Y, "5"),
        (X[0], Y[:5], None),
        (X[:, :, None, None], Y, "batch,5|5"),
        (X, Y[:10], "equal numbers|64"),
        (X, np.zeros((64, 3), np.float32), "3"),
        (X[:0], Y[:0], "empty"),
        (X, np.where(np.arange(64)[:, None] == 3, np.nan, Y), "row 3"),
        (X, np.where(np.arange(64)[:, None] == 5, np.inf, Y), "finite"),
        ([X, X], Y, None),
        (X, None, "targets"),
        (np.float32(1.0), Y, None),
        ({"other": X}, Y, "other"),
    ],
)
def test_data_that_do_not_fit(x, y, words):
    m = model()
    before = m.get_weights()[0]
    with pytest.raises(andiron.Error, match=words):
        m.fit(x, y, verbose=0)
    np.testing.assert_array_equal(before, m.get_weights()[0])
    m.fit(X, Y, verbose=0)


@pytest.mark.parametrize("x", [[["a"] * 5], np.array([[object()] * 5]), "text", None])
def test_data_that_are_no_numbers(x):
    with pytest.raises((TypeError, andiron.Error)):
        model().fit(x, Y, verbose=0)
    with pytest.raises((TypeError, andiron.Error)):
        model().predict(x)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"batch_size": 0},
        {"batch_size": -3},
        {"batch_size": 1.5},
        {"epochs": -1},
        {"validation_split": 1.0},
        {"validation_split": -0.1},
        {"validation_data": X},
        {"validation_freq": 0},
        {"sample_weight": np.ones(3)},
        {"sample_weight": np.full(64, np.nan)},
        {"sample_weight": np.full(64, -1.0)},
        {"on_nan": "what"},
        {"resume": True},
        {"callbacks": [print]},
        {"callbacks": print},
        {"class_weight": [1.0, 2.0]},
        {"class_weight": {"a": 1.0}},
        {"callbacks": [callbacks.EarlyStopping("nothing")]},
    ],
)
def test_settings_of_fit(kwargs):
    m = model()
    with pytest.raises((andiron.Error, TypeError)):
        m.fit(X, Y, **{"verbose": 0, **kwargs})
    m.fit(X, Y, verbose=0)


@pytest.mark.parametrize("rate", [0.0, -0.1, float("inf"), float("nan")])
@pytest.mark.parametrize("kind", [optimizers.SGD, optimizers.Adam, optimizers.Ftrl])
def test_learning_rates(kind, rate):
    with pytest.raises(andiron.Error, match="learning_rate|learning rate"):
        kind(rate)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Dense(0),
        lambda: layers.Dense(-1),
        lambda: layers.Dense(3, activation="nothing"),
        lambda: layers.Dense(3, kernel_initializer="nothing"),
        lambda: layers.Dropout(1.1),
        lambda: layers.Dropout(-0.1),
        lambda: layers.Embedding(0, 3),
        lambda: layers.Embedding(3, 10**18)([[0]]),
        lambda: Input((-3,)),
        lambda: model("nothing"),
        lambda: model(metrics=["nothing"]),
        lambda: optimizers.get("nothing"),
        lambda: Sequential([Input((5,)), layers.Dense(2, name="a"), layers.Dense(2, name="a")]),
        lambda: andiron.Tensor(np.zeros(2)).cast("nothing"),
    ],
)
def test_absurd_settings(make):
    with pytest.raises((andiron.Error, MemoryError)):
        make()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.Dense(units="3"), r"\[Dense\] units is an integer; got '3'"),
        (lambda: layers.Dense(3.5), r"\[Dense\] units is an integer; got 3.5"),
        (lambda: layers.Dense(3, use_bias="no"), r"\[Dense\] use_bias is True or False; got 'no'"),
        (lambda: layers.Embedding(4, [2]), r"\[Embedding\] output_dim is an integer; got \[2\]"),
        (lambda: optimizers.Adam(weight_decay="0.1"), r"weight_decay is a number; got '0.1'"),
        (lambda: optimizers.SGD(momentum="0.9"), r"\[SGD\] momentum is a number; got '0.9'"),
        (
            lambda: model().fit(X, Y, class_weight="equal", verbose=0),
            r"class_weight is \{class id: weight\} or \"balanced\"; got 'equal'",
        ),
    ],
)
def test_settings_of_another_type(make, words):
    with pytest.raises(TypeError, match=words):
        make()
    layers.Dense(np.int64(3)), layers.Dense(3.0), optimizers.Adam(weight_decay=np.float32(0.1))


def test_ids_out_of_range():
    m = Sequential(
        [Input((1,), dtype="int32"), layers.Embedding(4, 2), layers.Flatten(), layers.Dense(1)]
    )
    m.compile("adam", "mse")
    for bad in (4, -1, 10**6):
        with pytest.raises(andiron.Error, match="ids|embedding"):
            m.fit(np.full((8, 1), bad), np.zeros((8, 1)), verbose=0)
        with pytest.raises(andiron.Error, match="ids|embedding"):
            m.predict(np.full((8, 1), bad))
    m.fit(np.full((8, 1), 3), np.zeros((8, 1)), verbose=0)


def test_labels_out_of_range():
    m = Sequential([Input((5,)), layers.Dense(3)])
    m.compile("sgd", andiron.losses.SparseCategoricalCrossentropy(from_logits=True))
    for wrong in (3, -1):
        y = np.arange(64) % 3
        y[5] = wrong
        with pytest.raises(andiron.Error, match=f"takes class ids from 0 to 2; got {wrong} in row"):
            m.fit(X, y, verbose=0)
    ignoring = andiron.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    m.compile("sgd", ignoring)
    m.fit(X, np.arange(64) % 4 - 1, verbose=0)
    with pytest.raises(andiron.Error, match="from 0 to 2, and -1 for none; got -2 in row 0"):
        m.fit(X, np.full(64, -2), verbose=0)


@pytest.mark.parametrize("loss", ["BinaryCrossentropy", "BinaryFocalCrossentropy"])
def test_labels_of_two_classes(loss):
    m = Sequential([Input((5,)), layers.Dense(1, "sigmoid")])
    m.compile("sgd", getattr(andiron.losses, loss)())
    y = np.arange(64) % 2
    before = m.get_weights()[0]
    for bad, words in ((y + 1, "2 in row 1"), (2 * y - 1, "-1 in row 0"),
                       ((y * 255).astype(np.uint8), "255 in row 1"),
                       (y[:, None] * 1.5, "1.5 in row 1"),
                       (andiron.Tensor(y * 2.0).cast("bfloat16"), "2.0 in row 1")):  # fmt: skip
        with pytest.raises(andiron.Error, match=f"{loss} takes labels from 0 to 1; got {words}"):
            m.fit(X, bad, verbose=0)
        with pytest.raises(andiron.Error, match=words):
            m.evaluate(X, bad, verbose=0)
    with pytest.raises(andiron.Error, match="batch 1 of .*got 2 in row 1"):
        m.fit(iter([(X, y + 1)]), verbose=0)
    np.testing.assert_array_equal(before, m.get_weights()[0])
    for good in (y, y > 0, y * 0.9 + 0.05, andiron.Tensor(y).cast("bfloat16")):
        m.fit(X, good, verbose=0)
    m.compile("sgd", "hinge")
    m.fit(X, 2 * y - 1, verbose=0)


def test_a_missing_category_is_no_class():
    pd = pytest.importorskip("pandas")
    m = Sequential([Input((5,)), layers.Dense(3)])
    m.compile("sgd", andiron.losses.SparseCategoricalCrossentropy(ignore_class=-1))
    y = pd.Series(np.arange(64) % 3, dtype="category")
    m.fit(X, y, verbose=0)
    y[7:9] = None
    with pytest.raises(andiron.Error, match="y: row 7 is missing"):
        m.fit(X, y, verbose=0)
    with pytest.raises(andiron.Error, match="y: column 'kind': row 7 is missing"):
        m.evaluate(X, pd.DataFrame({"kind": y}), verbose=0)
    with pytest.raises(andiron.Error, match="batch 1 .*row 7 is missing"):
        m.fit(iter([(X, y)]), verbose=0)
    m = model()  # mean squared error would take -1 for a number
    with pytest.raises(andiron.Error, match="y: row 7 is missing"):
        m.fit(X, y, verbose=0)


def test_one_class_only():
    m = Sequential([Input((5,)), layers.Dense(1, "sigmoid")])
    m.compile("adam", "binary_crossentropy", metrics=["accuracy", "AUC", "Precision", "Recall"])
    logs = m.fit(X, np.zeros(64), verbose=0).history
    assert np.isfinite(logs["loss"][0]) and np.isnan(logs["AUC"][0])
    auc = metrics.AUC()
    auc.update_state([0, 0], [0.1, 0.2])
    assert np.isnan(auc.result()) and auc.note()


def test_a_batch_may_be_larger_than_the_data():
    a, b = model(), model()
    b.set_weights(a.get_weights())
    a.fit(X, Y, batch_size=10**9, verbose=0)
    b.fit(X, Y, batch_size=64, verbose=0)
    np.testing.assert_allclose(a.get_weights()[0], b.get_weights()[0], rtol=1e-5)


def test_a_short_last_batch():
    assert model().fit(X, Y, batch_size=60, verbose=0).history["loss"]


def test_a_loss_that_becomes_nan():
    m = model()
    m.compile(optimizers.SGD(1e30), "mse")
    with pytest.raises(andiron.Error, match="step"):
        m.fit(X, Y, epochs=20, verbose=0)
    stopped = m.fit(X, Y, epochs=20, verbose=0, on_nan="stop")
    assert len(stopped.epoch) == 1
    stopped = m.fit(X, Y, epochs=20, verbose=0, callbacks=[callbacks.TerminateOnNaN()])
    assert len(stopped.epoch) == 1
    assert len(m.fit(X, Y, epochs=2, verbose=0, on_nan="ignore").epoch) == 2


def test_an_error_in_a_callback_is_the_users():
    class Bad(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyError("mine")

    m = model()
    with pytest.raises(KeyError, match="mine"):
        m.fit(X, Y, verbose=0, callbacks=[Bad()])
    m.fit(X, Y, verbose=0)


# Files.


def test_names_of_other_formats(tmp_path):
    m = model()
    for name, words in (
        ("k.onnx", "andiron.onnx.save writes ONNX"),
        ("x.keras", "Keras's files are read"),
        ("x.H5", "name end in .safetensors"),
        ("k.weights.h5", "not written"),
        ("m.pth", "PyTorch's files are read"),
    ):
        for write in (m.save, m.save_weights, callbacks.ModelCheckpoint):
            with pytest.raises(andiron.Error, match=words):
                write(tmp_path / name)
    assert not list(tmp_path.iterdir())
    m.save(tmp_path / "m.safetensors")
    m.save(tmp_path / "plain")


def test_unwritable_places(tmp_path):
    m = model()
    for path in (tmp_path / "no" / "such" / "m.safetensors", tmp_path):
        with pytest.raises(OSError):
            m.save(path)
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(OSError):
        m.fit(X, Y, verbose=0, checkpoint_dir=blocked)


def test_a_full_disk_keeps_the_old_file(tmp_path):
    code = f"""
        import resource, sys
        sys.path[:0] = {sys.path!r}
        import signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        import numpy as np, andiron
        from andiron import Sequential, Input, layers
        m = Sequential([Input((5,)), layers.Dense(1)])
        m.save("m.safetensors")
        old = open("m.safetensors", "rb").read()
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
        try:
            m.save("m.safetensors")
        except OSError as error:
            print("OSError", error)
        assert open("m.safetensors", "rb").read() == old
        m.predict(np.zeros((2, 5), "f4"))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "OSError" in done.stdout
    assert os.listdir(tmp_path) == ["m.safetensors"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(place)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True)
    except OSError as error:
        pytest.skip(f"no mount: {error}")
    if done.returncode != 0:
        pytest.skip(f"this user may not mount a tmpfs: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_tmpfs_keeps_the_old_files(small_disk):
    m = Sequential([Input((5,)), layers.Dense(4000), layers.Dense(1)])  # 110 KB
    m.compile("sgd", "mse")
    m.save(small_disk / "m.safetensors")
    old = (small_disk / "m.safetensors").read_bytes()
    (small_disk / "other").write_bytes(bytes(100_000))
    with pytest.raises(OSError, match="(?i)space|full"):
        m.save(small_disk / "m.safetensors")
    with pytest.raises(OSError, match="(?i)space|full"):
        m.fit(X, Y, verbose=0, checkpoint_dir=small_disk / "c")
    assert (small_disk / "m.safetensors").read_bytes() == old
    assert not [p for p in small_disk.rglob("*") if "tmp" in p.name]
    m.predict(X)
    (small_disk / "other").unlink()
    m.save(small_disk / "again.safetensors")


def test_damaged_files(tmp_path):
    path = tmp_path / "m.safetensors"
    m = Sequential([Input((2,)), layers.Dense(1)])
    m.save(path)
    whole = path.read_bytes()
    with pytest.raises(OSError):
        andiron.load_model(tmp_path / "nothing")
    for n in [*range(0, len(whole), 37), len(whole) - 1]:
        path.write_bytes(whole[:n])
        with pytest.raises(OSError):
            andiron.load_model(path)
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << (at % 8)
        path.write_bytes(damaged)
        try:
            loaded = andiron.load_model(path)
        except OSError:
            continue
        # A bit that nothing depends on may flip, a number may not.
        np.testing.assert_array_equal(loaded.get_weights()[0], m.get_weights()[0])


# Ctrl-C, forks, threads.

LONG = """
    import signal, sys
    # Ignored where jobs run behind a shell.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.path[:0] = {path!r}
    import numpy as np, andiron
    from andiron import Sequential, Input, layers
    x = np.random.default_rng(0).normal(size=(4096, 64)).astype("f4")
    y = x.sum(1)
    m = Sequential([Input((64,)), layers.Dense(64, "relu"), layers.Dense(1)])
    m.compile("adam", "mse")
    m.fit(x, y, verbose=0)
    print("ready", flush=True)
    try:
        m.fit(x, y, epochs=10**6, verbose=0)
    except KeyboardInterrupt:
        print("interrupted", np.isfinite(m.predict(x)).all(), flush=True)
    print(len(m.history.epoch) > 0, m.fit(x, y, verbose=0).history["loss"][0] < 10**6, flush=True)
"""


def test_ctrl_c_ends_fit_within_a_second():
    code = textwrap.dedent(LONG.format(path=sys.path))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.7)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "interrupted True\n"
    seconds = time.monotonic() - start
    assert process.stdout.readline() == "True True\n"
    assert process.wait(timeout=60) == 0
    assert seconds < 10  # a second, and what a busy machine takes


def test_fork_after_training():
    m = model()
    m.fit(X, Y, verbose=0)
    expected = m.predict(X)
    pid = os.fork()
    if pid == 0:
        try:
            good = np.array_equal(m.predict(X), expected)
            m.fit(X, Y, verbose=0)
            os._exit(0 if good and not np.array_equal(m.predict(X), expected) else 1)
        except BaseException:
            os._exit(2)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        time.sleep(0.02)
    else:
        os.kill(pid, signal.SIGKILL)
        pytest.fail("the child hangs")
    assert os.waitstatus_to_exitcode(status) == 0
    np.testing.assert_array_equal(m.predict(X), expected)


def test_two_models_in_two_threads():
    def train(seed):
        m = Sequential(
            [
                Input((5,)),
                layers.Dense(8, "relu", kernel_initializer="ones"),
                layers.Dense(1, kernel_initializer="ones"),
            ]
        )
        m.compile("adam", "mse")
        m.fit(X * seed, Y, epochs=20, batch_size=7, verbose=0, seed=seed)
        return m.get_weights()

    alone = [train(1), train(2)]
    together = [None, None]

    def work(i):
        together[i] = train(i + 1)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    for a, b in zip(alone, together, strict=True):
        for u, v in zip(a, b, strict=True):
            np.testing.assert_array_equal(u, v)


def test_one_model_predicts_in_many_threads():
    m = model()
    expected = m.predict(X)
    wrong = []

    def work():
        for n in (1, 7, 64):
            if not np.allclose(m.predict(X[:n]), expected[:n], rtol=1e-5):
                wrong.append(n)

    threads = [threading.Thread(target=work) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not wrong


@pytest.mark.parametrize(
    "wrong", [1.5, np.nan, np.inf, -1e30, 2.0**31, np.int64(2**32 + 1)], ids=str
)
def test_ids_that_are_no_integers_of_the_inputs_dtype(wrong):
    """They used to be cut off: 1.5 to 1, 2^32 + 1 to 1."""
    ids = Input((2,), dtype="int32")
    model = Model(ids, layers.Flatten()(layers.Embedding(5, 2)(ids)))
    data = np.array([[0, 1], [wrong, 2]])
    with pytest.raises(andiron.Error, match="takes int32; got .* at position 2"):
        model.predict(data)
    model.compile("sgd", "mse")
    with pytest.raises(andiron.Error, match="takes int32"):
        model.fit(data, np.zeros((2, 4)), verbose=0)
    np.testing.assert_array_equal(model.predict([[0.0, 4.0]]), model.predict([[0, 4]]))
