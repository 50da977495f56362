"""Metrics of one's own: traced once, held by the core, against the same in plain NumPy."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

import andiron
from andiron import Input, Sequential, callbacks, layers, metrics, ops, optimizers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(203, 5)).astype("f")
Y = (X @ RNG.normal(size=(5, 1)) > 0.2).astype("f")
W = RNG.uniform(0.1, 2.0, len(X)).astype("f")


class Specificity(metrics.Metric):
    """Keras's protocol: true negatives / negatives, with a matrix beside it."""

    def __init__(self, threshold=0.5, name="specificity"):
        super().__init__(name)
        self.threshold = threshold
        self.right = self.add_weight(name="right")
        self.negatives = self.add_variable((), "zeros", name="negatives")
        self.table = self.add_variable((2, 2), "zeros", dtype="float64", name="table")
        self.batches = self.add_variable((), "ones", dtype="int32", name="batches")

    def update_state(self, y_true, y_pred, sample_weight=None):
        no = ops.cast(ops.less(y_true, 0.5), "float32")
        low = ops.cast(ops.less(y_pred, self.threshold), "float32")
        if sample_weight is not None:
            no = no * ops.reshape(sample_weight, (-1, 1))
        self.right.assign_add(ops.sum(no * low))
        self.negatives.assign(self.negatives + ops.sum(no))
        rows = ops.concat([no, 1.0 - no], axis=1)
        columns = ops.concat([low, 1.0 - low], axis=1)
        cells = ops.matmul(rows, columns, transpose_a=True)
        self.table.assign_add(ops.cast(cells, "float64"))
        self.batches.assign_add(1)

    def result(self):
        some = ops.greater(self.negatives, 0.0)
        return ops.where(some, self.right / self.negatives, 0.0)


class NumpySpecificity:
    def __call__(self, y_true, y_pred, weight=None):
        no, low = y_true < 0.5, y_pred < 0.5
        w = np.ones(len(no)) if weight is None else weight
        return float((w[:, None] * (no & low)).sum() / (w[:, None] * no).sum())


def within(y_true, y_pred):
    return ops.mean(ops.cast(ops.less(ops.absolute(y_true - y_pred), 0.3), "float32"), axes=[-1])


def host_within(y_true, y_pred):
    return (np.abs(y_true - y_pred) < 0.3).mean(axis=-1)


def model(**more):
    andiron.set_random_seed(4)
    m = Sequential([Input((5,)), layers.Dense(1, "sigmoid")])
    m.compile(optimizers.Adam(0.02), "binary_crossentropy", **more)
    return m


def is_traced(metric):
    return isinstance(metric._core, andiron._core.TracedMetric)


def test_evaluate_gives_numpys_figures():
    own = Specificity()
    m = model(metrics=[own, within], weighted_metrics=[Specificity(name="w"), host_within])
    assert is_traced(own)
    assert [is_traced(metric) for _, _, metric, _ in m._metrics] == [True, True, True, False]
    m.fit(X, Y, epochs=2, verbose=0)
    found = m.evaluate(X, Y, sample_weight=W, batch_size=32, return_dict=True)
    p = m.predict(X)
    assert found["specificity"] == pytest.approx(NumpySpecificity()(Y, p), rel=1e-6)
    assert found["w"] == pytest.approx(NumpySpecificity()(Y, p, W), rel=1e-5)
    assert found["within"] == pytest.approx((np.abs(Y - p) < 0.3).mean(), rel=1e-6)
    assert found["host_within"] == pytest.approx(np.average(host_within(Y, p), weights=W), rel=1e-6)
    # The state is the object's own.
    assert int(own.batches.numpy()) == 1 + 7
    assert float(own.result()) == pytest.approx(found["specificity"], rel=1e-7)
    assert own.table.numpy().sum() == len(X)
    own.reset_state()
    assert int(own.batches.numpy()) == 1 and own.table.numpy().sum() == 0


