"""The model that workers get: what the estimator says over what the user's model says."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import andiron
from andiron import layers, metrics, models, optimizers

pytest.importorskip("pyspark")
from andiron.spark import _compiling  # noqa: E402

X, Y = np.random.default_rng(0).normal(size=(8, 2)).astype("f"), np.ones(8, "f")


def model(compiled: bool = True) -> andiron.Model:
    andiron.set_random_seed(1)
    x = andiron.Input((2,))
    one = andiron.Model(x, layers.Dense(1)(x))
    if compiled:
        one.compile(optimizers.Adam(0.3), "mse", metrics=["mae"], weighted_metrics=["mse"])
        one.fit(X, Y, epochs=3, verbose=0)
    return one


def compiled(template, **given):
    names = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics")
    return _compiling.compiled(template, {name: given.get(name) for name in names}, None)


def facts(one) -> tuple:
    loss = one._losses[0].description("float32", [4, 1])["class_name"]
    return type(one.optimizer).__name__, one.optimizer.iterations, loss, one.metrics_names


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("Adam", 3, "MeanSquaredError", ["loss", "mae", "mse"])),
        ({"loss": "mae"}, ("Adam", 3, "MeanAbsoluteError", ["loss", "mae", "mse"])),
        ({"optimizer": "sgd"}, ("SGD", 0, "MeanSquaredError", ["loss", "mae", "mse"])),
        ({"metrics": ["mse"]}, ("Adam", 3, "MeanSquaredError", ["loss", "mse", "mse_1"])),
        ({"weighted_metrics": []}, ("Adam", 3, "MeanSquaredError", ["loss", "mae"])),
    ],
)
def test_each_setting_takes_the_place_of_the_models_own(given, expected):
    template = model()
    assert facts(compiled(template, **given)) == expected
    assert facts(template) == ("Adam", 3, "MeanSquaredError", ["loss", "mae", "mse"])


def test_loss_weights_alone_are_taken():
    plain = compiled(model()).evaluate(X, Y, verbose=0, return_dict=True)
    heavy = compiled(model(), loss_weights=[3.0]).evaluate(X, Y, verbose=0, return_dict=True)
    np.testing.assert_allclose(heavy["loss"], 3 * plain["loss"], rtol=1e-6)


def test_what_neither_says_is_a_default_or_an_error():
    found = compiled(model(False), loss="mse", metrics=["mae"])
    assert facts(found) == ("RMSprop", 0, "MeanSquaredError", ["loss", "mae"])
    with pytest.raises(andiron.Error, match="needs a loss"):
        compiled(model(False), optimizer="sgd")


def test_a_metric_of_ones_own_stays():
    class Sum(metrics.Metric):
        def update_state(self, y_true, y_pred):
            self.total = float(np.asarray(y_pred).sum())

        def result(self):
            return self.total

    template = model()
    template.compile("adam", "mse", metrics=[Sum("own")])
    assert compiled(template, optimizer="sgd").metrics_names == ["loss", "own"]


def test_fits_in_threads_build_a_template_one_after_the_other(monkeypatch):
    template = andiron.Sequential([layers.Dense(3), layers.Dense(1)])
    inside, most = [], []
    real = andiron.Sequential._ready

    def slow(self, x=None):
        if self is not template:
            return real(self, x)
        inside.append(1)
        most.append(len(inside))
        threading.Event().wait(0.05)
        try:
            return real(self, x)
        finally:
            inside.pop()

    monkeypatch.setattr(andiron.Sequential, "_ready", slow)
    given = {"optimizer": None, "loss": "mse", "loss_weights": None, "metrics": None,
             "weighted_metrics": None}  # fmt: skip
    made: list = []
    threads = [
        threading.Thread(
            target=lambda: made.append(_compiling.compiled(template, dict(given), lambda: X))
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 3 and max(most) == 1
    for one in made[1:]:
        for ours, theirs in zip(one.get_weights(), made[0].get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    template._ready()
    assert [w.shape for w in template.get_weights()] == [(2, 3), (3,), (3, 1), (1,)]


class Interrupt(andiron.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 3:
            raise KeyboardInterrupt


def interrupted() -> andiron.Model:
    """Its exact Adam owes steps to the rows of the table that the last batches did not use."""
    andiron.set_random_seed(1)
    who = andiron.Input((), dtype="int32")
    one = andiron.Model(who, layers.Dense(1)(layers.Embedding(50, 4)(who)))
    one.compile(optimizers.Adam(0.1), "mse")
    ids = np.arange(48, dtype="i4")
    with pytest.raises(KeyboardInterrupt):
        one.fit(ids, np.ones(48, "f"), 4, verbose=0, shuffle=False, callbacks=[Interrupt()])
    return one


def test_predictions_elsewhere_are_those_here_after_a_training_that_was_interrupted():
    one = interrupted()
    there = models._from_bytes(one._network_bytes())  # the first to look at the weights
    ids = np.arange(50, dtype="i4")
    np.testing.assert_array_equal(there.predict(ids), one.predict(ids))
