"""Generators, iterables and what looks like Keras's PyDataset, torch's DataLoader or tf.data."""

import contextlib
import gc
import os
import pty
import select
import threading
import time
import traceback
import warnings

import numpy as np
import pandas as pd
import pytest

import andiron
from andiron import Input, Model, Sequential, datasets, layers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(100, 3)).astype(np.float32)
Y = X.sum(1)
W = RNG.uniform(0.5, 2, 100).astype(np.float32)


def compiled(built=True, metrics=("mae",)):
    andiron.set_random_seed(1)
    first = [Input((3,))] if built else []
    model = Sequential([*first, layers.Dense(4, "tanh"), layers.Dense(1)])
    model.compile("adam", "mse", weighted_metrics=list(metrics))
    return model


def cut(size=10, weights=False):
    parts = (X, Y, W) if weights else (X, Y)
    return [tuple(a[i : i + size] for a in parts) for i in range(0, 100, size)]


def generator(size=10, weights=False):
    yield from cut(size, weights)


class Loader:
    """As torch's DataLoader: iterable, with a length, lists as batches."""

    def __iter__(self):
        return (list(batch) for batch in cut())

    def __len__(self):
        return 10


class Dataset:
    """As tf.data: an iterator of NumPy arrays, a length that may be unknown."""

    element_spec = None

    def as_numpy_iterator(self):
        return iter(cut())

    def __iter__(self):
        raise AssertionError("tensors")

    def __len__(self):
        raise TypeError("The dataset length is unknown.")


class PyDataset:
    """As Keras's: a batch for each number."""

    def __init__(self, **options):
        self.calls, self.seen, self.shift = [], [], 0
        self.workers, self.use_multiprocessing, self.max_queue_size = 1, False, 10
        self.__dict__.update(options)

    def __len__(self):
        return 10

    @property
    def num_batches(self):
        return len(self)

    def __getitem__(self, i):
        self.seen.append(i)
        return cut()[i]

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


FORMS = {
    "generator": lambda: generator(),
    "function": lambda: generator,
    "list": lambda: datasets.from_batches(cut()),
    "map": lambda: map(tuple, cut()),
    "loader": Loader,
    "tf.data": Dataset,
    "PyDataset": PyDataset,
    "threads": lambda: PyDataset(workers=3, max_queue_size=4),
    "between the steps": lambda: datasets.from_batches(generator(), prefetch=0),
}


def same(a, b):
    for x, y in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("built", [True, False])
def test_one_epoch_has_the_bits_of_arrays(form, built):
    expected, given = compiled(built), compiled(built)
    andiron.set_random_seed(2)
    one = expected.fit(X, Y, 10, 1, 0, shuffle=False, seed=1)
    andiron.set_random_seed(2)
    two = given.fit(FORMS[form](), shuffle=False, verbose=0, seed=1)
    same(expected, given)
    assert one.history == two.history
    assert given.evaluate(FORMS[form](), verbose=0) == expected.evaluate(X, Y, 10, verbose=0)
    np.testing.assert_array_equal(given.predict(FORMS[form]()), expected.predict(X))


