"""Optimizers and schedules in training: every one trains, resumes with the same bits, and saves.

Their formulas are checked step by step in andiron/nn/optimizers/optimizer_test.cpp.
"""

import json
import pathlib
import warnings

import numpy as np
import pytest
from andiron.optimizers import schedules

import andiron
from andiron import Input, Model, Sequential, callbacks, layers, losses, models, ops, optimizers

NAMES = ["Adadelta", "Adafactor", "Adamax", "LARS", "Lamb", "Lion", "Muon", "Nadam", "Rprop"]
RATES = {"Adadelta": 1.0, "Adafactor": 0.1, "LARS": 20.0, "Rprop": 0.001}


def data(n=240, seed=0):
    draw = np.random.default_rng(seed)
    x, ids = draw.normal(size=(n, 6)).astype("f"), draw.integers(0, 40, n).astype("i4")
    return [x, ids], np.tanh(x[:, :1] - 0.5 * x[:, 1:2] + np.sin(ids)[:, None]).astype("f")


def network(optimizer, **dense):
    andiron.set_random_seed(4)
    a, b = Input((6,)), Input((), dtype="int32")
    h = layers.Concatenate()([a, layers.Embedding(40, 4)(b)])
    h = layers.Dense(16, "tanh", **dense)(h)
    model = Model([a, b], layers.Dense(1)(h))
    model.compile(optimizer, "mse")
    return model


def make(name, **more):
    rate = schedules.Warmup(5, schedules.ExponentialDecay(RATES.get(name, 0.01), 100, 0.9))
    return getattr(optimizers, name)(rate, **more)


def fit(model, x, y, epochs, **more):
    return model.fit(x, y, 60, epochs, verbose=0, seed=3, **more).history["loss"]


def same(a, b):
    for u, v in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(u, v)


@pytest.mark.parametrize("name", NAMES)
def test_trains_and_resumes_with_the_same_bits(name, tmp_path):
    x, y = data()
    # Clipped by the norm of all, and with averages where the step is one element's.
    more = {"global_clipnorm": 5.0, "use_ema": name in ("Adamax", "Muon")}
    whole = network(make(name, **more))
    loss = fit(whole, x, y, 8, checkpoint_dir=tmp_path / "whole")
    assert loss[-1] < 0.8 * loss[0]
    fit(network(make(name, **more)), x, y, 3, checkpoint_dir=tmp_path / "parts")
    rest = network(make(name, **more))
    fit(rest, x, y, 8, checkpoint_dir=tmp_path / "parts", resume=True)
    same(whole, rest)


@pytest.mark.parametrize("name", ["Nadam", "Muon"])
def test_a_saved_model_trains_on_where_it_was(name, tmp_path):
    x, y = data()
    model = network(make(name))
    fit(model, x, y, 2)
    model.save(tmp_path / "m.safetensors")
    loaded = models.load_model(tmp_path / "m.safetensors")
    assert type(loaded.optimizer).__name__ == name
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    fit(model, x, y, 1)
    fit(loaded, x, y, 1)
    same(model, loaded)


@pytest.mark.parametrize("name", ["Lion", "Lamb"])
def test_constraints_groups_and_accumulation(name):
    x, y = data()
    groups = optimizers.Groups({"embedding": optimizers.SGD(0.1)}, default=make(name))
    model = network(groups, kernel_constraint="non_neg")
    loss = fit(model, x, y, 4)
    assert loss[-1] < loss[0] and model.get_weights()[1].min() >= 0
    # Batches of 20 in threes are batches of 60.
    together = network(make(name))
    together.fit(x, y, 60, 2, verbose=0, shuffle=False)
    apart = network(make(name, gradient_accumulation_steps=3))
    apart.fit(x, y, 20, 2, verbose=0, shuffle=False)
    for u, v in zip(together.get_weights(), apart.get_weights(), strict=True):
        np.testing.assert_allclose(u, v, atol=2e-3 if name == "Lion" else 2e-5)


def test_amsgrad_is_a_setting_of_adam():
    assert optimizers.Adam(amsgrad=True).get_config()["amsgrad"]


