"""What travels to workers: metrics, callbacks and compiled models as pickles."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import andiron
from andiron import callbacks, layers, metrics


class Largest(metrics.Metric):
    def __init__(self):
        self.largest = 0.0
        super().__init__("largest")

    def update_state(self, y_true, y_pred):
        self.largest = max(self.largest, float(np.max(y_pred)))

    def result(self):
        return self.largest


# pytest's importlib mode gives this module no importable name.
@pytest.fixture(autouse=True)
def importable(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, Largest.__module__, sys.modules.get(Largest.__module__))
    module = type(sys)(Largest.__module__)
    module.Largest = Largest
    monkeypatch.setitem(sys.modules, Largest.__module__, module)


def test_metrics():
    for made in (metrics.AUC(), metrics.get("mae"), metrics.BinaryAccuracy(threshold=0.25)):
        again = pickle.loads(pickle.dumps(made))
        assert (type(again), again.name) == (type(made), made.name)
        assert again([0.0, 1.0, 1.0], [0.1, 0.3, 0.05]) == made([0.0, 1.0, 1.0], [0.1, 0.3, 0.05])
    own = Largest()
    own.update_state([0.0], [3.0])
    again = pickle.loads(pickle.dumps(own))
    assert again.result() == 3.0
    again.update_state([0.0], [5.0])
    assert (again.result(), own.result()) == (5.0, 3.0)


def test_a_compiled_model_keeps_its_metrics_in_order():
    model = andiron.Sequential([andiron.Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae", Largest(), "mse"])
    again = pickle.loads(pickle.dumps(model))
    assert again.metrics_names == model.metrics_names == [
        "loss", "mae", "largest", "mse"
    ]  # fmt: skip
    x = np.ones((4, 1), "f")
    assert again.evaluate(x, x) == model.evaluate(x, x)


def test_callbacks_are_made_again(tmp_path):
    stop = pickle.loads(pickle.dumps(callbacks.EarlyStopping("loss", min_delta=1e9, patience=2)))
    saved = callbacks.ModelCheckpoint(tmp_path / "{epoch}.safetensors", save_weights_only=True)
    saved = pickle.loads(pickle.dumps(saved))
    model = andiron.Sequential([andiron.Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((4, 1), "f")
    history = model.fit(x, x, epochs=9, verbose=0, callbacks=[stop, saved])
    assert len(history.history["loss"]) == 3
    assert len(list(tmp_path.iterdir())) == 3


def test_files_are_the_first_workers_business(tmp_path, capsys):
    model = andiron.Sequential([andiron.Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((4, 1), "f")
    given = [
        callbacks.ModelCheckpoint(tmp_path / "m.safetensors"),
        callbacks.CSVLogger(tmp_path / "log.csv"),
        callbacks.ProgbarLogger(),
    ]
    for callback in given:
        callback.set_worker(1)
    model.fit(x, x, verbose=0, callbacks=given)
    assert list(tmp_path.iterdir()) == [] and capsys.readouterr().out == ""
    for callback in given:
        callback.set_worker(0)
    model.fit(x, x, verbose=0, callbacks=given[:2])
    assert len(list(tmp_path.iterdir())) == 2