@pytest.mark.parametrize("form", ["function", "list", "loader", "tf.data", "PyDataset"])
def test_what_can_be_walked_again_is(form):
    expected, given = compiled(), compiled()
    expected.fit(X, Y, 10, 3, 0, shuffle=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = given.fit(FORMS[form](), epochs=3, shuffle=False, verbose=0)
    same(expected, given)
    assert len(history.history["loss"]) == 3


def endless():
    while True:
        yield from cut()


def test_steps_per_epoch_go_on_where_the_epoch_before_ended():
    expected, given = compiled(), compiled()
    expected.fit(X, Y, 10, 2, 0, shuffle=False)
    drawn = []
    source = map(lambda batch: drawn.append(1) or batch, endless())
    # Time for the thread to draw as much as it may.
    wait = andiron.callbacks.LambdaCallback(on_train_batch_end=lambda *_: time.sleep(0.01))
    given.fit(source, epochs=5, steps_per_epoch=4, verbose=0, callbacks=[wait])
    same(expected, given)
    assert len(drawn) == 20  # no more than needed


def test_steps_that_end_with_a_walk_begin_the_next_one():
    expected, given = compiled(), compiled()
    expected.fit(X, Y, 10, 2, 0, shuffle=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        given.fit(Loader(), epochs=4, steps_per_epoch=5, verbose=0)
    same(expected, given)


def test_a_walk_that_ends_in_an_epoch_makes_it_shorter():
    given = compiled()
    with pytest.warns(UserWarning, match="ran out of data after 2 of steps_per_epoch=4.*shorter"):
        history = given.fit(Loader(), epochs=4, steps_per_epoch=4, verbose=0)
    assert len(history.epoch) == 4


def test_a_generator_that_ends_early_ends_the_training_and_says_so():
    with pytest.warns(UserWarning, match="ran out of data after 2 of steps_per_epoch=4") as said:
        history = compiled().fit(generator(), epochs=5, steps_per_epoch=4, verbose=0)
    assert history.epoch == [0, 1, 2] and said[0].filename == __file__
    with pytest.warns(UserWarning, match="ran out of data after epoch 1: training ends") as said:
        history = compiled().fit(generator(), epochs=5, verbose=0)
    assert history.epoch == [0] and said[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled().fit(generator(), epochs=2, steps_per_epoch=5, verbose=0)


@pytest.mark.parametrize("source", [iter([]), [], lambda: iter([])])
def test_nothing_is_an_error(source):
    given = datasets.from_batches(source)
    for built in (True, False):
        with pytest.raises(andiron.Error, match="empty: 0 batches"):
            compiled(built).fit(given, verbose=0)


def failing():
    yield from cut()[:3]
    raise KeyError("the row that is not there")


@pytest.mark.parametrize("prefetch", [0, 2])
def test_what_a_generator_raises_arrives_with_its_traceback(prefetch):
    model = compiled()
    for call in (model.fit, model.evaluate, model.predict):
        with pytest.raises(KeyError, match="not there") as caught:
            call(datasets.from_batches(failing(), prefetch), verbose=0)
        assert "failing" in "".join(traceback.format_tb(caught.value.__traceback__))
    model.fit(generator(), verbose=0)  # usable


class Damaged(PyDataset):
    def __getitem__(self, i):
        if i == 7:
            raise ZeroDivisionError("batch 7")
        return super().__getitem__(i)


@pytest.mark.parametrize("options", [{}, {"workers": 3}, {"workers": 2, "use_multiprocessing": 1}])
def test_what_a_worker_raises_arrives(options):
    with pytest.raises(ZeroDivisionError, match="batch 7"):
        compiled().fit(Damaged(**options), verbose=0)


def test_processes_give_the_same_batches_in_the_same_order():
    expected, given = compiled(), compiled()
    expected.fit(X, Y, 10, 2, 0, shuffle=False)
    source = PyDataset(workers=2, use_multiprocessing=True)
    given.fit(source, epochs=2, shuffle=False, verbose=0)
    same(expected, given)
    assert source.seen == []  # other processes had them


def test_numbered_batches_are_shuffled_by_seed_and_epoch():
    orders = []
    for seed in (1, 1, 2):
        source = PyDataset()
        compiled().fit(source, epochs=2, verbose=0, seed=seed)
        orders.append(source.seen)
        assert sorted(source.seen[:10]) == sorted(source.seen[10:]) == list(range(10))
        assert source.calls == ["begin", "end"] * 2
    assert orders[0] == orders[1] != orders[2]
    assert orders[0][:10] != orders[0][10:]


@pytest.mark.parametrize("options", [{"workers": 2}, {"workers": 4, "max_queue_size": 2}])
def test_workers_run_ahead_by_max_queue_size(options):
    class Long(PyDataset):
        def __len__(self):
            return 1000

        def __getitem__(self, i):
            self.seen.append(i)

    source = Long(**{"max_queue_size": 3, **options})
    walk = datasets.from_batches(source).walk(range)
    next(walk)
    time.sleep(0.05)
    assert 0 < len(source.seen) <= max(source.max_queue_size, source.workers)
    walk.close()


def test_an_endless_numbered_source():
    class Endless(PyDataset):
        num_batches = None

        def __getitem__(self, i):
            return super().__getitem__(i % 10)

    expected, given = compiled(), compiled()
    expected.fit(X, Y, 10, 2, 0, shuffle=False)
    given.fit(Endless(), epochs=2, steps_per_epoch=10, verbose=0)
    same(expected, given)


def test_weights_of_samples_and_classes():
    expected, given = compiled(), compiled()
    one = expected.fit(X, Y, 10, 1, 0, shuffle=False, sample_weight=W)
    two = given.fit(generator(weights=True), verbose=0)
    assert one.history == two.history
    labels = (Y > 0).astype(np.int32)

    def classifier():
        andiron.set_random_seed(2)
        model = Sequential([Input((3,)), layers.Dense(2, "softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
        return model

    a, b = classifier(), classifier()
    one = a.fit(X, labels, 10, 1, 0, shuffle=False, class_weight={0: 3.0, 1: 0.5}, sample_weight=W)
    batches = [(X[i : i + 10], labels[i : i + 10], W[i : i + 10]) for i in range(0, 100, 10)]
    two = b.fit(iter(batches), class_weight={0: 3.0, 1: 0.5}, verbose=0)
    same(a, b)
    assert one.history == two.history


@pytest.mark.parametrize("form", ["generator", "function", "PyDataset"])
def test_validation_sees_the_same_batches_each_time(form):
    expected, given = compiled(), compiled()
    one = expected.fit(X, Y, 10, 3, 0, shuffle=False, validation_data=(X, Y), validation_freq=2)
    two = given.fit(X, Y, 10, 3, 0, shuffle=False, validation_data=FORMS[form](),
                    validation_freq=2)  # fmt: skip
    assert one.history == two.history
    one = expected.fit(X, Y, 10, 2, 0, shuffle=False, validation_data=(X[:30], Y[:30]))
    two = given.fit(generator, epochs=2, verbose=0, validation_data=endless(), validation_steps=3)
    assert one.history == two.history


def refilled(size=10):
    """Batches in the same memory again and again."""
    x, y = np.empty((size, 3), "f"), np.empty(size, "f")
    for a, b in cut(size):
        x[:], y[:] = a, b
        yield x, y


@pytest.mark.parametrize("prefetch", [0, 2])
def test_a_generator_may_fill_the_same_memory_again(prefetch):
    expected, given = compiled(), compiled()
    batches = lambda: datasets.from_batches(refilled(), prefetch=prefetch)  # noqa: E731
    one = expected.fit(X, Y, 10, 2, 0, shuffle=False, validation_data=(X, Y))
    two = given.fit(lambda: refilled(), epochs=2, verbose=0, validation_data=batches())
    assert one.history == two.history
    assert given.evaluate(batches(), verbose=0) == expected.evaluate(X, Y, 10, verbose=0)
    np.testing.assert_array_equal(given.predict(batches()), expected.predict(X))


def test_tensors_are_copied_too():
    buffer, given = np.empty((10, 3), "f"), compiled()
    tensor = andiron.from_dlpack(buffer)

    def tensors():
        for x, _ in cut():
            buffer[:] = x
            yield tensor

    np.testing.assert_array_equal(given.predict(tensors()), given.predict(X))


def test_an_endless_validation_is_an_error_before_memory_runs_out(monkeypatch):
    monkeypatch.setattr("andiron._feed._MOST_KEPT", 5000)  # 10 rows of 3 + 1 floats are 160
    model = compiled()
    with pytest.raises(ValueError, match=r"gave 32 batches.*Give validation_steps"):
        model.fit(X, Y, verbose=0, validation_data=endless())
    model.fit(X, Y, verbose=0, validation_data=endless(), validation_steps=50)


def test_steps_of_evaluate_and_predict():
    model = compiled()
    model.fit(X, Y, verbose=0)
    assert model.evaluate(endless(), steps=3, verbose=0) == model.evaluate(X[:30], Y[:30], 10)
    np.testing.assert_array_equal(model.predict(endless(), steps=3), model.predict(X[:30]))
    source = endless()
    model.predict(((x,) for x, _ in source), steps=2)
    np.testing.assert_array_equal(next(source)[0], X[20:30])


def two_inputs():
    andiron.set_random_seed(1)
    a, b = Input((3,), name="a"), Input((1,), name="b", dtype="int32")
    e = layers.Flatten()(layers.Embedding(5, 2)(b))
    h = layers.Concatenate()([a, e])
    model = Model([a, b], [layers.Dense(1, name="p")(h), layers.Dense(1, name="q")(h)])
    model.compile("adam", "mse")
    return model


def test_dicts_and_tuples_of_several_inputs_and_outputs():
    ids = RNG.integers(0, 5, (100, 1)).astype(np.int32)
    rows = [slice(i, i + 10) for i in range(0, 100, 10)]
    expected = two_inputs()
    expected.fit([X, ids], [Y, -Y], 10, 1, 0, shuffle=False)
    for batch in (
        lambda r: ({"b": ids[r], "a": X[r]}, {"q": -Y[r], "p": Y[r]}),
        lambda r: ((X[r], ids[r]), (Y[r], -Y[r])),
        lambda r: [[X[r], ids[r]], [Y[r], -Y[r]]],
    ):
        given = two_inputs()
        given.fit(map(batch, rows), verbose=0)
        same(expected, given)


def test_batches_of_frames_floats_and_strange_memory():
    expected, given = compiled(), compiled()
    expected.fit(X.astype(np.float64), Y, 10, 1, 0, shuffle=False)
    bytes_ = np.zeros(10 * 3 * 4 + 1, np.uint8)

    def batches():
        for i, (x, y) in enumerate(cut()):
            if i % 4 == 0:
                yield pd.DataFrame(x), pd.Series(y)
            elif i % 4 == 1:
                yield x.astype(np.float64), y.tolist()
            elif i % 4 == 2:
                yield np.asfortranarray(x), y[::-1][::-1]
            else:
                unaligned = bytes_[1:].view(np.float32).reshape(10, 3)
                unaligned[...] = x
                unaligned.flags.writeable = False
                yield unaligned, y

    given.fit(batches(), verbose=0)
    for a, b in zip(expected.get_weights(), given.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_batches_of_any_size_and_empty_ones():
    sizes = [7, 0, 13, 80]
    ends = np.cumsum(sizes)
    batches = [(X[e - n : e], Y[e - n : e]) for n, e in zip(sizes, ends, strict=True)]
    model = compiled()
    loss = model.evaluate(iter(batches), verbose=0)
    np.testing.assert_allclose(loss, model.evaluate(X, Y, verbose=0), rtol=1e-6)
    history = model.fit(iter(batches), verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert model.predict(iter(batches)).shape == (100, 1)


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        ((X[:5], Y[:4]), "batch 2 of .*equal numbers"),
        ((X[:5],), "batch 2 .*needs targets"),
        ((X[:5], Y[:5], W[:5], W[:5]), "batch 2 .*tuple of 4"),
        ((X[:5], np.full(5, np.nan)), "batch 2 .*finite"),
        ((X[:5], np.array(list("abcde"))), "batch 2 .*numbers are needed"),
        (({"a": X[:5]}, Y[:5]), "batch 2 .*has no"),
        ((X[:5, :2], Y[:5]), r"batch 2 of list_iterator: input .* got \[5,2\]"),
        ((X[:5], X[:5]), r"batch 2 of list_iterator: target .* got \[5,3\]"),
        ((X[:5], Y[:5], X[:5] ** 2), r"batch 2 of list_iterator: sample_weight .* got \[5,3\]"),
        ((3.0, 4.0), "batch 2"),
        ((None, Y[:5]), "batch 2"),
    ],
)
def test_wrong_batches_are_errors_that_say_which(batch, words):
    model = compiled()
    with pytest.raises((andiron.Error, TypeError), match=words):
        model.fit(iter([cut()[0], batch]), verbose=0)
    model.fit(generator(), verbose=0)


def test_a_wrong_batch_is_named_of_the_source_that_gave_it():
    wrong = (X[:5, :2], Y[:5])
    model = compiled()
    for call in (
        lambda: model.fit(generator(), validation_data=iter([*cut()[:2], wrong]), verbose=0),
        lambda: model.evaluate(iter([*cut()[:2], wrong])),
    ):
        with pytest.raises(andiron.Error, match="batch 3 of list_iterator: input"):
            call()
    with pytest.raises(
        andiron.Error, match="batch 7 of list_iterator: input"
    ):  # of the second epoch
        model.fit(iter([*cut()[:6], wrong]), steps_per_epoch=4, epochs=2, verbose=0)
    with pytest.raises(andiron.Error) as error:
        model.fit(Loader(), validation_data=wrong, verbose=0)
    assert "batch" not in str(error.value).split("must be")[0], error.value


@pytest.mark.parametrize(
    "option", [{"y": Y}, {"batch_size": 32}, {"validation_split": 0.1}, {"sample_weight": W}]
)
def test_what_belongs_to_the_generator_is_refused(option):
    with pytest.raises(andiron.Error, match=f"{next(iter(option))} does not go with a generator"):
        compiled().fit(generator(), verbose=0, **option)


class Map:
    """As torch's Dataset: samples."""

    def __getitem__(self, i):
        return X[i], Y[i]

    def __len__(self):
        return 100


Map.__module__ = "torch.utils.data.dataset"


def test_samples_are_no_batches():
    with pytest.raises(TypeError, match="DataLoader"):
        compiled().fit(Map(), verbose=0)
    with pytest.raises(TypeError, match="batches come from"):
        datasets.from_batches(3)
    with pytest.raises(andiron.Error, match="prefetch"):
        datasets.from_batches([], prefetch=-1)


def test_a_generator_that_asks_its_own_model():
    model = compiled()

    def batches():
        for x, y in cut():
            model.predict(x)
            yield x, y

    with pytest.raises(andiron.Error, match="prefetch=0"):
        model.fit(batches(), verbose=0)
    model.fit(datasets.from_batches(batches(), prefetch=0), verbose=0)


def threads():
    return [t for t in threading.enumerate() if t.name.startswith("andiron-batches")]


def test_no_thread_stays():
    model = compiled()
    model.fit(endless(), steps_per_epoch=3, epochs=2, verbose=0)
    model.evaluate(endless(), steps=3, verbose=0)
    model.predict(endless(), steps=3)
    with pytest.raises(KeyError):
        model.fit(failing(), verbose=0)
    deadline = time.monotonic() + 5
    while threads() and time.monotonic() < deadline:
        time.sleep(0.01)
        gc.collect()
    assert not threads()


def test_an_unknown_length_is_shown_as_such(capfd):
    compiled().fit(generator(), verbose=2)
    assert "10/10 - " in capfd.readouterr().out

    def slow():
        for batch in cut():
            time.sleep(0.03)
            yield batch

    ours, theirs = pty.openpty()  # bars are for terminals
    with open(theirs, "w") as terminal, contextlib.redirect_stdout(terminal):
        compiled().fit(slow(), verbose=1)
        terminal.flush()
        out = ""
        while "10/10 ━" not in out and select.select([ours], [], [], 5)[0]:  # part by part
            out += os.read(ours, 1 << 16).decode(errors="replace")
    os.close(ours)
    assert "/Unknown" in out and "10/10 ━" in out


def test_a_training_resumes_in_the_middle_of_an_epoch(tmp_path):
    class Stop(andiron.callbacks.Callback):
        armed = False

        def on_train_batch_end(self, batch, logs=None):
            if self.armed and self.epoch == 1 and batch == 2:
                raise RuntimeError("killed")

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

    for source, options in (
        (endless, {"steps_per_epoch": 4}),
        (lambda: PyDataset(), {"seed": 3}),
        (lambda: Loader(), {"steps_per_epoch": 6}),
    ):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        whole, cut_off = compiled(), compiled()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stop = Stop()
            options |= {"verbose": 0, "epochs": 3, "callbacks": [stop]}
            one = whole.fit(source(), **options)
            more = {**options, "checkpoint_dir": folder}
            stop.armed = True
            with pytest.raises(RuntimeError, match="killed"):
                cut_off.fit(source(), checkpoint_every=1, **more)
            stop.armed = False
            resumed = compiled()
            two = resumed.fit(source(), resume=True, **more)
        same(whole, resumed)
        assert one.history == two.history


def test_ctrl_c_ends_the_wait_for_a_generator_that_hangs():
    import os
    import signal

    hangs = threading.Event()

    def batches():
        yield cut()[0]
        hangs.wait(20)

    model = compiled()
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        model.fit(batches(), verbose=0)
    assert time.monotonic() - begin < 15
    hangs.set()
    model.fit(generator(), verbose=0)