def test_names_and_refusals():
    assert type(optimizers.get("lamb")) is optimizers.Lamb
    assert type(optimizers.get("LBFGS")) is optimizers.LBFGS
    with pytest.raises(andiron.Error, match="Rprop"):
        optimizers.get("rpropp")
    with pytest.raises(andiron.Error, match="loss_scale_factor=8.* float32's range"):
        optimizers.Adam(loss_scale_factor=8)
    with pytest.raises(andiron.Error, match="ema_momentum must be in"):
        optimizers.SGD(use_ema=True, ema_momentum=1.5)
    with pytest.raises(TypeError, match="ema_overwrite_frequency must be an integer"):
        optimizers.SGD(use_ema=True, ema_overwrite_frequency=2.5)
    with pytest.raises(andiron.Error, match="lazy lets rows of tables wait"):
        optimizers.Adam(use_ema=True, lazy=True)
    with pytest.raises(andiron.Error, match="clip_threshold must be positive"):
        optimizers.Adafactor(clip_threshold=0)
    with pytest.raises(TypeError, match="there is no argument 'rho'"):
        optimizers.Adam(rho=0.9)
    with pytest.raises(ValueError, match="strong_wolfe"):
        optimizers.LBFGS(line_search_fn="armijo")


def test_a_group_of_no_variables_is_told():
    def compiled(pattern):
        sgd = optimizers.Groups({pattern: optimizers.SGD(0.1)}, default=optimizers.Adam())
        m = Sequential([Input((3,)), layers.Dense(2, name="wide"), layers.Dense(1, name="deep")])
        m.compile(sgd, "mse")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for right in ("wide", "kernel$", "^deep/(bias|kernel)", ""):
            compiled(right)
    with pytest.warns(UserWarning, match="pattern 'wied' matches no .* there are wide/kernel") as w:
        compiled("wied")
    assert len(w) == 1 and w[0].filename == __file__


# Moving averages.


class Watch(callbacks.Callback):
    """What Keras would average."""

    def on_train_begin(self, logs=None):
        self.average = None

    def on_train_batch_end(self, batch, logs=None):
        now = self.model.get_weights()
        before = now if self.average is None else self.average
        self.average = [0.9 * a + 0.1 * w for a, w in zip(before, now, strict=True)]


def test_fit_ends_with_the_averages():
    x, y = data()
    model = network(optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9))
    assert model.optimizer.use_ema
    watch = Watch()
    fit(model, x, y, 2, callbacks=[watch])
    for w, a in zip(model.get_weights(), watch.average, strict=True):
        np.testing.assert_allclose(w, a, atol=1e-6)


def test_swap_tests_with_the_averages_and_trains_without(tmp_path):
    x, y = data()
    plain = network(optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9))
    loss = fit(plain, x, y, 3)
    model = network(optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9))
    seen = []

    class Look(callbacks.Callback):
        def on_test_begin(self, logs=None):
            seen.append(model.get_weights())

    watch = Watch()
    swap = callbacks.SwapEMAWeights(swap_on_epoch=True)
    saved = callbacks.ModelCheckpoint(tmp_path / "{epoch}.safetensors", save_weights_only=True)
    history = model.fit(x, y, 60, 3, verbose=0, seed=3, validation_data=(x, y),
                        callbacks=[watch, swap, saved, Look()])  # fmt: skip
    np.testing.assert_array_equal(history.history["loss"], loss)  # training did not see it
    for w, a in zip(seen[-1], watch.average, strict=True):
        np.testing.assert_allclose(w, a, atol=1e-6)
    same(model, plain)
    loaded = network("sgd")
    loaded.load_weights(tmp_path / "3.safetensors")
    same(model, loaded)
    assert model.evaluate(x, y) == pytest.approx(history.history["val_loss"][-1], rel=1e-5)


def test_a_training_stopped_while_averages_are_in_place_resumes(tmp_path):
    x, y = data()

    def trained(epochs, folder, **more):  # noqa: E306
        model = network(optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9))
        swap = callbacks.SwapEMAWeights(swap_on_epoch=True)
        fit(model, x, y, epochs, callbacks=[swap], checkpoint_dir=tmp_path / folder, **more)
        return model

    whole = trained(4, "whole")
    trained(2, "parts")
    same(whole, trained(4, "parts", resume=True))


