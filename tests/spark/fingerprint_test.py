"""What names a training's folder: it differs where the training would, and nowhere else."""

from __future__ import annotations

import pytest

import andiron
from andiron import callbacks, layers

pytest.importorskip("pyspark")
from andiron.spark import _fingerprint  # noqa: E402


class Mine(callbacks.Callback):
    def __init__(self, patience):
        self.patience = patience


def fingerprint(*given) -> str:
    andiron.set_random_seed(1)
    x = andiron.Input((2,))
    model = andiron.Model(x, layers.Dense(1)(x))
    model.compile("adam", "mse")
    return _fingerprint.of_training(model, list(given))


def scheduled(rate):
    return callbacks.LearningRateScheduler(lambda epoch: rate)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (callbacks.EarlyStopping("loss", patience=1), callbacks.EarlyStopping("loss", patience=6)),
        (Mine(1), Mine(2)),
        (callbacks.ReduceLROnPlateau("loss", 0.5), callbacks.ReduceLROnPlateau("loss", 0.1)),
        (scheduled(0.1), scheduled(0.2)),
        (callbacks.LambdaCallback(on_epoch_end=print), callbacks.LambdaCallback()),
    ],
)
def test_settings_and_code_of_callbacks_are_in_it(one, other):
    assert fingerprint(one) != fingerprint(other) != fingerprint()
    assert fingerprint(one) == fingerprint(one)


def test_the_same_said_in_another_way_is_the_same():
    stop = callbacks.EarlyStopping
    assert fingerprint(stop("loss")) == fingerprint(stop(monitor="loss", patience=0))
    assert fingerprint(Mine(1)) == fingerprint(Mine(1))
    assert fingerprint(scheduled(0.1)) == fingerprint(scheduled(0.1))


def test_what_refers_to_itself_has_an_end():
    mine = Mine(1)
    mine.me = [mine]
    assert fingerprint(mine) != fingerprint(Mine(1))
