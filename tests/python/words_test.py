"""What a user is told: early, in one sentence, and what to do about it."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import andiron
from andiron import Input, Sequential, callbacks, layers, optimizers
from andiron.collective import Communicator, Listener

X = np.random.default_rng(0).normal(size=(64, 5)).astype("f")
Y = X.sum(1, keepdims=True)


def model(rate=0.01):
    andiron.set_random_seed(1)
    m = Sequential([Input((5,)), layers.Dense(1)])
    m.compile(optimizers.Adam(rate), "mse")
    return m


def said(call) -> str:
    with pytest.raises(andiron.Error) as caught:
        call()
    message = str(caught.value)
    assert message.count("\n") == 0
    return message


# Weights that hold NaN.


def broken():
    m = model(rate=1e30)
    assert "the loss became" in said(lambda: m.fit(X, Y, epochs=20, verbose=0))
    return m


def test_after_a_nan_the_next_fit_blames_the_weights_not_the_data():
    m = broken()
    since = m.optimizer.iterations
    message = said(lambda: m.fit(X, Y, verbose=0))
    assert message.startswith(f"[fit] the weights hold NaN or infinity since step {since} of an")
    assert "'dense/kernel'" in message and "load good weights and compile again" in message
    assert m.optimizer.iterations == since
    assert said(lambda: m.train_on_batch(X, Y)) == message
    assert np.isnan(m.fit(X, Y, verbose=0, on_nan="ignore").history["loss"][0])
    assert len(m.fit(X, Y, epochs=5, verbose=0, on_nan="stop").epoch) == 1


def test_good_weights_in_a_broken_optimizer():
    m = broken()
    m.set_weights([np.zeros_like(w) for w in m.get_weights()])
    message = said(lambda: m.fit(X, Y, verbose=0))
    assert "the optimizer's state holds NaN or infinity since step" in message
    m.compile("adam", "mse")
    m.fit(X, Y, verbose=0)


def test_weights_that_came_with_a_nan():
    m = model()
    weights = m.get_weights()
    weights[0][2, 0] = np.inf
    m.set_weights(weights)
    assert "hold NaN or infinity already before this fit ('dense/kernel')" in said(
        lambda: m.fit(X, Y, verbose=0)
    )


def test_a_checkpoint_before_the_nan_heals(tmp_path):
    m = model()
    m.fit(X, Y, epochs=2, verbose=0, seed=1, checkpoint_dir=tmp_path)
    m.set_weights([np.full_like(w, np.nan) for w in m.get_weights()])
    more = m.fit(X, Y, epochs=3, verbose=0, seed=1, checkpoint_dir=tmp_path, resume=True)
    assert np.isfinite(more.history["loss"]).all()


# Figures of a validation that is not made.


@pytest.mark.parametrize(
    "make",
    [
        callbacks.EarlyStopping,
        lambda: callbacks.ModelCheckpoint("never.safetensors", save_best_only=True),
        lambda: callbacks.ModelCheckpoint("never-{val_loss:.2f}.safetensors"),
        callbacks.ReduceLROnPlateau,
    ],
)
def test_callbacks_that_need_validation_say_so_at_the_start(make):
    m, callback = model(), make()
    message = said(lambda: m.fit(X, Y, verbose=0, callbacks=[callback]))
    assert message.startswith(f"[{type(callback).__name__}] ")
    assert "val_loss" in message and "(fit's validation_data or validation_split" in message
    assert m.optimizer.iterations == 0


def test_they_pass_over_epochs_without_validation(tmp_path):
    path = tmp_path / "m-{epoch}.safetensors"
    given = [
        callbacks.EarlyStopping(patience=50),
        callbacks.ModelCheckpoint(path, save_best_only=True),
        callbacks.ReduceLROnPlateau(patience=50),
    ]
    model().fit(X, Y, epochs=4, verbose=0, validation_split=0.5, validation_freq=2, callbacks=given)
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["m-2.safetensors", "m-4.safetensors"]
    named = callbacks.ModelCheckpoint(tmp_path / "{val_loss}")
    assert "is not in every epoch: leave validation_freq at 1" in said(
        lambda: model().fit(
            X, Y, verbose=0, validation_split=0.5, validation_freq=2, callbacks=[named]
        )
    )


def test_batches_have_no_figures_of_the_validation():
    each = callbacks.ModelCheckpoint("never", save_best_only=True, save_freq=3)
    assert (
        "with save_freq=3 there are figures of the training only; got monitor 'val_loss'"
        in said(lambda: model().fit(X, Y, verbose=0, validation_split=0.5, callbacks=[each]))
    )


def test_a_figure_that_there_is_not_is_a_warning():
    """As in Keras."""
    stop = callbacks.EarlyStopping("val_lose")
    told = r"EarlyStopping monitors 'val_lose', .* there are \['loss', 'val_loss'\]"
    with pytest.warns(UserWarning, match=told):
        model().fit(X, Y, verbose=0, validation_split=0.5, callbacks=[stop])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        right = [callbacks.EarlyStopping(), callbacks.ReduceLROnPlateau("loss")]
        model().fit(X, Y, verbose=0, validation_split=0.5, callbacks=right)


# A resumed training that is not the one of the checkpoint.


def other(optimizer=None, units=1):
    andiron.set_random_seed(1)
    m = Sequential([Input((5,)), layers.Dense(units), layers.Dense(1)])
    m.compile(optimizer or "adam", "mse")
    return m


GIVEN = {"batch_size": 16, "seed": 3, "verbose": 0}


@pytest.mark.parametrize(
    ("change", "x", "words"),
    [
        ({"batch_size": 32}, X, "batch_size was 16 and is 32"),
        ({"seed": 4}, X, "seed was 3 and is 4"),
        ({"shuffle": False}, X, "shuffle was true and is false, seed was 3 and is 0"),
        ({"steps_per_epoch": 2}, X, "steps_per_epoch was all and is 2"),
        ({}, X + 1, "the data are others, in as many rows"),
        ({"batch_size": 8}, X[:60], "rows was 64 and is 60, batch_size was 16 and is 8, the data"),
    ],
)
def test_a_refused_resume_says_what_differs(tmp_path, change, x, words):
    other().fit(X, Y, **GIVEN, checkpoint_dir=tmp_path)
    again, settings = other(), {**GIVEN, **change, "checkpoint_dir": tmp_path}
    with pytest.raises(OSError) as caught:
        again.fit(x, Y[: len(x)], **settings, resume=True)
    message = str(caught.value)
    assert f"is of another training ({words}" in message
    assert "choose another folder, or delete the old checkpoints" in message
    assert again.optimizer.iterations == 0


def test_a_refused_resume_of_another_model(tmp_path):
    other().fit(X, Y, **GIVEN, checkpoint_dir=tmp_path)

    def resumed(m):
        return said(lambda: m.fit(X, Y, **GIVEN, checkpoint_dir=tmp_path, resume=True))

    assert "written with the optimizer Adam, this training has SGD" in resumed(other("sgd"))
    message = resumed(other(units=2))
    assert "where it has 'dense/kernel' float32[5,1], this training has" in message
    assert "'dense/kernel' float32[5,2]" in message
    assert "is of another model or optimizer" in resumed(other(optimizers.Adam(amsgrad=True)))


def test_a_checkpoint_says_what_it_is_of(tmp_path):
    safetensors = pytest.importorskip("safetensors")
    other().fit(X, Y, **GIVEN, checkpoint_dir=tmp_path)
    path = next(tmp_path.glob("checkpoint-*"))
    with safetensors.safe_open(path, "np") as file:
        parts = file.metadata()
    assert set(parts) >= {"andiron.run", "andiron.run_id"}
    assert '"batch_size":16' in parts["andiron.run"]


# Types that do not go over the wire.


def test_bfloat16_on_the_wire_and_float64_weights():
    class Wide(layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(5, 1), dtype="float64", name="w")

        def call(self, inputs):
            from andiron import ops

            return ops.matmul(inputs, ops.cast(self.w.value, "float32"))

    m = Sequential([Input((5,)), Wide(name="wide")])
    m.compile("sgd", "mse")
    listener = Listener("127.0.0.1")
    with Communicator(listener, 0, [listener.address], b"a secret of this test") as alone:
        message = said(lambda: m.fit(X, Y, verbose=0, workers=alone, wire_dtype="bfloat16"))
    assert message.startswith(
        "[fit] wire_dtype=\"bfloat16\" is for float32 weights, and 'wide/w' is"
    )
    assert m.optimizer.iterations == 0
    listener = Listener("127.0.0.1")
    with Communicator(listener, 0, [listener.address], b"a secret of this test") as alone:
        m.fit(X, Y, verbose=0, workers=alone)