@pytest.mark.parametrize("end", [KeyboardInterrupt, RuntimeError])
def test_a_test_that_is_stopped_puts_the_weights_back(end):
    x, y = data()
    model = network(optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9))
    swap, trained = callbacks.SwapEMAWeights(swap_on_epoch=True), []

    class Stop(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            trained[:] = model.get_weights()

        def on_test_batch_end(self, batch, logs=None):
            assert not np.array_equal(model.get_weights()[0], trained[0])  # the averages
            raise end("now")

    with pytest.raises(end):
        model.fit(x, y, 60, 3, verbose=0, validation_data=(x, y), callbacks=[swap, Stop()])
    for w, t in zip(model.get_weights(), trained, strict=True):
        np.testing.assert_array_equal(w, t)
    with pytest.raises(end):
        model.evaluate(x, y, verbose=0, callbacks=[swap, Stop()])
    for w, t in zip(model.get_weights(), trained, strict=True):
        np.testing.assert_array_equal(w, t)


def test_swap_needs_averages():
    x, y = data()
    with pytest.raises(andiron.Error, match="needs an optimizer with use_ema=True; got Adam"):
        fit(network("adam"), x, y, 1, callbacks=[callbacks.SwapEMAWeights()])


# L-BFGS.


def test_lbfgs_finds_the_optimum_of_logistic_regression():
    linear_model = pytest.importorskip("sklearn.linear_model")
    draw = np.random.default_rng(0)
    x = draw.normal(size=(300, 5)).astype("f")
    y = (x @ [1, -2, 0.5, 0, 1] + draw.normal(size=300) > 0).astype("f")
    andiron.set_random_seed(0)
    model = Sequential([Input((5,)), layers.Dense(1)])
    model.compile(optimizers.LBFGS(), losses.BinaryCrossentropy(from_logits=True),
                  metrics=["accuracy"])  # fmt: skip
    history = model.fit(x, y[:, None], batch_size=300, epochs=4, verbose=0, shuffle=False)
    theirs = linear_model.LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(x, y)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(kernel[:, 0], theirs.coef_[0], atol=2e-3)
    np.testing.assert_allclose(bias, theirs.intercept_, atol=2e-3)
    # The figures of a step are those before it.
    assert history.history["loss"][0] > history.history["loss"][1]
    assert history.history["accuracy"][0] < history.history["accuracy"][1]


def test_lbfgs_resumes_with_the_same_bits(tmp_path):
    x, y = data()

    def trained(epochs, folder, **more):  # noqa: E306
        model = network(optimizers.LBFGS(max_iter=3, history_size=4))
        loss = model.fit(x, y, 240, epochs, verbose=0, shuffle=False,
                         checkpoint_dir=tmp_path / folder, **more).history["loss"]  # fmt: skip
        return model, loss

    whole, loss = trained(8, "whole")
    assert loss[-1] < 0.2 * loss[0]
    trained(3, "parts")
    same(whole, trained(8, "parts", resume=True)[0])


def test_a_step_that_fails_leaves_the_weights_where_they_were():
    x, y = data()
    model = network("sgd")
    calls = []

    def far(y_true, y_pred):
        def check(a):
            calls.append(1)
            if len(calls) % 2 == 0:  # where the search tries
                raise ValueError("too far")
            return a

        seen = ops.py_function(check, y_pred, gradient=lambda x, g: g)
        return ops.mean(ops.square(y_true - seen), axes=(-1,))

    model.compile(optimizers.LBFGS(), far)
    before = model.get_weights()
    with pytest.raises(Exception, match="too far"):
        model.fit(x, y, 240, 1, verbose=0, shuffle=False)
    for w, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(w, b)


def test_lbfgs_refuses_what_it_cannot_do():
    x, y = data()
    with pytest.raises(andiron.Error, match="a constraint would leave"):
        fit(network(optimizers.LBFGS(), kernel_constraint="non_neg"), x, y, 1)
    with pytest.raises(TypeError):
        optimizers.LBFGS(gradient_accumulation_steps=2)


# Schedules.

GOLDENS = json.loads((pathlib.Path(__file__).parent / "schedule_goldens.json").read_text())


def built(name, config):
    if "schedules" in config:
        inner = [built(s["class_name"], s["config"]) for s in config["schedules"]]
        config = {**config, "schedules": inner}
    return getattr(schedules, name)(**config)


@pytest.mark.parametrize("source, name, config, rates", GOLDENS["schedules"])
def test_schedules_have_the_values_of_keras_and_torch(source, name, config, rates):
    schedule = built(name, config)
    ours = np.array([schedule(n) for n in range(len(rates))])
    np.testing.assert_allclose(ours, rates, rtol=2e-5, atol=1e-8)
    again = andiron.optimizers.SGD(schedule)._core.description()["config"]["learning_rate"]
    assert andiron._core.schedule_at(again, 77) == schedule(77)


def test_schedules_refuse_nonsense():
    rate = schedules.StepDecay(0.1, 5)
    for wrong in [
        schedules.SequentialSchedule([rate, rate], []),
        schedules.OneCycle(0.1, 1),
        schedules.OneCycle(0.1, 10, anneal_strategy="exp"),
        schedules.MultiStepDecay(0.1, [5, 3]),
        schedules.CosineDecayRestarts(0.1, 10, t_mul=0.5),
        schedules.PolynomialDecay(0.1, 0),
    ]:
        with pytest.raises(andiron.Error):
            wrong(0)