def test_fit_logs_equal_those_of_the_metric_in_numpy():
    class Plain(metrics.Metric):
        def __init__(self):
            super().__init__("plain")
            self.right = self.no = 0.0

        def update_state(self, y_true, y_pred, sample_weight=None):
            no = y_true < 0.5
            self.right += float((no & (y_pred < 0.5)).sum())
            self.no += float(no.sum())

        def result(self):
            return self.right / self.no

    m = model(metrics=[Specificity(), Plain(), within, host_within])
    steps = []

    class Batches(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            steps.append(logs)

    history = m.fit(
        X, Y, epochs=3, batch_size=32, verbose=0, validation_split=0.2, callbacks=[Batches()]
    ).history
    for prefix in ("", "val_"):
        for a, b in (("specificity", "plain"), ("within", "host_within")):
            np.testing.assert_allclose(history[prefix + a], history[prefix + b], rtol=1e-6)
    assert len(steps) == 3 * 6
    for logs in steps:
        assert logs["specificity"] == pytest.approx(logs["plain"], rel=1e-6)


def test_no_python_runs_while_it_is_computed():
    calls = []

    class Counting(Specificity):
        def update_state(self, y_true, y_pred, sample_weight=None):
            calls.append(type(y_pred).__name__)
            super().update_state(y_true, y_pred, sample_weight)

        def result(self):
            calls.append("result")
            return super().result()

    m = model(metrics=[Counting()])
    traced = len(calls)
    m.fit(X, Y, epochs=2, verbose=0)
    m.evaluate(X, Y)
    assert calls[:traced] == ["Value", "result"] and len(calls) == traced


PROGRAM = """
import sys, numpy as np, andiron
m = andiron.load_model(sys.argv[1])
d = np.load(sys.argv[2])
print(m.evaluate(d["x"], d["y"], sample_weight=d["w"], batch_size=50))
m.fit(d["x"], d["y"], epochs=1, verbose=0)
m.save(sys.argv[1] + ".again")
again = andiron.load_model(sys.argv[1] + ".again")
print(again.evaluate(d["x"], d["y"].ravel().astype("int64"), batch_size=50))
print(m.evaluate(d["x"], d["y"], batch_size=50), m.metrics_names)
"""


def test_it_is_saved_and_loaded_without_the_class(tmp_path):
    m = model(metrics=[Specificity(), within], weighted_metrics=[Specificity(name="w")])
    m.fit(X, Y, verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        m.save(tmp_path / "m.safetensors")
    np.savez(tmp_path / "d.npz", x=X, y=Y, w=W)
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM, tmp_path / "m.safetensors", tmp_path / "d.npz"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    first, again, last = found.stdout.splitlines()
    want = m.evaluate(X, Y, sample_weight=W, batch_size=50)
    np.testing.assert_allclose(eval(first), want, rtol=1e-6)
    assert last.startswith(again) and "'specificity', 'within', 'w'" in last


def test_what_cannot_be_traced_stays_python_and_saving_says_so_once(tmp_path):
    class Largest(metrics.Metric):
        def __init__(self):
            super().__init__("largest")
            self.largest = 0.0

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.largest = max(self.largest, float(np.abs(y_true - y_pred).max()))

        def result(self):
            return self.largest

    class Batches(metrics.Metric):  # nothing in it fails on graph values
        def __init__(self):
            super().__init__("batches")
            self.count = self.add_weight()
            self.seen = []

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.count.assign_add(1.0)
            self.seen.append(len(self.seen))

        def result(self):
            return self.count

    m = model(metrics=[Largest(), Batches(), Specificity()])
    m.fit(X, Y, verbose=0)
    _, largest, batches, _ = m.evaluate(X, Y)
    assert largest == pytest.approx(np.abs(Y - m.predict(X)).max(), rel=1e-6)
    assert batches == 7
    with pytest.warns(UserWarning) as told:
        m.save(tmp_path / "m.safetensors")
    assert len(told) == 2
    assert "'largest'" in str(told[0].message) and "'batches'" in str(told[1].message)
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        m.save(tmp_path / "m.safetensors")
    assert andiron.load_model(tmp_path / "m.safetensors").metrics_names == ["loss", "specificity"]


def test_reading_numbers_while_tracing_does_not_freeze_them(tmp_path):
    class Frozen(metrics.Metric):
        def __init__(self):
            super().__init__("frozen")
            self.total = self.add_weight(name="total")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.total.assign(self.total.numpy() + 1)

        def result(self):
            return self.total

    m = model(metrics=[Frozen()])
    assert m.evaluate(X, Y)[1] == 7
    with pytest.warns(UserWarning, match=r"'frozen'.*its numbers cannot be had"):
        m.save(tmp_path / "m.safetensors")


def test_a_reset_of_ones_own():
    class FromTen(Specificity):
        def reset_state(self):
            for v in self.variables:
                v.assign(0)
            self.batches.assign(10)

    own = FromTen()
    m = model(metrics=[own])
    assert is_traced(own)
    m.evaluate(X, Y)
    m.evaluate(X, Y)
    assert int(own.batches.numpy()) == 10 + 7


def test_states_are_merged_and_serialized():
    parts, whole = [Specificity() for _ in range(3)], Specificity()
    p = RNG.uniform(size=Y.shape).astype("f")
    for metric in (*parts, whole):
        metric._core_in(("float32", (None, 1)), ("float32", (None, 1)), True)
        assert is_traced(metric)
        metric._core.reset()
    for metric, rows in zip(parts, (slice(0, 50), slice(50, 51), slice(51, None)), strict=True):
        metric._core.update(Y[rows], p[rows], W[rows])
        whole._core.update(Y[rows], p[rows], W[rows])
    parts[0].merge_state(parts[1:])
    assert int(parts[0].batches.numpy()) == 1 + 3  # not the initial 1 of each
    np.testing.assert_allclose(parts[0]._core.result(), whole._core.result(), rtol=1e-6)
    np.testing.assert_allclose(parts[0].table.numpy(), whole.table.numpy())
    other = Specificity()
    other._core_in(("float32", (None, 1)), ("float32", (None, 1)), True)
    other._core.deserialize(whole._core.serialize())
    assert other._core.result() == whole._core.result()
    with pytest.raises(andiron.Error, match="cannot take the state"):
        other._core.deserialize(metrics.get("mae")._core.serialize())


@pytest.mark.parametrize("method", ["update_state", "result", "reset_state"])
def test_methods_that_fit_would_pass_over_are_refused(method):
    def written(self, *arguments):
        return getattr(metrics.BinaryAccuracy, method)(self, *arguments)

    mine = type("Mine", (metrics.BinaryAccuracy,), {method: written, "__module__": __name__})
    assert mine().name == "binary_accuracy"  # alone it works
    with pytest.raises(andiron.Error) as caught:
        model(metrics=[mine()])
    assert str(caught.value) == (
        f"[compile] Mine.{method} would have no effect, since the core computes a BinaryAccuracy: "
        "derive Mine from metrics.Metric"
    )
    plain = type("Plain", (metrics.BinaryAccuracy,), {"__module__": __name__})
    model(metrics=[plain()])


def test_the_same_of_losses():
    class Mine(andiron.losses.MeanSquaredError):
        def call(self, y_true, y_pred):
            return ops.mean(y_pred, axes=(-1,))

    with pytest.raises(andiron.Error, match="Mine.call would have no effect.*MeanSquaredError"):
        model().compile("adam", Mine())
