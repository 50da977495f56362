"""Steps of one's own: training_step, Optimizer.apply, models with a train_step."""

from __future__ import annotations

import numpy as np
import pytest

import andiron
from andiron import Input, Model, Sequential, callbacks, layers, ops, optimizers

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(96, 4)).astype("f")
Y = (X @ np.float32([[1.0], [-2.0], [0.5], [0.0]]) + 0.3).astype("f")
NAMES = ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Ftrl"]


def net(seed=1, **options):
    andiron.set_random_seed(seed)
    return Sequential([Input((4,)), layers.Dense(6, "tanh", **options), layers.Dense(1)])


def squares(model):
    return lambda x, y: ops.mean(ops.square(model(x) - y))


@pytest.mark.parametrize("name", NAMES)
def test_a_step_is_what_fit_does(name):
    make = lambda: getattr(optimizers, name)(0.02)  # noqa: E731
    fitted, stepped = net(), net()
    fitted.compile(make(), "mse")
    step = andiron.training_step(squares(stepped), make(), stepped)
    for first in range(0, 96, 32):
        rows = slice(first, first + 32)
        wanted = fitted.train_on_batch(X[rows], Y[rows])
        assert step(X[rows], Y[rows]) == pytest.approx(wanted, rel=1e-5)
    for a, b in zip(fitted.get_weights(), stepped.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert step.optimizer.iterations == 3


def test_penalties_constraints_and_running_statistics_are_those_of_fit():
    def make():
        andiron.set_random_seed(2)
        return Sequential(
            [
                Input((4,)),
                layers.Dense(5, kernel_regularizer="l2", kernel_constraint="non_neg"),
                layers.BatchNormalization(),
                layers.Dense(1, activity_regularizer="l2"),
            ]
        )

    fitted, stepped = make(), make()
    fitted.compile(optimizers.SGD(0.05), "mse")
    step = andiron.training_step(squares(stepped), optimizers.SGD(0.05), stepped)
    for _ in range(3):
        wanted = fitted.train_on_batch(X, Y)
        assert step(X, Y) == pytest.approx(wanted, rel=1e-4)
    for a, b in zip(fitted.get_weights(), stepped.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert stepped.get_weights()[0].min() >= 0


def test_only_what_is_named_moves():
    model = net()
    first, last = model.layers
    before = model.get_weights()
    step = andiron.training_step(squares(model), "adam", [last, first.variables[1]])
    step(X, Y)
    moved = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert moved == [False, True, True, True]
    last.trainable = False  # another step, without it
    before = model.get_weights()
    step(X, Y)
    moved = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert moved == [False, True, False, False]


def test_figures_dicts_and_numbers_of_rows():
    model = net()

    def loss(data):
        error = model(data["x"]) - data["y"]
        return ops.mean(ops.square(error)), {"worst": ops.max(ops.absolute(error)), "all": error}

    step = andiron.training_step(loss, optimizers.SGD(1e-12), model)
    for rows in (10, 3, 96, 10):
        found, figures = step({"x": X[:rows], "y": Y[:rows].astype("d")})
        error = model.predict(X[:rows]) - Y[:rows]
        assert found == pytest.approx(float((error**2).mean()), rel=1e-5)
        assert figures["worst"] == pytest.approx(float(np.abs(error).max()), rel=1e-5)
        np.testing.assert_allclose(figures["all"], error, atol=1e-5)
    assert len(step._graphs) == 1  # traced once


def test_dropout_draws_anew_in_each_step():
    drop = layers.Dropout(0.5)
    w = andiron.Variable(np.ones(64, "f"))
    step = andiron.training_step(lambda x: ops.sum(drop(x * w)), optimizers.SGD(1e-12), w)
    drawn = {step(np.ones((1, 64), "f")) for _ in range(5)}
    assert len(drawn) > 1


def test_assignments_in_a_step():
    """A slow copy of the weights, as target networks have it."""
    fast = andiron.Variable([0.0])
    slow = andiron.Variable([0.0], trainable=False)

    def loss(goal):
        slow.assign(0.9 * slow + 0.1 * fast)
        return ops.sum(ops.square(fast - goal))

    step = andiron.training_step(loss, optimizers.SGD(0.25), fast)
    for _ in range(2):
        step(np.float32([4.0]))
    assert fast.numpy() == pytest.approx([3.0])  # 2, then 3
    assert slow.numpy() == pytest.approx([0.2])  # of what fast was before each step


@pytest.mark.parametrize("name", NAMES)
def test_applying_gradients_is_the_same_step(name):
    a, b = andiron.Variable(X[0]), andiron.Variable(X[0])
    goal = X[1]
    one, two = (getattr(optimizers, name)(0.1, clipnorm=1.0) for _ in range(2))
    step = andiron.training_step(lambda g: ops.sum(ops.square(a - g)), one, a)
    for _ in range(4):
        step(goal)
        two.apply_gradients([(2 * (b.numpy() - goal), b)])
    np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-6)
    assert one.iterations == two.iterations == 4


def test_schedules_count_the_steps():
    rate = optimizers.schedules.ExponentialDecay(1.0, 1, 0.5)
    optimizer, w = optimizers.SGD(rate), andiron.Variable([0.0])
    seen = []
    for _ in range(3):
        optimizer.apply([[-1.0]], [w])
        seen.append(float(w.numpy()[0]))
    assert seen == [1.0, 1.5, 1.75] and optimizer.learning_rate == pytest.approx(0.125)


@pytest.mark.parametrize(
    ("loss", "what", "words"),
    [
        (lambda x: x, None, "must be a scalar"),
        (lambda x: 3.0, None, "must return a loss"),
        (lambda x: ops.sum(x), None, "depends on none of the 4 variables"),
        (lambda x: ops.sum(x), andiron.Variable([1.0], trainable=False), "nothing trainable"),
        (lambda x: ops.sum(x), [3], "trainable are layers, models and variables"),
        (lambda x: ops.sum(x), layers.Dense(3), "has no variables yet"),
    ],
)
def test_mistakes_are_told(loss, what, words):
    model = net()
    with pytest.raises((ValueError, TypeError), match=words):
        andiron.training_step(loss, "sgd", model if what is None else what)(X)


def test_a_search_along_a_line_is_refused():
    with pytest.raises(andiron.Error, match="LBFGS evaluates the loss several times"):
        andiron.training_step(lambda x: ops.mean(x), optimizers.LBFGS(), net())
    w = andiron.Variable([1.0, 2.0])
    with pytest.raises(andiron.Error, match="LBFGS evaluates the loss several times"):
        optimizers.LBFGS().apply([[1.0, 1.0]], [w])
    assert w.numpy().tolist() == [1.0, 2.0]


def test_an_optimizer_of_a_compiled_model_is_not_shared():
    model, optimizer = net(), optimizers.SGD(0.1)
    model.compile(optimizer, "mse")
    with pytest.raises(ValueError, match="a compiled model steps with this optimizer"):
        optimizer.apply([np.zeros(1)], [andiron.Variable([1.0])])
    with pytest.raises(ValueError, match="gradient_accumulation_steps is for fit"):
        andiron.training_step(squares(model), optimizers.SGD(gradient_accumulation_steps=2), model)


class Adversaries(Model):
    """The two networks of Goodfellow et al. 2014, in small."""

    def __init__(self, seed=0):
        super().__init__()
        andiron.set_random_seed(seed)
        self.generator = Sequential([Input((3,)), layers.Dense(8, "relu"), layers.Dense(4)])
        self.judge = Sequential([Input((4,)), layers.Dense(8, "relu"), layers.Dense(1)])
        self.noise = np.random.default_rng(seed)

        def told_apart(real, noise):
            yes, no = self.judge(real), self.judge(self.generator(noise))
            return ops.mean(ops.softplus(-yes)) + ops.mean(ops.softplus(no))

        def fooled(noise):
            return ops.mean(ops.softplus(-self.judge(self.generator(noise))))

        self.judging = andiron.training_step(told_apart, optimizers.Adam(0.01), self.judge)
        self.generating = andiron.training_step(fooled, optimizers.Adam(0.01), self.generator)

    def train_step(self, real):
        noise = self.noise.normal(size=(len(real), 3)).astype("f")
        return {"d_loss": self.judging(real, noise), "g_loss": self.generating(noise)}


def test_fit_runs_steps_of_ones_own():
    model = Adversaries()
    model.compile()
    seen = []
    watch = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs))
    history = model.fit(X, batch_size=32, epochs=3, verbose=0, callbacks=[watch]).history
    assert set(history) == {"loss", "d_loss", "g_loss"}
    np.testing.assert_allclose(
        history["loss"], np.add(history["d_loss"], history["g_loss"]), rtol=1e-6
    )
    assert len(seen) == 9 and model.judging.optimizer.iterations == 9
    logs = model.train_on_batch(X[:8], return_dict=True)
    assert logs["d_loss"] > 0 and model.generating.optimizer.iterations == 10
    assert len(model.generating._graphs) == 1
    for call, words in (
        (lambda: model.predict(X), "has steps and no `call`"),
        (lambda: model.save("nowhere"), "has steps and no `call`"),
        (lambda: model.evaluate(X), "no test_step"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_callbacks_of_the_core_see_its_figures():
    model = Adversaries()
    model.compile()
    stop = callbacks.EarlyStopping("g_loss", mode="max", min_delta=100.0, patience=1)
    history = model.fit(X, epochs=9, verbose=0, callbacks=[stop]).history
    assert len(history["loss"]) == 2


def test_a_training_with_its_own_steps_is_resumed_with_the_same_bits(tmp_path):
    class Stops(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    def run(folder, epochs, *more):
        model = Adversaries()
        model.compile()
        made = {"checkpoint_dir": folder, "resume": True} if folder else {}
        model.noise = np.random.default_rng(7)
        try:
            model.fit(X, epochs=epochs, verbose=0, seed=1, callbacks=list(more), **made)
        except KeyboardInterrupt:
            pass
        return model

    def noise_of(epoch):  # the program's own random numbers are its own business
        class Noise(callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                self.model.noise = np.random.default_rng(epoch)

        return Noise()

    whole = run(None, 4, noise_of(0))
    run(tmp_path, 2, noise_of(0))
    resumed = run(tmp_path, 4, noise_of(0))
    assert resumed.judging.optimizer.iterations == whole.judging.optimizer.iterations == 12
    for a, b in zip(whole.variables, resumed.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_a_network_with_a_train_step_predicts_and_is_validated():
    class Fitted(Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)
            self.step = None

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, y = data
            self.step = self.step or andiron.training_step(squares(self), self.optimizer, self)
            return {"loss": self.step(x, y)}

        def test_step(self, data):
            x, y = data
            return {"loss": float(((np.asarray(self(x).numpy()) - y) ** 2).mean())}

    model = Fitted()
    model.compile(optimizers.Adam(0.05))
    history = model.fit(X, Y, epochs=40, verbose=0, validation_split=0.25).history
    assert history["val_loss"][-1] < 0.05 * history["val_loss"][0]
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(
        float(((model.predict(X) - Y) ** 2).mean()), rel=1e-4
    )


def test_what_a_step_raises_comes_out_of_fit():
    class Broken(Model):
        def train_step(self, data):
            raise RuntimeError("mine")

    class Silent(Model):
        def train_step(self, data):
            return 3.0

    for kind, error, words in (
        (Broken, RuntimeError, "mine"),
        (Silent, TypeError, "must return a"),
    ):
        model = kind()
        model.compile()
        with pytest.raises(error, match=words):
            model.fit(X, verbose=0)


class Halved(Model):
    """w <- w / 2 in each step, by SGD on w^2 / 4."""

    def __init__(self, figures=None, **options):
        super().__init__()
        self.w = andiron.Variable([1.0])
        loss = lambda x: ops.sum(ops.square(self.w)) / 4 + 0 * ops.sum(x)  # noqa: E731
        self.step = andiron.training_step(loss, optimizers.SGD(1.0, **options), self.w)
        self.figures, self.given = figures or [{"loss": 1.0}], []

    def train_step(self, data):
        self.step(np.ones((1, 1), "f"))
        self.given.append(data)
        return self.figures[(len(self.given) - 1) % len(self.figures)]


def test_fit_ends_with_the_averages_of_its_steps_optimizers():
    model = Halved(use_ema=True, ema_momentum=0.5)
    model.compile()
    model.train_on_batch(X[:8])
    assert model.w.numpy() == pytest.approx([0.5])
    model.fit(X[:16], batch_size=8, verbose=0)
    # w: 1/2, 1/4, 1/8; its average starts as Keras's does, at the first of them.
    assert model.w.numpy() == pytest.approx([((0.5 + 0.25) / 2 + 0.125) / 2])


def test_a_figure_is_the_mean_over_the_batches_that_have_it():
    model = Halved([{"d_loss": 1.0}, {"g_loss": 10.0, "d_loss": 3.0}, {"d_loss": 1.0}])
    model.compile()
    history = model.fit(X[:32], batch_size=8, epochs=1, verbose=0).history
    assert history["d_loss"] == [pytest.approx(1.5)]  # 1, 3, 1, 1
    assert history["g_loss"] == [pytest.approx(10.0)]
    # Batches count by their rows: 8 with d_loss 1, 3 with both.
    model.given.clear()
    history = model.fit(X[:11], batch_size=8, epochs=1, verbose=0, shuffle=False).history
    assert history["d_loss"] == [pytest.approx((8 * 1 + 3 * 3) / 11)]
    assert history["g_loss"] == [pytest.approx(10.0)]


class Weighted(Model):
    """A network that learns in a step of its own."""

    def __init__(self):
        andiron.set_random_seed(3)
        x = Input((4,), name="x")
        super().__init__(x, layers.Dense(1)(x))
        self.step, self.steps = None, 0

    def train_step(self, data):
        x, y = data[:2]
        self.step = self.step or andiron.training_step(squares(self), self.optimizer, self)
        self.steps += 1
        return {"loss": self.step(x, y)}


def test_its_file_has_the_network_that_it_trained(tmp_path):
    model = Weighted()
    model.compile(optimizers.Adam(0.05))
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "m.safetensors")
    again = andiron.models.load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    again.compile("sgd", "mse")
    again.fit(X, Y, verbose=0)
    model.fit(X, Y, verbose=0)  # and it goes on


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"class_weight": {0: 2.0}}, "class_weight does not reach Weighted.train_step"),
        ({"validation_data": (X, Y)}, "no test_step, which validation needs"),
        ({"validation_split": 0.2}, "no test_step, which validation needs"),
    ],
)
def test_what_its_step_would_not_see_is_refused_before_the_first(given, words):
    model = Weighted()
    model.compile("sgd")
    with pytest.raises(ValueError, match=words):
        model.fit(X, Y, verbose=0, **given)
    assert model.steps == 0


def test_the_label_of_a_table_is_refused():
    pyarrow = pytest.importorskip("pyarrow")
    columns = {f"c{i}": X[:, i] for i in range(4)}
    table = andiron.data.from_arrow(pyarrow.table({**columns, "y": Y[:, 0]}), label="y")
    model = Weighted()
    model.compile("sgd")
    with pytest.raises(ValueError, match="label of a table does not reach a train_step"):
        model.fit(table, verbose=0)
    with pytest.raises(ValueError, match="class_weight does not reach"):
        model.train_on_batch(X, Y, class_weight={0: 2.0})
    assert model.steps == 0
